//! A route table of which one route is another: the intervals of its layers are kept, but for what the route covers.
//!
//! Which prefix decides an interval is told by its length, so a route that is gone gives its intervals to the nearest
//! prefix around it, and one that comes takes those of shorter prefixes. What the layers say together stays what all
//! routes compiled anew would say; which of them says it does not matter. No route is looked at but the one that came.

use super::Maker;
use super::ways::Shared;
use crate::fast::routes::{self, MOST_HOPS, NO_LENGTH, Prefix, UserRoute, UserTable};
use crate::fast::tables::subnet;
use crate::inventory::{Id, Subnet};
use crate::network::UserRoutes;
use std::sync::Arc;

/// One route another way, of a table without tags and without routes that beat BGP, in which no other route has its
/// prefix.
#[derive(Clone, Copy, Debug)]
pub(in crate::fast) struct RoutePatch {
    /// The prefix that is gone, and the nearest one around it.
    pub gone: Option<(Prefix, Option<Prefix>)>,
    /// The prefix that came, and the place of its route.
    pub come: Option<(Prefix, usize)>,
    /// Whether the table holds a route for everything now.
    pub default: bool,
}

impl Maker<'_> {
    /// Patches the table of some subnets; `None` where its lines do not tell enough.
    pub(super) fn patched(
        &mut self,
        shared: &mut Shared,
        user: &Arc<UserRoutes>,
        subnets: &[Id<Subnet>],
        patch: &RoutePatch,
    ) -> Option<()> {
        let mut table = self.common_table(subnets)?;
        if let Some((prefix, around)) = patch.gone {
            let lines = &mut self.fast.lines;
            let says =
                |lines: &_, prefix| [table.base, table.own].map(|layer| routes::shown(lines, layer, prefix));
            let [in_base, in_own] = says(lines, prefix).map(|value| value.is_some());
            if in_base || in_own {
                let outer = match around {
                    Some(around) => says(lines, around).into_iter().flatten().next()?,
                    None => UserRoute::NOTHING,
                };
                if in_base {
                    table.base = routes::without(lines, table.base, prefix, outer);
                }
                if in_own {
                    table.own = routes::without(lines, table.own, prefix, outer);
                }
            }
        }
        if let Some((prefix, at)) = patch.come {
            let hop = self.hop(shared, None, &user.routes[at]);
            let mut hops = routes::said_palette(&self.fast.lines, table.hops);
            let number = hops.iter().position(|known| *known == hop).unwrap_or(hops.len());
            if number == MOST_HOPS {
                return None;
            }
            if number == hops.len() {
                hops.push(hop);
                table.hops = routes::palette(&mut self.fast.lines, &mut self.alike, &hops);
            }
            let (value, length) = (UserRoute::new(prefix.length, false, number), u32::from(prefix.length));
            let lines = &mut self.fast.lines;
            let own = routes::repainted(&routes::said_layer(lines, table.own), prefix, |said| {
                match said.length() {
                    NO_LENGTH => value,
                    shorter if shorter < length => value,
                    _ => said,
                }
            });
            table.own = routes::said_again(lines, &own);
        }
        shared.note_patched(user, Some(table), patch.default);
        Some(())
    }

    /// The table of some subnets, if they have the same one and it is wholly known.
    fn common_table(&self, subnets: &[Id<Subnet>]) -> Option<UserTable> {
        let rows = || subnets.iter().map(|id| self.fast.subnet(id.raw()));
        let first = rows().next()?.user;
        rows().all(|row| row.user == first && !row.has(subnet::TABLE_DOUBT)).then_some(first)
    }
}
