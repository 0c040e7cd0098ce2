//! DNS zones, links, records, resolvers.

use super::read::{AnyKind, Field, Many, Ref, block, resource, words};
use super::{IpConfiguration, Subnet, VirtualNetwork};
use crate::net::IpAddr;
use std::sync::Arc;

resource! {
    /// A private DNS zone; its name is the zone's name.
    pub struct PrivateDnsZone {
        /// Record sets, whatever their type.
        pub record_sets: Many<RecordSet> = "recordSets",
        /// Links written inside; moved to their own table.
        pub virtual_network_links: Many<super::Inline> = "virtualNetworkLinks",
    }
}

resource! {
    /// A public DNS zone.
    pub struct DnsZone {
        /// Record sets.
        pub record_sets: Many<RecordSet> = "recordSets",
    }
}

block! {
    /// A record set. The name is relative to the zone; `@` is the zone itself.
    pub struct RecordSet in "recordSets" {
        /// A, AAAA, CNAME ...
        pub record_type: Field<RecordType> = "recordType" | "type",
        /// Addresses.
        pub addresses: Many<IpAddr> =
            "aRecords.*.ipv4Address" | "aaaaRecords.*.ipv6Address" | "addresses",
        /// Target of a CNAME.
        pub cname: Field<Arc<str>> = "cnameRecord.cname" | "cname",
        /// The resource that an alias record follows.
        pub target_resource: Field<Ref<AnyKind>> = "targetResource",
        /// Time to live in seconds.
        pub ttl: Field<i64> = "ttl",
    }
}

words! {
    /// Type of a record set.
    pub enum RecordType {
        A = "A", Aaaa = "AAAA", Cname = "CNAME", Mx = "MX", Ptr = "PTR", Soa = "SOA", Srv = "SRV", Txt = "TXT", Ns = "NS",
    }
}

resource! {
    /// A link of a private zone to a virtual network.
    pub struct VirtualNetworkLink {
        /// The virtual network.
        pub virtual_network: Field<Ref<VirtualNetwork>> = "virtualNetwork",
        /// Whether machines register themselves.
        pub registration_enabled: Field<bool> = "registrationEnabled",
        /// What happens when a name is not in the zone (DNS-7).
        pub resolution_policy: Field<ResolutionPolicy> = "resolutionPolicy",
        /// Short form of our own files: the zone.
        pub private_dns_zone: Field<Ref<PrivateDnsZone>> = "privateDnsZone",
    }
}

words! {
    /// What a linked zone does with names it does not hold.
    pub enum ResolutionPolicy { Default = "Default", NxDomainRedirect = "NxDomainRedirect" }
}

resource! {
    /// A private resolver.
    pub struct DnsResolver {
        /// Its virtual network.
        pub virtual_network: Field<Ref<VirtualNetwork>> = "virtualNetwork",
    }
}

resource! {
    /// An inbound endpoint of a private resolver.
    pub struct InboundEndpoint {
        /// Its address and subnet.
        pub ip_configurations: Many<IpConfiguration> = "ipConfigurations",
    }
}

resource! {
    /// An outbound endpoint of a private resolver.
    pub struct OutboundEndpoint {
        /// Its subnet.
        pub subnet: Field<Ref<Subnet>> = "subnet",
    }
}

resource! {
    /// A ruleset of conditional forwarders.
    pub struct DnsForwardingRuleset {
        /// The endpoints questions leave from.
        pub outbound_endpoints: Many<Ref<AnyKind>> = "dnsResolverOutboundEndpoints",
        /// Rules.
        pub forwarding_rules: Many<ForwardingRule> = "forwardingRules",
    }
}

block! {
    /// A conditional forwarder.
    pub struct ForwardingRule in "forwardingRules" {
        /// The suffix, with a final dot; `.` is everything.
        pub domain_name: Field<Arc<str>> = "domainName",
        /// Servers asked.
        pub target_dns_servers: Many<TargetDnsServer> = "targetDnsServers",
        /// Enabled or disabled.
        pub forwarding_rule_state: Field<Arc<str>> = "forwardingRuleState",
    }
}

block! {
    /// A server a rule forwards to.
    pub struct TargetDnsServer {
        /// Address.
        pub ip_address: Field<IpAddr> = "ipAddress",
        /// Port, 53 unless said.
        pub port: Field<i64> = "port",
    }
}

resource! {
    /// A link of a ruleset to a virtual network.
    pub struct RulesetLink {
        /// The virtual network.
        pub virtual_network: Field<Ref<VirtualNetwork>> = "virtualNetwork",
    }
}
