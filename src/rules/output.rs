//! Vocabulary of Network Watcher and of the network verifier.

rules! { after super::access::END;
    NW_1 "NW-1" A IP_FLOW: "IP flow verify checks one NIC for TCP or UDP against NSGs and security admin \
        rules, not routes or firewalls. In: targetResourceId, direction, protocol, localPort, remotePort, \
        localIPAddress, remoteIPAddress. Out: access (Allow or Deny) and ruleName.";
    NW_2 "NW-2" A TROUBLESHOOT: "NSG diagnostics gives for each NSG evaluated: networkSecurityGroupId, \
        appliedTo (id of NIC or subnet), matchedRule with ruleName and action, and rulesEvaluationResult, a \
        list of name, protocolMatched, sourceMatched, sourcePortMatched, destinationMatched, \
        destinationPortMatched. The whole carries securityRuleAccessResult.";
    NW_3 "NW-3" A NEXT_HOP: "Next hop gives nextHopType, nextHopIpAddress, routeTableId (System Route when \
        not user-defined). Types on the page: Internet, VirtualAppliance, VirtualNetworkGateway, \
        VirtualNetwork, VirtualNetworkPeering, VirtualNetworkServiceEndpoint, MicrosoftEdge, None; in the \
        SDK: Internet, VirtualAppliance, VirtualNetworkGateway, VnetLocal, HyperNetGateway, \
        VirtualApplianceEcmp, None. Output maps between the two.";
    NW_4 "NW-4" C REST: "An effective route has name, source (Default, User, VirtualNetworkGateway, \
        Unknown), state (Active, Invalid), a list addressPrefix, nextHopType, a list nextHopIpAddress, and \
        disableBgpRoutePropagation.";
    NW_5 "NW-5" A TROUBLESHOOT: "Connection troubleshoot: ConnectionStatus (page: Reachable, Unreachable; \
        API: Connected, Disconnected, Degraded, Unknown), latencies, ProbesSent/Failed, Hops (Type Source, \
        VirtualAppliance, VnetLocal, Internet; Id, Address, ResourceId, NextHopIds, Issues). Issue: Origin \
        Local, Inbound, Outbound; Severity Error, Warning; Type Unknown, AgentStopped, GuestFirewall, \
        DnsResolution, SocketBind, NetworkSecurityRule, UserDefinedRoute, PortThrottled, Platform (page also \
        CPU, Memory); Context, e.g. RuleName. Port: Unknown, Reachable, Unstable, NoConnection, Timeout.";
    NW_6 "NW-6" A TROUBLESHOOT: "Issue type UserDefinedRoute stands for a drop by any route, a system route \
        too.";
    NW_7 "NW-7" A VERIFIER: "The network verifier takes sourceResourceId, destinationResourceId and \
        ipTraffic (sourceIps, destinationIps, sourcePorts, destinationPorts, protocols) and returns path and \
        blockers as JSON: static, forward path only; a subnet needs a running VM. It covers NSG, ASG, admin \
        rules, mesh, peering, route tables, service endpoints with ACLs, private endpoints, Virtual WAN, and \
        Azure Firewall at layer 4; not DNS, application rules, service authorization or the return path.";
    NW_8 "NW-8" E TROUBLESHOOT: "Issue types unknown to Azure carry the prefix x-, so that readers can tell: \
        x-AsymmetricRoute, x-PaasFirewall, x-PrivateEndpointNotApproved, x-PeeringState, x-FirewallRule, \
        x-NoOutboundMethod, x-Rbac.";
}
