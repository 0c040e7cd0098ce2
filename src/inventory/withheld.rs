//! Values that the files hold and do not tell, each with the resource it belongs to: an expression that cannot be
//! evaluated, a parameter without a value.
//!
//! A reader that passes over such a value must not take it for an empty one. What leans on them is asked of this list,
//! so that a property nobody thought of in a plane makes the answer unknown instead of wrong.

use super::builder::inline_children;
use super::read::Unknown;
use super::shape::{Inside, Shape};
use super::{Inventory, Origin, RawResource, ResourceId, Slot, TableTag};
use crate::doc::{Node, Value};

/// A value that is not told.
#[derive(Clone, Debug, PartialEq)]
pub struct Withheld {
    /// Whose it is.
    pub slot: Slot,
    /// Which property: names down to it, without `properties` and the places in lists.
    pub path: String,
    /// Why, and where.
    pub unknown: Unknown,
}

/// One that has no slot yet.
pub(super) struct Found {
    id: ResourceId,
    path: String,
    unknown: Unknown,
}

impl Found {
    /// With the place of its resource.
    pub(super) fn placed(self, inventory: &Inventory) -> Option<Withheld> {
        let slot = inventory.slot(&self.id)?;
        Some(Withheld { slot, path: self.path, unknown: self.unknown })
    }
}

/// What a resource does not tell, of that which is read of it. What is only mentioned is unknown as a whole, which its
/// readers know.
pub(super) fn of(raw: &RawResource, tag: TableTag) -> Vec<Found> {
    let mut out = Vec::new();
    if raw.origin == Origin::Mentioned || !raw.body.has_unknown() {
        return out;
    }
    let Some(shape) = tag.shape() else { return out };
    let children: Vec<&str> = inline_children(&raw.id.kind()).map(|(property, _)| property).collect();
    let mut found =
        |path: &str, unknown| out.push(Found { id: raw.id.clone(), path: path.to_owned(), unknown });
    top(&raw.body, &shape, &children, &mut found);
    out
}

/// The properties of the resource itself, in `properties` or beside it.
fn top(body: &Node, shape: &Shape, children: &[&str], found: &mut dyn FnMut(&str, Unknown)) {
    let Value::Object(object) = &body.value else { return };
    for entry in object.iter() {
        let is = |word: &&str| word.eq_ignore_ascii_case(&entry.key);
        if entry.key.eq_ignore_ascii_case("properties") {
            top(&entry.value, shape, children, found);
            if let Some(why) = entry.value.why_unknown() {
                found("properties", Unknown::new(entry.value.at, why.clone()));
            }
        } else if is(&"location") || children.iter().any(is) {
            below(&entry.value, None, &entry.key, found);
        } else {
            field(&entry.key, &entry.value, shape, &entry.key, found);
        }
    }
}

/// A property, if it is one that is read.
fn field(key: &str, node: &Node, shape: &Shape, path: &str, found: &mut dyn FnMut(&str, Unknown)) {
    let first = |p: &&str| p.split('.').next().is_some_and(|s| s.eq_ignore_ascii_case(key));
    let fields: Vec<_> = shape.fields.iter().filter(|f| f.paths.iter().any(first)).collect();
    let whole = fields.iter().find(|f| f.paths.iter().any(|p| p.eq_ignore_ascii_case(key)));
    match whole.map(|f| &f.inside) {
        Some(Inside::Block(inner)) => below(node, Some(inner), path, found),
        _ if !fields.is_empty() => below(node, None, path, found),
        _ => {}
    }
}

/// Everything below a property; of a part with fields of its own, those that are read.
fn below(node: &Node, shape: Option<&Shape>, path: &str, found: &mut dyn FnMut(&str, Unknown)) {
    match &node.value {
        Value::Unknown(why) => found(path, Unknown::new(node.at, why.clone())),
        Value::Array(items) => items.iter().for_each(|item| below(item, shape, path, found)),
        Value::Object(object) => {
            for entry in object.iter() {
                let path = format!("{path}.{}", entry.key);
                match shape {
                    _ if entry.key.eq_ignore_ascii_case("properties") => {
                        below(&entry.value, shape, path.trim_end_matches(".properties"), found);
                    }
                    Some(shape) => field(&entry.key, &entry.value, shape, &path, found),
                    None => below(&entry.value, None, &path, found),
                }
            }
        }
        _ => {}
    }
}
