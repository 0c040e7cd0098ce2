//! Virtual network gateways: the way to one, what lies behind it, and FastPath (GW, RS, RT-34).

use super::Cause;
use super::Disposition;
use super::engine::Walk;
use super::forward::MAX_GUESSES;
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::question::Origin;
use super::state::{End, Next, Place, State, Terminal, by, of};
use super::worlds::{Asked, Guess};
use crate::inventory::{Field, GatewayType, Id, Slot, Subnet, TableTag, Unknown, VirtualNetwork};
use crate::net::IpAddr;
use crate::network::{
    AttachmentId, AttachmentKind, Branch, BranchKind, Choice, NextHop, RoutePrefix, RouteSource, SubnetRole,
};
use crate::rules as azure;

/// Routes that the private peering of an ExpressRoute circuit takes (GW-11).
const MOST_ROUTES: usize = 4000;

impl Walk<'_> {
    /// To the virtual network gateway, own or remote.
    pub(super) fn to_gateway(
        &self,
        s: &mut State,
        vnet: Id<VirtualNetwork>,
        user: bool,
        evidence: Evidence,
    ) -> Next {
        let table = &self.net.gateways;
        let used = &table.used_by[vnet.index()];
        if let (true, Some(unknown)) = (used.is_empty(), &table.use_unknown[vnet.index()]) {
            s.unknown(StepKind::Route, Cause::UnknownValue, unknown, evidence);
            return Next::End(End::Stopped);
        }
        let towards = table.towards(vnet, s.header.destination);
        let gateway = towards.first().map(|(b, _)| b.gateway).or_else(|| used.first().map(|(g, _)| *g));
        let Some(gateway) = gateway else {
            if let Some(next) = self.to_unseen_gateway(s, vnet, &evidence) {
                return next;
            }
            let evidence = Evidence { rules: vec![azure::RT_15], ..evidence };
            s.block(
                StepKind::Route,
                Cause::InvalidNextHop,
                evidence,
                "this network has and uses no virtual network gateway",
            );
            return Next::End(End::Stopped);
        };
        if user {
            self.gateway_by_user(s, vnet, &evidence);
        }
        match self.attachment_of_gateway(gateway) {
            Some(id) => Next::Go(Place::Arrive(id)),
            None => Next::End(End::Stopped),
        }
    }

    /// To a gateway that no file describes: where Azure's own effective routes tell what it has learnt, as far as they do.
    fn to_unseen_gateway(
        &self,
        s: &mut State,
        vnet: Id<VirtualNetwork>,
        evidence: &Evidence,
    ) -> Option<Next> {
        let destination = s.header.destination;
        let learnt = &self.net.vnet(vnet).routes.vnet;
        let holds = |prefix: &Option<RoutePrefix>| matches!(prefix, Some(RoutePrefix::Net(net)) if net.contains(&destination));
        let mut told = learnt.gateway.iter().filter(|r| r.hop == Ok(NextHop::Gateway)).peekable();
        if told.peek().is_none() {
            let doubt = learnt.unseen_gateway.as_ref()?;
            s.unknown(StepKind::Route, Cause::DanglingReference, &doubt.why, evidence.clone());
            return Some(Next::End(End::Stopped));
        }
        if !told.any(|r| holds(&r.prefix)) {
            let why = format!("where the gateway, which is in none of the files, takes {destination}");
            let unknown = Unknown::new(evidence.at, why);
            s.unknown(StepKind::Route, Cause::DanglingReference, &unknown, evidence.clone());
            return Some(Next::End(End::Stopped));
        }
        s.hop(HopKind::OnPremises, format!("on-premises {destination}"), None, Zone::Yours);
        s.pass(StepKind::Deliver, by(&[azure::RT_6]), || format!("{destination} is announced from there"));
        s.assume(
            None,
            format!(
                "the gateway, which is in none of the files, carries {destination} and its answers, as Azure's effective routes tell"
            ),
        );
        Some(Next::End(End::Arrived(Terminal::Platform, Disposition::ExitsNetwork)))
    }

    /// RT-15: a user-defined route to the gateway needs one of VPN, and none of ExpressRoute beside it.
    pub(super) fn gateway_by_user(&self, s: &mut State, vnet: Id<VirtualNetwork>, evidence: &Evidence) {
        let express = |g: &Id<crate::inventory::VirtualNetworkGateway>| {
            self.net.inventory.virtual_network_gateways[*g].gateway_type.is(GatewayType::ExpressRoute)
        };
        if self.net.gateways.used_by[vnet.index()].iter().any(|(g, _)| express(g)) {
            let evidence = Evidence { rules: vec![azure::RT_15], ..evidence.clone() };
            let text = "a user-defined route to VirtualNetworkGateway needs a VPN gateway, and none of ExpressRoute beside it";
            s.block(StepKind::Route, Cause::InvalidNextHop, evidence, text);
        }
    }

    fn attachment_of_gateway(
        &self,
        gateway: Id<crate::inventory::VirtualNetworkGateway>,
    ) -> Option<AttachmentId> {
        let found = self.net.attachments.iter().position(|a| a.kind == AttachmentKind::Gateway(gateway))?;
        Some(AttachmentId(found as u32))
    }

    /// At a gateway the routes of GatewaySubnet decide (RT-1).
    pub(super) fn at_gateway(&self, s: &mut State, id: AttachmentId) -> Next {
        self.enter(s, id);
        self.gateway_subnet(s, id);
        if let AttachmentKind::Gateway(gateway) = self.net.attachment(id).kind {
            self.tunnel_family(s, gateway);
            self.beyond_the_hub(s, id, gateway);
            if let Some(ways) = self.fast_path(s, id, gateway) {
                return ways;
            }
        }
        let row = self.net.attachment(id);
        if let AttachmentKind::Gateway(gateway) = row.kind {
            self.between_networks(s, id, gateway);
        }
        if !self.is_behind_gateway(row.subnet, s.header.destination) {
            s.pass(StepKind::Forward, by(&[azure::RT_34]), || "the routes of GatewaySubnet decide".into());
        }
        self.route(s, row.subnet, Some(id))
    }

    /// An ExpressRoute gateway passes nothing on from one network to another, whatever wide routes it has learnt
    /// (GW-4).
    fn between_networks(
        &self,
        s: &mut State,
        id: AttachmentId,
        gateway: Id<crate::inventory::VirtualNetworkGateway>,
    ) {
        let row = &self.net.inventory.virtual_network_gateways[gateway];
        let before = s.trail.iter().rev().nth(1).map(|(place, _)| place);
        let from_branch = match before {
            None => matches!(s.origin, Origin::Branch(..)),
            before => matches!(before, Some(Place::AtSite(_) | Place::Hub(..))),
        };
        if s.returning || from_branch || !row.gateway_type.is(GatewayType::ExpressRoute) {
            return;
        }
        let Choice::Route(routes, _) = self.net.choose(self.net.attachment(id).subnet, s.header.destination)
        else {
            return;
        };
        if routes.iter().any(|r| !matches!(r.hop, Ok(NextHop::Gateway))) {
            let text = format!(
                "`{}` is an ExpressRoute gateway, which passes nothing on from one virtual network to another",
                row.id.name()
            );
            let evidence = of(self.net, Some(self.net.attachment(id).owner), &[azure::GW_4]);
            s.block(StepKind::Forward, Cause::InvalidNextHop, evidence, text);
        }
    }

    /// The gateway that sends, if it is one.
    pub(super) fn is_gateway(
        &self,
        from: Option<AttachmentId>,
    ) -> Option<(AttachmentId, Id<crate::inventory::VirtualNetworkGateway>)> {
        match self.net.attachment(from?).kind {
            AttachmentKind::Gateway(gateway) => Some((from?, gateway)),
            _ => None,
        }
    }

    /// The branches that take the destination, behind this gateway or one beside it.
    pub(super) fn branches_towards(
        &self,
        id: AttachmentId,
        gateway: Id<crate::inventory::VirtualNetworkGateway>,
        ip: IpAddr,
    ) -> Vec<&Branch> {
        let row = self.net.attachment(id);
        let towards = self.net.gateways.towards(row.vnet, ip).into_iter().map(|(branch, _)| branch);
        towards.filter(|b| b.gateway == gateway || self.shares(b.gateway, row.vnet)).collect()
    }

    /// Out of a gateway: to the branch that takes the destination. It is no way to the internet (RT-31, OUT-1).
    pub(super) fn past_gateway(&self, s: &mut State, from: Option<AttachmentId>, inside: bool) -> Next {
        let Some((id, gateway)) = self.is_gateway(from) else { return Next::End(End::Stopped) };
        let destination = s.header.destination;
        let branches = self.branches_towards(id, gateway, destination);
        if let Some(branch) = branches.first().filter(|_| inside) {
            let evidence = of(self.net, Some(branch.owner), &[azure::GW_2, azure::GW_3]);
            let text = format!("{destination} lies behind this gateway");
            s.pass(StepKind::Forward, evidence, || text);
            self.session_of_circuit(s, gateway, &branches);
            return match branch.kind {
                BranchKind::Site(site) => Next::Go(Place::AtSite(site)),
                BranchKind::Vnet(vnet) => Next::Go(Place::Inside(vnet)),
                BranchKind::LocalGateway(_) | BranchKind::Clients | BranchKind::Somebody => {
                    s.hop(HopKind::OnPremises, format!("on-premises {destination}"), None, Zone::Yours);
                    s.pass(StepKind::Deliver, by(&[]), || format!("{destination} is announced from there"));
                    s.assume(None, format!("the on-premises network delivers {destination}"));
                    Next::End(End::Arrived(Terminal::Beyond(id), Disposition::ExitsNetwork))
                }
            };
        }
        let default = &self.net.inventory.virtual_network_gateways[gateway].gateway_default_site;
        if let (Field::Known(site), false) = (default, self.came_from_branch(s, gateway)) {
            s.hop(HopKind::OnPremises, format!("forced tunnel to {}", site.text), None, Zone::Yours);
            s.pass(StepKind::Forward, by(&[azure::RT_31]), || {
                "the gateway's default site takes everything else".into()
            });
            s.assume(None, "the on-premises network delivers what is tunnelled to it");
            return Next::End(End::Arrived(Terminal::Beyond(id), Disposition::ExitsNetwork));
        }
        let evidence = of(self.net, Some(self.net.attachment(id).owner), &[azure::RT_31, azure::OUT_1]);
        let text = format!(
            "no branch behind the gateway announces {destination}, and a gateway is no way to the internet"
        );
        s.block(StepKind::Forward, Cause::NoRoute, evidence, text);
        Next::End(End::Stopped)
    }

    /// GW-11: a private peering that is told more routes than it takes drops its session, and which of several
    /// circuits carries a prefix lies in weights and AS paths that no file holds.
    fn session_of_circuit(
        &self,
        s: &mut State,
        gateway: Id<crate::inventory::VirtualNetworkGateway>,
        towards: &[&Branch],
    ) {
        let Some(first) = towards.first().filter(|b| b.express) else { return };
        let all = self.net.gateways.branches.iter().filter(|b| b.gateway == gateway && b.express);
        let routes: usize = all.map(|b| b.prefixes.len()).sum();
        if routes > MOST_ROUTES {
            let why = format!(
                "{routes} routes come over ExpressRoute: above {MOST_ROUTES} (10,000 with Premium) the session drops (GW-11)"
            );
            let unknown = Unknown::new(first.at, why);
            s.unknown(StepKind::Forward, Cause::UnknownValue, &unknown, by(&[azure::GW_11]));
        } else if towards.iter().any(|b| b.kind != first.kind) {
            s.note(StepKind::Forward, by(&[azure::GW_11]), || "several circuits announce the same".into());
            s.assume(None, "weights and AS paths leave the first of several circuits in front (GW-11)");
        }
    }

    /// The answer leaves by a gateway, to a branch.
    pub(super) fn past_gateway_back(&self, s: &mut State, from: Option<AttachmentId>) -> Next {
        let Some((id, gateway)) = self.is_gateway(from) else { return Next::End(End::Stopped) };
        let branches = self.branches_towards(id, gateway, s.header.destination);
        // The branch that asked, where several announce the same.
        let asked = |b: &&&Branch| matches!((b.kind, &s.origin), (BranchKind::Site(a), Origin::Site(b, _)) if a == *b);
        if matches!(s.origin, Origin::Branch(asked, ip) if asked == id && ip == s.header.destination) {
            return Next::End(End::Arrived(Terminal::Internet, Disposition::ExitsNetwork));
        }
        match branches.iter().find(asked).or(branches.first()).map(|b| b.kind) {
            Some(BranchKind::Site(site)) => Next::Go(Place::AtSite(site)),
            Some(BranchKind::Vnet(vnet)) => Next::Go(Place::Inside(vnet)),
            Some(_) => Next::End(End::Arrived(Terminal::Internet, Disposition::ExitsNetwork)),
            None => Next::End(End::Stopped),
        }
    }

    /// What a spoke behind the gateway's network takes for granted of the other side (PEER-12, PEER-13).
    fn beyond_the_hub(
        &self,
        s: &mut State,
        id: AttachmentId,
        gateway: Id<crate::inventory::VirtualNetworkGateway>,
    ) {
        let inventory = &self.net.inventory;
        let home = self.net.attachment(id).vnet;
        let vpn = inventory.virtual_network_gateways[gateway].gateway_type.is(GatewayType::Vpn);
        let (site, near) = match s.origin {
            super::question::Origin::Site(site, _) => (Some(site), s.header.destination),
            _ => {
                let towards = self.net.gateways.towards(home, s.header.destination);
                let site = towards.iter().find_map(|(b, _)| match b.kind {
                    BranchKind::Site(site) => Some(site),
                    _ => None,
                });
                (site, s.header.source)
            }
        };
        let Some(site) = site.filter(|_| vpn && !s.returning) else { return };
        let spoke = self.net.vnets.iter().position(|v| v.space.contains(near)).filter(|v| *v != home.index());
        let Some(spoke) = spoke else { return };
        let spoke = inventory.virtual_networks[Id::new(spoke)].id.name();
        match inventory.on_premises_sites[site].point_to_site.is(true) {
            true => s.assume(
                None,
                format!("clients have fetched their profile since `{spoke}` was peered (PEER-12)"),
            ),
            false => s.assume(
                None,
                format!("the tunnel's own policy takes the prefixes of `{spoke}` in (PEER-13)"),
            ),
        }
    }

    /// ExpressRoute carries IPv6; whether a VPN gateway does depends on settings that are not modelled.
    fn tunnel_family(&self, s: &mut State, gateway: Id<crate::inventory::VirtualNetworkGateway>) {
        let row = &self.net.inventory.virtual_network_gateways[gateway];
        if s.header.destination.is_ipv6() && !row.gateway_type.is(GatewayType::ExpressRoute) {
            let why = format!("`{}` is a VPN gateway, and IPv6 through one is not modelled", row.id.name());
            let unknown = Unknown::new(row.at, why);
            s.unknown(StepKind::Forward, Cause::UnsupportedResource, &unknown, by(&[]));
        }
    }

    /// ExpressRoute FastPath passes the gateway by (GW-5): whether the routes of GatewaySubnet hold there is looked at
    /// both ways, and whether private endpoints can be reached is not known.
    fn fast_path(
        &self,
        s: &mut State,
        id: AttachmentId,
        gateway: Id<crate::inventory::VirtualNetworkGateway>,
    ) -> Option<Next> {
        let inventory = &self.net.inventory;
        let over = |c: &&crate::inventory::Connection| {
            let mine = c.virtual_network_gateway1.known().and_then(|r| inventory.follow(r).row());
            mine == Some(gateway) && c.express_route_gateway_bypass.is(true)
        };
        if s.returning || !matches!(s.origin, super::question::Origin::Site(..)) {
            return None;
        }
        let connection = inventory.connections.iter().find(over)?;
        let destination = s.header.destination;
        let row = self.net.attachment(id);
        let user = match self.net.choose(row.subnet, destination) {
            Choice::Route(routes, _) => routes.iter().any(|r| r.source == RouteSource::User),
            _ => false,
        };
        let endpoint =
            self.net.attachments.iter().any(|a| {
                a.address == Some(destination) && matches!(a.kind, AttachmentKind::PrivateEndpoint(..))
            });
        let why = "the connection uses FastPath, and whether the gateway's routes and private endpoints hold there is not known (GW-5)";
        let unknown = Unknown::new(connection.at, why);
        if endpoint {
            s.unknown(StepKind::Forward, Cause::UnsupportedResource, &unknown, by(&[azure::GW_5]));
            return None;
        }
        s.note(StepKind::Forward, by(&[azure::GW_5]), || {
            "the connection uses FastPath, which passes the gateway by".into()
        });
        if !user || s.guesses.len() >= MAX_GUESSES {
            return None;
        }
        let straight = (0..self.net.vnets.len()).find(|v| self.net.vnets[*v].space.contains(destination))?;
        let at = Asked::Way(row.subnet, destination);
        let mut honoured = s.clone();
        honoured.guesses.push(Guess { at: at.clone(), way: 0, of: 2 });
        let next = self.route(&mut honoured, row.subnet, Some(id));
        let mut past = s.clone();
        past.guesses.push(Guess { at, way: 1, of: 2 });
        let mut doubt = s.clone();
        doubt.stands_for_unknown = true;
        doubt.unknown(StepKind::Forward, Cause::UnsupportedResource, &unknown, by(&[azure::GW_5]));
        Some(Next::Forked(vec![
            (honoured, next),
            (past, Next::Go(Place::Inside(Id::new(straight)))),
            (doubt, Next::End(End::Stopped)),
        ]))
    }

    /// RT-34, NSG-22: what a gateway needs of its own subnet. `true` where that breaks it.
    pub(super) fn gateway_subnet(&self, s: &mut State, id: AttachmentId) -> bool {
        let subnet = self.net.attachment(id).subnet;
        let row = self.net.subnet(subnet);
        let Some(user) = row.routes.user.as_ref().filter(|_| row.role == SubnetRole::Gateway) else {
            return false;
        };
        let slot = row.route_table.row().map(|t| Slot { table: TableTag::RouteTable, row: t.raw() });
        let evidence = of(self.net, slot, &[azure::RT_34]);
        if user.keeps_gateway_routes_out == Some(true) {
            let text =
                "the route table of GatewaySubnet keeps gateway routes out, so the gateway does not work";
            s.block(StepKind::Forward, Cause::InvalidNextHop, evidence, text);
            return true;
        }
        let default = user.routes.iter().find(
            |r| matches!(&r.prefix, Some(crate::network::RoutePrefix::Net(net)) if net.prefix_len() == 0),
        );
        let Some(route) = default else { return false };
        let evidence = Evidence { name: route.name.clone(), at: route.at, ..evidence };
        let text = "Azure does not support a user-defined 0.0.0.0/0 on GatewaySubnet: the gateway's own tunnels would leave by it";
        s.block(StepKind::Forward, Cause::InvalidNextHop, evidence, text);
        true
    }

    /// Whether the routes of GatewaySubnet itself lead to a branch: what the network or its peers hold comes first.
    pub(super) fn is_behind_gateway(&self, subnet: Id<Subnet>, ip: IpAddr) -> bool {
        match self.net.choose(subnet, ip) {
            Choice::Route(routes, _) => routes.iter().any(|r| r.hop == Ok(NextHop::Gateway)),
            Choice::NoRoute => true,
            Choice::Unknown(_) => false,
        }
    }

    /// Whether another gateway stands in the same network (VPN beside ExpressRoute).
    fn shares(&self, gateway: Id<crate::inventory::VirtualNetworkGateway>, vnet: Id<VirtualNetwork>) -> bool {
        self.net.gateways.vnet_of[gateway.index()] == Some(vnet)
    }

    fn came_from_branch(&self, s: &State, gateway: Id<crate::inventory::VirtualNetworkGateway>) -> bool {
        let mut mine = self.net.gateways.branches.iter().filter(|b| b.gateway == gateway);
        mine.any(|b| b.prefixes.iter().any(|p| p.contains(&s.header.source)))
    }
}
