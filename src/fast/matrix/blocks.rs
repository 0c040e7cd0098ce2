//! Machines whose rows are alike, so that one evaluation answers for whole blocks of pairs.
//!
//! Rows that differ in a few places follow one row, and those places stand apart ([`Direction`]). Machines that follow the
//! same row, and that no row followed tells apart, are a group ([`Groups`]). A pair of groups has one answer then, but for
//! pairs that stand apart: those in which a row differs from the one it follows, those that a firewall's rule about few
//! pairs names, and a machine with itself.

use super::Service;
use super::factors::{Factors, Stratum};
use super::filters::Filters;
use super::outside::Outside;
use super::rows::{Value, rows};
use super::runs::Runs;
use super::walls::Stretches;
use crate::fast::classes::Classes;
use crate::fast::cpu::Cpu;
use crate::fast::tables::Fast;
use crate::network::Network;
use hashbrown::HashMap;
use std::hash::{BuildHasher, Hash};

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// So often rows that fit none so far are given another one to follow.
const ROUNDS: usize = 6;

/// More pairs than this do not stand apart: they are asked one by one, row by row.
const MOST_APART: u64 = 1 << 27;

/// What all pairs are decided by, block by block.
#[derive(Debug)]
pub struct Blocks {
    /// Machines in the order of addresses, by class, and how many each stands for.
    pub(super) order: Vec<u32>,
    pub(super) weights: Vec<u64>,
    pub(super) directions: [Direction; 2],
    /// What is read of a sender, and of a receiver, beside its row: by number.
    pub(super) ends: [Vec<u32>; 2],
    pub(super) groups: [Groups; 2],
    /// For each sender the receivers that stand apart, in order.
    pub(super) apart: Lists,
    pub(super) values: Vec<Value>,
    pub(super) filters: Filters,
    pub(super) outside: Outside,
}

/// Rows of one direction, and which each of them follows.
#[derive(Debug)]
pub(super) struct Direction {
    pub(super) rows: Vec<Runs>,
    pub(super) followed: Vec<Runs>,
    pub(super) of: Vec<u32>,
    apart: Vec<Stretches>,
}

/// Machines in groups, in the order of their first members.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) of: Vec<u32>,
    pub(super) members: Lists,
    pub(super) weights: Vec<u64>,
}

/// Lists one after the other.
#[derive(Debug, Default)]
pub(super) struct Lists {
    ends: Vec<usize>,
    all: Vec<u32>,
}

impl Lists {
    #[inline(always)]
    pub(super) fn of(&self, n: u32) -> &[u32] {
        let from = if n == 0 { 0 } else { self.ends[n as usize - 1] };
        &self.all[from..self.ends[n as usize]]
    }

    pub(super) fn len(&self) -> u32 {
        self.ends.len() as u32
    }
}

fn hash(value: &impl Hash, seed: u64) -> u64 {
    foldhash::fast::FixedState::with_seed(seed).hash_one(value)
}

impl Blocks {
    /// Reads the rows of all machines and puts these into groups; `None` where too many pairs would stand apart.
    pub(super) fn new<C: Cpu>(
        cpu: C,
        net: &Network,
        fast: &Fast,
        factors: &Factors,
        classes: &Classes,
        services: &[Service],
    ) -> Option<Self> {
        let order: Vec<u32> = factors.order.iter().map(|(_, class)| *class).collect();
        let read = rows(cpu, fast, factors, services);
        let keys = |side: usize| order.iter().map(|n| key(factors, *n, side)).collect::<Vec<u64>>();
        let [out, into] = read.of;
        let directions = [Direction::new(out, &keys(0)), Direction::new(into, &keys(1))];
        let ends = ends(factors, &order);
        let signatures = [1, 0].map(|other| directions[other].signatures(order.len()));
        let weights: Vec<u64> =
            order.iter().map(|n| classes.list[*n as usize].members.len() as u64).collect();
        let groups = [0, 1].map(|side| {
            let key = |place: usize| (signatures[side][place], directions[side].of[place], ends[side][place]);
            Groups::new((0..order.len()).map(key), &weights)
        });
        let apart = apart(&directions, factors)?;
        let (values, mut filters) = (read.values, read.filters);
        let outside = Outside::new(cpu, (net, classes), fast, factors, services, &mut filters, &ends[0]);
        Some(Self { order, weights, directions, ends, groups, apart, values, filters, outside })
    }

    /// How many blocks there are, and how many pairs stand apart.
    pub fn size(&self) -> (u64, u64) {
        let [a, b] = [0, 1].map(|side: usize| self.groups[side].weights.len() as u64);
        (a * b, self.apart.all.len() as u64)
    }

    /// How many groups of senders there are.
    pub fn senders(&self) -> u32 {
        self.groups[0].members.len()
    }
}

/// Rows with the same key are likely to be alike.
fn key(factors: &Factors, number: u32, side: usize) -> u64 {
    let one = &factors.ones[number as usize];
    let strata = if side == 0 { &one.out } else { &one.into };
    let base = factors.contexts[one.context as usize].user.base;
    let templates: Vec<(u32, bool)> = strata.iter().map(|s: &Stratum| (s.template, s.admin)).collect();
    hash(&(templates, base, one.fixed, one.wide), 11)
}

/// What is read of every machine as sender and as receiver beside its row, by number.
fn ends(factors: &Factors, order: &[u32]) -> [Vec<u32>; 2] {
    let mut numbers: [Map<Vec<u32>, u32>; 2] = Default::default();
    let mut out = [Vec::with_capacity(order.len()), Vec::with_capacity(order.len())];
    for number in order {
        let one = &factors.ones[*number as usize];
        for (side, mut read) in factors.column_of_gates(*number as usize).into_iter().enumerate() {
            read.extend([one.fixed, u32::from(one.wide)]);
            let next = numbers[side].len() as u32;
            out[side].push(*numbers[side].entry(read).or_insert(next));
        }
    }
    out
}

impl Direction {
    /// Which row each row follows.
    fn new(rows: Vec<Runs>, keys: &[u64]) -> Self {
        let end = rows.len() as u32;
        let most_apart = end / 16 + 4;
        let mut alike: Map<u64, usize> = Map::default();
        let mut families: Vec<Vec<u32>> = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            let next = families.len();
            let family = *alike.entry(*key).or_insert(next);
            if family == next {
                families.push(Vec::new());
            }
            families[family].push(place as u32);
        }
        let mut out =
            Self { followed: Vec::new(), of: vec![0; rows.len()], apart: vec![Vec::new(); rows.len()], rows };
        let mut numbers: Map<Runs, u32> = Map::default();
        for mut left in families {
            for round in 0..=ROUNDS {
                let Some(last) = left.last() else { break };
                let picked = [left[0], left[left.len() / 2], *last].map(|place| &out.rows[place as usize]);
                let most = Runs::most(picked);
                let mut far = Vec::new();
                for place in left {
                    let own = &out.rows[place as usize];
                    let differs = own.differences(&most, end);
                    let count: u32 = differs.iter().map(|(from, until)| until - from).sum();
                    match (count <= most_apart, round) {
                        (true, _) => {
                            out.of[place as usize] = out.followed(&mut numbers, &most);
                            out.apart[place as usize] = differs;
                        }
                        (false, ROUNDS) => {
                            let own = own.clone();
                            out.of[place as usize] = out.followed(&mut numbers, &own);
                        }
                        (false, _) => far.push(place),
                    }
                }
                left = far;
            }
        }
        out
    }

    fn followed(&mut self, numbers: &mut Map<Runs, u32>, row: &Runs) -> u32 {
        let known = numbers.get(row).copied();
        known.unwrap_or_else(|| {
            let number = self.followed.len() as u32;
            numbers.insert(row.clone(), number);
            self.followed.push(row.clone());
            number
        })
    }

    /// For each place what the rows followed say there, in one number.
    fn signatures(&self, places: usize) -> Vec<[u64; 2]> {
        let mut changes: Vec<(u32, [u64; 2])> = Vec::new();
        for (number, row) in self.followed.iter().enumerate() {
            let mut last = [0; 2];
            for (at, value) in row.list() {
                let now = [3, 5].map(|seed| hash(&(number, *value), seed));
                changes.push((*at, [now[0].wrapping_sub(last[0]), now[1].wrapping_sub(last[1])]));
                last = now;
            }
        }
        changes.sort_unstable_by_key(|(at, _)| *at);
        let (mut changes, mut now) = (changes.into_iter().peekable(), [0u64; 2]);
        let signature = |place: usize| {
            while let Some((_, change)) = changes.next_if(|(at, _)| *at as usize <= place) {
                now = [now[0].wrapping_add(change[0]), now[1].wrapping_add(change[1])];
            }
            now
        };
        (0..places).map(signature).collect()
    }
}

impl Groups {
    fn new<K: Hash + Eq>(keys: impl Iterator<Item = K>, weights: &[u64]) -> Self {
        let mut numbers: Map<K, u32> = Map::default();
        let (mut of, mut lists): (Vec<u32>, Vec<Vec<u32>>) = (Vec::new(), Vec::new());
        for (place, key) in keys.enumerate() {
            let next = lists.len() as u32;
            let number = *numbers.entry(key).or_insert(next);
            if number == next {
                lists.push(Vec::new());
            }
            lists[number as usize].push(place as u32);
            of.push(number);
        }
        let weight = |list: &Vec<u32>| list.iter().map(|place| weights[*place as usize]).sum();
        let weights = lists.iter().map(weight).collect();
        let mut members = Lists::default();
        for list in lists {
            members.all.extend(list);
            members.ends.push(members.all.len());
        }
        Self { of, members, weights }
    }
}

/// A block of pairs that stand apart: senders and receivers, each from the first to the first beyond.
#[derive(Clone, Copy, Debug)]
struct Spot {
    from: u32,
    until: u32,
    receivers: (u32, u32),
}

/// For each sender the receivers that stand apart; `None` where they are too many.
fn apart([out, into]: &[Direction; 2], factors: &Factors) -> Option<Lists> {
    let mut spots: Vec<Spot> = Vec::new();
    for (place, senders) in into.apart.iter().enumerate() {
        let place = place as u32;
        spots.extend(senders.iter().map(|(from, until)| Spot {
            from: *from,
            until: *until,
            receivers: (place, place + 1),
        }));
    }
    for (senders, receivers) in factors.walls.iter().flat_map(|wall| wall.spots()) {
        for (from, until) in senders {
            spots.extend(receivers.iter().map(|r| Spot { from: *from, until: *until, receivers: *r }));
        }
    }
    let size = |(a, b): &(u32, u32)| u64::from(b - a);
    let pairs = spots.iter().map(|s| u64::from(s.until - s.from) * size(&s.receivers)).sum::<u64>()
        + out.apart.iter().flatten().map(size).sum::<u64>();
    if pairs > MOST_APART {
        return None;
    }
    spots.sort_unstable_by_key(|spot| (spot.from, spot.receivers));
    let (mut lists, mut open, mut next) = (Lists::default(), Vec::new(), 0);
    let mut own: Vec<u32> = Vec::new();
    for (place, stretches) in out.apart.iter().enumerate() {
        let place = place as u32;
        open.retain(|spot: &Spot| spot.until > place);
        while let Some(spot) = spots.get(next).filter(|spot| spot.from == place) {
            open.push(*spot);
            next += 1;
        }
        own.clear();
        own.push(place);
        let receivers = stretches.iter().chain(open.iter().map(|spot| &spot.receivers));
        receivers.for_each(|(from, until)| own.extend(*from..*until));
        own.sort_unstable();
        own.dedup();
        lists.all.extend(&own);
        lists.ends.push(lists.all.len());
    }
    Some(lists)
}
