//! Expectations of scenarios that were put to the test.

use super::layout::{Margin, Words, flow};
use super::style::{Paint, Style};
use super::text::{counted, long};
use super::view::{EvidenceView, TraceView};
use crate::trace::{Action, Cause, Outcome, StepKind};
use serde::{Serialize, Serializer};

/// What came of one expectation; the runner of scenarios fills it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedFlow {
    /// The scenario.
    pub scenario: String,
    /// Which variant of it, where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The flow by name.
    pub flow: String,
    /// Whether it was open before the change, and is not a new one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub established: bool,
    /// The flow in short: `web-vm -> kv.vault.azure.net:443/tcp`.
    pub question: String,
    /// Whether the expectation held.
    pub held: bool,
    /// What was expected and what came, in one line.
    pub message: String,
    /// What came.
    #[serde(serialize_with = "outcome_word")]
    pub outcome: Outcome,
    /// Why, where it did not get through or is not known.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "cause_code")]
    pub cause: Option<Cause>,
    /// What decided: `nsg/rule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decider: Option<String>,
    /// The file the decider is written in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its line, from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The scenario's file, shown where no decider has a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario_file: Option<String>,
    /// The line of the expectation, from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario_line: Option<usize>,
    /// The trace as text, for reports that have room for it.
    #[serde(skip)]
    pub trace: Option<String>,
}

fn outcome_word<S: Serializer>(outcome: &Outcome, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(outcome.word())
}

fn cause_code<S: Serializer>(cause: &Option<Cause>, to: S) -> Result<S::Ok, S::Error> {
    match cause {
        Some(cause) => to.serialize_str(cause.code()),
        None => to.serialize_none(),
    }
}

impl CheckedFlow {
    /// What a trace says, to be completed with whether that was expected.
    pub fn new(
        scenario: impl Into<String>,
        view: &TraceView,
        held: bool,
        message: impl Into<String>,
    ) -> Self {
        let evidence = view.blockers.first().map(|b| &b.evidence).or_else(|| let_through(view));
        let question = format!("{} -> {}", view.question.from.asked, view.question.target());
        Self {
            scenario: scenario.into(),
            variant: None,
            flow: view.question.name.clone().unwrap_or_else(|| question.clone()),
            question,
            established: false,
            held,
            message: message.into(),
            outcome: view.outcome,
            cause: view.cause.map(|c| c.code),
            decider: evidence.and_then(|e| e.decider.clone()),
            file: evidence.and_then(|e| e.file.clone()),
            line: evidence.and_then(|e| e.line),
            scenario_file: None,
            scenario_line: None,
            trace: None,
        }
    }

    /// `scenario [variant]: flow`.
    pub fn title(&self) -> String {
        let open = if self.established { ", open before" } else { "" };
        match &self.variant {
            Some(variant) => format!("{} [{variant}]: {}{open}", self.scenario, self.flow),
            None => format!("{}: {}{open}", self.scenario, self.flow),
        }
    }

    /// Where to look: the decider, or the expectation where the decider stands in no file.
    pub fn place(&self) -> Option<(&str, Option<usize>)> {
        let decider = self.file.as_deref().map(|file| (file, self.line));
        decider.or_else(|| self.scenario_file.as_deref().map(|file| (file, self.scenario_line)))
    }

    /// What kind of failure it is: the cause, or that the expectation failed although nothing stops the flow.
    pub fn code(&self) -> &'static str {
        self.cause.map_or(EXPECTATION_FAILED, Cause::code)
    }
}

/// The last rule that lets a flow through: where somebody who did not expect that has to look.
fn let_through(view: &TraceView) -> Option<&EvidenceView> {
    let steps = view.hops.iter().flat_map(|hop| &hop.steps).filter(|_| view.outcome == Outcome::Allowed);
    let rules = steps.filter(|step| step.kind == StepKind::Filter && step.action != Action::Note);
    rules.map(|step| &step.evidence).rfind(|evidence| evidence.decider.is_some() && evidence.name.is_some())
}

/// The code of a failed expectation about a flow that gets through.
pub const EXPECTATION_FAILED: &str = "EXPECTATION_FAILED";

/// Writes whether one expectation held: `FAIL  scenario: flow`, and why in the lines below.
pub fn verdict(out: &mut String, checked: &CheckedFlow, style: &Style) {
    let (paint, word) = if checked.held { (Paint::Good, "ok    ") } else { (Paint::Bad, "FAIL  ") };
    let first = style.paint(paint, word);
    let mut words = Words::default().text(Paint::Strong, &long(&checked.title()));
    if checked.question != checked.flow {
        words = words.text(Paint::Dim, &format!("({})", long(&checked.question)));
    }
    if checked.held && style.verbose {
        words = words.text(Paint::Plain, &format!("- {}", long(&checked.message)));
    }
    flow(out, style, Margin::blank(6).starting(&first), &words);
    if !checked.held {
        flow(out, style, Margin::blank(6), &Words::default().text(Paint::Plain, &long(&checked.message)));
        decider(out, checked, style);
    }
}

fn decider(out: &mut String, checked: &CheckedFlow, style: &Style) {
    let place = checked.place().map(|(file, line)| match line {
        Some(line) => format!("{file}:{line}"),
        None => file.to_owned(),
    });
    let words = Words::default()
        .piece(Paint::Bad, checked.cause.map_or("", Cause::code))
        .aside(Paint::Name, checked.decider.as_deref().unwrap_or_default())
        .aside(Paint::Dim, place.as_deref().unwrap_or_default());
    if !words.is_empty() {
        flow(out, style, Margin::blank(6), &words);
    }
}

/// Writes the failed expectations, all of them when verbose, and a line that counts them.
pub fn summary(out: &mut String, checks: &[CheckedFlow], style: &Style) {
    for checked in checks.iter().filter(|c| style.verbose || !c.held) {
        verdict(out, checked, style);
    }
    let failed = checks.iter().filter(|c| !c.held).count();
    if style.verbose && !checks.is_empty() || failed > 0 {
        out.push('\n');
    }
    let words = Words::default().text(Paint::Strong, &format!("{}:", counted(checks.len(), "expectation")));
    let words = match (checks.len() - failed, failed) {
        (_, 0) if checks.is_empty() => words.text(Paint::Warn, "nothing was checked"),
        (_, 0) => words.text(Paint::Good, "all hold"),
        (held, failed) => {
            words.text(Paint::Good, &format!("{held} held,")).text(Paint::Bad, &format!("{failed} failed"))
        }
    };
    flow(out, style, Margin::blank(0), &words);
}
