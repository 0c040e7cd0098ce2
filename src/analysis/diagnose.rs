//! NSG diagnostics: which rules were looked at, which part of each matched, which decided (NW-2).
//!
//! Traffic may be a whole range here. A rule matches it when it matches all of it; a rule that matches only
//! a part is passed over and named in `x-partly`.

use super::flow_verify::applied_to;
use super::subject::{self, AskError, Subject};
use super::words;
use crate::inventory::{AddressMeaning, AddressWord, Asg, Direction, Id, ResourceId, Unknown};
use crate::net::{AddressSet, Header, IpAddr, Protocol, host_prefix};
use crate::network::{AddressMatch, CompiledRule, HOST_ADDRESS, Network, Place, RuleSet, Tri, Verdict};
use crate::trace::{INTERNET_CLIENT, INTERNET_HOST, Layer, LayerKind, Layers, Spot};
use serde::Serialize;
use std::fmt;

/// The traffic to judge.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Whether it comes in or goes out.
    #[serde(serialize_with = "shown")]
    pub direction: Direction,
    /// The protocol; `*` where absent.
    #[serde(serialize_with = "shown_or_any")]
    pub protocol: Option<Protocol>,
    /// Where it comes from.
    #[serde(serialize_with = "shown")]
    pub source: TrafficEnd,
    /// Where it goes.
    #[serde(serialize_with = "shown")]
    pub destination: TrafficEnd,
    /// The port; `*` where absent.
    #[serde(serialize_with = "shown_or_any")]
    pub destination_port: Option<u16>,
}

/// One end of the traffic: `*`, an address, a prefix or a service tag.
#[derive(Clone, Debug, PartialEq)]
pub struct TrafficEnd(AddressWord);

impl TrafficEnd {
    /// Reads an end; `None` where it is none of these.
    pub fn parse(text: &str) -> Option<TrafficEnd> {
        AddressWord::parse(text).map(TrafficEnd)
    }

    /// The address, where it is exactly one.
    fn single(&self) -> Option<IpAddr> {
        let AddressMeaning::Addresses(set) = &self.0.means else { return None };
        let ip = set.first()?;
        (*set == AddressSet::from_prefix(&host_prefix(ip))).then_some(ip)
    }

    /// The addresses at a place; `None` is every address.
    fn addresses(&self, network: &Network, place: &Place<'_>) -> Result<Option<AddressSet>, Unknown> {
        let name = match &self.0.means {
            AddressMeaning::Any => return Ok(None),
            AddressMeaning::Addresses(set) => return Ok(Some(set.clone())),
            AddressMeaning::Tag(name) => name,
        };
        match (name.to_ascii_lowercase().as_str(), network.tags.find(name)) {
            ("virtualnetwork", _) => match place.virtual_network_doubts.first() {
                None => Ok(Some(place.virtual_network.clone())),
                Some(doubt) => Err(doubt.why.clone()),
            },
            ("internet", _) => Ok(Some(place.internet.clone())),
            ("azureloadbalancer", _) => Ok(Some(AddressSet::from_prefix(&host_prefix(HOST_ADDRESS)))),
            (_, Some(tag)) => Ok(Some(network.tags.set(tag).clone())),
            (_, None) => {
                let why = format!("the prefixes of the service tag `{name}` are not in the table in use");
                Err(Unknown::new(crate::diag::At::NOWHERE, why))
            }
        }
    }
}

impl fmt::Display for TrafficEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

fn shown<T: fmt::Display, S: serde::Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

fn shown_or_any<T: fmt::Display, S: serde::Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => to.collect_str(value),
        None => to.serialize_str("*"),
    }
}

/// The answer, one result for each profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The results.
    pub results: Vec<ProfileResult>,
}

/// Rules of one end of a connection, as connection troubleshoot shows them.
pub type SecurityRuleAnalysis = Diagnosis;

/// The result for one profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileResult {
    /// The traffic.
    pub profile: Profile,
    /// What the rules say.
    pub network_security_group_result: GroupResult,
}

/// What the rules of all groups say together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupResult {
    /// `Allow` or `Deny`; absent where the files do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_rule_access_result: Option<&'static str>,
    /// The groups, in the order they are asked.
    pub evaluated_network_security_groups: Vec<EvaluatedGroup>,
    /// How the answer came about.
    #[serde(rename = "x-note", skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
    /// What the files would have to say.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// What the rules of one group say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvaluatedGroup {
    /// The group; the network manager for security admin rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_security_group_id: Option<String>,
    /// The interface, subnet or virtual network it stands at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_to: Option<String>,
    /// The rule that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_rule: Option<MatchedRule>,
    /// Every rule looked at, the one that decides last.
    pub rules_evaluation_result: Vec<RuleEvaluation>,
    /// Rules that match a part of the traffic.
    #[serde(rename = "x-partly", skip_serializing_if = "Vec::is_empty")]
    pub partly: Vec<String>,
    /// A group before this one denies, so that no packet comes here.
    #[serde(rename = "x-notReached", skip_serializing_if = "std::ops::Not::not")]
    pub not_reached: bool,
    /// What the files would have to say.
    #[serde(rename = "x-unknown", skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// The rule that decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MatchedRule {
    /// `UserRule_NAME`, `DefaultRule_NAME`, or the name of a security admin rule.
    pub rule_name: String,
    /// `Allow` or `Deny`; absent where the files do not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'static str>,
}

/// Which parts of a rule matched; a part that cannot be known is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleEvaluation {
    /// The rule.
    pub name: String,
    /// Its protocol.
    pub protocol_matched: bool,
    /// Its sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_matched: Option<bool>,
    /// Its source ports.
    pub source_port_matched: bool,
    /// Its destinations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_matched: Option<bool>,
    /// Its destination ports.
    pub destination_port_matched: bool,
}

const NO_GROUP: &str = "no network security group applies, so nothing is denied (NSG-5)";

/// Judges traffic of a machine's interface.
pub fn nsg_diagnostics(
    network: &Network,
    subject: &Subject,
    profiles: &[Profile],
) -> Result<Diagnosis, AskError> {
    let judge = |profile: &Profile| {
        let inbound = profile.direction == Direction::Inbound;
        let local = if inbound { &profile.destination } else { &profile.source };
        // A range or a name on this side says less than the interface does.
        let ip = local.single().filter(|_| subject.spots.len() > 1);
        let spot = subject.at(network, ip)?;
        let network_security_group_result = judged(network, spot, profile);
        Ok(ProfileResult { profile: profile.clone(), network_security_group_result })
    };
    Ok(Diagnosis { results: profiles.iter().map(judge).collect::<Result<_, AskError>>()? })
}

/// The profile of one packet.
pub(super) fn profile_of(header: &Header, inbound: bool) -> Option<Profile> {
    Some(Profile {
        direction: if inbound { Direction::Inbound } else { Direction::Outbound },
        protocol: Some(header.protocol),
        source: TrafficEnd::parse(&header.source.to_string())?,
        destination: TrafficEnd::parse(&header.destination.to_string())?,
        destination_port: header.protocol.has_ports().then_some(header.port),
    })
}

/// Judges traffic at a place.
pub(super) fn judged(network: &Network, spot: Spot, profile: &Profile) -> GroupResult {
    let inbound = profile.direction == Direction::Inbound;
    let own = subject::address(network, spot);
    let header = sample(profile, own, inbound);
    let layers = Layers::of(network, spot, &header, inbound);
    let place = layers.place(network);
    let traffic = match Traffic::of(network, profile, &place) {
        Ok(traffic) => traffic,
        Err(why) => return GroupResult { unknown: vec![why.why.to_string()], ..GroupResult::default() },
    };
    let mut out = GroupResult::default();
    let mut answer = Answer::default();
    for layer in &layers.layers {
        let mut group = named(network, spot, layer);
        group.not_reached = answer.settled.is_some();
        let verdict = match layer.rules {
            Ok(set) => evaluate(&mut group, set, layer, &traffic, &place),
            Err(why) => {
                group.unknown.push(why.why.to_string());
                None
            }
        };
        answer.hear(layer.kind, verdict, &group.unknown);
        // An always-allow ends it: no group is asked (SAR-2).
        let skips = answer.settled == Some("Allow");
        out.evaluated_network_security_groups.push(group);
        if skips {
            break;
        }
    }
    out.note = layers.layers.is_empty().then_some(NO_GROUP);
    out.security_rule_access_result = answer.settled.or(Some("Allow").filter(|_| answer.unknown.is_empty()));
    if out.security_rule_access_result.is_none() {
        out.unknown = answer.unknown;
    }
    out
}

/// What the layers asked so far come to.
#[derive(Default)]
struct Answer {
    settled: Option<&'static str>,
    unknown: Vec<String>,
    may_skip: bool,
}

impl Answer {
    fn hear(&mut self, kind: LayerKind, verdict: Option<Verdict>, unknown: &[String]) {
        if self.settled.is_some() {
            return;
        }
        match verdict {
            Some(Verdict::Deny) if !self.may_skip => self.settled = Some("Deny"),
            Some(Verdict::AlwaysAllow) if self.unknown.is_empty() => self.settled = Some("Allow"),
            Some(_) => {}
            None if unknown.is_empty() => {}
            None => {
                self.may_skip |= kind == LayerKind::Admin;
                self.unknown.extend_from_slice(unknown);
            }
        }
    }
}

/// One packet of the traffic, to find the rules that act.
fn sample(profile: &Profile, own: Option<IpAddr>, inbound: bool) -> Header {
    let own = own.unwrap_or(INTERNET_CLIENT);
    let (source, destination) = if inbound { (INTERNET_CLIENT, own) } else { (own, INTERNET_HOST) };
    Header {
        source: profile.source.single().unwrap_or(source),
        destination: profile.destination.single().unwrap_or(destination),
        protocol: profile.protocol.unwrap_or(Protocol::Tcp),
        source_port: 0,
        port: profile.destination_port.unwrap_or(0),
    }
}

/// The traffic with its names resolved.
struct Traffic {
    protocol: Option<Protocol>,
    port: Option<u16>,
    source: Option<AddressSet>,
    destination: Option<AddressSet>,
}

impl Traffic {
    /// `*` is every address, on the interface's own side too: a rule for `VirtualNetwork` does not match it there. No
    /// page says so; Azure's recorded answers do (`destinationMatched` is false).
    fn of(network: &Network, profile: &Profile, place: &Place<'_>) -> Result<Traffic, Unknown> {
        Ok(Traffic {
            protocol: profile.protocol,
            port: profile.destination_port,
            source: profile.source.addresses(network, place)?,
            destination: profile.destination.addresses(network, place)?,
        })
    }
}

fn named(network: &Network, spot: Spot, layer: &Layer<'_>) -> EvaluatedGroup {
    let text = |id: &ResourceId| id.as_str().to_owned();
    let group = layer.nsg.map(|nsg| text(&network.inventory.nsgs[nsg].id));
    let manager = || layer.owners.first().and_then(words::manager_of).map(|id| text(&id));
    EvaluatedGroup {
        network_security_group_id: group.or_else(manager),
        applied_to: applied_to(network, spot, layer.kind).map(text),
        ..EvaluatedGroup::default()
    }
}

/// Looks at the rules until one matches all of the traffic.
fn evaluate(
    group: &mut EvaluatedGroup,
    set: &RuleSet,
    layer: &Layer<'_>,
    traffic: &Traffic,
    place: &Place<'_>,
) -> Option<Verdict> {
    if let Some(why) = &set.unknown {
        group.unknown.push(why.why.to_string());
        return None;
    }
    let mut doubts: Vec<(Option<Verdict>, String)> = Vec::new();
    for (number, rule) in set.rules.iter().enumerate().filter(|(_, r)| !layer.skips(r)) {
        let parts = Parts::of(rule, traffic, place);
        let name = if layer.kind == LayerKind::Admin {
            // Network managers may differ from rule to rule; the one that matches is the one to show.
            if parts.all() == Some(true) {
                let manager = layer.owners.get(number).and_then(words::manager_of);
                group.network_security_group_id = manager.map(|id| id.as_str().to_owned());
            }
            rule.name.to_string()
        } else {
            words::rule_word(rule)
        };
        group.rules_evaluation_result.push(parts.view(name.clone()));
        match (parts.all(), &rule.unknown) {
            (Some(true), None) => {
                group.matched_rule =
                    Some(MatchedRule { rule_name: name, action: rule.verdict.map(words::access) });
                return settle(group, rule.verdict, doubts);
            }
            (Some(true), Some(why)) => doubts.push((rule.verdict, why.why.to_string())),
            (None, _) => doubts.push((rule.verdict, parts.doubt())),
            (Some(false), _) if parts.meets() => group.partly.push(name),
            (Some(false), _) => {}
        }
    }
    settle(group, None, doubts)
}

/// A doubtful rule before the one that decides matters only if it would have said something else.
fn settle(
    group: &mut EvaluatedGroup,
    decided: Option<Verdict>,
    doubts: Vec<(Option<Verdict>, String)>,
) -> Option<Verdict> {
    let other = doubts.into_iter().find(|(verdict, _)| decided.is_none() || *verdict != decided);
    match other {
        Some((_, why)) => {
            group.unknown.push(why);
            group.matched_rule = None;
            None
        }
        None => decided,
    }
}

/// How a part of a rule stands to the traffic.
enum Part {
    /// It matches all of it.
    All,
    /// It matches some of it.
    Some,
    /// It matches none of it.
    None,
    /// It cannot be known.
    Unknown(Unknown),
}

impl Part {
    fn matched(&self) -> Option<bool> {
        match self {
            Part::All => Some(true),
            Part::Some | Part::None => Some(false),
            Part::Unknown(_) => None,
        }
    }
}

/// All parts of a rule.
struct Parts {
    protocol: Part,
    source: Part,
    source_port: Part,
    destination: Part,
    destination_port: Part,
}

impl Parts {
    fn of(rule: &CompiledRule, traffic: &Traffic, place: &Place<'_>) -> Parts {
        let ports = |set: &crate::net::PortSet, port: Option<u16>| match port {
            _ if set.is_all() => Part::All,
            Some(_) if traffic.protocol.is_some_and(|p| !p.has_ports()) => Part::None,
            Some(port) if set.contains(port) => Part::All,
            Some(_) => Part::None,
            None if traffic.protocol.is_some_and(|p| !p.has_ports()) => Part::None,
            None => Part::Some,
        };
        let protocol = match traffic.protocol {
            Some(protocol) if rule.protocol.contains(protocol) => Part::All,
            Some(_) => Part::None,
            None if rule.protocol == crate::net::ProtocolMatch::ANY => Part::All,
            None => Part::Some,
        };
        Parts {
            protocol,
            source: address(&rule.source, traffic.source.as_ref(), place.source_asgs, place),
            source_port: ports(&rule.source_ports, None),
            destination: address(
                &rule.destination,
                traffic.destination.as_ref(),
                place.destination_asgs,
                place,
            ),
            destination_port: ports(&rule.destination_ports, traffic.port),
        }
    }

    fn each(&self) -> [&Part; 5] {
        [&self.protocol, &self.source, &self.source_port, &self.destination, &self.destination_port]
    }

    /// Whether the rule matches all of the traffic.
    fn all(&self) -> Option<bool> {
        if self.each().iter().any(|p| p.matched() == Some(false)) {
            return Some(false);
        }
        self.each().iter().all(|p| p.matched() == Some(true)).then_some(true)
    }

    /// Whether it matches some of it.
    fn meets(&self) -> bool {
        !self.each().iter().any(|p| matches!(p, Part::None))
    }

    fn doubt(&self) -> String {
        let why = self.each().into_iter().find_map(|p| match p {
            Part::Unknown(why) => Some(why.why.to_string()),
            _ => None,
        });
        why.unwrap_or_default()
    }

    fn view(&self, name: String) -> RuleEvaluation {
        let sure = |part: &Part| part.matched().unwrap_or(false);
        RuleEvaluation {
            name,
            protocol_matched: sure(&self.protocol),
            source_matched: self.source.matched(),
            source_port_matched: sure(&self.source_port),
            destination_matched: self.destination.matched(),
            destination_port_matched: sure(&self.destination_port),
        }
    }
}

/// How one side of a rule stands to addresses; `None` is every address.
fn address(side: &AddressMatch, wanted: Option<&AddressSet>, asgs: &[Id<Asg>], place: &Place<'_>) -> Part {
    if side.any {
        return Part::All;
    }
    let Some(wanted) = wanted else {
        // Not even a list of everything is every address; what is written matches a part.
        return Part::Some;
    };
    let single = wanted.first().filter(|ip| *wanted == AddressSet::from_prefix(&host_prefix(*ip)));
    if let Some(ip) = single {
        return match side.matches(ip, asgs, place) {
            Tri::Yes => Part::All,
            Tri::No => Part::None,
            Tri::Unknown(why) => Part::Unknown(why),
        };
    }
    let mut held = side.set.clone();
    let host = AddressSet::from_prefix(&host_prefix(HOST_ADDRESS));
    let special = [
        (side.virtual_network, place.virtual_network),
        (side.internet, place.internet),
        (side.load_balancer, &host),
    ];
    special.iter().filter(|(there, _)| *there).for_each(|(_, set)| held.extend(set));
    side.tags.iter().for_each(|tag| held.extend(place.tags.set(*tag)));
    if held.covers(wanted) {
        return Part::All;
    }
    let doubts = place.virtual_network_doubts.iter().filter(|d| d.may_hold.meets(wanted));
    let unknown = doubts.map(|d| &d.why).find(|_| side.virtual_network).or(side.unknown.as_ref());
    match unknown {
        Some(why) => Part::Unknown(why.clone()),
        None if held.meets(wanted) || !side.asgs.is_empty() => Part::Some,
        None => Part::None,
    }
}
