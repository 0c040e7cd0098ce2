//! Name resolution as the first hops: which server is asked, what it sees, what it answers (DNS-1 to DNS-20).

use super::engine::Walk;
use super::model::{Evidence, Flow, HopKind, StepKind, Zone};
use super::question::{INTERNET_HOST, Origin, Question, Target, Wanted};
use super::state::{Shadow, State, by, of};
use super::{Cause, Outcome};
use crate::diag::At;
use crate::inventory::{
    DnsForwarding, DnsForwardingRuleset, DnsZone, Field, ForwardingRule, Id, OnPremisesSite, ResourceId,
    Slot, TableTag, Unknown, VirtualNetwork,
};
use crate::net::{IpAddr, IpNet, Protocol};
use crate::network::{
    AttachmentId, AttachmentKind, HOST_ADDRESS, PublicName, PublicTarget, ZoneRecord, is_under,
};
use crate::rules as azure;
use crate::services::{service_kind, service_of_host, well_known};
use std::sync::Arc;

/// A chain of aliases may be this long.
const MAX_ALIASES: usize = 12;

/// Questions a second that Azure DNS answers a machine (DNS-19).
const MOST_QUERIES: i64 = 1_000;

/// Questions a second that an endpoint of a private resolver answers (DNS-19).
const MOST_RESOLVER_QUERIES: i64 = 10_000;

/// Questions may be passed on this often.
const MAX_FORWARDS: usize = 8;

/// What a look-up gives.
#[derive(Clone, Debug)]
enum Answer {
    /// Addresses, and what writes the record.
    Addresses(Vec<IpAddr>, Evidence),
    /// It fails: why.
    Fails(Cause, Evidence, String),
    /// It cannot be known.
    Unknown(Cause, Unknown),
}

/// From where a question is asked.
#[derive(Clone, Debug, PartialEq)]
enum Asker {
    Attachment(AttachmentId),
    Subnet(Id<crate::inventory::Subnet>, IpAddr),
    Site(Id<OnPremisesSite>, IpAddr),
    /// The public DNS alone: the internet, and services acting by themselves.
    Public,
}

/// State of one look-up.
struct Lookup {
    name: Arc<str>,
    /// Servers that passed the question on.
    passed: Vec<IpAddr>,
    /// Whether the answer went through the public name of a service that has a private endpoint.
    shadowed: Option<Shadow>,
    aliases: usize,
}

/// What the names of storage accounts end with that hold the number of a DNS zone.
const PARTITIONED: &str = ".storage.azure.net";

/// What names end with that Azure gives to machines.
const AZURE_GIVEN: &str = ".internal.cloudapp.net";

impl Walk<'_> {
    /// Resolves the name asked for; gives the header its destination. `false` where the walk is over.
    pub(super) fn resolve_target(&self, s: &mut State, name: &Arc<str>) -> bool {
        let asker = match s.origin.clone() {
            Origin::Attachment(id) => Asker::Attachment(id),
            Origin::Subnet(subnet, ip) => Asker::Subnet(subnet, ip),
            Origin::Site(site, ip) => Asker::Site(site, ip),
            Origin::Branch(..) | Origin::Internet(_) | Origin::Service(_) | Origin::Managed(..) => {
                Asker::Public
            }
        };
        self.resolve_for(s, &asker, name)
    }

    /// The same for what opens a flow of its own: an attachment, or somebody outside every network (AGW-4, AFD-1).
    pub(super) fn resolve_backend(
        &self,
        s: &mut State,
        proxy: Option<AttachmentId>,
        name: &Arc<str>,
    ) -> bool {
        let asker = proxy.map_or(Asker::Public, Asker::Attachment);
        self.resolve_for(s, &asker, name)
    }

    fn resolve_for(&self, s: &mut State, asker: &Asker, name: &Arc<str>) -> bool {
        let mut lookup = Lookup { name: name.clone(), passed: Vec::new(), shadowed: None, aliases: 0 };
        let answer = self.ask_for(s, asker, &mut lookup);
        s.target = self.meant(name).or_else(|| self.meant_at_end(&lookup.name));
        s.called = Some(self.called(name, &lookup.name, s.target.as_ref()));
        match answer {
            Answer::Addresses(addresses, evidence) => {
                let wanted = addresses
                    .iter()
                    .find(|ip| ip.is_ipv4() == s.header.source.is_ipv4())
                    .or(addresses.first());
                let Some(ip) = wanted.copied() else { return false };
                let others = addresses.iter().filter(|other| other.is_ipv4() == ip.is_ipv4()).count();
                if others > 1 {
                    s.assume(None, format!("`{name}` has {others} addresses, of which a client takes any: {ip} stands for them"));
                }
                s.address(ip, evidence, || format!("`{name}` is {ip}"));
                // Who asks the public DNS sees no private zone, linked or not.
                s.public_despite_endpoint = lookup.shadowed.filter(|_| *asker != Asker::Public);
                true
            }
            Answer::Fails(cause, evidence, text) => {
                s.block(StepKind::Resolve, cause, evidence, text);
                false
            }
            Answer::Unknown(cause, unknown) => {
                s.unknown(StepKind::Resolve, cause, &unknown, by(&[azure::DNS_4]));
                false
            }
        }
    }

    /// What a name of one's own stands for: what the last name of its chain of aliases does, be it a `privatelink` one.
    fn meant_at_end(&self, last: &str) -> Option<Target> {
        let Some(plain) = without_privatelink(last) else { return self.meant(last) };
        let own = self.public_of_privatelink(last);
        own.map_or_else(|| self.meant(&plain), |public| Some(target_of_public(&public)))
    }

    /// The name by which the target knows itself: the one asked for, unless its chain of aliases led to it.
    fn called(&self, asked: &Arc<str>, last: &Arc<str>, target: Option<&Target>) -> Arc<str> {
        if target.is_none() || self.meant(asked).is_some() {
            return asked.clone();
        }
        let Some(plain) = without_privatelink(last) else { return last.clone() };
        let own = |(name, public): (&Arc<str>, &PublicName)| {
            let private = [&public.privatelink, &public.other_privatelink];
            private.into_iter().flatten().any(|p| p == last).then(|| name.clone())
        };
        self.net.names.public.iter().filter_map(own).min().unwrap_or(plain)
    }

    /// What a name stands for, however it resolves.
    pub(super) fn meant(&self, name: &str) -> Option<Target> {
        if let Some(public) = self.net.names.public(name) {
            return Some(target_of_public(public));
        }
        if let Some((kind, _, name)) = service_of_host(name).filter(|_| well_known(name).is_none()) {
            return Some(Target::Foreign(kind, name.into()));
        }
        well_known(name).map(Target::WellKnown)
    }

    fn ask_for(&self, s: &mut State, asker: &Asker, lookup: &mut Lookup) -> Answer {
        match asker {
            Asker::Public => {
                s.hop(HopKind::Resolver, "public DNS", None, Zone::Internet);
                self.public_answer(s, None, lookup)
            }
            Asker::Attachment(id) => {
                let row = self.net.attachment(*id);
                let servers = self.servers_of(*id, row.vnet);
                self.ask_servers(s, asker, row.vnet, servers, lookup)
            }
            Asker::Subnet(subnet, _) => {
                let vnet = self.net.ground(*subnet).vnet;
                let servers = self.net.inventory.virtual_networks[vnet].dns_servers.items.clone();
                self.ask_servers(s, asker, vnet, servers, lookup)
            }
            Asker::Site(site, _) => self.ask_site(s, *site, asker, lookup),
        }
    }

    /// DNS-1: the interface's servers, else the network's, else Azure.
    fn servers_of(&self, id: AttachmentId, vnet: Id<VirtualNetwork>) -> Vec<IpAddr> {
        let own = match self.net.attachment(id).kind {
            AttachmentKind::Interface(nic) => &self.net.inventory.network_interfaces[nic].dns_servers,
            AttachmentKind::Host(host) => &self.net.inventory.hosts[host].dns_servers,
            _ => &self.net.inventory.virtual_networks[vnet].dns_servers,
        };
        let servers =
            if own.items.is_empty() { &self.net.inventory.virtual_networks[vnet].dns_servers } else { own };
        servers.items.clone()
    }

    fn ask_servers(
        &self,
        s: &mut State,
        asker: &Asker,
        vnet: Id<VirtualNetwork>,
        servers: Vec<IpAddr>,
        lookup: &mut Lookup,
    ) -> Answer {
        if let Some(unknown) = &self.net.inventory.virtual_networks[vnet].dns_servers.unknown
            && servers.is_empty()
        {
            return Answer::Unknown(Cause::UnknownName, unknown.clone());
        }
        if servers.is_empty() {
            return self.ask_azure_checked(s, asker, vnet, lookup);
        }
        let mut first = None;
        for server in servers {
            match self.ask_server(s, asker, Some(vnet), server, lookup) {
                Answer::Fails(Cause::DnsServerUnreachable, evidence, text) => {
                    s.note(StepKind::Resolve, evidence.clone(), || text.clone());
                    first.get_or_insert(Answer::Fails(Cause::DnsServerUnreachable, evidence, text));
                }
                other => return other,
            }
        }
        first.unwrap_or_else(|| {
            Answer::Unknown(Cause::UnknownName, Unknown::new(At::NOWHERE, "no DNS server is known"))
        })
    }

    /// Azure's resolver, unless a rule denies its platform tag (NSG-17).
    fn ask_azure_checked(
        &self,
        s: &mut State,
        asker: &Asker,
        vnet: Id<VirtualNetwork>,
        lookup: &mut Lookup,
    ) -> Answer {
        if let Err(stopped) = self.travels(s, asker, HOST_ADDRESS) {
            return stopped;
        }
        self.count_queries(s, asker, MOST_QUERIES, "Azure DNS answers a machine");
        self.ask_azure(s, vnet, lookup)
    }

    /// Asks one server: the question travels there like any flow (DNS-2).
    fn ask_server(
        &self,
        s: &mut State,
        asker: &Asker,
        vnet: Option<Id<VirtualNetwork>>,
        server: IpAddr,
        lookup: &mut Lookup,
    ) -> Answer {
        if lookup.passed.contains(&server) && server != HOST_ADDRESS {
            let text = format!("{server} has been asked already: the servers forward in a circle");
            let evidence = self.server_evidence(vnet, server, &[azure::DNS_15]);
            return Answer::Fails(Cause::DnsLoop, evidence, text);
        }
        if lookup.passed.len() >= MAX_FORWARDS {
            return Answer::Fails(
                Cause::DnsLoop,
                self.server_evidence(vnet, server, &[azure::DNS_15]),
                "the question is passed on too often".into(),
            );
        }
        if let (HOST_ADDRESS, None) = (server, vnet) {
            // Whatever a gateway announces: it is the host's own address, of every machine in Azure.
            let text = "168.63.129.16 answers only inside a virtual network";
            let site = match asker {
                Asker::Site(site, _) => Some(Slot { table: TableTag::OnPremisesSite, row: site.raw() }),
                _ => None,
            };
            let evidence = of(self.net, site, &[azure::DNS_12]);
            return Answer::Fails(Cause::DnsServerUnreachable, evidence, text.into());
        }
        let site = match self.travels(s, asker, server) {
            Ok(site) => site,
            Err(stopped) => return stopped,
        };
        if let (HOST_ADDRESS, Some(vnet)) = (server, vnet) {
            self.count_queries(s, asker, MOST_QUERIES, "Azure DNS answers a machine");
            return self.ask_azure(s, vnet, lookup);
        }
        lookup.passed.push(server);
        if site.is_some() {
            return self.answered_on_site(s, vnet, server, site, lookup);
        }
        if self.is_resolver(vnet, server) {
            self.count_queries(s, asker, MOST_RESOLVER_QUERIES, "a resolver endpoint answers");
        }
        self.answered_by(s, vnet, server, lookup)
    }

    /// DNS-19: what a machine asks beyond the limit is lost.
    fn count_queries(&self, s: &mut State, asker: &Asker, most: i64, what: &str) {
        let Asker::Attachment(id) = asker else { return };
        let row = self.net.attachment(*id);
        let AttachmentKind::Host(host) = row.kind else { return };
        let Some(rate) = self.net.inventory.hosts[host].dns_queries_per_second.known() else { return };
        if *rate > most {
            let text = format!(
                "`{}` asks {rate} questions a second, and {what} {most}: the rest is lost (DNS-19)",
                row.name
            );
            s.note(StepKind::Resolve, of(self.net, Some(row.owner), &[azure::DNS_19]), || text.clone());
            s.intermittent.get_or_insert((Cause::Intermittent, text));
        }
    }

    /// What has a server's address, as seen from a network.
    fn holder_of(&self, vnet: Option<Id<VirtualNetwork>>, server: IpAddr) -> Option<AttachmentId> {
        let by_ip = &self.net.by_ip;
        let first = by_ip.partition_point(|(ip, _)| *ip < server);
        let mut all = by_ip[first..].iter().take_while(|(ip, _)| *ip == server).map(|(_, id)| *id);
        let here = |id: &AttachmentId| {
            let home = self.net.attachment(*id).vnet;
            vnet.is_some_and(|v| home == v || self.joined(v, home))
        };
        all.clone().find(here).or_else(|| all.next())
    }

    fn is_resolver(&self, vnet: Option<Id<VirtualNetwork>>, server: IpAddr) -> bool {
        let holder = self.holder_of(vnet, server);
        holder.is_some_and(|id| matches!(self.net.attachment(id).kind, AttachmentKind::Resolver(_)))
    }

    /// The resource behind a server's address, as evidence.
    fn server_evidence(
        &self,
        vnet: Option<Id<VirtualNetwork>>,
        server: IpAddr,
        rules: &[azure::RuleId],
    ) -> Evidence {
        let holder = self.holder_of(vnet, server).map(|id| self.net.attachment(id).owner);
        let sites = &self.net.inventory.on_premises_sites;
        let site = || {
            let mut rows = sites.rows();
            let (id, _) = rows.find(|(_, row)| row.address_prefixes.iter().any(|p| p.contains(&server)))?;
            Some(Slot { table: TableTag::OnPremisesSite, row: id.raw() })
        };
        of(self.net, holder.or_else(site), rules)
    }

    /// Whether a question reaches a server, and the site where it ends, if it does at one; the answer to give where it
    /// does not.
    fn travels(
        &self,
        s: &mut State,
        asker: &Asker,
        server: IpAddr,
    ) -> Result<Option<Id<OnPremisesSite>>, Answer> {
        let from = match asker {
            Asker::Attachment(id) => Origin::Attachment(*id),
            Asker::Subnet(subnet, ip) => Origin::Subnet(*subnet, *ip),
            Asker::Site(site, ip) => Origin::Site(*site, *ip),
            Asker::Public => return Ok(None),
        };
        let Some(walk) = self.deeper() else { return Ok(None) };
        let to = super::Endpoint::Address(server);
        let flow = Flow::new(super::Endpoint::Named("".into()), to, Protocol::Udp, 53);
        let question = Question { origin: from, target: Wanted::Address(server, None) };
        let trace = walk.answer(&flow, &question, false);
        let site = || {
            let last = trace.hops.last().filter(|h| h.kind == HopKind::OnPremises)?;
            self.net.inventory.row::<OnPremisesSite>(last.id.as_ref()?)
        };
        match trace.outcome {
            Outcome::Allowed => Ok(site()),
            Outcome::Mixed => {
                let why = trace.blockers.first().map(|b| b.text.clone()).unwrap_or_default();
                let text = format!("the DNS server {server} can be asked at times only: {why}");
                s.intermittent.get_or_insert((Cause::DnsServerUnreachable, text));
                Ok(site())
            }
            Outcome::Blocked => {
                let blocker = trace.blockers.first();
                let why = blocker.map(|b| b.text.clone()).unwrap_or_default();
                let mut evidence = blocker.map(|b| b.evidence.clone()).unwrap_or_default();
                evidence.rules.insert(0, azure::DNS_2);
                Err(Answer::Fails(
                    Cause::DnsServerUnreachable,
                    evidence,
                    format!("the DNS server {server} cannot be asked: {why}"),
                ))
            }
            Outcome::Unknown => {
                let why = trace.missing.first().map(|m| m.text.clone()).unwrap_or_default();
                let at = trace.missing.first().map_or(At::NOWHERE, |m| m.at);
                let cause = trace.cause.unwrap_or(Cause::UnknownName);
                Err(Answer::Unknown(
                    cause,
                    Unknown::new(at, format!("whether the DNS server {server} can be asked: {why}")),
                ))
            }
        }
    }

    /// What the server at an address does with the question.
    fn answered_by(
        &self,
        s: &mut State,
        vnet: Option<Id<VirtualNetwork>>,
        server: IpAddr,
        lookup: &mut Lookup,
    ) -> Answer {
        if let Some(id) = self.holder_of(vnet, server) {
            let row = self.net.attachment(id);
            self.hop_server(s, &row.name, server, self.net.inventory.id_of(row.owner).cloned());
            return match row.kind {
                AttachmentKind::Resolver(_) => self.ask_azure(s, row.vnet, lookup),
                AttachmentKind::Firewall(firewall) => self.ask_firewall(s, id, firewall, lookup),
                AttachmentKind::Host(host) => {
                    let rules = &self.net.inventory.hosts[host].dns_forwarding;
                    self.forwarded(s, &Asker::Attachment(id), Some(row.vnet), &rules.items, &row.name, lookup)
                }
                _ => self.undescribed(&row.name, server, row.at),
            };
        }
        self.answered_on_site(s, vnet, server, None, lookup)
    }

    fn joined(&self, a: Id<VirtualNetwork>, b: Id<VirtualNetwork>) -> bool {
        self.net.vnet(a).links.iter().any(|l| l.remote == Some(b))
    }

    fn answered_on_site(
        &self,
        s: &mut State,
        vnet: Option<Id<VirtualNetwork>>,
        server: IpAddr,
        reached: Option<Id<OnPremisesSite>>,
        lookup: &mut Lookup,
    ) -> Answer {
        // The longest prefix has the address: a network's own or its neighbour's, or a site's.
        let inside = |id: Id<VirtualNetwork>| {
            let space = self.net.inventory.virtual_networks[id].address_prefixes.iter();
            space.filter(|prefix| prefix.contains(&server)).map(IpNet::prefix_len).max()
        };
        let linked = |id| self.net.vnet(id).links.iter().filter_map(|l| inside(l.remote?)).max();
        let near = vnet.and_then(|id| inside(id).max(linked(id)));
        for (id, site) in self.net.inventory.on_premises_sites.rows() {
            let Some(length) = site.holds(server) else { continue };
            let elsewhere = match reached {
                Some(reached) => reached != id,
                None => near.is_some_and(|near| near >= length),
            };
            if elsewhere {
                continue;
            }
            let host = site.hosts.iter().find(|h| h.ip_address.is(server));
            let name = host.map_or_else(|| site.id.name().to_owned(), |h| h.name.to_string());
            self.hop_server(s, &name, server, Some(site.id.clone()));
            let rules = host.map(|h| &h.dns_forwarding).filter(|r| r.given).unwrap_or(&site.dns_forwarding);
            return self.forwarded(s, &Asker::Site(id, server), None, &rules.items, &name, lookup);
        }
        if self.net.is_public(server) {
            s.hop(HopKind::Resolver, format!("public DNS server {server}"), None, Zone::Internet);
            return self.public_answer(s, None, lookup);
        }
        self.undescribed("a DNS server", server, At::NOWHERE)
    }

    fn hop_server(&self, s: &mut State, name: &str, ip: IpAddr, id: Option<ResourceId>) {
        s.hop(HopKind::Resolver, format!("{name} ({ip})"), id, Zone::Yours);
    }

    fn undescribed(&self, name: &str, server: IpAddr, at: At) -> Answer {
        let why = format!(
            "what `{name}` at {server} answers as a DNS server is in none of the files; say it with dnsForwarding"
        );
        Answer::Unknown(Cause::UnknownName, Unknown::new(at, why))
    }

    /// A server that forwards by suffix (DNS-12); what it has no rule for it asks the public DNS.
    fn forwarded(
        &self,
        s: &mut State,
        asker: &Asker,
        vnet: Option<Id<VirtualNetwork>>,
        rules: &[DnsForwarding],
        server: &str,
        lookup: &mut Lookup,
    ) -> Answer {
        if rules.is_empty() {
            let at = lookup.passed.last().copied().unwrap_or(HOST_ADDRESS);
            return self.undescribed(server, at, At::NOWHERE);
        }
        let name = lookup.name.clone();
        let domain = |r: &DnsForwarding| {
            r.domain.known().map(|d| d.trim_matches('.').to_ascii_lowercase()).unwrap_or_default()
        };
        let fits = |r: &&DnsForwarding| domain(r).is_empty() || is_under(&name, &domain(r));
        let rule = rules.iter().filter(fits).max_by_key(|r| domain(r).len());
        let Some(rule) = rule else {
            let alias = self.net.names.public(&name).and_then(|p| p.privatelink.clone());
            let covers =
                |a: &Arc<str>| rules.iter().any(|r| !domain(r).is_empty() && is_under(a, &domain(r)));
            if let Some(alias) = alias.filter(covers) {
                s.alias_doubt = true;
                s.warn(format!(
                    "`{server}` forwards the privatelink name only; whether it asks again for that alias is up to its make (DNS-12)"
                ));
                if s.asks_for_alias {
                    s.pass(StepKind::Resolve, by(&[azure::DNS_12]), || {
                        format!("`{server}` asks again for `{alias}`")
                    });
                    lookup.name = alias;
                    return self.forwarded(s, asker, vnet, rules, server, lookup);
                }
            }
            s.note(StepKind::Resolve, by(&[azure::DNS_12]), || {
                format!("`{server}` has no forwarder for the name and asks the public DNS")
            });
            if let Asker::Attachment(_) = asker {
                s.assume(None, format!("`{server}` asks the public DNS for what it has no forwarder for, not Azure: its dnsForwarding would say so for `.`"));
            }
            return self.public_answer(s, None, lookup);
        };
        let text =
            if domain(rule).is_empty() { "everything".to_owned() } else { format!("`{}`", domain(rule)) };
        let evidence = Evidence { at: rule.at, ..by(&[azure::DNS_12]) };
        s.pass(StepKind::Resolve, evidence, || format!("`{server}` forwards {text}"));
        let mut first = None;
        for next in &rule.servers {
            match self.ask_server(s, asker, vnet, *next, lookup) {
                answer @ Answer::Fails(Cause::DnsServerUnreachable, ..) => {
                    first.get_or_insert(answer);
                }
                other => return other,
            }
        }
        first.unwrap_or_else(|| {
            Answer::Unknown(Cause::UnknownName, Unknown::new(rule.at, "the forwarder names no server"))
        })
    }

    /// A site's clients ask the site's servers.
    fn ask_site(
        &self,
        s: &mut State,
        site: Id<OnPremisesSite>,
        asker: &Asker,
        lookup: &mut Lookup,
    ) -> Answer {
        let row = &self.net.inventory.on_premises_sites[site];
        if row.dns_servers.items.is_empty() {
            if row.dns_forwarding.given {
                s.hop(
                    HopKind::Resolver,
                    format!("DNS of {}", row.id.name()),
                    Some(row.id.clone()),
                    Zone::Yours,
                );
                return self.forwarded(s, asker, None, &row.dns_forwarding.items, row.id.name(), lookup);
            }
            s.hop(HopKind::Resolver, "public DNS", None, Zone::Internet);
            s.assume(
                None,
                format!(
                    "clients of `{}` resolve names publicly: its files name no DNS servers",
                    row.id.name()
                ),
            );
            return self.public_answer(s, None, lookup);
        }
        let servers = row.dns_servers.items.clone();
        let mut first = None;
        for server in servers {
            match self.ask_server(s, asker, None, server, lookup) {
                answer @ Answer::Fails(Cause::DnsServerUnreachable, ..) => {
                    first.get_or_insert(answer);
                }
                other => return other,
            }
        }
        first.unwrap_or_else(|| {
            Answer::Unknown(Cause::UnknownName, Unknown::new(row.at, "the site names no DNS server"))
        })
    }

    /// A firewall as DNS proxy: its own servers, else Azure as its network sees it (DNS-16).
    fn ask_firewall(
        &self,
        s: &mut State,
        id: AttachmentId,
        firewall: Id<crate::inventory::AzureFirewall>,
        lookup: &mut Lookup,
    ) -> Answer {
        let row = self.net.attachment(id);
        if !self.is_dns_proxy(firewall) {
            let evidence = of(self.net, Some(row.owner), &[azure::FW_15]);
            return Answer::Fails(
                Cause::DnsServerUnreachable,
                evidence,
                format!("`{}` is not a DNS proxy", row.name),
            );
        }
        s.pass(StepKind::Resolve, of(self.net, Some(row.owner), &[azure::DNS_16]), || {
            "answers as the firewall's network sees it".into()
        });
        self.firewall_asks(s, id, firewall, lookup)
    }

    /// What a firewall is told that asks for a name: by its own servers, else by Azure as its network sees it.
    fn firewall_asks(
        &self,
        s: &mut State,
        id: AttachmentId,
        firewall: Id<crate::inventory::AzureFirewall>,
        lookup: &mut Lookup,
    ) -> Answer {
        let vnet = self.net.attachment(id).vnet;
        let servers = self.firewall_dns_servers(firewall);
        if servers.is_empty() {
            return self.ask_azure(s, vnet, lookup);
        }
        let mut first = None;
        for server in servers {
            match self.ask_server(s, &Asker::Attachment(id), Some(vnet), server, lookup) {
                answer @ Answer::Fails(Cause::DnsServerUnreachable, ..) => {
                    first.get_or_insert(answer);
                }
                other => return other,
            }
        }
        first.unwrap_or_else(|| self.ask_azure(s, vnet, lookup))
    }

    /// FW-6: of HTTP a firewall reads the name and connects to what it resolves for it, wherever the packet was sent.
    pub(super) fn connects_by_name(
        &self,
        s: &mut State,
        id: AttachmentId,
        firewall: Id<crate::inventory::AzureFirewall>,
    ) {
        let Some(name) = s.host.clone().filter(|_| s.open.is_none()) else { return };
        let source = self.net.attachment(id).address.unwrap_or(s.header.source);
        let header = crate::net::Header { source, ..s.header };
        let mut own = State::new(header, Origin::Attachment(id), false);
        let mut lookup = Lookup { name: name.clone(), passed: Vec::new(), shadowed: None, aliases: 0 };
        let answer = self.firewall_asks(&mut own, id, firewall, &mut lookup);
        let rules = |mut evidence: Evidence| {
            evidence.rules.insert(0, azure::FW_6);
            evidence
        };
        match answer {
            Answer::Addresses(addresses, evidence) => {
                let alike = |ip: &&IpAddr| ip.is_ipv4() == source.is_ipv4();
                let Some(ip) = addresses.iter().find(alike).copied() else { return };
                if addresses.contains(&s.header.destination) {
                    return;
                }
                s.public_despite_endpoint = lookup.shadowed;
                s.assumptions.extend(own.assumptions);
                let after = crate::net::Header { destination: ip, ..s.header };
                s.rewrite(StepKind::Translate, after, rules(evidence), || {
                    format!("the firewall connects to what it resolves itself: `{name}` is {ip}")
                });
            }
            Answer::Fails(cause, evidence, text) => {
                s.block(
                    StepKind::Resolve,
                    cause,
                    rules(evidence),
                    format!("the firewall asks for the name itself: {text}"),
                );
            }
            Answer::Unknown(cause, unknown) => {
                s.unknown(StepKind::Resolve, cause, &unknown, by(&[azure::FW_6]));
            }
        }
    }

    /// Azure's resolver asked from a virtual network: linked zones, then the ruleset, then the public (DNS-4).
    fn ask_azure(&self, s: &mut State, vnet: Id<VirtualNetwork>, lookup: &mut Lookup) -> Answer {
        let id = self.net.inventory.virtual_networks[vnet].id.clone();
        s.hop(
            HopKind::Resolver,
            format!("Azure DNS (168.63.129.16) for {}", id.name()),
            Some(id),
            Zone::Azure,
        );
        loop {
            lookup.aliases += 1;
            if lookup.aliases > MAX_ALIASES {
                return Answer::Fails(
                    Cause::DnsLoop,
                    by(&[azure::DNS_15]),
                    "the chain of aliases does not end".into(),
                );
            }
            let name = lookup.name.clone();
            if !name.contains('.')
                && let Some(id) = self.net.names.registered.get(&(vnet.raw(), name.clone()))
            {
                let row = self.net.attachment(*id);
                return match row.address {
                    Some(ip) => Answer::Addresses(vec![ip], of(self.net, Some(row.owner), &[azure::PEER_11])),
                    None => Answer::Unknown(Cause::UnknownValue, row.address_unknown()),
                };
            }
            match self.in_zones(s, vnet, lookup) {
                Zoned::Answer(answer) => return answer,
                Zoned::Alias(next) => lookup.name = next,
                Zoned::NoZone => {
                    if let Some(answer) = self.by_ruleset(s, vnet, lookup) {
                        return answer;
                    }
                    match self.public_step(s, Some(vnet), lookup) {
                        Zoned::Answer(answer) => return answer,
                        Zoned::Alias(next) => lookup.name = next,
                        _ => return nobody(&name),
                    }
                }
                Zoned::Public => match self.public_step(s, None, lookup) {
                    Zoned::Answer(answer) => {
                        // The zone is linked; what sends the name on to the public is its link's policy.
                        lookup.shadowed = None;
                        return answer;
                    }
                    Zoned::Alias(next) => lookup.name = next,
                    _ => return nobody(&name),
                },
            }
        }
    }

    fn in_zones(&self, s: &mut State, vnet: Id<VirtualNetwork>, lookup: &mut Lookup) -> Zoned {
        let name = lookup.name.clone();
        if let Some(unknown) = self.net.names.may_see(vnet, &name) {
            return Zoned::Answer(Answer::Unknown(Cause::UnknownName, unknown.clone()));
        }
        let Some(view) = self.net.names.zone_for(vnet, &name) else { return Zoned::NoZone };
        let zone_name = self.net.names.zone_names[view.zone.index()].clone();
        let slot = Slot { table: TableTag::PrivateDnsZone, row: view.zone.raw() };
        if let Some(rival) = view.rivals.iter().find(|r| !self.net.names.answer_alike(view, r, &name)) {
            let asked = self.net.inventory.virtual_networks[vnet].id.name();
            let why = format!(
                "two private zones `{zone_name}` are linked to `{asked}`, where only one may be, and they answer `{name}` differently (DNS-11)"
            );
            let unknown = Unknown::new(self.net.inventory.zone_links[rival.link].at, why);
            return Zoned::Answer(Answer::Unknown(Cause::UnknownName, unknown));
        }
        if let Some(doubt) = &view.doubt {
            return Zoned::Answer(Answer::Unknown(Cause::UncertainResource, doubt.clone()));
        }
        if let Some(record) = self.net.names.record(view.zone, &name) {
            return self.zone_record(s, record, &name, &zone_name);
        }
        if let Some(unknown) = self.net.names.zone_unknown.get(&view.zone.raw()) {
            return Zoned::Answer(Answer::Unknown(Cause::UnknownName, unknown.clone()));
        }
        match &view.fallback {
            Err(unknown) => Zoned::Answer(Answer::Unknown(Cause::UnknownName, unknown.clone())),
            Ok(true) => {
                let link = Slot { table: TableTag::VirtualNetworkLink, row: view.link.raw() };
                s.pass(StepKind::Resolve, of(self.net, Some(link), &[azure::DNS_7]), || {
                    format!("the zone `{zone_name}` does not hold `{name}`; its link falls back to the public answer")
                });
                Zoned::Public
            }
            Ok(false) => {
                let text = format!(
                    "the private zone `{zone_name}` is authoritative for `{name}` and does not hold it"
                );
                let evidence =
                    Evidence { name: Some(name), ..of(self.net, Some(slot), &[azure::DNS_4, azure::DNS_6]) };
                Zoned::Answer(Answer::Fails(Cause::DnsZoneShadow, evidence, text))
            }
        }
    }

    fn zone_record(&self, s: &mut State, record: &ZoneRecord, name: &Arc<str>, zone: &str) -> Zoned {
        let evidence = Evidence {
            name: Some(name.clone()),
            at: record.at,
            ..of(self.net, Some(record.owner), &[azure::DNS_4, azure::DNS_5])
        };
        if let Some(unknown) = record.unknown.as_ref().filter(|_| record.addresses.is_empty()) {
            return Zoned::Answer(Answer::Unknown(Cause::UnknownName, unknown.clone()));
        }
        if let Some(next) = &record.cname {
            s.pass(StepKind::Resolve, evidence, || {
                format!("`{name}` is an alias of `{next}` in the zone `{zone}`")
            });
            return Zoned::Alias(next.clone());
        }
        if record.addresses.is_empty() {
            return Zoned::Answer(Answer::Fails(
                Cause::DnsNxDomain,
                evidence,
                format!("the record `{name}` holds no address"),
            ));
        }
        s.note(StepKind::Resolve, evidence.clone(), || format!("the private zone `{zone}` holds `{name}`"));
        Zoned::Answer(Answer::Addresses(record.addresses.clone(), evidence))
    }

    /// Whether a zone or a rule of a ruleset that the network sees answers for a name, be it with nothing (DNS-4).
    fn is_answered_for(&self, vnet: Id<VirtualNetwork>, name: &str) -> bool {
        self.net.names.zone_for(vnet, name).is_some()
            || self.net.names.may_see(vnet, name).is_some()
            || self.forwarding_rule(vnet, name).is_some()
    }

    /// The rule that takes a name, in the ruleset linked to the network: enabled, the longest domain (DNS-14).
    fn forwarding_rule(
        &self,
        vnet: Id<VirtualNetwork>,
        name: &str,
    ) -> Option<Result<(Id<DnsForwardingRuleset>, &ForwardingRule), Unknown>> {
        let inventory = &self.net.inventory;
        let of = |l: &crate::inventory::RulesetLink| inventory.row::<DnsForwardingRuleset>(&l.id.parent()?);
        let linked = |l: &&crate::inventory::RulesetLink| {
            l.virtual_network.known().and_then(|r| inventory.follow(r).row()) == Some(vnet)
        };
        let Some(link) = inventory.ruleset_links.iter().find(linked) else {
            // A link to a network that is not known may be to this one.
            return inventory.ruleset_links.iter().find_map(|l| {
                let unknown = l.virtual_network.unknown()?;
                let rule = self.rule_of(of(l)?, name)?;
                Some(Err(rule.err().unwrap_or_else(|| unknown.clone())))
            });
        };
        let Some(ruleset) = of(link) else {
            let why = format!(
                "the rules of the ruleset linked by `{}`, which is in none of the files",
                link.id.full_name()
            );
            return Some(Err(Unknown::new(link.at, why)));
        };
        Some(self.rule_of(ruleset, name)?.map(|rule| (ruleset, rule)))
    }

    /// The rule of a ruleset that takes a name.
    fn rule_of(
        &self,
        ruleset: Id<DnsForwardingRuleset>,
        name: &str,
    ) -> Option<Result<&ForwardingRule, Unknown>> {
        let inventory = &self.net.inventory;
        let domain = |r: &crate::inventory::ForwardingRule| {
            r.domain_name.known().map(|d| d.trim_matches('.').to_ascii_lowercase())
        };
        let enabled = |r: &&crate::inventory::ForwardingRule| {
            !r.forwarding_rule_state.known().is_some_and(|st| st.eq_ignore_ascii_case("Disabled"))
        };
        let all = &inventory.forwarding_rulesets[ruleset].forwarding_rules;
        let unread = all.iter().filter(enabled).find_map(|r| r.domain_name.unknown().cloned());
        if let Some(unknown) = unread.or(all.unknown.clone()) {
            return Some(Err(unknown));
        }
        let rule = all
            .iter()
            .filter(enabled)
            .filter(|r| domain(r).is_some_and(|d| d.is_empty() || is_under(name, &d)))
            .max_by_key(|r| domain(r).map(|d| d.len()))?;
        Some(rule.forwarding_rule_state.unknown().cloned().map_or(Ok(rule), Err))
    }

    /// The ruleset linked to the network, if a rule takes the name (DNS-13, DNS-14).
    fn by_ruleset(&self, s: &mut State, vnet: Id<VirtualNetwork>, lookup: &mut Lookup) -> Option<Answer> {
        let inventory = &self.net.inventory;
        let name = lookup.name.clone();
        let (ruleset, rule) = match self.forwarding_rule(vnet, &name)? {
            Ok(found) => found,
            Err(unknown) => return Some(Answer::Unknown(Cause::UnknownName, unknown)),
        };
        let evidence = Evidence {
            resource: Some(rule.id()),
            name: Some(rule.name.clone()),
            at: rule.at,
            ..by(&[azure::DNS_13, azure::DNS_14])
        };
        s.pass(StepKind::Resolve, evidence, || format!("the ruleset forwards by `{}`", rule.name));
        let endpoint = inventory.forwarding_rulesets[ruleset]
            .outbound_endpoints
            .iter()
            .find_map(|r| inventory.follow_any(&r.text));
        let subnet = match endpoint {
            Some(Slot { table: TableTag::OutboundEndpoint, row }) => inventory.outbound_endpoints.as_slice()
                [row as usize]
                .subnet
                .known()
                .and_then(|r| inventory.follow(r).row()),
            _ => None,
        };
        let asker = subnet.map_or(Asker::Public, |sn| Asker::Subnet(sn, self.first_address(sn)));
        let home = subnet.map_or(vnet, |sn| self.net.ground(sn).vnet);
        let mut first = None;
        for target in &rule.target_dns_servers {
            let Some(server) = target.ip_address.known().copied() else { continue };
            if let Some(deaf) = self.deaf_at(home, server, target.port.known().copied()) {
                first.get_or_insert(deaf);
                continue;
            }
            match self.ask_server(s, &asker, Some(home), server, lookup) {
                answer @ Answer::Fails(Cause::DnsServerUnreachable, ..) => {
                    first.get_or_insert(answer);
                }
                other => return Some(other),
            }
        }
        Some(first.unwrap_or_else(|| {
            Answer::Unknown(Cause::UnknownName, Unknown::new(rule.at, "the forwarding rule names no server"))
        }))
    }

    /// What becomes of a question to a port at which Azure's own servers do not listen.
    fn deaf_at(&self, vnet: Id<VirtualNetwork>, server: IpAddr, port: Option<i64>) -> Option<Answer> {
        let port = port.filter(|port| *port != 53)?;
        let own = self.holder_of(Some(vnet), server).is_some_and(|id| {
            matches!(self.net.attachment(id).kind, AttachmentKind::Resolver(_) | AttachmentKind::Firewall(_))
        });
        let text = format!("{server} answers questions on port 53 alone, and the rule asks it on {port}");
        let evidence = self.server_evidence(Some(vnet), server, &[azure::DNS_13]);
        own.then_some(Answer::Fails(Cause::DnsServerUnreachable, evidence, text))
    }

    /// An address of an outbound endpoint: the first of its subnet that nothing else holds.
    fn first_address(&self, subnet: Id<crate::inventory::Subnet>) -> IpAddr {
        super::question::free_address(self.net, subnet).unwrap_or(INTERNET_HOST)
    }

    /// The public DNS, asked by nobody's virtual network.
    fn public_answer(&self, s: &mut State, vnet: Option<Id<VirtualNetwork>>, lookup: &mut Lookup) -> Answer {
        loop {
            lookup.aliases += 1;
            if lookup.aliases > MAX_ALIASES {
                return Answer::Fails(
                    Cause::DnsLoop,
                    by(&[azure::DNS_15]),
                    "the chain of aliases does not end".into(),
                );
            }
            match self.public_step(s, vnet, lookup) {
                Zoned::Answer(answer) => return answer,
                Zoned::Alias(next) => lookup.name = next,
                _ => return nobody(&lookup.name),
            }
        }
    }

    /// One step of public recursion. `vnet` is the network whose zones see the aliases (DNS-4, DNS-5).
    fn public_step(&self, s: &mut State, vnet: Option<Id<VirtualNetwork>>, lookup: &mut Lookup) -> Zoned {
        let name = lookup.name.clone();
        if let Some(zone_record) = self.public_zone(&name) {
            return zone_record;
        }
        if let Some(untold) = self.net.names.untold.get(&name).filter(|_| vnet.is_some()) {
            return Zoned::Answer(Answer::Unknown(Cause::UnknownValue, untold.clone()));
        }
        if let Some(public) = self.net.names.public(&name).cloned() {
            return self.public_name(s, vnet, &self.partitioned(&name, public), lookup);
        }
        if name.contains(".privatelink.") || name.starts_with("privatelink.") {
            let plain: Arc<str> = name.replacen(".privatelink.", ".", 1).into();
            if let Some(public) = self.public_of_privatelink(&name) {
                if public.privatelink.is_some() {
                    let shadow = self.unlinked(vnet, &name, &public);
                    lookup.shadowed.get_or_insert(shadow);
                }
                return self.address_of_public(s, &public, &plain);
            }
        }
        if let Some((kind, ..)) = service_of_host(&name).filter(|_| well_known(&name).is_none()) {
            return self.foreign(s, vnet, &name, kind.tag);
        }
        if let Some(unknown) = self.net.called_otherwise(&name).filter(|_| !is_azures_own(&name)) {
            return Zoned::Answer(Answer::Unknown(Cause::UnsupportedResource, unknown));
        }
        if let Some(host) = well_known(&name) {
            // A region in the name narrows the tag: `x.westeurope.batch.azure.com`.
            let regional =
                host.tag.and_then(|t| name.split('.').find_map(|label| self.net.tags.regional(t, label)));
            let tag = regional.or_else(|| host.tag.and_then(|t| self.net.tags.find(t)));
            let ip = tag.and_then(|t| self.net.tags.representative(t));
            let tag = tag.map(|t| self.net.tags.name(t)).or(host.tag).unwrap_or("no service tag");
            s.assume(None, format!("{ip} stands for `{name}` ({tag})", ip = ip.unwrap_or(INTERNET_HOST)));
            return Zoned::Answer(Answer::Addresses(vec![ip.unwrap_or(INTERNET_HOST)], by(&[azure::DNS_4])));
        }
        if let Some(machine) = name.strip_suffix(AZURE_GIVEN) {
            return self.given_name(vnet, &name, machine);
        }
        if let Some(missing) = self.missing_in_zone(&name) {
            return missing;
        }
        if let Some(zone) = self.net.names.zone_names.iter().find(|z| is_under(&name, z)) {
            let why = format!(
                "`{name}` lies under the private zone `{zone}`, which is not linked where it is asked; whether it exists publicly is not known"
            );
            return Zoned::Answer(Answer::Unknown(Cause::UnknownName, Unknown::new(At::NOWHERE, why)));
        }
        s.assume(
            None,
            format!(
                "`{name}` exists publicly; {INTERNET_HOST} stands for its address, outside every service tag"
            ),
        );
        Zoned::Answer(Answer::Addresses(vec![INTERNET_HOST], by(&[azure::DNS_4])))
    }

    /// A name that Azure gives a machine: known inside its own network and nowhere else (PEER-11).
    fn given_name(&self, vnet: Option<Id<VirtualNetwork>>, name: &str, machine: &str) -> Zoned {
        let label = machine.split('.').next().unwrap_or(machine);
        let inventory = &self.net.inventory;
        let called = |a: &crate::network::Attachment| match a.kind {
            AttachmentKind::Interface(nic) => crate::network::machine_of(inventory, nic)
                .is_some_and(|m| inventory.virtual_machines[m].id.name().eq_ignore_ascii_case(label)),
            AttachmentKind::Host(host) => inventory.hosts[host].id.name().eq_ignore_ascii_case(label),
            _ => false,
        };
        let mut own = self.net.attachments.iter().filter(|a| Some(a.vnet) == vnet);
        let answer = match own.find(|a| called(a)).and_then(|a| Some((a, a.address?))) {
            Some((found, ip)) => {
                Answer::Addresses(vec![ip], of(self.net, Some(found.owner), &[azure::PEER_11]))
            }
            None => Answer::Fails(
                Cause::DnsNxDomain,
                of(
                    self.net,
                    vnet.map(|v| Slot { table: TableTag::VirtualNetwork, row: v.raw() }),
                    &[azure::PEER_11],
                ),
                format!("no machine of the asking network is called `{name}`"),
            ),
        };
        Zoned::Answer(answer)
    }

    /// The public zone of the estate that holds a name, the longest.
    fn public_zone_of(&self, name: &str) -> Option<(Id<DnsZone>, &DnsZone)> {
        let zones = self.net.inventory.dns_zones.rows();
        let holding = zones.filter(|(_, z)| is_under(name, &z.id.name().to_ascii_lowercase()));
        holding.max_by_key(|(_, z)| z.id.name().len())
    }

    /// What a public zone of the estate says of a name that nothing else tells of: where its records are told, that
    /// there is none.
    fn missing_in_zone(&self, name: &str) -> Option<Zoned> {
        let (id, zone) = self.public_zone_of(name).filter(|(_, z)| z.record_sets.given)?;
        if let Some(unknown) = &zone.record_sets.unknown {
            return Some(Zoned::Answer(Answer::Unknown(Cause::UnknownName, unknown.clone())));
        }
        let slot = Slot { table: TableTag::DnsZone, row: id.raw() };
        let text = format!("the public zone `{}` holds no address of `{name}`", zone.id.name());
        Some(Zoned::Answer(Answer::Fails(
            Cause::DnsNxDomain,
            of(self.net, Some(slot), &[azure::DNS_4]),
            text,
        )))
    }

    /// A record of a public zone of the estate, else its wildcard's.
    fn public_zone(&self, name: &str) -> Option<Zoned> {
        let (id, zone) = self.public_zone_of(name)?;
        let zone_name = zone.id.name().to_ascii_lowercase();
        let slot = Slot { table: TableTag::DnsZone, row: id.raw() };
        let full = |r: &crate::inventory::RecordSet| match r.name.to_ascii_lowercase().as_str() {
            "@" | "" => zone_name.clone(),
            own => format!("{own}.{zone_name}"),
        };
        let records = || zone.record_sets.iter().filter(|r| speaks_of_addresses(r));
        let record = records().find(|r| full(r) == name).or_else(|| {
            let holds = |name: &str| zone.record_sets.iter().any(|r| is_under(&full(r), name));
            let wild = crate::network::wildcard_of(name, &zone_name, holds)?;
            records().find(|r| full(r) == wild)
        })?;
        let evidence = Evidence {
            name: Some(record.name.clone()),
            at: record.at,
            ..of(self.net, Some(slot), &[azure::DNS_4])
        };
        if let Field::Known(next) = &record.cname {
            return Some(Zoned::Alias(next.trim_end_matches('.').to_ascii_lowercase().into()));
        }
        if !record.target_resource.is_absent() {
            return Some(self.alias_record(record));
        }
        let unknown = record.cname.unknown().cloned().or(record.addresses.unknown.clone());
        if let Some(unknown) = unknown.filter(|_| record.addresses.items.is_empty()) {
            return Some(Zoned::Answer(Answer::Unknown(Cause::UnknownName, unknown)));
        }
        (!record.addresses.items.is_empty())
            .then(|| Zoned::Answer(Answer::Addresses(record.addresses.items.clone(), evidence)))
    }

    /// A record that follows a resource: a public address, or what has a name of its own.
    fn alias_record(&self, record: &crate::inventory::RecordSet) -> Zoned {
        let slot = record.target_resource.known().and_then(|r| self.net.inventory.follow_any(&r.text));
        let named = |slot| {
            let own = |(name, public): (&Arc<str>, &PublicName)| match public.target {
                PublicTarget::FrontDoor(s) | PublicTarget::Address(s) => (s == slot).then(|| name.clone()),
                _ => None,
            };
            self.net.names.public.iter().filter_map(own).min()
        };
        match slot {
            Some(Slot { table: TableTag::PublicIpAddress, row }) => {
                let evidence = of(self.net, slot, &[azure::DNS_4]);
                match self.net.public_addresses[row as usize].0 {
                    Some(ip) => Zoned::Answer(Answer::Addresses(vec![ip], evidence)),
                    None => Zoned::Answer(Answer::Unknown(
                        Cause::UnknownValue,
                        Unknown::new(record.at, "the public address that the record follows"),
                    )),
                }
            }
            Some(slot) if named(slot).is_some() => named(slot).map_or(Zoned::NoZone, Zoned::Alias),
            _ => {
                let text =
                    record.target_resource.known().map_or_else(String::new, |r| format!(" `{}`", r.text));
                let why =
                    format!("the address of the resource{text} that the record `{}` follows", record.name);
                Zoned::Answer(Answer::Unknown(Cause::UnknownName, Unknown::new(record.at, why)))
            }
        }
    }

    fn public_name(
        &self,
        s: &mut State,
        vnet: Option<Id<VirtualNetwork>>,
        public: &PublicName,
        lookup: &mut Lookup,
    ) -> Zoned {
        let name = lookup.name.clone();
        if let Some(answer) = self.private_api_server(vnet, public, &name) {
            return answer;
        }
        if let Some(answer) = self.injected(vnet, public, &name) {
            return answer;
        }
        let Some(alias) = public.privatelink.clone() else {
            return self.without_own_endpoint(s, vnet, public, &name);
        };
        s.pass(StepKind::Resolve, by(&[azure::DNS_5]), || {
            format!("`{name}` is publicly an alias of `{alias}`: a private endpoint exists")
        });
        if vnet.is_some_and(|vnet| self.is_answered_for(vnet, &alias)) {
            return Zoned::Alias(alias);
        }
        lookup.shadowed = Some(self.unlinked(vnet, &alias, public));
        self.address_of_public(s, public, &name)
    }

    /// A service that stands in a virtual network: its own name leads to its address there, by an alias and an address
    /// that Azure makes up. Whoever asks from outside gets to no public endpoint, for it has none.
    fn injected(
        &self,
        vnet: Option<Id<VirtualNetwork>>,
        public: &PublicName,
        name: &Arc<str>,
    ) -> Option<Zoned> {
        let PublicTarget::Service(service, _) = public.target else { return None };
        let row = &self.net.inventory.services[service];
        let inside = vnet.is_some() && row.has_inside_address();
        let why = format!(
            "the address of `{name}`: `{}` stands in a virtual network, and its address there is in none of the files",
            row.id.name()
        );
        inside.then(|| Zoned::Answer(Answer::Unknown(Cause::UnknownValue, Unknown::new(row.at, why))))
    }

    /// A name for whose sub-resource there is no private endpoint. Where there is one for another of the resource, and a
    /// zone is linked that would hold the alias, the profile says how DNS-5 is read.
    fn without_own_endpoint(
        &self,
        s: &mut State,
        vnet: Option<Id<VirtualNetwork>>,
        public: &PublicName,
        name: &Arc<str>,
    ) -> Zoned {
        let alias = public.other_privatelink.clone();
        let linked = alias.filter(|a| vnet.is_some_and(|v| self.is_answered_for(v, a)));
        let Some(alias) = linked else { return self.address_of_public(s, public, name) };
        let knob = Some("privatelinkAliasPerSubResource");
        if self.net.profile.privatelink_alias_per_sub_resource {
            s.assume(knob, format!("`{name}` is no alias of `{alias}`: its resource has private endpoints, but none for this name (D-20)"));
            return self.address_of_public(s, public, name);
        }
        s.assume(knob, format!("`{name}` is publicly an alias of `{alias}`, as its resource has private endpoints, though none for this name (D-20)"));
        s.pass(StepKind::Resolve, by(&[azure::DNS_5, azure::PE_2]), || {
            format!("`{name}` is publicly an alias of `{alias}`")
        });
        Zoned::Alias(alias)
    }

    /// The API server of a private AKS cluster: its public name, if it has one, leads to its private address. `None`
    /// for everything else, and where a linked zone answers.
    fn private_api_server(
        &self,
        vnet: Option<Id<VirtualNetwork>>,
        public: &PublicName,
        name: &Arc<str>,
    ) -> Option<Zoned> {
        let PublicTarget::Service(service, _) = public.target else { return None };
        let row = &self.net.inventory.services[service];
        let unknown = |at: At, why: String| {
            Some(Zoned::Answer(Answer::Unknown(Cause::UnknownValue, Unknown::new(at, why))))
        };
        match row.enable_private_cluster.or(false) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(why) => return unknown(why.at, why.why.to_string()),
        }
        let Some(alias) = &public.privatelink else {
            let why = format!(
                "the address of `{name}`: AKS makes the private endpoint of its API server at deployment, and it is in none of the files"
            );
            return unknown(row.at, why);
        };
        if vnet.is_some_and(|vnet| self.is_answered_for(vnet, alias)) {
            return None;
        }
        let evidence = self.unlinked(vnet, alias, public).evidence;
        let address = self.net.attachments.iter().find_map(|a| match a.kind {
            AttachmentKind::PrivateEndpoint(endpoint, _) => {
                let endpoint = &self.net.inventory.private_endpoints[endpoint];
                let (target, _) = crate::network::target_of(&self.net.inventory, endpoint);
                let slot = Slot { table: TableTag::PlatformService, row: service.raw() };
                a.address.filter(|_| target == Some(slot))
            }
            _ => None,
        });
        match (row.enable_private_cluster_public_fqdn.or(true), address) {
            (Err(why), _) => unknown(why.at, why.why.to_string()),
            (Ok(true), Some(ip)) => Some(Zoned::Answer(Answer::Addresses(vec![ip], evidence))),
            (Ok(true), None) => unknown(row.at, format!("the private address of `{name}`")),
            (Ok(false), _) => Some(Zoned::Answer(Answer::Fails(
                Cause::DnsNxDomain,
                evidence,
                format!("`{name}` is the API server of a private cluster and has no public name"),
            ))),
        }
    }

    /// The zone that would have answered, and why it did not.
    fn unlinked(&self, vnet: Option<Id<VirtualNetwork>>, alias: &str, public: &PublicName) -> Shadow {
        let inventory = &self.net.inventory;
        let asked = vnet.map(|v| &inventory.virtual_networks[v].id);
        let zone = self.net.names.zone_names.iter().position(|z| is_under(alias, z));
        if let Some(row) = zone {
            let name = &self.net.names.zone_names[row];
            let slot = Slot { table: TableTag::PrivateDnsZone, row: row as u32 };
            let why = match asked {
                Some(id) => format!(
                    "the private zone `{name}` is not linked to `{}`, where the name is asked",
                    id.name()
                ),
                None => format!(
                    "the question for it does not reach a network that the private zone `{name}` is linked to"
                ),
            };
            return Shadow { evidence: of(self.net, Some(slot), &[azure::DNS_9]), why };
        }
        let right = alias.find("privatelink.").map_or(alias, |at| &alias[at..]);
        if let Some((slot, why)) = self.wrong_zone(public, right) {
            return Shadow { evidence: of(self.net, Some(slot), &[azure::DNS_9]), why };
        }
        let slot = vnet.map(|v| Slot { table: TableTag::VirtualNetwork, row: v.raw() });
        let why = format!("there is no private zone `{right}`");
        Shadow { evidence: of(self.net, slot, &[azure::DNS_9]), why }
    }

    /// The zone into which the private endpoint's zone group writes in place of the right one.
    fn wrong_zone(&self, public: &PublicName, right: &str) -> Option<(Slot, String)> {
        let PublicTarget::Service(service, _) = public.target else { return None };
        let inventory = &self.net.inventory;
        let wanted = Slot { table: TableTag::PlatformService, row: service.raw() };
        let valid = |zone: &str| {
            service_kind(&inventory.services[service].id.kind())
                .is_some_and(|k| k.endpoints.iter().filter_map(|e| e.zone).any(|own| is_under(zone, own)))
        };
        inventory.zone_groups.iter().find_map(|group| {
            let endpoint = match group.private_endpoint.known() {
                Some(reference) => inventory.follow(reference).row(),
                None => inventory.row(&group.id.parent()?),
            }?;
            let (target, _) = crate::network::target_of(inventory, &inventory.private_endpoints[endpoint]);
            if target != Some(wanted) {
                return None;
            }
            let written = group.configs.iter().filter_map(|c| c.private_dns_zone_id.known());
            let zones = written.chain(group.private_dns_zones.iter());
            let mut zones = zones.filter_map(|r| inventory.follow(r).row());
            let zone = zones.find(|z| !valid(&self.net.names.zone_names[z.index()]))?;
            let why = format!(
                "there is no private zone `{right}`: the zone group `{}` writes into `{}`, where no name of the service is looked up",
                group.id.full_name(),
                self.net.names.zone_names[zone.index()],
            );
            Some((Slot { table: TableTag::PrivateDnsZone, row: zone.raw() }, why))
        })
    }

    /// An account whose names hold the number of a DNS zone has aliases of that form too. Whether the number stands in
    /// them is told by the zone that holds one.
    fn partitioned(&self, name: &str, public: PublicName) -> PublicName {
        let Some((account, rest)) = name.strip_suffix(PARTITIONED).and_then(|n| n.split_once('.')) else {
            return public;
        };
        let Some((number, group)) = rest.split_once('.') else { return public };
        let names = &self.net.names;
        let held = |alias: &str| names.records.keys().any(|(_, record)| **record == *alias);
        let alias = |with: &str| format!("{account}.{with}privatelink.{group}{PARTITIONED}");
        let plain = alias("");
        let alias: Arc<str> = if held(&plain) { plain } else { alias(&format!("{number}.")) }.into();
        let own = |old: &Option<Arc<str>>| old.as_ref().map(|_| alias.clone());
        let (privatelink, other_privatelink) = (own(&public.privatelink), own(&public.other_privatelink));
        PublicName { privatelink, other_privatelink, ..public }
    }

    fn public_of_privatelink(&self, alias: &str) -> Option<PublicName> {
        if alias.ends_with(PARTITIONED) {
            let plain = alias.replacen(".privatelink.", ".", 1);
            let (account, rest) = plain.split_once('.')?;
            // The number may be missing in the alias; any stands for it.
            let numbered = format!("{account}.z00.{rest}");
            let found = self.net.names.public(&plain).or_else(|| self.net.names.public(&numbered))?;
            return Some(found.clone());
        }
        let is = |own: &Option<Arc<str>>| own.as_deref() == Some(alias);
        self.net.names.public.values().find(|p| is(&p.privatelink) || is(&p.other_privatelink)).cloned()
    }

    fn address_of_public(&self, s: &mut State, public: &PublicName, name: &Arc<str>) -> Zoned {
        let address = match public.target {
            PublicTarget::Address(Slot { row, .. }) => self.net.public_addresses[row as usize].0,
            _ => public.address,
        };
        let (ip, evidence) = match public.target {
            PublicTarget::Service(service, _) => {
                let slot = Slot { table: TableTag::PlatformService, row: service.raw() };
                (address, of(self.net, Some(slot), &[azure::DNS_4]))
            }
            PublicTarget::Host(host) => {
                let slot = Slot { table: TableTag::InternetHost, row: host.raw() };
                (address, of(self.net, Some(slot), &[azure::DNS_4]))
            }
            PublicTarget::FrontDoor(slot) | PublicTarget::Address(slot) => {
                (address, of(self.net, Some(slot), &[azure::DNS_4]))
            }
        };
        let ip = ip.unwrap_or(INTERNET_HOST);
        if let Some(tag) = public.tag.filter(|_| self.is_anywhere(public)) {
            s.by_region = self.net.tags.by_region(tag, &self.net.names.regional);
        }
        let tag = public.tag.map(|t| format!(" ({})", self.net.tags.name(t))).unwrap_or_default();
        s.assume(None, format!("{ip}{tag} stands for the public address of `{name}`"));
        Zoned::Answer(Answer::Addresses(vec![ip], evidence))
    }

    /// Whether a name stands for an account or host that may be in any region.
    fn is_anywhere(&self, public: &PublicName) -> bool {
        match public.target {
            PublicTarget::Service(service, _) => {
                let row = &self.net.inventory.services[service];
                let regional = service_kind(&row.id.kind()).is_some_and(|k| k.regional);
                regional && row.location.known().is_none()
            }
            PublicTarget::Host(host) => self.net.inventory.internet_hosts[host].addresses.is_empty(),
            PublicTarget::FrontDoor(_) | PublicTarget::Address(_) => false,
        }
    }

    /// Somebody else's service: with a linked zone it matters whether it has a private endpoint somewhere (DNS-6, DNS-8).
    fn foreign(
        &self,
        s: &mut State,
        vnet: Option<Id<VirtualNetwork>>,
        name: &Arc<str>,
        tag: Option<&str>,
    ) -> Zoned {
        let alias = crate::network::privatelink_of_public(name);
        let elsewhere = |v| alias.as_deref().is_some_and(|a| self.is_answered_for(v, a));
        if vnet.is_some_and(elsewhere) {
            let why = format!(
                "whether `{name}`, which is not in the files, has a private endpoint somewhere: then the linked zone or ruleset shadows it (DNS-6), else it resolves publicly (DNS-8). Say it with internetHosts and hasPrivateEndpoint"
            );
            return Zoned::Answer(Answer::Unknown(Cause::UnknownName, Unknown::new(At::NOWHERE, why)));
        }
        let found = tag.and_then(|t| self.net.tags.find(t));
        s.by_region = found.map_or_else(Vec::new, |t| self.net.tags.by_region(t, &self.net.names.regional));
        let ip = found.and_then(|t| self.net.tags.representative(t)).unwrap_or(INTERNET_HOST);
        s.assume(None, format!("{ip} stands for the public address of `{name}`"));
        Zoned::Answer(Answer::Addresses(vec![ip], by(&[azure::DNS_4])))
    }
}

/// What a name is to a sender, however its packets travel.
pub(crate) enum NameFound {
    /// It has this address.
    Address {
        /// The address.
        ip: IpAddr,
        /// What it stands for.
        target: Option<Target>,
        /// What keeps the private zone from answering, where a private endpoint exists and the answer is public.
        shadow: Option<Option<String>>,
        /// The server that was asked first and can be reached.
        server: Option<IpAddr>,
    },
    /// It does not resolve, by the word of this server.
    Stopped(super::Decision, Option<IpAddr>),
    /// It depends on the sender, or cannot be known.
    Doubt,
}

/// Resolves a name for a sender that can reach its first DNS server. Senders of one network with the same
/// servers share the answer.
pub(crate) fn resolve_name(net: &crate::network::Network, origin: &Origin, name: &Arc<str>) -> NameFound {
    let walk = Walk { net, depth: 0 };
    let source = walk.source_address(origin);
    let (port, destination) = (443, INTERNET_HOST);
    let header =
        crate::net::Header { source, destination, protocol: Protocol::Tcp, source_port: 50_000, port };
    let mut state = State::new(header, origin.clone(), false);
    let server = match origin {
        Origin::Attachment(id) => {
            let first = walk.servers_of(*id, net.attachment(*id).vnet).first().copied();
            let first = first.unwrap_or(HOST_ADDRESS);
            if walk.travels(&mut state, &Asker::Attachment(*id), first).is_err() {
                return NameFound::Doubt;
            }
            Some(first)
        }
        Origin::Internet(_) => None,
        _ => return NameFound::Doubt,
    };
    state.host = Some(name.clone());
    let resolved = walk.resolve_target(&mut state, name);
    let doubt = state.alias_doubt || state.intermittent.is_some() || !state.by_region.is_empty();
    if doubt || !state.missing.is_empty() {
        return NameFound::Doubt;
    }
    if let Some(first) = state.blockers.first() {
        return match first.cause {
            Cause::DnsServerUnreachable => NameFound::Doubt,
            cause => {
                let (outcome, disposition) = (Outcome::Blocked, first.disposition);
                let decider = first.evidence.decider();
                NameFound::Stopped(
                    super::Decision { outcome, disposition, cause: Some(cause), decider },
                    server,
                )
            }
        };
    }
    if !resolved {
        return NameFound::Doubt;
    }
    let shadow = state.public_despite_endpoint.as_ref().map(|s| s.evidence.decider());
    NameFound::Address { ip: state.header.destination, target: state.target, shadow, server }
}

/// What senders of a network see of names: the server they ask first, and the zones that answer there, each with whether
/// a name that is not in it is asked publicly. Senders with the same zones get the same addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameView {
    /// The server.
    pub server: IpAddr,
    /// The zones, the longest name first.
    pub zones: Vec<(u32, bool)>,
}

/// Whether nothing but zones tells networks apart that ask Azure: no rulesets, no zones that may be linked anywhere, and
/// no alias without a dot, which a network's own machines could have.
pub(crate) fn zones_decide(net: &crate::network::Network) -> bool {
    let bare = |record: &ZoneRecord| record.cname.as_ref().is_some_and(|alias| !alias.contains('.'));
    net.inventory.ruleset_links.is_empty()
        && net.names.floating.is_empty()
        && !net.names.records.values().any(bare)
}

/// The view of a network; `None` where not all of it is known, or the server answers by more than zones.
pub(crate) fn name_view(net: &crate::network::Network, vnet: Id<VirtualNetwork>) -> Option<NameView> {
    let names = &net.names;
    let servers = &net.inventory.virtual_networks[vnet].dns_servers;
    if servers.unknown.is_some() {
        return None;
    }
    let server = servers.items.first().copied().unwrap_or(HOST_ADDRESS);
    let home = if server == HOST_ADDRESS { vnet } else { home_of_server(net, vnet, server)? };
    let mut zones = Vec::new();
    for view in &names.views[home.index()] {
        let fallback = *view.fallback.as_ref().ok()?;
        let plain = view.rivals.is_empty() && view.doubt.is_none();
        zones.push(plain.then_some((view.zone.raw(), fallback))?);
    }
    Some(NameView { server, zones })
}

/// The network whose zones a server answers by: that of a resolver, or of a firewall that passes all on to Azure.
fn home_of_server(
    net: &crate::network::Network,
    vnet: Id<VirtualNetwork>,
    server: IpAddr,
) -> Option<Id<VirtualNetwork>> {
    let walk = Walk { net, depth: 0 };
    let row = net.attachment(walk.holder_of(Some(vnet), server)?);
    match row.kind {
        AttachmentKind::Resolver(_) => Some(row.vnet),
        AttachmentKind::Firewall(firewall) => {
            let plain = walk.is_dns_proxy(firewall) && walk.firewall_dns_servers(firewall).is_empty();
            plain.then_some(row.vnet)
        }
        _ => None,
    }
}

fn target_of_public(public: &PublicName) -> Target {
    match public.target {
        PublicTarget::Service(service, position) => Target::Service(service, position),
        PublicTarget::Host(host) => Target::Host(host),
        PublicTarget::FrontDoor(slot) => Target::FrontDoor(slot),
        PublicTarget::Address(slot) => Target::PublicAddress(slot),
    }
}

/// Whether a name is one of Azure's own, the same for every customer.
fn is_azures_own(name: &str) -> bool {
    well_known(name).is_some_and(|host| !host.host.starts_with("*."))
}

/// Whether a record tells an address or an alias.
fn speaks_of_addresses(record: &crate::inventory::RecordSet) -> bool {
    use crate::inventory::RecordType;
    let kind = record.record_type.known();
    kind.is_none_or(|k| matches!(k, RecordType::A | RecordType::Aaaa | RecordType::Cname))
}

/// A `privatelink` name without its label.
fn without_privatelink(name: &str) -> Option<Arc<str>> {
    name.contains(".privatelink.").then(|| name.replacen(".privatelink.", ".", 1).into())
}

/// What a zone, or the public DNS, says to one name.
enum Zoned {
    Answer(Answer),
    Alias(Arc<str>),
    NoZone,
    Public,
}

fn nobody(name: &str) -> Answer {
    Answer::Fails(Cause::DnsNxDomain, by(&[azure::DNS_4]), format!("nobody holds `{name}`"))
}
