//! Which service tags of one region the rules and routes name: where an account's region is not known, whether one of
//! them holds it is not either (TAG-7).

use crate::inventory::{AddressMeaning, AddressWord, Inventory, Nsg, RuleCollectionGroup};
use crate::tags::{ServiceTags, TagId};
use std::collections::BTreeSet;

/// The regional tags that rules, routes and firewalls name, each once.
pub(super) fn regional_tags(inventory: &Inventory, tags: &ServiceTags) -> Vec<TagId> {
    let written = inventory.nsgs.iter().flat_map(in_group);
    let routes = inventory.route_tables.iter().flat_map(|t| t.routes.iter());
    let routed = routes.filter_map(|r| r.address_prefix.known());
    let filtered = inventory.rule_collection_groups.iter().flat_map(in_collections);
    let admin = inventory.admin_rules.iter().flat_map(|r| r.sources.iter().chain(&r.destinations));
    among(written.chain(routed).chain(filtered).chain(admin), tags).into_iter().collect()
}

/// What the rules of a security group name.
pub(super) fn in_group(group: &Nsg) -> impl Iterator<Item = &AddressWord> {
    group.security_rules.iter().flat_map(|r| r.source.iter().chain(&r.destination))
}

/// What the rules of a rule collection group name.
pub(super) fn in_collections(group: &RuleCollectionGroup) -> impl Iterator<Item = &AddressWord> {
    let rules = group.rule_collections.iter().flat_map(|c| c.rules.iter());
    rules.flat_map(|r| r.destination_addresses.iter())
}

/// The regional tags among words.
pub(super) fn among<'w>(words: impl Iterator<Item = &'w AddressWord>, tags: &ServiceTags) -> BTreeSet<TagId> {
    let names: BTreeSet<&str> = words.filter_map(regional).collect();
    let found = names.into_iter().filter_map(|name| tags.find(name));
    found.filter(|tag| tags.name(*tag).contains('.')).collect()
}

/// The name of a tag of one region, if a word is one.
fn regional(word: &AddressWord) -> Option<&str> {
    match &word.means {
        // Those of Front Door tell what it does, not where.
        AddressMeaning::Tag(name) if name.contains('.') && !name.starts_with("AzureFrontDoor.") => Some(name),
        _ => None,
    }
}
