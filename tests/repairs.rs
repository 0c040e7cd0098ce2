//! What is proposed against causes that no security rule settles, and what is said where nothing is.

#![allow(clippy::disallowed_methods, reason = "these tests run the program")]

use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Every blocked flow of a scenario: its name, its cause, what is proposed and what is said instead.
fn blocked(scenario: &str) -> Vec<(String, String, Vec<String>, Option<String>)> {
    let done = Command::new(env!("CARGO_BIN_EXE_netwhy"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["trace", "--scenario", scenario, "--fixes", "--format", "json"])
        .output()
        .expect("it runs");
    let flows: Vec<Value> = serde_json::from_slice(&done.stdout).expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = |flow: &Value| {
        let fixes = flow["fixes"].as_array().map(Vec::as_slice).unwrap_or_default();
        (
            text(&flow["question"]["name"]),
            text(&flow["cause"]["code"]),
            fixes.iter().map(|fix| text(&fix["text"])).collect(),
            flow["noFix"].as_str().map(str::to_owned),
        )
    };
    flows.iter().filter(|flow| flow["outcome"] == "blocked").map(told).collect()
}

/// Checks that a flow has a repair whose text holds some words.
fn check(scenario: &str, name: &str, cause: &str, words: &str) {
    let all = blocked(scenario);
    let flow = all.iter().find(|flow| flow.0 == name).unwrap_or_else(|| panic!("{scenario}: {name}"));
    assert_eq!(flow.1, cause, "{scenario}: {name}");
    assert!(flow.2.iter().any(|fix| fix.contains(words)), "{scenario}: {name}: {:?}", flow.2);
}

/// Checks that a flow has no repair, and why.
fn check_none(scenario: &str, name: &str, cause: &str, words: &str) {
    let all = blocked(scenario);
    let flow = all.iter().find(|flow| flow.0 == name).unwrap_or_else(|| panic!("{scenario}: {name}"));
    assert_eq!((&*flow.1, flow.2.len()), (cause, 0), "{scenario}: {name}");
    assert!(flow.3.as_ref().is_some_and(|why| why.contains(words)), "{scenario}: {name}: {:?}", flow.3);
}

#[test]
fn each_kind_of_door_has_its_key() {
    let trap = |name: &str| format!("scenarios/traps/{name}.yaml");
    check(
        &trap("T-23-admin-deny-spares-application-gateway"),
        "to a machine of the same network",
        "ADMIN_RULE_DENY",
        "before `no-https-in`",
    );
    check(
        &trap("T-37-firewall-on-one-way-only"),
        "from the routed side",
        "ASYMMETRIC_RETURN",
        "send answers of `b/work`",
    );
    check(&trap("T-35-appliance-routed-to-itself"), "out", "ROUTING_LOOP", "take the route table away");
    check(
        &trap("T-79-spoke-without-remote-gateways"),
        "to the office",
        "SYSTEM_ROUTE_NONE",
        "use the gateway behind",
    );
    check(
        &trap("T-84-propagation-off-cuts-a-spoke-from-its-hub"),
        "from another spoke",
        "RETURN_NO_ROUTE",
        "learnt routes",
    );
    check(
        &trap("T-54-linked-zone-hides-a-partners-account"),
        "the partner's account",
        "DNS_NXDOMAIN_ZONE_SHADOW",
        "asked on the internet",
    );
    check(
        "scenarios/managed-network/legacy-egress.yaml",
        "legacy.egress.private/internet",
        "DEPLOYMENT_EGRESS_DISABLED",
        "way out",
    );
}

const DOORS: &str = "netwhy: scenario/1
name: doors
estate:
  - virtualNetworks: [{ name: net, addressPrefixes: [10.0.0.0/16], dnsServers: [10.0.2.4], subnets: [{ name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: closed }, { name: dns, addressPrefix: 10.0.2.0/24 }] }]
    networkSecurityGroups:
      - name: closed
        securityRules:
          - { name: no-dns, priority: 100, direction: Outbound, access: Deny, protocol: Udp, sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: 53 }
    hosts:
      - { name: vm, subnet: net/apps }
      - { name: resolver, subnet: net/dns, privateIPAddress: 10.0.2.4, dnsForwarding: [{ domain: '.', servers: [168.63.129.16] }] }
      - { name: job, subnet: net/dns, identity: { type: SystemAssigned, principalId: 11111111-1111-1111-1111-111111111111 } }
    keyVaults: [{ name: vault, publicNetworkAccess: Enabled, enableRbacAuthorization: false, accessPolicies: [{ objectId: 22222222-2222-2222-2222-222222222222, permissions: { secrets: [get] } }] }]
flows:
  - { name: name, from: vm, to: 'https://vault.vault.azure.net' }
  - { name: secret, from: job, to: 'https://vault.vault.azure.net', as: job }
";

#[test]
fn names_and_secrets_are_opened_too() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("doors.yaml");
    std::fs::write(&path, DOORS).expect("written");
    let file = path.display().to_string();
    check(&file, "name", "DNS_SERVER_UNREACHABLE", "allow 53/udp out to");
    check(&file, "secret", "KEY_VAULT_ACCESS_POLICY_MISSING", "access policy");
}

#[test]
fn where_nothing_is_proposed_it_is_said_why() {
    check_none(
        "scenarios/secured-workspace/aks.yaml",
        "aks.score.firewall",
        "FIREWALL_NO_DNAT",
        "add a NAT rule",
    );
    // In no scenario of the project is a blocked flow left without either.
    for folder in ["first-trace", "dual-stack", "managed-network", "secured-workspace", "traps"] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(folder);
        for entry in std::fs::read_dir(root).expect("a folder") {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if !text.contains("netwhy: scenario/1") {
                continue;
            }
            let file = path.display().to_string();
            for (name, cause, fixes, why) in blocked(&file) {
                assert_eq!(fixes.is_empty(), why.is_some(), "{file}: {name}: {cause}");
            }
        }
    }
}

/// Two groups and a service firewall deny, one behind the other.
const THREE: &str = "
netwhy: scenario/1
name: three
estate:
  - virtualNetworks:
      - { name: v, location: westeurope, addressPrefixes: [10.0.0.0/16], subnets: [{ name: a, addressPrefix: 10.0.0.0/24, networkSecurityGroup: g }] }
    networkSecurityGroups:
      - { name: g, securityRules: [{ name: deny, priority: 200, direction: Outbound, access: Deny, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '*' }] }
      - { name: gn, securityRules: [{ name: deny, priority: 100, direction: Outbound, access: Deny, protocol: '*', sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: Storage, destinationPortRange: '*' }] }
    networkInterfaces:
      - { name: n1, networkSecurityGroup: gn, ipConfigurations: [{ name: c, subnet: v/a, privateIPAddress: 10.0.0.4 }] }
      - { name: n2, ipConfigurations: [{ name: c, subnet: v/a, privateIPAddress: 10.0.0.5 }] }
    virtualMachines:
      - { name: m1, location: westeurope, networkProfile: { networkInterfaces: [n1] } }
      - { name: m2, location: westeurope, networkProfile: { networkInterfaces: [n2] } }
    storageAccounts:
      - { name: acct1, location: westeurope, networkAcls: { defaultAction: Deny } }
      - { name: acct2, location: westeurope }
flows:
  - { name: thrice, from: m1, to: 'acct1.blob.core.windows.net:443', expect: blocked }
  - { name: once, from: m2, to: 'acct2.blob.core.windows.net:443', expect: blocked }
";

#[test]
fn repairs_are_told_once_and_narrow_tags_come_first() {
    let path = std::env::temp_dir().join(format!("netwhy-three-{}.yaml", std::process::id()));
    std::fs::write(&path, THREE.trim_start()).expect("written");
    let all = blocked(&path.display().to_string());
    let told = |name: &str| &all.iter().find(|flow| flow.0 == name).unwrap_or_else(|| panic!("{all:?}")).2;
    let thrice = told("thrice");
    let mut distinct = thrice.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), thrice.len(), "{thrice:?}");
    let once = told("once");
    let at = |tag: &str| once.iter().position(|fix| fix.contains(&format!("out to {tag} in")));
    assert!(
        at("Storage.WestEurope").is_some() && at("Storage.WestEurope") < at("Storage").or(Some(99)),
        "{once:?}"
    );
}
