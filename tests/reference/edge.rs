//! Application gateways and Front Door: what opens a flow of its own to a backend (AGW, AFD).

use super::facts::{Bound, Facts, Holder};
use super::filters::{Packet, group_denies, subnet_denies};
use super::names::{Asker, Named, resolve_in, service_names};
use super::walk::{EPHEMERAL, fits};
use super::worlds::{Stop, Worlds};
use netwhy::inventory::{
    ApplicationGateway, ConnectionStatus, Direction, FrontDoorEndpoint, FrontDoorOrigin, Id, NextHopType,
    PlatformService, Slot, TableTag,
};
use netwhy::net::{IpAddr, Protocol};
use netwhy::trace::Cause;

fn stop<T>(cause: Cause, decider: Option<String>) -> Result<T, Stop> {
    Err(Stop { cause, decider })
}

/// Where a gateway sends a request, and what breaks it before.
pub(crate) fn through_gateway(
    f: &Facts,
    w: &Worlds,
    id: Id<ApplicationGateway>,
    place: usize,
    packet: &Packet,
    host: Option<&str>,
) -> Result<(Packet, Option<(String, Named)>), Stop> {
    let holder = &f.holders[place];
    let row = &f.inv.application_gateways[id];
    let name = row.id.full_name();
    subnet_denies(f, w, holder, packet)?;
    sound(f, w, row, holder)?;
    let asked = |r: &netwhy::inventory::FrontendIpConfiguration| {
        let public = f.row(&r.public_ip_address).and_then(|p| f.public_ip(p)) == Some(packet.destination);
        public || (!r.subnet.is_absent() && holder.ip == Some(packet.destination))
    };
    let listener = row.http_listeners.iter().find(|l| {
        let port = l.frontend_port.known();
        let port = port.and_then(|p| row.frontend_ports.iter().find(|x| fits(&x.id(), &x.name, p)));
        let front = l.frontend_ip_configuration.known();
        let front =
            front.and_then(|p| row.frontend_ip_configurations.iter().find(|x| fits(&x.id(), &x.name, p)));
        let named = l.host_names.is_empty()
            || l.host_names.iter().any(|n| host.is_some_and(|h| netwhy::services::name_matches(n, h)));
        let own = port.is_some_and(|p| p.port.is(i64::from(packet.port)));
        packet.protocol == Protocol::Tcp && own && named && front.is_some_and(asked)
    });
    let Some(listener) = listener else { return stop(Cause::FrontendPortClosed, Some(name)) };
    let rule = row
        .request_routing_rules
        .iter()
        .find(|r| r.http_listener.known().is_some_and(|l| fits(&listener.id(), &listener.name, l)));
    let pool = rule.and_then(|r| r.backend_address_pool.known());
    let pool = pool.and_then(|p| row.backend_address_pools.iter().find(|x| fits(&x.id(), &x.name, p)));
    let member = pool.and_then(|p| p.addresses.items.first());
    let fqdn = member.and_then(|a| a.fqdn.known()).map(|n| n.to_ascii_lowercase());
    // AGW-4: a name is asked for as the gateway's network sees it.
    let named = match fqdn {
        Some(fqdn) => Some((fqdn.clone(), resolve_in(f, w, Asker::Holder(place), &fqdn)?)),
        None => None,
    };
    let address = member.and_then(|a| a.ip_address.known().copied()).or(named.as_ref().map(|(_, n)| n.ip));
    let Some(destination) = address else {
        let named = rule.map_or(name.clone(), |r| format!("{name}/{}", r.name));
        return stop(Cause::NoBackend, Some(named));
    };
    let settings = rule.and_then(|r| r.backend_http_settings.known());
    let settings = settings
        .and_then(|p| row.backend_http_settings_collection.iter().find(|x| fits(&x.id(), &x.name, p)));
    let port = settings.and_then(|s| s.port.known()).and_then(|p| u16::try_from(*p).ok());
    let source = holder.ip.unwrap_or(packet.source);
    Ok((Packet { source, destination, port: port.unwrap_or(packet.port), ..*packet }, named))
}

/// NSG-25, RT-36: what a gateway needs of its own subnet, more without network isolation.
fn sound(f: &Facts, w: &Worlds, row: &ApplicationGateway, holder: &Holder) -> Result<(), Stop> {
    let isolated = row.enable_network_isolation.is(true);
    if let (Some(own), Bound::To(_)) =
        (holder.ip, f.bound(&f.inv.subnets[holder.subnet].network_security_group))
    {
        let packet = |source, destination, port| Packet {
            source,
            destination,
            protocol: Protocol::Tcp,
            source_port: EPHEMERAL,
            port,
        };
        let mut needs = vec![(Direction::Inbound, packet(super::facts::platform(), own, 80))];
        let manager = f.tags.find("GatewayManager").and_then(|t| f.tags.representative(t));
        if !isolated {
            needs.extend(manager.map(|source| (Direction::Inbound, packet(source, own, 65200))));
            needs.push((Direction::Outbound, packet(own, netwhy::trace::INTERNET_HOST, 443)));
        }
        for (direction, packet) in needs {
            if let Err(denied) = group_denies(f, w, holder, direction, &packet) {
                return stop(Cause::GatewaySubnetRules, denied.decider);
            }
        }
    }
    if isolated {
        return Ok(());
    }
    let Bound::To(table) = f.bound(&f.inv.subnets[holder.subnet].route_table) else { return Ok(()) };
    let table = &f.inv.route_tables[table];
    let away = table.routes.iter().find(|r| {
        let default = r.address_prefix.known().is_some_and(|w| *w.text == *"0.0.0.0/0");
        let kind = r.next_hop_type.known();
        default
            && !kind.is_some_and(|k| {
                matches!(k, NextHopType::Internet | NextHopType::None | NextHopType::VnetLocal)
            })
    });
    match away {
        Some(route) => {
            stop(Cause::GatewaySubnetRules, Some(format!("{}/{}", table.id.full_name(), route.name)))
        }
        None => Ok(()),
    }
}

/// The Front Door endpoint of a name.
pub(crate) fn door_of(f: &Facts, name: &str) -> Option<Id<FrontDoorEndpoint>> {
    let named = |d: &&FrontDoorEndpoint| d.host_name.known().is_some_and(|h| h.eq_ignore_ascii_case(name));
    f.inv.front_door_endpoints.iter().position(|d| named(&d)).map(Id::new)
}

/// Where a door leads.
pub(crate) enum Origin {
    /// Over a private link that the origin has approved.
    Private,
    /// To a public name.
    Public { host: String, port: u16, service: Option<(Id<PlatformService>, usize)> },
}

/// AFD-1: the route of an endpoint, its group, the origin.
pub(crate) fn origin(f: &Facts, door: Id<FrontDoorEndpoint>, asked: u16) -> Result<Origin, Stop> {
    let own = &f.inv.front_door_endpoints[door].id;
    let on = |state: &netwhy::inventory::Field<std::sync::Arc<str>>| {
        !state.known().is_some_and(|s| s.eq_ignore_ascii_case("Disabled"))
    };
    let scheme = if asked == 80 { "Http" } else { "Https" };
    let route = f.inv.front_door_routes.iter().find(|r| {
        let fits = r.supported_protocols.is_empty() || r.supported_protocols.iter().any(|p| **p == *scheme);
        let root = r.patterns_to_match.is_empty() || r.patterns_to_match.iter().any(|p| **p == *"/*");
        r.id.parent().as_ref() == Some(own) && on(&r.enabled_state) && fits && root
    });
    let Some(route) = route else { return stop(Cause::FrontDoorHostUnknown, Some(own.full_name())) };
    let group = f.row(&route.origin_group).map(|g| f.inv.origin_groups[g].id.clone());
    let origin =
        f.inv.origins.iter().find(|o| group.is_some() && o.id.parent() == group && on(&o.enabled_state));
    let Some(origin) = origin else {
        return stop(Cause::FrontDoorOriginDown, Some(route.id.full_name()));
    };
    if !origin.private_link.is_absent() {
        // AFD-3: the connection has to be approved at the origin.
        return match origin.private_link_status.or(ConnectionStatus::Approved) {
            Ok(ConnectionStatus::Approved) => private(f, origin),
            _ => stop(Cause::PeNotApproved, Some(origin.id.full_name())),
        };
    }
    let host = origin.host_name.known().map(|h| h.to_ascii_lowercase()).unwrap_or_default();
    let plain = match route.forwarding_protocol.known().map(|p| &**p) {
        Some("HttpOnly") => true,
        Some("HttpsOnly") => false,
        _ => asked == 80,
    };
    let (port, usual) = if plain { (&origin.http_port, 80) } else { (&origin.https_port, 443) };
    let port = port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(usual);
    let service = f.inv.services.rows().find_map(|(id, _)| {
        let end = service_names(f, id).iter().position(|e| e.host == host)?;
        Some((id, end))
    });
    Ok(Origin::Public { host, port, service })
}

/// AFD-3, PE-3: what a private origin can be, and that it serves its own name alone.
fn private(f: &Facts, origin: &FrontDoorOrigin) -> Result<Origin, Stop> {
    let target = origin.private_link.known().and_then(|r| f.inv.follow_any(&r.text));
    let Some(Slot { table: TableTag::PlatformService, row }) = target else { return Ok(Origin::Private) };
    let service: Id<PlatformService> = Id::new(row as usize);
    let taken = ["Microsoft.Storage/storageAccounts", "Microsoft.Web/sites"];
    if !taken.iter().any(|kind| f.inv.services[service].id.is_kind(kind)) {
        return stop(Cause::UnsupportedResource, None);
    }
    let host = origin.host_name.known().map(|h| h.to_ascii_lowercase()).unwrap_or_default();
    let asked = super::tracer::service_of(f, &host);
    let group = origin.private_link_group.known().map(|g| g.to_ascii_lowercase());
    let serves = asked.is_none_or(|(other, end)| {
        let own = service_names(f, other).into_iter().nth(end).map(|e| e.kind.group.to_ascii_lowercase());
        other == service && (group.is_none() || own == group)
    });
    match serves {
        true => Ok(Origin::Private),
        false => stop(Cause::PeWrongResource, Some(origin.id.full_name())),
    }
}

/// The address that stands for Front Door towards origins.
pub(crate) fn backend(f: &Facts) -> Option<IpAddr> {
    f.tags.find("AzureFrontDoor.Backend").and_then(|t| f.tags.representative(t))
}
