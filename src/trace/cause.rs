//! How a flow ends: dispositions, the stable causes under them, and what the caller notices.

macro_rules! named {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vmeta])* $variant),* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The words for a person.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

named! {
    /// How one trace ended, in the field's words, extended for the planes routing tools do not have.
    pub enum Disposition {
        /// Reached a machine or service of the estate, which takes it.
        Accepted = "accepted",
        /// Reached the subnet of an address that no resource of the estate holds.
        DeliveredToSubnet = "delivered to subnet",
        /// Left the estate: the internet or an on-premises network takes it.
        ExitsNetwork = "exits network",
        /// Denied on the way out of the sender's side.
        DeniedOut = "denied out",
        /// Denied on the way in at the receiver's side.
        DeniedIn = "denied in",
        /// Denied by a firewall or appliance on the way.
        DeniedInTransit = "denied in transit",
        /// No route covers the destination.
        NoRoute = "no route",
        /// A route says to drop it.
        NullRouted = "null routed",
        /// It comes back to where it was.
        Loop = "loop",
        /// The next hop cannot take it, or nothing answers at the address.
        NeighborUnreachable = "neighbor unreachable",
        /// The name gives no address.
        NameNotResolved = "name not resolved",
        /// No way to translate to a public address.
        NoOutboundMethod = "no outbound method",
        /// The private endpoint's connection carries nothing.
        NotConnected = "not connected",
        /// The service's own network rules refuse it.
        RefusedByService = "refused by service",
        /// The caller may not do this.
        NotAuthorized = "not authorized",
        /// It arrives, but the answer does not come back.
        ReturnLost = "return lost",
        /// The files do not tell enough.
        InsufficientInfo = "insufficient info",
    }
}

named! {
    /// What the caller would see.
    pub enum Noticed {
        /// It works.
        Works = "it works",
        /// Nothing comes back.
        Timeout = "timeout: nothing answers and nothing refuses",
        /// The connection is reset.
        Reset = "connection reset",
        /// A handshake succeeds and the request is then refused.
        ResetAfterHandshake = "the TCP handshake succeeds, then the connection is reset or the request refused",
        /// HTTP 403 from the service's network rules.
        Http403Network = "HTTP 403 from the service (network rules; storage says AuthorizationFailure)",
        /// The login to a SQL server fails.
        LoginRefused = "the login fails (SQL error 40615 where an address is not let in)",
        /// A service refuses in a protocol that is not HTTP.
        RefusedByService = "refused by the service, in the words of its own protocol",
        /// HTTP 403 for want of permission.
        Http403Permission = "HTTP 403 from the service (permission; storage says AuthorizationPermissionMismatch)",
        /// HTTP 502 or 503 from a proxy in front.
        Http502 = "HTTP 502 or 503 from the gateway in front",
        /// The name does not exist.
        NxDomain = "the name does not resolve (NXDOMAIN)",
        /// The look-up gets no answer.
        LookupFailed = "the look-up fails or times out (SERVFAIL)",
        /// Cannot be told.
        Untold = "cannot be told",
    }
}

/// Ports of services of Azure's that speak something else than HTTP: databases, caches, messages. Of files the
/// scenarios tell what the storage account itself says.
const OTHER_PROTOCOLS: &[u16] = &[1883, 3306, 5432, 5671, 5672, 6379, 6380, 8883, 9093, 10000, 10255];

impl Noticed {
    /// The same, in the terms of what is spoken on a port.
    pub fn on_port(self, port: u16) -> Self {
        match (self, port) {
            (Noticed::Http403Network, 1433 | 11000..=11999) => Noticed::LoginRefused,
            (Noticed::Http403Network, port) if OTHER_PROTOCOLS.contains(&port) => Noticed::RefusedByService,
            _ => self,
        }
    }
}

macro_rules! causes {
    ($($variant:ident = $code:literal, $disposition:ident, $noticed:ident, $what:literal;)*) => {
        /// Why a flow ended as it did; stable codes that `netwhy explain CODE` describes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause { $(#[doc = $what] $variant),* }

        impl Cause {
            /// Every cause.
            pub const ALL: &'static [Cause] = &[$(Cause::$variant),*];

            /// The code.
            pub fn code(self) -> &'static str {
                match self { $(Cause::$variant => $code),* }
            }

            /// The cause with this code, without regard to case.
            pub fn parse(text: &str) -> Option<Cause> {
                Self::ALL.iter().copied().find(|c| c.code().eq_ignore_ascii_case(text.trim()))
            }

            /// What it means.
            pub fn what(self) -> &'static str {
                match self { $(Cause::$variant => $what),* }
            }

            /// The disposition it comes under.
            pub fn disposition(self) -> Disposition {
                match self { $(Cause::$variant => Disposition::$disposition),* }
            }

            /// What the caller notices.
            pub fn noticed(self) -> Noticed {
                match self { $(Cause::$variant => Noticed::$noticed),* }
            }
        }
    };
}

causes! {
    NsgRuleDeny = "NSG_RULE_DENY", DeniedIn, Timeout, "A rule somebody wrote in a network security group denies the flow. The disposition says on which side.";
    NsgDefaultDeny = "NSG_DEFAULT_DENY", DeniedIn, Timeout, "No written rule matches and the default rule DenyAllInBound or DenyAllOutBound of the network security group denies the flow (NSG-3).";
    PublicAddressClosed = "PUBLIC_ADDRESS_CLOSED", DeniedIn, Timeout, "The public address is closed to this caller: a Standard one until a network security group of the subnet or interface is there and allows the flow (PIP-1, LB-2), one of compute nodes to all but the service's own calls (AML-6).";
    AdminRuleDeny = "ADMIN_RULE_DENY", DeniedIn, Timeout, "A security admin rule of a network manager denies the flow before any network security group is asked (SAR-2).";
    PlatformProtocol = "PLATFORM_PROTOCOL_NOT_CARRIED", DeniedOut, Timeout, "A virtual network does not carry this kind of traffic at all: multicast, broadcast, or a reserved port (PKT-8).";
    SmtpBlocked = "SMTP_MAY_BE_BLOCKED", InsufficientInfo, Timeout, "Azure may block TCP 25 to the internet by kind of subscription, whatever the rules say (NSG-20).";
    UdrNone = "UDR_NONE", NullRouted, Timeout, "A user-defined route with next hop None drops the flow (RT-16).";
    SystemRouteNone = "SYSTEM_ROUTE_NONE", NullRouted, Timeout, "A system route with next hop None covers the destination: a private range that no network in reach holds (RT-2).";
    NoRoute = "NO_ROUTE", NoRoute, Timeout, "No effective route covers the destination.";
    NextHopUnreachable = "NEXT_HOP_UNREACHABLE", NeighborUnreachable, Timeout, "The address of the next hop is not in this or a directly peered virtual network, or nothing answers there (RT-13).";
    NextHopNotForwarding = "NEXT_HOP_NOT_FORWARDING", NeighborUnreachable, Timeout, "The next hop is an interface without IP forwarding, so it drops what is not addressed to it (RT-12).";
    InvalidNextHop = "INVALID_NEXT_HOP", NeighborUnreachable, Timeout, "The route's next hop cannot be used here: a gateway that is not there or of the wrong kind (RT-15).";
    RoutingLoop = "ROUTING_LOOP", Loop, Timeout, "The flow comes back to a hop it has already left with the same header (RT-14).";
    HopLimit = "HOP_LIMIT_REACHED", Loop, Timeout, "The flow takes more hops than the limit; a real packet's time to live would end too.";
    PeeringNotConnected = "PEERING_DISCONNECTED", NeighborUnreachable, Timeout, "The peering is not Connected on both sides, so it carries nothing (PEER-1).";
    PeeringNoAccess = "PEERING_NO_ACCESS", DeniedIn, Timeout, "The peering gives no virtual network access, and no network security group is there to allow the flow all the same (PEER-5, D-18). The disposition says on which side.";
    ForwardedTrafficDropped = "FORWARDED_TRAFFIC_DROPPED", DeniedIn, Timeout, "The peering does not accept forwarded traffic and the profile takes that as a real block (PEER-6, D-2).";
    SubnetPeeringOutside = "SUBNET_NOT_IN_PEERING", DeniedOut, Timeout, "The subnet does not take part in a subnet peering: the route is there, but packets are dropped (PEER-10).";
    BasicBalancerAcrossPeering = "BASIC_LOAD_BALANCER_GLOBAL_PEERING", NeighborUnreachable, Timeout, "A Basic load balancer's frontend cannot be reached over global peering (PEER-9).";
    FirewallNetworkRuleDeny = "FIREWALL_NETWORK_RULE_DENY", DeniedInTransit, Timeout, "A network rule of Azure Firewall denies the flow (FW-5).";
    FirewallApplicationRuleDeny = "FIREWALL_APPLICATION_RULE_DENY", DeniedInTransit, ResetAfterHandshake, "An application rule of Azure Firewall denies the name (FW-5, FW-24).";
    FirewallApplicationRuleNoMatch = "FIREWALL_APPLICATION_RULE_NO_MATCH", DeniedInTransit, ResetAfterHandshake, "No network rule matches, and no application rule of Azure Firewall matches the name of this HTTP, HTTPS or SQL request, so it is denied (FW-1, FW-5, FW-24).";
    FirewallDefaultDeny = "FIREWALL_DEFAULT_DENY", DeniedInTransit, Timeout, "No rule of Azure Firewall matches; it denies by default (FW-1).";
    FirewallNotForwarding = "FIREWALL_NO_DNAT", DeniedInTransit, Timeout, "The flow is addressed to the firewall itself and no DNAT rule takes it on (FW-8).";
    NoOutboundMethod = "NO_OUTBOUND_METHOD", NoOutboundMethod, Timeout, "The route says Internet, but nothing gives the sender a public address: no NAT gateway, public address, outbound rule or default outbound access (OUT-1, OUT-4).";
    NatProtocol = "NAT_PROTOCOL_NOT_CARRIED", NoOutboundMethod, Timeout, "The outbound method does not carry this protocol: NAT gateways and default outbound access take no ICMP (NAT-3, OUT-4).";
    ServiceEndpointPolicyDeny = "SERVICE_ENDPOINT_POLICY_DENY", DeniedOut, Timeout, "A service endpoint policy of the subnet does not list the target account (SEP-1).";
    ServiceEndpointSwitched = "SERVICE_ENDPOINT_SWITCHED", NotConnected, Reset, "A service endpoint was switched on or off on the sender's subnet while the flow was open: that closes open connections to the service (SE-8).";
    SessionNotKnown = "SESSION_NOT_KNOWN", DeniedInTransit, Timeout, "The flow was open before a change and now meets a device or receiver that never saw it begin (ASYM-1).";
    DnsZoneShadow = "DNS_NXDOMAIN_ZONE_SHADOW", NameNotResolved, NxDomain, "The private zone linked to the resolving network is authoritative for the name and has no record of it; there is no public fallback (DNS-6).";
    DnsNxDomain = "DNS_NXDOMAIN", NameNotResolved, NxDomain, "Nobody holds a record of the name.";
    DnsServerUnreachable = "DNS_SERVER_UNREACHABLE", NameNotResolved, LookupFailed, "The flow to the DNS server the client uses is blocked, so no name resolves (DNS-2).";
    DnsLoop = "DNS_FORWARDING_LOOP", NameNotResolved, LookupFailed, "DNS servers forward the question in a circle (DNS-15).";
    DnsZoneNotLinked = "DNS_ZONE_NOT_LINKED", RefusedByService, Http403Network, "The name resolved to the public address because the private zone is not linked where the question is asked, and the service refuses its public endpoint (DNS-9, DNS-10).";
    PeNotApproved = "PE_CONNECTION_NOT_APPROVED", NotConnected, Timeout, "The private endpoint's connection is not Approved, so it carries nothing (PE-1).";
    PeWrongResource = "PE_OTHER_RESOURCE", RefusedByService, Http403Network, "The address belongs to a private endpoint of another resource or sub-resource, which refuses the name (PE-2, PE-3).";
    ServiceFirewallDeny = "RESOURCE_FIREWALL_DENY", RefusedByService, Http403Network, "The service's own firewall lets neither this address nor this subnet in (ST-2 and its like).";
    PublicAccessDisabled = "PUBLIC_ACCESS_DISABLED", RefusedByService, Http403Network, "The service does not answer on its public endpoint.";
    PerimeterDeny = "PERIMETER_DENY", RefusedByService, Http403Network, "The network security perimeter in enforced mode has no rule that lets the caller in (NSP-1).";
    RbacMissingDataRole = "RBAC_MISSING_DATA_ROLE", NotAuthorized, Http403Permission, "The caller has no role with the data action it needs (RBAC-1, RBAC-3).";
    RbacMissingRole = "RBAC_MISSING_ROLE", NotAuthorized, Http403Permission, "The caller has no role with the control-plane action it needs (RBAC-1).";
    RbacDenyAssignment = "RBAC_DENY_ASSIGNMENT", NotAuthorized, Http403Permission, "A deny assignment takes the action away, whatever roles grant (RBAC-1).";
    AccessPolicyMissing = "KEY_VAULT_ACCESS_POLICY_MISSING", NotAuthorized, Http403Permission, "The key vault decides by access policies and has none for the caller.";
    AsymmetricReturn = "ASYMMETRIC_RETURN", ReturnLost, Timeout, "The answer takes a way that misses a stateful device of the way there, or meets one that never saw the request (ASYM-1 to ASYM-6).";
    ReturnNoRoute = "RETURN_NO_ROUTE", ReturnLost, Timeout, "The answer finds no way back (PKT-6).";
    NoBackend = "NO_BACKEND", NeighborUnreachable, Timeout, "The load balancer or gateway has no backend that could take the flow.";
    ProbeDown = "PROBE_DENIED", NeighborUnreachable, Timeout, "Health probes from 168.63.129.16 are denied at the backend, or not answered there, so it gets no new flows (LB-1, LB-4, PLAT-6).";
    Hairpin = "LOAD_BALANCER_HAIRPIN", NeighborUnreachable, Timeout, "A backend calls its own internal frontend and is chosen itself (LB-5).";
    FrontendPortClosed = "FRONTEND_PORT_CLOSED", NeighborUnreachable, Timeout, "No rule of the load balancer, gateway or firewall listens on this address and port.";
    BastionPort = "BASTION_PORT_NOT_OFFERED", DeniedOut, Untold, "Azure Bastion opens sessions to port 22 or 3389; to other ports from the Standard SKU up only (BAS-1).";
    NothingListens = "NOTHING_LISTENS", NeighborUnreachable, Reset, "The target does not answer on this port.";
    AddressNotInUse = "ADDRESS_NOT_IN_USE", NeighborUnreachable, Timeout, "No resource of the estate holds the address inside the virtual network.";
    PrivateOnlyTarget = "NOT_REACHABLE_FROM_THERE", NoRoute, Timeout, "The address is private and cannot be reached from where the flow starts.";
    NoCommonFamily = "NO_COMMON_ADDRESS_FAMILY", NoRoute, Timeout, "Sender and destination have no address of the same family: one has IPv4 only and the other IPv6 only, and nothing in Azure translates between the two.";
    FrontDoorHostUnknown = "FRONT_DOOR_HOST_NOT_SERVED", RefusedByService, Http502, "No endpoint, domain or route of the Front Door profile serves the name (AFD-1).";
    FrontDoorOriginDown = "FRONT_DOOR_ORIGIN_UNREACHABLE", NeighborUnreachable, Http502, "Front Door cannot reach any origin of the route.";
    GatewaySubnetRules = "GATEWAY_SUBNET_BLOCKED", NeighborUnreachable, Http502, "The application gateway's own subnet lacks rules or routes it needs, so it is unhealthy (NSG-25, RT-36, AGW-2).";
    ManagedNetworkDeny = "MANAGED_NETWORK_DENY", DeniedOut, Timeout, "The managed virtual network allows only approved outbound, and no rule approves this (AML-5).";
    DeploymentEgressDisabled = "DEPLOYMENT_EGRESS_DISABLED", DeniedOut, Timeout, "The deployment is isolated by its own switch (egressPublicNetworkAccess Disabled): it reaches the workspace, its storage and its registry alone (AML-5).";
    OriginUnmatched = "INBOUND_NOT_PUBLISHED", NeighborUnreachable, Timeout, "The target has no public address and nothing in front publishes it.";
    ServiceCannotInitiate = "PRIVATE_ENDPOINT_ONE_WAY", NoRoute, Timeout, "A service cannot open flows through a private endpoint (PE-4).";
    UnknownServiceTag = "UNKNOWN_SERVICE_TAG", InsufficientInfo, Untold, "A rule or route that would decide names a service tag whose prefixes are not in the table in use.";
    UnknownValue = "UNKNOWN_VALUE", InsufficientInfo, Untold, "A property that would decide cannot be known from the files.";
    UnsupportedResource = "UNSUPPORTED_RESOURCE", InsufficientInfo, Untold, "The flow meets a resource of a type that is not modelled.";
    DanglingReference = "DANGLING_REFERENCE", InsufficientInfo, Untold, "Something that would decide is in none of the files.";
    UnknownName = "UNKNOWN_NAME", InsufficientInfo, Untold, "Whether and how the name resolves cannot be known from the files.";
    UnknownIdentity = "UNKNOWN_IDENTITY", InsufficientInfo, Untold, "The caller's identity or a role it needs cannot be known from the files.";
    UncertainResource = "UNCERTAIN_RESOURCE", InsufficientInfo, Untold, "Whether a resource that would decide exists depends on a value that is not known.";
    Intermittent = "INTERMITTENT", InsufficientInfo, Untold, "Microsoft documents this set-up as working at times.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_found_again() {
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(&cause.code().to_lowercase()), Some(*cause));
        }
    }
}
