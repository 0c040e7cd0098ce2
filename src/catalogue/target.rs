//! What a need leads to: names, with what [`crate::services`] knows about them.

use crate::services::{EndpointKind, NameParts, SERVICES, ServiceKind, fill, service_of_host, well_known};
use std::sync::Arc;

/// An endpoint of one of the workspace's own resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnEndpoint {
    /// `storage/blob`.
    pub word: &'static str,
    /// The type of the resource.
    pub arm_type: &'static str,
    /// The number of the endpoint among those of its kind.
    pub endpoint: usize,
}

const WORKSPACE: &str = "Microsoft.MachineLearningServices/workspaces";
const STORAGE: &str = "Microsoft.Storage/storageAccounts";
const VAULT: &str = "Microsoft.KeyVault/vaults";
const REGISTRY: &str = "Microsoft.ContainerRegistry/registries";

const fn own(word: &'static str, arm_type: &'static str, endpoint: usize) -> OwnEndpoint {
    OwnEndpoint { word, arm_type, endpoint }
}

impl OwnEndpoint {
    /// Every one.
    pub const ALL: &'static [OwnEndpoint] = &[
        own("workspace/amlworkspace", WORKSPACE, 0),
        own("workspace/cert", WORKSPACE, 1),
        own("workspace/notebooks", WORKSPACE, 2),
        own("workspace/inference", WORKSPACE, 3),
        own("storage/blob", STORAGE, 0),
        own("storage/file", STORAGE, 1),
        own("storage/queue", STORAGE, 2),
        own("storage/table", STORAGE, 3),
        own("storage/dfs", STORAGE, 4),
        own("key-vault/vault", VAULT, 0),
        own("registry/registry", REGISTRY, 0),
        own("registry/data", REGISTRY, 1),
    ];

    /// The one with this word.
    pub fn parse(text: &str) -> Option<OwnEndpoint> {
        Self::ALL.iter().copied().find(|own| own.word.eq_ignore_ascii_case(text.trim()))
    }

    /// The kind of service it belongs to, and what is known about the endpoint.
    pub fn kind(self) -> Option<(&'static ServiceKind, &'static EndpointKind)> {
        let kind = SERVICES.iter().find(|s| s.arm_type == self.arm_type)?;
        Some((kind, kind.endpoints.get(self.endpoint)?))
    }

    /// The name people know the resource by: `storage`.
    pub fn resource(self) -> &'static str {
        self.word.split_once('/').map_or(self.word, |(resource, _)| resource)
    }
}

/// A name that a need leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name, `*.` in front for any labels; resources of the workspace's own as `<storage>`.
    pub host: String,
    /// Its service tag over the public endpoint.
    pub tag: Option<String>,
    /// Its private zone, where it may have a private endpoint.
    pub zone: Option<String>,
    /// The sub-resource of a private endpoint.
    pub group: Option<&'static str>,
}

impl Name {
    /// A public name, its region filled in.
    pub(super) fn public(pattern: &str, region: &str) -> Name {
        let host = pattern.replace("{region}", region);
        let tag = tag_of(pattern, region);
        Name { host, tag, zone: None, group: None }
    }

    /// An endpoint of the workspace's own, with its resource in angle brackets.
    pub(super) fn own(own: OwnEndpoint, region: &str) -> Name {
        let name = format!("<{}>", own.resource());
        let parts = NameParts { name: &name, region: Some(region), guid: "<guid>" };
        let Some((service, endpoint)) = own.kind() else {
            return Name { host: own.word.into(), tag: None, zone: None, group: None };
        };
        Name {
            host: fill(endpoint.host, &parts).unwrap_or_else(|| endpoint.host.into()),
            tag: service.tag.map(|tag| regional(tag, region)),
            zone: endpoint.zone.and_then(|zone| fill(zone, &parts)),
            group: Some(endpoint.group),
        }
    }
}

/// The service tag of a public name or pattern, with the region where Microsoft's lists name the region.
pub fn tag_of(pattern: &str, region: &str) -> Option<String> {
    let example = pattern.replace("{region}", region).replace("*.", "example.");
    let (tag, by_region) = match (well_known(&example), service_of_host(&example)) {
        // A region in the name narrows the tag. Of any accounts, those of the workload's own region are meant; one account
        // by its own name may be in any region (TAG-7).
        (Some(host), _) => (host.tag?, pattern.contains("{region}")),
        (None, Some((service, ..))) => (service.tag?, pattern.contains(['*', '{'])),
        (None, None) => return None,
    };
    Some(if by_region { regional(tag, region) } else { tag.to_owned() })
}

/// The form of a tag for a region, where the service has one for each.
fn regional(tag: &str, region: &str) -> String {
    match SERVICES.iter().any(|s| s.tag == Some(tag) && s.regional) {
        true => format!("{tag}.{region}"),
        false => tag.to_owned(),
    }
}

/// Shared so that both the file and the live answer make names alike.
pub(super) fn plain(name: &str) -> Arc<str> {
    name.trim().trim_end_matches('.').to_ascii_lowercase().into()
}
