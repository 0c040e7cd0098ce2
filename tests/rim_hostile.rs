//! Estates, scenarios, change files and batches that were damaged: whatever comes, there is an answer or a
//! diagnostic, and never a panic.

#[path = "support/scraps.rs"]
mod scraps;

use netwhy::diag::{At, Diagnostics, DocId};
use netwhy::doc::{emit_yaml, parse_json, parse_yaml};
use netwhy::formats::{change, native};
use netwhy::inventory::{RawResource, build};
use netwhy::network::compile;
use netwhy::scenario::{self, Lines, evaluate};
use netwhy::tags::ServiceTags;
use netwhy::trace::trace;
use scraps::SCRAPS;

const ESTATE: &str = "\
netwhy: estate/1
defaults: { resourceGroup: net, location: westeurope }
virtualNetworks:
  - name: hub
    addressPrefixes: [10.0.0.0/16]
    subnets:
      - { name: apps, addressPrefix: 10.0.1.0/24, networkSecurityGroup: web-nsg, routeTable: rt }
    virtualNetworkPeerings:
      - { name: to-spoke, remoteVirtualNetwork: spoke, allowForwardedTraffic: true }
  - name: spoke
    addressPrefixes: [10.1.0.0/16]
    subnets: [{ name: s, addressPrefix: 10.1.1.0/24 }]
networkSecurityGroups:
  - name: web-nsg
    securityRules:
      - { name: r, priority: 100, direction: Inbound, access: Allow, protocol: Tcp, sourceAddressPrefix: Storage, sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRanges: [443, 80-90] }
routeTables:
  - name: rt
    routes: [{ name: d, addressPrefix: 0.0.0.0/0, nextHopType: VirtualAppliance, nextHopIpAddress: 10.1.1.9 }]
privateDnsZones:
  - name: privatelink.blob.core.windows.net
    recordSets: [{ name: st, recordType: A, addresses: [10.0.1.7] }]
    virtualNetworkLinks: [{ name: l, virtualNetwork: hub }]
storageAccounts:
  - { name: st, networkAcls: { defaultAction: { $unknown: not told } } }
hosts:
  - { name: web, subnet: hub/apps, privateIPAddress: 10.0.1.4 }
  - { name: db, subnet: spoke/s, privateIPAddress: 10.1.1.4, existing: true, uncertain: perhaps }
";

const SCENARIO: &str = "\
netwhy: scenario/1
name: all of it
estate: estate.yaml
profile: { forwardedTrafficMode: platformDrop, extraNoneRoutes: [198.18.0.0/15] }
rules: [NSG-4]
changes:
  - set: { target: web-nsg/r, access: Deny }
  - add: { target: web-nsg, securityRules: [{ name: s, priority: 110, direction: Inbound, access: Allow, protocol: '*' }] }
  - add: { routeTables: [{ name: other, routes: [] }] }
  - remove: { target: rt, detach: true }
flows:
  - { name: a, from: db, to: web, ports: [80, 443], expect: blocked, cause: NSG_RULE_DENY, decider: web-nsg/r, via: [subnet], not-via: firewall }
  - { from: web, to: https://st.blob.core.windows.net, as: web, expect: unknown, resolves-to: 10.0.1.7, notices: timeout }
  - { from: internet, to: '[2001:db8::1]:53', protocol: udp, sourcePort: 5353 }
variants:
  - { name: v, changes: [{ remove: [hub, web-nsg/r] }], flows: { a: { expect: unknown } }, only: [a] }
then:
  - { changes: [{ remove: spoke }], flows: { a: { expect: blocked } }, established: { 'a:80': { expect: allowed } } }
";

const BATCH: &str = "\
name,from,to,protocol,port,source_port,as,action
\"a, b\",db,web,tcp,443,,web,Microsoft.Storage/x/read
c,10.0.0.1,https://x.example,udp,,5000,,
";

/// A generator with a seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % below.max(1) as u64) as usize
    }
}

/// The text with some bytes, words or lines lost, doubled, moved or replaced.
fn damaged(text: &str, seed: u64) -> String {
    let mut dice = Dice(seed);
    let mut text = text.to_owned();
    for _ in 0..=dice.next(4) {
        let place = |dice: &mut Dice, text: &str| {
            let mut at = dice.next(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (a, b) = (place(&mut dice, &text), place(&mut dice, &text));
        let (from, to) = (a.min(b), a.max(b));
        let short = (from + dice.next(12)).min(text.len());
        let short = (from..=short).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(from);
        match dice.next(6) {
            0 => text.truncate(a),
            1 => text.replace_range(from..short, ""),
            2 => text.insert_str(a, SCRAPS[dice.next(SCRAPS.len())]),
            3 => text.replace_range(from..short, SCRAPS[dice.next(SCRAPS.len())]),
            4 => {
                let piece: String = text[from..to].chars().take(200).collect();
                text.insert_str(b.min(text.len()), &piece);
            }
            _ => {
                let mut lines: Vec<&str> = text.lines().collect();
                let (i, j) = (dice.next(lines.len()), dice.next(lines.len()));
                if !lines.is_empty() {
                    lines.swap(i, j);
                }
                text = lines.join("\n");
            }
        }
    }
    text
}

fn parse(text: &str, notes: &mut Diagnostics) -> Option<netwhy::doc::Node> {
    parse_yaml(DocId(0), text, notes).ok()
}

/// Everything the rim does with an estate and a scenario.
fn run(estate: &str, scenario: &str) {
    let mut notes = Diagnostics::new();
    let root = parse(estate, &mut notes);
    let raws: Vec<RawResource> = root.map_or_else(Vec::new, |root| native::load(&root, &mut notes));
    native::write(&raws, native::Style { short_names: true });
    let Some(root) = parse(scenario, &mut notes) else { return };
    let Some(scenario) = scenario::load(&root, "s", &mut notes) else { return };
    for pass in scenario.passes() {
        let (raws, log) = netwhy::inventory::change::apply(&raws, &pass.changes, &mut notes);
        log.iter().for_each(|line| drop(line.to_string()));
        let inventory = build(raws, &mut notes);
        let network = compile(inventory, ServiceTags::default(), pass.profile.clone(), &mut notes);
        for (case, expectation) in &pass.cases {
            let question = &scenario.cases[*case].question;
            if let Ok(flow) = question.flow(None, At::NOWHERE, &network.inventory) {
                evaluate(expectation, &trace(&network, &flow));
            }
        }
    }
}

/// Repeats with one seed after the other; a panic names its seed.
fn seeds(many: u64, work: impl Fn(u64) + std::panic::RefUnwindSafe) {
    for seed in 0..many {
        if std::panic::catch_unwind(|| work(seed)).is_err() {
            panic!("seed {seed}");
        }
    }
}

#[test]
fn the_whole_files_are_sound() {
    let mut notes = Diagnostics::new();
    let root = parse(ESTATE, &mut notes).expect("YAML");
    native::load(&root, &mut notes);
    let root = parse(SCENARIO, &mut notes).expect("YAML");
    scenario::load(&root, "s", &mut notes).expect("a scenario");
    assert!(!notes.has_errors(), "{:?}", notes.iter().collect::<Vec<_>>());
    run(ESTATE, SCENARIO);
}

#[test]
fn damaged_scenarios() {
    seeds(400, |seed| run(ESTATE, &damaged(SCENARIO, seed)));
}

#[test]
fn damaged_estates() {
    seeds(400, |seed| run(&damaged(ESTATE, seed), SCENARIO));
}

#[test]
fn damaged_changes() {
    let start = SCENARIO.find("changes:").expect("there");
    let end = SCENARIO.find("flows:").expect("there");
    let changes = format!("netwhy: changes/1\n{}", &SCENARIO[start..end]);
    seeds(600, |seed| {
        let mut notes = Diagnostics::new();
        let text = damaged(&changes, seed);
        let Some(root) = parse(&text, &mut notes) else { return };
        let list = change::load(&root, &mut notes);
        let estate = parse(ESTATE, &mut notes).expect("YAML");
        let raws = native::load(&estate, &mut notes);
        let (after, _) = netwhy::inventory::change::apply(&raws, &list, &mut notes);
        build(after, &mut notes);
    });
}

#[test]
fn damaged_batches() {
    let json = "{\"from\":\"db\",\"to\":\"web:443\",\"port\":1}\n";
    seeds(1_000, |seed| {
        let whole = if seed % 2 == 0 { BATCH } else { json };
        let mut lines = Lines::new(None);
        for line in damaged(whole, seed).split('\n') {
            let _ = lines.take(line);
        }
    });
}

#[test]
fn what_is_written_can_be_read_again() {
    seeds(300, |seed| {
        let mut notes = Diagnostics::new();
        let Some(node) = parse(&damaged(SCENARIO, seed), &mut notes) else { return };
        let yaml = emit_yaml(&node);
        let again = parse_yaml(DocId(0), &yaml, &mut notes).unwrap_or_else(|fault| panic!("{fault}\n{yaml}"));
        assert_eq!(again.to_string(), node.to_string(), "{yaml}");
        let _ = parse_json(DocId(0), &yaml, &mut notes);
    });
}
