//! One side of all rules as classes of addresses that no rule tells apart.

use super::Around;
use super::draft::{Draft, Drafts, Named};
use crate::net::{AddressSet, IpAddr};
use crate::network::{HOST_ADDRESS, LICENSING_ADDRESSES, METADATA_ADDRESS, Platform};
use hashbrown::HashMap;
use std::net::Ipv4Addr;

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    fn last(self) -> u128 {
        match self {
            Self::V4 => u128::from(u32::MAX),
            Self::V6 => u128::MAX,
        }
    }

    /// An address of its number.
    pub(super) fn address(self, number: u128) -> IpAddr {
        match self {
            Self::V4 => IpAddr::V4((number as u32).into()),
            Self::V6 => IpAddr::V6(number.into()),
        }
    }

    fn ranges(self, set: &AddressSet) -> Vec<(u128, u128)> {
        match self {
            Self::V4 => set.v4().iter().map(|(a, b)| (u128::from(*a), u128::from(*b))).collect(),
            Self::V6 => set.v6().to_vec(),
        }
    }

    fn single(self, ip: IpAddr) -> Option<(u128, u128)> {
        match (self, ip) {
            (Self::V4, IpAddr::V4(ip)) => Some((u128::from(u32::from(ip)), u128::from(u32::from(ip)))),
            (Self::V6, IpAddr::V6(ip)) => Some((u128::from(ip), u128::from(ip))),
            _ => None,
        }
    }
}

/// What is special about the addresses of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Nothing,
    /// The host: only rules that name the platform act, and only on DNS (NSG-17, NSG-18).
    Host,
    /// The metadata service: only rules that name the platform act.
    Metadata,
    /// Windows licensing: the same, going out, unless everything is routed elsewhere (NSG-19).
    Licensing,
}

/// Addresses that no rule tells apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    /// One of them.
    pub address: u128,
    /// Another one, if there is one.
    pub other: Option<u128>,
    pub network: bool,
    pub internet: bool,
    pub special: Special,
}

impl Class {
    /// Private addresses first: they make the better examples.
    pub(super) fn rank(&self, family: Family) -> u8 {
        match family.address(self.address) {
            IpAddr::V4(ip) if ip.is_private() => 0,
            _ if self.network => 1,
            _ => 2,
        }
    }
}

/// One side of all rules.
pub(super) struct Space {
    pub classes: Vec<Class>,
    /// Words of a row.
    pub width: usize,
    /// For each class the rules whose addresses hold it.
    rows: Vec<u64>,
    /// Rules that every address fits.
    pub any: Vec<u64>,
    /// Whether a rule names `VirtualNetwork` or `Internet` as what is not a set.
    pub asks_place: bool,
}

struct Maker<'a, 'b> {
    drafts: &'b Drafts<'a>,
    side: usize,
    family: Family,
    width: usize,
    row: Vec<u64>,
    counts: Vec<u16>,
    hash: u64,
    space: Space,
    known: HashMap<u64, Vec<u32>, foldhash::fast::FixedState>,
    network: Vec<u64>,
    internet: Vec<u64>,
}

impl Space {
    /// The classes of one side: 0 for sources.
    pub(super) fn new(drafts: &Drafts<'_>, around: Around<'_>, family: Family, side: usize) -> Self {
        let width = drafts.all.len().div_ceil(64).max(1);
        let row_of = |holds: &dyn Fn(&Draft<'_>) -> bool| {
            let mut row = vec![0u64; width];
            for (n, _) in drafts.all.iter().enumerate().filter(|(_, d)| holds(d)) {
                row[n / 64] |= 1 << (n % 64);
            }
            row
        };
        let any = row_of(&|d| d.sides[side].any);
        let network = row_of(&|d| d.sides[side].network);
        let internet = row_of(&|d| d.sides[side].internet);
        let asks_place = network.iter().chain(&internet).any(|w| *w != 0);
        let space = Space { classes: Vec::new(), width, rows: Vec::new(), any: any.clone(), asks_place };
        let mut maker = Maker {
            drafts,
            side,
            family,
            width,
            row: any,
            counts: vec![0; drafts.all.len()],
            hash: 0,
            space,
            known: HashMap::default(),
            network,
            internet,
        };
        maker.sweep(around);
        maker.space
    }

    /// The rules whose addresses hold a class.
    pub(super) fn row(&self, class: usize) -> &[u64] {
        &self.rows[class * self.width..][..self.width]
    }

    /// For each rule that does not take every address, the classes it holds.
    pub(super) fn classes_of_rules(&self, rules: usize) -> Vec<Vec<u32>> {
        let mut out = vec![Vec::new(); rules];
        for class in 0..self.classes.len() {
            for (w, (word, any)) in self.row(class).iter().zip(&self.any).enumerate() {
                let mut left = word & !any;
                while left != 0 {
                    out[w * 64 + left.trailing_zeros() as usize].push(class as u32);
                    left &= left - 1;
                }
            }
        }
        out
    }
}

/// What begins or ends at an address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Set(u32, bool),
    Public(bool),
    Special(bool),
}

impl Maker<'_, '_> {
    fn sweep(&mut self, around: Around<'_>) {
        let users = self.users();
        let events = self.events(around, &users);
        let (mut at, mut public) = (0, false);
        let mut here = 0u128;
        loop {
            while at < events.len() && events[at].0 == here {
                match events[at].1 {
                    Event::Set(set, on) => users[set as usize].iter().for_each(|rule| self.toggle(*rule, on)),
                    Event::Public(on) => public = on,
                    Event::Special(_) => {}
                }
                at += 1;
            }
            let next = events.get(at).map(|e| e.0);
            let last = next.map_or(self.family.last(), |n| n - 1);
            self.interval(here, last, public);
            match next {
                Some(next) => here = next,
                None => return,
            }
        }
    }

    /// The rules that name each set.
    fn users(&self) -> Vec<Vec<u32>> {
        let mut users = vec![Vec::new(); self.drafts.named.len()];
        for (rule, draft) in self.drafts.all.iter().enumerate() {
            let side = &draft.sides[self.side];
            if !side.any {
                side.sets.iter().for_each(|set| users[*set as usize].push(rule as u32));
            }
        }
        users
    }

    fn events(&self, around: Around<'_>, users: &[Vec<u32>]) -> Vec<(u128, Event)> {
        let last = self.family.last();
        let mut events = Vec::new();
        let mut add = |ranges: Vec<(u128, u128)>, event: &dyn Fn(bool) -> Event| {
            for (low, high) in ranges {
                events.push((low, event(true)));
                if high < last {
                    events.push((high + 1, event(false)));
                }
            }
        };
        for (number, named) in self.drafts.named.iter().enumerate() {
            if !users[number].is_empty() {
                let ranges = self.ranges(*named);
                add(ranges, &|on| Event::Set(number as u32, on));
            }
        }
        if self.space.asks_place
            && let Around::Anywhere { public } = around
        {
            add(self.family.ranges(public), &Event::Public);
        }
        if self.side == 1 {
            let special = LICENSING_ADDRESSES.into_iter().chain([HOST_ADDRESS, METADATA_ADDRESS]);
            add(special.filter_map(|ip| self.family.single(ip)).collect(), &Event::Special);
        }
        events.sort_unstable();
        events
    }

    fn ranges(&self, named: Named<'_>) -> Vec<(u128, u128)> {
        let family = self.family;
        match named {
            Named::Set(set) => family.ranges(set),
            Named::Host => family.single(HOST_ADDRESS).into_iter().collect(),
            Named::Platform(number) => {
                let all = [Platform::Dns, Platform::Metadata, Platform::Licensing];
                let addresses = all.into_iter().filter(|p| *p as u8 == number).flat_map(|p| p.addresses());
                addresses.filter_map(|ip| family.single(*ip)).collect()
            }
        }
    }

    /// A set that a rule names begins or ends.
    fn toggle(&mut self, rule: u32, on: bool) {
        let count = &mut self.counts[rule as usize];
        let before = *count;
        *count = if on { before + 1 } else { before - 1 };
        if (before == 0) != (*count == 0) {
            self.row[rule as usize / 64] ^= 1 << (rule % 64);
            self.hash ^= mixed(u64::from(rule) + 1);
        }
    }

    /// An interval of addresses that no set divides; the tags of the place may.
    fn interval(&mut self, low: u128, high: u128, public: bool) {
        let special = self.special(low, high);
        let places: &[(bool, bool)] = match (self.space.asks_place, public) {
            (false, _) => &[(false, false)],
            (true, false) => &[(false, false), (true, false)],
            (true, true) => &[(false, true), (true, false), (true, true)],
        };
        let address = self.example(low, high);
        let other = [low, high].into_iter().find(|x| *x != address);
        for (network, internet) in places {
            self.class(Class { address, other, network: *network, internet: *internet, special });
        }
    }

    /// An address of an interval that people know the kind of.
    fn example(&self, low: u128, high: u128) -> u128 {
        let known = KNOWN[self.side].map(|ip| u128::from(u32::from(ip)));
        let known = known.into_iter().find(|ip| self.family == Family::V4 && low <= *ip && *ip <= high);
        // The first addresses of a subnet belong to nobody.
        known.unwrap_or(if high - low >= 8 { low + 4 } else { low })
    }

    fn special(&self, low: u128, high: u128) -> Special {
        if self.side == 0 || low != high || self.family == Family::V6 {
            return Special::Nothing;
        }
        match self.family.address(low) {
            HOST_ADDRESS => Special::Host,
            METADATA_ADDRESS => Special::Metadata,
            ip if LICENSING_ADDRESSES.contains(&ip) => Special::Licensing,
            _ => Special::Nothing,
        }
    }

    fn class(&mut self, class: Class) {
        let mut row = self.row.clone();
        let mut hash = self.hash ^ mixed(!(class.special as u64));
        for (holds, more, salt) in [(class.network, &self.network, 1), (class.internet, &self.internet, 2)] {
            if holds && more.iter().any(|w| *w != 0) {
                row.iter_mut().zip(more).for_each(|(a, b)| *a |= b);
                hash ^= mixed(u64::MAX / 3 + salt);
            }
        }
        let known = self.known.entry(hash).or_default();
        let same = |n: &u32| {
            let n = *n as usize;
            self.space.rows[n * self.width..][..self.width] == row[..]
                && self.space.classes[n].special == class.special
        };
        if let Some(n) = known.iter().find(|n| same(n)) {
            let first = &mut self.space.classes[*n as usize];
            let another = first.address;
            // What nobody has is a poor example.
            if self.family == Family::V4 && (first.address as u32) >> 24 == 0 {
                *first = class;
            }
            first.other =
                first.other.or(Some(if first.address == another { class.address } else { another }));
        } else {
            known.push(self.space.classes.len() as u32);
            self.space.classes.push(class);
            self.space.rows.extend(row);
        }
    }
}

/// Senders and receivers to be taken as examples, the first that fits.
const KNOWN: [[Ipv4Addr; 4]; 2] = [
    [
        Ipv4Addr::new(10, 0, 0, 4),
        Ipv4Addr::new(172, 16, 0, 4),
        Ipv4Addr::new(192, 168, 0, 4),
        Ipv4Addr::new(8, 8, 8, 8),
    ],
    [
        Ipv4Addr::new(10, 0, 1, 4),
        Ipv4Addr::new(172, 16, 1, 4),
        Ipv4Addr::new(192, 168, 1, 4),
        Ipv4Addr::new(1, 1, 1, 1),
    ],
];

/// Spreads a number over all bits.
fn mixed(number: u64) -> u64 {
    let x = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}
