//! Other rules in a network that is compiled already.

use super::Network;
use super::security::rule_sets;
use crate::diag::Diagnostics;
use crate::inventory::{Id, RawResource, Slot, TableTag};

impl Network {
    /// Gives a network security group, or a rule collection group of a firewall policy, the rules of another of the same
    /// id. Comes to the same as a network compiled with them, for nothing else is made of such rules than is made anew
    /// here. `false` where there is no such group.
    pub fn replace_rules(&mut self, with: &RawResource, notes: &mut Diagnostics) -> bool {
        match self.inventory.replace_rules(with, notes) {
            Some(Slot { table: TableTag::Nsg, row }) => {
                let [inbound, outbound] =
                    rule_sets(&self.inventory, Id::new(row as usize), &self.tags, notes);
                self.security.inbound[row as usize] = inbound;
                self.security.outbound[row as usize] = outbound;
                true
            }
            // Their rules are asked where they stand.
            Some(_) => true,
            None => false,
        }
    }
}
