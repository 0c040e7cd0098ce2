//! The way back: the answer follows its own routes and must meet the devices that saw the request (PKT-6, ASYM).

use super::engine::Walk;
use super::model::{Evidence, Hop, HopKind, Outcome, Return, StepKind, Zone};
use super::question::Origin;
use super::state::{Arrival, Device, End, Next, Place, Session, State, Terminal, by, of};
use super::{Cause, Disposition};
use crate::network::{AttachmentId, AttachmentKind, Tri};
use crate::rules as azure;

/// Steps of the answer.
const MAX_BACK: usize = 64;

impl Walk<'_> {
    /// Walks the answer back from where the flow ended, in every way it may take. What stops it becomes a blocker of
    /// the flow, before what the service itself would say: without an answer there is no request to refuse (RBAC-5).
    pub(super) fn walk_back(&self, mut s: State, terminal: &Terminal) -> Vec<State> {
        if matches!(s.origin, Origin::Service(_) | Origin::Managed(..))
            || matches!(terminal, Terminal::Platform)
        {
            return vec![s];
        }
        let forward = s.header;
        let hops = s.hops.len();
        let said = s.blockers.len();
        let by_service = said - s.service_from.unwrap_or(said);
        s.back_from(hops);
        s.returning = true;
        s.trail.clear();
        // The answer starts where the flow ended: the same node, visited anew.
        if let Some(last) = s.hops.last() {
            let again = Hop { steps: Vec::new(), ..last.clone() };
            s.hops.push(again);
        }
        s.header = forward.reversed();
        let first = self.first_back(&mut s, terminal);
        let mut done = Vec::new();
        let mut work = vec![(s, first, 0)];
        while let Some((mut s, next, steps)) = work.pop() {
            let end = match next {
                Next::End(end) => end,
                Next::Go(place) if steps < MAX_BACK => {
                    let next = self.visit(&mut s, place);
                    work.push((s, next, steps + 1));
                    continue;
                }
                Next::Go(_) => End::Stopped,
                Next::Forked(ways) => {
                    work.extend(ways.into_iter().rev().map(|(s, next)| (s, next, steps + 1)));
                    continue;
                }
                Next::Split(ways) => {
                    let room = MAX_BACK.saturating_sub(done.len() + work.len()).max(1);
                    for (place, header) in ways.into_iter().take(room).rev() {
                        let branch = State { header, ..s.clone() };
                        work.push((branch, Next::Go(place), steps + 1));
                    }
                    continue;
                }
            };
            self.judge_back(&mut s, &end, hops);
            s.blockers[said - by_service..].rotate_left(by_service);
            s.header = forward;
            s.returning = false;
            done.push(s);
        }
        done
    }

    fn first_back(&self, s: &mut State, terminal: &Terminal) -> Next {
        match terminal {
            Terminal::Attachment(id) => {
                self.admin_reply(s, *id, false);
                Next::Go(Place::Leave(*id))
            }
            Terminal::Subnet(subnet) => {
                let id = self.net.inventory.subnets[*subnet].id.clone();
                s.hop(HopKind::Subnet, id.full_name(), Some(id), Zone::Yours);
                self.route(s, *subnet, None)
            }
            Terminal::Site(site) => Next::Go(Place::AtSite(*site)),
            Terminal::Beyond(gateway) => Next::Go(Place::Arrive(*gateway)),
            Terminal::Internet => Next::Go(Place::Public),
            Terminal::Service(Arrival::PrivateEndpoint(id))
                if super::question::is_private_endpoint(self.net, *id) =>
            {
                self.reply_of_private_endpoint(s, *id)
            }
            // Straight to the address the service saw: the sender, or what translated for it (SE-3).
            Terminal::Service(Arrival::ServiceEndpoint(subnet, _)) => {
                let vnet = self.net.ground(*subnet).vnet;
                let seen = self.net.at_address(vnet, s.header.destination);
                seen.map_or(Next::End(End::Arrived(Terminal::Platform, Disposition::Accepted)), |id| {
                    Next::Go(Place::Arrive(id))
                })
            }
            Terminal::Service(_) => Next::Go(Place::Public),
            Terminal::Platform => Next::End(End::Arrived(Terminal::Platform, Disposition::Accepted)),
        }
    }

    /// A private endpoint answers to the address it saw, without asking route tables (ASYM-4).
    fn reply_of_private_endpoint(&self, s: &mut State, id: AttachmentId) -> Next {
        self.enter(s, id);
        let row = self.net.attachment(id);
        let to = s.header.destination;
        let peers =
            self.net.vnet(row.vnet).links.iter().filter(|l| l.usable == Tri::Yes).filter_map(|l| l.remote);
        let near = std::iter::once(row.vnet).chain(peers).find_map(|v| self.net.at_address(v, to));
        s.note(StepKind::Return, by(&[azure::ASYM_4]), || format!("answers straight to {to}"));
        match near {
            Some(at) => Next::Go(Place::Arrive(at)),
            // Farther away, or behind a gateway: the answer goes by the network's own routes.
            None => {
                let choice = self.net.choose_by_network(row.vnet, to);
                self.follow(s, row.subnet, Some(id), choice)
            }
        }
    }

    /// Undoes inbound translation as the answer leaves a backend.
    pub(super) fn undo_inbound(&self, s: &mut State, id: AttachmentId) {
        let header = s.header;
        let found = s
            .sessions
            .iter_mut()
            .rev()
            .find(|x| x.device == Device::Inbound(id) && x.outgoing.reversed() == header);
        if let Some(session) = found {
            session.answered = true;
            let after = session.incoming.reversed();
            s.rewrite(StepKind::Translate, after, by(&[azure::PKT_6]), || {
                format!("the answer is from {}", after.source)
            });
        }
    }

    /// The answer reaches an attachment: its origin, or a device that must know it.
    pub(super) fn arrive_back(&self, s: &mut State, id: AttachmentId) -> Next {
        self.enter(s, id);
        if self.is_origin(s, id) {
            self.admin_reply(s, id, true);
            return Next::End(End::Arrived(Terminal::Attachment(id), Disposition::Accepted));
        }
        let row = self.net.attachment(id);
        if let AttachmentKind::Gateway(_) = row.kind {
            return self.gateway_back(s, id);
        }
        if let AttachmentKind::Frontend(..) = row.kind {
            return self.frontend_back(s, id);
        }
        let header = s.header;
        let mine = |device: Device| matches!(device, Device::Transit(by) if self.same_machine(by, id));
        let known = s.sessions.iter_mut().rev().find(|x| mine(x.device) && x.outgoing.reversed() == header);
        match known {
            Some(session) => {
                session.answered = true;
                let out = if let Device::Transit(by) = session.device { by } else { id };
                let after = session.incoming.reversed();
                if after != header {
                    s.rewrite(StepKind::Translate, after, by(&[azure::PKT_6]), || "translated back".into());
                } else {
                    s.note(StepKind::Return, by(&[azure::PKT_6]), || "the session is known".into());
                }
                // Out by the interface that the request came in by.
                Next::Go(Place::Leave(out))
            }
            None => {
                let evidence = of(self.net, Some(row.owner), &[azure::ASYM_1, azure::ASYM_2]);
                let text =
                    format!("the answer reaches `{}`, which never saw the request, and is dropped", row.name);
                s.block(StepKind::Return, Cause::AsymmetricReturn, evidence, text);
                Next::End(End::Stopped)
            }
        }
    }

    /// An internal load balancer as next hop spreads the answer over the appliances of its pools. Azure hashes both
    /// directions alike, so that one which the request passed too chooses the appliance with the session; one that only
    /// the answer passes may choose any (LB-1).
    fn frontend_back(&self, s: &mut State, id: AttachmentId) -> Next {
        let header = s.header;
        let owner = self.net.inventory.id_of(self.net.attachment(id).owner);
        let there = &s.hops[..s.back_at.unwrap_or(s.hops.len())];
        let passed = there.iter().any(|h| h.kind == HopKind::LoadBalancer && h.id.as_ref() == owner);
        // What the balancer has not seen is new to it: only members that answer its probes get it (LB-3).
        let pool = self.behind_frontend(id, !passed);
        let known = s.sessions.iter().rev().find_map(|x| match x.device {
            Device::Transit(device) if x.outgoing.reversed() == header && pool.contains(&device) => {
                Some(device)
            }
            _ => None,
        });
        let others = pool.iter().any(|other| known.is_some_and(|own| !self.same_machine(own, *other)));
        if others && !passed {
            s.note(StepKind::Return, of(self.net, Some(self.net.attachment(id).owner), &[azure::LB_1]), || {
                "the request did not pass this balancer, so that it may send the answer to any of its backends".into()
            });
            let mut members: Vec<AttachmentId> = Vec::new();
            for member in pool {
                if !members.contains(&member) {
                    members.push(member);
                }
            }
            return Next::Split(members.into_iter().map(|m| (Place::Arrive(m), header)).collect());
        }
        match known {
            Some(device) => Next::Go(Place::Arrive(device)),
            None => {
                let row = self.net.attachment(id);
                let evidence = of(self.net, Some(row.owner), &[azure::ASYM_1]);
                s.block(
                    StepKind::Return,
                    Cause::AsymmetricReturn,
                    evidence,
                    "the answer reaches appliances that never saw the request",
                );
                Next::End(End::Stopped)
            }
        }
    }

    fn gateway_back(&self, s: &mut State, id: AttachmentId) -> Next {
        let row = self.net.attachment(id);
        let to = s.header.destination;
        if self.gateway_subnet(s, id) {
            return Next::End(End::Stopped);
        }
        if !matches!(s.origin, Origin::Site(..) | Origin::Branch(..)) && self.net.is_public(to) {
            // RT-32: in from the internet, and the answer leaves by the gateway.
            let evidence = of(self.net, Some(row.owner), &[azure::RT_32, azure::ASYM_1]);
            let text = format!("the answer to {to}, which came from the internet, goes to the gateway");
            s.block(StepKind::Return, Cause::AsymmetricReturn, evidence, text);
            return Next::End(End::Stopped);
        }
        self.route(s, row.subnet, Some(id))
    }

    fn is_origin(&self, s: &State, id: AttachmentId) -> bool {
        s.origin == Origin::Attachment(id) && self.net.attachment(id).address == Some(s.header.destination)
    }

    /// The answer takes next hop Internet: right only for a request that came from there.
    pub(super) fn outbound_back(&self, s: &mut State, from: Option<AttachmentId>) -> Next {
        let header = s.header;
        let gateway =
            from.is_some_and(|id| matches!(self.net.attachment(id).kind, AttachmentKind::Gateway(_)));
        let translated =
            s.sessions.iter().any(|x| x.outgoing.reversed() == header && x.incoming != x.outgoing);
        match s.origin {
            Origin::Internet(ip) if ip == header.destination && !gateway => Next::Go(Place::Public),
            // The sender left by a public address and came in by another: the answer goes out the same way.
            _ if translated && !gateway && self.net.is_public(header.destination) => Next::Go(Place::Public),
            _ => {
                let text = format!("the answer to {} would leave to the internet", s.header.destination);
                s.block(StepKind::Return, Cause::ReturnNoRoute, by(&[azure::PKT_6]), text);
                Next::End(End::Stopped)
            }
        }
    }

    /// The answer in public space: back to the translation that sent the request, or to the client.
    pub(super) fn public_back(&self, s: &mut State) -> Next {
        let header = s.header;
        if let Origin::Internet(ip) = s.origin
            && ip == header.destination
        {
            s.hop(HopKind::Internet, format!("internet client {ip}"), None, Zone::Internet);
            return Next::End(End::Arrived(Terminal::Internet, Disposition::ExitsNetwork));
        }
        let found = s
            .sessions
            .iter()
            .rposition(|x| !matches!(x.device, Device::Inbound(_)) && x.outgoing.reversed() == header);
        let Some(found) = found else {
            // The request never left private space by address: a service endpoint, or storage of the region.
            return self.straight_back(s);
        };
        let session = &mut s.sessions[found];
        session.answered = true;
        let (device, after) = (session.device, session.incoming.reversed());
        s.rewrite(StepKind::Translate, after, by(&[azure::PKT_6]), || {
            format!("translated back to {}", after.destination)
        });
        match device {
            Device::Outbound(id) => Next::Go(Place::Arrive(id)),
            Device::Transit(id) => Next::Go(Place::Leave(id)),
            Device::Hub(hub) => {
                // The firewall that translated is the one that looked at the request on its way out.
                let same = |x: &&mut Session| x.device == device && x.outgoing.reversed() == after;
                s.sessions.iter_mut().filter(same).for_each(|x| x.answered = true);
                Next::Go(Place::Hub(hub, true))
            }
            Device::Edge => Next::Go(Place::Public),
            // The line of the site: the answer comes the way the request went.
            Device::Site(site) => Next::Go(Place::AtSite(site)),
            Device::Inbound(_) => Next::End(End::Arrived(Terminal::Internet, Disposition::ExitsNetwork)),
        }
    }

    /// Straight to the sender, where no translation stood between.
    fn straight_back(&self, s: &mut State) -> Next {
        match s.origin {
            Origin::Attachment(id) => {
                let same = self.net.attachment(id).address == Some(s.header.destination);
                if same {
                    Next::End(End::Arrived(Terminal::Attachment(id), Disposition::Accepted))
                } else {
                    Next::End(End::Stopped)
                }
            }
            _ => Next::End(End::Arrived(Terminal::Platform, Disposition::Accepted)),
        }
    }

    /// What the way back means for the flow.
    fn judge_back(&self, s: &mut State, end: &End, hops: usize) {
        let stopped_there = s.blockers.iter().any(|b| b.hop >= hops);
        let lost = match end {
            End::Stopped => s.missing.is_empty().then_some("the answer finds no way back"),
            End::Arrived(terminal, _) => {
                (!is_home(&s.origin, terminal)).then_some("the answer ends where nobody asked")
            }
        };
        if let Some(text) = lost.filter(|_| !stopped_there) {
            s.block(StepKind::Return, Cause::ReturnNoRoute, by(&[azure::PKT_6]), text);
        }
        // The causes of a lost answer come under the return, whatever stopped it.
        for blocker in s.blockers.iter_mut().filter(|b| b.hop >= hops) {
            if !matches!(blocker.cause, Cause::AsymmetricReturn | Cause::AdminRuleDeny) {
                blocker.cause = Cause::ReturnNoRoute;
            }
            blocker.disposition = Disposition::ReturnLost;
            if !blocker.evidence.rules.contains(&azure::PKT_6) {
                blocker.evidence.rules.push(azure::PKT_6);
            }
        }
        let stopped_there = stopped_there || lost.is_some();
        if stopped_there || *end == End::Stopped {
            return;
        }
        let missed = s.sessions.iter().find(|x| x.device.is_stateful() && !x.answered).cloned();
        if let Some(session) = missed {
            let resource = match session.device {
                Device::Transit(id) | Device::Outbound(id) | Device::Inbound(id) => {
                    Some(self.net.attachment(id).owner)
                }
                Device::Site(_) | Device::Hub(_) | Device::Edge => None,
            };
            self.missed(s, &session.name, resource);
        }
    }

    /// A stateful device saw the request and not the answer (ASYM-5); towards a private endpoint Microsoft
    /// calls it unreliable rather than impossible (ASYM-4).
    fn missed(&self, s: &mut State, name: &str, owner: Option<crate::inventory::Slot>) {
        let private = s.hops.iter().any(|h| h.kind == HopKind::PrivateEndpoint);
        let text = format!("the answer does not pass `{name}`, which saw the request and keeps state");
        if private {
            let evidence = Evidence { rules: vec![azure::ASYM_4], ..of(self.net, owner, &[]) };
            s.note(StepKind::Return, evidence, || text.clone());
            let text =
                format!("{text}: unreliable (ASYM-4); an application rule or source translation mends it");
            s.intermittent = Some((Cause::AsymmetricReturn, text));
        } else {
            s.block(
                StepKind::Return,
                Cause::AsymmetricReturn,
                of(self.net, owner, &[azure::ASYM_5, azure::ASYM_1]),
                text,
            );
        }
    }
}

/// Whether an answer that ends there has come to who asked.
fn is_home(origin: &Origin, terminal: &Terminal) -> bool {
    match (origin, terminal) {
        (_, Terminal::Platform) => true,
        (Origin::Attachment(asked), Terminal::Attachment(end)) => asked == end,
        (Origin::Subnet(asked, _), Terminal::Subnet(end)) => asked == end,
        (Origin::Site(asked, _), Terminal::Site(end)) => asked == end,
        (Origin::Internet(_) | Origin::Branch(..), Terminal::Internet) => true,
        _ => false,
    }
}

impl State {
    /// Marks where the way back begins; the hops from there on are the return's.
    pub(super) fn back_from(&mut self, hops: usize) {
        self.back_at = Some(hops);
    }
}

/// Splits the hops of the way back off.
pub(super) fn take_back(s: &mut State) -> Option<Return> {
    let at = s.back_at?;
    let hops = s.hops.split_off(at.min(s.hops.len()));
    let lost = s.blockers.iter().any(|b| b.hop >= at);
    let outcome = match (lost, s.intermittent.is_some()) {
        (true, _) => Outcome::Blocked,
        (false, true) => Outcome::Mixed,
        (false, false) => Outcome::Allowed,
    };
    Some(Return { outcome, hops })
}

#[cfg(test)]
mod tests {
    use crate::net::Protocol;
    use crate::trace::Header;

    #[test]
    fn reversing_twice_changes_nothing() {
        let ip = |t: &str| t.parse().expect("an address");
        let header = Header {
            source: ip("10.0.0.4"),
            destination: ip("10.0.1.4"),
            protocol: Protocol::Tcp,
            source_port: 50_000,
            port: 443,
        };
        assert_eq!(header.reversed().reversed(), header);
        assert_eq!(header.reversed().port, 50_000);
    }
}
