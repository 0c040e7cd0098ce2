//! Virtual network peering.

rules! { after super::outbound::END;
    PEER_1 "PEER-1" A PEERING: "A peering carries traffic only with both of its links present and Connected. \
        A single link is Initiated; when one is deleted the other becomes Disconnected.";
    PEER_2 "PEER-2" A PEERING: "Peering is not transitive: A with B and B with C do not join A and C. \
        Transit takes routes to an appliance in B, in both directions.";
    PEER_3 "PEER-3" A PEERING: "Peered address spaces must be free of overlap; subnet peering asks less \
        (PEER-10).";
    PEER_4 "PEER-4" C REST: "Once address space changes, a link shows its sync level: FullyInSync, \
        LocalNotInSync, RemoteNotInSync or LocalAndRemoteNotInSync. Prefixes not yet synced are not routed \
        (general knowledge).";
    PEER_5 "PEER-5" A PEERING: "allowVirtualNetworkAccess, true by default, decides on the link from X to Y \
        only whether Y's space is in X's VirtualNetwork tag. Set to false it keeps the routes and every \
        explicit allow; the default rules then deny. Where no NSG exists the traffic still flows (inferred; \
        before 2024 the platform dropped it, as recorded in 2018 with both links closed: knob \
        peeringAccessMode, D-18).";
    PEER_6 "PEER-6" A PEERING: "allowForwardedTraffic on the link from X to Y admits into X packets that \
        come from Y but began elsewhere; the portal leaves it off. In mode tagOnly, the default, off means \
        forwarded sources are not in X's VirtualNetwork tag unless a user-defined route or gateway prefix \
        adds them: default rules deny, while an explicit allow, or having no NSG, admits them and a warning \
        is given. Mode platformDrop drops them, as older pages say (knob forwardedTrafficMode, D-2).";
    PEER_7 "PEER-7" A PEERING: "To share a gateway or Route Server the hub's link needs allowGatewayTransit \
        and the spoke's useRemoteGateways. The spoke has no gateway of its own and sets the flag on one link \
        only. This works over local and global peering.";
    PEER_8 "PEER-8" A PEERING: "Unless both flags of PEER-7 are set the spoke gets no routes to on-premises, \
        and its own prefixes are not announced by the gateway.";
    PEER_9 "PEER-9" A PEERING: "Over global peering a Basic load balancer's frontend, internal or public, \
        cannot be reached; a Standard one can. Peering between clouds does not exist.";
    PEER_10 "PEER-10" A SUBNET_PEERING: "Subnet peering (peerCompleteVnets = false with local and remote \
        subnet names, optionally IPv6 only) joins subnets, each of which must be unique and in an address \
        space that occurs once. A pair of VNets has one link, of fixed type, with at most 200 subnets. As \
        documented, local subnets left out still have the route but their packets are dropped. Over a mesh \
        on the same pair the subnet peering wins.";
    PEER_11 "PEER-11" A PEERING: "Host names that Azure gives do not resolve from a peered VNet; private \
        zones or custom DNS do that.";
    PEER_12 "PEER-12" A PEERING: "Point-to-site clients lack the route to a VNet peered later until they \
        download their profile again.";
    PEER_13 "PEER-13" A PEERING: "IPsec policies and traffic selectors on-premises must contain the spokes' \
        prefixes.";
    PEER_14 "PEER-14" B PE_OVERVIEW: "A private endpoint in a peered VNet can be used across the peering, \
        local or global, and by on-premises clients through a gateway.";
}
