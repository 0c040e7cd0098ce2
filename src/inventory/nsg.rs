//! Network and application security groups.

use super::read::{Field, Many, Ref, resource, shared_block, words};
use super::values::AddressWord;
use crate::net::{PortRange, ProtocolMatch};

resource! {
    /// A network security group.
    pub struct Nsg {
        /// The rules somebody wrote.
        pub security_rules: Many<SecurityRule> = "securityRules",
        /// The default rules as an export shows them; the engine knows them anyway (NSG-3).
        pub default_security_rules: Many<SecurityRule> = "defaultSecurityRules",
    }
}

shared_block! {
    /// A rule of a network security group.
    pub struct SecurityRule with SecurityRuleBody {
        /// 100 to 4096, lower first; default rules from 65000.
        pub priority: Field<i64> = "priority",
        /// Inbound or outbound.
        pub direction: Field<Direction> = "direction",
        /// Allow or deny.
        pub access: Field<Access> = "access",
        /// Protocol; `*` means any.
        pub protocol: Field<ProtocolMatch> = "protocol",
        /// Source addresses and tags.
        pub source: Many<AddressWord> = "sourceAddressPrefix" | "sourceAddressPrefixes",
        /// Source application security groups.
        pub source_asgs: Many<Ref<Asg>> = "sourceApplicationSecurityGroups",
        /// Source ports.
        pub source_ports: Many<PortRange> = "sourcePortRange" | "sourcePortRanges",
        /// Destination addresses and tags.
        pub destination: Many<AddressWord> = "destinationAddressPrefix" | "destinationAddressPrefixes",
        /// Destination application security groups.
        pub destination_asgs: Many<Ref<Asg>> = "destinationApplicationSecurityGroups",
        /// Destination ports.
        pub destination_ports: Many<PortRange> = "destinationPortRange" | "destinationPortRanges",
        /// What somebody wrote about it.
        pub description: Field<std::sync::Arc<str>> = "description",
    }
}

words! {
    /// Direction of a rule.
    pub enum Direction { Inbound = "Inbound", Outbound = "Outbound" }
}

words! {
    /// What a rule does.
    pub enum Access { Allow = "Allow", Deny = "Deny" }
}

resource! {
    /// An application security group: a name that interfaces join.
    pub struct Asg {}
}
