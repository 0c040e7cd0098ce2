//! The walk: hands a flow from place to place until it arrives or cannot go on.
//!
//! A work list, not recursion: equal-cost branches are states of their own, followed in a fixed order. Each
//! plane (names, filters, routes, firewalls, balancers, services, permissions) is a file beside this one
//! and knows nothing of the others; this file owns loops, limits and the order of branches.

use super::authorize::is_control_plane;
use super::model::{Decision, Flow, HopKind, Missing, Outcome, StepKind, Trace, Zone};
use super::question::{self, EPHEMERAL_PORT, Misunderstood, Origin, Question, Target, Wanted};
use super::state::{Arrival, End, Next, Place, State, Terminal, by, of};
use super::worlds::{self, Asked, Ending, Guess};
use super::{Cause, Disposition};
use crate::diag::At;
use crate::inventory::{Field, Id, ResourceId, Slot, Subnet, TableTag};
use crate::net::{Header, IpAddr, Protocol};
use crate::network::{AttachmentId, AttachmentKind, HOST_ADDRESS, Network};
use crate::rules as azure;

/// A flow may visit this many places; more is a loop or an estate beyond any real one.
const MAX_PLACES: usize = 64;

/// Equal-cost paths are followed up to this many branches in all.
const MAX_BRANCHES: usize = 64;

/// Questions within questions (a look-up that travels to a server, that asks another ...).
const MAX_DEPTH: u8 = 6;

/// Follows flows through one network.
pub(super) struct Walk<'n> {
    pub net: &'n Network,
    pub depth: u8,
}

/// Follows a flow and gives every decision with its evidence. A flow that cannot be understood gives an
/// `unknown` that says why; [`understand`] tells beforehand.
pub fn trace(network: &Network, flow: &Flow) -> Trace {
    match question::understand(network, flow) {
        Ok(question) => Walk { net: network, depth: 0 }.answer(flow, &question, true),
        Err(error) => misunderstood(flow, &error),
    }
}

/// The same walk without writing down evidence.
pub fn decide(network: &Network, flow: &Flow) -> Decision {
    match question::understand(network, flow) {
        Ok(question) => Walk { net: network, depth: 0 }.answer(flow, &question, false).decision(),
        Err(error) => misunderstood(flow, &error).decision(),
    }
}

/// Answers a question understood before; `flow` lends the rest: protocol, ports, identity.
pub(crate) fn decide_question(network: &Network, flow: &Flow, question: &Question) -> Decision {
    Walk { net: network, depth: 0 }.answer(flow, question, false).decision()
}

/// Says how a flow is understood, or why it cannot be.
pub fn understand(network: &Network, flow: &Flow) -> Result<Question, Misunderstood> {
    question::understand(network, flow)
}

fn misunderstood(flow: &Flow, error: &Misunderstood) -> Trace {
    let missing = Missing { cause: Cause::UnknownName, text: error.to_string(), at: At::NOWHERE };
    Trace {
        flow: flow.clone(),
        outcome: Outcome::Unknown,
        disposition: Disposition::InsufficientInfo,
        cause: Some(Cause::UnknownName),
        blockers: Vec::new(),
        hops: Vec::new(),
        back: None,
        assumptions: Vec::new(),
        missing: vec![missing],
        warnings: Vec::new(),
        branches: Vec::new(),
    }
}

impl<'n> Walk<'n> {
    /// A walk for a question within this one; `None` where questions go too deep.
    pub(super) fn deeper(&self) -> Option<Walk<'n>> {
        (self.depth < MAX_DEPTH).then_some(Walk { net: self.net, depth: self.depth + 1 })
    }

    /// Answers a question.
    pub(super) fn answer(&self, flow: &Flow, question: &Question, full: bool) -> Trace {
        let ends = self.all_ends(flow, question, full);
        self.finish(flow, ends)
    }

    /// The header as it is sent, before its destination is known.
    pub(super) fn first_header(&self, flow: &Flow, question: &Question) -> Header {
        Header {
            source: self.source_address(&question.origin),
            destination: question::INTERNET_HOST,
            protocol: flow.protocol,
            source_port: flow.source_port.unwrap_or(EPHEMERAL_PORT),
            port: if flow.protocol.has_ports() { flow.port } else { 0 },
        }
    }

    /// Every branch of a flow, judged.
    pub(super) fn all_ends(&self, flow: &Flow, question: &Question, full: bool) -> Vec<(State, End)> {
        let header = self.first_header(flow, question);
        let fresh = || State {
            path: flow.path.clone(),
            scheme: flow.scheme,
            ..State::new(header, question.origin.clone(), full)
        };
        let mut ends = self.ends(fresh(), question, flow);
        if ends.iter().any(|(state, _)| state.alias_doubt) {
            let other = State { asks_for_alias: true, ..fresh() };
            ends.extend(self.ends(other, question, flow));
        }
        ends.into_iter().flat_map(|(state, end)| self.judge_end(state, end, flow)).collect()
    }

    /// Follows a flow from its sender to every end.
    fn ends(&self, mut state: State, question: &Question, flow: &Flow) -> Vec<(State, End)> {
        // The name comes first: without an address nothing is sent.
        let addressed = self.address_target(&mut state, question);
        let foreign = if addressed { self.one_family(&mut state, flow) } else { None };
        self.originate(&mut state);
        self.suppose_sender(&mut state);
        if let Some((tag, ip)) =
            question::sending_tag(self.net, &flow.from).filter(|(_, ip)| *ip != HOST_ADDRESS)
        {
            state.assume(None, format!("{ip} stands for every sender of the service tag {tag}"));
        }
        if let Some(why) = foreign {
            state.block(StepKind::Originate, Cause::NoCommonFamily, by(&[]), why);
            return vec![(state, End::Stopped)];
        }
        state.addressed = addressed.then_some(state.header.destination);
        if addressed && !state.by_region.is_empty() {
            return self.every_region(state);
        }
        if addressed {
            let place = self.first_place(&mut state);
            return self.run(state, place);
        }
        vec![(state, End::Stopped)]
    }

    /// Where it is not known in which region the target is, and rules tell regions apart: every one of them (TAG-7).
    fn every_region(&self, mut state: State) -> Vec<(State, End)> {
        let addresses = std::mem::take(&mut state.by_region);
        let name: std::sync::Arc<str> = state.host.clone().unwrap_or_else(|| "the target".into());
        let why = format!("the region of `{name}`, which the rules tell apart from others (TAG-7)");
        let mut ends = Vec::new();
        for (way, ip) in addresses.iter().enumerate() {
            let mut branch = state.clone();
            branch.header.destination = *ip;
            branch.addressed = Some(*ip);
            branch.guesses.push(Guess { at: Asked::Region(name.clone()), way, of: addresses.len() });
            branch.assume(
                None,
                format!("{ip} stands for the public address of `{name}`, in whichever region it is"),
            );
            let place = self.first_place(&mut branch);
            ends.extend(self.run(branch, place));
        }
        state.stands_for_unknown = true;
        let unknown = crate::inventory::Unknown::new(At::NOWHERE, why);
        state.unknown(StepKind::Filter, Cause::UnknownValue, &unknown, by(&[azure::TAG_7]));
        ends.push((state, End::Stopped));
        ends
    }

    pub(super) fn source_address(&self, origin: &Origin) -> IpAddr {
        match origin {
            Origin::Attachment(id) => self.net.attachment(*id).address.unwrap_or(question::INTERNET_CLIENT),
            Origin::Subnet(_, ip) | Origin::Site(_, ip) | Origin::Branch(_, ip) | Origin::Internet(ip) => *ip,
            Origin::Service(_) | Origin::Managed(..) => question::INTERNET_CLIENT,
        }
    }

    /// A sender that may not be deployed is taken to be: the question is about what it sends.
    fn suppose_sender(&self, s: &mut State) {
        let sender = s.hops.last().and_then(|h| h.id.clone());
        if let Some(unknown) = sender.and_then(|id| self.net.presence.get(&id)) {
            s.assume(None, format!("the sender is deployed: {}", unknown.why));
        }
    }

    /// The first hop: who sends.
    pub(super) fn originate(&self, s: &mut State) {
        match s.origin.clone() {
            Origin::Attachment(id) => {
                self.enter(s, id);
                if self.net.attachment(id).address.is_none() {
                    let unknown = self.net.attachment(id).address_unknown();
                    s.unknown(StepKind::Originate, Cause::UnknownValue, &unknown, by(&[]));
                }
            }
            Origin::Subnet(subnet, ip) => {
                let id = self.net.inventory.subnets[subnet].id.clone();
                s.assume(
                    None,
                    format!("a host without resources of its own sends from {ip} in `{}`", id.full_name()),
                );
                s.hop(HopKind::Subnet, id.full_name(), Some(id), Zone::Yours);
            }
            Origin::Site(site, ip) => {
                let id = self.net.inventory.on_premises_sites[site].id.clone();
                s.hop(HopKind::OnPremises, format!("{} ({ip})", id.name()), Some(id), Zone::Yours);
            }
            Origin::Branch(_, ip) => {
                s.hop(HopKind::OnPremises, format!("on-premises {ip}"), None, Zone::Yours)
            }
            Origin::Internet(ip) if ip == HOST_ADDRESS => {
                s.hop(HopKind::Platform, format!("the host of the receiver ({ip})"), None, Zone::Azure);
            }
            Origin::Internet(ip) => {
                s.hop(HopKind::Internet, format!("internet client {ip}"), None, Zone::Internet)
            }
            Origin::Service(service) => {
                let id = self.net.inventory.services[service].id.clone();
                s.hop(HopKind::Service, id.name().to_owned(), Some(id), Zone::Azure);
            }
            Origin::Managed(slot, _) => {
                let id = self.net.inventory.id_of(slot).cloned();
                let name = id.as_ref().map(|i| i.full_name()).unwrap_or_default();
                s.hop(HopKind::ManagedNetwork, name, id, Zone::Azure);
            }
        }
        let text = s.header.source;
        s.note(StepKind::Originate, by(&[]), || format!("sends from {text}"));
    }

    /// Gives the header its destination; `false` where there is none and the walk is over.
    fn address_target(&self, s: &mut State, question: &Question) -> bool {
        match &question.target {
            Wanted::Address(ip, target) => {
                s.header.destination = self.seen_from(&s.origin, *ip, target.as_ref());
                s.target = target.clone();
                true
            }
            Wanted::Unaddressed(why) => {
                let unknown = crate::inventory::Unknown::new(At::NOWHERE, why.clone());
                let cause = if why.contains("not modelled") {
                    Cause::UnsupportedResource
                } else {
                    Cause::UnknownValue
                };
                s.unknown(StepKind::Resolve, cause, &unknown, by(&[]));
                false
            }
            Wanted::Name(name) => {
                s.host = Some(name.clone());
                if matches!(s.origin, Origin::Branch(..)) {
                    s.assume(None, "the network behind the gateway resolves names as the internet does");
                }
                self.resolve_target(s, name)
            }
        }
    }

    /// The address a target has for its caller: from the internet a machine is its public address, if it has one.
    pub(super) fn seen_from(&self, origin: &Origin, private: IpAddr, target: Option<&Target>) -> IpAddr {
        let (Origin::Internet(_), Some(Target::Attachment(id))) = (origin, target) else { return private };
        let public = self.net.attachment(*id).public_ip.row();
        public.and_then(|row| self.net.public_addresses[row.index()].0).unwrap_or(private)
    }

    pub(super) fn first_place(&self, s: &mut State) -> Next {
        match s.origin.clone() {
            Origin::Attachment(id) if question::is_private_endpoint(self.net, id) => {
                let text = "a private endpoint takes flows in and opens none";
                s.block(StepKind::Originate, Cause::ServiceCannotInitiate, by(&[azure::PE_4]), text);
                Next::Go(Place::Leave(id))
            }
            Origin::Attachment(id) => {
                if let AttachmentKind::Bastion(bastion) = self.net.attachment(id).kind {
                    self.bastion_opens(s, bastion);
                }
                Next::Go(Place::Leave(id))
            }
            Origin::Subnet(subnet, _) => self.leave_subnet(s, subnet),
            Origin::Site(site, _) => Next::Go(Place::AtSite(site)),
            Origin::Branch(gateway, ip) => self.leave_branch(s, gateway, ip),
            Origin::Internet(ip) if ip == HOST_ADDRESS => self.leave_host(s),
            Origin::Internet(ip) => {
                if !self.net.is_public(ip) {
                    let why =
                        format!("{ip} is a private address that nothing in the files holds or announces");
                    let unknown = crate::inventory::Unknown::new(At::NOWHERE, why);
                    s.unknown(StepKind::Originate, Cause::UnknownValue, &unknown, by(&[azure::TAG_5]));
                }
                Next::Go(Place::Public)
            }
            Origin::Service(_) => self.leave_service(s),
            Origin::Managed(slot, workspace) => self.leave_managed(s, slot, workspace),
        }
    }

    /// Bastion opens RDP and SSH sessions, to other ports than their own from the Standard SKU up (BAS-1). What it sends
    /// to public addresses is its own business (NSG-24).
    fn bastion_opens(&self, s: &mut State, bastion: Id<crate::inventory::BastionHost>) {
        let row = &self.net.inventory.bastion_hosts[bastion];
        let slot = Slot { table: TableTag::BastionHost, row: bastion.raw() };
        let Header { destination, protocol, port, .. } = s.header;
        let session = protocol == Protocol::Tcp;
        if self.net.is_public(destination) || session && matches!(port, 22 | 3389) {
            return;
        }
        let evidence = of(self.net, Some(slot), &[azure::BAS_1]);
        let named = |sku: &str, names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(sku));
        match &row.sku {
            _ if !session => {}
            Field::Known(sku) if named(sku, &["Standard", "Premium"]) => {
                s.assume(
                    None,
                    format!("the session through `{}` asks for port {port} (BAS-1)", row.id.name()),
                );
                return;
            }
            Field::Known(sku) if named(sku, &["Basic", "Developer"]) => {}
            Field::Unknown(unknown) => {
                let unknown = unknown.clone();
                return s.unknown(StepKind::Originate, Cause::UnknownValue, &unknown, evidence);
            }
            _ => {
                let why = format!(
                    "the SKU of `{}`: from Standard up, Bastion opens sessions to port {port} too",
                    row.id.name()
                );
                let unknown = crate::inventory::Unknown::new(row.at, why);
                return s.unknown(StepKind::Originate, Cause::UnknownValue, &unknown, evidence);
            }
        }
        let text =
            format!("`{}` opens sessions on TCP 22 and 3389 only, not {protocol} {port}", row.id.name());
        s.block(StepKind::Originate, Cause::BastionPort, evidence, text);
    }

    /// From behind a gateway: what the gateway announces is sent to it, and what lies behind it stays there.
    fn leave_branch(&self, s: &mut State, gateway: AttachmentId, ip: IpAddr) -> Next {
        let home = self.net.attachment(gateway).vnet;
        let destination = s.header.destination;
        let AttachmentKind::Gateway(row) = self.net.attachment(gateway).kind else {
            return Next::End(End::Stopped);
        };
        let spaces = |vnet: usize| self.net.vnet(Id::new(vnet)).space.contains(destination).then_some(1);
        if self.net.gateways.announced(row, spaces, destination).is_some() {
            s.pass(
                StepKind::Route,
                of(self.net, Some(self.net.attachment(gateway).owner), &[azure::RT_6]),
                || format!("{destination} is announced by `{}`", self.net.attachment(gateway).name),
            );
            return Next::Go(Place::Arrive(gateway));
        }
        let why =
            format!("where {ip}, behind a gateway, sends {destination}: no file describes that network");
        let unknown = crate::inventory::Unknown::new(self.net.inventory.virtual_networks[home].at, why);
        s.unknown(StepKind::Route, Cause::UnknownValue, &unknown, by(&[azure::PEER_8]));
        match self.net.is_public(destination) {
            true => Next::Go(Place::Public),
            false => Next::End(End::Stopped),
        }
    }

    /// Only the platform sends from the host's address, and it is beside each machine (PLAT-3): probes.
    fn leave_host(&self, s: &mut State) -> Next {
        let ip = s.header.destination;
        let named = match s.target {
            Some(Target::Attachment(id)) => Some(id),
            _ => None,
        };
        let holder = || self.net.attachments.iter().position(|a| a.address == Some(ip));
        match named.or_else(|| holder().map(|n| crate::network::AttachmentId(n as u32))) {
            Some(id) => {
                s.note(StepKind::Forward, by(&[azure::PLAT_3]), || {
                    "the host reaches its machine by itself".into()
                });
                Next::Go(Place::Arrive(id))
            }
            None => Next::Go(Place::Public),
        }
    }

    /// Follows every branch to its end.
    pub(super) fn run(&self, state: State, first: Next) -> Vec<(State, End)> {
        let mut ends = Vec::new();
        let mut work = vec![(state, first)];
        let mut branches = 1;
        while let Some((mut state, next)) = work.pop() {
            match next {
                Next::End(end) => ends.push((state, end)),
                Next::Go(place) => {
                    let next = self.visit(&mut state, place);
                    work.push((state, next));
                }
                Next::Split(ways) => {
                    branches += ways.len().saturating_sub(1);
                    if branches > MAX_BRANCHES {
                        state.assume(
                            None,
                            format!("more than {MAX_BRANCHES} equal paths: only the first are followed"),
                        );
                    }
                    let room = MAX_BRANCHES.saturating_sub(ends.len() + work.len()).max(1);
                    for (place, header) in ways.into_iter().take(room).rev() {
                        let mut branch = state.clone();
                        branch.header = header;
                        work.push((branch, Next::Go(place)));
                    }
                }
                Next::Forked(ways) => work.extend(ways.into_iter().rev()),
            }
        }
        ends
    }

    /// What happens at one place.
    pub(super) fn visit(&self, s: &mut State, place: Place) -> Next {
        let key = (place.clone(), s.header);
        if s.trail.contains(&key) {
            let (kind, evidence) = (StepKind::Route, by(&[azure::RT_14]));
            s.block(kind, Cause::RoutingLoop, evidence, format!("{} has been here before: a loop", s.header));
            return Next::End(End::Stopped);
        }
        if s.trail.len() >= MAX_PLACES {
            s.block(
                StepKind::Route,
                Cause::HopLimit,
                by(&[]),
                format!("more than {MAX_PLACES} places visited"),
            );
            return Next::End(End::Stopped);
        }
        s.trail.push(key);
        let met = s.hops.len();
        let next = match place {
            Place::Leave(id) => self.leave(s, id),
            Place::Arrive(id) => self.arrive(s, id),
            Place::Inside(vnet) => self.inside(s, vnet),
            Place::AtSite(site) => self.at_site(s, site),
            Place::Hub(hub, inspected) => self.at_hub(s, hub, inspected),
            Place::Public => self.in_public(s),
            Place::AtService(arrival) => self.at_service(s, arrival),
        };
        if !self.net.presence.is_empty() {
            self.lean_on_presence(s, met);
        }
        next
    }

    /// A flow that meets what may not be deployed leans on it. The sender is there, or nobody would ask.
    fn lean_on_presence(&self, s: &mut State, met: usize) {
        let sender = match &s.origin {
            Origin::Attachment(id) => self.net.inventory.id_of(self.net.attachment(*id).owner).cloned(),
            Origin::Subnet(subnet, _) => Some(self.net.inventory.subnets[*subnet].id.clone()),
            _ => None,
        };
        let home = match &s.origin {
            Origin::Attachment(id) => Some(self.net.attachment(*id).vnet),
            Origin::Subnet(subnet, _) => Some(self.net.ground(*subnet).vnet),
            _ => None,
        };
        let ids: Vec<ResourceId> =
            s.hops[met.min(s.hops.len())..].iter().filter_map(|h| h.id.clone()).collect();
        for id in ids {
            let Some(unknown) = self.net.presence.get(&id).filter(|_| sender.as_ref() != Some(&id)) else {
                continue;
            };
            // What stands in the sender's own network is in doubt for more than that network.
            let same = home.and_then(|v| self.net.presence.get(&self.net.inventory.virtual_networks[v].id));
            if same == Some(unknown) || s.missing.iter().any(|m| *m.text == *unknown.why) {
                continue;
            }
            let slot = self.net.inventory.slot(&id);
            let evidence = of(self.net, slot, &[]);
            s.unknown(StepKind::Forward, Cause::UncertainResource, unknown, evidence);
        }
    }

    /// Enters an attachment's node in the trace.
    pub(super) fn enter(&self, s: &mut State, id: crate::network::AttachmentId) {
        let row = self.net.attachment(id);
        let (kind, zone) = match row.kind {
            AttachmentKind::Interface(_) | AttachmentKind::Host(_) | AttachmentKind::ScaleSet(_) => {
                (HopKind::Interface, Zone::Yours)
            }
            AttachmentKind::Compute(_) | AttachmentKind::ServiceNode(_) => (HopKind::Interface, Zone::Yours),
            AttachmentKind::PrivateEndpoint(..) => (HopKind::PrivateEndpoint, Zone::Yours),
            AttachmentKind::Frontend(..) => (HopKind::LoadBalancer, Zone::Yours),
            AttachmentKind::ApplicationGateway(_) => (HopKind::ApplicationGateway, Zone::Yours),
            AttachmentKind::Firewall(_) => (HopKind::AzureFirewall, Zone::Yours),
            AttachmentKind::Gateway(_) => (HopKind::Gateway, Zone::Yours),
            AttachmentKind::Bastion(_) => (HopKind::Bastion, Zone::Yours),
            AttachmentKind::Resolver(_) => (HopKind::Resolver, Zone::Yours),
            AttachmentKind::RouteServer(_) => (HopKind::Gateway, Zone::Yours),
        };
        let ip = row.address.map(|ip| format!(" ({ip})")).unwrap_or_default();
        s.hop(kind, format!("{}{ip}", row.name), self.net.inventory.id_of(row.owner).cloned(), zone);
        if row.assumed
            && let Some(ip) = row.address
        {
            s.assume(
                None,
                format!(
                    "`{}` has {ip}: Azure assigns its address at deployment, and this is the next free one",
                    row.name
                ),
            );
        }
    }

    /// After an arrival: what authorization says, and the ways back.
    pub(super) fn judge_end(&self, mut s: State, end: End, flow: &Flow) -> Vec<(State, End)> {
        let End::Arrived(terminal, _) = &end else { return vec![(s, end)] };
        self.still_the_same(&mut s);
        if let Terminal::Service(arrival) = terminal {
            s.service_from.get_or_insert(s.blockers.len());
            self.authorize(&mut s, arrival, flow);
        } else if is_control_plane(&s) {
            s.service_from.get_or_insert(s.blockers.len());
            self.authorize_control(&mut s, flow);
        }
        let terminal = terminal.clone();
        self.walk_back(s, &terminal).into_iter().map(|s| (s, end.clone())).collect()
    }

    /// A flow from a subnet where no resource stands for the sender: the subnet's own group and routes.
    fn leave_subnet(&self, s: &mut State, subnet: Id<Subnet>) -> Next {
        self.filter_subnet(s, subnet, false);
        self.answered_by_host(s).unwrap_or_else(|| self.route(s, subnet, None))
    }

    /// Puts the branches together.
    pub(super) fn finish(&self, flow: &Flow, ends: Vec<(State, End)>) -> Trace {
        let ending = |(state, end): (State, End)| Ending {
            guesses: state.guesses.clone(),
            unknown: state.stands_for_unknown,
            trace: {
                let doubt = super::withheld::about(self.net, &state, &end, flow);
                conclude(flow, state, &end, doubt)
            },
        };
        worlds::together(ends.into_iter().map(ending).collect()).unwrap_or_else(|| {
            misunderstood(flow, &Misunderstood::Nothing { text: flow.to.to_string(), near: None })
        })
    }
}

/// The trace of one branch.
fn conclude(flow: &Flow, mut state: State, end: &End, doubt: Option<Missing>) -> Trace {
    let back = super::back::take_back(&mut state);
    let arrived = match end {
        End::Arrived(_, disposition) => Some(*disposition),
        End::Stopped => None,
    };
    if state.missing.is_empty() || !state.blockers.is_empty() {
        state.missing.extend(doubt.clone());
    }
    let (outcome, disposition, cause) = if let Some(missing) = doubt {
        state.blockers.clear();
        (Outcome::Unknown, Disposition::InsufficientInfo, Some(missing.cause))
    } else if let Some(first) = state.blockers.first() {
        (Outcome::Blocked, first.disposition, Some(first.cause))
    } else if let Some(first) = state.missing.first() {
        (Outcome::Unknown, Disposition::InsufficientInfo, Some(first.cause))
    } else if state.intermittent.is_some() {
        let cause = state.intermittent.as_ref().map_or(Cause::Intermittent, |(cause, _)| *cause);
        (Outcome::Mixed, cause.disposition(), Some(cause))
    } else {
        (Outcome::Allowed, arrived.unwrap_or(Disposition::Accepted), None)
    };
    if let Some((_, text)) = state.intermittent.take() {
        state.warn(text);
    }
    state.assumptions.sort();
    Trace {
        flow: flow.clone(),
        outcome,
        disposition,
        cause,
        blockers: state.blockers,
        hops: state.hops,
        back,
        assumptions: state.assumptions,
        missing: state.missing,
        warnings: state.warnings,
        branches: Vec::new(),
    }
}

/// Whether an arrival is over the public endpoint.
pub(super) fn is_public(arrival: &Arrival) -> bool {
    matches!(arrival, Arrival::Public)
}

/// Whether a target is the public internet at large.
pub(super) fn is_internet(target: Option<&Target>) -> bool {
    matches!(target, None | Some(Target::Internet))
}
