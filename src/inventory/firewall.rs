//! Azure Firewall, its policies, IP groups.

use super::read::{Field, Many, Ref, block, resource, shared_block, words};
use super::{IpConfiguration, Subnet, VirtualHub};
use crate::net::{IpAddr, PortRange};
use std::sync::Arc;

resource! {
    /// An Azure Firewall.
    pub struct AzureFirewall {
        /// `AZFW_VNet` or `AZFW_Hub`, and tier.
        pub sku: Field<Arc<str>> = "sku.tier" | "sku",
        /// Its addresses in AzureFirewallSubnet.
        pub ip_configurations: Many<IpConfiguration> = "ipConfigurations",
        /// Management addresses; their presence means forced tunnelling is possible (RT-35).
        pub management_ip_configuration: Field<IpConfiguration> = "managementIpConfiguration",
        /// Its policy.
        pub firewall_policy: Field<Ref<FirewallPolicy>> = "firewallPolicy",
        /// Its hub, in Virtual WAN.
        pub virtual_hub: Field<Ref<VirtualHub>> = "virtualHub",
        /// Its private address in a hub.
        pub hub_private_ip_address: Field<IpAddr> = "hubIPAddresses.privateIPAddress",
        /// Its public addresses in a hub.
        pub hub_public_ip_addresses: Many<HubPublicAddress> = "hubIPAddresses.publicIPs.addresses",
        /// Classic rules.
        pub network_rule_collections: Many<ClassicCollection> = "networkRuleCollections",
        /// Classic rules.
        pub application_rule_collections: Many<ClassicCollection> = "applicationRuleCollections",
        /// Classic rules.
        pub nat_rule_collections: Many<ClassicCollection> = "natRuleCollections",
        /// Threat intelligence.
        pub threat_intel_mode: Field<ThreatIntelMode> = "threatIntelMode",
        /// Short form of our own files: the subnet.
        pub subnet: Field<Ref<Subnet>> = "subnet",
        /// Short form of our own files: the private address.
        pub private_ip_address: Field<IpAddr> = "privateIPAddress",
        /// Short form of our own files: the public address.
        pub public_ip_address: Field<Ref<super::PublicIpAddress>> = "publicIPAddress",
        /// Classic DNS proxy and SNAT settings are kept in `additionalProperties`.
        pub classic_dns_proxy: Field<bool> = "additionalProperties.Network.DNS.EnableProxy",
        /// Ranges that a classic firewall does not translate, in one text (FW-19).
        pub classic_snat_ranges: Many<Arc<str>> = "additionalProperties.Network.SNAT.PrivateRanges",
    }
}

block! {
    /// A public address of a firewall in a hub.
    pub struct HubPublicAddress {
        /// The address.
        pub address: Field<IpAddr> = "address",
    }
}

words! {
    /// What threat intelligence does.
    pub enum ThreatIntelMode { Alert = "Alert", Deny = "Deny", Off = "Off" }
}

block! {
    /// A classic rule collection.
    pub struct ClassicCollection {
        /// 100 to 65000, lower first.
        pub priority: Field<i64> = "priority",
        /// Allow, Deny, Dnat or Snat.
        pub action: Field<FirewallAction> = "action.type" | "action",
        /// Rules.
        pub rules: Many<FirewallRule> = "rules",
    }
}

words! {
    /// What a rule collection does.
    pub enum FirewallAction { Allow = "Allow", Deny = "Deny", Dnat = "DNAT" | "Dnat", Snat = "Snat" }
}

resource! {
    /// A firewall policy.
    pub struct FirewallPolicy {
        /// The parent, whose rules come first (FW-3).
        pub base_policy: Field<Ref<FirewallPolicy>> = "basePolicy",
        /// Threat intelligence.
        pub threat_intel_mode: Field<ThreatIntelMode> = "threatIntelMode",
        /// Names that threat intelligence leaves alone.
        pub threat_intel_allowed_names: Many<Arc<str>> = "threatIntelWhitelist.fqdns",
        /// Addresses that threat intelligence leaves alone.
        pub threat_intel_allowed_addresses: Many<Arc<str>> = "threatIntelWhitelist.ipAddresses",
        /// DNS servers of the firewall; none means Azure's.
        pub dns_servers: Many<IpAddr> = "dnsSettings.servers",
        /// Whether the firewall answers DNS for its clients (FW-15).
        pub dns_proxy: Field<bool> = "dnsSettings.enableProxy",
        /// Ranges not translated (FW-19).
        pub snat_private_ranges: Many<Arc<str>> = "snat.privateRanges",
        /// `Enabled`: what a Route Server tells the firewall is not translated either (FW-19).
        pub snat_learns: Field<Arc<str>> = "snat.autoLearnPrivateRanges",
        /// Standard, Premium or Basic.
        pub sku: Field<Arc<str>> = "sku.tier" | "sku",
        /// Intrusion detection mode.
        pub intrusion_detection: Field<Arc<str>> = "intrusionDetection.mode",
        /// Whether SQL redirect mode is handled.
        pub allow_sql_redirect: Field<bool> = "sql.allowSqlRedirect",
        /// Groups written inside; moved to their own table.
        pub rule_collection_groups: Many<super::Inline> = "ruleCollectionGroups",
    }
}

resource! {
    /// A group of rule collections of a policy.
    pub struct RuleCollectionGroup {
        /// 100 to 65000, lower first.
        pub priority: Field<i64> = "priority",
        /// Collections.
        pub rule_collections: Many<RuleCollection> = "ruleCollections",
    }
}

block! {
    /// A rule collection of a policy.
    pub struct RuleCollection {
        /// Filter or NAT.
        pub rule_collection_type: Field<Arc<str>> = "ruleCollectionType",
        /// 100 to 65000, lower first.
        pub priority: Field<i64> = "priority",
        /// Allow, Deny or DNAT.
        pub action: Field<FirewallAction> = "action.type" | "action",
        /// Rules; they end on the first match.
        pub rules: Many<FirewallRule> = "rules",
    }
}

shared_block! {
    /// A rule of Azure Firewall: network, application or NAT.
    pub struct FirewallRule with FirewallRuleBody {
        /// `NetworkRule`, `ApplicationRule` or `NatRule`.
        pub rule_type: Field<FirewallRuleType> = "ruleType",
        /// Protocols of a network or NAT rule; classic application rules spell theirs here too.
        pub ip_protocols: Many<FirewallProtocol> = "ipProtocols" | "protocols",
        /// Sources.
        pub source_addresses: Many<super::values::AddressWord> = "sourceAddresses",
        /// Source groups.
        pub source_ip_groups: Many<Ref<IpGroup>> = "sourceIpGroups",
        /// Destinations: addresses and service tags.
        pub destination_addresses: Many<super::values::AddressWord> = "destinationAddresses",
        /// Destination groups.
        pub destination_ip_groups: Many<Ref<IpGroup>> = "destinationIpGroups",
        /// Destination names of a network rule (FW-14).
        pub destination_fqdns: Many<Arc<str>> = "destinationFqdns",
        /// Destination ports.
        pub destination_ports: Many<PortRange> = "destinationPorts",
        /// Target names of an application rule.
        pub target_fqdns: Many<Arc<str>> = "targetFqdns",
        /// Target URLs of an application rule.
        pub target_urls: Many<Arc<str>> = "targetUrls",
        /// FQDN tags of an application rule.
        pub fqdn_tags: Many<Arc<str>> = "fqdnTags",
        /// Web categories of an application rule.
        pub web_categories: Many<Arc<str>> = "webCategories",
        /// New destination of a NAT rule.
        pub translated_address: Field<IpAddr> = "translatedAddress",
        /// New destination by name.
        pub translated_fqdn: Field<Arc<str>> = "translatedFqdn",
        /// New port of a NAT rule.
        pub translated_port: Field<i64> = "translatedPort",
        /// Whether TLS is opened.
        pub terminate_tls: Field<bool> = "terminateTLS",
    }
}

words! {
    /// Type of a firewall rule.
    pub enum FirewallRuleType { NetworkRule = "NetworkRule", ApplicationRule = "ApplicationRule", NatRule = "NatRule" }
}

/// A protocol of a firewall rule: `TCP`, or `{ protocolType: Https, port: 443 }`.
#[derive(Clone, Debug, PartialEq)]
pub struct FirewallProtocol {
    /// TCP, UDP, ICMP, Any; Http, Https, Mssql.
    pub protocol: Arc<str>,
    /// Port of an application protocol.
    pub port: Option<u16>,
}

impl super::read::Read for FirewallProtocol {
    fn read(
        node: &crate::doc::Node,
        reader: &mut super::read::Reader<'_>,
    ) -> Result<Self, super::read::Unknown> {
        if let (Some(protocol), port) = (node.get("protocolType"), node.get("port")) {
            let protocol = Arc::<str>::read(protocol, reader)?;
            let port = port.map(|p| i64::read(p, reader)).transpose()?;
            return Ok(Self { protocol, port: port.and_then(|p| u16::try_from(p).ok()) });
        }
        let text = Arc::<str>::read(node, reader)?;
        match text.split_once(':') {
            Some((protocol, port)) => {
                Ok(Self { protocol: reader.memo.text(protocol), port: port.trim().parse().ok() })
            }
            None => Ok(Self { protocol: text, port: None }),
        }
    }

    fn inside() -> super::shape::Inside {
        super::shape::Inside::Open
    }

    fn schema() -> serde_json::Value {
        serde_json::json!({ "examples": ["TCP", "Https:443"], "anyOf": [{ "type": "string" }, { "type": "object" }] })
    }
}

resource! {
    /// A named set of addresses.
    pub struct IpGroup {
        /// Its addresses.
        pub ip_addresses: Many<super::values::AddressWord> = "ipAddresses",
    }
}
