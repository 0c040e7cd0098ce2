//! Application Gateway, Front Door, Bastion, and the control plane.

rules! { after super::balance::END;
    AGW_1 "AGW-1" B AGW_SUBNET: "Application Gateway is a proxy in a subnet of its own: one flow from client \
        to frontend and another from a gateway instance to the backend, which sees an IP of the gateway's \
        subnet.";
    AGW_2 "AGW-2" B AGW_SUBNET: "Breaking the rules for its subnet (NSG-25, RT-36) appears as backends that \
        are unhealthy or unknown, not as dropped client traffic.";
    AGW_3 "AGW-3" B AGW_SUBNET: "Service endpoint policies cannot be used on its subnet.";
    AGW_4 "AGW-4" B AGW_PRIVATE: "A gateway that is private only, by network isolation, gets out to the \
        internet just by NAT gateway or appliance. It resolves by the VNet's DNS, private zones included.";

    AFD_1 "AFD-1" B AFD_ROUTING: "Front Door works through: the edge nearest the client (anycast); endpoint \
        by Host header, whose custom domain must be registered, and TLS; web application firewall; route; \
        rule sets, which may redirect or pick another origin group; cache; choice of origin by health, \
        routing method and affinity; origin. The first block ends it.";
    AFD_2 "AFD-2" B AFD_ORIGIN: "A public origin must let in AzureFrontDoor.Backend. That tag holds the \
        Front Doors of every customer, so the origin must check X-Azure-FDID as well.";
    AFD_3 "AFD-3" B AFD_PRIVATE_LINK: "Origins by Private Link need Premium. Front Door makes one managed \
        private endpoint per profile, region, resource id and group id; until the origin's side has Approved \
        it calls fail. Origins can be Blob, static website, Web App (no slots, no Functions), an internal \
        load balancer behind Private Link Service, and Application Gateway.";
    AFD_4 "AFD-4" B AFD_ORIGIN: "The NSG documented for an origin allows AzureFrontDoor.Backend ahead of a \
        deny of Internet on 80 and 443, and leaves the platform's 168.63.129.16 open.";

    BAS_1 "BAS-1" B BASTION_NSG: "A user connects to Bastion's public IP on 443, and Bastion to the VM's \
        private IP on 22 or 3389 from AzureBastionSubnet. The VM needs no public IP, but its NSG has to \
        allow that subnet.";
    BAS_2 "BAS-2" E BASTION_NSG: "A VM's NSG that opens 22 to Internet does not open it to Bastion; \
        VirtualNetwork does, as in the default rule.";

    CP_1 "CP-1" B SERVICE_TAGS: "Resource Manager and Entra are public endpoints on 443, tags \
        AzureResourceManager and AzureActiveDirectory. Routes, outbound methods and firewalls bear on them \
        as on any public address.";
    CP_2 "CP-2" A STORAGE_LIMITATIONS: "The firewall of a platform service guards its data plane. Calls by \
        Resource Manager are not subject to it.";
    CP_3 "CP-3" A AML_PRIVATE_LINK: "A private endpoint leaves the control plane of its service where it \
        was: in Azure Machine Learning creating and deleting compute still goes over the public endpoint.";
}
