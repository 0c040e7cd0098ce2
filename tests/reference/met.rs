//! What random estates must have met, or the comparison says less than it seems to.
//!
//! | plane | how a run shows that it was met |
//! |---|---|
//! | groups at both levels, augmented rules, application security groups | the rules NSG-4, NSG-6; estates that write them |
//! | security admin rules | SAR-1, SAR-2 |
//! | every next hop type, and the choice among routes | estates that write them; RT-3a, RT-20, RT-22 |
//! | peering flags and states, subnet peering, connected groups | PEER-1, PEER-5, PEER-10; estates that write them |
//! | VPN, ExpressRoute, BGP, static branches | GW-2, RT-15, RT-34; estates that write them |
//! | Route Server | estates that write what it has learnt |
//! | Virtual WAN with routing intent | VWAN-1, VWAN-8 |
//! | Azure Firewall: inheritance, DNAT, network, application, FQDN tags, translation, DNS proxy | FW-1, FW-3, FW-8, FW-19, DNS-16 |
//! | NAT gateway, outbound methods | NAT-1, NAT-3, OUT-4, PIP-2 |
//! | load balancers with probes and outbound rules, inbound NAT | LB-1, LB-2, LB-9; estates that write them |
//! | application gateway, Front Door with private origins, Bastion | AGW-1, AFD-1, AFD-3, BAS-1 |
//! | service endpoints and policies | RT-7, SEP-1 |
//! | private endpoints and their network policies | PE-1, NSG-26, RT-8 |
//! | DNS: zones, links, fallback, resolver and rulesets, on-premises | DNS-5, DNS-6, DNS-7, DNS-12, DNS-13 |
//! | service firewalls | ST-2, KV-1, ACR-1, COS-1 |
//! | network security perimeter, services that call services | NSP-1, KV-3, ST-6 |
//! | managed networks of workspaces | AML-5 |
//! | roles with inheritance, denials | RBAC-1, RBAC-3 |
//! | the way back | PKT-6, ASYM-1, ASYM-5 |

use netwhy::trace::{Cause, Trace};
use std::collections::BTreeSet;

/// Rules that some decision of a run must rest on.
const RULES: &[&str] = &[
    "NSG-2", "NSG-3", "NSG-4", "NSG-6", "NSG-26", "SAR-1", "SAR-2", "RT-3a", "RT-7", "RT-8", "RT-12",
    "RT-13", "RT-15", "RT-16", "RT-20", "RT-22", "RT-34", "PEER-1", "PEER-5", "PEER-10", "GW-2", "VWAN-1",
    "VWAN-8", "FW-1", "FW-3", "FW-5", "FW-8", "FW-19", "DNS-16", "NAT-1", "NAT-3", "OUT-4", "PIP-1", "PIP-2",
    "LB-1", "LB-2", "LB-9", "AGW-1", "AFD-1", "AFD-3", "BAS-1", "SEP-1", "PE-1", "DNS-4", "DNS-5", "DNS-6",
    "DNS-7", "DNS-12", "DNS-13", "ST-2", "KV-1", "ACR-1", "COS-1", "NSP-1", "KV-3", "ST-6", "AML-5",
    "RBAC-1", "RBAC-3", "PKT-6", "ASYM-1", "ASYM-5",
];

/// Words that estates of a run must have written.
const WORDS: &[&str] = &[
    "applicationSecurityGroups",
    "sourceAddressPrefixes",
    "VirtualApplianceEcmp",
    "nextHopType: VirtualNetworkGateway",
    "nextHopType: VnetLocal",
    "nextHopType: Internet",
    "nextHopType: None",
    "peeringState",
    "allowForwardedTraffic: false",
    "peerCompleteVnets: false",
    "connectivityTopology",
    "gatewayType: Vpn",
    "gatewayType: ExpressRoute",
    "localNetworkGateways",
    "learnedBy: rs",
    "asPath",
    "routingIntents",
    "basePolicy",
    "fqdnTags",
    "probes",
    "outboundRules",
    "inboundNatRules",
    "sharedPrivateLinkResource",
    "serviceEndpointPolicies",
    "dnsForwardingRulesets",
    "inboundEndpoints",
    "NxDomainRedirect",
    "denyAssignments",
    "fullyQualifiedDomainNames",
    "isolationMode: AllowInternetOutbound",
    "memberOf",
    "uncertain: ",
];

/// Causes that some flow of a run must end with.
const CAUSES: &[Cause] = &[
    Cause::UncertainResource,
    Cause::BastionPort,
    Cause::NsgRuleDeny,
    Cause::NsgDefaultDeny,
    Cause::AdminRuleDeny,
    Cause::PublicAddressClosed,
    Cause::UdrNone,
    Cause::SystemRouteNone,
    Cause::NoRoute,
    Cause::NextHopUnreachable,
    Cause::NextHopNotForwarding,
    Cause::InvalidNextHop,
    Cause::RoutingLoop,
    Cause::PeeringNotConnected,
    Cause::PeeringNoAccess,
    Cause::SubnetPeeringOutside,
    Cause::FirewallNetworkRuleDeny,
    Cause::FirewallApplicationRuleNoMatch,
    Cause::FirewallDefaultDeny,
    Cause::FirewallNotForwarding,
    Cause::NoOutboundMethod,
    Cause::NatProtocol,
    Cause::PrivateOnlyTarget,
    Cause::OriginUnmatched,
    Cause::AddressNotInUse,
    Cause::NoBackend,
    Cause::Hairpin,
    Cause::DnsZoneShadow,
    Cause::DnsServerUnreachable,
    Cause::DnsZoneNotLinked,
    Cause::DnsLoop,
    Cause::PeNotApproved,
    Cause::ServiceEndpointPolicyDeny,
    Cause::ServiceFirewallDeny,
    Cause::PublicAccessDisabled,
    Cause::PerimeterDeny,
    Cause::ManagedNetworkDeny,
    Cause::AccessPolicyMissing,
    Cause::RbacMissingDataRole,
    Cause::RbacMissingRole,
    Cause::RbacDenyAssignment,
    Cause::AsymmetricReturn,
    Cause::ReturnNoRoute,
    Cause::NothingListens,
    Cause::FrontendPortClosed,
    Cause::GatewaySubnetRules,
    Cause::FrontDoorHostUnknown,
    Cause::FrontDoorOriginDown,
    Cause::PlatformProtocol,
    Cause::UnknownName,
    Cause::UnknownIdentity,
    Cause::UnknownServiceTag,
    Cause::DanglingReference,
    Cause::SmtpBlocked,
];

/// What a run has met.
#[derive(Default)]
pub(crate) struct Met {
    rules: BTreeSet<&'static str>,
    words: BTreeSet<&'static str>,
    causes: BTreeSet<&'static str>,
}

impl Met {
    pub(crate) fn estate(&mut self, text: &str) {
        self.words.extend(WORDS.iter().filter(|w| text.contains(**w)));
    }

    pub(crate) fn trace(&mut self, trace: &Trace) {
        self.causes.extend(trace.cause.map(Cause::code));
        let back = trace.back.iter().flat_map(|b| &b.hops);
        let steps = trace.hops.iter().chain(back).flat_map(|h| &h.steps);
        self.rules.extend(steps.flat_map(|s| &s.evidence.rules).map(|r| r.id()));
        self.rules.extend(trace.blockers.iter().flat_map(|b| &b.evidence.rules).map(|r| r.id()));
    }

    pub(crate) fn add(&mut self, other: Met) {
        self.rules.extend(other.rules);
        self.words.extend(other.words);
        self.causes.extend(other.causes);
    }

    /// What was not met.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let rules = RULES.iter().copied().filter(|r| !self.rules.contains(r));
        let words = WORDS.iter().copied().filter(|w| !self.words.contains(w));
        let causes = CAUSES.iter().map(|c| c.code()).filter(|c| !self.causes.contains(c));
        rules.chain(words).chain(causes).collect()
    }
}
