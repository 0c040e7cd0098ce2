//! The sums of all pairs, block by block instead of pair by pair.

use super::blocks::Blocks;
use super::memo::Key;
use super::{Budget, Cell, Desk, Matrix, NO_PAIR, Side};
use crate::fast::tables::NOBODY;
use std::ops::Range;

/// The sums of the pairs of some senders.
#[derive(Debug)]
pub struct Sums {
    /// How many pairs have each list of answers of the desk's memo.
    pub pairs: Vec<u64>,
    /// For each class the machines that reach it by some service, and whether the internet does.
    pub exposed: Vec<(u64, bool)>,
    /// Whether that is all: not so where too many flows had to be asked by themselves.
    pub whole: bool,
}

/// What sums may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'b> {
    /// Pairs that the full engine may be asked for.
    pub engine: &'b Budget,
    /// Flows of pairs that no other pair answers for.
    pub alone: &'b Budget,
}

/// Who takes cells that the full engine answered, or that were left unanswered.
pub type Take<'t> = dyn FnMut(Side, &[Cell]) + 't;

/// Pairs walked at once.
const AT_ONCE: usize = 64;

/// Answers found last, by what they follow from.
#[derive(Debug, Default)]
pub(super) struct Quick(Vec<([u32; 4], u32)>);

const QUICK: usize = 1 << 18;

impl Quick {
    /// Room for answers.
    pub(super) fn new() -> Self {
        Self(vec![([NOBODY; 4], NO_PAIR); QUICK])
    }

    #[inline(always)]
    fn place(key: &[u32; 4]) -> usize {
        let [a, b, c, d] = key.map(u64::from);
        let mixed = (a << 32 | b).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ (c << 32 | d).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 46) as usize & (QUICK - 1)
    }
}

/// The sweep over the receivers of one group of senders.
struct Sweep<'s, 'n> {
    matrix: &'s Matrix<'n>,
    blocks: &'s Blocks,
    desk: &'s mut Desk<'n>,
    sums: Sums,
    /// Machines of each group of receivers that stand apart from the group of senders, pair by pair.
    less: Vec<u64>,
    /// Whether the group of receivers is open to the group of senders.
    open: Vec<bool>,
    /// For each row that receivers follow, the run at the group of senders.
    runs: Vec<u32>,
    /// Pairs to be walked for themselves.
    waiting: Vec<(Side, Side)>,
}

impl<'n> Matrix<'n> {
    /// The sums of some groups of senders, and of the internet with them. The desk's memo must be that of the blocks.
    pub fn sums(
        &self,
        desk: &mut Desk<'n>,
        blocks: &Blocks,
        part: Range<u32>,
        limits: Limits<'_>,
        take: &mut Take<'_>,
    ) -> Sums {
        let count = self.classes.list.len();
        let sums = Sums { pairs: Vec::new(), exposed: vec![(0, false); count], whole: true };
        let receivers = blocks.groups[1].members.len() as usize;
        let mut sweep = Sweep {
            matrix: self,
            blocks,
            desk,
            sums,
            less: vec![0; receivers],
            open: vec![false; receivers],
            runs: vec![0; blocks.directions[1].followed.len()],
            waiting: Vec::new(),
        };
        let mut reached = vec![0; receivers];
        for group in part {
            if sweep.sums.whole {
                sweep.group(group, &mut reached, limits, take);
            }
        }
        sweep.walk(limits, take, 0);
        for (group, senders) in reached.into_iter().enumerate() {
            for place in blocks.groups[1].members.of(group as u32) {
                let exposed = &mut sweep.sums.exposed[blocks.order[*place as usize] as usize].0;
                // What is added to a whole group was taken away from some of it before.
                *exposed = exposed.wrapping_add(senders);
            }
        }
        sweep.sums.pairs.resize(sweep.desk.memo.len(), 0);
        sweep.sums
    }
}

impl Sweep<'_, '_> {
    fn group(&mut self, group: u32, reached: &mut [u64], limits: Limits<'_>, take: &mut Take<'_>) {
        self.desk.asker.tidy();
        let blocks = self.blocks;
        let senders = blocks.groups[0].members.of(group);
        for sender in senders {
            self.apart(*sender, limits, take);
        }
        if !self.sums.whole {
            return;
        }
        let first = senders[0];
        self.turn_to(first);
        let row = blocks.directions[0].followed[blocks.directions[0].of[first as usize] as usize].list();
        let (weight, mut at) = (blocks.groups[0].weights[group as usize], 0);
        for receivers in 0..blocks.groups[1].members.len() {
            let to = blocks.groups[1].members.of(receivers)[0];
            // Groups come in the order of their first members.
            while row.get(at + 1).is_some_and(|(begin, _)| *begin <= to) {
                at += 1;
            }
            let pairs = weight * blocks.groups[1].weights[receivers as usize] - self.less[receivers as usize];
            self.less[receivers as usize] = 0;
            self.open[receivers as usize] = false;
            if pairs == 0 {
                continue;
            }
            let followed = blocks.directions[1].of[to as usize] as usize;
            let enter = blocks.directions[1].followed[followed].list()[self.runs[followed] as usize].1;
            let values = [row[at].1, enter];
            let number = self.number((first, to), values, Some((group, receivers)));
            match number.filter(|number| !self.desk.memo.kind(*number).deferred) {
                None => self.one_by_one((group, receivers), number, limits, take),
                Some(number) => {
                    self.add(number, pairs);
                    if self.desk.memo.kind(number).open {
                        self.open[receivers as usize] = true;
                        reached[receivers as usize] += weight;
                    }
                }
            }
        }
        for sender in senders {
            for to in blocks.apart.of(*sender) {
                if self.open[blocks.groups[1].of[*to as usize] as usize] {
                    let exposed = &mut self.sums.exposed[blocks.order[*to as usize] as usize].0;
                    *exposed = exposed.wrapping_sub(blocks.weights[*sender as usize]);
                }
            }
        }
    }

    /// The runs of the rows that receivers follow, at a sender; senders come in order.
    fn turn_to(&mut self, sender: u32) {
        for (row, run) in self.blocks.directions[1].followed.iter().zip(&mut self.runs) {
            let list = row.list();
            while list.get(*run as usize + 1).is_some_and(|(begin, _)| *begin <= sender) {
                *run += 1;
            }
        }
    }

    fn side(&self, place: u32) -> Side {
        Side::Class(self.blocks.order[place as usize])
    }

    fn add(&mut self, number: u32, pairs: u64) {
        let number = number as usize;
        if number >= self.sums.pairs.len() {
            self.sums.pairs.resize(number + 1, 0);
        }
        self.sums.pairs[number] += pairs;
    }

    /// The pairs of a sender that stand apart, and those with the internet.
    fn apart(&mut self, sender: u32, limits: Limits<'_>, take: &mut Take<'_>) {
        let blocks = self.blocks;
        let row = &blocks.directions[0].rows[sender as usize];
        for to in blocks.apart.of(sender) {
            let group = blocks.groups[1].of[*to as usize] as usize;
            self.less[group] += blocks.weights[sender as usize] * blocks.weights[*to as usize];
            if sender == *to && blocks.weights[sender as usize] == 1 {
                continue;
            }
            let values = [row.at(*to), blocks.directions[1].rows[*to as usize].at(sender)];
            let number = self.own_number((sender, *to), values);
            self.settle((self.side(sender), self.side(*to)), number, limits, take);
        }
        let own = self.side(sender);
        for (n, sides) in [(own, Side::Internet), (Side::Internet, own)].into_iter().enumerate() {
            let alike = blocks.outside.0[n][sender as usize];
            let known = self.desk.memo.outside[n].get(&alike).copied();
            let number = known.or_else(|| {
                let (a, b, _) = self.matrix.example(sides.0, sides.1)?;
                self.matrix.walk(self.desk, &[(None, a, b)]).first().copied()
            });
            if let Some(number) = number {
                self.desk.memo.outside[n].insert(alike, number);
                self.settle(sides, Some(number), limits, take);
            }
        }
    }

    /// A block whose pairs do not answer for each other.
    fn one_by_one(
        &mut self,
        (group, receivers): (u32, u32),
        number: Option<u32>,
        limits: Limits<'_>,
        take: &mut Take<'_>,
    ) {
        let blocks = self.blocks;
        for sender in blocks.groups[0].members.of(group) {
            let apart = blocks.apart.of(*sender);
            for to in blocks.groups[1].members.of(receivers) {
                if self.sums.whole && apart.binary_search(to).is_err() {
                    self.settle((self.side(*sender), self.side(*to)), number, limits, take);
                }
            }
        }
    }

    /// Counts one pair of classes, by the number of its answers where it has one.
    fn settle(
        &mut self,
        (from, to): (Side, Side),
        number: Option<u32>,
        limits: Limits<'_>,
        take: &mut Take<'_>,
    ) {
        let Some(number) = number else {
            self.waiting.push((from, to));
            return self.walk(limits, take, AT_ONCE);
        };
        let kind = self.desk.memo.kind(number);
        if kind.deferred {
            if !self.may(limits, 1) {
                return;
            }
            let mut cells = Vec::new();
            self.matrix.cells(self.desk, from, to, number, limits.engine, &mut cells);
            return take(from, &cells);
        }
        let pairs = self.matrix.pairs(from, to);
        self.add(number, pairs);
        if !kind.open {
            return;
        }
        match (from, to) {
            (Side::Class(from), Side::Class(to)) => {
                let same = u64::from(from == to);
                let senders = self.matrix.classes.list[from as usize].members.len() as u64 - same;
                let exposed = &mut self.sums.exposed[to as usize].0;
                *exposed = exposed.wrapping_add(senders);
            }
            (Side::Internet, Side::Class(to)) => self.sums.exposed[to as usize].1 = true,
            (_, Side::Internet) => {}
        }
    }

    /// Whether so many pairs more may be asked by themselves.
    fn may(&mut self, limits: Limits<'_>, pairs: usize) -> bool {
        self.sums.whole &= limits.alone.take((pairs * self.matrix.services.len()) as u64);
        self.sums.whole
    }

    /// Walks the pairs that wait, once there are more than so many.
    fn walk(&mut self, limits: Limits<'_>, take: &mut Take<'_>, most: usize) {
        if self.waiting.len() <= most {
            return;
        }
        let waiting = std::mem::take(&mut self.waiting);
        if !self.may(limits, waiting.len()) {
            return;
        }
        let example = |sides: (Side, Side)| {
            self.matrix.example(sides.0, sides.1).map(|(a, b, _)| (sides, (None, a, b)))
        };
        let (sides, pairs): (Vec<_>, Vec<_>) = waiting.into_iter().filter_map(example).unzip();
        let numbers = self.matrix.walk(self.desk, &pairs);
        for (sides, number) in sides.into_iter().zip(numbers) {
            self.settle(sides, Some(number), limits, take);
        }
    }

    /// The number of the answers of a pair that stands apart; `None` where only the walk knows.
    fn own_number(&mut self, pair: (u32, u32), values: [u32; 2]) -> Option<u32> {
        let factors = &*self.matrix.factors;
        let ones = [pair.0, pair.1].map(|place| self.blocks.order[place as usize] as usize);
        let [_, (_, back)] = values.map(|value| self.blocks.values[value as usize]);
        let first = self.blocks.values[values[0] as usize].1;
        let path = factors.path_by((ones[0], ones[1]), first, || back)?;
        let named = |wall: &u32| {
            *wall != NOBODY && factors.walls[*wall as usize].few(ones[0], ones[1]).next().is_some()
        };
        match path.walls.iter().any(named) {
            false => self.number(pair, values, None),
            true => self.found(pair, values, None, true),
        }
    }

    /// The number of the answers of a pair, or of a block, the rules of firewalls about few pairs left out.
    #[inline(always)]
    fn number(&mut self, pair: (u32, u32), values: [u32; 2], block: Option<(u32, u32)>) -> Option<u32> {
        let blocks = self.blocks;
        let ends = [blocks.ends[0][pair.0 as usize], blocks.ends[1][pair.1 as usize]];
        let key = [ends[0], values[0], values[1], ends[1]];
        let quick = &self.desk.memo.quick.0[Quick::place(&key)];
        if quick.0 == key {
            return (quick.1 != NO_PAIR).then_some(quick.1);
        }
        let number = self.found(pair, values, block, false);
        self.desk.memo.quick.0[Quick::place(&key)] = (key, number.unwrap_or(NO_PAIR));
        number
    }

    #[inline(never)]
    fn found(
        &mut self,
        pair: (u32, u32),
        values: [u32; 2],
        block: Option<(u32, u32)>,
        with_few: bool,
    ) -> Option<u32> {
        let (matrix, blocks) = (self.matrix, self.blocks);
        let factors = &*matrix.factors;
        let ones = [pair.0, pair.1].map(|place| blocks.order[place as usize] as usize);
        let [(leave, first), (enter, back)] = values.map(|value| blocks.values[value as usize]);
        let path = factors.path_by((ones[0], ones[1]), first, || back)?;
        let memo = &mut self.desk.memo;
        let said = path.walls.map(|wall| memo.wall(factors, wall, (ones[0], ones[1]), with_few));
        let [Some(one), Some(other)] = said else { return None };
        let key = Key { shape: path.shape, filters: [leave, enter], said: [one, other] };
        let services = matrix.services.len();
        if let Some(known) = memo.known(&key) {
            return Some(known);
        }
        let composed = memo.compose(services, &key);
        if composed.is_none() {
            let missing = memo.missing(services, &key);
            let (from, to) = block.map_or(Some(pair), |block| self.example(block))?;
            let (a, b, _) = matrix.example(self.side(from), self.side(to))?;
            matrix.walk_some(self.desk, &key, (a, b), &missing);
        }
        let memo = &mut self.desk.memo;
        let answers = composed.or_else(|| memo.compose(services, &key))?;
        let number = memo.number(answers);
        memo.keep(key, number);
        Some(number)
    }

    /// A pair of a block that does not stand apart.
    fn example(&self, (group, receivers): (u32, u32)) -> Option<(u32, u32)> {
        let blocks = self.blocks;
        let receivers = blocks.groups[1].members.of(receivers);
        blocks.groups[0].members.of(group).iter().find_map(|from| {
            let apart = blocks.apart.of(*from);
            let to = receivers.iter().find(|to| apart.binary_search(to).is_err());
            to.map(|to| (*from, *to))
        })
    }
}
