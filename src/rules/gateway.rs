//! Gateways, Route Server, Virtual WAN.

rules! { after super::peering::END;
    GW_1 "GW-1" B LIMITS: "A VNet has at most one VPN gateway and one ExpressRoute gateway.";
    GW_2 "GW-2" B COEXISTENCE: "For one and the same prefix ExpressRoute is preferred to site-to-site VPN; a \
        longer prefix decides before that.";
    GW_3 "GW-3" B UDR: "ExpressRoute always runs BGP. A VPN connection runs BGP or uses the static prefixes \
        of its local network gateway.";
    GW_4 "GW-4" A PEERING: "Spokes reach each other through a VPN gateway only by user-defined routes with \
        next hop VirtualNetworkGateway; an ExpressRoute gateway cannot serve so.";
    GW_5 "GW-5" B FASTPATH: "FastPath carries on-premises traffic to VMs past the ExpressRoute gateway. \
        Routes on GatewaySubnet, peered VNets and private endpoints are honoured only in some ExpressRoute \
        Direct cases, and never a private endpoint in a spoke. Traffic for Basic internal load balancers and \
        DNS Private Resolver goes back to the gateway or is unsupported.";
    GW_6 "GW-6" B SERVICE_ENDPOINTS: "Service endpoints are of no use to on-premises clients. They reach \
        platform services over the gateway by private endpoint, or by public IP with IP rules, which for \
        Microsoft peering name its NAT addresses.";
    GW_7 "GW-7" B COEXISTENCE: "A VPN gateway's public IP may be learnt over Microsoft peering; tunnels \
        meant as backup must be kept on the internet.";
    GW_8 "GW-8" A VPN_FAQ: "A privatelink.blob.core.windows.net zone linked where a VPN gateway lives can \
        break it, since its own storage then resolves to NXDOMAIN, unless the link has fallback on.";
    GW_9 "GW-9" A VPN_FAQ: "Point-to-site clients connected to the same gateway are not isolated from one \
        another.";
    GW_10 "GW-10" K PEERING_OVERVIEW: "VNets linked to one ExpressRoute circuit can talk over that circuit. \
        If they are peered as well the peering carries the traffic (from a 2016 page).";
    GW_11 "GW-11" K ER_FAQ: "Private peering drops its BGP session above 4,000 routes (10,000 with Premium). \
        Between circuits the longest prefix decides, then connection weight and AS-path prepending.";

    RS_1 "RS-1" B ROUTE_SERVER: "Route Server only talks BGP with appliances. Data goes straight between VM \
        and appliance and never through it.";
    RS_2 "RS-2" B ROUTE_SERVER: "What it learns is written to its VNet and to peered VNets that use the \
        remote gateway or Route Server.";
    RS_3 "RS-3" B ROUTE_SERVER: "When several appliances announce a prefix the shortest AS path wins; equal \
        paths are shared by ECMP on the VM's host.";
    RS_4 "RS-4" B ROUTE_SERVER: "Its routes cannot divert traffic between subnets of a VNet, nor to a VNet \
        peered directly (RT-22).";
    RS_5 "RS-5" B ROUTE_SERVER: "A route known from ExpressRoute and from VPN or SD-WAN is taken from \
        ExpressRoute by default. The preference is ExpressRoute, VpnGateway or ASPath.";
    RS_6 "RS-6" B ROUTE_SERVER: "ExpressRoute and site-to-site VPN reach each other only with \
        branch-to-branch on; ExpressRoute and point-to-site never do.";
    RS_7 "RS-7" B ROUTE_SERVER: "Routes with the community NO_ADVERTISE are not announced further. Route \
        Servers in two peered VNets make no transit between them.";

    VWAN_1 "VWAN-1" A HUB_ROUTING: "A connection is associated with one hub route table, which says what it \
        reaches, and propagates to any number of tables or labels, whose users reach it. By default both are \
        the Default table; propagating to the None table means to nowhere.";
    VWAN_2 "VWAN-2" A HUB_ROUTING: "Branches (site-to-site, point-to-site, ExpressRoute) are all associated \
        with Default and all propagate to one common set.";
    VWAN_3 "VWAN-3" A HUB_ROUTING: "A label stands for tables in several hubs; the label Default for the \
        Default tables of all of them, and it applies where none is given.";
    VWAN_4 "VWAN-4" A HUB_ROUTING: "In a hub a static route beats a dynamic one of the same prefix. Static \
        routes are not handed to other hubs.";
    VWAN_5 "VWAN-5" A HUB_ROUTING: "0.0.0.0/0 stays in the hub where it arose.";
    VWAN_6 "VWAN-6" A HUB_ROUTING: "A route from the hub must be shorter than the spoke's own prefix to be \
        programmed there, so the hub cannot draw traffic between subnets of one VNet.";
    VWAN_7 "VWAN-7" B HUB_PREFERENCE: "A hub chooses by longest prefix, static over BGP, then its \
        preference. ExpressRoute (default): local hub over remote; among local ones ExpressRoute over VPN, \
        among remote ones VPN over ExpressRoute; AS path. VPN: local, VPN, AS path. ASPath: AS path, local, \
        then ExpressRoute over VPN if local and the reverse if remote. What still ties is ECMP.";
    VWAN_8 "VWAN-8" A ROUTING_INTENT: "A hub has at most one Internet and one Private routing policy, each \
        with one next hop: Azure Firewall, a firewall appliance or a SaaS service. Private takes all traffic \
        of branches and VNets, between hubs too; Internet announces 0.0.0.0/0 to local connections that have \
        internet security on.";
    VWAN_9 "VWAN-9" A ROUTING_INTENT: "Under a Private policy every connection is associated with Default \
        and propagates to None. Private means the three RFC 1918 aggregates and the prefixes listed beside \
        them; other private ranges bypass the policy unless listed (inferred).";
    VWAN_10 "VWAN-10" A ROUTING_INTENT: "Private traffic between two hubs with intent crosses both \
        firewalls. Internet traffic leaves by the firewall of its own hub; a hub without one gets none from \
        a neighbour.";
    VWAN_11 "VWAN-11" A ROUTING_INTENT: "With routing intent there can be no custom route tables and no \
        static routes on VNet connections.";
    VWAN_12 "VWAN-12" A ROUTING_INTENT: "Route tables of spokes must keep gateway propagation on, or the \
        spoke does not learn the hub's routes.";
    VWAN_13 "VWAN-13" A ROUTING_INTENT: "Transit between two ExpressRoute circuits takes Global Reach, or \
        routing intent with the ability enabled by support.";
    VWAN_14 "VWAN-14" A ROUTING_INTENT: "With intent, the VNets connected directly to a hub may have at most \
        600 address spaces.";
    VWAN_15 "VWAN-15" A NAT_LIMITS: "A Virtual WAN hub does not support NAT gateway.";
}
