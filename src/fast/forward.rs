//! Stages of forwarding: the choice of a route, what its next hop does, and the way to public space.

use super::cpu::Cpu;
use super::flow::{Aim, Arrival, Decider, Device, Going, Header, Start, Terminal};
use super::routes::{self, Chosen, Hop, HopKind, NetworkRoute, UserRoute};
use super::rules;
use super::spans::{self, Spans};
use super::tables::{Fast, Method, NOBODY, Occupant, Octet, SubnetRow, UNREACHABLE, hot, slot, subnet, vnet};
use super::trail::{By, Record, Trail};
use super::tree::Tree;
use super::walk::{ChosenRoute, Queue, Stage, Walk};
use super::way::{self, Held};
use crate::inventory::{Slot, TableTag};
use crate::trace::{Cause, Disposition};

const TCP: u8 = 0;
const SMTP: u16 = 25;

/// The address of a default outbound connection.
pub(super) fn default_outbound() -> u32 {
    match crate::trace::DEFAULT_OUTBOUND {
        crate::net::IpAddr::V4(ip) => ip.into(),
        crate::net::IpAddr::V6(_) => 0,
    }
}

/// A subnet that has nothing but its network's routes. No method, so that the walk need not lie in memory for it.
#[cold]
fn of_network(fast: &Fast, home: u32) -> SubnetRow {
    let row = fast.vnet(home);
    let flag = |holds: bool, flag: u32| if holds { flag } else { 0 };
    SubnetRow {
        vnet: home,
        flags: flag(row.has(vnet::ROUTE_DOUBT), subnet::ROUTE_DOUBT)
            | flag(row.has(vnet::NONE_REMOVED), subnet::NONE_REMOVED),
        user: fast.no_table,
        network: row.network,
        ..SubnetRow::default()
    }
}

/// Whether an address is public.
#[inline(always)]
pub(super) fn is_public<C: Cpu>(cpu: C, fast: &Fast, ip: u32) -> bool {
    // Which of both is a value and no jump: nobody foresees it.
    match fast.public_octets[(ip >> 24) as usize] {
        Octet::Both => fast.public.rank(cpu, &fast.lines, ip) & 1 != 0,
        octet => octet == Octet::Public,
    }
}

impl<C: Cpu, T: Trail> Walk<'_, C, T> {
    /// Chooses routes: by what is written out where that tells, else by the routes themselves.
    #[inline(always)]
    pub(super) fn route(&mut self, queue: &Queue) {
        let fast = self.fast;
        let lines = &fast.lines;
        let (mut quick, mut asked) = (Queue::EMPTY, Queue::EMPTY);
        for i in queue.flows() {
            let words = fast.subnet_words(self.going[i].subnet);
            if words[hot::WAY] == 0 || self.going[i].by_network {
                asked.push(i as u8);
                continue;
            }
            self.going[i].vnet = words[hot::VNET];
            self.cpu.fetch(lines.line(words[hot::WAY]));
            quick.push(i as u8);
        }
        for i in quick.flows() {
            let words = fast.subnet_words(self.going[i].subnet);
            let way = Spans { tree: Tree { root: words[hot::WAY], shape: words[hot::WAY + 1] } };
            let going = &mut self.going[i];
            going.line = way.line(way.tree.rank(self.cpu, lines, going.header.destination));
            self.cpu.fetch(lines.line(going.line));
        }
        // Where a flow is led is foreseen by nobody: they are sorted by that, and those of a kind go on together.
        let mut kinds = [Queue::EMPTY; way::KINDS];
        for i in quick.flows() {
            let going = &mut self.going[i];
            going.line = spans::word(self.cpu, lines.line(going.line), going.header.destination);
            kinds[way::kind(going.line)].push(i as u8);
        }
        let [unsure, inside, arrive, endpoint, out] = &kinds;
        unsure.flows().for_each(|i| asked.push(i as u8));
        for i in inside.flows() {
            self.tell_way(i);
            self.going[i].vnet = way::about(self.going[i].line);
            self.go(i, Stage::Inside);
        }
        for i in arrive.flows() {
            self.tell_way(i);
            // An appliance is met by many: its line is at hand.
            let own = way::about(self.going[i].line);
            self.arrive_now(i, own, &fast.spot(own));
        }
        for i in endpoint.flows() {
            self.tell_way(i);
            self.going[i].slot = way::about(self.going[i].line);
            self.go(i, Stage::Arrive);
        }
        for i in out.flows() {
            self.tell_way(i);
            let here = fast.subnet(self.going[i].subnet);
            self.outbound(i, &here);
        }
        if asked.count > 0 {
            self.route_by_layers(&asked);
        }
    }

    /// Chooses routes by their layers.
    #[inline(always)]
    fn route_by_layers(&mut self, queue: &Queue) {
        let fast = self.fast;
        let lines = &fast.lines;
        for i in queue.flows() {
            let row = self.row_of(i);
            self.cpu.fetch(lines.line(fast.vnets + row.vnet));
            for tree in [row.user.base.tree, row.user.own.tree, row.network] {
                self.cpu.fetch(lines.line(tree.root));
            }
        }
        let mut more = false;
        for i in queue.flows() {
            let row = self.row_of(i);
            let Going { routes, header, .. } = &mut self.going[i];
            let trees = [row.user.base.tree, row.user.own.tree, row.network];
            for (cursor, tree) in routes.iter_mut().zip(trees) {
                more |= cursor.begin(self.cpu, lines, tree, header.destination);
            }
        }
        while more {
            more = false;
            for i in queue.flows() {
                let going = &mut self.going[i];
                for cursor in &mut going.routes {
                    if !cursor.is_done() {
                        cursor.step(self.cpu, lines, going.header.destination);
                        if !cursor.is_done() {
                            self.cpu.fetch(lines.line(cursor.line));
                            more = true;
                        }
                    }
                }
            }
        }
        for i in queue.flows() {
            let row = self.row_of(i);
            let [base, own, network] = &mut self.going[i].routes;
            base.line = row.user.base.line(base.rank);
            own.line = row.user.own.line(own.rank);
            network.line = row.network.end();
            for line in [base.line, own.line, row.user.hops, network.line + network.rank / 4] {
                self.cpu.fetch(lines.line(line));
            }
        }
        for i in queue.flows() {
            let row = self.row_of(i);
            let [base, own, network] = self.going[i].routes;
            let destination = self.going[i].header.destination;
            let base = UserRoute(spans::half(self.cpu, lines.line(base.line), destination));
            let own = UserRoute(spans::half(self.cpu, lines.line(own.line), destination));
            let network = NetworkRoute::read(lines, network.line, network.rank);
            self.follow(i, &row, base.or(own), &network);
        }
    }

    /// The subnet whose routes are asked.
    #[inline(always)]
    fn row_of(&self, i: usize) -> SubnetRow {
        let row = self.fast.subnet(self.going[i].subnet);
        if self.going[i].by_network { of_network(self.fast, row.vnet) } else { row }
    }

    #[inline(always)]
    fn follow(&mut self, i: usize, here: &SubnetRow, user: UserRoute, network: &NetworkRoute) {
        self.going[i].vnet = here.vnet;
        let alone = std::mem::take(&mut self.going[i].by_network);
        if here.endpoints != 0 && self.by_service_endpoint(i, here) {
            return;
        }
        if here.has(subnet::TABLE_DOUBT) {
            return self.defer(i);
        }
        let chosen = routes::choose(user, network, here.knobs());
        let by = match chosen {
            _ if alone => By::NetworkAlone,
            Chosen::User(_) => By::User,
            Chosen::Endpoint(_) => By::PrivateEndpoint,
            Chosen::Nothing | Chosen::Doubt => By::Nothing,
            Chosen::None | Chosen::Network(_) | Chosen::Gateway(_) => By::Network,
        };
        self.tell_route(i, by);
        match chosen {
            Chosen::Doubt => self.defer(i),
            Chosen::Nothing => {
                let owner = Slot { table: TableTag::Subnet, row: self.going[i].subnet };
                self.stop(i, Cause::NoRoute, Decider::Resource(owner));
            }
            Chosen::Endpoint(own) => {
                self.going[i].slot = own;
                self.go(i, Stage::Arrive);
            }
            Chosen::None => self.dropped(i),
            Chosen::User(route) => {
                let hop = self.fast.user_hop(here, route.hop());
                self.next_hop(i, here, hop, Some(route));
            }
            Chosen::Network(hop) => self.next_hop(i, here, hop, None),
            Chosen::Gateway(hop) if hop.kind() == HopKind::Appliance => self.defer_unless_reached(i, hop),
            Chosen::Gateway(hop) => self.next_hop(i, here, hop, None),
        }
    }

    /// Tells which layer of the routes held where that is written out.
    #[inline(always)]
    fn tell_way(&mut self, i: usize) {
        self.tell_route(
            i,
            match way::held(self.going[i].line) {
                Held::User => By::User,
                Held::Network => By::Network,
                Held::PrivateEndpoint => By::PrivateEndpoint,
            },
        );
    }

    /// Tells which layer of the routes held.
    #[inline(always)]
    fn tell_route(&mut self, i: usize, by: By) {
        let (subnet, destination) = (self.going[i].subnet, self.going[i].header.destination);
        self.trail.note(i, || Record::route(subnet, destination, by));
    }

    /// Dropped by a None range, unless a broken peering is what is to be told (PEER-1).
    #[inline(always)]
    fn dropped(&mut self, i: usize) {
        let forwards = self.going[i].flags & slot::FORWARDS != 0 && !self.going[i].returning;
        if forwards || self.fast.vnet(self.going[i].vnet).has(vnet::BROKEN) {
            return self.defer(i);
        }
        self.stop(i, Cause::SystemRouteNone, Decider::Nobody);
    }

    #[inline(always)]
    fn next_hop(&mut self, i: usize, here: &SubnetRow, hop: Hop, user: Option<UserRoute>) {
        match hop.kind() {
            HopKind::Local => {
                self.going[i].vnet = here.vnet;
                self.go(i, Stage::Inside);
            }
            HopKind::Network => {
                self.going[i].vnet = hop.about();
                self.go(i, Stage::Inside);
            }
            HopKind::None if user.is_some() => {
                let decider = self.by_route(i, user);
                self.stop(i, Cause::UdrNone, decider);
            }
            HopKind::None => self.dropped(i),
            HopKind::Internet => {
                if user.is_none() && self.fast.vnet(here.vnet).has(vnet::BROKEN) {
                    return self.defer(i);
                }
                self.outbound(i, here);
            }
            HopKind::Appliance => match self.fast.appliance(here.vnet, hop.about()) {
                UNREACHABLE => {
                    let decider = self.by_route(i, user);
                    self.stop(i, Cause::NextHopUnreachable, decider);
                }
                NOBODY => self.defer(i),
                own => {
                    self.going[i].slot = own;
                    self.go(i, Stage::Arrive);
                }
            },
            HopKind::Other => self.defer(i),
        }
    }

    /// A user-defined route as what decides. Which one of its table it was is found behind the walk.
    #[inline(always)]
    fn by_route(&mut self, i: usize, user: Option<UserRoute>) -> Decider {
        let Some(route) = user else { return Decider::Nobody };
        let going = &self.going[i];
        self.chosen.push(ChosenRoute {
            out: going.out,
            destination: going.header.destination,
            length: route.length() as u8,
        });
        Decider::Route { subnet: going.subnet, route: 0 }
    }

    #[inline(always)]
    fn defer_unless_reached(&mut self, i: usize, hop: Hop) {
        match self.fast.appliance(self.going[i].vnet, hop.about()) {
            UNREACHABLE | NOBODY => self.defer(i),
            // What an appliance announced itself leads beyond it.
            own if own == self.going[i].slot => self.defer(i),
            own => {
                self.going[i].slot = own;
                self.go(i, Stage::Arrive);
            }
        }
    }

    /// Over a service endpoint, if the destination lies behind one (RT-7); `true` where that settles it.
    #[inline(always)]
    fn by_service_endpoint(&mut self, i: usize, here: &SubnetRow) -> bool {
        let destination = self.going[i].header.destination;
        let tags = self.fast.tag_sets[self.see(i, destination).tags as usize];
        let mine = self.fast.service_endpoints[here.endpoints as usize - 1];
        if tags.iter().zip(&mine).all(|(a, b)| a & b == 0) {
            return false;
        }
        // A user-defined route may beat it, a policy may limit it, and a service may be meant or not.
        let plain = !self.fast.endpoints_beaten && !here.has(subnet::POLICIES) && !self.going[i].returning;
        if !plain {
            self.defer(i);
            return true;
        }
        let from = self.going[i].subnet;
        self.tell_route(i, By::ServiceEndpoint);
        match self.going[i].aim {
            Aim::Service(..) | Aim::Foreign => self.reach_service(i, Arrival::ServiceEndpoint(from)),
            _ => self.arrived(i, Terminal::ServiceEndpoint(from), Disposition::ExitsNetwork),
        }
        true
    }

    #[inline(always)]
    pub(super) fn is_public(&self, ip: u32) -> bool {
        is_public(self.cpu, self.fast, ip)
    }

    /// Next hop Internet: which method gives a public address (OUT-1).
    #[inline(always)]
    fn outbound(&mut self, i: usize, here: &SubnetRow) {
        let header = self.going[i].header;
        if self.going[i].returning {
            let known = self.going[i].sessions().iter().any(|x| x.outgoing.reversed() == header)
                && self.see(i, header.destination).public;
            if known || self.going[i].ids.start == Start::Internet(header.destination) {
                return self.go(i, Stage::Public);
            }
            return self.stop(i, Cause::ReturnNoRoute, Decider::Nobody);
        }
        if !self.see(i, header.destination).public {
            if self.going[i].flags & slot::FORWARDS != 0 {
                // What an appliance announced it has a way to, which the full engine knows of (RS-1).
                return self.defer(i);
            }
            return self.stop(i, Cause::NoRoute, Decider::Nobody);
        }
        if here.has(subnet::POLICIES) && self.going[i].aim == Aim::Foreign {
            return self.defer(i);
        }
        let protocol = self.going[i].ids.protocol;
        let service = matches!(self.going[i].aim, Aim::Service(..) | Aim::WellKnown | Aim::Foreign);
        if protocol == TCP && header.port == SMTP && !service {
            return self.defer(i);
        }
        let ported = rules::has_ports(protocol);
        let subnet = self.going[i].subnet;
        let own_subnet = Decider::Resource(Slot { table: TableTag::Subnet, row: subnet });
        let nat = |row: u32| Decider::Resource(Slot { table: TableTag::NatGateway, row });
        let source = match self.method(i, here) {
            Method::Doubt => return self.defer(i),
            Method::Ported(_) if !ported => return self.defer(i),
            Method::Address(ip) | Method::Ported(ip) => ip,
            Method::Nat(row, _) | Method::NatEmpty(row) if !ported => {
                return self.stop(i, Cause::NatProtocol, nat(row));
            }
            Method::Nat(_, ip) => ip,
            Method::NatEmpty(row) => return self.stop(i, Cause::NoOutboundMethod, nat(row)),
            Method::Default if !ported => return self.stop(i, Cause::NatProtocol, own_subnet),
            Method::Default => default_outbound(),
            Method::Nothing => {
                return match self.is_neighbour(i, here) {
                    None => self.defer(i),
                    Some(true) => self.go(i, Stage::Public),
                    Some(false) => self.stop(i, Cause::NoOutboundMethod, own_subnet),
                };
            }
        };
        let after = Header { source, ..header };
        match self.going[i].from {
            NOBODY => {
                self.trail.note(i, || Record::translated(after.source));
                (self.going[i].header, self.going[i].asked) = (after, false);
                self.go(i, Stage::Public);
            }
            own => {
                if self.remember(i, Device::Outbound(own), after, true) {
                    self.go(i, Stage::Public);
                }
            }
        }
    }

    /// A NAT gateway of the subnet, else what the sender has of its own, else what the subnet gives.
    #[inline(always)]
    fn method(&self, i: usize, here: &SubnetRow) -> Method {
        let of_subnet = self.fast.methods[here.method as usize];
        if matches!(of_subnet, Method::Nat(..) | Method::NatEmpty(_)) {
            return of_subnet;
        }
        let own = match self.going[i].from {
            NOBODY => 0,
            own => self.fast.slot(own).method,
        };
        // An unknown NAT gateway comes before all.
        match own {
            0 => of_subnet,
            _ if of_subnet == Method::Doubt => Method::Doubt,
            own => self.fast.methods[own as usize - 1],
        }
    }

    /// OUT-7: storage of the same region stays reachable without an outbound method; `None` where that is
    /// not known.
    #[inline(always)]
    fn is_neighbour(&mut self, i: usize, here: &SubnetRow) -> Option<bool> {
        let region = self.fast.vnet(here.vnet).region;
        match self.going[i].aim {
            Aim::WellKnown => Some(false),
            Aim::Foreign => None,
            Aim::Service(service, _) => {
                let row = &self.fast.services[service as usize];
                match (row.certain, row.region) {
                    (false, _) => None,
                    (true, 0) => Some(false),
                    (true, own) => (region != 0).then_some(region == own),
                }
            }
            _ if region == 0 => None,
            _ => match self.fast.region_tags.get(region as usize) {
                None | Some(&NOBODY) => Some(false),
                Some(tag) => {
                    let destination = self.going[i].header.destination;
                    let row = self.fast.tag_sets[self.see(i, destination).tags as usize];
                    Some(row[*tag as usize / 64] >> (tag % 64) & 1 != 0)
                }
            },
        }
    }

    /// In public space: who answers at the destination?
    #[inline(always)]
    pub(super) fn public(&mut self, i: usize) {
        self.trail.note(i, || Record::PUBLIC);
        if self.going[i].returning {
            return self.public_back(i);
        }
        let destination = self.going[i].header.destination;
        match self.going[i].aim {
            Aim::Service(..) | Aim::Foreign => return self.reach_service(i, Arrival::Public),
            Aim::WellKnown => return self.arrived(i, Terminal::Public, Disposition::Accepted),
            Aim::Host(host) => return self.at_host(i, host),
            Aim::Other => return self.defer(i),
            _ => {}
        }
        match self.fast.occupants.get(&destination) {
            Some(Occupant::Slot(own)) => return self.lead_inside(i, *own),
            Some(Occupant::Nothing) => return self.stop(i, Cause::OriginUnmatched, Decider::Nobody),
            Some(Occupant::Other) => return self.defer(i),
            None => {}
        }
        if !self.see(i, destination).public || matches!(self.going[i].aim, Aim::Slot(_)) {
            return self.stop(i, Cause::PrivateOnlyTarget, Decider::Nobody);
        }
        self.arrived(i, Terminal::Public, Disposition::ExitsNetwork);
    }

    #[inline(always)]
    fn at_host(&mut self, i: usize, host: u32) {
        let listens = &self.fast.hosts[host as usize];
        let (port, ported) = (self.going[i].header.port, rules::has_ports(self.going[i].ids.protocol));
        if ported && listens.as_ref().is_some_and(|l| !l.contains(port)) {
            let owner = Slot { table: TableTag::InternetHost, row: host };
            return self.stop(i, Cause::NothingListens, Decider::Resource(owner));
        }
        self.arrived(i, Terminal::Public, Disposition::ExitsNetwork);
    }

    /// An instance-level public address: closed until a group allows (PIP-1, PIP-2).
    #[inline(always)]
    fn lead_inside(&mut self, i: usize, own: u32) {
        let row = self.fast.slot(own);
        if row.has(slot::PUBLIC_DOUBT) {
            return self.defer(i);
        }
        let after = Header { destination: row.ip, ..self.going[i].header };
        self.going[i].closed = row.has(slot::CLOSED);
        if self.remember(i, Device::Inbound(own), after, false) {
            self.going[i].slot = own;
            self.go(i, Stage::Arrive);
        }
    }
}
