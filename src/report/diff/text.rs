//! The comparison for a person: the counts, flows by weight, then resources with their fields.

use super::super::impact::Answer;
use super::super::layout::{Margin, Words, flow};
use super::super::style::{Paint, Style};
use super::super::text::{brief, counted, heading};
use super::{DiffReport, FlowDiffView, ResourceDiffView};
use crate::analysis::compare::Difference;
use crate::analysis::diff::How;

/// So many lines of one kind are shown unless all are wanted.
const SHOWN: usize = 20;

/// Writes a report.
pub fn text(out: &mut String, report: &DiffReport, style: &Style) {
    headline(out, report, style);
    let most = if style.verbose { usize::MAX } else { SHOWN };
    for difference in Difference::ALL {
        let flows: Vec<&FlowDiffView> =
            report.behaviour.iter().filter(|f| f.difference == difference).collect();
        if flows.is_empty() {
            continue;
        }
        heading(out, style, &format!("Flows: {} ({})", difference.word(), flows.len()));
        let mut shown = 0;
        for group in grouped(&flows) {
            if shown >= most {
                break;
            }
            shown += flow_lines(out, &group, most - shown, style);
        }
        rest(out, flows.len(), shown.max(most), style);
    }
    if !report.configuration.is_empty() {
        heading(out, style, &format!("Configuration ({})", counted(report.configuration.len(), "resource")));
        report.configuration.iter().take(most).for_each(|resource| resource_lines(out, resource, style));
        rest(out, report.configuration.len(), most, style);
    }
    if !report.groups.is_empty() {
        super::groups::text(out, &report.groups, style);
    }
}

fn headline(out: &mut String, report: &DiffReport, style: &Style) {
    let (word, look) = report.headline();
    let words = Words::default()
        .piece(if look { Paint::Warn } else { Paint::Good }, &word.to_uppercase())
        .aside(Paint::Strong, &report.before)
        .piece(Paint::Plain, style.signs().arrow)
        .piece(Paint::Strong, &report.after);
    flow(out, style, Margin::blank(2).starting(""), &words);
    flow(out, style, Margin::blank(2), &Words::default().text(Paint::Plain, &report.counts()));
    let many = |how: How| report.configuration.iter().filter(|r| r.how == how).count();
    let resources = format!(
        "resources: {} added, {} removed, {} changed",
        many(How::Added),
        many(How::Removed),
        many(How::Changed)
    );
    flow(out, style, Margin::blank(2), &Words::default().text(Paint::Plain, &resources));
}

fn rest(out: &mut String, many: usize, most: usize, style: &Style) {
    if many > most {
        let text = format!("and {} more; --verbose shows them", many - most);
        flow(out, style, Margin::blank(2), &Words::default().text(Paint::Dim, &text));
    }
}

/// Flows that are answered the same, before and after, in the order of the first of each.
fn grouped<'a>(flows: &[&'a FlowDiffView]) -> Vec<Vec<&'a FlowDiffView>> {
    let key = |answer: &Option<Answer>, difference: Difference| {
        answer.as_ref().map(|a| {
            let way = (difference == Difference::Way).then(|| a.path.clone());
            (a.outcome, a.cause, a.decider.clone(), a.place(), way)
        })
    };
    let both = |view: &FlowDiffView| (key(&view.before, view.difference), key(&view.after, view.difference));
    let mut groups: Vec<Vec<&FlowDiffView>> = Vec::new();
    for view in flows {
        match groups.iter_mut().find(|group| both(group[0]) == both(view)) {
            Some(group) => group.push(view),
            None => groups.push(vec![view]),
        }
    }
    groups
}

/// What was and what is, and the flows of which that is so, a line for each sender. Gives how many are shown.
fn flow_lines(out: &mut String, group: &[&FlowDiffView], most: usize, style: &Style) -> usize {
    for (label, answer) in [("was", &group[0].before), ("is", &group[0].after)] {
        let first = format!("  {label:<4}");
        let words = match answer {
            Some(answer) => told(answer, group[0].difference, style),
            None => Words::default().text(Paint::Dim, "not there to be asked"),
        };
        flow(out, style, Margin::blank(6).starting(&first), &words);
    }
    let shown = &group[..group.len().min(most)];
    let mut rest = shown;
    while let Some(first) = rest.first() {
        let many = rest.iter().take_while(|view| view.from == first.from).count();
        let targets: Vec<String> = rest[..many].iter().map(|view| target(view)).collect();
        let words = Words::default()
            .piece(Paint::Strong, &brief(&first.from))
            .piece(Paint::Plain, style.signs().arrow)
            .text(Paint::Strong, &targets.join(", "));
        flow(out, style, Margin::blank(10).starting("      "), &words);
        rest = &rest[many..];
    }
    shown.len()
}

/// The receiver, with the name of the flow where it has one.
fn target(view: &FlowDiffView) -> String {
    match &view.name {
        Some(name) => format!("{} ({name})", brief(&view.to)),
        None => brief(&view.to),
    }
}

fn told(answer: &Answer, difference: Difference, style: &Style) -> Words {
    use crate::trace::Outcome;
    let paint = match answer.outcome {
        Outcome::Allowed => Paint::Good,
        Outcome::Blocked => Paint::Bad,
        _ => Paint::Warn,
    };
    let mut words = Words::default().text(paint, answer.outcome.word());
    if let Some(cause) = answer.cause {
        words = words.piece(Paint::Plain, cause);
    }
    if let Some(decider) = &answer.decider {
        words = words.aside(Paint::Name, decider);
    }
    if let Some(place) = answer.place() {
        words = words.aside(Paint::Dim, &place);
    }
    if difference == Difference::Way {
        words = words.aside(Paint::Plain, &answer.path.join(&format!(" {} ", style.signs().arrow)));
    }
    words
}

fn resource_lines(out: &mut String, view: &ResourceDiffView, style: &Style) {
    let (sign, paint) = match view.how {
        How::Added => ("+", Paint::Good),
        How::Removed => ("-", Paint::Bad),
        How::Changed => ("~", Paint::Warn),
    };
    let first = format!("  {} ", style.paint(paint, sign));
    let place = view.after_at.as_deref().or(view.before_at.as_deref()).unwrap_or_default();
    let words = Words::default()
        .piece(Paint::Strong, &view.name)
        .aside(Paint::Dim, &view.kind)
        .aside(Paint::Dim, place);
    flow(out, style, Margin::blank(4).starting(&first), &words);
    let shown = if style.verbose { usize::MAX } else { SHOWN };
    for field in view.fields.iter().take(shown) {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        let mut words = Words::default()
            .text(Paint::Name, &format!("{}:", field.path))
            .text(Paint::Plain, &value(&field.before))
            .text(Paint::Plain, style.signs().arrow)
            .text(Paint::Plain, &value(&field.after));
        words = words.aside(Paint::Dim, field.at.as_deref().unwrap_or_default());
        flow(out, style, Margin::blank(8).starting("      "), &words);
    }
    rest(out, view.fields.len(), shown, style);
}
