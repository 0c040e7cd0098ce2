//! Routes, tags and neighbours of networks and subnets.

use super::{Maker, groups::Headers, set_tree};
use crate::fast::routes::{self, BEATEN_UNKNOWN, Hop, HopKind, LEFT, NetworkDraft, UserTable, prefix};
use crate::fast::spans::Spans;
use crate::fast::tables::{NOBODY, SUBNET_LINES, SubnetRow, UNREACHABLE, VnetRow, subnet, vnet};
use crate::fast::tree::{self, Tree};
use crate::fast::way::Writer;
use crate::inventory::{Id, PrivateEndpointNetworkPolicies, VirtualNetwork};
use crate::net::{AddressSet, IpAddr, IpNet};
use crate::network::{
    AttachmentKind, EffectiveRoute, NextHop, RoutePrefix, SubnetRole, SubnetRoutes, Tri, UserRoutes,
};
use crate::profile::ForwardedTrafficMode;
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// A compiled route table; `None` where only the full engine follows it.
pub(super) type Table = Option<UserTable>;

/// What the networks have in common while they are compiled.
#[derive(Default)]
pub(super) struct Shared {
    /// Route tables by where they stand.
    pub(super) tables: HashMap<*const UserRoutes, Table>,
    /// What is asked of a route table for each of its subnets.
    facts: HashMap<*const UserRoutes, Facts>,
    sets: HashMap<*const AddressSet, Tree>,
    trees: HashMap<(u32, bool), Tree>,
    appliances: HashMap<u32, u32>,
    ips: Vec<u32>,
    /// The number of the first of them.
    first: u32,
    endpoint_rows: HashMap<[u64; 4], u32>,
    /// Private endpoints by network.
    endpoints: HashMap<u32, Vec<u32>>,
    strays: HashSet<u32>,
    unaddressed: HashSet<u32>,
    broken: HashSet<u32>,
    open_gateways: HashSet<u32>,
}

/// What a route table comes to, whoever uses it.
struct Facts {
    /// The appliances it leads to, each once.
    appliances: Vec<u32>,
    /// Whether it holds a route for everything.
    default: bool,
}

impl Facts {
    fn of(user: &UserRoutes) -> Self {
        let mut appliances: Vec<u32> = Vec::new();
        for ip in user.routes.iter().filter_map(single_appliance) {
            // Most routes of a table lead to the same one.
            if appliances.last() != Some(&ip) && !appliances.contains(&ip) {
                appliances.push(ip);
            }
        }
        Self { appliances, default: user.routes.iter().any(is_default) }
    }
}

impl<'n> Maker<'n> {
    /// Compiles networks and subnets.
    pub(super) fn networks(&mut self, headers: &Headers) {
        let mut shared = self.shared();
        self.step("route tables", |maker| maker.user_tables(&mut shared));
        self.fast.vnets = self.step("rows of networks", |maker| maker.rows(maker.net.vnets.len()));
        self.fast.subnets =
            self.step("rows of subnets", |maker| maker.rows(maker.net.subnets.len() * SUBNET_LINES as usize));
        let mut wanted: Vec<Vec<u32>> = vec![Vec::new(); self.net.vnets.len()];
        for number in 0..self.net.subnets.len() {
            let row = self.subnet_row(&mut shared, headers, number, &mut wanted);
            self.fast.set_subnet(number as u32, &row);
        }
        for (number, wanted) in wanted.into_iter().enumerate() {
            let row = self.vnet_row(&mut shared, headers, number, wanted);
            let line = self.fast.vnets + number as u32;
            self.fast.lines.line_mut(line).0 = row.words();
        }
        self.step("where addresses lead", Maker::written_ways);
        self.fast.endpoints_beaten = self.net.profile.service_endpoint_route_overridable;
    }

    /// Writes out where the addresses of each subnet lead, and what flows ask of its network.
    fn written_ways(&mut self) {
        let mut writer = Writer::default();
        for number in 0..self.net.subnets.len() as u32 {
            let mut row = self.fast.subnet(number);
            let home = self.fast.vnet(row.vnet);
            let mut set = |holds: bool, flag: u32| row.flags |= if holds { flag } else { 0 };
            set(home.has(vnet::ACCESS_DOUBT), subnet::ACCESS_DOUBT);
            set(home.has(vnet::OWN_INTERNET), subnet::OWN_INTERNET);
            row.way = writer.way(&mut self.fast, &mut self.alike, &row);
            self.fast.set_subnet(number, &row);
        }
    }

    fn shared(&self) -> Shared {
        let mut shared = Shared::default();
        for user in self.net.subnets.iter().filter_map(|s| s.routes.user.as_ref()) {
            shared.facts.entry(Arc::as_ptr(user)).or_insert_with(|| Facts::of(user));
        }
        for (number, attachment) in self.net.attachments.iter().enumerate() {
            let home = attachment.vnet.raw();
            match attachment.address {
                None => {
                    shared.unaddressed.insert(home);
                }
                Some(ip) if !self.net.vnet(attachment.vnet).space.contains(ip) => {
                    shared.strays.insert(home);
                }
                Some(_) => {}
            }
            if matches!(attachment.kind, AttachmentKind::PrivateEndpoint(..)) {
                shared.endpoints.entry(home).or_default().push(number as u32);
            }
        }
        for (number, row) in self.net.vnets.iter().enumerate() {
            for link in row.links.iter().filter(|l| l.usable == Tri::No) {
                shared.broken.insert(number as u32);
                shared.broken.extend(link.remote.map(Id::raw));
            }
        }
        for gateway in self.net.inventory.application_gateways.iter() {
            if !gateway.enable_network_isolation.is(true) {
                let subnets = gateway.gateway_ip_configurations.iter().filter_map(|c| c.subnet.known());
                let rows = subnets.filter_map(|r| self.net.inventory.follow(r).row());
                shared.open_gateways.extend(rows.map(Id::raw));
            }
        }
        shared
    }

    fn subnet_row(
        &mut self,
        shared: &mut Shared,
        headers: &Headers,
        number: usize,
        wanted: &mut [Vec<u32>],
    ) -> SubnetRow {
        let net = self.net;
        let row = &net.subnets[number];
        let own = &net.inventory.subnets.as_slice()[number];
        let routes = &row.routes;
        let mut flags = 0;
        let mut set = |holds: bool, flag: u32| flags |= if holds { flag } else { 0 };
        let acts = Self::group_acts(row.role) && !row.nsg.is_none();
        set(acts && row.nsg.row().is_some(), subnet::GROUP);
        set(acts && row.nsg.row().is_none(), subnet::GROUP_DOUBT);
        let special = row.role != SubnetRole::Ordinary;
        set(special || shared.open_gateways.contains(&(number as u32)), subnet::SPARED);
        set(special, subnet::SPECIAL);
        set(!row.tag_doubts.is_empty(), subnet::TAG_DOUBT);
        let policies = own.private_endpoint_network_policies.or(PrivateEndpointNetworkPolicies::Disabled);
        set(policies.as_ref().is_ok_and(|p| p.filters()), subnet::FILTERS_ENDPOINTS);
        set(policies.is_err() && !row.nsg.is_none(), subnet::FILTERS_DOUBT);
        set(!own.service_endpoint_policies.is_empty(), subnet::POLICIES);
        let table = routes.user.as_ref().map(|u| shared.tables.get(&Arc::as_ptr(u)).copied().flatten());
        flags |= self.table_flags(shared, row.vnet, routes);
        if let [IpNet::V4(only)] = own.address_prefixes.items[..] {
            flags |= u32::from(only.prefix_len().min(31)) << subnet::LENGTH_AT;
        }
        let user = table.flatten().unwrap_or(self.fast.no_table);
        let keeps_peerings_out = routes.user.as_ref().is_some_and(|u| u.keeps_peering_routes_out);
        let network = self.network_tree(shared, row.vnet, keeps_peerings_out);
        let list = &mut wanted[row.vnet.index()];
        let facts = routes.user.iter().flat_map(|u| &shared.facts[&Arc::as_ptr(u)].appliances).copied();
        let learnt: Vec<u32> = routes.vnet.gateway.iter().filter_map(single_appliance).collect();
        for ip in facts.chain(learnt).collect::<Vec<u32>>() {
            let number = appliance_number(shared, ip);
            if !list.contains(&number) {
                list.push(number);
            }
        }
        let tag = self.tag_tree_of(shared, &row.virtual_network_tag);
        let endpoints = self.endpoint_row(shared, &routes.service_endpoints, &mut flags);
        let heads = row.nsg.row().map_or([0, 0], |n| self.fast.groups[n.index()]);
        let home = row.vnet.index();
        SubnetRow {
            vnet: row.vnet.raw(),
            flags,
            rules: heads,
            admin: headers.admin.get(home).copied().unwrap_or_default(),
            way: Spans::default(),
            user,
            network,
            tag,
            method: self.subnet_method(number),
            endpoints,
            nsg: row.nsg.row().map_or(0, |n| n.raw() + 1),
        }
    }

    /// What a route table makes of a subnet's flags ([`subnet::OF_ROUTES`]).
    pub(super) fn table_flags(
        &self,
        shared: &Shared,
        home: Id<VirtualNetwork>,
        routes: &SubnetRoutes,
    ) -> u32 {
        let table = routes.user.as_ref().map(|u| shared.tables.get(&Arc::as_ptr(u)).copied().flatten());
        let lost = table.is_some_and(|t| t.is_none());
        let prefix = routes.user.as_ref().is_some_and(|u| u.has_unknown_prefixes);
        let unknown = routes.user.as_ref().is_some_and(|u| u.unknown.is_some());
        let strict = self.net.drops_unencrypted(home);
        let lost = lost || prefix || unknown || strict || routes.user_unknown.is_some();
        let (doubt, none_removed) = self.route_flags(shared, routes);
        let keeps = routes.user.as_ref().map_or(Some(false), |u| u.keeps_gateway_routes_out);
        let flag = |holds: bool, flag: u32| if holds { flag } else { 0 };
        flag(doubt, subnet::ROUTE_DOUBT)
            | flag(none_removed, subnet::NONE_REMOVED)
            | flag(keeps == Some(true), subnet::NO_GATEWAY)
            | flag(lost, subnet::TABLE_DOUBT)
    }

    /// The appliances a network knows, and behind them those with a number from `first` on.
    pub(super) fn more_appliances(
        &mut self,
        shared: &Shared,
        home: Id<VirtualNetwork>,
        list: u32,
        first: u32,
    ) -> u32 {
        let count = self.fast.lines.word(list, 0);
        let mut pairs = vec![count + shared.count()];
        pairs.extend((1..=2 * count).map(|n| self.fast.lines.word(list, n)));
        for (n, ip) in shared.ips.iter().enumerate() {
            pairs.extend([first + n as u32, self.appliance_at(home, *ip)]);
        }
        self.fast.lines.words(&pairs, 0)
    }

    /// Whether gateway and peering routes are in doubt, and whether None routes are gone (RT-3a, RT-3b).
    fn route_flags(&self, shared: &Shared, routes: &SubnetRoutes) -> (bool, bool) {
        let learnt = &routes.vnet;
        let keeps = routes.user.as_ref().map_or(Some(false), |u| u.keeps_gateway_routes_out);
        let open = learnt.gateway_unknown.is_some() || learnt.unseen_gateway.is_some();
        let some = !learnt.gateway.is_empty() || open;
        let gateway = some && (keeps.is_none() || open && keeps == Some(false));
        let doubt = !learnt.peering_doubts.is_empty() || gateway;
        let user = routes.user.iter().any(|u| shared.facts[&Arc::as_ptr(u)].default);
        let bgp = self.net.profile.bgp_default_removes_none_routes && keeps == Some(false);
        (doubt, user || bgp && learnt.gateway.iter().any(is_default))
    }

    pub(super) fn tag_tree_of(&mut self, shared: &mut Shared, set: &Arc<AddressSet>) -> Tree {
        *shared.sets.entry(Arc::as_ptr(set)).or_insert_with(|| {
            self.step("sets of addresses", |maker| set_tree(&mut maker.fast.lines, set.v4()))
        })
    }

    /// The tags that service endpoints of a subnet route to; one that has no number leaves all to the full engine.
    fn endpoint_row(&mut self, shared: &mut Shared, routes: &[EffectiveRoute], flags: &mut u32) -> u32 {
        if routes.is_empty() {
            return 0;
        }
        let tags = routes.iter().filter_map(|r| match &r.prefix {
            Some(RoutePrefix::Tag(tag)) => Some(*tag),
            _ => None,
        });
        let Some(row) = self.tag_row(tags) else {
            *flags |= subnet::TABLE_DOUBT;
            return 0;
        };
        let list = &mut self.fast.service_endpoints;
        *shared.endpoint_rows.entry(row).or_insert_with(|| {
            list.push(row);
            list.len() as u32
        })
    }

    pub(super) fn hop(
        &self,
        shared: &mut Shared,
        home: Option<Id<VirtualNetwork>>,
        route: &EffectiveRoute,
    ) -> Hop {
        let other = Hop::new(HopKind::Other, 0);
        let Ok(hop) = &route.hop else { return other };
        match hop {
            NextHop::VnetLocal => Hop::new(HopKind::Local, 0),
            NextHop::Internet => Hop::new(HopKind::Internet, 0),
            NextHop::None => Hop::new(HopKind::None, 0),
            NextHop::ConnectedGroup(remote) => Hop::new(HopKind::Network, remote.raw()),
            NextHop::Peering { remote, link } => match home {
                Some(home) if self.is_plain(home, *link) => Hop::new(HopKind::Network, remote.raw()),
                _ => other,
            },
            NextHop::Appliance(_) => match single_appliance(route) {
                Some(ip) => Hop::new(HopKind::Appliance, appliance_number(shared, ip)),
                None => other,
            },
            _ => other,
        }
    }

    /// Whether a peering takes whatever the route gives it (PEER-6, PEER-10).
    fn is_plain(&self, home: Id<VirtualNetwork>, link: usize) -> bool {
        let Some(link) = self.net.vnet(home).links.get(link) else { return false };
        let inventory = &self.net.inventory;
        let whole = !inventory.peerings[link.peering].peer_complete_vnets.is(false);
        let mode = self.net.profile.forwarded_traffic_mode;
        let accepts = link.reverse.is_none_or(|r| {
            mode == ForwardedTrafficMode::TagOnly
                || matches!(inventory.peerings[r].allow_forwarded_traffic.or(false), Ok(true))
        });
        whole && accepts
    }

    fn network_tree(&mut self, shared: &mut Shared, home: Id<VirtualNetwork>, no_peerings: bool) -> Tree {
        if let Some(found) = shared.trees.get(&(home.raw(), no_peerings)) {
            return *found;
        }
        let routes = self.net.vnet(home).routes.vnet.clone();
        let mut drafts = Vec::new();
        for route in &routes.system {
            let Some(RoutePrefix::Net(net)) = &route.prefix else { continue };
            let Some(prefix) = prefix(net) else { continue };
            if no_peerings && matches!(route.hop, Ok(NextHop::Peering { .. })) {
                continue;
            }
            let beats = matches!(
                route.hop,
                Ok(NextHop::VnetLocal | NextHop::Peering { .. } | NextHop::ConnectedGroup(_))
            );
            drafts.push(match self.hop(shared, Some(home), route) {
                hop if hop.kind() == HopKind::None => (prefix, NetworkDraft::None),
                hop => (prefix, NetworkDraft::System(hop, beats)),
            });
        }
        for route in &routes.gateway {
            let Some(RoutePrefix::Net(net)) = &route.prefix else { continue };
            let Some(prefix) = prefix(net) else { continue };
            drafts.push((prefix, NetworkDraft::Gateway(self.hop(shared, Some(home), route))));
        }
        for route in &routes.private_endpoints {
            let (Ok(NextHop::InterfaceEndpoint(id)), Some(RoutePrefix::Net(net))) =
                (&route.hop, &route.prefix)
            else {
                continue;
            };
            let (Some(prefix), place) = (prefix(net), self.fast.slot_of[id.index()]) else { continue };
            if place != NOBODY {
                let plain = self.crosses_plainly(home, self.net.attachment(*id).vnet);
                let place = if plain { place } else { LEFT };
                let beaten = self.net.private_endpoint_beaten_from(*id).map_or(BEATEN_UNKNOWN, u32::from);
                drafts.push((prefix, NetworkDraft::Endpoint(place, beaten)));
            }
        }
        let tree = routes::network_tree(&mut self.fast.lines, drafts);
        shared.trees.insert((home.raw(), no_peerings), tree);
        tree
    }

    fn vnet_row(
        &mut self,
        shared: &mut Shared,
        headers: &Headers,
        number: usize,
        wanted: Vec<u32>,
    ) -> VnetRow {
        let row = &self.net.vnets[number];
        let key = number as u32;
        let mut flags = 0;
        let mut set = |holds: bool, flag: u32| flags |= if holds { flag } else { 0 };
        set(shared.broken.contains(&key), vnet::BROKEN);
        // What may not be deployed, the engine weighs.
        let presence = &self.net.presence;
        let lacks = !presence.is_empty()
            && row.subnets.iter().any(|s| presence.contains_key(&self.net.inventory.subnets[*s].id));
        let unaddressed = shared.unaddressed.contains(&key);
        let strict = self.net.drops_unencrypted(Id::new(number));
        set(unaddressed || row.space_unknown.is_some() || lacks || strict, vnet::SPACE_DOUBT);
        let closed = row.links.iter().filter(|l| l.usable == Tri::Yes).any(|l| {
            let peering = &self.net.inventory.peerings[l.peering];
            !matches!(peering.allow_virtual_network_access.or(true), Ok(true))
        });
        set(closed, vnet::ACCESS_DOUBT);
        let tag = row.subnets.first().map(|s| self.net.subnet(*s).internet_tag.clone());
        let tag = tag.filter(|t| t.v4() != self.net.public.v4());
        set(tag.is_some(), vnet::OWN_INTERNET);
        let internet: Tree = tag.map_or(Tree::default(), |t| set_tree(&mut self.fast.lines, t.v4()));
        let kept: Vec<Vec<(u32, u32)>> = row.subnets.iter().map(|s| self.kept_by_azure(*s)).collect();
        let spaces = row.subnets.iter().zip(&kept).flat_map(|(s, kept)| {
            [(&kept[..], s.raw() | vnet::RESERVED), (self.net.subnet(*s).space.v4(), s.raw())]
        });
        let (keys, values, _) = painted(spaces.collect());
        let subnets = tree::build(&mut self.fast.lines, &keys);
        let subnet_rows = self.fast.lines.words(&values, 0);
        let network = self.network_tree(shared, Id::new(number), false);
        let (doubt, none_removed) = self.route_flags(shared, &row.routes);
        set(doubt, vnet::ROUTE_DOUBT);
        set(none_removed, vnet::NONE_REMOVED);
        let (near, near_rows, clear) = match shared.endpoints.contains_key(&key) {
            true => self.near(shared, number),
            false => (Tree::default(), 0, true),
        };
        set(!clear, vnet::NEAR_DOUBT);
        let mut pairs: Vec<u32> = vec![wanted.len() as u32];
        pairs.extend(
            wanted.iter().flat_map(|n| [*n, self.appliance_at(Id::new(number), shared.ips[*n as usize])]),
        );
        let region = self.net.region(Id::new(number));
        let region = region.map_or(0, |r| self.region(r));
        VnetRow {
            flags,
            admin: headers.admin.get(number).copied().unwrap_or_default(),
            subnets,
            subnet_rows,
            internet,
            appliances: self.fast.lines.words(&pairs, 0),
            network,
            near,
            near_rows,
            region,
        }
    }

    /// The addresses of a subnet that Azure keeps for itself (PLAT-5).
    fn kept_by_azure(&self, subnet: Id<crate::inventory::Subnet>) -> Vec<(u32, u32)> {
        let prefixes = self.net.inventory.subnets[subnet].address_prefixes.iter();
        let small = prefixes.filter_map(prefix).filter(|p| p.length <= 29);
        let ranges = small.flat_map(|p| [(p.first, p.first + 3), (p.last(), p.last())]);
        let mut ranges: Vec<(u32, u32)> = ranges.collect();
        ranges.sort_unstable();
        ranges.dedup();
        ranges
    }

    /// The networks beside one by address; `false` where that would not tell who holds an address.
    fn near(&mut self, shared: &Shared, number: usize) -> (Tree, u32, bool) {
        let row = &self.net.vnets[number];
        let peers: Vec<Id<VirtualNetwork>> =
            row.links.iter().filter(|l| l.usable == Tri::Yes).filter_map(|l| l.remote).collect();
        let stray = peers.iter().any(|p| shared.strays.contains(&p.raw()));
        let spaces = peers.iter().map(|p| (self.net.vnet(*p).space.v4(), p.raw()));
        let (keys, values, overlap) = painted(spaces.collect());
        let tree = tree::build(&mut self.fast.lines, &keys);
        (tree, self.fast.lines.words(&values, 0), !stray && !overlap)
    }

    /// Whether what stands in another network is reached over a peering that takes whatever comes.
    fn crosses_plainly(&self, from: Id<VirtualNetwork>, to: Id<VirtualNetwork>) -> bool {
        let links = &self.net.vnet(from).links;
        let over = links.iter().position(|l| l.usable == Tri::Yes && l.remote == Some(to));
        from == to || over.is_none_or(|link| self.is_plain(from, link))
    }

    /// The appliance at an address of a network or one beside it (RT-13).
    fn appliance_at(&self, home: Id<VirtualNetwork>, ip: u32) -> u32 {
        let links = &self.net.vnet(home).links;
        let peers = links.iter().filter(|l| l.usable == Tri::Yes).filter_map(|l| l.remote);
        let near = || std::iter::once(home).chain(peers.clone());
        let address = IpAddr::V4(ip.into());
        if let Some(id) = near().find_map(|v| self.net.at_address(v, address)) {
            let plain = self.crosses_plainly(home, self.net.attachment(id).vnet);
            return if plain { self.fast.slot_of[id.index()] } else { NOBODY };
        }
        let held = near().any(|v| self.net.vnet(v).space.contains(address));
        let doubt = links.iter().any(|l| matches!(l.usable, Tri::Unknown(_)));
        if held || doubt { NOBODY } else { UNREACHABLE }
    }
}

impl Shared {
    /// Nothing yet, the first appliance to have this number.
    pub(super) fn from(first: u32) -> Self {
        Self { first, ..Self::default() }
    }

    /// Takes in a route table that was compiled by itself.
    pub(super) fn note_table(&mut self, user: &Arc<UserRoutes>, table: Table) {
        self.facts.insert(Arc::as_ptr(user), Facts::of(user));
        self.tables.insert(Arc::as_ptr(user), table);
    }

    /// The same, what is asked of it being known: whether it holds a route for everything. New appliances have their
    /// numbers already.
    pub(super) fn note_patched(&mut self, user: &Arc<UserRoutes>, table: Table, default: bool) {
        self.facts.insert(Arc::as_ptr(user), Facts { appliances: Vec::new(), default });
        self.tables.insert(Arc::as_ptr(user), table);
    }

    /// A route table that was compiled.
    pub(super) fn table(&self, user: &Arc<UserRoutes>) -> Table {
        self.tables.get(&Arc::as_ptr(user)).copied().flatten()
    }

    /// How many appliances were numbered.
    pub(super) fn count(&self) -> u32 {
        self.ips.len() as u32
    }
}

/// The number of an appliance by its address.
fn appliance_number(shared: &mut Shared, ip: u32) -> u32 {
    let next = shared.first + shared.ips.len() as u32;
    *shared.appliances.entry(ip).or_insert_with(|| {
        shared.ips.push(ip);
        next
    })
}

/// The one appliance a route leads to.
fn single_appliance(route: &EffectiveRoute) -> Option<u32> {
    match &route.hop {
        Ok(NextHop::Appliance(ips)) => match ips[..] {
            [IpAddr::V4(ip)] => Some(ip.into()),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn is_default(route: &EffectiveRoute) -> bool {
    matches!(&route.prefix, Some(RoutePrefix::Net(IpNet::V4(net))) if net.prefix_len() == 0)
}

/// Sets painted over each other, the first on top: beginnings of intervals, whose each is plus one, and
/// whether any two meet.
fn painted(sets: Vec<(&[(u32, u32)], u32)>) -> (Vec<u32>, Vec<u32>, bool) {
    let mut events: Vec<(u64, usize, bool)> = Vec::new();
    for (order, (ranges, _)) in sets.iter().enumerate() {
        for (low, high) in *ranges {
            events.push((u64::from(*low), order, true));
            events.push((u64::from(*high) + 1, order, false));
        }
    }
    events.sort_unstable();
    let mut open = std::collections::BTreeSet::new();
    let (mut keys, mut values, mut meet) = (Vec::new(), vec![0], false);
    for same in events.chunk_by(|a, b| a.0 == b.0) {
        for (_, order, begins) in same.iter().filter(|e| !e.2).chain(same.iter().filter(|e| e.2)) {
            if *begins {
                meet |= !open.is_empty();
                open.insert(*order);
            } else {
                open.remove(order);
            }
        }
        let value = open.first().map_or(0, |order: &usize| sets[*order].1 + 1);
        match u32::try_from(same[0].0) {
            Ok(0) => values[0] = value,
            Ok(at) => {
                keys.push(at);
                values.push(value);
            }
            Err(_) => {}
        }
    }
    (keys, values, meet)
}
