//! What a change does to a list of flows: those with another answer, before and after.

use super::clean::clean;
use super::flow::{answer_fields, asked_fields};
use super::style::Style;
use super::view::schema::{flag, list, number, object, text as words, the};
use crate::trace::{Decision, Flow};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Write;

/// The version of the JSON form.
pub const VERSION: &str = "netwhy/flow-changes/1";

/// The whole answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowChanges {
    /// The version of this form.
    pub version: &'static str,
    /// What was changed, one by one.
    pub changes: Vec<String>,
    /// How many flows were asked.
    pub flows: usize,
    /// How many of them were decided again.
    pub decided_again: usize,
    /// Whether the network was compiled anew, because more than rules and routes changed.
    pub compiled_anew: bool,
    /// Those with another answer.
    pub changed: Vec<ChangeView>,
}

/// A flow with another answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeView {
    /// Its line in the list.
    pub line: usize,
    /// Its name.
    pub name: Option<String>,
    /// The sender.
    pub from: String,
    /// The receiver.
    pub to: String,
    /// The protocol.
    pub protocol: String,
    /// The port.
    pub port: u16,
    /// The answer before.
    pub before: AnswerView,
    /// The answer after.
    pub after: AnswerView,
}

/// An answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnswerView {
    /// In one word.
    pub outcome: &'static str,
    /// How it ends.
    pub disposition: &'static str,
    /// Why, where it does not get through.
    pub cause: Option<&'static str>,
    /// What decides.
    pub decider: Option<String>,
}

impl From<&Decision> for AnswerView {
    fn from(decision: &Decision) -> Self {
        Self {
            outcome: decision.outcome.word(),
            disposition: decision.disposition.word(),
            cause: decision.cause.map(|c| c.code()),
            decider: decision.decider.clone(),
        }
    }
}

impl ChangeView {
    /// A flow of a list, before and after.
    pub fn new(line: usize, flow: &Flow, before: &Decision, after: &Decision) -> Self {
        Self {
            line,
            name: flow.name.as_ref().map(ToString::to_string),
            from: flow.from.to_string(),
            to: flow.to.to_string(),
            protocol: flow.protocol.name().to_lowercase(),
            port: flow.port,
            before: before.into(),
            after: after.into(),
        }
    }
}

/// The JSON Schema (2020-12) of [`FlowChanges`].
pub fn schema() -> Value {
    let count = || json!({ "type": "integer", "minimum": 0 });
    let mut change = vec![("line", number("The flow's line in its list, from one."))];
    change.extend(asked_fields());
    change.extend([("before", the("answer")), ("after", the("answer"))]);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy flow changes",
        "description": "Which flows of a list get another answer by a change.",
        "$ref": "#/$defs/changes",
        "$defs": {
            "changes": object("A report.", &[
                ("version", json!({ "const": VERSION })),
                ("changes", json!({ "type": "array", "items": words("One thing that was changed.") })),
                ("flows", count()),
                ("decidedAgain", count()),
                ("compiledAnew", flag("Whether the network was compiled anew, since more than rules and routes changed.")),
                ("changed", list("change")),
            ], &[]),
            "change": object("A flow with another answer.", &change, &[]),
            "answer": object("An answer.", &answer_fields(), &[]),
        }
    })
}

/// Flows shown unless everything is wanted.
const SHOWN: usize = 40;

/// Writes it for people.
pub fn text(out: &mut String, answer: &FlowChanges, style: &Style) {
    for change in &answer.changes {
        let _ = writeln!(out, "changed: {}", clean(change));
    }
    let how = match answer.compiled_anew {
        true => "the network was compiled anew".to_owned(),
        false => format!("{} decided again", answer.decided_again),
    };
    let verb = if answer.changed.len() == 1 { "gets" } else { "get" };
    let _ = writeln!(out, "{} of {} flows {verb} another answer; {how}", answer.changed.len(), answer.flows);
    let most = if style.verbose { usize::MAX } else { SHOWN };
    for change in answer.changed.iter().take(most) {
        let ChangeView { line, name, from, to, protocol, port, before, after } = change;
        let name = name.as_ref().map_or_else(String::new, |n| format!(" {n}"));
        let port = if *port == 0 { String::new() } else { format!("/{port}") };
        let head = format!("line {line}{name}: {from} > {to} {protocol}{port}");
        let _ = writeln!(out, "\n{}", clean(&head));
        let _ = writeln!(out, "  before  {}", clean(&said(before)));
        let _ = writeln!(out, "  after   {}", clean(&said(after)));
    }
    if let Some(more) = answer.changed.len().checked_sub(most).filter(|more| *more > 0) {
        let _ = writeln!(out, "\nand {more} more; `--verbose` shows all");
    }
}

fn said(answer: &AnswerView) -> String {
    let mut out = format!("{} ({})", answer.outcome, answer.disposition);
    if let Some(cause) = answer.cause {
        let _ = write!(out, " {cause}");
    }
    if let Some(decider) = &answer.decider {
        let _ = write!(out, " by {decider}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(outcome: &'static str, cause: Option<&'static str>, decider: Option<&str>) -> AnswerView {
        AnswerView { outcome, disposition: "accepted", cause, decider: decider.map(Into::into) }
    }

    #[test]
    fn people_read_before_and_after() {
        let change = ChangeView {
            line: 7,
            name: None,
            from: "a".into(),
            to: "b\u{1b}".into(),
            protocol: "tcp".into(),
            port: 443,
            before: answer("allowed", None, None),
            after: answer("blocked", Some("NSG_RULE_DENY"), Some("g/deny")),
        };
        let all = FlowChanges {
            version: VERSION,
            changes: vec!["added `g` rule".into()],
            flows: 3,
            decided_again: 2,
            compiled_anew: false,
            changed: vec![change],
        };
        let mut out = String::new();
        text(&mut out, &all, &Style::default());
        assert!(
            out.starts_with("changed: added `g` rule\n1 of 3 flows gets another answer; 2 decided again\n"),
            "{out}"
        );
        assert!(out.contains("line 7: a > b"), "{out}");
        assert!(out.ends_with("  after   blocked (accepted) NSG_RULE_DENY by g/deny\n"), "{out}");
        assert!(!out.contains('\u{1b}'));
    }
}
