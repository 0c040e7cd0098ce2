//! Two estates compared: what behaves differently, and what is configured differently.
//!
//! Fields are only added; [`VERSION`] changes with anything else.

mod groups;
mod markdown;
mod text;

pub use groups::{GroupDiffView, SaidView};
pub use markdown::markdown;
pub use text::text;

use super::impact::Answer;
use super::locate::Locator;
use super::text::counted;
use super::view::schema::{flag, list, object, one_of, outcomes, text as words, the};
use crate::analysis::compare::{Difference, FlowComparison};
use crate::analysis::diff::{FieldDiff, How, ResourceDiff};
use crate::diag::At;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// The version of the diff view.
pub const VERSION: &str = "netwhy/diff/1";

/// Two estates compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffReport {
    /// [`VERSION`].
    pub version: &'static str,
    /// The estate before.
    pub before: String,
    /// The estate after.
    pub after: String,
    /// How many flows were asked of both.
    pub flows_asked: usize,
    /// Whether the flows were derived, and not named by anybody.
    pub derived: bool,
    /// Flows whose answer differs, the weightiest first.
    pub behaviour: Vec<FlowDiffView>,
    /// Resources that differ, by id.
    pub configuration: Vec<ResourceDiffView>,
    /// Network security groups that are written differently: whether they let through other packets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupDiffView>,
}

/// A flow whose answer differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlowDiffView {
    /// How.
    #[serde(serialize_with = "difference")]
    pub difference: Difference,
    /// Its name, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The sender.
    pub from: String,
    /// The receiver with port and protocol.
    pub to: String,
    /// The answer before; absent where it cannot be asked there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Answer>,
    /// The answer after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Answer>,
}

/// A resource that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDiffView {
    /// How.
    #[serde(serialize_with = "how")]
    pub how: How,
    /// Its id.
    pub id: String,
    /// Its name with those of its parents.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// Where it is declared before: `file:line`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_at: Option<String>,
    /// Where it is declared after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_at: Option<String>,
    /// Fields that differ.
    pub fields: Vec<FieldDiffView>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDiffView {
    /// Dotted, items of lists by name.
    pub path: String,
    /// What it was, as JSON; absent where it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Where it is written now, else where it was: `file:line`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl DiffReport {
    /// How many flows differ so.
    pub fn count(&self, difference: Difference) -> usize {
        self.behaviour.iter().filter(|flow| flow.difference == difference).count()
    }

    /// Whether a network security group lets through other packets, whatever the flows asked say.
    pub fn has_other_rules(&self) -> bool {
        self.groups.iter().any(|group| group.answer == "differs")
    }

    /// The answer in a few words, and whether somebody has to look.
    fn headline(&self) -> (&'static str, bool) {
        match (self.is_empty(), self.flows_asked, self.behaviour.is_empty()) {
            (true, ..) => ("No difference", false),
            (_, 0, _) if self.has_other_rules() => ("Other rules, no flow asked", true),
            (_, 0, _) => ("Behaviour not compared", true),
            (.., true) if self.has_other_rules() => ("Same flows, other rules", true),
            (.., true) => ("Same behaviour", false),
            (.., false) => ("Different behaviour", true),
        }
    }

    /// How many flows there were, and how many differ.
    fn counts(&self) -> String {
        if self.flows_asked == 0 {
            return "no flow was asked: nothing in the estates sends or answers, and no scenario names one \
                    (`--scenario FILE`)"
                .into();
        }
        let how = if self.derived { ", derived from the estates" } else { "" };
        let said: Vec<String> = Difference::ALL
            .into_iter()
            .filter(|difference| self.count(*difference) > 0)
            .map(|difference| format!("{} {}", self.count(difference), difference.word()))
            .collect();
        let said = if said.is_empty() { "all answered the same".to_owned() } else { said.join(", ") };
        format!("{}{how}: {said}", counted(self.flows_asked, "flow"))
    }

    /// Whether it cannot be said that the behaviour is the same: something differs, and no flow was asked.
    pub fn is_behaviour_unknown(&self) -> bool {
        self.flows_asked == 0 && !self.is_empty()
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.behaviour.is_empty() && self.configuration.is_empty()
    }
}

impl FlowDiffView {
    /// The view of one comparison.
    pub fn new(comparison: &FlowComparison, before: &Locator<'_>, after: &Locator<'_>) -> Self {
        let trace = comparison.after.as_ref().or(comparison.before.as_ref());
        let decision = trace.map(crate::trace::Trace::decision);
        let row = decision.map(|decision| super::text::FlowRow::new(&comparison.flow, &decision, None));
        let (from, to) = row.map(|row| (row.from, row.to)).unwrap_or_default();
        Self {
            difference: comparison.difference,
            name: comparison.flow.name.as_deref().map(str::to_owned),
            from,
            to,
            before: comparison.before.as_ref().map(|trace| Answer::new(trace, before)),
            after: comparison.after.as_ref().map(|trace| Answer::new(trace, after)),
        }
    }
}

impl ResourceDiffView {
    /// The view of one difference.
    pub fn new(diff: &ResourceDiff, before: &Locator<'_>, after: &Locator<'_>) -> Self {
        Self {
            how: diff.how,
            id: diff.id.as_str().to_owned(),
            name: diff.id.full_name(),
            kind: diff.id.kind(),
            before_at: diff.before_at.and_then(|at| short(at, before)),
            after_at: diff.after_at.and_then(|at| short(at, after)),
            fields: diff.fields.iter().map(|field| FieldDiffView::new(field, before, after)).collect(),
        }
    }
}

impl FieldDiffView {
    fn new(field: &FieldDiff, before: &Locator<'_>, after: &Locator<'_>) -> Self {
        let now = field.after.as_ref().and_then(|node| short(node.at, after));
        Self {
            path: field.path.clone(),
            before: field.before.as_ref().map(ToString::to_string),
            after: field.after.as_ref().map(ToString::to_string),
            at: now.or_else(|| field.before.as_ref().and_then(|node| short(node.at, before))),
        }
    }
}

fn short(at: At, locator: &Locator<'_>) -> Option<String> {
    locator.place(at).map(|place| format!("{}:{}", place.file, place.line))
}

fn difference<S: Serializer>(difference: &Difference, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(difference.word())
}

fn how<S: Serializer>(how: &How, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(how.word())
}

/// The JSON Schema (2020-12) of [`DiffReport`].
pub fn schema() -> Value {
    let differences = Difference::ALL.map(Difference::word);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy diff",
        "description": "Two estates compared: what behaves differently, and what is configured differently.",
        "$ref": "#/$defs/diff",
        "$defs": {
            "diff": object("A report.", &[
                ("version", json!({ "const": VERSION })),
                ("before", words("The estate before.")),
                ("after", words("The estate after.")),
                ("flowsAsked", json!({ "type": "integer", "minimum": 0 })),
                ("derived", flag("Whether the flows were derived, and not named by anybody.")),
                ("behaviour", list("flow")),
                ("configuration", list("resource")),
            ], &[("groups", list("group"))]),
            "group": groups::schema(),
            "said": groups::said_schema(),
            "flow": object("A flow whose answer differs.", &[
                ("difference", one_of(&differences)),
                ("from", words("The sender.")),
                ("to", words("The receiver with port and protocol.")),
            ], &[("name", words("Its name.")), ("before", the("answer")), ("after", the("answer"))]),
            "answer": super::impact::answer_schema(outcomes()),
            "resource": object("A resource that differs.", &[
                ("how", one_of(&[How::Added.word(), How::Removed.word(), How::Changed.word()])),
                ("id", words("Its id.")),
                ("name", words("Its name.")),
                ("kind", words("Its type.")),
                ("fields", list("field")),
            ], &[("beforeAt", words("Where it is declared before.")), ("afterAt", words("Where it is declared after."))]),
            "field": object("A field that differs.", &[("path", words("Dotted, items of lists by name."))], &[
                ("before", words("What it was, as JSON.")),
                ("after", words("What it is, as JSON.")),
                ("at", words("Where it is written.")),
            ]),
        }
    })
}
