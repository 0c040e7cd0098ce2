//! What a template says of its order: `dependsOn`, and resources declared twice.
//!
//! Input: the expanded deployments. Output: diagnostics for what Azure refuses before it deploys anything: a
//! dependency on what the template does not declare, a circle of dependencies, one resource declared twice in
//! one template. No value depends on the order; only a child that is written twice does (see `twice`). Implements "Define the order for
//! deploying resources" of Microsoft's ARM template reference.

use super::deployment::{Identified, Identity};
use super::engine::Engine;
use crate::diag::{At, Code, Diagnostic};
use crate::doc::{Node, Value};
use crate::inventory::ResourceId;
use hashbrown::{HashMap, HashSet};
use std::collections::VecDeque;

/// So many members of a circle are named.
const NAMED: usize = 8;

/// So many circles of one template are told.
const TOLD: usize = 10;

/// What `dependsOn` of one template can mean. Everything is in lower case.
#[derive(Default)]
struct Declared {
    /// Nodes of the graph by symbolic name or loop name: an instance, or a node that stands for all turns.
    groups: HashMap<String, usize>,
    /// By id.
    ids: HashMap<String, usize>,
    /// By type and name, and by name alone; nothing where several have it.
    names: HashMap<String, Option<usize>>,
    /// Symbolic names, loops and types of declarations that may stand for nothing: with a condition or a count.
    optional: HashSet<String>,
}

/// A node of the graph of dependencies: what to call it, where it asks for others, and for which.
struct Member {
    name: String,
    at: At,
    next: Vec<usize>,
}

/// What waits for what.
#[derive(Default)]
struct Graph(Vec<Member>);

impl Graph {
    fn add(&mut self, name: String, at: At) -> usize {
        self.0.push(Member { name, at, next: Vec::new() });
        self.0.len() - 1
    }
}

impl Engine<'_> {
    /// Says what Azure refuses about the order of every deployment.
    pub(super) fn check_order(&mut self) {
        for unit in 0..self.units.len() {
            if self.is_exhausted() {
                return;
            }
            self.check_twice(unit);
            self.check_dependencies(unit);
        }
    }

    /// What is certainly deployed by a unit itself.
    fn deployed(&self, unit: usize) -> impl Iterator<Item = (usize, &Identity)> {
        self.units[unit].instances.iter().filter_map(|i| match &self.instances[*i].identity {
            Identified::Done(identity) if !identity.is_existing => Some((*i, identity)),
            _ => None,
        })
    }

    fn check_twice(&mut self, unit: usize) {
        let mut first: HashMap<String, At> = HashMap::new();
        let mut found: Vec<(At, At, String)> = Vec::new();
        for (instance, identity) in self.deployed(unit) {
            let is_known = identity.uncertain.is_none() && !identity.id.as_str().contains('{');
            let at = self.instances[instance].declaration.at;
            let before = is_known.then(|| first.insert(identity.id.as_str().to_lowercase(), at)).flatten();
            if let Some(before) = before {
                found.push((at, before, format!("{}/{}", identity.kind, identity.name)));
            }
        }
        let mut said: HashSet<At> = HashSet::new();
        for (at, before, name) in found {
            if !said.insert(at) {
                continue;
            }
            let note = match at == before {
                true => Diagnostic::new(
                    Code::InvalidConfiguration,
                    at,
                    format!("several turns of this loop declare `{name}`, which Azure refuses"),
                )
                .help("make the name depend on `copyIndex()`"),
                false => Diagnostic::new(
                    Code::InvalidConfiguration,
                    at,
                    format!("the template declares `{name}` twice, which Azure refuses"),
                )
                .also(before, "the first time"),
            };
            self.note(note);
        }
    }

    fn check_dependencies(&mut self, unit: usize) {
        let has_any = |e: &Self| {
            e.units[unit].instances.iter().any(|i| e.instances[*i].declaration.get("dependsOn").is_some())
        };
        if !has_any(self) {
            return;
        }
        let mut graph = Graph::default();
        let (declared, instances) = self.declared(unit, &mut graph);
        for (instance, node) in instances {
            if self.is_exhausted() {
                return;
            }
            for (at, what) in self.dependencies(instance) {
                match self.meant(unit, &what, &declared) {
                    Meant::One(other) => graph.0[node].next.push(other),
                    Meant::Perhaps => {}
                    Meant::Nothing => self.note(missing(at, &what)),
                }
            }
        }
        self.check_circles(graph);
    }

    /// What waits for what in a unit, and the members of its instances; empty when the limits are reached.
    fn graph(&mut self, unit: usize) -> (Graph, HashMap<usize, usize>) {
        let mut graph = Graph::default();
        let (declared, instances) = self.declared(unit, &mut graph);
        for (instance, node) in &instances {
            if self.is_exhausted() {
                return Default::default();
            }
            for (_, what) in self.dependencies(*instance) {
                if let Meant::One(other) = self.meant(unit, &what, &declared) {
                    graph.0[*node].next.push(other);
                }
            }
        }
        (graph, instances.into_iter().collect())
    }

    /// The nodes of a unit and what they may be called.
    fn declared(&mut self, unit: usize, graph: &mut Graph) -> (Declared, Vec<(usize, usize)>) {
        let mut out = Declared::default();
        let template = self.units[unit].template.clone();
        if let Some(resources) = template.as_ref().ok().and_then(|t| t.get("resources")) {
            optional(resources, "", false, &mut out.optional);
        }
        let mut instances = Vec::new();
        for instance in self.units[unit].instances.clone() {
            let here = &self.instances[instance];
            let Identified::Done(identity) = &here.identity else { continue };
            let at = here.declaration.get("dependsOn").map_or(here.declaration.at, |n| n.at);
            let node = graph.add(identity.name.to_string(), at);
            instances.push((instance, node));
            out.ids.entry(identity.id.as_str().to_lowercase()).or_insert(node);
            let full = format!("{}/{}", identity.kind, identity.name).to_lowercase();
            let name = identity.name.to_lowercase();
            // A child that stands in its parent may be called by its own name.
            let own = name.rsplit_once('/').map(|(_, own)| own.to_owned());
            for name in [Some(full), Some(name), own].into_iter().flatten() {
                out.names.entry(name).and_modify(|n| *n = None).or_insert(Some(node));
            }
            let copy = here.declaration.path("copy.name").and_then(Node::as_str);
            for group in copy.into_iter().chain(here.symbol()) {
                let group = group.to_lowercase();
                if here.declaration.get("copy").is_none() {
                    out.groups.insert(group, node);
                    continue;
                }
                let all = *out.groups.entry(group.clone()).or_insert_with(|| graph.add(group, at));
                graph.0[all].next.push(node);
            }
        }
        (out, instances)
    }

    /// What an instance depends on, as far as it is known, each with its place.
    fn dependencies(&mut self, instance: usize) -> Vec<(At, String)> {
        let (node, ctx) =
            (self.instances[instance].declaration.clone(), self.instances[instance].context.clone());
        let Some(written) = node.get("dependsOn") else { return Vec::new() };
        let list = self.template(written, &ctx.naming(false));
        let items = list.as_array().unwrap_or(std::slice::from_ref(&list));
        items.iter().filter_map(|item| Some((item.at, item.as_str()?.to_owned()))).collect()
    }

    fn meant(&self, unit: usize, what: &str, declared: &Declared) -> Meant {
        let key = what.trim_end_matches('/').to_lowercase();
        let symbol = key.split('[').next().unwrap_or_default();
        if let Some(node) = declared.groups.get(symbol) {
            return Meant::One(*node);
        }
        if declared.optional.contains(symbol) || key.contains('{') || key.is_empty() {
            return Meant::Perhaps;
        }
        let id = if key.starts_with('/') {
            ResourceId::new(&key)
        } else {
            ResourceId::new(&super::scope::extension_scope(&key, &self.units[unit].scope))
        };
        if let Some(node) = declared.ids.get(&id.as_str().to_lowercase()) {
            return Meant::One(*node);
        }
        // A resource that goes to another scope is often meant without it.
        let full = format!("{}/{}", id.kind(), id.full_name()).to_lowercase();
        match declared.names.get(&key).or_else(|| declared.names.get(&full)) {
            Some(Some(node)) => Meant::One(*node),
            Some(None) => Meant::Perhaps,
            None if is_among(&declared.optional, &key, &id) => Meant::Perhaps,
            None => Meant::Nothing,
        }
    }

    /// Which of two instances is deployed first. Of instances of different templates the deployments decide that hold
    /// them, in the template that holds both.
    pub(super) fn order_of(&mut self, one: usize, other: usize, known: &mut Orders) -> Order {
        let (one, other) = (self.way_to(one, known), self.way_to(other, known));
        let apart = one.iter().zip(&other).find(|(a, b)| a != b);
        let Some((one, other)) = apart.map(|(a, b)| (*a, *b)) else { return Order::Open };
        let unit = self.instances[one].unit;
        if !known.units.contains_key(&unit) {
            let graph = self.graph(unit);
            known.units.insert(unit, graph);
        }
        let Some((graph, nodes)) = known.units.get(&unit) else { return Order::Open };
        let (Some(one), Some(other)) = (nodes.get(&one), nodes.get(&other)) else { return Order::Open };
        match (waits(graph, *one, *other), waits(graph, *other, *one)) {
            (false, true) => Order::Before,
            (true, false) => Order::After,
            _ => Order::Open,
        }
    }

    /// The deployments that an instance stands in, outermost first, and itself.
    fn way_to(&self, instance: usize, known: &mut Orders) -> Vec<usize> {
        if known.openers.is_empty() {
            let opened = self.instances.iter().enumerate().filter_map(|(i, x)| Some((x.opens?, i)));
            known.openers.extend(opened);
        }
        let mut out = vec![instance];
        while let Some(opener) = known.openers.get(&self.instances[out[out.len() - 1]].unit) {
            if out.contains(opener) {
                break;
            }
            out.push(*opener);
        }
        out.reverse();
        out
    }

    fn check_circles(&mut self, mut graph: Graph) {
        for member in &mut graph.0 {
            member.next.sort_unstable();
            member.next.dedup();
        }
        let mut alive = vec![true; graph.0.len()];
        let mut said: HashSet<At> = HashSet::new();
        for _ in 0..TOLD {
            prune(&graph, &mut alive);
            let Some(circle) = circle(&graph, &alive) else { return };
            circle.iter().for_each(|n| alive[*n] = false);
            let at = graph.0[circle[0]].at;
            if !said.insert(at) {
                continue;
            }
            let names = circle.iter().take(NAMED).map(|n| format!("`{}`", graph.0[*n].name));
            let mut text = names.collect::<Vec<_>>().join(" → ");
            if circle.len() > NAMED {
                text.push_str(&format!(" → {} more", circle.len() - NAMED));
            }
            let message = format!("these resources wait for each other, which Azure refuses: {text}");
            self.note(Diagnostic::new(Code::InvalidConfiguration, at, message));
        }
    }
}

/// Which of two instances is deployed first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Before,
    After,
    /// No dependency says it.
    Open,
}

/// The order of deployment as far as somebody has asked for it.
#[derive(Default)]
pub(super) struct Orders {
    units: HashMap<usize, (Graph, HashMap<usize, usize>)>,
    /// The deployment that opens each unit.
    openers: HashMap<usize, usize>,
}

/// Whether one member waits for another, directly or over others.
fn waits(graph: &Graph, from: usize, to: usize) -> bool {
    let mut seen = vec![false; graph.0.len()];
    let mut work = vec![from];
    while let Some(here) = work.pop() {
        if here == to {
            return true;
        }
        if !std::mem::replace(&mut seen[here], true) {
            work.extend(graph.0[here].next.iter().copied());
        }
    }
    false
}

/// What a dependency leads to.
enum Meant {
    One(usize),
    /// Something that is not deployed this time, or several.
    Perhaps,
    Nothing,
}

fn missing(at: At, what: &str) -> Diagnostic {
    let message =
        format!("`dependsOn` names `{what}`, which this template does not declare; Azure refuses that");
    Diagnostic::new(Code::InvalidConfiguration, at, message)
        .help("a dependency is the symbolic name, the name or the id of a resource of the same template")
}

/// Takes away what waits for nothing any more, and what nothing waits for, until only circles and ways between them
/// are left.
fn prune(graph: &Graph, alive: &mut [bool]) {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); alive.len()];
    for (number, member) in graph.0.iter().enumerate() {
        member.next.iter().for_each(|other| before[*other].push(number));
    }
    let links = |n: usize| [&graph.0[n].next, &before[n]];
    let count = |alive: &[bool], list: &[usize]| list.iter().filter(|n| alive[**n]).count();
    let mut left: Vec<[usize; 2]> =
        (0..alive.len()).map(|n| links(n).map(|list| count(alive, list))).collect();
    let mut queue: VecDeque<usize> = (0..alive.len()).filter(|n| alive[*n]).collect();
    while let Some(here) = queue.pop_front() {
        if !alive[here] || left[here].iter().all(|n| *n > 0) {
            continue;
        }
        alive[here] = false;
        for (way, list) in links(here).into_iter().enumerate() {
            for other in list.iter().copied().filter(|n| alive[*n]) {
                left[other][1 - way] = left[other][1 - way].saturating_sub(1);
                queue.push_back(other);
            }
        }
    }
}

/// A way that comes back to where it began, both ends named. Once pruned, every node leads on, so going on must end in
/// one.
fn circle(graph: &Graph, alive: &[bool]) -> Option<Vec<usize>> {
    let mut here = alive.iter().position(|alive| *alive)?;
    let mut way: Vec<usize> = Vec::new();
    let mut seen: HashMap<usize, usize> = HashMap::new();
    while !seen.contains_key(&here) {
        seen.insert(here, way.len());
        way.push(here);
        here = graph.0[here].next.iter().copied().find(|n| alive[*n])?;
    }
    let mut circle = way.split_off(seen[&here]);
    let first = circle.iter().enumerate().min_by_key(|(_, n)| **n).map_or(0, |(at, _)| at);
    circle.rotate_left(first);
    circle.push(circle[0]);
    Some(circle)
}

/// Symbolic names, loop names and types of what may not be deployed.
fn optional(resources: &Node, around: &str, is_optional: bool, out: &mut HashSet<String>) {
    let one = |symbol: Option<&str>, node: &Node, out: &mut HashSet<String>| {
        let own = node.get("type").and_then(Node::as_str).unwrap_or_default().to_lowercase();
        let is_full = own.split('/').next().is_some_and(|first| first.contains('.'));
        let kind = if around.is_empty() || is_full { own } else { format!("{around}/{own}") };
        let is_optional = is_optional || node.get("condition").is_some() || node.get("copy").is_some();
        if is_optional {
            let copy = node.path("copy.name").and_then(Node::as_str);
            out.extend(symbol.into_iter().chain(copy).map(str::to_lowercase));
            out.insert(kind.clone());
        }
        if kind.starts_with('[') {
            // An expression as a type: whatever it is.
            out.insert(String::new());
        }
        if let Some(children) = node.get("resources").filter(|_| !kind.ends_with("/deployments")) {
            optional(children, &kind, is_optional, out);
        }
    };
    match &resources.value {
        Value::Array(items) => items.iter().for_each(|item| one(None, item, out)),
        Value::Object(object) => object.iter().for_each(|e| one(Some(&e.key), &e.value, out)),
        _ => {}
    }
}

/// Whether a dependency can be one of those that may not be deployed.
fn is_among(optional: &HashSet<String>, key: &str, id: &ResourceId) -> bool {
    let is_name = !key.contains('/');
    optional.contains("")
        || optional.contains(&id.kind().to_lowercase())
        || optional
            .iter()
            .any(|kind| is_name || key.strip_prefix(kind.as_str()).is_some_and(|rest| rest.starts_with('/')))
}
