//! Load balancers: from a frontend to its backends (LB).

use super::Cause;
use super::engine::Walk;
use super::family::same;
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::outbound::names_part;
use super::question::EPHEMERAL_PORT;
use super::state::{Device, End, Next, Place, State, by, of};
use crate::inventory::{
    AnyKind, BackendAddressPool, Id, LoadBalancer, LoadBalancingRule, Ref, ResourceId, Sku, Slot, TableTag,
    Unknown,
};
use crate::net::Header;
use crate::net::{IpAddr, Protocol, ProtocolMatch};
use crate::network::{AttachmentId, AttachmentKind, HOST_ADDRESS};
use crate::rules as azure;

impl Walk<'_> {
    /// At a frontend of a load balancer, from inside (`own`) or from public space.
    pub(super) fn at_frontend(
        &self,
        s: &mut State,
        own: Option<AttachmentId>,
        balancer: Id<LoadBalancer>,
        frontend: u16,
    ) -> Next {
        let row = &self.net.inventory.load_balancers[balancer];
        let slot = Slot { table: TableTag::LoadBalancer, row: balancer.raw() };
        s.hop(HopKind::LoadBalancer, row.id.name().to_owned(), Some(row.id.clone()), Zone::Yours);
        let Some(front) = row.frontend_ip_configurations.items.get(usize::from(frontend)) else {
            return Next::End(End::Stopped);
        };
        let transit = own.is_some_and(|id| self.net.attachment(id).address != Some(s.header.destination));
        let others_frontends = self.beyond_the_model(s, row, front, slot);
        if let Some(next) = self.global_basic(s, own, row.sku.is(Sku::Basic), slot) {
            return next;
        }
        let rule = row.load_balancing_rules.iter().find(|r| {
            let mine = r
                .frontend_ip_configuration
                .known()
                .is_some_and(|f| names_part(&f.text, &front.id(), &front.name));
            mine && takes(r, &s.header, transit)
        });
        let Some(rule) = rule else {
            if self.balancer_rule_gone(s, slot) {
                return Next::End(End::Stopped);
            }
            return self.inbound_nat(s, balancer, front, slot);
        };
        if others_frontends {
            return Next::End(End::Stopped);
        }
        if let Some(unknown) = [&rule.frontend_port, &rule.backend_port].into_iter().find_map(|f| f.unknown())
        {
            s.unknown(
                StepKind::Balance,
                Cause::UnknownValue,
                &unknown.clone(),
                of(self.net, Some(slot), &[azure::LB_1]),
            );
            return Next::End(End::Stopped);
        }
        let evidence = Evidence {
            name: Some(rule.name.clone()),
            at: rule.at,
            ..of(self.net, Some(slot), &[azure::LB_1])
        };
        let pool = self.backends(balancer, rule);
        let mut backends = self.kept_backends(s, &pool).unwrap_or(pool);
        let like = |id: &AttachmentId| {
            self.net.attachment(*id).address.is_none_or(|own| same(own, s.header.destination))
        };
        if !backends.is_empty() && !backends.iter().any(like) {
            let why = format!(
                "no backend of the rule `{}` has an address of the frontend's family, which Azure would not accept",
                rule.name
            );
            let unknown = Unknown::new(rule.at, why);
            s.unknown(StepKind::Balance, Cause::UnknownValue, &unknown, evidence);
            return Next::End(End::Stopped);
        }
        backends.retain(like);
        let lost = || self.lost_members(balancer, rule.backend_address_pool.iter());
        if let (true, Some(unknown)) = (backends.is_empty(), lost()) {
            s.unknown(StepKind::Balance, Cause::DanglingReference, &unknown, evidence);
            return Next::End(End::Stopped);
        }
        if backends.is_empty() {
            let text = format!("no backend of the rule `{}` is in the files", rule.name);
            s.block(StepKind::Balance, Cause::NoBackend, evidence, text);
            return Next::End(End::Stopped);
        }
        self.to_backends(s, balancer, rule, backends, transit, evidence)
    }

    /// What is not modelled of a load balancer leaves what it carries unknown (D-16). Whether nothing can be said of the
    /// way beyond: the members of a cross-region load balancer are others' frontends.
    fn beyond_the_model(
        &self,
        s: &mut State,
        row: &LoadBalancer,
        front: &crate::inventory::FrontendIpConfiguration,
        slot: Slot,
    ) -> bool {
        let global = row.tier.known().is_some_and(|t| t.eq_ignore_ascii_case("Global"));
        let chained = !front.gateway_load_balancer.is_absent();
        let what = match (global, chained) {
            (true, _) => "is a cross-region load balancer",
            (_, true) => "has a Gateway Load Balancer before it",
            _ => return false,
        };
        let why = format!("`{}` {what}, which is not modelled", row.id.name());
        let unknown = Unknown::new(row.at, why);
        let evidence = of(self.net, Some(slot), &[azure::LB_1]);
        s.unknown(StepKind::Balance, Cause::UnsupportedResource, &unknown, evidence);
        global
    }

    /// Why a pool without a member that is known may have some: its members are in none of the files.
    pub(super) fn lost_members<'r>(
        &self,
        balancer: Id<LoadBalancer>,
        mut named: impl Iterator<Item = &'r Ref<AnyKind>>,
    ) -> Option<Unknown> {
        let row = &self.net.inventory.load_balancers[balancer];
        let pool = named.find_map(|r| {
            row.backend_address_pools.iter().find(|pool| names_part(&r.text, &pool.id(), &pool.name))
        })?;
        let unknown = pool.addresses.unknown.as_ref().or(pool.backend_ip_configurations.unknown.as_ref());
        let members = pool.addresses.items.len() + pool.backend_ip_configurations.items.len();
        unknown.cloned().or_else(|| {
            let why = format!("the {members} members of the pool `{}` are in none of the files", pool.name);
            (members > 0).then(|| Unknown::new(pool.at, why))
        })
    }

    /// Basic frontends cannot be reached over global peering (PEER-9).
    fn global_basic(
        &self,
        s: &mut State,
        own: Option<AttachmentId>,
        basic: bool,
        slot: Slot,
    ) -> Option<Next> {
        let home = self.net.attachment(own?).vnet;
        // Who sends it there: the last that routed it, else the sender.
        let last = s.trail.iter().rev().find_map(|(place, _)| match place {
            Place::Leave(id) => Some(*id),
            Place::Arrive(id) if matches!(self.net.attachment(*id).kind, AttachmentKind::Gateway(_)) => {
                Some(*id)
            }
            _ => None,
        });
        let sender = self.net.attachment(last?).vnet;
        let region = |v| self.net.region(v);
        let apart = region(sender).is_some() && region(home).is_some() && region(sender) != region(home);
        if basic && sender != home && apart {
            let text = "a Basic load balancer cannot be reached over global peering";
            s.block(
                StepKind::Balance,
                Cause::BasicBalancerAcrossPeering,
                of(self.net, Some(slot), &[azure::PEER_9, azure::LB_11]),
                text,
            );
            return Some(Next::End(End::Stopped));
        }
        None
    }

    /// Whether a balancer hands packets to a backend with its own frontend as the destination (LB-7).
    pub(super) fn floats_to(&self, balancer: Id<LoadBalancer>, id: AttachmentId) -> bool {
        let mut rules = self.net.inventory.load_balancers[balancer].load_balancing_rules.iter();
        rules.any(|r| r.enable_floating_ip.is(true) && self.backends(balancer, r).contains(&id))
            || self.nat_floats_to(balancer, id)
    }

    /// The attachments in the pools of a rule.
    fn backends(&self, balancer: Id<LoadBalancer>, rule: &LoadBalancingRule) -> Vec<AttachmentId> {
        self.pool_members(balancer, rule.backend_address_pool.iter())
    }

    /// The attachments in the pools that a balancer's rule names.
    pub(super) fn pool_members<'r>(
        &self,
        balancer: Id<LoadBalancer>,
        named: impl Iterator<Item = &'r Ref<AnyKind>>,
    ) -> Vec<AttachmentId> {
        let wanted: Vec<ResourceId> = named
            .flat_map(|r| self.net.pools.named(&self.net.inventory, &r.text, Some(balancer.raw())))
            .collect();
        let mut out = Vec::new();
        for id in self.net.pools.members().iter().copied() {
            if matches!(
                self.net.attachment(id).kind,
                AttachmentKind::Frontend(..) | AttachmentKind::PrivateEndpoint(..)
            ) {
                continue;
            }
            if self.net.pools.of(id).iter().any(|p| wanted.contains(p)) {
                out.push(id);
            }
        }
        out
    }

    fn to_backends(
        &self,
        s: &mut State,
        balancer: Id<LoadBalancer>,
        rule: &LoadBalancingRule,
        backends: Vec<AttachmentId>,
        transit: bool,
        evidence: Evidence,
    ) -> Next {
        let row = &self.net.inventory.load_balancers[balancer];
        let public = self.is_public_frontend(rule, balancer);
        let healthy: Vec<AttachmentId> =
            backends.iter().copied().filter(|b| self.probe_passes(row, rule, *b)).collect();
        if healthy.is_empty() {
            let every = !self.backends(balancer, rule).iter().any(|b| self.probe_passes(row, rule, *b));
            if !self.outlives_probes(s, row.sku.is(Sku::Basic), every) {
                let mut rules = vec![azure::LB_4, azure::PLAT_6];
                let silent = backends.iter().any(|b| self.is_silent(row, rule, *b));
                let does = if silent { "denies or does not answer" } else { "denies" };
                let (so, more) = match s.open.is_some() {
                    true => ("which cuts open flows", Some(azure::LB_3)),
                    false => ("so none gets new flows", None),
                };
                let text = format!("every backend {does} the health probes from 168.63.129.16, {so}");
                rules.extend(more);
                s.block(StepKind::Balance, Cause::ProbeDown, Evidence { rules, ..evidence.clone() }, text);
            }
        }
        let used = if healthy.is_empty() { backends } else { healthy };
        let total = used.len();
        let mut ways = Vec::new();
        for id in used {
            let backend = self.net.attachment(id);
            let Some(address) = backend.address else { continue };
            if s.header.source == address {
                self.hairpin(s, total, &evidence);
                continue;
            }
            let before = s.header;
            let mut after = before;
            if let (false, Some(unknown)) = (transit, rule.enable_floating_ip.unknown()) {
                s.unknown(StepKind::Balance, Cause::UnknownValue, &unknown.clone(), by(&[azure::LB_7]));
                return Next::End(End::Stopped);
            }
            if !transit && !rule.enable_floating_ip.is(true) {
                after.destination = address;
                let port = rule.backend_port.known().copied().filter(|p| *p != 0);
                after.port = port.and_then(|p| u16::try_from(p).ok()).unwrap_or(before.port);
            }
            ways.push((id, before, after));
        }
        self.strangers_in_pool(s, row, rule);
        let text = format!("rule `{}` spreads over {} backend(s)", rule.name, ways.len());
        s.pass(StepKind::Balance, evidence, || text);
        match ways.len() {
            0 => Next::End(End::Stopped),
            1 => {
                let (id, before, after) = ways.remove(0);
                self.one_backend(s, id, before, after, public, row.sku.known().copied());
                Next::Go(Place::Arrive(id))
            }
            _ => {
                // The sessions differ by backend; each branch finds its own by the header it has.
                for (id, before, after) in &ways {
                    self.one_backend_session(s, *id, *before, *after);
                }
                if public {
                    self.through_front(s, row.sku.known().copied().or(Some(Sku::Standard)), azure::LB_2);
                }
                Next::Split(ways.into_iter().map(|(id, _, after)| (Place::Arrive(id), after)).collect())
            }
        }
    }

    /// Members that a pool lists by an address which no file gives to anybody: what becomes of flows to them is not seen.
    fn strangers_in_pool(&self, s: &mut State, row: &LoadBalancer, rule: &LoadBalancingRule) {
        let named = |pool: &&BackendAddressPool| {
            rule.backend_address_pool.iter().any(|r| names_part(&r.text, &pool.id(), &pool.name))
        };
        let listed = row.backend_address_pools.iter().filter(named).flat_map(|pool| pool.addresses.iter());
        let held = |ip: &IpAddr| self.net.attachments.iter().any(|a| a.address == Some(*ip));
        let stranger = listed.filter_map(|a| a.ip_address.known()).find(|ip| !held(ip));
        if let Some(ip) = stranger {
            s.assume(
                None,
                format!("the member {ip} of the pool, which no file describes, does as the others do"),
            );
        }
    }

    fn hairpin(&self, s: &mut State, total: usize, evidence: &Evidence) {
        let evidence = Evidence { rules: vec![azure::LB_5], ..evidence.clone() };
        if total == 1 {
            s.block(StepKind::Balance, Cause::Hairpin, evidence, "the only backend is the caller itself");
        } else {
            let text = "the caller is one of the backends: when it is chosen itself, the flow fails (LB-5)";
            s.intermittent = Some((Cause::Hairpin, text.into()));
            s.note(StepKind::Balance, evidence, || "the caller is one of the backends".into());
        }
    }

    fn one_backend_session(&self, s: &mut State, id: AttachmentId, incoming: Header, outgoing: Header) {
        s.remember(Device::Inbound(id), incoming, outgoing, &self.net.attachment(id).name);
    }

    pub(super) fn one_backend(
        &self,
        s: &mut State,
        id: AttachmentId,
        before: Header,
        after: Header,
        public: bool,
        sku: Option<Sku>,
    ) {
        self.one_backend_session(s, id, before, after);
        let name = self.net.attachment(id).name.clone();
        s.rewrite(StepKind::Balance, after, by(&[azure::LB_1, azure::NSG_9, azure::LB_8]), || {
            format!("backend `{name}`")
        });
        if public {
            self.through_front(s, sku.or(Some(Sku::Standard)), azure::LB_2);
        }
    }

    fn is_public_frontend(&self, rule: &LoadBalancingRule, balancer: Id<LoadBalancer>) -> bool {
        let row = &self.net.inventory.load_balancers[balancer];
        let front = rule.frontend_ip_configuration.known();
        let front = front.and_then(|f| {
            row.frontend_ip_configurations.iter().find(|c| names_part(&f.text, &c.id(), &c.name))
        });
        front.is_some_and(|f| !f.public_ip_address.is_absent())
    }

    /// Whether the rules of a backend let the health probe in (LB-4), where there is one.
    fn probe_passes(&self, balancer: &LoadBalancer, rule: &LoadBalancingRule, id: AttachmentId) -> bool {
        let (Some(port), Some(destination)) = (probe_port(balancer, rule), self.net.attachment(id).address)
        else {
            return true;
        };
        // What somebody has set holds whatever the probes say.
        let pools = balancer.backend_address_pools.iter();
        let own =
            pools.filter(|p| rule.backend_address_pool.iter().any(|r| names_part(&r.text, &p.id(), &p.name)));
        let mut own = own.flat_map(|p| p.addresses.iter()).filter(|a| a.ip_address.is(destination));
        match own.find_map(|a| a.admin_state.known()) {
            Some(state) if state.eq_ignore_ascii_case("Up") => return true,
            Some(state) if state.eq_ignore_ascii_case("Down") => return false,
            _ => {}
        }
        if self.is_silent(balancer, rule, id) {
            return false;
        }
        let protocol = Protocol::Tcp;
        let header =
            Header { source: HOST_ADDRESS, destination, protocol, source_port: EPHEMERAL_PORT, port };
        let mut packet = State::new(header, super::question::Origin::Internet(HOST_ADDRESS), false);
        self.filter(&mut packet, id, true);
        packet.blockers.is_empty()
    }

    /// Whether a backend is said not to listen on the port it is probed on (LB-1).
    fn is_silent(&self, balancer: &LoadBalancer, rule: &LoadBalancingRule, id: AttachmentId) -> bool {
        let port = probe_port(balancer, rule);
        port.zip(self.listens(id)).is_some_and(|(port, listens)| !listens.iter().any(|r| r.contains(port)))
    }

    /// The attachments that a frontend's rules spread over; for new flows those that their probes reach, or all where
    /// the probes reach none.
    pub(super) fn behind_frontend(&self, id: AttachmentId, new: bool) -> Vec<AttachmentId> {
        let AttachmentKind::Frontend(balancer, number) = self.net.attachment(id).kind else {
            return Vec::new();
        };
        let row = &self.net.inventory.load_balancers[balancer];
        let Some(front) = row.frontend_ip_configurations.items.get(usize::from(number)) else {
            return Vec::new();
        };
        let own = |r: &&LoadBalancingRule| {
            let frontend = r.frontend_ip_configuration.known();
            frontend.is_some_and(|f| names_part(&f.text, &front.id(), &front.name))
        };
        let members = |rule: &LoadBalancingRule| {
            let all = self.backends(balancer, rule);
            let healthy: Vec<AttachmentId> =
                all.iter().copied().filter(|b| !new || self.probe_passes(row, rule, *b)).collect();
            if healthy.is_empty() { all } else { healthy }
        };
        row.load_balancing_rules.iter().filter(own).flat_map(members).collect()
    }
}

/// The port that a rule's probe asks.
fn probe_port(balancer: &LoadBalancer, rule: &LoadBalancingRule) -> Option<u16> {
    let wanted = rule.probe.known()?;
    let probe = balancer.probes.iter().find(|x| names_part(&wanted.text, &x.id(), &x.name))?;
    Some(probe.port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(0))
}

/// Whether a rule takes a header: its port and protocol, or every port (LB-6).
fn takes(rule: &LoadBalancingRule, header: &Header, transit: bool) -> bool {
    let ha = rule.frontend_port.is(0);
    let protocol =
        rule.protocol.or(ProtocolMatch::only(Protocol::Tcp)).is_ok_and(|p| p.contains(header.protocol));
    if ha {
        return header.protocol.has_ports() && protocol;
    }
    !transit
        && protocol
        && (rule.frontend_port.is(i64::from(header.port)) || rule.frontend_port.unknown().is_some())
}
