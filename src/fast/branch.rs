//! What-if as a branch: one rule or one route another way, and only the flows it can touch decided again.
//!
//! [`Standing`] holds a network, its tables and flows with their answers, and for each table which flows asked it and
//! which rule or address they asked it with (`postings`). A [`Branch`] adds the lines of the tables that change
//! behind the others, writes over the few rows that name them, and keeps what stood there: dropped, it puts everything
//! back. A flow is decided again only if it asked a table that changed **and** its packet lies in what changed: below
//! the first place that moved and in the rule's addresses, ports and protocol; or in the route's prefix. What cannot be
//! told cheaply (service tags, application security groups, a header that was translated on the way) counts as inside,
//! so the answers are those of compiling everything anew; the tests hold a branch against that.
//!
//! Flows that the full engine answers are bound to what it read for them ([`crate::network::Watch`]): rules with the
//! header it asked them with, routes with the address; and so are look-ups of names. Flows by name are bound to the way
//! to their DNS servers, too.
//!
//! Cost of a rule: its set compiled again (some 20 us for 50 rules), and a look at every posting of the set; of a
//! route: the intervals of its table, of which only those of its prefix are decided again, and the postings of the
//! table. A table is compiled again as a whole only where it holds service tags, routes that beat BGP or two of one
//! prefix.

mod index;
mod moves;
mod postings;
mod region;

use super::compile::{Crew, RoutePatch};
use super::flow::{Decider, FlowIds, Start, Verdict};
use super::lines::Line;
use super::tables::{Fast, SubnetRow};
use super::trail::Trails;
use super::{Aside, Asker, Parts, question_to_server};
use crate::inventory::{Id, Nsg, Route, RouteTable, SecurityRule, Subnet};
use crate::network::{EffectiveRoute, Network, RouteEdit, RuleEdit, Watch};
use crate::trace::Decision;
use hashbrown::HashMap;
use index::{Index, Keys};
use moves::Moves;
use postings::{Posting, Postings};
use region::{Prefixes, Region};
use std::fmt;
use std::sync::Arc;

/// Lines kept free for branches.
const ROOM: usize = 1 << 16;

/// Flows decided at once.
const AT_ONCE: usize = 4_096;

/// A network with flows that were decided once.
#[derive(Debug)]
pub struct Standing {
    net: Network,
    fast: Fast,
    crew: Crew,
    /// Absent only while it is asked.
    parts: Option<Parts>,
    flows: Vec<FlowIds>,
    verdicts: Vec<Verdict>,
    /// Answers of the full engine, in words.
    said: HashMap<u32, Decision, foldhash::fast::FixedState>,
    postings: Postings,
    by_table: Vec<Vec<Id<Subnet>>>,
    by_group: Vec<Vec<Id<Subnet>>>,
    index: Index,
}

/// A flow whose answer is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The flow, by its place among those standing.
    pub flow: u32,
    /// The answer before.
    pub before: Decision,
    /// The answer now.
    pub after: Decision,
}

/// What deciding again found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// Flows that asked what changed, or may have.
    pub candidates: usize,
    /// Those decided again.
    pub decided: usize,
    /// Those whose answer is another one, in order.
    pub changed: Vec<Changed>,
}

impl Standing {
    /// Decides flows, which `read` makes, and remembers what each asked.
    pub fn new(net: Network, mut fast: Fast, read: impl FnOnce(&mut Asker<'_>) -> Vec<FlowIds>) -> Self {
        fast.lines.reserve(ROOM);
        super::cpu::huge(fast.lines.as_slice());
        let crew = Crew::new(&net, &fast);
        let (by_table, by_group) = (net.subnets_by_table(), subnets_by_group(&net));
        let mut net = net;
        net.watch = Some(Watch::default());
        let mut asker = Asker::new(&net, &fast);
        let flows = read(&mut asker);
        let (mut verdicts, mut said) = (Vec::with_capacity(flows.len()), HashMap::default());
        let mut postings = postings::Writer::new(&net, flows.len());
        let (mut trails, mut answers) = (Trails::default(), vec![Verdict::PENDING; AT_ONCE]);
        for some in flows.chunks(AT_ONCE) {
            let answers = &mut answers[..some.len()];
            asker.trace_only(some, answers, &mut trails);
            for (n, (ids, verdict)) in some.iter().zip(answers.iter_mut()).enumerate() {
                let flow = verdicts.len() as u32;
                if verdict.deferred {
                    net.watch.iter().for_each(|watch| drop(watch.take()));
                    let one = asker.one_in_full(ids);
                    said.insert(flow, asker.decision(&one));
                    *verdict = Verdict { decider: Decider::Nobody, ..one };
                    let read = net.watch.as_ref().map(Watch::take).unwrap_or_default();
                    postings.in_full(flow, &read);
                } else {
                    postings.walked(flow, trails.of(n));
                }
                if !verdict.deferred && ids.server != 0 && !asker.asks_servers(ids) {
                    postings.named(flow);
                }
                verdicts.push(*verdict);
            }
            let first = verdicts.len() - some.len();
            let asks = |n: &usize| !verdicts[first + n].deferred && asker.asks_servers(&some[*n]);
            let named: Vec<usize> = (0..some.len()).filter(asks).collect();
            let ids: Vec<FlowIds> = named.iter().map(|n| some[*n]).collect();
            let mut said = vec![Verdict::PENDING; ids.len()];
            asker.questions(&ids, &mut said, &mut trails);
            for (n, (place, said)) in named.into_iter().zip(&said).enumerate() {
                let flow = (first + place) as u32;
                match asker.name_read_from(&ids[n]) {
                    Some(read) if !said.deferred => postings.asked(flow, trails.of(n), read),
                    _ => postings.always(flow),
                }
            }
        }
        let (parts, postings) = (asker.into_parts(), postings.done());
        net.watch = None;
        let parts = Some(parts);
        let index = Index::new(&net, &by_table);
        Self { net, fast, crew, parts, flows, verdicts, said, postings, by_table, by_group, index }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.net
    }

    /// The compiled tables.
    pub fn tables(&self) -> &Fast {
        &self.fast
    }

    /// How many flows stand.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Bytes of what is remembered of the flows and of routes, beside the numbers and answers of flows.
    pub fn remembered(&self) -> usize {
        self.postings.bytes() + self.index.bytes()
    }

    /// The answer to a flow.
    pub fn decision(&self, flow: usize) -> Decision {
        match self.said.get(&(flow as u32)) {
            Some(said) => said.clone(),
            None => self.words(&self.verdicts[flow]),
        }
    }

    /// A verdict in words.
    fn words(&self, verdict: &Verdict) -> Decision {
        let parts = self.parts.as_ref().expect("INVARIANT: the parts are back whenever a world was asked");
        parts.decision(&self.net, &self.fast, verdict)
    }

    /// The address a flow is sent from.
    fn source_of(&self, ids: &FlowIds) -> u32 {
        match ids.start {
            Start::Slot(own) => self.fast.slot(own).ip,
            Start::Subnet(_, ip) | Start::Internet(ip) => ip,
            Start::Other => 0,
        }
    }

    /// A branch in which nothing has changed so far.
    pub fn branch(&mut self) -> Branch<'_> {
        let (lines, platform) = (self.fast.lines.len(), self.fast.platform_rules);
        Branch {
            standing: self,
            undo: Vec::new(),
            lines,
            platform,
            touched: Vec::new(),
            numbers: HashMap::default(),
            now: HashMap::default(),
            gone: HashMap::default(),
            aside: Aside::default(),
        }
    }
}

/// The subnets in which each group acts, on the subnet or on an interface.
fn subnets_by_group(net: &Network) -> Vec<Vec<Id<Subnet>>> {
    let mut out = vec![Vec::new(); net.inventory.nsgs.len()];
    for (number, row) in net.subnets.iter().enumerate() {
        if let Some(nsg) = row.nsg.row() {
            out[nsg.index()].push(Id::new(number));
        }
    }
    for row in &net.attachments {
        if let Some(nsg) = row.nsg.row() {
            out[nsg.index()].push(row.subnet);
        }
    }
    for list in &mut out {
        list.sort_unstable();
        list.dedup();
    }
    out
}

/// What takes a change back.
enum Undo {
    Rule(RuleEdit),
    Route(RouteEdit),
    Heads(u32, [u32; 2]),
    Line(u32, Line),
}

/// What changed, as far as flows can tell.
enum Touched {
    /// A rule of a group: the set, the first place that moved, and what its rules take in.
    Rule { nsg: u32, inbound: bool, from: u32, region: Region },
    /// A route of a table.
    Route { table: u32, prefixes: Prefixes },
    /// The `VirtualNetwork` tag of a subnet, for these addresses.
    Tag { subnet: u32, prefixes: Prefixes },
    /// What DNS servers are reached by.
    Names,
}

/// A set or table that changed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum List {
    Rules(u32, bool),
    Routes(u32),
}

/// The standing flows in another world. Dropped, it is as if nothing had been.
pub struct Branch<'s> {
    standing: &'s mut Standing,
    undo: Vec<Undo>,
    lines: usize,
    platform: bool,
    touched: Vec<Touched>,
    numbers: HashMap<List, Moves, foldhash::fast::FixedState>,
    now: HashMap<u32, Decision, foldhash::fast::FixedState>,
    /// Names of rules and routes that are there no longer.
    gone: HashMap<(List, u32), Arc<str>, foldhash::fast::FixedState>,
    aside: Aside,
}

impl fmt::Debug for Branch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a branch with {} changes", self.touched.len())
    }
}

impl Branch<'_> {
    /// The network as it would be. Its inventory is what was read.
    pub fn network(&self) -> &Network {
        &self.standing.net
    }

    /// Puts a rule into a group, in place of the one of its name.
    pub fn put_rule(&mut self, nsg: Id<Nsg>, rule: &SecurityRule) {
        self.rule(nsg, &rule.name.clone(), Some(rule));
    }

    /// Takes a rule out of a group.
    pub fn remove_rule(&mut self, nsg: Id<Nsg>, name: &str) {
        self.rule(nsg, name, None);
    }

    /// Puts a route into a table, in place of the one of its name.
    pub fn put_route(&mut self, table: Id<RouteTable>, route: &Route) {
        self.route(table, &route.name.clone(), Some(route));
    }

    /// Takes a route out of a table.
    pub fn remove_route(&mut self, table: Id<RouteTable>, name: &str) {
        self.route(table, name, None);
    }

    /// Makes a group what it is in another reading of the estate; `false` where more than its rules is another.
    pub fn become_group(&mut self, nsg: Id<Nsg>, new: &Nsg) -> bool {
        let old = self.standing.net.inventory.nsgs[nsg].clone();
        if old.security_rules.unknown != new.security_rules.unknown || old.origin != new.origin {
            return false;
        }
        let named = |list: &[SecurityRule], name: &str| {
            list.iter().filter(|r| r.name.eq_ignore_ascii_case(name)).count()
        };
        let (before, after) = (&old.security_rules.items, &new.security_rules.items);
        if before.iter().any(|r| named(before, &r.name) > 1)
            || after.iter().any(|r| named(after, &r.name) > 1)
        {
            return false;
        }
        for rule in before.iter().filter(|r| named(after, &r.name) == 0) {
            self.remove_rule(nsg, &rule.name);
        }
        for rule in after.iter().filter(|r| !before.iter().any(|b| **b == ***r)) {
            self.put_rule(nsg, rule);
        }
        true
    }

    /// Makes a route table what it is in another reading; `false` where more than its routes is another.
    pub fn become_table(&mut self, table: Id<RouteTable>, new: &RouteTable) -> bool {
        let old = self.standing.net.inventory.route_tables[table].clone();
        let rest = |t: &RouteTable| {
            (
                t.routes.unknown.clone(),
                t.disable_bgp_route_propagation.clone(),
                t.disable_peering_route.clone(),
            )
        };
        let named =
            |list: &[Route], name: &str| list.iter().filter(|r| r.name.eq_ignore_ascii_case(name)).count();
        let (before, after) = (&old.routes.items, &new.routes.items);
        let twice = |list: &[Route]| list.iter().any(|r| named(list, &r.name) > 1);
        if rest(&old) != rest(new) || twice(before) || twice(after) {
            return false;
        }
        for route in before.iter().filter(|r| named(after, &r.name) == 0) {
            self.remove_route(table, &route.name);
        }
        for route in after.iter().filter(|r| !before.iter().any(|b| **b == ***r)) {
            self.put_route(table, route);
        }
        true
    }

    fn rule(&mut self, nsg: Id<Nsg>, name: &str, rule: Option<&SecurityRule>) {
        let standing = &mut *self.standing;
        let edits = standing.net.edit_rule(nsg, name, rule);
        let mut heads = standing.fast.groups[nsg.index()];
        let before = heads;
        for edit in edits {
            let list = List::Rules(nsg.raw(), edit.inbound);
            let sets =
                if edit.inbound { &standing.net.security.inbound } else { &standing.net.security.outbound };
            let set = &sets[nsg.index()];
            heads[usize::from(!edit.inbound)] = standing.crew.rules(&standing.net, &mut standing.fast, set);
            let old = edit.before.as_ref().map(|(at, _)| *at as u32);
            let new = edit.after.map(|at| at as u32);
            let known = self.numbers.contains_key(&list);
            let rules = edit.before.iter().map(|(_, r)| r).chain(edit.after.map(|at| &set.rules[at]));
            let region = Region::of(rules);
            // After a second change the numbers that flows remember are no longer those of the set.
            let from = if known { 0 } else { old.unwrap_or(u32::MAX).min(new.unwrap_or(u32::MAX)) };
            let gone = self.numbers.entry(list).or_default().follow(old, new);
            if let (Some(place), Some((_, rule))) = (gone, &edit.before) {
                self.gone.insert((list, place), rule.name.clone());
            }
            self.touched.push(Touched::Rule { nsg: nsg.raw(), inbound: edit.inbound, from, region });
            self.undo.push(Undo::Rule(edit));
        }
        if heads == before {
            return;
        }
        self.undo.push(Undo::Heads(nsg.raw(), before));
        standing.fast.groups[nsg.index()] = heads;
        if standing.fast.platform_rules && !self.platform {
            self.touched.push(Touched::Names);
        }
        for n in 0..standing.by_group[nsg.index()].len() {
            let subnet = self.standing.by_group[nsg.index()][n];
            let mut row = self.standing.fast.subnet(subnet.raw());
            if row.nsg == nsg.raw() + 1 {
                row.rules = heads;
                self.write_subnet(subnet, &row);
            }
        }
    }

    fn route(&mut self, table: Id<RouteTable>, name: &str, route: Option<&Route>) {
        let standing = &mut *self.standing;
        let subnets = &standing.by_table[table.index()];
        let user = subnets.first().and_then(|s| standing.net.subnet(*s).routes.user.as_deref());
        let keys = standing.index.of(table);
        let at = user.and_then(|user| keys.named(name, &user.routes));
        let new = route.map(|route| standing.net.compiled_route(table, route));
        let patch = user.and_then(|user| patch(keys, &user.routes, at, new.as_ref()));
        let covered = |net: &_| index::is_covered(keys, at, net);
        let Some(edit) = standing.net.edit_route(table, subnets, at, new, covered) else { return };
        let tags: Vec<Id<Subnet>> = edit.tags.iter().map(|t| t.subnet).collect();
        let rows = standing.crew.table(&standing.net, &mut standing.fast, subnets, &tags, patch);
        let user = subnets.first().and_then(|s| standing.net.subnet(*s).routes.user.as_deref());
        let now = edit.after.and_then(|at| user?.routes.get(at));
        standing.index.follow(table, at, now);
        let both = edit.before.iter().map(|(_, r)| r).chain(now);
        let prefixes = Prefixes::of(&standing.net, both);
        let old = edit.before.as_ref().map(|(at, _)| *at as u32);
        let list = List::Routes(table.raw());
        let gone = self.numbers.entry(list).or_default().follow(old, edit.after.map(|at| at as u32));
        if let (Some(place), Some(name)) = (gone, edit.before.as_ref().and_then(|(_, r)| r.name.clone())) {
            self.gone.insert((list, place), name);
        }
        for subnet in &tags {
            self.touched.push(Touched::Tag { subnet: subnet.raw(), prefixes: prefixes.clone() });
        }
        self.touched.push(Touched::Route { table: table.raw(), prefixes });
        self.undo.push(Undo::Route(edit));
        for (subnet, row) in rows.subnets {
            self.write_subnet(subnet, &row);
        }
        for (vnet, row) in rows.vnets {
            self.write(self.standing.fast.vnets + vnet.raw(), Line(row.words()));
        }
    }

    /// Writes the row of a subnet over.
    fn write_subnet(&mut self, subnet: Id<Subnet>, row: &SubnetRow) {
        let first = self.standing.fast.subnet_line(subnet.raw());
        for (line, words) in (first..).zip(row.lines()) {
            self.write(line, words);
        }
    }

    /// Writes a line over, and keeps what stood there.
    fn write(&mut self, line: u32, words: Line) {
        let line_of = self.standing.fast.lines.line_mut(line);
        let before = std::mem::replace(line_of, words);
        self.undo.push(Undo::Line(line, before));
    }

    /// Decides again what the changes so far can touch.
    pub fn again(&mut self) -> Again {
        let (walked, in_full) = self.candidates();
        let subnets = self.subnets();
        let standing = &mut *self.standing;
        let mut out = Again { candidates: walked.len() + in_full.len(), ..Again::default() };
        let mut parts = standing.parts.take().unwrap_or_default();
        parts.set_aside(&subnets, &mut self.aside);
        let mut asker = parts.on(&standing.net, &standing.fast);
        let mut ids: Vec<FlowIds> = walked.iter().map(|flow| standing.flows[*flow as usize]).collect();
        ids.extend(in_full.iter().map(|flow| asker.again(&standing.flows[*flow as usize])));
        let flows: Vec<u32> = walked.into_iter().chain(in_full).collect();
        let mut verdicts = vec![Verdict::PENDING; ids.len()];
        for ((flows, ids), verdicts) in
            flows.chunks(AT_ONCE).zip(ids.chunks(AT_ONCE)).zip(verdicts.chunks_mut(AT_ONCE))
        {
            asker.decide(ids, verdicts);
            for (flow, verdict) in flows.iter().zip(&*verdicts) {
                let number = *flow as usize;
                let old = renumbered(&self.numbers, &standing.net, &standing.verdicts[number]);
                let said = standing.said.get(flow);
                let same = said.is_none() && !verdict.deferred && old.as_ref() == Some(verdict);
                match same {
                    false => self.now.insert(*flow, asker.decision(verdict)),
                    // Another way for a while, and back again.
                    true => self.now.remove(flow),
                };
            }
        }
        standing.parts = Some(asker.into_parts());
        out.decided = ids.len();
        out.changed = self.differences();
        out
    }

    /// Answers that are others now, the old ones in the words of the world before.
    fn differences(&mut self) -> Vec<Changed> {
        let mut flows: Vec<u32> = self.now.keys().copied().collect();
        flows.sort_unstable();
        let mut out = Vec::new();
        for flow in flows {
            let (before, after) = (self.before(flow), self.now[&flow].clone());
            if before != after {
                out.push(Changed { flow, before, after });
            }
        }
        out
    }

    /// The answer before, in words: a rule that is gone still has its name in what takes the change back.
    fn before(&self, flow: u32) -> Decision {
        let standing = &*self.standing;
        if let Some(said) = standing.said.get(&flow) {
            return said.clone();
        }
        let verdict = &standing.verdicts[flow as usize];
        if let Some(verdict) = renumbered(&self.numbers, &standing.net, verdict) {
            return standing.words(&verdict);
        }
        let Verdict { outcome, disposition, cause, decider, .. } = *verdict;
        Decision { outcome, disposition, cause, decider: self.gone(decider) }
    }

    /// The name of a rule or route that is there no longer.
    fn gone(&self, decider: Decider) -> Option<String> {
        let net = &self.standing.net;
        let first = |list: List, number: u32| self.gone.get(&(list, number));
        match decider {
            Decider::Group { nsg, inbound, rule } => {
                let name = first(List::Rules(nsg, inbound), u32::from(rule))?;
                let id = &net.inventory.nsgs.as_slice()[nsg as usize].id;
                Some(format!("{}/{name}", id.full_name()))
            }
            Decider::Route { subnet, route } => {
                let table = net.subnets[subnet as usize].route_table.row()?;
                let name = first(List::Routes(table.raw()), u32::from(route))?;
                Some(format!("{}/{name}", net.inventory.route_tables[table].id.full_name()))
            }
            _ => None,
        }
    }

    /// The answer to a flow in this world, once [`Branch::again`] was asked.
    pub fn decision(&self, flow: usize) -> Decision {
        match self.now.get(&(flow as u32)) {
            Some(now) => now.clone(),
            None => self.before(flow as u32),
        }
    }

    /// The subnets in which something changed.
    fn subnets(&self) -> Vec<u32> {
        let standing = &*self.standing;
        let mut out = Vec::new();
        for touched in &self.touched {
            match touched {
                Touched::Rule { nsg, .. } => {
                    out.extend(standing.by_group[*nsg as usize].iter().map(|s| s.raw()))
                }
                Touched::Route { table, .. } => {
                    out.extend(standing.by_table[*table as usize].iter().map(|s| s.raw()))
                }
                Touched::Tag { subnet, .. } => out.push(*subnet),
                Touched::Names => {}
            }
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Flows that may be touched: those to be walked, and those to be understood anew, in order.
    fn candidates(&self) -> (Vec<u32>, Vec<u32>) {
        let standing = &*self.standing;
        let (postings, flows) = (&standing.postings, &standing.flows);
        let (mut walked, mut in_full) = (Vec::new(), Vec::new());
        for touched in &self.touched {
            match touched {
                Touched::Rule { nsg, inbound, from, region } => {
                    let below = |p: &&Posting| p.detail >= *from;
                    let asked = postings.walked.of_rules(*nsg, *inbound).iter().filter(below);
                    let inside = asked
                        .filter(|p| p.is_translated() || region.holds(&flows[p.flow() as usize], standing));
                    walked.extend(inside.map(|p| p.flow()));
                    let named = postings.questions.of_rules(*nsg, *inbound).iter().filter(below);
                    let inside = named.filter(|p| {
                        let question = question_to_server(&flows[p.flow() as usize]);
                        p.is_translated() || region.holds(&question, standing)
                    });
                    in_full.extend(inside.map(|p| p.flow()));
                    let read = postings.of_rules(*nsg, *inbound);
                    let inside = read.filter(|(_, header)| region.holds_header(header));
                    in_full.extend(inside.map(|(flow, _)| flow));
                }
                Touched::Route { table, prefixes } => {
                    let inside = |p: &&Posting| prefixes.hold(p.detail);
                    let asked = postings.walked.of_routes(*table).iter().filter(inside);
                    walked.extend(asked.map(|p| p.flow()));
                    let named = postings.questions.of_routes(*table).iter().filter(inside);
                    in_full.extend(named.map(|p| p.flow()));
                    for subnet in &standing.by_table[*table as usize] {
                        let read = postings.of_routes(subnet.raw()).iter().filter(inside);
                        in_full.extend(read.map(|p| p.flow()));
                        in_full.extend(postings.of_whole(subnet.raw()));
                    }
                }
                Touched::Tag { subnet, prefixes } => {
                    let inside = |p: &&Posting| {
                        let ids = &flows[p.flow() as usize];
                        p.is_translated()
                            || prefixes.hold(standing.source_of(ids))
                            || prefixes.hold(ids.destination)
                    };
                    walked.extend(postings.walked.of_places(*subnet).iter().filter(inside).map(|p| p.flow()));
                    in_full.extend(postings.questions.of_places(*subnet).iter().map(|p| p.flow()));
                    in_full.extend(postings.of_tag(*subnet));
                    in_full.extend(postings.of_whole(*subnet));
                }
                Touched::Names => in_full.extend_from_slice(&postings.named),
            }
        }
        if !self.touched.is_empty() {
            in_full.extend_from_slice(&postings.always);
        }
        for list in [&mut walked, &mut in_full] {
            list.sort_unstable();
            list.dedup();
        }
        walked.retain(|flow| in_full.binary_search(flow).is_err());
        (walked, in_full)
    }
}

/// A verdict with its rule or route where it stands now; `None` where that is gone.
fn renumbered(
    numbers: &HashMap<List, Moves, foldhash::fast::FixedState>,
    net: &Network,
    verdict: &Verdict,
) -> Option<Verdict> {
    let place = |list: List, number: u16| match numbers.get(&list) {
        None => Some(number),
        Some(moves) => moves.now(number.into()).map(|n| n as u16),
    };
    let decider = match verdict.decider {
        Decider::Group { nsg, inbound, rule } => {
            Decider::Group { nsg, inbound, rule: place(List::Rules(nsg, inbound), rule)? }
        }
        Decider::Route { subnet, route } => match net.subnets[subnet as usize].route_table.row() {
            Some(table) => Decider::Route { subnet, route: place(List::Routes(table.raw()), route)? },
            None => verdict.decider,
        },
        other => other,
    };
    Some(Verdict { decider, ..*verdict })
}

/// What a route that leaves a table, or comes into it, makes of its intervals; `None` where only all routes together tell.
fn patch(
    keys: Keys<'_>,
    routes: &[EffectiveRoute],
    at: Option<usize>,
    new: Option<&EffectiveRoute>,
) -> Option<RoutePatch> {
    let (plain, default) = keys.plain(at);
    let prefix = |route: Option<&EffectiveRoute>| route.map_or(Ok(None), index::simple);
    let gone = prefix(at.and_then(|at| routes.get(at))).ok()?;
    let come = prefix(new).ok()?;
    let gone = gone.map(|prefix| (prefix, keys.around(prefix, at)));
    let shared = |around: index::Around| around.same;
    if !plain
        || gone.is_some_and(|(_, around)| shared(around))
        || come.is_some_and(|prefix| shared(keys.around(prefix, at)))
    {
        return None;
    }
    Some(RoutePatch {
        gone: gone.map(|(prefix, around)| (prefix, around.nearest)),
        come: come.map(|prefix| (prefix, at.unwrap_or(routes.len()))),
        default: default || come.is_some_and(|prefix| prefix.length == 0),
    })
}

impl Drop for Branch<'_> {
    fn drop(&mut self) {
        let standing = &mut *self.standing;
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Rule(edit) => standing.net.undo_rule(edit),
                Undo::Route(edit) => {
                    let subnets = &standing.by_table[edit.table.index()];
                    standing.net.undo_route(edit, subnets);
                }
                Undo::Heads(nsg, heads) => standing.fast.groups[nsg as usize] = heads,
                Undo::Line(at, line) => *standing.fast.lines.line_mut(at) = line,
            }
        }
        standing.index.forget();
        standing.fast.lines.truncate(self.lines);
        standing.fast.platform_rules = self.platform;
        if let Some(parts) = &mut standing.parts {
            parts.put_back(std::mem::take(&mut self.aside));
        }
    }
}
