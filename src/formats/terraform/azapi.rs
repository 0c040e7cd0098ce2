//! `azapi_resource`: its body is in the shape of Azure Resource Manager already.

use super::document::Instance;
use super::world::{World, text};
use crate::diag::Diagnostics;
use crate::diag::{At, DocId};
use crate::doc::{Entry, Node, Object, Value, parse_json};
use crate::inventory::ResourceId;

/// Whether an instance is one.
pub(super) fn is_one(instance: &Instance) -> bool {
    matches!(&*instance.kind, "azapi_resource" | "azapi_update_resource" | "azapi_data_plane_resource")
}

/// Whether an instance only sets some properties of a resource that is declared elsewhere.
pub(super) fn is_update(instance: &Instance) -> bool {
    &*instance.kind == "azapi_update_resource"
}

/// Its id: the one written, or made from type, name and parent.
pub(super) fn id(world: &World<'_>, instance: &Instance, depth: usize) -> Option<ResourceId> {
    if !is_one(instance) {
        return None;
    }
    for attribute in ["resource_id", "id"] {
        if let Some(id) = text(instance, attribute).filter(|t| ResourceId::looks_like_one(t)) {
            return Some(ResourceId::new(id));
        }
    }
    if let Some(id) = world.given(instance, "resource_id", "", depth) {
        return Some(id);
    }
    let kind = text(instance, "type")?.split('@').next()?;
    let parent = match parent(world, instance, depth) {
        Some(parent) => parent,
        None => ResourceId::new(&world.group(instance, depth)),
    };
    let name = world.name(instance);
    let inside = kind.rsplit_once('/').is_some_and(|(above, _)| parent.is_kind(above));
    let segment = kind.rsplit('/').next().unwrap_or(kind);
    Some(match inside {
        true => parent.child(segment, &name),
        false => ResourceId::under(parent.as_str(), kind, &name),
    })
}

/// The parent, which may be a resource group that Terraform does not know the id of yet.
fn parent(world: &World<'_>, instance: &Instance, depth: usize) -> Option<ResourceId> {
    if let Some(id) = world.given(instance, "parent_id", "", depth) {
        return Some(id);
    }
    let expression = world.references.expressions(instance)?.get("parent_id")?;
    let found = world.references.targets(expression, instance);
    let [target] = found.as_slice() else { return None };
    let group = world.all.get(target.instance).filter(|i| &*i.kind == "azurerm_resource_group")?;
    let scope = world.group(instance, depth);
    let base = scope.rsplit_once('/').map(|(base, _)| base.to_owned())?;
    Some(ResourceId::new(&format!("{base}/{}", world.name(group))))
}

/// The resource object: what the body says, and location, tags and identity beside it.
pub(super) fn body(instance: &Instance) -> Node {
    let at = instance.at;
    let mut object = match instance.values.get("body") {
        Some(body) => match &body.value {
            Value::String(json) => parsed(json, body.at),
            Value::Object(object) => (**object).clone(),
            Value::Unknown(why) => unknown(body.at, why),
            _ => Object::new(),
        },
        None => Object::new(),
    };
    for (from, to) in [("location", "location"), ("tags", "tags")] {
        if let Some(value) = instance.values.get(from).filter(|v| !v.is_null()) {
            object.set(to, value.at, value.clone());
        }
    }
    if let Some(identity) = instance.values.get("identity").and_then(Node::as_array).and_then(<[Node]>::first)
    {
        object.set("identity", identity.at, with_arm_keys(identity));
    }
    Node::object(at, object)
}

fn parsed(json: &str, at: At) -> Object {
    let mut notes = Diagnostics::new();
    match parse_json(DocId(u32::MAX), json, &mut notes) {
        Ok(node) => moved(&node, at).as_object().cloned().unwrap_or_default(),
        Err(_) => unknown(at, "the body is not well-formed JSON"),
    }
}

fn unknown(at: At, why: &str) -> Object {
    let value = Node::unknown(at, why);
    std::iter::once(Entry { key: "properties".into(), key_at: at, value }).collect()
}

/// The same tree, standing where the text that held it stands.
fn moved(node: &Node, at: At) -> Node {
    let value = match &node.value {
        Value::Array(items) => Node::array(at, items.iter().map(|i| moved(i, at)).collect()).value,
        Value::Object(object) => {
            let entries =
                object.iter().map(|e| Entry { key: e.key.clone(), key_at: at, value: moved(&e.value, at) });
            Node::object(at, entries.collect()).value
        }
        other => other.clone(),
    };
    Node::new(at, value)
}

fn with_arm_keys(identity: &Node) -> Node {
    let mut object = Object::new();
    for (from, to) in
        [("type", "type"), ("principal_id", "principalId"), ("identity_ids", "userAssignedIdentities")]
    {
        if let Some(value) = identity.get(from).filter(|v| !v.is_null() && v.why_unknown().is_none()) {
            object.set(to, value.at, value.clone());
        }
    }
    Node::object(identity.at, object)
}
