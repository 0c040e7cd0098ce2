//! The JSON Schema of the catalogue file, for editors.

use super::OwnEndpoint;
use super::file::{ERAS, NEED, SERVICE, SOURCE, TAG, TOP, VERSION};
use super::words::{Actor, Condition, Direction, Phase, Workload};
use serde_json::{Map, Value as Json, json};

/// The JSON Schema of a catalogue file.
pub fn schema() -> Json {
    let names = json!({ "type": "string", "description": "a name such as `pypi.org`" });
    let top = |name: &str| match name {
        "netwhy" => json!({ "const": VERSION }),
        "sources" => items(SOURCE, &["id", "page"], text),
        "tags" => items(TAG, &["name"], field),
        "services" => items(SERVICE, &["name"], text),
        "needs" => items(NEED, &["id", "service", "from", "ports", "phases"], field),
        "replace" => json!({
            "type": "object", "additionalProperties": list(names.clone()),
            "description": "names to put in the place of stand-ins such as python-index.example"
        }),
        _ => text(name),
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy catalogue file",
        "type": "object",
        "required": ["netwhy"],
        "additionalProperties": false,
        "properties": properties(TOP, top)
    })
}

fn properties(names: &[&str], schema: impl Fn(&str) -> Json) -> Map<String, Json> {
    names.iter().map(|name| ((*name).to_owned(), schema(name))).collect()
}

fn items(names: &[&str], required: &[&str], schema: impl Fn(&str) -> Json) -> Json {
    json!({ "type": "array", "items": {
        "type": "object", "required": required, "additionalProperties": false, "properties": properties(names, schema)
    } })
}

fn text(_: &str) -> Json {
    json!({ "type": "string" })
}

fn list(item: Json) -> Json {
    json!({ "anyOf": [item, { "type": "array", "items": item }] })
}

fn one_of<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Json {
    json!({ "enum": all.iter().map(|w| word(*w)).collect::<Vec<_>>() })
}

fn field(name: &str) -> Json {
    match name {
        "direction" => one_of(Direction::ALL, Direction::word),
        "workloads" => list(one_of(Workload::ALL, Workload::word)),
        "from" => list(one_of(Actor::ALL, Actor::word)),
        "own" => list(one_of(OwnEndpoint::ALL, |own| own.word)),
        "phases" => list(one_of(Phase::ALL, Phase::word)),
        "only" => list(one_of(Condition::ALL, Condition::word)),
        "since" | "until" => one_of(ERAS, |(name, _)| name),
        "degrades" | "outside" | "platform" | "azureFirewall" => json!({ "type": "boolean" }),
        "ports" => list(json!({ "type": "string", "pattern": "^(tcp|udp|any)/[0-9]+(-[0-9]+)?$" })),
        "hosts" => list(
            json!({ "type": "string", "description": "a name; `*.` in front for any labels, `{region}` for the region" }),
        ),
        "addresses" | "tags" | "needed-for" | "setup" | "sources" => list(json!({ "type": "string" })),
        _ => text(name),
    }
}
