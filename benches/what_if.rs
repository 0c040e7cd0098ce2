//! `what_if/CASE/SIZE`: one rule or one route another way, a million standing flows decided again, beside deciding all
//! of them; and `depth/WHO/SIZE`: the walk at full depth beside the walk for the answer alone.

#![allow(clippy::print_stdout, reason = "a bench says what it measured")]

mod support;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netwhy::fast::branch::{Branch, Standing};
use netwhy::fast::trail::Trails;
use netwhy::fast::{self, Asker, FlowIds, Verdict};
use netwhy::generate::Mix;
use netwhy::inventory::{Id, Nsg, Route, RouteTable, SecurityRule};
use netwhy::network::Network;
use std::hint::black_box;
use std::time::{Duration, Instant};
use support::allocations::{self, Counting};
use support::{Scale, decided, flows, giga, medium, network, small};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Standing flows.
const FLOWS: usize = 1_000_000;

/// Flows of the batch whose depth is measured.
const BATCH: usize = 200_000;

/// Changes tried.
const EDITS: usize = 400;

/// Flows compared with tables compiled anew, for so many of the changes.
const CHECKED: usize = 3;

#[expect(clippy::disallowed_methods, reason = "the bench takes its sizes from its caller")]
fn scales() -> Vec<Scale> {
    match std::env::var("NETWHY_BENCH").unwrap_or_default().as_str() {
        "giga" => vec![giga()],
        _ => vec![small(), medium()],
    }
}

/// A change.
enum Edit {
    Put(Id<Nsg>, SecurityRule),
    Remove(Id<Nsg>, SecurityRule),
    Route(Id<RouteTable>, Route),
    Unroute(Id<RouteTable>, Route),
}

impl Edit {
    fn apply(&self, branch: &mut Branch<'_>) {
        match self {
            Edit::Put(nsg, rule) => branch.put_rule(*nsg, rule),
            Edit::Remove(nsg, rule) => branch.remove_rule(*nsg, &rule.name),
            Edit::Route(table, route) => branch.put_route(*table, route),
            Edit::Unroute(table, route) => branch.remove_route(*table, &route.name),
        }
    }
}

/// A number of its own for each change.
fn mixed(n: usize, below: usize) -> usize {
    ((n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as usize % below.max(1)
}

fn rules(net: &Network) -> Vec<Edit> {
    let nsgs = net.inventory.nsgs.as_slice();
    let one = |n: usize| {
        let (to, from) = (mixed(n, nsgs.len()), mixed(n + 7_919, nsgs.len()));
        let list = |nsg: usize| &nsgs[nsg].security_rules.items;
        match n % 2 {
            0 => Some(Edit::Put(Id::new(to), list(from).get(mixed(n, list(from).len()))?.clone())),
            _ => Some(Edit::Remove(Id::new(to), list(to).get(mixed(n, list(to).len()))?.clone())),
        }
    };
    (0..EDITS).filter_map(one).collect()
}

fn routes(net: &Network) -> Vec<Edit> {
    let tables = net.inventory.route_tables.as_slice();
    let one = |n: usize| {
        let (to, from) = (mixed(n, tables.len()), mixed(n + 7_919, tables.len()));
        let list = |table: usize| &tables[table].routes.items;
        match n % 2 {
            0 => Some(Edit::Route(Id::new(to), list(from).get(mixed(n, list(from).len()))?.clone())),
            _ => Some(Edit::Unroute(Id::new(to), list(to).get(mixed(n, list(to).len()))?.clone())),
        }
    };
    (0..EDITS).filter_map(one).collect()
}

/// Times every change by itself, and says how many flows each touched.
#[expect(clippy::disallowed_methods, reason = "a bench has a clock")]
fn each(name: &str, standing: &mut Standing, edits: &[Edit], whole: Duration) {
    let (mut times, mut edited, mut backs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut candidates, mut decided, mut changed) = (0, 0, 0);
    for edit in edits {
        let begun = Instant::now();
        let mut branch = standing.branch();
        edit.apply(&mut branch);
        edited.push(begun.elapsed());
        let again = branch.again();
        times.push(begun.elapsed());
        let begun = Instant::now();
        drop(branch);
        backs.push(begun.elapsed());
        candidates += again.candidates;
        decided += again.decided;
        changed += again.changed.len();
    }
    times.sort_unstable();
    edited.sort_unstable();
    backs.sort_unstable();
    let at = |list: &[Duration], share: usize| list[(list.len() - 1) * share / 100].as_secs_f64() * 1e6;
    let count = edits.len() as f64;
    println!(
        "what_if/{name}: p50 {:.1} us, p90 {:.1} us, p99 {:.1} us, of which tables {:.1} us; back in {:.1} us; {:.1} \
         candidates, {:.1} decided, {:.1} changed each; deciding all {:.1} ms, {:.0} times p50",
        at(&times, 50),
        at(&times, 90),
        at(&times, 99),
        at(&edited, 50),
        at(&backs, 50),
        candidates as f64 / count,
        decided as f64 / count,
        changed as f64 / count,
        whole.as_secs_f64() * 1e3,
        whole.as_secs_f64() * 1e6 / at(&times, 50),
    );
}

/// A branch against tables compiled anew.
fn check(standing: &mut Standing, edits: &[Edit], ids: &[FlowIds]) {
    for edit in edits.iter().take(CHECKED) {
        let mut branch = standing.branch();
        edit.apply(&mut branch);
        branch.again();
        let tables = fast::compile(branch.network());
        let mut asker = Asker::new(branch.network(), &tables);
        let plain: Vec<usize> = (0..ids.len()).filter(|n| ids[*n].name == u32::MAX).step_by(37).collect();
        for n in plain {
            let mut verdict = [Verdict::PENDING];
            asker.walk_only(&ids[n..=n], &mut verdict);
            if !verdict[0].deferred {
                assert_eq!(branch.decision(n), asker.decision(&verdict[0]), "flow {n}");
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench has a clock")]
fn what_if(criterion: &mut Criterion) {
    for scale in scales() {
        let (settings, net) = network(&scale);
        let tables = fast::compile(&net);
        depth(criterion, &scale, &net, &tables, settings);
        let (by_rule, by_route) = (rules(&net), routes(&net));
        let asked = flows(settings, Mix::Uniform, FLOWS);
        let mut kept: Vec<FlowIds> = Vec::new();
        let begun = Instant::now();
        let mut standing = Standing::new(net, tables, |asker| {
            kept = asked.iter().filter_map(|flow| asker.read(flow).ok()).collect();
            kept.clone()
        });
        drop(asked);
        println!(
            "what_if/{}: {} flows stand after {:.1} s, {:.0} MiB remembered",
            scale.name,
            standing.len(),
            begun.elapsed().as_secs_f64(),
            standing.remembered() as f64 / f64::from(1 << 20),
        );
        let mut asker = Asker::new(standing.network(), standing.tables());
        let plain: Vec<FlowIds> = kept.iter().filter(|i| i.name == u32::MAX).copied().collect();
        let mut out = vec![Verdict::PENDING; plain.len()];
        asker.walk_only(&plain, &mut out);
        let begun = Instant::now();
        asker.walk_only(&plain, &mut out);
        let whole = begun.elapsed() * kept.len() as u32 / plain.len() as u32;
        drop(asker);
        for (case, edits) in [("rule", &by_rule), ("route", &by_route)] {
            check(&mut standing, edits, &kept);
            each(&format!("{case}/{}", scale.name), &mut standing, edits, whole);
            let mut group = criterion.benchmark_group("what_if");
            group.bench_function(format!("{case}/{}", scale.name), |b| {
                let mut next = 0;
                b.iter(|| {
                    let mut branch = standing.branch();
                    edits[next % edits.len()].apply(&mut branch);
                    next += 1;
                    black_box(branch.again().changed.len())
                });
            });
            group.finish();
        }
    }
}

/// The same flows for the answer alone, and with every place, rule and route.
fn depth(
    criterion: &mut Criterion,
    scale: &Scale,
    net: &Network,
    tables: &fast::Fast,
    settings: netwhy::generate::Settings,
) {
    let asked = flows(settings, Mix::Uniform, BATCH);
    let (mut asker, _, ids, verdicts, _) = decided(net, tables, &asked);
    let (mut out, mut trails) = (vec![Verdict::PENDING; ids.len()], Trails::default());
    asker.trace(&ids, &mut out, &mut trails);
    let ((), made) = allocations::count(|| asker.trace(&ids, &mut out, &mut trails));
    assert_eq!(out, verdicts);
    let records: usize = (0..ids.len()).map(|n| trails.of(n).len()).sum();
    println!(
        "depth/{}: {:.1} records a flow, {made} allocations for {} flows",
        scale.name,
        records as f64 / ids.len() as f64,
        ids.len()
    );
    assert_eq!(made, 0, "the walk at full depth allocates");
    let mut group = criterion.benchmark_group("depth");
    group.throughput(Throughput::Elements(ids.len() as u64));
    group.bench_function(format!("decide/{}", scale.name), |b| {
        b.iter(|| asker.decide(black_box(&ids), &mut out));
    });
    group.bench_function(format!("trace/{}", scale.name), |b| {
        b.iter(|| asker.trace(black_box(&ids), &mut out, &mut trails));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(12).measurement_time(Duration::from_secs(3));
    targets = what_if
}
criterion_main!(benches);
