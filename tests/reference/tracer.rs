//! The reference tracer: a question, answered in every possible world.

use super::facts::Facts;
use super::filters::Packet;
use super::names::{Asker, resolve_in, service_names};
use super::service::{admit, authorize, connected};
use super::walk::{Arrival, Call, EPHEMERAL, Start, carry, internet_address, site_address};
use super::worlds::{Answer, Stop, Worlds, explore};
use netwhy::inventory::{Id, Slot, TableTag};
use netwhy::net::IpAddr;
use netwhy::network::Network;
use netwhy::trace::{Cause, Endpoint, Flow};

/// The answer to a question; `None` where there are too many worlds to try.
pub(crate) fn answer(network: &Network, flow: &Flow) -> Option<Answer> {
    let facts = Facts::new(network);
    explore(&|w| trace(&facts, w, flow))
}

/// One world. RBAC-5: name, network, the service's firewall, authorization.
fn trace(f: &Facts, w: &Worlds, flow: &Flow) -> Result<(), Stop> {
    let unknown = |cause| Stop { cause, decider: None };
    if let Some(from) = super::outside::outsider(f, &flow.from) {
        return super::outside::trace(f, w, from, flow);
    }
    let (start, asker, source) = sender(f, &flow.from).ok_or(unknown(Cause::UnknownName))?;
    let target = receiver(f, &flow.to, start)?;
    let mut call = Call::bare();
    let mut found = None;
    let destination = match target {
        Target::Holder(ip) => {
            call.inside = true;
            ip
        }
        Target::Address(ip) => ip,
        Target::Name(name) => {
            let named = resolve_in(f, w, asker, &name)?;
            call = Call::about(f, name, &named);
            let ip = named.ip;
            found = Some(named);
            ip
        }
    };
    let packet = Packet {
        source,
        destination,
        protocol: flow.protocol,
        source_port: flow.source_port.unwrap_or(EPHEMERAL),
        port: flow.port,
    };
    let way = carry(f, w, start, packet, &call)?;
    if let Some((later, resolved)) = way.proxied.clone() {
        (call, found) = (later, resolved);
    }
    // At a private endpoint without a name, the service behind it is meant.
    if let (Arrival::Endpoint(place), None) = (way.arrival, call.service) {
        call.service = behind(f, place);
    }
    if let (Arrival::Outside, Some(name), None) = (way.arrival, &call.asked, call.door) {
        listening(f, name, &way.last)?;
    }
    // Without an answer there is no handshake, and nobody to refuse.
    connected(f, &way)?;
    super::back::check(f, w, &way)?;
    admit(f, w, &way, &call, found.as_ref())?;
    let reached =
        matches!(way.arrival, Arrival::Endpoint(_) | Arrival::Outside | Arrival::ServiceEndpoint(_));
    match &flow.identity {
        Some(who) if reached => {
            call.service = call.service.or(way.origin);
            authorize(f, who, flow.action.as_deref(), &call)
        }
        _ => Ok(()),
    }
}

/// What somebody said about a public host.
fn listening(f: &Facts, name: &str, packet: &Packet) -> Result<(), Stop> {
    let fits = |h: &&netwhy::inventory::InternetHost| {
        h.names.iter().any(|n| netwhy::services::name_matches(n, name))
    };
    let Some(host) = f.inv.internet_hosts.iter().find(fits) else { return Ok(()) };
    let open = !host.listens.given || host.listens.iter().any(|r| r.contains(packet.port));
    match open || !packet.protocol.has_ports() {
        true => Ok(()),
        false => Err(Stop { cause: Cause::NothingListens, decider: Some(host.id.full_name()) }),
    }
}

/// The service behind a private endpoint.
fn behind(f: &Facts, place: usize) -> Option<(Id<netwhy::inventory::PlatformService>, usize)> {
    let netwhy::network::AttachmentKind::PrivateEndpoint(id, _) = f.holders[place].kind else { return None };
    let (target, groups) = super::names::endpoint_target(f, id);
    let names = service_names(f, target?);
    let end = names.iter().position(|e| groups.iter().any(|g| g.eq_ignore_ascii_case(e.kind.group)))?;
    Some((target?, end))
}

fn sender(f: &Facts, from: &Endpoint) -> Option<(Start, Asker, IpAddr)> {
    match from {
        Endpoint::Internet => Some((Start::Internet, Asker::Internet, internet_address())),
        Endpoint::Named(name) => {
            if let Some(Slot { table: TableTag::OnPremisesSite, row }) = f.inv.follow_any(name) {
                let site = Id::new(row as usize);
                return Some((Start::Site(site), Asker::Site(site), site_address(f, site)));
            }
            let place = f.holder_named(name)?;
            Some((Start::Holder(place), Asker::Holder(place), f.holders[place].ip?))
        }
        Endpoint::Address(ip) => {
            let place = f.holders.iter().position(|h| h.ip == Some(*ip))?;
            Some((Start::Holder(place), Asker::Holder(place), *ip))
        }
        Endpoint::Fqdn(_) => None,
    }
}

enum Target {
    /// What stands in a virtual network.
    Holder(IpAddr),
    Address(IpAddr),
    Name(String),
}

fn receiver(f: &Facts, to: &Endpoint, start: Start) -> Result<Target, Stop> {
    let unknown = Stop { cause: Cause::UnknownName, decider: None };
    match to {
        Endpoint::Address(ip) => Ok(Target::Address(*ip)),
        Endpoint::Internet => Ok(Target::Address(netwhy::trace::INTERNET_HOST)),
        Endpoint::Fqdn(name) => Ok(Target::Name(name.trim_end_matches('.').to_ascii_lowercase())),
        Endpoint::Named(name) => {
            if let Some(Slot { table: TableTag::PlatformService, row }) = f.inv.follow_any(name) {
                let first = service_names(f, Id::new(row as usize)).into_iter().next();
                return first.map(|e| Target::Name(e.host)).ok_or(unknown);
            }
            if let Some(Slot { table: TableTag::OnPremisesSite, row }) = f.inv.follow_any(name) {
                return Ok(Target::Address(site_address(f, Id::new(row as usize))));
            }
            let place = f.holder_named(name).ok_or(unknown.clone())?;
            let holder = &f.holders[place];
            // From the internet, a machine is known by its public address.
            if start == Start::Internet {
                return match f.own_public(holder) {
                    super::facts::Bound::To(row) => f.public_ip(row).map(Target::Address).ok_or(unknown),
                    _ => Err(Stop { cause: Cause::PrivateOnlyTarget, decider: None }),
                };
            }
            holder.ip.map(Target::Holder).ok_or(unknown)
        }
    }
}

/// The service and endpoint that a name means: its public name, or its `privatelink` name.
pub(crate) fn service_of(f: &Facts, name: &str) -> Option<(Id<netwhy::inventory::PlatformService>, usize)> {
    f.inv.services.rows().find_map(|(id, _)| {
        let names = service_names(f, id);
        let end = names.iter().position(|e| e.host == name || e.private.as_deref() == Some(name))?;
        Some((id, end))
    })
}
