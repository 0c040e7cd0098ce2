//! Where the documents contradict each other or are silent, and what is assumed meanwhile.

/// A point on which the documents disagree or say nothing.
#[derive(Clone, Copy, Debug)]
pub struct Doubt {
    /// `D-1` and so on.
    pub id: &'static str,
    /// What is open, and between which statements.
    pub says: &'static str,
    /// The field of the engine profile that flips the assumption, where there is one.
    pub knob: Option<&'static str>,
    /// What is assumed unless told otherwise; for a knob, its value first.
    pub default: &'static str,
}

impl Doubt {
    /// The doubt with this id in any case, with or without its dash.
    pub fn find(text: &str) -> Option<&'static Self> {
        let (family, number) = super::split(text);
        DOUBTS.iter().find(|doubt| family.eq_ignore_ascii_case("D") && super::split(doubt.id).1 == number)
    }
}

/// Every doubt, by number.
pub const DOUBTS: &[Doubt] = &[
    Doubt {
        id: "D-1",
        says: "Does an explicit network deny stop traffic that a DNAT rule translated? The rule processing \
               page of 2026 says translated traffic is allowed and not put to network rules (FW-8); an older \
               copy and the FAQ say the deny overrides.",
        knob: Some("dnatThenNetworkDeny"),
        default: "false: a network deny does not stop it",
    },
    Doubt {
        id: "D-2",
        says: "What do the peering flags do (PEER-5, PEER-6)? The current page says that \
               allowVirtualNetworkAccess and allowForwardedTraffic only change the VirtualNetwork tag; an \
               older page and the SDK describe real blocking, and the SDK reads as if allowForwardedTraffic \
               governed local to remote where the portal names the receiving VNet. Which prefixes the tag \
               gains when forwarded traffic is allowed is not documented. For the first flag see D-18.",
        knob: Some("forwardedTrafficMode"),
        default: "tagOnly: the flag on the receiver's link changes the tag and nothing else",
    },
    Doubt {
        id: "D-3",
        says: "Does every user-defined prefix enter VirtualNetwork (TAG-1, TAG-2), those with next hop None \
               or Internet and tag routes too, or only appliance and gateway ones? The page makes no \
               distinction; field evidence is about 0.0.0.0/0 to an appliance. And does Internet shrink when \
               VirtualNetwork holds 0.0.0.0/0?",
        knob: Some("udrPrefixesInVirtualNetworkTag"),
        default: "all user-defined prefixes enter the tag; Internet stays as it is",
    },
    Doubt {
        id: "D-4",
        says: "Can a user-defined route override a service endpoint's (RT-23)? The newest text says not even \
               a route table can; some Microsoft workshop material says it can, for instance by a route for \
               the same tag.",
        knob: Some("serviceEndpointRouteOverridable"),
        default: "false: service endpoint routes always win",
    },
    Doubt {
        id: "D-5",
        says: "Which public IP does a new outbound flow get when a subnet has a NAT gateway and the NIC an \
               IP of its own (OUT-1)? The NAT gateway page of 2026 puts the gateway first, the load balancer \
               page of 2022 the NIC's IP.",
        knob: None,
        default: "the NAT gateway, as in the newer page",
    },
    Doubt {
        id: "D-6",
        says: "When a firewall or appliance in the storage account's region SNATs for clients elsewhere, is \
               that a request from the same region, for which IP rules do nothing (ST-4)? The page speaks of \
               where requests originate. A live test is wanted.",
        knob: None,
        default: "the SNAT device is the origin, so IP rules do nothing",
    },
    Doubt {
        id: "D-7",
        says: "Does threat intelligence come before DNAT (FW-2)? It is documented as first, ahead of network \
               and application rules, without a word on DNAT.",
        knob: None,
        default: "threat intelligence comes first of all",
    },
    Doubt {
        id: "D-8",
        says: "Are security admin rules evaluated at both ends of a flow inside a VNet, and are they \
               stateful (SAR-11)?",
        knob: Some("adminRulesStateful"),
        default: "true: stateful, and evaluated at both ends",
    },
    Doubt {
        id: "D-9",
        says: "The API has disablePeeringRoute, hasBgpOverride and VirtualApplianceEcmp (RT-10, RT-19); no \
               page was found that describes their behaviour.",
        knob: None,
        default: "taken at the word of the API descriptions",
    },
    Doubt {
        id: "D-10",
        says: "How many routes a table (400, 600 or 1,000) and peerings a VNet (500 or 1,000) may have \
               today: the sources differ, and the live limits page decides.",
        knob: None,
        default: "400 routes and 500 peerings",
    },
    Doubt {
        id: "D-11",
        says: "Is VirtualNetwork, in an NSG applied to a private endpoint, computed as for a NIC of its \
               subnet?",
        knob: None,
        default: "yes, as for a NIC",
    },
    Doubt {
        id: "D-12",
        says: "Effective route tables of real subnets list more None prefixes than RT-2 does (127.0.0.0/8, \
               198.18.0.0/15, some ranges of Microsoft's own); no page lists them (RT-3).",
        knob: Some("extraNoneRoutes"),
        default: "empty: only the four documented prefixes",
    },
    Doubt {
        id: "D-13",
        says: "Does a deny added to an NSG end flows already open? The page now says existing flows are not \
               affected (NSG-13); older descriptions of flow timeouts differ.",
        knob: None,
        default: "existing flows go on",
    },
    Doubt {
        id: "D-14",
        says: "Does a 0.0.0.0/0 learnt by BGP (Virtual WAN, forced tunnelling) remove the None routes \
               (RT-3b)? The page says so of a user-defined one whatever its next hop (RT-3a). Were it not \
               so, spokes of a secured Virtual WAN could not reach private ranges by 0.0.0.0/0 alone, though \
               the hub also sends the RFC 1918 aggregates.",
        knob: Some("bgpDefaultRemovesNoneRoutes"),
        default: "true: it removes them as well",
    },
    Doubt {
        id: "D-15",
        says: "The default rules are spelt differently in pages and API output: AllowVNetInBound in the one, \
               AllowVnetInBound and DenyAllInBound in the other (NSG-3).",
        knob: None,
        default: "names are compared without regard to case",
    },
    Doubt {
        id: "D-16",
        says: "Not studied: details of IPv6, virtual network routing appliance, VNet encryption, chaining \
               with Gateway Load Balancer, cross-region load balancer, routing of App Service and Functions \
               VNet integration, AKS overlay, API Management, SQL Managed Instance, NAT of Private Link \
               Service, ExpressRoute Microsoft peering, DDoS protection.",
        knob: None,
        default: "no rules are given for these",
    },
    Doubt {
        id: "D-17",
        says: "May one NSG rule hold several application security groups (NSG-11)? The overview says no; the \
               limits page allows 10 per rule and the API field is a list.",
        knob: None,
        default: "yes, lists are accepted",
    },
    Doubt {
        id: "D-18",
        says: "Does a peering without allowVirtualNetworkAccess drop traffic where no NSG is (PEER-5)? The \
               page says the flag only changes the VirtualNetwork tag and no more. A connectivity check \
               recorded in 2018 between two VNets without any NSG was Reachable with the flag on and \
               Unreachable with it off on both links, which is what the pages of that time say. A recording \
               is asked again as of its own day.",
        knob: Some("peeringAccessMode"),
        default: "byDate: tagOnly since 2024, the wording of today; platformDrop before, where an end \
                  without NSG drops what its own link gives no access to",
    },
    Doubt {
        id: "D-19",
        says: "Is 172.16.0.0/12 among the None routes (RT-2)? The text of the page lists it; the tables of \
               its own example and those recorded up to 2021 do not, later ones do.",
        knob: Some("noneRoutes"),
        default: "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10",
    },
    Doubt {
        id: "D-20",
        says: "Does a private endpoint for one sub-resource make the names of the others aliases too? The page \
               speaks of the public name of a resource that gets a connection (DNS-5) and says that an \
               endpoint for blob does nothing for dfs, file or queue (PE-2). It matters where a zone for the \
               other sub-resource is linked.",
        knob: Some("privatelinkAliasPerSubResource"),
        default: "each name by an endpoint for its own sub-resource",
    },
];
