//! The walk at full depth: which places a flow came to and which rules and routes decided there, eight bytes each.
//!
//! A [`Record`] is numbers alone: what it is in four bits, a row of a table in 28, a rule or an address in 32. Words
//! come from [`super::Asker::told`], for the records somebody looks at; a route is named by the address that was looked
//! up, since which route of the table it was is one more look-up. Who only wants answers pays a test for each note: the
//! walk compiled twice, silent and with records, took twice as long to build. Memory is the caller's: [`Trails`] keeps what it has between batches.

use super::walk::BATCH;
use crate::inventory::{Id, PlatformService, Subnet};
use crate::net::IpAddr;
use crate::network::AttachmentId;

/// Records of one flow; one with more is left to the full engine.
const MOST: usize = 96;

/// One decision, or one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record(u64);

/// Which routes were asked, and which of their layers held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// A user-defined route.
    User,
    /// A system or gateway route.
    Network,
    /// The route of a private endpoint.
    PrivateEndpoint,
    /// The route of a service endpoint.
    ServiceEndpoint,
    /// A route of the network alone: no route table was asked.
    NetworkAlone,
    /// No route.
    Nothing,
}

/// A record, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Note {
    /// At something with an address.
    At(AttachmentId),
    /// At a host of a subnet that no resource stands for.
    Within(Id<Subnet>),
    /// A group was asked.
    Group {
        /// Its row.
        nsg: u32,
        /// The direction.
        inbound: bool,
        /// The number of the rule; `None` where none acts.
        rule: Option<u32>,
    },
    /// A security admin rule.
    Admin {
        /// The network's row.
        vnet: u32,
        /// The direction.
        inbound: bool,
        /// Its number.
        rule: u32,
    },
    /// The routes of a subnet were asked.
    Route {
        /// The subnet.
        subnet: Id<Subnet>,
        /// The address looked up.
        destination: u32,
        /// What held.
        by: By,
    },
    /// A rule of a firewall.
    Firewall {
        /// The firewall's row.
        firewall: u32,
        /// Whether it is an application rule.
        application: bool,
        /// Its number.
        rule: u32,
    },
    /// The header changed: its source, and behind it its destination, are others from here on.
    Translated(IpAddr),
    /// In front of a service.
    Service(Id<PlatformService>),
    /// The answer sets out.
    Back,
    /// In public space.
    Public,
}

mod kind {
    pub(super) const AT: u64 = 0;
    pub(super) const WITHIN: u64 = 1;
    pub(super) const GROUP: u64 = 2;
    pub(super) const ADMIN: u64 = 4;
    pub(super) const ROUTE: u64 = 6;
    pub(super) const NETWORK_RULE: u64 = 12;
    pub(super) const APPLICATION_RULE: u64 = 13;
    pub(super) const TRANSLATED: u64 = 14;
    pub(super) const OTHER: u64 = 15;
}

/// No rule of a set acts.
const NO_RULE: u32 = u32::MAX;

impl Record {
    #[inline(always)]
    fn new(kind: u64, row: u32, detail: u32) -> Self {
        Self(kind << 60 | u64::from(row) << 32 | u64::from(detail))
    }

    #[inline(always)]
    pub(super) fn at(attachment: u32) -> Self {
        Self::new(kind::AT, 0, attachment)
    }

    #[inline(always)]
    pub(super) fn within(subnet: u32) -> Self {
        Self::new(kind::WITHIN, 0, subnet)
    }

    #[inline(always)]
    pub(super) fn group(nsg: u32, inbound: bool, rule: Option<u32>) -> Self {
        Self::new(kind::GROUP + u64::from(!inbound), nsg, rule.unwrap_or(NO_RULE))
    }

    #[inline(always)]
    pub(super) fn admin(vnet: u32, inbound: bool, rule: u32) -> Self {
        Self::new(kind::ADMIN + u64::from(!inbound), vnet, rule)
    }

    #[inline(always)]
    pub(super) fn route(subnet: u32, destination: u32, by: By) -> Self {
        Self::new(kind::ROUTE + by as u64, subnet, destination)
    }

    #[inline(always)]
    pub(super) fn firewall(firewall: u32, application: bool, rule: u32) -> Self {
        let kind = if application { kind::APPLICATION_RULE } else { kind::NETWORK_RULE };
        Self::new(kind, firewall, rule)
    }

    #[inline(always)]
    pub(super) fn translated(source: u32) -> Self {
        Self::new(kind::TRANSLATED, 0, source)
    }

    #[inline(always)]
    pub(super) fn service(service: u32) -> Self {
        Self::new(kind::OTHER, 2, service)
    }

    pub(super) const BACK: Record = Record(kind::OTHER << 60);
    pub(super) const PUBLIC: Record = Record(kind::OTHER << 60 | 1 << 32);

    /// What it says.
    pub fn read(self) -> Note {
        let (row, detail) = ((self.0 >> 32) as u32 & ((1 << 28) - 1), self.0 as u32);
        let by = |n: u64| match n {
            0 => By::User,
            1 => By::Network,
            2 => By::PrivateEndpoint,
            3 => By::ServiceEndpoint,
            4 => By::NetworkAlone,
            _ => By::Nothing,
        };
        match self.0 >> 60 {
            kind::AT => Note::At(AttachmentId(detail)),
            kind::WITHIN => Note::Within(Id::new(detail as usize)),
            k @ (2 | 3) => {
                let rule = (detail != NO_RULE).then_some(detail);
                Note::Group { nsg: row, inbound: k == kind::GROUP, rule }
            }
            k @ (4 | 5) => Note::Admin { vnet: row, inbound: k == kind::ADMIN, rule: detail },
            kind::NETWORK_RULE => Note::Firewall { firewall: row, application: false, rule: detail },
            kind::APPLICATION_RULE => Note::Firewall { firewall: row, application: true, rule: detail },
            kind::TRANSLATED => Note::Translated(IpAddr::V4(detail.into())),
            kind::OTHER => match row {
                0 => Note::Back,
                1 => Note::Public,
                _ => Note::Service(Id::new(detail as usize)),
            },
            k => Note::Route { subnet: Id::new(row as usize), destination: detail, by: by(k - kind::ROUTE) },
        }
    }
}

/// Who listens to the walk.
pub(super) trait Trail {
    /// A flow is taken in at this place.
    fn begin(&mut self, i: usize);
    /// Something is to be remembered of it.
    fn note(&mut self, i: usize, record: impl FnOnce() -> Record);
    /// It is done; `false` where not all could be remembered.
    fn end(&mut self, i: usize, out: u32) -> bool;
}

/// Records of a batch, flow by flow, and the memory to write them.
#[derive(Debug)]
pub struct Trails {
    rows: Box<[[Record; MOST]; BATCH]>,
    counts: [u8; BATCH],
    records: Vec<Record>,
    spans: Vec<(u32, u32)>,
}

impl Default for Trails {
    fn default() -> Self {
        let (records, spans) = (Vec::new(), Vec::new());
        Self { rows: Box::new([[Record::BACK; MOST]; BATCH]), counts: [0; BATCH], records, spans }
    }
}

impl Trails {
    /// The records of a flow, by its place in the batch; none for one that the full engine answered.
    pub fn of(&self, flow: usize) -> &[Record] {
        let (first, end) = self.spans[flow];
        &self.records[first as usize..end as usize]
    }

    pub(super) fn reset(&mut self, flows: usize) {
        self.records.clear();
        self.spans.clear();
        self.spans.resize(flows, (0, 0));
    }

    pub(super) fn forget(&mut self, flow: usize) {
        self.spans[flow] = (0, 0);
    }

    /// Out of line, so that the silent walk has only the test.
    #[cold]
    #[inline(never)]
    fn put(&mut self, i: usize, record: Record) {
        let count = usize::from(self.counts[i]);
        // The last place is written again and again by a flow that has too many.
        self.rows[i][count] = record;
        self.counts[i] = (count + 1).min(MOST - 1) as u8;
    }

    #[cold]
    #[inline(never)]
    fn take(&mut self, i: usize, out: u32) -> bool {
        let count = usize::from(self.counts[i]);
        let first = self.records.len() as u32;
        self.records.extend_from_slice(&self.rows[i][..count]);
        self.spans[out as usize] = (first, first + count as u32);
        count < MOST - 1
    }
}

/// Somebody or nobody.
impl Trail for Option<&mut Trails> {
    #[inline(always)]
    fn begin(&mut self, i: usize) {
        if let Some(trails) = self {
            trails.counts[i] = 0;
        }
    }

    #[inline(always)]
    fn note(&mut self, i: usize, record: impl FnOnce() -> Record) {
        if let Some(trails) = self {
            trails.put(i, record());
        }
    }

    #[inline(always)]
    fn end(&mut self, i: usize, out: u32) -> bool {
        self.as_mut().is_none_or(|trails| trails.take(i, out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_as_they_were_written() {
        let check = |record: Record, note: Note| assert_eq!(record.read(), note);
        let most = (1 << 28) - 1;
        check(Record::at(u32::MAX), Note::At(AttachmentId(u32::MAX)));
        check(Record::within(7), Note::Within(Id::new(7)));
        for inbound in [true, false] {
            for rule in [Some(0), Some(65_535), None] {
                check(Record::group(most, inbound, rule), Note::Group { nsg: most, inbound, rule });
            }
            check(Record::admin(3, inbound, 9), Note::Admin { vnet: 3, inbound, rule: 9 });
        }
        use By::*;
        for by in [User, Network, PrivateEndpoint, ServiceEndpoint, NetworkAlone, Nothing] {
            let (subnet, destination) = (Id::new(most as usize), u32::MAX - 1);
            check(Record::route(most, destination, by), Note::Route { subnet, destination, by });
        }
        for application in [true, false] {
            let note = Note::Firewall { firewall: 2, application, rule: 20_000 };
            check(Record::firewall(2, application, 20_000), note);
        }
        check(Record::translated(0x0a00_0001), Note::Translated("10.0.0.1".parse().expect("an address")));
        check(Record::service(5), Note::Service(Id::new(5)));
        check(Record::BACK, Note::Back);
        check(Record::PUBLIC, Note::Public);
    }

    #[test]
    fn who_has_too_many_is_told_so() {
        let mut trails = Trails::default();
        trails.reset(2);
        let mut trail = Some(&mut trails);
        for (flow, count) in [(0, MOST - 2), (1, MOST + 5)] {
            trail.begin(flow);
            (0..count).for_each(|n| trail.note(flow, || Record::at(n as u32)));
            assert_eq!(trail.end(flow, flow as u32), flow == 0);
        }
        assert_eq!(trails.of(0).len(), MOST - 2);
        assert_eq!(trails.of(0)[5].read(), Note::At(AttachmentId(5)));
    }
}
