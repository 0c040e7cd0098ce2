//! Network security groups of two networks: which of those that are written differently let through other packets.

use super::{Around, Equivalence, Rules, compare};
use crate::inventory::{Id, Nsg, ResourceId};
use crate::net::AddressSet;
use crate::network::{CompiledRule, Network, RuleSet, SubnetRow};
use std::sync::Arc;

/// Distinct places a group is compared at; where it stands in more, it is compared as if it could stand anywhere.
const MOST_PLACES: usize = 64;

/// A group compared.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupComparison {
    /// The group.
    pub id: ResourceId,
    /// Whether its inbound rules are meant.
    pub inbound: bool,
    /// Where the answer holds.
    pub scope: Scope,
    /// The answer.
    pub answer: Equivalence,
}

/// Where an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In any network.
    Anywhere,
    /// At the subnets where it acts in the two networks compared.
    Attached,
}

/// What a subnet's own tags are: `VirtualNetwork`, `Internet`, and whether the first may hold more.
type Place = (Arc<AddressSet>, Arc<AddressSet>, bool);

/// Compares groups of both networks by their ids, inbound then outbound; a direction that is written alike is left out.
pub fn compare_groups(before: &Network, after: &Network, ids: &[ResourceId]) -> Vec<GroupComparison> {
    let row = |network: &Network, id: &ResourceId| {
        network.inventory.nsgs.iter().position(|group| group.id == *id).map(Id::<Nsg>::new)
    };
    let mut out = Vec::new();
    for id in ids {
        let (Some(old), Some(new)) = (row(before, id), row(after, id)) else { continue };
        let places = places(before, after, old, new);
        for inbound in [true, false] {
            if reads_alike(rule_set(before, old, inbound), rule_set(after, new, inbound)) {
                continue;
            }
            let (scope, answer) = compared((before, old), (after, new), places.as_deref(), inbound);
            out.push(GroupComparison { id: id.clone(), inbound, scope, answer });
        }
    }
    out
}

fn compared(
    (before, old): (&Network, Id<Nsg>),
    (after, new): (&Network, Id<Nsg>),
    places: Option<&[(Place, Place)]>,
    inbound: bool,
) -> (Scope, Equivalence) {
    let rules = |around: [Around<'_>; 2]| {
        compare(
            &rules_of(before, old, inbound, around[0]),
            &rules_of(after, new, inbound, around[1]),
            inbound,
        )
    };
    let anywhere =
        rules([Around::Anywhere { public: &before.public }, Around::Anywhere { public: &after.public }]);
    let places = match (&anywhere, places) {
        (Equivalence::Equal, _) | (_, None | Some([])) => return (Scope::Anywhere, anywhere),
        (_, Some(places)) => places,
    };
    let mut doubtful = None;
    for (old, new) in places {
        match rules([around(old), around(new)]) {
            Equivalence::Equal => {}
            differs @ Equivalence::Differs(_) => return (Scope::Attached, differs),
            other => doubtful = doubtful.or(Some(other)),
        }
    }
    (Scope::Attached, doubtful.unwrap_or(Equivalence::Equal))
}

fn rules_of<'a>(network: &'a Network, group: Id<Nsg>, inbound: bool, around: Around<'a>) -> Rules<'a> {
    let set = rule_set(network, group, inbound);
    Rules { set, inventory: &network.inventory, tags: &network.tags, around }
}

fn rule_set(network: &Network, group: Id<Nsg>, inbound: bool) -> &RuleSet {
    let tables = &network.security;
    if inbound { &tables.inbound[group.index()] } else { &tables.outbound[group.index()] }
}

/// Whether two sets are written alike, wherever they stand.
fn reads_alike(before: &RuleSet, after: &RuleSet) -> bool {
    let same = |(a, b): (&CompiledRule, &CompiledRule)| a.says_the_same(b);
    before.unknown.is_none()
        && after.unknown.is_none()
        && before.rules.len() == after.rules.len()
        && before.rules.iter().zip(&after.rules).all(same)
}

fn around(place: &Place) -> Around<'_> {
    Around::At { virtual_network: &place.0, internet: &place.1, doubt: place.2 }
}

/// The distinct places where a group acts, before and after; `None` where they are too many, or not the same subnets
/// in both.
fn places(before: &Network, after: &Network, old: Id<Nsg>, new: Id<Nsg>) -> Option<Vec<(Place, Place)>> {
    let (old, new) = (subnets(before, old), subnets(after, new));
    if old.iter().map(|s| &s.0).ne(new.iter().map(|s| &s.0)) {
        return None;
    }
    let mut out: Vec<(Place, Place)> = Vec::new();
    for ((_, old), (_, new)) in old.into_iter().zip(new) {
        let pair = (old, new);
        if !out.contains(&pair) {
            out.push(pair);
        }
        if out.len() > MOST_PLACES {
            return None;
        }
    }
    Some(out)
}

/// The subnets where a group acts, on themselves or on something in them, in order of their ids.
fn subnets(network: &Network, group: Id<Nsg>) -> Vec<(ResourceId, Place)> {
    let on_subnets = (0..network.subnets.len()).filter(|n| network.subnets[*n].nsg.row() == Some(group));
    let attached =
        network.attachments.iter().filter(|a| a.nsg.row() == Some(group)).map(|a| a.subnet.index());
    let mut rows: Vec<usize> = on_subnets.chain(attached).collect();
    rows.sort_unstable();
    rows.dedup();
    let place = |row: &SubnetRow| {
        (row.virtual_network_tag.clone(), row.internet_tag.clone(), !row.tag_doubts.is_empty())
    };
    let id = |row: usize| network.inventory.subnets.as_slice()[row].id.clone();
    let mut out: Vec<_> = rows.into_iter().map(|row| (id(row), place(&network.subnets[row]))).collect();
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}
