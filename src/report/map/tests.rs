//! Pictures of small estates: what is drawn, what is counted.

use super::{Detail, End, Map, dot, mermaid};
use crate::diag::{Diagnostics, DocId};
use crate::doc::parse_yaml;
use crate::formats::native;
use crate::inventory::build;
use crate::network::{Network, compile};
use crate::profile::Profile;
use crate::tags::ServiceTags;

const PLAIN: Detail = Detail { grants: false, all: false };

fn network(text: &str) -> Network {
    let mut notes = Diagnostics::new();
    let root = parse_yaml(DocId(0), text, &mut notes).expect("yaml");
    let estate = build(native::load(&root, &mut notes), &mut notes);
    let network = compile(estate, ServiceTags::builtin(), Profile::default(), &mut notes);
    assert!(!notes.has_errors(), "{:?}", notes.iter().map(ToString::to_string).collect::<Vec<_>>());
    network
}

/// Boxes with their cards, then lines.
fn check(text: &str, detail: Detail, expected: &[&str]) {
    let map = Map::of(&network(text), "estate", detail);
    let name = |end: End| match end {
        End::Card(card) => map.cards[card].lines[0].clone(),
        End::Frame(frame) => map.frames[frame].title.clone(),
    };
    let mut got = Vec::new();
    for frame in &map.frames {
        got.push(frame.title.clone());
        got.extend(frame.cards.iter().map(|c| format!("  {}", map.cards[*c].lines.join(" | "))));
    }
    got.extend(map.loose.iter().map(|c| map.cards[*c].lines.join(" | ")));
    got.extend(map.lines.iter().map(|l| format!("{} - {} - {}", name(l.from), l.label, name(l.to))));
    assert_eq!(got, expected);
}

fn hub_and_spokes(spokes: usize) -> String {
    let mut text = String::from(
        "netwhy: estate/1
routeTables:
  - { name: out, routes: [{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.4 }] }
azureFirewalls: [{ name: fw, subnet: hub/AzureFirewallSubnet, privateIPAddress: 10.0.0.4 }]
virtualNetworks:
",
    );
    let to: Vec<String> =
        (1..=spokes).map(|n| format!("{{ name: to-{n}, remoteVirtualNetwork: spoke{n} }}")).collect();
    text.push_str(&format!(
        "  - {{ name: hub, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: AzureFirewallSubnet, addressPrefix: 10.0.0.0/24 }}], virtualNetworkPeerings: [{}] }}\n",
        to.join(", ")
    ));
    for n in 1..=spokes {
        text.push_str(&format!(
            "  - {{ name: spoke{n}, addressPrefixes: [10.{n}.0.0/16], subnets: [{{ name: apps, addressPrefix: 10.{n}.1.0/24, routeTable: out }}], virtualNetworkPeerings: [{{ name: to-hub, remoteVirtualNetwork: hub }}] }}\n"
        ));
    }
    text.push_str("hosts:\n");
    for n in 1..=spokes {
        text.push_str(&format!("  - {{ name: web{n}, subnet: spoke{n}/apps }}\n"));
    }
    text
}

#[test]
fn two_spokes_are_drawn_and_many_are_one() {
    check(
        &hub_and_spokes(2),
        PLAIN,
        &[
            "hub  10.0.0.0/16",
            "  AzureFirewallSubnet  10.0.0.0/24 | firewall fw",
            "spoke1  10.1.0.0/16",
            "  apps  10.1.1.0/24 | out | machine web1",
            "spoke2  10.2.0.0/16",
            "  apps  10.2.1.0/24 | out | machine web2",
            "hub  10.0.0.0/16 - peered - spoke1  10.1.0.0/16",
            "hub  10.0.0.0/16 - peered - spoke2  10.2.0.0/16",
            "apps  10.1.1.0/24 - route - AzureFirewallSubnet  10.0.0.0/24",
            "apps  10.2.1.0/24 - route - AzureFirewallSubnet  10.0.0.0/24",
        ],
    );
    check(
        &hub_and_spokes(9),
        PLAIN,
        &[
            "hub  10.0.0.0/16",
            "  AzureFirewallSubnet  10.0.0.0/24 | firewall fw",
            "9 networks alike: spoke1 to spoke9",
            "  apps | 9 machines: web1 to web9",
            "hub  10.0.0.0/16 - peered ×9 - 9 networks alike: spoke1 to spoke9",
            "apps - route ×9 - AzureFirewallSubnet  10.0.0.0/24",
        ],
    );
}

#[test]
fn endpoints_lead_to_services_and_zones_are_one_card() {
    let text = "
netwhy: estate/1
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets: [{ name: pe, addressPrefix: 10.0.1.0/24 }, { name: spare, addressPrefix: 10.0.2.0/24 }]
storageAccounts: [{ name: acct }]
keyVaults: [{ name: vault }]
privateEndpoints:
  - { name: pe-blob, subnet: net/pe, target: acct, groupIds: [blob] }
  - { name: pe-file, subnet: net/pe, target: acct, groupIds: [file] }
  - { name: pe-vault, subnet: net/pe, target: vault, groupIds: [vault] }
privateDnsZones:
  - { name: privatelink.blob.core.windows.net, virtualNetworkLinks: [{ name: a, virtualNetwork: net }] }
  - { name: privatelink.vaultcore.azure.net, virtualNetworkLinks: [{ name: b, virtualNetwork: net }] }
";
    check(
        text,
        PLAIN,
        &[
            "net  10.0.0.0/16",
            "  pe  10.0.1.0/24 | endpoint pe-blob | endpoint pe-file | endpoint pe-vault",
            "  nothing in spare",
            "Azure services",
            "  acct (storage account) | vault (key vault)",
            "2 private DNS zones | privatelink.blob.core.windows.net | privatelink.vaultcore.azure.net",
            "net  10.0.0.0/16 - resolves - 2 private DNS zones",
            "pe  10.0.1.0/24 - private endpoint ×3 - acct (storage account)",
        ],
    );
}

#[test]
fn a_peering_of_one_side_says_so() {
    let text = "
netwhy: estate/1
virtualNetworks:
  - { name: a, addressPrefixes: [10.0.0.0/16], virtualNetworkPeerings: [{ name: to-b, remoteVirtualNetwork: b }] }
  - { name: b, addressPrefixes: [10.1.0.0/16] }
";
    check(
        text,
        PLAIN,
        &[
            "a  10.0.0.0/16",
            "  no subnet",
            "b  10.1.0.0/16",
            "  no subnet",
            "a  10.0.0.0/16 - peered, does not work - b  10.1.0.0/16",
        ],
    );
}

#[test]
fn names_cannot_leave_their_label() {
    let text = "
netwhy: estate/1
virtualNetworks: [{ name: 'a\"]; evil', addressPrefixes: [10.0.0.0/16], subnets: [{ name: s, addressPrefix: 10.0.0.0/24 }] }]
hosts: [{ name: '\"] --> x', subnet: 'a\"]; evil/s' }]
";
    let map = Map::of(&network(text), "t\"it<le", PLAIN);
    let (dot, mermaid) = (dot(&map), mermaid(&map));
    assert!(dot.contains("a\\\"]; evil") && dot.contains("\\\"] --> x"), "{dot}");
    assert!(!mermaid.contains("\"] -->") && !mermaid.contains("\"]; evil"), "{mermaid}");
}

#[test]
fn managed_networks_and_hubs_of_a_wan_are_drawn() {
    let text = "netwhy: estate/1
virtualNetworks: [{ name: net, addressPrefixes: [10.1.0.0/16], subnets: [{ name: apps, addressPrefix: 10.1.1.0/24 }] }]
hosts: [{ name: vm, subnet: net/apps }]
virtualWans: [{ name: wan }]
virtualHubs: [{ name: west, virtualWan: wan, addressPrefix: 10.0.0.0/24, hubVirtualNetworkConnections: [{ name: c, remoteVirtualNetwork: net }] }]
storageAccounts: [{ name: lake }]
workspaces: [{ name: ml, storageAccount: lake, managedNetwork: { isolationMode: AllowOnlyApprovedOutbound } }]
computes: [{ name: cluster, parent: ml, computeType: AmlCompute }]
";
    let map = Map::of(&network(text), "estate", PLAIN);
    let managed = map.frames.iter().find(|f| f.title.starts_with("managed network")).expect("its box");
    assert_eq!(managed.title, "managed network of ml: AllowOnlyApprovedOutbound");
    assert_eq!(map.cards[managed.cards[0]].lines, ["compute cluster"]);
    let hub = map.loose.iter().find(|c| map.cards[**c].lines[0].starts_with("hub ")).expect("the hub");
    assert_eq!(map.cards[*hub].lines, ["hub west  10.0.0.0/24"]);
    assert!(map.lines.iter().any(|l| l.to == End::Card(*hub) && l.label == "connected"), "{:?}", map.lines);
}
