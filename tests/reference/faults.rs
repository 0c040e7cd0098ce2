//! Faults that random estates once found in the engine, each in its smallest form: engine and reference
//! must both give the answer of the rules.

use super::agree::{decided, engine, same, words};
use super::load::{flow, network};
use super::tracer::answer;
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;

struct Fault {
    name: &'static str,
    knobs: &'static [(&'static str, &'static str)],
    estate: &'static str,
    flow: &'static str,
    expected: &'static str,
}

const fn fault(
    name: &'static str,
    estate: &'static str,
    flow: &'static str,
    expected: &'static str,
) -> Fault {
    Fault { name, knobs: &[], estate, flow, expected }
}

const FAULTS: &[Fault] = &[
    fault(
        "a name of an unlinked private zone is no public host",
        "onPremisesSites:
- { name: site, addressPrefixes: [192.168.100.0/24] }
privateDnsZones:
- { name: corp.example }
",
        "site > db.corp.example tcp/443",
        "unknown UNKNOWN_NAME by -",
    ),
    fault(
        "unknown route to the same next hop",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }] }
hosts:
- { name: m, subnet: v/s, privateIPAddress: 10.0.1.12 }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: ContosoCloud, nextHopType: Internet }] }
",
        "m > www.example.org tcp/443",
        "allowed ",
    ),
    fault(
        "unknown route to the same next hop over an appliance",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: n, addressPrefix: 10.0.3.0/24 }] }
hosts:
- { name: m, subnet: v/s, privateIPAddress: 10.0.1.12 }
- { name: nva, subnet: v/n, privateIPAddress: 10.0.3.4, forwards: true, translates: true }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: ContosoCloud, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.3.4 }] }
",
        "m > www.example.org tcp/443",
        "allowed ",
    ),
    fault(
        "unknown admin rule without a group behind it",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
hosts:
- { name: a, subnet: v/s, privateIPAddress: 10.0.1.12 }
- { name: b, subnet: v/s, privateIPAddress: 10.0.1.13 }
networkManagers:
- { name: avnm }
networkGroups:
- { name: g, parent: avnm, members: [v] }
securityAdminConfigurations:
- { name: c, parent: avnm }
adminRuleCollections:
- { name: avnm/c/r, appliesToGroups: [{ networkGroupId: avnm/g }] }
adminRules:
- { name: avnm/c/r/x, priority: 10, direction: Inbound, access: AlwaysAllow, protocol: Any, sources: [{ addressPrefix: '*' }], destinations: [{ addressPrefix: ContosoCloud }], sourcePortRanges: [0-65535], destinationPortRanges: [0-65535] }
",
        "a > b tcp/443",
        "allowed ",
    ),
    fault(
        "only privatelink zones fall back",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
hosts:
- { name: m, subnet: v/s, privateIPAddress: 10.0.1.12 }
privateDnsZones:
- { name: corp.example }
virtualNetworkLinks:
- { name: l, privateDnsZone: corp.example, resolutionPolicy: NxDomainRedirect, virtualNetwork: v }
",
        "m > missing.corp.example tcp/443",
        "blocked DNS_NXDOMAIN_ZONE_SHADOW by corp.example/missing.corp.example",
    ),
    fault(
        "out by one public address and in by another",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
publicIPAddresses:
- { name: p, ipAddress: 20.50.2.1, sku: Basic }
hosts:
- { name: a, privateIPAddress: 10.0.1.121, subnet: v/s }
- { name: b, privateIPAddress: 10.0.1.120, subnet: v/s, publicIPAddress: p }
",
        "a > 20.50.2.1 tcp/80",
        "allowed ",
    ),
    fault(
        "a public address that only a deployment knows",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
publicIPAddresses:
- { name: p, sku: Standard }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, publicIPAddress: p, subnet: v/s }
",
        "internet > m tcp/8080",
        "blocked PUBLIC_ADDRESS_CLOSED by m",
    ),
    fault(
        "a firewall policy in none of the files, from outside",
        FIREWALL_NOWHERE,
        "internet > 20.50.3.1 tcp/443",
        "unknown DANGLING_REFERENCE by -",
    ),
    fault(
        "a firewall policy in none of the files, in transit",
        FIREWALL_NOWHERE,
        "m > www.example.org tcp/22",
        "unknown DANGLING_REFERENCE by -",
    ),
    fault(
        "from a site that announces everything to a spoke",
        FORCED,
        "site > m tcp/53",
        "allowed ",
    ),
    fault(
        "a peer that holds exactly a None range",
        "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }] }
- { name: v3, addressPrefixes: [192.168.0.0/16], subnets: [{ name: s, addressPrefix: 192.168.0.0/24 }] }
hosts:
- { name: a, privateIPAddress: 10.0.0.10, subnet: v0/s }
- { name: b, privateIPAddress: 192.168.0.10, subnet: v3/s }
virtualNetworkPeerings:
- { name: v0/to-v3, remoteVirtualNetwork: v3 }
- { name: v3/to-v0, remoteVirtualNetwork: v0 }
",
        "b > a tcp/443",
        "allowed ",
    ),
    fault(
        "a user's route to the gateway is no way to the internet",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24, routeTable: t }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27 }] }
hosts:
- { name: m, privateIPAddress: 10.0.0.11, subnet: v/s }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: VirtualNetworkGateway }] }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v/GatewaySubnet }
",
        "m > www.example.org tcp/443",
        "blocked NO_ROUTE by gw",
    ),
    fault(
        "in from the internet, out by a learnt default route",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27 }] }
publicIPAddresses:
- { name: p, ipAddress: 20.50.3.1, sku: Basic }
hosts:
- { name: m, publicIPAddress: p, privateIPAddress: 10.0.1.10, subnet: v/s }
onPremisesSites:
- { name: site, addressPrefixes: [172.30.100.0/24], advertises: [0.0.0.0/0], connectedTo: [gw], internetAccess: false }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v/GatewaySubnet }
",
        "internet > 20.50.3.1 tcp/80",
        "blocked ASYMMETRIC_RETURN by gw",
    ),
    fault(
        "an unknown tag in the VirtualNetwork tag",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24, networkSecurityGroup: g, routeTable: t }] }
networkSecurityGroups:
- { name: g }
publicIPAddresses:
- { name: p, ipAddress: 20.50.3.1, sku: Standard }
hosts:
- { name: m, privateIPAddress: 10.0.0.10, publicIPAddress: p, subnet: v/s }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: ContosoCloud, nextHopType: Internet }] }
",
        "internet > 20.50.3.1 tcp/22",
        "unknown UNKNOWN_SERVICE_TAG by -",
    ),
    fault(
        "an unknown tag in the VirtualNetwork tag and a private address",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.0.0/24, networkSecurityGroup: g, routeTable: t }] }
networkSecurityGroups:
- { name: g }
hosts:
- { name: m, privateIPAddress: 10.1.0.10, subnet: v/s }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: ContosoCloud, nextHopType: Internet }] }
",
        "m > 10.2.0.10 tcp/22",
        "blocked NSG_DEFAULT_DENY by g/defaultSecurityRules/DenyAllOutBound",
    ),
    fault(
        "a deny assignment is named once",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.0.0.10, subnet: v/s }
principals:
- { name: bob }
storageAccounts:
- { name: sa }
denyAssignments:
- { name: da, scope: sa, principals: [bob], permissions: [{ dataActions: ['Microsoft.Storage/*'] }] }
",
        "m > sa tcp/443 as bob",
        "blocked RBAC_DENY_ASSIGNMENT by da",
    ),
    fault(
        "a peering to nowhere and the internet",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.0.0.10, subnet: v/s }
virtualNetworkPeerings:
- { name: v/to-nowhere, remoteVirtualNetwork: nowhere }
",
        "m > www.example.org tcp/443",
        "allowed ",
    ),
    fault(
        "a peering to nowhere and a private address",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.0.0.10, subnet: v/s }
virtualNetworkPeerings:
- { name: v/to-nowhere, remoteVirtualNetwork: nowhere }
",
        "m > 10.9.0.10 tcp/443",
        "unknown DANGLING_REFERENCE by -",
    ),
    fault(
        "a NAT gateway in none of the files",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24, natGateway: nowhere }] }
hosts:
- { name: m, privateIPAddress: 10.0.0.10, subnet: v/s }
",
        "m > www.example.org tcp/443",
        "allowed ",
    ),
    fault(
        "a user's /32 drops whatever the peering does",
        "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }] }
- { name: v1, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.1.0/24, routeTable: t }] }
hosts:
- { name: m, privateIPAddress: 10.1.1.15, subnet: v1/s }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 10.0.0.11/32, nextHopType: None }] }
virtualNetworkPeerings:
- { name: v1/to-v0, remoteVirtualNetwork: v0 }
",
        "m > 10.0.0.11 tcp/25",
        "blocked UDR_NONE by t/r",
    ),
    fault(
        "a firewall that translates, then forced tunnelling",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: AzureFirewallSubnet, addressPrefix: 10.0.250.0/26 }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
azureFirewalls:
- { name: fw, firewallPolicy: p, privateIPAddress: 10.0.250.4, subnet: v/AzureFirewallSubnet }
firewallPolicies:
- { name: p }
ruleCollectionGroups:
- { name: g, parent: p, priority: 200, ruleCollections: [{ name: c, action: { type: Allow }, priority: 110, rules: [{ name: any, destinationAddresses: ['*'], destinationPorts: ['*'], ipProtocols: [Any], ruleType: NetworkRule, sourceAddresses: ['*'] }] }] }
onPremisesSites:
- { name: site, addressPrefixes: [172.30.100.0/24], advertises: [0.0.0.0/0], connectedTo: [gw] }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v/GatewaySubnet }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopIpAddress: 10.0.250.4, nextHopType: VirtualAppliance }] }
",
        "m > www.example.org tcp/443",
        "allowed ",
    ),
    fault(
        "an admin rule denies the probe",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
networkInterfaces:
- { name: b, ipConfigurations: [{ name: ip, subnet: v/s, privateIPAddress: 10.0.1.20, loadBalancerBackendAddressPools: [LB/backendAddressPools/pool] }] }
loadBalancers:
- { name: lb, sku: Standard, frontendIPConfigurations: [{ name: front, subnet: v/s, privateIPAddress: 10.0.1.100 }], backendAddressPools: [{ name: pool }], probes: [{ name: probe, protocol: Tcp, port: 8080 }], loadBalancingRules: [{ name: web, frontendIPConfiguration: LB/frontendIPConfigurations/front, backendAddressPool: LB/backendAddressPools/pool, probe: LB/probes/probe, protocol: Tcp, frontendPort: 80, backendPort: 80 }] }
networkManagers:
- { name: avnm }
networkGroups:
- { name: g, parent: avnm, members: [v] }
securityAdminConfigurations:
- { name: c, parent: avnm }
adminRuleCollections:
- { name: avnm/c/r, appliesToGroups: [{ networkGroupId: avnm/g }] }
adminRules:
- { name: avnm/c/r/x, priority: 10, direction: Inbound, access: Deny, protocol: Tcp, sources: [{ addressPrefix: '*' }], destinations: [{ addressPrefix: '*' }], sourcePortRanges: [0-65535], destinationPortRanges: [8080] }
",
        "m > 10.0.1.100 tcp/80",
        "blocked PROBE_DENIED by lb/web",
    ),
    fault(
        "an answer to a site by a user's route to the internet",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24, routeTable: t }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27 }] }
hosts:
- { name: m, privateIPAddress: 10.0.0.10, subnet: v/s }
onPremisesSites:
- { name: site, addressPrefixes: [172.30.200.0/24], connectedTo: [gw] }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v/GatewaySubnet }
routeTables:
- { name: t, disableBgpRoutePropagation: true, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: Internet }] }
",
        "site > m tcp/443",
        "blocked RETURN_NO_ROUTE by -",
    ),
    fault(
        "forced tunnelling and a route against the answer",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27, routeTable: t }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
onPremisesSites:
- { name: site, addressPrefixes: [172.30.100.0/24], advertises: [0.0.0.0/0], connectedTo: [gw] }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v/GatewaySubnet }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 10.0.1.0/24, nextHopType: None }] }
",
        "m > www.example.org tcp/443",
        "blocked RETURN_NO_ROUTE by t/r",
    ),
    fault(
        "learnt prefixes are in the tag of a network that closes its peering",
        "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27 }] }
- { name: v1, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.0.0/24 }] }
hosts:
- { name: a, privateIPAddress: 10.0.1.110, subnet: v0/s }
- { name: b, networkSecurityGroup: g, privateIPAddress: 10.1.0.12, subnet: v1/s }
networkSecurityGroups:
- { name: g }
onPremisesSites:
- { name: site, addressPrefixes: [172.30.100.0/24], connectedTo: [gw] }
bgpRoutes:
- { name: learnt, addressPrefix: 10.0.1.0/24, learnedBy: gw, site: site }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v0/GatewaySubnet }
virtualNetworkPeerings:
- { name: v0/to-v1, allowGatewayTransit: true, remoteVirtualNetwork: v1 }
- { name: v1/to-v0, allowVirtualNetworkAccess: false, remoteVirtualNetwork: v0, useRemoteGateways: true }
",
        "a > b tcp/80",
        "allowed ",
    ),
    fault(
        "a zone that fell back is linked",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
- { name: far, addressPrefixes: [10.5.0.0/16], subnets: [{ name: s, addressPrefix: 10.5.1.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
storageAccounts:
- { name: sa, publicNetworkAccess: Disabled }
privateEndpoints:
- { name: pe, groupIds: [blob], subnet: far/s, target: sa }
privateDnsZones:
- { name: privatelink.blob.core.windows.net }
virtualNetworkLinks:
- { name: l, privateDnsZone: privatelink.blob.core.windows.net, resolutionPolicy: NxDomainRedirect, virtualNetwork: v }
",
        "m > sa tcp/443",
        "blocked PUBLIC_ACCESS_DISABLED by sa",
    ),
    fault(
        "an answer by a load balancer of other appliances",
        "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: nva, addressPrefix: 10.0.3.0/24 }] }
- { name: v1, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.0.0/24, routeTable: t0 }] }
- { name: v2, addressPrefixes: [10.2.0.0/16], subnets: [{ name: s, addressPrefix: 10.2.0.0/24, routeTable: t1 }] }
hosts:
- { name: a, privateIPAddress: 10.1.0.14, subnet: v1/s }
- { name: b, privateIPAddress: 10.2.0.16, subnet: v2/s }
networkInterfaces:
- { name: router, enableIPForwarding: true, ipConfigurations: [{ name: ip, privateIPAddress: 10.0.3.4, subnet: v0/nva }] }
- { name: other, enableIPForwarding: true, ipConfigurations: [{ name: ip, privateIPAddress: 10.0.3.5, subnet: v0/nva, loadBalancerBackendAddressPools: [LB/backendAddressPools/pool] }] }
loadBalancers:
- { name: lb, sku: Standard, frontendIPConfigurations: [{ name: front, subnet: v0/nva, privateIPAddress: 10.0.3.30 }], backendAddressPools: [{ name: pool }], loadBalancingRules: [{ name: all, frontendIPConfiguration: LB/frontendIPConfigurations/front, backendAddressPool: LB/backendAddressPools/pool, protocol: All, frontendPort: 0, backendPort: 0 }] }
routeTables:
- { name: t0, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopIpAddress: 10.0.3.4, nextHopType: VirtualAppliance }] }
- { name: t1, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopIpAddress: 10.0.3.30, nextHopType: VirtualAppliance }] }
virtualNetworkPeerings:
- { name: v0/to-v1, remoteVirtualNetwork: v1 }
- { name: v1/to-v0, remoteVirtualNetwork: v0 }
- { name: v0/to-v2, remoteVirtualNetwork: v2 }
- { name: v2/to-v0, remoteVirtualNetwork: v0 }
",
        "a > b tcp/443",
        "blocked ASYMMETRIC_RETURN by lb",
    ),
    fault(
        "a lost answer comes before the role",
        "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: nva, addressPrefix: 10.0.3.0/24 }] }
- { name: v1, addressPrefixes: [10.1.0.0/16], subnets: [{ name: pe, addressPrefix: 10.1.2.0/24 }] }
- { name: v2, addressPrefixes: [10.2.0.0/16], subnets: [{ name: s, addressPrefix: 10.2.0.0/24, routeTable: t }] }
hosts:
- { name: m, privateIPAddress: 10.2.0.4, subnet: v2/s }
- { name: router, forwards: true, privateIPAddress: 10.0.3.4, subnet: v0/nva }
principals:
- { name: bob }
storageAccounts:
- { name: sa }
privateEndpoints:
- { name: pe, groupIds: [blob], privateIPAddress: 10.1.2.64, subnet: v1/pe, target: sa }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopIpAddress: 10.0.3.4, nextHopType: VirtualAppliance }] }
virtualNetworkPeerings:
- { name: v0/to-v1, remoteVirtualNetwork: v1 }
- { name: v1/to-v0, remoteVirtualNetwork: v0 }
- { name: v0/to-v2, remoteVirtualNetwork: v2 }
- { name: v2/to-v0, remoteVirtualNetwork: v0 }
",
        "m > 10.1.2.64 tcp/443 as bob",
        "blocked RETURN_NO_ROUTE by -",
    ),
    fault(
        "a stranger's groups are unknown",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
storageAccounts:
- { name: sa }
",
        "m > sa tcp/443 as stranger",
        "unknown UNKNOWN_IDENTITY by -",
    ),
    fault(
        "one side of a peering that says Connected",
        "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }] }
- { name: v1, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.0.0/24 }] }
hosts:
- { name: a, privateIPAddress: 10.0.0.10, subnet: v0/s }
- { name: b, privateIPAddress: 10.1.0.14, subnet: v1/s }
virtualNetworkPeerings:
- { name: v0/to-v1, peeringState: Connected, remoteVirtualNetwork: v1 }
",
        "a > b tcp/443",
        "blocked PEERING_DISCONNECTED by v0/to-v1",
    ),
    fault(
        "a route to the gateway where VPN and ExpressRoute coexist",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
onPremisesSites:
- { name: branch, addressPrefixes: [172.30.200.0/24], connectedTo: [vpn] }
routeTables:
- { name: t, disableBgpRoutePropagation: true, routes: [{ name: r, addressPrefix: 172.30.0.0/16, nextHopType: VirtualNetworkGateway }] }
virtualNetworkGateways:
- { name: er, gatewayType: ExpressRoute, subnet: v/GatewaySubnet }
- { name: vpn, gatewayType: Vpn, subnet: v/GatewaySubnet }
",
        "m > 172.30.200.9 tcp/22",
        "blocked INVALID_NEXT_HOP by t/r",
    ),
    fault(
        "a name in a network rule without the DNS proxy",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: AzureFirewallSubnet, addressPrefix: 10.0.250.0/26 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
azureFirewalls:
- { name: fw, firewallPolicy: p, privateIPAddress: 10.0.250.4, subnet: v/AzureFirewallSubnet }
firewallPolicies:
- { name: p }
ruleCollectionGroups:
- { name: g, parent: p, priority: 200, ruleCollections: [{ name: c, action: { type: Allow }, priority: 110, rules: [{ name: by-name, destinationFqdns: [www.example.org], destinationPorts: ['*'], ipProtocols: [TCP], ruleType: NetworkRule, sourceAddresses: ['*'] }] }] }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopIpAddress: 10.0.250.4, nextHopType: VirtualAppliance }] }
",
        "m > www.example.org tcp/443",
        "blocked FIREWALL_APPLICATION_RULE_NO_MATCH by fw",
    ),
    fault(
        "an ip rule for a site's own line",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
onPremisesSites:
- { name: site, addressPrefixes: [172.30.100.0/24], advertises: [0.0.0.0/0], connectedTo: [gw], publicIPAddress: 198.51.100.7 }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v/GatewaySubnet }
storageAccounts:
- { name: sa, networkAcls: { defaultAction: Deny, ipRules: [{ value: 198.51.100.7 }] } }
",
        "m > sa tcp/443",
        "allowed ",
    ),
    fault(
        "an admin rule denies before an address is closed",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
publicIPAddresses:
- { name: p, ipAddress: 20.50.3.1, sku: Standard }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, publicIPAddress: p, subnet: v/s }
networkManagers:
- { name: avnm }
networkGroups:
- { name: g, parent: avnm, members: [v] }
securityAdminConfigurations:
- { name: c, parent: avnm }
adminRuleCollections:
- { name: avnm/c/r, appliesToGroups: [{ networkGroupId: avnm/g }] }
adminRules:
- { name: avnm/c/r/x, priority: 10, direction: Inbound, access: Deny, protocol: Any, sources: [{ addressPrefix: '*' }], destinations: [{ addressPrefix: '*' }], sourcePortRanges: [0-65535], destinationPortRanges: [0-65535] }
",
        "internet > 20.50.3.1 tcp/443",
        "blocked ADMIN_RULE_DENY by avnm/c/r/x",
    ),
    fault(
        "a rule without a probe",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }, { name: d, addressPrefix: 10.0.2.0/24, networkSecurityGroup: g }] }
networkSecurityGroups:
- { name: g, securityRules: [{ name: no-probes, priority: 100, direction: Inbound, access: Deny, protocol: '*', sourceAddressPrefix: AzureLoadBalancer, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
networkInterfaces:
- { name: b, ipConfigurations: [{ name: ip, subnet: v/d, privateIPAddress: 10.0.2.20, loadBalancerBackendAddressPools: [LB/backendAddressPools/pool] }] }
loadBalancers:
- { name: lb, sku: Standard, frontendIPConfigurations: [{ name: front, subnet: v/d, privateIPAddress: 10.0.2.100 }], backendAddressPools: [{ name: pool }], loadBalancingRules: [{ name: web, frontendIPConfiguration: LB/frontendIPConfigurations/front, backendAddressPool: LB/backendAddressPools/pool, protocol: Tcp, frontendPort: 80, backendPort: 80 }] }
",
        "m > 10.0.2.100 tcp/80",
        "allowed ",
    ),
    fault(
        "a default route to the internet on the gateway's subnet",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27, routeTable: t }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
onPremisesSites:
- { name: site, addressPrefixes: [172.30.100.0/24], connectedTo: [gw] }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v/GatewaySubnet }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopType: Internet }] }
",
        "site > m tcp/22",
        "blocked INVALID_NEXT_HOP by t/r",
    ),
    fault(
        "one branch denied and the other unknown",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
publicIPAddresses:
- { name: p, ipAddress: 20.50.0.2, sku: Standard }
networkInterfaces:
- { name: a, ipConfigurations: [{ name: ip, subnet: v/s, privateIPAddress: 10.0.1.20, loadBalancerBackendAddressPools: [LB/backendAddressPools/pool] }] }
- { name: b, networkSecurityGroup: nowhere, ipConfigurations: [{ name: ip, subnet: v/s, privateIPAddress: 10.0.1.21, loadBalancerBackendAddressPools: [LB/backendAddressPools/pool] }] }
loadBalancers:
- { name: lb, sku: Standard, frontendIPConfigurations: [{ name: front, publicIPAddress: p }], backendAddressPools: [{ name: pool }], loadBalancingRules: [{ name: web, frontendIPConfiguration: LB/frontendIPConfigurations/front, backendAddressPool: LB/backendAddressPools/pool, protocol: Tcp, frontendPort: 80, backendPort: 80 }] }
",
        "internet > 20.50.0.2 tcp/80",
        "unknown DANGLING_REFERENCE by -",
    ),
    fault(
        "a closed peering and an unknown table",
        "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }] }
- { name: v1, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.0.0/24, routeTable: nowhere }] }
hosts:
- { name: a, privateIPAddress: 10.1.0.10, subnet: v1/s }
- { name: b, privateIPAddress: 10.0.0.11, subnet: v0/s }
virtualNetworkPeerings:
- { name: v0/to-v1, remoteVirtualNetwork: v1 }
- { name: v1/to-v0, allowVirtualNetworkAccess: false, remoteVirtualNetwork: v0 }
",
        "a > b tcp/443",
        "unknown DANGLING_REFERENCE by -",
    ),
    fault(
        "a closed peering without a group",
        "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }] }
- { name: v1, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.0.0/24 }] }
hosts:
- { name: a, privateIPAddress: 10.1.0.10, subnet: v1/s }
- { name: b, privateIPAddress: 10.0.0.11, subnet: v0/s }
virtualNetworkPeerings:
- { name: v0/to-v1, remoteVirtualNetwork: v1 }
- { name: v1/to-v0, allowVirtualNetworkAccess: false, remoteVirtualNetwork: v0 }
",
        "b > a tcp/443",
        "allowed ",
    ),
    fault(
        "an unknown route matters only where it ends differently",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: AzureFirewallSubnet, addressPrefix: 10.0.250.0/26 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
publicIPAddresses:
- { name: p, ipAddress: 20.50.3.1, sku: Standard }
azureFirewalls:
- { name: fw, firewallPolicy: p, privateIPAddress: 10.0.250.4, publicIPAddress: p, subnet: v/AzureFirewallSubnet }
firewallPolicies:
- { name: p }
ruleCollectionGroups:
- { name: g, parent: p, priority: 200, ruleCollections: [{ name: c, action: { type: Allow }, priority: 110, rules: [{ name: web, destinationAddresses: ['*'], destinationPorts: ['443'], ipProtocols: [TCP], ruleType: NetworkRule, sourceAddresses: ['*'] }] }] }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: ContosoCloud, nextHopIpAddress: 10.0.250.4, nextHopType: VirtualAppliance }] }
",
        "m > www.example.org tcp/443",
        "allowed ",
    ),
    fault(
        "a rule by name beside an empty list of addresses",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: AzureFirewallSubnet, addressPrefix: 10.0.250.0/26 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
azureFirewalls:
- { name: fw, firewallPolicy: p, privateIPAddress: 10.0.250.4, subnet: v/AzureFirewallSubnet }
firewallPolicies:
- { name: p }
ruleCollectionGroups:
- { name: g, parent: p, priority: 200, ruleCollections: [{ name: c, action: { type: Allow }, priority: 110, rules: [{ name: by-name, destinationAddresses: [], destinationFqdns: [www.example.org], destinationPorts: ['*'], ipProtocols: [TCP], ruleType: NetworkRule, sourceAddresses: ['*'] }] }] }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopIpAddress: 10.0.250.4, nextHopType: VirtualAppliance }] }
",
        "m > www.example.org tcp/443",
        "blocked FIREWALL_APPLICATION_RULE_NO_MATCH by fw",
    ),
    fault(
        "a rule that may deny before the default does",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: AzureFirewallSubnet, addressPrefix: 10.0.250.0/26 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
azureFirewalls:
- { name: fw, firewallPolicy: p, privateIPAddress: 10.0.250.4, subnet: v/AzureFirewallSubnet }
firewallPolicies:
- { name: p }
ruleCollectionGroups:
- { name: g, parent: p, priority: 200, ruleCollections: [{ name: c, action: { type: Deny }, priority: 110, rules: [{ name: may, destinationAddresses: [ContosoCloud], destinationPorts: ['*'], ipProtocols: [TCP], ruleType: NetworkRule, sourceAddresses: ['*'] }] }] }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopIpAddress: 10.0.250.4, nextHopType: VirtualAppliance }] }
",
        "m > 8.8.8.8 tcp/22",
        "blocked FIREWALL_NETWORK_RULE_DENY by p/g/c/may or FIREWALL_DEFAULT_DENY by fw",
    ),
    fault(
        "of two DNS servers the first decides",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], dnsServers: [10.0.2.53, 10.0.3.53], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: one, addressPrefix: 10.0.2.0/24 }, { name: two, addressPrefix: 10.0.3.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
routeTables:
- { name: t, routes: [{ name: first, addressPrefix: 10.0.2.0/24, nextHopType: None }, { name: second, addressPrefix: 10.0.3.0/24, nextHopType: None }] }
",
        "m > www.example.org tcp/443",
        "blocked DNS_SERVER_UNREACHABLE by t/first",
    ),
    fault(
        "a public front is closed for one backend and open for another",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
publicIPAddresses:
- { name: p, ipAddress: 20.50.0.2, sku: Standard }
networkSecurityGroups:
- { name: g, securityRules: [{ name: in, priority: 100, direction: Inbound, access: Allow, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }] }
networkInterfaces:
- { name: a, networkSecurityGroup: g, ipConfigurations: [{ name: ip, subnet: v/s, privateIPAddress: 10.0.1.20, loadBalancerBackendAddressPools: [LB/backendAddressPools/pool] }] }
- { name: b, ipConfigurations: [{ name: ip, subnet: v/s, privateIPAddress: 10.0.1.21, loadBalancerBackendAddressPools: [LB/backendAddressPools/pool] }] }
loadBalancers:
- { name: lb, sku: Standard, frontendIPConfigurations: [{ name: front, publicIPAddress: p }], backendAddressPools: [{ name: pool }], loadBalancingRules: [{ name: web, frontendIPConfiguration: LB/frontendIPConfigurations/front, backendAddressPool: LB/backendAddressPools/pool, protocol: Tcp, frontendPort: 80, backendPort: 80 }] }
",
        "internet > 20.50.0.2 tcp/80",
        "mixed PUBLIC_ADDRESS_CLOSED by b",
    ),
    fault(
        "equal next hops on the way back",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: a, addressPrefix: 10.0.1.0/24 }, { name: b, addressPrefix: 10.0.2.0/24, routeTable: t }, { name: nva, addressPrefix: 10.0.3.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/a }
- { name: n, privateIPAddress: 10.0.2.12, subnet: v/b }
- { name: one, forwards: true, privateIPAddress: 10.0.3.4, subnet: v/nva }
- { name: two, forwards: true, privateIPAddress: 10.0.3.5, subnet: v/nva }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 10.0.1.0/24, nextHopType: VirtualApplianceEcmp, nextHop: { nextHopIpAddresses: [10.0.3.4, 10.0.3.5] } }] }
",
        "m > n tcp/443",
        "blocked ASYMMETRIC_RETURN by one or ASYMMETRIC_RETURN by two",
    ),
    fault(
        "a mesh stays in its region",
        "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }] }
- { name: v1, addressPrefixes: [10.1.0.0/16], location: southeastasia, subnets: [{ name: s, addressPrefix: 10.1.1.0/24 }] }
hosts:
- { name: a, privateIPAddress: 10.0.1.12, subnet: v0/s }
- { name: b, privateIPAddress: 10.1.1.12, subnet: v1/s }
networkManagers:
- { name: avnm }
networkGroups:
- { name: g, parent: avnm, members: [v0, v1] }
connectivityConfigurations:
- { name: mesh, parent: avnm, connectivityTopology: Mesh, appliesToGroups: [{ networkGroupId: avnm/g, groupConnectivity: DirectlyConnected }] }
",
        "a > b tcp/443",
        "blocked SYSTEM_ROUTE_NONE by -",
    ),
    fault(
        "what a gateway has learnt leads to its site",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }, { name: GatewaySubnet, addressPrefix: 10.0.251.0/27 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
onPremisesSites:
- { name: site, addressPrefixes: [172.30.100.0/24], connectedTo: [gw] }
bgpRoutes:
- { name: learnt, addressPrefix: 10.77.0.0/16, learnedBy: gw, site: site }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v/GatewaySubnet }
",
        "m > 10.77.0.9 tcp/443",
        "blocked NO_ROUTE by site",
    ),
    fault(
        "a doubtful allow for the host's own DNS",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
networkSecurityGroups:
- { name: g, securityRules: [{ name: may, priority: 100, direction: Outbound, access: Allow, protocol: '*', sourceAddressPrefix: ContosoCloud, sourcePortRange: '*', destinationAddressPrefix: AzurePlatformDNS, destinationPortRange: '*' }] }
",
        "m > www.example.org tcp/443",
        "allowed ",
    ),
    fault(
        "a listener answers at its own frontend only",
        "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24 }, { name: agw, addressPrefix: 10.0.4.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
publicIPAddresses:
- { name: p, ipAddress: 20.50.0.2, sku: Standard }
applicationGateways:
- { name: agw, gatewayIPConfigurations: [{ name: ip, subnet: v/agw }], frontendIPConfigurations: [{ name: public, publicIPAddress: p }, { name: private, subnet: v/agw, privateIPAddress: 10.0.4.10 }], frontendPorts: [{ name: port, port: 443 }], backendAddressPools: [{ name: pool, backendAddresses: [{ ipAddress: 10.0.1.12 }] }], httpListeners: [{ name: l, frontendIPConfiguration: AGW/frontendIPConfigurations/public, frontendPort: AGW/frontendPorts/port }], requestRoutingRules: [{ name: r, httpListener: AGW/httpListeners/l, backendAddressPool: AGW/backendAddressPools/pool }] }
",
        "m > 10.0.4.10 tcp/443",
        "blocked FRONTEND_PORT_CLOSED by agw",
    ),
    Fault {
        name: "forwarded traffic that the platform drops",
        knobs: &[("forwardedTrafficMode", "platformDrop")],
        estate: "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: nva, addressPrefix: 10.0.3.0/24 }] }
- { name: v1, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.0.0/24, routeTable: t }] }
- { name: v2, addressPrefixes: [10.2.0.0/16], subnets: [{ name: s, addressPrefix: 10.2.0.0/24, routeTable: t }] }
hosts:
- { name: a, privateIPAddress: 10.1.0.14, subnet: v1/s }
- { name: b, privateIPAddress: 10.2.0.16, subnet: v2/s }
- { name: nva, forwards: true, privateIPAddress: 10.0.3.4, subnet: v0/nva }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopIpAddress: 10.0.3.4, nextHopType: VirtualAppliance }] }
virtualNetworkPeerings:
- { name: v0/to-v1, remoteVirtualNetwork: v1 }
- { name: v1/to-v0, remoteVirtualNetwork: v0 }
- { name: v0/to-v2, remoteVirtualNetwork: v2 }
- { name: v2/to-v0, remoteVirtualNetwork: v0 }
",
        flow: "a > b tcp/443",
        expected: "blocked FORWARDED_TRAFFIC_DROPPED by v2/to-v0",
    },
];

const FIREWALL_NOWHERE: &str = "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.1.0/24, routeTable: t }, { name: AzureFirewallSubnet, addressPrefix: 10.0.250.0/26 }] }
hosts:
- { name: m, privateIPAddress: 10.0.1.12, subnet: v/s }
publicIPAddresses:
- { name: p, ipAddress: 20.50.3.1, sku: Standard }
azureFirewalls:
- { name: fw, firewallPolicy: nowhere, privateIPAddress: 10.0.250.4, publicIPAddress: p, subnet: v/AzureFirewallSubnet }
routeTables:
- { name: t, routes: [{ name: r, addressPrefix: 0.0.0.0/0, nextHopIpAddress: 10.0.250.4, nextHopType: VirtualAppliance }] }
";

const FORCED: &str = "virtualNetworks:
- { name: v0, addressPrefixes: [10.0.0.0/16], subnets: [{ name: GatewaySubnet, addressPrefix: 10.0.251.0/27 }] }
- { name: v2, addressPrefixes: [10.2.0.0/16], subnets: [{ name: s, addressPrefix: 10.2.0.0/24 }] }
hosts:
- { name: m, privateIPAddress: 10.2.0.10, subnet: v2/s }
onPremisesSites:
- { name: site, addressPrefixes: [192.168.100.0/24], advertises: [0.0.0.0/0], connectedTo: [gw] }
virtualNetworkGateways:
- { name: gw, gatewayType: Vpn, subnet: v0/GatewaySubnet }
virtualNetworkPeerings:
- { name: v0/to-v2, allowGatewayTransit: true, remoteVirtualNetwork: v2 }
- { name: v2/to-v0, remoteVirtualNetwork: v0, useRemoteGateways: true }
";

/// The id of the load balancer `lb`, which the cases write `LB`.
const LB: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/estate/providers/Microsoft.Network/loadBalancers/lb";

/// The id of the application gateway `agw`, which the cases write `AGW`.
const AGW: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/estate/providers/Microsoft.Network/applicationGateways/agw";

#[test]
fn faults_once_found_stay_mended() {
    let tags = ServiceTags::builtin();
    let mut wrong = Vec::new();
    for fault in FAULTS {
        let mut profile = Profile::default();
        for (knob, value) in fault.knobs {
            profile.set(knob, value).expect("a knob");
        }
        let estate = fault.estate.replace("LB/", &format!("{LB}/")).replace("AGW/", &format!("{AGW}/"));
        let text = format!("netwhy: estate/1\ndefaults: {{ location: westeurope }}\n{estate}");
        let network = network(&text, &profile, &tags).expect("a good estate");
        let reference = answer(&network, &flow(fault.flow)).expect("few worlds");
        let got = engine(&network, fault.flow);
        let agrees = got.as_ref().is_ok_and(|trace| same(&trace.decision(), &reference));
        if words(&reference) != fault.expected {
            wrong.push(format!(
                "{}: the reference says {}, not {}",
                fault.name,
                words(&reference),
                fault.expected
            ));
        } else if !agrees {
            wrong.push(format!("{}: the engine says {}, not {}", fault.name, decided(&got), fault.expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
