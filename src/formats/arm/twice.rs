//! Children that one deployment writes twice: inside their parent, and as resources of their own.
//!
//! Input: the emitted resources, each with the instance that declares it. Output: the same, with one description for
//! each such child. Azure deploys both: a PUT of the parent writes the children that stand in it, a PUT of the child
//! writes all of the child again. The later one counts whole, so that a subnet deployed after its network has no
//! network security group unless it names one itself (NSG-5). Which one is later is said by `dependsOn`; where that
//! does not say it, the properties in which the two differ are unknown.
//!
//! This is so for children that are resources beside others of their kind (subnets, peerings, rule collection
//! groups); rules of a network security group and routes of a route table are added to what stands in their parent,
//! and one of an equal name replaces the other.

use super::depends::{Order, Orders};
use super::engine::Engine;
use crate::diag::{Code, Diagnostic};
use crate::doc::{Node, Object};
use crate::inventory::{Origin, RawResource, ResourceId, inline_children, same_meaning};
use hashbrown::{HashMap, HashSet};

impl Engine<'_> {
    /// Leaves one description of each child that stands inside its parent and alone.
    pub(super) fn write_once(&mut self, raws: &mut Vec<RawResource>, instances: &[usize]) {
        let ours = |raw: &RawResource| raw.origin == Origin::Template;
        let rows: HashMap<ResourceId, usize> = raws
            .iter()
            .enumerate()
            .filter(|(_, raw)| ours(raw))
            .map(|(row, raw)| (raw.id.clone(), row))
            .collect();
        let (mut gone, mut orders) = (HashSet::new(), Orders::default());
        for child in 0..raws.len() {
            let parent = raws[child].id.parent().and_then(|id| rows.get(&id).copied());
            let Some(parent) = parent.filter(|parent| *parent != child && ours(&raws[child])) else {
                continue;
            };
            let Some((list, number)) = inside(&raws[parent], &raws[child].id) else { continue };
            match self.order_of(instances[parent], instances[child], &mut orders) {
                Order::Before => raws[parent].body = without_item(&raws[parent].body, list, number),
                Order::After => {
                    gone.insert(child);
                }
                Order::Open => self.dispute(raws, parent, child, list, number),
            }
        }
        let mut row = 0;
        raws.retain(|_| {
            row += 1;
            !gone.contains(&(row - 1))
        });
    }

    /// Nobody knows which of the two comes last: what they agree on holds.
    fn dispute(&mut self, raws: &mut [RawResource], parent: usize, child: usize, list: &str, number: usize) {
        let items = raws[parent].body.path(&format!("properties.{list}")).and_then(Node::as_array);
        let Some(item) = items.and_then(|items| items.get(number)).cloned() else { return };
        let (body, disputed) = agreed(&item, &raws[child].body);
        let Some(first) = disputed.first() else { return };
        let name = raws[child].id.full_name();
        let message = format!(
            "`{name}` is deployed inside its parent and alone, nothing says which comes last, and `{first}` differs"
        );
        let note = Diagnostic::new(Code::DuplicateResource, raws[child].at, message);
        self.note(note.also(item.at, "inside its parent").help(
            "the later one replaces the other whole: name the parent in `dependsOn`, or describe the child once",
        ));
        raws[child].body = body;
        raws[parent].body = without_item(&raws[parent].body, list, number);
    }
}

/// The list of a parent that holds a child, and its place there.
fn inside(parent: &RawResource, child: &ResourceId) -> Option<(&'static str, usize)> {
    inline_children(&parent.id.kind()).find_map(|(list, segment)| {
        let items = parent.body.path(&format!("properties.{list}"))?.as_array()?;
        let is_it = |item: &Node| {
            let name = item.get("name").and_then(Node::as_str);
            name.is_some_and(|name| parent.id.child(segment, name) == *child)
        };
        Some((list, items.iter().position(is_it)?))
    })
}

fn without_item(body: &Node, list: &str, number: usize) -> Node {
    let (Some(outer), Some(inner)) = (body.as_object(), body.get("properties")) else { return body.clone() };
    let (Some(properties), Some(items)) =
        (inner.as_object(), inner.get(list).filter(|items| items.as_array().is_some()))
    else {
        return body.clone();
    };
    let kept = items.as_array().unwrap_or_default().iter().enumerate();
    let kept: Vec<Node> = kept.filter(|(at, _)| *at != number).map(|(_, item)| item.clone()).collect();
    let (mut outer, mut properties) = (outer.clone(), properties.clone());
    properties.set(list, items.at, Node::array(items.at, kept));
    outer.set("properties", inner.at, Node::object(inner.at, properties));
    Node::object(body.at, outer)
}

/// A child's body with every property unknown in which another description of it differs, and those properties.
fn agreed(other: &Node, own: &Node) -> (Node, Vec<String>) {
    let (Some(body), Some(ours)) = (own.as_object(), own.get("properties").and_then(Node::as_object)) else {
        return (own.clone(), Vec::new());
    };
    let theirs = other.get("properties").and_then(Node::as_object).cloned().unwrap_or_default();
    let keys = ours.iter().chain(theirs.iter());
    let (mut properties, mut disputed): (Object, Vec<String>) = (ours.clone(), Vec::new());
    for entry in keys {
        let same = match (ours.get(&entry.key), theirs.get(&entry.key)) {
            (Some(a), Some(b)) => same_meaning(a, b),
            (Some(one), None) | (None, Some(one)) => says_nothing(one),
            (None, None) => true,
        };
        if !same {
            let why = format!(
                "whether the description of `{}` in the parent or the one alone is deployed last",
                entry.key
            );
            properties.set(entry.key.clone(), entry.key_at, Node::unknown(entry.value.at, why));
            if !disputed.iter().any(|key| key.eq_ignore_ascii_case(&entry.key)) {
                disputed.push(entry.key.to_string());
            }
        }
    }
    let (at, mut body) = (own.get("properties").map_or(own.at, |p| p.at), body.clone());
    body.set("properties", at, Node::object(at, properties));
    (Node::object(own.at, body), disputed)
}

/// Whether a property that one description lacks makes no difference: null, or an empty list.
fn says_nothing(node: &Node) -> bool {
    node.is_null() || node.as_array().is_some_and(<[Node]>::is_empty)
}
