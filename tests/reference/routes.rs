//! Which way a subnet sends (section 6 of the rules), by building the whole table for every packet.

use super::facts::{Bound, Facts, is_private, net};
use super::worlds::{Stop, Why, Worlds};
use netwhy::inventory::{
    AddressMeaning, GatewayType, Id, NextHopType, OnPremisesSite, PeeringState, Route, RouteTable, Slot,
    Subnet, TableTag, VirtualHub, VirtualNetwork, VirtualNetworkGateway,
};
use netwhy::net::{IpAddr, IpNet, host_prefix};
use netwhy::network::AttachmentKind;
use netwhy::trace::Cause;

/// Where a route sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Hop {
    /// Inside the virtual network.
    Local,
    /// Into a peered network.
    Peer(Id<VirtualNetwork>),
    /// To the private endpoint at this place in the list of holders.
    Endpoint(usize),
    /// To the public internet.
    Internet,
    /// To a service over its service endpoint.
    ServiceEndpoint(String),
    /// To another network of a connected group.
    Group(Id<VirtualNetwork>),
    /// To a Virtual WAN hub.
    Hub(Id<VirtualHub>),
    /// To one of these gateways.
    Gateway(Vec<Id<VirtualNetworkGateway>>),
    /// To this appliance.
    Appliance(IpAddr),
    /// Nowhere.
    Drop,
}

/// Who put a route into the table; the later the better for the same prefix (RT-20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    System,
    Bgp,
    /// RT-17: the kind of tag, an explicit prefix last.
    User(u8),
}

#[derive(Clone, Debug)]
struct Candidate {
    prefix: IpNet,
    rank: Rank,
    hops: Vec<Hop>,
    decider: Option<String>,
}

/// A chosen route.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) hop: Hop,
    pub(crate) user: bool,
    /// Length of its prefix.
    pub(crate) length: u8,
    /// Every equal next hop, that one among them.
    pub(crate) all: Vec<Hop>,
    pub(crate) decider: Option<String>,
}

/// RT-24b, step by step.
pub(crate) fn choose(f: &Facts, w: &Worlds, subnet: Id<Subnet>, to: IpAddr) -> Result<Chosen, Stop> {
    choose_by(f, w, subnet, to, true)
}

/// The same, perhaps without the subnet's own table and service endpoints.
pub(crate) fn choose_by(
    f: &Facts,
    w: &Worlds,
    subnet: Id<Subnet>,
    to: IpAddr,
    own: bool,
) -> Result<Chosen, Stop> {
    let Some(vnet) = f.vnet_of(subnet) else {
        return Err(Stop { cause: Cause::DanglingReference, decider: None });
    };
    let table = match f.bound(&f.inv.subnets[subnet].route_table) {
        _ if !own => Ok(None),
        Bound::Nothing => Ok(None),
        Bound::To(row) => Ok(Some(&f.inv.route_tables[row])),
        Bound::Unknown(cause) => Err(cause),
    };
    let endpoints = if own { service_endpoint_routes(f, subnet, to) } else { Vec::new() };
    // RT-23: nothing in a table can override these, not even what is unknown.
    if let (Some(first), false) = (endpoints.first(), f.profile.service_endpoint_route_overridable) {
        return Ok(chosen(w, first));
    }
    let table = match table {
        Ok(table) => table,
        // A route may lead anywhere: to a drop, or past one.
        Err(cause) if w.maybe(cause) => return Err(Stop { cause, decider: None }),
        Err(_) => None,
    };
    let user = user_routes(f, w, table, to);
    let gateway = gateway_routes(f, vnet, table);
    let mut all = system_routes(f, vnet, &user, &gateway, table);
    all.extend(endpoint_routes(f, w, vnet, &user));
    all.extend(endpoints);
    all.extend(user);
    all.retain(|c| c.prefix.contains(&to));
    // RT-22: inside the network and its peers, system routes beat learnt ones however specific.
    let inside =
        |hop: &Hop| matches!(hop, Hop::Local | Hop::Peer(_) | Hop::Group(_) | Hop::ServiceEndpoint(_));
    let near = all.iter().any(|c| c.rank == Rank::System && c.hops.iter().any(inside));
    if !near {
        all.extend(gateway.into_iter().filter(|c| c.prefix.contains(&to)));
    }
    // RT-20: longest prefix, then user before learnt before system.
    // A peer that is in none of the files may hold a private address that nobody here does.
    let held = |c: &Candidate| {
        let branch = c.rank == Rank::Bgp && c.prefix.prefix_len() > 0;
        let exact = matches!(c.rank, Rank::User(_)) && c.prefix.prefix_len() == 32;
        branch || exact || c.hops.iter().any(inside)
    };
    let refused = table.is_some_and(refuses_peerings);
    if !refused
        && !all.iter().any(held)
        && unknown_peer(f, vnet, to, |_| true)
        && w.maybe(Cause::DanglingReference)
    {
        return Err(Stop { cause: Cause::DanglingReference, decider: None });
    }
    let best = all.iter().max_by_key(|c| (c.prefix.prefix_len(), c.rank, inside(&c.hops[0])));
    // PEER-7: so may a hub's gateway announce it, unless the table keeps that out.
    let open = table.is_none_or(|t| !t.disable_bgp_route_propagation.is(true));
    let exact = best.is_some_and(|c| matches!(c.rank, Rank::User(_)) && c.prefix.prefix_len() == 32);
    if open && !near && !exact && unseen_gateway(f, vnet, to) && w.maybe(Cause::DanglingReference) {
        return Err(Stop { cause: Cause::DanglingReference, decider: None });
    }
    match best {
        None => Err(Stop { cause: Cause::NoRoute, decider: None }),
        Some(best) => Ok(chosen(w, best)),
    }
}

/// Whether a peering leads to a network in none of the files that may hold an address: a private one, and
/// none of a network that is peered by intent, for such spaces do not overlap (PEER-3).
pub(crate) fn unknown_peer(
    f: &Facts,
    vnet: Id<VirtualNetwork>,
    to: IpAddr,
    counts: impl Fn(&super::facts::Side<'_>) -> bool,
) -> bool {
    let connected = |s: &super::facts::Side<'_>| {
        s.row.peering_state.or(PeeringState::Connected) == Ok(PeeringState::Connected)
    };
    let sides = f.sides(vnet);
    let meant = |v: Id<VirtualNetwork>| {
        sides.iter().any(|s| s.remote == Some(v)) || f.sides(v).iter().any(|s| s.remote == Some(vnet))
    };
    let held = f.inv.virtual_networks.rows().any(|(v, _)| (v == vnet || meant(v)) && f.in_vnet(v, to));
    let missing =
        |s: &&super::facts::Side<'_>| s.remote.is_none() && !s.row.remote_virtual_network.is_absent();
    // A space that the peering itself tells settles it.
    let may = |s: &super::facts::Side<'_>| match s.row.remote_address_space.given {
        true => s.row.remote_address_space.iter().any(|p| p.contains(&to)),
        false => is_private(to) && !held,
    };
    sides.iter().filter(missing).any(|s| connected(s) && counts(s) && may(s))
}

/// Whether a network uses the gateway of a hub in none of the files, which may announce an address that nobody in
/// reach holds (PEER-7).
pub(crate) fn unseen_gateway(f: &Facts, vnet: Id<VirtualNetwork>, to: IpAddr) -> bool {
    let sides = f.sides(vnet);
    let held = f.in_vnet(vnet, to) || sides.iter().any(|s| s.remote.is_some_and(|r| f.in_vnet(r, to)));
    let uses = |s: &super::facts::Side<'_>| {
        let connected = s.row.peering_state.or(PeeringState::Connected) == Ok(PeeringState::Connected);
        let missing = s.remote.is_none() && !s.row.remote_virtual_network.is_absent();
        connected && missing && s.row.use_remote_gateways.is(true)
    };
    f.gateways_of(vnet).is_empty() && is_private(to) && !held && sides.iter().any(uses)
}

/// RT-27: several equal next hops are all used.
fn chosen(w: &Worlds, candidate: &Candidate) -> Chosen {
    let hop = w.pick(Why::Spread, candidate.hops.len());
    let user = matches!(candidate.rank, Rank::User(_));
    let length = candidate.prefix.prefix_len();
    let (hop, all) = (candidate.hops[hop].clone(), candidate.hops.clone());
    Chosen { hop, user, length, all, decider: candidate.decider.clone() }
}

/// RT-2 to RT-5.
fn system_routes(
    f: &Facts,
    vnet: Id<VirtualNetwork>,
    user: &[Candidate],
    gateway: &[Candidate],
    table: Option<&RouteTable>,
) -> Vec<Candidate> {
    let system =
        |prefix: IpNet, hop: Hop| Candidate { prefix, rank: Rank::System, hops: vec![hop], decider: None };
    let everything = net("0.0.0.0/0");
    let mut out = vec![system(everything, Hop::Internet)];
    let own = f.prefixes(vnet);
    out.extend(own.iter().map(|p| system(*p, Hop::Local)));
    for other in f.joined(vnet) {
        out.extend(f.prefixes(other).iter().map(|p| system(*p, Hop::Group(other))));
    }
    // RT-19: a table may refuse the routes of peerings.
    if !table.is_some_and(refuses_peerings) {
        for (peer, side) in f.peers(vnet) {
            out.extend(f.brings(&side).into_iter().map(|p| system(p, Hop::Peer(peer))));
        }
    }
    // RT-3a, RT-3b: a default route of the user's, or a learnt one, takes the None routes away.
    let learnt = f.profile.bgp_default_removes_none_routes && gateway.iter().any(|c| c.prefix == everything);
    if user.iter().any(|c| c.prefix == everything) || learnt {
        return out;
    }
    let listed = f.profile.none_routes.iter().chain(&f.profile.extra_none_routes).copied();
    // RT-3: not where the network's own space is that range or includes it.
    let kept = listed.filter(|none| !own.iter().any(|p| p.contains(none)));
    out.extend(kept.map(|p| system(p, Hop::Drop)));
    out
}

fn refuses_peerings(table: &RouteTable) -> bool {
    table.disable_peering_route.known().is_some_and(|v| v.eq_ignore_ascii_case("All"))
}

/// RT-10, RT-17. All routes of a table, those of tags as the prefix that holds the destination.
fn user_routes(f: &Facts, w: &Worlds, table: Option<&RouteTable>, to: IpAddr) -> Vec<Candidate> {
    let Some(table) = table else { return Vec::new() };
    let mut out = Vec::new();
    for route in &table.routes {
        let decider = Some(format!("{}/{}", table.id.full_name(), route.name));
        let Some(prefix) = route.address_prefix.known() else { continue };
        let (prefix, rank) = match &prefix.means {
            AddressMeaning::Any => (net("0.0.0.0/0"), 4),
            AddressMeaning::Addresses(set) => match set.to_prefixes()[..] {
                [one] => (one, 4),
                _ => continue,
            },
            AddressMeaning::Tag(tag) => match f.tag(tag) {
                Some(set) => match set.to_prefixes().into_iter().find(|p| p.contains(&to)) {
                    Some(prefix) => (prefix, tag_rank(tag)),
                    None => continue,
                },
                // It may hold the destination, and nobody knows how exactly.
                // Tags hold public addresses only (TAG-11).
                None if !is_private(to) && w.maybe(Cause::UnknownServiceTag) => (host_prefix(to), 3),
                None => continue,
            },
        };
        let Some(hops) = user_hops(f, table, route) else { continue };
        out.push(Candidate { prefix, rank: Rank::User(rank), hops, decider });
    }
    out
}

/// RT-17: regional tag, top-level tag, AzureCloud.region, AzureCloud.
fn tag_rank(tag: &str) -> u8 {
    let cloud = tag.to_ascii_lowercase().starts_with("azurecloud");
    match (cloud, tag.contains('.')) {
        (false, true) => 3,
        (false, false) => 2,
        (true, true) => 1,
        (true, false) => 0,
    }
}

fn user_hops(f: &Facts, table: &RouteTable, route: &Route) -> Option<Vec<Hop>> {
    let _ = (f, table);
    Some(match route.next_hop_type.known()? {
        NextHopType::VirtualAppliance => vec![Hop::Appliance(*route.next_hop_ip_address.known()?)],
        NextHopType::VirtualApplianceEcmp => {
            let hops: Vec<Hop> = route.next_hop_ip_addresses.iter().map(|ip| Hop::Appliance(*ip)).collect();
            if hops.is_empty() {
                return None;
            }
            hops
        }
        NextHopType::VirtualNetworkGateway => vec![Hop::Gateway(Vec::new())],
        NextHopType::VnetLocal => vec![Hop::Local],
        NextHopType::Internet => vec![Hop::Internet],
        NextHopType::None => vec![Hop::Drop],
    })
}

/// RS-2, RS-3: what appliances tell a Route Server, in its network and in those that use it over a peering: the
/// shortest AS path of a prefix, all of the same length.
fn told_routes(f: &Facts, vnet: Id<VirtualNetwork>) -> Vec<Candidate> {
    let mut told: Vec<(IpNet, usize, IpAddr)> = Vec::new();
    for route in f.inv.bgp_routes.iter() {
        let learnt = route.learned_by.known().and_then(|r| f.inv.follow_any(&r.text));
        let Some(Slot { table: TableTag::VirtualHub, row }) = learnt else { continue };
        let server = &f.inv.virtual_hubs[Id::new(row as usize)];
        let home = server.ip_configurations.iter().find_map(|c| f.row(&c.subnet));
        let Some(home) = home.and_then(|s| f.vnet_of(s)) else { continue };
        let uses = f.peers(vnet).iter().any(|(peer, side)| {
            let lets = side.reverse.is_some_and(|r| r.allow_gateway_transit.is(true));
            *peer == home && side.row.use_remote_gateways.is(true) && lets
        });
        let (Some(prefix), Some(ip)) = (route.address_prefix.known(), route.next_hop_ip_address.known())
        else {
            continue;
        };
        let path = route.as_path.known();
        let length =
            path.map_or(1, |p| p.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).count());
        if home == vnet || uses {
            told.push((*prefix, length, *ip));
        }
    }
    let mut out: Vec<Candidate> = Vec::new();
    for (prefix, length, ip) in &told {
        let shortest = told.iter().filter(|(p, ..)| p == prefix).map(|(_, l, _)| *l).min();
        if shortest != Some(*length) {
            continue;
        }
        match out.iter_mut().find(|c| c.prefix == *prefix) {
            Some(same) if same.hops.contains(&Hop::Appliance(*ip)) => {}
            Some(same) => same.hops.push(Hop::Appliance(*ip)),
            None => out.push(Candidate {
                prefix: *prefix,
                rank: Rank::Bgp,
                hops: vec![Hop::Appliance(*ip)],
                decider: None,
            }),
        }
    }
    out
}

/// Every prefix that a network has learnt from gateways, Route Servers and hubs.
pub(crate) fn learnt_prefixes(f: &Facts, vnet: Id<VirtualNetwork>) -> Vec<IpNet> {
    gateway_routes(f, vnet, None).into_iter().map(|c| c.prefix).collect()
}

/// RT-6: what gateways know, unless the table keeps it out.
fn gateway_routes(f: &Facts, vnet: Id<VirtualNetwork>, table: Option<&RouteTable>) -> Vec<Candidate> {
    if table.is_some_and(|t| t.disable_bgp_route_propagation.is(true)) {
        return Vec::new();
    }
    let mut out: Vec<Candidate> = told_routes(f, vnet);
    for (prefix, hub) in super::wan::learnt(f, vnet) {
        out.push(Candidate { prefix, rank: Rank::Bgp, hops: vec![Hop::Hub(hub)], decider: None });
    }
    for (prefix, gateway) in gateway_prefixes(f, vnet) {
        let same = |c: &&mut Candidate| c.prefix == prefix && matches!(c.hops[0], Hop::Gateway(_));
        match out.iter_mut().find(same) {
            None => out.push(Candidate {
                prefix,
                rank: Rank::Bgp,
                hops: vec![Hop::Gateway(vec![gateway])],
                decider: None,
            }),
            Some(same) => {
                if let Hop::Gateway(list) = &mut same.hops[0] {
                    list.push(gateway);
                }
            }
        }
    }
    // GW-2: of equal prefixes, ExpressRoute is preferred.
    for candidate in &mut out {
        if let Hop::Gateway(list) = &mut candidate.hops[0] {
            let express: Vec<_> = list.iter().copied().filter(|g| is_express_route(f, *g)).collect();
            if !express.is_empty() {
                *list = express;
            }
            list.dedup();
        }
    }
    out
}

fn is_express_route(f: &Facts, gateway: Id<VirtualNetworkGateway>) -> bool {
    f.inv.virtual_network_gateways[gateway].gateway_type.is(GatewayType::ExpressRoute)
}

/// What the gateways of a network (or those it uses remotely) know, prefix by prefix.
pub(crate) fn gateway_prefixes(
    f: &Facts,
    vnet: Id<VirtualNetwork>,
) -> Vec<(IpNet, Id<VirtualNetworkGateway>)> {
    let mut out = Vec::new();
    for gateway in f.gateways_of(vnet) {
        for (prefix, _) in behind(f, gateway) {
            out.push((prefix, gateway));
        }
    }
    out
}

/// What lies behind a gateway: prefix and the site that announces it, where one does.
pub(crate) fn behind(
    f: &Facts,
    gateway: Id<VirtualNetworkGateway>,
) -> Vec<(IpNet, Option<Id<OnPremisesSite>>)> {
    let mut out = Vec::new();
    for (id, site) in f.inv.on_premises_sites.rows() {
        if !sites_gateways(f, id).contains(&gateway) {
            continue;
        }
        let told = if site.advertises.given { &site.advertises } else { &site.address_prefixes };
        out.extend(told.iter().map(|p| (*p, Some(id))));
    }
    for route in f.inv.bgp_routes.iter() {
        let learnt = route.learned_by.known().and_then(|r| f.inv.follow_any(&r.text));
        let by = Slot { table: TableTag::VirtualNetworkGateway, row: gateway.raw() };
        if let (true, Some(prefix)) = (learnt == Some(by), route.address_prefix.known()) {
            out.push((*prefix, f.row(&route.site)));
        }
    }
    for connection in f.inv.connections.iter() {
        if f.row(&connection.virtual_network_gateway1) != Some(gateway) {
            continue;
        }
        if let Some(local) = f.row(&connection.local_network_gateway2) {
            out.extend(f.inv.local_network_gateways[local].address_prefixes.iter().map(|p| (*p, None)));
        }
    }
    out
}

/// The gateways a site is connected to.
pub(crate) fn sites_gateways(f: &Facts, site: Id<OnPremisesSite>) -> Vec<Id<VirtualNetworkGateway>> {
    let refs = f.inv.on_premises_sites[site].connected_to.iter();
    refs.filter_map(|r| f.inv.follow_any(&r.text))
        .filter(|s| s.table == TableTag::VirtualNetworkGateway)
        .map(|s| Id::new(s.row as usize))
        .collect()
}

/// RT-7, TAG-9: the service's public prefixes, where the subnet has the service endpoint.
fn service_endpoint_routes(f: &Facts, subnet: Id<Subnet>, to: IpAddr) -> Vec<Candidate> {
    let Some(vnet) = f.vnet_of(subnet) else { return Vec::new() };
    let region = f.region(vnet);
    let mut out = Vec::new();
    for endpoint in &f.inv.subnets[subnet].service_endpoints {
        let set = service_prefixes(f, &endpoint.service, region.as_deref());
        let Some(prefix) = set.into_iter().find(|p| p.contains(&to)) else { continue };
        let hops = vec![Hop::ServiceEndpoint(endpoint.service.to_string())];
        out.push(Candidate { prefix, rank: Rank::System, hops, decider: None });
    }
    out
}

fn service_prefixes(f: &Facts, service: &str, region: Option<&str>) -> Vec<IpNet> {
    let service = service.to_ascii_lowercase();
    let prefixes = |tag: Option<&netwhy::net::AddressSet>| tag.map(|s| s.to_prefixes()).unwrap_or_default();
    if service == "microsoft.storage.global" {
        return prefixes(f.tag("Storage"));
    }
    // SE-5: storage, and SQL, only in the region of the network (and its pair, which the generator avoids).
    let kind = netwhy::services::SERVICES
        .iter()
        .find(|k| k.service_endpoint.is_some_and(|s| s.eq_ignore_ascii_case(&service)));
    let Some(tag) = kind.and_then(|k| k.tag) else { return Vec::new() };
    match (service.as_str(), region) {
        ("microsoft.storage" | "microsoft.sql", Some(region)) => prefixes(f.tag(&format!("{tag}.{region}"))),
        _ => prefixes(f.tag(tag)),
    }
}

/// RT-8, RT-24: private endpoints of this network and of direct peers, unless a user's route takes them.
fn endpoint_routes(f: &Facts, w: &Worlds, vnet: Id<VirtualNetwork>, user: &[Candidate]) -> Vec<Candidate> {
    let peers: Vec<_> = f.peers(vnet).into_iter().map(|(peer, _)| peer).collect();
    let mut out = Vec::new();
    for (place, holder) in f.holders.iter().enumerate() {
        let near = holder.vnet == vnet || peers.contains(&holder.vnet);
        let (AttachmentKind::PrivateEndpoint(..), true, Some(ip)) = (holder.kind, near, holder.ip) else {
            continue;
        };
        let policies = &f.inv.subnets[holder.subnet].private_endpoint_network_policies;
        let by_table = match policies {
            netwhy::inventory::Field::Known(p) => p.routes(),
            netwhy::inventory::Field::Absent => false,
            netwhy::inventory::Field::Unknown(_) => w.maybe(Cause::UnknownValue),
        };
        let space = f.prefixes(holder.vnet).iter().filter(|p| p.contains(&ip)).map(IpNet::prefix_len).max();
        let invalid = by_table
            && user
                .iter()
                .any(|c| c.prefix.contains(&ip) && space.is_some_and(|s| c.prefix.prefix_len() >= s));
        if !invalid {
            let hops = vec![Hop::Endpoint(place)];
            out.push(Candidate { prefix: host_prefix(ip), rank: Rank::System, hops, decider: None });
        }
    }
    out
}
