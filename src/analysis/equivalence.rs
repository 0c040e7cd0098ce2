//! Whether two sets of rules of network security groups let through the same packets, and a packet that shows it
//! where they do not.
//!
//! Input: two [`Rules`], before and after. Output: an [`Equivalence`]. Nothing is sampled: `Equal` means every packet,
//! of either family and every protocol. Names of rules, priorities and the way prefixes are written make no difference.
//!
//! Addresses are cut into classes that no rule tells apart, senders first; for each class of senders the rules that are
//! left are brought into a canonical order (neighbours that say the same commute, what never matches goes), and only
//! where the two lists then differ are receivers, protocols and ports looked at, in the same way. So the cost follows
//! what differs, not the product of all classes. The tags `VirtualNetwork` and `Internet` are taken as they are at one
//! subnet, or as anything they may be ([`Around`]); application security groups as any membership.
//!
//! A rule that is not wholly known makes an answer unknown only where it could change it.

mod draft;
mod groups;
mod search;
mod space;

pub use groups::{GroupComparison, Scope, compare_groups};

use crate::diag::At;
use crate::inventory::Inventory;
use crate::net::{AddressSet, Header};
use crate::network::RuleSet;
use crate::tags::ServiceTags;
use std::sync::Arc;

/// A set of rules, with what its names mean.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The rules of one direction, the default rules among them.
    pub set: &'a RuleSet,
    /// Where application security groups have their ids.
    pub inventory: &'a Inventory,
    /// The prefixes of service tags.
    pub tags: &'a ServiceTags,
    /// What `VirtualNetwork` and `Internet` are.
    pub around: Around<'a>,
}

/// What the tags hold whose meaning depends on the place.
#[derive(Clone, Copy)]
pub enum Around<'a> {
    /// Any network: every address may be in `VirtualNetwork`, and what is public and is not, is in `Internet`.
    Anywhere {
        /// Public addresses.
        public: &'a AddressSet,
    },
    /// One subnet.
    At {
        /// The tag `VirtualNetwork`.
        virtual_network: &'a AddressSet,
        /// The tag `Internet`.
        internet: &'a AddressSet,
        /// Whether `VirtualNetwork` may hold more.
        doubt: bool,
    },
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Equivalence {
    /// Every packet is treated alike.
    Equal,
    /// Not every packet is: one that is not.
    Differs(Box<Witness>),
    /// It cannot be known, and why.
    Unknown(Vec<Arc<str>>),
    /// The rules are too entangled to be compared in bounded time.
    TooLarge,
}

/// A packet that two sets treat differently.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The packet. Source port 0 stands for one at a private endpoint, where conditions on source ports are passed over
    /// (NSG-27).
    pub header: Header,
    /// Sender, receiver.
    pub ends: [End; 2],
    /// What the set before says, and the one after.
    pub said: [Said; 2],
}

/// What a packet's end must be for the packet to show the difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Whether `VirtualNetwork` holds it, where that matters.
    pub virtual_network: Option<bool>,
    /// Whether `Internet` does.
    pub internet: Option<bool>,
    /// Application security groups it is in, by id.
    pub groups: Vec<String>,
}

/// What a set says to a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whether it lets the packet through.
    pub allows: bool,
    /// The rule that decides; `None` where none matches.
    pub rule: Option<Arc<str>>,
    /// Where that rule is written.
    pub at: At,
}

/// Compares two sets of one direction.
pub fn compare(before: &Rules<'_>, after: &Rules<'_>, inbound: bool) -> Equivalence {
    let unknown: Vec<Arc<str>> =
        [before, after].iter().filter_map(|r| r.set.unknown.as_ref()).map(|u| u.why.clone()).collect();
    if !unknown.is_empty() {
        return Equivalence::Unknown(unknown);
    }
    let Some(drafts) = draft::Drafts::new(before, after) else { return Equivalence::TooLarge };
    let mut doubts = Vec::new();
    for family in [space::Family::V4, space::Family::V6] {
        let mut search = search::Search::new(&drafts, before.around, family, inbound);
        match search.run() {
            search::Found::Witness(witness) => return Equivalence::Differs(witness),
            search::Found::TooLarge => return Equivalence::TooLarge,
            search::Found::Nothing => doubts.extend(search.doubts()),
        }
    }
    doubts.sort();
    doubts.dedup();
    if doubts.is_empty() { Equivalence::Equal } else { Equivalence::Unknown(doubts) }
}

#[cfg(test)]
mod tests;
