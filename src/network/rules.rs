//! Compiled rule sets of network security groups and security admin rules: first match, three-valued.
//!
//! A rule that may or may not match (an unknown tag, an expression that cannot be evaluated) does not end
//! the search: what follows decides whether it matters. Only where it could have changed the answer is
//! the answer unknown.

use super::doubt::Doubt;
use super::tri::Tri;
use crate::diag::At;
use crate::inventory::{Asg, Id, Unknown};
use crate::net::{AddressSet, Header, IpAddr, PortSet, Protocol, ProtocolMatch};
use crate::rules::{self as azure, RuleId};
use crate::tags::{ServiceTags, TagId};
use std::sync::Arc;

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// The flow goes on.
    Allow,
    /// A security admin rule lets it through and skips network security groups (SAR-2).
    AlwaysAllow,
    /// The flow is dropped.
    Deny,
}

/// One side of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddressMatch {
    /// Matches everything.
    pub any: bool,
    /// Addresses and prefixes written out.
    pub set: AddressSet,
    /// The tag `VirtualNetwork`, whose meaning depends on the subnet (TAG-1, TAG-2).
    pub virtual_network: bool,
    /// The tag `Internet` (TAG-5).
    pub internet: bool,
    /// The tag `AzureLoadBalancer`: 168.63.129.16 (TAG-4).
    pub load_balancer: bool,
    /// A platform tag: `AzurePlatformDNS`, `AzurePlatformIMDS`, `AzurePlatformLKM`.
    pub platform: Option<Platform>,
    /// Service tags with known prefixes.
    pub tags: Vec<TagId>,
    /// Application security groups.
    pub asgs: Vec<Id<Asg>>,
    /// Why it may hold more than is written here.
    pub unknown: Option<Unknown>,
}

/// A service of the host itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// DNS at 168.63.129.16.
    Dns,
    /// Instance metadata at 169.254.169.254.
    Metadata,
    /// Licensing.
    Licensing,
}

/// What a match needs to know about the place where the rule is asked.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Prefixes of the known service tags.
    pub tags: &'a ServiceTags,
    /// The `VirtualNetwork` tag there.
    pub virtual_network: &'a AddressSet,
    /// The `Internet` tag there.
    pub internet: &'a AddressSet,
    /// Why the `VirtualNetwork` tag may hold more.
    pub virtual_network_doubts: &'a [Doubt],
    /// Groups the sender is in.
    pub source_asgs: &'a [Id<Asg>],
    /// Groups the receiver is in.
    pub destination_asgs: &'a [Id<Asg>],
}

/// The host's virtual address.
pub const HOST_ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(168, 63, 129, 16));
/// The instance metadata service.
pub const METADATA_ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 169, 254));
/// Where Windows asks for its licence: `kms.core.windows.net` and `azkms.core.windows.net`, as the page on activation
/// under forced tunnelling lists them.
pub const LICENSING_ADDRESSES: [IpAddr; 3] = [
    IpAddr::V4(std::net::Ipv4Addr::new(23, 102, 135, 246)),
    IpAddr::V4(std::net::Ipv4Addr::new(20, 118, 99, 224)),
    IpAddr::V4(std::net::Ipv4Addr::new(40, 83, 235, 53)),
];
/// The port it asks at.
pub const LICENSING_PORT: u16 = 1688;

/// The source port of a header that conditions on source ports pass over (NSG-27); no flow has it.
pub const ANY_SOURCE_PORT: u16 = 0;

impl AddressMatch {
    /// Matches every address.
    pub fn everything() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// Whether an address matches.
    pub fn matches(&self, ip: IpAddr, asgs: &[Id<Asg>], place: &Place<'_>) -> Tri {
        if self.any
            || self.set.contains(ip)
            || (self.virtual_network && place.virtual_network.contains(ip))
            || (self.internet && place.internet.contains(ip))
            || (self.load_balancer && ip == HOST_ADDRESS)
            || self.platform.is_some_and(|p| p.holds(ip))
            || self.asgs.iter().any(|g| asgs.contains(g))
            || self.tags.iter().any(|t| place.tags.set(*t).contains(ip))
        {
            return Tri::Yes;
        }
        if let Some(unknown) = &self.unknown {
            return Tri::Unknown(unknown.clone());
        }
        match Doubt::about(place.virtual_network_doubts, ip).filter(|_| self.virtual_network) {
            Some(unknown) => Tri::Unknown(unknown.clone()),
            None => Tri::No,
        }
    }
}

impl Platform {
    /// The platform tag of a name.
    pub fn parse(name: &str) -> Option<Platform> {
        match name.to_ascii_lowercase().as_str() {
            "azureplatformdns" => Some(Self::Dns),
            "azureplatformimds" => Some(Self::Metadata),
            "azureplatformlkm" => Some(Self::Licensing),
            _ => None,
        }
    }

    fn holds(self, ip: IpAddr) -> bool {
        self.addresses().contains(&ip)
    }

    /// The addresses it has.
    pub fn addresses(self) -> &'static [IpAddr] {
        match self {
            Self::Dns => &[HOST_ADDRESS],
            Self::Metadata => &[METADATA_ADDRESS],
            Self::Licensing => &LICENSING_ADDRESSES,
        }
    }
}

/// A rule ready to be matched: where it is written, and what it says. Groups of a template say the same thing in
/// thousands of places, so what a rule says is kept once.
#[derive(Clone, Debug, PartialEq)]
pub struct CompiledRule {
    /// Where it is written.
    pub at: At,
    body: Arc<RuleBody>,
}

/// What a rule says, wherever it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleBody {
    /// Its name as evidence shows it.
    pub name: Arc<str>,
    /// Its priority.
    pub priority: i64,
    /// What it does; `None` where that is not known.
    pub verdict: Option<Verdict>,
    /// Whether it is one of the six default rules (NSG-3).
    pub default: bool,
    /// Protocols; unknown ones match `ANY` and set `unknown`.
    pub protocol: ProtocolMatch,
    /// Sources.
    pub source: AddressMatch,
    /// Source ports.
    pub source_ports: PortSet,
    /// Destinations.
    pub destination: AddressMatch,
    /// Destination ports.
    pub destination_ports: PortSet,
    /// Why the rule itself is not fully known.
    pub unknown: Option<Unknown>,
}

impl RuleBody {
    /// Whether something in it cannot be known, and names the place of the rule.
    pub(super) fn is_in_doubt(&self) -> bool {
        [&self.unknown, &self.source.unknown, &self.destination.unknown].iter().any(|u| u.is_some())
    }
}

impl std::ops::Deref for CompiledRule {
    type Target = RuleBody;
    fn deref(&self) -> &RuleBody {
        &self.body
    }
}

impl std::ops::DerefMut for CompiledRule {
    /// What this rule says becomes its own.
    fn deref_mut(&mut self) -> &mut RuleBody {
        Arc::make_mut(&mut self.body)
    }
}

/// A rule that was looked at and did not match.
#[derive(Clone, Debug, PartialEq)]
pub struct NearMiss {
    /// The rule.
    pub name: Arc<str>,
    /// Its priority.
    pub priority: i64,
    /// Whether it would have allowed.
    pub allows: bool,
    /// Whether the protocol matched; `None` where that is not known.
    pub protocol: Option<bool>,
    /// Whether the source matched.
    pub source: Option<bool>,
    /// Whether the source port matched.
    pub source_port: Option<bool>,
    /// Whether the destination matched.
    pub destination: Option<bool>,
    /// Whether the destination port matched.
    pub destination_port: Option<bool>,
    /// Where it is written.
    pub at: At,
}

/// Which parts of a rule matched.
#[derive(Clone, Debug)]
struct Parts {
    protocol: Tri,
    source: Tri,
    source_port: Tri,
    destination: Tri,
    destination_port: Tri,
}

impl Parts {
    fn all(self) -> Tri {
        self.protocol
            .and(|| self.destination_port)
            .and(|| self.source_port)
            .and(|| self.source)
            .and(|| self.destination)
    }
}

impl CompiledRule {
    /// A rule at a place.
    pub fn new(at: At, body: impl Into<Arc<RuleBody>>) -> Self {
        Self { at, body: body.into() }
    }

    /// What it says, shared with every rule that says the same.
    pub fn body(&self) -> &Arc<RuleBody> {
        &self.body
    }

    /// Whether two rules say the same, wherever they stand.
    pub fn says_the_same(&self, other: &CompiledRule) -> bool {
        Arc::ptr_eq(&self.body, &other.body) || self.body == other.body
    }

    fn parts(&self, header: &Header, place: &Place<'_>) -> Parts {
        Parts {
            protocol: Tri::of(self.protocol.contains(header.protocol)),
            source: self.source.matches(header.source, place.source_asgs, place),
            source_port: match header.source_port {
                ANY_SOURCE_PORT => Tri::Yes,
                port => ports(&self.source_ports, header.protocol, port),
            },
            destination: self.destination.matches(header.destination, place.destination_asgs, place),
            destination_port: ports(&self.destination_ports, header.protocol, header.port),
        }
    }

    fn matches(&self, header: &Header, place: &Place<'_>) -> Tri {
        let all = self.parts(header, place).all();
        match (&self.unknown, all) {
            (Some(unknown), Tri::Yes | Tri::Unknown(_)) => Tri::Unknown(unknown.clone()),
            (_, all) => all,
        }
    }

    fn near_miss(&self, header: &Header, place: &Place<'_>) -> NearMiss {
        let parts = self.parts(header, place);
        NearMiss {
            name: self.name.clone(),
            priority: self.priority,
            allows: self.verdict.is_some_and(|v| v != Verdict::Deny),
            protocol: parts.protocol.known(),
            source: parts.source.known(),
            source_port: parts.source_port.known(),
            destination: parts.destination.known(),
            destination_port: parts.destination_port.known(),
            at: self.at,
        }
    }
}

/// Ports of a rule; a rule with particular ports cannot match a protocol without ports (NSG-10).
fn ports(set: &PortSet, protocol: Protocol, port: u16) -> Tri {
    Tri::of(set.is_all() || (protocol.has_ports() && set.contains(port)))
}

/// Rules in the order they are asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    /// The rules, lowest priority number first.
    pub rules: Vec<CompiledRule>,
    /// Why there may be more rules than these.
    pub unknown: Option<Unknown>,
}

/// What a rule set says to a header.
#[derive(Clone, Debug, PartialEq)]
pub enum Ruling {
    /// This rule decides.
    Rule(usize),
    /// No rule matches.
    NoMatch,
    /// It cannot be known; the rule that makes it so, where one does.
    Unknown(Unknown, Option<usize>),
}

impl RuleSet {
    /// The first rule that matches. `skip` leaves out rules that do not apply (platform exemptions).
    pub fn decide(&self, header: &Header, place: &Place<'_>, skip: impl Fn(&CompiledRule) -> bool) -> Ruling {
        self.decide_by(header, place, skip, |a, b| a == b && a.is_some())
    }

    /// The same, where verdicts that come to the same count as one; `None` is that no rule matches.
    pub fn decide_by(
        &self,
        header: &Header,
        place: &Place<'_>,
        skip: impl Fn(&CompiledRule) -> bool,
        same: impl Fn(Option<Verdict>, Option<Verdict>) -> bool,
    ) -> Ruling {
        if let Some(unknown) = &self.unknown {
            return Ruling::Unknown(unknown.clone(), None);
        }
        let (decided, doubts) = self.matches(header, place, skip);
        self.settle(decided, doubts, same)
    }

    /// Every verdict the rules may come to; `None` is that none matches.
    pub fn possible(
        &self,
        header: &Header,
        place: &Place<'_>,
        skip: impl Fn(&CompiledRule) -> bool,
    ) -> Vec<Option<Verdict>> {
        let (decided, doubts) = self.matches(header, place, skip);
        let numbers = doubts.into_iter().map(|(n, _)| Some(n)).chain(std::iter::once(decided));
        numbers.map(|n| n.and_then(|n| self.rules[n].verdict)).collect()
    }

    /// The first rule that matches for certain, and those before it that may.
    fn matches(
        &self,
        header: &Header,
        place: &Place<'_>,
        skip: impl Fn(&CompiledRule) -> bool,
    ) -> (Option<usize>, Vec<(usize, Unknown)>) {
        let mut doubts: Vec<(usize, Unknown)> = Vec::new();
        for (number, rule) in self.rules.iter().enumerate().filter(|(_, r)| !skip(r)) {
            match rule.matches(header, place) {
                Tri::No => {}
                Tri::Unknown(unknown) => doubts.push((number, unknown)),
                Tri::Yes => return (Some(number), doubts),
            }
        }
        (None, doubts)
    }

    /// A doubtful rule before the one that decides matters only if it would have said something else.
    fn settle(
        &self,
        decided: Option<usize>,
        doubts: Vec<(usize, Unknown)>,
        same: impl Fn(Option<Verdict>, Option<Verdict>) -> bool,
    ) -> Ruling {
        let verdict = |n: usize| self.rules[n].verdict;
        let wanted = decided.and_then(verdict);
        if decided.is_some() && wanted.is_none() {
            let unknown = decided.and_then(|n| self.rules[n].unknown.clone());
            let unknown =
                unknown.unwrap_or_else(|| Unknown::new(At::NOWHERE, "the rule's access is not known"));
            return Ruling::Unknown(unknown, decided);
        }
        let other = doubts.into_iter().find(|(n, _)| verdict(*n).is_none() || !same(verdict(*n), wanted));
        match (other, decided) {
            (Some((n, unknown)), _) => Ruling::Unknown(unknown, Some(n)),
            (None, Some(n)) => Ruling::Rule(n),
            (None, None) => Ruling::NoMatch,
        }
    }

    /// What was looked at before the rule that decided, and which part of each did not match.
    pub fn near_misses(&self, header: &Header, place: &Place<'_>, decided: Option<usize>) -> Vec<NearMiss> {
        let until = decided.unwrap_or(self.rules.len());
        self.rules[..until].iter().map(|r| r.near_miss(header, place)).collect()
    }
}

fn default_rule(
    name: &str,
    priority: i64,
    verdict: Verdict,
    source: AddressMatch,
    destination: AddressMatch,
) -> CompiledRule {
    let body = RuleBody {
        name: format!("defaultSecurityRules/{name}").into(),
        priority,
        verdict: Some(verdict),
        default: true,
        protocol: ProtocolMatch::ANY,
        source,
        source_ports: PortSet::all(),
        destination,
        destination_ports: PortSet::all(),
        unknown: None,
    };
    CompiledRule::new(At::NOWHERE, body)
}

/// The three default rules of a direction (NSG-3).
pub(super) fn default_rules(inbound: bool) -> [CompiledRule; 3] {
    let any = AddressMatch::everything;
    let network = || AddressMatch { virtual_network: true, ..AddressMatch::default() };
    let probe = AddressMatch { load_balancer: true, ..AddressMatch::default() };
    let internet = AddressMatch { internet: true, ..AddressMatch::default() };
    if inbound {
        [
            default_rule("AllowVnetInBound", 65000, Verdict::Allow, network(), network()),
            default_rule("AllowAzureLoadBalancerInBound", 65001, Verdict::Allow, probe, any()),
            default_rule("DenyAllInBound", 65500, Verdict::Deny, any(), any()),
        ]
    } else {
        [
            default_rule("AllowVnetOutBound", 65000, Verdict::Allow, network(), network()),
            default_rule("AllowInternetOutBound", 65001, Verdict::Allow, any(), internet),
            default_rule("DenyAllOutBound", 65500, Verdict::Deny, any(), any()),
        ]
    }
}

/// The semantics rules behind a decision of a rule.
pub fn rules_behind(rule: &CompiledRule) -> Vec<RuleId> {
    if rule.default { vec![azure::NSG_3] } else { vec![azure::NSG_2] }
}
