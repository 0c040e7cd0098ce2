//! Files as people have them, several at once, through the program: links, repeats, merging, refusals, tags.

#![allow(clippy::disallowed_methods, reason = "these tests make their own files")]

use std::path::PathBuf;
use std::process::Command;

/// A folder of its own for a test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("netwhy-inputs-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        let folder = Self(path);
        files.iter().for_each(|(file, text)| folder.write(file, text));
        folder
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }

    /// Runs the program in the folder: exit code, standard output, standard error.
    fn run(&self, words: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_netwhy"));
        let done = command.args(words.split(' ')).current_dir(&self.0).output().expect("run");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        (done.status.code().unwrap_or(-1), text(&done.stdout), text(&done.stderr))
    }

    /// Runs the program and looks for words, or with `!` in front for their absence, in all it says.
    #[track_caller]
    fn check(&self, words: &str, code: i32, expected: &[&str]) {
        let (got, out, err) = self.run(words);
        let all = format!("{out}\n{err}");
        assert_eq!(got, code, "{words}\n{all}");
        for word in expected {
            let (wanted, word) = word.strip_prefix('!').map_or((true, *word), |word| (false, word));
            assert_eq!(all.contains(word), wanted, "`{word}` of `{words}` in\n{all}");
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _: std::io::Result<()> = std::fs::remove_dir_all(&self.0);
    }
}

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01";
const NETWORK: &str =
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/g/providers/Microsoft.Network";

fn template(rest: &str) -> String {
    format!(r#"{{"$schema":"{SCHEMA}/deploymentTemplate.json#","contentVersion":"1.0.0.0",{rest}}}"#)
}

fn parameters(name: &str, value: &str) -> String {
    format!(
        r#"{{"$schema":"{SCHEMA}/deploymentParameters.json#","contentVersion":"1.0.0.0","parameters":{{"{name}":{{"value":"{value}"}}}}}}"#
    )
}

/// A virtual network named by a parameter.
fn network() -> String {
    template(
        r#""parameters":{"name":{"type":"string"},"space":{"type":"string","defaultValue":"10.0.0.0/16"}},
           "resources":[{"type":"Microsoft.Network/virtualNetworks","apiVersion":"2023-09-01","name":"[parameters('name')]",
           "properties":{"addressSpace":{"addressPrefixes":["[parameters('space')]"]}}}]"#,
    )
}

fn link(link: &str, name: &str) -> String {
    template(&format!(
        r#""parameters":{{"base":{{"type":"string","defaultValue":"[deployment().properties.templateLink.uri]"}}}},
           "resources":[{{"type":"Microsoft.Resources/deployments","apiVersion":"2022-09-01","name":"d-{name}",
           "properties":{{"mode":"Incremental","templateLink":{link},"parameters":{{"name":{{"value":"{name}"}}}}}}}}]"#
    ))
}

#[test]
fn linked_templates_beside_a_template_are_followed() {
    let folder = Folder::new(
        "links",
        &[
            ("a/main.json", &link(r#"{"relativePath":"nested/net.json"}"#, "by-path")),
            ("a/uri.json", &link(r#"{"uri":"[uri(parameters('base'), 'nested/net.json')]"}"#, "by-uri")),
            ("a/up.json", &link(r#"{"relativePath":"../shared/net.json"}"#, "from-above")),
            ("a/round.json", &link(r#"{"relativePath":"round.json"}"#, "round")),
            ("a/gone.json", &link(r#"{"uri":"https://host/gone.json?sig=x"}"#, "gone")),
            ("a/azuredeploy.json", &link(r#"{"uri":"https://host/other/main.json"}"#, "other")),
            ("a/two.json", &link(r#"{"relativePath":"nested/one.json"}"#, "x")),
            ("a/nested/one.json", &link(r#"{"relativePath":"net.json"}"#, "two-deep")),
            ("a/nested/net.json", &network()),
            ("shared/net.json", &network()),
        ],
    );
    for (file, name) in [("main", "by-path"), ("uri", "by-uri"), ("up", "from-above"), ("two", "two-deep")] {
        folder.check(
            &format!("import a/{file}.json"),
            0,
            &[&format!("name: {name}"), "!linked-template-missing"],
        );
    }
    folder.check(
        "import a/gone.json",
        0,
        &["linked-template-missing", "the linked file `https://host/gone.json`"],
    );
    folder.check("import a/round.json", 0, &["linked-template-missing"]);
    folder.check("import a/azuredeploy.json", 0, &["linked-template-missing", "!name: by-path"]);
    folder.check("import a/main.json", 0, &["understood 1 of 1 resources, 0 unknown kinds"]);
}

#[test]
fn a_template_may_be_deployed_several_times() {
    let folder = Folder::new(
        "repeats",
        &[
            ("net.json", &network()),
            ("one.json", &parameters("name", "first")),
            ("two.json", &parameters("name", "second")),
            ("net.parameters.dev.json", &parameters("name", "third")),
        ],
    );
    folder.check(
        "import net.json one.json net.json two.json",
        0,
        &["name: first", "name: second", "!several"],
    );
    folder.check(
        "import net.json net.parameters.dev.json net.json two.json",
        0,
        &["name: third", "name: second"],
    );
    folder.check(
        "import net.json one.json two.json",
        3,
        &["several parameter files fit", "name the template again"],
    );
    folder.check("import net.json one.json net.json", 0, &["understood 1 of 1 resources"]);
    folder.check(
        "import net.json --parameter name=typed ./net.json",
        0,
        &["name: typed", "understood 1 of 1"],
    );
}

fn exported(name: &str, space: &str) -> String {
    format!(
        r#"[{{"id":"{NETWORK}/virtualNetworks/{name}","name":"{name}","properties":{{"addressSpace":{{"addressPrefixes":["{space}"]}},"subnets":[]}}}}]"#
    )
}

#[test]
fn what_is_deployed_wins_unless_somebody_says_otherwise() {
    let folder = Folder::new(
        "merge",
        &[
            ("net.json", &network()),
            ("old.json", &exported("v", "10.1.0.0/16")),
            ("new.json", &exported("v", "10.2.0.0/16")),
            (
                "estate.yaml",
                "netwhy: estate/1\ndefaults: { resourceGroup: g }\nvirtualNetworks: [{ name: v, addressPrefixes: [10.3.0.0/16] }]\n",
            ),
        ],
    );
    let both = "import net.json old.json --parameter name=v --resource-group g";
    folder.check(
        both,
        0,
        &[
            "10.1.0.0/16",
            "!addressPrefixes: [10.0.0.0/16]",
            "duplicate-resource",
            "what is deployed outranks",
        ],
    );
    folder.check(&format!("{both} --prefer planned"), 0, &["[10.0.0.0/16]", "what is planned is to outrank"]);
    folder.check("import old.json new.json", 0, &["[10.2.0.0/16]", "it was read last"]);
    folder.check("import new.json old.json", 0, &["[10.1.0.0/16]"]);
    folder.check(
        &format!("{both} estate.yaml --prefer planned"),
        0,
        &["[10.3.0.0/16]", "what a person says"],
    );
}

#[test]
fn a_rule_of_a_template_does_not_change_an_exported_one() {
    let rule = |name: &str, access: &str| {
        format!(
            r#"{{"name":"{name}","properties":{{"priority":100,"direction":"Inbound","access":"{access}","protocol":"*","sourceAddressPrefix":"*","sourcePortRange":"*","destinationAddressPrefix":"*","destinationPortRange":"*"}}}}"#
        )
    };
    let declared = |name: &str, access: &str| {
        rule(&format!("nsg/{name}"), access).replacen(
            '{',
            r#"{"type":"Microsoft.Network/networkSecurityGroups/securityRules","apiVersion":"2023-09-01","#,
            1,
        )
    };
    let resources = [declared("same", "Deny"), declared("more", "Deny")].join(",");
    let export = format!(
        r#"[{{"id":"{NETWORK}/networkSecurityGroups/nsg","name":"nsg","properties":{{"securityRules":[{}]}}}}]"#,
        rule("same", "Allow")
    );
    let folder = Folder::new(
        "rules",
        &[("t.json", &template(&format!(r#""resources":[{resources}]"#))), ("e.json", &export)],
    );
    let (code, out, err) = folder.run("import e.json t.json --resource-group g");
    assert_eq!(code, 0, "{err}");
    let at = |word: &str| out.find(word).unwrap_or_else(|| panic!("{word} in {out}"));
    let same = &out[at("name: same")..];
    assert!(
        same.find("Allow").is_some_and(|allow| same.find("Deny").is_none_or(|deny| allow < deny)),
        "{out}"
    );
    assert!(out.contains("name: more"), "{out}");
}

#[test]
fn a_what_if_result_speaks_of_both_sides() {
    let table = |name: &str, hop: &str| {
        format!(
            r#"{{"id":"{NETWORK}/routeTables/{name}","name":"{name}","type":"Microsoft.Network/routeTables","properties":{{"routes":[{{"name":"r","properties":{{"addressPrefix":"0.0.0.0/0","nextHopType":"{hop}"}}}}]}}}}"#
        )
    };
    let change = |kind: &str, name: &str, before: &str, after: &str| {
        format!(
            r#"{{"resourceId":"{NETWORK}/routeTables/{name}","changeType":"{kind}","before":{before},"after":{after}}}"#
        )
    };
    let result = format!(
        r#"{{"status":"Succeeded","changes":[{},{}]}}"#,
        change("Modify", "kept", &table("kept", "Internet"), &table("kept", "None")),
        change("Delete", "gone", &table("gone", "Internet"), "null")
    );
    let export = format!("[{},{}]", table("gone", "Internet"), table("kept", "Internet"));
    let folder = Folder::new("what-if", &[("result.json", &result), ("export.json", &export)]);
    folder.check("import result.json", 0, &["name: kept", "nextHopType: None", "!name: gone"]);
    folder.check(
        "import result.json --before-plan",
        0,
        &["name: kept", "nextHopType: Internet", "name: gone"],
    );
    folder.check("import export.json result.json", 0, &["nextHopType: None", "!name: gone"]);
    folder.check("import result.json export.json", 0, &["nextHopType: None", "!name: gone"]);
}

#[test]
fn sources_of_other_languages_name_their_compiler() {
    let bicep = "resource v 'Microsoft.Network/virtualNetworks@2023-09-01' = {\n}\n";
    let folder = Folder::new(
        "sources",
        &[
            ("b/main.bicep", bicep),
            ("t/main.tf", "resource \"azurerm_subnet\" \"a\" {\n}\n"),
            ("b2/x.bicepparam", "using 'main.bicep'"),
        ],
    );
    folder.write("t2/plan.tfplan", b"PK\x03\x04\x14\x00\x08\x00\xff\xfe");
    folder.check("import b/main.bicep", 3, &["az bicep build --file b/main.bicep"]);
    folder.check("import b", 0, &["az bicep build --file b/main.bicep", "understood 0 of 0"]);
    folder.check("import t", 0, &["terraform show -json"]);
    folder.check("import t/main.tf", 3, &["terraform show -json tfplan"]);
    folder.check("import b2/x.bicepparam", 3, &["az bicep build-params"]);
    folder.check("import t2/plan.tfplan", 3, &["terraform show -json t2/plan.tfplan"]);
}

#[test]
fn diagnostics_are_told_to_programs() {
    let folder = Folder::new("json", &[("net.json", &network()), ("x.json", "{\"a\":1}")]);
    for (words, code, wanted) in [
        ("import net.json --diagnostics json", 0, "unknown-value"),
        ("import x.json --diagnostics json", 3, "unknown-format"),
    ] {
        let (got, _, err) = folder.run(words);
        assert_eq!(got, code, "{err}");
        let lines: Vec<serde_json::Value> =
            err.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert!(lines.iter().any(|line| line["code"] == wanted), "{err}");
        assert!(lines.iter().all(|line| line["message"].is_string()), "{err}");
    }
}

fn tags(number: u64, values: &str) -> String {
    format!(r#"{{"changeNumber":{number},"cloud":"Public","values":[{values}]}}"#)
}

#[test]
fn tags_are_listed_found_and_compared() {
    let tag = |name: &str, prefixes: &str| {
        format!(r#"{{"name":"{name}","id":"{name}","properties":{{"addressPrefixes":[{prefixes}]}}}}"#)
    };
    let old = tags(
        1,
        &[tag("Storage", r#""20.0.0.0/24","2603:1030::/48""#), tag("Old", r#""20.9.0.0/24""#)].join(","),
    );
    let new = tags(
        2,
        &[tag("Storage", r#""20.0.0.0/25","20.1.0.0/24","2603:1030::/48""#), tag("New", r#""20.8.0.0/24""#)]
            .join(","),
    );
    let folder = Folder::new("tags", &[("old.json", &old), ("new.json", &new), ("x.json", "{}")]);
    folder.check("tags list --service-tags old.json", 0, &["Storage", "Old", "2 tags of 2", "change 1"]);
    folder.check("tags list stor --service-tags old.json", 0, &["Storage", "!Old", "1 tag of 2"]);
    folder.check("tags show storage --service-tags old.json", 0, &["20.0.0.0/24", "2603:1030::/48"]);
    folder.check("tags show storge --service-tags old.json", 3, &["did you mean `Storage`?"]);
    folder.check("tags show Internet", 3, &["depends on where it is used"]);
    folder.check(
        "tags find 20.0.0.7 2603:1030::1 9.9.9.9 --service-tags old.json",
        0,
        &["Storage  20.0.0.0/24", "Storage  2603:1030::/48", "in none of the 2 tags"],
    );
    folder.check("tags find 20.0.0.0/23 --service-tags old.json", 0, &["a part: 20.0.0.0/24"]);
    folder.check("tags find nonsense", 2, &["no address"]);
    folder.check(
        "tags diff old.json new.json",
        0,
        &[
            "+ New",
            "- Old",
            "~ Storage  +1 -1 prefixes",
            "+ 20.1.0.0/24",
            "- 20.0.0.128/25",
            "1 tags new, 1 gone, 1 changed from change 1 to change 2",
        ],
    );
    folder.check("tags diff old.json new.json --tag stor", 0, &["~ Storage", "!+ New"]);
    folder.check("tags diff old.json x.json", 3, &["a service tag file is wanted here"]);
    let (_, out, _) = folder.run("tags diff old.json new.json --format json");
    let view: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(view["changes"][2]["added"][0], "20.1.0.0/24");
}

#[test]
fn what_only_names_a_resource_takes_nothing_from_it() {
    let subnet = format!("{NETWORK}/virtualNetworks/v/subnets/apps");
    let estate = "netwhy: estate/1\ndefaults: { subscription: 00000000-0000-0000-0000-000000000000, resourceGroup: g }\nvirtualNetworks:\n  - name: v\n    location: westeurope\n    addressPrefixes: [10.0.0.0/16]\n    subnets: [{ name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: nsg }]\nnetworkSecurityGroups: [{ name: nsg }]\n";
    let list = format!(
        r#"[{{"id":"{NETWORK}/virtualNetworks/v","name":"v","type":"Microsoft.Network/virtualNetworks","properties":null}}]"#
    );
    let topology = format!(
        r#"{{"createdDateTime":"2024-01-01","resources":[{{"id":"{NETWORK}/virtualNetworks/v","name":"v","associations":[
            {{"associationType":"Contains","name":"apps","resourceId":"{subnet}"}}]}},{{"id":"{subnet}","name":"apps","associations":[
            {{"associationType":"Associated","name":"other","resourceId":"{NETWORK}/networkSecurityGroups/other"}}]}}]}}"#
    );
    let files = [("estate.yaml", estate), ("list.json", &list), ("topology.json", &topology)];
    let folder = Folder::new("named", &files);
    folder.check("import list.json estate.yaml", 0, &["10.0.0.0/16", "10.0.1.0/24", "!$unknown"]);
    folder.check(
        "import topology.json estate.yaml",
        0,
        &[
            "10.0.0.0/16",
            "location: westeurope",
            "!$unknown",
            "effective-differs",
            "shows `other` at `v/apps`",
        ],
    );
    // Alone it tells how things hang together, and nothing else.
    folder.check(
        "import topology.json",
        0,
        &["networkSecurityGroup: ", "networkSecurityGroups/other", "$unknown"],
    );
}

/// A network of two, with a public address, a group and rules of which one hangs on a parameter without a value.
fn conditional() -> String {
    let id = |kind: &str, name: &str| format!("[resourceId('Microsoft.Network/{kind}', {name})]");
    let head = |kind: &str, name: &str| {
        format!(r#""type": "Microsoft.Network/{kind}", "apiVersion": "2023-09-01", "name": "{name}""#)
    };
    let rule = |priority: u16, access: &str| {
        format!(
            r#""properties": {{"priority": {priority}, "direction": "Inbound", "access": "{access}", "protocol": "Tcp",
                "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*",
                "destinationPortRange": "{}"}}"#,
            if access == "Deny" { "22" } else { "*" }
        )
    };
    let subnet = format!(
        r#"{{"name": "s", "properties": {{"addressPrefix": "10.0.1.0/24", "networkSecurityGroup": {{"id": "{}"}}}}}}"#,
        id("networkSecurityGroups", "'nsg'")
    );
    let resources = [
        format!("{{{}, \"properties\": {{\"securityRules\": []}}}}", head("networkSecurityGroups", "nsg")),
        format!("{{{}, {}}}", head("networkSecurityGroups/securityRules", "nsg/open"), rule(200, "Allow")),
        format!(
            "{{{}, \"condition\": \"[parameters('lock')]\", {}}}",
            head("networkSecurityGroups/securityRules", "nsg/lock"),
            rule(100, "Deny")
        ),
        format!(
            r#"{{{}, "properties": {{"addressSpace": {{"addressPrefixes": ["10.0.0.0/16"]}}, "subnets": [{subnet}]}}}}"#,
            head("virtualNetworks", "v")
        ),
        format!(
            r#"{{{}, "sku": {{"name": "Standard"}}, "properties": {{"ipAddress": "20.1.2.3"}}}}"#,
            head("publicIPAddresses", "pip")
        ),
        format!(
            r#"{{{}, "properties": {{"ipConfigurations": [{{"name": "a", "properties": {{"privateIPAddress": "10.0.1.4",
                "subnet": {{"id": "{}"}}, "publicIPAddress": {{"id": "{}"}}}}}}]}}}}"#,
            head("networkInterfaces", "nic"),
            id("virtualNetworks/subnets", "'v', 's'"),
            id("publicIPAddresses", "'pip'")
        ),
    ];
    template(&format!(
        r#""parameters": {{"lock": {{"type": "bool"}}}}, "resources": [{}]"#,
        resources.join(",")
    ))
}

#[test]
fn a_rule_that_may_not_be_there_decides_nothing() {
    let folder = Folder::new("conditional", &[("main.json", &conditional())]);
    let trace =
        |parameter: &str, port: u16| format!("trace main.json{parameter} --from internet --to nic:{port}");
    folder.check(&trace("", 22), 0, &["UNKNOWN", "whether `nsg/lock` is deployed is not known"]);
    folder.check(&trace("", 443), 0, &["ALLOWED"]);
    folder.check(&trace(" --parameter lock=true", 22), 0, &["BLOCKED", "NSG_RULE_DENY"]);
    folder.check(&trace(" --parameter lock=false", 22), 0, &["ALLOWED"]);
}

#[test]
fn what_hangs_on_a_name_that_cannot_be_computed_is_unknown() {
    let main = conditional().replace("\"nsg\"", "\"[substring('ab', 1, 5)]\"");
    let main = main.replace(
        "'Microsoft.Network/networkSecurityGroups', 'nsg'",
        "'Microsoft.Network/networkSecurityGroups', substring('ab', 1, 5)",
    );
    let folder = Folder::new("nameless", &[("main.json", &main)]);
    let trace = "trace main.json --parameter lock=false --from internet --to nic:443";
    folder.check(trace, 3, &["the name of a resource cannot be computed"]);
    folder.check(&format!("{trace} --lenient"), 0, &["UNKNOWN", "!ALLOWED"]);
}

#[test]
fn a_loop_that_cannot_be_counted_does_not_take_its_rules_away() {
    let main = conditional().replace(
        r#""condition": "[parameters('lock')]""#,
        r#""copy": {"name": "locks", "count": "[if(parameters('lock'), 'one', -1)]"}"#,
    );
    let folder = Folder::new("uncounted", &[("main.json", &main)]);
    for lock in ["true", "false"] {
        let trace = format!("trace main.json --parameter lock={lock} --from internet --to nic:22");
        folder.check(&trace, 3, &["how often this resource is deployed cannot be computed", "!ALLOWED"]);
        folder.check(&format!("{trace} --lenient"), 0, &["UNKNOWN", "!ALLOWED"]);
    }
}

#[test]
fn a_group_that_may_not_be_deployed_decides_nothing_where_a_certain_subnet_uses_it() {
    let group = r#""name": "nsg", "properties""#;
    let main = conditional()
        .replace(group, r#""name": "nsg", "condition": "[parameters('lock')]", "properties""#)
        .replace(r#""name": "nsg/lock", "condition": "[parameters('lock')]""#, r#""name": "nsg/lock""#);
    assert_ne!(main, conditional());
    let folder = Folder::new("group-in-doubt", &[("main.json", &main)]);
    let trace = |rest: &str| format!("trace main.json{rest} --from internet --to nic:22");
    folder.check(&trace(""), 0, &["UNKNOWN", "whether `nsg` is deployed is not known"]);
    folder.check(&trace(" --parameter lock=true"), 0, &["BLOCKED"]);
}

#[test]
fn values_that_azure_refuses_are_errors() {
    let main = network().replace(
        r#""space":{"type":"string""#,
        r#""unused":{"type":"int","defaultValue":1},"space":{"type":"string","allowedValues":["10.0.0.0/16"]"#,
    );
    let file = r#"{"addressPrefixes":["10.7.0.0/16"]}"#;
    let folder = Folder::new("refused", &[("main.json", &main), ("p.json", file), ("p.txt", "10.0.0.0/16")]);
    let import = |rest: &str| format!("import main.json --parameter name=v {rest}");
    folder.check(&import("--parameter space=10.0.0.0/16"), 0, &["10.0.0.0/16"]);
    folder.check(&import("--parameter space=10.9.0.0/16"), 3, &["does not allow"]);
    folder.check(&import("--parameter unused=two"), 3, &["takes a number, not"]);
    folder.check(&import("--parameter space=@p.txt"), 0, &["addressPrefixes: [10.0.0.0/16]"]);
    folder.check(&import("--parameter space=@p.json"), 3, &["takes a string, not an object"]);
    folder.check(&import("--parameter space=@none.txt"), 3, &["none.txt"]);
}

#[test]
fn templates_come_in_the_envelopes_of_azure() {
    let (main, values) = (network(), parameters("name", "given"));
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ");
    let folder = Folder::new(
        "envelopes",
        &[
            (
                "put.json",
                &format!(
                    r#"{{"properties":{{"mode":"Incremental","template":{main},"parameters":{{"name":{{"value":"put"}}}}}}}}"#
                ),
            ),
            (
                "spec.json",
                &format!(r#"{{"id":"/subscriptions/s/x","properties":{{"mainTemplate":{main}}}}}"#),
            ),
            (
                "both.json",
                &format!(
                    r#"{{"parametersJson":"{}","templateJson":"{}","templateSpecId":null}}"#,
                    quoted(&values),
                    quoted(&main)
                ),
            ),
            ("main.json", &main),
            ("flat.json", r#"{"name":{"value":"flat"}}"#),
            ("bare.json", r#"{"parameters":{"name":{"value":"bare"}}}"#),
        ],
    );
    folder.check("import put.json", 0, &["name: put"]);
    folder.check("import put.json --parameter name=mine", 0, &["name: mine", "!name: put"]);
    folder.check("import spec.json --parameter name=spec", 0, &["name: spec"]);
    folder.check("import both.json", 0, &["name: given"]);
    folder.check("import main.json --parameters both.json", 0, &["name: given"]);
    folder.check("import main.json --parameters flat.json", 0, &["name: flat"]);
    folder.check("import main.json --parameters bare.json", 0, &["name: bare"]);
    folder.check("import main.json --parameters main.json", 3, &["a parameter file is wanted here"]);
}

#[test]
fn answers_come_in_batches_lines_and_behind_warnings() {
    let table = |name: &str| {
        format!(
            r#"{{"id":"{NETWORK}/routeTables/{name}","name":"{name}","type":"Microsoft.Network/routeTables","properties":{{"routes":[]}}}}"#
        )
    };
    let (a, b) = (table("a"), table("b"));
    let folder = Folder::new(
        "wrapped-answers",
        &[
            (
                "batch.json",
                &format!(
                    r#"{{"responses":[{{"httpStatusCode":200,"content":{{"value":[{a}]}}}},{{"httpStatusCode":404,"content":{{"error":{{}}}}}}]}}"#
                ),
            ),
            ("rows.ndjson", &format!("{a}\n\n{b}\n")),
            ("warned.json", &format!("WARNING: in preview\n[{a}]\n")),
            (
                "log.json",
                "{\"@level\":\"info\",\"@message\":\"x\"}\n{\"@level\":\"info\",\"@message\":\"y\"}\n",
            ),
            ("state.json", r#"{"format_version":"1.0"}"#),
        ],
    );
    folder.check("import batch.json", 0, &["name: a", "failed with status 404"]);
    folder.check("import rows.ndjson", 0, &["name: a", "name: b"]);
    folder.check("import warned.json", 0, &["name: a"]);
    folder.check("import log.json", 3, &["terraform show -json", "!jq"]);
    folder.check("import state.json", 0, &["the state holds no resource"]);
}

#[test]
fn what_a_list_tells_beside_properties_is_kept() {
    let row = format!(
        r#"[{{"id":"{}","kind":"StorageV2","location":"westeurope","name":"st1","properties":null,"sku":{{"name":"Standard_LRS"}},"type":"Microsoft.Storage/storageAccounts"}}]"#,
        NETWORK.replace("Microsoft.Network", "Microsoft.Storage/storageAccounts/st1")
    );
    let folder = Folder::new("rows", &[("rows.json", &row)]);
    let words = ["location: westeurope", "kind: StorageV2", "Standard_LRS", "!agentPoolProfiles"];
    folder.check("import rows.json", 0, &words);
    let (_, text, _) = folder.run("import rows.json");
    folder.write("again.yaml", &text);
    folder.check("import again.yaml", 0, &words);
}

#[test]
fn the_group_beside_an_id_is_no_difference() {
    let nic = |beside: &str| {
        format!(
            r#"{{"id":"{NETWORK}/networkInterfaces/x","name":"x","type":"Microsoft.Network/networkInterfaces",
               "ipConfigurations":[{{"name":"i","subnet":{{"id":"{NETWORK}/virtualNetworks/v/subnets/s"{beside}}}}}]}}"#
        )
    };
    let folder = Folder::new("beside", &[("a.json", &nic(r#","resourceGroup":"g""#)), ("b.json", &nic(""))]);
    folder.check("import a.json b.json", 0, &["!duplicate-resource"]);
}

#[test]
fn templates_of_a_wrong_shape_are_told() {
    let folder = Folder::new(
        "shapes",
        &[
            ("none.json", &template(r#""outputs":{}"#)),
            ("parts.json", &template(r#""parameters":[1],"variables":[2],"outputs":3,"resources":[]"#)),
            ("names.json", &template(r#""resources":{}"#)),
            (
                "circle.json",
                &template(
                    r##""languageVersion":"2.0","resources":{},"definitions":{"T":{"$ref":"#/definitions/U"},"U":{"$ref":"#/definitions/T"}}"##,
                ),
            ),
        ],
    );
    folder.check("import none.json", 0, &["the template has no `resources`"]);
    folder.check("import parts.json", 3, &["`parameters` of a template", "`variables` of", "`outputs` of"]);
    folder.check("import names.json", 0, &["need `languageVersion`"]);
    folder.check("import circle.json", 3, &["the type `T` is defined by itself"]);
}
