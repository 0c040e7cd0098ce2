//! Identities, roles, locks.

use crate::formats::terraform::mapping::arm::*;
use crate::formats::terraform::mapping::{Home, Type, assigned, blocks, copy, group, id_text};

const ROLE: &str = "Microsoft.Authorization/roleDefinitions";

pub(super) const TYPES: &[Type] = &[
    group(
        &["azurerm_user_assigned_identity"],
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        &[assigned("principal_id", "principalId")],
    ),
    Type {
        tf: &["azurerm_role_assignment"],
        arm: "Microsoft.Authorization/roleAssignments",
        home: Home::Scope("scope"),
        attrs: &[
            id_text("role_definition_id", "roleDefinitionId", ROLE),
            copy("role_definition_name", "role"),
            // An unknown object id of an identity in the same plan is given as that resource's id.
            id_text("principal_id", "principalId", ANY),
            copy("principal_type", "principalType"),
            copy("condition", "condition"),
        ],
    },
    Type {
        tf: &["azurerm_role_definition"],
        arm: ROLE,
        home: Home::Scope("scope"),
        attrs: &[
            copy("name", "roleName"),
            blocks(
                "permissions",
                "permissions",
                &[
                    copy("actions", "actions"),
                    copy("not_actions", "notActions"),
                    copy("data_actions", "dataActions"),
                    copy("not_data_actions", "notDataActions"),
                ],
            ),
        ],
    },
    Type {
        tf: &["azurerm_management_lock"],
        arm: "Microsoft.Authorization/locks",
        home: Home::Scope("scope"),
        attrs: &[copy("lock_level", "level")],
    },
];
