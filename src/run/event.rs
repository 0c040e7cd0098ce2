//! What happens while scenarios run, as a closed list in a stable order.
//!
//! For each scenario, in the order given: `Started`, then for each flow `FlowTraced` and `VerdictReached`, then
//! `Finished`. Consumers need no more than this stream.

use crate::diag::{Diagnostics, Sources};
use crate::report::{CheckedFlow, TraceView};
use crate::rules::RuleId;
use crate::scenario::Verdict;
use crate::trace::Decision;
use std::sync::Arc;

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A scenario begins.
    Started(Started),
    /// A flow has an answer.
    FlowTraced(FlowTraced),
    /// An expectation was judged.
    VerdictReached(Box<VerdictReached>),
    /// A scenario is done.
    Finished(Box<Finished>),
}

/// A scenario begins.
#[derive(Clone, Debug)]
pub struct Started {
    /// Its number in this run, from zero.
    pub scenario: usize,
    /// Its file.
    pub path: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The semantics rules it exercises.
    pub rules: Vec<RuleId>,
    /// How many expectations it has, over all variants.
    pub expectations: usize,
}

/// Which flow of which variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowName {
    /// Number of the scenario.
    pub scenario: usize,
    /// The variant; absent for the scenario as it stands.
    pub variant: Option<Arc<str>>,
    /// The flow.
    pub flow: Arc<str>,
    /// Whether it was open before the change, and is not a new one.
    pub established: bool,
}

impl FlowName {
    /// `flow`, `flow [variant]`, or `flow, open before [step]`.
    pub fn label(&self) -> String {
        let open = if self.established { ", open before" } else { "" };
        match &self.variant {
            Some(variant) => format!("{}{open} [{variant}]", self.flow),
            None => format!("{}{open}", self.flow),
        }
    }
}

/// A flow has an answer.
#[derive(Clone, Debug)]
pub struct FlowTraced {
    /// Which.
    pub flow: FlowName,
    /// The short answer.
    pub decision: Decision,
    /// The whole answer, where somebody wants it.
    pub view: Option<Arc<TraceView>>,
}

/// An expectation was judged.
#[derive(Clone, Debug)]
pub struct VerdictReached {
    /// Which flow.
    pub flow: FlowName,
    /// Whether it held.
    pub verdict: Verdict,
    /// What to report of it; absent where it was not judged.
    pub checked: Option<CheckedFlow>,
    /// What does not work without the flow.
    pub needed_for: Vec<Arc<str>>,
    /// The whole answer, where the expectation failed.
    pub view: Option<Arc<TraceView>>,
}

/// How a scenario ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Everything was judged.
    Judged,
    /// It was stopped before its end.
    Stopped,
    /// Its input is faulty; what was not judged is not known.
    Faulty,
    /// The program failed.
    Crashed,
}

/// A scenario is done.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its number in this run.
    pub scenario: usize,
    /// Its file.
    pub path: Arc<str>,
    /// How it ended.
    pub end: End,
    /// Its verdicts.
    pub tally: Tally,
    /// What is wrong with its input.
    pub notes: Diagnostics,
    /// Files that could not be read, or why the program failed.
    pub faults: Vec<String>,
    /// The documents, to show where.
    pub sources: Arc<Sources>,
}

/// Counts of verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Expectations that held.
    pub held: usize,
    /// Expectations that did not.
    pub failed: usize,
    /// Expectations that were not judged.
    pub unjudged: usize,
}

impl Tally {
    /// Counts one more.
    pub fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Held => self.held += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::Unjudged(_) => self.unjudged += 1,
        }
    }

    /// Adds another count.
    pub fn add(&mut self, other: Tally) {
        self.held += other.held;
        self.failed += other.failed;
        self.unjudged += other.unjudged;
    }
}
