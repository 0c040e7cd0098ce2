//! Network Watcher's questions: Azure's own field names and spellings, key by key, and what the fields say.

use netwhy::analysis::{
    FlowQuestion, Profile as Traffic, Subject, TrafficEnd, connectivity, effective_routes, effective_rules,
    ip_flow_verify, next_hop, nsg_diagnostics,
};
use netwhy::diag::{Diagnostics, Sources};
use netwhy::doc::parse_yaml;
use netwhy::formats::native;
use netwhy::inventory::Direction;
use netwhy::net::Protocol;
use netwhy::network::{Network, compile};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Cause, Endpoint, Flow};
use serde_json::Value;
use std::collections::BTreeSet;

const ESTATE: &str = "
netwhy: estate/1
defaults: { location: westeurope }
virtualNetworks:
  - name: v
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: s, addressPrefix: 10.0.0.0/24, networkSecurityGroup: g, routeTable: rt }
      - { name: t, addressPrefix: 10.0.1.0/24 }
networkSecurityGroups:
  - name: g
    securityRules:
      - { name: no, priority: 100, direction: Inbound, access: Deny, protocol: Tcp, sourceAddressPrefix: '*',
          sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '22' }
routeTables:
  - { name: rt, routes: [{ name: drop, addressPrefix: 192.0.2.0/24, nextHopType: None },
                         { name: via, addressPrefix: 10.9.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.1.4 }] }
networkInterfaces: [{ name: nic, ipConfigurations: [{ name: ip, subnet: v/s, privateIPAddress: 10.0.0.4 }] }]
virtualMachines: [{ name: vm, networkInterfaces: [nic] }]
hosts: [{ name: a, subnet: v/t, privateIPAddress: 10.0.1.4 }]
storageAccounts: [{ name: acc }]
privateEndpoints: [{ name: pe, subnet: v/t, target: acc, groupIds: [blob], privateIPAddress: 10.0.1.9 }]
";

fn network() -> Network {
    network_of(ESTATE)
}

fn network_of(estate: &str) -> Network {
    let (mut notes, mut sources) = (Diagnostics::new(), Sources::default());
    let doc = sources.add("estate.yaml", estate);
    let root = parse_yaml(doc, estate, &mut notes).expect("yaml");
    let inventory = netwhy::inventory::build(native::load(&root, &mut notes), &mut notes);
    compile(inventory, ServiceTags::builtin(), Profile::default(), &mut notes)
}

fn subject(network: &Network) -> Subject {
    Subject::find(network, "vm").expect("a machine")
}

/// The keys of an object are Azure's, or begin with `x-`; `needed` are there.
#[track_caller]
fn check(value: &Value, azure: &[&str], needed: &[&str]) {
    let keys: BTreeSet<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    let strange: Vec<_> = keys.iter().filter(|k| !k.starts_with("x-") && !azure.contains(*k)).collect();
    assert!(strange.is_empty(), "{strange:?} are no fields of Azure's: {value}");
    let missing: Vec<_> = needed.iter().filter(|k| !keys.contains(*k)).collect();
    assert!(missing.is_empty(), "{missing:?} are not there: {value}");
}

fn json<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("JSON")
}

fn verify(network: &Network, direction: Direction, port: u16) -> Value {
    let question = FlowQuestion {
        direction,
        protocol: Protocol::Tcp,
        local_ip: None,
        local_port: port,
        remote_ip: "10.0.1.4".parse().expect("an address"),
        remote_port: 50_000,
    };
    json(&ip_flow_verify(network, &subject(network), &question).expect("an answer"))
}

/// Rules: NW-1.
#[test]
fn ip_flow_verify_asks_rules_alone() {
    let network = network();
    let denied = verify(&network, Direction::Inbound, 22);
    check(&denied, &["access", "ruleName", "ruleId"], &["access", "ruleName", "ruleId"]);
    assert_eq!((&denied["access"], &denied["ruleName"]), (&"Deny".into(), &"securityRules/no".into()));
    assert!(
        denied["ruleId"].as_str().is_some_and(|id| id.ends_with("/networkSecurityGroups/g/securityRules/no"))
    );
    let allowed = verify(&network, Direction::Inbound, 443);
    assert_eq!(allowed["access"], "Allow");
    assert_eq!(allowed["ruleName"], "defaultSecurityRules/AllowVnetInBound");
    let icmp = FlowQuestion {
        direction: Direction::Inbound,
        protocol: Protocol::Icmp,
        local_ip: None,
        local_port: 0,
        remote_ip: "10.0.1.4".parse().expect("an address"),
        remote_port: 0,
    };
    assert!(ip_flow_verify(&network, &subject(&network), &icmp).is_err(), "only TCP and UDP are asked");
}

/// Azure asks the rules of a machine's only interface about whatever local address it is told.
///
/// Rules: NW-1, NW-3.
#[test]
fn the_only_interface_answers_for_other_addresses() {
    let network = network();
    let question = FlowQuestion {
        direction: Direction::Inbound,
        protocol: Protocol::Tcp,
        local_ip: Some("10.0.0.9".parse().expect("an address")),
        local_port: 22,
        remote_ip: "10.0.1.4".parse().expect("an address"),
        remote_port: netwhy::analysis::ANY_SOURCE_PORT,
    };
    let answer = json(&ip_flow_verify(&network, &subject(&network), &question).expect("an answer"));
    assert_eq!((&answer["access"], &answer["ruleName"]), (&"Deny".into(), &"securityRules/no".into()));
    assert!(answer["x-note"].as_str().is_some_and(|note| note.contains("does not hold")), "{answer}");
    assert!(verify(&network, Direction::Inbound, 22).get("x-note").is_none());
    let to = "10.0.0.6".parse().expect("an address");
    let from = "123.4.5.6".parse().expect("an address");
    let hop = json(&next_hop(&network, &subject(&network), Some(from), to).expect("an answer"));
    assert_eq!(hop["nextHopType"], "VnetLocal");
    let six = FlowQuestion { local_ip: Some("fd00::9".parse().expect("an address")), ..question };
    assert!(ip_flow_verify(&network, &subject(&network), &six).is_err(), "it has no address of that family");
}

/// `*` is every address on the interface's own side too, so that rules for less do not match it.
///
/// Rules: NW-2.
#[test]
fn a_star_is_every_address_on_both_sides() {
    let network = network();
    let ask = |direction, source: &str, destination: &str, port| {
        let profile = Traffic {
            direction,
            protocol: Some(Protocol::Tcp),
            source: TrafficEnd::parse(source).expect("an end"),
            destination: TrafficEnd::parse(destination).expect("an end"),
            destination_port: Some(port),
        };
        let answer = json(&nsg_diagnostics(&network, &subject(&network), &[profile]).expect("an answer"));
        let group = &answer["results"][0]["networkSecurityGroupResult"]["evaluatedNetworkSecurityGroups"][0];
        let rules = group["rulesEvaluationResult"].as_array().cloned().unwrap_or_default();
        let matched = |name: &str, key: &str| {
            rules.iter().find(|r| r["name"] == name).map_or(Value::Null, |r| r[key].clone())
        };
        (
            group["matchedRule"]["ruleName"].clone(),
            matched("DefaultRule_AllowVnetInBound", "destinationMatched"),
            matched("DefaultRule_AllowVnetOutBound", "sourceMatched"),
        )
    };
    let own = ask(Direction::Inbound, "10.0.1.4", "10.0.0.4", 443);
    assert_eq!((own.0, own.1), ("DefaultRule_AllowVnetInBound".into(), true.into()));
    let any = ask(Direction::Inbound, "10.0.1.4", "*", 443);
    assert_eq!((any.0, any.1), ("DefaultRule_DenyAllInBound".into(), false.into()));
    let written = ask(Direction::Inbound, "10.0.1.4", "*", 22);
    assert_eq!(written.0, "UserRule_no", "a rule for every destination matches every destination");
    let out = ask(Direction::Outbound, "*", "10.0.1.4", 443);
    assert_eq!((out.0, out.2), ("DefaultRule_DenyAllOutBound".into(), false.into()));
}

/// Rules: NW-2.
#[test]
fn nsg_diagnostics_shows_every_rule_looked_at() {
    let network = network();
    let traffic = |port| Traffic {
        direction: Direction::Inbound,
        protocol: Some(Protocol::Tcp),
        source: TrafficEnd::parse("10.0.1.4").expect("an end"),
        destination: TrafficEnd::parse("10.0.0.4").expect("an end"),
        destination_port: Some(port),
    };
    let ask = |port| {
        let answer =
            json(&nsg_diagnostics(&network, &subject(&network), &[traffic(port)]).expect("an answer"));
        check(&answer, &["results"], &["results"]);
        answer["results"][0].clone()
    };
    let result = ask(22);
    check(&result, &["profile", "networkSecurityGroupResult"], &["profile", "networkSecurityGroupResult"]);
    let profile = ["direction", "protocol", "source", "destination", "destinationPort"];
    check(&result["profile"], &profile, &profile);
    let group = &result["networkSecurityGroupResult"];
    let fields = ["securityRuleAccessResult", "evaluatedNetworkSecurityGroups"];
    check(group, &fields, &fields);
    assert_eq!(group["securityRuleAccessResult"], "Deny");
    let one = &group["evaluatedNetworkSecurityGroups"][0];
    let fields = ["networkSecurityGroupId", "appliedTo", "matchedRule", "rulesEvaluationResult"];
    check(one, &fields, &fields);
    check(&one["matchedRule"], &["ruleName", "action"], &["ruleName", "action"]);
    let rule = &one["rulesEvaluationResult"][0];
    let fields = [
        "name",
        "protocolMatched",
        "sourceMatched",
        "sourcePortMatched",
        "destinationMatched",
        "destinationPortMatched",
    ];
    check(rule, &fields, &fields);
    assert_eq!((&rule["name"], &rule["destinationPortMatched"]), (&"UserRule_no".into(), &true.into()));
    let other = ask(443);
    assert_eq!(other["networkSecurityGroupResult"]["securityRuleAccessResult"], "Allow");
    let rule =
        &other["networkSecurityGroupResult"]["evaluatedNetworkSecurityGroups"][0]["rulesEvaluationResult"][0];
    assert_eq!(rule["destinationPortMatched"], false);
}

/// Rules: NW-3.
#[test]
fn next_hop_names_type_address_and_table() {
    let network = network();
    let ask = |to: &str| {
        let to = to.parse().expect("an address");
        json(&next_hop(&network, &subject(&network), None, to).expect("an answer"))
    };
    let system = ask("8.8.8.8");
    check(&system, &["nextHopType", "nextHopIpAddress", "routeTableId"], &["nextHopType", "routeTableId"]);
    assert_eq!(
        (&system["nextHopType"], &system["routeTableId"]),
        (&"Internet".into(), &"System Route".into())
    );
    let user = ask("10.9.0.1");
    assert_eq!(
        (&user["nextHopType"], &user["nextHopIpAddress"]),
        (&"VirtualAppliance".into(), &"10.0.1.4".into())
    );
    assert!(user["routeTableId"].as_str().is_some_and(|id| id.ends_with("/routeTables/rt")));
    assert_eq!(ask("192.0.2.1")["nextHopType"], "None");
    let local = ask("10.0.1.4");
    assert_eq!(
        (&local["nextHopType"], &local["x-nextHopType"]),
        (&"VnetLocal".into(), &"VirtualNetwork".into())
    );
}

/// Rules: NW-4, RT-21.
#[test]
fn effective_routes_have_source_and_state() {
    let network = network();
    let answer = json(&effective_routes(&network, &subject(&network), None).expect("an answer"));
    check(&answer, &["value"], &["value"]);
    let fields = [
        "name",
        "disableBgpRoutePropagation",
        "source",
        "state",
        "hasBgpOverride",
        "addressPrefix",
        "nextHopType",
        "nextHopIpAddress",
        "destinationServiceTags",
    ];
    for route in answer["value"].as_array().expect("a list") {
        check(route, &fields, &["source", "state", "addressPrefix", "nextHopType", "nextHopIpAddress"]);
        let words = ["Default", "User", "VirtualNetworkGateway", "Unknown"];
        assert!(
            words.iter().any(|w| route["source"] == *w)
                && ["Active", "Invalid"].iter().any(|w| route["state"] == *w)
        );
    }
}

/// Rules: PE-7.
#[test]
fn a_private_endpoint_shows_neither_routes_nor_rules() {
    let network = network();
    let endpoint = Subject::find(&network, "pe").expect("a subject");
    for error in [
        effective_routes(&network, &endpoint, None).expect_err("no routes"),
        effective_rules(&network, &endpoint, None).expect_err("no rules"),
    ] {
        assert!(error.to_string().contains("PE-7"), "{error}");
    }
    let machine = Subject::find(&network, "a").expect("a subject");
    assert!(effective_routes(&network, &machine, None).is_ok());
}

/// Rules: NSG-28.
#[test]
fn effective_rules_come_group_by_group() {
    let network = network();
    let answer = json(&effective_rules(&network, &subject(&network), None).expect("an answer"));
    let group = &answer["value"][0];
    let fields = ["networkSecurityGroup", "association", "effectiveSecurityRules"];
    check(group, &fields, &fields);
    check(&group["association"], &["subnet", "networkInterface", "networkManager"], &["subnet"]);
    let fields = [
        "name",
        "protocol",
        "sourcePortRange",
        "destinationPortRange",
        "sourcePortRanges",
        "destinationPortRanges",
        "sourceAddressPrefix",
        "destinationAddressPrefix",
        "sourceAddressPrefixes",
        "destinationAddressPrefixes",
        "expandedSourceAddressPrefix",
        "expandedDestinationAddressPrefix",
        "access",
        "priority",
        "direction",
    ];
    let rules = group["effectiveSecurityRules"].as_array().expect("rules");
    rules.iter().for_each(|rule| check(rule, &fields, &fields));
    let names: Vec<&str> = rules.iter().filter_map(|r| r["name"].as_str()).collect();
    assert!(names.contains(&"securityRules/no") && names.contains(&"defaultSecurityRules/DenyAllInBound"));
    let lonely = effective_rules(&network, &Subject::find(&network, "a").expect("a host"), None);
    assert!(
        json(&lonely.expect("an answer"))["value"].as_array().is_some_and(Vec::is_empty),
        "no group, no list"
    );
}

fn connection(network: &Network, to: &str, port: u16) -> Value {
    let flow = Flow::tcp(
        Endpoint::Named("a".into()),
        to.parse().map_or_else(|_| Endpoint::Named(to.into()), Endpoint::Address),
        port,
    );
    json(&connectivity(network, &flow).expect("an answer"))
}

/// Rules: NW-5, NW-6.
#[test]
fn connectivity_has_hops_and_issues() {
    let network = network();
    let stopped = connection(&network, "vm", 22);
    let fields = [
        "hops",
        "connectionStatus",
        "probesSent",
        "probesFailed",
        "sourcePortStatus",
        "destinationPortStatus",
        "nextHopAnalysis",
        "sourceSecurityRuleAnalysis",
        "destinationSecurityRuleAnalysis",
    ];
    check(&stopped, &fields, &["hops", "connectionStatus", "probesSent", "probesFailed"]);
    assert_eq!(stopped["connectionStatus"], "Unreachable");
    let hop = &stopped["hops"][1];
    let fields = [
        "type",
        "id",
        "address",
        "resourceId",
        "nextHopIds",
        "previousHopIds",
        "links",
        "previousLinks",
        "issues",
    ];
    check(hop, &fields, &["type", "id", "address", "resourceId", "nextHopIds", "issues"]);
    let issue = &hop["issues"][0];
    check(issue, &["origin", "severity", "type", "context"], &["origin", "severity", "type", "context"]);
    assert_eq!((&issue["type"], &issue["origin"]), (&"NetworkSecurityRule".into(), &"Inbound".into()));
    assert_eq!(issue["context"][0]["key"], "RuleName");
    assert_eq!(connection(&network, "vm", 443)["connectionStatus"], "Reachable");
    // A drop by a route of Azure's own is told as one by a user-defined route.
    let dropped = connection(&network, "192.168.9.9", 443);
    let kinds: Vec<&Value> = dropped["hops"]
        .as_array()
        .expect("hops")
        .iter()
        .flat_map(|h| h["issues"].as_array())
        .flatten()
        .map(|i| &i["type"])
        .collect();
    assert!(kinds.iter().any(|k| **k == "UserDefinedRoute"), "{kinds:?}");
}

/// What stops a connection at times only is told at the hop that it lies at.
///
/// Rules: NW-5, LB-5.
#[test]
fn a_connection_that_fails_at_times_has_an_issue() {
    let estate = "
netwhy: estate/1
virtualNetworks: [{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }, { name: t, addressPrefix: 10.0.1.0/24 }] }]
networkInterfaces:
  - { name: n1, ipConfigurations: [{ name: ip, subnet: v/s, privateIPAddress: 10.0.0.4, loadBalancerBackendAddressPools: [lb/pool] }] }
  - { name: n2, ipConfigurations: [{ name: ip, subnet: v/s, privateIPAddress: 10.0.0.5, loadBalancerBackendAddressPools: [lb/pool] }] }
hosts: [{ name: a, subnet: v/t, privateIPAddress: 10.0.1.4 }]
loadBalancers:
  - name: lb
    sku: Standard
    frontendIPConfigurations: [{ name: f, subnet: v/s, privateIPAddress: 10.0.0.100 }]
    backendAddressPools: [{ name: pool }]
    loadBalancingRules: [{ name: r, protocol: Tcp, frontendPort: 443, backendPort: 443, frontendIPConfiguration: f, backendAddressPool: pool }]
";
    let network = network_of(estate);
    let ask = |from: &str| {
        let to = Endpoint::Address("10.0.0.100".parse().expect("an address"));
        json(&connectivity(&network, &Flow::tcp(Endpoint::Named(from.into()), to, 443)).expect("an answer"))
    };
    let issues = |answer: &Value| -> Vec<(String, String)> {
        let hops = answer["hops"].as_array().expect("hops").clone();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let each = |hop: &Value| {
            let own = hop["issues"].as_array().cloned().unwrap_or_default();
            own.iter().map(|issue| (word(&hop["type"]), word(&issue["x-cause"]))).collect::<Vec<_>>()
        };
        hops.iter().flat_map(each).collect()
    };
    let mixed = ask("n1");
    assert_eq!(mixed["connectionStatus"], "Degraded");
    assert_eq!(issues(&mixed), [("x-LoadBalancer".to_owned(), "LOAD_BALANCER_HAIRPIN".to_owned())]);
    let clear = ask("a");
    assert_eq!((&clear["connectionStatus"], issues(&clear)), (&"Reachable".into(), Vec::new()));
}

/// Rules: NW-8.
#[test]
fn issue_types_of_ours_are_told_apart() {
    let azure = [
        "Unknown",
        "AgentStopped",
        "GuestFirewall",
        "DnsResolution",
        "SocketBind",
        "NetworkSecurityRule",
        "UserDefinedRoute",
        "PortThrottled",
        "Platform",
        "NoListenerOnDestination",
        "RouteMissing",
    ];
    let mut own = 0;
    for cause in Cause::ALL {
        let kind = netwhy::analysis::issue_type(*cause);
        own += usize::from(kind.starts_with("x-"));
        assert!(kind.starts_with("x-") || azure.contains(&kind), "{}: {kind}", cause.code());
    }
    assert!(own > 5);
}
