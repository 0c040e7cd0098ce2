//! References between instances: which resource an unknown value comes from.
//!
//! A plan does not hold expressions, only what each refers to: `subnet_id` of an interface to be created
//! says `["azurerm_subnet.a.id", "azurerm_subnet.a"]`. Variables and outputs of modules are followed; local
//! values are not in a plan.

use super::document::{Instance, items, word};
use crate::doc::Node;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// References through variables and outputs are followed this far.
const MAX_DEPTH: usize = 32;

/// One expression may lead through this many references and to this many instances; beyond that what it
/// comes to stays unknown. Modules can call each other in ways that grow without bound.
const MAX_STEPS: usize = 4_096;

/// An expression with more references than this is not followed.
const MAX_REFERENCES: usize = 512;

/// A part of a reference: a name and perhaps an index, `subnet["a"]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The name.
    pub(super) name: String,
    /// The index or key.
    pub(super) index: Option<String>,
}

/// An instance a reference leads to, and what is taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Number of the instance.
    pub(super) instance: usize,
    /// The attribute, `[id]` or `[identity[0], principal_id]`.
    pub(super) attribute: Vec<Step>,
}

/// Where a reference stands.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    module: &'a str,
    index: Option<&'a str>,
    for_each: Option<&'a Node>,
}

/// Configuration and instances by address.
pub(super) struct References<'d> {
    modules: BTreeMap<String, &'d Node>,
    resources: BTreeMap<String, &'d Node>,
    instances: BTreeMap<String, Vec<usize>>,
    /// The index of each instance.
    keys: Vec<Option<Arc<str>>>,
    /// Addresses of modules that hold instances.
    inhabited: BTreeSet<Arc<str>>,
    /// Steps left for the expression being followed.
    left: Cell<usize>,
}

impl<'d> References<'d> {
    pub(super) fn new(doc: &'d Node, all: &[Instance]) -> Self {
        let mut found = Self {
            modules: BTreeMap::new(),
            resources: BTreeMap::new(),
            instances: BTreeMap::new(),
            keys: all.iter().map(|i| i.index.clone()).collect(),
            inhabited: all.iter().map(|i| i.module.clone()).collect(),
            left: Cell::new(0),
        };
        if let Some(root) = doc.path("configuration.root_module") {
            found.module("", root, 0);
        }
        for (number, instance) in all.iter().enumerate() {
            let key = instance_key(&instance.module, instance.data, &instance.kind, &instance.name);
            found.instances.entry(key).or_default().push(number);
        }
        found
    }

    fn module(&mut self, path: &str, module: &'d Node, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        self.modules.insert(path.to_owned(), module);
        for resource in items(module, "resources") {
            self.resources.insert(format!("{path}|{}", word(resource, "address")), resource);
        }
        let calls = module.get("module_calls").and_then(Node::as_object);
        for call in calls.into_iter().flat_map(|o| o.iter()) {
            if let Some(inner) = call.value.get("module") {
                self.module(&format!("{path}/{}", call.key), inner, depth + 1);
            }
        }
    }

    /// What the configuration says of an instance; nothing in a state.
    pub(super) fn expressions(&self, instance: &Instance) -> Option<&'d Node> {
        self.resource(instance)?.get("expressions")
    }

    fn resource(&self, instance: &Instance) -> Option<&'d Node> {
        let data = if instance.data { "data." } else { "" };
        let key = format!("{}|{data}{}.{}", module_path(&instance.module), instance.kind, instance.name);
        self.resources.get(&key).copied()
    }

    /// The instances an expression of an instance refers to.
    pub(super) fn targets(&self, expression: &Node, of: &Instance) -> Vec<Target> {
        let for_each = self.resource(of).and_then(|r| r.get("for_each_expression"));
        let place = Place { module: &of.module, index: of.index.as_deref(), for_each };
        self.left.set(MAX_STEPS);
        let found = self.all(expression, place, 0);
        if self.left.get() == 0 { Vec::new() } else { found }
    }

    /// Takes steps from those that are left; nothing is done once they are used up.
    fn step(&self, count: usize) -> bool {
        self.left.set(self.left.get().saturating_sub(count));
        self.left.get() > 0
    }

    fn all(&self, expression: &Node, place: Place<'_>, depth: usize) -> Vec<Target> {
        let mut out = Vec::new();
        if depth > MAX_DEPTH {
            return out;
        }
        let references = specific(expression);
        // Without the index of the place among them it is not the instance of the place that is meant: `a[*]`.
        let own = references.iter().any(|r| r.starts_with("count.") || r.starts_with("each."));
        let place = Place { index: place.index.filter(|_| own), ..place };
        for reference in references {
            if !self.step(1) {
                return Vec::new();
            }
            for target in self.resolve(&steps(reference), place, depth) {
                if !out.contains(&target) {
                    out.push(target);
                }
            }
        }
        out
    }

    fn resolve(&self, steps: &[Step], place: Place<'_>, depth: usize) -> Vec<Target> {
        let name = |i: usize| steps.get(i).map(|s| s.name.as_str()).unwrap_or_default();
        let rest = |from: usize| steps.get(from..).unwrap_or_default();
        match name(0) {
            "var" => self.variable(name(1), key_of(rest(1)), rest(2), place, depth),
            "module" => self.output(rest(1), place, depth),
            "each" if name(1) == "value" => self.each(rest(2), place, depth),
            "data" => self.named(true, name(1), steps.get(2), rest(3), place),
            "local" | "each" | "count" | "path" | "terraform" | "self" | "" => Vec::new(),
            kind => self.named(false, kind, steps.get(1), rest(2), place),
        }
    }

    /// The instances of a resource: the one with the index written, else the one with the index of the
    /// place (`a[count.index]` and `a[each.key]` lose their index in a plan), else all.
    fn named(
        &self,
        data: bool,
        kind: &str,
        step: Option<&Step>,
        attribute: &[Step],
        place: Place<'_>,
    ) -> Vec<Target> {
        let Some(step) = step else { return Vec::new() };
        let key = instance_key(place.module, data, kind, &step.name);
        let all = self.instances.get(&key).map(Vec::as_slice).unwrap_or_default();
        if !self.step(all.len()) {
            return Vec::new();
        }
        let index = step.index.as_deref().or(place.index);
        let same: Vec<usize> = all.iter().copied().filter(|i| self.keys[*i].as_deref() == index).collect();
        let chosen = match (all.len(), step.index.is_some(), same.is_empty()) {
            (1, false, _) => all.to_vec(),
            (_, true, _) | (_, false, false) => same,
            (_, false, true) => all.to_vec(),
        };
        chosen.into_iter().map(|instance| Target { instance, attribute: attribute.to_vec() }).collect()
    }

    /// A variable of a module: what its call gives for it, in the calling module.
    fn variable(
        &self,
        name: &str,
        key: Option<&str>,
        attribute: &[Step],
        place: Place<'_>,
        depth: usize,
    ) -> Vec<Target> {
        let Some((parent, last)) = parent_module(place.module) else { return Vec::new() };
        let call =
            self.modules.get(&module_path(&parent)).and_then(|m| m.get("module_calls")?.get(&last.name));
        let Some(call) = call else { return Vec::new() };
        let Some(given) = call.get("expressions").and_then(|e| e.get(name)) else { return Vec::new() };
        let outer = Place {
            module: &parent,
            index: last.index.as_deref(),
            for_each: call.get("for_each_expression"),
        };
        with_key(self, self.all(given, outer, depth + 1), key, attribute)
    }

    /// An output of a module: what it is made of, inside the module.
    fn output(&self, steps: &[Step], place: Place<'_>, depth: usize) -> Vec<Target> {
        let (Some(module), Some(output)) = (steps.first(), steps.get(1)) else { return Vec::new() };
        let dot = if place.module.is_empty() { "" } else { "." };
        let called = format!("{}{dot}module.{}", place.module, module.name);
        let path = module_path(&called);
        let expression =
            self.modules.get(&path).and_then(|m| m.get("outputs")?.get(&output.name)?.get("expression"));
        let Some(expression) = expression else { return Vec::new() };
        let indexed = |index: &str| match index.bytes().all(|b| b.is_ascii_digit()) {
            true => format!("{called}[{index}]"),
            false => format!("{called}[\"{index}\"]"),
        };
        let index = module.index.as_deref().or(place.index);
        let candidates = [index.map(indexed), Some(called.clone())];
        let inner = candidates.into_iter().flatten().find(|c| self.inhabited.contains(c.as_str()));
        let Some(inner) = inner else { return Vec::new() };
        let inside = Place { module: &inner, index: None, for_each: None };
        let attribute = steps.get(2..).unwrap_or_default();
        with_key(self, self.all(expression, inside, depth + 1), output.index.as_deref(), attribute)
    }

    /// `each.value` where `for_each` runs over instances of another resource: the one with the same key.
    fn each(&self, attribute: &[Step], place: Place<'_>, depth: usize) -> Vec<Target> {
        let Some(over) = place.for_each else { return Vec::new() };
        let all = self.all(over, Place { index: None, for_each: None, ..place }, depth + 1);
        let same = all.into_iter().filter(|t| self.keys[t.instance].as_deref() == place.index);
        same.map(|t| Target { attribute: attribute.to_vec(), ..t }).collect()
    }
}

/// Among several instances the one with the key that the reference goes on with (`subnet_ids["apps"]`).
fn with_key(refs: &References<'_>, found: Vec<Target>, key: Option<&str>, attribute: &[Step]) -> Vec<Target> {
    let same = |t: &&Target| key.is_some() && refs.keys[t.instance].as_deref() == key;
    let chosen: Vec<Target> = match found.iter().any(|t| same(&t)) {
        true => found.iter().filter(same).cloned().collect(),
        false => found,
    };
    let longer = |t: Target| Target { attribute: [t.attribute, attribute.to_vec()].concat(), ..t };
    chosen.into_iter().map(longer).collect()
}

fn key_of(steps: &[Step]) -> Option<&str> {
    steps.first()?.index.as_deref()
}

/// The references of an expression without those that are only the beginning of another one.
fn specific(expression: &Node) -> Vec<&str> {
    let all: Vec<&str> = items(expression, "references").iter().filter_map(Node::as_str).collect();
    if all.len() > MAX_REFERENCES {
        return Vec::new();
    }
    let begins = |short: &str, long: &str| {
        long.len() > short.len()
            && long.starts_with(short)
            && matches!(long.as_bytes().get(short.len()), Some(b'.' | b'['))
    };
    all.iter().copied().filter(|short| !all.iter().any(|long| begins(short, long))).collect()
}

fn instance_key(module: &str, data: bool, kind: &str, name: &str) -> String {
    let data = if data { "data." } else { "" };
    format!("{module}|{data}{kind}.{name}")
}

/// The names of the modules of an address, without their indexes: `/net/subnets`.
fn module_path(address: &str) -> String {
    let mut path = String::new();
    let all = steps(address);
    for pair in all.chunks(2) {
        if let [_, name] = pair {
            path.push('/');
            path.push_str(&name.name);
        }
    }
    path
}

/// The module that calls this one, and the last step of its address.
fn parent_module(address: &str) -> Option<(String, Step)> {
    let all = steps(address);
    let last = all.last()?.clone();
    let head = address.rfind(&format!("module.{}", last.name))?;
    Some((address.get(..head)?.trim_end_matches('.').to_owned(), last))
}

/// Cuts `a.b["x.y"].c[0]` into its parts. `b.0.c` is the old spelling of `b[0].c`.
pub(super) fn steps(reference: &str) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::new();
    let mut rest = reference;
    while !rest.is_empty() {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        let old_index = name.bytes().all(|b| b.is_ascii_digit());
        match out.last_mut().filter(|last| old_index && !name.is_empty() && last.index.is_none()) {
            Some(last) => last.index = Some(name.to_owned()),
            None if !name.is_empty() => out.push(Step { name: name.to_owned(), index: None }),
            None => {}
        }
        rest = rest.get(end..).unwrap_or_default();
        if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = bracket(inner);
            if let Some(last) = out.last_mut() {
                last.index = Some(index);
            }
            rest = after;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    out
}

/// The text up to the closing bracket, and what follows it.
fn bracket(text: &str) -> (String, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut key = String::new();
        let mut escaped = false;
        for (at, c) in quoted.char_indices() {
            match c {
                '\\' if !escaped => escaped = true,
                '"' if !escaped => {
                    let after = quoted.get(at + 1..).unwrap_or_default();
                    return (key, after.strip_prefix(']').unwrap_or(after));
                }
                c => {
                    key.push(c);
                    escaped = false;
                }
            }
        }
        return (key, "");
    }
    match text.split_once(']') {
        Some((index, after)) => (index.to_owned(), after),
        None => (text.to_owned(), ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_cut_into_steps() {
        let shown = |text: &str| {
            let parts = steps(text).into_iter();
            let parts = parts.map(|s| s.index.map_or(s.name.clone(), |i| format!("{}<{i}>", s.name)));
            parts.collect::<Vec<_>>().join(" ")
        };
        for (text, expected) in [
            ("azurerm_subnet.a.id", "azurerm_subnet a id"),
            (r#"azurerm_subnet.a["x.y"].id"#, "azurerm_subnet a<x.y> id"),
            (r#"a.b["q\"]"].c"#, r#"a b<q"]> c"#),
            ("azurerm_lb.l.frontend_ip_configuration.0.id", "azurerm_lb l frontend_ip_configuration<0> id"),
            ("module.a[0].module.b", "module a<0> module b"),
            ("a[", "a<>"),
            ("", ""),
            ("...", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert_eq!(module_path(r#"module.a["module.x"].module.b"#), "/a/b");
    }
}
