//! Names by which the services of an estate are called beside those that follow from their own: a region's name of a
//! Cosmos DB account, a custom domain, one that Azure made up. And names that may be theirs although no file says so,
//! which are nobody else's to answer for.

use super::{Network, normal_region};
use crate::diag::At;
use crate::inventory::{Origin, PlatformService, Unknown, Unmodelled, is_stranger};
use crate::services::{EndpointKind, NameParts, ServiceKind, fill, is_azure_name, service_kind};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What stands behind an account's name in those of its other endpoints.
const BESIDE_ACCOUNTS: &[&str] = &["-secondary", "-microsoftrouting", "-internetrouting"];
/// How accounts are called that Azure keeps managed disks in.
const OF_DISKS: &str = "md-";
const COSMOS: &str = "Microsoft.DocumentDB/databaseAccounts";
const DATABRICKS: &str = "Microsoft.Databricks/workspaces";

/// Kinds of which the names have further words behind their own and a hyphen: a region, a replica, a way of routing.
const HYPHENATED: &[&str] = &[
    COSMOS,
    "Microsoft.AppConfiguration/configurationStores",
    "Microsoft.ContainerRegistry/registries",
    "Microsoft.SignalRService/SignalR",
    "Microsoft.Storage/storageAccounts",
];

/// Kinds of which the names that lie deeper in their domain may have such words.
const HYPHENATED_BELOW: &[&str] = &[
    "Microsoft.ApiManagement/service",
    "Microsoft.ContainerService/managedClusters",
    "Microsoft.Web/sites",
    "Microsoft.Web/sites/slots",
];

/// Providers whose resources have no names in the domains of platform services, or none of their own.
const ELSEWHERE: &[&str] = &["Microsoft.Compute/", "Microsoft.ManagedIdentity/", "Microsoft.Network/"];

/// Parts of a service that stand for it, or for another, by a name of their own.
const STANDING_IN: &[&str] = &["disasterRecoveryConfigs", "failoverGroups", "instanceFailoverGroups"];

/// A name of a service beside those of its kind.
pub(super) struct OwnName {
    /// The name, lower case.
    pub host: String,
    /// Which endpoint it leads to.
    pub position: usize,
    /// The record in that endpoint's private zone; none for a name in somebody's own domain.
    pub record: Option<String>,
    /// Which address of a private endpoint serves it.
    pub member: u8,
    /// Why it is not known to what it leads inside a network.
    pub doubt: Option<Unknown>,
}

/// The names of a service beside those of its kind, each once.
pub(super) fn own_names(service: &PlatformService) -> Vec<OwnName> {
    let Some(kind) = service_kind(&service.id.kind()) else { return Vec::new() };
    let mut out = Vec::new();
    for (number, label) in regional_labels(service).into_iter().enumerate() {
        for (position, endpoint) in kind.endpoints.iter().enumerate() {
            let parts = NameParts { name: &label, region: None, guid: "" };
            let (Some(host), record) = (fill(endpoint.host, &parts), fill(endpoint.record, &parts)) else {
                continue;
            };
            let member = region_member(endpoint, number);
            out.push(OwnName { host, position, record, member, doubt: None });
        }
    }
    let told = service.told_names.iter().flat_map(|names| names.0.iter());
    for (host, said) in told.map(|h| (h, false)).chain(service.host_names.iter().map(|h| (h, true))) {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        if out.iter().all(|name| name.host != host) {
            out.push(told_name(service, kind, host, said && service.origin == Origin::Estate));
        }
    }
    out
}

/// A name that the files tell. Where a person says that it is the service's, it is.
fn told_name(service: &PlatformService, kind: &ServiceKind, host: String, said: bool) -> OwnName {
    let own = if said { None } else { endpoint_of(kind, &host) };
    match own {
        Some((position, endpoint, record)) => {
            OwnName { host, position, record: Some(record), member: endpoint.member, doubt: None }
        }
        None => {
            let why = format!("by which of its own names `{host}` leads to `{}`", service.id.name());
            let doubt = (!said).then(|| Unknown::new(service.at, why));
            OwnName { host, position: 0, record: None, member: 0, doubt }
        }
    }
}

/// The endpoint in whose domain a host lies, and its record there.
fn endpoint_of<'k>(kind: &'k ServiceKind, host: &str) -> Option<(usize, &'k EndpointKind, String)> {
    let under = |e: &EndpointKind| {
        let domain = e.host.strip_prefix("{name}").filter(|rest| !rest.contains('{'))?;
        Some((domain.len(), host.strip_suffix(domain)?.to_owned()))
    };
    let fitting = kind.endpoints.iter().enumerate().filter_map(|(n, e)| Some((n, e, under(e)?)));
    let (position, endpoint, (_, label)) = fitting.max_by_key(|(n, _, (len, _))| (*len, usize::MAX - n))?;
    // The tools of a site: `app-1a2b.scm.westeurope-01.azurewebsites.net`.
    let tools = label.split('.').any(|word| word == "scm");
    let scm = kind.endpoints.iter().position(|e| e.host.contains(".scm.")).filter(|_| tools);
    let position = scm.unwrap_or(position);
    let public = endpoint.zone.and_then(|zone| zone.strip_prefix("privatelink"));
    let record = public.and_then(|domain| host.strip_suffix(domain)).map_or(label, str::to_owned);
    Some((position, kind.endpoints.get(position)?, record))
}

/// What the names of a Cosmos DB account begin with in each of its regions.
pub(super) fn regional_labels(service: &PlatformService) -> Vec<String> {
    if !service.id.is_kind(COSMOS) {
        return Vec::new();
    }
    let label = service.label();
    service.locations.iter().take(100).map(|region| format!("{label}-{}", normal_region(region))).collect()
}

/// Which address of a private endpoint serves a region: the first is the account's own.
fn region_member(endpoint: &EndpointKind, number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX).saturating_add(1).saturating_add(endpoint.member)
}

impl Network {
    /// Why a name that nothing of the estate is known by may still be a name of it.
    pub(crate) fn called_otherwise(&self, host: &str) -> Option<Unknown> {
        let told = |r: &&Unmodelled| r.told_names.iter().any(|name| **name == *host);
        if let Some(stranger) = self.inventory.unmodelled.iter().find(told) {
            return Some(of_stranger(stranger, host));
        }
        let azures = is_azure_name(host);
        let may_tell = |r: &&Unmodelled| r.untold_names.is_some() && (azures || is_of_domains(&r.id.kind()));
        if let Some(stranger) = self.inventory.unmodelled.iter().find(may_tell) {
            let why =
                stranger.untold_names.as_ref().map(|unknown| unknown.why.to_string()).unwrap_or_default();
            let why = format!("whether `{host}` is a name of `{}`: {why}", stranger.id.full_name());
            return Some(Unknown::new(stranger.at, why));
        }
        if !azures {
            return None;
        }
        let label = host.split('.').next().unwrap_or(host);
        if let Some(stranger) = self.inventory.unmodelled.iter().find(|r| answers_by(r, label)) {
            return Some(of_stranger(stranger, host));
        }
        let service = self.inventory.services.iter().find(|row| may_be_called(row, host, label))?;
        Some(of_service(service, host))
    }

    /// The same of a label in a domain in which somebody else's service of the kind would have its name.
    pub(crate) fn label_otherwise(&self, kind: &ServiceKind, label: &str) -> Option<Unknown> {
        let label = label.to_ascii_lowercase();
        if let Some(stranger) = self.inventory.unmodelled.iter().find(|r| answers_by(r, &label)) {
            return Some(of_stranger(stranger, &label));
        }
        self.label_of_ours(kind, &label).or_else(|| impossible(kind, &label))
    }

    /// The same of what a declared service may be called besides.
    fn label_of_ours(&self, kind: &ServiceKind, label: &str) -> Option<Unknown> {
        let service = self.inventory.services.iter().find(|row| {
            let same = row.id.is_kind(kind.arm_type)
                || kind.arm_type == "Microsoft.Web/sites" && row.is_label_untold();
            same && match () {
                () if row.id.is_kind(COSMOS) => has_untold_regions(row) && is_behind(label, &row.label()),
                () if row.id.is_kind(DATABRICKS) => row.told_names.is_empty(),
                () if row.is_label_untold() => {
                    // By its own name alone it is not known, nor is anybody else in a file that speaks of it.
                    label == row.label() || is_behind(label, &row.label()) || cut_alike(label, &row.label())
                }
                () => is_one_of(row, HYPHENATED) && is_behind(label, &row.label()),
            }
        })?;
        Some(of_service(service, label))
    }
}

/// Why nothing of a kind can have a label for its name, by Azure's rules for names of the kind. How
/// short a name may be is not asked.
fn impossible(kind: &ServiceKind, label: &str) -> Option<Unknown> {
    let plain = |text: &str, length: RangeInclusive<usize>| {
        length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let (fits, rule) = match kind.arm_type {
        "Microsoft.Storage/storageAccounts" => {
            // Secondary endpoints and those of routing preferences stand beside the account's own.
            let own = BESIDE_ACCOUNTS.iter().find_map(|end| label.strip_suffix(end)).unwrap_or(label);
            let fits = plain(own, 1..=24) || label.starts_with(OF_DISKS);
            (fits, "at most 24 letters and digits")
        }
        "Microsoft.ContainerRegistry/registries" => {
            // Behind a hyphen stands what Azure adds to keep a name to its owner.
            let (own, added) = label.split_once('-').unwrap_or((label, "added"));
            (plain(own, 1..=50) && plain(added, 1..=50), "at most 50 letters and digits")
        }
        "Microsoft.KeyVault/vaults" => {
            let begun = label.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
            let ended = label.bytes().last().is_some_and(|b| b.is_ascii_alphanumeric());
            let within = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            let length = label.len() <= 24;
            let fits = length && begun && ended && within && !label.contains("--");
            (fits, "at most 24 letters, digits and single hyphens, a letter first")
        }
        _ => (true, ""),
    };
    let kind = kind.label;
    let why = || format!("what answers by `{label}`: no {kind} can be called so, names have {rule}");
    (!fits).then(|| Unknown::new(At::NOWHERE, why()))
}

/// Whether resources of a type are names in somebody's own domain.
fn is_of_domains(kind: &str) -> bool {
    let last = kind.rsplit('/').next().unwrap_or(kind).to_ascii_lowercase();
    last.contains("domain") || last.contains("hostname")
}

fn is_one_of(row: &PlatformService, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| row.id.is_kind(kind))
}

/// Whether not all regions of an account are told.
fn has_untold_regions(row: &PlatformService) -> bool {
    !row.locations.given || row.locations.unknown.is_some()
}

/// Whether a label is another with a hyphen and more behind it.
fn is_behind(label: &str, own: &str) -> bool {
    label.strip_prefix(own).is_some_and(|rest| rest.len() > 1 && rest.starts_with('-'))
}

/// Whether a label may be one that Azure cut: it keeps the first 40 characters.
fn cut_alike(label: &str, own: &str) -> bool {
    own.get(..40).is_some_and(|head| label.starts_with(head))
}

/// Whether a host may be a name of a service that does not follow from what the files tell.
fn may_be_called(row: &PlatformService, host: &str, label: &str) -> bool {
    let Some(kind) = service_kind(&row.id.kind()) else { return false };
    let under = |e: &EndpointKind| {
        let pattern = e.host.strip_prefix("{name}")?;
        let domain = pattern.rsplit('}').next()?;
        let domain = domain.split_once('.').map_or(domain, |(_, rest)| rest);
        host.strip_suffix(domain)?.ends_with('.').then_some(())
    };
    if !kind.endpoints.iter().any(|e| under(e).is_some()) {
        return false;
    }
    let own = row.label();
    let behind = is_one_of(row, HYPHENATED) || is_one_of(row, HYPHENATED_BELOW);
    let untold = row.id.is_kind(DATABRICKS) && row.told_names.is_empty();
    untold || label == own || behind && is_behind(label, &own)
}

/// Whether a resource of a type that is not modelled may answer by a label.
fn answers_by(stranger: &Unmodelled, label: &str) -> bool {
    let name = stranger.id.name();
    let near = label.len() >= name.len() && contains_word(label, name);
    let whole = || stranger.id.full_name().replace('/', "-").eq_ignore_ascii_case(label);
    if !near && !whole() {
        return false;
    }
    let kind = stranger.id.kind();
    let elsewhere =
        |provider: &&str| kind.get(..provider.len()).is_some_and(|head| head.eq_ignore_ascii_case(provider));
    let last = kind.rsplit('/').next().unwrap_or(&kind);
    let top = kind.matches('/').count() == 1;
    let standing_in = STANDING_IN.iter().any(|word| word.eq_ignore_ascii_case(last));
    let named = near && (top || standing_in) || whole();
    named && is_stranger(&kind) && !ELSEWHERE.iter().any(elsewhere)
}

/// Whether a label is a word, or has it at one of its ends before or behind a hyphen.
fn contains_word(label: &str, word: &str) -> bool {
    let (label, word) = (label.as_bytes(), word.as_bytes());
    let head = label.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    let tail = label.get(label.len() - word.len()..).is_some_and(|tail| tail.eq_ignore_ascii_case(word));
    let rest = label.len() - word.len();
    let behind = head && (rest == 0 || label.get(word.len()) == Some(&b'-'));
    let before = tail && rest > 0 && label.get(rest - 1) == Some(&b'-');
    !word.is_empty() && (behind || before)
}

fn of_stranger(stranger: &Unmodelled, host: &str) -> Unknown {
    let name: Arc<str> = stranger.id.full_name().into();
    let kind = stranger.id.kind();
    let why = format!(
        "whether `{host}` is a name of `{name}`, a {kind}: names and rules of that type are not modelled"
    );
    Unknown::new(stranger.at, why)
}

fn of_service(row: &PlatformService, host: &str) -> Unknown {
    let why = match row.id.is_kind(COSMOS) {
        true => format!("whether `{host}` is the name of `{}` in one of its regions", row.id.name()),
        false => format!(
            "whether `{host}` is a name of `{}`, which it may have beside those that are modelled",
            row.id.full_name()
        ),
    };
    Unknown::new(row.at, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_at_an_end() {
        for (label, word, holds) in [
            ("dm", "dm", true),
            ("DM", "dm", true),
            ("ingest-kus", "kus", true),
            ("kus-int", "kus", true),
            ("kusx", "kus", false),
            ("a-kus-b", "kus", false),
            ("kus", "", false),
        ] {
            assert_eq!(label.len() >= word.len() && contains_word(label, word), holds, "{label} {word}");
        }
        assert!(is_behind("acc-secondary", "acc"));
        assert!(!is_behind("acc-", "acc"));
        assert!(!is_behind("account", "acc"));
    }
}
