//! Who may: role assignments, denials, access policies (RBAC). Judged only where the question names a caller.

use super::Cause;
use super::engine::Walk;
use super::model::{Evidence, Flow, StepKind};
use super::question::Target;
use super::state::{Arrival, State, by};
use crate::diag::At;
use crate::inventory::{AccessPolicy, PlatformService, ResourceId, Unknown};
use crate::network::{Grant, Judgement};
use crate::rules as azure;
use std::sync::Arc;

/// The data action that reading needs, by kind of service and sub-resource.
const READS: &[(&str, &str, &str, bool)] = &[
    (
        "Microsoft.Storage/storageAccounts",
        "blob",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
        true,
    ),
    (
        "Microsoft.Storage/storageAccounts",
        "dfs",
        "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
        true,
    ),
    (
        "Microsoft.Storage/storageAccounts",
        "file",
        "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read",
        true,
    ),
    (
        "Microsoft.Storage/storageAccounts",
        "queue",
        "Microsoft.Storage/storageAccounts/queueServices/queues/messages/read",
        true,
    ),
    (
        "Microsoft.Storage/storageAccounts",
        "table",
        "Microsoft.Storage/storageAccounts/tableServices/tables/entities/read",
        true,
    ),
    ("Microsoft.KeyVault/vaults", "vault", "Microsoft.KeyVault/vaults/secrets/getSecret/action", true),
    (
        "Microsoft.ContainerRegistry/registries",
        "registry",
        "Microsoft.ContainerRegistry/registries/pull/read",
        false,
    ),
    (
        "Microsoft.MachineLearningServices/workspaces",
        "amlworkspace",
        "Microsoft.MachineLearningServices/workspaces/read",
        false,
    ),
    (
        "Microsoft.CognitiveServices/accounts",
        "account",
        "Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action",
        true,
    ),
    (
        "Microsoft.Search/searchServices",
        "searchService",
        "Microsoft.Search/searchServices/indexes/documents/read",
        true,
    ),
];

/// The host of Azure Resource Manager.
const CONTROL_PLANE: &str = "management.azure.com";

/// Whether the flow goes to Azure Resource Manager.
pub(super) fn is_control_plane(s: &State) -> bool {
    s.host.as_deref() == Some(CONTROL_PLANE)
}

/// What a permission is asked for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    /// At what.
    scope: &'a ResourceId,
    /// Where that is written.
    at: At,
    action: &'a str,
    /// Whether it is one of the data plane.
    data: bool,
}

impl Walk<'_> {
    /// What a caller may do at Azure Resource Manager: its actions, at the scope that the path of the URL names
    /// (RBAC-1, CP-1).
    pub(super) fn authorize_control(&self, s: &mut State, flow: &Flow) {
        let Some(identity) = &flow.identity else { return };
        let scope = flow.path.as_deref().and_then(scope_of);
        let action = match (&flow.action, &scope) {
            (Some(action), _) if action.contains('/') => action.to_string(),
            (Some(verb), Some(scope)) => format!("{}/{verb}", scope.kind()),
            (None, Some(scope)) => format!("{}/read", scope.kind()),
            (Some(verb), None) => verb.to_string(),
            (None, None) => {
                return s.note(StepKind::Authorize, by(&[azure::RBAC_1, azure::CP_1]), || {
                    format!("neither an action nor a scope is named: what `{identity}` may do is not judged")
                });
            }
        };
        let Some(scope) = scope else {
            let why = format!(
                "at which scope `{identity}` wants {action}: the path of the URL tells it, https://{CONTROL_PLANE}/subscriptions/..."
            );
            let unknown = Unknown::new(At::NOWHERE, why);
            return s.unknown(StepKind::Authorize, Cause::UnknownValue, &unknown, by(&[azure::RBAC_1]));
        };
        let Some(keys) = self.caller(s, identity) else { return };
        let slot = self.net.inventory.slot(&scope);
        let at = slot.map_or(At::NOWHERE, |slot| self.net.inventory.at_of(slot));
        let wanted = Wanted { scope: &scope, at, action: &action, data: false };
        self.by_role_assignments(s, wanted, identity, &keys);
    }

    /// Judges the caller, where one is named; otherwise says that it was not judged.
    pub(super) fn authorize(&self, s: &mut State, _arrival: &Arrival, flow: &Flow) {
        let Some(Target::Service(service, position)) = s.target else {
            if let Some(identity) = &flow.identity {
                s.note(StepKind::Authorize, by(&[azure::RBAC_1]), || {
                    format!("what `{identity}` may do here is not judged: this is no service of the files")
                });
            }
            return;
        };
        let Some(identity) = &flow.identity else {
            s.note(StepKind::Authorize, by(&[azure::RBAC_1]), || {
                "no caller named: permissions are not judged".into()
            });
            return;
        };
        let row = &self.net.inventory.services[service];
        let kind = row.id.kind();
        let group = crate::services::service_kind(&kind)
            .and_then(|k| k.endpoints.get(position))
            .map_or("", |e| e.group);
        let Some((action, data)) = wanted_action(flow, &kind, group) else {
            let why = format!(
                "what `{identity}` needs at a {kind} is not known here: `--action` names it, as Azure spells it"
            );
            let unknown = Unknown::new(row.at, why);
            s.unknown(StepKind::Authorize, Cause::UnknownValue, &unknown, by(&[azure::RBAC_1]));
            return;
        };
        let Some(keys) = self.caller(s, identity) else { return };
        if kind.eq_ignore_ascii_case("Microsoft.KeyVault/vaults") && data && !self.by_roles(s, row) {
            self.access_policies(s, row, &keys, &action);
            return;
        }
        let wanted = Wanted { scope: &row.id, at: row.at, action: &action, data };
        self.by_role_assignments(s, wanted, identity, &keys);
    }

    /// The object ids the caller acts under.
    fn caller(&self, s: &mut State, identity: &Arc<str>) -> Option<Vec<Arc<str>>> {
        let inventory = &self.net.inventory;
        let keys = match inventory.follow_any(identity) {
            Some(slot) => crate::network::identities_of(inventory, slot),
            None => {
                let key: Arc<str> = identity.to_ascii_lowercase().into();
                if !self.net.authority.knows(&key) && !self.in_access_policies(&key) {
                    let unknown = Unknown::new(
                        At::NOWHERE,
                        format!("`{identity}` is in none of the files: which groups it is in is not known"),
                    );
                    s.unknown(StepKind::Authorize, Cause::UnknownIdentity, &unknown, by(&[azure::RBAC_2]));
                    return None;
                }
                vec![key]
            }
        };
        if keys.is_empty() {
            let unknown =
                Unknown::new(At::NOWHERE, format!("`{identity}` has no managed identity in the files"));
            s.unknown(StepKind::Authorize, Cause::UnknownIdentity, &unknown, by(&[azure::RBAC_1]));
            return None;
        }
        Some(keys)
    }

    /// Whether an access policy names an object id.
    fn in_access_policies(&self, key: &str) -> bool {
        let mut policies = self.net.inventory.services.iter().flat_map(|s| s.access_policies.iter());
        policies.any(|p| p.object_id.known().is_some_and(|o| o.eq_ignore_ascii_case(key)))
    }

    /// Whether a vault decides by roles. An absent property means access policies.
    fn by_roles(&self, s: &mut State, row: &PlatformService) -> bool {
        match row.enable_rbac_authorization.or(false) {
            Ok(roles) => roles,
            Err(unknown) => {
                let unknown = unknown.clone();
                s.unknown(StepKind::Authorize, Cause::UnknownValue, &unknown, by(&[azure::KV_1]));
                true
            }
        }
    }

    fn access_policies(&self, s: &mut State, row: &PlatformService, keys: &[Arc<str>], action: &str) {
        let (kind, verb) = policy_words(action);
        let keys = &self.net.authority.with_groups(keys)[..];
        let evidence = Evidence { resource: Some(row.id.clone()), at: row.at, ..by(&[azure::KV_1]) };
        let gives = |p: &&AccessPolicy| {
            let words = match kind {
                "keys" => &p.keys,
                "certificates" => &p.certificates,
                _ => &p.secrets,
            };
            words.iter().any(|w| w.eq_ignore_ascii_case(&verb) || w.eq_ignore_ascii_case("all"))
        };
        let is_mine = |o: &Arc<str>| keys.iter().any(|k| k.eq_ignore_ascii_case(o));
        let giving = || row.access_policies.iter().filter(gives);
        let mine = giving().find(|p| p.object_id.known().is_some_and(is_mine));
        let member = giving().find_map(|p| {
            let group = p.object_id.known().filter(|o| self.net.authority.may_belong(o, keys))?;
            let why = format!("whether the caller is in the group `{group}`, which has an access policy and whose members no file names");
            Some(Unknown::new(p.at, why))
        });
        let doubt = row
            .access_policies
            .unknown
            .clone()
            .or_else(|| row.access_policies.iter().find_map(|p| p.object_id.unknown().cloned()))
            .or(member);
        let others = giving().filter_map(|p| p.object_id.known());
        if mine.is_none() && others.into_iter().any(|o| !self.net.authority.is_single(o)) {
            s.assume(None, format!("the access policies of `{}` name no group that the caller is in, beside those the files tell", row.id.name()));
        }
        match (mine, doubt) {
            (Some(policy), _) => {
                let evidence = Evidence { at: policy.at, ..evidence };
                s.pass(StepKind::Authorize, evidence, || {
                    format!("an access policy gives the caller `{verb}` on {kind}")
                });
            }
            (None, Some(unknown)) => {
                s.unknown(StepKind::Authorize, Cause::UnknownIdentity, &unknown, evidence)
            }
            (None, None) => {
                let text = format!(
                    "the vault decides by access policies, and none gives the caller `{verb}` on {kind}"
                );
                s.block(StepKind::Authorize, Cause::AccessPolicyMissing, evidence, text);
            }
        }
    }

    fn by_role_assignments(&self, s: &mut State, wanted: Wanted<'_>, identity: &str, keys: &[Arc<str>]) {
        let Wanted { scope, at, action, data } = wanted;
        let about: &[azure::RuleId] = if changes_network(action) { &[azure::RBAC_6] } else { &[] };
        let by = |rules: &[azure::RuleId]| by(&[rules, about].concat());
        let proof = |g: &Grant, rules: &[azure::RuleId]| Evidence {
            resource: Some(g.owner.clone()),
            name: Some(g.role.clone()),
            at: g.at,
            ..by(rules)
        };
        match self.net.authority.judge(keys, scope, action, data) {
            Judgement::Granted(grant) => {
                s.pass(StepKind::Authorize, proof(&grant, &[azure::RBAC_1, azure::RBAC_2]), || {
                    format!("`{identity}` has `{}` on `{}`", grant.role, grant.scope.name())
                });
            }
            Judgement::Denied(grant) => {
                let text = format!("the deny assignment `{}` takes {action} away", grant.role);
                s.block(
                    StepKind::Authorize,
                    Cause::RbacDenyAssignment,
                    Evidence { name: None, ..proof(&grant, &[azure::RBAC_1]) },
                    text,
                );
            }
            Judgement::Unknown(unknown) => {
                let part = unknown.why.contains("a part of the resource");
                let rules: &[azure::RuleId] =
                    if part { &[azure::RBAC_1, azure::RBAC_4] } else { &[azure::RBAC_1] };
                s.unknown(StepKind::Authorize, Cause::UnknownIdentity, &unknown, by(rules));
            }
            Judgement::Missing(grants) => {
                if let Some(other) = self.net.authority.to_untold(keys, scope, action, data) {
                    let text = format!(
                        "whoever has `{}` on `{}` by `{}`, of whom no file tells more, is no group that `{identity}` is in",
                        other.role,
                        other.scope.name(),
                        other.owner.name()
                    );
                    s.assume(None, text);
                }
                let has = grants.iter().map(|g| format!("`{}`", g.role)).collect::<Vec<_>>().join(", ");
                let has = if has.is_empty() { "no role there".to_owned() } else { format!("only {has}") };
                let cause = if data { Cause::RbacMissingDataRole } else { Cause::RbacMissingRole };
                let evidence =
                    Evidence { resource: Some(scope.clone()), at, ..by(&[azure::RBAC_1, azure::RBAC_3]) };
                s.block(
                    StepKind::Authorize,
                    cause,
                    evidence,
                    format!("`{identity}` has {has}; it needs {action}"),
                );
            }
        }
    }
}

/// The scope that the path of a request names: a subscription, what lies in one, or a management group. What is asked
/// of it there, `listKeys` and the like, stands behind it.
fn scope_of(path: &str) -> Option<ResourceId> {
    let path = path.trim_end_matches('/');
    let words: Vec<&str> = path.split('/').skip(1).collect();
    let is = |n: usize, word: &str| words.get(n).is_some_and(|w| w.eq_ignore_ascii_case(word));
    let named = words.len() >= 2 && words.iter().all(|w| !w.is_empty());
    let known = is(0, "subscriptions") || is(0, "providers") && is(1, "Microsoft.Management");
    if !named || !known {
        return None;
    }
    // Types and names stand in pairs; before them the pair of the provider.
    let whole = words.len() - words.len() % 2;
    Some(ResourceId::new(&format!("/{}", words[..whole].join("/"))))
}

/// What an access policy calls an action on a vault: secrets, keys or certificates, and the verb.
fn policy_words(action: &str) -> (&'static str, String) {
    let words: Vec<String> = action.split('/').map(str::to_ascii_lowercase).collect();
    let has = |word: &str| words.iter().any(|w| w == word);
    let kind = if has("keys") {
        "keys"
    } else if has("certificates") {
        "certificates"
    } else {
        "secrets"
    };
    let mut ends = words.iter().rev().filter(|w| *w != "action");
    let verb = ends.next().map(String::as_str).unwrap_or_default();
    let verb = match verb {
        "read" | "getsecret" => "get",
        "setsecret" | "write" => "set",
        "readmetadata" => "list",
        other => other,
    };
    (kind, verb.to_owned())
}

/// The action wanted: as the flow names it, else reading.
fn wanted_action(flow: &Flow, kind: &str, group: &str) -> Option<(String, bool)> {
    let read = READS.iter().find(|(k, g, ..)| k.eq_ignore_ascii_case(kind) && g.eq_ignore_ascii_case(group));
    match &flow.action {
        Some(action) if action.contains('/') => {
            let data = is_data_action(action);
            Some((action.to_string(), data))
        }
        Some(verb) => read.map(|(_, _, action, data)| {
            let base = action.rsplit_once('/').map_or(*action, |(base, _)| base);
            (format!("{base}/{verb}"), *data)
        }),
        None => read.map(|(_, _, action, data)| ((*action).to_owned(), *data)),
    }
}

/// Whether an action is one of those that change who reaches a resource (RBAC-6).
fn changes_network(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    ["/joinviaserviceendpoint/action", "/privateendpointconnectionsapproval/action"]
        .iter()
        .any(|end| action.ends_with(end))
}

/// Whether an action is one of the data plane, by its place in the provider's tree.
fn is_data_action(action: &str) -> bool {
    const DATA: &[&str] = &[
        "/blobs/",
        "/messages/",
        "/entities/",
        "/fileshares/files/",
        "/secrets/",
        "/keys/",
        "/certificates/",
        "/documents/",
        "/openai/",
    ];
    let action = action.to_ascii_lowercase();
    DATA.iter().any(|d| action.contains(d)) && !action.starts_with("microsoft.authorization")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_scope() {
        let check = |path: &str, scope: Option<&str>| {
            assert_eq!(scope_of(path).as_ref().map(ResourceId::as_str), scope, "{path}");
        };
        let account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
        check("/subscriptions/s", Some("/subscriptions/s"));
        check("/subscriptions/s/resourceGroups/g/", Some("/subscriptions/s/resourceGroups/g"));
        check(account, Some(account));
        check(&format!("{account}/listKeys"), Some(account));
        check(
            "/providers/Microsoft.Management/managementGroups/m",
            Some("/providers/Microsoft.Management/managementGroups/m"),
        );
        check("/tenants", None);
        check("/subscriptions", None);
        check("/subscriptions//x", None);
    }
}
