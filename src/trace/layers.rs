//! The sets of rules that act at one end of a flow, in the order Azure asks them (PKT-3, PKT-4).
//!
//! Input: a place, a header and a direction. Output: [`Layers`], which say nothing yet: the walk asks them
//! one after the other, and so do the questions of Network Watcher.

use crate::inventory::{Asg, Id, Nsg, ResourceId, Subnet, Unknown, VirtualNetwork};
use crate::net::{Header, IpAddr, Protocol};
use crate::network::{
    AttachmentId, AttachmentKind, Bound, CompiledRule, HOST_ADDRESS, LICENSING_ADDRESSES, LICENSING_PORT,
    METADATA_ADDRESS, Network, Place, RoutePrefix, RuleSet, Ruling, SubnetRole,
};

/// The port that the tag `AzurePlatformDNS` is about.
const DNS_PORT: u16 = 53;

/// One end of a flow, where rules act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// An interface, or what else has an address.
    Attachment(AttachmentId),
    /// A subnet, for a host that no resource stands for.
    Subnet(Id<Subnet>),
}

/// At which level rules act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// Security admin rules of the virtual network.
    Admin,
    /// The network security group of the subnet.
    Subnet,
    /// The network security group of the interface.
    Interface,
}

/// One set of rules.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'n> {
    /// At which level.
    pub kind: LayerKind,
    /// The group, unless these are security admin rules.
    pub nsg: Option<Id<Nsg>>,
    /// The rules, or why they are not known.
    pub rules: Result<&'n RuleSet, &'n Unknown>,
    /// The resource of each rule, for security admin rules.
    pub owners: &'n [ResourceId],
    exempt: Exempt,
}

/// Which rules do not act, because the flow goes to the host's own services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exempt {
    /// All act.
    Nothing,
    /// Only a rule that names the platform's tag acts (NSG-17).
    Platform,
    /// None acts (NSG-18): of what the host offers at its own address only DNS can be closed.
    Agent,
}

/// The rules at one end of a flow.
#[derive(Clone, Debug)]
pub struct Layers<'n> {
    /// In the order they are asked.
    pub layers: Vec<Layer<'n>>,
    /// The subnet.
    pub subnet: Id<Subnet>,
    source_asgs: Vec<Id<Asg>>,
    destination_asgs: Vec<Id<Asg>>,
}

impl<'n> Layers<'n> {
    /// The rules that act at a place on flows in a direction.
    pub fn of(network: &'n Network, spot: Spot, header: &Header, inbound: bool) -> Layers<'n> {
        let (subnet, source_asgs, destination_asgs) = match spot {
            // Whoever stands there is in no group; the other end may be in some.
            Spot::Subnet(subnet) => {
                let other = if inbound { header.source } else { header.destination };
                let other = groups_at(network, network.ground(subnet).vnet, other);
                let (source, destination) = if inbound { (other, Vec::new()) } else { (Vec::new(), other) };
                (subnet, source, destination)
            }
            Spot::Attachment(id) => {
                let (source, destination) = members(network, id, header, inbound);
                (network.attachment(id).subnet, source, destination)
            }
        };
        let mut layers = Vec::new();
        layers.extend(admin(network, spot, subnet, header, inbound));
        let exempt = exempt(network, subnet, header, inbound);
        let asked = (subnet, header, inbound);
        let of_subnet = group(network, subnet_group(network, subnet), LayerKind::Subnet, asked, exempt);
        let of_interface = match spot {
            Spot::Subnet(_) => None,
            Spot::Attachment(id) => {
                group(network, &network.attachment(id).nsg, LayerKind::Interface, asked, exempt)
            }
        };
        if inbound {
            layers.extend(of_subnet.into_iter().chain(of_interface));
        } else {
            layers.extend(of_interface.into_iter().chain(of_subnet));
        }
        Layers { layers, subnet, source_asgs, destination_asgs }
    }

    /// What the rules see there.
    pub fn place<'a>(&'a self, network: &'a Network) -> Place<'a> {
        network.place(self.subnet, &self.source_asgs, &self.destination_asgs)
    }

    /// Whether a network security group acts, or may.
    pub fn has_group(&self) -> bool {
        self.layers.iter().any(|l| l.kind != LayerKind::Admin)
    }
}

impl Layer<'_> {
    /// What the rules say; `None` where they are not known.
    pub fn ruling(&self, header: &Header, place: &Place<'_>) -> Option<Ruling> {
        Some(self.rules.ok()?.decide(header, place, |rule| self.skips(rule)))
    }

    /// Whether a rule does not act on this flow.
    pub fn skips(&self, rule: &CompiledRule) -> bool {
        match self.exempt {
            Exempt::Nothing => false,
            Exempt::Platform => rule.destination.platform.is_none(),
            Exempt::Agent => true,
        }
    }

    /// Whether the flow goes to the host's own services.
    pub fn is_exempt(&self) -> bool {
        self.exempt != Exempt::Nothing
    }
}

/// Whether the flow goes to the host's own services, which ordinary rules do not stop (NSG-17, NSG-18).
pub(super) fn is_platform_address(header: &Header) -> bool {
    header.destination == HOST_ADDRESS || header.destination == METADATA_ADDRESS
}

fn exempt(network: &Network, subnet: Id<Subnet>, header: &Header, inbound: bool) -> Exempt {
    if !inbound && asks_for_licence(header) && !everything_is_routed(network, subnet) {
        return Exempt::Platform;
    }
    match is_platform_address(header) {
        true if header.destination == HOST_ADDRESS && header.port != DNS_PORT => Exempt::Agent,
        true => Exempt::Platform,
        false => Exempt::Nothing,
    }
}

/// Whether Windows asks for its licence (NSG-19).
pub(super) fn asks_for_licence(header: &Header) -> bool {
    header.protocol == Protocol::Tcp
        && header.port == LICENSING_PORT
        && LICENSING_ADDRESSES.contains(&header.destination)
}

/// Whether a subnet's own 0.0.0.0/0 takes everything elsewhere, or may: then licensing is exempt from nothing.
fn everything_is_routed(network: &Network, subnet: Id<Subnet>) -> bool {
    let Some(user) = &network.subnet(subnet).routes.user else { return false };
    user.routes
        .iter()
        .any(|route| matches!(&route.prefix, Some(RoutePrefix::Net(net)) if net.prefix_len() == 0))
}

/// Application security groups of sender and receiver as seen from this attachment: those of the other end
/// count only inside the same virtual network (ASG-3).
fn members(
    network: &Network,
    id: AttachmentId,
    header: &Header,
    inbound: bool,
) -> (Vec<Id<Asg>>, Vec<Id<Asg>>) {
    let row = network.attachment(id);
    let other = if inbound { header.source } else { header.destination };
    let other = groups_at(network, row.vnet, other);
    if inbound { (other, row.asgs.clone()) } else { (row.asgs.clone(), other) }
}

/// The application security groups of what has an address inside a virtual network.
fn groups_at(network: &Network, vnet: Id<VirtualNetwork>, ip: IpAddr) -> Vec<Id<Asg>> {
    network.at_address(vnet, ip).map(|a| network.attachment(a).asgs.clone()).unwrap_or_default()
}

fn admin<'n>(
    network: &'n Network,
    spot: Spot,
    subnet: Id<Subnet>,
    header: &Header,
    inbound: bool,
) -> Option<Layer<'n>> {
    let row = network.ground(subnet);
    let tables = &network.admin;
    let set = if inbound { &tables.inbound } else { &tables.outbound }.get(row.vnet.index())?;
    let ruled = match spot {
        Spot::Attachment(id) => is_ruled(network, id),
        Spot::Subnet(_) => true,
    };
    let spared = row.role != SubnetRole::Ordinary || is_platform_address(header);
    if set.rules.is_empty() || !ruled || spared || holds_open_gateway(network, subnet) {
        return None;
    }
    let owners = &tables.owners[row.vnet.index()][usize::from(!inbound)];
    Some(Layer { kind: LayerKind::Admin, nsg: None, rules: Ok(set), owners, exempt: Exempt::Nothing })
}

/// Whether security admin rules act on an attachment (SAR-7, SAR-8).
fn is_ruled(network: &Network, id: AttachmentId) -> bool {
    let row = network.attachment(id);
    !row.is_platform()
        && !matches!(row.kind, AttachmentKind::PrivateEndpoint(..) | AttachmentKind::Bastion(_))
}

/// Whether a subnet holds an application gateway without network isolation, so that security admin rules
/// pass it over (SAR-7).
fn holds_open_gateway(network: &Network, subnet: Id<Subnet>) -> bool {
    let inventory = &network.inventory;
    let here = |c: &crate::inventory::IpConfiguration| {
        c.subnet.known().and_then(|r| inventory.follow(r).row()) == Some(subnet)
    };
    inventory.application_gateways.iter().any(|gateway| {
        !gateway.enable_network_isolation.is(true) && gateway.gateway_ip_configurations.iter().any(here)
    })
}

/// The group of a subnet, where it acts: not on a firewall (NSG-21), a gateway (NSG-22), a Route Server (NSG-23).
fn subnet_group(network: &Network, subnet: Id<Subnet>) -> &Bound<Nsg> {
    let row = network.ground(subnet);
    match row.role {
        SubnetRole::Ordinary | SubnetRole::Bastion => row.nsg,
        SubnetRole::Firewall | SubnetRole::Gateway | SubnetRole::RouteServer => &Bound::None,
    }
}

fn group<'n>(
    network: &'n Network,
    bound: &'n Bound<Nsg>,
    kind: LayerKind,
    (subnet, header, inbound): (Id<Subnet>, &Header, bool),
    exempt: Exempt,
) -> Option<Layer<'n>> {
    let (nsg, rules) = match bound {
        Bound::None => return None,
        Bound::Unknown(unknown) => (None, Err(unknown)),
        Bound::To(nsg) => (Some(*nsg), Ok(network.rules_at(*nsg, inbound, subnet, header))),
    };
    Some(Layer { kind, nsg, rules, owners: &[], exempt })
}
