//! Outbound to public addresses.

rules! { after super::route::END;
    OUT_1 "OUT-1" A NAT_OVERVIEW: "How a new flow to a public address leaves, first available wins: a \
        user-defined route to an appliance or gateway, the subnet's NAT gateway, the NIC's own public IP, \
        outbound rules of a load balancer, default outbound access. An older page puts the NIC's public IP \
        first (D-5).";
    OUT_2 "OUT-2" A NAT_OVERVIEW: "A NAT gateway on AzureFirewallSubnet is used ahead of the firewall's own \
        public IPs.";
    OUT_3 "OUT-3" A NAT_OVERVIEW: "NAT gateway needs no route of its own and takes only traffic whose next \
        hop is Internet.";
    OUT_4 "OUT-4" A DEFAULT_OUTBOUND: "Default outbound access needs all of: no explicit method, a subnet \
        that is not private (defaultOutboundAccess is not false), a VM outside Flexible scale sets. Its IP \
        belongs to Microsoft and can change; ICMP and fragments do not pass.";
    OUT_5 "OUT-5" A DEFAULT_OUTBOUND: "Where the VNet was created with an API version released later than 31 \
        March 2026 the property is false unless set, so subnets are private; older API versions and existing \
        VNets leave it null, which allows. What counts is the API version used, not the date alone.";
    OUT_6 "OUT-6" A DEFAULT_OUTBOUND: "A user-defined route to Internet in a private subnet, for instance to \
        let a tag bypass a firewall, fails without an explicit outbound method. Service endpoint routes are \
        not affected.";
    OUT_7 "OUT-7" A DEFAULT_OUTBOUND: "From a private subnet without an outbound method, storage accounts of \
        the same region can still be reached; other public endpoints, Microsoft's too, cannot.";
    OUT_8 "OUT-8" A DEFAULT_OUTBOUND: "Subnets delegated to or managed by a platform service are exempt from \
        the rules for private subnets.";
    OUT_9 "OUT-9" A DEFAULT_OUTBOUND: "A load balancer pool whose members are given by IP address keeps \
        default outbound access, a known issue.";
    OUT_10 "OUT-10" A DEFAULT_OUTBOUND: "A NIC may hold a default outbound IP while an explicit method \
        carries its traffic, so defaultOutboundConnectivityEnabled does not tell how traffic leaves.";
    OUT_11 "OUT-11" K LB_OUTBOUND: "Being in the pool of a Standard internal load balancer, and in no other, \
        gives no way out.";
    OUT_12 "OUT-12" A DEFAULT_OUTBOUND: "Public IPs of Azure services need an outbound method (OUT-1) like \
        any other; keeping to the backbone changes nothing in that.";
}
