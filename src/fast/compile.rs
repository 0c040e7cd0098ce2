//! From the network to the tables of batches. Nothing is decided here: what the network's tables say is
//! written down in another form, and what that form cannot hold is marked for the full engine.

mod again;
mod firewalls;
mod groups;
mod outbound;
mod patched;
mod places;
mod services;
mod user;
mod ways;

pub(super) use again::{Crew, FirewallRules, firewall_rules};
pub(super) use patched::RoutePatch;
pub(super) use user::user_prefixes;

use super::alike::Alike;
use super::lines::{Line, Lines};
use super::rules::TagRow;
use super::tables::{Fast, NOBODY, Octet};
use super::tree::{self, NO_LINE, Tree};
use crate::inventory::{AddressMeaning, AddressWord};
use crate::net::AddressSet;
use crate::network::Network;
use crate::tags::TagId;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// Service tags a rule or route may name; a rule that names one beyond is left to the full engine.
const MOST_TAGS: usize = 256;

/// Lines that an attachment or a subnet takes with all that hangs on it, more than less.
const LINES_EACH: usize = 6;

/// What the steps share.
pub(super) struct Maker<'n> {
    net: &'n Network,
    fast: Fast,
    /// Numbers of the service tags in use.
    tags: HashMap<TagId, u16>,
    /// Numbers of regions, from 1.
    regions: HashMap<String, u32>,
    /// Lines that many tables have in common.
    alike: Alike,
    /// Bytes of lines by what they are for.
    told: Sizes,
}

/// Bytes of compiled tables by what they are for.
pub type Sizes = BTreeMap<&'static str, usize>;

/// Compiles a network for batches.
pub fn compile(net: &Network) -> Fast {
    compile_measured(net).0
}

/// Compiles a network, and tells what its tables cost.
pub fn compile_measured(net: &Network) -> (Fast, Sizes) {
    let mut maker = Maker::new(net);
    maker.fast.lines.reserve(LINES_EACH * (net.attachments.len() + net.subnets.len()) + LINES_EACH);
    // Line 0 is nobody's, so that offset 0 can mean nothing.
    maker.fast.lines.push(NO_LINE);
    maker.step("service tags", Maker::use_tags);
    maker.step("public space", Maker::public);
    maker.number_regions();
    maker.fast.all_doubtful = !net.profile.admin_rules_stateful;
    let groups = maker.step("sets of rules", Maker::groups);
    maker.outbound();
    maker.step("services", Maker::services);
    maker.step("slots", Maker::slots);
    maker.networks(&groups);
    maker.firewalls();
    maker.occupants();
    maker.fast.lines.settle();
    let Maker { fast, mut told, .. } = maker;
    let lines = told.values().sum::<usize>();
    told.insert("networks and their routes", fast.lines.len() * 64 - lines);
    told.insert("beside the lines", fast.bytes() - fast.lines.len() * 64);
    (fast, told)
}

/// A set of IPv4 addresses as a tree of boundaries.
fn set_tree(lines: &mut Lines, ranges: &[(u32, u32)]) -> Tree {
    tree::build(lines, &tree::boundaries(ranges))
}

impl Maker<'_> {
    /// Does a step, and counts its lines.
    fn step<T>(&mut self, what: &'static str, step: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.fast.lines.len();
        let out = step(self);
        *self.told.entry(what).or_default() += (self.fast.lines.len() - before) * 64;
        out
    }

    fn public(&mut self) {
        let ranges = self.net.public.v4();
        self.fast.public = set_tree(&mut self.fast.lines, ranges);
        let octet = |octet: u32| {
            let (first, last) = (octet << 24, octet << 24 | 0xff_ffff);
            let meets = |(low, high): &&(u32, u32)| *low <= last && first <= *high;
            match ranges.iter().find(meets) {
                None => Octet::Private,
                Some((low, high)) if *low <= first && last <= *high => Octet::Public,
                Some(_) => Octet::Both,
            }
        };
        self.fast.public_octets = (0..256).map(octet).collect();
    }

    /// Numbers the service tags that rules, routes and firewalls name, and makes one tree of all.
    fn use_tags(&mut self) {
        let used = self.tags_in_use();
        self.tags = used.iter().enumerate().map(|(i, t)| (*t, i as u16)).collect();
        self.tag_tree(&used);
    }

    /// The service tags that rules, routes and firewalls name.
    fn tags_in_use(&self) -> Vec<TagId> {
        let mut used: Vec<TagId> = Vec::new();
        let security = &self.net.security;
        let admin = &self.net.admin;
        let sets = [&security.inbound, &security.outbound, &admin.inbound, &admin.outbound];
        for rule in sets.into_iter().flatten().flat_map(|s| &s.rules) {
            used.extend(rule.source.tags.iter().chain(&rule.destination.tags));
        }
        for subnet in &self.net.subnets {
            let routes = &subnet.routes.service_endpoints;
            used.extend(routes.iter().filter_map(|r| match &r.prefix {
                Some(crate::network::RoutePrefix::Tag(tag)) => Some(*tag),
                _ => None,
            }));
        }
        used.extend(self.firewall_words().into_iter().filter_map(|w| match &w.means {
            AddressMeaning::Tag(name) => self.net.tags.find(name),
            _ => None,
        }));
        used.extend(self.storage_tags().into_iter().filter_map(|(_, tag)| tag));
        used.sort_unstable();
        used.dedup();
        used.truncate(MOST_TAGS);
        used
    }

    /// Regions of the networks, with their tags of storage (OUT-7).
    fn storage_tags(&self) -> Vec<(String, Option<TagId>)> {
        let all = 0..self.net.vnets.len();
        let regions: std::collections::BTreeSet<String> =
            all.filter_map(|v| self.net.region(crate::inventory::Id::new(v))).collect();
        regions.into_iter().map(|r| (r.clone(), self.net.tags.regional("Storage", &r))).collect()
    }

    /// Numbers the regions.
    fn number_regions(&mut self) {
        self.fast.region_tags.push(NOBODY);
        for (region, tag) in self.storage_tags() {
            self.region(region);
            let number = tag.and_then(|t| self.tags.get(&t)).map_or(NOBODY, |n| u32::from(*n));
            self.fast.region_tags.push(number);
        }
    }

    fn firewall_words(&self) -> Vec<&AddressWord> {
        let inventory = &self.net.inventory;
        let policies = inventory.rule_collection_groups.iter().flat_map(|g| g.rule_collections.iter());
        let policies = policies.flat_map(|c| c.rules.iter());
        let classic = inventory.azure_firewalls.iter().flat_map(|f| {
            [&f.network_rule_collections, &f.application_rule_collections, &f.nat_rule_collections]
        });
        let classic = classic.flat_map(|c| c.iter()).flat_map(|c| c.rules.iter());
        let rules = policies.chain(classic);
        let groups = inventory.ip_groups.iter().flat_map(|g| g.ip_addresses.iter());
        rules
            .flat_map(|r| r.source_addresses.iter().chain(r.destination_addresses.iter()))
            .chain(groups)
            .collect()
    }

    fn tag_tree(&mut self, used: &[TagId]) {
        let sets: Vec<&AddressSet> = used.iter().map(|t| self.net.tags.set(*t)).collect();
        let mut events: Vec<(u32, u16, bool)> = Vec::new();
        for (number, set) in sets.iter().enumerate() {
            for (low, high) in set.v4() {
                events.push((*low, number as u16, true));
                events.extend(high.checked_add(1).map(|end| (end, number as u16, false)));
            }
        }
        events.sort_unstable();
        let mut rows: Vec<TagRow> = vec![TagRow::default()];
        let mut numbers: HashMap<TagRow, u32> = HashMap::from_iter([(TagRow::default(), 0)]);
        let (mut keys, mut values, mut row) = (Vec::new(), vec![0u32], TagRow::default());
        for same in events.chunk_by(|a, b| a.0 == b.0) {
            for (_, number, on) in same {
                let bit = 1u64 << (number % 64);
                let word = &mut row[usize::from(*number) / 64];
                *word = if *on { *word | bit } else { *word & !bit };
            }
            let next = rows.len() as u32;
            let number = *numbers.entry(row).or_insert(next);
            if number == next {
                rows.push(row);
            }
            if same[0].0 == 0 {
                values[0] = number;
            } else {
                keys.push(same[0].0);
                values.push(number);
            }
        }
        let public = &self.net.public;
        self.fast.tags_private = sets.iter().any(|s| !public.covers(&v4_of(s)));
        self.fast.tags = tree::build(&mut self.fast.lines, &keys);
        self.fast.tag_rows = self.fast.lines.words(&values, 0);
        self.fast.tag_sets = rows;
    }

    /// The row of some tags; `None` where one of them has no number.
    fn tag_row(&self, tags: impl Iterator<Item = TagId>) -> Option<TagRow> {
        let mut row = TagRow::default();
        for tag in tags {
            let number = *self.tags.get(&tag)?;
            row[usize::from(number) / 64] |= 1 << (number % 64);
        }
        Some(row)
    }

    /// The number of a region.
    fn region(&mut self, name: String) -> u32 {
        let next = self.regions.len() as u32 + 1;
        *self.regions.entry(name).or_insert(next)
    }

    /// Room for rows of one line each.
    fn rows(&mut self, count: usize) -> u32 {
        let lines = &mut self.fast.lines;
        if count == 0 { lines.push(Line::default()) } else { lines.room(count) }
    }
}

fn v4_of(set: &AddressSet) -> AddressSet {
    set.intersection(&AddressSet::from_prefix(&"0.0.0.0/0".parse().expect("INVARIANT: a prefix")))
}
