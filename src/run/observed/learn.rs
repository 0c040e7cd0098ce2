//! Resources that only Azure's answers tell: routes learnt by BGP, and the rules of a security group.

use super::{network_of, subject_of};
use crate::diag::{Code, Diagnostic, Diagnostics, Sources};
use crate::doc::{Entry, Node, Object, Value};
use crate::formats::export::{
    EffectiveNextHop, EffectiveRoute, EffectiveRoutes, EffectiveRules, Facts, LearnedRoute,
};
use crate::inventory::{Id, Origin, RawResource, ResourceId, RouteTable, VirtualNetwork};
use crate::net::{IpAddr, IpNet};
use crate::network::Network;
use std::collections::BTreeMap;

/// The type of a learnt route in the inventory.
const BGP_ROUTE: &str = "netwhy.Estate/bgpRoutes";

/// Everything the facts add.
pub(super) fn resources(
    facts: &Facts,
    network: &Network,
    sources: &Sources,
    notes: &mut Diagnostics,
) -> Vec<RawResource> {
    let mut out: BTreeMap<String, RawResource> = BTreeMap::new();
    for route in &facts.learned_routes {
        match learner(network, route.local_address) {
            Some(gateway) => {
                let next_hop = is_route_server(&gateway).then_some(route.next_hop).flatten();
                add(&mut out, &gateway, route.prefix, next_hop, route);
            }
            None => notes.push(no_gateway(route)),
        }
    }
    for answer in &facts.effective_routes {
        let Some(vnet) = network_of_answer(answer, network, sources) else { continue };
        let gateway = gateway_of(network, vnet).or_else(|| without_gateway(network, vnet));
        let Some(gateway) = gateway else { continue };
        let learnt = answer.routes.iter().filter(|r| is_learnt(r));
        for (route, prefix) in learnt.flat_map(|r| r.prefixes.iter().map(move |p| (r, *p))) {
            if !is_known(network, vnet, prefix) {
                let as_fact = LearnedRoute {
                    at: route.at,
                    local_address: IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
                    prefix,
                    next_hop: route.next_hop_ips.first().copied(),
                    as_path: None,
                };
                let next_hop = is_route_server(&gateway).then_some(as_fact.next_hop).flatten();
                add(&mut out, &gateway, prefix, next_hop, &as_fact);
            }
        }
    }
    for answer in &facts.effective_routes {
        if let Some(table) = route_table(answer, network, sources) {
            out.entry(table.id.as_str().to_lowercase()).or_insert(table);
        }
    }
    let groups = facts.effective_rules.iter().filter_map(|rules| group(rules, network));
    out.into_values().chain(groups).collect()
}

/// A network whose gateway no file describes has learnt by itself what Azure's answer tells.
fn without_gateway(network: &Network, vnet: Id<VirtualNetwork>) -> Option<ResourceId> {
    let none = network.gateways.used_by.get(vnet.index())?.is_empty();
    none.then(|| network.inventory.virtual_networks[vnet].id.clone())
}

/// A route table that only an answer tells: that of the interface's subnet, where no file describes it.
fn route_table(answer: &EffectiveRoutes, network: &Network, sources: &Sources) -> Option<RawResource> {
    let subnet = subject_of(answer, network, sources)?.subnet(network)?;
    let id = network.inventory.subnets[subnet].route_table.known()?.id()?;
    let row = network.inventory.row::<RouteTable>(&id).map(|t| &network.inventory.route_tables[t]);
    if row.is_some_and(|t| t.origin != Origin::Mentioned) {
        return None;
    }
    let at = answer.at;
    let user = answer.routes.iter().filter(|r| r.source.eq_ignore_ascii_case("User"));
    let routes: Option<Vec<Node>> =
        user.enumerate().map(|(number, route)| user_route(number, route)).collect();
    let kept_out = answer.routes.iter().find_map(|r| r.disable_bgp_route_propagation);
    let kept_out = kept_out.map_or_else(
        || Node::unknown(at, "the effective routes do not tell disableBgpRoutePropagation"),
        |keeps| Node::new(at, Value::Bool(keeps)),
    );
    let properties = Object::from_iter([
        Entry { key: "routes".into(), key_at: at, value: Node::array(at, routes?) },
        Entry { key: "disableBgpRoutePropagation".into(), key_at: at, value: kept_out },
    ]);
    let body = Object::from_iter([
        Entry { key: "name".into(), key_at: at, value: Node::string(at, id.name()) },
        Entry { key: "properties".into(), key_at: at, value: Node::object(at, properties) },
    ]);
    let body = Node::object(at, body);
    Some(RawResource { id, at, origin: Origin::Deployed, uncertain: None, api_version: None, body })
}

/// A route as its table has it; `None` where its next hop is none that a table can name.
fn user_route(number: usize, route: &EffectiveRoute) -> Option<Node> {
    let at = route.at;
    let several = route.next_hop_ips.len() > 1;
    let hop = match &route.next_hop {
        EffectiveNextHop::VirtualNetwork => "VnetLocal",
        EffectiveNextHop::Gateway => "VirtualNetworkGateway",
        EffectiveNextHop::Internet => "Internet",
        EffectiveNextHop::Appliance if several => "VirtualApplianceEcmp",
        EffectiveNextHop::Appliance => "VirtualAppliance",
        EffectiveNextHop::None => "None",
        _ => return None,
    };
    let prefix = match (&route.service_tags[..], &route.prefixes[..]) {
        ([tag], _) => tag.to_string(),
        ([], [prefix]) => prefix.to_string(),
        _ => return None,
    };
    let name = route.name.as_deref().map_or_else(|| format!("route-{number}"), str::to_owned);
    let mut properties = Object::new();
    properties.set("addressPrefix", at, Node::string(at, prefix));
    properties.set("nextHopType", at, Node::string(at, hop));
    let appliance = route.next_hop == EffectiveNextHop::Appliance;
    let mut ips = route.next_hop_ips.iter().map(|ip| Node::string(at, ip.to_string()));
    if appliance && several {
        properties.set("nextHopIpAddresses", at, Node::array(at, ips.collect()));
    } else if let Some(ip) = ips.next().filter(|_| appliance) {
        properties.set("nextHopIpAddress", at, ip);
    }
    let body = Object::from_iter([
        Entry { key: "name".into(), key_at: at, value: Node::string(at, name) },
        Entry { key: "properties".into(), key_at: at, value: Node::object(at, properties) },
    ]);
    Some(Node::object(at, body))
}

fn network_of_answer(
    answer: &EffectiveRoutes,
    network: &Network,
    sources: &Sources,
) -> Option<Id<VirtualNetwork>> {
    let subnet = subject_of(answer, network, sources).and_then(|s| s.subnet(network));
    subnet.map(|subnet| network.subnet(subnet).vnet).or_else(|| network_of(answer, network))
}

fn is_learnt(route: &EffectiveRoute) -> bool {
    route.source.eq_ignore_ascii_case("VirtualNetworkGateway") && route.next_hop == EffectiveNextHop::Gateway
}

/// The gateway or Route Server whose subnet holds an address.
fn learner(network: &Network, address: IpAddr) -> Option<ResourceId> {
    let subnets = network.inventory.subnets.rows();
    let mut holding = subnets.filter(|(id, row)| {
        let special =
            ["GatewaySubnet", "RouteServerSubnet"].iter().any(|n| row.id.name().eq_ignore_ascii_case(n));
        special && network.subnet(*id).space.contains(address)
    });
    let (_, subnet) = holding.next().filter(|_| holding.next().is_none())?;
    let vnet = network.inventory.row::<VirtualNetwork>(&subnet.id.parent()?)?;
    if subnet.id.name().eq_ignore_ascii_case("RouteServerSubnet") {
        return route_server_in(network, &subnet.id);
    }
    only_gateway(network, network.gateways.of_vnet.get(vnet.index())?.iter().copied())
}

fn route_server_in(network: &Network, subnet: &ResourceId) -> Option<ResourceId> {
    let hubs = network.inventory.virtual_hubs.as_slice().iter();
    let here = |text: &str| ResourceId::new(text) == *subnet;
    let mut fitting = hubs
        .filter(|hub| hub.ip_configurations.iter().any(|c| c.subnet.known().is_some_and(|r| here(&r.text))));
    fitting.next().map(|hub| hub.id.clone())
}

/// The gateway of a network, or the one it uses over a peering, if there is exactly one; else its Route Server.
fn gateway_of(network: &Network, vnet: Id<VirtualNetwork>) -> Option<ResourceId> {
    let used = network.gateways.used_by.get(vnet.index())?;
    only_gateway(network, used.iter().map(|(gateway, _)| *gateway)).or_else(|| {
        let subnets = network.vnet(vnet).subnets.iter().map(|s| &network.inventory.subnets[*s].id);
        let mut own = subnets.filter(|id| id.name().eq_ignore_ascii_case("RouteServerSubnet"));
        route_server_in(network, own.next()?)
    })
}

fn only_gateway(
    network: &Network,
    gateways: impl Iterator<Item = Id<crate::inventory::VirtualNetworkGateway>>,
) -> Option<ResourceId> {
    let mut all: Vec<_> = gateways.collect();
    all.sort();
    all.dedup();
    match all[..] {
        [one] => Some(network.inventory.virtual_network_gateways[one].id.clone()),
        _ => None,
    }
}

fn is_route_server(id: &ResourceId) -> bool {
    id.is_kind("Microsoft.Network/virtualHubs")
}

/// Whether a gateway route for the prefix is there without the fact.
fn is_known(network: &Network, vnet: Id<VirtualNetwork>, prefix: IpNet) -> bool {
    use crate::network::RoutePrefix;
    let routes = &network.vnet(vnet).routes.vnet.gateway;
    routes.iter().any(|route| matches!(&route.prefix, Some(RoutePrefix::Net(net)) if *net == prefix))
}

fn add(
    out: &mut BTreeMap<String, RawResource>,
    gateway: &ResourceId,
    prefix: IpNet,
    next_hop: Option<IpAddr>,
    fact: &LearnedRoute,
) {
    let at = fact.at;
    let hop = next_hop.map(|ip| format!("-{ip}")).unwrap_or_default();
    let name = format!("learnt-{}-{prefix}{hop}", gateway.name()).replace('/', "_");
    let id = ResourceId::under(gateway.scope(), BGP_ROUTE, &name);
    let mut properties = Object::new();
    properties.set("addressPrefix", at, Node::string(at, prefix.to_string()));
    properties.set("learnedBy", at, Node::string(at, gateway.as_str()));
    if let Some(ip) = next_hop {
        properties.set("nextHopIpAddress", at, Node::string(at, ip.to_string()));
    }
    if let Some(path) = &fact.as_path {
        properties.set("asPath", at, Node::string(at, path.clone()));
    }
    let body = Object::from_iter([
        Entry { key: "name".into(), key_at: at, value: Node::string(at, name.as_str()) },
        Entry { key: "properties".into(), key_at: at, value: Node::object(at, properties) },
    ]);
    let body = Node::object(at, body);
    let key = id.as_str().to_lowercase();
    let raw = RawResource { id, at, origin: Origin::Deployed, uncertain: None, api_version: None, body };
    out.entry(key).or_insert(raw);
}

fn no_gateway(route: &LearnedRoute) -> Diagnostic {
    let message = format!(
        "the learnt route {} is left out: no gateway or Route Server of the files has the address {}",
        route.prefix, route.local_address
    );
    Diagnostic::new(Code::DanglingReference, route.at, message)
        .help("give an export of the gateway and of its virtual network too")
}

/// A security group that only an answer tells, with the rules somebody wrote in it.
fn group(rules: &EffectiveRules, network: &Network) -> Option<RawResource> {
    let id = rules.group.as_ref().filter(|id| network.inventory.slot(id).is_none())?;
    let at = rules.at;
    let own = rules.rules.iter().filter(|r| !r.name.starts_with("defaultSecurityRules/"));
    let list = Node::array(at, own.map(|rule| written(&rule.node)).collect());
    let properties = Object::from_iter([Entry { key: "securityRules".into(), key_at: at, value: list }]);
    let body = Object::from_iter([
        Entry { key: "name".into(), key_at: at, value: Node::string(at, id.name()) },
        Entry { key: "properties".into(), key_at: at, value: Node::object(at, properties) },
    ]);
    let (id, body) = (id.clone(), Node::object(at, body));
    Some(RawResource { id, at, origin: Origin::Deployed, uncertain: None, api_version: None, body })
}

/// An effective rule as its group has it: its plain name, and Azure's word for every protocol.
fn written(rule: &Node) -> Node {
    let entries = rule.as_object().into_iter().flat_map(Object::iter);
    let own = entries.filter(|e| !e.key.starts_with("expanded")).map(|e| {
        let text = e.value.as_str().unwrap_or_default();
        let value = match &*e.key {
            "name" => Node::string(e.value.at, text.rsplit('/').next().unwrap_or(text)),
            "protocol" if text.eq_ignore_ascii_case("all") => Node::string(e.value.at, "*"),
            _ => e.value.clone(),
        };
        Entry { value, ..e.clone() }
    });
    Node::object(rule.at, own.collect())
}
