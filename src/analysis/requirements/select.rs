//! In which words a place is told about the other end of a flow.

use super::crossing::{Crossing, Place};
use super::{Ask, Way, short};
use crate::catalogue::tag_of;
use crate::inventory::{ResourceId, Subnet};
use crate::net::{IpAddr, IpNet, Protocol, host_prefix};
use crate::network::{Network, PublicTarget, normal_region};
use crate::services::service_kind;
use crate::trace::{Endpoint, INTERNET_CLIENT, INTERNET_HOST};
use std::fmt;
use std::sync::Arc;

/// The other end of a flow. The order is that of preference.
///
/// A private endpoint reaches one resource and nothing else. A service tag reaches a whole service, but Microsoft keeps
/// its addresses. A name has to be looked up by whoever enforces it, and works for web traffic alone; a security group
/// knows none. An address is good for as long as nobody moves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// A private endpoint that the managed network makes: resource and sub-resource.
    PrivateEndpoint(ResourceId, Arc<str>),
    /// The tag `VirtualNetwork`: private endpoints and hosts in one's own networks.
    VirtualNetwork,
    /// A service tag.
    Tag(Arc<str>),
    /// The probes of load balancers.
    AzureLoadBalancer,
    /// A name, `*.` in front for any labels.
    Fqdn(Arc<str>),
    /// A prefix.
    Cidr(IpNet),
    /// The tag `Internet`: everything else.
    Internet,
}

impl Selector {
    /// As rules write it.
    pub fn word(&self) -> String {
        match self {
            Self::PrivateEndpoint(id, group) => format!("{} ({group})", short(id)),
            Self::VirtualNetwork => "VirtualNetwork".into(),
            Self::Tag(tag) => tag.to_string(),
            Self::AzureLoadBalancer => "AzureLoadBalancer".into(),
            Self::Fqdn(name) => name.to_string(),
            Self::Cidr(prefix) => prefix.to_string(),
            Self::Internet => "Internet".into(),
        }
    }

    /// What kind of words these are.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PrivateEndpoint(..) => "private endpoint",
            Self::VirtualNetwork | Self::AzureLoadBalancer | Self::Internet | Self::Tag(_) => "service tag",
            Self::Fqdn(_) => "FQDN",
            Self::Cidr(_) => "CIDR",
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word())
    }
}

/// Which words a firewall is told where it understands several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefer {
    /// Service tags before names: fewer lines, kept by Microsoft, and they let any protocol through.
    #[default]
    Tags,
    /// Names before service tags: each line reaches one service of one customer, so less can leave.
    Names,
}

/// Words for the other end, why these, and what would be better.
pub(super) struct Chosen {
    pub(super) selector: Selector,
    pub(super) why: String,
    pub(super) advice: Option<String>,
}

fn chosen(selector: Selector, why: impl Into<String>) -> Chosen {
    Chosen { selector, why: why.into(), advice: None }
}

/// The best words a place has for a flow, or why it has none.
pub(super) fn choose(
    network: &Network,
    ask: &Ask,
    crossing: &Crossing,
    prefer: Prefer,
) -> Result<Chosen, String> {
    match (&crossing.place, crossing.way) {
        (Place::Subnet(subnet), Way::Inbound) => Ok(source(network, subnet, crossing)),
        (Place::Subnet(_), Way::Outbound) => for_group(network, ask, crossing),
        (Place::Firewall(_), _) => for_firewall(network, ask, crossing, prefer),
        (Place::ManagedNetwork(_), _) => for_managed(network, ask, crossing),
    }
}

/// Whether the tag `VirtualNetwork` holds an address in the rules of a subnet, whatever a route to an appliance makes of
/// it (TAG-2, D-3). What is reached over an appliance alone is in a network that is no peer, and it does not.
fn in_own_networks(network: &Network, subnet: &ResourceId, ip: IpAddr) -> bool {
    let Some(row) = network.inventory.row::<Subnet>(subnet) else { return true };
    let row = network.subnet(row);
    row.virtual_network_tag.contains(ip) && row.other_virtual_network_tag.contains(ip)
}

/// Who sends, for a subnet's inbound rules.
fn source(network: &Network, subnet: &ResourceId, crossing: &Crossing) -> Chosen {
    let ip = crossing.header.source;
    if !network.is_public(ip) && !in_own_networks(network, subnet, ip) {
        let why = format!(
            "`{}` sends from a network that is no peer: VirtualNetwork need not hold it",
            at(network, ip)
        );
        return chosen(Selector::Cidr(host_prefix(ip)), why);
    }
    if !network.is_public(ip) {
        return chosen(
            Selector::VirtualNetwork,
            "the sender is in the network, a peered one, or behind a gateway",
        );
    }
    match holding(network, ip, None) {
        Some(tag) => chosen(
            Selector::Tag(tag.clone()),
            format!("Microsoft's service sends from the addresses of {tag}"),
        ),
        None if ip == INTERNET_CLIENT => chosen(Selector::Internet, "anybody on the internet may send"),
        None => chosen(Selector::Cidr(host_prefix(ip)), "only the sender's address is known"),
    }
}

fn for_group(network: &Network, ask: &Ask, crossing: &Crossing) -> Result<Chosen, String> {
    let ip = crossing.header.destination;
    if !network.is_public(ip) {
        return Ok(private(network, ip, crossing));
    }
    if let Some(tag) = tag(network, ask, ip) {
        return Ok(tagged(network, ask, tag));
    }
    if crossing.firewall_behind {
        let why = "a security group knows no names; the firewall behind it decides by name";
        return Ok(chosen(Selector::Internet, why));
    }
    match stated_address(network, ask, ip) {
        Some(Selector::Internet) => Ok(chosen(Selector::Internet, "any public host is asked for")),
        Some(selector) => Ok(chosen(selector, "no service tag holds the address, and the estate says it")),
        None => Err(format!(
            "no service tag is published for `{}` and a security group knows no names: put a firewall in the way that does",
            ask.flow.to
        )),
    }
}

fn private(network: &Network, ip: IpAddr, crossing: &Crossing) -> Chosen {
    if let Place::Subnet(subnet) = &crossing.place
        && !in_own_networks(network, subnet, ip)
    {
        let why =
            format!("`{}` is in a network that is no peer: VirtualNetwork need not hold it", at(network, ip));
        return chosen(Selector::Cidr(host_prefix(ip)), why);
    }
    let (Some(endpoint), true) = (&crossing.endpoint, matches!(crossing.place, Place::Subnet(_))) else {
        let to = at(network, ip);
        return chosen(Selector::VirtualNetwork, format!("`{to}` is in one's own networks"));
    };
    chosen(
        Selector::VirtualNetwork,
        format!("the private endpoint {endpoint} answers, so nothing leaves the network"),
    )
}

/// Who has an address, for a person.
fn at(network: &Network, ip: IpAddr) -> String {
    let here = network.attachments.iter().find(|a| a.address == Some(ip)).map(|a| a.name.to_string());
    here.unwrap_or_else(|| ip.to_string())
}

fn tagged(network: &Network, ask: &Ask, tag: Arc<str>) -> Chosen {
    let why = format!("a public endpoint; Microsoft keeps the addresses of {tag}");
    let advice = own_service(network, ask).map(|own| {
        format!(
            "`{}` is your own and can have a private endpoint; then nothing has to reach all of {tag}",
            short(&own)
        )
    });
    Chosen { selector: Selector::Tag(tag), why, advice }
}

fn for_firewall(network: &Network, ask: &Ask, crossing: &Crossing, prefer: Prefer) -> Result<Chosen, String> {
    let header = crossing.header;
    let ip = header.destination;
    let name = fqdn(network, ask);
    let web = header.protocol == Protocol::Tcp && matches!(header.port, 80 | 443);
    let tag = if network.is_public(ip) { tag(network, ask, ip) } else { None };
    // `*.blob.core.windows.net` reaches more than the tag of a region does.
    let exact = name.as_ref().filter(|name| !name.starts_with('*'));
    if let (Some(name), true, Prefer::Names) = (exact, web, prefer) {
        let why = "a name reaches this service alone, where its tag would reach everybody's";
        return Ok(chosen(Selector::Fqdn(name.clone()), why));
    }
    if let Some(tag) = tag {
        return Ok(tagged(network, ask, tag));
    }
    if let (Some(name), true) = (&name, web) {
        return Ok(chosen(
            Selector::Fqdn(name.clone()),
            "no service tag is published for it; its name is known",
        ));
    }
    match stated_address(network, ask, ip) {
        Some(selector) => Ok(chosen(selector, "neither a service tag nor web traffic by name")),
        None if !network.is_public(ip) => {
            Ok(chosen(Selector::Cidr(host_prefix(ip)), "an address of one's own networks"))
        }
        None => Err(format!(
            "`{}` has no service tag and is no web traffic: a network rule by name needs the firewall's DNS proxy, and the address is not known here",
            ask.flow.to
        )),
    }
}

fn for_managed(network: &Network, ask: &Ask, crossing: &Crossing) -> Result<Chosen, String> {
    if let Some((own, group)) = own_endpoint(network, ask) {
        let why =
            "a resource of one's own: a private endpoint of the managed network reaches it and nothing else";
        return Ok(chosen(Selector::PrivateEndpoint(own, group), why));
    }
    let header = crossing.header;
    if let Some(tag) = tag(network, ask, header.destination) {
        return Ok(tagged(network, ask, tag));
    }
    let web = header.protocol == Protocol::Tcp && matches!(header.port, 80 | 443);
    match fqdn(network, ask) {
        Some(name) if web => {
            Ok(chosen(Selector::Fqdn(name), "no service tag is published for it; its name is known"))
        }
        _ => Err(format!(
            "rules by name of a managed network pass ports 80 and 443 alone, and no tag holds `{}`",
            ask.flow.to
        )),
    }
}

/// The service tag of a flow's public destination: that of its name, if it holds the address.
fn tag(network: &Network, ask: &Ask, ip: IpAddr) -> Option<Arc<str>> {
    let name = fqdn(network, ask)?;
    let example = name.replace("*.", "example.");
    let region = region(network, ask, &example);
    let said = network.names.public(&example).and_then(|public| public.tag).map(|tag| network.tags.name(tag));
    let known = tag_of(&example, region.as_deref().unwrap_or("")).filter(|tag| !tag.ends_with('.'));
    let named = said
        .map(Arc::from)
        .or_else(|| known.map(Arc::from))
        .filter(|tag: &Arc<str>| network.tags.find(tag).is_some_and(|id| network.tags.set(id).contains(ip)));
    named.map(|tag| documented(network, tag, ip)).or_else(|| holding(network, ip, None))
}

/// A tag in the form Microsoft's texts ask for: by region where the service has one for each.
fn documented(network: &Network, tag: Arc<str>, ip: IpAddr) -> Arc<str> {
    if tag.contains('.') && !tag.starts_with("AzureFrontDoor.") {
        return tag;
    }
    holding(network, ip, Some(&tag)).unwrap_or(tag)
}

/// The narrowest tag that holds an address; of a certain service where one is named. Tags of regions count for the
/// services that have one for each.
fn holding(network: &Network, ip: IpAddr, of: Option<&str>) -> Option<Arc<str>> {
    let regional = |base: &str| crate::services::SERVICES.iter().any(|s| s.tag == Some(base) && s.regional);
    let names = network.tags.holding(ip).into_iter().map(|id| network.tags.name(id));
    let fits = |name: &&str| {
        let base = base_of(name);
        let service = of.is_none_or(|of| base.eq_ignore_ascii_case(base_of(of)));
        service && base != "AzureCloud" && (base == *name || regional(base) == (*name != base))
    };
    let mut fitting: Vec<&str> = names.filter(fits).collect();
    // The longer the name, the narrower the tag.
    fitting.sort_by_key(|name| (std::cmp::Reverse(name.len()), *name));
    fitting.first().map(|name| Arc::from(*name))
}

/// `Storage` of `Storage.WestEurope`; parts of Front Door are tags of their own.
fn base_of(tag: &str) -> &str {
    let end = match tag.strip_prefix("AzureFrontDoor.") {
        Some(rest) => "AzureFrontDoor.".len() + rest.find('.').unwrap_or(rest.len()),
        None => tag.find('.').unwrap_or(tag.len()),
    };
    &tag[..end]
}

fn region(network: &Network, ask: &Ask, name: &str) -> Option<String> {
    let labelled = name.split('.').find(|label| network.tags.regional("Storage", label).is_some());
    labelled.map(str::to_owned).or_else(|| {
        let own = own_service(network, ask)?;
        let row = network.inventory.row::<crate::inventory::PlatformService>(&own)?;
        network.inventory.services[row].location.known().map(|l| normal_region(l))
    })
}

/// The name a flow goes to, as a rule would write it.
fn fqdn(network: &Network, ask: &Ask) -> Option<Arc<str>> {
    if let Some(pattern) = &ask.pattern {
        return Some(pattern.clone());
    }
    match &ask.flow.to {
        Endpoint::Fqdn(name) => Some(name.clone()),
        Endpoint::Named(name) => {
            let slot = network.inventory.follow_any(name)?;
            if let crate::inventory::TableTag::InternetHost = slot.table {
                return network.inventory.internet_hosts.as_slice()[slot.row as usize]
                    .names
                    .items
                    .first()
                    .cloned();
            }
            let id = network.inventory.id_of(slot)?;
            let service = network.inventory.row::<crate::inventory::PlatformService>(id)?;
            network.names.service_hosts[service.index()].first()?.clone()
        }
        Endpoint::Internet | Endpoint::Address(_) => None,
    }
}

/// The resource of the estate that a flow's name belongs to.
fn own_service(network: &Network, ask: &Ask) -> Option<ResourceId> {
    own_endpoint(network, ask).map(|(id, _)| id)
}

fn own_endpoint(network: &Network, ask: &Ask) -> Option<(ResourceId, Arc<str>)> {
    let name = fqdn(network, ask)?.replace("*.", "example.");
    let PublicTarget::Service(service, endpoint) = network.names.public(&name)?.target else { return None };
    let id = network.inventory.services[service].id.clone();
    let group = service_kind(&id.kind())?.endpoints.get(endpoint)?.group;
    Some((id, group.into()))
}

/// An address that somebody stated, and did not stand in for another.
fn stated_address(network: &Network, ask: &Ask, ip: IpAddr) -> Option<Selector> {
    match &ask.flow.to {
        Endpoint::Internet => Some(Selector::Internet),
        Endpoint::Address(stated) => Some(Selector::Cidr(host_prefix(*stated))),
        Endpoint::Named(_) if network.by_public_address.contains_key(&ip) => {
            Some(Selector::Cidr(host_prefix(ip)))
        }
        Endpoint::Named(_) | Endpoint::Fqdn(_) => {
            let name = fqdn(network, ask)?;
            let PublicTarget::Host(host) = network.names.public(&name)?.target else { return None };
            let stated = network.inventory.internet_hosts[host].addresses.items.contains(&ip);
            (stated && ip != INTERNET_HOST).then(|| Selector::Cidr(host_prefix(ip)))
        }
    }
}
