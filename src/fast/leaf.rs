//! Sets of more than a hundred rules (Azure Firewall holds 20,000): an index of leaves.
//!
//! A rule is cut into boxes of one range a dimension. A box is filed under the address dimension in which it
//! covers fewer intervals, in the leaf of each interval it covers; boxes that cover many in both go to one
//! leaf of their own. A question looks at three leaves: the common one, that of its source, that of its destination,
//! and ends where no leaf can hold a lower number than what was found. Leaves stand in blocks of 32 lanes, in the order
//! of rules, a line for each end of each range, so that one compare asks 32 boxes. Small leaves share a block, since
//! most hold a few boxes, and leaves of the same boxes are kept once. Rules that name service tags, or are doubtful,
//! stay in a set of rows ([`super::rules`]) beside the leaves, asked only where a tag they need holds an address; the
//! lower number of both wins.
//!
//! Lines touched: 2-3 for each tree, 2 for each block that does not match. Measured against it and dropped
//! for this size: rows of bits (four times slower at 20,000 rules), a linear walk (100 times), blocks of one leaf each
//! (with numbers and protocols twice as wide, five times the memory).

use super::alike::Alike;
use super::cpu::Cpu;
use super::lines::{Line, Lines, WORDS};
use super::rules::{self, Around, Ask, Draft, Said, Says, Side, TagRow};
use super::tree::{self, Cursor, Tree};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// A box that covers more intervals than this in both dimensions is common.
const WIDE: usize = 64;

/// A rule that would make more boxes stays a row.
const MOST_BOXES: usize = 512;

/// Protocols with ports.
const WITH_PORTS: u16 = 0b11;

/// Boxes in a block.
const BLOCK: usize = 2 * WORDS;

/// Trees of so many levels are searched at once: but for their last line they are at hand.
const AT_HAND: u32 = 3;

/// Lines of a block.
mod block {
    /// The other address as ranks, low and high.
    pub(super) const OTHER: u32 = 0;
    pub(super) const PORTS: u32 = 2;
    /// Protocols, a bit each.
    pub(super) const PROTOCOLS: u32 = 4;
    pub(super) const NUMBERS: u32 = 5;
    pub(super) const LINES: u32 = 6;
    /// In common blocks the source stands where others have the other address, and the destination here.
    pub(super) const DESTINATION: u32 = 6;
    pub(super) const COMMON_LINES: u32 = 8;
}

/// Blocks whose room is looked at for the next small leaf.
const OPEN: usize = 16;

/// One range in every dimension.
#[derive(Clone, Copy, Debug)]
struct Cell {
    rule: u32,
    source: (u32, u32),
    destination: (u32, u32),
    ports: (u16, u16),
    protocols: u16,
}

/// Where a leaf stands: the first line of its first block, and its lanes: the first one below, their number above.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    line: u32,
    lanes: u32,
}

/// Rules kept as rows.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
struct Rows {
    head: u32,
    /// Their numbers here.
    numbers: Vec<u32>,
    /// Tags of which one must hold the source, or the destination, for any of them to match.
    source: TagRow,
    destination: TagRow,
    /// Whether one of them needs none.
    always: bool,
}

/// A big set of rules.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct Leaves {
    source: Tree,
    destination: Tree,
    /// First block and lanes, for each interval.
    source_leaves: u32,
    destination_leaves: u32,
    common: (u32, u32),
    /// What each rule says.
    says: Vec<Says>,
    rows: Option<Rows>,
    lines: u32,
}

/// Compiles rules; `None` where too many of them cannot be cut into boxes.
pub fn build(lines: &mut Lines, alike: &mut Alike, drafts: &[Draft]) -> Option<Leaves> {
    let before = lines.end();
    let (mut cells, mut kept) = (Vec::new(), Vec::new());
    for (number, draft) in drafts.iter().enumerate() {
        match cut(number as u32, draft) {
            Some(own) => cells.extend(own),
            None => kept.push(number as u32),
        }
    }
    if kept.len() > rules::MOST_RULES || drafts.len() >= usize::from(u16::MAX) {
        return None;
    }
    let rows = (!kept.is_empty()).then(|| keep(lines, alike, drafts, kept));
    let source_keys = keys(cells.iter().map(|c| c.source));
    let destination_keys = keys(cells.iter().map(|c| c.destination));
    if source_keys.len().max(destination_keys.len()) >= usize::from(u16::MAX) {
        return None;
    }
    let source_of = |c: &Cell| span(&source_keys, c.source);
    let destination_of = |c: &Cell| span(&destination_keys, c.destination);
    let mut by_source: Vec<Vec<u32>> = vec![Vec::new(); source_keys.len() + 1];
    let mut by_destination: Vec<Vec<u32>> = vec![Vec::new(); destination_keys.len() + 1];
    let mut common = Vec::new();
    for (number, cell) in cells.iter().enumerate() {
        let (a, b) = (source_of(cell), destination_of(cell));
        let (wide_a, wide_b) = (a.1 - a.0, b.1 - b.0);
        let leaves = if wide_a.min(wide_b) > WIDE {
            common.push(*cell);
            continue;
        } else if wide_b <= wide_a {
            &mut by_destination[b.0..=b.1]
        } else {
            &mut by_source[a.0..=a.1]
        };
        leaves.iter_mut().for_each(|leaf| leaf.push(number as u32));
    }
    let source_leaves = shelve(lines, &cells, by_source, &destination_of);
    let destination_leaves = shelve(lines, &cells, by_destination, &source_of);
    let first = lines.end();
    for block in common.chunks(BLOCK) {
        push_block(lines, block, &source_of);
        push_range(lines, block, |c| ends(destination_of(c)));
    }
    let common = (first, common.len().div_ceil(BLOCK) as u32);
    let source = tree::build(lines, &source_keys);
    let destination = tree::build(lines, &destination_keys);
    let says = drafts.iter().map(|d| d.says).collect();
    let lines = lines.end() - before;
    Some(Leaves { source, destination, source_leaves, destination_leaves, common, says, rows, lines })
}

/// Compiles the rules that stay rows.
fn keep(lines: &mut Lines, alike: &mut Alike, drafts: &[Draft], numbers: Vec<u32>) -> Rows {
    let own: Vec<Draft> = numbers.iter().map(|n| drafts[*n as usize].clone()).collect();
    let mut rows = Rows { head: rules::build(lines, alike, &own), numbers, ..Rows::default() };
    for draft in &own {
        let by_tags = |side: &Side| {
            let more = side.any || side.network || side.internet;
            !more && side.ranges.is_empty() && side.groups.is_empty()
        };
        let (row, side) = match (by_tags(&draft.source), by_tags(&draft.destination)) {
            (true, _) => (&mut rows.source, &draft.source),
            (false, true) => (&mut rows.destination, &draft.destination),
            (false, false) => {
                rows.always = true;
                continue;
            }
        };
        for tag in &side.tags {
            row[usize::from(*tag) / 64] |= 1 << (tag % 64);
        }
    }
    rows
}

/// The intervals that a range covers.
fn span(keys: &[u32], range: (u32, u32)) -> (usize, usize) {
    (keys.partition_point(|k| *k <= range.0), keys.partition_point(|k| *k <= range.1))
}

fn ends(span: (usize, usize)) -> (u16, u16) {
    (span.0 as u16, span.1 as u16)
}

/// Blocks being filled with leaves.
#[derive(Default)]
struct Shelf {
    blocks: Vec<Vec<u32>>,
    /// Blocks with room.
    open: Vec<usize>,
    /// Leaves of the same boxes: their first block and lane.
    known: HashMap<Vec<u32>, (usize, usize)>,
}

impl Shelf {
    /// Gives a leaf its place.
    fn put(&mut self, leaf: Vec<u32>) -> (usize, usize) {
        if leaf.is_empty() {
            return (0, 0);
        }
        if let Some(place) = self.known.get(&leaf) {
            return *place;
        }
        let fits = |n: &usize| self.blocks[*n].len() + leaf.len() <= BLOCK;
        let place = match self.open.iter().position(fits) {
            Some(at) => {
                let block = self.open[at];
                let lane = self.blocks[block].len();
                self.blocks[block].extend(&leaf);
                if self.blocks[block].len() == BLOCK {
                    self.open.remove(at);
                }
                (block, lane)
            }
            None => self.begin(&leaf),
        };
        self.known.insert(leaf, place);
        place
    }

    /// A leaf in blocks of its own, the last of which may have room for others.
    fn begin(&mut self, leaf: &[u32]) -> (usize, usize) {
        let first = self.blocks.len();
        self.blocks.extend(leaf.chunks(BLOCK).map(<[u32]>::to_vec));
        if !leaf.len().is_multiple_of(BLOCK) {
            self.open.push(self.blocks.len() - 1);
        }
        if self.open.len() > OPEN {
            let fullest = (0..self.open.len()).max_by_key(|n| self.blocks[self.open[*n]].len());
            if let Some(n) = fullest {
                self.open.remove(n);
            }
        }
        (first, 0)
    }
}

/// Writes the leaves of one dimension, and their directory; tells where that is.
fn shelve(
    lines: &mut Lines,
    cells: &[Cell],
    leaves: Vec<Vec<u32>>,
    other: &dyn Fn(&Cell) -> (usize, usize),
) -> u32 {
    let mut shelf = Shelf::default();
    let first = lines.end();
    let mut directory = Vec::with_capacity(2 * leaves.len());
    for leaf in leaves {
        let count = leaf.len() as u32;
        let (block, lane) = shelf.put(leaf);
        directory.extend([first + block as u32 * block::LINES, lane as u32 | count << 8]);
    }
    if shelf.blocks.is_empty() {
        // An empty leaf is read like any other.
        push_block(lines, &[], other);
    }
    for block in &shelf.blocks {
        let own: Vec<Cell> = block.iter().map(|n| cells[*n as usize]).collect();
        push_block(lines, &own, other);
    }
    lines.words(&directory, 0)
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
    // A rule with particular ports cannot match a protocol without ports.
    let protocols = match draft.ports.is_all() {
        true => u16::from(draft.protocols),
        false => u16::from(draft.protocols) & WITH_PORTS,
    };
    let ports: Vec<(u16, u16)> = match protocols {
        0 => Vec::new(),
        _ => draft.ports.ranges().iter().map(|r| (r.low, r.high)).collect(),
    };
    let count = sources.len() * destinations.len() * ports.len();
    if count > MOST_BOXES {
        return None;
    }
    let mut out = Vec::with_capacity(count);
    for source in &sources {
        for destination in &destinations {
            for ports in &ports {
                let (source, destination, ports) = (*source, *destination, *ports);
                out.push(Cell { rule, source, destination, ports, protocols });
            }
        }
    }
    Some(out)
}

/// Adds a line of 32 values.
fn push_lanes(lines: &mut Lines, cells: &[Cell], filler: u16, value: impl Fn(&Cell) -> u16) {
    let lane = |i: usize| u32::from(cells.get(i).map_or(filler, &value));
    lines.push(Line(std::array::from_fn(|word| lane(2 * word) | lane(2 * word + 1) << 16)));
}

/// Adds the ends of 32 ranges. An unused lane holds no number: its low end is above its high end.
fn push_range(lines: &mut Lines, cells: &[Cell], range: impl Fn(&Cell) -> (u16, u16)) {
    push_lanes(lines, cells, u16::MAX, |c| range(c).0);
    push_lanes(lines, cells, 0, |c| range(c).1);
}

fn push_block(lines: &mut Lines, cells: &[Cell], other: &dyn Fn(&Cell) -> (usize, usize)) {
    push_range(lines, cells, |c| ends(other(c)));
    push_range(lines, cells, |c| c.ports);
    push_lanes(lines, cells, 0, |c| c.protocols);
    push_lanes(lines, cells, u16::MAX, |c| c.rule as u16);
}

/// The rule of a lane.
#[inline(always)]
fn number(lines: &Lines, at: u32, lane: u32) -> u32 {
    let word = lines.line(at + block::NUMBERS).0[(lane / 2) as usize & (WORDS - 1)];
    word >> (lane % 2 * 16) & 0xffff
}

/// A question to a big set under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Search {
    source: Cursor,
    destination: Cursor,
    leaves: [Place; 2],
}

impl Leaves {
    /// Begins; `false` where the search for both ends is over at once.
    #[inline(always)]
    pub fn begin<C: Cpu>(&self, cpu: C, lines: &Lines, search: &mut Search, ask: &Ask) -> bool {
        let mut more = false;
        let ends = [
            (&mut search.source, self.source, ask.source),
            (&mut search.destination, self.destination, ask.destination),
        ];
        for (cursor, tree, x) in ends {
            if tree.depth() <= AT_HAND {
                *cursor = Cursor::found(tree.rank(cpu, lines, x));
            } else {
                tree.fetch(cpu, lines);
                *cursor = Cursor::new(tree);
                more = true;
            }
        }
        more
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
    fn leaf(lines: &Lines, directory: u32, rank: u32) -> Place {
        let line = &lines.line(directory + rank / 8).0;
        let at = rank as usize % 8 * 2;
        Place { line: line[at], lanes: line[at + 1] }
    }

    /// Asks for the first blocks.
    #[inline(always)]
    pub fn fetch_leaves<C: Cpu>(&self, cpu: C, lines: &Lines, search: &mut Search) {
        let ends = [(self.source_leaves, &search.source), (self.destination_leaves, &search.destination)];
        for (n, (directory, cursor)) in ends.into_iter().enumerate() {
            let place = Self::leaf(lines, directory, cursor.rank);
            search.leaves[n] = place;
            cpu.fetch(lines.line(place.line + block::OTHER));
            cpu.fetch(lines.line(place.line + block::OTHER + 1));
        }
    }

    /// What the set says; the blocks must have been asked for.
    #[inline(always)]
    pub fn finish<C: Cpu>(&self, cpu: C, around: Around<'_>, search: &Search, ask: &Ask) -> Said {
        let lines = around.lines;
        let [source, destination] = [search.source.rank, search.destination.rank];
        let mut best = self.common(cpu, lines, search, ask);
        for (place, other) in search.leaves.into_iter().zip([destination, source]) {
            best = scan(cpu, lines, place, other as u16, ask, best);
        }
        if let Some(rows) = &self.rows
            && rows.may_match(around, ask)
        {
            match rules::decide(cpu, around, rows.head, ask, None) {
                // ASSUMPTION: which rule was in doubt is not told, so any hit is doubted.
                Said::Doubt => return Said::Doubt,
                Said::Rule(row, _) => best = best.min(rows.numbers[row as usize]),
                Said::Nothing => {}
            }
        }
        match self.says.get(best as usize) {
            Some(says) => Said::Rule(best, *says),
            None => Said::Nothing,
        }
    }

    /// The first rule of the common leaf that matches.
    #[inline(always)]
    fn common<C: Cpu>(&self, cpu: C, lines: &Lines, search: &Search, ask: &Ask) -> u32 {
        for n in 0..self.common.1 {
            let at = self.common.0 + n * block::COMMON_LINES;
            let to = at + block::DESTINATION;
            let (source, destination) = (search.source.rank as u16, search.destination.rank as u16);
            let found = cpu.within(lines.line(at), lines.line(at + 1), source)
                & cpu.within(lines.line(to), lines.line(to + 1), destination);
            let found = found & matching(cpu, lines, at, ask);
            if found != 0 {
                return number(lines, at, found.trailing_zeros());
            }
        }
        u32::MAX
    }

    /// Bytes beside the arena.
    pub fn bytes(&self) -> usize {
        self.says.len() + self.rows.as_ref().map_or(0, |rows| rows.numbers.len() * 4)
    }

    /// Lines in the arena.
    pub fn lines(&self) -> u32 {
        self.lines
    }

    /// Asks at once.
    #[inline(always)]
    pub fn decide<C: Cpu>(&self, cpu: C, around: Around<'_>, ask: &Ask) -> Said {
        let mut search = Search::default();
        self.begin(cpu, around.lines, &mut search, ask);
        while self.step(cpu, around.lines, &mut search, ask) {}
        self.fetch_leaves(cpu, around.lines, &mut search);
        self.finish(cpu, around, &search, ask)
    }
}

impl Rows {
    /// Whether a tag that some of them need holds an address.
    #[inline(always)]
    fn may_match(&self, around: Around<'_>, ask: &Ask) -> bool {
        let holds = |row: u32, tags: &TagRow| {
            let own = &around.tags[row as usize];
            // The first row is empty.
            row != 0 && own.iter().zip(tags).fold(0, |all, (a, b)| all | a & b) != 0
        };
        self.always || holds(ask.tags[0], &self.source) || holds(ask.tags[1], &self.destination)
    }
}

/// The first rule of a leaf that matches, unless one before it is known.
#[inline(always)]
fn scan<C: Cpu>(cpu: C, lines: &Lines, place: Place, other: u16, ask: &Ask, best: u32) -> u32 {
    let (mut from, mut left) = (place.lanes & 0xff, place.lanes >> 8);
    let mut at = place.line;
    loop {
        // Most leaves lie in one block, and which of them are empty, or hold the address, is foreseen by nobody: so all
        // is compared, and nothing jumps by it.
        let here = left.min(BLOCK as u32 - from);
        let lanes = (((1u64 << here) - 1) << from) as u32;
        let found =
            cpu.within(lines.line(at), lines.line(at + 1), other) & lanes & matching(cpu, lines, at, ask);
        let first = number(lines, at, found.trailing_zeros()) | u32::from(found != 0).wrapping_sub(1);
        left -= here;
        if left == 0 || found != 0 {
            return best.min(first);
        }
        (from, at) = (0, at + block::LINES);
        if best != u32::MAX && number(lines, at, from) > best {
            return best;
        }
    }
}

/// Which boxes of a block hold the port and the protocol.
#[inline(always)]
fn matching<C: Cpu>(cpu: C, lines: &Lines, at: u32, ask: &Ask) -> u32 {
    let port = if rules::has_ports(ask.protocol) { ask.port } else { 0 };
    let ports = at + block::PORTS;
    cpu.within(lines.line(ports), lines.line(ports + 1), port)
        & cpu.meeting(lines.line(at + block::PROTOCOLS), 1 << (ask.protocol & 7))
}
