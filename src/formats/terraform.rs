//! Terraform plans and states.
//!
//! Input: `terraform show -json` of a plan or state, or a state file, as a value tree. Output: resources in
//! the shape of Azure Resource Manager, before or after the plan. What only the deployment will know is
//! unknown; references between planned resources are followed in the plan's configuration, so that a
//! subnet that does not exist yet is still found by the interface that will be in it.

mod azapi;
mod config;
mod document;
mod mapping;
mod shape;
mod types;
mod world;

use super::Side;
use crate::diag::{At, Code, Diagnostic, Diagnostics, Severity};
use crate::doc::{Entry, Node, Object, Value};
use crate::inventory::{Origin, RawResource, ResourceId, is_modelled, is_stranger};
use document::Instance;
use mapping::{Attr, Home, Type};
use shape::{Body, Context, fill};
use std::collections::BTreeMap;
use world::{World, text};

/// Reads a plan or state.
pub fn load(node: &Node, side: Side, notes: &mut Diagnostics) -> Vec<RawResource> {
    let planned = side == Side::After && node.get("resource_changes").is_some();
    let before = match planned {
        true => document::instances(node, Side::Before, &mut Diagnostics::new()),
        false => Vec::new(),
    };
    let sections = ["values", "planned_values", "resource_changes", "prior_state", "resources", "modules"];
    if sections.iter().all(|section| node.get(section).is_none()) {
        let message = "the state holds no resource: nothing was deployed where it was shown";
        notes.push(Diagnostic::new(Code::NotUnderstood, node.at, message));
    }
    let world = World::new(node, document::instances(node, side, notes), &before);
    let mut build = Build { world: &world, planned, out: BTreeMap::new(), notes };
    for number in 0..world.all.len() {
        build.resource(number);
    }
    for number in 0..world.all.len() {
        build.addition(number);
    }
    let resources: Vec<RawResource> = build.out.into_values().collect();
    report(&world, &resources, notes);
    resources
}

/// The resources that a plan takes away: those before it that are not there after it.
pub fn removed(node: &Node) -> Vec<ResourceId> {
    if node.get("resource_changes").is_none() {
        return Vec::new();
    }
    let ids = |side| -> std::collections::BTreeSet<ResourceId> {
        let resources = load(node, side, &mut Diagnostics::new());
        resources.into_iter().filter(|r| r.origin != Origin::Mentioned).map(|r| r.id).collect()
    };
    ids(Side::Before).difference(&ids(Side::After)).cloned().collect()
}

struct Build<'a> {
    world: &'a World<'a>,
    planned: bool,
    /// By id in lower case.
    out: BTreeMap<String, RawResource>,
    notes: &'a mut Diagnostics,
}

impl Build<'_> {
    /// A resource of its own.
    fn resource(&mut self, number: usize) {
        let world = self.world;
        let Some(instance) = world.all.get(number) else { return };
        if azapi::is_one(instance) {
            if !azapi::is_update(instance) {
                self.azapi(number, instance);
            }
            return;
        }
        let Some(known) = types::find(&instance.kind) else {
            self.stranger(instance);
            return;
        };
        if matches!(known.home, Home::Sets(_) | Home::Item { .. } | Home::Nothing) {
            return;
        }
        let Some(id) = world.id(number) else {
            self.unplaced(instance);
            return;
        };
        if text(instance, "name").is_none()
            && instance.values.get("name").is_some_and(|n| n.why_unknown().is_some())
        {
            let message =
                format!("the name of `{}` is known after apply; its address stands for it", instance.address);
            self.notes.push(Diagnostic::new(Code::UnknownValue, instance.at, message));
        }
        let body = self.body(instance, &id, known.attrs);
        self.push(instance, id, body);
    }

    fn body(&self, instance: &Instance, base: &ResourceId, attrs: &[Attr]) -> Node {
        let mut body = Body::default();
        for key in ["location", "tags", "zones"] {
            if let Some(value) = instance.values.get(key).filter(|v| !v.is_null()) {
                body.head.set(key, value.at, value.clone());
            }
        }
        fill(attrs, self.context(instance, base), &mut body);
        unmapped_rules(attrs, instance, base, &mut body);
        body.head.set("name", instance.at, Node::string(instance.at, base.name()));
        body.head.set("properties", instance.at, Node::object(instance.at, body.properties));
        Node::object(instance.at, body.head)
    }

    fn context<'c>(&'c self, instance: &'c Instance, base: &'c ResourceId) -> Context<'c> {
        let config = self.world.references.expressions(instance).filter(|_| self.world.configured);
        Context { world: self.world, instance, base, values: &instance.values, config }
    }

    fn origin(&self, instance: &Instance) -> Origin {
        match (instance.data, self.planned) {
            (true, _) => Origin::Mentioned,
            (false, true) => Origin::Template,
            (false, false) => Origin::Deployed,
        }
    }

    fn push(&mut self, instance: &Instance, id: ResourceId, body: Node) {
        let raw = RawResource {
            at: instance.at,
            origin: self.origin(instance),
            uncertain: None,
            api_version: None,
            id,
            body,
        };
        let key = raw.id.as_str().to_lowercase();
        // A resource that is managed and looked up by a data source is what it is managed as.
        if self.out.get(&key).is_none_or(|other| other.origin < raw.origin) {
            self.out.insert(key, raw);
        }
    }

    fn azapi(&mut self, number: usize, instance: &Instance) {
        let Some(id) = self.world.id(number).filter(|_| !instance.data) else {
            self.unplaced(instance);
            return;
        };
        let body = azapi::body(instance);
        let key = id.as_str().to_lowercase();
        let Some(there) = self.out.get_mut(&key) else {
            self.push(instance, id, body);
            return;
        };
        there.body = laid_over(&there.body, &body);
    }

    /// Properties that are set on a resource of any provider, which may stand behind this one or elsewhere.
    fn update(&mut self, number: usize, instance: &Instance) {
        let Some(id) = self.world.id(number).filter(|_| !instance.data) else {
            self.unplaced(instance);
            return;
        };
        let body = azapi::body(instance);
        let there = self.there(instance, &id);
        there.body = laid_over(&there.body, &body);
    }

    /// A type that is not in the tables: kept by id where the id is known.
    fn stranger(&mut self, instance: &Instance) {
        let id = text(instance, "id").filter(|t| ResourceId::looks_like_one(t) && t.contains("/providers/"));
        if let Some(id) = id.filter(|_| instance.kind.starts_with("azurerm_")).map(ResourceId::new) {
            let why = format!("the properties of `{}` are not read from Terraform", instance.kind);
            let body: Object = std::iter::once(Entry {
                key: "properties".into(),
                key_at: instance.at,
                value: Node::unknown(instance.at, why),
            })
            .collect();
            self.push(instance, id, Node::object(instance.at, body));
        }
    }

    fn unplaced(&mut self, instance: &Instance) {
        let message = format!("`{}` was left out: where it belongs is not known", instance.address);
        self.notes.push(Diagnostic::new(Code::UnknownValue, instance.at, message));
    }

    /// What is no resource of its own: an association, a rule of a load balancer.
    fn addition(&mut self, number: usize) {
        let world = self.world;
        let Some(instance) = world.all.get(number) else { return };
        if azapi::is_update(instance) {
            return self.update(number, instance);
        }
        let Some(known) = types::find(&instance.kind).filter(|_| !instance.data) else { return };
        match known.home {
            Home::Sets(target) => self.sets(instance, known, target),
            Home::Item { parent, of, list, only } => {
                let Some(owner) = world.owner_of(instance, parent, of) else {
                    self.unplaced(instance);
                    return;
                };
                self.item(instance, known, &owner, list, only);
            }
            _ => {}
        }
    }

    fn sets(&mut self, instance: &Instance, known: &Type, target: &str) {
        let Some(id) = self.world.owner_of(instance, target, known.arm) else {
            self.unplaced(instance);
            return;
        };
        let mut body = Body::default();
        fill(known.attrs, self.context(instance, &id), &mut body);
        let at = instance.at;
        let addition = Node::object(at, properties(at, body.properties));
        let there = self.there(instance, &id);
        there.body = laid_over(&there.body, &addition);
    }

    fn item(&mut self, instance: &Instance, known: &Type, owner: &ResourceId, list: &str, only: &str) {
        let mut body = Body::default();
        fill(known.attrs, self.context(instance, owner), &mut body);
        let item = match known.attrs {
            [Attr::Copy(_, "", _)] => body.properties.get("").cloned(),
            _ => {
                if let Some(name) = instance.values.get("name").filter(|n| !n.is_null()) {
                    body.properties.set("name", name.at, name.clone());
                }
                Some(Node::object(instance.at, body.properties))
            }
        };
        let Some(item) = item else { return };
        let only = instance.values.get(only).and_then(Node::as_str);
        let fresh = !self.out.contains_key(&owner.as_str().to_lowercase());
        let there = self.there(instance, owner);
        if fresh && !list.contains('*') {
            let others = Node::unknown(instance.at, format!("other {list} of it are not in the document"));
            there.body = appended(&there.body, &format!("properties.{list}"), &others, None)
                .unwrap_or_else(|| there.body.clone());
        }
        match appended(&there.body, &format!("properties.{list}"), &item, only) {
            Some(body) => there.body = body,
            None => {
                let message = format!(
                    "`{}` was left out: `{}` is not in the document, or has no such part",
                    instance.address,
                    owner.full_name()
                );
                self.notes.push(Diagnostic::new(Code::DanglingReference, instance.at, message));
            }
        }
    }

    /// The resource an addition belongs to; one that is not in the document is only mentioned.
    fn there(&mut self, instance: &Instance, id: &ResourceId) -> &mut RawResource {
        self.out.entry(id.as_str().to_lowercase()).or_insert_with(|| RawResource {
            id: id.clone(),
            at: instance.at,
            origin: Origin::Mentioned,
            uncertain: None,
            api_version: None,
            body: Node::object(instance.at, Object::new()),
        })
    }
}

fn properties(at: At, inner: Object) -> Object {
    std::iter::once(Entry { key: "properties".into(), key_at: at, value: Node::object(at, inner) }).collect()
}

/// One object laid over another, key by key.
fn laid_over(below: &Node, above: &Node) -> Node {
    match (&below.value, &above.value) {
        (Value::Object(a), Value::Object(b)) => {
            let mut object = (**a).clone();
            for entry in b.iter() {
                let value =
                    a.get(&entry.key).map_or_else(|| entry.value.clone(), |old| laid_over(old, &entry.value));
                object.set(entry.key.clone(), entry.key_at, value);
            }
            Node::object(below.at, object)
        }
        _ => above.clone(),
    }
}

/// The node with an item appended to the list at a path, if there is a place for it. `*` goes into every item
/// of a list, or into those with this name; an unknown list stays unknown.
fn appended(node: &Node, path: &str, item: &Node, only: Option<&str>) -> Option<Node> {
    if node.why_unknown().is_some() {
        return Some(node.clone());
    }
    let Some((head, rest)) = path.split_once('.') else { return Some(with_item(node, path, item)) };
    if head == "*" {
        return in_every(node.as_array()?, node.at, rest, item, only);
    }
    let mut object = node.as_object().cloned().unwrap_or_default();
    let inner = match object.get(head) {
        Some(here) => appended(here, rest, item, only)?,
        None if rest.starts_with('*') => return None,
        None => appended(&Node::object(item.at, Object::new()), rest, item, only)?,
    };
    object.set(head, item.at, inner);
    Some(Node::object(node.at, object))
}

fn in_every(items: &[Node], at: At, rest: &str, item: &Node, only: Option<&str>) -> Option<Node> {
    let wanted = |inner: &Node| {
        let name = inner.get("name").and_then(Node::as_str).unwrap_or_default();
        only.is_none_or(|only| only.eq_ignore_ascii_case(name))
    };
    let found = items.iter().any(wanted);
    let changed: Option<Vec<Node>> = items
        .iter()
        .map(|inner| if wanted(inner) { appended(inner, rest, item, only) } else { Some(inner.clone()) })
        .collect();
    changed.filter(|_| found).map(|items| Node::array(at, items))
}

fn with_item(node: &Node, key: &str, item: &Node) -> Node {
    let mut object = node.as_object().cloned().unwrap_or_default();
    let mut items = match object.get(key) {
        Some(list) => list.as_array().unwrap_or(std::slice::from_ref(list)).to_vec(),
        None => Vec::new(),
    };
    items.push(item.clone());
    object.set(key, item.at, Node::array(item.at, items));
    Node::object(node.at, object)
}

/// Says for each resource which of its values are unknown, and why.
fn report_unknown(resources: &[RawResource], notes: &mut Diagnostics) {
    for resource in resources.iter().filter(|r| r.origin != Origin::Mentioned && is_modelled(&r.id.kind())) {
        let mut found = Vec::new();
        unknowns(&resource.body, "", &mut found);
        let whys: std::collections::BTreeSet<&str> = found.iter().map(|(_, why)| &**why).collect();
        for why in whys {
            let paths: Vec<&str> =
                found.iter().filter(|(_, w)| &**w == why).map(|(p, _)| p.as_str()).collect();
            let (first, more) =
                (paths.iter().take(4).copied().collect::<Vec<_>>(), paths.len().saturating_sub(4));
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            let name = resource.id.full_name();
            let message = format!("`{name}` has unknown values, {why}: `{}`{rest}", first.join("`, `"));
            notes.push(Diagnostic::new(Code::UnknownValue, resource.at, message).severity(Severity::Note));
        }
    }
}

fn unknowns(node: &Node, path: &str, out: &mut Vec<(String, std::sync::Arc<str>)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match &node.value {
        Value::Unknown(why) => out.push((path.to_owned(), why.clone())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| unknowns(item, &below(&i.to_string()), out));
        }
        Value::Object(object) => object.iter().for_each(|e| unknowns(&e.value, &below(&e.key), out)),
        _ => {}
    }
}

/// Types of providers that make values and files, and nothing in Azure.
fn is_aside(kind: &str) -> bool {
    ["local_", "null_", "random_", "time_", "tls_"].iter().any(|provider| kind.starts_with(provider))
}

/// Says once for each type what was not read, and what is unknown.
fn report(world: &World<'_>, resources: &[RawResource], notes: &mut Diagnostics) {
    report_unknown(resources, notes);
    let mut strangers: BTreeMap<&str, Vec<&Instance>> = BTreeMap::new();
    let unread =
        |i: &&Instance| types::find(&i.kind).is_none() && !azapi::is_one(i) && !i.data && !is_aside(&i.kind);
    for instance in world.all.iter().filter(unread) {
        strangers.entry(&instance.kind).or_default().push(instance);
    }
    for (kind, same) in strangers {
        let message = match same.len() {
            1 => format!("`{}` is of the type {kind}, which is not read", same[0].address),
            count => format!("{count} resources are of the type {kind}, which is not read"),
        };
        notes.push(Diagnostic::new(Code::UnknownKind, same[0].at, message));
    }
    let mut types: BTreeMap<String, Vec<&RawResource>> = BTreeMap::new();
    let azapi = |r: &&RawResource| {
        is_stranger(&r.id.kind()) && r.body.get("properties").is_none_or(|p| p.why_unknown().is_none())
    };
    for resource in resources.iter().filter(azapi) {
        types.entry(resource.id.kind().to_lowercase()).or_default().push(resource);
    }
    for same in types.values() {
        let message = format!("{} of the type {} not modelled", same.len(), same[0].id.kind());
        notes.push(Diagnostic::new(Code::UnknownKind, same[0].at, message));
    }
}

#[cfg(test)]
mod tests;

/// Attributes of a platform service that look like rules of its firewall and that no table maps stay as they are: who
/// reads the service then knows that there are rules it does not know.
fn unmapped_rules(attrs: &[Attr], instance: &Instance, base: &ResourceId, body: &mut Body) {
    if crate::services::service_kind(&base.kind()).is_none() {
        return;
    }
    let mapped = |key: &str| {
        let mut names = attrs.iter().flat_map(|a| a.from().split('|'));
        names.any(|name| name.split('.').next() == Some(key))
    };
    for entry in instance.values.as_object().into_iter().flat_map(|o| o.iter()) {
        if crate::inventory::is_rule_word(&entry.key) && !mapped(&entry.key) {
            body.properties.set(entry.key.clone(), entry.key_at, entry.value.clone());
        }
    }
}
