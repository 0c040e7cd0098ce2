//! Everything with an address inside a virtual network, and the addresses Azure would assign.
//!
//! AZURE: a dynamic address is not in a template. Azure gives the lowest free one from the fourth host of
//! the subnet on, so the same is done here, static addresses first; such an address is marked, and a trace
//! that meets it says that it was assumed.

use super::called::regional_labels;
use super::{Bound, SubnetRow};
use crate::diag::At;
use crate::inventory::{
    ApplicationGateway, Asg, AzureFirewall, BastionHost, EndpointConnection, Field, Host, Id,
    InboundEndpoint, Inventory, IpConfiguration, LoadBalancer, Many, MlCompute, NetworkInterface, Nsg,
    PlatformService, PrivateEndpoint, PublicIpAddress, Ref, ResourceId, ScaleSet, Slot, Subnet, TableTag,
    Unknown, VirtualHub, VirtualNetwork, VirtualNetworkGateway,
};
use crate::net::IpAddr;
use crate::services::service_kind;
use hashbrown::HashSet;
use std::sync::Arc;

/// Number of an attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttachmentId(pub u32);

impl AttachmentId {
    /// As an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What an attachment belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttachmentKind {
    /// A network interface.
    Interface(Id<NetworkInterface>),
    /// A host of our own estate file.
    Host(Id<Host>),
    /// An instance of a scale set.
    ScaleSet(Id<ScaleSet>),
    /// A node of a machine learning compute.
    Compute(Id<MlCompute>),
    /// A node of a platform service placed in the subnet (AKS node, integrated web app).
    ServiceNode(Id<PlatformService>),
    /// An address of a private endpoint; the second number tells which of its addresses.
    PrivateEndpoint(Id<PrivateEndpoint>, u8),
    /// A private frontend of a load balancer, by position.
    Frontend(Id<LoadBalancer>, u16),
    /// An application gateway.
    ApplicationGateway(Id<ApplicationGateway>),
    /// An Azure Firewall.
    Firewall(Id<AzureFirewall>),
    /// A virtual network gateway.
    Gateway(Id<VirtualNetworkGateway>),
    /// A Bastion host.
    Bastion(Id<BastionHost>),
    /// An inbound endpoint of a private resolver.
    Resolver(Id<InboundEndpoint>),
    /// A Route Server.
    RouteServer(Id<VirtualHub>),
}

/// Something with an address inside a virtual network.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// What it belongs to.
    pub kind: AttachmentKind,
    /// Its subnet.
    pub subnet: Id<Subnet>,
    /// Its virtual network.
    pub vnet: Id<VirtualNetwork>,
    /// Its address; `None` where it cannot be known.
    pub address: Option<IpAddr>,
    /// Whether the address is assumed because Azure assigns it at deployment.
    pub assumed: bool,
    /// The network security group of the interface.
    pub nsg: Bound<Nsg>,
    /// Application security groups it is in.
    pub asgs: Vec<Id<Asg>>,
    /// Its instance-level public address.
    pub public_ip: Bound<PublicIpAddress>,
    /// Its own name for a person.
    pub name: Arc<str>,
    /// The resource it belongs to.
    pub owner: Slot,
    /// Where it is declared.
    pub at: At,
}

/// What owns a public address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Occupant {
    /// An interface or the like, directly (instance-level).
    Attachment(AttachmentId),
    /// A public frontend of a load balancer.
    Frontend(Id<LoadBalancer>, u16),
    /// An Azure Firewall.
    Firewall(Id<AzureFirewall>),
    /// An application gateway.
    ApplicationGateway(Id<ApplicationGateway>),
    /// A Bastion host.
    Bastion(Id<BastionHost>),
    /// A virtual network gateway.
    Gateway(Id<VirtualNetworkGateway>),
    /// Something that is in none of the files, or of a type that is not modelled.
    Elsewhere(Id<PublicIpAddress>),
    /// A NAT gateway, or nothing: nothing listens.
    Nothing,
}

enum Wanted {
    Static(IpAddr),
    Dynamic { v6: bool },
    Unknowable,
}

struct Builder<'a> {
    inventory: &'a Inventory,
    subnets: &'a [SubnetRow],
    /// What is found, without addresses.
    found: Vec<Attachment>,
    /// The address each of them is to have.
    wanted: Vec<Wanted>,
}

/// Finds every attachment of the estate and gives addresses.
pub(super) fn attachments(inventory: &Inventory, subnets: &[SubnetRow]) -> Vec<Attachment> {
    let most = inventory.network_interfaces.len() + inventory.hosts.len();
    let (found, wanted) = (Vec::with_capacity(most), Vec::with_capacity(most));
    let mut builder = Builder { inventory, subnets, found, wanted };
    builder.interfaces();
    builder.hosts();
    builder.computes();
    builder.private_endpoints();
    builder.balancers();
    builder.appliances();
    assign(&mut builder.found, builder.wanted, subnets);
    builder.found.shrink_to_fit();
    builder.found
}

impl Builder<'_> {
    fn slot(&self, table: TableTag, row: u32) -> Slot {
        Slot { table, row }
    }

    fn subnet(&self, field: &Field<Ref<Subnet>>) -> Option<Id<Subnet>> {
        field.known().and_then(|r| self.inventory.follow(r).row())
    }

    fn asgs(&self, refs: &Many<Ref<Asg>>) -> Vec<Id<Asg>> {
        refs.iter().filter_map(|r| self.inventory.follow(r).row()).collect()
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one call per kind of attachment; a struct would only rename the arguments"
    )]
    fn add(
        &mut self,
        kind: AttachmentKind,
        owner: Slot,
        name: &str,
        at: At,
        subnet: Id<Subnet>,
        address: &Field<IpAddr>,
        v6: bool,
    ) -> &mut Attachment {
        let wanted = match address {
            Field::Known(ip) => Wanted::Static(*ip),
            Field::Absent => Wanted::Dynamic { v6 },
            // An address that a deployment assigns reads as unknown in a template; it is as good as absent.
            Field::Unknown(u) if u.why.contains("assigned") => Wanted::Dynamic { v6 },
            Field::Unknown(_) => Wanted::Unknowable,
        };
        let attachment = Attachment {
            kind,
            subnet,
            vnet: self.subnets[subnet.index()].vnet,
            address: None,
            assumed: false,
            nsg: Bound::None,
            asgs: Vec::new(),
            public_ip: Bound::None,
            name: name.into(),
            owner,
            at,
        };
        self.wanted.push(wanted);
        self.found.push_mut(attachment)
    }

    fn ip_configuration(
        &mut self,
        kind: AttachmentKind,
        owner: Slot,
        name: &str,
        config: &IpConfiguration,
        nsg: &Bound<Nsg>,
    ) {
        let Some(subnet) = self.subnet(&config.subnet) else { return };
        let v6 = config.private_ip_address_version.known().is_some_and(|v| v.eq_ignore_ascii_case("IPv6"));
        let dynamic =
            config.private_ip_allocation_method.known().is_some_and(|m| m.eq_ignore_ascii_case("Dynamic"));
        let address = match &config.private_ip_address {
            Field::Unknown(_) if dynamic => &Field::Absent,
            address => address,
        };
        let asgs = self.asgs(&config.application_security_groups);
        let public_ip = Bound::follow(self.inventory, &config.public_ip_address);
        let attachment = self.add(kind, owner, name, config.at, subnet, address, v6);
        attachment.asgs = asgs;
        attachment.public_ip = public_ip;
        attachment.nsg = nsg.clone();
    }

    fn interfaces(&mut self) {
        for (id, nic) in self.inventory.network_interfaces.rows() {
            // The interface of a private endpoint in an export is the endpoint itself, added there.
            if nic.private_endpoint.known().is_some() {
                continue;
            }
            let nsg = Bound::follow(self.inventory, &nic.network_security_group);
            let owner = self.slot(TableTag::NetworkInterface, id.raw());
            for config in &nic.ip_configurations {
                self.ip_configuration(AttachmentKind::Interface(id), owner, nic.id.name(), config, &nsg);
            }
        }
        for (id, set) in self.inventory.scale_sets.rows() {
            let owner = self.slot(TableTag::ScaleSet, id.raw());
            for interface in set.network_interface_configurations.iter().take(1) {
                let nsg = Bound::follow(self.inventory, &interface.network_security_group);
                let is_v6 = |c: &IpConfiguration| {
                    c.private_ip_address_version.known().is_some_and(|v| v.eq_ignore_ascii_case("IPv6"))
                };
                let configs = || interface.ip_configurations.iter();
                // One address of each family stands for all.
                for config in
                    [configs().find(|c| !is_v6(c)), configs().find(|c| is_v6(c))].into_iter().flatten()
                {
                    self.ip_configuration(AttachmentKind::ScaleSet(id), owner, set.id.name(), config, &nsg);
                }
            }
        }
    }

    fn hosts(&mut self) {
        for (id, host) in self.inventory.hosts.rows() {
            let Some(subnet) = self.subnet(&host.subnet) else { continue };
            let asgs = self.asgs(&host.application_security_groups);
            let nsg = Bound::follow(self.inventory, &host.network_security_group);
            let public_ip = Bound::follow(self.inventory, &host.public_ip_address);
            let owner = self.slot(TableTag::Host, id.raw());
            let v6 = host.private_ip_address.known().is_some_and(IpAddr::is_ipv6);
            let attachment = self.add(
                AttachmentKind::Host(id),
                owner,
                host.id.name(),
                host.at,
                subnet,
                &host.private_ip_address,
                v6,
            );
            (attachment.asgs, attachment.nsg, attachment.public_ip) = (asgs, nsg, public_ip);
        }
    }

    fn computes(&mut self) {
        for (id, compute) in self.inventory.ml_computes.rows() {
            let Some(subnet) = self.subnet(&compute.subnet) else { continue };
            let owner = self.slot(TableTag::MlCompute, id.raw());
            let public_ip = Bound::follow(self.inventory, &compute.public_ip_address);
            let nsg = Bound::follow(self.inventory, &compute.network_security_group);
            let attachment = self.add(
                AttachmentKind::Compute(id),
                owner,
                compute.id.name(),
                compute.at,
                subnet,
                &Field::Absent,
                false,
            );
            (attachment.nsg, attachment.public_ip) = (nsg, public_ip);
        }
        for (id, service) in self.inventory.services.rows() {
            let owner = self.slot(TableTag::PlatformService, id.raw());
            let mut nodes: Vec<Id<Subnet>> =
                service.agent_pool_subnets.iter().filter_map(|r| self.inventory.follow(r).row()).collect();
            nodes.extend(self.subnet(&service.virtual_network_subnet_id));
            nodes.sort_unstable();
            nodes.dedup();
            for subnet in nodes {
                let kind = AttachmentKind::ServiceNode(id);
                self.add(kind, owner, service.id.name(), service.at, subnet, &Field::Absent, false);
            }
        }
    }

    fn private_endpoints(&mut self) {
        for (id, endpoint) in self.inventory.private_endpoints.rows() {
            let Some(subnet) = self.subnet(&endpoint.subnet) else { continue };
            let owner = self.slot(TableTag::PrivateEndpoint, id.raw());
            let asgs = self.asgs(&endpoint.application_security_groups);
            let deployed = deployed_addresses(self.inventory, endpoint);
            for member in 0..members(self.inventory, endpoint) {
                let named = named_address(self.inventory, endpoint, member, &deployed);
                let address = named.unwrap_or_else(|| member_address(endpoint, member, &deployed));
                let kind = AttachmentKind::PrivateEndpoint(id, member);
                let attachment =
                    self.add(kind, owner, endpoint.id.name(), endpoint.at, subnet, &address, false);
                attachment.asgs = asgs.clone();
            }
        }
    }

    fn balancers(&mut self) {
        for (id, balancer) in self.inventory.load_balancers.rows() {
            let owner = self.slot(TableTag::LoadBalancer, id.raw());
            for (number, frontend) in balancer.frontend_ip_configurations.iter().enumerate() {
                let Some(subnet) = self.subnet(&frontend.subnet) else { continue };
                let kind = AttachmentKind::Frontend(id, number as u16);
                let v6 = frontend.private_ip_address.known().is_some_and(IpAddr::is_ipv6);
                self.add(
                    kind,
                    owner,
                    balancer.id.name(),
                    frontend.at,
                    subnet,
                    &frontend.private_ip_address,
                    v6,
                );
            }
        }
        for (id, gateway) in self.inventory.application_gateways.rows() {
            let owner = self.slot(TableTag::ApplicationGateway, id.raw());
            let kind = AttachmentKind::ApplicationGateway(id);
            let private =
                gateway.frontend_ip_configurations.iter().find(|f| self.subnet(&f.subnet).is_some());
            if let Some((frontend, subnet)) = private.and_then(|f| Some((f, self.subnet(&f.subnet)?))) {
                self.add(
                    kind,
                    owner,
                    gateway.id.name(),
                    gateway.at,
                    subnet,
                    &frontend.private_ip_address,
                    false,
                );
            } else if let Some(subnet) =
                gateway.gateway_ip_configurations.iter().find_map(|c| self.subnet(&c.subnet))
            {
                self.add(kind, owner, gateway.id.name(), gateway.at, subnet, &Field::Absent, false);
            }
        }
    }

    fn appliances(&mut self) {
        for (id, firewall) in self.inventory.azure_firewalls.rows() {
            let owner = self.slot(TableTag::AzureFirewall, id.raw());
            let configured =
                firewall.ip_configurations.iter().find_map(|c| Some((self.subnet(&c.subnet)?, c)));
            let subnet = configured.map(|(s, _)| s).or_else(|| self.subnet(&firewall.subnet));
            let Some(subnet) = subnet else { continue };
            let address = match (&firewall.private_ip_address, configured) {
                (Field::Absent, Some((_, config))) => config.private_ip_address.clone(),
                (own, _) => own.clone(),
            };
            self.add(
                AttachmentKind::Firewall(id),
                owner,
                firewall.id.name(),
                firewall.at,
                subnet,
                &address,
                false,
            );
        }
        for (id, gateway) in self.inventory.virtual_network_gateways.rows() {
            let owner = self.slot(TableTag::VirtualNetworkGateway, id.raw());
            let subnet = gateway.ip_configurations.iter().find_map(|c| self.subnet(&c.subnet));
            if let Some(subnet) = subnet.or_else(|| self.subnet(&gateway.subnet)) {
                let address = gateway_address(gateway);
                let (kind, name) = (AttachmentKind::Gateway(id), gateway.id.name());
                self.add(kind, owner, name, gateway.at, subnet, &address, false);
            }
        }
        for (id, bastion) in self.inventory.bastion_hosts.rows() {
            let owner = self.slot(TableTag::BastionHost, id.raw());
            let subnet = bastion.ip_configurations.iter().find_map(|c| self.subnet(&c.subnet));
            if let Some(subnet) = subnet.or_else(|| self.subnet(&bastion.subnet)) {
                self.add(
                    AttachmentKind::Bastion(id),
                    owner,
                    bastion.id.name(),
                    bastion.at,
                    subnet,
                    &Field::Absent,
                    false,
                );
            }
        }
        for (id, endpoint) in self.inventory.inbound_endpoints.rows() {
            let owner = self.slot(TableTag::InboundEndpoint, id.raw());
            let config = endpoint.ip_configurations.iter().find_map(|c| Some((self.subnet(&c.subnet)?, c)));
            if let Some((subnet, config)) = config {
                let address = config.private_ip_address.clone();
                self.add(
                    AttachmentKind::Resolver(id),
                    owner,
                    endpoint.id.name(),
                    endpoint.at,
                    subnet,
                    &address,
                    false,
                );
            }
        }
        for (id, hub) in self.inventory.virtual_hubs.rows() {
            let owner = self.slot(TableTag::VirtualHub, id.raw());
            if let Some(subnet) = hub.ip_configurations.iter().find_map(|c| self.subnet(&c.subnet)) {
                self.add(
                    AttachmentKind::RouteServer(id),
                    owner,
                    hub.id.name(),
                    hub.at,
                    subnet,
                    &Field::Absent,
                    false,
                );
            }
        }
    }
}

/// The address of a gateway as an export tells it: of its configuration, or the one it speaks BGP from.
fn gateway_address(gateway: &VirtualNetworkGateway) -> Field<IpAddr> {
    let own = gateway.ip_configurations.iter().find_map(|c| c.private_ip_address.known().copied());
    let bgp = || gateway.bgp_peering_address.known()?.split(',').next()?.trim().parse().ok();
    own.or_else(bgp).map_or(Field::Absent, Field::Known)
}

/// The service a private endpoint leads to, with its groups.
pub(crate) fn target_of<'a>(
    inventory: &'a Inventory,
    endpoint: &'a PrivateEndpoint,
) -> (Option<Slot>, Vec<Arc<str>>) {
    let written = match endpoint.target.known() {
        Some(target) => (inventory.follow_any(&target.text), endpoint.group_ids.items.clone()),
        None => {
            let Some(connection) = endpoint.connections.items.first() else { return (None, Vec::new()) };
            let target = connection.private_link_service_id.known();
            (target.and_then(|t| inventory.follow_any(&t.text)), connection.group_ids.items.clone())
        }
    };
    slot_of_site(inventory, &written).unwrap_or(written)
}

/// The deployment slot that a private endpoint leads to, which names its site and says the slot in the sub-resource:
/// `sites-stage`. There the slot's own names are served, as those of a site are by `sites`.
fn slot_of_site(
    inventory: &Inventory,
    (target, groups): &(Option<Slot>, Vec<Arc<str>>),
) -> Option<(Option<Slot>, Vec<Arc<str>>)> {
    let id = inventory.id_of((*target)?)?;
    let named = |group: &Arc<str>| {
        let (head, slot) = group.split_at_checked(SITE_SLOT.len())?;
        head.eq_ignore_ascii_case(SITE_SLOT).then(|| inventory.slot(&id.child("slots", slot)))?
    };
    let slot = groups.iter().find_map(named).filter(|_| id.is_kind("Microsoft.Web/sites"))?;
    Some((Some(slot), vec!["sites".into()]))
}

/// What sub-resources of deployment slots begin with.
const SITE_SLOT: &str = "sites-";

/// The private endpoint connections that a target lists.
pub(crate) fn connections_at(inventory: &Inventory, target: Slot) -> Option<&Many<EndpointConnection>> {
    let row = target.row as usize;
    match target.table {
        TableTag::PlatformService => Some(&inventory.services.as_slice()[row].private_endpoint_connections),
        TableTag::PrivateLinkService => {
            Some(&inventory.private_link_services.as_slice()[row].private_endpoint_connections)
        }
        TableTag::ApplicationGateway => {
            Some(&inventory.application_gateways.as_slice()[row].private_endpoint_connections)
        }
        _ => None,
    }
}

/// The connection of a private endpoint among those that its target lists, by id or by name.
pub(crate) fn connection_of<'a>(
    inventory: &Inventory,
    told: &'a Many<EndpointConnection>,
    endpoint: &PrivateEndpoint,
) -> Option<&'a EndpointConnection> {
    told.iter().find(|c| {
        let named = c.private_endpoint.known();
        named.is_some_and(|r| match r.id() {
            Some(id) => id == endpoint.id,
            None => inventory
                .follow(r)
                .row()
                .is_some_and(|row| inventory.private_endpoints[row].id == endpoint.id),
        })
    })
}

/// The hub of a project: a workspace of kind `Project` shares its hub's private endpoints and managed network.
pub(crate) fn hub_of(inventory: &Inventory, workspace: Id<PlatformService>) -> Option<Id<PlatformService>> {
    let hub = inventory.follow(inventory.services[workspace].hub.known()?).row()?;
    (hub != workspace).then_some(hub)
}

/// The resource type the endpoint's target has, even where the target itself is in none of the files.
pub(super) fn target_type(endpoint: &PrivateEndpoint) -> Option<String> {
    let text = endpoint
        .target
        .known()
        .or_else(|| endpoint.connections.items.first()?.private_link_service_id.known())?;
    text.id().map(|id| id.kind())
}

/// How many addresses a private endpoint owns.
fn members(inventory: &Inventory, endpoint: &PrivateEndpoint) -> u8 {
    let (target, groups) = target_of(inventory, endpoint);
    let kind =
        target.and_then(|slot| inventory.id_of(slot)).map(ResourceId::kind).or_else(|| target_type(endpoint));
    let Some(service) = kind.as_deref().and_then(service_kind) else { return 1 };
    let used = service.endpoints.iter().filter(|e| groups.iter().any(|g| g.eq_ignore_ascii_case(e.group)));
    let regions = service_row(inventory, target).map_or(0, |row| regional_labels(row).len());
    used.map(|e| e.member + 1).max().unwrap_or(1).saturating_add(u8::try_from(regions).unwrap_or(u8::MAX))
}

fn service_row(inventory: &Inventory, target: Option<Slot>) -> Option<&PlatformService> {
    let slot = target.filter(|slot| slot.table == TableTag::PlatformService)?;
    inventory.services.as_slice().get(slot.row as usize)
}

/// The address that the files give a region's name of the target, or its own, by that name.
fn named_address(
    inventory: &Inventory,
    endpoint: &PrivateEndpoint,
    member: u8,
    deployed: &[(String, IpAddr)],
) -> Option<Field<IpAddr>> {
    let row = service_row(inventory, target_of(inventory, endpoint).0)?;
    let regions = regional_labels(row);
    let label = match member.checked_sub(1) {
        None if regions.is_empty() => return None,
        None => row.label(),
        Some(region) => regions.get(usize::from(region))?.clone(),
    };
    let is_member = |word: &Arc<str>| word.eq_ignore_ascii_case(&label);
    let fixed = endpoint.ip_configurations.iter().find(|c| c.member_name.known().is_some_and(is_member));
    if let Some(fixed) = fixed {
        return Some(fixed.private_ip_address.clone());
    }
    let told = deployed.iter().find(|(fqdn, _)| fqdn.split('.').next() == Some(&label));
    told.map(|(_, ip)| Field::Known(*ip))
}

/// Addresses that an export tells, in the order of the endpoint's names.
fn deployed_addresses(inventory: &Inventory, endpoint: &PrivateEndpoint) -> Vec<(String, IpAddr)> {
    let mut out: Vec<(String, IpAddr)> = Vec::new();
    for config in &endpoint.custom_dns_configs {
        let fqdn = config.fqdn.known().map(|f| f.to_ascii_lowercase()).unwrap_or_default();
        out.extend(config.ip_addresses.iter().map(|ip| (fqdn.clone(), *ip)));
    }
    if out.is_empty() {
        for nic in endpoint.network_interfaces.iter().filter_map(|r| inventory.follow(r).row()) {
            let configs = inventory.network_interfaces[nic].ip_configurations.iter();
            out.extend(configs.filter_map(|c| c.private_ip_address.known().map(|ip| (String::new(), *ip))));
        }
    }
    out
}

fn member_address(endpoint: &PrivateEndpoint, member: u8, deployed: &[(String, IpAddr)]) -> Field<IpAddr> {
    if let Some(fixed) = endpoint.ip_configurations.items.get(usize::from(member)) {
        return fixed.private_ip_address.clone();
    }
    if member == 0 && !endpoint.private_ip_address.is_absent() {
        return endpoint.private_ip_address.clone();
    }
    let mut seen = HashSet::new();
    let distinct: Vec<IpAddr> = deployed.iter().map(|(_, ip)| *ip).filter(|ip| seen.insert(*ip)).collect();
    match distinct.get(usize::from(member)).or(distinct.last()) {
        Some(ip) => Field::Known(*ip),
        None => Field::Absent,
    }
}

/// Gives addresses: static ones as they are, dynamic ones the lowest free of their subnet.
fn assign(found: &mut [Attachment], wanted: Vec<Wanted>, subnets: &[SubnetRow]) {
    // Only where an address is to be found it matters which ones are taken.
    let mut dynamic = vec![false; subnets.len()];
    for (attachment, wanted) in found.iter().zip(&wanted) {
        dynamic[attachment.subnet.index()] |= matches!(wanted, Wanted::Dynamic { .. });
    }
    let mut taken: HashSet<(u32, IpAddr)> = HashSet::new();
    for (attachment, wanted) in found.iter().zip(&wanted) {
        if let Wanted::Static(ip) = wanted
            && dynamic[attachment.subnet.index()]
        {
            taken.insert((attachment.subnet.raw(), *ip));
        }
    }
    let mut next: Vec<Option<Cursor>> = subnets.iter().map(|s| Cursor::new(s, false)).collect();
    let mut next_v6: Vec<Option<Cursor>> = subnets.iter().map(|s| Cursor::new(s, true)).collect();
    for (attachment, wanted) in found.iter_mut().zip(wanted) {
        let row = attachment.subnet.index();
        attachment.address = match wanted {
            Wanted::Static(ip) => Some(ip),
            Wanted::Unknowable => None,
            Wanted::Dynamic { v6 } => {
                attachment.assumed = true;
                let cursor = if v6 { &mut next_v6[row] } else { &mut next[row] };
                cursor.as_mut().and_then(|c| c.next(|ip| taken.insert((attachment.subnet.raw(), ip))))
            }
        };
    }
}

/// Walks the hosts of a subnet from the fourth on (PLAT-5).
struct Cursor {
    at: u128,
    end: u128,
    v6: bool,
}

impl Cursor {
    fn new(subnet: &SubnetRow, v6: bool) -> Option<Self> {
        let (low, high) = match v6 {
            false => subnet.space.v4().first().map(|r| (u128::from(r.0), u128::from(r.1)))?,
            true => subnet.space.v6().first().copied()?,
        };
        Some(Self { at: low.checked_add(4)?, end: high.checked_sub(1)?, v6 })
    }

    fn next(&mut self, mut free: impl FnMut(IpAddr) -> bool) -> Option<IpAddr> {
        while self.at <= self.end {
            let ip = match self.v6 {
                false => IpAddr::V4(u32::try_from(self.at).ok()?.into()),
                true => IpAddr::V6(self.at.into()),
            };
            self.at = self.at.checked_add(1)?;
            if free(ip) {
                return Some(ip);
            }
        }
        None
    }
}

impl Attachment {
    /// Why its address is not known.
    pub fn address_unknown(&self) -> Unknown {
        Unknown::new(self.at, format!("the address of `{}` is not known", self.name))
    }

    /// Whether it is something of the platform, whose subnet security groups do not act on it.
    pub fn is_platform(&self) -> bool {
        matches!(
            self.kind,
            AttachmentKind::Firewall(_)
                | AttachmentKind::Gateway(_)
                | AttachmentKind::RouteServer(_)
                | AttachmentKind::Frontend(..)
        )
    }
}
