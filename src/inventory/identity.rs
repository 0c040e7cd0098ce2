//! Principals, roles, assignments, locks.

use super::read::{AnyKind, Field, Many, Ref, block, resource, words};
use std::sync::Arc;

resource! {
    /// A user-assigned managed identity.
    pub struct UserAssignedIdentity {
        /// Its object id, as deployed.
        pub principal_id: Field<Arc<str>> = "principalId",
    }
}

resource! {
    /// A user, group or service principal: what Azure resources do not hold.
    pub struct Principal {
        /// Its object id; the name serves where it is absent.
        pub object_id: Field<Arc<str>> = "objectId",
        /// `User`, `Group` or `ServicePrincipal`.
        pub principal_type: Field<PrincipalType> = "principalType",
        /// Groups it is a member of.
        pub member_of: Many<Ref<Principal>> = "memberOf",
    }
}

words! {
    /// Kind of principal.
    pub enum PrincipalType {
        User = "User", Group = "Group", ServicePrincipal = "ServicePrincipal", ForeignGroup = "ForeignGroup", Device = "Device",
    }
}

resource! {
    /// A role assignment; its scope is where it lives.
    pub struct RoleAssignment {
        /// The role, by id or name.
        pub role_definition_id: Field<Arc<str>> = "roleDefinitionId" | "role",
        /// Who, by object id; in our own files also by name of a principal or of a resource with an identity.
        pub principal_id: Field<Arc<str>> = "principalId" | "principal",
        /// Kind of principal.
        pub principal_type: Field<PrincipalType> = "principalType",
        /// A condition, which is not judged.
        pub condition: Field<Arc<str>> = "condition",
        /// Short form of our own files: the scope.
        pub scope: Field<Ref<AnyKind>> = "scope",
    }
}

resource! {
    /// A role definition.
    pub struct RoleDefinition {
        /// Its display name.
        pub role_name: Field<Arc<str>> = "roleName",
        /// What it permits.
        pub permissions: Many<Permission> = "permissions",
    }
}

block! {
    /// What a role permits.
    pub struct Permission {
        /// Control-plane actions.
        pub actions: Many<Arc<str>> = "actions",
        /// Taken away from actions.
        pub not_actions: Many<Arc<str>> = "notActions",
        /// Data-plane actions.
        pub data_actions: Many<Arc<str>> = "dataActions",
        /// Taken away from data actions.
        pub not_data_actions: Many<Arc<str>> = "notDataActions",
    }
}

resource! {
    /// A deny assignment.
    pub struct DenyAssignment {
        /// What it denies.
        pub permissions: Many<Permission> = "permissions",
        /// Whom it denies.
        pub principals: Many<Arc<str>> = "principals.*.id",
        /// Whom it spares.
        pub exclude_principals: Many<Arc<str>> = "excludePrincipals.*.id",
        /// Whether it holds at its scope alone.
        pub do_not_apply_to_child_scopes: Field<bool> = "doNotApplyToChildScopes",
        /// Short form of our own files: the scope.
        pub scope: Field<Ref<AnyKind>> = "scope",
    }
}

resource! {
    /// A lock.
    pub struct Lock {
        /// `CanNotDelete` or `ReadOnly`.
        pub level: Field<Arc<str>> = "level",
    }
}
