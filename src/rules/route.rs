//! Routes and asymmetric paths.

rules! { after super::admin::END;
    RT_1 "RT-1" B UDR: "Each packet follows the route table of the subnet it is sent from, chosen by its \
        destination address and nothing else.";
    RT_2 "RT-2" B UDR: "System routes every subnet starts with: each prefix of the VNet to VnetLocal, \
        0.0.0.0/0 to Internet, and 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and 100.64.0.0/10 to None.";
    RT_3 "RT-3" B UDR: "If a VNet prefix equals one of the None prefixes, that route becomes VnetLocal; if \
        it is another prefix containing one, the None route goes. A longer VNet prefix leaves the None route \
        and wins as the longer match. Real tables list more None prefixes, held in the knob extraNoneRoutes \
        (last two sentences not documented, D-12).";
    RT_3A "RT-3a" B UDR: "A user-defined 0.0.0.0/0 deletes the None routes 10.0.0.0/8, 192.168.0.0/16 and \
        100.64.0.0/10 of its subnet (172.16.0.0/12 is taken along, inferred). So with a single 0.0.0.0/0 to \
        an appliance unknown private destinations go there instead of being dropped, and that is what makes \
        hub-and-spoke with one route work.";
    RT_3B "RT-3b" E UDR: "A 0.0.0.0/0 learnt by BGP is taken to delete the None routes as a user-defined one \
        does; the page speaks only of the latter. Knob bgpDefaultRemovesNoneRoutes, default true (D-14).";
    RT_4 "RT-4" B UDR: "System routes exist for prefixes of the VNet, never for prefixes of a subnet.";
    RT_5 "RT-5" B UDR: "A direct peering puts the peer's prefixes into every subnet, next hop VNetPeering, \
        or GlobalVNetPeering to another region. Subnet peering differs (PEER-10).";
    RT_6 "RT-6" B UDR: "Gateway routes, static from a local network gateway or learnt by BGP, have source \
        and next hop VirtualNetworkGateway. They go to every subnet of the VNet that has the gateway and of \
        VNets that use it remotely, save those whose route table sets disableBgpRoutePropagation = true, \
        which keeps out the static ones as well.";
    RT_7 "RT-7" B UDR: "A service endpoint adds the public prefixes of its service, next hop \
        VirtualNetworkServiceEndpoint, to the subnet it is enabled on and to no other.";
    RT_8 "RT-8" A PE_INSPECT: "A private endpoint gives its VNet and those peered directly with it a /32 \
        system route, but none further away. Tools show the next hop as InterfaceEndpoint (that name is \
        general knowledge).";
    RT_9 "RT-9" B UDR: "A subnet has at most one route table; a table may serve many subnets, in several \
        VNets too.";
    RT_10 "RT-10" B UDR: "A user-defined route's next hop is VirtualAppliance with an IP, \
        VirtualNetworkGateway, VnetLocal, Internet or None, in newer APIs also VirtualApplianceEcmp with 2 \
        to 64 IPs. VNetPeering, ServiceEndpoint and InterfaceEndpoint cannot be set by hand.";
    RT_11 "RT-11" B UDR: "A VirtualAppliance hop takes a private address: that of a NIC, or of a frontend on \
        an internal load balancer; Azure Firewall's private IP counts as one.";
    RT_12 "RT-12" B UDR: "To pass on packets meant for others an appliance needs enableIPForwarding = true \
        on its NIC and forwarding in its guest; without the flag they are dropped at the NIC. Azure Firewall \
        and internal load balancer frontends need no flag (inferred).";
    RT_13 "RT-13" B UDR: "The next-hop IP must lie in the same VNet or a peered one. If it can be reached \
        only over an ExpressRoute gateway or Virtual WAN, the route is invalid and its traffic is lost.";
    RT_14 "RT-14" B UDR: "An appliance in a subnet whose own table points at it makes a loop. That is \
        reported as a loop, not as a timeout.";
    RT_15 "RT-15" B UDR: "VirtualNetworkGateway as a user-defined next hop works with a VPN gateway only: \
        not with ExpressRoute, nor where VPN and ExpressRoute exist side by side.";
    RT_16 "RT-16" B UDR: "None drops the packet, VnetLocal delivers it within the VNet, and Internet sends \
        it out by the subnet's outbound method (RT-30, OUT-1).";
    RT_17 "RT-17" B UDR: "The prefix of a user-defined route may be a service tag, in at most 25 routes of a \
        table. When prefixes coincide the order is explicit prefix, regional tag, top-level tag, \
        AzureCloud.REGION, AzureCloud.";
    RT_18 "RT-18" B UDR: "A user-defined route for the VNet's prefix to an appliance also takes traffic \
        between NICs of one subnet. A further route for the subnet's prefix to VnetLocal exempts it.";
    RT_19 "RT-19" C REST: "The newest API has disablePeeringRoute (None or All) on tables, which removes \
        peering routes, and hasBgpOverride on routes, read-only here, which puts a route ahead of \
        overlapping BGP routes of any length. Both are read; no more of their behaviour is known (D-9).";
    RT_20 "RT-20" B UDR: "The longest matching prefix wins. Between equal prefixes user-defined beats BGP \
        and BGP beats system.";
    RT_21 "RT-21" B UDR: "Among routes of one prefix the winner is listed as Active and the rest as Invalid. \
        A route that loses only to a longer prefix stays Active.";
    RT_22 "RT-22" B UDR: "First exception to RT-20: a system route of the VNet, a peering or a service \
        endpoint that matches the destination beats BGP routes, longer ones included. In effect all BGP \
        candidates are set aside before RT-20 is applied.";
    RT_23 "RT-23" A UDR_LATER: "Second exception: a route table cannot override the routes of a service \
        endpoint. Knob serviceEndpointRouteOverridable, default false (D-4).";
    RT_24 "RT-24" B PE_POLICY: "Third exception, a private endpoint's /32. While its subnet's policy is \
        Disabled or NetworkSecurityGroupEnabled only a user-defined /32 beats it. With Enabled or \
        RouteTableEnabled any user-defined route does whose prefix is as long as, or longer than, the \
        address space entry of the endpoint's VNet that contains it; a shorter one, such as 0.0.0.0/0, does \
        not. Policy of the endpoint's subnet, routes of the client's.";
    RT_24A "RT-24a" B UDR: "Check: VNet 10.0.0.0/16; peers 10.1.0.0/16, 10.2.0.0/16; on-premises \
        10.10.0.0/16; Subnet1 has a service endpoint and routes 10.0.0.0/16, 10.10.0.0/16, 0.0.0.0/0 to the \
        appliance 10.0.100.4, 10.0.0.0/24 to VnetLocal, 10.1.0.0/16 and 10.2.0.0/16 to None. Subnet1: these \
        six and the endpoint's Active; system 10.0/16, 10.1/16, 10.2/16, gateway 10.10/16 and 0/0 Internet \
        Invalid; no system None routes. Subnet2, no table, all Active: 10.0/16 VnetLocal, peerings, gateway, \
        0/0 Internet, None for 10/8, 100.64/10, 192.168/16.";
    RT_24B "RT-24b" E UDR: "Choosing a route: (1) build the table without None routes lost to RT-3a, gateway \
        routes kept out by RT-6, /32s beaten under RT-24; (2) keep what matches; (3) a service endpoint \
        route wins at once (knob serviceEndpointRouteOverridable); (4) a VnetLocal, peering or \
        ConnectedGroup system route removes BGP routes; (5) longest prefix, then user, BGP, system, and \
        among user routes explicit prefix before tags (RT-17); (6) equals form an ECMP set; (7) with nothing \
        left, drop as UserDefinedRoute (NW-6).";
    RT_25 "RT-25" E UDR: "There are no further exceptions. A peering's 10.1.0.0/16 is out of reach for a \
        user-defined 10.0.0.0/8 to a firewall; a user-defined /16 loses to a /24 from BGP; a user-defined \
        0.0.0.0/0 takes none of the longer prefixes of service endpoints, VNet, peerings or gateway.";
    RT_26 "RT-26" A PEERING: "Between VNets joined by a peering as well as by gateways, traffic takes the \
        peering.";
    RT_27 "RT-27" B ROUTE_SERVER: "Equal BGP routes from Route Server or gateway instances share traffic \
        flow by flow. A table holds each prefix once, so user-defined routes do not share unless by \
        VirtualApplianceEcmp. Every member is followed and the worst outcome reported.";
    RT_30 "RT-30" B UDR: "Traffic to the public IP of an Azure service, in any region, keeps to Microsoft's \
        backbone although its next hop is Internet, and it still needs an outbound method (OUT-1).";
    RT_31 "RT-31" B UDR: "A 0.0.0.0/0 to an appliance or gateway takes whatever nothing else matches, public \
        IPs of Azure services without a service endpoint included.";
    RT_32 "RT-32" B UDR: "With 0.0.0.0/0 overridden so, a NIC's public IP can no longer be reached from the \
        internet, because the reply goes to the appliance (ASYM-1).";
    RT_33 "RT-33" B UDR: "A 0.0.0.0/0 learnt by BGP beats the system one and loses to a user-defined one.";
    RT_34 "RT-34" B UDR: "GatewaySubnet may have no user-defined 0.0.0.0/0 and must keep route propagation, \
        or its gateway fails. Traffic from on-premises to spokes is inspected by routes there for the spoke \
        prefixes to the appliance. A route over GatewaySubnet's own prefix that drops (None, or an appliance \
        that does) stops a gateway from being created.";
    RT_35 "RT-35" B FIREWALL_FAQ: "AzureFirewallSubnet must reach the internet directly: a 0.0.0.0/0 learnt \
        by BGP has to be overridden there by a user-defined one to Internet, unless the firewall was created \
        for forced tunnelling.";
    RT_36 "RT-36" B AGW_SUBNET: "On the subnet of an Application Gateway v2 without network isolation \
        0.0.0.0/0 may not lead to an appliance or on-premises; 0.0.0.0/0 to Internet and switching \
        propagation off are allowed.";

    ASYM_1 "ASYM-1" B INTEGRATE_LB: "A stateful device (Azure Firewall, appliance, NAT) that meets a reply \
        without having seen its request drops it.";
    ASYM_2 "ASYM-2" B INTEGRATE_LB: "In by a public load balancer or ILPIP and out by 0.0.0.0/0 to Azure \
        Firewall: the firewall has no session for the reply and drops it. Bring traffic in by the firewall's \
        DNAT and route its public IP, a /32, to Internet, or put an internal load balancer behind the DNAT.";
    ASYM_3 "ASYM-3" B INTEGRATE_LB: "An internal load balancer behind the firewall's DNAT stays symmetric.";
    ASYM_4 "ASYM-4" A PE_INSPECT: "When network rules pass a client's traffic to a private endpoint, the \
        endpoint may answer past the firewall. SNAT restores symmetry; application rules always do it.";
    ASYM_5 "ASYM-5" E INTEGRATE_LB: "One spoke routes to the other by the firewall and the other replies \
        directly: the SYN passes, the SYN/ACK goes around, and the firewall drops what follows of a session \
        it saw half of. Verdict: blocked, asymmetric.";
    ASYM_6 "ASYM-6" E INTEGRATE_LB: "The same fault arises when spokes reach on-premises through the \
        firewall but GatewaySubnet has no route that brings traffic for the spokes to it.";
}
