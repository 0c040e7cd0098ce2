//! Azure Virtual Network Manager, network security perimeters, service endpoint policies.

use super::nsg::{Access, Direction};
use super::read::{AnyKind, Field, Many, Ref, block, resource, words};
use super::values::AddressWord;
use crate::net::{IpNet, PortRange, ProtocolMatch};
use std::sync::Arc;

resource! {
    /// A network manager.
    pub struct NetworkManager {
        /// Subscriptions it governs.
        pub subscriptions: Many<Arc<str>> = "networkManagerScopes.subscriptions",
        /// Management groups it governs.
        pub management_groups: Many<Arc<str>> = "networkManagerScopes.managementGroups",
    }
}

resource! {
    /// A group of virtual networks or subnets.
    pub struct NetworkGroup {
        /// `VirtualNetwork` or `Subnet`.
        pub member_type: Field<Arc<str>> = "memberType",
        /// Short form of our own files: the members.
        pub members: Many<Ref<AnyKind>> = "members",
    }
}

resource! {
    /// A static member of a group.
    pub struct StaticMember {
        /// The network or subnet.
        pub resource_id: Field<Ref<AnyKind>> = "resourceId",
    }
}

resource! {
    /// A connectivity configuration.
    pub struct ConnectivityConfiguration {
        /// HubAndSpoke or Mesh.
        pub connectivity_topology: Field<ConnectivityTopology> = "connectivityTopology",
        /// Hubs.
        pub hubs: Many<Arc<str>> = "hubs.*.resourceId",
        /// Groups it applies to.
        pub applies_to_groups: Many<AppliesToGroup> = "appliesToGroups",
        /// Whether mesh crosses regions.
        pub is_global: Field<Arc<str>> = "isGlobal",
    }
}

words! {
    /// Topology of a connectivity configuration.
    pub enum ConnectivityTopology { HubAndSpoke = "HubAndSpoke", Mesh = "Mesh" }
}

block! {
    /// A group a connectivity configuration applies to.
    pub struct AppliesToGroup {
        /// The group.
        pub network_group_id: Field<Ref<NetworkGroup>> = "networkGroupId",
        /// `DirectlyConnected` or `None`.
        pub group_connectivity: Field<Arc<str>> = "groupConnectivity",
        /// Whether spokes use the hub's gateway.
        pub use_hub_gateway: Field<Arc<str>> = "useHubGateway",
        /// Whether the mesh crosses regions.
        pub is_global: Field<Arc<str>> = "isGlobal",
    }
}

resource! {
    /// A security admin configuration.
    pub struct SecurityAdminConfiguration {
        /// `None`, `All` or `AllowRulesOnly` (SAR-6).
        pub apply_on_network_intent_policy_based_services: Many<Arc<str>> = "applyOnNetworkIntentPolicyBasedServices",
    }
}

resource! {
    /// A rule collection of a security admin configuration.
    pub struct AdminRuleCollection {
        /// The groups it applies to.
        pub applies_to_groups: Many<AppliesToGroup> = "appliesToGroups",
    }
}

resource! {
    /// A security admin rule.
    pub struct AdminRule {
        /// 1 to 4096, lower first.
        pub priority: Field<i64> = "priority",
        /// Inbound or outbound.
        pub direction: Field<Direction> = "direction",
        /// Allow, AlwaysAllow or Deny.
        pub access: Field<AdminAccess> = "access",
        /// Protocol.
        pub protocol: Field<ProtocolMatch> = "protocol",
        /// Sources.
        pub sources: Many<AddressWord> = "sources.*.addressPrefix",
        /// Destinations.
        pub destinations: Many<AddressWord> = "destinations.*.addressPrefix",
        /// Source ports.
        pub source_port_ranges: Many<PortRange> = "sourcePortRanges",
        /// Destination ports.
        pub destination_port_ranges: Many<PortRange> = "destinationPortRanges",
    }
}

words! {
    /// What a security admin rule does (SAR-2).
    pub enum AdminAccess { Allow = "Allow", AlwaysAllow = "AlwaysAllow", Deny = "Deny" }
}

impl From<Access> for AdminAccess {
    fn from(access: Access) -> Self {
        match access {
            Access::Allow => Self::Allow,
            Access::Deny => Self::Deny,
        }
    }
}

resource! {
    /// A network security perimeter.
    pub struct NetworkSecurityPerimeter {}
}

resource! {
    /// A profile of a perimeter.
    pub struct PerimeterProfile {}
}

resource! {
    /// An access rule of a perimeter profile.
    pub struct PerimeterAccessRule {
        /// Inbound or outbound.
        pub direction: Field<Direction> = "direction",
        /// Sources by prefix.
        pub address_prefixes: Many<IpNet> = "addressPrefixes",
        /// Sources by subscription.
        pub subscriptions: Many<Arc<str>> = "subscriptions.*.id",
        /// Sources by service tag.
        pub service_tags: Many<Arc<str>> = "serviceTags",
        /// Sources by perimeter.
        pub perimeters: Many<Ref<AnyKind>> = "networkSecurityPerimeters",
        /// Destinations by name.
        pub fully_qualified_domain_names: Many<Arc<str>> = "fullyQualifiedDomainNames",
    }
}

resource! {
    /// A resource in a perimeter.
    pub struct PerimeterAssociation {
        /// The resource.
        pub private_link_resource: Field<Ref<AnyKind>> = "privateLinkResource",
        /// The profile.
        pub profile: Field<Ref<PerimeterProfile>> = "profile",
        /// Enforced, Learning (transition) or Audit.
        pub access_mode: Field<AccessMode> = "accessMode",
    }
}

words! {
    /// How a perimeter treats an associated resource (NSP-1).
    pub enum AccessMode { Learning = "Learning" | "Transition", Enforced = "Enforced", Audit = "Audit" }
}

resource! {
    /// A service endpoint policy.
    pub struct ServiceEndpointPolicy {
        /// Definitions.
        pub definitions: Many<PolicyDefinition> = "serviceEndpointPolicyDefinitions",
        /// Aliases such as `/services/Azure/MachineLearning`.
        pub contextual_service_endpoint_policies: Many<Arc<str>> = "contextualServiceEndpointPolicies",
        /// One alias.
        pub service_alias: Field<Arc<str>> = "serviceAlias",
    }
}

block! {
    /// A definition of a service endpoint policy.
    pub struct PolicyDefinition in "serviceEndpointPolicyDefinitions" {
        /// `Microsoft.Storage` or `Global`.
        pub service: Field<Arc<str>> = "service",
        /// Accounts, resource groups, subscriptions or aliases allowed.
        pub service_resources: Many<Arc<str>> = "serviceResources",
    }
}
