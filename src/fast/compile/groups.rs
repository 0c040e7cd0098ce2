//! Rules of network security groups and of security admin configurations, each distinct set once.

use super::Maker;
use crate::fast::rules::{self, Draft, MOST_RULES, Says, Side};
use crate::inventory::{Asg, Id, Nsg};
use crate::net::{AddressSet, IpAddr, PortSet, ProtocolMatch};
use crate::network::{AddressMatch, Bound, CompiledRule, HOST_ADDRESS, RuleSet, Verdict};
use crate::tags::TagId;
use hashbrown::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};

/// Headers of security admin rules, by network: in and out, 0 for none.
pub(super) struct Headers {
    pub admin: Vec<[u32; 2]>,
}

/// Sets compiled so far, by a hash of what they say.
type Known<'n> = HashMap<u64, Vec<(&'n RuleSet, u32)>>;

/// What a rule says, without its name and place.
type Content<'a> = (Option<Verdict>, ProtocolMatch, [SideContent<'a>; 2], [&'a PortSet; 2], bool);

type SideContent<'a> =
    (&'a AddressSet, (bool, bool, bool, bool, bool, Option<u8>), &'a [TagId], &'a [Id<Asg>]);

fn said(rule: &CompiledRule) -> Content<'_> {
    fn side(s: &AddressMatch) -> SideContent<'_> {
        let platform = s.platform.map(|p| p as u8);
        let unknown = s.unknown.is_some();
        let words = (s.any, s.virtual_network, s.internet, s.load_balancer, unknown, platform);
        (&s.set, words, &s.tags, &s.asgs)
    }
    let ports = [&rule.source_ports, &rule.destination_ports];
    let sides = [side(&rule.source), side(&rule.destination)];
    (rule.verdict, rule.protocol, sides, ports, rule.unknown.is_some())
}

fn content(set: &RuleSet) -> u64 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    set.unknown.is_some().hash(&mut hasher);
    for rule in &set.rules {
        said(rule).hash(&mut hasher);
    }
    hasher.finish()
}

fn alike(a: &RuleSet, b: &RuleSet) -> bool {
    let known = a.unknown.is_some() == b.unknown.is_some();
    known && a.rules.len() == b.rules.len() && a.rules.iter().zip(&b.rules).all(|(a, b)| said(a) == said(b))
}

impl<'n> Maker<'n> {
    /// Compiles every distinct set.
    pub(super) fn groups(&mut self) -> Headers {
        let mut known = Known::default();
        let security = &self.net.security;
        for (inbound, outbound) in security.inbound.iter().zip(&security.outbound) {
            let heads = [self.set(&mut known, inbound), self.set(&mut known, outbound)];
            self.fast.groups.push(heads);
        }
        // A group that is in none of the files may deny the platform's own addresses.
        let missing = |nsg: &Bound<Nsg>| matches!(nsg, Bound::Unknown(_));
        self.fast.platform_rules |= self.net.attachments.iter().any(|a| missing(&a.nsg))
            || self.net.subnets.iter().any(|s| missing(&s.nsg));
        let admin = &self.net.admin;
        let mut headers = Headers { admin: Vec::new() };
        for (inbound, outbound) in admin.inbound.iter().zip(&admin.outbound) {
            let mut head =
                |set: &'n RuleSet| if set.rules.is_empty() { 0 } else { self.set(&mut known, set) };
            headers.admin.push([head(inbound), head(outbound)]);
        }
        headers
    }

    fn set(&mut self, known: &mut Known<'n>, set: &'n RuleSet) -> u32 {
        let same = known.entry(content(set)).or_default();
        if let Some((_, head)) = same.iter().find(|(other, _)| alike(other, set)) {
            return *head;
        }
        let drafts: Vec<Draft> = match set.unknown.is_some() || set.rules.len() > MOST_RULES {
            true => vec![doubt()],
            false => set.rules.iter().map(|r| self.draft(r)).collect(),
        };
        let head = rules::build(&mut self.fast.lines, &drafts);
        self.fast.platform_rules |= rules::asks_platform(&self.fast.lines, head);
        same.push((set, head));
        head
    }

    fn draft(&self, rule: &CompiledRule) -> Draft {
        let (source, doubt_a) = self.side(&rule.source);
        let (destination, doubt_b) = self.side(&rule.destination);
        let mut protocols = 0;
        for (bit, protocol) in crate::net::Protocol::ALL.into_iter().enumerate() {
            protocols |= u8::from(rule.protocol.contains(protocol)) << bit;
        }
        Draft {
            source,
            destination,
            protocols,
            source_ports: rule.source_ports.clone(),
            ports: rule.destination_ports.clone(),
            says: match rule.verdict {
                Some(Verdict::Allow) => Says::Allow,
                Some(Verdict::AlwaysAllow) => Says::AlwaysAllow,
                Some(Verdict::Deny) | None => Says::Deny,
            },
            doubtful: rule.unknown.is_some() || rule.verdict.is_none() || doubt_a || doubt_b,
            platform: rule.destination.platform.is_some(),
        }
    }

    /// One side of a rule, and whether it is in doubt.
    fn side(&self, side: &AddressMatch) -> (Side, bool) {
        let mut out = Side {
            any: side.any,
            ranges: side.set.v4().to_vec(),
            network: side.virtual_network,
            internet: side.internet,
            tags: Vec::new(),
            groups: side.asgs.iter().map(|g| g.raw()).collect(),
        };
        let mut single = |ip: IpAddr| {
            if let IpAddr::V4(ip) = ip {
                out.ranges.push((ip.into(), ip.into()));
            }
        };
        if side.load_balancer {
            single(HOST_ADDRESS);
        }
        if let Some(platform) = side.platform {
            platform.addresses().iter().copied().for_each(&mut single);
        }
        let mut doubt = side.unknown.is_some();
        for tag in &side.tags {
            match self.tags.get(tag) {
                Some(number) => out.tags.push(*number),
                None => doubt = true,
            }
        }
        out.any |= doubt;
        (out, doubt)
    }
}

/// A rule that leaves every flow to the full engine.
pub(super) fn doubt() -> Draft {
    let everything = || Side { any: true, ..Side::default() };
    Draft {
        source: everything(),
        destination: everything(),
        protocols: 0b1_1111,
        source_ports: PortSet::all(),
        ports: PortSet::all(),
        says: Says::Deny,
        doubtful: true,
        platform: true,
    }
}
