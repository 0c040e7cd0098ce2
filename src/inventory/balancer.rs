//! Load balancers and application gateways.

use super::read::{AnyKind, Field, Many, Ref, block, resource, words};
use super::{IpConfiguration, PublicIpAddress, PublicIpPrefix, Sku, Subnet};
use crate::net::{IpAddr, IpNet, ProtocolMatch};
use std::sync::Arc;

resource! {
    /// A load balancer.
    pub struct LoadBalancer {
        /// Basic or Standard.
        pub sku: Field<Sku> = "sku.name" | "sku",
        /// `Regional`, or `Global` for one before the balancers of several regions.
        pub tier: Field<Arc<str>> = "sku.tier",
        /// Addresses clients use.
        pub frontend_ip_configurations: Many<FrontendIpConfiguration> = "frontendIPConfigurations",
        /// Pools.
        pub backend_address_pools: Many<BackendAddressPool> = "backendAddressPools",
        /// Rules.
        pub load_balancing_rules: Many<LoadBalancingRule> = "loadBalancingRules",
        /// Health probes.
        pub probes: Many<Probe> = "probes",
        /// Inbound NAT rules.
        pub inbound_nat_rules: Many<InboundNatRule> = "inboundNatRules",
        /// Ports for each instance of a scale set.
        pub inbound_nat_pools: Many<InboundNatPool> = "inboundNatPools",
        /// Outbound rules.
        pub outbound_rules: Many<OutboundRule> = "outboundRules",
    }
}

block! {
    /// A frontend of a load balancer or application gateway.
    pub struct FrontendIpConfiguration in "frontendIPConfigurations" {
        /// Private address.
        pub private_ip_address: Field<IpAddr> = "privateIPAddress",
        /// Subnet of a private frontend.
        pub subnet: Field<Ref<Subnet>> = "subnet",
        /// Public address.
        pub public_ip_address: Field<Ref<PublicIpAddress>> = "publicIPAddress",
        /// Public prefix, for outbound rules.
        pub public_ip_prefix: Field<Ref<PublicIpPrefix>> = "publicIPPrefix",
        /// A Gateway Load Balancer that everything passes first.
        pub gateway_load_balancer: Field<Ref<AnyKind>> = "gatewayLoadBalancer",
    }
}

block! {
    /// A pool of a load balancer.
    pub struct BackendAddressPool in "backendAddressPools" {
        /// Members by address.
        pub addresses: Many<BackendAddress> = "loadBalancerBackendAddresses" | "backendAddresses",
        /// Members by interface, as deployed.
        pub backend_ip_configurations: Many<Ref<AnyKind>> = "backendIPConfigurations",
    }
}

block! {
    /// A member of a pool by address.
    pub struct BackendAddress {
        /// The address.
        pub ip_address: Field<IpAddr> = "ipAddress",
        /// The name, for application gateways.
        pub fqdn: Field<Arc<str>> = "fqdn",
        /// The network the address is in.
        pub virtual_network: Field<Ref<super::VirtualNetwork>> = "virtualNetwork",
        /// The subnet the address is in.
        pub subnet: Field<Ref<Subnet>> = "subnet",
        /// The frontend of a regional load balancer, behind a cross-region one.
        pub frontend: Field<Ref<AnyKind>> = "loadBalancerFrontendIPConfiguration",
        /// `Up` or `Down` whatever the probes say; `None` leaves it to them.
        pub admin_state: Field<Arc<str>> = "adminState",
    }
}

block! {
    /// A load-balancing rule.
    pub struct LoadBalancingRule in "loadBalancingRules" {
        /// The frontend.
        pub frontend_ip_configuration: Field<Ref<AnyKind>> = "frontendIPConfiguration",
        /// The pool.
        pub backend_address_pool: Many<Ref<AnyKind>> = "backendAddressPool" | "backendAddressPools",
        /// The probe.
        pub probe: Field<Ref<AnyKind>> = "probe",
        /// Protocol; `All` for HA ports.
        pub protocol: Field<ProtocolMatch> = "protocol",
        /// Port of the frontend; 0 for HA ports.
        pub frontend_port: Field<i64> = "frontendPort",
        /// Port of the backend.
        pub backend_port: Field<i64> = "backendPort",
        /// Whether the destination stays the frontend's address (LB-7).
        pub enable_floating_ip: Field<bool> = "enableFloatingIP",
        /// Whether the rule gives no outbound translation.
        pub disable_outbound_snat: Field<bool> = "disableOutboundSnat",
    }
}

block! {
    /// A health probe.
    pub struct Probe in "probes" {
        /// Tcp, Http or Https.
        pub protocol: Field<Arc<str>> = "protocol",
        /// Port asked.
        pub port: Field<i64> = "port",
    }
}

block! {
    /// An inbound NAT rule.
    pub struct InboundNatRule in "inboundNatRules" {
        /// The frontend.
        pub frontend_ip_configuration: Field<Ref<AnyKind>> = "frontendIPConfiguration",
        /// The interface, as deployed.
        pub backend_ip_configuration: Field<Ref<AnyKind>> = "backendIPConfiguration",
        /// The pool, for port ranges.
        pub backend_address_pool: Field<Ref<AnyKind>> = "backendAddressPool",
        /// Protocol.
        pub protocol: Field<ProtocolMatch> = "protocol",
        /// Port of the frontend.
        pub frontend_port: Field<i64> = "frontendPort",
        /// First port of a range.
        pub frontend_port_range_start: Field<i64> = "frontendPortRangeStart",
        /// Last port of a range.
        pub frontend_port_range_end: Field<i64> = "frontendPortRangeEnd",
        /// Port of the backend.
        pub backend_port: Field<i64> = "backendPort",
        /// Whether the destination stays the frontend's address.
        pub enable_floating_ip: Field<bool> = "enableFloatingIP",
    }
}

block! {
    /// A range of ports, one for each instance of a scale set.
    pub struct InboundNatPool in "inboundNatPools" {
        /// The frontend.
        pub frontend_ip_configuration: Field<Ref<AnyKind>> = "frontendIPConfiguration",
        /// Protocol.
        pub protocol: Field<ProtocolMatch> = "protocol",
        /// First port of the range.
        pub frontend_port_range_start: Field<i64> = "frontendPortRangeStart",
        /// Last port of the range.
        pub frontend_port_range_end: Field<i64> = "frontendPortRangeEnd",
        /// Port of the backend.
        pub backend_port: Field<i64> = "backendPort",
        /// Whether the destination stays the frontend's address.
        pub enable_floating_ip: Field<bool> = "enableFloatingIP",
    }
}

block! {
    /// An outbound rule.
    pub struct OutboundRule in "outboundRules" {
        /// Frontends used as source.
        pub frontend_ip_configurations: Many<Ref<AnyKind>> = "frontendIPConfigurations",
        /// The pool it serves.
        pub backend_address_pool: Field<Ref<AnyKind>> = "backendAddressPool",
        /// Protocol.
        pub protocol: Field<ProtocolMatch> = "protocol",
    }
}

resource! {
    /// An application gateway.
    pub struct ApplicationGateway {
        /// Standard_v2, WAF_v2 ...
        pub sku: Field<Arc<str>> = "sku.tier" | "sku.name",
        /// Its subnet.
        pub gateway_ip_configurations: Many<IpConfiguration> = "gatewayIPConfigurations",
        /// Addresses clients use.
        pub frontend_ip_configurations: Many<FrontendIpConfiguration> = "frontendIPConfigurations",
        /// Ports clients use.
        pub frontend_ports: Many<FrontendPort> = "frontendPorts",
        /// Pools.
        pub backend_address_pools: Many<BackendAddressPool> = "backendAddressPools",
        /// How backends are spoken to.
        pub backend_http_settings_collection: Many<BackendHttpSettings> = "backendHttpSettingsCollection",
        /// Listeners.
        pub http_listeners: Many<HttpListener> = "httpListeners",
        /// Which pool answers which path.
        pub url_path_maps: Many<UrlPathMap> = "urlPathMaps",
        /// Rules.
        pub request_routing_rules: Many<RequestRoutingRule> = "requestRoutingRules",
        /// Private endpoint connections, as deployed.
        pub private_endpoint_connections: Many<super::EndpointConnection> = "privateEndpointConnections",
        /// Listeners for TCP and TLS, which are not followed.
        pub listeners: Many<super::Inline> = "listeners",
        /// Their rules.
        pub routing_rules: Many<super::Inline> = "routingRules",
        /// How their backends are spoken to.
        pub backend_settings_collection: Many<super::Inline> = "backendSettingsCollection",
        /// Private deployment without internet needs (NSG-25).
        pub enable_network_isolation: Field<bool> = "enableNetworkIsolation",
    }
}

block! {
    /// A port of an application gateway.
    pub struct FrontendPort in "frontendPorts" {
        /// The number.
        pub port: Field<i64> = "port",
    }
}

block! {
    /// How an application gateway speaks to a pool.
    pub struct BackendHttpSettings in "backendHttpSettingsCollection" {
        /// Port.
        pub port: Field<i64> = "port",
        /// Http or Https.
        pub protocol: Field<Arc<str>> = "protocol",
        /// Host name sent.
        pub host_name: Field<Arc<str>> = "hostName",
        /// Whether the backend's own name is sent.
        pub pick_host_name_from_backend_address: Field<bool> = "pickHostNameFromBackendAddress",
    }
}

block! {
    /// Which pool answers which path.
    pub struct UrlPathMap in "urlPathMaps" {
        /// The pool for every other path.
        pub default_backend_address_pool: Field<Ref<AnyKind>> = "defaultBackendAddressPool",
        /// How it is spoken to.
        pub default_backend_http_settings: Field<Ref<AnyKind>> = "defaultBackendHttpSettings",
        /// Where every other path is sent instead.
        pub default_redirect_configuration: Field<Ref<AnyKind>> = "defaultRedirectConfiguration",
        /// Rules by path.
        pub path_rules: Many<PathRule> = "pathRules",
    }
}

block! {
    /// A rule for paths.
    pub struct PathRule in "pathRules" {
        /// Paths.
        pub paths: Many<Arc<str>> = "paths",
        /// The pool.
        pub backend_address_pool: Field<Ref<AnyKind>> = "backendAddressPool",
        /// How it is spoken to.
        pub backend_http_settings: Field<Ref<AnyKind>> = "backendHttpSettings",
        /// Where the client is sent instead.
        pub redirect_configuration: Field<Ref<AnyKind>> = "redirectConfiguration",
    }
}

block! {
    /// A listener.
    pub struct HttpListener in "httpListeners" {
        /// Frontend.
        pub frontend_ip_configuration: Field<Ref<AnyKind>> = "frontendIPConfiguration",
        /// Port.
        pub frontend_port: Field<Ref<AnyKind>> = "frontendPort",
        /// Host names it answers; none means all.
        pub host_names: Many<Arc<str>> = "hostName" | "hostNames",
        /// Http or Https.
        pub protocol: Field<Arc<str>> = "protocol",
    }
}

block! {
    /// A rule from listener to pool.
    pub struct RequestRoutingRule in "requestRoutingRules" {
        /// Lower first.
        pub priority: Field<i64> = "priority",
        /// Listener.
        pub http_listener: Field<Ref<AnyKind>> = "httpListener",
        /// Pool.
        pub backend_address_pool: Field<Ref<AnyKind>> = "backendAddressPool",
        /// Settings.
        pub backend_http_settings: Field<Ref<AnyKind>> = "backendHttpSettings",
        /// `Basic` or `PathBasedRouting`.
        pub rule_type: Field<Arc<str>> = "ruleType",
        /// The map of paths.
        pub url_path_map: Field<Ref<AnyKind>> = "urlPathMap",
        /// Where the client is sent instead.
        pub redirect_configuration: Field<Ref<AnyKind>> = "redirectConfiguration",
    }
}

resource! {
    /// A Bastion host.
    pub struct BastionHost {
        /// Its subnet and public address.
        pub ip_configurations: Many<IpConfiguration> = "ipConfigurations",
        /// Basic, Standard, Premium or Developer.
        pub sku: Field<Arc<str>> = "sku.name" | "sku",
        /// Network of a Developer host.
        pub virtual_network: Field<Ref<super::VirtualNetwork>> = "virtualNetwork",
        /// Short form of our own files: the subnet.
        pub subnet: Field<Ref<Subnet>> = "subnet",
    }
}

words! {
    /// What a web application firewall does with a match.
    pub enum WafMode { Detection = "Detection", Prevention = "Prevention" }
}

resource! {
    /// A web application firewall policy.
    pub struct WafPolicy {
        /// Detection or prevention.
        pub mode: Field<WafMode> = "policySettings.mode",
        /// Enabled or disabled.
        pub enabled_state: Field<Arc<str>> = "policySettings.enabledState" | "policySettings.state",
        /// Prefixes are not judged; listed so that a trace can say so.
        pub custom_rules: Many<super::Inline> = "customRules" | "customRules.rules",
    }
}

block! {
    /// A prefix given to a managed service by name.
    pub struct NamedPrefix {
        /// The prefix.
        pub address_prefix: Field<IpNet> = "addressPrefix",
    }
}
