//! Azure's answers beside ours: every difference is a diagnostic, none changes an answer.

use super::{subject_of, unplaced};
use crate::analysis::{self, EffectiveGroup, EffectiveRuleView, Subject};
use crate::diag::{At, Code, Diagnostic, Diagnostics, Severity, Sources};
use crate::formats::export::{EffectiveNextHop, EffectiveRoutes, EffectiveRule, EffectiveRules, Facts};
use crate::inventory::ResourceId;
use crate::net::{IpNet, PortRange, PortSet, ProtocolMatch, parse_prefix};
use crate::network::Network;
use std::collections::{BTreeMap, BTreeSet};

/// Compares every answer.
pub(super) fn all(facts: &Facts, network: &Network, sources: &Sources, notes: &mut Diagnostics) {
    for answer in &facts.effective_routes {
        match subject_of(answer, network, sources) {
            Some(subject) => routes(answer, &subject, network, notes),
            None => notes.push(unplaced(answer.at, "effective routes")),
        }
    }
    for answer in &facts.effective_rules {
        rules(answer, network, notes);
    }
}

/// What makes two routes the same: where they lead, and to which appliance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Hop {
    source: String,
    word: &'static str,
    appliances: BTreeSet<String>,
}

impl std::fmt::Display for Hop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let appliances: Vec<&str> = self.appliances.iter().map(String::as_str).collect();
        let space = if appliances.is_empty() { "" } else { " " };
        write!(f, "{}{space}{} ({})", self.word, appliances.join(", "), self.source)
    }
}

fn hop(source: &str, next: &EffectiveNextHop, ips: impl Iterator<Item = String>) -> Hop {
    let word = match next {
        EffectiveNextHop::VirtualNetwork => "VnetLocal",
        EffectiveNextHop::Peering => "VNetPeering",
        EffectiveNextHop::GlobalPeering => "VNetGlobalPeering",
        EffectiveNextHop::Gateway => "VirtualNetworkGateway",
        EffectiveNextHop::Internet => "Internet",
        EffectiveNextHop::Appliance => "VirtualAppliance",
        EffectiveNextHop::ServiceEndpoint => "VirtualNetworkServiceEndpoint",
        EffectiveNextHop::InterfaceEndpoint => "InterfaceEndpoint",
        EffectiveNextHop::None => "None",
        EffectiveNextHop::Other(_) => "a next hop that is not known here",
    };
    // The address of a gateway is Azure's own choice; only an appliance is somebody's.
    let appliances = if *next == EffectiveNextHop::Appliance { ips.collect() } else { BTreeSet::new() };
    Hop { source: source.to_owned(), word, appliances }
}

/// Service endpoints come with prefixes that change every week.
fn counts(next: &EffectiveNextHop) -> bool {
    *next != EffectiveNextHop::ServiceEndpoint
}

fn routes(answer: &EffectiveRoutes, subject: &Subject, network: &Network, notes: &mut Diagnostics) {
    let ours = match analysis::effective_routes(network, subject, None) {
        Ok(ours) => ours,
        Err(error) => {
            let message = format!("Azure's effective routes of `{}` are not compared: {error}", subject.text);
            notes.push(Diagnostic::new(Code::NotUnderstood, answer.at, message));
            return;
        }
    };
    let mut theirs: BTreeMap<IpNet, (Hop, At)> = BTreeMap::new();
    for route in answer.routes.iter().filter(|r| r.active && counts(&r.next_hop)) {
        let hop = hop(&route.source, &route.next_hop, route.next_hop_ips.iter().map(ToString::to_string));
        theirs.extend(route.prefixes.iter().map(|prefix| (*prefix, (hop.clone(), route.at))));
    }
    let mut own: BTreeMap<IpNet, Option<Hop>> = BTreeMap::new();
    for view in ours.value.iter().filter(|v| v.state == "Active") {
        let next = view.next_hop_type.map(EffectiveNextHop::parse);
        if next.as_ref().is_some_and(|n| !counts(n)) {
            continue;
        }
        let hop = next.map(|n| hop(view.source, &n, view.next_hop_ip_address.iter().cloned()));
        own.extend(view.address_prefix.iter().filter_map(|p| parse_prefix(p)).map(|p| (p, hop.clone())));
    }
    let unsure = !ours.unknown.is_empty();
    let mut differ = |at: At, message: String| {
        let note = Diagnostic::new(Code::EffectiveDiffers, at, format!("`{}`: {message}", subject.text));
        notes.push(if unsure { note.severity(Severity::Note) } else { note });
    };
    for (prefix, (hop, at)) in &theirs {
        match own.get(prefix) {
            None => differ(*at, format!("Azure routes {prefix} to {hop}, and the files give no such route")),
            Some(Some(ours)) if ours != hop => {
                differ(*at, format!("Azure routes {prefix} to {hop}, and the files to {ours}"));
            }
            Some(_) => {}
        }
    }
    for (prefix, hop) in own.iter().filter(|(prefix, _)| !theirs.contains_key(prefix)) {
        let hop = hop.as_ref().map_or_else(|| "an unknown next hop".to_owned(), ToString::to_string);
        differ(answer.at, format!("the files route {prefix} to {hop}, and Azure's answer has no such route"));
    }
}

fn rules(answer: &EffectiveRules, network: &Network, notes: &mut Diagnostics) {
    let Some(group) = &answer.group else { return };
    let Some(place) = answer.interface.as_ref().or(answer.subnet.as_ref()) else { return };
    let subject = match Subject::find(network, place.as_str()) {
        Ok(subject) => subject,
        Err(error) => {
            let message = format!("Azure's effective rules of `{}` are not compared: {error}", group.name());
            notes.push(Diagnostic::new(Code::NotUnderstood, answer.at, message));
            return;
        }
    };
    let Ok(ours) = analysis::effective_rules(network, &subject, None) else { return };
    let is_it = |g: &&EffectiveGroup| {
        g.network_security_group.as_ref().is_some_and(|id| ResourceId::new(&id.id) == *group)
    };
    let Some(own) = ours.value.iter().find(is_it) else {
        let message = format!(
            "Azure applies `{}` at `{}`, and the files attach no such group there",
            group.name(),
            place.full_name()
        );
        notes.push(Diagnostic::new(Code::EffectiveDiffers, answer.at, message));
        return;
    };
    let mut differ = |at: At, message: String| {
        let note = Diagnostic::new(Code::EffectiveDiffers, at, format!("`{}`: {message}", group.name()));
        notes.push(if own.unknown.is_empty() { note } else { note.severity(Severity::Note) });
    };
    for rule in &answer.rules {
        let Some(same) =
            own.effective_security_rules.iter().find(|o| o.name.eq_ignore_ascii_case(&rule.name))
        else {
            differ(
                rule.at,
                format!("Azure applies the rule `{}`, and the files have none of that name", rule.name),
            );
            continue;
        };
        if let Some(what) = difference(rule, same) {
            differ(rule.at, format!("Azure's rule `{}` has {what}", rule.name));
        }
    }
    for rule in &own.effective_security_rules {
        if !answer.rules.iter().any(|r| r.name.eq_ignore_ascii_case(&rule.name)) {
            differ(
                answer.at,
                format!("the files have the rule `{}`, and Azure does not apply it", rule.name),
            );
        }
    }
}

/// The first thing in which two rules of one name differ.
fn difference(theirs: &EffectiveRule, ours: &EffectiveRuleView) -> Option<String> {
    let say =
        |what: &str, theirs: &str, ours: &str| Some(format!("{what} {theirs}, and the files say {ours}"));
    if theirs.priority != ours.priority {
        return say("priority", &theirs.priority.to_string(), &ours.priority.to_string());
    }
    if theirs.direction.word() != ours.direction {
        return say("direction", theirs.direction.word(), ours.direction);
    }
    if let Some(access) = ours.access.filter(|a| *a != theirs.access.word()) {
        return say("access", theirs.access.word(), access);
    }
    let protocol = match ours.protocol.eq_ignore_ascii_case("all") {
        true => Some(ProtocolMatch::ANY),
        false => ProtocolMatch::parse(&ours.protocol),
    };
    if protocol.is_some_and(|p| p != theirs.protocol) {
        return say("protocol", &theirs.protocol.to_string(), &ours.protocol);
    }
    let ports = |ranges: &[String]| PortSet::new(ranges.iter().filter_map(|r| PortRange::parse(r)));
    for (what, theirs, ours) in [
        ("source ports", &theirs.source_ports, ports(&ours.source_port_ranges)),
        ("destination ports", &theirs.destination_ports, ports(&ours.destination_port_ranges)),
    ] {
        if *theirs != ours {
            return say(what, &theirs.to_string(), &ours.to_string());
        }
    }
    None
}
