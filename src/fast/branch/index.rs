//! The routes of every table in eight bytes each, so that one is found by name or prefix without looking at the others.
//!
//! A table of 400 routes is 50 lines one after the other; the routes themselves are 400 pointers to what they say, and
//! each of those one to its name: some 40 us of a cold table.

use crate::fast::routes::{Prefix, prefix};
use crate::inventory::{Id, RouteTable, Subnet};
use crate::net::IpNet;
use crate::network::{EffectiveRoute, Network, RoutePrefix};
use hashbrown::HashMap;
use std::hash::{BuildHasher, Hasher};

/// What a route covers, as far as a patch may count on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A prefix of IPv4.
    Plain,
    /// One that beats BGP.
    Overriding,
    /// A prefix of IPv6.
    Other,
    /// A service tag, or what is not known.
    Open,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    first: u32,
    name: u16,
    length: u8,
    kind: Kind,
}

/// A part of a hash of a name, whatever its letters' case.
fn mark(name: &str) -> u16 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    let mut piece = [0; 16];
    for part in name.as_bytes().chunks(piece.len()) {
        let own = &mut piece[..part.len()];
        own.copy_from_slice(part);
        own.make_ascii_lowercase();
        hasher.write(own);
    }
    hasher.finish() as u16
}

impl Key {
    fn of(route: &EffectiveRoute) -> Self {
        let name = route.name.as_deref().map_or(0, mark);
        let plain = if route.bgp_override { Kind::Overriding } else { Kind::Plain };
        let (kind, covered) = match &route.prefix {
            Some(RoutePrefix::Net(net)) => match prefix(net) {
                Some(prefix) => (plain, prefix),
                None => (Kind::Other, Prefix { first: 0, length: 0 }),
            },
            Some(RoutePrefix::Tag(_)) | None => (Kind::Open, Prefix { first: 0, length: 0 }),
        };
        Self { first: covered.first, name, length: covered.length, kind }
    }

    fn is_v4(self) -> bool {
        matches!(self.kind, Kind::Plain | Kind::Overriding)
    }

    fn prefix(self) -> Prefix {
        Prefix { first: self.first, length: self.length }
    }

    fn covers(self, prefix: Prefix) -> bool {
        let differ = u64::from(self.first ^ prefix.first) >> (32 - u32::from(self.length.min(32)));
        self.is_v4() && self.length <= prefix.length && differ == 0
    }
}

/// The other routes of a table, as one of its prefixes sees them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// Whether one has the same prefix.
    pub same: bool,
    /// The nearest prefix that holds it.
    pub nearest: Option<Prefix>,
}

impl Around {
    /// Whether it lies in another route's.
    pub(super) fn is_covered(&self) -> bool {
        self.same || self.nearest.is_some()
    }
}

/// Routes of every table.
#[derive(Debug, Default)]
pub(super) struct Index {
    firsts: Vec<u32>,
    all: Vec<Key>,
    /// Tables that are others in a branch.
    now: HashMap<u32, Vec<Key>, foldhash::fast::FixedState>,
}

impl Index {
    pub(super) fn new(net: &Network, subnets: &[Vec<Id<Subnet>>]) -> Self {
        let mut out = Self { firsts: Vec::with_capacity(subnets.len() + 1), ..Self::default() };
        for subnets in subnets {
            out.firsts.push(out.all.len() as u32);
            let user = subnets.iter().find_map(|id| net.subnet(*id).routes.user.as_ref());
            out.all.extend(user.iter().flat_map(|user| &user.routes).map(Key::of));
        }
        out.firsts.push(out.all.len() as u32);
        out
    }

    /// Bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.firsts.len() * size_of::<u32>() + self.all.len() * size_of::<Key>()
    }

    /// The routes of a table, to be asked.
    pub(super) fn of(&self, table: Id<RouteTable>) -> Keys<'_> {
        let at = table.index();
        let base = || &self.all[self.firsts[at] as usize..self.firsts[at + 1] as usize];
        Keys(self.now.get(&table.raw()).map_or_else(base, |now| &now[..]))
    }

    /// Follows a route that left its table, or came into it.
    pub(super) fn follow(&mut self, table: Id<RouteTable>, at: Option<usize>, new: Option<&EffectiveRoute>) {
        let mut now = self.of(table).0.to_vec();
        match (at, new.map(Key::of)) {
            (Some(at), Some(new)) => now[at] = new,
            (Some(at), None) => {
                now.remove(at);
            }
            (None, Some(new)) => now.push(new),
            (None, None) => return,
        }
        self.now.insert(table.raw(), now);
    }

    /// Forgets what a branch changed.
    pub(super) fn forget(&mut self) {
        self.now.clear();
    }
}

/// The routes of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys<'i>(&'i [Key]);

impl Keys<'_> {
    /// The first route of a name.
    pub(super) fn named(self, name: &str, routes: &[EffectiveRoute]) -> Option<usize> {
        let mark = mark(name);
        let same = |at: &usize| {
            let own = routes.get(*at).and_then(|r| r.name.as_ref());
            own.is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        self.0.iter().enumerate().filter(|(_, key)| key.name == mark).map(|(at, _)| at).find(same)
    }

    fn others(self, but: Option<usize>) -> impl Iterator<Item = Key> {
        self.0.iter().enumerate().filter(move |(at, _)| Some(*at) != but).map(|(_, key)| *key)
    }

    /// How a prefix lies among the routes, but for one of them.
    pub(super) fn around(self, prefix: Prefix, but: Option<usize>) -> Around {
        let mut out = Around::default();
        for key in self.others(but).filter(|key| key.covers(prefix)) {
            match key.length == prefix.length {
                true => out.same = true,
                false if out.nearest.is_none_or(|near| near.length < key.length) => {
                    out.nearest = Some(key.prefix());
                }
                false => {}
            }
        }
        out
    }

    /// Whether all routes but one are simple prefixes; and whether one of them is for everything.
    pub(super) fn plain(self, but: Option<usize>) -> (bool, bool) {
        self.others(but).fold((true, false), |(plain, default), key| {
            (
                plain & matches!(key.kind, Kind::Plain | Kind::Other),
                default | (key.is_v4() && key.length == 0),
            )
        })
    }
}

/// A prefix of IPv4 that a route covers without beating BGP; `Err` where what it covers cannot be told so.
pub(super) fn simple(route: &EffectiveRoute) -> Result<Option<Prefix>, ()> {
    match Key::of(route) {
        key if key.kind == Kind::Plain => Ok(Some(key.prefix())),
        key if key.kind == Kind::Other => Ok(None),
        _ => Err(()),
    }
}

/// Whether a prefix lies in another route's, where that is an IPv4 prefix.
pub(super) fn is_covered(keys: Keys<'_>, but: Option<usize>, net: &IpNet) -> Option<bool> {
    prefix(net).map(|prefix| keys.around(prefix, but).is_covered())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str, name: &str) -> Key {
        let Prefix { first, length } = prefix(&text.parse().expect("a prefix")).expect("of IPv4");
        Key { first, name: mark(name), length, kind: Kind::Plain }
    }

    #[test]
    fn the_nearest_prefix_around_is_found() {
        let list =
            ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.0/24"].map(|p| key(p, p));
        let at = |text: &str, but: Option<usize>| {
            let around = Keys(&list).around(key(text, "").prefix(), but);
            (around.same, around.nearest.map(|p| p.length))
        };
        assert_eq!(at("10.1.2.0/24", Some(3)), (true, Some(16)));
        assert_eq!(at("10.1.0.0/16", Some(2)), (false, Some(8)));
        assert_eq!(at("10.1.0.0/16", None), (true, Some(8)));
        assert_eq!(at("11.0.0.0/8", None), (false, Some(0)));
        assert_eq!(at("0.0.0.0/0", Some(0)), (false, None));
        assert_eq!(at("10.1.2.3/32", None), (false, Some(24)));
        assert_eq!(Keys(&list).plain(None), (true, true));
        assert_eq!(Keys(&list).plain(Some(0)), (true, false));
    }

    #[test]
    fn names_are_marked_whatever_their_case() {
        assert_eq!(mark("To-The-Firewall-Of-The-Hub"), mark("to-the-firewall-of-the-hub"));
        assert_ne!(mark("office-0001"), mark("office-0002"));
    }
}
