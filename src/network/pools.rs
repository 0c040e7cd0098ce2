//! Which backend pools each attachment is in, as the files name them.

use super::attach::{Attachment, AttachmentId, AttachmentKind};
use crate::diag::At;
use crate::inventory::{Inventory, IpConfiguration, Many, NetworkInterface, ResourceId};
use crate::net::IpAddr;
use hashbrown::HashMap;

/// Memberships in backend pools.
#[derive(Debug, Default)]
pub struct Pools {
    of: HashMap<u32, Vec<ResourceId>, foldhash::fast::FixedState>,
    members: Vec<AttachmentId>,
    /// Every pool by its name in lower case, with the row of its load balancer.
    named: HashMap<String, Vec<(u32, ResourceId)>, foldhash::fast::FixedState>,
    /// Rows of load balancers by the pools their rules name.
    balancers: HashMap<ResourceId, Vec<u32>, foldhash::fast::FixedState>,
}

impl Pools {
    /// The pools that an attachment is in.
    pub fn of(&self, id: AttachmentId) -> &[ResourceId] {
        self.of.get(&id.0).map_or(&[], Vec::as_slice)
    }

    /// Every attachment that is in a pool.
    pub fn members(&self) -> &[AttachmentId] {
        &self.members
    }

    /// The pools a reference means: by id, as `balancer/pool`, or by a bare name, which within a load balancer
    /// means its own.
    pub fn named(&self, inventory: &Inventory, text: &str, within: Option<u32>) -> Vec<ResourceId> {
        if ResourceId::looks_like_one(text) {
            return vec![ResourceId::new(text)];
        }
        let (balancer, pool) = text.rsplit_once('/').map_or((None, text), |(b, p)| (Some(b), p));
        let all = self.named.get(&pool.to_ascii_lowercase()).map_or(&[][..], Vec::as_slice);
        let rows = inventory.load_balancers.as_slice();
        let meant = |row: &u32| match (balancer, within) {
            (Some(name), _) => rows[*row as usize].id.name().eq_ignore_ascii_case(name),
            (None, own) => own.is_none_or(|own| own == *row),
        };
        all.iter().filter(|(row, _)| meant(row)).map(|(_, id)| id.clone()).collect()
    }

    /// Rows of the load balancers with a rule for one of the pools of an attachment, in order.
    pub fn balancers_of(&self, id: AttachmentId) -> Vec<u32> {
        let named = self.of(id).iter().filter_map(|p| self.balancers.get(p));
        let mut rows: Vec<u32> = named.flatten().copied().collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }
}

pub(super) fn pools(inventory: &Inventory, attachments: &[Attachment]) -> Pools {
    let mut out = Pools::default();
    for (row, balancer) in inventory.load_balancers.iter().enumerate() {
        for pool in &balancer.backend_address_pools {
            let key = pool.name.to_ascii_lowercase();
            out.named.entry(key).or_default().push((row as u32, pool.id()));
        }
    }
    for (number, attachment) in attachments.iter().enumerate() {
        let mut add = |configs: &Many<IpConfiguration>| {
            // An interface with several addresses has an attachment for each, from its own configuration.
            for config in configs.iter().filter(|config| config.at == attachment.at) {
                for reference in &config.load_balancer_backend_address_pools {
                    let pools = out.named(inventory, &reference.text, None);
                    if !pools.is_empty() {
                        out.of.entry(number as u32).or_default().extend(pools);
                    }
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
    out.balancers = balancers(inventory, &out);
    out
}

/// Rows of load balancers by the pools that their rules name.
fn balancers(
    inventory: &Inventory,
    pools: &Pools,
) -> HashMap<ResourceId, Vec<u32>, foldhash::fast::FixedState> {
    let mut out: HashMap<ResourceId, Vec<u32>, foldhash::fast::FixedState> = HashMap::default();
    for (row, balancer) in inventory.load_balancers.iter().enumerate() {
        let row = row as u32;
        let outbound = balancer.outbound_rules.iter().filter_map(|r| r.backend_address_pool.known());
        let rules = balancer.load_balancing_rules.iter().flat_map(|r| r.backend_address_pool.iter());
        for pool in outbound.chain(rules).flat_map(|r| pools.named(inventory, &r.text, Some(row))) {
            let rows = out.entry(pool).or_default();
            if rows.last() != Some(&row) {
                rows.push(row);
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
        let mut members: Vec<u32> = addresses.flatten().copied().collect();
        for (nic, at) in pool.backend_ip_configurations.iter().filter_map(|r| member(inventory, &r.id()?)) {
            let own = by_interface.get(&nic).into_iter().flatten().copied();
            members.extend(own.filter(|n| at.is_none_or(|at| attachments[*n as usize].at == at)));
        }
        members.sort_unstable();
        members.dedup();
        for member in members {
            out.of.entry(member).or_default().push(pool.id());
        }
    }
}

/// The interface an id lies in, and where the configuration that it names is written.
fn member(inventory: &Inventory, id: &ResourceId) -> Option<(u32, Option<At>)> {
    let nic = inventory.row::<NetworkInterface>(&id.ancestor("Microsoft.Network/networkInterfaces")?)?;
    let mut configs = inventory.network_interfaces[nic].ip_configurations.iter();
    let named = configs.find(|config| config.name.eq_ignore_ascii_case(id.name()));
    Some((nic.raw(), named.map(|config| config.at)))
}
