//! `equivalence/CASE/RULES`: whether two groups let through the same packets, beside asking one packet of every class.
//!
//! Cases: `equal`, the same in other words (prefixes in halves, neighbours of one verdict in another order, rules that
//! never match); `flipped`, the same with the first verdict turned; `edited`, one rule more, which may matter or not.

#[path = "support/random.rs"]
mod random;

use criterion::{Criterion, criterion_group, criterion_main};
use netwhy::analysis::equivalence::{Around, Equivalence, Rules, compare};
use netwhy::diag::At;
use netwhy::inventory::Inventory;
use netwhy::net::{AddressSet, Header, IpAddr, PortRange, PortSet, Protocol, ProtocolMatch};
use netwhy::network::{AddressMatch, CompiledRule, Place, RuleBody, RuleSet, Ruling, Verdict};
use netwhy::tags::ServiceTags;
use random::Random;
use std::hint::black_box;

/// Prefixes of a group: one in six is any address.
fn side(random: &mut Random) -> AddressMatch {
    match random.below(6) {
        0 => AddressMatch::everything(),
        n => {
            let length = [8, 12, 16, 20, 24, 28][n as usize];
            let first = (10 << 24 | random.below(1 << 24)) & (u32::MAX << (32 - length));
            AddressMatch { set: range(first, first | u32::MAX >> length), ..AddressMatch::default() }
        }
    }
}

fn range(low: u32, high: u32) -> AddressSet {
    AddressSet::from_range(IpAddr::V4(low.into()), IpAddr::V4(high.into())).expect("a range")
}

fn rules(count: usize, random: &mut Random) -> Vec<CompiledRule> {
    let ports = |random: &mut Random| match random.below(3) {
        0 => PortSet::all(),
        _ => {
            let low = [22, 80, 443, 1433, 3389, 8080, 9092][random.below(7) as usize];
            PortSet::new([PortRange { low, high: low }])
        }
    };
    let protocols =
        [ProtocolMatch::only(Protocol::Tcp), ProtocolMatch::only(Protocol::Udp), ProtocolMatch::ANY];
    let mut all: Vec<CompiledRule> = (1..count)
        .map(|n| RuleBody {
            name: format!("rule-{n}").into(),
            priority: n as i64,
            verdict: Some(if n % 3 == 0 { Verdict::Deny } else { Verdict::Allow }),
            default: false,
            protocol: protocols[random.below(3) as usize],
            source: side(random),
            source_ports: PortSet::all(),
            destination: side(random),
            destination_ports: ports(random),
            unknown: None,
        })
        .map(|body| CompiledRule::new(At::NOWHERE, body))
        .collect();
    // What everything would match comes last, or the others are never asked.
    all.sort_by_key(|d| d.source.any && d.destination.any);
    let mut last = all[0].clone();
    (last.source, last.destination) = (AddressMatch::everything(), AddressMatch::everything());
    (last.protocol, last.destination_ports, last.verdict) =
        (ProtocolMatch::ANY, PortSet::all(), Some(Verdict::Deny));
    all.push(last);
    all
}

/// The same in other words.
fn reworded(rules: &[CompiledRule], random: &mut Random) -> Vec<CompiledRule> {
    let mut out: Vec<CompiledRule> = Vec::new();
    for rule in rules {
        match (random.below(10), rule.source.set.v4()) {
            (0, [(low, high)]) => {
                let middle = low + (high - low) / 2;
                for (low, high) in [(*low, middle), (middle + 1, *high)] {
                    let source = AddressMatch { set: range(low, high), ..AddressMatch::default() };
                    let mut half = rule.clone();
                    half.source = source;
                    out.push(half);
                }
            }
            (1, _) => out.extend([rule.clone(), rule.clone()]),
            _ => out.push(rule.clone()),
        }
    }
    for n in 1..out.len() {
        if out[n - 1].verdict == out[n].verdict && random.below(2) == 0 {
            out.swap(n - 1, n);
        }
    }
    out
}

fn sets(case: &str, count: usize) -> [RuleSet; 2] {
    let mut random = Random::new(7);
    let before = rules(count, &mut random);
    let mut after = before.clone();
    match case {
        "equal" => after = reworded(&before, &mut random),
        "flipped" => {
            let turned = match after[0].verdict {
                Some(Verdict::Deny) => Verdict::Allow,
                _ => Verdict::Deny,
            };
            after[0].verdict = Some(turned);
        }
        _ => {
            let more = rules(2, &mut random).remove(0);
            after.insert(count / 2, more);
        }
    }
    [before, after].map(|rules| RuleSet { rules, unknown: None })
}

/// Asks one packet of every class: every beginning of a range on each side, every port named.
fn by_packets([before, after]: &[RuleSet; 2], tags: &ServiceTags) -> Option<Header> {
    let empty = AddressSet::empty();
    let place = Place {
        tags,
        virtual_network: &empty,
        internet: &empty,
        virtual_network_doubts: &[],
        source_asgs: &[],
        destination_asgs: &[],
    };
    let all = || before.rules.iter().chain(&after.rules);
    let starts = |of: fn(&CompiledRule) -> &AddressMatch| {
        let mut out: Vec<u32> =
            all().flat_map(|r| of(r).set.v4()).flat_map(|(a, b)| [*a, b.wrapping_add(1)]).collect();
        out.push(0);
        out.sort_unstable();
        out.dedup();
        out
    };
    let mut ports: Vec<u16> = all().flat_map(|r| r.destination_ports.ranges()).map(|r| r.low).collect();
    ports.push(1);
    ports.sort_unstable();
    ports.dedup();
    let said = |set: &RuleSet, header: &Header| match set.decide(header, &place, |_| false) {
        Ruling::Rule(n) => set.rules[n].verdict,
        _ => None,
    };
    for source in starts(|r| &r.source) {
        for destination in starts(|r| &r.destination) {
            for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Icmp] {
                for port in &ports {
                    let header = Header {
                        source: IpAddr::V4(source.into()),
                        destination: IpAddr::V4(destination.into()),
                        protocol,
                        source_port: 50_000,
                        port: if protocol.has_ports() { *port } else { 0 },
                    };
                    if said(before, &header) != said(after, &header) {
                        return Some(header);
                    }
                }
            }
        }
    }
    None
}

fn benches(c: &mut Criterion) {
    let (inventory, tags) = (Inventory::default(), ServiceTags::builtin());
    let public = AddressSet::all();
    let asked = |sets: &[RuleSet; 2]| {
        let around = Around::Anywhere { public: &public };
        let [before, after] =
            sets.each_ref().map(|set| Rules { set, inventory: &inventory, tags: &tags, around });
        compare(&before, &after, true)
    };
    for case in ["equal", "flipped", "edited"] {
        let mut group = c.benchmark_group(format!("equivalence/{case}"));
        for count in [50, 200, 1_000] {
            let sets = sets(case, count);
            let answer = asked(&sets);
            if count == 50 {
                assert_eq!(matches!(answer, Equivalence::Differs(_)), by_packets(&sets, &tags).is_some());
                group.sample_size(10);
                group.bench_function("50/by-packets", |b| b.iter(|| by_packets(black_box(&sets), &tags)));
            }
            match case {
                "equal" => assert_eq!(answer, Equivalence::Equal),
                "flipped" => assert!(matches!(answer, Equivalence::Differs(_)), "{answer:?}"),
                _ => assert!(matches!(answer, Equivalence::Equal | Equivalence::Differs(_)), "{answer:?}"),
            }
            group.bench_function(format!("{count}"), |b| b.iter(|| asked(black_box(&sets))));
        }
        group.finish();
    }
}

criterion_group!(equivalence, benches);
criterion_main!(equivalence);
