//! Gateways, connections, Route Server, Virtual WAN.

use crate::formats::terraform::mapping::arm::*;
use crate::formats::terraform::mapping::{
    Attr, Type, assigned, blocks, child, copy, group, id, id_text, ids, item, need,
};

const GATEWAY_IP: &[Attr] = &[
    id("subnet_id", "subnet", SUBNET),
    id("public_ip_address_id", "publicIPAddress", PUBLIC_IP),
    copy("private_ip_address_allocation", "privateIPAllocationMethod"),
];

const HUB_ROUTE: &[Attr] = &[
    copy("destinations", "destinations"),
    copy("destinations_type", "destinationType"),
    id_text("next_hop", "nextHop", ANY),
    copy("next_hop_type", "nextHopType"),
];

pub(super) const TYPES: &[Type] = &[
    group(
        &["azurerm_virtual_network_gateway"],
        GATEWAY,
        &[
            need("type", "gatewayType"),
            blocks("ip_configuration", "ipConfigurations", GATEWAY_IP),
            copy("bgp_enabled|enable_bgp", "enableBgp"),
            copy(
                "vpn_client_configuration.address_space",
                "vpnClientConfiguration.vpnClientAddressPool.addressPrefixes",
            ),
            copy("custom_route.address_prefixes", "customRoutes.addressPrefixes"),
            id("default_local_network_gateway_id", "gatewayDefaultSite", LOCAL_GATEWAY),
        ],
    ),
    group(
        &["azurerm_local_network_gateway"],
        LOCAL_GATEWAY,
        &[
            need("address_space", "localNetworkAddressSpace.addressPrefixes"),
            copy("gateway_address", "gatewayIpAddress"),
            copy("gateway_fqdn", "fqdn"),
            copy("bgp_settings.asn", "bgpSettings.asn"),
        ],
    ),
    group(
        &["azurerm_virtual_network_gateway_connection"],
        "Microsoft.Network/connections",
        &[
            need("type", "connectionType"),
            id("virtual_network_gateway_id", "virtualNetworkGateway1", GATEWAY),
            id("peer_virtual_network_gateway_id", "virtualNetworkGateway2", GATEWAY),
            id("local_network_gateway_id", "localNetworkGateway2", LOCAL_GATEWAY),
            id("express_route_circuit_id", "peer", CIRCUIT),
            copy("bgp_enabled|enable_bgp", "enableBgp"),
            copy("express_route_gateway_bypass", "expressRouteGatewayBypass"),
        ],
    ),
    group(
        &["azurerm_express_route_circuit"],
        CIRCUIT,
        &[assigned("service_provider_provisioning_state", "serviceProviderProvisioningState")],
    ),
    group(
        &["azurerm_route_server"],
        HUB,
        &[
            copy("sku", "sku"),
            copy("branch_to_branch_traffic_enabled", "allowBranchToBranchTraffic"),
            copy("hub_routing_preference", "hubRoutingPreference"),
            Attr::Make(
                "ipConfigurations",
                &[
                    Attr::Const("ipconfig1", "name"),
                    id("subnet_id", "subnet", SUBNET),
                    id("public_ip_address_id", "publicIPAddress", PUBLIC_IP),
                ],
            ),
        ],
    ),
    child(
        &["azurerm_route_server_bgp_connection"],
        "Microsoft.Network/virtualHubs/bgpConnections",
        "route_server_id",
        &[need("peer_ip", "peerIp"), copy("peer_asn", "peerAsn")],
    ),
    child(
        &["azurerm_virtual_hub_bgp_connection"],
        "Microsoft.Network/virtualHubs/bgpConnections",
        "virtual_hub_id",
        &[need("peer_ip", "peerIp"), copy("peer_asn", "peerAsn")],
    ),
    group(
        &["azurerm_virtual_wan"],
        WAN,
        &[copy("allow_branch_to_branch_traffic", "allowBranchToBranchTraffic"), copy("type", "type")],
    ),
    group(
        &["azurerm_virtual_hub"],
        HUB,
        &[
            need("address_prefix", "addressPrefix"),
            id("virtual_wan_id", "virtualWan", WAN),
            copy("sku", "sku"),
            copy("hub_routing_preference", "hubRoutingPreference"),
        ],
    ),
    child(
        &["azurerm_virtual_hub_connection"],
        "Microsoft.Network/virtualHubs/hubVirtualNetworkConnections",
        "virtual_hub_id",
        &[
            id("remote_virtual_network_id", "remoteVirtualNetwork", VNET),
            copy("internet_security_enabled", "enableInternetSecurity"),
            id("routing.associated_route_table_id", "routingConfiguration.associatedRouteTable", HUB_TABLE),
            ids(
                "routing.propagated_route_table.route_table_ids",
                "routingConfiguration.propagatedRouteTables.ids",
                HUB_TABLE,
            ),
            copy(
                "routing.propagated_route_table.labels",
                "routingConfiguration.propagatedRouteTables.labels",
            ),
            copy(
                "routing.static_vnet_propagate_static_routes_enabled",
                "routingConfiguration.vnetRoutes.staticRoutesConfig.propagateStaticRoutes",
            ),
            copy(
                "routing.static_vnet_local_route_override_criteria",
                "routingConfiguration.vnetRoutes.staticRoutesConfig.vnetLocalRouteOverrideCriteria",
            ),
            blocks(
                "routing.static_vnet_route",
                "routingConfiguration.vnetRoutes.staticRoutes",
                &[
                    copy("address_prefixes", "addressPrefixes"),
                    copy("next_hop_ip_address", "nextHopIpAddress"),
                ],
            ),
        ],
    ),
    child(
        &["azurerm_virtual_hub_route_table"],
        HUB_TABLE,
        "virtual_hub_id",
        &[copy("labels", "labels"), Attr::Children("route", "routes", HUB_ROUTE)],
    ),
    item(&["azurerm_virtual_hub_route_table_route"], "route_table_id", HUB_TABLE, "routes", HUB_ROUTE),
    child(
        &["azurerm_virtual_hub_routing_intent"],
        "Microsoft.Network/virtualHubs/routingIntent",
        "virtual_hub_id",
        &[blocks(
            "routing_policy",
            "routingPolicies",
            &[copy("destinations", "destinations"), id_text("next_hop", "nextHop", ANY)],
        )],
    ),
    group(
        &["azurerm_vpn_gateway"],
        "Microsoft.Network/vpnGateways",
        &[id("virtual_hub_id", "virtualHub", HUB)],
    ),
    group(
        &["azurerm_express_route_gateway"],
        "Microsoft.Network/expressRouteGateways",
        &[id("virtual_hub_id", "virtualHub", HUB)],
    ),
    group(
        &["azurerm_point_to_site_vpn_gateway"],
        "Microsoft.Network/p2sVpnGateways",
        &[id("virtual_hub_id", "virtualHub", HUB)],
    ),
];
