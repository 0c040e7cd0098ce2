//! From words to numbers and back: the front of the batch.
//!
//! An [`Asker`] reads the ends of flows with the full engine's own eyes, once for each text, and keeps the
//! numbers. [`Asker::decide`] walks a batch, and gives to the full engine what the walk left to it.

mod known;

pub use known::Known;

use super::compile::user_prefixes;
use super::cpu;
use super::flow::{Aim, Decider, FlowIds, Start, Verdict};
use super::names::{Found, Names};
use super::tables::{Fast, NOBODY, slot};
use super::trail::{By, Note, Trails};
use super::walk::{Batch, ChosenRoute, HOST, Scratch};
use crate::inventory::{Id, Slot, Subnet};
use crate::net::{IpAddr, IpNet, Protocol};
use crate::network::{AttachmentId, AttachmentKind, Choice, Network, Read, Watch};
use crate::trace::{
    Decision, EPHEMERAL_PORT, Endpoint, Flow, INTERNET_CLIENT, INTERNET_HOST, Misunderstood, NameFound,
    Origin, Outcome, Question, Target, Wanted, decide_question, resolve_name, understand_origin,
    understand_wanted,
};
use hashbrown::HashMap;
use std::sync::Arc;

/// Ends of flows that are kept at most, by text.
const MOST_KEPT: usize = 1 << 21;

/// Questions to DNS servers whose answers are kept: the same sender asks the same server for every name.
const KEPT_QUESTIONS: usize = 1 << 16;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// An identity, what it wants, and the path it asks for.
type Caller = (Option<Arc<str>>, Option<Arc<str>>, Option<Arc<str>>, Option<crate::trace::Scheme>);

/// How many flows were answered, and how many of them by the full engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All flows.
    pub flows: u64,
    /// Those the full engine answered.
    pub deferred: u64,
}

/// An end of a flow that is known by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// Something with an address in a network.
    Attachment(AttachmentId),
    /// A public client, or a public host.
    Internet,
}

/// Reads flows for one network and answers them in batches. Each thread has its own.
#[derive(Debug)]
pub struct Asker<'n> {
    net: &'n Network,
    fast: &'n Fast,
    parts: Parts,
}

/// What an asker keeps, apart from the network it asks: for the same rows in another world.
#[derive(Debug, Default)]
pub(super) struct Parts {
    names: Names,
    /// Senders, where they start, and whether somebody named them by something else than their address.
    origins: Vec<(Origin, Start, bool)>,
    /// What is meant, with address and aim, and whether it was named by something else than its address.
    wanteds: Vec<(Wanted, u32, Aim, bool)>,
    origin_numbers: Map<Endpoint, u32>,
    wanted_numbers: Map<Endpoint, u32>,
    /// Numbers of senders and receivers that are known by number.
    from_numbers: Map<End, u32>,
    end_numbers: Map<End, u32>,
    callers: Vec<Caller>,
    caller_numbers: Map<Caller, u32>,
    /// Whether a sender reaches a DNS server, for those asked last.
    reached: Vec<Option<(Start, u32, bool)>>,
    scratch: Scratch,
    counts: Counts,
}

/// What was found out about names and their servers in the world a branch left.
#[derive(Debug, Default)]
pub(super) struct Aside {
    found: Vec<((u32, u32), Found)>,
    reached: Vec<Option<(Start, u32, bool)>>,
}

/// The same, of few flows.
const FEW_QUESTIONS: usize = 1 << 6;

impl Parts {
    /// An asker of a network whose rows are the same.
    pub(super) fn on<'n>(self, net: &'n Network, fast: &'n Fast) -> Asker<'n> {
        Asker { net, fast, parts: self }
    }

    /// Forgets the ends of flows; the numbers of them mean nothing afterwards.
    fn forget_ends(&mut self) {
        self.origins.clear();
        self.wanteds.clear();
        self.origin_numbers.clear();
        self.wanted_numbers.clear();
        self.from_numbers.clear();
        self.end_numbers.clear();
    }

    /// Forgets for a while what depends on the rules and routes of subnets.
    pub(super) fn set_aside(&mut self, subnets: &[u32], aside: &mut Aside) {
        aside.found.extend(self.names.set_aside(subnets));
        let reached = std::mem::replace(&mut self.reached, vec![None; FEW_QUESTIONS]);
        if aside.reached.is_empty() {
            aside.reached = reached;
        }
    }

    /// Takes it up again.
    pub(super) fn put_back(&mut self, aside: Aside) {
        self.names.put_back(aside.found);
        self.reached = aside.reached;
    }

    /// Walks flows; which route of a table held is still to be found ([`Scratch::chosen`]).
    fn walk(
        &mut self,
        fast: &Fast,
        flows: &[FlowIds],
        only: Option<&[u32]>,
        verdicts: &mut [Verdict],
        trail: Option<&mut Trails>,
    ) {
        let Self { names, scratch, .. } = self;
        cpu::with_best(Batch { fast, names, flows, only, verdicts, scratch, trail });
    }

    /// A name resolves only for who reaches the DNS server: each such question is a flow of its own (DNS-2).
    fn servers(&mut self, fast: &Fast, flows: &[FlowIds], verdicts: &mut [Verdict]) {
        let platform = fast.platform_rules;
        let asks = |ids: &FlowIds| ids.server != 0 && (ids.server != HOST || platform);
        let mut questions = std::mem::take(&mut self.scratch.questions);
        let mut askers = std::mem::take(&mut self.scratch.askers);
        let mut said = std::mem::take(&mut self.scratch.said);
        questions.clear();
        askers.clear();
        for (number, ids) in flows.iter().enumerate() {
            if !asks(ids) || verdicts[number].deferred {
                continue;
            }
            match self.reached.get(place_of(ids, self.reached.len())).copied().flatten() {
                Some((start, server, reached)) if (start, server) == (ids.start, ids.server) => {
                    if !reached {
                        verdicts[number] = Verdict::PENDING;
                    }
                }
                _ => {
                    askers.push(number as u32);
                    questions.push(question_to_server(ids));
                }
            }
        }
        said.clear();
        said.resize(questions.len(), Verdict::PENDING);
        if !questions.is_empty() {
            if self.reached.is_empty() {
                self.reached.resize(KEPT_QUESTIONS, None);
            }
            self.walk(fast, &questions, None, &mut said, None);
            self.scratch.wanted.clear();
        }
        for (number, said) in askers.iter().zip(&said) {
            let ids = &flows[*number as usize];
            let reached = !said.deferred && matches!(said.outcome, Outcome::Allowed | Outcome::Mixed);
            if !reached {
                verdicts[*number as usize] = Verdict::PENDING;
            }
            if !said.deferred {
                let place = place_of(ids, self.reached.len());
                self.reached[place] = Some((ids.start, ids.server, reached));
            }
        }
        (self.scratch.questions, self.scratch.askers, self.scratch.said) = (questions, askers, said);
    }

    /// A verdict in words.
    pub(super) fn decision(&self, net: &Network, fast: &Fast, verdict: &Verdict) -> Decision {
        let &Verdict { outcome, disposition, cause, decider, .. } = verdict;
        let decider = words(net, fast, &self.names, &self.scratch.texts, decider);
        Decision { outcome, disposition, cause, decider }
    }
}

impl<'n> Asker<'n> {
    /// An asker for a network and its compiled form.
    pub fn new(net: &'n Network, fast: &'n Fast) -> Self {
        Parts::default().on(net, fast)
    }

    /// Lets go of the network.
    pub(super) fn into_parts(self) -> Parts {
        self.parts
    }

    /// The network it asks.
    pub fn network(&self) -> &'n Network {
        self.net
    }

    /// The compiled form.
    pub(super) fn tables(&self) -> &'n Fast {
        self.fast
    }

    /// Where a sender starts.
    pub(super) fn start_of(&mut self, endpoint: &Endpoint) -> Option<Start> {
        let start = self.origin(endpoint).ok().map(|(_, start)| start);
        self.parts.forget_ends();
        start
    }

    /// What is meant by a receiver, with address and aim.
    pub(super) fn meaning_of(&mut self, endpoint: &Endpoint) -> Option<(Wanted, u32, Aim)> {
        let (number, ip, aim) = self.wanted(endpoint).ok()?;
        let wanted = self.parts.wanteds.get(number as usize).map(|(wanted, ..)| wanted.clone());
        self.parts.forget_ends();
        Some((wanted?, ip, aim))
    }

    /// A text kept with the names.
    pub(super) fn kept(&self, number: u32) -> Option<Arc<str>> {
        self.parts.names.texts.get(number as usize).cloned().flatten()
    }

    /// Slots that are something else to the internet than inside: their public address, or that the engine must say.
    pub(super) fn outside(&mut self) -> Vec<(u32, Option<u32>)> {
        let used = self.fast.slot_of.iter().copied().filter(|own| *own != NOBODY);
        let mut out: Vec<(u32, Option<u32>)> = used
            .filter_map(|own| {
                let ip = self.fast.spot(own).ip;
                let mut ids = FlowIds { aim: Aim::Slot(own), destination: ip, ..FlowIds::NOTHING };
                self.seen_from_outside(&mut ids, own);
                let seen = (ids.aim == Aim::Slot(own)).then_some(ids.destination);
                (seen != Some(ip)).then_some((own, seen))
            })
            .collect();
        out.sort_unstable();
        out.dedup();
        out
    }

    /// How many flows it answered.
    pub fn counts(&self) -> Counts {
        self.parts.counts
    }

    /// Reads a flow.
    pub fn read(&mut self, flow: &Flow) -> Result<FlowIds, Misunderstood> {
        let (origin, start) = self.origin(&flow.from)?;
        let (wanted, destination, aim) = self.wanted(&flow.to)?;
        let caller = self.caller(flow);
        let mut ids = FlowIds {
            start,
            aim,
            destination,
            port: if flow.protocol.has_ports() { flow.port } else { 0 },
            source_port: flow.source_port.unwrap_or(EPHEMERAL_PORT),
            protocol: flow.protocol as u8,
            name: NOBODY,
            shadow: NOBODY,
            server: 0,
            origin,
            wanted,
            caller,
        };
        let name = match self.parts.wanteds.get(wanted as usize) {
            Some((Wanted::Name(name), ..)) => Some(name.clone()),
            _ => None,
        };
        if let Some(name) = name {
            self.resolve(&mut ids, &name);
        } else if let (Start::Internet(_), Aim::Slot(own)) = (start, aim) {
            self.seen_from_outside(&mut ids, own);
        }
        Ok(ids)
    }

    /// The flow between two ends.
    pub fn between(&mut self, from: End, to: End, protocol: Protocol, port: u16) -> FlowIds {
        let (origin, start) = self.from_end(from);
        let wanted = self.to_end(to);
        let (_, destination, aim, _) = self.parts.wanteds[wanted as usize];
        let mut ids = FlowIds {
            start,
            aim,
            destination,
            port: if protocol.has_ports() { port } else { 0 },
            source_port: EPHEMERAL_PORT,
            protocol: protocol as u8,
            name: NOBODY,
            shadow: NOBODY,
            server: 0,
            origin,
            wanted,
            caller: NOBODY,
        };
        if let (Start::Internet(_), Aim::Slot(own)) = (start, aim) {
            self.seen_from_outside(&mut ids, own);
        }
        ids
    }

    fn from_end(&mut self, end: End) -> (u32, Start) {
        if let Some(number) = self.parts.from_numbers.get(&end) {
            return (*number, self.parts.origins[*number as usize].1);
        }
        let (origin, start) = match end {
            End::Attachment(id) => (Origin::Attachment(id), self.start_at(id)),
            End::Internet => match INTERNET_CLIENT {
                IpAddr::V4(ip) => (Origin::Internet(INTERNET_CLIENT), Start::Internet(ip.into())),
                IpAddr::V6(_) => unreachable!("INVARIANT: the example address of a client is IPv4"),
            },
        };
        let start = if self.net.inventory.is_withheld() { Start::Other } else { start };
        let number = self.parts.origins.len() as u32;
        self.parts.origins.push((origin, start, true));
        self.parts.from_numbers.insert(end, number);
        (number, start)
    }

    /// Where a flow of an attachment starts. Bastion opens sessions only, of which the engine knows.
    fn start_at(&self, id: AttachmentId) -> Start {
        match (self.fast.slot_of[id.index()], self.net.attachment(id).kind) {
            (NOBODY, _) | (_, AttachmentKind::Bastion(_)) => Start::Other,
            (own, _) => Start::Slot(own),
        }
    }

    fn to_end(&mut self, end: End) -> u32 {
        if let Some(number) = self.parts.end_numbers.get(&end) {
            return *number;
        }
        let wanted = match end {
            End::Internet => Wanted::Address(INTERNET_HOST, Some(Target::Internet)),
            End::Attachment(id) => {
                let row = self.net.attachment(id);
                match row.address {
                    Some(ip) => Wanted::Address(ip, Some(Target::Attachment(id))),
                    None => Wanted::Unaddressed(format!("the address of `{}` is not known", row.name)),
                }
            }
        };
        let number = self.keep_wanted(wanted, true);
        self.parts.end_numbers.insert(end, number);
        number
    }

    fn keep_wanted(&mut self, wanted: Wanted, named: bool) -> u32 {
        let (destination, aim) = match &wanted {
            Wanted::Address(IpAddr::V4(ip), target) => ((*ip).into(), self.aim(target.as_ref())),
            Wanted::Name(_) => (0, Aim::Nothing),
            _ => (0, Aim::Other),
        };
        self.parts.wanteds.push((wanted, destination, aim, named));
        self.parts.wanteds.len() as u32 - 1
    }

    /// A sender: its number where it is kept, and where it starts. Addresses are not kept, however many come.
    fn origin(&mut self, endpoint: &Endpoint) -> Result<(u32, Start), Misunderstood> {
        if let Some(number) = self.parts.origin_numbers.get(endpoint) {
            return Ok((*number, self.parts.origins[*number as usize].1));
        }
        let origin = understand_origin(self.net, endpoint)?;
        let start = match &origin {
            _ if self.net.inventory.is_withheld() => Start::Other,
            Origin::Attachment(id) => self.start_at(*id),
            Origin::Subnet(subnet, IpAddr::V4(ip)) => Start::Subnet(subnet.raw(), (*ip).into()),
            Origin::Internet(IpAddr::V4(ip)) if self.net.is_public(IpAddr::V4(*ip)) => {
                Start::Internet((*ip).into())
            }
            _ => Start::Other,
        };
        if matches!(endpoint, Endpoint::Address(_)) && start != Start::Other {
            return Ok((NOBODY, start));
        }
        let number = self.parts.origins.len() as u32;
        self.parts.origins.push((origin, start, !matches!(endpoint, Endpoint::Address(_))));
        self.parts.origin_numbers.insert(endpoint.clone(), number);
        Ok((number, start))
    }

    /// What is meant: its number where it is kept, its address and aim.
    fn wanted(&mut self, endpoint: &Endpoint) -> Result<(u32, u32, Aim), Misunderstood> {
        if let Endpoint::Address(IpAddr::V4(ip)) = endpoint {
            return Ok((NOBODY, (*ip).into(), Aim::Nothing));
        }
        if let Some(number) = self.parts.wanted_numbers.get(endpoint) {
            let (_, destination, aim, _) = self.parts.wanteds[*number as usize];
            return Ok((*number, destination, aim));
        }
        let wanted = understand_wanted(self.net, endpoint)?;
        let number = self.keep_wanted(wanted, !matches!(endpoint, Endpoint::Address(_)));
        self.parts.wanted_numbers.insert(endpoint.clone(), number);
        let (_, destination, aim, _) = self.parts.wanteds[number as usize];
        Ok((number, destination, aim))
    }

    /// The question behind numbers.
    fn question(&self, ids: &FlowIds) -> Question {
        let origin = match (self.parts.origins.get(ids.origin as usize), ids.start) {
            (Some((origin, ..)), _) => origin.clone(),
            (None, Start::Slot(own)) => Origin::Attachment(AttachmentId(self.fast.slot(own).attachment)),
            (None, Start::Subnet(subnet, ip)) => {
                Origin::Subnet(Id::new(subnet as usize), IpAddr::V4(ip.into()))
            }
            (None, Start::Internet(ip)) => Origin::Internet(IpAddr::V4(ip.into())),
            (None, Start::Other) => unreachable!("INVARIANT: such a sender is kept"),
        };
        let target = match self.parts.wanteds.get(ids.wanted as usize) {
            Some((wanted, ..)) => wanted.clone(),
            None => Wanted::Address(IpAddr::V4(ids.destination.into()), None),
        };
        Question { origin, target }
    }

    /// Forgets the ends of flows, once they are many. Numbers read before mean nothing afterwards.
    pub fn tidy(&mut self) {
        if self.parts.origins.len().max(self.parts.wanteds.len()).max(self.parts.callers.len()) > MOST_KEPT {
            let (net, fast, counts) = (self.net, self.fast, self.parts.counts);
            *self = Parts { counts, ..Parts::default() }.on(net, fast);
        }
    }

    fn caller(&mut self, flow: &Flow) -> u32 {
        if flow.identity.is_none() && flow.path.is_none() && flow.scheme.is_none() {
            return NOBODY;
        }
        let key = (flow.identity.clone(), flow.action.clone(), flow.path.clone(), flow.scheme);
        let next = self.parts.callers.len() as u32;
        let number = *self.parts.caller_numbers.entry(key.clone()).or_insert(next);
        if number == next {
            self.parts.callers.push(key);
        }
        number
    }

    fn aim(&self, target: Option<&Target>) -> Aim {
        match target {
            None => Aim::Nothing,
            Some(Target::Attachment(id)) => match self.fast.slot_of[id.index()] {
                NOBODY => Aim::Other,
                own => Aim::Slot(own),
            },
            Some(Target::Service(service, position)) => match u8::try_from(*position) {
                Ok(position) if position < 64 => Aim::Service(service.raw(), position),
                _ => Aim::Other,
            },
            Some(Target::Foreign(kind, name)) if self.net.label_otherwise(kind, name).is_some() => Aim::Other,
            Some(Target::Foreign(..)) => Aim::Foreign,
            Some(Target::WellKnown(_)) => Aim::WellKnown,
            Some(Target::Host(host)) => Aim::Host(host.raw()),
            Some(Target::PublicAddress(_) | Target::Internet | Target::Site(_)) => Aim::Public,
            Some(Target::FrontDoor(_) | Target::Unmodelled(_)) => Aim::Other,
        }
    }

    /// From the internet a machine is its public address, if it has one.
    fn seen_from_outside(&self, ids: &mut FlowIds, own: u32) {
        let attachment = &self.net.attachments[self.fast.slot(own).attachment as usize];
        if matches!(attachment.kind, AttachmentKind::Compute(_)) {
            // Its nodes may have addresses that only the full engine knows of.
            return ids.aim = Aim::Other;
        }
        let public = attachment.public_ip.row().and_then(|row| self.net.public_addresses[row.index()].0);
        match public {
            Some(IpAddr::V4(ip)) => ids.destination = ip.into(),
            Some(IpAddr::V6(_)) => ids.aim = Aim::Other,
            // The internet reaches a machine of both families at the one that has a public address.
            None if self.has_public_sibling(attachment.owner) => ids.aim = Aim::Other,
            None => {}
        }
    }

    /// Whether a resource has a public address of its own at any of its addresses.
    fn has_public_sibling(&self, owner: Slot) -> bool {
        let key = (owner.table, owner.row);
        let from = self.net.by_owner.partition_point(|(other, _)| *other < key);
        let own = self.net.by_owner[from..].iter().take_while(|(other, _)| *other == key);
        own.map(|(_, id)| self.net.attachment(*id)).any(|row| !row.public_ip.is_none())
    }

    /// Resolves the name of a flow, once for each network.
    fn resolve(&mut self, ids: &mut FlowIds, name: &Arc<str>) {
        let view = match ids.start {
            Start::Slot(own) => match self.fast.slot(own) {
                row if row.has(slot::OWN_DNS) => return ids.aim = Aim::Other,
                row => row.vnet,
            },
            Start::Internet(_) => NOBODY,
            _ => return ids.aim = Aim::Other,
        };
        ids.name = self.parts.names.number(name);
        let key = (view, ids.name);
        let found = match self.parts.names.found.get(&key) {
            Some(found) => *found,
            None => {
                let origin = self.question(ids).origin;
                self.net.watch.iter().for_each(|watch| drop(watch.take()));
                let found = self.look_up(&origin, name);
                // What this sender could not ask, another may.
                if found != Found::Doubt {
                    self.parts.names.keep_found(key, found, self.net.watch.as_ref().map(Watch::take));
                }
                found
            }
        };
        match found {
            Found::Doubt => ids.aim = Aim::Other,
            Found::Stopped(number, server) => {
                (ids.aim, ids.shadow, ids.server) = (Aim::Unresolved(number), NOBODY, server);
            }
            Found::Address { ip, aim, shadow, server } => {
                (ids.destination, ids.aim, ids.shadow, ids.server) = (ip, aim, shadow, server);
            }
        }
    }

    pub(super) fn look_up(&mut self, origin: &Origin, name: &Arc<str>) -> Found {
        let v4 = |ip: Option<IpAddr>| match ip {
            Some(IpAddr::V4(ip)) => Some(u32::from(ip)),
            Some(IpAddr::V6(_)) => None,
            None => Some(0),
        };
        match resolve_name(self.net, origin, name) {
            NameFound::Doubt => Found::Doubt,
            NameFound::Stopped(decision, server) => {
                let Some(server) = v4(server) else { return Found::Doubt };
                let Decision { outcome, disposition, cause, decider } = decision;
                let decider =
                    decider.map_or(Decider::Nobody, |text| Decider::Text(self.parts.names.keep(Some(text))));
                let verdict = Verdict { outcome, disposition, cause, deferred: false, decider };
                self.parts.names.stopped.push(verdict);
                Found::Stopped(self.parts.names.stopped.len() as u32 - 1, server)
            }
            NameFound::Address { ip, target, shadow, server } => {
                let (IpAddr::V4(ip), Some(server)) = (ip, v4(server)) else { return Found::Doubt };
                let aim = self.aim(target.as_ref());
                let shadow = shadow.map_or(NOBODY, |text| self.parts.names.keep(text));
                Found::Address { ip: ip.into(), aim, shadow, server }
            }
        }
    }

    /// Answers flows: `verdicts` gets one for each, whoever gave it.
    pub fn decide(&mut self, flows: &[FlowIds], verdicts: &mut [Verdict]) {
        let count = flows.len().min(verdicts.len());
        let (flows, verdicts) = (&flows[..count], &mut verdicts[..count]);
        self.walk_only(flows, verdicts);
        self.settle(flows, verdicts);
    }

    /// The same at full depth: `trails` gets the places and decisions of every flow that the walk answered.
    pub fn trace(&mut self, flows: &[FlowIds], verdicts: &mut [Verdict], trails: &mut Trails) {
        let count = flows.len().min(verdicts.len());
        let (flows, verdicts) = (&flows[..count], &mut verdicts[..count]);
        self.trace_only(flows, verdicts, trails);
        self.settle(flows, verdicts);
    }

    /// What the walk alone can trace; the rest stays pending.
    pub(super) fn trace_only(&mut self, flows: &[FlowIds], verdicts: &mut [Verdict], trails: &mut Trails) {
        let count = flows.len();
        trails.reset(count);
        self.walk(flows, None, verdicts, Some(&mut *trails));
        self.learn(flows, verdicts, |asker, again, verdicts| {
            asker.walk(flows, Some(again), verdicts, Some(&mut *trails))
        });
        self.parts.servers(self.fast, flows, verdicts);
        (0..count).filter(|n| verdicts[*n].deferred).for_each(|n| trails.forget(n));
    }

    /// The full engine's answer to one flow; its words until the next.
    pub(super) fn one_in_full(&mut self, ids: &FlowIds) -> Verdict {
        self.parts.scratch.texts.clear();
        self.in_full(ids)
    }

    /// Whether the name of a flow is asked for over the network, where rules and routes may stop the question.
    pub(super) fn asks_servers(&self, ids: &FlowIds) -> bool {
        let by_host = ids.server == HOST && !self.fast.platform_rules;
        ids.server != 0 && !(by_host && self.net.inventory.forwarding_rulesets.is_empty())
    }

    /// The questions of flows to their DNS servers, walked at full depth.
    pub(super) fn questions(&mut self, flows: &[FlowIds], said: &mut [Verdict], trails: &mut Trails) {
        let questions: Vec<FlowIds> = flows.iter().map(question_to_server).collect();
        trails.reset(flows.len());
        self.walk(&questions, None, said, Some(&mut *trails));
        self.parts.scratch.wanted.clear();
    }

    /// What the name of a flow was read from, as its network sees it.
    pub(super) fn name_read_from(&self, ids: &FlowIds) -> Option<&[(Id<Subnet>, Read)]> {
        let view = match ids.start {
            Start::Slot(own) => self.fast.slot(own).vnet,
            _ => NOBODY,
        };
        self.parts.names.read_from.get(&(view, ids.name)).map(|read| &**read)
    }

    /// A flow that was read before, its name resolved again.
    pub(super) fn again(&mut self, ids: &FlowIds) -> FlowIds {
        let Some((Wanted::Name(name), destination, aim, _)) = self.parts.wanteds.get(ids.wanted as usize)
        else {
            return *ids;
        };
        let mut out =
            FlowIds { destination: *destination, aim: *aim, name: NOBODY, shadow: NOBODY, server: 0, ..*ids };
        let name = name.clone();
        self.resolve(&mut out, &name);
        out
    }

    /// Gives to the full engine what the walk left to it.
    fn settle(&mut self, flows: &[FlowIds], verdicts: &mut [Verdict]) {
        let count = flows.len();
        self.parts.counts.flows += count as u64;
        self.parts.scratch.texts.clear();
        for number in 0..count {
            if verdicts[number].deferred {
                self.parts.counts.deferred += 1;
                verdicts[number] = self.in_full(&flows[number]);
            }
        }
    }

    /// Walks flows and gives what the walk alone decided; the rest stays pending.
    pub fn walk_only(&mut self, flows: &[FlowIds], verdicts: &mut [Verdict]) {
        let count = flows.len().min(verdicts.len());
        let (flows, verdicts) = (&flows[..count], &mut verdicts[..count]);
        self.walk(flows, None, verdicts, None);
        self.learn(flows, verdicts, |asker, again, verdicts| asker.walk(flows, Some(again), verdicts, None));
        self.parts.servers(self.fast, flows, verdicts);
    }

    fn walk(
        &mut self,
        flows: &[FlowIds],
        only: Option<&[u32]>,
        verdicts: &mut [Verdict],
        trail: Option<&mut Trails>,
    ) {
        self.parts.walk(self.fast, flows, only, verdicts, trail);
        for ChosenRoute { out, destination, length } in &self.parts.scratch.chosen {
            if let Decider::Route { subnet, route } = &mut verdicts[*out as usize].decider {
                *route = route_of(self.net, *subnet, *destination, *length);
            }
        }
    }

    /// Works out what firewalls asked about names, and walks those flows again until none asks.
    fn learn(
        &mut self,
        flows: &[FlowIds],
        verdicts: &mut [Verdict],
        mut walk: impl FnMut(&mut Self, &[u32], &mut [Verdict]),
    ) {
        while !self.parts.scratch.wanted.is_empty() {
            let mut wanted = std::mem::take(&mut self.parts.scratch.wanted);
            wanted.sort_unstable();
            wanted.dedup();
            for (firewall, name) in &wanted {
                self.parts.names.learn(self.net, *firewall, *name);
            }
            wanted.clear();
            self.parts.scratch.wanted = wanted;
            let mut again = std::mem::take(&mut self.parts.scratch.again);
            again.clear();
            again.extend((0..flows.len() as u32).filter(|n| verdicts[*n as usize].deferred));
            walk(self, &again, verdicts);
            self.parts.scratch.again = again;
        }
    }

    /// The full engine's answer.
    fn in_full(&mut self, ids: &FlowIds) -> Verdict {
        let flow = self.flow(ids);
        let question = self.question(ids);
        let Decision { outcome, disposition, cause, decider } = decide_question(self.net, &flow, &question);
        let decider = match decider {
            None => Decider::Nobody,
            Some(text) => {
                self.parts.scratch.texts.push(text);
                Decider::Said(self.parts.scratch.texts.len() as u32 - 1)
            }
        };
        Verdict { outcome, disposition, cause, deferred: true, decider }
    }

    /// The flow behind numbers, as far as the full engine asks for it.
    fn flow(&self, ids: &FlowIds) -> Flow {
        let (identity, action, path, scheme) = match ids.caller {
            NOBODY => (None, None, None, None),
            caller => self.parts.callers[caller as usize].clone(),
        };
        // The ends are understood already; all that is asked of the words is whether they are addresses, which keep
        // their family.
        let word = |named: bool| match named {
            true => Endpoint::Internet,
            false => Endpoint::Address(INTERNET_CLIENT),
        };
        Flow {
            name: None,
            from: word(self.parts.origins.get(ids.origin as usize).is_some_and(|(.., named)| *named)),
            to: word(self.parts.wanteds.get(ids.wanted as usize).is_some_and(|(.., named)| *named)),
            protocol: Protocol::ALL[usize::from(ids.protocol)],
            port: ids.port,
            source_port: Some(ids.source_port),
            identity,
            action,
            path,
            scheme,
        }
    }

    /// What a note names, in words: `resource/rule`; `None` for what has no name.
    pub fn told(&self, note: Note) -> Option<String> {
        let named = |slot: Slot| self.net.inventory.id_of(slot).map(|id| id.full_name());
        match note {
            Note::At(id) => named(self.net.attachment(id).owner),
            Note::Within(subnet) => Some(self.net.inventory.subnets[subnet].id.full_name()),
            Note::Group { nsg, inbound, rule } => {
                self.decider(Decider::Group { nsg, inbound, rule: u16::try_from(rule?).ok()? })
            }
            Note::Admin { vnet, inbound, rule } => {
                self.decider(Decider::Admin { vnet, inbound, rule: u16::try_from(rule).ok()? })
            }
            Note::Firewall { firewall, application, rule } => {
                let firewall = u16::try_from(firewall).ok()?;
                self.decider(Decider::Firewall { firewall, application, rule })
            }
            Note::Route { subnet, destination, by } => {
                let to = IpAddr::V4(destination.into());
                let choice = match by {
                    By::Nothing => return Some(self.net.inventory.subnets[subnet].id.full_name()),
                    By::NetworkAlone => self.net.choose_by_network(self.net.ground(subnet).vnet, to),
                    _ => self.net.choose(subnet, to),
                };
                let Choice::Route(routes, _) = choice else { return None };
                let route = routes.first()?;
                match (route.owner.and_then(named), &route.name) {
                    (Some(owner), Some(name)) => Some(format!("{owner}/{name}")),
                    (owner, name) => owner.or_else(|| name.as_ref().map(|n| n.to_string())),
                }
            }
            Note::Service(service) => Some(self.net.inventory.services[service].id.full_name()),
            Note::Translated(ip) => Some(ip.to_string()),
            Note::Back | Note::Public => None,
        }
    }

    /// A verdict in words.
    pub fn decision(&self, verdict: &Verdict) -> Decision {
        let &Verdict { outcome, disposition, cause, decider, .. } = verdict;
        Decision { outcome, disposition, cause, decider: self.decider(decider) }
    }

    fn decider(&self, decider: Decider) -> Option<String> {
        words(self.net, self.fast, &self.parts.names, &self.parts.scratch.texts, decider)
    }
}

/// What decided, in words: `resource/rule`.
fn words(net: &Network, fast: &Fast, names: &Names, said: &[String], decider: Decider) -> Option<String> {
    let inventory = &net.inventory;
    let named = |slot: Slot| inventory.id_of(slot).map(|id| id.full_name());
    match decider {
        Decider::Nobody => None,
        Decider::Text(number) => names.texts[number as usize].as_ref().map(|t| t.to_string()),
        Decider::Said(number) => said.get(number as usize).cloned(),
        Decider::Resource(slot) => named(slot),
        Decider::Owner(attachment) => named(net.attachments[attachment as usize].owner),
        Decider::Group { nsg, inbound, rule } => {
            let sets = if inbound { &net.security.inbound } else { &net.security.outbound };
            let name = &sets[nsg as usize].rules[usize::from(rule)].name;
            Some(format!("{}/{name}", inventory.nsgs.as_slice()[nsg as usize].id.full_name()))
        }
        Decider::Admin { vnet, inbound, rule } => {
            let sets = if inbound { &net.admin.inbound } else { &net.admin.outbound };
            let name = &sets[vnet as usize].rules[usize::from(rule)].name;
            let owners = &net.admin.owners[vnet as usize][usize::from(!inbound)];
            let owner = owners.get(usize::from(rule)).and_then(|o| o.parent());
            Some(owner.map_or_else(|| name.to_string(), |o| format!("{}/{name}", o.full_name())))
        }
        Decider::Route { subnet, route } => {
            let routes = net.subnets[subnet as usize].routes.user.as_ref()?;
            let route = &routes.routes[usize::from(route)];
            let owner = route.owner.and_then(named);
            match (owner, &route.name) {
                (Some(owner), Some(name)) => Some(format!("{owner}/{name}")),
                (Some(owner), None) => Some(owner),
                (None, name) => name.as_ref().map(|n| n.to_string()),
            }
        }
        Decider::Firewall { firewall, application, rule } => {
            let names = &fast.firewalls[usize::from(firewall)].names[usize::from(application)];
            let rule = names.get(rule)?;
            Some(format!("{}/{}/{}", named(rule.owner)?, rule.collection, rule.rule))
        }
    }
}

/// The number of the route of a subnet's table that holds an address by a prefix of this length (RT-17).
fn route_of(net: &Network, subnet: u32, destination: u32, length: u8) -> u16 {
    let table = net.subnets[subnet as usize].routes.user.iter();
    let fitting = table.flat_map(|u| u.routes.iter().enumerate()).filter_map(|(number, route)| {
        let (rank, prefixes) = user_prefixes(net, route);
        let holds = |net: &IpNet| net.prefix_len() == length && net.contains(&IpAddr::V4(destination.into()));
        prefixes.iter().any(holds).then_some((rank, number as u16))
    });
    fitting.min().map_or(0, |(_, number)| number)
}

/// Where it is kept whether a sender reaches its DNS server.
fn place_of(ids: &FlowIds, places: usize) -> usize {
    let sender = match ids.start {
        Start::Slot(own) => own,
        Start::Subnet(_, ip) | Start::Internet(ip) => ip,
        Start::Other => 0,
    };
    let mixed = (u64::from(ids.server) << 32 | u64::from(sender)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize % places.max(1)
}

/// The question that a sender asks its DNS server first.
pub(super) fn question_to_server(ids: &FlowIds) -> FlowIds {
    FlowIds {
        aim: Aim::Nothing,
        destination: ids.server,
        port: 53,
        source_port: EPHEMERAL_PORT,
        protocol: Protocol::Udp as u8,
        name: NOBODY,
        shadow: NOBODY,
        server: 0,
        caller: NOBODY,
        ..*ids
    }
}
