//! The JSON Schema of the scenario file, for editors.

use super::file::{ASKED, EXPECTED, NOTICES, OPEN_OUTCOMES, STAGE, TOP, VARIANT, VERSION};
use crate::formats::change;
use crate::formats::native;
use crate::profile::KNOBS;
use crate::rules::RuleId;
use crate::trace::{Cause, Disposition};
use serde_json::{Map, Value as Json, json};

/// The JSON Schema of a scenario file.
pub fn schema() -> Json {
    let text = json!({ "type": "string" });
    let inline = json!({ "type": "object", "description": "sections of an estate file", "properties": native::sections_schema() });
    let part = json!({ "anyOf": [text, inline] });
    let top = |name: &str| match name {
        "netwhy" => json!({ "const": VERSION }),
        "estate" => json!({
            "description": "files or folders relative to this file, or sections of an estate file",
            "anyOf": [text, inline, { "type": "array", "items": part }]
        }),
        "serviceTags" => {
            json!({ "type": "string", "description": "Microsoft's service tag file, relative to this file" })
        }
        "profile" => profile(),
        "parameters" => json!({ "type": "object", "description": "parameters of templates in the estate" }),
        "changes" => change::list_schema(),
        "rules" => list(json!({ "enum": RuleId::all().map(RuleId::id).collect::<Vec<_>>() })),
        "flows" => json!({ "type": "array", "minItems": 1, "items": flow() }),
        "variants" => json!({ "type": "array", "items": variant() }),
        "then" => {
            json!({ "type": "array", "description": "changes one after the other, while flows are established", "items": stage() })
        }
        _ => text.clone(),
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy scenario file",
        "type": "object",
        "required": ["netwhy", "flows"],
        "additionalProperties": false,
        "properties": properties(TOP, top)
    })
}

fn properties(names: &[&str], schema: impl Fn(&str) -> Json) -> Map<String, Json> {
    names.iter().map(|name| ((*name).to_owned(), schema(name))).collect()
}

fn list(item: Json) -> Json {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}

fn profile() -> Json {
    let knobs: Map<String, Json> = KNOBS
        .iter()
        .map(|knob| {
            (knob.name.to_owned(), json!({ "description": format!("{}: {}", knob.what, knob.values) }))
        })
        .collect();
    json!({ "type": "object", "additionalProperties": false, "properties": knobs })
}

fn flow() -> Json {
    let asked = |name: &str| match name {
        "from" => {
            json!({ "type": "string", "description": "resource name or id, `internet`, site or host, address, DNS name" })
        }
        "to" => {
            json!({ "type": "string", "description": "as `from`, with `:port` or as a URL where wanted" })
        }
        "port" | "sourcePort" => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
        "ports" => json!({ "type": "array", "items": { "type": "integer", "minimum": 1, "maximum": 65535 } }),
        "protocol" => json!({ "enum": ["tcp", "udp", "icmp", "esp", "ah"], "default": "tcp" }),
        "as" => {
            json!({ "type": "string", "description": "the caller's identity; without it authorization is not judged" })
        }
        "ref" => {
            let id = json!({ "type": "string", "description": "need of the catalogue (`netwhy catalogue`), or an id of your own" });
            list(id)
        }
        "needed-for" => list(json!({ "type": "string" })),
        _ => json!({ "type": "string" }),
    };
    let mut all = properties(ASKED, asked);
    all.extend(expectation());
    json!({ "type": "object", "required": ["from", "to"], "additionalProperties": false, "properties": all })
}

fn expectation() -> Map<String, Json> {
    properties(EXPECTED, |name| match name {
        "expect" => json!({ "enum": ["allowed", "blocked", "unknown", "mixed"] }),
        "cause" => json!({ "enum": Cause::ALL.iter().map(|c| c.code()).collect::<Vec<_>>() }),
        "decider" => {
            json!({ "type": "string", "description": "resource/rule that decides, or the end of it" })
        }
        "disposition" => json!({ "enum": Disposition::ALL.iter().map(|d| d.word()).collect::<Vec<_>>() }),
        "notices" => json!({ "enum": NOTICES.iter().map(|(name, _)| *name).collect::<Vec<_>>() }),
        _ => list(json!({ "type": "string" })),
    })
}

fn by_flow() -> Json {
    let one = json!({ "type": "object", "additionalProperties": false, "properties": expectation() });
    json!({ "type": "object", "description": "what is expected instead, by name of the flow", "additionalProperties": one })
}

/// Flows that were open before the step have words of their own for what becomes of them.
fn established() -> Json {
    let mut schema = by_flow();
    if let Some(words) = schema["additionalProperties"]["properties"]["expect"]["enum"].as_array_mut() {
        words.extend(OPEN_OUTCOMES.iter().map(|(word, _)| Json::from(*word)));
    }
    schema["description"] =
        "what becomes of flows that were open before the step, by name of the flow".into();
    schema
}

fn variant() -> Json {
    let all = properties(VARIANT, |name| match name {
        "changes" => change::list_schema(),
        "profile" => profile(),
        "flows" => by_flow(),
        "only" => list(json!({ "type": "string" })),
        _ => json!({ "type": "string" }),
    });
    json!({ "type": "object", "required": ["name"], "additionalProperties": false, "properties": all })
}

fn stage() -> Json {
    let all = properties(STAGE, |name| match name {
        "changes" => change::list_schema(),
        "flows" => by_flow(),
        "established" => established(),
        _ => json!({ "type": "string" }),
    });
    json!({ "type": "object", "additionalProperties": false, "properties": all })
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_whole() {
        let schema = super::schema();
        let flow = &schema["properties"]["flows"]["items"]["properties"];
        assert_eq!(flow["expect"]["enum"][0], "allowed");
        assert!(flow["needed-for"].is_object());
        assert!(schema["properties"]["variants"]["items"]["properties"]["only"].is_object());
    }
}
