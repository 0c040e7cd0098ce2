//! Reading, writing and judging the properties a change names.
//!
//! A body may be flat or hold its fields in `properties`, and a field may have several spellings
//! (`addressPrefix`, `addressPrefixes`). A value that is set takes the place of every spelling.

use super::Target;
use crate::diag::At;
use crate::doc::{Node, Object, Value};
use crate::inventory::{HEAD, Inside, ResourceId, Shape};
use std::sync::Arc;

/// Words of the head that may be set although no table reads them.
const SILENT: &[&str] = &["location", "tags", "zones", "kind", "sku", "identity"];

/// Whether setting this property to this value can have an effect; otherwise the path that has none.
pub(super) fn check(shape: &Shape, property: &Target, value: &Node, whole: bool) -> Result<(), Target> {
    let first = property.text.split('.').next().unwrap_or_default();
    let fixed = ["id", "name", "type", "properties"].iter().any(|w| w.eq_ignore_ascii_case(&property.text));
    if fixed && shape.field(&property.text).is_none() {
        return Err(property.clone());
    }
    if whole && HEAD.iter().chain(SILENT).any(|w| w.eq_ignore_ascii_case(first)) {
        return Ok(());
    }
    let mut inner = None;
    let mut fits = false;
    for field in &shape.fields {
        for path in field.paths {
            let open = path.contains(".*.");
            match reaches(crate::inventory::shape::head(path), &property.text) {
                Reach::No => {}
                Reach::At if open => fits = true,
                Reach::At => match check_inside(&field.inside, value) {
                    Ok(()) => fits = true,
                    Err(fault) => inner = inner.or(Some(fault)),
                },
                Reach::Above => match check_keys(shape, property, value, whole) {
                    Ok(()) => fits = true,
                    Err(fault) => inner = inner.or(Some(fault)),
                },
                Reach::Below(rest) => fits |= goes_inside(&field.inside, rest, property.at, value),
            }
        }
    }
    if fits { Ok(()) } else { Err(inner.unwrap_or_else(|| property.clone())) }
}

/// How a written path relates to a declared one.
enum Reach<'a> {
    No,
    /// The same.
    At,
    /// An object around it.
    Above,
    /// Something inside it.
    Below(&'a str),
}

fn reaches<'a>(declared: &str, written: &'a str) -> Reach<'a> {
    let starts = |long: &str, short: &str| {
        long.len() > short.len()
            && long.as_bytes()[short.len()] == b'.'
            && long.as_bytes()[..short.len()].eq_ignore_ascii_case(short.as_bytes())
    };
    if declared.eq_ignore_ascii_case(written) {
        Reach::At
    } else if starts(declared, written) {
        Reach::Above
    } else if starts(written, declared) {
        Reach::Below(&written[declared.len() + 1..])
    } else {
        Reach::No
    }
}

/// Every key of an object that stands around declared paths must lead to one of them.
fn check_keys(shape: &Shape, property: &Target, value: &Node, whole: bool) -> Result<(), Target> {
    match &value.value {
        Value::Object(object) => object.iter().try_for_each(|entry| {
            let inner = Target { text: format!("{}.{}", property.text, entry.key).into(), at: entry.key_at };
            check(shape, &inner, &entry.value, whole)
        }),
        Value::Null | Value::Unknown(_) => Ok(()),
        _ => Err(property.clone()),
    }
}

/// Parts written as values have no unknown fields either.
fn check_inside(inside: &Inside, value: &Node) -> Result<(), Target> {
    let Inside::Block(shape) = inside else { return Ok(()) };
    let items = value.as_array().unwrap_or(std::slice::from_ref(value));
    items.iter().filter_map(Node::as_object).flat_map(Object::iter).try_for_each(|entry| {
        let word = ["name", "id", "type", "etag"].iter().any(|w| w.eq_ignore_ascii_case(&entry.key));
        // An item with no fields of its own is a child that is read as a resource; `build` judges it.
        if word || shape.fields.is_empty() {
            return Ok(());
        }
        if entry.key.eq_ignore_ascii_case("properties") {
            return check_inside(inside, &entry.value);
        }
        check(shape, &Target { text: entry.key.clone(), at: entry.key_at }, &entry.value, false)
    })
}

fn goes_inside(inside: &Inside, rest: &str, at: At, value: &Node) -> bool {
    match inside {
        Inside::Open => true,
        Inside::Reference(_) => rest.eq_ignore_ascii_case("id"),
        Inside::Block(shape) => check(shape, &Target { text: rest.into(), at }, value, false).is_ok(),
        Inside::Value => false,
    }
}

/// The body with the property set; all other spellings of the field go.
pub(super) fn set(
    body: &Node,
    shape: Option<&Shape>,
    property: &Target,
    value: &Node,
    before: &mut Option<Node>,
) -> Result<Node, String> {
    let keys: Vec<&str> = property.text.split('.').collect();
    let inner = body.get("properties");
    if let Some(why) = inner.and_then(Node::why_unknown) {
        return Err(format!("its properties are not known ({why})"));
    }
    *before = reach(inner, &keys).or_else(|| reach(Some(body), &keys)).cloned();
    let mut body = body.clone();
    for other in other_spellings(shape, &property.text) {
        let keys: Vec<&str> = other.split('.').collect();
        body = without(&within(&body, |inner| without(inner, &keys)), &keys);
    }
    if value.is_null() {
        return Ok(without(&within(&body, |inner| without(inner, &keys)), &keys));
    }
    let first = keys.first().copied().unwrap_or_default();
    let head = HEAD.iter().any(|w| w.eq_ignore_ascii_case(first));
    let in_properties = inner.is_some_and(|p| p.get(first).is_some() || (!head && body.get(first).is_none()));
    if in_properties {
        Ok(within(&body, |inner| with(inner, &keys, property.at, value)))
    } else {
        Ok(with(&body, &keys, property.at, value))
    }
}

fn reach<'a>(node: Option<&'a Node>, keys: &[&str]) -> Option<&'a Node> {
    keys.iter().try_fold(node?, |node, key| node.get(key))
}

/// One description without what another spells otherwise: `older` without every value for which `newer` has one at
/// another path or in another place, and the values that went, each with the one that stays.
pub(in crate::inventory) fn superseded(older: &Node, newer: &Node, shape: &Shape) -> (Node, Vec<Superseded>) {
    let mut body = older.clone();
    let mut gone = Vec::new();
    for field in &shape.fields {
        for path in field.heads() {
            let keys: Vec<&str> = path.split('.').collect();
            let (inside, beside) = (reach(newer.get("properties"), &keys), reach(Some(newer), &keys));
            let Some(stays) = inside.or(beside) else { continue };
            let mut drop = |keys: &[&str], from_inside: bool, from_beside: bool| {
                let old = [
                    reach(body.get("properties"), keys).filter(|_| from_inside),
                    reach(Some(&body), keys).filter(|_| from_beside),
                ];
                let Some(old) = old.into_iter().flatten().next().cloned() else { return };
                if from_inside {
                    body = within(&body, |inner| without(inner, keys));
                }
                if from_beside {
                    body = without(&body, keys);
                }
                gone.push(Superseded { path, old, new: stays.clone() });
            };
            for other in other_spellings(Some(shape), path) {
                drop(&other.split('.').collect::<Vec<_>>(), true, true);
            }
            let head = HEAD.iter().any(|w| w.eq_ignore_ascii_case(keys[0]));
            if !head {
                drop(&keys, inside.is_none(), beside.is_none());
            }
        }
    }
    (body, gone)
}

/// A value that another description spells otherwise.
pub(in crate::inventory) struct Superseded {
    /// Where the other one has it.
    pub(in crate::inventory) path: &'static str,
    /// The value that went.
    pub(in crate::inventory) old: Node,
    /// The value that stays.
    pub(in crate::inventory) new: Node,
}

/// The other paths of the field that has this one. Paths that are fields of their own stay.
fn other_spellings(shape: Option<&Shape>, path: &str) -> Vec<&'static str> {
    let Some(shape) = shape else { return Vec::new() };
    let having =
        |path: &str| shape.fields.iter().filter(|f| f.heads().any(|h| h.eq_ignore_ascii_case(path))).count();
    if having(path) != 1 {
        return Vec::new();
    }
    let Some(field) = shape.field(path) else { return Vec::new() };
    let related = |other: &str| !matches!(reaches(other, path), Reach::No);
    field.heads().filter(|other| !related(other) && having(other) == 1).collect()
}

/// The body with its `properties` edited; unchanged where it has none.
fn within(body: &Node, edit: impl FnOnce(&Node) -> Node) -> Node {
    let Some(inner) = body.get("properties").filter(|p| p.as_object().is_some()) else { return body.clone() };
    let mut object = body.as_object().cloned().unwrap_or_default();
    object.set("properties", inner.at, edit(inner));
    Node::object(body.at, object)
}

/// The node with a value at these keys; what is no object on the way gives way to one.
fn with(node: &Node, keys: &[&str], at: At, value: &Node) -> Node {
    let Some((key, rest)) = keys.split_first() else { return value.clone() };
    let mut object = node.as_object().cloned().unwrap_or_default();
    let inner = object.get(key).cloned().unwrap_or_else(|| Node::object(at, Object::new()));
    object.set(*key, at, with(&inner, rest, at, value));
    Node::object(node.at, object)
}

/// The node without these keys.
fn without(node: &Node, keys: &[&str]) -> Node {
    let (Some((key, rest)), Some(object)) = (keys.split_first(), node.as_object()) else {
        return node.clone();
    };
    let Some(inner) = object.get(key) else { return node.clone() };
    let mut object = object.clone();
    if rest.is_empty() {
        object.remove(key);
    } else {
        let inner = without(inner, rest);
        object.set(*key, inner.at, inner);
    }
    Node::object(node.at, object)
}

/// The node with items added to a list, wherever the list stands.
pub(super) fn appended(node: &Node, list: &str, at: At, items: &[Node]) -> Result<Node, String> {
    let keys: Vec<&str> = list.split('.').collect();
    let inner = node.get("properties");
    let there = reach(inner, &keys).or_else(|| reach(Some(node), &keys));
    let old = there.and_then(Node::as_array).unwrap_or_default();
    let all = match there.map(|n| &n.value) {
        None | Some(Value::Null) => items.to_vec(),
        Some(Value::Array(_) | Value::Packed(_)) => old.iter().chain(items).cloned().collect(),
        Some(Value::Unknown(why)) => return Err(format!("it is not known ({why})")),
        Some(other) => return Err(format!("it is {} and no list", other.kind())),
    };
    let list = Target { text: list.into(), at };
    let at = there.map_or(at, |n| n.at);
    set(node, None, &list, &Node::array(at, all), &mut None)
}

/// Whether a list of the node has an item of this name.
pub(super) fn has_item(node: &Node, list: &str, name: &str) -> bool {
    let keys: Vec<&str> = list.split('.').collect();
    let there = reach(node.get("properties"), &keys).or_else(|| reach(Some(node), &keys));
    let items = there.and_then(Node::as_array).unwrap_or_default();
    items.iter().filter_map(|i| i.get("name")).filter_map(Node::as_str).any(|n| n.eq_ignore_ascii_case(name))
}

/// An item of a list, for people.
pub(super) fn item_label(item: &Node, number: usize) -> Arc<str> {
    match (item.get("name").and_then(Node::as_str), &item.value) {
        (Some(name), _) => name.into(),
        (None, Value::String(text)) => text.clone(),
        _ => format!("#{}", number + 1).into(),
    }
}

/// The body without references to these resources, and which fields they stood in; `None` where there is none.
pub(super) fn without_references(
    body: &Node,
    shape: &Shape,
    gone: &[ResourceId],
    parts: &mut Vec<String>,
) -> Option<Node> {
    let before = parts.len();
    let mut body = body.clone();
    for field in &shape.fields {
        for path in field.heads() {
            let keys: Vec<&str> = path.split('.').collect();
            let mut edit = |node: &Node| match reach(Some(node), &keys) {
                None => node.clone(),
                Some(value) => match detached(value, &field.inside, gone, path, parts) {
                    None => node.clone(),
                    Some(value) if value.is_null() => without(node, &keys),
                    Some(value) => with(node, &keys, value.at, &value),
                },
            };
            body = within(&body, &mut edit);
            body = edit(&body);
        }
    }
    (parts.len() > before).then_some(body)
}

/// The value without the references; `null` where nothing stays, `None` where nothing goes.
fn detached(
    value: &Node,
    inside: &Inside,
    gone: &[ResourceId],
    path: &str,
    parts: &mut Vec<String>,
) -> Option<Node> {
    let before = parts.len();
    let edit = |item: &Node, parts: &mut Vec<String>| match inside {
        Inside::Reference(kind) if refers(item, kind, gone) => {
            parts.push(path.to_owned());
            Some(Node::new(item.at, Value::Null))
        }
        Inside::Block(shape) => {
            let mut inner = Vec::new();
            let item = without_references(item, shape, gone, &mut inner);
            parts.extend(inner.into_iter().map(|part| format!("{path}.{part}")));
            item
        }
        _ => None,
    };
    let Some(items) = value.as_array() else { return edit(value, parts) };
    let kept = items.iter().map(|item| edit(item, parts).unwrap_or_else(|| item.clone()));
    let kept: Vec<Node> = kept.filter(|item| !item.is_null()).collect();
    (parts.len() > before).then(|| Node::array(value.at, kept))
}

/// Whether a reference means one of these resources.
fn refers(node: &Node, kind: &str, gone: &[ResourceId]) -> bool {
    let Some(text) = node.get("id").unwrap_or(node).as_str() else { return false };
    gone.iter().any(|id| {
        if ResourceId::looks_like_one(text) {
            return ResourceId::new(text).is_within(id.as_str());
        }
        let named = id.full_name().eq_ignore_ascii_case(text) || id.name().eq_ignore_ascii_case(text);
        named && (kind.is_empty() || id.is_kind(kind) || kind == "platform service")
    })
}
