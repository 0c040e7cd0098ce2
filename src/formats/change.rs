//! Lists of changes as files and inside scenarios.
//!
//! ```yaml
//! netwhy: changes/1
//! changes:
//!   - set: { target: web-nsg/allow-https, access: Deny }
//!   - add: { target: web-nsg, securityRules: [{ name: ssh, priority: 110, direction: Inbound, access: Deny, protocol: Tcp, destinationPortRange: 22 }] }
//!   - add: { routeTables: [{ name: forced, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: None }] }] }
//!   - remove: hub-to-spoke
//!   - remove: { target: old-nsg, detach: true }
//! ```

use super::native::{self, unknown_field};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::doc::{Entry, Node, Object};
use crate::inventory::change::{Change, Target};
use serde_json::{Value as Json, json};

/// The version line of a change file.
pub const VERSION: &str = "changes/1";

/// Fields of a change file.
const TOP: &[&str] = &["netwhy", "name", "description", "changes"];

/// What a change may be.
const KINDS: &[&str] = &["add", "remove", "set"];

/// Whether the document says it is a change file.
pub fn is_changes(node: &Node) -> bool {
    node.get("netwhy").and_then(Node::as_str).is_some_and(|v| v.starts_with("changes/"))
}

/// Reads a change file.
pub fn load(root: &Node, notes: &mut Diagnostics) -> Vec<Change> {
    let Some(object) = root.as_object() else {
        notes.push(Diagnostic::new(Code::WrongType, root.at, "a change file is an object with `changes`"));
        return Vec::new();
    };
    native::check_version(root, VERSION, notes);
    for entry in object.iter().filter(|e| !TOP.contains(&&*e.key)) {
        notes.push(unknown_field("a change file", entry, TOP.iter().copied()));
    }
    match root.get("changes") {
        Some(list) => read(list, notes),
        None => {
            let message = "the file has no `changes`";
            notes.push(Diagnostic::new(Code::MissingField, root.at, message));
            Vec::new()
        }
    }
}

/// Reads a list of changes.
pub fn read(list: &Node, notes: &mut Diagnostics) -> Vec<Change> {
    let Some(items) = list.as_array() else {
        let message = format!("{} where a list of changes belongs", list.value.kind());
        notes.push(Diagnostic::new(Code::WrongType, list.at, message));
        return Vec::new();
    };
    let mut out = Vec::new();
    for item in items {
        change(item, &mut out, notes);
    }
    out
}

fn change(item: &Node, out: &mut Vec<Change>, notes: &mut Diagnostics) {
    let entries: Vec<&Entry> = item.as_object().into_iter().flat_map(Object::iter).collect();
    let [entry] = entries[..] else {
        let message = "a change is one of `add:`, `remove:`, `set:`";
        notes.push(Diagnostic::new(Code::WrongType, item.at, message));
        return;
    };
    match &*entry.key {
        "add" => add(&entry.value, out, notes),
        "remove" => remove(&entry.value, out, notes),
        "set" => set(&entry.value, out, notes),
        _ => notes.push(unknown_field("a change", entry, KINDS.iter().copied())),
    }
}

/// `add: {SECTION: [...]}` for resources, `add: {target: NAME, LIST: [...]}` for items of a list.
fn add(value: &Node, out: &mut Vec<Change>, notes: &mut Diagnostics) {
    let Some(object) = object(value, "add", notes) else { return };
    if object.get("target").is_none() {
        let placed =
            |body: &Node| ["id", "resourceGroup", "subscription"].iter().any(|k| body.get(k).is_some());
        let resources = native::load_sections(object, notes);
        out.extend(resources.into_iter().map(|resource| {
            let placed = placed(&resource.body);
            Change::Add { resource, placed }
        }));
        return;
    }
    let Some(target) = target(value, notes) else { return };
    for entry in object.iter().filter(|e| &*e.key != "target") {
        let items = entry.value.as_array().map_or_else(|| vec![entry.value.clone()], <[Node]>::to_vec);
        let list = Target { text: entry.key.clone(), at: entry.key_at };
        out.push(Change::Append { target: target.clone(), list, items });
    }
}

fn remove(value: &Node, out: &mut Vec<Change>, notes: &mut Diagnostics) {
    if let Some(items) = value.as_array() {
        items.iter().for_each(|item| remove(item, out, notes));
    } else if let Some(object) = value.as_object() {
        let known = ["target", "detach"];
        for entry in object.iter().filter(|e| !known.contains(&&*e.key)) {
            notes.push(unknown_field("`remove`", entry, known.into_iter()));
        }
        let detach = object.get("detach");
        if let Some(wrong) = detach.filter(|d| d.as_bool().is_none()) {
            notes.push(Diagnostic::new(Code::WrongType, wrong.at, "`detach` is true or false"));
        }
        let detach = detach.and_then(Node::as_bool).unwrap_or(false);
        out.extend(target(value, notes).map(|target| Change::Remove { target, detach }));
    } else {
        out.extend(word(value, notes).map(|target| Change::Remove { target, detach: false }));
    }
}

fn set(value: &Node, out: &mut Vec<Change>, notes: &mut Diagnostics) {
    let Some(object) = object(value, "set", notes) else { return };
    let Some(target) = target(value, notes) else { return };
    if object.len() < 2 {
        let message = "`set` names a property and its value beside the target";
        notes.push(Diagnostic::new(Code::MissingField, value.at, message));
    }
    for entry in object.iter().filter(|e| &*e.key != "target") {
        let property = Target { text: entry.key.clone(), at: entry.key_at };
        out.push(Change::Set { target: target.clone(), property, value: entry.value.clone() });
    }
}

fn object<'a>(value: &'a Node, what: &str, notes: &mut Diagnostics) -> Option<&'a Object> {
    let object = value.as_object();
    if object.is_none() {
        let message = format!("{} where `{what}` takes an object", value.value.kind());
        notes.push(Diagnostic::new(Code::WrongType, value.at, message));
    }
    object
}

fn target(value: &Node, notes: &mut Diagnostics) -> Option<Target> {
    match value.get("target") {
        Some(node) => word(node, notes),
        None => {
            let message = "`target` says which resource is meant";
            notes.push(Diagnostic::new(Code::MissingField, value.at, message));
            None
        }
    }
}

fn word(node: &Node, notes: &mut Diagnostics) -> Option<Target> {
    match node.as_str().map(str::trim) {
        Some(text) if !text.is_empty() => Some(Target { text: text.into(), at: node.at }),
        _ => {
            let message = format!("{} where the name or id of a resource belongs", node.value.kind());
            notes.push(Diagnostic::new(Code::WrongType, node.at, message));
            None
        }
    }
}

/// The JSON Schema of a list of changes.
pub fn list_schema() -> Json {
    let name = json!({ "type": "string", "description": "resource id, name, parent/child, or a part such as nsg/rule" });
    let target = json!({ "type": "object", "required": ["target"], "properties": { "target": name } });
    let mut add = native::sections_schema();
    add.insert("target".into(), name.clone());
    json!({ "type": "array", "items": { "oneOf": [
        { "type": "object", "required": ["add"], "additionalProperties": false, "properties": { "add": {
            "description": "resources by section, or items of a list of `target`",
            "anyOf": [{ "type": "object", "additionalProperties": false, "properties": add }, target]
        } } },
        { "type": "object", "required": ["remove"], "additionalProperties": false, "properties": { "remove": { "anyOf": [
            name,
            { "type": "array", "items": name },
            { "type": "object", "required": ["target"], "additionalProperties": false,
              "properties": { "target": name, "detach": { "type": "boolean", "description": "take references to it away too" } } }
        ] } } },
        { "type": "object", "required": ["set"], "additionalProperties": false, "properties": { "set": target } }
    ] } })
}

/// The JSON Schema of a change file.
pub fn schema() -> Json {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy change file",
        "type": "object",
        "required": ["netwhy", "changes"],
        "additionalProperties": false,
        "properties": {
            "netwhy": { "const": VERSION },
            "name": { "type": "string" },
            "description": { "type": "string" },
            "changes": list_schema()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::DocId;
    use crate::doc::parse_yaml;

    /// Reads a change file and prints what is wrong with it.
    fn check(text: &str, expected: &[&str]) {
        let mut notes = Diagnostics::new();
        let root = parse_yaml(DocId(0), text, &mut notes).expect("yaml");
        load(&root, &mut notes);
        let got: Vec<String> = notes.iter().map(|n| format!("{}: {}", n.code.name(), n.message)).collect();
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn faults_are_named() {
        check("netwhy: changes/1", &["missing-field: the file has no `changes`"]);
        check("netwhy: changes/1\nchanges: {}", &["wrong-type: an object where a list of changes belongs"]);
        check(
            "netwhy: changes/2\nchanges: []",
            &["unsupported-version: version \"changes/2\" is not known here"],
        );
        check(
            "netwhy: changes/1\nchange: []\nchanges: []",
            &["unknown-field: a change file has no field `change`"],
        );
        let one =
            |change: &str, fault: &str| check(&format!("netwhy: changes/1\nchanges: [{change}]"), &[fault]);
        one("{ad: {}}", "unknown-field: a change has no field `ad`");
        one("{add: {}, set: {}}", "wrong-type: a change is one of `add:`, `remove:`, `set:`");
        one("x", "wrong-type: a change is one of `add:`, `remove:`, `set:`");
        one("{add: 1}", "wrong-type: a number where `add` takes an object");
        one(
            "{add: {networkSecurityGroup: []}}",
            "unknown-field: an estate file has no field `networkSecurityGroup`",
        );
        one("{remove: {}}", "missing-field: `target` says which resource is meant");
        one("{remove: {target: a, detached: true}}", "unknown-field: `remove` has no field `detached`");
        one("{remove: ~}", "wrong-type: null where the name or id of a resource belongs");
        one("{set: {target: a}}", "missing-field: `set` names a property and its value beside the target");
        one("{set: {access: Deny}}", "missing-field: `target` says which resource is meant");
    }
}
