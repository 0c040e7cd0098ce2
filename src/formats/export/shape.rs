//! One exported resource, brought into the shape of Azure Resource Manager.
//!
//! The command line writes a resource's properties beside its name (`addressSpace` next to `location`); REST
//! and Resource Graph write them in `properties`. Lists such as `az resource list` leave them out, and
//! then they are unknown, not default. PowerShell writes the same with capitals.

use super::snake;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::doc::{Entry, Node, Object, Value};
use crate::inventory::{HEAD, Origin, RawResource, ResourceId, is_modelled, is_stranger};
use std::collections::BTreeMap;

/// Keys beside the properties that say nothing about the resource's behaviour.
const ABOUT: &[&str] = &[
    "changedTime",
    "createdTime",
    "extensionResourceName",
    "extensionResourceType",
    "parentResource",
    "provisioningState",
    "resourceGuid",
    "resourceGroupName",
    "resourceId",
    "resourceName",
    "resourceType",
    "subscriptionId",
    "subscriptionName",
    "tag",
    "tagsTable",
    "tenantId",
];

/// Keys of a resource written whole by a tool. A row without any of them was put together by a query, and what the
/// query did not ask for is not known.
const WHOLE: &[&str] = &["etag", "provisioningState", "type"];

/// Types without properties that matter: a list that shows only their name says all.
const BARE: &[&str] = &[
    "Microsoft.Network/applicationSecurityGroups",
    "Microsoft.Network/networkSecurityPerimeters",
    "Microsoft.Network/networkSecurityPerimeters/profiles",
    "Microsoft.Cdn/profiles",
];

/// Why the properties of a resource are not known.
const NO_PROPERTIES: &str = "the export lists this resource without its properties";

/// Whether an object has the id of an Azure resource.
pub(super) fn has_id(node: &Node) -> bool {
    id_text(node).is_some_and(is_id)
}

fn id_text(node: &Node) -> Option<&str> {
    node.get("id").and_then(Node::as_str)
}

fn is_id(text: &str) -> bool {
    let text = text.trim_start_matches('/');
    let head = text.split('/').next().unwrap_or_default();
    let scoped = ["subscriptions", "providers", "resourceGroups", "resourceGroup"];
    text.contains('/') && scoped.iter().any(|s| s.eq_ignore_ascii_case(head))
}

/// The resource an exported object describes.
pub(super) fn resource(node: &Node, notes: &mut Diagnostics) -> Option<RawResource> {
    let (Some(text), Some(object)) = (id_text(node).filter(|t| is_id(t)), node.as_object()) else {
        let message = "an item without the id of an Azure resource was left out";
        notes.push(Diagnostic::new(Code::NotUnderstood, node.at, message));
        return None;
    };
    let rooted = text.starts_with('/');
    let origin = if is_selection(node, object) { Origin::Mentioned } else { Origin::Deployed };
    let id = if rooted { ResourceId::new(text) } else { ResourceId::new(&format!("/{text}")) };
    let body = shaped(&id, node, object);
    let body = if rooted { body } else { with_rooted_ids(&body) };
    Some(RawResource {
        at: node.at,
        origin,
        uncertain: None,
        api_version: node.get("apiVersion").and_then(Node::as_str).map(Into::into),
        id,
        body,
    })
}

/// Whether an object holds a choice of properties and not the resource: columns of a Resource Graph query
/// (`project id, properties.addressSpace`) or what `--query` of the command line made.
fn is_selection(node: &Node, object: &Object) -> bool {
    if node.get("properties").is_some_and(|p| !p.is_null()) {
        return false;
    }
    let is_whole = object.iter().any(|e| WHOLE.iter().any(|k| k.eq_ignore_ascii_case(&e.key)));
    let says_more = object.iter().any(|e| !is_head(&e.key) && !is_about(&e.key) && !e.value.is_null());
    let has_columns = object.iter().any(|e| e.key.starts_with("properties_"));
    let is_snake = object.iter().any(|e| snake::is_snake(&e.key));
    says_more && !is_snake && (has_columns || !is_whole)
}

/// The body with everything that belongs there in `properties`.
fn shaped(id: &ResourceId, node: &Node, object: &Object) -> Node {
    if node.get("properties").is_some_and(|p| !p.is_null()) {
        return node.clone();
    }
    let workspace = id.is_kind("Microsoft.MachineLearningServices/workspaces");
    if object.iter().any(|e| snake::is_snake(&e.key)) {
        return if workspace {
            shaped(id, &snake::to_camel(node), &snake::keys(object))
        } else {
            snake_body(node)
        };
    }
    let (head, own): (Vec<&Entry>, Vec<&Entry>) = object.iter().partition(|e| is_head(&e.key));
    let own = own.into_iter().filter(|e| !is_about(&e.key) && !e.value.is_null());
    let properties: Object = own.fold(Object::new(), place);
    let bare = BARE.iter().any(|t| id.is_kind(t)) || !is_modelled(&id.kind());
    let mut body: Object = head.into_iter().filter(|e| &*e.key != "properties").cloned().collect();
    let value = match properties.is_empty() && !bare {
        true => Node::unknown(node.at, NO_PROPERTIES),
        false => Node::object(node.at, properties),
    };
    body.set("properties", node.at, value);
    Node::object(node.at, body)
}

/// The body of a resource that `az ml` wrote in its own schema, which differs from Azure's.
fn snake_body(node: &Node) -> Node {
    let why = "the export is in the schema of `az ml`; `az resource show --ids ID` tells the properties";
    let head = node.as_object().into_iter().flat_map(|o| o.iter()).filter(|e| is_head(&e.key)).cloned();
    let mut body: Object = head.collect();
    body.set("properties", node.at, Node::unknown(node.at, why));
    Node::object(node.at, body)
}

fn is_head(key: &str) -> bool {
    HEAD.iter().any(|h| h.eq_ignore_ascii_case(key))
}

fn is_about(key: &str) -> bool {
    ABOUT.iter().any(|h| h.eq_ignore_ascii_case(key))
}

/// Puts a flat key where Azure Resource Manager has it.
fn place(mut properties: Object, entry: &Entry) -> Object {
    if let Some(path) = entry.key.strip_prefix("properties_") {
        let at = Node::object(entry.key_at, properties);
        let deep = put(at, &path.split('_').collect::<Vec<_>>(), entry);
        return deep.as_object().cloned().unwrap_or_default();
    }
    let key = doubled(&entry.key).unwrap_or(&entry.key);
    properties.set(key, entry.key_at, entry.value.clone());
    properties
}

/// `type` for `typePropertiesType`: how the command line writes a property that has the name of a head
/// field.
fn doubled(key: &str) -> Option<&str> {
    let (head, tail) = key.split_once("Properties")?;
    head.eq_ignore_ascii_case(tail).then_some(head)
}

/// Resource Graph's `project properties.a.b` names the column `properties_a_b`.
fn put(node: Node, path: &[&str], entry: &Entry) -> Node {
    let Some((key, rest)) = path.split_first() else { return entry.value.clone() };
    let mut object = node.as_object().cloned().unwrap_or_default();
    let inner = object.get(key).cloned().unwrap_or_else(|| Node::object(entry.key_at, Object::new()));
    object.set(*key, entry.key_at, put(inner, rest, entry));
    Node::object(node.at, object)
}

/// Ids written without their first slash, as some collections do, with it: the resource's own, and
/// every reference inside.
fn with_rooted_ids(node: &Node) -> Node {
    let value = match &node.value {
        Value::Packed(_) => return with_rooted_ids(&node.unpacked()),
        Value::Array(items) => Node::array(node.at, items.iter().map(with_rooted_ids).collect()).value,
        Value::Object(object) => {
            let entries = object.iter().map(|e| Entry { value: with_rooted_ids(&e.value), ..e.clone() });
            Node::object(node.at, entries.collect()).value
        }
        Value::String(text) if !text.starts_with('/') && is_id(text) && text.contains("/providers/") => {
            Value::String(format!("/{text}").into())
        }
        other => other.clone(),
    };
    Node::new(node.at, value)
}

/// Says once for each type how many resources are not modelled, and once how many have no properties.
pub(super) fn report(resources: &[RawResource], notes: &mut Diagnostics) {
    let bare: Vec<_> = resources
        .iter()
        .filter(|r| r.origin == Origin::Deployed)
        .filter(|r| r.body.get("properties").is_some_and(|p| p.why_unknown().is_some()))
        .collect();
    if let Some(first) = bare.first() {
        let message = format!(
            "{} of the {} resources are here without their properties, which stay unknown",
            bare.len(),
            resources.len()
        );
        let help = "export with `az resource show --ids ID`, or with Resource Graph: `resources | where type startswith 'microsoft.network/'`";
        notes.push(Diagnostic::new(Code::UnknownValue, first.at, message).help(help));
    }
    let selected = || resources.iter().filter(|r| r.origin == Origin::Mentioned && says_something(r));
    if let Some(first) = selected().next() {
        let message = format!(
            "{} of the {} resources are here with a choice of their properties; the others stay unknown",
            selected().count(),
            resources.len()
        );
        let help = "export whole resources: without `--query`, or in Resource Graph with `project id, name, type, location, properties`";
        notes.push(Diagnostic::new(Code::UnknownValue, first.at, message).help(help));
    }
    if let Some(record) = resources.iter().find(|r| r.id.is_kind("Microsoft.Resources/deployments")) {
        let name = record.id.name();
        let message = format!(
            "`{name}` is the record of a deployment, which names resources and does not describe them"
        );
        let help = format!(
            "`az deployment group export --name {name}` gives its template, an export of the group what became of it"
        );
        notes.push(Diagnostic::new(Code::NotUnderstood, record.at, message).help(help));
    }
    report_strangers(resources, notes);
}

fn says_something(resource: &RawResource) -> bool {
    resource.body.get("properties").and_then(Node::as_object).is_some_and(|properties| !properties.is_empty())
}

/// Says once for each type how many resources may matter to a flow and are not modelled.
pub(super) fn report_strangers(resources: &[RawResource], notes: &mut Diagnostics) {
    let mut types: BTreeMap<String, Vec<&RawResource>> = BTreeMap::new();
    for resource in resources.iter().filter(|r| is_stranger(&r.id.kind())) {
        types.entry(resource.id.kind().to_lowercase()).or_default().push(resource);
    }
    for same in types.values() {
        let kind = same[0].id.kind();
        let message = match same.len() {
            1 => format!("`{}` is of the type {kind}, which is not modelled", same[0].id.full_name()),
            count => format!("{count} resources are of the type {kind}, which is not modelled"),
        };
        notes.push(Diagnostic::new(Code::UnknownKind, same[0].at, message));
    }
}
