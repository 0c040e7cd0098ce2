//! Which tags hold an address: the address space cut where any tag begins or ends.

use super::TagId;
use crate::net::{AddressSet, IpAddr};
use hashbrown::HashMap;

/// Cut points in order, each with the group of tags that hold the addresses from there to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    v4: Cuts<u32>,
    v6: Cuts<u128>,
    /// Distinct groups; the first is the empty one.
    groups: Vec<Vec<TagId>>,
}

#[derive(Clone, Debug, Default)]
struct Cuts<T> {
    starts: Vec<T>,
    groups: Vec<u32>,
}

impl Index {
    pub(super) fn new<'a>(sets: impl Iterator<Item = &'a AddressSet>) -> Index {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (tag, set) in sets.enumerate() {
            let tag = TagId(tag as u32);
            v4.extend(set.v4().iter().flat_map(|r| edges(tag, r.0, r.1.checked_add(1))));
            v6.extend(set.v6().iter().flat_map(|r| edges(tag, r.0, r.1.checked_add(1))));
        }
        let mut groups = Groups::default();
        groups.number(&[]);
        let (v4, v6) = (sweep(v4, &mut groups), sweep(v6, &mut groups));
        Index { v4, v6, groups: groups.list }
    }

    pub(super) fn at(&self, ip: IpAddr) -> &[TagId] {
        let group = match ip {
            IpAddr::V4(ip) => self.v4.group(u32::from(ip)),
            IpAddr::V6(ip) => self.v6.group(u128::from(ip)),
        };
        self.group(group)
    }

    fn group(&self, group: usize) -> &[TagId] {
        self.groups.get(group).map_or(&[], Vec::as_slice)
    }

    /// The parts of a set that the same tags hold throughout: the first usable host of each and its
    /// tags. IPv6 only for a set without IPv4.
    pub(super) fn parts(&self, set: &AddressSet) -> Vec<(IpAddr, &[TagId])> {
        let v4 = set.v4().iter().flat_map(|r| self.v4.parts(r.0, r.1, |ip| ip.saturating_add(1)));
        let v4: Vec<_> = v4.map(|(ip, g)| (IpAddr::V4(ip.into()), self.group(g))).collect();
        if !v4.is_empty() {
            return v4;
        }
        let v6 = set.v6().iter().flat_map(|r| self.v6.parts(r.0, r.1, |ip| ip.saturating_add(1)));
        v6.map(|(ip, g)| (IpAddr::V6(ip.into()), self.group(g))).collect()
    }
}

impl<T: Ord> Cuts<T> {
    fn group(&self, at: T) -> usize {
        let after = self.starts.partition_point(|start| *start <= at);
        after.checked_sub(1).and_then(|i| self.groups.get(i)).map_or(0, |g| *g as usize)
    }
}

impl<T: Ord + Copy> Cuts<T> {
    /// The parts that begin in an interval, each with a host: the address after the first, which in a
    /// prefix names the network, unless the part has no other.
    fn parts(&self, low: T, high: T, next: impl Fn(T) -> T) -> impl Iterator<Item = (T, usize)> {
        let from = self.starts.partition_point(|start| *start < low);
        let to = self.starts.partition_point(|start| *start <= high);
        (from..to).map(move |i| {
            let start = self.starts[i];
            let host = next(start);
            let beyond = host > high || self.starts.get(i + 1).is_some_and(|after| host >= *after);
            (if beyond { start } else { host }, self.groups[i] as usize)
        })
    }
}

/// Numbers groups in the order of first use, so that the result does not depend on hashing.
#[derive(Default)]
struct Groups {
    list: Vec<Vec<TagId>>,
    numbers: HashMap<Vec<TagId>, u32, foldhash::fast::FixedState>,
}

impl Groups {
    fn number(&mut self, tags: &[TagId]) -> u32 {
        if let Some(number) = self.numbers.get(tags) {
            return *number;
        }
        let number = self.list.len() as u32;
        self.list.push(tags.to_vec());
        self.numbers.insert(tags.to_vec(), number);
        number
    }
}

/// A place where a tag begins (`true`) or has ended.
type Edge<T> = (T, TagId, bool);

fn edges<T>(tag: TagId, low: T, after: Option<T>) -> impl Iterator<Item = Edge<T>> {
    [Some((low, tag, true)), after.map(|after| (after, tag, false))].into_iter().flatten()
}

fn sweep<T: Ord + Copy>(mut edges: Vec<Edge<T>>, groups: &mut Groups) -> Cuts<T> {
    edges.sort_unstable();
    let mut cuts = Cuts { starts: Vec::new(), groups: Vec::new() };
    let mut active: Vec<TagId> = Vec::new();
    for same_place in edges.chunk_by(|a, b| a.0 == b.0) {
        for (_, tag, begins) in same_place {
            match (active.binary_search(tag), begins) {
                (Err(at), true) => active.insert(at, *tag),
                (Ok(at), false) => drop(active.remove(at)),
                _ => {}
            }
        }
        cuts.starts.extend(same_place.first().map(|e| e.0));
        cuts.groups.push(groups.number(&active));
    }
    cuts
}
