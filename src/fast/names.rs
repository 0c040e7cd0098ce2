//! Names as numbers: what each resolves to for a network, and which application rules of a firewall it fits.
//!
//! Everything here is worked out once for a name, outside the walk, by the full engine's own functions.

use super::flow::{Aim, Verdict};
use super::rules;
use super::tables::NOBODY;
use crate::inventory::FirewallRuleType;
use crate::network::{Network, Reads, Tri};
use crate::trace::{application_name, judge_of};
use hashbrown::HashMap;
use std::sync::Arc;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// What a name is to senders of one network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found {
    /// It has this address.
    Address {
        /// The address.
        ip: u32,
        /// What it stands for.
        aim: Aim,
        /// The text of what keeps the private zone from answering, by number.
        shadow: u32,
        /// The DNS server asked first; 0 for none.
        server: u32,
    },
    /// It does not resolve: the verdict, by number, and the server that says so.
    Stopped(u32, u32),
    /// The full engine must say.
    Doubt,
}

/// Names met so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: Map<Arc<str>, u32>,
    names: Vec<Arc<str>>,
    pub(super) found: Map<(u32, u32), Found>,
    /// Rows of application rules by firewall and name: where they begin, and their words.
    rows: Map<(u32, u32), (u32, u32)>,
    bits: Vec<u64>,
    /// What a look-up was read from, and the look-ups of each, where somebody watches.
    pub(super) read_from: Map<(u32, u32), Reads>,
    by_subnet: Map<u32, Vec<(u32, u32)>>,
    /// Look-ups made in a branch.
    fresh: Option<Vec<(u32, u32)>>,
    pub(super) texts: Vec<Option<Arc<str>>>,
    pub(super) stopped: Vec<Verdict>,
}

/// For each name, which application rules of a firewall it fits, and behind that, which it may fit. What the rules are
/// is worked out once for all.
pub(super) fn rows_of(net: &Network, firewall: u32, hosts: &[Option<&str>]) -> Vec<Vec<u64>> {
    let judge = judge_of(net, crate::inventory::Id::new(firewall as usize));
    let rules =
        judge.rules.iter().filter(|r| r.kind == FirewallRuleType::ApplicationRule).collect::<Vec<_>>();
    let width = rules::width(rules.len());
    let row = |host: &Option<&str>| {
        let mut bits = vec![0u64; 2 * width];
        for (number, rule) in rules.iter().enumerate() {
            match application_name(rule.rule, *host) {
                Tri::Yes => bits[number / 64] |= 1 << (number % 64),
                Tri::Unknown(_) => bits[width + number / 64] |= 1 << (number % 64),
                Tri::No => {}
            }
        }
        bits
    };
    hosts.iter().map(row).collect()
}

impl Names {
    /// The number of a name.
    pub(super) fn number(&mut self, name: &Arc<str>) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.clone());
        self.numbers.insert(name.clone(), number);
        number
    }

    /// Keeps what was found for a network and a name.
    pub(super) fn keep_found(&mut self, key: (u32, u32), found: Found, read: Option<Reads>) {
        self.found.insert(key, found);
        if let Some(fresh) = &mut self.fresh {
            fresh.push(key);
        }
        if let Some(read) = read {
            for same in read.chunk_by(|a, b| a.0 == b.0) {
                self.by_subnet.entry(same[0].0.raw()).or_default().push(key);
            }
            self.read_from.insert(key, read);
        }
    }

    /// Forgets what was read from these subnets, as long as a branch lasts; gives it.
    pub(super) fn set_aside(&mut self, subnets: &[u32]) -> Vec<((u32, u32), Found)> {
        // What the branch itself found before it went on says nothing any more.
        for key in self.fresh.replace(Vec::new()).unwrap_or_default() {
            self.found.remove(&key);
        }
        let keys = subnets.iter().filter_map(|subnet| self.by_subnet.get(subnet)).flatten();
        keys.filter_map(|key| Some((*key, self.found.remove(key)?))).collect()
    }

    /// Ends a branch: what was found there goes, what was set aside comes back.
    pub(super) fn put_back(&mut self, aside: Vec<((u32, u32), Found)>) {
        for key in self.fresh.take().unwrap_or_default() {
            self.found.remove(&key);
        }
        self.found.extend(aside);
    }

    /// Keeps a text.
    pub(super) fn keep(&mut self, text: Option<String>) -> u32 {
        self.texts.push(text.map(Into::into));
        self.texts.len() as u32 - 1
    }

    /// Which application rules of a firewall a name fits, and behind that, which it may fit.
    #[inline(always)]
    pub(super) fn row(&self, firewall: u32, name: u32) -> Option<&[u64]> {
        let (first, words) = *self.rows.get(&(firewall, name))?;
        self.bits.get(first as usize..(first + words) as usize)
    }

    /// Works out such a row.
    pub(super) fn learn(&mut self, net: &Network, firewall: u32, name: u32) {
        if self.rows.contains_key(&(firewall, name)) {
            return;
        }
        let host = self.names.get(name as usize).filter(|_| name != NOBODY).map(|host| &**host);
        let bits = rows_of(net, firewall, &[host]).swap_remove(0);
        self.keep_row(firewall, name, &bits);
    }

    /// Keeps such a row, whoever worked it out.
    pub(super) fn keep_row(&mut self, firewall: u32, name: u32, bits: &[u64]) {
        self.rows.insert((firewall, name), (self.bits.len() as u32, bits.len() as u32));
        self.bits.extend_from_slice(bits);
    }

    /// A name by its number.
    pub(super) fn name(&self, number: u32) -> Option<&Arc<str>> {
        self.names.get(number as usize)
    }
}
