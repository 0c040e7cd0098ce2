//! The search for a packet that two sets treat differently: senders, then receivers, then protocols and ports, and at
//! each level only what the levels above left different.

use super::draft::{Draft, Drafts};
use super::space::{Class, Family, Space, Special};
use super::{Around, End, Said, Witness};
use crate::net::{Header, PortSet, Protocol};
use crate::network::{ANY_SOURCE_PORT, CompiledRule, LICENSING_PORT};
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// Steps after which a comparison is given up; Azure's largest groups need a hundredth of it.
const MOST_STEPS: u64 = 400_000_000;

const DNS: u16 = 53;

/// What came of a search.
pub(super) enum Found {
    Witness(Box<Witness>),
    TooLarge,
    Nothing,
}

/// A rule that is left, and whether its source and destination are met by address or wait for a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
    rule: u32,
    groups: [u64; 2],
}

/// Rules that are left of both sets.
type Lists = [Vec<Left>; 2];

/// The packet so far.
#[derive(Clone, Copy)]
struct Partial {
    source: Class,
    destination: Class,
    /// Groups decided for each end: asked, and in them.
    asked: [u64; 2],
    inside: [u64; 2],
}

/// A search in one family.
pub(super) struct Search<'a, 'd> {
    drafts: &'d Drafts<'a>,
    family: Family,
    inbound: bool,
    spaces: [Space; 2],
    /// Of each rule, the classes of destinations it holds.
    to: Vec<Vec<u32>>,
    /// Rules that name groups, by side.
    grouped: [Vec<u64>; 2],
    /// Classes of the host's own addresses.
    specials: Vec<u32>,
    steps: u64,
    doubts: HashSet<Arc<str>>,
    seen: [HashSet<Vec<u32>, foldhash::fast::FixedState>; 2],
    /// When a number was met last in a list.
    stamps: Vec<u32>,
    epoch: u32,
    canons: [Vec<u32>; 2],
    found: Option<Box<Witness>>,
}

/// What is looked at in a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Receivers,
    Services,
}

impl<'a, 'd> Search<'a, 'd> {
    pub(super) fn new(drafts: &'d Drafts<'a>, around: Around<'_>, family: Family, inbound: bool) -> Self {
        let spaces = [0, 1].map(|side| Space::new(drafts, around, family, side));
        let to = spaces[1].classes_of_rules(drafts.all.len());
        let grouped = [0, 1].map(|side| {
            let mut row = vec![0u64; spaces[0].width];
            for (n, _) in drafts.all.iter().enumerate().filter(|(_, d)| d.sides[side].groups != 0) {
                row[n / 64] |= 1 << (n % 64);
            }
            row
        });
        let special = |c: &u32| spaces[1].classes[*c as usize].special != Special::Nothing;
        let specials = (0..spaces[1].classes.len() as u32).filter(special).collect();
        Self {
            drafts,
            family,
            inbound,
            spaces,
            to,
            grouped,
            specials,
            steps: 0,
            doubts: HashSet::new(),
            seen: [HashSet::default(), HashSet::default()],
            // What waits for a group is another thing than what does not.
            stamps: vec![0; drafts.numbers * 2],
            epoch: 0,
            canons: [Vec::new(), Vec::new()],
            found: None,
        }
    }

    /// What kept an answer from being certain.
    pub(super) fn doubts(&self) -> impl Iterator<Item = Arc<str>> + '_ {
        self.doubts.iter().cloned()
    }

    pub(super) fn run(&mut self) -> Found {
        let mut order: Vec<usize> = (0..self.spaces[0].classes.len()).collect();
        order.sort_by_key(|class| self.spaces[0].classes[*class].rank(self.family));
        for class in order {
            let source = self.spaces[0].classes[class];
            if let Some(lists) = self.of_sender(class) {
                self.exempt(&lists, source);
                self.receivers(&lists, source);
            }
            if let Some(witness) = self.found.take() {
                return Found::Witness(witness);
            }
            if self.steps > MOST_STEPS {
                return Found::TooLarge;
            }
        }
        Found::Nothing
    }

    fn is_over(&self) -> bool {
        self.found.is_some() || self.steps > MOST_STEPS
    }

    /// The rules that a class of senders leaves; `None` where none of them can make a difference.
    fn of_sender(&mut self, class: usize) -> Option<Lists> {
        let row = self.spaces[0].row(class);
        self.steps += row.len() as u64;
        let drafts = self.drafts;
        let left = row.iter().zip(&self.grouped[0]).map(|(a, b)| a | b);
        if left.clone().zip(&drafts.alone).all(|(left, alone)| left & alone == 0) {
            return None;
        }
        let mut lists = Lists::default();
        for (w, mut word) in left.enumerate() {
            while word != 0 {
                let bit = word.trailing_zeros() as usize;
                word &= word - 1;
                let rule = w * 64 + bit;
                let met = row[w] >> bit & 1 != 0;
                let groups = if met { 0 } else { drafts.all[rule].sides[0].groups };
                lists[usize::from(rule >= drafts.before)]
                    .push(Left { rule: rule as u32, groups: [groups, 0] });
            }
        }
        Some(lists)
    }

    // ---- receivers

    /// At the host's own addresses only rules that name the platform act.
    fn exempt(&mut self, lists: &Lists, source: Class) {
        let drafts = self.drafts;
        let platform = |left: &&Left| drafts.all[left.rule as usize].platform;
        let lists = lists.each_ref().map(|l| l.iter().filter(platform).copied().collect::<Vec<Left>>());
        if lists.iter().all(Vec::is_empty) {
            return;
        }
        for class in self.specials.clone() {
            let destination = self.spaces[1].classes[class as usize];
            let partial = Partial { source, destination, asked: [0; 2], inside: [0; 2] };
            let row = self.spaces[1].row(class as usize);
            let there = lists.each_ref().map(|list| {
                let held = |left: &Left| row[left.rule as usize / 64] >> (left.rule % 64) & 1 != 0;
                let side = |left: &Left| drafts.all[left.rule as usize].sides[1].groups;
                let there = list.iter().map(|l| (held(l), Left { groups: [l.groups[0], side(l)], ..*l }));
                let there = there.filter(|(held, left)| *held || left.groups[1] != 0);
                let met = |held: bool, l: Left| if held { Left { groups: [l.groups[0], 0], ..l } } else { l };
                there.map(|(held, left)| met(held, left)).collect::<Vec<Left>>()
            });
            match destination.special {
                Special::Host => self.groups(&there, partial, Some(DNS)),
                Special::Licensing if !self.inbound => self.groups(&there, partial, Some(LICENSING_PORT)),
                Special::Metadata => self.groups(&there, partial, None),
                Special::Licensing | Special::Nothing => {}
            }
        }
    }

    fn receivers(&mut self, lists: &Lists, source: Class) {
        if self.is_over() || self.are_alike(lists, Level::Receivers) {
            return;
        }
        for (class, active) in self.classes(lists) {
            let destination = self.spaces[1].classes[class as usize];
            let left = self.of_receiver(lists, &active);
            self.steps += (left[0].len() + left[1].len()) as u64 + 1;
            let partial = Partial { source, destination, asked: [0; 2], inside: [0; 2] };
            if left.iter().flatten().any(|l| self.is_alone(l.rule)) {
                self.groups(&left, partial, None);
            }
            if self.is_over() {
                return;
            }
        }
    }

    fn is_alone(&self, rule: u32) -> bool {
        self.drafts.alone[rule as usize / 64] >> (rule % 64) & 1 != 0
    }

    /// The classes of receivers that the rules left tell apart, each with the rules of both lists that hold it.
    fn classes(&mut self, lists: &Lists) -> Vec<(u32, Vec<u64>)> {
        let count = lists[0].len() + lists[1].len();
        let width = count.div_ceil(64).max(1);
        let mut base = vec![0u64; width];
        let mut touched: HashMap<u32, usize, foldhash::fast::FixedState> = HashMap::default();
        let mut masks: Vec<(u32, Vec<u64>)> = Vec::new();
        for (n, left) in lists[0].iter().chain(&lists[1]).enumerate() {
            let side = &self.drafts.all[left.rule as usize].sides[1];
            if side.any || side.groups != 0 {
                base[n / 64] |= 1 << (n % 64);
            }
            if side.any {
                continue;
            }
            self.steps += self.to[left.rule as usize].len() as u64;
            for class in &self.to[left.rule as usize] {
                let at = *touched.entry(*class).or_insert_with(|| {
                    masks.push((*class, vec![0; width]));
                    masks.len() - 1
                });
                masks[at].1[n / 64] |= 1 << (n % 64);
            }
        }
        // One class that no rule left tells from the rest, if there is one.
        let classes = &self.spaces[1].classes;
        let ordinary = |c: u32| !matches!(classes[c as usize].special, Special::Host | Special::Metadata);
        let untouched = (0..classes.len() as u32).find(|c| ordinary(*c) && !touched.contains_key(c));
        masks.extend(untouched.map(|class| (class, vec![0; width])));
        masks.retain(|(class, _)| ordinary(*class));
        masks.sort_unstable_by_key(|(class, _)| (classes[*class as usize].rank(self.family), *class));
        for (_, mask) in &mut masks {
            // The upper half tells which are in, the lower which are met by address.
            let met = mask.clone();
            mask.iter_mut().zip(&base).for_each(|(m, b)| *m |= b);
            mask.extend(met);
        }
        masks
    }

    /// The rules that a class of receivers leaves.
    fn of_receiver(&self, lists: &Lists, active: &[u64]) -> Lists {
        let width = active.len() / 2;
        let mut out = Lists::default();
        let before = lists[0].len();
        for (w, word) in active[..width].iter().enumerate() {
            let mut word = *word;
            while word != 0 {
                let n = w * 64 + word.trailing_zeros() as usize;
                word &= word - 1;
                let (list, mut left) = if n < before { (0, lists[0][n]) } else { (1, lists[1][n - before]) };
                let side = &self.drafts.all[left.rule as usize].sides[1];
                let met = side.any || active[width + n / 64] >> (n % 64) & 1 != 0;
                left.groups[1] = if met { 0 } else { side.groups };
                out[list].push(left);
            }
        }
        out
    }

    // ---- groups

    /// Decides membership in the groups that rules wait for, both ways.
    fn groups(&mut self, lists: &Lists, partial: Partial, only: Option<u16>) {
        if self.is_over() {
            return;
        }
        let waiting = lists.iter().flatten().find_map(|left| {
            let side = left.groups.iter().position(|g| *g != 0)?;
            Some((side, 1u64 << left.groups[side].trailing_zeros()))
        });
        let Some((side, group)) = waiting else { return self.services(lists, &partial, only) };
        if only.is_none() && self.are_alike(lists, Level::Services) {
            return;
        }
        for inside in [true, false] {
            let mut with = lists.clone();
            for list in &mut with {
                list.retain_mut(|left| {
                    let waits = left.groups[side] & group != 0;
                    if waits && inside {
                        left.groups[side] = 0;
                    } else if waits {
                        left.groups[side] &= !group;
                    }
                    inside || !waits || left.groups[side] != 0
                });
            }
            let mut partial = partial;
            partial.asked[side] |= group;
            partial.inside[side] |= if inside { group } else { 0 };
            self.steps += (with[0].len() + with[1].len()) as u64;
            self.groups(&with, partial, only);
        }
    }

    // ---- canonical lists

    /// Whether two lists say the same to everything that is left, as far as that can be seen at once.
    fn are_alike(&mut self, lists: &Lists, level: Level) -> bool {
        self.steps += (lists[0].len() + lists[1].len()) as u64;
        let [mut a, mut b] = std::mem::take(&mut self.canons);
        self.canonical(&lists[0], level, &mut a);
        self.canonical(&lists[1], level, &mut b);
        let mut alike = a == b;
        if !alike {
            let mut key = a.clone();
            key.push(u32::MAX);
            key.extend_from_slice(&b);
            // Seen before and nothing found, or the search would be over.
            alike = !self.seen[usize::from(level == Level::Services)].insert(key);
        }
        self.canons = [a, b];
        alike
    }

    /// A list without what never matters, neighbours that say the same in order of their numbers.
    fn canonical(&mut self, list: &[Left], level: Level, out: &mut Vec<u32>) {
        out.clear();
        self.epoch += 1;
        let (mut start, mut kind) = (0, u32::MAX);
        let mut last = None;
        for left in list {
            let draft = &self.drafts.all[left.rule as usize];
            let waits = left.groups != [0; 2];
            let number = match level {
                Level::Receivers => draft.behind_source,
                Level::Services => draft.service,
            };
            let number = number * 2 + u32::from(waits);
            if !waits && self.stamps[number as usize] == self.epoch {
                continue;
            }
            let now = u32::from(draft.denies) << 1 | u32::from(draft.may.is_some());
            if now != kind || waits {
                out[start..].sort_unstable();
                (start, kind) = (out.len(), now);
            }
            out.push(number << 2 | now);
            if waits {
                // What waits for groups is told by them as well.
                out.extend(left.groups.iter().flat_map(|g| [*g as u32, (*g >> 32) as u32]));
                (start, kind) = (out.len(), u32::MAX);
                continue;
            }
            if draft.may.is_none() {
                self.stamps[number as usize] = self.epoch;
                if covers(draft, level) {
                    last = Some(draft.denies);
                    break;
                }
            }
        }
        out[start..].sort_unstable();
        self.drop_tail(list, last.unwrap_or(false), out);
        out.push(u32::from(last.unwrap_or(false)));
    }

    /// What says before the end what the end says anyway.
    fn drop_tail(&self, list: &[Left], denies: bool, out: &mut Vec<u32>) {
        // Lists with groups that are waited for have longer entries, which are not told apart from behind.
        if list.iter().any(|left| left.groups != [0; 2]) {
            return;
        }
        while out.last().is_some_and(|n| (n >> 1 & 1 != 0) == denies) {
            out.pop();
        }
    }

    // ---- services

    fn services(&mut self, lists: &Lists, partial: &Partial, only: Option<u16>) {
        if only.is_none() && self.are_alike(lists, Level::Services) {
            return;
        }
        for protocol in Protocol::ALL {
            let fits = |left: &&Left| {
                let rule = self.drafts.all[left.rule as usize].rule;
                let ported = rule.source_ports.is_all() && rule.destination_ports.is_all();
                rule.protocol.contains(protocol) && (protocol.has_ports() || ported)
            };
            let lists = lists.each_ref().map(|l| l.iter().filter(fits).copied().collect::<Vec<Left>>());
            match (protocol.has_ports(), only) {
                (true, _) => self.ports(&lists, partial, protocol, only),
                // Without ports neither DNS nor licences are asked for.
                (false, None) => self.leaf(&lists, partial, protocol, 0, 0),
                (false, Some(_)) => {}
            }
            if self.is_over() {
                return;
            }
        }
    }

    fn ports(&mut self, lists: &Lists, partial: &Partial, protocol: Protocol, only: Option<u16>) {
        let cuts = |of: fn(&CompiledRule) -> &PortSet, lists: &Lists| {
            cuts(lists.iter().flatten().map(|left| of(self.drafts.all[left.rule as usize].rule)))
        };
        let destination = match only {
            Some(port) => vec![port],
            None => cuts(|r| &r.destination_ports, lists).into_iter().map(usual_port).collect(),
        };
        for port in destination {
            if only == Some(LICENSING_PORT) && protocol != Protocol::Tcp {
                return;
            }
            let there = lists.each_ref().map(|l| {
                let fits =
                    |left: &&Left| self.drafts.all[left.rule as usize].rule.destination_ports.contains(port);
                l.iter().filter(fits).copied().collect::<Vec<Left>>()
            });
            let sources = cuts(|r| &r.source_ports, &there);
            // At a private endpoint conditions on source ports are passed over (NSG-27).
            if self.inbound && sources.len() > 1 {
                self.leaf(&there, partial, protocol, ANY_SOURCE_PORT, port);
            }
            for source in sources.into_iter().filter_map(usual_source) {
                let here = there.each_ref().map(|l| {
                    let fits =
                        |left: &&Left| self.drafts.all[left.rule as usize].rule.source_ports.contains(source);
                    l.iter().filter(fits).copied().collect::<Vec<Left>>()
                });
                self.leaf(&here, partial, protocol, source, port);
                if self.is_over() {
                    return;
                }
            }
        }
    }

    /// Every rule left matches, or may.
    fn leaf(&mut self, lists: &Lists, partial: &Partial, protocol: Protocol, source_port: u16, port: u16) {
        self.steps += 1;
        let said = [self.says(&lists[0]), self.says(&lists[1])];
        let [before, after] = &said;
        if before.possible == after.possible && before.possible != BOTH {
            return;
        }
        if before.possible == BOTH || after.possible == BOTH {
            let may = |list: &Vec<Left>| list.iter().find_map(|l| self.drafts.doubt(l.rule));
            let why = lists.iter().find_map(may);
            self.doubts.extend(why);
            return;
        }
        let Some((source, destination)) = two_ends(partial) else { return };
        let header = Header {
            source: self.family.address(source),
            destination: self.family.address(destination),
            protocol,
            source_port,
            port,
        };
        let ends = [self.end(partial, 0), self.end(partial, 1)];
        let said = said.map(|s| s.told(self.drafts));
        self.found = Some(Box::new(Witness { header, ends, said }));
    }

    fn end(&self, partial: &Partial, side: usize) -> End {
        let class = if side == 0 { partial.source } else { partial.destination };
        let asks = self.spaces[side].asks_place;
        let inside = |bit: usize| partial.inside[side] >> bit & 1 != 0;
        let groups = self.drafts.groups.iter().enumerate();
        End {
            virtual_network: asks.then_some(class.network),
            internet: asks.then_some(class.internet),
            groups: groups.filter(|(bit, _)| inside(*bit)).map(|(_, id)| id.clone()).collect(),
        }
    }

    fn says(&self, list: &[Left]) -> Answer {
        let mut possible = 0;
        for left in list {
            let draft = &self.drafts.all[left.rule as usize];
            possible |= if draft.denies { DENY } else { PASS };
            if draft.may.is_none() {
                return Answer { possible, rule: Some(left.rule) };
            }
        }
        Answer { possible: possible | PASS, rule: None }
    }
}

const PASS: u8 = 1;
const DENY: u8 = 2;
const BOTH: u8 = PASS | DENY;

/// What a list may say.
struct Answer {
    possible: u8,
    rule: Option<u32>,
}

impl Answer {
    fn told(self, drafts: &Drafts<'_>) -> Said {
        let rule = self.rule.map(|n| drafts.all[n as usize].rule);
        Said {
            allows: self.possible == PASS,
            rule: rule.map(|r| r.name.clone()),
            at: rule.map_or(crate::diag::At::NOWHERE, |r| r.at),
        }
    }
}

/// Addresses for both ends; `None` where they could only be one, and that one had to be two things.
fn two_ends(partial: &Partial) -> Option<(u128, u128)> {
    let Partial { source: from, destination: to, asked, inside } = partial;
    let groups = (inside[0] ^ inside[1]) & asked[0] & asked[1];
    let alike = (from.network, from.internet) == (to.network, to.internet) && groups == 0;
    if from.address != to.address || alike {
        return Some((from.address, to.address));
    }
    let others = [to.other.map(|other| (from.address, other)), from.other.map(|other| (other, to.address))];
    others.into_iter().flatten().next()
}

fn covers(draft: &Draft<'_>, level: Level) -> bool {
    draft.all_services && (level == Level::Services || draft.sides[1].any)
}

/// Ranges of ports that no set divides.
fn cuts<'s>(sets: impl Iterator<Item = &'s PortSet>) -> Vec<(u16, u16)> {
    let mut starts = vec![0u32];
    for range in sets.flat_map(|s| s.ranges()) {
        starts.push(u32::from(range.low));
        starts.push(u32::from(range.high) + 1);
    }
    starts.sort_unstable();
    starts.dedup();
    starts.retain(|s| *s <= u32::from(u16::MAX));
    let ends = starts.iter().skip(1).map(|s| (s - 1) as u16).chain([u16::MAX]);
    starts.iter().map(|s| *s as u16).zip(ends).collect()
}

/// A port of a range that people know.
fn usual_port((low, high): (u16, u16)) -> u16 {
    [443, 80, 22].into_iter().find(|p| low <= *p && *p <= high).unwrap_or(if high > 0 {
        low.max(1)
    } else {
        low
    })
}

/// A source port of a range that a client would take; no flow has 0.
fn usual_source((low, high): (u16, u16)) -> Option<u16> {
    let usual = if low <= 50_000 && 50_000 <= high { 50_000 } else { high };
    (usual != ANY_SOURCE_PORT).then_some(usual)
}
