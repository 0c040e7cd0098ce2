//! The compiled tables as the walk reads them: rows of words in the arena, and short lists beside it.

use super::lines::{Line, Lines};
use super::routes::{Hop, Knobs, UserTable};
use super::rules::{Around, TagRow};
use super::spans::Spans;
use super::tree::Tree;
use hashbrown::HashMap;
use serde::de::Deserializer;
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// Words of a slot; four slots share a line.
pub const SLOT_WORDS: u32 = 4;

/// Words of what several slots have in common; two share a line.
pub const PLACE_WORDS: u32 = 8;

/// Where the kind stands above the number of a place.
const KIND_AT: u32 = 29;

/// No row.
pub const NOBODY: u32 = u32::MAX;

/// What holds an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A machine, or a node of a service.
    Machine,
    /// A private endpoint.
    Endpoint,
    /// An Azure Firewall.
    Firewall,
    /// A Bastion host or resolver endpoint: answers one port.
    Listener,
    /// A frontend of a load balancer.
    Frontend,
    /// What only the full engine follows.
    Other,
}

impl Kind {
    #[inline(always)]
    fn of(number: u32) -> Self {
        match number {
            0 => Kind::Machine,
            1 => Kind::Endpoint,
            2 => Kind::Firewall,
            3 => Kind::Listener,
            4 => Kind::Frontend,
            _ => Kind::Other,
        }
    }
}

/// Flags of a slot.
pub mod slot {
    /// Groups of the subnet do not act on it for want of routes of its own.
    pub const PLATFORM: u32 = 1 << 4;
    /// Security admin rules act.
    pub const RULED: u32 = 1 << 5;
    /// It forwards.
    pub const FORWARDS: u32 = 1 << 6;
    /// It is not known whether it forwards.
    pub const FORWARDS_DOUBT: u32 = 1 << 7;
    /// It puts its own address on what it forwards.
    pub const TRANSLATES: u32 = 1 << 8;
    /// The ports it answers are told.
    pub const LISTENS: u32 = 1 << 9;
    /// Its group is not known.
    pub const GROUP_DOUBT: u32 = 1 << 10;
    /// Its public address is closed for want of a group.
    pub const CLOSED: u32 = 1 << 11;
    /// Something about its public address is not known.
    pub const PUBLIC_DOUBT: u32 = 1 << 12;
    /// It has DNS servers of its own.
    pub const OWN_DNS: u32 = 1 << 13;
    /// A listener that answers port 53, not 443.
    pub const RESOLVER: u32 = 1 << 14;
    /// It is in an application security group.
    pub const MEMBER: u32 = 1 << 15;
}

/// A slot read from the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRow {
    /// Its address.
    pub ip: u32,
    /// Its network.
    pub vnet: u32,
    /// Its subnet.
    pub subnet: u32,
    /// Kind and flags.
    pub flags: u32,
    /// The group of its interface, plus one.
    pub nsg: u32,
    /// Depends on the kind: row of the firewall, of the endpoint, of the ports it answers.
    pub about: u32,
    /// Its number in the network; [`NOBODY`] where the slot is empty.
    pub attachment: u32,
    /// Its outbound method, plus one, where it has one of its own.
    pub method: u32,
}

impl SlotRow {
    /// Its kind.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        Kind::of(self.flags & 15)
    }

    /// Whether a flag is set.
    #[inline(always)]
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// What other slots may have, too.
    pub(super) fn place(&self) -> Place {
        let SlotRow { subnet, flags, nsg, about, method, .. } = *self;
        Place { subnet, flags, nsg, about, method }
    }
}

/// What a slot shares with others: where it is and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The subnet.
    pub subnet: u32,
    /// Kind and flags.
    pub flags: u32,
    /// The group of the interface, plus one.
    pub nsg: u32,
    /// Depends on the kind.
    pub about: u32,
    /// Its outbound method, plus one.
    pub method: u32,
}

impl Place {
    /// A host of a subnet that has nothing of its own.
    #[inline(always)]
    pub fn of_subnet(subnet: u32) -> Self {
        Self { subnet, flags: slot::RULED, nsg: 0, about: 0, method: 0 }
    }

    /// Whether a flag is set.
    #[inline(always)]
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// A slot as it stands in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Its address.
    pub ip: u32,
    /// Its network.
    pub vnet: u32,
    /// The number of its place, and its kind above.
    place: u32,
    /// Its number in the network; [`NOBODY`] where the slot is empty.
    pub attachment: u32,
}

impl Spot {
    /// An empty slot.
    pub(super) const EMPTY: Spot = Spot { ip: 0, vnet: 0, place: 0, attachment: NOBODY };

    pub(super) fn new(row: &SlotRow, place: u32) -> Self {
        assert!(place < 1 << KIND_AT, "INVARIANT: places are fewer than 2^29");
        Self {
            ip: row.ip,
            vnet: row.vnet,
            place: place | (row.flags & 7) << KIND_AT,
            attachment: row.attachment,
        }
    }

    /// Its kind.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        Kind::of(self.place >> KIND_AT)
    }

    /// The number of its place.
    #[inline(always)]
    pub fn place(&self) -> u32 {
        self.place & ((1 << KIND_AT) - 1)
    }
}

/// Flags of a subnet.
pub mod subnet {
    /// Its group acts.
    pub const GROUP: u32 = 1;
    /// Its group is not known.
    pub const GROUP_DOUBT: u32 = 1 << 1;
    /// Security admin rules pass it over.
    pub const SPARED: u32 = 1 << 2;
    /// It is not an ordinary subnet.
    pub const SPECIAL: u32 = 1 << 3;
    /// Its route table is not wholly known.
    pub const TABLE_DOUBT: u32 = 1 << 4;
    /// Gateway or peering routes are not wholly known.
    pub const ROUTE_DOUBT: u32 = 1 << 5;
    /// None routes are gone (RT-3a).
    pub const NONE_REMOVED: u32 = 1 << 6;
    /// Gateway routes are kept out.
    pub const NO_GATEWAY: u32 = 1 << 7;
    /// `VirtualNetwork` may hold more.
    pub const TAG_DOUBT: u32 = 1 << 8;
    /// Groups act on private endpoints.
    pub const FILTERS_ENDPOINTS: u32 = 1 << 9;
    /// It is not known whether they do.
    pub const FILTERS_DOUBT: u32 = 1 << 10;
    /// It has service endpoint policies.
    pub const POLICIES: u32 = 1 << 11;
    /// A peering of its network gives, or may give, no access.
    pub const ACCESS_DOUBT: u32 = 1 << 12;
    /// `Internet` is not simply what is public.
    pub const OWN_INTERNET: u32 = 1 << 13;
    /// What its route table says.
    pub const OF_ROUTES: u32 = TABLE_DOUBT | ROUTE_DOUBT | NONE_REMOVED | NO_GATEWAY;
    /// Above this bit stands the length of its prefix, of which Azure keeps some addresses (PLAT-5); 0 where it has
    /// several.
    pub const LENGTH_AT: u32 = 27;
}

/// A subnet read from the arena: one line that every flow asks, and one for those whose way is not written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubnetRow {
    /// Its network.
    pub vnet: u32,
    /// Flags.
    pub flags: u32,
    /// Headers of its group's rules, in and out.
    pub rules: [u32; 2],
    /// Headers of its network's security admin rules, in and out; 0 for none.
    pub admin: [u32; 2],
    /// What `VirtualNetwork` holds there.
    pub tag: Tree,
    /// Where its addresses lead, written out (`fast::way`); nowhere where only the routes themselves tell. Whoever
    /// changes the routes of a subnet takes this away, or writes it anew.
    pub way: Spans,
    /// Its group, plus one.
    pub nsg: u32,
    /// Its route table.
    pub user: UserTable,
    /// The routes of its network; their values follow the tree.
    pub network: Tree,
    /// Its outbound method.
    pub method: u32,
    /// Its service endpoints: the row of their tags, plus one.
    pub endpoints: u32,
}

/// Words of a subnet's first line.
pub mod hot {
    /// Its network.
    pub const VNET: usize = 0;
    /// Flags.
    pub const FLAGS: usize = 1;
    /// Headers of its group's rules, in and out.
    pub const RULES: usize = 2;
    /// Headers of security admin rules, in and out.
    pub const ADMIN: usize = 4;
    /// The tree of `VirtualNetwork`.
    pub const TAG: usize = 6;
    /// Where addresses lead.
    pub const WAY: usize = 8;
    /// Its group, plus one.
    pub const NSG: usize = 10;
}

/// Lines of a subnet.
pub const SUBNET_LINES: u32 = 2;

impl SubnetRow {
    /// Reads both lines.
    #[inline(always)]
    pub fn read([Line(w), Line(c)]: &[Line; SUBNET_LINES as usize]) -> Self {
        Self {
            vnet: w[hot::VNET],
            flags: w[hot::FLAGS],
            rules: [w[hot::RULES], w[hot::RULES + 1]],
            admin: [w[hot::ADMIN], w[hot::ADMIN + 1]],
            tag: Tree { root: w[hot::TAG], shape: w[hot::TAG + 1] },
            way: Spans { tree: Tree { root: w[hot::WAY], shape: w[hot::WAY + 1] } },
            nsg: w[hot::NSG],
            user: UserTable {
                base: Spans { tree: Tree { root: c[0], shape: c[1] } },
                own: Spans { tree: Tree { root: c[2], shape: c[3] } },
                hops: c[4],
            },
            network: Tree { root: c[5], shape: c[6] },
            method: c[7],
            endpoints: c[8],
        }
    }

    /// As lines.
    pub fn lines(&self) -> [Line; SUBNET_LINES as usize] {
        let (mut w, mut c) = ([0; 16], [0; 16]);
        (w[hot::VNET], w[hot::FLAGS], w[hot::NSG]) = (self.vnet, self.flags, self.nsg);
        w[hot::RULES..hot::RULES + 2].copy_from_slice(&self.rules);
        w[hot::ADMIN..hot::ADMIN + 2].copy_from_slice(&self.admin);
        w[hot::TAG..hot::TAG + 2].copy_from_slice(&[self.tag.root, self.tag.shape]);
        w[hot::WAY..hot::WAY + 2].copy_from_slice(&[self.way.tree.root, self.way.tree.shape]);
        let (base, own) = (self.user.base.tree, self.user.own.tree);
        c[..5].copy_from_slice(&[base.root, base.shape, own.root, own.shape, self.user.hops]);
        c[5..9].copy_from_slice(&[self.network.root, self.network.shape, self.method, self.endpoints]);
        [Line(w), Line(c)]
    }

    /// Whether a flag is set.
    #[inline(always)]
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// What it adds to the choice of a route.
    #[inline(always)]
    pub fn knobs(&self) -> Knobs {
        Knobs {
            none_removed: self.has(subnet::NONE_REMOVED),
            no_gateway: self.has(subnet::NO_GATEWAY),
            doubt: self.has(subnet::ROUTE_DOUBT),
        }
    }
}

/// Flags of a network.
pub mod vnet {
    /// A peering of it, or to it, is broken.
    pub const BROKEN: u32 = 1;
    /// A peering gives, or may give, no access.
    pub const ACCESS_DOUBT: u32 = 1 << 1;
    /// Something in it has no known address, or its space is not wholly known.
    pub const SPACE_DOUBT: u32 = 1 << 2;
    /// Whoever may hold an address near it cannot be told by the spaces alone.
    pub const NEAR_DOUBT: u32 = 1 << 3;
    /// `Internet` is not simply what is public.
    pub const OWN_INTERNET: u32 = 1 << 4;
    /// Its gateway and peering routes are not wholly known.
    pub const ROUTE_DOUBT: u32 = 1 << 5;
    /// Its None routes are gone, where no route table says otherwise.
    pub const NONE_REMOVED: u32 = 1 << 6;
    /// Set in a subnet's row where an address is one that Azure keeps.
    pub const RESERVED: u32 = 1 << 30;
}

/// A network read from the arena: one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VnetRow {
    /// Flags.
    pub flags: u32,
    /// Headers of security admin rules, in and out; 0 for none.
    pub admin: [u32; 2],
    /// Its subnets by address.
    pub subnets: Tree,
    /// Their rows, plus one.
    pub subnet_rows: u32,
    /// What `Internet` holds there, where it is not what is public.
    pub internet: Tree,
    /// How many appliances it knows, and pairs of appliance and slot.
    pub appliances: u32,
    /// Its routes, whatever tables its subnets have; their values follow the tree.
    pub network: Tree,
    /// Networks nearby by address, for private endpoints' answers.
    pub near: Tree,
    /// Their rows, plus one.
    pub near_rows: u32,
    /// Its region.
    pub region: u32,
}

impl VnetRow {
    /// Reads a line.
    #[inline(always)]
    pub fn read(w: &[u32; 16]) -> Self {
        Self {
            flags: w[0],
            admin: [w[1], w[2]],
            subnets: Tree { root: w[3], shape: w[4] },
            subnet_rows: w[5],
            internet: Tree { root: w[6], shape: w[7] },
            appliances: w[8],
            near: Tree { root: w[9], shape: w[10] },
            near_rows: w[11],
            region: w[12],
            network: Tree { root: w[13], shape: w[14] },
        }
    }

    /// As a line.
    pub fn words(&self) -> [u32; 16] {
        [
            self.flags,
            self.admin[0],
            self.admin[1],
            self.subnets.root,
            self.subnets.shape,
            self.subnet_rows,
            self.internet.root,
            self.internet.shape,
            self.appliances,
            self.near.root,
            self.near.shape,
            self.near_rows,
            self.region,
            self.network.root,
            self.network.shape,
            0,
        ]
    }

    /// Whether a flag is set.
    #[inline(always)]
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// An appliance that nothing near the network holds.
pub const UNREACHABLE: u32 = NOBODY - 1;

/// How a sender gets a public address.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// By this address, whatever the protocol.
    Address(u32),
    /// By a NAT gateway of this row: TCP and UDP only.
    Nat(u32, u32),
    /// By a NAT gateway that has no address.
    NatEmpty(u32),
    /// By default outbound access: TCP and UDP only.
    Default,
    /// Not at all.
    Nothing,
    /// The full engine must say.
    Doubt,
    /// By a load balancer, with this address: TCP and UDP only.
    Ported(u32),
}

/// A private endpoint.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointRow {
    /// The service it leads to.
    pub service: u32,
    /// Which endpoints of the service it serves, by position.
    pub serves: u64,
    /// The endpoint meant where only its address was named.
    pub position: u8,
    /// Whether its connection carries traffic.
    pub status: Status,
}

/// What is known of something that opens or closes.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// The full engine must say.
    Doubt,
}

/// A service's own firewall, for what does not come through a private endpoint.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Open to all.
    Open,
    /// The public endpoint does not answer.
    Closed,
    /// By rules.
    Rules {
        /// Addresses let in.
        addresses: Tree,
        /// Subnets let in, as a run of the list.
        subnets: (u32, u32),
        /// Whether there may be more.
        doubt: bool,
    },
    /// The full engine must say.
    Doubt,
}

/// A service.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRow {
    /// Whether it exists for certain.
    pub certain: bool,
    /// Its firewall.
    pub access: Access,
    /// The region of a storage account, whose neighbours address rules do not reach (ST-4); 0 for others.
    pub region: u32,
}

/// Rules of one plane of a firewall.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Rows of bits.
    Rows(u32),
    /// A leaf index, by its number.
    Leaves(u32),
}

/// An Azure Firewall.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct FirewallRow {
    /// Whether the full engine must judge.
    pub doubt: bool,
    /// Network rules.
    pub network: Plane,
    /// Application rules, by source and port; names add rows of their own.
    pub application: Plane,
    /// Ports that application rules listen on.
    pub listens: Vec<u16>,
    /// Whether one of them may listen on any other.
    pub any_port: bool,
    /// Addresses to which a network rule leaves the source alone.
    pub private: Tree,
    /// Whether some of those are outside of the usual private ranges.
    pub keeps_more: bool,
    /// Whether it answers DNS.
    pub proxy: bool,
    /// Names of its network rules and its application rules.
    pub names: [RuleNames; 2],
}

/// What a firewall rule is called.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct RuleName {
    /// The group of rule collections, or the firewall itself.
    pub owner: crate::inventory::Slot,
    /// Its collection.
    pub collection: std::sync::Arc<str>,
    /// Its own name.
    pub rule: std::sync::Arc<str>,
}

/// Names of the rules of one plane, by number. What was stored is read when one is asked for: a large firewall has twenty
/// thousand, of which few are ever told.
#[derive(Clone, Debug, Default)]
pub struct RuleNames {
    stored: Box<[u8]>,
    read: OnceLock<Vec<RuleName>>,
}

impl RuleNames {
    /// The name of a rule.
    pub fn get(&self, rule: u32) -> Option<&RuleName> {
        self.all().get(rule as usize)
    }

    /// All of them.
    pub fn all(&self) -> &[RuleName] {
        self.read.get_or_init(|| postcard::from_bytes(&self.stored).unwrap_or_default())
    }
}

impl From<Vec<RuleName>> for RuleNames {
    fn from(names: Vec<RuleName>) -> Self {
        Self { stored: Box::default(), read: names.into() }
    }
}

impl Serialize for RuleNames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = postcard::to_allocvec(self.all()).map_err(S::Error::custom)?;
        serializer.serialize_bytes(&stored)
    }
}

impl<'de> Deserialize<'de> for RuleNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = <&[u8]>::deserialize(deserializer)?;
        Ok(Self { stored: stored.into(), read: OnceLock::new() })
    }
}

/// An estate compiled for batches.
#[derive(Serialize, Deserialize, Debug, Default)]
pub struct Fast {
    /// The arena; stored beside the rest.
    #[serde(skip)]
    pub lines: Lines,
    /// First line of the slots.
    pub slots: u32,
    /// Slots in the hash; those beyond it are found by number alone.
    pub slot_count: u32,
    /// First line of what slots share, but for that of whole subnets.
    pub places: u32,
    /// How many subnets there are, and so the number of the first place of its own.
    pub subnet_count: u32,
    /// First line of the subnets.
    pub subnets: u32,
    /// First line of the networks.
    pub vnets: u32,
    /// Slot of each attachment; [`NOBODY`] for those without an IPv4 address.
    pub slot_of: Vec<u32>,
    /// Headers of each group's rules, in and out.
    pub groups: Vec<[u32; 2]>,
    /// A route table without a route.
    pub no_table: UserTable,
    /// Public address space.
    pub public: Tree,
    /// The same by first octet.
    pub public_octets: Vec<Octet>,
    /// Service tags in use by address.
    pub tags: Tree,
    /// Their rows.
    pub tag_rows: u32,
    /// Rows of service tags; the first is empty.
    pub tag_sets: Vec<TagRow>,
    /// Whether a tag in use holds an address that is not public.
    pub tags_private: bool,
    /// Memberships in application security groups.
    pub members: Vec<u32>,
    /// The run of memberships of each slot that has one.
    pub member_runs: HashMap<u32, (u32, u32), foldhash::fast::FixedState>,
    /// Outbound methods.
    pub methods: Vec<Method>,
    /// Private endpoints.
    pub endpoints: Vec<EndpointRow>,
    /// Services.
    pub services: Vec<ServiceRow>,
    /// Subnets that services let in.
    pub let_in: Vec<u32>,
    /// Firewalls.
    pub firewalls: Vec<FirewallRow>,
    /// Ports that machines answer.
    pub answers: Vec<crate::net::PortSet>,
    /// Public addresses of the estate and what holds them.
    pub occupants: HashMap<u32, Occupant, foldhash::fast::FixedState>,
    /// Service endpoints of subnets: the row of their tags.
    pub service_endpoints: Vec<TagRow>,
    /// Big sets of firewall rules.
    pub leaves: Vec<super::leaf::Leaves>,
    /// Internet hosts: ports they answer, where that is told.
    pub hosts: Vec<Option<crate::net::PortSet>>,
    /// Tags of storage by region; [`NOBODY`] where there is none.
    pub region_tags: Vec<u32>,
    /// Whether the full engine must answer everything: a knob is set that the walk does not know.
    pub all_doubtful: bool,
    /// Whether any rule names a service of the host.
    pub platform_rules: bool,
    /// Whether a user-defined route may beat a service endpoint's.
    pub endpoints_beaten: bool,
}

/// What addresses with one first octet are.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Octet {
    /// None of them is public.
    Private,
    /// All of them are.
    Public,
    /// Some of them are.
    Both,
}

/// Who takes what is sent to a public address.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupant {
    /// The holder of a slot.
    Slot(u32),
    /// Nobody.
    Nothing,
    /// What only the full engine follows.
    Other,
}

impl Fast {
    /// The tables that rule sets ask beside their own.
    #[inline(always)]
    pub fn around(&self) -> Around<'_> {
        Around { lines: &self.lines, tags: &self.tag_sets, members: &self.members }
    }

    /// The line a slot is in.
    #[inline(always)]
    pub fn slot_line(&self, slot: u32) -> u32 {
        self.slots + slot / 4
    }

    /// Reads a slot alone.
    #[inline(always)]
    pub fn spot(&self, slot: u32) -> Spot {
        let w = &self.lines.line(self.slot_line(slot)).0;
        let at = (slot % 4 * SLOT_WORDS) as usize;
        Spot { ip: w[at], vnet: w[at + 1], place: w[at + 2], attachment: w[at + 3] }
    }

    /// Reads a place: a subnet's number stands for what has nothing of its own there.
    #[inline(always)]
    pub fn place(&self, place: u32) -> Place {
        let Some(number) = place.checked_sub(self.subnet_count) else { return Place::of_subnet(place) };
        let w = &self.lines.line(self.places + number / 2).0;
        let at = (number % 2 * PLACE_WORDS) as usize;
        Place { subnet: w[at], flags: w[at + 1], nsg: w[at + 2], about: w[at + 3], method: w[at + 4] }
    }

    /// The line to be asked for ahead of a place.
    #[inline(always)]
    pub fn place_line(&self, place: u32) -> u32 {
        match place.checked_sub(self.subnet_count) {
            Some(number) => self.places + number / 2,
            None => self.subnet_line(place),
        }
    }

    /// Reads a slot with what it shares.
    #[inline(always)]
    pub fn slot(&self, slot: u32) -> SlotRow {
        let Spot { ip, vnet, attachment, .. } = self.spot(slot);
        let Place { subnet, flags, nsg, about, method } = self.place(self.spot(slot).place());
        SlotRow { ip, vnet, subnet, flags, nsg, about, attachment, method }
    }

    /// Writes a slot.
    pub(super) fn set_spot(&mut self, slot: u32, spot: &Spot) {
        let line = self.slot_line(slot);
        let at = (slot % 4 * SLOT_WORDS) as usize;
        let words = [spot.ip, spot.vnet, spot.place, spot.attachment];
        self.lines.line_mut(line).0[at..at + SLOT_WORDS as usize].copy_from_slice(&words);
    }

    /// Where the search for an address begins.
    #[inline(always)]
    pub fn home(&self, vnet: u32, ip: u32) -> u32 {
        let mixed = (u64::from(vnet) << 32 | u64::from(ip)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (((mixed >> 32) * u64::from(self.slot_count)) >> 32) as u32
    }

    /// The slot where the search goes on.
    #[inline(always)]
    pub fn after(&self, slot: u32) -> u32 {
        if slot + 1 == self.slot_count { 0 } else { slot + 1 }
    }

    /// What holds an address inside a network.
    #[inline(always)]
    pub fn at_address(&self, vnet: u32, ip: u32) -> Option<(u32, Spot)> {
        let mut slot = self.home(vnet, ip);
        loop {
            let row = self.spot(slot);
            if row.attachment == NOBODY {
                return None;
            }
            if (row.ip ^ ip) | (row.vnet ^ vnet) == 0 {
                return Some((slot, row));
            }
            slot = self.after(slot);
        }
    }

    /// Reads a subnet.
    #[inline(always)]
    pub fn subnet(&self, subnet: u32) -> SubnetRow {
        SubnetRow::read(self.lines.few(self.subnet_line(subnet)))
    }

    /// The first line of a subnet.
    #[inline(always)]
    pub fn subnet_line(&self, subnet: u32) -> u32 {
        self.subnets + SUBNET_LINES * subnet
    }

    /// The words of a subnet that every flow asks ([`hot`]).
    #[inline(always)]
    pub fn subnet_words(&self, subnet: u32) -> &[u32; 16] {
        &self.lines.line(self.subnet_line(subnet)).0
    }

    /// Writes a subnet.
    pub(super) fn set_subnet(&mut self, subnet: u32, row: &SubnetRow) {
        for (line, words) in (self.subnet_line(subnet)..).zip(row.lines()) {
            *self.lines.line_mut(line) = words;
        }
    }

    /// Reads a network.
    #[inline(always)]
    pub fn vnet(&self, vnet: u32) -> VnetRow {
        VnetRow::read(&self.lines.line(self.vnets + vnet).0)
    }

    /// The next hop of a user-defined route.
    #[inline(always)]
    pub fn user_hop(&self, subnet: &SubnetRow, number: u32) -> Hop {
        Hop(self.lines.word(subnet.user.hops, number))
    }

    /// The slot of an appliance as a network sees it.
    #[inline(always)]
    pub fn appliance(&self, home: u32, number: u32) -> u32 {
        let row = self.vnet(home);
        for pair in 0..self.lines.word(row.appliances, 0) {
            if self.lines.word(row.appliances, 2 * pair + 1) == number {
                return self.lines.word(row.appliances, 2 * pair + 2);
            }
        }
        NOBODY
    }

    /// Bytes of the compiled tables.
    pub fn bytes(&self) -> usize {
        self.lines.len() * 64
            + self.slot_of.len() * 4
            + self.groups.len() * 8
            + self.tag_sets.len() * 32
            + self.members.len() * 4
            + self.methods.len() * size_of::<Method>()
            + self.endpoints.len() * size_of::<EndpointRow>()
            + self.services.len() * size_of::<ServiceRow>()
            + self.occupants.len() * size_of::<(u32, Occupant)>() * 2
            + self.leaves.iter().map(super::leaf::Leaves::bytes).sum::<usize>()
    }
}
