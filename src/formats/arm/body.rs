//! What a resource says: evaluated bodies, and the outputs of a deployment.
//!
//! Input: instances with their ids. Output: [`RawResource`]s in template order, and output values.

use super::deployment::{Identified, Identity};
use super::engine::{Context, Engine};
use super::frame::Cell;
use super::runtime;
use super::value::{Fault, Outcome, closed};
use crate::diag::{Code, Diagnostic};
use crate::doc::{Entry, Node, Object, Value};
use crate::inventory::{Origin, RawResource};
use hashbrown::HashSet;
use std::sync::Arc;

/// What belongs to the template language and not to the resource.
const NOT_BODY: [&str; 15] = [
    "type",
    "name",
    "apiVersion",
    "condition",
    "copy",
    "dependsOn",
    "resources",
    "scope",
    "comments",
    "existing",
    "import",
    "metadata",
    "subscriptionId",
    "resourceGroup",
    "@options",
];

impl Engine<'_> {
    /// Lists the resources of a unit, nested deployments in their place, and the instances that declare them.
    pub(super) fn emit(&mut self, unit: usize) -> (Vec<RawResource>, Vec<usize>) {
        let mut out = (Vec::new(), Vec::new());
        self.emit_unit(unit, &mut out, &mut HashSet::new());
        out
    }

    fn emit_unit(
        &mut self,
        unit: usize,
        out: &mut (Vec<RawResource>, Vec<usize>),
        mentioned: &mut HashSet<String>,
    ) {
        for instance in self.units[unit].instances.clone() {
            let Identified::Done(identity) = self.identify(instance) else { continue };
            if let Some(inner) = self.instances[instance].opens {
                self.emit_unit(inner, out, mentioned);
                continue;
            }
            if identity.is_existing && !self.is_first_mention(instance, &identity, mentioned) {
                continue;
            }
            let body = self.body(instance);
            let body = self.settle(body, &self.instances[instance].context.clone());
            let body = closed(&body).unwrap_or(body);
            out.0.push(self.raw(instance, identity, body));
            out.1.push(instance);
        }
    }

    /// Whether nothing in the deployment says more of an existing resource.
    fn is_first_mention(&mut self, instance: usize, identity: &Identity, seen: &mut HashSet<String>) -> bool {
        let is_best = self.find(identity.id.as_str()) == Some(instance);
        let is_inline = matches!(self.inline_child(&identity.id), Ok(Some(_)));
        is_best && !is_inline && seen.insert(identity.id.as_str().to_lowercase())
    }

    fn raw(&mut self, instance: usize, identity: Identity, body: Node) -> RawResource {
        let (node, ctx) =
            (self.instances[instance].declaration.clone(), self.instances[instance].context.clone());
        let api_version = node.get("apiVersion").map(|version| self.template(version, &ctx));
        let api_version = api_version.as_ref().and_then(Node::as_str).map(Arc::from);
        RawResource {
            id: identity.id,
            at: node.at,
            origin: if identity.is_existing { Origin::Mentioned } else { Origin::Template },
            uncertain: identity.uncertain,
            api_version: api_version.or_else(|| self.profile_version(ctx.frame)),
            body,
        }
    }

    /// The template's `apiProfile`, for resources without a version of their own.
    fn profile_version(&self, frame: usize) -> Option<Arc<str>> {
        self.frames[frame].template.get("apiProfile").and_then(Node::as_str).map(Arc::from)
    }

    /// The evaluated body of an instance, completed with the identity Azure would give it.
    pub(super) fn body(&mut self, instance: usize) -> Outcome {
        let cell = self.instances[instance].body.clone();
        if let Some(node) = self.open(cell, || "a resource".into())? {
            return Ok(node);
        }
        self.instances[instance].body = Cell::Busy;
        let mark = self.begin();
        let body = self.evaluated_body(instance);
        self.instances[instance].body = self.end(mark, &body);
        Ok(body)
    }

    fn evaluated_body(&mut self, instance: usize) -> Node {
        let (node, ctx) =
            (self.instances[instance].declaration.clone(), self.instances[instance].context.clone());
        let Identified::Done(identity) = self.identify(instance) else {
            return Node::unknown(node.at, "the resource is not deployed");
        };
        if identity.is_existing {
            let why = format!("`{}` exists already; the files do not describe it", identity.id);
            let entry =
                Entry { key: "properties".into(), key_at: node.at, value: Node::unknown(node.at, why) };
            return Node::object(node.at, Object::from_iter([entry]));
        }
        let mut body = Object::new();
        for entry in node.as_object().into_iter().flat_map(Object::iter) {
            if NOT_BODY.iter().any(|key| entry.key.eq_ignore_ascii_case(key)) {
                continue;
            }
            let value = self.template(&entry.value, &ctx);
            body.push(Entry { value, ..entry.clone() });
        }
        runtime::complete_identity(&mut body, &identity, &self.options.tenant_id, node.at);
        self.weighed_or_unknown(Node::object(node.at, body), &ctx)
    }

    // ---- outputs ----

    /// What `reference(deployment).outputs` gives: name to `type` and `value`.
    pub(super) fn outputs(&mut self, unit: usize, naming: bool) -> Outcome {
        let template = self.output_template(unit)?;
        let Some(declared) = template.get("outputs").filter(|o| o.as_object().is_some()) else {
            return Ok(Node::object(template.at, Object::new()));
        };
        let mut out = Object::new();
        for entry in declared.as_object().into_iter().flat_map(Object::iter) {
            if let Some(value) = self.output(unit, &entry.key, naming)? {
                out.push(Entry { key: entry.key.clone(), key_at: entry.key_at, value });
            }
        }
        self.weighed(Node::object(declared.at, out))
    }

    fn output_template(&mut self, unit: usize) -> Outcome {
        self.collect(unit);
        self.units[unit].template.clone().map_err(Fault::Unknown)
    }

    /// `reference(deployment).outputs.name`, computed on its own: the other outputs may depend on who asks.
    pub(super) fn output(&mut self, unit: usize, name: &str, naming: bool) -> Result<Option<Node>, Fault> {
        let template = self.output_template(unit)?;
        let declared = template.get("outputs").and_then(Node::as_object).and_then(|o| o.entry(name));
        let Some(entry) = declared else { return Ok(None) };
        let key = (entry.key.to_lowercase(), naming);
        let cell = self.units[unit].outputs.get(&key).cloned().unwrap_or_default();
        let known = self.open(cell, || format!("the output `{name}`"))?;
        let node = match known {
            Some(node) => node,
            None => {
                self.units[unit].outputs.insert(key.clone(), Cell::Busy);
                let mark = self.begin();
                let ctx = self.units[unit].context.naming(naming);
                let node = self.evaluated_output(entry, &ctx);
                let node = self.weighed_or_unknown(node, &ctx);
                let cell = self.end(mark, &node);
                self.units[unit].outputs.insert(key, cell);
                node
            }
        };
        Ok((!node.is_null()).then_some(node))
    }

    /// The output with its type; null when its condition is false.
    fn evaluated_output(&mut self, entry: &Entry, ctx: &Context) -> Node {
        let at = entry.value.at;
        let Some(value) = self.output_value(&entry.key, &entry.value, ctx) else {
            return Node { at, value: Value::Null };
        };
        let kind = entry.value.get("type").cloned().unwrap_or_else(|| Node::string(at, "object"));
        let fields = [("type", kind), ("value", value)];
        let fields = fields.map(|(key, value)| Entry { key: key.into(), key_at: entry.key_at, value });
        Node::object(at, Object::from_iter(fields))
    }

    /// The value of an output; nothing when its condition is false.
    fn output_value(&mut self, name: &str, node: &Node, ctx: &Context) -> Option<Node> {
        match self.condition(node, ctx) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(why) => return Some(Node::unknown(node.at, why)),
        }
        let kind = node.get("type").and_then(Node::as_str).unwrap_or_default();
        if kind.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("secure")) {
            return Some(Node::unknown(node.at, format!("the output `{name}` is a secret")));
        }
        if let Some(copy) = node.get("copy").filter(|c| c.as_object().is_some()) {
            // AZURE: the loop of an output has no name; `copyIndex()` without one means it.
            let filled = self.filled(copy, name, ctx);
            return Some(self.settle(filled, &ctx.at(copy.at)));
        }
        match node.get("value") {
            Some(value) => Some(self.template(value, ctx)),
            None => {
                let message = format!("the output `{name}` has no value");
                self.note(Diagnostic::new(Code::MissingField, node.at, message));
                None
            }
        }
    }

    /// The outputs of the first template, name to value.
    pub(super) fn output_values(&mut self, unit: usize) -> Object {
        let outputs = match self.outputs(unit, false) {
            Ok(outputs) => outputs,
            Err(Fault::Failed(_) | Fault::Limit(_) | Fault::Unknown(_)) => return Object::new(),
        };
        let entries = outputs.as_object().into_iter().flat_map(Object::iter).filter_map(|e| {
            let value = e.value.get("value")?;
            let value = closed(value).unwrap_or_else(|| value.clone());
            Some(Entry { value, ..e.clone() })
        });
        entries.collect()
    }
}
