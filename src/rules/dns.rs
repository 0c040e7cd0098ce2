//! Private endpoints and name resolution.

rules! { after super::edge::END;
    PE_1 "PE-1" B PE_OVERVIEW: "A private endpoint carries traffic while its connection is Approved, and not \
        when it is Pending, Rejected or Disconnected.";
    PE_2 "PE-2" B PE_OVERVIEW: "It stands for one sub-resource (group id) of one resource: an endpoint for \
        blob does nothing for dfs, file or queue. It may still own several IPs and names, as for Container \
        Registry, Cosmos DB and Azure Machine Learning.";
    PE_3 "PE-3" B PE_OVERVIEW: "Only its own resource answers there: the service turns away calls for \
        another account's host name sent to that IP, which guards against exfiltration.";
    PE_4 "PE-4" B PE_OVERVIEW: "It lives in the region of its VNet, whatever region the resource is in. \
        Flows go one way; the service cannot open any through it.";
    PE_5 "PE-5" B PE_OVERVIEW: "Clients reach it from its VNet, from VNets peered directly (local or \
        global), from on-premises by VPN or ExpressRoute, and from farther VNets by routed transit.";
    PE_6 "PE-6" B PE_POLICY: "privateEndpointNetworkPolicies of a subnet is Disabled (default), \
        NetworkSecurityGroupEnabled, RouteTableEnabled or Enabled. It decides NSG-26 and RT-24 for all \
        private endpoints there and nothing else.";
    PE_7 "PE-7" B PE_OVERVIEW: "The NIC of a private endpoint shows neither effective routes nor effective \
        rules, and has no NSG flow logs.";
    PE_8 "PE-8" B PE_DNS_INTEGRATION: "An endpoint has at most one DNS zone group, of up to 5 zones. \
        Deleting the endpoint takes the A records along, and other VNets linked to the zone get NXDOMAIN \
        from then on (DNS-6).";
    PE_9 "PE-9" A STORAGE: "A private endpoint does not shut the public one; publicNetworkAccess and the \
        firewall of the resource do.";
    PE_10 "PE-10" A STORAGE: "Traffic by private endpoint is not held against the resource's firewall rules.";
    PE_11 "PE-11" A PE_LIMITS: "High scale (privateEndpointVNetPolicies = Basic) raises the private \
        endpoints of a VNet from 1,000 to 5,000, and to 20,000 across peers. It requires the route table \
        policy on their subnets.";
    PE_12 "PE-12" B PE_OVERVIEW: "Where NSGs are enforced for private endpoints, some services want all \
        ports towards theirs open: Cosmos DB in direct mode.";

    DNS_1 "DNS-1" B NAME_RESOLUTION: "A VM asks the DNS servers of its NIC if any are set, else those in the \
        VNet's dhcpOptions.dnsServers, else Azure's 168.63.129.16. Several are tried in turn, without \
        balancing.";
    DNS_2 "DNS-2" E NAME_RESOLUTION: "Asking a custom server is traffic like any other on UDP or TCP 53, \
        under routes, NSGs and firewalls. Asking 168.63.129.16 is not (NSG-17, PLAT-2).";
    DNS_3 "DNS-3" A PRIVATE_ZONE: "With custom servers the client's own VNet no longer matters: its linked \
        zones and rulesets are not asked. Those count that are linked to the VNet from which a server at \
        last queries 168.63.129.16.";
    DNS_4 "DNS-4" B RESOLVER: "Azure's resolver, asked from a VNet, takes each name, and each CNAME target \
        along the way (inferred): (1) to the private zone of longest suffix linked to the VNet, which \
        answers with authority; (2) else by the enabled ruleset rule of longest suffix to its servers \
        through the outbound endpoint; (3) else to public DNS. Linked zones come before rulesets.";
    DNS_5 "DNS-5" B PE_DNS: "With a private endpoint connection the public name of a resource becomes a \
        CNAME to NAME.privatelink.SUFFIX, which in public leads to the public IP. A private zone \
        privatelink.SUFFIX linked to the asking VNet answers with the endpoint's private IP instead.";
    DNS_6 "DNS-6" B PE_DNS: "The NXDOMAIN trap: a privatelink.SUFFIX zone is linked but lacks the record, so \
        the answer is an authoritative NXDOMAIN and public DNS is never tried, while VNets without the link \
        resolve the name. It strikes resources of others that have private endpoints elsewhere.";
    DNS_7 "DNS-7" A DNS_FALLBACK: "resolutionPolicy = NxDomainRedirect on a link (API 2024-06-01 or later; \
        privatelink zones; A, AAAA and CNAME) repeats the query in public after NXDOMAIN and so yields the \
        public IP. The value Default behaves as DNS-6. Each link has its own setting.";
    DNS_8 "DNS-8" B PE_DNS: "A resource that has no private endpoint anywhere has no privatelink CNAME, so \
        linked zones do not touch it.";
    DNS_9 "DNS-9" E PE_DNS: "When the zone is not linked to the asking VNet the name gives the public IP, \
        and the service's public firewall decides: often a 403, not a timeout.";
    DNS_10 "DNS-10" B PE_DNS_INTEGRATION: "The VNet that asks needs the link, not the one with the private \
        endpoint, and peerings do not share links. In a hub-and-spoke either link each client VNet or send \
        all queries through one that is linked.";
    DNS_11 "DNS-11" B PE_DNS_INTEGRATION: "Zones of one name in two resource groups are separate zones. A \
        VNet can be linked to one of them only, and their records are not merged (the latter is general \
        knowledge).";
    DNS_12 "DNS-12" B PE_DNS_INTEGRATION: "On-premises DNS should forward the public suffix, such as \
        database.windows.net, instead of the privatelink one, to a forwarder or resolver inbound endpoint \
        whose VNet has the zone linked. 168.63.129.16 cannot be asked from on-premises.";
    DNS_13 "DNS-13" B RESOLVER_RULESETS: "A private resolver's inbound endpoint is a VNet IP that answers as \
        its own VNet sees names (DNS-4). An outbound endpoint with a ruleset forwards by suffix; rulesets \
        link to VNets of their region only. A spoke linked to the ruleset needs no zone link if the suffix \
        is forwarded to the inbound endpoint in the hub.";
    DNS_14 "DNS-14" B RESOLVER_RULESETS: "Among enabled rules the longest suffix wins; disabled ones do not \
        count, and a lone dot matches everything. A rule that sends everything on-premises takes along \
        public and privatelink names for which the VNet has no zone.";
    DNS_15 "DNS-15" K RESOLVER_RULESETS: "A rule that points to the inbound endpoint of a VNet which is \
        itself linked to that ruleset and has no zone for the name loops, ending in SERVFAIL or a timeout.";
    DNS_16 "DNS-16" B FIREWALL_DNS: "Azure Firewall's DNS proxy sees names as its own VNet, or its custom \
        servers, do; zones have to be linked there.";
    DNS_17 "DNS-17" A PRIVATE_ZONE: "The name of a private zone has at least 2 labels and may not be exactly \
        a reserved one such as azure.com, core.windows.net or windows.net; names below those, like \
        privatelink.blob.core.windows.net, are fine (inferred). A private zone delegates nothing by NS.";
    DNS_18 "DNS-18" B SERVICE_ENDPOINTS: "With a service endpoint names resolve to the public IP as before; \
        what changes is path and identity.";
    DNS_19 "DNS-19" B DNS_LIMITS: "A VM may put 1,000 queries per second to Azure DNS and have 200 pending, \
        a resolver endpoint takes 10,000 per second; what exceeds that is lost.";
    DNS_20 "DNS-20" E NAME_RESOLUTION: "Clients keep an answer for its TTL, so after a DNS change the old \
        answer remains possible that long.";
}
