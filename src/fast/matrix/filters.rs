//! What layers of rules do to every service, by number: one layer, and those of a place one after the other.

use super::Service;
use super::factors::Stratum;
use crate::fast::rules::{self, Ask, Said, Says};
use crate::fast::tables::NOBODY;
use crate::trace::EPHEMERAL_PORT;
use hashbrown::HashMap;
use std::hash::Hash;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Things with numbers, from 0.
#[derive(Clone, Debug)]
pub(super) struct Numbered<T>(Map<T, u32>);

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self(Map::default())
    }
}

impl<T: Hash + Eq> Numbered<T> {
    pub(super) fn number(&mut self, value: T) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(value).or_insert(next)
    }
}

/// Numbers found last, by a few bits of what they are for.
#[derive(Clone, Debug)]
struct Quick<K>(Vec<Option<(K, u32)>>);

const QUICK: usize = 1 << 12;

impl<K: Copy> Default for Quick<K> {
    fn default() -> Self {
        Self(vec![None; QUICK])
    }
}

impl<K: Copy + Eq> Quick<K> {
    #[inline(always)]
    fn find(&self, mixed: u64, key: K) -> Option<u32> {
        match self.0[place(mixed)] {
            Some((known, number)) if known == key => Some(number),
            _ => None,
        }
    }

    fn keep(&mut self, mixed: u64, key: K, number: u32) {
        self.0[place(mixed)] = Some((key, number));
    }
}

#[inline(always)]
fn place(mixed: u64) -> usize {
    (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize & (QUICK - 1)
}

/// What a layer of rules does to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Does {
    Passes,
    PassesAlways,
    Denies,
    DeniesByDefault,
    DeniesAsAdmin,
    Doubts,
}

/// Layers and filters met so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Filters {
    quick_layers: Quick<(u32, u64, bool, bool)>,
    quick_filters: Quick<[u32; 3]>,
    layers: Map<(u32, u64, bool, bool), u32>,
    layer_numbers: Numbered<Vec<Does>>,
    layer_list: Vec<Vec<Does>>,
    filters: Map<[u32; 3], u32>,
    filter_numbers: Numbered<Vec<Does>>,
    filter_list: Vec<Vec<Does>>,
}

/// No layer.
pub(super) const NO_LAYER: u32 = NOBODY;

impl Filters {
    /// What a filter does to a service.
    pub(super) fn does(&self, filter: u32, service: usize) -> Does {
        self.filter_list[filter as usize][service]
    }

    /// What a layer does to every service, by number: its rules that hold both ends are known.
    pub(super) fn layer(
        &mut self,
        around: rules::Around<'_>,
        services: &[Service],
        stratum: &Stratum,
        rows: u64,
        doubt: bool,
    ) -> u32 {
        let Stratum { head, template, admin, .. } = *stratum;
        let (key, mixed) = ((template, rows, admin, doubt), rows ^ u64::from(template) << 40);
        if let Some(number) = self.quick_layers.find(mixed, key) {
            return number;
        }
        let number = match self.layers.get(&key) {
            Some(number) => *number,
            None => self.new_layer(around, services, head, key),
        };
        self.quick_layers.keep(mixed, key, number);
        number
    }

    fn new_layer(
        &mut self,
        around: rules::Around<'_>,
        services: &[Service],
        head: u32,
        key: (u32, u64, bool, bool),
    ) -> u32 {
        let (template, rows, admin, doubt) = key;
        let one = |service: &Service| {
            let ask = Ask {
                source_port: EPHEMERAL_PORT,
                port: if service.protocol.has_ports() { service.port } else { 0 },
                protocol: service.protocol as u8,
                network_doubt: doubt,
                ..Ask::default()
            };
            match rules::decide_rows(around, template, &ask, rows) {
                Said::Doubt => Does::Doubts,
                Said::Nothing | Said::Rule(_, Says::Allow) => Does::Passes,
                Said::Rule(_, Says::AlwaysAllow) => Does::PassesAlways,
                Said::Rule(_, Says::Deny) if admin => Does::DeniesAsAdmin,
                Said::Rule(rule, Says::Deny) if rule + 3 < rules::count(around.lines, head) => Does::Denies,
                Said::Rule(_, Says::Deny) => Does::DeniesByDefault,
            }
        };
        let does: Vec<Does> = services.iter().map(one).collect();
        let number = self.layer_numbers.number(does.clone());
        if number as usize == self.layer_list.len() {
            self.layer_list.push(does);
        }
        self.layers.insert(key, number);
        number
    }

    /// What layers one after the other do, by number.
    pub(super) fn filter(&mut self, services: usize, layers: [u32; 3]) -> u32 {
        let [a, b, c] = layers.map(u64::from);
        let mixed = a ^ b << 20 ^ c << 40;
        if let Some(number) = self.quick_filters.find(mixed, layers) {
            return number;
        }
        let number = match self.filters.get(&layers) {
            Some(number) => *number,
            None => self.new_filter(services, layers),
        };
        self.quick_filters.keep(mixed, layers, number);
        number
    }

    fn new_filter(&mut self, services: usize, layers: [u32; 3]) -> u32 {
        let lists: Vec<&Vec<Does>> =
            layers.iter().filter(|l| **l != NO_LAYER).map(|l| &self.layer_list[*l as usize]).collect();
        let one = |service: usize| {
            let stops = lists.iter().map(|does| does[service]).find(|does| *does != Does::Passes);
            match stops {
                None | Some(Does::PassesAlways) => Does::Passes,
                Some(does) => does,
            }
        };
        let does: Vec<Does> = (0..services).map(one).collect();
        let number = self.filter_numbers.number(does.clone());
        if number as usize == self.filter_list.len() {
            self.filter_list.push(does);
        }
        self.filters.insert(layers, number);
        number
    }
}
