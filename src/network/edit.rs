//! One rule or one route of a network as it would be, and back: what a what-if changes without compiling anything else.
//!
//! Everything else that a network holds does not depend on the rules of its groups, and of its routes only what
//! [`RouteEdit`] names: the tables of subnets, and the `VirtualNetwork` tag there (TAG-2). The inventory stays as it
//! was read. Each change gives what takes it back.

use super::compile::{prefix_doubt, with_routes_of};
use super::routes::{EffectiveRoute, RoutePrefix, UserRoutes, user_route};
use super::rules::CompiledRule;
use super::security::compiled;
use super::{Bound, Doubt, Network};
use crate::diag::Diagnostics;
use crate::inventory::{Direction, Id, Nsg, Origin, Route, RouteTable, SecurityRule, Slot, Subnet, TableTag};
use crate::net::{AddressSet, IpNet};
use std::sync::Arc;

/// A rule that left a set, or came into it.
#[derive(Clone, Debug)]
pub struct RuleEdit {
    /// The group.
    pub nsg: Id<Nsg>,
    /// The direction.
    pub inbound: bool,
    /// Where it stood, and the rule.
    pub before: Option<(usize, CompiledRule)>,
    /// Where it stands.
    pub after: Option<usize>,
}

/// A route that left a table, or came into it.
#[derive(Clone, Debug)]
pub struct RouteEdit {
    /// The table.
    pub table: Id<RouteTable>,
    /// Where it stood, and the route.
    pub before: Option<(usize, EffectiveRoute)>,
    /// Where it stands.
    pub after: Option<usize>,
    /// What subnets had as `VirtualNetwork`, where that is another set now.
    pub tags: Vec<TagEdit>,
}

/// What `VirtualNetwork` held in a subnet.
#[derive(Clone, Debug)]
pub struct TagEdit {
    /// The subnet.
    pub subnet: Id<Subnet>,
    /// Its sets: as the profile wants it, and with the knob set the other way.
    pub before: [Arc<AddressSet>; 2],
    /// Why it might hold more.
    pub doubts: Vec<Doubt>,
}

impl Network {
    /// The set of a group's rules, to be changed.
    fn rules_of(&mut self, nsg: Id<Nsg>, inbound: bool) -> &mut Vec<CompiledRule> {
        let sets = if inbound { &mut self.security.inbound } else { &mut self.security.outbound };
        &mut sets[nsg.index()].rules
    }

    /// Puts a rule into a group, in place of the one of its name, or takes the one of a name out.
    pub(crate) fn edit_rule(
        &mut self,
        nsg: Id<Nsg>,
        name: &str,
        rule: Option<&SecurityRule>,
    ) -> Vec<RuleEdit> {
        let own = self.inventory.nsgs[nsg].origin == Origin::Estate;
        let mut notes = Diagnostics::new();
        let new = rule.map(|rule| {
            let direction = rule.direction.known().copied();
            (
                direction,
                CompiledRule::new(rule.at, compiled(&self.inventory, own, rule, &self.tags, &mut notes)),
            )
        });
        let mut out = Vec::new();
        for inbound in [true, false] {
            let direction = if inbound { Direction::Inbound } else { Direction::Outbound };
            let fits = |said: &Option<Direction>| said.is_none_or(|d| d == direction);
            let put = new.as_ref().filter(|(said, _)| fits(said)).map(|(_, rule)| rule.clone());
            let rules = self.rules_of(nsg, inbound);
            let at = rules.iter().position(|r| !r.default && r.name.eq_ignore_ascii_case(name));
            let before = at.map(|at| (at, rules.remove(at)));
            let after = put.map(|rule| {
                let before = |other: &CompiledRule| {
                    !other.default && (other.priority, &other.name) < (rule.priority, &rule.name)
                };
                let at = rules.partition_point(before);
                rules.insert(at, rule);
                at
            });
            if before.is_some() || after.is_some() {
                out.push(RuleEdit { nsg, inbound, before, after });
            }
        }
        out
    }

    /// Takes back what [`Network::edit_rule`] did last.
    pub(crate) fn undo_rule(&mut self, edit: RuleEdit) {
        let rules = self.rules_of(edit.nsg, edit.inbound);
        if let Some(at) = edit.after {
            rules.remove(at);
        }
        if let Some((at, rule)) = edit.before {
            rules.insert(at, rule);
        }
    }

    /// What a route of a table says, compiled.
    pub(crate) fn compiled_route(&self, table: Id<RouteTable>, route: &Route) -> EffectiveRoute {
        let slot = Slot { table: TableTag::RouteTable, row: table.raw() };
        EffectiveRoute::new(Some(slot), route.at, user_route(route, &self.tags))
    }

    /// Puts a route into a table, in place of the one at `at`, or takes that one out. `subnets` are those that have the
    /// table; `covered` tells whether a prefix lies in another route's, where that is known.
    pub(crate) fn edit_route(
        &mut self,
        table: Id<RouteTable>,
        subnets: &[Id<Subnet>],
        at: Option<usize>,
        new: Option<EffectiveRoute>,
        covered: impl Fn(&IpNet) -> Option<bool>,
    ) -> Option<RouteEdit> {
        let mut edit = RouteEdit { table, before: None, after: None, tags: Vec::new() };
        let unknown = new.as_ref().is_some_and(|route| route.prefix_unknown.is_some());
        self.with_table(subnets, unknown, |user| {
            edit.after = new.is_some().then(|| at.unwrap_or(user.routes.len()));
            edit.before = match (at, new) {
                (Some(at), Some(new)) => Some((at, std::mem::replace(&mut user.routes[at], new))),
                (Some(at), None) => Some((at, user.routes.remove(at))),
                (None, Some(new)) => {
                    user.routes.push(new);
                    None
                }
                (None, None) => None,
            };
        });
        if edit.before.is_none() && edit.after.is_none() {
            return None;
        }
        edit.tags = self.tags_after(subnets, &edit, covered);
        Some(edit)
    }

    /// Takes back what [`Network::edit_route`] did last.
    pub(crate) fn undo_route(&mut self, edit: RouteEdit, subnets: &[Id<Subnet>]) {
        let RouteEdit { before, after, tags, .. } = edit;
        let unknown = before.as_ref().is_some_and(|(_, route)| route.prefix_unknown.is_some());
        self.with_table(subnets, unknown, |user| match (before, after) {
            (Some((at, route)), Some(_)) => user.routes[at] = route,
            (Some((at, route)), None) => user.routes.insert(at, route),
            (None, Some(at)) => {
                user.routes.remove(at);
            }
            (None, None) => {}
        });
        for TagEdit { subnet, before: [own, other], doubts } in tags {
            let row = &mut self.subnets[subnet.index()];
            (row.virtual_network_tag, row.other_virtual_network_tag, row.tag_doubts) = (own, other, doubts);
        }
    }

    /// Changes the routes of a table, which its subnets share; `unknown` where a route comes whose prefix is not known.
    fn with_table(&mut self, subnets: &[Id<Subnet>], unknown: bool, work: impl FnOnce(&mut UserRoutes)) {
        let mut shared: Option<Arc<UserRoutes>> = None;
        for subnet in subnets {
            let user = self.subnets[subnet.index()].routes.user.take();
            shared = shared.or(user);
        }
        let Some(mut table) = shared else { return };
        let user = Arc::make_mut(&mut table);
        work(user);
        // Hundreds of routes are not looked at where none of them was in doubt and none is now.
        user.has_unknown_prefixes =
            (unknown || user.has_unknown_prefixes) && user.routes.iter().any(|r| r.prefix_unknown.is_some());
        for subnet in subnets {
            self.subnets[subnet.index()].routes.user = Some(table.clone());
        }
    }

    /// Sets the `VirtualNetwork` tags that follow a table anew, and gives those that were others.
    fn tags_after(
        &mut self,
        subnets: &[Id<Subnet>],
        edit: &RouteEdit,
        covered: impl Fn(&IpNet) -> Option<bool>,
    ) -> Vec<TagEdit> {
        let counts = self.profile.udr_prefixes_in_virtual_network_tag;
        let Some(user) = subnets.first().and_then(|s| self.subnet(*s).routes.user.clone()) else {
            return Vec::new();
        };
        let now = edit.after.map(|at| &user.routes[at]);
        let touched: Vec<&EffectiveRoute> = edit.before.iter().map(|(_, r)| r).chain(now).collect();
        let mut made: Vec<(Arc<AddressSet>, Arc<AddressSet>)> = Vec::new();
        let mut out = Vec::new();
        for subnet in subnets {
            let row = self.subnet(*subnet);
            let before = [row.virtual_network_tag.clone(), row.other_virtual_network_tag.clone()];
            let bare = before[usize::from(counts)].clone();
            let same = touched.iter().all(|r| is_covered(r, &bare, &user, edit.after, &covered));
            let doubtful = touched.iter().any(|r| r.prefix_unknown.is_some());
            if same && !doubtful {
                continue;
            }
            let with = match made.iter().find(|(of, _)| Arc::ptr_eq(of, &bare)) {
                Some((_, with)) => with.clone(),
                None => {
                    let with = Arc::new(with_routes_of(&bare, user.routes.iter(), &self.tags));
                    made.push((bare.clone(), with.clone()));
                    with
                }
            };
            let doubts = self.doubts_after(*subnet, &user, edit, counts);
            let row = &mut self.subnets[subnet.index()];
            let doubts = std::mem::replace(&mut row.tag_doubts, doubts);
            let (tag, other) = if counts { (with, bare) } else { (bare, with) };
            (row.virtual_network_tag, row.other_virtual_network_tag) = (tag, other);
            out.push(TagEdit { subnet: *subnet, before, doubts });
        }
        out
    }

    /// Why the tag of a subnet may hold more, once a route has changed: the doubts of routes stand at the end.
    fn doubts_after(
        &self,
        subnet: Id<Subnet>,
        user: &UserRoutes,
        edit: &RouteEdit,
        counts: bool,
    ) -> Vec<Doubt> {
        let doubts = &self.subnet(subnet).tag_doubts;
        if !counts {
            return doubts.clone();
        }
        let doubt = |r: &EffectiveRoute| prefix_doubt(r, &self.public);
        let after: Vec<Doubt> = user.routes.iter().filter_map(doubt).collect();
        let gone = edit.before.iter().filter(|(_, r)| r.prefix_unknown.is_some()).count();
        let come = edit.after.iter().filter(|at| user.routes[**at].prefix_unknown.is_some()).count();
        let kept = doubts.len() + come - gone - after.len();
        doubts[..kept].iter().cloned().chain(after).collect()
    }

    /// The subnets that have each route table, by its row.
    pub(crate) fn subnets_by_table(&self) -> Vec<Vec<Id<Subnet>>> {
        let mut out = vec![Vec::new(); self.inventory.route_tables.len()];
        for (number, row) in self.subnets.iter().enumerate() {
            if let Bound::To(table) = row.route_table {
                out[table.index()].push(Id::new(number));
            }
        }
        out
    }
}

/// Whether the tag holds what a route covers without it.
fn is_covered(
    route: &EffectiveRoute,
    bare: &AddressSet,
    user: &UserRoutes,
    own: Option<usize>,
    covered: impl Fn(&IpNet) -> Option<bool>,
) -> bool {
    let net = match &route.prefix {
        None => return true,
        Some(RoutePrefix::Tag(_)) => return false,
        Some(RoutePrefix::Net(net)) => net,
    };
    let holds =
        |other: &EffectiveRoute| matches!(&other.prefix, Some(RoutePrefix::Net(n)) if n.contains(net));
    let others = || user.routes.iter().enumerate().filter(|(at, _)| Some(*at) != own).map(|(_, r)| r);
    covered(net).unwrap_or_else(|| others().any(holds)) || bare.covers(&AddressSet::from_prefix(net))
}
