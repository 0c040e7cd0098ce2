//! Compiles one set of rules or one route table anew, behind the tables there are: what a branch needs.
//!
//! Lines are added, and rows that name them are written over; whoever asks keeps what stood there. Nothing that is
//! shared is looked for: a branch is small and gone soon.

use super::patched::RoutePatch;
use super::ways::Shared;
use super::{Alike, Maker, Sizes};
use crate::fast::rules::Draft;
use crate::fast::spans::Spans;
use crate::fast::tables::{Fast, SubnetRow, VnetRow, subnet};
use crate::inventory::{FirewallRule, FirewallRuleType, Id, Subnet, VirtualNetwork};
use crate::network::{Network, RuleSet, Tri};
use crate::tags::TagId;
use crate::trace::{application_name, judge_of};
use hashbrown::HashMap;

/// What compiling took from a whole network, kept for compiling a part of it.
#[derive(Debug)]
pub(in crate::fast) struct Crew {
    tags: HashMap<TagId, u16>,
    /// The next number of an appliance that no network knows yet.
    appliance: u32,
}

/// Rows of subnets and networks as they would be.
pub(in crate::fast) struct Rows {
    pub subnets: Vec<(Id<Subnet>, SubnetRow)>,
    pub vnets: Vec<(Id<VirtualNetwork>, VnetRow)>,
}

impl Crew {
    /// What the tables of a network were compiled with.
    pub(in crate::fast) fn new(net: &Network, fast: &Fast) -> Self {
        let tags =
            Maker::new(net).tags_in_use().into_iter().enumerate().map(|(n, tag)| (tag, n as u16)).collect();
        let known = (0..net.vnets.len() as u32).flat_map(|vnet| {
            let list = fast.vnet(vnet).appliances;
            (0..fast.lines.word(list, 0)).map(move |pair| fast.lines.word(list, 2 * pair + 1))
        });
        Self { tags, appliance: known.max().map_or(0, |most| most + 1) }
    }

    /// Adds the lines of a set of rules; gives its head.
    pub(in crate::fast) fn rules(&mut self, net: &Network, fast: &mut Fast, set: &RuleSet) -> u32 {
        self.with(net, fast, |maker| {
            let head = maker.one_set(set);
            maker.fast.platform_rules |= crate::fast::rules::asks_platform(&maker.fast.lines, head);
            head
        })
    }

    /// Adds the lines of a route table; gives the rows of its subnets and their networks. `tags` are subnets whose
    /// `VirtualNetwork` is another set now. Where a patch tells what is another, the lines are those there are, but for
    /// that; otherwise, or where they do not tell enough, all routes are compiled anew.
    pub(in crate::fast) fn table(
        &mut self,
        net: &Network,
        fast: &mut Fast,
        subnets: &[Id<Subnet>],
        tags: &[Id<Subnet>],
        patch: Option<RoutePatch>,
    ) -> Rows {
        let mut out = Rows { subnets: Vec::new(), vnets: Vec::new() };
        let user = subnets.first().and_then(|s| net.subnet(*s).routes.user.clone());
        let Some(user) = user else { return out };
        let first = self.appliance;
        let mut shared = Shared::from(first);
        self.with(net, fast, |maker| {
            let known = patch.and_then(|patch| maker.patched(&mut shared, &user, subnets, &patch));
            if known.is_none() {
                let mut hops = Vec::new();
                let drafts = maker.drafts(&mut shared, &user, &mut hops);
                let table = drafts.map(|drafts| maker.layers(&drafts, None, &hops));
                shared.note_table(&user, table);
            }
            let table = shared.table(&user);
            for id in subnets {
                let old = maker.fast.subnet(id.raw());
                let row = &net.subnet(*id);
                let mut new = old;
                new.flags &= !(subnet::OF_ROUTES | subnet::TAG_DOUBT);
                new.flags |= maker.table_flags(&shared, row.vnet, &row.routes);
                if old.endpoints == 0 && !row.routes.service_endpoints.is_empty() {
                    new.flags |= subnet::TABLE_DOUBT;
                }
                if !row.tag_doubts.is_empty() {
                    new.flags |= subnet::TAG_DOUBT;
                }
                new.user = table.unwrap_or(maker.fast.no_table);
                // What is written out follows the old table; without it the routes themselves are asked.
                new.way = Spans::default();
                if tags.contains(id) {
                    new.tag = maker.tag_tree_of(&mut shared, &row.virtual_network_tag);
                }
                out.subnets.push((*id, new));
            }
            let mut homes: Vec<Id<VirtualNetwork>> = subnets.iter().map(|s| net.subnet(*s).vnet).collect();
            homes.sort_unstable();
            homes.dedup();
            for home in homes {
                let mut row = maker.fast.vnet(home.raw());
                row.appliances = maker.more_appliances(&shared, home, row.appliances, first);
                out.vnets.push((home, row));
            }
        });
        self.appliance = first + shared.count();
        out
    }

    fn with<R>(&mut self, net: &Network, fast: &mut Fast, work: impl FnOnce(&mut Maker<'_>) -> R) -> R {
        let (fast_now, tags) = (std::mem::take(fast), std::mem::take(&mut self.tags));
        let mut maker = Maker { fast: fast_now, tags, ..Maker::new(net) };
        let out = work(&mut maker);
        (*fast, self.tags) = (maker.fast, maker.tags);
        out
    }
}

/// The rules of a firewall, in the order they are asked.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::fast) struct FirewallRules {
    pub network: Vec<Draft>,
    /// Application rules, and whether they may hold a flow that names nobody.
    pub application: Vec<(Draft, bool)>,
}

/// The rules of every firewall.
pub(in crate::fast) fn firewall_rules(net: &Network) -> Vec<FirewallRules> {
    let mut maker = Maker::new(net);
    maker.tags = maker.tags_in_use().into_iter().enumerate().map(|(n, tag)| (tag, n as u16)).collect();
    let one = |number: usize| {
        let judge = judge_of(net, Id::new(number));
        let of = |kind| judge.rules.iter().filter(move |r| r.kind == kind);
        let open = |rule: &FirewallRule| application_name(rule, None) != Tri::No;
        FirewallRules {
            network: of(FirewallRuleType::NetworkRule).map(|r| maker.network_rule(r)).collect(),
            application: of(FirewallRuleType::ApplicationRule)
                .map(|r| (maker.application_rule(r), open(r.rule)))
                .collect(),
        }
    };
    (0..net.inventory.azure_firewalls.len()).map(one).collect()
}

impl<'n> Maker<'n> {
    pub(super) fn new(net: &'n Network) -> Self {
        let (tags, regions) = (HashMap::new(), HashMap::new());
        Maker { net, fast: Fast::default(), tags, regions, alike: Alike::default(), told: Sizes::new() }
    }
}
