//! All pairs of machines, by classes: one flow for each pair of classes and service.
//!
//! Input: a network, its tables, its [`Classes`]. Output: a row of [`Cell`]s for a class of senders at a time, so memory
//! does not grow with the number of pairs; or the sums of all pairs ([`Sums`]), by [`Blocks`] of them: machines whose rows
//! of rules and routes are alike are taken together, and only pairs in which a row differs are asked by themselves. A cell is answered by the walk for one pair of its members, which answers
//! for all; pairs of classes whose numbers are the same ([`Factors`]) are walked once. What the walk leaves to the full
//! engine is asked there for every pair of members, as long as the [`Budget`] lasts; beyond it stays unknown, and is
//! counted.

mod blocks;
mod factors;
mod filters;
mod memo;
mod outside;
mod rows;
mod runs;
mod sweep;
mod walls;

use super::classes::{Class, Classes};
use super::cpu;
use super::flow::{FlowIds, Verdict};
use super::tables::{Fast, NOBODY};
use super::{Asker, End};
use crate::net::Protocol;
use crate::network::{AttachmentId, Network};
use crate::trace::{Cause, Outcome};
pub use blocks::Blocks;
pub use factors::Factors;
use hashbrown::HashMap;
pub use memo::{Answer, Memo};
use memo::{Key, Keys};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
pub use sweep::{Limits, Sums, Take};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// The protocol.
    pub protocol: Protocol,
    /// The port; 0 for a protocol without ports.
    pub port: u16,
}

impl Service {
    /// A flow to this service, like one to another.
    fn of(self, like: FlowIds) -> FlowIds {
        let port = if self.protocol.has_ports() { self.port } else { 0 };
        FlowIds { protocol: self.protocol as u8, port, ..like }
    }
}

/// An end of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// A class of machines.
    Class(u32),
    /// A public client, or a public host.
    Internet,
}

/// How an answer came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum By {
    /// One pair answered for all.
    Class,
    /// The full engine answered each pair.
    Engine,
    /// Nobody: the budget was spent.
    Nobody,
}

/// Pairs of machines with one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Receivers.
    pub to: Side,
    /// The service, by its place in the list.
    pub service: u16,
    /// The answer.
    pub outcome: Outcome,
    /// Why, where it is not allowed.
    pub cause: Option<Cause>,
    /// How many pairs.
    pub pairs: u64,
    /// How the answer came about.
    pub by: By,
}

/// How many pairs the full engine may still be asked for.
#[derive(Debug)]
pub struct Budget(AtomicU64);

impl Budget {
    /// So many pairs.
    pub fn new(pairs: u64) -> Self {
        Self(AtomicU64::new(pairs))
    }

    fn take(&self, pairs: u64) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(pairs)).is_ok()
    }
}

/// All pairs of a network.
#[derive(Debug)]
pub struct Matrix<'n> {
    net: &'n Network,
    fast: &'n Fast,
    classes: &'n Classes,
    services: &'n [Service],
    factors: Arc<Factors>,
}

/// Who answers, and what was found out so far. Each thread has its own.
#[derive(Debug)]
pub struct Desk<'n> {
    asker: Asker<'n>,
    /// Answers found so far.
    pub memo: Memo,
}

/// Two sides without a pair of different machines.
pub const NO_PAIR: u32 = NOBODY;

/// Flows answered at once.
const AT_ONCE: usize = 4_096;

/// Two machines of two classes, and their numbers where they have some.
type Pair = (Option<Key>, End, End);

/// Where the answers of a pair come from.
#[derive(Clone, Copy, Debug)]
enum Found {
    Known(u32),
    Walked(usize),
    Later(usize),
}

/// What the pairs of classes are decided by.
pub fn factors(net: &Network, fast: &Fast, classes: &Classes, services: &[Service]) -> Factors {
    let machines: Vec<u32> = classes.list.iter().map(|class| class.members[0]).collect();
    cpu::with_best(Reading { net, fast, machines: &machines, services })
}

struct Reading<'a> {
    net: &'a Network,
    fast: &'a Fast,
    machines: &'a [u32],
    services: &'a [Service],
}

impl cpu::Work for Reading<'_> {
    type Output = Factors;

    #[inline(always)]
    fn run<C: cpu::Cpu>(self, cpu: C) -> Factors {
        Factors::new(cpu, self.net, self.fast, self.machines, self.services)
    }
}

/// All pairs in blocks with one answer each; `None` where few pairs answer for others.
pub fn blocks(
    net: &Network,
    fast: &Fast,
    factors: &Factors,
    classes: &Classes,
    services: &[Service],
) -> Option<Blocks> {
    cpu::with_best(Sorting { net, fast, factors, classes, services })
}

struct Sorting<'a> {
    net: &'a Network,
    fast: &'a Fast,
    factors: &'a Factors,
    classes: &'a Classes,
    services: &'a [Service],
}

impl cpu::Work for Sorting<'_> {
    type Output = Option<Blocks>;

    #[inline(always)]
    fn run<C: cpu::Cpu>(self, cpu: C) -> Option<Blocks> {
        Blocks::new(cpu, self.net, self.fast, self.factors, self.classes, self.services)
    }
}

impl<'n> Matrix<'n> {
    /// The pairs of these classes and services.
    pub fn new(net: &'n Network, fast: &'n Fast, classes: &'n Classes, services: &'n [Service]) -> Self {
        let factors = Arc::new(factors(net, fast, classes, services));
        Self::with(net, fast, classes, services, factors)
    }

    /// The same, the factors known already.
    pub fn with(
        net: &'n Network,
        fast: &'n Fast,
        classes: &'n Classes,
        services: &'n [Service],
        factors: Arc<Factors>,
    ) -> Self {
        Self { net, fast, classes, services, factors }
    }

    /// Every end there is: the classes, then the internet.
    pub fn sides(&self) -> impl Iterator<Item = Side> + use<> {
        (0..self.classes.list.len() as u32).map(Side::Class).chain([Side::Internet])
    }

    /// How many flows it takes, at most, beside what the full engine is asked.
    pub fn size(&self) -> u64 {
        let sides = self.classes.list.len() as u64 + 1;
        sides * sides * self.services.len() as u64
    }

    /// Who answers; each thread has its own.
    pub fn asker(&self) -> Desk<'n> {
        self.desk(Memo::default())
    }

    /// The same, with what was found out before.
    pub fn desk(&self, memo: Memo) -> Desk<'n> {
        Desk { asker: Asker::new(self.net, self.fast), memo }
    }

    /// Everything that one class of senders may ask for.
    pub fn row(&self, desk: &mut Desk<'_>, from: Side, budget: &Budget) -> Vec<Cell> {
        let numbers = self.answers(desk, from);
        let mut out = Vec::with_capacity(numbers.len() * self.services.len());
        for (to, number) in self.sides().zip(&numbers) {
            if *number != NO_PAIR {
                self.cells(desk, from, to, *number, budget, &mut out);
            }
        }
        out
    }

    /// The cells of one pair of classes, whose answers have a number.
    pub fn cells(
        &self,
        desk: &mut Desk<'_>,
        from: Side,
        to: Side,
        number: u32,
        budget: &Budget,
        out: &mut Vec<Cell>,
    ) {
        let pairs = self.pairs(from, to);
        for service in 0..self.services.len() {
            let Answer { outcome, cause, deferred } = desk.memo.answers(number)[service];
            let cell = Cell { to, service: service as u16, outcome, cause, pairs, by: By::Class };
            match deferred {
                false => out.push(cell),
                true => self.in_full(&mut desk.asker, from, cell, budget, out),
            }
        }
    }

    /// The answers of one class of senders to every side, by their number in the memo; [`NO_PAIR`] where there is none.
    pub fn answers(&self, desk: &mut Desk<'_>, from: Side) -> Vec<u32> {
        desk.asker.tidy();
        let keys = match from {
            Side::Class(class) => {
                let (fast, factors, services) = (self.fast, &*self.factors, self.services);
                cpu::with_best(Keys { fast, factors, services, memo: &mut desk.memo, from: class as usize })
            }
            Side::Internet => Vec::new(),
        };
        // Pairs to be walked, and pairs whose answers follow from those.
        let (mut waiting, mut later): (Vec<Pair>, Vec<Pair>) = (Vec::new(), Vec::new());
        let mut seen: HashMap<Key, Found, foldhash::fast::FixedState> = HashMap::default();
        let mut out: Vec<Found> = Vec::with_capacity(self.classes.list.len() + 1);
        for (n, to) in self.sides().enumerate() {
            let Some((a, b, _)) = self.example(from, to) else {
                out.push(Found::Known(NO_PAIR));
                continue;
            };
            let Some(key) = keys.get(n).copied().flatten() else {
                out.push(Found::Walked(waiting.len()));
                waiting.push((None, a, b));
                continue;
            };
            let known = desk.memo.known(&key).map(Found::Known).or_else(|| seen.get(&key).copied());
            let found = known.unwrap_or_else(|| match desk.memo.follows(self.services.len(), &key) {
                true => {
                    later.push((Some(key), a, b));
                    Found::Later(later.len() - 1)
                }
                false => {
                    waiting.push((Some(key), a, b));
                    Found::Walked(waiting.len() - 1)
                }
            });
            if known.is_none() {
                seen.insert(key, found);
            }
            out.push(found);
        }
        let walked = self.walk(desk, &waiting);
        let later: Vec<u32> = later.iter().map(|pair| self.put_together(desk, pair)).collect();
        let number = |found: Found| match found {
            Found::Known(number) => number,
            Found::Walked(n) => walked[n],
            Found::Later(n) => later[n],
        };
        out.into_iter().map(number).collect()
    }

    /// The number of answers that follow from others.
    fn put_together(&self, desk: &mut Desk<'_>, pair: &Pair) -> u32 {
        let answers = pair.0.and_then(|key| Some((key, desk.memo.compose(self.services.len(), &key)?)));
        match answers {
            Some((key, answers)) => {
                let number = desk.memo.number(answers);
                desk.memo.keep(key, number);
                number
            }
            None => self.walk(desk, std::slice::from_ref(pair))[0],
        }
    }

    /// Walks a pair for some services, and learns what they tell of all pairs like it.
    fn walk_some(&self, desk: &mut Desk<'_>, key: &Key, (a, b): (End, End), services: &[usize]) {
        let first = desk.asker.between(a, b, Protocol::Tcp, 0);
        let ids: Vec<FlowIds> = services.iter().map(|n| self.services[*n].of(first)).collect();
        let mut verdicts = vec![Verdict::PENDING; ids.len()];
        desk.asker.walk_only(&ids, &mut verdicts);
        desk.memo.walked[0] += 1;
        for (service, verdict) in services.iter().zip(&verdicts) {
            desk.memo.learn_one(key, *service, Answer::of(verdict));
        }
    }

    /// Walks pairs for every service; gives the numbers of their answers.
    fn walk(&self, desk: &mut Desk<'_>, waiting: &[Pair]) -> Vec<u32> {
        let mut ids: Vec<FlowIds> = Vec::with_capacity(waiting.len() * self.services.len());
        for (_, a, b) in waiting {
            let first = desk.asker.between(*a, *b, Protocol::Tcp, 0);
            ids.extend(self.services.iter().map(|service| service.of(first)));
        }
        let mut verdicts = vec![Verdict::PENDING; ids.len()];
        for (ids, verdicts) in ids.chunks(AT_ONCE).zip(verdicts.chunks_mut(AT_ONCE)) {
            desk.asker.walk_only(ids, verdicts);
        }
        let mut out = Vec::with_capacity(waiting.len());
        for ((key, ..), verdicts) in waiting.iter().zip(verdicts.chunks(self.services.len().max(1))) {
            let answers: Box<[Answer]> = verdicts.iter().map(Answer::of).collect();
            desk.memo.walked[usize::from(key.is_none())] += 1;
            if let Some(key) = key {
                desk.memo.learn(key, &answers);
            }
            let number = desk.memo.number(answers);
            if let Some(key) = key {
                desk.memo.keep(*key, number);
            }
            out.push(number);
        }
        out
    }

    /// How many pairs of machines two sides have.
    pub fn pairs(&self, from: Side, to: Side) -> u64 {
        self.example(from, to).map_or(0, |(.., pairs)| pairs)
    }

    /// Two different machines of two classes, and how many such pairs there are.
    fn example(&self, from: Side, to: Side) -> Option<(End, End, u64)> {
        let (senders, receivers) = (self.members(from), self.members(to));
        let pairs = match (senders, receivers) {
            (Some(a), Some(b)) if from == to => a.len() as u64 * (b.len() as u64 - 1),
            (a, b) => a.map_or(1, <[u32]>::len) as u64 * b.map_or(1, <[u32]>::len) as u64,
        };
        if pairs == 0 || from == Side::Internet && to == Side::Internet {
            return None;
        }
        let end = |members: Option<&[u32]>, n: usize| match members {
            None => End::Internet,
            Some(members) => End::Attachment(AttachmentId(members[n])),
        };
        Some((end(senders, 0), end(receivers, usize::from(from == to)), pairs))
    }

    fn members(&self, side: Side) -> Option<&[u32]> {
        match side {
            Side::Class(class) => {
                let Class { members } = &self.classes.list[class as usize];
                Some(members)
            }
            Side::Internet => None,
        }
    }

    /// Asks the full engine for every pair of a cell.
    fn in_full(&self, asker: &mut Asker<'_>, from: Side, cell: Cell, budget: &Budget, out: &mut Vec<Cell>) {
        if !budget.take(cell.pairs) {
            out.push(Cell { outcome: Outcome::Unknown, cause: None, by: By::Nobody, ..cell });
            return;
        }
        let service = self.services[usize::from(cell.service)];
        let ends = |side: Side| match self.members(side) {
            None => vec![End::Internet],
            Some(members) => members.iter().map(|n| End::Attachment(AttachmentId(*n))).collect(),
        };
        let receivers = ends(cell.to);
        let mut found: Vec<(Outcome, Option<Cause>, u64)> = Vec::new();
        for sender in ends(from) {
            let others = receivers.iter().filter(|receiver| **receiver != sender);
            let ids: Vec<FlowIds> =
                others.map(|to| asker.between(sender, *to, service.protocol, service.port)).collect();
            let mut verdicts = vec![Verdict::PENDING; ids.len()];
            asker.decide(&ids, &mut verdicts);
            for verdict in &verdicts {
                match found.iter_mut().find(|f| (f.0, f.1) == (verdict.outcome, verdict.cause)) {
                    Some(same) => same.2 += 1,
                    None => found.push((verdict.outcome, verdict.cause, 1)),
                }
            }
            asker.tidy();
        }
        found.sort_unstable_by_key(|(outcome, cause, _)| (*outcome, *cause));
        out.extend(found.into_iter().map(|(outcome, cause, pairs)| Cell {
            outcome,
            cause,
            pairs,
            by: By::Engine,
            ..cell
        }));
    }
}
