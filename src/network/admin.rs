//! Security admin rules of Azure Virtual Network Manager, flattened to each virtual network (SAR-1 to SAR-9).

use super::rules::{CompiledRule, RuleBody, RuleSet, Verdict};
use super::security::{address_match, contradict, port_set};
use crate::diag::Diagnostics;
use crate::inventory::{
    AdminAccess, AdminRule, Direction, Field, Id, Inventory, Kind, NetworkGroup, NetworkManager, ResourceId,
    Unknown,
};
use crate::net::ProtocolMatch;
use crate::tags::ServiceTags;

/// Security admin rules for each virtual network.
#[derive(Debug, Default)]
pub struct AdminRules {
    /// Inbound, by row of the virtual network.
    pub inbound: Vec<RuleSet>,
    /// Outbound, by row of the virtual network.
    pub outbound: Vec<RuleSet>,
    /// The rule rows behind the compiled rules, in the same order, for names.
    pub owners: Vec<[Vec<ResourceId>; 2]>,
}

pub(super) fn admin_rules(inventory: &Inventory, tags: &ServiceTags, notes: &mut Diagnostics) -> AdminRules {
    let count = inventory.virtual_networks.len();
    let mut found: Vec<[Vec<(CompiledRule, ResourceId)>; 2]> = vec![[Vec::new(), Vec::new()]; count];
    for rule in inventory.admin_rules.iter() {
        let Some(collection) =
            rule.id.parent().and_then(|id| inventory.row::<crate::inventory::AdminRuleCollection>(&id))
        else {
            continue;
        };
        let groups = &inventory.admin_rule_collections[collection].applies_to_groups;
        let groups = groups.iter().filter_map(|g| inventory.follow(g.network_group_id.known()?).row());
        let mut vnets: Vec<usize> = groups.flat_map(|g| members(inventory, g)).collect();
        vnets.sort_unstable();
        vnets.dedup();
        let compiled = compiled(rule, tags, notes);
        for vnet in vnets {
            for direction in [Direction::Inbound, Direction::Outbound] {
                if rule.direction.known().is_none_or(|d| *d == direction) && !skips(inventory, vnet, rule) {
                    let side = usize::from(direction == Direction::Outbound);
                    found[vnet][side].push((compiled.clone(), rule.id.clone()));
                }
            }
        }
    }
    let mut out = AdminRules::default();
    for [inbound, outbound] in found {
        let (inbound, in_owners) = sorted(inventory, inbound);
        let (outbound, out_owners) = sorted(inventory, outbound);
        out.inbound.push(inbound);
        out.outbound.push(outbound);
        out.owners.push([in_owners, out_owners]);
    }
    out
}

/// By priority; of several managers the rules of the one with the higher scope come first (SAR-9).
fn sorted(inventory: &Inventory, mut rules: Vec<(CompiledRule, ResourceId)>) -> (RuleSet, Vec<ResourceId>) {
    rules.sort_by_cached_key(|(rule, owner)| (scope(inventory, owner), rule.priority, owner.clone()));
    let scopes: Vec<u8> = rules.iter().map(|(_, owner)| scope(inventory, owner)).collect();
    let (mut rules, owners): (Vec<CompiledRule>, Vec<ResourceId>) = rules.into_iter().unzip();
    let mut first = 0;
    for same in scopes.chunk_by(|a, b| a == b) {
        contradict(
            &mut rules[first..first + same.len()],
            "and nothing says which of them comes first (SAR-1)",
        );
        first += same.len();
    }
    (RuleSet { rules, unknown: None }, owners)
}

/// How far below the root the scope of a rule's manager is: a management group stands above a subscription.
fn scope(inventory: &Inventory, rule: &ResourceId) -> u8 {
    let manager = rule.ancestor("Microsoft.Network/networkManagers");
    let row = manager.and_then(|id| inventory.row::<NetworkManager>(&id));
    u8::from(row.is_none_or(|row| inventory.network_managers[row].management_groups.is_empty()))
}

/// The virtual networks of a group.
fn members(inventory: &Inventory, group: Id<NetworkGroup>) -> Vec<usize> {
    let row = &inventory.network_groups[group];
    let own = row.members.iter().map(|m| m.text.clone());
    let fixed = inventory.static_members.iter().filter(|m| m.id.parent().is_some_and(|p| p == *row.id()));
    let fixed = fixed.filter_map(|m| m.resource_id.known().map(|r| r.text.clone()));
    own.chain(fixed)
        .filter_map(|text| inventory.find::<crate::inventory::VirtualNetwork>(&text).row())
        .map(Id::index)
        .collect()
}

/// Whether a virtual network is left out because of a service with intent policies of its own (SAR-6).
fn skips(inventory: &Inventory, vnet: usize, rule: &AdminRule) -> bool {
    let id = &inventory.virtual_networks.as_slice()[vnet].id;
    let special = inventory.subnets.iter().any(|s| {
        s.id.parent().is_some_and(|p| p == *id)
            && s.delegations.iter().any(|d| {
                d.eq_ignore_ascii_case("Microsoft.Sql/managedInstances")
                    || d.eq_ignore_ascii_case("Microsoft.Databricks/workspaces")
            })
    });
    if !special {
        return false;
    }
    let configuration = rule.id.ancestor("Microsoft.Network/networkManagers/securityAdminConfigurations");
    let configuration =
        configuration.and_then(|id| inventory.row::<crate::inventory::SecurityAdminConfiguration>(&id));
    let modes = configuration
        .map(|c| &inventory.security_admin_configurations[c].apply_on_network_intent_policy_based_services);
    let has = |word: &str| modes.is_some_and(|m| m.iter().any(|w| w.eq_ignore_ascii_case(word)));
    let allow_only = has("AllowRulesOnly") && rule.access.is(AdminAccess::Allow);
    !(has("All") || allow_only)
}

fn compiled(rule: &AdminRule, tags: &ServiceTags, notes: &mut Diagnostics) -> CompiledRule {
    let mut unknown: Option<Unknown> = None;
    let mut doubt = |u: Option<&Unknown>, what: &str| {
        let why = format!("the security admin rule `{}` has no {what}", rule.id.name());
        unknown.get_or_insert(u.cloned().unwrap_or_else(|| Unknown::new(rule.at, why)));
    };
    let verdict = match &rule.access {
        Field::Known(AdminAccess::Allow) => Some(Verdict::Allow),
        Field::Known(AdminAccess::AlwaysAllow) => Some(Verdict::AlwaysAllow),
        Field::Known(AdminAccess::Deny) => Some(Verdict::Deny),
        other => {
            doubt(other.unknown(), "access");
            None
        }
    };
    if rule.direction.known().is_none() {
        doubt(rule.direction.unknown(), "direction");
    }
    if rule.priority.known().is_none() {
        doubt(rule.priority.unknown(), "priority");
    }
    let protocol = rule.protocol.or(ProtocolMatch::ANY).unwrap_or_else(|u| {
        unknown.get_or_insert(u.clone());
        ProtocolMatch::ANY
    });
    let side = |words, notes: &mut Diagnostics| {
        let mut side = address_match(words, tags, notes);
        // A security admin rule without addresses on a side means any there.
        side.any |= !words.given;
        side
    };
    let body = RuleBody {
        name: rule.id.name().into(),
        priority: rule.priority.known().copied().unwrap_or(0),
        verdict,
        default: false,
        protocol,
        source: side(&rule.sources, notes),
        source_ports: port_set(&rule.source_port_ranges, &mut unknown),
        destination: side(&rule.destinations, notes),
        destination_ports: port_set(&rule.destination_port_ranges, &mut unknown),
        unknown,
    };
    CompiledRule::new(rule.at, body)
}
