//! Where each address leads from a subnet, written out: intervals with what the walk does next.
//!
//! Of hundreds of routes most lead to the same firewall, so that what the three layers of [`super::routes`] say
//! together is a few intervals: one or two lines for most subnets, where the layers are six. What a walk must weigh
//! again for each flow (service endpoints, verdicts that name a route, doubts, what an appliance announced itself) is
//! written down as [`Lead::Asked`], and the layers are asked. Everything here is read off the compiled tables, so it
//! holds whatever they are made of; subnets whose routes are the same share it.

use super::alike::Alike;
use super::lines::Lines;
use super::routes::{self, Chosen, Hop, HopKind, NetworkRoute, UserRoute};
use super::spans::{self, Spans};
use super::tables::{Fast, NOBODY, SubnetRow, UNREACHABLE, subnet, vnet};
use super::tree::{self, Tree};
use hashbrown::HashMap;

/// More intervals than this are not written out.
const MOST: usize = 4_096;

/// What a walk does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// It asks the routes themselves.
    Asked,
    /// It goes on inside this network.
    Inside(u32),
    /// It arrives at this slot.
    Arrive(u32),
    /// It leaves for public space.
    Out,
}

/// Which routes say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// The route table.
    User,
    /// The network's own.
    Network,
    /// That of a private endpoint.
    PrivateEndpoint,
}

const KIND_AT: u32 = 30;
const HELD_AT: u32 = 28;
const ABOUT: u32 = (1 << HELD_AT) - 1;

fn word(lead: Lead, held: Held) -> u32 {
    let (kind, about) = match lead {
        Lead::Inside(vnet) if vnet < ABOUT => (1, vnet),
        Lead::Arrive(slot) if slot < ABOUT => (2, slot),
        Lead::Out => (3, 0),
        _ => return 0,
    };
    kind << KIND_AT | (held as u32) << HELD_AT | about
}

/// Kinds of steps: routes asked, inside a network, at an appliance, at a private endpoint, out.
pub const KINDS: usize = 5;

/// The kind of a step.
#[inline(always)]
pub fn kind(word: u32) -> usize {
    // By its four highest bits, four bits each: what it does, and who held.
    const OF: u64 = {
        let mut all = 0;
        let mut high = 0;
        while high < 16 {
            let kind = match (high >> 2, high & 3) {
                (0, _) => 0,
                (1, _) => 1,
                (2, 0 | 1) => 2,
                (2, _) => 3,
                _ => 4,
            };
            all |= kind << (4 * high);
            high += 1;
        }
        all
    };
    (OF >> (word >> HELD_AT << 2) & 7) as usize
}

/// The network or the slot that a step names.
#[inline(always)]
pub fn about(word: u32) -> u32 {
    word & ABOUT
}

/// Which routes held there.
#[inline(always)]
pub fn held(word: u32) -> Held {
    match word >> HELD_AT & 3 {
        0 => Held::User,
        1 => Held::Network,
        _ => Held::PrivateEndpoint,
    }
}

/// What the ways of subnets have in common while they are written.
#[derive(Default)]
pub(super) struct Writer {
    /// What common layers say, by where they stand.
    layers: HashMap<u32, Vec<(u32, u16)>>,
    known: HashMap<Key, Spans>,
}

/// What a way depends on.
type Key = ([u32; 8], bool);

impl Writer {
    /// Where addresses lead from a subnet; its network must be written already.
    pub(super) fn way(&mut self, fast: &mut Fast, alike: &mut Alike, row: &SubnetRow) -> Spans {
        let user = &row.user;
        let knobs = row.flags
            & (subnet::TABLE_DOUBT | subnet::ROUTE_DOUBT | subnet::NONE_REMOVED | subnet::NO_GATEWAY);
        let network = [row.vnet, row.network.root, row.network.shape, knobs];
        let [a, b, c, d] = network;
        let (base, own) = (user.base.tree, user.own.tree);
        let key = ([a, b, c, d, base.root, own.root, own.shape, user.hops], row.endpoints != 0);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let layer =
            self.layers.entry(base.root).or_insert_with(|| spans::said_halves(&fast.lines, user.base));
        let spans = written(fast, row, layer).map_or_else(Spans::default, |(keys, words)| {
            let (run, shape) = spans::words(&keys, &words);
            Spans { tree: Tree { root: alike.put(&mut fast.lines, run.as_slice()), shape } }
        });
        self.known.insert(key, spans);
        spans
    }
}

/// A list of intervals that is gone through once.
struct Course<'a, T>(&'a [(u32, T)], usize);

impl<T: Copy> Course<'_, T> {
    /// The value at an address that is not below the last one.
    fn at(&mut self, x: u32) -> T {
        while self.0.get(self.1 + 1).is_some_and(|(first, _)| *first <= x) {
            self.1 += 1;
        }
        self.0[self.1].1
    }
}

/// The intervals of a subnet; `None` where they are too many or not known.
fn written(fast: &Fast, row: &SubnetRow, base: &[(u32, u16)]) -> Option<(Vec<u32>, Vec<u32>)> {
    // A tag that a service endpoint leads to may hold what is private.
    if row.has(subnet::TABLE_DOUBT) || row.endpoints != 0 && fast.tags_private {
        return None;
    }
    let own = spans::said_halves(&fast.lines, row.user.own);
    let network = network(&fast.lines, row.network);
    let mut public = vec![(0, false)];
    if row.endpoints != 0 {
        let keys = tree::keys(&fast.lines, fast.public);
        public.extend(keys.into_iter().enumerate().map(|(n, key)| (key, n % 2 == 0)));
    }
    let mut firsts: Vec<u32> = base.iter().chain(&own).map(|(first, _)| *first).collect();
    firsts.extend(network.iter().map(|(first, _)| *first));
    firsts.extend(public.iter().map(|(first, _)| *first));
    firsts.sort_unstable();
    firsts.dedup();
    let (mut base, mut own, mut network, mut public) =
        (Course(base, 0), Course(&own, 0), Course(&network, 0), Course(&public, 0));
    let (mut keys, mut words): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    for first in firsts {
        let user = UserRoute(base.at(first)).or(UserRoute(own.at(first)));
        let network = network.at(first);
        let next = if public.at(first) { 0 } else { next(fast, row, user, &network) };
        match words.last() {
            Some(last) if *last == next => {}
            None => words.push(next),
            Some(_) => {
                keys.push(first);
                words.push(next);
            }
        }
    }
    (words.len() <= MOST).then_some((keys, words))
}

fn network(lines: &Lines, tree: Tree) -> Vec<(u32, NetworkRoute)> {
    let firsts = std::iter::once(0).chain(tree::keys(lines, tree));
    firsts.enumerate().map(|(n, first)| (first, NetworkRoute::read(lines, tree.end(), n as u32))).collect()
}

/// What the walk does with an address, as it would find out by the routes.
fn next(fast: &Fast, row: &SubnetRow, user: UserRoute, network: &NetworkRoute) -> u32 {
    match routes::choose(user, network, row.knobs()) {
        Chosen::Endpoint(slot) => word(Lead::Arrive(slot), Held::PrivateEndpoint),
        Chosen::User(route) => word(by_hop(fast, row, fast.user_hop(row, route.hop()), true), Held::User),
        Chosen::Network(hop) => word(by_hop(fast, row, hop, false), Held::Network),
        // What an appliance announced itself leads beyond it.
        Chosen::Gateway(hop) if hop.kind() == HopKind::Appliance => word(Lead::Asked, Held::Network),
        Chosen::Gateway(hop) => word(by_hop(fast, row, hop, false), Held::Network),
        Chosen::None | Chosen::Nothing | Chosen::Doubt => word(Lead::Asked, Held::Network),
    }
}

fn by_hop(fast: &Fast, row: &SubnetRow, hop: Hop, user: bool) -> Lead {
    match hop.kind() {
        HopKind::Local => Lead::Inside(row.vnet),
        HopKind::Network => Lead::Inside(hop.about()),
        HopKind::Internet if user || !fast.vnet(row.vnet).has(vnet::BROKEN) => Lead::Out,
        HopKind::Appliance => match fast.appliance(row.vnet, hop.about()) {
            UNREACHABLE | NOBODY => Lead::Asked,
            slot => Lead::Arrive(slot),
        },
        HopKind::Internet | HopKind::None | HopKind::Other => Lead::Asked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for (at, by, order, named) in [
            (Lead::Inside(7), Held::Network, 1, 7),
            (Lead::Inside(8), Held::User, 1, 8),
            (Lead::Arrive(1 << 20), Held::User, 2, 1 << 20),
            (Lead::Arrive(5), Held::Network, 2, 5),
            (Lead::Arrive(0), Held::PrivateEndpoint, 3, 0),
            (Lead::Out, Held::User, 4, 0),
            (Lead::Out, Held::Network, 4, 0),
            (Lead::Asked, Held::User, 0, 0),
        ] {
            let word = word(at, by);
            assert_eq!((kind(word), held(word), about(word)), (order, by, named), "{at:?}");
        }
        assert_eq!(kind(word(Lead::Inside(u32::MAX), Held::User)), 0, "what has no room is asked");
    }
}
