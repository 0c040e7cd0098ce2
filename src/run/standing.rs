//! A list of flows before and after changes: which of them get another answer.
//!
//! Changes of rules and routes alone are a branch: the flows are decided once, and of the changes only what they touch is
//! decided again. Whatever else changes, the network is compiled anew. Both ways say the same.

use super::engine;
use super::what_if::Estate;
use crate::diag::{At, Diagnostics};
use crate::fast::branch::Standing;
use crate::fast::{self, Asker, FlowIds, Verdict};
use crate::inventory::change::{self, Change, ChangeLog};
use crate::inventory::{
    AddressMeaning, AddressWord, Id, Inventory, Nsg, RawResource, ResourceId, RouteTable, TableTag, build,
};
use crate::network::Network;
use crate::scenario::{LineError, Row};
use crate::trace::{Decision, Flow};
use std::collections::BTreeSet;

/// Flows that stand in memory at most.
pub const MOST: usize = 1 << 24;

/// A flow with another answer.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowChange {
    /// Its line in the list.
    pub line: usize,
    /// The flow.
    pub flow: Flow,
    /// The answer before.
    pub before: Decision,
    /// The answer after.
    pub after: Decision,
}

/// What changes do to flows.
#[derive(Debug, Default)]
pub struct FlowsWhatIf {
    /// How many flows were asked.
    pub flows: usize,
    /// How many of them were decided again; all where the network was compiled anew.
    pub decided: usize,
    /// Whether the changes were a branch.
    pub branched: bool,
    /// Those with another answer, in the order of the list.
    pub changed: Vec<FlowChange>,
    /// Lines that ask nothing that can be understood.
    pub faults: Vec<LineError>,
    /// What was changed.
    pub log: Vec<ChangeLog>,
}

/// Reads the flows of rows; lines that cannot be understood are kept as faults.
fn read(
    asker: &mut Asker<'_>,
    net: &Network,
    rows: Vec<Row>,
    faults: &mut Vec<LineError>,
) -> Vec<(usize, Flow, FlowIds)> {
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        let line = row.line;
        let flow = row.question.flow(row.name, At::NOWHERE, &net.inventory);
        let read = flow.and_then(|flow| {
            let ids = asker.read(&flow).map_err(|error| engine::misunderstood(&error, At::NOWHERE))?;
            Ok((line, flow, ids))
        });
        match read {
            Ok(one) => out.push(one),
            Err(fault) => faults.push(LineError { line, message: fault.message.clone() }),
        }
    }
    out
}

/// Asks every flow before and after. The notes get what is wrong with the changes.
pub fn flows(
    estate: Estate<'_>,
    before: Network,
    changes: &[Change],
    rows: Vec<Row>,
    notes: &mut Diagnostics,
) -> FlowsWhatIf {
    let (after, log) = change::apply(estate.raws, &[estate.base, changes].concat(), notes);
    if notes.has_errors() {
        return FlowsWhatIf::default();
    }
    let log: Vec<ChangeLog> =
        log.into_iter().filter(|entry| changes.iter().any(|c| c.at().doc == entry.at.doc)).collect();
    let touched = touched(&before, &after, &log);
    let tables = fast::compile(&before);
    let mut faults = Vec::new();
    let mut asked = Vec::new();
    let mut standing = Standing::new(before, tables, |asker| {
        let net = asker.network();
        asked = read(asker, net, rows, &mut faults);
        asked.iter().map(|(.., ids)| *ids).collect()
    });
    let told = |n: usize, before: Decision, after: Decision| {
        let (line, flow, _) = &asked[n];
        FlowChange { line: *line, flow: flow.clone(), before, after }
    };
    let mut out = FlowsWhatIf { flows: asked.len(), faults, log, ..FlowsWhatIf::default() };
    if let Some(touched) = touched {
        let mut branch = standing.branch();
        let whole = touched.groups.iter().all(|(id, row)| branch.become_group(*id, row))
            && touched.tables.iter().all(|(id, row)| branch.become_table(*id, row));
        if whole {
            let again = branch.again();
            (out.branched, out.decided) = (true, again.decided);
            out.changed =
                again.changed.into_iter().map(|c| told(c.flow as usize, c.before, c.after)).collect();
            return out;
        }
    }
    let (network, _) = estate.network(changes, notes);
    out.decided = asked.len();
    for (n, after) in anew(&network, &asked).into_iter().enumerate() {
        let before = standing.decision(n);
        if before != after {
            out.changed.push(told(n, before, after));
        }
    }
    out
}

/// The answers of another network to the same flows.
fn anew(network: &Network, asked: &[(usize, Flow, FlowIds)]) -> Vec<Decision> {
    let tables = fast::compile(network);
    let mut asker = Asker::new(network, &tables);
    let mut out = Vec::with_capacity(asked.len());
    for (_, flow, _) in asked {
        // What has lost its name in the changed estate is asked as it is understood there.
        match asker.read(flow) {
            Ok(ids) => {
                let mut verdict = [Verdict::PENDING];
                asker.decide(&[ids], &mut verdict);
                out.push(asker.decision(&verdict[0]));
            }
            Err(_) => out.push(crate::trace::decide(network, flow)),
        }
    }
    out
}

/// Groups and route tables that changes made others.
struct Touched {
    groups: Vec<(Id<Nsg>, Nsg)>,
    tables: Vec<(Id<RouteTable>, RouteTable)>,
}

/// What changes touched, if that is rules and routes of what there was already.
fn touched(before: &Network, after: &[RawResource], log: &[ChangeLog]) -> Option<Touched> {
    let mut ids: Vec<ResourceId> = Vec::new();
    for entry in log {
        let own = [Some(entry.resource.clone()), entry.resource.parent()];
        let known = |id: &ResourceId| {
            before.inventory.row::<Nsg>(id).is_some() || before.inventory.row::<RouteTable>(id).is_some()
        };
        ids.push(own.into_iter().flatten().find(known)?);
    }
    ids.sort();
    ids.dedup();
    let ours = |raw: &&RawResource| {
        let parent = raw.id.parent();
        ids.binary_search(&raw.id).is_ok() || parent.is_some_and(|id| ids.binary_search(&id).is_ok())
    };
    let raws: Vec<RawResource> = after.iter().filter(ours).cloned().collect();
    let found: Inventory = build(raws, &mut Diagnostics::new());
    // Every answer is held against what the files withhold, and that list is made of the whole estate.
    if !found.withheld.is_empty() || before.inventory.withheld.iter().any(|w| is_rule_or_route(w.slot.table))
    {
        return None;
    }
    let mut out = Touched { groups: Vec::new(), tables: Vec::new() };
    for id in ids {
        if let (Some(old), Some(new)) = (before.inventory.row::<Nsg>(&id), found.row::<Nsg>(&id)) {
            let (old_row, new_row) = (&before.inventory.nsgs[old], &found.nsgs[new]);
            if regional_of_group(old_row) != regional_of_group(new_row) {
                return None;
            }
            out.groups.push((old, new_row.clone()));
        } else {
            let (old, new) = (before.inventory.row::<RouteTable>(&id)?, found.row::<RouteTable>(&id)?);
            let (old_row, new_row) = (&before.inventory.route_tables[old], &found.route_tables[new]);
            if regional_of_table(old_row) != regional_of_table(new_row) {
                return None;
            }
            out.tables.push((old, new_row.clone()));
        }
    }
    Some(out)
}

fn is_rule_or_route(table: TableTag) -> bool {
    matches!(table, TableTag::Nsg | TableTag::RouteTable)
}

/// The tags of one region that a group names: the names of an estate depend on which there are (TAG-7).
fn regional_of_group(group: &Nsg) -> BTreeSet<String> {
    let rules = group.security_rules.iter();
    rules.flat_map(|r| r.source.iter().chain(&r.destination)).filter_map(regional).collect()
}

/// The same of a route table.
fn regional_of_table(table: &RouteTable) -> BTreeSet<String> {
    table.routes.iter().filter_map(|r| regional(r.address_prefix.known()?)).collect()
}

fn regional(word: &AddressWord) -> Option<String> {
    match &word.means {
        AddressMeaning::Tag(name) if name.contains('.') => Some(name.to_string()),
        _ => None,
    }
}
