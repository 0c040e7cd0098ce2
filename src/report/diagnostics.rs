//! Faults of the input, each at its line.
//!
//! Grouped by code, the gravest last, where a person looks first. Of many of one code only some are drawn;
//! the rest are counted.

use super::clean::{clean, clean_in_place};
use super::layout::{Margin, Words, flow};
use super::locate::Locator;
use super::style::{Paint, Style};
use super::text::counted;
use crate::diag::{At, Code, Diagnostic, Diagnostics, Severity};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;
use std::ops::Range;

/// So many of one code are drawn unless all are wanted.
pub const DRAWN: usize = 5;

/// Lines longer than this are shown around the place only.
const LONG_LINE: usize = 2_000;

/// Two places of one file so many lines apart are drawn together.
const TOGETHER: usize = 200;

/// Writes the faults with their lines, and a line that counts them.
pub fn text(out: &mut String, notes: &Diagnostics, locator: &Locator<'_>, style: &Style) {
    let most = if style.verbose { usize::MAX } else { DRAWN };
    for (severity, code, group) in groups(notes) {
        for note in group.iter().take(most) {
            out.push_str(&drawn(note, locator, style));
            // One-liners stand together, drawings apart.
            let line = !note.at.is_somewhere() && note.help.is_none();
            out.push_str(if line { "\n" } else { "\n\n" });
        }
        if group.len() > most {
            let more = group.len() - most;
            let plural = if more == 1 { "" } else { "s" };
            let (severity_name, code) = (severity.name(), code.name());
            let text =
                format!("... and {more} more {severity_name}{plural} of `{code}` (--verbose shows all)");
            flow(out, style, Margin::blank(0), &Words::default().text(paint(severity), &text));
        }
        if !out.ends_with("\n\n") {
            out.push('\n');
        }
    }
    count(out, notes, style);
}

/// By severity, the gravest last; within it by code; within that in the order of the files.
fn groups(notes: &Diagnostics) -> Vec<(Severity, Code, Vec<&Diagnostic>)> {
    let mut all: Vec<&Diagnostic> = notes.iter().collect();
    all.sort_by_key(|n| (n.severity, n.code, n.at));
    let mut out: Vec<(Severity, Code, Vec<&Diagnostic>)> = Vec::new();
    for note in all {
        match out.last_mut() {
            Some((severity, code, group)) if (*severity, *code) == (note.severity, note.code) => {
                group.push(note)
            }
            _ => out.push((note.severity, note.code, vec![note])),
        }
    }
    out
}

fn paint(severity: Severity) -> Paint {
    match severity {
        Severity::Error => Paint::Bad,
        Severity::Warning => Paint::Warn,
        Severity::Note => Paint::Dim,
    }
}

fn count(out: &mut String, notes: &Diagnostics, style: &Style) {
    if notes.is_empty() {
        return;
    }
    let mut words = Words::default();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let many = notes.iter().filter(|n| n.severity == severity).count();
        if many > 0 {
            let comma = if words.is_empty() { "" } else { "," };
            words = words.glue(Paint::Plain, comma).text(paint(severity), &counted(many, severity.name()));
        }
    }
    if notes.dropped() > 0 {
        words =
            words.glue(Paint::Plain, ",").text(Paint::Plain, &format!("{} more not kept", notes.dropped()));
    }
    flow(out, style, Margin::blank(0), &words);
}

fn drawn(note: &Diagnostic, locator: &Locator<'_>, style: &Style) -> String {
    let level = match note.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(clean(&note.message).into_owned()).id(note.code.name());
    let mut group =
        places(note, locator).into_iter().fold(Group::with_title(title), |group, part| match part {
            Part::Whole(snippet) => group.element(snippet),
            Part::Window(origin, snippet) => group.element(origin).element(snippet),
        });
    if let Some(help) = &note.help {
        group = group.element(Level::HELP.message(clean(help).into_owned()));
    }
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    let decor = if style.unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
    let width = if style.width == 0 { 140 } else { style.width };
    renderer.decor_style(decor).term_width(width).render(&[group])
}

type Annotated = Snippet<'static, Annotation<'static>>;

/// A piece of a document with its marks.
enum Part {
    Whole(Annotated),
    /// Of a very long line only a window, whose place has to be said.
    Window(Origin<'static>, Annotated),
}

/// A mark in a document.
struct Mark {
    at: At,
    kind: AnnotationKind,
    label: Option<String>,
}

fn places(note: &Diagnostic, locator: &Locator<'_>) -> Vec<Part> {
    let first = Mark { at: note.at, kind: AnnotationKind::Primary, label: None };
    let second = note.second.as_ref().map(|(at, label)| Mark {
        at: *at,
        kind: AnnotationKind::Context,
        label: Some(clean(label).into_owned()),
    });
    let Some(second) = second else { return part(&[first], locator).into_iter().collect() };
    let line = |mark: &Mark| locator.line_range(mark.at).map(|(line, range)| (line, range.len()));
    let near = match (line(&first), line(&second)) {
        (Some((a, a_length)), Some((b, b_length))) => {
            first.at.doc == second.at.doc && a.abs_diff(b) < TOGETHER && a_length.max(b_length) < LONG_LINE
        }
        _ => false,
    };
    if near {
        return part(&[first, second], locator).into_iter().collect();
    }
    [first, second].iter().filter_map(|m| part(std::slice::from_ref(m), locator)).collect()
}

/// The lines the marks stand in. A mark over several lines is drawn on its first.
fn part(marks: &[Mark], locator: &Locator<'_>) -> Option<Part> {
    let found: Vec<(&Mark, usize, Range<usize>)> =
        marks.iter().filter_map(|m| locator.line_range(m.at).map(|(line, range)| (m, line, range))).collect();
    let (line, start) = found.iter().map(|(_, line, range)| (*line, range.start)).min()?;
    let end = found.iter().map(|(.., range)| range.end).max()?;
    let source = locator.sources().get(marks.first()?.at.doc)?;
    if let ([(mark, ..)], true) = (&found[..], end - start > LONG_LINE) {
        return window(mark, line, start..end, locator);
    }
    let text = clean_in_place(source.text.get(start..end)?).into_owned();
    let annotations = found.iter().map(|(mark, _, range)| {
        let from = mark.at.start as usize;
        annotation(mark, &text, from - start..(mark.at.end as usize).min(range.end).max(from) - start)
    });
    let annotations: Vec<_> = annotations.collect();
    let name = clean(&source.name).into_owned();
    Some(Part::Whole(Snippet::source(text).line_start(line).path(name).annotations(annotations)))
}

/// A parser may end a span within a character; whole characters are marked.
fn annotation(mark: &Mark, text: &str, span: Range<usize>) -> Annotation<'static> {
    let whole = text.floor_char_boundary(span.start)..text.ceil_char_boundary(span.end);
    mark.kind.span(whole).label(mark.label.clone())
}

fn window(mark: &Mark, line: usize, range: Range<usize>, locator: &Locator<'_>) -> Option<Part> {
    let source = locator.sources().get(mark.at.doc)?;
    let at = mark.at.start as usize;
    let fits = |i: &usize| source.text.is_char_boundary(*i);
    let start = (at.saturating_sub(60).max(range.start)..=at).find(fits)?;
    let end = (at..=(at + 200).min(range.end)).rev().find(fits)?;
    let text = clean_in_place(source.text.get(start..end)?).into_owned();
    let span = at - start..(mark.at.end as usize).clamp(at, end) - start;
    let name = clean(&source.name).into_owned();
    let origin = Origin::path(name).line(line).char_column(locator.place(mark.at)?.column);
    let annotation = annotation(mark, &text, span);
    Some(Part::Window(origin, Snippet::source(text).line_start(line).annotation(annotation)))
}

/// A diagnostic as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiagnosticView {
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<PlaceView>,
    /// A second place that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<SecondView>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A place as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceView {
    /// The file as given.
    pub file: String,
    /// The line, from one.
    pub line: usize,
    /// The column in characters, from one.
    pub column: usize,
    /// JSON pointer into the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// A second place with what it has to do with the fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondView {
    /// What it has to do with it.
    pub label: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<PlaceView>,
}

/// The diagnostics as data, in their own order.
pub fn views(notes: &Diagnostics, locator: &Locator<'_>) -> Vec<DiagnosticView> {
    let place = |at: At| {
        locator.place(at).map(|p| PlaceView {
            file: p.file.clone(),
            line: p.line,
            column: p.column,
            pointer: p.pointer.clone(),
        })
    };
    let view = |note: &Diagnostic| DiagnosticView {
        severity: note.severity.name(),
        code: note.code.name(),
        message: note.message.clone(),
        at: place(note.at),
        second: note.second.as_ref().map(|(at, label)| SecondView { label: label.clone(), at: place(*at) }),
        help: note.help.clone(),
    };
    notes.iter().map(view).collect()
}
