//! Behaviour against behaviour: what becomes of the same flows in two networks.
//!
//! Input: two networks and flows. Output: a [`FlowComparison`] for each flow whose answer differs. Where nobody names
//! flows, [`representative`] derives some: what the workloads need, and a few that cross every border there is.

use super::impact::Subjects;
use crate::catalogue::Catalogue;
use crate::inventory::{Id, Slot, Subnet, TableTag};
use crate::net::Protocol;
use crate::network::{AttachmentKind, Network, SubnetRole};
use crate::trace::{self, Endpoint, Flow, Outcome, Trace};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How the answer to a flow differs. The order is that of weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Difference {
    /// It is no longer stopped.
    Opened,
    /// It got through, and does not any more.
    Closed,
    /// The outcome differs in another way: to or from unknown or mixed.
    Outcome,
    /// It is asked in one of the networks only.
    OneSided,
    /// It ends the same way, for another reason or by another rule.
    Decider,
    /// It gets through another way.
    Way,
}

impl Difference {
    /// Every difference, the weightiest first.
    pub const ALL: [Difference; 6] =
        [Self::Opened, Self::Closed, Self::Outcome, Self::OneSided, Self::Decider, Self::Way];

    /// The words.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Outcome => "another outcome",
            Self::OneSided => "in one estate only",
            Self::Decider => "decided by something else",
            Self::Way => "another way",
        }
    }
}

/// A flow whose answer differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowComparison {
    /// The flow.
    pub flow: Flow,
    /// How.
    pub difference: Difference,
    /// The answer before; absent where it cannot be asked there.
    pub before: Option<Trace>,
    /// The answer after.
    pub after: Option<Trace>,
}

/// Compares the answers to flows; those that do not differ are left out. A flow that can be asked in neither network
/// is left out too.
pub fn compare(before: &Network, after: &Network, flows: &[Flow]) -> Vec<FlowComparison> {
    let mut found: Vec<FlowComparison> = flows.iter().filter_map(|flow| one(before, after, flow)).collect();
    found.sort_by_key(|comparison| comparison.difference);
    found
}

fn one(before: &Network, after: &Network, flow: &Flow) -> Option<FlowComparison> {
    let ask =
        |network: &Network| trace::understand(network, flow).is_ok().then(|| trace::trace(network, flow));
    let (before, after) = (ask(before), ask(after));
    let difference = match (&before, &after) {
        (None, None) => return None,
        (Some(before), Some(after)) => difference(before, after)?,
        _ => Difference::OneSided,
    };
    Some(FlowComparison { flow: flow.clone(), difference, before, after })
}

fn difference(before: &Trace, after: &Trace) -> Option<Difference> {
    use Outcome::{Allowed, Blocked};
    let way = |trace: &Trace| trace.hops.iter().map(|hop| (hop.kind, hop.name.clone())).collect::<Vec<_>>();
    match (before.outcome, after.outcome) {
        (Blocked, Allowed) => Some(Difference::Opened),
        (Allowed, Blocked) => Some(Difference::Closed),
        (old, new) if old != new => Some(Difference::Outcome),
        _ if before.decision() != after.decision() => Some(Difference::Decider),
        (Allowed, Allowed) if way(before) != way(after) => Some(Difference::Way),
        _ => None,
    }
}

/// So many places stand for all of an estate.
const PLACES: usize = 30;

/// Ports that are asked between places.
const PORTS: [u16; 2] = [443, 22];

/// Flows that say much of a network: what its workloads need, and from one sender of every subnet to the others, to the
/// internet and to every service; and from the internet to every public address.
pub fn representative(catalogue: &Catalogue, network: &Network) -> Vec<Flow> {
    let subjects = Subjects::of_estate(catalogue, network, &[]);
    let mut flows: BTreeSet<Flow> = subjects.needs.into_iter().flat_map(|need| need.flows).collect();
    let places = places(network);
    let mut add = |from: Endpoint, to: Endpoint, port: u16| {
        if from != to {
            flows.insert(Flow {
                name: None,
                from,
                to,
                protocol: Protocol::Tcp,
                port,
                source_port: None,
                identity: None,
                action: None,
            });
        }
    };
    for from in &places {
        add(from.clone(), Endpoint::Internet, 443);
        for to in &places {
            PORTS.iter().for_each(|port| add(from.clone(), to.clone(), *port));
        }
        for hosts in network.names.service_hosts.iter().take(PLACES) {
            if let Some(host) = hosts.iter().flatten().find(|host| !host.starts_with('*')) {
                add(from.clone(), Endpoint::Fqdn(host.clone()), 443);
            }
        }
    }
    for attachment in network.attachments.iter().filter(|a| !a.public_ip.is_none()).take(PLACES) {
        if let Some(to) = endpoint(network, attachment.owner) {
            PORTS.iter().for_each(|port| add(Endpoint::Internet, to.clone(), *port));
        }
    }
    let mut flows: Vec<Flow> = flows.into_iter().map(|flow| Flow { name: None, ..flow }).collect();
    flows.sort();
    flows.dedup();
    flows
}

/// One sender of each subnet, up to a limit.
fn places(network: &Network) -> Vec<Endpoint> {
    let mut found = Vec::new();
    for (id, subnet) in network.inventory.subnets.rows() {
        if found.len() >= PLACES {
            break;
        }
        if network.subnet(id).role != SubnetRole::Ordinary {
            continue;
        }
        let own = network.attachments.iter().find(|a| a.subnet == id && sends(a.kind));
        let named = own.and_then(|a| endpoint(network, a.owner));
        found.extend(named.or_else(|| whole(network, id, subnet)));
    }
    found
}

fn sends(kind: AttachmentKind) -> bool {
    matches!(
        kind,
        AttachmentKind::Interface(_)
            | AttachmentKind::Host(_)
            | AttachmentKind::ScaleSet(_)
            | AttachmentKind::Compute(_)
            | AttachmentKind::ServiceNode(_)
    )
}

fn endpoint(network: &Network, slot: Slot) -> Option<Endpoint> {
    let id = network.inventory.id_of(slot)?;
    let name: Arc<str> = match network.inventory.named(id.name()) {
        [_] => id.name().into(),
        _ => id.as_str().into(),
    };
    Some(Endpoint::Named(name))
}

/// A subnet as such, where nothing in it sends.
fn whole(network: &Network, id: Id<Subnet>, subnet: &Subnet) -> Option<Endpoint> {
    if network.subnet(id).space.is_empty() {
        return None;
    }
    endpoint(network, Slot { table: TableTag::Subnet, row: id.raw() })
        .or_else(|| Some(Endpoint::Named(subnet.id.as_str().into())))
}
