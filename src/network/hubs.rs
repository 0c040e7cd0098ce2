//! Virtual WAN hubs: connections, route tables, labels, routing intent (VWAN-1 to VWAN-15).

use super::Tri;
use crate::diag::At;
use crate::inventory::{
    AzureFirewall, Field, HubRouteTable, HubRoutingPreference, HubVirtualNetworkConnection, Id, Inventory,
    Many, OnPremisesSite, Origin, Ref, ResourceId, Slot, TableTag, Unknown, VirtualHub, VirtualNetwork,
};
use crate::net::{IpAddr, IpNet};

/// The name of the table every hub has.
const DEFAULT_TABLE: &str = "defaultroutetable";
/// The label its default tables bear.
const DEFAULT_LABEL: &str = "default";
/// What a hub's own firewall knows: every connection of the hub, whatever it propagates to. No table of Azure's.
const BEHIND_FIREWALL: &str = "";
/// The table that means "nowhere".
const NONE_TABLE: &str = "noneroutetable";
/// The type of a hub's ExpressRoute gateway.
const EXPRESS_GATEWAYS: &str = "Microsoft.Network/expressRouteGateways";
/// What routing intent calls private unless more is listed (VWAN-9).
const AGGREGATES: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// Where a hub sends something.
#[derive(Clone, Debug, PartialEq)]
pub enum HubTarget {
    /// A connected virtual network, perhaps of another hub.
    Connection(Id<VirtualNetwork>, Id<VirtualHub>),
    /// A site behind a gateway of a hub.
    Branch(Id<OnPremisesSite>, Id<VirtualHub>),
    /// A firewall, by static route.
    Firewall(Id<AzureFirewall>),
    /// An appliance inside a connected network, by static route of the connection.
    Appliance(Id<VirtualNetwork>, IpAddr),
    /// It cannot be known.
    Unknown(Unknown),
}

/// One route of a hub's table.
#[derive(Clone, Debug)]
pub struct HubRouteRow {
    /// What it covers.
    pub prefix: IpNet,
    /// Where it leads.
    pub target: HubTarget,
    /// Whether somebody wrote it (VWAN-4).
    pub fixed: bool,
    /// Whether it is of a branch that comes over ExpressRoute.
    pub express: bool,
    /// What says it.
    pub owner: Slot,
    /// Where.
    pub at: At,
}

/// A hub.
#[derive(Debug)]
pub struct Hub {
    /// Whether it is a Route Server and forwards nothing (RS-1).
    pub route_server: bool,
    /// Whether it prefers VPN to ExpressRoute among its own branches (VWAN-7).
    pub prefers_vpn: bool,
    /// Address spaces of the networks that are connected to it (VWAN-14).
    pub spaces: usize,
    /// The firewall its private policy names.
    pub private: Option<Id<AzureFirewall>>,
    /// The firewall its internet policy names.
    pub internet: Option<Id<AzureFirewall>>,
    /// Why its policies are not known.
    pub unknown: Option<Unknown>,
    /// Its tables by name.
    pub tables: Vec<(String, Vec<HubRouteRow>)>,
}

/// A virtual network's connection to a hub.
#[derive(Debug)]
pub struct HubConnection {
    /// The connection.
    pub row: Id<HubVirtualNetworkConnection>,
    /// The hub.
    pub hub: Id<VirtualHub>,
    /// The table that says what it reaches.
    pub table: String,
    /// Whether it learns 0.0.0.0/0.
    pub internet_security: Tri,
}

/// Hubs and connections.
#[derive(Debug, Default)]
pub struct HubTable {
    /// By row of the hub.
    pub hubs: Vec<Hub>,
    /// By row of the virtual network.
    pub connections: Vec<Option<HubConnection>>,
    /// The sites that are connected to hubs.
    pub sites: Vec<HubSite>,
    /// By row of the hub: gateways of it, or of another hub of its WAN, whose branches no file tells.
    pub unseen: Vec<Option<Unknown>>,
}

/// A site behind a gateway of a hub.
#[derive(Clone, Copy, Debug)]
pub struct HubSite {
    /// The site.
    pub site: Id<OnPremisesSite>,
    /// The hub.
    pub hub: Id<VirtualHub>,
    /// Whether the gateway is of ExpressRoute.
    pub express: bool,
}

struct Draft<'a> {
    inventory: &'a Inventory,
    connections: Vec<Connected>,
    sites: Vec<HubSite>,
}

struct Connected {
    row: Id<HubVirtualNetworkConnection>,
    hub: Id<VirtualHub>,
    vnet: Id<VirtualNetwork>,
    table: String,
    tables: Vec<String>,
    labels: Vec<String>,
    internet_security: Tri,
}

pub(super) fn hubs(inventory: &Inventory) -> HubTable {
    let draft = Draft { inventory, connections: connected(inventory), sites: sites(inventory) };
    let hubs = inventory.virtual_hubs.rows().map(|(id, _)| draft.hub(id)).collect();
    let mut connections: Vec<Option<HubConnection>> =
        (0..inventory.virtual_networks.len()).map(|_| None).collect();
    for c in &draft.connections {
        let (row, hub, table) = (c.row, c.hub, c.table.clone());
        connections[c.vnet.index()] =
            Some(HubConnection { row, hub, table, internet_security: c.internet_security.clone() });
    }
    let unseen = inventory.virtual_hubs.rows().map(|(id, _)| draft.unseen(id)).collect();
    HubTable { hubs, connections, sites: draft.sites, unseen }
}

fn hub_of(inventory: &Inventory, id: &ResourceId) -> Option<Id<VirtualHub>> {
    inventory.row(&id.ancestor("Microsoft.Network/virtualHubs")?)
}

fn table_name(reference: &Ref<HubRouteTable>) -> String {
    reference.text.rsplit('/').next().unwrap_or_default().to_ascii_lowercase()
}

fn connected(inventory: &Inventory) -> Vec<Connected> {
    let mut out = Vec::new();
    for (row, connection) in inventory.hub_connections.rows() {
        let vnet = connection.remote_virtual_network.known().and_then(|r| inventory.follow(r).row());
        let (Some(hub), Some(vnet)) = (hub_of(inventory, &connection.id), vnet) else { continue };
        let table = connection.associated_route_table.known().map_or(DEFAULT_TABLE.to_owned(), table_name);
        let tables: Vec<String> = connection.propagated_route_tables.iter().map(table_name).collect();
        let mut labels: Vec<String> =
            connection.propagated_labels.iter().map(|l| l.to_ascii_lowercase()).collect();
        // VWAN-3: who names no label propagates to the label Default, beside the tables it names.
        if labels.is_empty() && !tables.iter().any(|t| t == NONE_TABLE) {
            labels.push(DEFAULT_LABEL.into());
        }
        let internet_security = internet_security(connection);
        out.push(Connected { row, hub, vnet, table, tables, labels, internet_security });
    }
    out
}

/// Whether a connection takes its hub's default route. No page tells what Azure makes of one that does not say; the
/// portal and the command line turn it on and Terraform turns it off, each by saying so. In a file of our own it
/// means on, and an answer that leans on it tells.
fn internet_security(connection: &HubVirtualNetworkConnection) -> Tri {
    match &connection.enable_internet_security {
        Field::Known(on) => Tri::of(*on),
        Field::Unknown(unknown) => Tri::Unknown(unknown.clone()),
        Field::Absent if connection.origin == Origin::Estate => Tri::Yes,
        Field::Absent => Tri::Unknown(Unknown::new(
            connection.at,
            format!(
                "whether `{}` takes the hub's default route: it does not say enableInternetSecurity",
                connection.id.full_name()
            ),
        )),
    }
}

fn sites(inventory: &Inventory) -> Vec<HubSite> {
    let mut out = Vec::new();
    for (id, site) in inventory.on_premises_sites.rows() {
        for reference in &site.connected_to {
            let (hub, express) = match inventory.follow_any(&reference.text) {
                Some(Slot { table: TableTag::VirtualHub, row }) => (Some(Id::new(row as usize)), false),
                Some(Slot { table: TableTag::HubGateway, row }) => {
                    let gateway = &inventory.hub_gateways.as_slice()[row as usize];
                    let hub = gateway.virtual_hub.known().and_then(|r| inventory.follow(r).row());
                    (hub, gateway.id.is_kind(EXPRESS_GATEWAYS))
                }
                _ => (None, false),
            };
            out.extend(hub.map(|hub| HubSite { site: id, hub, express }));
        }
    }
    out
}

impl Draft<'_> {
    fn hub(&self, id: Id<VirtualHub>) -> Hub {
        let row = &self.inventory.virtual_hubs[id];
        let (private, internet, unknown) = self.intent(id);
        let mut names: Vec<String> = vec![DEFAULT_TABLE.into()];
        let own =
            self.inventory.hub_route_tables.iter().filter(|t| hub_of(self.inventory, &t.id) == Some(id));
        names.extend(own.map(|t| t.id.name().to_ascii_lowercase()));
        names.extend(self.connections.iter().filter(|c| c.hub == id).map(|c| c.table.clone()));
        names.push(BEHIND_FIREWALL.into());
        names.sort();
        names.dedup();
        let tables = names.into_iter().map(|n| (n.clone(), self.table(id, &n, private.is_some()))).collect();
        let route_server = !row.ip_configurations.is_empty();
        let prefers_vpn = row.hub_routing_preference.is(HubRoutingPreference::VpnGateway);
        let here = self.connections.iter().filter(|c| c.hub == id);
        let spaces = here.map(|c| self.inventory.virtual_networks[c.vnet].address_prefixes.items.len()).sum();
        Hub { spaces, route_server, prefers_vpn, private, internet, unknown, tables }
    }

    fn intent(
        &self,
        id: Id<VirtualHub>,
    ) -> (Option<Id<AzureFirewall>>, Option<Id<AzureFirewall>>, Option<Unknown>) {
        let intent =
            self.inventory.routing_intents.iter().find(|i| hub_of(self.inventory, &i.id) == Some(id));
        let (mut private, mut internet) = (None, None);
        let mut unknown = intent.and_then(|i| i.routing_policies.unknown.clone());
        if let Some(slot) = intent.and_then(|i| self.inventory.slot(&i.id)) {
            unknown = unknown.or_else(|| super::presence::of(self.inventory, slot));
        }
        for policy in intent.into_iter().flat_map(|i| &i.routing_policies) {
            let firewall = policy.next_hop.known().and_then(|r| self.firewall(&r.text));
            if firewall.is_none() {
                let why = format!(
                    "the next hop of the routing policy `{}` is no firewall of the files",
                    policy.name
                );
                unknown.get_or_insert(Unknown::new(policy.at, why));
            }
            let named = |word: &str| policy.destinations.iter().any(|d| d.eq_ignore_ascii_case(word));
            if named("Internet") {
                internet = firewall;
            }
            if named("PrivateTraffic") {
                private = firewall;
            }
        }
        (private, internet, unknown)
    }

    fn firewall(&self, text: &str) -> Option<Id<AzureFirewall>> {
        self.inventory.find(text).row()
    }

    /// The routes of one table: static ones, and what propagates to it (VWAN-1, VWAN-3, VWAN-4).
    fn table(&self, hub: Id<VirtualHub>, name: &str, intent: bool) -> Vec<HubRouteRow> {
        let mut out = Vec::new();
        let own = self.inventory.hub_route_tables.rows().find(|(_, t)| {
            hub_of(self.inventory, &t.id) == Some(hub) && t.id.name().eq_ignore_ascii_case(name)
        });
        let mut labels: Vec<String> =
            own.map(|(_, t)| t.labels.iter().map(|l| l.to_ascii_lowercase()).collect()).unwrap_or_default();
        let behind = name == BEHIND_FIREWALL;
        if name == DEFAULT_TABLE || behind {
            labels.push(DEFAULT_LABEL.into());
        }
        if let Some((row, table)) = own {
            let owner = Slot { table: TableTag::HubRouteTable, row: row.raw() };
            for route in &table.routes {
                out.extend(self.fixed(&route.destinations, &route.next_hop, owner, route.at));
            }
        }
        for c in self.connections.iter().filter(|c| self.same_wan(c.hub, hub)) {
            let owner = Slot { table: TableTag::HubVirtualNetworkConnection, row: c.row.raw() };
            let direct = c.hub == hub && c.tables.iter().any(|t| t == name && t != NONE_TABLE);
            // VWAN-9: with a private policy every connection is known to the hub, whatever it propagates.
            let to_all = intent && (name == DEFAULT_TABLE || behind) || behind && c.hub == hub;
            if direct || c.labels.iter().any(|l| labels.contains(l)) || to_all {
                self.connection_routes(c, owner, hub, &mut out);
            }
        }
        for HubSite { site, hub: home, express } in self.sites.iter().filter(|s| self.same_wan(s.hub, hub)) {
            if !labels.iter().any(|l| l == DEFAULT_LABEL) {
                continue;
            }
            let row = &self.inventory.on_premises_sites[*site];
            let prefixes = row.announces();
            let owner = Slot { table: TableTag::OnPremisesSite, row: site.raw() };
            for prefix in prefixes.iter().filter(|p| p.prefix_len() > 0 || *home == hub) {
                let target = HubTarget::Branch(*site, *home);
                let (fixed, express) = (false, *express);
                out.push(HubRouteRow { prefix: *prefix, target, fixed, express, owner, at: row.at });
            }
        }
        out
    }

    fn connection_routes(&self, c: &Connected, owner: Slot, hub: Id<VirtualHub>, out: &mut Vec<HubRouteRow>) {
        let row = &self.inventory.virtual_networks[c.vnet];
        let connection = &self.inventory.hub_connections[c.row];
        for prefix in &row.address_prefixes {
            let target = HubTarget::Connection(c.vnet, c.hub);
            let (fixed, express) = (false, false);
            out.push(HubRouteRow { prefix: *prefix, target, fixed, express, owner, at: connection.at });
        }
        let propagates = &connection.propagate_static_routes;
        if propagates.is(false) {
            return;
        }
        for fixed in connection.static_routes.iter().filter(|_| c.hub == hub) {
            let target = match (propagates.unknown(), fixed.next_hop_ip_address.known()) {
                (Some(unknown), _) => HubTarget::Unknown(unknown.clone()),
                (None, Some(ip)) => HubTarget::Appliance(c.vnet, *ip),
                (None, None) => continue,
            };
            for prefix in &fixed.address_prefixes {
                let target = target.clone();
                let (fixed, express, at) = (true, false, fixed.at);
                out.push(HubRouteRow { prefix: *prefix, target, fixed, express, owner, at });
            }
        }
    }

    fn fixed(
        &self,
        destinations: &Many<IpNet>,
        next_hop: &Field<Ref<crate::inventory::AnyKind>>,
        owner: Slot,
        at: At,
    ) -> Vec<HubRouteRow> {
        let target = match next_hop {
            Field::Known(reference) => match self.inventory.follow_any(&reference.text) {
                Some(Slot { table: TableTag::AzureFirewall, row }) => {
                    HubTarget::Firewall(Id::new(row as usize))
                }
                Some(Slot { table: TableTag::HubVirtualNetworkConnection, row }) => {
                    let found = self.connections.iter().find(|c| c.row.raw() == row);
                    found.map_or_else(|| not_known(at), |c| HubTarget::Connection(c.vnet, c.hub))
                }
                _ => not_known(at),
            },
            _ => not_known(at),
        };
        destinations
            .iter()
            .map(|p| HubRouteRow {
                prefix: *p,
                target: target.clone(),
                fixed: true,
                express: false,
                owner,
                at,
            })
            .collect()
    }

    /// A hub with a gateway has branches; where no site is connected to the hub, no file tells which (VWAN-2).
    fn unseen(&self, hub: Id<VirtualHub>) -> Option<Unknown> {
        let inventory = self.inventory;
        inventory.hub_gateways.iter().find_map(|gateway| {
            let home = gateway.virtual_hub.known().and_then(|r| inventory.follow(r).row())?;
            let told = self.sites.iter().any(|s| s.hub == home);
            let why = format!(
                "what the branches behind `{}` announce: no site of the files is connected to its hub (VWAN-2)",
                gateway.id.name()
            );
            (self.same_wan(home, hub) && !told).then(|| Unknown::new(gateway.at, why))
        })
    }

    fn same_wan(&self, a: Id<VirtualHub>, b: Id<VirtualHub>) -> bool {
        let wan = |h: Id<VirtualHub>| {
            self.inventory.virtual_hubs[h].virtual_wan.known().map(|w| w.text.to_ascii_lowercase())
        };
        a == b || wan(a).is_some() && wan(a) == wan(b)
    }
}

fn not_known(at: At) -> HubTarget {
    HubTarget::Unknown(Unknown::new(at, "the next hop of the hub route is in none of the files"))
}

impl HubTable {
    /// What a hub's table says to an address: longest prefix, then static before learnt, then the own hub, then the
    /// hub's preference between ExpressRoute and VPN (VWAN-7); AS paths are in no file and count as equal.
    pub fn choose(&self, hub: Id<VirtualHub>, table: &str, ip: IpAddr) -> Option<&HubRouteRow> {
        let rows = self.table(hub, table);
        let local = |r: &HubRouteRow| match r.target {
            HubTarget::Connection(_, home) | HubTarget::Branch(_, home) => home == hub,
            _ => true,
        };
        let prefers_vpn = self.hubs[hub.index()].prefers_vpn;
        let kind = |r: &HubRouteRow| match r.target {
            HubTarget::Branch(..) => r.express == (local(r) && !prefers_vpn),
            _ => true,
        };
        let rank = |r: &&HubRouteRow| (r.prefix.prefix_len(), r.fixed, local(r), kind(r));
        let best = rows.iter().filter(|r| r.prefix.contains(&ip)).max_by_key(rank)?;
        rows.iter().find(|r| r.prefix.contains(&ip) && rank(r) == rank(&best))
    }

    /// Where a hub's firewall sends what it let through.
    pub fn behind_firewall(&self, hub: Id<VirtualHub>, ip: IpAddr) -> Option<&HubRouteRow> {
        self.choose(hub, BEHIND_FIREWALL, ip).filter(|r| r.prefix.prefix_len() > 0)
    }

    /// Whether an address lies behind an ExpressRoute gateway of a hub.
    pub fn over_express_route(&self, hub: Id<VirtualHub>, ip: IpAddr) -> bool {
        self.choose(hub, DEFAULT_TABLE, ip).is_some_and(|r| r.express)
    }

    /// The table that decides for traffic from an address: that of its connection, else the default one.
    pub fn table_for(&self, hub: Id<VirtualHub>, vnet: Option<Id<VirtualNetwork>>) -> &str {
        let connection = vnet.and_then(|v| self.connections[v.index()].as_ref()).filter(|c| c.hub == hub);
        connection.map_or(DEFAULT_TABLE, |c| &c.table)
    }

    /// The prefixes a connected network learns from its hub (VWAN-5, VWAN-6, VWAN-8, VWAN-9).
    pub fn learnt(&self, vnet: Id<VirtualNetwork>, own: &[IpNet]) -> Vec<IpNet> {
        let Some(connection) = &self.connections[vnet.index()] else { return Vec::new() };
        let hub = &self.hubs[connection.hub.index()];
        // VWAN-9: with a private policy every connection stands in the default table.
        let table = if hub.private.is_some() { DEFAULT_TABLE } else { &connection.table };
        let tables = hub.tables.iter().find(|(n, _)| n == table);
        let mut out: Vec<IpNet> = Vec::new();
        if hub.private.is_some() {
            out.extend(AGGREGATES.iter().filter_map(|a| a.parse::<IpNet>().ok()));
        }
        for row in tables.into_iter().flat_map(|(_, rows)| rows) {
            let default = row.prefix.prefix_len() == 0;
            // VWAN-9: what is private is told as aggregates; what nobody listed bypasses the policy as it is.
            let within = |net: &IpNet| net.contains(&row.prefix);
            let told = AGGREGATES.iter().filter_map(|a| a.parse::<IpNet>().ok()).any(|a| within(&a));
            let listed = hub.private.is_some() && !row.fixed && (told || default);
            if !(default && connection.internet_security == Tri::No || listed) {
                out.push(row.prefix);
            }
        }
        if hub.internet.is_some()
            && connection.internet_security != Tri::No
            && let Ok(default) = "0.0.0.0/0".parse()
        {
            out.push(default);
        }
        // A hub cannot attract what the network holds itself.
        out.retain(|p| !own.iter().any(|o| o.contains(p)));
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Whether an address is private to a hub's routing intent: the aggregates, or written in its default table.
    pub fn is_private(&self, hub: Id<VirtualHub>, ip: IpAddr) -> bool {
        self.private_length(hub, ip).is_some()
    }

    /// The longest prefix by which an address is private to a hub's routing intent (VWAN-9).
    pub fn private_length(&self, hub: Id<VirtualHub>, ip: IpAddr) -> Option<u8> {
        let aggregates = AGGREGATES.iter().filter_map(|a| a.parse::<IpNet>().ok());
        let aggregate = aggregates.filter(|a| a.contains(&ip)).map(|a| a.prefix_len()).max();
        let listed = self.table(hub, DEFAULT_TABLE).iter().filter(|r| r.fixed && r.prefix.prefix_len() > 0);
        aggregate.max(listed.filter(|r| r.prefix.contains(&ip)).map(|r| r.prefix.prefix_len()).max())
    }

    /// Whether a hub knows an address by more than a default route.
    pub fn is_known(&self, hub: Id<VirtualHub>, ip: IpAddr) -> bool {
        self.choose(hub, DEFAULT_TABLE, ip).is_some_and(|r| r.prefix.prefix_len() > 0)
    }

    /// Another table of a hub with a route to an address.
    pub fn other_table(&self, hub: Id<VirtualHub>, table: &str, ip: IpAddr) -> Option<&str> {
        let named = self.hubs[hub.index()].tables.iter().map(|(name, _)| &**name);
        named
            .filter(|name| *name != table && *name != BEHIND_FIREWALL && *name != NONE_TABLE)
            .find(|name| self.choose(hub, name, ip).is_some())
    }

    fn table(&self, hub: Id<VirtualHub>, name: &str) -> &[HubRouteRow] {
        let tables = &self.hubs[hub.index()].tables;
        tables.iter().find(|(n, _)| n == name).map_or(&[][..], |(_, rows)| &rows[..])
    }
}
