//! The estate as a graph: for pictures, components, cut points and blast radius.
//!
//! petgraph is a means of this module alone: no type of it leaves, and the hot path does not come here.

use super::attach::target_of;
use super::{Bound, BranchKind, Network, NextHop, Tri};
use crate::inventory::{ResourceId, Slot, TableTag};
use petgraph::algo::articulation_points::articulation_points;
use petgraph::graph::{NodeIndex, UnGraph};
use petgraph::unionfind::UnionFind;
use petgraph::visit::{Bfs, EdgeRef, NodeIndexable};
use std::collections::BTreeMap;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names are Azure's own")]
pub enum NodeKind {
    VirtualNetwork,
    Subnet,
    Interface,
    PrivateEndpoint,
    ServiceTag,
    FrontDoor,
    ResourceManager,
    EntraId,
    Gateway,
    Firewall,
    LoadBalancer,
    Service,
    OnPremises,
    Internet,
    PrivateDnsZone,
    Other,
}

/// How two nodes hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the verb it names")]
pub enum EdgeKind {
    Attached,
    Peered,
    Routed,
    Resolves,
    Fronts,
    Grants,
    Governs,
}

impl EdgeKind {
    /// The verb.
    pub fn word(self) -> &'static str {
        match self {
            Self::Attached => "attached",
            Self::Peered => "peered",
            Self::Routed => "routed",
            Self::Resolves => "resolves",
            Self::Fronts => "fronts",
            Self::Grants => "grants",
            Self::Governs => "governs",
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopologyNode {
    /// What it is.
    pub kind: NodeKind,
    /// Its name for a person.
    pub name: String,
    /// Its resource id, or a name of our own for what is no resource.
    pub id: String,
}

/// An edge between two nodes, by position in [`Topology::nodes`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopologyEdge {
    /// From.
    pub from: usize,
    /// To.
    pub to: usize,
    /// How.
    pub kind: EdgeKind,
    /// Whether it works as it stands (a peering of one side only does not).
    pub works: bool,
}

/// The graph of an estate.
#[derive(Debug)]
pub struct Topology {
    graph: UnGraph<TopologyNode, (EdgeKind, bool)>,
}

struct Builder<'n> {
    network: &'n Network,
    graph: UnGraph<TopologyNode, (EdgeKind, bool)>,
    index: BTreeMap<String, NodeIndex>,
}

impl Topology {
    /// Builds the graph. Nodes and edges come in the order of the inventory's tables.
    pub fn of(network: &Network) -> Topology {
        let mut builder = Builder { network, graph: UnGraph::new_undirected(), index: BTreeMap::new() };
        builder.networks();
        builder.attachments();
        builder.routes();
        builder.names();
        builder.fronts();
        builder.grants();
        Topology { graph: builder.graph }
    }

    /// All nodes.
    pub fn nodes(&self) -> Vec<&TopologyNode> {
        self.graph.node_weights().collect()
    }

    /// All edges.
    pub fn edges(&self) -> Vec<TopologyEdge> {
        let edge = |e: petgraph::graph::EdgeReference<'_, (EdgeKind, bool)>| TopologyEdge {
            from: e.source().index(),
            to: e.target().index(),
            kind: e.weight().0,
            works: e.weight().1,
        };
        self.graph.edge_references().map(edge).collect()
    }

    /// Groups of nodes joined by edges that work, each sorted, the largest first.
    pub fn components(&self) -> Vec<Vec<usize>> {
        let mut union = UnionFind::<usize>::new(self.graph.node_bound());
        for edge in self.graph.edge_references().filter(|e| e.weight().1) {
            union.union(edge.source().index(), edge.target().index());
        }
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for node in self.graph.node_indices() {
            groups.entry(union.find(node.index())).or_default().push(node.index());
        }
        let mut out: Vec<_> = groups.into_values().collect();
        out.sort_by_key(|g| (std::cmp::Reverse(g.len()), g[0]));
        out
    }

    /// Nodes whose loss splits their component.
    pub fn cut_points(&self) -> Vec<usize> {
        let mut out: Vec<usize> =
            articulation_points(&self.graph).into_iter().map(NodeIndex::index).collect();
        out.sort_unstable();
        out
    }

    /// Everything joined to a node within a number of edges.
    pub fn around(&self, node: usize, within: usize) -> Vec<usize> {
        let start = NodeIndex::new(node);
        if self.graph.node_weight(start).is_none() {
            return Vec::new();
        }
        let mut distance: BTreeMap<usize, usize> = BTreeMap::from([(node, 0)]);
        let mut walk = Bfs::new(&self.graph, start);
        while let Some(here) = walk.next(&self.graph) {
            let far = distance.get(&here.index()).copied().unwrap_or(usize::MAX);
            for next in self.graph.neighbors(here) {
                let entry = distance.entry(next.index()).or_insert(usize::MAX);
                *entry = (*entry).min(far.saturating_add(1));
            }
        }
        distance.into_iter().filter(|(_, d)| *d <= within).map(|(n, _)| n).collect()
    }

    /// The node of a resource or name.
    pub fn find(&self, text: &str) -> Option<usize> {
        self.graph
            .node_indices()
            .find(|n| {
                let node = &self.graph[*n];
                node.id.eq_ignore_ascii_case(text) || node.name.eq_ignore_ascii_case(text)
            })
            .map(NodeIndex::index)
    }
}

impl Builder<'_> {
    fn node(&mut self, kind: NodeKind, id: &str, name: &str) -> NodeIndex {
        let key = id.to_ascii_lowercase();
        if let Some(node) = self.index.get(&key) {
            return *node;
        }
        let node = self.graph.add_node(TopologyNode { kind, name: name.into(), id: id.into() });
        self.index.insert(key, node);
        node
    }

    fn resource(&mut self, slot: Slot) -> Option<NodeIndex> {
        let id = self.network.inventory.id_of(slot)?.clone();
        Some(self.node(kind_of(slot.table), id.as_str(), &id.full_name()))
    }

    fn by_id(&mut self, id: &ResourceId) -> Option<NodeIndex> {
        let slot = self.network.inventory.slot(id)?;
        self.resource(slot)
    }

    fn join(&mut self, a: NodeIndex, b: NodeIndex, kind: EdgeKind, works: bool) {
        if a != b && !self.graph.edges_connecting(a, b).any(|e| e.weight().0 == kind) {
            self.graph.add_edge(a, b, (kind, works));
        }
    }

    fn networks(&mut self) {
        let network = self.network;
        for (vnet, row) in network.inventory.virtual_networks.rows() {
            let here = self.node(NodeKind::VirtualNetwork, row.id.as_str(), row.id.name());
            for subnet in &network.vnet(vnet).subnets {
                let id = &network.inventory.subnets[*subnet].id;
                let subnet = self.node(NodeKind::Subnet, id.as_str(), &id.full_name());
                self.join(here, subnet, EdgeKind::Attached, true);
            }
            for link in &network.vnet(vnet).links {
                let Some(remote) = link.remote else { continue };
                let id = &network.inventory.virtual_networks[remote].id;
                let there = self.node(NodeKind::VirtualNetwork, id.as_str(), id.name());
                self.join(here, there, EdgeKind::Peered, link.usable == Tri::Yes);
            }
        }
    }

    fn attachments(&mut self) {
        let network = self.network;
        for attachment in &network.attachments {
            let Some(node) = self.resource(attachment.owner) else { continue };
            let id = &network.inventory.subnets[attachment.subnet].id;
            let subnet = self.node(NodeKind::Subnet, id.as_str(), &id.full_name());
            self.join(subnet, node, EdgeKind::Attached, true);
            if let Bound::To(address) = attachment.public_ip {
                let id = &network.inventory.public_ip_addresses[address].id;
                let internet = self.node(NodeKind::Internet, "internet", "internet");
                let public = self.node(NodeKind::Other, id.as_str(), id.name());
                self.join(node, public, EdgeKind::Attached, true);
                self.join(public, internet, EdgeKind::Routed, true);
            }
        }
    }

    fn routes(&mut self) {
        let network = self.network;
        for (id, row) in network.inventory.subnets.rows() {
            let subnet = self.node(NodeKind::Subnet, row.id.as_str(), &row.id.full_name());
            let user = network.subnet(id).routes.user.clone();
            for route in user.iter().flat_map(|u| &u.routes) {
                let Ok(NextHop::Appliance(ips)) = &route.hop else { continue };
                let vnet = network.subnet(id).vnet;
                let reach = network.vnet(vnet).links.iter().filter_map(|l| l.remote);
                let nets: Vec<_> = std::iter::once(vnet).chain(reach).collect();
                for hop in ips.iter().filter_map(|ip| nets.iter().find_map(|v| network.at_address(*v, *ip))) {
                    if let Some(node) = self.resource(network.attachment(hop).owner) {
                        self.join(subnet, node, EdgeKind::Routed, true);
                    }
                }
            }
        }
        for branch in &network.gateways.branches {
            let gateway = network.inventory.virtual_network_gateways[branch.gateway].id.clone();
            let other = match branch.kind {
                BranchKind::Vnet(vnet) => self.by_id(&network.inventory.virtual_networks[vnet].id),
                BranchKind::Site(site) => self.by_id(&network.inventory.on_premises_sites[site].id),
                BranchKind::Somebody => None,
                BranchKind::LocalGateway(_) | BranchKind::Clients => self.resource(branch.owner),
            };
            if let (Some(gateway), Some(other)) = (self.by_id(&gateway), other) {
                self.join(gateway, other, EdgeKind::Routed, true);
            }
        }
    }

    fn names(&mut self) {
        let network = self.network;
        for (vnet, views) in network.names.views.iter().enumerate() {
            let id = &network.inventory.virtual_networks.as_slice()[vnet].id;
            for view in views {
                let zone = &network.inventory.private_dns_zones[view.zone].id;
                let here = self.node(NodeKind::VirtualNetwork, id.as_str(), id.name());
                let zone = self.node(NodeKind::PrivateDnsZone, zone.as_str(), zone.name());
                self.join(here, zone, EdgeKind::Resolves, true);
            }
        }
    }

    fn fronts(&mut self) {
        let inventory = &self.network.inventory;
        for endpoint in inventory.private_endpoints.iter() {
            let (target, _) = target_of(inventory, endpoint);
            if let (Some(target), Some(here)) =
                (target.and_then(|t| self.resource(t)), self.by_id(&endpoint.id))
            {
                self.join(here, target, EdgeKind::Fronts, true);
            }
        }
        for origin in inventory.origins.iter() {
            let Some(profile) = origin.id.ancestor("Microsoft.Cdn/profiles") else { continue };
            let profile_node = self.node(NodeKind::FrontDoor, profile.as_str(), profile.name());
            let host =
                origin.host_name.known().and_then(|h| self.network.names.public(&h.to_ascii_lowercase()));
            if let Some(super::PublicTarget::Service(service, _)) = host.map(|h| h.target) {
                let id = inventory.services[service].id.clone();
                if let Some(service) = self.by_id(&id) {
                    self.join(profile_node, service, EdgeKind::Fronts, true);
                }
            }
        }
    }

    fn grants(&mut self) {
        let inventory = &self.network.inventory;
        for assignment in inventory.role_assignments.iter() {
            let scope = match assignment.scope.known() {
                Some(reference) => inventory.follow_any(&reference.text),
                None => inventory.slot(&ResourceId::new(assignment.id.scope())),
            };
            let who = assignment.principal_id.known().and_then(|p| inventory.follow_any(p));
            if let (Some(scope), Some(who)) =
                (scope.and_then(|s| self.resource(s)), who.and_then(|s| self.resource(s)))
            {
                self.join(who, scope, EdgeKind::Grants, true);
            }
        }
        for (vnet, [inbound, outbound]) in self.network.admin.owners.iter().enumerate() {
            let id = inventory.virtual_networks.as_slice()[vnet].id.clone();
            for rule in inbound.iter().chain(outbound) {
                let Some(manager) = rule.ancestor("Microsoft.Network/networkManagers") else { continue };
                let manager = self.node(NodeKind::Other, manager.as_str(), manager.name());
                if let Some(vnet) = self.by_id(&id) {
                    self.join(manager, vnet, EdgeKind::Governs, true);
                }
            }
        }
    }
}

fn kind_of(table: TableTag) -> NodeKind {
    match table {
        TableTag::VirtualNetwork => NodeKind::VirtualNetwork,
        TableTag::Subnet => NodeKind::Subnet,
        TableTag::NetworkInterface | TableTag::Host | TableTag::MlCompute | TableTag::ScaleSet => {
            NodeKind::Interface
        }
        TableTag::PrivateEndpoint => NodeKind::PrivateEndpoint,
        TableTag::VirtualNetworkGateway | TableTag::HubGateway | TableTag::VirtualHub => NodeKind::Gateway,
        TableTag::AzureFirewall => NodeKind::Firewall,
        TableTag::LoadBalancer | TableTag::ApplicationGateway => NodeKind::LoadBalancer,
        TableTag::PlatformService => NodeKind::Service,
        TableTag::OnPremisesSite => NodeKind::OnPremises,
        TableTag::PrivateDnsZone => NodeKind::PrivateDnsZone,
        TableTag::FrontDoorProfile | TableTag::FrontDoorEndpoint => NodeKind::FrontDoor,
        _ => NodeKind::Other,
    }
}
