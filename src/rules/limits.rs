//! Service limits, for sizing an estate and for noticing one that could not exist.

use super::Grade::{self, A, B, K};
use super::pages;

/// One limit of a service.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// What is limited, and within what: a subscription in one region unless it says otherwise.
    pub what: &'static str,
    /// The limit as Microsoft gives it.
    pub value: &'static str,
    /// How well it is founded.
    pub grade: Grade,
    /// The page it was read from.
    pub source: &'static str,
}

/// A row of the table.
const fn limit(what: &'static str, value: &'static str, grade: Grade, page: &pages::Page) -> Limit {
    Limit { what, value, grade, source: page.url }
}

/// Every limit, by service.
pub const LIMITS: &[Limit] = &[
    // Virtual network.
    limit("VNets", "1,000", B, &pages::LIMITS),
    limit("subnets per VNet", "3,000", B, &pages::LIMITS),
    limit("subnet size", "/29 at smallest", B, &pages::VNET_FAQ),
    limit("peerings per VNet", "500", B, &pages::LIMITS),
    limit("peerings per VNet managed by a network manager", "1,000 (D-10)", K, &pages::LIMITS),
    limit("subnets per subnet peering link", "200", A, &pages::SUBNET_PEERING),
    limit("private IPs per VNet", "65,536", B, &pages::LIMITS),
    limit("private IPs per group of peered VNets", "128,000", B, &pages::LIMITS),
    limit("DNS servers per VNet", "20", B, &pages::LIMITS),
    limit("NICs", "65,536", B, &pages::LIMITS),
    limit("private IP configurations per NIC", "256", B, &pages::LIMITS),
    limit("public IP configurations per NIC", "256", B, &pages::LIMITS),
    limit("concurrent flows per NIC", "500,000", B, &pages::LIMITS),
    // Filtering.
    limit("NSGs", "5,000", B, &pages::LIMITS),
    limit("rules per NSG", "1,000", B, &pages::LIMITS),
    limit("source addresses and ranges per NSG", "4,000", B, &pages::LIMITS),
    limit("destination addresses and ranges per NSG", "4,000", B, &pages::LIMITS),
    limit("NSG rule priority", "100 to 4096", A, &pages::NSG_OVERVIEW),
    limit("security admin rule priority", "1 to 4096", A, &pages::ADMIN_RULES),
    limit("application security groups", "3,000", B, &pages::LIMITS),
    limit("application security groups per IP configuration", "20", B, &pages::LIMITS),
    limit("application security groups per side of a rule", "10", B, &pages::LIMITS),
    limit("IP configurations per application security group", "4,000", B, &pages::LIMITS),
    limit("application security groups in the rules of one NSG", "100", B, &pages::LIMITS),
    limit(
        "sources x destinations x port ranges of a rule, private endpoint subnet with NSG",
        "250,000",
        B,
        &pages::PE_OVERVIEW,
    ),
    limit("private endpoints per application security group", "50", B, &pages::PE_OVERVIEW),
    // Routing.
    limit("route tables", "200", B, &pages::LIMITS),
    limit(
        "routes per route table",
        "400 (elsewhere 600, or 1,000 with a network manager: D-10)",
        B,
        &pages::LIMITS,
    ),
    limit("service tag routes per route table", "25", B, &pages::UDR),
    limit("VPN gateways per VNet", "1", B, &pages::LIMITS),
    limit("ExpressRoute gateways per VNet", "1", B, &pages::LIMITS),
    limit("BGP peers per Route Server", "8", B, &pages::ROUTE_SERVER_LIMITS),
    limit("routes per BGP peer of a Route Server", "1,000", B, &pages::ROUTE_SERVER_LIMITS),
    limit("VMs in a Route Server's VNet and its peers", "4,000 (soft)", B, &pages::ROUTE_SERVER_LIMITS),
    limit(
        "address spaces of VNets on a Virtual WAN hub with routing intent",
        "600",
        A,
        &pages::ROUTING_INTENT,
    ),
    // Private endpoints and DNS.
    limit("private endpoints per VNet", "1,000", A, &pages::PE_LIMITS),
    limit("private endpoints per VNet, high scale", "5,000", A, &pages::PE_LIMITS),
    limit("private endpoints across peered VNets", "4,000 before health is at risk", A, &pages::PE_LIMITS),
    limit("private endpoints across peered VNets, high scale", "20,000", A, &pages::PE_LIMITS),
    limit("DNS zone groups per private endpoint", "1", B, &pages::PE_DNS_INTEGRATION),
    limit("zones per DNS zone group", "5", B, &pages::PE_DNS_INTEGRATION),
    limit("private DNS zones per subscription", "1,000", A, &pages::PRIVATE_ZONE),
    limit("record sets per private DNS zone", "25,000", A, &pages::PRIVATE_ZONE),
    limit("records per record set", "20", A, &pages::PRIVATE_ZONE),
    limit("VNet links per private DNS zone", "1,000", A, &pages::PRIVATE_ZONE),
    limit("VNet links with auto-registration per private DNS zone", "100", A, &pages::PRIVATE_ZONE),
    limit("private DNS zones linked per VNet", "1,000", A, &pages::PRIVATE_ZONE),
    limit("private DNS zones a VNet registers in", "1", A, &pages::PRIVATE_ZONE),
    limit("private resolvers per subscription", "15", B, &pages::DNS_LIMITS),
    limit("inbound endpoints per private resolver", "5", B, &pages::DNS_LIMITS),
    limit("outbound endpoints per private resolver", "5", B, &pages::DNS_LIMITS),
    limit("rules per DNS forwarding ruleset", "1,000", B, &pages::DNS_LIMITS),
    limit("VNet links per DNS forwarding ruleset", "500", B, &pages::DNS_LIMITS),
    limit("target servers per DNS forwarding rule", "6", B, &pages::DNS_LIMITS),
    limit("queries of a VM to Azure DNS", "1,000 per second", B, &pages::DNS_LIMITS),
    limit("pending queries of a VM to Azure DNS", "200", B, &pages::DNS_LIMITS),
    // Firewall, NAT gateway, Application Gateway.
    limit(
        "unique sources x destinations in network rules of a firewall",
        "20,000",
        B,
        &pages::FIREWALL_LIMITS,
    ),
    limit("rule collection groups per firewall policy", "60", B, &pages::FIREWALL_LIMITS),
    limit("size of a rule collection group", "2 MB", B, &pages::FIREWALL_LIMITS),
    limit("DNAT IPs and unique destinations of a firewall", "250", B, &pages::FIREWALL_LIMITS),
    limit("rule collection group and collection priority", "100 to 65000", A, &pages::RULE_PROCESSING),
    limit("firewall subnet", "/26", B, &pages::FIREWALL_FAQ),
    limit("public IPs per NAT gateway", "16", B, &pages::NAT_RESOURCE),
    limit("SNAT ports per public IP of a NAT gateway", "64,512", B, &pages::NAT_RESOURCE),
    limit("connections of a NAT gateway", "2,000,000", B, &pages::NAT_RESOURCE),
    limit("connections to one destination per public IP of a NAT gateway", "50,000", B, &pages::NAT_RESOURCE),
    limit("instances of an Application Gateway v2", "125", B, &pages::AGW_SUBNET),
    // Service endpoints and platform services.
    limit("service endpoint policies per subscription", "500", B, &pages::LIMITS),
    limit("service endpoint policies per subnet", "100", B, &pages::LIMITS),
    limit("resources per service endpoint policy definition", "200", B, &pages::LIMITS),
    // An older copy: 200 and 100.
    limit("virtual network rules per storage account", "400", A, &pages::STORAGE),
    limit("IP rules per storage account", "400", A, &pages::STORAGE),
    limit("virtual network rules per key vault", "200", B, &pages::KEY_VAULT),
    limit("IP rules per key vault", "1,000", B, &pages::KEY_VAULT),
];
