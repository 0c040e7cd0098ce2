//! Which doubts an answer leaned on: a step asks what the other setting of a knob would have said, and where that
//! differs the answer says so under its assumptions.

use super::engine::Walk;
use super::layers::{Layer, LayerKind, Layers, Spot};
use super::state::State;
use crate::inventory::{Id, Subnet};
use crate::net::{IpAddr, IpNet};
use crate::network::{Choice, NextHop, Place, RouteKnob, RoutePrefix, RouteSource, RuleSet, Ruling, Verdict};

/// None routes that nobody doubts (D-19).
const SURE: [&str; 3] = ["10.0.0.0/8", "192.168.0.0/16", "100.64.0.0/10"];

/// The None route that the tables of the page's own example do not show (D-19).
const DOUBTFUL: &str = "172.16.0.0/12";

impl Walk<'_> {
    /// The knobs that a choice of routes leaned on (D-4, D-12, D-14, D-19).
    pub(super) fn route_leans(&self, s: &mut State, subnet: Id<Subnet>, choice: &Choice<'_>) {
        if !s.full {
            return;
        }
        let ip = s.header.destination;
        let profile = &self.net.profile;
        let differs = |knob| !same_choice(choice, &self.net.choose_otherwise(subnet, ip, knob));
        if !self.net.subnet(subnet).routes.service_endpoints.is_empty()
            && differs(RouteKnob::ServiceEndpointOverridable)
        {
            let may = if profile.service_endpoint_route_overridable { "may" } else { "cannot" };
            s.assume(
                Some("serviceEndpointRouteOverridable"),
                format!("a user-defined route {may} override a service endpoint's (D-4)"),
            );
        }
        if differs(RouteKnob::BgpDefaultRemovesNone) {
            let does = if profile.bgp_default_removes_none_routes { "removes" } else { "leaves" };
            s.assume(
                Some("bgpDefaultRemovesNoneRoutes"),
                format!("a 0.0.0.0/0 learnt by BGP {does} the None routes of private ranges (D-14)"),
            );
        }
        self.none_route_leans(s, choice, ip);
        self.unseen_gateway_leans(s, subnet, choice, ip);
    }

    /// A gateway that no file describes could announce a default route, or a public prefix (PEER-7, RT-6).
    fn unseen_gateway_leans(&self, s: &mut State, subnet: Id<Subnet>, choice: &Choice<'_>, ip: IpAddr) {
        let table = &self.net.subnet(subnet).routes;
        let Choice::Route(routes, _) = choice else { return };
        let leaves = routes
            .first()
            .is_some_and(|r| r.source == RouteSource::Default && r.hop == Ok(NextHop::Internet));
        if leaves && table.vnet.unseen_gateway.is_some() && table.keeps_gateway_routes_out() != Some(true) {
            let text = format!(
                "the hub's gateway, which is in none of the files, announces no route to {ip} (PEER-7)"
            );
            s.assume(None, text);
        }
    }

    fn none_route_leans(&self, s: &mut State, choice: &Choice<'_>, ip: IpAddr) {
        let profile = &self.net.profile;
        let Choice::Route(routes, _) = choice else { return };
        let Some(route) = routes.first() else { return };
        let Some(RoutePrefix::Net(net)) = &route.prefix else { return };
        if route.source != RouteSource::Default {
            return;
        }
        let drops = route.hop == Ok(NextHop::None);
        if drops && profile.extra_none_routes.contains(net) {
            s.assume(Some("extraNoneRoutes"), format!("Azure routes {net} to None as well (D-12)"));
        } else if drops && !SURE.iter().any(|sure| sure.parse() == Ok(*net)) {
            s.assume(Some("noneRoutes"), format!("Azure routes {net} to None (D-19)"));
        } else if !drops && net.prefix_len() == 0 {
            let gone = |prefix: &&&str| {
                let prefix: Option<IpNet> = prefix.parse().ok();
                prefix.is_some_and(|p| p.contains(&ip) && !profile.none_routes.contains(&p))
            };
            if let Some(prefix) = SURE.iter().chain([&DOUBTFUL]).find(gone) {
                s.assume(Some("noneRoutes"), format!("Azure does not route {prefix} to None (D-19)"));
            }
        }
    }

    /// Whether a rule decided as it did because of what user-defined routes do to the `VirtualNetwork` tag (D-3).
    pub(super) fn tag_leans(
        &self,
        s: &mut State,
        set: &RuleSet,
        layer: &Layer<'_>,
        place: &Place<'_>,
        ruling: &Ruling,
        subnet: Id<Subnet>,
    ) {
        if !s.full {
            return;
        }
        let other = &self.net.subnet(subnet).other_virtual_network_tag;
        let both = [s.header.source, s.header.destination];
        if both.iter().all(|ip| other.contains(*ip) == place.virtual_network.contains(*ip)) {
            return;
        }
        let elsewhere = Place { virtual_network: other, ..*place };
        let otherwise = set.decide(&s.header, &elsewhere, |rule| layer.skips(rule));
        let verdict = |ruling: &Ruling| match ruling {
            Ruling::Rule(number) => set.rules[*number].verdict,
            _ => None,
        };
        if verdict(ruling) != verdict(&otherwise) {
            let do_they =
                if self.net.profile.udr_prefixes_in_virtual_network_tag { "belong" } else { "do not belong" };
            s.assume(
                Some("udrPrefixesInVirtualNetworkTag"),
                format!("prefixes of user-defined routes {do_they} to the VirtualNetwork tag (D-3)"),
            );
        }
    }

    /// Whether a security admin rule would stop an answer, were they not stateful (SAR-11, D-8).
    pub(super) fn admin_leans(&self, s: &mut State, spot: Spot, inbound: bool) {
        if !s.full || !self.net.profile.admin_rules_stateful {
            return;
        }
        let layers = Layers::of(self.net, spot, &s.header, inbound);
        let place = layers.place(self.net);
        let admin = layers.layers.iter().find(|layer| layer.kind == LayerKind::Admin);
        let ruling = admin.and_then(|layer| Some((layer, layer.ruling(&s.header, &place)?)));
        let Some((layer, Ruling::Rule(number))) = ruling else { return };
        let denies = |set: &RuleSet| set.rules[number].verdict == Some(Verdict::Deny);
        if layer.rules.is_ok_and(denies) {
            s.assume(Some("adminRulesStateful"), "security admin rules let answers through (D-8)");
        }
    }
}

/// Whether two choices come to the same routes.
fn same_choice(a: &Choice<'_>, b: &Choice<'_>) -> bool {
    match (a, b) {
        (Choice::Route(a, _), Choice::Route(b, _)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| std::ptr::eq(*a, *b))
        }
        (Choice::NoRoute, Choice::NoRoute) | (Choice::Unknown(_), Choice::Unknown(_)) => true,
        _ => false,
    }
}
