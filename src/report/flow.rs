//! One answer of a batch: as short as an answer can be, a line for each flow.

use super::clean::clean;
use super::json::line as json_line;
use super::view::schema::{dispositions, list, number, object, one_of, outcomes, text};
use crate::net::Protocol;
use crate::trace::{Cause, Decision, Flow};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::{self, Write};

/// The line above the answers in CSV.
pub const HEADER: &str = "line,name,from,to,protocol,port,outcome,disposition,cause,decider\n";

/// What the stages of a path are, and their names where they have some.
pub type Path = [(&'static str, Option<String>)];

#[derive(Serialize)]
struct Answer<'a> {
    cause: Option<&'static str>,
    decider: Option<&'a str>,
    disposition: &'static str,
    #[serde(serialize_with = "shown")]
    from: &'a dyn fmt::Display,
    line: usize,
    name: Option<&'a str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Vec<Stage<'a>>>,
    port: u16,
    protocol: &'a str,
    #[serde(serialize_with = "shown")]
    to: &'a dyn fmt::Display,
}

/// A stage of the path: what it is, and its name where it has one.
#[derive(Serialize)]
struct Stage<'a> {
    name: Option<&'a str>,
    stage: &'static str,
}

fn shown<S: serde::Serializer>(value: &dyn fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Appends an answer as a JSON object on a line, with its path where that is wanted.
pub fn json(out: &mut String, line: usize, flow: &Flow, decision: &Decision, path: Option<&Path>) {
    let answer = Answer {
        cause: decision.cause.map(|c| c.code()),
        decider: decision.decider.as_deref(),
        disposition: decision.disposition.word(),
        from: &flow.from,
        line,
        name: flow.name.as_deref(),
        outcome: decision.outcome.word(),
        path: path
            .map(|path| path.iter().map(|(stage, name)| Stage { name: name.as_deref(), stage }).collect()),
        port: flow.port,
        protocol: &flow.protocol.name().to_lowercase(),
        to: &flow.to,
    };
    json_line(out, &answer);
}

/// Appends an answer as comma-separated values.
pub fn csv(out: &mut String, line: usize, flow: &Flow, decision: &Decision) {
    let _ = write!(out, "{line},");
    cell(out, flow.name.as_deref().unwrap_or_default());
    cell(out, &flow.from.to_string());
    cell(out, &flow.to.to_string());
    cell(out, &flow.protocol.name().to_lowercase());
    let _ = write!(out, "{},", flow.port);
    cell(out, decision.outcome.word());
    cell(out, decision.disposition.word());
    cell(out, decision.cause.map_or("", |c| c.code()));
    cell(out, decision.decider.as_deref().unwrap_or_default());
    out.pop();
    out.push('\n');
}

/// The JSON Schema (2020-12) of an answer as a line.
pub fn schema() -> Value {
    let mut always = vec![("line", number("The flow's line in its list, from one."))];
    always.extend(asked_fields());
    always.extend(answer_fields());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy answer to a flow of a list",
        "description": "A line of `netwhy trace --flows FILE --format ndjson`; with `--depth trace` it has a `path`.",
        "$ref": "#/$defs/answer",
        "$defs": {
            "answer": object("The answer to one flow.", &always, &[("path", list("stage"))]),
            "stage": object("A place of the path, or what let the flow go on there.", &[
                ("stage", one_of(&STAGES)),
                ("name", or_null("Its name, where it has one.")),
            ], &[]),
        }
    })
}

/// What the stages of a path are.
pub const STAGES: [&str; 4] = ["at", "filter", "route", "back"];

/// The fields that say which flow it is.
pub(super) fn asked_fields() -> [(&'static str, Value); 5] {
    [
        ("name", or_null("The flow's name in its list.")),
        ("from", text("The sender.")),
        ("to", text("The receiver.")),
        ("protocol", json!({ "enum": Protocol::ALL.map(|p| p.name().to_lowercase()) })),
        (
            "port",
            json!({ "type": "integer", "minimum": 0, "maximum": 65535, "description": "0 where the protocol has none." }),
        ),
    ]
}

/// The fields of a short answer.
pub(super) fn answer_fields() -> [(&'static str, Value); 4] {
    let causes: Vec<Option<&str>> = Cause::ALL.iter().map(|cause| Some(cause.code())).chain([None]).collect();
    [
        ("outcome", outcomes()),
        ("disposition", dispositions()),
        ("cause", json!({ "enum": causes })),
        ("decider", or_null("What decides: `nsg/rule`.")),
    ]
}

/// A text, or `null`.
fn or_null(description: &str) -> Value {
    json!({ "type": ["string", "null"], "description": description })
}

/// A value and a comma; in quotes where it could be taken for several.
fn cell(out: &mut String, text: &str) {
    let text = clean(text);
    if text.contains([',', '"', '\n', '\r']) || text.starts_with(char::is_whitespace) {
        let _ = write!(out, "\"{}\",", text.replace('"', "\"\""));
    } else {
        out.push_str(&text);
        out.push(',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Protocol;
    use crate::trace::{Disposition, Endpoint, Outcome};

    #[test]
    fn an_answer_is_one_line() {
        let flow = Flow {
            name: Some("a, \"b\"".into()),
            from: Endpoint::Named("web".into()),
            to: Endpoint::Internet,
            protocol: Protocol::Tcp,
            port: 443,
            source_port: None,
            identity: None,
            action: None,
            path: None,
        };
        let decision = Decision {
            outcome: Outcome::Allowed,
            disposition: Disposition::Accepted,
            cause: None,
            decider: Some("nsg/rule".into()),
        };
        let mut out = String::from(HEADER);
        csv(&mut out, 7, &flow, &decision);
        json(&mut out, 7, &flow, &decision, None);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[1], "7,\"a, \"\"b\"\"\",web,internet,tcp,443,allowed,accepted,,nsg/rule");
        assert_eq!(lines[0].split(',').count(), 10);
        let json: serde_json::Value = serde_json::from_str(lines[2]).expect("JSON");
        assert_eq!((&json["line"], &json["to"]), (&7.into(), &"internet".into()));
    }
}
