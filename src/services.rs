//! Facts about Azure's platform services, once: host names, private zones, sub-resources, service tags.
//!
//! Source: the table of private endpoint DNS zones
//! (<https://learn.microsoft.com/azure/private-link/private-endpoint-dns>) and the service tag overview
//! (<https://learn.microsoft.com/azure/virtual-network/service-tags-overview>). Nothing here knows an
//! estate; patterns use `{name}`, `{region}`, `{guid}` and `{ws}`.

/// A kind of platform service.
#[derive(Debug, PartialEq)]
pub struct ServiceKind {
    /// Its resource type.
    pub arm_type: &'static str,
    /// Its section in our own estate file.
    pub section: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// The service tag of its public endpoint.
    pub tag: Option<&'static str>,
    /// Whether the tag has a form for each region.
    pub regional: bool,
    /// The service endpoint that routes to it.
    pub service_endpoint: Option<&'static str>,
    /// Its endpoints; the first is meant when only the resource is named.
    pub endpoints: &'static [EndpointKind],
}

/// One endpoint of a service.
#[derive(Debug, PartialEq)]
pub struct EndpointKind {
    /// Sub-resource (group id) of private endpoints.
    pub group: &'static str,
    /// Public host name.
    pub host: &'static str,
    /// Private zone, where one exists.
    pub zone: Option<&'static str>,
    /// Record name within the zone.
    pub record: &'static str,
    /// Usual port.
    pub port: u16,
    /// Which address of a private endpoint serves it: one endpoint may own several.
    pub member: u8,
}

impl EndpointKind {
    /// Whether it is the copy in another region, which answers for accounts that are read there too.
    pub fn is_secondary(&self) -> bool {
        self.group.ends_with("_secondary")
    }

    /// The same, served by another address of the private endpoint.
    const fn at_member(mut self, member: u8) -> Self {
        self.member = member;
        self
    }
}

/// What the patterns of a service's names are filled with.
#[derive(Clone, Debug)]
pub struct NameParts<'a> {
    /// The resource's name.
    pub name: &'a str,
    /// Its region, lower case without blanks; `None` where it is not known.
    pub region: Option<&'a str>,
    /// The id of a workspace.
    pub guid: &'a str,
}

/// Fills a pattern; `None` where a part it needs is not known.
pub fn fill(pattern: &str, parts: &NameParts<'_>) -> Option<String> {
    let mut text = pattern.replace("{name}", parts.name).replace("{guid}", parts.guid);
    if text.contains("{region}") {
        text = text.replace("{region}", parts.region?);
    }
    if text.contains("{ws}") {
        text = text.replace("{ws}", &workspace_label(parts)?);
    }
    Some(text.to_ascii_lowercase())
}

/// The workspace's name as it stands in its notebook host, cut so that the label keeps within 63 characters.
fn workspace_label(parts: &NameParts<'_>) -> Option<String> {
    let room = 63usize.checked_sub("ml---".len() + parts.region?.len() + parts.guid.len())?;
    Some(parts.name.chars().take(room).collect())
}

const fn endpoint(
    group: &'static str,
    host: &'static str,
    zone: &'static str,
    record: &'static str,
    port: u16,
) -> EndpointKind {
    EndpointKind { group, host, zone: Some(zone), record, port, member: 0 }
}

macro_rules! services {
    ($($arm_type:literal $section:literal $label:literal tag $tag:expr, $regional:literal, se $se:expr, [$($e:expr),* $(,)?];)*) => {
        /// Every kind of platform service that is modelled.
        pub const SERVICES: &[ServiceKind] = &[$(ServiceKind {
            arm_type: $arm_type, section: $section, label: $label, tag: $tag, regional: $regional,
            service_endpoint: $se, endpoints: &[$($e),*],
        }),*];
    };
}

services! {
    "Microsoft.Storage/storageAccounts" "storageAccounts" "storage account" tag Some("Storage"), true, se Some("Microsoft.Storage"), [
        endpoint("blob", "{name}.blob.core.windows.net", "privatelink.blob.core.windows.net", "{name}", 443),
        endpoint("file", "{name}.file.core.windows.net", "privatelink.file.core.windows.net", "{name}", 445),
        endpoint("queue", "{name}.queue.core.windows.net", "privatelink.queue.core.windows.net", "{name}", 443),
        endpoint("table", "{name}.table.core.windows.net", "privatelink.table.core.windows.net", "{name}", 443),
        endpoint("dfs", "{name}.dfs.core.windows.net", "privatelink.dfs.core.windows.net", "{name}", 443),
        endpoint("web", "{name}.web.core.windows.net", "privatelink.web.core.windows.net", "{name}", 443),
        endpoint("blob_secondary", "{name}-secondary.blob.core.windows.net", "privatelink.blob.core.windows.net", "{name}-secondary", 443),
        endpoint("queue_secondary", "{name}-secondary.queue.core.windows.net", "privatelink.queue.core.windows.net", "{name}-secondary", 443),
        endpoint("table_secondary", "{name}-secondary.table.core.windows.net", "privatelink.table.core.windows.net", "{name}-secondary", 443),
        endpoint("dfs_secondary", "{name}-secondary.dfs.core.windows.net", "privatelink.dfs.core.windows.net", "{name}-secondary", 443),
        endpoint("web_secondary", "{name}-secondary.web.core.windows.net", "privatelink.web.core.windows.net", "{name}-secondary", 443),
    ];
    "Microsoft.KeyVault/vaults" "keyVaults" "key vault" tag Some("AzureKeyVault"), true, se Some("Microsoft.KeyVault"), [
        endpoint("vault", "{name}.vault.azure.net", "privatelink.vaultcore.azure.net", "{name}", 443),
    ];
    "Microsoft.ContainerRegistry/registries" "containerRegistries" "container registry" tag Some("AzureContainerRegistry"), true, se Some("Microsoft.ContainerRegistry"), [
        endpoint("registry", "{name}.azurecr.io", "privatelink.azurecr.io", "{name}", 443),
        endpoint("registry", "{name}.{region}.data.azurecr.io", "privatelink.azurecr.io", "{name}.{region}.data", 443).at_member(1),
    ];
    "Microsoft.MachineLearningServices/workspaces" "workspaces" "machine learning workspace" tag Some("AzureMachineLearning"), false, se None, [
        endpoint("amlworkspace", "{guid}.workspace.{region}.api.azureml.ms", "privatelink.api.azureml.ms", "{guid}.workspace.{region}", 443),
        endpoint("amlworkspace", "{guid}.workspace.{region}.cert.api.azureml.ms", "privatelink.api.azureml.ms", "{guid}.workspace.{region}.cert", 443),
        endpoint("amlworkspace", "ml-{ws}-{region}-{guid}.{region}.notebooks.azure.net", "privatelink.notebooks.azure.net", "ml-{ws}-{region}-{guid}.{region}", 443).at_member(1),
        endpoint("amlworkspace", "*.{region}.inference.ml.azure.com", "privatelink.api.azureml.ms", "*.{guid}.inference.{region}", 443).at_member(2),
    ];
    "Microsoft.DocumentDB/databaseAccounts" "cosmosAccounts" "Cosmos DB account" tag Some("AzureCosmosDB"), true, se Some("Microsoft.AzureCosmosDB"), [
        endpoint("Sql", "{name}.documents.azure.com", "privatelink.documents.azure.com", "{name}", 443),
        endpoint("MongoDB", "{name}.mongo.cosmos.azure.com", "privatelink.mongo.cosmos.azure.com", "{name}", 10255),
        endpoint("Cassandra", "{name}.cassandra.cosmos.azure.com", "privatelink.cassandra.cosmos.azure.com", "{name}", 10350),
        endpoint("Gremlin", "{name}.gremlin.cosmos.azure.com", "privatelink.gremlin.cosmos.azure.com", "{name}", 443),
        endpoint("Table", "{name}.table.cosmos.azure.com", "privatelink.table.cosmos.azure.com", "{name}", 443),
    ];
    "Microsoft.Sql/servers" "sqlServers" "SQL server" tag Some("Sql"), true, se Some("Microsoft.Sql"), [
        endpoint("sqlServer", "{name}.database.windows.net", "privatelink.database.windows.net", "{name}", 1433),
    ];
    "Microsoft.DBforPostgreSQL/servers" "postgreSqlServers" "PostgreSQL server" tag Some("Sql"), true, se Some("Microsoft.Sql"), [
        endpoint("postgresqlServer", "{name}.postgres.database.azure.com", "privatelink.postgres.database.azure.com", "{name}", 5432),
    ];
    "Microsoft.DBforPostgreSQL/flexibleServers" "postgreSqlFlexibleServers" "PostgreSQL flexible server" tag Some("Sql"), true, se None, [
        endpoint("postgresqlServer", "{name}.postgres.database.azure.com", "privatelink.postgres.database.azure.com", "{name}", 5432),
    ];
    "Microsoft.DBforMySQL/servers" "mySqlServers" "MySQL server" tag Some("Sql"), true, se Some("Microsoft.Sql"), [
        endpoint("mysqlServer", "{name}.mysql.database.azure.com", "privatelink.mysql.database.azure.com", "{name}", 3306),
    ];
    "Microsoft.DBforMySQL/flexibleServers" "mySqlFlexibleServers" "MySQL flexible server" tag Some("Sql"), true, se None, [
        endpoint("mysqlServer", "{name}.mysql.database.azure.com", "privatelink.mysql.database.azure.com", "{name}", 3306),
    ];
    "Microsoft.DBforMariaDB/servers" "mariaDbServers" "MariaDB server" tag Some("Sql"), true, se Some("Microsoft.Sql"), [
        endpoint("mariadbServer", "{name}.mariadb.database.azure.com", "privatelink.mariadb.database.azure.com", "{name}", 3306),
    ];
    "Microsoft.Web/sites" "webApps" "web app" tag Some("AppService"), true, se Some("Microsoft.Web"), [
        endpoint("sites", "{name}.azurewebsites.net", "privatelink.azurewebsites.net", "{name}", 443),
        endpoint("sites", "{name}.scm.azurewebsites.net", "privatelink.azurewebsites.net", "{name}.scm", 443),
    ];
    "Microsoft.Web/sites/slots" "webAppSlots" "deployment slot" tag Some("AppService"), true, se Some("Microsoft.Web"), [
        endpoint("sites", "{name}.azurewebsites.net", "privatelink.azurewebsites.net", "{name}", 443),
        endpoint("sites", "{name}.scm.azurewebsites.net", "privatelink.azurewebsites.net", "{name}.scm", 443),
    ];
    "Microsoft.Search/searchServices" "searchServices" "search service" tag Some("AzureCognitiveSearch"), false, se None, [
        endpoint("searchService", "{name}.search.windows.net", "privatelink.search.windows.net", "{name}", 443),
    ];
    "Microsoft.CognitiveServices/accounts" "cognitiveServices" "AI services account" tag Some("CognitiveServicesManagement"), false, se Some("Microsoft.CognitiveServices"), [
        endpoint("account", "{name}.cognitiveservices.azure.com", "privatelink.cognitiveservices.azure.com", "{name}", 443),
        endpoint("account", "{name}.openai.azure.com", "privatelink.openai.azure.com", "{name}", 443),
        endpoint("account", "{name}.services.ai.azure.com", "privatelink.services.ai.azure.com", "{name}", 443),
    ];
    "Microsoft.EventHub/namespaces" "eventHubs" "Event Hubs namespace" tag Some("EventHub"), true, se Some("Microsoft.EventHub"), [
        endpoint("namespace", "{name}.servicebus.windows.net", "privatelink.servicebus.windows.net", "{name}", 443),
    ];
    "Microsoft.ServiceBus/namespaces" "serviceBuses" "Service Bus namespace" tag Some("ServiceBus"), true, se Some("Microsoft.ServiceBus"), [
        endpoint("namespace", "{name}.servicebus.windows.net", "privatelink.servicebus.windows.net", "{name}", 443),
    ];
    "Microsoft.Relay/namespaces" "relays" "Relay namespace" tag Some("AzureRelay"), false, se None, [
        endpoint("namespace", "{name}.servicebus.windows.net", "privatelink.servicebus.windows.net", "{name}", 443),
    ];
    "Microsoft.Cache/Redis" "redisCaches" "Redis cache" tag None, false, se None, [
        endpoint("redisCache", "{name}.redis.cache.windows.net", "privatelink.redis.cache.windows.net", "{name}", 6380),
    ];
    "Microsoft.AppConfiguration/configurationStores" "appConfigurations" "App Configuration store" tag Some("AppConfiguration"), false, se None, [
        endpoint("configurationStores", "{name}.azconfig.io", "privatelink.azconfig.io", "{name}", 443),
    ];
    "Microsoft.EventGrid/topics" "eventGridTopics" "Event Grid topic" tag Some("AzureEventGrid"), false, se None, [
        endpoint("topic", "{name}.{region}-1.eventgrid.azure.net", "privatelink.eventgrid.azure.net", "{name}.{region}-1", 443),
    ];
    "Microsoft.DataFactory/factories" "dataFactories" "data factory" tag Some("DataFactory"), true, se None, [
        endpoint("dataFactory", "{name}.{region}.datafactory.azure.net", "privatelink.datafactory.azure.net", "{name}.{region}", 443),
    ];
    "Microsoft.Batch/batchAccounts" "batchAccounts" "Batch account" tag Some("BatchNodeManagement"), true, se None, [
        endpoint("batchAccount", "{name}.{region}.batch.azure.com", "privatelink.batch.azure.com", "{name}.{region}", 443),
    ];
    "Microsoft.ContainerService/managedClusters" "managedClusters" "AKS cluster" tag None, false, se None, [
        endpoint("management", "{name}.hcp.{region}.azmk8s.io", "privatelink.{region}.azmk8s.io", "{name}", 443),
    ];
    "Microsoft.Databricks/workspaces" "databricksWorkspaces" "Databricks workspace" tag Some("AzureDatabricks"), false, se None, [
        endpoint("databricks_ui_api", "{name}.azuredatabricks.net", "privatelink.azuredatabricks.net", "{name}", 443),
    ];
    "Microsoft.Synapse/workspaces" "synapseWorkspaces" "Synapse workspace" tag Some("Sql"), true, se None, [
        endpoint("Sql", "{name}.sql.azuresynapse.net", "privatelink.sql.azuresynapse.net", "{name}", 1433),
        endpoint("SqlOnDemand", "{name}-ondemand.sql.azuresynapse.net", "privatelink.sql.azuresynapse.net", "{name}-ondemand", 1433),
        endpoint("Dev", "{name}.dev.azuresynapse.net", "privatelink.dev.azuresynapse.net", "{name}", 443),
    ];
    "Microsoft.OperationalInsights/workspaces" "logAnalyticsWorkspaces" "Log Analytics workspace" tag Some("AzureMonitor"), false, se None, [
        EndpointKind { group: "azuremonitor", host: "{guid}.ods.opinsights.azure.com", zone: Some("privatelink.ods.opinsights.azure.com"), record: "{guid}", port: 443, member: 0 },
    ];
    "Microsoft.Insights/components" "applicationInsights" "Application Insights" tag Some("AzureMonitor"), false, se None, [
        EndpointKind { group: "azuremonitor", host: "{region}.in.applicationinsights.azure.com", zone: Some("privatelink.monitor.azure.com"), record: "{region}.in.ai", port: 443, member: 0 },
    ];
    "Microsoft.Insights/privateLinkScopes" "monitorPrivateLinkScopes" "Azure Monitor private link scope" tag Some("AzureMonitor"), false, se None, [
        endpoint("azuremonitor", "api.monitor.azure.com", "privatelink.monitor.azure.com", "api", 443),
    ];
    "Microsoft.ApiManagement/service" "apiManagementServices" "API Management service" tag Some("ApiManagement"), true, se None, [
        endpoint("Gateway", "{name}.azure-api.net", "privatelink.azure-api.net", "{name}", 443),
    ];
    "Microsoft.SignalRService/SignalR" "signalRServices" "SignalR service" tag Some("AzureSignalR"), false, se None, [
        endpoint("signalr", "{name}.service.signalr.net", "privatelink.service.signalr.net", "{name}", 443),
    ];
    "Microsoft.Devices/IotHubs" "iotHubs" "IoT hub" tag Some("AzureIoTHub"), true, se None, [
        endpoint("iotHub", "{name}.azure-devices.net", "privatelink.azure-devices.net", "{name}", 443),
    ];
    "Microsoft.Automation/automationAccounts" "automationAccounts" "Automation account" tag Some("GuestAndHybridManagement"), false, se None, [
        endpoint("Webhook", "{name}.webhook.{region}.azure-automation.net", "privatelink.azure-automation.net", "{name}.webhook.{region}", 443),
    ];
}

/// A public host of Azure itself, the same for every customer.
#[derive(Debug, PartialEq)]
pub struct WellKnownHost {
    /// The name; `*.` at the front stands for any labels, `{region}` for a region.
    pub host: &'static str,
    /// Its service tag; `None` where Microsoft documents only the name.
    pub tag: Option<&'static str>,
    /// What answers.
    pub what: &'static str,
}

macro_rules! hosts {
    ($($host:literal $tag:expr, $what:literal;)*) => {
        /// Names that belong to Azure and not to an estate, the more specific ones first.
        pub const HOSTS: &[WellKnownHost] = &[$(WellKnownHost { host: $host, tag: $tag, what: $what }),*];
    };
}

hosts! {
    "login.microsoftonline.com" Some("AzureActiveDirectory"), "Microsoft Entra ID sign-in";
    "login.microsoft.com" Some("AzureActiveDirectory"), "Microsoft Entra ID sign-in";
    "login.windows.net" Some("AzureActiveDirectory"), "Microsoft Entra ID sign-in";
    "graph.windows.net" None, "Azure AD Graph";
    "graph.microsoft.com" None, "Microsoft Graph";
    "management.azure.com" Some("AzureResourceManager"), "Azure Resource Manager";
    "ml.azure.com" Some("AzureFrontDoor.Frontend"), "Azure Machine Learning studio";
    "*.aznbcontent.net" None, "notebook content";
    "*.instances.azureml.ms" Some("AzureMachineLearning"), "compute instances";
    "*.instances.azureml.net" Some("AzureMachineLearning"), "compute instances";
    "*.instances.ml.azure.ms" Some("AzureMachineLearning"), "compute instances";
    "*.inference.ml.azure.com" Some("AzureMachineLearning"), "online endpoints";
    "*.tundra.azureml.ms" Some("AzureMachineLearning"), "compute instance management";
    "*.azureml.ms" Some("AzureMachineLearning"), "Azure Machine Learning";
    "*.azureml.net" Some("AzureMachineLearning"), "Azure Machine Learning";
    "*.notebooks.azure.net" Some("AzureMachineLearning"), "Azure Machine Learning notebooks";
    "viennaglobal.azurecr.io" Some("AzureContainerRegistry"), "Azure Machine Learning's global registry";
    "mcr.microsoft.com" Some("MicrosoftContainerRegistry"), "Microsoft Artifact Registry";
    "*.data.mcr.microsoft.com" Some("AzureFrontDoor.FirstParty"), "Microsoft Artifact Registry layers";
    "mcr-0001.mcr-msedge.net" Some("AzureFrontDoor.FirstParty"), "Microsoft Artifact Registry edge";
    "*.service.batch.azure.com" Some("BatchNodeManagement"), "Batch node management";
    "*.batch.azure.com" Some("BatchNodeManagement"), "Batch";
    "automlresources-prod.azureedge.net" Some("AzureFrontDoor.Frontend"), "AutoML assets";
    "automlresources-prod-d0eaehh7g8andvav.b02.azurefd.net" Some("AzureFrontDoor.Frontend"), "AutoML assets";
    "aka.ms" Some("AzureFrontDoor.Frontend"), "Microsoft short links";
    "dc.applicationinsights.azure.com" Some("AzureMonitor"), "telemetry";
    "dc.applicationinsights.microsoft.com" Some("AzureMonitor"), "telemetry";
    "dc.services.visualstudio.com" Some("AzureMonitor"), "telemetry";
    "*.in.applicationinsights.azure.com" Some("AzureMonitor"), "telemetry";
    "*.ods.opinsights.azure.com" Some("AzureMonitor"), "log ingestion";
    "*.oms.opinsights.azure.com" Some("AzureMonitor"), "log workspace";
    "*.monitor.azure.com" Some("AzureMonitor"), "Azure Monitor";
    "*.azurefd.net" Some("AzureFrontDoor.Frontend"), "Front Door endpoint";
}

/// The kind of service with this resource type.
pub fn service_kind(arm_type: &str) -> Option<&'static ServiceKind> {
    SERVICES.iter().find(|s| s.arm_type.eq_ignore_ascii_case(arm_type))
}

/// The well-known host a name belongs to.
pub fn well_known(host: &str) -> Option<&'static WellKnownHost> {
    HOSTS.iter().find(|h| name_matches(h.host, host))
}

/// Whether a name fits a pattern: equal, or below a `*.` pattern (never the bare suffix).
pub fn name_matches(pattern: &str, name: &str) -> bool {
    let name = name.trim_end_matches('.');
    match pattern.strip_prefix("*.") {
        None => pattern.eq_ignore_ascii_case(name),
        Some(suffix) => {
            name.len() > suffix.len() + 1
                && name.is_char_boundary(name.len() - suffix.len())
                && name[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
                && name.as_bytes()[name.len() - suffix.len() - 1] == b'.'
        }
    }
}

/// The plain name of an endpoint of a storage account whose name holds the number of a DNS zone: every static website's
/// (`x.z6.web.core.windows.net`), and every endpoint's of an account made that way (`x.z20.blob.storage.azure.net`).
pub fn without_zone_number(host: &str) -> Option<String> {
    let mut labels = host.trim_end_matches('.').splitn(4, '.');
    let (name, number, group, rest) = (labels.next()?, labels.next()?, labels.next()?, labels.next()?);
    let digits = number.strip_prefix(['z', 'Z'])?;
    let numbered = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
    let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
    let site = is(group, "web") && is(rest, "core.windows.net");
    let parts = ["blob", "dfs", "file", "queue", "table", "web"];
    let partitioned = is(rest, "storage.azure.net") && parts.iter().any(|p| is(group, p));
    (numbered && !name.is_empty() && (site || partitioned))
        .then(|| format!("{name}.{group}.core.windows.net").to_ascii_lowercase())
}

/// The names by which a compute instance of a workspace is reached, `{ci}` and region put in.
pub const INSTANCE_HOSTS: &[&str] = &[
    "{name}.{region}.instances.azureml.ms",
    "{name}.{region}.instances.azureml.net",
    "{name}.{region}.instances.ml.azure.ms",
];

/// The name of a compute instance without the port of an application on it: `ci-8888.` reads as `ci.`
pub fn without_instance_port(host: &str) -> Option<String> {
    let (label, rest) = host.trim_end_matches('.').split_once('.')?;
    let (name, port) = label.rsplit_once('-')?;
    let region = rest.split_once('.').is_some_and(|(_, end)| {
        INSTANCE_HOSTS
            .iter()
            .any(|h| h.strip_prefix("{name}.{region}.").is_some_and(|e| e.eq_ignore_ascii_case(end)))
    });
    let digits = !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    (region && digits).then(|| format!("{name}.{rest}").to_ascii_lowercase())
}

/// Ports that Microsoft documents for a kind of service, beside the usual one of each endpoint and those of the web.
const MORE_PORTS: &[(&str, &[(u16, u16)])] = &[
    ("Microsoft.ApiManagement/service", &[(3443, 3443)]),
    ("Microsoft.Cache/Redis", &[(6379, 6380), (10221, 10231), (13000, 13999), (15000, 15999)]),
    ("Microsoft.DBforMySQL/flexibleServers", &[(3306, 3306), (6033, 6033)]),
    ("Microsoft.DBforPostgreSQL/flexibleServers", &[(5432, 5432), (6432, 6432)]),
    ("Microsoft.Devices/IotHubs", &[(5671, 5671), (8883, 8883)]),
    ("Microsoft.DocumentDB/databaseAccounts", &[(0, 65535)]),
    ("Microsoft.EventHub/namespaces", &[(5671, 5672), (9093, 9093)]),
    ("Microsoft.MachineLearningServices/workspaces", &[(8704, 8710), (8787, 8787), (18881, 18881)]),
    ("Microsoft.Relay/namespaces", &[(5671, 5672), (9350, 9354)]),
    ("Microsoft.ServiceBus/namespaces", &[(5671, 5672), (9350, 9354)]),
    ("Microsoft.Sql/servers", &[(1433, 1434), (11000, 11999)]),
    ("Microsoft.Storage/storageAccounts", &[(111, 111), (445, 445), (2048, 2049)]),
    ("Microsoft.Synapse/workspaces", &[(1433, 1434), (11000, 11999)]),
    ("Microsoft.Web/sites", SITE_PORTS),
    ("Microsoft.Web/sites/slots", SITE_PORTS),
];

const SITE_PORTS: &[(u16, u16)] = &[(21, 21), (990, 990), (4016, 4026), (8172, 8172), (10001, 10300)];

impl ServiceKind {
    /// Whether a port is one that is documented for it.
    pub fn answers_on(&self, port: u16) -> bool {
        let more =
            MORE_PORTS.iter().find(|(kind, _)| *kind == self.arm_type).map_or(&[][..], |(_, ports)| ports);
        matches!(port, 80 | 443)
            || self.endpoints.iter().any(|e| e.port == port)
            || more.iter().any(|(low, high)| (*low..=*high).contains(&port))
    }
}

/// The service and endpoint that a public name of Azure's own suffixes would belong to, with the
/// resource's name: `x.blob.core.windows.net` is endpoint `blob` of the storage account `x`.
pub fn service_of_host(host: &str) -> Option<(&'static ServiceKind, &'static EndpointKind, &str)> {
    let host = host.trim_end_matches('.');
    if let Some(plain) = without_zone_number(host) {
        let (service, endpoint, _) = service_of_host(&plain)?;
        return Some((service, endpoint, host.split('.').next().unwrap_or(host)));
    }
    SERVICES.iter().find_map(|service| {
        service.endpoints.iter().find_map(|e| {
            let suffix = e.host.strip_prefix("{name}")?;
            if suffix.contains('{') || !name_matches(&format!("*{suffix}"), host) {
                return None;
            }
            let name = &host[..host.len() - suffix.len()];
            (!name.is_empty() && !name.contains('.')).then_some((service, e, name))
        })
    })
}

/// Whether a name lies below one of the domains in which Azure's services have theirs.
pub fn is_azure_name(host: &str) -> bool {
    const DOMAINS: &[&str] = &[
        ".appserviceenvironment.net",
        ".azconfig.io",
        ".azmk8s.io",
        ".fabric.microsoft.com",
        ".msedge.net",
        ".purview.microsoft.com",
        ".signalr.net",
        ".trafficmanager.net",
        ".windows.net",
        ".windowsazure.com",
    ];
    let mut labels = host.split('.').rev().skip(1).take(1);
    DOMAINS.iter().any(|domain| host.ends_with(domain)) || labels.any(|label| label.starts_with("azure"))
}

/// Spellings of service tags found in Microsoft's own texts, and the tag they mean.
pub const TAG_ALIASES: &[(&str, &str)] = &[
    ("KeyVault", "AzureKeyVault"),
    ("FrontDoor", "AzureFrontDoor"),
    ("ContainerRegistry", "AzureContainerRegistry"),
    ("AzureAD", "AzureActiveDirectory"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_patterns() {
        assert!(name_matches("*.azureml.ms", "eastus.api.azureml.ms"));
        assert!(!name_matches("*.azureml.ms", "azureml.ms"));
        assert!(!name_matches("*.azureml.ms", "xazureml.ms"));
        assert!(name_matches("ml.azure.com", "ML.azure.com."));
    }

    #[test]
    fn hosts_tell_their_service() {
        let (service, endpoint, name) = service_of_host("acct.blob.core.windows.net").expect("storage");
        assert_eq!((service.label, endpoint.group, name), ("storage account", "blob", "acct"));
        assert!(service_of_host("blob.core.windows.net").is_none());
        assert!(service_of_host("a.b.blob.core.windows.net").is_none());
        assert_eq!(
            well_known("x.workspace.eastus.api.azureml.ms").and_then(|h| h.tag),
            Some("AzureMachineLearning")
        );
    }

    #[test]
    fn other_spellings_lead_to_the_plain_name() {
        let check = |name: &str, expected: Option<&str>| {
            let plain = without_zone_number(name).or_else(|| without_instance_port(name));
            assert_eq!(plain.as_deref(), expected, "{name}");
        };
        check("acc.z6.web.core.windows.net", Some("acc.web.core.windows.net"));
        check("Acc.z20.blob.storage.azure.net.", Some("acc.blob.core.windows.net"));
        check("acc.z6.blob.core.windows.net", None);
        check("acc.z666.web.core.windows.net", None);
        check("acc.zx.web.core.windows.net", None);
        check("acc.blob.core.windows.net", None);
        check("ci-8888.westeurope.instances.azureml.ms", Some("ci.westeurope.instances.azureml.ms"));
        check("my-ci.westeurope.instances.azureml.ms", None);
        check("x-1.westeurope.example.com", None);
        let (service, endpoint, name) = service_of_host("other.z13.web.core.windows.net").expect("storage");
        assert_eq!((service.label, endpoint.group, name), ("storage account", "web", "other"));
    }

    #[test]
    fn every_private_zone_is_privatelink() {
        for e in SERVICES.iter().flat_map(|s| s.endpoints) {
            assert!(e.zone.is_none_or(|z| z.starts_with("privatelink.")), "{}", e.host);
        }
    }
}
