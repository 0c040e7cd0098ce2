//! Which service tags of one region the rules and routes name: where an account's region is not known, whether one of
//! them holds it is not either (TAG-7).

use crate::inventory::{AddressMeaning, AddressWord, Inventory};
use crate::tags::{ServiceTags, TagId};
use std::collections::BTreeSet;

/// The regional tags that rules, routes and firewalls name, each once.
pub(super) fn regional_tags(inventory: &Inventory, tags: &ServiceTags) -> Vec<TagId> {
    let rules = inventory.nsgs.iter().flat_map(|n| n.security_rules.iter());
    let written = rules.flat_map(|r| r.source.iter().chain(&r.destination));
    let routes = inventory.route_tables.iter().flat_map(|t| t.routes.iter());
    let routed = routes.filter_map(|r| r.address_prefix.known());
    let groups = inventory.rule_collection_groups.iter().flat_map(|g| g.rule_collections.iter());
    let filtered = groups.flat_map(|c| c.rules.iter()).flat_map(|r| r.destination_addresses.iter());
    let admin = inventory.admin_rules.iter().flat_map(|r| r.sources.iter().chain(&r.destinations));
    let words = written.chain(routed).chain(filtered).chain(admin);
    let names: BTreeSet<&str> = words.filter_map(regional).collect();
    let found: BTreeSet<TagId> = names.into_iter().filter_map(|name| tags.find(name)).collect();
    found.into_iter().filter(|tag| tags.name(*tag).contains('.')).collect()
}

/// The name of a tag of one region, if a word is one.
fn regional(word: &AddressWord) -> Option<&str> {
    match &word.means {
        // Those of Front Door tell what it does, not where.
        AddressMeaning::Tag(name) if name.contains('.') && !name.starts_with("AzureFrontDoor.") => Some(name),
        _ => None,
    }
}
