//! Properties that Azure adds to what a template declares, where they follow from name, place and cloud.
//!
//! Input: a declared resource. Output: the properties that `reference()` also finds. Only what is the same in
//! every deployment is here; addresses, keys and random labels are left to be unknown. Principals are
//! stand-ins, see [`stand_in_principal`].

use super::cloud::Cloud;
use super::deployment::Identity;
use super::stand_in::{made_up, stand_in_principal};
use crate::diag::At;
use crate::doc::{Entry, Node, Object, Value};
use crate::inventory::ResourceId;
use std::sync::Arc;

/// What the properties of a resource may depend on.
pub(super) struct Place<'a> {
    pub(super) id: &'a ResourceId,
    pub(super) kind: &'a str,
    /// The evaluated body; empty for a resource that only is mentioned.
    pub(super) body: &'a Object,
    pub(super) cloud: Cloud,
    pub(super) tenant: &'a str,
    pub(super) is_existing: bool,
}

/// Gives a body the ids of its identity, as an export would show them.
pub(super) fn complete_identity(body: &mut Object, identity: &Identity, tenant: &str, at: At) {
    if identity.kind.eq_ignore_ascii_case("Microsoft.ManagedIdentity/userAssignedIdentities") {
        let properties = body.get("properties").and_then(Node::as_object).cloned().unwrap_or_default();
        let properties = with(properties, at, user_assigned(&identity.id, tenant));
        body.set("properties", at, Node::object(at, properties));
    }
    let Some(declared) = body.get("identity") else { return };
    let is_system = declared
        .get("type")
        .and_then(Node::as_str)
        .is_some_and(|t| t.split(',').any(|part| part.trim().eq_ignore_ascii_case("SystemAssigned")));
    if let (true, Some(object)) = (is_system, declared.as_object()) {
        let at = declared.at;
        let added = vec![("principalId", stand_in_principal(&identity.id)), ("tenantId", tenant.to_owned())];
        let completed = Node::object(at, with(object.clone(), at, added));
        body.set("identity", at, completed);
    }
}

fn user_assigned(id: &ResourceId, tenant: &str) -> Vec<(&'static str, String)> {
    vec![
        ("principalId", stand_in_principal(id)),
        ("clientId", made_up("client", &id.as_str().to_lowercase())),
        ("tenantId", tenant.to_owned()),
    ]
}

fn with(mut object: Object, at: At, added: Vec<(&'static str, String)>) -> Object {
    for (key, text) in added {
        if object.get(key).is_none_or(Node::is_null) {
            object.set(key, at, Node::string(at, text));
        }
    }
    object
}

/// The properties Azure adds, each with its path below `properties`.
pub(super) fn properties(place: &Place<'_>) -> Vec<(&'static str, Value)> {
    let mut out = Vec::new();
    let kind = place.kind.to_ascii_lowercase();
    let texts: Vec<(&'static str, String)> = match kind.as_str() {
        "microsoft.storage/storageaccounts" => storage(place),
        "microsoft.keyvault/vaults" => {
            vec![(
                "vaultUri",
                format!("https://{}{}/", place.name(), place.cloud.value("suffixes.keyvaultDns")),
            )]
        }
        "microsoft.managedidentity/userassignedidentities" => user_assigned(place.id, place.tenant),
        "microsoft.sql/servers" => {
            let suffix = place.cloud.value("suffixes.sqlServerHostname");
            vec![("fullyQualifiedDomainName", format!("{}{suffix}", place.lower()))]
        }
        "microsoft.containerregistry/registries" => container_registry(place),
        "microsoft.containerservice/managedclusters" => cluster(place),
        "microsoft.network/publicipaddresses" => public_address(place),
        _ if place.cloud.is_public() => public_cloud(place, &kind),
        _ => Vec::new(),
    };
    out.extend(texts.into_iter().map(|(path, text)| (path, Value::String(text.into()))));
    if kind == "microsoft.network/privateendpoints" {
        out.extend(endpoint_interface(place));
    }
    if !place.is_existing {
        out.push(("provisioningState", Value::String("Succeeded".into())));
    }
    out
}

impl Place<'_> {
    fn name(&self) -> &str {
        self.id.name()
    }

    fn lower(&self) -> String {
        self.name().to_ascii_lowercase()
    }

    fn declared(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(self.body.get("properties")?, |node, key| node.get(key))
    }

    fn declares(&self, path: &str) -> bool {
        self.declared(path).is_some_and(|n| !n.is_null())
    }

    fn location(&self) -> Option<String> {
        let location = self.body.get("location")?.as_str()?;
        Some(location.to_ascii_lowercase().replace(' ', ""))
    }
}

fn storage(place: &Place<'_>) -> Vec<(&'static str, String)> {
    if place
        .declared("dnsEndpointType")
        .and_then(Node::as_str)
        .is_some_and(|t| !t.eq_ignore_ascii_case("Standard"))
    {
        return Vec::new();
    }
    let suffix = place.cloud.value("suffixes.storage");
    let endpoint = |service: &str| format!("https://{}.{service}.{suffix}/", place.lower());
    let kind = place.body.get("kind").and_then(Node::as_str).unwrap_or("StorageV2").to_ascii_lowercase();
    let all = [
        ("primaryEndpoints.blob", "blob"),
        ("primaryEndpoints.dfs", "dfs"),
        ("primaryEndpoints.file", "file"),
        ("primaryEndpoints.queue", "queue"),
        ("primaryEndpoints.table", "table"),
    ];
    let has = |service: &str| match kind.as_str() {
        "filestorage" => service == "file",
        "blobstorage" | "blockblobstorage" => matches!(service, "blob" | "dfs"),
        "storage" => service != "dfs",
        _ => true,
    };
    all.into_iter()
        .filter(|(_, service)| has(service))
        .map(|(path, service)| (path, endpoint(service)))
        .collect()
}

fn container_registry(place: &Place<'_>) -> Vec<(&'static str, String)> {
    // AZURE: a domain name label scope other than `Unsecure` puts a hash into the name.
    let scope = place.declared("autoGeneratedDomainNameLabelScope").and_then(Node::as_str);
    if scope.is_some_and(|s| !s.eq_ignore_ascii_case("Unsecure")) {
        return Vec::new();
    }
    vec![("loginServer", format!("{}{}", place.lower(), place.cloud.value("suffixes.acrLoginServer")))]
}

fn cluster(place: &Place<'_>) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let kubelet = made_up("kubelet", &place.id.as_str().to_lowercase());
    if !place.declares("identityProfile") {
        out.push(("identityProfile.kubeletidentity.objectId", kubelet));
    }
    let group = place.id.resource_group().unwrap_or_default();
    if let (Some(location), false) = (place.location(), place.declares("nodeResourceGroup")) {
        out.push(("nodeResourceGroup", format!("MC_{group}_{}_{location}", place.name())));
    }
    out
}

fn public_address(place: &Place<'_>) -> Vec<(&'static str, String)> {
    let label = place.declared("dnsSettings.domainNameLabel").and_then(Node::as_str);
    // AZURE: a label scope puts a hash into the name.
    let is_plain = place.cloud.is_public() && !place.declares("dnsSettings.domainNameLabelScope");
    match (label, place.location(), is_plain) {
        (Some(label), Some(location), true) => {
            vec![(
                "dnsSettings.fqdn",
                format!("{}.{location}.cloudapp.azure.com", label.to_ascii_lowercase()),
            )]
        }
        _ => Vec::new(),
    }
}

fn endpoint_interface(place: &Place<'_>) -> Option<(&'static str, Value)> {
    let name =
        place.declared("customNetworkInterfaceName").and_then(Node::as_str).filter(|n| !n.is_empty())?;
    let id = ResourceId::under(place.id.scope(), "Microsoft.Network/networkInterfaces", name);
    let entry = Entry {
        key: "id".into(),
        key_at: At::NOWHERE,
        value: Node::built(Value::String(id.as_str().into())),
    };
    let interface = Node::built(Value::Object(Arc::new(Object::from_iter([entry]))));
    Some(("networkInterfaces", Value::Array(Arc::new(vec![interface]))))
}

/// Names whose suffix Microsoft documents for the public cloud.
fn public_cloud(place: &Place<'_>, kind: &str) -> Vec<(&'static str, String)> {
    let name = place.lower();
    match kind {
        "microsoft.web/sites" => {
            let is_shared = !place.declares("hostingEnvironmentProfile");
            let is_plain = !place.declares("autoGeneratedDomainNameLabelScope");
            if place.is_existing || !(is_shared && is_plain) {
                return Vec::new();
            }
            vec![("defaultHostName", format!("{name}.azurewebsites.net"))]
        }
        "microsoft.documentdb/databaseaccounts" => {
            vec![("documentEndpoint", format!("https://{name}.documents.azure.com:443/"))]
        }
        "microsoft.search/searchservices" => vec![("endpoint", format!("https://{name}.search.windows.net"))],
        "microsoft.eventhub/namespaces"
        | "microsoft.servicebus/namespaces"
        | "microsoft.relay/namespaces" => {
            vec![("serviceBusEndpoint", format!("https://{name}.servicebus.windows.net:443/"))]
        }
        "microsoft.dbforpostgresql/servers" | "microsoft.dbforpostgresql/flexibleservers" => {
            vec![("fullyQualifiedDomainName", format!("{name}.postgres.database.azure.com"))]
        }
        "microsoft.dbformysql/servers" | "microsoft.dbformysql/flexibleservers" => {
            vec![("fullyQualifiedDomainName", format!("{name}.mysql.database.azure.com"))]
        }
        "microsoft.dbformariadb/servers" => {
            vec![("fullyQualifiedDomainName", format!("{name}.mariadb.database.azure.com"))]
        }
        "microsoft.cache/redis" => vec![("hostName", format!("{name}.redis.cache.windows.net"))],
        "microsoft.appconfiguration/configurationstores" => {
            vec![("endpoint", format!("https://{name}.azconfig.io"))]
        }
        "microsoft.devices/iothubs" => vec![("hostName", format!("{name}.azure-devices.net"))],
        "microsoft.signalrservice/signalr" => vec![("hostName", format!("{name}.service.signalr.net"))],
        "microsoft.signalrservice/webpubsub" => vec![("hostName", format!("{name}.webpubsub.azure.com"))],
        "microsoft.keyvault/managedhsms" => vec![("hsmUri", format!("https://{name}.managedhsm.azure.net/"))],
        "microsoft.network/trafficmanagerprofiles" => {
            let label = place.declared("dnsConfig.relativeName").and_then(Node::as_str).map(str::to_owned);
            label
                .map(|l| ("dnsConfig.fqdn", format!("{}.trafficmanager.net", l.to_ascii_lowercase())))
                .into_iter()
                .collect()
        }
        "microsoft.apimanagement/service" => vec![
            ("gatewayUrl", format!("https://{name}.azure-api.net")),
            ("developerPortalUrl", format!("https://{name}.developer.azure-api.net")),
            ("managementApiUrl", format!("https://{name}.management.azure-api.net")),
        ],
        "microsoft.synapse/workspaces" => vec![
            (
                "connectivityEndpoints.web",
                format!("https://web.azuresynapse.net?workspace={}", encoded(place.id)),
            ),
            ("connectivityEndpoints.dev", format!("https://{name}.dev.azuresynapse.net")),
            ("connectivityEndpoints.sql", format!("{name}.sql.azuresynapse.net")),
            ("connectivityEndpoints.sqlOnDemand", format!("{name}-ondemand.sql.azuresynapse.net")),
        ],
        "microsoft.batch/batchaccounts" => {
            let location = place.location();
            location.map(|l| ("accountEndpoint", format!("{name}.{l}.batch.azure.com"))).into_iter().collect()
        }
        "microsoft.cognitiveservices/accounts" => cognitive(place),
        _ => Vec::new(),
    }
}

fn cognitive(place: &Place<'_>) -> Vec<(&'static str, String)> {
    let kind = place.body.get("kind").and_then(Node::as_str);
    let label = place.declared("customSubDomainName").and_then(Node::as_str).filter(|l| !l.is_empty());
    let (Some(kind), Some(label)) = (kind, label) else { return Vec::new() };
    let host = if kind.eq_ignore_ascii_case("OpenAI") { "openai" } else { "cognitiveservices" };
    vec![("endpoint", format!("https://{}.{host}.azure.com/", label.to_ascii_lowercase()))]
}

fn encoded(id: &ResourceId) -> String {
    id.as_str().replace('/', "%2f")
}
