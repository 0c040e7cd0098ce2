//! Words of the rim: what the reports do not know of.

use crate::diag::{Diagnostics, Sources};
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
