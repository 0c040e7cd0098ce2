//! Virtual networks, interfaces, machines, load balancers, name resolution, private endpoints.

use crate::formats::terraform::mapping::arm::*;
use crate::formats::terraform::mapping::{
    Attr, Home, Type, assigned, blocks, child, copy, group, id, id_text, ids, inner_item, item, named, need,
    on_off, sets,
};

const SUBNET_ATTRS: &[Attr] = &[
    need("address_prefixes|address_prefix", "addressPrefixes"),
    id("network_security_group_id|security_group", "networkSecurityGroup", NSG),
    id("route_table_id", "routeTable", ROUTE_TABLE),
    id("nat_gateway_id", "natGateway", NAT),
    copy("service_endpoints", "serviceEndpoints"),
    ids(
        "service_endpoint_policy_ids",
        "serviceEndpointPolicies",
        "Microsoft.Network/serviceEndpointPolicies",
    ),
    blocks("delegation", "delegations", &[copy("service_delegation.name", "serviceName")]),
    copy("private_endpoint_network_policies", "privateEndpointNetworkPolicies"),
    on_off("private_endpoint_network_policies_enabled", "privateEndpointNetworkPolicies"),
    Attr::Switch(
        "enforce_private_link_endpoint_network_policies",
        "privateEndpointNetworkPolicies",
        "Disabled",
        "Enabled",
    ),
    on_off("private_link_service_network_policies_enabled", "privateLinkServiceNetworkPolicies"),
    Attr::Switch(
        "enforce_private_link_service_network_policies",
        "privateLinkServiceNetworkPolicies",
        "Disabled",
        "Enabled",
    ),
    copy("default_outbound_access_enabled", "defaultOutboundAccess"),
];

const IP_CONFIGURATION: &[Attr] = &[
    id("subnet_id", "subnet", SUBNET),
    assigned("private_ip_address", "privateIPAddress"),
    copy("private_ip_address_allocation", "privateIPAllocationMethod"),
    copy("private_ip_address_version|version", "privateIPAddressVersion"),
    id("public_ip_address_id", "publicIPAddress", PUBLIC_IP),
    copy("primary", "primary"),
    ids("application_security_group_ids", "applicationSecurityGroups", ASG),
    ids(
        "load_balancer_backend_address_pool_ids|load_balancer_backend_address_pools_ids",
        "loadBalancerBackendAddressPools",
        ANY,
    ),
    // Of scale sets, whose provider asks for the ids of pools under this name.
    ids("load_balancer_inbound_nat_rules_ids", "loadBalancerInboundNatPools", ANY),
    ids(
        "application_gateway_backend_address_pool_ids|application_gateway_backend_address_pools_ids",
        "applicationGatewayBackendAddressPools",
        ANY,
    ),
];

/// The frontend that a balancer's rule is for, by its name there.
const FRONTEND: Attr =
    Attr::Part("frontend_ip_configuration_name", "frontendIPConfiguration", "frontendIPConfigurations");

const SCALE_SET_INTERFACE: &[Attr] = &[
    blocks("ip_configuration", "ipConfigurations", IP_CONFIGURATION),
    id("network_security_group_id", "networkSecurityGroup", NSG),
    copy("ip_forwarding_enabled|enable_ip_forwarding|ip_forwarding", "enableIPForwarding"),
];

const INTERFACES: &str = "virtualMachineProfile.networkProfile.networkInterfaceConfigurations";

pub(super) const TYPES: &[Type] = &[
    group(
        &["azurerm_virtual_network"],
        VNET,
        &[
            need("address_space|address_spaces", "addressSpace.addressPrefixes"),
            copy("dns_servers", "dhcpOptions.dnsServers"),
            copy("private_endpoint_vnet_policies", "privateEndpointVNetPolicies"),
            Attr::Children("subnet", "subnets", SUBNET_ATTRS),
        ],
    ),
    sets(
        &["azurerm_virtual_network_dns_servers"],
        "virtual_network_id",
        VNET,
        &[copy("dns_servers", "dhcpOptions.dnsServers")],
    ),
    named(&["azurerm_subnet"], SUBNET, "virtual_network_name", SUBNET_ATTRS),
    sets(
        &["azurerm_subnet_network_security_group_association"],
        "subnet_id",
        SUBNET,
        &[id("network_security_group_id", "networkSecurityGroup", NSG)],
    ),
    sets(
        &["azurerm_subnet_route_table_association"],
        "subnet_id",
        SUBNET,
        &[id("route_table_id", "routeTable", ROUTE_TABLE)],
    ),
    sets(
        &["azurerm_subnet_nat_gateway_association"],
        "subnet_id",
        SUBNET,
        &[id("nat_gateway_id", "natGateway", NAT)],
    ),
    named(
        &["azurerm_virtual_network_peering"],
        "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
        "virtual_network_name",
        &[
            id("remote_virtual_network_id", "remoteVirtualNetwork", VNET),
            need("allow_virtual_network_access", "allowVirtualNetworkAccess"),
            need("allow_forwarded_traffic", "allowForwardedTraffic"),
            need("allow_gateway_transit", "allowGatewayTransit"),
            need("use_remote_gateways", "useRemoteGateways"),
            copy("peer_complete_virtual_networks_enabled", "peerCompleteVnets"),
            copy("local_subnet_names", "localSubnetNames"),
            copy("remote_subnet_names", "remoteSubnetNames"),
        ],
    ),
    group(
        &["azurerm_subnet_service_endpoint_storage_policy"],
        "Microsoft.Network/serviceEndpointPolicies",
        &[blocks(
            "definition",
            "serviceEndpointPolicyDefinitions",
            &[copy("service", "service"), copy("service_resources", "serviceResources")],
        )],
    ),
    group(
        &["azurerm_route_table"],
        ROUTE_TABLE,
        &[
            copy("disable_bgp_route_propagation", "disableBgpRoutePropagation"),
            Attr::Not("bgp_route_propagation_enabled", "disableBgpRoutePropagation"),
            Attr::Children("route", "routes", ROUTE),
        ],
    ),
    named(&["azurerm_route"], "Microsoft.Network/routeTables/routes", "route_table_name", ROUTE),
    group(
        &["azurerm_network_interface"],
        NIC,
        &[
            Attr::Must("ip_configuration", "ipConfigurations"),
            blocks("ip_configuration", "ipConfigurations", IP_CONFIGURATION),
            copy("ip_forwarding_enabled|enable_ip_forwarding", "enableIPForwarding"),
            copy("dns_servers", "dnsSettings.dnsServers"),
            id("network_security_group_id", "networkSecurityGroup", NSG),
            id("virtual_machine_id", "virtualMachine", VM),
        ],
    ),
    sets(
        &["azurerm_network_interface_security_group_association"],
        "network_interface_id",
        NIC,
        &[id("network_security_group_id", "networkSecurityGroup", NSG)],
    ),
    inner_item(
        &["azurerm_network_interface_application_security_group_association"],
        "network_interface_id",
        NIC,
        "ipConfigurations.*.applicationSecurityGroups",
        "",
        &[id_text("application_security_group_id", "id", ASG)],
    ),
    inner_item(
        &["azurerm_network_interface_backend_address_pool_association"],
        "network_interface_id",
        NIC,
        "ipConfigurations.*.loadBalancerBackendAddressPools",
        "ip_configuration_name",
        &[id_text("backend_address_pool_id", "id", POOL)],
    ),
    inner_item(
        &["azurerm_network_interface_nat_rule_association"],
        "network_interface_id",
        NIC,
        "ipConfigurations.*.loadBalancerInboundNatRules",
        "ip_configuration_name",
        &[id_text("nat_rule_id", "id", ANY)],
    ),
    inner_item(
        &["azurerm_network_interface_application_gateway_backend_address_pool_association"],
        "network_interface_id",
        NIC,
        "ipConfigurations.*.applicationGatewayBackendAddressPools",
        "ip_configuration_name",
        &[id_text("backend_address_pool_id", "id", ANY)],
    ),
    group(
        &["azurerm_public_ip"],
        PUBLIC_IP,
        &[
            assigned("ip_address", "ipAddress"),
            copy("sku", "/sku.name"),
            copy("allocation_method|public_ip_address_allocation", "publicIPAllocationMethod"),
            copy("ip_version", "publicIPAddressVersion"),
            copy("domain_name_label", "dnsSettings.domainNameLabel"),
            assigned("fqdn", "dnsSettings.fqdn"),
        ],
    ),
    group(
        &["azurerm_public_ip_prefix"],
        PUBLIC_PREFIX,
        &[assigned("ip_prefix", "ipPrefix"), copy("prefix_length", "prefixLength")],
    ),
    group(
        &["azurerm_nat_gateway"],
        NAT,
        &[
            copy("sku_name", "/sku.name"),
            ids("public_ip_address_ids", "publicIpAddresses", PUBLIC_IP),
            ids("public_ip_prefix_ids", "publicIpPrefixes", PUBLIC_PREFIX),
        ],
    ),
    item(
        &["azurerm_nat_gateway_public_ip_association"],
        "nat_gateway_id",
        NAT,
        "publicIpAddresses",
        &[id_text("public_ip_address_id", "id", PUBLIC_IP)],
    ),
    item(
        &["azurerm_nat_gateway_public_ip_prefix_association"],
        "nat_gateway_id",
        NAT,
        "publicIpPrefixes",
        &[id_text("public_ip_prefix_id", "id", PUBLIC_PREFIX)],
    ),
    group(
        &["azurerm_linux_virtual_machine", "azurerm_windows_virtual_machine", "azurerm_virtual_machine"],
        VM,
        &[
            Attr::Must("network_interface_ids", "networkProfile.networkInterfaces"),
            ids("network_interface_ids", "networkProfile.networkInterfaces", NIC),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_linux_virtual_machine_scale_set", "azurerm_windows_virtual_machine_scale_set"],
        "Microsoft.Compute/virtualMachineScaleSets",
        &[
            Attr::Const("Uniform", "orchestrationMode"),
            blocks("network_interface", INTERFACES, SCALE_SET_INTERFACE),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_virtual_machine_scale_set"],
        "Microsoft.Compute/virtualMachineScaleSets",
        &[
            Attr::Const("Uniform", "orchestrationMode"),
            blocks("network_profile", INTERFACES, SCALE_SET_INTERFACE),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_orchestrated_virtual_machine_scale_set"],
        "Microsoft.Compute/virtualMachineScaleSets",
        &[
            Attr::Const("Flexible", "orchestrationMode"),
            blocks("network_interface", INTERFACES, SCALE_SET_INTERFACE),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_lb"],
        LB,
        &[
            copy("sku", "/sku.name"),
            Attr::Must("frontend_ip_configuration", "frontendIPConfigurations"),
            blocks("frontend_ip_configuration", "frontendIPConfigurations", IP_CONFIGURATION),
        ],
    ),
    child(
        &["azurerm_lb_backend_address_pool"],
        POOL,
        "loadbalancer_id",
        &[ids("backend_ip_configurations", "backendIPConfigurations", ANY)],
    ),
    item(
        &["azurerm_lb_backend_address_pool_address"],
        "backend_address_pool_id",
        POOL,
        "loadBalancerBackendAddresses",
        &[
            copy("ip_address", "ipAddress"),
            id("virtual_network_id", "virtualNetwork", VNET),
            id("backend_address_ip_configuration_id", "loadBalancerFrontendIPConfiguration", ANY),
        ],
    ),
    item(
        &["azurerm_lb_rule"],
        "loadbalancer_id",
        LB,
        "loadBalancingRules",
        &[
            copy("protocol", "protocol"),
            copy("frontend_port", "frontendPort"),
            copy("backend_port", "backendPort"),
            FRONTEND,
            ids("backend_address_pool_ids", "backendAddressPools", POOL),
            id("backend_address_pool_id", "backendAddressPool", POOL),
            id("probe_id", "probe", ANY),
            copy("floating_ip_enabled|enable_floating_ip", "enableFloatingIP"),
            copy("disable_outbound_snat", "disableOutboundSnat"),
        ],
    ),
    item(
        &["azurerm_lb_probe"],
        "loadbalancer_id",
        LB,
        "probes",
        &[copy("protocol", "protocol"), copy("port", "port")],
    ),
    item(
        &["azurerm_lb_nat_pool"],
        "loadbalancer_id",
        LB,
        "inboundNatPools",
        &[
            copy("protocol", "protocol"),
            copy("frontend_port_start", "frontendPortRangeStart"),
            copy("frontend_port_end", "frontendPortRangeEnd"),
            copy("backend_port", "backendPort"),
            FRONTEND,
        ],
    ),
    item(
        &["azurerm_lb_nat_rule"],
        "loadbalancer_id",
        LB,
        "inboundNatRules",
        &[
            copy("protocol", "protocol"),
            copy("frontend_port", "frontendPort"),
            copy("frontend_port_start", "frontendPortRangeStart"),
            copy("frontend_port_end", "frontendPortRangeEnd"),
            copy("backend_port", "backendPort"),
            FRONTEND,
            id("backend_address_pool_id", "backendAddressPool", POOL),
            copy("floating_ip_enabled|enable_floating_ip", "enableFloatingIP"),
        ],
    ),
    item(
        &["azurerm_lb_outbound_rule"],
        "loadbalancer_id",
        LB,
        "outboundRules",
        &[
            copy("protocol", "protocol"),
            id("backend_address_pool_id", "backendAddressPool", POOL),
            blocks(
                "frontend_ip_configuration",
                "frontendIPConfigurations",
                &[Attr::Part("name", "id", "frontendIPConfigurations")],
            ),
        ],
    ),
    group(
        &["azurerm_bastion_host"],
        "Microsoft.Network/bastionHosts",
        &[
            copy("sku", "/sku.name"),
            blocks("ip_configuration", "ipConfigurations", IP_CONFIGURATION),
            id("virtual_network_id", "virtualNetwork", VNET),
        ],
    ),
    group(
        &["azurerm_private_endpoint"],
        PRIVATE_ENDPOINT,
        &[
            id("subnet_id", "subnet", SUBNET),
            Attr::Where(
                "private_service_connection",
                "is_manual_connection",
                false,
                "privateLinkServiceConnections",
                CONNECTION,
            ),
            Attr::Where(
                "private_service_connection",
                "is_manual_connection",
                true,
                "manualPrivateLinkServiceConnections",
                CONNECTION,
            ),
            assigned("private_service_connection.private_ip_address", "privateIPAddress"),
            blocks(
                "ip_configuration",
                "ipConfigurations",
                &[
                    copy("subresource_name", "groupId"),
                    copy("member_name", "memberName"),
                    copy("private_ip_address", "privateIPAddress"),
                ],
            ),
            blocks(
                "custom_dns_configs",
                "customDnsConfigs",
                &[assigned("fqdn", "fqdn"), assigned("ip_addresses", "ipAddresses")],
            ),
            blocks("network_interface", "networkInterfaces", &[id_text("id", "id", NIC)]),
            blocks(
                "private_dns_zone_group",
                "privateDnsZoneGroups",
                &[Attr::Ids(
                    "private_dns_zone_ids",
                    "privateDnsZoneConfigs",
                    "privateDnsZoneId",
                    PRIVATE_ZONE,
                )],
            ),
        ],
    ),
    item(
        &["azurerm_private_endpoint_application_security_group_association"],
        "private_endpoint_id",
        PRIVATE_ENDPOINT,
        "applicationSecurityGroups",
        &[id_text("application_security_group_id", "id", ASG)],
    ),
    group(
        &["azurerm_private_link_service"],
        "Microsoft.Network/privateLinkServices",
        &[
            ids(
                "load_balancer_frontend_ip_configuration_ids",
                "loadBalancerFrontendIpConfigurations",
                "Microsoft.Network/loadBalancers/frontendIPConfigurations",
            ),
            blocks("nat_ip_configuration", "ipConfigurations", IP_CONFIGURATION),
            copy("auto_approval_subscription_ids", "autoApproval.subscriptions"),
            copy("visibility_subscription_ids", "visibility.subscriptions"),
        ],
    ),
    group(&["azurerm_private_dns_zone"], PRIVATE_ZONE, ZONE),
    group(&["azurerm_dns_zone"], "Microsoft.Network/dnsZones", &[]),
    named(&["azurerm_private_dns_a_record"], "Microsoft.Network/privateDnsZones/A", "zone_name", A),
    named(&["azurerm_private_dns_aaaa_record"], "Microsoft.Network/privateDnsZones/AAAA", "zone_name", AAAA),
    named(
        &["azurerm_private_dns_cname_record"],
        "Microsoft.Network/privateDnsZones/CNAME",
        "zone_name",
        CNAME,
    ),
    named(&["azurerm_private_dns_mx_record"], "Microsoft.Network/privateDnsZones/MX", "zone_name", TTL),
    named(&["azurerm_private_dns_ptr_record"], "Microsoft.Network/privateDnsZones/PTR", "zone_name", TTL),
    named(&["azurerm_private_dns_srv_record"], "Microsoft.Network/privateDnsZones/SRV", "zone_name", TTL),
    named(&["azurerm_private_dns_txt_record"], "Microsoft.Network/privateDnsZones/TXT", "zone_name", TTL),
    named(&["azurerm_dns_a_record"], "Microsoft.Network/dnsZones/A", "zone_name", A),
    named(&["azurerm_dns_aaaa_record"], "Microsoft.Network/dnsZones/AAAA", "zone_name", AAAA),
    named(&["azurerm_dns_cname_record"], "Microsoft.Network/dnsZones/CNAME", "zone_name", CNAME),
    named(&["azurerm_dns_mx_record"], "Microsoft.Network/dnsZones/MX", "zone_name", TTL),
    named(&["azurerm_dns_ns_record"], "Microsoft.Network/dnsZones/NS", "zone_name", TTL),
    named(&["azurerm_dns_ptr_record"], "Microsoft.Network/dnsZones/PTR", "zone_name", TTL),
    named(&["azurerm_dns_srv_record"], "Microsoft.Network/dnsZones/SRV", "zone_name", TTL),
    named(&["azurerm_dns_txt_record"], "Microsoft.Network/dnsZones/TXT", "zone_name", TTL),
    named(
        &["azurerm_private_dns_zone_virtual_network_link"],
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        "private_dns_zone_name",
        &[
            id("virtual_network_id", "virtualNetwork", VNET),
            copy("registration_enabled", "registrationEnabled"),
            copy("resolution_policy", "resolutionPolicy"),
        ],
    ),
    group(
        &["azurerm_private_dns_resolver"],
        "Microsoft.Network/dnsResolvers",
        &[id("virtual_network_id", "virtualNetwork", VNET)],
    ),
    child(
        &["azurerm_private_dns_resolver_inbound_endpoint"],
        "Microsoft.Network/dnsResolvers/inboundEndpoints",
        "private_dns_resolver_id",
        &[blocks("ip_configurations", "ipConfigurations", IP_CONFIGURATION)],
    ),
    child(
        &["azurerm_private_dns_resolver_outbound_endpoint"],
        "Microsoft.Network/dnsResolvers/outboundEndpoints",
        "private_dns_resolver_id",
        &[id("subnet_id", "subnet", SUBNET)],
    ),
    group(
        &["azurerm_private_dns_resolver_dns_forwarding_ruleset"],
        "Microsoft.Network/dnsForwardingRulesets",
        &[ids(
            "private_dns_resolver_outbound_endpoint_ids",
            "dnsResolverOutboundEndpoints",
            "Microsoft.Network/dnsResolvers/outboundEndpoints",
        )],
    ),
    child(
        &["azurerm_private_dns_resolver_forwarding_rule"],
        "Microsoft.Network/dnsForwardingRulesets/forwardingRules",
        "dns_forwarding_ruleset_id",
        &[
            copy("domain_name", "domainName"),
            on_off("enabled", "forwardingRuleState"),
            blocks(
                "target_dns_servers",
                "targetDnsServers",
                &[need("ip_address", "ipAddress"), copy("port", "port")],
            ),
        ],
    ),
    child(
        &["azurerm_private_dns_resolver_virtual_network_link"],
        "Microsoft.Network/dnsForwardingRulesets/virtualNetworkLinks",
        "dns_forwarding_ruleset_id",
        &[id("virtual_network_id", "virtualNetwork", VNET)],
    ),
    Type {
        tf: &[
            "azurerm_resource_group",
            "azurerm_client_config",
            "azurerm_subscription",
            "azurerm_subscriptions",
            "azurerm_location",
            "azurerm_monitor_diagnostic_setting",
            "azurerm_monitor_metric_alert",
            "azurerm_monitor_action_group",
            "azurerm_network_watcher",
            "azurerm_network_watcher_flow_log",
            "azurerm_availability_set",
            "azurerm_managed_disk",
            "azurerm_virtual_machine_extension",
            "azurerm_virtual_machine_data_disk_attachment",
            "azurerm_key_vault_secret",
            "azurerm_key_vault_key",
            "azurerm_key_vault_certificate",
            "azurerm_storage_container",
            "azurerm_storage_blob",
            "azurerm_storage_share",
            "azurerm_storage_queue",
            "azurerm_storage_table",
            "azurerm_service_plan",
            "azurerm_app_service_plan",
            "azurerm_resource_provider_registration",
            "azurerm_ssh_public_key",
            "azurerm_network_manager_deployment",
            "azurerm_cdn_frontdoor_rule_set",
            "azurerm_cdn_frontdoor_custom_domain_association",
        ],
        arm: "",
        home: Home::Nothing,
        attrs: &[],
    },
];

const ROUTE: &[Attr] = &[
    copy("address_prefix", "addressPrefix"),
    copy("next_hop_type", "nextHopType"),
    copy("next_hop_in_ip_address", "nextHopIpAddress"),
];

const CONNECTION: &[Attr] = &[
    id_text("private_connection_resource_id", "privateLinkServiceId", ANY),
    copy("private_connection_resource_alias", "privateLinkServiceAlias"),
    copy("subresource_names", "groupIds"),
];

/// The zone's own `SOA` record is part of the count that the state holds.
const ZONE: &[Attr] = &[
    assigned("number_of_record_sets", "numberOfRecordSets"),
    Attr::Make("recordSets", &[Attr::Const("SOA", "recordType"), Attr::Const("@", "name")]),
];

const TTL: &[Attr] = &[copy("ttl", "ttl")];
const A: &[Attr] = &[
    Attr::Each("records", "aRecords", "ipv4Address"),
    id("target_resource_id", "targetResource", ANY),
    copy("ttl", "ttl"),
];
const AAAA: &[Attr] = &[
    Attr::Each("records", "aaaaRecords", "ipv6Address"),
    id("target_resource_id", "targetResource", ANY),
    copy("ttl", "ttl"),
];
const CNAME: &[Attr] = &[
    copy("record", "cnameRecord.cname"),
    id("target_resource_id", "targetResource", ANY),
    copy("ttl", "ttl"),
];
