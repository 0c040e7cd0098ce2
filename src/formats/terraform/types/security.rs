//! Security groups, firewalls, network managers, perimeters.

use crate::formats::terraform::mapping::arm::*;
use crate::formats::terraform::mapping::{
    Attr, Home, Type, assigned, blocks, child, copy, group, id, id_text, ids, item, named, need, on_off,
};

const RULE: &[Attr] = &[
    need("priority", "priority"),
    need("direction", "direction"),
    need("access", "access"),
    need("protocol", "protocol"),
    copy("source_address_prefix", "sourceAddressPrefix"),
    copy("source_address_prefixes", "sourceAddressPrefixes"),
    ids("source_application_security_group_ids", "sourceApplicationSecurityGroups", ASG),
    copy("source_port_range", "sourcePortRange"),
    copy("source_port_ranges", "sourcePortRanges"),
    copy("destination_address_prefix", "destinationAddressPrefix"),
    copy("destination_address_prefixes", "destinationAddressPrefixes"),
    ids("destination_application_security_group_ids", "destinationApplicationSecurityGroups", ASG),
    copy("destination_port_range", "destinationPortRange"),
    copy("destination_port_ranges", "destinationPortRanges"),
    copy("description", "description"),
];

const FIREWALL_IP: &[Attr] = &[
    id("subnet_id", "subnet", SUBNET),
    id("public_ip_address_id", "publicIPAddress", PUBLIC_IP),
    assigned("private_ip_address", "privateIPAddress"),
];

const SOURCES: Attr = copy("source_addresses", "sourceAddresses");
const SOURCE_GROUPS: Attr = ids_text("source_ip_groups", "sourceIpGroups");

const fn ids_text(from: &'static str, to: &'static str) -> Attr {
    Attr::Ids(from, to, "", IP_GROUP)
}

const NETWORK_RULE: &[Attr] = &[
    Attr::Const("NetworkRule", "ruleType"),
    copy("protocols", "ipProtocols"),
    SOURCES,
    SOURCE_GROUPS,
    copy("destination_addresses", "destinationAddresses"),
    ids_text("destination_ip_groups", "destinationIpGroups"),
    copy("destination_fqdns", "destinationFqdns"),
    copy("destination_ports", "destinationPorts"),
];

const APPLICATION_RULE: &[Attr] = &[
    Attr::Const("ApplicationRule", "ruleType"),
    blocks("protocols|protocol", "protocols", &[copy("type", "protocolType"), copy("port", "port")]),
    SOURCES,
    SOURCE_GROUPS,
    copy("destination_addresses", "destinationAddresses"),
    copy("destination_fqdns|target_fqdns", "targetFqdns"),
    copy("destination_urls", "targetUrls"),
    copy("destination_fqdn_tags|fqdn_tags", "fqdnTags"),
    copy("web_categories", "webCategories"),
    copy("terminate_tls", "terminateTLS"),
];

const NAT_RULE: &[Attr] = &[
    Attr::Const("NatRule", "ruleType"),
    copy("protocols", "ipProtocols"),
    SOURCES,
    SOURCE_GROUPS,
    copy("destination_addresses|destination_address", "destinationAddresses"),
    copy("destination_ports", "destinationPorts"),
    copy("translated_address", "translatedAddress"),
    copy("translated_fqdn", "translatedFqdn"),
    copy("translated_port", "translatedPort"),
];

const FILTER: &str = "FirewallPolicyFilterRuleCollection";
const NAT_COLLECTION: &str = "FirewallPolicyNatRuleCollection";

/// A rule collection with rules of one type.
macro_rules! collection {
    ($kind:expr, $rules:expr) => {
        &[
            Attr::Const($kind, "ruleCollectionType"),
            need("priority", "priority"),
            need("action", "action.type"),
            blocks("rule", "rules", $rules),
        ]
    };
}

pub(super) const TYPES: &[Type] = &[
    group(
        &["azurerm_network_security_group"],
        NSG,
        &[Attr::Children("security_rule", "securityRules", RULE)],
    ),
    named(
        &["azurerm_network_security_rule"],
        "Microsoft.Network/networkSecurityGroups/securityRules",
        "network_security_group_name",
        RULE,
    ),
    group(&["azurerm_application_security_group"], ASG, &[]),
    group(
        &["azurerm_firewall"],
        FIREWALL,
        &[
            copy("sku_name", "sku.name"),
            copy("sku_tier", "sku.tier"),
            blocks("ip_configuration", "ipConfigurations", FIREWALL_IP),
            Attr::One("management_ip_configuration", "managementIpConfiguration", FIREWALL_IP),
            id("firewall_policy_id", "firewallPolicy", FIREWALL_POLICY),
            id("virtual_hub.virtual_hub_id", "virtualHub", HUB),
            assigned("virtual_hub.private_ip_address", "hubIPAddresses.privateIPAddress"),
            copy("threat_intel_mode", "threatIntelMode"),
            copy("private_ip_ranges", "additionalProperties.Network.SNAT.PrivateRanges"),
            Attr::Switch(
                "dns_proxy_enabled",
                "additionalProperties.Network.DNS.EnableProxy",
                "true",
                "false",
            ),
        ],
    ),
    item(
        &["azurerm_firewall_network_rule_collection"],
        "azure_firewall_name",
        FIREWALL,
        "networkRuleCollections",
        collection!("", NETWORK_RULE),
    ),
    item(
        &["azurerm_firewall_application_rule_collection"],
        "azure_firewall_name",
        FIREWALL,
        "applicationRuleCollections",
        collection!("", APPLICATION_RULE),
    ),
    item(
        &["azurerm_firewall_nat_rule_collection"],
        "azure_firewall_name",
        FIREWALL,
        "natRuleCollections",
        collection!("", NAT_RULE),
    ),
    group(
        &["azurerm_firewall_policy"],
        FIREWALL_POLICY,
        &[
            id("base_policy_id", "basePolicy", FIREWALL_POLICY),
            copy("threat_intelligence_mode", "threatIntelMode"),
            copy("dns.servers", "dnsSettings.servers"),
            copy("dns.proxy_enabled", "dnsSettings.enableProxy"),
            copy("private_ip_ranges", "snat.privateRanges"),
            on_off("auto_learn_private_ranges_enabled", "snat.autoLearnPrivateRanges"),
            copy("sku", "sku.tier"),
            copy("intrusion_detection.mode", "intrusionDetection.mode"),
            copy("sql_redirect_allowed", "sql.allowSqlRedirect"),
        ],
    ),
    child(
        &["azurerm_firewall_policy_rule_collection_group"],
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups",
        "firewall_policy_id",
        &[
            need("priority", "priority"),
            blocks("network_rule_collection", "ruleCollections", collection!(FILTER, NETWORK_RULE)),
            blocks("application_rule_collection", "ruleCollections", collection!(FILTER, APPLICATION_RULE)),
            blocks("nat_rule_collection", "ruleCollections", collection!(NAT_COLLECTION, NAT_RULE)),
        ],
    ),
    group(&["azurerm_ip_group"], IP_GROUP, &[copy("cidrs", "ipAddresses")]),
    item(&["azurerm_ip_group_cidr"], "ip_group_id", IP_GROUP, "ipAddresses", &[copy("cidr", "")]),
    group(
        &["azurerm_network_manager"],
        "Microsoft.Network/networkManagers",
        &[
            copy("scope.subscription_ids", "networkManagerScopes.subscriptions"),
            copy("scope.management_group_ids", "networkManagerScopes.managementGroups"),
        ],
    ),
    child(
        &["azurerm_network_manager_network_group"],
        NETWORK_GROUP,
        "network_manager_id",
        &[copy("member_type", "memberType")],
    ),
    child(
        &["azurerm_network_manager_static_member"],
        "Microsoft.Network/networkManagers/networkGroups/staticMembers",
        "network_group_id",
        &[id_text("target_virtual_network_id", "resourceId", ANY)],
    ),
    child(
        &["azurerm_network_manager_connectivity_configuration"],
        "Microsoft.Network/networkManagers/connectivityConfigurations",
        "network_manager_id",
        &[
            copy("connectivity_topology", "connectivityTopology"),
            copy("global_mesh_enabled", "isGlobal"),
            blocks("hub", "hubs", &[id_text("resource_id", "resourceId", VNET)]),
            blocks(
                "applies_to_group",
                "appliesToGroups",
                &[
                    id_text("network_group_id", "networkGroupId", NETWORK_GROUP),
                    copy("group_connectivity", "groupConnectivity"),
                    copy("use_hub_gateway", "useHubGateway"),
                    copy("global_mesh_enabled", "isGlobal"),
                ],
            ),
        ],
    ),
    child(
        &["azurerm_network_manager_security_admin_configuration"],
        "Microsoft.Network/networkManagers/securityAdminConfigurations",
        "network_manager_id",
        &[copy("apply_on_network_intent_policy_based_services", "applyOnNetworkIntentPolicyBasedServices")],
    ),
    child(
        &["azurerm_network_manager_admin_rule_collection"],
        "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections",
        "security_admin_configuration_id",
        &[Attr::Ids("network_group_ids", "appliesToGroups", "networkGroupId", NETWORK_GROUP)],
    ),
    child(
        &["azurerm_network_manager_admin_rule"],
        "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules",
        "admin_rule_collection_id",
        &[
            need("priority", "priority"),
            need("direction", "direction"),
            need("action", "access"),
            need("protocol", "protocol"),
            blocks("source", "sources", ADDRESS),
            blocks("destination", "destinations", ADDRESS),
            copy("source_port_ranges", "sourcePortRanges"),
            copy("destination_port_ranges", "destinationPortRanges"),
        ],
    ),
    group(&["azurerm_network_security_perimeter"], "Microsoft.Network/networkSecurityPerimeters", &[]),
    child(
        &["azurerm_network_security_perimeter_profile"],
        "Microsoft.Network/networkSecurityPerimeters/profiles",
        "network_security_perimeter_id",
        &[],
    ),
    child(
        &["azurerm_network_security_perimeter_access_rule"],
        "Microsoft.Network/networkSecurityPerimeters/profiles/accessRules",
        "network_security_perimeter_profile_id",
        &[
            copy("direction", "direction"),
            copy("address_prefixes", "addressPrefixes"),
            copy("fqdns", "fullyQualifiedDomainNames"),
            Attr::Each("subscription_ids", "subscriptions", "id"),
            copy("service_tags", "serviceTags"),
        ],
    ),
    Type {
        tf: &["azurerm_network_security_perimeter_association"],
        arm: "Microsoft.Network/networkSecurityPerimeters/resourceAssociations",
        home: Home::Beside("network_security_perimeter_profile_id"),
        attrs: &[
            id("resource_id", "privateLinkResource", ANY),
            id(
                "network_security_perimeter_profile_id",
                "profile",
                "Microsoft.Network/networkSecurityPerimeters/profiles",
            ),
            copy("access_mode", "accessMode"),
        ],
    },
];

const ADDRESS: &[Attr] =
    &[copy("address_prefix", "addressPrefix"), copy("address_prefix_type", "addressPrefixType")];
