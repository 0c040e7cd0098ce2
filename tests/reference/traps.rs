//! Hand-made estates whose answers stand in section 19 of the rules.

use super::load::{flow, network};
use super::tracer::answer;
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;

/// Asks the reference; `expected` is the outcome, and for what is blocked the cause and the decider.
fn check(estate: &str, question: &str, expected: &str) {
    check_with(&[], estate, question, expected);
}

fn check_with(knobs: &[(&str, &str)], estate: &str, question: &str, expected: &str) {
    let mut profile = Profile::default();
    for (knob, value) in knobs {
        profile.set(knob, value).expect("a knob");
    }
    let text = format!("netwhy: estate/1\ndefaults: {{ location: westeurope }}\n{estate}");
    let network = network(&text, &profile, &ServiceTags::builtin()).expect("a good estate");
    let answer = answer(&network, &flow(question)).expect("few worlds");
    let mut got = answer.outcome.to_string();
    for stop in &answer.stops {
        got += &format!(" {}", stop.cause.code());
        got += &stop.decider.as_ref().map(|d| format!(" {d}")).unwrap_or_default();
    }
    assert_eq!(got, expected, "{question}\n{text}");
}

/// A subnet with two hosts, and a rule set on it.
fn pair(rules: &str) -> String {
    format!(
        "networkSecurityGroups:
- {{ name: g, securityRules: [{rules}] }}
virtualNetworks:
- {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: s, addressPrefix: 10.0.0.0/24, networkSecurityGroup: g }}] }}
hosts:
- {{ name: a, subnet: v/s, privateIPAddress: 10.0.0.10 }}
- {{ name: b, subnet: v/s, privateIPAddress: 10.0.0.11 }}
"
    )
}

fn rule(name: &str, priority: u32, direction: &str, access: &str, rest: &str) -> String {
    let rest = if rest.is_empty() {
        "protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*'"
    } else {
        rest
    };
    format!("{{ name: {name}, priority: {priority}, direction: {direction}, access: {access}, {rest} }}")
}

#[test]
fn t1_a_subnet_group_filters_inside_the_subnet() {
    let rules =
        [rule("no-out", 100, "Outbound", "Deny", ""), rule("no-in", 100, "Inbound", "Deny", "")].join(", ");
    check(&pair(&rules), "a > b tcp/443", "blocked NSG_RULE_DENY g/no-out");
}

#[test]
fn t3_the_reply_needs_no_rule() {
    check(&pair(""), "a > b tcp/443", "allowed");
    let only_out = rule(
        "no-in",
        100,
        "Inbound",
        "Deny",
        "protocol: Tcp, sourceAddressPrefix: 10.0.0.11, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*'",
    );
    check(&pair(&only_out), "a > b tcp/443", "allowed");
}

#[test]
fn t6_platform_addresses_are_exempt() {
    let rules = rule("no-out", 100, "Outbound", "Deny", "");
    check(&pair(&rules), "a > 169.254.169.254 tcp/80", "allowed");
    check(&pair(&rules), "a > 168.63.129.16 udp/53", "allowed");
    let imds = rule(
        "no-imds",
        100,
        "Outbound",
        "Deny",
        "protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: AzurePlatformIMDS, destinationPortRange: '*'",
    );
    check(&pair(&imds), "a > 169.254.169.254 tcp/80", "blocked NSG_RULE_DENY g/no-imds");
}

#[test]
fn t10_a_standard_address_is_closed_without_a_group() {
    let estate = |sku: &str| {
        format!(
            "publicIPAddresses:
- {{ name: p, sku: {sku}, ipAddress: 20.1.2.3 }}
virtualNetworks:
- {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: s, addressPrefix: 10.0.0.0/24 }}] }}
hosts:
- {{ name: a, subnet: v/s, publicIPAddress: p }}
"
        )
    };
    check(&estate("Standard"), "internet > a tcp/443", "blocked PUBLIC_ADDRESS_CLOSED a");
    check(&estate("Basic"), "internet > 20.1.2.3 tcp/443", "allowed");
}

const SPOKES: &str = "virtualNetworks:
- { name: hub, addressPrefixes: [10.0.0.0/16], subnets: [{ name: AzureFirewallSubnet, addressPrefix: 10.0.1.0/26 }],
    virtualNetworkPeerings: [{ name: to-a, remoteVirtualNetwork: va }, { name: to-b, remoteVirtualNetwork: vb }] }
- { name: va, addressPrefixes: [10.1.0.0/16], subnets: [{ name: s, addressPrefix: 10.1.0.0/24, routeTable: ta }],
    virtualNetworkPeerings: [{ name: to-hub, remoteVirtualNetwork: hub, allowForwardedTraffic: true }] }
- { name: vb, addressPrefixes: [10.2.0.0/16], subnets: [{ name: s, addressPrefix: 10.2.0.0/24, routeTable: tb }],
    virtualNetworkPeerings: [{ name: to-hub, remoteVirtualNetwork: hub, allowForwardedTraffic: true }] }
hosts:
- { name: a, subnet: va/s, privateIPAddress: 10.1.0.10 }
- { name: b, subnet: vb/s, privateIPAddress: 10.2.0.10 }
publicIPAddresses:
- { name: fw-ip, sku: Standard, ipAddress: 20.5.5.5 }
azureFirewalls:
- { name: fw, subnet: hub/AzureFirewallSubnet, privateIPAddress: 10.0.1.4, publicIPAddress: fw-ip, firewallPolicy: p }
firewallPolicies:
- { name: p }
";

fn spokes(a: &str, b: &str, rules: &str) -> String {
    format!(
        "{SPOKES}ruleCollectionGroups:
- {{ name: g, parent: p, priority: 200, ruleCollections: [{{ name: c, priority: 100, action: {{ type: Allow }}, rules: [{rules}] }}] }}
routeTables:
- {{ name: ta, routes: [{a}] }}
- {{ name: tb, routes: [{b}] }}
"
    )
}

const DEFAULT: &str =
    "{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.1.4 }";
const ANY: &str = "{ name: any, ruleType: NetworkRule, ipProtocols: [Any], sourceAddresses: ['*'], destinationAddresses: ['*'], destinationPorts: ['*'] }";

#[test]
fn t24_peering_is_not_transitive() {
    check(&spokes("", "", ""), "a > b tcp/443", "blocked SYSTEM_ROUTE_NONE");
}

#[test]
fn t27c_a_default_route_takes_the_none_routes_away() {
    check(&spokes(DEFAULT, DEFAULT, ""), "a > b tcp/443", "blocked FIREWALL_APPLICATION_RULE_NO_MATCH fw");
    check(&spokes(DEFAULT, DEFAULT, ""), "a > b tcp/22", "blocked FIREWALL_DEFAULT_DENY fw");
    check(&spokes(DEFAULT, DEFAULT, ANY), "a > b tcp/443", "allowed");
}

#[test]
fn t37_an_answer_that_misses_the_firewall_is_lost() {
    check(&spokes(DEFAULT, "", ANY), "a > b tcp/443", "blocked RETURN_NO_ROUTE");
}

#[test]
fn t35_a_table_on_the_appliances_own_subnet_is_a_loop() {
    let estate = "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24, routeTable: t }] }
routeTables:
- { name: t, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.20 }] }
hosts:
- { name: a, subnet: v/s, privateIPAddress: 10.0.0.10 }
- { name: nva, subnet: v/s, privateIPAddress: 10.0.0.20, forwards: true }
- { name: deaf, subnet: v/s, privateIPAddress: 10.0.0.21 }
";
    check(estate, "a > 93.184.216.34 tcp/443", "blocked ROUTING_LOOP");
    let deaf = estate.replace("nextHopIpAddress: 10.0.0.20", "nextHopIpAddress: 10.0.0.21");
    check(&deaf, "a > 93.184.216.34 tcp/443", "blocked NEXT_HOP_NOT_FORWARDING deaf");
}

#[test]
fn t42_a_private_subnet_has_no_way_out() {
    let estate = "virtualNetworks:
- { name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24, defaultOutboundAccess: false }] }
storageAccounts:
- { name: near }
- { name: far, location: southeastasia }
hosts:
- { name: a, subnet: v/s, privateIPAddress: 10.0.0.10 }
";
    check(estate, "a > 93.184.216.34 tcp/443", "blocked NO_OUTBOUND_METHOD v/s");
    check(estate, "a > near.blob.core.windows.net tcp/443", "allowed");
    check(estate, "a > far.blob.core.windows.net tcp/443", "blocked NO_OUTBOUND_METHOD v/s");
}

/// A storage account behind a private endpoint, and a zone for it.
fn endpoint(policy: &str, status: &str, link: &str, acls: &str) -> String {
    format!(
        "virtualNetworks:
- {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: s, addressPrefix: 10.0.0.0/24 }}, {{ name: e, addressPrefix: 10.0.1.0/24, networkSecurityGroup: g, privateEndpointNetworkPolicies: {policy} }}] }}
networkSecurityGroups:
- {{ name: g, securityRules: [{}] }}
hosts:
- {{ name: a, subnet: v/s, privateIPAddress: 10.0.0.10 }}
storageAccounts:
- {{ name: sa {acls} }}
- {{ name: other }}
privateEndpoints:
- {{ name: pe, subnet: v/e, privateIPAddress: 10.0.1.10, target: sa, groupIds: [blob], status: {status} }}
privateDnsZones:
- {{ name: privatelink.blob.core.windows.net }}
privateDnsZoneGroups:
- {{ name: pe/default, privateDnsZones: [privatelink.blob.core.windows.net] }}
{link}",
        rule("no-in", 100, "Inbound", "Deny", "")
    )
}

const LINK: &str = "virtualNetworkLinks:
- { name: l, privateDnsZone: privatelink.blob.core.windows.net, virtualNetwork: v }
";

#[test]
fn t50_to_t67_private_endpoints() {
    let disabled = ", publicNetworkAccess: Disabled";
    let blob = "a > sa.blob.core.windows.net tcp/443";
    check(&endpoint("Disabled", "Approved", LINK, disabled), blob, "allowed");
    check(&endpoint("Enabled", "Approved", LINK, disabled), blob, "blocked NSG_RULE_DENY g/no-in");
    check(&endpoint("Disabled", "Pending", LINK, disabled), blob, "blocked PE_CONNECTION_NOT_APPROVED pe");
    check(
        &endpoint("Disabled", "Approved", "", disabled),
        blob,
        "blocked DNS_ZONE_NOT_LINKED privatelink.blob.core.windows.net",
    );
    check(&endpoint("Disabled", "Approved", LINK, ""), "a > other.blob.core.windows.net tcp/443", "allowed");
}

#[test]
fn t54_a_zone_without_the_record_hides_the_name() {
    let third = "internetHosts:
- { names: [third.blob.core.windows.net], serviceTag: Storage.westeurope, hasPrivateEndpoint: true }
";
    let estate = endpoint("Disabled", "Approved", &format!("{LINK}{third}"), "");
    check(
        &estate,
        "a > third.blob.core.windows.net tcp/443",
        "blocked DNS_NXDOMAIN_ZONE_SHADOW privatelink.blob.core.windows.net/third.privatelink.blob.core.windows.net",
    );
    let redirects =
        estate.replace("virtualNetwork: v }", "virtualNetwork: v, resolutionPolicy: NxDomainRedirect }");
    check(&redirects, "a > third.blob.core.windows.net tcp/443", "allowed");
}

#[test]
fn t52_contributor_does_not_read_blobs() {
    let roles = |role: &str| {
        format!(
            "{LINK}principals:
- {{ name: ann, memberOf: [team] }}
- {{ name: team, principalType: Group }}
roleAssignments:
- {{ role: {role}, principal: team, scope: sa }}
"
        )
    };
    let estate = |role: &str| endpoint("Disabled", "Approved", &roles(role), "");
    let question = "a > sa.blob.core.windows.net tcp/443 as ann";
    check(&estate("Contributor"), question, "blocked RBAC_MISSING_DATA_ROLE sa");
    check(&estate("Storage Blob Data Reader"), question, "allowed");
}

#[test]
fn an_unknown_tag_matters_only_where_it_decides() {
    let at = |priority: u32, access: &str| {
        rule(
            "tagged",
            priority,
            "Outbound",
            access,
            "protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: NoSuchTag, destinationPortRange: '*'",
        )
    };
    check(&pair(&at(100, "Allow")), "a > b tcp/443", "allowed");
    check(&pair(&at(100, "Deny")), "a > b tcp/443", "unknown UNKNOWN_SERVICE_TAG");
    let denied = [at(100, "Deny"), rule("no-in", 100, "Inbound", "Deny", "")].join(", ");
    check(&pair(&denied), "a > b tcp/443", "blocked NSG_RULE_DENY g/no-in NSG_RULE_DENY g/tagged");
}
