//! Reading arguments, and the ways an evaluation can end without a value.
//!
//! Input: evaluated nodes. Output: what a function needs of them, or the [`Fault`] that says why not. Knows
//! no template.

use crate::diag::At;
use crate::doc::{Entry, Node, Number, Object, Value};
use hashbrown::HashMap;
use std::sync::Arc;

/// Why an evaluation has no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// It would fail in a deployment too.
    Failed(String),
    /// It grows beyond what is allowed.
    Limit(String),
    /// It depends on what the files do not tell.
    Unknown(Arc<str>),
}

/// A value or the reason why there is none.
pub(super) type Outcome = Result<Node, Fault>;

/// The key under which an object says that it has further properties which are not known, and why: those of
/// a resource that is in none of the files.
pub(super) const OTHERS: &str = "…";

/// The same for a resource that is declared: what is not declared is known only after deployment.
pub(super) const LATER: &str = "…later";

/// A failure.
pub(super) fn failed<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Failed(message.into()))
}

/// The failure of an argument that has the wrong type; an unknown argument makes the result unknown.
pub(super) fn wrong<T>(node: &Node, wanted: &str) -> Result<T, Fault> {
    match &node.value {
        Value::Unknown(why) => Err(Fault::Unknown(why.clone())),
        other => failed(format!("takes {wanted}, not {}", other.kind())),
    }
}

/// The string.
pub(super) fn text(node: &Node) -> Result<&str, Fault> {
    node.as_str().map_or_else(|| wrong(node, "a string"), Ok)
}

/// The whole number.
pub(super) fn int(node: &Node) -> Result<i64, Fault> {
    node.as_int().map_or_else(|| wrong(node, "a whole number"), Ok)
}

/// The truth value.
pub(super) fn boolean(node: &Node) -> Result<bool, Fault> {
    node.as_bool().map_or_else(|| wrong(node, "a truth value"), Ok)
}

/// The items of a list.
pub(super) fn items(node: &Node) -> Result<&[Node], Fault> {
    node.as_array().map_or_else(|| wrong(node, "a list"), Ok)
}

/// The object, whole or with unknown further properties.
pub(super) fn object(node: &Node) -> Result<&Object, Fault> {
    node.as_object().map_or_else(|| wrong(node, "an object"), Ok)
}

/// The object if all its keys are known.
pub(super) fn whole_object(node: &Node) -> Result<&Object, Fault> {
    let object = object(node)?;
    match others(object) {
        Some(why) => Err(Fault::Unknown(why.clone())),
        None => Ok(object),
    }
}

/// Why an object may have further properties, if it may.
pub(super) fn others(object: &Object) -> Option<&Arc<str>> {
    object.get(OTHERS).or_else(|| object.get(LATER))?.why_unknown()
}

/// The entry that marks an object as having unknown further properties: [`OTHERS`] or [`LATER`].
pub(super) fn marker(key: &str, at: At, why: Arc<str>) -> Entry {
    Entry { key: key.into(), key_at: at, value: Node::unknown(at, why) }
}

/// Takes the markers out of a value that leaves the evaluator. What [`LATER`] promised is not configuration
/// and is dropped; an object with [`OTHERS`] is unknown as a whole, lest a property that is not there be taken
/// for its default.
pub(super) fn closed(node: &Node) -> Option<Node> {
    let value = match &node.value {
        Value::Array(items) => {
            let closed: Vec<Option<Node>> = items.iter().map(closed).collect();
            if closed.iter().all(Option::is_none) {
                return None;
            }
            let items =
                closed.into_iter().zip(items.iter()).map(|(new, old)| new.unwrap_or_else(|| old.clone()));
            Value::Array(Arc::new(items.collect()))
        }
        Value::Object(object) => {
            if let Some(outside) = object.get(OTHERS) {
                return Some(Node { at: node.at, value: outside.value.clone() });
            }
            let mut is_new = object.get(LATER).is_some();
            let entries = object.iter().filter(|e| &*e.key != LATER).map(|e| {
                let value = closed(&e.value);
                is_new |= value.is_some();
                Entry { value: value.unwrap_or_else(|| e.value.clone()), ..e.clone() }
            });
            let entries: Object = entries.collect();
            if !is_new {
                return None;
            }
            Value::Object(Arc::new(entries))
        }
        _ => return None,
    };
    Some(Node { at: node.at, value })
}

/// The first unknown value inside.
pub(super) fn first_unknown(node: &Node) -> Option<Arc<str>> {
    match &node.value {
        Value::Unknown(why) => Some(why.clone()),
        Value::Array(items) => items.iter().find_map(first_unknown),
        Value::Object(object) => object.iter().find_map(|e| first_unknown(&e.value)),
        _ => None,
    }
}

/// The value, unless something inside is unknown.
pub(super) fn known(node: &Node) -> Result<&Node, Fault> {
    first_unknown(node).map_or(Ok(node), |why| Err(Fault::Unknown(why)))
}

/// Whether two values are equal; nothing when that depends on an unknown part.
pub(super) fn same(a: &Node, b: &Node) -> Result<bool, Fault> {
    match (&a.value, &b.value) {
        (Value::Unknown(why), _) | (_, Value::Unknown(why)) => Err(Fault::Unknown(why.clone())),
        (Value::Array(a), Value::Array(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            all(a.iter().zip(b.iter()).map(|(a, b)| same(a, b)))
        }
        (Value::Object(a), Value::Object(b)) => same_objects(a, b),
        (Value::Number(a), Value::Number(b)) => Ok(as_float(*a) == as_float(*b)),
        (a, b) => Ok(a == b),
    }
}

fn same_objects(a: &Object, b: &Object) -> Result<bool, Fault> {
    if let Some(why) = others(a).or_else(|| others(b)) {
        return Err(Fault::Unknown(why.clone()));
    }
    if a.len() != b.len() {
        return Ok(false);
    }
    if a.len() <= FEW {
        return all(a.iter().map(|e| b.get(&e.key).map_or(Ok(false), |other| same(&e.value, other))));
    }
    let by_key: HashMap<String, &Node> = b.iter().map(|e| (e.key.to_ascii_lowercase(), &e.value)).collect();
    let pairs = a.iter().map(|e| (&e.value, by_key.get(&e.key.to_ascii_lowercase())));
    all(pairs.map(|(value, other)| other.map_or(Ok(false), |other| same(value, other))))
}

/// Objects with more keys than this are compared through a table.
const FEW: usize = 32;

/// Three-valued "and": one certain difference decides.
fn all(parts: impl Iterator<Item = Result<bool, Fault>>) -> Result<bool, Fault> {
    let mut verdict = Ok(true);
    for part in parts {
        match part {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(fault) => verdict = Err(fault),
        }
    }
    verdict
}

/// A number as a float.
pub(super) fn as_float(number: Number) -> f64 {
    match number {
        Number::Int(i) => i as f64,
        Number::Float(f) => f,
    }
}

/// Gives every node of a tree the same place.
pub(super) fn replace(node: &Node, at: At) -> Node {
    let value = match &node.value {
        Value::Array(items) => Value::Array(Arc::new(items.iter().map(|n| replace(n, at)).collect())),
        Value::Object(object) => {
            let entries = object.iter();
            let entries =
                entries.map(|e| Entry { key: e.key.clone(), key_at: at, value: replace(&e.value, at) });
            Value::Object(Arc::new(entries.collect()))
        }
        other => other.clone(),
    };
    Node { at, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Node {
        let mut notes = crate::diag::Diagnostics::new();
        crate::doc::parse_json(crate::diag::DocId(0), text, &mut notes).expect("json")
    }

    #[test]
    fn a_certain_difference_outweighs_an_unknown_part() {
        let unknown = Node::unknown(At::NOWHERE, "why");
        let pair = |n: Node, text: &str| Node::array(At::NOWHERE, vec![n, json(text)]);
        let same = |a: &Node, b: &Node| same(a, b).ok();
        assert_eq!(same(&pair(unknown.clone(), "1"), &pair(json("1"), "2")), Some(false));
        assert_eq!(same(&pair(unknown, "1"), &pair(json("1"), "1")), None);
        assert_eq!(same(&json(r#"{"a":1,"b":[2]}"#), &json(r#"{"b":[2],"a":1}"#)), Some(true));
        assert_eq!(same(&json("\"a\""), &json("\"A\"")), Some(false));
    }
}
