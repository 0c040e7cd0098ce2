//! What stands in the subnets: interfaces, machines, balancers, NAT gateways, public addresses.

use super::estate::{Items, Out, public_ip};
use super::plan::{Hub, Plan, Spoke};
use super::value::{object, part, put, reference};
use super::{network, security};
use crate::doc::{Node, Object};
use crate::inventory::ResourceId;
use crate::net::Ipv4Addr;

fn in_spoke(spoke: &Spoke, kind: &str, name: &str) -> ResourceId {
    ResourceId::in_group(&spoke.subscription(), &spoke.group(), &format!("Microsoft.Network/{kind}"), name)
}

/// The NAT gateway of a spoke that has one.
pub(super) fn nat_gateway_id(spoke: &Spoke) -> ResourceId {
    in_spoke(spoke, "natGateways", &format!("ng-{}", spoke.tail()))
}

fn nat_address_id(spoke: &Spoke) -> ResourceId {
    in_spoke(spoke, "publicIPAddresses", &format!("pip-ng-{}", spoke.tail()))
}

fn balancer_id(spoke: &Spoke) -> ResourceId {
    in_spoke(spoke, "loadBalancers", &format!("lbi-app-{}", spoke.tail()))
}

fn machine_id(subscription: &str, group: &str, interface: &str) -> ResourceId {
    let name = interface.replacen("nic-", "vm-", 1);
    ResourceId::in_group(subscription, group, "Microsoft.Compute/virtualMachines", &name)
}

/// An interface of one address.
fn interface(ip: u32, subnet: &ResourceId, more: &[(&str, Node)]) -> Object {
    let mut properties = Object::new();
    put(&mut properties, "privateIPAddress", Ipv4Addr::from(ip).to_string());
    put(&mut properties, "subnet", reference(subnet));
    for (key, value) in more {
        put(&mut properties, key, value.clone());
    }
    let configuration = object! { "name": "ipconfig1", "properties": properties };
    let mut out = Object::new();
    put(&mut out, "ipConfigurations", vec![configuration]);
    out
}

/// Every interface.
pub(super) fn interfaces(plan: &Plan, out: &mut Out<'_>) -> Items {
    let put_one = |out: &mut Out<'_>, place: (&str, &str, &str), name: &str, mut properties: Object| {
        let (subscription, group, location) = place;
        if plan.sizes.machines {
            put(&mut properties, "virtualMachine", reference(&machine_id(subscription, group, name)));
        }
        let id = ResourceId::in_group(subscription, group, "Microsoft.Network/networkInterfaces", name);
        out.put(id, object! { "location": location, "properties": properties })
    };
    for hub in plan.hubs() {
        let (subscription, group) = (hub.subscription(), hub.group());
        let subnet = network::hub_subnet(&hub, "snet-shared");
        for number in 0..plan.sizes.hub_endpoints {
            let properties = interface(hub.endpoint_ip(number), &subnet, &[]);
            let place = (&*subscription, &*group, hub.region().0);
            put_one(out, place, &hub.endpoint(number), properties)?;
        }
    }
    for spoke in plan.spokes() {
        let (subscription, group, hub) = (spoke.subscription(), spoke.group(), spoke.hub());
        let place = (&*subscription, &*group, hub.region().0);
        for tier in 0..plan.sizes.tiers {
            let subnet = network::spoke_subnet(plan, &spoke, &spoke.subnet(tier));
            let more = memberships(&spoke, tier);
            for number in 0..spoke.endpoints(tier).1 {
                let properties = interface(spoke.endpoint_ip(tier, number), &subnet, &more);
                put_one(out, place, &spoke.endpoint(tier, number), properties)?;
            }
        }
    }
    Ok(())
}

/// Groups and pools that the interfaces of a tier belong to: the group names its members of the first tier.
fn memberships(spoke: &Spoke, tier: u32) -> Vec<(&'static str, Node)> {
    let group = security::application_group(spoke).filter(|_| tier < 2);
    let pool = (spoke.is_rich() && tier == 1).then(|| balancer_id(spoke).child("backendAddressPools", "app"));
    let list = |id: ResourceId| super::value::ToNode::node(vec![reference(&id)]);
    let group = group.map(|id| ("applicationSecurityGroups", list(id)));
    group.into_iter().chain(pool.map(|id| ("loadBalancerBackendAddressPools", list(id)))).collect()
}

/// Every virtual machine: one for each interface.
pub(super) fn machines(plan: &Plan, out: &mut Out<'_>) -> Items {
    if !plan.sizes.machines {
        return Ok(());
    }
    let put_one = |out: &mut Out<'_>, subscription: &str, group: &str, location: &str, interface: &str| {
        let id = ResourceId::in_group(subscription, group, "Microsoft.Network/networkInterfaces", interface);
        let profile = object! { "networkInterfaces": vec![reference(&id)] };
        let body = object! { "location": location, "properties": object! { "networkProfile": profile } };
        out.put(machine_id(subscription, group, interface), body)
    };
    for hub in plan.hubs() {
        for number in 0..plan.sizes.hub_endpoints {
            put_one(out, &hub.subscription(), &hub.group(), hub.region().0, &hub.endpoint(number))?;
        }
    }
    for spoke in plan.spokes() {
        let (subscription, group, hub) = (spoke.subscription(), spoke.group(), spoke.hub());
        for tier in 0..plan.sizes.tiers {
            for number in 0..spoke.endpoints(tier).1 {
                put_one(out, &subscription, &group, hub.region().0, &spoke.endpoint(tier, number))?;
            }
        }
    }
    Ok(())
}

/// A public address: from the range kept for benchmarks, so that it is nobody's.
fn public(location: &str, number: u32) -> Node {
    let ip = Ipv4Addr::from(0xc612_0000 + 256 * 256 + number % 65_536).to_string();
    let properties = object! { "ipAddress": ip, "publicIPAllocationMethod": "Static" };
    object! { "location": location, "sku": object! { "name": "Standard" }, "properties": properties }
}

/// Every public address.
pub(super) fn public_ips(plan: &Plan, out: &mut Out<'_>) -> Items {
    let words: &[&str] = match plan.settings.shape {
        super::Shape::HubSpoke => &["afw", "vgw", "bas"],
        _ => &[],
    };
    let mut number = 0;
    let mut next = || {
        number += 1;
        number
    };
    for hub in plan.hubs() {
        for word in words {
            out.put(public_ip(&hub, word), public(hub.region().0, next()))?;
        }
    }
    for spoke in plan.spokes().filter(Spoke::is_rich) {
        out.put(nat_address_id(&spoke), public(spoke.hub().region().0, next()))?;
    }
    Ok(())
}

/// Every NAT gateway.
pub(super) fn nat_gateways(plan: &Plan, out: &mut Out<'_>) -> Items {
    for spoke in plan.spokes().filter(Spoke::is_rich) {
        let properties = object! { "publicIpAddresses": vec![reference(&nat_address_id(&spoke))] };
        let body = object! {
            "location": spoke.hub().region().0, "sku": object! { "name": "Standard" }, "properties": properties,
        };
        out.put(nat_gateway_id(&spoke), body)?;
    }
    Ok(())
}

/// Every load balancer: internal, in front of the app tier.
pub(super) fn balancers(plan: &Plan, out: &mut Out<'_>) -> Items {
    for spoke in plan.spokes().filter(Spoke::is_rich) {
        let hub: Hub = spoke.hub();
        let id = balancer_id(&spoke);
        let child = |kind: &str, name: &str| reference(&id.child(kind, name));
        let frontend = part! { "front",
            "privateIPAddress": spoke.balancer_ip(1),
            "subnet": reference(&network::spoke_subnet(plan, &spoke, &spoke.subnet(1))),
        };
        let rule = part! { "https",
            "frontendIPConfiguration": child("frontendIPConfigurations", "front"),
            "backendAddressPool": child("backendAddressPools", "app"),
            "probe": child("probes", "https"),
            "protocol": "Tcp", "frontendPort": 443, "backendPort": 8443,
        };
        let properties = object! {
            "frontendIPConfigurations": vec![frontend],
            "backendAddressPools": vec![object! { "name": "app" }],
            "loadBalancingRules": vec![rule],
            "probes": vec![part! { "https", "protocol": "Tcp", "port": 8443 }],
        };
        let body = object! { "location": hub.region().0, "sku": object! { "name": "Standard" }, "properties": properties };
        out.put(id, body)?;
    }
    Ok(())
}
