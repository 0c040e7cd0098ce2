//! VPN and ExpressRoute gateways, Virtual WAN, Route Server, NAT gateways.

use super::read::{AnyKind, Field, Many, Ref, block, resource, words};
use super::{AzureFirewall, IpConfiguration, PublicIpAddress, PublicIpPrefix, Subnet, VirtualNetwork};
use crate::net::{IpAddr, IpNet};
use std::sync::Arc;

resource! {
    /// A NAT gateway.
    pub struct NatGateway {
        /// Its public addresses.
        pub public_ip_addresses: Many<Ref<PublicIpAddress>> = "publicIpAddresses" | "publicIpAddress",
        /// Its public prefixes.
        pub public_ip_prefixes: Many<Ref<PublicIpPrefix>> = "publicIpPrefixes",
        /// The public addresses by which a StandardV2 gateway carries IPv6.
        pub public_ip_addresses_v6: Many<Ref<PublicIpAddress>> = "publicIpAddressesV6",
        /// The public prefixes by which it carries IPv6.
        pub public_ip_prefixes_v6: Many<Ref<PublicIpPrefix>> = "publicIpPrefixesV6",
        /// Standard or StandardV2.
        pub sku: Field<Arc<str>> = "sku.name" | "sku",
    }
}

resource! {
    /// A virtual network gateway.
    pub struct VirtualNetworkGateway {
        /// VPN or ExpressRoute.
        pub gateway_type: Field<GatewayType> = "gatewayType",
        /// Its addresses; the subnet is the GatewaySubnet.
        pub ip_configurations: Many<IpConfiguration> = "ipConfigurations",
        /// Whether BGP is on.
        pub enable_bgp: Field<bool> = "enableBgp",
        /// Point-to-site pool.
        pub vpn_client_address_pool: Many<IpNet> = "vpnClientConfiguration.vpnClientAddressPool.addressPrefixes",
        /// Extra prefixes told to point-to-site clients.
        pub custom_routes: Many<IpNet> = "customRoutes.addressPrefixes",
        /// The address it speaks BGP from, and a second one where two instances do.
        pub bgp_peering_address: Field<Arc<str>> = "bgpSettings.bgpPeeringAddress",
        /// Whether an ExpressRoute gateway takes in what comes from other virtual networks over its circuits.
        pub allow_remote_vnet_traffic: Field<bool> = "allowRemoteVnetTraffic",
        /// Forced tunnelling target.
        pub gateway_default_site: Field<Ref<LocalNetworkGateway>> = "gatewayDefaultSite",
        /// Short form of our own files: the subnet.
        pub subnet: Field<Ref<Subnet>> = "subnet",
    }
}

words! {
    /// Kind of gateway.
    pub enum GatewayType { Vpn = "Vpn", ExpressRoute = "ExpressRoute", LocalGateway = "LocalGateway" }
}

resource! {
    /// The other end of a site-to-site connection.
    pub struct LocalNetworkGateway {
        /// Its address space; static routes without BGP.
        pub address_prefixes: Many<IpNet> = "localNetworkAddressSpace.addressPrefixes" | "addressPrefixes",
        /// Its public address.
        pub gateway_ip_address: Field<IpAddr> = "gatewayIpAddress",
        /// Whether it speaks BGP.
        pub asn: Field<i64> = "bgpSettings.asn",
    }
}

resource! {
    /// A connection of a gateway.
    pub struct Connection {
        /// The gateway.
        pub virtual_network_gateway1: Field<Ref<VirtualNetworkGateway>> = "virtualNetworkGateway1",
        /// The other gateway, for `Vnet2Vnet`.
        pub virtual_network_gateway2: Field<Ref<VirtualNetworkGateway>> = "virtualNetworkGateway2",
        /// The other end, for `IPsec`.
        pub local_network_gateway2: Field<Ref<LocalNetworkGateway>> = "localNetworkGateway2",
        /// The circuit, for `ExpressRoute`.
        pub peer: Field<Ref<ExpressRouteCircuit>> = "peer",
        /// Kind of connection.
        pub connection_type: Field<Arc<str>> = "connectionType",
        /// Whether BGP runs over it.
        pub enable_bgp: Field<bool> = "enableBgp",
        /// State as deployed.
        pub connection_status: Field<Arc<str>> = "connectionStatus",
        /// FastPath.
        pub express_route_gateway_bypass: Field<bool> = "expressRouteGatewayBypass",
    }
}

resource! {
    /// An ExpressRoute circuit.
    pub struct ExpressRouteCircuit {
        /// Whether the provider has set it up, as deployed.
        pub service_provider_provisioning_state: Field<Arc<str>> = "serviceProviderProvisioningState",
    }
}

resource! {
    /// An on-premises site: what Azure resources do not hold.
    pub struct OnPremisesSite {
        /// Its address space, announced to Azure through its gateways.
        pub address_prefixes: Many<IpNet> = "addressPrefixes",
        /// The gateways (or hub gateways) it is connected to.
        pub connected_to: Many<Ref<AnyKind>> = "connectedTo",
        /// Prefixes it announces where they differ from its address space (`0.0.0.0/0` forces tunnelling).
        pub advertises: Many<IpNet> = "advertises",
        /// Its DNS servers, tried in order.
        pub dns_servers: Many<IpAddr> = "dnsServers",
        /// What its DNS servers forward, and where to.
        pub dns_forwarding: Many<super::DnsForwarding> = "dnsForwarding",
        /// Whether its clients reach the internet by themselves; absent means yes.
        pub internet_access: Field<bool> = "internetAccess",
        /// The public address its internet traffic leaves from.
        pub public_ip_address: Field<IpAddr> = "publicIPAddress",
        /// Hosts worth a name.
        pub hosts: Many<OnPremisesHost> = "hosts",
        /// Prefixes its routers send to the gateways; absent means everything Azure announces.
        pub routes: Many<IpNet> = "routes",
        /// Whether it is a set of point-to-site clients.
        pub point_to_site: Field<bool> = "pointToSite",
    }
}

impl OnPremisesSite {
    /// The longest prefix by which the site itself holds an address: that of a host, or of its space. A default
    /// route written among its prefixes is a way it offers, and no space of its own.
    pub fn holds(&self, ip: IpAddr) -> Option<u8> {
        let host = self.hosts.iter().any(|h| h.ip_address.is(ip));
        let space = self.own_prefixes().filter(|p| p.contains(&ip)).map(IpNet::prefix_len).max();
        if host { Some(if ip.is_ipv4() { 32 } else { 128 }) } else { space }
    }

    /// The prefixes it has addresses of its own in.
    pub fn own_prefixes(&self) -> impl Iterator<Item = &IpNet> {
        self.address_prefixes.iter().filter(|p| !is_way_out(p))
    }

    /// What it announces through its gateways.
    pub fn announces(&self) -> &Many<IpNet> {
        if self.advertises.given { &self.advertises } else { &self.address_prefixes }
    }

    /// Whether it says no more of an address than that everything goes its way: it has no space of its own.
    pub fn is_only_a_way(&self) -> bool {
        !self.address_prefixes.is_empty() && self.own_prefixes().next().is_none()
    }
}

/// Whether a prefix is too wide for anybody to hold, so that it stands for a way to everything: `0.0.0.0/0`, its
/// halves, `::/0`.
pub fn is_way_out(prefix: &IpNet) -> bool {
    let nobody_holds = if prefix.addr().is_ipv4() { 8 } else { 4 };
    prefix.prefix_len() < nobody_holds
}

block! {
    /// A host of an on-premises site.
    pub struct OnPremisesHost in "hosts" {
        /// Its address.
        pub ip_address: Field<IpAddr> = "ipAddress" | "privateIPAddress",
        /// Ports that answer; absent means any port asked.
        pub listens: Many<crate::net::PortRange> = "listens",
        /// As a DNS server: where it sends questions it does not answer itself.
        pub dns_forwarding: Many<super::DnsForwarding> = "dnsForwarding",
    }
}

resource! {
    /// A route learnt by BGP that only a deployment knows.
    pub struct BgpRoute {
        /// The prefix.
        pub address_prefix: Field<IpNet> = "addressPrefix",
        /// The gateway or Route Server that learnt it.
        pub learned_by: Field<Ref<AnyKind>> = "learnedBy",
        /// The site it leads to.
        pub site: Field<Ref<OnPremisesSite>> = "site",
        /// For Route Server: the appliance that announced it.
        pub next_hop_ip_address: Field<IpAddr> = "nextHopIpAddress",
        /// AS path, for the choice among several.
        pub as_path: Field<Arc<str>> = "asPath",
        /// BGP communities it bears; `NO_ADVERTISE` keeps it from being announced further (RS-7).
        pub communities: Many<Arc<str>> = "communities",
    }
}

resource! {
    /// A Virtual WAN.
    pub struct VirtualWan {
        /// Whether branches reach each other.
        pub allow_branch_to_branch_traffic: Field<bool> = "allowBranchToBranchTraffic",
    }
}

resource! {
    /// A Virtual WAN hub, or (with a subnet) a Route Server.
    pub struct VirtualHub {
        /// The hub's own space.
        pub address_prefix: Field<IpNet> = "addressPrefix",
        /// The WAN.
        pub virtual_wan: Field<Ref<VirtualWan>> = "virtualWan",
        /// Its firewall.
        pub azure_firewall: Field<Ref<AzureFirewall>> = "azureFirewall",
        /// Best-path preference.
        pub hub_routing_preference: Field<HubRoutingPreference> = "hubRoutingPreference",
        /// Route Server: whether branches reach each other.
        pub allow_branch_to_branch_traffic: Field<bool> = "allowBranchToBranchTraffic",
        /// Standard or Basic.
        pub sku: Field<Arc<str>> = "sku" | "sku.name",
        /// Route Server: its subnet.
        pub ip_configurations: Many<IpConfiguration> = "ipConfigurations",
        /// Route Server: the appliances it speaks BGP with.
        pub bgp_connections: Many<BgpConnection> = "bgpConnections",
    }
}

words! {
    /// Best-path preference of a hub (VWAN-7, RS-5).
    pub enum HubRoutingPreference { ExpressRoute = "ExpressRoute", VpnGateway = "VpnGateway", ASPath = "ASPath" }
}

block! {
    /// A BGP peer of a Route Server.
    pub struct BgpConnection in "bgpConnections" {
        /// Its address.
        pub peer_ip: Field<IpAddr> = "peerIp",
        /// Its AS number.
        pub peer_asn: Field<i64> = "peerAsn",
    }
}

resource! {
    /// A virtual network connected to a hub.
    pub struct HubVirtualNetworkConnection {
        /// The virtual network.
        pub remote_virtual_network: Field<Ref<VirtualNetwork>> = "remoteVirtualNetwork",
        /// Whether it learns 0.0.0.0/0.
        pub enable_internet_security: Field<bool> = "enableInternetSecurity",
        /// The table that says what it reaches.
        pub associated_route_table: Field<Ref<HubRouteTable>> = "routingConfiguration.associatedRouteTable",
        /// The tables that learn it.
        pub propagated_route_tables: Many<Ref<HubRouteTable>> = "routingConfiguration.propagatedRouteTables.ids",
        /// The labels whose tables learn it.
        pub propagated_labels: Many<Arc<str>> = "routingConfiguration.propagatedRouteTables.labels",
        /// Static routes to appliances inside it.
        pub static_routes: Many<StaticVnetRoute> = "routingConfiguration.vnetRoutes.staticRoutes",
        /// Whether the tables it propagates to learn its static routes; so where nothing is said.
        pub propagate_static_routes: Field<bool> =
            "routingConfiguration.vnetRoutes.staticRoutesConfig.propagateStaticRoutes",
        /// Whether its own addresses, too, lead to the appliance of a static route that covers all of them.
        pub local_override: Field<LocalRouteOverride> =
            "routingConfiguration.vnetRoutes.staticRoutesConfig.vnetLocalRouteOverrideCriteria",
    }
}

words! {
    /// What becomes of a connected network's own addresses under a static route that covers the network: to its next
    /// hop like everything (`Contains`, so where nothing is said), or straight on (`Equal`).
    pub enum LocalRouteOverride { Contains = "Contains", Equal = "Equal" }
}

block! {
    /// A static route of a hub connection.
    pub struct StaticVnetRoute {
        /// Destinations.
        pub address_prefixes: Many<IpNet> = "addressPrefixes",
        /// The appliance.
        pub next_hop_ip_address: Field<IpAddr> = "nextHopIpAddress",
    }
}

resource! {
    /// A route table of a hub.
    pub struct HubRouteTable {
        /// Labels it bears.
        pub labels: Many<Arc<str>> = "labels",
        /// Static routes.
        pub routes: Many<HubRoute> = "routes",
    }
}

block! {
    /// A static route of a hub table.
    pub struct HubRoute {
        /// Destinations.
        pub destinations: Many<IpNet> = "destinations",
        /// How they are written: `CIDR`.
        pub destination_type: Field<Arc<str>> = "destinationType",
        /// What the next hop is: `ResourceId`.
        pub next_hop_type: Field<Arc<str>> = "nextHopType",
        /// Firewall or connection.
        pub next_hop: Field<Ref<AnyKind>> = "nextHop",
    }
}

resource! {
    /// Routing intent of a hub.
    pub struct RoutingIntent {
        /// Internet and private policies.
        pub routing_policies: Many<RoutingPolicy> = "routingPolicies",
    }
}

block! {
    /// One routing policy.
    pub struct RoutingPolicy {
        /// `Internet` or `PrivateTraffic` or prefixes.
        pub destinations: Many<Arc<str>> = "destinations",
        /// The firewall.
        pub next_hop: Field<Ref<AnyKind>> = "nextHop",
    }
}

resource! {
    /// A VPN, ExpressRoute or point-to-site gateway of a hub.
    pub struct HubGateway {
        /// The hub.
        pub virtual_hub: Field<Ref<VirtualHub>> = "virtualHub",
    }
}
