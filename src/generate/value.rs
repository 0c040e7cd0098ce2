//! Writing value trees in few words.

use crate::diag::At;
use crate::doc::{Entry, Node, Number, Object, Value};

/// What can stand in a tree.
pub(super) trait ToNode {
    fn node(self) -> Node;
}

impl ToNode for Node {
    fn node(self) -> Node {
        self
    }
}

impl ToNode for &str {
    fn node(self) -> Node {
        Node::string(At::NOWHERE, self)
    }
}

impl ToNode for String {
    fn node(self) -> Node {
        Node::string(At::NOWHERE, self)
    }
}

impl ToNode for bool {
    fn node(self) -> Node {
        Node::built(Value::Bool(self))
    }
}

impl ToNode for u32 {
    fn node(self) -> Node {
        Node::built(Value::Number(Number::Int(i64::from(self))))
    }
}

impl<T: ToNode> ToNode for Vec<T> {
    fn node(self) -> Node {
        Node::array(At::NOWHERE, self.into_iter().map(ToNode::node).collect())
    }
}

impl ToNode for Object {
    fn node(self) -> Node {
        Node::object(At::NOWHERE, self)
    }
}

/// Appends a key that is not there yet.
pub(super) fn put(object: &mut Object, key: &str, value: impl ToNode) {
    object.push(Entry { key: key.into(), key_at: At::NOWHERE, value: value.node() });
}

/// A reference as Azure writes it: `{"id": ...}`.
pub(super) fn reference(id: &crate::inventory::ResourceId) -> Node {
    let mut object = Object::new();
    put(&mut object, "id", id.as_str());
    object.node()
}

/// An object as a tree: `object! { "name": x, "properties": y }`.
macro_rules! object {
    ($($key:literal : $value:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "an object may be empty")]
        let mut object = $crate::doc::Object::new();
        $($crate::generate::value::put(&mut object, $key, $value);)*
        $crate::generate::value::ToNode::node(object)
    }};
}

/// A part with a name: `{"name": ..., "properties": {...}}`.
macro_rules! part {
    ($name:expr, $($key:literal : $value:expr),* $(,)?) => {
        $crate::generate::value::object! {
            "name": $name,
            "properties": $crate::generate::value::object! { $($key: $value),* },
        }
    };
}

pub(super) use {object, part};
