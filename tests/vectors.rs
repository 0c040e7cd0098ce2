//! Test vectors of Microsoft's own pages and tables of the selection rules: effective routes with their state, the
//! choice among them, and the order of a firewall's rules.

use netwhy::analysis::{EffectiveRouteView, Subject, effective_routes, next_hop};
use netwhy::diag::{Diagnostics, Sources};
use netwhy::network::Network;
use netwhy::profile::Profile;
use netwhy::trace::{Endpoint, Flow, HopKind, StepKind, trace};
use netwhy::{doc, formats, inventory, net, network, tags};

/// Compiles an estate; faults of the vector itself fail the test.
fn compiled(estate: &str, knobs: &[(&str, &str)]) -> Network {
    let mut notes = Diagnostics::new();
    let mut sources = Sources::default();
    let file = sources.add("estate.yaml", estate);
    let root = doc::parse_yaml(file, estate, &mut notes).expect("yaml");
    let estate = inventory::build(formats::native::load(&root, &mut notes), &mut notes);
    let mut profile = Profile::default();
    for (knob, value) in knobs {
        profile.set(knob, value).expect("a knob");
    }
    let network = network::compile(estate, tags::ServiceTags::builtin(), profile, &mut notes);
    let faults: Vec<_> = notes.iter().map(ToString::to_string).collect();
    assert!(!notes.has_errors(), "{faults:?}");
    network
}

/// A route in one line: source, state, prefix, next hop, appliance. Long lists of prefixes show as `...`.
fn line(route: &EffectiveRouteView) -> String {
    let prefix = match &route.address_prefix[..] {
        [only] => only.clone(),
        _ => "...".into(),
    };
    let hop = route.next_hop_type.unwrap_or("?");
    let ips = route.next_hop_ip_address.join(",");
    format!("{} {} {prefix} {hop} {ips}", route.source, route.state).trim_end().to_owned()
}

/// Effective routes of a subnet, in any order.
#[track_caller]
fn check_table(network: &Network, subject: &str, expected: &[&str]) {
    let subject = Subject::find(network, subject).expect("a subject");
    let answer = effective_routes(network, &subject, None).expect("an answer");
    assert!(answer.unknown.is_empty(), "{:?}", answer.unknown);
    let mut found: Vec<String> = answer.value.iter().map(line).collect();
    let mut expected: Vec<String> = expected.iter().map(|e| (*e).to_owned()).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected, "of {}", subject.text);
}

/// RT-24a: the page's network. On the right of each user-defined route its name on the page.
const PAGE: &str = "
netwhy: estate/1
defaults: { location: westeurope }
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: Subnet1, addressPrefix: 10.0.0.0/24, routeTable: rt, serviceEndpoints: [Microsoft.Storage] }
      - { name: Subnet2, addressPrefix: 10.0.1.0/24 }
      - { name: nva, addressPrefix: 10.0.100.0/24 }
      - { name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }
    virtualNetworkPeerings:
      - { name: to-1, remoteVirtualNetwork: peer1 }
      - { name: to-2, remoteVirtualNetwork: peer2 }
  - name: peer1
    addressPrefixes: [10.1.0.0/16]
    virtualNetworkPeerings: [{ name: back, remoteVirtualNetwork: net }]
  - name: peer2
    addressPrefixes: [10.2.0.0/16]
    virtualNetworkPeerings: [{ name: back, remoteVirtualNetwork: net }]
virtualNetworkGateways: [{ name: gw, gatewayType: Vpn, subnet: net/GatewaySubnet }]
onPremisesSites: [{ name: office, addressPrefixes: [10.10.0.0/16], connectedTo: [gw] }]
hosts: [{ name: appliance, subnet: net/nva, privateIPAddress: 10.0.100.4, forwards: true }]
routeTables:
  - name: rt
    routes:
      - { name: Within-VNet1, addressPrefix: 10.0.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.100.4 }
      - { name: Within-Subnet1, addressPrefix: 10.0.0.0/24, nextHopType: VnetLocal }
      - { name: ToVNet2-1-Drop, addressPrefix: 10.1.0.0/16, nextHopType: None }
      - { name: ToVNet2-2-Drop, addressPrefix: 10.2.0.0/16, nextHopType: None }
      - { name: To-On-Prem, addressPrefix: 10.10.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.100.4 }
      - { name: Default-NVA, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.100.4 }
";

/// The page's tables know three None routes (D-19).
const THREE: (&str, &str) = ("noneRoutes", "10.0.0.0/8, 192.168.0.0/16, 100.64.0.0/10");

/// Rules: RT-24a, RT-21.
#[test]
fn rt_24a_the_example_of_the_page() {
    let network = compiled(PAGE, &[THREE]);
    check_table(
        &network,
        "net/Subnet1",
        &[
            "Default Invalid 10.0.0.0/16 VnetLocal",
            "User Active 10.0.0.0/16 VirtualAppliance 10.0.100.4",
            "User Active 10.0.0.0/24 VnetLocal",
            "Default Invalid 10.1.0.0/16 VNetPeering",
            "Default Invalid 10.2.0.0/16 VNetPeering",
            "User Active 10.1.0.0/16 None",
            "User Active 10.2.0.0/16 None",
            "VirtualNetworkGateway Invalid 10.10.0.0/16 VirtualNetworkGateway",
            "User Active 10.10.0.0/16 VirtualAppliance 10.0.100.4",
            "Default Active ... VirtualNetworkServiceEndpoint",
            "Default Invalid 0.0.0.0/0 Internet",
            "User Active 0.0.0.0/0 VirtualAppliance 10.0.100.4",
        ],
    );
    check_table(
        &network,
        "net/Subnet2",
        &[
            "Default Active 10.0.0.0/16 VnetLocal",
            "Default Active 10.1.0.0/16 VNetPeering",
            "Default Active 10.2.0.0/16 VNetPeering",
            "VirtualNetworkGateway Active 10.10.0.0/16 VirtualNetworkGateway",
            "Default Active 0.0.0.0/0 Internet",
            "Default Active 10.0.0.0/8 None",
            "Default Active 100.64.0.0/10 None",
            "Default Active 192.168.0.0/16 None",
        ],
    );
}

/// One row: what is set, where it is asked, and for each destination what its next hop is:
/// `TYPE [ADDRESS] by SOURCE PREFIX`.
struct Row {
    what: &'static str,
    /// What the route table of `work` holds, as YAML items.
    routes: &'static str,
    /// What else the estate holds.
    more: &'static str,
    knobs: &'static [(&'static str, &'static str)],
    answers: &'static [(&'static str, &'static str)],
}

/// The first prefix of a service tag.
fn prefix_of(tag: &str) -> net::IpNet {
    let tags = tags::ServiceTags::builtin();
    let tag = tags.find(tag).expect("a tag of the built-in table");
    tags.set(tag).to_prefixes()[0]
}

/// `PREFIX(Tag)` in a text is the first prefix of a service tag.
fn with_prefixes(text: &str) -> String {
    let mut parts = text.split("PREFIX(");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        let (tag, rest) = part.split_once(')').expect("a closing bracket");
        format!("{out}{}{rest}", prefix_of(tag))
    })
}

/// A network `net` 10.0.0.0/16 with a VPN gateway, peered with `peer` 10.1.0.0/16; asked in `net/work`.
fn check(row: &Row) {
    let Row { what, routes, more, knobs, answers } = row;
    let estate = format!(
        "
netwhy: estate/1
defaults: {{ location: westeurope }}
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {{ name: work, addressPrefix: 10.0.1.0/24, routeTable: rt, serviceEndpoints: [Microsoft.KeyVault] }}
      - {{ name: fw, addressPrefix: 10.0.2.0/24 }}
      - {{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }}
    virtualNetworkPeerings: [{{ name: to-peer, remoteVirtualNetwork: peer }}]
  - name: peer
    addressPrefixes: [10.1.0.0/16]
    subnets:
      - {{ name: plain, addressPrefix: 10.1.1.0/24 }}
      - {{ name: ruled, addressPrefix: 10.1.2.0/24, privateEndpointNetworkPolicies: RouteTableEnabled }}
    virtualNetworkPeerings: [{{ name: to-net, remoteVirtualNetwork: net }}]
virtualNetworkGateways: [{{ name: gw, gatewayType: Vpn, subnet: net/GatewaySubnet }}]
routeTables:
  - name: rt
    routes: [{routes}]
{more}
"
    );
    let network = compiled(&with_prefixes(&estate), knobs);
    let subject = Subject::find(&network, "net/work").expect("a subject");
    for (destination, expected) in *answers {
        let ip = destination.parse().unwrap_or_else(|_| prefix_of(destination).network());
        let answer = next_hop(&network, &subject, None, ip).expect("an answer");
        let hop = answer.next_hop_type.unwrap_or("unknown");
        let address = answer.next_hop_ip_address.map_or(String::new(), |ip| format!(" {ip}"));
        let by = answer.route.map_or("nothing".into(), |r| format!("{} {}", r.source, r.address_prefix));
        let expected = with_prefixes(expected);
        assert_eq!(format!("{hop}{address} by {by}"), expected, "{what}: {destination}");
    }
}

const SITE: &str = "
onPremisesSites:
  - { name: office, addressPrefixes: [192.168.0.0/16, 172.20.5.0/24, 10.0.1.128/25, 10.1.9.0/24, 10.9.0.0/24], connectedTo: [gw] }
";

const ENDPOINTS: &str = "
storageAccounts: [{ name: acct }]
privateEndpoints:
  - { name: pe-plain, subnet: peer/plain, target: acct, groupIds: [blob], privateIPAddress: 10.1.1.5 }
  - { name: pe-ruled, subnet: peer/ruled, target: acct, groupIds: [file], privateIPAddress: 10.1.2.5 }
";

const ROWS: &[Row] = &[
    Row {
        what: "RT-17 an explicit prefix beats a tag that holds the same prefix",
        routes: "{ name: tag, addressPrefix: AzureMonitor, nextHopType: Internet },
                 { name: one, addressPrefix: PREFIX(AzureMonitor), nextHopType: None }",
        more: "",
        knobs: &[],
        answers: &[("AzureMonitor", "None by User PREFIX(AzureMonitor)")],
    },
    Row {
        what: "RT-17 a regional tag beats the whole tag",
        routes: "{ name: all, addressPrefix: Sql, nextHopType: None },
                 { name: here, addressPrefix: Sql.WestEurope, nextHopType: Internet }",
        more: "",
        knobs: &[],
        answers: &[("Sql.WestEurope", "Internet by User Sql.WestEurope")],
    },
    Row {
        what: "RT-17 a service beats AzureCloud of its region, and that beats AzureCloud",
        routes: "{ name: cloud, addressPrefix: AzureCloud, nextHopType: VirtualNetworkGateway },
                 { name: region, addressPrefix: AzureCloud.westeurope, nextHopType: None },
                 { name: service, addressPrefix: Sql.WestEurope, nextHopType: Internet }",
        more: "",
        knobs: &[],
        answers: &[
            ("Sql.WestEurope", "Internet by User Sql.WestEurope"),
            ("AzureCloud.westeurope", "None by User AzureCloud.westeurope"),
        ],
    },
    Row {
        what: "RT-20 a tag's prefix is longer than the default route",
        routes: "{ name: tag, addressPrefix: AzureMonitor, nextHopType: Internet },
                 { name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 }",
        more: "",
        knobs: &[],
        answers: &[
            ("AzureMonitor", "Internet by User AzureMonitor"),
            ("198.51.100.9", "VirtualAppliance 10.0.2.4 by User 0.0.0.0/0"),
        ],
    },
    Row {
        what: "RT-20 the longest prefix wins, then user before gateway before system",
        routes: "{ name: more, addressPrefix: 192.168.7.0/24, nextHopType: None },
                 { name: same, addressPrefix: 192.168.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 },
                 { name: less, addressPrefix: 172.20.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 }",
        more: SITE,
        knobs: &[],
        answers: &[
            ("192.168.7.7", "None by User 192.168.7.0/24"),
            ("192.168.1.1", "VirtualAppliance 10.0.2.4 by User 192.168.0.0/16"),
            ("172.20.5.5", "VirtualNetworkGateway by VirtualNetworkGateway 172.20.5.0/24"),
            ("172.20.6.6", "VirtualAppliance 10.0.2.4 by User 172.20.0.0/16"),
            ("172.30.0.1", "None by Default 172.16.0.0/12"),
            ("198.51.100.9", "Internet by Default 0.0.0.0/0"),
        ],
    },
    Row {
        what: "RT-3a a user-defined default route takes the None routes away",
        routes: "{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 }",
        more: "",
        knobs: &[],
        answers: &[
            ("10.77.0.1", "VirtualAppliance 10.0.2.4 by User 0.0.0.0/0"),
            ("172.30.0.1", "VirtualAppliance 10.0.2.4 by User 0.0.0.0/0"),
            ("100.64.0.1", "VirtualAppliance 10.0.2.4 by User 0.0.0.0/0"),
            ("10.0.3.3", "VnetLocal by Default 10.0.0.0/16"),
            ("10.1.3.3", "VnetPeering by Default 10.1.0.0/16"),
        ],
    },
    Row {
        what: "RT-22 the network and its peerings beat learnt routes that are longer",
        routes: "",
        more: SITE,
        knobs: &[],
        answers: &[
            ("10.0.1.200", "VnetLocal by Default 10.0.0.0/16"),
            ("10.1.9.9", "VnetPeering by Default 10.1.0.0/16"),
            ("10.9.0.9", "VirtualNetworkGateway by VirtualNetworkGateway 10.9.0.0/24"),
        ],
    },
    Row {
        what: "RT-22 a user-defined route in the same place still wins by length",
        routes: "{ name: half, addressPrefix: 10.0.1.128/25, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 }",
        more: SITE,
        knobs: &[],
        answers: &[
            ("10.0.1.200", "VirtualAppliance 10.0.2.4 by User 10.0.1.128/25"),
            ("10.0.1.20", "VnetLocal by Default 10.0.0.0/16"),
        ],
    },
    Row {
        what: "RT-23 a service endpoint cannot be overridden",
        routes: "{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 },
                 { name: tag, addressPrefix: AzureKeyVault, nextHopType: None }",
        more: "",
        knobs: &[],
        answers: &[("AzureKeyVault", "VirtualNetworkServiceEndpoint by Default AzureKeyVault")],
    },
    Row {
        what: "RT-23 unless the profile says so (D-4)",
        routes: "{ name: tag, addressPrefix: AzureKeyVault, nextHopType: None }",
        more: "",
        knobs: &[("serviceEndpointRouteOverridable", "true")],
        answers: &[("AzureKeyVault", "None by User AzureKeyVault")],
    },
    Row {
        what: "RT-24 without policies only a /32 beats a private endpoint",
        routes: "{ name: space, addressPrefix: 10.1.0.0/16, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 },
                 { name: subnet, addressPrefix: 10.1.1.0/24, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 }",
        more: ENDPOINTS,
        knobs: &[],
        answers: &[
            ("10.1.1.5", "InterfaceEndpoint by Default 10.1.1.5/32"),
            ("10.1.1.6", "VirtualAppliance 10.0.2.4 by User 10.1.1.0/24"),
            ("10.1.2.5", "VirtualAppliance 10.0.2.4 by User 10.1.0.0/16"),
        ],
    },
    Row {
        what: "RT-24 a /32 beats either",
        routes: "{ name: one, addressPrefix: 10.1.1.5/32, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 },
                 { name: two, addressPrefix: 10.1.2.5/32, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 }",
        more: ENDPOINTS,
        knobs: &[],
        answers: &[
            ("10.1.1.5", "VirtualAppliance 10.0.2.4 by User 10.1.1.5/32"),
            ("10.1.2.5", "VirtualAppliance 10.0.2.4 by User 10.1.2.5/32"),
        ],
    },
    Row {
        what: "RT-24 a supernet and the default route beat neither",
        routes: "{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 },
                 { name: ten, addressPrefix: 10.0.0.0/8, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.2.4 }",
        more: ENDPOINTS,
        knobs: &[],
        answers: &[
            ("10.1.1.5", "InterfaceEndpoint by Default 10.1.1.5/32"),
            ("10.1.2.5", "InterfaceEndpoint by Default 10.1.2.5/32"),
            ("10.1.3.5", "VnetPeering by Default 10.1.0.0/16"),
            ("10.8.0.1", "VirtualAppliance 10.0.2.4 by User 10.0.0.0/8"),
        ],
    },
];

/// Rules: RT-17, RT-20, RT-22, RT-23, RT-24, RT-24b, RT-25.
#[test]
fn rt_17_to_24_the_choice_among_routes() {
    ROWS.iter().for_each(check);
}

/// RT-21: states beside the choice, each row a table of its own.
#[test]
fn rt_19_to_24_who_is_invalid() {
    let estate = |routes: &str, table: &str, more: &str| {
        format!(
            "
netwhy: estate/1
defaults: {{ location: westeurope }}
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {{ name: work, addressPrefix: 10.0.1.0/24, routeTable: rt }}
      - {{ name: ends, addressPrefix: 10.0.2.0/24, privateEndpointNetworkPolicies: Enabled }}
      - {{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }}
    virtualNetworkPeerings: [{{ name: to-peer, remoteVirtualNetwork: peer }}]
  - name: peer
    location: northeurope
    addressPrefixes: [10.1.0.0/16]
    virtualNetworkPeerings: [{{ name: to-net, remoteVirtualNetwork: net }}]
virtualNetworkGateways: [{{ name: gw, gatewayType: Vpn, subnet: net/GatewaySubnet }}]
routeTables: [{{ name: rt, {table} routes: [{routes}] }}]
{more}
"
        )
    };
    let site = "onPremisesSites: [{ name: o, addressPrefixes: [10.1.0.0/16, 10.0.9.0/24, 0.0.0.0/0], connectedTo: [gw] }]";
    let network = compiled(&estate("", "", site), &[]);
    let expected = [
        "Default Active 10.0.0.0/16 VnetLocal",
        "Default Active 10.1.0.0/16 VNetGlobalPeering",
        "Default Invalid 0.0.0.0/0 Internet",
        "VirtualNetworkGateway Invalid 10.1.0.0/16 VirtualNetworkGateway",
        "VirtualNetworkGateway Invalid 10.0.9.0/24 VirtualNetworkGateway",
        "VirtualNetworkGateway Active 0.0.0.0/0 VirtualNetworkGateway",
    ];
    check_table(&network, "net/work", &expected);
    let closed =
        compiled(&estate("", "disableBgpRoutePropagation: true, disablePeeringRoute: All,", site), &[THREE]);
    let expected = [
        "Default Active 10.0.0.0/16 VnetLocal",
        "Default Active 0.0.0.0/0 Internet",
        "Default Active 10.0.0.0/8 None",
        "Default Active 100.64.0.0/10 None",
        "Default Active 192.168.0.0/16 None",
    ];
    check_table(&closed, "net/work", &expected);
    let endpoint = "
storageAccounts: [{ name: acct }]
privateEndpoints: [{ name: pe, subnet: net/ends, target: acct, groupIds: [blob], privateIPAddress: 10.0.2.9 }]";
    let to = "nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.3.4";
    let routes = format!("{{ name: s, addressPrefix: 10.0.2.0/24, {to} }}");
    let beaten = compiled(&estate(&routes, "", endpoint), &[("noneRoutes", "")]);
    let expected = [
        "Default Active 10.0.0.0/16 VnetLocal",
        "Default Active 10.1.0.0/16 VNetGlobalPeering",
        "Default Active 0.0.0.0/0 Internet",
        "Default Invalid 10.0.2.9/32 InterfaceEndpoint",
        "User Active 10.0.2.0/24 VirtualAppliance 10.0.3.4",
    ];
    check_table(&beaten, "net/work", &expected);
}

/// A collection of the FW-3 vector: policy, group's priority, collection's priority, type.
type Collection = (&'static str, i64, i64, &'static str);

const COLLECTIONS: &[Collection] = &[
    ("child", 650, 3000, "DNAT"),
    ("child", 650, 2000, "App"),
    ("child", 650, 1100, "Net"),
    ("child", 300, 900, "App"),
    ("child", 300, 700, "Net"),
    ("parent", 300, 1300, "Net"),
    ("parent", 300, 1200, "App"),
    ("parent", 200, 800, "Net"),
    ("parent", 200, 610, "DNAT"),
    ("parent", 200, 600, "DNAT"),
];

/// The estate with these collections, whose rules match every flow asked.
fn firewall(collections: &[Collection]) -> Network {
    let policy = |name: &str| {
        let groups = [200, 300, 650].map(|group| {
            let mine = collections.iter().filter(|(policy, g, ..)| *policy == name && *g == group);
            let collections = mine.map(|(_, _, priority, kind)| {
                let action = if *kind == "DNAT" { "DNAT" } else { "Allow" };
                let rule = match *kind {
                    "DNAT" => "ruleType: NatRule, ipProtocols: [TCP], sourceAddresses: ['*'],
                        destinationAddresses: [20.50.1.1], destinationPorts: [443],
                        translatedAddress: 10.0.1.4, translatedPort: 443",
                    "Net" => "ruleType: NetworkRule, ipProtocols: [TCP], sourceAddresses: ['*'],
                        destinationAddresses: ['*'], destinationPorts: ['*']",
                    _ => "ruleType: ApplicationRule, sourceAddresses: ['*'],
                        protocols: [{ protocolType: Https, port: 443 }], targetFqdns: ['*']",
                };
                format!("{{ name: {kind}{priority}, priority: {priority}, action: {action}, rules: [{{ name: r, {rule} }}] }}")
            });
            let collections: Vec<String> = collections.collect();
            format!("{{ name: g{group}, priority: {group}, ruleCollections: [{}] }}", collections.join(", "))
        });
        groups.join(", ")
    };
    let estate = format!(
        "
netwhy: estate/1
defaults: {{ location: westeurope }}
virtualNetworks:
  - name: net
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - {{ name: AzureFirewallSubnet, addressPrefix: 10.0.0.0/26 }}
      - {{ name: work, addressPrefix: 10.0.1.0/24, routeTable: rt }}
routeTables:
  - name: rt
    routes: [{{ name: all, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.0.0.4 }}]
publicIPAddresses: [{{ name: ip, ipAddress: 20.50.1.1, sku: Standard }}]
azureFirewalls:
  - {{ name: fw, subnet: net/AzureFirewallSubnet, privateIPAddress: 10.0.0.4, publicIPAddress: ip, firewallPolicy: child }}
firewallPolicies:
  - {{ name: parent, ruleCollectionGroups: [{}] }}
  - {{ name: child, basePolicy: parent, ruleCollectionGroups: [{}] }}
hosts: [{{ name: vm, subnet: net/work, privateIPAddress: 10.0.1.4 }}]
",
        policy("parent"),
        policy("child")
    );
    compiled(&estate, &[])
}

/// The collection that decides at the firewall.
fn decider(network: &Network, from: Endpoint, to: Endpoint) -> Option<String> {
    let (protocol, port) = (net::Protocol::Tcp, 443);
    let flow = Flow::new(from, to, protocol, port);
    let answer = trace(network, &flow);
    let hop = answer.hops.into_iter().find(|h| h.kind == HopKind::AzureFirewall).expect("the firewall");
    let rules = |k: StepKind| matches!(k, StepKind::Filter | StepKind::Translate);
    let step = hop.steps.into_iter().find(|s| rules(s.kind) && s.evidence.name.is_some())?;
    let policy = step.evidence.resource?.parent()?.name().to_owned();
    let name = step.evidence.name?;
    let (collection, _) = name.split_once('/').expect("collection/rule");
    Some(if policy == "child" { format!("child {collection}") } else { collection.to_owned() })
}

/// Which collection decides, then which one when that is gone, and so on.
fn succession(kind: &str, from: &Endpoint, to: &Endpoint, left: &mut Vec<Collection>) -> Vec<String> {
    let mut order = Vec::new();
    while let Some(name) = decider(&firewall(left), from.clone(), to.clone()) {
        let before = left.len();
        left.retain(|(policy, _, priority, k)| {
            let own = format!("{k}{priority}");
            name != if *policy == "child" { format!("child {own}") } else { own }
        });
        assert_eq!(left.len() + 1, before, "{name}");
        order.push(name);
        if !left.iter().any(|(.., k)| *k == kind) {
            break;
        }
    }
    order
}

/// Rules: FW-3.
#[test]
fn fw_3_the_order_of_a_policy_and_its_parent() {
    let mut left = COLLECTIONS.to_vec();
    let vm = Endpoint::Named("vm".into());
    let site = Endpoint::Fqdn("www.example.com".into());
    let mut order = succession(
        "DNAT",
        &Endpoint::Internet,
        &Endpoint::Address("20.50.1.1".parse().expect("ip")),
        &mut left,
    );
    order.extend(succession("Net", &vm, &site, &mut left));
    order.extend(succession("App", &vm, &site, &mut left));
    let expected = [
        "DNAT600",
        "DNAT610",
        "child DNAT3000",
        "Net800",
        "Net1300",
        "child Net700",
        "child Net1100",
        "App1200",
        "child App900",
        "child App2000",
    ];
    assert_eq!(order, expected);
}

/// A name that leads elsewhere since: who asked before goes on to the old address until the answer's time is over.
///
/// Rules: DNS-20.
#[test]
fn an_old_answer_lasts_its_time() {
    let estate = |address: &str| {
        format!(
            "
netwhy: estate/1
defaults: {{ location: westeurope }}
virtualNetworks:
  - {{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: s, addressPrefix: 10.0.0.0/24 }}] }}
privateDnsZones: [{{ name: corp.example, recordSets: [{{ name: web, type: A, addresses: [{address}] }}] }}]
virtualNetworkLinks: [{{ name: corp.example/l, virtualNetwork: v }}]
hosts:
  - {{ name: a, subnet: v/s, privateIPAddress: 10.0.0.4 }}
  - {{ name: b, subnet: v/s, privateIPAddress: 10.0.0.5 }}
  - {{ name: c, subnet: v/s, privateIPAddress: 10.0.0.6 }}
"
        )
    };
    let question = Flow::new(
        Endpoint::Named("a".into()),
        Endpoint::Fqdn("web.corp.example".into()),
        net::Protocol::Tcp,
        443,
    );
    let before = compiled(&estate("10.0.0.5"), &[]);
    let (_, open) = netwhy::trace::open(&before, &question).expect("a flow");
    let open = open.expect("it gets through");
    let follow = |address: &str| {
        let after = compiled(&estate(address), &[]);
        netwhy::trace::follow(&after, &question, &open).expect("a flow").0
    };
    let cites = |trace: &netwhy::trace::Trace| {
        let steps = trace.hops.iter().flat_map(|h| &h.steps);
        steps.flat_map(|s| &s.evidence.rules).any(|r| r.id() == "DNS-20")
    };
    let moved = follow("10.0.0.6");
    assert!(cites(&moved) && moved.warnings.iter().any(|w| w.contains("10.0.0.6")), "{:?}", moved.warnings);
    assert!(moved.hops.last().is_some_and(|h| h.name.starts_with('b')), "the open flow stays where it is");
    let same = follow("10.0.0.5");
    assert!(!cites(&same) && same.warnings.is_empty(), "{:?}", same.warnings);
}
