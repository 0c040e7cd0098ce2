//! The network that a table of effective routes tells of: its own space and subnets, peers, the connected group, what a
//! gateway has learnt, its route table, its endpoints.

use crate::formats::export::{EffectiveNextHop, EffectiveRoute, EffectiveRoutes};
use crate::net::{IpAddr, IpNet};
use crate::network::endpoint_of_tag;
use serde_json::{Value, json};

/// What an estate made of a table calls the subnet that is asked about.
pub(super) const ASKED: &str = "net/own";

/// The word of Azure's for a network of the same connected group.
const CONNECTED_GROUP: &str = "ConnectedGroup";

/// An estate with the network of a table, where the table tells its space.
pub(super) fn around(table: &EffectiveRoutes) -> Option<Value> {
    let own = of(table, "Default", &[EffectiveNextHop::VirtualNetwork]);
    let spaces: Vec<IpNet> = own.iter().flat_map(|r| &r.prefixes).copied().collect();
    let space = spaces.iter().copied().find(|p| matches!(p, IpNet::V4(_)))?;
    let learnt = of(table, "VirtualNetworkGateway", &[EffectiveNextHop::Gateway]);
    let group = of(table, "Default", &[EffectiveNextHop::Other(CONNECTED_GROUP.into())]);
    let peers = of(table, "Default", &[EffectiveNextHop::Peering, EffectiveNextHop::GlobalPeering]);
    let endpoints = private_endpoints(table);
    let services = services(table);
    let layout = Layout::of(space, !endpoints.is_empty())?;
    let region = services.iter().find_map(|(_, region)| region.clone());
    let region = region.unwrap_or_else(|| "westeurope".into());
    let mut networks = vec![json!({
        "name": "net",
        "location": region,
        "addressPrefixes": texts(&spaces),
        "subnets": layout.subnets(&services),
        "virtualNetworkPeerings": (0..peers.len()).map(|n| json!({
            "name": format!("to-{n}"), "remoteVirtualNetwork": format!("peer-{n}"),
        })).collect::<Vec<_>>(),
    })];
    networks.extend(peers.iter().enumerate().map(|(number, peer)| {
        let far = if region == "northeurope" { "westeurope" } else { "northeurope" };
        let place = if peer.next_hop == EffectiveNextHop::GlobalPeering { far } else { region.as_str() };
        let mut network = other(&format!("peer-{number}"), place, peer, &endpoints);
        network["virtualNetworkPeerings"] = json!([{ "name": "back", "remoteVirtualNetwork": "net" }]);
        network
    }));
    let members = group.iter().enumerate();
    networks.extend(members.map(|(n, member)| other(&format!("member-{n}"), &region, member, &endpoints)));
    let user = table.routes.iter().filter(|r| r.source.eq_ignore_ascii_case("User"));
    let routes: Vec<Value> = user.enumerate().flat_map(|(n, route)| user_routes(n, route)).collect();
    let mut estate = json!({
        "netwhy": "estate/1",
        "virtualNetworks": networks,
        "routeTables": [{
            "name": "table",
            "routes": routes,
            "disableBgpRoutePropagation": table.routes.iter().any(|r| r.disable_bgp_route_propagation == Some(true)),
        }],
    });
    if !group.is_empty() {
        let members: Vec<String> = (0..group.len()).map(|n| format!("member-{n}")).collect();
        let members: Vec<&str> = std::iter::once("net").chain(members.iter().map(String::as_str)).collect();
        estate["networkManagers"] = json!([{ "name": "manager" }]);
        estate["networkGroups"] = json!([{ "name": "manager/all", "members": members }]);
        estate["connectivityConfigurations"] = json!([{
            "name": "manager/mesh", "connectivityTopology": "Mesh",
            "appliesToGroups": [{ "networkGroupId": "manager/all" }],
        }]);
    }
    if !learnt.is_empty() {
        let prefixes: Vec<IpNet> = learnt.iter().flat_map(|r| &r.prefixes).copied().collect();
        estate["virtualNetworkGateways"] =
            json!([{ "name": "gw", "gatewayType": "Vpn", "subnet": "net/GatewaySubnet" }]);
        estate["onPremisesSites"] =
            json!([{ "name": "site", "addressPrefixes": texts(&prefixes), "connectedTo": ["gw"] }]);
    }
    place_endpoints(&mut estate, &endpoints, &layout, &peers, &group);
    Some(estate)
}

fn of<'t>(table: &'t EffectiveRoutes, source: &str, hops: &[EffectiveNextHop]) -> Vec<&'t EffectiveRoute> {
    let wanted = |r: &&EffectiveRoute| r.source.eq_ignore_ascii_case(source) && hops.contains(&r.next_hop);
    table.routes.iter().filter(wanted).collect()
}

fn texts(prefixes: &[IpNet]) -> Vec<String> {
    prefixes.iter().map(ToString::to_string).collect()
}

/// The addresses of private endpoints, which stand in the table each by itself.
fn private_endpoints(table: &EffectiveRoutes) -> Vec<IpAddr> {
    let routes = of(table, "Default", &[EffectiveNextHop::InterfaceEndpoint]);
    routes.iter().flat_map(|r| &r.prefixes).filter(|p| p.prefix_len() == 32).map(IpNet::addr).collect()
}

/// The services of service endpoints, with the region that a tag names.
fn services(table: &EffectiveRoutes) -> Vec<(&'static str, Option<String>)> {
    let routes = of(table, "Default", &[EffectiveNextHop::ServiceEndpoint]);
    let tags = routes.iter().flat_map(|r| &r.service_tags);
    let mut out: Vec<(&'static str, Option<String>)> = Vec::new();
    for tag in tags {
        let (tag, region) = tag.split_once('.').map_or((&**tag, None), |(tag, region)| (tag, Some(region)));
        let Some(service) = endpoint_of_tag(tag) else { continue };
        if out.iter().all(|(known, _)| *known != service) {
            out.push((service, region.map(str::to_lowercase)));
        }
    }
    out
}

/// How the space of a table's network is shared out.
struct Layout {
    own: IpNet,
    gateway: IpNet,
    room: Option<IpNet>,
}

impl Layout {
    /// Half of the space for the subnet asked about. A gateway takes the other half, or where there are private endpoints
    /// the end of it, so that they have room.
    fn of(space: IpNet, endpoints: bool) -> Option<Layout> {
        let parts = |net: IpNet, bits: u8| net.subnets(net.prefix_len() + bits);
        let mut halves = parts(space, 1).ok()?;
        let (own, rest) = (halves.next()?, halves.next()?);
        let wide = endpoints && rest.prefix_len() <= 26;
        let room = parts(rest, 1).ok().and_then(|mut halves| halves.next()).filter(|_| wide);
        let end = parts(rest, 2).ok().and_then(Iterator::last).filter(|_| wide);
        Some(Layout { own, gateway: end.unwrap_or(rest), room })
    }

    fn subnets(&self, services: &[(&'static str, Option<String>)]) -> Vec<Value> {
        let services: Vec<&str> = services.iter().map(|(service, _)| *service).collect();
        let own = json!({
            "name": "own", "addressPrefix": self.own.to_string(), "routeTable": "table", "serviceEndpoints": services,
        });
        let gateway = json!({ "name": "GatewaySubnet", "addressPrefix": self.gateway.to_string() });
        let room = self.room.map(|room| json!({ "name": "room", "addressPrefix": room.to_string() }));
        [own, gateway].into_iter().chain(room).collect()
    }

    /// The subnet that holds an address.
    fn holding(&self, ip: IpAddr) -> Option<String> {
        let room = || self.room.filter(|room| room.contains(&ip)).map(|_| "net/room".to_owned());
        self.own.contains(&ip).then(|| ASKED.to_owned()).or_else(room)
    }
}

/// A network beside the table's own; with a subnet of its whole space where private endpoints are there.
fn other(name: &str, location: &str, route: &EffectiveRoute, endpoints: &[IpAddr]) -> Value {
    let holding = route.prefixes.iter().filter(|p| endpoints.iter().any(|ip| p.contains(ip)));
    let subnets: Vec<Value> = holding
        .enumerate()
        .map(|(n, prefix)| json!({ "name": format!("room-{n}"), "addressPrefix": prefix.to_string() }))
        .collect();
    json!({
        "name": name, "location": location, "addressPrefixes": texts(&route.prefixes), "subnets": subnets,
    })
}

/// A private endpoint for each address that the table tells of.
fn place_endpoints(
    estate: &mut Value,
    endpoints: &[IpAddr],
    layout: &Layout,
    peers: &[&EffectiveRoute],
    group: &[&EffectiveRoute],
) {
    let named = |kind: &str, routes: &[&EffectiveRoute], ip: IpAddr| -> Option<String> {
        let network = routes.iter().position(|r| r.prefixes.iter().any(|p| p.contains(&ip)))?;
        let holding = routes[network].prefixes.iter().filter(|p| endpoints.iter().any(|e| p.contains(e)));
        let subnet = holding.clone().position(|p| p.contains(&ip))?;
        Some(format!("{kind}-{network}/room-{subnet}"))
    };
    let place = |ip: IpAddr| {
        layout.holding(ip).or_else(|| named("peer", peers, ip)).or_else(|| named("member", group, ip))
    };
    let rows: Vec<Value> = endpoints
        .iter()
        .enumerate()
        .filter_map(|(n, ip)| {
            let subnet = place(*ip)?;
            Some(json!({
                "name": format!("endpoint-{n}"), "subnet": subnet, "target": "account", "groupIds": ["blob"],
                "privateIPAddress": ip.to_string(),
            }))
        })
        .collect();
    if !rows.is_empty() {
        estate["storageAccounts"] = json!([{ "name": "account" }]);
        estate["privateEndpoints"] = Value::Array(rows);
    }
}

fn user_routes(number: usize, route: &EffectiveRoute) -> Vec<Value> {
    let hop = match route.next_hop {
        EffectiveNextHop::VirtualNetwork => "VnetLocal",
        EffectiveNextHop::Gateway => "VirtualNetworkGateway",
        EffectiveNextHop::Internet => "Internet",
        EffectiveNextHop::Appliance => "VirtualAppliance",
        _ => "None",
    };
    let name = route.name.as_deref().map_or_else(|| format!("route-{number}"), str::to_owned);
    let written = |prefix: String| {
        let mut out = json!({ "name": name, "addressPrefix": prefix, "nextHopType": hop });
        if let (Some(ip), "VirtualAppliance") = (route.next_hop_ips.first(), hop) {
            out["nextHopIpAddress"] = Value::String(ip.to_string());
        }
        out
    };
    let tags = route.service_tags.iter().map(|tag| written(tag.to_string()));
    if route.service_tags.is_empty() {
        route.prefixes.iter().map(|prefix| written(prefix.to_string())).collect()
    } else {
        tags.collect()
    }
}
