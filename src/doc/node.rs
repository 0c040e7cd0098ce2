//! The value tree.

use super::packed::Packed;
use crate::diag::At;
use std::fmt;
use std::sync::Arc;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it was written; for a computed value, the expression that made it.
    pub at: At,
    /// The value.
    pub value: Value,
}

/// A number: whole where it was written whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// Anything else.
    Float(f64),
}

/// What a node holds. Cloning is cheap: the large variants are shared.
#[derive(Clone, Debug)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(Arc<str>),
    /// A list.
    Array(Arc<Vec<Node>>),
    /// A list of objects, each text kept once; large documents have them.
    Packed(Arc<Packed>),
    /// A mapping in the order written.
    Object(Arc<Object>),
    /// A value that the files do not tell, and why.
    Unknown(Arc<str>),
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key as written.
    pub key: Arc<str>,
    /// Where the key stands.
    pub key_at: At,
    /// The value.
    pub value: Node,
}

/// A mapping in the order written. Keys are found without regard to case, as Azure finds them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    entries: Vec<Entry>,
}

impl Object {
    /// An empty mapping.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a key, compared without case.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|e| &e.value)
    }

    /// The entry of a key, compared without case.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key.eq_ignore_ascii_case(key))
    }

    /// Sets a key; an equal key (without case) is replaced in place. Returns what was there.
    pub fn set(&mut self, key: impl Into<Arc<str>>, key_at: At, value: Node) -> Option<Node> {
        let key = key.into();
        if let Some(entry) = self.entries.iter_mut().find(|e| e.key.eq_ignore_ascii_case(&key)) {
            return Some(std::mem::replace(&mut entry.value, value));
        }
        self.entries.push(Entry { key, key_at, value });
        None
    }

    /// Appends without looking for an equal key; for builders that know there is none.
    pub fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Removes a key, compared without case.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.entries.iter().position(|e| e.key.eq_ignore_ascii_case(key))?;
        Some(self.entries.remove(at).value)
    }

    /// The entries in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry> {
        self.entries.iter()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl FromIterator<Entry> for Object {
    fn from_iter<T: IntoIterator<Item = Entry>>(iter: T) -> Self {
        Self { entries: iter.into_iter().collect() }
    }
}

impl Node {
    /// A node.
    pub fn new(at: At, value: Value) -> Self {
        Self { at, value }
    }

    /// A node without a place.
    pub fn built(value: Value) -> Self {
        Self { at: At::NOWHERE, value }
    }

    /// A string node.
    pub fn string(at: At, text: impl Into<Arc<str>>) -> Self {
        Self { at, value: Value::String(text.into()) }
    }

    /// An unknown value and why it is unknown.
    pub fn unknown(at: At, why: impl Into<Arc<str>>) -> Self {
        Self { at, value: Value::Unknown(why.into()) }
    }

    /// An object node.
    pub fn object(at: At, object: Object) -> Self {
        Self { at, value: Value::Object(Arc::new(object)) }
    }

    /// An array node.
    pub fn array(at: At, items: Vec<Node>) -> Self {
        Self { at, value: Value::Array(Arc::new(items)) }
    }

    /// The object inside.
    pub fn as_object(&self) -> Option<&Object> {
        if let Value::Object(o) = &self.value { Some(o) } else { None }
    }

    /// The items inside.
    pub fn as_array(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Array(items) => Some(items),
            Value::Packed(packed) => Some(packed.full()),
            _ => None,
        }
    }

    /// The string inside.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(s) = &self.value { Some(s) } else { None }
    }

    /// The whole number inside.
    pub fn as_int(&self) -> Option<i64> {
        if let Value::Number(Number::Int(i)) = &self.value { Some(*i) } else { None }
    }

    /// The truth value inside.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(b) = &self.value { Some(*b) } else { None }
    }

    /// The value of a key if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_object()?.get(key)
    }

    /// Follows keys, `a.b.c`.
    pub fn path(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self, |node, key| node.get(key))
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// Why this is unknown, if it is.
    pub fn why_unknown(&self) -> Option<&Arc<str>> {
        if let Value::Unknown(why) = &self.value { Some(why) } else { None }
    }

    /// The same with every packed list as a plain one, for those who do not know packed lists.
    pub fn unpacked(&self) -> Node {
        let value = match &self.value {
            Value::Array(items) => Value::Array(Arc::new(items.iter().map(Node::unpacked).collect())),
            Value::Packed(packed) => Value::Array(Arc::new(packed.full().to_vec())),
            Value::Object(object) => {
                let entry = |e: &Entry| Entry { value: e.value.unpacked(), ..e.clone() };
                Value::Object(Arc::new(object.iter().map(entry).collect()))
            }
            other => other.clone(),
        };
        Node { at: self.at, value }
    }

    /// Whether this or anything inside is unknown. What is packed was read from JSON, and is known.
    pub fn has_unknown(&self) -> bool {
        match &self.value {
            Value::Unknown(_) => true,
            Value::Array(items) => items.iter().any(Node::has_unknown),
            Value::Object(object) => object.iter().any(|e| e.value.has_unknown()),
            _ => false,
        }
    }
}

/// A packed list is equal to the plain one with the same items.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::String(a), Value::String(b)) | (Value::Unknown(a), Value::Unknown(b)) => a == b,
            (Value::Array(a), Value::Array(b)) => a == b,
            (Value::Packed(a), Value::Packed(b)) => a.full() == b.full(),
            (Value::Array(a), Value::Packed(b)) | (Value::Packed(b), Value::Array(a)) => a[..] == *b.full(),
            (Value::Object(a), Value::Object(b)) => a == b,
            _ => false,
        }
    }
}

impl Value {
    /// The JSON type's name, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a truth value",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) | Value::Packed(_) => "a list",
            Value::Object(_) => "an object",
            Value::Unknown(_) => "an unknown value",
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(i) => write!(f, "{i}"),
            Number::Float(x) => write!(f, "{x}"),
        }
    }
}

/// Compact JSON; an unknown value prints as `<unknown: why>`, which no JSON reader takes for a value.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Null => f.write_str("null"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::Number(n) => write!(f, "{n}"),
            Value::String(s) => f.write_str(&quote(s)),
            Value::Array(_) | Value::Packed(_) => {
                f.write_str("[")?;
                for (i, item) in self.as_array().unwrap_or_default().iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Value::Object(object) => {
                f.write_str("{")?;
                for (i, e) in object.iter().enumerate() {
                    write!(f, "{}{}:{}", if i == 0 { "" } else { "," }, quote(&e.key), e.value)?;
                }
                f.write_str("}")
            }
            Value::Unknown(why) => write!(f, "<unknown: {why}>"),
        }
    }
}

/// A string as a JSON literal.
fn quote(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}
