//! The compiled network: immutable tables that the trace only looks up.
//!
//! Input: an [`Inventory`], service tags and a [`Profile`]. Output: [`Network`], `Send + Sync`, with rows
//! numbered by sorted resource ids, so that the same estate always compiles to the same tables. All
//! thinking about Azure's configuration happens here, once. No files, no clock, no flow.

mod admin;
mod attach;
mod called;
mod compile;
mod doubt;
mod edit;
mod gateways;
mod hubs;
mod invalid;
mod names;
mod patch;
mod pools;
mod presence;
mod regions;
mod roles;
mod routes;
mod rules;
mod security;
mod select;
mod topology;
mod tri;
mod watch;

pub use admin::AdminRules;
pub use attach::{Attachment, AttachmentId, AttachmentKind, Occupant};
pub(crate) use attach::{connection_of, connections_at, hub_of, target_of};
pub use compile::compile;
pub(crate) use compile::{addresses_of_public, endpoint_of_tag};
pub use doubt::Doubt;
pub use edit::{RouteEdit, RuleEdit, TagEdit};
pub use gateways::{Branch, BranchKind, GatewayTable};
pub use hubs::{Hub, HubConnection, HubRouteRow, HubSite, HubTable, HubTarget};
pub(crate) use invalid::is_reserved;
pub use names::{Names, PublicName, PublicTarget, ZoneRecord, ZoneView};
pub(crate) use names::{is_under, machine_of, privatelink_of_public, wildcard_of};
pub use pools::Pools;
pub use presence::Presence;
pub(crate) use roles::identities_of;
pub use roles::{Authority, Grant, Judgement};
pub use routes::{
    Choice, EffectiveRoute, NextHop, RouteBody, RoutePrefix, RouteSource, RouteState, Selection,
    SubnetRoutes, UserRoutes, VnetRoutes,
};
pub use rules::{
    ANY_SOURCE_PORT, AddressMatch, CompiledRule, HOST_ADDRESS, LICENSING_ADDRESSES, LICENSING_PORT,
    METADATA_ADDRESS, NearMiss, Place, Platform, RuleBody, RuleSet, Ruling, Verdict, rules_behind,
};
pub use security::SecurityTables;
pub use select::RouteKnob;
pub use topology::{EdgeKind, NodeKind, Topology, TopologyEdge, TopologyNode};
pub use tri::Tri;
pub use watch::{Read, Reads, Watch};

use crate::inventory::{
    Field, Id, Inventory, NetworkInterface, Nsg, RouteTable, Subnet, Unknown, VirtualNetwork,
    VirtualNetworkPeering,
};
use crate::net::{AddressSet, Header, IpAddr};
use crate::profile::Profile;
use crate::tags::ServiceTags;
use hashbrown::HashMap;
use std::sync::Arc;

/// An estate compiled for tracing. Immutable; share it freely between threads.
#[derive(Debug)]
pub struct Network {
    /// The resources it was compiled from: names and provenance.
    pub inventory: Inventory,
    /// The knobs it was compiled with.
    pub profile: Profile,
    /// Public address space.
    pub public: AddressSet,
    /// The service tags it was compiled with.
    pub tags: ServiceTags,
    /// One row for each virtual network.
    pub vnets: Vec<Vnet>,
    /// One row for each subnet.
    pub subnets: Vec<SubnetRow>,
    /// Everything with an address inside a virtual network.
    pub attachments: Vec<Attachment>,
    /// Address to attachment, within a virtual network.
    pub by_address: HashMap<(u32, IpAddr), AttachmentId, foldhash::fast::FixedState>,
    /// Attachments by address, whatever their network, in order.
    pub by_ip: Vec<(IpAddr, AttachmentId)>,
    /// Attachments by the resource they belong to, in order.
    pub by_owner: Vec<((crate::inventory::TableTag, u32), AttachmentId)>,
    /// The virtual machine of each interface.
    pub machines: Vec<Option<Id<crate::inventory::VirtualMachine>>>,
    /// Public address to what owns it.
    pub by_public_address: HashMap<IpAddr, Occupant, foldhash::fast::FixedState>,
    /// Address of each public address resource, and whether it is a stand-in.
    pub public_addresses: Vec<(Option<IpAddr>, bool)>,
    /// Gateways, on-premises branches.
    pub gateways: GatewayTable,
    /// Virtual WAN hubs.
    pub hubs: HubTable,
    /// Compiled rules of network security groups.
    pub security: SecurityTables,
    /// Security admin rules for each virtual network.
    pub admin: AdminRules,
    /// Name resolution.
    pub names: Names,
    /// Role assignments.
    pub authority: Authority,
    /// Backend pools.
    pub pools: Pools,
    /// Who wants to know what answers are read from.
    pub watch: Option<Watch>,
    /// Nodes that may not be deployed.
    pub presence: Presence,
}

/// A virtual network.
#[derive(Debug)]
pub struct Vnet {
    /// Its address space.
    pub space: AddressSet,
    /// Why it may be larger.
    pub space_unknown: Option<Unknown>,
    /// Its peerings.
    pub links: Vec<Link>,
    /// System, gateway and private endpoint routes: what its subnets have without a route table.
    pub routes: SubnetRoutes,
    /// Its subnets.
    pub subnets: Vec<Id<Subnet>>,
}

/// One side of a peering as it works.
#[derive(Debug)]
pub struct Link {
    /// The peering.
    pub peering: Id<VirtualNetworkPeering>,
    /// The other network, if it is in the files.
    pub remote: Option<Id<VirtualNetwork>>,
    /// The other side's object.
    pub reverse: Option<Id<VirtualNetworkPeering>>,
    /// Whether it carries traffic.
    pub usable: Tri,
    /// Whether the networks are in different regions; `None` where that is not known.
    pub global: Option<bool>,
}

/// What neither rules nor routes change of a subnet.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'n> {
    /// Its network.
    pub vnet: Id<VirtualNetwork>,
    /// Its addresses.
    pub space: &'n AddressSet,
    /// What it is for.
    pub role: SubnetRole,
    /// Its group.
    pub nsg: &'n Bound<Nsg>,
}

/// A subnet.
#[derive(Debug)]
pub struct SubnetRow {
    /// Its virtual network.
    pub vnet: Id<VirtualNetwork>,
    /// Its addresses.
    pub space: AddressSet,
    /// What its name makes of it.
    pub role: SubnetRole,
    /// Its network security group.
    pub nsg: Bound<Nsg>,
    /// Its route table.
    pub route_table: Bound<RouteTable>,
    /// Its effective routes.
    pub routes: SubnetRoutes,
    /// The `VirtualNetwork` tag as its rules see it (TAG-1, TAG-2).
    pub virtual_network_tag: Arc<AddressSet>,
    /// The same with the knob `udrPrefixesInVirtualNetworkTag` set the other way (D-3).
    pub other_virtual_network_tag: Arc<AddressSet>,
    /// The `Internet` tag as its rules see it (TAG-5).
    pub internet_tag: Arc<AddressSet>,
    /// Why the `VirtualNetwork` tag may hold more.
    pub tag_doubts: Vec<Doubt>,
}

/// Subnets that Azure treats specially by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubnetRole {
    /// Any other.
    Ordinary,
    /// `AzureFirewallSubnet`.
    Firewall,
    /// `GatewaySubnet`.
    Gateway,
    /// `AzureBastionSubnet`.
    Bastion,
    /// `RouteServerSubnet`.
    RouteServer,
}

/// Something a resource refers to.
#[derive(Debug, PartialEq)]
pub enum Bound<K> {
    /// Nothing.
    None,
    /// This row.
    To(Id<K>),
    /// It cannot be known: an expression, or a resource in none of the files.
    Unknown(Unknown),
}

impl<K> Bound<K> {
    /// Whether there is nothing.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
}

impl<K> Clone for Bound<K> {
    fn clone(&self) -> Self {
        match self {
            Self::None => Self::None,
            Self::To(id) => Self::To(*id),
            Self::Unknown(unknown) => Self::Unknown(unknown.clone()),
        }
    }
}

impl<K: crate::inventory::Kind> Bound<K> {
    /// Follows a reference field.
    pub fn follow(inventory: &Inventory, field: &Field<crate::inventory::Ref<K>>) -> Self {
        match field {
            Field::Absent => Self::None,
            Field::Unknown(unknown) => Self::Unknown(unknown.clone()),
            Field::Known(reference) => match inventory.follow(reference).row() {
                Some(row) => Self::To(row),
                None => {
                    let why = format!("`{}` is in none of the files", reference.text);
                    Self::Unknown(Unknown::new(reference.at, why))
                }
            },
        }
    }

    /// The row, if it is known.
    pub fn row(&self) -> Option<Id<K>> {
        if let Self::To(row) = self { Some(*row) } else { None }
    }
}

impl Network {
    /// Whether a network drops what machines send each other unencrypted.
    pub fn drops_unencrypted(&self, vnet: Id<VirtualNetwork>) -> bool {
        let row = &self.inventory.virtual_networks[vnet];
        let drops =
            row.encryption_enforcement.known().is_some_and(|e| e.eq_ignore_ascii_case("DropUnencrypted"));
        drops && !row.encryption.is(false)
    }

    /// Whether an address is public, whoever holds it.
    pub fn is_public(&self, ip: IpAddr) -> bool {
        self.public.contains(ip)
    }

    /// A virtual network's row.
    pub fn vnet(&self, id: Id<VirtualNetwork>) -> &Vnet {
        &self.vnets[id.index()]
    }

    /// A subnet's row.
    pub fn subnet(&self, id: Id<Subnet>) -> &SubnetRow {
        self.read(id, Read::Whole)
    }

    /// A subnet's row, of which so much is read.
    fn read(&self, id: Id<Subnet>, read: Read) -> &SubnetRow {
        if let Some(watch) = &self.watch {
            watch.saw(id, read);
        }
        &self.subnets[id.index()]
    }

    /// What neither rules nor routes change of a subnet.
    pub fn ground(&self, id: Id<Subnet>) -> Ground<'_> {
        let SubnetRow { vnet, space, role, nsg, .. } = &self.subnets[id.index()];
        Ground { vnet: *vnet, space, role: *role, nsg }
    }

    /// The rules of a group in a direction, as they act on a header in a subnet.
    pub fn rules_at(&self, nsg: Id<Nsg>, inbound: bool, subnet: Id<Subnet>, header: &Header) -> &RuleSet {
        self.read(subnet, Read::Rules(nsg, inbound, *header));
        let sets = if inbound { &self.security.inbound } else { &self.security.outbound };
        &sets[nsg.index()]
    }

    /// An attachment.
    pub fn attachment(&self, id: AttachmentId) -> &Attachment {
        &self.attachments[id.index()]
    }

    /// What holds an address inside a virtual network.
    pub fn at_address(&self, vnet: Id<VirtualNetwork>, ip: IpAddr) -> Option<AttachmentId> {
        self.by_address.get(&(vnet.raw(), ip)).copied()
    }

    /// The first attachment with an address, whatever its network.
    pub fn first_at(&self, ip: IpAddr) -> Option<AttachmentId> {
        let at = self.by_ip.partition_point(|(other, _)| *other < ip);
        self.by_ip.get(at).filter(|(other, _)| *other == ip).map(|(_, id)| *id)
    }

    /// The first attachment of a resource.
    pub fn attachment_of(&self, owner: crate::inventory::Slot) -> Option<AttachmentId> {
        let key = (owner.table, owner.row);
        let at = self.by_owner.partition_point(|(other, _)| *other < key);
        self.by_owner.get(at).filter(|(other, _)| *other == key).map(|(_, id)| *id)
    }

    /// The subnet an address of a virtual network lies in.
    pub fn subnet_of(&self, vnet: Id<VirtualNetwork>, ip: IpAddr) -> Option<Id<Subnet>> {
        self.vnet(vnet).subnets.iter().copied().find(|s| self.subnet(*s).space.contains(ip))
    }

    /// What a rule asked in this subnet sees.
    pub fn place<'a>(
        &'a self,
        subnet: Id<Subnet>,
        source_asgs: &'a [Id<crate::inventory::Asg>],
        destination_asgs: &'a [Id<crate::inventory::Asg>],
    ) -> Place<'a> {
        let row = self.read(subnet, Read::Tag);
        Place {
            tags: &self.tags,
            virtual_network: &row.virtual_network_tag,
            internet: &row.internet_tag,
            virtual_network_doubts: &row.tag_doubts,
            source_asgs,
            destination_asgs,
        }
    }

    /// The region of a virtual network, lower case without blanks.
    pub fn region(&self, vnet: Id<VirtualNetwork>) -> Option<String> {
        self.inventory.virtual_networks[vnet].location.known().map(|l| normal_region(l))
    }

    /// The interface behind an attachment, if it is one.
    pub fn interface(&self, id: AttachmentId) -> Option<&NetworkInterface> {
        match self.attachment(id).kind {
            AttachmentKind::Interface(nic) => Some(&self.inventory.network_interfaces[nic]),
            _ => None,
        }
    }
}

/// A region's name in the form that host names and tags use: `West Europe` is `westeurope`.
pub fn normal_region(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase()
}
