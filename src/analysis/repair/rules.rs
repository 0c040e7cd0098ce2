//! Rules that let a flow through: of security groups, of firewalls, of managed networks.

use super::super::change_text::{ChangeText, host_prefix, quoted, target_of};
use super::{Case, Means, Proposal};
use crate::inventory::{
    AzureFirewall, Direction, FirewallPolicy, Id, IsolationMode, Nsg, PlatformService, SecurityRule, Subnet,
};
use crate::net::{IpAddr, Protocol};
use crate::trace::{Cause, Disposition, HopKind, Origin};

/// What somebody should know who opens an address of a public service.
const MOVES: &str = "the addresses of a public service change; a tag or name is kept up to date by Azure";

/// What somebody should know who opens everything.
const WIDE: &str = "a security group knows no names, so this lets the port out to the whole internet; a firewall can tell names";

/// What somebody should know who opens a tag.
const WHOLE: &str = "the tag stands for the whole service, every customer's part of it";

impl Case<'_> {
    /// A rule before the one that denies.
    pub(super) fn security_rules(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let (Some(header), Some(id)) = (self.header, &self.blocker.evidence.resource) else {
            return Vec::new();
        };
        let Some(group) = inventory.row::<Nsg>(id) else { return Vec::new() };
        let outbound = self.blocker.disposition == Disposition::DeniedOut;
        let row = &inventory.nsgs[group];
        let direction = if outbound { Direction::Outbound } else { Direction::Inbound };
        let same: Vec<&SecurityRule> = row
            .security_rules
            .items
            .iter()
            .filter(|rule| rule.direction.known().is_none_or(|d| *d == direction))
            .collect();
        let denies = self.blocker.evidence.name.as_deref().unwrap_or_default();
        let denying =
            same.iter().find(|rule| &*rule.name == denies).and_then(|rule| rule.priority.known().copied());
        let target = target_of(inventory, id);
        let (slot, moved) = slot(&same, denying.unwrap_or(4097));
        // A group on the way out stands before the senders it is meant for; one rule serves them all.
        let (near, far) =
            if outbound { (header.source, header.destination) } else { (header.destination, header.source) };
        let near = if outbound { "*".to_owned() } else { self.own_prefix(near) };
        let mut found = Vec::new();
        let mut ends = self.far_ends(far);
        if ends.is_empty() && outbound {
            ends.push((Means::Everything, "Internet".to_owned()));
        }
        for (means, far) in ends {
            let (source, destination) = if outbound { (&near, &far) } else { (&far, &near) };
            let name = unused(&format!("allow-{}-{}", slug(&far), self.flow.port), |name| {
                row.security_rules.items.iter().any(|rule| rule.name.eq_ignore_ascii_case(name))
            });
            let rule = format!(
                "{{ name: {}, priority: {slot}, direction: {}, access: Allow, protocol: {}, sourceAddressPrefix: {}, sourcePortRange: \"*\", destinationAddressPrefix: {}, destinationPortRange: {} }}",
                quoted(&name),
                if outbound { "Outbound" } else { "Inbound" },
                self.flow.protocol.name(),
                quoted(source),
                quoted(destination),
                port(self.flow.port),
            );
            let mut changes = ChangeText::default();
            for (rule, priority) in &moved {
                changes.set(&format!("{target}/{rule}"), "priority", &priority.to_string());
            }
            changes.append(&target, "securityRules", &rule);
            let side = if outbound { "out to" } else { "in from" };
            let text = format!("allow {} {side} {far} in `{}`", self.ports(), id.name());
            found.push(self.cautious(Proposal::new(means, text, changes), &far));
        }
        found
    }

    /// A security group where a public address has none, and is therefore closed.
    pub(super) fn new_group(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let Some(header) = self.header else { return Vec::new() };
        let subnet =
            self.network.attachments.iter().find(|a| a.address == Some(header.destination)).map(|a| a.subnet);
        let Some(subnet) = subnet else { return Vec::new() };
        let target = target_of(inventory, &inventory.subnets[subnet].id);
        let name = unused("allow-in", |name| !inventory.named(name).is_empty());
        let mut found = Vec::new();
        for (means, far) in self.far_ends(header.source) {
            let rule = format!(
                "{{ name: allow, priority: 100, direction: Inbound, access: Allow, protocol: {}, sourceAddressPrefix: {}, sourcePortRange: \"*\", destinationAddressPrefix: \"*\", destinationPortRange: {} }}",
                self.flow.protocol.name(),
                quoted(&far),
                port(header.port),
            );
            let mut changes = ChangeText::default();
            changes.add("networkSecurityGroups", &format!("{{ name: {name}, securityRules: [{rule}] }}"));
            changes.set(&target, "networkSecurityGroup", &name);
            let text = format!("give `{target}` a security group that allows {} in from {far}", self.ports());
            found.push(
                Proposal::new(means, text, changes)
                    .mind("the new group stands before everything in the subnet"),
            );
        }
        found
    }

    /// A rule in the policy of the firewall that denies, before all its groups.
    pub(super) fn firewall_rules(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let hop = self.trace.hops.get(self.blocker.hop);
        let firewall = hop.filter(|hop| hop.kind == HopKind::AzureFirewall).and_then(|hop| hop.id.as_ref());
        let Some(firewall) = firewall.and_then(|id| inventory.row::<AzureFirewall>(id)) else {
            return Vec::new();
        };
        let Some(policy) = inventory.azure_firewalls[firewall].firewall_policy.known() else {
            return Vec::new();
        };
        let Some(policy) = inventory.follow(policy).row() else { return Vec::new() };
        let mut found = Vec::new();
        // The rules of a parent come first, so only a rule there is before a denial there.
        let mut policies = vec![policy];
        let denies =
            matches!(self.blocker.cause, Cause::FirewallNetworkRuleDeny | Cause::FirewallApplicationRuleDeny);
        if denies {
            let base = inventory.firewall_policies[policy].base_policy.known();
            policies.extend(base.and_then(|base| inventory.follow(base).row()));
        }
        for policy in policies {
            found.extend(self.policy_rules(policy));
        }
        found
    }

    fn policy_rules(&self, policy: Id<FirewallPolicy>) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let Some(header) = self.header else { return Vec::new() };
        let id = &inventory.firewall_policies[policy].id;
        let target = target_of(inventory, id);
        let taken: Vec<i64> = inventory
            .rule_collection_groups
            .iter()
            .filter(|group| group.id.is_within(id.as_str()))
            .filter_map(|group| group.priority.known().copied())
            .collect();
        let Some(priority) = (100..65000).find(|p| !taken.contains(p)) else { return Vec::new() };
        let source = quoted(&self.own_prefix(header.source));
        let mut found = Vec::new();
        let mut propose = |means: Means, to: &str, rule: String| {
            let name = format!("allow-{}-{}", slug(to), self.flow.port);
            let group = format!(
                "{{ name: {name}, priority: {priority}, ruleCollections: [{{ name: allow, priority: 100, action: Allow, rules: [{{ name: {name}, {rule}, sourceAddresses: [{source}] }}] }}] }}",
                name = quoted(&name),
            );
            let mut changes = ChangeText::default();
            changes.append(&target, "ruleCollectionGroups", &group);
            let text = format!("allow {} to {to} in `{}`", self.ports(), id.name());
            found.push(self.cautious(Proposal::new(means, text, changes), to));
        };
        let network = |to: &str| {
            format!(
                "ruleType: NetworkRule, ipProtocols: [{}], destinationAddresses: [{}], destinationPorts: [{}]",
                self.flow.protocol.name().to_uppercase(),
                quoted(to),
                port(header.port)
            )
        };
        for (means, to) in self.far_ends(header.destination) {
            if to != "VirtualNetwork" {
                propose(means, &to, network(&to));
            }
        }
        let web = match header.port {
            80 => Some("Http:80"),
            443 => Some("Https:443"),
            _ => None,
        };
        // Names in network rules need the firewall's DNS proxy; trying them out tells whether it is on.
        if let (Some(host), None) = (self.host(), web) {
            let rule = format!(
                "ruleType: NetworkRule, ipProtocols: [{}], destinationFqdns: [{}], destinationPorts: [{}]",
                self.flow.protocol.name().to_uppercase(),
                quoted(&host),
                port(header.port)
            );
            propose(Means::Name, &host, rule);
        }
        if let (Some(host), Some(web), Protocol::Tcp) = (self.host(), web, self.flow.protocol) {
            let rule =
                format!("ruleType: ApplicationRule, protocols: ['{web}'], targetFqdns: [{}]", quoted(&host));
            propose(Means::Name, &host, rule);
        }
        found
    }

    /// An outbound rule of the managed network that approves the flow.
    pub(super) fn managed_rules(&self) -> Vec<Proposal> {
        let inventory = &self.network.inventory;
        let Some(Origin::Managed(_, workspace)) = self.origin else { return Vec::new() };
        let row: &PlatformService = &inventory.services[workspace];
        if row.managed_network_isolation.known() != Some(&IsolationMode::AllowOnlyApprovedOutbound) {
            return Vec::new();
        }
        let target = target_of(inventory, &row.id);
        let mut found = Vec::new();
        let mut propose = |means: Means, to: &str, rule: String| {
            let name = slug(to);
            let mut changes = ChangeText::default();
            changes.set(&target, &format!("managedNetwork.outboundRules.{name}"), &rule);
            let text = format!("approve {to} in the managed network of `{}`", row.id.name());
            found.push(self.cautious(Proposal::new(means, text, changes), to));
        };
        if let Some((service, endpoint, kind)) = self.service()
            && let Some(group) = kind.endpoints.get(endpoint).map(|e| e.group)
        {
            let id = &inventory.services[service].id;
            let to = format!("{} {group}", id.name());
            let rule = format!(
                "{{ type: PrivateEndpoint, destination: {{ serviceResourceId: {}, subresourceTarget: {group} }} }}",
                quoted(id.as_str())
            );
            propose(Means::PrivateEndpoint, &to, rule);
        }
        let address = self.header.map(|h| h.destination).or_else(|| {
            self.host().and_then(|host| self.network.names.public(&host).and_then(|name| name.address))
        });
        for tag in address.map(|ip| self.tags(ip)).unwrap_or_default() {
            let rule = format!(
                "{{ type: ServiceTag, destination: {{ serviceTag: {}, protocol: {}, portRanges: {} }} }}",
                quoted(&tag),
                self.flow.protocol.name().to_uppercase(),
                quoted(&self.flow.port.to_string())
            );
            propose(Means::ServiceTag, &tag, rule);
        }
        if let Some(host) = self.host() {
            let rule = format!("{{ type: FQDN, destination: {} }}", quoted(&host));
            propose(Means::Name, &host, rule);
        }
        found
    }

    /// How the other end may be named in a rule: by its tags, by its address.
    pub(super) fn far_ends(&self, ip: IpAddr) -> Vec<(Means, String)> {
        let tags = self.tags(ip).into_iter().map(|tag| (Means::ServiceTag, tag));
        tags.chain(self.real(ip).map(|ip| (Means::Address, host_prefix(ip)))).collect()
    }

    /// The subnet of an address where it lies in one, else the address.
    pub(super) fn own_prefix(&self, ip: IpAddr) -> String {
        let subnets = self.network.inventory.subnets.rows();
        let mut holding =
            subnets.filter(|(id, _): &(Id<Subnet>, _)| self.network.subnet(*id).space.contains(ip));
        let prefix =
            holding.next().and_then(|(_, row)| row.address_prefixes.items.iter().find(|p| p.contains(&ip)));
        prefix.map_or_else(|| host_prefix(ip), ToString::to_string)
    }

    fn cautious(&self, proposal: Proposal, far: &str) -> Proposal {
        match proposal.means {
            Means::Everything => proposal.mind(WIDE),
            Means::ServiceTag if far != "VirtualNetwork" && self.service().is_some() => proposal.mind(WHOLE),
            Means::Address if self.header.is_some_and(|h| self.network.is_public(h.destination)) => {
                proposal.mind(MOVES)
            }
            _ => proposal,
        }
    }
}

/// A priority before the rule that denies, and what has to move for it.
fn slot(rules: &[&SecurityRule], denying: i64) -> (i64, Vec<(String, i64)>) {
    let taken: Vec<i64> = rules.iter().filter_map(|rule| rule.priority.known().copied()).collect();
    let free = |p: &i64| !taken.contains(p);
    if let Some(slot) = (100..denying.min(4097)).rev().find(free) {
        return (slot, Vec::new());
    }
    // Everything up to the denying rule is taken: make room at its place by moving what follows.
    let mut sorted: Vec<(i64, &str)> =
        rules.iter().filter_map(|rule| Some((*rule.priority.known()?, &*rule.name))).collect();
    sorted.sort();
    let mut moved = Vec::new();
    let behind = sorted.into_iter().filter(|(priority, _)| *priority >= denying);
    for (next, (priority, name)) in (denying + 1..).zip(behind) {
        if priority >= next {
            break;
        }
        moved.push((name.to_owned(), next));
    }
    (denying, moved)
}

pub(super) fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    text.chars().map(plain).collect::<String>().trim_matches('-').to_owned()
}

pub(super) fn unused(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// A destination port; protocols without ports match any.
fn port(port: u16) -> String {
    if port == 0 { "\"*\"".to_owned() } else { port.to_string() }
}
