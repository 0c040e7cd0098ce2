//! Application gateways: a listener takes a request, and a flow of the gateway's own goes to a backend (AGW).

use super::engine::Walk;
use super::model::{Endpoint, Evidence, Flow, HopKind, Outcome, StepKind, Zone};
use super::outbound::names_part;
use super::question::{Origin, Question, Target, Wanted};
use super::state::{Device, End, Next, Place, State, Terminal, by, of};
use super::url::takes;
use super::{Cause, Disposition};
use crate::inventory::{
    ApplicationGateway, BackendAddressPool, BackendHttpSettings, HttpListener, Id, IpConfiguration, Many,
    Nsg, RequestRoutingRule, ResourceId, Slot, Subnet, TableTag, Unknown,
};
use crate::net::{Header, IpAddr, Protocol};
use crate::network::{AttachmentId, AttachmentKind, HOST_ADDRESS, Ruling, Verdict};
use crate::rules as azure;
use std::sync::Arc;

/// Backends of one pool that are looked at, by how deep the question is: a gateway before a gateway asks of fewer.
const MOST_BACKENDS: [usize; 2] = [100, 8];

/// A member of a pool.
#[derive(Clone, Debug)]
enum Backend {
    /// An address somebody wrote.
    Address(IpAddr),
    /// A name that the gateway resolves (AGW-4).
    Name(Arc<str>),
    /// An interface of the estate.
    Attachment(AttachmentId),
    /// One that cannot be known.
    Unknown(Unknown),
}

/// Where a rule sends a request.
enum Way<'a> {
    /// To a pool, with how its members are spoken to.
    Pool(&'a BackendAddressPool, Option<&'a BackendHttpSettings>),
    /// Back to the client, with another address to ask.
    Redirect,
    /// Nowhere.
    Nothing,
    /// It cannot be known.
    Unknown(Unknown),
}

impl Walk<'_> {
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
        let Some(id) = own.or(found.map(|n| AttachmentId(n as u32))) else {
            let unknown = Unknown::new(row.at, format!("the subnet of `{}` is not known", row.id.name()));
            s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, by(&[azure::AGW_1]));
            return Next::End(End::Stopped);
        };
        self.filter_subnet(s, self.net.attachment(id).subnet, true);
        self.gateway_health(s, id, row);
        let evidence = of(self.net, Some(slot), &[azure::AGW_1]);
        let Some((listener, rule)) = self.listener(s, row, self.net.attachment(id).address) else {
            if let Some(unknown) = unread_listener(row) {
                s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence);
                return Next::End(End::Stopped);
            }
            let text =
                format!("no listener of `{}` takes port {} and this host name", row.id.name(), s.header.port);
            s.block(StepKind::Proxy, Cause::FrontendPortClosed, evidence, text);
            return Next::End(End::Stopped);
        };
        let evidence = Evidence { name: rule.map(|r| r.name.clone()), ..evidence };
        match rule.map_or(Way::Nothing, |rule| way_of(s, row, rule)) {
            Way::Pool(pool, settings) => self.to_pool(s, id, row, (pool, settings), evidence),
            Way::Redirect => {
                let text =
                    format!("`{}` answers with a redirection: the client is sent elsewhere", row.id.name());
                s.pass(StepKind::Proxy, evidence, || text.clone());
                s.warn(text);
                Next::End(End::Arrived(Terminal::Attachment(id), Disposition::Accepted))
            }
            Way::Nothing => {
                let text = format!(
                    "no rule of `{}` sends on what the listener `{}` takes",
                    row.id.name(),
                    listener.name
                );
                s.block(StepKind::Proxy, Cause::NoBackend, evidence, text);
                Next::End(End::Stopped)
            }
            Way::Unknown(unknown) => {
                s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence);
                Next::End(End::Stopped)
            }
        }
    }

    /// A flow of the gateway's own to a member of a pool.
    fn to_pool(
        &self,
        s: &mut State,
        id: AttachmentId,
        row: &ApplicationGateway,
        (pool, settings): (&BackendAddressPool, Option<&BackendHttpSettings>),
        evidence: Evidence,
    ) -> Next {
        let Some(source) = self.net.attachment(id).address else {
            let unknown = self.net.attachment(id).address_unknown();
            s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence);
            return Next::End(End::Stopped);
        };
        let port = match settings.map(|b| &b.port) {
            Some(port) if port.unknown().is_some() => {
                let unknown = port.unknown().cloned().unwrap_or_else(|| Unknown::new(row.at, "the port"));
                s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence);
                return Next::End(End::Stopped);
            }
            port => port.and_then(|p| u16::try_from(*p.known()?).ok()).unwrap_or(s.header.port),
        };
        let backends = self.members(pool);
        let Some(backend) = self.healthy(s, id, row, &backends, port) else {
            let text = format!("no backend of the pool `{}` is known", pool.name);
            s.block(StepKind::Proxy, Cause::NoBackend, evidence, text);
            return Next::End(End::Stopped);
        };
        let before = s.header;
        s.header.source = source;
        let named = match &backend {
            Backend::Name(name) => Some(name.clone()),
            _ => None,
        };
        let there = self.address_of_backend(s, id, backend);
        s.header = before;
        if named.is_some() {
            self.enter(s, id);
        }
        let Some(destination) = there else { return Next::End(End::Stopped) };
        self.speaks_as(s, named.as_ref(), settings);
        let after = Header { source, destination, port, ..before };
        s.remember(Device::Transit(id), before, after, row.id.name());
        s.rewrite(StepKind::Proxy, after, evidence, || format!("a flow of its own to {destination}:{port}"));
        Next::Go(Place::Leave(id))
    }

    /// The address of a backend, and what it is; `None` where it cannot be told, which is written down.
    fn address_of_backend(&self, s: &mut State, id: AttachmentId, backend: Backend) -> Option<IpAddr> {
        s.target = None;
        match backend {
            Backend::Address(ip) => Some(ip),
            Backend::Attachment(member) => {
                s.target = Some(Target::Attachment(member));
                let row = self.net.attachment(member);
                if row.address.is_none() {
                    s.unknown(
                        StepKind::Proxy,
                        Cause::UnknownValue,
                        &row.address_unknown(),
                        by(&[azure::AGW_1]),
                    );
                }
                row.address
            }
            Backend::Name(name) => {
                s.pass(StepKind::Proxy, by(&[azure::AGW_4]), || {
                    format!("looks up its backend `{name}` by the DNS of its own network")
                });
                self.resolve_backend(s, Some(id), &name).then_some(s.header.destination)
            }
            Backend::Unknown(unknown) => {
                s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, by(&[azure::AGW_1]));
                None
            }
        }
    }

    /// The host name that the gateway sends to a backend: of its settings, of the backend, or the client's.
    fn speaks_as(&self, s: &mut State, backend: Option<&Arc<str>>, settings: Option<&BackendHttpSettings>) {
        let given = settings.and_then(|b| b.host_name.known()).filter(|h| !h.is_empty()).cloned();
        let picks = settings.is_some_and(|b| b.pick_host_name_from_backend_address.is(true));
        let sent = given.or_else(|| backend.filter(|_| picks).cloned()).or_else(|| s.host.clone());
        s.host = sent.map(|h| h.to_ascii_lowercase().into());
        self.known_by(s);
    }

    /// What is taken for granted where a service is asked under a name that is not its own.
    pub(super) fn known_by(&self, s: &mut State) {
        let Some(Target::Service(service, _)) = s.target else { return };
        let own = s.host.as_ref().and_then(|host| self.meant(host));
        if own != s.target {
            let name = self.net.inventory.services[service].id.name();
            let host = s.host.as_ref().map_or_else(|| "no name".to_owned(), |h| format!("`{h}`"));
            s.assume(None, format!("`{name}` is asked as {host}, and answers to that name as to its own: its custom domains and certificates are not judged"));
        }
    }

    /// The members of a pool.
    fn members(&self, pool: &BackendAddressPool) -> Vec<Backend> {
        let by_address = pool.addresses.iter().filter_map(|a| {
            let unknown = || a.ip_address.unknown().or(a.fqdn.unknown()).cloned().map(Backend::Unknown);
            let named = |name: &Arc<str>| match name.parse::<IpAddr>() {
                Ok(ip) => Backend::Address(ip),
                Err(_) => Backend::Name(name.trim_end_matches('.').to_ascii_lowercase().into()),
            };
            let known = a.ip_address.known().copied().map(Backend::Address);
            known.or_else(|| a.fqdn.known().map(named)).or_else(unknown)
        });
        let mine = |c: &IpConfiguration| {
            let mut pools = c.application_gateway_backend_address_pools.iter();
            let mut deployed = pool.backend_ip_configurations.iter().filter_map(|r| r.id());
            pools.any(|p| self.names_pool(&p.text, pool)) || deployed.any(|id| id == c.id())
        };
        let by_interface = self.net.attachments.iter().enumerate().filter_map(|(number, attachment)| {
            // An interface with several addresses has an attachment for each, from its own configuration.
            let own =
                |configs: &Many<IpConfiguration>| configs.iter().any(|c| c.at == attachment.at && mine(c));
            let member = match attachment.kind {
                AttachmentKind::Interface(nic) => {
                    own(&self.net.inventory.network_interfaces[nic].ip_configurations)
                }
                AttachmentKind::ScaleSet(set) => {
                    let configs = &self.net.inventory.scale_sets[set].network_interface_configurations;
                    configs.iter().any(|c| own(&c.ip_configurations))
                }
                _ => false,
            };
            member.then_some(Backend::Attachment(AttachmentId(number as u32)))
        });
        let doubt = pool.addresses.unknown.clone().map(Backend::Unknown);
        by_address.chain(by_interface).chain(doubt).take(self.most_backends()).collect()
    }

    fn most_backends(&self) -> usize {
        MOST_BACKENDS.get(usize::from(self.depth)).copied().unwrap_or(1)
    }

    /// Whether a reference of an interface means this pool: by id, as `gateway/pool`, or by its bare name.
    fn names_pool(&self, text: &str, pool: &BackendAddressPool) -> bool {
        let other = text.rsplit_once('/').filter(|_| !ResourceId::looks_like_one(text));
        let gateway = pool.id().parent();
        let same = |name: &str| gateway.as_ref().is_some_and(|g| g.name().eq_ignore_ascii_case(name));
        names_part(text, &pool.id(), &pool.name) && other.is_none_or(|(gateway, _)| same(gateway))
    }

    /// The backend that takes the request: the gateway probes them all, by the way that requests take, and sends to
    /// those that answer.
    fn healthy(
        &self,
        s: &mut State,
        id: AttachmentId,
        row: &ApplicationGateway,
        backends: &[Backend],
        port: u16,
    ) -> Option<Backend> {
        let (first, several) = (backends.first()?, backends.len() > 1);
        if !several || s.returning {
            return Some(first.clone());
        }
        let outcomes: Vec<Outcome> = backends.iter().map(|b| self.probe(id, b, port)).collect();
        let at = |outcome| outcomes.iter().position(|o| *o == outcome);
        let chosen = at(Outcome::Allowed).or(at(Outcome::Mixed)).or(at(Outcome::Unknown)).unwrap_or(0);
        let out: Vec<String> = backends
            .iter()
            .zip(&outcomes)
            .filter(|(_, o)| outcomes[chosen] == Outcome::Allowed && **o != Outcome::Allowed)
            .map(|(b, _)| self.name_of(b))
            .collect();
        if !out.is_empty() {
            let text = format!(
                "the probes of `{}` keep requests from {}, which it cannot be shown to reach",
                row.id.name(),
                out.join(", ")
            );
            s.warn(text.clone());
            s.assume(None, text);
        }
        backends.get(chosen).cloned()
    }

    fn name_of(&self, backend: &Backend) -> String {
        match backend {
            Backend::Address(ip) => ip.to_string(),
            Backend::Name(name) => format!("`{name}`"),
            Backend::Attachment(id) => format!("`{}`", self.net.attachment(*id).name),
            Backend::Unknown(_) => "a backend that is not known".into(),
        }
    }

    /// Whether the gateway reaches a backend.
    fn probe(&self, id: AttachmentId, backend: &Backend, port: u16) -> Outcome {
        let target = match backend {
            Backend::Address(ip) => Wanted::Address(*ip, None),
            Backend::Name(name) => Wanted::Name(name.clone()),
            Backend::Attachment(member) => match self.net.attachment(*member).address {
                Some(ip) => Wanted::Address(ip, Some(Target::Attachment(*member))),
                None => return Outcome::Unknown,
            },
            Backend::Unknown(_) => return Outcome::Unknown,
        };
        let Some(walk) = self.deeper() else { return Outcome::Unknown };
        let end = || Endpoint::Named("".into());
        let flow = Flow {
            name: None,
            from: end(),
            to: end(),
            protocol: Protocol::Tcp,
            port,
            source_port: None,
            identity: None,
            action: None,
            path: None,
        };
        walk.answer(&flow, &Question { origin: Origin::Attachment(id), target }, false).outcome
    }

    /// The flows that a gateway's subnet has to let through (NSG-25): into it or out of it, and what to say otherwise.
    fn gateway_needs(&self, own: IpAddr, row: &ApplicationGateway) -> Vec<(bool, Header, &'static str)> {
        let isolated = row.enable_network_isolation.is(true);
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
            let (ports, managed) = management(row);
            let asked =
                ports.flat_map(|port| manager.map(|source| (true, header(source, own, port), managed)));
            needs.extend(asked);
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
        let set = self.net.rules_at(nsg, *inbound, subnet, header);
        let denied = match set.decide(header, &self.net.place(subnet, &[], &[]), |_| false) {
            Ruling::Rule(n) => Some(n).filter(|n| set.rules[*n].verdict == Some(Verdict::Deny)),
            _ => None,
        };
        let told = |b: &super::model::Blocker| b.evidence.rules.contains(&azure::NSG_25) && b.text == *text;
        if let Some(n) = denied.filter(|_| !s.blockers.iter().any(told)) {
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
            for need in self.gateway_needs(own, row) {
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

    /// The listener that takes a request, with its rule: of the frontend and port asked, by the order of the rules'
    /// priorities, then the one that names the host before one that takes any.
    fn listener<'a>(
        &self,
        s: &State,
        row: &'a ApplicationGateway,
        private: Option<IpAddr>,
    ) -> Option<(&'a HttpListener, Option<&'a RequestRoutingRule>)> {
        let to = s.header.destination;
        // A listener belongs to one frontend: the public address, or the private one.
        let asked = |front: &crate::inventory::FrontendIpConfiguration| {
            let public = front.public_ip_address.known().and_then(|p| self.net.inventory.follow(p).row());
            let public = public.and_then(|p| self.net.public_addresses[p.index()].0);
            public == Some(to) || !front.subnet.is_absent() && private == Some(to)
        };
        let fits = |l: &&HttpListener| {
            let front = l.frontend_ip_configuration.known();
            let front = front.and_then(|p| {
                row.frontend_ip_configurations.iter().find(|f| names_part(&p.text, &f.id(), &f.name))
            });
            let port = l.frontend_port.known();
            let port =
                port.and_then(|p| row.frontend_ports.iter().find(|f| names_part(&p.text, &f.id(), &f.name)));
            let own = front.is_none_or(asked) && s.header.protocol == Protocol::Tcp;
            own && port.is_some_and(|p| p.port.is(i64::from(s.header.port)))
        };
        let rule_of = |l: &HttpListener| {
            row.request_routing_rules
                .iter()
                .find(|r| r.http_listener.known().is_some_and(|own| names_part(&own.text, &l.id(), &l.name)))
        };
        let taken = row.http_listeners.iter().filter(fits).filter_map(|l| {
            let host = takes_host(l, s.host.as_deref())?;
            let rule = rule_of(l);
            let priority = rule.and_then(|r| r.priority.known().copied()).unwrap_or(i64::MAX);
            Some(((priority, host), (l, rule)))
        });
        taken.min_by_key(|(order, _)| *order).map(|(_, found)| found)
    }
}

/// What of a gateway's listeners cannot be read, so that one of them may take the request after all.
fn unread_listener(row: &ApplicationGateway) -> Option<Unknown> {
    let ports = row.frontend_ports.iter().find_map(|p| p.port.unknown());
    let listeners = row.http_listeners.iter().find_map(|l| {
        l.frontend_port.unknown().or(l.frontend_ip_configuration.unknown()).or(l.host_names.unknown.as_ref())
    });
    let unread = ports.or(listeners).or(row.http_listeners.unknown.as_ref()).cloned();
    let plain = || {
        let why = format!(
            "what `{}` does with TCP and TLS: its `listeners` for them are not followed",
            row.id.name()
        );
        (!row.listeners.is_empty()).then(|| Unknown::new(row.at, why))
    };
    unread.or_else(plain)
}

/// How closely a listener names a host: exactly, by a wildcard, or not at all, which takes any. `None` where it is
/// for other hosts.
fn takes_host(listener: &HttpListener, host: Option<&str>) -> Option<u8> {
    let mut names = listener.host_names.iter().filter(|h| !h.is_empty()).peekable();
    if names.peek().is_none() {
        return Some(2);
    }
    let fits = names.filter(|h| host.is_some_and(|name| crate::services::name_matches(h, name)));
    fits.map(|h| u8::from(h.contains('*'))).min()
}

/// Where a rule sends the path asked for: to its pool, by its map of paths, or elsewhere by redirection.
fn way_of<'a>(s: &mut State, row: &'a ApplicationGateway, rule: &'a RequestRoutingRule) -> Way<'a> {
    let map = rule.url_path_map.known();
    let map = map.and_then(|p| row.url_path_maps.iter().find(|m| names_part(&p.text, &m.id(), &m.name)));
    let (pool, settings, redirect) = match map {
        Some(map) => {
            // Where nobody says what is asked for at the name, its root. The first rule that fits takes it.
            if s.path.is_none() && !map.path_rules.is_empty() {
                let text = format!(
                    "the request asks for `/`: the path map `{}` sends other paths elsewhere (AGW-1), which a URL would tell",
                    map.name
                );
                s.assume(None, text);
            }
            let path = s.path.as_deref().unwrap_or("/");
            let root = map.path_rules.iter().find(|r| r.paths.iter().any(|p| takes(p, path)));
            let (pool, settings, redirect) = (
                &map.default_backend_address_pool,
                &map.default_backend_http_settings,
                &map.default_redirect_configuration,
            );
            match root {
                Some(r) => (&r.backend_address_pool, &r.backend_http_settings, &r.redirect_configuration),
                None => (pool, settings, redirect),
            }
        }
        None => (&rule.backend_address_pool, &rule.backend_http_settings, &rule.redirect_configuration),
    };
    if let Some(unknown) = pool.unknown().or(settings.unknown()).or(rule.url_path_map.unknown()) {
        return Way::Unknown(unknown.clone());
    }
    if pool.is_absent() && !redirect.is_absent() {
        return Way::Redirect;
    }
    let settings = settings.known().and_then(|p| {
        row.backend_http_settings_collection.iter().find(|b| names_part(&p.text, &b.id(), &b.name))
    });
    let pool = pool.known();
    let pool =
        pool.and_then(|p| row.backend_address_pools.iter().find(|b| names_part(&p.text, &b.id(), &b.name)));
    pool.map_or(Way::Nothing, |pool| Way::Pool(pool, settings))
}

/// The ports by which Azure manages a gateway, and what becomes of one where a part of them is shut (NSG-25).
fn management(row: &ApplicationGateway) -> (std::ops::RangeInclusive<u16>, &'static str) {
    let first = row.sku.known().is_some_and(|sku| {
        ["Standard", "WAF", "Standard_Small", "Standard_Medium", "Standard_Large", "WAF_Medium", "WAF_Large"]
            .iter()
            .any(|own| sku.eq_ignore_ascii_case(own))
    });
    match first {
        true => (
            65_503..=65_534,
            "GatewayManager cannot reach ports 65503-65534 of the gateway's subnet, so the gateway is unhealthy",
        ),
        false => (
            65_200..=65_535,
            "GatewayManager cannot reach ports 65200-65535 of the gateway's subnet, so the gateway is unhealthy",
        ),
    }
}
