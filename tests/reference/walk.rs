//! The way there: from a sender, hop by hop, to whatever takes the packet.

use super::edge;
use super::facts::{Bound, Facts, Holder, ip, is_public, metadata, platform};
use super::filters::{Packet, inbound, outbound};
use super::firewall::{self, Pass};
use super::names::{self, Asker, resolve_in};
use super::routes::{Chosen, Hop, behind, choose, sites_gateways};
use super::wan;
use super::worlds::{Stop, Why, Worlds};
use netwhy::inventory::{
    AnyKind, ApplicationGateway, GatewayType, Id, LoadBalancer, LoadBalancingRule, OnPremisesSite,
    PlatformService, PublicIpAddress, Ref, ResourceId, Sku, Slot, Subnet, TableTag, VirtualHub,
    VirtualNetwork, VirtualNetworkGateway,
};
use netwhy::net::{IpAddr, IpNet, Protocol, ProtocolMatch};
use netwhy::network::AttachmentKind;
use netwhy::profile::ForwardedTrafficMode;
use netwhy::trace::Cause;

/// The source port of flows that do not say one.
pub(crate) const EPHEMERAL: u16 = 50000;

/// The address that stands for a client of the public internet.
pub(crate) fn internet_address() -> IpAddr {
    netwhy::trace::INTERNET_CLIENT
}

/// The address that stands for what default outbound access gives, and others that nobody can know.
fn some_public_address() -> IpAddr {
    ip("198.51.100.200")
}

/// The prefix of a virtual network that holds an address.
fn network_prefix_of(f: &Facts, address: u32) -> Option<ipnet::Ipv4Net> {
    let prefixes = f.inv.virtual_networks.iter().flat_map(|v| v.address_prefixes.iter());
    let mut v4 = prefixes.filter_map(|p| if let IpNet::V4(p) = p { Some(*p) } else { None });
    v4.find(|p| p.contains(&std::net::Ipv4Addr::from(address)))
}

/// The address that stands for any host of a site.
pub(crate) fn site_address(f: &Facts, site: Id<OnPremisesSite>) -> IpAddr {
    let row = &f.inv.on_premises_sites[site];
    let host = row.hosts.iter().find_map(|h| h.ip_address.known().copied());
    let prefixes = row.address_prefixes.iter().filter(|p| p.prefix_len() >= 8);
    let first = prefixes.into_iter().find_map(|p| match p {
        IpNet::V4(p) => {
            let mut address = u32::from(p.network()) + 4;
            // Not one that a virtual network holds, which a wide range may cover.
            while let Some(held) = network_prefix_of(f, address) {
                address = u32::from(held.broadcast()).checked_add(5)?;
            }
            p.contains(&std::net::Ipv4Addr::from(address)).then(|| IpAddr::V4(address.into()))
        }
        IpNet::V6(_) => None,
    });
    host.or(first).unwrap_or_else(internet_address)
}

/// Where a flow starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    Holder(usize),
    Site(Id<OnPremisesSite>),
    Internet,
}

/// What the question is about, beside the packet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    /// The name in the request.
    pub(crate) host: Option<String>,
    /// The service and endpoint that the name means.
    pub(crate) service: Option<(Id<PlatformService>, usize)>,
    /// The Front Door endpoint that the name means.
    pub(crate) door: Option<Id<netwhy::inventory::FrontDoorEndpoint>>,
    /// The name by which what is asked knows itself.
    pub(crate) asked: Option<String>,
    /// What is meant stands inside a virtual network, whatever its address looks like outside.
    pub(crate) inside: bool,
}

impl Call {
    /// What a name means: itself, else the last of its aliases.
    pub(crate) fn about(f: &Facts, host: String, named: &super::names::Named) -> Self {
        use super::tracer::service_of;
        let service = service_of(f, &host).or_else(|| service_of(f, &named.last));
        let door = edge::door_of(f, &host).or_else(|| edge::door_of(f, &named.last));
        let told = |name: &str| {
            let mut all = f.inv.internet_hosts.iter().flat_map(|h| h.names.iter());
            all.any(|own| netwhy::services::name_matches(own, name))
        };
        let asked = if told(&host) { host.clone() } else { named.last.clone() };
        Self { host: Some(host), service, door, asked: Some(asked), inside: false }
    }

    /// A packet and nothing more.
    pub(crate) fn bare() -> Self {
        Self::default()
    }
}

/// Who takes the packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arrival {
    /// A machine in a subnet.
    Guest(usize),
    /// An address of a subnet that nothing in the files holds.
    Vacant(Holder),
    /// A private endpoint.
    Endpoint(usize),
    /// A firewall's DNS proxy.
    Proxy(usize),
    /// The public internet, or a service's public endpoint.
    Outside,
    /// A service, over the service endpoint of this subnet.
    ServiceEndpoint(Id<Subnet>),
    /// A host of an on-premises site.
    Site(Id<OnPremisesSite>),
    /// Somebody behind this gateway, of whom only the prefix is known.
    Beyond(usize),
    /// The platform's own addresses.
    Platform,
    /// Behind Front Door, over a private link.
    Edge,
}

/// What remembers a flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mark {
    /// A firewall or appliance.
    Device(usize),
    /// The translation of whoever left to the internet.
    Exit(usize),
    /// The internet line of a site.
    Line(Id<OnPremisesSite>),
    /// The firewall of a Virtual WAN hub.
    Hub(Id<VirtualHub>),
    /// Front Door.
    Edge,
    /// What leads to this holder from a public address or a load balancer; its host undoes it.
    Front(usize),
}

/// State on the way: the answer must come back through it (ASYM-1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) mark: Mark,
    pub(crate) before: Packet,
    pub(crate) after: Packet,
    pub(crate) answered: bool,
}

/// The way a packet took.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) start: Start,
    pub(crate) first: Packet,
    pub(crate) records: Vec<Record>,
    pub(crate) arrival: Arrival,
    /// As it arrived.
    pub(crate) last: Packet,
    /// The network it left Azure's private space from, where it did.
    pub(crate) left: Option<Id<VirtualNetwork>>,
    /// It left by a NAT gateway whose address no file tells.
    pub(crate) nameless: bool,
    /// The service that Front Door leads to.
    pub(crate) origin: Option<(Id<PlatformService>, usize)>,
    /// What an application gateway on the way asked for in its turn, and what that name gave.
    pub(crate) proxied: Option<(Call, Option<super::names::Named>)>,
}

struct Walk<'a, 'b> {
    f: &'b Facts<'a>,
    w: &'b Worlds,
    call: Call,
    way: Way,
    seen: Vec<(usize, Packet)>,
    hubs: Vec<(Id<VirtualHub>, bool, Packet)>,
}

fn stop<T>(cause: Cause, decider: Option<String>) -> Result<T, Stop> {
    Err(Stop { cause, decider })
}

/// Carries a packet from where it starts.
pub(crate) fn carry(f: &Facts, w: &Worlds, start: Start, packet: Packet, call: &Call) -> Result<Way, Stop> {
    let way = Way {
        start,
        first: packet,
        records: Vec::new(),
        arrival: Arrival::Outside,
        last: packet,
        left: None,
        nameless: false,
        origin: None,
        proxied: None,
    };
    let mut walk = Walk { f, w, call: call.clone(), way, seen: Vec::new(), hubs: Vec::new() };
    let (arrival, last) = match start {
        Start::Holder(place) => walk.leave(place, packet)?,
        Start::Site(site) => walk.at_site(site, packet)?,
        Start::Internet => walk.from_internet(packet)?,
    };
    walk.way.arrival = arrival;
    walk.way.last = last;
    Ok(walk.way)
}

type Done = Result<(Arrival, Packet), Stop>;

impl Walk<'_, '_> {
    fn holder(&self, place: usize) -> Holder {
        self.f.holders[place]
    }

    fn record(&mut self, mark: Mark, before: Packet, after: Packet) {
        self.way.records.push(Record { mark, before, after, answered: false });
    }

    fn name(&self, place: usize) -> Option<String> {
        self.f.owner(&self.holder(place)).map(|id| id.full_name())
    }

    /// PKT-3: out of an interface: filters, then routes.
    fn leave(&mut self, place: usize, packet: Packet) -> Done {
        let holder = self.holder(place);
        // PKT-8: what a virtual network does not carry at all.
        let multicast = packet.destination.is_multicast() || packet.destination == ip("255.255.255.255");
        if multicast || (packet.protocol == Protocol::Udp && packet.source_port == 65330) {
            return stop(Cause::PlatformProtocol, None);
        }
        if let (AttachmentKind::Bastion(bastion), Start::Holder(start)) = (holder.kind, self.way.start)
            && start == place
        {
            self.session(bastion, &packet)?;
        }
        outbound(self.f, self.w, &holder, &packet)?;
        // PLAT-2: no route and no appliance has a part in this.
        if [platform(), metadata()].contains(&packet.destination) {
            return Ok((Arrival::Platform, packet));
        }
        self.route(place, packet)
    }

    /// BAS-1: RDP and SSH, to other ports from the Standard SKU up.
    fn session(&self, bastion: Id<netwhy::inventory::BastionHost>, packet: &Packet) -> Result<(), Stop> {
        let row = &self.f.inv.bastion_hosts[bastion];
        let closed = Err(Stop { cause: Cause::BastionPort, decider: Some(row.id.full_name()) });
        let (tcp, port) = (packet.protocol == Protocol::Tcp, packet.port);
        match row.sku.known().map(|sku| &**sku) {
            _ if is_public(packet.destination) || tcp && (port == 22 || port == 3389) => Ok(()),
            _ if !tcp => closed,
            Some("Standard" | "Premium") => Ok(()),
            Some("Basic" | "Developer") => closed,
            _ if self.w.maybe(Cause::UnknownValue) => Err(Stop::supposed(Cause::UnknownValue)),
            _ => Ok(()),
        }
    }

    fn route(&mut self, place: usize, packet: Packet) -> Done {
        let route = self.chosen(place, packet)?;
        self.follow(place, packet, route)
    }

    fn chosen(&mut self, place: usize, packet: Packet) -> Result<Chosen, Stop> {
        let holder = self.holder(place);
        // RT-14: the same packet at the same place.
        if self.seen.contains(&(place, packet)) {
            return stop(Cause::RoutingLoop, None);
        }
        self.seen.push((place, packet));
        choose(self.f, self.w, holder.subnet, packet.destination)
    }

    fn follow(&mut self, place: usize, packet: Packet, route: Chosen) -> Done {
        let holder = self.holder(place);
        match route.hop.clone() {
            Hop::Drop if route.user => stop(Cause::UdrNone, route.decider),
            Hop::Drop => match broken_peering(self.f, &holder, packet) {
                None => stop(Cause::SystemRouteNone, route.decider),
                named => stop(Cause::PeeringNotConnected, named),
            },
            // RT-16: the route keeps it in a network that does not hold it.
            Hop::Local if route.user && !self.f.in_vnet(holder.vnet, packet.destination) => {
                stop(Cause::AddressNotInUse, route.decider)
            }
            Hop::Local => self.land(holder.vnet, packet),
            Hop::Peer(vnet) => {
                self.cross(&holder, vnet, &packet)?;
                self.land(vnet, packet)
            }
            Hop::Endpoint(there) => {
                let vnet = self.holder(there).vnet;
                self.cross(&holder, vnet, &packet)?;
                self.arrive(there, packet, false)
            }
            Hop::Group(vnet) => self.land(vnet, packet),
            Hop::Hub(hub) => self.at_hub(hub, packet, false),
            Hop::Internet => self.exit(place, packet),
            Hop::ServiceEndpoint(endpoint) => {
                self.policies(&holder, &endpoint)?;
                // SE-3: what is forwarded for others carries no identity of this subnet unless translated.
                Ok((Arrival::ServiceEndpoint(holder.subnet), packet))
            }
            // RS-1: what an appliance announced itself it carries on by a way of its own.
            Hop::Appliance(_)
                if !route.user
                    && route.length >= 8
                    && holder.ip.is_some_and(|own| route.all.contains(&Hop::Appliance(own))) =>
            {
                Ok((Arrival::Beyond(place), packet))
            }
            Hop::Appliance(next) => self.to_appliance(place, packet, next, route),
            Hop::Gateway(gateways) => self.to_gateway(&holder, packet, gateways, route),
        }
    }

    /// SEP-1, SEP-2: what the subnet's service endpoint policies list; none listed means all.
    fn policies(&self, holder: &Holder, endpoint: &str) -> Result<(), Stop> {
        let f = self.f;
        let subnet = &f.inv.subnets[holder.subnet];
        // Whose account it is without a resource here is somebody else's, which nothing lists.
        let id = self.call.service.map(|(service, _)| f.inv.services[service].id.clone());
        let policies: Vec<_> =
            subnet.service_endpoint_policies.iter().filter_map(|r| f.inv.follow(r).row()).collect();
        let storage = endpoint.to_ascii_lowercase().starts_with("microsoft.storage");
        let listed = policies.iter().flat_map(|p| f.inv.service_endpoint_policies[*p].definitions.iter());
        let allowed = id.is_some_and(|id| {
            listed.into_iter().flat_map(|d| d.service_resources.iter()).any(|r| id.is_within(r))
        });
        match policies.first() {
            Some(first) if storage && !allowed => {
                let decider = Some(f.inv.service_endpoint_policies[*first].id.full_name());
                stop(Cause::ServiceEndpointPolicyDeny, decider)
            }
            _ => Ok(()),
        }
    }

    /// PEER-10, and PEER-6 where the profile takes `allowForwardedTraffic` as a real block.
    fn cross(&self, from: &Holder, to: Id<VirtualNetwork>, packet: &Packet) -> Result<(), Stop> {
        let f = self.f;
        if let Some(peering) = f.left_out(from.subnet, to).filter(|_| from.vnet != to) {
            return stop(Cause::SubnetPeeringOutside, Some(peering));
        }
        let forwarded = !f.in_vnet(from.vnet, packet.source);
        let gateway = matches!(from.kind, AttachmentKind::Gateway(_));
        if from.vnet == to
            || !forwarded
            || gateway
            || f.profile.forwarded_traffic_mode == ForwardedTrafficMode::TagOnly
        {
            return Ok(());
        }
        let side = f.peers(to).into_iter().find(|(peer, _)| *peer == from.vnet).map(|(_, side)| side);
        match side {
            Some(side) if !side.row.allow_forwarded_traffic.is(true) => {
                stop(Cause::ForwardedTrafficDropped, Some(side.row.id.full_name()))
            }
            _ => Ok(()),
        }
    }

    /// Inside a virtual network: whoever holds the address.
    fn land(&mut self, vnet: Id<VirtualNetwork>, packet: Packet) -> Done {
        if let Some(place) = self.f.holder_at(vnet, packet.destination) {
            return self.arrive(place, packet, false);
        }
        // The files may not be complete: the subnet takes it.
        let Some(vacant) = self.f.vacant(vnet, packet.destination) else {
            return stop(Cause::AddressNotInUse, Some(self.f.inv.virtual_networks[vnet].id.full_name()));
        };
        inbound(self.f, self.w, &vacant, &packet, false)?;
        // PLAT-5: Azure keeps the first four addresses of a subnet and the last one.
        if kept_by_azure(&self.f.inv.subnets[vacant.subnet], packet.destination) {
            return stop(Cause::AddressNotInUse, Some(self.f.inv.subnets[vacant.subnet].id.full_name()));
        }
        // PE-2, PE-8: a record that outlived the endpoint, or an endpoint of which no file tells.
        let meant = self.call.service.filter(|_| self.call.host.is_some());
        if meant.is_some_and(|(service, _)| names::has_endpoint(self.f, service)) {
            return stop(Cause::UnknownValue, None);
        }
        Ok((Arrival::Vacant(vacant), packet))
    }

    /// PKT-4: at the holder of the destination address.
    fn arrive(&mut self, place: usize, packet: Packet, closed: bool) -> Done {
        let holder = self.holder(place);
        self.there(place)?;
        match holder.kind {
            AttachmentKind::Frontend(balancer, number) => {
                self.basic_across_peering(balancer, &holder)?;
                self.balance(balancer, usize::from(number), packet, None)
            }
            AttachmentKind::Firewall(id) => {
                if packet.port == 53
                    && packet.protocol.has_ports()
                    && firewall::proxy_servers(self.f, id).is_some()
                {
                    return Ok((Arrival::Proxy(place), packet));
                }
                self.dnat(place, id, packet)
            }
            AttachmentKind::PrivateEndpoint(..) => {
                inbound(self.f, self.w, &holder, &packet, false)?;
                Ok((Arrival::Endpoint(place), packet))
            }
            AttachmentKind::ApplicationGateway(id) => self.at_application_gateway(place, id, packet),
            // They answer their own port and nothing else.
            AttachmentKind::Bastion(_) | AttachmentKind::Resolver(_) => {
                inbound(self.f, self.w, &holder, &packet, false)?;
                let bastion = matches!(holder.kind, AttachmentKind::Bastion(_));
                let open = match bastion {
                    true => packet.protocol == Protocol::Tcp && packet.port == 443,
                    false => packet.protocol.has_ports() && packet.port == 53,
                };
                match open {
                    true => Ok((Arrival::Guest(place), packet)),
                    false => stop(Cause::NothingListens, self.name(place)),
                }
            }
            // RS-1.
            AttachmentKind::RouteServer(_) => stop(Cause::NextHopNotForwarding, self.name(place)),
            _ => {
                inbound(self.f, self.w, &holder, &packet, closed)?;
                if packet.protocol.has_ports() && !self.f.listens(&holder, packet.port) {
                    return stop(Cause::NothingListens, self.name(place));
                }
                Ok((Arrival::Guest(place), packet))
            }
        }
    }

    /// AGW-1: a listener takes the request, and a flow of the gateway's own goes to a backend.
    fn at_application_gateway(&mut self, place: usize, id: Id<ApplicationGateway>, packet: Packet) -> Done {
        let host = self.call.host.as_deref();
        let (after, named) = edge::through_gateway(self.f, self.w, id, place, &packet, host)?;
        // The backend's name is what it asks for; without one it passes the client's on.
        self.call = match &named {
            Some((name, named)) => Call::about(self.f, name.clone(), named),
            None => Call { host: self.call.host.clone(), ..Call::bare() },
        };
        self.way.proxied = Some((self.call.clone(), named.map(|(_, named)| named)));
        self.record(Mark::Device(place), packet, after);
        self.leave(place, after)
    }

    /// VWAN-8 to VWAN-10: through the firewall that the hub's policy names, then by its table.
    fn at_hub(&mut self, hub: Id<VirtualHub>, packet: Packet, inspected: bool) -> Done {
        let f = self.f;
        // RT-14.
        let seen = (hub, inspected, packet);
        if self.hubs.contains(&seen) {
            return stop(Cause::RoutingLoop, None);
        }
        self.hubs.push(seen);
        let private = wan::is_private(packet.destination);
        match (wan::inspecting(f, hub, packet.destination), inspected) {
            (Some(firewall), false) => {
                let pass = firewall::filter(f, self.w, 0, firewall, &packet, self.call.host.as_deref())?;
                // FW-19: towards what is private it is a proxy for application rules.
                let translate = pass != Pass::Network { translate: false };
                let own = f.inv.azure_firewalls[firewall].hub_private_ip_address.known().copied();
                let mut after = packet;
                if let (true, true, Some(own)) = (private, translate, own) {
                    after.source = own;
                }
                self.record(Mark::Hub(hub), packet, after);
                return self.at_hub(hub, after, true);
            }
            (Some(_), true) if !private => {
                let cloud = f.tags.find("AzureCloud").and_then(|t| f.tags.representative(t));
                let after = Packet { source: cloud.unwrap_or_else(internet_address), ..packet };
                self.record(Mark::Hub(hub), packet, after);
                return self.outside(after);
            }
            _ => {}
        }
        match wan::towards(f, hub, packet.destination, inspected) {
            None => stop(Cause::NoRoute, Some(f.inv.virtual_hubs[hub].id.full_name())),
            Some(wan::Known::Spoke(vnet, home)) if home == hub => self.land(vnet, packet),
            Some(wan::Known::Site(site, home)) if home == hub => self.at_site(site, packet),
            Some(wan::Known::Spoke(_, home) | wan::Known::Site(_, home)) => self.at_hub(home, packet, false),
        }
    }

    /// AFD-1: Front Door opens a flow of its own to the origin.
    fn at_front_door(&mut self, door: Id<netwhy::inventory::FrontDoorEndpoint>, packet: Packet) -> Done {
        if packet.protocol != Protocol::Tcp || !matches!(packet.port, 80 | 443) {
            let decider = Some(self.f.inv.front_door_endpoints[door].id.full_name());
            return stop(Cause::NothingListens, decider);
        }
        if self.call.host.as_deref().is_some_and(|h| edge::door_of(self.f, h) != Some(door)) {
            // AFD-1: a name of one's own is served where it is registered.
            let decider = Some(self.f.inv.front_door_endpoints[door].id.full_name());
            return stop(Cause::FrontDoorHostUnknown, decider);
        }
        match edge::origin(self.f, door, packet.port)? {
            edge::Origin::Private => Ok((Arrival::Edge, packet)),
            edge::Origin::Public { host, port, service } => {
                let named = super::names::public_name(self.f, &host)?;
                let (destination, service) =
                    (named.ip, service.or_else(|| super::tracer::service_of(self.f, &named.last)));
                let source = edge::backend(self.f).unwrap_or(packet.source);
                let after = Packet { source, destination, port, ..packet };
                self.record(Mark::Edge, packet, after);
                self.way.origin = service;
                self.way.left = None;
                Ok((Arrival::Outside, after))
            }
        }
    }

    /// RT-11 to RT-13.
    fn to_appliance(&mut self, place: usize, packet: Packet, next: IpAddr, route: Chosen) -> Done {
        let holder = self.holder(place);
        let mut near = vec![holder.vnet];
        near.extend(self.f.peers(holder.vnet).into_iter().map(|(peer, _)| peer));
        let Some(there) = near.iter().find_map(|v| self.f.holder_at(*v, next)) else {
            // An appliance in a subnet within reach that is in none of the files.
            return match near.iter().any(|v| self.f.vacant(*v, next).is_some()) {
                true => stop(Cause::DanglingReference, None),
                false => stop(Cause::NextHopUnreachable, route.decider),
            };
        };
        self.cross(&holder, self.holder(there).vnet, &packet)?;
        if self.holder(there).ip == Some(packet.destination) {
            return self.arrive(there, packet, false);
        }
        self.pass(there, packet, route)
    }

    /// What may not be deployed takes nothing in one of the worlds; the sender is there, or nobody would ask.
    fn there(&self, place: usize) -> Result<(), Stop> {
        let lacks = self.way.start != Start::Holder(place) && self.f.may_lack(&self.holder(place));
        match lacks && self.w.maybe(Cause::UncertainResource) {
            true => Err(Stop::supposed(Cause::UncertainResource)),
            false => Ok(()),
        }
    }

    /// PKT-5: an appliance is a full destination followed by a full source.
    fn pass(&mut self, place: usize, packet: Packet, route: Chosen) -> Done {
        let holder = self.holder(place);
        self.there(place)?;
        match holder.kind {
            AttachmentKind::Firewall(id) => self.through_firewall(place, id, packet),
            AttachmentKind::Frontend(balancer, number) => {
                self.basic_across_peering(balancer, &holder)?;
                self.balance(balancer, usize::from(number), packet, Some(route))
            }
            _ => {
                inbound(self.f, self.w, &holder, &packet, false)?;
                // RT-12.
                if !self.f.forwards(&holder) {
                    return stop(Cause::NextHopNotForwarding, self.name(place));
                }
                // PKT-5: no file tells by which of its interfaces a guest sends on.
                let exits = self.f.interfaces_of_machine(place);
                let exit = exits[self.w.pick(Why::Unknown(Cause::UnknownValue), exits.len())];
                let mut after = packet;
                if let (true, Some(own)) = (self.f.translates(&holder), self.holder(exit).ip) {
                    after.source = own;
                }
                self.record(Mark::Device(place), packet, after);
                self.leave(exit, after)
            }
        }
    }

    /// FW-2: in transit.
    fn through_firewall(
        &mut self,
        place: usize,
        id: Id<netwhy::inventory::AzureFirewall>,
        packet: Packet,
    ) -> Done {
        let pass = firewall::filter(self.f, self.w, place, id, &packet, self.call.host.as_deref())?;
        let mut after = packet;
        let own = self.holder(place).ip;
        let translate = pass != Pass::Network { translate: false };
        if let (true, Some(own)) = (translate, own) {
            after.source = own;
        }
        if let (Pass::Application { http: true }, Some(host)) = (pass, self.call.host.clone()) {
            let named = resolve_in(self.f, self.w, Asker::Holder(place), &host)?;
            if named.ip != after.destination {
                after.destination = named.ip;
                self.way.proxied = Some((self.call.clone(), Some(named)));
            }
        }
        self.record(Mark::Device(place), packet, after);
        self.route(place, after)
    }

    /// FW-8: addressed to the firewall. PKT-9: the target sees the firewall's private address.
    fn dnat(&mut self, place: usize, id: Id<netwhy::inventory::AzureFirewall>, packet: Packet) -> Done {
        let mut after = firewall::translate(self.f, self.w, place, id, &packet)?;
        if let Some(own) = self.holder(place).ip {
            after.source = own;
        }
        self.record(Mark::Device(place), packet, after);
        self.route(place, after)
    }

    /// A gateway as next hop: to the site that announces the destination.
    fn to_gateway(
        &mut self,
        holder: &Holder,
        packet: Packet,
        gateways: Vec<Id<VirtualNetworkGateway>>,
        route: Chosen,
    ) -> Done {
        let f = self.f;
        let gateways = usable_gateways(f, holder, gateways);
        if gateways.is_empty() {
            return stop(Cause::InvalidNextHop, route.decider);
        }
        let gateway = gateways[self.w.pick(Why::Spread, gateways.len())];
        let place = f.holders.iter().position(|h| h.kind == AttachmentKind::Gateway(gateway));
        let Some(place) = place else { return stop(Cause::DanglingReference, None) };
        // At the gateway, the routes of its own subnet decide (RT-1, GW-4); a gateway route means its branches.
        if !matches!(holder.kind, AttachmentKind::Gateway(_)) {
            sound_gateway(f, place)?;
            let chosen = self.chosen(place, packet)?;
            // GW-4: it passes nothing on from one network to another.
            if is_express(f, gateway) && !matches!(chosen.hop, Hop::Gateway(_)) {
                return stop(Cause::InvalidNextHop, self.name(place));
            }
            return self.follow(place, packet, chosen);
        }
        let name = Some(f.inv.virtual_network_gateways[gateway].id.full_name());
        let mut known = behind(f, gateway);
        known.retain(|(prefix, _)| prefix.contains(&packet.destination));
        match known.into_iter().max_by_key(|(prefix, _)| prefix.prefix_len()) {
            None => stop(Cause::NoRoute, name),
            Some((_, None)) => Ok((Arrival::Beyond(place), packet)),
            Some((_, Some(site))) => self.at_site(site, packet),
        }
    }

    fn at_site(&mut self, site: Id<OnPremisesSite>, packet: Packet) -> Done {
        let row = &self.f.inv.on_premises_sites[site];
        if own_before_announced(self.f, site, packet.destination) {
            let host = row.hosts.iter().find(|h| h.ip_address.is(packet.destination));
            let closed =
                host.is_some_and(|h| h.listens.given && !h.listens.iter().any(|r| r.contains(packet.port)));
            if let (true, true, Some(host)) = (closed, packet.protocol.has_ports(), host) {
                return stop(Cause::NothingListens, Some(format!("{}/{}", row.id.full_name(), host.name)));
            }
            return Ok((Arrival::Site(site), packet));
        }
        self.from_site(site, packet)
    }

    /// Out of a site's own line to the internet.
    fn by_line(&mut self, site: Id<OnPremisesSite>, packet: Packet) -> Done {
        let row = &self.f.inv.on_premises_sites[site];
        let source = row.public_ip_address.known().copied().unwrap_or_else(internet_address);
        let after = Packet { source, ..packet };
        self.record(Mark::Line(site), packet, after);
        (self.way.left, self.way.nameless) = (None, false);
        self.outside(after)
    }

    fn from_site(&mut self, site: Id<OnPremisesSite>, packet: Packet) -> Done {
        let row = &self.f.inv.on_premises_sites[site];
        let to = packet.destination;
        if let Some(gateway) = gateway_from(self.f, site, to) {
            let place = self.f.holders.iter().position(|h| h.kind == AttachmentKind::Gateway(gateway));
            let Some(place) = place else { return stop(Cause::DanglingReference, None) };
            // NSG-22, SAR-7: nothing filters in the gateway's subnet; its routes count (RT-34).
            sound_gateway(self.f, place)?;
            return self.route(place, packet);
        }
        let hub = wan::announcing(self.f, site, to).map(|(_, hub)| hub);
        let sends = !row.routes.given || row.routes.iter().any(|p| p.contains(&to));
        if let Some(hub) = hub.filter(|_| sends) {
            return self.at_hub(hub, packet, false);
        }
        if is_public(to) && row.internet_access.or(true) == Ok(true) {
            return self.by_line(site, packet);
        }
        // A site that says nothing but that everything goes its way.
        let says_more = row.address_prefixes.iter().any(|p| p.prefix_len() >= 8);
        let only_a_way = !row.address_prefixes.is_empty() && !says_more;
        // Nor of what it announces and does not hold.
        let told = if row.advertises.given { &row.advertises } else { &row.address_prefixes };
        if !is_public(to) && (only_a_way || told.iter().any(|p| p.contains(&to))) {
            return stop(Cause::UnknownValue, None);
        }
        stop(Cause::NoRoute, Some(row.id.full_name()))
    }

    /// OUT-1: next hop Internet.
    fn exit(&mut self, place: usize, packet: Packet) -> Done {
        let f = self.f;
        let holder = self.holder(place);
        // A gateway is no way to the internet.
        if matches!(holder.kind, AttachmentKind::Gateway(_)) {
            return stop(Cause::NoRoute, self.name(place));
        }
        if !is_public(packet.destination) {
            return stop(Cause::NoRoute, None);
        }
        // NSG-20: to the internet, and no service of Azure's.
        if packet.protocol == Protocol::Tcp && packet.port == 25 && self.call.service.is_none() {
            match f.profile.smtp_blocked {
                Some(true) => return stop(Cause::SmtpBlocked, None),
                Some(false) => {}
                None if self.w.maybe(Cause::SmtpBlocked) => return Err(Stop::supposed(Cause::SmtpBlocked)),
                None => {}
            }
        }
        // FW-19: what a firewall was told to leave as it is bears no public address.
        if let AttachmentKind::Firewall(id) = holder.kind
            && holder.ip.is_some_and(|own| own != packet.source)
        {
            return stop(Cause::NoOutboundMethod, firewall::kept_by(self.f, id));
        }
        self.way.left = Some(holder.vnet);
        let source = self.outbound_method(&holder, &packet)?;
        let after = Packet { source: source.unwrap_or(packet.source), ..packet };
        self.record(Mark::Exit(place), packet, after);
        self.outside(after)
    }

    /// OUT-1: NAT gateway, instance-level address, outbound rules, default outbound access.
    /// `None` where nothing translates.
    fn outbound_method(&mut self, holder: &Holder, packet: &Packet) -> Result<Option<IpAddr>, Stop> {
        let f = self.f;
        let subnet = &f.inv.subnets[holder.subnet];
        match f.bound(&subnet.nat_gateway) {
            Bound::To(row) => {
                // NAT-3.
                if !packet.protocol.has_ports() {
                    let decider = Some(f.inv.nat_gateways[row].id.full_name());
                    return stop(Cause::NatProtocol, decider);
                }
                let own = f.inv.nat_gateways[row].public_ip_addresses.iter();
                let own = own.filter_map(|r| f.inv.follow(r).row()).find_map(|p| f.public_ip(p));
                return Ok(Some(own.unwrap_or_else(some_public_address)));
            }
            // NAT-3 holds of every NAT gateway; only its address is not known.
            Bound::Unknown(_) if !packet.protocol.has_ports() => {
                return stop(Cause::NatProtocol, Some(subnet.id.full_name()));
            }
            Bound::Unknown(_) => {
                self.way.nameless = true;
                return Ok(Some(some_public_address()));
            }
            Bound::Nothing => {}
        }
        if let AttachmentKind::Firewall(id) = holder.kind {
            let row = &f.inv.azure_firewalls[id];
            let own = f.row(&row.public_ip_address).and_then(|p| f.public_ip(p));
            return own
                .map(Some)
                .ok_or(Stop { cause: Cause::NoOutboundMethod, decider: Some(row.id.full_name()) });
        }
        if let Bound::To(row) = f.own_public(holder) {
            return Ok(Some(f.public_ip(row).unwrap_or_else(some_public_address)));
        }
        // A gateway leaves by its public frontend.
        if let AttachmentKind::ApplicationGateway(id) = holder.kind {
            let fronts = f.inv.application_gateways[id].frontend_ip_configurations.iter();
            let mut own = fronts.filter_map(|front| f.row(&front.public_ip_address));
            if let Some(row) = own.next() {
                return Ok(Some(f.public_ip(row).unwrap_or_else(some_public_address)));
            }
        }
        if let Some(source) = self.outbound_rule(holder, packet) {
            return Ok(Some(source));
        }
        let asked = subnet.default_outbound_access.known().copied();
        let default = asked.unwrap_or(f.profile.default_outbound_for_new_vnets.unwrap_or(true));
        // OUT-8: a delegated subnet is not private.
        if !default && !subnet.delegations.items.is_empty() {
            return Ok(Some(some_public_address()));
        }
        if !default {
            // OUT-7: storage of the same region is reachable from a private subnet.
            match self.storage_of_region(holder.vnet, packet.destination) {
                Some(true) => return Ok(None),
                Some(false) => {}
                None if self.w.maybe(Cause::UnknownValue) => return Ok(None),
                None => return Err(Stop::supposed(Cause::UnknownValue)),
            }
            let decider = Some(subnet.id.full_name());
            return stop(Cause::NoOutboundMethod, decider);
        }
        // OUT-11 is general knowledge against OUT-4: a Standard load balancer may take it from the backends it has by
        // their interfaces; OUT-9: not from those it has by address.
        match self.standard_pool(holder) {
            Some((_, false)) if !self.w.maybe(Cause::UnknownValue) => {
                return Err(Stop::supposed(Cause::NoOutboundMethod));
            }
            // LB-9: behind a public one it comes by its rules or not at all.
            Some((balancer, true)) => return stop(Cause::NoOutboundMethod, Some(balancer)),
            _ => {}
        }
        // OUT-4: no ICMP.
        if !packet.protocol.has_ports() {
            return stop(Cause::NatProtocol, Some(subnet.id.full_name()));
        }
        Ok(Some(some_public_address()))
    }

    /// The Standard load balancer in whose pool the holder is by its configuration, and whether it has a public front.
    fn standard_pool(&self, holder: &Holder) -> Option<(String, bool)> {
        let standard = self.f.inv.load_balancers.iter().filter(|b| b.sku.is(Sku::Standard));
        let held = standard.flat_map(|b| (0..b.backend_address_pools.items.len()).map(move |p| (b, p)));
        let found = held.filter(|(balancer, pool)| {
            let pool = *pool;
            let by_address = |ip: &IpAddr| Some(*ip) == holder.ip;
            let addresses = &balancer.backend_address_pools.items[pool].addresses;
            !addresses.iter().any(|a| a.ip_address.known().is_some_and(by_address))
                && pool_members(self.f, balancer, pool).iter().any(|b| self.holder(*b) == *holder)
        });
        let found = found.map(|(balancer, _)| {
            let mut fronts = balancer.frontend_ip_configurations.iter();
            (balancer.id.full_name(), fronts.any(|f| f.public_ip_address.known().is_some()))
        });
        let found: Vec<(String, bool)> = found.collect();
        found.iter().find(|(_, public)| *public).or(found.first()).cloned()
    }

    /// `None` where no file tells the region.
    fn storage_of_region(&self, vnet: Id<VirtualNetwork>, to: IpAddr) -> Option<bool> {
        let region = self.f.region(vnet);
        match self.call.service {
            Some((service, _)) => {
                let row = &self.f.inv.services[service];
                if !row.id.is_kind("Microsoft.Storage/storageAccounts") {
                    return Some(false);
                }
                Some(netwhy::network::normal_region(row.location.known()?) == region?)
            }
            // Whoever owns the account: it is the tag of the region that tells.
            None => {
                let known =
                    self.call.host.as_deref().is_some_and(|h| netwhy::services::well_known(h).is_some());
                let tag = match &region {
                    Some(region) => self.f.tag(&format!("Storage.{region}")),
                    None => self.f.tag("Storage"),
                };
                let holds = self.call.door.is_none() && !known && tag.is_some_and(|set| set.contains(to));
                if holds && region.is_none() { None } else { Some(holds) }
            }
        }
    }

    /// LB-9: an outbound rule of a public load balancer whose pool the holder is in.
    fn outbound_rule(&self, holder: &Holder, packet: &Packet) -> Option<IpAddr> {
        for balancer in self.f.inv.load_balancers.iter().filter(|b| b.sku.is(Sku::Standard)) {
            for rule in &balancer.outbound_rules {
                let pool = rule.backend_address_pool.known().and_then(|r| pool_of(balancer, r));
                let member = pool.is_some_and(|p| {
                    pool_members(self.f, balancer, p).iter().any(|b| self.holder(*b) == *holder)
                });
                let carries = rule.protocol.or(ProtocolMatch::ANY).is_ok_and(|p| p.contains(packet.protocol));
                // It translates ports.
                if !member || !carries || !packet.protocol.has_ports() {
                    continue;
                }
                let front = rule.frontend_ip_configurations.iter().find_map(|r| frontend_of(balancer, r));
                let public = front.and_then(|n| {
                    self.f.row(&balancer.frontend_ip_configurations.items[n].public_ip_address)
                });
                return Some(public.and_then(|p| self.f.public_ip(p)).unwrap_or_else(some_public_address));
            }
        }
        None
    }

    /// On the public internet: an address of the estate, or anything else.
    fn outside(&mut self, packet: Packet) -> Done {
        if let Some(door) = self.call.door {
            return self.at_front_door(door, packet);
        }
        match self.published(packet.destination) {
            true => self.from_internet(packet),
            // The internet does not lead into a virtual network, whatever range it has.
            false if self.call.inside => stop(Cause::PrivateOnlyTarget, None),
            false => Ok((Arrival::Outside, packet)),
        }
    }

    fn published(&self, to: IpAddr) -> bool {
        (0..self.f.inv.public_ip_addresses.len()).any(|row| self.f.public_ip(Id::new(row)) == Some(to))
    }

    /// PKT-4: translation of a public address comes first.
    fn from_internet(&mut self, packet: Packet) -> Done {
        let f = self.f;
        if let Some(door) = self.call.door {
            return self.at_front_door(door, packet);
        }
        let to = packet.destination;
        let is = |row: Option<Id<PublicIpAddress>>| row.is_some_and(|row| f.public_ip(row) == Some(to));
        for (place, holder) in f.holders.iter().enumerate() {
            let (Bound::To(row), Some(private)) = (f.own_public(holder), holder.ip) else { continue };
            if is(Some(row)) {
                let inside = Packet { destination: private, ..packet };
                self.record(Mark::Front(place), packet, inside);
                return self.arrive(place, inside, f.is_standard(row));
            }
        }
        for (id, balancer) in f.inv.load_balancers.rows() {
            for (number, front) in balancer.frontend_ip_configurations.iter().enumerate() {
                if is(f.row(&front.public_ip_address)) {
                    return self.balance(id, number, packet, None);
                }
            }
        }
        for (id, row) in f.inv.azure_firewalls.rows() {
            if is(f.row(&row.public_ip_address)) {
                let place = f.holders.iter().position(|h| h.kind == AttachmentKind::Firewall(id));
                let Some(place) = place else { return stop(Cause::DanglingReference, None) };
                return self.dnat(place, id, packet);
            }
        }
        for (place, holder) in f.holders.iter().enumerate() {
            let fronts = match holder.kind {
                AttachmentKind::ApplicationGateway(id) => {
                    &f.inv.application_gateways[id].frontend_ip_configurations
                }
                _ => continue,
            };
            if fronts.iter().any(|front| is(f.row(&front.public_ip_address))) {
                return self.arrive(place, packet, false);
            }
        }
        for (place, holder) in f.holders.iter().enumerate() {
            let AttachmentKind::Bastion(id) = holder.kind else { continue };
            let configs = &f.inv.bastion_hosts[id].ip_configurations;
            if let (true, Some(private)) =
                (configs.iter().any(|c| is(f.row(&c.public_ip_address))), holder.ip)
            {
                let inside = Packet { destination: private, ..packet };
                self.record(Mark::Front(place), packet, inside);
                return self.arrive(place, inside, false);
            }
        }
        match is_public(to) {
            // NAT-2: nothing takes unsolicited packets there.
            true if self.published(to) => stop(Cause::OriginUnmatched, None),
            true if self.call.inside => stop(Cause::PrivateOnlyTarget, None),
            true => Ok((Arrival::Outside, packet)),
            false => stop(Cause::PrivateOnlyTarget, None),
        }
    }

    /// PEER-9, LB-11: a Basic frontend over global peering.
    fn basic_across_peering(&self, balancer: Id<LoadBalancer>, front: &Holder) -> Result<(), Stop> {
        let f = self.f;
        let first = match self.way.start {
            Start::Holder(first) => Some(first),
            Start::Site(_) | Start::Internet => None,
        };
        let Some(from) = self.seen.last().map(|(place, _)| *place).or(first) else { return Ok(()) };
        let (here, there) = (f.region(self.holder(from).vnet), f.region(front.vnet));
        if f.inv.load_balancers[balancer].sku.is(Sku::Basic) && here != there {
            let decider = Some(f.inv.load_balancers[balancer].id.full_name());
            return stop(Cause::BasicBalancerAcrossPeering, decider);
        }
        Ok(())
    }

    /// Section 11: a load balancer. With a route, the packet only passes through (RT-11).
    fn balance(
        &mut self,
        id: Id<LoadBalancer>,
        number: usize,
        packet: Packet,
        transit: Option<Chosen>,
    ) -> Done {
        let f = self.f;
        let balancer = &f.inv.load_balancers[id];
        let name = Some(balancer.id.full_name());
        let rule = balancer.load_balancing_rules.iter().find(|rule| {
            let front = rule.frontend_ip_configuration.known().and_then(|r| frontend_of(balancer, r));
            front == Some(number) && takes(rule, &packet)
        });
        let Some(rule) = rule else { return self.inbound_nat(id, number, packet, name) };
        let pool = rule.backend_address_pool.iter().find_map(|r| pool_of(balancer, r));
        let backends = pool.map(|p| pool_members(f, balancer, p)).unwrap_or_default();
        if backends.is_empty() {
            return stop(Cause::NoBackend, Some(format!("{}/{}", balancer.id.full_name(), rule.name)));
        }
        // LB-1, LB-4: only those whose probe comes through get new flows.
        let mut denied = None;
        let mut healthy = Vec::new();
        for place in backends {
            match self.probe(balancer, rule, place) {
                Ok(()) => healthy.push(place),
                Err(stop) => denied = denied.or(Some(stop)),
            }
        }
        let named = Some(format!("{}/{}", balancer.id.full_name(), rule.name));
        if healthy.is_empty() && denied.is_some() {
            return stop(Cause::ProbeDown, named);
        }
        let place = healthy[self.w.pick(Why::Spread, healthy.len())];
        if let Some(route) = transit {
            return self.pass(place, packet, route);
        }
        let holder = self.holder(place);
        // LB-5.
        if holder.ip == Some(packet.source) {
            return stop(Cause::Hairpin, named);
        }
        let floating = rule.enable_floating_ip.is(true);
        let port = match rule.backend_port.known().copied() {
            Some(0) | None => packet.port,
            Some(port) => u16::try_from(port).unwrap_or(packet.port),
        };
        let inside = match (floating, holder.ip) {
            (false, Some(ip)) => Packet { destination: ip, port, ..packet },
            _ => Packet { port, ..packet },
        };
        self.record(Mark::Front(place), packet, inside);
        let front = &balancer.frontend_ip_configurations.items[number];
        let public = !front.public_ip_address.is_absent();
        // LB-2: a Standard public frontend is closed until a group opens it.
        self.arrive(place, inside, public && balancer.sku.is(Sku::Standard))
    }

    /// An inbound NAT rule, where no load-balancing rule takes the packet.
    fn inbound_nat(
        &mut self,
        id: Id<LoadBalancer>,
        number: usize,
        packet: Packet,
        name: Option<String>,
    ) -> Done {
        let f = self.f;
        let balancer = &f.inv.load_balancers[id];
        let rule = balancer.inbound_nat_rules.iter().find(|rule| {
            let front = rule.frontend_ip_configuration.known().and_then(|r| frontend_of(balancer, r));
            let port = rule.frontend_port.is(i64::from(packet.port));
            front == Some(number)
                && port
                && rule.protocol.or(ProtocolMatch::ANY).is_ok_and(|p| p.contains(packet.protocol))
        });
        let Some(rule) = rule else { return stop(Cause::FrontendPortClosed, name) };
        let member = |c: &netwhy::inventory::IpConfiguration| {
            c.load_balancer_inbound_nat_rules.iter().any(|r| fits(&rule.id(), &rule.name, r))
        };
        let nic = f.inv.network_interfaces.rows().find(|(_, n)| n.ip_configurations.iter().any(member));
        let place =
            nic.and_then(|(n, _)| f.holders.iter().position(|h| h.kind == AttachmentKind::Interface(n)));
        let Some((place, ip)) = place.and_then(|p| Some((p, f.holders[p].ip?))) else {
            return stop(Cause::NoBackend, name.map(|n| format!("{n}/{}", rule.name)));
        };
        let port = rule.backend_port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(packet.port);
        let inside = Packet { destination: ip, port, ..packet };
        self.record(Mark::Front(place), packet, inside);
        let public = !balancer.frontend_ip_configurations.items[number].public_ip_address.is_absent();
        self.arrive(place, inside, public && balancer.sku.is(Sku::Standard))
    }

    /// LB-4, PLAT-6: the probe comes from the platform's address and passes the backend's filters.
    fn probe(&self, balancer: &LoadBalancer, rule: &LoadBalancingRule, place: usize) -> Result<(), Stop> {
        let Some(wanted) = rule.probe.known() else { return Ok(()) };
        let Some(probe) = balancer.probes.iter().find(|p| fits(&p.id(), &p.name, wanted)) else {
            return Ok(());
        };
        let holder = self.holder(place);
        let Some(to) = holder.ip else { return Ok(()) };
        let port = probe.port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(0);
        let packet = Packet {
            source: platform(),
            destination: to,
            protocol: Protocol::Tcp,
            source_port: EPHEMERAL,
            port,
        };
        inbound(self.f, self.w, &holder, &packet, false)?;
        // LB-1: nobody answers it there.
        match self.f.listens(&holder, port) {
            true => Ok(()),
            false => stop(Cause::NothingListens, None),
        }
    }
}

/// The members of a pool: by interface, and by address.
fn pool_members(f: &Facts, balancer: &LoadBalancer, pool: usize) -> Vec<usize> {
    let pool = &balancer.backend_address_pools.items[pool];
    let mut out = Vec::new();
    for (id, nic) in f.inv.network_interfaces.rows() {
        for config in &nic.ip_configurations {
            let member =
                config.load_balancer_backend_address_pools.iter().any(|r| fits(&pool.id(), &pool.name, r));
            if member {
                out.extend(f.holders.iter().position(|h| h.kind == AttachmentKind::Interface(id)));
            }
        }
    }
    for address in &pool.addresses {
        let Some(ip) = address.ip_address.known() else { continue };
        let vnet =
            f.row(&address.virtual_network).or_else(|| f.row(&address.subnet).and_then(|s| f.vnet_of(s)));
        let place = f.holders.iter().position(|h| h.ip == Some(*ip) && vnet.is_none_or(|v| v == h.vnet));
        out.extend(place);
    }
    out.dedup();
    out
}

/// The members of all pools that a frontend's rules spread over.
pub(crate) fn members(f: &Facts, id: Id<LoadBalancer>, number: usize) -> Vec<usize> {
    let balancer = &f.inv.load_balancers[id];
    let rules = balancer.load_balancing_rules.iter().filter(|rule| {
        let front = rule.frontend_ip_configuration.known().and_then(|r| frontend_of(balancer, r));
        front == Some(number)
    });
    let pools = rules.flat_map(|r| r.backend_address_pool.iter()).filter_map(|r| pool_of(balancer, r));
    pools.flat_map(|p| pool_members(f, balancer, p)).collect()
}

/// The gateway of a site that announces an address; ExpressRoute before VPN (GW-2).
pub(crate) fn gateway_from(
    f: &Facts,
    site: Id<OnPremisesSite>,
    to: IpAddr,
) -> Option<Id<VirtualNetworkGateway>> {
    let row = &f.inv.on_premises_sites[site];
    let sends = !row.routes.given || row.routes.iter().any(|p| p.contains(&to));
    let gateways = sites_gateways(f, site).into_iter().filter(|_| sends);
    let told = gateways.filter_map(|g| Some(((announced(f, g, site, to)?, is_express(f, g)), g)));
    let told: Vec<_> = told.collect();
    let best = told.iter().map(|(rank, _)| *rank).max();
    told.into_iter().find(|(rank, _)| Some(*rank) == best).map(|(_, g)| g)
}

/// Whether a site holds an address by a longer prefix than any that its gateways and hubs tell it. What is wider than
/// anybody's space is only a way.
pub(crate) fn own_before_announced(f: &Facts, site: Id<OnPremisesSite>, to: IpAddr) -> bool {
    let row = &f.inv.on_premises_sites[site];
    let mut own: Vec<u8> =
        row.address_prefixes.iter().filter(|p| p.contains(&to)).map(|p| p.prefix_len()).collect();
    own.retain(|length| *length >= 8);
    if row.hosts.iter().any(|h| h.ip_address.is(to)) {
        own.push(32);
    }
    let sends = !row.routes.given || row.routes.iter().any(|p| p.contains(&to));
    let gateways = sites_gateways(f, site).into_iter().filter_map(|g| announced(f, g, site, to));
    let told = gateways.chain(wan::announcing(f, site, to).map(|(length, _)| length)).filter(|_| sends).max();
    own.iter().max().is_some_and(|own| told.is_none_or(|told| *own >= told))
}

fn is_express(f: &Facts, gateway: Id<VirtualNetworkGateway>) -> bool {
    f.inv.virtual_network_gateways[gateway].gateway_type.is(GatewayType::ExpressRoute)
}

/// RT-34: on the gateway's subnet propagation must stay on, and a user's 0.0.0.0/0 is not supported.
pub(crate) fn sound_gateway(f: &Facts, place: usize) -> Result<(), Stop> {
    let Bound::To(table) = f.bound(&f.inv.subnets[f.holders[place].subnet].route_table) else {
        return Ok(());
    };
    let table = &f.inv.route_tables[table];
    if table.disable_bgp_route_propagation.is(true) {
        return stop(Cause::InvalidNextHop, Some(table.id.full_name()));
    }
    let everything =
        |r: &&netwhy::inventory::Route| r.address_prefix.known().is_some_and(|w| *w.text == *"0.0.0.0/0");
    match table.routes.iter().find(everything) {
        Some(route) => stop(Cause::InvalidNextHop, Some(format!("{}/{}", table.id.full_name(), route.name))),
        None => Ok(()),
    }
}

/// PEER-1: a peering with the destination's network, from either side, that does not work; this side's
/// object is named where there is one.
pub(crate) fn broken_peering(f: &Facts, holder: &Holder, packet: Packet) -> Option<String> {
    let here = &f.inv.virtual_networks[holder.vnet].id;
    let between = |p: &&netwhy::inventory::VirtualNetworkPeering| {
        let (Some(own), Some(remote)) = (p.id.parent(), f.row(&p.remote_virtual_network)) else {
            return false;
        };
        let other = if own == *here {
            Some(remote)
        } else if remote == holder.vnet {
            f.inv.row(&own)
        } else {
            None
        };
        other.is_some_and(|v| {
            f.in_vnet(v, packet.destination) && f.peers(holder.vnet).iter().all(|(p, _)| *p != v)
        })
    };
    let own = |p: &&netwhy::inventory::VirtualNetworkPeering| p.id.parent().as_ref() == Some(here);
    let found: Vec<_> = f.inv.peerings.iter().filter(between).collect();
    found.iter().find(|p| own(p)).or(found.first()).map(|p| p.id.full_name())
}

/// The gateways a route means; those of a user's route are not said.
pub(crate) fn usable_gateways(
    f: &Facts,
    holder: &Holder,
    said: Vec<Id<VirtualNetworkGateway>>,
) -> Vec<Id<VirtualNetworkGateway>> {
    if !said.is_empty() {
        return said;
    }
    // RT-15: a user's route needs a VPN gateway, and none of ExpressRoute beside it.
    let all = f.gateways_of(holder.vnet);
    if all.iter().any(|g| is_express(f, *g)) { Vec::new() } else { all }
}

/// Whether a gateway tells a branch about an address: its network's space, that of networks that use it
/// remotely (PEER-8), and other branches of a VPN gateway. ExpressRoute passes no branch on (RS-6).
/// The length of the longest prefix that does.
fn announced(
    f: &Facts,
    gateway: Id<VirtualNetworkGateway>,
    site: Id<OnPremisesSite>,
    to: IpAddr,
) -> Option<u8> {
    let vnets = (0..f.inv.virtual_networks.len()).map(Id::new);
    let users = vnets.filter(|v| f.gateways_of(*v).contains(&gateway) && f.in_vnet(*v, to));
    let spaces = users.flat_map(|v| f.prefixes(v).to_vec());
    let branches = behind(f, gateway);
    let others = branches.into_iter().filter(|(_, s)| *s != Some(site) && !is_express(f, gateway));
    let others = others.map(|(prefix, _)| prefix).filter(|p| p.prefix_len() >= 8);
    // RS-6, RS-7: what appliances told a Route Server that carries on, unless they asked it not to.
    let home = f.holders.iter().find(|h| h.kind == AttachmentKind::Gateway(gateway)).map(|h| h.vnet);
    let told = f.inv.bgp_routes.iter().filter(|r| {
        let learnt = r.learned_by.known().and_then(|r| f.inv.follow_any(&r.text));
        let Some(Slot { table: TableTag::VirtualHub, row }) = learnt else { return false };
        let server = &f.inv.virtual_hubs[Id::new(row as usize)];
        let subnet = server.ip_configurations.iter().find_map(|c| f.row(&c.subnet));
        let here = home.is_some() && subnet.and_then(|s| f.vnet_of(s)) == home;
        here && server.allow_branch_to_branch_traffic.is(true) && r.communities.is_empty()
    });
    let told = told.filter_map(|r| r.address_prefix.known().copied());
    spaces.chain(others).chain(told).filter(|p| p.contains(&to)).map(|p| p.prefix_len()).max()
}

/// Whether a load-balancing rule takes a packet; LB-6: HA ports take TCP and UDP.
fn takes(rule: &LoadBalancingRule, packet: &Packet) -> bool {
    let protocol =
        rule.protocol.or(ProtocolMatch::only(Protocol::Tcp)).is_ok_and(|p| p.contains(packet.protocol));
    let port = rule.frontend_port.known().copied().unwrap_or(0);
    packet.protocol.has_ports() && protocol && (port == 0 || port == i64::from(packet.port))
}

/// Whether a reference means a part of a load balancer or gateway: by id, by name, or by `balancer/name`.
pub(crate) fn fits(id: &ResourceId, name: &str, reference: &Ref<AnyKind>) -> bool {
    if ResourceId::looks_like_one(&reference.text) {
        return ResourceId::new(&reference.text) == *id;
    }
    reference.text.eq_ignore_ascii_case(name) || reference.text.eq_ignore_ascii_case(&id.full_name())
}

fn frontend_of(balancer: &LoadBalancer, reference: &Ref<AnyKind>) -> Option<usize> {
    balancer.frontend_ip_configurations.iter().position(|x| fits(&x.id(), &x.name, reference))
}

fn pool_of(balancer: &LoadBalancer, reference: &Ref<AnyKind>) -> Option<usize> {
    balancer.backend_address_pools.iter().position(|x| fits(&x.id(), &x.name, reference))
}

/// Whether Azure keeps an address of a subnet for itself.
fn kept_by_azure(subnet: &netwhy::inventory::Subnet, ip: IpAddr) -> bool {
    let IpAddr::V4(ip) = ip else { return false };
    subnet.address_prefixes.iter().any(|prefix| match prefix {
        netwhy::net::IpNet::V4(net) if net.prefix_len() <= 29 && net.contains(&ip) => {
            net.hosts().take(3).any(|kept| kept == ip) || ip == net.network() || ip == net.broadcast()
        }
        _ => false,
    })
}
