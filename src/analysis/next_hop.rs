//! Next hop: where an interface sends a packet (NW-3).

use super::subject::{self, AskError, Subject};
use super::words;
use crate::inventory::{Id, ResourceId, Subnet, TableTag, VirtualNetwork, VirtualNetworkGateway};
use crate::net::IpAddr;
use crate::network::{Choice, EffectiveRoute, Network, NextHop, RouteSource};
use serde::Serialize;

/// Where it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextHopResult {
    /// The API's word; absent where the files do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop_type: Option<&'static str>,
    /// The appliance, or the gateway's public address where a file tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop_ip_address: Option<String>,
    /// The route table whose route it is, else [`SYSTEM_ROUTE`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_table_id: Option<String>,
    /// The word of Network Watcher's page, where it is another.
    #[serde(rename = "x-nextHopType", skip_serializing_if = "Option::is_none")]
    pub documented: Option<&'static str>,
    /// All appliances of an equal-cost route.
    #[serde(rename = "x-nextHopIpAddresses", skip_serializing_if = "Vec::is_empty")]
    pub all: Vec<String>,
    /// The route.
    #[serde(rename = "x-route", skip_serializing_if = "Option::is_none")]
    pub route: Option<ChosenRoute>,
    /// What the files would have to say.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// The route that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChosenRoute {
    /// Its name in its route table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who says it: `Default`, `User`, `VirtualNetworkGateway`.
    pub source: &'static str,
    /// A prefix or a service tag.
    pub address_prefix: String,
}

/// What stands for the route table where the route is not user-defined.
pub const SYSTEM_ROUTE: &str = "System Route";

/// Asks the routes of an interface, told by its address where the machine has several, for a destination. Where it has
/// one, Azure asks that one's routes whatever source it is told: routes do not look at sources.
pub fn next_hop(
    network: &Network,
    subject: &Subject,
    source: Option<IpAddr>,
    destination: IpAddr,
) -> Result<NextHopResult, AskError> {
    let (spot, _) = subject.nearest(network, source)?;
    Ok(towards(network, subject::subnet_of(network, spot), destination))
}

/// Where a subnet sends a packet.
pub(super) fn towards(network: &Network, subnet: Id<Subnet>, destination: IpAddr) -> NextHopResult {
    // PLAT-2: the host answers itself, whatever the table says; Azure shows the table's answer all the same.
    match network.choose(subnet, destination) {
        Choice::Route(routes, _) => match routes.first() {
            Some(route) => chosen(network, network.subnet(subnet).vnet, &routes, route),
            None => no_route(),
        },
        Choice::NoRoute => no_route(),
        Choice::Unknown(why) => {
            NextHopResult { unknown: vec![why.why.to_string()], ..NextHopResult::default() }
        }
    }
}

fn no_route() -> NextHopResult {
    NextHopResult {
        next_hop_type: Some("None"),
        route_table_id: Some(SYSTEM_ROUTE.into()),
        ..NextHopResult::default()
    }
}

fn chosen(
    network: &Network,
    vnet: Id<VirtualNetwork>,
    routes: &[&EffectiveRoute],
    route: &EffectiveRoute,
) -> NextHopResult {
    let prefix = route.prefix.as_ref().map(|p| p.text(&network.tags)).unwrap_or_default();
    let mut out = NextHopResult {
        route_table_id: Some(table_of(network, route)),
        route: Some(ChosenRoute {
            name: route.name.as_deref().map(str::to_owned),
            source: route.source.word(),
            address_prefix: prefix,
        }),
        ..NextHopResult::default()
    };
    let hop = match &route.hop {
        Ok(hop) => hop,
        Err(why) => {
            out.unknown.push(why.why.to_string());
            return out;
        }
    };
    let (word, documented) = words::next_hop(hop, route.source);
    out.next_hop_type = Some(word);
    out.documented = Some(documented).filter(|d| *d != word);
    let mut ips: Vec<String> = routes.iter().flat_map(|r| hop_addresses(network, vnet, r)).collect();
    ips.dedup();
    out.next_hop_ip_address = ips.first().cloned();
    out.all = if ips.len() > 1 { ips } else { Vec::new() };
    out
}

fn table_of(network: &Network, route: &EffectiveRoute) -> String {
    let table = route.owner.filter(|o| o.table == TableTag::RouteTable && route.source == RouteSource::User);
    let id = table.and_then(|slot| network.inventory.id_of(slot)).map(ResourceId::as_str);
    id.unwrap_or(SYSTEM_ROUTE).to_owned()
}

/// The addresses of a route's next hop that a file tells: appliances, and public addresses of gateways.
pub(super) fn hop_addresses(
    network: &Network,
    vnet: Id<VirtualNetwork>,
    route: &EffectiveRoute,
) -> Vec<String> {
    match &route.hop {
        Ok(NextHop::Appliance(ips)) => ips.iter().map(ToString::to_string).collect(),
        Ok(NextHop::Gateway) => gateway_addresses(network, vnet),
        _ => Vec::new(),
    }
}

fn gateway_addresses(network: &Network, vnet: Id<VirtualNetwork>) -> Vec<String> {
    let used = &network.gateways.used_by[vnet.index()];
    let mut out: Vec<String> = Vec::new();
    for (gateway, _) in used {
        out.extend(public_addresses(network, *gateway).map(|ip| ip.to_string()));
    }
    out
}

/// The public addresses of a gateway that a file tells.
pub(super) fn public_addresses(
    network: &Network,
    gateway: Id<VirtualNetworkGateway>,
) -> impl Iterator<Item = IpAddr> {
    let configs = network.inventory.virtual_network_gateways[gateway].ip_configurations.iter();
    configs.filter_map(move |config| {
        let row = network.inventory.follow(config.public_ip_address.known()?).row()?;
        match network.public_addresses[row.index()] {
            (Some(ip), false) => Some(ip),
            _ => None,
        }
    })
}
