//! Deployment scopes and the resource ids they give.
//!
//! Input: where a deployment goes, a type and names. Output: ids as Azure writes them. Implements
//! Microsoft's "Resource functions" (`resourceId` and its kin) and "Set scope for extension resources".

use crate::inventory::ResourceId;
use std::sync::Arc;

/// Where a template is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Tenant,
    ManagementGroup(Arc<str>),
    Subscription(Arc<str>),
    Group(Arc<str>, Arc<str>),
}

impl Scope {
    /// The id of the scope; empty for the tenant.
    pub(super) fn id(&self) -> String {
        match self {
            Self::Tenant => String::new(),
            Self::ManagementGroup(name) => format!("/providers/Microsoft.Management/managementGroups/{name}"),
            Self::Subscription(id) => format!("/subscriptions/{id}"),
            Self::Group(id, group) => format!("/subscriptions/{id}/resourceGroups/{group}"),
        }
    }

    /// The subscription, if the scope lies in one.
    pub(super) fn subscription(&self) -> Option<&Arc<str>> {
        match self {
            Self::Subscription(id) | Self::Group(id, _) => Some(id),
            _ => None,
        }
    }

    /// Reads a scope as `scope` properties write it: `/`, `/subscriptions/S`,
    /// `Microsoft.Management/managementGroups/M`, `/subscriptions/S/resourceGroups/G`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_matches('/');
        let lower = text.to_ascii_lowercase();
        let segments: Vec<&str> = text.split('/').collect();
        let words: Vec<&str> = lower.split('/').collect();
        match words[..] {
            [""] => Some(Self::Tenant),
            ["microsoft.management", "managementgroups", _]
            | ["providers", "microsoft.management", "managementgroups", _] => {
                segments.last().map(|name| Self::ManagementGroup((*name).into()))
            }
            ["subscriptions", _] => Some(Self::Subscription(segments[1].into())),
            ["subscriptions", _, "resourcegroups", _] => {
                Some(Self::Group(segments[1].into(), segments[3].into()))
            }
            _ => None,
        }
    }
}

/// The id of a resource of this full type and name, both with slashes, in a scope. Types that exist only once
/// above a subscription or a resource group get their own place whatever the scope.
pub(super) fn resource_id(scope: &str, kind: &str, name: &str) -> ResourceId {
    let lower = kind.to_ascii_lowercase();
    if lower == "microsoft.resources/resourcegroups" {
        let subscription = ResourceId::new(scope);
        let subscription = subscription.subscription().unwrap_or_default();
        return ResourceId::new(&format!("/subscriptions/{subscription}/resourceGroups/{name}"));
    }
    let is_of_tenant =
        lower.starts_with("microsoft.management/") || lower.starts_with("microsoft.subscription/");
    ResourceId::under(if is_of_tenant { "" } else { scope }, kind, name)
}

/// The id that a `scope` property of a resource means, within the scope of the deployment.
pub(super) fn extension_scope(text: &str, deployment: &Scope) -> String {
    let trimmed = text.trim().trim_end_matches('/');
    if trimmed.starts_with('/') || trimmed.is_empty() {
        return trimmed.to_owned();
    }
    let lower = trimmed.to_ascii_lowercase();
    if lower.starts_with("microsoft.management/") {
        return format!("/providers/{trimmed}");
    }
    if lower.starts_with("subscriptions/") {
        return format!("/{trimmed}");
    }
    format!("{}/providers/{trimmed}", deployment.id())
}

/// How many names a full type takes.
pub(super) fn n_names(kind: &str) -> usize {
    kind.split('/').count().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back() {
        for text in [
            "",
            "/providers/Microsoft.Management/managementGroups/mg",
            "/subscriptions/S",
            "/subscriptions/S/resourceGroups/G",
        ] {
            assert_eq!(Scope::parse(text).map(|s| s.id()).as_deref(), Some(text));
        }
        let short = Scope::parse("Microsoft.Management/managementGroups/mg");
        assert_eq!(short, Some(Scope::ManagementGroup("mg".into())));
        assert_eq!(Scope::parse("Microsoft.Network/virtualNetworks/v"), None);
    }

    #[test]
    fn ids() {
        let group = Scope::Group("S".into(), "G".into());
        let id = |kind: &str, name: &str| resource_id(&group.id(), kind, name).to_string();
        assert_eq!(
            id("Microsoft.KeyVault/vaults/providers/locks", "kv/Microsoft.Authorization/l"),
            "/subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/kv/providers/Microsoft.Authorization/locks/l"
        );
        assert_eq!(
            id("Microsoft.Resources/resourceGroups", "other"),
            "/subscriptions/S/resourceGroups/other"
        );
        assert_eq!(
            id("Microsoft.Management/managementGroups", "mg"),
            "/providers/Microsoft.Management/managementGroups/mg"
        );
        assert_eq!(
            extension_scope("Microsoft.Storage/storageAccounts/st", &group),
            "/subscriptions/S/resourceGroups/G/providers/Microsoft.Storage/storageAccounts/st"
        );
        assert_eq!(extension_scope("/", &group), "");
    }
}
