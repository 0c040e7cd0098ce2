//! Forwarding: which route a subnet's table gives, and what its next hop does (RT, PEER, GW).

use super::engine::Walk;
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::question::{Origin, Target};
use super::state::{Arrival, Device, End, Next, Place, Session, State, Terminal, by, of};
use super::worlds::Guess;
use super::{Cause, Disposition};
use crate::inventory::{Field, GatewayType, Id, Slot, Subnet, TableTag, Unknown, VirtualNetwork};
use crate::net::Header;
use crate::net::{IpAddr, IpNet, Protocol};
use crate::network::{
    AttachmentId, AttachmentKind, Branch, BranchKind, Choice, EffectiveRoute, HOST_ADDRESS, Link,
    METADATA_ADDRESS, NextHop, RouteSource, SubnetRole, Tri, is_reserved,
};
use crate::profile::ForwardedTrafficMode;
use crate::rules::{self as azure, RuleId};

/// Unknown routes on one way that are looked at both ways.
const MAX_GUESSES: usize = 4;

impl Walk<'_> {
    /// Out of an attachment: filters, then the subnet's routes.
    pub(super) fn leave(&self, s: &mut State, id: AttachmentId) -> Next {
        self.enter(s, id);
        let row = self.net.attachment(id);
        if s.returning {
            self.undo_inbound(s, id);
        }
        if !self.carried(s) {
            return Next::End(End::Stopped);
        }
        if !row.is_platform() {
            self.filter(s, id, false);
        }
        self.answered_by_host(s).unwrap_or_else(|| self.route(s, row.subnet, Some(id)))
    }

    /// What goes to the host's own services needs no route (PLAT-2).
    pub(super) fn answered_by_host(&self, s: &mut State) -> Option<Next> {
        if s.header.destination != HOST_ADDRESS && s.header.destination != METADATA_ADDRESS {
            return None;
        }
        s.pass(StepKind::Deliver, by(&[azure::PLAT_1, azure::PLAT_2]), || {
            "the host answers itself; no route is asked".into()
        });
        Some(Next::End(End::Arrived(Terminal::Platform, Disposition::Accepted)))
    }

    /// What a virtual network does not carry, whatever the rules say (PKT-8).
    fn carried(&self, s: &mut State) -> bool {
        let Header { source_port, destination, protocol, .. } = s.header;
        let multicast =
            destination.is_multicast() || destination == IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
        let reserved = protocol == Protocol::Udp && source_port == 65330;
        let dhcp = protocol == Protocol::Udp
            && source_port == 68
            && s.header.port == 67
            && destination != HOST_ADDRESS;
        if multicast || reserved || dhcp {
            let text = if multicast {
                "multicast and broadcast are not carried"
            } else {
                "this port is reserved by the host"
            };
            s.block(StepKind::Route, Cause::PlatformProtocol, by(&[azure::PKT_8]), text);
            return false;
        }
        true
    }

    /// The routes of a subnet, and on to the next hop.
    pub(super) fn route(&self, s: &mut State, subnet: Id<Subnet>, from: Option<AttachmentId>) -> Next {
        let choice = self.net.choose(subnet, s.header.destination);
        match &choice {
            Choice::Unknown(why) => {
                let ways = self.net.possible(subnet, s.header.destination);
                if ways.len() > 1 && s.guesses.len() < MAX_GUESSES {
                    return self.guess(s, subnet, from, ways, why);
                }
                self.follow(s, subnet, from, choice)
            }
            _ => self.follow(s, subnet, from, choice),
        }
    }

    /// Looks at every way that may be right, beside an end that says so should they differ.
    fn guess(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        from: Option<AttachmentId>,
        ways: Vec<Choice<'_>>,
        why: &Unknown,
    ) -> Next {
        let at = (subnet, s.header.destination);
        let known = s.guesses.iter().find(|g| g.at == at).map(|g| g.way);
        if let Some(choice) = known.and_then(|way| ways.get(way)) {
            return self.follow(s, subnet, from, choice.clone());
        }
        let of = ways.len();
        let mut out = Vec::new();
        for (way, choice) in ways.into_iter().enumerate() {
            let mut branch = s.clone();
            branch.guesses.push(Guess { at, way, of });
            branch.note(StepKind::Route, by(&[azure::RT_17]), || {
                format!("{}: every way is looked at", why.why)
            });
            let next = self.follow(&mut branch, subnet, from, choice);
            out.push((branch, next));
        }
        let mut unknown = s.clone();
        unknown.stands_for_unknown = true;
        unknown.unknown(StepKind::Route, super::filter::cause_of(why), why, by(&[azure::RT_24B]));
        out.push((unknown, Next::End(End::Stopped)));
        Next::Forked(out)
    }

    /// What a choice of routes comes to.
    pub(super) fn follow(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        from: Option<AttachmentId>,
        choice: Choice<'_>,
    ) -> Next {
        let destination = s.header.destination;
        self.route_leans(s, subnet, &choice);
        match choice {
            Choice::NoRoute => {
                let id = &self.net.inventory.subnets[subnet].id;
                let evidence = Evidence { resource: Some(id.clone()), ..by(&[azure::RT_24B]) };
                s.block(
                    StepKind::Route,
                    Cause::NoRoute,
                    evidence,
                    format!("no effective route covers {destination}"),
                );
                Next::End(End::Stopped)
            }
            Choice::Unknown(unknown) => {
                s.unknown(StepKind::Route, super::filter::cause_of(&unknown), &unknown, by(&[azure::RT_24B]));
                Next::End(End::Stopped)
            }
            Choice::Route(routes, why) => {
                let Some(route) = routes.first().copied() else { return Next::End(End::Stopped) };
                self.follow_route(s, subnet, from, route, &why)
            }
        }
    }

    fn route_evidence(&self, route: &EffectiveRoute, why: &[RuleId]) -> Evidence {
        let mut evidence = of(self.net, route.owner, why);
        evidence.name = route.name.clone();
        if route.at.is_somewhere() {
            evidence.at = route.at;
        }
        evidence
    }

    fn route_text(&self, route: &EffectiveRoute) -> String {
        let prefix = route.prefix.as_ref().map_or_else(|| "?".into(), |p| p.text(&self.net.tags));
        let source = match route.source {
            RouteSource::User => "user-defined route",
            RouteSource::VirtualNetworkGateway => "gateway route",
            RouteSource::Default => "system route",
        };
        let name = route.name.as_ref().map(|n| format!(" `{n}`")).unwrap_or_default();
        format!("{source}{name} {prefix}")
    }

    fn follow_route(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        from: Option<AttachmentId>,
        route: &EffectiveRoute,
        why: &[RuleId],
    ) -> Next {
        let evidence = self.route_evidence(route, why);
        let text = self.route_text(route);
        let hop = match &route.hop {
            Ok(hop) => hop,
            Err(unknown) => {
                s.unknown(StepKind::Route, super::filter::cause_of(unknown), unknown, evidence);
                return Next::End(End::Stopped);
            }
        };
        self.endpoint_switched(s, subnet, from, hop);
        let vnet = self.net.subnet(subnet).vnet;
        match hop {
            NextHop::None => {
                let mut evidence = evidence;
                evidence.rules.push(azure::RT_16);
                let text = format!("{text} has next hop None: dropped");
                match self.broken_peering(vnet, s.header.destination) {
                    _ if route.source == RouteSource::User => {
                        s.block(StepKind::Route, Cause::UdrNone, evidence, text);
                    }
                    Some(peering) => self.block_by_broken_peering(s, peering, &text),
                    None => s.block(StepKind::Route, Cause::SystemRouteNone, evidence, text),
                }
                self.after_null_route(s, subnet)
            }
            NextHop::VnetLocal => {
                s.pass(StepKind::Route, evidence, || format!("{text} stays in the virtual network"));
                Next::Go(Place::Inside(vnet))
            }
            NextHop::Peering { remote, link } => {
                let name = self.net.inventory.virtual_networks[*remote].id.name();
                s.pass(StepKind::Route, evidence, || format!("{text} goes over the peering to `{name}`"));
                self.over_peering(s, subnet, *remote, *link)
            }
            NextHop::ConnectedGroup(remote) => {
                let name = self.net.inventory.virtual_networks[*remote].id.name();
                s.pass(StepKind::Route, evidence, || {
                    format!("{text} goes to `{name}` of the connected group")
                });
                Next::Go(Place::Inside(*remote))
            }
            // What a gateway sends of its own accord goes out like any other sender's.
            NextHop::Internet if self.is_gateway(from).is_some() && !s.returning && !sends(s, from) => {
                self.past_gateway(s, from, false)
            }
            NextHop::Gateway if self.is_gateway(from).is_some() => {
                if route.source == RouteSource::User {
                    self.gateway_by_user(s, vnet, &evidence);
                }
                if s.returning { self.past_gateway_back(s, from) } else { self.past_gateway(s, from, true) }
            }
            NextHop::Internet => {
                let system = route.source != RouteSource::User;
                if let Some(peering) = self.broken_peering(vnet, s.header.destination).filter(|_| system) {
                    self.block_by_broken_peering(s, peering, &format!("{text} has next hop Internet"));
                    return Next::End(End::Stopped);
                }
                s.pass(StepKind::Route, evidence, || format!("{text} has next hop Internet"));
                self.outbound(s, subnet, from)
            }
            NextHop::Gateway => {
                s.pass(StepKind::Route, evidence.clone(), || {
                    format!("{text} goes to the virtual network gateway")
                });
                self.to_gateway(s, vnet, route.source == RouteSource::User, evidence)
            }
            NextHop::Appliance(ips) => {
                let list = ips.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                s.pass(StepKind::Route, evidence.clone(), || format!("{text} goes to the appliance {list}"));
                self.to_appliances(s, subnet, ips, &evidence)
            }
            NextHop::ServiceEndpoint(service) => {
                s.pass(StepKind::Route, evidence, || {
                    format!("{text} goes straight to the service over the service endpoint {service}")
                });
                self.over_service_endpoint(s, subnet, service)
            }
            NextHop::InterfaceEndpoint(endpoint) => {
                s.pass(StepKind::Route, evidence, || format!("{text} leads to the private endpoint"));
                self.cross_to(s, subnet, *endpoint);
                Next::Go(Place::Arrive(*endpoint))
            }
            NextHop::Hub(hub) => {
                s.pass(StepKind::Route, evidence, || format!("{text} goes to the hub"));
                Next::Go(Place::Hub(*hub, false))
            }
        }
    }

    /// A peering between a network and the one that holds an address, of which one side is missing or not
    /// Connected, so that neither has routes (PEER-1). The network's own side where it has one.
    fn broken_peering(
        &self,
        vnet: Id<VirtualNetwork>,
        ip: IpAddr,
    ) -> Option<Id<crate::inventory::VirtualNetworkPeering>> {
        let holds = |v: Id<VirtualNetwork>| self.net.vnet(v).space.contains(ip);
        let broken = |v: Id<VirtualNetwork>| self.net.vnet(v).links.iter().filter(|l| l.usable == Tri::No);
        let own = broken(vnet).find(|l| l.remote.is_some_and(holds));
        let other = || {
            let rows = self.net.inventory.virtual_networks.rows().map(|(id, _)| id);
            rows.filter(|v| holds(*v)).find_map(|v| broken(v).find(|l| l.remote == Some(vnet)))
        };
        own.or_else(other).map(|link| link.peering)
    }

    fn block_by_broken_peering(
        &self,
        s: &mut State,
        peering: Id<crate::inventory::VirtualNetworkPeering>,
        route: &str,
    ) {
        let slot = Slot { table: TableTag::VirtualNetworkPeering, row: peering.raw() };
        let name = self.net.inventory.peerings[peering].id.full_name();
        let text = format!("the peering `{name}` is not Connected on both sides and gives no route: {route}");
        let evidence = of(self.net, Some(slot), &[azure::PEER_1, azure::RT_16]);
        s.block(StepKind::Route, Cause::PeeringNotConnected, evidence, text);
    }

    /// A dropped flow is followed on to a destination that is known, to name later blockers too.
    fn after_null_route(&self, s: &mut State, subnet: Id<Subnet>) -> Next {
        let destination = s.header.destination;
        let own = self.net.subnet(subnet).vnet;
        let peers = self.net.vnet(own).links.iter().filter(|l| l.usable == Tri::Yes).filter_map(|l| l.remote);
        let broken = self.net.vnet(own).links.iter().filter(|l| l.usable == Tri::No).filter_map(|l| l.remote);
        let mut near = std::iter::once(own).chain(peers).chain(broken);
        let near = near.find(|v| self.net.at_address(*v, destination).is_some());
        near.map_or(Next::End(End::Stopped), |vnet| Next::Go(Place::Inside(vnet)))
    }

    fn over_peering(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        remote: Id<VirtualNetwork>,
        position: usize,
    ) -> Next {
        let vnet = self.net.subnet(subnet).vnet;
        let Some(link) = self.net.vnet(vnet).links.get(position) else { return Next::End(End::Stopped) };
        self.cross(s, subnet, link, remote);
        Next::Go(Place::Inside(remote))
    }

    /// To what stands in another network, over the peering that joins it.
    fn cross_to(&self, s: &mut State, subnet: Id<Subnet>, id: AttachmentId) {
        let (from, to) = (self.net.subnet(subnet).vnet, self.net.attachment(id).vnet);
        let mut links = self.net.vnet(from).links.iter().filter(|l| l.usable == Tri::Yes);
        if let Some(link) = links.find(|l| from != to && l.remote == Some(to)) {
            self.cross(s, subnet, link, to);
        }
    }

    /// Over a peering: whether the subnet takes part (PEER-10), and what the other side takes in (PEER-6).
    fn cross(&self, s: &mut State, subnet: Id<Subnet>, link: &Link, remote: Id<VirtualNetwork>) {
        let peering = &self.net.inventory.peerings[link.peering];
        let slot = Some(Slot { table: TableTag::VirtualNetworkPeering, row: link.peering.raw() });
        if peering.peer_complete_vnets.is(false) {
            let name = self.net.inventory.subnets[subnet].id.name();
            let takes_part = peering.local_subnet_names.iter().any(|n| n.eq_ignore_ascii_case(name));
            if !takes_part {
                let text = format!(
                    "`{name}` does not take part in the subnet peering: it has the route, but packets are dropped"
                );
                let evidence = of(self.net, slot, &[azure::PEER_10]);
                s.block(StepKind::Route, Cause::SubnetPeeringOutside, evidence, text);
            }
        }
        self.check_forwarded(s, self.net.subnet(subnet).vnet, link.reverse, remote);
    }

    /// PEER-6: the receiver's side of the link decides about what the sender's side only forwards.
    fn check_forwarded(
        &self,
        s: &mut State,
        from: Id<VirtualNetwork>,
        reverse: Option<Id<crate::inventory::VirtualNetworkPeering>>,
        remote: Id<VirtualNetwork>,
    ) {
        let Some(reverse) = reverse else { return };
        let source = s.header.source;
        let forwarded =
            !self.net.vnet(from).space.contains(source) && !self.net.vnet(remote).space.contains(source);
        let gateway =
            self.net.gateways.branches_of(from).any(|(b, _)| b.prefixes.iter().any(|p| p.contains(&source)));
        if !forwarded || s.returning || gateway {
            return;
        }
        let row = &self.net.inventory.peerings[reverse];
        let slot = Some(Slot { table: TableTag::VirtualNetworkPeering, row: reverse.raw() });
        match (row.allow_forwarded_traffic.or(false), self.net.profile.forwarded_traffic_mode) {
            (Ok(true), _) => {}
            (Err(unknown), _) => {
                let unknown = unknown.clone();
                s.note(StepKind::Route, of(self.net, slot, &[azure::PEER_6]), || unknown.why.to_string());
            }
            (Ok(false), ForwardedTrafficMode::PlatformDrop) => {
                let text = format!("`{}` does not accept forwarded traffic", row.id.full_name());
                s.assume(
                    Some("forwardedTrafficMode"),
                    "a peering without allowForwardedTraffic drops what is forwarded (D-2)",
                );
                s.block(
                    StepKind::Route,
                    Cause::ForwardedTrafficDropped,
                    of(self.net, slot, &[azure::PEER_6]),
                    text,
                );
            }
            (Ok(false), ForwardedTrafficMode::TagOnly) => {
                s.assume(
                    Some("forwardedTrafficMode"),
                    "allowForwardedTraffic only changes the VirtualNetwork tag (D-2)",
                );
                s.warn(format!(
                    "`{}` does not accept forwarded traffic; only default rules feel that (PEER-6)",
                    row.id.full_name()
                ));
            }
        }
    }

    /// To appliances by address, in this or a directly joined network (RT-13); to each of several.
    fn to_appliances(&self, s: &mut State, subnet: Id<Subnet>, ips: &[IpAddr], evidence: &Evidence) -> Next {
        // An open flow stays on its appliance as long as that is among them.
        let vnet = self.net.subnet(subnet).vnet;
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
        match self.appliance_at(self.net.subnet(subnet).vnet, ip) {
            Ok(id) => {
                self.cross_to(s, subnet, id);
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

    /// To the virtual network gateway, own or remote.
    fn to_gateway(&self, s: &mut State, vnet: Id<VirtualNetwork>, user: bool, evidence: Evidence) -> Next {
        let table = &self.net.gateways;
        let used = &table.used_by[vnet.index()];
        if let (true, Some(unknown)) = (used.is_empty(), &table.use_unknown[vnet.index()]) {
            s.unknown(StepKind::Route, Cause::UnknownValue, unknown, evidence);
            return Next::End(End::Stopped);
        }
        let towards = table.towards(vnet, s.header.destination);
        let gateway = towards.first().map(|(b, _)| b.gateway).or_else(|| used.first().map(|(g, _)| *g));
        let Some(gateway) = gateway else {
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

    /// RT-15: a user-defined route to the gateway needs one of VPN, and none of ExpressRoute beside it.
    fn gateway_by_user(&self, s: &mut State, vnet: Id<VirtualNetwork>, evidence: &Evidence) {
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
    fn at_gateway(&self, s: &mut State, id: AttachmentId) -> Next {
        self.enter(s, id);
        self.gateway_subnet(s, id);
        if let AttachmentKind::Gateway(gateway) = self.net.attachment(id).kind {
            self.tunnel_family(s, gateway);
            self.fast_path(s, id, gateway);
            self.beyond_the_hub(s, id, gateway);
        }
        let row = self.net.attachment(id);
        if !self.is_behind_gateway(row.subnet, s.header.destination) {
            s.pass(StepKind::Forward, by(&[azure::RT_34]), || "the routes of GatewaySubnet decide".into());
        }
        self.route(s, row.subnet, Some(id))
    }

    /// The gateway that sends, if it is one.
    fn is_gateway(
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
    fn past_gateway(&self, s: &mut State, from: Option<AttachmentId>, inside: bool) -> Next {
        let Some((id, gateway)) = self.is_gateway(from) else { return Next::End(End::Stopped) };
        let destination = s.header.destination;
        let branches = self.branches_towards(id, gateway, destination);
        if let Some(branch) = branches.first().filter(|_| inside) {
            let evidence = of(self.net, Some(branch.owner), &[azure::GW_2, azure::GW_3]);
            let text = format!("{destination} lies behind this gateway");
            s.pass(StepKind::Forward, evidence, || text);
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

    /// The answer leaves by a gateway, to a branch.
    fn past_gateway_back(&self, s: &mut State, from: Option<AttachmentId>) -> Next {
        let Some((id, gateway)) = self.is_gateway(from) else { return Next::End(End::Stopped) };
        let branches = self.branches_towards(id, gateway, s.header.destination);
        // The branch that asked, where several announce the same.
        let asked = |b: &&&Branch| matches!((b.kind, &s.origin), (BranchKind::Site(a), Origin::Site(b, _)) if a == *b);
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

    /// ExpressRoute FastPath passes the gateway by, with exceptions that are not modelled (GW-5): where an answer
    /// leans on one of them it is not known.
    fn fast_path(
        &self,
        s: &mut State,
        id: AttachmentId,
        gateway: Id<crate::inventory::VirtualNetworkGateway>,
    ) {
        let inventory = &self.net.inventory;
        let over = |c: &&crate::inventory::Connection| {
            let mine = c.virtual_network_gateway1.known().and_then(|r| inventory.follow(r).row());
            mine == Some(gateway) && c.express_route_gateway_bypass.is(true)
        };
        if s.returning || !matches!(s.origin, super::question::Origin::Site(..)) {
            return;
        }
        let Some(connection) = inventory.connections.iter().find(over) else { return };
        let destination = s.header.destination;
        let row = self.net.attachment(id);
        let routed = match self.net.choose(row.subnet, destination) {
            Choice::Route(routes, _) => routes.iter().any(|r| r.source == RouteSource::User),
            _ => false,
        };
        let endpoint =
            self.net.attachments.iter().any(|a| {
                a.address == Some(destination) && matches!(a.kind, AttachmentKind::PrivateEndpoint(..))
            });
        if routed || endpoint {
            let why = "the connection uses FastPath, and whether the gateway's routes and private endpoints hold there is not modelled (GW-5)";
            let unknown = Unknown::new(connection.at, why);
            s.unknown(StepKind::Forward, Cause::UnsupportedResource, &unknown, by(&[]));
        }
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

    /// Inside a virtual network: who holds the destination?
    pub(super) fn inside(&self, s: &mut State, vnet: Id<VirtualNetwork>) -> Next {
        let destination = s.header.destination;
        if let Some(id) = self.net.at_address(vnet, destination) {
            return Next::Go(Place::Arrive(id));
        }
        let row = &self.net.inventory.virtual_networks[vnet];
        let evidence = of(self.net, Some(Slot { table: TableTag::VirtualNetwork, row: vnet.raw() }), &[]);
        let unaddressed = self.net.attachments.iter().find(|a| a.vnet == vnet && a.address.is_none());
        match self.net.subnet_of(vnet, destination) {
            Some(subnet) => {
                if let Some(other) = unaddressed.filter(|a| a.subnet == subnet && !s.returning) {
                    let unknown = Unknown::new(
                        other.at,
                        format!("`{}` may hold {destination}: its address is not known", other.name),
                    );
                    s.unknown(StepKind::Deliver, Cause::UnknownValue, &unknown, evidence);
                }
                self.enter_subnet(s, subnet)
            }
            None => {
                if let Some(unknown) = &self.net.vnet(vnet).space_unknown {
                    s.unknown(StepKind::Deliver, Cause::UnknownValue, unknown, evidence);
                } else {
                    let text = format!("no subnet of `{}` holds {destination}", row.id.name());
                    s.block(StepKind::Deliver, Cause::AddressNotInUse, evidence, text);
                }
                Next::End(End::Stopped)
            }
        }
    }

    /// To an address of a subnet that no resource holds: its subnet's group still decides.
    fn enter_subnet(&self, s: &mut State, subnet: Id<Subnet>) -> Next {
        let id = self.net.inventory.subnets[subnet].id.clone();
        let destination = s.header.destination;
        s.hop(HopKind::Subnet, id.full_name(), Some(id.clone()), Zone::Yours);
        self.filter_subnet(s, subnet, true);
        if self.net.subnet(subnet).role != SubnetRole::Ordinary && !s.returning {
            let text = format!("nothing of `{}` answers at {destination}", id.full_name());
            s.block(
                StepKind::Deliver,
                Cause::AddressNotInUse,
                Evidence { resource: Some(id), ..by(&[]) },
                text,
            );
            return Next::End(End::Stopped);
        }
        let kept = |prefix: &IpNet| is_reserved(prefix, destination);
        if !s.returning && self.net.inventory.subnets[subnet].address_prefixes.iter().any(kept) {
            let text = format!(
                "Azure keeps {destination} for itself: nothing answers there, and no broadcast is carried"
            );
            let evidence = Evidence { resource: Some(id), ..by(&[azure::PLAT_5, azure::PKT_8]) };
            s.block(StepKind::Deliver, Cause::AddressNotInUse, evidence, text);
            return Next::End(End::Stopped);
        }
        s.assume(
            None,
            format!(
                "something in `{}` holds {destination}, although no resource of the files does",
                id.full_name()
            ),
        );
        s.pass(StepKind::Deliver, Evidence { resource: Some(id), ..by(&[]) }, || {
            format!("delivered to the subnet of {destination}")
        });
        Next::End(End::Arrived(Terminal::Subnet(subnet), Disposition::DeliveredToSubnet))
    }

    /// At an attachment, as destination or as next hop.
    pub(super) fn arrive(&self, s: &mut State, id: AttachmentId) -> Next {
        let row = self.net.attachment(id);
        if s.returning {
            return self.arrive_back(s, id);
        }
        match row.kind {
            AttachmentKind::Gateway(_) => self.at_gateway(s, id),
            AttachmentKind::Firewall(firewall) => self.at_firewall(s, id, firewall),
            AttachmentKind::Frontend(balancer, frontend) => self.at_frontend(s, Some(id), balancer, frontend),
            AttachmentKind::ApplicationGateway(gateway) => self.at_application_gateway(s, Some(id), gateway),
            AttachmentKind::PrivateEndpoint(..) => self.at_private_endpoint(s, id),
            AttachmentKind::RouteServer(_) => {
                self.enter(s, id);
                let text = "a Route Server never forwards data";
                s.block(
                    StepKind::Forward,
                    Cause::NextHopNotForwarding,
                    of(self.net, Some(row.owner), &[azure::RS_1]),
                    text,
                );
                Next::End(End::Stopped)
            }
            AttachmentKind::Bastion(_) | AttachmentKind::Resolver(_) => self.at_platform_listener(s, id),
            _ => self.at_machine(s, id),
        }
    }

    /// A Bastion host or resolver endpoint: answers its own port and nothing else.
    fn at_platform_listener(&self, s: &mut State, id: AttachmentId) -> Next {
        self.enter(s, id);
        self.filter(s, id, true);
        let row = self.net.attachment(id);
        let resolver = matches!(row.kind, AttachmentKind::Resolver(_));
        let port = if resolver { 53 } else { 443 };
        let evidence =
            of(self.net, Some(row.owner), if resolver { &[azure::DNS_13] } else { &[azure::BAS_1] });
        let spoken = s.header.protocol == Protocol::Tcp || resolver && s.header.protocol == Protocol::Udp;
        if s.header.port != port || !spoken {
            let text = format!("`{}` answers port {port} only", row.name);
            s.block(StepKind::Deliver, Cause::NothingListens, evidence, text);
        } else {
            s.pass(StepKind::Deliver, evidence, || format!("`{}` answers", row.name));
        }
        Next::End(End::Arrived(Terminal::Attachment(id), Disposition::Accepted))
    }

    /// A machine: its own, or passed on.
    fn at_machine(&self, s: &mut State, id: AttachmentId) -> Next {
        self.enter(s, id);
        self.filter(s, id, true);
        let row = self.net.attachment(id);
        if row.address == Some(s.header.destination) {
            return self.deliver(s, id);
        }
        if self.floats(s, id) {
            let frontend = s.header.destination;
            s.assume(None, format!("`{}` has {frontend} on a loopback of its own (LB-7)", row.name));
            return self.deliver(s, id);
        }
        self.pass_on(s, id)
    }

    /// Whether a load balancer handed the packet on with its own frontend as the destination (LB-7).
    fn floats(&self, s: &State, id: AttachmentId) -> bool {
        let header = s.header;
        let from_balancer =
            s.sessions.last().is_some_and(|x| x.device == Device::Inbound(id) && x.outgoing == header);
        from_balancer && self.balancer_at(id, header.destination).is_some_and(|b| self.floats_to(b, id))
    }

    /// The load balancer whose frontend has an address, as seen from an attachment.
    fn balancer_at(&self, id: AttachmentId, ip: IpAddr) -> Option<Id<crate::inventory::LoadBalancer>> {
        let near = self.net.at_address(self.net.attachment(id).vnet, ip).map(|f| self.net.attachment(f).kind);
        match (near, self.net.by_public_address.get(&ip)) {
            (Some(AttachmentKind::Frontend(balancer, _)), _) => Some(balancer),
            (_, Some(crate::network::Occupant::Frontend(balancer, _))) => Some(*balancer),
            _ => None,
        }
    }

    fn deliver(&self, s: &mut State, id: AttachmentId) -> Next {
        let row = self.net.attachment(id);
        let listens = self.listens(id);
        let evidence = of(self.net, Some(row.owner), &[]);
        let port = s.header.port;
        let closed = listens.is_some_and(|l| !l.iter().any(|r| r.contains(port)));
        if closed && s.header.protocol.has_ports() {
            s.block(
                StepKind::Deliver,
                Cause::NothingListens,
                evidence,
                format!("`{}` does not listen on port {port}", row.name),
            );
        } else {
            if listens.is_none() && s.header.protocol.has_ports() {
                s.assume(
                    None,
                    format!("`{}` listens on port {port} and has no firewall of its own", row.name),
                );
            }
            s.pass(StepKind::Deliver, evidence, || format!("delivered to `{}`", row.name));
        }
        Next::End(End::Arrived(Terminal::Attachment(id), Disposition::Accepted))
    }

    /// The ports a machine is said to answer.
    fn listens(&self, id: AttachmentId) -> Option<&[crate::net::PortRange]> {
        let inventory = &self.net.inventory;
        let listens = match self.net.attachment(id).kind {
            AttachmentKind::Host(host) => &inventory.hosts[host].listens,
            AttachmentKind::Interface(nic) => &inventory.virtual_machines[self.machine(nic)?].listens,
            _ => return None,
        };
        listens.given.then_some(&listens.items[..])
    }

    fn machine(
        &self,
        nic: Id<crate::inventory::NetworkInterface>,
    ) -> Option<Id<crate::inventory::VirtualMachine>> {
        self.net.machines[nic.index()]
    }

    /// An appliance passes a packet on that is not addressed to it (RT-12, PKT-5).
    fn pass_on(&self, s: &mut State, id: AttachmentId) -> Next {
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
        let before = s.header;
        if let (true, Some(own)) = (translates, row.address) {
            let after = Header { source: own, ..before };
            s.rewrite(StepKind::Translate, after, of(self.net, Some(row.owner), &[]), || {
                format!("source becomes {own}")
            });
        }
        let outgoing = s.header;
        let name = row.name.to_string();
        s.sessions.push(Session {
            device: Device::Transit(id),
            incoming: before,
            outgoing,
            stateful: true,
            answered: false,
            name,
        });
        Next::Go(Place::Leave(id))
    }

    /// Next hop Internet: which method gives a public address (OUT-1), then into public space.
    fn outbound(&self, s: &mut State, subnet: Id<Subnet>, from: Option<AttachmentId>) -> Next {
        if s.returning {
            return self.outbound_back(s, from);
        }
        if s.header.destination.is_ipv4() && !self.net.is_public(s.header.destination) {
            let text = format!("{} is not a public address", s.header.destination);
            s.block(StepKind::Route, Cause::NoRoute, by(&[azure::TAG_5]), text);
            return Next::End(End::Stopped);
        }
        self.smtp(s);
        match self.outbound_method(s, subnet, from) {
            Some((public, evidence, text)) => {
                self.outbound_changed(s, from, public);
                let before = s.header;
                let after = Header { source: public, ..before };
                if let Some(id) = from {
                    let device = Device::Outbound(id);
                    let name = self.net.attachment(id).name.to_string();
                    s.sessions.push(Session {
                        device,
                        incoming: before,
                        outgoing: after,
                        stateful: true,
                        answered: false,
                        name,
                    });
                }
                s.rewrite(StepKind::Translate, after, evidence, || text);
                Next::Go(Place::Public)
            }
            None => Next::Go(Place::Public),
        }
    }

    /// TCP 25 to the internet (NSG-20).
    fn smtp(&self, s: &mut State) {
        let Header { protocol, port, .. } = s.header;
        let service =
            matches!(s.target, Some(Target::Service(..) | Target::WellKnown(_) | Target::Foreign(..)));
        if protocol != Protocol::Tcp || port != 25 || service {
            return;
        }
        match self.net.profile.smtp_blocked {
            Some(false) => s.assume(Some("smtpBlocked"), "the subscription may send mail on TCP 25"),
            Some(true) => {
                s.assume(Some("smtpBlocked"), "the subscription may not send mail on TCP 25");
                s.block_as(
                    StepKind::Filter,
                    Cause::SmtpBlocked,
                    Disposition::DeniedOut,
                    by(&[azure::NSG_20]),
                    "Azure blocks TCP 25 to the internet",
                );
            }
            None => {
                let unknown = Unknown::new(
                    crate::diag::At::NOWHERE,
                    "whether Azure blocks TCP 25 depends on the kind of subscription; set the knob smtpBlocked",
                );
                s.unknown(StepKind::Filter, Cause::SmtpBlocked, &unknown, by(&[azure::NSG_20]));
            }
        }
    }

    fn over_service_endpoint(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        service: &std::sync::Arc<str>,
    ) -> Next {
        self.check_endpoint_policy(s, subnet, service);
        if let Some(Target::Service(..) | Target::Foreign(..)) = s.target {
            return Next::Go(Place::AtService(Arrival::ServiceEndpoint(subnet, service.clone())));
        }
        s.hop(HopKind::Service, format!("{service} ({})", s.header.destination), None, Zone::Azure);
        s.assume(
            None,
            format!("which instance of {service} answers at {} is not asked", s.header.destination),
        );
        Next::End(End::Arrived(
            Terminal::Service(Arrival::ServiceEndpoint(subnet, service.clone())),
            Disposition::ExitsNetwork,
        ))
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

/// Whether the flow began here.
fn sends(s: &State, from: Option<AttachmentId>) -> bool {
    matches!((&s.origin, from), (Origin::Attachment(origin), Some(id)) if *origin == id)
}
