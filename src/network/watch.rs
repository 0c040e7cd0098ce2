//! What an answer was read from, for who wants to know when it must be given anew.
//!
//! The rules of a group are read with a header, the routes of a table for an address, a `VirtualNetwork` tag for its
//! subnet: each has one door ([`super::Network::rules_at`], [`super::Network::choose`] and its like,
//! [`super::Network::place`]). Whoever reads more of a subnet reads the whole of it ([`super::Network::subnet`]); what
//! neither rules nor routes change has a door that nobody watches ([`super::Network::ground`]). So an answer that read
//! nothing of what a change touches does not depend on it.

use crate::inventory::{Id, Nsg, Subnet};
use crate::net::{Header, IpAddr};
use std::sync::Mutex;

/// What was read of a subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Read {
    /// Anything.
    Whole,
    /// What its `VirtualNetwork` tag holds.
    Tag,
    /// Its routes, for an address.
    Route(IpAddr),
    /// The rules of a group in a direction, for a header.
    Rules(Id<Nsg>, bool, Header),
}

/// Reads, each with its subnet.
pub type Reads = Vec<(Id<Subnet>, Read)>;

/// What was read so far.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Reads>);

impl Watch {
    /// Something of a subnet is read.
    #[cold]
    pub(super) fn saw(&self, subnet: Id<Subnet>, read: Read) {
        let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seen.last() != Some(&(subnet, read)) {
            seen.push((subnet, read));
        }
    }

    /// What was read since the last time, in order, each once.
    pub fn take(&self) -> Reads {
        let mut seen = std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        seen.sort_unstable();
        seen.dedup();
        seen
    }
}
