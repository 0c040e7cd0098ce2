//! Every numbered rule of Azure's behaviour: the cases that would come out otherwise without it, and the table of
//! which tests name it.
//!
//! A case of `tests/rules/*.yaml` names its rules, gives a small estate, and asks several questions of which at least
//! two have different answers, so that a case cannot pass where its rule is ignored. `src/rules/tests.txt` is the list
//! that `netwhy explain --rules` prints; `NETWHY_BLESS=1` writes it anew. It may lack a newer test and never lists one
//! that is not there.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests read their fixtures and say what they counted"
)]

#[path = "rules/case.rs"]
mod case;
#[path = "rules/named.rs"]
mod named;
#[path = "rules/withheld.rs"]
mod withheld;

use case::Case;
use netwhy::diag::{Diagnostics, Sources};
use netwhy::doc::parse_yaml;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut out: Vec<PathBuf> = folder.read_dir().expect("a folder").flatten().map(|e| e.path()).collect();
    out.retain(|path| path.extension().is_some_and(|e| e == "yaml"));
    out.sort();
    out
}

/// The cases of every file.
fn cases() -> Vec<Case> {
    let mut out = Vec::new();
    for path in files() {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a file of cases");
        let (mut notes, mut sources) = (Diagnostics::new(), Sources::default());
        let doc = sources.add(name.clone(), text.as_str());
        let root = parse_yaml(doc, &text, &mut notes).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        out.extend(case::read(&name, &root));
    }
    out
}

#[test]
fn every_case_holds() {
    let only = std::env::var("NETWHY_RULE").unwrap_or_default();
    let mut faults = Vec::new();
    for case in cases().iter().filter(|c| only.is_empty() || c.label().contains(&only)) {
        faults.extend(case.run());
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_case_would_come_out_otherwise_without_its_rule() {
    let flat: Vec<String> = cases().iter().filter(|c| !c.flips()).map(Case::label).collect();
    assert!(flat.is_empty(), "the answers do not differ in\n{}", flat.join("\n"));
}

/// Knobs that no flow leans on, and where they act.
const ELSEWHERE: &[(&str, &str)] = &[
    ("mlEra", "chooses the generation of needs that `what-if` and `catalogue` know"),
    ("endpointPublicInPrivateWorkspace", "scenarios of the online endpoints"),
];

#[test]
fn every_knob_flips_an_answer_that_says_so() {
    let texts: Vec<String> = files().iter().map(|p| std::fs::read_to_string(p).expect("a text")).collect();
    let all = texts.join("\n");
    let mut wrong = Vec::new();
    for knob in netwhy::profile::KNOBS.iter().filter(|k| !ELSEWHERE.iter().any(|(name, _)| *name == k.name)) {
        for needed in [format!("~ knob {}=", knob.name), format!("assuming {}", knob.name)] {
            if !all.contains(&needed) {
                wrong.push(format!("no case has `{needed}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An estate of which one part repeats, too long to be written down.
fn many(prefixes: usize, row: impl Fn(usize) -> String) -> String {
    (0..prefixes).map(row).collect::<Vec<_>>().join(", ")
}

/// Rules: GW-11.
#[test]
fn a_circuit_that_is_told_too_many_routes_is_in_doubt() {
    let asked = |prefixes: usize| {
        let told = many(prefixes, |n| format!("172.{}.{}.0/24", 16 + n / 256, n % 256));
        let estate = format!(
            "virtualNetworks: [{{ name: v, addressPrefixes: [10.0.0.0/16], subnets: [{{ name: s, addressPrefix: 10.0.0.0/24 }}, \
             {{ name: GatewaySubnet, addressPrefix: 10.0.255.0/27 }}] }}]\n\
             virtualNetworkGateways: [{{ name: er, gatewayType: ExpressRoute, subnet: v/GatewaySubnet }}]\n\
             onPremisesSites: [{{ name: office, addressPrefixes: [172.16.0.0/12], advertises: [{told}], connectedTo: [er] }}]\n\
             hosts: [{{ name: a, subnet: v/s, privateIPAddress: 10.0.0.4 }}]\n"
        );
        case::ask(&estate, "a -> 172.16.0.9:443")
    };
    assert_eq!(asked(4000), "allowed");
    assert_eq!(asked(4001), "unknown UNKNOWN_VALUE");
}

/// Rules: VWAN-14.
#[test]
fn a_hub_with_intent_and_too_many_address_spaces_is_in_doubt() {
    let asked = |prefixes: usize, policy: &str| {
        let spaces = many(prefixes, |n| format!("10.{}.{}.0/24", 2 + n / 256, n % 256));
        let estate = format!(
            "virtualWans: [{{ name: wan }}]\n\
             virtualHubs: [{{ name: hub, virtualWan: wan, addressPrefix: 10.100.0.0/23, hubVirtualNetworkConnections: [\
             {{ name: to-a, remoteVirtualNetwork: a }}, {{ name: to-b, remoteVirtualNetwork: b }}] }}]\n\
             virtualNetworks: [{{ name: a, addressPrefixes: [10.1.0.0/16], subnets: [{{ name: s, addressPrefix: 10.1.0.0/24 }}] }}, \
             {{ name: b, addressPrefixes: [{spaces}], subnets: [{{ name: s, addressPrefix: 10.2.0.0/24 }}] }}]\n\
             azureFirewalls: [{{ name: fw, sku: AZFW_Hub, virtualHub: hub, hubIPAddresses: {{ privateIPAddress: 10.100.0.132 }}, firewallPolicy: pol }}]\n\
             firewallPolicies: [{{ name: pol, ruleCollectionGroups: [{{ name: g, priority: 300, ruleCollections: [{{ name: all, priority: 100, \
             action: Allow, rules: [{{ name: n, ruleType: NetworkRule, ipProtocols: [TCP], sourceAddresses: ['*'], destinationAddresses: ['*'], \
             destinationPorts: ['443'] }}] }}] }}] }}]\n\
             routingIntents: [{{ name: intent, parent: hub, routingPolicies: [{policy}] }}]\n\
             hosts: [{{ name: va, subnet: a/s, privateIPAddress: 10.1.0.4 }}, {{ name: vb, subnet: b/s, privateIPAddress: 10.2.0.4 }}]\n"
        );
        case::ask(&estate, "va -> vb:443")
    };
    let private = "{ name: private, destinations: [PrivateTraffic], nextHop: fw }";
    assert_eq!(asked(599, private), "allowed");
    assert_eq!(asked(600, private), "unknown UNKNOWN_VALUE");
    assert_eq!(asked(600, ""), "allowed");
}

#[test]
fn what_is_withheld_decides_nothing() {
    let only = std::env::var("NETWHY_RULE").unwrap_or_default();
    let cases: Vec<Case> =
        cases().into_iter().filter(|c| only.is_empty() || c.label().contains(&only)).collect();
    let next = AtomicUsize::new(0);
    let share = || {
        let (mut found, mut asked) = (withheld::Found::new(), 0);
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            asked += withheld::check(case, &mut found);
        }
        (found, asked)
    };
    let all = std::thread::scope(|scope| {
        let threads = [scope.spawn(share), scope.spawn(share)];
        threads.map(|thread| thread.join().expect("no panic"))
    });
    let mut found = withheld::Found::new();
    let mut total = 0;
    for (part, asked) in all {
        total += asked;
        for (path, (count, example)) in part {
            found.entry(path).or_insert((0, example)).0 += count;
        }
    }
    println!("{total} flows asked with a value withheld");
    let rows: Vec<String> =
        found.iter().map(|(path, (n, example))| format!("{path}: {n}\n    {example}")).collect();
    assert!(
        found.is_empty(),
        "{} properties decide although they are withheld\n{}",
        rows.len(),
        rows.join("\n")
    );
}

#[test]
fn the_table_of_tests_is_as_the_tests_are() {
    named::check(&cases());
}
