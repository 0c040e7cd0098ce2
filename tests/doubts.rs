//! Resources of which it is not known whether they are deployed: what leans on them is unknown, and the rest is not.

#![allow(clippy::disallowed_methods, reason = "these tests make their own files")]

use std::process::Command;

const ESTATE: &str = "\
netwhy: estate/1
defaults: { location: westeurope }
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: work, addressPrefix: 10.0.1.0/24, routeTable: out }
      - { name: endpoints, addressPrefix: 10.0.2.0/24 }
      - { name: AzureFirewallSubnet, addressPrefix: 10.0.0.0/26 }
routeTables:
  - { name: out, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.4 }] }
hosts:
  - { name: vm, subnet: net/work, privateIPAddress: 10.0.1.4 }
  - { name: other, subnet: net/work, privateIPAddress: 10.0.1.5, listens: [80] }
azureFirewalls:
  - { name: fw, subnet: net/AzureFirewallSubnet, privateIPAddress: 10.0.0.4, publicIPAddress: fw-ip, firewallPolicy: policy }
publicIPAddresses: [{ name: fw-ip, ipAddress: 20.50.1.1, sku: Standard }]
firewallPolicies: [{ name: policy }]
ruleCollectionGroups:
  - name: policy/rules
    priority: 300
    ruleCollections:
      - name: names
        priority: 100
        action: Allow
        rules: [{ name: dns, ruleType: NetworkRule, ipProtocols: [UDP], sourceAddresses: ['*'], destinationAddresses: [9.9.9.9], destinationPorts: [53] }]
storageAccounts:
  - { name: data, publicNetworkAccess: Disabled, networkAcls: { defaultAction: Deny, bypass: None } }
privateEndpoints:
  - { name: data-pe, subnet: net/endpoints, target: data, groupIds: [blob], privateIPAddress: 10.0.2.4, status: Approved }
privateDnsZones:
  - { name: privatelink.blob.core.windows.net }
virtualNetworkLinks:
  - { name: privatelink.blob.core.windows.net/net-link, virtualNetwork: net }
privateDnsZoneGroups:
  - { name: group, privateEndpoint: data-pe, privateDnsZones: [privatelink.blob.core.windows.net] }
principals: [{ name: app }]
roleAssignments:
  - { name: reads, principal: app, role: Storage Blob Data Reader, scope: data }
";

const TO_DATA: &str = "--from vm --to data";
const BY_ROLE: &str = "--from vm --to data --as app --action Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const THROUGH_FIREWALL: &str = "--from vm --to 9.9.9.9:53 --protocol udp";
const BESIDE: &str = "--from vm --to other:80";

/// Traces with the item that begins with `item` in doubt, or with none.
fn check(item: &str, flow: &str, expected: &str) {
    let found = ESTATE.matches(item).count();
    assert!(item.is_empty() || found == 1, "{item} is there {found} times");
    let doubt = match item.starts_with("- name") {
        true => format!("{item}\n    uncertain: it depends"),
        false => format!("{item} uncertain: it depends,"),
    };
    let text = if item.is_empty() { ESTATE.to_owned() } else { ESTATE.replace(item, &doubt) };
    let name = format!("netwhy-doubts-{}-{}.yaml", std::process::id(), text.len() + flow.len() * 10_000);
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_netwhy"));
    let done = command.arg("trace").arg(&path).args(flow.split(' ')).output().expect("run");
    std::fs::remove_file(&path).expect("removed");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let faults = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains(expected), "{item} {flow}: not {expected}\n{said}{faults}");
}

#[test]
fn certain_resources_decide() {
    for flow in [TO_DATA, BY_ROLE, THROUGH_FIREWALL, BESIDE] {
        check("", flow, "ALLOWED");
    }
}

#[test]
fn doubtful_resources_make_what_leans_on_them_unknown() {
    check("- name: policy/rules", THROUGH_FIREWALL, "UNKNOWN");
    check("- { name: data-pe,", TO_DATA, "UNKNOWN");
    check("- { name: privatelink.blob.core.windows.net/net-link,", TO_DATA, "UNKNOWN");
    check("- { name: group,", TO_DATA, "UNKNOWN");
    check("- { name: reads,", BY_ROLE, "UNKNOWN");
    // By its short name, as our own files refer.
    check("- { name: out,", THROUGH_FIREWALL, "UNKNOWN");
}

#[test]
fn what_does_not_lean_on_them_is_known() {
    for item in ["- name: policy/rules", "- { name: data-pe,", "- { name: group,", "- { name: reads,"] {
        check(item, BESIDE, "ALLOWED");
    }
    check("- name: policy/rules", BY_ROLE, "ALLOWED");
}
