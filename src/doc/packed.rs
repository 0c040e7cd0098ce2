//! Lists whose objects are kept once for each text.
//!
//! The rules of security groups and the routes of tables come out of templates: in a large estate, a hundred thousand
//! lists hold the same few thousand objects. A packed list remembers for each item where it stands and which text
//! stood there; the object of that text is kept once, with places counted from its own start. Who wants the items as
//! nodes gets them, made when first asked for; who knows how ([`Packed::shapes`]) reads each text once.

use super::node::{Entry, Node, Object, Value};
use crate::diag::{At, DocId};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// An object as its text has it, without regard to where it stands.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The object; places are counted from its first byte.
    pub(super) node: Node,
    /// Where it stood first.
    pub(super) first: u32,
}

/// The objects of a document, filled when it is read.
pub(super) type Shapes = Arc<OnceLock<Vec<Shape>>>;

/// For each item, where it stands and the number of its shape.
pub(super) type Items = Box<[(u32, u32)]>;

/// A list of objects, each kept as a place and the number of a shape.
pub struct Packed {
    doc: DocId,
    items: Items,
    shapes: Shapes,
    full: OnceLock<Vec<Node>>,
}

impl Shape {
    /// The text it has.
    pub(super) fn text<'t>(&self, bytes: &'t [u8]) -> &'t [u8] {
        &bytes[self.first as usize..self.first as usize + self.node.at.end as usize]
    }
}

/// An item of a packed list.
#[derive(Clone, Copy, Debug)]
pub struct PackedItem<'a> {
    /// Where it stands.
    pub at: At,
    /// The number of its shape in the document.
    pub shape: usize,
    /// Its object, with places counted from its first byte.
    pub node: &'a Node,
}

impl Packed {
    pub(super) fn new(doc: DocId, items: Items, shapes: Shapes) -> Self {
        Self { doc, items, shapes, full: OnceLock::new() }
    }

    /// The items as nodes of their own; made at the first call, and then kept.
    pub fn full(&self) -> &[Node] {
        self.full.get_or_init(|| self.iter().map(|item| moved(item.node, item.at.start)).collect())
    }

    /// The items.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = PackedItem<'_>> {
        let shapes = self.shapes.get().map_or(&[][..], Vec::as_slice);
        self.items.iter().map(move |(start, shape)| {
            let node = &shapes[*shape as usize].node;
            let at = At { doc: self.doc, start: *start, end: start + node.at.end };
            PackedItem { at, shape: *shape as usize, node }
        })
    }

    /// An item as a node of its own.
    pub fn one(item: &PackedItem<'_>) -> Node {
        moved(item.node, item.at.start)
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// What tells the shapes of one document from those of another.
    pub fn table(&self) -> usize {
        Arc::as_ptr(&self.shapes) as usize
    }

    /// How many shapes the document has.
    pub fn shapes(&self) -> usize {
        self.shapes.get().map_or(0, Vec::len)
    }
}

/// Objects of packed lists put together again, without their text.
#[derive(Debug, Default)]
pub struct Shelf {
    shapes: Vec<Shape>,
    table: Shapes,
}

impl Shelf {
    /// Keeps an object whose places are counted from its first byte, and gives its number; `None` for what can be in no
    /// packed list.
    pub fn add(&mut self, node: Node) -> Option<u32> {
        let fits =
            node.at.start == 0 && matches!(node.value, Value::Object(_)) && lies_within(&node, node.at.end);
        if !fits {
            return None;
        }
        self.shapes.push(Shape { node, first: 0 });
        u32::try_from(self.shapes.len() - 1).ok()
    }

    /// A list of objects that are kept here: where each stands, and its number. It holds nothing until the shelf is
    /// closed.
    pub fn list(&self, doc: DocId, items: Vec<(u32, u32)>) -> Option<Packed> {
        let ends =
            |(start, shape): &(u32, u32)| start.checked_add(self.shapes.get(*shape as usize)?.node.at.end);
        let sound = items.iter().all(|item| ends(item).is_some());
        sound.then(|| Packed::new(doc, items.into(), self.table.clone()))
    }

    /// Ends the keeping.
    pub fn close(self) {
        // INVARIANT: the table is filled once, here.
        let _ = self.table.set(self.shapes);
    }
}

/// Whether all places of a tree lie before an end, and no list in it is packed.
fn lies_within(node: &Node, end: u32) -> bool {
    let here = |at: At| at.start <= at.end && at.end <= end;
    here(node.at)
        && match &node.value {
            Value::Packed(_) => false,
            Value::Array(items) => items.iter().all(|item| lies_within(item, end)),
            Value::Object(object) => object.iter().all(|e| here(e.key_at) && lies_within(&e.value, end)),
            _ => true,
        }
}

/// A tree whose places are counted from so much further back.
fn moved(node: &Node, by: u32) -> Node {
    let shift = |at: At| At { start: at.start + by, end: at.end + by, ..at };
    let value = match &node.value {
        Value::Array(items) => Value::Array(Arc::new(items.iter().map(|n| moved(n, by)).collect())),
        Value::Object(object) => {
            let entry =
                |e: &Entry| Entry { key: e.key.clone(), key_at: shift(e.key_at), value: moved(&e.value, by) };
            Value::Object(Arc::new(object.iter().map(entry).collect::<Object>()))
        }
        other => other.clone(),
    };
    Node { at: shift(node.at), value }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.full().fmt(f)
    }
}
