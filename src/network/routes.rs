//! Effective routes, layered as Azure layers them, and the choice among them (RT-24b).
//!
//! A subnet's table is its route table (shared by every subnet that uses it), the routes of its virtual
//! network (shared by all its subnets) and its own service endpoint routes. Nothing is copied per subnet,
//! so 20,000 spokes that share a table cost one table.

use super::{AttachmentId, Bound, Doubt};
use crate::diag::At;
use crate::inventory::{
    self, AddressMeaning, Field, Id, NextHopType, RouteTable, Slot, Unknown, VirtualHub, VirtualNetwork,
};
use crate::net::{IpAddr, IpNet};
use crate::rules::{self as azure, RuleId};
use crate::tags::{ServiceTags, TagId};
use hashbrown::HashMap;
use std::sync::Arc;

/// What a route covers.
#[derive(Clone, Debug, PartialEq)]
pub enum RoutePrefix {
    /// A prefix.
    Net(IpNet),
    /// The prefixes of a service tag.
    Tag(TagId),
}

impl RoutePrefix {
    /// The length of the prefix that holds the address.
    pub fn length(&self, ip: IpAddr, tags: &ServiceTags) -> Option<u8> {
        match self {
            Self::Net(net) => net.contains(&ip).then(|| net.prefix_len()),
            Self::Tag(tag) => tags.longest_prefix(*tag, ip),
        }
    }

    /// As people write it.
    pub fn text(&self, tags: &ServiceTags) -> String {
        match self {
            Self::Net(net) => net.to_string(),
            Self::Tag(tag) => tags.name(*tag).to_owned(),
        }
    }
}

/// Who says a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteSource {
    /// Azure itself.
    Default,
    /// Learnt from a gateway, by BGP or from its static prefixes.
    VirtualNetworkGateway,
    /// A route table.
    User,
}

impl RouteSource {
    /// Azure's word (NW-4).
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "Default",
            Self::VirtualNetworkGateway => "VirtualNetworkGateway",
            Self::User => "User",
        }
    }
}

/// Whether a route is in use (RT-21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteState {
    /// It may be chosen.
    Active,
    /// Another route of the same prefix, or a rule, takes its place.
    Invalid,
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq)]
pub enum NextHop {
    /// Inside the virtual network.
    VnetLocal,
    /// Over a peering, the link's position in the virtual network's row.
    Peering {
        /// The other network.
        remote: Id<VirtualNetwork>,
        /// Position in `Vnet::links`.
        link: usize,
    },
    /// To a member of a connected group (SAR-12).
    ConnectedGroup(Id<VirtualNetwork>),
    /// To the virtual network gateway, own or remote.
    Gateway,
    /// To the internet.
    Internet,
    /// Dropped.
    None,
    /// To appliances, more than one for equal-cost paths.
    Appliance(Vec<IpAddr>),
    /// Straight to the service, with the subnet's identity.
    ServiceEndpoint(Arc<str>),
    /// To a private endpoint.
    InterfaceEndpoint(AttachmentId),
    /// To a Virtual WAN hub.
    Hub(Id<VirtualHub>),
}

impl NextHop {
    /// Azure's word for the next hop type, as effective routes spell it.
    pub fn word(&self, global: bool) -> &'static str {
        match self {
            Self::VnetLocal => "VnetLocal",
            Self::Peering { .. } if global => "VNetGlobalPeering",
            Self::Peering { .. } => "VNetPeering",
            Self::ConnectedGroup(_) => "ConnectedGroup",
            Self::Gateway | Self::Hub(_) => "VirtualNetworkGateway",
            Self::Internet => "Internet",
            Self::None => "None",
            Self::Appliance(_) => "VirtualAppliance",
            Self::ServiceEndpoint(_) => "VirtualNetworkServiceEndpoint",
            Self::InterfaceEndpoint(_) => "InterfaceEndpoint",
        }
    }

    /// Whether it is one of the system routes that beat BGP whatever their length (RT-22).
    fn beats_bgp(&self) -> bool {
        matches!(self, Self::VnetLocal | Self::Peering { .. } | Self::ConnectedGroup(_))
    }
}

/// One route: where it is written, and what it says. Tables say the same thing in thousands of places, so what a route
/// says is kept once.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveRoute {
    /// The resource that holds it.
    pub owner: Option<Slot>,
    /// Where it is written.
    pub at: At,
    body: Arc<RouteBody>,
}

/// What a route says, wherever it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteBody {
    /// What it covers; `None` where that cannot be known.
    pub prefix: Option<RoutePrefix>,
    /// Who says it.
    pub source: RouteSource,
    /// Where it leads; `Err` where that cannot be known.
    pub hop: Result<NextHop, Unknown>,
    /// Its name in its table.
    pub name: Option<Arc<str>>,
    /// Beats overlapping BGP routes (RT-19).
    pub bgp_override: bool,
    /// Why its prefix cannot be known.
    pub prefix_unknown: Option<Unknown>,
    /// Whether the prefix is a service tag's: then it can only cover public addresses.
    pub public_only: bool,
}

impl std::ops::Deref for EffectiveRoute {
    type Target = RouteBody;
    fn deref(&self) -> &RouteBody {
        &self.body
    }
}

impl std::ops::DerefMut for EffectiveRoute {
    /// What this route says becomes its own.
    fn deref_mut(&mut self) -> &mut RouteBody {
        Arc::make_mut(&mut self.body)
    }
}

impl EffectiveRoute {
    /// A route of a resource, at its place.
    pub fn new(owner: Option<Slot>, at: At, body: impl Into<Arc<RouteBody>>) -> Self {
        Self { owner, at, body: body.into() }
    }

    /// What it says, shared with every route that says the same.
    pub fn body(&self) -> &Arc<RouteBody> {
        &self.body
    }

    /// A system route.
    pub fn system(prefix: IpNet, hop: NextHop, owner: Option<Slot>, at: At) -> Self {
        Self::of_source(RouteSource::Default, RoutePrefix::Net(prefix), hop, owner, at)
    }

    /// A route that is known, whoever says it.
    pub(super) fn of_source(
        source: RouteSource,
        prefix: RoutePrefix,
        hop: NextHop,
        owner: Option<Slot>,
        at: At,
    ) -> Self {
        let body = RouteBody {
            prefix: Some(prefix),
            source,
            hop: Ok(hop),
            name: None,
            bgp_override: false,
            prefix_unknown: None,
            public_only: false,
        };
        Self::new(owner, at, body)
    }

    fn is_none(&self) -> bool {
        self.hop.as_ref().is_ok_and(|h| *h == NextHop::None)
    }
}

/// The routes of one route table.
#[derive(Clone, Debug, Default)]
pub struct UserRoutes {
    /// Its routes.
    pub routes: Vec<EffectiveRoute>,
    /// Why there may be more.
    pub unknown: Option<Unknown>,
    /// Whether gateway routes are kept out (RT-6); `None` where that is not known.
    pub keeps_gateway_routes_out: Option<bool>,
    /// Whether peering routes are kept out (RT-19).
    pub keeps_peering_routes_out: bool,
    /// Whether the prefix of one of its routes cannot be known.
    pub has_unknown_prefixes: bool,
}

impl UserRoutes {
    /// Whether it holds a route for everything.
    fn has_default(&self, v4: bool) -> bool {
        self.routes.iter().any(|r| is_default(r, v4))
    }

    /// Its routes of which the prefix cannot be known.
    pub fn unknown_prefixes(&self) -> impl Iterator<Item = &EffectiveRoute> {
        let routes = if self.has_unknown_prefixes { &self.routes[..] } else { &[] };
        routes.iter().filter(|route| route.prefix_unknown.is_some())
    }
}

fn is_default(route: &EffectiveRoute, v4: bool) -> bool {
    matches!(&route.prefix, Some(RoutePrefix::Net(net)) if net.prefix_len() == 0 && net.addr().is_ipv4() == v4)
}

/// The routes every subnet of a virtual network shares.
#[derive(Debug, Default)]
pub struct VnetRoutes {
    /// VNet, peering, connected group, Internet and None.
    pub system: Vec<EffectiveRoute>,
    /// Learnt from gateways and Route Servers.
    pub gateway: Vec<EffectiveRoute>,
    /// Private endpoints of this and directly peered networks.
    pub private_endpoints: Vec<EffectiveRoute>,
    /// Why gateway routes are not all known.
    pub gateway_unknown: Option<Unknown>,
    /// What a gateway in a hub that no file describes may announce.
    pub unseen_gateway: Option<Doubt>,
    /// Why peering routes are not all known.
    pub peering_doubts: Vec<Doubt>,
}

/// A subnet's table.
#[derive(Debug)]
pub struct SubnetRoutes {
    /// Its route table.
    pub user: Option<Arc<UserRoutes>>,
    /// Why its route table is not known.
    pub user_unknown: Option<Unknown>,
    /// Its virtual network's routes.
    pub vnet: Arc<VnetRoutes>,
    /// Its service endpoints' routes.
    pub service_endpoints: Vec<EffectiveRoute>,
}

/// What the table says to a destination.
#[derive(Clone, Debug)]
pub enum Choice<'a> {
    /// This route, or these equal ones.
    Route(Vec<&'a EffectiveRoute>, Vec<RuleId>),
    /// No route covers the destination.
    NoRoute,
    /// It cannot be known.
    Unknown(Unknown),
}

/// What the choice needs to know beside the table.
#[derive(Clone)]
pub struct Selection<'a> {
    /// Prefixes of service tags.
    pub tags: &'a ServiceTags,
    /// Whether a user-defined route may beat a service endpoint's (D-4).
    pub service_endpoint_overridable: bool,
    /// Whether a 0.0.0.0/0 learnt by BGP removes None routes (D-14).
    pub bgp_default_removes_none: bool,
    /// Whether an address is public.
    pub is_public: &'a dyn Fn(IpAddr) -> bool,
    /// The rule for a private endpoint's route: shortest prefix of a user-defined route that beats it.
    pub private_endpoint_beaten_from: &'a dyn Fn(AttachmentId) -> Result<u8, Unknown>,
}

/// A route that covers the destination, with the length that does.
type Candidate<'a> = (u8, &'a EffectiveRoute);

impl SubnetRoutes {
    /// The routes of a network alone, without a route table and without service endpoints.
    pub(super) fn of_network(vnet: Arc<VnetRoutes>) -> Self {
        Self { user: None, user_unknown: None, vnet, service_endpoints: Vec::new() }
    }

    /// Whether gateway routes are kept out (RT-6); `None` where that is not known.
    pub fn keeps_gateway_routes_out(&self) -> Option<bool> {
        self.user.as_ref().map_or(Some(false), |u| u.keeps_gateway_routes_out)
    }

    fn user_candidates(&self, ip: IpAddr, tags: &ServiceTags) -> Vec<Candidate<'_>> {
        self.user.as_ref().map_or_else(Vec::new, |u| candidates(&u.routes, ip, tags))
    }

    /// Why the answer for a destination cannot be known from the route table.
    fn user_doubt(&self) -> Option<&Unknown> {
        let table = self.user.as_ref();
        self.user_unknown.as_ref().or_else(|| table.and_then(|t| t.unknown.as_ref()))
    }

    /// User-defined routes whose prefix is not known; each matters only where it would lead elsewhere.
    fn doubtful<'a>(
        &'a self,
        ip: IpAddr,
        choice: &Choice<'_>,
        with: &Selection<'_>,
    ) -> Vec<&'a EffectiveRoute> {
        let routes = self.user.iter().flat_map(|t| t.unknown_prefixes());
        // A route of one's own to the gateway may be one that does not hold there (RT-15).
        let same = |c: &EffectiveRoute, r: &EffectiveRoute| {
            c.hop == r.hop && (r.hop != Ok(NextHop::Gateway) || c.source == r.source)
        };
        let elsewhere = |r: &&EffectiveRoute| match choice {
            Choice::Route(chosen, _) => chosen.iter().any(|c| !same(c, r)),
            Choice::NoRoute => true,
            Choice::Unknown(_) => false,
        };
        routes.filter(|r| !r.public_only || (with.is_public)(ip)).filter(elsewhere).collect()
    }

    /// Chooses for a destination, in the order of RT-24b.
    pub fn choose(&self, ip: IpAddr, with: &Selection<'_>) -> Choice<'_> {
        let choice = match self.by_service_endpoint(ip, with) {
            Some(choice) if !with.service_endpoint_overridable => return choice,
            Some(choice) => choice,
            None => self.settled(ip, with),
        };
        match self.doubtful(ip, &choice, with).first().and_then(|r| r.prefix_unknown.clone()) {
            Some(unknown) => Choice::Unknown(unknown),
            None => choice,
        }
    }

    /// Every choice that may be right: what is chosen without the routes of unknown prefixes, and each of those.
    pub(super) fn possible(&self, ip: IpAddr, with: &Selection<'_>) -> Vec<Choice<'_>> {
        let choice = match self.by_service_endpoint(ip, with) {
            Some(choice) if !with.service_endpoint_overridable => return vec![choice],
            Some(choice) => choice,
            None => self.settled(ip, with),
        };
        if matches!(choice, Choice::Unknown(_)) {
            return Vec::new();
        }
        let doubtful = self.doubtful(ip, &choice, with);
        let mut out = vec![choice];
        out.extend(doubtful.into_iter().map(|r| Choice::Route(vec![r], vec![azure::RT_17])));
        out
    }

    /// A service endpoint's route, unless a user-defined one may override it (RT-23): then what is not known of the
    /// route table counts too.
    fn by_service_endpoint(&self, ip: IpAddr, with: &Selection<'_>) -> Option<Choice<'_>> {
        let (length, route) =
            candidates(&self.service_endpoints, ip, with.tags).into_iter().max_by_key(|c| c.0)?;
        let endpoint = Choice::Route(vec![route], vec![azure::RT_7, azure::RT_23]);
        if !with.service_endpoint_overridable {
            return Some(endpoint);
        }
        if let Some(unknown) = self.user_doubt() {
            return Some(Choice::Unknown(unknown.clone()));
        }
        let best_user = self.user_candidates(ip, with.tags).iter().map(|c| c.0).max();
        best_user.is_none_or(|u| u < length).then_some(endpoint)
    }

    /// The choice as far as prefixes are known.
    fn settled(&self, ip: IpAddr, with: &Selection<'_>) -> Choice<'_> {
        if let Some(unknown) = self.user_doubt() {
            return Choice::Unknown(unknown.clone());
        }
        let user = self.user_candidates(ip, with.tags);
        let best_user = user.iter().map(|c| c.0).max();
        let endpoint = candidates(&self.vnet.private_endpoints, ip, with.tags).into_iter().next();
        let endpoint = endpoint.and_then(|(_, route)| self.private_endpoint(route, best_user, with));
        endpoint.unwrap_or_else(|| self.longest(ip, user, with))
    }

    /// A private endpoint's /32, unless a user-defined route invalidates it (RT-24).
    fn private_endpoint<'a>(
        &'a self,
        route: &'a EffectiveRoute,
        best_user: Option<u8>,
        with: &Selection<'_>,
    ) -> Option<Choice<'a>> {
        let Ok(NextHop::InterfaceEndpoint(endpoint)) = &route.hop else { return None };
        match (with.private_endpoint_beaten_from)(*endpoint) {
            Err(unknown) if best_user.is_some() => Some(Choice::Unknown(unknown)),
            Ok(from) if best_user.is_some_and(|u| u >= from) => None,
            _ => Some(Choice::Route(vec![route], vec![azure::RT_8, azure::RT_24])),
        }
    }

    fn longest<'a>(&'a self, ip: IpAddr, user: Vec<Candidate<'a>>, with: &Selection<'_>) -> Choice<'a> {
        let vnet = &self.vnet;
        let mut system = candidates(&vnet.system, ip, with.tags);
        if self.user.as_ref().is_some_and(|u| u.keeps_peering_routes_out) {
            system.retain(|(_, r)| !matches!(r.hop, Ok(NextHop::Peering { .. })));
        }
        let mut gateway = match self.keeps_gateway_routes_out() {
            Some(true) => Vec::new(),
            _ => candidates(&vnet.gateway, ip, with.tags),
        };
        let mut why = vec![azure::RT_20];
        if self.none_routes_removed(ip.is_ipv4(), with) {
            let before = system.len();
            system.retain(|(_, r)| !r.is_none());
            if system.len() < before {
                why.push(azure::RT_3A);
            }
        }
        let local = system.iter().any(|(_, r)| r.hop.as_ref().is_ok_and(NextHop::beats_bgp));
        if local || user.iter().any(|(_, r)| r.bgp_override) {
            if !gateway.is_empty() {
                why.push(if local { azure::RT_22 } else { azure::RT_19 });
            }
            gateway.clear();
        }
        let branch = gateway.iter().any(|(len, _)| *len > 0);
        let doubt = self.peering_doubt(ip, local || branch, &user).or_else(|| self.gateway_doubt(ip, local));
        let best = user.iter().chain(&gateway).chain(&system).map(|(len, r)| (*len, r.source)).max();
        let Some(best) = best else {
            return doubt.map_or(Choice::NoRoute, Choice::Unknown);
        };
        if let Some(unknown) = doubt.filter(|_| best.1 != RouteSource::User || best.0 < 32) {
            return Choice::Unknown(unknown);
        }
        let all = user.into_iter().chain(gateway).chain(system);
        let mut equal: Vec<&EffectiveRoute> =
            all.filter(|(len, r)| (*len, r.source) == best).map(|(_, r)| r).collect();
        // RT-2: a None range is what is left where nobody holds the range; a peer that holds exactly it does.
        if equal.iter().any(|r| !r.is_none()) && best.1 == RouteSource::Default {
            equal.retain(|r| !r.is_none());
        }
        Choice::Route(prefer_explicit(equal, with.tags, &mut why), why)
    }

    /// Whether the None routes of private ranges are gone (RT-3a, RT-3b).
    fn none_routes_removed(&self, v4: bool, with: &Selection<'_>) -> bool {
        let user = self.user.as_ref().is_some_and(|u| u.has_default(v4));
        let learnt = with.bgp_default_removes_none
            && self.keeps_gateway_routes_out() == Some(false)
            && self.vnet.gateway.iter().any(|r| is_default(r, v4));
        user || learnt
    }

    /// Why a peer could hold the address: nobody else does, and no route of exactly this address beats a peering's.
    fn peering_doubt(&self, ip: IpAddr, held: bool, user: &[Candidate<'_>]) -> Option<Unknown> {
        let kept_out = self.user.as_ref().is_some_and(|u| u.keeps_peering_routes_out);
        if held || kept_out || user.iter().any(|(len, _)| *len >= 32) {
            return None;
        }
        Doubt::about(&self.vnet.peering_doubts, ip).cloned()
    }

    /// Why the gateway's routes could change the answer.
    fn gateway_doubt(&self, ip: IpAddr, local: bool) -> Option<Unknown> {
        let unseen = self.vnet.unseen_gateway.as_ref().filter(|d| d.may_hold.contains(ip)).map(|d| &d.why);
        let unknown = self.vnet.gateway_unknown.as_ref().or(unseen);
        if local || self.vnet.gateway.is_empty() && unknown.is_none() {
            return None;
        }
        if self.keeps_gateway_routes_out().is_none() {
            return Some(propagation_unknown());
        }
        unknown.filter(|_| self.keeps_gateway_routes_out() == Some(false)).cloned()
    }

    /// Every route of the table with its state: those of the network first, those of the route table last.
    pub fn effective(&self, with: &Selection<'_>) -> Vec<(EffectiveRoute, RouteState)> {
        let gateway = match self.keeps_gateway_routes_out() {
            Some(true) => &[][..],
            _ => &self.vnet.gateway[..],
        };
        let user = self.user.as_ref().map_or(&[][..], |u| &u.routes[..]);
        let system: Vec<&EffectiveRoute> =
            self.vnet.system.iter().filter(|r| self.is_listed(r, with)).collect();
        let all = system
            .iter()
            .copied()
            .chain(gateway)
            .chain(&self.vnet.private_endpoints)
            .chain(&self.service_endpoints)
            .chain(user);
        let state = |route: &EffectiveRoute| {
            let beaten = match route.source {
                RouteSource::User => false,
                RouteSource::VirtualNetworkGateway => {
                    same_prefix(route, user) || set_aside(route, &system, user)
                }
                RouteSource::Default => match route.hop {
                    Ok(NextHop::InterfaceEndpoint(_)) => self.endpoint_beaten(route, user, with),
                    Ok(NextHop::ServiceEndpoint(_)) => {
                        with.service_endpoint_overridable && same_prefix(route, user)
                    }
                    _ => same_prefix(route, user) || (!beats_bgp(route) && same_prefix(route, gateway)),
                },
            };
            if beaten { RouteState::Invalid } else { RouteState::Active }
        };
        all.map(|route| (route.clone(), state(route))).collect()
    }

    /// Whether a system route of the network is in this subnet's table: None routes go for a default route
    /// (RT-3a) and for a peer that holds exactly the range (RT-2), peerings where the route table says so
    /// (RT-19).
    fn is_listed(&self, route: &EffectiveRoute, with: &Selection<'_>) -> bool {
        let holds = |r: &EffectiveRoute| r.prefix == route.prefix && !r.is_none();
        if route.is_none() && self.vnet.system.iter().any(holds) {
            return false;
        }
        let v4 = !matches!(&route.prefix, Some(RoutePrefix::Net(net)) if net.addr().is_ipv6());
        let peering = matches!(route.hop, Ok(NextHop::Peering { .. }));
        let no_peerings = self.user.as_ref().is_some_and(|u| u.keeps_peering_routes_out);
        {
            let removed = route.is_none() && self.none_routes_removed(v4, with);
            let kept_out = peering && no_peerings;
            !removed && !kept_out
        }
    }

    /// Why the table may hold other routes than it shows.
    pub fn doubts(&self) -> Vec<Unknown> {
        let table = self.user.as_ref().and_then(|u| u.unknown.as_ref());
        let open = self.keeps_gateway_routes_out();
        let unseen = self.vnet.unseen_gateway.as_ref().map(|d| &d.why);
        let gateway = self.vnet.gateway_unknown.as_ref().or(unseen).filter(|_| open != Some(true));
        let propagation = (open.is_none() && !self.vnet.gateway.is_empty()).then(propagation_unknown);
        let peering = self.vnet.peering_doubts.first().map(|d| &d.why);
        let known = [self.user_unknown.as_ref(), table, peering, gateway];
        known.into_iter().flatten().cloned().chain(propagation).collect()
    }

    fn endpoint_beaten(&self, route: &EffectiveRoute, user: &[EffectiveRoute], with: &Selection<'_>) -> bool {
        let (Ok(NextHop::InterfaceEndpoint(endpoint)), Some(RoutePrefix::Net(net))) =
            (&route.hop, &route.prefix)
        else {
            return false;
        };
        let best = candidates(user, net.addr(), with.tags).into_iter().map(|c| c.0).max();
        let from = (with.private_endpoint_beaten_from)(*endpoint);
        best.is_some_and(|best| from.is_ok_and(|from| best >= from))
    }
}

fn propagation_unknown() -> Unknown {
    Unknown::new(At::NOWHERE, "whether the route table keeps gateway routes out is not known")
}

/// Whether a route of the same prefix is among others (RT-20, RT-21).
fn same_prefix(route: &EffectiveRoute, others: &[EffectiveRoute]) -> bool {
    route.prefix.is_some() && others.iter().any(|other| other.prefix == route.prefix)
}

fn beats_bgp(route: &EffectiveRoute) -> bool {
    route.hop.as_ref().is_ok_and(NextHop::beats_bgp)
}

/// Whether a learnt route can never be chosen: a system route of the network or a peering covers all of it
/// (RT-22), or a user-defined one that overrides BGP (RT-19).
///
/// ASSUMPTION: such a route is shown as Invalid like one of the same prefix; no page says so.
fn set_aside(route: &EffectiveRoute, system: &[&EffectiveRoute], user: &[EffectiveRoute]) -> bool {
    let covers = |other: &EffectiveRoute| match (&other.prefix, &route.prefix) {
        (Some(RoutePrefix::Net(other)), Some(RoutePrefix::Net(net))) => other.contains(net),
        _ => false,
    };
    system.iter().any(|r| beats_bgp(r) && covers(r)) || user.iter().any(|r| r.bgp_override && covers(r))
}

fn candidates<'a>(routes: &'a [EffectiveRoute], ip: IpAddr, tags: &ServiceTags) -> Vec<Candidate<'a>> {
    let covers = |r: &'a EffectiveRoute| Some((r.prefix.as_ref()?.length(ip, tags)?, r));
    routes.iter().filter_map(covers).collect()
}

/// Among user-defined routes of one length: explicit prefix, regional tag, tag, AzureCloud.region, AzureCloud (RT-17).
fn prefer_explicit<'a>(
    equal: Vec<&'a EffectiveRoute>,
    tags: &ServiceTags,
    why: &mut Vec<RuleId>,
) -> Vec<&'a EffectiveRoute> {
    let rank = |r: &EffectiveRoute| match &r.prefix {
        Some(RoutePrefix::Tag(tag)) => {
            let name = tags.name(*tag);
            match (name.to_ascii_lowercase().starts_with("azurecloud"), name.contains('.')) {
                (false, true) => 1,
                (false, false) => 2,
                (true, true) => 3,
                (true, false) => 4,
            }
        }
        _ => 0,
    };
    let best = equal.iter().map(|r| rank(r)).min().unwrap_or(0);
    if equal.iter().any(|r| rank(r) != best) {
        why.push(azure::RT_17);
    }
    equal.into_iter().filter(|r| rank(r) == best).collect()
}

/// What came of the texts of routes, by the text.
pub(super) type KnownRoutes =
    HashMap<*const inventory::RouteBody, Arc<RouteBody>, foldhash::fast::FixedState>;

/// Reads the routes of a route table. What a text comes to without a doubt is the same wherever it stands; `known`
/// keeps it.
pub(super) fn user_routes(
    table: &RouteTable,
    slot: Slot,
    tags: &ServiceTags,
    known: &mut KnownRoutes,
) -> UserRoutes {
    let mut compiled = |route: &inventory::Route| {
        let text = route.body();
        if let Some(body) = known.get(&Arc::as_ptr(text)) {
            return body.clone();
        }
        let body = Arc::new(user_route(route, tags));
        if Arc::strong_count(text) > 1 && body.prefix_unknown.is_none() && body.hop.is_ok() {
            known.insert(Arc::as_ptr(text), body.clone());
        }
        body
    };
    let routes: Vec<EffectiveRoute> =
        table.routes.iter().map(|r| EffectiveRoute::new(Some(slot), r.at, compiled(r))).collect();
    UserRoutes {
        has_unknown_prefixes: routes.iter().any(|route| route.prefix_unknown.is_some()),
        unknown: table.routes.unknown.clone(),
        keeps_gateway_routes_out: table.disable_bgp_route_propagation.or(false).ok(),
        keeps_peering_routes_out: table
            .disable_peering_route
            .known()
            .is_some_and(|v| v.eq_ignore_ascii_case("All")),
        routes,
    }
}

/// What a user-defined route says.
pub(super) fn user_route(route: &inventory::Route, tags: &ServiceTags) -> RouteBody {
    let mut unknown = None;
    let prefix = match &route.address_prefix {
        Field::Known(word) => match &word.means {
            AddressMeaning::Any => "0.0.0.0/0".parse().ok().map(RoutePrefix::Net),
            AddressMeaning::Addresses(_) => crate::net::parse_prefix(&word.text).map(RoutePrefix::Net),
            AddressMeaning::Tag(name) => tags.find(name).map(RoutePrefix::Tag),
        },
        Field::Unknown(why) => {
            unknown = Some(why.clone());
            None
        }
        Field::Absent => None,
    };
    if prefix.is_none() && unknown.is_none() {
        unknown = Some(match route.address_prefix.known() {
            Some(word) => Unknown::new(route.at, format!("the prefixes of `{}` are not known", word.text)),
            None => Unknown::new(route.at, format!("the route `{}` has no address prefix", route.name)),
        });
    }
    let hop = match &route.next_hop_type {
        Field::Unknown(unknown) => Err(unknown.clone()),
        Field::Absent => {
            Err(Unknown::new(route.at, format!("the route `{}` has no next hop type", route.name)))
        }
        Field::Known(kind) => match kind {
            NextHopType::VnetLocal => Ok(NextHop::VnetLocal),
            NextHopType::Internet => Ok(NextHop::Internet),
            NextHopType::None => Ok(NextHop::None),
            NextHopType::VirtualNetworkGateway => Ok(NextHop::Gateway),
            NextHopType::VirtualAppliance | NextHopType::VirtualApplianceEcmp => appliance(route),
        },
    };
    let tagged = matches!(route.address_prefix.known().map(|w| &w.means), Some(AddressMeaning::Tag(_)));
    RouteBody {
        prefix,
        source: RouteSource::User,
        hop,
        name: Some(route.name.clone()),
        bgp_override: route.has_bgp_override.is(true),
        prefix_unknown: unknown,
        public_only: tagged,
    }
}

fn appliance(route: &inventory::Route) -> Result<NextHop, Unknown> {
    let mut ips = route.next_hop_ip_addresses.items.clone();
    match &route.next_hop_ip_address {
        Field::Known(ip) => ips.insert(0, *ip),
        Field::Unknown(unknown) => return Err(unknown.clone()),
        Field::Absent => {}
    }
    if let Some(unknown) = &route.next_hop_ip_addresses.unknown {
        return Err(unknown.clone());
    }
    if ips.is_empty() {
        return Err(Unknown::new(route.at, format!("the route `{}` names no appliance", route.name)));
    }
    Ok(NextHop::Appliance(ips))
}

/// The route table a subnet uses, as the table of a subnet wants it.
pub(super) fn bound_user_routes(
    bound: &Bound<RouteTable>,
    tables: &[Arc<UserRoutes>],
) -> (Option<Arc<UserRoutes>>, Option<Unknown>) {
    match bound {
        Bound::None => (None, None),
        Bound::To(id) => (tables.get(id.index()).cloned(), None),
        Bound::Unknown(unknown) => (None, Some(unknown.clone())),
    }
}
