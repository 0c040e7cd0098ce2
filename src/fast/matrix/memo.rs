//! Answers by the numbers of their pairs: every distinct list of answers once, and which pairs have it.

use super::Service;
use super::blocks::Blocks;
use super::factors::{Factors, only};
use super::filters::{Filters, NO_LAYER, Numbered};
use super::sweep::Quick;
use super::walls::Word;
use crate::fast::cpu::{Cpu, Work};
use crate::fast::flow::Verdict;
use crate::fast::rules;
use crate::fast::tables::{Fast, NOBODY};
use crate::trace::{Cause, Outcome};
use hashbrown::HashMap;
use std::sync::Arc;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// The answer to a pair and a service; deferred where the full engine must be asked for every pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The answer.
    pub outcome: Outcome,
    /// Why, where it is not allowed.
    pub cause: Option<Cause>,
    /// Whether one pair does not answer for all.
    pub deferred: bool,
}

impl Answer {
    pub(super) fn of(verdict: &Verdict) -> Self {
        let Verdict { outcome, cause, deferred, .. } = *verdict;
        Self { outcome, cause, deferred }
    }
}

/// The numbers of a pair: its way, and what the filters and firewalls there do to every service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub shape: u128,
    pub filters: [u32; 2],
    pub said: [u32; 2],
}

/// The same for one service: its way, and behind it the service and what is done to it.
type Part = (u128, u32);

/// Rows of machines kept at most.
const MOST_KEPT: usize = 1 << 25;

/// What was found out so far. Each thread has its own.
#[derive(Debug, Default)]
pub struct Memo {
    /// For sets that senders ask, the rules that hold each receiver; for tags, whether they hold it.
    held: Map<u32, Arc<[u64]>>,
    tagged: Map<usize, Arc<[bool]>>,
    pub(super) filters: Filters,
    walls: Map<(u32, [u32; 3]), Option<u32>>,
    wall_numbers: Numbered<Vec<Word>>,
    wall_list: Vec<Vec<Word>>,
    /// Rules about few pairs that hold the last one.
    few: Vec<u32>,
    /// Answers of a sweep by blocks.
    pub(super) quick: Quick,
    /// Answers to pairs with the internet, by what the machine is alike with there.
    pub(super) outside: [Map<u32, u32>; 2],
    /// Answers to parts; none where the answer is under way.
    parts: Map<Part, Option<Answer>>,
    /// Pairs that were walked, and those among them that have no numbers.
    pub walked: [u64; 2],
    keys: Map<Key, u32>,
    numbers: Map<Box<[Answer]>, u32>,
    list: Vec<Box<[Answer]>>,
    kinds: Vec<Kind>,
}

/// What is in a list of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Some service gets through.
    pub open: bool,
    /// Some service is left to the full engine.
    pub deferred: bool,
}

impl Memo {
    /// For sums by blocks, whose filters have numbers already.
    pub fn of(blocks: &Blocks) -> Self {
        Self { filters: blocks.filters.clone(), quick: Quick::new(), ..Self::default() }
    }

    /// Answers by their number.
    pub fn answers(&self, number: u32) -> &[Answer] {
        &self.list[number as usize]
    }

    /// What is in the answers of a number.
    pub fn kind(&self, number: u32) -> Kind {
        self.kinds[number as usize]
    }

    /// How many distinct lists of answers there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The number of answers.
    pub(super) fn number(&mut self, answers: Box<[Answer]>) -> u32 {
        if let Some(number) = self.numbers.get(&answers) {
            return *number;
        }
        let number = self.list.len() as u32;
        self.kinds.push(Kind {
            open: answers.iter().any(|a| a.outcome == Outcome::Allowed && !a.deferred),
            deferred: answers.iter().any(|a| a.deferred),
        });
        self.list.push(answers.clone());
        self.numbers.insert(answers, number);
        number
    }

    pub(super) fn known(&self, key: &Key) -> Option<u32> {
        self.keys.get(key).copied()
    }

    pub(super) fn keep(&mut self, key: Key, number: u32) {
        self.keys.insert(key, number);
    }

    /// What is done to one service of a pair.
    fn part(&self, key: &Key, service: usize) -> Part {
        let does = |filter: u32| self.filters.does(filter, service) as u32;
        let says = |wall: u32| match wall {
            NOBODY => 0,
            wall => 1 + self.wall_list[wall as usize][service] as u32,
        };
        let done = does(key.filters[0])
            | does(key.filters[1]) << 4
            | says(key.said[0]) << 8
            | says(key.said[1]) << 12;
        (key.shape, (service as u32) << 16 | done)
    }

    /// Whether the answers of a pair follow from others, found or under way; if not, they are under way now.
    pub(super) fn follows(&mut self, services: usize, key: &Key) -> bool {
        let mut all = true;
        for service in 0..services {
            let part = self.part(key, service);
            self.parts.entry(part).or_insert_with(|| {
                all = false;
                None
            });
        }
        all
    }

    /// The services of which the answers of a pair do not tell yet.
    pub(super) fn missing(&self, services: usize, key: &Key) -> Vec<usize> {
        (0..services).filter(|n| self.parts.get(&self.part(key, *n)).copied().flatten().is_none()).collect()
    }

    /// The answer of a pair to one service is that of all parts like it.
    pub(super) fn learn_one(&mut self, key: &Key, service: usize, answer: Answer) {
        let part = self.part(key, service);
        self.parts.insert(part, Some(answer));
    }

    /// The answers of a pair walked are those of all parts like its own.
    pub(super) fn learn(&mut self, key: &Key, answers: &[Answer]) {
        for (service, answer) in answers.iter().enumerate() {
            self.learn_one(key, service, *answer);
        }
    }

    /// The answers of a pair, put together of parts.
    pub(super) fn compose(&self, services: usize, key: &Key) -> Option<Box<[Answer]>> {
        (0..services).map(|service| self.parts.get(&self.part(key, service)).copied().flatten()).collect()
    }

    /// For each machine, the rules of a set that hold it as receiver.
    fn held(&mut self, count: usize, head: u32, make: impl FnOnce() -> Vec<u64>) -> Arc<[u64]> {
        if self.held.len().saturating_mul(count) > MOST_KEPT {
            self.held.clear();
        }
        self.held.entry(head).or_insert_with(|| make().into()).clone()
    }

    fn tagged(&mut self, count: usize, tag: usize, make: impl FnOnce() -> Vec<bool>) -> Arc<[bool]> {
        if self.tagged.len().saturating_mul(count) > MOST_KEPT {
            self.tagged.clear();
        }
        self.tagged.entry(tag).or_insert_with(|| make().into()).clone()
    }

    /// What a firewall's rules say to a pair, by number: those about many pairs, and those about few where they may hold.
    pub(super) fn wall(
        &mut self,
        factors: &Factors,
        wall: u32,
        (from, to): (usize, usize),
        with_few: bool,
    ) -> Option<u32> {
        if wall == NOBODY {
            return Some(NOBODY);
        }
        let rules = &factors.walls[wall as usize];
        let key = rules.key(from, to);
        self.few.clear();
        if with_few {
            self.few.extend(rules.few(from, to));
        }
        let alone = self.few.is_empty();
        if let Some(known) = self.walls.get(&(wall, key)).filter(|_| alone) {
            return *known;
        }
        let said = rules.say(key, &self.few).map(|said| {
            let number = self.wall_numbers.number(said.clone());
            if number as usize == self.wall_list.len() {
                self.wall_list.push(said);
            }
            number
        });
        if alone {
            self.walls.insert((wall, key), said);
        }
        said
    }
}

/// How many sets of receivers are kept in mind for a sender.
const SENT: usize = 256;

/// The numbers of all pairs of a sender.
pub(super) struct Keys<'a> {
    pub fast: &'a Fast,
    pub factors: &'a Factors,
    pub services: &'a [Service],
    pub memo: &'a mut Memo,
    pub from: usize,
}

impl Work for Keys<'_> {
    type Output = Vec<Option<Key>>;

    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) -> Self::Output {
        let Keys { fast, factors, services, memo, from } = self;
        let around = fast.around();
        let a = &factors.ones[from];
        let sent = factors.sent(cpu, fast, from);
        // Tags by subnet: which hold this sender, and which addresses that of the sender's subnet holds.
        let near = factors.tags_of(cpu, fast, a.ip);
        let (count, column) = (factors.ones.len(), factors.column(cpu, fast, from));
        let mut out = Vec::with_capacity(count);
        let tag = factors.tag_of(from);
        let tagged = memo.tagged(count, tag, || factors.tagged(cpu, fast, tag));
        let held: Vec<Arc<[u64]>> =
            a.out.iter().map(|s| memo.held(count, s.head, || factors.held(cpu, fast, s.head))).collect();
        let added: Vec<[u64; 4]> = a.out.iter().map(|s| rules::added(&fast.lines, s.head)).collect();
        // Sets of receivers that were asked about this sender last.
        let mut sends = vec![(0u32, 0u64); SENT];
        for to in 0..count {
            let b = &factors.ones[to];
            let Some(path) = factors.path(cpu, fast, (from, to), &column) else {
                out.push(None);
                continue;
            };
            let mut layers = [[NO_LAYER; 3]; 2];
            let internet = factors.internet(cpu, fast, from, to);
            for (n, stratum) in a.out.iter().enumerate() {
                let held = match stratum.grouped {
                    true => factors.held_in_group(cpu, fast, from, b.address(), stratum.head),
                    false => held[n][to],
                };
                let held = held | only(tagged[to], added[n][2]) | only(internet, added[n][3]);
                let rows = sent[n] & held;
                layers[0][n] = memo.filters.layer(around, services, stratum, rows, factors.tag_doubt(from));
            }
            let internet = factors.internet(cpu, fast, to, from);
            for (n, stratum) in b.into.iter().enumerate() {
                let last = &mut sends[stratum.head as usize % SENT];
                if stratum.grouped {
                    *last = (0, factors.sends_in_group(cpu, fast, from, to, stratum.head));
                } else if last.0 != stratum.head {
                    *last = (stratum.head, factors.sends(cpu, fast, from, stratum.head));
                }
                let added = b.added[n];
                let rows = last.1 | only(near[factors.tag_of(to)], added[0]) | only(internet, added[1]);
                let rows = rows & b.received[n];
                layers[1][n] = memo.filters.layer(around, services, stratum, rows, factors.tag_doubt(to));
            }
            let filters = layers.map(|layers| memo.filters.filter(services.len(), layers));
            let said = path.walls.map(|wall| memo.wall(factors, wall, (from, to), true));
            let [Some(first), Some(second)] = said else {
                out.push(None);
                continue;
            };
            out.push(Some(Key { shape: path.shape, filters, said: [first, second] }));
        }
        out
    }
}
