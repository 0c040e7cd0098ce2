//! Authorization.

rules! { after super::paas::END;
    RBAC_1 "RBAC-1" B RBAC: "Gather the role and deny assignments at the resource and its ancestors \
        (management group, subscription, resource group, resource, sub-resource). A deny that matches \
        blocks. Otherwise the operation must be in Actions less NotActions (control plane) or DataActions \
        less NotDataActions (data plane), and conditions come last.";
    RBAC_2 "RBAC-2" B RBAC: "Assignments add up. NotActions takes away from its own role only and denies \
        nothing that another grants (general knowledge). Membership in nested groups counts.";
    RBAC_3 "RBAC-3" A STORAGE_ROLES: "Owner, Contributor and Reader contain no DataActions of storage: with \
        Entra a Contributor who reads a blob gets 403 and needs Storage Blob Data Reader, Contributor or \
        Owner. A role with listKeys/action opens the way of Shared Key, where the account permits it.";
    RBAC_4 "RBAC-4" A STORAGE_ROLES: "A data role may be given on as little as one container. A new \
        assignment can take minutes to work, up to about 30 as quoted.";
    RBAC_5 "RBAC-5" E RBAC: "A data-plane call is checked in this order: DNS; routes, NSGs and firewalls; \
        TLS; the service's network firewall; the token; RBAC, policy or SAS. The first failure is the \
        verdict, and later ones may be added as would also fail.";
    RBAC_6 "RBAC-6" A STORAGE: "Two permissions about networks: adding a virtual network rule takes \
        subnets/joinViaServiceEndpoint/action, and approving a private endpoint automatically takes \
        privateEndpointConnectionsApproval/action on the target.";
}
