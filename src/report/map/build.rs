//! From the topology to cards, boxes and lines.

use super::{Card, Detail, End, Frame, Line, Map};
use crate::inventory::{NetworkInterface, Subnet, VirtualNetwork};
use crate::network::{Bound, EdgeKind, Network, NodeKind, Topology, TopologyEdge, TopologyNode, machine_of};
use std::collections::{BTreeMap, BTreeSet};

/// More of a kind in one subnet are counted, not listed.
const LISTED: usize = 6;
/// From so many on, networks that look alike share a box.
const ALIKE: usize = 3;
/// More names on one card are counted.
const NAMES: usize = 8;

pub(super) fn map(network: &Network, title: &str, detail: Detail) -> Map {
    let topology = Topology::of(network);
    let mut builder = Builder {
        network,
        nodes: topology.nodes(),
        around: around(&topology),
        edges: topology.edges(),
        detail,
        map: Map { title: title.into(), ..Map::default() },
        end: BTreeMap::new(),
    };
    builder.networks();
    builder.outside();
    builder.lines();
    builder.managed_networks();
    builder.hubs();
    builder.map
}

fn around(topology: &Topology) -> Vec<Vec<(EdgeKind, usize)>> {
    let mut around = vec![Vec::new(); topology.nodes().len()];
    for edge in topology.edges() {
        around[edge.from].push((edge.kind, edge.to));
        around[edge.to].push((edge.kind, edge.from));
    }
    around
}

/// A line before it is drawn.
type Key = (End, End, EdgeKind);

pub(super) struct Builder<'a> {
    pub(super) network: &'a Network,
    nodes: Vec<&'a TopologyNode>,
    edges: Vec<TopologyEdge>,
    /// For each node what it is joined to, in the order of the edges.
    around: Vec<Vec<(EdgeKind, usize)>>,
    detail: Detail,
    pub(super) map: Map,
    /// Where each node of the topology is drawn.
    end: BTreeMap<usize, End>,
}

impl Builder<'_> {
    fn card(&mut self, lines: Vec<String>, kind: NodeKind) -> usize {
        self.map.cards.push(Card { lines, kind });
        self.map.cards.len() - 1
    }

    /// A card of so many lines as a page takes.
    pub(super) fn card_of(&mut self, lines: Vec<String>, kind: NodeKind) -> usize {
        self.card(lines, kind)
    }

    /// Where a resource is drawn.
    pub(super) fn end_of(&self, id: &crate::inventory::ResourceId) -> Option<End> {
        let node = self.nodes.iter().position(|node| node.id.eq_ignore_ascii_case(id.as_str()))?;
        self.place(node)
    }

    /// Lines, those too many for a page counted.
    pub(super) fn counted(&self, mut lines: Vec<String>) -> Vec<String> {
        if lines.len() > NAMES && !self.detail.all {
            let more = lines.len() - NAMES;
            lines.truncate(NAMES);
            lines.push(format!("and {more} more"));
        }
        lines
    }

    /// Nodes joined to one by an edge of a kind.
    fn joined(&self, node: usize, kind: EdgeKind) -> Vec<usize> {
        self.around[node].iter().filter(|(k, _)| *k == kind).map(|(_, other)| *other).collect()
    }

    fn of_kind(&self, kind: NodeKind) -> Vec<usize> {
        (0..self.nodes.len()).filter(|n| self.nodes[*n].kind == kind).collect()
    }

    /// Virtual networks as boxes, those that look alike as one.
    fn networks(&mut self) {
        let mut alike: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for vnet in self.of_kind(NodeKind::VirtualNetwork) {
            let key = if self.detail.all { self.nodes[vnet].id.clone() } else { self.look(vnet) };
            alike.entry(key).or_default().push(vnet);
        }
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for group in alike.into_values() {
            match group.len() >= ALIKE {
                true => groups.push(group),
                false => groups.extend(group.into_iter().map(|vnet| vec![vnet])),
            }
        }
        groups.sort();
        for mut group in groups {
            group.sort_by_key(|vnet| &self.nodes[*vnet].name);
            self.frame(&group);
        }
    }

    /// What makes two networks look alike: peers, and the kinds of things in their subnets.
    fn look(&self, vnet: usize) -> String {
        let mut peers = self.joined(vnet, EdgeKind::Peered);
        peers.sort_unstable();
        let zones = self.joined(vnet, EdgeKind::Resolves);
        let mut subnets: Vec<String> = Vec::new();
        for subnet in self.subnets(vnet) {
            let kinds: BTreeSet<NodeKind> = self.inside(subnet).iter().map(|n| self.nodes[*n].kind).collect();
            let routed = self.joined(subnet, EdgeKind::Routed);
            subnets.push(format!("{kinds:?}{routed:?}"));
        }
        subnets.sort();
        format!("{peers:?}{zones:?}{subnets:?}")
    }

    fn subnets(&self, vnet: usize) -> Vec<usize> {
        let attached = self.joined(vnet, EdgeKind::Attached);
        attached.into_iter().filter(|n| self.nodes[*n].kind == NodeKind::Subnet).collect()
    }

    /// What stands in a subnet.
    fn inside(&self, subnet: usize) -> Vec<usize> {
        let held = |n: &usize| !matches!(self.nodes[*n].kind, NodeKind::VirtualNetwork | NodeKind::Subnet);
        self.joined(subnet, EdgeKind::Attached).into_iter().filter(held).collect()
    }

    fn frame(&mut self, group: &[usize]) {
        let number = self.map.frames.len();
        let first = group[0];
        self.map.frames.push(Frame { title: self.frame_title(group), cards: Vec::new(), network: true });
        for vnet in group {
            self.end.insert(*vnet, End::Frame(number));
        }
        let mut empty = Vec::new();
        for (position, subnet) in self.subnets(first).into_iter().enumerate() {
            let twins: Vec<usize> =
                group.iter().filter_map(|vnet| self.subnets(*vnet).get(position).copied()).collect();
            let things: Vec<usize> = twins.iter().flat_map(|s| self.inside(*s)).collect();
            if things.is_empty() && self.joined(subnet, EdgeKind::Routed).is_empty() {
                empty.extend(twins.iter().map(|s| self.short(*s)));
                twins.iter().for_each(|s| {
                    self.end.insert(*s, End::Frame(number));
                });
                continue;
            }
            let mut lines = self.subnet_title(subnet, group.len());
            lines.extend(self.contents(&things));
            let card = self.card(lines, NodeKind::Subnet);
            self.map.frames[number].cards.push(card);
            for node in twins.into_iter().chain(things) {
                self.end.entry(node).or_insert(End::Card(card));
            }
        }
        if !empty.is_empty() {
            empty.sort();
            empty.dedup();
            let text = format!("nothing in {}", self.some(&empty));
            let card = self.card(vec![text], NodeKind::Other);
            self.map.frames[number].cards.push(card);
        } else if self.map.frames[number].cards.is_empty() {
            let card = self.card(vec!["no subnet".into()], NodeKind::Other);
            self.map.frames[number].cards.push(card);
        }
    }

    fn frame_title(&self, group: &[usize]) -> String {
        let name = |n: usize| self.nodes[n].name.clone();
        if let [one] = group {
            let id = crate::inventory::ResourceId::new(&self.nodes[*one].id);
            let row = self.network.inventory.row::<VirtualNetwork>(&id);
            let space = row.map(|row| self.network.vnet(row).space.to_prefixes());
            let space = space.unwrap_or_default().iter().take(3).map(ToString::to_string).collect::<Vec<_>>();
            return format!("{}  {}", name(*one), space.join(", "));
        }
        let last = group.last().map_or_else(String::new, |n| name(*n));
        format!("{} networks alike: {} to {last}", group.len(), name(group[0]))
    }

    /// The name of a subnet within its network.
    fn short(&self, subnet: usize) -> String {
        let name = &self.nodes[subnet].name;
        name.rsplit_once('/').map_or(name.as_str(), |(_, short)| short).to_owned()
    }

    fn subnet_title(&self, subnet: usize, many: usize) -> Vec<String> {
        let mut lines = vec![self.short(subnet)];
        let id = crate::inventory::ResourceId::new(&self.nodes[subnet].id);
        let Some(row_id) = self.network.inventory.row::<Subnet>(&id).filter(|_| many == 1) else {
            return lines;
        };
        let row = self.network.subnet(row_id);
        let prefixes: Vec<String> = row.space.to_prefixes().iter().take(2).map(ToString::to_string).collect();
        lines[0] = format!("{}  {}", lines[0], prefixes.join(", "));
        let mut rules = Vec::new();
        if let Bound::To(nsg) = row.nsg {
            rules.push(self.network.inventory.nsgs[nsg].id.name().to_owned());
        }
        let nat = self.network.inventory.subnets[row_id].nat_gateway.known().map(|r| &r.text);
        rules.extend(nat.map(|nat| nat.rsplit('/').next().unwrap_or(nat).to_owned()));
        if let Bound::To(table) = row.route_table {
            rules.push(self.network.inventory.route_tables[table].id.name().to_owned());
        }
        if !rules.is_empty() {
            lines.push(rules.join(" · "));
        }
        lines
    }

    /// The things in a subnet, by kind.
    fn contents(&self, things: &[usize]) -> Vec<String> {
        let mut kinds: BTreeMap<NodeKind, Vec<usize>> = BTreeMap::new();
        for thing in things {
            kinds.entry(self.nodes[*thing].kind).or_default().push(*thing);
        }
        let mut lines = Vec::new();
        for (kind, nodes) in kinds {
            if nodes.len() > LISTED && !self.detail.all {
                let mut names: Vec<String> = nodes.iter().map(|n| self.nodes[*n].name.clone()).collect();
                names.sort();
                let (first, last) =
                    (names.first().cloned().unwrap_or_default(), names.last().cloned().unwrap_or_default());
                lines.push(format!("{} {}: {first} to {last}", nodes.len(), word(kind, nodes.len())));
                continue;
            }
            for node in nodes {
                lines.push(format!("{} {}", self.sign_of(node), self.thing(node)));
            }
        }
        lines
    }

    fn sign_of(&self, node: usize) -> &'static str {
        let id = crate::inventory::ResourceId::new(&self.nodes[node].id);
        match self.nodes[node].kind {
            NodeKind::Other if id.is_kind("Microsoft.Network/bastionHosts") => "bastion",
            NodeKind::Other if id.is_kind("Microsoft.Network/dnsResolvers/inboundEndpoints") => "resolver",
            kind => sign(kind),
        }
    }

    fn thing(&self, node: usize) -> String {
        let id = crate::inventory::ResourceId::new(&self.nodes[node].id);
        let nic = self.network.inventory.row::<NetworkInterface>(&id);
        let machine = nic.and_then(|nic| machine_of(&self.network.inventory, nic));
        let name = match machine {
            Some(machine) => self.network.inventory.virtual_machines[machine].id.name().to_owned(),
            None => self.nodes[node].name.clone(),
        };
        let public =
            self.joined(node, EdgeKind::Attached).into_iter().any(|n| self.nodes[n].kind == NodeKind::Other);
        if public { format!("{name} (public address)") } else { name }
    }

    /// What is in no network: services, zones, gateways' other ends, the internet.
    fn outside(&mut self) {
        let services: Vec<usize> =
            self.of_kind(NodeKind::Service).into_iter().filter(|n| !self.end.contains_key(n)).collect();
        if !services.is_empty() {
            let number = self.map.frames.len();
            self.map.frames.push(Frame { title: "Azure services".into(), cards: Vec::new(), network: false });
            for (key, nodes) in self.by_lines(&services) {
                let _ = key;
                let lines = self.service_lines(&nodes);
                let card = self.card(lines, NodeKind::Service);
                self.map.frames[number].cards.push(card);
                nodes.iter().for_each(|n| {
                    self.end.insert(*n, End::Card(card));
                });
            }
        }
        for (_, zones) in self.by_lines(&self.of_kind(NodeKind::PrivateDnsZone)) {
            let mut lines = vec![format!(
                "{} private DNS {}",
                zones.len(),
                if zones.len() == 1 { "zone" } else { "zones" }
            )];
            let mut names: Vec<String> = zones.iter().map(|n| self.nodes[*n].name.to_string()).collect();
            names.sort();
            lines.extend(names);
            self.loose(lines, NodeKind::PrivateDnsZone, &zones);
        }
        for kind in [
            NodeKind::OnPremises,
            NodeKind::FrontDoor,
            NodeKind::Gateway,
            NodeKind::Firewall,
            NodeKind::LoadBalancer,
            NodeKind::Internet,
        ] {
            for node in self.of_kind(kind) {
                if !self.end.contains_key(&node) && self.is_drawn(node) {
                    self.loose(vec![format!("{} {}", sign(kind), self.nodes[node].name)], kind, &[node]);
                }
            }
        }
        for node in self.of_kind(NodeKind::Other) {
            let governs = !self.joined(node, EdgeKind::Governs).is_empty();
            if governs && !self.end.contains_key(&node) {
                self.loose(
                    vec![format!("network manager {}", self.nodes[node].name)],
                    NodeKind::Other,
                    &[node],
                );
            }
        }
    }

    fn loose(&mut self, mut lines: Vec<String>, kind: NodeKind, nodes: &[usize]) {
        if lines.len() > NAMES + 1 && !self.detail.all {
            let more = lines.len() - NAMES;
            lines.truncate(NAMES);
            lines.push(format!("and {more} more"));
        }
        let card = self.card(lines, kind);
        self.map.loose.push(card);
        nodes.iter().for_each(|n| {
            self.end.insert(*n, End::Card(card));
        });
    }

    /// Whether anything would be drawn to it.
    fn is_drawn(&self, node: usize) -> bool {
        self.around[node].iter().any(|(kind, _)| self.detail.grants || *kind != EdgeKind::Grants)
    }

    /// Nodes whose lines lead to the same ends.
    fn by_lines(&self, nodes: &[usize]) -> BTreeMap<Vec<(EdgeKind, End)>, Vec<usize>> {
        let mut groups: BTreeMap<Vec<(EdgeKind, End)>, Vec<usize>> = BTreeMap::new();
        for node in nodes {
            let mut ends: Vec<(EdgeKind, End)> = Vec::new();
            for (kind, other) in &self.around[*node] {
                if let (Some(end), true) = (self.end.get(other), *kind != EdgeKind::Grants) {
                    ends.push((*kind, *end));
                }
            }
            ends.sort();
            ends.dedup();
            groups.entry(ends).or_default().push(*node);
        }
        groups
    }

    fn service_lines(&self, nodes: &[usize]) -> Vec<String> {
        let mut lines: Vec<String> = nodes
            .iter()
            .map(|n| {
                let id = crate::inventory::ResourceId::new(&self.nodes[*n].id);
                let label = crate::services::service_kind(&id.kind()).map_or("service", |kind| kind.label);
                format!("{} ({label})", self.nodes[*n].name)
            })
            .collect();
        if lines.len() > NAMES && !self.detail.all {
            let more = lines.len() - NAMES;
            lines.truncate(NAMES);
            lines.push(format!("and {more} more"));
        }
        lines
    }

    fn some(&self, names: &[String]) -> String {
        let shown = names.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
        match names.len().saturating_sub(NAMES) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }

    fn lines(&mut self) {
        let mut seen: BTreeMap<(End, End, EdgeKind), (usize, bool)> = BTreeMap::new();
        let mut order = Vec::new();
        for edge in &self.edges {
            if edge.kind == EdgeKind::Grants && !self.detail.grants {
                continue;
            }
            let (Some(from), Some(to)) = (self.place(edge.from), self.place(edge.to)) else { continue };
            if from == to || self.is_held(from, to) {
                continue;
            }
            // A peering has no direction.
            let flat = edge.kind == EdgeKind::Peered;
            let key = if flat { (from.min(to), from.max(to), edge.kind) } else { (from, to, edge.kind) };
            let entry = seen.entry(key).or_insert_with(|| {
                order.push(key);
                (0, true)
            });
            entry.0 += 1;
            entry.1 &= edge.works;
        }
        for (key, many, works) in self.bundled(order, &seen) {
            let (from, to, kind) = key;
            let site =
                |end: End| matches!(end, End::Card(c) if self.map.cards[c].kind == NodeKind::OnPremises);
            let label = match kind {
                EdgeKind::Routed if site(from) || site(to) => "connection".to_owned(),
                kind => label(kind, many, works),
            };
            self.map.lines.push(Line { from, to, kind, label, works });
        }
    }

    /// Routes of every subnet of a box to the same place are one line of the box.
    fn bundled(&self, order: Vec<Key>, seen: &BTreeMap<Key, (usize, bool)>) -> Vec<(Key, usize, bool)> {
        let mut found: Vec<(Key, usize, bool)> = Vec::new();
        for key in order {
            let (many, works) = seen[&key];
            let frame = self.routing_frame(&key, seen);
            let key = frame.map_or(key, |frame| (End::Frame(frame), key.1, key.2));
            match found.iter_mut().find(|(known, ..)| *known == key) {
                Some((_, count, all)) => {
                    *count += many;
                    *all &= works;
                }
                None => found.push((key, many, works)),
            }
        }
        found
    }

    fn routing_frame(&self, key: &Key, seen: &BTreeMap<Key, (usize, bool)>) -> Option<usize> {
        let (End::Card(card), to, EdgeKind::Routed) = *key else { return None };
        let frame = self.map.frames.iter().position(|f| f.network && f.cards.contains(&card))?;
        let subnet = |c: &&usize| self.map.cards[**c].kind == NodeKind::Subnet;
        let subnets: Vec<&usize> = self.map.frames[frame].cards.iter().filter(subnet).collect();
        let all = subnets.iter().all(|c| seen.contains_key(&(End::Card(**c), to, EdgeKind::Routed)));
        (all && subnets.len() > 1).then_some(frame)
    }

    /// Where a node is drawn; a public address stands for what it belongs to.
    fn place(&self, node: usize) -> Option<End> {
        self.end.get(&node).copied().or_else(|| {
            let owner = self.joined(node, EdgeKind::Attached);
            owner.iter().find_map(|n| self.end.get(n).copied())
        })
    }

    /// Whether one end is inside the other.
    fn is_held(&self, a: End, b: End) -> bool {
        let holds = |frame: End, card: End| match (frame, card) {
            (End::Frame(frame), End::Card(card)) => self.map.frames[frame].cards.contains(&card),
            _ => false,
        };
        holds(a, b) || holds(b, a)
    }
}

fn label(kind: EdgeKind, many: usize, works: bool) -> String {
    let many = if many > 1 { format!(" ×{many}") } else { String::new() };
    match (kind, works) {
        (EdgeKind::Peered, false) => format!("peered, does not work{many}"),
        (EdgeKind::Fronts, _) => format!("private endpoint{many}"),
        (EdgeKind::Routed, _) => format!("route{many}"),
        (EdgeKind::Resolves, _) => "resolves".into(),
        (EdgeKind::Attached, _) => String::new(),
        (kind, _) => format!("{}{many}", kind.word()),
    }
}

/// A word for what stands in a subnet.
fn sign(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Interface => "machine",
        NodeKind::PrivateEndpoint => "endpoint",
        NodeKind::Firewall => "firewall",
        NodeKind::Gateway => "gateway",
        NodeKind::LoadBalancer => "balancer",
        NodeKind::OnPremises => "site",
        NodeKind::FrontDoor => "Front Door",
        NodeKind::Internet => "the",
        NodeKind::Service => "service",
        _ => "·",
    }
}

fn word(kind: NodeKind, many: usize) -> String {
    let one = match kind {
        NodeKind::Interface => "machine",
        NodeKind::PrivateEndpoint => "private endpoint",
        NodeKind::LoadBalancer => "load balancer",
        _ => "resource",
    };
    if many == 1 { one.into() } else { format!("{one}s") }
}
