//! Our own estate file: Azure's property names, flat, referring by name.
//!
//! ```yaml
//! netwhy: estate/1
//! defaults: { resourceGroup: net, location: westeurope }
//! virtualNetworks:
//!   - name: hub
//!     addressPrefixes: [10.0.0.0/16]
//!     subnets:
//!       - { name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: apps-nsg }
//! ```
//!
//! What other formats know and a person seldom writes can be said too: `existing: true` for a resource of which
//! only these properties are known, `uncertain: WHY` for one that may not exist, `{$unknown: WHY}` for a value
//! that the source does not tell, and the section `resources` for any type, modelled or not.

mod write;

pub use write::{Style, Written, write};

use crate::diag::{At, Code, Diagnostic, Diagnostics, nearest};
use crate::doc::{Entry, Node, Object, UNKNOWN_KEY, Value};
use crate::inventory::{Origin, RawResource, ResourceId, TableTag, inline_children, section_schemas};
use crate::services::{SERVICES, service_kind};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// The version line of an estate file.
pub const VERSION: &str = "estate/1";

/// The subscription of resources that do not name one.
pub const DEFAULT_SUBSCRIPTION: &str = "00000000-0000-0000-0000-000000000000";

/// The resource group of resources that do not name one.
pub const DEFAULT_GROUP: &str = "estate";

/// Keys of the file that are not sections.
const TOP: &[&str] = &["netwhy", "name", "description", "defaults"];

/// Keys of `defaults`.
const DEFAULTS: &[&str] = &["subscription", "resourceGroup", "location"];

/// Whether the document says it is an estate file.
pub fn is_estate(node: &Node) -> bool {
    node.get("netwhy").and_then(Node::as_str).is_some_and(|v| v.starts_with("estate/"))
}

/// Reads an estate file.
pub fn load(root: &Node, notes: &mut Diagnostics) -> Vec<RawResource> {
    let Some(object) = root.as_object() else {
        notes.push(Diagnostic::new(Code::WrongType, root.at, "an estate file is an object of sections"));
        return Vec::new();
    };
    check_version(root, VERSION, notes);
    check_titles(root, notes);
    let defaults = Defaults::read(root, notes);
    let mut out = Vec::new();
    for entry in object.iter().filter(|e| !TOP.contains(&&*e.key)) {
        section(entry, &defaults, &mut out, notes);
    }
    out
}

/// What a file says of itself is text.
fn check_titles(root: &Node, notes: &mut Diagnostics) {
    for key in ["name", "description"] {
        text_or_nothing(root.get(key), key, notes);
    }
}

/// A text that may be missing; anything else is a fault.
fn text_or_nothing<'a>(node: Option<&'a Node>, key: &str, notes: &mut Diagnostics) -> Option<&'a str> {
    let node = node.filter(|node| !node.is_null())?;
    let text = node.as_str();
    if text.is_none() {
        let message = format!("{} where `{key}` takes a text", node.value.kind());
        let fault = Diagnostic::new(Code::WrongType, node.at, message);
        notes.push(match &node.value {
            Value::Number(_) | Value::Bool(_) => {
                fault.help(format!("write it in quotes: `{key}: \"{node}\"`"))
            }
            _ => fault,
        });
    }
    text
}

/// Checks the line `netwhy: WHAT/VERSION`.
pub fn check_version(root: &Node, wanted: &str, notes: &mut Diagnostics) {
    let Some(line) = root.get("netwhy") else {
        let help = format!("begin the file with `netwhy: {wanted}`");
        notes.push(
            Diagnostic::new(Code::MissingField, root.at, "the file does not say its version").help(help),
        );
        return;
    };
    if line.as_str() != Some(wanted) {
        let message = format!("version {line} is not known here");
        notes.push(
            Diagnostic::new(Code::UnsupportedVersion, line.at, message)
                .help(format!("this program reads `{wanted}`")),
        );
    }
}

/// Reads the sections of an estate that is written inside another file, with or without the version line.
pub fn load_inline(root: &Node, notes: &mut Diagnostics) -> Vec<RawResource> {
    if root.get("netwhy").is_some() {
        return load(root, notes);
    }
    check_titles(root, notes);
    let defaults = Defaults::read(root, notes);
    let mut out = Vec::new();
    for entry in root.as_object().into_iter().flat_map(Object::iter).filter(|e| !TOP.contains(&&*e.key)) {
        section(entry, &defaults, &mut out, notes);
    }
    out
}

/// Reads sections alone, as a change that adds resources has them.
pub fn load_sections(sections: &Object, notes: &mut Diagnostics) -> Vec<RawResource> {
    let defaults = Defaults::none();
    let mut out = Vec::new();
    for entry in sections.iter() {
        section(entry, &defaults, &mut out, notes);
    }
    out
}

struct Defaults {
    subscription: Arc<str>,
    group: Arc<str>,
    location: Option<Node>,
}

impl Defaults {
    fn none() -> Self {
        Self { subscription: DEFAULT_SUBSCRIPTION.into(), group: DEFAULT_GROUP.into(), location: None }
    }

    fn read(root: &Node, notes: &mut Diagnostics) -> Self {
        let given = root.get("defaults").filter(|given| !given.is_null());
        if let Some(given) = given.filter(|given| given.as_object().is_none()) {
            let message = format!("{} where `defaults` takes an object", given.value.kind());
            notes.push(Diagnostic::new(Code::WrongType, given.at, message));
        }
        if let Some(object) = given.and_then(Node::as_object) {
            for entry in object.iter().filter(|e| !DEFAULTS.contains(&&*e.key)) {
                notes.push(unknown_field("`defaults`", entry, DEFAULTS.iter().copied()));
            }
        }
        let mut word = |key: &str| text_or_nothing(given.and_then(|d| d.get(key)), key, notes);
        let (subscription, group) = (word("subscription"), word("resourceGroup"));
        let location = word("location").and_then(|_| given?.get("location"));
        Self {
            subscription: subscription.unwrap_or(DEFAULT_SUBSCRIPTION).into(),
            group: group.unwrap_or(DEFAULT_GROUP).into(),
            location: location.cloned(),
        }
    }
}

/// A field that one of our own files does not have, with the nearest that it has.
pub fn unknown_field<'a>(
    what: &str,
    entry: &Entry,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let message = format!("{what} has no field `{}`", entry.key);
    let diagnostic = Diagnostic::new(Code::UnknownField, entry.key_at, message);
    let list = known.clone().collect::<Vec<_>>().join(", ");
    match nearest(&entry.key, known) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!("known here: {list}")),
    }
}

/// The section for resources of any type.
const ANY: &str = "resources";

/// The resource type of a section; `None` for `services` and `resources`, whose items name their type.
fn section_type(section: &str) -> Option<Option<&'static str>> {
    if section.eq_ignore_ascii_case("services") || section.eq_ignore_ascii_case(ANY) {
        return Some(None);
    }
    let own = TableTag::ALL.iter().find(|(.., s)| s.eq_ignore_ascii_case(section)).map(|(_, t, _)| *t);
    let service = SERVICES.iter().find(|s| s.section.eq_ignore_ascii_case(section)).map(|s| s.arm_type);
    own.or(service).map(Some)
}

fn sections() -> impl Iterator<Item = &'static str> + Clone {
    TableTag::ALL.iter().map(|(.., s)| *s).chain(SERVICES.iter().map(|s| s.section)).chain([ANY])
}

fn section(entry: &Entry, defaults: &Defaults, out: &mut Vec<RawResource>, notes: &mut Diagnostics) {
    let Some(kind) = section_type(&entry.key) else {
        notes.push(unknown_field("an estate file", entry, sections()));
        return;
    };
    let Some(items) = entry.value.as_array() else {
        let message = format!("`{}` is a list of resources", entry.key);
        notes.push(Diagnostic::new(Code::WrongType, entry.value.at, message));
        return;
    };
    for item in items.iter() {
        if let Some(raw) = resource(kind, &entry.key, item, defaults, notes) {
            out.push(raw);
        }
    }
}

fn resource(
    kind: Option<&'static str>,
    section: &str,
    item: &Node,
    defaults: &Defaults,
    notes: &mut Diagnostics,
) -> Option<RawResource> {
    let Some(object) = item.as_object() else {
        notes.push(Diagnostic::new(Code::WrongType, item.at, format!("an item of `{section}` is an object")));
        return None;
    };
    let kind = match kind {
        Some(kind) => kind.to_owned(),
        None => item_type(item, section, notes)?,
    };
    let id = match item.get("id").and_then(Node::as_str) {
        Some(id) if ResourceId::looks_like_one(id) => ResourceId::new(id),
        _ => own_id(&kind, section, item, defaults, notes)?,
    };
    let mut object = match with_unknowns(item) {
        Some(item) => item.as_object().cloned().unwrap_or_default(),
        None => object.clone(),
    };
    let existing = flag(&mut object, "existing", notes);
    let located = kind.matches('/').count() == 1 && object.get("location").is_none();
    if let (true, Some(location)) = (located, &defaults.location) {
        object.set("location", location.at, location.clone());
    }
    Some(RawResource {
        id,
        at: item.at,
        origin: if existing { Origin::Mentioned } else { Origin::Estate },
        uncertain: object.remove("uncertain").and_then(|why| why.as_str().map(Into::into)),
        api_version: object.get("apiVersion").and_then(Node::as_str).map(Into::into),
        body: Node::object(item.at, object),
    })
}

/// A truth value that is taken out.
fn flag(object: &mut Object, key: &str, notes: &mut Diagnostics) -> bool {
    let Some(node) = object.remove(key) else { return false };
    node.as_bool().unwrap_or_else(|| {
        notes.push(Diagnostic::new(Code::WrongType, node.at, format!("`{key}` is true or false")));
        false
    })
}

/// The tree with `{$unknown: WHY}` read as what it says; `None` where there is none.
fn with_unknowns(node: &Node) -> Option<Node> {
    match &node.value {
        Value::Object(object) => {
            if let (1, Some(why)) = (object.len(), object.get(UNKNOWN_KEY).and_then(Node::as_str)) {
                return Some(Node::unknown(node.at, why));
            }
            let edited: Vec<Option<Node>> = object.iter().map(|e| with_unknowns(&e.value)).collect();
            edited.iter().any(Option::is_some).then(|| {
                let pairs = object.iter().zip(edited);
                let entry = |(e, new): (&Entry, Option<Node>)| Entry {
                    value: new.unwrap_or(e.value.clone()),
                    ..e.clone()
                };
                Node::object(node.at, pairs.map(entry).collect())
            })
        }
        // What is packed was looked through when it was read: none of it is unknown.
        Value::Packed(_) => None,
        Value::Array(items) => {
            let edited: Vec<Option<Node>> = items.iter().map(with_unknowns).collect();
            edited.iter().any(Option::is_some).then(|| {
                let pairs = items.iter().zip(edited);
                Node::array(node.at, pairs.map(|(old, new)| new.unwrap_or(old.clone())).collect())
            })
        }
        _ => None,
    }
}

fn item_type(item: &Node, section: &str, notes: &mut Diagnostics) -> Option<String> {
    let given = item.get("type");
    match given.and_then(Node::as_str) {
        Some(kind) if kind.contains('/') => Some(service_kind(kind).map_or(kind, |s| s.arm_type).to_owned()),
        _ => {
            let message = format!("an item of `{section}` says its resource type in `type`");
            notes.push(Diagnostic::new(Code::MissingField, given.map_or(item.at, |g| g.at), message));
            None
        }
    }
}

/// Sections whose items may go without a name.
const NAMELESS: &[&str] =
    &["roleAssignments", "denyAssignments", "bgpRoutes", "locks", "internetHosts", "staticMembers"];

/// A name for an item that needs none: its first host name, else a number made of what it says, so that the order of
/// items does not matter.
fn made_up_name(section: &str, item: &Node) -> String {
    let names = item.get("names").or_else(|| item.get("fqdn"));
    let first = names.and_then(|n| n.as_str().or_else(|| n.as_array()?.first()?.as_str()));
    match first.filter(|name| !name.contains('/')) {
        Some(name) => name.to_owned(),
        None => {
            let text = item.to_string();
            let number =
                text.bytes().fold(0x811c_9dc5_u32, |n, b| (n ^ u32::from(b)).wrapping_mul(0x0100_0193));
            format!("{section}-{number:08x}")
        }
    }
}

/// Fields that name the parent of a child resource, beside `parent`.
const PARENTS: &[&str] = &["parent", "privateDnsZone", "privateEndpoint"];

fn own_id(
    kind: &str,
    section: &str,
    item: &Node,
    defaults: &Defaults,
    notes: &mut Diagnostics,
) -> Option<ResourceId> {
    let word = |key: &str| item.get(key).and_then(Node::as_str);
    let name = match word("name") {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ if NAMELESS.iter().any(|s| s.eq_ignore_ascii_case(section)) => made_up_name(section, item),
        _ => {
            notes.push(Diagnostic::new(
                Code::MissingField,
                item.at,
                format!("an item of `{section}` has no name"),
            ));
            return None;
        }
    };
    let depth = kind.matches('/').count();
    let parent = PARENTS.iter().find_map(|p| word(p));
    let full = match parent {
        Some(parent) if depth > 1 && !name.contains('/') => format!("{parent}/{name}"),
        _ => name,
    };
    if full.split('/').count() != depth {
        let message = format!("`{full}` does not say where it belongs");
        let help = "name the parent in `parent`, or write the item inside its parent";
        notes.push(Diagnostic::new(Code::MissingField, item.at, message).help(help));
        return None;
    }
    let subscription = word("subscription").unwrap_or(&defaults.subscription);
    let group = word("resourceGroup").unwrap_or(&defaults.group);
    Some(ResourceId::in_group(subscription, group, kind, &full))
}

/// The JSON Schemas of all sections.
pub fn sections_schema() -> serde_json::Map<String, Json> {
    let mut own = section_schemas();
    for (section, schema) in &mut own {
        let Some((_, kind, _)) = TableTag::ALL.iter().find(|(.., s)| s == section) else { continue };
        let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) else { continue };
        for (property, _) in inline_children(kind) {
            properties.insert(
                property.into(),
                json!({ "type": "array", "items": { "type": "object", "required": ["name"] } }),
            );
        }
    }
    let service = own.iter().find(|(s, _)| *s == "services").map(|(_, s)| s.clone()).unwrap_or_default();
    let any = json!({ "type": "object", "required": ["type"] });
    let services = SERVICES.iter().map(|s| (s.section, service.clone())).chain([(ANY, any)]);
    let all = own.iter().map(|(s, j)| (*s, j.clone())).chain(services);
    all.map(|(section, schema)| (section.to_owned(), json!({ "type": "array", "items": schema }))).collect()
}

/// The JSON Schema of the estate file.
pub fn schema() -> Json {
    let mut properties = sections_schema();
    properties.insert("netwhy".into(), json!({ "const": VERSION }));
    properties.insert("name".into(), json!({ "type": "string" }));
    properties.insert("description".into(), json!({ "type": "string" }));
    properties.insert("defaults".into(), json!({
        "type": "object", "additionalProperties": false,
        "properties": { "subscription": { "type": "string" }, "resourceGroup": { "type": "string" }, "location": { "type": "string" } }
    }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy estate file",
        "type": "object",
        "required": ["netwhy"],
        "properties": properties,
        "additionalProperties": false
    })
}

/// A place-less object from pairs, for callers that build items.
pub fn item(at: At, fields: impl IntoIterator<Item = (&'static str, Node)>) -> Node {
    Node::object(
        at,
        fields.into_iter().map(|(k, v)| Entry { key: k.into(), key_at: at, value: v }).collect::<Object>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{DocId, Sources};
    use crate::doc::parse_yaml;
    use crate::inventory::build;

    /// Loads a file and prints ids and diagnostics, one a line.
    fn check(text: &str, expected: &str) {
        let mut notes = Diagnostics::new();
        let mut sources = Sources::default();
        sources.add("t.yaml", text);
        let root = parse_yaml(DocId(0), text, &mut notes).expect("yaml");
        let inventory = build(load(&root, &mut notes), &mut notes);
        let mut lines = Vec::new();
        inventory.each(&mut |id, _, _, _| lines.push(format!("{} {}", id.kind(), id.full_name())));
        for note in &notes {
            let line = sources.position(note.at).map_or(0, |p| p.line);
            lines.push(format!("{}:{line}: {}", note.code.name(), note.help.clone().unwrap_or_default()));
        }
        assert_eq!(lines.join("\n").trim(), expected.trim(), "{text}");
    }

    #[test]
    fn children_become_resources() {
        check(
            "netwhy: estate/1\nvirtualNetworks:\n  - name: hub\n    addressPrefixes: [10.0.0.0/16]\n    subnets:\n      - {name: a, addressPrefix: 10.0.0.0/24}\n",
            "Microsoft.Network/virtualNetworks hub\nMicrosoft.Network/virtualNetworks/subnets hub/a",
        );
    }

    #[test]
    fn typing_errors_are_found() {
        check("netwhy: estate/1\nvirtualNetwork: []\n", "unknown-field:2: did you mean `virtualNetworks`?");
        check(
            "netwhy: estate/1\nvirtualNetworks:\n  - name: hub\n    adressPrefixes: [10.0.0.0/16]\n",
            "Microsoft.Network/virtualNetworks hub\nunknown-field:4: did you mean `addressPrefixes`?",
        );
        check(
            "netwhy: estate/1\nnetworkInterfaces:\n  - name: n\n    ipConfigurations: [{name: i, subnet: hub/b}]\nvirtualNetworks:\n  - {name: hub, addressPrefixes: [10.0.0.0/16], subnets: [{name: a, addressPrefix: 10.0.0.0/24}]}\n",
            "Microsoft.Network/virtualNetworks hub\nMicrosoft.Network/virtualNetworks/subnets hub/a\nMicrosoft.Network/networkInterfaces n\ndangling-reference:4: did you mean `a`?",
        );
        check(
            "netwhy: estate/1\nvirtualHubs:\n  - {name: h, hubVirtualNetworkConnections: {name: c}}\n",
            "Microsoft.Network/virtualHubs h\nwrong-type:3: write each as an item, and what is not known of it as `{ $unknown: why }`",
        );
        check("netwhy: estate/2\n", "unsupported-version:1: this program reads `estate/1`");
        check(
            "netwhy: estate/1\nvirtualNetworks:\n  - {name: hub, addressPrefixes: [10.0.0.0/99]}\n",
            "Microsoft.Network/virtualNetworks hub\nbad-value:3: ",
        );
    }
}
