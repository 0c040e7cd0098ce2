//! What may not be deployed: resources under a condition that cannot be computed.
//!
//! Routes, rules and links in doubt make their own answers unknown. Here stand the nodes: a flow that meets one of these
//! leans on something of which nobody knows whether it is there.

use super::attach::{Attachment, AttachmentKind};
use crate::inventory::{Id, Inventory, ResourceId, Slot, TableTag, Unknown, VirtualMachine};
use hashbrown::HashMap;

/// Nodes that may not be there, by the id that a hop of a trace has.
pub type Presence = HashMap<ResourceId, Unknown, foldhash::fast::FixedState>;

/// Tables whose rows in doubt have answers of their own.
const ELSEWHERE: [TableTag; 3] = [TableTag::PlatformService, TableTag::PrivateEndpoint, TableTag::NatGateway];

/// Why it is not known whether a resource is deployed.
pub(super) fn of(inventory: &Inventory, slot: Slot) -> Option<Unknown> {
    let why = inventory.uncertain(slot)?;
    let name = inventory.id_of(slot)?.full_name();
    Some(Unknown::new(inventory.at_of(slot), format!("whether `{name}` is deployed is not known: {why}")))
}

pub(super) fn presence(
    inventory: &Inventory,
    attachments: &[Attachment],
    machines: &[Option<Id<VirtualMachine>>],
) -> Presence {
    let mut out = Presence::default();
    inventory.each(&mut |id, slot, _, _| {
        if !ELSEWHERE.contains(&slot.table)
            && let Some(unknown) = of(inventory, slot)
        {
            out.insert(id.clone(), unknown);
        }
    });
    if out.is_empty() {
        return out;
    }
    // What stands in a network that may not be there, or on a machine that may not, is in doubt itself.
    for (row, subnet) in inventory.subnets.rows() {
        let slot = Slot { table: TableTag::Subnet, row: row.raw() };
        let network = subnet.id.parent().and_then(|vnet| out.get(&vnet).cloned());
        if let Some(unknown) = of(inventory, slot).or(network) {
            out.insert(subnet.id.clone(), unknown);
        }
    }
    for attachment in attachments.iter().filter(|a| !ELSEWHERE.contains(&a.owner.table)) {
        let machine = match attachment.kind {
            AttachmentKind::Interface(nic) => machines[nic.index()],
            _ => None,
        };
        let machine = machine.and_then(|m| out.get(&inventory.virtual_machines[m].id));
        let subnet = out.get(&inventory.subnets[attachment.subnet].id);
        let found = machine.or(subnet).cloned();
        if let (Some(id), Some(unknown)) = (inventory.id_of(attachment.owner), found) {
            out.entry(id.clone()).or_insert(unknown);
        }
    }
    out
}
