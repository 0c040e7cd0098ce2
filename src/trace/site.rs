//! On-premises sites: what they hold themselves, which gateway or hub announces the rest, and their own line to the
//! internet.

use super::Cause;
use super::Disposition;
use super::engine::Walk;
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::question;
use super::state::{Device, End, Next, Place, State, Terminal, by, of};
use crate::inventory::{Id, OnPremisesSite, Slot, TableTag, Unknown};
use crate::net::{Header, IpAddr};
use crate::network::{AttachmentId, AttachmentKind, Branch, BranchKind};
use crate::rules as azure;

/// Where a site sends what it does not hold, with the length of the prefix that it goes by.
type Way = (u8, Place);

impl Walk<'_> {
    /// A flow that starts in or reaches an on-premises network: its own space, what its gateways and hubs announce,
    /// the longer prefix first, and its own line for the rest.
    pub(super) fn at_site(&self, s: &mut State, site: Id<OnPremisesSite>) -> Next {
        let row = &self.net.inventory.on_premises_sites[site];
        let slot = Slot { table: TableTag::OnPremisesSite, row: site.raw() };
        let destination = s.header.destination;
        s.hop(HopKind::OnPremises, row.id.name().to_owned(), Some(row.id.clone()), Zone::Yours);
        let away = self.way_from(site, destination);
        // Whoever asked from here is here, whatever networks claim the address.
        let home = s.returning && s.origin == question::Origin::Site(site, destination);
        let own = if home { Some(u8::MAX) } else { row.holds(destination) };
        if own.is_some_and(|own| away.as_ref().is_none_or(|(length, _)| own >= *length)) {
            s.pass(StepKind::Deliver, of(self.net, Some(slot), &[]), || {
                format!("{destination} is in this network")
            });
            return self.deliver_on_site(s, site);
        }
        match away {
            Some((_, Place::Hub(hub, seen))) => {
                s.pass(StepKind::Route, of(self.net, Some(slot), &[azure::VWAN_2]), || {
                    "the hub of this branch announces it".into()
                });
                Next::Go(Place::Hub(hub, seen))
            }
            Some((_, place)) => {
                let name = match place {
                    Place::Arrive(gateway) => &*self.net.attachment(gateway).name,
                    _ => "its gateway",
                };
                let text = format!("{destination} is announced by `{name}`");
                s.pass(StepKind::Route, of(self.net, Some(slot), &[azure::RT_6, azure::PEER_8]), || text);
                Next::Go(place)
            }
            None => self.nobody_announces(s, site, slot),
        }
    }

    /// Neither the site nor its gateways hold the destination.
    fn nobody_announces(&self, s: &mut State, site: Id<OnPremisesSite>, slot: Slot) -> Next {
        let row = &self.net.inventory.on_premises_sites[site];
        let destination = s.header.destination;
        if self.net.is_public(destination) && !s.returning {
            return self.leave_site_to_internet(s, site, slot);
        }
        let evidence = of(self.net, Some(slot), &[azure::PEER_8]);
        // Of what it announces and does not hold itself, it has a way somewhere, of which no file tells.
        let announced = row.announces().iter().any(|p| p.contains(&destination));
        if (row.is_only_a_way() || announced) && !s.returning {
            let why = format!(
                "`{}` announces what it does not hold, and its files do not say whether it has a way to {destination}",
                row.id.name()
            );
            s.unknown(StepKind::Route, Cause::UnknownValue, &Unknown::new(row.at, why), evidence);
            return Next::End(End::Stopped);
        }
        let text = format!("no gateway of this site announces {destination}");
        s.block(StepKind::Route, Cause::NoRoute, evidence, text);
        Next::End(End::Stopped)
    }

    fn leave_site_to_internet(&self, s: &mut State, site: Id<OnPremisesSite>, slot: Slot) -> Next {
        let row = &self.net.inventory.on_premises_sites[site];
        match row.internet_access.or(true) {
            Ok(true) => {}
            Ok(false) => {
                let text = "this site has no internet access of its own";
                s.block(StepKind::Route, Cause::NoRoute, of(self.net, Some(slot), &[]), text);
                return Next::End(End::Stopped);
            }
            Err(unknown) => {
                s.unknown(StepKind::Route, Cause::UnknownValue, unknown, of(self.net, Some(slot), &[]));
                return Next::End(End::Stopped);
            }
        }
        if row.internet_access.is_absent() {
            s.assume(None, format!("`{}` reaches the internet by itself", row.id.name()));
        }
        let own = row.public_ip_address.known().copied();
        let public = own.unwrap_or(question::INTERNET_CLIENT);
        let before = s.header;
        let after = Header { source: public, ..before };
        s.remember(Device::Site(site), before, after, row.id.name());
        s.rewrite(StepKind::Translate, after, of(self.net, Some(slot), &[]), || {
            format!("leaves to the internet from {public}")
        });
        Next::Go(Place::Public)
    }

    /// The longest way that gateways and hubs announce to a site; of equal ones the gateway's.
    fn way_from(&self, site: Id<OnPremisesSite>, ip: IpAddr) -> Option<Way> {
        if !self.site_sends(site, ip) {
            return None;
        }
        let hub = self.hub_towards(site, ip).map(|(length, hub)| (length, Place::Hub(hub, false)));
        let gateway = self.gateway_towards(site, ip).map(|(length, id)| (length, Place::Arrive(id)));
        match (gateway, hub) {
            (Some(gateway), Some(hub)) if hub.0 > gateway.0 => Some(hub),
            (gateway, hub) => gateway.or(hub),
        }
    }

    /// The gateway of a site that announces a destination.
    fn gateway_towards(&self, site: Id<OnPremisesSite>, ip: IpAddr) -> Option<(u8, AttachmentId)> {
        let table = &self.net.gateways;
        let own = BranchKind::Site(site);
        // Other branches too, but ExpressRoute passes none on (RS-6), and nobody is told another's default route.
        let branch = |g| {
            let others = table.branches.iter().filter(|b| b.gateway == g && b.kind != own && !b.express);
            let prefixes = others.flat_map(|b| &b.prefixes).filter(|p| !crate::inventory::is_way_out(p));
            prefixes.filter(|p| p.contains(&ip)).map(|p| p.prefix_len()).max()
        };
        let announced = |b: &Branch| {
            let spaces =
                |vnet: usize| self.net.vnet(Id::new(vnet)).space.contains(ip).then(|| self.length(vnet, ip));
            table.announced(b.gateway, spaces, ip).max(branch(b.gateway))
        };
        let mine =
            table.branches.iter().filter(|b| b.kind == own && b.owner.table == TableTag::OnPremisesSite);
        // The longest prefix, then ExpressRoute before VPN (GW-2), whatever the order they are written in.
        let mut best: Option<((u8, bool), &Branch)> = None;
        for branch in mine {
            let Some(length) = announced(branch) else { continue };
            let rank = (length, branch.express);
            if best.is_none_or(|(known, _)| rank > known) {
                best = Some((rank, branch));
            }
        }
        let ((length, _), branch) = best?;
        let kind = AttachmentKind::Gateway(branch.gateway);
        let at = self.net.attachments.iter().position(|a| a.kind == kind)?;
        Some((length, AttachmentId(at as u32)))
    }

    /// The length of the prefix by which a network holds an address.
    fn length(&self, vnet: usize, ip: IpAddr) -> u8 {
        let prefixes = &self.net.inventory.virtual_networks[Id::new(vnet)].address_prefixes;
        let longest = prefixes.iter().filter(|p| p.contains(&ip)).map(|p| p.prefix_len()).max();
        longest.unwrap_or(if ip.is_ipv4() { 32 } else { 128 })
    }

    /// Whether a site's routers send an address to its gateways: what they are said to, else all that is announced.
    fn site_sends(&self, site: Id<OnPremisesSite>, ip: IpAddr) -> bool {
        let routes = &self.net.inventory.on_premises_sites[site].routes;
        !routes.given || routes.iter().any(|p| p.contains(&ip))
    }

    fn deliver_on_site(&self, s: &mut State, site: Id<OnPremisesSite>) -> Next {
        let row = &self.net.inventory.on_premises_sites[site];
        let host = row.hosts.iter().find(|h| h.ip_address.is(s.header.destination));
        if let Some(host) = host.filter(|_| !s.returning) {
            let closed = host.listens.given && !host.listens.iter().any(|r| r.contains(s.header.port));
            if closed && s.header.protocol.has_ports() {
                let evidence = Evidence { resource: Some(host.id()), at: host.at, ..by(&[]) };
                let text = format!("`{}` does not listen on port {}", host.name, s.header.port);
                s.block(StepKind::Deliver, Cause::NothingListens, evidence, text);
            }
        }
        Next::End(End::Arrived(Terminal::Site(site), Disposition::ExitsNetwork))
    }
}
