//! Which backend pools each attachment is in, as the files name them.

use super::attach::{Attachment, AttachmentId, AttachmentKind};
use crate::inventory::{Inventory, IpConfiguration, Many, NetworkInterface, ResourceId};
use crate::net::IpAddr;
use hashbrown::HashMap;

/// Memberships in backend pools.
#[derive(Debug, Default)]
pub struct Pools {
    of: HashMap<u32, Vec<String>, foldhash::fast::FixedState>,
    members: Vec<AttachmentId>,
    /// Load balancers by what names one of their pools.
    balancers: HashMap<String, Vec<u32>, foldhash::fast::FixedState>,
}

impl Pools {
    /// The references to pools that an attachment is in.
    pub fn of(&self, id: AttachmentId) -> &[String] {
        self.of.get(&id.0).map_or(&[], Vec::as_slice)
    }

    /// Every attachment that is in a pool.
    pub fn members(&self) -> &[AttachmentId] {
        &self.members
    }

    /// Rows of the load balancers with a rule for one of the pools of an attachment, in order.
    pub fn balancers_of(&self, id: AttachmentId) -> Vec<u32> {
        let named = self.of(id).iter().filter_map(|p| self.balancers.get(&p.to_ascii_lowercase()));
        let mut rows: Vec<u32> = named.flatten().copied().collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }
}

pub(super) fn pools(inventory: &Inventory, attachments: &[Attachment]) -> Pools {
    let mut out = Pools::default();
    for (number, attachment) in attachments.iter().enumerate() {
        let mut add = |configs: &Many<IpConfiguration>| {
            for config in configs {
                let texts = config.load_balancer_backend_address_pools.iter().map(|r| r.text.to_string());
                for text in texts {
                    out.of.entry(number as u32).or_default().push(text);
                }
            }
        };
        match attachment.kind {
            AttachmentKind::Interface(nic) => add(&inventory.network_interfaces[nic].ip_configurations),
            AttachmentKind::ScaleSet(set) => {
                for interface in &inventory.scale_sets[set].network_interface_configurations {
                    add(&interface.ip_configurations);
                }
            }
            _ => {}
        }
    }
    listed_by_pools(inventory, attachments, &mut out);
    out.members = out.of.keys().map(|n| AttachmentId(*n)).collect();
    out.members.sort_unstable();
    for (row, balancer) in inventory.load_balancers.iter().enumerate() {
        let outbound = balancer.outbound_rules.iter().filter_map(|r| r.backend_address_pool.known());
        let rules = balancer.load_balancing_rules.iter().flat_map(|r| r.backend_address_pool.iter());
        for text in outbound.chain(rules).map(|r| r.text.to_ascii_lowercase()) {
            let rows = out.balancers.entry(text).or_default();
            if rows.last() != Some(&(row as u32)) {
                rows.push(row as u32);
            }
        }
    }
    out
}

/// Members that a pool lists itself, by address or by the interface's configuration.
fn listed_by_pools(inventory: &Inventory, attachments: &[Attachment], out: &mut Pools) {
    let pools = || inventory.load_balancers.iter().flat_map(|b| b.backend_address_pools.iter());
    let mut by_address: HashMap<IpAddr, Vec<u32>> = HashMap::new();
    let mut by_interface: HashMap<u32, Vec<u32>> = HashMap::new();
    for pool in pools() {
        for ip in pool.addresses.iter().filter_map(|a| a.ip_address.known()) {
            by_address.entry(*ip).or_default();
        }
    }
    if by_address.is_empty() && pools().all(|p| p.backend_ip_configurations.is_empty()) {
        return;
    }
    for (number, attachment) in attachments.iter().enumerate() {
        if let Some(list) = attachment.address.and_then(|ip| by_address.get_mut(&ip)) {
            list.push(number as u32);
        }
        if let AttachmentKind::Interface(nic) = attachment.kind {
            by_interface.entry(nic.raw()).or_default().push(number as u32);
        }
    }
    for pool in pools() {
        let addresses = pool.addresses.iter().filter_map(|a| by_address.get(a.ip_address.known()?));
        let nics = pool.backend_ip_configurations.iter().filter_map(|r| interface_of(inventory, &r.id()?));
        let nics = nics.filter_map(|nic| by_interface.get(&nic));
        let mut members: Vec<u32> = addresses.chain(nics).flatten().copied().collect();
        members.sort_unstable();
        members.dedup();
        for member in members {
            out.of.entry(member).or_default().push(pool.id.as_str().to_owned());
        }
    }
}

/// The interface an id lies in.
fn interface_of(inventory: &Inventory, id: &ResourceId) -> Option<u32> {
    let nic = id.ancestor("Microsoft.Network/networkInterfaces")?;
    inventory.row::<NetworkInterface>(&nic).map(|n| n.raw())
}
