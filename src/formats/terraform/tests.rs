//! Plans and states of several shapes, and what must never happen.

use super::*;
use crate::diag::DocId;
use crate::doc::parse_json;
use crate::inventory::{Inventory, build};
use std::fmt::Write;

fn read(text: &str, side: Side) -> (Vec<RawResource>, Diagnostics) {
    let mut notes = Diagnostics::new();
    let node = parse_json(DocId(0), text, &mut notes).expect("JSON");
    (load(&node, side, &mut notes), notes)
}

/// Reads one side and compares the resources with their properties, and the codes of the diagnostics.
fn check(text: &str, side: Side, expected: &str) {
    let (raws, notes) = read(text, side);
    let mut got = String::new();
    for raw in &raws {
        let properties = raw.body.get("properties").map(ToString::to_string).unwrap_or_default();
        writeln!(got, "{} {} {properties}", raw.id.kind(), raw.id.full_name()).expect("a string");
    }
    for note in &notes {
        writeln!(got, "{}", note.code.name()).expect("a string");
    }
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    assert_eq!(got.trim(), expected.join("\n"), "{text}");
}

/// A state with resources, each a type, a name and its attributes.
fn state(resources: &[(&str, &str, &str)]) -> String {
    let items = resources.iter().map(|(kind, name, attributes)| {
        format!(r#"{{"mode":"managed","type":"{kind}","name":"{name}","instances":[{{"attributes":{attributes}}}]}}"#)
    });
    let items: Vec<String> = items.collect();
    format!(r#"{{"version":4,"terraform_version":"1.5.0","resources":[{}]}}"#, items.join(","))
}

/// A created resource of a plan: type, name, after, unknown, expressions.
struct Planned(&'static str, &'static str, &'static str, &'static str, &'static str);

fn plan(resources: &[Planned]) -> String {
    let list = |each: fn(&Planned) -> String| resources.iter().map(each).collect::<Vec<_>>().join(",");
    let changes = list(|Planned(kind, name, after, unknown, _)| {
        format!(
            r#"{{"address":"{kind}.{name}","mode":"managed","type":"{kind}","name":"{name}",
                "change":{{"actions":["create"],"before":null,"after":{after},"after_unknown":{unknown}}}}}"#
        )
    });
    let config = list(|Planned(kind, name, .., expressions)| {
        format!(
            r#"{{"address":"{kind}.{name}","mode":"managed","type":"{kind}","name":"{name}","expressions":{expressions}}}"#
        )
    });
    format!(
        r#"{{"format_version":"1.2","planned_values":{{}},"resource_changes":[{changes}],
            "configuration":{{"root_module":{{"resources":[{config}]}}}}}}"#
    )
}

const GROUP: &str = r#""resource_group_name":"g""#;

#[test]
fn planned_resources_find_each_other() {
    let text = plan(&[
        Planned(
            "azurerm_virtual_network",
            "v",
            r#"{"name":"hub","resource_group_name":"g","address_space":["10.0.0.0/16"],"dns_servers":null}"#,
            r#"{"id":true,"subnet":true,"address_space":[false]}"#,
            r#"{"name":{"constant_value":"hub"}}"#,
        ),
        Planned(
            "azurerm_subnet",
            "s",
            r#"{"name":"apps","resource_group_name":"g","virtual_network_name":"hub","address_prefixes":["10.0.1.0/24"],
                "private_endpoint_network_policies":"Disabled"}"#,
            r#"{"id":true}"#,
            "{}",
        ),
        Planned(
            "azurerm_network_security_group",
            "n",
            r#"{"name":"apps-nsg","resource_group_name":"g"}"#,
            r#"{"id":true,"security_rule":true}"#,
            "{}",
        ),
        Planned(
            "azurerm_network_security_rule",
            "r",
            r#"{"name":"web","resource_group_name":"g","network_security_group_name":"apps-nsg","priority":100,
                "direction":"Inbound","access":"Allow","protocol":"Tcp","source_address_prefix":"*"}"#,
            r#"{"id":true}"#,
            "{}",
        ),
        Planned(
            "azurerm_subnet_network_security_group_association",
            "a",
            "{}",
            r#"{"id":true,"subnet_id":true,"network_security_group_id":true}"#,
            r#"{"subnet_id":{"references":["azurerm_subnet.s.id","azurerm_subnet.s"]},
                "network_security_group_id":{"references":["azurerm_network_security_group.n.id","azurerm_network_security_group.n"]}}"#,
        ),
        Planned(
            "azurerm_network_interface",
            "i",
            r#"{"name":"nic","resource_group_name":"g","ip_configuration":[{"name":"ip","private_ip_address_allocation":"Dynamic","public_ip_address_id":null}]}"#,
            r#"{"id":true,"private_ip_address":true,"ip_configuration":[{"private_ip_address":true,"subnet_id":true}]}"#,
            r#"{"ip_configuration":[{"name":{},"subnet_id":{"references":["azurerm_subnet.s.id","azurerm_subnet.s"]}}]}"#,
        ),
    ]);
    let g =
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Network";
    check(
        &text,
        Side::After,
        &format!(
            r#"
            Microsoft.Network/networkInterfaces nic {{"ipConfigurations":[{{"name":"ip","subnet":{{"id":"{g}/virtualNetworks/hub/subnets/apps"}},"privateIPAllocationMethod":"Dynamic"}}]}}
            Microsoft.Network/networkSecurityGroups apps-nsg {{}}
            Microsoft.Network/networkSecurityGroups/securityRules apps-nsg/web {{"priority":100,"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"*"}}
            Microsoft.Network/virtualNetworks hub {{"addressSpace":{{"addressPrefixes":["10.0.0.0/16"]}}}}
            Microsoft.Network/virtualNetworks/subnets hub/apps {{"addressPrefixes":["10.0.1.0/24"],"privateEndpointNetworkPolicies":"Disabled","networkSecurityGroup":{{"id":"{g}/networkSecurityGroups/apps-nsg"}}}}
            "#
        ),
    );
    check(&text, Side::Before, "");
}

#[test]
fn unknown_values_stay_unknown() {
    let text = plan(&[
        Planned(
            "azurerm_network_security_group",
            "n",
            r#"{"name":"n","resource_group_name":"g"}"#,
            r#"{"id":true,"security_rule":true}"#,
            "{}",
        ),
        Planned(
            "azurerm_route",
            "r",
            r#"{"name":"r","resource_group_name":"g","route_table_name":"t","address_prefix":"0.0.0.0/0","next_hop_type":"VirtualAppliance"}"#,
            r#"{"id":true,"next_hop_in_ip_address":true}"#,
            r#"{"next_hop_in_ip_address":{"references":["azurerm_firewall.f.ip_configuration[0].private_ip_address","azurerm_firewall.f"]}}"#,
        ),
        Planned(
            "azurerm_public_ip",
            "p",
            r#"{"resource_group_name":"g","sku":"Standard"}"#,
            r#"{"id":true,"ip_address":true,"name":true}"#,
            r#"{"name":{"references":["random_string.x.result","random_string.x"]}}"#,
        ),
    ]);
    check(
        &text,
        Side::After,
        r#"
        Microsoft.Network/networkSecurityGroups n {"securityRules":<unknown: known after apply>}
        Microsoft.Network/publicIPAddresses azurerm_public_ip.p {}
        Microsoft.Network/routeTables/routes t/r {"addressPrefix":"0.0.0.0/0","nextHopType":"VirtualAppliance","nextHopIpAddress":<unknown: known after apply (azurerm_firewall.f.ip_configuration[0].private_ip_address)>}
        unknown-value
        unknown-value
        unknown-value"#,
    );
}

#[test]
fn modules_counts_and_keys_are_followed() {
    // An interface in a module gets its subnet through a variable, which the root takes from the output
    // of another module, which has one subnet for each key.
    let text = r#"{"format_version":"1.2","planned_values":{},"resource_changes":[
        {"address":"module.net.azurerm_subnet.s[\"a\"]","module_address":"module.net","mode":"managed","type":"azurerm_subnet","name":"s","index":"a",
         "change":{"actions":["create"],"before":null,"after":{"name":"sa","resource_group_name":"g","virtual_network_name":"v","address_prefixes":["10.0.0.0/24"]},"after_unknown":{"id":true}}},
        {"address":"module.net.azurerm_subnet.s[\"b\"]","module_address":"module.net","mode":"managed","type":"azurerm_subnet","name":"s","index":"b",
         "change":{"actions":["create"],"before":null,"after":{"name":"sb","resource_group_name":"g","virtual_network_name":"v","address_prefixes":["10.0.1.0/24"]},"after_unknown":{"id":true}}},
        {"address":"module.vm[0].azurerm_network_interface.i[1]","module_address":"module.vm[0]","mode":"managed","type":"azurerm_network_interface","name":"i","index":1,
         "change":{"actions":["create"],"before":null,"after":{"name":"n","resource_group_name":"g","ip_configuration":[{"name":"ip"}]},
                   "after_unknown":{"id":true,"ip_configuration":[{"subnet_id":true}]}}},
        {"address":"azurerm_route_table.t[0]","mode":"managed","type":"azurerm_route_table","name":"t","index":0,
         "change":{"actions":["create"],"before":null,"after":{"name":"t0","resource_group_name":"g","route":[]},"after_unknown":{"id":true}}},
        {"address":"azurerm_route_table.t[1]","mode":"managed","type":"azurerm_route_table","name":"t","index":1,
         "change":{"actions":["create"],"before":null,"after":{"name":"t1","resource_group_name":"g","route":[]},"after_unknown":{"id":true}}},
        {"address":"azurerm_subnet_route_table_association.a[1]","mode":"managed","type":"azurerm_subnet_route_table_association","name":"a","index":1,
         "change":{"actions":["create"],"before":null,"after":{},"after_unknown":{"id":true,"subnet_id":true,"route_table_id":true}}}],
        "configuration":{"root_module":{
          "resources":[{"address":"azurerm_subnet_route_table_association.a","mode":"managed","type":"azurerm_subnet_route_table_association","name":"a",
             "expressions":{"subnet_id":{"references":["module.net.ids[\"a\"]","module.net.ids","module.net"]},"route_table_id":{"references":["azurerm_route_table.t","count.index"]}}}],
          "module_calls":{
            "net":{"module":{"outputs":{"ids":{"expression":{"references":["azurerm_subnet.s"]}}}}},
            "vm":{"expressions":{"subnet":{"references":["module.net.ids[\"b\"]","module.net.ids","module.net"]}},
              "module":{"resources":[{"address":"azurerm_network_interface.i","mode":"managed","type":"azurerm_network_interface","name":"i",
                "expressions":{"ip_configuration":[{"subnet_id":{"references":["var.subnet"]}}]}}]}}}}}}"#;
    let (raws, notes) = read(text, Side::After);
    assert!(notes.is_empty(), "{:?}", notes.iter().next());
    let of = |kind: &str, path: &str| {
        let raw = raws.iter().find(|r| r.id.full_name() == kind).expect(kind);
        raw.body
            .path(path)
            .map(|n| ResourceId::new(n.as_str().unwrap_or_default()).full_name())
            .unwrap_or_default()
    };
    let nic = raws.iter().find(|r| r.id.name() == "n").expect("the interface");
    let subnet =
        nic.body.path("properties.ipConfigurations").and_then(Node::as_array).and_then(<[Node]>::first);
    let subnet = subnet.and_then(|c| c.path("subnet.id")).and_then(Node::as_str).map(ResourceId::new);
    assert_eq!(subnet.map(|id| id.full_name()).as_deref(), Some("v/sb"));
    assert_eq!(of("v/sa", "properties.routeTable.id"), "t1");
    assert_eq!(of("v/sb", "properties.routeTable.id"), "");
}

#[test]
fn before_and_after_are_two_estates() {
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n/securityRules/r";
    let rule = |access: &str| {
        format!(
            r#"{{"id":"{id}","name":"r","resource_group_name":"g","network_security_group_name":"n","priority":100,"direction":"Inbound","access":"{access}","protocol":"Tcp"}}"#
        )
    };
    let gone = id.replace("/r", "/gone");
    let text = format!(
        r#"{{"format_version":"1.2","resource_changes":[
            {{"address":"azurerm_network_security_rule.r","mode":"managed","type":"azurerm_network_security_rule","name":"r",
              "change":{{"actions":["update"],"before":{},"after":{},"after_unknown":{{}}}}}},
            {{"address":"azurerm_network_security_rule.d","mode":"managed","type":"azurerm_network_security_rule","name":"d",
              "change":{{"actions":["delete"],"before":{},"after":null,"after_unknown":{{}}}}}}]}}"#,
        rule("Deny"),
        rule("Allow"),
        rule("Allow").replace(id, &gone),
    );
    let told = |side| {
        let (raws, _) = read(&text, side);
        let all = raws
            .iter()
            .map(|r| format!("{} {}", r.id.name(), r.body.path("properties.access").expect("access")));
        all.collect::<Vec<_>>().join(", ")
    };
    assert_eq!(told(Side::Before), r#"gone "Allow", r "Deny""#);
    assert_eq!(told(Side::After), r#"r "Allow""#);
}

#[test]
fn a_plan_takes_away_what_a_resource_still_reflects() {
    // The state of a group lists all its rules, also those that are resources of their own; so does the
    // state of a storage account.
    let g = "/subscriptions/s/resourceGroups/g/providers";
    let nsg = format!("{g}/Microsoft.Network/networkSecurityGroups/n");
    let account = format!("{g}/Microsoft.Storage/storageAccounts/a");
    let rule = |name: &str| {
        format!(
            r#"{{"name":"{name}","priority":100,"direction":"Inbound","access":"Allow","protocol":"Tcp"}}"#
        )
    };
    let group = format!(
        r#"{{"id":"{nsg}","name":"n",{GROUP},"security_rule":[{},{}]}}"#,
        rule("gone"),
        rule("by-hand")
    );
    let storage =
        format!(r#"{{"id":"{account}","name":"a",{GROUP},"network_rules":[{{"default_action":"Deny"}}]}}"#);
    let single = rule("gone").replacen(
        '{',
        &format!(r#"{{"id":"{nsg}/securityRules/gone","network_security_group_name":"n",{GROUP},"#),
        1,
    );
    let rules = format!(r#"{{"id":"{account}","storage_account_id":"{account}","default_action":"Deny"}}"#);
    let change = |kind: &str, before: &str, after: &str| {
        format!(
            r#"{{"address":"{kind}.x","mode":"managed","type":"{kind}","name":"x","change":{{"actions":[],"before":{before},"after":{after},"after_unknown":{{}}}}}}"#
        )
    };
    let changes = [
        change("azurerm_network_security_group", &group, &group),
        change("azurerm_network_security_rule", &single, "null"),
        change("azurerm_storage_account", &storage, &storage),
        change("azurerm_storage_account_network_rules", &rules, "null"),
    ];
    let text = format!(r#"{{"format_version":"1.2","resource_changes":[{}]}}"#, changes.join(","));
    let told = |i: &Inventory| {
        let names: Vec<&str> = i.nsgs.as_slice()[0].security_rules.iter().map(|r| &*r.name).collect();
        let action = &i.services.as_slice()[0].default_action;
        format!("{names:?} {:?} {}", action.known(), action.unknown().is_some())
    };
    ask(&text, told, r#"["by-hand"] None true"#);
    let (raws, mut notes) = read(&text, Side::Before);
    assert_eq!(told(&build(raws, &mut notes)), r#"["by-hand", "gone"] Some(Deny) false"#);
}

#[test]
fn a_state_tells_everything_it_holds() {
    let lb = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/loadBalancers/l";
    let nic = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n";
    let text = state(&[
        (
            "azurerm_lb",
            "l",
            &format!(
                r#"{{"id":"{lb}","name":"l",{GROUP},"sku":"Standard","frontend_ip_configuration":[{{"name":"f","private_ip_address":"10.0.0.9","subnet_id":"/x"}}]}}"#
            ),
        ),
        (
            "azurerm_lb_rule",
            "r",
            &format!(
                r#"{{"id":"{lb}/loadBalancingRules/r","name":"r","loadbalancer_id":"{lb}","protocol":"Tcp","frontend_port":443,"backend_port":8443,"frontend_ip_configuration_name":"f","backend_address_pool_ids":["{lb}/backendAddressPools/p"],"probe_id":""}}"#
            ),
        ),
        (
            "azurerm_network_interface",
            "n",
            &format!(
                r#"{{"id":"{nic}","name":"n",{GROUP},"ip_configuration":[{{"name":"a","private_ip_address":"10.0.0.4"}},{{"name":"b","private_ip_address":"10.0.0.5"}}]}}"#
            ),
        ),
        (
            "azurerm_network_interface_backend_address_pool_association",
            "a",
            &format!(
                r#"{{"id":"{nic}/ipConfigurations/b|{lb}/backendAddressPools/p","network_interface_id":"{nic}","ip_configuration_name":"b","backend_address_pool_id":"{lb}/backendAddressPools/p"}}"#
            ),
        ),
        (
            "azurerm_network_interface_application_security_group_association",
            "g",
            &format!(
                r#"{{"id":"{nic}|/asg","network_interface_id":"{nic}","application_security_group_id":"/asg"}}"#
            ),
        ),
    ]);
    check(
        &text,
        Side::After,
        &format!(
            r#"
            Microsoft.Network/loadBalancers l {{"frontendIPConfigurations":[{{"name":"f","subnet":{{"id":"/x"}},"privateIPAddress":"10.0.0.9"}}],"loadBalancingRules":[{{"protocol":"Tcp","frontendPort":443,"backendPort":8443,"frontendIPConfiguration":{{"id":"{lb}/frontendIPConfigurations/f"}},"backendAddressPools":[{{"id":"{lb}/backendAddressPools/p"}}],"name":"r"}}]}}
            Microsoft.Network/networkInterfaces n {{"ipConfigurations":[{{"name":"a","privateIPAddress":"10.0.0.4","applicationSecurityGroups":[{{"id":"/asg"}}]}},{{"name":"b","privateIPAddress":"10.0.0.5","loadBalancerBackendAddressPools":[{{"id":"{lb}/backendAddressPools/p"}}],"applicationSecurityGroups":[{{"id":"/asg"}}]}}]}}
            "#
        ),
    );
}

/// Builds the inventory of a state and prints what a question about it gives.
fn ask(text: &str, question: impl Fn(&Inventory) -> String, expected: &str) {
    let (raws, mut notes) = read(text, Side::After);
    let inventory = build(raws, &mut notes);
    let faults: Vec<String> = notes
        .iter()
        .filter(|d| d.code != Code::DanglingReference && d.severity > Severity::Note)
        .map(ToString::to_string)
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(question(&inventory), expected, "{text}");
}

#[test]
fn firewall_policies_keep_their_rules() {
    let policy = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/firewallPolicies/p";
    let text = state(&[
        (
            "azurerm_firewall_policy",
            "p",
            &format!(
                r#"{{"id":"{policy}","name":"p",{GROUP},"sku":"Premium","dns":[{{"proxy_enabled":true,"servers":["10.0.0.4"]}}],"threat_intelligence_mode":"Deny"}}"#
            ),
        ),
        (
            "azurerm_firewall_policy_rule_collection_group",
            "r",
            &format!(
                r#"{{"id":"{policy}/ruleCollectionGroups/r","name":"r","firewall_policy_id":"{policy}","priority":500,
            "network_rule_collection":[{{"name":"n","priority":100,"action":"Allow","rule":[{{"name":"x","protocols":["TCP"],"source_addresses":["10.0.0.0/8"],"source_ip_groups":[],"destination_addresses":["AzureCloud"],"destination_ports":["443"]}}]}}],
            "application_rule_collection":[{{"name":"a","priority":200,"action":"Deny","rule":[{{"name":"y","protocols":[{{"type":"Https","port":443}}],"source_addresses":["*"],"destination_fqdns":["*.test"]}}]}}],
            "nat_rule_collection":[{{"name":"d","priority":50,"action":"Dnat","rule":[{{"name":"z","protocols":["TCP"],"destination_address":"20.0.0.1","destination_ports":["80"],"translated_address":"10.0.0.4","translated_port":8080}}]}}]}}"#
            ),
        ),
    ]);
    ask(
        &text,
        |i| {
            let p = &i.firewall_policies.as_slice()[0];
            let group = &i.rule_collection_groups.as_slice()[0];
            let rules = group.rule_collections.iter().flat_map(|c| c.rules.iter().map(move |r| (c, r)));
            let rules = rules.map(|(c, r)| {
                format!(
                    "{} {} {} {}",
                    c.action.known().expect("action"),
                    r.rule_type.known().expect("type"),
                    r.ip_protocols.items.len(),
                    r.destination_addresses.items.len() + r.target_fqdns.items.len()
                )
            });
            format!(
                "{:?} {:?}; {}",
                p.dns_proxy.known(),
                p.threat_intel_mode.known(),
                rules.collect::<Vec<_>>().join("; ")
            )
        },
        "Some(true) Some(Deny); Allow NetworkRule 1 1; Deny ApplicationRule 1 1; DNAT NatRule 1 1",
    );
}

#[test]
fn private_endpoints_and_their_zones_are_linked() {
    let g = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
    let text = state(&[
        (
            "azurerm_private_endpoint",
            "p",
            &format!(
                r#"{{"id":"{g}/privateEndpoints/p","name":"p",{GROUP},"subnet_id":"{g}/virtualNetworks/v/subnets/s",
            "private_service_connection":[{{"name":"c","is_manual_connection":false,"private_connection_resource_id":"/sa","subresource_names":["blob"],"private_ip_address":"10.0.0.5"}}],
            "private_dns_zone_group":[{{"name":"default","private_dns_zone_ids":["{g}/privateDnsZones/z"]}}]}}"#
            ),
        ),
        (
            "azurerm_private_dns_zone",
            "z",
            &format!(r#"{{"id":"{g}/privateDnsZones/z","name":"z",{GROUP},"number_of_record_sets":2}}"#),
        ),
        (
            "azurerm_private_dns_a_record",
            "a",
            &format!(
                r#"{{"id":"{g}/privateDnsZones/z/A/a","name":"a","zone_name":"z",{GROUP},"records":["10.0.0.7"],"ttl":60}}"#
            ),
        ),
        (
            "azurerm_private_dns_zone_virtual_network_link",
            "l",
            &format!(
                r#"{{"id":"{g}/privateDnsZones/z/virtualNetworkLinks/l","name":"l","private_dns_zone_name":"z",{GROUP},"virtual_network_id":"{g}/virtualNetworks/v","registration_enabled":false}}"#
            ),
        ),
    ]);
    ask(
        &text,
        |i| {
            let endpoint = &i.private_endpoints.as_slice()[0];
            let zone = &i.private_dns_zones.as_slice()[0];
            let records: Vec<String> =
                zone.record_sets.iter().map(|r| format!("{}={:?}", r.name, r.addresses.items)).collect();
            format!(
                "{} {:?} groups {} links {} {records:?} {}",
                endpoint.connections.items.len(),
                endpoint.private_ip_address.known(),
                i.zone_groups.as_slice()[0].configs.items.len(),
                i.zone_links.len(),
                zone.record_sets.unknown.is_some()
            )
        },
        r#"1 Some(10.0.0.5) groups 1 links 1 ["@=[]", "a=[10.0.0.7]"] false"#,
    );
}

#[test]
fn service_firewalls_are_read() {
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
    let inline = state(&[(
        "azurerm_storage_account",
        "a",
        &format!(
            r#"{{"id":"{id}","name":"a",{GROUP},"public_network_access_enabled":true,"network_rules":[{{"default_action":"Deny","bypass":["AzureServices","Logging"],"ip_rules":["20.0.0.1"],"virtual_network_subnet_ids":["/v"],"private_link_access":[]}}]}}"#
        ),
    )]);
    let apart = state(&[
        (
            "azurerm_storage_account",
            "a",
            &format!(r#"{{"id":"{id}","name":"a",{GROUP},"public_network_access_enabled":true}}"#),
        ),
        (
            "azurerm_storage_account_network_rules",
            "r",
            &format!(
                r#"{{"id":"{id}","storage_account_id":"{id}","default_action":"Deny","bypass":["AzureServices","Logging"],"ip_rules":["20.0.0.1"],"virtual_network_subnet_ids":["/v"]}}"#
            ),
        ),
    ]);
    for text in [inline, apart] {
        ask(
            &text,
            |i| {
                let s = &i.services.as_slice()[0];
                let rules: Vec<&str> = s.ip_rules.iter().map(|r| &*r.text).collect();
                let subnets: Vec<&str> = s.virtual_network_rules.iter().map(|r| &*r.text).collect();
                format!(
                    "{:?} {:?} {:?} {rules:?} {subnets:?}",
                    s.public_network_access.known(),
                    s.default_action.known(),
                    s.bypass.known()
                )
            },
            r#"Some(Enabled) Some(Deny) Some("AzureServices, Logging") ["20.0.0.1"] ["/v"]"#,
        );
    }
}

#[test]
fn an_update_of_azapi_changes_what_stands_behind_it() {
    let account = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a";
    let update = format!(
        r#"{{"id":"{account}","resource_id":"{account}","type":"Microsoft.Storage/storageAccounts@2023-01-01","body":{{"properties":{{"publicNetworkAccess":"Disabled"}}}}}}"#
    );
    let own = format!(
        r#"{{"id":"{account}","name":"a","resource_group_name":"g","shared_access_key_enabled":false,"public_network_access_enabled":true}}"#
    );
    let text = state(&[("azapi_update_resource", "u", &update), ("azurerm_storage_account", "a", &own)]);
    let (resources, _) = read(&text, Side::After);
    let [account] = &resources[..] else { panic!("{resources:#?}") };
    assert_eq!(account.origin, Origin::Deployed);
    let word = |path: &str| account.body.path(path).map(ToString::to_string);
    assert_eq!(word("properties.publicNetworkAccess").as_deref(), Some("\"Disabled\""));
    assert_eq!(word("properties.allowSharedKeyAccess").as_deref(), Some("false"));
    // Alone it tells of nothing else.
    let (alone, _) = read(&state(&[("azapi_update_resource", "u", &update)]), Side::After);
    assert_eq!(alone[0].origin, Origin::Mentioned);
}

#[test]
fn azapi_bodies_are_taken_as_they_are() {
    let vnet = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";
    let text = state(&[
        (
            "azapi_resource",
            "s",
            &format!(
                r#"{{"id":"{vnet}/subnets/s","name":"s","type":"Microsoft.Network/virtualNetworks/subnets@2023-09-01","parent_id":"{vnet}","body":"{{\"properties\":{{\"addressPrefix\":\"10.0.0.0/24\"}}}}"}}"#
            ),
        ),
        (
            "azapi_update_resource",
            "u",
            &format!(
                r#"{{"id":"{vnet}/subnets/s","resource_id":"{vnet}/subnets/s","type":"Microsoft.Network/virtualNetworks/subnets@2023-09-01","body":{{"properties":{{"defaultOutboundAccess":false}}}}}}"#
            ),
        ),
    ]);
    check(
        &text,
        Side::After,
        r#"Microsoft.Network/virtualNetworks/subnets v/s {"addressPrefix":"10.0.0.0/24","defaultOutboundAccess":false}"#,
    );
    let text = plan(&[
        Planned(
            "azurerm_resource_group",
            "g",
            r#"{"name":"g","location":"westeurope"}"#,
            r#"{"id":true}"#,
            "{}",
        ),
        Planned(
            "azapi_resource",
            "w",
            r#"{"name":"w","type":"Microsoft.MachineLearningServices/workspaces@2024-04-01","body":{"properties":{"publicNetworkAccess":"Disabled"}}}"#,
            r#"{"id":true,"parent_id":true,"body":{"properties":{"storageAccount":true}}}"#,
            r#"{"parent_id":{"references":["azurerm_resource_group.g.id","azurerm_resource_group.g"]}}"#,
        ),
    ]);
    check(
        &text,
        Side::After,
        r#"Microsoft.MachineLearningServices/workspaces w {"publicNetworkAccess":"Disabled","storageAccount":<unknown: known after apply>}
        unknown-value"#,
    );
}

#[test]
fn what_is_not_read_is_said() {
    let text = state(&[
        ("azurerm_resource_group", "g", r#"{"id":"/subscriptions/s/resourceGroups/g","name":"g"}"#),
        (
            "azurerm_spring_cloud_service",
            "x",
            r#"{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.AppPlatform/spring/x","name":"x"}"#,
        ),
        ("random_string", "r", r#"{"id":"abc"}"#),
    ]);
    check(
        &text,
        Side::Before,
        // What only makes random words is no part of a network, and not worth a word.
        "Microsoft.AppPlatform/spring x <unknown: the properties of `azurerm_spring_cloud_service` are not read from Terraform>
         unknown-kind",
    );
    check(r#"{"version":3,"terraform_version":"0.11","modules":[]}"#, Side::After, "unsupported-version");
}

#[test]
fn data_sources_tell_no_more_than_they_hold() {
    let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s";
    let text = state(&[("azurerm_subnet", "s", &format!(r#"{{"id":"{id}","name":"s",{GROUP},"virtual_network_name":"v","address_prefixes":["10.0.0.0/24"],"network_security_group_id":""}}"#))])
        .replace("managed", "data");
    ask(
        &text,
        |i| {
            let s = &i.subnets.as_slice()[0];
            format!(
                "{:?} {:?} nsg {} nat {}",
                s.origin,
                s.address_prefixes.items,
                s.network_security_group.is_absent(),
                s.nat_gateway.unknown().is_some()
            )
        },
        "Mentioned [10.0.0.0/24] nsg true nat true",
    );
}

#[test]
fn a_rule_of_a_group_that_is_elsewhere_is_not_the_whole_group() {
    let g = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
    let text = state(&[
        (
            "azurerm_network_security_rule",
            "r",
            &format!(
                r#"{{"id":"{g}/networkSecurityGroups/n/securityRules/r","name":"r",{GROUP},"network_security_group_name":"n","priority":100,"direction":"Inbound","access":"Allow","protocol":"Tcp"}}"#
            ),
        ),
        (
            "azurerm_lb_probe",
            "p",
            &format!(
                r#"{{"id":"{g}/loadBalancers/l/probes/p","name":"p","loadbalancer_id":"{g}/loadBalancers/l","protocol":"Tcp","port":80}}"#
            ),
        ),
    ]);
    ask(
        &text,
        |i| {
            let n = &i.nsgs.as_slice()[0];
            let l = &i.load_balancers.as_slice()[0];
            format!(
                "{:?} {} {}; {} {} {}",
                n.origin,
                n.security_rules.items.len(),
                n.security_rules.unknown.is_some(),
                l.probes.items.len(),
                l.probes.unknown.is_some(),
                l.load_balancing_rules.unknown.is_some()
            )
        },
        "Mentioned 1 true; 1 true true",
    );
}

#[test]
fn every_type_leads_somewhere() {
    let mut seen = std::collections::BTreeSet::new();
    for known in types::all() {
        for tf in known.tf {
            assert!(seen.insert(tf), "{tf} stands twice");
        }
        let own = !matches!(known.home, Home::Item { .. } | Home::Nothing);
        assert!(
            !own || is_modelled(known.arm),
            "{:?} leads to {}, which is not modelled",
            known.tf,
            known.arm
        );
        if let Home::Item { of, .. } = known.home {
            assert!(is_modelled(of), "{of}");
        }
    }
}

/// Every file of the shared states and plans: resources, rows, diagnostics by code.
#[test]
fn shared_terraform_is_read() {
    let folder = format!("{}/../shared/data/terraform", env!("CARGO_MANIFEST_DIR"));
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: the shared Terraform files are not here");
        return;
    };
    let mut files: Vec<_> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    files.sort();
    for path in files {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        #[expect(clippy::disallowed_methods, reason = "a test reads its data")]
        let text = std::fs::read_to_string(&path).expect("a file");
        for side in [Side::Before, Side::After] {
            let (raws, mut notes) = read(&text, side);
            let count = raws.len();
            for raw in raws.iter().filter(|r| r.body.has_unknown()) {
                println!("    {}: {}", raw.id, raw.body);
            }
            let unknown = raws.iter().filter(|r| r.body.has_unknown()).count();
            let inventory = build(raws, &mut notes);
            println!("{name} {side:?}: {count} resources, {unknown} with unknowns, {} rows", inventory.len());
            for note in &notes {
                println!("    {note}");
            }
            let planned = name.contains("tfplan") && side == Side::Before;
            assert_eq!(count == 0, planned, "{name}");
            assert!(!notes.has_errors(), "{name}");
        }
    }
}

#[test]
fn circles_of_modules_end() {
    // Each variable comes from outputs that come from the variable.
    let text = r#"{"format_version":"1.2","resource_changes":[
        {"address":"module.m.azurerm_subnet_nat_gateway_association.a","module_address":"module.m","mode":"managed",
         "type":"azurerm_subnet_nat_gateway_association","name":"a",
         "change":{"actions":["create"],"before":null,"after":{},"after_unknown":{"subnet_id":true,"nat_gateway_id":true}}}],
        "configuration":{"root_module":{"module_calls":{"m":{
            "expressions":{"x":{"references":["module.m.o","module.m.p","module.m.q"]}},
            "module":{"outputs":{"o":{"expression":{"references":["var.x"]}},"p":{"expression":{"references":["var.x"]}},"q":{"expression":{"references":["var.x"]}}},
              "resources":[{"address":"azurerm_subnet_nat_gateway_association.a","expressions":{"subnet_id":{"references":["var.x"]},"nat_gateway_id":{"references":["var.x"]}}}]}}}}}}"#;
    check(text, Side::After, "unknown-value");
}

/// The tree with its `number`th node replaced.
fn replaced(node: &Node, number: &mut usize, by: &Value) -> Node {
    if *number == 0 {
        *number = usize::MAX;
        return Node::new(node.at, by.clone());
    }
    *number = number.saturating_sub(usize::from(*number != usize::MAX));
    let value = match &node.value {
        Value::Array(items) => {
            Node::array(node.at, items.iter().map(|i| replaced(i, number, by)).collect()).value
        }
        Value::Object(object) => {
            let entries = object.iter().map(|e| Entry { value: replaced(&e.value, number, by), ..e.clone() });
            Node::object(node.at, entries.collect()).value
        }
        other => other.clone(),
    };
    Node::new(node.at, value)
}

#[test]
fn no_document_makes_it_panic() {
    let g = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network";
    let state = state(&[
        (
            "azurerm_lb",
            "l",
            &format!(
                r#"{{"id":"{g}/loadBalancers/l","name":"l",{GROUP},"sku":"Standard","frontend_ip_configuration":[{{"name":"f","subnet_id":"/x"}}]}}"#
            ),
        ),
        (
            "azurerm_lb_rule",
            "r",
            &format!(
                r#"{{"name":"r","loadbalancer_id":"{g}/loadBalancers/l","frontend_ip_configuration_name":"f","backend_address_pool_ids":["/p"]}}"#
            ),
        ),
        (
            "azurerm_private_endpoint",
            "p",
            &format!(
                r#"{{"name":"p",{GROUP},"private_service_connection":[{{"name":"c","is_manual_connection":false,"subresource_names":["blob"]}}]}}"#
            ),
        ),
        (
            "azapi_resource",
            "z",
            &format!(r#"{{"name":"z","type":"A.B/c@1","parent_id":"{g}","body":"{{}}"}}"#),
        ),
    ]);
    let plan = plan(&[
        Planned(
            "azurerm_subnet",
            "s",
            r#"{"name":"s","resource_group_name":"g","virtual_network_name":"v"}"#,
            r#"{"id":true}"#,
            "{}",
        ),
        Planned(
            "azurerm_network_interface",
            "i",
            r#"{"name":"n","resource_group_name":"g","ip_configuration":[{"name":"ip"}]}"#,
            r#"{"id":true,"ip_configuration":[{"subnet_id":true}]}"#,
            r#"{"ip_configuration":[{"subnet_id":{"references":["azurerm_subnet.s.id"]}}]}"#,
        ),
    ]);
    let words = [
        Value::Null,
        Value::Bool(true),
        Value::String("x[\"".into()),
        Node::array(At::NOWHERE, vec![]).value,
    ];
    for text in [state, plan] {
        let whole = parse_json(DocId(0), &text, &mut Diagnostics::new()).expect("JSON");
        for by in &words {
            for number in 0..400 {
                let mutated = replaced(&whole, &mut number.clone(), by);
                let mut notes = Diagnostics::new();
                let raws = load(&mutated, Side::After, &mut notes);
                build(raws, &mut notes);
                let _ = crate::formats::detect::detect("x", "", Some(&mutated));
                let _ = crate::formats::export::load(&mutated, &mut notes);
            }
        }
    }
}
