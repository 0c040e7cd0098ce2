//! Laws that hold on any estate, whatever the rules say.

use super::agree::{FLOWS_PER_ESTATE, compiled, first_seed, flows_wanted, tags};
use super::estate::{Case, Estate, case};
use super::load::{changed, flow};
use super::random::Random;
use netwhy::network::Network;
use netwhy::profile::Profile;
use netwhy::trace::{Outcome, decide, trace};
use serde_json::{Value, json};

/// Estates and flows for a law, fewer than for the comparison.
fn for_each(salt: u64, check: &mut dyn FnMut(u64, &Case, &Network)) {
    let tags = tags();
    let count = (flows_wanted() as u64 / 100).min(200);
    for seed in (0..count).map(|n| first_seed() + salt + n) {
        let case = case(seed, FLOWS_PER_ESTATE);
        let network = compiled(&case.estate, &tags).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        check(seed, &case, &network);
    }
}

#[test]
fn the_order_of_resources_does_not_matter() {
    let tags = tags();
    for_each(100_000, &mut |seed, case, network| {
        let mut mixed = case.estate.clone();
        let mut r = Random::new(seed);
        let mut sections: Vec<_> = std::mem::take(&mut mixed.sections).into_iter().collect();
        r.shuffle(&mut sections);
        for (section, mut items) in sections {
            if let Value::Array(items) = &mut items {
                r.shuffle(items);
            }
            mixed.sections.insert(section, items);
        }
        let other = compiled(&mixed, &tags).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        for text in &case.flows {
            let (a, b) = (trace(network, &flow(text)), trace(&other, &flow(text)));
            assert_eq!(a.decision(), b.decision(), "seed {seed}: {text}\n{}", case.estate.text());
        }
    });
}

/// A rule put into the first network security group, before all others.
fn with_rule(estate: &Estate, rule: Value) -> Option<Estate> {
    let mut changed = estate.clone();
    let groups = changed.sections.get_mut("networkSecurityGroups")?.as_array_mut()?;
    groups.first_mut()?.get_mut("securityRules")?.as_array_mut()?.insert(0, rule);
    Some(changed)
}

#[test]
fn a_deny_on_top_never_opens_what_its_group_denied() {
    let tags = tags();
    for_each(200_000, &mut |seed, case, network| {
        for direction in ["Inbound", "Outbound"] {
            let deny = json!({
                "name": "top", "priority": 100, "direction": direction, "access": "Deny", "protocol": "Tcp",
                "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*"
            });
            let Some(changed) = with_rule(&case.estate, deny) else { continue };
            let other = compiled(&changed, &tags).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            for text in &case.flows {
                let (before, after) = (trace(network, &flow(text)), trace(&other, &flow(text)));
                let there = before.decision().decider.is_some_and(|d| d.starts_with("nsg0/"));
                // A denied probe takes a backend out, and another one answers.
                let balanced = before.hops.iter().any(|h| h.kind == netwhy::trace::HopKind::LoadBalancer);
                let opened = before.outcome == Outcome::Blocked && after.outcome == Outcome::Allowed;
                assert!(!opened || !there || balanced, "seed {seed}: {text}\n{}", case.estate.text());
            }
        }
    });
}

#[test]
fn a_rule_that_never_matches_changes_nothing() {
    let tags = tags();
    for_each(300_000, &mut |seed, case, network| {
        let idle = json!({
            "name": "idle", "priority": 100, "direction": "Inbound", "access": "Deny", "protocol": "Tcp",
            "sourceAddressPrefix": "198.18.77.77", "sourcePortRange": "*", "destinationAddressPrefix": "198.18.77.78", "destinationPortRange": "*"
        });
        let Some(changed) = with_rule(&case.estate, idle) else { return };
        let other = compiled(&changed, &tags).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        for text in &case.flows {
            let (before, after) = (trace(network, &flow(text)), trace(&other, &flow(text)));
            assert_eq!(before.decision(), after.decision(), "seed {seed}: {text}\n{}", case.estate.text());
        }
    });
}

#[test]
fn to_decide_is_to_trace_without_words() {
    for_each(400_000, &mut |seed, case, network| {
        for text in &case.flows {
            let flow = flow(text);
            assert_eq!(decide(network, &flow), trace(network, &flow).decision(), "seed {seed}: {text}");
        }
    });
}

/// A change in the words of a change file, and the same made to the estate by hand.
fn edits(estate: &Estate, r: &mut Random) -> Vec<(Value, Estate)> {
    let mut out = Vec::new();
    let names = |section: &str| -> Vec<String> {
        let items = estate.sections.get(section).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|i| i["name"].as_str().map(str::to_owned)).collect()
    };
    let mut edit = |change: Value, by_hand: &dyn Fn(&mut Estate)| {
        let mut edited = estate.clone();
        by_hand(&mut edited);
        out.push((change, edited));
    };
    fn items<'a>(estate: &'a mut Estate, section: &str) -> &'a mut Vec<Value> {
        let list = estate.sections.entry(section).or_insert_with(|| json!([]));
        list.as_array_mut().expect("a section is a list")
    }
    fn item<'a>(estate: &'a mut Estate, section: &str, name: &str) -> &'a mut Value {
        let found = items(estate, section).iter_mut().find(|i| i["name"] == name);
        found.expect("a name of this estate")
    }
    let hosts = names("hosts");
    if !hosts.is_empty() {
        let host = r.one(&hosts);
        edit(json!({ "set": { "target": format!("netwhy.Estate/hosts/{host}"), "listens": [22] } }), &|e| {
            item(e, "hosts", &host)["listens"] = json!([22]);
        });
    }
    if names("networkSecurityGroups").contains(&"nsg0".to_owned()) {
        let rule = json!({
            "name": "late", "priority": 105, "direction": "Inbound", "access": "Deny", "protocol": "Tcp",
            "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "443"
        });
        edit(json!({ "add": { "target": "nsg0", "securityRules": [rule.clone()] } }), &|e| {
            let rules = item(e, "networkSecurityGroups", "nsg0")["securityRules"].as_array_mut();
            rules.expect("its rules").push(rule.clone());
        });
    }
    if names("routeTables").contains(&"rt0".to_owned()) {
        edit(json!({ "set": { "target": "rt0", "disableBgpRoutePropagation": true } }), &|e| {
            item(e, "routeTables", "rt0")["disableBgpRoutePropagation"] = json!(true);
        });
    }
    let peerings = names("virtualNetworkPeerings");
    if !peerings.is_empty() {
        let peering = r.one(&peerings);
        edit(json!({ "remove": peering }), &|e| {
            items(e, "virtualNetworkPeerings").retain(|p| p["name"] != peering);
        });
    }
    let table = json!({ "name": "new", "routes": [{ "name": "away", "addressPrefix": "0.0.0.0/0", "nextHopType": "None" }] });
    edit(json!({ "add": { "routeTables": [table.clone()] } }), &|e| {
        items(e, "routeTables").push(table.clone())
    });
    out
}

#[test]
fn a_change_is_an_edited_file() {
    let tags = tags();
    for_each(500_000, &mut |seed, case, _| {
        let mut r = Random::new(seed);
        let mut profile = Profile::default();
        for (knob, value) in &case.estate.knobs {
            profile.set(knob, value).expect("the generator knows the knobs");
        }
        let mut all = edits(&case.estate, &mut r);
        r.shuffle(&mut all);
        for (change, edited) in all.into_iter().take(2) {
            let by_hand = compiled(&edited, &tags).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            let by_change = changed(&case.estate.text(), &change, &profile, &tags);
            let by_change = by_change.unwrap_or_else(|why| panic!("seed {seed}: {change}: {why}"));
            for text in &case.flows {
                let (a, b) = (decide(&by_hand, &flow(text)), decide(&by_change, &flow(text)));
                assert_eq!(a, b, "seed {seed}: {change}: {text}\n{}", case.estate.text());
            }
        }
    });
}

/// Sections without which the rest of an estate refers to nothing.
const WHOLE: &[&str] = &[
    "virtualNetworks",
    "virtualHubs",
    "virtualNetworkGateways",
    "onPremisesSites",
    "networkInterfaces",
    "hosts",
    "routeTables",
    "networkSecurityGroups",
    "azureFirewalls",
    "firewallPolicies",
    "loadBalancers",
    "publicIPAddresses",
    "privateEndpoints",
    "privateDnsZones",
];

fn asked(estate: &Estate, seed: u64, flows: &[String], tags: &netwhy::tags::ServiceTags) {
    // What is left may be no estate at all, which is told and not asked.
    let Ok(network) = compiled(estate, tags) else { return };
    for text in flows {
        if let Err(why) = super::agree::engine(&network, text) {
            panic!("seed {seed}: {text}: {why}\n{}", estate.text());
        }
    }
}

#[test]
fn an_estate_without_whole_sections_is_still_answered() {
    let tags = tags();
    for_each(600_000, &mut |seed, case, _| {
        let mut r = Random::new(seed);
        for section in WHOLE.iter().filter(|s| case.estate.sections.contains_key(**s)) {
            let mut less = case.estate.clone();
            less.sections.remove(*section);
            asked(&less, seed, &case.flows, &tags);
        }
        let mut less = case.estate.clone();
        less.sections.retain(|_, _| r.chance(50));
        asked(&less, seed, &case.flows, &tags);
        // Networks without subnets, what stands in them without a place.
        let mut bare = case.estate.clone();
        for network in
            bare.sections.get_mut("virtualNetworks").and_then(Value::as_array_mut).into_iter().flatten()
        {
            if let Some(network) = network.as_object_mut() {
                network.remove("subnets");
            }
        }
        asked(&bare, seed, &case.flows, &tags);
    });
}

/// A site alone, whose machines ask servers of its own: there is no network of Azure's for anything to stand in.
#[test]
fn a_site_alone_with_servers_of_its_own_is_answered() {
    let tags = tags();
    for servers in ["172.30.100.53", "168.63.129.16", "8.8.8.8", "10.0.0.4"] {
        let estate = format!(
            "netwhy: estate/1\nonPremisesSites:\n- {{ name: site, addressPrefixes: [172.30.100.0/24], dnsServers: [{servers}], \
             hosts: [{{ name: files, ipAddress: 172.30.100.20 }}] }}\n"
        );
        let network = super::load::network(&estate, &Profile::default(), &tags).expect("an estate");
        for to in ["svc.blob.core.windows.net", "www.contoso.com", "files", "10.0.0.4", "internet"] {
            let answer = trace(&network, &flow(&format!("site > {to} tcp/443")));
            let inside = to == "files";
            assert!(!inside || answer.outcome == Outcome::Allowed, "{servers}: {to}: {}", answer.outcome);
        }
    }
}
