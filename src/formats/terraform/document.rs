//! Instances of resources in a plan or state, whatever its shape.
//!
//! Four shapes are read: `terraform show -json` of a plan and of a state, plans without the list of
//! changes, and the state file itself (version 4). A planned value that only the deployment knows is
//! [`Value::Unknown`] where it stands.

use super::Side;
use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::doc::{Entry, Node, Object, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why a planned value is unknown.
pub(super) const AFTER_APPLY: &str = "known after apply";

/// Modules nested more deeply than this are not followed.
const MAX_MODULES: usize = 64;

/// One instance of a resource or data source.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    /// `module.net["a"].azurerm_subnet.s[0]`.
    pub(super) address: Arc<str>,
    /// `module.net["a"]`, or nothing for the root module.
    pub(super) module: Arc<str>,
    /// Whether it is a data source.
    pub(super) data: bool,
    /// `azurerm_subnet`.
    pub(super) kind: Arc<str>,
    /// `s`.
    pub(super) name: Arc<str>,
    /// `0`, or the key of `for_each`.
    pub(super) index: Option<Arc<str>>,
    /// Where it stands.
    pub(super) at: At,
    /// Its attributes.
    pub(super) values: Node,
}

/// The instances of one side of a document.
pub(super) fn instances(doc: &Node, side: Side, notes: &mut Diagnostics) -> Vec<Instance> {
    let mut all = Collector { list: Vec::new(), seen: BTreeSet::new(), notes };
    if doc.get("format_version").is_none() {
        all.state_file(doc);
        return all.list;
    }
    match (side, doc.get("values")) {
        (_, Some(values)) => all.module(values.get("root_module"), 0, &|_| true),
        (Side::After, None) => {
            all.changes(doc, after);
            all.module(doc.path("prior_state.values.root_module"), 0, &|i| i.data);
            all.module(doc.path("planned_values.root_module"), 0, &|_| true);
        }
        (Side::Before, None) => {
            all.module(doc.path("prior_state.values.root_module"), 0, &|_| true);
            all.changes(doc, before);
        }
    }
    all.list
}

struct Collector<'n> {
    list: Vec<Instance>,
    seen: BTreeSet<Arc<str>>,
    notes: &'n mut Diagnostics,
}

impl Collector<'_> {
    /// Adds an instance unless its address is there already.
    fn add(&mut self, instance: Instance) {
        if self.seen.insert(instance.address.clone()) {
            self.list.push(instance);
        }
    }

    fn module(&mut self, module: Option<&Node>, depth: usize, wanted: &dyn Fn(&Instance) -> bool) {
        let Some(module) = module else { return };
        if depth > MAX_MODULES {
            let message = format!("modules are nested more than {MAX_MODULES} deep; the rest is left out");
            self.notes.push(Diagnostic::new(Code::TooDeep, module.at, message));
            return;
        }
        let address: Arc<str> = word(module, "address").into();
        for resource in items(module, "resources") {
            let values =
                resource.get("values").cloned().unwrap_or_else(|| Node::object(resource.at, Object::new()));
            let instance = instance(resource, &address, resource.get("index"), values);
            if wanted(&instance) {
                self.add(instance);
            }
        }
        for child in items(module, "child_modules") {
            self.module(Some(child), depth + 1, wanted);
        }
    }

    fn changes(&mut self, doc: &Node, values: fn(&Node) -> Option<Node>) {
        for change in items(doc, "resource_changes").iter().filter(|c| c.get("deposed").is_none()) {
            let Some(values) = change.get("change").and_then(values) else { continue };
            let module: Arc<str> = word(change, "module_address").into();
            self.add(instance(change, &module, change.get("index"), values));
        }
    }

    fn state_file(&mut self, doc: &Node) {
        let version = doc.get("version").and_then(Node::as_int);
        if version != Some(4) {
            let message = "only state files of version 4 (Terraform 0.12 and later) can be read";
            let help = "`terraform show -json > state.json` gives any state in a form that can be read";
            self.notes.push(Diagnostic::new(Code::UnsupportedVersion, doc.at, message).help(help));
            return;
        }
        for resource in items(doc, "resources") {
            let module: Arc<str> = word(resource, "module").into();
            for one in items(resource, "instances").iter().filter(|i| i.get("deposed").is_none()) {
                let Some(values) = one.get("attributes").filter(|a| a.as_object().is_some()) else {
                    let message = format!("an instance of `{}` has no attributes", word(resource, "name"));
                    self.notes.push(Diagnostic::new(Code::MissingField, one.at, message));
                    continue;
                };
                let found = instance(resource, &module, one.get("index_key"), values.clone());
                self.add(Instance { at: one.at, ..found });
            }
        }
    }
}

/// The values once the plan is applied; nothing for what is destroyed.
fn after(change: &Node) -> Option<Node> {
    let after = change.get("after").filter(|a| !a.is_null());
    // A resource that Terraform forgets stays in Azure as it is.
    let forgotten = items(change, "actions").iter().any(|a| a.as_str() == Some("forget"));
    match (after, forgotten) {
        (None, true) => before(change),
        (None, false) => None,
        (Some(after), _) => Some(overlay(after, change.get("after_unknown"))),
    }
}

fn before(change: &Node) -> Option<Node> {
    change.get("before").filter(|b| !b.is_null()).cloned()
}

/// The values with an unknown wherever `unknown` says `true`.
fn overlay(values: &Node, unknown: Option<&Node>) -> Node {
    let Some(unknown) = unknown else { return values.clone() };
    match (&values.value, &unknown.value) {
        (_, Value::Bool(true)) => Node::unknown(unknown.at, AFTER_APPLY),
        (Value::Object(known), Value::Object(flags)) => {
            let own =
                known.iter().map(|e| Entry { value: overlay(&e.value, flags.get(&e.key)), ..e.clone() });
            let mut object: Object = own.collect();
            for flag in flags.iter().filter(|f| known.get(&f.key).is_none()) {
                let value = overlay(&Node::new(flag.value.at, Value::Null), Some(&flag.value));
                if !value.is_null() {
                    object.push(Entry { value, ..flag.clone() });
                }
            }
            Node::object(values.at, object)
        }
        (Value::Array(known), Value::Array(flags)) => {
            let items = known.iter().enumerate().map(|(i, item)| overlay(item, flags.get(i)));
            Node::array(values.at, items.collect())
        }
        (Value::Null, Value::Object(_) | Value::Array(_)) if has_true(unknown) => {
            Node::unknown(unknown.at, AFTER_APPLY)
        }
        _ => values.clone(),
    }
}

fn has_true(flags: &Node) -> bool {
    match &flags.value {
        Value::Bool(flag) => *flag,
        Value::Array(items) => items.iter().any(has_true),
        Value::Object(object) => object.iter().any(|e| has_true(&e.value)),
        _ => false,
    }
}

fn instance(resource: &Node, module: &Arc<str>, index: Option<&Node>, values: Node) -> Instance {
    let (kind, name) = (word(resource, "type"), word(resource, "name"));
    let data = word(resource, "mode") == "data";
    let index = index.and_then(index_text);
    let address = match word(resource, "address") {
        "" => address(module, data, kind, name, index.as_deref()),
        given => given.to_owned(),
    };
    Instance {
        address: address.into(),
        module: module.clone(),
        data,
        kind: kind.into(),
        name: name.into(),
        index,
        at: resource.at,
        values,
    }
}

fn index_text(index: &Node) -> Option<Arc<str>> {
    match &index.value {
        Value::String(key) => Some(key.clone()),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

fn address(module: &str, data: bool, kind: &str, name: &str, index: Option<&str>) -> String {
    let dot = if module.is_empty() { "" } else { "." };
    let data = if data { "data." } else { "" };
    let index = match index {
        None => String::new(),
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => format!("[{number}]"),
        Some(key) => format!("[\"{key}\"]"),
    };
    format!("{module}{dot}{data}{kind}.{name}{index}")
}

/// A member that is a text, or nothing.
pub(super) fn word<'a>(node: &'a Node, key: &str) -> &'a str {
    node.get(key).and_then(Node::as_str).unwrap_or_default()
}

/// The items of a member that is a list, or none.
pub(super) fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).and_then(Node::as_array).unwrap_or_default()
}
