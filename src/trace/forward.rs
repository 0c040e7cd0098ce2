//! Forwarding: which route a subnet's table gives, and what its next hop does (RT, PEER, GW).

use super::engine::Walk;
use super::model::{Evidence, HopKind, StepKind, Zone};
use super::question::{Origin, Target};
use super::state::{Arrival, Device, End, Next, Place, State, Terminal, by, of};
use super::worlds::{Asked, Guess};
use super::{Cause, Disposition};
use crate::inventory::{Id, ResourceId, Slot, Subnet, TableTag, Unknown, VirtualNetwork};
use crate::net::Header;
use crate::net::{AddressSet, IpAddr, IpNet, Protocol};
use crate::network::{
    AttachmentId, AttachmentKind, Choice, EffectiveRoute, HOST_ADDRESS, Link, METADATA_ADDRESS, NextHop,
    RouteSource, SubnetRole, Tri, is_reserved,
};
use crate::profile::ForwardedTrafficMode;
use crate::rules::{self as azure, RuleId};

/// Unknown routes on one way that are looked at both ways.
pub(super) const MAX_GUESSES: usize = 4;

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
            self.cluster_denies(s, id);
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
        let at = Asked::Way(subnet, s.header.destination);
        let known = s.guesses.iter().find(|g| g.at == at).map(|g| g.way);
        if let Some(choice) = known.and_then(|way| ways.get(way)) {
            return self.follow(s, subnet, from, choice.clone());
        }
        let of = ways.len();
        let mut out = Vec::new();
        for (way, choice) in ways.into_iter().enumerate() {
            let mut branch = s.clone();
            branch.guesses.push(Guess { at: at.clone(), way, of });
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
        let vnet = self.net.ground(subnet).vnet;
        self.encrypted(s, vnet, hop);
        match hop {
            NextHop::None
                if route.source != RouteSource::User
                    && !s.returning
                    && self.announced_by(from, s.header.destination) =>
            {
                self.beyond_appliance(s, from, evidence, &text)
            }
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
            NextHop::VnetLocal
                if route.source == RouteSource::User && self.is_foreign(vnet, s.header.destination) =>
            {
                let mut evidence = evidence;
                evidence.rules.push(azure::RT_16);
                let name = self.net.inventory.virtual_networks[vnet].id.name();
                let text = format!(
                    "{text} keeps it in the virtual network `{name}`, which does not hold {}",
                    s.header.destination
                );
                s.block(StepKind::Route, Cause::AddressNotInUse, evidence, text);
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
            NextHop::Appliance(ips) if self.announced_it(s, from, route, ips) => {
                self.beyond_appliance(s, from, evidence, &text)
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
                self.default_of_hub(s, vnet, route);
                s.pass(StepKind::Route, evidence, || format!("{text} goes to the hub"));
                Next::Go(Place::Hub(*hub, false))
            }
        }
    }

    /// A hub's default route is taken by a connection that does not say otherwise; no page tells what Azure makes of
    /// one that does not say.
    fn default_of_hub(&self, s: &mut State, vnet: Id<VirtualNetwork>, route: &EffectiveRoute) {
        let default =
            matches!(&route.prefix, Some(crate::network::RoutePrefix::Net(net)) if net.prefix_len() == 0);
        let Some(connection) = self.net.hubs.connections[vnet.index()].as_ref().filter(|_| default) else {
            return;
        };
        let row = &self.net.inventory.hub_connections[connection.row];
        if row.enable_internet_security.is_absent() {
            s.assume(
                None,
                format!(
                    "`{}` takes the hub's default route, for it does not say enableInternetSecurity",
                    row.id.full_name()
                ),
            );
        }
    }

    /// A network that drops what is not encrypted carries between machines that can encrypt; which can is not modelled
    /// (D-16).
    fn encrypted(&self, s: &mut State, vnet: Id<VirtualNetwork>, hop: &NextHop) {
        let other = match hop {
            NextHop::VnetLocal => vnet,
            NextHop::Peering { remote, .. } | NextHop::ConnectedGroup(remote) => *remote,
            _ => return,
        };
        let Some(strict) = [vnet, other].into_iter().find(|v| self.net.drops_unencrypted(*v)) else { return };
        let row = &self.net.inventory.virtual_networks[strict];
        let slot = Slot { table: TableTag::VirtualNetwork, row: strict.raw() };
        let why = format!("`{}` drops what is not encrypted, which is not modelled", row.id.name());
        let unknown = Unknown::new(row.at, why);
        s.unknown(StepKind::Route, Cause::UnsupportedResource, &unknown, of(self.net, Some(slot), &[]));
    }

    /// Whether an address is in no space of a network, as far as that is told.
    fn is_foreign(&self, vnet: Id<VirtualNetwork>, ip: IpAddr) -> bool {
        let row = self.net.vnet(vnet);
        !row.space.contains(ip) && row.space_unknown.is_none() && self.net.at_address(vnet, ip).is_none()
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
        let own = self.net.ground(subnet).vnet;
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
        let vnet = self.net.ground(subnet).vnet;
        let Some(link) = self.net.vnet(vnet).links.get(position) else { return Next::End(End::Stopped) };
        self.cross(s, subnet, link);
        Next::Go(Place::Inside(remote))
    }

    /// To what stands in another network, over the peering that joins it.
    pub(super) fn cross_to(&self, s: &mut State, subnet: Id<Subnet>, id: AttachmentId) {
        let (from, to) = (self.net.ground(subnet).vnet, self.net.attachment(id).vnet);
        let mut links = self.net.vnet(from).links.iter().filter(|l| l.usable == Tri::Yes);
        if let Some(link) = links.find(|l| from != to && l.remote == Some(to)) {
            self.cross(s, subnet, link);
        }
    }

    /// Over a peering: whether the subnet takes part (PEER-10), and what the other side takes in (PEER-6).
    fn cross(&self, s: &mut State, subnet: Id<Subnet>, link: &Link) {
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
        self.check_forwarded(s, self.net.ground(subnet).vnet, link.reverse);
    }

    /// PEER-6: the receiver's side of the link decides about what the sender's side only forwards.
    fn check_forwarded(
        &self,
        s: &mut State,
        from: Id<VirtualNetwork>,
        reverse: Option<Id<crate::inventory::VirtualNetworkPeering>>,
    ) {
        let Some(reverse) = reverse else { return };
        let source = s.header.source;
        let forwarded = !self.net.vnet(from).space.contains(source);
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
        if self.net.ground(subnet).role != SubnetRole::Ordinary && !s.returning {
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
        if self.is_stale(s, &id) {
            return Next::End(End::Stopped);
        }
        if self.is_other_network(s, self.net.subnet(subnet).vnet, Some(id.clone())) {
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

    /// Whether a name led to an address that is none of its service's private endpoints, and nothing's that the files
    /// know: a record that outlived its endpoint, or an endpoint that is in none of the files (PE-2, PE-8).
    fn is_stale(&self, s: &mut State, subnet: &crate::inventory::ResourceId) -> bool {
        let Some(Target::Service(service, _)) = s.target else { return false };
        let row = &self.net.inventory.services[service];
        if s.returning || !self.has_endpoint(row) {
            return false;
        }
        let Some(host) = s.host.clone() else { return false };
        let why = format!(
            "what holds {} in `{}`, to which `{host}` leads: no private endpoint of `{}` in the files does",
            s.header.destination,
            subnet.full_name(),
            row.id.name()
        );
        s.unknown(
            StepKind::Deliver,
            Cause::UnknownValue,
            &Unknown::new(row.at, why),
            by(&[azure::PE_2, azure::PE_8]),
        );
        true
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
        // Where the balancer spreads, it has left a session for each backend; this branch is that of one of them.
        let mut handed_on = s.sessions.iter().rev().take_while(|x| matches!(x.device, Device::Inbound(_)));
        let from_balancer = handed_on.any(|x| x.device == Device::Inbound(id) && x.outgoing == header);
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
        if self.is_other_network(s, row.vnet, self.net.inventory.id_of(row.owner).cloned()) {
            return Next::End(End::Stopped);
        }
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

    /// Where address spaces overlap, an address leads to whoever bears it near the sender: a target of the same address in
    /// another network is not reached (PEER-2, RT-5).
    fn is_other_network(
        &self,
        s: &mut State,
        here: Id<VirtualNetwork>,
        evidence: Option<ResourceId>,
    ) -> bool {
        let Some(Target::Attachment(wanted)) = s.target else { return false };
        let target = self.net.attachment(wanted);
        if s.returning || target.vnet == here || target.address != Some(s.header.destination) {
            return false;
        }
        let vnets = &self.net.inventory.virtual_networks;
        let text = format!(
            "{} leads to the network `{}` from there, and `{}` bears it in `{}`, whose addresses overlap",
            s.header.destination,
            vnets[here].id.name(),
            target.name,
            vnets[target.vnet].id.name()
        );
        let evidence = Evidence { resource: evidence, ..by(&[azure::PEER_2, azure::RT_5]) };
        s.block(StepKind::Deliver, Cause::PrivateOnlyTarget, evidence, text);
        true
    }

    /// The ports a machine is said to answer.
    pub(super) fn listens(&self, id: AttachmentId) -> Option<&[crate::net::PortRange]> {
        let inventory = &self.net.inventory;
        let listens = match self.net.attachment(id).kind {
            AttachmentKind::Host(host) => &inventory.hosts[host].listens,
            AttachmentKind::Interface(nic) => &inventory.virtual_machines[self.machine(nic)?].listens,
            _ => return None,
        };
        listens.given.then_some(&listens.items[..])
    }

    pub(super) fn machine(
        &self,
        nic: Id<crate::inventory::NetworkInterface>,
    ) -> Option<Id<crate::inventory::VirtualMachine>> {
        self.net.machines[nic.index()]
    }

    /// Next hop Internet: which method gives a public address (OUT-1), then into public space.
    fn outbound(&self, s: &mut State, subnet: Id<Subnet>, from: Option<AttachmentId>) -> Next {
        if s.returning {
            return self.outbound_back(s, from);
        }
        if s.header.destination.is_ipv4() && !self.net.is_public(s.header.destination) {
            if self.announced_by(from, s.header.destination) {
                let text = s.header.destination.to_string();
                return self.beyond_appliance(s, from, by(&[azure::RS_1]), &text);
            }
            let text = format!("{} is not a public address", s.header.destination);
            s.block(StepKind::Route, Cause::NoRoute, by(&[azure::TAG_5]), text);
            return Next::End(End::Stopped);
        }
        self.smtp(s);
        self.left_untranslated(s, from);
        self.may_meet_policy(s, subnet);
        s.other_sources = AddressSet::empty();
        match self.outbound_method(s, subnet, from) {
            Some((public, evidence, text)) => {
                self.sends_for_others(s, from);
                self.outbound_changed(s, from, public, evidence.rules.contains(&azure::NAT_1));
                let before = s.header;
                let after = Header { source: public, ..before };
                if let Some(id) = from {
                    s.remember(Device::Outbound(id), before, after, &self.net.attachment(id).name);
                }
                s.rewrite(StepKind::Translate, after, evidence, || text);
                Next::Go(Place::Public)
            }
            None => Next::Go(Place::Public),
        }
    }

    /// An account of which no file tells the region may be one to which the subnet's service endpoint leads, and then the
    /// policies of the subnet speak of it (SE-5, SEP-1, SEP-3).
    fn may_meet_policy(&self, s: &mut State, subnet: Id<Subnet>) {
        let Some(Target::Foreign(kind, name)) = &s.target else { return };
        let row = &self.net.inventory.subnets[subnet];
        let near = row.service_endpoints.iter().any(|e| e.service.eq_ignore_ascii_case("Microsoft.Storage"));
        if kind.service_endpoint != Some("Microsoft.Storage")
            || row.service_endpoint_policies.is_empty()
            || !near
        {
            return;
        }
        let why = format!(
            "the region of the storage account `{name}`, which is in none of the files: in that of `{}` or its pair, the service endpoint policies of the subnet speak of it",
            row.id.full_name()
        );
        let evidence = of(
            self.net,
            Some(Slot { table: TableTag::Subnet, row: subnet.raw() }),
            &[azure::SEP_3, azure::SE_5],
        );
        s.unknown(StepKind::Filter, Cause::UnknownValue, &Unknown::new(row.at, why), evidence);
    }

    /// A machine that passes on what others send without translating it: only what bears its own address is known to
    /// get a public one (NAT-6).
    fn sends_for_others(&self, s: &mut State, from: Option<AttachmentId>) {
        let Some(id) = from else { return };
        let row = self.net.attachment(id);
        let machine = matches!(
            row.kind,
            AttachmentKind::Interface(_) | AttachmentKind::Host(_) | AttachmentKind::ScaleSet(_)
        );
        if !machine || row.address == Some(s.header.source) {
            return;
        }
        let source = s.header.source;
        s.note(StepKind::Translate, by(&[azure::NAT_6]), || {
            format!("the packet bears {source}, which is not the address of `{}`", row.name)
        });
        s.assume(
            None,
            format!("`{}` translates what it passes on to the internet to its own address (NAT-6)", row.name),
        );
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

/// Whether the flow began here.
fn sends(s: &State, from: Option<AttachmentId>) -> bool {
    matches!((&s.origin, from), (Origin::Attachment(origin), Some(id)) if *origin == id)
}
