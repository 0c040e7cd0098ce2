//! Rule sets of up to [`MOST_RULES`] rules: a row of bits for each interval of each dimension, the rules in
//! order, and the first bit that all rows share decides.
//!
//! A set is a header, a tree and rows for sources, destinations, ports and source ports, and rows for what
//! a place or a protocol adds: the tags `VirtualNetwork` and `Internet`, service tags, application security
//! groups. So a tag of 10,000 prefixes costs a set one row, and its prefixes are searched once a flow, in
//! one tree for all sets. Lines touched by a set of 64 rules: 1 of header, 2 of fixed rows, 2 + 1 for each
//! side, 1 + 1 for ports. A rule that may or may not match stops the search: the flow is left to the full
//! engine, which knows whether the doubt matters.
//!
//! Measured against it and dropped: a linear walk (25 times slower at 1,000 rules), the leaf index of
//! [`super::leaf`] (slower below some 1,000 rules, faster above).

use super::cpu::Cpu;
use super::lines::Lines;
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

/// Words of the header.
mod word {
    pub(super) const WIDTH: usize = 0;
    pub(super) const SOURCE: usize = 1;
    pub(super) const DESTINATION: usize = 4;
    pub(super) const PORTS: usize = 7;
    pub(super) const SOURCE_PORTS: usize = 10;
    pub(super) const FIXED: usize = 13;
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

/// A dimension: a tree over the beginnings of intervals, and a row for each.
fn dimension(
    lines: &mut Lines,
    width: usize,
    rules: &[Draft],
    ranges: impl Fn(&Draft) -> Vec<(u32, u32)>,
) -> (Tree, u32) {
    let each: Vec<Vec<(u32, u32)>> = rules.iter().map(ranges).collect();
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
    let (keys, rows) = merged(&keys, &rows, width);
    let tree = tree::build(lines, &keys);
    let rows = lines.doubles(&rows);
    (tree, rows)
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

fn side_ranges(side: &Side) -> Vec<(u32, u32)> {
    if side.any { vec![EVERYTHING] } else { side.ranges.clone() }
}

fn port_ranges(set: &PortSet) -> Vec<(u32, u32)> {
    set.ranges().iter().map(|r| (u32::from(r.low), u32::from(r.high))).collect()
}

/// Compiles rules, which must be no more than [`MOST_RULES`]; gives the line of the header.
pub fn build(lines: &mut Lines, rules: &[Draft]) -> u32 {
    let width = rules.len().div_ceil(64).max(1);
    let mut head = [0u32; 16];
    head[word::WIDTH] = width as u32 | flags(rules) | (rules.len() as u32) << COUNT;
    let mut put = |at: usize, (tree, rows): (Tree, u32)| {
        (head[at], head[at + 1], head[at + 2]) = (tree.root, tree.shape, rows);
    };
    put(word::SOURCE, dimension(lines, width, rules, |r| side_ranges(&r.source)));
    put(word::DESTINATION, dimension(lines, width, rules, |r| side_ranges(&r.destination)));
    put(word::PORTS, dimension(lines, width, rules, |r| port_ranges(&r.ports)));
    if rules.iter().any(|r| !r.source_ports.is_all()) {
        put(word::SOURCE_PORTS, dimension(lines, width, rules, |r| port_ranges(&r.source_ports)));
    }
    head[word::FIXED] = lines.doubles(&fixed_rows(rules, width));
    let (extra, count) = extras(lines, rules, width);
    (head[word::EXTRA], head[word::EXTRAS]) = (extra, count);
    lines.push(super::lines::Line(head))
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
fn extras(lines: &mut Lines, rules: &[Draft], width: usize) -> (u32, u32) {
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
    (lines.doubles(&out), names.len() as u32)
}

/// A question to a set under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Search {
    head: u32,
    source: Cursor,
    destination: Cursor,
    port: Cursor,
}

impl Search {
    /// Begins; the header's line must be at hand.
    #[inline(always)]
    pub fn new<C: Cpu>(cpu: C, lines: &Lines, head: u32, ask: &Ask) -> Self {
        let words = &lines.line(head).0;
        let tree = |at: usize| Tree { root: words[at], shape: words[at + 1] };
        let ports = if has_ports(ask.protocol) { tree(word::PORTS) } else { Tree::default() };
        for tree in [tree(word::SOURCE), tree(word::DESTINATION), ports] {
            tree.fetch(cpu, lines);
        }
        cpu.fetch(lines.line(words[word::FIXED]));
        if words[word::WIDTH] & 0xff == 1 {
            cpu.fetch(lines.line(words[word::FIXED] + 1));
        }
        Self {
            head,
            source: Cursor::new(tree(word::SOURCE)),
            destination: Cursor::new(tree(word::DESTINATION)),
            port: Cursor::new(ports),
        }
    }

    /// Goes one level down in every dimension; `false` when all are at their ends.
    #[inline(always)]
    pub fn step<C: Cpu>(&mut self, cpu: C, lines: &Lines, ask: &Ask) -> bool {
        let mut more = false;
        let three = [
            (&mut self.source, ask.source),
            (&mut self.destination, ask.destination),
            (&mut self.port, u32::from(ask.port)),
        ];
        for (cursor, x) in three {
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

    /// Asks for the rows.
    #[inline(always)]
    pub fn fetch_rows<C: Cpu>(&self, cpu: C, lines: &Lines) {
        let words = &lines.line(self.head).0;
        let width = words[word::WIDTH] & 0xff;
        let row = |at: usize, rank: u32| lines.line(words[at + 2] + rank * width / 8);
        cpu.fetch(row(word::SOURCE, self.source.rank));
        cpu.fetch(row(word::DESTINATION, self.destination.rank));
        if self.port.is_done() {
            cpu.fetch(row(word::PORTS, self.port.rank));
        }
    }

    /// What the set says.
    #[inline(always)]
    pub fn finish<C: Cpu>(&self, cpu: C, around: Around<'_>, ask: &Ask, extra: Option<&[u64]>) -> Said {
        let lines = around.lines;
        let words = &lines.line(self.head).0;
        let width = words[word::WIDTH] & 0xff;
        let flags = words[word::WIDTH];
        if ask.network_doubt && flags & USES_NETWORK != 0 {
            return Said::Doubt;
        }
        if ask.platform_only && flags & HAS_PLATFORM == 0 {
            return Said::Nothing;
        }
        let fixed = words[word::FIXED];
        if width == 1 && extra.is_none() && flags & HAS_SOURCE_PORTS == 0 {
            return self.finish_narrow(around, ask);
        }
        let source_ports = if flags & HAS_SOURCE_PORTS != 0 && has_ports(ask.protocol) {
            let tree = Tree { root: words[word::SOURCE_PORTS], shape: words[word::SOURCE_PORTS + 1] };
            tree.rank(cpu, lines, u32::from(ask.source_port))
        } else {
            0
        };
        for w in 0..width {
            let fixed = |row: u32| lines.double(fixed, row * width + w);
            let row = |at: usize, rank: u32| lines.double(words[at + 2], rank * width + w);
            let mut source = row(word::SOURCE, self.source.rank);
            let mut destination = row(word::DESTINATION, self.destination.rank);
            source |= either(ask.network[0], || fixed(row::SOURCE_NETWORK));
            source |= either(ask.internet[0], || fixed(row::SOURCE_INTERNET));
            destination |= either(ask.network[1], || fixed(row::NETWORK));
            destination |= either(ask.internet[1], || fixed(row::INTERNET));
            if words[word::EXTRAS] > 0 {
                let (a, b) = extra_rows(around, words, ask, width, w);
                source |= a;
                destination |= b;
            }
            let ports =
                if has_ports(ask.protocol) { row(word::PORTS, self.port.rank) } else { fixed(row::ANY_PORT) };
            let mut all = source & destination & ports & fixed(row::PROTOCOL + u32::from(ask.protocol));
            if flags & HAS_SOURCE_PORTS != 0 && ask.source_port != 0 {
                all &= match has_ports(ask.protocol) {
                    true => row(word::SOURCE_PORTS, source_ports),
                    false => fixed(row::ANY_SOURCE_PORT),
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
            let one = 1u64 << bit;
            let says = match (fixed(row::ALLOW) & one != 0, fixed(row::ALWAYS) & one != 0) {
                (false, _) => Says::Deny,
                (true, false) => Says::Allow,
                (true, true) => Says::AlwaysAllow,
            };
            return Said::Rule(w * 64 + bit, says);
        }
        Said::Nothing
    }
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

impl Search {
    /// What a set of up to 64 rules says, no condition on source ports and no name among them: the same as
    /// [`Self::finish`], with every row one word.
    #[inline(always)]
    fn finish_narrow(&self, around: Around<'_>, ask: &Ask) -> Said {
        let lines = around.lines;
        let words = &lines.line(self.head).0;
        let (one, two) = (&lines.line(words[word::FIXED]).0, &lines.line(words[word::FIXED] + 1).0);
        let row = |at: usize, rank: u32| double(&lines.line(words[at + 2] + rank / 8).0, rank as usize % 8);
        let mut source = row(word::SOURCE, self.source.rank)
            | only(ask.network[0], double(one, row::SOURCE_NETWORK as usize))
            | only(ask.internet[0], double(one, row::SOURCE_INTERNET as usize));
        let mut destination = row(word::DESTINATION, self.destination.rank)
            | only(ask.network[1], double(one, row::NETWORK as usize))
            | only(ask.internet[1], double(one, row::INTERNET as usize));
        if words[word::EXTRAS] > 0 {
            let (a, b) = extra_rows(around, words, ask, 1, 0);
            (source, destination) = (source | a, destination | b);
        }
        let ports = match has_ports(ask.protocol) {
            true => row(word::PORTS, self.port.rank),
            false => double(two, row::ANY_PORT as usize - 8),
        };
        let protocol = double(two, (row::PROTOCOL as usize - 8 + usize::from(ask.protocol)) & 7);
        let mut all = source & destination & ports & protocol;
        if ask.platform_only {
            all &= double(one, row::PLATFORM as usize);
        }
        if all == 0 {
            return Said::Nothing;
        }
        let bit = all.trailing_zeros();
        if double(one, row::DOUBT as usize) >> bit & 1 != 0 {
            return Said::Doubt;
        }
        let allows = double(one, row::ALLOW as usize) >> bit & 1 != 0;
        let always = double(one, row::ALWAYS as usize) >> bit & 1 != 0;
        let says = match (allows, always) {
            (false, _) => Says::Deny,
            (true, false) => Says::Allow,
            (true, true) => Says::AlwaysAllow,
        };
        Said::Rule(bit, says)
    }
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
        let number = name as u32;
        let holds = |side: usize| match name >> 32 {
            0 => around.tags[ask.tags[side] as usize][(number / 64) as usize & 3] >> (number % 64) & 1 != 0,
            _ => {
                let (first, last) = ask.groups[side];
                around.members[first as usize..last as usize].contains(&number)
            }
        };
        if holds(0) {
            source |= lines.double(words[word::EXTRA], at + 1 + w);
        }
        if holds(1) {
            destination |= lines.double(words[word::EXTRA], at + 1 + width + w);
        }
    }
    (source, destination)
}

/// Asks one set at once.
#[inline(always)]
pub fn decide<C: Cpu>(cpu: C, around: Around<'_>, head: u32, ask: &Ask, extra: Option<&[u64]>) -> Said {
    let mut search = Search::new(cpu, around.lines, head, ask);
    while search.step(cpu, around.lines, ask) {}
    search.finish(cpu, around, ask, extra)
}
