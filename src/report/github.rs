//! Faults as workflow commands of GitHub, which shows them at the line they speak of.

use super::check::CheckedFlow;
use super::clean::clean;
use super::locate::Locator;
use crate::diag::{Diagnostics, Severity};

/// Writes an error for each expectation that did not hold.
pub fn checks(out: &mut String, checks: &[CheckedFlow]) {
    for checked in checks.iter().filter(|c| !c.held) {
        let mut message = format!("{}\n{}", clean(&checked.question), clean(&checked.message));
        if let Some(decider) = &checked.decider {
            message.push_str(&format!("\ndecided by {}", clean(decider)));
        }
        command(out, "error", checked.place(), None, &checked.title(), &message);
    }
}

/// Writes the faults of the input.
pub fn diagnostics(out: &mut String, notes: &Diagnostics, locator: &Locator<'_>) {
    for note in notes {
        let level = match note.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let place = locator.place(note.at);
        let at = place.as_ref().map(|p| (p.file.as_str(), Some(p.line)));
        let help = note.help.as_deref().map(|h| format!("\nhelp: {}", clean(h))).unwrap_or_default();
        let message = format!("{}{help}", clean(&note.message));
        command(out, level, at, place.as_ref().map(|p| p.column), note.code.name(), &message);
    }
}

fn command(
    out: &mut String,
    level: &str,
    place: Option<(&str, Option<usize>)>,
    column: Option<usize>,
    title: &str,
    message: &str,
) {
    let mut fields = Vec::new();
    if let Some((file, line)) = place {
        fields.push(format!("file={}", property(file)));
        fields.extend(line.map(|l| format!("line={l}")));
        fields.extend(column.map(|c| format!("col={c}")));
    }
    fields.push(format!("title={}", property(title)));
    out.push_str(&format!("::{level} {}::{}\n", fields.join(","), data(message)));
}

/// Escapes a message, which may run over several lines.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(&clean(text)).replace(':', "%3A").replace(',', "%2C")
}
