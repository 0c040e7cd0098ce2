//! Azure's spellings: each tool of Network Watcher names rules, protocols and next hops in its own way.

use crate::inventory::{Id, Nsg, ResourceId};
use crate::net::{IpNet, PortRange, PortSet, Protocol, ProtocolMatch};
use crate::network::{CompiledRule, Network, NextHop, RouteSource, Verdict};

/// How default rules begin in compiled rule sets.
const DEFAULT: &str = "defaultSecurityRules/";

/// `Allow` or `Deny`; the always-allow of security admin rules is an allow.
pub(super) fn access(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow | Verdict::AlwaysAllow => "Allow",
        Verdict::Deny => "Deny",
    }
}

/// A rule as IP flow verify and effective rules name it: `securityRules/web` (NSG-28).
pub(super) fn rule_path(rule: &CompiledRule) -> String {
    if rule.default { rule.name.to_string() } else { format!("securityRules/{}", rule.name) }
}

/// A rule as NSG diagnostics names it: `UserRule_web`, `DefaultRule_DenyAllInBound`.
pub(super) fn rule_word(rule: &CompiledRule) -> String {
    match rule.name.strip_prefix(DEFAULT) {
        Some(name) if rule.default => format!("DefaultRule_{name}"),
        _ => format!("UserRule_{}", rule.name),
    }
}

/// A rule path as security group view has it: `UserRule_web`, `DefaultRule_DenyAllInBound`.
pub(super) fn rule_of_view(path: &str) -> String {
    match (path.strip_prefix(DEFAULT), path.strip_prefix("securityRules/")) {
        (Some(name), _) => format!("DefaultRule_{name}"),
        (None, Some(name)) => format!("UserRule_{name}"),
        (None, None) => path.to_owned(),
    }
}

/// The resource id of a rule somebody wrote; empty for a default rule, which Azure gives no link to.
pub(super) fn rule_id(network: &Network, nsg: Id<Nsg>, rule: &CompiledRule) -> String {
    if rule.default {
        return String::new();
    }
    network.inventory.nsgs[nsg].id.child("securityRules", &rule.name).as_str().to_owned()
}

/// A default rule's or written rule's name as connection troubleshoot gives it: a default rule by its word, a
/// written one by its id.
pub(super) fn rule_in_issue(group: Option<&ResourceId>, name: &str) -> String {
    match (name.strip_prefix(DEFAULT), group) {
        (Some(name), _) => format!("DefaultRule_{name}"),
        (None, Some(group)) => format!("{}/securityRules/{name}", group.as_str()),
        (None, None) => name.to_owned(),
    }
}

/// The network manager of a security admin rule, which NSG diagnostics shows in the place of a group.
pub(super) fn manager_of(rule: &ResourceId) -> Option<ResourceId> {
    rule.ancestor("Microsoft.Network/networkManagers")
}

/// Effective rules say `All` where a rule says `*`.
pub(super) fn protocol(set: ProtocolMatch) -> String {
    if set == ProtocolMatch::ANY {
        return "All".into();
    }
    let names = Protocol::ALL.into_iter().filter(|p| set.contains(*p)).map(Protocol::name);
    names.collect::<Vec<_>>().join(",")
}

/// Effective rules write every port as a range: `443-443`.
pub(super) fn ports(set: &PortSet) -> Vec<String> {
    set.ranges().iter().map(|PortRange { low, high }| format!("{low}-{high}")).collect()
}

/// Prefixes as text, in order.
pub(super) fn prefixes(nets: &[IpNet]) -> Vec<String> {
    nets.iter().map(ToString::to_string).collect()
}

/// The next hop of an effective route.
pub(super) fn effective_hop(hop: &NextHop, source: RouteSource, global: bool) -> &'static str {
    match hop {
        // What Route Server learns is listed as a gateway's, with the appliance's address.
        NextHop::Appliance(_) if source == RouteSource::VirtualNetworkGateway => "VirtualNetworkGateway",
        hop => hop.word(global),
    }
}

/// The next hop as the next hop API has it, and as Network Watcher's page calls it (NW-3).
pub(super) fn next_hop(hop: &NextHop, source: RouteSource) -> (&'static str, &'static str) {
    match hop {
        NextHop::VnetLocal => ("VnetLocal", "VirtualNetwork"),
        NextHop::Peering { .. } => ("VnetPeering", "VirtualNetworkPeering"),
        NextHop::ConnectedGroup(_) => ("ConnectedGroup", "ConnectedGroup"),
        NextHop::Gateway | NextHop::Hub(_) => ("VirtualNetworkGateway", "VirtualNetworkGateway"),
        NextHop::Internet => ("Internet", "Internet"),
        NextHop::None => ("None", "None"),
        NextHop::Appliance(_) if source == RouteSource::VirtualNetworkGateway => {
            ("VirtualNetworkGateway", "VirtualNetworkGateway")
        }
        NextHop::Appliance(ips) if ips.len() > 1 => ("VirtualApplianceEcmp", "VirtualAppliance"),
        NextHop::Appliance(_) => ("VirtualAppliance", "VirtualAppliance"),
        NextHop::ServiceEndpoint(_) => ("VirtualNetworkServiceEndpoint", "VirtualNetworkServiceEndpoint"),
        NextHop::InterfaceEndpoint(_) => ("InterfaceEndpoint", "InterfaceEndpoint"),
    }
}
