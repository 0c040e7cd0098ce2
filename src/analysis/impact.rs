//! What a change does to workloads: which of their dependencies break, when that shows, and what decided.
//!
//! Input: workloads with their [`Need`]s, and each flow of a need traced before and after. Output: one [`Impact`] for
//! each need, worst first, and the [`RootCause`]s they share. It judges; it applies no change and prints nothing.
//!
//! A block that hits something nobody does until the next scale-up is not seen today and is blamed on something else
//! then; so the phase of a use, not only the outcome of its flow, makes the status ([`timing`]).

mod phase;
mod stand_ins;
mod subjects;

pub use phase::{Timing, timing};
pub use stand_ins::stand_ins;
pub use subjects::{PERSON, Subjects, Who, people_at, too_many};

use crate::diag::At;
use crate::inventory::ResourceId;
use crate::trace::{Cause, Decision, Flow, Outcome, Trace};
use std::fmt;
use std::sync::Arc;

/// Something that somebody wants to go on working.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Its name for a person: a compute, a cluster, an endpoint, people with a browser.
    pub name: Arc<str>,
    /// What it is: `compute instance`, `studio` ...
    pub kind: Arc<str>,
    /// The resource, where it is one.
    pub resource: Option<ResourceId>,
    /// Where it is written.
    pub at: At,
}

/// How much a workload needs a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It does not work without.
    Essential,
    /// It works, with something less: telemetry, a side feature.
    Feature,
}

/// One thing a dependency is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// When in the life of the workload: `create`, `run`, `scale`, `pull image` ...
    pub phase: Arc<str>,
    /// What does not work without it.
    pub needed_for: Arc<str>,
    /// What the person sees when it is blocked; absent where nobody wrote it down.
    pub sees: Option<Arc<str>>,
    /// How much it matters.
    pub weight: Weight,
}

/// A dependency of a workload: flows that all have to get through.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// Number of the workload.
    pub workload: usize,
    /// The stable id: of the catalogue, or the name of a scenario's flow.
    pub id: Arc<str>,
    /// What is depended on, for a person.
    pub dependency: Arc<str>,
    /// What for.
    pub uses: Vec<Use>,
    /// The flows.
    pub flows: Vec<Flow>,
    /// Why some or all of it cannot be traced.
    pub untraced: Option<String>,
}

/// What became of a need. The order is that of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// It worked, and the next thing somebody does fails.
    BrokenNow,
    /// It worked, and will fail at a later event: the next scale-up, image pull, token.
    BrokenLater,
    /// It worked, and now works with something less, or at times.
    Degraded,
    /// The files do not tell whether it still works.
    Unknown,
    /// It did not work before either.
    BrokenBefore,
    /// It did not work before, and works now.
    Repaired,
    /// It works as before.
    Works,
}

impl Status {
    /// Every status, worst first.
    pub const ALL: [Status; 7] = [
        Self::BrokenNow,
        Self::BrokenLater,
        Self::Degraded,
        Self::Unknown,
        Self::BrokenBefore,
        Self::Repaired,
        Self::Works,
    ];

    /// The words for a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::BrokenNow => "broken now",
            Self::BrokenLater => "broken later",
            Self::Degraded => "degraded",
            Self::Unknown => "unknown",
            Self::BrokenBefore => "broken before",
            Self::Repaired => "repaired",
            Self::Works => "still works",
        }
    }

    /// Whether the change breaks something.
    pub fn is_harm(self) -> bool {
        matches!(self, Self::BrokenNow | Self::BrokenLater | Self::Degraded)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A flow before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowChange {
    /// The answer before.
    pub before: Trace,
    /// The answer after.
    pub after: Trace,
}

impl FlowChange {
    /// Whether the change stops it.
    pub fn is_cut(&self) -> bool {
        self.after.outcome == Outcome::Blocked && self.before.outcome != Outcome::Blocked || self.is_gone()
    }

    /// Whether the change takes away what the flow is named after: before, it set out at least.
    fn is_gone(&self) -> bool {
        let worked = matches!(self.before.outcome, Outcome::Allowed | Outcome::Mixed);
        worked && self.after.cause == Some(Cause::UnknownName) && self.after.hops.is_empty()
    }

    /// Whether it takes another way than before although it still arrives.
    pub fn is_moved(&self) -> bool {
        let way =
            |trace: &Trace| trace.hops.iter().map(|hop| (hop.kind, hop.name.clone())).collect::<Vec<_>>();
        self.before.outcome == self.after.outcome && way(&self.before) != way(&self.after)
    }
}

/// What becomes of one need.
#[derive(Clone, Debug, PartialEq)]
pub struct Impact {
    /// The need.
    pub need: Need,
    /// What became of it.
    pub status: Status,
    /// Its flows, in the order of the need.
    pub flows: Vec<FlowChange>,
    /// The flow that tells the story: the first that is cut, blocked, unknown; else the first.
    pub leading: usize,
}

impl Impact {
    /// Judges a need by its flows.
    pub fn new(need: Need, flows: Vec<FlowChange>) -> Self {
        let status = judge(&need, &flows);
        let leading = leading(&flows, status);
        Self { need, status, flows, leading }
    }

    /// How many of its flows the change stops.
    pub fn cut(&self) -> usize {
        self.flows.iter().filter(|flow| flow.is_cut()).count()
    }

    /// The trace that decides what is said of it; absent where it cannot be traced at all. What did not work before is
    /// told as it was before: the change is not to blame.
    pub fn trace(&self) -> Option<&Trace> {
        let flow = self.flows.get(self.leading)?;
        Some(if self.status == Status::BrokenBefore { &flow.before } else { &flow.after })
    }

    /// The later events at which its uses come up, in their order, each once.
    pub fn events(&self) -> Vec<&'static str> {
        let mut out = Vec::new();
        for used in &self.need.uses {
            if let Timing::At(event) = timing(&used.phase)
                && !out.contains(&event)
            {
                out.push(event);
            }
        }
        out
    }
}

fn judge(need: &Need, flows: &[FlowChange]) -> Status {
    let after = |outcome: Outcome| flows.iter().any(|flow| flow.after.outcome == outcome);
    let before = |outcome: Outcome| flows.iter().any(|flow| flow.before.outcome == outcome);
    if flows.iter().any(FlowChange::is_cut) {
        return broken(need);
    }
    if after(Outcome::Blocked) {
        return Status::BrokenBefore;
    }
    if after(Outcome::Unknown) || flows.is_empty() {
        return Status::Unknown;
    }
    if after(Outcome::Mixed) && !before(Outcome::Mixed) {
        return Status::Degraded;
    }
    if before(Outcome::Blocked) { Status::Repaired } else { Status::Works }
}

/// When a need whose flow is cut shows it. A need of which nobody says what it is for counts as essential, and now.
fn broken(need: &Need) -> Status {
    let mut essential = need.uses.iter().filter(|used| used.weight == Weight::Essential).peekable();
    if need.uses.is_empty() {
        Status::BrokenNow
    } else if essential.peek().is_none() {
        Status::Degraded
    } else if essential.any(|used| timing(&used.phase) == Timing::Now) {
        Status::BrokenNow
    } else {
        Status::BrokenLater
    }
}

fn leading(flows: &[FlowChange], status: Status) -> usize {
    let first = |wanted: &dyn Fn(&FlowChange) -> bool| flows.iter().position(wanted);
    let found = match status {
        Status::BrokenNow | Status::BrokenLater => first(&FlowChange::is_cut),
        Status::Degraded => {
            first(&FlowChange::is_cut).or_else(|| first(&|f| f.after.outcome == Outcome::Mixed))
        }
        Status::Unknown => first(&|f| f.after.outcome == Outcome::Unknown),
        Status::BrokenBefore => first(&|f| f.before.outcome == Outcome::Blocked),
        Status::Repaired => first(&|f| f.before.outcome == Outcome::Blocked),
        Status::Works => None,
    };
    found.unwrap_or(0)
}

/// What is told of why something does not work.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Why.
    pub cause: Option<Cause>,
    /// What decided: `nsg/rule`.
    pub decider: Option<String>,
    /// What the files would have to say.
    pub missing: Option<String>,
    /// Where it is written.
    pub at: At,
}

impl Told {
    fn of(impact: &Impact) -> Self {
        let Some(trace) = impact.trace() else {
            let missing = impact.need.untraced.clone();
            return Self { cause: None, decider: None, missing, at: At::NOWHERE };
        };
        let Decision { cause, decider, .. } = trace.decision();
        match trace.blockers.first() {
            Some(blocker) => Self { cause, decider, missing: None, at: blocker.evidence.at },
            None => {
                let missing = trace.missing.first();
                let at = missing.map_or(At::NOWHERE, |missing| missing.at);
                Self { cause, decider, missing: missing.map(|missing| missing.text.clone()), at }
            }
        }
    }
}

/// What several impacts have in common: one cause and what decided it.
#[derive(Clone, Debug, PartialEq)]
pub struct RootCause {
    /// Whether it broke things before the change.
    pub before: bool,
    /// What is told of it.
    pub told: Told,
    /// The impacts, by number, worst first.
    pub impacts: Vec<usize>,
}

/// Sorts impacts: worst first, then as the workloads and needs were given.
pub fn sort(impacts: &mut [Impact]) {
    impacts.sort_by_key(|impact| (impact.status, impact.need.workload));
}

/// The root causes of impacts that do not work, the one with the worst and most first.
pub fn root_causes(impacts: &[Impact]) -> Vec<RootCause> {
    let mut causes: Vec<RootCause> = Vec::new();
    for (number, impact) in impacts.iter().enumerate() {
        let before = match impact.status {
            Status::Works | Status::Repaired => continue,
            Status::BrokenBefore => true,
            _ => false,
        };
        let told = Told::of(impact);
        match causes.iter_mut().find(|c| c.before == before && c.told == told) {
            Some(cause) => cause.impacts.push(number),
            None => causes.push(RootCause { before, told, impacts: vec![number] }),
        }
    }
    causes.sort_by_key(|c| (c.before, impacts[c.impacts[0]].status, std::cmp::Reverse(c.impacts.len())));
    causes
}

#[cfg(test)]
mod tests;
