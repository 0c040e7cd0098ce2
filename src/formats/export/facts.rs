//! What exports tell beside resources: effective routes and rules, and which resources hang together.

use super::learned::LearnedRoute;
use super::recording::Check;
use super::shape;
use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::doc::{Node, Number, Value};
use crate::inventory::{Access, AddressWord, Direction, Origin, RawResource, ResourceId};
use crate::net::{AddressSet, IpAddr, IpNet, PortRange, PortSet, ProtocolMatch, parse_prefix};
use std::sync::Arc;

/// Facts of an export that are no resources.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Effective routes, one entry for each answer.
    pub effective_routes: Vec<EffectiveRoutes>,
    /// Effective security rules, one entry for each security group of each answer.
    pub effective_rules: Vec<EffectiveRules>,
    /// Associations of a topology.
    pub associations: Vec<Association>,
    /// Recorded checks.
    pub checks: Vec<Check>,
    /// Routes that gateways have learnt.
    pub learned_routes: Vec<LearnedRoute>,
}

impl Facts {
    /// Adds all of others.
    pub fn extend(&mut self, other: Facts) {
        self.effective_routes.extend(other.effective_routes);
        self.effective_rules.extend(other.effective_rules);
        self.associations.extend(other.associations);
        self.checks.extend(other.checks);
        self.learned_routes.extend(other.learned_routes);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        let Self { effective_routes, effective_rules, associations, checks, learned_routes } = self;
        let empty = [effective_routes.is_empty(), effective_rules.is_empty(), associations.is_empty()];
        empty.iter().all(|e| *e) && checks.is_empty() && learned_routes.is_empty()
    }
}

/// The effective routes of an interface. The answer does not name the interface.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveRoutes {
    /// Where the answer stands.
    pub at: At,
    /// The routes in the order given.
    pub routes: Vec<EffectiveRoute>,
}

/// One effective route.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveRoute {
    /// Where it is written.
    pub at: At,
    /// The name of a user-defined route.
    pub name: Option<Arc<str>>,
    /// `Default`, `User`, `VirtualNetworkGateway` ...
    pub source: Arc<str>,
    /// Whether it is in use; an invalid route lost to another.
    pub active: bool,
    /// Whether the subnet's route table keeps gateway routes out, as the answer repeats for each route.
    pub disable_bgp_route_propagation: Option<bool>,
    /// Its prefixes.
    pub prefixes: Vec<IpNet>,
    /// Service tags it was written with.
    pub service_tags: Vec<Arc<str>>,
    /// What happens to matching traffic.
    pub next_hop: EffectiveNextHop,
    /// The appliances or gateways.
    pub next_hop_ips: Vec<IpAddr>,
}

/// Next hop of an effective route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectiveNextHop {
    /// Within the virtual network.
    VirtualNetwork,
    /// A peered network of the same region.
    Peering,
    /// A peered network of another region.
    GlobalPeering,
    /// A gateway.
    Gateway,
    /// The internet.
    Internet,
    /// An appliance.
    Appliance,
    /// A service endpoint.
    ServiceEndpoint,
    /// A private endpoint.
    InterfaceEndpoint,
    /// Dropped.
    None,
    /// A word that is not known here.
    Other(Arc<str>),
}

impl EffectiveNextHop {
    /// The next hop of a word of Azure's answers.
    pub fn parse(word: &str) -> EffectiveNextHop {
        const WORDS: &[(&str, EffectiveNextHop)] = &[
            ("VnetLocal", EffectiveNextHop::VirtualNetwork),
            ("VirtualNetwork", EffectiveNextHop::VirtualNetwork),
            ("VNetPeering", EffectiveNextHop::Peering),
            ("VirtualNetworkPeering", EffectiveNextHop::Peering),
            ("VNetGlobalPeering", EffectiveNextHop::GlobalPeering),
            ("GlobalVNetPeering", EffectiveNextHop::GlobalPeering),
            ("VirtualNetworkGateway", EffectiveNextHop::Gateway),
            ("Internet", EffectiveNextHop::Internet),
            ("VirtualAppliance", EffectiveNextHop::Appliance),
            ("VirtualNetworkServiceEndpoint", EffectiveNextHop::ServiceEndpoint),
            ("InterfaceEndpoint", EffectiveNextHop::InterfaceEndpoint),
            ("None", EffectiveNextHop::None),
        ];
        let known = WORDS.iter().find(|(w, _)| w.eq_ignore_ascii_case(word));
        known.map_or_else(|| EffectiveNextHop::Other(word.into()), |(_, hop)| hop.clone())
    }
}

/// The effective rules that come from one security group.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveRules {
    /// Where they are written.
    pub at: At,
    /// The security group.
    pub group: Option<ResourceId>,
    /// The interface it is associated with.
    pub interface: Option<ResourceId>,
    /// The subnet it is associated with.
    pub subnet: Option<ResourceId>,
    /// The network manager, for security admin rules.
    pub manager: Option<ResourceId>,
    /// The rules.
    pub rules: Vec<EffectiveRule>,
    /// What tags meant at that interface, as prefixes.
    pub tags: Vec<(Arc<str>, AddressSet)>,
}

/// One effective rule.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveRule {
    /// Where it is written.
    pub at: At,
    /// As it is written.
    pub node: Node,
    /// Its name as answered: `securityRules/x`, `defaultSecurityRules/y`.
    pub name: Arc<str>,
    /// Lower first.
    pub priority: i64,
    /// Inbound or outbound.
    pub direction: Direction,
    /// Allow or deny.
    pub access: Access,
    /// Protocols.
    pub protocol: ProtocolMatch,
    /// Source ports.
    pub source_ports: PortSet,
    /// Destination ports.
    pub destination_ports: PortSet,
    /// Sources as written in the rule.
    pub source: Vec<AddressWord>,
    /// Destinations as written in the rule.
    pub destination: Vec<AddressWord>,
    /// Sources with tags expanded, where the answer holds them.
    pub expanded_source: Option<AddressSet>,
    /// Destinations with tags expanded, where the answer holds them.
    pub expanded_destination: Option<AddressSet>,
}

/// Two resources that a topology shows together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Where it is written.
    pub at: At,
    /// The resource that has the association.
    pub from: ResourceId,
    /// The other one.
    pub to: ResourceId,
    /// `Contains` or `Associated`.
    pub kind: Arc<str>,
}

/// Whether an object is Network Watcher's topology.
pub(super) fn is_topology(node: &Node) -> bool {
    let Some(resources) = node.get("resources").and_then(Node::as_array) else { return false };
    let first = resources.first();
    first.is_some_and(|r| r.get("associations").is_some())
        || (first.is_none() && node.get("createdDateTime").is_some())
}

/// Why a topology does not tell the properties of its resources.
const ONLY_NAMED: &str = "Network Watcher's topology names this resource and tells nothing of its properties";

/// The resources a topology names, without properties, and how they hang together.
pub(super) fn topology(node: &Node, notes: &mut Diagnostics) -> (Vec<RawResource>, Vec<Association>) {
    let (mut resources, mut associations) = (Vec::new(), Vec::new());
    for item in node.get("resources").and_then(Node::as_array).unwrap_or_default() {
        let Some(mut raw) = shape::resource(item, notes) else { continue };
        for other in item.get("associations").and_then(Node::as_array).unwrap_or_default() {
            let Some(to) = other.get("resourceId").and_then(Node::as_str) else { continue };
            let kind = other.get("associationType").and_then(Node::as_str).unwrap_or_default().into();
            let to = ResourceId::new(to);
            associations.push(Association { at: other.at, from: raw.id.clone(), to, kind });
        }
        raw.origin = Origin::Mentioned;
        raw.body = named_only(item);
        resources.push(raw);
    }
    (resources, associations)
}

fn named_only(item: &Node) -> Node {
    let head = item.as_object().into_iter().flat_map(|o| o.iter());
    let keep = ["id", "name", "location"];
    let mut body: crate::doc::Object =
        head.filter(|e| keep.iter().any(|k| k.eq_ignore_ascii_case(&e.key))).cloned().collect();
    body.set("properties", item.at, Node::unknown(item.at, ONLY_NAMED));
    Node::object(item.at, body)
}

/// Whether an object is one effective route.
pub(super) fn is_route(node: &Node) -> bool {
    node.get("nextHopType").is_some() && node.get("source").is_some() && node.get("state").is_some()
}

/// The routes of one answer, bare or in `value`.
pub(super) fn routes(node: &Node, notes: &mut Diagnostics) -> EffectiveRoutes {
    let routes = route_items(node).iter().filter_map(|item| route(item, notes)).collect();
    EffectiveRoutes { at: node.at, routes }
}

/// Whether a list holds effective routes and not pages of them.
pub(super) fn is_route_list(node: &Node) -> bool {
    route_items(node).iter().all(is_route)
}

fn route_items(node: &Node) -> &[Node] {
    let items = node.as_array().or_else(|| node.get("value").and_then(Node::as_array));
    items.unwrap_or(std::slice::from_ref(node))
}

fn route(node: &Node, notes: &mut Diagnostics) -> Option<EffectiveRoute> {
    let mut read = Read { node, notes, failed: false };
    let next_hop = EffectiveNextHop::parse(&read.word("nextHopType"));
    if let EffectiveNextHop::Other(word) = &next_hop {
        let message = format!("`{word}` is not a next hop that is known here");
        read.notes.push(Diagnostic::new(Code::BadValue, node.at, message));
    }
    let tag_texts = read.texts(&["destinationServiceTags"]);
    let route = EffectiveRoute {
        at: node.at,
        name: node.get("name").and_then(Node::as_str).filter(|n| !n.is_empty()).map(Into::into),
        source: read.word("source"),
        active: read.word("state").eq_ignore_ascii_case("Active"),
        disable_bgp_route_propagation: node.get("disableBgpRoutePropagation").and_then(Node::as_bool),
        prefixes: read.all(&["addressPrefix", "addressPrefixes"], "an address prefix", parse_prefix),
        service_tags: tag_texts,
        next_hop,
        next_hop_ips: read.all(&["nextHopIpAddress"], "an IP address", |t| t.trim().parse().ok()),
    };
    read.done(route, "an effective route")
}

/// Whether an object holds effective rules: an item of the interface's list, or Network Watcher's view.
pub(super) fn is_rules(node: &Node) -> bool {
    node.get("effectiveSecurityRules").is_some()
        || interfaces(node).first().is_some_and(|i| i.get("securityRuleAssociations").is_some())
}

fn interfaces(node: &Node) -> &[Node] {
    node.get("networkInterfaces").and_then(Node::as_array).unwrap_or_default()
}

/// The rules of an item, or of every interface of a view.
pub(super) fn rules(node: &Node, facts: &mut Facts, notes: &mut Diagnostics) {
    if node.get("effectiveSecurityRules").is_some() {
        facts.effective_rules.push(rules_of(node, notes));
    }
    for interface in interfaces(node) {
        let Some(view) = interface.get("securityRuleAssociations") else { continue };
        let mut rules = rules_of(view, notes);
        rules.interface = id(Some(interface));
        rules.subnet = id(view.get("subnetAssociation"));
        facts.effective_rules.push(rules);
    }
}

fn rules_of(node: &Node, notes: &mut Diagnostics) -> EffectiveRules {
    let items = node.get("effectiveSecurityRules").and_then(Node::as_array).unwrap_or_default();
    EffectiveRules {
        at: node.at,
        group: id(node.get("networkSecurityGroup")),
        interface: id(node.path("association.networkInterface")),
        subnet: id(node.path("association.subnet")),
        manager: id(node.path("association.networkManager")),
        rules: items.iter().filter_map(|item| rule(item, notes)).collect(),
        tags: tags(node.get("tagMap")),
    }
}

fn id(node: Option<&Node>) -> Option<ResourceId> {
    let text = node?.get("id").and_then(Node::as_str)?;
    ResourceId::looks_like_one(text).then(|| ResourceId::new(text))
}

/// `{ tag: [prefix] }`, or the same as text, or as a list of keys and values. A tag with a prefix that cannot
/// be read is left out.
fn tags(node: Option<&Node>) -> Vec<(Arc<str>, AddressSet)> {
    let entries = node.and_then(Node::as_object).into_iter().flat_map(|o| o.iter());
    let pairs = entries.map(|e| (e.key.clone(), &e.value));
    let items = node.and_then(Node::as_array).unwrap_or_default().iter();
    let listed = items.filter_map(|i| Some((i.get("key")?.as_str()?.into(), i.get("value")?)));
    pairs.chain(listed).filter_map(|(tag, list)| Some((tag, set(list.as_array()?)?))).collect()
}

fn set(items: &[Node]) -> Option<AddressSet> {
    let prefixes: Option<Vec<IpNet>> = items.iter().map(|i| i.as_str().and_then(parse_prefix)).collect();
    prefixes.map(|p| AddressSet::from_prefixes(&p))
}

fn rule(node: &Node, notes: &mut Diagnostics) -> Option<EffectiveRule> {
    let expanded = |key: &str| node.get(key).and_then(Node::as_array).filter(|i| !i.is_empty()).and_then(set);
    let mut read = Read { node, notes, failed: false };
    let address = |read: &mut Read<'_>, keys: &[&str]| {
        let mut words = read.all(keys, "an address, prefix or service tag", AddressWord::parse);
        words.dedup_by(|a, b| a == b);
        words
    };
    let rule = EffectiveRule {
        at: node.at,
        node: node.clone(),
        name: read.word("name"),
        priority: read.number("priority"),
        direction: read.one("direction", Direction::parse).unwrap_or(Direction::Inbound),
        access: read.one("access", Access::parse).unwrap_or(Access::Deny),
        protocol: read.one("protocol", protocol).unwrap_or(ProtocolMatch::NONE),
        source_ports: read.ports(&["sourcePortRange", "sourcePortRanges"]),
        destination_ports: read.ports(&["destinationPortRange", "destinationPortRanges"]),
        source: address(&mut read, &["sourceAddressPrefix", "sourceAddressPrefixes"]),
        destination: address(&mut read, &["destinationAddressPrefix", "destinationAddressPrefixes"]),
        expanded_source: expanded("expandedSourceAddressPrefix"),
        expanded_destination: expanded("expandedDestinationAddressPrefix"),
    };
    read.done(rule, "an effective rule")
}

/// Effective rules say `All` where a rule says `*`.
fn protocol(word: &str) -> Option<ProtocolMatch> {
    if word.eq_ignore_ascii_case("all") { Some(ProtocolMatch::ANY) } else { ProtocolMatch::parse(word) }
}

/// Reads the members of one fact. A fact with a member that cannot be read is left out whole: half a
/// rule would be another rule.
struct Read<'a> {
    node: &'a Node,
    notes: &'a mut Diagnostics,
    failed: bool,
}

impl Read<'_> {
    fn done<T>(self, value: T, what: &str) -> Option<T> {
        if self.failed {
            let message = format!("{what} was left out, because a part of it cannot be read");
            self.notes.push(Diagnostic::new(Code::NotUnderstood, self.node.at, message));
        }
        (!self.failed).then_some(value)
    }

    fn fail(&mut self, at: At, message: String) {
        self.notes.push(Diagnostic::new(Code::BadValue, at, message));
        self.failed = true;
    }

    fn word(&mut self, key: &str) -> Arc<str> {
        if let Some(text) = self.node.get(key).and_then(Node::as_str) {
            return text.into();
        }
        self.fail(self.node.at, format!("no `{key}` is given"));
        Arc::default()
    }

    fn number(&mut self, key: &str) -> i64 {
        match self.node.get(key).map(|n| &n.value) {
            Some(Value::Number(Number::Int(i))) => *i,
            _ => {
                self.fail(self.node.at, format!("no whole number `{key}` is given"));
                0
            }
        }
    }

    fn one<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let word = self.word(key);
        let value = parse(&word);
        if value.is_none() && !self.failed {
            self.fail(self.node.at, format!("`{word}` is not known as `{key}`"));
        }
        value
    }

    /// The texts at some keys, each a text or a list of texts.
    fn texts(&mut self, keys: &[&str]) -> Vec<Arc<str>> {
        let node = self.node;
        let found = keys.iter().filter_map(|k| node.get(k)).filter(|n| !n.is_null());
        let items = found.flat_map(|n| n.as_array().unwrap_or(std::slice::from_ref(n)));
        let mut out = Vec::new();
        for item in items {
            match item.as_str() {
                Some("") => {}
                Some(text) => out.push(text.into()),
                None => self.fail(item.at, format!("{} where a text belongs", item.value.kind())),
            }
        }
        out
    }

    fn all<T>(&mut self, keys: &[&str], what: &str, parse: impl Fn(&str) -> Option<T>) -> Vec<T> {
        let mut out = Vec::new();
        for text in self.texts(keys) {
            match parse(&text) {
                Some(value) => out.push(value),
                None => self.fail(self.node.at, format!("`{text}` is not {what}")),
            }
        }
        out
    }

    fn ports(&mut self, keys: &[&str]) -> PortSet {
        PortSet::new(self.all(keys, "a port or range of ports", PortRange::parse))
    }
}
