//! Network rules of platform services that their kinds keep apart: in a child resource, in a list of one, in a text
//! with commas. Put where the fields of [`super::PlatformService`] are read from. What looks like such a rule and is
//! read by none of them makes the rules of its service unknown.

use super::{RawResource, ResourceId, TableTag};
use crate::doc::{Node, Object, Value};
use crate::services::service_kind;
use std::sync::Arc;

/// The child resource, and the property, that holds the rules of a messaging namespace.
pub(super) const RULE_SETS: &str = "networkRuleSets";

/// The property that is unknown where rules are not read.
pub(super) const UNREAD: &str = "networkRuleSet";

const SUBNET_RULES: &str = "virtualNetworkRules";

/// What a rule that is a resource calls its subnet.
pub(super) const SUBNET_OF_RULE: &str = "virtualNetworkSubnetId";

/// Properties of children that are not rules of their own.
const HEADS: &[&str] =
    &["id", "name", "type", "location", "systemData", "etag", "resourceGroup", "properties"];

/// The kind of service that a child belongs to, and the child's own word.
fn owner(kind: &str) -> Option<(&'static str, &str)> {
    let (parent, segment) = kind.rsplit_once('/')?;
    Some((service_kind(parent)?.arm_type, segment))
}

/// The property of its service that holds children of this type.
pub(super) fn list_of(kind: &str) -> Option<&'static str> {
    let (_, segment) = owner(kind)?;
    if segment.eq_ignore_ascii_case(RULE_SETS) {
        return Some(RULE_SETS);
    }
    if segment.eq_ignore_ascii_case("privateEndpointConnections") {
        return Some("privateEndpointConnections");
    }
    is_rule_word(segment).then_some(UNREAD)
}

/// Why a service's rules are not known, where this child of it holds some that are not read.
pub(super) fn unread_child(id: &ResourceId, list: &str) -> Option<String> {
    let whose = id.parent().filter(|_| list == UNREAD)?;
    let kind = id.kind();
    let word = kind.rsplit('/').next().unwrap_or(&kind);
    Some(format!("whom `{}` lets in: its {word} `{}` is not read", whose.name(), id.name()))
}

/// Whether a word is one by which Azure calls rules about who may come in.
pub fn is_rule_word(word: &str) -> bool {
    const PARTS: &[&str] = &[
        "firewall",
        "networkacl",
        "networkrule",
        "iprule",
        "ipfilter",
        "ipsecurity",
        "allowedip",
        "virtualnetworkrule",
    ];
    const OTHERS: &[&str] = &["outbound", "bypass"];
    let word = word.replace('_', "").to_ascii_lowercase();
    PARTS.iter().any(|p| word.contains(p)) && !OTHERS.iter().any(|o| word.contains(o))
}

/// Puts the rules of a platform service where they are read.
pub(super) fn settle(raw: &mut RawResource) {
    if service_kind(&raw.id.kind()).is_none() {
        return;
    }
    if let Some(sets) = property(&raw.body, RULE_SETS).and_then(one_of) {
        raw.body = with(&raw.body, RULE_SETS, sets);
    }
    if let Some(text) = property(&raw.body, "ipRangeFilter").cloned() {
        let list = addresses(&text);
        raw.body = with(&raw.body, "ipRangeFilter", Node { at: text.at, value: Value::Null });
        if property(&raw.body, "ipRules").is_none() {
            raw.body = with(&raw.body, "ipRules", list);
        }
    }
    if let Some(rules) = property(&raw.body, SUBNET_RULES).and_then(by_subnet) {
        raw.body = with(&raw.body, SUBNET_RULES, rules);
    }
    if let Some(why) = unread(raw) {
        raw.body = with(&raw.body, UNREAD, Node::unknown(raw.at, why));
    }
}

/// Rules of a database server about subnets, each with the id of its subnet and not of its own, where one is written so.
fn by_subnet(rules: &Node) -> Option<Node> {
    let subnet = |rule: &Node| {
        let inner = rule.get("properties").and_then(|p| p.get(SUBNET_OF_RULE));
        inner.or_else(|| rule.get(SUBNET_OF_RULE)).cloned()
    };
    let items = rules.as_array()?;
    items.iter().find_map(subnet)?;
    let settled = items.iter().map(|rule| match (subnet(rule), rule.as_object()) {
        (Some(id), Some(object)) => {
            let mut object = object.clone();
            object.set("id", id.at, id);
            Node::object(rule.at, object)
        }
        _ => rule.clone(),
    });
    Some(Node::array(rules.at, settled.collect()))
}

/// The rule set of a namespace as one object, however it is written: a list of one, which Azure calls `default`, or
/// an object beside which a child of that name stands.
fn one_of(sets: &Node) -> Option<Node> {
    if let Some(items) = sets.as_array() {
        let is_default = |item: &&Node| item.get("name").and_then(Node::as_str).is_none_or(is_default);
        let unknown = items.iter().find(|item| item.why_unknown().is_some());
        let Some(item) = unknown.or_else(|| items.iter().rfind(is_default)) else {
            return Some(Node::object(sets.at, Object::new()));
        };
        return Some(if item.why_unknown().is_some() { item.clone() } else { flat(item) });
    }
    let object = sets.as_object()?;
    let inner = object.iter().find(|e| is_default(&e.key) || e.key.eq_ignore_ascii_case("properties"))?;
    if inner.value.why_unknown().is_some() {
        return Some(inner.value.clone());
    }
    let mut merged: Object = object.iter().filter(|e| e.key != inner.key).cloned().collect();
    if let Some(over) = flat(&inner.value).as_object() {
        for entry in over.iter() {
            merged.set(entry.key.clone(), entry.key_at, entry.value.clone());
        }
    }
    Some(Node::object(inner.value.at, merged))
}

fn is_default(name: &str) -> bool {
    name.rsplit('/').next().unwrap_or(name).eq_ignore_ascii_case("default")
}

/// What an item says, without the head that makes it a resource.
fn flat(item: &Node) -> Node {
    let mut out: Object = item
        .as_object()
        .into_iter()
        .flat_map(|o| o.iter())
        .filter(|e| !HEADS.iter().any(|h| h.eq_ignore_ascii_case(&e.key)))
        .cloned()
        .collect();
    match item.get("properties") {
        Some(inner) if inner.why_unknown().is_some() => return inner.clone(),
        Some(inner) => {
            for entry in inner.as_object().into_iter().flat_map(|o| o.iter()) {
                out.set(entry.key.clone(), entry.key_at, entry.value.clone());
            }
        }
        None => {}
    }
    Node::object(item.at, out)
}

/// Addresses with commas between them, as rules.
fn addresses(text: &Node) -> Node {
    let Some(words) = text.as_str() else {
        let why = text.why_unknown().cloned().unwrap_or_else(|| "it is no text".into());
        return if text.as_array().is_some() { text.clone() } else { Node::unknown(text.at, why) };
    };
    let rule = |word: &str| {
        let mut object = Object::new();
        object.set("ipAddressOrRange", text.at, Node::string(text.at, word));
        Node::object(text.at, object)
    };
    Node::array(text.at, words.split(',').map(str::trim).filter(|w| !w.is_empty()).map(rule).collect())
}

/// Why the rules of a service are not known: a property that holds some and is not read.
fn unread(raw: &RawResource) -> Option<String> {
    let shape = TableTag::PlatformService.shape()?;
    let read = |key: &str| {
        let first = |p: &&str| p.split('.').next().is_some_and(|s| s.eq_ignore_ascii_case(key));
        shape.fields.iter().any(|f| f.paths.iter().any(first))
    };
    let places = [raw.body.get("properties"), Some(&raw.body)];
    let mut entries = places.into_iter().flatten().filter_map(Node::as_object).flat_map(|o| o.iter());
    let found = entries.find(|e| is_rule_word(&e.key) && !says_nothing(&e.value) && !read(&e.key))?;
    Some(format!("whom `{}` lets in: its `{}` is not read", raw.id.name(), found.key))
}

fn says_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::String(text) => text.is_empty() || text.eq_ignore_ascii_case("Disabled"),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::Bool(on) => !on,
        _ => false,
    }
}

/// A property, in `properties` or beside it.
fn property<'a>(body: &'a Node, key: &str) -> Option<&'a Node> {
    let inner = body.get("properties").and_then(|p| p.get(key));
    inner.or_else(|| body.get(key)).filter(|n| !n.is_null())
}

/// The body with a property set, where it stands; a new one below `properties`, if there are any.
fn with(body: &Node, key: &str, value: Node) -> Node {
    let mut object = body.as_object().cloned().unwrap_or_default();
    let inner = object.get("properties").filter(|p| p.as_object().is_some()).cloned();
    match inner {
        Some(properties) if properties.get(key).is_some() || object.get(key).is_none() => {
            let mut inner = properties.as_object().cloned().unwrap_or_default();
            put(&mut inner, key, value);
            object.set("properties", properties.at, Node::object(properties.at, inner));
        }
        _ => put(&mut object, key, value),
    }
    Node::object(body.at, object)
}

fn put(object: &mut Object, key: &str, value: Node) {
    if value.is_null() {
        object.remove(key);
    } else {
        object.set(Arc::<str>::from(key), value.at, value);
    }
}
