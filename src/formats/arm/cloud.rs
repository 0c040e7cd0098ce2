//! What differs between Azure's clouds: the table behind `environment()`.
//!
//! Input: a cloud. Output: endpoints and suffixes as Microsoft documents them for `environment()` and
//! `az cloud show`.

use crate::diag::At;
use crate::doc::{Entry, Node, Object};

/// One of Azure's clouds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cloud {
    /// `AzureCloud`.
    #[default]
    Public,
    /// `AzureUSGovernment`.
    UsGovernment,
    /// `AzureChinaCloud`.
    China,
}

/// The values that differ, in the order of `ROWS`.
struct Endpoints {
    name: &'static str,
    rows: [&'static str; ROWS.len()],
}

/// Paths into the object that `environment()` gives.
const ROWS: [&str; 20] = [
    "gallery",
    "graph",
    "portal",
    "graphAudience",
    "activeDirectoryDataLake",
    "batch",
    "media",
    "sqlManagement",
    "vmImageAliasDoc",
    "resourceManager",
    "authentication.loginEndpoint",
    "authentication.tenant",
    "authentication.identityProvider",
    "suffixes.acrLoginServer",
    "suffixes.azureDatalakeAnalyticsCatalogAndJob",
    "suffixes.azureDatalakeStoreFileSystem",
    "suffixes.azureFrontDoorEndpointSuffix",
    "suffixes.keyvaultDns",
    "suffixes.sqlServerHostname",
    "suffixes.storage",
];

const ALIASES: &str = "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json";

const PUBLIC: Endpoints = Endpoints {
    name: "AzureCloud",
    rows: [
        "https://gallery.azure.com/",
        "https://graph.windows.net/",
        "https://portal.azure.com",
        "https://graph.windows.net/",
        "https://datalake.azure.net/",
        "https://batch.core.windows.net/",
        "https://rest.media.azure.net",
        "https://management.core.windows.net:8443/",
        ALIASES,
        "https://management.azure.com/",
        "https://login.microsoftonline.com/",
        "common",
        "AAD",
        ".azurecr.io",
        "azuredatalakeanalytics.net",
        "azuredatalakestore.net",
        "azurefd.net",
        ".vault.azure.net",
        ".database.windows.net",
        "core.windows.net",
    ],
};

const US_GOVERNMENT: Endpoints = Endpoints {
    name: "AzureUSGovernment",
    rows: [
        "https://gallery.azure.us/",
        "https://graph.windows.net/",
        "https://portal.azure.us",
        "https://graph.windows.net/",
        "",
        "https://batch.core.usgovcloudapi.net/",
        "https://rest.media.usgovcloudapi.net",
        "https://management.core.usgovcloudapi.net:8443/",
        ALIASES,
        "https://management.usgovcloudapi.net/",
        "https://login.microsoftonline.us/",
        "common",
        "AAD",
        ".azurecr.us",
        "",
        "",
        "azurefd.us",
        ".vault.usgovcloudapi.net",
        ".database.usgovcloudapi.net",
        "core.usgovcloudapi.net",
    ],
};

const CHINA: Endpoints = Endpoints {
    name: "AzureChinaCloud",
    rows: [
        "https://gallery.chinacloudapi.cn/",
        "https://graph.chinacloudapi.cn/",
        "https://portal.azure.cn",
        "https://graph.chinacloudapi.cn/",
        "",
        "https://batch.chinacloudapi.cn/",
        "https://rest.media.chinacloudapi.cn",
        "https://management.core.chinacloudapi.cn:8443/",
        ALIASES,
        "https://management.chinacloudapi.cn/",
        "https://login.chinacloudapi.cn/",
        "common",
        "AAD",
        ".azurecr.cn",
        "",
        "",
        "",
        ".vault.azure.cn",
        ".database.chinacloudapi.cn",
        "core.chinacloudapi.cn",
    ],
};

impl Cloud {
    fn endpoints(self) -> &'static Endpoints {
        match self {
            Self::Public => &PUBLIC,
            Self::UsGovernment => &US_GOVERNMENT,
            Self::China => &CHINA,
        }
    }

    /// The name that `environment().name` gives.
    pub fn name(self) -> &'static str {
        self.endpoints().name
    }

    /// One value of the table.
    pub(super) fn value(self, path: &str) -> &'static str {
        let row = ROWS.iter().position(|row| *row == path);
        row.map_or("", |row| self.endpoints().rows[row])
    }

    /// Whether this is the cloud whose further host names Microsoft documents.
    pub(super) fn is_public(self) -> bool {
        self == Self::Public
    }

    /// What `environment()` gives. What a cloud does not have is left out.
    pub(super) fn environment(self, at: At) -> Node {
        let mut top = Object::new();
        let (mut authentication, mut suffixes) = (Object::new(), Object::new());
        push(&mut top, at, "name", Node::string(at, self.name()));
        let manager = self.value("resourceManager");
        let core = self.value("sqlManagement").trim_end_matches(":8443/");
        let audiences = [format!("{core}/"), manager.to_owned()].map(|text| Node::string(at, text));
        for (path, value) in ROWS.iter().zip(self.endpoints().rows).filter(|(_, value)| !value.is_empty()) {
            let node = Node::string(at, value);
            match path.split_once('.') {
                Some(("authentication", key)) => push(&mut authentication, at, key, node),
                Some((_, key)) => push(&mut suffixes, at, key, node),
                None => push(&mut top, at, path, node),
            }
        }
        push(&mut authentication, at, "audiences", Node::array(at, audiences.to_vec()));
        push(&mut top, at, "authentication", Node::object(at, authentication));
        push(&mut top, at, "suffixes", Node::object(at, suffixes));
        Node::object(at, top)
    }
}

fn push(object: &mut Object, at: At, key: &str, value: Node) {
    object.push(Entry { key: key.into(), key_at: at, value });
}
