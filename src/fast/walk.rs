//! The stage machine: many flows in step, each stage over all flows that wait for it.
//!
//! A flow's next line is asked for when it is put into a queue, so the misses of a batch overlap; inside a
//! stage the searches of all its flows go down level by level. Nothing is allocated here, and no flow waits
//! for another. Every stage says what the full engine says, or leaves the flow to it: unknowns, equal-cost
//! branches and what has no table are answered there, so the answer of a batch is always the full engine's.

use super::cpu::{Cpu, Work};
use super::flow::{
    After, Aim, Arrival, Decider, Device, FlowIds, Going, Header, Layer, MOST_SESSIONS, Seen, Session, Start,
    Terminal, Verdict,
};
use super::names::Names;
use super::rules;
use super::tables::{Fast, Kind, NOBODY, SubnetRow, VnetRow, slot, subnet, vnet};
use super::trail::{Record, Trail};
use super::tree::Tree;
use crate::inventory::{Slot, TableTag};
use crate::net::IpAddr;
use crate::network::{LICENSING_ADDRESSES, LICENSING_PORT};
use crate::trace::{Cause, Disposition, Outcome};

/// Flows under way at once.
pub const BATCH: usize = 128;

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
    count: usize,
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
        let nobody = FlowIds {
            start: Start::Other,
            aim: Aim::Nothing,
            destination: 0,
            port: 0,
            source_port: 0,
            protocol: 0,
            name: NOBODY,
            shadow: NOBODY,
            server: 0,
            origin: NOBODY,
            wanted: NOBODY,
            caller: NOBODY,
        };
        Self {
            going: Box::new([Going::new(nobody, 0, 0); BATCH]),
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
        let queue = std::mem::replace(&mut self.queues[stage as usize], Queue::EMPTY);
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
            Start::Slot(own) => self.fast.slot(own).ip,
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
                if !matches!(self.fast.slot(own).kind(), Kind::Machine | Kind::Firewall | Kind::Listener) =>
            {
                self.defer(i);
            }
            Start::Slot(own) => {
                self.going[i].slot = own;
                self.go(i, Stage::Leave);
            }
            Start::Internet(HOST) => self.defer(i),
            Start::Subnet(subnet, _) => {
                self.going[i].subnet = subnet;
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
        match stage {
            Stage::Leave | Stage::Arrive | Stage::Inside | Stage::Public => {
                going.places += 1;
                if going.places > MOST_PLACES {
                    return self.defer(i);
                }
            }
            _ => {}
        }
        let fast = self.fast;
        match stage {
            Stage::Leave | Stage::Arrive | Stage::Judge => {
                self.cpu.fetch(fast.lines.line(fast.slot_line(going.slot)));
            }
            Stage::Inside => {
                let home = fast.home(going.vnet, going.header.destination);
                self.cpu.fetch(fast.lines.line(fast.slot_line(home)));
            }
            Stage::Filter | Stage::Route => {
                self.cpu.fetch(fast.lines.line(fast.subnets + going.subnet));
            }
            Stage::Public | Stage::Service => {}
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
        let going = &mut self.going[i];
        going.disposition = disposition;
        if terminal == Terminal::Platform {
            return self.allow(i);
        }
        self.trail.note(i, || Record::BACK);
        going.returning = true;
        going.places = 0;
        going.header = going.header.reversed();
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
        Decider::Owner(self.fast.slot(own).attachment)
    }

    // ---- leaving

    #[inline(always)]
    fn leave(&mut self, i: usize) {
        let own = self.going[i].slot;
        let row = self.fast.slot(own);
        self.trail.note(i, || Record::at(row.attachment));
        let going = &mut self.going[i];
        (going.subnet, going.from) = (row.subnet, own);
        if going.returning {
            self.undo_inbound(i, own);
        }
        if !self.is_carried(i) {
            return self.stop(i, Cause::PlatformProtocol, Decider::Nobody);
        }
        if !self.going[i].returning && !row.has(slot::PLATFORM) {
            return self.set_filter(i, After::Route, false, own);
        }
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
        going.header = after;
        true
    }

    // ---- filters

    /// Gathers the layers of rules at a place: a slot, or a subnet where that is [`NOBODY`].
    #[inline(always)]
    fn set_filter(&mut self, i: usize, after: After, inbound: bool, own: u32) {
        let going = &mut self.going[i];
        (going.after, going.inbound, going.slot) = (after, inbound, own);
        self.go(i, Stage::Filter);
    }

    #[inline(always)]
    fn filter(&mut self, queue: &Queue) {
        for i in queue.flows() {
            let home = self.fast.subnet(self.going[i].subnet).vnet;
            self.going[i].vnet = home;
            self.cpu.fetch(self.fast.lines.line(self.fast.vnets + home));
        }
        let mut open = Queue::EMPTY;
        for i in queue.flows() {
            if self.gather(i) {
                open.push(i as u8);
            }
        }
        for layer in 0..3 {
            self.ask(&mut open, layer);
        }
        for i in open.flows() {
            self.filtered(i);
        }
    }

    /// `true` where there are rules to ask; otherwise the flow has gone on.
    #[inline(always)]
    fn gather(&mut self, i: usize) -> bool {
        let fast = self.fast;
        let (inbound, own) = (self.going[i].inbound, self.going[i].slot);
        let (here, home) = (fast.subnet(self.going[i].subnet), fast.vnet(self.going[i].vnet));
        let row = (own != NOBODY).then(|| fast.slot(own));
        let header = self.going[i].header;
        let platform = matches!(header.destination, HOST | METADATA);
        if here.has(subnet::GROUP_DOUBT) || row.is_some_and(|r| r.has(slot::GROUP_DOUBT)) {
            self.defer(i);
            return false;
        }
        let side = usize::from(!inbound);
        let ruled = row.is_none_or(|r| r.has(slot::RULED)) && !platform && !here.has(subnet::SPARED);
        let mut layers = [Layer::default(); 3];
        let mut count = 0;
        let mut add = |layer: Layer| {
            layers[count] = layer;
            count += 1;
        };
        if ruled && home.admin[side] != 0 {
            add(Layer { head: home.admin[side], nsg: 0 });
        }
        let of_subnet = here.has(subnet::GROUP).then_some(Layer { head: here.rules[side], nsg: here.nsg });
        let of_slot = row.filter(|r| r.nsg != 0);
        let of_slot = of_slot.map(|r| Layer { head: fast.groups[r.nsg as usize - 1][side], nsg: r.nsg });
        // The host's own services but DNS are closed by nothing (NSG-18).
        let agent = header.destination == HOST && header.port != DNS;
        let groups = if inbound { [of_subnet, of_slot] } else { [of_slot, of_subnet] };
        let grouped = of_subnet.is_some() || of_slot.is_some();
        if !agent {
            for layer in groups.into_iter().flatten() {
                add(layer);
            }
        }
        let spared = row.is_some_and(|r| r.has(slot::PLATFORM) || r.kind() == Kind::Endpoint);
        if !grouped && !spared && home.has(vnet::ACCESS_DOUBT) {
            self.defer(i);
            return false;
        }
        // A Standard public front is closed where no group opens it, after what security admin rules say.
        if inbound && own != NOBODY && std::mem::take(&mut self.going[i].closed) {
            match count {
                0 => {
                    let decider = self.owner(own);
                    self.stop(i, Cause::PublicAddressClosed, decider);
                }
                _ => self.defer(i),
            }
            return false;
        }
        let going = &mut self.going[i];
        (going.layers, going.layer_count) = (layers, count as u8);
        if count == 0 {
            self.filtered(i);
            return false;
        }
        for layer in &layers[..count] {
            self.cpu.fetch(fast.lines.line(layer.head));
        }
        self.set_ask(i, &here, &home, platform);
        true
    }

    /// What the rules see of a flow there.
    #[inline(always)]
    fn set_ask(&mut self, i: usize, here: &SubnetRow, home: &VnetRow, platform: bool) {
        let fast = self.fast;
        let Header { source, destination, source_port, port } = self.going[i].header;
        let own = self.going[i].slot;
        let [from, to] = [self.see(i, source), self.see(i, destination)];
        let public = [from.public, to.public];
        let internet = match home.has(vnet::OWN_INTERNET) {
            true => [self.holds(home.internet, source), self.holds(home.internet, destination)],
            false => public,
        };
        let network = [self.holds(here.tag, source), self.holds(here.tag, destination)];
        let tags = [from.tags, to.tags];
        let going = &self.going[i];
        let asks = |layer: &Layer| rules::asks_groups(&fast.lines, layer.head);
        let groups = match going.layers[..usize::from(going.layer_count)].iter().any(asks) {
            true if own != NOBODY => self.members(i, own),
            _ => [(0, 0); 2],
        };
        // At a private endpoint conditions on source ports are passed over (NSG-27).
        let source_port = if going.after == After::Endpoint { 0 } else { source_port };
        let protocol = going.ids.protocol;
        self.going[i].ask = rules::Ask {
            source,
            destination,
            source_port,
            port,
            protocol,
            network,
            internet,
            tags,
            groups,
            platform_only: platform,
            network_doubt: here.has(subnet::TAG_DOUBT),
        };
    }

    /// Whether a set of addresses holds one.
    #[inline(always)]
    pub(super) fn holds(&self, set: Tree, ip: u32) -> bool {
        set.rank(self.cpu, &self.fast.lines, ip) & 1 != 0
    }

    /// Memberships of sender and receiver in application security groups, as seen from a slot (ASG-3).
    #[inline(always)]
    fn members(&self, i: usize, own: u32) -> [(u32, u32); 2] {
        let fast = self.fast;
        let going = &self.going[i];
        let run = |place: u32| fast.member_runs.get(&place).copied().unwrap_or_default();
        let other = if going.inbound { going.header.source } else { going.header.destination };
        let other = fast.at_address(going.vnet, other).map_or((0, 0), |(place, _)| run(place));
        let mine = run(own);
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
        let public = self.is_public(ip);
        let seen = Seen { ip, tags: self.tag_row_of(ip, public), public, known: true };
        self.going[i].seen = [seen, last];
        seen
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
        let has = |going: &Going| usize::from(going.layer_count) > layer;
        let mut asked = Queue::EMPTY;
        let mut left = Queue::EMPTY;
        for i in open.flows() {
            let going = &mut self.going[i];
            if has(going) {
                let head = going.layers[layer].head;
                going.search.begin(self.cpu, &fast.lines, head);
                asked.push(i as u8);
            } else {
                left.push(i as u8);
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
            if self.answered(i, layer) {
                left.push(i as u8);
            }
        }
        *open = left;
    }

    /// What a layer says; `false` where that ends the flow.
    #[inline(always)]
    fn answered(&mut self, i: usize, layer: usize) -> bool {
        let Layer { head, nsg } = self.going[i].layers[layer];
        let said = self.going[i].search.finish(self.cpu, self.fast.around(), &self.going[i].ask, None);
        self.tell(i, nsg, said);
        match said {
            rules::Said::Nothing | rules::Said::Rule(_, rules::Says::Allow) => true,
            rules::Said::Rule(_, rules::Says::AlwaysAllow) => {
                self.going[i].layer_count = 0;
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
                let (cause, decider) = match nsg {
                    0 => {
                        let vnet = self.going[i].vnet;
                        (Cause::AdminRuleDeny, Decider::Admin { vnet, inbound, rule: number })
                    }
                    nsg => {
                        // The last three rules of a group are Azure's own (NSG-3).
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
    fn tell(&mut self, i: usize, nsg: u32, said: rules::Said) {
        let (inbound, vnet) = (self.going[i].inbound, self.going[i].vnet);
        let rule = match said {
            rules::Said::Rule(rule, _) => Some(rule),
            rules::Said::Nothing => None,
            rules::Said::Doubt => return,
        };
        match (nsg, rule) {
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
        if let Some((own, _)) = self.fast.at_address(home, destination) {
            self.going[i].slot = own;
            return self.go(i, Stage::Arrive);
        }
        let row = self.fast.vnet(home);
        if row.has(vnet::SPACE_DOUBT) {
            return self.defer(i);
        }
        let rank = row.subnets.rank(self.cpu, &self.fast.lines, destination);
        match self.fast.lines.word(row.subnet_rows, rank) {
            0 => {
                let owner = Slot { table: TableTag::VirtualNetwork, row: home };
                self.stop(i, Cause::AddressNotInUse, Decider::Resource(owner));
            }
            subnet => {
                let own = (subnet - 1) & !vnet::RESERVED;
                self.trail.note(i, || Record::within(own));
                self.going[i].subnet = own;
                self.going[i].reserved = (subnet - 1) & vnet::RESERVED != 0;
                match self.going[i].returning {
                    true => self.at_subnet(i),
                    false => self.set_filter(i, After::Subnet, true, NOBODY),
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
        self.arrived(i, Terminal::Subnet(number), Disposition::DeliveredToSubnet);
    }

    #[inline(always)]
    fn arrive(&mut self, i: usize) {
        let own = self.going[i].slot;
        let row = self.fast.slot(own);
        self.trail.note(i, || Record::at(row.attachment));
        if self.going[i].returning {
            return self.arrive_back(i, own);
        }
        self.going[i].subnet = row.subnet;
        self.going[i].vnet = row.vnet;
        match row.kind() {
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
        let row = self.fast.slot(own);
        if row.ip == self.going[i].header.destination {
            let ports = rules::has_ports(self.going[i].ids.protocol);
            let closed = ports && row.has(slot::LISTENS) && {
                !self.fast.answers[row.about as usize].contains(self.going[i].header.port)
            };
            if closed {
                let decider = self.owner(own);
                return self.stop(i, Cause::NothingListens, decider);
            }
            return self.arrived(i, Terminal::Slot(own), Disposition::Accepted);
        }
        if row.has(slot::FORWARDS_DOUBT) {
            return self.defer(i);
        }
        if !row.has(slot::FORWARDS) {
            let decider = self.owner(own);
            return self.stop(i, Cause::NextHopNotForwarding, decider);
        }
        let before = self.going[i].header;
        let translates = row.has(slot::TRANSLATES);
        let after = Header { source: if translates { row.ip } else { before.source }, ..before };
        if self.remember(i, Device::Transit(own), after, true) {
            self.go(i, Stage::Leave);
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
    fn arrive_back(&mut self, i: usize, own: u32) {
        let row = self.fast.slot(own);
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
        self.going[i].header = after;
        self.go(i, Stage::Leave);
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
        let here = self.fast.subnet(self.going[i].subnet);
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
