//! The words of an answer: flow, trace, hop, step, evidence.

use super::{Cause, Disposition, Noticed};
use crate::diag::At;
use crate::inventory::ResourceId;
use crate::net::{Header, IpAddr, Protocol};
use crate::network::NearMiss;
use crate::rules::RuleId;
use std::fmt;
use std::sync::Arc;

/// One end of a flow as asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// A resource by name or id, or a host of the estate file; resolved against the network.
    Named(Arc<str>),
    /// `internet`: a public client or host with a documented example address.
    Internet,
    /// An address.
    Address(IpAddr),
    /// A DNS name.
    Fqdn(Arc<str>),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(text) | Self::Fqdn(text) => f.write_str(text),
            Self::Internet => f.write_str("internet"),
            Self::Address(ip) => write!(f, "{ip}"),
        }
    }
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Flow {
    /// A name for reports.
    pub name: Option<Arc<str>>,
    /// The sender.
    pub from: Endpoint,
    /// The receiver.
    pub to: Endpoint,
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port; 0 for protocols without ports.
    pub port: u16,
    /// The source port; an ephemeral one stands for it where absent.
    pub source_port: Option<u16>,
    /// The caller's identity: a principal, or a resource with a managed identity.
    pub identity: Option<Arc<str>>,
    /// The action the caller wants, where authorization is to be judged; absent means reading.
    pub action: Option<Arc<str>>,
    /// The path of the URL asked for, where it is more than the root.
    pub path: Option<Arc<str>>,
    /// What a URL says is spoken, where its port is another's.
    pub scheme: Option<Scheme>,
}

/// What the scheme of a URL says is spoken on a port that is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// HTTP.
    Http,
    /// HTTP within TLS.
    Https,
}

impl Scheme {
    /// How application rules of a firewall write it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Http => "Http",
            Self::Https => "Https",
        }
    }
}

impl Flow {
    /// A flow that nothing more is said of.
    #[must_use]
    pub fn new(from: Endpoint, to: Endpoint, protocol: Protocol, port: u16) -> Flow {
        Flow {
            name: None,
            from,
            to,
            protocol,
            port,
            source_port: None,
            identity: None,
            action: None,
            path: None,
            scheme: None,
        }
    }

    /// The same over TCP.
    #[must_use]
    pub fn tcp(from: Endpoint, to: Endpoint, port: u16) -> Flow {
        Flow::new(from, to, Protocol::Tcp, port)
    }
}

/// The answer in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Every branch gets through, there and back.
    Allowed,
    /// Every branch is stopped.
    Blocked,
    /// The files do not tell enough.
    Unknown,
    /// Equal-cost branches disagree, or Microsoft documents it as intermittent.
    Mixed,
}

impl Outcome {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Mixed => "mixed",
        }
    }

    /// The outcome of a word.
    pub fn parse(text: &str) -> Option<Outcome> {
        [Self::Allowed, Self::Blocked, Self::Unknown, Self::Mixed].into_iter().find(|o| o.word() == text)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Whose part of the world a hop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Zone {
    /// The estate's owner can change it.
    Yours,
    /// Microsoft runs it.
    Azure,
    /// Neither.
    Internet,
}

impl Zone {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yours => "yours",
            Self::Azure => "azure",
            Self::Internet => "internet",
        }
    }
}

/// What kind of node a hop visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are Azure's own")]
pub enum HopKind {
    Resolver,
    Interface,
    Subnet,
    VirtualNetwork,
    Appliance,
    AzureFirewall,
    Gateway,
    VirtualHub,
    NatGateway,
    LoadBalancer,
    ApplicationGateway,
    FrontDoor,
    Bastion,
    PrivateEndpoint,
    Service,
    ManagedNetwork,
    OnPremises,
    Internet,
    Platform,
}

impl HopKind {
    /// What people call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Resolver => "dns",
            Self::Interface => "interface",
            Self::Subnet => "subnet",
            Self::VirtualNetwork => "virtual network",
            Self::Appliance => "appliance",
            Self::AzureFirewall => "firewall",
            Self::Gateway => "gateway",
            Self::VirtualHub => "virtual hub",
            Self::NatGateway => "nat gateway",
            Self::LoadBalancer => "load balancer",
            Self::ApplicationGateway => "application gateway",
            Self::FrontDoor => "front door",
            Self::Bastion => "bastion",
            Self::PrivateEndpoint => "private endpoint",
            Self::Service => "service",
            Self::ManagedNetwork => "managed network",
            Self::OnPremises => "on-premises",
            Self::Internet => "internet",
            Self::Platform => "platform",
        }
    }
}

/// What a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the verb it names")]
pub enum StepKind {
    Originate,
    Resolve,
    Filter,
    Route,
    Translate,
    Balance,
    Proxy,
    Forward,
    Admit,
    Authorize,
    Deliver,
    Return,
}

impl StepKind {
    /// The verb.
    pub fn word(self) -> &'static str {
        match self {
            Self::Originate => "originate",
            Self::Resolve => "resolve",
            Self::Filter => "filter",
            Self::Route => "route",
            Self::Translate => "translate",
            Self::Balance => "balance",
            Self::Proxy => "proxy",
            Self::Forward => "forward",
            Self::Admit => "admit",
            Self::Authorize => "authorize",
            Self::Deliver => "deliver",
            Self::Return => "return",
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// The flow goes on.
    Pass,
    /// The header changed and the flow goes on.
    Rewrite,
    /// The flow is stopped here.
    Block,
    /// The files do not tell.
    Unknown,
    /// Worth saying; decides nothing.
    Note,
}

impl Action {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Rewrite => "rewrite",
            Self::Block => "block",
            Self::Unknown => "unknown",
            Self::Note => "note",
        }
    }
}

/// What decided, and where it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The resource that decided.
    pub resource: Option<ResourceId>,
    /// The rule, route or record by name; default rules as `defaultSecurityRules/NAME`.
    pub name: Option<Arc<str>>,
    /// The semantics rules that make it decide.
    pub rules: Vec<RuleId>,
    /// Where it is written.
    pub at: At,
    /// For filters: what was looked at before and why it did not match.
    pub near_misses: Vec<NearMiss>,
}

impl Evidence {
    /// `resource/name`, short.
    pub fn decider(&self) -> Option<String> {
        match (&self.resource, &self.name) {
            (Some(resource), Some(name)) => Some(format!("{}/{name}", resource.full_name())),
            (Some(resource), None) => Some(resource.full_name()),
            (None, Some(name)) => Some(name.to_string()),
            (None, None) => None,
        }
    }
}

/// One decision inside a hop.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is about.
    pub kind: StepKind,
    /// What it did.
    pub action: Action,
    /// One line for a person.
    pub text: String,
    /// Header before, where it changed.
    pub before: Option<Header>,
    /// Header after, where it changed.
    pub after: Option<Header>,
    /// What decided.
    pub evidence: Evidence,
    /// Why it stops here, for `Block` and `Unknown`.
    pub cause: Option<Cause>,
}

/// One node visited.
#[derive(Clone, Debug, PartialEq)]
pub struct Hop {
    /// What it is.
    pub kind: HopKind,
    /// Its name for a person.
    pub name: String,
    /// Its resource id, where it is a resource.
    pub id: Option<ResourceId>,
    /// Whose it is.
    pub zone: Zone,
    /// The header as the flow came here.
    pub header: Option<Header>,
    /// What was decided there.
    pub steps: Vec<Step>,
}

impl Hop {
    /// Whether the flow is stopped here.
    pub fn blocks(&self) -> bool {
        self.steps.iter().any(|s| s.action == Action::Block)
    }
}

/// Something that stops the flow. The first one found is the primary one.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocker {
    /// Why.
    pub cause: Cause,
    /// How the flow would end here.
    pub disposition: Disposition,
    /// Which hop.
    pub hop: usize,
    /// One line for a person.
    pub text: String,
    /// What decided.
    pub evidence: Evidence,
}

/// Something taken for granted, because the question or the files do not say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assumption {
    /// The knob of the profile that would change it, where there is one.
    pub knob: Option<&'static str>,
    /// One line for a person.
    pub text: String,
}

/// Something the files would have to say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// Why it matters.
    pub cause: Cause,
    /// What is missing.
    pub text: String,
    /// Where it would stand.
    pub at: At,
}

/// The way back of an allowed flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Return {
    /// Whether the answer comes back.
    pub outcome: Outcome,
    /// The hops, from the receiver.
    pub hops: Vec<Hop>,
}

/// One path taken by one flow, with everything that decided it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The question.
    pub flow: Flow,
    /// The answer.
    pub outcome: Outcome,
    /// How it ended.
    pub disposition: Disposition,
    /// Why, where it did not get through or is not known.
    pub cause: Option<Cause>,
    /// All blockers on the way; the first is the primary one.
    pub blockers: Vec<Blocker>,
    /// The way there, name resolution first.
    pub hops: Vec<Hop>,
    /// The way back, where the flow arrived.
    pub back: Option<Return>,
    /// What was taken for granted.
    pub assumptions: Vec<Assumption>,
    /// What is missing, for an unknown.
    pub missing: Vec<Missing>,
    /// Things worth knowing that decided nothing.
    pub warnings: Vec<String>,
    /// Other traces of the same flow over equal-cost branches, this one being the worst.
    pub branches: Vec<Trace>,
}

impl Trace {
    /// What the caller notices. Behind a gateway that opens a flow of its own it is the gateway's answer.
    pub fn noticed(&self) -> Noticed {
        let first = self.blockers.first();
        let cause = first.map(|b| b.cause).or(self.cause);
        let noticed = match (self.outcome, cause) {
            (Outcome::Allowed, _) => return Noticed::Works,
            (Outcome::Unknown, _) | (_, None) => return Noticed::Untold,
            (_, Some(cause)) => first.map_or_else(|| cause.noticed(), |b| self.noticed_of(b)),
        };
        let proxy = |hop: &Hop| matches!(hop.kind, HopKind::FrontDoor | HopKind::ApplicationGateway);
        // A name that the gateway asks for fails at its own hop.
        let until = |b: &Blocker| b.hop + usize::from(b.disposition == Disposition::NameNotResolved);
        let behind = first.is_some_and(|b| self.hops.iter().take(until(b)).any(proxy));
        match noticed {
            Noticed::Timeout
            | Noticed::Reset
            | Noticed::ResetAfterHandshake
            | Noticed::NxDomain
            | Noticed::LookupFailed
                if behind =>
            {
                Noticed::Http502
            }
            other => other,
        }
    }

    /// What the caller would notice of one blocker, in the terms of what is spoken where it stands.
    pub fn noticed_of(&self, blocker: &Blocker) -> Noticed {
        let header = self.hops.get(blocker.hop).and_then(|hop| hop.header);
        blocker.cause.noticed().on_port(header.map_or(self.flow.port, |h| h.port))
    }

    /// The short answer.
    pub fn decision(&self) -> Decision {
        Decision {
            outcome: self.outcome,
            disposition: self.disposition,
            cause: self.cause,
            decider: self.blockers.first().and_then(|b| b.evidence.decider()),
        }
    }
}

/// The answer without the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decision {
    /// The answer.
    pub outcome: Outcome,
    /// How it ended.
    pub disposition: Disposition,
    /// Why, where it did not get through or is not known.
    pub cause: Option<Cause>,
    /// What decided: `resource/rule`.
    pub decider: Option<String>,
}
