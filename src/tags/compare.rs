//! What one publication of the tags has that another has not.

use super::ServiceTags;
use crate::net::AddressSet;
use std::sync::Arc;

/// A tag that differs between two tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagChange {
    /// Its name, as the newer table spells it where both have it.
    pub name: Arc<str>,
    /// What became of it.
    pub kind: TagChangeKind,
    /// Addresses that the newer table adds; all of a new tag.
    pub added: AddressSet,
    /// Addresses that the newer table has no more; all of a tag that is gone.
    pub removed: AddressSet,
}

/// What became of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TagChangeKind {
    /// Only the newer table has it.
    New,
    /// Only the older table has it.
    Gone,
    /// Both have it, with other addresses.
    Changed,
}

impl ServiceTags {
    /// The tags that differ from a newer table, in the order of names. A tag whose prefixes are only cut
    /// otherwise does not differ.
    pub fn changes_to(&self, newer: &ServiceTags) -> Vec<TagChange> {
        let mut out = Vec::new();
        let (mut old, mut new) = (self.tags.iter().peekable(), newer.tags.iter().peekable());
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => return out,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) => a.key.cmp(&b.key),
            };
            let was = if order.is_le() { old.next() } else { None };
            let is = if order.is_ge() { new.next() } else { None };
            let Some(tag) = is.or(was) else { return out };
            let nothing = AddressSet::empty();
            let (before, after) = (was.map_or(&nothing, |t| &t.set), is.map_or(&nothing, |t| &t.set));
            let kind = match (was, is) {
                (None, _) => TagChangeKind::New,
                (_, None) => TagChangeKind::Gone,
                _ if before == after => continue,
                _ => TagChangeKind::Changed,
            };
            let (added, removed) = (after.minus(before), before.minus(after));
            out.push(TagChange { name: tag.name.clone(), kind, added, removed });
        }
    }
}
