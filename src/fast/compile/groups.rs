//! Rules of network security groups and of security admin configurations, each distinct set once.

use super::Maker;
use crate::fast::rules::{self, Base, Change, Draft, MOST_RULES, Says, Side};
use crate::inventory::{Asg, Id, Nsg};
use crate::net::{AddressSet, IpAddr, PortSet, ProtocolMatch};
use crate::network::{AddressMatch, Bound, CompiledRule, HOST_ADDRESS, RuleSet, Verdict};
use crate::tags::TagId;
use hashbrown::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};

/// Rows of more rules are more than one word, and are not patched.
const MOST_PATCHED: usize = 64;

/// Headers of security admin rules, by network: in and out, 0 for none.
pub(super) struct Headers {
    pub admin: Vec<[u32; 2]>,
}

/// What a rule says, without its name, its place, and the addresses of its sides.
type Shape<'a> = (Option<Verdict>, ProtocolMatch, [SideShape<'a>; 2], [&'a PortSet; 2], bool);

type SideShape<'a> = ((bool, bool, bool, bool, bool, Option<u8>), &'a [TagId], &'a [Id<Asg>]);

fn shape(rule: &CompiledRule) -> Shape<'_> {
    fn side(s: &AddressMatch) -> SideShape<'_> {
        let platform = s.platform.map(|p| p as u8);
        let unknown = s.unknown.is_some();
        ((s.any, s.virtual_network, s.internet, s.load_balancer, unknown, platform), &s.tags, &s.asgs)
    }
    let ports = [&rule.source_ports, &rule.destination_ports];
    (
        rule.verdict,
        rule.protocol,
        [side(&rule.source), side(&rule.destination)],
        ports,
        rule.unknown.is_some(),
    )
}

fn shape_of(set: &RuleSet) -> u64 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    for rule in &set.rules {
        shape(rule).hash(&mut hasher);
    }
    hasher.finish()
}

fn same_shape(a: &RuleSet, b: &RuleSet) -> bool {
    a.rules.len() == b.rules.len() && a.rules.iter().zip(&b.rules).all(|(a, b)| shape(a) == shape(b))
}

/// Source or destination of a rule.
fn match_of(rule: &CompiledRule, side: usize) -> &AddressMatch {
    if side == 0 { &rule.source } else { &rule.destination }
}

/// Source or destination of a rule to be compiled.
fn pick(draft: &Draft, side: usize) -> &Side {
    if side == 0 { &draft.source } else { &draft.destination }
}

/// What most sets of a shape say, and what differs from it.
struct Template<'n> {
    header: u32,
    /// For each side, what each rule's addresses are; `None` where most sets have their own.
    usual: [Vec<Option<&'n AddressSet>>; 2],
    drafts: Vec<Draft>,
    bases: [Base; 2],
}

/// For each rule, one of the sets whose addresses more than half of them have there.
fn usual(sets: &[&RuleSet], side: usize) -> Vec<Option<usize>> {
    let most = |rule: usize| {
        let mut seen: HashMap<&AddressSet, (usize, usize)> = HashMap::new();
        for (number, set) in sets.iter().enumerate() {
            seen.entry(&match_of(&set.rules[rule], side).set).or_insert((0, number)).0 += 1;
        }
        seen.into_values().find(|(count, _)| *count > sets.len() / 2).map(|(_, number)| number)
    };
    (0..sets[0].rules.len()).map(most).collect()
}

impl<'n> Maker<'n> {
    /// Compiles every distinct set.
    pub(super) fn groups(&mut self) -> Headers {
        let (security, admin) = (&self.net.security, &self.net.admin);
        let lists = [&security.inbound, &security.outbound, &admin.inbound, &admin.outbound];
        let all: Vec<&RuleSet> = lists.into_iter().flatten().collect();
        let mut heads = self.sets(&all).into_iter();
        let mut next = |list: &[RuleSet]| heads.by_ref().take(list.len()).collect::<Vec<u32>>();
        let [inbound, outbound, admin_in, admin_out] = lists.map(|list| next(list));
        self.fast.groups = inbound.into_iter().zip(outbound).map(|(a, b)| [a, b]).collect();
        // A group that is in none of the files may deny the platform's own addresses.
        let missing = |nsg: &Bound<Nsg>| matches!(nsg, Bound::Unknown(_));
        self.fast.platform_rules |= self.net.attachments.iter().any(|a| missing(&a.nsg))
            || self.net.subnets.iter().any(|s| missing(&s.nsg));
        let sets = admin.inbound.iter().zip(&admin.outbound);
        let acting = |head: u32, set: &RuleSet| if set.rules.is_empty() { 0 } else { head };
        let heads = admin_in.into_iter().zip(admin_out).zip(sets);
        Headers { admin: heads.map(|((a, b), (x, y))| [acting(a, x), acting(b, y)]).collect() }
    }

    /// The line of each set. Sets that differ by addresses alone share a template.
    fn sets(&mut self, all: &[&'n RuleSet]) -> Vec<u32> {
        let mut heads = vec![0; all.len()];
        let mut shapes: HashMap<u64, usize> = HashMap::new();
        let mut clusters: Vec<Vec<usize>> = Vec::new();
        for (number, set) in all.iter().enumerate() {
            if is_beyond(set) {
                heads[number] = self.one_set(set);
                continue;
            }
            let next = clusters.len();
            let cluster = *shapes.entry(shape_of(set)).or_insert(next);
            match clusters.get_mut(cluster) {
                Some(members) if same_shape(all[members[0]], set) => members.push(number),
                _ => clusters.push(vec![number]),
            }
        }
        for members in clusters {
            let sets: Vec<&RuleSet> = members.iter().map(|n| all[*n]).collect();
            for (number, head) in members.into_iter().zip(self.cluster(&sets)) {
                heads[number] = head;
            }
        }
        for head in &heads {
            self.fast.platform_rules |= rules::asks_platform(&self.fast.lines, *head);
        }
        heads
    }

    /// Sets of one shape: a template of what most of them say, and patches.
    fn cluster(&mut self, sets: &[&'n RuleSet]) -> Vec<u32> {
        if sets.len() == 1 || sets[0].rules.len() > MOST_PATCHED {
            return sets.iter().map(|set| self.alone(set)).collect();
        }
        let template = self.template(sets);
        sets.iter().map(|set| self.follow(&template, set)).collect()
    }

    fn template(&mut self, sets: &[&'n RuleSet]) -> Template<'n> {
        let chosen = [0, 1].map(|side| usual(sets, side));
        let mut drafts: Vec<Draft> = sets[0].rules.iter().map(|r| self.draft(r)).collect();
        for (rule, draft) in drafts.iter_mut().enumerate() {
            let of = |side: usize| {
                let own = chosen[side][rule].map(|set| self.draft(&sets[set].rules[rule]));
                own.map_or_else(Vec::new, |own| pick(&own, side).ranges.clone())
            };
            (draft.source.ranges, draft.destination.ranges) = (of(0), of(1));
        }
        let header = rules::template(&mut self.fast.lines, &mut self.alike, &drafts);
        let set_of = |side: usize, rule: usize, set: usize| &match_of(&sets[set].rules[rule], side).set;
        let usual = [0, 1].map(|side| {
            let each = chosen[side].iter().enumerate();
            each.map(|(rule, chosen)| chosen.map(|set| set_of(side, rule, set))).collect()
        });
        let bases = [0, 1].map(|side| Base::new(drafts.iter().map(|d| pick(d, side))));
        Template { header, usual, drafts, bases }
    }

    /// A set by its template, or with lines of its own where it differs too much.
    fn follow(&mut self, template: &Template<'n>, set: &RuleSet) -> u32 {
        let patches = [0, 1].map(|side| {
            let differs = |(rule, own): (usize, &'_ CompiledRule)| {
                if template.usual[side][rule] == Some(&match_of(own, side).set) {
                    return None;
                }
                let theirs = rules::side_ranges(pick(&template.drafts[rule], side));
                Some((rule, theirs, rules::side_ranges(pick(&self.draft(own), side))))
            };
            let changes: Vec<Change> = set.rules.iter().enumerate().filter_map(differs).collect();
            template.bases[side].patches(&changes)
        });
        if patches[0].len() + patches[1].len() > rules::MOST_PATCHES {
            return self.alone(set);
        }
        let patches = [&patches[0][..], &patches[1][..]];
        rules::patched(&mut self.fast.lines, &mut self.alike, template.header, patches)
    }

    /// A set by itself.
    pub(super) fn one_set(&mut self, set: &RuleSet) -> u32 {
        match is_beyond(set) {
            true => rules::build(&mut self.fast.lines, &mut self.alike, &[doubt()]),
            false => self.alone(set),
        }
    }

    fn alone(&mut self, set: &RuleSet) -> u32 {
        let drafts: Vec<Draft> = set.rules.iter().map(|r| self.draft(r)).collect();
        rules::build(&mut self.fast.lines, &mut self.alike, &drafts)
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

/// Whether only the full engine can ask a set.
fn is_beyond(set: &RuleSet) -> bool {
    set.unknown.is_some() || set.rules.len() > MOST_RULES
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
