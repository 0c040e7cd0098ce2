//! The JSON Schema of the impact report.

use super::super::view::schema::{
    cause, evidence, fix, flag, list, near_miss, number, object, one_of, outcomes, quote, text, the,
};
use crate::analysis::impact::Status;
use serde_json::{Value, json};

/// The JSON Schema (2020-12) of [`super::ImpactReport`].
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy impact",
        "description": "What a change does to workloads and their dependencies.",
        "$ref": "#/$defs/impact",
        "$defs": {
            "impact": impact(),
            "change": object("One thing that was changed.", &[
                ("resource", text("The resource id.")),
                ("text", text("In one line.")),
            ], &[("file", text("The file the change stands in.")), ("line", number("Its line."))]),
            "summary": summary(),
            "group": group(),
            "fix": fix(),
            "noFix": object("Rows that nothing small puts right.", &[
                ("text", text("Why.")),
                ("rows", numbers("The rows.")),
            ], &[]),
            "row": row(),
            "flow": object("A flow before and after.", &[
                ("from", text("The sender as asked.")),
                ("to", text("The receiver with port and protocol.")),
                ("before", the("answer")),
                ("after", the("answer")),
                ("moved", flag("Whether it takes another way although it still arrives.")),
            ], &[]),
            "answer": answer(outcomes()),
            "cause": cause(),
            "evidence": evidence(),
            "nearMiss": near_miss(),
            "quote": quote(),
        }
    })
}

/// An answer, short.
pub(in crate::report) fn answer(outcomes: Value) -> Value {
    object(
        "An answer, short.",
        &[("outcome", outcomes), ("notices", text("What the caller notices.")), ("path", texts("The hops."))],
        &[
            ("cause", text("The stable code of the cause.")),
            ("decider", text("What decided: `nsg/rule`.")),
            ("file", text("The file.")),
            ("line", number("The line.")),
            ("hop", text("The hop that stops it.")),
        ],
    )
}

fn impact() -> Value {
    object(
        "A report.",
        &[
            ("version", json!({ "const": super::VERSION })),
            ("subject", text("What was asked about.")),
            ("question", text("The question in words.")),
            ("changes", list("change")),
            ("remarks", texts("What to know beside.")),
            ("summary", the("summary")),
            ("causes", list("group")),
            ("rows", list("row")),
        ],
        &[("changeFile", text("The change file the flags stand for."))],
    )
}

fn summary() -> Value {
    let count = || json!({ "type": "integer", "minimum": 0 });
    let names = [
        "workloads",
        "dependencies",
        "flows",
        "brokenNow",
        "brokenLater",
        "degraded",
        "unknown",
        "brokenBefore",
        "repaired",
        "stillWorks",
    ];
    let partial = flag("Whether there is more that could break than was asked about.");
    object("The counts.", &names.map(|name| (name, count())), &[("partial", partial)])
}

fn group() -> Value {
    object(
        "One thing to blame.",
        &[
            ("number", number("Its number.")),
            ("before", flag("Whether it was so before the change.")),
            ("status", statuses()),
            ("evidence", the("evidence")),
            ("quote", the("quote")),
            ("notices", text("What the caller notices.")),
            ("workloads", number("How many workloads it hits.")),
            ("rows", numbers("Its rows.")),
        ],
        &[
            ("cause", the("cause")),
            ("missing", text("What the files would have to say.")),
            ("fixes", list("fix")),
            ("noFixes", list("noFix")),
        ],
    )
}

fn row() -> Value {
    object(
        "One workload and one dependency.",
        &[
            ("number", number("Its number.")),
            ("status", statuses()),
            ("workload", text("The workload.")),
            ("workloadKind", text("What it is.")),
            ("id", text("The stable id of the dependency.")),
            ("dependency", text("The dependency.")),
            ("phases", texts("Phases in which it is used.")),
            ("events", texts("Events at which a block shows, where not at once.")),
            ("neededFor", texts("What it is for.")),
            ("optional", flag("Whether the workload works without it.")),
            ("cut", json!({ "type": "integer", "minimum": 0 })),
            ("flows", list("flow")),
        ],
        &[("sees", texts("What the person sees.")), ("cause", number("Number of the cause."))],
    )
}

fn statuses() -> Value {
    one_of(&Status::ALL.map(Status::word))
}

fn texts(what: &str) -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": what })
}

fn numbers(what: &str) -> Value {
    json!({ "type": "array", "items": { "type": "integer", "minimum": 1 }, "description": what })
}
