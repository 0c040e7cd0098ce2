//! Resource types that carry, filter and receive no traffic, so that not modelling them costs no answer.
//!
//! They hold settings, keys, alerts, backups, billing, or data inside a service whose own resource is modelled.

/// Types without network meaning; one that ends in `/` stands for everything below it.
const ASIDE: &[&str] = &[
    "Microsoft.Advisor/",
    "Microsoft.AlertsManagement/",
    "Microsoft.Authorization/policyAssignments",
    "Microsoft.Authorization/policyDefinitions",
    "Microsoft.Authorization/policyExemptions",
    "Microsoft.Authorization/policySetDefinitions",
    "Microsoft.Authorization/roleManagementPolicyAssignments",
    "Microsoft.Automation/automationAccounts/",
    "Microsoft.Billing/",
    "Microsoft.Cache/Redis/accessPolicies",
    "Microsoft.Cache/Redis/accessPolicyAssignments",
    "Microsoft.Cdn/profiles/ruleSets",
    "Microsoft.Cdn/profiles/ruleSets/",
    "Microsoft.Cdn/profiles/secrets",
    "Microsoft.CognitiveServices/accounts/deployments",
    "Microsoft.CognitiveServices/accounts/raiPolicies",
    "Microsoft.Compute/availabilitySets",
    "Microsoft.Compute/capacityReservationGroups",
    "Microsoft.Compute/diskEncryptionSets",
    "Microsoft.Compute/disks",
    "Microsoft.Compute/galleries",
    "Microsoft.Compute/galleries/",
    "Microsoft.Compute/images",
    "Microsoft.Compute/proximityPlacementGroups",
    "Microsoft.Compute/restorePointCollections",
    "Microsoft.Compute/restorePointCollections/",
    "Microsoft.Compute/snapshots",
    "Microsoft.Compute/sshPublicKeys",
    "Microsoft.Compute/virtualMachineScaleSets/extensions",
    "Microsoft.Compute/virtualMachines/extensions",
    "Microsoft.Compute/virtualMachines/runCommands",
    "Microsoft.Consumption/",
    "Microsoft.ContainerRegistry/registries/cacheRules",
    "Microsoft.ContainerRegistry/registries/credentialSets",
    "Microsoft.ContainerRegistry/registries/scopeMaps",
    "Microsoft.ContainerRegistry/registries/tokens",
    "Microsoft.CostManagement/",
    "Microsoft.DBforMySQL/flexibleServers/configurations",
    "Microsoft.DBforMySQL/flexibleServers/databases",
    "Microsoft.DBforPostgreSQL/flexibleServers/administrators",
    "Microsoft.DBforPostgreSQL/flexibleServers/configurations",
    "Microsoft.DBforPostgreSQL/flexibleServers/databases",
    "Microsoft.DataProtection/",
    "Microsoft.DevTestLab/schedules",
    "Microsoft.DocumentDB/databaseAccounts/",
    "Microsoft.EventHub/namespaces/authorizationRules",
    "Microsoft.EventHub/namespaces/eventhubs",
    "Microsoft.EventHub/namespaces/eventhubs/",
    "Microsoft.GuestConfiguration/",
    "Microsoft.Insights/actionGroups",
    "Microsoft.Insights/activityLogAlerts",
    "Microsoft.Insights/autoscaleSettings",
    "Microsoft.Insights/dataCollectionRuleAssociations",
    "Microsoft.Insights/dataCollectionRules",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Insights/metricAlerts",
    "Microsoft.Insights/scheduledQueryRules",
    "Microsoft.Insights/workbooks",
    "Microsoft.KeyVault/vaults/keys",
    "Microsoft.KeyVault/vaults/secrets",
    "Microsoft.MachineLearningServices/workspaces/connections",
    "Microsoft.MachineLearningServices/workspaces/data",
    "Microsoft.MachineLearningServices/workspaces/datastores",
    "Microsoft.MachineLearningServices/workspaces/environments",
    "Microsoft.MachineLearningServices/workspaces/environments/versions",
    "Microsoft.MachineLearningServices/workspaces/jobs",
    "Microsoft.MachineLearningServices/workspaces/models",
    "Microsoft.MachineLearningServices/workspaces/models/versions",
    "Microsoft.Maintenance/",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    "Microsoft.Network/ddosProtectionPlans",
    "Microsoft.Network/networkWatchers",
    "Microsoft.Network/networkWatchers/",
    "Microsoft.OperationalInsights/workspaces/",
    "Microsoft.OperationsManagement/",
    "Microsoft.PolicyInsights/",
    "Microsoft.Portal/",
    "Microsoft.RecoveryServices/vaults/",
    "Microsoft.Resources/deploymentStacks",
    "Microsoft.Resources/deployments",
    "Microsoft.Resources/resourceGroups",
    "Microsoft.Resources/subscriptions",
    "Microsoft.Resources/tags",
    "Microsoft.Resources/templateSpecs",
    "Microsoft.Resources/templateSpecs/",
    "Microsoft.Security/",
    "Microsoft.SecurityInsights/",
    "Microsoft.ServiceBus/namespaces/authorizationRules",
    "Microsoft.ServiceBus/namespaces/queues",
    "Microsoft.ServiceBus/namespaces/topics",
    "Microsoft.ServiceBus/namespaces/topics/",
    "Microsoft.Sql/servers/administrators",
    "Microsoft.Sql/servers/auditingSettings",
    "Microsoft.Sql/servers/databases",
    "Microsoft.Sql/servers/databases/",
    "Microsoft.Sql/servers/elasticPools",
    "Microsoft.Sql/servers/encryptionProtector",
    "Microsoft.Sql/servers/keys",
    "Microsoft.Sql/servers/securityAlertPolicies",
    "Microsoft.Sql/servers/vulnerabilityAssessments",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/",
    "Microsoft.Storage/storageAccounts/fileServices",
    "Microsoft.Storage/storageAccounts/fileServices/",
    "Microsoft.Storage/storageAccounts/managementPolicies",
    "Microsoft.Storage/storageAccounts/queueServices",
    "Microsoft.Storage/storageAccounts/queueServices/",
    "Microsoft.Storage/storageAccounts/tableServices",
    "Microsoft.Storage/storageAccounts/tableServices/",
    "Microsoft.Support/",
    "Microsoft.Web/certificates",
    "Microsoft.Web/serverfarms",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
    "Microsoft.Web/sites/extensions",
    "Microsoft.Web/sites/slots/basicPublishingCredentialsPolicies",
    "Microsoft.Web/sites/slots/extensions",
    "Microsoft.Web/sites/slots/sourcecontrols",
    "Microsoft.Web/sites/sourcecontrols",
];

/// Whether resources of this type are known to have no part in any flow.
pub fn has_no_network_meaning(kind: &str) -> bool {
    ASIDE.iter().any(|aside| match aside.ends_with('/') {
        true => kind.get(..aside.len()).is_some_and(|head| head.eq_ignore_ascii_case(aside)),
        false => kind.eq_ignore_ascii_case(aside),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::is_modelled;

    #[test]
    fn no_type_is_both_modelled_and_aside() {
        let both: Vec<&str> = ASIDE.iter().copied().filter(|kind| is_modelled(kind)).collect();
        assert_eq!(both, [""; 0]);
        assert!(ASIDE.is_sorted(), "in order, so that nothing stands twice");
        assert!(has_no_network_meaning("microsoft.insights/DIAGNOSTICSETTINGS"));
        assert!(has_no_network_meaning("Microsoft.Network/networkWatchers/flowLogs"));
        assert!(!has_no_network_meaning("Microsoft.Network/networkSecurityGroups"));
        assert!(!has_no_network_meaning("Microsoft.Security"));
    }
}
