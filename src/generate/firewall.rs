//! Firewalls and their policies: a parent for the company, a child for each hub.

use super::estate::{FIREWALL, FIREWALL_POLICY, GROUP, Items, Out, public_ip};
use super::plan::{Hub, Plan, Shape};
use super::rng::{Rng, Stream};
use super::security::{PORTS, on_premises};
use super::value::{object, part, reference};
use crate::doc::Node;
use crate::inventory::ResourceId;

/// The policy of a hub, or the parent of all.
fn policy_id(plan: &Plan, hub: Option<&Hub>) -> ResourceId {
    let first = plan.hub(0);
    let name = hub.map_or("afwp-company".to_owned(), |hub| format!("afwp-{}", hub.tail()));
    let owner = hub.unwrap_or(&first);
    ResourceId::in_group(&owner.subscription(), &owner.group(), FIREWALL_POLICY, &name)
}

/// The firewall of a hub.
pub(super) fn firewall_id(hub: &Hub) -> ResourceId {
    ResourceId::in_group(&hub.subscription(), &hub.group(), FIREWALL, &format!("afw-{}", hub.tail()))
}

/// Rules of a hub's policy: the first hub has most, and the others a share of it.
fn rules_of(plan: &Plan, hub: &Hub) -> u32 {
    (plan.sizes.firewall_rules >> (hub.number % 5)).max(4)
}

fn network_rule(name: String, sources: Vec<String>, destinations: Vec<String>, ports: Vec<String>) -> Node {
    object! {
        "name": name, "ruleType": "NetworkRule", "ipProtocols": vec!["TCP"],
        "sourceAddresses": sources, "destinationAddresses": destinations, "destinationPorts": ports,
    }
}

fn application_rule(name: String, sources: Vec<String>, names: Vec<String>) -> Node {
    let protocol = object! { "protocolType": "Https", "port": 443 };
    object! {
        "name": name, "ruleType": "ApplicationRule", "protocols": vec![protocol],
        "sourceAddresses": sources, "targetFqdns": names,
    }
}

fn collection(name: &str, priority: u32, action: &str, rules: Vec<Node>) -> Node {
    object! {
        "name": name, "ruleCollectionType": "FirewallPolicyFilterRuleCollection", "priority": priority,
        "action": object! { "type": action }, "rules": rules,
    }
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// The parent: what the whole company may do, and may not.
fn company() -> Vec<Node> {
    let all = || texts(&["10.0.0.0/8"]);
    let deny = vec![network_rule("deny-remote-shells".into(), all(), all(), texts(&["22", "3389", "5985"]))];
    let allow = vec![
        network_rule("allow-web".into(), all(), all(), texts(&["443"])),
        network_rule("allow-offices".into(), all(), texts(&["172.16.0.0/16"]), texts(&["443", "445"])),
        network_rule("allow-from-offices".into(), texts(&["172.16.0.0/12"]), all(), texts(&["443", "22"])),
        network_rule(
            "allow-monitor".into(),
            all(),
            texts(&["AzureMonitor", "AzureKeyVault"]),
            texts(&["443"]),
        ),
    ];
    let updates = ["*.ubuntu.com", "*.microsoft.com", "pypi.org", "files.pythonhosted.org", "github.com"];
    let web = vec![application_rule("allow-updates".into(), all(), texts(&updates))];
    vec![
        collection("deny-network", 100, "Deny", deny),
        collection("allow-network", 200, "Allow", allow),
        collection("allow-application", 300, "Allow", web),
    ]
}

fn place(plan: &Plan, hub: &Hub, rng: &mut Rng) -> String {
    let near = hub.spokes();
    match rng.below(5) {
        0 => on_premises(rng),
        1 => plan.spoke(rng.below(plan.sizes.spokes)).prefix(),
        2 => plan.spoke(near.start + rng.below(near.len() as u32)).prefix(),
        _ => {
            let spoke = plan.spoke(near.start + rng.below(near.len() as u32));
            spoke.tier_prefix(rng.below(plan.sizes.tiers))
        }
    }
}

fn places(plan: &Plan, hub: &Hub, rng: &mut Rng, most: u32) -> Vec<String> {
    let mut places: Vec<String> = (0..1 + rng.below(most)).map(|_| place(plan, hub, rng)).collect();
    places.sort();
    places.dedup();
    places
}

fn ports(rng: &mut Rng) -> Vec<String> {
    let mut ports: Vec<String> = (0..1 + rng.below(3)).map(|_| (*rng.pick(PORTS)).to_owned()).collect();
    ports.sort();
    ports.dedup();
    ports
}

/// The collections of one group: denials, allowed networks, allowed names.
fn collections(plan: &Plan, hub: &Hub, group: u32, rules: u32, rng: &mut Rng) -> Vec<Node> {
    let (denied, named) = (rules / 10, rules / 5);
    let network = |word: &str, count: u32, rng: &mut Rng| -> Vec<Node> {
        let rule = |n| {
            let (from, to) = (places(plan, hub, rng, 3), places(plan, hub, rng, 3));
            network_rule(format!("{word}-{group:02}-{n:04}"), from, to, ports(rng))
        };
        (0..count).map(rule).collect()
    };
    let deny = network("deny", denied, rng);
    let allow = network("allow", rules - denied - named, rng);
    let names = (0..named)
        .map(|n| {
            let count = 1 + rng.below(3);
            let hosts = (0..count).map(|_| format!("partner{:04}.example.com", rng.below(5000))).collect();
            application_rule(format!("web-{group:02}-{n:04}"), places(plan, hub, rng, 2), hosts)
        })
        .collect();
    let filled = |list: &Vec<Node>| !list.is_empty();
    [
        ("deny-network", 1000, "Deny", deny),
        ("allow-network", 2000, "Allow", allow),
        ("allow-application", 3000, "Allow", names),
    ]
    .into_iter()
    .filter(|(.., rules)| filled(rules))
    .map(|(name, priority, action, rules)| collection(name, priority, action, rules))
    .collect()
}

/// Every firewall policy.
pub(super) fn policies(plan: &Plan, out: &mut Out<'_>) -> Items {
    if !plan.has_firewall() {
        return Ok(());
    }
    let base = policy_id(plan, None);
    let head = |region: &str, base: Option<&ResourceId>| {
        let mut properties = crate::doc::Object::new();
        if let Some(base) = base {
            super::value::put(&mut properties, "basePolicy", reference(base));
        }
        super::value::put(&mut properties, "threatIntelMode", "Alert");
        super::value::put(&mut properties, "dnsSettings", object! { "enableProxy": true });
        super::value::put(&mut properties, "sku", object! { "tier": "Standard" });
        object! { "location": region, "properties": super::value::ToNode::node(properties) }
    };
    out.put(base.clone(), head(plan.hub(0).region().0, None))?;
    for hub in plan.hubs() {
        out.put(policy_id(plan, Some(&hub)), head(hub.region().0, Some(&base)))?;
    }
    Ok(())
}

/// Every rule collection group.
pub(super) fn collection_groups(plan: &Plan, out: &mut Out<'_>) -> Items {
    if !plan.has_firewall() {
        return Ok(());
    }
    let group = |policy: &ResourceId, number: u32, collections: Vec<Node>| {
        let name = format!("{}/rcg-{number:02}", policy.name());
        let scope = (policy.subscription().unwrap_or_default(), policy.resource_group().unwrap_or_default());
        let id = ResourceId::in_group(scope.0, scope.1, GROUP, &name);
        (
            id,
            object! { "properties": object! { "priority": 200 + number * 100, "ruleCollections": collections } },
        )
    };
    let (id, body) = group(&policy_id(plan, None), 0, company());
    out.put(id, body)?;
    for hub in plan.hubs() {
        let (rules, groups) = (rules_of(plan, &hub), plan.sizes.collection_groups);
        let mut rng = plan.rng(Stream::Policy, hub.number);
        for number in 0..groups {
            let count = rules / groups + u32::from(number < rules % groups);
            if count > 0 {
                let collections = collections(plan, &hub, number, count, &mut rng);
                let (id, body) = group(&policy_id(plan, Some(&hub)), number, collections);
                out.put(id, body)?;
            }
        }
    }
    Ok(())
}

/// Every firewall.
pub(super) fn firewalls(plan: &Plan, out: &mut Out<'_>) -> Items {
    if !plan.has_firewall() {
        return Ok(());
    }
    for hub in plan.hubs() {
        let policy = reference(&policy_id(plan, Some(&hub)));
        let properties = match plan.settings.shape {
            Shape::Vwan => object! {
                "sku": object! { "name": "AZFW_Hub", "tier": "Standard" },
                "firewallPolicy": policy,
                "virtualHub": reference(&super::network::wan_hub_id(&hub)),
                "hubIPAddresses": object! { "privateIPAddress": hub.firewall_ip() },
            },
            _ => object! {
                "sku": object! { "name": "AZFW_VNet", "tier": "Standard" },
                "firewallPolicy": policy,
                "ipConfigurations": vec![part! { "ipconfig1",
                    "privateIPAddress": hub.firewall_ip(),
                    "subnet": reference(&super::network::hub_subnet(&hub, "AzureFirewallSubnet")),
                    "publicIPAddress": reference(&public_ip(&hub, "afw")),
                }],
            },
        };
        out.put(firewall_id(&hub), object! { "location": hub.region().0, "properties": properties })?;
    }
    Ok(())
}
