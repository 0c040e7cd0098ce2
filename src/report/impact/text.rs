//! The impact report for a person: the counts, what is to blame, then every dependency under its cause.

use super::super::layout::{Margin, Words, flow};
use super::super::style::{Paint, Style};
use super::super::text::{brief, counted, heading, quote};
use super::{CauseGroup, FixView, ImpactReport, Row};
use crate::analysis::impact::Status;

/// Writes a report.
pub fn text(out: &mut String, report: &ImpactReport, style: &Style) {
    headline(out, report, style);
    changed(out, report, style);
    let (after, before): (Vec<&CauseGroup>, Vec<&CauseGroup>) = report.causes.iter().partition(|c| !c.before);
    if !after.is_empty() {
        heading(out, style, "What breaks, and why");
        after.iter().for_each(|group| cause(out, report, group, style));
        end_of_list(out);
    }
    if !before.is_empty() {
        heading(out, style, "Did not work before either");
        before.iter().for_each(|group| cause(out, report, group, style));
        end_of_list(out);
    }
    rest(out, report, Status::Repaired, "Works now, and did not before", style);
    rest(out, report, Status::Works, "Still works", style);
    remarks(out, report, style);
}

/// A heading comes with an empty line of its own.
fn end_of_list(out: &mut String) {
    if out.ends_with("\n\n") {
        out.pop();
    }
}

fn headline(out: &mut String, report: &ImpactReport, style: &Style) {
    let summary = &report.summary;
    let changed = report.is_changed();
    let color = match (summary.dependencies, summary.harmed()) {
        (_, 1..) => Paint::Bad,
        (0, _) => Paint::Warn,
        _ if summary.unknown > 0 || summary.left_out > 0 || !changed => Paint::Warn,
        _ => Paint::Good,
    };
    let verdict = summary.verdict(changed).to_ascii_uppercase();
    let words = Words::default().piece(color, &format!("{verdict} ")).text(Paint::Strong, &report.question);
    flow(out, style, Margin::blank(0), &words);
    flow(out, style, Margin::blank(2), &Words::default().text(Paint::Dim, &report.subject));
    let counts = format!(
        "{}, {}, {}",
        counted(summary.workloads, "workload"),
        plural(summary.dependencies, "dependency", "dependencies"),
        counted(summary.flows, "flow")
    );
    flow(out, style, Margin::blank(2), &Words::default().text(Paint::Plain, &counts));
    if let Some(text) = left_out(summary.left_out) {
        flow(out, style, Margin::blank(2), &Words::default().text(Paint::Warn, &text));
    }
    out.push('\n');
    for status in Status::ALL {
        let many = summary.of(status);
        if many > 0 {
            let first = format!("{many:>6}  ");
            let word = format!("{:<14}", status.word());
            let first = format!("{first}{}", style.paint(paint(status), &word));
            let words = Words::default().text(Paint::Dim, meaning(status));
            flow(out, style, Margin::blank(22).starting(&first), &words);
        }
    }
}

/// That an estate is too large to ask about all of it.
pub(super) fn left_out(many: usize) -> Option<String> {
    (many > 0).then(|| {
        format!("at least {many} more places and services are not asked about; --places N takes in more")
    })
}

/// What the status says, for somebody who reads it for the first time.
pub(super) fn meaning(status: Status) -> &'static str {
    match status {
        Status::BrokenNow => "the next thing somebody does fails",
        Status::BrokenLater => "goes on until a later event",
        Status::Degraded => "works with something less",
        Status::Unknown => "the files do not tell",
        Status::BrokenBefore => "not the doing of this change",
        Status::Repaired => "the change opens it",
        Status::Works => "",
    }
}

pub(super) fn plural(many: usize, one: &str, more: &str) -> String {
    format!("{many} {}", if many == 1 { one } else { more })
}

fn paint(status: Status) -> Paint {
    match status {
        Status::BrokenNow | Status::BrokenLater => Paint::Bad,
        Status::Degraded | Status::Unknown | Status::BrokenBefore => Paint::Warn,
        Status::Repaired | Status::Works => Paint::Good,
    }
}

/// So many changes are shown unless all are wanted.
const CHANGES: usize = 8;

fn changed(out: &mut String, report: &ImpactReport, style: &Style) {
    heading(out, style, "Changed");
    if report.changes.is_empty() {
        flow(out, style, Margin::blank(2), &Words::default().text(Paint::Plain, "nothing"));
    }
    let shown = if style.verbose { usize::MAX } else { CHANGES };
    for change in report.changes.iter().take(shown) {
        let mut words = Words::default().text(Paint::Plain, &change.text);
        if let (Some(file), Some(line)) = (&change.file, change.line) {
            words = words.aside(Paint::Dim, &format!("{file}:{line}"));
        }
        flow(out, style, Margin::blank(4).starting("  "), &words);
    }
    if let Some(more) = report.changes.len().checked_sub(shown).filter(|more| *more > 0) {
        let text = format!("and {more} more; --verbose shows them");
        flow(out, style, Margin::blank(2), &Words::default().text(Paint::Dim, &text));
    }
}

fn cause(out: &mut String, report: &ImpactReport, group: &CauseGroup, style: &Style) {
    let number = format!("{:>3}. ", group.number);
    let code = group.cause.as_ref().map_or("no cause is told", |c| c.code.code());
    let mut words = Words::default().piece(paint(group.status), code);
    if let Some(decider) = &group.evidence.decider {
        words = words.aside(Paint::Name, decider);
    }
    if let Some(place) = group.evidence.place() {
        words = words.aside(Paint::Strong, &place);
    }
    flow(out, style, Margin::blank(5).starting(&number), &words);
    let hits = format!(
        "{} of {}",
        plural(group.rows.len(), "dependency", "dependencies"),
        counted(group.workloads, "workload")
    );
    let told = match (&group.missing, &group.cause) {
        (Some(missing), _) => format!("{hits}; missing: {missing}"),
        (None, Some(_)) => format!("{hits}; the caller notices {}", group.notices),
        (None, None) => hits,
    };
    flow(out, style, Margin::blank(5), &Words::default().text(Paint::Dim, &told));
    // The first lines of a whole resource tell nothing; those of a rule do.
    if group.evidence.name.is_some() || style.verbose {
        quote(out, style, &group.quote, if style.verbose { usize::MAX } else { 3 });
    }
    let rows = merged(report, group);
    let (lesser, main): (Vec<&Merged<'_>>, Vec<&Merged<'_>>) =
        rows.iter().partition(|m| m.row.status == Status::Degraded && !style.verbose);
    main.into_iter().for_each(|merged| line(out, merged, style));
    lost(out, &lesser, style);
    fixes(out, &group.fixes, style);
    for missing in &group.no_fixes {
        let many = plural(missing.rows.len(), "dependency", "dependencies");
        let text = format!("Nothing small opens {many} of these: {}", missing.text);
        flow(out, style, Margin::blank(5), &Words::default().text(Paint::Dim, &text));
    }
    out.push('\n');
}

/// Rows that differ only in their workload.
pub(super) struct Merged<'a> {
    pub(super) row: &'a Row,
    pub(super) workloads: Vec<&'a str>,
}

pub(super) fn merged<'a>(report: &'a ImpactReport, group: &'a CauseGroup) -> Vec<Merged<'a>> {
    merge(report.rows_of(group))
}

fn merge<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<Merged<'a>> {
    let mut out: Vec<Merged<'a>> = Vec::new();
    for row in rows {
        let same = |m: &&mut Merged<'_>| {
            let key =
                |row: &Row| (row.status, row.dependency.clone(), row.sees.clone(), row.needed_for.clone());
            key(m.row) == key(row)
        };
        match out.iter_mut().find(same) {
            Some(merged) => merged.workloads.push(&row.workload),
            None => out.push(Merged { row, workloads: vec![&row.workload] }),
        }
    }
    out
}

fn line(out: &mut String, merged: &Merged<'_>, style: &Style) {
    const MARGIN: usize = 20;
    let row = merged.row;
    let first = format!("     {}", style.paint(paint(row.status), &format!("{:<15}", row.status.word())));
    let mut words = Words::default()
        .text(Paint::Strong, &names(merged))
        .piece(Paint::Plain, style.signs().arrow)
        .text(Paint::Strong, &row.dependency);
    words = words.aside(Paint::Dim, &targets(row));
    flow(out, style, Margin::blank(MARGIN).starting(&first), &words);
    let told = told(row);
    if !told.is_empty() {
        flow(out, style, Margin::blank(MARGIN), &Words::default().text(Paint::Plain, &told));
    }
}

/// What workloads have to do without, a line for each set of workloads.
fn lost(out: &mut String, rows: &[&Merged<'_>], style: &Style) {
    let mut done: Vec<(String, Vec<String>)> = Vec::new();
    for merged in rows {
        let who = names(merged);
        let what = merged.row.needed_for.join(", ");
        match done.iter_mut().find(|(known, _)| *known == who) {
            Some((_, list)) if list.contains(&what) => {}
            Some((_, list)) => list.push(what),
            None => done.push((who, vec![what])),
        }
    }
    for (who, what) in done {
        let first = format!(
            "     {}",
            style.paint(paint(Status::Degraded), &format!("{:<15}", Status::Degraded.word()))
        );
        let words = Words::default()
            .text(Paint::Strong, &who)
            .text(Paint::Plain, "without")
            .text(Paint::Plain, &what.join("; "));
        flow(out, style, Margin::blank(20).starting(&first), &words);
    }
}

fn names(merged: &Merged<'_>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in &merged.workloads {
        if !names.contains(name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// The names and ports of the flows that matter, short.
pub(super) fn targets(row: &Row) -> String {
    let cut: Vec<&str> = row.flows.iter().filter(|f| matters(row, f)).map(|f| f.to.as_str()).collect();
    let shown = match cut[..] {
        [] => row.flows.first().map(|f| brief(&f.to)).unwrap_or_default(),
        [one] => brief(one),
        [first, ref more @ ..] => format!("{} +{}", brief(first), more.len()),
    };
    if row.cut > 0 && row.cut < row.flows.len() {
        format!("{shown} ({} of {} flows)", row.cut, row.flows.len())
    } else {
        shown
    }
}

fn matters(row: &Row, flow: &super::FlowRowView) -> bool {
    use crate::trace::Outcome;
    match row.status {
        Status::Works => true,
        Status::Repaired => flow.before.outcome == Outcome::Blocked,
        _ => flow.after.outcome != Outcome::Allowed,
    }
}

/// What the person sees and when.
pub(super) fn told(row: &Row) -> String {
    let what = if row.sees.is_empty() && row.needed_for.is_empty() {
        return String::new();
    } else if row.sees.is_empty() {
        format!("needed for {}", row.needed_for.join(", "))
    } else {
        row.sees.join(" ")
    };
    let when = match row.status {
        Status::BrokenLater if !row.events.is_empty() => format!("at the {}: ", row.events.join(", the ")),
        _ => String::new(),
    };
    format!("{when}{what}")
}

fn fixes(out: &mut String, fixes: &[FixView], style: &Style) {
    if fixes.is_empty() {
        return;
    }
    flow(out, style, Margin::blank(5), &Words::default().text(Paint::Strong, "Puts it right, tried out:"));
    let shown = if style.verbose { usize::MAX } else { FIXES };
    for (number, fix) in fixes.iter().take(shown).enumerate() {
        let first = format!("     {:>2}) ", number + 1);
        let mut words = Words::default().text(Paint::Good, &fix.text);
        if !fix.rows.is_empty() {
            let opens = plural(fix.rows.len(), "dependency", "dependencies");
            words = words.aside(Paint::Dim, &format!("opens {opens}"));
        }
        flow(out, style, Margin::blank(9).starting(&first), &words);
        if style.verbose {
            for change in &fix.changes {
                let words = Words::default().text(Paint::Plain, change);
                flow(out, style, Margin::blank(13).starting("           - "), &words);
            }
        }
        if let Some(caution) = fix.caution {
            flow(out, style, Margin::blank(9), &Words::default().text(Paint::Warn, caution));
        }
    }
    let more = fixes.len().saturating_sub(shown);
    let text = match more {
        0 => "--verbose shows them as lines of a change file".to_owned(),
        more => format!("and {more} more; --verbose shows all, as lines of a change file"),
    };
    if !style.verbose {
        flow(out, style, Margin::blank(9), &Words::default().text(Paint::Dim, &text));
    }
}

/// So many repairs of one cause are shown unless all are wanted.
const FIXES: usize = 10;

/// What needs no story: for each workload its dependencies in a line.
fn rest(out: &mut String, report: &ImpactReport, status: Status, title: &str, style: &Style) {
    let rows: Vec<&Row> = report.rows.iter().filter(|row| row.status == status).collect();
    if rows.is_empty() {
        return;
    }
    heading(out, style, title);
    let mut workloads: Vec<&str> = rows.iter().map(|row| row.workload.as_str()).collect();
    workloads.dedup();
    for workload in workloads {
        let first = format!("  {}  ", style.paint(Paint::Strong, workload));
        let mut dependencies: Vec<String> = Vec::new();
        for row in rows.iter().filter(|row| row.workload == workload) {
            let moved = row.flows.iter().any(|flow| flow.moved);
            let word = match moved {
                true => format!("{} (by another way)", row.dependency),
                false => row.dependency.clone(),
            };
            if !dependencies.contains(&word) {
                dependencies.push(word);
            }
        }
        let words = Words::default().text(Paint::Plain, &dependencies.join(", "));
        flow(out, style, Margin::blank(6).starting(&first), &words);
    }
}

fn remarks(out: &mut String, report: &ImpactReport, style: &Style) {
    if report.remarks.is_empty() {
        return;
    }
    heading(out, style, "To know");
    let bullet = format!("  {} ", style.signs().bullet);
    for remark in &report.remarks {
        flow(out, style, Margin::blank(4).starting(&bullet), &Words::default().text(Paint::Plain, remark));
    }
}
