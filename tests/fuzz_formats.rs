//! Every parser, and the expression evaluator, on damaged input: no panic, no endless work, no runaway memory.
//!
//! A seeded mutator, so that a finding can be repeated: its message holds the target and the seed. Each run of the
//! tests tries a few hundred inputs per target. For longer:
//!
//! ```sh
//! NETWHY_FUZZ_SECONDS=600 NETWHY_FUZZ_TARGET=arm cargo test --locked --test fuzz_formats -- --nocapture
//! ```
//!
//! A long run takes the files of `../shared/data` as seeds too, where they are there, and writes every input to the
//! folder for temporary files before it tries it.

#![allow(clippy::print_stdout, reason = "a long run says how far it came")]
#![allow(clippy::disallowed_methods, reason = "seeds are files, and a run has an end")]

use netwhy::diag::{Diagnostics, DocId};
use netwhy::doc::{Entry, Node, Number, Object, Value, parse_json, parse_yaml};
use netwhy::formats::{Side, arm, change, detect, export, native, terraform, what_if};
use netwhy::inventory::{RawResource, build, change as changes};
use netwhy::network::compile;
use netwhy::profile::Profile;
use netwhy::scenario;
use netwhy::tags::ServiceTags;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One input may take so long; a debug build on a busy machine needs some room.
const SLOW: Duration = Duration::from_secs(20);

/// A generator with its seed in the open.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below.max(1)
    }

    fn scrap(&mut self) -> &'static str {
        SCRAPS[self.next(SCRAPS.len())]
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.next(items.len())]
    }
}

// ---- seeds ----

const ESTATE: &str = include_str!("../scenarios/secured-workspace/estate.yaml");
const DUAL: &str = include_str!("../scenarios/dual-stack/dual-stack.yaml");
const TRAP: &str = include_str!("../scenarios/traps/T-30-peering-of-one-side.yaml");

const TEMPLATE: &str = r##"{
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0", "languageVersion": "2.0",
  "definitions": {"t": {"type": "object", "nullable": true, "properties": {"s": {"type": "securestring"}}}},
  "parameters": {
    "a": {"type": "string", "defaultValue": "x"}, "b": {"type": "int", "defaultValue": 2}, "m": {"type": "string"},
    "t": {"$ref": "#/definitions/t"}, "list": {"type": "array", "defaultValue": [1, {"k": "v"}]}},
  "variables": {"v": "[concat(parameters('a'), '-', parameters('b'))]",
    "copy": [{"name": "c", "count": "[parameters('b')]", "input": "[copyIndex('c')]"}]},
  "functions": [{"namespace": "n", "members": {"f": {"parameters": [{"name": "x", "type": "int"}],
    "output": {"type": "int", "value": "[add(parameters('x'), 1)]"}}}}],
  "resources": {
    "net": {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01", "name": "[variables('v')]",
      "condition": "[equals(parameters('b'), 2)]", "location": "[resourceGroup().location]",
      "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "copy": [{"name": "subnets", "count": 2, "input": {"name": "[format('s{0}', copyIndex('subnets'))]",
          "properties": {"addressPrefix": "[cidrSubnet('10.0.0.0/16', 24, copyIndex('subnets'))]"}}}]},
      "resources": [{"type": "subnets", "apiVersion": "1", "name": "x", "properties": {"addressPrefix": "10.0.9.0/24"}}]},
    "fw": {"type": "Microsoft.Network/azureFirewalls", "apiVersion": "1", "name": "fw", "properties": {
      "ipConfigurations": [{"name": "a", "properties": {"subnet": {"id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', variables('v'), 'x')]"}}}]}},
    "many": {"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "[concat('r', copyIndex())]",
      "copy": {"name": "many", "count": "[length(parameters('list'))]"},
      "properties": {"routes": [{"name": "d", "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance",
        "nextHopIpAddress": "[reference('fw').ipConfigurations[0].properties.privateIPAddress]"}}]}},
    "dep": {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "dep",
      "properties": {"expressionEvaluationOptions": {"scope": "inner"},
        "parameters": {"p": {"value": "[reference('net').subnets[0].name]"}},
        "template": {"parameters": {"p": {"type": "string"}},
          "resources": [{"type": "Microsoft.Storage/storageAccounts", "apiVersion": "1", "name": "[parameters('p')]",
            "identity": {"type": "SystemAssigned"}, "properties": {}}],
          "outputs": {"o": {"type": "string", "value": "[reference(parameters('p')).primaryEndpoints.blob]"}}}}}},
  "outputs": {
    "a": {"type": "string", "value": "[reference('dep').outputs.o.value]"},
    "b": {"type": "array", "value": "[union(variables('c'), range(n.f(1), 3))]"},
    "c": {"type": "object", "value": "[items(createObject('k', tryGet(parameters('t'), 's'), 'l', parseCidr('10.0.0.0/8')))]"},
    "d": {"type": "string", "value": "[dateTimeAdd(utcNow('u'), 'P1D')]"}}
}"##;

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

struct Target {
    name: &'static str,
    seeds: &'static [&'static str],
    /// Folders of the shared data with more seeds.
    folders: &'static [&'static str],
    run: fn(&str),
}

const TARGETS: &[Target] = &[
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

fn json(text: &str) {
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

fn yaml(text: &str) {
    let mut notes = Diagnostics::new();
    if let Ok(node) = parse_yaml(DocId(0), text, &mut notes) {
        let written = netwhy::doc::emit_yaml(&node);
        let again = parse_yaml(DocId(0), &written, &mut notes);
        let again = again.unwrap_or_else(|fault| {
            let from = boundary(&written, (fault.at.start as usize).saturating_sub(300).min(written.len()));
            panic!(
                "what is written cannot be read: {fault} behind {:?}",
                written[from..].chars().take(330).collect::<String>()
            )
        });
        assert_eq!(again.to_string(), node.to_string(), "{written}");
    }
}

fn tree(text: &str) -> Option<Node> {
    netwhy::run::load::parse(DocId(0), text, &mut Diagnostics::new())
}

fn detected(text: &str) {
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

fn template(text: &str) {
    let Some(node) = tree(text) else { return };
    let deployment = arm::load(&node, &[], &small(), &mut Diagnostics::new());
    used(deployment.resources);
}

fn expression(text: &str) {
    let source = serde_json::Value::String(format!("[{text}]")).to_string();
    let whole = TEMPLATE.replace("\"[dateTimeAdd(utcNow('u'), 'P1D')]\"", &source);
    template(&whole);
}

fn exported(text: &str) {
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

fn planned(text: &str) {
    let Some(node) = tree(text) else { return };
    for side in [Side::Before, Side::After] {
        used(terraform::load(&node, side, &mut Diagnostics::new()));
    }
    terraform::removed(&node);
}

fn tags(text: &str) {
    let Some(node) = tree(text) else { return };
    let Ok(tags) = ServiceTags::from_json(&node, &mut Diagnostics::new()) else { return };
    for id in tags.iter() {
        let first = tags.representative(id);
        assert!(first.is_none_or(|ip| tags.holding(ip).contains(&id)), "{}", tags.name(id));
        assert!(tags.find(tags.name(id)).is_some() || tags.name(id).trim() != tags.name(id));
    }
    assert!(tags.changes_to(&tags).is_empty());
}

fn estate(text: &str) {
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

// ---- mutation ----

/// What damage may put in.
const SCRAPS: &[&str] = &[
    "",
    "~",
    "[]",
    "{}",
    "- ",
    ": ",
    "*",
    "&a ",
    "*a",
    "\"",
    "'",
    "null",
    "true",
    "-1",
    "99999999999999999999",
    "1e400",
    "-9223372036854775808",
    "0.1",
    "10.0.0.0/99",
    "0.0.0.0/0",
    "::",
    "::/0",
    "fd00::/130",
    "10.0.0.9-10.0.0.1",
    "65536",
    "-",
    "/subscriptions",
    "/",
    "//",
    "/subscriptions//resourceGroups/",
    "a/b/c",
    "..",
    "\u{0}",
    "\u{feff}",
    "é",
    "𝒳",
    "$unknown",
    "properties",
    "\n",
    "\r\n",
    "\t",
    "  ",
    "{ $unknown: x }",
    "name",
    "id",
    "type",
    "copy",
    "value",
    "resources",
    "existing",
    "scope",
    "condition",
    "target",
    "[",
    "]",
    "(",
    ")",
    ",",
    ".",
    "[0]",
    "[?0]",
    ".?",
    "parameters('a')",
    "reference('net')",
    "copyIndex()",
    "lambda('x', ",
    "lambdaVariables('x')",
    "createArray(",
    "range(0, 100)",
    "concat(",
    "{0}",
    "{9999999999}",
    "[[",
    "GEN-UNIQUE-3",
    "!!binary x",
    "%",
    "? ",
    "---\n",
    "#",
    "<<: *a",
    "|\n",
    ">-\n",
    "\\u0000",
    "\\ud800",
    "/*",
    "//",
    "\\",
];

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The text with some bytes, words or lines lost, doubled, moved or replaced, or with a part of another.
fn damaged(text: &str, other: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.next(5) {
        let (a, b) =
            (boundary(&text, random.next(text.len() + 1)), boundary(&text, random.next(text.len() + 1)));
        let (from, to) = (a.min(b), a.max(b));
        let short = boundary(&text, (from + random.next(12)).min(text.len())).max(from);
        match random.next(9) {
            0 if random.next(4) == 0 => text.truncate(a),
            1 => text.replace_range(from..short, ""),
            2 => text.insert_str(a, random.scrap()),
            3 => text.replace_range(from..short, random.scrap()),
            4 => {
                let piece: String = text[from..to].chars().take(200).collect();
                text.insert_str(boundary(&text, b.min(text.len())), &piece);
            }
            5 => {
                let start = boundary(other, random.next(other.len() + 1));
                let piece: String = other[start..].chars().take(random.next(300)).collect();
                text.insert_str(a, &piece);
            }
            6 => {
                let scrap = random.scrap().repeat(1 + random.next(600));
                text.insert_str(a, &scrap);
            }
            7 => {
                let end = boundary(&text, to.min(from + 4_000)).max(from);
                text.replace_range(from..end, "");
            }
            _ => {
                let mut lines: Vec<&str> = text.lines().collect();
                if !lines.is_empty() {
                    let (i, j) = (random.next(lines.len()), random.next(lines.len()));
                    lines.swap(i, j);
                    text = lines.join("\n");
                }
            }
        }
    }
    text
}

/// A tree with some values and keys changed, and long lists cut to a few items.
fn shaken(node: &Node, random: &mut Random) -> Node {
    let value = match &node.value {
        _ if random.next(80) == 0 => any_value(random),
        Value::String(text) if random.next(8) == 0 => Value::String(damaged_word(text, random).into()),
        Value::Array(items) => {
            let mut out = Vec::new();
            let most = 12;
            let skip = random.next((items.len() + 1).saturating_sub(most).max(1));
            for item in items.iter().skip(skip).take(most) {
                match random.next(40) {
                    0 => {}
                    1 => out.extend([shaken(item, random), item.clone()]),
                    _ => out.push(shaken(item, random)),
                }
            }
            Value::Array(Arc::new(out))
        }
        Value::Object(object) => {
            let mut out = Object::new();
            for entry in object.iter().take(200) {
                if random.next(60) == 0 {
                    continue;
                }
                let key: Arc<str> =
                    if random.next(90) == 0 { random.scrap().into() } else { entry.key.clone() };
                out.push(Entry { key, key_at: entry.key_at, value: shaken(&entry.value, random) });
            }
            Value::Object(Arc::new(out))
        }
        other => other.clone(),
    };
    Node { at: node.at, value }
}

fn any_value(random: &mut Random) -> Value {
    match random.next(8) {
        0 => Value::Null,
        1 => Value::Bool(random.next(2) == 0),
        2 => Value::Number(Number::Int([-7, 0, 1, 65_536, i64::MIN, i64::MAX][random.next(6)])),
        3 => Value::Number(Number::Float(1e300)),
        4 => Value::Array(Arc::new(vec![Node::built(Value::Null)])),
        5 => Value::Object(Arc::new(Object::new())),
        _ => Value::String(random.scrap().into()),
    }
}

fn damaged_word(text: &str, random: &mut Random) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.next(2) {
        let at = boundary(&text, random.next(text.len() + 1));
        match random.next(3) {
            0 => text.truncate(at),
            1 => text.insert_str(at, random.scrap()),
            _ => text = random.scrap().to_string(),
        }
    }
    text
}

/// The input of a seed number.
fn input(seeds: &[String], trees: &[Node], seed: u64) -> String {
    let mut random = Random::new(seed);
    if !trees.is_empty() && random.next(2) == 0 {
        let tree = random.pick(trees);
        let text = shaken(tree, &mut random).to_string();
        let other: &String = random.pick(seeds);
        return if random.next(4) == 0 { damaged(&text, other, &mut random) } else { text };
    }
    let (text, other): (&String, &String) = (random.pick(seeds), random.pick(seeds));
    damaged(text, other, &mut random)
}

// ---- runs ----

fn shared(folders: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = ["../shared/data", "../../shared/data"].map(|f| root.join(f)).into_iter().find(|f| f.is_dir());
    let Some(data) = data else { return Vec::new() };
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let Ok(entries) = data.join(folder).read_dir() else { continue };
        paths.extend(entries.flatten().map(|e| e.path()));
    }
    paths.sort();
    paths.iter().filter_map(|p| std::fs::read_to_string(p).ok()).collect()
}

/// Tries inputs until the number or the time is reached; gives how many, and the slowest.
fn run(target: &Target, many: u64, until: Option<Instant>, first: u64) -> (u64, Duration) {
    let mut seeds: Vec<String> = target.seeds.iter().map(|s| (*s).to_owned()).collect();
    if until.is_some() {
        seeds.extend(shared(target.folders));
    }
    let trees: Vec<Node> = seeds.iter().filter_map(|s| tree(s)).filter(|n| n.as_str().is_none()).collect();
    // Damaging a text byte by byte is for small ones; the large ones are shaken as trees.
    seeds.retain(|s| s.len() < 60_000);
    let last = std::env::temp_dir().join(format!("netwhy-fuzz-{}.last", target.name));
    let mut slowest = Duration::ZERO;
    let mut tried = 0;
    while tried < many && until.is_none_or(|end| Instant::now() < end) {
        let seed = first + tried;
        let text = input(&seeds, &trees, seed);
        if until.is_some() {
            // An overflow of the stack ends the program: then this is what is left.
            std::fs::write(&last, &text).expect("written");
        }
        let start = Instant::now();
        let done = std::panic::catch_unwind(|| (target.run)(&text));
        let took = start.elapsed();
        slowest = slowest.max(took);
        let shown: String = text.chars().take(2_000).collect();
        assert!(done.is_ok(), "target {}, seed {seed}, panics on: {shown}", target.name);
        assert!(took < SLOW, "target {}, seed {seed}, takes {took:?} on: {shown}", target.name);
        tried += 1;
    }
    (tried, slowest)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn damaged_input_does_no_harm() {
    let wanted = std::env::var("NETWHY_FUZZ_TARGET").ok();
    let seconds = number("NETWHY_FUZZ_SECONDS");
    let first = number("NETWHY_FUZZ_SEED").unwrap_or(1);
    for target in TARGETS.iter().filter(|t| wanted.as_deref().is_none_or(|w| w == t.name)) {
        let until = seconds.map(|s| Instant::now() + Duration::from_secs(s));
        let many = if until.is_some() { u64::MAX } else { 150 };
        let start = Instant::now();
        let (tried, slowest) = run(target, many, until, first);
        let took = start.elapsed().as_secs_f64();
        println!("{:<10} {tried:>8} inputs in {took:>6.1} s, the slowest {slowest:?}", target.name);
    }
}
