//! The stage machine: many flows in step, each stage over all flows that wait for it.
//!
//! A flow's next line is asked for when it is put into a queue, so the misses of a batch overlap; inside a
//! stage the searches of all its flows go down level by level. Nothing is allocated here, and no flow waits
//! for another. Every stage says what the full engine says, or leaves the flow to it: unknowns, equal-cost
//! branches and what has no table are answered there, so the answer of a batch is always the full engine's.

use super::cpu::{Cpu, Work};
use super::flow::{
    After, Aim, Arrival, Decider, Device, FlowIds, Going, Header, MOST_SESSIONS, Seen, Session, Start,
    Terminal, Verdict,
};
use super::names::Names;
use super::rules;
use super::tables::{Fast, Kind, NOBODY, Spot, hot, slot, subnet, vnet};
use super::trail::{Record, Trail};
use super::tree::Tree;
use crate::inventory::{Slot, TableTag};
use crate::net::IpAddr;
use crate::network::{LICENSING_ADDRESSES, LICENSING_PORT};
use crate::trace::{Cause, Disposition, Outcome};

/// Flows under way at once.
pub const BATCH: usize = 128;

/// So many flows ahead the line of the sender is asked for.
const AHEAD: usize = 32;

/// More places than this are left to the full engine, which knows loops.
const MOST_PLACES: u8 = 24;

/// A stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Stage {
    Leave,
    Filter,
    Route,
    Inside,
    Arrive,
    Judge,
    Public,
    Service,
}

const STAGES: [Stage; 8] = [
    Stage::Leave,
    Stage::Filter,
    Stage::Route,
    Stage::Inside,
    Stage::Arrive,
    Stage::Judge,
    Stage::Public,
    Stage::Service,
];

/// Flows that wait for a stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    list: [u8; BATCH],
    pub(super) count: usize,
}

impl Queue {
    pub(super) const EMPTY: Queue = Queue { list: [0; BATCH], count: 0 };

    #[inline(always)]
    pub(super) fn push(&mut self, flow: u8) {
        self.list[self.count & (BATCH - 1)] = flow;
        self.count += 1;
    }

    #[inline(always)]
    pub(super) fn flows(&self) -> impl Iterator<Item = usize> + '_ {
        // The mask tells the compiler what the queue knows: that no number is beyond the batch.
        self.list[..self.count].iter().map(|n| usize::from(*n) & (BATCH - 1))
    }
}

/// A verdict that names a route: which of its table is found behind the walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChosenRoute {
    /// Whose verdict.
    pub out: u32,
    /// The address that was looked up.
    pub destination: u32,
    /// The length of the route's prefix.
    pub length: u8,
}

/// Memory of a batch, kept by the caller.
#[derive(Debug)]
pub(super) struct Scratch {
    going: Box<[Going; BATCH]>,
    queues: [Queue; STAGES.len()],
    idle: Queue,
    /// Names whose rows a firewall asked for and did not find.
    pub(super) wanted: Vec<(u32, u32)>,
    /// Verdicts that name a route.
    pub(super) chosen: Vec<ChosenRoute>,
    /// Flows that wait for them.
    pub(super) again: Vec<u32>,
    /// Questions to DNS servers, whose they are, and what became of them.
    pub(super) questions: Vec<FlowIds>,
    pub(super) askers: Vec<u32>,
    pub(super) said: Vec<Verdict>,
    /// What decided flows that the full engine answered.
    pub(super) texts: Vec<String>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            going: Box::new([Going::new(FlowIds::NOTHING, 0, 0); BATCH]),
            queues: [Queue::EMPTY; STAGES.len()],
            idle: Queue::EMPTY,
            wanted: Vec::with_capacity(BATCH),
            chosen: Vec::with_capacity(BATCH),
            again: Vec::with_capacity(BATCH),
            questions: Vec::new(),
            askers: Vec::new(),
            said: Vec::new(),
            texts: Vec::new(),
        }
    }
}

/// A batch to be walked.
pub(super) struct Batch<'a, T> {
    pub fast: &'a Fast,
    pub names: &'a Names,
    pub flows: &'a [FlowIds],
    /// Which of the flows; all where there is no list.
    pub only: Option<&'a [u32]>,
    pub verdicts: &'a mut [Verdict],
    pub scratch: &'a mut Scratch,
    /// Who is told of every decision.
    pub trail: T,
}

impl<T: Trail> Work for Batch<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let Batch { fast, names, flows, only, verdicts, scratch, trail } = self;
        let Scratch { going, queues, idle, wanted, chosen, .. } = scratch;
        chosen.clear();
        idle.count = 0;
        (0..BATCH as u8).for_each(|n| idle.push(n));
        let mut walk = Walk { cpu, fast, names, going, queues, idle, verdicts, wanted, chosen, trail };
        let count = only.map_or(flows.len(), <[u32]>::len);
        let mut next = 0;
        loop {
            while next < count && walk.idle.count > 0 {
                if let Some(FlowIds { start: Start::Slot(own), .. }) = flows.get(next + AHEAD) {
                    cpu.fetch(fast.lines.line(fast.slot_line(*own)));
                }
                let number = only.map_or(next as u32, |list| list[next]);
                walk.begin(&flows[number as usize], number);
                next += 1;
            }
            if walk.idle.count == BATCH {
                return;
            }
            for stage in STAGES {
                if walk.queues[stage as usize].count > 0 {
                    walk.stage(stage);
                }
            }
        }
    }
}

/// The walk of a batch.
pub(super) struct Walk<'a, C, T> {
    pub(super) cpu: C,
    pub(super) fast: &'a Fast,
    pub(super) names: &'a Names,
    pub(super) going: &'a mut [Going; BATCH],
    queues: &'a mut [Queue; STAGES.len()],
    idle: &'a mut Queue,
    verdicts: &'a mut [Verdict],
    pub(super) wanted: &'a mut Vec<(u32, u32)>,
    pub(super) chosen: &'a mut Vec<ChosenRoute>,
    pub(super) trail: T,
}

pub(super) const HOST: u32 = u32::from_be_bytes([168, 63, 129, 16]);
const METADATA: u32 = u32::from_be_bytes([169, 254, 169, 254]);
const DNS: u16 = 53;
const TCP: u8 = 0;
const UDP: u8 = 1;

fn blocked(cause: Cause, disposition: Disposition, decider: Decider) -> Verdict {
    Verdict { outcome: Outcome::Blocked, disposition, cause: Some(cause), deferred: false, decider }
}

/// Whether Azure may keep an address of a subnet for itself: the first four and the last one (PLAT-5).
fn may_be_kept(flags: u32, ip: u32) -> bool {
    let rest = u32::MAX.checked_shr(flags >> subnet::LENGTH_AT).unwrap_or(0);
    let own = ip & rest;
    rest == u32::MAX || rest > 3 && (own < 4 || own == rest)
}

/// Whether an address answers for licences, which rules pass over (NSG-19).
fn is_licensing(ip: u32) -> bool {
    LICENSING_ADDRESSES.contains(&IpAddr::V4(ip.into()))
}

impl<C: Cpu, T: Trail> Walk<'_, C, T> {
    #[inline(always)]
    fn stage(&mut self, stage: Stage) {
        let queue = self.queues[stage as usize];
        self.queues[stage as usize].count = 0;
        match stage {
            Stage::Leave => {
                for i in queue.flows() {
                    self.leave(i);
                }
            }
            Stage::Filter => self.filter(&queue),
            Stage::Route => self.route(&queue),
            Stage::Inside => {
                for i in queue.flows() {
                    self.inside(i);
                }
            }
            Stage::Arrive => {
                for i in queue.flows() {
                    self.arrive(i);
                }
            }
            Stage::Judge => self.judge(&queue),
            Stage::Public => {
                for i in queue.flows() {
                    self.public(i);
                }
            }
            Stage::Service => {
                for i in queue.flows() {
                    self.service(i);
                }
            }
        }
    }

    /// Takes a flow in.
    #[inline(always)]
    fn begin(&mut self, ids: &FlowIds, number: u32) {
        self.idle.count -= 1;
        let place = self.idle.list[self.idle.count];
        let i = usize::from(place) & (BATCH - 1);
        let source = match ids.start {
            Start::Slot(own) => self.fast.spot(own).ip,
            Start::Subnet(_, ip) | Start::Internet(ip) => ip,
            Start::Other => 0,
        };
        self.going[i].begin(*ids, number, source);
        self.trail.begin(i);
        let licence = ids.port == LICENSING_PORT && is_licensing(ids.destination);
        if ids.caller != NOBODY || ids.aim == Aim::Other || licence || self.fast.all_doubtful {
            return self.defer(i);
        }
        if let Aim::Unresolved(number) = ids.aim {
            return self.end(i, self.names.stopped[number as usize]);
        }
        match ids.start {
            // What is no sender of its own: gateways, frontends, private endpoints.
            Start::Slot(own)
                if !matches!(self.fast.spot(own).kind(), Kind::Machine | Kind::Firewall | Kind::Listener) =>
            {
                self.defer(i);
            }
            Start::Slot(own) => {
                self.going[i].slot = own;
                self.leave(i);
            }
            Start::Internet(HOST) => self.defer(i),
            Start::Subnet(subnet, _) => {
                self.going[i].place = subnet;
                self.trail.note(i, || Record::within(subnet));
                self.set_filter(i, After::Route, false, NOBODY);
            }
            Start::Internet(_) => self.go(i, Stage::Public),
            Start::Other => self.defer(i),
        }
    }

    /// Puts a flow into a queue and asks for its next line.
    #[inline(always)]
    pub(super) fn go(&mut self, i: usize, stage: Stage) {
        let going = &mut self.going[i];
        if matches!(stage, Stage::Leave | Stage::Arrive | Stage::Inside | Stage::Public) {
            going.places += 1;
            if going.places > MOST_PLACES {
                return self.defer(i);
            }
        }
        let fast = self.fast;
        let line = match stage {
            Stage::Leave | Stage::Arrive => Some(fast.slot_line(going.slot)),
            Stage::Inside => Some(fast.slot_line(fast.home(going.vnet, going.header.destination))),
            Stage::Filter | Stage::Judge => Some(fast.place_line(going.place)),
            Stage::Route => Some(fast.subnet_line(going.subnet)),
            Stage::Public | Stage::Service => None,
        };
        if let Some(line) = line {
            self.cpu.fetch(fast.lines.line(line));
        }
        self.queues[stage as usize].push(i as u8);
    }

    // ---- ends

    #[inline(always)]
    fn end(&mut self, i: usize, verdict: Verdict) {
        let out = self.going[i].out;
        let told = self.trail.end(i, out);
        self.verdicts[out as usize] = if told { verdict } else { Verdict::PENDING };
        self.idle.push(i as u8);
    }

    /// Leaves a flow to the full engine.
    #[inline(always)]
    pub(super) fn defer(&mut self, i: usize) {
        self.end(i, Verdict::PENDING);
    }

    /// The flow is stopped.
    #[inline(always)]
    pub(super) fn stop(&mut self, i: usize, cause: Cause, decider: Decider) {
        self.stop_as(i, cause, cause.disposition(), decider);
    }

    /// The flow is stopped, with another disposition than the cause has.
    #[inline(always)]
    pub(super) fn stop_as(&mut self, i: usize, cause: Cause, disposition: Disposition, decider: Decider) {
        let (cause, disposition) = match (self.going[i].returning, cause) {
            (false, cause) => (cause, disposition),
            (true, Cause::AsymmetricReturn) => (cause, Disposition::ReturnLost),
            (true, _) => (Cause::ReturnNoRoute, Disposition::ReturnLost),
        };
        self.end(i, blocked(cause, disposition, decider));
    }

    /// The flow, or its answer, got there.
    #[inline(always)]
    pub(super) fn arrived(&mut self, i: usize, terminal: Terminal, disposition: Disposition) {
        if self.going[i].returning {
            return match terminal {
                Terminal::Platform => self.judge_back(i),
                Terminal::Subnet(end) if matches!(self.going[i].ids.start, Start::Subnet(own, _) if own == end) => {
                    self.judge_back(i)
                }
                _ => self.stop(i, Cause::ReturnNoRoute, Decider::Nobody),
            };
        }
        if terminal == Terminal::Platform {
            self.going[i].disposition = disposition;
            return self.allow(i);
        }
        self.turn(i, disposition);
        let going = &mut self.going[i];
        match terminal {
            Terminal::Slot(own) => {
                going.slot = own;
                self.go(i, Stage::Leave);
            }
            Terminal::Subnet(subnet) => {
                (going.subnet, going.from) = (subnet, NOBODY);
                self.trail.note(i, || Record::within(subnet));
                self.go(i, Stage::Route);
            }
            Terminal::Public => self.go(i, Stage::Public),
            Terminal::Endpoint(own) => self.reply_of_endpoint(i, own),
            Terminal::ServiceEndpoint(subnet) => {
                let home = self.fast.subnet(subnet).vnet;
                match self.fast.at_address(home, self.going[i].header.destination) {
                    Some((own, _)) => {
                        self.going[i].slot = own;
                        self.go(i, Stage::Arrive);
                    }
                    None => self.judge_back(i),
                }
            }
            Terminal::Platform => self.allow(i),
        }
    }

    /// The flow got there: its answer sets out.
    #[inline(always)]
    fn turn(&mut self, i: usize, disposition: Disposition) {
        let going = &mut self.going[i];
        (going.disposition, going.returning, going.places) = (disposition, true, 0);
        going.header = going.header.reversed();
        self.trail.note(i, || Record::BACK);
    }

    #[inline(always)]
    fn allow(&mut self, i: usize) {
        if let Some((cause, decider)) = self.going[i].refused {
            return self.end(i, blocked(cause, cause.disposition(), decider));
        }
        let disposition = self.going[i].disposition;
        let (outcome, decider) = (Outcome::Allowed, Decider::Nobody);
        self.end(i, Verdict { outcome, disposition, cause: None, deferred: false, decider });
    }

    /// The answer came back: did every device that keeps state see it (ASYM-5)?
    #[inline(always)]
    fn judge_back(&mut self, i: usize) {
        let missed = self.going[i].sessions().iter().find(|x| x.stateful && !x.answered).copied();
        let Some(session) = missed else { return self.allow(i) };
        let cause = Cause::AsymmetricReturn;
        if self.going[i].endpoint_seen && self.going[i].refused.is_some() {
            return self.allow(i);
        }
        if self.going[i].endpoint_seen {
            let (outcome, disposition) = (Outcome::Mixed, cause.disposition());
            let decider = Decider::Nobody;
            return self
                .end(i, Verdict { outcome, disposition, cause: Some(cause), deferred: false, decider });
        }
        let (Device::Transit(own) | Device::Inbound(own) | Device::Outbound(own)) = session.device;
        let decider = self.owner(own);
        self.end(i, blocked(cause, cause.disposition(), decider));
    }

    /// The resource a slot belongs to.
    #[inline(always)]
    pub(super) fn owner(&self, own: u32) -> Decider {
        Decider::Owner(self.fast.spot(own).attachment)
    }

    // ---- leaving

    #[inline(always)]
    pub(super) fn leave(&mut self, i: usize) {
        let own = self.going[i].slot;
        let spot = self.fast.spot(own);
        self.trail.note(i, || Record::at(spot.attachment));
        let place = spot.place();
        let going = &mut self.going[i];
        (going.place, going.from) = (place, own);
        let returning = going.returning;
        if returning && going.session_count > 0 {
            self.undo_inbound(i, own);
        }
        if !self.is_carried(i) {
            return self.stop(i, Cause::PlatformProtocol, Decider::Nobody);
        }
        // The place of a machine may not be at hand yet; that of a firewall is.
        if !returning && (spot.kind() != Kind::Firewall || !self.fast.place(place).has(slot::PLATFORM)) {
            return self.set_filter(i, After::Route, false, own);
        }
        self.going[i].subnet = self.fast.place(place).subnet;
        self.after_leaving(i);
    }

    #[inline(always)]
    fn after_leaving(&mut self, i: usize) {
        match self.going[i].header.destination {
            HOST | METADATA if self.going[i].from != NOBODY => {
                self.arrived(i, Terminal::Platform, Disposition::Accepted);
            }
            _ => self.go(i, Stage::Route),
        }
    }

    /// What a virtual network does not carry (PKT-8).
    #[inline(always)]
    fn is_carried(&self, i: usize) -> bool {
        let going = &self.going[i];
        let Header { destination, source_port, port, .. } = going.header;
        let udp = going.ids.protocol == UDP;
        let multicast = destination >> 28 == 0xe || destination == u32::MAX;
        let dhcp = udp && source_port == 68 && port == 67 && destination != HOST;
        !(multicast || udp && source_port == 65330 || dhcp)
    }

    /// Undoes inbound translation as the answer leaves a backend.
    #[inline(always)]
    fn undo_inbound(&mut self, i: usize, own: u32) {
        let header = self.going[i].header;
        let mut after = header;
        let mine = |x: &&mut Session| x.device == Device::Inbound(own) && x.outgoing.reversed() == header;
        if let Some(session) = self.going[i].sessions().iter_mut().rev().find(mine) {
            session.answered = true;
            after = session.incoming.reversed();
        }
        self.going[i].header = after;
    }

    /// Remembers a device.
    #[inline(always)]
    pub(super) fn remember(&mut self, i: usize, device: Device, after: Header, stateful: bool) -> bool {
        let going = &mut self.going[i];
        let at = usize::from(going.session_count);
        if at == MOST_SESSIONS {
            self.defer(i);
            return false;
        }
        going.sessions[at] =
            Session { device, incoming: going.header, outgoing: after, stateful, answered: false };
        going.session_count += 1;
        if going.header != after {
            self.trail.note(i, || Record::translated(after.source));
        }
        going.asked &= going.header == after;
        going.header = after;
        true
    }

    // ---- filters

    /// Sends a flow to the rules at its place: that of a slot, or of a subnet where that is [`NOBODY`].
    #[inline(always)]
    fn set_filter(&mut self, i: usize, after: After, inbound: bool, own: u32) {
        let going = &mut self.going[i];
        (going.after, going.inbound, going.slot) = (after, inbound, own);
        self.go(i, Stage::Filter);
    }

    #[inline(always)]
    fn filter(&mut self, queue: &Queue) {
        let fast = self.fast;
        for i in queue.flows() {
            let place = fast.place(self.going[i].place);
            let going = &mut self.going[i];
            (going.subnet, going.flags, going.nsg) = (place.subnet, place.flags, place.nsg);
            self.cpu.fetch(fast.lines.line(fast.subnet_line(place.subnet)));
        }
        for i in queue.flows() {
            // The tag `VirtualNetwork` and the group of a spoke are its own: cold where there are thousands.
            let words = fast.subnet_words(self.going[i].subnet);
            self.cpu.fetch(fast.lines.line(words[hot::TAG]));
            self.cpu.fetch(fast.lines.line(words[hot::RULES + usize::from(!self.going[i].inbound)]));
        }
        let (mut open, mut wide) = (Queue::EMPTY, Queue::EMPTY);
        for i in queue.flows() {
            if self.gather(i) {
                open.push(i as u8);
            }
        }
        let mut narrow = Queue::EMPTY;
        for i in open.flows() {
            match self.look(i) {
                true => narrow.push(i as u8),
                false => wide.push(i as u8),
            }
        }
        for i in narrow.flows() {
            if self.all_answered(i) {
                self.filtered(i);
            }
        }
        if wide.count > 0 {
            for layer in 0..3 {
                self.ask(&mut wide, layer);
            }
            for i in wide.flows() {
                self.filtered(i);
            }
        }
    }

    /// `true` where there are rules to ask; otherwise the flow has gone on.
    #[inline(always)]
    fn gather(&mut self, i: usize) -> bool {
        let fast = self.fast;
        let going = &self.going[i];
        let words = fast.subnet_words(going.subnet);
        let (inbound, own, flags, header) = (going.inbound, going.slot, going.flags, going.header);
        let has = |flag: u32| words[hot::FLAGS] & flag != 0;
        self.going[i].vnet = words[hot::VNET];
        // What the platform sends of itself passes no group.
        if !inbound && own != NOBODY && flags & slot::PLATFORM != 0 {
            self.after_leaving(i);
            return false;
        }
        if has(subnet::GROUP_DOUBT) || flags & slot::GROUP_DOUBT != 0 {
            self.defer(i);
            return false;
        }
        let platform = matches!(header.destination, HOST | METADATA);
        let side = usize::from(!inbound);
        let ruled = flags & slot::RULED != 0 && !platform && !has(subnet::SPARED);
        let of_subnet = if has(subnet::GROUP) { words[hot::RULES + side] } else { 0 };
        let of_slot = match self.going[i].nsg {
            0 => 0,
            nsg => fast.groups[nsg as usize - 1][side],
        };
        let spared = flags & slot::PLATFORM != 0 || flags & 15 == Kind::Endpoint as u32;
        if of_subnet | of_slot == 0 && !spared && has(subnet::ACCESS_DOUBT) {
            self.defer(i);
            return false;
        }
        // The host's own services but DNS are closed by nothing (NSG-18).
        let agent = header.destination == HOST && header.port != DNS;
        let admin = if ruled { words[hot::ADMIN + side] } else { 0 };
        let heads = match (agent, inbound) {
            (true, _) => [admin, 0, 0],
            (false, true) => [admin, of_subnet, of_slot],
            (false, false) => [admin, of_slot, of_subnet],
        };
        let none = heads == [0; 3];
        // A Standard public front is closed where no group opens it, after what security admin rules say.
        if inbound && own != NOBODY && std::mem::take(&mut self.going[i].closed) {
            match none {
                true => {
                    let decider = self.owner(own);
                    self.stop(i, Cause::PublicAddressClosed, decider);
                }
                false => self.defer(i),
            }
            return false;
        }
        self.going[i].heads = heads;
        if none {
            self.filtered(i);
            return false;
        }
        for head in heads {
            // Line 0 is there for nobody.
            self.cpu.fetch(fast.lines.line(head));
        }
        self.set_ask(i, words, platform);
        true
    }

    /// What the rules see of a flow there.
    #[inline(always)]
    fn set_ask(&mut self, i: usize, words: &[u32; 16], platform: bool) {
        self.set_header(i);
        let flags = words[hot::FLAGS];
        let tag = Tree { root: words[hot::TAG], shape: words[hot::TAG + 1] };
        let Header { source, destination, source_port, .. } = self.going[i].header;
        let network = [self.holds(tag, source), self.holds(tag, destination)];
        if flags & subnet::OWN_INTERNET != 0 {
            let own = self.fast.vnet(words[hot::VNET]).internet;
            self.going[i].ask.internet = [self.holds(own, source), self.holds(own, destination)];
            self.going[i].asked = false;
        }
        let going = &mut self.going[i];
        // At a private endpoint conditions on source ports are passed over (NSG-27).
        going.ask.source_port = if going.after == After::Endpoint { 0 } else { source_port };
        going.ask.network = network;
        going.ask.groups = [(0, 0); 2];
        going.ask.platform_only = platform;
        going.ask.network_doubt = flags & subnet::TAG_DOUBT != 0;
    }

    /// What rules see of the header, wherever the flow is: asked again only once it is another one.
    #[inline(always)]
    pub(super) fn set_header(&mut self, i: usize) {
        if self.going[i].asked {
            return;
        }
        let Header { source, destination, source_port, port } = self.going[i].header;
        let [from, to] = [self.look_up(source), self.look_up(destination)];
        let going = &mut self.going[i];
        (going.asked, going.seen) = (true, [to, from]);
        going.ask = rules::Ask {
            source,
            destination,
            source_port,
            port,
            protocol: going.ids.protocol,
            internet: [from.public, to.public],
            tags: [from.tags, to.tags],
            ..rules::Ask::default()
        };
    }

    /// Begins with the sets of rules; `false` where one of them is for more than 64.
    #[inline(always)]
    fn look(&mut self, i: usize) -> bool {
        let lines = &self.fast.lines;
        let heads = self.going[i].heads;
        let (mut narrow, mut groups) = (true, false);
        for head in heads {
            if head != 0 {
                narrow &= rules::is_narrow(lines, head);
                groups |= rules::asks_groups(lines, head);
            }
        }
        if groups {
            self.going[i].ask.groups = self.members(i, self.going[i].slot, self.going[i].vnet);
        }
        if narrow {
            let Going { narrow, ask, .. } = &mut self.going[i];
            // By number: going through both lists at once was measured to cost more.
            for (layer, search) in narrow.iter_mut().enumerate() {
                if heads[layer] != 0 {
                    search.begin(self.cpu, lines, heads[layer], ask);
                }
            }
        }
        narrow
    }

    /// Asks all layers of a flow; `false` where one of them ends it.
    #[inline(always)]
    fn all_answered(&mut self, i: usize) -> bool {
        for layer in 0..3 {
            if self.going[i].heads[layer] == 0 {
                continue;
            }
            let said = self.going[i].narrow[layer].finish(self.cpu, self.fast.around(), &self.going[i].ask);
            if !self.answered(i, layer, said) {
                return false;
            }
        }
        true
    }

    /// Whether a set of addresses holds one.
    #[inline(always)]
    pub(super) fn holds(&self, set: Tree, ip: u32) -> bool {
        set.rank(self.cpu, &self.fast.lines, ip) & 1 != 0
    }

    /// Memberships of sender and receiver in application security groups, as seen from a slot (ASG-3), or from a subnet
    /// where nothing is.
    #[inline(always)]
    fn members(&self, i: usize, own: u32, home: u32) -> [(u32, u32); 2] {
        let fast = self.fast;
        let going = &self.going[i];
        let run = |place: u32| fast.member_runs.get(&place).copied().unwrap_or_default();
        let other = if going.inbound { going.header.source } else { going.header.destination };
        let other = fast.at_address(home, other).map_or((0, 0), |(place, _)| run(place));
        let mine = if own == NOBODY { (0, 0) } else { run(own) };
        if going.inbound { [other, mine] } else { [mine, other] }
    }

    /// What is known of an address: whether it is public, and which service tags hold it.
    #[inline(always)]
    pub(super) fn see(&mut self, i: usize, ip: u32) -> Seen {
        let [last, other] = self.going[i].seen;
        if last.known && last.ip == ip {
            return last;
        }
        if other.known && other.ip == ip {
            return other;
        }
        let seen = self.look_up(ip);
        self.going[i].seen = [seen, last];
        seen
    }

    #[inline(always)]
    fn look_up(&self, ip: u32) -> Seen {
        let public = self.is_public(ip);
        Seen { ip, tags: self.tag_row_of(ip, public), public, known: true }
    }

    /// The row of service tags that hold an address.
    #[inline(always)]
    fn tag_row_of(&self, ip: u32, public: bool) -> u32 {
        if !public && !self.fast.tags_private {
            return 0;
        }
        let rank = self.fast.tags.rank(self.cpu, &self.fast.lines, ip);
        self.fast.lines.word(self.fast.tag_rows, rank)
    }

    /// Asks one layer of every flow that has it; those that are stopped leave the queue.
    #[inline(always)]
    fn ask(&mut self, open: &mut Queue, layer: usize) {
        let fast = self.fast;
        let mut asked = Queue::EMPTY;
        let mut left = Queue::EMPTY;
        for i in open.flows() {
            let going = &mut self.going[i];
            match going.heads[layer] {
                0 => left.push(i as u8),
                head => {
                    going.search.begin(self.cpu, &fast.lines, head);
                    asked.push(i as u8);
                }
            }
        }
        let mut more = asked.count > 0;
        while more {
            more = false;
            for i in asked.flows() {
                let Going { search, ask, .. } = &mut self.going[i];
                more |= search.step(self.cpu, &fast.lines, ask);
            }
        }
        for i in asked.flows() {
            let said = self.going[i].search.finish(self.cpu, self.fast.around(), &self.going[i].ask, None);
            if self.answered(i, layer, said) {
                left.push(i as u8);
            }
        }
        *open = left;
    }

    /// Whose rules a layer has: the row of the group plus one; 0 for security admin rules.
    #[inline(always)]
    fn group_of(&self, i: usize, layer: usize) -> u32 {
        let going = &self.going[i];
        match (layer, going.inbound) {
            (0, _) => 0,
            (1, true) | (2, false) => self.fast.subnet_words(going.subnet)[hot::NSG],
            _ => going.nsg,
        }
    }

    /// What a layer says; `false` where that ends the flow.
    #[inline(always)]
    fn answered(&mut self, i: usize, layer: usize, said: rules::Said) -> bool {
        self.tell(i, layer, said);
        match said {
            rules::Said::Nothing | rules::Said::Rule(_, rules::Says::Allow) => true,
            rules::Said::Rule(_, rules::Says::AlwaysAllow) => {
                self.going[i].heads = [0; 3];
                true
            }
            rules::Said::Doubt => {
                self.defer(i);
                false
            }
            rules::Said::Rule(rule, rules::Says::Deny) => {
                let inbound = self.going[i].inbound;
                let denied = if inbound { Disposition::DeniedIn } else { Disposition::DeniedOut };
                let number = rule as u16;
                let (cause, decider) = match self.group_of(i, layer) {
                    0 => {
                        let vnet = self.going[i].vnet;
                        (Cause::AdminRuleDeny, Decider::Admin { vnet, inbound, rule: number })
                    }
                    nsg => {
                        // The last three rules of a group are Azure's own (NSG-3).
                        let head = self.going[i].heads[layer];
                        let written = rule + 3 < rules::count(&self.fast.lines, head);
                        let cause = if written { Cause::NsgRuleDeny } else { Cause::NsgDefaultDeny };
                        (cause, Decider::Group { nsg: nsg - 1, inbound, rule: number })
                    }
                };
                self.stop_as(i, cause, denied, decider);
                false
            }
        }
    }

    /// Tells what a layer said.
    #[inline(always)]
    fn tell(&mut self, i: usize, layer: usize, said: rules::Said) {
        let (inbound, vnet) = (self.going[i].inbound, self.going[i].vnet);
        let rule = match said {
            rules::Said::Rule(rule, _) => Some(rule),
            rules::Said::Nothing => None,
            rules::Said::Doubt => return,
        };
        match (self.group_of(i, layer), rule) {
            (0, Some(rule)) => self.trail.note(i, || Record::admin(vnet, inbound, rule)),
            (0, None) => {}
            (nsg, rule) => self.trail.note(i, || Record::group(nsg - 1, inbound, rule)),
        }
    }

    /// After the filters.
    #[inline(always)]
    fn filtered(&mut self, i: usize) {
        match self.going[i].after {
            After::Route => self.after_leaving(i),
            After::Machine => self.at_machine(i),
            After::Endpoint => self.at_endpoint(i),
            After::Listener => self.at_listener(i),
            After::Subnet => self.at_subnet(i),
        }
    }

    // ---- inside a network

    #[inline(always)]
    fn inside(&mut self, i: usize) {
        let (home, destination) = (self.going[i].vnet, self.going[i].header.destination);
        if let Some((own, spot)) = self.fast.at_address(home, destination) {
            return self.arrive_now(i, own, &spot);
        }
        let row = self.fast.vnet(home);
        if row.has(vnet::SPACE_DOUBT) {
            return self.defer(i);
        }
        let rank = row.subnets.rank(self.cpu, &self.fast.lines, destination);
        match self.fast.lines.word(row.subnet_rows, rank) {
            // A user-defined route may be what led there.
            0 => self.defer(i),
            subnet => {
                let own = (subnet - 1) & !vnet::RESERVED;
                self.trail.note(i, || Record::within(own));
                self.going[i].subnet = own;
                self.going[i].reserved = (subnet - 1) & vnet::RESERVED != 0;
                match self.going[i].returning {
                    true => self.at_subnet(i),
                    false => {
                        self.going[i].place = self.going[i].subnet;
                        self.set_filter(i, After::Subnet, true, NOBODY);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn at_subnet(&mut self, i: usize) {
        let number = self.going[i].subnet;
        let kept = self.fast.subnet(number).has(subnet::SPECIAL) || self.going[i].reserved;
        if kept && !self.going[i].returning {
            let owner = Slot { table: TableTag::Subnet, row: number };
            return self.stop(i, Cause::AddressNotInUse, Decider::Resource(owner));
        }
        if !self.going[i].returning
            && may_be_kept(self.fast.subnet(number).flags, self.going[i].header.destination)
        {
            return self.defer(i);
        }
        if !self.going[i].returning && matches!(self.going[i].aim, Aim::Service(..)) {
            // Whether a name led to what is none of its service's endpoints, the full engine knows.
            return self.defer(i);
        }
        if !self.going[i].returning && matches!(self.going[i].aim, Aim::Slot(_)) {
            // Somebody bears the address, but elsewhere.
            return self.defer(i);
        }
        self.arrived(i, Terminal::Subnet(number), Disposition::DeliveredToSubnet);
    }

    #[inline(always)]
    fn arrive(&mut self, i: usize) {
        let own = self.going[i].slot;
        let spot = self.fast.spot(own);
        self.arrive_at(i, own, &spot);
    }

    /// Arrives without a queue, where the slot's line is at hand.
    #[inline(always)]
    pub(super) fn arrive_now(&mut self, i: usize, own: u32, spot: &Spot) {
        let going = &mut self.going[i];
        going.slot = own;
        going.places += 1;
        match going.places > MOST_PLACES {
            true => self.defer(i),
            false => self.arrive_at(i, own, spot),
        }
    }

    #[inline(always)]
    fn arrive_at(&mut self, i: usize, own: u32, spot: &Spot) {
        self.trail.note(i, || Record::at(spot.attachment));
        if self.going[i].returning {
            return self.arrive_back(i, own, spot);
        }
        self.going[i].place = spot.place();
        self.going[i].vnet = spot.vnet;
        match spot.kind() {
            Kind::Machine => self.set_filter(i, After::Machine, true, own),
            Kind::Endpoint => self.before_endpoint(i, own),
            Kind::Listener => self.set_filter(i, After::Listener, true, own),
            Kind::Firewall => self.go(i, Stage::Judge),
            Kind::Frontend | Kind::Other => self.defer(i),
        }
    }

    /// A machine: the flow is its own, or is passed on (RT-12).
    #[inline(always)]
    fn at_machine(&mut self, i: usize) {
        let own = self.going[i].slot;
        let row = self.fast.spot(own);
        let has = |walk: &Self, flag: u32| walk.going[i].flags & flag != 0;
        if row.ip == self.going[i].header.destination {
            let ports = rules::has_ports(self.going[i].ids.protocol);
            let closed = ports && has(self, slot::LISTENS) && {
                let answers = self.fast.place(self.going[i].place).about;
                !self.fast.answers[answers as usize].contains(self.going[i].header.port)
            };
            if closed {
                let decider = self.owner(own);
                return self.stop(i, Cause::NothingListens, decider);
            }
            if matches!(self.going[i].aim, Aim::Slot(wanted) if wanted != own) {
                // Somebody else of the same address, or the same machine by another name.
                return self.defer(i);
            }
            // Its line is at hand, so the answer leaves at once.
            self.turn(i, Disposition::Accepted);
            return self.leave(i);
        }
        if has(self, slot::FORWARDS_DOUBT) {
            return self.defer(i);
        }
        if !has(self, slot::FORWARDS) {
            let decider = self.owner(own);
            return self.stop(i, Cause::NextHopNotForwarding, decider);
        }
        let before = self.going[i].header;
        let translates = has(self, slot::TRANSLATES);
        let after = Header { source: if translates { row.ip } else { before.source }, ..before };
        if self.remember(i, Device::Transit(own), after, true) {
            self.leave(i);
        }
    }

    #[inline(always)]
    fn at_listener(&mut self, i: usize) {
        let own = self.going[i].slot;
        let resolver = self.fast.slot(own).has(slot::RESOLVER);
        let port = if resolver { DNS } else { 443 };
        let protocol = self.going[i].ids.protocol;
        let spoken = protocol == TCP || resolver && protocol == UDP;
        if self.going[i].header.port != port || !spoken {
            let decider = self.owner(own);
            return self.stop(i, Cause::NothingListens, decider);
        }
        self.arrived(i, Terminal::Slot(own), Disposition::Accepted);
    }

    // ---- the way back

    #[inline(always)]
    fn arrive_back(&mut self, i: usize, own: u32, row: &Spot) {
        self.going[i].endpoint_seen |= row.kind() == Kind::Endpoint;
        let header = self.going[i].header;
        if self.going[i].ids.start == Start::Slot(own) && row.ip == header.destination {
            return self.judge_back(i);
        }
        if matches!(row.kind(), Kind::Other | Kind::Frontend) {
            // A gateway, a load or application balancer, a Route Server.
            return self.defer(i);
        }
        let answers = |x: &&mut Session| x.device == Device::Transit(own) && x.outgoing.reversed() == header;
        let Some(session) = self.going[i].sessions().iter_mut().rev().find(answers) else {
            let decider = self.owner(own);
            return self.stop(i, Cause::AsymmetricReturn, decider);
        };
        session.answered = true;
        let after = session.incoming.reversed();
        (self.going[i].header, self.going[i].slot) = (after, own);
        self.leave(i);
    }

    /// The answer in public space.
    #[inline(always)]
    pub(super) fn public_back(&mut self, i: usize) {
        let header = self.going[i].header;
        if self.going[i].ids.start == Start::Internet(header.destination) {
            return self.judge_back(i);
        }
        let answers =
            |x: &&mut Session| !matches!(x.device, Device::Inbound(_)) && x.outgoing.reversed() == header;
        let Some(session) = self.going[i].sessions().iter_mut().rev().find(answers) else {
            return self.straight_back(i);
        };
        session.answered = true;
        let after = session.incoming.reversed();
        let (own, stage) = match session.device {
            Device::Outbound(own) | Device::Inbound(own) => (own, Stage::Arrive),
            Device::Transit(own) => (own, Stage::Leave),
        };
        (self.going[i].header, self.going[i].slot) = (after, own);
        self.go(i, stage);
    }

    #[inline(always)]
    fn straight_back(&mut self, i: usize) {
        match self.going[i].ids.start {
            Start::Slot(own) if self.fast.slot(own).ip != self.going[i].header.destination => {
                self.stop(i, Cause::ReturnNoRoute, Decider::Nobody);
            }
            _ => self.judge_back(i),
        }
    }

    /// A private endpoint answers to the address it saw, without asking route tables (ASYM-4).
    #[inline(always)]
    fn reply_of_endpoint(&mut self, i: usize, own: u32) {
        let row = self.fast.slot(own);
        let home = self.fast.vnet(row.vnet);
        let to = self.going[i].header.destination;
        self.trail.note(i, || Record::at(row.attachment));
        self.going[i].endpoint_seen = true;
        if home.has(vnet::NEAR_DOUBT) {
            return self.defer(i);
        }
        let mut near = self.fast.at_address(row.vnet, to);
        if near.is_none() {
            let rank = home.near.rank(self.cpu, &self.fast.lines, to);
            if let Some(other) = self.fast.lines.word(home.near_rows, rank).checked_sub(1) {
                near = self.fast.at_address(other, to);
            }
        }
        match near {
            Some((place, _)) => {
                self.going[i].slot = place;
                self.go(i, Stage::Arrive);
            }
            None => {
                // By the routes of the network alone.
                (self.going[i].subnet, self.going[i].from) = (row.subnet, own);
                self.going[i].by_network = true;
                self.go(i, Stage::Route);
            }
        }
    }

    /// Before a private endpoint: its subnet's policies say whether groups act (NSG-26).
    #[inline(always)]
    fn before_endpoint(&mut self, i: usize, own: u32) {
        self.going[i].endpoint_seen = true;
        let here = self.fast.subnet(self.fast.place(self.going[i].place).subnet);
        if here.has(subnet::FILTERS_DOUBT) {
            return self.defer(i);
        }
        if here.has(subnet::FILTERS_ENDPOINTS) {
            return self.set_filter(i, After::Endpoint, true, own);
        }
        self.at_endpoint(i);
    }

    /// Where a flow came to a service.
    #[inline(always)]
    pub(super) fn reach_service(&mut self, i: usize, arrival: Arrival) {
        self.going[i].arrival = arrival;
        self.go(i, Stage::Service);
    }
}
