//! The file Microsoft publishes every week for each cloud, and the Service Tag Discovery API's answer.
//!
//! Both are `{ cloud, changeNumber, values: [{ name, properties: { addressPrefixes } }] }`; the API
//! writes the change number as a string.

use super::{ServiceTags, is_symbolic};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::doc::{Node, Number, Value};
use crate::net::{AddressSet, IpNet, parse_prefix};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether a document is such a file: values that have prefixes.
pub(super) fn looks_like_one(node: &Node) -> bool {
    let first = node.get("values").and_then(Node::as_array).and_then(<[Node]>::first);
    node.get("changeNumber").is_some() && first.is_some_and(|tag| member(tag, "addressPrefixes").is_some())
}

pub(super) fn read(node: &Node, notes: &mut Diagnostics) -> Result<ServiceTags, Diagnostic> {
    let Some(values) = node.get("values").and_then(Node::as_array) else {
        let message = "not a service tag file: it has no list `values`";
        return Err(Diagnostic::new(Code::UnknownFormat, node.at, message));
    };
    let mut tags: BTreeMap<String, Entry> = BTreeMap::new();
    for value in values {
        if let Some((name, prefixes)) = tag(value, notes) {
            enter(&mut tags, name, prefixes, value, notes);
        }
    }
    let cloud = node.get("cloud").and_then(Node::as_str).unwrap_or("unnamed cloud");
    let change = node.get("changeNumber").and_then(whole).unwrap_or_default();
    let source = format!("service tag file ({cloud}, change {change})");
    let kept = tags.into_values().filter_map(|e| e.prefixes.map(|prefixes| (e.name, prefixes))).collect();
    Ok(ServiceTags::of_prefixes(cloud, change, &source, kept))
}

/// A tag by its name; without prefixes where two descriptions disagree.
struct Entry {
    name: Arc<str>,
    prefixes: Option<Vec<IpNet>>,
}

fn enter(
    tags: &mut BTreeMap<String, Entry>,
    name: &Arc<str>,
    prefixes: Option<Vec<IpNet>>,
    value: &Node,
    notes: &mut Diagnostics,
) {
    let key = name.to_lowercase();
    let Some(entry) = tags.get_mut(&key) else {
        tags.insert(key, Entry { name: name.clone(), prefixes });
        return;
    };
    let set = |prefixes: &Option<Vec<IpNet>>| prefixes.as_ref().map(AddressSet::from_prefixes);
    if set(&entry.prefixes) != set(&prefixes) {
        let message =
            format!("the tag `{name}` stands here twice with different prefixes, so it is left out");
        notes.push(Diagnostic::new(Code::DuplicateResource, value.at, message));
        entry.prefixes = None;
    }
}

fn whole(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Number(Number::Int(i)) => u64::try_from(*i).ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn member<'a>(tag: &'a Node, key: &str) -> Option<&'a Node> {
    tag.get("properties").and_then(|p| p.get(key)).or_else(|| tag.get(key))
}

/// A tag with its prefixes, or without where one cannot be read.
fn tag<'a>(value: &'a Node, notes: &mut Diagnostics) -> Option<(&'a Arc<str>, Option<Vec<IpNet>>)> {
    let Some(Value::String(name)) = value.get("name").map(|n| &n.value) else {
        notes.push(Diagnostic::new(Code::MissingField, value.at, "a service tag without a name"));
        return None;
    };
    if is_symbolic(name) {
        return None;
    }
    let Some(list) = member(value, "addressPrefixes").and_then(Node::as_array) else {
        let message = format!("the tag `{name}` has no list `addressPrefixes`, so it is left out");
        notes.push(Diagnostic::new(Code::MissingField, value.at, message));
        return Some((name, None));
    };
    let mut prefixes = Vec::with_capacity(list.len());
    for item in list {
        match item.as_str().and_then(parse_prefix) {
            Some(prefix) => prefixes.push(prefix),
            None => {
                let message = format!("`{item}` is not an address prefix, so the tag `{name}` is left out");
                notes.push(Diagnostic::new(Code::BadValue, item.at, message));
                return Some((name, None));
            }
        }
    }
    Some((name, Some(prefixes)))
}
