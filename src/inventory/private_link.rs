//! Private endpoints and private link services.

use super::read::{AnyKind, Field, Many, Ref, block, resource, words};
use super::{Asg, IpConfiguration, NetworkInterface, PrivateDnsZone, Subnet};
use crate::net::IpAddr;
use std::sync::Arc;

resource! {
    /// A private endpoint.
    pub struct PrivateEndpoint {
        /// Its subnet.
        pub subnet: Field<Ref<Subnet>> = "subnet",
        /// Connections approved on creation.
        pub connections: Many<PrivateLinkConnection> =
            "privateLinkServiceConnections" | "manualPrivateLinkServiceConnections",
        /// Connections that wait for approval: their number tells which of the above are manual.
        pub manual_connections: Many<PrivateLinkConnection> = "manualPrivateLinkServiceConnections",
        /// Static addresses.
        pub ip_configurations: Many<PrivateEndpointIp> = "ipConfigurations",
        /// Names and addresses as deployed.
        pub custom_dns_configs: Many<CustomDnsConfig> = "customDnsConfigs",
        /// Its interfaces, as deployed.
        pub network_interfaces: Many<Ref<NetworkInterface>> = "networkInterfaces",
        /// Application security groups it belongs to (ASG-5).
        pub application_security_groups: Many<Ref<Asg>> = "applicationSecurityGroups",
        /// Short form of our own files: the target resource.
        pub target: Field<Ref<AnyKind>> = "target",
        /// Short form of our own files: the sub-resources.
        pub group_ids: Many<Arc<str>> = "groupIds",
        /// Short form of our own files: the state of the connection.
        pub status: Field<ConnectionStatus> = "status",
        /// Short form of our own files: its address.
        pub private_ip_address: Field<IpAddr> = "privateIPAddress",
    }
}

block! {
    /// A connection of a private endpoint to its target.
    pub struct PrivateLinkConnection in "privateLinkServiceConnections" {
        /// The target resource.
        pub private_link_service_id: Field<Ref<AnyKind>> = "privateLinkServiceId",
        /// Sub-resources: `blob`, `vault`, `amlworkspace` ...
        pub group_ids: Many<Arc<str>> = "groupIds",
        /// State, as deployed.
        pub status: Field<ConnectionStatus> = "privateLinkServiceConnectionState.status",
    }
}

words! {
    /// State of a private endpoint connection (PE-1).
    pub enum ConnectionStatus {
        Approved = "Approved", Pending = "Pending", Rejected = "Rejected", Disconnected = "Disconnected",
    }
}

block! {
    /// A static address of a private endpoint.
    pub struct PrivateEndpointIp in "ipConfigurations" {
        /// Sub-resource.
        pub group_id: Field<Arc<str>> = "groupId",
        /// Member of it.
        pub member_name: Field<Arc<str>> = "memberName",
        /// Address.
        pub private_ip_address: Field<IpAddr> = "privateIPAddress",
    }
}

block! {
    /// A name of a private endpoint with its addresses, as deployed.
    pub struct CustomDnsConfig {
        /// The public name.
        pub fqdn: Field<Arc<str>> = "fqdn",
        /// Addresses.
        pub ip_addresses: Many<IpAddr> = "ipAddresses",
    }
}

resource! {
    /// The DNS zone group of a private endpoint: writes its records into zones.
    pub struct PrivateDnsZoneGroup {
        /// The zones.
        pub configs: Many<ZoneConfig> = "privateDnsZoneConfigs",
        /// Short form of our own files: the private endpoint.
        pub private_endpoint: Field<Ref<PrivateEndpoint>> = "privateEndpoint",
        /// Short form of our own files: the zones.
        pub private_dns_zones: Many<Ref<PrivateDnsZone>> = "privateDnsZones",
    }
}

block! {
    /// One zone of a group.
    pub struct ZoneConfig {
        /// The zone.
        pub private_dns_zone_id: Field<Ref<PrivateDnsZone>> = "privateDnsZoneId",
        /// Records written, as deployed.
        pub record_sets: Many<ZoneConfigRecord> = "recordSets",
    }
}

block! {
    /// A record a zone group wrote, as deployed.
    pub struct ZoneConfigRecord {
        /// Record name.
        pub record_set_name: Field<Arc<str>> = "recordSetName",
        /// Addresses.
        pub ip_addresses: Many<IpAddr> = "ipAddresses",
    }
}

resource! {
    /// A private link service in front of a load balancer.
    pub struct PrivateLinkService {
        /// The frontends.
        pub load_balancer_frontend_ip_configurations: Many<Ref<AnyKind>> = "loadBalancerFrontendIpConfigurations",
        /// Source addresses towards the backends.
        pub ip_configurations: Many<IpConfiguration> = "ipConfigurations",
        /// Subscriptions approved without asking.
        pub auto_approval: Many<Arc<str>> = "autoApproval.subscriptions",
        /// Subscriptions that may see it.
        pub visibility: Many<Arc<str>> = "visibility.subscriptions",
        /// Private endpoint connections, as deployed.
        pub private_endpoint_connections: Many<super::EndpointConnection> = "privateEndpointConnections",
    }
}
