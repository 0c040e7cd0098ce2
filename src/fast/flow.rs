//! A flow as the walk carries it, and its answer.

use super::leaf;
use super::rules::{Ask, Narrow, Search};
use super::tables::NOBODY;
use super::tree::Cursor;
use crate::inventory::Slot;
use crate::trace::{Cause, Disposition, Outcome};

/// Where a flow starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the holder of a slot.
    Slot(u32),
    /// At some host of a subnet.
    Subnet(u32, u32),
    /// At a public client.
    Internet(u32),
    /// Where only the full engine knows its way.
    Other,
}

/// What a flow is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// An address.
    Nothing,
    /// The holder of a slot.
    Slot(u32),
    /// An endpoint of a service, by position.
    Service(u32, u8),
    /// Somebody else's service.
    Foreign,
    /// A host of Azure itself.
    WellKnown,
    /// A described host of the internet.
    Host(u32),
    /// Some public host, or a public address of the estate.
    Public,
    /// A name that does not resolve, by the number of its verdict.
    Unresolved(u32),
    /// What only the full engine knows.
    Other,
}

/// A flow in numbers. [`super::Asker`] makes it of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowIds {
    /// Where it starts.
    pub start: Start,
    /// What is meant.
    pub aim: Aim,
    /// The destination address.
    pub destination: u32,
    /// The destination port.
    pub port: u16,
    /// The source port.
    pub source_port: u16,
    /// The protocol's number among [`crate::net::Protocol::ALL`].
    pub protocol: u8,
    /// The name asked for; [`NOBODY`] for none.
    pub name: u32,
    /// What keeps the private zone from answering, by number; [`NOBODY`] for nothing.
    pub shadow: u32,
    /// The DNS server that must be reached first; 0 for none.
    pub server: u32,
    /// The question in full, by number, for what the full engine must answer.
    pub origin: u32,
    /// The other half of it.
    pub wanted: u32,
    /// Who calls and what for, by number; [`NOBODY`] where nobody is named.
    pub caller: u32,
}

impl FlowIds {
    /// A flow from nowhere to nothing.
    pub(super) const NOTHING: FlowIds = FlowIds {
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
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decider {
    /// Nothing that has a name.
    Nobody,
    /// A rule of a network security group, by number.
    Group {
        /// The group's row.
        nsg: u32,
        /// Direction and number of the rule.
        inbound: bool,
        /// Its number.
        rule: u16,
    },
    /// A security admin rule of a network, by number.
    Admin {
        /// The network's row.
        vnet: u32,
        /// Direction.
        inbound: bool,
        /// Its number.
        rule: u16,
    },
    /// A route of a subnet's table, by number.
    Route {
        /// The subnet's row.
        subnet: u32,
        /// Its number.
        route: u16,
    },
    /// A rule of a firewall, by number.
    Firewall {
        /// The firewall's row.
        firewall: u16,
        /// Whether it is an application rule.
        application: bool,
        /// Its number.
        rule: u32,
    },
    /// A resource.
    Resource(Slot),
    /// What an attachment belongs to, by number.
    Owner(u32),
    /// A text kept with the names.
    Text(u32),
    /// A text of the batch that was decided last.
    Said(u32),
}

/// The answer to a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The answer.
    pub outcome: Outcome,
    /// How it ended.
    pub disposition: Disposition,
    /// Why, where it did not get through.
    pub cause: Option<Cause>,
    /// Whether the full engine gave it.
    pub deferred: bool,
    /// What decided.
    pub decider: Decider,
}

impl Verdict {
    /// An answer still to be given.
    pub const PENDING: Verdict = Verdict {
        outcome: Outcome::Unknown,
        disposition: Disposition::InsufficientInfo,
        cause: None,
        deferred: true,
        decider: Decider::Nobody,
    };
}

/// A packet's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub source: u32,
    pub destination: u32,
    pub source_port: u16,
    pub port: u16,
}

impl Header {
    #[inline(always)]
    pub(super) fn reversed(self) -> Header {
        Header {
            source: self.destination,
            destination: self.source,
            source_port: self.port,
            port: self.source_port,
        }
    }
}

/// What remembers a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Device {
    Transit(u32),
    Inbound(u32),
    Outbound(u32),
}

/// A device that remembers the flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub device: Device,
    pub incoming: Header,
    pub outgoing: Header,
    pub stateful: bool,
    pub answered: bool,
}

/// More sessions than this are left to the full engine.
pub(super) const MOST_SESSIONS: usize = 6;

const NO_SESSION: Session = Session {
    device: Device::Transit(NOBODY),
    incoming: Header { source: 0, destination: 0, source_port: 0, port: 0 },
    outgoing: Header { source: 0, destination: 0, source_port: 0, port: 0 },
    stateful: false,
    answered: false,
};

/// Where a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terminal {
    Slot(u32),
    Subnet(u32),
    Public,
    Endpoint(u32),
    ServiceEndpoint(u32),
    Platform,
}

/// How a flow came to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Public,
    ServiceEndpoint(u32),
    Endpoint(u32),
}

/// What comes after the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Route,
    Machine,
    Endpoint,
    Listener,
    Subnet,
}

/// What is known of an address wherever the flow is: kept, since every stage asks it again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub ip: u32,
    /// The row of the service tags that hold it.
    pub tags: u32,
    pub public: bool,
    /// Whether any of this was looked up.
    pub known: bool,
}

/// A flow on its way: what every stage asks first, then what fewer do. 128 of them are more than the first cache holds,
/// so each line of one counts.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Going {
    pub header: Header,
    pub slot: u32,
    pub subnet: u32,
    pub vnet: u32,
    /// The slot it left the subnet from.
    pub from: u32,
    /// What is special about where it is: flags of the place, and the group there, plus one.
    pub place: u32,
    pub flags: u32,
    pub nsg: u32,
    /// The line that tells where its address leads.
    pub line: u32,
    /// Where its answer goes.
    pub out: u32,
    /// The firewall it is at, and the number of its leaves.
    pub firewall: u32,
    pub index: u32,
    pub after: After,
    pub inbound: bool,
    pub returning: bool,
    pub places: u8,
    pub session_count: u8,
    /// Whether the question to rules has the header.
    pub asked: bool,
    /// It came in by a public front that is closed where no group opens it.
    pub closed: bool,
    /// The next route is chosen among the network's own.
    pub by_network: bool,
    /// Headers of the sets of rules to be asked, in order: security admin rules, two groups; 0 for none.
    pub heads: [u32; 3],
    /// The addresses it had last.
    pub seen: [Seen; 2],
    pub aim: Aim,
    pub arrival: Arrival,
    pub disposition: Disposition,
    /// An application rule matched, so every firewall from there on puts its own address in (FW-19).
    pub proxied: bool,
    pub endpoint_seen: bool,
    /// The address it is for is one that Azure keeps for itself.
    pub reserved: bool,
    pub ask: Ask,
    pub ids: FlowIds,
    /// Searches under way: rules, and the three layers of routes.
    pub narrow: [Narrow; 3],
    pub leaves: leaf::Search,
    /// The service refuses it, unless its answer is lost before.
    pub refused: Option<(Cause, Decider)>,
    pub sessions: [Session; MOST_SESSIONS],
    pub search: Search,
    pub routes: [Cursor; 3],
}

impl Going {
    pub(super) fn new(ids: FlowIds, out: u32, source: u32) -> Self {
        let header =
            Header { source, destination: ids.destination, source_port: ids.source_port, port: ids.port };
        Self {
            ids,
            out,
            header,
            slot: NOBODY,
            subnet: NOBODY,
            vnet: NOBODY,
            from: NOBODY,
            place: 0,
            flags: 0,
            nsg: 0,
            heads: [0; 3],
            after: After::Route,
            inbound: false,
            returning: false,
            places: 0,
            session_count: 0,
            proxied: false,
            endpoint_seen: false,
            closed: false,
            reserved: false,
            by_network: false,
            refused: None,
            aim: ids.aim,
            arrival: Arrival::Public,
            disposition: Disposition::Accepted,
            ask: Ask::default(),
            asked: false,
            seen: [Seen::default(); 2],
            narrow: [Narrow::default(); 3],
            search: Search::default(),
            leaves: leaf::Search::default(),
            firewall: NOBODY,
            index: 0,
            line: 0,
            routes: [Cursor::default(); 3],
            sessions: [NO_SESSION; MOST_SESSIONS],
        }
    }

    /// Takes another flow in; old sessions are left, since they are counted.
    #[inline(always)]
    pub(super) fn begin(&mut self, ids: FlowIds, out: u32, source: u32) {
        self.header =
            Header { source, destination: ids.destination, source_port: ids.source_port, port: ids.port };
        (self.ids, self.out, self.aim) = (ids, out, ids.aim);
        (self.slot, self.subnet, self.vnet, self.from) = (NOBODY, NOBODY, NOBODY, NOBODY);
        (self.places, self.session_count) = (0, 0);
        (self.returning, self.proxied, self.endpoint_seen) = (false, false, false);
        (self.closed, self.by_network, self.asked, self.refused) = (false, false, false, None);
        (self.seen[0].known, self.seen[1].known) = (false, false);
    }

    /// The sessions so far.
    #[inline(always)]
    pub(super) fn sessions(&mut self) -> &mut [Session] {
        &mut self.sessions[..usize::from(self.session_count)]
    }
}
