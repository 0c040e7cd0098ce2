//! Intervals with what they hold in the same line: a tree finds the line, one more compare the interval.
//!
//! A line of halves holds the beginnings of ten intervals and eleven values of 16 bits; a line of words those of seven,
//! and eight values; a line of rows those of four, and five values of 64 bits. Above the lines stands a [`Tree`] over the first beginning of each, so a table
//! of up to 11 intervals is one line, one of 187 two, one of 2,992 three. Measured against it and dropped: the values
//! in lines of their own, one cold line more for every question.

use super::cpu::{Cpu, Portable};
use super::lines::{Line, Lines, WORDS};
use super::tree::{self, Tree};
use serde::{Deserialize, Serialize};

/// Beginnings and values in a line of halves.
const HALF_KEYS: usize = 10;
const HALVES: usize = HALF_KEYS + 1;

/// Beginnings and values in a line of words.
const WORD_KEYS: usize = 7;
const WORD_VALUES: usize = WORD_KEYS + 1;

/// Beginnings and values in a line of rows.
const ROW_KEYS: usize = 4;
const ROWS: usize = ROW_KEYS + 1;

/// A table of intervals inside the arena: its lines follow its tree.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spans {
    /// The tree over the lines.
    pub tree: Tree,
}

impl Spans {
    /// The line of an interval, by the rank of an address in the tree.
    #[inline(always)]
    pub fn line(self, rank: u32) -> u32 {
        self.tree.end() + rank
    }
}

/// Lines of a table, to be written where they are wanted: the tree's, then the values'.
fn build<const VALUES: usize, V: Copy>(
    keys: &[u32],
    values: &[V],
    line: impl Fn(&[u32], &[V]) -> Line,
) -> (Lines, u32) {
    assert_eq!(values.len(), keys.len() + 1, "INVARIANT: every interval has a value");
    let firsts: Vec<u32> = (VALUES..values.len()).step_by(VALUES).map(|first| keys[first - 1]).collect();
    let mut lines = Lines::default();
    let shape = tree::build(&mut lines, &firsts).shape;
    for first in (0..values.len()).step_by(VALUES) {
        let last = (first + VALUES).min(values.len());
        lines.push(line(&keys[first..last - 1], &values[first..last]));
    }
    (lines, shape)
}

/// Intervals with a value of 16 bits each; the first begins at 0.
pub fn halves(keys: &[u32], values: &[u16]) -> (Lines, u32) {
    build::<HALVES, u16>(keys, values, |keys, values| {
        let mut line = Line([0; WORDS]);
        line.0[..HALF_KEYS].fill(u32::MAX);
        line.0[..keys.len()].copy_from_slice(keys);
        // The greatest address is not below a filler: what follows the last value repeats it.
        for n in 0..HALVES {
            let value = values[n.min(values.len() - 1)];
            line.0[HALF_KEYS + n / 2] |= u32::from(value) << (n % 2 * 16);
        }
        line
    })
}

/// Intervals with a value of 64 bits each; the first begins at 0.
pub fn rows(keys: &[u32], values: &[u64]) -> (Lines, u32) {
    build::<ROWS, u64>(keys, values, |keys, values| {
        let mut line = Line([0; WORDS]);
        line.0[..ROW_KEYS].fill(u32::MAX);
        line.0[..keys.len()].copy_from_slice(keys);
        for n in 0..ROWS {
            let value = values[n.min(values.len() - 1)];
            (line.0[ROW_KEYS + 2 * n], line.0[ROW_KEYS + 2 * n + 1]) = (value as u32, (value >> 32) as u32);
        }
        line
    })
}

/// Intervals with a value of 32 bits each; the first begins at 0.
pub fn words(keys: &[u32], values: &[u32]) -> (Lines, u32) {
    build::<WORD_VALUES, u32>(keys, values, |keys, values| {
        let mut line = Line([0; WORDS]);
        line.0[..WORD_KEYS].fill(u32::MAX);
        line.0[..keys.len()].copy_from_slice(keys);
        for n in 0..WORD_VALUES {
            line.0[WORD_KEYS + n] = values[n.min(values.len() - 1)];
        }
        line
    })
}

/// The value of an address in its line of words.
#[inline(always)]
pub fn word<C: Cpu>(cpu: C, line: &Line, x: u32) -> u32 {
    let n = cpu.rank_of::<WORD_KEYS>(line, x) as usize;
    line.0[(WORD_KEYS + n) & (WORDS - 1)]
}

/// What a table of halves says: beginnings of intervals with their values, in order; some may repeat.
pub fn said_halves(lines: &Lines, spans: Spans) -> Vec<(u32, u16)> {
    let mut first = 0;
    let mut out = Vec::new();
    let keys = tree::keys(lines, spans.tree);
    for n in 0..=spans.tree.count() {
        if n > 0 {
            first = keys[n as usize - 1];
        }
        let words = &lines.line(spans.line(n)).0;
        let value = |n: usize| (words[HALF_KEYS + n / 2] >> (n % 2 * 16)) as u16;
        out.push((first, value(0)));
        let own = words[..HALF_KEYS].iter().enumerate().filter(|(_, key)| **key != u32::MAX);
        out.extend(own.map(|(n, key)| (*key, value(n + 1))));
        if n == spans.tree.count() {
            // Fillers are not above the greatest address.
            out.push((u32::MAX, value(HALF_KEYS)));
        }
    }
    out
}

/// One interval of a table of halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half {
    /// Its first address; the greatest one for what fills the last line up.
    pub first: u32,
    /// What it holds.
    pub value: u16,
    /// Its line.
    line: u32,
    /// Its place there.
    place: usize,
}

/// The intervals of a table of halves in order, from the line that holds an address on.
pub fn halves_from(lines: &Lines, spans: Spans, x: u32) -> impl Iterator<Item = Half> + '_ {
    let tree = spans.tree;
    let rank = tree.rank(Portable, lines, x);
    let leaves = tree::leaf_line(tree);
    (rank..=tree.count()).flat_map(move |n| {
        let line = spans.line(n);
        let words = &lines.line(line).0;
        let begins = if n == 0 { 0 } else { lines.word(leaves, n - 1) };
        (0..HALVES).map(move |place| Half {
            first: if place == 0 { begins } else { words[place - 1] },
            value: (words[HALF_KEYS + place / 2] >> (place % 2 * 16)) as u16,
            line,
            place,
        })
    })
}

/// Adds the lines of a table of halves once more.
pub fn copied(lines: &mut Lines, spans: Spans) -> Spans {
    let last = spans.line(spans.tree.count());
    let own = lines.as_slice()[spans.tree.root as usize..=last as usize].to_vec();
    Spans { tree: Tree { root: lines.append(&own), shape: spans.tree.shape } }
}

/// Writes over what an interval holds in a copy of its table.
pub fn write_half(lines: &mut Lines, [from, to]: [Spans; 2], half: Half, value: u16) {
    let line = lines.line_mut(to.tree.root + (half.line - from.tree.root));
    let (word, shift) = (HALF_KEYS + half.place / 2, half.place % 2 * 16);
    line.0[word] = line.0[word] & !(0xffff << shift) | u32::from(value) << shift;
}

/// Where the intervals of a table of rows begin, in any order; some may repeat.
pub fn beginnings_of_rows(lines: &Lines, spans: Spans) -> Vec<u32> {
    let mut out = tree::keys(lines, spans.tree);
    for n in 0..=spans.tree.count() {
        let keys = &lines.line(spans.line(n)).0[..ROW_KEYS];
        out.extend(keys.iter().filter(|key| **key != u32::MAX));
    }
    out
}

/// The value of an address in its line of halves.
#[inline(always)]
pub fn half<C: Cpu>(cpu: C, line: &Line, x: u32) -> u16 {
    let n = cpu.rank_of::<HALF_KEYS>(line, x) as usize;
    (line.0[(HALF_KEYS + n / 2) & (WORDS - 1)] >> (n % 2 * 16)) as u16
}

/// The value of an address in its line of rows.
#[inline(always)]
pub fn row<C: Cpu>(cpu: C, line: &Line, x: u32) -> u64 {
    let n = cpu.rank_of::<ROW_KEYS>(line, x) as usize;
    let at = ROW_KEYS + 2 * n;
    u64::from(line.0[at & (WORDS - 1)]) | u64::from(line.0[(at + 1) & (WORDS - 1)]) << 32
}

#[cfg(test)]
mod tests {
    use super::super::cpu::{Cpu, Work, with_best};
    use super::*;

    #[derive(Clone, Copy)]
    enum Form {
        Halves,
        Words,
        Rows,
    }

    struct Ask<'a>(&'a Lines, u32, &'a [u32], Form);

    impl Work for Ask<'_> {
        type Output = Vec<u64>;
        #[inline(always)]
        fn run<C: Cpu>(self, cpu: C) -> Vec<u64> {
            let Ask(lines, shape, asked, form) = self;
            let spans = Spans { tree: Tree { root: 0, shape } };
            let one = |x: &u32| {
                let line = lines.line(spans.line(spans.tree.rank(cpu, lines, *x)));
                match form {
                    Form::Halves => u64::from(half(cpu, line, *x)),
                    Form::Words => u64::from(word(cpu, line, *x)),
                    Form::Rows => row(cpu, line, *x),
                }
            };
            asked.iter().map(one).collect()
        }
    }

    fn check(keys: &[u32]) {
        let values: Vec<u64> =
            (0..=keys.len() as u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let halved: Vec<u16> = values.iter().map(|v| *v as u16).collect();
        let worded: Vec<u32> = values.iter().map(|v| *v as u32).collect();
        let near = keys.iter().flat_map(|k| [k.wrapping_sub(1), *k, k.wrapping_add(1)]);
        let asked: Vec<u32> = near.chain([0, 1, u32::MAX - 1, u32::MAX]).collect();
        let all: Vec<u64> = asked.iter().map(|x| values[keys.partition_point(|k| k <= x)]).collect();
        for (form, (lines, shape), mask) in [
            (Form::Rows, rows(keys, &values), u64::MAX),
            (Form::Words, words(keys, &worded), u64::from(u32::MAX)),
            (Form::Halves, halves(keys, &halved), u64::from(u16::MAX)),
        ] {
            let expected: Vec<u64> = all.iter().map(|v| v & mask).collect();
            assert_eq!(Ask(&lines, shape, &asked, form).run(Portable), expected, "{} keys", keys.len());
            assert_eq!(with_best(Ask(&lines, shape, &asked, form)), expected, "{} keys", keys.len());
            if let Form::Halves = form {
                let spans = Spans { tree: Tree { root: 0, shape } };
                let said = said_halves(&lines, spans);
                assert!(said.is_sorted_by_key(|(first, _)| *first), "{} keys", keys.len());
                let read = |x: &u32| u64::from(said[said.partition_point(|(first, _)| first <= x) - 1].1);
                assert_eq!(asked.iter().map(read).collect::<Vec<u64>>(), expected, "{} keys", keys.len());
            }
        }
    }

    #[test]
    fn values_are_those_of_the_sorted_list() {
        for count in [0, 1, 3, 4, 5, 9, 10, 11, 21, 22, 84, 85, 86, 186, 187, 188, 1_500, 2_991, 2_992, 3_100]
        {
            check(&(0..count).map(|i| i * 3 + 7).collect::<Vec<u32>>());
            check(&(0..count).map(|i| u32::MAX - (count - 1 - i) * 5).collect::<Vec<u32>>());
        }
    }
}
