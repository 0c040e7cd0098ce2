//! Behaviour against behaviour: what becomes of the same flows in two networks.
//!
//! Input: two networks and flows. Output: a [`FlowComparison`] for each flow whose answer differs. Where nobody names
//! flows, [`representative`] derives some: what the workloads need, and a few that cross every border there is.

use super::impact::{Subjects, Who};
use super::implied::{PLACES, endpoint, implied, places};
use crate::catalogue::Catalogue;
use crate::network::Network;
use crate::trace::{self, Endpoint, Flow, Outcome, Trace};
use std::collections::BTreeSet;

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

/// Ports that are asked between places, whatever is written down.
const PORTS: [u16; 2] = [443, 22];

/// Flows that say much of a network: what its workloads need, what its resources imply, and a few more ports between
/// its places and from the internet.
pub fn representative(catalogue: &Catalogue, network: &Network) -> Vec<Flow> {
    let subjects = Subjects::of_estate(catalogue, network, &Who::default());
    let mut flows: BTreeSet<Flow> = subjects.needs.into_iter().flat_map(|need| need.flows).collect();
    flows.extend(implied(network, PLACES).flows.into_iter().map(|implied| implied.flow));
    let mut places = places(network);
    places.truncate(PLACES);
    let open = network.attachments.iter().filter(|a| !a.public_ip.is_none());
    let public: Vec<Endpoint> = open.take(PLACES).filter_map(|a| endpoint(network, a.owner)).collect();
    let between = places.iter().flat_map(|from| places.iter().map(move |to| (from, to)));
    let inward = public.iter().map(|to| (&Endpoint::Internet, to));
    for (from, to) in between.chain(inward).filter(|(from, to)| from != to) {
        flows.extend(PORTS.map(|port| Flow::tcp(from.clone(), to.clone(), port)));
    }
    let mut flows: Vec<Flow> = flows.into_iter().map(|flow| Flow { name: None, ..flow }).collect();
    flows.sort();
    flows.dedup();
    flows
}
