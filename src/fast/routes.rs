//! Routes in layers, as Azure has them: a tree for each distinct route table, and one for what a virtual
//! network brings (its own space, peerings, None ranges, gateway routes, private endpoints).
//!
//! A route table is two layers: what many tables have alike, kept once, and the few routes of its own. An interval
//! costs half a word beside its beginning ([`super::spans`]): prefix length, override bit, number of the next hop in
//! the palette. Which route of the table it was is asked of the network, once a verdict names it. A network's layer
//! costs four words an interval. The choice of RT-24b is then a comparison of integers, `(prefix length, source)`.
//! Lines touched: 3 hot and 1-2 cold for a table of 400 routes, 1 + 1 for the network of a spoke. Flat tables for
//! each subnet were measured and dropped: 14 times the memory, and slower for it; values in lines of their own, too.

use super::alike::Alike;
use super::lines::Lines;
use super::spans::{self, Spans};
use super::tree::{self, Tree};
use crate::net::IpNet;
use serde::{Deserialize, Serialize};

/// No route of this layer covers the address.
pub const NO_LENGTH: u32 = 63;

/// A next hop in one word: a kind above, what it is about below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hop(pub u32);

/// Kinds of next hops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum HopKind {
    /// Inside the network.
    Local,
    /// To the network named, over a peering or as member of a connected group.
    Network,
    /// To the internet.
    Internet,
    /// Dropped.
    None,
    /// To the appliance of this number.
    Appliance,
    /// What only the full engine follows.
    Other,
}

impl Hop {
    const KIND: u32 = 28;

    /// A next hop.
    pub fn new(kind: HopKind, about: u32) -> Self {
        assert!(about < 1 << Self::KIND, "INVARIANT: rows of a table are fewer than 2^28");
        Self((kind as u32) << Self::KIND | about)
    }

    /// Its kind.
    #[inline(always)]
    pub fn kind(self) -> HopKind {
        match self.0 >> Self::KIND {
            0 => HopKind::Local,
            1 => HopKind::Network,
            2 => HopKind::Internet,
            3 => HopKind::None,
            4 => HopKind::Appliance,
            _ => HopKind::Other,
        }
    }

    /// What it is about.
    #[inline(always)]
    pub fn about(self) -> u32 {
        self.0 & ((1 << Self::KIND) - 1)
    }
}

/// A prefix of one family as a range, with its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix {
    /// Its first address.
    pub first: u32,
    /// Its length.
    pub length: u8,
}

impl Prefix {
    /// Its last address.
    pub fn last(self) -> u32 {
        self.first | u32::MAX.checked_shr(u32::from(self.length)).unwrap_or(0)
    }
}

/// The prefix of a network of IPv4.
pub fn prefix(net: &IpNet) -> Option<Prefix> {
    match net {
        IpNet::V4(net) => Some(Prefix { first: net.network().into(), length: net.prefix_len() }),
        IpNet::V6(_) => None,
    }
}

/// Prefixes nest, so one walk over them in order finds what covers each interval. `inside` makes the value
/// of a prefix from that of the one around it; items of one prefix come together, in their order.
pub fn nested<T: Clone, V: Clone + PartialEq>(
    mut items: Vec<(Prefix, T)>,
    outside: V,
    inside: impl Fn(&V, Prefix, &[T]) -> V,
) -> (Vec<u32>, Vec<V>) {
    items.sort_by_key(|(prefix, _)| *prefix);
    let mut out: Vec<(u32, V)> = vec![(0, outside.clone())];
    let mut around: Vec<(u32, V)> = Vec::new();
    let emit = |out: &mut Vec<(u32, V)>, at: u32, value: V| match out.last_mut() {
        Some(last) if last.0 == at => last.1 = value,
        _ => out.push((at, value)),
    };
    let close = |out: &mut Vec<(u32, V)>, around: &mut Vec<(u32, V)>, until: Option<u32>| {
        while let Some((last, _)) = around.last().filter(|(last, _)| until.is_none_or(|u| *last < u)) {
            let next = last.checked_add(1);
            around.pop();
            let value = around.last().map_or(&outside, |(_, v)| v).clone();
            if let Some(at) = next {
                emit(out, at, value);
            }
        }
    };
    let mut at = 0;
    while at < items.len() {
        let prefix = items[at].0;
        let same = items[at..].iter().take_while(|(p, _)| *p == prefix).count();
        let group: Vec<T> = items[at..at + same].iter().map(|(_, t)| t.clone()).collect();
        close(&mut out, &mut around, Some(prefix.first));
        let value = inside(around.last().map_or(&outside, |(_, v)| v), prefix, &group);
        emit(&mut out, prefix.first, value.clone());
        around.push((prefix.last(), value));
        at += same;
    }
    close(&mut out, &mut around, None);
    out.dedup_by(|b, a| a.1 == b.1);
    let keys = out.iter().skip(1).map(|(at, _)| *at).collect();
    (keys, out.into_iter().map(|(_, v)| v).collect())
}

/// What a route table says to an address: 16 bits, of which the upper tell the length of the prefix, so that of two
/// layers the greater holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserRoute(pub u16);

impl UserRoute {
    /// No route covers it.
    pub const NOTHING: UserRoute = UserRoute(0);
    const OVERRIDES: u16 = 1 << 9;

    /// A route.
    pub fn new(length: u8, overrides: bool, hop: usize) -> Self {
        Self((u16::from(length) + 1) << 10 | u16::from(overrides) << 9 | hop as u16)
    }

    /// Length of the prefix, or [`NO_LENGTH`].
    #[inline(always)]
    pub fn length(self) -> u32 {
        u32::from(self.0 >> 10).wrapping_sub(1) & NO_LENGTH
    }

    /// Whether a route that covers the address beats BGP (RT-19).
    #[inline(always)]
    pub fn overrides(self) -> bool {
        self.0 & Self::OVERRIDES != 0
    }

    /// Its next hop's number in the palette.
    #[inline(always)]
    pub fn hop(self) -> u32 {
        u32::from(self.0) & 0x1ff
    }

    /// What two layers of a table say together: no prefix is in both.
    #[inline(always)]
    pub fn or(self, other: UserRoute) -> UserRoute {
        Self(self.0.max(other.0) | (self.0 | other.0) & Self::OVERRIDES)
    }
}

/// The most distinct next hops of tables with a common layer.
pub const MOST_HOPS: usize = 1 << 9;

/// A compiled route table: what it shares with others, and what it has of its own.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserTable {
    /// Routes that many tables have.
    pub base: Spans,
    /// Those that only it has.
    pub own: Spans,
    /// Its next hops.
    pub hops: u32,
}

/// One route to be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserDraft {
    /// Rank among routes of one prefix (RT-17): lower wins.
    pub rank: u8,
    /// Whether it beats BGP.
    pub overrides: bool,
    /// Its next hop's number in the palette.
    pub hop: u16,
    /// Its number in the table.
    pub route: u16,
}

/// Compiles a layer of a route table.
pub fn user_layer(lines: &mut Lines, alike: &mut Alike, routes: Vec<(Prefix, UserDraft)>) -> Spans {
    let (keys, values) = nested(routes, UserRoute::NOTHING, |around, prefix, group| {
        let best = group.iter().min_by_key(|d| (d.rank, d.route));
        let overrides = around.overrides() || group.iter().any(|d| d.overrides);
        best.map_or(*around, |d| UserRoute::new(prefix.length, overrides, usize::from(d.hop)))
    });
    let values: Vec<u16> = values.iter().map(|v| v.0).collect();
    let (run, shape) = spans::halves(&keys, &values);
    Spans { tree: Tree { root: alike.put(lines, run.as_slice()), shape } }
}

/// A layer of which intervals are known.
pub fn said_layer(lines: &Lines, layer: Spans) -> Vec<(u32, UserRoute)> {
    spans::said_halves(lines, layer).into_iter().map(|(first, value)| (first, UserRoute(value))).collect()
}

/// Adds the lines of a layer of which intervals are known.
pub fn said_again(lines: &mut Lines, said: &[(u32, UserRoute)]) -> Spans {
    let keys: Vec<u32> = said[1..].iter().map(|(first, _)| *first).collect();
    let values: Vec<u16> = said.iter().map(|(_, value)| value.0).collect();
    let (run, shape) = spans::halves(&keys, &values);
    Spans { tree: Tree { root: lines.append(run.as_slice()), shape } }
}

/// The intervals of a layer that meet a prefix, with their last addresses.
fn meeting(lines: &Lines, layer: Spans, prefix: Prefix) -> impl Iterator<Item = (spans::Half, u32)> + '_ {
    let mut all = spans::halves_from(lines, layer, prefix.first).peekable();
    let with_last = std::iter::from_fn(move || {
        let half = all.next()?;
        let last = all.peek().map_or(u32::MAX, |next| next.first.wrapping_sub(1).max(half.first));
        Some((half, last))
    });
    with_last
        .skip_while(move |(_, last)| *last < prefix.first)
        .take_while(move |(half, _)| half.first <= prefix.last())
}

/// What the routes of a prefix say in a layer, where it shows: no other prefix of its length covers its addresses.
pub fn shown(lines: &Lines, layer: Spans, prefix: Prefix) -> Option<UserRoute> {
    let mut values = meeting(lines, layer, prefix).map(|(half, _)| UserRoute(half.value));
    values.find(|value| value.length() == u32::from(prefix.length))
}

/// A layer without a prefix, whose addresses another value takes.
pub fn without(lines: &mut Lines, layer: Spans, prefix: Prefix, outer: UserRoute) -> Spans {
    let length = u32::from(prefix.length);
    if let Some(taken) = taken(lines, layer, prefix) {
        let copy = spans::copied(lines, layer);
        for half in taken {
            spans::write_half(lines, [layer, copy], half, outer.0);
        }
        return copy;
    }
    let give = |value: UserRoute| if value.length() == length { outer } else { value };
    let said = repainted(&said_layer(lines, layer), prefix, give);
    said_again(lines, &said)
}

/// The intervals of a prefix; `None` where one of them reaches beyond it, since its neighbour says the same.
fn taken(lines: &Lines, layer: Spans, prefix: Prefix) -> Option<Vec<spans::Half>> {
    let mut out = Vec::new();
    for (half, last) in meeting(lines, layer, prefix) {
        if UserRoute(half.value).length() != u32::from(prefix.length) {
            continue;
        }
        if half.first < prefix.first || last > prefix.last() {
            return None;
        }
        out.push(half);
    }
    Some(out)
}

/// Changes what a layer says to the addresses of a prefix, and nothing beside it.
pub fn repainted(
    said: &[(u32, UserRoute)],
    prefix: Prefix,
    paint: impl Fn(UserRoute) -> UserRoute,
) -> Vec<(u32, UserRoute)> {
    let mut out: Vec<(u32, UserRoute)> = Vec::with_capacity(said.len() + 2);
    let mut put = |first: u32, value: UserRoute| {
        if out.last().is_none_or(|last| last.1 != value) {
            out.push((first, value));
        }
    };
    let (low, high) = (prefix.first, prefix.last());
    for (n, (first, value)) in said.iter().enumerate() {
        let next = said.get(n + 1).map(|(next, _)| *next);
        if next == Some(*first) {
            continue;
        }
        let last = next.map_or(u32::MAX, |next| next - 1);
        if last < low || *first > high {
            put(*first, *value);
            continue;
        }
        if *first < low {
            put(*first, *value);
        }
        put(low.max(*first), paint(*value));
        if last > high {
            put(high + 1, *value);
        }
    }
    out
}

/// The next hops of tables.
pub fn palette(lines: &mut Lines, alike: &mut Alike, hops: &[Hop]) -> u32 {
    let mut run = Lines::default();
    // One word at least, so that whoever asks for the line ahead finds one.
    let hops = if hops.is_empty() { &[Hop(0)] } else { hops };
    let words: Vec<u32> = hops.iter().map(|h| h.0).chain([NO_HOP.0]).collect();
    run.words(&words, NO_HOP.0);
    alike.put(lines, run.as_slice())
}

/// What stands behind the last next hop of tables.
const NO_HOP: Hop = Hop(u32::MAX);

/// The next hops that stand in a palette.
pub fn said_palette(lines: &Lines, palette: u32) -> Vec<Hop> {
    let words = (0..MOST_HOPS as u32).map(|n| Hop(lines.word(palette, n)));
    words.take_while(|hop| *hop != NO_HOP).collect()
}

/// What a network's routes say to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkRoute {
    /// The best system route that is not None.
    pub system: (u32, Hop),
    /// The length of the best None route.
    pub none: u32,
    /// The best gateway route.
    pub gateway: (u32, Hop),
    /// Whether a system route that covers the address beats BGP (RT-22).
    pub beats_gateway: bool,
    /// A private endpoint's slot, and how long a user-defined route must be to beat its /32 (RT-24).
    pub endpoint: Option<(u32, u32)>,
}

/// A private endpoint's route of which it is not known what beats it.
pub const BEATEN_UNKNOWN: u32 = 63;

/// A private endpoint that only the full engine reaches.
pub const LEFT: u32 = (1 << 26) - 2;

impl NetworkRoute {
    /// Nothing covers it.
    pub const NOTHING: NetworkRoute = NetworkRoute {
        system: (NO_LENGTH, Hop(0)),
        none: NO_LENGTH,
        gateway: (NO_LENGTH, Hop(0)),
        beats_gateway: false,
        endpoint: None,
    };

    fn words(&self) -> [u32; 4] {
        let flags =
            self.system.0 | self.none << 6 | self.gateway.0 << 12 | u32::from(self.beats_gateway) << 18;
        let endpoint = self.endpoint.map_or(0, |(slot, beaten)| (slot + 1) | beaten << 26);
        [flags, self.system.1.0, self.gateway.1.0, endpoint]
    }

    /// Reads the value of an interval.
    #[inline(always)]
    pub fn read(lines: &Lines, values: u32, rank: u32) -> Self {
        let line = &lines.line(values + rank / 4).0;
        let at = rank as usize % 4 * 4;
        let [flags, system, gateway, endpoint] = [line[at], line[at + 1], line[at + 2], line[at + 3]];
        NetworkRoute {
            system: (flags & 63, Hop(system)),
            none: flags >> 6 & 63,
            gateway: (flags >> 12 & 63, Hop(gateway)),
            beats_gateway: flags >> 18 & 1 != 0,
            endpoint: (endpoint != 0).then_some(((endpoint & 0x3ff_ffff).wrapping_sub(1), endpoint >> 26)),
        }
    }
}

/// One route of a network to be compiled.
#[derive(Clone, Copy, Debug)]
pub enum NetworkDraft {
    /// A system route, and whether it beats BGP.
    System(Hop, bool),
    /// A None range.
    None,
    /// A gateway route.
    Gateway(Hop),
    /// A private endpoint: its slot, and what beats it.
    Endpoint(u32, u32),
}

/// Compiles the routes of a network: its intervals, and behind the tree four words each.
pub fn network_tree(lines: &mut Lines, routes: Vec<(Prefix, NetworkDraft)>) -> Tree {
    let (keys, values) = nested(routes, NetworkRoute::NOTHING, |around, prefix, group| {
        let mut value = *around;
        let length = u32::from(prefix.length);
        let (mut system, mut gateway, mut endpoint) = (false, false, false);
        for draft in group {
            match *draft {
                NetworkDraft::System(hop, beats) => {
                    value.beats_gateway |= beats;
                    if !std::mem::replace(&mut system, true) {
                        value.system = (length, hop);
                    }
                }
                NetworkDraft::None => value.none = length,
                NetworkDraft::Gateway(hop) => {
                    if !std::mem::replace(&mut gateway, true) {
                        value.gateway = (length, hop);
                    }
                }
                NetworkDraft::Endpoint(slot, beaten) => {
                    if !std::mem::replace(&mut endpoint, true) {
                        value.endpoint = Some((slot, beaten));
                    }
                }
            }
        }
        value
    });
    let tree = tree::build(lines, &keys);
    let words: Vec<u32> = values.iter().flat_map(|v| v.words()).collect();
    lines.words(&words, 0);
    tree
}

/// What a subnet adds to the choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Knobs {
    /// None routes are gone (RT-3a).
    pub none_removed: bool,
    /// Gateway routes are kept out (RT-6).
    pub no_gateway: bool,
    /// What is not known could change the answer, unless a route of the network itself decides.
    pub doubt: bool,
}

/// Which route an address takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// A user-defined route.
    User(UserRoute),
    /// A route of the network.
    Network(Hop),
    /// A gateway's.
    Gateway(Hop),
    /// A None range.
    None,
    /// A private endpoint's, to its slot.
    Endpoint(u32),
    /// None at all.
    Nothing,
    /// The full engine must say.
    Doubt,
}

/// The choice of RT-24b, service endpoints left aside.
#[inline(always)]
pub fn choose(user: UserRoute, network: &NetworkRoute, knobs: Knobs) -> Chosen {
    if let Some((slot, beaten)) = network.endpoint {
        if slot == LEFT {
            return Chosen::Doubt;
        }
        if user.length() == NO_LENGTH {
            return Chosen::Endpoint(slot);
        }
        if beaten == BEATEN_UNKNOWN {
            return Chosen::Doubt;
        }
        if user.length() < beaten {
            return Chosen::Endpoint(slot);
        }
    }
    if knobs.doubt && !network.beats_gateway {
        return Chosen::Doubt;
    }
    let gone = knobs.no_gateway || network.beats_gateway || user.overrides();
    // Longer first, then user, gateway, system before None of the same length; absent is below all.
    let rank = |length: u32, source: u32| if length == NO_LENGTH { 0 } else { length * 4 + source + 1 };
    let mine = rank(user.length(), 3);
    let gateway = if gone { 0 } else { rank(network.gateway.0, 2) };
    let system = rank(network.system.0, 1);
    let none = if knobs.none_removed { 0 } else { rank(network.none, 0) };
    let best = mine.max(gateway).max(system).max(none);
    match best {
        0 => Chosen::Nothing,
        b if b == mine => Chosen::User(user),
        b if b == gateway => Chosen::Gateway(network.gateway.1),
        b if b == system => Chosen::Network(network.system.1),
        _ => Chosen::None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::cpu::Portable;
    use super::*;

    fn prefix(text: &str) -> Prefix {
        super::prefix(&text.parse().expect("a prefix")).expect("of IPv4")
    }

    #[test]
    fn the_longest_prefix_wins_and_equal_ones_by_rank() {
        let (mut lines, mut alike) = (Lines::default(), Alike::default());
        let texts = [
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.0.0/16",
            "10.1.255.0/24",
            "255.255.255.255/32",
            "0.0.0.0/32",
        ];
        // Every second route in the layer that tables share, the others in the table's own.
        for shared in [0, 1, 2] {
            let mut layers = [Vec::new(), Vec::new()];
            for (i, text) in texts.iter().enumerate() {
                let rank = if i == 2 { 1 } else { 0 };
                let same = i == 2 || i == 3;
                let draft = UserDraft { rank, overrides: i == 1, hop: i as u16, route: i as u16 };
                layers[usize::from(shared == 0 || shared == 1 && (i % 2 == 0 || same))]
                    .push((prefix(text), draft));
            }
            let layers = layers.map(|l| user_layer(&mut lines, &mut alike, l));
            for (ip, length, route, overrides) in [
                ("0.0.0.0", 32, 6, false),
                ("0.0.0.1", 0, 0, false),
                ("10.0.0.1", 8, 1, true),
                ("10.1.2.3", 16, 3, true),
                ("10.1.255.3", 24, 4, true),
                ("10.2.0.0", 8, 1, true),
                ("11.0.0.0", 0, 0, false),
                ("255.255.255.255", 32, 5, false),
            ] {
                let ip = u32::from(ip.parse::<std::net::Ipv4Addr>().expect("an address"));
                let says = layers.map(|l| {
                    let line = l.line(l.tree.rank(Portable, &lines, ip));
                    UserRoute(spans::half(Portable, lines.line(line), ip))
                });
                let value = says[0].or(says[1]);
                let got = (value.length(), value.hop(), value.overrides());
                assert_eq!(got, (length, route, overrides), "{ip}");
            }
        }
        assert_eq!(UserRoute::NOTHING.length(), NO_LENGTH);
    }

    #[test]
    fn what_is_repainted_is_what_is_compiled_anew() {
        let said = |routes: &[(Prefix, u16)]| {
            let (mut lines, mut alike) = (Lines::default(), Alike::default());
            let draft = |(n, (prefix, hop)): (usize, &(Prefix, u16))| {
                (*prefix, UserDraft { rank: 0, overrides: false, hop: *hop, route: n as u16 })
            };
            let drafts = routes.iter().enumerate().map(draft).collect();
            let layer = user_layer(&mut lines, &mut alike, drafts);
            repainted(&said_layer(&lines, layer), prefix("0.0.0.0/0"), |value| value)
        };
        let texts =
            ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16", "10.1.255.0/24", "10.255.0.0/16"];
        let ends = ["255.255.255.255/32", "255.255.0.0/16", "0.0.0.0/32", "128.0.0.0/1", "10.1.254.0/24"];
        let all: Vec<Prefix> = texts.into_iter().chain(ends).map(prefix).collect();
        for (n, changed) in all.iter().enumerate() {
            for hops in 1..3 {
                let hop = |n: usize| n as u16 % hops;
                let without: Vec<(Prefix, u16)> =
                    (0..all.len()).filter(|m| *m != n).map(|m| (all[m], hop(m))).collect();
                let with: Vec<(Prefix, u16)> = without.iter().copied().chain([(*changed, hop(n))]).collect();
                let length = u32::from(changed.length);
                let value = UserRoute::new(changed.length, false, usize::from(hop(n)));
                let come = repainted(&said(&without), *changed, |v| match v.length() {
                    NO_LENGTH => value,
                    own if own < length => value,
                    _ => v,
                });
                assert_eq!(come, said(&with), "{changed:?} came");
                let around =
                    without.iter().filter(|(p, _)| p.first <= changed.first && p.last() >= changed.last());
                let around = around.max_by_key(|(p, _)| p.length);
                let outer = around.map_or(UserRoute::NOTHING, |(p, hop)| {
                    UserRoute::new(p.length, false, usize::from(*hop))
                });
                let gone =
                    repainted(&said(&with), *changed, |v| if v.length() == length { outer } else { v });
                assert_eq!(gone, said(&without), "{changed:?} left");
                let mut lines = Lines::default();
                let again = said_again(&mut lines, &gone);
                assert_eq!(repainted(&said_layer(&lines, again), *changed, |v| v), gone);
            }
        }
    }

    #[test]
    fn palettes_read_back() {
        let (mut lines, mut alike) = (Lines::default(), Alike::default());
        for count in [1, 15, 16, 17, MOST_HOPS] {
            let hops: Vec<Hop> = (0..count as u32).map(|n| Hop::new(HopKind::Appliance, n)).collect();
            let at = palette(&mut lines, &mut alike, &hops);
            assert_eq!(said_palette(&lines, at), hops);
        }
    }

    #[test]
    fn next_hops_read_back() {
        for (kind, about) in [(HopKind::Local, 0), (HopKind::Appliance, 77), (HopKind::Other, 1 << 20)] {
            let hop = Hop::new(kind, about);
            assert_eq!((hop.kind(), hop.about()), (kind, about));
        }
    }
}
