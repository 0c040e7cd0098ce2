//! Front Door: endpoint or domain, route, and a flow of its own to an origin (AFD).

use super::engine::Walk;
use super::forward::MAX_GUESSES;
use super::model::{Evidence, HopKind, Scheme, StepKind, Zone};
use super::question::Target;
use super::state::{Arrival, Device, End, Next, Place, State, Terminal, by, of};
use super::url::{at_origin, closeness};
use super::worlds::{Asked, Guess};
use super::{Cause, Disposition};
use crate::inventory::{
    ConnectionStatus, Field, FrontDoorOrigin, FrontDoorProfile, FrontDoorRoute, Id, Inventory, OriginGroup,
    PlatformService, ResourceId, Slot, TableTag, Unknown,
};
use crate::net::{IpAddr, Protocol};
use crate::rules as azure;
use std::sync::Arc;

/// Origins of one group that are looked at: as many as Azure takes.
const MOST_ORIGINS: usize = 50;

/// Kinds of resources that a private origin can be, beside a private link service and an application gateway.
const PRIVATE_ORIGINS: &[&str] = &["Microsoft.Storage/storageAccounts", "Microsoft.Web/sites"];

impl<'a> Walk<'a> {
    /// At Front Door: endpoint or domain, route, origin (AFD-1).
    pub(super) fn at_front_door(&self, s: &mut State, slot: Slot) -> Next {
        let inventory = &self.net.inventory;
        let Some(id) = inventory.id_of(slot).cloned() else { return Next::End(End::Stopped) };
        let profile = id.ancestor("Microsoft.Cdn/profiles");
        let name = profile.as_ref().map_or_else(|| id.name().to_owned(), |p| p.name().to_owned());
        s.hop(HopKind::FrontDoor, name, profile.clone(), Zone::Yours);
        let spoken = s.header.protocol == Protocol::Tcp && matches!(s.header.port, 80 | 443);
        let evidence = of(self.net, Some(slot), &[azure::AFD_1]);
        if !spoken {
            let text = "Front Door answers HTTP on 80 and HTTPS on 443 alone";
            s.block(StepKind::Proxy, Cause::NothingListens, evidence, text);
            return Next::End(End::Stopped);
        }
        if s.sessions.iter().any(|x| x.device == Device::Edge) {
            let why = "a Front Door behind a Front Door: what the second does with requests of the first is not documented";
            s.unknown(
                StepKind::Proxy,
                Cause::UnsupportedResource,
                &Unknown::new(inventory.at_of(slot), why),
                evidence,
            );
            return Next::End(End::Stopped);
        }
        if !self.serves_host(s, slot, profile.as_ref(), &evidence) {
            return Next::End(End::Stopped);
        }
        let routes = self.routes_of_door(s, slot, &id);
        let Some(route) = self.route_of_door(s, &routes) else {
            let path = s.path.as_deref().unwrap_or("/");
            let text = match routes.is_empty() {
                true => format!("no route of the profile serves `{}`", id.name()),
                false => format!("no route of the profile serves `{path}` of `{}`", id.name()),
            };
            s.block(StepKind::Proxy, Cause::FrontDoorHostUnknown, evidence, text);
            return Next::End(End::Stopped);
        };
        let redirects = route.https_redirect.known().is_some_and(|r| r.eq_ignore_ascii_case("Enabled"));
        if redirects && s.header.port == 80 {
            let text = format!(
                "the route `{}` sends who asks over HTTP to HTTPS: Front Door answers by itself",
                route.id.name()
            );
            s.pass(StepKind::Proxy, evidence, || text.clone());
            s.warn(text);
            return Next::End(End::Arrived(Terminal::Internet, Disposition::Accepted));
        }
        self.on_the_way(s, route, profile.as_ref());
        self.to_origins(s, route)
    }

    /// AFD-1: whether the profile serves the name in the Host header: its endpoint's, or a domain registered with it.
    fn serves_host(
        &self,
        s: &mut State,
        slot: Slot,
        profile: Option<&ResourceId>,
        evidence: &Evidence,
    ) -> bool {
        let Some(host) = s.host.clone() else { return true };
        if self.meant(&host) == Some(Target::FrontDoor(slot)) {
            return true;
        }
        let inventory = &self.net.inventory;
        let own = |id: &ResourceId| {
            profile.is_some_and(|p| id.ancestor("Microsoft.Cdn/profiles").as_ref() == Some(p))
        };
        let domains = inventory.custom_domains.iter().filter(|d| own(&d.id));
        let unread = domains.clone().find_map(|d| d.host_name.unknown().cloned());
        let mut routes = inventory.front_door_routes.iter().filter(|r| own(&r.id));
        let dangling = routes.find_map(|r| {
            let missing = r.custom_domains.iter().find(|d| inventory.follow_any(&d.text).is_none())?;
            let why =
                format!("whether `{host}` is the domain `{}`, which is in none of the files", missing.text);
            r.custom_domains.unknown.clone().or(Some(Unknown::new(missing.at, why)))
        });
        if let Some(unknown) = unread.or(dangling) {
            s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence.clone());
            return false;
        }
        let text = format!(
            "`{host}` is no endpoint and no registered domain of the profile, which so serves it to nobody"
        );
        s.block(StepKind::Proxy, Cause::FrontDoorHostUnknown, evidence.clone(), text);
        false
    }

    /// The routes that serve the name, whatever their paths.
    fn routes_of_door(&self, s: &State, slot: Slot, id: &ResourceId) -> Vec<&'a FrontDoorRoute> {
        let inventory: &'a Inventory = &self.net.inventory;
        let scheme = if s.header.port == 80 { "Http" } else { "Https" };
        let fits = |r: &&FrontDoorRoute| {
            let mut spoken = r.supported_protocols.iter();
            let other = !r.supported_protocols.is_empty() && !spoken.any(|p| p.eq_ignore_ascii_case(scheme));
            if other || is_off(&r.enabled_state) {
                return false;
            }
            let endpoint = r.id.parent();
            let row = endpoint.as_ref().and_then(|e| inventory.row::<crate::inventory::FrontDoorEndpoint>(e));
            if row.is_some_and(|e| is_off(&inventory.front_door_endpoints[e].enabled_state)) {
                return false;
            }
            let own = endpoint.is_some_and(|p| p == *id);
            let custom = r.custom_domains.iter().any(|d| inventory.follow_any(&d.text) == Some(slot));
            own && !is_off(&r.link_to_default_domain) || custom
        };
        inventory.front_door_routes.iter().filter(fits).collect()
    }

    /// The route that takes the path asked for: the closest pattern, whichever stands first. Where nobody says what is
    /// asked for at the name, its root.
    fn route_of_door(&self, s: &mut State, routes: &[&'a FrontDoorRoute]) -> Option<&'a FrontDoorRoute> {
        let path = s.path.clone();
        let found = closest_route(routes, path.as_deref().unwrap_or("/"));
        let patterns = routes.iter().flat_map(|r| r.patterns_to_match.iter());
        let others = path.is_none() && patterns.clone().any(|p| !matches!(&**p, "/" | "/*" | "*"));
        if others {
            s.assume(None, "the request asks for `/`: routes of the profile differ by path (AFD-1), which a URL would tell");
        }
        found
    }

    /// What stands between route and origin and is not judged: rule sets, and the firewall before them.
    fn on_the_way(&self, s: &mut State, route: &FrontDoorRoute, profile: Option<&ResourceId>) {
        if !route.rule_sets.is_empty() {
            let name = route.id.name();
            s.assume(
                None,
                format!("the rule sets of the route `{name}` leave the request on its way (AFD-1)"),
            );
        }
        let own = |id: &ResourceId| id.ancestor("Microsoft.Cdn/profiles").as_ref() == profile;
        let policies = self.net.inventory.front_door_security_policies.iter().filter(|p| own(&p.id));
        for policy in policies {
            let waf = policy
                .waf_policy
                .known()
                .map_or("a firewall policy", |w| w.text.rsplit('/').next().unwrap_or(""));
            s.assume(None, format!("the web application firewall `{waf}` lets the request pass (AFD-1)"));
        }
    }

    /// The origins that may get the request. Front Door takes one of the lowest priority, by health, weight and
    /// latency, and another priority's where those are down: no file tells, so all are looked at.
    fn to_origins(&self, s: &mut State, route: &FrontDoorRoute) -> Next {
        let inventory = &self.net.inventory;
        let evidence = Evidence { resource: Some(route.id.clone()), at: route.at, ..by(&[azure::AFD_1]) };
        let group = match &route.origin_group {
            Field::Unknown(unknown) => {
                s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown.clone(), evidence);
                return Next::End(End::Stopped);
            }
            field => field.known().and_then(|g| inventory.follow(g).row()),
        };
        let origins = self.enabled_origins(s, route, group);
        let Some(first) = origins.first() else {
            if let (None, Some(reference)) = (group, route.origin_group.known()) {
                let why = format!("the origin group `{}` is in none of the files", reference.text);
                s.unknown(
                    StepKind::Proxy,
                    Cause::DanglingReference,
                    &Unknown::new(reference.at, why),
                    evidence,
                );
                return Next::End(End::Stopped);
            }
            let text = "the route's origin group has no enabled origin";
            s.block(StepKind::Proxy, Cause::FrontDoorOriginDown, evidence, text);
            return Next::End(End::Stopped);
        };
        if origins.len() == 1 || s.guesses.len() >= MAX_GUESSES {
            return self.to_origin(s, route, first, evidence);
        }
        let names: Vec<String> = origins.iter().map(|o| format!("`{}`", o.id.name())).collect();
        let why = format!(
            "which of the origins {} gets the request: Front Door takes one by priority, health, weight and latency, and they do not come to the same (AFD-1)",
            names.join(", ")
        );
        let mut doubt = s.clone();
        doubt.stands_for_unknown = true;
        doubt.unknown(StepKind::Proxy, Cause::UnknownValue, &Unknown::new(route.at, why), evidence.clone());
        let mut ways = Vec::new();
        for (way, origin) in origins.iter().enumerate() {
            let mut branch = s.clone();
            branch.guesses.push(Guess { at: Asked::Origin(route.id.clone()), way, of: origins.len() });
            branch.assume(
                None,
                format!(
                    "the origin {} stands for {} that may get the request: all come to the same (AFD-1)",
                    names[way],
                    names.len()
                ),
            );
            let next = self.to_origin(&mut branch, route, origin, evidence.clone());
            ways.push((branch, next));
        }
        ways.push((doubt, Next::End(End::Stopped)));
        Next::Forked(ways)
    }

    /// The enabled origins of a group that may get the request: those of the lowest priority; and the others, which
    /// stand in for them, where none of those can be shown to answer.
    fn enabled_origins(
        &self,
        s: &State,
        route: &FrontDoorRoute,
        group: Option<Id<OriginGroup>>,
    ) -> Vec<&FrontDoorOrigin> {
        let inventory = &self.net.inventory;
        let own = |o: &&FrontDoorOrigin| {
            group.is_some()
                && o.id.parent().and_then(|p| inventory.row(&p)) == group
                && !is_off(&o.enabled_state)
        };
        let priority = |o: &FrontDoorOrigin| o.priority.known().copied().unwrap_or(1);
        let mut origins: Vec<_> = inventory.origins.iter().filter(own).collect();
        origins.sort_by_key(|o| (priority(o), o.id.clone()));
        origins.truncate(MOST_ORIGINS);
        let Some(lowest) = origins.first().map(|o| priority(o)) else { return origins };
        let first = origins.iter().take_while(|o| priority(o) == lowest).count();
        if first < origins.len() && origins[..first].iter().any(|o| self.answers_at(s, route, o)) {
            origins.truncate(first);
        }
        origins
    }

    /// Whether nothing stands between Front Door and an origin.
    fn answers_at(&self, s: &State, route: &FrontDoorRoute, origin: &FrontDoorOrigin) -> bool {
        let mut state = s.clone();
        let next = self.to_origin(&mut state, route, origin, by(&[azure::AFD_1]));
        self.run(state, next).iter().all(|(state, end)| state.is_clear() && matches!(end, End::Arrived(..)))
    }

    fn to_origin(
        &self,
        s: &mut State,
        route: &FrontDoorRoute,
        origin: &FrontDoorOrigin,
        evidence: Evidence,
    ) -> Next {
        let evidence = Evidence { resource: Some(origin.id.clone()), at: origin.at, ..evidence };
        let Some(host) = origin.host_name.known().map(|h| h.trim_end_matches('.').to_ascii_lowercase())
        else {
            let unknown = Unknown::new(
                origin.at,
                format!("the host of the origin `{}` is not known", origin.id.name()),
            );
            s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence);
            return Next::End(End::Stopped);
        };
        let host: Arc<str> = host.into();
        let asked = s.host.clone();
        let before = s.header;
        let mut after = s.header;
        after.source = self.backend_address().unwrap_or(after.source);
        let (scheme, port) = match origin_leg(route, origin, s.header.port) {
            Ok(leg) => leg,
            Err(unknown) => {
                s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence);
                return Next::End(End::Stopped);
            }
        };
        after.port = port;
        let private = !origin.private_link.is_absent();
        s.target = None;
        if private {
            s.target = self.meant(&host);
        } else if let Ok(ip) = host.parse::<IpAddr>() {
            after.destination = ip;
        } else {
            s.header.source = after.source;
            let found = self.resolve_backend(s, None, &host);
            after.destination = s.header.destination;
            s.header = before;
            if !found {
                return Next::End(End::Stopped);
            }
            let profile = route.id.ancestor("Microsoft.Cdn/profiles");
            let name = profile.as_ref().map(|p| p.name().to_owned()).unwrap_or_default();
            s.hop(HopKind::FrontDoor, name, profile, Zone::Yours);
        }
        s.host = origin
            .origin_host_header
            .known()
            .filter(|h| !h.is_empty())
            .map(|h| h.to_ascii_lowercase().into());
        // Without a header of its own, Front Door sends the client's.
        s.host = s
            .host
            .take()
            .or(asked.filter(|_| origin.origin_host_header.known().is_some()))
            .or(Some(host.clone()));
        s.path = path_at_origin(route, s.path.take());
        s.scheme = Some(scheme);
        s.remember(Device::Edge, before, after, "Front Door");
        s.rewrite(StepKind::Proxy, after, evidence.clone(), || {
            format!("a flow of Front Door's own to the origin {host}")
        });
        if private {
            return self.by_private_link(s, origin, evidence);
        }
        s.note(StepKind::Proxy, Evidence { rules: vec![azure::AFD_2, azure::AFD_4], ..evidence }, || {
            "the origin sees AzureFrontDoor.Backend, the tag of every customer's Front Door: only its check of X-Azure-FDID tells this one".into()
        });
        self.known_by(s);
        Next::Go(Place::Public)
    }

    fn backend_address(&self) -> Option<IpAddr> {
        self.net.tags.find("AzureFrontDoor.Backend").and_then(|t| self.net.tags.representative(t))
    }

    /// AFD-3: over a private endpoint of Front Door's own, which needs a Premium profile and the origin's approval.
    fn by_private_link(&self, s: &mut State, origin: &FrontDoorOrigin, evidence: Evidence) -> Next {
        let evidence = Evidence { rules: vec![azure::AFD_3], ..evidence };
        self.premium(s, origin, &evidence);
        let inventory = &self.net.inventory;
        let target = origin.private_link.known().and_then(|r| inventory.follow_any(&r.text));
        self.approved_origin(s, origin, target, &evidence);
        s.service_from.get_or_insert(s.blockers.len());
        let groups: Vec<Arc<str>> = origin.private_link_group.known().cloned().into_iter().collect();
        match target {
            Some(Slot { table: TableTag::PlatformService, row }) => {
                let service: Id<PlatformService> = Id::new(row as usize);
                let kind = inventory.services[service].id.kind();
                if !PRIVATE_ORIGINS.iter().any(|k| k.eq_ignore_ascii_case(&kind)) {
                    let why = format!(
                        "whether Front Door takes a {kind} as private origin: it is none of those documented"
                    );
                    s.unknown(
                        StepKind::Proxy,
                        Cause::UnsupportedResource,
                        &Unknown::new(origin.at, why),
                        evidence,
                    );
                    return Next::End(End::Stopped);
                }
                self.right_resource(s, service, &groups, &evidence);
                s.target = Some(Target::Service(service, self.endpoint_of_group(service, &groups)));
                Next::Go(Place::AtService(Arrival::ManagedEndpoint))
            }
            Some(Slot { table: TableTag::PrivateLinkService, row }) => {
                s.target = None;
                self.at_private_link_service(s, Id::new(row as usize), Arrival::ManagedEndpoint)
            }
            _ => {
                s.target = None;
                let text = origin.private_link.known().map(|r| r.text.to_string());
                let name = text.unwrap_or_else(|| "the target of the private origin".into());
                s.assume(None, format!("what stands behind `{name}` answers"));
                Next::End(End::Arrived(Terminal::Service(Arrival::ManagedEndpoint), Disposition::Accepted))
            }
        }
    }

    /// Private origins are for Premium profiles.
    fn premium(&self, s: &mut State, origin: &FrontDoorOrigin, evidence: &Evidence) {
        let profile = origin.id.ancestor("Microsoft.Cdn/profiles");
        let row = profile.as_ref().and_then(|id| self.net.inventory.row::<FrontDoorProfile>(id));
        match row.map(|p| &self.net.inventory.front_door_profiles[p].sku) {
            Some(Field::Known(sku)) if !sku.to_ascii_lowercase().starts_with("premium") => {
                let text = format!("the profile is {sku}, and an origin over Private Link needs Premium");
                s.block(StepKind::Proxy, Cause::FrontDoorOriginDown, evidence.clone(), text);
            }
            Some(Field::Unknown(unknown)) => {
                s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown.clone(), evidence.clone());
            }
            Some(Field::Known(_)) => {}
            _ => {
                s.assume(None, "the profile of the private origin is Premium: no file names its SKU (AFD-3)")
            }
        }
    }

    /// Whether the origin's side has approved the connection: the service decides, whatever the profile remembers.
    fn approved_origin(
        &self,
        s: &mut State,
        origin: &FrontDoorOrigin,
        target: Option<Slot>,
        evidence: &Evidence,
    ) {
        let told = &origin.private_link_status;
        match self.approved_there(target) {
            Some(Ok(ConnectionStatus::Approved)) => {
                let text = || "the origin's side has approved the connection".to_owned();
                return s.pass(StepKind::Admit, evidence.clone(), text);
            }
            Some(Ok(status)) => {
                let told = match told.known() {
                    Some(told) if *told != status => {
                        format!("; the profile's {told} is not what holds there")
                    }
                    _ => String::new(),
                };
                let text = format!("at the origin the connection is {status}, so it carries nothing{told}");
                return s.block(StepKind::Proxy, Cause::PeNotApproved, evidence.clone(), text);
            }
            Some(Err(unknown)) if told.known().is_none() || told.is(ConnectionStatus::Approved) => {
                return s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown, evidence.clone());
            }
            _ => {}
        }
        match told {
            Field::Unknown(unknown) => {
                s.unknown(StepKind::Proxy, Cause::UnknownValue, &unknown.clone(), evidence.clone());
            }
            Field::Known(ConnectionStatus::Approved) => {}
            Field::Known(status) => {
                let text = format!("the private connection to the origin is {status}, so it carries nothing");
                s.block(StepKind::Proxy, Cause::PeNotApproved, evidence.clone(), text);
            }
            Field::Absent => s.assume(
                None,
                "the private connection of Front Door to its origin is Approved at the origin (AFD-3)",
            ),
        }
    }

    /// What a service says of connections that come from no private endpoint of the files, of which Front Door's is
    /// one. `None` where it does not say.
    fn approved_there(&self, target: Option<Slot>) -> Option<Result<ConnectionStatus, Unknown>> {
        let inventory = &self.net.inventory;
        let target = target?;
        let told = crate::network::connections_at(inventory, target).filter(|told| told.given)?;
        if let Some(unknown) = &told.unknown {
            return Some(Err(unknown.clone()));
        }
        let own = |c: &&crate::inventory::EndpointConnection| {
            c.private_endpoint.known().and_then(|r| inventory.follow(r).row()).is_some()
        };
        let others: Vec<_> = told.iter().filter(|c| !own(c)).collect();
        let doubt = |why: String| Some(Err(Unknown::new(inventory.at_of(target), why)));
        let name = inventory.id_of(target).map_or("the origin", |id| id.name());
        let mut states = others.iter().map(|c| c.status.or(ConnectionStatus::Pending));
        match states.next() {
            None => doubt(format!(
                "whether Front Door's connection is there: `{name}` lists none that could be it"
            )),
            Some(Err(unknown)) => Some(Err(unknown.clone())),
            Some(Ok(first)) if states.all(|s| s.is_ok_and(|s| s == first)) => Some(Ok(first)),
            Some(Ok(_)) => doubt(format!(
                "which of the connections that `{name}` lists is Front Door's: they are not in the same state"
            )),
        }
    }
}

/// What is spoken to the origin, and its port there: as the route says, or as the client asks.
fn origin_leg(
    route: &FrontDoorRoute,
    origin: &FrontDoorOrigin,
    asked: u16,
) -> Result<(Scheme, u16), Unknown> {
    let plain = match &route.forwarding_protocol {
        Field::Unknown(unknown) => return Err(unknown.clone()),
        Field::Known(text) if text.eq_ignore_ascii_case("HttpOnly") => true,
        Field::Known(text) if text.eq_ignore_ascii_case("HttpsOnly") => false,
        _ => asked == 80,
    };
    let (scheme, port, usual) =
        if plain { (Scheme::Http, &origin.http_port, 80) } else { (Scheme::Https, &origin.https_port, 443) };
    match port {
        Field::Unknown(unknown) => Err(unknown.clone()),
        _ => Ok((scheme, port.known().and_then(|p| u16::try_from(*p).ok()).unwrap_or(usual))),
    }
}

/// Whether a state of Azure's is written as `Disabled`.
fn is_off(state: &Field<Arc<str>>) -> bool {
    state.known().is_some_and(|s| s.eq_ignore_ascii_case("Disabled"))
}

/// The route with the pattern that is closest to a path. A route that names no pattern takes all.
fn closest_route<'a>(routes: &[&'a FrontDoorRoute], path: &str) -> Option<&'a FrontDoorRoute> {
    let closest = |r: &FrontDoorRoute| match r.patterns_to_match.is_empty() {
        true => closeness("/*", path),
        false => r.patterns_to_match.iter().filter_map(|p| closeness(p, path)).min(),
    };
    let ranked = routes.iter().filter_map(|r| Some(((closest(r)?, &r.id), *r)));
    ranked.min_by(|a, b| a.0.cmp(&b.0)).map(|(_, r)| r)
}

/// What the origin is asked for.
fn path_at_origin(route: &FrontDoorRoute, path: Option<Arc<str>>) -> Option<Arc<str>> {
    let Some(own) = route.origin_path.known().filter(|own| !own.is_empty()) else { return path };
    let asked = path.as_deref().unwrap_or("/");
    let fits = route.patterns_to_match.iter().filter_map(|p| Some((closeness(p, asked)?, &**p)));
    let pattern = fits.min().map(|(_, pattern)| pattern);
    Some(at_origin(own, pattern, asked).into())
}
