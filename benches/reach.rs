//! `reach/CASE/SIZE`: all pairs of machines by seven services on one core, by classes and pair by pair; and what
//! reading the lists of a compiled estate costs beside compiling its tables.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netwhy::diag::Diagnostics;
use netwhy::fast::classes::{Classes, classes};
use netwhy::fast::matrix::{Budget, By, Matrix, Service};
use netwhy::fast::{self, Asker, End, Fast, Verdict};
use netwhy::generate::{self, Profile as Size, Settings, Shape};
use netwhy::net::Protocol;
use netwhy::network::{self, AttachmentId, Network};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::Outcome;
use std::hint::black_box;
use std::time::Duration;

const SERVICES: [Service; 7] = [
    Service { protocol: Protocol::Tcp, port: 22 },
    Service { protocol: Protocol::Tcp, port: 80 },
    Service { protocol: Protocol::Tcp, port: 443 },
    Service { protocol: Protocol::Tcp, port: 1433 },
    Service { protocol: Protocol::Tcp, port: 3389 },
    Service { protocol: Protocol::Udp, port: 53 },
    Service { protocol: Protocol::Icmp, port: 0 },
];

fn estate(size: Size) -> Network {
    let settings = Settings { sizes: size.sizes(), shape: Shape::HubSpoke, seed: 7, unique: false };
    let mut notes = Diagnostics::new();
    let inventory = generate::inventory(&settings, &mut notes);
    network::compile(inventory, ServiceTags::builtin(), Profile::default(), &mut notes)
}

/// Pairs of machines that get through, service by service, by classes.
fn by_classes(network: &Network, fast: &Fast, classes: &Classes) -> u64 {
    let matrix = Matrix::new(network, fast, classes, &SERVICES);
    let (mut asker, budget) = (matrix.asker(), Budget::new(u64::MAX));
    let mut open = 0;
    for from in matrix.sides().filter(|side| *side != fast::matrix::Side::Internet) {
        for cell in matrix.row(&mut asker, from, &budget) {
            assert_ne!(cell.by, By::Nobody);
            let inside = cell.to != fast::matrix::Side::Internet && cell.outcome == Outcome::Allowed;
            open += u64::from(inside) * cell.pairs;
        }
    }
    open
}

/// The same, asking every pair.
fn by_pairs(network: &Network, fast: &Fast, classes: &Classes) -> u64 {
    let mut asker = Asker::new(network, fast);
    let machines: Vec<u32> = classes.list.iter().flat_map(|c| c.members.iter().copied()).collect();
    let end = |n: u32| End::Attachment(AttachmentId(n));
    let mut open = 0;
    let mut verdicts = Vec::new();
    for from in &machines {
        for service in SERVICES {
            let others = machines.iter().filter(|to| *to != from);
            let ids: Vec<_> = others
                .map(|to| asker.between(end(*from), end(*to), service.protocol, service.port))
                .collect();
            verdicts.clear();
            verdicts.resize(ids.len(), Verdict::PENDING);
            asker.decide(&ids, &mut verdicts);
            open += verdicts.iter().filter(|v| v.outcome == Outcome::Allowed).count() as u64;
        }
    }
    open
}

fn reach(criterion: &mut Criterion) {
    for (name, size) in [("m", Size::M), ("l", Size::L)] {
        let network = estate(size);
        let fast = fast::compile(&network);
        let found = classes(&network, &fast);
        let machines: usize = found.list.iter().map(|c| c.members.len()).sum();
        let pairs = machines as u64 * (machines as u64 - 1) * SERVICES.len() as u64;
        let mut group = criterion.benchmark_group("reach");
        group
            .sample_size(10)
            .measurement_time(Duration::from_secs(5))
            .throughput(Throughput::Elements(pairs));
        group.bench_function(format!("into-classes/{name}"), |b| {
            b.iter(|| classes(black_box(&network), &fast))
        });
        group.bench_function(format!("by-classes/{name}"), |b| {
            b.iter(|| by_classes(&network, &fast, black_box(&found)));
        });
        if size == Size::M {
            assert_eq!(by_classes(&network, &fast, &found), by_pairs(&network, &fast, &found));
            group.bench_function(format!("by-pairs/{name}"), |b| {
                b.iter(|| by_pairs(&network, &fast, black_box(&found)));
            });
        }
        group.bench_function(format!("compile-tables/{name}"), |b| {
            b.iter(|| fast::compile(black_box(&network)))
        });
        let (lists, _) = fast::stored::store(&fast);
        group.bench_function(format!("open-lists/{name}"), |b| {
            // The arena is mapped, so only the lists beside it are read.
            b.iter(|| {
                fast::stored::load(black_box(&lists), fast::lines::Lines::default()).map(|t| t.slot_count)
            });
        });
        group.finish();
    }
}

criterion_group!(benches, reach);
criterion_main!(benches);
