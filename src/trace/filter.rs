//! Security admin rules and network security groups at both ends (SAR, NSG, ASG; order of PKT-3 and PKT-4).

use super::engine::Walk;
use super::model::{Evidence, StepKind};
use super::state::{State, by, of};
use super::{Cause, Disposition};
use crate::inventory::{Asg, Id, Nsg, Slot, Subnet, TableTag, Unknown};
use crate::network::{
    AttachmentId, AttachmentKind, Bound, HOST_ADDRESS, METADATA_ADDRESS, Place as RulePlace, RuleSet, Ruling,
    SubnetRole, Verdict, rules_behind,
};
use crate::rules::{self as azure, RuleId};
use std::sync::Arc;

/// At which level a group acts.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Interface,
    Subnet,
}

/// One question to a rule set.
struct Asked<'a> {
    inbound: bool,
    set: &'a RuleSet,
    place: RulePlace<'a>,
}

impl Walk<'_> {
    /// The filters of an attachment, in the order of the direction.
    pub(super) fn filter(&self, s: &mut State, id: AttachmentId, inbound: bool) {
        if s.returning {
            return;
        }
        let row = self.net.attachment(id);
        let (source, destination) = self.groups(s, id, inbound);
        if self.is_ruled(id) && self.admin(s, row.subnet, inbound, &source, &destination) {
            return;
        }
        let interface = row.nsg.clone();
        if inbound {
            self.subnet_group(s, row.subnet, inbound, &source, &destination);
            self.group(s, &interface, Level::Interface, row.subnet, inbound, &source, &destination);
        } else {
            self.group(s, &interface, Level::Interface, row.subnet, inbound, &source, &destination);
            self.subnet_group(s, row.subnet, inbound, &source, &destination);
        }
        if row.nsg.is_none() && self.net.subnet(row.subnet).nsg.is_none() {
            s.note(StepKind::Filter, by(&[azure::NSG_5]), || {
                "no network security group: nothing is filtered".into()
            });
        }
    }

    /// The filters of a subnet for a host that no resource stands for.
    pub(super) fn filter_subnet(&self, s: &mut State, subnet: Id<Subnet>, inbound: bool) {
        if !s.returning && !self.admin(s, subnet, inbound, &[], &[]) {
            self.subnet_group(s, subnet, inbound, &[], &[]);
        }
    }

    /// Application security groups of sender and receiver as seen from this attachment: those of the other
    /// end count only inside the same virtual network (ASG-3).
    fn groups(&self, s: &State, id: AttachmentId, inbound: bool) -> (Vec<Id<Asg>>, Vec<Id<Asg>>) {
        let row = self.net.attachment(id);
        let other = if inbound { s.header.source } else { s.header.destination };
        let other = self
            .net
            .at_address(row.vnet, other)
            .map(|a| self.net.attachment(a).asgs.clone())
            .unwrap_or_default();
        if inbound { (other, row.asgs.clone()) } else { (row.asgs.clone(), other) }
    }

    /// Whether security admin rules act on an attachment (SAR-7, SAR-8).
    fn is_ruled(&self, id: AttachmentId) -> bool {
        let row = self.net.attachment(id);
        !row.is_platform()
            && !matches!(
                row.kind,
                AttachmentKind::PrivateEndpoint(..)
                    | AttachmentKind::ApplicationGateway(_)
                    | AttachmentKind::Bastion(_)
            )
    }

    /// Security admin rules; `true` where they settle the matter and groups are not asked.
    fn admin(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        inbound: bool,
        source: &[Id<Asg>],
        destination: &[Id<Asg>],
    ) -> bool {
        let row = self.net.subnet(subnet);
        let sets = if inbound { &self.net.admin.inbound } else { &self.net.admin.outbound };
        let set = &sets[row.vnet.index()];
        if set.rules.is_empty() || row.role != SubnetRole::Ordinary || is_platform_address(s) {
            return false;
        }
        let asked = Asked { inbound, set, place: self.net.place(subnet, source, destination) };
        let owners = &self.net.admin.owners[row.vnet.index()][usize::from(!inbound)];
        match set.decide(&s.header, &asked.place, |_| false) {
            Ruling::NoMatch => false,
            Ruling::Unknown(unknown, _) => {
                s.unknown(StepKind::Filter, cause_of(&unknown), &unknown, by(&[azure::SAR_1]));
                false
            }
            Ruling::Rule(number) => {
                let rule = &set.rules[number];
                let near =
                    if s.full { set.near_misses(&s.header, &asked.place, Some(number)) } else { Vec::new() };
                let evidence = Evidence {
                    resource: owners.get(number).and_then(|o| o.parent()),
                    name: Some(rule.name.clone()),
                    rules: vec![azure::SAR_1, azure::SAR_2],
                    at: rule.at,
                    near_misses: near,
                };
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
                        true
                    }
                    Some(Verdict::AlwaysAllow) => {
                        s.pass(StepKind::Filter, evidence, || {
                            format!("{text}always allows {side}; network security groups are skipped")
                        });
                        true
                    }
                    _ => {
                        s.pass(StepKind::Filter, evidence, || {
                            format!("{text}allows {side}; network security groups decide")
                        });
                        false
                    }
                }
            }
        }
    }

    fn subnet_group(
        &self,
        s: &mut State,
        subnet: Id<Subnet>,
        inbound: bool,
        source: &[Id<Asg>],
        destination: &[Id<Asg>],
    ) {
        let row = self.net.subnet(subnet);
        match row.role {
            SubnetRole::Firewall if !row.nsg.is_none() => {
                s.warn("a network security group on AzureFirewallSubnet has no effect (NSG-21)");
            }
            SubnetRole::Gateway | SubnetRole::RouteServer if !row.nsg.is_none() => {
                s.warn("Azure supports no network security group on GatewaySubnet and RouteServerSubnet (NSG-22, NSG-23)");
            }
            SubnetRole::Ordinary | SubnetRole::Bastion => {
                let group = row.nsg.clone();
                self.group(s, &group, Level::Subnet, subnet, inbound, source, destination);
            }
            _ => {}
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one question, asked from two places")]
    fn group(
        &self,
        s: &mut State,
        group: &Bound<Nsg>,
        level: Level,
        subnet: Id<Subnet>,
        inbound: bool,
        source: &[Id<Asg>],
        destination: &[Id<Asg>],
    ) {
        let nsg = match group {
            Bound::None => return,
            Bound::Unknown(unknown) => {
                s.unknown(StepKind::Filter, Cause::DanglingReference, unknown, by(&[azure::NSG_7]));
                return;
            }
            Bound::To(nsg) => *nsg,
        };
        let tables = &self.net.security;
        let set = if inbound { &tables.inbound[nsg.index()] } else { &tables.outbound[nsg.index()] };
        let asked = Asked { inbound, set, place: self.net.place(subnet, source, destination) };
        self.ask(s, nsg, level, &asked);
    }

    fn ask(&self, s: &mut State, nsg: Id<Nsg>, level: Level, asked: &Asked<'_>) {
        let platform = is_platform_address(s);
        // NSG-17: the host's own services are stopped only by a written deny of their platform tag.
        let skip = |r: &crate::network::CompiledRule| platform && r.destination.platform.is_none();
        let ruling = asked.set.decide(&s.header, &asked.place, skip);
        let slot = Slot { table: TableTag::Nsg, row: nsg.raw() };
        let id = &self.net.inventory.nsgs[nsg].id;
        let level_rule = if level == Level::Subnet { azure::NSG_6 } else { azure::NSG_4 };
        match ruling {
            Ruling::NoMatch if platform => {
                s.pass(StepKind::Filter, by(&[azure::NSG_17]), || {
                    format!("`{}` does not act on the host's own services", id.name())
                });
            }
            Ruling::NoMatch => {}
            Ruling::Unknown(unknown, number) => {
                let name = number.map(|n| asked.set.rules[n].name.clone());
                let evidence = Evidence { name, ..of(self.net, Some(slot), &[azure::NSG_2]) };
                s.unknown(StepKind::Filter, cause_of(&unknown), &unknown, evidence);
            }
            Ruling::Rule(number) => {
                let rule = &asked.set.rules[number];
                let mut rules: Vec<RuleId> = rules_behind(rule);
                rules.push(level_rule);
                let near = if s.full {
                    asked.set.near_misses(&s.header, &asked.place, Some(number))
                } else {
                    Vec::new()
                };
                let at = if rule.default { self.net.inventory.nsgs[nsg].at } else { rule.at };
                let evidence = Evidence {
                    resource: Some(id.clone()),
                    name: Some(rule.name.clone()),
                    rules,
                    at,
                    near_misses: near,
                };
                self.rule_says(s, rule, level, asked.inbound, evidence, id.name());
            }
        }
    }

    fn rule_says(
        &self,
        s: &mut State,
        rule: &crate::network::CompiledRule,
        level: Level,
        inbound: bool,
        evidence: Evidence,
        group: &str,
    ) {
        let place = if level == Level::Subnet { "subnet" } else { "interface" };
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

/// Whether the flow goes to the host's own services, which ordinary rules do not stop (NSG-17, NSG-18).
fn is_platform_address(s: &State) -> bool {
    s.header.destination == HOST_ADDRESS || s.header.destination == METADATA_ADDRESS
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
