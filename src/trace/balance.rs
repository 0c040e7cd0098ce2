//! Load balancers, application gateways and Front Door: from a frontend to its backends (LB, AGW, AFD).

use super::engine::Walk;
use super::family::same;
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::outbound::names_part;
use super::question::EPHEMERAL_PORT;
use super::state::{Device, End, Next, Place, State, by, of};
use super::{Cause, Disposition};
use crate::inventory::{
    ApplicationGateway, Id, LoadBalancer, LoadBalancingRule, Nsg, ResourceId, Sku, Slot, Subnet, TableTag,
    Unknown,
};
use crate::net::Header;
use crate::net::{IpAddr, Protocol, ProtocolMatch};
use crate::network::{AttachmentId, AttachmentKind, HOST_ADDRESS, PublicTarget, Ruling, Verdict};
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
        if backends.is_empty() {
            let text = format!("no backend of the rule `{}` is in the files", rule.name);
            s.block(StepKind::Balance, Cause::NoBackend, evidence, text);
            return Next::End(End::Stopped);
        }
        self.to_backends(s, balancer, rule, backends, transit, evidence)
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
    }

    /// The attachments in the pools of a rule.
    fn backends(&self, balancer: Id<LoadBalancer>, rule: &LoadBalancingRule) -> Vec<AttachmentId> {
        let named = rule.backend_address_pool.iter();
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
                let (text, more) = match s.open.is_some() {
                    true => (
                        "every backend denies the health probes from 168.63.129.16, which cuts open flows",
                        Some(azure::LB_3),
                    ),
                    false => (
                        "every backend denies the health probes from 168.63.129.16, so none gets new flows",
                        None,
                    ),
                };
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
            if !transit && !rule.enable_floating_ip.is(true) {
                after.destination = address;
                let port = rule.backend_port.known().copied().filter(|p| *p != 0);
                after.port = port.and_then(|p| u16::try_from(p).ok()).unwrap_or(before.port);
            }
            ways.push((id, before, after));
        }
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

    fn one_backend(
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
        let probe = rule.probe.known();
        let probe =
            probe.and_then(|p| balancer.probes.iter().find(|x| names_part(&p.text, &x.id(), &x.name)));
        let (Some(probe), Some(destination)) = (probe, self.net.attachment(id).address) else { return true };
        let port = probe.port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(0);
        let protocol = Protocol::Tcp;
        let header =
            Header { source: HOST_ADDRESS, destination, protocol, source_port: EPHEMERAL_PORT, port };
        let mut packet = State::new(header, super::question::Origin::Internet(HOST_ADDRESS), false);
        self.filter(&mut packet, id, true);
        packet.blockers.is_empty()
    }

    /// The attachments that a frontend's rules spread over.
    pub(super) fn behind_frontend(&self, id: AttachmentId) -> Vec<AttachmentId> {
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
        row.load_balancing_rules.iter().filter(own).flat_map(|rule| self.backends(balancer, rule)).collect()
    }

    /// An inbound NAT rule, where no load-balancing rule takes the flow.
    fn inbound_nat(
        &self,
        s: &mut State,
        balancer: Id<LoadBalancer>,
        front: &crate::inventory::FrontendIpConfiguration,
        slot: Slot,
    ) -> Next {
        let row = &self.net.inventory.load_balancers[balancer];
        let header = s.header;
        let rule = row.inbound_nat_rules.iter().find(|r| {
            let mine = r
                .frontend_ip_configuration
                .known()
                .is_some_and(|f| names_part(&f.text, &front.id(), &front.name));
            let port = r.frontend_port.is(i64::from(header.port));
            mine && port && r.protocol.or(ProtocolMatch::ANY).is_ok_and(|p| p.contains(header.protocol))
        });
        let backend = rule.and_then(|r| {
            let mine = |config: &crate::inventory::IpConfiguration| {
                config.load_balancer_inbound_nat_rules.iter().any(|n| names_part(&n.text, &r.id(), &r.name))
                    || r.backend_ip_configuration
                        .known()
                        .is_some_and(|b| names_part(&b.text, &config.id(), &config.name))
            };
            let nics = self.net.inventory.network_interfaces.rows();
            let nic =
                nics.into_iter().find(|(_, n)| n.ip_configurations.iter().any(mine)).map(|(id, _)| id)?;
            self.net.attachments.iter().position(|a| a.kind == AttachmentKind::Interface(nic))
        });
        match (rule, backend.map(|n| AttachmentId(n as u32))) {
            (Some(rule), Some(id)) => {
                let Some(address) = self.net.attachment(id).address else { return Next::End(End::Stopped) };
                let port =
                    rule.backend_port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(header.port);
                let after = Header { destination: address, port, ..header };
                let public = !front.public_ip_address.is_absent();
                self.one_backend(s, id, header, after, public, row.sku.known().copied());
                Next::Go(Place::Arrive(id))
            }
            (Some(rule), None) => {
                let evidence = Evidence {
                    name: Some(rule.name.clone()),
                    at: rule.at,
                    ..of(self.net, Some(slot), &[azure::LB_1])
                };
                s.block(
                    StepKind::Balance,
                    Cause::NoBackend,
                    evidence,
                    format!("the NAT rule `{}` has no target", rule.name),
                );
                Next::End(End::Stopped)
            }
            (None, _) => {
                let text = format!("no rule of `{}` takes {}", row.id.name(), header);
                s.block(
                    StepKind::Balance,
                    Cause::FrontendPortClosed,
                    of(self.net, Some(slot), &[azure::LB_1]),
                    text,
                );
                Next::End(End::Stopped)
            }
        }
    }

    /// At an application gateway: a listener, then a flow of its own to a backend (AGW-1).
    pub(super) fn at_application_gateway(
        &self,
        s: &mut State,
        own: Option<AttachmentId>,
        gateway: Id<ApplicationGateway>,
    ) -> Next {
        let row = &self.net.inventory.application_gateways[gateway];
        let slot = Slot { table: TableTag::ApplicationGateway, row: gateway.raw() };
        s.hop(HopKind::ApplicationGateway, row.id.name().to_owned(), Some(row.id.clone()), Zone::Yours);
        let found =
            self.net.attachments.iter().position(|a| a.kind == AttachmentKind::ApplicationGateway(gateway));
        let Some(id) = own.or(found.map(|n| AttachmentId(n as u32))) else { return Next::End(End::Stopped) };
        self.filter_subnet(s, self.net.attachment(id).subnet, true);
        self.gateway_health(s, id, row);
        let Some(listener) = self.listener(s, row, self.net.attachment(id).address) else {
            let text =
                format!("no listener of `{}` takes port {} and this host name", row.id.name(), s.header.port);
            s.block(
                StepKind::Proxy,
                Cause::FrontendPortClosed,
                of(self.net, Some(slot), &[azure::AGW_1]),
                text,
            );
            return Next::End(End::Stopped);
        };
        let rule = row.request_routing_rules.iter().find(|r| {
            r.http_listener.known().is_some_and(|l| names_part(&l.text, &listener.id(), &listener.name))
        });
        let pool = rule.and_then(|r| r.backend_address_pool.known());
        let pool = pool
            .and_then(|p| row.backend_address_pools.iter().find(|b| names_part(&p.text, &b.id(), &b.name)));
        let settings = rule.and_then(|r| r.backend_http_settings.known());
        let settings = settings.and_then(|p| {
            row.backend_http_settings_collection.iter().find(|b| names_part(&p.text, &b.id(), &b.name))
        });
        let port = settings
            .and_then(|b| b.port.known())
            .and_then(|p| u16::try_from(*p).ok())
            .unwrap_or(s.header.port);
        let evidence =
            Evidence { name: rule.map(|r| r.name.clone()), ..of(self.net, Some(slot), &[azure::AGW_1]) };
        let Some(source) = self.net.attachment(id).address else {
            s.unknown(
                StepKind::Proxy,
                Cause::UnknownValue,
                &self.net.attachment(id).address_unknown(),
                evidence,
            );
            return Next::End(End::Stopped);
        };
        let Some(destination) = pool.and_then(|p| self.gateway_backend(p)) else {
            s.block(StepKind::Proxy, Cause::NoBackend, evidence, "no backend address of the pool is known");
            return Next::End(End::Stopped);
        };
        let before = s.header;
        let after = Header { source, destination, port, ..before };
        s.remember(Device::Transit(id), before, after, row.id.name());
        s.rewrite(StepKind::Proxy, after, evidence, || format!("a flow of its own to {destination}:{port}"));
        Next::Go(Place::Leave(id))
    }

    /// The flows that a gateway's subnet has to let through (NSG-25): into it or out of it, and what to say otherwise.
    fn gateway_needs(&self, own: IpAddr, isolated: bool) -> Vec<(bool, Header, &'static str)> {
        let header = |source, destination, port| Header {
            source,
            destination,
            protocol: Protocol::Tcp,
            source_port: 50_000,
            port,
        };
        let probes = "the platform's probes (AzureLoadBalancer) cannot reach the gateway's subnet, so the gateway is unhealthy";
        let mut needs = vec![(true, header(HOST_ADDRESS, own, 80), probes)];
        let manager = self.net.tags.find("GatewayManager").and_then(|t| self.net.tags.representative(t));
        if !isolated {
            let managed = "GatewayManager cannot reach ports 65200-65535 of the gateway's subnet, so the gateway is unhealthy";
            needs.extend(manager.map(|source| (true, header(source, own, 65_200), managed)));
            let out = "the gateway's subnet lets nothing out to the internet, so the gateway is unhealthy";
            needs.push((false, header(own, super::question::INTERNET_HOST, 443), out));
        }
        needs
    }

    fn gateway_need(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        nsg: Id<Nsg>,
        (inbound, header, text): &(bool, Header, &'static str),
    ) {
        let tables = &self.net.security;
        let set = &if *inbound { &tables.inbound } else { &tables.outbound }[nsg.index()];
        if let Ruling::Rule(n) = set.decide(header, &self.net.place(subnet, &[], &[]), |_| false)
            && set.rules[n].verdict == Some(Verdict::Deny)
        {
            let evidence = Evidence {
                resource: Some(self.net.inventory.nsgs[nsg].id.clone()),
                name: Some(set.rules[n].name.clone()),
                at: set.rules[n].at,
                ..by(&[azure::NSG_25, azure::AGW_2])
            };
            s.block(StepKind::Proxy, Cause::GatewaySubnetRules, evidence, *text);
        }
    }

    /// NSG-25, RT-36: what a gateway needs of its own subnet.
    fn gateway_health(&self, s: &mut State, id: AttachmentId, row: &ApplicationGateway) {
        if s.returning {
            return;
        }
        let isolated = row.enable_network_isolation.is(true);
        let attachment = self.net.attachment(id);
        let subnet = self.net.subnet(attachment.subnet);
        if let (Some(nsg), Some(own)) = (subnet.nsg.row(), attachment.address) {
            for need in self.gateway_needs(own, isolated) {
                self.gateway_need(s, attachment.subnet, nsg, &need);
            }
        }
        if isolated {
            return;
        }
        let user = subnet.routes.user.iter().flat_map(|u| &u.routes);
        let away = user.into_iter().find(|r| {
            let default =
                matches!(&r.prefix, Some(crate::network::RoutePrefix::Net(net)) if net.prefix_len() == 0);
            default
                && matches!(
                    r.hop,
                    Ok(crate::network::NextHop::Appliance(_) | crate::network::NextHop::Gateway)
                )
        });
        if let Some(route) = away {
            let table = subnet.route_table.row().map(|t| Slot { table: TableTag::RouteTable, row: t.raw() });
            let evidence = Evidence {
                name: route.name.clone(),
                at: route.at,
                ..of(self.net, table, &[azure::RT_36, azure::AGW_2])
            };
            let text =
                "0.0.0.0/0 of the gateway's subnet leads to an appliance, which Azure does not support";
            s.block(StepKind::Proxy, Cause::GatewaySubnetRules, evidence, text);
        }
    }

    fn listener<'a>(
        &self,
        s: &State,
        row: &'a ApplicationGateway,
        private: Option<crate::net::IpAddr>,
    ) -> Option<&'a crate::inventory::HttpListener> {
        let to = s.header.destination;
        // A listener belongs to one frontend: the public address, or the private one.
        let asked = |front: &crate::inventory::FrontendIpConfiguration| {
            let public = front.public_ip_address.known().and_then(|p| self.net.inventory.follow(p).row());
            let public = public.and_then(|p| self.net.public_addresses[p.index()].0);
            public == Some(to) || !front.subnet.is_absent() && private == Some(to)
        };
        row.http_listeners.iter().find(|l| {
            let front = l.frontend_ip_configuration.known();
            let front = front.and_then(|p| {
                row.frontend_ip_configurations.iter().find(|f| names_part(&p.text, &f.id(), &f.name))
            });
            let port = l.frontend_port.known();
            let port =
                port.and_then(|p| row.frontend_ports.iter().find(|f| names_part(&p.text, &f.id(), &f.name)));
            let named = l.host_names.items.iter().filter(|h| !h.is_empty()).count() > 0;
            let host = s.host.as_deref();
            let fits = !named
                || l.host_names
                    .iter()
                    .any(|h| host.is_some_and(|name| crate::services::name_matches(h, name)));
            let own = front.is_none_or(asked) && s.header.protocol == Protocol::Tcp;
            own && port.is_some_and(|p| p.port.is(i64::from(s.header.port))) && fits
        })
    }

    fn gateway_backend(&self, pool: &crate::inventory::BackendAddressPool) -> Option<crate::net::IpAddr> {
        let fixed = pool.addresses.iter().find_map(|a| a.ip_address.known().copied());
        let by_name = || {
            let fqdn = pool.addresses.iter().find_map(|a| a.fqdn.known())?;
            self.net.names.public(&fqdn.to_ascii_lowercase())?.address
        };
        let by_interface = || {
            let mine = |c: &crate::inventory::IpConfiguration| {
                c.application_gateway_backend_address_pools
                    .iter()
                    .any(|p| names_part(&p.text, &pool.id(), &pool.name))
            };
            let (nic, _) = self
                .net
                .inventory
                .network_interfaces
                .rows()
                .find(|(_, n)| n.ip_configurations.iter().any(mine))?;
            self.net.attachments.iter().find(|a| a.kind == AttachmentKind::Interface(nic))?.address
        };
        fixed.or_else(by_name).or_else(by_interface)
    }

    /// At Front Door: endpoint or domain, route, origin (AFD-1).
    pub(super) fn at_front_door(&self, s: &mut State, slot: Slot) -> Next {
        let inventory = &self.net.inventory;
        let Some(id) = inventory.id_of(slot).cloned() else { return Next::End(End::Stopped) };
        let profile = id.ancestor("Microsoft.Cdn/profiles");
        let name = profile.as_ref().map_or_else(|| id.name().to_owned(), |p| p.name().to_owned());
        s.hop(HopKind::FrontDoor, name, profile.clone(), Zone::Yours);
        let spoken = s.header.protocol == Protocol::Tcp && matches!(s.header.port, 80 | 443);
        if !spoken {
            let text = "Front Door answers HTTP on 80 and HTTPS on 443 alone";
            s.block(StepKind::Proxy, Cause::NothingListens, of(self.net, Some(slot), &[azure::AFD_1]), text);
            return Next::End(End::Stopped);
        }
        let scheme = if s.header.port == 80 { "Http" } else { "Https" };
        let route = inventory.front_door_routes.iter().find(|r| {
            let mut spoken = r.supported_protocols.iter();
            let other = !r.supported_protocols.is_empty() && !spoken.any(|p| p.eq_ignore_ascii_case(scheme));
            // Nobody says what is asked for at the name: its root.
            let mut patterns = r.patterns_to_match.iter();
            let elsewhere =
                !r.patterns_to_match.is_empty() && !patterns.any(|p| matches!(&**p, "/*" | "/" | "*"));
            if other || elsewhere {
                return false;
            }
            let disabled = r.enabled_state.known().is_some_and(|e| e.eq_ignore_ascii_case("Disabled"));
            let own = r.id.parent().is_some_and(|p| p == id);
            let custom = r.custom_domains.iter().any(|d| inventory.follow_any(&d.text) == Some(slot));
            let default =
                !r.link_to_default_domain.known().is_some_and(|l| l.eq_ignore_ascii_case("Disabled"));
            !disabled && (own && default || custom)
        });
        let Some(route) = route else {
            let text = format!("no route of the profile serves `{}`", id.name());
            s.block(
                StepKind::Proxy,
                Cause::FrontDoorHostUnknown,
                of(self.net, Some(slot), &[azure::AFD_1]),
                text,
            );
            return Next::End(End::Stopped);
        };
        let group = route.origin_group.known().and_then(|g| inventory.follow(g).row());
        let mut origins: Vec<_> = inventory
            .origins
            .iter()
            .filter(|o| o.id.parent().and_then(|p| inventory.row(&p)) == group && group.is_some())
            .filter(|o| !o.enabled_state.known().is_some_and(|e| e.eq_ignore_ascii_case("Disabled")))
            .collect();
        origins.sort_by_key(|o| (o.priority.known().copied().unwrap_or(1), o.id.clone()));
        let evidence = Evidence { resource: Some(route.id.clone()), at: route.at, ..by(&[azure::AFD_1]) };
        match origins.first() {
            Some(origin) => {
                // Health probes, weights and latencies choose among several, and no file tells them.
                if origins.len() > 1 {
                    let text = format!(
                        "Front Door sends to the origin `{}`, the first of {} by priority: health, weight and latency may choose another (AFD-1)",
                        origin.id.name(),
                        origins.len()
                    );
                    s.assume(None, text);
                }
                self.to_origin(s, route, origin, evidence)
            }
            None => {
                s.block(
                    StepKind::Proxy,
                    Cause::FrontDoorOriginDown,
                    evidence,
                    "the route's origin group has no enabled origin",
                );
                Next::End(End::Stopped)
            }
        }
    }

    fn to_origin(
        &self,
        s: &mut State,
        route: &crate::inventory::FrontDoorRoute,
        origin: &crate::inventory::FrontDoorOrigin,
        evidence: Evidence,
    ) -> Next {
        use crate::inventory::ConnectionStatus;
        let evidence = Evidence { resource: Some(origin.id.clone()), at: origin.at, ..evidence };
        let Some(host) = origin.host_name.known().map(|h| h.to_ascii_lowercase()) else {
            let unknown = Unknown::new(
                origin.at,
                format!("the host of the origin `{}` is not known", origin.id.name()),
            );
            s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence);
            return Next::End(End::Stopped);
        };
        s.host = Some(host.as_str().into());
        let known = self.net.names.public(&host).cloned();
        let written = host.parse::<IpAddr>().ok();
        let backend =
            self.net.tags.find("AzureFrontDoor.Backend").and_then(|t| self.net.tags.representative(t));
        let mut after = s.header;
        after.source = backend.unwrap_or(after.source);
        let plain = route.forwarding_protocol.known().map(|f| f.to_ascii_lowercase());
        let plain = match plain.as_deref() {
            Some("httponly") => true,
            Some("httpsonly") => false,
            _ => s.header.port == 80,
        };
        let (port, usual) = if plain { (&origin.http_port, 80) } else { (&origin.https_port, 443) };
        after.port = port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(usual);
        let address = written.or(known.as_ref().and_then(|k| match k.target {
            PublicTarget::Address(Slot { row, .. }) => self.net.public_addresses[row as usize].0,
            _ => k.address,
        }));
        after.destination = address.unwrap_or(super::question::INTERNET_HOST);
        s.remember(Device::Edge, s.header, after, "Front Door");
        s.rewrite(StepKind::Proxy, after, evidence.clone(), || {
            format!("a flow of Front Door's own to the origin {host}")
        });
        if !origin.private_link.is_absent() {
            let approved = origin.private_link_status.or(ConnectionStatus::Approved);
            if let Err(unknown) = approved {
                let unknown = unknown.clone();
                let evidence = Evidence { rules: vec![azure::AFD_3], ..evidence };
                s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence);
            } else if !matches!(approved, Ok(ConnectionStatus::Approved)) {
                let evidence = Evidence { rules: vec![azure::AFD_3], ..evidence };
                s.block(
                    StepKind::Proxy,
                    Cause::PeNotApproved,
                    evidence,
                    "the private connection to the origin is not Approved",
                );
            } else if origin.private_link_status.is_absent() {
                s.assume(
                    None,
                    "the private connection of Front Door to its origin is Approved at the origin (AFD-3)",
                );
            }
            return Next::End(End::Arrived(super::state::Terminal::Internet, Disposition::Accepted));
        }
        s.note(StepKind::Proxy, Evidence { rules: vec![azure::AFD_2, azure::AFD_4], ..evidence }, || {
            "the origin sees AzureFrontDoor.Backend, the tag of every customer's Front Door: only its check of X-Azure-FDID tells this one".into()
        });
        if known.is_none() && written.is_none() {
            s.assume(None, format!("{} stands for the address of the origin `{host}`", after.destination));
        }
        s.target = match known.map(|k| k.target) {
            Some(PublicTarget::Service(service, endpoint)) => {
                Some(super::question::Target::Service(service, endpoint))
            }
            Some(PublicTarget::Host(host)) => Some(super::question::Target::Host(host)),
            _ => None,
        };
        Next::Go(Place::Public)
    }
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
