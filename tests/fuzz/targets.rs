//! What is done with text from strangers, and examples of it to damage: shared by the seeded mutator of the tests and
//! the targets of cargo-fuzz.

use netwhy::diag::{Diagnostics, DocId};
use netwhy::doc::{Node, Number, Value, parse_json, parse_yaml};
use netwhy::formats::{Side, arm, change, detect, export, native, terraform, what_if};
use netwhy::inventory::{RawResource, build, change as changes};
use netwhy::network::compile;
use netwhy::profile::Profile;
use netwhy::scenario;
use netwhy::tags::ServiceTags;

// ---- seeds ----

const ESTATE: &str = include_str!("../../scenarios/secured-workspace/estate.yaml");
const DUAL: &str = include_str!("../../scenarios/dual-stack/dual-stack.yaml");
const TRAP: &str = include_str!("../../scenarios/traps/T-30-peering-of-one-side.yaml");

const TEMPLATE: &str = include_str!("template.json");

const EXPRESSIONS: &[&str] = &[
    "concat(parameters('a'), '-', variables('v'))",
    "map(range(0, 3), lambda('i', mul(lambdaVariables('i'), 2)))",
    "reduce(createArray(1, 2), 0, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))",
    "filter(parameters('list'), lambda('x', not(empty(lambdaVariables('x')))))",
    "toObject(createArray('a'), lambda('k', lambdaVariables('k')), lambda('k', 1))",
    "groupBy(createArray('a', 'b'), lambda('k', length(lambdaVariables('k'))))",
    "sort(createArray(3, 1), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))",
    "cidrSubnet('10.0.0.0/8', 16, 3)",
    "cidrHost('fd00::/64', 4)",
    "parseCidr('2001:db8::/33').firstUsable",
    "dateTimeAdd('2024-02-29T00:00:00Z', 'P1Y2M3DT4H', 'yyyy-MM-dd')",
    "dateTimeToEpoch('2024-01-01T00:00:00Z')",
    "format('{0:D4}-{1,8}-{2:N2}-{{}}', 7, 'x', 1)",
    "padLeft(string(12), 8, '0')",
    "substring('abc', 1, 2)",
    "uri('https://a/b/', '../c/d')",
    "json('{\"a\": [1, null]}').a[0]",
    "base64ToString(base64('x'))",
    "dataUriToString(dataUri('é'))",
    "guid(resourceGroup().id, 'x')",
    "uniqueString(subscription().subscriptionId)",
    "if(equals(parameters('b'), 2), reference('net').subnets[0].name, fail('no'))",
    "coalesce(tryGet(parameters('t'), 's', 'u'), parameters('list')[?5], null(), 'z')",
    "union(createObject('a', createObject('b', 1)), createObject('a', createObject('c', 2)))",
    "intersection(createArray(1, 2), createArray(2))",
    "resourceId('g', 'Microsoft.Network/virtualNetworks/subnets', 'v', 's')",
    "listKeys(resourceId('Microsoft.Storage/storageAccounts', 'a'), '2023-01-01').keys[0].value",
    "environment().suffixes.storage",
    "items(createObject('b', 2, 'a', 1))[0].key",
    "indexOf('abcabc', 'c')",
    "n.f(n.f(3))",
    "pickZones('Microsoft.Network', 'x', 'westeurope', 2)",
    "int('9223372036854775807')",
    "div(-9223372036854775807, mod(7, 3))",
];

const PLAN: &str = r#"{"format_version":"1.2","terraform_version":"1.7.0","planned_values":{"root_module":{"resources":[]}},
  "resource_changes":[
   {"address":"azurerm_virtual_network.v","mode":"managed","type":"azurerm_virtual_network","name":"v","change":{"actions":["create"],
    "before":null,"after":{"name":"v","resource_group_name":"g","location":"westeurope","address_space":["10.0.0.0/16"]},"after_unknown":{"id":true}}},
   {"address":"module.m[\"a\"].azurerm_subnet.s[0]","module_address":"module.m[\"a\"]","mode":"managed","type":"azurerm_subnet","name":"s","index":0,
    "change":{"actions":["create"],"before":null,"after":{"name":"s","resource_group_name":"g","address_prefixes":["10.0.1.0/24"]},
    "after_unknown":{"id":true,"virtual_network_name":true}}},
   {"address":"azurerm_network_security_rule.r","mode":"managed","type":"azurerm_network_security_rule","name":"r","change":{"actions":["delete"],
    "before":{"name":"r","resource_group_name":"g","network_security_group_name":"n","priority":100,"direction":"Inbound","access":"Deny","protocol":"*",
    "source_port_range":"*","destination_port_range":"22","source_address_prefix":"*","destination_address_prefix":"*"},"after":null,"after_unknown":{}}},
   {"address":"azapi_resource.w","mode":"managed","type":"azapi_resource","name":"w","change":{"actions":["update"],"before":{},"after":{"name":"w",
    "type":"Microsoft.MachineLearningServices/workspaces@2024-04-01","parent_id":"/subscriptions/s/resourceGroups/g","body":{"properties":{}}},"after_unknown":{"id":true}}}],
  "configuration":{"root_module":{"resources":[],"module_calls":{"m":{"for_each_expression":{},"module":{"resources":[
    {"address":"azurerm_subnet.s","mode":"managed","type":"azurerm_subnet","name":"s","expressions":{"virtual_network_name":{"references":["var.n"]}},"count_expression":{}}]},
    "expressions":{"n":{"references":["azurerm_virtual_network.v.name","azurerm_virtual_network.v"]}}}}}}}"#;

const STATE: &str = r#"{"version":4,"terraform_version":"1.5.0","resources":[{"mode":"managed","type":"azurerm_route_table","name":"t",
  "instances":[{"index_key":"k","attributes":{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t","name":"t",
  "route":[{"name":"a","address_prefix":"0.0.0.0/0","next_hop_type":"None","next_hop_in_ip_address":""}]}}]}]}"#;

const EXPORT: &str = r#"[{"value":[{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v","name":"v","location":"westeurope",
  "addressSpace":{"addressPrefixes":["10.0.0.0/16","fd00::/48"]},"subnets":[{"name":"s","addressPrefix":"10.0.1.0/24","networkSecurityGroup":{"id":"x"}}],
  "virtualNetworkPeerings":[]}],"nextLink":"y"},
  {"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n","name":"n","properties":{"securityRules":[
  {"name":"r","properties":{"priority":100,"direction":"Inbound","access":"Allow","protocol":"Tcp","sourceAddressPrefix":"Internet","sourcePortRange":"*",
  "destinationAddressPrefixes":["10.0.0.0/8"],"destinationPortRanges":["80","443-445"]}}]}}]"#;

const GRAPH: &str = r#"{"count":1,"data":{"columns":[{"name":"id"},{"name":"properties_addressSpace_addressPrefixes"}],"rows":[
  ["/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v",["10.0.0.0/16"]]]},"resultTruncated":"false","$skipToken":"t"}"#;

const ROUTES: &str = r#"{"value":[{"addressPrefix":["10.0.0.0/16"],"name":null,"nextHopIpAddress":[],"nextHopType":"VnetLocal","source":"Default","state":"Active"},
  {"addressPrefix":["0.0.0.0/0"],"name":"d","nextHopIpAddress":["10.0.0.4"],"nextHopType":"VirtualAppliance","source":"User","state":"Active"}]}"#;

const RULES: &str = r#"{"value":[{"networkSecurityGroup":{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/n"},
  "association":{"subnet":{"id":"/subscriptions/s/x"}},"tagMap":{"Internet":["0.0.0.0/0"]},"effectiveSecurityRules":[{"name":"securityRules/r","protocol":"All",
  "sourcePortRange":"0-65535","destinationPortRange":"22-22","sourceAddressPrefix":"*","destinationAddressPrefix":"*","access":"Deny","priority":100,"direction":"Inbound"}]}]}"#;

const LEARNED: &str = r#"{"value":[{"asPath":"65001","localAddress":"10.0.255.4","network":"192.168.0.0/16","nextHop":"1.2.3.4","origin":"EBgp","sourcePeer":"x","weight":1}]}"#;

const DRAWING: &str = r#"{"hub":{"name":"h","address_space":"10.0.0.0/23","subnets":[{"name":"a","address":"10.0.0.0/26","nsg":"Yes","udr":"No"}],
  "peerings":["s"],"subscription_name":"HUB"},"spokes":[{"name":"s","address_space":"10.1.0.0/23","subnets":[],"peerings":["h","x"]}]}"#;

const WHAT_IF: &str = r#"{"status":"Succeeded","changes":[{"resourceId":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t",
  "changeType":"Modify","before":{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t","name":"t","properties":{"routes":[]}},
  "after":{"name":"t","properties":{"routes":"[reference('x').y]"}},"delta":[]},{"resourceId":"[x()]","changeType":"Unsupported","unsupportedReason":"r"}],"error":null}"#;

const TAGS: &str = r#"{"changeNumber":1,"cloud":"Public","values":[{"name":"Storage","id":"Storage","properties":{"addressPrefixes":["20.0.0.0/24","2603::/16"]}},
  {"name":"Storage.WestEurope","id":"x","properties":{"addressPrefixes":["20.0.0.0/25"]}}]}"#;

const CHANGES: &str = "netwhy: changes/1\nchanges:\n  - set: { target: a/b, access: Deny }\n  - add: { routeTables: [{ name: f, routes: [] }] }\n  - remove: { target: x, detach: true }\n";

// ---- targets ----

/// A way into the program for text from strangers.
pub(crate) struct Target {
    /// What to call it.
    pub(crate) name: &'static str,
    /// What to damage.
    pub(crate) seeds: &'static [&'static str],
    /// Folders of the shared data with more seeds.
    pub(crate) folders: &'static [&'static str],
    /// What to do with the text.
    pub(crate) run: fn(&str),
}

/// Every one.
pub(crate) const TARGETS: &[Target] = &[
    Target { name: "json", seeds: &[TEMPLATE, EXPORT, TAGS], folders: &["exports", "arm-jsonc"], run: json },
    Target { name: "yaml", seeds: &[ESTATE, TRAP, DUAL, CHANGES], folders: &[], run: yaml },
    Target {
        name: "detect",
        seeds: &[TEMPLATE, EXPORT, PLAN, TAGS, ESTATE, WHAT_IF, "resource x 'y' = {"],
        folders: &["exports", "flow-logs"],
        run: detected,
    },
    Target { name: "arm", seeds: &[TEMPLATE], folders: &["arm", "arm-jsonc"], run: template },
    Target { name: "expression", seeds: EXPRESSIONS, folders: &[], run: expression },
    Target {
        name: "export",
        seeds: &[EXPORT, GRAPH, ROUTES, RULES, LEARNED, DRAWING, WHAT_IF],
        folders: &["exports"],
        run: exported,
    },
    Target { name: "terraform", seeds: &[PLAN, STATE], folders: &["terraform"], run: planned },
    Target { name: "tags", seeds: &[TAGS], folders: &[], run: tags },
    Target { name: "estate", seeds: &[ESTATE, DUAL, TRAP, CHANGES], folders: &[], run: estate },
];

/// JSON that is read is written so that it can be read again.
pub(crate) fn json(text: &str) {
    let mut notes = Diagnostics::new();
    if let Ok(node) = parse_json(DocId(0), text, &mut notes) {
        let again = parse_json(DocId(0), &node.to_string(), &mut notes);
        assert!(again.is_ok() || holds_unknown(&node), "what is written cannot be read: {node}");
    }
}

fn holds_unknown(node: &Node) -> bool {
    match &node.value {
        Value::Unknown(_) => true,
        // JSON has no word for these, which a number too large becomes.
        Value::Number(Number::Float(f)) => !f.is_finite(),
        Value::Array(items) => items.iter().any(holds_unknown),
        Value::Object(object) => object.iter().any(|e| holds_unknown(&e.value)),
        _ => false,
    }
}

/// The same for YAML, which must keep its meaning.
pub(crate) fn yaml(text: &str) {
    let mut notes = Diagnostics::new();
    if let Ok(node) = parse_yaml(DocId(0), text, &mut notes) {
        let written = netwhy::doc::emit_yaml(&node);
        let again = parse_yaml(DocId(0), &written, &mut notes);
        let again = again.unwrap_or_else(|fault| {
            let from = written.floor_char_boundary((fault.at.start as usize).saturating_sub(300));
            panic!(
                "what is written cannot be read: {fault} behind {:?}",
                written[from..].chars().take(330).collect::<String>()
            )
        });
        assert_eq!(again.to_string(), node.to_string(), "{written}");
    }
}

/// The text as a value, if it is one.
pub(crate) fn tree(text: &str) -> Option<Node> {
    netwhy::run::load::parse(DocId(0), text, &mut Diagnostics::new())
}

/// Whatever it is, it is called something.
pub(crate) fn detected(text: &str) {
    let node = tree(text);
    let found = detect::detect("x.json", text, node.as_ref());
    found.refusal("x", netwhy::diag::At::NOWHERE);
}

/// Limits that end within a blink.
fn small() -> arm::Options {
    let limits = arm::Limits {
        turns: 50,
        resources: 300,
        text: 4_000,
        values: 2_000,
        steps: 200_000,
        ..arm::Limits::default()
    };
    arm::Options { limits, ..arm::Options::default() }
}

/// A template is expanded and used.
pub(crate) fn template(text: &str) {
    let Some(node) = tree(text) else { return };
    let deployment = arm::load(&node, &[], &small(), &mut Diagnostics::new());
    used(deployment.resources);
}

/// The same for one expression of a template.
pub(crate) fn expression(text: &str) {
    let source = serde_json::Value::String(format!("[{text}]")).to_string();
    let whole = TEMPLATE.replace("\"[dateTimeAdd(utcNow('u'), 'P1D')]\"", &source);
    template(&whole);
}

/// An export or what-if result is read, and its facts are taken in.
pub(crate) fn exported(text: &str) {
    let Some(node) = tree(text) else { return };
    let mut notes = Diagnostics::new();
    let found = export::load(&node, &mut notes);
    let mut raws = found.resources;
    for side in [Side::Before, Side::After] {
        raws.extend(what_if::load(&node, side, &mut notes).resources);
    }
    let mut sources = netwhy::diag::Sources::default();
    sources.add("x.json", text);
    netwhy::run::observed::take_in(&found.facts, &mut raws, &ServiceTags::default(), &sources, &mut notes);
    used(raws);
}

/// Both sides of a Terraform document are read.
pub(crate) fn planned(text: &str) {
    let Some(node) = tree(text) else { return };
    for side in [Side::Before, Side::After] {
        used(terraform::load(&node, side, &mut Diagnostics::new()));
    }
    terraform::removed(&node);
}

/// A service tag file finds what it holds.
pub(crate) fn tags(text: &str) {
    let Some(node) = tree(text) else { return };
    let Ok(tags) = ServiceTags::from_json(&node, &mut Diagnostics::new()) else { return };
    for id in tags.iter() {
        let first = tags.representative(id);
        assert!(first.is_none_or(|ip| tags.holding(ip).contains(&id)), "{}", tags.name(id));
        assert!(tags.find(tags.name(id)).is_some() || tags.name(id).trim() != tags.name(id));
    }
    assert!(tags.changes_to(&tags).is_empty());
}

/// Our own files are read, changed and used.
pub(crate) fn estate(text: &str) {
    let Some(node) = tree(text) else { return };
    let mut notes = Diagnostics::new();
    let mut raws = native::load(&node, &mut notes);
    if let Some(inner) = node.get("estate") {
        raws.extend(native::load_inline(inner, &mut notes));
    }
    let list = change::load(&node, &mut notes);
    let (after, _) = changes::apply(&raws, &list, &mut notes);
    scenario::load(&node, "s", &mut notes);
    used(after);
}

/// What happens with resources once they are read.
fn used(raws: Vec<RawResource>) {
    native::write(&raws, native::Style { short_names: true });
    let mut notes = Diagnostics::new();
    let inventory = build(raws, &mut notes);
    compile(inventory, ServiceTags::default(), Profile::default(), &mut notes);
}
