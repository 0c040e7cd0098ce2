//! Firewalls of platform services, and network security perimeters.

rules! { after super::endpoint::END;
    ST_1 "ST-1" A STORAGE_LIMITATIONS: "A storage account's firewall covers its data plane, REST and SMB \
        alike. The control plane and disk traffic of VMs are exempt.";
    ST_2 "ST-2" A STORAGE_LIMITATIONS: "Order used: (a) by Approved private endpoint: allowed; (b) perimeter \
        Enforced: NSP-2; (c) trusted service (bypass AzureServices) or resourceAccessRules (same tenant, \
        managed identity): allowed, even with publicNetworkAccess Disabled; (d) Disabled: denied; (e) \
        defaultAction Allow: allowed, rules idle; (f) Deny: allowed if virtualNetworkRules match the subnet \
        (by service endpoint) or ipRules the address; (g) else 403. Then RBAC, SAS or key (ST-8). Only the \
        precedence of (c) is documented, the order as a whole inferred.";
    ST_3 "ST-3" A STORAGE_LIMITATIONS: "ipRules take public IPv4: RFC 1918 is refused, and so are /31 and \
        /32, for which single addresses are written.";
    ST_4 "ST-4" A STORAGE_LIMITATIONS: "ipRules do nothing for requests from the account's own region, which \
        arrive from an Azure-internal address, nor for Azure services there, nor for VNets of the paired \
        region with a service endpoint. Listing the public IP of a VM, NAT gateway or firewall of the region \
        still gives 403; use a virtual network rule or a private endpoint.";
    ST_5 "ST-5" A STORAGE_LIMITATIONS: "A virtual network rule is tied to the subnet resource itself: a \
        subnet deleted and made anew under its old name has no access.";
    ST_6 "ST-6" A STORAGE: "bypass is AzureServices, Logging, Metrics or None. AzureServices stands for \
        listed trusted services of the same tenant with their own sign-in, not for whatever runs in Azure.";
    ST_7 "ST-7" A STORAGE: "virtualNetworkRules may name subnets of other subscriptions, tenants and \
        regions, the last by the cross-region endpoint. There can be 400 of them and 400 ipRules.";
    ST_8 "ST-8" A STORAGE: "Passing the network never stands in for authorization, and an IP condition in a \
        SAS can only narrow. Anonymous blobs are behind the firewall as well.";
    ST_9 "ST-9" F STORAGE: "A denial by network is HTTP 403 AuthorizationFailure; a missing data role is \
        HTTP 403 AuthorizationPermissionMismatch (the second is general knowledge).";

    KV_1 "KV-1" B KEY_VAULT: "A vault's firewall is off at first, open to all networks, and concerns the \
        data plane only. When on it knows virtual network rules (up to 200), public IPv4 rules (up to \
        1,000), the bypass for trusted services, and private endpoints.";
    KV_2 "KV-2" A KEY_VAULT_PROPERTY: "publicNetworkAccess = disabled on a vault leaves private endpoints \
        and trusted services only; its IP and virtual network rules are then ignored.";
    KV_3 "KV-3" B KEY_VAULT: "The list of trusted services is closed and each is trusted for given \
        scenarios. Azure DevOps is not among them.";
    KV_4 "KV-4" B KEY_VAULT: "A client that is blocked can still browse the vault in the portal, which is \
        control plane, while listing its secrets fails.";

    ACR_1 "ACR-1" B REGISTRY: "Network rules and private endpoints of a registry need the Premium tier. It \
        is open until defaultAction = Deny, after which IP and virtual network rules let in; the blocked get \
        403.";
    ACR_2 "ACR-2" B REGISTRY: "Pulling needs REGISTRY.azurecr.io and REGISTRY.REGION.data.azurecr.io both, \
        each with a record when there is a private endpoint. A login that works and layers that do not load \
        point to a missing data record or rule.";

    COS_1 "COS-1" B COSMOS: "The IP filter or a virtual network rule is enough to pass; a token is needed \
        all the same. What passes neither gets 403.";
    COS_2 "COS-2" B COSMOS: "The entry 0.0.0.0 admits every address of Azure's datacenters, of any tenant.";
    COS_3 "COS-3" B COSMOS: "Calls from a subnet with the Cosmos DB service endpoint come with its identity \
        and not with a public IP, so the IP filter does not match them.";
    COS_4 "COS-4" B COSMOS: "Changes may take up to 15 min to hold.";

    AML_1 "AML-1" A AML_PRIVATE_LINK: "A workspace's private endpoint serves the data plane: studio, API, \
        SDK. Creating, updating and deleting the workspace or compute stays with the public Resource \
        Manager.";
    AML_2 "AML-2" A AML_PRIVATE_LINK: "It takes two private zones, privatelink.api.azureml.ms and \
        privatelink.notebooks.azure.net. The range 172.17.0.0/16 must not be used.";
    AML_3 "AML-3" A AML_PRIVATE_LINK: "A workspace that loses its last private endpoint does not turn \
        public, and one made public keeps its endpoints. public_network_access (v2) and \
        allow_public_access_when_behind_vnet (v1) overwrite each other.";
    AML_4 "AML-4" A AML_PRIVATE_LINK: "Reaching the workspace is not reaching its data: the browser that \
        runs studio calls the default storage itself, so the client needs a path there (private endpoint, \
        service endpoint or IP rule).";
    AML_5 "AML-5" A AML_MANAGED: "A managed VNet is AllowInternetOutbound, AllowOnlyApprovedOutbound or \
        Disabled. Approved lets out the required defaults and rules of type private endpoint, service tag or \
        FQDN; FQDN rules bring a managed Azure Firewall. The mode can be tightened but not loosened.";
    AML_6 "AML-6" A AML_FIREWALL: "Compute in one's own VNet must reach: AzureActiveDirectory 80, 443; \
        AzureMachineLearning 443, 8787, 18881, UDP 5831; BatchNodeManagement.REGION 443; \
        AzureResourceManager 443; Storage.REGION 443, and 445 for files; AzureFrontDoor.FrontEnd 443; \
        MicrosoftContainerRegistry and AzureFrontDoor.FirstParty 443; AzureMonitor 443; with private \
        endpoints VirtualNetwork 443. Inbound 44224 from AzureMachineLearning only with a public IP.";
    AML_7 "AML-7" A AML_FIREWALL: "For compute with public IP behind a firewall the documented bypass is a \
        user-defined route for the tag AzureMachineLearning to Internet (but see OUT-6).";

    NSP_1 "NSP-1" A PERIMETER: "In Transition mode the resource's own settings decide and the perimeter \
        logs. Enforced denies all public traffic in and out, save within the perimeter and by its rules.";
    NSP_2 "NSP-2" A PERIMETER: "Inbound rules name IP prefixes or subscriptions, outbound rules FQDNs; \
        private endpoint traffic needs none. SAS is refused for access within the perimeter and by \
        subscription rule.";
}
