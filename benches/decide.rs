//! `decide/WHO/SIZE`: whole flows, all planes on and the way back walked, beside what a user would write; and two
//! threads beside one.

#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netwhy::fast::{self, Asker, FlowIds, Verdict};
use netwhy::generate::Mix;
use netwhy::trace::{Flow, Outcome};
use std::hint::black_box;
use std::time::{Duration, Instant};
use support::allocations::{self, Counting};
use support::naive::Naive;
use support::{Scale, decided, flows, giga, medium, network, peak, small};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Flows of the batch.
const FLOWS: usize = 200_000;

/// Flows that the slow ones are asked.
const FEW: usize = 2_000;

#[expect(clippy::disallowed_methods, reason = "the bench takes its sizes from its caller")]
fn scales() -> Vec<Scale> {
    let wanted = std::env::var("NETWHY_BENCH").unwrap_or_default();
    match wanted.as_str() {
        "giga" => vec![giga()],
        _ => vec![small(), medium()],
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench has a clock")]
fn decide(criterion: &mut Criterion) {
    for scale in scales() {
        let begun = Instant::now();
        let (settings, net) = network(&scale);
        let (made, held) = (begun.elapsed(), peak());
        let begun = Instant::now();
        let (fast, sizes) = fast::compile_measured(&net);
        println!(
            "{}: the network in {:.2} s, {held:.0} MiB held at most; its tables in {:.2} s, {:.0} MiB",
            scale.name,
            made.as_secs_f64(),
            begun.elapsed().as_secs_f64(),
            peak(),
        );
        let asked = flows(settings, Mix::Uniform, FLOWS);
        let (mut asker, kept, ids, verdicts, left) = decided(&net, &fast, &asked);
        let each = fast.bytes() as f64 / net.attachments.len() as f64;
        println!(
            "{}: {} endpoints, {} flows, {:.2}% left to the full engine, {:.1} MiB, {each:.0} bytes an endpoint",
            scale.name,
            net.attachments.len(),
            asked.len(),
            100.0 * left,
            fast.bytes() as f64 / f64::from(1 << 20),
        );
        for (what, bytes) in &sizes {
            println!("  {:>8.1} bytes an endpoint: {what}", *bytes as f64 / net.attachments.len() as f64);
        }
        let mut out = vec![Verdict::PENDING; ids.len()];
        asker.decide(&ids, &mut out);
        let ((), made) = allocations::count(|| asker.decide(&ids, &mut out));
        println!("{}: {made} allocations for {} flows", scale.name, ids.len());
        assert_eq!(made, 0, "the walk allocates");
        assert_eq!(out, verdicts);

        let naive = Naive::new(&net);
        let mut steps = Vec::with_capacity(64);
        let known: Vec<(Flow, FlowIds, bool)> = kept
            .iter()
            .zip(&ids)
            .zip(&verdicts)
            .filter_map(|((flow, ids), verdict)| {
                let says = naive.allows(flow, &mut steps)?;
                assert_eq!(
                    says,
                    verdict.outcome == Outcome::Allowed,
                    "{flow:?} {:?}",
                    asker.decision(verdict)
                );
                Some((flow.clone(), *ids, says))
            })
            .take(FEW)
            .collect();
        let mut group = criterion.benchmark_group("decide");
        group.throughput(Throughput::Elements(ids.len() as u64));
        group.bench_function(format!("netwhy/{}", scale.name), |b| {
            b.iter(|| asker.decide(black_box(&ids), &mut out));
        });
        threads(&mut group, &scale, &net, &fast, &ids);
        let few: Vec<FlowIds> = known.iter().map(|(_, ids, _)| *ids).collect();
        group.throughput(Throughput::Elements(few.len() as u64));
        group.bench_function(format!("netwhy same flows/{}", scale.name), |b| {
            b.iter(|| asker.decide(black_box(&few), &mut out));
        });
        group.bench_function(format!("naive/{}", scale.name), |b| {
            b.iter(|| {
                known.iter().filter(|(f, ..)| naive.allows(black_box(f), &mut steps) == Some(true)).count()
            });
        });
        let few = &known[..known.len().min(200)];
        group.throughput(Throughput::Elements(few.len() as u64));
        group.bench_function(format!("astar/{}", scale.name), |b| {
            b.iter(|| {
                few.iter()
                    .filter(|(f, ..)| naive.allows_by_graph(black_box(f), &mut steps) == Some(true))
                    .count()
            });
        });
        group.bench_function(format!("full engine/{}", scale.name), |b| {
            b.iter(|| {
                few.iter()
                    .map(|(f, ..)| netwhy::trace::decide(&net, black_box(f)))
                    .filter(|d| d.outcome == Outcome::Allowed)
                    .count()
            });
        });
        group.finish();
    }
}

/// Two threads, each with its own asker and half of the flows.
fn threads(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    scale: &Scale,
    net: &netwhy::network::Network,
    fast: &netwhy::fast::Fast,
    ids: &[FlowIds],
) {
    // Application rules of names are learnt again by each; the flows by address need none.
    let plain: Vec<FlowIds> = ids.iter().filter(|i| i.name == u32::MAX).copied().collect();
    let half = plain.len() / 2;
    group.throughput(Throughput::Elements(2 * half as u64));
    let mut askers = [Asker::new(net, fast), Asker::new(net, fast)];
    let mut outs = [vec![Verdict::PENDING; half], vec![Verdict::PENDING; half]];
    group.bench_function(format!("one thread/{}", scale.name), |b| {
        b.iter(|| {
            askers[0].decide(&plain[..half], &mut outs[0]);
            askers[0].decide(&plain[half..2 * half], &mut outs[0]);
        });
    });
    group.bench_function(format!("two threads/{}", scale.name), |b| {
        b.iter(|| {
            std::thread::scope(|scope| {
                for ((asker, out), part) in askers.iter_mut().zip(&mut outs).zip(plain.chunks(half)) {
                    scope.spawn(move || asker.decide(&part[..half], out));
                }
            });
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(12).measurement_time(Duration::from_secs(3));
    targets = decide
}
criterion_main!(benches);
