//! The path of a flow in words: where it came by, and which rules and routes decided, up to what stopped it.
//!
//! The walk tells it by its records ([`told`]), the full engine by its trace ([`traced`]), and both tell the same: what
//! only one of them knows is left out.

use super::ask::Asker;
use super::flow::{FlowIds, Verdict};
use super::tables::NOBODY;
use super::trail::{By, Note, Record};
use crate::network::AttachmentKind;
use crate::trace::{Action, Hop, HopKind, Outcome, StepKind, Trace};

/// What a stage of a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StageKind {
    /// A place with an address in a network.
    At,
    /// A rule that let it go on, or stopped it.
    Filter,
    /// A route that was taken.
    Route,
    /// The answer sets out.
    Back,
}

impl StageKind {
    /// As a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::At => "at",
            Self::Filter => "filter",
            Self::Route => "route",
            Self::Back => "back",
        }
    }
}

/// A stage of a path, and its name where it has one: `resource`, `group/rule`, `table/route`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stage {
    /// What it is.
    pub kind: StageKind,
    /// Its name.
    pub name: Option<String>,
}

impl Stage {
    fn new(kind: StageKind, name: Option<String>) -> Self {
        Self { kind, name }
    }
}

/// Whether the records of the walk tell the path of a flow. They do not where something stopped it that the walk looked
/// at ahead or behind, as names, services and answers are: there only the full engine knows where the path ends.
pub fn is_told(flow: &FlowIds, verdict: &Verdict, records: &[Record]) -> bool {
    let goes_on = |record: &Record| matches!(record.read(), Note::Service(_) | Note::Back | Note::Public);
    let ends_there = flow.name == NOBODY && !records.iter().any(goes_on);
    !verdict.deferred && (verdict.outcome != Outcome::Blocked || ends_there)
}

/// What the records of the walk tell, where they do ([`is_told`]); `open` where nothing stopped the flow.
pub fn told(asker: &Asker<'_>, records: &[Record], open: bool) -> Vec<Stage> {
    let mut out: Vec<Stage> = records.iter().filter_map(|record| stage(asker, *record)).collect();
    stay(&mut out);
    if !open {
        // What stopped it is what it was decided by, which the verdict names.
        while out.last().is_some_and(|last| last.kind != StageKind::At) {
            out.pop();
        }
    }
    out
}

fn stage(asker: &Asker<'_>, record: Record) -> Option<Stage> {
    let note = record.read();
    let kind = match note {
        // Resolvers are not told apart from look-ups in the words of a trace.
        Note::At(id) if matches!(asker.network().attachment(id).kind, AttachmentKind::Resolver(_)) => {
            return None;
        }
        Note::At(_) | Note::Within(_) => StageKind::At,
        Note::Group { rule: Some(_), .. } | Note::Admin { .. } | Note::Firewall { .. } => StageKind::Filter,
        Note::Route { by: By::Nothing, .. } => return None,
        Note::Route { .. } => StageKind::Route,
        Note::Back => StageKind::Back,
        Note::Group { rule: None, .. } | Note::Translated(_) | Note::Service(_) | Note::Public => {
            return None;
        }
    };
    Some(Stage::new(kind, asker.told(note)))
}

/// What a full trace tells, up to its first blocker.
pub fn traced(trace: &Trace) -> Vec<Stage> {
    let mut out: Vec<Stage> = Vec::new();
    let back = trace.back.iter().flat_map(|back| &back.hops).map(|hop| (hop, true));
    let there = trace.hops.iter().map(|hop| (hop, false));
    let mut returning = false;
    for (hop, on_way_back) in there.chain(back) {
        if on_way_back && !std::mem::replace(&mut returning, true) {
            out.push(Stage::new(StageKind::Back, None));
        }
        if stands(hop) {
            out.push(Stage::new(StageKind::At, hop.id.as_ref().map(|id| id.full_name())));
        }
        for step in &hop.steps {
            if step.action == Action::Block {
                stay(&mut out);
                while out.last().is_some_and(|last| last.kind != StageKind::At) {
                    out.pop();
                }
                return out;
            }
            let kind = match step.kind {
                StepKind::Filter => StageKind::Filter,
                StepKind::Route => StageKind::Route,
                _ => continue,
            };
            let decider = step.evidence.decider();
            if step.action == Action::Pass && (kind == StageKind::Route || decider.is_some()) {
                out.push(Stage::new(kind, decider));
            }
        }
    }
    stay(&mut out);
    out
}

/// Leaves out places where the flow is already.
fn stay(stages: &mut Vec<Stage>) {
    let mut here: Option<Stage> = None;
    stages.retain(|one| {
        let new = one.kind != StageKind::At || here.as_ref() != Some(one);
        if matches!(one.kind, StageKind::At | StageKind::Back) {
            here = Some(one.clone());
        }
        new
    });
}

/// Whether a hop is a place with an address in a network.
fn stands(hop: &Hop) -> bool {
    use HopKind::*;
    matches!(hop.kind, Interface | Subnet | AzureFirewall | Bastion | PrivateEndpoint)
}
