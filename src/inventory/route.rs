//! Route tables.

use super::read::{Field, Many, resource, shared_block, words};
use super::values::AddressWord;
use crate::net::IpAddr;
use std::sync::Arc;

resource! {
    /// A route table.
    pub struct RouteTable {
        /// Its routes.
        pub routes: Many<Route> = "routes",
        /// Whether gateway routes are kept out (RT-6).
        pub disable_bgp_route_propagation: Field<bool> = "disableBgpRoutePropagation",
        /// Whether peering routes are kept out (RT-19).
        pub disable_peering_route: Field<Arc<str>> = "disablePeeringRoute",
    }
}

shared_block! {
    /// A user-defined route.
    pub struct Route with RouteBody {
        /// A prefix or a service tag (RT-17).
        pub address_prefix: Field<AddressWord> = "addressPrefix",
        /// What happens to matching traffic.
        pub next_hop_type: Field<NextHopType> = "nextHopType",
        /// The appliance, for `VirtualAppliance`.
        pub next_hop_ip_address: Field<IpAddr> = "nextHopIpAddress",
        /// The appliances, for `VirtualApplianceEcmp`.
        pub next_hop_ip_addresses: Many<IpAddr> = "nextHop.nextHopIpAddresses" | "nextHopIpAddresses",
        /// Whether the route beats overlapping BGP routes (RT-19).
        pub has_bgp_override: Field<bool> = "hasBgpOverride",
    }
}

words! {
    /// Next hop of a user-defined route.
    pub enum NextHopType {
        VirtualAppliance = "VirtualAppliance",
        VirtualApplianceEcmp = "VirtualApplianceEcmp",
        VirtualNetworkGateway = "VirtualNetworkGateway",
        VnetLocal = "VnetLocal" | "VirtualNetwork",
        Internet = "Internet",
        None = "None",
    }
}
