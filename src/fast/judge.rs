//! Stages of firewalls, private endpoints and services.

use super::cpu::Cpu;
use super::flow::{Aim, Arrival, Decider, Device, Going, Header, Terminal};
use super::leaf::Leaves;
use super::rules::{self, Said, Says};
use super::tables::{Access, NOBODY, Plane, Status};
use super::trail::{Record, Trail};
use super::walk::{Queue, Walk};
use crate::inventory::{Slot, TableTag};
use crate::trace::{Cause, Disposition};

const TCP: u8 = 0;
const DNS: u16 = 53;

impl<'a, C: Cpu, T: Trail> Walk<'a, C, T> {
    /// At firewalls, from inside: network rules, application rules, the default (FW-1 to FW-5).
    #[inline(always)]
    pub(super) fn judge(&mut self, queue: &Queue) {
        let fast = self.fast;
        let lines = &fast.lines;
        let (mut rows, mut leaves) = (Queue::EMPTY, Queue::EMPTY);
        let (mut more_rows, mut more_leaves) = (false, false);
        for i in queue.flows() {
            let Some(plane) = self.is_judged(i) else { continue };
            self.ask_firewall(i);
            let going = &mut self.going[i];
            match plane {
                Plane::Rows(head) => {
                    going.search.begin(self.cpu, lines, head);
                    more_rows = true;
                    rows.push(i as u8);
                }
                Plane::Leaves(n) => {
                    going.index = n;
                    more_leaves |=
                        fast.leaves[n as usize].begin(self.cpu, lines, &mut going.leaves, &going.ask);
                    leaves.push(i as u8);
                }
            }
        }
        while more_rows {
            more_rows = false;
            for i in rows.flows() {
                let Going { search, ask, .. } = &mut self.going[i];
                more_rows |= search.step(self.cpu, lines, ask);
            }
        }
        while more_leaves {
            more_leaves = false;
            for i in leaves.flows() {
                let index = self.leaves_of(i);
                let Going { leaves, ask, .. } = &mut self.going[i];
                more_leaves |= index.step(self.cpu, lines, leaves, ask);
            }
        }
        for i in leaves.flows() {
            self.leaves_of(i).fetch_directory(self.cpu, lines, &self.going[i].leaves);
        }
        for i in leaves.flows() {
            self.leaves_of(i).fetch_leaves(self.cpu, lines, &mut self.going[i].leaves);
        }
        for i in rows.flows() {
            let said = self.going[i].search.finish(self.cpu, fast.around(), &self.going[i].ask, None);
            self.network_said(i, said);
        }
        for i in leaves.flows() {
            let going = &self.going[i];
            let said = self.leaves_of(i).finish(self.cpu, fast.around(), &going.leaves, &going.ask);
            self.network_said(i, said);
        }
    }

    #[inline(always)]
    fn leaves_of(&self, i: usize) -> &'a Leaves {
        &self.fast.leaves[self.going[i].index as usize]
    }

    /// The network rules of the firewall a flow is at; otherwise the flow has gone elsewhere.
    #[inline(always)]
    fn is_judged(&mut self, i: usize) -> Option<Plane> {
        let own = self.going[i].slot;
        let row = self.fast.slot(own);
        let firewall = &self.fast.firewalls[row.about as usize];
        self.going[i].firewall = row.about;
        if row.ip == self.going[i].header.destination {
            match firewall.proxy && self.going[i].header.port == DNS && !firewall.doubt {
                true => self.arrived(i, Terminal::Slot(own), Disposition::Accepted),
                // A DNAT rule may take it.
                false => self.defer(i),
            }
            return None;
        }
        if firewall.doubt {
            self.defer(i);
            return None;
        }
        Some(firewall.network)
    }

    #[inline(always)]
    fn ask_firewall(&mut self, i: usize) {
        self.set_header(i);
        let source_port = self.going[i].header.source_port;
        let ask = &mut self.going[i].ask;
        // Rules of firewalls name neither tags of networks nor groups.
        (ask.source_port, ask.platform_only, ask.network_doubt) = (source_port, false, false);
    }

    #[inline(always)]
    fn network_said(&mut self, i: usize, said: Said) {
        let firewall = self.going[i].firewall;
        self.tell_rule(i, firewall, false, said);
        match said {
            Said::Doubt => self.defer(i),
            Said::Rule(rule, Says::Deny) => {
                let decider = Decider::Firewall { firewall: firewall as u16, application: false, rule };
                self.stop(i, Cause::FirewallNetworkRuleDeny, decider);
            }
            Said::Rule(..) => self.translate(i, false),
            Said::Nothing => self.application(i, firewall),
        }
    }

    /// Tells which rule of a firewall decides.
    #[inline(always)]
    fn tell_rule(&mut self, i: usize, firewall: u32, application: bool, said: Said) {
        if let Said::Rule(rule, _) = said {
            self.trail.note(i, || Record::firewall(firewall, application, rule));
        }
    }

    /// Application rules, for TCP; else the default.
    #[inline(always)]
    fn application(&mut self, i: usize, number: u32) {
        let fast = self.fast;
        let firewall = &fast.firewalls[number as usize];
        let (protocol, port) = (self.going[i].ids.protocol, self.going[i].header.port);
        let listened = firewall.listens.contains(&port);
        if protocol == TCP && (listened || firewall.any_port) {
            let name = self.going[i].ids.name;
            let Some(row) = self.names.row(number, name) else {
                self.wanted.push((number, name));
                return self.defer(i);
            };
            let ask = &self.going[i].ask;
            let said = match firewall.application {
                Plane::Rows(head) => rules::decide(self.cpu, fast.around(), head, ask, Some(row)),
                Plane::Leaves(n) => fast.leaves[n as usize].decide_named(self.cpu, &fast.lines, ask, row),
            };
            self.tell_rule(i, number, true, said);
            match said {
                Said::Doubt => return self.defer(i),
                Said::Rule(rule, Says::Deny) => {
                    let decider = Decider::Firewall { firewall: number as u16, application: true, rule };
                    return self.stop(i, Cause::FirewallApplicationRuleDeny, decider);
                }
                // Of HTTP the firewall asks for the name itself (FW-6), which the full engine follows.
                Said::Rule(..) if name != NOBODY && !matches!(port, 443 | 1433) => return self.defer(i),
                Said::Rule(..) => return self.translate(i, true),
                Said::Nothing => {}
            }
        }
        let owner = Decider::Resource(Slot { table: TableTag::AzureFirewall, row: number });
        let read = matches!(port, 80 | 443 | 1433) || listened;
        match protocol == TCP && read {
            true => self.stop(i, Cause::FirewallApplicationRuleNoMatch, owner),
            false => self.stop(i, Cause::FirewallDefaultDeny, owner),
        }
    }

    /// Translation of the source (FW-19), then out again.
    #[inline(always)]
    fn translate(&mut self, i: usize, application: bool) {
        let own = self.going[i].slot;
        let row = self.fast.slot(own);
        self.going[i].proxied |= application;
        let before = self.going[i].header;
        let firewall = &self.fast.firewalls[row.about as usize];
        let private = firewall.private.rank(self.cpu, &self.fast.lines, before.destination) & 1 != 0;
        let hides = self.going[i].proxied || !private;
        // A private source may be left as it is on its way to the internet.
        if firewall.keeps_more && !hides && self.see(i, before.destination).public {
            return self.defer(i);
        }
        let after = Header { source: if hides { row.ip } else { before.source }, ..before };
        if self.remember(i, Device::Transit(own), after, true) {
            self.leave(i);
        }
    }

    // ---- private endpoints and services

    /// At a private endpoint: its connection, then the service (PE-1 to PE-3).
    #[inline(always)]
    pub(super) fn at_endpoint(&mut self, i: usize) {
        let own = self.going[i].slot;
        let about = self.fast.slot(own).about;
        let row = self.fast.endpoints[about as usize];
        let owner = Decider::Resource(Slot { table: TableTag::PrivateEndpoint, row: about });
        match row.status {
            Status::Doubt => return self.defer(i),
            Status::Closed => return self.stop(i, Cause::PeNotApproved, owner),
            Status::Open => {}
        }
        let wrong = match self.going[i].aim {
            Aim::Service(service, position) => service != row.service || row.serves >> position & 1 == 0,
            Aim::Foreign | Aim::WellKnown => true,
            Aim::Other => return self.defer(i),
            _ => false,
        };
        if wrong {
            self.refuse_with(i, Cause::PeWrongResource, owner);
        }
        if !matches!(self.going[i].aim, Aim::Service(..)) {
            self.going[i].aim = Aim::Service(row.service, row.position);
        }
        self.reach_service(i, Arrival::Endpoint(own));
    }

    /// Before a service: its own firewall, unless the flow came through a private endpoint (PE-10, ST-2).
    #[inline(always)]
    pub(super) fn service(&mut self, i: usize) {
        let Aim::Service(number, _) = self.going[i].aim else {
            let terminal = self.terminal(i);
            return self.arrived(i, terminal, Disposition::ExitsNetwork);
        };
        let row = self.fast.services[number as usize];
        self.trail.note(i, || Record::service(number));
        if !row.certain {
            return self.defer(i);
        }
        let arrival = self.going[i].arrival;
        let open = match (arrival, row.access) {
            (Arrival::Endpoint(_), _) | (_, Access::Open) => Some(true),
            (_, Access::Doubt) => None,
            (_, Access::Closed) => {
                self.refuse(i, number, Cause::PublicAccessDisabled);
                Some(true)
            }
            (Arrival::ServiceEndpoint(from), Access::Rules { subnets: (first, last), doubt, .. }) => {
                let named = self.fast.let_in[first as usize..last as usize].contains(&from);
                (named || !doubt).then_some(named)
            }
            (Arrival::Public, Access::Rules { addresses, doubt, .. }) => {
                let source = self.going[i].header.source;
                let near = row.region != 0 && row.region == self.region(i);
                let fits = addresses.rank(self.cpu, &self.fast.lines, source) & 1 != 0;
                // Whether a network without a location is near cannot be told.
                let unplaced = row.region != 0 && fits && self.region(i) == 0 && self.is_within_azure(i);
                match (near, fits) {
                    (true, _) => Some(false),
                    (false, true) if unplaced => None,
                    (false, true) => Some(true),
                    (false, false) => (!doubt).then_some(false),
                }
            }
        };
        match open {
            None => return self.defer(i),
            Some(false) => self.refuse(i, number, Cause::ServiceFirewallDeny),
            Some(true) => {}
        }
        // A refusal is told only to whom the answer comes back.
        let terminal = self.terminal(i);
        self.arrived(i, terminal, Disposition::Accepted);
    }

    /// Whether the sender, or what sent the flow on, is in a network of Azure.
    #[inline(always)]
    fn is_within_azure(&self, i: usize) -> bool {
        use super::flow::Start;
        !matches!(self.going[i].ids.start, Start::Internet(_)) || self.going[i].session_count > 0
    }

    #[inline(always)]
    fn terminal(&self, i: usize) -> Terminal {
        match self.going[i].arrival {
            Arrival::Public => Terminal::Public,
            Arrival::ServiceEndpoint(from) => Terminal::ServiceEndpoint(from),
            Arrival::Endpoint(own) => Terminal::Endpoint(own),
        }
    }

    /// The region of the sender's network, or of what sent the flow on last; 0 for one outside.
    #[inline(always)]
    fn region(&self, i: usize) -> u32 {
        use super::flow::Start;
        let going = &self.going[i];
        let sessions = going.sessions[..usize::from(going.session_count)].iter().rev();
        let last = sessions.map(|x| x.device).find(|d| !matches!(d, Device::Inbound(_)));
        if let Some(Device::Transit(own) | Device::Outbound(own)) = last {
            return self.fast.vnet(self.fast.slot(own).vnet).region;
        }
        let home = match self.going[i].ids.start {
            Start::Slot(own) => self.fast.slot(own).vnet,
            Start::Subnet(subnet, _) => self.fast.subnet(subnet).vnet,
            Start::Internet(_) | Start::Other => return 0,
        };
        self.fast.vnet(home).region
    }

    /// A service refuses; where the name resolved publicly although an endpoint exists, the missing link is
    /// the cause to mend (DNS-9).
    #[inline(always)]
    fn refuse(&mut self, i: usize, service: u32, cause: Cause) {
        match self.going[i].ids.shadow {
            NOBODY => {
                let owner = Slot { table: TableTag::PlatformService, row: service };
                self.refuse_with(i, cause, Decider::Resource(owner));
            }
            text => self.refuse_with(i, Cause::DnsZoneNotLinked, Decider::Text(text)),
        }
    }

    /// The first refusal is the one told.
    #[inline(always)]
    fn refuse_with(&mut self, i: usize, cause: Cause, decider: Decider) {
        self.going[i].refused.get_or_insert((cause, decider));
    }
}
