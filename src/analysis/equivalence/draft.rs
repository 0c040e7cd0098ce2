//! The rules of both sets in one list, what they say as numbers.
//!
//! A rule that is not wholly known becomes two: what matches for certain, and what may.

use super::{Around, Rules};
use crate::inventory::{Asg, Id};
use crate::net::{AddressSet, PortSet, Protocol};
use crate::network::{AddressMatch, CompiledRule, Verdict};
use crate::tags::TagId;
use hashbrown::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// Application security groups one side of the rules may name.
const MOST_GROUPS: usize = 64;

/// Rules one set may have: ten times what Azure allows.
const MOST_RULES: usize = 10_000;

/// One side of a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    pub any: bool,
    /// Sets of addresses it holds, by number.
    pub sets: Vec<u32>,
    /// Whether it names `VirtualNetwork`, where that is not a set.
    pub network: bool,
    /// Whether it names `Internet`, where that is not a set.
    pub internet: bool,
    /// Application security groups, one bit each.
    pub groups: u64,
}

/// A rule.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    pub rule: &'a CompiledRule,
    pub sides: [Side; 2],
    pub denies: bool,
    /// Why it only may match.
    pub may: Option<Arc<str>>,
    /// Whether it names a service of the host.
    pub platform: bool,
    /// Whether protocol and ports take everything.
    pub all_services: bool,
    /// What it says beside its source, by number; equal numbers say the same.
    pub behind_source: u32,
    /// What it says of protocol and ports.
    pub service: u32,
}

/// A set of addresses that rules name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Named<'a> {
    Set(&'a AddressSet),
    Host,
    Platform(u8),
}

/// All rules.
pub(super) struct Drafts<'a> {
    pub all: Vec<Draft<'a>>,
    /// How many of them are of the set before.
    pub before: usize,
    /// Sets of addresses by number.
    pub named: Vec<Named<'a>>,
    /// Ids of application security groups by their bit.
    pub groups: Vec<String>,
    /// How many numbers there are for what rules say.
    pub numbers: usize,
    /// Rules that have no partner in the other set, one bit each. Partners stand in the same order in both sets, so a
    /// packet that finds partners first in both finds the same pair: only the others can make a difference.
    pub alone: Vec<u64>,
}

struct Numbers<K>(HashMap<K, u32, foldhash::fast::FixedState>);

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Hash + Eq> Numbers<K> {
    fn of(&mut self, key: K) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(key).or_insert(next)
    }
}

/// What a rule says of protocol and ports.
type Service<'a> = (u8, &'a PortSet, &'a PortSet, Option<Arc<str>>);

/// What it says of one side: any, sets, tags of the place, groups.
type Place = (bool, Vec<u32>, bool, bool, u64);

struct Maker<'a> {
    named: Numbers<Named<'a>>,
    /// Numbers of service tags, by set of rules.
    tags: HashMap<(usize, TagId), u32, foldhash::fast::FixedState>,
    groups: Numbers<String>,
    services: Numbers<Service<'a>>,
    behind: Numbers<(Place, u64, u32)>,
    whole: Numbers<(Place, u32, bool)>,
    all: Vec<Draft<'a>>,
    /// What each rule says in all, by number.
    wholes: Vec<u32>,
}

impl<'a> Drafts<'a> {
    /// Reads both sets; `None` where they are too large.
    pub(super) fn new(before: &Rules<'a>, after: &Rules<'a>) -> Option<Self> {
        if before.set.rules.len().max(after.set.rules.len()) > MOST_RULES {
            return None;
        }
        let mut maker = Maker {
            named: Numbers::default(),
            tags: HashMap::default(),
            groups: Numbers::default(),
            services: Numbers::default(),
            behind: Numbers::default(),
            whole: Numbers::default(),
            all: Vec::new(),
            wholes: Vec::new(),
        };
        before.set.rules.iter().for_each(|rule| maker.add(before, 0, rule));
        let count = maker.all.len();
        after.set.rules.iter().for_each(|rule| maker.add(after, 1, rule));
        if maker.groups.0.len() > MOST_GROUPS {
            return None;
        }
        let numbers = maker.services.0.len().max(maker.behind.0.len());
        let alone = alone(&maker.all, &maker.wholes, count);
        Some(Self {
            alone,
            before: count,
            named: in_order(maker.named),
            groups: in_order(maker.groups),
            numbers,
            all: maker.all,
        })
    }

    /// Why a rule that only may match does.
    pub(super) fn doubt(&self, rule: u32) -> Option<Arc<str>> {
        self.all[rule as usize].may.clone()
    }
}

/// Rules without a partner. Partners are rules that say the same, in the same order in both sets; neighbours with the
/// same verdict are put in one order first, since their order does not matter.
fn alone(all: &[Draft<'_>], wholes: &[u32], before: usize) -> Vec<u64> {
    let ordered = |from: usize, to: usize| {
        let mut order: Vec<u32> = (from as u32..to as u32).collect();
        let kind = |n: &u32| (all[*n as usize].denies, all[*n as usize].may.is_some());
        for run in order.chunk_by_mut(|a, b| kind(a) == kind(b)) {
            run.sort_by_key(|n| wholes[*n as usize]);
        }
        order
    };
    let (left, right) = (ordered(0, before), ordered(before, all.len()));
    let mut places: HashMap<u32, Vec<usize>, foldhash::fast::FixedState> = HashMap::default();
    for (place, rule) in left.iter().enumerate().rev() {
        places.entry(wholes[*rule as usize]).or_default().push(place);
    }
    let pairs: Vec<(usize, u32)> = right
        .iter()
        .filter_map(|rule| Some((places.get_mut(&wholes[*rule as usize])?.pop()?, *rule)))
        .collect();
    let mut alone = vec![0u64; all.len().div_ceil(64).max(1)];
    (0..all.len()).for_each(|n| alone[n / 64] |= 1 << (n % 64));
    for (place, rule) in longest_rising(&pairs) {
        for n in [left[place] as usize, rule as usize] {
            alone[n / 64] &= !(1 << (n % 64));
        }
    }
    alone
}

/// The longest part of a list whose first numbers rise.
fn longest_rising(pairs: &[(usize, u32)]) -> Vec<(usize, u32)> {
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (n, pair) in pairs.iter().enumerate() {
        let length = ends.partition_point(|end| pairs[*end].0 < pair.0);
        before.push(length.checked_sub(1).map(|l| ends[l]));
        match ends.get_mut(length) {
            Some(end) => *end = n,
            None => ends.push(n),
        }
    }
    let mut out = Vec::new();
    let mut at = ends.last().copied();
    while let Some(n) = at {
        out.push(pairs[n]);
        at = before[n];
    }
    out
}

fn in_order<K>(numbers: Numbers<K>) -> Vec<K> {
    let mut all: Vec<(K, u32)> = numbers.0.into_iter().collect();
    all.sort_unstable_by_key(|(_, number)| *number);
    all.into_iter().map(|(key, _)| key).collect()
}

impl<'a> Maker<'a> {
    fn add(&mut self, rules: &Rules<'a>, whose: usize, rule: &'a CompiledRule) {
        let matches = [&rule.source, &rule.destination];
        let sides = matches.map(|m| self.side(rules, whose, m));
        let doubts = matches.map(|m| side_doubt(rules, m));
        let denies = rule.verdict == Some(Verdict::Deny);
        let certain = rule.unknown.is_none();
        if doubts.iter().any(Option::is_some) || !certain {
            let why = doubts.iter().flatten().next().cloned();
            let why = why.or_else(|| rule.unknown.as_ref().map(|u| u.why.clone()));
            let wide = |n: usize| match doubts[n] {
                Some(_) => Side { any: true, ..Side::default() },
                None => sides[n].clone(),
            };
            let may = why.or_else(|| Some("a rule is not wholly known".into()));
            if rule.verdict.is_none() {
                self.push(rule, [wide(0), wide(1)], !denies, may.clone());
            }
            self.push(rule, [wide(0), wide(1)], denies, may);
        }
        if certain && rule.verdict.is_some() {
            self.push(rule, sides, denies, None);
        }
    }

    fn push(&mut self, rule: &'a CompiledRule, sides: [Side; 2], denies: bool, may: Option<Arc<str>>) {
        let mut protocols = 0u8;
        for protocol in Protocol::ALL {
            protocols |= u8::from(rule.protocol.contains(protocol)) << protocol as u8;
        }
        let every_port = rule.source_ports.is_all() && rule.destination_ports.is_all();
        let service = self.services.of((protocols, &rule.source_ports, &rule.destination_ports, may.clone()));
        let place = |side: &Side| (side.any, side.sets.clone(), side.network, side.internet, side.groups);
        let behind_source = self.behind.of((place(&sides[1]), sides[0].groups, service));
        self.wholes.push(self.whole.of((place(&sides[0]), behind_source, denies)));
        self.all.push(Draft {
            rule,
            sides,
            denies,
            may,
            platform: rule.destination.platform.is_some(),
            all_services: every_port && protocols == 0b1_1111,
            behind_source,
            service,
        });
    }

    fn side(&mut self, rules: &Rules<'a>, whose: usize, said: &'a AddressMatch) -> Side {
        let mut side = Side { any: said.any, ..Side::default() };
        if said.any {
            return side;
        }
        if !said.set.is_empty() {
            side.sets.push(self.named.of(Named::Set(&said.set)));
        }
        for tag in &said.tags {
            let number = self.tags.entry((whose, *tag));
            side.sets.push(*number.or_insert_with(|| self.named.of(Named::Set(rules.tags.set(*tag)))));
        }
        if said.load_balancer {
            side.sets.push(self.named.of(Named::Host));
        }
        if let Some(platform) = said.platform {
            side.sets.push(self.named.of(Named::Platform(platform as u8)));
        }
        match rules.around {
            Around::Anywhere { .. } => (side.network, side.internet) = (said.virtual_network, said.internet),
            Around::At { virtual_network, internet, .. } => {
                let held = [(said.virtual_network, virtual_network), (said.internet, internet)];
                let held = held.into_iter().filter(|(named, _)| *named);
                side.sets.extend(held.map(|(_, set)| self.named.of(Named::Set(set))));
            }
        }
        side.sets.sort_unstable();
        side.sets.dedup();
        for group in &said.asgs {
            let number = self.groups.of(group_id(rules, *group));
            side.groups |= 1u64.checked_shl(number).unwrap_or(0);
        }
        side
    }
}

fn group_id(rules: &Rules<'_>, group: Id<Asg>) -> String {
    rules.inventory.asgs[group].id.as_str().to_ascii_lowercase()
}

/// Why a side may hold more than is written.
fn side_doubt(rules: &Rules<'_>, said: &AddressMatch) -> Option<Arc<str>> {
    if said.any {
        return None;
    }
    let doubt = matches!(rules.around, Around::At { doubt: true, .. });
    match &said.unknown {
        Some(unknown) => Some(unknown.why.clone()),
        None if said.virtual_network && doubt => Some("the tag `VirtualNetwork` may hold more there".into()),
        None => None,
    }
}
