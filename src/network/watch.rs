//! Which subnets an answer was read from, for who wants to know when it must be given anew.
//!
//! A group's rules and a route table act in the subnets that have them, and whoever asks them reads the subnet first:
//! [`super::Network::subnet`] is the one door. So an answer that read none of the subnets of a rule or route does not
//! depend on it.

use crate::inventory::{Id, Subnet};
use std::sync::Mutex;

/// Subnets that were read.
#[derive(Debug, Default)]
pub struct Watch(Mutex<Vec<u32>>);

impl Watch {
    /// A subnet is read.
    #[cold]
    pub(super) fn saw(&self, subnet: Id<Subnet>) {
        let mut seen = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if seen.last() != Some(&subnet.raw()) {
            seen.push(subnet.raw());
        }
    }

    /// Those seen since the last time, in order, each once.
    pub fn take(&self) -> Vec<u32> {
        let mut seen = std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        seen.sort_unstable();
        seen.dedup();
        seen
    }
}
