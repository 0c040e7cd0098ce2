//! Security admin rules and network security groups at both ends (SAR, NSG, ASG; order of PKT-3 and PKT-4).

use super::engine::Walk;
use super::layers::{Layer, LayerKind, Layers, Spot};
use super::model::{Evidence, StepKind};
use super::state::{State, by, of};
use super::{Cause, Disposition};
use crate::inventory::{Id, Nsg, Slot, Subnet, TableTag, Unknown};
use crate::net::IpAddr;
use crate::network::{
    AttachmentId, AttachmentKind, EffectiveRoute, Link, Place as RulePlace, RuleSet, Ruling, SubnetRole, Tri,
    Verdict, rules_behind,
};
use crate::rules::{self as azure, RuleId};
use std::sync::Arc;

/// What security admin rules leave to the groups.
enum Admin {
    /// The groups are asked.
    GoOn,
    /// They are not: it is denied, or always allowed.
    Settled,
    /// Whether they are asked cannot be known; nothing denies it here.
    MaySettle(Unknown),
}

impl Walk<'_> {
    /// The filters of an attachment, in the order of the direction.
    pub(super) fn filter(&self, s: &mut State, id: AttachmentId, inbound: bool) {
        if s.returning {
            self.admin_leans(s, Spot::Attachment(id), inbound);
            return;
        }
        if self.passes_as_open(s, Spot::Attachment(id), inbound) {
            return;
        }
        let row = self.net.attachment(id);
        let said = s.blockers.len() + s.missing.len();
        self.layers(s, Spot::Attachment(id), inbound);
        let silent = said == s.blockers.len() + s.missing.len();
        if silent && row.nsg.is_none() && self.net.ground(row.subnet).nsg.is_none() {
            s.note(StepKind::Filter, by(&[azure::NSG_5]), || {
                "no network security group: nothing is filtered".into()
            });
        }
    }

    /// The filters of a subnet for a host that no resource stands for.
    pub(super) fn filter_subnet(&self, s: &mut State, subnet: Id<Subnet>, inbound: bool) {
        if !s.returning && !self.passes_as_open(s, Spot::Subnet(subnet), inbound) {
            self.layers(s, Spot::Subnet(subnet), inbound);
        }
    }

    /// Asks every set of rules, unless security admin rules settle the matter.
    fn layers(&self, s: &mut State, spot: Spot, inbound: bool) {
        let layers = Layers::of(self.net, spot, &s.header, inbound);
        let place = layers.place(self.net);
        self.useless_group(s, layers.subnet);
        let admin = layers.layers.iter().find(|l| l.kind == LayerKind::Admin);
        let says = match admin.and_then(|l| Some((l, l.rules.ok()?))) {
            Some((layer, set)) => self.admin(s, set, layer, &place, inbound, layers.has_group()),
            None => Admin::GoOn,
        };
        if let (Some(rule), Spot::Attachment(id), true) = (s.closed_front.take(), spot, inbound) {
            self.closed_unless_grouped(s, id, rule);
        }
        match says {
            Admin::Settled => {}
            Admin::GoOn => self.groups(s, &layers, spot, &place, inbound),
            Admin::MaySettle(unknown) => {
                // With the groups or without them: it matters only where they say anything.
                let mut with = s.clone();
                self.groups(&mut with, &layers, spot, &place, inbound);
                let silent = with.blockers.len() == s.blockers.len() && with.missing.len() == s.missing.len();
                if silent {
                    *s = with;
                } else {
                    s.unknown(StepKind::Filter, cause_of(&unknown), &unknown, by(&[azure::SAR_1]));
                }
            }
        }
    }

    /// Security admin rules on an answer, where the profile takes them as not stateful (SAR-11, D-8).
    pub(super) fn admin_reply(&self, s: &mut State, id: AttachmentId, inbound: bool) {
        if self.net.profile.admin_rules_stateful {
            return;
        }
        s.assume(Some("adminRulesStateful"), "security admin rules judge answers too (D-8)");
        let layers = Layers::of(self.net, Spot::Attachment(id), &s.header, inbound);
        let place = layers.place(self.net);
        let admin = layers.layers.iter().find(|l| l.kind == LayerKind::Admin);
        if let Some((layer, set)) = admin.and_then(|l| Some((l, l.rules.ok()?))) {
            // Groups are stateful: to allow and to allow always are the same for an answer.
            self.admin(s, set, layer, &place, inbound, false);
        }
    }

    /// Asks the groups, in the order of the direction.
    fn groups(&self, s: &mut State, layers: &Layers<'_>, spot: Spot, place: &RulePlace<'_>, inbound: bool) {
        for layer in layers.layers.iter().filter(|l| l.kind != LayerKind::Admin) {
            match (layer.nsg, layer.rules) {
                (_, Err(unknown)) => {
                    s.unknown(StepKind::Filter, Cause::DanglingReference, unknown, by(&[azure::NSG_7]));
                }
                (Some(nsg), Ok(set)) => self.ask(s, nsg, (set, layers.subnet), layer, place, inbound),
                (None, Ok(_)) => {}
            }
        }
        if !layers.has_group() {
            self.peering_access(s, spot, layers.subnet, inbound);
        }
    }

    /// Where no group is, the platform keeps out what the peering gives no access to, unless the
    /// `VirtualNetwork` tag holds it for another reason (PEER-5, D-18).
    fn peering_access(&self, s: &mut State, spot: Spot, subnet: Id<Subnet>, inbound: bool) {
        let spared = matches!(spot, Spot::Attachment(id) if {
            let row = self.net.attachment(id);
            row.is_platform() || matches!(row.kind, AttachmentKind::PrivateEndpoint(..))
        });
        let row = self.net.ground(subnet);
        let other = if inbound { s.header.source } else { s.header.destination };
        if spared || self.net.place(subnet, &[], &[]).virtual_network.contains(other) {
            return;
        }
        let holds = |l: &&Link| l.remote.is_some_and(|r| self.net.vnet(r).space.contains(other));
        let links = &self.net.vnet(row.vnet).links;
        let Some(link) = links.iter().filter(|l| l.usable == Tri::Yes).find(holds) else { return };
        let peering = &self.net.inventory.peerings[link.peering];
        let slot = Slot { table: TableTag::VirtualNetworkPeering, row: link.peering.raw() };
        let evidence = of(self.net, Some(slot), &[azure::PEER_5]);
        match (peering.allow_virtual_network_access.or(true), self.net.profile.peering_access_drops()) {
            (Ok(true), _) => {}
            (Err(unknown), _) => {
                s.unknown(StepKind::Filter, Cause::UnknownValue, unknown, evidence);
            }
            (Ok(false), false) => s.assume(
                Some("peeringAccessMode"),
                "a peering without virtual network access lets through what no group denies (D-18)",
            ),
            (Ok(false), true) => {
                if let Some(unknown) = self.routes_may_hold(subnet, other) {
                    s.unknown(StepKind::Filter, cause_of(unknown), unknown, evidence);
                    return;
                }
                s.assume(
                    Some("peeringAccessMode"),
                    "a peering without virtual network access drops what no group allows (D-18)",
                );
                let text = format!(
                    "`{}` gives no virtual network access, and no network security group allows {}",
                    peering.id.full_name(),
                    side(inbound)
                );
                s.block_as(StepKind::Filter, Cause::PeeringNoAccess, denied(inbound), evidence, text);
            }
        }
    }

    /// Why the routes of a subnet may put an address into its `VirtualNetwork` tag (TAG-2). A peer whose space
    /// is not known cannot: peered spaces do not overlap (PEER-3).
    fn routes_may_hold(&self, subnet: Id<Subnet>, ip: IpAddr) -> Option<&Unknown> {
        let routes = &self.net.subnet(subnet).routes;
        let counts = self.net.profile.udr_prefixes_in_virtual_network_tag;
        let user = routes.user.as_ref().filter(|_| counts);
        let table = routes.user_unknown.as_ref().filter(|_| counts);
        let prefix = user.and_then(|u| {
            let may = |r: &&EffectiveRoute| !r.public_only || self.net.is_public(ip);
            u.unknown_prefixes().filter(may).find_map(|r| r.prefix_unknown.as_ref())
        });
        table.or_else(|| user.and_then(|u| u.unknown.as_ref())).or(prefix)
    }

    /// Security admin rules (SAR-1, SAR-2).
    fn admin(
        &self,
        s: &mut State,
        set: &RuleSet,
        layer: &Layer<'_>,
        place: &RulePlace<'_>,
        inbound: bool,
        grouped: bool,
    ) -> Admin {
        // Where no group stands behind them, to allow, to allow always and to say nothing are the same.
        let same = |a: Option<Verdict>, b: Option<Verdict>| {
            let class = |v| match v {
                Some(Verdict::Deny) => 2,
                Some(Verdict::AlwaysAllow) if grouped => 1,
                _ => 0,
            };
            class(a) == class(b)
        };
        match set.decide_by(&s.header, place, |rule| layer.skips(rule), same) {
            Ruling::NoMatch => Admin::GoOn,
            Ruling::Unknown(unknown, _) => {
                let may = set.possible(&s.header, place, |rule| layer.skips(rule));
                if !may.contains(&Some(Verdict::Deny)) {
                    return Admin::MaySettle(unknown);
                }
                s.unknown(StepKind::Filter, cause_of(&unknown), &unknown, by(&[azure::SAR_1]));
                match may.contains(&Some(Verdict::AlwaysAllow)) {
                    true => Admin::Settled,
                    false => Admin::GoOn,
                }
            }
            Ruling::Rule(number) => {
                let rule = &set.rules[number];
                let near = if s.full { set.near_misses(&s.header, place, Some(number)) } else { Vec::new() };
                let evidence = Evidence {
                    resource: layer.owners.get(number).and_then(|o| o.parent()),
                    name: Some(rule.name.clone()),
                    rules: vec![azure::SAR_1, azure::SAR_2, azure::SAR_10],
                    at: rule.at,
                    near_misses: near,
                };
                s.assume(
                    None,
                    "the security admin configurations of the files are deployed everywhere already (SAR-10)",
                );
                let mut evidence = evidence;
                if s.returning {
                    evidence.rules.push(azure::SAR_11);
                }
                let side = side(inbound);
                let text = format!("security admin rule `{}` (priority {}) ", rule.name, rule.priority);
                match rule.verdict {
                    Some(Verdict::Deny) => {
                        let disposition = denied(inbound);
                        s.block_as(
                            StepKind::Filter,
                            Cause::AdminRuleDeny,
                            disposition,
                            evidence,
                            format!("{text}denies {side}"),
                        );
                        Admin::Settled
                    }
                    Some(Verdict::AlwaysAllow) => {
                        s.pass(StepKind::Filter, evidence, || {
                            format!("{text}always allows {side}; network security groups are skipped")
                        });
                        Admin::Settled
                    }
                    _ => {
                        s.pass(StepKind::Filter, evidence, || {
                            format!("{text}allows {side}; network security groups decide")
                        });
                        Admin::GoOn
                    }
                }
            }
        }
    }

    /// Warns of a group on a subnet where it does nothing.
    fn useless_group(&self, s: &mut State, subnet: Id<Subnet>) {
        let row = self.net.ground(subnet);
        match row.role {
            SubnetRole::Firewall if !row.nsg.is_none() => {
                s.warn("a network security group on AzureFirewallSubnet has no effect (NSG-21)");
            }
            SubnetRole::Gateway | SubnetRole::RouteServer if !row.nsg.is_none() => {
                s.warn("Azure supports no network security group on GatewaySubnet and RouteServerSubnet (NSG-22, NSG-23)");
            }
            _ => {}
        }
    }

    fn ask(
        &self,
        s: &mut State,
        nsg: Id<Nsg>,
        (set, subnet): (&RuleSet, Id<Subnet>),
        layer: &Layer<'_>,
        place: &RulePlace<'_>,
        inbound: bool,
    ) {
        let slot = Slot { table: TableTag::Nsg, row: nsg.raw() };
        let id = &self.net.inventory.nsgs[nsg].id;
        let level_rule = if layer.kind == LayerKind::Subnet { azure::NSG_6 } else { azure::NSG_4 };
        // What no rule stops goes through to the host's own services, as if it were allowed.
        let same = |a: Option<Verdict>, b: Option<Verdict>| {
            let denies = |v| v == Some(Verdict::Deny);
            if layer.is_exempt() { denies(a) == denies(b) } else { a == b && a.is_some() }
        };
        let ruling = set.decide_by(&s.header, place, |rule| layer.skips(rule), same);
        self.tag_leans(s, set, layer, place, &ruling, subnet);
        match ruling {
            Ruling::NoMatch if layer.is_exempt() && super::layers::asks_for_licence(&s.header) => {
                s.pass(StepKind::Filter, by(&[azure::NSG_19]), || {
                    format!("`{}` does not act on Windows licensing", id.name())
                });
            }
            Ruling::NoMatch if layer.is_exempt() => {
                s.pass(StepKind::Filter, by(&[azure::NSG_17, azure::NSG_18]), || {
                    format!("`{}` does not act on the host's own services", id.name())
                });
            }
            Ruling::NoMatch => {}
            Ruling::Unknown(unknown, number) => {
                let name = number.map(|n| set.rules[n].name.clone());
                let evidence = Evidence { name, ..of(self.net, Some(slot), &[azure::NSG_2]) };
                s.unknown(StepKind::Filter, cause_of(&unknown), &unknown, evidence);
            }
            Ruling::Rule(number) => {
                let rule = &set.rules[number];
                let mut rules: Vec<RuleId> = rules_behind(rule);
                rules.push(level_rule);
                let near = if s.full { set.near_misses(&s.header, place, Some(number)) } else { Vec::new() };
                let at = if rule.default { self.net.inventory.nsgs[nsg].at } else { rule.at };
                let evidence = Evidence {
                    resource: Some(id.clone()),
                    name: Some(rule.name.clone()),
                    rules,
                    at,
                    near_misses: near,
                };
                self.rule_says(s, rule, layer.kind, inbound, evidence, id.name());
            }
        }
    }

    fn rule_says(
        &self,
        s: &mut State,
        rule: &crate::network::CompiledRule,
        level: LayerKind,
        inbound: bool,
        evidence: Evidence,
        group: &str,
    ) {
        let place = if level == LayerKind::Subnet { "subnet" } else { "interface" };
        let text = format!("`{}` (priority {}) of `{group}` on the {place}", rule.name, rule.priority);
        match rule.verdict {
            Some(Verdict::Deny) => {
                let cause = if rule.default { Cause::NsgDefaultDeny } else { Cause::NsgRuleDeny };
                s.block_as(
                    StepKind::Filter,
                    cause,
                    denied(inbound),
                    evidence,
                    format!("{text} denies {}", side(inbound)),
                );
            }
            _ => s.pass(StepKind::Filter, evidence, || format!("{text} allows {}", side(inbound))),
        }
    }
}

fn side(inbound: bool) -> &'static str {
    if inbound { "in" } else { "out" }
}

fn denied(inbound: bool) -> Disposition {
    if inbound { Disposition::DeniedIn } else { Disposition::DeniedOut }
}

/// The cause behind an unknown in a rule.
pub(super) fn cause_of(unknown: &Unknown) -> Cause {
    let why: &Arc<str> = &unknown.why;
    if why.contains("service tag") || why.contains("prefixes of") {
        Cause::UnknownServiceTag
    } else if why.contains("none of the files") {
        Cause::DanglingReference
    } else {
        Cause::UnknownValue
    }
}
