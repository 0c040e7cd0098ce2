//! Words of the rim: what the reports do not know of.

use crate::diag::{Code, Diagnostic, Diagnostics, Severity, Sources};
use crate::report::text::FlowRow;
use crate::report::{self, Locator, Style, clean::clean};

/// Diagnostics with the lines they are about; nothing where there is none.
pub fn diagnostics(notes: &Diagnostics, sources: &Sources, style: &Style) -> String {
    let mut out = String::new();
    if !notes.is_empty() {
        report::diagnostics::text(&mut out, notes, &Locator::new(sources), style);
    }
    out
}

/// What is always told, and the rest in numbers: `2 warnings, 1 note`. Errors are, and what was not read: nobody takes
/// a part of an estate for the whole.
pub fn in_short(notes: &Diagnostics) -> (Diagnostics, Option<String>) {
    let is_told = |note: &&Diagnostic| note.severity == Severity::Error || note.code == Code::SkippedFile;
    let mut errors = Diagnostics::new();
    notes.iter().filter(is_told).for_each(|n| errors.push(n.clone()));
    let many = |severity: Severity| notes.iter().filter(|n| n.severity == severity && !is_told(n)).count();
    let rest: Vec<String> = [(many(Severity::Warning), "warning"), (many(Severity::Note), "note")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") })
        .collect();
    (errors, (!rest.is_empty()).then(|| rest.join(", ")))
}

/// Diagnostics as data, one JSON object a line.
pub fn diagnostic_lines(notes: &Diagnostics, sources: &Sources) -> String {
    let views = report::diagnostics::views(notes, &Locator::new(sources));
    let mut out = String::new();
    for view in views {
        out.push_str(&serde_json::to_string(&view).unwrap_or_default());
        out.push('\n');
    }
    if notes.dropped() > 0 {
        let message = format!("{} more were not kept", notes.dropped());
        out.push_str(&format!("{}\n", serde_json::json!({ "severity": "note", "message": message })));
    }
    out
}

/// An answer in one line, for batches too long for a table.
pub fn line(row: &FlowRow) -> String {
    let mut out = format!("{:<8} {} -> {}", row.outcome.word(), clean(&row.from), clean(&row.to));
    let name = row.name.as_deref().map(|name| format!("({})", clean(name)));
    let cause = row.cause.map(|cause| cause.code().to_owned());
    let decider = row.decider.as_deref().map(|decider| format!("by {}", clean(decider)));
    let place = row.place.as_deref().map(|place| format!("at {}", clean(place)));
    for word in [name, cause, decider, place].into_iter().flatten() {
        out.push(' ');
        out.push_str(&word);
    }
    out
}
