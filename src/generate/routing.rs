//! Route tables: what all spokes of a hub share, and a few routes that only one has.

use super::estate::{Items, Out, ROUTE_TABLE};
use super::plan::{Hub, Plan, Spoke};
use super::rng::Stream;
use super::security::on_premises;
use super::value::part;
use super::value::{ToNode, object};
use crate::doc::Node;
use crate::inventory::ResourceId;
use hashbrown::HashSet;

fn to_firewall(name: String, prefix: &str, hub: &Hub) -> Node {
    part! { name, "addressPrefix": prefix, "nextHopType": "VirtualAppliance", "nextHopIpAddress": hub.firewall_ip() }
}

fn plain(name: String, prefix: &str, hop: &str) -> Node {
    part! { name, "addressPrefix": prefix, "nextHopType": hop }
}

/// What every spoke of a hub has: everything through the firewall, with hundreds of offices by name.
fn shared(plan: &Plan, hub: &Hub, wanted: usize) -> Vec<Node> {
    let mut routes = vec![
        to_firewall("default".into(), "0.0.0.0/0", hub),
        to_firewall("company".into(), "10.0.0.0/8", hub),
        to_firewall("offices".into(), "172.16.0.0/12", hub),
        to_firewall("plants".into(), "192.168.0.0/16", hub),
    ];
    let others = plan.hubs().filter(|other| other.number != hub.number);
    routes.extend(others.map(|other| to_firewall(format!("hub-{}", other.tail()), &other.block(), hub)));
    let mut rng = plan.rng(Stream::OnPremises, hub.number);
    let mut seen = HashSet::new();
    while routes.len() < wanted {
        let prefix = on_premises(&mut rng);
        if seen.insert(prefix.clone()) {
            routes.push(to_firewall(format!("office-{:04}", seen.len()), &prefix, hub));
        }
    }
    routes.truncate(wanted);
    routes
}

/// What only one spoke has: services reached past the firewall, ranges shut off.
fn own(plan: &Plan, spoke: &Spoke, count: u32) -> Vec<Node> {
    let mut rng = plan.rng(Stream::Table, spoke.number);
    let mut seen = HashSet::new();
    let mut routes = Vec::new();
    while routes.len() < count as usize {
        let (prefix, hop) = match rng.chance(70) {
            true => (format!("20.{}.{}.0/24", 33 + rng.below(128), rng.below(256)), "Internet"),
            false => (format!("198.18.{}.0/24", rng.below(256)), "None"),
        };
        if seen.insert(prefix.clone()) {
            let word = if hop == "None" { "closed" } else { "direct" };
            routes.push(plain(format!("{word}-{:03}", seen.len()), &prefix, hop));
        }
    }
    routes
}

/// The id of a table of a spoke.
pub(super) fn table_id(spoke: &Spoke, name: &str) -> ResourceId {
    ResourceId::in_group(&spoke.subscription(), &spoke.group(), ROUTE_TABLE, name)
}

/// The id of a table of a hub: for its firewall, its gateway, its shared subnet.
pub(super) fn hub_table_id(hub: &Hub, word: &str) -> ResourceId {
    let name = format!("rt-{word}-{}", hub.tail());
    ResourceId::in_group(&hub.subscription(), &hub.group(), ROUTE_TABLE, &name)
}

/// Every route table.
pub(super) fn tables(plan: &Plan, out: &mut Out<'_>) -> Items {
    if !plan.is_hub_spoke() {
        return Ok(());
    }
    let few = (plan.sizes.routes / 20).max(1);
    for hub in plan.hubs() {
        hub_tables(plan, &hub, out)?;
        let common = shared(plan, &hub, (plan.sizes.routes - few) as usize);
        for spoke in hub.spokes().map(|n| plan.spoke(n)) {
            let mut names: Vec<String> = (0..plan.sizes.tiers).filter_map(|tier| spoke.table(tier)).collect();
            names.dedup();
            for (number, name) in names.iter().enumerate() {
                let mut routes = common.clone();
                routes.extend(own(plan, &spoke, few));
                if spoke.number == 0 && number == 0 && plan.sizes.probe_routes > 0 {
                    routes = shared(plan, &hub, plan.sizes.probe_routes as usize);
                }
                table(out, table_id(&spoke, name), &hub, routes, true)?;
            }
        }
    }
    Ok(())
}

fn hub_tables(plan: &Plan, hub: &Hub, out: &mut Out<'_>) -> Items {
    let others = plan.hubs().filter(|other| other.number != hub.number);
    let mut onward: Vec<Node> =
        others.map(|other| to_firewall(format!("hub-{}", other.tail()), &other.block(), &other)).collect();
    onward.push(plain("internet".into(), "0.0.0.0/0", "Internet"));
    table(out, hub_table_id(hub, "firewall"), hub, onward, false)?;
    let spokes = vec![to_firewall("spokes".into(), &hub.block(), hub)];
    table(out, hub_table_id(hub, "gateway"), hub, spokes.clone(), false)?;
    let mut inside = spokes;
    inside.push(to_firewall("default".into(), "0.0.0.0/0", hub));
    inside.push(to_firewall("company".into(), "10.0.0.0/8", hub));
    table(out, hub_table_id(hub, "shared"), hub, inside, true)
}

fn table(out: &mut Out<'_>, id: ResourceId, hub: &Hub, routes: Vec<Node>, closed: bool) -> Items {
    let body = object! {
        "location": hub.region().0,
        "properties": object! { "disableBgpRoutePropagation": closed, "routes": routes.node() },
    };
    out.put(id, body)
}
