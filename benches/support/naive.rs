//! What a user would write: hash maps for addresses, rules and routes walked one by one, a list of hops. It knows what
//! the generated hub-and-spoke estates have between interfaces and towards the internet, both ways; names it leaves.

use netwhy::inventory::{
    AddressMeaning, AddressWord, FirewallAction, FirewallRuleType, Id, IpGroup, Many, Ref, Subnet,
    VirtualNetwork,
};
use netwhy::net::{AddressSet, Header, IpAddr, PortRange, Protocol};
use netwhy::network::{
    AttachmentId, AttachmentKind, Choice, Network, NextHop, RuleSet, Ruling, SubnetRole, Verdict,
};
use netwhy::trace::{Endpoint, Flow, INTERNET_HOST};
use petgraph::algo::astar;
use petgraph::graph::{NodeIndex, UnGraph};
use std::collections::HashMap;

/// One firewall rule, spelt out.
struct Rule {
    allows: bool,
    application: bool,
    protocols: Vec<Protocol>,
    sources: Vec<AddressSet>,
    any_source: bool,
    destinations: Vec<AddressSet>,
    any_destination: bool,
    ports: Vec<PortRange>,
    any_name: bool,
}

struct Firewall {
    rules: Vec<Rule>,
    private: AddressSet,
}

/// The estate as such a program would hold it.
pub(crate) struct Naive<'n> {
    net: &'n Network,
    by_name: HashMap<String, AttachmentId>,
    by_address: HashMap<(u32, IpAddr), AttachmentId>,
    firewalls: HashMap<u32, Firewall>,
    graph: UnGraph<u32, u32>,
    nodes: Vec<NodeIndex>,
}

/// One hop of the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Where.
    pub(crate) attachment: Option<AttachmentId>,
    /// What the header was.
    pub(crate) header: Header,
}

struct Session {
    device: AttachmentId,
    incoming: Header,
    outgoing: Header,
    answered: bool,
    outbound: bool,
}

enum Went {
    Stopped,
    To(AttachmentId),
    Nowhere(Id<Subnet>),
    Public,
}

impl<'n> Naive<'n> {
    /// Reads the estate.
    pub(crate) fn new(net: &'n Network) -> Self {
        let mut by_name = HashMap::new();
        let mut by_address = HashMap::new();
        for (number, attachment) in net.attachments.iter().enumerate() {
            let id = AttachmentId(number as u32);
            by_name.entry(attachment.name.to_string()).or_insert(id);
            if let Some(ip) = attachment.address {
                by_address.entry((attachment.vnet.raw(), ip)).or_insert(id);
            }
        }
        let mut graph = UnGraph::new_undirected();
        let nodes: Vec<NodeIndex> = (0..net.vnets.len() as u32).map(|v| graph.add_node(v)).collect();
        for (number, row) in net.vnets.iter().enumerate() {
            for remote in row.links.iter().filter_map(|l| l.remote) {
                graph.update_edge(nodes[number], nodes[remote.index()], 1);
            }
        }
        let firewalls =
            (0..net.inventory.azure_firewalls.len()).map(|f| (f as u32, firewall(net, f))).collect();
        Self { net, by_name, by_address, firewalls, graph, nodes }
    }

    /// Whether a flow gets through, there and back, and the hops of its way.
    pub(crate) fn allows(&self, flow: &Flow, steps: &mut Vec<Step>) -> Option<bool> {
        let Endpoint::Named(name) = &flow.from else { return None };
        let from = *self.by_name.get(&**name)?;
        let source = self.net.attachment(from).address?;
        let destination = match flow.to {
            Endpoint::Address(ip) => ip,
            Endpoint::Internet => INTERNET_HOST,
            _ => return None,
        };
        let header =
            Header { source, destination, protocol: flow.protocol, source_port: 50_000, port: flow.port };
        steps.clear();
        self.there_and_back(from, header, steps)
    }

    /// The same after a search for the shortest way over peerings, as a graph tool would begin.
    pub(crate) fn allows_by_graph(&self, flow: &Flow, steps: &mut Vec<Step>) -> Option<bool> {
        let Endpoint::Named(name) = &flow.from else { return None };
        let from = self.net.attachment(*self.by_name.get(&**name)?).vnet;
        if let Endpoint::Address(ip) = flow.to
            && let Some(to) = (0..self.net.vnets.len()).find(|v| self.net.vnets[*v].space.contains(ip))
        {
            let way =
                astar(&self.graph, self.nodes[from.index()], |n| n == self.nodes[to], |e| *e.weight(), |_| 0);
            std::hint::black_box(way);
        }
        self.allows(flow, steps)
    }

    fn there_and_back(&self, from: AttachmentId, header: Header, steps: &mut Vec<Step>) -> Option<bool> {
        let mut sessions: Vec<Session> = Vec::new();
        let mut header = header;
        let (mut here, mut leaving) = (from, true);
        let end = loop {
            if steps.len() > 40 {
                return None;
            }
            steps.push(Step { attachment: Some(here), header });
            if leaving {
                match self.leave(here, &mut header, &mut sessions, false)? {
                    Went::Stopped => return Some(false),
                    Went::To(next) => (here, leaving) = (next, false),
                    other => break other,
                }
                continue;
            }
            let row = self.net.attachment(here);
            match row.kind {
                AttachmentKind::Firewall(firewall) => {
                    if row.address == Some(header.destination) {
                        return None;
                    }
                    let before = header;
                    let (allowed, application) = self.judge(firewall.raw(), &header);
                    if !allowed {
                        return Some(false);
                    }
                    let private = &self.firewalls[&firewall.raw()].private;
                    if application || !private.contains(header.destination) {
                        header.source = row.address?;
                    }
                    sessions.push(Session {
                        device: here,
                        incoming: before,
                        outgoing: header,
                        answered: false,
                        outbound: false,
                    });
                    leaving = true;
                }
                AttachmentKind::Interface(_) | AttachmentKind::Host(_)
                    if row.address == Some(header.destination) =>
                {
                    if !self.filter(here, &header, true)? {
                        return Some(false);
                    }
                    break Went::To(here);
                }
                _ => return None,
            }
        };
        self.back(from, end, header, sessions)
    }

    fn back(
        &self,
        from: AttachmentId,
        end: Went,
        forward: Header,
        mut sessions: Vec<Session>,
    ) -> Option<bool> {
        let mut header = forward.reversed();
        let mut went = match end {
            Went::To(id) => self.leave(id, &mut header, &mut sessions, true)?,
            Went::Nowhere(subnet) => self.route(subnet, None, &mut header, &mut sessions, true)?,
            Went::Public => Went::Public,
            Went::Stopped => return Some(false),
        };
        for _ in 0..40 {
            let at = match went {
                Went::Stopped | Went::Nowhere(_) => return Some(false),
                Went::Public => {
                    let found = sessions.iter_mut().rev().find(|s| s.outgoing.reversed() == header)?;
                    found.answered = true;
                    header = found.incoming.reversed();
                    if found.outbound { found.device } else { return None }
                }
                Went::To(id) => id,
            };
            if at == from && self.net.attachment(at).address == Some(header.destination) {
                return Some(sessions.iter().all(|s| s.answered));
            }
            let known = sessions.iter_mut().rev();
            let known =
                known.into_iter().find(|s| s.device == at && !s.outbound && s.outgoing.reversed() == header);
            let Some(session) = known else { return Some(false) };
            session.answered = true;
            header = session.incoming.reversed();
            went = self.leave(at, &mut header, &mut sessions, true)?;
        }
        None
    }

    fn leave(
        &self,
        id: AttachmentId,
        header: &mut Header,
        sessions: &mut Vec<Session>,
        back: bool,
    ) -> Option<Went> {
        let row = self.net.attachment(id);
        if !back && !matches!(row.kind, AttachmentKind::Firewall(_)) && !self.filter(id, header, false)? {
            return Some(Went::Stopped);
        }
        self.route(row.subnet, Some(id), header, sessions, back)
    }

    fn filter(&self, id: AttachmentId, header: &Header, inbound: bool) -> Option<bool> {
        let row = self.net.attachment(id);
        let subnet = self.net.subnet(row.subnet);
        let other = if inbound { header.source } else { header.destination };
        let other = self.by_address.get(&(row.vnet.raw(), other)).map(|a| &self.net.attachment(*a).asgs[..]);
        let other = other.unwrap_or_default();
        let (source, destination) = if inbound { (other, &row.asgs[..]) } else { (&row.asgs[..], other) };
        let place = self.net.place(row.subnet, source, destination);
        let sets = if inbound { &self.net.security.inbound } else { &self.net.security.outbound };
        let of_subnet = subnet.nsg.row().filter(|_| subnet.role == SubnetRole::Ordinary);
        for nsg in [of_subnet, row.nsg.row()].into_iter().flatten() {
            let set: &RuleSet = &sets[nsg.index()];
            match set.decide(header, &place, |_| false) {
                Ruling::Rule(n) if set.rules[n].verdict == Some(Verdict::Deny) => return Some(false),
                Ruling::Unknown(..) => return None,
                _ => {}
            }
        }
        Some(true)
    }

    fn route(
        &self,
        subnet: Id<Subnet>,
        from: Option<AttachmentId>,
        header: &mut Header,
        sessions: &mut Vec<Session>,
        back: bool,
    ) -> Option<Went> {
        let Choice::Route(routes, _) = self.net.choose(subnet, header.destination) else {
            return Some(Went::Stopped);
        };
        let vnet = self.net.subnet(subnet).vnet;
        match routes.first()?.hop.as_ref().ok()? {
            NextHop::VnetLocal => Some(self.inside(vnet, header)),
            NextHop::Peering { remote, .. } => Some(self.inside(*remote, header)),
            NextHop::None => Some(Went::Stopped),
            NextHop::InterfaceEndpoint(_) | NextHop::Gateway => None,
            NextHop::Appliance(ips) => {
                let links = &self.net.vnet(vnet).links;
                let near = std::iter::once(vnet).chain(links.iter().filter_map(|l| l.remote));
                let found = near.into_iter().find_map(|v| self.by_address.get(&(v.raw(), ips[0])));
                Some(found.map_or(Went::Stopped, |id| Went::To(*id)))
            }
            NextHop::Internet => {
                if back {
                    let known = sessions.iter().any(|s| s.outgoing.reversed() == *header);
                    return Some(if known && self.net.is_public(header.destination) {
                        Went::Public
                    } else {
                        Went::Stopped
                    });
                }
                if !self.net.is_public(header.destination) {
                    return Some(Went::Stopped);
                }
                let before = *header;
                header.source = "198.51.100.200".parse().ok()?;
                let device = from?;
                let outgoing = *header;
                sessions.push(Session {
                    device,
                    incoming: before,
                    outgoing,
                    answered: false,
                    outbound: true,
                });
                Some(Went::Public)
            }
            _ => None,
        }
    }

    fn inside(&self, vnet: Id<VirtualNetwork>, header: &Header) -> Went {
        match self.by_address.get(&(vnet.raw(), header.destination)) {
            Some(id) => Went::To(*id),
            None => self.net.subnet_of(vnet, header.destination).map_or(Went::Stopped, Went::Nowhere),
        }
    }

    fn judge(&self, firewall: u32, header: &Header) -> (bool, bool) {
        let rules = &self.firewalls[&firewall].rules;
        let holds = |list: &[AddressSet], any: bool, ip| any || list.iter().any(|s| s.contains(ip));
        let fits = |r: &&Rule| {
            r.protocols.contains(&header.protocol)
                && (r.ports.is_empty() || r.ports.iter().any(|p| p.contains(header.port)))
                && holds(&r.sources, r.any_source, header.source)
                && holds(&r.destinations, r.any_destination, header.destination)
        };
        if let Some(rule) = rules.iter().filter(|r| !r.application).find(fits) {
            return (rule.allows, false);
        }
        let named = rules.iter().filter(|r| r.application && r.any_name).find(fits);
        named.map_or((false, false), |r| (r.allows, true))
    }
}

fn firewall(net: &Network, number: usize) -> Firewall {
    let inventory = &net.inventory;
    let row = &inventory.azure_firewalls.as_slice()[number];
    let mut chain = Vec::new();
    let mut here = row.firewall_policy.known().and_then(|p| inventory.follow(p).row());
    while let Some(policy) = here {
        chain.insert(0, policy);
        here =
            inventory.firewall_policies[policy].base_policy.known().and_then(|b| inventory.follow(b).row());
    }
    let mut rules = Vec::new();
    for policy in chain {
        let id = &inventory.firewall_policies[policy].id;
        let mut groups: Vec<_> =
            inventory.rule_collection_groups.iter().filter(|g| g.id.parent().as_ref() == Some(id)).collect();
        groups.sort_by_key(|g| g.priority.known().copied());
        for group in groups {
            let mut collections: Vec<_> = group.rule_collections.iter().collect();
            collections.sort_by_key(|c| c.priority.known().copied());
            for collection in collections {
                let allows = !collection.action.is(FirewallAction::Deny);
                for rule in &collection.rules {
                    let application = rule.rule_type.is(FirewallRuleType::ApplicationRule)
                        || rule.rule_type.is_absent() && rule.target_fqdns.given;
                    if rule.rule_type.is(FirewallRuleType::NatRule) {
                        continue;
                    }
                    rules.push(spelt_out(net, rule, allows, application));
                }
            }
        }
    }
    let ranges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
    let ranges: Vec<_> = ranges.iter().map(|r| r.parse().expect("a prefix")).collect();
    Firewall { rules, private: AddressSet::from_prefixes(&ranges) }
}

fn spelt_out(net: &Network, rule: &netwhy::inventory::FirewallRule, allows: bool, application: bool) -> Rule {
    let (sources, any_source) = sets(net, &rule.source_addresses, &rule.source_ip_groups);
    let (destinations, any) = sets(net, &rule.destination_addresses, &rule.destination_ip_groups);
    let mut protocols = Vec::new();
    let mut ports: Vec<PortRange> = rule.destination_ports.items.clone();
    for word in &rule.ip_protocols {
        if application {
            protocols.push(Protocol::Tcp);
            let usual = if word.protocol.eq_ignore_ascii_case("http") { 80 } else { 443 };
            let port = word.port.unwrap_or(usual);
            ports.push(PortRange { low: port, high: port });
        } else if word.protocol.eq_ignore_ascii_case("any") {
            protocols.extend(Protocol::ALL);
        } else {
            protocols.extend(Protocol::parse(&word.protocol));
        }
    }
    let any_name = rule.target_fqdns.iter().any(|n| &**n == "*");
    let any_destination = any || application;
    Rule {
        allows,
        application,
        protocols,
        sources,
        any_source,
        destinations,
        any_destination,
        ports,
        any_name,
    }
}

fn sets(net: &Network, words: &Many<AddressWord>, groups: &Many<Ref<IpGroup>>) -> (Vec<AddressSet>, bool) {
    let mut out = Vec::new();
    let mut any = !words.given && !groups.given;
    let mut add = |word: &AddressWord| match &word.means {
        AddressMeaning::Any => any = true,
        AddressMeaning::Addresses(set) => out.push(set.clone()),
        AddressMeaning::Tag(name) => {
            if let Some(tag) = net.tags.find(name) {
                out.push(net.tags.set(tag).clone());
            }
        }
    };
    words.iter().for_each(&mut add);
    for group in groups.iter().filter_map(|g| net.inventory.follow(g).row()) {
        net.inventory.ip_groups[group].ip_addresses.iter().for_each(&mut add);
    }
    (out, any)
}
