//! `netwhy what-if` and `netwhy diff` as people and scripts meet them, and the real template they were made for.

#![allow(clippy::disallowed_methods, reason = "these tests run the program and read its golden files")]

#[path = "support/collected.rs"]
mod collected;
#[path = "support/program.rs"]
mod program;
#[path = "support/templates.rs"]
mod templates;

use collected::collected;
use program::netwhy;
use serde_json::Value;
use std::path::Path;
use templates::templates;

/// What a command prints, against its golden file.
fn check(name: &str, words: &[&str]) {
    let (code, out, err) = netwhy(words);
    assert_eq!(code, 0, "{words:?}\n{err}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/what-if").join(name);
    if std::env::var_os("NETWHY_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, &out).expect("written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(out, golden, "{name}: NETWHY_BLESS=1 writes it anew");
}

const PACK: &str = "scenarios/first-trace/first-trace.yaml";
const ESTATE: &str = "scenarios/secured-workspace/estate.yaml";

#[test]
fn a_removed_rule_breaks_a_flow_and_the_repair_brings_it_back() {
    let words = ["what-if", "--scenario", PACK, "--remove", "apps-nsg/allow-web-and-ssh"];
    check("first-trace.txt", &words);
    check("first-trace.md", &[&words[..], &["--format", "markdown"]].concat());
    check("first-trace.json", &[&words[..], &["--format", "json"]].concat());
    check("first-trace.verbose.txt", &[&words[..], &["--verbose"]].concat());
}

#[test]
fn a_workspace_of_the_estate_loses_its_telemetry_only() {
    let words = [
        "what-if",
        ESTATE,
        "--client",
        "jumpbox",
        "--block-tag",
        "AzureMonitor",
        "--subnet",
        "ml-vnet/snet-training",
    ];
    check("monitor.txt", &words);
    let (code, out, _) = netwhy(&[&words[..], &["--format", "json"]].concat());
    assert_eq!(code, 0);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&report["summary"]["brokenNow"], &report["summary"]["brokenLater"]), (&0.into(), &0.into()));
    assert!(report["summary"]["degraded"].as_u64() > Some(0), "{out}");
    let (code, ..) = netwhy(&[&words[..], &["--fail-on-break"]].concat());
    assert_eq!(code, 1);
}

#[test]
fn every_means_of_blocking_leaves_private_endpoints_alone() {
    for by in ["nsg", "route-none", "firewall", "no-default-outbound"] {
        let words = [
            "what-if",
            ESTATE,
            "--client",
            "jumpbox",
            "--block-outbound",
            "--by",
            by,
            "--no-fixes",
            "--format",
            "json",
        ];
        let (code, out, err) = netwhy(&words);
        assert_eq!(code, 0, "{by}: {err}");
        let report: Value = serde_json::from_str(&out).expect("JSON");
        let rows = report["rows"].as_array().expect("rows");
        let status = |workload: &str, id: &str| {
            let row = rows.iter().find(|row| row["workload"] == workload && row["id"] == id);
            row.unwrap_or_else(|| panic!("{workload} {id}"))["status"].clone()
        };
        for id in ["compute.out.blob", "compute.out.files", "compute.out.workspace"] {
            assert_eq!(status("ci1", id), "still works", "{by}: {id}");
        }
        // The NAT gateway is a way out of its own, and stays.
        let cut = if by == "no-default-outbound" { "still works" } else { "broken now" };
        assert_eq!(status("ci1", "compute.out.batch"), cut, "{by}");
    }
}

#[test]
fn a_service_switched_off_and_a_closed_door_are_seen() {
    for (flag, name, id) in [
        ("--switch-off", "contosomlst", "compute.out.blob"),
        ("--remove", "pe-vault", "compute.out.kv"),
        ("--switch-off", "contoso-ml-kv", "compute.out.kv"),
    ] {
        let words = ["what-if", ESTATE, "--client", "jumpbox", flag, name, "--no-fixes", "--format", "json"];
        let (code, out, err) = netwhy(&words);
        assert_eq!(code, 0, "{flag} {name}: {err}");
        let report: Value = serde_json::from_str(&out).expect("JSON");
        let rows = report["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["workload"] == "ci1" && row["id"] == id).expect("the need");
        assert_eq!(row["status"], "broken now", "{flag} {name}");
    }
}

#[test]
fn faulty_questions_are_told() {
    for (words, fault) in [
        (&["what-if", ESTATE][..], "nothing is to change"),
        (&["what-if", ESTATE, "--switch-off", "nothing-here"][..], "is not the name or id of one resource"),
        (&["what-if", ESTATE, "--block-tag", "Storage:http"][..], "is neither a port nor a range"),
        (&["what-if", ESTATE, "--block-outbound", "--subnet", "snet-trainin"][..], "is no subnet"),
        (&["what-if", ESTATE, "--set", "x=1"][..], "NAME:PROPERTY=VALUE"),
        (&["what-if", ESTATE, "--block-outbound", "--by", "managed-network"][..], "subnets of your own"),
        (&["what-if", ESTATE, "--block-fqdn", "not a name"][..], "is no name of a host"),
        (&["what-if", ESTATE, "--block-outbound", "--workload", "jumpbox"][..], "NAME=KIND"),
        (&["what-if", ESTATE, "--block-outbound", "--workload", "jumpbox=cook"][..], "compute-instance"),
        (&["diff", ESTATE][..], "is no Terraform plan"),
    ] {
        let (code, out, err) = netwhy(words);
        assert!(code == 2 || code == 3, "{words:?}: {code}");
        assert!(err.contains(fault) && out.is_empty(), "{words:?}\n{out}{err}");
    }
}

/// A name that the estate or the tag file does not have ends every command in the same way.
#[test]
fn unknown_names_end_alike() {
    for words in [
        &["what-if", ESTATE, "--block-outbound", "--subnet", "nobody"][..],
        &["what-if", ESTATE, "--block-outbound", "--client", "nobody"][..],
        &["what-if", ESTATE, "--block-outbound", "--workload", "nobody=compute-cluster"][..],
        &["what-if", ESTATE, "--switch-off", "nobody"][..],
        &["what-if", ESTATE, "--disable-public-access", "nobody"][..],
        &["what-if", ESTATE, "--remove", "nobody"][..],
        &["what-if", ESTATE, "--set", "nobody:x=1"][..],
        &["what-if", ESTATE, "--block-tag", "nobody"][..],
        &["requirements", ESTATE, "--workload", "nobody=compute-cluster"][..],
        &["requirements", ESTATE, "--as-is", "--workload", "nobody=compute-cluster"][..],
        &["trace", ESTATE, "--from", "nobody", "--to", "internet:443"][..],
        &["next-hop", ESTATE, "--vm", "nobody", "--dest-ip", "10.0.0.1"][..],
        &["tags", "show", "nobody"][..],
    ] {
        let (code, out, err) = netwhy(words);
        assert_eq!(code, 3, "{words:?}: {err}");
        assert!(err.contains("nobody") && out.is_empty(), "{words:?}\n{out}{err}");
    }
}

#[test]
fn a_misspelt_tag_is_refused_with_the_nearest() {
    let (code, out, err) = netwhy(&["what-if", ESTATE, "--block-tag", "AzureMonitr"]);
    assert_eq!(code, 3);
    assert!(err.contains("did you mean `AzureMonitor`?") && out.is_empty(), "{err}");
}

/// The report of a question, as JSON.
fn report(words: &[&str]) -> Value {
    let (code, out, err) = netwhy(&[words, &["--format", "json"]].concat());
    assert_eq!(code, 0, "{words:?}\n{err}");
    serde_json::from_str(&out).expect("JSON")
}

/// The statuses of the rows of a workload with an id.
fn statuses(report: &Value, workload: &str, id: &str) -> Vec<String> {
    let rows = report["rows"].as_array().expect("rows").iter();
    let mine = rows.filter(|row| row["workload"] == workload && row["id"] == id);
    mine.map(|row| row["status"].as_str().expect("a word").to_owned()).collect()
}

#[test]
fn where_no_pack_applies_the_resources_are_asked() {
    let found = report(&["what-if", "scenarios/first-trace/estate.yaml", "--block-outbound", "--no-fixes"]);
    assert_eq!(statuses(&found, "web", "implied.internet"), ["broken now"]);
    // What comes in is nothing that blocking outbound touches.
    assert_eq!(statuses(&found, "internet", "implied.place.web:443"), ["still works"]);
    let remarks = found["remarks"].to_string();
    assert!(remarks.contains("--workload NAME=KIND"), "{remarks}");
}

#[test]
fn a_workload_may_be_bound_by_hand() {
    let words = ["what-if", "scenarios/first-trace/estate.yaml", "--block-outbound", "--no-fixes"];
    let found = report(&[&words[..], &["--workload", "web=compute-cluster"]].concat());
    assert_eq!(statuses(&found, "web", "compute.out.aml"), ["broken now"]);
    assert!(statuses(&found, "web", "implied.internet").is_empty());
    let found = report(&[&words[..], &["--workload", "web=compute-cluster", "--implied"]].concat());
    assert_eq!(statuses(&found, "web", "implied.internet"), ["broken now"]);
}

#[test]
fn a_name_is_taken_away_and_nothing_else_moves() {
    let words =
        ["what-if", ESTATE, "--client", "jumpbox", "--block-fqdn", "login.microsoftonline.com", "--no-fixes"];
    let found = report(&words);
    assert_eq!(found["summary"]["repaired"], 0, "{found:#}");
    assert_eq!(statuses(&found, "studio on jumpbox", "studio.auth"), ["broken now"]);
    assert_eq!(statuses(&found, "studio on jumpbox", "studio.shell"), ["still works"]);
    let causes = found["causes"].as_array().expect("causes");
    assert!(causes.iter().any(|cause| cause["cause"]["code"] == "DNS_NXDOMAIN_ZONE_SHADOW"), "{found:#}");
    let moved = found["rows"].to_string().contains("\"moved\":true");
    assert!(!moved, "no route is another one");
}

#[test]
fn what_was_so_before_is_no_change() {
    let words = [
        "what-if",
        ESTATE,
        "--client",
        "jumpbox",
        "--set",
        "contosomlst:publicNetworkAccess=Disabled",
        "--no-fixes",
    ];
    let found = report(&words);
    let again = found["changes"].as_array().expect("changes").is_empty();
    let told = found["remarks"].to_string().contains("it was so before");
    assert_eq!(again, told, "{found:#}");
    assert!(again, "{found:#}");
}

#[test]
fn packs_tell_what_is_lost_without_breaking() {
    let pack = "scenarios/secured-workspace/compute-instance.yaml";
    let found = report(&["what-if", "--scenario", pack, "--block-tag", "AzureMonitor", "--no-fixes"]);
    assert!(found["summary"]["degraded"].as_u64() > Some(0), "{found:#}");
    assert_eq!((&found["summary"]["brokenNow"], &found["summary"]["brokenLater"]), (&0.into(), &0.into()));
}

const TAGGED: &str = "netwhy: scenario/1
name: addresses written down
estate:
  - virtualNetworks: [{ name: net, addressPrefixes: [10.0.0.0/16], subnets: [{ name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: out }] }]
    networkSecurityGroups:
      - name: out
        securityRules:
          - { name: monitor, priority: 100, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: 13.66.140.0/24, destinationPortRange: 443 }
          - { name: manage, priority: 110, direction: Outbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: AzureResourceManager, destinationPortRange: 443 }
          - { name: nothing-else, priority: 120, direction: Outbound, access: Deny, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: Internet, destinationPortRange: '*' }
    hosts: [{ name: vm, subnet: net/apps }]
flows:
  - { name: telemetry, from: vm, to: 'https://dc.services.visualstudio.com', expect: allowed }
  - { name: management, from: vm, to: 'https://management.azure.com', expect: allowed }
";

fn tag_file(number: u32, tags: &[(&str, &[&str])]) -> String {
    let values: Vec<Value> = tags
        .iter()
        .map(|(name, prefixes)| {
            serde_json::json!({ "name": name, "id": name, "properties": { "changeNumber": number, "region": "",
                "platform": "Azure", "systemService": name, "addressPrefixes": prefixes } })
        })
        .collect();
    serde_json::json!({ "changeNumber": number, "cloud": "Public", "values": values }).to_string()
}

#[test]
fn new_addresses_of_a_tag_break_what_was_written_down() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tags-after");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let scenario = file("scenario.yaml", TAGGED);
    let old: [(&str, &[&str]); 2] =
        [("AzureMonitor", &["13.66.140.168/29"]), ("AzureResourceManager", &["4.150.232.8/29"])];
    let new: [(&str, &[&str]); 2] = [
        ("AzureMonitor", &["13.66.140.168/29", "20.42.73.0/28"]),
        ("AzureResourceManager", &["4.150.232.8/29", "20.61.102.96/28"]),
    ];
    let (old, new) = (file("old.json", &tag_file(1, &old)), file("new.json", &tag_file(2, &new)));
    let words = [
        "what-if",
        "--scenario",
        &scenario,
        "--service-tags",
        &old,
        "--service-tags-after",
        &new,
        "--no-fixes",
    ];
    let found = report(&words);
    assert_eq!(statuses(&found, "vm", "telemetry"), ["broken now"], "{found:#}");
    assert_eq!(statuses(&found, "vm", "management"), ["still works"], "{found:#}");
    let remarks = found["remarks"].to_string();
    assert!(remarks.contains("tag `AzureMonitor`: 1 prefixes more, 0 less"), "{remarks}");
    // The same file twice changes nothing.
    let words = [
        "what-if",
        "--scenario",
        &scenario,
        "--service-tags",
        &old,
        "--service-tags-after",
        &old,
        "--no-fixes",
    ];
    let found = report(&words);
    assert_eq!(found["summary"]["stillWorks"], 2, "{found:#}");
}

/// Every template that lies beside the project is answered, and says what it does with the question.
#[test]
fn every_real_template_is_answered() {
    let Some(files) = templates() else { return };
    let (mut asked, mut broken, mut lines) = (0, 0, 0);
    for file in &files {
        let found = report(&["what-if", file, "--block-outbound", "--no-fixes"]);
        asked += usize::from(found["summary"]["flows"].as_u64() > Some(0));
        broken += usize::from(found["summary"]["brokenNow"].as_u64() > Some(0));
        let silent =
            found["summary"]["dependencies"] == 0 && found["remarks"].as_array().is_none_or(Vec::is_empty);
        assert!(!silent, "{file}: nothing is asked and nothing said");
        let (code, out, err) = netwhy(&["requirements", file, "--format", "json"]);
        assert!(code < 2, "{file}: {err}");
        let found: Value = serde_json::from_str(&out).expect("JSON");
        for line in found["lines"].as_array().expect("lines") {
            assert!(!line["breaks"].as_array().expect("a proof").is_empty(), "{file}: {line:#}");
            lines += 1;
        }
    }
    assert!(asked * 2 > files.len() && broken * 4 > files.len() && lines > 100, "{asked} {broken} {lines}");
    println!("{} templates, {asked} with flows, {broken} with something broken, {lines} lines", files.len());
}

#[test]
fn an_estate_against_itself_and_against_a_harder_one() {
    let same = ["diff", ESTATE, ESTATE, "--fail-on-difference"];
    let (code, out, err) = netwhy(&same);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.starts_with("NO DIFFERENCE"), "{out}");
    let harder = ["diff", ESTATE, "--change", "tests/golden/what-if/harder.yaml"];
    check("diff.txt", &harder);
    check("diff.md", &[&harder[..], &["--format", "markdown"]].concat());
    for (what, code) in [("behaviour", 1), ("configuration", 1), ("any", 1)] {
        assert_eq!(netwhy(&[&harder[..], &["--fail-on-difference", what]].concat()).0, code, "{what}");
    }
}

#[test]
fn blocking_outbound_of_the_real_template_makes_sense() {
    let Some(folder) = collected("arm") else { return };
    let files = ["json", "parameters.json"].map(|end| {
        folder.join(format!("quickstart__machine-learning-end-to-end-secure.{end}")).display().to_string()
    });
    let (code, out, err) = netwhy(&["what-if", &files[0], &files[1], "--block-outbound", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let rows = report["rows"].as_array().expect("rows");
    let of = |workload: &str, id: &str| {
        let row = rows.iter().find(|row| row["workload"] == workload && row["id"] == id);
        row.unwrap_or_else(|| panic!("{workload} {id}"))["status"].clone()
    };
    assert_eq!(of("gen2oz-ci001", "compute.out.batch"), "broken now");
    assert_eq!(of("cluster001", "compute.out.msstorage"), "broken later");
    assert_eq!(of("cluster001", "compute.out.monitor"), "degraded");
    assert_eq!(of("cluster001", "compute.out.blob"), "still works");
    assert_eq!(of("cluster001", "ci.in.aml"), "still works");
    assert_eq!(of("aks-gen2oz-3ast", "aks.mcr"), "broken later");
    // The template's zone for the vault has the wrong name, so this never worked.
    assert_eq!(of("cluster001", "compute.out.kv"), "broken before");
    let causes = report["causes"].as_array().expect("causes");
    let vault =
        causes.iter().find(|cause| cause["cause"]["code"] == "DNS_ZONE_NOT_LINKED").expect("the vault's");
    let fix = vault["fixes"][0]["text"].as_str().expect("a repair");
    assert!(fix.contains("privatelink.vaultcore.azure.net"), "{fix}");
    assert_eq!(report["summary"]["unknown"], 0, "{out}");
}

/// An estate of one test, in a file that only it reads.
fn written(name: &str, text: &str) -> String {
    let path = std::env::temp_dir().join(format!("netwhy-{}-{name}.yaml", std::process::id()));
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

const PLAIN: &str = "
netwhy: estate/1
defaults: { resourceGroup: rg, location: westeurope }
virtualNetworks:
  - name: v
    location: westeurope
    addressSpace: { addressPrefixes: [10.0.0.0/16] }
    subnets:
      - { name: a, addressPrefix: 10.0.0.0/24, networkSecurityGroup: g }
      - { name: AzureBastionSubnet, addressPrefix: 10.0.9.0/26 }
networkSecurityGroups: [{ name: g, securityRules: [] }]
bastionHosts: [{ name: b, subnet: v/AzureBastionSubnet }]
networkInterfaces: [{ name: n1, ipConfigurations: [{ name: c, subnet: v/a, privateIPAddress: 10.0.0.4 }] }]
virtualMachines: [{ name: m1, location: westeurope, networkProfile: { networkInterfaces: [n1] } }]
storageAccounts: [{ name: acct1, location: westeurope }]
";

#[test]
fn a_change_to_a_name_that_nothing_has_is_refused() {
    let estate = written("refused", PLAIN);
    for property in ["natGateway", "networkSecurityGroup", "routeTable"] {
        let (code, out, err) = netwhy(&["what-if", &estate, "--set", &format!("v/a:{property}=gg")]);
        assert_eq!(code, 3, "{property}: {out}{err}");
        assert!(err.contains("`gg`, which is in none of the files"), "{err}");
    }
    let (_, _, err) = netwhy(&["what-if", &estate, "--set", "v/a:networkSecurityGroup=gg"]);
    assert!(err.contains("did you mean `g`?"), "{err}");
    // A resource outside the files has an id, and what hangs on it is not known.
    let id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/natGateways/gg";
    let (code, _, err) = netwhy(&["what-if", &estate, "--set", &format!("v/a:natGateway={id}")]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn platform_subnets_are_left_out_of_a_block() {
    let estate = written("platform", PLAIN);
    let text = "\nnetwhy: scenario/1\nname: s\nestate: FILE\nflows:\n  - { name: a, from: m1, to: 'internet:443', expect: allowed }\n  - { name: b, from: b, to: 'm1:22', expect: allowed }\n";
    let scenario = written("platform-scenario", text.replace("FILE", &estate).trim_start());
    let (code, out, err) =
        netwhy(&["what-if", "--scenario", &scenario, "--block-outbound", "--no-fixes", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    assert!(!out.contains("AzureBastionSubnet"), "{out}");
}

#[test]
fn a_service_that_is_off_answers_nobody() {
    let (code, out, err) =
        netwhy(&["what-if", ESTATE, "--switch-off", "contosomlst", "--no-fixes", "--format", "json"]);
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let rows = report["rows"].as_array().expect("rows");
    // Trusted services and private endpoints alike: compute, and the profiler outside the network.
    let asked = rows.iter().filter(|row| row.to_string().contains("contosomlst.blob.core.windows.net"));
    let mut count = 0;
    for row in asked {
        assert_ne!(row["status"], "still works", "{row:#}");
        count += 1;
    }
    assert!(count > 1, "{out}");
    assert!(out.contains("NOTHING_LISTENS") && !out.contains("PUBLIC_ACCESS_DISABLED"), "{out}");
}

#[test]
fn a_name_of_several_resources_lists_them() {
    let estate = written("several", &PLAIN.replace("{ name: b, subnet", "{ name: acct1, subnet"));
    let (code, out, err) = netwhy(&["what-if", &estate, "--switch-off", "acct1"]);
    assert_eq!(code, 3, "{out}");
    let listed = ["fits 2 resources", "storageAccounts/acct1", "bastionHosts/acct1"];
    assert!(listed.iter().all(|part| err.contains(part)), "{err}");
}

#[test]
fn misspelt_kinds_of_workload_name_the_nearest() {
    for words in [
        &["what-if", ESTATE, "--block-outbound", "--workload", "jumpbox=compte-cluster"][..],
        &["catalogue", "--workload", "compute-instanc"],
    ] {
        let (_, out, err) = netwhy(words);
        assert!(err.contains("did you mean `compute-"), "{words:?}: {out}{err}");
    }
}

/// What becomes of a flow from a node of a cluster with this profile to a host of the internet.
fn from_a_cluster(profile: &str, private: bool) -> Value {
    let text = format!(
        "
netwhy: estate/1
defaults: {{ resourceGroup: rg, location: westeurope }}
virtualNetworks:
  - name: v
    location: westeurope
    addressSpace: {{ addressPrefixes: [10.0.0.0/16] }}
    subnets: [{{ name: aks, addressPrefix: 10.0.0.0/24, defaultOutboundAccess: {} }}]
managedClusters:
  - {{ name: k, location: westeurope, networkProfile: {{ {profile} }}, agentPoolProfiles: [{{ name: np, vnetSubnetID: v/aks }}] }}
",
        !private
    );
    let name: String = profile.chars().filter(char::is_ascii_alphanumeric).collect();
    let estate = written(&format!("aks-{name}-{private}"), &text);
    let words = ["trace", &estate, "--from", "k", "--to", "example.org:443", "--format", "json"];
    let (_, out, err) = netwhy(&words);
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{profile}: {out}{err}"))
}

#[test]
fn nodes_of_a_cluster_leave_by_its_outbound_type() {
    for (profile, private, outcome) in [
        ("outboundType: loadBalancer, loadBalancerSku: standard", true, "allowed"),
        ("networkPlugin: azure", true, "allowed"),
        ("outboundType: loadBalancer, loadBalancerSku: basic", true, "blocked"),
        ("outboundType: loadBalancer, loadBalancerSku: basic", false, "allowed"),
        ("outboundType: managedNATGateway", true, "allowed"),
        ("outboundType: userAssignedNATGateway", true, "blocked"),
        ("outboundType: userAssignedNATGateway", false, "unknown"),
        ("outboundType: userDefinedRouting", false, "unknown"),
        ("outboundType: none", true, "blocked"),
        ("outboundType: none", false, "unknown"),
        ("outboundType: block", false, "blocked"),
        ("outboundType: someday", false, "unknown"),
    ] {
        let trace = from_a_cluster(profile, private);
        assert_eq!(trace["outcome"], outcome, "{profile}, private {private}: {trace:#}");
    }
    let trace = from_a_cluster("outboundType: loadBalancer", true);
    assert!(trace["assumptions"].to_string().contains("load balancer that AKS makes for `k`"), "{trace:#}");
}

#[test]
fn moved_tags_are_asked_over_the_family_of_the_caller() {
    let tags = |prefixes: &str| {
        format!(
            r#"{{"changeNumber": 1, "cloud": "Public", "values": [{{"name": "Storage.WestEurope", "properties": {{"addressPrefixes": [{prefixes}]}}}}, {{"name": "Storage", "properties": {{"addressPrefixes": [{prefixes}]}}}}]}}"#
        )
    };
    let estate = written("moved", PLAIN);
    let old = written("moved-old", &tags(r#""20.0.0.0/24""#));
    // What is new is of IPv6 alone.
    let new = written("moved-new", &tags(r#""20.0.0.0/24", "2603:1000::/48""#));
    let words =
        ["what-if", &estate, "--service-tags", &old, "--service-tags-after", &new, "--format", "json"];
    let (code, out, err) = netwhy(&words);
    assert_eq!(code, 0, "{err}");
    assert!(!out.contains("NO_COMMON_ADDRESS_FAMILY"), "{out}");
    assert!(out.contains("tag `Storage`: 1 prefixes more"), "{out}");
}
