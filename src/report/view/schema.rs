//! The JSON Schema of the trace view, for editors and for programs that read our output.

use super::VERSION;
use crate::trace::{Action, Cause, Disposition, HopKind, Outcome, StepKind, Zone};
use serde_json::{Map, Value, json};

/// The JSON Schema (2020-12) of [`super::TraceView`].
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy trace",
        "description": "One flow followed hop by hop, with everything that decided it.",
        "$ref": "#/$defs/trace",
        "$defs": {
            "trace": trace(),
            "question": question(),
            "end": end(),
            "cause": cause(),
            "blocker": blocker(),
            "hop": hop(),
            "step": step(),
            "header": header(),
            "evidence": evidence(),
            "nearMiss": near_miss(),
            "quote": quote(),
            "return": object("The way back.", &[
                ("outcome", outcomes()),
                ("hops", list("hop")),
            ], &[]),
            "assumption": object("Something taken for granted, because the question or the files do not say.", &[
                ("text", text("One line for a person.")),
            ], &[("knob", text("The knob of the profile that would change it."))]),
            "missing": missing(),
            "fix": fix(),
        }
    })
}

/// The words of every value; a value that is not named here does not compile.
macro_rules! words {
    ($kind:ident: $($value:ident)*) => {{
        fn _whole(value: $kind) {
            match value { $($kind::$value => {})* }
        }
        [$($kind::$value.word()),*]
    }};
}

pub(in crate::report) fn outcomes() -> Value {
    one_of(&words!(Outcome: Allowed Blocked Unknown Mixed))
}

fn actions() -> Value {
    one_of(&words!(Action: Pass Rewrite Block Unknown Note))
}

fn zones() -> Value {
    one_of(&words!(Zone: Yours Azure Internet))
}

fn step_kinds() -> Value {
    one_of(&words!(StepKind: Originate Resolve Filter Route Translate Balance Proxy Forward Admit Authorize
        Deliver Return))
}

fn hop_kinds() -> Value {
    one_of(
        &words!(HopKind: Resolver Interface Subnet VirtualNetwork Appliance AzureFirewall Gateway VirtualHub
        NatGateway LoadBalancer ApplicationGateway FrontDoor Bastion PrivateEndpoint Service ManagedNetwork
        OnPremises Internet Platform),
    )
}

pub(in crate::report) type Fields<'a> = &'a [(&'a str, Value)];

/// An object with fields that are always there and fields that may be absent, and no others.
pub(in crate::report) fn object(what: &str, always: Fields<'_>, perhaps: Fields<'_>) -> Value {
    let required: Vec<&str> = always.iter().map(|(name, _)| *name).collect();
    let all = always.iter().chain(perhaps).map(|(name, schema)| ((*name).to_owned(), schema.clone()));
    json!({
        "type": "object",
        "description": what,
        "required": required,
        "properties": all.collect::<Map<_, _>>(),
        "additionalProperties": false
    })
}

pub(in crate::report) fn text(what: &str) -> Value {
    json!({ "type": "string", "description": what })
}

pub(in crate::report) fn number(what: &str) -> Value {
    json!({ "type": "integer", "minimum": 1, "description": what })
}

fn port() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": 65535 })
}

pub(in crate::report) fn flag(what: &str) -> Value {
    json!({ "type": "boolean", "description": what })
}

pub(in crate::report) fn one_of(words: &[&str]) -> Value {
    json!({ "enum": words })
}

pub(in crate::report) fn the(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

pub(in crate::report) fn list(name: &str) -> Value {
    json!({ "type": "array", "items": the(name) })
}

fn address() -> Value {
    json!({ "type": "string", "description": "An IPv4 or IPv6 address." })
}

fn codes() -> Value {
    json!({ "enum": Cause::ALL.iter().map(|c| c.code()).collect::<Vec<_>>() })
}

pub(in crate::report) fn dispositions() -> Value {
    json!({ "enum": Disposition::ALL.iter().map(|d| d.word()).collect::<Vec<_>>() })
}

fn file() -> Value {
    text("The file, as it was given.")
}

fn line() -> Value {
    number("The line, from one.")
}

fn pointer() -> Value {
    text("JSON pointer into the file.")
}

fn trace() -> Value {
    object(
        "One path taken by one flow.",
        &[
            ("version", json!({ "const": VERSION })),
            ("question", the("question")),
            ("outcome", outcomes()),
            ("disposition", dispositions()),
            ("notices", text("What the caller would notice.")),
            ("blockers", list("blocker")),
            ("hops", list("hop")),
            ("assumptions", list("assumption")),
            ("missing", list("missing")),
            ("warnings", json!({ "type": "array", "items": { "type": "string" } })),
            ("branches", list("trace")),
        ],
        &[
            ("cause", the("cause")),
            ("return", the("return")),
            ("fixes", list("fix")),
            ("noFix", text("Why no small change opens it.")),
        ],
    )
}

/// A change that opens blocked flows.
pub(in crate::report) fn fix() -> Value {
    object(
        "A change that opens blocked flows, tried out.",
        &[
            ("text", text("In one line.")),
            ("kind", text("By which means.")),
            (
                "changes",
                json!({ "type": "array", "items": { "type": "string" }, "description": "Items of a change file that do it." }),
            ),
        ],
        &[
            ("rows", json!({ "type": "array", "items": { "type": "integer", "minimum": 1 } })),
            ("caution", text("What to mind.")),
        ],
    )
}

fn question() -> Value {
    object(
        "The question as it was understood.",
        &[
            ("from", the("end")),
            ("to", the("end")),
            ("protocol", one_of(&crate::net::Protocol::ALL.map(|p| p.name()))),
        ],
        &[
            ("name", text("The flow's name in its scenario or batch.")),
            ("port", port()),
            ("sourcePort", port()),
            ("identity", text("The caller's identity.")),
            ("action", text("The action the caller wants.")),
            ("path", text("The path of the URL asked for, where it is more than the root.")),
        ],
    )
}

fn end() -> Value {
    object(
        "One end of the flow.",
        &[
            ("asked", text("As it was asked.")),
            ("kind", one_of(&["resource", "name", "address", "internet"])),
        ],
        &[
            ("resource", text("The id of the resource meant.")),
            ("resourceKind", text("What people call its type.")),
            ("address", address()),
        ],
    )
}

pub(in crate::report) fn cause() -> Value {
    object("Why.", &[("code", codes()), ("text", text("What the code means."))], &[])
}

fn blocker() -> Value {
    object(
        "Something that stops the flow.",
        &[
            ("cause", the("cause")),
            ("disposition", dispositions()),
            ("way", one_of(&["there", "back"])),
            ("hop", number("The number of the hop on that way.")),
            ("text", text("One line for a person.")),
            ("notices", text("What the caller would notice if this were the only blocker.")),
            ("evidence", the("evidence")),
            ("quote", the("quote")),
        ],
        &[],
    )
}

fn hop() -> Value {
    object(
        "One node visited.",
        &[
            ("number", number("Its place on the way.")),
            ("kind", hop_kinds()),
            ("name", text("Its name for a person.")),
            ("zone", zones()),
            ("reached", flag("Whether the flow gets as far as this.")),
            ("blockers", json!({ "type": "array", "items": number("The number of a blocker found here.") })),
            ("steps", list("step")),
        ],
        &[("id", text("Its resource id."))],
    )
}

fn step() -> Value {
    object(
        "One decision inside a hop.",
        &[
            ("kind", step_kinds()),
            ("action", actions()),
            ("text", text("One line for a person.")),
            ("evidence", the("evidence")),
            ("reached", flag("Whether the flow gets as far as this.")),
        ],
        &[
            ("before", the("header")),
            ("after", the("header")),
            ("cause", codes()),
            ("blocker", number("The number of the blocker this step is; 1 is the primary one.")),
        ],
    )
}

fn header() -> Value {
    object(
        "The fields that forwarding and filters read and rewrite.",
        &[
            ("source", address()),
            ("destination", address()),
            ("protocol", one_of(&crate::net::Protocol::ALL.map(|p| p.name()))),
            ("sourcePort", port()),
            ("port", port()),
        ],
        &[],
    )
}

pub(in crate::report) fn evidence() -> Value {
    object(
        "What decided, and where it stands.",
        &[
            (
                "rules",
                json!({ "type": "array", "items": text("A numbered rule; `netwhy explain` describes it.") }),
            ),
            ("nearMisses", list("nearMiss")),
        ],
        &[
            ("resource", text("The id of the resource that decided.")),
            ("name", text("The rule, route or record by name.")),
            ("decider", text("Both, short.")),
            ("file", file()),
            ("line", line()),
            ("column", number("The column in characters, from one.")),
            ("pointer", pointer()),
        ],
    )
}

pub(in crate::report) fn near_miss() -> Value {
    let matched = json!({ "type": ["boolean", "null"], "description": "Whether it matched; null where that is not known." });
    object(
        "A rule that was looked at and did not match.",
        &[
            ("name", text("The rule.")),
            ("priority", json!({ "type": "integer" })),
            ("access", one_of(&["Allow", "Deny"])),
            ("protocol", matched.clone()),
            ("source", matched.clone()),
            ("sourcePort", matched.clone()),
            ("destination", matched.clone()),
            ("destinationPort", matched),
        ],
        &[("file", file()), ("line", line())],
    )
}

pub(in crate::report) fn quote() -> Value {
    let quoted = object("", &[("line", line()), ("text", text("Its text."))], &[]);
    object(
        "What stands there.",
        &[
            ("lines", json!({ "type": "array", "items": quoted })),
            (
                "more",
                json!({ "type": "integer", "minimum": 0, "description": "How many lines follow that are not quoted." }),
            ),
        ],
        &[],
    )
}

fn missing() -> Value {
    object(
        "Something the files would have to say.",
        &[("cause", the("cause")), ("text", text("What is missing.")), ("quote", the("quote"))],
        &[("file", file()), ("line", line()), ("pointer", pointer())],
    )
}
