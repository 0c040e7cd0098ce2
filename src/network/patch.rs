//! Other rules in a network that is compiled already.

use super::Network;
use super::regions::{among, in_collections, in_group};
use super::security::rule_sets;
use crate::diag::Diagnostics;
use crate::inventory::{Id, RawResource, TableTag};
use std::collections::BTreeSet;

impl Network {
    /// Gives a network security group, or a rule collection group of a firewall policy, the rules of another of the same
    /// id. Comes to the same as a network compiled with them, for nothing else is made of such rules than is made anew
    /// here. `false` where there is no such group.
    pub fn replace_rules(&mut self, with: &RawResource, notes: &mut Diagnostics) -> bool {
        let Some(slot) = self.inventory.replace_rules(with, notes) else { return false };
        let row = slot.row as usize;
        let named = match slot.table {
            TableTag::Nsg => {
                let [inbound, outbound] = rule_sets(&self.inventory, Id::new(row), &self.tags, notes);
                self.security.inbound[row] = inbound;
                self.security.outbound[row] = outbound;
                among(in_group(&self.inventory.nsgs[Id::new(row)]), &self.tags)
            }
            // Their rules are asked where they stand.
            _ => among(in_collections(&self.inventory.rule_collection_groups[Id::new(row)]), &self.tags),
        };
        // Tags that nobody names any more tell nothing apart, and may stay.
        self.names.regional =
            self.names.regional.iter().copied().chain(named).collect::<BTreeSet<_>>().into_iter().collect();
        true
    }
}
