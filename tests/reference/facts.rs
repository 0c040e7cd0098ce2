//! The estate as the reference sees it: the typed tables, and who holds which address.
//!
//! Addresses are the only thing taken from the compiled network: which one Azure would assign is a
//! convention and no rule. Everything else is read from the inventory again and again, however slow.

use netwhy::inventory::{
    Asg, Field, Found, Host, Id, Inventory, Kind, Many, NetworkInterface, Nsg, PeeringState, PublicIpAddress,
    Ref, ResourceId, Sku, Subnet, TableTag, VirtualNetwork, VirtualNetworkGateway, VirtualNetworkPeering,
};
use netwhy::net::{AddressSet, IpAddr, IpNet};
use netwhy::network::{AttachmentKind, Network, normal_region};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::Cause;

/// The row of what no resource stands for.
const NOBODY: usize = 1_000_000;

/// Something with an address in a subnet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Holder {
    pub(crate) kind: AttachmentKind,
    pub(crate) subnet: Id<Subnet>,
    pub(crate) vnet: Id<VirtualNetwork>,
    pub(crate) ip: Option<IpAddr>,
}

/// Where a reference leads.
pub(crate) enum Bound<K> {
    Nothing,
    To(Id<K>),
    Unknown(Cause),
}

/// Yes, no, or not told by the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tri {
    Yes,
    No,
    Unknown(Cause),
}

impl Tri {
    pub(crate) fn of(b: bool) -> Tri {
        if b { Tri::Yes } else { Tri::No }
    }

    /// One of several holds.
    pub(crate) fn any(parts: impl IntoIterator<Item = Tri>) -> Tri {
        let mut out = Tri::No;
        for part in parts {
            match part {
                Tri::Yes => return Tri::Yes,
                Tri::Unknown(_) if out == Tri::No => out = part,
                _ => {}
            }
        }
        out
    }

    /// All of several hold.
    pub(crate) fn all(parts: impl IntoIterator<Item = Tri>) -> Tri {
        let mut out = Tri::Yes;
        for part in parts {
            match part {
                Tri::No => return Tri::No,
                Tri::Unknown(_) if out == Tri::Yes => out = part,
                _ => {}
            }
        }
        out
    }
}

/// One side of a peering.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) row: &'a VirtualNetworkPeering,
    pub(crate) remote: Option<Id<VirtualNetwork>>,
    /// The object on the other side.
    pub(crate) reverse: Option<&'a VirtualNetworkPeering>,
}

/// An estate to be traced.
pub(crate) struct Facts<'a> {
    pub(crate) inv: &'a Inventory,
    pub(crate) tags: &'a ServiceTags,
    pub(crate) profile: &'a Profile,
    pub(crate) holders: Vec<Holder>,
    public: Vec<Option<IpAddr>>,
}

impl<'a> Facts<'a> {
    /// Takes the addresses from the network and nothing else.
    pub(crate) fn new(network: &'a Network) -> Self {
        let holders = network.attachments.iter();
        let mut facts = Self {
            inv: &network.inventory,
            tags: &network.tags,
            profile: &network.profile,
            holders: holders
                .map(|a| Holder { kind: a.kind, subnet: a.subnet, vnet: a.vnet, ip: a.address })
                .collect(),
            public: network.public_addresses.iter().map(|(ip, _)| *ip).collect(),
        };
        facts.outbound_endpoints();
        facts
    }

    /// DNS-13: a resolver's outbound endpoints send from their subnets.
    fn outbound_endpoints(&mut self) {
        for endpoint in self.inv.outbound_endpoints.iter() {
            let Some(subnet) = self.row(&endpoint.subnet) else { continue };
            let Some(vnet) = self.vnet_of(subnet) else { continue };
            let first = self.inv.subnets[subnet].address_prefixes.items.first();
            let ip = first.and_then(|p| match p {
                IpNet::V4(p) => Some(IpAddr::V4((u32::from(p.network()) + 4).into())),
                IpNet::V6(_) => None,
            });
            self.holders.push(Holder {
                kind: AttachmentKind::RouteServer(Id::new(NOBODY)),
                subnet,
                vnet,
                ip,
            });
        }
    }

    /// The place that an outbound endpoint sends from.
    pub(crate) fn outbound_place(&self, subnet: Id<Subnet>) -> Option<usize> {
        let made_up = AttachmentKind::RouteServer(Id::new(NOBODY));
        self.holders.iter().position(|h| h.kind == made_up && h.subnet == subnet)
    }

    /// Follows a reference that may be absent or lead nowhere.
    pub(crate) fn bound<K: Kind>(&self, field: &Field<Ref<K>>) -> Bound<K> {
        match field {
            Field::Absent => Bound::Nothing,
            Field::Unknown(_) => Bound::Unknown(Cause::UnknownValue),
            Field::Known(reference) => match self.inv.follow(reference) {
                Found::Row(row) => Bound::To(row),
                _ => Bound::Unknown(Cause::DanglingReference),
            },
        }
    }

    /// Follows a reference where only a good one counts.
    pub(crate) fn row<K: Kind>(&self, field: &Field<Ref<K>>) -> Option<Id<K>> {
        field.known().and_then(|r| self.inv.follow(r).row())
    }

    pub(crate) fn vnet_of(&self, subnet: Id<Subnet>) -> Option<Id<VirtualNetwork>> {
        self.inv.row(&self.inv.subnets[subnet].id.parent()?)
    }

    pub(crate) fn prefixes(&self, vnet: Id<VirtualNetwork>) -> &'a [IpNet] {
        &self.inv.virtual_networks[vnet].address_prefixes.items
    }

    pub(crate) fn in_vnet(&self, vnet: Id<VirtualNetwork>, ip: IpAddr) -> bool {
        self.prefixes(vnet).iter().any(|p| p.contains(&ip))
    }

    pub(crate) fn region(&self, vnet: Id<VirtualNetwork>) -> Option<String> {
        self.inv.virtual_networks[vnet].location.known().map(|l| normal_region(l))
    }

    /// What holds an address inside a virtual network, by position.
    pub(crate) fn holder_at(&self, vnet: Id<VirtualNetwork>, ip: IpAddr) -> Option<usize> {
        self.holders.iter().position(|h| h.vnet == vnet && h.ip == Some(ip))
    }

    /// An address of a subnet that nothing holds, as if something did: no group of its own, no name.
    pub(crate) fn vacant(&self, vnet: Id<VirtualNetwork>, ip: IpAddr) -> Option<Holder> {
        let subnets = self.inv.subnets.rows().filter(|(id, _)| self.vnet_of(*id) == Some(vnet));
        let (subnet, _) =
            subnets.into_iter().find(|(_, s)| s.address_prefixes.iter().any(|p| p.contains(&ip)))?;
        Some(Holder { kind: AttachmentKind::RouteServer(Id::new(NOBODY)), subnet, vnet, ip: Some(ip) })
    }

    /// The last part of a subnet's name: Azure treats some names specially.
    pub(crate) fn subnet_is(&self, subnet: Id<Subnet>, name: &str) -> bool {
        self.inv.subnets[subnet].id.name().eq_ignore_ascii_case(name)
    }

    /// The sides of peerings that start in a virtual network.
    pub(crate) fn sides(&self, vnet: Id<VirtualNetwork>) -> Vec<Side<'a>> {
        let own = &self.inv.virtual_networks[vnet].id;
        let mine = self.inv.peerings.iter().filter(|p| p.id.parent().as_ref() == Some(own));
        mine.map(|row| {
            let remote = self.row(&row.remote_virtual_network);
            let reverse = remote.and_then(|remote| {
                let there = &self.inv.virtual_networks[remote].id;
                self.inv.peerings.iter().find(|p| {
                    p.id.parent().as_ref() == Some(there) && self.row(&p.remote_virtual_network) == Some(vnet)
                })
            });
            Side { row, remote, reverse }
        })
        .collect()
    }

    /// PEER-1: both objects exist and neither says that it is not Connected.
    pub(crate) fn usable(&self, side: &Side<'_>) -> bool {
        let connected = |p: &VirtualNetworkPeering| {
            matches!(p.peering_state.or(PeeringState::Connected), Ok(PeeringState::Connected))
        };
        connected(side.row) && side.reverse.is_some_and(connected)
    }

    /// Virtual networks that this one is peered with in working order.
    pub(crate) fn peers(&self, vnet: Id<VirtualNetwork>) -> Vec<(Id<VirtualNetwork>, Side<'a>)> {
        let working = self.sides(vnet).into_iter().filter(|s| self.usable(s));
        working.filter_map(|s| Some((s.remote?, s))).collect()
    }

    /// The prefixes a peering brings: the other space, or some subnets of it (PEER-10), as far as it is synced
    /// (PEER-4).
    pub(crate) fn brings(&self, side: &Side<'_>) -> Vec<IpNet> {
        let Some(remote) = side.remote else { return Vec::new() };
        if side.row.peer_complete_vnets.is(false) {
            let named = |s: &&Subnet| {
                side.row.remote_subnet_names.iter().any(|n| n.eq_ignore_ascii_case(s.id.name()))
            };
            let there = self.inv.subnets.rows().filter(|(id, _)| self.vnet_of(*id) == Some(remote));
            let there = there.map(|(_, s)| s).filter(named);
            return there.flat_map(|s| s.address_prefixes.items.clone()).collect();
        }
        let synced = &side.row.remote_address_space;
        let whole = self.prefixes(remote).iter();
        whole.filter(|p| synced.is_empty() || synced.iter().any(|s| s == *p)).copied().collect()
    }

    /// PEER-10: the peering from a subnet's network to another that leaves the subnet out.
    pub(crate) fn left_out(&self, from: Id<Subnet>, to: Id<VirtualNetwork>) -> Option<String> {
        let vnet = self.vnet_of(from)?;
        let (_, side) = self.peers(vnet).into_iter().find(|(peer, _)| *peer == to)?;
        let named = side.row.local_subnet_names.iter().any(|n| self.subnet_is(from, n));
        (side.row.peer_complete_vnets.is(false) && !named).then(|| side.row.id.full_name())
    }

    /// SAR-12: the networks that a mesh or direct connectivity joins to this one; across regions only where it
    /// is global.
    pub(crate) fn joined(&self, vnet: Id<VirtualNetwork>) -> Vec<Id<VirtualNetwork>> {
        let mut out = Vec::new();
        for config in self.inv.connectivity_configurations.iter() {
            for group in &config.applies_to_groups {
                let mesh = config.connectivity_topology.is(netwhy::inventory::ConnectivityTopology::Mesh);
                let direct = group.group_connectivity.known();
                if !mesh && !direct.is_some_and(|d| d.eq_ignore_ascii_case("DirectlyConnected")) {
                    continue;
                }
                let Some(row) = self.row(&group.network_group_id) else { continue };
                let follow = |text: &str| match self.inv.follow_any(text) {
                    Some(slot) if slot.table == TableTag::VirtualNetwork => Some(Id::new(slot.row as usize)),
                    _ => None,
                };
                let members = self.inv.network_groups[row].members.iter().map(|m| &*m.text);
                let all: Vec<Id<VirtualNetwork>> =
                    members.chain(config.hubs.iter().map(|h| &**h)).filter_map(follow).collect();
                let global = [&config.is_global, &group.is_global]
                    .iter()
                    .any(|g| g.known().is_some_and(|g| g.eq_ignore_ascii_case("True")));
                let near = |other: &Id<VirtualNetwork>| global || self.region(*other) == self.region(vnet);
                if all.contains(&vnet) {
                    out.extend(all.into_iter().filter(|v| *v != vnet && near(v)));
                }
            }
        }
        out
    }

    /// The gateways that stand in a virtual network.
    pub(crate) fn gateways_in(&self, vnet: Id<VirtualNetwork>) -> Vec<Id<VirtualNetworkGateway>> {
        let here = self.holders.iter().filter(|h| h.vnet == vnet);
        here.filter_map(|h| match h.kind {
            AttachmentKind::Gateway(id) => Some(id),
            _ => None,
        })
        .collect()
    }

    /// The gateways a virtual network uses: its own, or a peer's (PEER-7: both flags).
    pub(crate) fn gateways_of(&self, vnet: Id<VirtualNetwork>) -> Vec<Id<VirtualNetworkGateway>> {
        let mut out = self.gateways_in(vnet);
        for (peer, side) in self.peers(vnet) {
            let uses = side.row.use_remote_gateways.is(true);
            let lets = side.reverse.is_some_and(|r| r.allow_gateway_transit.is(true));
            if uses && lets {
                out.extend(self.gateways_in(peer));
            }
        }
        out
    }

    pub(crate) fn gateway_vnet(&self, gateway: Id<VirtualNetworkGateway>) -> Option<Id<VirtualNetwork>> {
        self.holders.iter().find(|h| h.kind == AttachmentKind::Gateway(gateway)).map(|h| h.vnet)
    }

    /// The address of a public address resource.
    pub(crate) fn public_ip(&self, row: Id<PublicIpAddress>) -> Option<IpAddr> {
        self.public[row.index()]
    }

    /// PIP-1: whether a public address is of the class that is closed at first.
    pub(crate) fn is_standard(&self, row: Id<PublicIpAddress>) -> bool {
        !self.inv.public_ip_addresses[row].sku.is(Sku::Basic)
    }

    /// A field of the interface or host behind a holder.
    pub(crate) fn nic_nsg(&self, holder: &Holder) -> Bound<Nsg> {
        match holder.kind {
            AttachmentKind::Interface(id) => {
                self.bound(&self.inv.network_interfaces[id].network_security_group)
            }
            AttachmentKind::Host(id) => self.bound(&self.inv.hosts[id].network_security_group),
            _ => Bound::Nothing,
        }
    }

    /// The instance-level public address of a holder.
    pub(crate) fn own_public(&self, holder: &Holder) -> Bound<PublicIpAddress> {
        match holder.kind {
            AttachmentKind::Interface(id) => {
                let nic = &self.inv.network_interfaces[id];
                let config = nic.ip_configurations.iter().find(|c| self.config_address(id, c) == holder.ip);
                config.map_or(Bound::Nothing, |c| self.bound(&c.public_ip_address))
            }
            AttachmentKind::Host(id) => self.bound(&self.inv.hosts[id].public_ip_address),
            _ => Bound::Nothing,
        }
    }

    /// ASG-4: membership is of address configurations.
    pub(crate) fn asgs(&self, holder: &Holder) -> Vec<Id<Asg>> {
        let follow = |refs: &Many<Ref<Asg>>| -> Vec<Id<Asg>> {
            refs.iter().filter_map(|r| self.inv.follow(r).row()).collect()
        };
        match holder.kind {
            AttachmentKind::Interface(id) => {
                let nic = &self.inv.network_interfaces[id];
                let config = nic.ip_configurations.iter().find(|c| self.config_address(id, c) == holder.ip);
                config.map(|c| follow(&c.application_security_groups)).unwrap_or_default()
            }
            AttachmentKind::Host(id) => follow(&self.inv.hosts[id].application_security_groups),
            AttachmentKind::PrivateEndpoint(id, _) => {
                follow(&self.inv.private_endpoints[id].application_security_groups)
            }
            _ => Vec::new(),
        }
    }

    /// The address of a configuration: as written, or what the interface holds where it is dynamic. The
    /// generator writes one configuration for each interface.
    fn config_address(
        &self,
        nic: Id<NetworkInterface>,
        config: &netwhy::inventory::IpConfiguration,
    ) -> Option<IpAddr> {
        config.private_ip_address.known().copied().or_else(|| {
            self.holders.iter().find(|h| h.kind == AttachmentKind::Interface(nic)).and_then(|h| h.ip)
        })
    }

    /// RT-12: whether an interface or host passes on what is not addressed to it.
    pub(crate) fn forwards(&self, holder: &Holder) -> bool {
        match holder.kind {
            AttachmentKind::Host(id) => self.inv.hosts[id].forwards.is(true),
            AttachmentKind::Interface(id) => {
                let guest = self.machine(id).is_none_or(|vm| !vm.forwards.is(false));
                self.inv.network_interfaces[id].enable_ip_forwarding.is(true) && guest
            }
            _ => false,
        }
    }

    /// Whether a machine may not be deployed.
    pub(crate) fn may_lack(&self, holder: &Holder) -> bool {
        match holder.kind {
            AttachmentKind::Host(id) => self.inv.hosts[id].uncertain.is_some(),
            AttachmentKind::Interface(id) => self.machine(id).is_some_and(|vm| vm.uncertain.is_some()),
            _ => false,
        }
    }

    /// Whether an appliance puts its own address in place of the source.
    pub(crate) fn translates(&self, holder: &Holder) -> bool {
        match holder.kind {
            AttachmentKind::Host(id) => self.inv.hosts[id].translates.is(true),
            AttachmentKind::Interface(id) => self.machine(id).is_some_and(|vm| vm.translates.is(true)),
            _ => false,
        }
    }

    fn machine(&self, nic: Id<NetworkInterface>) -> Option<&'a netwhy::inventory::VirtualMachine> {
        self.inv
            .virtual_machines
            .iter()
            .find(|vm| vm.network_interfaces.iter().any(|r| self.inv.follow(r).row() == Some(nic)))
    }

    /// The interfaces of the machine that stands at a place, that place first.
    pub(crate) fn interfaces_of_machine(&self, place: usize) -> Vec<usize> {
        let machine = |holder: &Holder| match holder.kind {
            AttachmentKind::Interface(nic) => self.machine(nic).map(|vm| vm.id.full_name()),
            _ => None,
        };
        let own = machine(&self.holders[place]);
        let others = (0..self.holders.len()).filter(|n| {
            *n != place
                && own.is_some()
                && machine(&self.holders[*n]) == own
                && self.holders[*n].kind != self.holders[place].kind
        });
        std::iter::once(place).chain(others).collect()
    }

    /// Whether a guest answers on a port; nobody said otherwise means yes.
    pub(crate) fn listens(&self, holder: &Holder, port: u16) -> bool {
        let open =
            |ports: &Many<netwhy::net::PortRange>| !ports.given || ports.iter().any(|r| r.contains(port));
        match holder.kind {
            AttachmentKind::Host(id) => open(&self.inv.hosts[id].listens),
            AttachmentKind::Interface(id) => self.machine(id).is_none_or(|vm| open(&vm.listens)),
            _ => true,
        }
    }

    /// The name a machine registers under (auto-registration).
    pub(crate) fn machine_name(&self, holder: &Holder) -> Option<String> {
        match holder.kind {
            AttachmentKind::Host(id) => Some(self.inv.hosts[id].id.name().to_ascii_lowercase()),
            AttachmentKind::Interface(id) => self.machine(id).map(|vm| vm.id.name().to_ascii_lowercase()),
            _ => None,
        }
    }

    /// The DNS servers of the interface or host itself.
    pub(crate) fn own_dns(&self, holder: &Holder) -> &'a [IpAddr] {
        match holder.kind {
            AttachmentKind::Host(id) => &self.inv.hosts[id].dns_servers.items,
            AttachmentKind::Interface(id) => &self.inv.network_interfaces[id].dns_servers.items,
            _ => &[],
        }
    }

    /// The host behind a holder.
    pub(crate) fn host(&self, holder: &Holder) -> Option<&'a Host> {
        match holder.kind {
            AttachmentKind::Host(id) => Some(&self.inv.hosts[id]),
            _ => None,
        }
    }

    /// The resource behind a holder.
    pub(crate) fn owner(&self, holder: &Holder) -> Option<ResourceId> {
        let inv = self.inv;
        Some(match holder.kind {
            AttachmentKind::Host(id) => inv.hosts[id].id.clone(),
            AttachmentKind::Interface(id) => inv.network_interfaces[id].id.clone(),
            AttachmentKind::PrivateEndpoint(id, _) => inv.private_endpoints[id].id.clone(),
            AttachmentKind::Frontend(id, _) => inv.load_balancers[id].id.clone(),
            AttachmentKind::Firewall(id) => inv.azure_firewalls[id].id.clone(),
            AttachmentKind::Gateway(id) => inv.virtual_network_gateways[id].id.clone(),
            AttachmentKind::Resolver(id) => inv.inbound_endpoints[id].id.clone(),
            AttachmentKind::ApplicationGateway(id) => inv.application_gateways[id].id.clone(),
            AttachmentKind::Bastion(id) => inv.bastion_hosts[id].id.clone(),
            AttachmentKind::RouteServer(id) if id.index() != NOBODY => inv.virtual_hubs[id].id.clone(),
            _ => return None,
        })
    }

    /// The holder of a host or interface (or other single resource) by name or id.
    pub(crate) fn holder_named(&self, text: &str) -> Option<usize> {
        let slot = self.inv.follow_any(text)?;
        let id = self.inv.id_of(slot)?;
        // A virtual machine stands for its first interface.
        if slot.table == TableTag::VirtualMachine {
            let vm = &self.inv.virtual_machines.as_slice()[slot.row as usize];
            let nic = vm.network_interfaces.iter().find_map(|r| self.inv.follow(r).row())?;
            return self.holders.iter().position(|h| h.kind == AttachmentKind::Interface(nic));
        }
        self.holders.iter().position(|h| self.owner(h).as_ref() == Some(id))
    }

    /// A service tag by name: its addresses, if the table knows it.
    pub(crate) fn tag(&self, name: &str) -> Option<&'a AddressSet> {
        self.tags.find(name).map(|t| self.tags.set(t))
    }
}

/// RFC 1918 and shared address space: what Azure routes to None and does not translate (RT-2, FW-19).
pub(crate) const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

pub(crate) fn net(text: &str) -> IpNet {
    text.parse().expect("a prefix in the test's own tables")
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address in the test's own tables")
}

pub(crate) fn is_private(ip: IpAddr) -> bool {
    PRIVATE.iter().any(|p| net(p).contains(&ip))
}

/// Addresses that the public internet carries.
pub(crate) fn is_public(address: IpAddr) -> bool {
    let special = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"];
    !is_private(address) && !special.iter().any(|p| net(p).contains(&address)) && address != platform()
}

/// The host's virtual address (PLAT-1).
pub(crate) fn platform() -> IpAddr {
    ip("168.63.129.16")
}

/// The instance metadata service.
pub(crate) fn metadata() -> IpAddr {
    ip("169.254.169.254")
}
