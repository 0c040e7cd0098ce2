//! The way back (PKT-6, ASYM-1 to ASYM-6): routed by the receiver's own subnet, through the same devices.

use super::facts::{Facts, Holder, is_public};
use super::filters::{Packet, admin_reply};
use super::routes::{Hop, behind, choose, choose_by};
use super::walk::{
    Arrival, Mark, Record, Start, Way, broken_peering, gateway_from, sound_gateway, usable_gateways,
};
use super::wan;
use super::worlds::{Stop, Why, Worlds};
use netwhy::inventory::{Direction, Id, OnPremisesSite, VirtualHub, VirtualNetwork, VirtualNetworkGateway};
use netwhy::network::AttachmentKind;
use netwhy::trace::Cause;

/// An answer may visit this many places.
const PLACES: usize = 32;

/// Where the answer is.
#[derive(Clone, Copy)]
enum At {
    /// It leaves the subnet of a holder.
    Leaving(Holder),
    /// It reaches a holder.
    Reaching(usize),
    /// In public space.
    Public,
    /// In the network of a site.
    Site(Id<OnPremisesSite>),
    /// At a Virtual WAN hub, whose firewall may have seen it.
    Hub(Id<VirtualHub>, bool),
    /// With whoever asked.
    Home,
}

struct Back<'a, 'b> {
    f: &'b Facts<'a>,
    w: &'b Worlds,
    way: &'b Way,
    records: Vec<Record>,
    packet: Packet,
}

fn asymmetric(decider: Option<String>) -> Stop {
    Stop { cause: Cause::AsymmetricReturn, decider }
}

fn lost(decider: Option<String>) -> Stop {
    Stop { cause: Cause::ReturnNoRoute, decider }
}

/// Follows the answer to where the flow started.
pub(crate) fn check(f: &Facts, w: &Worlds, way: &Way) -> Result<(), Stop> {
    if matches!(way.arrival, Arrival::Platform | Arrival::Edge) {
        return Ok(());
    }
    let mut back = Back { f, w, way, records: way.records.clone(), packet: way.last.reversed() };
    let mut at = back.first()?;
    for _ in 0..PLACES {
        at = match at {
            At::Leaving(holder) => back.leave(&holder)?,
            At::Reaching(place) => back.reach(place)?,
            At::Public => back.public()?,
            At::Site(site) => back.at_site(site)?,
            At::Hub(hub, inspected) => back.at_hub(hub, inspected)?,
            At::Home => return back.home(),
        };
    }
    Err(lost(None))
}

impl Back<'_, '_> {
    fn name(&self, place: usize) -> Option<String> {
        self.f.owner(&self.f.holders[place]).map(|id| id.full_name())
    }

    fn first(&mut self) -> Result<At, Stop> {
        let f = self.f;
        Ok(match self.way.arrival {
            Arrival::Platform | Arrival::Edge => At::Home,
            Arrival::Proxy(place) => At::Leaving(f.holders[place]),
            Arrival::Vacant(holder) => At::Leaving(holder),
            Arrival::Guest(place) => {
                let holder = f.holders[place];
                admin_reply(f, self.w, &holder, Direction::Outbound, &self.packet)?;
                self.undo(|mark| mark == Mark::Front(place));
                At::Leaving(holder)
            }
            Arrival::Outside => At::Public,
            Arrival::Beyond(gateway) => At::Reaching(gateway),
            Arrival::Site(site) => At::Site(site),
            Arrival::Endpoint(place) => self.from_endpoint(place)?,
            // SE-3: the service answers the private address it saw, whoever forwarded it.
            Arrival::ServiceEndpoint(subnet) => {
                let vnet = f.vnet_of(subnet);
                let seen = vnet.and_then(|v| f.holder_at(v, self.packet.destination));
                seen.map_or(At::Home, At::Reaching)
            }
        })
    }

    /// ASYM-4: a private endpoint answers straight to the address it saw, whatever route tables say.
    fn from_endpoint(&mut self, place: usize) -> Result<At, Stop> {
        let (f, to) = (self.f, self.packet.destination);
        let vnet = f.holders[place].vnet;
        let peers = f.peers(vnet);
        let mut near = std::iter::once(vnet).chain(peers.iter().map(|(peer, _)| *peer));
        if let Some(at) = near.find(|v| f.in_vnet(*v, to)) {
            return self.land(at);
        }
        self.leave_by(&f.holders[place], false)
    }

    fn place_of(&self, gateway: Id<VirtualNetworkGateway>) -> Option<usize> {
        self.f.holders.iter().position(|h| h.kind == AttachmentKind::Gateway(gateway))
    }

    /// One subnet's routes.
    fn leave(&mut self, holder: &Holder) -> Result<At, Stop> {
        self.leave_by(holder, true)
    }

    fn leave_by(&mut self, holder: &Holder, own: bool) -> Result<At, Stop> {
        let f = self.f;
        let route = choose_by(f, self.w, holder.subnet, self.packet.destination, own)
            .map_err(|s| if s.cause == Cause::NoRoute { lost(s.decider) } else { s })?;
        let gone = lost(route.decider.clone());
        match route.hop {
            Hop::Drop if route.user => Err(gone),
            Hop::Drop => Err(lost(broken_peering(f, holder, self.packet))),
            Hop::Local if route.user && !f.in_vnet(holder.vnet, self.packet.destination) => Err(gone),
            Hop::Local => self.land(holder.vnet),
            Hop::Group(vnet) => self.land(vnet),
            Hop::Hub(hub) => Ok(At::Hub(hub, false)),
            Hop::Peer(vnet) => {
                self.joined(holder, vnet)?;
                self.land(vnet)
            }
            Hop::Endpoint(place) => {
                self.joined(holder, f.holders[place].vnet)?;
                Ok(At::Reaching(place))
            }
            Hop::Appliance(next) => {
                let mut near = vec![holder.vnet];
                near.extend(f.peers(holder.vnet).into_iter().map(|(peer, _)| peer));
                let there = near.iter().find_map(|v| f.holder_at(*v, next));
                match there {
                    Some(place) => {
                        self.joined(holder, f.holders[place].vnet)?;
                        Ok(At::Reaching(place))
                    }
                    // An appliance that is in none of the files may well know the session.
                    None if near.iter().any(|v| f.vacant(*v, next).is_some()) => {
                        Err(Stop { cause: Cause::DanglingReference, decider: None })
                    }
                    None => Err(gone),
                }
            }
            Hop::Internet | Hop::ServiceEndpoint(_) => self.to_internet(holder),
            Hop::Gateway(gateways) => {
                let gateways = usable_gateways(f, holder, gateways);
                let place = gateways.into_iter().find_map(|g| self.place_of(g));
                place.map(At::Reaching).ok_or(gone)
            }
        }
    }

    /// PEER-10: a subnet that a subnet peering leaves out.
    fn joined(&self, from: &Holder, to: Id<VirtualNetwork>) -> Result<(), Stop> {
        match self.f.left_out(from.subnet, to).filter(|_| from.vnet != to) {
            Some(peering) => Err(lost(Some(peering))),
            None => Ok(()),
        }
    }

    /// At a hub: the firewall of its policy must know the flow.
    fn at_hub(&mut self, hub: Id<VirtualHub>, inspected: bool) -> Result<At, Stop> {
        let (f, to) = (self.f, self.packet.destination);
        match (wan::inspecting(f, hub, to), inspected) {
            (Some(firewall), false) => {
                let name = f.inv.azure_firewalls[firewall].id.full_name();
                return match self.undo(|mark| mark == Mark::Hub(hub)) {
                    Some(_) => Ok(At::Hub(hub, true)),
                    None => Err(asymmetric(Some(name))),
                };
            }
            (Some(_), true) if !wan::is_private(to) => return Ok(At::Public),
            _ => {}
        }
        match wan::towards(f, hub, to, inspected) {
            None => Err(lost(Some(f.inv.virtual_hubs[hub].id.full_name()))),
            Some(wan::Known::Spoke(vnet, home)) if home == hub => self.land(vnet),
            Some(wan::Known::Site(site, home)) if home == hub => Ok(At::Site(site)),
            Some(wan::Known::Spoke(_, home) | wan::Known::Site(_, home)) => Ok(At::Hub(home, false)),
        }
    }

    /// Out of the public address that the request came in by, or left by.
    fn to_internet(&self, holder: &Holder) -> Result<At, Stop> {
        let to = self.packet.destination;
        let gateway = matches!(holder.kind, AttachmentKind::Gateway(_));
        let client = self.way.start == Start::Internet && to == self.way.first.source;
        let known = self.records.iter().any(|r| r.after.reversed() == self.packet && r.before != r.after);
        match !gateway && is_public(to) && (client || known) {
            true => Ok(At::Public),
            false => Err(lost(None)),
        }
    }

    /// Whoever holds the destination inside a virtual network.
    fn land(&self, vnet: Id<VirtualNetwork>) -> Result<At, Stop> {
        match self.f.holder_at(vnet, self.packet.destination) {
            Some(place) => Ok(At::Reaching(place)),
            None if self.f.vacant(vnet, self.packet.destination).is_some() => Err(lost(None)),
            None => Err(lost(Some(self.f.inv.virtual_networks[vnet].id.full_name()))),
        }
    }

    /// The sender, or a device, which must know the flow.
    fn reach(&mut self, place: usize) -> Result<At, Stop> {
        let holder = self.f.holders[place];
        if self.way.start == Start::Holder(place) && holder.ip == Some(self.packet.destination) {
            admin_reply(self.f, self.w, &holder, Direction::Inbound, &self.packet)?;
            return Ok(At::Home);
        }
        match holder.kind {
            AttachmentKind::Gateway(gateway) => self.at_gateway(place, gateway),
            // The appliances behind an internal load balancer: the one that knows the flow gets the answer.
            AttachmentKind::Frontend(balancer, number) => {
                let pool = super::walk::members(self.f, balancer, usize::from(number));
                let known = |r: &Record| match r.mark {
                    Mark::Device(at) if r.after.reversed() == self.packet && pool.contains(&at) => Some(at),
                    _ => None,
                };
                let device = self.records.iter().rev().find_map(known);
                device.map(At::Reaching).ok_or(asymmetric(self.name(place)))
            }
            _ => match self.undo({
                let own = self.f.interfaces_of_machine(place);
                move |mark| matches!(mark, Mark::Device(at) if own.contains(&at))
            }) {
                Some(Mark::Device(at)) => Ok(At::Leaving(self.f.holders[at])),
                Some(_) => Ok(At::Leaving(holder)),
                None => Err(asymmetric(self.name(place))),
            },
        }
    }

    /// Finds the last record of the flow as it is now, and puts back what it changed.
    fn undo(&mut self, mine: impl Fn(Mark) -> bool) -> Option<Mark> {
        let packet = self.packet;
        let record = self.records.iter_mut().rev().find(|r| mine(r.mark) && r.after.reversed() == packet)?;
        record.answered = true;
        self.packet = record.before.reversed();
        Some(record.mark)
    }

    fn at_gateway(&self, place: usize, gateway: Id<VirtualNetworkGateway>) -> Result<At, Stop> {
        let (f, to, holder) = (self.f, self.packet.destination, self.f.holders[place]);
        sound_gateway(f, place).map_err(|s| lost(s.decider))?;
        // RT-32: in from the internet, and the answer goes to the gateway.
        if is_public(to) && !matches!(self.way.start, Start::Site(_)) {
            return Err(asymmetric(self.name(place)));
        }
        let out = match choose(f, self.w, holder.subnet, to) {
            // RT-15: a user's route that is not valid leads nowhere.
            Ok(route) if route.user && matches!(route.hop, Hop::Gateway(_)) => {
                if usable_gateways(f, &holder, Vec::new()).is_empty() {
                    return Err(lost(route.decider));
                }
                true
            }
            Ok(route) => matches!(route.hop, Hop::Gateway(_)),
            Err(stop) => stop.cause == Cause::NoRoute,
        };
        let beside = f.gateways_in(holder.vnet);
        let mut known: Vec<_> =
            std::iter::once(gateway).chain(beside).flat_map(|g| behind(f, g)).filter(|_| out).collect();
        known.retain(|(prefix, _)| prefix.contains(&to));
        let best = known.iter().map(|(prefix, _)| prefix.prefix_len()).max();
        known.retain(|(prefix, _)| Some(prefix.prefix_len()) == best);
        if let Start::Site(site) = self.way.start
            && known.iter().any(|(_, s)| *s == Some(site))
        {
            return Ok(At::Site(site));
        }
        match known.first() {
            Some((_, Some(site))) => Ok(At::Site(*site)),
            Some((_, None)) => Err(lost(None)),
            None if out => Err(lost(None)),
            None => Ok(At::Leaving(holder)),
        }
    }

    fn public(&mut self) -> Result<At, Stop> {
        if self.way.start == Start::Internet && self.packet.destination == self.way.first.source {
            return Ok(At::Home);
        }
        match self.undo(|mark| !matches!(mark, Mark::Front(_))) {
            Some(Mark::Device(place)) => Ok(At::Leaving(self.f.holders[place])),
            Some(Mark::Exit(place)) => Ok(At::Reaching(place)),
            Some(Mark::Line(site)) => Ok(At::Site(site)),
            // The firewall that translated is the one that looked at the request on its way out.
            Some(Mark::Hub(hub)) => {
                self.undo(|mark| mark == Mark::Hub(hub));
                Ok(At::Hub(hub, true))
            }
            Some(Mark::Edge) => Ok(At::Public),
            Some(Mark::Front(_)) | None => match self.way.start {
                Start::Holder(place) if self.f.holders[place].ip != Some(self.packet.destination) => {
                    Err(lost(None))
                }
                _ => Ok(At::Home),
            },
        }
    }

    fn at_site(&self, site: Id<OnPremisesSite>) -> Result<At, Stop> {
        let row = &self.f.inv.on_premises_sites[site];
        let to = self.packet.destination;
        if self.way.start == Start::Site(site) && to == self.way.first.source {
            return Ok(At::Home);
        }
        if super::walk::own_before_announced(self.f, site, to) {
            return match self.way.start == Start::Site(site) {
                true => Ok(At::Home),
                false => Err(lost(None)),
            };
        }
        match gateway_from(self.f, site, to) {
            Some(gateway) => self.place_of(gateway).map(At::Reaching).ok_or(lost(None)),
            None => {
                let hub = wan::announcing(self.f, site, to);
                hub.map(|(_, h)| At::Hub(h, false)).ok_or(lost(Some(row.id.full_name())))
            }
        }
    }

    /// Home: every device that keeps state must have seen the answer. Towards a private endpoint that is
    /// unreliable rather than impossible (ASYM-4).
    fn home(&self) -> Result<(), Stop> {
        let keeps = |r: &&Record| !r.answered && !matches!(r.mark, Mark::Front(_));
        let Some(missed) = self.records.iter().find(keeps) else { return Ok(()) };
        let decider = match missed.mark {
            Mark::Device(place) | Mark::Exit(place) | Mark::Front(place) => self.name(place),
            Mark::Line(_) | Mark::Hub(_) | Mark::Edge => None,
        };
        let endpoint = matches!(self.way.arrival, Arrival::Endpoint(_));
        if endpoint && self.w.pick(Why::Spread, 2) == 0 {
            return Ok(());
        }
        Err(asymmetric(decider))
    }
}
