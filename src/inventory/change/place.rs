//! Finding what a change is about: a resource, or a part inside one.

use super::{Estate, Target};
use crate::diag::{Code, Diagnostic, Diagnostics, nearest};
use crate::doc::{Node, Object, Value};
use crate::inventory::{Inside, ResourceId};
use std::sync::Arc;

/// One step from a node to one inside.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Into the value of a key.
    Key(Arc<str>),
    /// Into an item of a list; its name, for people.
    Item(usize, Arc<str>),
}

/// A resource, or a part of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    /// The row of the resource.
    pub(super) row: usize,
    /// The way from its body to the part; empty for the resource itself.
    pub(super) steps: Vec<Step>,
}

impl Place {
    /// The part, for people.
    pub(super) fn label(&self) -> String {
        let words = self.steps.iter().filter_map(|step| match step {
            Step::Key(key) if key.eq_ignore_ascii_case("properties") => None,
            Step::Key(key) => Some(&**key),
            Step::Item(_, name) => Some(&**name),
        });
        words.collect::<Vec<_>>().join("/")
    }
}

/// Finds the target, or says what comes nearest.
pub(super) fn find(estate: &Estate, target: &Target, notes: &mut Diagnostics) -> Option<Place> {
    let mut places = candidates(estate, &target.text);
    match places.len() {
        1 => places.pop(),
        0 => {
            notes.push(nothing(estate, target));
            None
        }
        n => {
            let ids: Vec<String> = places
                .iter()
                .map(|p| [estate.raw(p.row).id.to_string(), p.label()].join(" ").trim().to_owned())
                .collect();
            let message = format!("`{}` fits {n} resources or parts", target.text);
            let help = format!(
                "say which: {}; the end of an id such as `networkSecurityGroups/web` will do",
                ids.join(", ")
            );
            notes.push(Diagnostic::new(Code::AmbiguousReference, target.at, message).help(help));
            None
        }
    }
}

/// Whole resources first; else parts of the resource with the longest name.
fn candidates(estate: &Estate, text: &str) -> Vec<Place> {
    let whole = rows(estate, text);
    if !whole.is_empty() {
        return whole.into_iter().map(|row| Place { row, steps: Vec::new() }).collect();
    }
    for (at, _) in text.rmatch_indices('/') {
        let (head, rest) = (&text[..at], &text[at + 1..]);
        let rest: Vec<&str> = rest.split('/').collect();
        let mut found = Vec::new();
        for row in rows(estate, head) {
            let mut steps = Vec::new();
            parts(&estate.raw(row).body, &rest, &mut steps, &mut |steps| {
                found.push(Place { row, steps: steps.to_vec() });
            });
        }
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Resources by id, by name, or by the end of their id.
fn rows(estate: &Estate, text: &str) -> Vec<usize> {
    if ResourceId::looks_like_one(text) {
        return estate.ids.get(&ResourceId::new(text)).copied().into_iter().collect();
    }
    if text.is_empty() {
        return Vec::new();
    }
    let by_name = estate.names.get(&text.to_ascii_lowercase()).cloned().unwrap_or_default();
    if !by_name.is_empty() || !text.contains('/') {
        return by_name;
    }
    let last = text.rsplit('/').next().unwrap_or(text).to_ascii_lowercase();
    let mut rows = estate.names.get(&last).cloned().unwrap_or_default();
    rows.retain(|row| ends_with_path(estate.raw(*row).id.as_str(), text));
    rows
}

/// Whether an id ends with these segments.
fn ends_with_path(id: &str, tail: &str) -> bool {
    let Some(start) = id.len().checked_sub(tail.len() + 1) else { return false };
    id.as_bytes()[start] == b'/' && id.as_bytes()[start + 1..].eq_ignore_ascii_case(tail.as_bytes())
}

/// Visits the parts of a node that have these names, one inside the other. A name may have its list, or the
/// type of its record, before it.
fn parts(node: &Node, names: &[&str], steps: &mut Vec<Step>, found: &mut dyn FnMut(&[Step])) {
    let Some((name, rest)) = names.split_first() else { return found(steps) };
    lists(node, steps, &mut |list, items, steps| {
        let (wanted, rest) = match rest.split_first() {
            Some((next, after)) if list.eq_ignore_ascii_case(name) => (next, after),
            _ => (name, rest),
        };
        for (number, item) in items.iter().enumerate() {
            let typed = rest.split_first().filter(|_| record_type(item).eq_ignore_ascii_case(wanted));
            let (wanted, rest) = typed.map_or((wanted, rest), |(next, after)| (next, after));
            let Some(own) = item.get("name").and_then(Node::as_str).filter(|n| same_name(n, wanted)) else {
                continue;
            };
            steps.push(Step::Item(number, own.into()));
            parts(item, rest, steps, found);
            steps.pop();
        }
    });
    named_entries(node, name, rest, steps, found);
}

/// Managed network rules stand in an object keyed by their names.
fn named_entries(
    node: &Node,
    name: &str,
    rest: &[&str],
    steps: &mut Vec<Step>,
    found: &mut dyn FnMut(&[Step]),
) {
    for keys in [&["properties", "managedNetwork", "outboundRules"][..], &["managedNetwork", "outboundRules"]]
    {
        let Some(entry) = node.path(&keys.join(".")).and_then(Node::as_object).and_then(|o| o.entry(name))
        else {
            continue;
        };
        let mark = steps.len();
        steps.extend(keys.iter().map(|k| Step::Key((*k).into())));
        steps.push(Step::Key(entry.key.clone()));
        parts(&entry.value, rest, steps, found);
        steps.truncate(mark);
    }
}

fn record_type(item: &Node) -> &str {
    let kind = item.get("recordType").or_else(|| item.get("type")).and_then(Node::as_str).unwrap_or("");
    kind.rsplit('/').next().unwrap_or(kind)
}

fn same_name(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted)
        || name.rsplit('/').next().is_some_and(|n| n.eq_ignore_ascii_case(wanted))
}

/// Takes a list by its key, its items and the way to it.
type VisitList<'v> = dyn FnMut(&str, &[Node], &mut Vec<Step>) + 'v;

/// Visits every list inside a node, through objects but not through other lists.
fn lists(node: &Node, steps: &mut Vec<Step>, visit: &mut VisitList<'_>) {
    let Some(object) = node.as_object() else { return };
    for entry in object.iter() {
        steps.push(Step::Key(entry.key.clone()));
        match &entry.value.value {
            Value::Object(_) => lists(&entry.value, steps, visit),
            _ => {
                if let Some(items) = entry.value.as_array() {
                    visit(&entry.key, items, steps);
                }
            }
        }
        steps.pop();
    }
}

/// Says that nothing fits, and what comes nearest.
fn nothing(estate: &Estate, target: &Target) -> Diagnostic {
    let message = format!("nothing in the estate is called `{}`", target.text);
    let diagnostic =
        Diagnostic::new(Code::DanglingReference, target.at, message).severity(crate::diag::Severity::Error);
    let mut known: Vec<String> = Vec::new();
    for raw in estate.rows.iter().flatten() {
        known.push(raw.id.full_name());
        known.push(raw.id.name().to_owned());
    }
    let inside = target.text.rsplit_once('/').map(|(head, _)| (head, rows(estate, head)));
    if let Some((head, rows)) = inside {
        for row in rows {
            lists(&estate.raw(row).body, &mut Vec::new(), &mut |_, items, _| {
                let names = items.iter().filter_map(|i| i.get("name")).filter_map(Node::as_str);
                known.extend(names.map(|name| format!("{head}/{name}")));
            });
        }
    }
    known.sort_unstable();
    known.dedup();
    match nearest(&target.text, known.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

/// What lies one step further in.
pub(super) fn inside(inside: Inside, step: &Step) -> Option<Inside> {
    match (inside, step) {
        (here, Step::Item(..)) => Some(here),
        (here @ Inside::Block(_), Step::Key(key)) if key.eq_ignore_ascii_case("properties") => Some(here),
        (Inside::Block(shape), Step::Key(key)) => shape.field(key).map(|f| f.inside.clone()),
        (Inside::Open, _) => Some(Inside::Open),
        _ => None,
    }
}

/// The node at the end of the steps.
pub(super) fn node<'a>(root: &'a Node, steps: &[Step]) -> Option<&'a Node> {
    steps.iter().try_fold(root, |node, step| match step {
        Step::Key(key) => node.get(key),
        Step::Item(number, _) => node.as_array()?.get(*number),
    })
}

/// The tree with the node at the end of the steps replaced.
pub(super) fn edited(
    root: &Node,
    steps: &[Step],
    edit: impl FnOnce(&Node) -> Result<Node, String>,
) -> Result<Node, String> {
    let Some((step, rest)) = steps.split_first() else { return edit(root) };
    let inner = node(root, std::slice::from_ref(step)).ok_or("it is no longer there")?;
    let inner = edited(inner, rest, edit)?;
    Ok(match (&root.value, step) {
        (Value::Object(object), Step::Key(key)) => {
            let mut object = Object::clone(object);
            object.set(key.clone(), inner.at, inner);
            Node::object(root.at, object)
        }
        (Value::Array(_) | Value::Packed(_), Step::Item(number, _)) => {
            let mut items = root.as_array().unwrap_or_default().to_vec();
            items[*number] = inner;
            Node::array(root.at, items)
        }
        _ => root.clone(),
    })
}

/// The tree without the node at the end of the steps.
pub(super) fn removed(root: &Node, steps: &[Step]) -> Node {
    let Some((last, before)) = steps.split_last() else { return root.clone() };
    let edit = |node: &Node| {
        Ok(match (&node.value, last) {
            (Value::Object(object), Step::Key(key)) => {
                let mut object = Object::clone(object);
                object.remove(key);
                Node::object(node.at, object)
            }
            (Value::Array(_) | Value::Packed(_), Step::Item(number, _)) => {
                let mut items = node.as_array().unwrap_or_default().to_vec();
                items.remove(*number);
                Node::array(node.at, items)
            }
            _ => node.clone(),
        })
    };
    edited(root, before, edit).unwrap_or_else(|_| root.clone())
}
