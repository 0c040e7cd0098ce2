//! Slots: what holds an address, in the hash and beyond it.

use super::Maker;
use crate::fast::lines::Lines;
use crate::fast::tables::{Kind, NOBODY, Occupant, PLACE_WORDS, Place, SLOT_WORDS, SlotRow, Spot, slot};
use crate::inventory::{Field, Id, NetworkInterface, Origin, Sku, VirtualMachine};
use crate::net::{IpAddr, PortSet};
use crate::network::{Attachment, AttachmentKind, Bound, Occupant as Holder, SubnetRole};
use hashbrown::HashMap;

/// Slots of the hash for each attachment, in halves.
const ROOM: usize = 3;

impl<'n> Maker<'n> {
    /// Gives every attachment with an IPv4 address a slot.
    pub(super) fn slots(&mut self) {
        let attachments = &self.net.attachments;
        let addressed = |a: &&Attachment| matches!(a.address, Some(IpAddr::V4(_)));
        let count = attachments.iter().filter(addressed).count();
        let hashed = (count * ROOM / 2 + 8).next_multiple_of(4);
        self.fast.slot_count = u32::try_from(hashed).expect("INVARIANT: fewer than 2^32 attachments");
        self.fast.slots = self.fast.lines.room(hashed / 4);
        for number in 0..self.fast.slot_count {
            self.fast.set_spot(number, &Spot::EMPTY);
        }
        let mut rows: Vec<(usize, SlotRow)> = Vec::with_capacity(count);
        let mut said = Answers { interfaces: self.interfaces(), ..Answers::default() };
        for (number, attachment) in attachments.iter().enumerate() {
            if let Some(IpAddr::V4(ip)) = attachment.address {
                rows.push((number, self.slot_row(number, attachment, ip.into(), &mut said)));
            }
        }
        self.fast.answers = said.list;
        self.fast.slot_of = vec![NOBODY; attachments.len()];
        let mut beyond = Vec::new();
        let mut places = Places { subnets: self.net.subnets.len() as u32, ..Places::default() };
        for (number, row) in &rows {
            let spot = Spot::new(row, places.number(row.place()));
            match self.free(row.vnet, row.ip) {
                Some(place) => {
                    self.fast.set_spot(place, &spot);
                    self.fast.slot_of[*number] = place;
                }
                None => beyond.push((*number, spot)),
            }
        }
        // The hash finds the first holder of an address; the others follow it in the arena.
        let first = self.fast.lines.room(beyond.len().div_ceil(4));
        for (i, (number, spot)) in beyond.iter().enumerate() {
            let place = (first - self.fast.slots) * 4 + i as u32;
            self.fast.set_spot(place, spot);
            self.fast.slot_of[*number] = place;
        }
        self.fast.subnet_count = places.subnets;
        self.fast.places = places.write(&mut self.fast.lines);
        self.memberships();
    }

    /// A free place for an address; `None` where somebody has it already.
    fn free(&self, vnet: u32, ip: u32) -> Option<u32> {
        let mut place = self.fast.home(vnet, ip);
        loop {
            let row = self.fast.spot(place);
            if row.attachment == NOBODY {
                return Some(place);
            }
            if row.vnet == vnet && row.ip == ip {
                return None;
            }
            place = self.fast.after(place);
        }
    }

    /// Whether an attachment may not be deployed.
    fn may_lack(&self, attachment: &Attachment) -> bool {
        let presence = &self.net.presence;
        let id = || self.net.inventory.id_of(attachment.owner);
        let lacks = !presence.is_empty() && id().is_some_and(|id| presence.contains_key(id));
        lacks || self.net.drops_unencrypted(attachment.vnet)
    }

    fn slot_row(
        &mut self,
        number: usize,
        attachment: &'n Attachment,
        ip: u32,
        said: &mut Answers,
    ) -> SlotRow {
        let inventory = &self.net.inventory;
        let mut flags = 0;
        let mut set = |holds: bool, flag: u32| flags |= if holds { flag } else { 0 };
        set(attachment.is_platform(), slot::PLATFORM);
        let endpoint = matches!(attachment.kind, AttachmentKind::PrivateEndpoint(..));
        let spared = endpoint || matches!(attachment.kind, AttachmentKind::Bastion(_));
        set(!attachment.is_platform() && !spared, slot::RULED);
        set(matches!(attachment.nsg, Bound::Unknown(_)), slot::GROUP_DOUBT);
        set(!attachment.asgs.is_empty(), slot::MEMBER);
        let (mut about, mut listens, mut forwards, mut translates) = (0, None, (false, false), false);
        let kind = match attachment.kind {
            AttachmentKind::Interface(nic) => {
                let machine = self.net.machines[nic.index()].map(|m| &inventory.virtual_machines[m]);
                listens = machine.map(|m| &m.listens).filter(|l| l.given);
                forwards = self.forwards_interface(nic, machine);
                // By which of several interfaces the guest sends on is for the engine to weigh.
                let siblings = self.net.machines[nic.index()].is_some_and(|m| said.interfaces[m.index()] > 1);
                forwards.1 |= forwards.0 && siblings;
                translates = machine.is_some_and(|m| m.translates.is(true));
                set(!inventory.network_interfaces[nic].dns_servers.items.is_empty(), slot::OWN_DNS);
                Kind::Machine
            }
            AttachmentKind::Host(host) => {
                let row = &inventory.hosts[host];
                listens = Some(&row.listens).filter(|l| l.given);
                forwards = match row.forwards.or(false) {
                    Ok(yes) => (yes, false),
                    Err(_) => (false, true),
                };
                translates = row.translates.is(true);
                set(!row.dns_servers.items.is_empty(), slot::OWN_DNS);
                Kind::Machine
            }
            // AKS may deny its nodes the internet; the engine knows.
            AttachmentKind::ServiceNode(service) => {
                let kind = &inventory.services[service].outbound_type;
                let open = kind.is_absent() || kind.known().is_some_and(|k| !k.eq_ignore_ascii_case("block"));
                set(!open, slot::GROUP_DOUBT);
                Kind::Machine
            }
            AttachmentKind::ScaleSet(_) | AttachmentKind::Compute(_) => Kind::Machine,
            AttachmentKind::PrivateEndpoint(endpoint, _) => {
                about = endpoint.raw();
                Kind::Endpoint
            }
            AttachmentKind::Firewall(firewall) => {
                about = firewall.raw();
                Kind::Firewall
            }
            AttachmentKind::Bastion(_) => Kind::Listener,
            AttachmentKind::Resolver(_) => {
                set(true, slot::RESOLVER);
                Kind::Listener
            }
            AttachmentKind::Frontend(..) => Kind::Frontend,
            AttachmentKind::ApplicationGateway(_)
            | AttachmentKind::Gateway(_)
            | AttachmentKind::RouteServer(_) => Kind::Other,
        };
        // Whether it is there at all is for the engine to weigh.
        let kind = match self.may_lack(attachment) {
            true => Kind::Other,
            false => kind,
        };
        if let Some(listens) = listens {
            set(true, slot::LISTENS);
            about = said.number(PortSet::new(listens.items.iter().copied()));
        }
        set(forwards.0, slot::FORWARDS);
        set(forwards.1, slot::FORWARDS_DOUBT);
        set(translates, slot::TRANSLATES);
        let (closed, doubt) = self.public_front(attachment);
        set(closed, slot::CLOSED);
        set(doubt || kind != Kind::Machine, slot::PUBLIC_DOUBT);
        SlotRow {
            ip,
            vnet: attachment.vnet.raw(),
            subnet: attachment.subnet.raw(),
            flags: flags | kind as u32,
            nsg: attachment.nsg.row().map_or(0, |n| n.raw() + 1),
            about,
            attachment: number as u32,
            method: self.own_method(number),
        }
    }

    /// How many interfaces each machine has.
    fn interfaces(&self) -> Vec<u8> {
        let mut count = vec![0u8; self.net.inventory.virtual_machines.len()];
        for machine in self.net.machines.iter().flatten() {
            let count = &mut count[machine.index()];
            *count = count.saturating_add(1);
        }
        count
    }

    /// Whether an interface and its guest forward, or whether that is not known (RT-12).
    fn forwards_interface(
        &self,
        nic: Id<NetworkInterface>,
        machine: Option<&VirtualMachine>,
    ) -> (bool, bool) {
        let own = self.net.inventory.network_interfaces[nic].enable_ip_forwarding.or(false);
        let guest = machine.map_or(Ok(true), |m| m.forwards.or(true));
        match (own, guest) {
            (Ok(false), _) | (_, Ok(false)) => (false, false),
            (Ok(true), Ok(true)) => (true, false),
            _ => (false, true),
        }
    }

    /// Whether its own public address is closed for want of a group, or not known (PIP-1).
    fn public_front(&self, attachment: &Attachment) -> (bool, bool) {
        let Bound::To(address) = attachment.public_ip else { return (false, false) };
        let row = &self.net.inventory.public_ip_addresses[address];
        let basic = match (&row.sku, row.origin) {
            (Field::Known(sku), _) => *sku == Sku::Basic,
            (Field::Unknown(_), _) => return (false, true),
            (Field::Absent, Origin::Template | Origin::Planned) => true,
            (Field::Absent, _) => false,
        };
        let grouped = !attachment.nsg.is_none() || !self.net.subnet(attachment.subnet).nsg.is_none();
        (!basic && !grouped, false)
    }

    /// Runs of memberships in application security groups.
    fn memberships(&mut self) {
        for (number, attachment) in self.net.attachments.iter().enumerate() {
            let place = self.fast.slot_of[number];
            if place != NOBODY && !attachment.asgs.is_empty() {
                let first = self.fast.members.len() as u32;
                self.fast.members.extend(attachment.asgs.iter().map(|g| g.raw()));
                self.fast.member_runs.insert(place, (first, self.fast.members.len() as u32));
            }
        }
    }

    /// Public addresses of the estate.
    pub(super) fn occupants(&mut self) {
        for (ip, holder) in &self.net.by_public_address {
            let IpAddr::V4(ip) = ip else { continue };
            let occupant = match holder {
                Holder::Attachment(id) => match self.fast.slot_of[id.index()] {
                    NOBODY => Occupant::Other,
                    place => Occupant::Slot(place),
                },
                Holder::Nothing => Occupant::Nothing,
                _ => Occupant::Other,
            };
            self.fast.occupants.insert(u32::from(*ip), occupant);
        }
    }

    /// Whether the group of a subnet acts (NSG-21 to NSG-23).
    pub(super) fn group_acts(role: SubnetRole) -> bool {
        matches!(role, SubnetRole::Ordinary | SubnetRole::Bastion)
    }
}

/// Distinct sets of ports that machines answer, and what else slots have in common.
#[derive(Default)]
struct Answers {
    list: Vec<PortSet>,
    numbers: HashMap<PortSet, u32>,
    /// Interfaces of each machine.
    interfaces: Vec<u8>,
}

impl Answers {
    fn number(&mut self, set: PortSet) -> u32 {
        let next = self.list.len() as u32;
        *self.numbers.entry(set).or_insert_with_key(|set| {
            self.list.push(set.clone());
            next
        })
    }
}

/// What slots share, each distinct one once.
#[derive(Default)]
struct Places {
    /// How many subnets there are: the first numbers are theirs.
    subnets: u32,
    list: Vec<Place>,
    numbers: HashMap<Place, u32>,
}

impl Places {
    fn number(&mut self, place: Place) -> u32 {
        if place == Place::of_subnet(place.subnet) {
            return place.subnet;
        }
        let next = self.subnets + self.list.len() as u32;
        *self.numbers.entry(place).or_insert_with(|| {
            self.list.push(place);
            next
        })
    }

    fn write(self, lines: &mut Lines) -> u32 {
        let words = |p: &Place| [p.subnet, p.flags, p.nsg, p.about, p.method, 0, 0, 0];
        lines.words(&self.list.iter().flat_map(words).collect::<Vec<u32>>(), 0)
    }
}

const _: () = assert!(SLOT_WORDS == 4 && PLACE_WORDS == 8, "four slots share a line, and two places");
