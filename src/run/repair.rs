//! Repairs: proposals tried out. Each is written as a change file, applied to the estate, and the flow traced again.
//!
//! A proposal that leads to the next blocker is followed up, so a repair may have several steps. What does not open the
//! flow in the end is not shown.

use super::what_if::{Estate, read};
use crate::analysis::change_text::ChangeText;
use crate::analysis::impact::{Impact, Status};
use crate::analysis::repair::{Means, Proposal, proposals, reason};
use crate::diag::{Diagnostics, Sources};
use crate::network::Network;
use crate::report::view::FixView;
use crate::trace::{self, Cause, Flow, Outcome, Trace};

/// A change that opens a flow, or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repair {
    /// Its steps, each against one blocker.
    pub steps: Vec<Proposal>,
}

impl Repair {
    /// By which means; the least liked of its steps.
    pub fn means(&self) -> Means {
        self.steps.iter().map(|step| step.means).max().unwrap_or(Means::Setting)
    }

    /// In one line.
    pub fn text(&self) -> String {
        self.steps.iter().map(|step| step.text.as_str()).collect::<Vec<_>>().join("; then ")
    }

    /// All changes, in order.
    pub fn changes(&self) -> ChangeText {
        let mut all = ChangeText::default();
        for step in &self.steps {
            all.extend(&step.changes);
        }
        all
    }

    /// What to mind.
    pub fn caution(&self) -> Option<&'static str> {
        self.steps.iter().find_map(|step| step.caution)
    }

    /// What reports show of it; `rows` are the rows of a report that it opens.
    pub fn view(&self, rows: Vec<usize>) -> FixView {
        FixView {
            text: self.text(),
            kind: self.means().word(),
            changes: self.changes().lines().to_vec(),
            rows,
            caution: self.caution(),
        }
    }

    fn with(&self, step: Proposal) -> Self {
        Self { steps: self.steps.iter().cloned().chain([step]).collect() }
    }
}

/// So many blockers may lie one behind the other.
const DEEP: usize = 4;

/// So many proposals against one blocker are tried.
const WIDE: usize = 6;

/// How much may be tried out, in networks compiled.
#[derive(Clone, Copy, Debug)]
pub struct Budget(usize);

impl Budget {
    /// What an estate of this size leaves time for.
    pub fn for_resources(resources: usize) -> Self {
        Self((400_000 / resources.max(1)).clamp(6, 400))
    }

    /// Takes one trial, if there is one left.
    fn take(&mut self) -> bool {
        let left = self.0 > 0;
        self.0 = self.0.saturating_sub(1);
        left
    }

    /// Whether nothing may be tried any more.
    pub fn is_spent(&self) -> bool {
        self.0 == 0
    }
}

/// Repairs of a blocked flow; where there is none, why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// The best ones.
    pub found: Vec<Repair>,
    /// Why there is none. It tells of the furthest blocker that was come to.
    pub reason: Option<String>,
}

/// The best repairs of a blocked flow, at most as many as wanted. The network is the estate's.
pub fn repairs(
    estate: Estate<'_>,
    network: &Network,
    flow: &Flow,
    wanted: usize,
    budget: &mut Budget,
) -> Repairs {
    let trace = trace::trace(network, flow);
    let flows = std::slice::from_ref(flow);
    let mut bench = Bench { estate, flow, wide: true, furthest: None, budget };
    let found = bench.open(network, &trace, &Repair::default(), wanted, DEEP);
    let furthest = bench.furthest;
    let mut lean: Vec<Repair> = Vec::new();
    for (repair, network) in found {
        let (repair, _) = leaner(estate, repair, network, flows, budget);
        // What differs in a number alone is the same to whoever reads it.
        if !lean.iter().any(|known| known.text() == repair.text()) {
            lean.push(repair);
        }
    }
    lean.sort_by_key(|repair| (repair.means(), repair.changes().lines().len()));
    let reason = lean.is_empty().then(|| why(furthest, trace.cause, budget)).flatten();
    Repairs { found: lean, reason }
}

/// Why nothing was found: what stands at the furthest point, and what would settle it.
fn why(furthest: Option<(usize, Cause)>, first: Option<Cause>, budget: &Budget) -> Option<String> {
    if budget.is_spent() {
        return Some("not looked for to the end: the estate is large".into());
    }
    let (steps, cause) = furthest.or(first.map(|cause| (0, cause)))?;
    Some(match steps {
        0 => reason(cause).to_owned(),
        _ => format!("behind it stands {}: {}", cause.code(), reason(cause)),
    })
}

struct Bench<'a, 'b> {
    estate: Estate<'a>,
    flow: &'b Flow,
    /// Whether what opens a way to everybody is taken too.
    wide: bool,
    /// The furthest blocker for which nothing was found: after how many steps, and which.
    furthest: Option<(usize, Cause)>,
    budget: &'b mut Budget,
}

impl Bench<'_, '_> {
    /// Repairs on top of the one already made.
    fn open(
        &mut self,
        network: &Network,
        trace: &Trace,
        made: &Repair,
        wanted: usize,
        deep: usize,
    ) -> Vec<(Repair, Network)> {
        let mut found = Vec::new();
        if trace.outcome != Outcome::Blocked || deep == 0 {
            return found;
        }
        let mut proposals = proposals(network, trace);
        proposals.retain(|proposal| self.wide || proposal.means < Means::Everything);
        let steps = made.steps.len();
        if let Some(cause) = trace.cause
            && self.furthest.is_none_or(|(known, _)| steps > known)
        {
            self.furthest = Some((steps, cause));
        }
        for proposal in proposals.into_iter().take(WIDE) {
            if found.len() >= wanted || !self.budget.take() {
                break;
            }
            let repair = made.with(proposal);
            let Some(next) = applied(self.estate, &repair.changes()) else { continue };
            let after = trace::trace(&next, self.flow);
            if after.outcome == Outcome::Allowed {
                found.push((repair, next));
            } else if is_further(trace, &after) {
                found.extend(self.open(&next, &after, &repair, 1, deep - 1));
            }
        }
        found
    }
}

/// The repair without the steps that turn out not to be needed: a private endpoint needs no rule for the public way
/// that was opened before it.
fn leaner(
    estate: Estate<'_>,
    repair: Repair,
    network: Network,
    flows: &[Flow],
    budget: &mut Budget,
) -> (Repair, Network) {
    let mut best = (repair, network);
    let mut step = 0;
    while best.0.steps.len() > 1 && step < best.0.steps.len() && budget.take() {
        let mut fewer = best.0.clone();
        fewer.steps.remove(step);
        match applied(estate, &fewer.changes()).filter(|network| all_work(network, flows)) {
            Some(network) => best = (fewer, network),
            None => step += 1,
        }
    }
    best
}

fn all_work(network: &Network, flows: &[Flow]) -> bool {
    flows.iter().all(|flow| trace::decide(network, flow).outcome == Outcome::Allowed)
}

/// Whether the first blocker is another one than before.
fn is_further(before: &Trace, after: &Trace) -> bool {
    let first = |trace: &Trace| {
        trace.blockers.first().map(|b| (b.cause, b.evidence.resource.clone(), b.evidence.name.clone()))
    };
    after.outcome == Outcome::Blocked && first(before) != first(after)
}

/// The network with further changes; nothing where they are faulty.
pub fn applied(estate: Estate<'_>, changes: &ChangeText) -> Option<Network> {
    let mut notes = Diagnostics::new();
    // Places in the repaired network are looked at by nobody, so the document need not be kept.
    let changes = read(&changes.file("repair"), "<repair>", &mut Sources::default(), &mut notes);
    let network = estate.network(&changes, &mut notes).0;
    (!notes.has_errors()).then_some(network)
}

/// A repair of several impacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedRepair {
    /// The repair.
    pub repair: Repair,
    /// The impacts it puts right, by number.
    pub impacts: Vec<usize>,
}

impl SharedRepair {
    /// What reports show of it.
    pub fn view(&self) -> FixView {
        self.repair.view(self.impacts.iter().map(|number| number + 1).collect())
    }
}

/// Repairs of many impacts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The repairs.
    pub shared: Vec<SharedRepair>,
    /// Why others have none, each with the impacts by number.
    pub without: Vec<(String, Vec<usize>)>,
}

/// For each impact that does not work the best repair of all its flows; those of one kind share it.
pub fn of_impacts(estate: Estate<'_>, network: &Network, impacts: &[Impact], budget: &mut Budget) -> Found {
    let mut shared: Vec<(SharedRepair, Network)> = Vec::new();
    let mut without: Vec<(String, Vec<usize>)> = Vec::new();
    for (number, impact) in impacts.iter().enumerate() {
        let blocked = matches!(
            impact.status,
            Status::BrokenNow | Status::BrokenLater | Status::Degraded | Status::BrokenBefore
        );
        if !blocked || impact.flows.iter().all(|flow| flow.after.outcome != Outcome::Blocked) {
            continue;
        }
        let flows = &impact.need.flows;
        if let Some((known, _)) = shared.iter_mut().find(|(_, repaired)| all_work(repaired, flows)) {
            known.impacts.push(number);
            continue;
        }
        match whole(estate, network, flows, budget) {
            Ok((repair, repaired)) => {
                shared.push((SharedRepair { repair, impacts: vec![number] }, repaired));
            }
            Err(why) => match without.iter_mut().find(|(known, _)| *known == why) {
                Some((_, impacts)) => impacts.push(number),
                None => without.push((why, vec![number])),
            },
        }
    }
    Found { shared: shared.into_iter().map(|(shared, _)| shared).collect(), without }
}

/// A repair after which every one of some flows works.
fn whole(
    estate: Estate<'_>,
    network: &Network,
    flows: &[Flow],
    budget: &mut Budget,
) -> Result<(Repair, Network), String> {
    let untold = || "what was tried opens some of its flows and not all".to_owned();
    let mut done: Option<(Repair, Network)> = None;
    for flow in flows {
        let current = done.as_ref().map_or(network, |(_, network)| network);
        let trace = trace::trace(current, flow);
        if trace.outcome == Outcome::Blocked {
            let made = done.as_ref().map(|(repair, _)| repair.clone()).unwrap_or_default();
            let mut bench = Bench { estate, flow, wide: false, furthest: None, budget };
            let found = bench.open(current, &trace, &made, 1, DEEP).into_iter().next();
            let furthest =
                bench.furthest.map(|(steps, cause)| (steps.saturating_sub(made.steps.len()), cause));
            let missed = || why(furthest, trace.cause, budget).unwrap_or_else(untold);
            done = Some(found.ok_or_else(missed)?);
        }
    }
    let (repair, network) = done.filter(|(_, network)| all_work(network, flows)).ok_or_else(untold)?;
    Ok(leaner(estate, repair, network, flows, budget))
}
