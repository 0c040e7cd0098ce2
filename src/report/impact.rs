//! The impact report: what a change does to workloads, in views that text, Markdown, JSON and pages are made of.
//!
//! Fields are only added; [`VERSION`] changes with anything else. Rows come worst first; causes number the rows they
//! are to blame for, so a reader may begin at either end.

mod markdown;
mod schema;
mod text;

pub(in crate::report) use markdown::inline;
pub use markdown::markdown;
pub(in crate::report) use schema::answer as answer_schema;
pub use schema::schema;
pub use text::text;

use super::locate::Locator;
use super::view::{CauseView, EvidenceView, FixView, QuoteView};
use crate::analysis::impact::{FlowChange, Impact, RootCause, Status, Weight, Workload, root_causes};
use crate::inventory::change::{ChangeLog, Did};
use crate::trace::{Noticed, Outcome, Trace};
use serde::{Serialize, Serializer};

/// The version of the impact view.
pub const VERSION: &str = "netwhy/impact/1";

/// What a change does.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImpactReport {
    /// [`VERSION`].
    pub version: &'static str,
    /// What was asked about: files of the estate, or a scenario.
    pub subject: String,
    /// The question in words.
    pub question: String,
    /// What was changed.
    pub changes: Vec<ChangeView>,
    /// The change file the flags stand for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_file: Option<String>,
    /// What to know beside.
    pub remarks: Vec<String>,
    /// The counts.
    pub summary: Summary,
    /// What is to blame, worst first.
    pub causes: Vec<CauseGroup>,
    /// Every workload and dependency, worst first.
    pub rows: Vec<Row>,
}

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is the number of what it names")]
pub struct Summary {
    pub workloads: usize,
    pub dependencies: usize,
    pub flows: usize,
    pub broken_now: usize,
    pub broken_later: usize,
    pub degraded: usize,
    pub unknown: usize,
    pub broken_before: usize,
    pub repaired: usize,
    pub still_works: usize,
    /// Places and services that nobody is asked about, at least.
    #[serde(skip_serializing_if = "is_none")]
    pub left_out: usize,
}

impl Summary {
    /// The count of a status.
    pub fn of(&self, status: Status) -> usize {
        match status {
            Status::BrokenNow => self.broken_now,
            Status::BrokenLater => self.broken_later,
            Status::Degraded => self.degraded,
            Status::Unknown => self.unknown,
            Status::BrokenBefore => self.broken_before,
            Status::Repaired => self.repaired,
            Status::Works => self.still_works,
        }
    }

    /// The answer in two or three words.
    pub fn verdict(&self, changed: bool) -> &'static str {
        match (self.dependencies, self.harmed()) {
            (0, _) => "Nothing to ask about",
            (_, 1..) => "Breaks",
            _ if self.unknown > 0 => "Nothing known breaks",
            _ if self.left_out > 0 && changed => "Nothing that is asked breaks",
            _ if !changed => "Nothing is changed",
            _ => "Nothing breaks",
        }
    }

    /// How many dependencies the change harms.
    pub fn harmed(&self) -> usize {
        self.broken_now + self.broken_later + self.degraded
    }
}

/// One thing that was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView {
    /// The resource.
    pub resource: String,
    /// In one line.
    pub text: String,
    /// The file the change stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

impl ChangeView {
    /// The view of what one change did.
    pub fn new(log: &ChangeLog, locator: &Locator<'_>) -> Self {
        let place = locator.place(log.at);
        let name = log.resource.full_name();
        let part = if log.part.is_empty() { String::new() } else { format!(" {}", log.part) };
        let text = match &log.did {
            Did::Set { before, after } => {
                let before = before.as_ref().map_or("not set".to_owned(), ToString::to_string);
                format!("{name}{part}: {before} -> {after}")
            }
            Did::Added => format!("added {name}{part}"),
            Did::Removed => format!("removed {name}{part}"),
            Did::Detached => format!("detached {name}{part}"),
        };
        Self {
            resource: log.resource.as_str().to_owned(),
            text,
            file: place.as_ref().map(|p| p.file.clone()),
            line: place.as_ref().map(|p| p.line),
        }
    }
}

/// One thing to blame.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseGroup {
    /// Its number, from one.
    pub number: usize,
    /// Whether it was so before the change.
    pub before: bool,
    /// The worst status of its rows.
    #[serde(serialize_with = "word")]
    pub status: Status,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseView>,
    /// What decided, and where it stands.
    pub evidence: EvidenceView,
    /// What stands there.
    pub quote: QuoteView,
    /// What the caller notices.
    pub notices: &'static str,
    /// What the files would have to say, where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// How many workloads it hits.
    pub workloads: usize,
    /// Its rows, by number from one.
    pub rows: Vec<usize>,
    /// What would put it right, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<FixView>,
    /// Why nothing small puts some of its rows right.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_fixes: Vec<NoFixView>,
}

/// Rows that nothing small puts right, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NoFixView {
    /// Why.
    pub text: String,
    /// The rows, by number from one.
    pub rows: Vec<usize>,
}

/// One workload and one dependency.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its number, from one.
    pub number: usize,
    /// What became of it.
    #[serde(serialize_with = "word")]
    pub status: Status,
    /// The workload.
    pub workload: String,
    /// What it is.
    pub workload_kind: String,
    /// The stable id of the dependency.
    pub id: String,
    /// The dependency.
    pub dependency: String,
    /// Phases in which it is used.
    pub phases: Vec<String>,
    /// Events at which a block shows, where not at once.
    pub events: Vec<&'static str>,
    /// What it is for.
    pub needed_for: Vec<String>,
    /// Whether the workload works without it.
    pub optional: bool,
    /// What the person sees when it is blocked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sees: Vec<String>,
    /// Number of the cause, where it does not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<usize>,
    /// How many of its flows the change stops.
    pub cut: usize,
    /// Its flows.
    pub flows: Vec<FlowRowView>,
}

/// A flow before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowRowView {
    /// The sender as asked.
    pub from: String,
    /// The receiver with port and protocol.
    pub to: String,
    /// Before.
    pub before: Answer,
    /// After.
    pub after: Answer,
    /// Whether it takes another way although it still arrives.
    pub moved: bool,
}

/// An answer, short.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// In one word.
    #[serde(serialize_with = "outcome")]
    pub outcome: Outcome,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// What decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decider: Option<String>,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The hop that decides, where one stops it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hop: Option<String>,
    /// What the caller notices.
    pub notices: &'static str,
    /// The hops.
    pub path: Vec<String>,
}

impl Answer {
    pub(in crate::report) fn new(trace: &Trace, locator: &Locator<'_>) -> Self {
        let blocker = trace.blockers.first();
        let at = blocker.map(|b| b.evidence.at).or_else(|| trace.missing.first().map(|m| m.at));
        let place = at.and_then(|at| locator.place(at));
        let name = |hop: &crate::trace::Hop| format!("{} {}", hop.kind.word(), hop.name);
        Self {
            outcome: trace.outcome,
            cause: trace.cause.map(|c| c.code()),
            decider: blocker.and_then(|b| b.evidence.decider()),
            file: place.as_ref().map(|p| p.file.clone()),
            line: place.as_ref().map(|p| p.line),
            hop: blocker.and_then(|b| trace.hops.get(b.hop)).map(name),
            notices: trace.noticed().word(),
            path: trace.hops.iter().map(|hop| hop.name.clone()).collect(),
        }
    }

    /// `file:line`.
    pub fn place(&self) -> Option<String> {
        Some(format!("{}:{}", self.file.as_deref()?, self.line?))
    }
}

impl FlowRowView {
    fn new(change: &FlowChange, locator: &Locator<'_>) -> Self {
        let row = super::text::FlowRow::new(&change.after.flow, &change.after.decision(), None);
        Self {
            from: row.from,
            to: row.to,
            before: Answer::new(&change.before, locator),
            after: Answer::new(&change.after, locator),
            moved: change.is_moved(),
        }
    }
}

/// The parts of a report that the impacts do not tell.
#[derive(Clone, Debug, Default)]
pub struct Heading {
    /// What was asked about.
    pub subject: String,
    /// The question in words.
    pub question: String,
    /// The change file the flags stand for.
    pub change_file: Option<String>,
    /// What to know beside.
    pub remarks: Vec<String>,
    /// How many places and services are not asked about at least.
    pub left_out: usize,
}

impl ImpactReport {
    /// The report of impacts that are sorted.
    pub fn new(
        heading: Heading,
        workloads: &[Workload],
        impacts: &[Impact],
        log: &[ChangeLog],
        locator: &Locator<'_>,
    ) -> Self {
        let groups = root_causes(impacts);
        let mut rows: Vec<Row> =
            impacts.iter().enumerate().map(|(n, i)| row(n, i, workloads, locator)).collect();
        for (number, group) in groups.iter().enumerate() {
            for row in &group.impacts {
                rows[*row].cause = Some(number + 1);
            }
        }
        let causes = groups.iter().enumerate().map(|(n, g)| cause(n, g, impacts, locator)).collect();
        Self {
            version: VERSION,
            subject: heading.subject,
            question: heading.question,
            changes: log.iter().map(|entry| ChangeView::new(entry, locator)).collect(),
            change_file: heading.change_file,
            remarks: heading.remarks,
            summary: Summary { left_out: heading.left_out, ..summary(workloads, impacts) },
            causes,
            rows,
        }
    }

    /// Whether anything is another way than before.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
            || self.rows.iter().any(|row| row.status.is_harm() || row.status == Status::Repaired)
    }

    /// Adds repairs that were tried out, each to the cause of the first row it puts right.
    pub fn add_fix(&mut self, fix: FixView) {
        let first = fix.rows.first().and_then(|number| self.rows.get(number - 1)).and_then(|row| row.cause);
        if let Some(group) = first.and_then(|number| self.causes.get_mut(number - 1)) {
            group.fixes.push(fix);
        }
    }

    /// Adds why some rows, by number from zero, have no repair, to the causes of each.
    pub fn add_no_fix(&mut self, why: &str, rows: &[usize]) {
        for row in rows {
            let cause = self.rows.get(*row).and_then(|row| row.cause);
            let Some(group) = cause.and_then(|number| self.causes.get_mut(number - 1)) else { continue };
            match group.no_fixes.iter_mut().find(|known| known.text == why) {
                Some(known) => known.rows.push(row + 1),
                None => group.no_fixes.push(NoFixView { text: why.to_owned(), rows: vec![row + 1] }),
            }
        }
    }

    /// The rows of a cause.
    pub fn rows_of<'a>(&'a self, cause: &'a CauseGroup) -> impl Iterator<Item = &'a Row> {
        cause.rows.iter().filter_map(|number| self.rows.get(number - 1))
    }
}

fn row(number: usize, impact: &Impact, workloads: &[Workload], locator: &Locator<'_>) -> Row {
    let need = &impact.need;
    let workload = workloads.get(need.workload);
    let mut sees: Vec<String> = Vec::new();
    for text in need.uses.iter().filter_map(|used| used.sees.as_deref()) {
        if !sees.iter().any(|seen| seen == text) {
            sees.push(text.to_owned());
        }
    }
    let mut needed_for: Vec<String> = Vec::new();
    for used in &need.uses {
        if !needed_for.iter().any(|known| **known == *used.needed_for) {
            needed_for.push(used.needed_for.to_string());
        }
    }
    let mut phases: Vec<String> = Vec::new();
    for used in &need.uses {
        if !phases.iter().any(|known| **known == *used.phase) {
            phases.push(used.phase.to_string());
        }
    }
    Row {
        number: number + 1,
        status: impact.status,
        workload: workload.map_or_else(String::new, |w| w.name.to_string()),
        workload_kind: workload.map_or_else(String::new, |w| w.kind.to_string()),
        id: need.id.to_string(),
        dependency: need.dependency.to_string(),
        phases,
        events: impact.events(),
        needed_for,
        optional: !need.uses.is_empty() && need.uses.iter().all(|used| used.weight == Weight::Feature),
        sees,
        cause: None,
        cut: impact.cut(),
        flows: impact.flows.iter().map(|flow| FlowRowView::new(flow, locator)).collect(),
    }
}

fn cause(number: usize, group: &RootCause, impacts: &[Impact], locator: &Locator<'_>) -> CauseGroup {
    let mut workloads: Vec<usize> = group.impacts.iter().map(|n| impacts[*n].need.workload).collect();
    workloads.sort_unstable();
    workloads.dedup();
    let first = &impacts[group.impacts[0]];
    let trace = first.trace();
    let evidence = match trace.and_then(|trace| trace.blockers.first()) {
        Some(blocker) => EvidenceView::new(&blocker.evidence, locator),
        None => EvidenceView::at(group.told.at, locator),
    };
    CauseGroup {
        number: number + 1,
        before: group.before,
        status: first.status,
        cause: group.told.cause.map(CauseView::new),
        evidence,
        quote: QuoteView::at(group.told.at, locator),
        notices: trace.map_or(Noticed::Untold, Trace::noticed).word(),
        missing: group.told.missing.clone(),
        workloads: workloads.len(),
        rows: group.impacts.iter().map(|n| n + 1).collect(),
        fixes: Vec::new(),
        no_fixes: Vec::new(),
    }
}

fn summary(workloads: &[Workload], impacts: &[Impact]) -> Summary {
    let count = |status: Status| impacts.iter().filter(|i| i.status == status).count();
    let used = (0..workloads.len()).filter(|n| impacts.iter().any(|i| i.need.workload == *n)).count();
    Summary {
        workloads: used,
        dependencies: impacts.len(),
        flows: impacts.iter().map(|i| i.flows.len()).sum(),
        broken_now: count(Status::BrokenNow),
        broken_later: count(Status::BrokenLater),
        degraded: count(Status::Degraded),
        unknown: count(Status::Unknown),
        broken_before: count(Status::BrokenBefore),
        repaired: count(Status::Repaired),
        still_works: count(Status::Works),
        left_out: 0,
    }
}

/// Serde asks by reference.
fn is_none(count: &usize) -> bool {
    *count == 0
}

fn word<S: Serializer>(status: &Status, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(status.word())
}

fn outcome<S: Serializer>(outcome: &Outcome, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(outcome.word())
}
