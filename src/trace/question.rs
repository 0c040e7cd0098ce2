//! From the words of a flow to places of the network: who sends, what is meant.

use super::model::{Endpoint, Flow};
use crate::diag::nearest;
use crate::inventory::{
    Id, InternetHost, OnPremisesSite, PlatformService, Ref, ResourceId, Slot, Subnet, TableTag,
    VirtualNetwork,
};
use crate::net::{IpAddr, IpNet};
use crate::network::{AttachmentId, AttachmentKind, BranchKind, Network};
use crate::services::{ServiceKind, WellKnownHost};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// The example address of a public client (RFC 5737).
pub const INTERNET_CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 10));
/// The same for IPv6 (RFC 3849).
pub const INTERNET_CLIENT_V6: IpAddr =
    IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10));
/// The example address of a public host (RFC 5737).
pub const INTERNET_HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 10));
/// Virtual networks that the search for an address of a site steps over.
const MOST_SKIPPED: usize = 64;
/// The source port of a flow that names none.
pub(crate) const EPHEMERAL_PORT: u16 = 50_000;

/// Where a flow starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// At an attachment.
    Attachment(AttachmentId),
    /// At some host of a subnet that no resource stands for.
    Subnet(Id<Subnet>, IpAddr),
    /// At a host of a site.
    Site(Id<OnPremisesSite>, IpAddr),
    /// At a host behind a gateway, of whom only the prefix is known that the gateway announces.
    Branch(AttachmentId, IpAddr),
    /// At a public client.
    Internet(IpAddr),
    /// At a platform service acting by itself.
    Service(Id<PlatformService>),
    /// At a compute in the managed network of a workspace.
    Managed(Slot, Id<PlatformService>),
}

/// What is meant as destination.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// An attachment.
    Attachment(AttachmentId),
    /// An endpoint of a platform service of the estate.
    Service(Id<PlatformService>, usize),
    /// Somebody else's instance of a platform service.
    Foreign(&'static ServiceKind, Arc<str>),
    /// A host of Azure itself.
    WellKnown(&'static WellKnownHost),
    /// A host that somebody described.
    Host(Id<InternetHost>),
    /// A Front Door endpoint or domain.
    FrontDoor(Slot),
    /// A public address resource.
    PublicAddress(Slot),
    /// A host of a site.
    Site(Id<OnPremisesSite>),
    /// Some public host.
    Internet,
    /// A resource of a type that is not modelled.
    Unmodelled(Slot),
}

/// A flow understood.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Where it starts.
    pub origin: Origin,
    /// What is meant.
    pub target: Wanted,
}

/// A destination as understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A name to be resolved, and what it is, where that is known beforehand.
    Name(Arc<str>),
    /// An address, and what it is.
    Address(IpAddr, Option<Target>),
    /// Something whose address cannot be known, and why.
    Unaddressed(String),
}

/// Why a flow cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misunderstood {
    /// Nothing has this name; what it may have been meant as.
    Nothing {
        /// As written.
        text: String,
        /// The nearest name.
        near: Option<String>,
    },
    /// Several resources have it.
    Ambiguous {
        /// As written.
        text: String,
        /// Their ids.
        candidates: Vec<String>,
    },
    /// The resource can neither send nor be sent to.
    NoEndpoint {
        /// As written.
        text: String,
        /// Its type.
        kind: String,
    },
}

impl fmt::Display for Misunderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing { text, near: Some(near) } => {
                write!(f, "nothing is called `{text}`; did you mean `{near}`?")
            }
            Self::Nothing { text, near: None } => write!(f, "nothing is called `{text}`"),
            Self::Ambiguous { text, candidates } => {
                write!(f, "`{text}` fits several resources: {}", candidates.join(", "))
            }
            Self::NoEndpoint { text, kind } => {
                write!(f, "`{text}` is a {kind}, which neither sends nor receives")
            }
        }
    }
}

impl std::error::Error for Misunderstood {}

/// Understands a flow.
pub(super) fn understand(network: &Network, flow: &Flow) -> Result<Question, Misunderstood> {
    Ok(Question { origin: origin(network, &flow.from)?, target: wanted(network, &flow.to)? })
}

pub(crate) fn origin(network: &Network, endpoint: &Endpoint) -> Result<Origin, Misunderstood> {
    match endpoint {
        Endpoint::Internet => Ok(Origin::Internet(INTERNET_CLIENT)),
        Endpoint::Address(ip) => Ok(origin_of_address(network, *ip)),
        Endpoint::Fqdn(name) | Endpoint::Named(name) => origin_of_name(network, name),
    }
}

fn origin_of_address(network: &Network, ip: IpAddr) -> Origin {
    if let Some(id) = network.first_at(ip) {
        return Origin::Attachment(id);
    }
    let sites = network.inventory.on_premises_sites.rows();
    let held = sites.filter_map(|(id, site)| Some((site.holds(ip)?, id)));
    let site = held.reduce(|best, next| if next.0 > best.0 { next } else { best });
    let holds = |s: &Id<Subnet>| network.ground(*s).space.contains(ip);
    let subnet = (0..network.subnets.len()).map(Id::new).find(holds);
    // Where a site's wide range covers a subnet, the subnet is the longer of the two.
    let subnet_length = |s: Id<Subnet>| {
        let prefixes = network.inventory.subnets[s].address_prefixes.iter();
        prefixes.filter(|p| p.contains(&ip)).map(|p| p.prefix_len()).max().unwrap_or(0)
    };
    match (site, subnet) {
        (Some((_, site)), None) => Origin::Site(site, ip),
        (Some((length, site)), Some(subnet)) if length >= subnet_length(subnet) => Origin::Site(site, ip),
        (_, Some(subnet)) => Origin::Subnet(subnet, ip),
        (None, None) => behind_gateway(network, ip).unwrap_or(Origin::Internet(ip)),
    }
}

/// A sender behind a gateway: in the address space of a local network gateway, of the gateway's own clients, or of what
/// it has learnt. The longest prefix, then ExpressRoute (GW-2).
fn behind_gateway(network: &Network, ip: IpAddr) -> Option<Origin> {
    let nameless = |kind: BranchKind| !matches!(kind, BranchKind::Site(_) | BranchKind::Vnet(_));
    let branches = network.gateways.branches.iter().filter(|b| nameless(b.kind));
    let held = branches.filter_map(|b| {
        let prefixes = b.prefixes.iter().filter(|p| !crate::inventory::is_way_out(p) && p.contains(&ip));
        Some(((prefixes.map(IpNet::prefix_len).max()?, b.express), b.gateway))
    });
    let (_, gateway) = held.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    let at = network.attachments.iter().position(|a| a.kind == AttachmentKind::Gateway(gateway))?;
    Some(Origin::Branch(AttachmentId(at as u32), ip))
}

fn origin_of_name(network: &Network, name: &str) -> Result<Origin, Misunderstood> {
    if let Some((site, ip)) = site_host(network, name) {
        return Ok(Origin::Site(site, ip));
    }
    let slot = match (slot_of(network, name), tag_address(network, name)) {
        (Err(Misunderstood::Nothing { .. }), Some(ip)) => return Ok(Origin::Internet(ip)),
        (slot, _) => slot?,
    };
    let row = slot.row as usize;
    if let Some(attachment) = attachment_of(network, slot) {
        return Ok(Origin::Attachment(attachment));
    }
    match slot.table {
        TableTag::OnPremisesSite => {
            let site: Id<OnPremisesSite> = Id::new(row);
            let ip = site_address(network, site, |_| true);
            Ok(Origin::Site(site, ip.unwrap_or(INTERNET_CLIENT)))
        }
        TableTag::Subnet => {
            let subnet: Id<Subnet> = Id::new(row);
            Ok(Origin::Subnet(subnet, free_address(network, subnet).unwrap_or(INTERNET_CLIENT)))
        }
        TableTag::VirtualNetwork => {
            let vnet: Id<VirtualNetwork> = Id::new(row);
            let subnet = network.vnet(vnet).subnets.first().copied();
            let found = subnet.and_then(|s| Some(Origin::Subnet(s, free_address(network, s)?)));
            found.ok_or_else(|| no_endpoint(network, name, slot))
        }
        TableTag::PlatformService => Ok(Origin::Service(Id::new(row))),
        TableTag::MlCompute | TableTag::MlEndpoint | TableTag::MlDeployment => managed(network, slot, name),
        TableTag::InternetHost => {
            let host = &network.inventory.internet_hosts.as_slice()[row];
            let tag = host.service_tag.known().and_then(|t| network.tags.find(t));
            let stand_in = tag.and_then(|t| network.tags.representative(t)).unwrap_or(INTERNET_CLIENT);
            Ok(Origin::Internet(host.addresses.items.first().copied().unwrap_or(stand_in)))
        }
        _ => Err(no_endpoint(network, name, slot)),
    }
}

/// An address of the service tag of a name: such a sender or receiver is one of many, which it stands for.
fn tag_address(network: &Network, name: &str) -> Option<IpAddr> {
    // TAG-4: the probes of load balancers, which no publication lists.
    if name.eq_ignore_ascii_case("AzureLoadBalancer") {
        return Some(crate::network::HOST_ADDRESS);
    }
    network.tags.representative(network.tags.find(name)?)
}

/// The service tag that a sender's name is, with the address that stands for it.
pub(super) fn sending_tag(network: &Network, from: &Endpoint) -> Option<(String, IpAddr)> {
    let (Endpoint::Named(name) | Endpoint::Fqdn(name)) = from else { return None };
    let ip = tag_address(network, name)?;
    let tag = network.tags.find(name)?;
    matches!(slot_of(network, name), Err(Misunderstood::Nothing { .. }))
        .then(|| (network.tags.name(tag).to_owned(), ip))
}

/// A compute or endpoint in the managed network of its workspace.
fn managed(network: &Network, slot: Slot, name: &str) -> Result<Origin, Misunderstood> {
    let id = network.inventory.id_of(slot);
    let workspace = id.and_then(|id| id.ancestor("Microsoft.MachineLearningServices/workspaces"));
    let workspace = workspace.and_then(|id| network.inventory.row::<PlatformService>(&id)).or_else(|| {
        network
            .inventory
            .services
            .iter()
            .position(|s| id.is_some_and(|id| id.is_within(s.id.as_str())))
            .map(Id::new)
    });
    workspace.map(|w| Origin::Managed(slot, w)).ok_or_else(|| no_endpoint(network, name, slot))
}

fn no_endpoint(network: &Network, text: &str, slot: Slot) -> Misunderstood {
    let kind = network.inventory.id_of(slot).map(ResourceId::kind).unwrap_or_default();
    Misunderstood::NoEndpoint { text: text.into(), kind }
}

/// `site/host` or a host's bare name.
fn site_host(network: &Network, name: &str) -> Option<(Id<OnPremisesSite>, IpAddr)> {
    // Asked for every name there is: most of them have no slash, and need no text to be put together.
    let is_path = name.contains('/');
    network.inventory.on_premises_sites.rows().find_map(|(id, site)| {
        let host = site.hosts.iter().find(|h| {
            h.name.eq_ignore_ascii_case(name)
                || is_path && format!("{}/{}", site.id.name(), h.name).eq_ignore_ascii_case(name)
        })?;
        Some((id, *host.ip_address.known()?))
    })
}

/// An address that stands for any host of a site: in the first of its prefixes that fit, outside of the virtual
/// networks that a wide range may cover.
pub(super) fn site_address(
    network: &Network,
    site: Id<OnPremisesSite>,
    fits: impl Fn(&IpNet) -> bool,
) -> Option<IpAddr> {
    let row = &network.inventory.on_premises_sites[site];
    let some = |prefix: &IpNet| prefix.hosts().nth(9).or_else(|| prefix.hosts().next());
    let free = row.own_prefixes().filter(|p| fits(p)).find_map(|p| outside_networks(network, p, some(p)?));
    let named =
        || row.hosts.iter().find_map(|h| h.ip_address.known().copied().filter(|ip| fits(&IpNet::from(*ip))));
    free.or_else(named).or_else(|| row.own_prefixes().find(|p| fits(p)).and_then(some))
}

/// The first address from one on that is in a prefix and in no virtual network.
fn outside_networks(network: &Network, prefix: &IpNet, first: IpAddr) -> Option<IpAddr> {
    let mut candidate = first;
    for _ in 0..MOST_SKIPPED {
        let networks = network.inventory.virtual_networks.iter();
        let mut held = networks.flat_map(|v| v.address_prefixes.iter()).filter(|p| p.contains(&candidate));
        let Some(held) = held.next() else { return Some(candidate) };
        candidate = match held.broadcast() {
            IpAddr::V4(last) => IpAddr::V4(u32::from(last).checked_add(10)?.into()),
            IpAddr::V6(last) => IpAddr::V6(u128::from(last).checked_add(10)?.into()),
        };
        if !prefix.contains(&candidate) {
            return None;
        }
    }
    None
}

/// The first address of a subnet that nothing holds.
pub(super) fn free_address(network: &Network, subnet: Id<Subnet>) -> Option<IpAddr> {
    let row = network.ground(subnet);
    let (low, high) = *row.space.v4().first()?;
    let first = low.checked_add(4)?;
    (first..high)
        .map(|n| IpAddr::V4(n.into()))
        .take(70_000)
        .find(|ip| network.at_address(row.vnet, *ip).is_none())
}

/// The one resource a text names.
fn slot_of(network: &Network, text: &str) -> Result<Slot, Misunderstood> {
    let inventory = &network.inventory;
    if ResourceId::looks_like_one(text) {
        let slot = inventory.slot(&ResourceId::new(text));
        return slot.ok_or_else(|| Misunderstood::Nothing { text: text.into(), near: None });
    }
    let mut slots: Vec<Slot> = inventory.named(text).to_vec();
    // A machine and its interface often share a name; they are one endpoint.
    slots.retain(|s| is_endpoint(s.table) || inventory.named(text).len() == 1);
    let distinct = distinct_endpoints(network, &slots);
    match distinct.as_slice() {
        [] => {
            let mut names = Vec::new();
            inventory.each(&mut |id, slot, _, _| {
                if is_endpoint(slot.table) {
                    names.push(id.name().to_owned());
                }
            });
            let near = nearest(text, names.iter().map(String::as_str)).map(str::to_owned);
            Err(Misunderstood::Nothing { text: text.into(), near })
        }
        [slot] => Ok(*slot),
        several => {
            let candidates =
                several.iter().filter_map(|s| inventory.id_of(*s)).map(ToString::to_string).collect();
            Err(Misunderstood::Ambiguous { text: text.into(), candidates })
        }
    }
}

fn distinct_endpoints(network: &Network, slots: &[Slot]) -> Vec<Slot> {
    let mut out: Vec<Slot> = Vec::new();
    for slot in slots {
        let attachment = attachment_of(network, *slot);
        let same = out.iter().any(|o| attachment.is_some() && attachment_of(network, *o) == attachment);
        if !same {
            out.push(*slot);
        }
    }
    out
}

fn is_endpoint(table: TableTag) -> bool {
    matches!(
        table,
        TableTag::NetworkInterface
            | TableTag::VirtualMachine
            | TableTag::ScaleSet
            | TableTag::Host
            | TableTag::PrivateEndpoint
            | TableTag::LoadBalancer
            | TableTag::ApplicationGateway
            | TableTag::AzureFirewall
            | TableTag::BastionHost
            | TableTag::InboundEndpoint
            | TableTag::VirtualNetworkGateway
            | TableTag::PlatformService
            | TableTag::MlCompute
            | TableTag::MlEndpoint
            | TableTag::MlDeployment
            | TableTag::OnPremisesSite
            | TableTag::InternetHost
            | TableTag::PublicIpAddress
            | TableTag::Subnet
            | TableTag::VirtualNetwork
            | TableTag::FrontDoorEndpoint
            | TableTag::Unmodelled
    )
}

/// The attachment a resource sends from and is reached at.
fn attachment_of(network: &Network, slot: Slot) -> Option<AttachmentId> {
    let inventory = &network.inventory;
    let owner = if slot.table == TableTag::VirtualMachine {
        let machine = &inventory.virtual_machines.as_slice()[slot.row as usize];
        let nic = machine
            .network_interfaces
            .items
            .iter()
            .find_map(|r: &Ref<_>| inventory.follow(r).row())
            .or_else(|| {
                let mine = |r: &Ref<crate::inventory::VirtualMachine>| {
                    inventory.follow(r).row().map(Id::raw) == Some(slot.row)
                };
                inventory
                    .network_interfaces
                    .rows()
                    .find(|(_, n)| n.virtual_machine.known().is_some_and(mine))
                    .map(|(id, _)| id)
            })?;
        Slot { table: TableTag::NetworkInterface, row: nic.raw() }
    } else {
        slot
    };
    network.attachment_of(owner)
}

pub(crate) fn wanted(network: &Network, endpoint: &Endpoint) -> Result<Wanted, Misunderstood> {
    match endpoint {
        Endpoint::Internet => Ok(Wanted::Address(INTERNET_HOST, Some(Target::Internet))),
        Endpoint::Address(ip) => Ok(Wanted::Address(*ip, None)),
        Endpoint::Fqdn(name) => Ok(Wanted::Name(name.to_ascii_lowercase().into())),
        Endpoint::Named(name) => wanted_by_name(network, name),
    }
}

fn wanted_by_name(network: &Network, name: &str) -> Result<Wanted, Misunderstood> {
    if let Some((site, ip)) = site_host(network, name) {
        return Ok(Wanted::Address(ip, Some(Target::Site(site))));
    }
    let (resource, group) = match name.split_once('#') {
        Some((resource, group)) => (resource, Some(group)),
        None => (name, None),
    };
    let slot = slot_of(network, resource)?;
    let row = slot.row as usize;
    match slot.table {
        TableTag::PlatformService => Ok(wanted_service(network, Id::new(row), group)),
        TableTag::Unmodelled => {
            let kind = network.inventory.id_of(slot).map(ResourceId::kind).unwrap_or_default();
            Ok(Wanted::Unaddressed(format!("`{resource}` is a {kind}, a type that is not modelled")))
        }
        TableTag::InternetHost => {
            let host = &network.inventory.internet_hosts.as_slice()[row];
            let first = host.names.items.first().map(|n| n.to_ascii_lowercase());
            Ok(match first {
                Some(name) => Wanted::Name(name.into()),
                None => Wanted::Address(
                    host.addresses.items.first().copied().unwrap_or(INTERNET_HOST),
                    Some(Target::Host(Id::new(row))),
                ),
            })
        }
        TableTag::OnPremisesSite => {
            let site: Id<OnPremisesSite> = Id::new(row);
            let ip = site_address(network, site, |_| true);
            Ok(ip.map_or(
                Wanted::Unaddressed(format!("the site `{resource}` has no address prefix of its own")),
                |ip| Wanted::Address(ip, Some(Target::Site(site))),
            ))
        }
        TableTag::PublicIpAddress => Ok(match network.public_addresses[row].0 {
            Some(ip) => Wanted::Address(ip, Some(Target::PublicAddress(slot))),
            None => Wanted::Unaddressed(format!("the address of `{resource}` is not known")),
        }),
        TableTag::Subnet => Ok(free_address(network, Id::new(row))
            .map_or(Wanted::Unaddressed(format!("the prefix of `{resource}` is not known")), |ip| {
                Wanted::Address(ip, None)
            })),
        TableTag::FrontDoorEndpoint => {
            let host = network
                .names
                .public
                .iter()
                .find(|(_, n)| n.target == crate::network::PublicTarget::FrontDoor(slot));
            Ok(host.map_or(Wanted::Unaddressed(format!("`{resource}` has no host name")), |(name, _)| {
                Wanted::Name(name.clone())
            }))
        }
        TableTag::LoadBalancer
        | TableTag::ApplicationGateway
        | TableTag::BastionHost
        | TableTag::AzureFirewall => Ok(wanted_front(network, slot, resource)),
        _ => match attachment_of(network, slot) {
            Some(attachment) => Ok(wanted_attachment(network, attachment)),
            None => Err(no_endpoint(network, name, slot)),
        },
    }
}

fn wanted_attachment(network: &Network, attachment: AttachmentId) -> Wanted {
    let row = network.attachment(attachment);
    match row.address {
        Some(ip) => Wanted::Address(ip, Some(Target::Attachment(attachment))),
        None => Wanted::Unaddressed(format!("the address of `{}` is not known", row.name)),
    }
}

/// Something with frontends: a private one first, else its public address.
fn wanted_front(network: &Network, slot: Slot, name: &str) -> Wanted {
    use crate::network::Occupant;
    let public = network.by_public_address.iter().filter(|(_, o)| match o {
        Occupant::Frontend(id, _) => slot == Slot { table: TableTag::LoadBalancer, row: id.raw() },
        Occupant::ApplicationGateway(id) => {
            slot == Slot { table: TableTag::ApplicationGateway, row: id.raw() }
        }
        Occupant::Bastion(id) => slot == Slot { table: TableTag::BastionHost, row: id.raw() },
        Occupant::Firewall(id) => slot == Slot { table: TableTag::AzureFirewall, row: id.raw() },
        _ => false,
    });
    let public = public.map(|(ip, _)| *ip).min();
    let private = attachment_of(network, slot);
    match (private, public) {
        (Some(attachment), _) if slot.table == TableTag::LoadBalancer => {
            wanted_attachment(network, attachment)
        }
        (_, Some(ip)) => Wanted::Address(ip, None),
        (Some(attachment), None) => wanted_attachment(network, attachment),
        (None, None) => Wanted::Unaddressed(format!("`{name}` has no address")),
    }
}

fn wanted_service(network: &Network, service: Id<PlatformService>, group: Option<&str>) -> Wanted {
    let row = &network.inventory.services[service];
    let kind = crate::services::service_kind(&row.id.kind());
    let position = match (group, kind) {
        (Some(group), Some(kind)) => kind.endpoints.iter().position(|e| e.group.eq_ignore_ascii_case(group)),
        _ => Some(0),
    };
    let host = position.and_then(|p| network.names.service_hosts[service.index()].get(p).cloned().flatten());
    match host {
        Some(host) => Wanted::Name(host),
        None => Wanted::Unaddressed(format!("the host name of `{}` is not known", row.id.name())),
    }
}

/// Whether an attachment is a private endpoint.
pub(super) fn is_private_endpoint(network: &Network, attachment: AttachmentId) -> bool {
    matches!(network.attachment(attachment).kind, AttachmentKind::PrivateEndpoint(..))
}
