//! What the branches of a walk come to.
//!
//! A walk branches where Azure spreads flows over equal ways, and where the files do not tell which of several
//! ways is taken. The first are all true at once; of the second one is true. If every possible world comes to the
//! same outcome, what is unknown does not matter.

use super::model::{Outcome, Trace};
use crate::inventory::{AzureFirewall, Id, ResourceId, Subnet};
use crate::net::{Header, IpAddr};
use std::sync::Arc;

/// What the files do not tell: asked again of the same, it is the same guess.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Asked {
    /// The way from a subnet to a destination.
    Way(Id<Subnet>, IpAddr),
    /// The origin that a route of Front Door takes.
    Origin(ResourceId),
    /// The region of the account that a name stands for.
    Region(Arc<str>),
    /// Who answers at a port that a load balancer hands out.
    Published(ResourceId, u16),
    /// What the network rules of a firewall say of a header.
    Firewall(Id<AzureFirewall>, Header),
}

/// Where a walk took one of several ways without knowing which is right.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Guess {
    /// What was asked.
    pub at: Asked,
    /// The way taken.
    pub way: usize,
    /// How many there are.
    pub of: usize,
}

/// One end of a walk.
pub(super) struct Ending {
    pub trace: Trace,
    pub guesses: Vec<Guess>,
    /// It stands for what cannot be known, should it matter.
    pub unknown: bool,
}

/// The one trace that the ends of a walk come to: one that shows why is the answer, the others are kept beside it.
/// `None` where there are no ends.
pub(super) fn together(ends: Vec<Ending>) -> Option<Trace> {
    let (unknown, ends): (Vec<Ending>, Vec<Ending>) = ends.into_iter().partition(|e| e.unknown);
    let outcomes: Vec<Outcome> = worlds(&ends).iter().map(|w| spread(&ends, w)).collect();
    let first = *outcomes.first()?;
    let agree = outcomes.iter().all(|o| *o == first);
    let mut traces: Vec<Trace> = ends.into_iter().map(|e| e.trace).collect();
    let outcome = if agree { first } else { Outcome::Unknown };
    let shows = |t: &Trace| match (outcome, t.outcome) {
        (Outcome::Mixed, Outcome::Blocked) => 0,
        (outcome, own) if outcome == own => 1,
        _ => 2,
    };
    let shown = (0..traces.len()).min_by_key(|i| (shows(&traces[*i]), *i))?;
    // An end that was blocked before the doubt arose does not show it.
    let mut doubts = unknown.into_iter().map(|e| e.trace).filter(|t| t.outcome == Outcome::Unknown);
    let mut answer = match doubts.next() {
        Some(trace) if !agree => trace,
        _ => traces.remove(shown),
    };
    answer.outcome = outcome;
    answer.branches = traces;
    Some(answer)
}

/// Every way to answer what was guessed.
fn worlds(ends: &[Ending]) -> Vec<Vec<Guess>> {
    let mut asked: Vec<&Guess> = Vec::new();
    for guess in ends.iter().flat_map(|e| &e.guesses) {
        if asked.iter().all(|a| a.at != guess.at) {
            asked.push(guess);
        }
    }
    let mut out: Vec<Vec<Guess>> = vec![Vec::new()];
    for guess in asked {
        let longer = |world: &Vec<Guess>, way| {
            let mut world = world.clone();
            world.push(Guess { way, ..guess.clone() });
            world
        };
        out = out.iter().flat_map(|w| (0..guess.of).map(move |way| longer(w, way))).collect();
    }
    out
}

/// What equal branches come to in one world: blocked beside allowed is mixed, whatever is unknown on others; else
/// what is unknown on one is unknown for all.
fn spread(ends: &[Ending], world: &[Guess]) -> Outcome {
    let here = ends.iter().filter(|e| e.guesses.iter().all(|g| world.contains(g)));
    let outcomes: Vec<Outcome> = here.map(|e| e.trace.outcome).collect();
    let has = |o: Outcome| outcomes.contains(&o);
    match outcomes.first() {
        Some(first) if outcomes.iter().all(|o| o == first) => *first,
        _ if has(Outcome::Mixed) || has(Outcome::Blocked) && has(Outcome::Allowed) => Outcome::Mixed,
        _ => Outcome::Unknown,
    }
}
