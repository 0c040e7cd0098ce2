//! A trace as text a support engineer can read under pressure.
//!
//! In this order: the verdict in one line, how the question was understood, the path, what decided, what the
//! caller notices, the way back, what was assumed, what is missing. Short unless asked; no meaning hangs on
//! colour or on signs outside ASCII.

mod decided;
mod flows;
mod path;

pub(super) use flows::brief;
pub(crate) use flows::counted;
pub use flows::{FlowRow, flows_table};

use super::clean::{LONG_NAME, elide};
use super::layout::{Margin, Words, flow};
use super::style::{Paint, Style};
use super::view::{
    BlockerView, EndKind, EndView, EvidenceView, HopView, MissingView, QuoteView, TraceView, Way,
};
use crate::inventory::ResourceId;
use crate::trace::{Action, HopKind, Outcome};

/// Writes one trace.
pub fn trace(out: &mut String, view: &TraceView, style: &Style) {
    verdict(out, view, style);
    question(out, view, style);
    path::path(out, view, style);
    decided::decided(out, view, style);
    fixes(out, view, style);
    notices(out, view, style);
    path::way_back(out, view, style);
    remarks(out, view, style);
    branches(out, view, style);
    hint(out, view, style);
}

/// Writes the verdict in one line, and where the flow ends in the next.
pub fn verdict(out: &mut String, view: &TraceView, style: &Style) {
    let target = view.question.target();
    let mut words = Words::default()
        .piece(Paint::Strong, &short(&view.question.from.asked, style, 9))
        .piece(Paint::Plain, style.signs().arrow)
        .piece(Paint::Strong, &short(&target, style, 9));
    if let Some(cause) = &view.cause {
        words = words.aside(outcome_paint(view.outcome), cause.code.code());
    }
    let word = format!("{:<9}", outcome_word(view.outcome));
    let first = style.paint(outcome_paint(view.outcome), &word);
    flow(out, style, Margin::blank(9).starting(&first), &words);
    where_it_ends(out, view, style);
}

/// A name in one piece, its middle left out where it is too long for the line.
fn short<'a>(text: &'a str, style: &Style, indent: usize) -> std::borrow::Cow<'a, str> {
    let text = super::clean::clean(text);
    elide(&text, LONG_NAME.min(style.room(indent)), style.signs().dots).into_owned().into()
}

/// The outcome as it stands at the head of a report.
pub(super) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "ALLOWED",
        Outcome::Blocked => "BLOCKED",
        Outcome::Unknown => "UNKNOWN",
        Outcome::Mixed => "MIXED",
    }
}

pub(super) fn outcome_paint(outcome: Outcome) -> Paint {
    match outcome {
        Outcome::Allowed => Paint::Good,
        Outcome::Blocked => Paint::Bad,
        Outcome::Unknown | Outcome::Mixed => Paint::Warn,
    }
}

/// `denied out at hop 2, interface web-vm-nic`, and below `by nsg/rule  estate.yaml:18`.
fn where_it_ends(out: &mut String, view: &TraceView, style: &Style) {
    let branch = if view.outcome == Outcome::Mixed { "on one branch: " } else { "" };
    let (at, evidence) = match view.blockers.first() {
        Some(blocker) => (Some(hop_of(view, blocker)), Some(&blocker.evidence)),
        None => quiet_end(view),
    };
    let at = at.map(|at| format!(" at {at}")).unwrap_or_default();
    let text = format!("{branch}{}{at}", view.disposition.word());
    flow(out, style, Margin::blank(9), &Words::default().text(Paint::Plain, &text));
    let Some(evidence) = evidence.filter(|e| e.decider.is_some() || e.file.is_some()) else { return };
    let by = if view.blockers.is_empty() { "over" } else { "by" };
    let words = Words::default()
        .text(Paint::Plain, by)
        .piece(Paint::Name, &short(evidence.decider.as_deref().unwrap_or_default(), style, 12))
        .aside(Paint::Strong, &evidence.place().unwrap_or_default());
    flow(out, style, Margin::blank(9), &words);
}

/// Where a flow ends that nothing blocks: at the first thing not known, or at its end.
fn quiet_end(view: &TraceView) -> (Option<String>, Option<&EvidenceView>) {
    let mut steps = view.hops.iter().flat_map(|h| h.steps.iter().map(move |s| (h, s)));
    match view.outcome {
        Outcome::Unknown => match steps.find(|(_, s)| s.action == Action::Unknown) {
            Some((hop, step)) => (Some(numbered(hop, "")), Some(&step.evidence)),
            None => (None, None),
        },
        _ => (view.hops.last().map(|h| numbered(h, "")), None),
    }
}

/// `hop 2, interface web-vm-nic`.
fn hop_of(view: &TraceView, blocker: &BlockerView) -> String {
    let (hops, way) = match blocker.way {
        Way::There => (Some(&view.hops), ""),
        Way::Back => (view.back.as_ref().map(|b| &b.hops), " of the way back"),
    };
    let hop = hops.and_then(|h| h.get(blocker.hop - 1));
    hop.map_or_else(|| format!("hop {}{way}", blocker.hop), |hop| numbered(hop, way))
}

fn numbered(hop: &HopView, way: &str) -> String {
    format!("hop {}{way}, {}", hop.number, hop_title(hop))
}

fn hop_title(hop: &HopView) -> String {
    let name = elide(&hop.name, LONG_NAME, "...");
    match hop.kind.word() {
        // A host of the internet is called so already.
        kind if name.starts_with(kind) => name.into_owned(),
        kind => format!("{kind} {name}"),
    }
}

pub(in crate::report) fn heading(out: &mut String, style: &Style, text: &str) {
    out.push('\n');
    out.push_str(&style.paint(Paint::Strong, text));
    out.push('\n');
}

fn question(out: &mut String, view: &TraceView, style: &Style) {
    let question = &view.question;
    heading(out, style, "Understood as");
    labelled(out, style, "from", end(&question.from, style));
    let to = end(&question.to, style);
    let lost = question.to.address.is_none() && question.to.kind == EndKind::Name && is_unresolved(view);
    labelled(out, style, "to", if lost { to.text(Paint::Plain, "(address not known)") } else { to });
    let port = match question.source_port {
        Some(source) => format!("{} from source port {source}", question.service()),
        None => question.service(),
    };
    labelled(out, style, "port", Words::default().text(Paint::Plain, &port));
    for (label, text) in [
        ("path", &question.path),
        ("as", &question.identity),
        ("wants", &question.action),
        ("name", &question.name),
    ] {
        if let Some(text) = text {
            labelled(out, style, label, Words::default().piece(Paint::Plain, &short(text, style, 8)));
        }
    }
}

/// Whether what the name stands for could not be told.
fn is_unresolved(view: &TraceView) -> bool {
    let mut asked = view.hops.iter().filter(|h| h.kind == HopKind::Resolver).flat_map(|h| &h.steps);
    asked.any(|s| s.action == Action::Unknown)
}

fn labelled(out: &mut String, style: &Style, label: &str, words: Words) {
    let first = style.paint(Paint::Dim, &format!("  {label:<6}"));
    flow(out, style, Margin::blank(8).starting(&first), &words);
}

/// `web-vm  (virtual machine in rg-app, 10.1.1.4)`.
fn end(end: &EndView, style: &Style) -> Words {
    let mut known = Vec::new();
    if let Some(id) = end.resource.as_deref().map(ResourceId::new) {
        let kind = end.resource_kind.as_deref().unwrap_or("resource");
        let name = if end.kind == EndKind::Resource { String::new() } else { format!(" {}", id.full_name()) };
        let group = id.resource_group().map(|g| format!(" in {g}")).unwrap_or_default();
        known.push(format!("{kind}{name}{group}"));
    }
    if end.kind == EndKind::Internet {
        known.push("a public client or host, with an example address".into());
    }
    if let Some(address) = end.address.filter(|_| end.kind != EndKind::Address) {
        known.push(address.to_string());
    }
    let words = Words::default().piece(Paint::Strong, &short(&end.asked, style, 8));
    if known.is_empty() { words } else { words.text(Paint::Plain, &format!("({})", known.join(", "))) }
}

fn notices(out: &mut String, view: &TraceView, style: &Style) {
    heading(out, style, "The caller notices");
    let at_times = if view.outcome == Outcome::Mixed { "at times: " } else { "" };
    let text = format!("{at_times}{}", view.notices);
    flow(out, style, Margin::blank(2), &Words::default().text(Paint::Plain, &text));
    let mut before = view.notices;
    for (number, blocker) in view.blockers.iter().enumerate().skip(1) {
        if blocker.notices != before {
            let text = format!("with blocker {} opened: {}", earlier(number), blocker.notices);
            flow(out, style, Margin::blank(2), &Words::default().text(Paint::Dim, &text));
        }
        before = blocker.notices;
    }
}

/// `1`, or `1 to 3`.
fn earlier(last: usize) -> String {
    if last == 1 { "1".into() } else { format!("1 to {last}") }
}

fn remarks(out: &mut String, view: &TraceView, style: &Style) {
    if !view.missing.is_empty() {
        heading(out, style, "Missing");
        view.missing.iter().for_each(|m| missing(out, style, m));
    }
    if !view.assumptions.is_empty() {
        heading(out, style, "Assumed");
    }
    for assumption in &view.assumptions {
        let mut words = Words::default().text(Paint::Plain, &assumption.text);
        if let Some(knob) = assumption.knob {
            words = words.aside(Paint::Dim, &format!("(knob {knob})"));
        }
        item(out, style, words);
    }
    if !view.warnings.is_empty() {
        heading(out, style, "Warnings");
    }
    for warning in &view.warnings {
        item(out, style, Words::default().text(Paint::Plain, &long(warning)));
    }
}

/// Texts of the estate may be of any length; a page of one text helps nobody.
pub(super) fn long(text: &str) -> std::borrow::Cow<'_, str> {
    elide(text, 5 * LONG_NAME, "...")
}

fn item(out: &mut String, style: &Style, words: Words) {
    let first = format!("  {} ", style.signs().bullet);
    flow(out, style, Margin::blank(4).starting(&first), &words);
}

fn missing(out: &mut String, style: &Style, missing: &MissingView) {
    let mut words = Words::default().text(Paint::Plain, &long(&missing.text));
    if let Some(place) = missing.place() {
        words = words.aside(Paint::Dim, &place);
    }
    item(out, style, words);
    quote(out, style, &missing.quote, if style.verbose { usize::MAX } else { 1 });
}

/// Lines of a file with their numbers.
pub(in crate::report) fn quote(out: &mut String, style: &Style, quote: &QuoteView, most: usize) {
    let signs = style.signs();
    let margin = |number: &str, deeper: usize| {
        let lead = style.paint(Paint::Dim, &format!("{number:>8} {} ", signs.bar));
        format!("{lead}{}", " ".repeat(deeper))
    };
    for line in quote.lines.iter().take(most) {
        let text = line.text.trim_start();
        let deeper = (line.text.len() - text.len()).min(24);
        let (first, rest) = (margin(&line.line.to_string(), deeper), margin("", deeper + 2));
        let margin = Margin { first: &first, rest: &rest, columns: 13 + deeper };
        flow(out, style, margin, &Words::default().text(Paint::Plain, text));
    }
    let more = quote.more + quote.lines.len().saturating_sub(most);
    if more > 0 && most > 1 {
        let text = format!("{} {} more", signs.dots, flows::counted(more, "line"));
        out.push_str(&format!("{}{text}\n", margin("", 0)));
    }
}

/// What would open it, as lines of a change file.
fn fixes(out: &mut String, view: &TraceView, style: &Style) {
    if let Some(why) = &view.no_fix {
        heading(out, style, "Would open it");
        let text = format!("nothing small that was tried: {why}");
        flow(out, style, Margin::blank(2), &Words::default().text(Paint::Plain, &text));
    }
    if view.fixes.is_empty() {
        return;
    }
    heading(out, style, "Would open it, tried out");
    for (number, fix) in view.fixes.iter().enumerate() {
        let first = format!("  {}. ", number + 1);
        flow(out, style, Margin::blank(5).starting(&first), &Words::default().text(Paint::Good, &fix.text));
        for change in &fix.changes {
            let words = Words::default().text(Paint::Plain, change);
            flow(out, style, Margin::blank(9).starting("       - "), &words);
        }
        if let Some(caution) = fix.caution {
            flow(out, style, Margin::blank(5), &Words::default().text(Paint::Warn, caution));
        }
    }
}

fn branches(out: &mut String, view: &TraceView, style: &Style) {
    if view.branches.is_empty() {
        return;
    }
    heading(out, style, "Other equal-cost branches");
    for branch in &view.branches {
        let mut text = String::new();
        let inner = Style { width: style.width.saturating_sub(2), ..*style };
        if style.verbose {
            trace(&mut text, branch, &inner);
        } else {
            verdict(&mut text, branch, &inner);
            text.push_str(&path::names(branch, &inner));
        }
        for line in text.lines() {
            out.push_str(if line.is_empty() { "" } else { "  " });
            out.push_str(line);
            out.push('\n');
        }
    }
}

fn hint(out: &mut String, view: &TraceView, style: &Style) {
    let Some(cause) = &view.cause else { return };
    out.push('\n');
    let more = if style.verbose { "" } else { "; --verbose shows all evidence" };
    let text = format!("More: netwhy explain {}{more}", cause.code.code());
    flow(out, style, Margin::blank(0), &Words::default().text(Paint::Dim, &text));
}
