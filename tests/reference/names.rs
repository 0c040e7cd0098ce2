//! Name resolution (section 13 of the rules).

use super::facts::{Facts, platform};
use super::filters::Packet;
use super::firewall::proxy_servers;
use super::walk::{Arrival, Call, Start, carry};
use super::worlds::{Stop, Worlds};
use netwhy::inventory::{
    DnsForwarding, Id, OnPremisesSite, PlatformService, PrivateDnsZone, PrivateEndpoint, RecordType,
    ResolutionPolicy, Slot, TableTag, VirtualNetwork,
};
use netwhy::net::{IpAddr, Protocol};
use netwhy::network::{AttachmentKind, normal_region};
use netwhy::services::{EndpointKind, NameParts, ServiceKind, fill, service_kind, well_known};
use netwhy::trace::Cause;
use std::sync::Arc;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Asker {
    Holder(usize),
    Site(Id<OnPremisesSite>),
    Internet,
}

/// What a name gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) ip: IpAddr,
    /// The `privatelink` name that was asked publicly, because no zone of it is linked where it was asked.
    pub(crate) unlinked: Option<String>,
    /// Where the question was put to the public or to Azure.
    pub(crate) asked: Asked,
    /// The last name of its chain of aliases.
    pub(crate) last: String,
}

/// Who finally asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Asked {
    /// Azure's resolver, for this network.
    In(Id<VirtualNetwork>),
    /// A server on-premises.
    OnPremises,
    /// Anybody.
    Publicly,
}

/// The question on its way through servers.
struct Question<'a> {
    name: &'a str,
    asked: Vec<(IpAddr, String)>,
}

fn stop(cause: Cause) -> Stop {
    Stop { cause, decider: None }
}

/// Resolves a name for whoever asks (DNS-1).
pub(crate) fn resolve_in(f: &Facts, w: &Worlds, asker: Asker, name: &str) -> Result<Named, Stop> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let question = Question { name: &name, asked: Vec::new() };
    match asker {
        Asker::Internet => public_chain(f, &name),
        Asker::Site(site) => {
            // Its own server has the question first.
            let own = f.inv.on_premises_sites[site].dns_servers.items.first();
            let asked = own.map(|ip| (*ip, String::new())).into_iter().collect();
            at_site(f, w, site, &Question { asked, ..question })
        }
        Asker::Holder(place) => {
            let holder = &f.holders[place];
            // DNS-16: the firewall asks its own servers, or Azure from its own network.
            if let AttachmentKind::Firewall(id) = holder.kind {
                let servers = proxy_servers(f, id).unwrap_or_default();
                let servers = if servers.is_empty() { vec![platform()] } else { servers };
                return in_turn(f, w, asker, &servers, &question);
            }
            let own = f.own_dns(holder);
            let network = &f.inv.virtual_networks[holder.vnet].dns_servers.items;
            let azure = [platform()];
            let servers = match (own.is_empty(), network.is_empty()) {
                (false, _) => own,
                (true, false) => network.as_slice(),
                (true, true) => &azure,
            };
            in_turn(f, w, asker, servers, &question)
        }
    }
}

/// DNS-1: servers in order; the first that can be reached gives the answer.
fn in_turn(
    f: &Facts,
    w: &Worlds,
    asker: Asker,
    servers: &[IpAddr],
    question: &Question,
) -> Result<Named, Stop> {
    let mut first: Option<Stop> = None;
    for server in servers {
        match ask(f, w, asker, *server, question) {
            Err(stop) if stop.cause == Cause::DnsServerUnreachable => first = first.or(Some(stop)),
            answer => return answer,
        }
    }
    Err(first.unwrap_or_else(|| stop(Cause::DnsServerUnreachable)))
}

/// One server. DNS-2: the question is a flow of its own, UDP 53.
fn ask(f: &Facts, w: &Worlds, asker: Asker, server: IpAddr, question: &Question) -> Result<Named, Stop> {
    let unreachable = |inner: Stop| Stop { cause: Cause::DnsServerUnreachable, decider: inner.decider };
    // DNS-15: Azure's own resolver may be asked from several networks, any other server once.
    let key = (server, if server == platform() { format!("{asker:?}") } else { String::new() });
    if question.asked.contains(&key) {
        return Err(Stop { cause: Cause::DnsLoop, decider: behind(f, asker, server) });
    }
    let mut asked = question.asked.clone();
    asked.push(key);
    let question = Question { name: question.name, asked };
    if asker == Asker::Internet {
        return public_chain(f, question.name);
    }
    let (start, source) = match asker {
        Asker::Holder(place) => match f.holders[place].ip {
            Some(source) => (Start::Holder(place), source),
            None => return Err(stop(Cause::UnknownValue)),
        },
        Asker::Site(site) => {
            if server == platform() {
                // DNS-12: nobody outside Azure reaches it.
                let decider = Some(f.inv.on_premises_sites[site].id.full_name());
                return Err(Stop { cause: Cause::DnsServerUnreachable, decider });
            }
            (Start::Site(site), site_dns_address(f, site))
        }
        Asker::Internet => return public_chain(f, question.name),
    };
    let packet = Packet {
        source,
        destination: server,
        protocol: Protocol::Udp,
        source_port: super::walk::EPHEMERAL,
        port: 53,
    };
    let call = Call::bare();
    let way = carry(f, w, start, packet, &call)
        .and_then(|way| super::back::check(f, w, &way).map(|()| way))
        .map_err(|inner| if in_doubt(&inner) { inner } else { unreachable(inner) })?;
    match (way.arrival, asker) {
        (Arrival::Platform, Asker::Holder(place)) => azure(f, w, f.holders[place].vnet, &question),
        (Arrival::Guest(place), _) => served_by(f, w, place, &question),
        (Arrival::Proxy(place), _) => {
            let AttachmentKind::Firewall(id) = f.holders[place].kind else {
                return Err(stop(Cause::DnsServerUnreachable));
            };
            let servers = proxy_servers(f, id).unwrap_or_default();
            let servers = if servers.is_empty() { vec![platform()] } else { servers };
            in_turn(f, w, Asker::Holder(place), &servers, &question)
        }
        // What a server there forwards has to be said; else nobody knows what it answers.
        (Arrival::Site(site), _) if f.inv.on_premises_sites[site].dns_forwarding.is_empty() => {
            Err(stop(Cause::UnknownName))
        }
        (Arrival::Site(site), _) => at_site(f, w, site, &question),
        (Arrival::Outside, _) => public_chain(f, question.name),
        (Arrival::Vacant(_), _) => Err(stop(Cause::UnknownName)),
        _ => Err(stop(Cause::DnsServerUnreachable)),
    }
}

/// What answers at a server's address: the nearest machine that has it, else the site.
fn behind(f: &Facts, asker: Asker, server: IpAddr) -> Option<String> {
    let home = match asker {
        Asker::Holder(place) => f.holders[place].vnet,
        _ => Id::new(0),
    };
    let near = |vnet| vnet == home || f.joined(home).contains(&vnet);
    let mut found = f.holders.iter().find(|h| h.ip == Some(server) && near(h.vnet));
    found = found.or_else(|| f.holders.iter().find(|h| h.ip == Some(server)));
    if let Some(holder) = found {
        return f.owner(holder).map(|id| id.full_name());
    }
    let sites = f.inv.on_premises_sites.iter();
    let mut sites = sites.filter(|s| s.address_prefixes.iter().any(|p| p.contains(&server)));
    sites.next().map(|s| s.id.full_name())
}

fn in_doubt(stop: &Stop) -> bool {
    stop.cause.disposition() == netwhy::trace::Disposition::InsufficientInfo
}

/// A machine in a virtual network that answers DNS: a resolver's inbound endpoint (DNS-13) or a host with
/// conditional forwarders.
fn served_by(f: &Facts, w: &Worlds, place: usize, question: &Question) -> Result<Named, Stop> {
    let holder = &f.holders[place];
    if matches!(holder.kind, AttachmentKind::Resolver(_)) {
        return azure(f, w, holder.vnet, question);
    }
    let Some(host) = f.host(holder).filter(|h| h.dns_forwarding.given) else {
        return Err(stop(Cause::UnknownName));
    };
    let forwarders = &host.dns_forwarding.items;
    match forwarder(forwarders, question.name) {
        Some(servers) => in_turn(f, w, Asker::Holder(place), servers, question),
        // Nobody said where it sends the rest: it asks Azure, as a fresh server in a network does.
        None => in_turn(f, w, Asker::Holder(place), &[platform()], question),
    }
}

/// The longest suffix wins; `.` is everything.
fn forwarder<'a>(list: &'a [DnsForwarding], name: &str) -> Option<&'a [IpAddr]> {
    let fits = |d: &DnsForwarding| {
        let domain = d.domain.known()?.trim_matches('.').to_ascii_lowercase();
        under(name, &domain).then_some(domain.len())
    };
    let best = list.iter().filter_map(|d| Some((fits(d)?, d))).max_by_key(|(len, _)| *len);
    best.map(|(_, d)| d.servers.items.as_slice())
}

/// On-premises (DNS-12): conditional forwarders of the site, else public resolution.
fn at_site(f: &Facts, w: &Worlds, site: Id<OnPremisesSite>, question: &Question) -> Result<Named, Stop> {
    match forwarder(&f.inv.on_premises_sites[site].dns_forwarding.items, question.name) {
        Some(servers) => in_turn(f, w, Asker::Site(site), servers, question),
        None => public_chain(f, question.name).map(|named| Named { asked: Asked::OnPremises, ..named }),
    }
}

fn site_dns_address(f: &Facts, site: Id<OnPremisesSite>) -> IpAddr {
    let row = &f.inv.on_premises_sites[site];
    let own = row.dns_servers.items.first().copied();
    own.unwrap_or_else(|| super::walk::site_address(f, site))
}

/// DNS-4: Azure's resolver asked from a virtual network, for the name and every CNAME on the way.
fn azure(f: &Facts, w: &Worlds, vnet: Id<VirtualNetwork>, question: &Question) -> Result<Named, Stop> {
    let mut name = question.name.to_owned();
    let mut unlinked = None;
    for _ in 0..12 {
        if let Some((zone, redirects)) = zone_for(f, vnet, &name) {
            match record(f, zone, &name) {
                Some(Record::Address(ip)) => {
                    return Ok(Named { ip, unlinked, asked: Asked::In(vnet), last: name });
                }
                Some(Record::Alias(next)) => {
                    name = next;
                    continue;
                }
                // DNS-7: asked again publicly, for privatelink zones and links that say so.
                None if redirects => return public_chain(f, &name),
                // DNS-6: the zone is authoritative.
                None => {
                    let zone = f.inv.private_dns_zones[zone].id.full_name();
                    return Err(Stop {
                        cause: Cause::DnsZoneShadow,
                        decider: Some(format!("{zone}/{name}")),
                    });
                }
            }
        }
        let onward = Question { name: &name, asked: question.asked.clone() };
        if let Some(answer) = by_ruleset(f, w, vnet, &onward) {
            return answer;
        }
        // D-20: a private endpoint for another sub-resource may make this name an alias too.
        let other = alias_by_another(f, &name).filter(|alias| zone_for(f, vnet, alias).is_some());
        if let Some(alias) = other
            && !f.profile.privatelink_alias_per_sub_resource
        {
            name = alias;
            continue;
        }
        match public_step(f, &name)? {
            Record::Address(ip) => return Ok(Named { ip, unlinked, asked: Asked::In(vnet), last: name }),
            Record::Alias(next) => {
                // An alias of one's own is no zone that is missing.
                if next.contains("privatelink.") {
                    unlinked = Some(next.clone());
                }
                name = next;
            }
        }
    }
    Err(stop(Cause::DnsLoop))
}

/// The `privatelink` name of a name without a private endpoint of its own, where its service has another.
fn alias_by_another(f: &Facts, name: &str) -> Option<String> {
    f.inv.services.rows().find_map(|(id, _)| {
        let end = service_names(f, id).into_iter().find(|end| end.host == name)?;
        let any = has_endpoint(f, id);
        end.private.filter(|_| any && !has_private_endpoint(f, id, end.kind.group))
    })
}

/// DNS-13, DNS-14: a ruleset linked to the network; the longest domain that is enabled. Its question leaves by the
/// outbound endpoint.
fn by_ruleset(
    f: &Facts,
    w: &Worlds,
    vnet: Id<VirtualNetwork>,
    question: &Question,
) -> Option<Result<Named, Stop>> {
    let link = f.inv.ruleset_links.iter().find(|l| f.row(&l.virtual_network) == Some(vnet))?;
    let ruleset: &netwhy::inventory::DnsForwardingRuleset =
        &f.inv.forwarding_rulesets[f.inv.row(&link.id.parent()?)?];
    let fits = |r: &&netwhy::inventory::ForwardingRule| {
        let on = !r.forwarding_rule_state.known().is_some_and(|s| s.eq_ignore_ascii_case("Disabled"));
        let domain = r.domain_name.known()?.trim_matches('.').to_ascii_lowercase();
        (on && under(question.name, &domain)).then_some(domain.len())
    };
    let rule = ruleset.forwarding_rules.iter().filter(|r| fits(r).is_some()).max_by_key(fits)?;
    let servers: Vec<IpAddr> =
        rule.target_dns_servers.iter().filter_map(|t| t.ip_address.known().copied()).collect();
    let subnet = ruleset.outbound_endpoints.iter().find_map(|r| match f.inv.follow_any(&r.text) {
        Some(Slot { table: TableTag::OutboundEndpoint, row }) => {
            f.row(&f.inv.outbound_endpoints[Id::new(row as usize)].subnet)
        }
        _ => None,
    });
    let asker = subnet.and_then(|s| f.outbound_place(s)).map_or(Asker::Internet, Asker::Holder);
    Some(in_turn(f, w, asker, &servers, question))
}

/// What a name has publicly.
pub(crate) fn public_name(f: &Facts, name: &str) -> Result<Named, Stop> {
    public_chain(f, name)
}

enum Record {
    Address(IpAddr),
    Alias(String),
}

/// Public recursion from a name on.
fn public_chain(f: &Facts, name: &str) -> Result<Named, Stop> {
    let mut name = name.to_owned();
    let mut unlinked = None;
    for _ in 0..12 {
        match public_step(f, &name)? {
            Record::Address(ip) => return Ok(Named { ip, unlinked, asked: Asked::Publicly, last: name }),
            Record::Alias(next) => {
                // An alias of one's own is no zone that is missing.
                if next.contains("privatelink.") {
                    unlinked = Some(next.clone());
                }
                name = next;
            }
        }
    }
    Err(stop(Cause::DnsLoop))
}

/// What the public DNS says about one name.
fn public_step(f: &Facts, name: &str) -> Result<Record, Stop> {
    if let Some(record) = in_public_zone(f, name) {
        return Ok(record);
    }
    // A service of the estate: DNS-5 with a private endpoint, DNS-8 without.
    for (id, _) in f.inv.services.rows() {
        for end in service_names(f, id) {
            if end.host == name {
                return match end.private.filter(|_| has_private_endpoint(f, id, end.kind.group)) {
                    Some(private) => Ok(Record::Alias(private)),
                    None => service_address(f, id),
                };
            }
            if end.private.as_deref() == Some(name) {
                return service_address(f, id);
            }
        }
    }
    if super::edge::door_of(f, name).is_some() {
        let tag = f.tags.find("AzureFrontDoor.Frontend");
        let ip = tag.and_then(|t| f.tags.representative(t));
        return Ok(Record::Address(ip.unwrap_or(netwhy::trace::INTERNET_HOST)));
    }
    // Somebody else's.
    for host in f.inv.internet_hosts.iter() {
        for pattern in &host.names {
            if !netwhy::services::name_matches(pattern, name)
                && privatelink_of(pattern).as_deref() != Some(name)
            {
                continue;
            }
            if host.has_private_endpoint.is(true)
                && netwhy::services::name_matches(pattern, name)
                && let Some(private) = privatelink_of(name)
            {
                return Ok(Record::Alias(private));
            }
            let tag = host.service_tag.known().and_then(|t| f.tags.find(t));
            let ip = host.addresses.items.first().copied().or_else(|| f.tags.representative(tag?));
            return Ok(Record::Address(ip.unwrap_or(netwhy::trace::INTERNET_HOST)));
        }
    }
    if let Some(known) = well_known(name) {
        let tag = known.tag.and_then(|t| f.tags.find(t));
        if let Some(ip) = tag.and_then(|t| f.tags.representative(t)) {
            return Ok(Record::Address(ip));
        }
    }
    let told = |zone: &&netwhy::inventory::DnsZone| under(name, &zone.id.name().to_ascii_lowercase());
    if let Some(zone) = f.inv.dns_zones.iter().find(told) {
        return Err(Stop { cause: Cause::DnsNxDomain, decider: Some(zone.id.full_name()) });
    }
    // A name of somebody's own that only a private zone of the estate holds is no public name.
    let own = |zone: &netwhy::inventory::PrivateDnsZone| under(name, &zone.id.name().to_ascii_lowercase());
    if f.inv.private_dns_zones.iter().any(own) {
        return Err(stop(Cause::UnknownName));
    }
    // Any other name is taken for a host of the public internet.
    Ok(Record::Address(netwhy::trace::INTERNET_HOST))
}

/// A record of a public zone of the estate.
fn in_public_zone(f: &Facts, name: &str) -> Option<Record> {
    f.inv.dns_zones.iter().find_map(|zone| {
        let domain = zone.id.name().to_ascii_lowercase();
        let set =
            zone.record_sets.iter().find(|r| format!("{}.{domain}", r.name.to_ascii_lowercase()) == name)?;
        let alias = set.cname.known().map(|c| Record::Alias(c.trim_end_matches('.').to_ascii_lowercase()));
        alias.or_else(|| set.addresses.items.first().map(|ip| Record::Address(*ip)))
    })
}

fn privatelink_of(host: &str) -> Option<String> {
    let (_, end, name) = netwhy::services::service_of_host(host)?;
    let parts = NameParts { name, region: None, guid: "" };
    Some(format!("{}.{}", fill(end.record, &parts)?, fill(end.zone?, &parts)?))
}

/// One endpoint of a service with its names.
pub(crate) struct EndName {
    pub(crate) kind: &'static EndpointKind,
    pub(crate) host: String,
    pub(crate) private: Option<String>,
}

/// The names of a service.
pub(crate) fn service_names(f: &Facts, id: Id<PlatformService>) -> Vec<EndName> {
    let row = &f.inv.services[id];
    let Some(kind) = service_kind(&row.id.kind()) else { return Vec::new() };
    let region = row.location.known().map(|l| normal_region(l));
    let name = row.id.name().to_ascii_lowercase();
    let guid = row.workspace_id.known().map(|g| g.to_string()).unwrap_or_default();
    let parts = NameParts { name: &name, region: region.as_deref(), guid: &guid };
    let full = |e: &EndpointKind| Some(format!("{}.{}", fill(e.record, &parts)?, fill(e.zone?, &parts)?));
    kind.endpoints
        .iter()
        .filter_map(|e| Some(EndName { kind: e, host: fill(e.host, &parts)?, private: full(e) }))
        .collect()
}

/// The address that stands for a service's public endpoint: its tag's, of its region where the tag has one.
fn service_address(f: &Facts, id: Id<PlatformService>) -> Result<Record, Stop> {
    let row = &f.inv.services[id];
    let kind = service_kind(&row.id.kind());
    let tag = kind.and_then(|k| k.tag);
    let region = row.location.known().filter(|_| kind.is_some_and(|k| k.regional));
    let tag = tag.and_then(|t| region.and_then(|r| f.tags.regional(t, r)).or_else(|| f.tags.find(t)));
    match tag.and_then(|t| f.tags.representative(t)) {
        Some(ip) => Ok(Record::Address(ip)),
        None => Err(stop(Cause::UnknownName)),
    }
}

/// The service and sub-resources a private endpoint leads to.
pub(crate) fn endpoint_target(
    f: &Facts,
    id: Id<PrivateEndpoint>,
) -> (Option<Id<PlatformService>>, Vec<Arc<str>>) {
    let row = &f.inv.private_endpoints[id];
    let service = |text: &str| match f.inv.follow_any(text) {
        Some(Slot { table: TableTag::PlatformService, row }) => Some(Id::new(row as usize)),
        _ => None,
    };
    if let Some(target) = row.target.known() {
        return (service(&target.text), row.group_ids.items.clone());
    }
    match row.connections.items.first() {
        Some(c) => {
            let target = c.private_link_service_id.known().and_then(|t| service(&t.text));
            (target, c.group_ids.items.clone())
        }
        None => (None, Vec::new()),
    }
}

/// Whether the files hold a private endpoint of a service, of whatever group.
pub(crate) fn has_endpoint(f: &Facts, service: Id<PlatformService>) -> bool {
    f.inv.private_endpoints.rows().any(|(pe, _)| endpoint_target(f, pe).0 == Some(service))
}

/// DNS-5: a private endpoint of the sub-resource anywhere, whatever its state.
fn has_private_endpoint(f: &Facts, service: Id<PlatformService>, group: &str) -> bool {
    f.inv.private_endpoints.rows().any(|(id, _)| {
        let (target, groups) = endpoint_target(f, id);
        target == Some(service) && groups.iter().any(|g| g.eq_ignore_ascii_case(group))
    })
}

/// Whether a name is a domain or below it; the empty domain is everything.
fn under(name: &str, domain: &str) -> bool {
    domain.is_empty() || name == domain || name.ends_with(&format!(".{domain}"))
}

/// DNS-4 (1): the longest zone linked to the network that covers the name, and whether the link falls back.
fn zone_for(f: &Facts, vnet: Id<VirtualNetwork>, name: &str) -> Option<(Id<PrivateDnsZone>, bool)> {
    let mut best: Option<(usize, Id<PrivateDnsZone>, bool)> = None;
    for link in f.inv.zone_links.iter() {
        if f.row(&link.virtual_network) != Some(vnet) {
            continue;
        }
        let zone = match link.private_dns_zone.known() {
            Some(reference) => f.inv.follow(reference).row(),
            None => link.id.parent().and_then(|id| f.inv.row(&id)),
        };
        let Some(zone) = zone else { continue };
        let domain = zone_name(f, zone);
        let redirects = link.resolution_policy.is(ResolutionPolicy::NxDomainRedirect)
            && domain.starts_with("privatelink.");
        if under(name, &domain) && best.is_none_or(|(len, ..)| domain.len() > len) {
            best = Some((domain.len(), zone, redirects));
        }
    }
    best.map(|(_, zone, redirects)| (zone, redirects))
}

pub(crate) fn zone_name(f: &Facts, zone: Id<PrivateDnsZone>) -> String {
    f.inv.private_dns_zones[zone].id.name().to_ascii_lowercase()
}

/// A record of a private zone: written by hand, by a zone group, or by a machine that registered.
fn record(f: &Facts, zone: Id<PrivateDnsZone>, name: &str) -> Option<Record> {
    let domain = zone_name(f, zone);
    let mut candidates = vec![name.to_owned()];
    let mut rest = name;
    while let Some((_, parent)) = rest.split_once('.') {
        candidates.push(format!("*.{parent}"));
        rest = parent;
    }
    candidates.into_iter().find_map(|n| exact_record(f, zone, &domain, &n))
}

fn exact_record(f: &Facts, zone: Id<PrivateDnsZone>, domain: &str, name: &str) -> Option<Record> {
    for set in &f.inv.private_dns_zones[zone].record_sets {
        let full = match set.name.to_ascii_lowercase().as_str() {
            "@" | "" => domain.to_owned(),
            label => format!("{label}.{domain}"),
        };
        let kind = set.record_type.known().copied();
        if full != name || !matches!(kind, None | Some(RecordType::A | RecordType::Cname)) {
            continue;
        }
        if let Some(ip) = set.addresses.items.first() {
            return Some(Record::Address(*ip));
        }
        if let Some(target) = set.cname.known() {
            return Some(Record::Alias(target.trim_end_matches('.').to_ascii_lowercase()));
        }
    }
    group_record(f, zone, domain, name).or_else(|| registered(f, zone, domain, name)).map(Record::Address)
}

/// DNS-5, PE-8: what zone groups write.
fn group_record(f: &Facts, zone: Id<PrivateDnsZone>, domain: &str, name: &str) -> Option<IpAddr> {
    for group in f.inv.zone_groups.iter() {
        let endpoint = match group.private_endpoint.known() {
            Some(reference) => f.inv.follow(reference).row(),
            None => group.id.parent().and_then(|id| f.inv.row(&id)),
        };
        let Some(endpoint) = endpoint else { continue };
        let written = group.configs.iter().filter_map(|c| c.private_dns_zone_id.known());
        let mut zones = written.chain(group.private_dns_zones.iter()).filter_map(|r| f.inv.follow(r).row());
        if !zones.any(|z| z == zone) {
            continue;
        }
        let (Some(service), groups) = endpoint_target(f, endpoint) else { continue };
        for end in service_names(f, service) {
            let served = groups.iter().any(|g| g.eq_ignore_ascii_case(end.kind.group));
            let inside = end.kind.zone.is_some_and(|z| domain == z || z.contains('{'));
            if served && inside && end.private.as_deref() == Some(name) {
                return member_address(f, endpoint, end.kind.member);
            }
        }
    }
    None
}

/// The address of a private endpoint that serves a member.
pub(crate) fn member_address(f: &Facts, endpoint: Id<PrivateEndpoint>, member: u8) -> Option<IpAddr> {
    let kind = AttachmentKind::PrivateEndpoint(endpoint, member);
    f.holders.iter().find(|h| h.kind == kind).and_then(|h| h.ip)
}

/// Machines of networks linked with registration.
fn registered(f: &Facts, zone: Id<PrivateDnsZone>, domain: &str, name: &str) -> Option<IpAddr> {
    for link in f.inv.zone_links.iter().filter(|l| l.registration_enabled.is(true)) {
        let of = match link.private_dns_zone.known() {
            Some(reference) => f.inv.follow(reference).row(),
            None => link.id.parent().and_then(|id| f.inv.row(&id)),
        };
        let Some(vnet) = f.row(&link.virtual_network).filter(|_| of == Some(zone)) else { continue };
        for holder in f.holders.iter().filter(|h| h.vnet == vnet) {
            if f.machine_name(holder).is_some_and(|n| format!("{n}.{domain}") == name) {
                return holder.ip;
            }
        }
    }
    None
}

/// The kind of a service.
pub(crate) fn kind_of(f: &Facts, id: Id<PlatformService>) -> Option<&'static ServiceKind> {
    service_kind(&f.inv.services[id].id.kind())
}
