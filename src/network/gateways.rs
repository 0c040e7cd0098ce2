//! Virtual network gateways, what lies behind them, and who uses them.

use super::attach::{Attachment, AttachmentKind};
use super::presence;
use super::{Bound, Link, Tri};
use crate::diag::At;
use crate::inventory::{
    Connection, Field, GatewayType, Id, Inventory, LocalNetworkGateway, OnPremisesSite, Origin, ResourceId,
    Slot, TableTag, Unknown, VirtualNetwork, VirtualNetworkGateway, VirtualNetworkPeering,
};
use crate::net::{IpAddr, IpNet};

/// What lies behind a gateway.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BranchKind {
    /// A site of our own estate file.
    Site(Id<OnPremisesSite>),
    /// The other end of a connection, known by its address space.
    LocalGateway(Id<LocalNetworkGateway>),
    /// Another virtual network, over its own gateway.
    Vnet(Id<VirtualNetwork>),
    /// Point-to-site clients.
    Clients,
    /// Somebody that no file describes, of whom a gateway has learnt.
    Somebody,
}

/// One branch of a gateway.
#[derive(Clone, Debug)]
pub struct Branch {
    /// What it is.
    pub kind: BranchKind,
    /// The gateway.
    pub gateway: Id<VirtualNetworkGateway>,
    /// What it announces.
    pub prefixes: Vec<IpNet>,
    /// Whether it comes over ExpressRoute.
    pub express: bool,
    /// The resource to show.
    pub owner: Slot,
    /// Where it is declared.
    pub at: At,
    /// Why it is not known whether it is there: the gateway, or what leads to it, may not be deployed.
    pub doubt: Option<Unknown>,
}

/// Gateways, branches and their use.
#[derive(Debug, Default)]
pub struct GatewayTable {
    /// Gateways of each virtual network.
    pub of_vnet: Vec<Vec<Id<VirtualNetworkGateway>>>,
    /// Network of each gateway.
    pub vnet_of: Vec<Option<Id<VirtualNetwork>>>,
    /// All branches.
    pub branches: Vec<Branch>,
    /// Gateways each virtual network uses, with the network they stand in.
    pub used_by: Vec<Vec<(Id<VirtualNetworkGateway>, Id<VirtualNetwork>)>>,
    /// Why a virtual network may use a gateway that is not listed.
    pub use_unknown: Vec<Option<Unknown>>,
    /// Of a gateway that each network may use in a hub that no file describes.
    pub unseen: Vec<Option<Unknown>>,
    /// Whether a Route Server of each network tells ExpressRoute's branches to VPN's and back (RS-6).
    pub transit: Vec<bool>,
    /// What appliances told the Route Servers of each network that they may tell on (RS-7).
    pub told: Vec<Vec<IpNet>>,
}

pub(super) fn gateways(
    inventory: &Inventory,
    attachments: &[Attachment],
    links: &[Vec<Link>],
) -> GatewayTable {
    let vnets = inventory.virtual_networks.len();
    let mut table = GatewayTable {
        of_vnet: vec![Vec::new(); vnets],
        vnet_of: vec![None; inventory.virtual_network_gateways.len()],
        ..GatewayTable::default()
    };
    for attachment in attachments {
        if let AttachmentKind::Gateway(id) = attachment.kind {
            table.of_vnet[attachment.vnet.index()].push(id);
            table.vnet_of[id.index()] = Some(attachment.vnet);
        }
    }
    table.branches = branches(inventory, &table);
    table.transit = vec![false; vnets];
    for attachment in attachments {
        if let AttachmentKind::RouteServer(server) = attachment.kind {
            let on = inventory.virtual_hubs[server].allow_branch_to_branch_traffic.is(true);
            table.transit[attachment.vnet.index()] |= on;
        }
    }
    table.told = told(inventory, attachments, vnets);
    for (vnet, links) in links.iter().enumerate() {
        let use_of = used(inventory, &table, vnet, links);
        table.used_by.push(use_of.gateways);
        table.use_unknown.push(use_of.unknown);
        table.unseen.push(use_of.unseen);
    }
    table
}

/// What Route Servers have learnt from appliances, by their network; not what bears `NO_ADVERTISE` (RS-7).
fn told(inventory: &Inventory, attachments: &[Attachment], vnets: usize) -> Vec<Vec<IpNet>> {
    let mut out = vec![Vec::new(); vnets];
    for route in inventory.bgp_routes.iter() {
        let server = route.learned_by.known().and_then(|r| inventory.follow_any(&r.text));
        let (Some(Slot { table: TableTag::VirtualHub, row }), Some(prefix)) =
            (server, route.address_prefix.known())
        else {
            continue;
        };
        let kind = AttachmentKind::RouteServer(Id::new(row as usize));
        let kept = route.communities.iter().any(|c| is_no_advertise(c));
        if let Some(home) = attachments.iter().find(|a| a.kind == kind && !kept) {
            out[home.vnet.index()].push(*prefix);
        }
    }
    out
}

/// The community by its name, or by the number it stands for.
fn is_no_advertise(community: &str) -> bool {
    ["no_advertise", "no-advertise", "65535:65282"].iter().any(|c| community.eq_ignore_ascii_case(c))
}

/// The gateways a network uses, and those that it may.
#[derive(Default)]
struct Used {
    gateways: Vec<(Id<VirtualNetworkGateway>, Id<VirtualNetwork>)>,
    unknown: Option<Unknown>,
    unseen: Option<Unknown>,
}

/// The gateways a network uses: its own, or those of the hub it is allowed to use (PEER-7).
fn used(inventory: &Inventory, table: &GatewayTable, vnet: usize, links: &[Link]) -> Used {
    let own: Vec<_> = table.of_vnet[vnet].iter().map(|g| (*g, Id::new(vnet))).collect();
    if !own.is_empty() {
        return Used { gateways: own, ..Used::default() };
    }
    let mut out = Used::default();
    for link in links {
        let mine = &inventory.peerings[link.peering];
        let wants = tri(&mine.use_remote_gateways);
        if wants == Tri::No {
            continue;
        }
        if link.usable != Tri::No && is_unseen(inventory, table, link) {
            out.unseen = Some(unseen(mine));
            continue;
        }
        let theirs = link.reverse.map(|r| tri(&inventory.peerings[r].allow_gateway_transit));
        let all = wants.and(|| link.usable.clone()).and(|| theirs.unwrap_or(Tri::No));
        match (all, link.remote) {
            (Tri::Yes, Some(hub)) => {
                out.gateways.extend(table.of_vnet[hub.index()].iter().map(|g| (*g, hub)));
            }
            (Tri::Unknown(why), _) => out.unknown = Some(why),
            _ => {}
        }
    }
    out
}

/// Whether no file describes the network at the other end, nor its side of the peering, nor its gateways.
fn is_unseen(inventory: &Inventory, table: &GatewayTable, link: &Link) -> bool {
    let described = |v: Id<VirtualNetwork>| {
        inventory.virtual_networks[v].origin != Origin::Mentioned || !table.of_vnet[v.index()].is_empty()
    };
    link.reverse.is_none() && !link.remote.is_some_and(described)
}

fn unseen(peering: &VirtualNetworkPeering) -> Unknown {
    let hub = peering.remote_virtual_network.known().map(|r| ResourceId::new(&r.text).name().to_owned());
    let hub = hub.unwrap_or_default();
    let why = format!("what the gateway of `{hub}` announces: that network is in none of the files (PEER-7)");
    Unknown::new(peering.at, why)
}

fn tri(field: &Field<bool>) -> Tri {
    match field.or(false) {
        Ok(b) => Tri::of(b),
        Err(unknown) => Tri::Unknown(unknown.clone()),
    }
}

fn branches(inventory: &Inventory, table: &GatewayTable) -> Vec<Branch> {
    let mut out = Vec::new();
    for (id, site) in inventory.on_premises_sites.rows() {
        for reference in &site.connected_to {
            let gateway =
                inventory.follow_any(&reference.text).filter(|s| s.table == TableTag::VirtualNetworkGateway);
            let Some(gateway) = gateway.map(|s| Id::new(s.row as usize)) else { continue };
            let mut prefixes = site.announces().items.clone();
            prefixes.sort_unstable();
            let owner = Slot { table: TableTag::OnPremisesSite, row: id.raw() };
            let express =
                inventory.virtual_network_gateways[gateway].gateway_type.is(GatewayType::ExpressRoute);
            let (kind, at) = (BranchKind::Site(id), site.at);
            out.push(Branch { kind, gateway, prefixes, express, owner, at, doubt: None });
        }
    }
    for (row, connection) in inventory.connections.rows() {
        let Bound::To(gateway) = Bound::follow(inventory, &connection.virtual_network_gateway1) else {
            continue;
        };
        let owner = Slot { table: TableTag::Connection, row: row.raw() };
        if let Bound::To(local) = Bound::follow(inventory, &connection.local_network_gateway2) {
            let prefixes = inventory.local_network_gateways[local].address_prefixes.items.clone();
            let kind = BranchKind::LocalGateway(local);
            let slot = Slot { table: TableTag::LocalNetworkGateway, row: local.raw() };
            let doubt = presence::of(inventory, slot).or_else(|| not_connected(connection));
            out.push(Branch { kind, gateway, prefixes, express: false, owner, at: connection.at, doubt });
        }
        if let Bound::To(other) = Bound::follow(inventory, &connection.virtual_network_gateway2)
            && let Some(vnet) = table.vnet_of.get(other.index()).copied().flatten()
        {
            let prefixes = inventory.virtual_networks[vnet].address_prefixes.items.clone();
            out.push(Branch {
                kind: BranchKind::Vnet(vnet),
                gateway,
                prefixes,
                express: false,
                owner,
                at: connection.at,
                doubt: not_connected(connection),
            });
        }
    }
    learnt(inventory, &mut out);
    out.extend(over_circuits(inventory, table));
    for (gateway, row) in inventory.virtual_network_gateways.rows() {
        let prefixes = row.vpn_client_address_pool.items.clone();
        let named = inventory.on_premises_sites.iter().any(|s| {
            s.point_to_site.is(true)
                && s.connected_to.iter().any(|r| inventory.follow_any(&r.text) == inventory.slot(&row.id))
        });
        if !prefixes.is_empty() && !named {
            let owner = Slot { table: TableTag::VirtualNetworkGateway, row: gateway.raw() };
            out.push(Branch {
                kind: BranchKind::Clients,
                gateway,
                prefixes,
                express: false,
                owner,
                at: row.at,
                doubt: None,
            });
        }
    }
    for branch in &mut out {
        let gateway = Slot { table: TableTag::VirtualNetworkGateway, row: branch.gateway.raw() };
        let of = |slot| presence::of(inventory, slot);
        branch.doubt = branch.doubt.take().or_else(|| of(gateway)).or_else(|| of(branch.owner));
    }
    out
}

/// Why a tunnel may carry nothing: Azure told, when the files were written, that it was not up.
fn not_connected(connection: &Connection) -> Option<Unknown> {
    let down = connection.connection_status.known().is_some_and(|s| s.eq_ignore_ascii_case("NotConnected"));
    let why = || format!("whether `{}` is up: its connectionStatus is NotConnected", connection.id.name());
    down.then(|| Unknown::new(connection.at, why()))
}

/// What gateways have learnt by BGP beside what sites announce.
fn learnt(inventory: &Inventory, out: &mut Vec<Branch>) {
    for (id, route) in inventory.bgp_routes.rows() {
        let learner = route.learned_by.known().and_then(|r| inventory.follow_any(&r.text));
        let (Some(Slot { table: TableTag::VirtualNetworkGateway, row }), None, Some(prefix)) =
            (learner, route.next_hop_ip_address.known(), route.address_prefix.known())
        else {
            continue;
        };
        let gateway = Id::new(row as usize);
        let site = route.site.known().and_then(|r| inventory.follow(r).row());
        out.push(Branch {
            kind: site.map_or(BranchKind::Somebody, BranchKind::Site),
            gateway,
            prefixes: vec![*prefix],
            express: inventory.virtual_network_gateways[gateway].gateway_type.is(GatewayType::ExpressRoute),
            owner: Slot { table: TableTag::BgpRoute, row: id.raw() },
            at: route.at,
            doubt: None,
        });
    }
}

/// Networks that meet at one ExpressRoute circuit (GW-10).
fn over_circuits(inventory: &Inventory, table: &GatewayTable) -> Vec<Branch> {
    let joined = |connection: &crate::inventory::Connection| {
        let gateway = Bound::follow(inventory, &connection.virtual_network_gateway1).row()?;
        let circuit = Bound::follow(inventory, &connection.peer).row()?;
        Some((circuit, gateway))
    };
    let all: Vec<_> =
        inventory.connections.rows().filter_map(|(row, c)| Some((row, c.at, joined(c)?))).collect();
    let mut out = Vec::new();
    for (row, at, (circuit, gateway)) in &all {
        let closed = |g: Id<VirtualNetworkGateway>| {
            inventory.virtual_network_gateways[g].allow_remote_vnet_traffic.is(false)
        };
        let others = all.iter().filter(|(_, _, (c, g))| c == circuit && g != gateway);
        for (_, _, (_, other)) in others.filter(|(_, _, (_, g))| !closed(*gateway) && !closed(*g)) {
            let Some(vnet) = table.vnet_of.get(other.index()).copied().flatten() else { continue };
            out.push(Branch {
                kind: BranchKind::Vnet(vnet),
                gateway: *gateway,
                prefixes: inventory.virtual_networks[vnet].address_prefixes.items.clone(),
                express: true,
                owner: Slot { table: TableTag::Connection, row: row.raw() },
                at: *at,
                doubt: across(inventory, *gateway, *other),
            });
        }
    }
    out
}

/// Two networks reach each other over a circuit where both gateways take other networks' traffic in, which Azure has
/// switched off unless somebody asks for it (GW-10).
fn across(
    inventory: &Inventory,
    here: Id<VirtualNetworkGateway>,
    there: Id<VirtualNetworkGateway>,
) -> Option<Unknown> {
    [here, there].into_iter().find_map(|gateway| {
        let row = &inventory.virtual_network_gateways[gateway];
        match &row.allow_remote_vnet_traffic {
            Field::Known(_) => None,
            Field::Unknown(unknown) => Some(unknown.clone()),
            Field::Absent => Some(Unknown::new(
                row.at,
                format!(
                    "whether `{}` takes in what comes from another network over the circuit: it does not say \
                    allowRemoteVnetTraffic, which Azure leaves off by itself (GW-10)",
                    row.id.name()
                ),
            )),
        }
    })
}

impl GatewayTable {
    /// The branches of the gateways a network uses.
    pub fn branches_of(
        &self,
        vnet: Id<VirtualNetwork>,
    ) -> impl Iterator<Item = (&Branch, Id<VirtualNetwork>)> {
        let used = &self.used_by[vnet.index()];
        self.branches.iter().filter_map(|b| Some((b, used.iter().find(|(g, _)| *g == b.gateway)?.1)))
    }

    /// The branches that take a destination: longest prefix, then ExpressRoute before VPN (GW-2).
    pub fn towards(&self, vnet: Id<VirtualNetwork>, ip: IpAddr) -> Vec<(&Branch, Id<VirtualNetwork>)> {
        let length = |b: &Branch| b.prefixes.iter().filter(|p| p.contains(&ip)).map(IpNet::prefix_len).max();
        let found: Vec<_> =
            self.branches_of(vnet).filter_map(|(b, v)| Some(((length(b)?, b.express), b, v))).collect();
        let best = found.iter().map(|(rank, ..)| *rank).max();
        found.into_iter().filter(|(rank, ..)| Some(*rank) == best).map(|(_, b, v)| (b, v)).collect()
    }

    /// The longest prefix of an address among what a gateway announces to its branches: its own network and those
    /// that use it (PEER-8), as `held` gives them by row, and the branches of the gateway beside it where a Route
    /// Server passes them on (RS-6).
    pub fn announced(
        &self,
        gateway: Id<VirtualNetworkGateway>,
        held: impl Fn(usize) -> Option<u8>,
        ip: IpAddr,
    ) -> Option<u8> {
        let users =
            self.used_by.iter().enumerate().filter(|(_, used)| used.iter().any(|(g, _)| *g == gateway));
        let networks = users.filter_map(|(vnet, _)| held(vnet)).max();
        let home = self.vnet_of[gateway.index()].filter(|home| self.transit[home.index()]);
        let beside = home.into_iter().flat_map(|home| self.beside(gateway, home)).flat_map(|b| &b.prefixes);
        let beside = beside.filter(|p| p.contains(&ip)).map(IpNet::prefix_len).max();
        let appliances = home.into_iter().flat_map(|home| &self.told[home.index()]);
        let appliances = appliances.filter(|p| p.contains(&ip)).map(IpNet::prefix_len).max();
        networks.max(beside).max(appliances)
    }

    /// What lies behind the other gateway of a network: ExpressRoute beside VPN, and never its clients (RS-6).
    fn beside(
        &self,
        gateway: Id<VirtualNetworkGateway>,
        home: Id<VirtualNetwork>,
    ) -> impl Iterator<Item = &Branch> {
        let here = move |b: &&Branch| b.gateway != gateway && self.vnet_of[b.gateway.index()] == Some(home);
        self.branches.iter().filter(here).filter(|b| b.kind != BranchKind::Clients)
    }
}
