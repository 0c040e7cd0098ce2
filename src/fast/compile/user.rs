//! Route tables: what many of them say alike is one layer for all.
//!
//! Spokes of one hub have hundreds of routes in common and a few of their own. Tables with the same default route are
//! taken together; what more than half of them have becomes their common layer, as long as they have all of it.

use super::Maker;
use super::ways::{Shared, Table, is_default};
use crate::fast::routes::{self, Hop, HopKind, MOST_HOPS, Prefix, UserDraft, UserTable, prefix};
use crate::net::IpNet;
use crate::network::{EffectiveRoute, Network, RoutePrefix, UserRoutes};
use crate::tags::TagId;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

/// A route table with more prefixes than this, tags written out, is left to the full engine.
const MOST_PREFIXES: usize = 1 << 16;

/// Routes are numbered by 16 bits.
const MOST_ROUTES: usize = 1 << 16;

/// A common layer of fewer routes is not worth a search.
const LEAST_COMMON: usize = 8;

/// How often a common layer is looked for among those that did not fit the last one.
const ROUNDS: usize = 3;

/// Routes of a table that is being compiled, and its number.
type Drafts = (usize, Vec<(Prefix, UserDraft)>);

/// What a route says, whatever its number.
type Said = (Prefix, u8, bool, u16);

impl<'n> Maker<'n> {
    /// Compiles every distinct route table.
    pub(super) fn user_tables(&mut self, shared: &mut Shared) {
        self.fast.no_table = self.layers(&[], None, &[Hop::new(HopKind::Other, 0)]);
        let (distinct, numbers) = self.distinct();
        let mut clusters: BTreeMap<Option<Hop>, Vec<usize>> = BTreeMap::new();
        for (number, user) in distinct.iter().enumerate() {
            let default = user.routes.iter().find(|r| is_default(r)).map(|r| self.hop(shared, None, r));
            clusters.entry(default).or_default().push(number);
        }
        let mut tables: Vec<Table> = vec![None; distinct.len()];
        for members in clusters.into_values() {
            let (mut group, mut hops) = (Vec::new(), Vec::new());
            for number in members {
                let before = hops.len();
                let mut drafts = self.drafts(shared, distinct[number], &mut hops);
                if drafts.is_none() && before > 0 {
                    // Too many next hops together: those before are done.
                    hops.truncate(before);
                    self.group(std::mem::take(&mut group), &std::mem::take(&mut hops), &mut tables);
                    drafts = self.drafts(shared, distinct[number], &mut hops);
                }
                match drafts {
                    Some(drafts) => group.push((number, drafts)),
                    None => hops.clear(),
                }
            }
            self.group(group, &hops, &mut tables);
        }
        shared.tables = numbers.into_iter().map(|(place, number)| (place, tables[number])).collect();
    }

    /// Tables that say different things, and which of them each is.
    fn distinct(&self) -> (Vec<&'n UserRoutes>, HashMap<*const UserRoutes, usize>) {
        let mut distinct: Vec<&UserRoutes> = Vec::new();
        let mut numbers = HashMap::new();
        let mut contents: HashMap<u64, Vec<usize>> = HashMap::new();
        for user in self.net.subnets.iter().filter_map(|s| s.routes.user.as_ref()) {
            numbers.entry(Arc::as_ptr(user)).or_insert_with(|| {
                let same = contents.entry(content(user)).or_default();
                let known = same.iter().find(|n| equal(distinct[**n], user)).copied();
                known.unwrap_or_else(|| {
                    same.push(distinct.len());
                    distinct.push(user);
                    distinct.len() - 1
                })
            });
        }
        (distinct, numbers)
    }

    /// The routes of a table, its next hops added to those there are; `None` where it is too large.
    pub(super) fn drafts(
        &self,
        shared: &mut Shared,
        user: &UserRoutes,
        hops: &mut Vec<Hop>,
    ) -> Option<Vec<(Prefix, UserDraft)>> {
        if user.routes.len() >= MOST_ROUTES {
            return None;
        }
        let mut drafts = Vec::with_capacity(user.routes.len());
        for (number, route) in user.routes.iter().enumerate() {
            let hop = self.hop(shared, None, route);
            let palette = hops.iter().position(|h| *h == hop).unwrap_or_else(|| {
                hops.push(hop);
                hops.len() - 1
            });
            let (rank, prefixes) = user_prefixes(self.net, route);
            if hops.len() > MOST_HOPS || drafts.len() + prefixes.len() > MOST_PREFIXES {
                return None;
            }
            let overrides = route.bgp_override;
            let draft = UserDraft { rank, overrides, hop: palette as u16, route: number as u16 };
            drafts.extend(prefixes.iter().filter_map(prefix).map(|p| (p, draft)));
        }
        Some(drafts)
    }

    /// Compiles tables with common next hops.
    fn group(&mut self, mut left: Vec<Drafts>, hops: &[Hop], tables: &mut [Table]) {
        for _ in 0..ROUNDS {
            let common = common(&left);
            let prefixes: HashSet<Prefix> = common.iter().map(|said| said.0).collect();
            let (fitting, rest): (Vec<Drafts>, Vec<Drafts>) =
                left.into_iter().partition(|(_, drafts)| fits(drafts, &common, &prefixes));
            left = rest;
            if common.len() < LEAST_COMMON || fitting.len() < 2 {
                left.extend(fitting);
                break;
            }
            let base = fitting[0].1.iter().filter(|d| common.contains(&said(d))).copied().collect();
            let base = routes::user_layer(&mut self.fast.lines, &mut self.alike, base);
            for (number, drafts) in fitting {
                let own: Vec<(Prefix, UserDraft)> =
                    drafts.into_iter().filter(|d| !common.contains(&said(d))).collect();
                tables[number] = Some(self.layers(&own, Some(base), hops));
            }
        }
        for (number, drafts) in left {
            tables[number] = Some(self.layers(&drafts, None, hops));
        }
    }

    /// A table: its own routes above those of a common layer.
    pub(super) fn layers(
        &mut self,
        own: &[(Prefix, UserDraft)],
        base: Option<crate::fast::spans::Spans>,
        hops: &[Hop],
    ) -> UserTable {
        let (lines, alike) = (&mut self.fast.lines, &mut self.alike);
        let own = routes::user_layer(lines, alike, own.to_vec());
        let base = base.unwrap_or_else(|| routes::user_layer(lines, alike, Vec::new()));
        UserTable { base, own, hops: routes::palette(lines, alike, hops) }
    }
}

fn said((prefix, draft): &(Prefix, UserDraft)) -> Said {
    (*prefix, draft.rank, draft.overrides, draft.hop)
}

/// What more than half of the tables say; no prefix twice, so that no rank decides among them.
fn common(tables: &[Drafts]) -> HashSet<Said> {
    let mut counts: HashMap<Said, usize> = HashMap::new();
    for draft in tables.iter().flat_map(|(_, drafts)| drafts) {
        *counts.entry(said(draft)).or_default() += 1;
    }
    let many = || counts.iter().filter(|(_, count)| **count > tables.len() / 2).map(|(said, _)| *said);
    let mut prefixes: HashMap<Prefix, usize> = HashMap::new();
    for said in many() {
        *prefixes.entry(said.0).or_default() += 1;
    }
    many().filter(|said| prefixes[&said.0] == 1).collect()
}

/// Whether a table says all of it, and nothing else about one of its prefixes.
fn fits(drafts: &[(Prefix, UserDraft)], common: &HashSet<Said>, prefixes: &HashSet<Prefix>) -> bool {
    let inside = drafts.iter().filter(|(prefix, _)| prefixes.contains(prefix));
    let (mut all, mut found) = (0, HashSet::new());
    for draft in inside {
        all += 1;
        if common.contains(&said(draft)) {
            found.insert(said(draft));
        }
    }
    all == common.len() && found.len() == common.len()
}

/// The prefixes of a route, and its rank among routes of one prefix (RT-17).
pub(in crate::fast) fn user_prefixes<'n>(net: &'n Network, route: &'n EffectiveRoute) -> (u8, &'n [IpNet]) {
    match &route.prefix {
        None => (0, &[]),
        Some(RoutePrefix::Net(net)) => (0, std::slice::from_ref(net)),
        Some(RoutePrefix::Tag(tag)) => {
            let name = net.tags.name(*tag);
            let rank = match (name.to_ascii_lowercase().starts_with("azurecloud"), name.contains('.')) {
                (false, true) => 1,
                (false, false) => 2,
                (true, true) => 3,
                (true, false) => 4,
            };
            (rank, net.tags.prefixes(*tag))
        }
    }
}

/// What a route says, without its name and place.
fn content_of(route: &EffectiveRoute) -> (Option<IpNet>, Option<TagId>, bool) {
    let net = match &route.prefix {
        Some(RoutePrefix::Net(net)) => Some(*net),
        _ => None,
    };
    let tag = match &route.prefix {
        Some(RoutePrefix::Tag(tag)) => Some(*tag),
        _ => None,
    };
    (net, tag, route.bgp_override)
}

fn content(user: &UserRoutes) -> u64 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    for route in &user.routes {
        content_of(route).hash(&mut hasher);
    }
    hasher.finish()
}

fn equal(a: &UserRoutes, b: &UserRoutes) -> bool {
    let hop = |r: &EffectiveRoute| r.hop.as_ref().ok().cloned();
    let same =
        |(a, b): (&EffectiveRoute, &EffectiveRoute)| content_of(a) == content_of(b) && hop(a) == hop(b);
    a.routes.len() == b.routes.len() && a.routes.iter().zip(&b.routes).all(same)
}
