//! Changes are tested on what the built inventory holds afterwards, and on what is said about them.

use super::*;
use crate::diag::{DocId, Sources};
use crate::doc::parse_yaml;
use crate::formats::{change, native};
use crate::inventory::build;

const ESTATE: &str = "
netwhy: estate/1
defaults: { subscription: s, resourceGroup: g, location: westeurope }
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: web, routeTable: rt }
      - { name: data, addressPrefix: 10.0.2.0/24 }
networkSecurityGroups:
  - name: web
    securityRules:
      - { name: in, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: '*', destinationPortRange: 443 }
routeTables:
  - name: rt
    routes:
      - { name: default, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.9.4 }
virtualMachines: [{ name: web }]
storageAccounts:
  - { name: st, networkAcls: { defaultAction: Allow, bypass: AzureServices } }
privateDnsZones:
  - name: privatelink.blob.core.windows.net
    recordSets:
      - { name: st, recordType: A, addresses: [10.0.2.4] }
    virtualNetworkLinks:
      - { name: hub-link, virtualNetwork: hub }
";

/// The same resources as an export of Azure would show some of them.
const EXPORT: &str = "
netwhy: estate/1
networkSecurityGroups:
  - id: /subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkSecurityGroups/nsg
    name: nsg
    location: westeurope
    properties:
      securityRules:
        - name: in
          properties: { priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefixes: [10.0.0.0/8, 192.168.0.0/16], destinationPortRange: 443 }
";

fn raws(text: &str) -> (Vec<RawResource>, Sources) {
    let mut notes = Diagnostics::new();
    let mut sources = Sources::default();
    let doc = sources.add("estate.yaml", text);
    let root = parse_yaml(doc, text, &mut notes).expect("yaml");
    (native::load(&root, &mut notes), sources)
}

fn run(estate: &str, changes: &str) -> (Vec<RawResource>, Vec<String>) {
    let (before, mut sources) = raws(estate);
    let mut notes = Diagnostics::new();
    let text = format!("netwhy: changes/1\nchanges:\n{changes}\n");
    let doc = sources.add("changes.yaml", text.as_str());
    let root = parse_yaml(doc, &text, &mut notes).expect("yaml");
    let changes = change::load(&root, &mut notes);
    let (after, log) = apply(&before, &changes, &mut notes);
    build(after.clone(), &mut notes);
    let mut lines: Vec<String> = log.iter().map(ToString::to_string).collect();
    for note in &notes {
        let line = sources.position(note.at).map_or(0, |p| p.line);
        let help = note.help.as_deref().map_or(String::new(), |h| format!(" ({h})"));
        lines.push(format!("{}@{line}: {}{help}", note.code.name(), note.message));
    }
    (after, lines)
}

/// Applies changes and compares log and diagnostics.
fn check(changes: &str, expected: &[&str]) {
    assert_eq!(run(ESTATE, changes).1, expected, "{changes}");
}

fn body(raws: &[RawResource], name: &str) -> String {
    let raw = raws.iter().find(|r| r.id.full_name() == name).expect("the resource is there");
    raw.body.to_string()
}

#[test]
fn properties_of_resources_and_parts_are_set() {
    check(
        "- set: { target: web/in, access: Deny }",
        &["`web` securityRules/in access: \"Allow\" -> \"Deny\""],
    );
    check(
        "- set: { target: hub/data, networkSecurityGroup: web }",
        &["`hub/data` networkSecurityGroup: not set -> \"web\""],
    );
    check(
        "- set: { target: st, networkAcls.defaultAction: Deny, publicNetworkAccess: Disabled }",
        &[
            "`st` networkAcls.defaultAction: \"Allow\" -> \"Deny\"",
            "`st` publicNetworkAccess: not set -> \"Disabled\"",
        ],
    );
    check(
        "- set: { target: hub/apps, networkSecurityGroup: ~ }",
        &["`hub/apps` networkSecurityGroup: \"web\" -> null"],
    );
}

#[test]
fn a_set_value_takes_the_place_of_every_spelling() {
    let (after, lines) = run(EXPORT, "- set: { target: nsg/in, sourceAddressPrefix: 10.1.0.0/16 }");
    assert_eq!(lines, ["`nsg` securityRules/in sourceAddressPrefix: not set -> \"10.1.0.0/16\""]);
    let body = body(&after, "nsg");
    assert!(!body.contains("sourceAddressPrefixes") && body.contains("10.1.0.0/16"), "{body}");
}

#[test]
fn typing_errors_are_refused_with_the_nearest_spelling() {
    check(
        "- set: { target: wev, access: Deny }",
        &["dangling-reference@3: nothing in the estate is called `wev` (did you mean `web`?)"],
    );
    check(
        "- remove: web/inn",
        &["dangling-reference@3: nothing in the estate is called `web/inn` (did you mean `web/in`?)"],
    );
    check(
        "- set: { target: web/in, acess: Deny }",
        &["unknown-field@3: `web` has no property `acess` that decides anything (did you mean `access`?)"],
    );
    check(
        "- set: { target: st, networkAcls: { defaultActon: Deny } }",
        &[
            "unknown-field@3: `st` has no property `networkAcls.defaultActon` that decides anything (did you mean `networkAcls.defaultAction`?)",
        ],
    );
    check(
        "- set: { target: web/in, access: Denied }",
        &[
            "`web` securityRules/in access: \"Allow\" -> \"Denied\"",
            "bad-value@3: `Denied` is not a word that Azure knows here (did you mean `Deny`?)",
        ],
    );
    check(
        "- set: { target: hub, name: spoke }",
        &[
            "unknown-field@3: `hub` has no property `name` that decides anything (it has addressSpace.addressPrefixes, addressPrefixes, dhcpOptions.dnsServers, dnsServers, encryption.enabled, encryption.enforcement, privateEndpointVNetPolicies, subnets, virtualNetworkPeerings)",
        ],
    );
}

#[test]
fn an_ambiguous_target_is_refused_and_can_be_told_apart() {
    let (_, lines) = run(ESTATE, "- remove: web");
    assert!(lines[0].starts_with("ambiguous-reference@3: `web` fits 2 resources"), "{lines:?}");
    check("- remove: virtualMachines/web", &["removed `web`"]);
    check(
        "- remove: { target: networkSecurityGroups/web, detach: true }",
        &["removed `web`", "detached `hub/apps` networkSecurityGroup"],
    );
}

#[test]
fn parts_and_children_are_removed() {
    check("- remove: rt/default", &["removed `rt` routes/default"]);
    check(
        "- remove: [privatelink.blob.core.windows.net/st, hub-link]",
        &[
            "removed `privatelink.blob.core.windows.net` recordSets/st",
            "removed `privatelink.blob.core.windows.net/hub-link`",
        ],
    );
    check(
        "- remove: privatelink.blob.core.windows.net/A/st",
        &["removed `privatelink.blob.core.windows.net` recordSets/st"],
    );
    let (after, _) = run(ESTATE, "- remove: hub");
    assert!(after.iter().all(|r| !r.id.full_name().starts_with("hub")), "subnets go with their network");
}

#[test]
fn a_removed_resource_leaves_its_references_dangling_unless_told() {
    let (_, lines) = run(ESTATE, "- remove: rt");
    assert_eq!(lines[0], "removed `rt`");
    assert!(lines[1].starts_with("dangling-reference@8"), "{lines:?}");
}

#[test]
fn resources_and_items_are_added() {
    let (after, lines) = run(
        ESTATE,
        "- add:\n    networkSecurityGroups: [{ name: new }]\n    subnets: [{ parent: hub, name: more, addressPrefix: 10.0.3.0/24, networkSecurityGroup: new }]\n- add: { target: new, securityRules: [{ name: a, priority: 100, direction: Inbound, access: Deny, protocol: '*' }] }",
    );
    assert_eq!(lines, ["added `new`", "added `hub/more`", "added `new` securityRules a"]);
    let new = after.iter().find(|r| r.id.full_name() == "new").expect("added");
    assert_eq!(new.id.scope(), "/subscriptions/s/resourceGroups/g", "it joins the estate's group");
    check(
        "- add: { target: hub, subnets: [{ name: more, addressPrefix: 10.0.3.0/24 }] }\n- remove: hub/more",
        &["added `hub` subnets more", "removed `hub/more`"],
    );
}

#[test]
fn nothing_is_added_twice() {
    let (_, lines) = run(ESTATE, "- add: { routeTables: [{ name: rt }] }");
    assert!(lines[0].starts_with("duplicate-resource@3: `rt` is there already"), "{lines:?}");
    let (_, lines) =
        run(ESTATE, "- add: { target: hub, subnets: [{ name: apps, addressPrefix: 10.0.7.0/24 }] }");
    assert!(lines[0].starts_with("duplicate-resource@3: `hub` has `apps` already"), "{lines:?}");
}

#[test]
fn only_lists_get_items() {
    check(
        "- add: { target: hub/data, networkSecurityGroup: web }",
        &[
            "unknown-value@3: `networkSecurityGroup` of `hub/data` cannot be changed: it is no list; use `set`",
        ],
    );
}

#[test]
fn a_list_of_children_that_is_set_replaces_them() {
    let (after, _) =
        run(ESTATE, "- set: { target: hub, subnets: [{ name: only, addressPrefix: 10.0.5.0/24 }] }");
    let names: Vec<_> = after.iter().map(|r| r.id.full_name()).filter(|n| n.starts_with("hub/")).collect();
    assert_eq!(names, ["hub/only"]);
}

#[test]
fn the_order_of_resources_does_not_matter() {
    let changes = "- set: { target: web/in, access: Deny }\n- remove: hub/data";
    let (mut before, _) = raws(ESTATE);
    let mut notes = Diagnostics::new();
    let root =
        parse_yaml(DocId(9), &format!("netwhy: changes/1\nchanges:\n{changes}"), &mut notes).expect("yaml");
    let changes = change::load(&root, &mut notes);
    let (a, log_a) = apply(&before, &changes, &mut notes);
    before.reverse();
    let (b, log_b) = apply(&before, &changes, &mut notes);
    let show = |raws: &[RawResource]| raws.iter().map(|r| format!("{} {}", r.id, r.body)).collect::<Vec<_>>();
    assert_eq!(show(&a), show(&b));
    assert_eq!(log_a, log_b);
}
