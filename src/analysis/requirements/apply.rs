//! Lines as changes to the estate: everything else denied at their places, the lines let through.

use super::{Line, Place, Selector, Way};
use crate::analysis::change_text::{ChangeText, quoted};
use crate::inventory::{
    AzureFirewall, Field, FirewallPolicy, FirewallRuleType, Id, ResourceId, RuleCollectionGroup,
};
use crate::net::{PortSet, Protocol};
use crate::network::Network;
use std::collections::BTreeSet;

/// Changes that deny everything at places but the lines. A place without a line lets nothing through.
pub fn changes(network: &Network, fences: &BTreeSet<(Place, Way)>, lines: &[Line]) -> ChangeText {
    let mut text = ChangeText::default();
    let places: BTreeSet<&Place> = fences.iter().map(|(place, _)| place).collect();
    for place in places {
        let own: Vec<&Line> = lines.iter().filter(|line| line.place == *place).collect();
        match place {
            Place::Subnet(id) => {
                let fenced = |way: Way| fences.contains(&(place.clone(), way));
                group(&mut text, id, &own, fenced(Way::Outbound), fenced(Way::Inbound));
            }
            Place::Firewall(id) => firewall(&mut text, network, id, &own),
            Place::ManagedNetwork(id) => managed(&mut text, id, &own),
        }
    }
    text
}

/// The name of the security group that a subnet gets: `vnet-subnet-required`.
pub(crate) fn group_name(subnet: &ResourceId) -> String {
    format!("{}-required", subnet.full_name().replace('/', "-"))
}

/// The rule collection group that a firewall policy gets.
pub(super) const REQUIRED: &str = "required";

/// The first priority of rules, and the step to the next.
pub(crate) const FIRST: usize = 100;
pub(crate) const STEP: usize = 10;
/// The priority of the rule that denies the rest.
pub(crate) const LAST: usize = 4096;

/// The name of a line's rule, unique among the lines of its place.
pub(crate) fn rule_name(line: &Line) -> String {
    let way = if line.way == Way::Inbound { "from" } else { "to" };
    let protocol = line.protocol.map_or("any", |p| p.name()).to_ascii_lowercase();
    let word = line.selector.word().replace('*', "any");
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let word: String = word.chars().map(plain).collect();
    // AZURE: names of rules have at most 80 characters; outbound rules of a workspace take no dots.
    let word = match line.place {
        Place::ManagedNetwork(_) => word.replace('.', "-"),
        _ => word,
    };
    let word: String = word.trim_matches(['-', '.']).chars().take(60).collect();
    format!("allow-{way}-{word}-{protocol}")
}

/// The protocol as security groups write it.
pub(crate) fn nsg_protocol(protocol: Option<Protocol>) -> &'static str {
    protocol.map_or("*", Protocol::name)
}

/// Ports as lists of words; all ports are `*`.
pub(crate) fn port_words(ports: &PortSet) -> Vec<String> {
    match ports.is_all() {
        true => vec!["*".into()],
        false => ports.ranges().iter().map(ToString::to_string).collect(),
    }
}

fn list(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(", "))
}

fn group(text: &mut ChangeText, subnet: &ResourceId, lines: &[&Line], outbound: bool, inbound: bool) {
    let name = group_name(subnet);
    let mut rules = Vec::new();
    let mut next = [FIRST; 2];
    for line in lines {
        let way = &mut next[usize::from(line.way == Way::Inbound)];
        rules.push(rule(line, *way));
        *way += STEP;
    }
    for (way, fenced) in [(Way::Outbound, outbound), (Way::Inbound, inbound)] {
        if fenced {
            rules.push(format!(
                "{{ name: deny-the-rest-{}, priority: {LAST}, direction: {}, access: Deny, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }}",
                way.word().to_ascii_lowercase(),
                way.word()
            ));
        }
    }
    let place = place_of(subnet);
    text.add(
        "networkSecurityGroups",
        &format!("{{ name: {}, {place}securityRules: [{}] }}", quoted(&name), rules.join(", ")),
    );
    text.set(subnet.as_str(), "networkSecurityGroup", &quoted(group_id(subnet).as_str()));
}

/// The id of the security group that a subnet gets.
pub(crate) fn group_id(subnet: &ResourceId) -> ResourceId {
    let (subscription, group) = (subnet.subscription().unwrap_or(""), subnet.resource_group().unwrap_or(""));
    ResourceId::in_group(subscription, group, "Microsoft.Network/networkSecurityGroups", &group_name(subnet))
}

fn place_of(id: &ResourceId) -> String {
    let mut text = String::new();
    for (key, value) in [("subscription", id.subscription()), ("resourceGroup", id.resource_group())] {
        if let Some(value) = value {
            text.push_str(&format!("{key}: {}, ", quoted(value)));
        }
    }
    text
}

fn rule(line: &Line, priority: usize) -> String {
    let far = quoted(&line.selector.word());
    let (source, destination) = match line.way {
        Way::Outbound => ("'*'".to_owned(), far),
        Way::Inbound => (far, "'*'".to_owned()),
    };
    format!(
        "{{ name: {}, priority: {priority}, direction: {}, access: Allow, protocol: {}, sourceAddressPrefix: {source}, sourcePortRange: '*', destinationAddressPrefix: {destination}, destinationPortRanges: {} }}",
        quoted(&rule_name(line)),
        line.way.word(),
        quoted(nsg_protocol(line.protocol)),
        list(&port_words(&line.ports))
    )
}

/// The rules of a firewall, put together: names that share senders and ports stand in one rule.
pub(crate) struct FirewallRules {
    /// Network rules: name, protocols, sources, destinations, ports.
    pub(crate) network: Vec<NetworkRule>,
    /// Application rules: name, protocols with ports, sources, names.
    pub(crate) application: Vec<ApplicationRule>,
}

pub(crate) fn firewall_rules(lines: &[&Line]) -> FirewallRules {
    let mut rules = FirewallRules { network: Vec::new(), application: Vec::new() };
    for line in lines {
        let Selector::Fqdn(name) = &line.selector else {
            let protocols = match line.protocol {
                Some(Protocol::Udp) => vec!["UDP"],
                Some(Protocol::Icmp) => vec!["ICMP"],
                Some(_) => vec!["TCP"],
                None => vec!["TCP", "UDP"],
            };
            let destination = match &line.selector {
                Selector::Internet => "*".to_owned(),
                other => other.word(),
            };
            rules.network.push((
                rule_name(line),
                protocols,
                line.sources.clone(),
                destination,
                port_words(&line.ports),
            ));
            continue;
        };
        let protocols = web_protocols(&line.ports);
        let same = rules
            .application
            .iter_mut()
            .find(|(_, p, sources, _)| *p == protocols && *sources == line.sources);
        match same {
            Some((.., names)) => names.push(name.to_string()),
            None => {
                let number = rules.application.len() + 1;
                rules.application.push((
                    format!("allow-names-{number}"),
                    protocols,
                    line.sources.clone(),
                    vec![name.to_string()],
                ));
            }
        }
    }
    rules
}

fn web_protocols(ports: &PortSet) -> Vec<(&'static str, u16)> {
    [("Http", 80), ("Https", 443)].into_iter().filter(|(_, port)| ports.contains(*port)).collect()
}

/// The priorities of the collections: network rules are asked first anyway (FW-2).
const NETWORK_PRIORITY: usize = 200;
const APPLICATION_PRIORITY: usize = 300;

fn firewall(text: &mut ChangeText, network: &Network, id: &ResourceId, lines: &[&Line]) {
    let Some(row) = network.inventory.row::<AzureFirewall>(id) else { return };
    let firewall = &network.inventory.azure_firewalls[row];
    let rules = firewall_rules(lines);
    let policy = match &firewall.firewall_policy {
        Field::Known(reference) => network.inventory.follow(reference).row(),
        _ => None,
    };
    let Some(policy) = policy else {
        text.set(id.as_str(), "networkRuleCollections", &collections(&rules, "Network"));
        text.set(id.as_str(), "applicationRuleCollections", &collections(&rules, "Application"));
        return;
    };
    cleared(text, network, policy);
    let policy = network.inventory.firewall_policies[policy].id.clone();
    let group =
        format!("{{ name: {REQUIRED}, priority: 100, ruleCollections: {} }}", collections(&rules, "Filter"));
    text.append(policy.as_str(), "ruleCollectionGroups", &group);
}

/// Takes every rule of a policy and its parents away, but translations: those are not allow-lists.
fn cleared(text: &mut ChangeText, network: &Network, policy: Id<FirewallPolicy>) {
    let row = &network.inventory.firewall_policies[policy];
    if row.base_policy.known().is_some() {
        text.set(row.id.as_str(), "basePolicy", "null");
    }
    let translates = |group: &RuleCollectionGroup| {
        let rules = group.rule_collections.iter().flat_map(|c| c.rules.iter());
        rules.into_iter().any(|rule| rule.rule_type.is(FirewallRuleType::NatRule))
    };
    let own = |group: &&RuleCollectionGroup| group.id.is_within(row.id.as_str()) && !translates(group);
    for group in network.inventory.rule_collection_groups.iter().filter(own) {
        text.remove(group.id.as_str());
    }
}

/// Rule collections: `Filter` for those of a policy, `Network` or `Application` for classic ones.
fn collections(rules: &FirewallRules, form: &str) -> String {
    let mut found = Vec::new();
    let policy = form == "Filter";
    if form != "Application" && !rules.network.is_empty() {
        let items: Vec<String> = rules.network.iter().map(|rule| network_rule(rule, policy)).collect();
        found.push(collection("required-network", NETWORK_PRIORITY, &items, policy));
    }
    if form != "Network" && !rules.application.is_empty() {
        let items: Vec<String> =
            rules.application.iter().map(|rule| application_rule(rule, policy)).collect();
        found.push(collection("required-names", APPLICATION_PRIORITY, &items, policy));
    }
    format!("[{}]", found.join(", "))
}

fn collection(name: &str, priority: usize, rules: &[String], policy: bool) -> String {
    let kind = if policy { "ruleCollectionType: FirewallPolicyFilterRuleCollection, " } else { "" };
    format!(
        "{{ name: {name}, {kind}priority: {priority}, action: {{ type: Allow }}, rules: [{}] }}",
        rules.join(", ")
    )
}

/// Name, protocols, senders, destination, ports.
pub(crate) type NetworkRule = (String, Vec<&'static str>, Vec<String>, String, Vec<String>);

fn network_rule((name, protocols, sources, destination, ports): &NetworkRule, policy: bool) -> String {
    let protocols: Vec<String> = protocols.iter().map(|p| (*p).to_owned()).collect();
    let (kind, key) = if policy { ("ruleType: NetworkRule, ", "ipProtocols") } else { ("", "protocols") };
    format!(
        "{{ name: {}, {kind}{key}: {}, sourceAddresses: {}, destinationAddresses: {}, destinationPorts: {} }}",
        quoted(name),
        list(&protocols),
        list(sources),
        list(std::slice::from_ref(destination)),
        list(ports)
    )
}

/// Name, protocols with ports, senders, names.
pub(crate) type ApplicationRule = (String, Vec<(&'static str, u16)>, Vec<String>, Vec<String>);

fn application_rule((name, protocols, sources, names): &ApplicationRule, policy: bool) -> String {
    let protocols: Vec<String> =
        protocols.iter().map(|(p, port)| format!("{{ protocolType: {p}, port: {port} }}")).collect();
    let kind = if policy { "ruleType: ApplicationRule, " } else { "" };
    format!(
        "{{ name: {}, {kind}protocols: [{}], sourceAddresses: {}, targetFqdns: {} }}",
        quoted(name),
        protocols.join(", "),
        list(sources),
        list(names)
    )
}

fn managed(text: &mut ChangeText, workspace: &ResourceId, lines: &[&Line]) {
    let rules: Vec<String> = lines.iter().map(|line| managed_rule(line)).collect();
    text.set(workspace.as_str(), "managedNetwork.isolationMode", "AllowOnlyApprovedOutbound");
    text.set(workspace.as_str(), "managedNetwork.outboundRules", &format!("{{ {} }}", rules.join(", ")));
}

fn managed_rule(line: &Line) -> String {
    let name = quoted(&rule_name(line));
    match &line.selector {
        Selector::PrivateEndpoint(id, group) => format!(
            "{name}: {{ type: PrivateEndpoint, destination: {{ serviceResourceId: {}, subresourceTarget: {} }} }}",
            quoted(id.as_str()),
            quoted(group)
        ),
        Selector::Fqdn(host) => format!("{name}: {{ type: FQDN, destination: {} }}", quoted(host)),
        other => format!(
            "{name}: {{ type: ServiceTag, destination: {{ serviceTag: {}, protocol: {}, portRanges: {} }} }}",
            quoted(&other.word()),
            quoted(line.protocol.map_or("*", |p| if p == Protocol::Udp { "UDP" } else { "TCP" })),
            quoted(&port_words(&line.ports).join(","))
        ),
    }
}
