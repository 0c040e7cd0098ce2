//! The whole estate, kind by kind, each resource handed out as soon as it is made.

use super::plan::{Hub, Plan};
use super::{endpoints, firewall, network, private_link, routing, security};
use crate::diag::At;
use crate::doc::Node;
use crate::inventory::{Origin, RawResource, ResourceId};

pub(super) const VNET: &str = "Microsoft.Network/virtualNetworks";
pub(super) const SUBNET: &str = "Microsoft.Network/virtualNetworks/subnets";
pub(super) const NSG: &str = "Microsoft.Network/networkSecurityGroups";
pub(super) const ASG: &str = "Microsoft.Network/applicationSecurityGroups";
pub(super) const ROUTE_TABLE: &str = "Microsoft.Network/routeTables";
pub(super) const FIREWALL: &str = "Microsoft.Network/azureFirewalls";
pub(super) const FIREWALL_POLICY: &str = "Microsoft.Network/firewallPolicies";
pub(super) const GROUP: &str = "Microsoft.Network/firewallPolicies/ruleCollectionGroups";
const PUBLIC_IP: &str = "Microsoft.Network/publicIPAddresses";

/// Whoever takes the resources wants no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// What a part of the estate gives back.
pub(super) type Items = Result<(), Stopped>;

/// Takes resources.
pub(super) struct Out<'a> {
    pub(super) sink: &'a mut dyn FnMut(RawResource) -> Items,
}

impl Out<'_> {
    pub(super) fn put(&mut self, id: ResourceId, body: Node) -> Items {
        (self.sink)(RawResource {
            id,
            at: At::NOWHERE,
            origin: Origin::Estate,
            uncertain: None,
            api_version: None,
            body,
        })
    }
}

/// A public address of a hub.
pub(super) fn public_ip(hub: &Hub, word: &str) -> ResourceId {
    ResourceId::in_group(&hub.subscription(), &hub.group(), PUBLIC_IP, &format!("pip-{word}-{}", hub.tail()))
}

/// Hands out every resource. All of one kind come together.
pub(super) fn estate(plan: &Plan, out: &mut Out<'_>) -> Items {
    network::networks(plan, out)?;
    security::groups(plan, out)?;
    security::application_groups(plan, out)?;
    routing::tables(plan, out)?;
    endpoints::interfaces(plan, out)?;
    endpoints::public_ips(plan, out)?;
    endpoints::machines(plan, out)?;
    endpoints::nat_gateways(plan, out)?;
    network::gateways(plan, out)?;
    network::wan(plan, out)?;
    endpoints::balancers(plan, out)?;
    network::bastions(plan, out)?;
    firewall::firewalls(plan, out)?;
    firewall::policies(plan, out)?;
    firewall::collection_groups(plan, out)?;
    private_link::endpoints(plan, out)?;
    private_link::zone_groups(plan, out)?;
    private_link::zones(plan, out)?;
    private_link::links(plan, out)?;
    private_link::services(plan, out)
}
