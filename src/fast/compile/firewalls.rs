//! Azure Firewalls: network and application rules as sets.

use super::{Maker, groups::doubt, set_tree};
use crate::fast::alike::Alike;
use crate::fast::leaf;
use crate::fast::rules::{self, Draft, Says, Side};
use crate::fast::tables::{FirewallRow, Plane, RuleName};
use crate::inventory::{
    AddressMeaning, AddressWord, FirewallAction, FirewallRule, FirewallRuleType, Id, IpGroup, Many, Ref,
};
use crate::net::{PortRange, PortSet, Protocol};
use crate::network::Tri;
use crate::trace::{Ranked, application_protocol, judge_of, names_addresses};

/// More application rules than this are left to the full engine.
const MOST_APPLICATION_RULES: usize = 8_192;

/// From so many rules on a firewall has leaves: measured, they are ahead of rows there.
const LEAVED: usize = 128;

/// From so many application rules on: their rows are whole lines, of each dimension, for every question.
const NAMED_LEAVED: usize = 256;

const TCP: u8 = 1;
const WITH_PORTS: u8 = 0b11;
const ALL: u8 = 0b1_1111;

impl Maker<'_> {
    /// Compiles every firewall.
    pub(super) fn firewalls(&mut self) {
        for firewall in 0..self.net.inventory.azure_firewalls.len() {
            let row = self.firewall(firewall);
            self.fast.firewalls.push(row);
        }
    }

    fn firewall(&mut self, number: usize) -> FirewallRow {
        let judge = judge_of(self.net, Id::new(number));
        let of = |kind| judge.rules.iter().filter(move |r| r.kind == kind);
        let network: Vec<&Ranked<'_>> = of(FirewallRuleType::NetworkRule).collect();
        let application: Vec<&Ranked<'_>> = of(FirewallRuleType::ApplicationRule).collect();
        let drafts: Vec<Draft> = network.iter().map(|r| self.network_rule(r)).collect();
        let plane = self.step("network rules of firewalls", |maker| maker.plane(&drafts));
        let many = application.len() > MOST_APPLICATION_RULES;
        let drafts: Vec<Draft> = match many {
            true => vec![doubt()],
            false => application.iter().map(|r| self.application_rule(r)).collect(),
        };
        let mut listens: Vec<u16> = application.iter().flat_map(|r| candidates(r.rule)).collect();
        listens.sort_unstable();
        listens.dedup();
        listens.retain(|p| application.iter().any(|r| application_protocol(r.rule, *p, None) == Tri::Yes));
        let names = |rules: &[&Ranked<'_>]| rules.iter().map(|r| name(r)).collect::<Vec<_>>().into();
        let names = [names(&network), names(&application)];
        FirewallRow {
            doubt: judge.incomplete || many,
            network: plane,
            application: self.step("application rules of firewalls", |maker| maker.named(&drafts)),
            any_port: drafts.iter().any(|d| d.ports.is_all()),
            listens,
            private: set_tree(&mut self.fast.lines, judge.private.v4()),
            keeps_more: judge.keeps_more,
            proxy: judge.proxy,
            names,
        }
    }

    /// Application rules: leaves where the source tells them apart.
    fn named(&mut self, drafts: &[Draft]) -> Plane {
        if drafts.len() > NAMED_LEAVED {
            let before = self.fast.lines.len();
            // Nobody else may find lines that are taken back.
            let leaves = leaf::build(&mut self.fast.lines, &mut Alike::default(), drafts);
            if let Some(leaves) = leaves.filter(leaf::Leaves::is_selective) {
                self.fast.leaves.push(leaves);
                return Plane::Leaves(self.fast.leaves.len() as u32 - 1);
            }
            self.fast.lines.truncate(before);
        }
        Plane::Rows(rules::build(&mut self.fast.lines, &mut self.alike, drafts))
    }

    fn plane(&mut self, drafts: &[Draft]) -> Plane {
        if drafts.len() > LEAVED {
            if let Some(leaves) = leaf::build(&mut self.fast.lines, &mut self.alike, drafts) {
                self.fast.leaves.push(leaves);
                return Plane::Leaves(self.fast.leaves.len() as u32 - 1);
            }
            return Plane::Rows(rules::build(&mut self.fast.lines, &mut self.alike, &[doubt()]));
        }
        Plane::Rows(rules::build(&mut self.fast.lines, &mut self.alike, drafts))
    }

    pub(super) fn network_rule(&self, ranked: &Ranked<'_>) -> Draft {
        let rule = ranked.rule;
        let (source, doubt_a) = self.words(&rule.source_addresses, &rule.source_ip_groups);
        let by_address = names_addresses(rule);
        let (mut destination, mut doubt_b) = match by_address {
            true => self.words(&rule.destination_addresses, &rule.destination_ip_groups),
            false => (Side::default(), false),
        };
        // A name may match whatever the address (FW-14).
        if !rule.destination_fqdns.is_empty() || rule.destination_fqdns.unknown.is_some() {
            (destination.any, doubt_b) = (true, true);
        }
        let (ports, doubt_c) = ports(&rule.destination_ports);
        let (mut protocols, doubt_d) = protocols(rule);
        let every = !rule.destination_ports.given || rule.destination_ports.iter().any(|p| p.is_all());
        if !every && !doubt_c {
            protocols &= WITH_PORTS;
        }
        let doubtful = doubt_a || doubt_b || doubt_c || doubt_d || ranked.action.is_none();
        let source_ports = PortSet::all();
        let says = says(ranked.action);
        Draft { source, destination, protocols, source_ports, ports, says, doubtful, platform: false }
    }

    pub(super) fn application_rule(&self, ranked: &Ranked<'_>) -> Draft {
        let rule = ranked.rule;
        let (source, doubt_a) = self.words(&rule.source_addresses, &rule.source_ip_groups);
        let unknown = rule.ip_protocols.unknown.is_some();
        let fitting =
            candidates(rule).into_iter().filter(|p| application_protocol(rule, *p, None) == Tri::Yes);
        let fitting = PortSet::new(fitting.map(|p| PortRange { low: p, high: p }));
        let doubtful = doubt_a || unknown || ranked.action.is_none();
        Draft {
            source,
            destination: Side { any: true, ..Side::default() },
            protocols: TCP,
            source_ports: PortSet::all(),
            ports: if unknown { PortSet::all() } else { fitting },
            says: says(ranked.action),
            doubtful,
            platform: false,
        }
    }

    /// Addresses and groups of a rule, and whether they are in doubt.
    fn words(&self, words: &Many<AddressWord>, groups: &Many<Ref<IpGroup>>) -> (Side, bool) {
        let mut side = Side::default();
        if !words.given && !groups.given {
            side.any = true;
            return (side, false);
        }
        let mut doubt = words.unknown.is_some() || groups.unknown.is_some();
        let mut add = |word: &AddressWord| match &word.means {
            AddressMeaning::Any => side.any = true,
            AddressMeaning::Addresses(set) => side.ranges.extend_from_slice(set.v4()),
            AddressMeaning::Tag(name) => match self.net.tags.find(name).and_then(|t| self.tags.get(&t)) {
                Some(number) => side.tags.push(*number),
                None => doubt = true,
            },
        };
        words.iter().for_each(&mut add);
        let mut lost = false;
        for group in groups {
            match self.net.inventory.follow(group).row() {
                Some(row) => self.net.inventory.ip_groups[row].ip_addresses.iter().for_each(&mut add),
                None => lost = true,
            }
        }
        let doubt = doubt || lost;
        side.any |= doubt;
        (side, doubt)
    }
}

fn says(action: Option<FirewallAction>) -> Says {
    match action {
        Some(FirewallAction::Deny) | None => Says::Deny,
        Some(_) => Says::Allow,
    }
}

/// Destination ports, and whether they are in doubt.
fn ports(ports: &Many<PortRange>) -> (PortSet, bool) {
    if ports.unknown.is_some() {
        return (PortSet::all(), true);
    }
    let all = !ports.given || ports.iter().any(|p| p.is_all());
    (if all { PortSet::all() } else { PortSet::new(ports.iter().copied()) }, false)
}

/// Protocols of a network rule, and whether they are in doubt (FW-11).
fn protocols(rule: &FirewallRule) -> (u8, bool) {
    if rule.ip_protocols.unknown.is_some() {
        return (ALL, true);
    }
    let any_port = rule.destination_ports.iter().all(|p| p.is_all());
    let mut out = 0;
    for word in &rule.ip_protocols {
        out |= match Protocol::parse(&word.protocol) {
            _ if word.protocol.eq_ignore_ascii_case("any") && any_port => ALL,
            _ if word.protocol.eq_ignore_ascii_case("any") => WITH_PORTS,
            Some(protocol) => 1 << protocol as u8,
            None => 0,
        };
    }
    (out, false)
}

/// Ports that an application rule may be about.
fn candidates(rule: &FirewallRule) -> Vec<u16> {
    let mut ports = vec![80, 443, 1433];
    ports.extend(rule.ip_protocols.iter().filter_map(|p| p.port));
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// What a rule is called in an answer.
fn name(ranked: &Ranked<'_>) -> RuleName {
    RuleName { owner: ranked.owner, collection: ranked.collection.clone(), rule: ranked.rule.name.clone() }
}
