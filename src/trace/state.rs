//! What a walk carries along, and how it writes down what it saw.

use super::model::{Action, Assumption, Blocker, Evidence, Hop, HopKind, Missing, Step, StepKind, Zone};
use super::question::{Origin, Target};
use super::worlds::Guess;
use super::{Cause, Disposition};
use crate::diag::At;
use crate::inventory::{Id, OnPremisesSite, ResourceId, Subnet, Unknown, VirtualHub, VirtualNetwork};
use crate::net::{AddressSet, Header, IpAddr};
use crate::network::{AttachmentId, Network};
use crate::rules::RuleId;
use std::sync::Arc;

/// How the flow stands towards the place it is handed to next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// It leaves an attachment's subnet; filters of the attachment come first.
    Leave(AttachmentId),
    /// It reaches an attachment: because it is addressed there, or as a next hop.
    Arrive(AttachmentId),
    /// It is inside a virtual network, looking for its destination.
    Inside(Id<VirtualNetwork>),
    /// It is in an on-premises network.
    AtSite(Id<OnPremisesSite>),
    /// It is at a Virtual WAN hub; the flag tells that the hub's firewall has seen it.
    Hub(Id<VirtualHub>, bool),
    /// It is in public address space.
    Public,
    /// It stands before a platform service.
    AtService(Arrival),
}

/// How a flow came to a service; decides which of its rules apply (PKT-9).
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Arrival {
    /// Over the public endpoint, from the header's source address.
    Public,
    /// Over a service endpoint of this subnet.
    ServiceEndpoint(Id<Subnet>, Arc<str>),
    /// Through a private endpoint.
    PrivateEndpoint(AttachmentId),
    /// Through a private endpoint in a network of Microsoft's, not the estate's.
    ManagedEndpoint,
    /// From a managed service of Azure, not through any network of the estate.
    Backbone,
}

/// A device that remembers the flow, and how it changed the header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Session {
    /// Where.
    pub device: Device,
    /// The header as it came in.
    pub incoming: Header,
    /// The header as it went out.
    pub outgoing: Header,
    /// Whether the answer came by.
    pub answered: bool,
    /// What to call it.
    pub name: String,
}

/// What remembers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Device {
    /// A firewall, appliance or proxy at its attachment: the answer must come by.
    Transit(AttachmentId),
    /// Address translation in the host of an attachment, inbound: undone as the answer leaves.
    Inbound(AttachmentId),
    /// Address translation on the way out of an attachment: undone as the answer arrives.
    Outbound(AttachmentId),
    /// The firewall of a Virtual WAN hub.
    Hub(Id<VirtualHub>),
    /// The internet breakout of a site.
    Site(Id<OnPremisesSite>),
    /// Front Door, which opens a flow of its own to the origin.
    Edge,
}

impl Device {
    /// Whether it drops what it has no session for. Translation at the receiver's own host is undone wherever the answer
    /// leaves.
    pub(super) fn is_stateful(self) -> bool {
        !matches!(self, Device::Inbound(_))
    }
}

/// Why a name resolved publicly although a private endpoint exists.
#[derive(Clone, Debug)]
pub(super) struct Shadow {
    /// The zone that is not linked, or the one that is there in its place.
    pub evidence: Evidence,
    /// In words.
    pub why: String,
}

/// Where the walk ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Terminal {
    /// At an attachment, which takes it.
    Attachment(AttachmentId),
    /// At an address of a subnet that no resource holds.
    Subnet(Id<Subnet>),
    /// At a service.
    Service(Arrival),
    /// At a host of the internet.
    Internet,
    /// At a host of a site.
    Site(Id<OnPremisesSite>),
    /// At a host behind this gateway that only its prefix tells of.
    Beyond(AttachmentId),
    /// At the host's own services.
    Platform,
}

/// How a branch of the walk ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum End {
    /// It got there.
    Arrived(Terminal, Disposition),
    /// It cannot go on.
    Stopped,
}

/// Where to go next, or that it is over.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// On.
    Go(Place),
    /// On, in several equal ways, each with the header it has there.
    Split(Vec<(Place, Header)>),
    /// On, in one of several ways, of which the files do not tell which is right.
    Forked(Vec<(State, Next)>),
    /// Over.
    End(End),
}

/// Everything one branch of a walk carries.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub header: Header,
    pub origin: Origin,
    /// The name asked for, as the service sees it.
    pub host: Option<Arc<str>>,
    /// The path asked for, where it is more than the root.
    pub path: Option<Arc<str>>,
    /// What is spoken, where the port does not say.
    pub scheme: Option<super::model::Scheme>,
    /// The name by which the target knows itself, where one was resolved: the last of a chain of aliases, or the same.
    pub called: Option<Arc<str>>,
    /// What was asked for, where the question or its name says it.
    pub target: Option<Target>,
    pub hops: Vec<Hop>,
    pub blockers: Vec<Blocker>,
    pub missing: Vec<Missing>,
    pub assumptions: Vec<Assumption>,
    pub warnings: Vec<String>,
    pub sessions: Vec<Session>,
    pub trail: Vec<(Place, Header)>,
    /// The answer is on its way: filters know the flow.
    pub returning: bool,
    /// The address of the target was decided by a name that resolved publicly although a private endpoint exists.
    pub public_despite_endpoint: Option<Shadow>,
    /// Whether DNS servers that forward by suffix ask again for an alias they are given (DNS-12).
    pub asks_for_alias: bool,
    /// Whether it mattered.
    pub alias_doubt: bool,
    /// Documented as working at times only.
    pub intermittent: Option<(Cause, String)>,
    /// The public addresses that it may bear beside the one it has: Azure takes any of them.
    pub other_sources: AddressSet,
    /// The address the sender sends to.
    pub addressed: Option<IpAddr>,
    /// The flow is open already: what it went by before the change.
    pub open: Option<Arc<super::open::Way>>,
    /// Whether evidence is written down.
    pub full: bool,
    /// Where the hops of the way back begin.
    pub back_at: Option<usize>,
    /// Where the blockers begin that the service itself makes.
    pub service_from: Option<usize>,
    /// It came in by a Standard public front, which is closed where no group opens it: the rule that says so.
    pub closed_front: Option<RuleId>,
    /// Why the public address it left by is not known.
    pub source_unknown: Option<Unknown>,
    /// Ways it took without knowing that they are right.
    pub guesses: Vec<Guess>,
    /// Addresses that may be the target's, where its region is not known and rules tell regions apart (TAG-7).
    pub by_region: Vec<IpAddr>,
    /// It only stands for what is unknown, should that matter.
    pub stands_for_unknown: bool,
    /// How many hops there were when an application rule took the flow: the firewall of that hop is its proxy.
    pub proxied_here: usize,
}

impl State {
    pub(super) fn new(header: Header, origin: Origin, full: bool) -> State {
        State {
            header,
            origin,
            host: None,
            path: None,
            scheme: None,
            called: None,
            target: None,
            hops: Vec::new(),
            blockers: Vec::new(),
            missing: Vec::new(),
            assumptions: Vec::new(),
            warnings: Vec::new(),
            sessions: Vec::new(),
            trail: Vec::new(),
            returning: false,
            public_despite_endpoint: None,
            asks_for_alias: false,
            alias_doubt: false,
            intermittent: None,
            other_sources: AddressSet::empty(),
            addressed: None,
            open: None,
            full,
            back_at: None,
            service_from: None,
            closed_front: None,
            source_unknown: None,
            guesses: Vec::new(),
            by_region: Vec::new(),
            stands_for_unknown: false,
            proxied_here: 0,
        }
    }

    /// Enters a node. The way back begins with a hop of its own, even at the node where the way there ended.
    pub(super) fn hop(&mut self, kind: HopKind, name: impl Into<String>, id: Option<ResourceId>, zone: Zone) {
        let name = name.into();
        let same = self.hops.last().is_some_and(|h| h.kind == kind && h.name == name && h.id == id);
        if !same || self.back_at == Some(self.hops.len()) {
            let header = Some(self.header);
            self.hops.push(Hop { kind, name, id, zone, header, steps: Vec::new() });
        }
    }

    fn push(&mut self, step: Step) {
        if self.hops.is_empty() {
            self.hop(HopKind::Platform, "start", None, Zone::Yours);
        }
        if let Some(hop) = self.hops.last_mut() {
            hop.steps.push(step);
        }
    }

    /// Writes down a step that lets the flow on.
    pub(super) fn pass(&mut self, kind: StepKind, evidence: Evidence, text: impl FnOnce() -> String) {
        if self.full {
            let text = text();
            self.push(Step {
                kind,
                action: Action::Pass,
                text,
                before: None,
                after: None,
                evidence,
                cause: None,
            });
        }
    }

    /// Gives the header the destination that its name stands for, and writes it down.
    pub(super) fn address(&mut self, destination: IpAddr, evidence: Evidence, text: impl FnOnce() -> String) {
        self.header.destination = destination;
        if self.full {
            let text = text();
            self.push(Step {
                kind: StepKind::Resolve,
                action: Action::Pass,
                text,
                before: None,
                after: Some(self.header),
                evidence,
                cause: None,
            });
        }
    }

    /// Writes down something that decides nothing.
    pub(super) fn note(&mut self, kind: StepKind, evidence: Evidence, text: impl FnOnce() -> String) {
        if self.full {
            let text = text();
            self.push(Step {
                kind,
                action: Action::Note,
                text,
                before: None,
                after: None,
                evidence,
                cause: None,
            });
        }
    }

    /// A device remembers the flow, which it changed from `incoming` to `outgoing`.
    pub(super) fn remember(&mut self, device: Device, incoming: Header, outgoing: Header, name: &str) {
        self.sessions.push(Session { device, incoming, outgoing, answered: false, name: name.to_owned() });
    }

    /// Changes the header and writes it down.
    pub(super) fn rewrite(
        &mut self,
        kind: StepKind,
        after: Header,
        evidence: Evidence,
        text: impl FnOnce() -> String,
    ) {
        let before = std::mem::replace(&mut self.header, after);
        if self.full {
            let (before, after) = (Some(before), Some(after));
            let text = text();
            self.push(Step { kind, action: Action::Rewrite, text, before, after, evidence, cause: None });
        }
    }

    /// Writes down a blocker. The walk goes on as if it had been opened, to find the next.
    pub(super) fn block(
        &mut self,
        kind: StepKind,
        cause: Cause,
        evidence: Evidence,
        text: impl Into<String>,
    ) {
        self.block_as(kind, cause, cause.disposition(), evidence, text);
    }

    /// The same with another disposition: the same cause can stop a flow on the way out or in.
    pub(super) fn block_as(
        &mut self,
        kind: StepKind,
        cause: Cause,
        disposition: Disposition,
        evidence: Evidence,
        text: impl Into<String>,
    ) {
        let text = text.into();
        let (before, after) = (None, None);
        let step = Step {
            kind,
            action: Action::Block,
            text: text.clone(),
            before,
            after,
            evidence: evidence.clone(),
            cause: Some(cause),
        };
        self.push(step);
        let hop = self.hops.len().saturating_sub(1);
        self.blockers.push(Blocker { cause, disposition, hop, text, evidence });
    }

    /// Writes down that something cannot be known here.
    pub(super) fn unknown(&mut self, kind: StepKind, cause: Cause, unknown: &Unknown, evidence: Evidence) {
        let text = unknown.why.to_string();
        let (before, after) = (None, None);
        let evidence =
            if evidence.at == At::NOWHERE { Evidence { at: unknown.at, ..evidence } } else { evidence };
        self.push(Step {
            kind,
            action: Action::Unknown,
            text: text.clone(),
            before,
            after,
            evidence,
            cause: Some(cause),
        });
        self.missing.push(Missing { cause, text, at: unknown.at });
    }

    /// Notes something taken for granted.
    pub(super) fn assume(&mut self, knob: Option<&'static str>, text: impl Into<String>) {
        let assumption = Assumption { knob, text: text.into() };
        if !self.assumptions.contains(&assumption) {
            self.assumptions.push(assumption);
        }
    }

    /// Notes something worth knowing.
    pub(super) fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Whether nothing has stopped it and nothing is unknown.
    pub(super) fn is_clear(&self) -> bool {
        self.blockers.is_empty() && self.missing.is_empty()
    }
}

/// Evidence of semantics rules alone.
pub(super) fn by(rules: &[RuleId]) -> Evidence {
    Evidence { rules: rules.to_vec(), ..Evidence::default() }
}

/// Evidence of a resource.
pub(super) fn of(network: &Network, owner: Option<crate::inventory::Slot>, rules: &[RuleId]) -> Evidence {
    let resource = owner.and_then(|s| network.inventory.id_of(s)).cloned();
    let at = owner.map_or(At::NOWHERE, |s| network.inventory.at_of(s));
    Evidence { resource, at, rules: rules.to_vec(), ..Evidence::default() }
}
