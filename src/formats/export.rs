//! Exports: what somebody saved from a running estate.
//!
//! Input: the answer of an Azure command line call, a REST call, Resource Graph or Network Watcher, as a
//! value tree. Output: the resources in it, and [`Facts`] that are no resources (effective routes and rules,
//! associations, recorded checks). What an export does not hold stays unknown: a list that goes on
//! elsewhere, a resource without its properties, a topology that only names things.

mod drawing;
mod facts;
mod graph;
mod learned;
mod recording;
mod shape;
mod snake;

pub use facts::{
    Association, EffectiveNextHop, EffectiveRoute, EffectiveRoutes, EffectiveRule, EffectiveRules, Facts,
};
pub use learned::LearnedRoute;
pub use recording::{Check, Operation};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::doc::{Node, Value};
use crate::inventory::RawResource;

/// What an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExportKind {
    /// One resource.
    Resource,
    /// A list of resources, or several pages of one.
    Resources,
    /// Rows of Azure Resource Graph.
    ResourceGraph,
    /// Network Watcher's topology.
    Topology,
    /// Effective routes of an interface.
    EffectiveRoutes,
    /// Effective security rules of an interface.
    EffectiveRules,
    /// Routes that a gateway or Route Server has learnt.
    LearnedRoutes,
    /// The drawing of another tool: networks, subnets and peerings.
    Drawing,
    /// Recorded questions and answers of Network Watcher with the resources of the time.
    Recording,
}

impl ExportKind {
    /// What to call it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Resource => "an exported resource",
            Self::Resources => "a list of exported resources",
            Self::ResourceGraph => "rows of Azure Resource Graph",
            Self::Topology => "a Network Watcher topology",
            Self::EffectiveRoutes => "effective routes",
            Self::EffectiveRules => "effective security rules",
            Self::LearnedRoutes => "routes learnt by a gateway",
            Self::Drawing => "a drawing of hub and spokes",
            Self::Recording => "recorded Network Watcher checks",
        }
    }
}

/// What an export holds.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// Resources in the shape of Azure Resource Manager. For a recording, as they stood at its last check.
    pub resources: Vec<RawResource>,
    /// Everything that is no resource.
    pub facts: Facts,
}

/// Pages may stand in pages this deep.
const MAX_PAGES: usize = 4;

/// What export a document is, if it is one.
pub fn kind(node: &Node) -> Option<ExportKind> {
    kind_at(node, 0)
}

fn kind_at(node: &Node, depth: usize) -> Option<ExportKind> {
    if depth > MAX_PAGES {
        return None;
    }
    match &node.value {
        Value::Array(items) => list_kind(items, depth),
        Value::Packed(packed) => list_kind(packed.full(), depth),
        Value::Object(_) => object_kind(node, depth),
        _ => None,
    }
}

fn object_kind(node: &Node, depth: usize) -> Option<ExportKind> {
    if recording::is_one(node) {
        return Some(ExportKind::Recording);
    }
    if node.get("data").is_some_and(graph::is_table) {
        return Some(ExportKind::ResourceGraph);
    }
    if facts::is_topology(node) {
        return Some(ExportKind::Topology);
    }
    if facts::is_rules(node) {
        return Some(ExportKind::EffectiveRules);
    }
    if facts::is_route(node) {
        return Some(ExportKind::EffectiveRoutes);
    }
    if learned::is_one(node) || learned::is_by_instance(node) {
        return Some(ExportKind::LearnedRoutes);
    }
    if shape::has_id(node) {
        return Some(ExportKind::Resource);
    }
    if drawing::is_one(node) {
        return Some(ExportKind::Drawing);
    }
    list_kind(node.get("value").and_then(Node::as_array)?, depth)
}

/// The kind of a list by its first item; an empty answer is an empty list of resources.
fn list_kind(items: &[Node], depth: usize) -> Option<ExportKind> {
    let Some(first) = items.first() else { return Some(ExportKind::Resources) };
    match kind_at(first, depth + 1)? {
        ExportKind::Resource => Some(ExportKind::Resources),
        other => Some(other),
    }
}

/// Reads an export. A document that is none gives nothing and a diagnostic.
pub fn load(node: &Node, notes: &mut Diagnostics) -> Export {
    let mut export = Export::default();
    if kind(node).is_none() {
        let message = "nothing in this document looks like an export of Azure resources";
        notes.push(Diagnostic::new(Code::UnknownFormat, node.at, message));
        return export;
    }
    Reader { export: &mut export, notes }.read(node, 0, true);
    shape::report(&export.resources, notes);
    export
}

/// Says once for each type how many resources may matter to a flow and are not modelled.
pub fn report_strangers(resources: &[RawResource], notes: &mut Diagnostics) {
    shape::report_strangers(resources, notes);
}

/// Whether an object has the id of an Azure resource.
pub(super) fn is_resource(node: &Node) -> bool {
    shape::has_id(node)
}

/// The resource an exported object describes.
pub(super) fn resource(node: &Node, notes: &mut Diagnostics) -> Option<RawResource> {
    shape::resource(node, notes)
}

struct Reader<'a> {
    export: &'a mut Export,
    notes: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// Reads a part of the export. `last` tells whether it is the last of its pages: only then may
    /// something be left out at its end.
    fn read(&mut self, node: &Node, depth: usize, last: bool) {
        let single = node.as_object().is_some();
        match kind_at(node, depth) {
            Some(ExportKind::Recording) if single => self.recording(node),
            Some(ExportKind::ResourceGraph) if node.get("data").is_some() => self.graph(node, last),
            Some(ExportKind::Topology) if single => self.topology(node),
            Some(ExportKind::EffectiveRoutes) if facts::is_route_list(node) => self.routes(node, last),
            Some(ExportKind::EffectiveRules) if facts::is_rules(node) => {
                facts::rules(node, &mut self.export.facts, self.notes);
            }
            Some(ExportKind::LearnedRoutes) if learned::is_one(node) => {
                learned::read(node, &mut self.export.facts, self.notes);
            }
            Some(ExportKind::LearnedRoutes) if learned::is_by_instance(node) => {
                for list in learned::instances(node) {
                    self.items(list, depth, last);
                }
            }
            Some(ExportKind::Drawing) if single => {
                self.export.resources.extend(drawing::resources(node, self.notes));
            }
            Some(ExportKind::Resource) => self.resource(node),
            Some(_) => self.items(node, depth, last),
            None => self.skipped(node),
        }
    }

    /// The items of a list, whether bare or in an answer with `value`.
    fn items(&mut self, node: &Node, depth: usize, last: bool) {
        let items = node.as_array().or_else(|| node.get("value").and_then(Node::as_array));
        let items = items.unwrap_or_default();
        for (number, item) in items.iter().enumerate() {
            self.read(item, depth + 1, last && number + 1 == items.len());
        }
        if last {
            self.page_end(node);
        }
    }

    fn page_end(&mut self, node: &Node) {
        let keys = ["nextLink", "skipToken", "$skipToken", "skip_token"];
        let Some(link) = keys.iter().find_map(|k| node.get(k)) else { return };
        if link.as_str().is_some_and(|text| !text.is_empty()) {
            let message = "the list goes on on another page, which is not in this file";
            let help = "save all pages: the command line does it by itself, a REST answer is one page";
            self.notes.push(Diagnostic::new(Code::NotUnderstood, link.at, message).help(help));
        }
    }

    fn resource(&mut self, node: &Node) {
        if let Some(raw) = shape::resource(node, self.notes) {
            self.export.resources.push(raw);
        }
    }

    fn graph(&mut self, node: &Node, last: bool) {
        for row in graph::rows(node, self.notes) {
            self.resource(&row);
        }
        if last {
            self.page_end(node);
        }
    }

    fn topology(&mut self, node: &Node) {
        let (resources, associations) = facts::topology(node, self.notes);
        self.export.resources.extend(resources);
        self.export.facts.associations.extend(associations);
    }

    fn routes(&mut self, node: &Node, last: bool) {
        let routes = facts::routes(node, self.notes);
        self.export.facts.effective_routes.push(routes);
        if last {
            self.page_end(node);
        }
    }

    fn recording(&mut self, node: &Node) {
        let checks = recording::checks(node, self.notes);
        if let Some(last) = checks.last() {
            self.export.resources.extend(last.resources.iter().cloned());
        }
        self.export.facts.checks.extend(checks);
    }

    fn skipped(&mut self, node: &Node) {
        let message = format!("{} that is no resource was left out", node.value.kind());
        self.notes.push(Diagnostic::new(Code::NotUnderstood, node.at, message));
    }
}

#[cfg(test)]
mod tests;
