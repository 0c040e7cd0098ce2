//! Service endpoints and their policies.

rules! { after super::dns::END;
    SE_1 "SE-1" B SERVICE_ENDPOINTS: "A service endpoint is switched on per subnet and service. It adds the \
        routes of RT-7 and makes the service see the VM's private IP with the identity of the subnet, so \
        rules that allowed the subnet's public IP no longer match.";
    SE_2 "SE-2" B SERVICE_ENDPOINTS: "Neither peers nor on-premises can use it; each subnet with clients \
        needs its own.";
    SE_3 "SE-3" B SERVICE_ENDPOINTS: "It serves what NICs of the subnet send. Traffic forwarded there for \
        others, by an appliance or firewall, gets that subnet's identity only if it is SNATed there \
        (inferred).";
    SE_4 "SE-4" B SERVICE_ENDPOINTS: "Endpoint and virtual network rule work only together: the endpoint \
        opens nothing without the rule on the resource, and the rule fails without the endpoint.";
    SE_5 "SE-5" A STORAGE: "Microsoft.Storage covers the region and its pair, Microsoft.Storage.Global all \
        regions; a subnet has one or the other. Under Global every storage call has a private source, so IP \
        rules of other accounts stop matching. The one for Azure SQL works in its region only.";
    SE_6 "SE-6" B SERVICE_ENDPOINTS: "To NSGs the destination is still public: with Internet denied \
        outbound, the service's tag must be allowed ahead of that.";
    SE_7 "SE-7" B SERVICE_ENDPOINTS: "Disk traffic of VMs is not affected.";
    SE_8 "SE-8" B SERVICE_ENDPOINTS: "Turning it on or off breaks the connections open to the service.";

    SEP_1 "SEP-1" B ENDPOINT_POLICIES: "A service endpoint policy on a subnet lets service endpoint traffic \
        reach only the storage accounts, resource groups and subscriptions it lists; the rest is denied at \
        the subnet. Several policies add up. The service endpoint has to be on.";
    SEP_2 "SEP-2" B ENDPOINT_POLICIES: "With no policy every account can be reached. A policy gives no \
        rights at the account, whose firewall still decides.";
    SEP_3 "SEP-3" B ENDPOINT_POLICIES: "It does not filter what goes past the service endpoint: on-premises \
        traffic, private endpoints (inferred), and other regions where the endpoint is local.";
    SEP_4 "SEP-4" B ENDPOINT_POLICIES: "Classic storage accounts are always denied. Subnets of managed \
        services such as Application Gateway, VPN gateway and Azure Firewall cannot have a policy.";
}
