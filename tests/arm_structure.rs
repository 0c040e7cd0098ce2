//! The structure of templates: what they expand to, where each value comes from, and what is said of faults.

use netwhy::diag::{At, Code, Diagnostics, Severity, Sources};
use netwhy::doc::{Node, parse_json, pointer};
use netwhy::formats::arm::{
    Deployment, Options, is_stand_in, load, looks_like_parameters, looks_like_template,
};
use netwhy::inventory::{Origin, ResourceId};

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/resource-group";
const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000000";

struct Loaded {
    deployment: Deployment,
    notes: Diagnostics,
    documents: Vec<Node>,
    sources: Sources,
}

/// Loads a template and parameter files given as text.
fn load_text(template: &str, parameters: &[&str], options: &Options) -> Loaded {
    let mut sources = Sources::default();
    let mut notes = Diagnostics::new();
    let texts = [template].into_iter().chain(parameters.iter().copied());
    let documents: Vec<Node> = texts
        .enumerate()
        .map(|(i, text)| {
            let doc = sources.add(format!("file{i}"), text);
            parse_json(doc, text, &mut notes).expect("json")
        })
        .collect();
    let given: Vec<&Node> = documents[1..].iter().collect();
    let deployment = load(&documents[0], &given, options, &mut notes);
    Loaded { deployment, notes, documents, sources }
}

/// A resource group template around a body of resources and further sections.
fn template(sections: &str) -> String {
    format!(
        r#"{{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0", {sections}}}"#
    )
}

/// Ids shortened to what follows the resource group, with properties.
fn lines(loaded: &Loaded) -> Vec<String> {
    let line = |r: &netwhy::inventory::RawResource| {
        let id = r.id.as_str().replace(&format!("{GROUP}/providers/"), "").replace(SUBSCRIPTION, "~");
        let properties = r.body.get("properties").map(|p| format!(" {p}")).unwrap_or_default();
        format!("{id}{properties}")
    };
    loaded.deployment.resources.iter().map(line).collect()
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    let mut codes: Vec<&str> = loaded.notes.iter().map(|n| n.code.name()).collect();
    codes.sort_unstable();
    codes
}

#[track_caller]
fn check(sections: &str, expected: &[&str]) -> Loaded {
    let loaded = load_text(&template(sections), &[], &Options::default());
    assert_eq!(lines(&loaded), expected, "{:#?}", loaded.notes);
    loaded
}

/// Checks the outputs of a template too.
#[track_caller]
fn check_outputs(loaded: &Loaded, expected: &[(&str, &str)]) {
    let got: Vec<(String, String)> =
        loaded.deployment.outputs.iter().map(|e| (e.key.to_string(), e.value.to_string())).collect();
    let got: Vec<(&str, &str)> = got.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(got, expected, "{:#?}", loaded.notes);
}

/// The text a value was made from.
fn text_of(loaded: &Loaded, at: At) -> &str {
    let source = loaded.sources.get(at.doc).expect("a document");
    &source.text[at.start as usize..at.end as usize]
}

#[test]
fn documents_are_recognised() {
    let doc = |text: &str| parse_json(netwhy::diag::DocId(0), text, &mut Diagnostics::new()).expect("json");
    let template = doc(&template(r#""resources": []"#));
    assert!(looks_like_template(&template) && !looks_like_parameters(&template));
    let parameters = doc(r#"{"contentVersion": "1.0.0.0", "parameters": {"a": {"value": 1}}}"#);
    assert!(looks_like_parameters(&parameters) && !looks_like_template(&parameters));
    for other in [r#"{"resources": 1}"#, "[]", r#"{"parameters": {"a": {"value": 1}}}"#, "1"] {
        assert!(!looks_like_template(&doc(other)) && !looks_like_parameters(&doc(other)), "{other}");
    }
}

#[test]
fn parameters_come_from_the_last_file_then_the_default() {
    let sections = r##""parameters": {
        "a": {"type": "string", "defaultValue": "default a"},
        "b": {"type": "string", "defaultValue": "default b"},
        "c": {"type": "string", "defaultValue": "[concat(parameters('A'), '!')]"},
        "d": {"type": "string"},
        "e": {"type": "string", "nullable": true},
        "f": {"$ref": "#/definitions/maybe"},
        "g": {"type": "string", "defaultValue": "default g"}
      },
      "definitions": {"maybe": {"type": "object", "nullable": true}},
      "resources": [],
      "outputs": {"all": {"type": "array", "value":
        "[createArray(parameters('a'), parameters('b'), parameters('c'), parameters('d'), parameters('e'), parameters('f'), parameters('g'))]"}}"##;
    let files = [
        r#"{"contentVersion": "1.0.0.0", "parameters": {"A": {"value": "one"}, "d": {"value": "one d"}, "g": {"value": null}}}"#,
        r#"{"contentVersion": "1.0.0.0", "parameters": {"a": {"value": "two"}, "nothing": {"value": 1}}}"#,
    ];
    let mut options = Options::default();
    options.parameters.insert("B".into(), Node::string(At::NOWHERE, "typed"));
    let loaded = load_text(&template(sections), &files, &options);
    check_outputs(&loaded, &[("all", r#"["two","typed","two!","one d",null,null,"default g"]"#)]);
    assert_eq!(codes(&loaded), ["not-understood"]);
}

#[test]
fn what_azure_would_refuse_is_said() {
    let sections = r#""parameters": {
        "size": {"type": "int", "allowedValues": [1, 2]},
        "name": {"type": "string"},
        "kinds": {"type": "array", "allowedValues": ["a", "b"]}
      },
      "resources": [], "outputs": {"all": {"type": "array", "value":
        "[createArray(parameters('size'), parameters('name'), parameters('kinds'))]"}}"#;
    let file =
        r#"{"parameters": {"size": {"value": 3}, "name": {"value": 4}, "kinds": {"value": ["a", "b"]}}}"#;
    let loaded = load_text(&template(sections), &[file], &Options::default());
    check_outputs(&loaded, &[("all", r#"[3,4,["a","b"]]"#)]);
    assert_eq!(codes(&loaded), ["bad-value", "wrong-type"]);
}

#[test]
fn secrets_are_not_carried_over() {
    let sections = r##""parameters": {
        "password": {"type": "securestring"},
        "vaulted": {"type": "string"},
        "settings": {"$ref": "#/definitions/settings"},
        "all": {"type": "secureObject", "defaultValue": {"user": "u", "ports": [80], "none": ""}}
      },
      "definitions": {"settings": {"type": "object", "properties": {
        "key": {"type": "securestring"}, "port": {"type": "int"}}}},
      "resources": [],
      "outputs": {
        "all": {"type": "array", "value":
          "[createArray(parameters('password'), parameters('vaulted'), parameters('settings'), parameters('all'))]"},
        "own": {"type": "securestring", "value": "said"}
      }"##;
    let file = r#"{"parameters": {
        "password": {"value": "hush"},
        "vaulted": {"reference": {"keyVault": {"id": "/v"}, "secretName": "s"}},
        "settings": {"value": {"key": "hush", "port": 22}}}}"#;
    let loaded = load_text(&template(sections), &[file], &Options::default());
    let all = loaded.deployment.outputs.get("all").expect("an output").to_string();
    assert!(!all.contains("hush") && !all.contains("\"u\""), "{all}");
    assert!(all.contains(r#""port":22"#) && all.contains(r#""ports":[80],"none":"""#), "{all}");
    assert!(loaded.deployment.outputs.get("own").is_some_and(|n| n.why_unknown().is_some()));
}

#[test]
fn placeholders_of_quickstarts() {
    let sections = r#""parameters": {
        "prefix": {"type": "string"}, "long": {"type": "string"}, "key": {"type": "string"},
        "password": {"type": "securestring"}, "vault": {"type": "string"}
      },
      "resources": [
        {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "[parameters('prefix')]",
         "properties": {"a": "[parameters('key')]", "b": "[parameters('password')]", "c": "[parameters('long')]"}},
        {"type": "Microsoft.KeyVault/vaults", "apiVersion": "1", "name": "[parameters('vault')]"}
      ]"#;
    let file = r#"{"parameters": {
        "prefix": {"value": "GEN-UNIQUE-6"}, "long": {"value": "GEN-UNIQUE"}, "key": {"value": "GEN-SSH-PUB-KEY"},
        "password": {"value": "GEN-UNIQUE-8"}, "vault": {"value": "GET-PREREQ-keyVaultName"}}}"#;
    let loaded = load_text(&template(sections), &[file], &Options::default());
    let network = &loaded.deployment.resources[0];
    assert!(network.id.name().len() == 6 && network.id.name().starts_with("gen"), "{}", network.id);
    let properties = network.body.get("properties").expect("properties");
    assert!(properties.get("a").is_some_and(|n| n.why_unknown().is_some()));
    assert!(properties.get("b").is_some_and(|n| n.why_unknown().is_some()));
    assert_eq!(properties.get("c").and_then(Node::as_str).map(str::len), Some(16));
    assert_eq!(loaded.deployment.resources[1].id.name(), "{GET-PREREQ-keyVaultName}");
}

#[test]
fn loops_over_resources_properties_variables_and_outputs() {
    let loaded = check(
        r#""variables": {
            "copy": [{"name": "list", "count": 2, "input": {"n": "[copyIndex('list', 10)]"}}],
            "nested": {"copy": [{"name": "inner", "count": 2, "input": "[copyIndex('inner')]"}], "other": true}
          },
          "resources": [{
            "type": "Microsoft.Network/virtualNetworks", "apiVersion": "1",
            "copy": {"name": "nets", "count": 2, "mode": "serial", "batchSize": 1},
            "name": "[format('net{0}', copyIndex(1))]",
            "properties": {
              "copy": [{"name": "subnets", "count": 2,
                        "input": {"name": "[concat('s', copyIndex('nets'), copyIndex('subnets'))]"}}],
              "turn": "[copyIndex()]"
            }
          }, {
            "type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "none",
            "copy": {"name": "none", "count": 0}
          }],
          "outputs": {
            "list": {"type": "array", "value": "[variables('list')]"},
            "nested": {"type": "object", "value": "[variables('nested')]"},
            "loop": {"type": "array", "copy": {"count": 3, "input": "[copyIndex()]"}},
            "off": {"type": "string", "condition": false, "value": "x"}
          }"#,
        &[
            r#"Microsoft.Network/virtualNetworks/net1 {"subnets":[{"name":"s00"},{"name":"s01"}],"turn":0}"#,
            r#"Microsoft.Network/virtualNetworks/net2 {"subnets":[{"name":"s10"},{"name":"s11"}],"turn":1}"#,
        ],
    );
    check_outputs(
        &loaded,
        &[
            ("list", r#"[{"n":10},{"n":11}]"#),
            ("nested", r#"{"inner":[0,1],"other":true}"#),
            ("loop", "[0,1,2]"),
        ],
    );
}

#[test]
fn children_get_their_full_type_and_name() {
    check(
        r#""resources": [{
            "type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "v",
            "resources": [
              {"type": "subnets", "apiVersion": "1", "name": "a"},
              {"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1", "name": "v/b"},
              {"type": "providers/locks", "apiVersion": "1", "name": "Microsoft.Authorization/keep"}
            ]}, {
            "type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1", "name": "v/c"}, {
            "type": "Microsoft.Network/virtualNetworks/providers/diagnosticSettings", "apiVersion": "1",
            "name": "v/Microsoft.Insights/d"}, {
            "type": "Microsoft.Authorization/locks", "apiVersion": "1", "name": "l",
            "scope": "Microsoft.Network/virtualNetworks/v"}]"#,
        &[
            "Microsoft.Network/virtualNetworks/v",
            "Microsoft.Network/virtualNetworks/v/subnets/a",
            "Microsoft.Network/virtualNetworks/v/subnets/b",
            "Microsoft.Network/virtualNetworks/v/providers/Microsoft.Authorization/locks/keep",
            "Microsoft.Network/virtualNetworks/v/subnets/c",
            "Microsoft.Network/virtualNetworks/v/providers/Microsoft.Insights/diagnosticSettings/d",
            "Microsoft.Network/virtualNetworks/v/providers/Microsoft.Authorization/locks/l",
        ],
    );
}

#[test]
fn a_name_that_does_not_fit_its_type_is_said() {
    let loaded = check(
        r#""resources": [
            {"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1", "name": "alone"},
            {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "a/b"},
            {"name": "no type"}, 5]"#,
        &[
            "Microsoft.Network/virtualNetworks/{parent}/subnets/alone",
            "Microsoft.Network/virtualNetworks/a-b",
            "{type}",
        ],
    );
    let expected = ["invalid-configuration", "invalid-configuration", "missing-field", "wrong-type"];
    assert_eq!(codes(&loaded), expected);
}

#[test]
fn conditions() {
    let loaded = check(
        r#""parameters": {"missing": {"type": "bool"}},
          "resources": [
            {"condition": "[equals(1, 2)]", "type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "no"},
            {"condition": true, "type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "yes"},
            {"condition": "[parameters('missing')]", "type": "Microsoft.Network/routeTables", "apiVersion": "1",
             "name": "perhaps"}]"#,
        &["Microsoft.Network/routeTables/yes", "Microsoft.Network/routeTables/perhaps"],
    );
    assert_eq!(codes(&loaded), ["condition-unknown", "unknown-value"]);
    let uncertain: Vec<bool> = loaded.deployment.resources.iter().map(|r| r.uncertain.is_some()).collect();
    assert_eq!(uncertain, [false, true]);
}

#[test]
fn an_unknown_count_keeps_one_uncertain_turn() {
    let loaded = check(
        r#""parameters": {"missing": {"type": "int"}},
          "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1",
            "name": "[concat('rt', copyIndex())]", "copy": {"name": "rts", "count": "[parameters('missing')]"},
            "properties": {"turn": "[copyIndex()]"}}]"#,
        &[
            "Microsoft.Network/routeTables/rt{copyIndex-oufsn} {\"turn\":<unknown: the parameter `missing` has no value>}",
        ],
    );
    assert!(loaded.deployment.resources[0].uncertain.is_some());
}

#[test]
fn an_unknown_name_is_readable_and_links_up() {
    let loaded = check(
        r#""parameters": {"vnetName": {"type": "string"}},
          "resources": [
            {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "[parameters('vnetName')]"},
            {"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1",
             "name": "[format('{0}/web', parameters('vnetName'))]"},
            {"type": "Microsoft.Network/networkInterfaces", "apiVersion": "1", "name": "nic", "properties": {
              "here": "[resourceId('Microsoft.Network/virtualNetworks/subnets', parameters('vnetName'), 'web')]",
              "far": "[resourceId('Microsoft.Network/routeTables', parameters('vnetName'))]"}}]"#,
        &[
            "Microsoft.Network/virtualNetworks/{vnetName}",
            "Microsoft.Network/virtualNetworks/{vnetName}/subnets/web",
            "Microsoft.Network/networkInterfaces/nic {\"here\":\"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/resource-group/providers/Microsoft.Network/virtualNetworks/{vnetName}/subnets/web\",\"far\":<unknown: the parameter `vnetName` has no value>}",
        ],
    );
    let told = loaded.notes.iter().filter(|n| n.message.contains("it is called `{vnetName}")).count();
    assert_eq!(told, 2, "{:#?}", loaded.notes);
    let once = loaded.notes.iter().filter(|n| n.message == "the parameter `vnetName` has no value").count();
    assert_eq!(once, 1);
}

#[test]
fn a_comparison_with_an_unknown_part_never_chooses_a_name() {
    let loaded = check(
        r#""parameters": {"mode": {"type": "string"}},
          "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1",
            "name": "[if(equals(parameters('mode'), 'a'), 'first', 'second')]"}]"#,
        &["Microsoft.Network/routeTables/{if-equals-parameters-mode-a-first-second-ca3n5}"],
    );
    assert!(loaded.notes.iter().any(|n| n.message.contains("the name of a resource is not known")));
}

#[test]
fn symbolic_names_and_existing_resources() {
    let loaded = check(
        r#""languageVersion": "2.0",
          "resources": {
            "vault": {"existing": true, "type": "Microsoft.KeyVault/vaults", "apiVersion": "1", "name": "kv",
                      "resourceGroup": "other"},
            "again": {"existing": true, "type": "Microsoft.KeyVault/vaults", "apiVersion": "1", "name": "KV",
                      "resourceGroup": "other"},
            "here": {"existing": true, "type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "v"},
            "net": {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "v",
                    "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}}, "dependsOn": ["vault"]}
          },
          "outputs": {
            "uri": {"type": "string", "value": "[reference('vault').vaultUri]"},
            "space": {"type": "array", "value": "[reference('here').addressSpace.addressPrefixes]"}
          }"#,
        &[
            "~/resourceGroups/other/providers/Microsoft.KeyVault/vaults/kv <unknown: `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/other/providers/Microsoft.KeyVault/vaults/kv` exists already; the files do not describe it>",
            r#"Microsoft.Network/virtualNetworks/v {"addressSpace":{"addressPrefixes":["10.0.0.0/8"]}}"#,
        ],
    );
    let origins: Vec<Origin> = loaded.deployment.resources.iter().map(|r| r.origin).collect();
    assert_eq!(origins, [Origin::Mentioned, Origin::Template]);
    check_outputs(&loaded, &[("uri", r#""https://kv.vault.azure.net/""#), ("space", r#"["10.0.0.0/8"]"#)]);
}

#[test]
fn inner_and_outer_scope() {
    let nested = |scope: &str| {
        format!(
            r#""variables": {{"who": "outer"}},
              "parameters": {{"p": {{"type": "string", "defaultValue": "outer p"}}}},
              "resources": [{{
                "type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "nested",
                "resourceGroup": "other",
                "properties": {{
                  "mode": "Incremental", {scope}
                  "parameters": {{"p": {{"value": "[concat(parameters('p'), ' passed')]"}}}},
                  "template": {{
                    "parameters": {{"p": {{"type": "string"}}}}, "variables": {{"who": "inner"}},
                    "resources": [{{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "rt",
                      "properties": {{"who": "[variables('who')]", "p": "[parameters('p')]",
                                      "group": "[resourceGroup().name]"}}}}],
                    "outputs": {{"who": {{"type": "string", "value": "[variables('who')]"}}}}
                  }}}}}}],
              "outputs": {{"who": {{"type": "string",
                "value": "[reference(resourceId('other', 'Microsoft.Resources/deployments', 'nested')).outputs.who.value]"}}}}"#
        )
    };
    let id = "~/resourceGroups/other/providers/Microsoft.Network/routeTables/rt";
    let inner = nested(r#""expressionEvaluationOptions": {"scope": "inner"},"#);
    let inner = check(&inner, &[&format!(r#"{id} {{"who":"inner","p":"outer p passed","group":"other"}}"#)]);
    check_outputs(&inner, &[("who", r#""inner""#)]);
    assert_eq!((inner.deployment.stats.resources, inner.deployment.stats.deployments), (1, 1));
    let outer = nested("");
    let outer =
        check(&outer, &[&format!(r#"{id} {{"who":"outer","p":"outer p","group":"resource-group"}}"#)]);
    check_outputs(&outer, &[("who", r#""outer""#)]);
}

#[test]
fn deployments_pass_values_on_in_any_order() {
    let module = |name: &str, passed: &str, body: &str| {
        format!(
            r#""{name}": {{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "{name}",
                "properties": {{"expressionEvaluationOptions": {{"scope": "inner"}}, "parameters": {{{passed}}},
                "template": {{{body}}}}}}}"#
        )
    };
    let net = module(
        "net",
        r#""prefixes": {"copy": [{"name": "value", "count": 2, "input": "[format('10.{0}.0.0/16', copyIndex('value'))]"}]}"#,
        r#""languageVersion": "2.0", "parameters": {"prefixes": {"type": "array"}},
           "resources": {"v": {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "v",
             "properties": {"addressSpace": {"addressPrefixes": "[parameters('prefixes')]"}}}},
           "outputs": {"id": {"type": "string", "value": "[resourceId('Microsoft.Network/virtualNetworks', 'v')]"},
                       "first": {"type": "string", "value": "[reference('v').addressSpace.addressPrefixes[0]]"}}"#,
    );
    let user = module(
        "user",
        r#""net": {"value": "[reference('net').outputs.id.value]"}, "prefix": {"value": "[reference('net').outputs.first.value]"}"#,
        r#""parameters": {"net": {"type": "string"}, "prefix": {"type": "string"}},
           "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1",
             "name": "[concat('rt-', last(split(parameters('net'), '/')))]",
             "properties": {"prefix": "[parameters('prefix')]"}}]"#,
    );
    check(
        &format!(r#""languageVersion": "2.0", "resources": {{{user}, {net}}}"#),
        &[
            r#"Microsoft.Network/routeTables/rt-v {"prefix":"10.0.0.0/16"}"#,
            r#"Microsoft.Network/virtualNetworks/v {"addressSpace":{"addressPrefixes":["10.0.0.0/16","10.1.0.0/16"]}}"#,
        ],
    );
}

#[test]
fn a_loop_may_depend_on_what_a_later_deployment_declares_deep_inside() {
    let inner = r#""expressionEvaluationOptions": {"scope": "inner"}"#;
    check(
        &format!(
            r#""resources": [
            {{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "user", "properties": {{{inner},
              "parameters": {{"list": {{"value": "[reference('maker').outputs.list.value]"}}}},
              "template": {{"parameters": {{"list": {{"type": "array"}}}}, "resources": [
                {{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "[parameters('list')[copyIndex()]]",
                  "copy": {{"name": "l", "count": "[length(parameters('list'))]"}}}}]}}}}}},
            {{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "maker", "properties": {{{inner},
              "template": {{
                "resources": [{{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "deep",
                  "properties": {{{inner}, "template": {{"resources": [
                    {{"type": "Microsoft.Network/natGateways", "apiVersion": "1", "name": "nat",
                      "properties": {{"names": ["a", "b"]}}}}]}}}}}}],
                "outputs": {{"list": {{"type": "array",
                  "value": "[reference(resourceId('Microsoft.Network/natGateways', 'nat')).names]"}}}}}}}}}}]"#
        ),
        &[
            "Microsoft.Network/routeTables/a",
            "Microsoft.Network/routeTables/b",
            r#"Microsoft.Network/natGateways/nat {"names":["a","b"]}"#,
        ],
    );
}

#[test]
fn linked_templates_are_followed_when_given() {
    let sections = r#""parameters": {"base": {"type": "string", "defaultValue": "[deployment().properties.templateLink.uri]"}},
        "resources": [{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "linked",
          "properties": {"templateLink": {"uri": "[uri(parameters('base'), 'nested/net.json')]"},
                         "parameters": {"name": {"value": "v"}}}}],
        "outputs": {"id": {"type": "string", "value": "[reference('linked').outputs.id.value]"}}"#;
    let missing = load_text(&template(sections), &[], &Options::default());
    assert_eq!(lines(&missing), [""; 0]);
    assert!(codes(&missing).contains(&"linked-template-missing"), "{:#?}", missing.notes);
    assert!(missing.deployment.outputs.get("id").is_some_and(|n| n.why_unknown().is_some()));

    let net = template(
        r#""parameters": {"name": {"type": "string"}},
           "resources": [{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "[parameters('name')]"}],
           "outputs": {"id": {"type": "string", "value": "[resourceId('Microsoft.Network/virtualNetworks', parameters('name'))]"}}"#,
    );
    let net = parse_json(netwhy::diag::DocId(7), &net, &mut Diagnostics::new()).expect("json");
    let options = Options { linked: vec![("some/folder/nested/net.json".into(), net)], ..Options::default() };
    let found = load_text(&template(sections), &[], &options);
    assert_eq!(lines(&found), ["Microsoft.Network/virtualNetworks/v"]);
    assert!(!codes(&found).contains(&"linked-template-missing"));
    let id = format!("\"{GROUP}/providers/Microsoft.Network/virtualNetworks/v\"");
    check_outputs(&found, &[("id", &id)]);
}

#[test]
fn scopes_above_the_resource_group() {
    let text = r#"{"$schema": "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#",
      "contentVersion": "1.0.0.0",
      "resources": [
        {"type": "Microsoft.Resources/resourceGroups", "apiVersion": "1", "name": "rg", "location": "westus"},
        {"type": "Microsoft.Authorization/roleAssignments", "apiVersion": "1", "name": "r"},
        {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "in", "resourceGroup": "rg",
         "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "template": {
           "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "rt",
                          "location": "[resourceGroup().location]"}]}}},
        {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "far", "resourceGroup": "elsewhere",
         "subscriptionId": "other", "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "template": {
           "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "rt",
                          "location": "[resourceGroup().location]"}]}}},
        {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "up", "location": "westus",
         "scope": "Microsoft.Management/managementGroups/mg",
         "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "template": {
           "resources": [{"type": "Microsoft.Authorization/policyDefinitions", "apiVersion": "1", "name": "p"},
                         {"type": "Microsoft.Management/managementGroups", "apiVersion": "1", "name": "child"}]}}}
      ]}"#;
    let loaded = load_text(text, &[], &Options::default());
    assert_eq!(
        lines(&loaded),
        [
            "~/resourceGroups/rg",
            "~/providers/Microsoft.Authorization/roleAssignments/r",
            "~/resourceGroups/rg/providers/Microsoft.Network/routeTables/rt",
            "/subscriptions/other/resourceGroups/elsewhere/providers/Microsoft.Network/routeTables/rt",
            "/providers/Microsoft.Management/managementGroups/mg/providers/Microsoft.Authorization/policyDefinitions/p",
            "/providers/Microsoft.Management/managementGroups/child",
        ]
    );
    let location = |i: usize| loaded.deployment.resources[i].body.get("location").map(Node::to_string);
    assert_eq!(location(2).as_deref(), Some("\"westus\""));
    assert!(location(3).is_some_and(|l| l.contains("`elsewhere` is described in none of the files")));
}

#[test]
fn identities_get_stand_ins_that_match() {
    let loaded = check(
        r#""resources": [
            {"type": "Microsoft.ManagedIdentity/userAssignedIdentities", "apiVersion": "1", "name": "id", "properties": {}},
            {"type": "Microsoft.MachineLearningServices/workspaces", "apiVersion": "1", "name": "ws",
             "identity": {"type": "SystemAssigned,UserAssigned"}}],
          "outputs": {
            "user": {"type": "string", "value": "[reference(resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'id')).principalId]"},
            "own": {"type": "string", "value": "[reference('ws', '1', 'Full').identity.principalId]"}
          }"#,
        &[
            &format!(
                r#"Microsoft.ManagedIdentity/userAssignedIdentities/id {{"principalId":"{}","clientId":"{}","tenantId":"00000000-0000-0000-0000-000000000000"}}"#,
                principal("Microsoft.ManagedIdentity/userAssignedIdentities", "id"),
                "904ff26f-31b5-8a70-bbf2-a9d39f3bda57",
            ),
            "Microsoft.MachineLearningServices/workspaces/ws",
        ],
    );
    let own = principal("Microsoft.MachineLearningServices/workspaces", "ws");
    let user = principal("Microsoft.ManagedIdentity/userAssignedIdentities", "id");
    check_outputs(&loaded, &[("user", &format!("\"{user}\"")), ("own", &format!("\"{own}\""))]);
    assert!(is_stand_in(&own) && is_stand_in(&user) && own != user);
    let shown = loaded.deployment.resources[1].body.path("identity.principalId");
    assert_eq!(shown.and_then(Node::as_str), Some(&*own));
}

fn principal(kind: &str, name: &str) -> String {
    netwhy::formats::arm::stand_in_principal(&ResourceId::under(GROUP, kind, name))
}

#[test]
fn what_a_foreign_resource_might_say_is_never_taken_for_a_default() {
    let loaded = check(
        r#""resources": [{"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1", "name": "v/s",
            "properties": "[union(reference(resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')), createObject('x', 1))]"}]"#,
        &[
            "Microsoft.Network/virtualNetworks/v/subnets/s <unknown: the expression fails: `reference`: a resource depends on itself>",
        ],
    );
    assert_eq!(codes(&loaded), ["failed-expression"]);
    check(
        r#""resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "rt",
            "properties": "[union(reference(resourceId('Microsoft.Network/routeTables', 'far')), createObject('x', 1))]"}]"#,
        &[
            "Microsoft.Network/routeTables/rt <unknown: `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/resource-group/providers/Microsoft.Network/routeTables/far` is in none of the files>",
        ],
    );
}

#[test]
fn a_part_deployed_later_may_read_the_part_deployed_before() {
    check(
        r#""resources": [
            {"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1", "name": "v/s",
             "properties": {"addressPrefix": "10.0.0.0/24"}},
            {"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "again", "properties": {"template": {
              "resources": [{"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1", "name": "v/s",
                "properties": "[union(reference(resourceId('Microsoft.Network/virtualNetworks/subnets', 'v', 's')), createObject('x', 1))]"}]}}}]"#,
        &[
            r#"Microsoft.Network/virtualNetworks/v/subnets/s {"addressPrefix":"10.0.0.0/24"}"#,
            r#"Microsoft.Network/virtualNetworks/v/subnets/s {"addressPrefix":"10.0.0.0/24","provisioningState":"Succeeded","x":1}"#,
        ],
    );
}

#[test]
fn values_know_the_text_that_made_them() {
    let sections = r#""parameters": {"given": {"type": "object"}, "default": {"type": "string", "defaultValue": "D"}},
        "variables": {"var": {"inner": "V"}},
        "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "rt",
          "properties": {"literal": "L", "a": "[parameters('given').deep]", "b": "[parameters('default')]",
            "c": "[variables('var').inner]", "d": "[concat('x', 'y')]", "e": "[if(true(), 'in', 'out')]",
            "f": "[first(createArray(parameters('given').deep))]"}}]"#;
    let file = r#"{"parameters": {"given": {"value": {"deep": "G"}}}}"#;
    let loaded = load_text(&template(sections), &[file], &Options::default());
    let resource = &loaded.deployment.resources[0];
    assert!(text_of(&loaded, resource.at).starts_with(r#"{"type": "Microsoft.Network/routeTables""#));
    assert_eq!(pointer(&loaded.documents[0], resource.at).as_deref(), Some("/resources/0"));
    let properties = resource.body.get("properties").expect("properties");
    for (key, text, file) in [
        ("literal", "\"L\"", 0),
        ("a", "\"G\"", 1),
        ("b", "\"D\"", 0),
        ("c", "\"V\"", 0),
        ("d", "\"[concat('x', 'y')]\"", 0),
        ("e", "\"[if(true(), 'in', 'out')]\"", 0),
        ("f", "\"G\"", 1),
    ] {
        let at = properties.get(key).expect("a property").at;
        assert_eq!((text_of(&loaded, at), at.doc.0), (text, file), "{key}");
    }
}

#[test]
fn a_bad_expression_is_said_to_the_character() {
    let loaded = check(
        r#""variables": {"unused": "[concat('a' 'b')]"},
          "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "rt",
            "properties": {"a": "[noSuch('a')]", "b": "[[not an expression]", "c": "[resourcegroup().id"}}]"#,
        &[
            r#"Microsoft.Network/routeTables/rt {"a":<unknown: `noSuch` is not a template function>,"b":"[not an expression]","c":"[resourcegroup().id"}"#,
        ],
    );
    let bad: Vec<(&str, &str)> =
        loaded.notes.iter().map(|n| (n.code.name(), text_of(&loaded, n.at))).collect();
    assert_eq!(bad, [("bad-expression", "'"), ("unknown-value", "noSuch")]);
    let place = loaded.notes.iter().find(|n| n.code == Code::BadExpression).expect("said").at;
    let text = &loaded.sources.get(place.doc).expect("a document").text;
    assert_eq!(&text[place.start as usize..][..5], "'b')]");
}

#[test]
fn keys_may_be_expressions_and_versions_may_come_from_a_profile() {
    let loaded = check(
        r#""apiProfile": "2018-03-01-hybrid",
          "resources": [{"type": "Microsoft.Network/routeTables", "name": "rt",
            "properties": {"[concat('a', 'b')]": 1, "[[c]": 2}}]"#,
        &[r#"Microsoft.Network/routeTables/rt {"ab":1,"[c]":2}"#],
    );
    assert_eq!(loaded.deployment.resources[0].api_version.as_deref(), Some("2018-03-01-hybrid"));
}

#[test]
fn circles_end_in_a_diagnostic() {
    let loaded = check(
        r#""parameters": {"a": {"type": "string", "defaultValue": "[parameters('b')]"},
                          "b": {"type": "string", "defaultValue": "[parameters('a')]"}},
          "resources": [
            {"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "one",
             "properties": {"x": "[reference('two').x]"}},
            {"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "two",
             "properties": {"x": "[reference('one').x]", "y": "[parameters('a')]"}}]"#,
        &[
            "Microsoft.Network/routeTables/one {\"x\":<unknown: the expression fails: `reference`: a resource depends on itself>}",
            "Microsoft.Network/routeTables/two {\"x\":<unknown: the expression fails: `reference`: a resource depends on itself>,\"y\":<unknown: the expression fails: `parameters`: the parameter `a` depends on itself>}",
        ],
    );
    assert!(codes(&loaded).iter().all(|c| *c == "failed-expression"));
}

#[test]
fn the_same_input_gives_the_same_output() {
    let sections = r#""parameters": {"x": {"type": "string"}}, "variables": {"a": "[newGuid()]", "b": "[uniqueString('q')]"},
        "resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "[concat(variables('a'), parameters('x'))]"}]"#;
    let first = load_text(&template(sections), &[], &Options::default());
    let second = load_text(&template(sections), &[], &Options::default());
    assert_eq!(lines(&first), lines(&second));
    let said = |l: &Loaded| l.notes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(said(&first), said(&second));
}

/// What is said of a template, without its places, by severity.
#[track_caller]
fn said(sections: &str, expected: &[&str]) {
    let loaded = load_text(&template(sections), &[], &Options::default());
    let mut got: Vec<String> =
        loaded.notes.iter().map(|n| format!("{}: {}", n.severity.name(), n.message)).collect();
    got.sort_unstable();
    assert_eq!(got, expected);
}

/// Route tables with names and what they depend on.
fn ordered(tables: &[(&str, &str)]) -> String {
    let one = |(head, depends): &(&str, &str)| {
        format!(
            r#"{{"type": "Microsoft.Network/routeTables", "apiVersion": "1", {head}, "dependsOn": [{depends}]}}"#
        )
    };
    format!(r#""resources": [{}]"#, tables.iter().map(one).collect::<Vec<_>>().join(","))
}

#[test]
fn dependencies_lead_to_what_the_template_declares() {
    let id = |name: &str| format!("\"[resourceId('Microsoft.Network/routeTables', '{name}')]\"");
    let copy = r#""name": "[concat('many', copyIndex())]", "copy": {"name": "All", "count": 2}"#;
    // By id, by type and name, by name, by the name of a loop.
    for what in [&*id("A"), "\"Microsoft.Network/routeTables/a\"", "\"a\"", "\"all\""] {
        said(&ordered(&[(r#""name": "a""#, ""), (copy, ""), (r#""name": "b""#, what)]), &[]);
    }
    // What is not deployed this time is not missed.
    let not = r#""name": "a", "condition": false"#;
    said(&ordered(&[(not, ""), (r#""name": "b""#, &id("a"))]), &[]);
    said(
        &ordered(&[(r#""name": "b""#, &id("c"))]),
        &[&format!(
            "warning: `dependsOn` names `{GROUP}/providers/Microsoft.Network/routeTables/c`, which this template does not declare; Azure refuses that"
        )],
    );
    said(
        &ordered(&[(r#""name": "b""#, "\"c\", \"[variables('no')]\"")]),
        &[
            "warning: `dependsOn` names `c`, which this template does not declare; Azure refuses that",
            "warning: `variables`: the template has no variable `no`",
        ],
    );
}

#[test]
fn circles_of_dependencies_are_said() {
    let refused = "warning: these resources wait for each other, which Azure refuses:";
    said(
        &ordered(&[(r#""name": "a""#, "\"c\""), (r#""name": "b""#, "\"a\""), (r#""name": "c""#, "\"b\"")]),
        &[&format!("{refused} `a` → `c` → `b` → `a`")],
    );
    said(&ordered(&[(r#""name": "a""#, "\"a\"")]), &[&format!("{refused} `a` → `a`")]);
    let copy = r#""name": "[concat('m', copyIndex())]", "copy": {"name": "all", "count": 900}"#;
    said(
        &ordered(&[(copy, "\"b\""), (r#""name": "b""#, "\"all\"")]),
        &[&format!("{refused} `m0` → `b` → `all` → `m0`")],
    );
}

#[test]
fn a_resource_declared_twice_is_said() {
    let refused = "which Azure refuses";
    let a = r#""name": "a""#;
    said(
        &ordered(&[(a, ""), (r#""name": "A""#, "")]),
        &[&format!("warning: the template declares `Microsoft.Network/routeTables/A` twice, {refused}")],
    );
    said(
        &ordered(&[(r#""name": "a", "copy": {"name": "all", "count": 3}"#, "")]),
        &[&format!(
            "warning: several turns of this loop declare `Microsoft.Network/routeTables/a`, {refused}"
        )],
    );
    said(&ordered(&[(a, ""), (r#""name": "a", "condition": false"#, "")]), &[]);
}

/// A network with a subnet that names a group, and the same subnet alone with a route table.
fn written_twice(network: &str, subnet: &str) -> Loaded {
    let sections = format!(
        r#""resources": [
          {{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "v", {network}
            "properties": {{"subnets": [
              {{"name": "s", "properties": {{"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {{"id": "g"}}}}}},
              {{"name": "t", "properties": {{"addressPrefix": "10.0.1.0/24"}}}}]}}}},
          {{"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1", "name": "v/s", {subnet}
            "properties": {{"addressPrefix": "10.0.0.0/24", "routeTable": {{"id": "r"}}}}}}]"#
    );
    load_text(&template(&sections), &[], &Options::default())
}

#[test]
fn of_a_child_that_stands_in_its_parent_too_the_later_description_counts() {
    let check = |network: &str, subnet: &str, expected: [&str; 2], said: &[&str]| {
        let loaded = written_twice(network, subnet);
        let of = |end: &str| lines(&loaded).into_iter().find(|line| line.split(' ').next() == Some(end));
        let network = of("Microsoft.Network/virtualNetworks/v").unwrap_or_default();
        let alone = of("Microsoft.Network/virtualNetworks/v/subnets/s").unwrap_or_default();
        for (line, wanted) in [&network, &alone].into_iter().zip(expected) {
            let (has, lacks) = wanted.split_once('|').expect("has|lacks");
            assert!(has.split_whitespace().all(|w| line.contains(w)), "{line} should have {has}");
            assert!(lacks.split_whitespace().all(|w| !line.contains(w)), "{line} should lack {lacks}");
        }
        assert_eq!(codes(&loaded), said);
    };
    let network = r#""dependsOn": ["v"],"#;
    let child =
        ["10.0.1.0/24|networkSecurityGroup 10.0.0.0/24", "routeTable 10.0.0.0/24|networkSecurityGroup"];
    check("", network, child, &[]);
    let id = r#""dependsOn": ["[resourceId('Microsoft.Network/virtualNetworks', 'v')]"],"#;
    check("", id, child, &[]);
    let looped = r#""copy": {"name": "all", "count": 1},"#;
    check(looped, r#""dependsOn": ["all"],"#, child, &[]);
    check(
        r#""dependsOn": ["v/s"],"#,
        "",
        ["networkSecurityGroup 10.0.1.0/24|routeTable", "|routeTable"],
        &[],
    );
    let open = [
        "10.0.1.0/24|networkSecurityGroup",
        "10.0.0.0/24 networkSecurityGroup routeTable unknown|\"g\" \"r\"",
    ];
    check("", "", open, &["duplicate-resource"]);
}

#[test]
fn of_a_child_in_another_deployment_the_order_of_the_deployments_decides() {
    let check = |depends: &str, is_kept: bool| {
        let inner = |name: &str, resources: &str, depends: &str| {
            format!(
                r#"{{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "{name}", {depends}
                "properties": {{"mode": "Incremental", "template": {{
                  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                  "contentVersion": "1.0.0.0", "resources": [{resources}]}}}}}}"#
            )
        };
        let network = r#"{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "1", "name": "v", "properties": {"subnets": [
            {"name": "s", "properties": {"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {"id": "g"}}}]}}"#;
        let subnet = r#"{"type": "Microsoft.Network/virtualNetworks/subnets", "apiVersion": "1", "name": "v/s",
            "properties": {"addressPrefix": "10.0.0.0/24"}}"#;
        let sections =
            format!(r#""resources": [{}, {}]"#, inner("one", network, ""), inner("two", subnet, depends));
        let loaded = load_text(&template(&sections), &[], &Options::default());
        let all = lines(&loaded).join("\n");
        assert_eq!(all.contains("networkSecurityGroup"), is_kept, "{all}");
    };
    check(r#""dependsOn": ["one"],"#, false);
    check("", true);
}

#[test]
fn a_name_that_no_deployment_can_compute_is_an_error() {
    let loaded = check(
        r#""variables": {"n": "[substring('ab', 1, 5)]"}, "resources": [
            {"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "[concat('r-', variables('n'))]"}]"#,
        &["Microsoft.Network/routeTables/r-{substring-ab-1-5-qhnwu}"],
    );
    let worst = loaded.notes.iter().max_by_key(|n| n.severity).expect("a note");
    assert_eq!((worst.severity, worst.code), (Severity::Error, Code::FailedExpression));
    assert!(worst.message.starts_with("the name of a resource cannot be computed: `substring`"), "{worst}");
    let uncertain = loaded.deployment.resources[0].uncertain.as_deref().unwrap_or_default();
    assert!(uncertain.starts_with("its name cannot be computed"), "{uncertain}");
}

#[test]
fn a_template_spec_is_a_file_with_its_name() {
    let sections = r#""resources": [{"type": "Microsoft.Resources/deployments", "apiVersion": "1", "name": "d",
        "properties": {"templateLink": {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/templateSpecs/net/versions/1.0"}}}]"#;
    let missing = load_text(&template(sections), &[], &Options::default());
    let note = missing.notes.iter().find(|n| n.code == Code::LinkedTemplateMissing).expect("said");
    assert_eq!(note.message, "the linked file `net.json` is not among the files given");
    assert!(note.help.as_deref().is_some_and(|h| h.contains("az ts export")), "{note:?}");
    assert!(missing.deployment.missing_links.iter().any(|(_, link)| &**link == "net.json"));
    let net = template(
        r#""resources": [{"type": "Microsoft.Network/routeTables", "apiVersion": "1", "name": "r"}]"#,
    );
    let net = parse_json(netwhy::diag::DocId(7), &net, &mut Diagnostics::new()).expect("json");
    let options = Options { linked: vec![("a/net.json".into(), net)], ..Options::default() };
    let found = load_text(&template(sections), &[], &options);
    assert_eq!(lines(&found), ["Microsoft.Network/routeTables/r"]);
}
