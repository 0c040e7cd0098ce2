//! Rule sets of up to [`MOST_RULES`] rules: a row of bits for each interval of each dimension, the rules in
//! order, and the first bit that all rows share decides.
//!
//! A set is one line: the template it follows, and patches, intervals of addresses in which it differs from that.
//! A template is a header, intervals and rows for sources, destinations, ports and source ports, and rows for what
//! a place or a protocol adds: the tags `VirtualNetwork` and `Internet`, service tags, application security
//! groups. So a tag of 10,000 prefixes costs a set one row, and its prefixes are searched once a flow, in one tree
//! for all sets; and a group that differs from a hundred others by its subnet's own prefix costs one line.
//!
//! Rows of up to 64 rules stand beside the intervals ([`super::spans`]), greater ones in whole lines, of which 512
//! rules are compared at once. Lines touched by a set of 64 rules: 1 cold; of its template 1 of header, 2 of fixed
//! rows, 2-3 for each side, 1-2 for ports. What the places of both ends add, and what a rule says, is one word each there
//! (`quick`), and nothing jumps by it: what rules say is foreseen by nobody, and cost 7 of 18 ns. A rule that may or may not match stops the search: the flow is left to
//! the full engine, which knows whether the doubt matters.
//!
//! Measured against it and dropped: a linear walk (25 times slower at 1,000 rules), every set with lines of its own
//! (five times the memory), the leaf index of [`super::leaf`] (slower below some 1,000 rules, faster above).

use super::alike::Alike;
use super::cpu::{Cpu, Portable, Rows};
use super::lines::{Line, Lines, WORDS};
use super::spans;
use super::tree::{self, Cursor, Tree};
use crate::net::{PortSet, Protocol};
use serde::{Deserialize, Serialize};

/// The most rules a set of rows may have.
pub const MOST_RULES: usize = 1_024;

/// One side of a rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// Every address.
    pub any: bool,
    /// IPv4 ranges, both ends included.
    pub ranges: Vec<(u32, u32)>,
    /// The tag `VirtualNetwork`.
    pub network: bool,
    /// The tag `Internet`.
    pub internet: bool,
    /// Service tags by their number among those in use.
    pub tags: Vec<u16>,
    /// Application security groups.
    pub groups: Vec<u32>,
}

/// A rule to be compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Where from.
    pub source: Side,
    /// Where to.
    pub destination: Side,
    /// Protocols, one bit each in the order of [`Protocol::ALL`].
    pub protocols: u8,
    /// Source ports.
    pub source_ports: PortSet,
    /// Destination ports.
    pub ports: PortSet,
    /// What it does.
    pub says: Says,
    /// Whether a flow that it matches must be left to the full engine: what is not known of it is taken as
    /// matching everything.
    pub doubtful: bool,
    /// Whether it names a service of the host.
    pub platform: bool,
}

/// What rules do, by their number; the last place is never asked.
const SAYS: [Says; 4] = [Says::Deny, Says::Allow, Says::AlwaysAllow, Says::AlwaysAllow];

/// What a rule does.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Deny.
    Deny,
    /// Allow.
    Allow,
    /// Allow, and ask no group.
    AlwaysAllow,
}

/// Words of a set's line. Flags and numbers are those of its template.
mod line {
    pub(super) const FLAGS: usize = 0;
    pub(super) const TEMPLATE: usize = 1;
    /// How many patches of sources there are, and of destinations behind them.
    pub(super) const PATCHES: usize = 2;
    /// The first patch: four words each, and four patches in every line that follows.
    pub(super) const FIRST: usize = 4;
}

/// The most patches a set may have.
pub const MOST_PATCHES: usize = 7;

/// An interval of addresses in which a set of up to 64 rules differs from its template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Its first address.
    pub low: u32,
    /// Its last one.
    pub high: u32,
    /// The rules that hold it.
    pub row: u64,
}

/// Words of a template's header, behind which stand the rows of [`row`].
mod word {
    pub(super) const WIDTH: usize = 0;
    pub(super) const SOURCE: usize = 1;
    pub(super) const DESTINATION: usize = 4;
    pub(super) const PORTS: usize = 7;
    pub(super) const SOURCE_PORTS: usize = 10;
    pub(super) const EXTRA: usize = 14;
    pub(super) const EXTRAS: usize = 15;
}

/// Rows that every set has, in this order.
mod row {
    pub(super) const SOURCE_NETWORK: u32 = 0;
    pub(super) const SOURCE_INTERNET: u32 = 1;
    pub(super) const NETWORK: u32 = 2;
    pub(super) const INTERNET: u32 = 3;
    pub(super) const ALLOW: u32 = 4;
    pub(super) const ALWAYS: u32 = 5;
    pub(super) const DOUBT: u32 = 6;
    pub(super) const PLATFORM: u32 = 7;
    pub(super) const ANY_PORT: u32 = 8;
    pub(super) const ANY_SOURCE_PORT: u32 = 9;
    pub(super) const PROTOCOL: u32 = 10;
    pub(super) const COUNT: usize = 15;
}

/// Flags in the header's first word, above the width.
const USES_NETWORK: u32 = 1 << 8;
const HAS_SOURCE_PORTS: u32 = 1 << 9;
const HAS_PLATFORM: u32 = 1 << 10;
const HAS_GROUPS: u32 = 1 << 11;

/// What templates of up to 64 rules have behind the rows of [`row`]: the same, so put that a question reads one word.
mod quick {
    /// Behind header and rows: what `VirtualNetwork`, `Internet`, both add to sources (from 0), to destinations (from 4).
    pub(super) const PLACES: usize = 3;
    /// Two bits for each rule, in two words: [`SAYS`] or [`DOUBT`]. Behind them a row for each protocol, which for those
    /// without ports holds the rules for every port alone.
    pub(super) const SAYS: usize = 4;
    pub(super) const PROTOCOL: usize = 2;
    /// The flow is left to the full engine.
    pub(super) const DOUBT: u64 = 3;
    /// Lines of a template, but for its dimensions.
    pub(super) const LINES: usize = 5;
}

/// What a flow is to a set of rules, as far as the place matters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ask {
    /// Source address.
    pub source: u32,
    /// Destination address.
    pub destination: u32,
    /// Source port; 0 passes conditions on source ports over.
    pub source_port: u16,
    /// Destination port.
    pub port: u16,
    /// Protocol.
    pub protocol: u8,
    /// Whether `VirtualNetwork` holds the source and the destination.
    pub network: [bool; 2],
    /// Whether `Internet` does.
    pub internet: [bool; 2],
    /// Rows of the service tags that hold the addresses.
    pub tags: [u32; 2],
    /// Application security groups of sender and receiver, as runs in the list of memberships.
    pub groups: [(u32, u32); 2],
    /// Whether only rules that name the platform act.
    pub platform_only: bool,
    /// Whether `VirtualNetwork` may hold more there.
    pub network_doubt: bool,
}

impl Ask {
    /// Which of `VirtualNetwork` and `Internet` hold an end, a bit each.
    #[inline(always)]
    fn place(&self, side: usize) -> usize {
        usize::from(self.network[side]) | usize::from(self.internet[side]) << 1
    }

    /// Whether a service tag or a group may hold one of the ends: the first row of tags is empty.
    #[inline(always)]
    fn is_named(&self) -> bool {
        let [(a, b), (c, d)] = self.groups;
        self.tags[0] | self.tags[1] != 0 || a != b || c != d
    }
}

/// Which service tags in use hold an address.
pub type TagRow = [u64; 4];

/// What sets of rules need to know beside the arena.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// The arena.
    pub lines: &'a Lines,
    /// Rows of service tags.
    pub tags: &'a [TagRow],
    /// Memberships in application security groups.
    pub members: &'a [u32],
}

/// What a set says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// This rule, in the order of the set.
    Rule(u32, Says),
    /// No rule.
    Nothing,
    /// The full engine must say.
    Doubt,
}

/// Words of a row in rows of this width.
fn set(rows: &mut [u64], width: usize, row: usize, rule: usize) {
    rows[row * width + rule / 64] |= 1 << (rule % 64);
}

/// A dimension: intervals, and a row for each. Tells where the tree is and where what follows it.
fn dimension(
    (lines, alike): (&mut Lines, &mut Alike),
    width: usize,
    rules: &[Draft],
    ranges: impl Fn(&Draft) -> Vec<(u32, u32)>,
) -> (Tree, u32) {
    let (keys, rows) = intervals(width, rules.iter().map(ranges).collect());
    let (run, shape) = match width {
        1 => spans::rows(&keys, &rows),
        _ => {
            let mut run = Lines::default();
            let shape = tree::build(&mut run, &keys).shape;
            run.doubles(&rows);
            (run, shape)
        }
    };
    let tree = Tree { root: alike.put(lines, run.as_slice()), shape };
    (tree, tree.end())
}

/// The beginnings of intervals, and the rows of rules that hold each.
fn intervals(width: usize, each: Vec<Vec<(u32, u32)>>) -> (Vec<u32>, Vec<u64>) {
    let mut keys: Vec<u32> = each.iter().flat_map(|r| tree::boundaries(r)).filter(|k| *k > 0).collect();
    keys.sort_unstable();
    keys.dedup();
    let mut rows = vec![0u64; (keys.len() + 1) * width];
    for (rule, ranges) in each.iter().enumerate() {
        for (low, high) in ranges {
            let first = keys.partition_point(|k| k <= low);
            let last = keys.partition_point(|k| k <= high);
            for interval in first..=last {
                set(&mut rows, width, interval, rule);
            }
        }
    }
    merged(&keys, &rows, width)
}

/// One side of up to 64 rules, as the base that others differ from.
#[derive(Clone, Debug)]
pub struct Base {
    keys: Vec<u32>,
    rows: Vec<u64>,
}

/// A rule whose addresses differ: its number, its ranges in the base, and its own.
pub type Change = (usize, Vec<(u32, u32)>, Vec<(u32, u32)>);

impl Base {
    /// The sides of rules in order.
    pub fn new<'a>(sides: impl Iterator<Item = &'a Side>) -> Self {
        let (keys, rows) = intervals(1, sides.map(side_ranges).collect());
        Self { keys, rows }
    }

    /// Where the rows are others, once rules have changed.
    pub fn patches(&self, changes: &[Change]) -> Vec<Patch> {
        let ranges = changes.iter().flat_map(|(_, theirs, own)| theirs.iter().chain(own));
        let mut points: Vec<u32> = ranges.flat_map(|r| tree::boundaries(&[*r])).collect();
        points.push(0);
        points.sort_unstable();
        points.dedup();
        let mut out: Vec<Patch> = Vec::new();
        for (n, first) in points.iter().enumerate() {
            let last = points.get(n + 1).map_or(u32::MAX, |next| next - 1);
            let holds =
                |ranges: &[(u32, u32)]| ranges.iter().any(|(low, high)| low <= first && first <= high);
            let (mut all, mut theirs, mut own) = (0u64, 0u64, 0u64);
            for (rule, before, after) in changes {
                all |= 1 << rule;
                theirs |= u64::from(holds(before)) << rule;
                own |= u64::from(holds(after)) << rule;
            }
            if theirs != own {
                self.patch(&mut out, (*first, last), all, own);
            }
        }
        out
    }

    /// Patches a range in which changed rules hold every address or none.
    fn patch(&self, out: &mut Vec<Patch>, (first, last): (u32, u32), changed: u64, own: u64) {
        let mut interval = self.keys.partition_point(|k| *k <= first);
        let mut low = first;
        loop {
            let high = self.keys.get(interval).map_or(last, |next| last.min(next - 1));
            let row = self.rows[interval] & !changed | own;
            match out.last_mut() {
                Some(before) if before.row == row && before.high.checked_add(1) == Some(low) => {
                    before.high = high
                }
                _ => out.push(Patch { low, high, row }),
            }
            if high == last {
                return;
            }
            (low, interval) = (high + 1, interval + 1);
        }
    }
}

/// Intervals with equal rows side by side become one.
fn merged(keys: &[u32], rows: &[u64], width: usize) -> (Vec<u32>, Vec<u64>) {
    let mut kept = Vec::with_capacity(keys.len());
    let mut out = rows[..width].to_vec();
    for (key, row) in keys.iter().zip(rows.chunks(width).skip(1)) {
        if out[out.len() - width..] != *row {
            kept.push(*key);
            out.extend_from_slice(row);
        }
    }
    (kept, out)
}

const EVERYTHING: (u32, u32) = (0, u32::MAX);

/// The ranges of a side.
pub fn side_ranges(side: &Side) -> Vec<(u32, u32)> {
    if side.any { vec![EVERYTHING] } else { side.ranges.clone() }
}

fn port_ranges(set: &PortSet) -> Vec<(u32, u32)> {
    set.ranges().iter().map(|r| (u32::from(r.low), u32::from(r.high))).collect()
}

/// Words of a row of so many rules.
pub fn width(rules: usize) -> usize {
    match rules.div_ceil(64).max(1) {
        few @ 1..=4 => few,
        // Whole lines, so that eight words are compared at once.
        many => many.next_multiple_of(WORDS / 2),
    }
}

/// Compiles rules, which must be no more than [`MOST_RULES`]; gives the line of the set.
pub fn build(lines: &mut Lines, alike: &mut Alike, rules: &[Draft]) -> u32 {
    let template = template(lines, alike, rules);
    patched(lines, alike, template, [&[], &[]])
}

/// Compiles the rules of a template; gives the line of its header.
pub fn template(lines: &mut Lines, alike: &mut Alike, rules: &[Draft]) -> u32 {
    let width = width(rules.len());
    let mut head = [0u32; WORDS];
    head[word::WIDTH] = width as u32 | flags(rules) | (rules.len() as u32) << COUNT;
    let mut put = |at: usize, (tree, rows): (Tree, u32)| {
        (head[at], head[at + 1], head[at + 2]) = (tree.root, tree.shape, rows);
    };
    let three = [
        dimension((lines, alike), width, rules, |r| side_ranges(&r.source)),
        dimension((lines, alike), width, rules, |r| side_ranges(&r.destination)),
        dimension((lines, alike), width, rules, |r| port_ranges(&r.ports)),
    ];
    for (at, dimension) in [word::SOURCE, word::DESTINATION, word::PORTS].into_iter().zip(three) {
        put(at, dimension);
    }
    if rules.iter().any(|r| !r.source_ports.is_all()) {
        put(word::SOURCE_PORTS, dimension((lines, alike), width, rules, |r| port_ranges(&r.source_ports)));
    }
    let (run, count) = extras(rules, width);
    (head[word::EXTRA], head[word::EXTRAS]) = (alike.put(lines, run.as_slice()), count);
    let mut run = Lines::default();
    run.push(Line(head));
    let rows = fixed_rows(rules, width);
    run.doubles(&rows);
    if width == 1 {
        run.doubles(&places(&rows));
        run.doubles(&says_and_protocols(rules, &rows));
        assert_eq!(run.len(), quick::LINES, "INVARIANT: `quick` names every line");
    }
    alike.put(lines, run.as_slice())
}

/// What the places of both ends add: the line [`quick::PLACES`].
fn places(rows: &[u64]) -> [u64; 8] {
    let by_place = |n: usize, network: u32, internet: u32| {
        let own = |bit: usize, row: u32| if n >> bit & 1 != 0 { rows[row as usize] } else { 0 };
        own(0, network) | own(1, internet)
    };
    std::array::from_fn(|n| match n / 4 {
        0 => by_place(n, row::SOURCE_NETWORK, row::SOURCE_INTERNET),
        _ => by_place(n, row::NETWORK, row::INTERNET),
    })
}

/// What the rules say and for which protocols: the line [`quick::SAYS`].
fn says_and_protocols(rules: &[Draft], rows: &[u64]) -> [u64; 7] {
    let mut out = [0; 7];
    for (n, draft) in rules.iter().enumerate() {
        let says = if draft.doubtful { quick::DOUBT } else { draft.says as u64 };
        out[n / 32] |= says << (n % 32 * 2);
    }
    for protocol in 0..Protocol::ALL.len() {
        let ports = if has_ports(protocol as u8) { u64::MAX } else { rows[row::ANY_PORT as usize] };
        out[quick::PROTOCOL + protocol] = rows[row::PROTOCOL as usize + protocol] & ports;
    }
    out
}

/// A set that follows a template but for patches of its sources and destinations, [`MOST_PATCHES`] in all.
pub fn patched(lines: &mut Lines, alike: &mut Alike, template: u32, patches: [&[Patch]; 2]) -> u32 {
    let mut run = vec![Line([0; WORDS])];
    let counts = patches.map(|p| p.len() as u32);
    assert!(counts[0] + counts[1] <= MOST_PATCHES as u32, "INVARIANT: who patches keeps to the limit");
    run[0].0[line::FLAGS] = lines.line(template).0[word::WIDTH];
    run[0].0[line::TEMPLATE] = template;
    run[0].0[line::PATCHES] = counts[0] | counts[1] << 8;
    for (n, patch) in patches.into_iter().flatten().enumerate() {
        let at = line::FIRST + 4 * n;
        run.resize(at / WORDS + 1, Line([0; WORDS]));
        let words = [patch.low, patch.high, patch.row as u32, (patch.row >> 32) as u32];
        run[at / WORDS].0[at % WORDS..at % WORDS + 4].copy_from_slice(&words);
    }
    alike.put(lines, &run)
}

fn flags(rules: &[Draft]) -> u32 {
    let any = |found: bool, flag: u32| if found { flag } else { 0 };
    any(rules.iter().any(|r| r.source.network || r.destination.network), USES_NETWORK)
        | any(rules.iter().any(|r| !r.source_ports.is_all()), HAS_SOURCE_PORTS)
        | any(rules.iter().any(|r| r.platform), HAS_PLATFORM)
        | any(
            rules.iter().any(|r| !r.source.groups.is_empty() || !r.destination.groups.is_empty()),
            HAS_GROUPS,
        )
}

/// Where the number of rules stands in the header's first word.
const COUNT: u32 = 16;

/// How many rules a set has.
#[inline(always)]
pub fn count(lines: &Lines, head: u32) -> u32 {
    lines.line(head).0[word::WIDTH] >> COUNT
}

/// Whether a set asks for application security groups.
#[inline(always)]
pub fn asks_groups(lines: &Lines, head: u32) -> bool {
    lines.line(head).0[word::WIDTH] & HAS_GROUPS != 0
}

/// Whether a set has rules about the host's own services.
pub fn asks_platform(lines: &Lines, head: u32) -> bool {
    lines.line(head).0[word::WIDTH] & HAS_PLATFORM != 0
}

fn fixed_rows(rules: &[Draft], width: usize) -> Vec<u64> {
    let mut rows = vec![0u64; row::COUNT * width];
    for (rule, draft) in rules.iter().enumerate() {
        let mut put = |row: u32, holds: bool| {
            if holds {
                set(&mut rows, width, row as usize, rule);
            }
        };
        put(row::SOURCE_NETWORK, draft.source.network);
        put(row::SOURCE_INTERNET, draft.source.internet);
        put(row::NETWORK, draft.destination.network);
        put(row::INTERNET, draft.destination.internet);
        put(row::ALLOW, draft.says != Says::Deny);
        put(row::ALWAYS, draft.says == Says::AlwaysAllow);
        put(row::DOUBT, draft.doubtful);
        put(row::PLATFORM, draft.platform);
        put(row::ANY_PORT, draft.ports.is_all());
        put(row::ANY_SOURCE_PORT, draft.source_ports.is_all());
        for protocol in 0..Protocol::ALL.len() as u32 {
            put(row::PROTOCOL + protocol, draft.protocols & (1 << protocol) != 0);
        }
    }
    rows
}

/// Rows of service tags and groups: entries of a kind, a number, and a row for each side.
///
/// ASSUMPTION: few sets name many; the entries are walked.
fn extras(rules: &[Draft], width: usize) -> (Lines, u32) {
    let mut names: Vec<(u64, u32)> = Vec::new();
    for rule in rules {
        for side in [&rule.source, &rule.destination] {
            names.extend(side.tags.iter().map(|t| (0, u32::from(*t))));
            names.extend(side.groups.iter().map(|g| (1, *g)));
        }
    }
    names.sort_unstable();
    names.dedup();
    let mut out = Vec::new();
    for (kind, number) in &names {
        out.push(kind << 32 | u64::from(*number));
        let mut rows = vec![0u64; 2 * width];
        for (at, rule) in rules.iter().enumerate() {
            for (n, side) in [&rule.source, &rule.destination].into_iter().enumerate() {
                let holds = match kind {
                    0 => side.tags.iter().any(|t| u32::from(*t) == *number),
                    _ => side.groups.contains(number),
                };
                if holds {
                    set(&mut rows, width, n, at);
                }
            }
        }
        out.extend(rows);
    }
    let mut run = Lines::default();
    run.doubles(&out);
    (run, names.len() as u32)
}

/// A question to a set of up to 64 rules under way: the lines of its sources, destinations, ports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Narrow {
    head: u32,
    template: u32,
    lines: [u32; 3],
    ranks: [u32; 3],
}

/// Whether the trees of a template are searched at once: but for their last lines they are at hand.
#[inline(always)]
fn is_at_hand(words: &[u32; WORDS]) -> bool {
    DIMENSIONS.into_iter().all(|at| Tree { root: words[at], shape: words[at + 1] }.depth() <= 3)
}

/// A question to a set under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Search {
    own: Narrow,
    deep: [Cursor; 3],
}

/// Where the dimensions stand in a template's header.
const DIMENSIONS: [usize; 3] = [word::SOURCE, word::DESTINATION, word::PORTS];

/// Whether a set has up to 64 rules.
#[inline(always)]
pub fn is_narrow(lines: &Lines, head: u32) -> bool {
    lines.line(head).0[line::FLAGS] & 0xff == 1
}

impl Narrow {
    /// Begins with a set of up to 64 rules, whose line must be at hand: its template is, since many share it.
    #[inline(always)]
    pub fn begin<C: Cpu>(&mut self, cpu: C, lines: &Lines, head: u32, ask: &Ask) {
        (self.head, self.template) = (head, lines.line(head).0[line::TEMPLATE]);
        let words = &lines.line(self.template).0;
        self.lines = [
            line_of::<C, { word::SOURCE }>(cpu, lines, words, ask.source),
            line_of::<C, { word::DESTINATION }>(cpu, lines, words, ask.destination),
            line_of::<C, { word::PORTS }>(cpu, lines, words, u32::from(ask.port)),
        ];
    }

    #[inline(always)]
    fn look<C: Cpu>(&mut self, cpu: C, lines: &Lines, ask: &Ask) {
        let words = &lines.line(self.template).0;
        let asked = [ask.source, ask.destination, u32::from(ask.port)];
        for (n, at) in DIMENSIONS.into_iter().enumerate() {
            let tree = Tree { root: words[at], shape: words[at + 1] };
            self.point(cpu, lines, words, n, tree.rank(cpu, lines, asked[n]));
        }
    }

    /// Notes where the row of a dimension stands, and asks for it.
    #[inline(always)]
    fn point<C: Cpu>(&mut self, cpu: C, lines: &Lines, words: &[u32; WORDS], n: usize, rank: u32) {
        let width = words[word::WIDTH] & 0xff;
        let line = if width == 1 { rank } else { rank * width / 8 };
        (self.lines[n], self.ranks[n]) = (words[DIMENSIONS[n] + 2] + line, rank);
        cpu.fetch(lines.line(self.lines[n]));
    }

    /// What the set says.
    #[inline(always)]
    pub fn finish<C: Cpu>(&self, cpu: C, around: Around<'_>, ask: &Ask) -> Said {
        let flags = around.lines.line(self.template).0[word::WIDTH];
        if !(ask.network_doubt | ask.platform_only) && flags & HAS_SOURCE_PORTS == 0 {
            return self.finish_narrow(cpu, around, ask);
        }
        if ask.network_doubt && flags & USES_NETWORK != 0 {
            return Said::Doubt;
        }
        if ask.platform_only && flags & HAS_PLATFORM == 0 {
            return Said::Nothing;
        }
        Search { own: *self, ..Search::default() }.finish_any(cpu, around, ask, None)
    }
}

/// The line of a dimension that tells the row of an address or port, which is asked for.
#[inline(always)]
fn line_of<C: Cpu, const AT: usize>(cpu: C, lines: &Lines, words: &[u32; WORDS], x: u32) -> u32 {
    let tree = Tree { root: words[AT], shape: words[AT + 1] };
    let line = words[AT + 2] + tree.rank(cpu, lines, x);
    cpu.fetch(lines.line(line));
    line
}

/// The row of an address or port in a dimension of a template of up to 64 rules.
#[inline(always)]
fn row_of<C: Cpu>(cpu: C, lines: &Lines, words: &[u32; WORDS], at: usize, x: u32) -> u64 {
    let rank = Tree { root: words[at], shape: words[at + 1] }.rank(cpu, lines, x);
    spans::row(cpu, lines.line(words[at + 2] + rank), x)
}

impl Search {
    /// Begins; the set's line must be at hand.
    #[inline(always)]
    pub fn begin<C: Cpu>(&mut self, cpu: C, lines: &Lines, head: u32) {
        (self.own.head, self.own.template) = (head, lines.line(head).0[line::TEMPLATE]);
        let [words, one, two] = lines.few(self.own.template);
        for at in DIMENSIONS {
            cpu.fetch(lines.line(words.0[at]));
        }
        cpu.fetch(one);
        cpu.fetch(two);
        if !is_at_hand(&words.0) {
            for (cursor, at) in self.deep.iter_mut().zip(DIMENSIONS) {
                *cursor = Cursor::new(Tree { root: words.0[at], shape: words.0[at + 1] });
            }
        }
    }

    /// Goes one level down in every dimension; `false` when all are at their ends.
    #[inline(always)]
    pub fn step<C: Cpu>(&mut self, cpu: C, lines: &Lines, ask: &Ask) -> bool {
        let words = &lines.line(self.own.template).0;
        if is_at_hand(words) {
            self.own.look(cpu, lines, ask);
            return false;
        }
        self.step_deep(cpu, lines, [ask.source, ask.destination, u32::from(ask.port)])
    }

    #[inline(always)]
    fn step_deep<C: Cpu>(&mut self, cpu: C, lines: &Lines, asked: [u32; 3]) -> bool {
        let mut more = false;
        for (cursor, x) in self.deep.iter_mut().zip(asked) {
            if !cursor.is_done() {
                cursor.step(cpu, lines, x);
                if !cursor.is_done() {
                    cpu.fetch(lines.line(cursor.line));
                    more = true;
                }
            }
        }
        if !more {
            let words = &lines.line(self.own.template).0;
            for n in 0..DIMENSIONS.len() {
                self.own.point(cpu, lines, words, n, self.deep[n].rank);
            }
        }
        more
    }

    /// What the set says.
    #[inline(always)]
    pub fn finish<C: Cpu>(&self, cpu: C, around: Around<'_>, ask: &Ask, extra: Option<&[u64]>) -> Said {
        let lines = around.lines;
        let words = &lines.line(self.own.template).0;
        let flags = words[word::WIDTH];
        if ask.network_doubt && flags & USES_NETWORK != 0 {
            return Said::Doubt;
        }
        if ask.platform_only && flags & HAS_PLATFORM == 0 {
            return Said::Nothing;
        }
        if extra.is_none() && flags & HAS_SOURCE_PORTS == 0 {
            match flags & 0xff {
                1 if !ask.platform_only => return self.own.finish_narrow(cpu, around, ask),
                1..=4 => {}
                _ if ask.platform_only || words[word::EXTRAS] > 0 && ask.is_named() => {}
                _ => return self.finish_wide(cpu, around, ask),
            }
        }
        self.finish_any(cpu, around, ask, extra)
    }

    /// Sets of every kind, word by word.
    #[inline(always)]
    fn finish_any<C: Cpu>(&self, cpu: C, around: Around<'_>, ask: &Ask, extra: Option<&[u64]>) -> Said {
        let lines = around.lines;
        let words = &lines.line(self.own.template).0;
        let (flags, width) = (words[word::WIDTH], words[word::WIDTH] & 0xff);
        let source_ports = if flags & HAS_SOURCE_PORTS != 0 && has_ports(ask.protocol) && width > 1 {
            let tree = Tree { root: words[word::SOURCE_PORTS], shape: words[word::SOURCE_PORTS + 1] };
            tree.rank(cpu, lines, u32::from(ask.source_port))
        } else {
            0
        };
        let narrow = if width == 1 { Some(self.own.rows(cpu, lines, ask)) } else { None };
        for w in 0..width {
            let fixed = |row: u32| lines.double(self.own.template + 1, row * width + w);
            let row = |at: usize, rank: u32| lines.double(words[at + 2], rank * width + w);
            let [mut source, mut destination, ports] = match narrow {
                Some(rows) => rows,
                None => std::array::from_fn(|n| row(DIMENSIONS[n], self.own.ranks[n])),
            };
            source |= either(ask.network[0], || fixed(row::SOURCE_NETWORK));
            source |= either(ask.internet[0], || fixed(row::SOURCE_INTERNET));
            destination |= either(ask.network[1], || fixed(row::NETWORK));
            destination |= either(ask.internet[1], || fixed(row::INTERNET));
            if words[word::EXTRAS] > 0 && ask.is_named() {
                let (a, b) = extra_rows(around, words, ask, width, w);
                source |= a;
                destination |= b;
            }
            let ports = if has_ports(ask.protocol) { ports } else { fixed(row::ANY_PORT) };
            let mut all = source & destination & ports & fixed(row::PROTOCOL + u32::from(ask.protocol));
            if flags & HAS_SOURCE_PORTS != 0 && ask.source_port != 0 {
                all &= match (has_ports(ask.protocol), width) {
                    (true, 1) => row_of(cpu, lines, words, word::SOURCE_PORTS, u32::from(ask.source_port)),
                    (true, _) => row(word::SOURCE_PORTS, source_ports),
                    (false, _) => fixed(row::ANY_SOURCE_PORT),
                };
            }
            if ask.platform_only {
                all &= fixed(row::PLATFORM);
            }
            let mut doubt = fixed(row::DOUBT);
            if let Some(extra) = extra {
                // The rows of a name: rules it fits, and rules it may fit.
                let (fits, may) = (extra[w as usize], extra[(width + w) as usize]);
                all &= fits | may;
                doubt |= may;
            }
            if all == 0 {
                continue;
            }
            let bit = all.trailing_zeros();
            if doubt >> bit & 1 != 0 {
                return Said::Doubt;
            }
            return said(w * 64 + bit, fixed(row::ALLOW) >> bit, fixed(row::ALWAYS) >> bit);
        }
        Said::Nothing
    }

    /// Sets whose rows are whole lines, no condition on source ports and no name among them: 512 rules at once.
    #[inline(always)]
    fn finish_wide<C: Cpu>(&self, cpu: C, around: Around<'_>, ask: &Ask) -> Said {
        let lines = around.lines;
        let each = (lines.line(self.own.template).0[word::WIDTH] & 0xff) / 8;
        let fixed = self.own.template + 1;
        for part in 0..each {
            let ports = match has_ports(ask.protocol) {
                true => self.own.lines[2] + part,
                false => fixed + row::ANY_PORT * each + part,
            };
            let more = [[row::SOURCE_NETWORK, row::SOURCE_INTERNET], [row::NETWORK, row::INTERNET]];
            let holds = |side: usize, n: usize, row: u32| {
                let holds = if n == 0 { ask.network[side] } else { ask.internet[side] };
                (holds, lines.line(fixed + row * each + part))
            };
            let more = [
                [holds(0, 0, more[0][0]), holds(0, 1, more[0][1])],
                [holds(1, 0, more[1][0]), holds(1, 1, more[1][1])],
            ];
            let protocol = fixed + (row::PROTOCOL + u32::from(ask.protocol)) * each + part;
            let sides = [lines.line(self.own.lines[0] + part), lines.line(self.own.lines[1] + part)];
            let others = [lines.line(ports), lines.line(protocol)];
            let Some(found) = cpu.first(&Rows { sides, more, others }) else { continue };
            let (n, bit) = ((found / 32) as usize & (WORDS - 1), found % 32);
            let says = |row: u32| lines.line(fixed + row * each + part).0[n] >> bit;
            if says(row::DOUBT) & 1 != 0 {
                return Said::Doubt;
            }
            let (allow, always) = (says(row::ALLOW), says(row::ALWAYS));
            return said(part * 512 + found, u64::from(allow), u64::from(always));
        }
        Said::Nothing
    }
}

impl Narrow {
    /// The rows of a set of up to 64 rules: sources, destinations, ports.
    #[inline(always)]
    fn rows<C: Cpu>(&self, cpu: C, lines: &Lines, ask: &Ask) -> [u64; 3] {
        let own = &lines.line(self.head).0;
        let mut source = spans::row(cpu, lines.line(self.lines[0]), ask.source);
        let mut destination = spans::row(cpu, lines.line(self.lines[1]), ask.destination);
        let ports = spans::row(cpu, lines.line(self.lines[2]), u32::from(ask.port));
        let (of_sources, count) = (own[line::PATCHES] & 0xff, own[line::PATCHES] >> 8);
        for n in 0..of_sources {
            source = self.patched(lines, n, ask.source, source);
        }
        for n in of_sources..of_sources + count {
            destination = self.patched(lines, n, ask.destination, destination);
        }
        [source, destination, ports]
    }

    /// The row of a patch where it holds an address, else the one before; no jump, since nobody would foresee it.
    #[inline(always)]
    fn patched(&self, lines: &Lines, n: u32, x: u32, before: u64) -> u64 {
        let at = line::FIRST as u32 + 4 * n;
        let words = &lines.line(self.head + at / WORDS as u32).0;
        let at = (at as usize % WORDS) & 12;
        let row = u64::from(words[at + 2]) | u64::from(words[at + 3]) << 32;
        let holds = (words[at] <= x) & (x <= words[at + 1]);
        std::hint::select_unpredictable(holds, row, before)
    }

    /// What a set of up to 64 rules says, no condition on source ports and not of the platform alone: the same as
    /// [`Search::finish_any`], with every row one word.
    #[inline(always)]
    fn finish_narrow<C: Cpu>(&self, cpu: C, around: Around<'_>, ask: &Ask) -> Said {
        let lines = around.lines;
        let template: &[Line; quick::LINES] = lines.few(self.template);
        let (words, places, says) = (&template[0].0, &template[quick::PLACES].0, &template[quick::SAYS].0);
        let [source, destination, ports] = self.rows(cpu, lines, ask);
        let mut source = source | double(places, ask.place(0));
        let mut destination = destination | double(places, 4 + ask.place(1));
        if words[word::EXTRAS] > 0 && ask.is_named() {
            let (a, b) = extra_rows(around, words, ask, 1, 0);
            (source, destination) = (source | a, destination | b);
        }
        let ports = ports | only(!has_ports(ask.protocol), u64::MAX);
        let protocol = double(says, (quick::PROTOCOL + usize::from(ask.protocol)) & 7);
        let all = source & destination & ports & protocol;
        if all == 0 {
            return Said::Nothing;
        }
        let bit = all.trailing_zeros();
        match double(says, (bit / 32) as usize) >> (bit % 32 * 2) & 3 {
            quick::DOUBT => Said::Doubt,
            // A table, since a jump by what rules say is foreseen by nobody.
            says => Said::Rule(bit, SAYS[says as usize & 3]),
        }
    }
}

/// What a rule says, by the lowest bits of two rows.
#[inline(always)]
fn said(rule: u32, allow: u64, always: u64) -> Said {
    Said::Rule(rule, SAYS[(allow & 1 | (allow & always & 1) << 1) as usize])
}

/// Both halves of a double word in a line.
#[inline(always)]
fn double(line: &[u32; 16], n: usize) -> u64 {
    u64::from(line[2 * n]) | u64::from(line[2 * n + 1]) << 32
}

/// A row where a condition holds, else nothing.
#[inline(always)]
fn only(holds: bool, row: u64) -> u64 {
    row & u64::from(holds).wrapping_neg()
}

/// Whether the number of a protocol stands for one with ports.
#[inline(always)]
pub fn has_ports(protocol: u8) -> bool {
    protocol <= 1
}

#[inline(always)]
fn either(holds: bool, row: impl FnOnce() -> u64) -> u64 {
    if holds { row() } else { 0 }
}

#[inline(always)]
fn extra_rows(around: Around<'_>, words: &[u32; 16], ask: &Ask, width: u32, w: u32) -> (u64, u64) {
    let lines = around.lines;
    let (mut source, mut destination) = (0, 0);
    for entry in 0..words[word::EXTRAS] {
        let at = entry * (1 + 2 * width);
        let name = lines.double(words[word::EXTRA], at);
        source |= only(named(around, ask, name, 0), lines.double(words[word::EXTRA], at + 1 + w));
        destination |=
            only(named(around, ask, name, 1), lines.double(words[word::EXTRA], at + 1 + width + w));
    }
    (source, destination)
}

/// Whether a service tag or group holds a side.
#[inline(always)]
fn named(around: Around<'_>, ask: &Ask, name: u64, side: usize) -> bool {
    let number = name as u32;
    if name >> 32 == 0 {
        let row = &around.tags[ask.tags[side] as usize];
        return row[(number / 64) as usize & 3] >> (number % 64) & 1 != 0;
    }
    let (first, last) = ask.groups[side];
    around.members[first as usize..last as usize].contains(&number)
}

/// The template that a set follows.
#[inline(always)]
pub fn template_of(lines: &Lines, head: u32) -> u32 {
    lines.line(head).0[line::TEMPLATE]
}

/// The rules of a set of up to 64 that hold the source of a question (0) or its destination (1); `None` for more rules.
#[inline(always)]
pub fn side<C: Cpu>(cpu: C, around: Around<'_>, head: u32, ask: &Ask, n: usize) -> Option<u64> {
    let lines = around.lines;
    let own = &lines.line(head).0;
    let template = own[line::TEMPLATE];
    let words = &lines.line(template).0;
    if words[word::WIDTH] & 0xff != 1 {
        return None;
    }
    let (x, at) = ([ask.source, ask.destination][n], DIMENSIONS[n]);
    let mut rows = row_of(cpu, lines, words, at, x);
    let search = Narrow { head, template, ..Narrow::default() };
    let (of_sources, count) = (own[line::PATCHES] & 0xff, own[line::PATCHES] >> 8);
    let patches = if n == 0 { 0..of_sources } else { of_sources..of_sources + count };
    for patch in patches {
        rows = search.patched(lines, patch, x, rows);
    }
    let fixed = |row: u32| lines.double(template + 1, row);
    let (network, internet) = [(row::SOURCE_NETWORK, row::SOURCE_INTERNET), (row::NETWORK, row::INTERNET)][n];
    rows |= only(ask.network[n], fixed(network)) | only(ask.internet[n], fixed(internet));
    if words[word::EXTRAS] > 0 {
        let (a, b) = extra_rows(around, words, ask, 1, 0);
        rows |= if n == 0 { a } else { b };
    }
    Some(rows)
}

/// The rules of a set that the tags `VirtualNetwork` and `Internet` add to those that hold a source, and to those that
/// hold a destination; nothing for sets of more than 64 rules.
pub fn added(lines: &Lines, head: u32) -> [u64; 4] {
    let template = lines.line(head).0[line::TEMPLATE];
    if lines.line(template).0[word::WIDTH] & 0xff != 1 {
        return [0; 4];
    }
    let rows = [row::SOURCE_NETWORK, row::SOURCE_INTERNET, row::NETWORK, row::INTERNET];
    rows.map(|row| lines.double(template + 1, row))
}

/// Where the rules of a template of up to 64 that hold a source (0) or a destination (1) may become others.
pub fn beginnings(lines: &Lines, template: u32, n: usize) -> Vec<u32> {
    let words = &lines.line(template).0;
    let at = DIMENSIONS[n];
    let tree = Tree { root: words[at], shape: words[at + 1] };
    spans::beginnings_of_rows(lines, spans::Spans { tree })
}

/// Where a set begins to differ from its template, and where it does no longer.
pub fn ends_of_patches(lines: &Lines, head: u32, n: usize) -> Vec<u32> {
    let counts = lines.line(head).0[line::PATCHES];
    let (of_sources, count) = (counts & 0xff, counts >> 8);
    let patches = if n == 0 { 0..of_sources } else { of_sources..of_sources + count };
    let ends = |patch: u32| {
        let at = line::FIRST as u32 + 4 * patch;
        let words = &lines.line(head + at / WORDS as u32).0;
        let at = at as usize % WORDS;
        [Some(words[at]), words[at + 1].checked_add(1)]
    };
    patches.flat_map(ends).flatten().collect()
}

/// What a template of up to 64 rules says to a protocol and ports, once it is known which rules hold both ends.
pub fn decide_rows(around: Around<'_>, template: u32, ask: &Ask, both: u64) -> Said {
    let lines = around.lines;
    let words = &lines.line(template).0;
    let flags = words[word::WIDTH];
    if ask.network_doubt && flags & USES_NETWORK != 0 {
        return Said::Doubt;
    }
    let fixed = |row: u32| lines.double(template + 1, row);
    let ports = |at: usize, port: u16| row_of(Portable, lines, words, at, u32::from(port));
    let ported = has_ports(ask.protocol);
    let mut all = both & fixed(row::PROTOCOL + u32::from(ask.protocol));
    all &= if ported { ports(word::PORTS, ask.port) } else { fixed(row::ANY_PORT) };
    if flags & HAS_SOURCE_PORTS != 0 && ask.source_port != 0 {
        all &= if ported { ports(word::SOURCE_PORTS, ask.source_port) } else { fixed(row::ANY_SOURCE_PORT) };
    }
    if all == 0 {
        return Said::Nothing;
    }
    let bit = all.trailing_zeros();
    match fixed(row::DOUBT) >> bit & 1 {
        0 => said(bit, fixed(row::ALLOW) >> bit, fixed(row::ALWAYS) >> bit),
        _ => Said::Doubt,
    }
}

/// Asks one set at once.
#[inline(always)]
pub fn decide<C: Cpu>(cpu: C, around: Around<'_>, head: u32, ask: &Ask, extra: Option<&[u64]>) -> Said {
    let mut search = Search::default();
    search.begin(cpu, around.lines, head);
    while search.step(cpu, around.lines, ask) {}
    search.finish(cpu, around, ask, extra)
}

#[cfg(test)]
mod tests {
    use super::super::cpu::{Work, with_best};
    use super::*;

    fn draft(n: usize, source: Vec<(u32, u32)>) -> Draft {
        Draft {
            source: Side { ranges: source, ..Side::default() },
            destination: Side { any: true, ..Side::default() },
            protocols: 0b11,
            source_ports: PortSet::all(),
            ports: PortSet::all(),
            says: if n.is_multiple_of(2) { Says::Allow } else { Says::Deny },
            doubtful: false,
            platform: false,
        }
    }

    struct Sources<'a>(&'a Lines, u32, &'a [u32]);

    impl Work for Sources<'_> {
        type Output = Vec<Said>;
        #[inline(always)]
        fn run<C: Cpu>(self, cpu: C) -> Vec<Said> {
            let around = Around { lines: self.0, tags: &[[0; 4]], members: &[] };
            let ask = |source: &u32| Ask { source: *source, port: 443, ..Ask::default() };
            self.2.iter().map(|source| decide(cpu, around, self.1, &ask(source), None)).collect()
        }
    }

    /// A set by its template and patches says what it says with lines of its own.
    fn check(base: &[Vec<(u32, u32)>], own: &[Vec<(u32, u32)>]) -> usize {
        let drafts = |all: &[Vec<(u32, u32)>]| -> Vec<Draft> {
            all.iter().enumerate().map(|(n, ranges)| draft(n, ranges.clone())).collect()
        };
        let (mut lines, mut alike) = (Lines::default(), Alike::default());
        lines.push(Line([u32::MAX; WORDS]));
        let (theirs, mine) = (drafts(base), drafts(own));
        let template = template(&mut lines, &mut alike, &theirs);
        let differs = |n: &usize| base[*n] != own[*n];
        let changes: Vec<Change> =
            (0..base.len()).filter(differs).map(|n| (n, base[n].clone(), own[n].clone())).collect();
        let patches = Base::new(theirs.iter().map(|d| &d.source)).patches(&changes);
        let short = patched(&mut lines, &mut alike, template, [&patches, &[]]);
        let long = build(&mut lines, &mut alike, &mine);
        let ends = base.iter().chain(own).flatten().flat_map(|(low, high)| [*low, *high]);
        let asked: Vec<u32> =
            ends.flat_map(|x| [x.wrapping_sub(1), x, x.wrapping_add(1)]).chain([0, 1, u32::MAX]).collect();
        let expected = Sources(&lines, long, &asked).run(Portable);
        assert_eq!(Sources(&lines, short, &asked).run(Portable), expected, "{base:?} {own:?}");
        assert_eq!(with_best(Sources(&lines, short, &asked)), expected);
        patches.len()
    }

    #[test]
    fn a_patched_template_says_what_the_set_says() {
        let many: Vec<Vec<(u32, u32)>> = (0..40u32).map(|n| vec![(n * 1_000, n * 1_000 + 2_500)]).collect();
        let with = |changes: &[(usize, Vec<(u32, u32)>)]| {
            let mut own = many.clone();
            changes.iter().for_each(|(n, ranges)| own[*n] = ranges.clone());
            own
        };
        assert_eq!(check(&many, &many), 0);
        assert_eq!(check(&many, &with(&[(39, vec![(39_000, 41_500), (90_000, 90_255)])])), 1);
        assert_eq!(check(&many, &with(&[(0, vec![])])), 3);
        assert_eq!(check(&many, &with(&[(3, vec![(0, 100)]), (4, vec![(u32::MAX - 5, u32::MAX)])])), 7);
        assert_eq!(check(&[vec![], vec![(0, u32::MAX)]], &[vec![(10, 20)], vec![(0, u32::MAX)]]), 1);
        assert_eq!(check(&[vec![], vec![]], &[vec![(10, 20)], vec![(15, 30)]]), 3);
    }

    #[test]
    fn rows_of_every_width_find_the_first_rule() {
        for count in [1, 64, 65, 200, 257, 600, 1_024] {
            let ranges = |n: u32| vec![(n * 1_000, n * 1_000 + 2_500)];
            let rules: Vec<Draft> = (0..count).map(|n| draft(n as usize, ranges(n))).collect();
            let (mut lines, mut alike) = (Lines::default(), Alike::default());
            lines.push(Line([u32::MAX; WORDS]));
            let head = build(&mut lines, &mut alike, &rules);
            let asked: Vec<u32> = (0..count * 2 + 6).map(|n| n * 500 + 3).collect();
            let first =
                |x: &u32| rules.iter().position(|r| r.source.ranges.iter().any(|(a, b)| a <= x && x <= b));
            let said = |x: &u32| first(x).map_or(Said::Nothing, |n| Said::Rule(n as u32, rules[n].says));
            let expected: Vec<Said> = asked.iter().map(said).collect();
            assert_eq!(Sources(&lines, head, &asked).run(Portable), expected, "{count} rules");
            assert_eq!(with_best(Sources(&lines, head, &asked)), expected, "{count} rules");
        }
    }
}
