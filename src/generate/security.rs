//! Security groups: a template for each tier in several versions, and rules that only one spoke has.

use super::estate::{Items, Out};
use super::plan::{Plan, Spoke, TIERS};
use super::rng::{Rng, Stream};
use super::value::{object, part, reference};
use crate::doc::Node;
use crate::inventory::ResourceId;
use crate::net::Ipv4Addr;

/// Versions of the template of a tier: older spokes have older rules.
const VERSIONS: u32 = 6;

/// Ports that rules of companies name.
pub(super) const PORTS: &[&str] = &[
    "443",
    "80",
    "22",
    "3389",
    "1433",
    "5432",
    "3306",
    "6379",
    "8080",
    "8443",
    "9092",
    "5671",
    "445",
    "389",
    "636",
    "53",
    "123",
    "5985-5986",
    "8000-8100",
    "49152-65535",
];

/// One rule, before it is written.
struct Rule<'a> {
    name: String,
    priority: u32,
    inbound: bool,
    allow: bool,
    protocol: &'a str,
    source: Vec<String>,
    destination: Vec<String>,
    ports: Vec<String>,
}

impl Rule<'_> {
    fn node(self) -> Node {
        let direction = if self.inbound { "Inbound" } else { "Outbound" };
        let access = if self.allow { "Allow" } else { "Deny" };
        let mut properties = crate::doc::Object::new();
        let mut put = |key: &str, value: Node| super::value::put(&mut properties, key, value);
        put("priority", super::value::ToNode::node(self.priority));
        put("direction", super::value::ToNode::node(direction));
        put("access", super::value::ToNode::node(access));
        put("protocol", super::value::ToNode::node(self.protocol));
        one_or_many(&mut put, "sourceAddressPrefix", self.source);
        put("sourcePortRange", super::value::ToNode::node("*"));
        one_or_many(&mut put, "destinationAddressPrefix", self.destination);
        one_or_many(&mut put, "destinationPortRange", self.ports);
        object! { "name": self.name, "properties": super::value::ToNode::node(properties) }
    }
}

/// Azure writes one value as `...Prefix` and several as `...Prefixes`.
fn one_or_many(put: &mut impl FnMut(&str, Node), key: &str, mut values: Vec<String>) {
    match values.len() {
        1 => put(key, super::value::ToNode::node(values.remove(0))),
        _ => {
            let plural = if key.ends_with("Prefix") { format!("{key}es") } else { format!("{key}s") };
            put(&plural, super::value::ToNode::node(values));
        }
    }
}

/// A prefix of the company's other places.
pub(super) fn on_premises(rng: &mut Rng) -> String {
    format!("172.{}.{}.0/24", 16 + rng.below(16), rng.below(256))
}

fn elsewhere(plan: &Plan, rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => plan.spoke(rng.below(plan.sizes.spokes)).prefix(),
        1 => Ipv4Addr::from(0xc0a8_0000 + rng.below(65_536)).to_string(),
        _ => on_premises(rng),
    }
}

/// A rule of the kind of which companies have hundreds: some office or partner, some ports.
fn filler(plan: &Plan, rng: &mut Rng, word: &str, number: u32, inbound: bool, sources: u32) -> Node {
    let allow = rng.chance(75);
    let protocol = *rng.pick(&["Tcp", "Tcp", "Tcp", "Udp", "*"]);
    let theirs = (0..sources.max(1 + rng.below(3))).map(|_| elsewhere(plan, rng)).collect::<Vec<_>>();
    let ports = (0..1 + rng.below(2)).map(|_| (*rng.pick(PORTS)).to_owned()).collect::<Vec<_>>();
    let any = vec!["*".to_owned()];
    let (source, destination) = if inbound { (theirs, any) } else { (any, theirs) };
    let (verb, side) = (if allow { "allow" } else { "deny" }, if inbound { "in" } else { "out" });
    let name = format!("{verb}-{word}-{number:03}-{side}");
    let mut ports = ports;
    ports.dedup();
    let mut rule =
        Rule { name, priority: 300 + number, inbound, allow, protocol, source, destination, ports };
    rule.source.dedup();
    rule.destination.dedup();
    rule.node()
}

fn fixed(
    name: &str,
    priority: u32,
    inbound: bool,
    allow: bool,
    source: &str,
    destination: &str,
    ports: &[&str],
) -> Node {
    Rule {
        name: name.into(),
        priority,
        inbound,
        allow,
        protocol: if allow { "Tcp" } else { "*" },
        source: vec![source.into()],
        destination: vec![destination.into()],
        ports: ports.iter().map(|p| (*p).to_owned()).collect(),
    }
    .node()
}

/// What every group of a tier has, whatever its version.
fn essential(tier: u32, region: &str) -> Vec<Node> {
    let storage = format!("Storage.{region}");
    let (inbound, ports): (_, &[&str]) = match TIERS[tier as usize] {
        "web" => ("VirtualNetwork", &["80", "443"]),
        "app" => ("10.0.0.0/8", &["443", "8080"]),
        "data" => ("172.16.0.0/24", &["1433"]),
        _ => ("172.16.0.0/24", &["22", "3389"]),
    };
    let mut rules = vec![
        fixed("allow-balancer-in", 100, true, true, "AzureLoadBalancer", "*", &["*"]),
        fixed("allow-clients-in", 110, true, true, inbound, "*", ports),
        fixed("deny-all-in", 4096, true, false, "*", "*", &["*"]),
        fixed("allow-company-out", 120, false, true, "*", "10.0.0.0/8", &["443", "1433", "8080"]),
        fixed("allow-storage-out", 130, false, true, "*", &storage, &["443"]),
        fixed("allow-monitor-out", 140, false, true, "*", "AzureMonitor", &["443"]),
    ];
    if tier > 0 {
        rules.push(fixed("deny-internet-out", 4000, false, false, "*", "Internet", &["*"]));
    }
    rules
}

/// What only this spoke has: its own prefixes, a partner, and on some an application security group.
fn own(plan: &Plan, spoke: &Spoke, tier: u32, asg: Option<&ResourceId>) -> Vec<Node> {
    let mut rng = plan.rng(Stream::Group, spoke.number * 8 + tier);
    let before = spoke.tier_prefix(tier.saturating_sub(1));
    let here = spoke.tier_prefix(tier);
    let port = *rng.pick(&["8080", "1433", "5432", "9092"]);
    let mut rules = vec![fixed("allow-tier-before-in", 200, true, true, &before, &here, &[port, "443"])];
    let partner = plan.spoke(rng.below(plan.sizes.spokes));
    rules.push(fixed(
        "allow-partner-in",
        210,
        true,
        true,
        &partner.tier_prefix(tier.min(1)),
        &here,
        &["443", "1433"],
    ));
    rules.push(fixed("deny-partner-out", 220, false, false, &here, &partner.prefix(), &["22", "445"]));
    if let Some(asg) = asg {
        rules.push(part! { "allow-group-in",
            "priority": 230, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
            "sourceApplicationSecurityGroups": vec![reference(asg)], "sourcePortRange": "*",
            "destinationAddressPrefix": "*", "destinationPortRange": "8443",
        });
    }
    rules
}

/// Fills up with rules until there are enough: those of the template, and with `--unique` half of them the group's
/// own.
fn fill(plan: &Plan, rules: &mut Vec<Node>, template: &[Node], number: u32, wanted: usize) {
    let missing = wanted.saturating_sub(rules.len());
    let own = if plan.settings.unique { missing / 2 } else { 0 };
    rules.extend(template.iter().take(missing - own).cloned());
    let mut rng = plan.rng(Stream::Group, 0x4000_0000 + number);
    let first = missing as u32;
    rules.extend((0..own as u32).map(|i| filler(plan, &mut rng, "own", first + i, i % 2 == 0, 1)));
}

/// The shared part of a tier in a version.
fn template(plan: &Plan, tier: u32, version: u32) -> Vec<Node> {
    let mut rng = plan.rng(Stream::Template, tier * VERSIONS + version);
    (0..plan.sizes.rules).map(|i| filler(plan, &mut rng, "corp", i, i % 5 < 3, 1)).collect()
}

/// The id of the security group of a tier of a spoke.
pub(super) fn group_id(plan: &Plan, spoke: &Spoke, tier: u32) -> ResourceId {
    let number = spoke.nsg_number(tier);
    let (owner, tier) = (plan.spoke(number / plan.sizes.tiers), number % plan.sizes.tiers);
    let name = format!("nsg-{}-{}", TIERS[tier as usize], owner.tail());
    ResourceId::in_group(&owner.subscription(), &owner.group(), super::estate::NSG, &name)
}

/// The application security group of a spoke, where it has one.
pub(super) fn application_group(spoke: &Spoke) -> Option<ResourceId> {
    let name = format!("asg-web-{}", spoke.tail());
    spoke
        .is_rich()
        .then(|| ResourceId::in_group(&spoke.subscription(), &spoke.group(), super::estate::ASG, &name))
}

/// Every security group.
pub(super) fn groups(plan: &Plan, out: &mut Out<'_>) -> Items {
    let templates: Vec<Vec<Node>> =
        (0..plan.sizes.tiers * VERSIONS).map(|n| template(plan, n / VERSIONS, n % VERSIONS)).collect();
    let essentials: Vec<Vec<Node>> = (0..plan.sizes.tiers * plan.sizes.regions)
        .map(|n| essential(n % plan.sizes.tiers, plan.hub(n / plan.sizes.tiers).region().2))
        .collect();
    for number in 0..plan.sizes.groups {
        let (spoke, tier) = (plan.spoke(number / plan.sizes.tiers), number % plan.sizes.tiers);
        let hub = spoke.hub();
        let region = hub.number % plan.sizes.regions;
        let version = plan.rng(Stream::Spoke, spoke.number).below(VERSIONS);
        let asg = application_group(&spoke).filter(|_| tier == 1);
        let mut rules = essentials[(region * plan.sizes.tiers + tier) as usize].clone();
        rules.extend(own(plan, &spoke, tier, asg.as_ref()));
        let template = &templates[(tier * VERSIONS + version) as usize];
        fill(plan, &mut rules, template, number, plan.sizes.rules as usize);
        if number == 0 && plan.sizes.probe_rules > 0 {
            rules = probe(plan);
        }
        let body = object! { "location": hub.region().0, "properties": object! { "securityRules": rules } };
        out.put(group_id(plan, &spoke, tier), body)?;
    }
    Ok(())
}

/// A group at Azure's limits: 1,000 rules with four sources each.
fn probe(plan: &Plan) -> Vec<Node> {
    let mut rng = plan.rng(Stream::Group, u32::MAX);
    let mut rules = essential(0, plan.hub(0).region().2);
    let more = plan.sizes.probe_rules - rules.len() as u32;
    rules.extend((0..more).map(|i| filler(plan, &mut rng, "limit", i, i % 2 == 0, 4)));
    rules
}

/// Every application security group.
pub(super) fn application_groups(plan: &Plan, out: &mut Out<'_>) -> Items {
    for spoke in plan.spokes() {
        if let Some(id) = application_group(&spoke) {
            out.put(id, object! { "location": spoke.hub().region().0, "properties": object! {} })?;
        }
    }
    Ok(())
}
