//! Configuration against configuration: which resources came, went, or have other fields.
//!
//! Input: the resources of two estates, in any order. Output: [`ResourceDiff`]s by id. Fields are compared by meaning, not
//! by place: whether a body is flat or holds `properties`, in which order lists of named items stand, and how keys
//! are capitalised makes no difference. What only tells of a deployment is passed over.

use crate::diag::{At, Diagnostics};
use crate::doc::{Node, Object, Value};
use crate::inventory::{RawResource, ResourceId, normalize};
use std::collections::BTreeMap;

/// A resource that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceDiff {
    /// The resource.
    pub id: ResourceId,
    /// How.
    pub how: How,
    /// Where it is declared before.
    pub before_at: Option<At>,
    /// Where it is declared after.
    pub after_at: Option<At>,
    /// Fields that differ; none for one that came or went.
    pub fields: Vec<FieldDiff>,
}

/// How a resource differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum How {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Fields of it differ.
    Changed,
}

impl How {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDiff {
    /// Dotted, items of lists by name: `securityRules.allow-web.priority`.
    pub path: String,
    /// What it was.
    pub before: Option<Node>,
    /// What it is.
    pub after: Option<Node>,
}

/// Fields that say nothing of what a resource does.
const SILENT: &[&str] =
    &["etag", "id", "name", "type", "provisioningState", "resourceGuid", "systemData", "tags", "dependsOn"];

/// Compares two estates.
pub fn diff(before: &[RawResource], after: &[RawResource]) -> Vec<ResourceDiff> {
    let (before, after) = (by_id(before), by_id(after));
    let mut found = Vec::new();
    for (id, old) in &before {
        match after.get(id) {
            None => found.push(whole(How::Removed, id, Some(old), None)),
            Some(new) => {
                let mut fields = Vec::new();
                compare(&flat(&old.body), &flat(&new.body), "", &mut fields);
                if !fields.is_empty() {
                    found.push(ResourceDiff { fields, ..whole(How::Changed, id, Some(old), Some(new)) });
                }
            }
        }
    }
    for (id, new) in after.iter().filter(|(id, _)| !before.contains_key(*id)) {
        found.push(whole(How::Added, id, None, Some(new)));
    }
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found
}

fn whole(how: How, id: &ResourceId, old: Option<&RawResource>, new: Option<&RawResource>) -> ResourceDiff {
    ResourceDiff {
        id: id.clone(),
        how,
        before_at: old.map(|raw| raw.at),
        after_at: new.map(|raw| raw.at),
        fields: Vec::new(),
    }
}

fn by_id(raws: &[RawResource]) -> BTreeMap<ResourceId, RawResource> {
    // What is wrong with either estate is told where it is loaded.
    let raws = normalize(raws.to_vec(), &mut Diagnostics::new());
    raws.into_iter().map(|raw| (raw.id.clone(), raw)).collect()
}

/// The body with what stands in `properties` beside the rest.
fn flat(body: &Node) -> Node {
    let Some(object) = body.as_object() else { return body.clone() };
    let mut out = Object::new();
    let inner = object.get("properties").and_then(Node::as_object);
    for entry in object.iter().filter(|e| inner.is_none() || !e.key.eq_ignore_ascii_case("properties")) {
        out.set(entry.key.clone(), entry.key_at, entry.value.clone());
    }
    for entry in inner.into_iter().flat_map(Object::iter) {
        out.set(entry.key.clone(), entry.key_at, entry.value.clone());
    }
    Node::object(body.at, out)
}

fn compare(old: &Node, new: &Node, path: &str, found: &mut Vec<FieldDiff>) {
    match (&old.value, &new.value) {
        (Value::Object(_), Value::Object(_)) => {
            let (old, new) = (flat(old), flat(new));
            let empty = Object::new();
            let (old, new) = (old.as_object().unwrap_or(&empty), new.as_object().unwrap_or(&empty));
            for entry in old.iter().filter(|e| !is_silent(path, &e.key)) {
                one(Some(&entry.value), new.get(&entry.key), &below(path, &entry.key), found);
            }
            for entry in new.iter().filter(|e| !is_silent(path, &e.key) && old.get(&e.key).is_none()) {
                one(None, Some(&entry.value), &below(path, &entry.key), found);
            }
        }
        (Value::Array(old), Value::Array(new)) => lists(old, new, path, found),
        _ if same(old, new) => {}
        _ => found.push(FieldDiff {
            path: path.to_owned(),
            before: Some(old.clone()),
            after: Some(new.clone()),
        }),
    }
}

fn one(old: Option<&Node>, new: Option<&Node>, path: &str, found: &mut Vec<FieldDiff>) {
    let nothing = |node: Option<&Node>| node.is_none_or(is_nothing);
    match (old, new) {
        (Some(old), Some(new)) if !(is_nothing(old) && is_nothing(new)) => compare(old, new, path, found),
        (old, new) if nothing(old) && nothing(new) => {}
        (old, new) => {
            found.push(FieldDiff { path: path.to_owned(), before: old.cloned(), after: new.cloned() })
        }
    }
}

/// Items of lists are found by name; lists of plain values are sets; everything else goes by place.
fn lists(old: &[Node], new: &[Node], path: &str, found: &mut Vec<FieldDiff>) {
    let named = |items: &[Node]| items.iter().all(|item| name_of(item).is_some());
    let plain = |items: &[Node]| items.iter().all(|i| i.as_object().is_none() && i.as_array().is_none());
    if named(old) && named(new) {
        let find = |items: &[Node], name: &str| {
            items.iter().find(|i| name_of(i).is_some_and(|own| own.eq_ignore_ascii_case(name))).cloned()
        };
        for item in old {
            let name = name_of(item).unwrap_or_default();
            one(Some(item), find(new, name).as_ref(), &below(path, name), found);
        }
        for item in new {
            let name = name_of(item).unwrap_or_default();
            if find(old, name).is_none() {
                one(None, Some(item), &below(path, name), found);
            }
        }
    } else if plain(old) && plain(new) {
        let gone = old.iter().any(|item| !new.iter().any(|other| same(item, other)));
        let came = new.iter().any(|item| !old.iter().any(|other| same(item, other)));
        if gone || came {
            let list = |items: &[Node]| {
                Some(Node::array(items.first().map_or(At::NOWHERE, |item| item.at), items.to_vec()))
            };
            found.push(FieldDiff { path: path.to_owned(), before: list(old), after: list(new) });
        }
    } else {
        for number in 0..old.len().max(new.len()) {
            one(old.get(number), new.get(number), &below(path, &format!("#{}", number + 1)), found);
        }
    }
}

fn name_of(item: &Node) -> Option<&str> {
    item.get("name").and_then(Node::as_str).filter(|name| !name.is_empty())
}

/// Names and ids of parts are told by the path.
fn is_silent(path: &str, key: &str) -> bool {
    let part = !path.is_empty();
    SILENT.iter().any(|word| word.eq_ignore_ascii_case(key)) && (!part || !key.eq_ignore_ascii_case("id"))
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A field that is empty says what an absent one says.
fn is_nothing(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

/// Whether two values mean the same: Azure's words and ids are compared without case.
fn same(old: &Node, new: &Node) -> bool {
    match (&old.value, &new.value) {
        (Value::String(old), Value::String(new)) => old.eq_ignore_ascii_case(new),
        (Value::Unknown(old), Value::Unknown(new)) => old == new,
        _ => old.to_string() == new.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Sources;
    use crate::doc::parse_yaml;
    use crate::formats::native;

    fn raws(text: &str) -> Vec<RawResource> {
        let text = format!("netwhy: estate/1\n{text}");
        let doc = Sources::default().add("estate.yaml", text.as_str());
        let mut notes = Diagnostics::new();
        let root = parse_yaml(doc, &text, &mut notes).expect("YAML");
        native::load(&root, &mut notes)
    }

    fn check(before: &str, after: &str, want: &[&str]) {
        let found = diff(&raws(before), &raws(after));
        let mut lines = Vec::new();
        for resource in &found {
            let name = resource.id.full_name();
            if resource.fields.is_empty() {
                lines.push(format!("{} {name}", resource.how.word()));
            }
            for field in &resource.fields {
                let word = |node: &Option<Node>| node.as_ref().map_or("-".to_owned(), ToString::to_string);
                lines.push(format!(
                    "{name} {}: {} -> {}",
                    field.path,
                    word(&field.before),
                    word(&field.after)
                ));
            }
        }
        assert_eq!(lines, want);
    }

    const NSG: &str = "networkSecurityGroups: [{ name: web, securityRules: [{ name: a, priority: 100 }, { name: b, priority: 110 }] }]";

    #[test]
    fn an_estate_against_itself_is_no_difference() {
        check(NSG, NSG, &[]);
        let turned = "networkSecurityGroups: [{ name: WEB, properties: { securityRules: [{ name: b, properties: { priority: 110 } }, { name: a, priority: 100 }] } }]";
        check(NSG, turned, &[]);
    }

    #[test]
    fn fields_are_named_and_what_came_or_went_is_told() {
        let after = "networkSecurityGroups: [{ name: web, securityRules: [{ name: a, priority: 120 }, { name: c, priority: 110 }] }, { name: new }]";
        check(
            NSG,
            after,
            &[
                "added new",
                "web securityRules.a.priority: 100 -> 120",
                "web securityRules.b: {\"name\":\"b\",\"priority\":110} -> -",
                "web securityRules.c: - -> {\"name\":\"c\",\"priority\":110}",
            ],
        );
        check(NSG, "hosts: []", &["removed web"]);
    }

    #[test]
    fn plain_lists_are_sets() {
        let vnet = |list: &str| format!("virtualNetworks: [{{ name: v, addressPrefixes: [{list}] }}]");
        check(&vnet("10.0.0.0/16, 10.1.0.0/16"), &vnet("10.1.0.0/16, 10.0.0.0/16"), &[]);
        let want = ["v addressPrefixes: [\"10.0.0.0/16\"] -> [\"10.1.0.0/16\"]"];
        check(&vnet("10.0.0.0/16"), &vnet("10.1.0.0/16"), &want);
    }
}
