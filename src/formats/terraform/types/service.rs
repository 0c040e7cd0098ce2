//! Platform services, their firewalls, and machine learning.

use crate::formats::terraform::mapping::arm::*;
use crate::formats::terraform::mapping::{
    Attr, Type, assigned, blocks, child, copy, group, id, id_text, item, named, on_off, sets,
};

/// What most services share.
const PUBLIC: Attr = on_off("public_network_access_enabled", "publicNetworkAccess");
const SKU: Attr = copy("sku_name|sku", "/sku.name");

const STORAGE_RULES: &[Attr] = &[
    copy("default_action", "networkAcls.defaultAction"),
    Attr::Join("bypass", "networkAcls.bypass"),
    Attr::Each("ip_rules", "networkAcls.ipRules", "value"),
    Attr::Ids("virtual_network_subnet_ids", "networkAcls.virtualNetworkRules", "id", SUBNET),
    blocks(
        "private_link_access_rules|private_link_access",
        "networkAcls.resourceAccessRules",
        &[copy("endpoint_resource_id", "resourceId")],
    ),
];

const FIREWALL_RULE: &[Attr] =
    &[copy("start_ip_address|start_ip", "startIpAddress"), copy("end_ip_address|end_ip", "endIpAddress")];
const SUBNET_RULE: &[Attr] = &[id_text("subnet_id", "virtualNetworkSubnetId", SUBNET)];

/// A service of which only public access and identity matter.
macro_rules! plain {
    ($tf:expr, $arm:expr) => {
        group(&$tf, $arm, &[PUBLIC, SKU, Attr::Identity])
    };
}

pub(super) const TYPES: &[Type] = &[
    group(
        &["azurerm_storage_account"],
        STORAGE,
        &[
            copy("account_kind", "/kind"),
            PUBLIC,
            copy("network_rules.default_action", "networkAcls.defaultAction"),
            Attr::Join("network_rules.bypass", "networkAcls.bypass"),
            Attr::Each("network_rules.ip_rules", "networkAcls.ipRules", "value"),
            Attr::Ids(
                "network_rules.virtual_network_subnet_ids",
                "networkAcls.virtualNetworkRules",
                "id",
                SUBNET,
            ),
            blocks(
                "network_rules.private_link_access",
                "networkAcls.resourceAccessRules",
                &[copy("endpoint_resource_id", "resourceId")],
            ),
            copy("shared_access_key_enabled", "allowSharedKeyAccess"),
            Attr::Identity,
        ],
    ),
    sets(&["azurerm_storage_account_network_rules"], "storage_account_id", STORAGE, STORAGE_RULES),
    group(
        &["azurerm_key_vault"],
        VAULT,
        &[
            PUBLIC,
            copy("network_acls.default_action", "networkAcls.defaultAction"),
            copy("network_acls.bypass", "networkAcls.bypass"),
            Attr::Each("network_acls.ip_rules", "networkAcls.ipRules", "value"),
            Attr::Ids(
                "network_acls.virtual_network_subnet_ids",
                "networkAcls.virtualNetworkRules",
                "id",
                SUBNET,
            ),
            copy("rbac_authorization_enabled|enable_rbac_authorization", "enableRbacAuthorization"),
            blocks("access_policy", "accessPolicies", ACCESS_POLICY),
        ],
    ),
    item(&["azurerm_key_vault_access_policy"], "key_vault_id", VAULT, "accessPolicies", ACCESS_POLICY),
    group(
        &["azurerm_container_registry"],
        "Microsoft.ContainerRegistry/registries",
        &[
            copy("sku", "/sku.name"),
            copy("admin_enabled", "adminUserEnabled"),
            PUBLIC,
            copy("network_rule_set.default_action", "networkRuleSet.defaultAction"),
            blocks("network_rule_set.ip_rule", "networkRuleSet.ipRules", &[copy("ip_range", "value")]),
            blocks(
                "network_rule_set.virtual_network",
                "networkRuleSet.virtualNetworkRules",
                &[id_text("subnet_id", "id", SUBNET)],
            ),
            copy("network_rule_bypass_option", "networkRuleBypassOptions"),
            copy("data_endpoint_enabled", "dataEndpointEnabled"),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_cosmosdb_account"],
        "Microsoft.DocumentDB/databaseAccounts",
        &[
            copy("kind", "/kind"),
            PUBLIC,
            copy("is_virtual_network_filter_enabled", "isVirtualNetworkFilterEnabled"),
            blocks("geo_location", "locations", &[copy("location", "locationName")]),
            Attr::Each("ip_range_filter", "ipRules", "ipAddressOrRange"),
            blocks("virtual_network_rule", "virtualNetworkRules", &[id_text("id", "id", SUBNET)]),
            Attr::Switch(
                "network_acl_bypass_for_azure_services",
                "networkAclBypass",
                "AzureServices",
                "None",
            ),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_machine_learning_workspace", "azurerm_ai_foundry"],
        WORKSPACE,
        &[
            copy("kind", "/kind"),
            PUBLIC,
            copy("public_network_access", "publicNetworkAccess"),
            id_text("storage_account_id", "storageAccount", STORAGE),
            id_text("key_vault_id", "keyVault", VAULT),
            id_text("container_registry_id", "containerRegistry", "Microsoft.ContainerRegistry/registries"),
            id_text("application_insights_id", "applicationInsights", "Microsoft.Insights/components"),
            copy("high_business_impact|high_business_impact_enabled", "hbiWorkspace"),
            copy("image_build_compute_name", "imageBuildCompute"),
            copy("v1_legacy_mode_enabled", "v1LegacyMode"),
            copy("managed_network.isolation_mode", "managedNetwork.isolationMode"),
            assigned("workspace_id", "workspaceId"),
            Attr::Identity,
        ],
    ),
    child(
        &["azurerm_machine_learning_workspace_network_outbound_rule_fqdn"],
        OUTBOUND_RULE,
        "workspace_id",
        &[Attr::Const("FQDN", "type"), copy("destination_fqdn", "destination")],
    ),
    child(
        &["azurerm_machine_learning_workspace_network_outbound_rule_private_endpoint"],
        OUTBOUND_RULE,
        "workspace_id",
        &[
            Attr::Const("PrivateEndpoint", "type"),
            id_text("service_resource_id", "destination.serviceResourceId", ANY),
            copy("sub_resource_target", "destination.subresourceTarget"),
        ],
    ),
    child(
        &["azurerm_machine_learning_workspace_network_outbound_rule_service_tag"],
        OUTBOUND_RULE,
        "workspace_id",
        &[
            Attr::Const("ServiceTag", "type"),
            copy("service_tag", "destination.serviceTag"),
            copy("protocol", "destination.protocol"),
            copy("port_ranges", "destination.portRanges"),
        ],
    ),
    compute(&["azurerm_machine_learning_compute_cluster"], CLUSTER_ATTRS),
    compute(&["azurerm_machine_learning_compute_instance"], INSTANCE_ATTRS),
    compute(
        &["azurerm_machine_learning_inference_cluster"],
        &[
            Attr::Const("AKS", "computeType"),
            id_text("kubernetes_cluster_id", "resourceId", CLUSTER),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_kubernetes_cluster"],
        CLUSTER,
        &[
            Attr::Make(
                "agentPoolProfiles",
                &[
                    copy("default_node_pool.name", "name"),
                    id_text("default_node_pool.vnet_subnet_id", "vnetSubnetID", SUBNET),
                ],
            ),
            copy("private_cluster_enabled", "apiServerAccessProfile.enablePrivateCluster"),
            copy(
                "api_server_access_profile.authorized_ip_ranges",
                "apiServerAccessProfile.authorizedIPRanges",
            ),
            copy("api_server_authorized_ip_ranges", "apiServerAccessProfile.authorizedIPRanges"),
            copy("network_profile.outbound_type", "networkProfile.outboundType"),
            copy("network_profile.load_balancer_sku", "networkProfile.loadBalancerSku"),
            Attr::Identity,
        ],
    ),
    item(
        &["azurerm_kubernetes_cluster_node_pool"],
        "kubernetes_cluster_id",
        CLUSTER,
        "agentPoolProfiles",
        &[id_text("vnet_subnet_id", "vnetSubnetID", SUBNET)],
    ),
    group(
        &[
            "azurerm_linux_web_app",
            "azurerm_windows_web_app",
            "azurerm_linux_function_app",
            "azurerm_windows_function_app",
            "azurerm_function_app_flex_consumption",
            "azurerm_logic_app_standard",
            "azurerm_app_service",
            "azurerm_function_app",
        ],
        SITE,
        SITE_ATTRS,
    ),
    child(
        &["azurerm_linux_web_app_slot", "azurerm_windows_web_app_slot"],
        SITE_SLOT,
        "app_service_id",
        SITE_ATTRS,
    ),
    child(
        &["azurerm_linux_function_app_slot", "azurerm_windows_function_app_slot"],
        SITE_SLOT,
        "function_app_id",
        SITE_ATTRS,
    ),
    named(&["azurerm_app_service_slot"], SITE_SLOT, "app_service_name", SITE_ATTRS),
    named(&["azurerm_function_app_slot"], SITE_SLOT, "function_app_name", SITE_ATTRS),
    sets(
        &["azurerm_app_service_virtual_network_swift_connection"],
        "app_service_id",
        SITE,
        &[id_text("subnet_id", "virtualNetworkSubnetId", SUBNET)],
    ),
    group(&["azurerm_mssql_server", "azurerm_sql_server"], SQL, &[PUBLIC, Attr::Identity]),
    child(
        &["azurerm_mssql_firewall_rule"],
        "Microsoft.Sql/servers/firewallRules",
        "server_id",
        FIREWALL_RULE,
    ),
    child(
        &["azurerm_mssql_virtual_network_rule"],
        "Microsoft.Sql/servers/virtualNetworkRules",
        "server_id",
        SUBNET_RULE,
    ),
    named(
        &["azurerm_sql_firewall_rule"],
        "Microsoft.Sql/servers/firewallRules",
        "server_name",
        FIREWALL_RULE,
    ),
    named(
        &["azurerm_sql_virtual_network_rule"],
        "Microsoft.Sql/servers/virtualNetworkRules",
        "server_name",
        SUBNET_RULE,
    ),
    group(
        &["azurerm_postgresql_flexible_server"],
        "Microsoft.DBforPostgreSQL/flexibleServers",
        &[PUBLIC, id_text("delegated_subnet_id", "subnetId", SUBNET), Attr::Identity],
    ),
    child(
        &["azurerm_postgresql_flexible_server_firewall_rule"],
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules",
        "server_id",
        FIREWALL_RULE,
    ),
    plain!(["azurerm_postgresql_server"], "Microsoft.DBforPostgreSQL/servers"),
    named(
        &["azurerm_postgresql_firewall_rule"],
        "Microsoft.DBforPostgreSQL/servers/firewallRules",
        "server_name",
        FIREWALL_RULE,
    ),
    named(
        &["azurerm_postgresql_virtual_network_rule"],
        "Microsoft.DBforPostgreSQL/servers/virtualNetworkRules",
        "server_name",
        SUBNET_RULE,
    ),
    group(
        &["azurerm_mysql_flexible_server"],
        "Microsoft.DBforMySQL/flexibleServers",
        &[
            PUBLIC,
            copy("public_network_access", "publicNetworkAccess"),
            id_text("delegated_subnet_id", "subnetId", SUBNET),
            Attr::Identity,
        ],
    ),
    named(
        &["azurerm_mysql_flexible_server_firewall_rule"],
        "Microsoft.DBforMySQL/flexibleServers/firewallRules",
        "server_name",
        FIREWALL_RULE,
    ),
    plain!(["azurerm_mysql_server"], "Microsoft.DBforMySQL/servers"),
    plain!(["azurerm_mariadb_server"], "Microsoft.DBforMariaDB/servers"),
    named(
        &["azurerm_mariadb_firewall_rule"],
        "Microsoft.DBforMariaDB/servers/firewallRules",
        "server_name",
        FIREWALL_RULE,
    ),
    named(
        &["azurerm_mysql_firewall_rule"],
        "Microsoft.DBforMySQL/servers/firewallRules",
        "server_name",
        FIREWALL_RULE,
    ),
    group(
        &["azurerm_eventhub_namespace"],
        "Microsoft.EventHub/namespaces",
        &[
            PUBLIC,
            on_off("network_rulesets.public_network_access_enabled", "networkRuleSets.publicNetworkAccess"),
            copy("network_rulesets.default_action", "networkRuleSets.defaultAction"),
            blocks(
                "network_rulesets.ip_rule",
                "networkRuleSets.ipRules",
                &[copy("ip_mask", "ipMask"), copy("action", "action")],
            ),
            blocks(
                "network_rulesets.virtual_network_rule",
                "networkRuleSets.virtualNetworkRules",
                &[id("subnet_id", "subnet", SUBNET)],
            ),
            copy(
                "network_rulesets.trusted_service_access_enabled",
                "networkRuleSets.trustedServiceAccessEnabled",
            ),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_servicebus_namespace"],
        "Microsoft.ServiceBus/namespaces",
        &[
            PUBLIC,
            on_off("network_rule_set.public_network_access_enabled", "networkRuleSets.publicNetworkAccess"),
            copy("network_rule_set.default_action", "networkRuleSets.defaultAction"),
            Attr::Each("network_rule_set.ip_rules", "networkRuleSets.ipRules", "ipMask"),
            blocks(
                "network_rule_set.network_rules",
                "networkRuleSets.virtualNetworkRules",
                &[id("subnet_id", "subnet", SUBNET)],
            ),
            copy("network_rule_set.trusted_services_allowed", "networkRuleSets.trustedServiceAccessEnabled"),
            Attr::Identity,
        ],
    ),
    sets(
        &["azurerm_servicebus_namespace_network_rule_set"],
        "namespace_id",
        "Microsoft.ServiceBus/namespaces",
        &[
            on_off("public_network_access_enabled", "networkRuleSets.publicNetworkAccess"),
            copy("default_action", "networkRuleSets.defaultAction"),
            Attr::Each("ip_rules", "networkRuleSets.ipRules", "ipMask"),
            blocks(
                "network_rules",
                "networkRuleSets.virtualNetworkRules",
                &[id("subnet_id", "subnet", SUBNET)],
            ),
            copy("trusted_services_allowed", "networkRuleSets.trustedServiceAccessEnabled"),
        ],
    ),
    group(
        &["azurerm_redis_cache"],
        "Microsoft.Cache/Redis",
        &[PUBLIC, id_text("subnet_id", "subnetId", SUBNET), Attr::Identity],
    ),
    named(
        &["azurerm_redis_firewall_rule"],
        "Microsoft.Cache/Redis/firewallRules",
        "redis_cache_name",
        FIREWALL_RULE,
    ),
    group(
        &["azurerm_app_configuration"],
        "Microsoft.AppConfiguration/configurationStores",
        &[copy("public_network_access", "publicNetworkAccess"), Attr::Identity],
    ),
    group(
        &["azurerm_search_service"],
        "Microsoft.Search/searchServices",
        &[PUBLIC, Attr::Each("allowed_ips", "networkRuleSet.ipRules", "value"), Attr::Identity],
    ),
    group(
        &["azurerm_cognitive_account", "azurerm_ai_services"],
        "Microsoft.CognitiveServices/accounts",
        &[
            copy("kind", "/kind"),
            copy("custom_subdomain_name", "customSubDomainName"),
            PUBLIC,
            copy("public_network_access", "publicNetworkAccess"),
            copy("network_acls.default_action", "networkAcls.defaultAction"),
            copy("network_acls.bypass", "networkAcls.bypass"),
            Attr::Each("network_acls.ip_rules", "networkAcls.ipRules", "value"),
            blocks(
                "network_acls.virtual_network_rules",
                "networkAcls.virtualNetworkRules",
                &[id_text("subnet_id", "id", SUBNET)],
            ),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_data_factory"],
        "Microsoft.DataFactory/factories",
        &[on_off("public_network_enabled", "publicNetworkAccess"), Attr::Identity],
    ),
    group(
        &["azurerm_log_analytics_workspace"],
        "Microsoft.OperationalInsights/workspaces",
        &[
            assigned("workspace_id", "customerId"),
            on_off("internet_ingestion_enabled", "publicNetworkAccessForIngestion"),
        ],
    ),
    group(
        &["azurerm_api_management"],
        "Microsoft.ApiManagement/service",
        &[
            PUBLIC,
            id_text("virtual_network_configuration.subnet_id", "subnetId", SUBNET),
            copy("virtual_network_type", "virtualNetworkType"),
            Attr::Identity,
        ],
    ),
    group(
        &["azurerm_application_insights"],
        "Microsoft.Insights/components",
        &[on_off("internet_ingestion_enabled", "publicNetworkAccessForIngestion"), Attr::Identity],
    ),
    plain!(["azurerm_monitor_private_link_scope"], "Microsoft.Insights/privateLinkScopes"),
    group(
        &["azurerm_batch_account"],
        "Microsoft.Batch/batchAccounts",
        &[
            PUBLIC,
            copy(
                "network_profile.account_access.default_action",
                "networkProfile.accountAccess.defaultAction",
            ),
            blocks(
                "network_profile.account_access.ip_rule",
                "networkProfile.accountAccess.ipRules",
                &[copy("ip_range", "value"), copy("action", "action")],
            ),
            Attr::Identity,
        ],
    ),
    plain!(["azurerm_databricks_workspace"], "Microsoft.Databricks/workspaces"),
    plain!(["azurerm_synapse_workspace"], "Microsoft.Synapse/workspaces"),
    child(
        &["azurerm_synapse_firewall_rule"],
        "Microsoft.Synapse/workspaces/firewallRules",
        "synapse_workspace_id",
        FIREWALL_RULE,
    ),
    plain!(["azurerm_signalr_service"], "Microsoft.SignalRService/SignalR"),
    sets(
        &["azurerm_signalr_service_network_acl"],
        "signalr_service_id",
        "Microsoft.SignalRService/SignalR",
        &[
            copy("default_action", "networkACLs.defaultAction"),
            copy("public_network.allowed_request_types", "networkACLs.publicNetwork.allow"),
            copy("public_network.denied_request_types", "networkACLs.publicNetwork.deny"),
        ],
    ),
    group(
        &["azurerm_iothub"],
        "Microsoft.Devices/IotHubs",
        &[
            PUBLIC,
            copy("network_rule_set.default_action", "networkRuleSets.defaultAction"),
            blocks(
                "network_rule_set.ip_rule",
                "networkRuleSets.ipRules",
                &[copy("ip_mask", "ipMask"), copy("action", "action")],
            ),
            Attr::Identity,
        ],
    ),
    plain!(["azurerm_automation_account"], "Microsoft.Automation/automationAccounts"),
    group(
        &["azurerm_eventgrid_topic"],
        "Microsoft.EventGrid/topics",
        &[
            PUBLIC,
            blocks(
                "inbound_ip_rule",
                "inboundIpRules",
                &[copy("ip_mask", "ipMask"), copy("action", "action")],
            ),
            Attr::Identity,
        ],
    ),
    plain!(["azurerm_relay_namespace"], "Microsoft.Relay/namespaces"),
];

/// An access restriction of a web app. A service tag stands where an address would.
const RESTRICTION: &[Attr] = &[
    copy("name", "name"),
    copy("action", "action"),
    copy("priority", "priority"),
    copy("service_tag|ip_address", "ipAddress"),
    id_text("virtual_network_subnet_id", "vnetSubnetResourceId", SUBNET),
    copy("headers", "headers"),
];

/// What sites and their slots say alike.
const SITE_ATTRS: &[Attr] = &[
    PUBLIC,
    id_text("virtual_network_subnet_id", "virtualNetworkSubnetId", SUBNET),
    blocks("site_config.ip_restriction", "siteConfig.ipSecurityRestrictions", RESTRICTION),
    copy("site_config.ip_restriction_default_action", "siteConfig.ipSecurityRestrictionsDefaultAction"),
    blocks("site_config.scm_ip_restriction", "siteConfig.scmIpSecurityRestrictions", RESTRICTION),
    copy(
        "site_config.scm_ip_restriction_default_action",
        "siteConfig.scmIpSecurityRestrictionsDefaultAction",
    ),
    copy("site_config.scm_use_main_ip_restriction", "siteConfig.scmIpSecurityRestrictionsUseMain"),
    Attr::Identity,
];

const SITE: &str = "Microsoft.Web/sites";
const SITE_SLOT: &str = "Microsoft.Web/sites/slots";
const SQL: &str = "Microsoft.Sql/servers";
const OUTBOUND_RULE: &str = "Microsoft.MachineLearningServices/workspaces/outboundRules";

const ACCESS_POLICY: &[Attr] = &[
    id_text("object_id", "objectId", ANY),
    copy("secret_permissions", "permissions.secrets"),
    copy("key_permissions", "permissions.keys"),
    copy("certificate_permissions", "permissions.certificates"),
];

const CLUSTER_ATTRS: &[Attr] = &[
    Attr::Const("AmlCompute", "computeType"),
    id("subnet_resource_id", "properties.subnet", SUBNET),
    copy("node_public_ip_enabled", "properties.enableNodePublicIp"),
    Attr::Identity,
];

const INSTANCE_ATTRS: &[Attr] = &[
    Attr::Const("ComputeInstance", "computeType"),
    id("subnet_resource_id", "properties.subnet", SUBNET),
    copy("node_public_ip_enabled", "properties.enableNodePublicIp"),
    Attr::Identity,
];

const fn compute(tf: &'static [&'static str], attrs: &'static [Attr]) -> Type {
    child(tf, "Microsoft.MachineLearningServices/workspaces/computes", "machine_learning_workspace_id", attrs)
}
