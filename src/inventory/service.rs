//! Platform services and their own network rules.

use super::Subnet;
use super::read::{AnyKind, Field, Many, Place, Ref, Unknown, block, resource, words};
use super::told::ToldNames;
use super::values::{AddressWord, ManagedIdentity};
use crate::net::PortRange;
use std::sync::Arc;

/// A deployment slot of a web app: a site of its own beside it.
pub(super) const SLOT: &str = "Microsoft.Web/sites/slots";

/// What the host names of web apps end in.
const SITES: &str = ".azurewebsites.net";

/// Azure cuts the host names of slots whose label is longer than this.
const LONGEST_SLOT: usize = 59;

words! {
    /// Whether a service answers on its public endpoint.
    pub enum PublicNetworkAccess {
        Enabled = "Enabled" | "true", Disabled = "Disabled" | "false", SecuredByPerimeter = "SecuredByPerimeter",
    }
}

words! {
    /// What a service firewall does with what no rule names.
    pub enum DefaultAction { Allow = "Allow", Deny = "Deny" }
}

resource! {
    /// A platform service with a public endpoint and, perhaps, private ones: storage account, key vault,
    /// registry, database, web app ... Its type tells which rules apply.
    pub struct PlatformService {
        /// Class of the service.
        pub sku: Field<Arc<str>> = "sku.name" | "sku",
        /// Variant (`StorageV2`, `GlobalDocumentDB` ...).
        pub kind: Field<Arc<str>> = "kind",
        /// Its managed identity.
        pub identity: Field<ManagedIdentity> = "identity",
        /// Whether the public endpoint answers.
        pub public_network_access: Field<PublicNetworkAccess> =
            "publicNetworkAccess" | "network.publicNetworkAccess" | "publicNetworkAccessForIngestion" | "siteConfig.publicNetworkAccess",
        /// Event Hubs, Service Bus, Relay: the same switch, written with the rules.
        pub rule_set_public_network_access: Field<PublicNetworkAccess> = "networkRuleSets.publicNetworkAccess" | "networkRuleSet.publicNetworkAccess",
        /// The same: where its rules say what they do with the rest, which may be in a resource of their own.
        pub rule_set_at: Field<Place> = "networkRuleSets.defaultAction",
        /// What the firewall does with the rest.
        pub default_action: Field<DefaultAction> =
            "networkAcls.defaultAction" | "networkRuleSet.defaultAction" | "networkRuleSets.defaultAction"
            | "networkProfile.accountAccess.defaultAction",
        /// Services let through: `AzureServices`, `Logging`, `Metrics`.
        pub bypass: Field<Arc<str>> =
            "networkAcls.bypass" | "networkRuleSet.bypass" | "networkRuleBypassOptions" | "networkAclBypass"
            | "networkRuleSets.trustedServiceAccessEnabled" | "networkRuleSet.trustedServiceAccessEnabled",
        /// Public addresses let through.
        pub ip_rules: Many<AddressWord> =
            "networkAcls.ipRules.*.value" | "networkAcls.ipRules.*.ipAddressOrRange" | "networkRuleSet.ipRules.*.value"
            | "networkRuleSet.ipRules.*.ipAddressOrRange"
            | "ipRules.*.ipAddressOrRange" | "ipRules.*.value" | "networkRuleSet.ipRules.*.ipMask" | "ipAllowlist"
            | "networkRuleSets.ipRules" | "inboundIpRules" | "networkProfile.accountAccess.ipRules" | "firewallRules",
        /// Subnets let through.
        pub virtual_network_rules: Many<Ref<Subnet>> =
            "networkAcls.virtualNetworkRules.*.id" | "networkAcls.virtualNetworkRules.*.subnet"
            | "networkRuleSet.virtualNetworkRules.*.id" | "networkRuleSet.virtualNetworkRules.*.subnet"
            | "networkRuleSet.virtualNetworkRules.*.virtualNetworkResourceId"
            | "networkRuleSets.virtualNetworkRules.*.subnet" | "networkRuleSets.virtualNetworkRules.*.id"
            | "virtualNetworkRules.*.id",
        /// Resource instances let through.
        pub resource_access_rules: Many<Arc<str>> = "networkAcls.resourceAccessRules.*.resourceId" | "networkRuleSet.resourceAccessRules.*.resourceId",
        /// Cosmos DB: whether subnets are filtered at all.
        pub is_virtual_network_filter_enabled: Field<bool> = "isVirtualNetworkFilterEnabled",
        /// Storage: whether account keys work.
        pub allow_shared_key_access: Field<bool> = "allowSharedKeyAccess",
        /// Key vault: whether roles, not access policies, decide.
        pub enable_rbac_authorization: Field<bool> = "enableRbacAuthorization",
        /// Key vault: access policies.
        pub access_policies: Many<AccessPolicy> = "accessPolicies",
        /// Registry: whether the admin account works.
        pub admin_user_enabled: Field<bool> = "adminUserEnabled",
        /// Registry: whether layers come from a dedicated endpoint.
        pub data_endpoint_enabled: Field<bool> = "dataEndpointEnabled",
        /// Private endpoint connections, as deployed.
        pub private_endpoint_connections: Many<EndpointConnection> = "privateEndpointConnections",
        /// AI services: the label of its host names, which need not be its own name.
        pub custom_sub_domain_name: Field<Arc<str>> = "customSubDomainName",
        /// Names somebody says it has, beside those that follow from its type.
        pub host_names: Many<Arc<str>> = "hostNames",
        /// Names that Azure says it has, or that somebody gave it beside its own.
        pub told_names: Many<ToldNames> =
            "customDomain.name" | "dataEndpointHostNames" | "defaultHostName" | "developerPortalUrl" | "documentEndpoint"
            | "enabledHostNames" | "fqdn" | "fullyQualifiedDomainName" | "gatewayRegionalUrl" | "gatewayUrl"
            | "hostNameSslStates.*.name" | "hostnameConfigurations.*.hostName" | "loginServer" | "managementApiUrl"
            | "portalUrl" | "primaryEndpoints" | "readLocations.*.documentEndpoint" | "scmUrl" | "secondaryEndpoints"
            | "workspaceUrl",
        /// Web app: the first of its names, which need not begin with its own.
        pub default_host_name: Field<ToldNames> = "defaultHostName",
        /// Web app: whose share it is that Azure makes a part of its names up, so that they do not follow from its own.
        pub label_scope: Field<Arc<str>> = "autoGeneratedDomainNameLabelScope",
        /// Cosmos DB: its regions, each of which has a name.
        pub locations: Many<Arc<str>> = "locations.*.locationName",
        /// Workspace: its id, part of its host names.
        pub workspace_id: Field<Arc<str>> = "workspaceId",
        /// Workspace: public access of the first API generation (AML-3).
        pub allow_public_access_when_behind_vnet: Field<bool> = "allowPublicAccessWhenBehindVnet",
        /// Workspace: high business impact.
        pub hbi_workspace: Field<bool> = "hbiWorkspace",
        /// Workspace: its storage account.
        pub storage_account: Field<Ref<PlatformService>> = "storageAccount",
        /// Workspace: its key vault.
        pub key_vault: Field<Ref<PlatformService>> = "keyVault",
        /// Workspace: its registry.
        pub container_registry: Field<Ref<PlatformService>> = "containerRegistry",
        /// Workspace: its telemetry.
        pub application_insights: Field<Ref<AnyKind>> = "applicationInsights",
        /// Workspace: the cluster that builds images.
        pub image_build_compute: Field<Arc<str>> = "imageBuildCompute",
        /// Workspace: isolation mode of its managed network (AML-5).
        pub managed_network_isolation: Field<IsolationMode> = "managedNetwork.isolationMode",
        /// Workspace: outbound rules of its managed network.
        pub managed_network_rules: Field<ManagedRules> = "managedNetwork.outboundRules",
        /// Workspace: whether its managed network is made; before, its rules wait for it.
        pub managed_network_status: Field<Arc<str>> = "managedNetwork.status.status",
        /// Workspace: the hub that a project belongs to, whose network it shares.
        pub hub: Field<Ref<PlatformService>> = "hubResourceId",
        /// Workspace: first API generation only.
        pub v1_legacy_mode: Field<bool> = "v1LegacyMode",
        /// AKS: subnets of the node pools.
        pub agent_pool_subnets: Many<Ref<Subnet>> = "agentPoolProfiles.*.vnetSubnetID",
        /// AKS: private API server.
        pub enable_private_cluster: Field<bool> = "apiServerAccessProfile.enablePrivateCluster",
        /// AKS: whether a private API server has a public name too, which leads to its private address.
        pub enable_private_cluster_public_fqdn: Field<bool> = "apiServerAccessProfile.enablePrivateClusterPublicFQDN",
        /// Web app: who it lets in.
        pub access_restrictions: Many<AccessRestriction> = "siteConfig.ipSecurityRestrictions",
        /// Web app: what becomes of who is in none of them.
        pub access_restrictions_rest: Field<DefaultAction> = "siteConfig.ipSecurityRestrictionsDefaultAction",
        /// Web app: the same for its tools, at `.scm.`.
        pub scm_restrictions: Many<AccessRestriction> = "siteConfig.scmIpSecurityRestrictions",
        /// Web app: what becomes of who is in none of those.
        pub scm_restrictions_rest: Field<DefaultAction> = "siteConfig.scmIpSecurityRestrictionsDefaultAction",
        /// Web app: whether its tools take the rules of the site.
        pub scm_as_main: Field<bool> = "siteConfig.scmIpSecurityRestrictionsUseMain",
        /// Web app: its settings, where they are resources of their own.
        pub config: Many<SiteConfig> = "config",
        /// AKS: addresses let through to the API server.
        pub authorized_ip_ranges: Many<AddressWord> = "apiServerAccessProfile.authorizedIPRanges",
        /// AKS: how nodes reach the internet.
        pub outbound_type: Field<Arc<str>> = "networkProfile.outboundType",
        /// AKS: the class of the load balancer that it brings; `standard` unless it says otherwise.
        pub load_balancer_sku: Field<Arc<str>> = "networkProfile.loadBalancerSku",
        /// Ports it answers where that differs from its kind's; none where it is switched off.
        pub listens: Many<PortRange> = "listens",
        /// Web app: the subnet it sends from.
        pub virtual_network_subnet_id: Field<Ref<Subnet>> = "virtualNetworkSubnetId",
        /// Databricks and others: the network it is injected into.
        pub injected_subnets: Many<Arc<str>> = "subnet" | "subnetId" | "customerVirtualNetworkSubnetId" | "network.delegatedSubnetResourceId",
        /// API Management: whether its gateway stands in a virtual network, and for whom.
        pub virtual_network_type: Field<Arc<str>> = "virtualNetworkType",
        /// SignalR: requests that its public endpoint takes where it denies the rest.
        pub public_requests_allowed: Many<Arc<str>> = "networkAcls.publicNetwork.allow",
        /// SignalR: requests that its public endpoint refuses where it allows the rest.
        pub public_requests_denied: Many<Arc<str>> = "networkAcls.publicNetwork.deny",
    }
}

impl PlatformService {
    /// What its host names begin with: its name, or what it is called there. One that is not told is doubted where
    /// names of the kind are asked for.
    pub fn label(&self) -> String {
        let own = self.custom_sub_domain_name.known().filter(|label| !label.is_empty());
        let own = own.map(|label| &**label).or_else(|| self.label_of_site());
        own.map_or_else(|| self.own_name(), str::to_ascii_lowercase)
    }

    /// Its name as it stands in host names: that of a deployment slot has its app's before it.
    fn own_name(&self) -> String {
        match self.id.is_kind(SLOT) {
            true => self.id.full_name().replace('/', "-").to_ascii_lowercase(),
            false => self.id.name().to_ascii_lowercase(),
        }
    }

    fn label_of_site(&self) -> Option<&str> {
        let names = &self.default_host_name.known()?.0;
        names.iter().find_map(|name| name.strip_suffix(SITES))
    }

    /// Whether its host names do not follow from its own: Azure makes a part of them up, or cuts them.
    pub fn is_label_untold(&self) -> bool {
        let made_up = self.label_scope.known().is_some_and(|scope| !scope.is_empty());
        let cut = self.id.is_kind(SLOT) && self.own_name().len() > LONGEST_SLOT;
        (made_up || cut) && self.label_of_site().is_none()
    }
}

words! {
    /// Isolation mode of a managed network.
    pub enum IsolationMode {
        Disabled = "Disabled",
        AllowInternetOutbound = "AllowInternetOutbound",
        AllowOnlyApprovedOutbound = "AllowOnlyApprovedOutbound",
    }
}

block! {
    /// A rule of a web app about who may come in.
    pub struct AccessRestriction {
        /// Allow or Deny.
        pub action: Field<DefaultAction> = "action",
        /// From where: addresses and ranges with commas between them, `Any`, or the service tag where `tag` says so.
        pub ip_address: Field<Arc<str>> = "ipAddress",
        /// What the address is: `Default`, `XffProxy` or `ServiceTag`.
        pub tag: Field<Arc<str>> = "tag",
        /// From which subnet, over its service endpoint.
        pub subnet: Field<Ref<Subnet>> = "vnetSubnetResourceId",
        /// Its place among the rules: the lowest is asked first.
        pub priority: Field<i64> = "priority",
        /// The mask of an address, as old versions write it.
        pub subnet_mask: Field<Arc<str>> = "subnetMask",
        /// Headers that a request must have.
        pub headers: Field<Headers> = "headers",
    }
}

/// What a rule of a web app asks of a request's headers.
#[derive(Clone, Debug, PartialEq)]
pub struct Headers {
    /// The Front Doors of which one must have passed it on: `x-azure-fdid`.
    pub front_doors: Vec<Arc<str>>,
    /// Whether it asks for other headers.
    pub others: bool,
}

impl super::read::Read for Headers {
    fn read(node: &crate::doc::Node, _: &mut super::read::Reader<'_>) -> Result<Self, Unknown> {
        let mut out = Self { front_doors: Vec::new(), others: false };
        let empty = |n: &crate::doc::Node| n.is_null() || n.as_array().is_some_and(<[_]>::is_empty);
        // Terraform writes a list of one block, with names of its own.
        let blocks = match node.as_array() {
            Some(items) => items.iter().collect(),
            None => vec![node],
        };
        for entry in blocks.iter().filter_map(|b| b.as_object()).flat_map(|o| o.iter()) {
            if let Some(why) = entry.value.why_unknown() {
                return Err(Unknown::new(entry.value.at, why.clone()));
            }
            if entry.key.replace('_', "-").eq_ignore_ascii_case("x-azure-fdid") {
                let ids = entry.value.as_array().unwrap_or_default();
                let texts = || ids.iter().filter_map(crate::doc::Node::as_str);
                out.others |= texts().count() < ids.len();
                out.front_doors.extend(texts().map(Arc::from));
            } else if !empty(&entry.value) {
                out.others = true;
            }
        }
        match blocks.iter().find_map(|b| b.why_unknown()) {
            Some(why) => Err(Unknown::new(node.at, why.clone())),
            None => Ok(out),
        }
    }

    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": ["object", "array"] })
    }
}

impl Headers {
    /// Whether it asks anything.
    pub fn any(&self) -> bool {
        self.others || !self.front_doors.is_empty()
    }
}

block! {
    /// Settings of a web app.
    pub struct SiteConfig {
        /// Who may come in.
        pub access_restrictions: Many<AccessRestriction> = "ipSecurityRestrictions",
        /// What becomes of who is in none of them.
        pub rest: Field<DefaultAction> = "ipSecurityRestrictionsDefaultAction",
        /// The same for its tools, at `.scm.`.
        pub scm_restrictions: Many<AccessRestriction> = "scmIpSecurityRestrictions",
        /// What becomes of who is in none of those.
        pub scm_rest: Field<DefaultAction> = "scmIpSecurityRestrictionsDefaultAction",
        /// Whether the tools take the rules of the site.
        pub scm_as_main: Field<bool> = "scmIpSecurityRestrictionsUseMain",
    }
}

block! {
    /// An access policy of a key vault.
    pub struct AccessPolicy {
        /// Who.
        pub object_id: Field<Arc<str>> = "objectId",
        /// What with secrets.
        pub secrets: Many<Arc<str>> = "permissions.secrets",
        /// What with keys.
        pub keys: Many<Arc<str>> = "permissions.keys",
        /// What with certificates.
        pub certificates: Many<Arc<str>> = "permissions.certificates",
    }
}

block! {
    /// A private endpoint connection as the target sees it.
    pub struct EndpointConnection in "privateEndpointConnections" {
        /// The private endpoint.
        pub private_endpoint: Field<Ref<super::PrivateEndpoint>> = "privateEndpoint",
        /// State.
        pub status: Field<super::ConnectionStatus> = "privateLinkServiceConnectionState.status",
    }
}

/// Outbound rules of a managed network: an object keyed by rule name.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ManagedRules(pub Vec<ManagedRule>);

/// One outbound rule of a managed network.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedRule {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is written.
    pub at: crate::diag::At,
    /// What it opens.
    pub opens: ManagedRuleTarget,
    /// Whether it is in force: `status` says otherwise of one that is not approved, failed, or going away.
    pub in_force: Result<bool, super::read::Unknown>,
    /// Whether it denies instead: the `action` of a service tag's rule.
    pub denies: Result<bool, super::read::Unknown>,
}

/// What a managed network's rule opens.
#[derive(Clone, Debug, PartialEq)]
pub enum ManagedRuleTarget {
    /// A name, ports 80 and 443.
    Fqdn(Arc<str>),
    /// A private endpoint to a resource and sub-resource.
    PrivateEndpoint {
        /// The target resource.
        resource: Arc<str>,
        /// The sub-resource.
        group: Arc<str>,
    },
    /// A service tag with protocol and ports.
    ServiceTag {
        /// The tag.
        tag: Arc<str>,
        /// Addresses in place of the tag's.
        prefixes: Vec<crate::net::IpNet>,
        /// Protocol.
        protocol: crate::net::ProtocolMatch,
        /// Ports.
        ports: Vec<PortRange>,
    },
    /// A rule that cannot be read, and why.
    Unknown(super::read::Unknown),
}

impl super::read::Read for ManagedRules {
    fn read(
        node: &crate::doc::Node,
        reader: &mut super::read::Reader<'_>,
    ) -> Result<Self, super::read::Unknown> {
        use super::read::Unknown;
        if let Some(why) = node.why_unknown() {
            return Err(Unknown::new(node.at, why.clone()));
        }
        let mut rules = Vec::new();
        if let Some(object) = node.as_object() {
            for entry in object.iter() {
                rules.push(managed_rule(entry.key.clone(), &entry.value, reader));
            }
        }
        for item in node.as_array().unwrap_or_default() {
            let name = item.get("name").and_then(crate::doc::Node::as_str).unwrap_or_default();
            rules.push(managed_rule(name.into(), item.get("properties").unwrap_or(item), reader));
        }
        Ok(Self(rules))
    }

    fn inside() -> super::shape::Inside {
        super::shape::Inside::Open
    }

    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "object", "additionalProperties": { "type": "object", "properties": {
            "type": { "enum": ["FQDN", "PrivateEndpoint", "ServiceTag"] }, "destination": {}
        }, "required": ["type", "destination"] } })
    }
}

/// Whether a rule in this state holds: one being made does as soon as it is.
fn is_in_force(status: &str) -> bool {
    ["Active", "Provisioning"].iter().any(|word| status.eq_ignore_ascii_case(word))
}

fn managed_rule(
    name: Arc<str>,
    node: &crate::doc::Node,
    reader: &mut super::read::Reader<'_>,
) -> ManagedRule {
    use super::read::Read;
    let word = |path: &str, reader: &mut super::read::Reader<'_>| {
        node.path(path)
            .ok_or_else(|| {
                super::read::Unknown::new(node.at, format!("the outbound rule `{name}` has no `{path}`"))
            })
            .and_then(|n| Arc::<str>::read(n, reader))
    };
    let kind = word("type", reader);
    let opens = match kind.as_ref().map(|k| k.to_ascii_lowercase()).as_deref() {
        Ok("fqdn") => word("destination", reader).map(ManagedRuleTarget::Fqdn),
        Ok("privateendpoint") => word("destination.serviceResourceId", reader).and_then(|resource| {
            word("destination.subresourceTarget", reader)
                .map(|group| ManagedRuleTarget::PrivateEndpoint { resource, group })
        }),
        Ok("servicetag") => word("destination.serviceTag", reader).map(|tag| {
            let protocol = word("destination.protocol", reader).ok();
            let protocol = protocol.and_then(|p| crate::net::ProtocolMatch::parse(&p));
            let ports = word("destination.portRanges", reader).ok();
            let ports = ports.map(|p| p.split(',').filter_map(PortRange::parse).collect());
            let listed = node.path("destination.addressPrefixes").and_then(crate::doc::Node::as_array);
            let listed = listed.unwrap_or_default().iter().filter_map(crate::doc::Node::as_str);
            ManagedRuleTarget::ServiceTag {
                tag,
                prefixes: listed.filter_map(|p| p.parse().ok()).collect(),
                protocol: protocol.unwrap_or(crate::net::ProtocolMatch::ANY),
                ports: ports.unwrap_or_else(|| vec![PortRange::ALL]),
            }
        }),
        Ok(_) => {
            Err(super::read::Unknown::new(node.at, format!("the outbound rule `{name}` has an unknown type")))
        }
        Err(unknown) => Err((*unknown).clone()),
    };
    let mut state = |path: &str, test: fn(&str) -> bool, absent: bool| match node.path(path) {
        None => Ok(absent),
        Some(n) if n.is_null() => Ok(absent),
        Some(n) => Arc::<str>::read(n, reader).map(|word| test(&word)),
    };
    let in_force = state("status", is_in_force, true);
    let denies = state("destination.action", |word| word.eq_ignore_ascii_case("Deny"), false);
    let opens = opens.unwrap_or_else(ManagedRuleTarget::Unknown);
    ManagedRule { name: name.clone(), at: node.at, opens, in_force, denies }
}

resource! {
    /// A compute of a machine learning workspace.
    pub struct MlCompute {
        /// `ComputeInstance`, `AmlCompute`, `AKS`, `VirtualMachine` ...
        pub compute_type: Field<Arc<str>> = "computeType",
        /// Its subnet, in the customer's own network.
        pub subnet: Field<Ref<Subnet>> = "properties.subnet" | "subnet",
        /// Whether nodes have public addresses.
        pub enable_node_public_ip: Field<bool> = "properties.enableNodePublicIp" | "enableNodePublicIp",
        /// Its managed identity.
        pub identity: Field<ManagedIdentity> = "identity",
        /// The attached resource.
        pub resource_id: Field<Ref<AnyKind>> = "resourceId",
        /// Short form of our own files: the public address that Azure gives its nodes.
        pub public_ip_address: Field<Ref<super::PublicIpAddress>> = "publicIPAddress",
        /// Short form of our own files: the security group that Azure puts before its nodes.
        pub network_security_group: Field<Ref<super::Nsg>> = "networkSecurityGroup",
    }
}

resource! {
    /// An online or batch endpoint of a workspace.
    pub struct MlEndpoint {
        /// Whether it is scored from public networks.
        pub public_network_access: Field<PublicNetworkAccess> = "publicNetworkAccess",
        /// Key, AMLToken or AADToken.
        pub auth_mode: Field<Arc<str>> = "authMode",
        /// Its managed identity.
        pub identity: Field<ManagedIdentity> = "identity",
    }
}

resource! {
    /// A deployment behind an online endpoint.
    pub struct MlDeployment {
        /// Legacy isolation of one deployment.
        pub egress_public_network_access: Field<PublicNetworkAccess> = "egressPublicNetworkAccess",
    }
}

resource! {
    /// A public host outside Azure resources of the estate, or a name of somebody else's service.
    pub struct InternetHost {
        /// Its names; `*.` at the front for any label.
        pub names: Many<Arc<str>> = "names" | "fqdn",
        /// Its addresses; absent means an example address.
        pub addresses: Many<crate::net::IpAddr> = "addresses",
        /// The service tag it is part of.
        pub service_tag: Field<Arc<str>> = "serviceTag",
        /// Ports that answer; absent means any port asked.
        pub listens: Many<PortRange> = "listens",
        /// For somebody else's Azure service: whether a private endpoint exists for it somewhere, which
        /// puts the `privatelink` name into its public resolution (DNS-6).
        pub has_private_endpoint: Field<bool> = "hasPrivateEndpoint",
        /// Aliases of service endpoint policies that stand for it: `/services/Azure/MachineLearning`.
        pub service_aliases: Many<Arc<str>> = "serviceAliases",
    }
}
