//! Sets of more than a thousand rules (Azure Firewall holds 20,000): an index of leaves.
//!
//! A rule is cut into boxes of one range a dimension. A box is filed under the address dimension in which it
//! covers fewer intervals, in the leaf of each interval it covers; boxes that cover many in both go to one
//! leaf of their own. A question looks at three leaves: that of its source, of its destination, and the
//! common one. A leaf is blocks of 32 boxes in the order of rules, a line for each end of each range, so
//! that one compare asks 32 boxes, and the search ends at the first hit. Rules that name service tags, or
//! are doubtful, stay in a set of rows ([`super::rules`]) beside the leaves; the lower number of both wins.
//!
//! Lines touched: 2-3 for each tree, 2 for each block that does not match. Measured against it and dropped
//! for this size: rows of bits (four times slower at 20,000 rules), a linear walk (100 times).

use super::alike::Alike;
use super::cpu::Cpu;
use super::lines::{Line, Lines, WORDS};
use super::rules::{self, Around, Ask, Draft, Said, Says};
use super::tree::{self, Cursor, Tree};
use serde::{Deserialize, Serialize};

/// A box that covers more intervals than this in both dimensions is common.
const WIDE: usize = 64;

/// A rule that would make more boxes stays a row.
const MOST_BOXES: usize = 512;

/// Boxes in a block.
const BLOCK: usize = 2 * WORDS;

/// Lines of a block: two for other addresses, ports, protocols, numbers.
const BLOCK_LINES: u32 = 8;

/// One range in every dimension.
#[derive(Clone, Copy, Debug)]
struct Cell {
    rule: u32,
    source: (u32, u32),
    destination: (u32, u32),
    ports: (u16, u16),
    protocols: (u16, u16),
}

/// A big set of rules.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct Leaves {
    source: Tree,
    destination: Tree,
    /// First block and number of blocks, for each interval.
    source_leaves: u32,
    destination_leaves: u32,
    common: (u32, u32),
    /// What each rule says.
    says: Vec<Says>,
    /// Rules kept as rows, and their numbers here.
    rows: Option<(u32, Vec<u32>)>,
    lines: u32,
}

/// Compiles rules; `None` where too many of them cannot be cut into boxes.
pub fn build(lines: &mut Lines, alike: &mut Alike, drafts: &[Draft]) -> Option<Leaves> {
    let before = lines.end();
    let mut cells = Vec::new();
    let mut kept: Vec<u32> = Vec::new();
    for (number, draft) in drafts.iter().enumerate() {
        match cut(number as u32, draft) {
            Some(own) => cells.extend(own),
            None => kept.push(number as u32),
        }
    }
    if kept.len() > rules::MOST_RULES {
        return None;
    }
    let rows = (!kept.is_empty()).then(|| {
        let own: Vec<Draft> = kept.iter().map(|n| drafts[*n as usize].clone()).collect();
        (rules::build(lines, alike, &own), kept)
    });
    let source_keys = keys(cells.iter().map(|c| c.source));
    let destination_keys = keys(cells.iter().map(|c| c.destination));
    if source_keys.len().max(destination_keys.len()) >= usize::from(u16::MAX) {
        return None;
    }
    let span = |keys: &[u32], range: (u32, u32)| {
        (keys.partition_point(|k| *k <= range.0), keys.partition_point(|k| *k <= range.1))
    };
    let mut by_source: Vec<Vec<u32>> = vec![Vec::new(); source_keys.len() + 1];
    let mut by_destination: Vec<Vec<u32>> = vec![Vec::new(); destination_keys.len() + 1];
    let mut common = Vec::new();
    for (number, cell) in cells.iter().enumerate() {
        let (a, b) = (span(&source_keys, cell.source), span(&destination_keys, cell.destination));
        let (wide_a, wide_b) = (a.1 - a.0, b.1 - b.0);
        let leaves = if wide_a.min(wide_b) > WIDE {
            common.push(number as u32);
            continue;
        } else if wide_b <= wide_a {
            &mut by_destination[b.0..=b.1]
        } else {
            &mut by_source[a.0..=a.1]
        };
        leaves.iter_mut().for_each(|leaf| leaf.push(number as u32));
    }
    let put = |lines: &mut Lines, leaf: &[u32], other: &dyn Fn(&Cell) -> (usize, usize)| {
        let first = lines.end();
        for block in leaf.chunks(BLOCK) {
            let own: Vec<&Cell> = block.iter().map(|n| &cells[*n as usize]).collect();
            push_block(lines, &own, other);
        }
        (first, leaf.len().div_ceil(BLOCK) as u32)
    };
    let all = |lines: &mut Lines, leaves: &[Vec<u32>], other: &dyn Fn(&Cell) -> (usize, usize)| {
        let found: Vec<u32> = leaves
            .iter()
            .flat_map(|leaf| {
                let (first, count) = put(lines, leaf, other);
                [first, count]
            })
            .collect();
        lines.words(&found, 0)
    };
    let source_of = |c: &Cell| span(&source_keys, c.source);
    let destination_of = |c: &Cell| span(&destination_keys, c.destination);
    let source_leaves = all(lines, &by_source, &destination_of);
    let destination_leaves = all(lines, &by_destination, &source_of);
    // In the common leaf the source stands where the other address does, and the destination in a block of
    // its own behind each.
    let first = lines.end();
    for block in common.chunks(BLOCK) {
        let own: Vec<&Cell> = block.iter().map(|n| &cells[*n as usize]).collect();
        push_block(lines, &own, &source_of);
        push_block(lines, &own, &destination_of);
    }
    let common = (first, common.len().div_ceil(BLOCK) as u32);
    let source = tree::build(lines, &source_keys);
    let destination = tree::build(lines, &destination_keys);
    let says = drafts.iter().map(|d| d.says).collect();
    let lines = lines.end() - before;
    Some(Leaves { source, destination, source_leaves, destination_leaves, common, says, rows, lines })
}

fn keys(ranges: impl Iterator<Item = (u32, u32)>) -> Vec<u32> {
    let mut keys: Vec<u32> = ranges.flat_map(|r| tree::boundaries(&[r])).filter(|k| *k > 0).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The boxes of a rule; `None` where it must stay a row.
fn cut(rule: u32, draft: &Draft) -> Option<Vec<Cell>> {
    let plain = |side: &rules::Side| {
        let named = side.network || side.internet || !side.tags.is_empty() || !side.groups.is_empty();
        (!named).then(|| if side.any { vec![(0, u32::MAX)] } else { side.ranges.clone() })
    };
    if draft.doubtful || !draft.source_ports.is_all() {
        return None;
    }
    let (sources, destinations) = (plain(&draft.source)?, plain(&draft.destination)?);
    let mut protocols: Vec<(u16, u16, bool)> = Vec::new();
    for protocol in 0..5u16 {
        let ported = rules::has_ports(protocol as u8);
        // A rule with particular ports cannot match a protocol without ports.
        if draft.protocols >> protocol & 1 == 0 || !ported && !draft.ports.is_all() {
            continue;
        }
        match protocols.last_mut() {
            Some(last) if last.1 + 1 == protocol && last.2 == ported => last.1 = protocol,
            _ => protocols.push((protocol, protocol, ported)),
        }
    }
    let ports: Vec<(u16, u16)> = draft.ports.ranges().iter().map(|r| (r.low, r.high)).collect();
    let count = sources.len() * destinations.len() * protocols.len() * ports.len().max(1);
    if count > MOST_BOXES {
        return None;
    }
    let mut out = Vec::with_capacity(count);
    for source in &sources {
        for destination in &destinations {
            for (first, last, ported) in &protocols {
                let every = [(0, u16::MAX)];
                for ports in if *ported { &ports[..] } else { &every[..] } {
                    let (source, destination, ports) = (*source, *destination, *ports);
                    out.push(Cell { rule, source, destination, ports, protocols: (*first, *last) });
                }
            }
        }
    }
    Some(out)
}

fn push_block(lines: &mut Lines, cells: &[&Cell], other: &dyn Fn(&Cell) -> (usize, usize)) {
    let lanes = |value: &dyn Fn(&Cell) -> u16, filler: u16| {
        let lane = |i: usize| u32::from(cells.get(i).map_or(filler, |c| value(c)));
        Line(std::array::from_fn(|word| lane(2 * word) | lane(2 * word + 1) << 16))
    };
    // An unused lane holds no number: its low end is above its high end.
    lines.push(lanes(&|c| other(c).0 as u16, u16::MAX));
    lines.push(lanes(&|c| other(c).1 as u16, 0));
    lines.push(lanes(&|c| c.ports.0, u16::MAX));
    lines.push(lanes(&|c| c.ports.1, 0));
    lines.push(lanes(&|c| c.protocols.0, u16::MAX));
    lines.push(lanes(&|c| c.protocols.1, 0));
    let numbers: Vec<u32> = (0..BLOCK).map(|i| cells.get(i).map_or(u32::MAX, |c| c.rule)).collect();
    lines.words(&numbers, u32::MAX);
}

/// A question to a big set under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Search {
    source: Cursor,
    destination: Cursor,
}

impl Leaves {
    /// Begins.
    #[inline(always)]
    pub fn search<C: Cpu>(&self, cpu: C, lines: &Lines) -> Search {
        self.source.fetch(cpu, lines);
        self.destination.fetch(cpu, lines);
        Search { source: Cursor::new(self.source), destination: Cursor::new(self.destination) }
    }

    /// Goes one level down; `false` at the end.
    #[inline(always)]
    pub fn step<C: Cpu>(&self, cpu: C, lines: &Lines, search: &mut Search, ask: &Ask) -> bool {
        let mut more = false;
        for (cursor, x) in [(&mut search.source, ask.source), (&mut search.destination, ask.destination)] {
            if !cursor.is_done() {
                cursor.step(cpu, lines, x);
                if !cursor.is_done() {
                    cpu.fetch(lines.line(cursor.line));
                    more = true;
                }
            }
        }
        more
    }

    /// Asks for the directory of the leaves.
    #[inline(always)]
    pub fn fetch_directory<C: Cpu>(&self, cpu: C, lines: &Lines, search: &Search) {
        cpu.fetch(lines.line(self.source_leaves + search.source.rank / 8));
        cpu.fetch(lines.line(self.destination_leaves + search.destination.rank / 8));
    }

    #[inline(always)]
    fn leaf(lines: &Lines, directory: u32, rank: u32) -> (u32, u32) {
        let line = &lines.line(directory + rank / 8).0;
        let at = rank as usize % 8 * 2;
        (line[at], line[at + 1])
    }

    /// Asks for the first blocks.
    #[inline(always)]
    pub fn fetch_leaves<C: Cpu>(&self, cpu: C, lines: &Lines, search: &Search) {
        for (directory, rank) in
            [(self.source_leaves, search.source.rank), (self.destination_leaves, search.destination.rank)]
        {
            let (first, count) = Self::leaf(lines, directory, rank);
            if count > 0 {
                cpu.fetch(lines.line(first));
                cpu.fetch(lines.line(first + 1));
            }
        }
    }

    /// What the set says.
    #[inline(always)]
    pub fn finish<C: Cpu>(&self, cpu: C, around: Around<'_>, search: &Search, ask: &Ask) -> Said {
        let lines = around.lines;
        let mut best = u32::MAX;
        let other = [search.destination.rank, search.source.rank];
        let leaves = [
            Self::leaf(lines, self.source_leaves, search.source.rank),
            Self::leaf(lines, self.destination_leaves, search.destination.rank),
        ];
        for ((first, count), other) in leaves.into_iter().zip(other) {
            for block in 0..count {
                let at = first + block * BLOCK_LINES;
                let mut found = cpu.within(lines.line(at), lines.line(at + 1), other as u16);
                if found != 0 {
                    found &= matching(cpu, lines, at, ask);
                }
                if found != 0 {
                    best = best.min(lines.word(at + 6, found.trailing_zeros()));
                    break;
                }
            }
        }
        for block in 0..self.common.1 {
            let at = self.common.0 + block * 2 * BLOCK_LINES;
            if lines.line(at + 6).0[0] > best {
                break;
            }
            let mut found = cpu.within(lines.line(at), lines.line(at + 1), search.source.rank as u16);
            if found != 0 {
                let next = at + BLOCK_LINES;
                found &= cpu.within(lines.line(next), lines.line(next + 1), search.destination.rank as u16);
            }
            if found != 0 {
                found &= matching(cpu, lines, at, ask);
            }
            if found != 0 {
                best = best.min(lines.word(at + 6, found.trailing_zeros()));
                break;
            }
        }
        if let Some((head, numbers)) = &self.rows {
            match rules::decide(cpu, around, *head, ask, None) {
                // ASSUMPTION: which rule was in doubt is not told, so any hit is doubted.
                Said::Doubt => return Said::Doubt,
                Said::Rule(row, _) => best = best.min(numbers[row as usize]),
                Said::Nothing => {}
            }
        }
        match self.says.get(best as usize) {
            Some(says) => Said::Rule(best, *says),
            None => Said::Nothing,
        }
    }

    /// Bytes beside the arena.
    pub fn bytes(&self) -> usize {
        self.says.len() + self.rows.as_ref().map_or(0, |(_, n)| n.len() * 4)
    }

    /// Lines in the arena.
    pub fn lines(&self) -> u32 {
        self.lines
    }

    /// Asks at once.
    #[inline(always)]
    pub fn decide<C: Cpu>(&self, cpu: C, around: Around<'_>, ask: &Ask) -> Said {
        let mut search = self.search(cpu, around.lines);
        while self.step(cpu, around.lines, &mut search, ask) {}
        self.finish(cpu, around, &search, ask)
    }
}

#[inline(always)]
fn matching<C: Cpu>(cpu: C, lines: &Lines, at: u32, ask: &Ask) -> u32 {
    let port = if rules::has_ports(ask.protocol) { ask.port } else { 0 };
    cpu.within(lines.line(at + 2), lines.line(at + 3), port)
        & cpu.within(lines.line(at + 4), lines.line(at + 5), u16::from(ask.protocol))
}
