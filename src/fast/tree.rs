//! The one search structure: an interval tree of whole lines, 16 sorted keys a line, 17 ways.
//!
//! Keys are the first addresses (or ports) of intervals; the rank of `x`, the number of keys not above it,
//! is the number of its interval. Children are found by arithmetic, so a tree is a line offset and a count.
//! Lines touched: 1 up to 16 keys, 2 up to 272, 3 up to 4,624, 4 up to 78,608; each one compare. Measured
//! against it and dropped: binary search over the keys (a miss for every halving), a Poptrie (twice the
//! lines for 600 prefixes), direct tables (32 MiB a table, impossible for 20,000 tables).

use super::cpu::Cpu;
use super::lines::{Line, Lines, WORDS};
use serde::{Deserialize, Serialize};

/// A tree inside the arena.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tree {
    /// Its first line.
    pub root: u32,
    /// How many keys it has, and how many levels.
    pub shape: u32,
}

const KEYS: u32 = WORDS as u32;
const WAYS: u32 = KEYS + 1;

/// Levels of a tree with so many keys.
#[inline(always)]
pub const fn depth(count: u32) -> u32 {
    match count {
        0 => 0,
        1..=16 => 1,
        17..=272 => 2,
        273..=4_624 => 3,
        4_625..=78_608 => 4,
        78_609..=1_336_336 => 5,
        _ => 6,
    }
}

/// Lines of each level, leaves first.
#[inline(always)]
fn leaves(count: u32) -> u32 {
    count.div_ceil(KEYS)
}

/// Adds a tree over sorted, distinct keys.
pub fn build(lines: &mut Lines, keys: &[u32]) -> Tree {
    let count = u32::try_from(keys.len()).expect("INVARIANT: a tree holds fewer than 2^32 keys");
    let depth = depth(count);
    let mut levels: Vec<Vec<u32>> = vec![keys.to_vec()];
    // The first key under each line of the level below.
    let mut firsts: Vec<u32> = keys.iter().step_by(WORDS).copied().collect();
    for _ in 1..depth {
        let mut level = Vec::new();
        let mut next = Vec::new();
        for group in firsts.chunks(WAYS as usize) {
            next.push(group[0]);
            level.extend_from_slice(&group[1..]);
            level.resize(level.len().next_multiple_of(WORDS).max(next.len() * WORDS), u32::MAX);
        }
        levels.push(level);
        firsts = next;
    }
    let root = lines.end();
    for level in levels.iter().rev() {
        lines.words(level, u32::MAX);
    }
    Tree::new(root, count)
}

/// A search under way; a batch moves many of them in step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    tree: Tree,
    /// The line to look at next.
    pub line: u32,
    node: u32,
    level: u32,
    /// The rank, once the search is over.
    pub rank: u32,
}

impl Cursor {
    /// Begins a search.
    #[inline(always)]
    pub fn new(tree: Tree) -> Self {
        Self { tree, line: tree.root, ..Self::default() }
    }

    /// Begins a search in a tree, and ends it at once where that has one line; asks for the next one where it has not.
    #[inline(always)]
    pub fn begin<C: Cpu>(&mut self, cpu: C, lines: &Lines, tree: Tree, x: u32) -> bool {
        if tree.depth() <= 1 {
            (self.tree, self.level) = (tree, tree.depth());
            self.rank = tree.rank_shallow(cpu, lines, x);
            return false;
        }
        *self = Self::new(tree);
        self.step(cpu, lines, x);
        cpu.fetch(lines.line(self.line));
        true
    }

    /// A search that is over.
    #[inline(always)]
    pub fn found(rank: u32) -> Self {
        Self { rank, ..Self::default() }
    }

    /// Whether the rank is found.
    #[inline(always)]
    pub fn is_done(&self) -> bool {
        self.level == self.tree.depth()
    }

    /// Looks at one line.
    #[inline(always)]
    pub fn step<C: Cpu>(&mut self, cpu: C, lines: &Lines, x: u32) {
        let rank = cpu.rank(lines.line(self.line), x);
        self.level += 1;
        let (count, depth) = (self.tree.count(), self.tree.depth());
        if self.level == depth {
            // Beyond the last key only fillers lie, which are below nothing but u32::MAX.
            self.rank = (self.node * KEYS + rank).min(count);
            return;
        }
        // A full line leads to the last child, whatever fillers it has.
        self.node = self.node * WAYS + rank;
        let (start, last) = match depth {
            2 => (1, leaves(count) - 1),
            _ => deep(count, depth, self.level),
        };
        self.node = self.node.min(last);
        self.line = self.tree.root + start + self.node;
    }
}

/// Where a level of a deep tree begins, and its last line.
#[inline(always)]
fn deep(count: u32, depth: u32, level: u32) -> (u32, u32) {
    if depth == 3 {
        let middle = leaves(count).div_ceil(WAYS);
        return if level == 1 { (1, middle - 1) } else { (1 + middle, leaves(count) - 1) };
    }
    let mut lines = leaves(count);
    for _ in level + 1..depth {
        lines = lines.div_ceil(WAYS);
    }
    let last = lines - 1;
    let mut start = 0;
    for _ in 0..level {
        lines = lines.div_ceil(WAYS);
        start += lines;
    }
    (start, last)
}

impl Tree {
    /// Where the depth stands in the shape.
    const DEPTH: u32 = 29;

    fn new(root: u32, count: u32) -> Self {
        assert!(count < 1 << Self::DEPTH, "INVARIANT: a tree has fewer than 2^29 keys");
        Self { root, shape: count | depth(count) << Self::DEPTH }
    }

    /// How many keys it has.
    #[inline(always)]
    pub fn count(self) -> u32 {
        self.shape & ((1 << Self::DEPTH) - 1)
    }

    /// How many levels it has.
    #[inline(always)]
    pub fn depth(self) -> u32 {
        self.shape >> Self::DEPTH
    }

    /// The number of keys not above `x`, of a tree of one line, or of none and some line in its place.
    #[inline(always)]
    pub fn rank_shallow<C: Cpu>(self, cpu: C, lines: &Lines, x: u32) -> u32 {
        cpu.rank(lines.line(self.root), x).min(self.count())
    }

    /// The line behind its last one, where what belongs to it may follow.
    #[inline(always)]
    pub fn end(self) -> u32 {
        self.root
            + match self.depth() {
                depth @ 0..=1 => depth,
                2 => 1 + leaves(self.count()),
                _ => size(self.count()),
            }
    }

    /// The number of keys not above `x`.
    #[inline(always)]
    pub fn rank<C: Cpu>(self, cpu: C, lines: &Lines, x: u32) -> u32 {
        // One condition after another, since a jump by depth is foreseen by nobody.
        let depth = self.depth();
        if depth == 1 {
            return self.rank_shallow(cpu, lines, x);
        }
        if depth == 2 {
            let node = cpu.rank(lines.line(self.root), x).min(leaves(self.count()) - 1);
            return (node * KEYS + cpu.rank(lines.line(self.root + 1 + node), x)).min(self.count());
        }
        if depth == 0 {
            return 0;
        }
        if depth == 3 {
            return self.rank_three(cpu, lines, x);
        }
        let mut cursor = Cursor::new(self);
        while !cursor.is_done() {
            cursor.step(cpu, lines, x);
        }
        cursor.rank
    }

    /// The rank in a tree of three levels, spelt out.
    #[inline(always)]
    fn rank_three<C: Cpu>(self, cpu: C, lines: &Lines, x: u32) -> u32 {
        let leaves = leaves(self.count());
        let middle = leaves.div_ceil(WAYS);
        let node = cpu.rank(lines.line(self.root), x).min(middle - 1);
        let node = node * WAYS + cpu.rank(lines.line(self.root + 1 + node), x);
        let node = node.min(leaves - 1);
        (node * KEYS + cpu.rank(lines.line(self.root + 1 + middle + node), x)).min(self.count())
    }

    /// Asks for the first line.
    #[inline(always)]
    pub fn fetch<C: Cpu>(self, cpu: C, lines: &Lines) {
        if self.shape > 0 {
            cpu.fetch(lines.line(self.root));
        }
    }
}

/// The keys of a tree, in order.
pub fn keys(lines: &Lines, tree: Tree) -> Vec<u32> {
    let first = leaf_line(tree);
    (0..tree.count()).map(|n| lines.word(first, n)).collect()
}

/// The line from which on the keys of a tree stand in order.
pub fn leaf_line(tree: Tree) -> u32 {
    tree.end() - leaves(tree.count())
}

/// Lines of a tree with so many keys.
pub fn size(count: u32) -> u32 {
    let depth = depth(count);
    if depth == 0 { 0 } else { deep(count, depth, depth - 1).0 + leaves(count) }
}

/// A set of addresses: the boundaries of its intervals, so that an odd rank is inside.
///
/// The empty set has no keys; the set of everything has the key 0 alone.
pub fn boundaries(ranges: &[(u32, u32)]) -> Vec<u32> {
    let mut keys = Vec::with_capacity(ranges.len() * 2);
    for (low, high) in ranges {
        keys.push(*low);
        keys.extend(high.checked_add(1));
    }
    keys
}

/// Unused words of a line.
pub const NO_LINE: Line = Line([u32::MAX; WORDS]);

#[cfg(test)]
mod tests {
    use super::super::cpu::{Cpu, Portable, Work, with_best};
    use super::*;

    struct Ranks<'a>(&'a Lines, Tree, &'a [u32]);

    impl Work for Ranks<'_> {
        type Output = Vec<u32>;
        #[inline(always)]
        fn run<C: Cpu>(self, cpu: C) -> Vec<u32> {
            self.2.iter().map(|x| self.1.rank(cpu, self.0, *x)).collect()
        }
    }

    fn check(keys: &[u32]) {
        let mut lines = Lines::default();
        lines.push(NO_LINE);
        let tree = build(&mut lines, keys);
        assert_eq!(lines.end() - tree.root, size(tree.count()), "{} keys", keys.len());
        let near = keys.iter().flat_map(|k| [k.wrapping_sub(1), *k, k.wrapping_add(1)]);
        let asked: Vec<u32> = near.chain([0, 1, u32::MAX - 1, u32::MAX]).collect();
        let expected: Vec<u32> = asked.iter().map(|x| keys.partition_point(|k| k <= x) as u32).collect();
        assert_eq!(Ranks(&lines, tree, &asked).run(Portable), expected, "{} keys", keys.len());
        assert_eq!(with_best(Ranks(&lines, tree, &asked)), expected, "{} keys", keys.len());
    }

    #[test]
    fn ranks_are_those_of_the_sorted_list() {
        for count in
            [0, 1, 2, 15, 16, 17, 31, 32, 33, 271, 272, 273, 289, 290, 300, 4_623, 4_624, 4_625, 5_000]
        {
            check(&(0..count).map(|i| i * 3 + 7).collect::<Vec<u32>>());
            let last: Vec<u32> = (0..count).map(|i| u32::MAX - (count - 1 - i) * 5).collect();
            check(&last);
        }
        check(&(0..80_000u32).map(|i| i * 53_000).collect::<Vec<u32>>());
    }
}
