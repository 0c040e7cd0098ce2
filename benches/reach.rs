//! `reach/CASE/SIZE`: all pairs of machines by 64 services on one core by classes, by seven also pair by pair; and what
//! reading the lists of a compiled estate costs beside compiling its tables.

#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netwhy::diag::Diagnostics;
use netwhy::fast::classes::{Classes, classes};
use netwhy::fast::matrix::{Budget, By, Matrix, NO_PAIR, Service, Side, factors};
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

/// Ports that people ask about, TCP and UDP.
fn many() -> Vec<Service> {
    let ports: [u16; 32] = [
        20, 21, 22, 23, 25, 53, 80, 88, 110, 123, 135, 137, 139, 143, 389, 443, 445, 465, 514, 587, 636, 993,
        1433, 1521, 1688, 3306, 3389, 5432, 5671, 6379, 8080, 9092,
    ];
    let both = [Protocol::Tcp, Protocol::Udp];
    both.into_iter().flat_map(|protocol| ports.map(|port| Service { protocol, port })).collect()
}

/// Pairs of machines that get through, service by service, how many distinct answers there are, and how many pairs of
/// classes were walked, of which without numbers; what is left to the full engine is not asked.
fn counted(matrix: &Matrix<'_>, services: usize) -> (u64, usize, [u64; 2]) {
    let mut desk = matrix.asker();
    let mut pairs: Vec<u64> = Vec::new();
    for from in matrix.sides() {
        let numbers = matrix.answers(&mut desk, from);
        pairs.resize(desk.memo.len(), 0);
        for (to, number) in matrix.sides().zip(numbers).filter(|(_, number)| *number != NO_PAIR) {
            if from != Side::Internet && to != Side::Internet {
                pairs[number as usize] += matrix.pairs(from, to);
            }
        }
    }
    let open = |number: usize| {
        let answers = desk.memo.answers(number as u32)[..services].iter();
        answers.filter(|a| a.outcome == Outcome::Allowed && !a.deferred).count() as u64
    };
    let open = pairs.iter().enumerate().map(|(number, pairs)| pairs * open(number)).sum();
    (open, desk.memo.len(), desk.memo.walked)
}

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
        let services = many();
        let matrix = Matrix::new(&network, &fast, &found, &services);
        let (open, distinct, walked) = counted(&matrix, services.len());
        println!(
            "reach/{name}: {machines} machines, {} classes, {open} of {} pairs get through, {distinct} distinct \
             answers, walked {walked:?}",
            found.list.len(),
            machines as u64 * (machines as u64 - 1) * services.len() as u64,
        );
        let few = Matrix::new(&network, &fast, &found, &SERVICES);
        if size == Size::M {
            assert_eq!(counted(&few, SERVICES.len()).0, by_classes(&network, &fast, &found));
        }
        let mut group = criterion.benchmark_group("reach");
        group
            .sample_size(10)
            .measurement_time(Duration::from_secs(5))
            .throughput(Throughput::Elements(pairs));
        group.bench_function(format!("into-classes/{name}"), |b| {
            b.iter(|| classes(black_box(&network), &fast))
        });
        group.bench_function(format!("factors/{name}"), |b| {
            b.iter(|| factors(&network, &fast, black_box(&found), &services));
        });
        group.bench_function(format!("64-services/{name}"), |b| b.iter(|| counted(black_box(&matrix), 64)));
        group.bench_function(format!("7-services/{name}"), |b| b.iter(|| counted(black_box(&few), 7)));
        if size == Size::M {
            assert_eq!(counted(&few, SERVICES.len()).0, by_pairs(&network, &fast, &found));
            group.bench_function(format!("by-pairs/{name}"), |b| {
                b.iter(|| by_pairs(&network, &fast, black_box(&found)));
            });
        }
        group.bench_function(format!("compile-tables/{name}"), |b| {
            b.iter(|| fast::compile(black_box(&network)))
        });
        let lists = fast::stored::lists(&fast);
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
