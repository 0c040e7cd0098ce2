//! The estate as a graph.

use netwhy::diag::{Diagnostics, Sources};
use netwhy::network::{EdgeKind, Topology};
use netwhy::{doc, formats, inventory, network, profile, tags};

const ESTATE: &str = "
netwhy: estate/1
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets: [{ name: AzureFirewallSubnet, addressPrefix: 10.0.0.0/24 }]
    virtualNetworkPeerings: [{ name: to-spoke, remoteVirtualNetwork: spoke }]
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    subnets: [{ name: apps, addressPrefix: 10.1.1.0/24, routeTable: out }]
    virtualNetworkPeerings: [{ name: to-hub, remoteVirtualNetwork: hub }]
  - name: lonely
    addressPrefixes: [10.9.0.0/16]
routeTables:
  - name: out
    routes: [{ name: default, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.4 }]
azureFirewalls: [{ name: fw, subnet: hub/AzureFirewallSubnet, privateIPAddress: 10.0.0.4 }]
hosts: [{ name: web, subnet: spoke/apps }]
storageAccounts: [{ name: acct }]
privateEndpoints: [{ name: pe, subnet: spoke/apps, target: acct, groupIds: [blob] }]
";

fn topology() -> Topology {
    let mut notes = Diagnostics::new();
    let mut sources = Sources::default();
    let file = sources.add("estate.yaml", ESTATE);
    let root = doc::parse_yaml(file, ESTATE, &mut notes).expect("yaml");
    let estate = inventory::build(formats::native::load(&root, &mut notes), &mut notes);
    let tags = tags::ServiceTags::builtin();
    let network = network::compile(estate, tags, profile::Profile::default(), &mut notes);
    assert!(!notes.has_errors(), "{:?}", notes.iter().map(ToString::to_string).collect::<Vec<_>>());
    Topology::of(&network)
}

/// Edges as `from verb to`, sorted.
fn check(kind: EdgeKind, expected: &[&str]) {
    let topology = topology();
    let nodes = topology.nodes();
    let edges = topology.edges().into_iter().filter(|e| e.kind == kind);
    let mut found: Vec<String> =
        edges.map(|e| format!("{} {} {}", nodes[e.from].name, kind.word(), nodes[e.to].name)).collect();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn peerings_routes_and_fronts_are_edges() {
    check(EdgeKind::Peered, &["hub peered spoke"]);
    check(EdgeKind::Routed, &["spoke/apps routed fw"]);
    check(EdgeKind::Fronts, &["pe fronts acct"]);
}

#[test]
fn components_cut_points_and_surroundings() {
    let topology = topology();
    let name = |n: usize| topology.nodes()[n].name.clone();
    let components = topology.components();
    assert_eq!(components.len(), 2);
    assert_eq!(components[1].iter().map(|n| name(*n)).collect::<Vec<_>>(), ["lonely"]);
    let cuts: Vec<String> = topology.cut_points().into_iter().map(name).collect();
    assert!(cuts.contains(&"spoke/apps".to_owned()) && !cuts.contains(&"web".to_owned()), "{cuts:?}");
    let web = topology.find("web").expect("the host");
    let mut near: Vec<String> = topology.around(web, 1).into_iter().map(name).collect();
    near.sort();
    assert_eq!(near, ["spoke/apps", "web"]);
}
