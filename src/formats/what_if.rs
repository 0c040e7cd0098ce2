//! The result of a deployment's what-if.
//!
//! Input: what `az deployment group what-if --no-pretty-print` prints, or the answer of the REST operation, as
//! a value tree, and which side is meant. Output: the resources before or after the deployment, the ids for
//! which the result speaks alone, and the ids it takes away.
//!
//! The prediction that `bicep snapshot` writes is read as what is there after the deployment.
//!
//! Written after "ARM template deployment what-if operation" of Microsoft's documentation and the REST
//! reference of `Deployments - What If`.
//!
//! | `changeType` | before | after |
//! |---|---|---|
//! | `Create` | nothing | `after` |
//! | `Delete` | `before` | nothing |
//! | `Modify`, `NoChange`, `NoEffect` | `before` | `after` |
//! | `Ignore` | `before` | `before` |
//! | `Deploy` | named only | named only |
//! | `Unsupported` | named only | named only |

use super::Side;
use super::export::{is_resource, resource};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::doc::{Entry, Node, Object, Value};
use crate::inventory::{Origin, RawResource, ResourceId};
use std::sync::Arc;

/// What a what-if result says of one side.
#[derive(Clone, Debug, Default)]
pub struct WhatIf {
    /// The resources of that side.
    pub resources: Vec<RawResource>,
    /// What the deployment takes away; what other files say of it no longer holds after it.
    pub removed: Vec<ResourceId>,
}

/// Whether a document is such a result.
pub fn looks_like_one(node: &Node) -> bool {
    let changes = changes(node);
    let items = changes.and_then(Node::as_array).unwrap_or_default();
    let empty = items.is_empty() && changes.is_some() && node.get("status").is_some();
    empty
        || predicted(node).is_some()
        || items.first().is_some_and(|c| c.get("changeType").is_some() && c.get("resourceId").is_some())
}

fn changes(node: &Node) -> Option<&Node> {
    node.get("changes").or_else(|| node.path("properties.changes"))
}

/// What `bicep snapshot` predicts: resources after the deployment, with the expressions that it left as they are.
fn predicted(node: &Node) -> Option<&[Node]> {
    node.get("predictedResources").and_then(Node::as_array)
}

/// Reads one side of a result.
pub fn load(node: &Node, side: Side, notes: &mut Diagnostics) -> WhatIf {
    let mut out = WhatIf::default();
    let error = node.get("error").or_else(|| node.path("properties.error")).filter(|e| !e.is_null());
    if let Some(error) = error {
        let words = error.get("message").and_then(Node::as_str).unwrap_or("no message");
        let message = format!("the what-if failed, so its list may not be whole: {words}");
        notes.push(Diagnostic::new(Code::NotUnderstood, error.at, message));
    }
    for change in changes(node).and_then(Node::as_array).unwrap_or_default() {
        read(change, side, &mut out, notes);
    }
    for item in predicted(node).filter(|_| side == Side::After).unwrap_or_default() {
        let raw = resource(&evaluated(item), notes);
        out.resources.extend(raw.map(|raw| RawResource { origin: Origin::Template, ..raw }));
    }
    let potential = node.get("potentialChanges").or_else(|| node.path("properties.potentialChanges"));
    if let Some([first, ..]) = potential.and_then(Node::as_array) {
        let message = "the what-if lists changes that may or may not come about; they are left out";
        notes.push(Diagnostic::new(Code::NotUnderstood, first.at, message));
    }
    out
}

fn read(change: &Node, side: Side, out: &mut WhatIf, notes: &mut Diagnostics) {
    let word = |key: &str| change.get(key).and_then(Node::as_str).unwrap_or_default();
    let payload = |key: &str| change.get(key).filter(|n| n.as_object().is_some());
    let kind = word("changeType");
    let wanted = match (kind.to_ascii_lowercase().as_str(), side) {
        ("create", Side::Before) => return,
        ("create", Side::After) => payload("after"),
        ("delete", Side::After) => {
            out.removed.extend(id_of(change));
            return;
        }
        ("delete", Side::Before) => payload("before"),
        ("ignore", _) => payload("before").or_else(|| payload("after")),
        ("modify" | "nochange" | "noeffect", Side::Before) => payload("before"),
        ("modify" | "nochange" | "noeffect", Side::After) => payload("after"),
        ("deploy" | "unsupported", _) => None,
        _ => {
            let message = format!("`{kind}` is no change type of a what-if");
            notes.push(Diagnostic::new(Code::BadValue, change.at, message));
            None
        }
    };
    let whole = wanted.map(evaluated).map(|node| with_id(change, &node)).filter(is_resource);
    let raw = match whole {
        Some(node) => resource(&node, notes),
        None => named_only(change, kind, word("unsupportedReason"), notes),
    };
    // What the deployment makes outranks any export; what it leaves alone is deployed as it is.
    let made = ["create", "modify"].iter().any(|k| kind.eq_ignore_ascii_case(k));
    let origin = if side == Side::After && made { Origin::Planned } else { Origin::Deployed };
    out.resources.extend(raw.map(|raw| match raw.origin {
        Origin::Mentioned => raw,
        _ => RawResource { origin, ..raw },
    }));
}

fn id_of(change: &Node) -> Option<ResourceId> {
    let text = change.get("resourceId").and_then(Node::as_str)?;
    (text.starts_with('/') && ResourceId::looks_like_one(text)).then(|| ResourceId::new(text))
}

/// The payload with the change's id, which some payloads lack.
fn with_id(change: &Node, node: &Node) -> Node {
    match (node.get("id").and_then(Node::as_str), id_of(change), node.as_object()) {
        (None, Some(id), Some(object)) => {
            let mut object = object.clone();
            object.set("id", change.at, Node::string(change.at, id.as_str()));
            Node::object(node.at, object)
        }
        _ => node.clone(),
    }
}

/// A resource that the result names and does not describe.
fn named_only(change: &Node, kind: &str, reason: &str, notes: &mut Diagnostics) -> Option<RawResource> {
    let text = change.get("resourceId").and_then(Node::as_str).unwrap_or_default();
    let why = match (kind.eq_ignore_ascii_case("unsupported"), reason) {
        (true, "") => "the what-if could not analyse it".to_owned(),
        (true, reason) => format!("the what-if could not analyse it: {reason}"),
        (false, _) => "the what-if was asked for ids only".to_owned(),
    };
    let message = format!("`{text}` is without its properties: {why}");
    let note = Diagnostic::new(Code::UnknownValue, change.at, message);
    notes.push(match kind.eq_ignore_ascii_case("unsupported") {
        true => note,
        false => note.help("run it with `--result-format FullResourcePayloads`"),
    });
    let id = id_of(change)?;
    let properties =
        Entry { key: "properties".into(), key_at: change.at, value: Node::unknown(change.at, why) };
    let body = Node::object(change.at, Object::from_iter([properties]));
    Some(RawResource {
        id,
        at: change.at,
        origin: Origin::Mentioned,
        uncertain: None,
        api_version: None,
        body,
    })
}

/// The payload with every expression that the what-if left as it is written turned into an unknown value.
fn evaluated(node: &Node) -> Node {
    match &node.value {
        Value::String(text) => match expression(text) {
            Some(why) => Node::unknown(node.at, why),
            None => node.clone(),
        },
        Value::Array(items) => Node::array(node.at, items.iter().map(evaluated).collect()),
        Value::Object(object) => {
            let entries = object.iter().map(|e| Entry { value: evaluated(&e.value), ..e.clone() });
            Node::object(node.at, entries.collect())
        }
        _ => node.clone(),
    }
}

fn expression(text: &str) -> Option<Arc<str>> {
    let is_one =
        text.starts_with('[') && !text.starts_with("[[") && text.ends_with(']') && text.contains('(');
    is_one.then(|| format!("the what-if could not evaluate `{text}`").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::DocId;
    use crate::doc::parse_json;

    const NETWORK: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";

    fn check(changes: &str, side: Side, expected: &[&str]) {
        let text = format!(r#"{{"status":"Succeeded","changes":[{changes}]}}"#);
        let mut notes = Diagnostics::new();
        let node = parse_json(DocId(0), &text, &mut notes).expect("JSON");
        assert!(looks_like_one(&node));
        let found = load(&node, side, &mut notes);
        let mut got: Vec<String> = Vec::new();
        for raw in &found.resources {
            let properties = raw.body.get("properties").map(ToString::to_string).unwrap_or_default();
            got.push(format!("{:?} {} {properties}", raw.origin, raw.id.full_name()));
        }
        got.extend(found.removed.iter().map(|id| format!("removed {}", id.full_name())));
        got.extend(notes.iter().map(|n| n.code.name().to_owned()));
        assert_eq!(got, expected, "{text}");
    }

    fn change(kind: &str, name: &str, before: &str, after: &str) -> String {
        format!(
            r#"{{"resourceId":"{NETWORK}/routeTables/{name}","changeType":"{kind}","before":{before},"after":{after}}}"#
        )
    }

    fn table(name: &str, properties: &str) -> String {
        format!(r#"{{"id":"{NETWORK}/routeTables/{name}","name":"{name}","properties":{properties}}}"#)
    }

    #[test]
    fn each_kind_of_change_has_its_sides() {
        let all = [
            change("Create", "new", "null", &table("new", r#"{"routes":[]}"#)),
            change("Delete", "old", &table("old", r#"{"routes":[]}"#), "null"),
            change("Modify", "mod", &table("mod", r#"{"a":1}"#), &table("mod", r#"{"a":2}"#)),
            change("Ignore", "kept", &table("kept", r#"{"a":3}"#), "null"),
            change("NoChange", "same", &table("same", "{}"), &table("same", "{}")),
        ]
        .join(",");
        check(
            &all,
            Side::Before,
            &[
                r#"Deployed old {"routes":[]}"#,
                r#"Deployed mod {"a":1}"#,
                r#"Deployed kept {"a":3}"#,
                "Deployed same {}",
            ],
        );
        check(
            &all,
            Side::After,
            &[
                r#"Planned new {"routes":[]}"#,
                r#"Planned mod {"a":2}"#,
                r#"Deployed kept {"a":3}"#,
                "Deployed same {}",
                "removed old",
            ],
        );
    }

    #[test]
    fn a_prediction_is_what_comes_after() {
        let text = format!(
            r#"{{"predictedResources":[{},{{"id":"[x()]","name":"b"}}],"diagnostics":[]}}"#,
            table("a", r#"{"routes":"[y()]"}"#)
        );
        let mut notes = Diagnostics::new();
        let node = parse_json(DocId(0), &text, &mut notes).expect("JSON");
        assert!(looks_like_one(&node) && load(&node, Side::Before, &mut notes).resources.is_empty());
        let after = load(&node, Side::After, &mut notes).resources;
        assert_eq!((after.len(), after[0].origin), (1, Origin::Template));
        assert!(after[0].body.path("properties.routes").is_some_and(|r| r.why_unknown().is_some()));
        assert_eq!(notes.iter().map(|n| n.code.name()).collect::<Vec<_>>(), ["not-understood"]);
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        let after = table("x", r#"{"next":"[reference('fw').ip]","plain":"[a]","own":"[[x(1)]"}"#);
        check(
            &change("Create", "x", "null", &after),
            Side::After,
            &[
                r#"Planned x {"next":<unknown: the what-if could not evaluate `[reference('fw').ip]`>,"plain":"[a]","own":"[[x(1)]"}"#,
            ],
        );
        check(
            &change("Deploy", "x", "null", "null"),
            Side::After,
            &["Mentioned x <unknown: the what-if was asked for ids only>", "unknown-value"],
        );
        let unsupported =
            r#"{"resourceId":"[resourceId('a')]","changeType":"Unsupported","unsupportedReason":"why"}"#;
        check(unsupported, Side::Before, &["unknown-value"]);
        check(
            &change("Explode", "x", "null", "null"),
            Side::After,
            &["Mentioned x <unknown: the what-if was asked for ids only>", "bad-value", "unknown-value"],
        );
    }
}
