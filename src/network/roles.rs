//! Role assignments and denials, flattened to principals (RBAC-1 to RBAC-3).

use crate::diag::At;
use crate::inventory::{
    DeniedPrincipal, DenyAssignment, Field, Inventory, Many, Permission, PrincipalType, ResourceId, Slot,
    TableTag, Unknown,
};
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a role permits: what any of its parts does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Permits(Vec<Part>);

/// Actions, less those that are taken away from them (RBAC-2).
#[derive(Clone, Debug, Default, PartialEq)]
struct Part {
    actions: Vec<Arc<str>>,
    not_actions: Vec<Arc<str>>,
    data_actions: Vec<Arc<str>>,
    not_data_actions: Vec<Arc<str>>,
    /// Whether a condition limits it, which is not judged.
    conditional: bool,
}

/// A deny assignment.
#[derive(Debug)]
struct Denial {
    grant: Grant,
    /// Whom it denies; everybody where the list names all principals.
    principals: Vec<Arc<str>>,
    everybody: bool,
    /// Whom it spares.
    spared: Vec<Arc<str>>,
    /// Those of either list that are groups.
    groups: Vec<Arc<str>>,
    /// Whether it holds at its scope alone and not below.
    here_only: bool,
    /// Why it may be about others too.
    unknown: Option<Unknown>,
}

/// The id that stands for all principals in a deny assignment.
const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";

const MANAGEMENT_GROUPS: &str = "/providers/Microsoft.Management/managementGroups/";

/// One assignment, or one denial, of a principal.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The role's name.
    pub role: Arc<str>,
    /// Where it holds.
    pub scope: ResourceId,
    /// What it permits; `None` where the role is not known.
    pub permits: Option<Permits>,
    /// Whether a condition limits it, which is not judged.
    pub conditional: bool,
    /// Why it may not be deployed, where that is so.
    pub uncertain: Option<Arc<str>>,
    /// The assignment.
    pub owner: ResourceId,
    /// Where it is written.
    pub at: At,
}

/// All assignments.
#[derive(Debug, Default)]
pub struct Authority {
    grants: HashMap<Arc<str>, Vec<Grant>, foldhash::fast::FixedState>,
    denials: Vec<Denial>,
    /// Assignments whose principal cannot be known: they may be anybody's.
    unknown: Vec<(Unknown, ResourceId)>,
    groups: HashMap<Arc<str>, Vec<Arc<str>>, foldhash::fast::FixedState>,
    /// Who is in a group, as far as the files name it.
    members: HashMap<Arc<str>, Vec<Arc<str>>, foldhash::fast::FixedState>,
    /// Who names its own groups, be it none.
    told: HashSet<Arc<str>, foldhash::fast::FixedState>,
    /// What is known to be a group.
    crowds: BTreeSet<Arc<str>>,
    /// Of whom nothing but an assignment tells, and it does not tell their kind.
    untyped: BTreeSet<Arc<str>>,
}

/// The answer to "may this principal do that there".
#[derive(Clone, Debug)]
pub enum Judgement {
    /// This assignment allows it.
    Granted(Grant),
    /// This denial forbids it.
    Denied(Grant),
    /// Nothing allows it; the nearest roles it has there.
    Missing(Vec<Grant>),
    /// It cannot be known.
    Unknown(Unknown),
}

struct BuiltIn {
    name: &'static str,
    id: &'static str,
    actions: &'static [&'static str],
    data_actions: &'static [&'static str],
}

macro_rules! built_in {
    ($($name:literal $id:literal [$($a:literal),*] [$($d:literal),*];)*) => {
        const BUILT_IN: &[BuiltIn] = &[$(BuiltIn { name: $name, id: $id, actions: &[$($a),*], data_actions: &[$($d),*] }),*];
    };
}

// Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
built_in! {
    "Owner" "8e3af657-a8ff-443c-a75c-2fe8c4bcb635" ["*"] [];
    "Contributor" "b24988ac-6180-42a0-ab88-20f7382dd24c" ["*"] [];
    "Reader" "acdd72a7-3385-48ef-bd42-f606fba81ae7" ["*/read"] [];
    "User Access Administrator" "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9" ["*/read", "Microsoft.Authorization/*"] [];
    "Network Contributor" "4d97b98b-1d4f-4787-a291-c67834d212e7" ["Microsoft.Network/*", "*/read"] [];
    "Storage Account Contributor" "17d1049b-9a84-46fb-8f53-869881c3d3ab" ["Microsoft.Storage/storageAccounts/*"] [];
    "Storage Blob Data Owner" "b7e6dc6d-f1e8-4753-8033-0f276bb0955b" ["Microsoft.Storage/storageAccounts/blobServices/containers/*"] ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"];
    "Storage Blob Data Contributor" "ba92f5b4-2d11-453d-a403-e96b0029c9fe" ["Microsoft.Storage/storageAccounts/blobServices/containers/*"] ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action"];
    "Storage Queue Data Reader" "19e7f393-937e-4f77-808e-94535e297925" ["Microsoft.Storage/storageAccounts/queueServices/queues/read"] ["Microsoft.Storage/storageAccounts/queueServices/queues/messages/read"];
    "Reader and Data Access" "c12c1c16-33a1-487b-954d-41c89c60f349" ["Microsoft.Storage/storageAccounts/listKeys/action", "Microsoft.Storage/storageAccounts/ListAccountSas/action", "Microsoft.Storage/storageAccounts/read"] [];
    "Storage Blob Data Reader" "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1" ["Microsoft.Storage/storageAccounts/blobServices/containers/read"] ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"];
    "Storage File Data Privileged Contributor" "69566ab7-960f-475b-8e7c-b3118f30c6bd" [] ["Microsoft.Storage/storageAccounts/fileServices/*"];
    "Storage File Data SMB Share Contributor" "0c867c2a-1d8c-454a-a3db-ab2ea1bdc8bb" [] ["Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read", "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write", "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/delete"];
    "Storage Queue Data Contributor" "974c5e8b-45b9-4653-ba55-5f855dd0fb88" [] ["Microsoft.Storage/storageAccounts/queueServices/queues/messages/*"];
    "Storage Table Data Contributor" "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3" [] ["Microsoft.Storage/storageAccounts/tableServices/tables/entities/*"];
    "Key Vault Administrator" "00482a5a-887f-4fb3-b363-3b7fe8e74483" ["Microsoft.KeyVault/*"] ["Microsoft.KeyVault/vaults/*"];
    "Key Vault Secrets User" "4633458b-17de-408a-b874-0445c86b69e6" [] ["Microsoft.KeyVault/vaults/secrets/getSecret/action", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"];
    "Key Vault Secrets Officer" "b86a8fe4-44ce-4948-aee5-eccb2c155cd7" [] ["Microsoft.KeyVault/vaults/secrets/*"];
    "Key Vault Reader" "21090545-7ca7-4776-b22c-e363652d74d2" ["Microsoft.KeyVault/vaults/*/read"] ["Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"];
    "Key Vault Crypto User" "12338af0-0e69-4776-bea7-57ae8d297424" [] ["Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys/encrypt/action", "Microsoft.KeyVault/vaults/keys/decrypt/action", "Microsoft.KeyVault/vaults/keys/wrap/action", "Microsoft.KeyVault/vaults/keys/unwrap/action", "Microsoft.KeyVault/vaults/keys/sign/action", "Microsoft.KeyVault/vaults/keys/verify/action"];
    "AcrPull" "7f951dda-4ed3-4680-a7ca-43fe172d538d" ["Microsoft.ContainerRegistry/registries/pull/read"] [];
    "AcrPush" "8311e382-0749-4cb8-b61a-304f252e45ec" ["Microsoft.ContainerRegistry/registries/pull/read", "Microsoft.ContainerRegistry/registries/push/write"] [];
    "AzureML Data Scientist" "f6c7c914-8db3-469d-8ca1-694a8f32e121" ["Microsoft.MachineLearningServices/workspaces/*/read", "Microsoft.MachineLearningServices/workspaces/*/action", "Microsoft.MachineLearningServices/workspaces/*/write"] [];
    "AzureML Compute Operator" "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815" ["Microsoft.MachineLearningServices/workspaces/computes/*"] [];
    "Azure AI Enterprise Network Connection Approver" "b556d68e-0be0-4f35-a333-ad7ee1ce17ea" ["Microsoft.Storage/storageAccounts/privateEndpointConnectionsApproval/action", "Microsoft.KeyVault/vaults/privateEndpointConnectionsApproval/action", "Microsoft.ContainerRegistry/registries/privateEndpointConnectionsApproval/action"] [];
    "Cosmos DB Account Reader Role" "fbdf93bf-df7d-467e-a4d2-9458aa1360c8" ["Microsoft.DocumentDB/databaseAccounts/*/read"] [];
    "Search Index Data Reader" "1407120a-92aa-4202-b7e9-c0e197c71c8f" [] ["Microsoft.Search/searchServices/indexes/documents/read"];
    "Azure Service Bus Data Owner" "090c5cfd-751d-490a-894a-3ce6f1109419" [] ["Microsoft.ServiceBus/*"];
    "Azure Event Hubs Data Owner" "f526a384-b230-433a-b45c-95f59c4a2dec" [] ["Microsoft.EventHub/*"];
    "Cognitive Services User" "a97b65f3-24c7-4388-baec-2e87135dc908" ["Microsoft.CognitiveServices/*/read"] ["Microsoft.CognitiveServices/*"];
    "Cognitive Services OpenAI User" "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd" [] ["Microsoft.CognitiveServices/accounts/OpenAI/*"];
}

pub(super) fn authority(inventory: &Inventory) -> Authority {
    let mut out = Authority::default();
    for principal in inventory.principals.iter() {
        let id = principal_key(principal.object_id.known().map_or(principal.id.name(), |o| o));
        let groups = principal.member_of.iter().filter_map(|r| inventory.follow(r).row());
        let groups = groups.map(|g| {
            let row = &inventory.principals[g];
            principal_key(row.object_id.known().map_or(row.id.name(), |o| o))
        });
        if principal.member_of.given && principal.member_of.unknown.is_none() {
            out.told.insert(id.clone());
        }
        if principal.principal_type.known().is_some_and(|t| is_crowd(*t)) {
            out.crowds.insert(id.clone());
        }
        let groups: Vec<Arc<str>> = groups.collect();
        for group in &groups {
            out.members.entry(group.clone()).or_default().push(id.clone());
        }
        out.groups.insert(id, groups);
    }
    for assignment in inventory.role_assignments.iter() {
        if assignment.principal_type.is_absent()
            && let Field::Known(principal) = &assignment.principal_id
            && inventory.follow_any(principal).is_none()
        {
            out.untyped.insert(principal_key(principal));
        }
        if assignment.principal_type.known().is_some_and(|t| is_crowd(*t))
            && let Field::Known(principal) = &assignment.principal_id
        {
            out.crowds.insert(identity_key(inventory, principal));
        }
    }
    for assignment in inventory.role_assignments.iter() {
        let Some((key, grant)) = grant(inventory, assignment, &mut out.unknown) else { continue };
        out.grants.entry(key).or_default().push(grant);
    }
    // One that only audits keeps nobody out.
    let audits = |d: &&DenyAssignment| {
        !d.deny_assignment_effect.known().is_some_and(|e| e.eq_ignore_ascii_case("audit"))
    };
    for denial in inventory.deny_assignments.iter().filter(audits) {
        let scope = scope_of(inventory, &denial.id, denial.scope.known().map(|r| &*r.text));
        let grant = Grant {
            role: denial.id.name().into(),
            scope,
            permits: Some(permits(&denial.permissions.items)),
            conditional: !denial.condition.is_absent()
                || denial.permissions.iter().any(|p| !p.condition.is_absent()),
            uncertain: denial.uncertain.clone(),
            owner: denial.id.clone(),
            at: denial.at,
        };
        let key = |p: &DeniedPrincipal| p.object_id.known().map(|text| identity_key(inventory, text));
        let of = |list: &Many<DeniedPrincipal>| -> Vec<Arc<str>> { list.iter().filter_map(key).collect() };
        let both = || denial.principals.iter().chain(&denial.exclude_principals);
        let named_group = |p: &&DeniedPrincipal| {
            p.principal_type.known().is_some_and(|t| t.to_ascii_lowercase().ends_with("group"))
        };
        let unread = both().find_map(|p| p.object_id.unknown().cloned());
        let lists = denial.principals.unknown.clone().or_else(|| denial.exclude_principals.unknown.clone());
        out.denials.push(Denial {
            grant,
            principals: of(&denial.principals),
            everybody: denial
                .principals
                .iter()
                .any(|p| p.object_id.known().is_some_and(|id| **id == *EVERYBODY)),
            spared: of(&denial.exclude_principals),
            groups: both().filter(named_group).filter_map(key).collect(),
            here_only: denial.do_not_apply_to_child_scopes.is(true),
            unknown: lists.or(unread),
        });
    }
    // Which of several is told must not hang on the order they are written in.
    out.denials.sort_by(|a, b| a.grant.owner.cmp(&b.grant.owner));
    out
}

fn grant(
    inventory: &Inventory,
    assignment: &crate::inventory::RoleAssignment,
    unknown: &mut Vec<(Unknown, ResourceId)>,
) -> Option<(Arc<str>, Grant)> {
    let scope = scope_of(inventory, &assignment.id, assignment.scope.known().map(|r| &*r.text));
    let principal = match &assignment.principal_id {
        Field::Known(principal) => identity_key(inventory, principal),
        other => {
            let missing = || Unknown::new(assignment.at, "the role assignment names no principal");
            unknown.push((other.unknown().cloned().unwrap_or_else(missing), scope));
            return None;
        }
    };
    let role = assignment.role_definition_id.known();
    let (name, permits) = role.map_or(("an unknown role".into(), None), |r| role_named(inventory, r));
    let grant = Grant {
        role: name,
        scope,
        permits,
        conditional: !assignment.condition.is_absent(),
        uncertain: assignment.uncertain.clone(),
        owner: assignment.id.clone(),
        at: assignment.at,
    };
    Some((principal, grant))
}

fn scope_of(inventory: &Inventory, id: &ResourceId, written: Option<&str>) -> ResourceId {
    let Some(text) = written else { return ResourceId::new(id.scope()) };
    if ResourceId::looks_like_one(text) {
        return ResourceId::new(text);
    }
    inventory
        .follow_any(text)
        .and_then(|s| inventory.id_of(s))
        .cloned()
        .unwrap_or_else(|| ResourceId::new(text))
}

fn principal_key(text: &str) -> Arc<str> {
    text.to_ascii_lowercase().into()
}

/// The key of a principal named by object id, by name, or by a resource with an identity.
fn identity_key(inventory: &Inventory, text: &str) -> Arc<str> {
    match inventory.follow_any(text) {
        Some(Slot { table: TableTag::Principal, row }) => {
            let principal = &inventory.principals.as_slice()[row as usize];
            principal_key(principal.object_id.known().map_or(principal.id.name(), |o| o))
        }
        Some(slot) => {
            identities_of(inventory, slot).into_iter().next().unwrap_or_else(|| principal_key(text))
        }
        None => principal_key(text),
    }
}

/// The object ids a resource acts under.
pub(crate) fn identities_of(inventory: &Inventory, slot: Slot) -> Vec<Arc<str>> {
    let row = slot.row as usize;
    let identity = match slot.table {
        TableTag::Principal => {
            let principal = &inventory.principals.as_slice()[row];
            return vec![principal_key(principal.object_id.known().map_or(principal.id.name(), |o| o))];
        }
        TableTag::UserAssignedIdentity => {
            let identity = &inventory.user_assigned_identities.as_slice()[row];
            let stand_in = super::names::stand_in_guid(&identity.id);
            return vec![principal_key(identity.principal_id.known().map_or(&stand_in, |p| p))];
        }
        TableTag::VirtualMachine => &inventory.virtual_machines.as_slice()[row].identity,
        TableTag::ScaleSet => &inventory.scale_sets.as_slice()[row].identity,
        TableTag::Host => &inventory.hosts.as_slice()[row].identity,
        TableTag::PlatformService => &inventory.services.as_slice()[row].identity,
        TableTag::MlCompute => &inventory.ml_computes.as_slice()[row].identity,
        TableTag::MlEndpoint => &inventory.ml_endpoints.as_slice()[row].identity,
        _ => return Vec::new(),
    };
    let Some(identity) = identity.known() else { return Vec::new() };
    let mut out = Vec::new();
    if identity.system_assigned {
        let id = inventory.id_of(slot).map(super::names::stand_in_guid).unwrap_or_default();
        out.push(principal_key(identity.principal_id.as_deref().unwrap_or(&id)));
    }
    for user in &identity.user_assigned {
        let named = inventory.follow_any(user).filter(|s| s.table == TableTag::UserAssignedIdentity);
        out.extend(named.into_iter().flat_map(|slot| identities_of(inventory, slot)));
    }
    out
}

fn role_named(inventory: &Inventory, text: &str) -> (Arc<str>, Option<Permits>) {
    let last = text.rsplit('/').next().unwrap_or(text);
    let own = inventory.role_definitions.iter().find(|r| {
        r.id.name().eq_ignore_ascii_case(last)
            || r.role_name.known().is_some_and(|n| n.eq_ignore_ascii_case(text))
    });
    if let Some(role) = own {
        let name = role.role_name.known().cloned().unwrap_or_else(|| role.id.name().into());
        return (name, Some(permits(&role.permissions.items)));
    }
    let built_in =
        BUILT_IN.iter().find(|b| b.id.eq_ignore_ascii_case(last) || b.name.eq_ignore_ascii_case(text));
    match built_in {
        Some(role) => {
            let list = |words: &[&str]| words.iter().map(|w| Arc::from(*w)).collect();
            let not_actions = if role.name == "Contributor" {
                vec![
                    Arc::from("Microsoft.Authorization/*/Delete"),
                    Arc::from("Microsoft.Authorization/*/Write"),
                ]
            } else {
                Vec::new()
            };
            let part = Part {
                actions: list(role.actions),
                not_actions,
                data_actions: list(role.data_actions),
                not_data_actions: Vec::new(),
                conditional: false,
            };
            (role.name.into(), Some(Permits(vec![part])))
        }
        None => (last.into(), None),
    }
}

fn permits(list: &[Permission]) -> Permits {
    let part = |permission: &Permission| Part {
        actions: permission.actions.items.clone(),
        not_actions: permission.not_actions.items.clone(),
        data_actions: permission.data_actions.items.clone(),
        not_data_actions: permission.not_data_actions.items.clone(),
        conditional: !permission.condition.is_absent(),
    };
    Permits(list.iter().map(part).collect())
}

impl Permits {
    /// Whether an action is permitted, on the data or the control plane.
    fn allows(&self, action: &str, data: bool) -> bool {
        self.0.iter().any(|part| part.allows(action, data))
    }

    /// Whether it is permitted under a condition alone.
    fn on_condition(&self, action: &str, data: bool) -> bool {
        let mut fitting = self.0.iter().filter(|part| part.allows(action, data)).peekable();
        fitting.peek().is_some() && fitting.all(|part| part.conditional)
    }
}

impl Part {
    fn allows(&self, action: &str, data: bool) -> bool {
        let (yes, no) = if data {
            (&self.data_actions, &self.not_data_actions)
        } else {
            (&self.actions, &self.not_actions)
        };
        yes.iter().any(|p| action_matches(p, action)) && !no.iter().any(|p| action_matches(p, action))
    }
}

/// Whether a kind of principal is a group of others.
fn is_crowd(kind: PrincipalType) -> bool {
    matches!(kind, PrincipalType::Group | PrincipalType::ForeignGroup)
}

/// Whether an action fits a pattern with `*` for any run of characters, without regard to case.
fn action_matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl Authority {
    /// Whether some assignment, denial or group speaks of a principal.
    pub fn knows(&self, key: &str) -> bool {
        let denied = |d: &Denial| d.principals.iter().chain(&d.spared).any(|p| **p == *key);
        self.grants.contains_key(key) || self.groups.contains_key(key) || self.denials.iter().any(denied)
    }

    /// All keys a principal acts under: itself and its groups, transitively (RBAC-2).
    pub(crate) fn with_groups(&self, keys: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut out = keys.to_vec();
        let mut at = 0;
        while at < out.len() {
            let more = self.groups.get(&out[at]).cloned().unwrap_or_default();
            for group in more {
                if !out.contains(&group) {
                    out.push(group);
                }
            }
            at += 1;
        }
        out
    }

    /// Whether an object id is known to be of a group in which a principal may be although no file says so.
    pub(crate) fn may_belong(&self, group: &str, keys: &[Arc<str>]) -> bool {
        let group = principal_key(group);
        self.crowds.contains(&group) && !keys.contains(&group) && self.may_be_in(&group, keys, &[])
    }

    /// Whether an object id is known not to be of a group.
    pub(crate) fn is_single(&self, id: &str) -> bool {
        self.groups.contains_key(&principal_key(id)) && !self.crowds.contains(&principal_key(id))
    }

    /// Whether a principal may be in a group although no file says so: none names the group's members, or one of them
    /// is such a group, and the principal does not name its own groups either (RBAC-2).
    fn may_be_in(&self, group: &Arc<str>, keys: &[Arc<str>], also: &[Arc<str>]) -> bool {
        if keys.iter().any(|k| self.told.contains(k)) {
            return false;
        }
        let (mut open, mut seen) = (vec![group.clone()], vec![group.clone()]);
        while let Some(next) = open.pop() {
            if !self.crowds.contains(&next) && !also.contains(&next) {
                continue;
            }
            let Some(members) = self.members.get(&next) else { return true };
            for member in members.iter().filter(|m| self.crowds.contains(*m)) {
                if !seen.contains(member) {
                    seen.push(member.clone());
                    open.push(member.clone());
                }
            }
        }
        false
    }

    /// The assignment to a group that would allow it, were the principal in the group.
    fn by_membership(
        &self,
        keys: &[Arc<str>],
        resource: &ResourceId,
        action: &str,
        data: bool,
    ) -> Option<Unknown> {
        let others = self.crowds.iter().filter(|g| !keys.contains(g));
        let mut grants =
            others.flat_map(|g| self.grants.get(g).into_iter().flatten().map(move |grant| (g, grant)));
        let fits = |g: &Grant| {
            let permits = g.permits.as_ref().is_none_or(|p| p.allows(action, data));
            permits && matches!(reach(&g.scope, resource), Reach::Here | Reach::ManagementGroup)
        };
        grants.find(|(group, g)| fits(g) && self.may_be_in(group, keys, &[])).map(|(group, g)| {
            let why = format!(
                "whether the caller is in the group `{group}`, which has `{}` on `{}` and whose members no file names: say it with principals and memberOf",
                g.role,
                g.scope.name()
            );
            Unknown::new(g.at, why)
        })
    }

    /// An assignment that would allow it, were it to a group that the principal is in: its kind is told nowhere.
    pub(crate) fn to_untold(
        &self,
        principal: &[Arc<str>],
        resource: &ResourceId,
        action: &str,
        data: bool,
    ) -> Option<&Grant> {
        let keys = self.with_groups(principal);
        let others = self.untyped.iter().filter(|k| !keys.contains(k) && !self.groups.contains_key(*k));
        let mut grants = others.filter_map(|k| self.grants.get(k)).flatten();
        let fits = |g: &&Grant| g.permits.as_ref().is_some_and(|p| p.allows(action, data));
        grants.find(|g| fits(g) && reach(&g.scope, resource) == Reach::Here)
    }

    /// Judges an action of a principal on a resource.
    pub fn judge(
        &self,
        principal: &[Arc<str>],
        resource: &ResourceId,
        action: &str,
        data: bool,
    ) -> Judgement {
        let keys = self.with_groups(principal);
        let maybe_denied = match self.denied(&keys, resource, action, data) {
            Ok(Some(grant)) => return Judgement::Denied(grant),
            Ok(None) => None,
            Err(unknown) => Some(unknown),
        };
        let all = keys.iter().filter_map(|k| self.grants.get(k)).flatten();
        let grants: Vec<Grant> =
            all.filter(|g| reach(&g.scope, resource) != Reach::Elsewhere).cloned().collect();
        let fits = |g: &&Grant| {
            g.permits.as_ref().is_some_and(|p| p.allows(action, data)) && resource.is_within(g.scope.as_str())
        };
        let granted = grants.iter().any(|g| fits(&g));
        if let Some(unknown) = maybe_denied.filter(|_| granted) {
            return Judgement::Unknown(unknown);
        }
        let limited =
            |g: &Grant| g.conditional || g.permits.as_ref().is_some_and(|p| p.on_condition(action, data));
        let certain = |g: &&Grant| fits(g) && !limited(g) && g.uncertain.is_none();
        match grants.iter().find(certain).or_else(|| grants.iter().find(fits)) {
            Some(Grant { uncertain: Some(why), owner, at, .. }) => {
                let why = format!("whether `{}` is deployed is not known: {why}", owner.full_name());
                Judgement::Unknown(Unknown::new(*at, why))
            }
            Some(grant) if limited(grant) => {
                let why = format!("the assignment of `{}` has a condition, which is not judged", grant.role);
                Judgement::Unknown(Unknown::new(grant.at, why))
            }
            Some(grant) => Judgement::Granted(grant.clone()),
            None => {
                let doubt = self.doubt(resource, &grants, action, data);
                let doubt = doubt.or_else(|| self.by_membership(&keys, resource, action, data));
                doubt.map_or(Judgement::Missing(grants), Judgement::Unknown)
            }
        }
    }

    /// The denial that holds for a principal on a resource, or why one may (RBAC-1).
    fn denied(
        &self,
        keys: &[Arc<str>],
        resource: &ResourceId,
        action: &str,
        data: bool,
    ) -> Result<Option<Grant>, Unknown> {
        let mut doubt = None;
        for denial in &self.denials {
            let grant = &denial.grant;
            let about = grant.permits.as_ref().is_some_and(|p| p.allows(action, data));
            if !about || denial.spared.iter().any(|p| keys.contains(p)) {
                continue;
            }
            let aimed = denial.everybody || denial.principals.iter().any(|p| keys.contains(p));
            let at = |why: String| Unknown::new(grant.at, why);
            let maybe = |list: &[Arc<str>]| {
                let found = list.iter().find(|g| self.may_be_in(g, keys, &denial.groups))?;
                Some(at(format!(
                    "whether the caller is in the group `{found}`, of which the denial `{}` speaks and whose members no file names",
                    grant.role
                )))
            };
            let member = if aimed { maybe(&denial.spared) } else { maybe(&denial.principals) };
            let unknown = denial.unknown.clone().or(member);
            if !aimed && unknown.is_none() {
                continue;
            }
            let why = match reach(&grant.scope, resource) {
                Reach::Elsewhere => continue,
                Reach::Here if denial.here_only && grant.scope != *resource => continue,
                Reach::Here => match unknown {
                    Some(unknown) => unknown,
                    None if grant.conditional => {
                        at(format!("the denial `{}` has a condition, which is not judged", grant.role))
                    }
                    None if grant.uncertain.is_none() => return Ok(Some(grant.clone())),
                    None => at(format!("whether the denial `{}` is deployed is not known", grant.role)),
                },
                Reach::Part => at(format!(
                    "the denial `{}` holds only for `{}`, a part of the resource",
                    grant.role,
                    grant.scope.name()
                )),
                Reach::ManagementGroup => at(beyond(grant)),
            };
            doubt = doubt.or(Some(why));
        }
        doubt.map_or(Ok(None), Err)
    }

    /// Why something may allow it after all.
    fn doubt(&self, resource: &ResourceId, grants: &[Grant], action: &str, data: bool) -> Option<Unknown> {
        let role = grants.iter().find(|g| g.permits.is_none()).map(|g| {
            Unknown::new(g.at, format!("the role `{}` is not known, so neither is what it permits", g.role))
        });
        let below = grants.iter().filter(|_| data || may_list(resource, action));
        let part = below.clone().find(|g| reach(&g.scope, resource) == Reach::Part).map(|g| {
            let why = format!("`{}` holds only for `{}`, a part of the resource", g.role, g.scope.name());
            Unknown::new(g.at, why)
        });
        let anybody = self.unknown.iter().find(|(_, scope)| resource.is_within(scope.as_str()));
        let above = grants.iter().find(|g| {
            let may = g.permits.as_ref().is_some_and(|p| p.allows(action, data));
            may && reach(&g.scope, resource) == Reach::ManagementGroup
        });
        let above = above.map(|g| Unknown::new(g.at, beyond(g)));
        role.or(part).or(above).or_else(|| anybody.map(|(unknown, _)| unknown.clone()))
    }
}

/// Whether an action of the control plane asks for a list of what lies below a scope, which Azure may answer with those
/// that the caller may see. Everything else is decided at the scope and above it (RBAC-1).
fn may_list(scope: &ResourceId, action: &str) -> bool {
    const GROUPS: [&str; 2] =
        ["Microsoft.Resources/subscriptions/resourceGroups", "Microsoft.Resources/resourceGroups"];
    let Some(at) = action.len().checked_sub("/read".len()) else { return false };
    let Some((kind, verb)) = action.split_at_checked(at) else { return false };
    let own = scope.kind();
    let is = |word: &str| kind.eq_ignore_ascii_case(word);
    let same = is(&own) || own.eq_ignore_ascii_case(GROUPS[1]) && is(GROUPS[0]);
    verb.eq_ignore_ascii_case("/read")
        && (!same || own.eq_ignore_ascii_case("Microsoft.Resources/subscriptions"))
}

/// How an assignment's scope lies to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// The resource is the scope or below it.
    Here,
    /// The scope is a part of the resource.
    Part,
    /// The scope is a management group; which subscriptions are in it no file tells.
    ManagementGroup,
    /// Neither is below the other.
    Elsewhere,
}

fn reach(scope: &ResourceId, resource: &ResourceId) -> Reach {
    let text = scope.as_str();
    let above =
        text.get(..MANAGEMENT_GROUPS.len()).is_some_and(|h| h.eq_ignore_ascii_case(MANAGEMENT_GROUPS));
    match () {
        () if resource.is_within(text) => Reach::Here,
        () if scope.is_within(resource.as_str()) => Reach::Part,
        () if above => Reach::ManagementGroup,
        () => Reach::Elsewhere,
    }
}

fn beyond(grant: &Grant) -> String {
    format!(
        "`{}` holds for the management group `{}`; whether the resource's subscription is in it is in none of the files",
        grant.role,
        grant.scope.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_actions() {
        for (pattern, action, fits) in [
            ("*", "Microsoft.Storage/x/read", true),
            ("*/read", "Microsoft.Storage/storageAccounts/read", true),
            ("*/read", "Microsoft.Storage/storageAccounts/write", false),
            ("Microsoft.KeyVault/vaults/*/read", "microsoft.keyvault/vaults/keys/read", true),
            ("Microsoft.Storage/a", "Microsoft.Storage/ab", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXc", false),
        ] {
            assert_eq!(action_matches(pattern, action), fits, "{pattern} {action}");
        }
    }
}
