//! Private endpoints, services with their own firewalls, and hosts of the internet.

use super::{Maker, set_tree};
use crate::fast::tables::{Access, EndpointRow, ServiceRow, Status};
use crate::fast::tree::Tree;
use crate::inventory::{
    AddressMeaning, ConnectionStatus, DefaultAction, Field, Id, PlatformService, PrivateEndpoint,
    PublicNetworkAccess, Slot, TableTag,
};
use crate::net::{AddressSet, PortSet};
use crate::network::hub_of;
use crate::services::service_kind;
use hashbrown::HashSet;

impl Maker<'_> {
    /// Compiles services and their endpoints.
    pub(super) fn services(&mut self) {
        let inventory = &self.net.inventory;
        let around = self.perimeters();
        let connected = self.connected();
        for (id, row) in inventory.services.rows() {
            let access = match around.contains(&id.raw()) {
                true => Access::Doubt,
                false => self.access(row, connected.contains(&id.raw())),
            };
            let storage = row.id.is_kind("Microsoft.Storage/storageAccounts");
            let region = row.location.known().filter(|_| storage).map(|l| crate::network::normal_region(l));
            let region = region.map_or(0, |r| self.region(r));
            // What answers on some ports only, or is switched off, the full engine knows.
            // Whether storage is near is asked of its region (OUT-7).
            let placed = !storage || row.location.known().is_some();
            let certain =
                placed && row.uncertain.is_none() && !row.listens.given && row.listens.unknown.is_none();
            self.fast.services.push(ServiceRow { certain, access, region });
        }
        for endpoint in inventory.private_endpoints.iter() {
            let row = self.endpoint(endpoint);
            self.fast.endpoints.push(row);
        }
        for host in inventory.internet_hosts.iter() {
            let listens = host.listens.given.then(|| PortSet::new(host.listens.items.iter().copied()));
            self.fast.hosts.push(listens);
        }
    }

    /// Services with a network security perimeter.
    fn perimeters(&self) -> HashSet<u32> {
        let inventory = &self.net.inventory;
        let named = inventory.perimeter_associations.iter().filter_map(|a| a.private_link_resource.known());
        named.filter_map(|r| service_slot(inventory.follow_any(&r.text)?)).collect()
    }

    /// Services with a private endpoint of the estate.
    fn connected(&self) -> HashSet<u32> {
        let inventory = &self.net.inventory;
        let targets = inventory.private_endpoints.iter().map(|e| crate::network::target_of(inventory, e).0);
        targets.filter_map(|t| service_slot(t?)).collect()
    }

    fn endpoint(&self, endpoint: &PrivateEndpoint) -> EndpointRow {
        let inventory = &self.net.inventory;
        let (target, groups) = crate::network::target_of(inventory, endpoint);
        let lost = EndpointRow { service: 0, serves: 0, position: 0, status: Status::Doubt };
        let Some(service) = target.and_then(service_slot) else { return lost };
        let kind = service_kind(&inventory.services.as_slice()[service as usize].id.kind());
        let endpoints = kind.map_or(&[][..], |k| k.endpoints);
        if endpoints.len() > 64 {
            return lost;
        }
        let named = |group: &str| groups.iter().any(|g| g.eq_ignore_ascii_case(group));
        let mut serves = u64::MAX;
        for (position, own) in endpoints.iter().enumerate() {
            if !groups.is_empty() && !named(own.group) {
                serves &= !(1 << position);
            }
        }
        let position = endpoints.iter().position(|e| named(e.group)).unwrap_or(0) as u8;
        // A hub's endpoint serves its projects too, which the full engine knows.
        let own = Some(Id::new(service as usize));
        let shared =
            inventory.services.rows().any(|(id, row)| !row.hub.is_absent() && hub_of(inventory, id) == own);
        let status = if shared { Status::Doubt } else { self.status(endpoint, service) };
        EndpointRow { service, serves, position, status }
    }

    /// PE-1: only an Approved connection carries traffic.
    fn status(&self, endpoint: &PrivateEndpoint, service: u32) -> Status {
        let service = &self.net.inventory.services.as_slice()[service as usize];
        let told = &service.private_endpoint_connections;
        let at_target = crate::network::connection_of(&self.net.inventory, told, endpoint).map(|c| &c.status);
        let own = endpoint.connections.items.first().map(|c| &c.status);
        let fields = [at_target, Some(&endpoint.status), own];
        match fields.into_iter().flatten().find(|f| !f.is_absent()) {
            Some(Field::Known(ConnectionStatus::Approved)) => Status::Open,
            Some(Field::Known(_)) => Status::Closed,
            Some(Field::Unknown(unknown))
                if endpoint.uncertain.is_some() || !unknown.why.contains("deploy") =>
            {
                Status::Doubt
            }
            _ if endpoint.manual_connections.items.is_empty() => Status::Open,
            _ => Status::Closed,
        }
    }

    fn access(&mut self, row: &PlatformService, connected: bool) -> Access {
        // The switches of online endpoints are their own (AML-3).
        let kind = service_kind(&row.id.kind());
        if kind.is_some_and(|k| k.endpoints.iter().any(|e| e.host.ends_with(crate::trace::SCORING_HOST))) {
            return Access::Doubt;
        }
        // A cluster lets in the addresses that its own nodes leave by.
        if !row.authorized_ip_ranges.is_empty() {
            return Access::Doubt;
        }
        if row.enable_private_cluster.is(true) {
            return Access::Closed;
        }
        if row.restricts() {
            return Access::Doubt;
        }
        match row.public_access(connected) {
            Err(_) => return Access::Doubt,
            Ok(PublicNetworkAccess::Enabled) => {}
            Ok(_) => return Access::Closed,
        }
        let first_generation = row.public_network_access.is_absent()
            && row.allow_public_access_when_behind_vnet.is(false)
            && connected;
        if first_generation {
            return Access::Closed;
        }
        match row.rest() {
            Err(_) => Access::Doubt,
            Ok(DefaultAction::Allow) => Access::Open,
            Ok(DefaultAction::Deny) => self.by_rules(row),
        }
    }

    fn by_rules(&mut self, row: &PlatformService) -> Access {
        if row.lets_in_azure() {
            return Access::Doubt;
        }
        // Whether an account without a location is in the sender's own region cannot be told (ST-4).
        let storage = row.id.is_kind("Microsoft.Storage/storageAccounts");
        if storage && row.location.known().is_none() && !row.ip_rules.is_empty() {
            return Access::Doubt;
        }
        let mut set = AddressSet::empty();
        for word in row.listed_addresses() {
            match &word.means {
                AddressMeaning::Any => set.extend(&AddressSet::all()),
                AddressMeaning::Addresses(addresses) => set.extend(addresses),
                AddressMeaning::Tag(_) => {}
            }
        }
        let addresses: Tree = set_tree(&mut self.fast.lines, set.v4());
        let first = self.fast.let_in.len() as u32;
        for reference in &row.virtual_network_rules {
            let subnet = match reference.id() {
                Some(id) => self.net.inventory.row::<crate::inventory::Subnet>(&id),
                None => self.net.inventory.follow(reference).row(),
            };
            self.fast.let_in.extend(subnet.map(Id::raw));
        }
        let subnets = (first, self.fast.let_in.len() as u32);
        let doubt = row.listed_addresses().unknown.is_some() || row.virtual_network_rules.unknown.is_some();
        Access::Rules { addresses, subnets, doubt }
    }
}

fn service_slot(slot: Slot) -> Option<u32> {
    (slot.table == TableTag::PlatformService).then_some(slot.row)
}
