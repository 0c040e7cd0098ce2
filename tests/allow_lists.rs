//! Allow-lists and what-if are two sides of one thing: they ask about the same workloads, and what one emits the other
//! finds nothing broken with.

#![allow(clippy::disallowed_methods, reason = "these tests run the program on files of their own")]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

#[path = "support/collected.rs"]
mod collected;
#[path = "support/program.rs"]
mod program;

use collected::collected;
use program::netwhy;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn json(words: &[&str]) -> Value {
    let (code, out, err) = netwhy(&[words, &["--format", "json"]].concat());
    assert!(code < 2, "{words:?}\n{err}");
    serde_json::from_str(&out).expect("JSON")
}

/// A file of this test's own.
fn file(name: &str, text: &str) -> String {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("allow-lists");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().expect("a list")
}

/// What the emitted changes of an estate break although the allow-list says that it lets it through: workload and id.
fn broken_by_the_emitted(name: &str, estate: &[&str]) -> Vec<String> {
    let changes = file(name, "");
    let ask = [&["requirements"], estate, &["--all"]].concat();
    let (code, _, err) = netwhy(&[&ask[..], &["--format", "changes", "-o", &changes]].concat());
    assert!(code < 2, "{err}");
    let allowed = json(&ask);
    let told: Vec<&str> = ["notExpressible", "stillBlocked"]
        .iter()
        .flat_map(|key| list(&allowed, key))
        .filter_map(|left| left["flow"].as_str()?.split('/').next())
        .collect();
    let found = json(&[&["what-if"], estate, &["--change", &changes, "--no-fixes"]].concat());
    assert!(found["summary"]["stillWorks"].as_u64() > Some(20), "{:#}", found["summary"]);
    let harm = |row: &&Value| {
        ["broken now", "broken later", "degraded", "unknown"]
            .contains(&row["status"].as_str().unwrap_or_default())
    };
    let rows = list(&found, "rows").iter().filter(harm);
    rows.filter(|row| !told.contains(&row["id"].as_str().unwrap_or_default()))
        .map(|row| format!("{} {}", row["workload"], row["id"]))
        .collect()
}

const SECURED: &str = "scenarios/secured-workspace/estate.yaml";

const PUBLIC: &str =
    "netwhy: changes/1\nchanges: [{ set: { target: contoso-ml/ci1, enableNodePublicIp: true } }]\n";

#[test]
fn a_public_compute_is_let_in_and_people_go_on_working() {
    let public = file("public.yaml", PUBLIC);
    let found = json(&["requirements", SECURED, "--change", &public]);
    let let_in = |line: &&Value| line["to"] == "AzureMachineLearning" && line["direction"] == "Inbound";
    let inbound: Vec<&Value> = list(&found, "lines").iter().filter(let_in).collect();
    assert!(inbound.iter().any(|line| line["ports"] == "44224"), "{:#}", found["lines"]);
    let from: Vec<&Value> = list(&found, "flows").iter().filter(|flow| flow["from"] == "jumpbox").collect();
    assert!(!from.is_empty(), "people on the jump box are asked about");
    // Old ways of Batch come in by every port of their range.
    let batch = |line: &&Value| {
        line["to"].as_str().is_some_and(|to| to.starts_with("BatchNodeManagement"))
            && line["direction"] == "Inbound"
    };
    let lines = list(&found, "lines").iter().find(batch);
    assert!(lines.is_none_or(|line| line["ports"] == "29876-29877"), "{lines:?}");
    assert!(found["remarks"].to_string().contains("stood in for"), "{:#}", found["remarks"]);
}

#[test]
fn nothing_that_worked_breaks_by_the_lines_of_the_bundled_estate() {
    assert_eq!(broken_by_the_emitted("bundled.yaml", &[SECURED]), Vec::<String>::new());
}

#[test]
fn nothing_that_worked_breaks_by_the_lines_of_the_real_template() {
    let Some(template) = collected("arm/quickstart__machine-learning-end-to-end-secure.json") else { return };
    let template = template.display().to_string();
    assert_eq!(broken_by_the_emitted("end-to-end.yaml", &[&template]), Vec::<String>::new());
}

/// Two networks that are no peers and reach each other over a firewall.
const SPOKES: &str = "
netwhy: estate/1
defaults: { resourceGroup: rg, location: westeurope }
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets: [{ name: AzureFirewallSubnet, addressPrefix: 10.0.9.0/26 }]
    virtualNetworkPeerings:
      - { name: to-dev, remoteVirtualNetwork: dev, allowForwardedTraffic: true }
      - { name: to-prod, remoteVirtualNetwork: prod, allowForwardedTraffic: true }
  - name: dev
    addressPrefixes: [10.1.0.0/16]
    subnets: [{ name: apps, addressPrefix: 10.1.0.0/24, routeTable: over-firewall }]
    virtualNetworkPeerings: [{ name: to-hub, remoteVirtualNetwork: hub, allowForwardedTraffic: true }]
  - name: prod
    addressPrefixes: [10.2.0.0/16]
    subnets: [{ name: apps, addressPrefix: 10.2.0.0/24, routeTable: over-firewall }]
    virtualNetworkPeerings: [{ name: to-hub, remoteVirtualNetwork: hub, allowForwardedTraffic: true }]
routeTables:
  - name: over-firewall
    routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }]
publicIPAddresses: [{ name: fw-ip, sku: Standard, ipAddress: 20.1.1.1 }]
firewallPolicies:
  - name: policy
    ruleCollectionGroups:
      - name: all
        priority: 100
        ruleCollections:
          - name: between
            ruleCollectionType: FirewallPolicyFilterRuleCollection
            priority: 100
            action: { type: Allow }
            rules: [{ name: any, ruleType: NetworkRule, ipProtocols: [TCP], sourceAddresses: [10.0.0.0/8],
              destinationAddresses: [10.0.0.0/8], destinationPorts: ['443'] }]
azureFirewalls:
  - name: fw
    firewallPolicy: policy
    ipConfigurations: [{ name: c, subnet: hub/AzureFirewallSubnet, privateIPAddress: 10.0.9.4, publicIPAddress: fw-ip }]
networkInterfaces:
  - { name: dev-nic, ipConfigurations: [{ name: c, subnet: dev/apps, privateIPAddress: 10.1.0.4 }] }
  - { name: prod-nic, ipConfigurations: [{ name: c, subnet: prod/apps, privateIPAddress: 10.2.0.4 }] }
virtualMachines:
  - { name: dev-vm, networkInterfaces: [dev-nic] }
  - { name: prod-vm, networkInterfaces: [prod-nic] }
";

#[test]
fn networks_that_are_no_peers_are_named_by_address() {
    let estate = file("spokes.yaml", SPOKES);
    let found = json(&["requirements", &estate]);
    let works =
        |name: &str| list(&found, "flows").iter().any(|flow| flow["name"] == name && flow["works"] == true);
    assert!(works("dev-vm to prod-vm:443") && works("prod-vm to dev-vm:443"), "{found:#}");
    assert_eq!(list(&found, "stillBlocked"), [] as [Value; 0]);
    // `VirtualNetwork` holds the other network in one reading of the documents alone.
    let named = |line: &Value| line["enforcedBy"] == "security group of" && line["to"] == "10.2.0.4/32";
    assert!(list(&found, "lines").iter().any(named), "{:#}", found["lines"]);
}

#[test]
fn a_machine_that_passes_traffic_on_is_let_receive_and_send() {
    let found = json(&["requirements", "scenarios/dual-stack/dual-stack.yaml"]);
    assert_eq!(list(&found, "stillBlocked"), [] as [Value; 0]);
    let ways = |way: &str| {
        let here = |line: &&Value| line["place"] == "hub/appliances" && line["direction"] == way;
        list(&found, "lines")
            .iter()
            .filter(here)
            .any(|line| line["ports"].as_str().is_some_and(|p| p.contains("443")))
    };
    assert!(ways("Inbound") && ways("Outbound"), "{:#}", found["lines"]);
}

#[test]
fn where_nothing_is_asked_it_is_said() {
    let estate = file("empty.yaml", "netwhy: estate/1\nvirtualNetworks: []\n");
    let (code, out, err) = netwhy(&["requirements", &estate]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("No workload was found") && out.contains("--workload"), "{out}");
    assert!(!out.contains("0 of 0"), "{out}");
}

#[test]
fn what_is_too_much_to_ask_is_said_in_the_headline() {
    let estate = file("spokes-again.yaml", SPOKES);
    let words = ["what-if", &estate, "--remove", "fw", "--no-fixes"];
    let (few, all) = (netwhy(&[&words[..], &["--places", "1"]].concat()).1, netwhy(&words).1);
    let head = |text: &str| text.lines().take(5).any(|line| line.contains("not asked about"));
    assert!(head(&few) && !head(&all), "{few}\n{all}");
    let found = json(&[&words[..], &["--places", "1"]].concat());
    assert!(found["summary"]["leftOut"].as_u64() > Some(0), "{:#}", found["summary"]);
}

/// A cluster beside a machine, and nothing of Azure Machine Learning.
const CLUSTER: &str = "
netwhy: estate/1
defaults: { resourceGroup: rg, location: westeurope }
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets: [{ name: nodes, addressPrefix: 10.0.1.0/24 }, { name: jump, addressPrefix: 10.0.2.0/24 }]
managedClusters: [{ name: aks, agentPoolProfiles: [{ name: pool, vnetSubnetID: net/nodes }] }]
networkInterfaces: [{ name: jump-nic, ipConfigurations: [{ name: c, subnet: net/jump, privateIPAddress: 10.0.2.4 }] }]
virtualMachines: [{ name: jumpbox, networkInterfaces: [jump-nic] }]
";

#[test]
fn machines_beside_a_cluster_are_asked_about_too() {
    let estate = file("cluster.yaml", CLUSTER);
    let found = json(&["what-if", &estate, "--block-outbound", "--no-fixes"]);
    let has = |workload: &str, id: &str| {
        list(&found, "rows").iter().any(|row| row["workload"] == workload && row["id"] == id)
    };
    assert!(has("aks", "aks.mcr") && has("jumpbox", "implied.internet"), "{:#}", found["rows"]);
    assert!(!has("aks", "aks.aml.shared") && !has("aks", "implied.internet"), "{:#}", found["rows"]);
    let lines = json(&["requirements", &estate]);
    assert!(list(&lines, "flows").iter().any(|flow| flow["from"] == "jumpbox"), "{:#}", lines["flows"]);
}
