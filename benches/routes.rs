//! `routes/STRUCTURE/TABLES`: longest prefix in one of many tables of 600 prefixes, random table and key, beside the
//! crates a user would take.

#[path = "support/random.rs"]
mod random;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netwhy::fast::alike::Alike;
use netwhy::fast::cpu::{self, Cpu, Work};
use netwhy::fast::lines::Lines;
use netwhy::fast::routes::{self, Prefix, UserDraft, UserRoute};
use netwhy::fast::spans::{self, Spans};
use netwhy::fast::tree::Cursor;
use random::Random;
use std::hint::black_box;
use std::net::Ipv4Addr;

/// Tables, as a large estate has.
const TABLES: usize = 20_000;

/// Prefixes of a table.
const PREFIXES: usize = 600;

/// Questions of a batch.
const QUESTIONS: usize = 65_536;

/// Questions in step.
const STEP: usize = 64;

type Net = (u32, u8);

fn table(random: &mut Random) -> Vec<Net> {
    let mut nets: Vec<Net> = (0..PREFIXES - 1)
        .map(|_| {
            let length = 12 + random.below(17) as u8;
            ((10 << 24 | random.below(1 << 24)) & (u32::MAX << (32 - length)), length)
        })
        .collect();
    nets.push((0, 0));
    nets.sort_unstable();
    nets.dedup();
    nets
}

/// Our tables, many questions in step.
struct Ours<'a>(&'a Lines, &'a [Spans], &'a [(u32, u32)], &'a mut Vec<u32>);

impl Work for Ours<'_> {
    type Output = ();
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let Ours(lines, tables, asks, out) = self;
        for part in asks.chunks(STEP) {
            let mut cursors = [Cursor::default(); STEP];
            for (cursor, (table, _)) in cursors.iter_mut().zip(part) {
                let tree = tables[*table as usize].tree;
                tree.fetch(cpu, lines);
                *cursor = Cursor::new(tree);
            }
            let mut more = true;
            while more {
                more = false;
                for (cursor, (_, ip)) in cursors.iter_mut().zip(part) {
                    if !cursor.is_done() {
                        cursor.step(cpu, lines, *ip);
                        if !cursor.is_done() {
                            cpu.fetch(lines.line(cursor.line));
                            more = true;
                        }
                    }
                }
            }
            for (cursor, (table, _)) in cursors.iter().zip(part) {
                cpu.fetch(lines.line(tables[*table as usize].line(cursor.rank)));
            }
            for (cursor, (table, ip)) in cursors.iter().zip(part) {
                let line = lines.line(tables[*table as usize].line(cursor.rank));
                out.push(UserRoute(spans::half(cpu, line, *ip)).length());
            }
        }
    }
}

fn many_tables(criterion: &mut Criterion) {
    let mut random = Random::new(7);
    let all: Vec<Vec<Net>> = (0..TABLES).map(|_| table(&mut random)).collect();
    let asks: Vec<(u32, u32)> = (0..QUESTIONS)
        .map(|_| {
            let number = random.below(TABLES as u32);
            let nets = &all[number as usize];
            let (first, length) = nets[random.below(nets.len() as u32) as usize];
            let span = u32::MAX.checked_shr(u32::from(length)).unwrap_or(0);
            (number, first | (random.below(0) & span))
        })
        .collect();
    let expected: Vec<u32> = asks.iter().map(|(table, ip)| linear(&all[*table as usize], *ip)).collect();
    let mut group = criterion.benchmark_group("routes");
    group.throughput(Throughput::Elements(QUESTIONS as u64));
    let mut out = Vec::with_capacity(QUESTIONS);
    {
        let mut lines = Lines::default();
        let mut alike = Alike::default();
        let tables: Vec<Spans> = all
            .iter()
            .map(|nets| {
                let drafts = nets.iter().enumerate().map(|(n, (first, length))| {
                    let draft = UserDraft { rank: 0, overrides: false, hop: 0, route: n as u16 };
                    (Prefix { first: *first, length: *length }, draft)
                });
                routes::user_layer(&mut lines, &mut alike, drafts.collect())
            })
            .collect();
        lines.settle();
        cpu::with_best(Ours(&lines, &tables, &asks, &mut out));
        assert_eq!(out, expected);
        group.bench_function(format!("netwhy/{TABLES}"), |b| {
            b.iter(|| {
                out.clear();
                cpu::with_best(Ours(&lines, &tables, black_box(&asks), &mut out));
            });
        });
        group.bench_function(format!("netwhy portable/{TABLES}"), |b| {
            b.iter(|| {
                out.clear();
                cpu::with_portable(Ours(&lines, &tables, black_box(&asks), &mut out));
            });
        });
    }
    {
        let tables: Vec<poptrie::Poptrie<(u32, u8), u32>> = all
            .iter()
            .map(|nets| {
                let mut map = poptrie::Poptrie::new();
                for (first, length) in nets {
                    let _ = map.insert((*first, *length), u32::from(*length));
                }
                map
            })
            .collect();
        let ask = |(table, ip): &(u32, u32)| tables[*table as usize].lookup(*ip).copied().unwrap_or(99);
        assert!(asks.iter().map(ask).eq(expected.iter().copied()));
        group.bench_function(format!("poptrie/{TABLES}"), |b| {
            b.iter(|| {
                out.clear();
                out.extend(black_box(&asks).iter().map(ask));
            });
        });
    }
    {
        let tables: Vec<ip_network_table::IpNetworkTable<u32>> = all
            .iter()
            .map(|nets| {
                let mut map = ip_network_table::IpNetworkTable::new();
                for (first, length) in nets {
                    let net =
                        ip_network::Ipv4Network::new(Ipv4Addr::from(*first), *length).expect("a prefix");
                    map.insert(net, u32::from(*length));
                }
                map
            })
            .collect();
        let ask = |(table, ip): &(u32, u32)| {
            let found = tables[*table as usize].longest_match_ipv4(Ipv4Addr::from(*ip));
            found.map_or(99, |(_, length)| *length)
        };
        assert!(asks.iter().map(ask).eq(expected.iter().copied()));
        group.bench_function(format!("ip_network_table/{TABLES}"), |b| {
            b.iter(|| {
                out.clear();
                out.extend(black_box(&asks).iter().map(ask));
            });
        });
    }
    {
        let tables: Vec<prefix_trie::PrefixMap<(u32, u8), u32>> = all
            .iter()
            .map(|nets| nets.iter().map(|(first, length)| ((*first, *length), u32::from(*length))).collect())
            .collect();
        let ask = |(table, ip): &(u32, u32)| {
            let found = tables[*table as usize].get_lpm(&(*ip, 32));
            found.map_or(99, |(_, length)| *length)
        };
        assert!(asks.iter().map(ask).eq(expected.iter().copied()));
        group.bench_function(format!("prefix-trie/{TABLES}"), |b| {
            b.iter(|| {
                out.clear();
                out.extend(black_box(&asks).iter().map(ask));
            });
        });
    }
    group.bench_function(format!("linear/{TABLES}"), |b| {
        b.iter(|| {
            out.clear();
            out.extend(black_box(&asks).iter().map(|(table, ip)| linear(&all[*table as usize], *ip)));
        });
    });
    group.finish();
}

/// A walk prefix by prefix.
fn linear(nets: &[Net], ip: u32) -> u32 {
    let holds = |(first, length): &&Net| {
        let mask = u32::MAX.checked_shl(32 - u32::from(*length)).unwrap_or(0);
        ip & mask == *first
    };
    nets.iter().filter(holds).map(|(_, length)| u32::from(*length)).max().unwrap_or(99)
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(12).measurement_time(std::time::Duration::from_secs(3));
    targets = many_tables
}
criterion_main!(benches);
