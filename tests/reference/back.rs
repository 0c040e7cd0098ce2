//! The way back (PKT-6, ASYM-1 to ASYM-6): routed by the receiver's own subnet, through the same devices.

use super::facts::{Facts, Holder, is_public};
use super::filters::{Packet, admin_reply};
use super::routes::{Hop, choose};
use super::walk::{Arrival, Device, Start, Way};
use super::worlds::{Stop, Why, Worlds};
use netwhy::inventory::{Direction, Id, VirtualNetwork, VirtualNetworkGateway};
use netwhy::network::AttachmentKind;
use netwhy::trace::Cause;

fn asymmetric(decider: Option<String>) -> Stop {
    Stop { cause: Cause::AsymmetricReturn, decider }
}

/// Follows the answer to where the flow started.
pub(crate) fn check(f: &Facts, w: &Worlds, way: &Way) -> Result<(), Stop> {
    let mut devices = way.devices.clone();
    let mut packet = way.last.reversed();
    let mut at = match way.arrival {
        Arrival::Platform => return Ok(()),
        Arrival::Proxy(place) => f.holders[place],
        Arrival::Outside if way.by_site.is_some() => {
            return from_beyond(f, w, way, devices, way.at_site.reversed());
        }
        Arrival::Outside | Arrival::ServiceEndpoint(_) | Arrival::Endpoint(_) => {
            // ASYM-4: the answer of a private endpoint goes straight to the address it saw. The public
            // address, or the service endpoint, leads straight back to whoever sent it out.
            let direct = |d: &&Device| d.before.source == d.after.source;
            if let Arrival::Endpoint(place) = way.arrival {
                let vnet = f.holders[place].vnet;
                let known = super::routes::gateway_prefixes(f, vnet);
                let near = f.in_vnet(vnet, packet.destination)
                    || f.peers(vnet).iter().any(|(peer, _)| f.in_vnet(*peer, packet.destination))
                    || known.iter().any(|(p, _)| p.contains(&packet.destination));
                if !near {
                    return Err(Stop { cause: Cause::ReturnNoRoute, decider: None });
                }
                if let Some(missed) = devices.last().filter(direct) {
                    // Unreliable: with luck it comes back through the device.
                    return match w.pick(Why::Spread, 2) {
                        0 => Ok(()),
                        _ => Err(asymmetric(name(f, missed.place))),
                    };
                }
            }
            // SE-3: the service answers the private address it saw, whoever forwarded it.
            let service = matches!(way.arrival, Arrival::ServiceEndpoint(_));
            if let Some(missed) = devices.last().filter(|d| service && direct(d)) {
                return Err(asymmetric(name(f, missed.place)));
            }
            match devices.last() {
                None => return Ok(()),
                Some(last) => f.holders[last.place],
            }
        }
        Arrival::Site(_) => return from_beyond(f, w, way, devices, packet),
        Arrival::Vacant(holder) => holder,
        Arrival::Guest(place) => {
            let holder = &f.holders[place];
            admin_reply(f, w, holder, Direction::Outbound, &packet)?;
            *holder
        }
    };
    // From outside, the last device gets its own answer; it undoes its translation.
    if matches!(way.arrival, Arrival::Outside | Arrival::ServiceEndpoint(_) | Arrival::Endpoint(_))
        && let Some(last) = devices.pop()
    {
        packet = last.before.reversed();
    }
    for _ in 0..32 {
        match step(f, w, way, &at, &mut devices, &mut packet)? {
            None => return Ok(()),
            Some(next) => at = f.holders[next],
        }
    }
    Err(Stop { cause: Cause::RoutingLoop, decider: None })
}

/// One hop of the answer. `None` when it is home.
fn step(
    f: &Facts,
    w: &Worlds,
    way: &Way,
    holder: &Holder,
    devices: &mut Vec<Device>,
    packet: &mut Packet,
) -> Result<Option<usize>, Stop> {
    let route = choose(f, w, holder.subnet, packet.destination)
        .map_err(|s| if s.cause == Cause::NoRoute { Stop { cause: Cause::ReturnNoRoute, ..s } } else { s })?;
    let lost = Stop { cause: Cause::ReturnNoRoute, decider: route.decider.clone() };
    match route.hop {
        Hop::Drop if route.user => Err(lost),
        Hop::Drop => Err(Stop { decider: super::walk::broken_peering(f, holder, *packet), ..lost }),
        Hop::Local => {
            home(f, w, way, holder.vnet, devices, packet).unwrap_or_else(|| Err(nobody(f, holder.vnet)))
        }
        Hop::Peer(vnet) => home(f, w, way, vnet, devices, packet).unwrap_or_else(|| Err(nobody(f, vnet))),
        Hop::Endpoint(_) => Err(lost),
        Hop::Appliance(next) => {
            let mut near = vec![holder.vnet];
            near.extend(f.peers(holder.vnet).into_iter().map(|(peer, _)| peer));
            let Some(there) = near.iter().find_map(|v| f.holder_at(*v, next)) else {
                // An appliance that is in none of the files may well know the session.
                return match near.iter().any(|v| f.vacant(*v, next).is_some()) {
                    true => Err(Stop { cause: Cause::DanglingReference, decider: None }),
                    false => Err(lost),
                };
            };
            if f.holders[there].ip == Some(packet.destination) {
                let vnet = f.holders[there].vnet;
                return home(f, w, way, vnet, devices, packet).unwrap_or(Err(lost));
            }
            through(f, there, devices, packet)
        }
        Hop::Internet | Hop::ServiceEndpoint(_) => {
            // Back out of the public address it came in by.
            let gateway = matches!(holder.kind, AttachmentKind::Gateway(_));
            let outside = !gateway && way.entered && devices.is_empty() && is_public(packet.destination);
            match outside {
                true => Ok(None),
                false => Err(Stop { decider: None, ..lost }),
            }
        }
        Hop::Gateway(gateways) => {
            let gateways = super::walk::usable_gateways(f, holder, gateways);
            let at = |g: &Id<VirtualNetworkGateway>| {
                f.holders.iter().position(|h| h.kind == AttachmentKind::Gateway(*g))
            };
            let Some(place) = gateways.iter().find_map(at) else { return Err(lost) };
            // At the gateway, the routes of its own subnet decide (RT-1, GW-4).
            if !matches!(holder.kind, AttachmentKind::Gateway(_)) {
                return Ok(Some(place));
            }
            match (way.start, devices.is_empty()) {
                (Start::Site(_), true) if !way.entered => Ok(None),
                // RT-32: in from the internet, and the answer goes to the gateway.
                _ => Err(asymmetric(devices.last().and_then(|d| name(f, d.place)))),
            }
        }
    }
}

fn nobody(f: &Facts, vnet: Id<VirtualNetwork>) -> Stop {
    Stop { cause: Cause::ReturnNoRoute, decider: Some(f.inv.virtual_networks[vnet].id.full_name()) }
}

fn name(f: &Facts, place: usize) -> Option<String> {
    f.owner(&f.holders[place]).map(|id| id.full_name())
}

/// The answer meets an appliance: it must be the last one the request passed.
fn through(
    f: &Facts,
    there: usize,
    devices: &mut Vec<Device>,
    packet: &mut Packet,
) -> Result<Option<usize>, Stop> {
    // Behind a load balancer, the answer may meet the frontend of the appliances.
    let same = |d: &Device| d.place == there || behind_frontend(f, there, d.place);
    match devices.pop() {
        Some(last) if same(&last) => {
            *packet = last.before.reversed();
            Ok(Some(last.place))
        }
        _ => Err(asymmetric(name(f, there))),
    }
}

fn behind_frontend(f: &Facts, front: usize, place: usize) -> bool {
    let AttachmentKind::Frontend(balancer, _) = f.holders[front].kind else { return false };
    let AttachmentKind::Interface(nic) = f.holders[place].kind else { return false };
    let balancer = &f.inv.load_balancers[balancer];
    f.inv.network_interfaces[nic].ip_configurations.iter().any(|c| {
        c.load_balancer_backend_address_pools.iter().any(|r| {
            balancer.backend_address_pools.iter().any(|p| {
                r.text.eq_ignore_ascii_case(&p.id.full_name()) || r.text.eq_ignore_ascii_case(p.id.as_str())
            })
        })
    })
}

/// The answer reaches the network of its destination: the sender, or a device that put its own address.
fn home(
    f: &Facts,
    w: &Worlds,
    way: &Way,
    vnet: Id<VirtualNetwork>,
    devices: &mut Vec<Device>,
    packet: &mut Packet,
) -> Option<Result<Option<usize>, Stop>> {
    let there = f.holder_at(vnet, packet.destination)?;
    if way.start == Start::Holder(there) && f.holders[there].ip == Some(way.first.source) && !way.entered {
        if let Some(missed) = devices.last() {
            return Some(Err(asymmetric(name(f, missed.place))));
        }
        let arrived = admin_reply(f, w, &f.holders[there], Direction::Inbound, packet);
        return Some(arrived.map(|()| None));
    }
    // A device that translated gets the answer by its address.
    let last = devices.pop()?;
    if last.place != there {
        return Some(Err(asymmetric(name(f, last.place))));
    }
    *packet = last.before.reversed();
    Some(Ok(Some(last.place)))
}

/// The answer of an on-premises host enters by a gateway.
fn from_beyond(
    f: &Facts,
    w: &Worlds,
    way: &Way,
    mut devices: Vec<Device>,
    mut packet: Packet,
) -> Result<(), Stop> {
    let Some(site) = way.by_site else { return Ok(()) };
    if matches!(way.start, Start::Site(_)) {
        return Ok(());
    }
    let gateways = super::routes::sites_gateways(f, site);
    let at = gateways.iter().find_map(|g| {
        let knows =
            f.holders.iter().any(|h| h.ip == Some(packet.destination) && f.gateways_of(h.vnet).contains(g));
        f.holders.iter().position(|h| knows && h.kind == AttachmentKind::Gateway(*g))
    });
    let Some(mut place) = at else {
        let decider = Some(f.inv.on_premises_sites[site].id.full_name());
        return Err(Stop { cause: Cause::ReturnNoRoute, decider });
    };
    for _ in 0..32 {
        match step(f, w, way, &f.holders[place], &mut devices, &mut packet)? {
            None => return Ok(()),
            Some(next) => place = next,
        }
    }
    Err(Stop { cause: Cause::RoutingLoop, decider: None })
}
