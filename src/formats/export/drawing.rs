//! The drawing of hub and spokes that `cloudnet-draw` collects from a subscription.
//!
//! It tells address spaces, subnets, which of them have a security group or a route table, and who is peered
//! with whom. What those hold it does not tell, so every flow that meets one is unknown. Subscriptions have
//! names and no ids; the ids of the networks are made from names, so nothing of another file meets them.

use super::shape;
use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::doc::{Entry, Node, Object};
use crate::inventory::{Origin, RawResource, ResourceId};
use crate::net::parse_prefix;

/// Whether a document is such a drawing.
pub(super) fn is_one(node: &Node) -> bool {
    networks(node).next().is_some_and(|n| n.get("subnets").is_some() && n.get("peerings").is_some())
        && node.get("spokes").is_some_and(|s| s.as_array().is_some())
}

fn networks(node: &Node) -> impl Iterator<Item = &Node> {
    let spokes = node.get("spokes").and_then(Node::as_array).unwrap_or_default();
    let hubs = node.get("hubs").and_then(Node::as_array).unwrap_or_default();
    node.get("hub").into_iter().chain(hubs).chain(spokes).filter(|n| word(n, "name").is_some())
}

fn word<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    node.get(key).and_then(Node::as_str).filter(|t| !t.is_empty())
}

/// The networks of a drawing, with everything it does not tell as unknown.
pub(super) fn resources(node: &Node, notes: &mut Diagnostics) -> Vec<RawResource> {
    let mut out = Vec::new();
    for network in networks(node) {
        let Some(id) = id_of(node, network) else { continue };
        let resource = shape::resource(&drawn(node, network, &id), notes);
        out.extend(resource.map(|raw| RawResource { origin: Origin::Deployed, ..raw }));
    }
    for (number, raw) in out.iter().enumerate() {
        let message =
            format!("the drawing does not tell the rules, routes and peering flags of `{}`", raw.id.name());
        let note = Diagnostic::new(Code::UnknownValue, raw.at, message);
        let help =
            "export with `az network vnet list`, `az network nsg list` and `az network route-table list`";
        notes.push(if number == 0 { note.help(help) } else { note });
    }
    out
}

fn id_of(root: &Node, network: &Node) -> Option<ResourceId> {
    let named =
        |name: &str| networks(root).find(|n| word(n, "name").is_some_and(|w| w.eq_ignore_ascii_case(name)));
    let network = word(network, "name").and_then(named)?;
    let name = word(network, "name")?;
    let subscription = word(network, "subscription_name").unwrap_or("unnamed").replace(['/', ' '], "-");
    let scope = format!("/subscriptions/{subscription}/resourceGroups/drawn");
    Some(ResourceId::under(&scope, "Microsoft.Network/virtualNetworks", name))
}

/// A network as an export would show it.
fn drawn(root: &Node, network: &Node, id: &ResourceId) -> Node {
    let at = network.at;
    let text = |text: &str| Node::string(at, text);
    let prefixes = network.get("address_space").map(|space| match space.as_array() {
        Some(items) => items.iter().flat_map(prefixes).collect(),
        None => prefixes(space),
    });
    let subnets = network.get("subnets").and_then(Node::as_array).unwrap_or_default();
    let peerings = network.get("peerings").and_then(Node::as_array).unwrap_or_default();
    let properties = object(
        at,
        [
            (
                "addressSpace",
                object(at, [("addressPrefixes", Node::array(at, prefixes.unwrap_or_default()))]),
            ),
            ("subnets", Node::array(at, subnets.iter().filter_map(subnet).collect())),
            (
                "virtualNetworkPeerings",
                Node::array(at, peerings.iter().filter_map(|p| peering(root, p)).collect()),
            ),
        ],
    );
    object(at, [("id", text(id.as_str())), ("name", text(id.name())), ("properties", properties)])
}

fn prefixes(node: &Node) -> Vec<Node> {
    let parts = node.as_str().unwrap_or_default().split(',').map(str::trim);
    parts.filter(|p| parse_prefix(p).is_some()).map(|p| Node::string(node.at, p)).collect()
}

fn subnet(node: &Node) -> Option<Node> {
    let at = node.at;
    let mut properties = Object::new();
    let address = node.get("address")?;
    properties.set("addressPrefix", address.at, address.clone());
    for (key, property) in [("nsg", "networkSecurityGroup"), ("udr", "routeTable")] {
        if !word(node, key).is_some_and(|w| w.eq_ignore_ascii_case("no")) {
            let why = format!("the drawing does not tell which {property} it has");
            properties.set(property, at, Node::unknown(at, why));
        }
    }
    let name = Node::string(at, word(node, "name")?);
    Some(object(at, [("name", name), ("properties", Node::object(at, properties))]))
}

fn peering(root: &Node, node: &Node) -> Option<Node> {
    let at = node.at;
    let name = node.as_str()?;
    let named = networks(root).find(|n| word(n, "name").is_some_and(|w| w.eq_ignore_ascii_case(name)));
    let remote = match named.and_then(|n| id_of(root, n)) {
        Some(id) => object(at, [("id", Node::string(at, id.as_str()))]),
        None => Node::unknown(at, format!("`{name}` is not in the drawing")),
    };
    let untold = |what: &str| Node::unknown(at, format!("the drawing does not tell `{what}`"));
    let flags =
        ["allowVirtualNetworkAccess", "allowForwardedTraffic", "allowGatewayTransit", "useRemoteGateways"];
    let mut properties: Object = flags.iter().map(|flag| entry(at, flag, untold(flag))).collect();
    properties.set("remoteVirtualNetwork", at, remote);
    properties.set("peeringState", at, untold("peeringState"));
    Some(object(at, [("name", Node::string(at, name)), ("properties", Node::object(at, properties))]))
}

fn entry(at: At, key: &str, value: Node) -> Entry {
    Entry { key: key.into(), key_at: at, value }
}

fn object<const N: usize>(at: At, entries: [(&str, Node); N]) -> Node {
    Node::object(at, entries.into_iter().map(|(key, value)| entry(at, key, value)).collect())
}
