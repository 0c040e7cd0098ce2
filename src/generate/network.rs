//! Virtual networks with their subnets and peerings, gateways, Virtual WAN.

use super::estate::{Items, Out, SUBNET, VNET, public_ip};
use super::plan::{CLUSTER, Hub, Plan, Shape, Spoke};
use super::rng::Stream;
use super::value::{ToNode, object, part, put, reference};
use super::{endpoints, firewall, routing, security};
use crate::doc::{Node, Object};
use crate::inventory::ResourceId;

/// The id of a spoke's network.
pub(super) fn spoke_vnet(plan: &Plan, spoke: &Spoke) -> ResourceId {
    if plan.is_flat() {
        return hub_vnet(&spoke.hub());
    }
    ResourceId::in_group(&spoke.subscription(), &spoke.group(), VNET, &spoke.vnet())
}

/// The id of a subnet of a spoke.
pub(super) fn spoke_subnet(plan: &Plan, spoke: &Spoke, name: &str) -> ResourceId {
    spoke_vnet(plan, spoke).child("subnets", name)
}

/// The id of a hub's network.
pub(super) fn hub_vnet(hub: &Hub) -> ResourceId {
    ResourceId::in_group(&hub.subscription(), &hub.group(), VNET, &hub.vnet())
}

/// The id of a subnet of a hub.
pub(super) fn hub_subnet(hub: &Hub, name: &str) -> ResourceId {
    let full = format!("{}/{name}", hub.vnet());
    ResourceId::in_group(&hub.subscription(), &hub.group(), SUBNET, &full)
}

/// The id of a Virtual WAN hub.
pub(super) fn wan_hub_id(hub: &Hub) -> ResourceId {
    let name = format!("vhub-{}", hub.tail());
    ResourceId::in_group(&hub.subscription(), &hub.group(), "Microsoft.Network/virtualHubs", &name)
}

fn wan_id(plan: &Plan) -> ResourceId {
    let hub = plan.hub(0);
    ResourceId::in_group(&hub.subscription(), &hub.group(), "Microsoft.Network/virtualWans", "vwan-company")
}

/// Every virtual network: hubs, then spokes.
pub(super) fn networks(plan: &Plan, out: &mut Out<'_>) -> Items {
    for hub in plan.hubs() {
        let mut subnets = hub_subnets(plan, &hub);
        if plan.is_flat() {
            subnets.extend(hub.spokes().flat_map(|n| spoke_subnets(plan, &plan.spoke(n))));
        }
        let network = Network { prefix: hub.prefix(), location: hub.region().0, subnets, dns: None };
        out.put(hub_vnet(&hub), network.body(hub_peerings(plan, &hub)))?;
    }
    if plan.is_flat() {
        return Ok(());
    }
    for spoke in plan.spokes() {
        let hub = spoke.hub();
        let asks = plan.has_firewall() && !super::private_link::is_linked(plan, &spoke);
        let network = Network {
            prefix: spoke.prefix(),
            location: hub.region().0,
            subnets: spoke_subnets(plan, &spoke),
            dns: asks.then(|| hub.firewall_ip()),
        };
        out.put(spoke_vnet(plan, &spoke), network.body(spoke_peerings(plan, &spoke)))?;
    }
    Ok(())
}

struct Network {
    prefix: String,
    location: &'static str,
    subnets: Vec<Node>,
    dns: Option<String>,
}

impl Network {
    fn body(self, peerings: Vec<Node>) -> Node {
        let mut properties = Object::new();
        put(&mut properties, "addressSpace", object! { "addressPrefixes": vec![self.prefix] });
        if let Some(server) = self.dns {
            put(&mut properties, "dhcpOptions", object! { "dnsServers": vec![server] });
        }
        put(&mut properties, "subnets", self.subnets);
        if !peerings.is_empty() {
            put(&mut properties, "virtualNetworkPeerings", peerings);
        }
        object! { "location": self.location, "properties": properties }
    }
}

fn subnet(name: &str, prefix: &str, more: &[(&str, Node)]) -> Node {
    let mut properties = Object::new();
    put(&mut properties, "addressPrefix", prefix);
    for (key, value) in more {
        put(&mut properties, key, value.clone());
    }
    object! { "name": name, "properties": properties }
}

fn hub_subnets(plan: &Plan, hub: &Hub) -> Vec<Node> {
    let table = |word: &str| vec![("routeTable", reference(&routing::hub_table_id(hub, word)))];
    let mut subnets = Vec::new();
    if plan.is_hub_spoke() {
        subnets.push(subnet("AzureFirewallSubnet", &hub.firewall_prefix(), &table("firewall")));
        subnets.push(subnet("GatewaySubnet", &hub.gateway_prefix(), &table("gateway")));
        subnets.push(subnet("AzureBastionSubnet", &hub.bastion_prefix(), &[]));
        subnets.push(subnet("snet-shared", &hub.shared_prefix(), &table("shared")));
    } else {
        subnets.push(subnet("snet-shared", &hub.shared_prefix(), &[]));
    }
    let policies = [("privateEndpointNetworkPolicies", "Enabled".node())];
    subnets.push(subnet("snet-endpoints", &hub.private_prefix(), &policies));
    subnets
}

fn spoke_subnets(plan: &Plan, spoke: &Spoke) -> Vec<Node> {
    let mut rng = plan.rng(Stream::Spoke, 0x4000_0000 + spoke.number);
    let mut subnets: Vec<Node> = (0..plan.sizes.tiers)
        .map(|tier| {
            let mut more = vec![("networkSecurityGroup", reference(&security::group_id(plan, spoke, tier)))];
            if let Some(name) = spoke.table(tier) {
                more.push(("routeTable", reference(&routing::table_id(spoke, &name))));
            }
            if tier == 0 && spoke.is_rich() {
                more.push(("natGateway", reference(&endpoints::nat_gateway_id(spoke))));
            }
            if tier > 0 && rng.chance(30) {
                let services = vec![
                    object! { "service": "Microsoft.Storage" },
                    object! { "service": "Microsoft.KeyVault" },
                ];
                more.push(("serviceEndpoints", services.node()));
            }
            subnet(&spoke.subnet(tier), &spoke.tier_prefix(tier), &more)
        })
        .collect();
    let word = if rng.chance(30) { "Enabled" } else { "Disabled" };
    let mut policies = vec![("privateEndpointNetworkPolicies", word.node())];
    // Without it the answers of private endpoints would find no way to other spokes.
    if let Some(name) = spoke.table(0) {
        policies.push(("routeTable", reference(&routing::table_id(spoke, &name))));
    }
    subnets.push(subnet(&spoke.private_subnet(), &spoke.private_prefix(), &policies));
    subnets
}

/// One side of a peering.
fn peering(name: String, remote: &ResourceId, transit: bool, use_remote: bool) -> Node {
    part! { name,
        "remoteVirtualNetwork": reference(remote), "allowVirtualNetworkAccess": true, "allowForwardedTraffic": true,
        "allowGatewayTransit": transit, "useRemoteGateways": use_remote,
    }
}

fn hub_peerings(plan: &Plan, hub: &Hub) -> Vec<Node> {
    match plan.settings.shape {
        Shape::Vwan | Shape::Flat => Vec::new(),
        shape => {
            let spokes = hub.spokes().map(|n| plan.spoke(n));
            let hub_spoke = shape == Shape::HubSpoke;
            let to_spoke = |spoke: Spoke| {
                peering(format!("to-app-{}", spoke.tail()), &spoke_vnet(plan, &spoke), hub_spoke, false)
            };
            let others = plan.hubs().filter(|other| other.number != hub.number && hub_spoke);
            let to_hub =
                |other: Hub| peering(format!("to-hub-{}", other.tail()), &hub_vnet(&other), false, false);
            others.map(to_hub).chain(spokes.map(to_spoke)).collect()
        }
    }
}

fn spoke_peerings(plan: &Plan, spoke: &Spoke) -> Vec<Node> {
    let hub = spoke.hub();
    let to_hub = |uses| peering("to-hub".into(), &hub_vnet(&hub), false, uses);
    match plan.settings.shape {
        Shape::HubSpoke => vec![to_hub(true)],
        Shape::Vwan | Shape::Flat => Vec::new(),
        Shape::Mesh => {
            let spokes = hub.spokes();
            let first = spokes.start + (spoke.number - spokes.start) / CLUSTER * CLUSTER;
            let cluster = first..(first + CLUSTER).min(spokes.end);
            let others = cluster.filter(|n| *n != spoke.number).map(|n| plan.spoke(n));
            let to = |other: Spoke| {
                peering(format!("to-app-{}", other.tail()), &spoke_vnet(plan, &other), false, false)
            };
            std::iter::once(to_hub(false)).chain(others.map(to)).collect()
        }
    }
}

/// What the gateways of a hub are called.
fn gateway(hub: &Hub, kind: &str, word: &str) -> ResourceId {
    let name = format!("{word}-{}", hub.tail());
    ResourceId::in_group(&hub.subscription(), &hub.group(), &format!("Microsoft.Network/{kind}"), &name)
}

/// Gateways to the company's own places, with the other ends and the connections.
pub(super) fn gateways(plan: &Plan, out: &mut Out<'_>) -> Items {
    if !plan.is_hub_spoke() {
        return Ok(());
    }
    for hub in plan.hubs() {
        let properties = object! {
            "gatewayType": "Vpn",
            "ipConfigurations": vec![part! { "ipconfig1",
                "subnet": reference(&hub_subnet(&hub, "GatewaySubnet")),
                "publicIPAddress": reference(&public_ip(&hub, "vgw")),
            }],
        };
        let body = object! { "location": hub.region().0, "properties": properties };
        out.put(gateway(&hub, "virtualNetworkGateways", "vgw"), body)?;
    }
    for hub in plan.hubs() {
        let properties = object! {
            "localNetworkAddressSpace": object! { "addressPrefixes": vec!["172.16.0.0/12", "192.168.0.0/16"] },
            "gatewayIpAddress": format!("203.0.113.{}", hub.number % 250 + 1),
        };
        let body = object! { "location": hub.region().0, "properties": properties };
        out.put(gateway(&hub, "localNetworkGateways", "lgw"), body)?;
    }
    for hub in plan.hubs() {
        let properties = object! {
            "connectionType": "IPsec",
            "virtualNetworkGateway1": reference(&gateway(&hub, "virtualNetworkGateways", "vgw")),
            "localNetworkGateway2": reference(&gateway(&hub, "localNetworkGateways", "lgw")),
        };
        let body = object! { "location": hub.region().0, "properties": properties };
        out.put(gateway(&hub, "connections", "con"), body)?;
    }
    Ok(())
}

/// Bastion hosts of the hubs.
pub(super) fn bastions(plan: &Plan, out: &mut Out<'_>) -> Items {
    for hub in plan.hubs().filter(|_| plan.is_hub_spoke()) {
        let configuration = part! { "ipconfig1",
            "subnet": reference(&hub_subnet(&hub, "AzureBastionSubnet")),
            "publicIPAddress": reference(&public_ip(&hub, "bas")),
        };
        let properties = object! { "ipConfigurations": vec![configuration] };
        let body = object! { "location": hub.region().0, "sku": object! { "name": "Standard" }, "properties": properties };
        out.put(gateway(&hub, "bastionHosts", "bas"), body)?;
    }
    Ok(())
}

/// Virtual WAN: the hubs, routing intent through their firewalls, and a connection for each network.
pub(super) fn wan(plan: &Plan, out: &mut Out<'_>) -> Items {
    if plan.settings.shape != Shape::Vwan {
        return Ok(());
    }
    let region = plan.hub(0).region().0;
    let properties = object! { "allowBranchToBranchTraffic": true };
    out.put(wan_id(plan), object! { "location": region, "properties": properties })?;
    for hub in plan.hubs() {
        let properties = object! {
            "addressPrefix": hub.wan_prefix(), "virtualWan": reference(&wan_id(plan)), "sku": "Standard",
            "azureFirewall": reference(&firewall::firewall_id(&hub)),
        };
        out.put(wan_hub_id(&hub), object! { "location": hub.region().0, "properties": properties })?;
    }
    for hub in plan.hubs() {
        let own = (hub.vnet(), hub_vnet(&hub));
        let spokes = hub.spokes().map(|n| plan.spoke(n)).map(|s| (s.vnet(), spoke_vnet(plan, &s)));
        for (name, vnet) in std::iter::once(own).chain(spokes) {
            let properties =
                object! { "remoteVirtualNetwork": reference(&vnet), "enableInternetSecurity": true };
            let id = wan_hub_id(&hub).child("hubVirtualNetworkConnections", &format!("con-{name}"));
            out.put(id, object! { "properties": properties })?;
        }
    }
    for hub in plan.hubs() {
        let policy = |name: &str, destination: &str| {
            object! { "name": name, "destinations": vec![destination], "nextHop": firewall::firewall_id(&hub).as_str() }
        };
        let policies = vec![policy("internet", "Internet"), policy("private", "PrivateTraffic")];
        let id = wan_hub_id(&hub).child("routingIntent", "intent");
        out.put(id, object! { "properties": object! { "routingPolicies": policies } })?;
    }
    Ok(())
}
