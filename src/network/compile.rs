//! From inventory to network: each table by a function of its own, in the order they need each other.

use super::attach::{Attachment, AttachmentId, AttachmentKind, Occupant, attachments};
use super::doubt::Doubt;
use super::gateways::{GatewayTable, gateways};
use super::hubs::HubTable;
use super::routes::{
    EffectiveRoute, KnownRoutes, NextHop, RoutePrefix, RouteSource, SubnetRoutes, UserRoutes, VnetRoutes,
    bound_user_routes, user_routes,
};
use super::{Bound, HOST_ADDRESS, Link, Network, SubnetRole, SubnetRow, Tri, Vnet, normal_region, presence};
use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::inventory::{
    BgpRoute, Field, Id, Inventory, PeeringState, PublicIpAddress, ResourceId, Slot, Subnet, TableTag,
    Unknown, VirtualNetwork, VirtualNetworkPeering,
};
use crate::net::{AddressSet, IpAddr, IpNet, host_prefix};
use crate::profile::Profile;
use crate::tags::ServiceTags;
use hashbrown::HashMap;
use std::sync::Arc;

/// Compiles an inventory. Faults of the configuration go to `notes`; nothing fails.
pub fn compile(
    inventory: Inventory,
    tags: ServiceTags,
    profile: Profile,
    notes: &mut Diagnostics,
) -> Network {
    let spaces: Vec<AddressSet> = inventory
        .virtual_networks
        .iter()
        .map(|v| AddressSet::from_prefixes(&v.address_prefixes.items))
        .collect();
    let mut subnets = subnet_rows(&inventory);
    let links = links(&inventory, notes);
    let found = attachments(&inventory, &subnets);
    let gateways = gateways(&inventory, &found, &links);
    let groups = connected_groups(&inventory);
    let hubs = super::hubs::hubs(&inventory);
    let endpoints = endpoints_of(&inventory, &found);
    let routes: Vec<Arc<VnetRoutes>> = (0..inventory.virtual_networks.len())
        .map(|v| {
            let parts = VnetParts {
                inventory: &inventory,
                vnet: Id::new(v),
                links: &links[v],
                gateways: &gateways,
                groups: &groups,
                hubs: &hubs,
                endpoints: &endpoints,
            };
            Arc::new(parts.routes(&found, &profile))
        })
        .collect();
    let mut known = KnownRoutes::default();
    let tables: Vec<Arc<UserRoutes>> = inventory
        .route_tables
        .rows()
        .map(|(id, table)| {
            let slot = Slot { table: TableTag::RouteTable, row: id.raw() };
            Arc::new(user_routes(table, slot, &tags, &mut known))
        })
        .collect();
    for (id, subnet) in subnets.iter_mut().enumerate() {
        let (user, user_unknown) = bound_user_routes(&subnet.route_table, &tables);
        let service_endpoints = service_endpoint_routes(&inventory, Id::new(id), &tags);
        subnet.routes =
            SubnetRoutes { user, user_unknown, vnet: routes[subnet.vnet.index()].clone(), service_endpoints };
    }
    vnet_tags(&inventory, &spaces, &links, &routes, &groups, &profile, &tags, &mut subnets);
    let vnets = vnet_rows(&inventory, spaces, links, routes, &subnets);
    let by_address = by_address(&found);
    let (by_ip, by_owner) = by_ends(&found);
    let machines = super::names::machines(&inventory);
    let public_addresses = public_addresses(&inventory, &tags);
    let by_public_address = by_public_address(&inventory, &found, &public_addresses);
    let security = super::security::security(&inventory, &tags, notes);
    let admin = super::admin::admin_rules(&inventory, &tags, notes);
    let names = super::names::names(&inventory, &found, &tags);
    let authority = super::roles::authority(&inventory);
    let pools = super::pools::pools(&inventory, &found);
    super::invalid::configurations(&inventory, &subnets, notes);
    let presence = presence::presence(&inventory, &found, &machines);
    Network {
        public: public_space(),
        profile,
        tags,
        vnets,
        subnets,
        attachments: found,
        by_address,
        by_ip,
        by_owner,
        machines,
        by_public_address,
        public_addresses,
        gateways,
        hubs,
        security,
        admin,
        names,
        authority,
        pools,
        watch: None,
        presence,
        inventory,
    }
}

fn role(name: &str) -> SubnetRole {
    match name.to_ascii_lowercase().as_str() {
        "azurefirewallsubnet" => SubnetRole::Firewall,
        "gatewaysubnet" => SubnetRole::Gateway,
        "azurebastionsubnet" => SubnetRole::Bastion,
        "routeserversubnet" => SubnetRole::RouteServer,
        _ => SubnetRole::Ordinary,
    }
}

/// A row for each subnet. A subnet whose virtual network is in none of the files hangs on row 0 of nothing;
/// the builder makes such networks up, so every subnet has one.
fn subnet_rows(inventory: &Inventory) -> Vec<SubnetRow> {
    let row = |subnet: &Subnet| {
        let vnet = subnet.id.parent().and_then(|id| inventory.row::<VirtualNetwork>(&id));
        SubnetRow {
            vnet: vnet.unwrap_or(Id::new(0)),
            space: AddressSet::from_prefixes(&subnet.address_prefixes.items),
            role: role(subnet.id.name()),
            nsg: Bound::follow(inventory, &subnet.network_security_group),
            route_table: Bound::follow(inventory, &subnet.route_table),
            routes: SubnetRoutes {
                user: None,
                user_unknown: None,
                vnet: Arc::default(),
                service_endpoints: Vec::new(),
            },
            virtual_network_tag: Arc::default(),
            other_virtual_network_tag: Arc::default(),
            internet_tag: Arc::default(),
            tag_doubts: Vec::new(),
        }
    };
    inventory.subnets.iter().map(row).collect()
}

/// The peerings of each virtual network as they work (PEER-1).
fn links(inventory: &Inventory, notes: &mut Diagnostics) -> Vec<Vec<Link>> {
    let mut out: Vec<Vec<Link>> = (0..inventory.virtual_networks.len()).map(|_| Vec::new()).collect();
    let reverses = reverses(inventory);
    for (id, peering) in inventory.peerings.rows() {
        let Some(local) = peering.id.parent().and_then(|p| inventory.row::<VirtualNetwork>(&p)) else {
            continue;
        };
        let bound = Bound::follow(inventory, &peering.remote_virtual_network);
        let reverse = bound.row().and_then(|remote| reverses.get(&(remote.raw(), local.raw())).copied());
        let usable = usable(inventory, peering, &bound, reverse, notes);
        let global = bound.row().and_then(|remote| {
            let region = |v: Id<VirtualNetwork>| {
                inventory.virtual_networks[v].location.known().map(|l| normal_region(l))
            };
            Some(region(local)? != region(remote)?)
        });
        out[local.index()].push(Link { peering: id, remote: bound.row(), reverse, usable, global });
    }
    overlaps(inventory, &out, notes);
    out
}

/// Peerings by the networks they lead from and to, the first of each.
type Reverses = HashMap<(u32, u32), Id<VirtualNetworkPeering>>;

fn reverses(inventory: &Inventory) -> Reverses {
    let mut out = Reverses::new();
    for (id, peering) in inventory.peerings.rows() {
        let from = peering.id.parent().and_then(|p| inventory.row::<VirtualNetwork>(&p));
        let to = peering.remote_virtual_network.known().and_then(|r| inventory.follow(r).row());
        if let (Some(from), Some(to)) = (from, to) {
            out.entry((from.raw(), to.raw())).or_insert(id);
        }
    }
    out
}

fn usable(
    inventory: &Inventory,
    peering: &VirtualNetworkPeering,
    remote: &Bound<VirtualNetwork>,
    reverse: Option<Id<VirtualNetworkPeering>>,
    notes: &mut Diagnostics,
) -> Tri {
    let absent = remote
        .row()
        .and_then(|r| presence::of(inventory, Slot { table: TableTag::VirtualNetwork, row: r.raw() }));
    match (&peering.peering_state, remote) {
        (Field::Known(PeeringState::Initiated | PeeringState::Disconnected), _) => Tri::No,
        (Field::Unknown(unknown), _) => Tri::Unknown(unknown.clone()),
        (_, Bound::To(_)) if absent.is_some() => absent.map_or(Tri::No, Tri::Unknown),
        // What Azure says of a network that no file describes holds; one that is described must have its side.
        (Field::Known(PeeringState::Connected), Bound::To(other))
            if reverse.is_none() && is_mentioned(inventory, *other) =>
        {
            Tri::Yes
        }
        (_, Bound::Unknown(unknown)) => Tri::Unknown(unknown.clone()),
        (_, Bound::None) => Tri::No,
        (_, Bound::To(other)) => match reverse.map(|r| &inventory.peerings[r].peering_state) {
            Some(Field::Known(PeeringState::Initiated | PeeringState::Disconnected)) => Tri::No,
            Some(Field::Unknown(unknown)) => Tri::Unknown(unknown.clone()),
            Some(_) => Tri::Yes,
            None => one_sided(inventory, peering, *other, notes),
        },
    }
}

/// Whether a network is in the files only because something refers to it.
fn is_mentioned(inventory: &Inventory, vnet: Id<VirtualNetwork>) -> bool {
    inventory.virtual_networks[vnet].origin == crate::inventory::Origin::Mentioned
}

fn one_sided(
    inventory: &Inventory,
    peering: &VirtualNetworkPeering,
    other: Id<VirtualNetwork>,
    notes: &mut Diagnostics,
) -> Tri {
    let mentioned = is_mentioned(inventory, other);
    let other = &inventory.virtual_networks[other];
    if mentioned {
        let why =
            format!("whether `{}` has its side of the peering is in none of the files", other.id.name());
        return Tri::Unknown(Unknown::new(peering.at, why));
    }
    let message =
        format!("the peering `{}` has no counterpart on `{}`", peering.id.full_name(), other.id.name());
    notes.push(
        Diagnostic::new(Code::PeeringOneSided, peering.at, message).help("create the peering on both sides"),
    );
    Tri::No
}

fn overlaps(inventory: &Inventory, links: &[Vec<Link>], notes: &mut Diagnostics) {
    for (vnet, links) in links.iter().enumerate() {
        for link in links {
            let whole = inventory.peerings[link.peering].peer_complete_vnets.or(true).unwrap_or(true);
            let Some(remote) = link.remote.filter(|r| r.index() > vnet && whole) else { continue };
            let (a, b) = (&inventory.virtual_networks.as_slice()[vnet], &inventory.virtual_networks[remote]);
            let space = |v: &VirtualNetwork| AddressSet::from_prefixes(&v.address_prefixes.items);
            if space(a).meets(&space(b)) {
                let message = format!(
                    "`{}` and `{}` are peered and their address spaces overlap",
                    a.id.name(),
                    b.id.name()
                );
                notes.push(
                    Diagnostic::new(Code::OverlappingPeers, a.at, message).also(b.at, "the other network"),
                );
            }
        }
    }
}

/// Networks that a mesh or direct connectivity joins to each (SAR-12).
fn connected_groups(inventory: &Inventory) -> Vec<Vec<Id<VirtualNetwork>>> {
    use crate::inventory::ConnectivityTopology;
    let mut out = vec![Vec::new(); inventory.virtual_networks.len()];
    for configuration in inventory.connectivity_configurations.iter() {
        for group in &configuration.applies_to_groups {
            let direct = configuration.connectivity_topology.is(ConnectivityTopology::Mesh)
                || group
                    .group_connectivity
                    .known()
                    .is_some_and(|c| c.eq_ignore_ascii_case("DirectlyConnected"));
            let Some(members) = group.network_group_id.known().and_then(|r| inventory.follow(r).row()) else {
                continue;
            };
            let row = &inventory.network_groups[members];
            let fixed =
                inventory.static_members.iter().filter(|m| m.id.parent().is_some_and(|p| p == row.id));
            let texts = row
                .members
                .iter()
                .map(|m| &m.text)
                .chain(fixed.filter_map(|m| m.resource_id.known().map(|r| &r.text)));
            let mut vnets: Vec<Id<VirtualNetwork>> = texts.filter_map(|t| inventory.find(t).row()).collect();
            let hubs: Vec<Id<VirtualNetwork>> =
                configuration.hubs.iter().filter_map(|h| inventory.find(h).row()).collect();
            if configuration.connectivity_topology.is(ConnectivityTopology::HubAndSpoke) {
                // Hub and spokes are joined whatever joins the spokes to each other, and across regions.
                for hub in &hubs {
                    for spoke in vnets.iter().filter(|spoke| *spoke != hub) {
                        out[hub.index()].push(*spoke);
                        out[spoke.index()].push(*hub);
                    }
                }
            }
            if !direct {
                continue;
            }
            vnets.extend(hubs);
            // A mesh joins networks of one region, unless it is global.
            let global = [&configuration.is_global, &group.is_global]
                .iter()
                .any(|g| g.known().is_some_and(|g| g.eq_ignore_ascii_case("True")));
            let region = |v: &Id<VirtualNetwork>| {
                inventory.virtual_networks[*v].location.known().map(|l| normal_region(l))
            };
            for a in &vnets {
                let joined = vnets.iter().filter(|b| *b != a && (global || region(a) == region(b)));
                out[a.index()].extend(joined);
            }
        }
    }
    for list in &mut out {
        list.sort_unstable();
        list.dedup();
    }
    out
}

struct VnetParts<'a> {
    inventory: &'a Inventory,
    vnet: Id<VirtualNetwork>,
    links: &'a [Link],
    gateways: &'a GatewayTable,
    groups: &'a [Vec<Id<VirtualNetwork>>],
    hubs: &'a HubTable,
    endpoints: &'a [Vec<AttachmentId>],
}

impl VnetParts<'_> {
    fn slot(&self, vnet: Id<VirtualNetwork>) -> Option<Slot> {
        Some(Slot { table: TableTag::VirtualNetwork, row: vnet.raw() })
    }

    fn routes(&self, attachments: &[Attachment], profile: &Profile) -> VnetRoutes {
        let mut out = VnetRoutes::default();
        self.system(&mut out, profile);
        self.peerings(&mut out);
        self.gateway(&mut out);
        self.hub(&mut out);
        self.private_endpoints(&mut out, attachments);
        out.system.shrink_to_fit();
        out.gateway.shrink_to_fit();
        out.private_endpoints.shrink_to_fit();
        out
    }

    fn system(&self, out: &mut VnetRoutes, profile: &Profile) {
        let row = &self.inventory.virtual_networks[self.vnet];
        let slot = self.slot(self.vnet);
        for prefix in &row.address_prefixes {
            out.system.push(EffectiveRoute::system(*prefix, NextHop::VnetLocal, slot, row.at));
        }
        let ranges = profile.none_routes.iter().chain(&profile.extra_none_routes).copied();
        for range in ranges {
            // RT-3: a prefix of the network that is the range, or holds it, takes its place.
            if !row.address_prefixes.iter().any(|p: &IpNet| p.contains(&range)) {
                out.system.push(EffectiveRoute::system(range, NextHop::None, None, At::NOWHERE));
            }
        }
        for default in ["0.0.0.0/0", "::/0"] {
            let v6 = default.starts_with(':');
            if (!v6 || row.address_prefixes.iter().any(|p| p.addr().is_ipv6()))
                && let Ok(net) = default.parse()
            {
                out.system.push(EffectiveRoute::system(net, NextHop::Internet, None, At::NOWHERE));
            }
        }
    }

    fn peerings(&self, out: &mut VnetRoutes) {
        for (position, link) in self.links.iter().enumerate() {
            let peering = &self.inventory.peerings[link.peering];
            let slot = Some(Slot { table: TableTag::VirtualNetworkPeering, row: link.peering.raw() });
            match (&link.usable, link.remote) {
                (Tri::Yes, Some(remote)) => {
                    for prefix in self.peered_prefixes(link, remote) {
                        let hop = NextHop::Peering { remote, link: position };
                        out.system.push(EffectiveRoute::system(prefix, hop, slot, peering.at));
                    }
                }
                (Tri::Unknown(unknown), remote) => {
                    let prefixes = remote.map_or_else(
                        || peering.remote_address_space.items.clone(),
                        |r| self.inventory.virtual_networks[r].address_prefixes.items.clone(),
                    );
                    for prefix in prefixes {
                        let mut route = EffectiveRoute::system(prefix, NextHop::None, slot, peering.at);
                        route.hop = Err(unknown.clone());
                        out.system.push(route);
                    }
                }
                _ => {}
            }
        }
        out.peering_doubts = unknown_peers(self.inventory, self.vnet, self.links).map(|(_, d)| d).collect();
        for member in &self.groups[self.vnet.index()] {
            let row = &self.inventory.virtual_networks[*member];
            for prefix in &row.address_prefixes {
                let hop = NextHop::ConnectedGroup(*member);
                out.system.push(EffectiveRoute::system(*prefix, hop, self.slot(*member), row.at));
            }
        }
    }

    /// The prefixes a peering brings: the remote space, or the remote subnets of a subnet peering (PEER-10),
    /// limited to what is synced where an export says so (PEER-4).
    fn peered_prefixes(&self, link: &Link, remote: Id<VirtualNetwork>) -> Vec<IpNet> {
        let peering = &self.inventory.peerings[link.peering];
        let space = &self.inventory.virtual_networks[remote];
        if peering.peer_complete_vnets.is(false) {
            let named = |name: &Arc<str>| self.inventory.row::<Subnet>(&space.id.child("subnets", name));
            let subnets = peering.remote_subnet_names.iter().filter_map(named);
            let prefixes = subnets.flat_map(|s| self.inventory.subnets[s].address_prefixes.items.clone());
            let six = peering.enable_only_ipv6_peering.is(true);
            return prefixes.filter(|p| !six || p.addr().is_ipv6()).collect();
        }
        let synced = &peering.remote_address_space.items;
        let all = &space.address_prefixes.items;
        if synced.is_empty() {
            all.clone()
        } else {
            all.iter().filter(|p| synced.contains(p)).copied().collect()
        }
    }

    fn gateway(&self, out: &mut VnetRoutes) {
        out.gateway_unknown = self.gateways.use_unknown[self.vnet.index()].clone();
        out.unseen_gateway = self.unseen_gateway();
        for (branch, _) in self.gateways.branches_of(self.vnet) {
            for prefix in &branch.prefixes {
                let route = learnt(*prefix, NextHop::Gateway, branch.owner, branch.at);
                out.gateway.push(in_doubt(route, branch.doubt.as_ref()));
            }
        }
        let shortest = self.shortest_paths();
        for (id, route) in self.inventory.bgp_routes.rows() {
            let learner = route.learned_by.known().and_then(|r| self.inventory.follow_any(&r.text));
            let owner = Slot { table: TableTag::BgpRoute, row: id.raw() };
            let Some(prefix) = route.address_prefix.known() else { continue };
            match (learner, route.next_hop_ip_address.known()) {
                (Some(Slot { table: TableTag::VirtualHub, row }), Some(ip))
                    if self.uses_route_server(row) =>
                {
                    // RS-3: a longer path is not used beside a shorter one.
                    if shortest.get(&(row, *prefix)).is_some_and(|best| path_length(route) > *best) {
                        continue;
                    }
                    if self.path_decides(out, *prefix, row, route.at)
                        || self.express_decides(out, *prefix, row)
                    {
                        continue;
                    }
                    merge_equal(
                        &mut out.gateway,
                        learnt(*prefix, NextHop::Appliance(vec![*ip]), owner, route.at),
                    );
                }
                // Azure has told this network's routes: its gateway is none that a file describes.
                (Some(Slot { table: TableTag::VirtualNetwork, row }), _) if row == self.vnet.raw() => {
                    out.gateway.push(learnt(*prefix, NextHop::Gateway, owner, route.at));
                    out.unseen_gateway = None;
                }
                _ => {}
            }
        }
    }

    /// What a gateway that no file describes may announce: what nobody in reach holds. That it announces public
    /// prefixes too is not taken into account; a trace says that it assumes so.
    fn unseen_gateway(&self) -> Option<Doubt> {
        let why = self.gateways.unseen[self.vnet.index()].clone()?;
        let near = std::iter::once(self.vnet).chain(self.links.iter().filter_map(|l| l.remote));
        let near = near.flat_map(|v| &self.inventory.virtual_networks[v].address_prefixes.items);
        let near: Vec<IpNet> = near.copied().collect();
        Some(Doubt { may_hold: private_space().minus(&AddressSet::from_prefixes(&near)), why })
    }

    /// Of the same prefix from ExpressRoute and from an appliance a Route Server takes ExpressRoute's, unless its
    /// preference is another (RS-5).
    fn express_decides(&self, out: &mut VnetRoutes, prefix: IpNet, server: u32) -> bool {
        use crate::inventory::HubRoutingPreference;
        let express = |r: &EffectiveRoute| {
            let branch = self.gateways.branches_of(self.vnet).find(|(b, _)| Some(b.owner) == r.owner);
            r.prefix == Some(RoutePrefix::Net(prefix)) && branch.is_some_and(|(b, _)| b.express)
        };
        let server = &self.inventory.virtual_hubs[Id::new(server as usize)];
        let vpn_first = server.hub_routing_preference.is(HubRoutingPreference::VpnGateway);
        if vpn_first {
            out.gateway.retain(|r| !express(r));
        }
        !vpn_first && out.gateway.iter().any(express)
    }

    /// With the preference ASPath the shorter path wins, whoever announces it (RS-5). How long the path of what a
    /// gateway's branch announces is, no file tells.
    fn path_decides(&self, out: &mut VnetRoutes, prefix: IpNet, server: u32, at: At) -> bool {
        let server = &self.inventory.virtual_hubs[Id::new(server as usize)];
        if !server.hub_routing_preference.is(crate::inventory::HubRoutingPreference::ASPath) {
            return false;
        }
        let branch =
            |r: &EffectiveRoute| self.gateways.branches_of(self.vnet).any(|(b, _)| Some(b.owner) == r.owner);
        let rivals = out.gateway.iter_mut().filter(|r| r.prefix == Some(RoutePrefix::Net(prefix)));
        let mut found = false;
        for route in rivals.filter(|r| branch(r)) {
            let why = format!(
                "whether {prefix} leads to the gateway or to an appliance: `{}` prefers the shorter AS path, and the one \
                 behind the gateway is in no file (RS-5)",
                server.id.name()
            );
            route.hop = Err(Unknown::new(at, why));
            found = true;
        }
        found
    }

    /// The shortest AS path of each prefix that a Route Server has learnt.
    fn shortest_paths(&self) -> HashMap<(u32, IpNet), usize> {
        let mut out = HashMap::new();
        for route in self.inventory.bgp_routes.iter() {
            let learner = route.learned_by.known().and_then(|r| self.inventory.follow_any(&r.text));
            let (Some(Slot { table: TableTag::VirtualHub, row }), Some(prefix)) =
                (learner, route.address_prefix.known())
            else {
                continue;
            };
            let best = out.entry((row, *prefix)).or_insert(usize::MAX);
            *best = path_length(route).min(*best);
        }
        out
    }

    /// What a connection to a Virtual WAN hub brings.
    fn hub(&self, out: &mut VnetRoutes) {
        let Some(connection) = &self.hubs.connections[self.vnet.index()] else { return };
        let own = &self.inventory.virtual_networks[self.vnet].address_prefixes.items;
        let owner = Slot { table: TableTag::HubVirtualNetworkConnection, row: connection.row.raw() };
        let at = self.inventory.hub_connections[connection.row].at;
        let hub = Slot { table: TableTag::VirtualHub, row: connection.hub.raw() };
        let lost = presence::of(self.inventory, owner).or_else(|| presence::of(self.inventory, hub));
        for prefix in self.hubs.learnt(self.vnet, own) {
            let default = match &connection.internet_security {
                Tri::Unknown(why) if prefix.prefix_len() == 0 => Some(why),
                _ => None,
            };
            let route = learnt(prefix, NextHop::Hub(connection.hub), owner, at);
            out.gateway.push(in_doubt(route, lost.as_ref().or(default)));
        }
        if let Some(why) = &self.hubs.unseen[connection.hub.index()] {
            let near = std::iter::once(self.vnet).chain(self.links.iter().filter_map(|l| l.remote));
            let near = near.flat_map(|v| &self.inventory.virtual_networks[v].address_prefixes.items).copied();
            let told = out.gateway.iter().filter_map(prefix_of).filter(|p| p.prefix_len() > 0);
            let known: Vec<IpNet> = near.chain(told).collect();
            let may_hold = private_space().minus(&AddressSet::from_prefixes(&known));
            out.unseen_gateway.get_or_insert(Doubt { may_hold, why: why.clone() });
        }
    }

    /// Whether the network holds the Route Server, or uses it over a peering (RS-2).
    fn uses_route_server(&self, hub: u32) -> bool {
        let hub = &self.inventory.virtual_hubs.as_slice()[hub as usize];
        let subnet =
            hub.ip_configurations.iter().find_map(|c| self.inventory.follow(c.subnet.known()?).row());
        let home = subnet.and_then(|s| self.inventory.row(&self.inventory.subnets[s].id.parent()?));
        home == Some(self.vnet)
            || self.links.iter().any(|l| {
                l.remote == home
                    && home.is_some()
                    && l.usable == Tri::Yes
                    && self.inventory.peerings[l.peering].use_remote_gateways.is(true)
                    && l.reverse.is_some_and(|r| self.inventory.peerings[r].allow_gateway_transit.is(true))
            })
    }

    fn private_endpoints(&self, out: &mut VnetRoutes, attachments: &[Attachment]) {
        let peers = self.links.iter().filter(|l| l.usable == Tri::Yes).filter_map(|l| l.remote);
        let near = std::iter::once(self.vnet).chain(peers);
        let mut ids: Vec<AttachmentId> =
            near.flat_map(|v| self.endpoints[v.index()].iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let attachment = &attachments[id.index()];
            let Some(ip) = attachment.address else { continue };
            let (prefix, hop) = (host_prefix(ip), NextHop::InterfaceEndpoint(id));
            let route = EffectiveRoute::system(prefix, hop, Some(attachment.owner), attachment.at);
            out.private_endpoints.push(route);
        }
    }
}

/// Private endpoints of each network.
fn endpoints_of(inventory: &Inventory, attachments: &[Attachment]) -> Vec<Vec<AttachmentId>> {
    let mut out = vec![Vec::new(); inventory.virtual_networks.len()];
    for (number, attachment) in attachments.iter().enumerate() {
        if matches!(attachment.kind, AttachmentKind::PrivateEndpoint(..)) {
            out[attachment.vnet.index()].push(AttachmentId(number as u32));
        }
    }
    out
}

fn learnt(prefix: IpNet, hop: NextHop, owner: Slot, at: At) -> EffectiveRoute {
    let source = RouteSource::VirtualNetworkGateway;
    EffectiveRoute::of_source(source, RoutePrefix::Net(prefix), hop, Some(owner), at)
}

/// A route of which it is not known whether it is there.
fn in_doubt(mut route: EffectiveRoute, why: Option<&Unknown>) -> EffectiveRoute {
    if let Some(why) = why {
        route.hop = Err(why.clone());
    }
    route
}

/// How many networks an AS path names; one that is not told has the appliance's own.
fn path_length(route: &BgpRoute) -> usize {
    let numbers = |path: &Arc<str>| {
        path.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()).count()
    };
    route.as_path.known().map_or(1, numbers)
}

/// Several appliances that announce one prefix share it (RS-3).
fn merge_equal(routes: &mut Vec<EffectiveRoute>, route: EffectiveRoute) {
    let same =
        routes.iter_mut().find(|r| r.prefix == route.prefix && matches!(r.hop, Ok(NextHop::Appliance(_))));
    match (same.map(|r| &mut r.hop), &route.hop) {
        (Some(Ok(NextHop::Appliance(ips))), Ok(NextHop::Appliance(more))) => {
            let new: Vec<IpAddr> = more.iter().filter(|ip| !ips.contains(ip)).copied().collect();
            ips.extend(new);
        }
        _ => routes.push(route),
    }
}

/// Which service tag the service endpoints of a service route to (TAG-9).
const ENDPOINT_TAGS: &[(&str, &str)] = &[
    ("Microsoft.Storage", "Storage"),
    ("Microsoft.Storage.Global", "Storage"),
    ("Microsoft.KeyVault", "AzureKeyVault"),
    ("Microsoft.Sql", "Sql"),
    ("Microsoft.AzureCosmosDB", "AzureCosmosDB"),
    ("Microsoft.EventHub", "EventHub"),
    ("Microsoft.ServiceBus", "ServiceBus"),
    ("Microsoft.Web", "AppService"),
    ("Microsoft.AzureActiveDirectory", "AzureActiveDirectory"),
    ("Microsoft.ContainerRegistry", "AzureContainerRegistry"),
    ("Microsoft.CognitiveServices", "CognitiveServicesManagement"),
];

/// A service whose endpoints route to a tag.
pub(crate) fn endpoint_of_tag(tag: &str) -> Option<&'static str> {
    ENDPOINT_TAGS.iter().find(|(_, own)| own.eq_ignore_ascii_case(tag)).map(|(service, _)| *service)
}

fn service_endpoint_routes(
    inventory: &Inventory,
    subnet: Id<Subnet>,
    tags: &ServiceTags,
) -> Vec<EffectiveRoute> {
    let row = &inventory.subnets[subnet];
    let region = row.id.parent().and_then(|p| inventory.row::<VirtualNetwork>(&p));
    let region = region.and_then(|v| inventory.virtual_networks[v].location.known().cloned());
    let mut out = Vec::new();
    for endpoint in &row.service_endpoints {
        let Some((_, tag)) = ENDPOINT_TAGS.iter().find(|(s, _)| s.eq_ignore_ascii_case(&endpoint.service))
        else {
            continue;
        };
        // SE-5: the local form of Storage and SQL covers the region (and, for Storage, its pair).
        let local =
            matches!(*tag, "Storage" | "Sql") && !endpoint.service.to_ascii_lowercase().ends_with(".global");
        let regional = region.as_ref().filter(|_| local).and_then(|r| tags.regional(tag, r));
        let Some(found) = regional.or_else(|| tags.find(tag)) else { continue };
        let pair = region.as_ref().filter(|_| regional.is_some() && *tag == "Storage");
        let pair = pair.and_then(|r| paired(&normal_region(r))).and_then(|r| tags.regional(tag, r));
        let slot = Slot { table: TableTag::Subnet, row: subnet.raw() };
        out.extend(std::iter::once(found).chain(pair).map(|covered| {
            let hop = NextHop::ServiceEndpoint(endpoint.service.clone());
            let prefix = RoutePrefix::Tag(covered);
            EffectiveRoute::of_source(RouteSource::Default, prefix, hop, Some(slot), endpoint.at)
        }));
    }
    out
}

/// Regions that are each other's pair
/// (<https://learn.microsoft.com/azure/reliability/regions-paired>).
const PAIRS: &[(&str, &str)] = &[
    ("australiacentral", "australiacentral2"),
    ("australiaeast", "australiasoutheast"),
    ("canadacentral", "canadaeast"),
    ("centralindia", "southindia"),
    ("centralus", "eastus2"),
    ("eastasia", "southeastasia"),
    ("eastus", "westus"),
    ("francecentral", "francesouth"),
    ("germanywestcentral", "germanynorth"),
    ("japaneast", "japanwest"),
    ("koreacentral", "koreasouth"),
    ("northcentralus", "southcentralus"),
    ("northeurope", "westeurope"),
    ("norwayeast", "norwaywest"),
    ("southafricanorth", "southafricawest"),
    ("swedencentral", "swedensouth"),
    ("switzerlandnorth", "switzerlandwest"),
    ("uaenorth", "uaecentral"),
    ("uksouth", "ukwest"),
    ("westcentralus", "westus2"),
];

/// Regions whose pair has another pair itself.
const ONE_WAY_PAIRS: &[(&str, &str)] =
    &[("brazilsouth", "southcentralus"), ("westindia", "southindia"), ("westus3", "eastus")];

/// The pair of a region, as [`normal_region`] writes it.
fn paired(region: &str) -> Option<&'static str> {
    let there = PAIRS.iter().chain(ONE_WAY_PAIRS).find(|(a, _)| *a == region).map(|(_, b)| *b);
    there.or_else(|| PAIRS.iter().find(|(_, b)| *b == region).map(|(a, _)| *a))
}

/// Ranges that are not public whatever anybody holds.
const NOT_PUBLIC: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "168.63.129.16/32",
    "::/8",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
];

/// What Azure routes to None where nobody holds it: the space that peers take theirs from.
fn private_space() -> AddressSet {
    let ranges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];
    AddressSet::from_prefixes(&ranges.iter().filter_map(|n| n.parse().ok()).collect::<Vec<IpNet>>())
}

/// Public address space.
fn public_space() -> AddressSet {
    let nets: Vec<IpNet> = NOT_PUBLIC.iter().filter_map(|n| n.parse().ok()).collect();
    AddressSet::all().minus(&AddressSet::from_prefixes(&nets))
}

#[allow(clippy::too_many_arguments, reason = "each table is made once and read here")]
fn vnet_tags(
    inventory: &Inventory,
    spaces: &[AddressSet],
    links: &[Vec<Link>],
    routes: &[Arc<VnetRoutes>],
    groups: &[Vec<Id<VirtualNetwork>>],
    profile: &Profile,
    tags: &ServiceTags,
    subnets: &mut [SubnetRow],
) {
    let public = public_space();
    let mut bases: Vec<(AddressSet, AddressSet, Vec<Doubt>)> = Vec::new();
    for (vnet, space) in spaces.iter().enumerate() {
        let mut set = space.clone();
        let own = &inventory.virtual_networks.as_slice()[vnet].address_prefixes.unknown;
        let mut doubts: Vec<Doubt> = own.iter().cloned().map(Doubt::everywhere).collect();
        links[vnet].iter().for_each(|link| peered_space(inventory, link, spaces, &mut set, &mut doubts));
        let access = |link: &Link| inventory.peerings[link.peering].allow_virtual_network_access.or(true);
        let unknown = unknown_peers(inventory, Id::new(vnet), &links[vnet]);
        doubts.extend(unknown.filter(|(link, _)| access(link) != Ok(false)).map(|(_, doubt)| doubt));
        doubts.extend(routes[vnet].unseen_gateway.clone());
        for member in &groups[vnet] {
            set.extend(&spaces[member.index()]);
        }
        // TAG-5, D-3: a default route puts everything into `VirtualNetwork`; `Internet` stays as it is.
        let mut outside = public.minus(&set);
        // TAG-1: what is known through a gateway, a Route Server or a hub belongs to it.
        let (sure, unsure): (Vec<_>, Vec<_>) = routes[vnet].gateway.iter().partition(|r| r.hop.is_ok());
        for route in unsure {
            if let (Some(prefix), Err(why)) = (prefix_of(route), &route.hop) {
                doubts.push(Doubt { may_hold: AddressSet::from_prefix(&prefix), why: why.clone() });
            }
        }
        let learnt: Vec<IpNet> = sure.into_iter().filter_map(prefix_of).collect();
        set.extend(&AddressSet::from_prefixes(&learnt));
        let named: Vec<IpNet> = learnt.into_iter().filter(|p| p.prefix_len() > 0).collect();
        outside = outside.minus(&AddressSet::from_prefixes(&named));
        set.extend(&AddressSet::from_prefix(&host_prefix(HOST_ADDRESS)));
        bases.push((set, outside, doubts));
    }
    let mut made: HashMap<(u32, usize), [Arc<AddressSet>; 3]> = HashMap::new();
    for subnet in subnets {
        let (base, outside, doubts) = &bases[subnet.vnet.index()];
        // With the knob off, routes have no part in the tag, known or not.
        let counts = profile.udr_prefixes_in_virtual_network_tag;
        let user = subnet.routes.user.as_ref().filter(|_| counts);
        let table = subnet.routes.user.as_ref().map_or(0, |t| Arc::as_ptr(t) as usize);
        let [bare, with_routes, internet] = made.entry((subnet.vnet.raw(), table)).or_insert_with(|| {
            let bare = Arc::new(base.clone());
            let with_routes = subnet.routes.user.as_ref().map_or_else(
                || bare.clone(),
                |user| Arc::new(with_routes_of(base, user.routes.iter(), tags)),
            );
            [bare, with_routes, Arc::new(outside.clone())]
        });
        let (tag, other) = match profile.udr_prefixes_in_virtual_network_tag {
            true => (with_routes, bare),
            false => (bare, with_routes),
        };
        subnet.virtual_network_tag = tag.clone();
        subnet.other_virtual_network_tag = other.clone();
        subnet.internet_tag = internet.clone();
        let table = subnet.routes.user_unknown.iter().filter(|_| counts);
        let more = user.and_then(|u| u.unknown.as_ref());
        subnet.tag_doubts = doubts.clone();
        subnet.tag_doubts.extend(table.chain(more).cloned().map(Doubt::everywhere));
        let routes = user.iter().flat_map(|u| u.unknown_prefixes());
        let prefixes = routes.filter_map(|r| prefix_doubt(r, &public));
        subnet.tag_doubts.extend(prefixes);
    }
}

fn prefix_of(route: &EffectiveRoute) -> Option<IpNet> {
    match route.prefix {
        Some(RoutePrefix::Net(net)) => Some(net),
        _ => None,
    }
}

/// A route whose prefix is not known may hold anything; one of a service tag, public addresses only (TAG-11).
pub(super) fn prefix_doubt(route: &EffectiveRoute, public: &AddressSet) -> Option<Doubt> {
    let why = route.prefix_unknown.clone()?;
    let may_hold = if route.public_only { public.clone() } else { AddressSet::all() };
    Some(Doubt { may_hold, why })
}

/// What the networks behind peerings may hold that no file tells the space of: private addresses, and none
/// of a network that is peered by intent, for such spaces do not overlap (PEER-3).
fn unknown_peers<'a>(
    inventory: &'a Inventory,
    vnet: Id<VirtualNetwork>,
    links: &'a [Link],
) -> impl Iterator<Item = (&'a Link, Doubt)> {
    let told = |link: &Link| {
        let space = &inventory.peerings[link.peering].remote_address_space;
        let remote = link.remote.map(|r| &inventory.virtual_networks[r].address_prefixes);
        space.given || remote.is_some_and(|p| p.given && p.unknown.is_none())
    };
    links.iter().filter_map(move |link| match &link.usable {
        Tri::Unknown(why) if !told(link) => {
            let may_hold = private_space().minus(&intended_space(inventory, vnet));
            Some((link, Doubt { may_hold, why: why.clone() }))
        }
        _ => None,
    })
}

/// The space of a network and of those that peer with it by intent, whether or not the peerings work.
fn intended_space(inventory: &Inventory, vnet: Id<VirtualNetwork>) -> AddressSet {
    let space = |v: Id<VirtualNetwork>| {
        AddressSet::from_prefixes(&inventory.virtual_networks[v].address_prefixes.items)
    };
    let mut out = space(vnet);
    for peering in inventory.peerings.iter() {
        let local = peering.id.parent().and_then(|p| inventory.row::<VirtualNetwork>(&p));
        let remote = peering.remote_virtual_network.known().and_then(|r| inventory.follow(r).row());
        match (local, remote) {
            (Some(local), Some(remote)) if local == vnet => out.extend(&space(remote)),
            (Some(local), Some(remote)) if remote == vnet => out.extend(&space(local)),
            _ => {}
        }
    }
    out
}

/// A set with what routes cover, made in one go.
pub(super) fn with_routes_of<'a>(
    base: &AddressSet,
    routes: impl Iterator<Item = &'a EffectiveRoute>,
    tags: &ServiceTags,
) -> AddressSet {
    let mut nets = Vec::new();
    let mut named = Vec::new();
    for route in routes {
        match route.prefix {
            Some(RoutePrefix::Net(net)) => nets.push(net),
            Some(RoutePrefix::Tag(tag)) => named.push(tag),
            None => {}
        }
    }
    let mut set = AddressSet::from_prefixes(&nets);
    named.sort_unstable();
    named.dedup();
    named.into_iter().for_each(|tag| set.extend(tags.set(tag)));
    set.extend(base);
    set.shrink();
    set
}

/// Adds a peered space to the `VirtualNetwork` tag unless the link says otherwise (PEER-5).
fn peered_space(
    inventory: &Inventory,
    link: &Link,
    spaces: &[AddressSet],
    set: &mut AddressSet,
    doubts: &mut Vec<Doubt>,
) {
    let peering = &inventory.peerings[link.peering];
    let space = link.remote.map_or_else(
        || AddressSet::from_prefixes(&peering.remote_address_space.items),
        |remote| spaces[remote.index()].clone(),
    );
    match (peering.allow_virtual_network_access.or(true), &link.usable) {
        (Ok(true), Tri::Yes) => set.extend(&space),
        (Err(why), Tri::Yes) | (Ok(true) | Err(_), Tri::Unknown(why)) => {
            doubts.push(Doubt { may_hold: space, why: why.clone() });
        }
        _ => {}
    }
}

fn vnet_rows(
    inventory: &Inventory,
    spaces: Vec<AddressSet>,
    links: Vec<Vec<Link>>,
    routes: Vec<Arc<VnetRoutes>>,
    subnets: &[SubnetRow],
) -> Vec<Vnet> {
    let mut rows: Vec<Vnet> = spaces
        .into_iter()
        .zip(links)
        .zip(routes)
        .zip(inventory.virtual_networks.iter())
        .map(|(((space, links), routes), row)| Vnet {
            space,
            space_unknown: row.address_prefixes.unknown.clone(),
            links,
            routes: SubnetRoutes::of_network(routes),
            subnets: Vec::new(),
        })
        .collect();
    for (id, subnet) in subnets.iter().enumerate() {
        if let Some(row) = rows.get_mut(subnet.vnet.index()) {
            row.subnets.push(Id::new(id));
        }
    }
    rows
}

fn by_address(
    attachments: &[Attachment],
) -> HashMap<(u32, IpAddr), AttachmentId, foldhash::fast::FixedState> {
    let mut map = HashMap::default();
    for (number, attachment) in attachments.iter().enumerate() {
        if let Some(ip) = attachment.address {
            map.entry((attachment.vnet.raw(), ip)).or_insert(AttachmentId(number as u32));
        }
    }
    map
}

/// Attachments by address and by owner, each in their order.
#[allow(clippy::type_complexity, reason = "two columns of the network")]
fn by_ends(
    attachments: &[Attachment],
) -> (Vec<(IpAddr, AttachmentId)>, Vec<((TableTag, u32), AttachmentId)>) {
    let numbered = || attachments.iter().enumerate().map(|(n, a)| (a, AttachmentId(n as u32)));
    let mut by_ip: Vec<_> = numbered().filter_map(|(a, id)| Some((a.address?, id))).collect();
    let mut by_owner: Vec<_> = numbered().map(|(a, id)| ((a.owner.table, a.owner.row), id)).collect();
    by_ip.sort_unstable();
    by_owner.sort_unstable();
    (by_ip, by_owner)
}

/// The address of each public address resource; one that only a deployment knows gets a stand-in from its
/// region's `AzureCloud` prefixes, so that rules see it as an address of Azure.
fn public_addresses(inventory: &Inventory, tags: &ServiceTags) -> Vec<(Option<IpAddr>, bool)> {
    let mut used: HashMap<String, u32> = HashMap::new();
    let mut out = Vec::new();
    let mut of_ipv6: u128 = 0;
    for row in inventory.public_ip_addresses.iter() {
        if let Field::Known(ip) = row.ip_address {
            out.push((Some(ip), false));
            continue;
        }
        let region = row.location.known().map(|l| normal_region(l)).unwrap_or_default();
        let tag = tags.regional("AzureCloud", &region).or_else(|| tags.find("AzureCloud"));
        if row.public_ip_address_version.known().is_some_and(|v| v.eq_ignore_ascii_case("IPv6")) {
            of_ipv6 += 1;
            let kept = tag.and_then(|t| tags.set(t).v6().first()).map_or(DOCUMENTATION_V6, |(low, _)| *low);
            out.push((Some(IpAddr::V6(kept.saturating_add(of_ipv6).into())), true));
            continue;
        }
        let base = tag.and_then(|t| tags.representative(t));
        let count = used.entry(region).and_modify(|n| *n += 1).or_insert(1);
        let next = base.and_then(|ip| match ip {
            IpAddr::V4(ip) => u32::from(ip).checked_add(*count).map(|n| IpAddr::V4(n.into())),
            IpAddr::V6(_) => None,
        });
        out.push((next.or_else(|| documentation_address(*count)), true));
    }
    out
}

/// The n-th address of the ranges kept for documentation.
fn documentation_address(n: u32) -> Option<IpAddr> {
    let ip = u32::from(std::net::Ipv4Addr::new(198, 18, 0, 0)).checked_add(n)?;
    Some(IpAddr::V4(ip.into()))
}

/// The first address of IPv6 kept for documentation that stands for a public address.
const DOCUMENTATION_V6: u128 = 0x2001_0db8_0000_0000_0000_0000_0001_0000;

fn by_public_address(
    inventory: &Inventory,
    attachments: &[Attachment],
    addresses: &[(Option<IpAddr>, bool)],
) -> HashMap<IpAddr, Occupant, foldhash::fast::FixedState> {
    let mut map = HashMap::default();
    let address = |field: &Field<crate::inventory::Ref<crate::inventory::PublicIpAddress>>| {
        let row = inventory.follow(field.known()?).row()?;
        addresses[row.index()].0
    };
    for (number, attachment) in attachments.iter().enumerate() {
        if let Some(ip) = attachment.public_ip.row().and_then(|row| addresses[row.index()].0) {
            let occupant = match attachment.kind {
                AttachmentKind::Gateway(id) => Occupant::Gateway(id),
                _ => Occupant::Attachment(AttachmentId(number as u32)),
            };
            map.insert(ip, occupant);
        }
    }
    for (id, balancer) in inventory.load_balancers.rows() {
        for (number, frontend) in balancer.frontend_ip_configurations.iter().enumerate() {
            if let Some(ip) = address(&frontend.public_ip_address) {
                map.insert(ip, Occupant::Frontend(id, number as u16));
            }
        }
    }
    for (id, firewall) in inventory.azure_firewalls.rows() {
        let own = firewall.ip_configurations.iter().filter_map(|c| address(&c.public_ip_address));
        let in_hub = firewall.hub_public_ip_addresses.iter().filter_map(|a| a.address.known().copied());
        for ip in own.chain(address(&firewall.public_ip_address)).chain(in_hub) {
            map.insert(ip, Occupant::Firewall(id));
        }
    }
    for (id, gateway) in inventory.application_gateways.rows() {
        for ip in gateway.frontend_ip_configurations.iter().filter_map(|f| address(&f.public_ip_address)) {
            map.insert(ip, Occupant::ApplicationGateway(id));
        }
    }
    for (id, bastion) in inventory.bastion_hosts.rows() {
        for ip in bastion.ip_configurations.iter().filter_map(|c| address(&c.public_ip_address)) {
            map.insert(ip, Occupant::Bastion(id));
        }
    }
    for (id, gateway) in inventory.virtual_network_gateways.rows() {
        for ip in gateway.ip_configurations.iter().filter_map(|c| address(&c.public_ip_address)) {
            map.insert(ip, Occupant::Gateway(id));
        }
    }
    for (row, (ip, _)) in addresses.iter().enumerate() {
        let Some(ip) = ip else { continue };
        let row: Id<PublicIpAddress> = Id::new(row);
        let nobody =
            if is_borne_elsewhere(inventory, row) { Occupant::Elsewhere(row) } else { Occupant::Nothing };
        map.entry(*ip).or_insert(nobody);
    }
    let prefixes = inventory.public_ip_prefixes.iter().filter_map(|p| p.ip_prefix.known());
    for ip in prefixes.flat_map(addresses_of_public) {
        map.entry(ip).or_insert(Occupant::Nothing);
    }
    map
}

/// The addresses of a public prefix: the first of one that is larger than Azure gives out.
pub(crate) fn addresses_of_public(prefix: &IpNet) -> impl Iterator<Item = IpAddr> + use<> {
    const MOST: usize = 4_096;
    prefix.subnets(prefix.max_prefix_len()).into_iter().flatten().take(MOST).map(|one| one.addr())
}

/// Whether Azure says that something bears a public address which is in none of the files, or of no known type.
fn is_borne_elsewhere(inventory: &Inventory, row: Id<PublicIpAddress>) -> bool {
    let Some(bearer) = inventory.public_ip_addresses[row].ip_configuration.known() else { return false };
    if !ResourceId::looks_like_one(bearer) {
        return false;
    }
    let mut here = Some(ResourceId::new(bearer));
    while let Some(id) = here {
        match inventory.slot(&id) {
            Some(slot) => return slot.table == TableTag::Unmodelled,
            None => here = id.parent(),
        }
    }
    true
}
