//! Network security groups that are written differently, and a packet that shows where they act differently.

use super::super::layout::{Margin, Words, flow};
use super::super::locate::Locator;
use super::super::style::{Paint, Style};
use super::super::text::{counted, heading};
use super::super::view::schema::{flag, object, one_of, text as words, the};
use super::short;
use crate::analysis::equivalence::{End, Equivalence, GroupComparison, Said, Scope, Witness};
use crate::inventory::ResourceId;
use serde::Serialize;
use serde_json::Value;

/// A group and a direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupDiffView {
    /// The group's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `Inbound` or `Outbound`.
    pub direction: &'static str,
    /// `equal`, `differs`, `unknown`.
    pub answer: &'static str,
    /// Where that holds: `anywhere`, or `attached`: at the subnets where the group acts.
    pub scope: &'static str,
    /// A packet that is treated differently, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packet: Option<String>,
    /// What the packet meets before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<SaidView>,
    /// What it meets after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<SaidView>,
    /// What is missing for an answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// What a group says to a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SaidView {
    /// Whether it lets the packet through.
    pub allows: bool,
    /// The rule that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Where that is written: `file:line`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl GroupDiffView {
    /// The view of one comparison.
    pub fn new(group: &GroupComparison, before: &Locator<'_>, after: &Locator<'_>) -> Self {
        let view = Self {
            id: group.id.as_str().to_owned(),
            name: group.id.full_name(),
            direction: if group.inbound { "Inbound" } else { "Outbound" },
            answer: "equal",
            scope: if group.scope == Scope::Anywhere { "anywhere" } else { "attached" },
            packet: None,
            before: None,
            after: None,
            missing: Vec::new(),
        };
        match &group.answer {
            Equivalence::Equal => view,
            Equivalence::Differs(witness) => Self {
                answer: "differs",
                packet: Some(packet(witness)),
                before: Some(said(&witness.said[0], before)),
                after: Some(said(&witness.said[1], after)),
                ..view
            },
            Equivalence::Unknown(why) => {
                Self { answer: "unknown", missing: why.iter().map(ToString::to_string).collect(), ..view }
            }
            Equivalence::TooLarge => Self {
                answer: "unknown",
                missing: vec!["the rules are too entangled to be compared in bounded time".to_owned()],
                ..view
            },
        }
    }
}

fn said(said: &Said, locator: &Locator<'_>) -> SaidView {
    SaidView {
        allows: said.allows,
        rule: said.rule.as_deref().map(str::to_owned),
        at: short(said.at, locator),
    }
}

/// `Tcp 10.0.0.4 (VirtualNetwork) -> 10.0.1.4:443`
fn packet(witness: &Witness) -> String {
    let header = &witness.header;
    let [from, to] = witness.ends.each_ref().map(end);
    let port = if header.protocol.has_ports() { format!(":{}", header.port) } else { String::new() };
    let source_port = match header.source_port {
        0 if header.protocol.has_ports() => ", at a private endpoint",
        _ => "",
    };
    format!("{} {}{from} -> {}{port}{to}{source_port}", header.protocol, header.source, header.destination)
}

/// What an end must be, in brackets.
fn end(end: &End) -> String {
    let mut words: Vec<String> = Vec::new();
    if end.virtual_network == Some(true) {
        words.push("VirtualNetwork".to_owned());
    }
    if end.internet == Some(true) {
        words.push("Internet".to_owned());
    }
    words.extend(end.groups.iter().map(|id| ResourceId::new(id).full_name()));
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// The groups for a person.
pub(super) fn text(out: &mut String, groups: &[GroupDiffView], style: &Style) {
    heading(out, style, &format!("Network security groups ({})", counted(groups.len(), "direction")));
    for group in groups {
        let (sign, paint) = match group.answer {
            "equal" => ("=", Paint::Good),
            "differs" => ("~", Paint::Warn),
            _ => ("?", Paint::Warn),
        };
        let first = format!("  {} ", style.paint(paint, sign));
        let told = match (group.answer, group.scope) {
            ("equal", "anywhere") => "other words for the same: every packet is treated alike in any network",
            ("equal", _) => "every packet is treated alike where the group acts",
            ("differs", _) => "not every packet is treated alike, for example",
            _ => "whether every packet is treated alike is not known",
        };
        let words = Words::default()
            .piece(Paint::Strong, &group.name)
            .piece(Paint::Plain, &group.direction.to_lowercase())
            .aside(Paint::Plain, told);
        flow(out, style, Margin::blank(4).starting(&first), &words);
        let margin = || Margin::blank(8).starting("      ");
        if let Some(packet) = &group.packet {
            flow(out, style, margin(), &Words::default().text(Paint::Plain, packet));
        }
        for (label, said) in [("was", &group.before), ("is", &group.after)] {
            let Some(said) = said else { continue };
            let first = format!("      {label:<4}");
            flow(out, style, Margin::blank(10).starting(&first), &answer(said));
        }
        for missing in &group.missing {
            flow(out, style, margin(), &Words::default().text(Paint::Dim, missing));
        }
    }
}

fn answer(said: &SaidView) -> Words {
    let (paint, word) = if said.allows { (Paint::Good, "allowed") } else { (Paint::Bad, "denied") };
    let words = Words::default().text(paint, word);
    let words = words.aside(Paint::Name, said.rule.as_deref().unwrap_or("no rule matches"));
    words.aside(Paint::Dim, said.at.as_deref().unwrap_or_default())
}

/// The groups as a Markdown table.
pub(super) fn markdown(out: &mut String, groups: &[GroupDiffView], inline: fn(&str) -> String) {
    out.push_str(
        "\n### Network security groups\n\n| group | direction | packets | for example | was | is |\n",
    );
    out.push_str("|---|---|---|---|---|---|\n");
    for group in groups {
        let told = |said: &Option<SaidView>| match said {
            None => String::new(),
            Some(said) => {
                let word = if said.allows { "allowed" } else { "denied" };
                format!("{word} {}", said.rule.as_deref().unwrap_or_default())
            }
        };
        let packets = match group.answer {
            "equal" => "all treated alike".to_owned(),
            "differs" => "not all treated alike".to_owned(),
            _ => format!("not known: {}", group.missing.join("; ")),
        };
        let example = group.packet.clone().unwrap_or_default();
        let cells = [
            group.name.clone(),
            group.direction.to_owned(),
            packets,
            example,
            told(&group.before),
            told(&group.after),
        ];
        out.push_str(&format!("| {} |\n", cells.map(|cell| inline(&cell)).join(" | ")));
    }
}

/// The JSON Schema of [`GroupDiffView`].
pub(super) fn schema() -> Value {
    let always = [
        ("id", words("The group's id.")),
        ("name", words("Its name.")),
        ("direction", one_of(&["Inbound", "Outbound"])),
        ("answer", one_of(&["equal", "differs", "unknown"])),
        ("scope", one_of(&["anywhere", "attached"])),
    ];
    let perhaps = [
        ("packet", words("A packet that is treated differently.")),
        ("before", the("said")),
        ("after", the("said")),
        ("missing", list_of_words()),
    ];
    object("A network security group that is written differently.", &always, &perhaps)
}

fn list_of_words() -> Value {
    serde_json::json!({ "type": "array", "items": words("What is missing for an answer.") })
}

/// The JSON Schema of [`SaidView`].
pub(super) fn said_schema() -> Value {
    let always = [("allows", flag("Whether it lets the packet through."))];
    let perhaps = [("rule", words("The rule that decides.")), ("at", words("Where that is written."))];
    object("What a group says to a packet.", &always, &perhaps)
}
