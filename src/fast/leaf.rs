//! Sets of more than a hundred rules (Azure Firewall holds 20,000): an index of leaves.
//!
//! A rule is cut into boxes of one range of sources and one of destinations. A box is filed under the address dimension
//! in which it covers fewer intervals, in the leaf of each interval it covers; boxes that cover many in both go to one
//! leaf of their own. A question looks at three leaves: the common one, that of its source, that of its destination,
//! and ends where no leaf can hold a lower number than what was found. Leaves stand in blocks of 32 lanes, in the order
//! of rules, a line for each end of the other address, so that one compare asks 32 boxes. Small leaves share a block,
//! since most hold a few boxes, and leaves of the same boxes are kept once. Ports and protocols are asked of the few
//! boxes that hold both addresses: what rules say of them is kept once for all rules that say the same, a line of 8
//! ranges. Rules that name service tags, or are doubtful, stay in a set of rows ([`super::rules`]) beside the leaves,
//! asked only where a tag they need holds an address; the lower number of both wins.
//!
//! Lines touched: 2-3 for each tree, 2 for each block that does not match, 3 more for a box that does. Measured against
//! it and dropped for this size: rows of bits (four times slower at 20,000 rules), a linear walk (100 times), blocks of
//! one leaf each (with numbers and protocols twice as wide, five times the memory), ports as a dimension of boxes (four
//! times the memory: a rule has several ports, and every box of it six lines instead of three).

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
const WITH_PORTS: u32 = 0b11;

/// Rules with names are asked of leaves only where the common leaf has so few blocks.
const FEW: u32 = 2;

/// Boxes in a block.
const BLOCK: usize = 2 * WORDS;

/// Trees of so many levels are searched at once: but for their last line they are at hand.
const AT_HAND: u32 = 3;

/// Lines of a block.
mod block {
    /// The other address as ranks, low and high.
    pub(super) const OTHER: u32 = 0;
    pub(super) const NUMBERS: u32 = 2;
    pub(super) const LINES: u32 = 3;
    /// In common blocks the source stands where others have the other address, and the destination here.
    pub(super) const DESTINATION: u32 = 3;
    pub(super) const COMMON_LINES: u32 = 5;
}

/// Words of a directory: the number of a block above, and where its leaf stands there.
mod entry {
    /// Above it stands the block.
    pub(super) const BLOCK: u32 = 14;
    /// Set for a leaf of several blocks; below it their number.
    pub(super) const LONG: u32 = 1 << 13;
    /// Above it stands how many lanes a short leaf has, below it the first.
    pub(super) const COUNT: u32 = 5;
}

/// What a rule asks of protocols and ports, in a word.
mod asks {
    /// The first line of its ports, among those of all.
    pub(super) const LINES: u32 = 0xf_ffff;
    /// Above it stand its protocols, a bit each.
    pub(super) const PROTOCOLS: u32 = 20;
    /// Above it stands how many lines more it has.
    pub(super) const MORE: u32 = 25;
}

/// Blocks whose room is looked at for the next small leaf.
const OPEN: usize = 16;

/// One range in every dimension.
#[derive(Clone, Copy, Debug)]
struct Cell {
    rule: u32,
    source: (u32, u32),
    destination: (u32, u32),
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

/// The leaves of one dimension: their first block, and a word for each interval ([`entry`]).
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Directory {
    blocks: u32,
    words: u32,
}

/// A big set of rules.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
pub struct Leaves {
    source: Tree,
    destination: Tree,
    source_leaves: Directory,
    destination_leaves: Directory,
    common: (u32, u32),
    /// For each rule what it asks of protocols and ports, and the ports.
    asks: u32,
    ports: u32,
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
    // A dimension in which all rules hold everything tells none of them from the others.
    let width = |(first, last): (usize, usize), keys: &[u32]| match keys.is_empty() {
        true => usize::MAX,
        false => last - first,
    };
    for (number, cell) in cells.iter().enumerate() {
        let (a, b) = (source_of(cell), destination_of(cell));
        let (wide_a, wide_b) = (width(a, &source_keys), width(b, &destination_keys));
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
    let (asks, ports) = ask_lines(lines, drafts)?;
    let rows = (!kept.is_empty()).then(|| keep(lines, alike, drafts, kept));
    let source_leaves = shelve(lines, &cells, by_source, &destination_of)?;
    let destination_leaves = shelve(lines, &cells, by_destination, &source_of)?;
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
    Some(Leaves {
        source,
        destination,
        source_leaves,
        destination_leaves,
        common,
        asks,
        ports,
        says,
        rows,
        lines,
    })
}

/// Writes what rules ask of protocols and ports; tells where that of each stands, and where the ports stand.
fn ask_lines(lines: &mut Lines, drafts: &[Draft]) -> Option<(u32, u32)> {
    let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
    let (mut ports, mut words) = (Lines::default(), Vec::with_capacity(drafts.len()));
    for draft in drafts {
        let ranges = draft.ports.ranges().iter();
        let ends: Vec<u32> = ranges.flat_map(|r| [u32::from(r.low), u32::from(r.high) + 1]).collect();
        let more = ends.len().div_ceil(WORDS).saturating_sub(1) as u32;
        let line = match known.get(&ends) {
            Some(line) => *line,
            None if ends.is_empty() => 0,
            None => {
                let line = ports.words(&ends, u32::MAX);
                known.insert(ends, line);
                line
            }
        };
        if line + more > asks::LINES || more >= 1 << (32 - asks::MORE) {
            return None;
        }
        words.push(line | protocols(draft) << asks::PROTOCOLS | more << asks::MORE);
    }
    // Whoever asks a rule without ports finds a line, too.
    ports.push(Line::default());
    Some((lines.words(&words, 0), lines.append(ports.as_slice())))
}

/// The protocols of a rule: one with particular ports cannot match a protocol without ports, and one without ports
/// matches nothing.
fn protocols(draft: &Draft) -> u32 {
    let own = u32::from(draft.protocols);
    match (draft.ports.is_all(), draft.ports.ranges().is_empty()) {
        (true, _) => own,
        (_, true) => 0,
        _ => own & WITH_PORTS,
    }
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
            _ if leaf.len() > BLOCK => self.begin(&leaf),
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

    /// A leaf in blocks of its own; a short one leaves room for others.
    fn begin(&mut self, leaf: &[u32]) -> (usize, usize) {
        let first = self.blocks.len();
        self.blocks.extend(leaf.chunks(BLOCK).map(<[u32]>::to_vec));
        if leaf.len() < BLOCK {
            self.open.push(first);
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

/// Writes the leaves of one dimension, and their directory; `None` where they are too many for it.
fn shelve(
    lines: &mut Lines,
    cells: &[Cell],
    leaves: Vec<Vec<u32>>,
    other: &dyn Fn(&Cell) -> (usize, usize),
) -> Option<Directory> {
    let mut shelf = Shelf::default();
    let mut directory = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let count = leaf.len();
        let (block, lane) = shelf.put(leaf);
        let place = match count <= BLOCK {
            true => lane as u32 | (count as u32) << entry::COUNT,
            false => entry::LONG | count.div_ceil(BLOCK) as u32,
        };
        let fits = block < 1 << (32 - entry::BLOCK) && count.div_ceil(BLOCK) < entry::LONG as usize;
        directory.push(fits.then_some((block as u32) << entry::BLOCK | place)?);
    }
    let blocks = lines.end();
    if shelf.blocks.is_empty() {
        // An empty leaf is read like any other.
        push_block(lines, &[], other);
    }
    for block in &shelf.blocks {
        let own: Vec<Cell> = block.iter().map(|n| cells[*n as usize]).collect();
        push_block(lines, &own, other);
    }
    Some(Directory { blocks, words: lines.words(&directory, 0) })
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
    if protocols(draft) == 0 {
        return Some(Vec::new());
    }
    if sources.len() * destinations.len() > MOST_BOXES {
        return None;
    }
    let boxes = sources.iter().flat_map(|source| destinations.iter().map(move |to| (*source, *to)));
    Some(boxes.map(|(source, destination)| Cell { rule, source, destination }).collect())
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
        for (directory, cursor) in
            [(self.source_leaves, &search.source), (self.destination_leaves, &search.destination)]
        {
            cpu.fetch(lines.line(directory.words + cursor.rank / WORDS as u32));
        }
    }

    #[inline(always)]
    fn leaf(lines: &Lines, directory: Directory, rank: u32) -> Place {
        let word = lines.word(directory.words, rank);
        let line = directory.blocks + (word >> entry::BLOCK) * block::LINES;
        let short = word & (BLOCK as u32 - 1) | (word >> entry::COUNT & 63) << 8;
        let long = (word & (entry::LONG - 1)) * BLOCK as u32;
        Place { line, lanes: if word & entry::LONG != 0 { long << 8 } else { short } }
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
            cpu.fetch(lines.line(place.line + block::NUMBERS));
        }
    }

    /// What the set says; the blocks must have been asked for.
    #[inline(always)]
    pub fn finish<C: Cpu>(&self, cpu: C, around: Around<'_>, search: &Search, ask: &Ask) -> Said {
        let mut best = self.first(cpu, around.lines, search, ask, None);
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

    /// The first rule of the leaves that matches, of those that a name fits or may fit.
    #[inline(always)]
    fn first<C: Cpu>(&self, cpu: C, lines: &Lines, search: &Search, ask: &Ask, name: Option<&[u64]>) -> u32 {
        let [source, destination] = [search.source.rank as u16, search.destination.rank as u16];
        let mut best = self.common(cpu, lines, [source, destination], ask, name);
        for (place, other) in search.leaves.into_iter().zip([destination, source]) {
            best = self.scan(cpu, lines, place, other, (ask, name), best);
        }
        best
    }

    /// The first rule of the common leaf that matches.
    #[inline(always)]
    fn common<C: Cpu>(
        &self,
        cpu: C,
        lines: &Lines,
        [source, destination]: [u16; 2],
        ask: &Ask,
        name: Option<&[u64]>,
    ) -> u32 {
        for n in 0..self.common.1 {
            let at = self.common.0 + n * block::COMMON_LINES;
            let to = at + block::DESTINATION;
            let mut found = cpu.within(lines.line(at), lines.line(at + 1), source)
                & cpu.within(lines.line(to), lines.line(to + 1), destination);
            while found != 0 {
                let rule = number(lines, at, found.trailing_zeros());
                if self.lets(cpu, lines, rule, ask, name) {
                    return rule;
                }
                found &= found - 1;
            }
        }
        u32::MAX
    }

    /// The first rule of a leaf that matches, unless one before it is known.
    #[inline(always)]
    fn scan<C: Cpu>(
        &self,
        cpu: C,
        lines: &Lines,
        place: Place,
        other: u16,
        (ask, name): (&Ask, Option<&[u64]>),
        best: u32,
    ) -> u32 {
        let (mut from, mut left) = (place.lanes & 0xff, place.lanes >> 8);
        let mut at = place.line;
        loop {
            // Most leaves lie in one block, and which of them are empty is foreseen by nobody: so nothing jumps by it.
            let here = left.min(BLOCK as u32 - from);
            let lanes = (((1u64 << here) - 1) << from) as u32;
            let mut found = cpu.within(lines.line(at), lines.line(at + 1), other) & lanes;
            while found != 0 {
                let rule = number(lines, at, found.trailing_zeros());
                if self.lets(cpu, lines, rule, ask, name) {
                    return best.min(rule);
                }
                found &= found - 1;
            }
            left -= here;
            if left == 0 {
                return best;
            }
            (from, at) = (0, at + block::LINES);
            if best != u32::MAX && number(lines, at, from) > best {
                return best;
            }
        }
    }

    /// Whether a rule whose addresses match holds the port and the protocol, too, and fits the name.
    #[inline(always)]
    fn lets<C: Cpu>(&self, cpu: C, lines: &Lines, rule: u32, ask: &Ask, name: Option<&[u64]>) -> bool {
        if let Some(name) = name {
            let (fits, may) = name.split_at(name.len() / 2);
            if !(has(fits, rule) | has(may, rule)) {
                return false;
            }
        }
        let asks = lines.word(self.asks, rule);
        if asks >> asks::PROTOCOLS >> (ask.protocol & 7) & 1 == 0 {
            return false;
        }
        let port = u32::from(if rules::has_ports(ask.protocol) { ask.port } else { 0 });
        let first = self.ports + (asks & asks::LINES);
        // The ends of ranges in order: an odd number of them is not above what lies inside.
        let mut below = cpu.rank(lines.line(first), port);
        for more in 1..=asks >> asks::MORE {
            below += cpu.rank(lines.line(first + more), port);
        }
        below & 1 != 0
    }

    /// What a set says to a flow of which the rules are known that its name fits, and behind that, those it may fit.
    #[inline(always)]
    pub fn decide_named<C: Cpu>(&self, cpu: C, lines: &Lines, ask: &Ask, name: &[u64]) -> Said {
        let mut search = Search {
            source: Cursor::found(self.source.rank(cpu, lines, ask.source)),
            destination: Cursor::found(self.destination.rank(cpu, lines, ask.destination)),
            ..Search::default()
        };
        self.fetch_leaves(cpu, lines, &mut search);
        let rule = self.first(cpu, lines, &search, ask, Some(name));
        let may = &name[name.len() / 2..];
        match self.says.get(rule as usize) {
            Some(_) if has(may, rule) => Said::Doubt,
            Some(says) => Said::Rule(rule, *says),
            None => Said::Nothing,
        }
    }

    /// Whether no rule stays a row, and few are asked by every question.
    pub fn is_selective(&self) -> bool {
        self.rows.is_none() && self.common.1 <= FEW
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

/// Whether a row holds a rule.
#[inline(always)]
fn has(row: &[u64], rule: u32) -> bool {
    row.get(rule as usize / 64).is_some_and(|word| word >> (rule % 64) & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::super::cpu::{Portable, Work, with_best};
    use super::*;
    use crate::net::{PortRange, PortSet};

    /// Rules of few addresses, so that many hold a question; with ports of every number of ranges.
    fn drafts(count: u64, below: &mut impl FnMut(u64) -> u64) -> Vec<Draft> {
        let side = |below: &mut dyn FnMut(u64) -> u64| match below(8) {
            0 => Side { any: true, ..Side::default() },
            n => {
                let range = |below: &mut dyn FnMut(u64) -> u64| {
                    let first = (below(200) * 10) as u32;
                    let most = [2, 2, 40, 2_000][below(4) as usize];
                    (first, first + below(most) as u32)
                };
                Side { ranges: (0..n.min(3)).map(|_| range(below)).collect(), ..Side::default() }
            }
        };
        let one = |_| {
            let ports = match below(5) {
                0 => PortSet::all(),
                n => PortSet::new((0..[1, 2, 12, 40][n as usize - 1]).map(|_| {
                    let low = below(2_000) as u16 * 30;
                    PortRange { low, high: low.saturating_add(below(3) as u16 * 2_000) }
                })),
            };
            Draft {
                source: side(below),
                destination: side(below),
                protocols: 1 + below(31) as u8,
                source_ports: PortSet::all(),
                ports,
                says: if below(2) == 0 { Says::Deny } else { Says::Allow },
                doubtful: false,
                platform: false,
            }
        };
        (0..count).map(one).collect()
    }

    /// What a walk from the first rule to the last one finds.
    fn linear(drafts: &[Draft], ask: &Ask, name: Option<&[u64]>) -> Said {
        let inside = |side: &Side, ip: u32| side.any || side.ranges.iter().any(|r| r.0 <= ip && ip <= r.1);
        let matches = |(n, draft): &(usize, &Draft)| {
            let ports = if rules::has_ports(ask.protocol) {
                draft.ports.contains(ask.port)
            } else {
                draft.ports.is_all()
            };
            let fits = name.is_none_or(|name| {
                let (fits, may) = name.split_at(name.len() / 2);
                has(fits, *n as u32) || has(may, *n as u32)
            });
            let protocol = draft.protocols >> ask.protocol & 1 != 0;
            protocol
                && ports
                && fits
                && inside(&draft.source, ask.source)
                && inside(&draft.destination, ask.destination)
        };
        match drafts.iter().enumerate().find(matches) {
            Some((n, _)) if name.is_some_and(|name| has(&name[name.len() / 2..], n as u32)) => Said::Doubt,
            Some((n, draft)) => Said::Rule(n as u32, draft.says),
            None => Said::Nothing,
        }
    }

    struct Asked<'a>(&'a Leaves, &'a Lines, &'a Ask, Option<&'a [u64]>);

    impl Work for Asked<'_> {
        type Output = Said;
        #[inline(always)]
        fn run<C: Cpu>(self, cpu: C) -> Said {
            let Asked(leaves, lines, ask, name) = self;
            match name {
                Some(name) => leaves.decide_named(cpu, lines, ask, name),
                None => leaves.decide(cpu, Around { lines, tags: &[[0; 4]], members: &[] }, ask),
            }
        }
    }

    #[test]
    fn leaves_find_what_a_linear_walk_finds() {
        let mut random = 11u64;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % limit
        };
        let mut found = 0;
        for count in [1, 40, 300, 900] {
            let drafts = drafts(count, &mut below);
            let mut lines = Lines::default();
            lines.push(Line::default());
            let leaves = build(&mut lines, &mut Alike::default(), &drafts).expect("rules that can be cut");
            for n in 0..3_000 {
                let mut ask = Ask { protocol: below(5) as u8, port: below(65_536) as u16, ..Ask::default() };
                (ask.source, ask.destination) = (below(2_200) as u32, below(2_200) as u32);
                let mut name = vec![0u64; 2 * rules::width(drafts.len())];
                name.iter_mut()
                    .for_each(|word| *word = below(1 << 31) & below(1 << 31) & (below(1 << 31) << 20));
                let name = (n % 3 == 0).then_some(&name[..]);
                let expected = linear(&drafts, &ask, name);
                found += usize::from(matches!(expected, Said::Rule(..)));
                assert_eq!(Asked(&leaves, &lines, &ask, name).run(Portable), expected, "{count}: {ask:?}");
                assert_eq!(with_best(Asked(&leaves, &lines, &ask, name)), expected, "{count}: {ask:?}");
            }
        }
        assert!(found > 1_000, "{found} questions found a rule");
    }
}
