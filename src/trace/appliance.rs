//! Appliances: the way to one as next hop, and what it does with what is not addressed to it (RT-11 to RT-13, PKT-5,
//! RS-1).

use super::Cause;
use super::Disposition;
use super::engine::Walk;
use super::forward::MAX_GUESSES;
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::state::{Device, End, Next, Place, State, Terminal, by, of};
use super::worlds::{Asked, Guess};
use crate::inventory::{Field, Id, Subnet, Unknown, VirtualNetwork};
use crate::net::{Header, IpAddr, IpNet};
use crate::network::{AttachmentId, AttachmentKind, EffectiveRoute, RoutePrefix, RouteSource, Tri};
use crate::rules as azure;

impl Walk<'_> {
    /// To appliances by address, in this or a directly joined network (RT-13); to each of several.
    pub(super) fn to_appliances(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        ips: &[IpAddr],
        evidence: &Evidence,
    ) -> Next {
        // An open flow stays on its appliance as long as that is among them.
        let vnet = self.net.ground(subnet).vnet;
        let known: Vec<IpAddr> = match ips {
            [_] => Vec::new(),
            _ => ips
                .iter()
                .copied()
                .filter(|ip| self.appliance_at(vnet, *ip).is_ok_and(|id| self.is_on(s, id)))
                .collect(),
        };
        let ips = if known.is_empty() { ips } else { &known };
        match ips {
            [ip] => self.to_appliance(s, subnet, *ip, evidence),
            _ => Next::Forked(
                ips.iter()
                    .map(|ip| {
                        let mut branch = s.clone();
                        let next = self.to_appliance(&mut branch, subnet, *ip, evidence);
                        (branch, next)
                    })
                    .collect(),
            ),
        }
    }

    fn to_appliance(&self, s: &mut State, subnet: Id<Subnet>, ip: IpAddr, evidence: &Evidence) -> Next {
        let evidence = Evidence { rules: vec![azure::RT_13], ..evidence.clone() };
        if ip.is_ipv4() != s.header.destination.is_ipv4() {
            let why =
                format!("the route's next hop {ip} is of the other family, which Azure would not accept");
            let unknown = Unknown::new(evidence.at, why);
            s.unknown(StepKind::Route, Cause::UnknownValue, &unknown, evidence);
            return Next::End(End::Stopped);
        }
        match self.appliance_at(self.net.ground(subnet).vnet, ip) {
            Ok(id) => {
                self.cross_to(s, subnet, id);
                self.far_firewall(s, subnet, id);
                return Next::Go(Place::Arrive(id));
            }
            Err(None) => {
                let text = format!("{ip} is neither in this virtual network nor in a directly peered one");
                s.block(StepKind::Route, Cause::NextHopUnreachable, evidence, text);
            }
            Err(Some(why)) => {
                let unknown = Unknown::new(evidence.at, why);
                s.unknown(StepKind::Route, Cause::DanglingReference, &unknown, evidence);
            }
        }
        Next::End(End::Stopped)
    }

    /// A firewall in another region takes what a global peering carries to it, though one in each region is advised
    /// (FW-27).
    fn far_firewall(&self, s: &mut State, subnet: Id<Subnet>, id: AttachmentId) {
        let row = self.net.attachment(id);
        let region = |vnet| self.net.region(vnet);
        let (here, there) = (region(self.net.ground(subnet).vnet), region(row.vnet));
        if matches!(row.kind, AttachmentKind::Firewall(_))
            && here.is_some()
            && there.is_some()
            && here != there
        {
            s.note(StepKind::Route, by(&[azure::FW_27]), || {
                format!("`{}` is in another region, over global peering", row.name)
            });
            s.warn(format!(
                "`{}` is in another region: Microsoft advises a firewall in each (FW-27)",
                row.name
            ));
        }
    }

    fn appliance_at(&self, vnet: Id<VirtualNetwork>, ip: IpAddr) -> Result<AttachmentId, Option<String>> {
        let links = &self.net.vnet(vnet).links;
        let peers = links.iter().filter(|l| l.usable == Tri::Yes).filter_map(|l| l.remote);
        let near: Vec<_> = std::iter::once(vnet).chain(peers).collect();
        if let Some(id) = near.iter().find_map(|v| self.net.at_address(*v, ip)) {
            return Ok(id);
        }
        if near.iter().any(|v| self.net.vnet(*v).space.contains(ip)) {
            return Err(Some(format!("no resource of the files holds {ip}, the next hop of the route")));
        }
        let doubt = links
            .iter()
            .find_map(|l| if let Tri::Unknown(u) = &l.usable { Some(u.why.to_string()) } else { None });
        Err(doubt)
    }

    /// Whether the sender is the appliance that told a Route Server of this route. A default route it announced leads
    /// back to itself, unless its own subnet says otherwise.
    pub(super) fn announced_it(
        &self,
        s: &State,
        from: Option<AttachmentId>,
        route: &EffectiveRoute,
        ips: &[IpAddr],
    ) -> bool {
        let own = from.and_then(|id| self.net.attachment(id).address);
        let narrow =
            matches!(&route.prefix, Some(RoutePrefix::Net(net)) if !crate::inventory::is_way_out(net));
        let learnt = route.source == RouteSource::VirtualNetworkGateway;
        narrow && learnt && !s.returning && own.is_some_and(|own| ips.contains(&own))
    }

    /// Whether the sender told a Route Server of a network, but for a default route, that holds an address: whatever its
    /// own subnet's routes say, it has a way there.
    pub(super) fn announced_by(&self, from: Option<AttachmentId>, destination: IpAddr) -> bool {
        let Some(sender) = from.map(|id| self.net.attachment(id)) else { return false };
        // An Azure Firewall speaks no BGP and has no tunnel of its own.
        if !matches!(sender.kind, AttachmentKind::Interface(_) | AttachmentKind::Host(_)) {
            return false;
        }
        let Some(own) = sender.address else { return false };
        self.net.inventory.bgp_routes.iter().any(|route| {
            let holds = |net: &IpNet| net.contains(&destination) && !crate::inventory::is_way_out(net);
            route.next_hop_ip_address.is(own) && route.address_prefix.known().is_some_and(holds)
        })
    }

    /// What an appliance announced itself it carries on by a way of its own, a tunnel that no file tells of (RS-1).
    pub(super) fn beyond_appliance(
        &self,
        s: &mut State,
        from: Option<AttachmentId>,
        evidence: Evidence,
        text: &str,
    ) -> Next {
        let Some(id) = from else { return Next::End(End::Stopped) };
        let (name, destination) = (&self.net.attachment(id).name, s.header.destination);
        let mut evidence = evidence;
        evidence.rules.push(azure::RS_1);
        s.pass(StepKind::Forward, evidence, || format!("{text} was announced by `{name}` itself"));
        s.hop(HopKind::OnPremises, format!("beyond {name}: {destination}"), None, Zone::Yours);
        s.assume(None, format!("`{name}` has a way of its own to {destination}, which it announced"));
        Next::End(End::Arrived(Terminal::Beyond(id), Disposition::ExitsNetwork))
    }

    /// An appliance passes a packet on that is not addressed to it (RT-12, PKT-5).
    pub(super) fn pass_on(&self, s: &mut State, id: AttachmentId) -> Next {
        let row = self.net.attachment(id);
        let inventory = &self.net.inventory;
        let (forwards, translates) = match row.kind {
            AttachmentKind::Interface(nic) => {
                let machine = self.machine(nic).map(|m| &inventory.virtual_machines[m]);
                let guest = machine.map_or(Field::Absent, |m| m.forwards.clone());
                let translates = machine.is_some_and(|m| m.translates.is(true));
                (both(&inventory.network_interfaces[nic].enable_ip_forwarding, &guest), translates)
            }
            AttachmentKind::Host(host) => {
                (tri(&inventory.hosts[host].forwards), inventory.hosts[host].translates.is(true))
            }
            _ => (Tri::No, false),
        };
        let evidence = of(self.net, Some(row.owner), &[azure::RT_12]);
        let passes = forwards == Tri::Yes;
        match forwards {
            Tri::No => {
                let text = format!("`{}` does not forward: IP forwarding is off", row.name);
                s.block(StepKind::Forward, Cause::NextHopNotForwarding, evidence, text);
            }
            Tri::Unknown(unknown) => s.unknown(StepKind::Forward, Cause::UnknownValue, &unknown, evidence),
            Tri::Yes => {
                s.assume(
                    None,
                    format!("the appliance `{}` passes on what reaches it, and keeps state", row.name),
                );
                s.pass(StepKind::Forward, evidence, || format!("`{}` passes it on", row.name));
            }
        }
        self.session_begins(s, Device::Transit(id));
        let exits = if passes { self.exits(id) } else { vec![id] };
        if exits.len() < 2 || s.guesses.len() >= MAX_GUESSES {
            return self.out_of(s, id, id, translates);
        }
        // By its own address: what its subnet does with the destination is another question.
        let at = Asked::Way(row.subnet, row.address.unwrap_or(s.header.destination));
        let of = exits.len();
        let mut ways = Vec::new();
        for (way, out) in exits.into_iter().enumerate() {
            let mut branch = s.clone();
            branch.guesses.push(Guess { at: at.clone(), way, of });
            let next = self.out_of(&mut branch, id, out, translates);
            ways.push((branch, next));
        }
        let mut doubt = s.clone();
        doubt.stands_for_unknown = true;
        let why = format!(
            "`{}` has {of} interfaces, and no file tells by which its guest sends on to {}",
            row.name, s.header.destination
        );
        let unknown = Unknown::new(row.at, why);
        doubt.unknown(StepKind::Forward, Cause::UnknownValue, &unknown, by(&[azure::PKT_5]));
        ways.push((doubt, Next::End(End::Stopped)));
        Next::Forked(ways)
    }

    /// Passes a packet on that came in by one interface of an appliance, by the same or another one.
    fn out_of(&self, s: &mut State, id: AttachmentId, out: AttachmentId, translates: bool) -> Next {
        let row = self.net.attachment(id);
        let before = s.header;
        if let (true, Some(own)) = (translates, self.net.attachment(out).address) {
            let after = Header { source: own, ..before };
            s.rewrite(StepKind::Translate, after, of(self.net, Some(row.owner), &[]), || {
                format!("source becomes {own}")
            });
        }
        s.remember(Device::Transit(id), before, s.header, &row.name);
        Next::Go(Place::Leave(out))
    }

    /// The interfaces by which the guest of an appliance may send on: those of its machine, one address of each.
    fn exits(&self, id: AttachmentId) -> Vec<AttachmentId> {
        let row = self.net.attachment(id);
        let AttachmentKind::Interface(nic) = row.kind else { return vec![id] };
        let Some(machine) = self.machine(nic) else { return vec![id] };
        let family = |a: &crate::network::Attachment| {
            a.address.is_some_and(|ip| row.address.is_some_and(|own| own.is_ipv4() == ip.is_ipv4()))
        };
        let mut seen = vec![nic];
        let mut out = vec![id];
        for (number, other) in self.net.attachments.iter().enumerate() {
            let AttachmentKind::Interface(nic) = other.kind else { continue };
            if self.machine(nic) == Some(machine) && family(other) && !seen.contains(&nic) {
                seen.push(nic);
                out.push(AttachmentId(number as u32));
            }
        }
        out
    }

    /// Whether two interfaces are of one machine.
    pub(super) fn same_machine(&self, a: AttachmentId, b: AttachmentId) -> bool {
        let machine = |id| match self.net.attachment(id).kind {
            AttachmentKind::Interface(nic) => self.machine(nic),
            _ => None,
        };
        a == b || machine(a).is_some() && machine(a) == machine(b)
    }
}

fn tri(field: &Field<bool>) -> Tri {
    match field.or(false) {
        Ok(b) => Tri::of(b),
        Err(unknown) => Tri::Unknown(unknown.clone()),
    }
}

/// The interface must forward, and the guest must not be said to refuse.
fn both(interface: &Field<bool>, guest: &Field<bool>) -> Tri {
    let guest = match guest.or(true) {
        Ok(b) => Tri::of(b),
        Err(unknown) => Tri::Unknown(unknown.clone()),
    };
    tri(interface).and(|| guest)
}
