//! All pairs by classes must say what asking every pair says, and the files written what the cells say.

#![allow(dead_code, reason = "the generator of the reference keeps facts that only its own questions need")]

mod reference {
    pub(crate) mod estate;
    pub(crate) mod load;
    pub(crate) mod planes;
    pub(crate) mod random;
}

use netwhy::diag::Diagnostics;
use netwhy::fast::classes::{Classes, classes};
use netwhy::fast::matrix::{
    Blocks, Budget, By, Cell, Desk, Limits, Matrix, Memo, Service, Side, Sums, blocks, factors,
};
use netwhy::fast::{self};
use netwhy::generate::{self, Profile as Size, Settings, Shape};
use netwhy::net::Protocol;
use netwhy::network::{self, AttachmentId, Network};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Cause, Endpoint, Flow, Origin, Outcome, Target, Wanted, decide, understand};
use reference::estate::case;
use reference::load::network as network_of;
use std::collections::BTreeMap;
use std::sync::Arc;

const SERVICES: [Service; 4] = [
    Service { protocol: Protocol::Tcp, port: 443 },
    Service { protocol: Protocol::Tcp, port: 22 },
    Service { protocol: Protocol::Udp, port: 53 },
    Service { protocol: Protocol::Icmp, port: 0 },
];

/// What was met.
#[derive(Clone, Copy, Debug, Default)]
struct Met {
    pairs: u64,
    /// Pairs that another pair answered for.
    answered_for: u64,
    engine: u64,
}

type Answer = (Outcome, Option<Cause>);

/// The full engine's answer to one pair; `None` where words do not lead to these two.
fn asked(network: &Network, from: Option<u32>, to: Option<u32>, service: Service) -> Option<Answer> {
    let words = |end: Option<u32>| match end {
        None => Endpoint::Internet,
        Some(n) => {
            let owner = network.attachment(AttachmentId(n)).owner;
            Endpoint::Named(network.inventory.id_of(owner).expect("an id").as_str().into())
        }
    };
    let flow = Flow::new(words(from), words(to), service.protocol, service.port);
    let question = understand(network, &flow).ok()?;
    let origin = match question.origin {
        Origin::Attachment(id) => Some(id.0),
        Origin::Internet(_) => None,
        _ => return None,
    };
    let target = match question.target {
        Wanted::Address(_, Some(Target::Attachment(id))) => Some(id.0),
        Wanted::Address(_, Some(Target::Internet)) => None,
        _ => return None,
    };
    if (origin, target) != (from, to) {
        return None;
    }
    let decision = decide(network, &flow);
    Some((decision.outcome, decision.cause))
}

fn members(classes: &Classes, side: Side) -> Vec<Option<u32>> {
    match side {
        Side::Internet => vec![None],
        Side::Class(class) => classes.list[class as usize].members.iter().map(|n| Some(*n)).collect(),
    }
}

/// Every cell against the full engine's answers to all its pairs; no more than so many pairs of a cell.
fn check(network: &Network, place: &str, most: usize) -> Met {
    let fast = fast::compile(network);
    let classes = classes(network, &fast);
    let matrix = Matrix::new(network, &fast, &classes, &SERVICES);
    let (mut asker, budget) = (matrix.asker(), Budget::new(u64::MAX));
    let mut met = Met::default();
    for from in matrix.sides() {
        let cells = matrix.row(&mut asker, from, &budget);
        for same in cells.chunk_by(|a, b| (a.to, a.service) == (b.to, b.service)) {
            check_cell(network, &classes, from, same, place, most, &mut met);
        }
    }
    met
}

fn check_cell(
    network: &Network,
    classes: &Classes,
    from: Side,
    cells: &[Cell],
    place: &str,
    most: usize,
    met: &mut Met,
) {
    let (to, service) = (cells[0].to, SERVICES[usize::from(cells[0].service)]);
    let (senders, receivers) = (members(classes, from), members(classes, to));
    let pairs = senders.iter().flat_map(|a| receivers.iter().map(move |b| (*a, *b)));
    let pairs: Vec<_> = pairs.filter(|(a, b)| a.is_none() || a != b).collect();
    assert_eq!(cells.iter().map(|c| c.pairs).sum::<u64>(), pairs.len() as u64, "{place}");
    let mut counts: BTreeMap<Answer, u64> = BTreeMap::new();
    let mut whole = pairs.len() <= most;
    for (a, b) in pairs.iter().step_by(pairs.len().div_ceil(most).max(1)) {
        let Some(answer) = asked(network, *a, *b, service) else {
            whole = false;
            continue;
        };
        met.pairs += 1;
        *counts.entry(answer).or_default() += 1;
        match cells {
            [one] if one.by == By::Class => {
                met.answered_for += u64::from(pairs.len() > 1);
                assert_eq!((one.outcome, one.cause), answer, "{place}: {a:?} -> {b:?} {service:?}");
            }
            _ => {
                met.engine += 1;
                let told = cells.iter().any(|c| (c.outcome, c.cause) == answer);
                assert!(told, "{place}: {a:?} -> {b:?} {service:?} {answer:?} {cells:?}");
            }
        }
    }
    if whole {
        let told: BTreeMap<Answer, u64> = cells.iter().map(|c| ((c.outcome, c.cause), c.pairs)).collect();
        assert_eq!(told, counts, "{place}");
    }
}

/// The network of a random estate.
fn random_network(seed: u64) -> Network {
    let estate = case(seed, 4).estate;
    let mut profile = Profile::default();
    for (knob, value) in &estate.knobs {
        profile.set(knob, value).expect("the generator knows the knobs");
    }
    network_of(&estate.text(), &profile, &ServiceTags::builtin()).expect("a sound estate")
}

#[test]
fn random_estates_are_answered_pair_by_pair() {
    let mut all = Met::default();
    for seed in 1..=150 {
        let network = random_network(seed);
        let met = check(&network, &format!("seed {seed}"), 64);
        all.pairs += met.pairs;
        all.answered_for += met.answered_for;
        all.engine += met.engine;
    }
    println!("{all:?}");
    assert!(all.pairs > 5_000 && all.answered_for > 0 && all.engine > 0, "{all:?}");
}

fn generated(size: Size, shape: Shape, unique: bool) -> Network {
    let settings = Settings { sizes: size.sizes(), shape, seed: 7, unique };
    let mut notes = Diagnostics::new();
    let inventory = generate::inventory(&settings, &mut notes);
    network::compile(inventory, ServiceTags::builtin(), Profile::default(), &mut notes)
}

#[test]
fn generated_estates_are_answered_pair_by_pair() {
    for shape in [Shape::HubSpoke, Shape::Mesh, Shape::Flat, Shape::Vwan] {
        for unique in [false, true] {
            let met = check(&generated(Size::S, shape, unique), &format!("{shape:?} {unique}"), 6);
            assert!(met.pairs > 1_000, "{shape:?}: {met:?}");
            assert!(met.answered_for > 0, "{shape:?}: {met:?}");
        }
    }
}

#[test]
fn a_spent_budget_leaves_cells_unknown() {
    let network = generated(Size::S, Shape::Vwan, false);
    let fast = fast::compile(&network);
    let classes = classes(&network, &fast);
    let matrix = Matrix::new(&network, &fast, &classes, &SERVICES);
    let mut asker = matrix.asker();
    let from = matrix.sides().next().expect("a class");
    let none = matrix.row(&mut asker, from, &Budget::new(0));
    let left: Vec<&Cell> = none.iter().filter(|c| c.by == By::Nobody).collect();
    assert!(!left.is_empty() && left.iter().all(|c| c.outcome == Outcome::Unknown && c.cause.is_none()));
    let whole = matrix.row(&mut asker, from, &Budget::new(u64::MAX));
    assert!(whole.iter().all(|c| c.by != By::Nobody));
    let pairs = |cells: &[Cell]| cells.iter().map(|c| c.pairs).sum::<u64>();
    assert_eq!(pairs(&none), pairs(&whole));
}

#[test]
fn machines_alike_share_a_class() {
    let network = generated(Size::M, Shape::HubSpoke, false);
    let fast = fast::compile(&network);
    let classes = classes(&network, &fast);
    let machines: usize = classes.list.iter().map(|c| c.members.len()).sum();
    println!("{machines} machines, {} classes", classes.list.len());
    assert!(classes.list.len() * 3 < machines, "{machines} machines, {} classes", classes.list.len());
}

/// Ports that people ask about, TCP and UDP, and the protocols without any.
fn many() -> Vec<Service> {
    let ports = [
        20, 21, 22, 23, 25, 53, 80, 88, 110, 123, 135, 139, 143, 389, 443, 445, 514, 587, 636, 993, 1433,
        1521, 1688, 3306, 3389, 5432, 5671, 6379, 8080, 8443, 9092,
    ];
    let both = [Protocol::Tcp, Protocol::Udp];
    let ported = both.into_iter().flat_map(|protocol| ports.map(|port| Service { protocol, port }));
    ported.chain([Protocol::Icmp, Protocol::Esp].map(|protocol| Service { protocol, port: 0 })).collect()
}

/// Sums of all pairs: answers by service, and for each class who reaches it.
#[derive(Debug, Default, PartialEq)]
struct Totals {
    answers: BTreeMap<(u16, Outcome, Option<Cause>, By), u64>,
    exposed: Vec<(u64, bool)>,
}

impl Totals {
    fn new(classes: &Classes) -> Self {
        Self { answers: BTreeMap::new(), exposed: vec![(0, false); classes.list.len()] }
    }

    fn add(&mut self, classes: &Classes, from: Side, cells: &[Cell]) {
        for cell in cells {
            *self.answers.entry((cell.service, cell.outcome, cell.cause, cell.by)).or_default() += cell.pairs;
        }
        for same in cells.chunk_by(|a, b| a.to == b.to) {
            let open = same.iter().filter(|c| c.outcome == Outcome::Allowed).map(|c| c.pairs).max();
            match (open, same[0].to, from) {
                (Some(_), Side::Class(to), Side::Internet) => self.exposed[to as usize].1 = true,
                (Some(pairs), Side::Class(to), _) => {
                    self.exposed[to as usize].0 += pairs / classes.list[to as usize].members.len() as u64;
                }
                _ => {}
            }
        }
    }

    /// Adds the sums of some groups of senders.
    fn join(&mut self, sums: Sums, desk: &Desk<'_>) {
        for (number, pairs) in (0..).zip(sums.pairs).filter(|(_, pairs)| *pairs > 0) {
            for (service, answer) in (0..).zip(desk.memo.answers(number)) {
                assert!(!answer.deferred);
                let key = (service, answer.outcome, answer.cause, By::Class);
                *self.answers.entry(key).or_default() += pairs;
            }
        }
        for (own, more) in self.exposed.iter_mut().zip(sums.exposed) {
            *own = (own.0 + more.0, own.1 || more.1);
        }
    }
}

fn by_rows(matrix: &Matrix<'_>, classes: &Classes) -> Totals {
    let (mut desk, mut out) = (matrix.asker(), Totals::new(classes));
    for from in matrix.sides() {
        out.add(classes, from, &matrix.row(&mut desk, from, &Budget::new(u64::MAX)));
    }
    out
}

/// In two parts, as two threads would.
fn by_blocks(matrix: &Matrix<'_>, blocks: &Blocks, classes: &Classes) -> Totals {
    let mut out = Totals::new(classes);
    let half = blocks.senders() / 2;
    for part in [half..blocks.senders(), 0..half] {
        let mut desk = matrix.desk(Memo::of(blocks));
        let mut taken: Vec<(Side, Vec<Cell>)> = Vec::new();
        let take = &mut |from: Side, cells: &[Cell]| taken.push((from, cells.to_vec()));
        let (engine, alone) = (Budget::new(u64::MAX), Budget::new(u64::MAX));
        let limits = Limits { engine: &engine, alone: &alone };
        let sums = matrix.sums(&mut desk, blocks, part, limits, take);
        assert!(sums.whole);
        out.join(sums, &desk);
        taken.iter().for_each(|(from, cells)| out.add(classes, *from, cells));
    }
    out
}

/// Sums by blocks are those of all rows; gives blocks, pairs that stand apart, and pairs of classes.
fn check_sums(network: &Network, services: &[Service], place: &str) -> (u64, u64, u64) {
    let fast = fast::compile(network);
    let classes = classes(network, &fast);
    let read = Arc::new(factors(network, &fast, &classes, services));
    let blocks = blocks(network, &fast, &read, &classes, services).expect("few pairs stand apart");
    let matrix = Matrix::with(network, &fast, &classes, services, read);
    assert_eq!(by_blocks(&matrix, &blocks, &classes), by_rows(&matrix, &classes), "{place}");
    let (count, apart) = blocks.size();
    (count, apart, (classes.list.len() as u64).pow(2))
}

#[test]
fn sums_by_blocks_are_those_of_random_rows() {
    for seed in 1..=150 {
        let network = random_network(seed);
        check_sums(&network, &many(), &format!("seed {seed}"));
    }
}

#[test]
fn sums_by_blocks_are_those_of_generated_rows() {
    for shape in [Shape::HubSpoke, Shape::Mesh, Shape::Flat, Shape::Vwan] {
        for unique in [false, true] {
            check_sums(&generated(Size::S, shape, unique), &many(), &format!("{shape:?} {unique}"));
        }
    }
    for shape in [Shape::HubSpoke, Shape::Mesh, Shape::Flat] {
        let (count, apart, pairs) =
            check_sums(&generated(Size::M, shape, false), &SERVICES, &format!("{shape:?}"));
        println!("{shape:?}: {count} blocks, {apart} pairs apart, {pairs} pairs");
        assert!(shape == Shape::Flat || apart * 2 < pairs, "{shape:?}: {apart} of {pairs}");
    }
}

#[test]
fn sums_that_take_too_many_flows_are_not_whole() {
    let network = generated(Size::S, Shape::Vwan, false);
    let fast = fast::compile(&network);
    let classes = classes(&network, &fast);
    let read = Arc::new(factors(&network, &fast, &classes, &SERVICES));
    let blocks = blocks(&network, &fast, &read, &classes, &SERVICES).expect("few pairs stand apart");
    let matrix = Matrix::with(&network, &fast, &classes, &SERVICES, read);
    for (most, whole) in [(0, false), (100, false), (u64::MAX, true)] {
        let mut desk = matrix.desk(Memo::of(&blocks));
        let (engine, alone) = (Budget::new(0), Budget::new(most));
        let limits = Limits { engine: &engine, alone: &alone };
        let sums = matrix.sums(&mut desk, &blocks, 0..blocks.senders(), limits, &mut |_, _| {});
        assert_eq!(sums.whole, whole, "{most}");
    }
}
