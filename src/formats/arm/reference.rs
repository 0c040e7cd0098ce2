//! `reference()`: what a template reads of a resource.
//!
//! Input: a symbolic name or an id. Output: the declared properties, evaluated and completed by what Azure
//! computes from them; everything else of the resource is unknown and says so when it is asked for.

use super::deployment::{Identified, Identity};
use super::engine::{Context, Engine};
use super::frame::Cell;
use super::runtime::{self, Place};
use super::scope::extension_scope;
use super::value::{Fault, LATER, OTHERS, Outcome, failed, marker, others};
use crate::diag::{At, Severity};
use crate::doc::{Entry, Node, Object, Value};
use crate::inventory::ResourceId;
use std::sync::Arc;

/// What a name or id in an expression means.
pub(super) enum Target {
    /// A resource of the deployment.
    Declared(usize),
    /// A resource that is in none of the files.
    Outside(ResourceId),
}

impl Engine<'_> {
    /// `reference(name or id, version, 'Full')`.
    pub(super) fn reference(&mut self, what: &str, is_full: bool, ctx: &Context) -> Outcome {
        match self.target(what, ctx)? {
            Target::Declared(instance) => self.reference_declared(instance, is_full, ctx),
            Target::Outside(id) => self.reference_outside(&id, is_full, ctx),
        }
    }

    /// `references(loop)`: all turns.
    pub(super) fn references(&mut self, symbol: &str, is_full: bool, ctx: &Context) -> Outcome {
        self.collect(self.frames[ctx.frame].unit);
        let Some(found) = self.frames[ctx.frame].symbols.get(&symbol.to_lowercase()).cloned() else {
            return failed(format!("the template declares no resource `{symbol}`"));
        };
        let mut items = Vec::new();
        for instance in found.instances {
            if !matches!(self.identify(instance), Identified::Absent) {
                items.push(self.reference_declared(instance, is_full, ctx)?);
            }
        }
        Ok(Node::array(ctx.at, items))
    }

    /// Finds what a symbolic name, a resource name or an id means.
    pub(super) fn target(&mut self, what: &str, ctx: &Context) -> Result<Target, Fault> {
        if let Some(instance) = self.by_symbol(what, ctx)? {
            return Ok(Target::Declared(instance));
        }
        if what.starts_with('/') {
            let id = ResourceId::new(what);
            return Ok(self.find_idle(what).map_or(Target::Outside(id), Target::Declared));
        }
        if what.contains('/') && what.split('/').next().is_some_and(|first| first.contains('.')) {
            let scope = self.frames[ctx.frame].scope.clone();
            let id = extension_scope(what, &scope);
            return Ok(self
                .find(&id)
                .map_or_else(|| Target::Outside(ResourceId::new(&id)), Target::Declared));
        }
        match self.by_name(what, ctx) {
            Some(instance) => Ok(Target::Declared(instance)),
            None => failed(format!("the template declares no resource `{what}`")),
        }
    }

    /// The declared resource with this id. Where several deployments declare the same one, as to change a part
    /// of it, the one that asks for the other is not meant itself.
    pub(super) fn find_idle(&mut self, id: &str) -> Option<usize> {
        let found = self.find(id)?;
        if !matches!(self.instances[found].body, Cell::Busy) {
            return Some(found);
        }
        let key = ResourceId::new(id).as_str().to_lowercase();
        let all = self.index.get(&key).cloned().unwrap_or_default();
        let is_idle = |i: &usize| !matches!(self.instances[*i].body, Cell::Busy) && !self.is_existing(*i);
        Some(all.into_iter().find(is_idle).unwrap_or(found))
    }

    /// The instance of `symbol` or of `symbol[2]`.
    pub(super) fn by_symbol(&mut self, what: &str, ctx: &Context) -> Result<Option<usize>, Fault> {
        self.collect(self.frames[ctx.frame].unit);
        let (symbol, turn) = match what.strip_suffix(']').and_then(|w| w.split_once('[')) {
            Some((symbol, turn)) => (symbol, turn.parse::<usize>().ok()),
            None => (what, None),
        };
        let Some(found) = self.frames[ctx.frame].symbols.get(&symbol.to_lowercase()) else { return Ok(None) };
        let n_turns = found.instances.len();
        match (found.is_loop, turn) {
            (true, Some(turn)) => match found.instances.get(turn) {
                Some(instance) => Ok(Some(*instance)),
                None => failed(format!("the loop `{symbol}` has {n_turns} turns, not {}", turn + 1)),
            },
            (true, None) => failed(format!("`{symbol}` is a loop; one of its turns is wanted")),
            (false, _) => Ok(found.instances.first().copied()),
        }
    }

    /// The instance of the same unit with this name.
    fn by_name(&mut self, name: &str, ctx: &Context) -> Option<usize> {
        let unit = self.frames[ctx.frame].unit;
        self.units[unit].instances.clone().into_iter().find(|instance| {
            matches!(self.identify(*instance), Identified::Done(identity) if identity.name.eq_ignore_ascii_case(name))
        })
    }

    /// The id of the resource that a symbolic name means.
    pub(super) fn identity_of_target(&mut self, what: &str, ctx: &Context) -> Result<Identity, Fault> {
        let Target::Declared(instance) = self.target(what, ctx)? else {
            return failed(format!("the template declares no resource `{what}`"));
        };
        match self.identify(instance) {
            Identified::Done(identity) => Ok(identity),
            Identified::Absent => failed(format!("`{what}` is not deployed: its condition is false")),
            _ => failed(format!("the name of `{what}` depends on itself")),
        }
    }

    fn reference_declared(&mut self, instance: usize, is_full: bool, ctx: &Context) -> Outcome {
        let identity = match self.identify(instance) {
            Identified::Done(identity) => identity,
            Identified::Absent => return failed("the resource is not deployed: its condition is false"),
            _ => return failed("the name of the resource depends on itself"),
        };
        if let Some(unit) = self.instances[instance].opens {
            let properties = self.deployment_properties(unit, &identity, ctx)?;
            return Ok(if is_full {
                self.full(Object::new(), properties, &identity, ctx.at)
            } else {
                properties
            });
        }
        if identity.is_existing {
            // Another part of the deployment may declare what this part only mentions.
            return match self.find(identity.id.as_str()) {
                Some(other) if other != instance && !self.is_existing(other) => {
                    self.reference_declared(other, is_full, ctx)
                }
                _ => self.reference_outside(&identity.id, is_full, ctx),
            };
        }
        let referred = self.referred(instance, &identity)?;
        if is_full {
            return Ok(referred);
        }
        match referred.get("properties") {
            Some(properties) => Ok(properties.clone()),
            None => Ok(referred),
        }
    }

    /// One output of an instance that is a deployment.
    pub(super) fn output_of(
        &mut self,
        instance: usize,
        name: &str,
        ctx: &Context,
    ) -> Result<Option<Node>, Fault> {
        self.identify(instance);
        match self.instances[instance].opens {
            Some(unit) => self.output(unit, name, ctx.naming),
            None => Ok(None),
        }
    }

    fn is_existing(&self, instance: usize) -> bool {
        matches!(&self.instances[instance].identity, Identified::Done(identity) if identity.is_existing)
    }

    /// The full form of a declared resource, computed once.
    fn referred(&mut self, instance: usize, identity: &Identity) -> Outcome {
        let cell = self.instances[instance].referred.clone();
        if let Some(node) = self.open(cell, || format!("`{}`", identity.id))? {
            return Ok(node);
        }
        self.instances[instance].referred = Cell::Busy;
        let mark = self.begin();
        let outcome = self.referred_now(instance, identity);
        let node = outcome.as_ref().map_or_else(|_| Node::built(Value::Null), Node::clone);
        let cell = self.end(mark, &node);
        self.instances[instance].referred = if outcome.is_ok() { cell } else { Cell::New };
        outcome
    }

    fn referred_now(&mut self, instance: usize, identity: &Identity) -> Outcome {
        let body = self.body(instance)?;
        let Some(object) = body.as_object() else { return Ok(body) };
        let why: Arc<str> = format!("only a deployment knows this property of `{}`", identity.id).into();
        let properties =
            object.get("properties").cloned().unwrap_or_else(|| Node::object(body.at, Object::new()));
        let properties = with_child_ids(&properties, identity);
        let properties = self.completed(&properties, object, identity, body.at);
        let properties = self.with_firewall_address(&properties, identity);
        let properties = opened(&properties, LATER, &why);
        let mut rest = object.clone();
        if let Some(declared) = object.get("identity") {
            let declared = opened(declared, LATER, &why);
            rest.set("identity", declared.at, declared);
        }
        Ok(self.full(rest, properties, identity, body.at))
    }

    fn completed(&self, properties: &Node, body: &Object, identity: &Identity, at: At) -> Node {
        let place = Place {
            id: &identity.id,
            kind: &identity.kind,
            body,
            cloud: self.options.cloud,
            tenant: &self.options.tenant_id,
            is_existing: identity.is_existing,
        };
        let added = runtime::properties(&place);
        added.into_iter().fold(properties.clone(), |node, (path, value)| insert(&node, path, value, at))
    }

    /// The form that `'Full'` asks for.
    fn full(&self, mut body: Object, properties: Node, identity: &Identity, at: At) -> Node {
        body.set("properties", at, properties);
        let id = &identity.id;
        let texts = [
            ("resourceId", Some(id.to_string())),
            ("subscriptionId", id.subscription().map(str::to_owned)),
            ("resourceGroupName", id.resource_group().map(str::to_owned)),
            ("scope", Some(id.scope().to_owned())),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                body.set(key, at, Node::string(at, text));
            }
        }
        let why = format!("only a deployment knows this property of `{id}`");
        body.push(marker(LATER, at, why.into()));
        Node::object(at, body)
    }

    /// What `reference()` gives for a deployment.
    fn deployment_properties(&mut self, unit: usize, identity: &Identity, ctx: &Context) -> Outcome {
        let outputs = self.outputs(unit, ctx.naming)?;
        let why = format!("only a deployment knows this property of `{}`", identity.id);
        let fields = [
            ("outputs", outputs),
            ("provisioningState", Node::string(ctx.at, "Succeeded")),
            ("mode", Node::string(ctx.at, "Incremental")),
        ];
        let fields = fields.map(|(key, value)| Entry { key: key.into(), key_at: ctx.at, value });
        let fields = fields.into_iter().chain([marker(LATER, ctx.at, why.into())]);
        Ok(Node::object(ctx.at, fields.collect()))
    }

    /// A resource that is not declared: what follows from its id, all else unknown.
    fn reference_outside(&mut self, id: &ResourceId, is_full: bool, ctx: &Context) -> Outcome {
        if let Some(child) = self.inline_child(id)? {
            let properties = child.get("properties").cloned();
            return Ok(properties.filter(|_| !is_full).unwrap_or(child));
        }
        let kind = id.kind();
        if kind.eq_ignore_ascii_case(super::deployment::DEPLOYMENTS) {
            let why = format!("the deployment `{id}` is in none of the files");
            return Ok(self.unknown(ctx, Severity::Warning, why));
        }
        let identity = Identity {
            id: id.clone(),
            kind: kind.into(),
            name: id.full_name().into(),
            is_existing: true,
            uncertain: None,
        };
        let why: Arc<str> = format!("`{id}` is in none of the files").into();
        let empty = Node::object(ctx.at, Object::from_iter([marker(OTHERS, ctx.at, why.clone())]));
        let properties = self.completed(&empty, &Object::new(), &identity, ctx.at);
        if !is_full {
            return Ok(properties);
        }
        let full = self.full(Object::new(), properties, &identity, ctx.at);
        let entries =
            full.as_object().into_iter().flat_map(Object::iter).filter(|e| &*e.key != LATER).cloned();
        let mut full: Object = entries.collect();
        full.push(marker(OTHERS, ctx.at, why));
        Ok(Node::object(ctx.at, full))
    }
}

impl Engine<'_> {
    /// A child that its parent declares in a list of its own: a subnet of a virtual network.
    pub(super) fn inline_child(&mut self, id: &ResourceId) -> Result<Option<Node>, Fault> {
        let Some(parent) = id.parent().and_then(|parent| self.find_idle(parent.as_str())) else {
            return Ok(None);
        };
        let Identified::Done(identity) = self.identify(parent) else { return Ok(None) };
        if identity.is_existing || self.instances[parent].opens.is_some() {
            return Ok(None);
        }
        let full = self.referred(parent, &identity)?;
        let kind = id.kind();
        let list = kind.rsplit('/').next().unwrap_or_default();
        let items =
            full.get("properties").and_then(|p| p.get(list)).and_then(Node::as_array).unwrap_or_default();
        let is_meant = |item: &&Node| {
            item.get("name").and_then(Node::as_str).is_some_and(|name| name.eq_ignore_ascii_case(id.name()))
        };
        Ok(items.iter().find(is_meant).cloned())
    }
}

/// Marks every object inside as having more properties than are declared. A null declares nothing, and is not
/// what a deployed resource answers.
fn opened(node: &Node, key: &str, why: &Arc<str>) -> Node {
    let value = match &node.value {
        Value::Array(items) => Value::Array(Arc::new(items.iter().map(|n| opened(n, key, why)).collect())),
        Value::Object(object) => {
            let declared = object.iter().filter(|e| !e.value.is_null());
            let entries = declared.map(|e| Entry { value: opened(&e.value, key, why), ..e.clone() });
            let mut entries: Object = entries.collect();
            if others(&entries).is_none() {
                entries.push(marker(key, node.at, why.clone()));
            }
            Value::Object(Arc::new(entries))
        }
        other => other.clone(),
    };
    Node { at: node.at, value }
}

/// Puts a value at a path unless something is declared there.
fn insert(node: &Node, path: &str, value: Value, at: At) -> Node {
    let object = match &node.value {
        Value::Object(object) => object,
        _ => return node.clone(),
    };
    let (key, rest) = path.split_once('.').map_or((path, None), |(key, rest)| (key, Some(rest)));
    let declared = object.get(key).filter(|n| !n.is_null());
    let new = match (declared, rest) {
        (Some(_), None) => return node.clone(),
        (Some(inner), Some(rest)) => insert(inner, rest, value, at),
        (None, None) => Node { at, value },
        (None, Some(rest)) => insert(&Node::object(at, Object::new()), rest, value, at),
    };
    let mut object = (**object).clone();
    object.set(key, at, new);
    Node::object(node.at, object)
}

/// AZURE: the network provider gives every named part of a resource an id below that of the resource.
fn with_child_ids(properties: &Node, identity: &Identity) -> Node {
    let is_network =
        identity.kind.get(..18).is_some_and(|head| head.eq_ignore_ascii_case("Microsoft.Network/"));
    let Some(object) = properties.as_object().filter(|_| is_network) else { return properties.clone() };
    let entries = object.iter().map(|e| match &e.value.value {
        Value::Array(items) => {
            let items = items.iter().map(|item| with_id(item, &e.key, &identity.id));
            Entry { value: Node::array(e.value.at, items.collect()), ..e.clone() }
        }
        _ => e.clone(),
    });
    Node::object(properties.at, entries.collect())
}

fn with_id(item: &Node, collection: &str, parent: &ResourceId) -> Node {
    let (Some(object), Some(name)) = (item.as_object(), item.get("name").and_then(Node::as_str)) else {
        return item.clone();
    };
    if object.get("id").is_some() || object.get("properties").is_none() {
        return item.clone();
    }
    let mut object = object.clone();
    object.set("id", item.at, Node::string(item.at, parent.child(collection, name).as_str()));
    Node::object(item.at, object)
}
