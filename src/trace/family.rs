//! IPv4 and IPv6: a packet has one family, and a machine with addresses of both sends from that of its
//! destination.
//!
//! Microsoft's "What is IPv6 for Azure Virtual Network?": interfaces, public addresses, load balancer frontends,
//! rules and routes are of one family each, and nothing translates between the two; IPv6 reaches the internet
//! only where a deployment asks for it, so there is no default outbound access.

use super::engine::Walk;
use super::model::{Endpoint, Flow};
use super::question::{INTERNET_CLIENT, INTERNET_CLIENT_V6, Origin, Target};
use super::state::State;
use crate::inventory::{Id, Subnet};
use crate::net::IpAddr;
use crate::network::AttachmentId;

/// Whether two addresses are of one family.
pub(super) fn same(a: IpAddr, b: IpAddr) -> bool {
    a.is_ipv4() == b.is_ipv4()
}

impl Walk<'_> {
    /// Gives sender and destination addresses of one family, or says why they have none in common. What somebody
    /// named by its address keeps it.
    pub(super) fn one_family(&self, s: &mut State, flow: &Flow) -> Option<String> {
        let (from, to) = (s.header.source, s.header.destination);
        let is_address = |endpoint: &Endpoint| matches!(endpoint, Endpoint::Address(_));
        if same(from, to) {
            if !is_address(&flow.from) && !is_address(&flow.to) {
                self.to_the_public_side(s);
            }
            return None;
        }
        if !is_address(&flow.from)
            && let Some((origin, source)) = self.sender_like(&s.origin, to)
        {
            s.origin = origin;
            s.header.source = source;
            return None;
        }
        if !is_address(&flow.to)
            && let Some(Target::Attachment(id)) = s.target
            && let Some((other, address)) = self.sibling(id, from)
        {
            s.target = Some(Target::Attachment(other));
            s.header.destination = self.seen_from(&s.origin, address, s.target.as_ref());
            return None;
        }
        let word = if to.is_ipv4() { "IPv4" } else { "IPv6" };
        Some(format!("the destination {to} is {word}, and the sender has no such address"))
    }

    /// A machine with a public address of one family only is reached at that one from the internet.
    fn to_the_public_side(&self, s: &mut State) {
        let (Origin::Internet(_), Some(Target::Attachment(id))) = (&s.origin, &s.target) else { return };
        let id = *id;
        if !self.net.attachment(id).public_ip.is_none() {
            return;
        }
        let other = if s.header.source.is_ipv4() { INTERNET_CLIENT_V6 } else { INTERNET_CLIENT };
        let Some((sibling, address)) = self.sibling(id, other) else { return };
        if self.net.attachment(sibling).public_ip.row().is_some() {
            s.origin = Origin::Internet(other);
            s.target = Some(Target::Attachment(sibling));
            s.header.source = other;
            s.header.destination = self.seen_from(&s.origin, address, s.target.as_ref());
        }
    }

    /// The same sender with an address of the other one's family.
    fn sender_like(&self, origin: &Origin, other: IpAddr) -> Option<(Origin, IpAddr)> {
        match origin {
            Origin::Attachment(id) => {
                let (sibling, address) = self.sibling(*id, other)?;
                Some((Origin::Attachment(sibling), address))
            }
            Origin::Internet(_) => {
                let client = if other.is_ipv4() { INTERNET_CLIENT } else { INTERNET_CLIENT_V6 };
                Some((Origin::Internet(client), client))
            }
            Origin::Subnet(subnet, _) => {
                let address = self.some_host(*subnet, other)?;
                Some((Origin::Subnet(*subnet, address), address))
            }
            Origin::Site(site, _) => {
                let address = super::question::site_address(self.net, *site, |p| same(p.addr(), other))?;
                Some((Origin::Site(*site, address), address))
            }
            Origin::Branch(..) | Origin::Service(_) | Origin::Managed(..) => None,
        }
    }

    /// An address of the same interface that is of the other one's family.
    fn sibling(&self, id: AttachmentId, other: IpAddr) -> Option<(AttachmentId, IpAddr)> {
        let owner = self.net.attachment(id).owner;
        let rows = self.net.attachments.iter().enumerate().filter(|(_, row)| row.owner == owner);
        let mut fitting = rows.filter_map(|(number, row)| {
            let address = row.address.filter(|ip| same(*ip, other))?;
            Some((AttachmentId(number as u32), address))
        });
        fitting.next()
    }

    /// An address of a subnet that nothing holds.
    fn some_host(&self, subnet: Id<Subnet>, other: IpAddr) -> Option<IpAddr> {
        let row = self.net.ground(subnet);
        let free = |ip: &IpAddr| self.net.at_address(row.vnet, *ip).is_none();
        let (v4, v6) = (row.space.v4().first(), row.space.v6().first());
        if other.is_ipv4() {
            let (low, high) = *v4?;
            (low.checked_add(4)?..high).take(70_000).map(|n| IpAddr::V4(n.into())).find(free)
        } else {
            let (low, high) = *v6?;
            (low.checked_add(4)?..high).take(70_000).map(|n| IpAddr::V6(n.into())).find(free)
        }
    }
}
