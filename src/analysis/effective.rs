//! Effective routes and effective security rules: what acts at an interface after all associations (NW-4,
//! NSG-28).

use super::flow_verify::applied_to;
use super::subject::{self, AskError, Subject};
use super::{next_hop, words};
use crate::inventory::{
    AddressMeaning, AddressWord, Asg, Direction, Id, Many, Nsg, ResourceId, SecurityRule, VirtualNetwork,
};
use crate::net::{AddressSet, Header, IpAddr, IpNet, Protocol, host_prefix};
use crate::network::{
    AddressMatch, CompiledRule, EffectiveRoute, Network, NextHop, Place, RoutePrefix, RouteSource,
    RouteState, Verdict,
};
use crate::trace::{INTERNET_CLIENT, INTERNET_HOST, Layer, LayerKind, Layers, Spot};
use serde::Serialize;

/// The effective routes of an interface or subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveRoutes {
    /// The routes: those of Azure, those learnt from gateways, those of the route table.
    pub value: Vec<EffectiveRouteView>,
    /// Why there may be others.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// One effective route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveRouteView {
    /// Its name in its route table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the subnet's route table keeps gateway routes out; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_bgp_route_propagation: Option<bool>,
    /// `Default`, `VirtualNetworkGateway` or `User`.
    pub source: &'static str,
    /// `Active` or `Invalid`.
    pub state: &'static str,
    /// Whether it beats learnt routes whatever their length.
    pub has_bgp_override: bool,
    /// What it covers.
    pub address_prefix: Vec<String>,
    /// Where it leads; absent where the files do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop_type: Option<&'static str>,
    /// Appliances, and public addresses of gateways that a file tells.
    pub next_hop_ip_address: Vec<String>,
    /// The service tag it is written with.
    pub destination_service_tags: Vec<String>,
    /// What the files would have to say.
    #[serde(rename = "x-unknown", skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// The effective routes of a machine's interface, told by its address where it has several.
pub fn effective_routes(
    network: &Network,
    subject: &Subject,
    address: Option<IpAddr>,
) -> Result<EffectiveRoutes, AskError> {
    let subnet = subject::subnet_of(network, subject.shown(network, address)?);
    let row = network.subnet(subnet);
    let vnet = row.vnet;
    let propagation = match (&row.routes.user, &row.routes.user_unknown) {
        (Some(user), _) => user.keeps_gateway_routes_out,
        (None, Some(_)) => None,
        (None, None) => Some(false),
    };
    let mut routes = network.effective_routes(subnet);
    routes.sort_by_cached_key(|(route, _)| order(route));
    let mut value: Vec<EffectiveRouteView> = Vec::new();
    let mut service = None;
    for (route, state) in routes {
        let endpoint = match &route.hop {
            Ok(NextHop::ServiceEndpoint(service)) => Some(service.clone()),
            _ => None,
        };
        let view = route_view(network, vnet, &route, state, propagation);
        match value.last_mut() {
            // A service endpoint is one route with all prefixes of its service.
            Some(last) if endpoint.is_some() && endpoint == service && last.state == view.state => {
                last.address_prefix.extend(view.address_prefix);
            }
            _ => value.push(view),
        }
        service = endpoint;
    }
    let mut unknown: Vec<String> = row.routes.doubts().iter().map(|d| d.why.to_string()).collect();
    let space = network.vnet(vnet).space_unknown.as_ref();
    unknown.extend(space.map(|why| why.why.to_string()));
    Ok(EffectiveRoutes { value, unknown })
}

fn route_view(
    network: &Network,
    vnet: Id<VirtualNetwork>,
    route: &EffectiveRoute,
    state: RouteState,
    propagation: Option<bool>,
) -> EffectiveRouteView {
    let link = match &route.hop {
        Ok(NextHop::Peering { link, .. }) => network.vnet(vnet).links.get(*link),
        _ => None,
    };
    let global = link.and_then(|l| l.global).unwrap_or(false);
    let hop = route.hop.as_ref();
    EffectiveRouteView {
        name: route.name.as_deref().map(str::to_owned),
        disable_bgp_route_propagation: propagation,
        source: route.source.word(),
        state: match state {
            RouteState::Active => "Active",
            RouteState::Invalid => "Invalid",
        },
        has_bgp_override: route.bgp_override,
        address_prefix: covered(network, route),
        next_hop_type: hop.ok().map(|h| words::effective_hop(h, route.source, global)),
        next_hop_ip_address: next_hop::hop_addresses(network, vnet, route),
        destination_service_tags: tags(network, route),
        unknown: hop.err().or(route.prefix_unknown.as_ref()).map(|why| why.why.to_string()),
    }
}

/// Azure's order: the network, its peers, the internet, what is dropped, endpoints; learnt; user-defined.
fn order(route: &EffectiveRoute) -> (RouteSource, u8, Option<IpNet>, Option<String>) {
    let rank = match &route.hop {
        Ok(NextHop::VnetLocal) => 0,
        Ok(NextHop::Peering { .. }) => 1,
        Ok(NextHop::ConnectedGroup(_)) => 2,
        Err(_) => 3,
        Ok(NextHop::Gateway | NextHop::Appliance(_) | NextHop::Hub(_)) => 4,
        Ok(NextHop::Internet) => 5,
        Ok(NextHop::None) => 6,
        Ok(NextHop::InterfaceEndpoint(_)) => 7,
        Ok(NextHop::ServiceEndpoint(_)) => 8,
    };
    let rank = if route.source == RouteSource::Default { rank } else { 0 };
    let prefix = match &route.prefix {
        Some(RoutePrefix::Net(net)) => Some(*net),
        _ => None,
    };
    (route.source, rank, prefix, route.name.as_deref().map(str::to_owned))
}

fn covered(network: &Network, route: &EffectiveRoute) -> Vec<String> {
    match &route.prefix {
        Some(RoutePrefix::Net(net)) => vec![net.to_string()],
        Some(RoutePrefix::Tag(tag)) => words::prefixes(&network.tags.set(*tag).to_prefixes()),
        None => Vec::new(),
    }
}

/// A service endpoint's route shows prefixes alone; a user-defined route shows the tag it is written with.
fn tags(network: &Network, route: &EffectiveRoute) -> Vec<String> {
    match (&route.prefix, route.source) {
        (Some(RoutePrefix::Tag(tag)), RouteSource::User) => vec![network.tags.name(*tag).to_owned()],
        _ => Vec::new(),
    }
}

/// The effective security rules of an interface or subnet, group by group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveGroups {
    /// The groups; none where no group is attached.
    pub value: Vec<EffectiveGroup>,
    /// Why there may be others.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// The rules that come from one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveGroup {
    /// The group; absent for security admin rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_security_group: Option<IdView>,
    /// Where it stands.
    pub association: Association,
    /// Its rules, inbound first, in the order they are asked.
    pub effective_security_rules: Vec<EffectiveRuleView>,
    /// Why there may be others.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// A resource by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdView {
    /// The id.
    pub id: String,
}

/// Where a group stands: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Association {
    /// The network manager of security admin rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_manager: Option<IdView>,
    /// The subnet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet: Option<IdView>,
    /// The interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_interface: Option<IdView>,
}

/// One effective rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveRuleView {
    /// `securityRules/NAME`, `defaultSecurityRules/NAME`, or the name of a security admin rule.
    pub name: String,
    /// `All`, `Tcp` ...
    pub protocol: String,
    /// The first of the ranges.
    pub source_port_range: String,
    /// The first of the ranges.
    pub destination_port_range: String,
    /// `443-443`.
    pub source_port_ranges: Vec<String>,
    /// `443-443`.
    pub destination_port_ranges: Vec<String>,
    /// The first of the prefixes.
    pub source_address_prefix: String,
    /// The first of the prefixes.
    pub destination_address_prefix: String,
    /// Prefixes and service tags; members' addresses for application security groups.
    pub source_address_prefixes: Vec<String>,
    /// Prefixes and service tags; members' addresses for application security groups.
    pub destination_address_prefixes: Vec<String>,
    /// What service tags mean there.
    pub expanded_source_address_prefix: Vec<String>,
    /// What service tags mean there.
    pub expanded_destination_address_prefix: Vec<String>,
    /// `Allow` or `Deny`; absent where the files do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<&'static str>,
    /// Lower first.
    pub priority: i64,
    /// `Inbound` or `Outbound`.
    pub direction: &'static str,
    /// A security admin rule that skips network security groups.
    #[serde(rename = "x-note", skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
    /// What the files would have to say.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

const ALWAYS: &str = "AlwaysAllow: network security groups are skipped (SAR-2)";

/// The effective rules of a machine's interface, told by its address where it has several.
pub fn effective_rules(
    network: &Network,
    subject: &Subject,
    address: Option<IpAddr>,
) -> Result<EffectiveGroups, AskError> {
    let spot = subject.shown(network, address)?;
    let mut out = EffectiveGroups::default();
    for direction in [Direction::Inbound, Direction::Outbound] {
        let inbound = direction == Direction::Inbound;
        let header = ordinary(network, spot, inbound);
        let layers = Layers::of(network, spot, &header, inbound);
        let place = layers.place(network);
        for layer in &layers.layers {
            match layer.rules {
                Ok(_) => out.add(network, spot, layer, &place, direction),
                Err(why) if !out.unknown.iter().any(|u| **u == *why.why) => {
                    out.unknown.push(why.why.to_string());
                }
                Err(_) => {}
            }
        }
    }
    // Security admin rules first, then the interface's group, then the subnet's, as Azure lists them.
    out.value.sort_by_key(|g| {
        (g.association.network_manager.is_none(), g.association.network_interface.is_none())
    });
    Ok(out)
}

/// A header that no exemption is about.
fn ordinary(network: &Network, spot: Spot, inbound: bool) -> Header {
    let own = subject::address(network, spot).unwrap_or(INTERNET_CLIENT);
    let header = Header {
        source: own,
        destination: INTERNET_HOST,
        protocol: Protocol::Tcp,
        source_port: 50_000,
        port: 443,
    };
    if inbound { header.reversed() } else { header }
}

impl EffectiveGroups {
    fn add(
        &mut self,
        network: &Network,
        spot: Spot,
        layer: &Layer<'_>,
        place: &Place<'_>,
        direction: Direction,
    ) {
        let Ok(set) = layer.rules else { return };
        let id = |id: &ResourceId| Some(IdView { id: id.as_str().to_owned() });
        let applied = applied_to(network, spot, layer.kind);
        for (number, rule) in set.rules.iter().enumerate() {
            let manager = layer.owners.get(number).and_then(words::manager_of);
            let association = match layer.kind {
                LayerKind::Admin => {
                    Association { network_manager: manager.as_ref().and_then(id), ..Association::default() }
                }
                LayerKind::Subnet => Association { subnet: applied.and_then(id), ..Association::default() },
                LayerKind::Interface => {
                    Association { network_interface: applied.and_then(id), ..Association::default() }
                }
            };
            let group = layer.nsg.and_then(|nsg| id(&network.inventory.nsgs[nsg].id));
            let same = |g: &EffectiveGroup| g.association == association && g.network_security_group == group;
            let position = self.value.iter().position(same).unwrap_or_else(|| {
                let unknown = set.unknown.iter().map(|u| u.why.to_string()).collect();
                self.value.push(EffectiveGroup {
                    network_security_group: group.clone(),
                    association: association.clone(),
                    effective_security_rules: Vec::new(),
                    unknown,
                });
                self.value.len() - 1
            });
            let written = layer.nsg.and_then(|nsg| written(network, nsg, rule, direction));
            let view = rule_view(network, layer.kind, rule, written, place, direction);
            self.value[position].effective_security_rules.push(view);
        }
    }
}

/// The rule as somebody wrote it.
fn written<'n>(
    network: &'n Network,
    nsg: Id<Nsg>,
    rule: &CompiledRule,
    direction: Direction,
) -> Option<&'n SecurityRule> {
    let rules = network.inventory.nsgs[nsg].security_rules.iter();
    let same = |r: &&SecurityRule| {
        !rule.default && r.name == rule.name && r.direction.known().is_none_or(|d| *d == direction)
    };
    rules.into_iter().find(same)
}

fn rule_view(
    network: &Network,
    kind: LayerKind,
    rule: &CompiledRule,
    written: Option<&SecurityRule>,
    place: &Place<'_>,
    direction: Direction,
) -> EffectiveRuleView {
    let source = Side::of(network, &rule.source, written.map(|w| &w.source), place);
    let destination = Side::of(network, &rule.destination, written.map(|w| &w.destination), place);
    let (source_ports, destination_ports) =
        (words::ports(&rule.source_ports), words::ports(&rule.destination_ports));
    let first = |list: &[String]| list.first().cloned().unwrap_or_default();
    let own = rule.unknown.iter().map(|u| u.why.to_string());
    let unknown = own.chain(source.unknown).chain(destination.unknown).collect();
    EffectiveRuleView {
        name: if kind == LayerKind::Admin { rule.name.to_string() } else { words::rule_path(rule) },
        protocol: words::protocol(rule.protocol),
        source_port_range: first(&source_ports),
        destination_port_range: first(&destination_ports),
        source_port_ranges: source_ports,
        destination_port_ranges: destination_ports,
        source_address_prefix: first(&source.prefixes),
        destination_address_prefix: first(&destination.prefixes),
        source_address_prefixes: source.prefixes,
        destination_address_prefixes: destination.prefixes,
        expanded_source_address_prefix: source.expanded,
        expanded_destination_address_prefix: destination.expanded,
        access: rule.verdict.map(words::access),
        priority: rule.priority,
        direction: match direction {
            Direction::Inbound => "Inbound",
            Direction::Outbound => "Outbound",
        },
        note: (rule.verdict == Some(Verdict::AlwaysAllow)).then_some(ALWAYS),
        unknown,
    }
}

/// One side of a rule.
#[derive(Default)]
struct Side {
    prefixes: Vec<String>,
    expanded: Vec<String>,
    unknown: Option<String>,
}

/// Where probes over IPv6 come from, as Azure lists it beside the host's own address.
const PROBES_V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x1234, 0x5678, 0x9abc));

/// How Azure writes every address in effective rules.
const EVERYTHING: &str = "0.0.0.0/0";

impl Side {
    fn of(
        network: &Network,
        side: &AddressMatch,
        written: Option<&Many<AddressWord>>,
        place: &Place<'_>,
    ) -> Side {
        let mut out = Side { unknown: side.unknown.as_ref().map(|u| u.why.to_string()), ..Side::default() };
        let mut expanded = AddressSet::empty();
        if side.any {
            return Side { prefixes: vec![EVERYTHING.into()], ..out };
        }
        match written {
            Some(words) => out.prefixes.extend(words.iter().flat_map(spelt)),
            None => out.prefixes.extend(words::prefixes(&side.set.to_prefixes())),
        }
        for (there, tag, set) in [
            (side.virtual_network, "VirtualNetwork", place.virtual_network),
            (side.internet, "Internet", place.internet),
        ] {
            if there {
                out.tag(tag);
                expanded.extend(set);
            }
        }
        if side.virtual_network
            && let Some(doubt) = place.virtual_network_doubts.first()
        {
            out.unknown.get_or_insert(doubt.why.why.to_string());
        }
        if side.load_balancer {
            out.tag("AzureLoadBalancer");
            expanded.extend(&AddressSet::from_prefix(&host_prefix(crate::network::HOST_ADDRESS)));
            expanded.extend(&AddressSet::from_prefix(&host_prefix(PROBES_V6)));
        }
        for tag in &side.tags {
            out.tag(network.tags.name(*tag));
            expanded.extend(network.tags.set(*tag));
        }
        out.expanded = words::prefixes(&expanded.to_prefixes());
        for asg in &side.asgs {
            out.prefixes.extend(members(network, *asg));
        }
        out
    }

    /// A tag once, as the rule spells it.
    fn tag(&mut self, name: &str) {
        if !self.prefixes.iter().any(|p| p.eq_ignore_ascii_case(name)) {
            self.prefixes.push(name.to_owned());
        }
    }
}

/// An address of a rule: prefixes in full, tags as written.
fn spelt(word: &AddressWord) -> Vec<String> {
    match &word.means {
        AddressMeaning::Any => vec![EVERYTHING.into()],
        AddressMeaning::Addresses(set) => words::prefixes(&set.to_prefixes()),
        AddressMeaning::Tag(name) => vec![name.to_string()],
    }
}

/// The addresses of an application security group's members.
fn members(network: &Network, asg: Id<Asg>) -> Vec<String> {
    let members = network.attachments.iter().filter(|a| a.asgs.contains(&asg));
    let mut ips: Vec<IpAddr> = members.filter_map(|a| a.address).collect();
    ips.sort_unstable();
    ips.dedup();
    ips.into_iter().map(|ip| host_prefix(ip).to_string()).collect()
}
