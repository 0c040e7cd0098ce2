//! What decided: the rule, the lines it stands in, and the rules that came near.

use super::super::layout::{Margin, Words, flow};
use super::super::style::{Paint, Style};
use super::super::table::{Cell, Fit, Table};
use super::super::view::{BlockerView, EvidenceView, NearMissView, TraceView};
use super::{heading, hop_of, quote, short};

/// So many near misses are shown unless all are wanted.
const NEAR: usize = 6;

pub(super) fn decided(out: &mut String, view: &TraceView, style: &Style) {
    if view.blockers.is_empty() {
        return;
    }
    heading(out, style, "Decided by");
    for (number, blocker) in view.blockers.iter().enumerate() {
        title(out, view, number, blocker, style);
        let lines = if number == 0 || style.verbose { usize::MAX } else { 1 };
        quote(out, style, &blocker.quote, lines);
        if number == 0 || style.verbose {
            looked_at(out, &blocker.evidence, style);
        }
    }
}

fn title(out: &mut String, view: &TraceView, number: usize, blocker: &BlockerView, style: &Style) {
    let lead = match view.blockers.len() {
        1 => "  ".to_owned(),
        _ => format!("  {}. ", number + 1),
    };
    let mut words = Words::default();
    if let Some(decider) = &blocker.evidence.decider {
        words = words.piece(Paint::Name, &short(decider, style, lead.len()));
    }
    if let Some(place) = blocker.evidence.place() {
        words = words.aside(Paint::Strong, &place);
    }
    let margin = Margin::blank(lead.len());
    let code = blocker.cause.code.code();
    if words.is_empty() {
        words = words.piece(Paint::Bad, code);
    }
    flow(out, style, margin.starting(&lead), &words);
    let (paint, text) = match number {
        0 => (Paint::Dim, blocker.cause.text.to_owned()),
        _ => (Paint::Plain, format!("also blocks, at {}: {code}", hop_of(view, blocker))),
    };
    flow(out, style, margin, &Words::default().text(paint, &text));
}

fn looked_at(out: &mut String, evidence: &EvidenceView, style: &Style) {
    if evidence.near_misses.is_empty() {
        return;
    }
    let text = Words::default().text(Paint::Plain, "Looked at before it, without a match:");
    flow(out, style, Margin::blank(5), &text);
    near_misses(out, evidence, style, 7);
    if let Some(text) = nearest_allow(&evidence.near_misses) {
        flow(out, style, Margin::blank(5), &Words::default().text(Paint::Strong, &text));
    }
}

/// The table of rules that were looked at: what matched and what did not.
pub(super) fn near_misses(out: &mut String, evidence: &EvidenceView, style: &Style, indent: usize) {
    let all = &evidence.near_misses;
    if all.is_empty() {
        return;
    }
    let shown = nearest(all, if style.verbose { usize::MAX } else { NEAR });
    let mut table = Table::new(&[
        ("priority", Fit::Keep),
        ("access", Fit::Keep),
        ("rule", Fit::Middle),
        ("protocol", Fit::Keep),
        ("source", Fit::Keep),
        ("src port", Fit::Keep),
        ("dest", Fit::Keep),
        ("dest port", Fit::Keep),
        ("line", Fit::Start),
    ])
    .right(0);
    for miss in &shown {
        table.row(row(miss, evidence.file.as_deref(), style));
    }
    table.write(out, style, indent);
    if shown.len() < all.len() {
        let text = format!("and {} that were further off", all.len() - shown.len());
        flow(out, style, Margin::blank(indent), &Words::default().text(Paint::Dim, &text));
    }
}

/// A row; the file is named only where it is another than the decider's.
fn row(miss: &NearMissView, file: Option<&str>, style: &Style) -> Vec<Cell> {
    let same = miss.file.as_deref() == file;
    let place = if same { miss.line.map(|l| l.to_string()) } else { miss.place() };
    let signs = style.signs();
    let matched = |field: &Option<bool>| match field {
        Some(true) => Cell::new(Paint::Good, signs.yes),
        Some(false) => Cell::new(Paint::Bad, signs.no),
        None => Cell::new(Paint::Warn, signs.unknown),
    };
    let mut cells = vec![
        Cell::new(Paint::Plain, &miss.priority.to_string()),
        Cell::new(Paint::Plain, miss.access),
        Cell::new(Paint::Plain, &miss.name),
    ];
    cells.extend(miss.fields().iter().map(|(_, field)| matched(field)));
    cells.push(Cell::new(Paint::Dim, &place.unwrap_or_default()));
    cells
}

/// The nearest few, in the order they were looked at.
fn nearest(all: &[NearMissView], most: usize) -> Vec<&NearMissView> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|i| (misses(&all[*i]), *i));
    order.truncate(most);
    order.sort_unstable();
    order.iter().map(|i| &all[*i]).collect()
}

fn misses(miss: &NearMissView) -> usize {
    miss.fields().iter().filter(|(_, field)| *field != Some(true)).count()
}

/// `allow-vault (priority 110) would have allowed it but for the destination port`.
fn nearest_allow(all: &[NearMissView]) -> Option<String> {
    let allows = all.iter().filter(|m| m.access == "Allow");
    let near = allows.min_by_key(|m| (misses(m), m.priority)).filter(|m| misses(m) < 3)?;
    let fields = near.fields();
    let wrong: Vec<&str> = fields.iter().filter(|(_, f)| *f == Some(false)).map(|(n, _)| *n).collect();
    let untold: Vec<&str> = fields.iter().filter(|(_, f)| f.is_none()).map(|(n, _)| *n).collect();
    let but = match (wrong.is_empty(), untold.is_empty()) {
        (false, true) => format!("but for the {}", wrong.join(" and the ")),
        (true, _) => format!("if its {} were known to match", untold.join(" and ")),
        (false, false) => {
            format!("but for the {}, its {} not being known", wrong.join(" and the "), untold.join(" and "))
        }
    };
    Some(format!("{} (priority {}) would have allowed it {but}", near.name, near.priority))
}
