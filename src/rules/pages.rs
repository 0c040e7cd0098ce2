//! Pages the rules were read from, each with the date of the copy that was read.

/// A documentation page and the date of its copy.
pub(super) struct Page {
    /// Address as people open it.
    pub(super) url: &'static str,
    /// Date of the copy, empty when it carries none.
    pub(super) dated: &'static str,
}

/// Names pages under `https://learn.microsoft.com/`.
macro_rules! pages {
    ($($name:ident $path:literal $dated:literal)+) => {
        $(pub(super) const $name: Page =
            Page { url: concat!("https://learn.microsoft.com/", $path), dated: $dated };)+
    };
}

// Virtual network.
pages! {
    NSG_OVERVIEW "azure/virtual-network/network-security-groups-overview" "07/2025"
    NSG_HOW "azure/virtual-network/network-security-group-how-it-works" "08/2020"
    NSG_DIAGNOSE "azure/virtual-network/diagnose-network-traffic-filter-problem" "05/2018"
    ASG "azure/virtual-network/application-security-groups" "02/2020"
    SERVICE_TAGS "azure/virtual-network/service-tags-overview" "04/2021"
    WIRE_SERVER "azure/virtual-network/what-is-ip-address-168-63-129-16" ""
    VNET_FAQ "azure/virtual-network/virtual-networks-faq" "02/2019"
    NAME_RESOLUTION "azure/virtual-network/virtual-networks-name-resolution-for-vms-and-role-instances" "09/2015"
    UDR "azure/virtual-network/virtual-networks-udr-overview" "05/2023"
    // The same page in the wording of a later copy.
    UDR_LATER "azure/virtual-network/virtual-networks-udr-overview" "2025"
    PEERING "azure/virtual-network/virtual-network-manage-peering" ""
    PEERING_OVERVIEW "azure/virtual-network/virtual-network-peering-overview" "2016"
    SUBNET_PEERING "azure/virtual-network/how-to-configure-subnet-peering" "12/2024"
    SERVICE_ENDPOINTS "azure/virtual-network/virtual-network-service-endpoints-overview" "11/2019"
    ENDPOINT_POLICIES "azure/virtual-network/virtual-network-service-endpoint-policies-overview" "09/2018"
    DEFAULT_OUTBOUND "azure/virtual-network/ip-services/default-outbound-access" "12/2025"
    PUBLIC_IP "azure/virtual-network/ip-services/public-ip-addresses" "12/2021"
    REST "rest/api/virtualnetwork/" ""
    LIMITS "azure/azure-resource-manager/management/azure-subscription-service-limits" "12/2022"
    // Parts of the limits page that were read in other copies.
    LIMITS_2019 "azure/azure-resource-manager/management/azure-subscription-service-limits" "2019"
    FIREWALL_LIMITS "azure/azure-resource-manager/management/azure-subscription-service-limits" "10/2023"
    DNS_LIMITS "azure/azure-resource-manager/management/azure-subscription-service-limits" "05/2023"
}

// Virtual network manager and Network Watcher.
pages! {
    ADMIN_RULES "azure/virtual-network-manager/concept-security-admins" "02/2025"
    CONNECTIVITY "azure/virtual-network-manager/concept-connectivity-configuration" "11/2021"
    VERIFIER "azure/virtual-network-manager/concept-virtual-network-verifier" "07/2026"
    IP_FLOW "azure/network-watcher/ip-flow-verify-overview" "09/2025"
    NEXT_HOP "azure/network-watcher/next-hop-overview" "02/2026"
    TROUBLESHOOT "azure/network-watcher/connection-troubleshoot-overview" "02/2024"
}

// Gateways, Route Server, Virtual WAN.
pages! {
    VPN_FAQ "azure/vpn-gateway/vpn-gateway-vpn-faq" "2026"
    COEXISTENCE "azure/expressroute/expressroute-howto-coexist-resource-manager" ""
    ER_GATEWAYS "azure/expressroute/expressroute-about-virtual-network-gateways" ""
    ER_FAQ "azure/expressroute/expressroute-faqs" ""
    FASTPATH "azure/expressroute/about-fastpath" "01/2023"
    ROUTE_SERVER "azure/route-server/route-server-faq" "07/2022"
    ROUTE_SERVER_LIMITS "azure/route-server/route-server-faq" "06/2023"
    HUB_ROUTING "azure/virtual-wan/about-virtual-hub-routing" "12/2024"
    HUB_PREFERENCE "azure/virtual-wan/about-virtual-hub-routing-preference" "05/2022"
    ROUTING_INTENT "azure/virtual-wan/how-to-routing-policies" "08/2025"
}

// Firewall, NAT gateway, load balancer.
pages! {
    RULE_PROCESSING "azure/firewall/rule-processing" "03/2026"
    FIREWALL_FAQ "azure/firewall/firewall-faq" "~2020"
    INTEGRATE_LB "azure/firewall/integrate-lb" "01/2019"
    SNAT "azure/firewall/snat-private-range" "08/2023"
    FQDN_NETWORK "azure/firewall/fqdn-filtering-network-rules" "09/2021"
    FQDN_TAGS "azure/firewall/fqdn-tags" "06/2020"
    FIREWALL_DNS "azure/firewall/dns-settings" "06/2020"
    NAT_OVERVIEW "azure/nat-gateway/nat-overview" "04/2026"
    // The service's limits, read without a date.
    NAT_LIMITS "azure/nat-gateway/nat-overview" ""
    NAT_RESOURCE "azure/nat-gateway/nat-gateway-resource" "07/2023"
    LB_OVERVIEW "azure/load-balancer/load-balancer-overview" "06/2024"
    LB_PROBES "azure/load-balancer/load-balancer-custom-probe-overview" "10/2023"
    LB_OUTBOUND "azure/load-balancer/load-balancer-outbound-connections" "03/2022"
    LB_COMPONENTS "azure/load-balancer/components" "06/2020"
    LB_HA_PORTS "azure/load-balancer/load-balancer-ha-ports-overview" "09/2017"
    LB_FLOATING "azure/load-balancer/load-balancer-floating-ip" "04/2024"
    LB_BACKEND "azure/load-balancer/load-balancer-troubleshoot-backend-traffic" ""
}

// Proxies at the edge.
pages! {
    AGW_SUBNET "azure/application-gateway/configuration-infrastructure" "06/2021"
    AGW_PRIVATE "azure/application-gateway/application-gateway-private-deployment" "03/2023"
    AFD_ROUTING "azure/frontdoor/front-door-routing-architecture" "01/2022"
    AFD_ORIGIN "azure/frontdoor/origin-security" "10/2023"
    AFD_PRIVATE_LINK "azure/frontdoor/private-link" "05/2023"
    BASTION_NSG "azure/bastion/bastion-nsg" "02/2020"
}

// Private link and DNS.
pages! {
    PE_OVERVIEW "azure/private-link/private-endpoint-overview" "2022-23"
    PE_POLICY "azure/private-link/disable-private-endpoint-network-policy" "07/2023"
    PE_INSPECT "azure/private-link/inspect-traffic-with-azure-firewall" "03/2025"
    PE_LIMITS "azure/private-link/increase-private-endpoint-vnet-limits" "04/2025"
    PE_DNS "azure/private-link/private-endpoint-dns" "01/2021"
    PE_DNS_INTEGRATION "azure/private-link/private-endpoint-dns-integration" "11/2023"
    PERIMETER "azure/private-link/network-security-perimeter-concepts" "08/2025"
    PRIVATE_ZONE "azure/dns/private-dns-privatednszone" "06/2026"
    DNS_FALLBACK "azure/dns/private-dns-fallback" "11/2024"
    RESOLVER "azure/dns/dns-private-resolver-overview" "12/2022"
    RESOLVER_RULESETS "azure/dns/private-resolver-endpoints-rulesets" "09/2022"
}

// Platform services and authorization.
pages! {
    STORAGE "azure/storage/common/storage-network-security" "06/2025"
    STORAGE_LIMITATIONS "azure/storage/common/storage-network-security-limitations" "06/2025"
    STORAGE_ROLES "azure/storage/blobs/assign-azure-role-data-access" ""
    KEY_VAULT "azure/key-vault/general/network-security" "10/2020"
    KEY_VAULT_FIREWALL "azure/key-vault/general/access-behind-firewall" ""
    KEY_VAULT_PROPERTY "dotnet/api/azure.provisioning.keyvault.keyvaultproperties.publicnetworkaccess" ""
    REGISTRY "azure/container-registry/container-registry-private-link" "03/2020"
    COSMOS "azure/cosmos-db/how-to-configure-firewall" "02/2022"
    AML_PRIVATE_LINK "azure/machine-learning/how-to-configure-private-link" "09/2024"
    AML_MANAGED "azure/machine-learning/how-to-managed-network" "08/2024"
    AML_FIREWALL "azure/machine-learning/how-to-access-azureml-behind-firewall" "03/2026"
    RBAC "azure/role-based-access-control/overview" "01/2022"
}
