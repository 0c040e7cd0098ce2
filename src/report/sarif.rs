//! Failed expectations and faults of the input as SARIF 2.1.0, for services that show findings at lines.

use super::check::{CheckedFlow, EXPECTATION_FAILED};
use super::clean::clean;
use super::locate::Locator;
use crate::diag::{At, Code, Diagnostic, Diagnostics, Severity};
use crate::trace::Cause;
use serde_json::{Value, json};

/// The log: one result for each expectation that did not hold, at the rule that decided, and one for each
/// diagnostic.
pub fn log(checks: &[CheckedFlow], notes: &Diagnostics, locator: &Locator<'_>) -> Value {
    let failed: Vec<&CheckedFlow> = checks.iter().filter(|c| !c.held).collect();
    let rules = rules(&failed, notes);
    let index = |id: &str| rules.iter().position(|(known, _)| *known == id);
    let mut results: Vec<Value> = failed.iter().map(|c| checked(c, index(c.code()))).collect();
    results.extend(notes.iter().map(|n| diagnostic(n, index(n.code.name()), locator)));
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "netwhy",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|(_, rule)| rule.clone()).collect::<Vec<_>>()
            } },
            "columnKind": "unicodeCodePoints",
            "results": results
        }]
    })
}

/// The rules that results refer to, by id.
fn rules(failed: &[&CheckedFlow], notes: &Diagnostics) -> Vec<(&'static str, Value)> {
    let mut rules: Vec<(&'static str, Value)> =
        failed.iter().map(|c| (c.code(), checked_rule(c.cause))).collect();
    rules.extend(notes.iter().map(|n| (n.code.name(), diagnostic_rule(n.code))));
    rules.sort_by_key(|(id, _)| *id);
    rules.dedup_by_key(|(id, _)| *id);
    rules
}

fn checked_rule(cause: Option<Cause>) -> Value {
    let (id, what) = match cause {
        Some(cause) => (cause.code(), cause.what()),
        None => (EXPECTATION_FAILED, "A flow gets through although the scenario expects that it does not."),
    };
    rule(id, what, "error")
}

fn diagnostic_rule(code: Code) -> Value {
    rule(code.name(), code.what(), level(code.severity()))
}

fn rule(id: &str, what: &str, level: &str) -> Value {
    let first = what.split_inclusive(". ").next().unwrap_or(what).trim_end();
    json!({
        "id": id,
        "shortDescription": { "text": first },
        "fullDescription": { "text": what },
        "help": { "text": format!("{what}\n\nnetwhy explain {id} says more.") },
        "defaultConfiguration": { "level": level }
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn checked(checked: &CheckedFlow, rule: Option<usize>) -> Value {
    let mut text = format!("{}: {}", checked.title(), checked.message);
    if let Some(decider) = &checked.decider {
        text.push_str(&format!(" (decided by {decider})"));
    }
    let scenario = checked.scenario_file.as_deref().map(|file| (file, checked.scenario_line));
    let related = scenario.filter(|at| checked.place() != Some(*at));
    json!({
        "ruleId": checked.code(),
        "ruleIndex": rule,
        "level": "error",
        "message": { "text": clean(&text) },
        "locations": checked.place().map(|(file, line)| location(file, line, None, None)).into_iter().collect::<Vec<_>>(),
        "relatedLocations": related.map(|(file, line)| location(file, line, None, Some("the expectation"))).into_iter().collect::<Vec<_>>(),
        "partialFingerprints": { "netwhyFlow/v1": clean(&format!("{}/{}", checked.title(), checked.question)) },
        "properties": { "outcome": checked.outcome.word(), "flow": clean(&checked.question) }
    })
}

fn diagnostic(note: &Diagnostic, rule: Option<usize>, locator: &Locator<'_>) -> Value {
    let help = note.help.as_deref().map(|h| format!("; {h}")).unwrap_or_default();
    let second = note.second.as_ref().and_then(|(at, label)| placed(*at, Some(label), locator));
    json!({
        "ruleId": note.code.name(),
        "ruleIndex": rule,
        "level": level(note.severity),
        "message": { "text": clean(&format!("{}{help}", note.message)) },
        "locations": placed(note.at, None, locator).into_iter().collect::<Vec<_>>(),
        "relatedLocations": second.into_iter().collect::<Vec<_>>()
    })
}

fn placed(at: At, label: Option<&str>, locator: &Locator<'_>) -> Option<Value> {
    let place = locator.place(at)?;
    Some(location(&place.file, Some(place.line), Some(place.column), label))
}

fn location(file: &str, line: Option<usize>, column: Option<usize>, label: Option<&str>) -> Value {
    let mut physical = json!({ "artifactLocation": { "uri": uri(file) } });
    if let Some(line) = line {
        physical["region"] = json!({ "startLine": line });
        if let Some(column) = column {
            physical["region"]["startColumn"] = column.into();
        }
    }
    let mut location = json!({ "physicalLocation": physical });
    if let Some(label) = label {
        location["message"] = json!({ "text": clean(label) });
    }
    location
}

/// A file name as a URI reference: relative where it is relative.
fn uri(file: &str) -> String {
    let mut out = String::new();
    let file = file.replace('\\', "/");
    let drive = file.as_bytes().get(1) == Some(&b':');
    match file.starts_with('/') {
        true => out.push_str("file://"),
        false if drive => out.push_str("file:///"),
        false => {}
    }
    for byte in file.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte))
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn file_names_as_uris() {
        assert_eq!(uri("prod/my estate.yaml"), "prod/my%20estate.yaml");
        assert_eq!(uri("/srv/é.json"), "file:///srv/%C3%A9.json");
        assert_eq!(uri("C:\\a\\b.json"), "file:///C%3A/a/b.json");
        assert_eq!(uri("a#b?c%"), "a%23b%3Fc%25");
    }
}
