//! Recordings made up to the shape of real ones: what is asked, what agrees, what is set aside and why.

use netwhy::analysis::replay::{Replayed, replay, routes_alone};
use netwhy::diag::{Diagnostics, Sources};
use netwhy::doc::parse_json;
use netwhy::formats::export;
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use serde_json::{Value, json};

const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers";

/// A machine with one interface, 10.0.0.4, and a group that lets SSH in.
fn resources() -> Value {
    let id = |kind: &str, name: &str| format!("{GROUP}/Microsoft.Network/{kind}/{name}");
    json!([
        { "id": id("virtualNetworks", "net"), "name": "net", "location": "westus", "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
            "subnets": [{ "name": "s", "id": id("virtualNetworks", "net/subnets/s"), "properties": {
                "addressPrefix": "10.0.0.0/24" } }] } },
        { "id": id("networkSecurityGroups", "nsg"), "name": "nsg", "location": "westus", "properties": {
            "securityRules": [{ "name": "ssh", "properties": { "priority": 1000, "direction": "Inbound",
                "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "*", "sourcePortRange": "*",
                "destinationAddressPrefix": "*", "destinationPortRange": "22" } }] } },
        { "id": id("networkInterfaces", "nic"), "name": "nic", "location": "westus", "properties": {
            "networkSecurityGroup": { "id": id("networkSecurityGroups", "nsg") },
            "virtualMachine": { "id": machine() },
            "ipConfigurations": [{ "name": "ip", "properties": { "privateIPAddress": "10.0.0.4", "primary": true,
                "subnet": { "id": id("virtualNetworks", "net/subnets/s") } } }] } },
        { "id": machine(), "name": "vm", "location": "westus", "properties": {
            "networkProfile": { "networkInterfaces": [{ "id": id("networkInterfaces", "nic") }] } } },
    ])
}

fn machine() -> String {
    format!("{GROUP}/Microsoft.Compute/virtualMachines/vm")
}

fn one(operation: &str, request: Value, response: Value) -> Replayed {
    let check = json!({ "checks": [{ "operation": operation, "date": "Wed, 16 Oct 2019 18:32:36 GMT",
        "request": request, "response": response, "resources": resources() }] });
    let text = check.to_string();
    let (mut notes, mut sources) = (Diagnostics::new(), Sources::default());
    let doc = sources.add("recording.json", text.as_str());
    let root = parse_json(doc, &text, &mut notes).expect("JSON");
    let checks = export::load(&root, &mut notes).facts.checks;
    replay(&checks, &ServiceTags::builtin(), &Profile::default()).remove(0)
}

fn table(routes: &[Value]) -> Replayed {
    let text = json!({ "value": routes }).to_string();
    let (mut notes, mut sources) = (Diagnostics::new(), Sources::default());
    let doc = sources.add("table.json", text.as_str());
    let root = parse_json(doc, &text, &mut notes).expect("JSON");
    let facts = export::load(&root, &mut notes).facts;
    let only = facts.effective_routes.first().expect("a table");
    routes_alone(only, &root, &ServiceTags::builtin(), &Profile::default())
}

/// The fields that differ and those set aside are exactly these.
#[track_caller]
fn check(answer: &Replayed, differing: &[&str], aside: &[&str]) {
    assert_eq!(answer.not_asked, None);
    let found: Vec<&str> = answer.differing().map(|f| f.field.as_str()).collect();
    assert_eq!(found, differing);
    let found: Vec<&str> = answer.set_aside.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(found, aside);
    assert!(!answer.fields.is_empty(), "something is compared");
}

fn verify(direction: &str, local: (&str, &str), remote: (&str, &str), answer: Value) -> Replayed {
    let request = json!({ "targetResourceId": machine(), "direction": direction, "protocol": "Tcp",
        "localIPAddress": local.0, "localPort": local.1, "remoteIPAddress": remote.0, "remotePort": remote.1 });
    one("ipFlowVerify", request, answer)
}

/// Rules: NW-1.
#[test]
fn a_star_is_the_port_of_the_sender() {
    let open =
        json!({ "access": "Allow", "ruleName": "defaultSecurityRules/AllowInternetOutBound", "ruleId": "" });
    check(&verify("Outbound", ("10.0.0.4", "*"), ("100.1.2.3", "80"), open.clone()), &[], &[]);
    let shut = json!({ "access": "Deny", "ruleName": "DefaultRule_DenyAllInBound", "ruleId": "" });
    check(&verify("Inbound", ("10.0.0.4", "80"), ("100.1.2.3", "*"), shut.clone()), &[], &[]);
    check(
        &verify("Inbound", ("10.0.0.4", "22"), ("100.1.2.3", "*"), shut),
        &["access", "ruleId", "ruleName"],
        &[],
    );
    let refused = verify("Inbound", ("10.0.0.4", "*"), ("100.1.2.3", "80"), open.clone());
    assert!(refused.not_asked.is_some_and(|why| why.contains('*')));
    // The machine has one interface; Azure asks it whatever address it is told.
    check(&verify("Outbound", ("10.0.0.9", "*"), ("100.1.2.3", "80"), open), &[], &[]);
}

/// Rules: NW-3.
#[test]
fn the_next_hop_of_another_source_and_in_another_word() {
    let ask = |word: &str| {
        let request = json!({ "targetResourceId": machine(), "sourceIPAddress": "123.4.5.6",
            "destinationIPAddress": "10.0.0.6" });
        one("nextHop", request, json!({ "nextHopType": word, "routeTableId": "System Route" }))
    };
    check(&ask("VirtualNetwork"), &[], &[]);
    check(&ask("VnetLocal"), &[], &[]);
    check(&ask("Internet"), &["nextHopType"], &[]);
}

/// Rules: NW-5.
#[test]
fn the_ends_of_a_connection_are_called_in_several_ways() {
    let ask = |to: &str, first: &str, address: &str| {
        let hops = json!({ "connectionStatus": "Reachable", "hops": [
            { "type": first, "id": "a", "address": "10.0.0.4", "resourceId": machine(), "issues": [] },
            { "type": "Internet", "id": "b", "address": address, "resourceId": "", "issues": [] },
        ] });
        let request =
            json!({ "source": { "resourceId": machine() }, "destination": { "address": to, "port": 80 } });
        one("connectivityCheck", request, hops)
    };
    let by_name = ask("www.example.com", "VirtualMachine", "192.0.2.77");
    check(&by_name, &[], &["hops/0/type", "hops/1/address", "hops/1/resourceId"]);
    check(&ask("www.example.com", "Source", "192.0.2.77"), &[], &["hops/1/address", "hops/1/resourceId"]);
    check(&ask("192.0.2.77", "Source", "192.0.2.77"), &[], &["hops/1/resourceId"]);
    check(&ask("192.0.2.77", "Source", "192.0.2.78"), &["hops/1/address"], &["hops/1/resourceId"]);
}

/// Rules: NW-4, NSG-28.
#[test]
fn what_tags_stood_for_is_set_aside() {
    let rule = |name: &str, source: &str, destination: &str, access: &str, expanded: &[&str]| {
        let listed = |word: &str| json!([word]);
        json!({ "name": name, "protocol": "All", "sourcePortRange": "0-65535", "destinationPortRange": "0-65535",
            "sourceAddressPrefixes": listed(source), "destinationAddressPrefixes": listed(destination),
            "expandedSourceAddressPrefix": expanded, "access": access, "priority": 65001, "direction": "Inbound" })
    };
    let nsg = format!("{GROUP}/Microsoft.Network/networkSecurityGroups/nsg");
    let nic = format!("{GROUP}/Microsoft.Network/networkInterfaces/nic");
    let probes = rule(
        "defaultSecurityRules/AllowAzureLoadBalancerInBound",
        "AzureLoadBalancer",
        "0.0.0.0/0",
        "Allow",
        &["168.63.129.16/32", "fe80::1234:5678:9abc/128"],
    );
    let out = json!({ "name": "defaultSecurityRules/AllowInternetOutBound", "protocol": "All", "priority": 65001,
        "sourceAddressPrefixes": ["0.0.0.0/0", "0.0.0.0/0"], "destinationAddressPrefixes": ["Internet"],
        "expandedDestinationAddressPrefix": ["1.0.0.0/8"], "access": "Allow", "direction": "Outbound" });
    let text = json!({ "checks": [{ "operation": "effectiveNetworkSecurityGroups",
        "requestUri": format!("https://management.azure.com{nic}/effectiveNetworkSecurityGroups?api-version=2021-08-01"),
        "response": { "value": [{ "networkSecurityGroup": { "id": nsg }, "association": { "networkInterface": { "id": nic } },
            "effectiveSecurityRules": [probes, out] }] }, "resources": resources() }] })
    .to_string();
    let (mut notes, mut sources) = (Diagnostics::new(), Sources::default());
    let doc = sources.add("recording.json", text.as_str());
    let root = parse_json(doc, &text, &mut notes).expect("JSON");
    let checks = export::load(&root, &mut notes).facts.checks;
    let answer = replay(&checks, &ServiceTags::builtin(), &Profile::default()).remove(0);
    assert_eq!(answer.not_asked, None);
    let aside: Vec<&str> = answer.set_aside.iter().filter_map(|(f, _)| f.rsplit('/').next()).collect();
    assert_eq!(aside, ["expandedDestinationAddressPrefix"]);
    let differs = |key: &str| answer.differing().any(|f| f.field.ends_with(key));
    assert!(!differs("/expandedSourceAddressPrefix") && !differs("/priority"));
}

fn row(source: &str, prefix: &str, hop: &str) -> Value {
    json!({ "source": source, "state": "Active", "addressPrefix": [prefix], "nextHopType": hop,
        "nextHopIpAddress": [], "disableBgpRoutePropagation": false })
}

fn with(mut row: Value, key: &str, value: Value) -> Value {
    row[key] = value;
    row
}

/// What every table of a network of 10.7.0.0/16 holds.
fn common() -> Vec<Value> {
    let none = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
    let none = none.iter().map(|prefix| row("Default", prefix, "None"));
    [row("Default", "10.7.0.0/16", "VnetLocal"), row("Default", "0.0.0.0/0", "Internet")]
        .into_iter()
        .chain(none)
        .collect()
}

fn told(more: &[Value]) -> Replayed {
    let rows: Vec<Value> = common().into_iter().chain(more.iter().cloned()).collect();
    table(&rows)
}

/// Rules: NW-4, PE-5.
#[test]
fn a_table_tells_its_endpoints_group_and_propagation() {
    check(&told(&[]), &[], &[]);
    check(&told(&[row("Default", "10.7.1.5/32", "InterfaceEndpoint")]), &[], &[]);
    check(&told(&[row("Default", "10.7.129.5/32", "InterfaceEndpoint")]), &[], &[]);
    let peer = row("Default", "10.8.0.0/16", "VNetPeering");
    check(&told(&[peer, row("Default", "10.8.1.5/32", "InterfaceEndpoint")]), &[], &[]);
    check(&told(&[row("Default", "10.60.0.0/16", "ConnectedGroup")]), &[], &[]);
    let kept: Vec<Value> =
        common().into_iter().map(|r| with(r, "disableBgpRoutePropagation", json!(true))).collect();
    check(&table(&kept), &[], &[]);
}

/// Rules: NW-4, RT-2.
#[test]
fn what_a_table_cannot_tell_is_set_aside() {
    let learnt = row("VirtualNetworkGateway", "172.20.0.0/16", "VirtualNetworkGateway");
    let learnt = with(learnt, "nextHopIpAddress", json!(["10.7.255.4"]));
    check(&told(&[learnt]), &[], &["value/virtualnetworkgateway 172.20.0.0/16/nextHopIpAddress"]);
    let service = row("Default", "13.65.107.32/28", "VirtualNetworkServiceEndpoint");
    let tagged = with(service.clone(), "destinationServiceTags", json!(["Storage.SouthCentralUS"]));
    let own = "value/default virtualnetworkserviceendpoint";
    let prefixes = format!("{own}/addressPrefix");
    let tags = format!("{own}/destinationServiceTags");
    check(&told(&[tagged]), &[], &[&prefixes, &tags]);
    check(&told(&[service]), &[], &[own]);
    let foreign = told(&[row("Default", "198.18.0.0/15", "None")]);
    check(&foreign, &["value/default 198.18.0.0/15"], &[]);
    let field = foreign.differing().next().expect("it differs");
    assert!(foreign.explanation(field).is_some_and(|why| why.contains("extraNoneRoutes")));
}
