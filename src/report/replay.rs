//! Recorded answers beside ours: a line each, and every field that differs.

use super::layout::{Margin, Words, flow};
use super::style::{Paint, Style};
use super::text::counted;
use crate::analysis::replay::{Compared, Replayed};
use serde::Serialize;

/// An answer as data.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'a> {
    file: &'a str,
    date: Option<&'a str>,
    operation: &'a str,
    question: &'a str,
    agrees: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_asked: Option<&'a str>,
    fields: &'a [Compared],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explained: Vec<SetAside<'a>>,
    set_aside: Vec<SetAside<'a>>,
}

/// A field and a reason: why it tells nothing of the network, or why it differs.
#[derive(Serialize)]
struct SetAside<'a> {
    field: &'a str,
    why: &'a str,
}

/// Every answer with every field.
pub fn json(out: &mut String, answers: &[(String, Replayed)]) {
    let view = |(file, answer): &'_ (String, Replayed)| {
        serde_json::to_value(View {
            file,
            date: answer.date.as_deref(),
            operation: &answer.operation,
            question: &answer.question,
            agrees: answer.agrees(),
            not_asked: answer.not_asked.as_deref(),
            fields: &answer.fields,
            explained: answer
                .differing()
                .filter_map(|field| Some(SetAside { field: &field.field, why: answer.explanation(field)? }))
                .collect(),
            set_aside: answer.set_aside.iter().map(|(field, why)| SetAside { field, why }).collect(),
        })
        .unwrap_or_default()
    };
    super::json::pretty(out, &answers.iter().map(view).collect::<Vec<_>>());
}

/// A line for each answer, its differences below it, and a count.
pub fn text(out: &mut String, answers: &[(String, Replayed)], style: &Style) {
    let mut last = "";
    for (file, answer) in answers {
        if file != last {
            flow(out, style, Margin::blank(0), &Words::default().piece(Paint::Strong, file));
            last = file;
        }
        one(out, answer, style);
    }
    let asked: Vec<&Replayed> = answers.iter().map(|(_, a)| a).filter(|a| a.not_asked.is_none()).collect();
    let fields: usize = asked.iter().map(|a| a.fields.len()).sum();
    let same: usize = asked.iter().map(|a| a.fields.iter().filter(|f| f.agrees).count()).sum();
    let agreeing = asked.iter().filter(|a| a.agrees()).count();
    let aside: usize = asked.iter().map(|a| a.set_aside.len()).sum();
    let told = |a: &&Replayed| a.differing().filter(|field| a.explanation(field).is_some()).count();
    let explained: usize = asked.iter().map(told).sum();
    let mut text = format!(
        "{agreeing} of {} {}; {same} of {}",
        counted(asked.len(), "recorded answer"),
        if asked.len() == 1 { "agrees" } else { "agree" },
        counted(fields, "field")
    );
    if explained > 0 {
        text.push_str(&format!("; {explained} of those that differ explained"));
    }
    if aside > 0 {
        text.push_str(&format!("; {aside} set aside"));
    }
    let not_asked = answers.len() - asked.len();
    if not_asked > 0 {
        text.push_str(&format!("; {not_asked} not asked"));
    }
    out.push('\n');
    flow(out, style, Margin::blank(0), &Words::default().text(Paint::Strong, &text));
}

fn one(out: &mut String, answer: &Replayed, style: &Style) {
    let (paint, word) = match (&answer.not_asked, answer.agrees()) {
        (Some(_), _) => (Paint::Dim, "not asked"),
        (None, true) => (Paint::Good, "same"),
        (None, false) => (Paint::Bad, "differs"),
    };
    let words = Words::default()
        .piece(paint, word)
        .aside(Paint::Name, &answer.operation)
        .text(Paint::Plain, &answer.question)
        .aside(Paint::Dim, answer.date.as_deref().unwrap_or_default());
    flow(out, style, Margin::blank(2), &words);
    let mut note =
        |text: &str| flow(out, style, Margin::blank(6), &Words::default().text(Paint::Plain, text));
    if let Some(why) = &answer.not_asked {
        note(why);
    }
    for field in answer.differing() {
        note(&format!("{}: Azure says {}, we say {}", field.field, field.azure, field.ours));
        if let Some(why) = answer.explanation(field) {
            note(&format!("  because {why}"));
        }
    }
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for (_, why) in &answer.set_aside {
        match reasons.iter_mut().find(|(known, _)| known == why) {
            Some((_, count)) => *count += 1,
            None => reasons.push((why, 1)),
        }
    }
    for (why, count) in reasons {
        note(&format!("{} set aside: {why}", counted(count, "field")));
    }
}
