//! Exported effective routes and rules beside ours.
//!
//! An export of effective routes does not name its interface. Where somebody says which it is, its table is
//! compared; where nobody does, the table itself tells the network around it (its own space, its peers, its learnt
//! and its user-defined routes), and what Azure made of them is predicted.

use super::{Replayed, compare, json};
use crate::analysis::{AskError, Subject, effective_routes, effective_rules};
use crate::diag::{Diagnostics, Sources};
use crate::doc::{Node, parse_json};
use crate::formats::export::{EffectiveNextHop, EffectiveRoute, EffectiveRoutes};
use crate::formats::native;
use crate::inventory;
use crate::net::IpNet;
use crate::network::{self, Network};
use crate::profile::Profile;
use crate::tags::ServiceTags;
use serde_json::{Value, json};

/// Compares an exported table, as it is written, with the one of an interface.
pub fn routes_of(network: &Network, subject: &Subject, written: &Node) -> Result<Replayed, AskError> {
    let ours = effective_routes(network, subject, None)?;
    let ours = serde_json::to_value(ours).unwrap_or_default();
    Ok(side_by_side(written, "effectiveRouteTable", &subject.text, &ours))
}

/// Compares exported rules, as they are written, with those of an interface.
pub fn rules_of(network: &Network, subject: &Subject, written: &Node) -> Result<Replayed, AskError> {
    let ours = effective_rules(network, subject, None)?;
    let ours = serde_json::to_value(ours).unwrap_or_default();
    Ok(side_by_side(written, "effectiveNetworkSecurityGroups", &subject.text, &ours))
}

fn side_by_side(written: &Node, operation: &str, question: &str, ours: &Value) -> Replayed {
    let azure = match json(written) {
        Value::Array(items) => json!({ "value": items }),
        Value::Object(item) if !item.contains_key("value") => json!({ "value": [item] }),
        other => other,
    };
    Replayed {
        at: written.at,
        date: None,
        operation: operation.into(),
        question: question.into(),
        fields: compare::compare(&azure, ours),
        set_aside: Vec::new(),
        not_asked: None,
    }
}

/// Predicts an exported table from what it tells of its own network.
pub fn routes_alone(
    routes: &EffectiveRoutes,
    written: &Node,
    tags: &ServiceTags,
    profile: &Profile,
) -> Replayed {
    let question = "a subnet of the network that the table tells of";
    let blank = side_by_side(
        &Node::new(written.at, crate::doc::Value::Null),
        "effectiveRouteTable",
        question,
        &Value::Null,
    );
    let refused = |why: &str| Replayed { not_asked: Some(why.into()), ..blank.clone() };
    let Some(estate) = around(routes) else {
        return refused("the table does not tell the network's own address space");
    };
    let network = match compiled(&estate, tags, profile) {
        Some(network) => network,
        None => return refused("the network that the table tells of cannot be built"),
    };
    let ours = Subject::find(&network, "net/own").and_then(|own| effective_routes(&network, &own, None));
    match ours {
        Ok(ours) => {
            let ours = serde_json::to_value(ours).unwrap_or_default();
            side_by_side(written, "effectiveRouteTable", question, &ours)
        }
        Err(error) => refused(&error.to_string()),
    }
}

fn compiled(estate: &Value, tags: &ServiceTags, profile: &Profile) -> Option<Network> {
    let mut notes = Diagnostics::new();
    let mut sources = Sources::default();
    let text = estate.to_string();
    let file = sources.add("table", text.as_str());
    let root = parse_json(file, &text, &mut notes).ok()?;
    let inventory = inventory::build(native::load(&root, &mut notes), &mut notes);
    let network = network::compile(inventory, tags.clone(), profile.clone(), &mut notes);
    (!notes.has_errors()).then_some(network)
}

/// An estate with the network of a table: half of its space for the subnet asked about, the rest for a gateway.
fn around(table: &EffectiveRoutes) -> Option<Value> {
    let of = |source: &str, hops: &[EffectiveNextHop]| -> Vec<&EffectiveRoute> {
        let wanted =
            |r: &&EffectiveRoute| r.source.eq_ignore_ascii_case(source) && hops.contains(&r.next_hop);
        table.routes.iter().filter(wanted).collect()
    };
    let prefixes = |routes: &[&EffectiveRoute]| -> Vec<String> {
        routes.iter().flat_map(|r| &r.prefixes).map(ToString::to_string).collect()
    };
    let own = of("Default", &[EffectiveNextHop::VirtualNetwork]);
    let space = own.iter().flat_map(|r| &r.prefixes).find(|p| matches!(p, IpNet::V4(_)))?;
    let mut halves = space.subnets(space.prefix_len() + 1).ok()?;
    let (subnet, gateway) = (halves.next()?, halves.next()?);
    let peers = of("Default", &[EffectiveNextHop::Peering, EffectiveNextHop::GlobalPeering]);
    let learnt = of("VirtualNetworkGateway", &[EffectiveNextHop::Gateway]);
    let user: Vec<&EffectiveRoute> =
        table.routes.iter().filter(|r| r.source.eq_ignore_ascii_case("User")).collect();
    let mut networks = vec![json!({
        "name": "net",
        "location": "westeurope",
        "addressPrefixes": prefixes(&own),
        "subnets": [
            { "name": "own", "addressPrefix": subnet.to_string(), "routeTable": "table" },
            { "name": "GatewaySubnet", "addressPrefix": gateway.to_string() },
        ],
        "virtualNetworkPeerings": (0..peers.len()).map(|n| json!({
            "name": format!("to-{n}"), "remoteVirtualNetwork": format!("peer-{n}"),
        })).collect::<Vec<_>>(),
    })];
    for (number, peer) in peers.iter().enumerate() {
        let far = peer.next_hop == EffectiveNextHop::GlobalPeering;
        networks.push(json!({
            "name": format!("peer-{number}"),
            "location": if far { "northeurope" } else { "westeurope" },
            "addressPrefixes": prefixes(&[peer]),
            "virtualNetworkPeerings": [{ "name": "back", "remoteVirtualNetwork": "net" }],
        }));
    }
    let routes: Vec<Value> = user.iter().enumerate().flat_map(|(n, route)| user_routes(n, route)).collect();
    let mut estate = json!({
        "netwhy": "estate/1",
        "virtualNetworks": networks,
        "routeTables": [{ "name": "table", "routes": routes }],
    });
    if !learnt.is_empty() {
        estate["virtualNetworkGateways"] =
            json!([{ "name": "gw", "gatewayType": "Vpn", "subnet": "net/GatewaySubnet" }]);
        estate["onPremisesSites"] =
            json!([{ "name": "site", "addressPrefixes": prefixes(&learnt), "connectedTo": ["gw"] }]);
    }
    Some(estate)
}

fn user_routes(number: usize, route: &EffectiveRoute) -> Vec<Value> {
    let hop = match route.next_hop {
        EffectiveNextHop::VirtualNetwork => "VnetLocal",
        EffectiveNextHop::Gateway => "VirtualNetworkGateway",
        EffectiveNextHop::Internet => "Internet",
        EffectiveNextHop::Appliance => "VirtualAppliance",
        _ => "None",
    };
    let name = route.name.as_deref().map_or_else(|| format!("route-{number}"), str::to_owned);
    let written = |prefix: String| {
        let mut out = json!({ "name": name, "addressPrefix": prefix, "nextHopType": hop });
        if let (Some(ip), "VirtualAppliance") = (route.next_hop_ips.first(), hop) {
            out["nextHopIpAddress"] = Value::String(ip.to_string());
        }
        out
    };
    let tags = route.service_tags.iter().map(|tag| written(tag.to_string()));
    if route.service_tags.is_empty() {
        route.prefixes.iter().map(|prefix| written(prefix.to_string())).collect()
    } else {
        tags.collect()
    }
}
