//! Exports of every shape, read back.

use super::*;
use crate::diag::DocId;
use crate::doc::parse_json;
use crate::inventory::{Origin, build};
use std::fmt::Write;

fn parse(text: &str) -> (Export, Diagnostics, Option<ExportKind>) {
    let mut notes = Diagnostics::new();
    let node = parse_json(DocId(0), text, &mut notes).expect("JSON");
    let export = load(&node, &mut notes);
    (export, notes, kind(&node))
}

/// Reads an export and compares kind, resources with their properties, facts and codes.
fn check(text: &str, expected: &str) {
    let (export, notes, kind) = parse(text);
    let mut got = kind.map_or("no export", ExportKind::label).to_owned();
    for raw in &export.resources {
        let properties = raw.body.get("properties").map(ToString::to_string).unwrap_or_default();
        write!(got, "\n{} {} {properties}", raw.id.kind(), raw.id.full_name()).expect("a string");
    }
    for note in &notes {
        write!(got, "\n{}", note.code.name()).expect("a string");
    }
    let expected: Vec<&str> = expected.lines().map(str::trim).collect();
    assert_eq!(got, expected.join("\n"), "{text}");
}

const VNET: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";

#[test]
fn flat_and_nested_resources_are_the_same() {
    let line = r#"Microsoft.Network/virtualNetworks v {"addressSpace":{"addressPrefixes":["10.0.0.0/16"]}}"#;
    let nested = format!(
        r#"{{"id":"{VNET}","name":"v","properties":{{"addressSpace":{{"addressPrefixes":["10.0.0.0/16"]}}}}}}"#
    );
    check(&nested, &format!("an exported resource\n{line}"));
    let flat = format!(
        r#"{{"id":"{VNET}","name":"v","resourceGroup":"g","provisioningState":"Succeeded","addressSpace":{{"addressPrefixes":["10.0.0.0/16"]}}}}"#
    );
    check(&flat, &format!("an exported resource\n{line}"));
    check(&format!("[{flat}]"), &format!("a list of exported resources\n{line}"));
    check(&format!(r#"{{"value":[{nested}]}}"#), &format!("a list of exported resources\n{line}"));
    let graph = format!(r#"{{"data":[{nested}],"count":1,"skip_token":null}}"#);
    check(&graph, &format!("rows of Azure Resource Graph\n{line}"));
    let table = format!(
        r#"{{"data":{{"columns":[{{"name":"id"}},{{"name":"properties_addressSpace_addressPrefixes"}}],"rows":[["{VNET}",["10.0.0.0/16"]]]}}}}"#
    );
    // A query chose the columns, so nothing else is known of the resource.
    check(&table, &format!("rows of Azure Resource Graph\n{line}\nunknown-value"));
    let chosen = format!(r#"[{{"id":"{VNET}","addressSpace":{{"addressPrefixes":["10.0.0.0/16"]}}}}]"#);
    check(&chosen, &format!("a list of exported resources\n{line}\nunknown-value"));
}

#[test]
fn a_choice_of_properties_is_not_the_whole() {
    let (export, ..) = parse(&format!(r#"[{{"id":"{VNET}","name":"v","subnets":[]}}]"#));
    assert_eq!(export.resources[0].origin, Origin::Mentioned);
    // All of these are names for the resource: nothing is told of it.
    let powershell = format!(
        r#"[{{"Id":"{VNET}","Name":"v","ResourceName":"v","ResourceType":"Microsoft.Network/virtualNetworks","Properties":null,"Sku":null,"ParentResource":null,"Type":"Microsoft.Network/virtualNetworks"}}]"#
    );
    check(
        &powershell,
        "a list of exported resources
         Microsoft.Network/virtualNetworks v <unknown: the export lists this resource without its properties>
         unknown-value",
    );
}

#[test]
fn powershell_spells_with_capitals() {
    check(
        &format!(
            r#"{{"AddressSpace":{{"AddressPrefixes":["10.0.0.0/16"]}},"Subnets":[],"ProvisioningState":"Succeeded","Tag":null,"Name":"v","Etag":"x","Id":"{VNET}"}}"#
        ),
        r#"an exported resource
        Microsoft.Network/virtualNetworks v {"AddressSpace":{"AddressPrefixes":["10.0.0.0/16"]},"Subnets":[]}"#,
    );
}

#[test]
fn the_record_of_a_deployment_says_where_its_resources_are() {
    check(
        r#"{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/d","properties":{"mode":"Incremental"}}"#,
        "an exported resource\nMicrosoft.Resources/deployments d {\"mode\":\"Incremental\"}\nnot-understood",
    );
}

#[test]
fn what_is_left_out_is_said() {
    let bare = format!(r#"{{"id":"{VNET}","name":"v","location":"westeurope","properties":null}}"#);
    check(
        &format!("[{bare}]"),
        "a list of exported resources
         Microsoft.Network/virtualNetworks v <unknown: the export lists this resource without its properties>
         unknown-value",
    );
    check(r#"{"value":[],"nextLink":"x"}"#, "a list of exported resources\nnot-understood");
    check(r#"[{"value":[],"nextLink":"x"},{"value":[]}]"#, "a list of exported resources");
    check(
        r#"{"data":[],"resultTruncated":"true","$skipToken":"y"}"#,
        "rows of Azure Resource Graph\nnot-understood\nnot-understood",
    );
    check(
        r#"[{"id":"/subscriptions/s/resourceGroups/g/providers/A.B/c/d"},{"id":"f81d"},7]"#,
        "a list of exported resources\nA.B/c d {}\nnot-understood\nnot-understood\nunknown-kind",
    );
    for none in ["{}", "7", r#"{"id":"f81d"}"#, r#"{"resources":[{"type":"x"}]}"#, "[[[[[[[]]]]]]]"] {
        check(none, "no export\nunknown-format");
    }
}

#[test]
fn clashing_names_of_the_command_line_are_undone() {
    check(
        r#"{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualWans/w","type":"Microsoft.Network/virtualWans","typePropertiesType":"Basic"}"#,
        "an exported resource\nMicrosoft.Network/virtualWans w {\"type\":\"Basic\"}",
    );
}

#[test]
fn ids_without_a_slash_get_one() {
    check(
        r#"{"id":"resourceGroups/t/providers/Microsoft.Compute/virtualMachines/a","properties":{"networkProfile":{"networkInterfaces":[{"id":"resourceGroups/t/providers/Microsoft.Network/networkInterfaces/n"}]}}}"#,
        r#"an exported resource
        Microsoft.Compute/virtualMachines a {"networkProfile":{"networkInterfaces":[{"id":"/resourceGroups/t/providers/Microsoft.Network/networkInterfaces/n"}]}}"#,
    );
}

#[test]
fn effective_routes_are_facts() {
    let (export, notes, kind) = parse(
        r#"{"value":[
        {"source":"User","state":"Active","name":"u","addressPrefix":["0.0.0.0/0"],"nextHopType":"VirtualAppliance","nextHopIpAddress":["10.0.0.4"]},
        {"source":"Default","state":"Invalid","addressPrefix":["0.0.0.0/0"],"nextHopType":"Internet","nextHopIpAddress":[]},
        {"source":"Default","state":"Active","addressPrefix":["x"],"nextHopType":"None"}]}"#,
    );
    assert_eq!(kind, Some(ExportKind::EffectiveRoutes));
    let routes = &export.facts.effective_routes[0].routes;
    let seen: Vec<_> = routes.iter().map(|r| (r.active, r.next_hop.clone(), r.next_hop_ips.len())).collect();
    assert_eq!(seen, [(true, EffectiveNextHop::Appliance, 1), (false, EffectiveNextHop::Internet, 0)]);
    let codes: Vec<_> = notes.iter().map(|d| d.code.name()).collect();
    assert_eq!(codes, ["bad-value", "not-understood"]);
}

#[test]
fn effective_rules_are_facts() {
    let (export, notes, kind) = parse(
        r#"{"value":[{"networkSecurityGroup":{"id":"/n"},"association":{"subnet":{"id":"/s"},"networkInterface":{"id":"/i"}},
        "tagMap":{"VirtualNetwork":["10.0.0.0/16"]},
        "effectiveSecurityRules":[{"name":"securityRules/a","protocol":"All","sourcePortRange":"0-65535","sourcePortRanges":["0-65535"],
        "destinationPortRange":"80-90","sourceAddressPrefix":"VirtualNetwork","expandedSourceAddressPrefix":["10.0.0.0/16"],
        "destinationAddressPrefix":"*","access":"Allow","priority":100,"direction":"Inbound"}]}]}"#,
    );
    assert!(notes.is_empty(), "{:?}", notes.iter().next());
    assert_eq!(kind, Some(ExportKind::EffectiveRules));
    let rules = &export.facts.effective_rules[0];
    assert_eq!((rules.group.is_some(), rules.interface.is_some(), rules.tags.len()), (true, true, 1));
    let rule = &rules.rules[0];
    assert_eq!(rule.destination_ports.to_string(), "80-90");
    assert!(rule.source_ports.is_all() && rule.expanded_source.is_some());
}

/// Every file of the shared exports: kind, resources, rows of the inventory, facts, diagnostics by code.
#[test]
fn shared_exports_are_read() {
    let folder = format!("{}/../shared/data/exports", env!("CARGO_MANIFEST_DIR"));
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: the shared exports are not here");
        return;
    };
    let mut files: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    files.sort();
    for path in files {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        #[expect(clippy::disallowed_methods, reason = "a test reads its data")]
        let text = std::fs::read_to_string(&path).expect("a file");
        let (export, mut notes, kind) = parse(&text);
        let read = notes.len();
        let count = export.resources.len();
        let inventory = build(export.resources, &mut notes);
        let facts = export.facts;
        println!(
            "{name}: {kind:?}, {count} resources, {} rows, {} not modelled, routes {} rules {} checks {}, notes {read}+{}",
            inventory.len(),
            inventory.unmodelled.len(),
            facts.effective_routes.len(),
            facts.effective_rules.len(),
            facts.checks.len(),
            notes.len() - read,
        );
        for note in &notes {
            println!("    {note}");
        }
        let views = facts.checks.iter().filter(|c| c.operation == Operation::SecurityGroupView);
        let rules: usize = views.flat_map(|c| c.effective_rules(&mut notes)).map(|r| r.rules.len()).sum();
        assert_eq!(rules, if name.contains("nsgview") { 8 } else { 0 }, "{name}");
        if name.starts_with("cloudnet-draw") {
            assert_eq!(kind, Some(ExportKind::Drawing), "{name}");
            let told = |d: &Diagnostic| d.code == Code::UnknownValue && d.message.starts_with("the drawing");
            assert!(count > 0 && notes.iter().all(told), "{name}");
            continue;
        }
        let told = count + facts.effective_routes.len();
        assert!(kind.is_some() && told > 0, "{name}");
        let faults = notes.iter().filter(|d| !matches!(d.code, Code::UnknownKind | Code::DanglingReference));
        assert_eq!(faults.map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new(), "{name}");
    }
}

/// Builds the inventory of an export and prints what a question about it gives.
fn ask(text: &str, question: impl Fn(&crate::inventory::Inventory) -> String, expected: &str) {
    let (export, mut notes, _) = parse(text);
    let inventory = build(export.resources, &mut notes);
    assert_eq!(question(&inventory), expected, "{text}");
}

#[test]
fn a_zone_exported_without_its_records_is_not_empty() {
    let zone = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateDnsZones/z.test";
    let zone_line = format!(r#"{{"id":"{zone}","properties":{{"numberOfRecordSets":2}}}}"#);
    let records = format!(
        r#"{{"id":"{zone}/SOA/@","properties":{{}}}},{{"id":"{zone}/A/a","name":"a","aRecords":[{{"ipv4Address":"10.0.0.4"}}]}}"#
    );
    let told = |i: &crate::inventory::Inventory| {
        let sets = &i.private_dns_zones.as_slice()[0].record_sets;
        let addresses: usize = sets.iter().map(|r| r.addresses.items.len()).sum();
        format!("{} {addresses} {}", sets.items.len(), sets.unknown.is_some())
    };
    ask(&format!("[{zone_line}]"), told, "0 0 true");
    ask(&format!("[{zone_line},{records}]"), told, "2 1 false");
}

#[test]
fn a_rule_group_that_is_only_named_is_unknown() {
    let policy = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p";
    ask(
        &format!(
            r#"[{{"id":"{policy}","ruleCollectionGroups":[{{"id":"{policy}/ruleCollectionGroups/r","resourceGroup":"g"}}]}}]"#
        ),
        |i| {
            let group = &i.rule_collection_groups.as_slice()[0];
            format!("{} {:?} {}", group.id.name(), group.origin, group.rule_collections.unknown.is_some())
        },
        "r Mentioned true",
    );
}

#[test]
fn service_firewalls_read_alike_in_every_spelling() {
    let told = |i: &crate::inventory::Inventory| {
        let s = &i.services.as_slice()[0];
        let rules: Vec<&str> = s.ip_rules.iter().map(|r| &*r.text).collect();
        let subnets: Vec<&str> = s.virtual_network_rules.iter().map(|r| &*r.text).collect();
        format!("{:?} {rules:?} {subnets:?}", s.bypass.known())
    };
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
    let same = r#"Some("None") ["20.0.0.1"] ["/v"]"#;
    ask(
        &format!(
            r#"{{"id":"{id}","networkRuleSet":{{"bypass":"None","ipRules":[{{"ipAddressOrRange":"20.0.0.1"}}],"virtualNetworkRules":[{{"virtualNetworkResourceId":"/v"}}]}}}}"#
        ),
        told,
        same,
    );
    ask(
        &format!(
            r#"{{"id":"{id}","properties":{{"networkAcls":{{"bypass":"None","ipRules":[{{"value":"20.0.0.1"}}],"virtualNetworkRules":[{{"id":"/v"}}]}}}}}}"#
        ),
        told,
        same,
    );
    let sql = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Sql/servers/a";
    ask(
        &format!(
            r#"[{{"id":"{sql}","version":"12"}},{{"id":"{sql}/firewallRules/f","name":"f","startIpAddress":"20.0.0.1","endIpAddress":"20.0.0.9"}},
            {{"id":"{sql}/virtualNetworkRules/w","name":"w","virtualNetworkSubnetId":"/v"}}]"#
        ),
        told,
        r#"None ["20.0.0.1-20.0.0.9"] ["/v"]"#,
    );
}

#[test]
fn workspaces_of_az_ml_are_read() {
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w";
    ask(
        &format!(
            r#"{{"id":"{id}","name":"w","public_network_access":"Disabled","tags":{{"a_b":"c"}},"identity":{{"type":"system_assigned"}},
            "managed_network":{{"isolation_mode":"allow_only_approved_outbound","outbound_rules":[
                {{"name":"r","type":"service_tag","destination":{{"service_tag":"AzureBotService","protocol":"TCP","port_ranges":"443"}}}}]}}}}"#
        ),
        |i| {
            let w = &i.services.as_slice()[0];
            let system = w.identity.known().is_some_and(|i| i.system_assigned);
            format!(
                "{:?} {:?} {system} {:?}",
                w.public_network_access.known(),
                w.managed_network_isolation.known(),
                w.managed_network_rules
                    .known()
                    .map(|r| matches!(r.0[0].opens, crate::inventory::ManagedRuleTarget::ServiceTag { .. }))
            )
        },
        "Some(Disabled) Some(AllowOnlyApprovedOutbound) true Some(true)",
    );
    check(
        &format!(r#"{{"id":"{id}/computes/c","name":"c","type":"amlcompute","max_instances":4}}"#),
        "an exported resource
         Microsoft.MachineLearningServices/workspaces/computes w/c <unknown: the export is in the schema of `az ml`; `az resource show --ids ID` tells the properties>
         unknown-value",
    );
}
