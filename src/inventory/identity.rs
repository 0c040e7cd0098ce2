//! Principals, roles, assignments, locks.

use super::read::{AnyKind, Field, Many, Read, Reader, Ref, Unknown, block, resource, words};
use crate::doc::Node;
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
        /// The version of the condition's language.
        pub condition_version: Field<Arc<str>> = "conditionVersion",
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
        /// A condition, which is not judged.
        pub condition: Field<Arc<str>> = "condition",
        /// The version of the condition's language.
        pub condition_version: Field<Arc<str>> = "conditionVersion",
    }
}

/// Whom a deny assignment is about: an object with `id` and `type`, in our own files the bare id or name too.
#[derive(Clone, Debug, PartialEq)]
pub struct DeniedPrincipal {
    /// Its object id.
    pub object_id: Field<Arc<str>>,
    /// `User`, `Group`, `ServicePrincipal`, or `SystemDefined` for everybody.
    pub principal_type: Field<Arc<str>>,
}

impl Read for DeniedPrincipal {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Result<Self, Unknown> {
        if node.as_str().is_some() {
            let object_id = Field::Known(Arc::<str>::read(node, reader)?);
            return Ok(Self { object_id, principal_type: Field::Absent });
        }
        if let Some(why) = node.why_unknown() {
            return Err(Unknown::new(node.at, why.clone()));
        }
        let mut word = |key: &str| match node.get(key).filter(|n| !n.is_null()) {
            None => Field::Absent,
            Some(value) => Arc::<str>::read(value, reader).map_or_else(Field::Unknown, Field::Known),
        };
        Ok(Self { object_id: word("id"), principal_type: word("type") })
    }

    fn inside() -> super::shape::Inside {
        super::shape::Inside::Open
    }

    fn schema() -> serde_json::Value {
        let text = serde_json::json!({ "type": "string" });
        serde_json::json!({ "anyOf": [text, { "type": "object", "required": ["id"] }] })
    }
}

resource! {
    /// A deny assignment.
    pub struct DenyAssignment {
        /// What it denies.
        pub permissions: Many<Permission> = "permissions",
        /// Whom it denies.
        pub principals: Many<DeniedPrincipal> = "principals",
        /// Whom it spares.
        pub exclude_principals: Many<DeniedPrincipal> = "excludePrincipals",
        /// A condition, which is not judged.
        pub condition: Field<Arc<str>> = "condition",
        /// The version of the condition's language.
        pub condition_version: Field<Arc<str>> = "conditionVersion",
        /// Whether it keeps out, or only audits.
        pub deny_assignment_effect: Field<Arc<str>> = "denyAssignmentEffect",
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
