//! Virtual networks, subnets and peerings.

use super::read::{Field, Many, Ref, block, resource, words};
use super::{NatGateway, Nsg, RouteTable, ServiceEndpointPolicy};
use crate::net::{IpAddr, IpNet};
use std::sync::Arc;

resource! {
    /// A virtual network. Its subnets and peerings are tables of their own.
    pub struct VirtualNetwork {
        /// Its address space.
        pub address_prefixes: Many<IpNet> = "addressSpace.addressPrefixes" | "addressPrefixes",
        /// Custom DNS servers, tried in order; none means Azure's own.
        pub dns_servers: Many<IpAddr> = "dhcpOptions.dnsServers" | "dnsServers",
        /// Whether what machines send to each other is encrypted.
        pub encryption: Field<bool> = "encryption.enabled",
        /// What becomes of what cannot be: `AllowUnencrypted` or `DropUnencrypted`.
        pub encryption_enforcement: Field<Arc<str>> = "encryption.enforcement",
        /// `Basic` for high-scale private endpoints.
        pub private_endpoint_vnet_policies: Field<Arc<str>> = "privateEndpointVNetPolicies",
        /// Subnets written inside; moved to the table of subnets.
        pub subnets: Many<Inline> = "subnets",
        /// Peerings written inside; moved to the table of peerings.
        pub virtual_network_peerings: Many<Inline> = "virtualNetworkPeerings",
    }
}

block! {
    /// A child that is read as a resource of its own.
    pub struct Inline {}
}

resource! {
    /// A subnet.
    pub struct Subnet {
        /// Its prefixes; more than one only with IPv6 or newer API versions.
        pub address_prefixes: Many<IpNet> = "addressPrefix" | "addressPrefixes",
        /// The network security group of the subnet.
        pub network_security_group: Field<Ref<Nsg>> = "networkSecurityGroup",
        /// The route table of the subnet.
        pub route_table: Field<Ref<RouteTable>> = "routeTable",
        /// The NAT gateway of the subnet.
        pub nat_gateway: Field<Ref<NatGateway>> = "natGateway",
        /// Service endpoints enabled on the subnet.
        pub service_endpoints: Many<ServiceEndpoint> = "serviceEndpoints",
        /// Service endpoint policies of the subnet.
        pub service_endpoint_policies: Many<Ref<ServiceEndpointPolicy>> = "serviceEndpointPolicies",
        /// Services the subnet is delegated to.
        pub delegations: Many<Arc<str>> = "delegations.*.serviceName",
        /// Which network policies apply to private endpoints in the subnet (PE-6).
        pub private_endpoint_network_policies: Field<PrivateEndpointNetworkPolicies> = "privateEndpointNetworkPolicies",
        /// The same for private link services.
        pub private_link_service_network_policies: Field<Arc<str>> = "privateLinkServiceNetworkPolicies",
        /// `false` makes the subnet private: no default outbound access (OUT-4).
        pub default_outbound_access: Field<bool> = "defaultOutboundAccess",
    }
}

/// A service endpoint: written as `{ service, locations }` or, in our own files, as the bare service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceEndpoint {
    /// `Microsoft.Storage`, `Microsoft.Storage.Global`, `Microsoft.KeyVault` ...
    pub service: Arc<str>,
    /// Where it is written.
    pub at: crate::diag::At,
}

impl super::read::Read for ServiceEndpoint {
    fn read(
        node: &crate::doc::Node,
        reader: &mut super::read::Reader<'_>,
    ) -> Result<Self, super::read::Unknown> {
        let service = Arc::<str>::read(node.get("service").unwrap_or(node), reader)?;
        Ok(Self { service, at: node.at })
    }

    fn inside() -> super::shape::Inside {
        super::shape::Inside::Open
    }

    fn schema() -> serde_json::Value {
        serde_json::json!({ "examples": ["Microsoft.Storage"], "anyOf": [
            { "type": "string" },
            { "type": "object", "properties": { "service": { "type": "string" } }, "required": ["service"] }
        ] })
    }
}

words! {
    /// Which policies apply to private endpoints of a subnet.
    pub enum PrivateEndpointNetworkPolicies {
        Disabled = "Disabled",
        Enabled = "Enabled",
        NetworkSecurityGroupEnabled = "NetworkSecurityGroupEnabled",
        RouteTableEnabled = "RouteTableEnabled",
    }
}

impl PrivateEndpointNetworkPolicies {
    /// Whether network security groups act on private endpoints.
    pub fn filters(self) -> bool {
        matches!(self, Self::Enabled | Self::NetworkSecurityGroupEnabled)
    }

    /// Whether route tables of clients may override the route of a private endpoint by prefix length.
    pub fn routes(self) -> bool {
        matches!(self, Self::Enabled | Self::RouteTableEnabled)
    }
}

resource! {
    /// One side of a peering.
    pub struct VirtualNetworkPeering {
        /// The other virtual network.
        pub remote_virtual_network: Field<Ref<VirtualNetwork>> = "remoteVirtualNetwork",
        /// Whether the remote space belongs to the `VirtualNetwork` tag (PEER-5).
        pub allow_virtual_network_access: Field<bool> = "allowVirtualNetworkAccess",
        /// Whether traffic forwarded by the remote side is accepted (PEER-6).
        pub allow_forwarded_traffic: Field<bool> = "allowForwardedTraffic",
        /// Whether the remote side may use this side's gateway (PEER-7).
        pub allow_gateway_transit: Field<bool> = "allowGatewayTransit",
        /// Whether this side uses the remote side's gateway (PEER-7).
        pub use_remote_gateways: Field<bool> = "useRemoteGateways",
        /// State as deployed.
        pub peering_state: Field<PeeringState> = "peeringState",
        /// Whether address spaces are in step.
        pub peering_sync_level: Field<PeeringSyncLevel> = "peeringSyncLevel",
        /// The remote space this side has synced, as deployed.
        pub remote_address_space: Many<IpNet> = "remoteAddressSpace.addressPrefixes",
        /// `false` for subnet peering (PEER-10).
        pub peer_complete_vnets: Field<bool> = "peerCompleteVnets",
        /// Whether a subnet peering joins the IPv6 space alone (PEER-10).
        pub enable_only_ipv6_peering: Field<bool> = "enableOnlyIPv6Peering",
        /// Local subnets of a subnet peering.
        pub local_subnet_names: Many<Arc<str>> = "localSubnetNames",
        /// Remote subnets of a subnet peering.
        pub remote_subnet_names: Many<Arc<str>> = "remoteSubnetNames",
    }
}

words! {
    /// State of one side of a peering.
    pub enum PeeringState { Initiated = "Initiated", Connected = "Connected", Disconnected = "Disconnected" }
}

words! {
    /// Whether the address spaces of a peering are in step.
    pub enum PeeringSyncLevel {
        FullyInSync = "FullyInSync",
        LocalNotInSync = "LocalNotInSync",
        RemoteNotInSync = "RemoteNotInSync",
        LocalAndRemoteNotInSync = "LocalAndRemoteNotInSync",
    }
}
