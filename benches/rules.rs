//! `rules/SHAPE/SIZE`: one look-up in a set of rules, by rows of bits or by leaves, beside a linear walk.

#[path = "support/random.rs"]
mod random;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netwhy::fast::alike::Alike;
use netwhy::fast::cpu::{self, Cpu, Work};
use netwhy::fast::leaf::{self, Leaves};
use netwhy::fast::lines::Lines;
use netwhy::fast::rules::{self, Around, Ask, Draft, Narrow, Said, Says, Search, Side};
use netwhy::net::{PortRange, PortSet};
use random::Random;
use std::hint::black_box;

/// Questions of a batch.
const QUESTIONS: usize = 4_096;

/// Questions in step.
const STEP: usize = 64;

fn main_rules(count: usize, random: &mut Random) -> Vec<Draft> {
    let side = |random: &mut Random| match random.below(6) {
        0 => Side { any: true, ..Side::default() },
        n => {
            let length = [8, 12, 16, 20, 24, 28][n as usize];
            let first = (10 << 24 | random.below(1 << 24)) & (u32::MAX << (32 - length));
            Side { ranges: vec![(first, first | u32::MAX >> length)], ..Side::default() }
        }
    };
    let ports = |random: &mut Random| match random.below(3) {
        0 => PortSet::all(),
        _ => {
            let low = [22, 80, 443, 1433, 3389, 8080, 9092][random.below(7) as usize];
            PortSet::new([PortRange { low, high: low }])
        }
    };
    let mut all: Vec<Draft> = (1..count)
        .map(|n| Draft {
            source: side(random),
            destination: side(random),
            protocols: [1, 2, 3, 0b1_1111][random.below(4) as usize],
            source_ports: PortSet::all(),
            ports: ports(random),
            says: if n % 3 == 0 { Says::Deny } else { Says::Allow },
            doubtful: false,
            platform: false,
        })
        .collect();
    // What everything would match comes last, or the others are never asked.
    all.sort_by_key(|d| d.source.any && d.destination.any);
    let everything = || Side { any: true, ..Side::default() };
    all.push(Draft {
        source: everything(),
        destination: everything(),
        protocols: 0b1_1111,
        source_ports: PortSet::all(),
        ports: PortSet::all(),
        says: Says::Deny,
        doubtful: false,
        platform: false,
    });
    all
}

fn questions(drafts: &[Draft], random: &mut Random) -> Vec<Ask> {
    let inside = |side: &Side, random: &mut Random| match side.ranges.first() {
        Some((low, high)) => low + random.below((high - low).saturating_add(1)),
        None => 10 << 24 | random.below(1 << 24),
    };
    (0..QUESTIONS)
        .map(|_| {
            let draft = &drafts[random.below(drafts.len() as u32) as usize];
            Ask {
                source: inside(&draft.source, random),
                destination: inside(&draft.destination, random),
                source_port: 50_000,
                port: draft.ports.ranges().first().map_or(443, |r| r.low.max(80)),
                protocol: (random.below(4) / 3) as u8,
                ..Ask::default()
            }
        })
        .collect()
}

/// A walk rule by rule.
fn linear(drafts: &[Draft], ask: &Ask) -> Said {
    let holds =
        |side: &Side, ip: u32| side.any || side.ranges.iter().any(|(low, high)| *low <= ip && ip <= *high);
    let fits = |draft: &&Draft| {
        draft.protocols >> ask.protocol & 1 != 0
            && draft.ports.contains(ask.port)
            && holds(&draft.source, ask.source)
            && holds(&draft.destination, ask.destination)
    };
    match drafts.iter().enumerate().find(|(_, d)| fits(d)) {
        Some((number, draft)) => Said::Rule(number as u32, draft.says),
        None => Said::Nothing,
    }
}

/// Rows of bits, many questions in step.
struct Rows<'a>(&'a Lines, u32, &'a [Ask], &'a mut Vec<Said>);

impl Work for Rows<'_> {
    type Output = ();
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let Rows(lines, head, asks, out) = self;
        let around = Around { lines, tags: &[[0; 4]], members: &[] };
        if rules::is_narrow(lines, head) {
            // As the walk does it.
            let mut searches = [Narrow::default(); STEP];
            for part in asks.chunks(STEP) {
                for (search, ask) in searches.iter_mut().zip(part) {
                    search.begin(cpu, lines, head, ask);
                }
                for (search, ask) in searches.iter().zip(part) {
                    out.push(search.finish(cpu, around, ask));
                }
            }
            return;
        }
        let mut searches = [Search::default(); STEP];
        for part in asks.chunks(STEP) {
            for search in &mut searches[..part.len()] {
                search.begin(cpu, lines, head);
            }
            let mut more = true;
            while more {
                more = false;
                for (search, ask) in searches.iter_mut().zip(part) {
                    more |= search.step(cpu, lines, ask);
                }
            }
            for (search, ask) in searches.iter().zip(part) {
                out.push(search.finish(cpu, around, ask, None));
            }
        }
    }
}

/// Leaves, many questions in step.
struct Leaved<'a>(&'a Lines, &'a Leaves, &'a [Ask], &'a mut Vec<Said>);

impl Work for Leaved<'_> {
    type Output = ();
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let Leaved(lines, leaves, asks, out) = self;
        let around = Around { lines, tags: &[[0; 4]], members: &[] };
        let mut searches = [leaf::Search::default(); STEP];
        for part in asks.chunks(STEP) {
            let mut more = false;
            for (search, ask) in searches.iter_mut().zip(part) {
                more |= leaves.begin(cpu, lines, search, ask);
            }
            while more {
                more = false;
                for (search, ask) in searches.iter_mut().zip(part) {
                    more |= leaves.step(cpu, lines, search, ask);
                }
            }
            for search in &searches[..part.len()] {
                leaves.fetch_directory(cpu, lines, search);
            }
            for search in &mut searches[..part.len()] {
                leaves.fetch_leaves(cpu, lines, search);
            }
            for (search, ask) in searches.iter().zip(part) {
                out.push(leaves.finish(cpu, around, search, ask));
            }
        }
    }
}

fn rule_sets(criterion: &mut Criterion) {
    for (shape, size) in [("nsg", 50), ("nsg", 1_000), ("firewall", 20_000)] {
        let mut random = Random::new(size as u64);
        let drafts = main_rules(size, &mut random);
        let asks = questions(&drafts, &mut random);
        let expected: Vec<Said> = asks.iter().map(|a| linear(&drafts, a)).collect();
        let mut out = Vec::with_capacity(asks.len());
        let mut group = criterion.benchmark_group(format!("rules/{shape}"));
        group.throughput(Throughput::Elements(asks.len() as u64));
        if size <= rules::MOST_RULES {
            let mut lines = Lines::default();
            lines.push(netwhy::fast::tree::NO_LINE);
            let head = rules::build(&mut lines, &mut Alike::default(), &drafts);
            cpu::with_best(Rows(&lines, head, &asks, &mut out));
            assert_eq!(out, expected, "{shape}/{size}");
            group.bench_function(format!("rows/{size}"), |b| {
                b.iter(|| {
                    out.clear();
                    cpu::with_best(Rows(&lines, head, black_box(&asks), &mut out));
                });
            });
            group.bench_function(format!("rows portable/{size}"), |b| {
                b.iter(|| {
                    out.clear();
                    cpu::with_portable(Rows(&lines, head, black_box(&asks), &mut out));
                });
            });
        }
        let mut lines = Lines::default();
        lines.push(netwhy::fast::tree::NO_LINE);
        let leaves = leaf::build(&mut lines, &mut Alike::default(), &drafts).expect("rules that can be cut");
        out.clear();
        cpu::with_best(Leaved(&lines, &leaves, &asks, &mut out));
        assert_eq!(out, expected, "{shape}/{size} by leaves");
        group.bench_function(format!("leaves/{size}"), |b| {
            b.iter(|| {
                out.clear();
                cpu::with_best(Leaved(&lines, &leaves, black_box(&asks), &mut out));
            });
        });
        group.bench_function(format!("linear/{size}"), |b| {
            b.iter(|| {
                out.clear();
                out.extend(black_box(&asks).iter().map(|a| linear(&drafts, a)));
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(12).measurement_time(std::time::Duration::from_secs(2));
    targets = rule_sets
}
criterion_main!(benches);
