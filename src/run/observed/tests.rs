//! Answers of Azure beside small estates.

use super::take_in;
use crate::diag::{Diagnostics, Sources};
use crate::doc::{parse_json, parse_yaml};
use crate::formats::{export, native};
use crate::inventory::RawResource;
use crate::tags::ServiceTags;

const ESTATE: &str = "
netwhy: estate/1
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }
      - { name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: apps-nsg, routeTable: apps-routes }
virtualNetworkGateways:
  - { name: gw, gatewayType: Vpn, ipConfigurations: [{ name: a, subnet: hub/GatewaySubnet }] }
networkSecurityGroups:
  - name: apps-nsg
    securityRules:
      - { name: https, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*',
          sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: 443 }
routeTables:
  - { name: apps-routes, routes: [{ name: lab, addressPrefix: 10.9.0.0/16, nextHopType: None }] }
networkInterfaces:
  - { name: web-nic, ipConfigurations: [{ name: a, subnet: hub/apps, privateIPAddress: 10.0.1.4 }] }
";

fn route(source: &str, prefix: &str, hop: &str, name: &str) -> String {
    format!(
        r#"{{"addressPrefix":["{prefix}"],"name":{name},"nextHopIpAddress":[],"nextHopType":"{hop}","source":"{source}","state":"Active"}}"#
    )
}

/// What Azure answers for this estate, with more routes.
fn answer(more: &[String]) -> String {
    let mut rows = vec![
        route("Default", "10.0.0.0/16", "VnetLocal", "null"),
        route("Default", "0.0.0.0/0", "Internet", "null"),
        route("Default", "10.0.0.0/8", "None", "null"),
        route("Default", "172.16.0.0/12", "None", "null"),
        route("Default", "192.168.0.0/16", "None", "null"),
        route("Default", "100.64.0.0/10", "None", "null"),
        route("User", "10.9.0.0/16", "None", "\"lab\""),
    ];
    rows.extend_from_slice(more);
    format!(r#"{{"value":[{}]}}"#, rows.join(","))
}

/// Takes a document in, and compares what it adds and what is said.
fn check(file: &str, text: &str, expected: &[&str]) -> Vec<RawResource> {
    check_with(ESTATE, file, text, expected)
}

/// The same beside another estate.
fn check_with(known: &str, file: &str, text: &str, expected: &[&str]) -> Vec<RawResource> {
    let (mut notes, mut sources) = (Diagnostics::new(), Sources::default());
    let estate = sources.add("estate.yaml", known);
    let root = parse_yaml(estate, known, &mut notes).expect("YAML");
    let mut raws = native::load(&root, &mut notes);
    let before = raws.len();
    let doc = sources.add(file, text);
    let node = parse_json(doc, text, &mut notes).expect("JSON");
    let facts = export::load(&node, &mut notes).facts;
    assert!(!facts.is_empty(), "{text}");
    take_in(&facts, &mut raws, &ServiceTags::builtin(), &sources, &mut notes);
    let mut got: Vec<String> = raws[before..].iter().map(|raw| format!("added {}", raw.id.name())).collect();
    got.extend(notes.iter().map(|n| format!("{}: {}", n.code.name(), n.message)));
    assert_eq!(got, expected, "{file}: {text}");
    raws
}

#[test]
fn an_answer_that_agrees_says_nothing() {
    check("web-nic.json", &answer(&[]), &[]);
    // Without a name the network is told by its prefixes, the subnet by its user-defined routes.
    check("routes.json", &answer(&[]), &[]);
}

#[test]
fn learnt_routes_are_facts() {
    let learnt = route("VirtualNetworkGateway", "192.168.7.0/24", "VirtualNetworkGateway", "null");
    check("web-nic.json", &answer(&[learnt]), &["added learnt-gw-192.168.7.0_24"]);
    let one = |origin: &str, local: &str| {
        format!(
            r#"{{"asPath":"65001","localAddress":"{local}","network":"192.168.8.0/24","nextHop":"192.168.0.1","origin":"{origin}","sourcePeer":"192.168.0.1","weight":32768}}"#
        )
    };
    let list = |items: &[String]| format!(r#"{{"value":[{}]}}"#, items.join(","));
    let both = [one("EBgp", "10.0.255.4"), one("EBgp", "10.0.255.5"), one("Network", "10.0.255.4")];
    check("bgp.json", &list(&both), &["added learnt-gw-192.168.8.0_24"]);
    check(
        "bgp.json",
        &list(&[one("EBgp", "10.4.4.4")]),
        &[
            "dangling-reference: the learnt route 192.168.8.0/24 is left out: no gateway or Route Server of the files has the address 10.4.4.4",
        ],
    );
}

#[test]
fn learnt_routes_need_no_gateway_in_the_files() {
    let learnt = route("VirtualNetworkGateway", "192.168.7.0/24", "VirtualNetworkGateway", "null");
    let bare = ESTATE.lines().filter(|l| !l.contains("irtualNetworkGateway") && !l.contains("name: gw,"));
    let bare = bare.collect::<Vec<_>>().join("\n");
    let raws = check_with(&bare, "web-nic.json", &answer(&[learnt]), &["added learnt-hub-192.168.7.0_24"]);
    let learner = raws.iter().find(|r| r.id.name().starts_with("learnt-")).expect("the learnt route");
    let by = learner.body.path("properties.learnedBy").and_then(crate::doc::Node::as_str).expect("a learner");
    assert!(by.ends_with("virtualNetworks/hub"), "{by}");
}

#[test]
fn a_route_table_that_no_file_describes_is_told_by_the_answer() {
    let table = |l: &&str| !l.contains("routeTables:") && !l.contains("name: apps-routes,");
    let bare = ESTATE.lines().filter(table).collect::<Vec<_>>().join("\n");
    let id = format!(
        "routeTable: /subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/routeTables/apps-routes",
        native::DEFAULT_SUBSCRIPTION,
        native::DEFAULT_GROUP
    );
    let bare = bare.replace("routeTable: apps-routes", &id);
    let raws = check_with(&bare, "web-nic.json", &answer(&[]), &["added apps-routes"]);
    let told = raws.iter().find(|r| r.id.name() == "apps-routes").expect("the table");
    let routes = told.body.path("properties.routes").and_then(crate::doc::Node::as_array).expect("routes");
    let prefix = routes[0].path("properties.addressPrefix").and_then(crate::doc::Node::as_str);
    assert_eq!((routes.len(), prefix), (1, Some("10.9.0.0/16")));
}

#[test]
fn differences_are_said() {
    let other =
        answer(&[route("User", "10.8.0.0/16", "VirtualAppliance", "\"fw\"")]).replace("\"lab\"", "\"x\"");
    check(
        "web-nic-effective-routes.json",
        &other.replace(
            r#""10.9.0.0/16"],"name":"x","nextHopIpAddress":[],"nextHopType":"None""#,
            r#""10.9.0.0/16"],"name":"x","nextHopIpAddress":["10.0.0.4"],"nextHopType":"VirtualAppliance""#,
        ),
        &[
            "effective-differs: `web-nic`: Azure routes 10.8.0.0/16 to VirtualAppliance (User), and the files give no such route",
            "effective-differs: `web-nic`: Azure routes 10.9.0.0/16 to VirtualAppliance 10.0.0.4 (User), and the files to None (User)",
        ],
    );
    let elsewhere = answer(&[]).replace("10.0.0.0/16", "10.3.0.0/16");
    check(
        "x.json",
        &elsewhere,
        &[
            "not-understood: it is not known which interface these effective routes are of, so they are left out",
        ],
    );
}

fn rules(group: &str, access: &str, name: &str) -> String {
    let scope =
        format!("/subscriptions/{}/resourceGroups/{}", native::DEFAULT_SUBSCRIPTION, native::DEFAULT_GROUP);
    format!(
        r#"{{"value":[{{"networkSecurityGroup":{{"id":"{scope}/providers/Microsoft.Network/networkSecurityGroups/{group}"}},
          "association":{{"subnet":{{"id":"{scope}/providers/Microsoft.Network/virtualNetworks/hub/subnets/apps"}}}},
          "effectiveSecurityRules":[{{"name":"securityRules/{name}","protocol":"Tcp","sourcePortRange":"0-65535","destinationPortRange":"443-443",
          "sourceAddressPrefix":"*","destinationAddressPrefix":"*","access":"{access}","priority":100,"direction":"Inbound"}}]}}]}}"#
    )
}

#[test]
fn effective_rules_are_compared_and_may_tell_a_group() {
    let missing = "effective-differs: `apps-nsg`: the files have the rule `defaultSecurityRules/";
    let check_first = |text: &str, expected: &str| {
        let (mut notes, mut sources) = (Diagnostics::new(), Sources::default());
        let estate = sources.add("estate.yaml", ESTATE);
        let root = parse_yaml(estate, ESTATE, &mut notes).expect("YAML");
        let mut raws = native::load(&root, &mut notes);
        let doc = sources.add("rules.json", text);
        let node = parse_json(doc, text, &mut notes).expect("JSON");
        let facts = export::load(&node, &mut notes).facts;
        take_in(&facts, &mut raws, &ServiceTags::builtin(), &sources, &mut notes);
        let got: Vec<String> = notes.iter().map(|n| format!("{}: {}", n.code.name(), n.message)).collect();
        let own: Vec<&str> = got.iter().map(String::as_str).filter(|n| !n.starts_with(missing)).collect();
        assert_eq!(own.join("\n"), expected, "{text}");
    };
    check_first(&rules("apps-nsg", "Allow", "https"), "");
    check_first(
        &rules("apps-nsg", "Deny", "https"),
        "effective-differs: `apps-nsg`: Azure's rule `securityRules/https` has access Deny, and the files say Allow",
    );
    check_first(
        &rules("apps-nsg", "Allow", "new"),
        "effective-differs: `apps-nsg`: Azure applies the rule `securityRules/new`, and the files have none of that name\n\
         effective-differs: `apps-nsg`: the files have the rule `securityRules/https`, and Azure does not apply it",
    );
    let raws = check(
        "rules.json",
        &rules("told", "Deny", "ssh"),
        &[
            "added told",
            "effective-differs: Azure applies `told` at `hub/apps`, and the files attach no such group there",
        ],
    );
    let told =
        raws.last().and_then(|raw| raw.body.path("properties.securityRules")).expect("rules").to_string();
    assert!(told.contains(r#""name":"ssh""#) && told.contains(r#""access":"Deny""#), "{told}");
}

/// A topology of resources with their associations, `name -> type/name`.
fn topology(resources: &[(&str, &[&str])]) -> String {
    let group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/estate/providers";
    let one = |(id, others): &(&str, &[&str])| {
        let other =
            |o: &&str| format!(r#"{{"associationType":"Associated","name":"x","resourceId":"{group}/{o}"}}"#);
        let others: Vec<String> = others.iter().map(other).collect();
        format!(r#"{{"id":"{group}/{id}","name":"x","associations":[{}]}}"#, others.join(","))
    };
    let resources: Vec<String> = resources.iter().map(one).collect();
    format!(r#"{{"createdDateTime":"2024-01-01T00:00:00Z","resources":[{}]}}"#, resources.join(","))
}

const APPS: &str = "Microsoft.Network/virtualNetworks/hub/subnets/apps";
const NIC: &str = "Microsoft.Network/networkInterfaces/web-nic";
const NSG: &str = "Microsoft.Network/networkSecurityGroups";

#[test]
fn a_topology_that_agrees_says_nothing() {
    let nsg = format!("{NSG}/apps-nsg");
    check("topology.json", &topology(&[(APPS, &[&nsg]), (NIC, &[APPS])]), &[]);
    check("topology.json", &topology(&[(&nsg, &[APPS]), (APPS, &[NIC])]), &[]);
}

#[test]
fn a_topology_that_differs_is_said() {
    let (nsg, other) = (format!("{NSG}/apps-nsg"), format!("{NSG}/other"));
    check(
        "topology.json",
        &topology(&[(APPS, &[&other]), (NIC, &[&nsg])]),
        &[
            "effective-differs: Network Watcher's topology shows `apps-nsg` at `web-nic`, and the files say nothing in its place",
            "effective-differs: Network Watcher's topology shows `other` at `hub/apps`, and the files say `apps-nsg` in its place",
        ],
    );
    let gateway = "Microsoft.Network/virtualNetworks/hub/subnets/GatewaySubnet";
    let routes = "Microsoft.Network/routeTables/apps-routes";
    check(
        "topology.json",
        &topology(&[(APPS, &[&nsg, NIC]), (gateway, &[routes])]),
        &[
            "effective-differs: Network Watcher's topology shows `apps-routes` at `hub/GatewaySubnet`, and the files say nothing in its place",
            "effective-differs: the files put `apps-routes` at `hub/apps`, and Network Watcher's topology shows both without that",
        ],
    );
}

#[test]
fn a_topology_tells_of_what_no_file_describes() {
    let (nsg, nic) = (format!("{NSG}/apps-nsg"), "Microsoft.Network/networkInterfaces/new-nic");
    let raws = check("topology.json", &topology(&[(nic, &[&nsg])]), &["added new-nic"]);
    let inventory = crate::inventory::build(raws, &mut Diagnostics::new());
    let row =
        inventory.network_interfaces.as_slice().iter().find(|r| r.id.name() == "new-nic").expect("there");
    assert!(row.network_security_group.known().is_some());
    // Everything else of it stays unknown.
    assert!(row.ip_configurations.unknown.is_some() && row.virtual_machine.known().is_none());
}
