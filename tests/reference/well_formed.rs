//! What holds of every trace, whatever it says.

use netwhy::network::Network;
use netwhy::trace::{Action, Cause, Disposition, Hop, Outcome, Trace};

/// The faults of a trace; none for a good one.
pub(crate) fn well_formed(network: &Network, trace: &Trace) -> Vec<String> {
    let mut faults = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let first = trace.blockers.first();
    match trace.outcome {
        Outcome::Allowed => {
            must(first.is_none(), "allowed, and yet something blocks");
            must(trace.cause.is_none(), "allowed for a reason not to");
            let ended = [Disposition::Accepted, Disposition::DeliveredToSubnet, Disposition::ExitsNetwork];
            must(ended.contains(&trace.disposition), "allowed, and yet it ended elsewhere");
            must(!trace.hops.iter().any(Hop::blocks), "allowed, and yet a hop blocks");
        }
        Outcome::Blocked => {
            must(first.is_some(), "blocked by nothing");
            must(trace.cause.is_some(), "blocked without a cause");
            must(trace.cause == first.map(|b| b.cause), "the cause is not that of the first blocker");
            must(trace.disposition != Disposition::InsufficientInfo, "blocked for want of knowledge");
        }
        Outcome::Unknown => {
            must(trace.cause.is_some(), "unknown without a cause");
            must(!trace.missing.is_empty(), "unknown, and nothing is missing");
        }
        Outcome::Mixed => must(trace.cause.is_some(), "mixed without a cause"),
    }
    must(trace.decision().outcome == trace.outcome, "the decision has another outcome");
    must(trace.decision().cause == trace.cause, "the decision has another cause");
    must(!trace.hops.is_empty(), "no hop at all");
    for blocker in &trace.blockers {
        must(
            blocker.hop < trace.hops.len() + trace.back.iter().map(|b| b.hops.len()).sum::<usize>(),
            "a blocker at no hop",
        );
        must(!blocker.text.is_empty(), "a blocker without words");
        // Who listens, and what a site can do, is what somebody says and no rule of Azure's.
        let site =
            blocker.evidence.resource.as_ref().is_some_and(|id| id.is_kind("netwhy.Estate/onPremisesSites"));
        let plain = [Cause::NothingListens, Cause::AddressNotInUse];
        let said = site || plain.contains(&blocker.cause);
        must(said || !blocker.evidence.rules.is_empty(), "a blocker that no rule of the catalogue explains");
        let known = blocker.evidence.resource.as_ref().is_none_or(|id| stands(network, id));
        must(known, "a blocker names a resource that is not there");
    }
    for hop in trace.hops.iter().chain(trace.back.iter().flat_map(|b| b.hops.iter())) {
        must(!hop.name.is_empty(), "a hop without a name");
        for step in &hop.steps {
            must(!step.text.is_empty(), "a step without words");
            let stops = matches!(step.action, Action::Block | Action::Unknown);
            must(!stops || step.cause.is_some(), "a step that stops without a cause");
            let rewrites = step.action == Action::Rewrite;
            must(!rewrites || (step.before.is_some() && step.after.is_some()), "a rewrite without headers");
        }
    }
    for branch in &trace.branches {
        faults.extend(well_formed(network, branch));
    }
    faults
}

/// Whether the resource, or one it is a part of, is in the files.
fn stands(network: &Network, id: &netwhy::inventory::ResourceId) -> bool {
    let mut here = Some(id.clone());
    while let Some(id) = here {
        if network.inventory.slot(&id).is_some() {
            return true;
        }
        here = id.parent();
    }
    false
}
