//! Application gateways and Front Door.

use crate::formats::terraform::mapping::arm::*;
use crate::formats::terraform::mapping::{Attr, Type, assigned, blocks, child, copy, group, id, ids, on_off};

const PROFILE: &str = "Microsoft.Cdn/profiles";
const ENDPOINT: &str = "Microsoft.Cdn/profiles/afdEndpoints";
const ORIGIN_GROUP: &str = "Microsoft.Cdn/profiles/originGroups";
const DOMAIN: &str = "Microsoft.Cdn/profiles/customDomains";
const FRONT_DOOR_WAF: &str = "Microsoft.Network/FrontDoorWebApplicationFirewallPolicies";

pub(super) const TYPES: &[Type] = &[
    group(
        &["azurerm_application_gateway"],
        "Microsoft.Network/applicationGateways",
        &[
            copy("sku.name", "sku.name"),
            copy("sku.tier", "sku.tier"),
            blocks(
                "gateway_ip_configuration",
                "gatewayIPConfigurations",
                &[id("subnet_id", "subnet", SUBNET)],
            ),
            blocks("frontend_port", "frontendPorts", &[copy("port", "port")]),
            blocks(
                "frontend_ip_configuration",
                "frontendIPConfigurations",
                &[
                    id("subnet_id", "subnet", SUBNET),
                    assigned("private_ip_address", "privateIPAddress"),
                    id("public_ip_address_id", "publicIPAddress", PUBLIC_IP),
                ],
            ),
            blocks(
                "backend_address_pool",
                "backendAddressPools",
                &[
                    Attr::Each("fqdns|fqdn_list", "backendAddresses", "fqdn"),
                    Attr::Each("ip_addresses|ip_address_list", "backendAddresses", "ipAddress"),
                ],
            ),
            blocks(
                "backend_http_settings",
                "backendHttpSettingsCollection",
                &[copy("port", "port"), copy("protocol", "protocol"), copy("host_name", "hostName")],
            ),
            blocks(
                "http_listener",
                "httpListeners",
                &[
                    Attr::Part(
                        "frontend_ip_configuration_name",
                        "frontendIPConfiguration",
                        "frontendIPConfigurations",
                    ),
                    Attr::Part("frontend_port_name", "frontendPort", "frontendPorts"),
                    copy("protocol", "protocol"),
                    copy("host_name", "hostName"),
                    copy("host_names", "hostNames"),
                ],
            ),
            blocks(
                "request_routing_rule",
                "requestRoutingRules",
                &[
                    copy("priority", "priority"),
                    Attr::Part("http_listener_name", "httpListener", "httpListeners"),
                    Attr::Part("backend_address_pool_name", "backendAddressPool", "backendAddressPools"),
                    Attr::Part(
                        "backend_http_settings_name",
                        "backendHttpSettings",
                        "backendHttpSettingsCollection",
                    ),
                ],
            ),
        ],
    ),
    group(
        &["azurerm_web_application_firewall_policy"],
        "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies",
        &[
            copy("policy_settings.mode", "policySettings.mode"),
            on_off("policy_settings.enabled", "policySettings.state"),
            blocks("custom_rules", "customRules", &[]),
        ],
    ),
    group(
        &["azurerm_cdn_frontdoor_profile"],
        PROFILE,
        &[copy("sku_name", "/sku.name"), assigned("resource_guid", "frontDoorId")],
    ),
    child(
        &["azurerm_cdn_frontdoor_endpoint"],
        ENDPOINT,
        "cdn_frontdoor_profile_id",
        &[on_off("enabled", "enabledState"), assigned("host_name", "hostName")],
    ),
    child(
        &["azurerm_cdn_frontdoor_origin_group"],
        ORIGIN_GROUP,
        "cdn_frontdoor_profile_id",
        &[copy("health_probe.path", "healthProbeSettings.probePath")],
    ),
    child(
        &["azurerm_cdn_frontdoor_origin"],
        "Microsoft.Cdn/profiles/originGroups/origins",
        "cdn_frontdoor_origin_group_id",
        &[
            copy("host_name", "hostName"),
            copy("origin_host_header", "originHostHeader"),
            copy("http_port", "httpPort"),
            copy("https_port", "httpsPort"),
            copy("priority", "priority"),
            on_off("enabled|health_probes_enabled", "enabledState"),
            id("private_link.private_link_target_id", "sharedPrivateLinkResource.privateLink", ANY),
            copy("private_link.target_type", "sharedPrivateLinkResource.groupId"),
        ],
    ),
    child(
        &["azurerm_cdn_frontdoor_route"],
        "Microsoft.Cdn/profiles/afdEndpoints/routes",
        "cdn_frontdoor_endpoint_id",
        &[
            id("cdn_frontdoor_origin_group_id", "originGroup", ORIGIN_GROUP),
            ids("cdn_frontdoor_custom_domain_ids", "customDomains", DOMAIN),
            copy("patterns_to_match", "patternsToMatch"),
            copy("supported_protocols", "supportedProtocols"),
            copy("forwarding_protocol", "forwardingProtocol"),
            on_off("link_to_default_domain", "linkToDefaultDomain"),
            on_off("enabled", "enabledState"),
        ],
    ),
    child(
        &["azurerm_cdn_frontdoor_custom_domain"],
        DOMAIN,
        "cdn_frontdoor_profile_id",
        &[copy("host_name", "hostName")],
    ),
    child(
        &["azurerm_cdn_frontdoor_security_policy"],
        "Microsoft.Cdn/profiles/securityPolicies",
        "cdn_frontdoor_profile_id",
        &[id(
            "security_policies.firewall.cdn_frontdoor_firewall_policy_id",
            "parameters.wafPolicy",
            FRONT_DOOR_WAF,
        )],
    ),
    group(
        &["azurerm_cdn_frontdoor_firewall_policy", "azurerm_frontdoor_firewall_policy"],
        FRONT_DOOR_WAF,
        &[
            copy("mode", "policySettings.mode"),
            on_off("enabled", "policySettings.enabledState"),
            blocks("custom_rule", "customRules", &[]),
        ],
    ),
];
