//! From traces to lines, and the proof that each line is needed.

use super::crossing::crossings;
use super::select::choose;
use super::{
    Ask, Effort, Estate, Fate, Line, Place, Prefer, Requirements, Selector, Unexpressed, Way, Wish, apply,
};
use crate::analysis::change_text::ChangeText;
use crate::diag::{At, Diagnostics, DocId};
use crate::doc::{Node, parse_yaml};
use crate::formats::change as change_file;
use crate::inventory::change::Change;
use crate::inventory::{self, AzureFirewall, FirewallPolicy, Id, RawResource, ResourceId};
use crate::net::{Header, PortRange, PortSet, Protocol};
use crate::network::Network;
use crate::profile::Profile;
use crate::services::name_matches;
use crate::trace::{self, Decision, Endpoint, Flow, Origin, Outcome, Trace};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn prove(
    estate: &Estate<'_>,
    mut asks: Vec<Ask>,
    prefer: Prefer,
    notes: &mut Diagnostics,
) -> Requirements {
    let network = estate.network(&[], notes);
    asks.extend(look_ups(&network, &asks));
    let traces: Vec<Trace> = asks.iter().map(|ask| trace::trace(&network, &ask.flow)).collect();
    let before: Vec<Decision> = traces.iter().map(Trace::decision).collect();
    let mut wanted = Wanted::of(&network, &asks, &traces, prefer);
    let fences = wanted.fences();
    let readings = readings(estate, &network, &fences);
    let effort = Effort { networks: 0, traces: asks.len() };
    let worlds = Worlds::default();
    let mut proof = Proof { estate, network: &network, fences, readings, asks: &asks, effort, worlds };
    proof.fence(&together(&wanted.wishes.iter().collect::<Vec<_>>()));
    let open = proof.tried(None);
    wanted.wishes = proof.needed(std::mem::take(&mut wanted.wishes), &open);
    let mut lines = together(&wanted.wishes.iter().collect::<Vec<_>>());
    let mut changes = apply::changes(&network, &proof.fences, &lines);
    let mut after = proof.decisions(&changes, notes);
    proof.show(&mut lines, &after);
    // What nothing breaks without is no requirement: a firewall answers questions to itself without a rule.
    while let Some(idle) = lines.iter().position(|line| line.breaks.is_empty()) {
        let place = lines.remove(idle).place;
        proof.settle(&place, &lines);
        changes = apply::changes(&network, &proof.fences, &lines);
        after = proof.decisions(&changes, notes);
        proof.show(&mut lines, &after);
    }
    let wide = "`VirtualNetwork` holds every address here, for a route leads them to an appliance (TAG-2): that one decides";
    for line in
        lines.iter_mut().filter(|l| l.selector == Selector::VirtualNetwork && is_wide(&network, &l.place))
    {
        line.why = format!("{}; {wide}", line.why);
    }
    let effort = proof.effort;
    let fates = before.into_iter().zip(after.into_iter().zip(open)).map(|(before, (after, open))| Fate {
        before,
        after: after.expect("INVARIANT: all flows were traced"),
        hindered: open.filter(|decision| decision.outcome != Outcome::Allowed),
    });
    Requirements { fates: fates.collect(), asks, lines, unexpressed: wanted.unexpressed, changes, effort }
}

/// Flows to DNS servers of one's own: where a network names some, nothing works without them.
fn look_ups(network: &Network, asks: &[Ask]) -> Vec<Ask> {
    let mut found: BTreeMap<(Endpoint, crate::net::IpAddr), Ask> = BTreeMap::new();
    for ask in asks.iter().filter(|ask| !matches!(ask.flow.to, Endpoint::Address(_) | Endpoint::Internet)) {
        let Ok(question) = trace::understand(network, &ask.flow) else { continue };
        let Origin::Attachment(id) = question.origin else { continue };
        let vnet = network.attachment(id).vnet;
        for server in &network.inventory.virtual_networks[vnet].dns_servers.items {
            let name = Some(format!("{}/DNS", ask.flow.from).into());
            let server_itself = Endpoint::Address(*server);
            let flow = Flow { name, ..Flow::new(ask.flow.from.clone(), server_itself, Protocol::Udp, 53) };
            found.entry((ask.flow.from.clone(), *server)).or_insert_with(|| Ask {
                name: format!("{} asks the DNS server {server}", ask.flow.from).into(),
                flow,
                pattern: None,
                phase: None,
                needed_for: vec!["every name".into()],
                at: At::NOWHERE,
            });
        }
    }
    let platform: crate::net::IpAddr = crate::network::HOST_ADDRESS;
    found.into_iter().filter(|((_, server), _)| *server != platform).map(|(_, ask)| ask).collect()
}

/// What flows ask of places.
struct Wanted {
    wishes: Vec<Wish>,
    unexpressed: Vec<Unexpressed>,
    crossed: BTreeSet<(Place, Way)>,
}

impl Wanted {
    fn of(network: &Network, asks: &[Ask], traces: &[Trace], prefer: Prefer) -> Wanted {
        let mut wanted = Wanted { wishes: Vec::new(), unexpressed: Vec::new(), crossed: BTreeSet::new() };
        for (number, (ask, trace)) in asks.iter().zip(traces).enumerate() {
            let all = std::iter::once(trace).chain(&trace.branches);
            for crossing in all.flat_map(|trace| crossings(network, trace)) {
                wanted.crossed.insert((crossing.place.clone(), crossing.way));
                match choose(network, ask, &crossing, prefer) {
                    Ok(chosen) => {
                        let sources = sources(network, &crossing.place, trace);
                        wanted.wish(Wish {
                            place: crossing.place.clone(),
                            way: crossing.way,
                            selector: chosen.selector,
                            protocol: crossing.header.protocol,
                            ports: PortRange { low: crossing.header.port, high: crossing.header.port },
                            sources,
                            why: chosen.why,
                            advice: chosen.advice,
                            asks: vec![number],
                            headers: vec![(number, crossing.header)],
                        });
                        if crossing.balanced {
                            wanted.probes(&crossing.place, number);
                        }
                    }
                    Err(why) => {
                        let same = |u: &Unexpressed| u.ask == number;
                        if !wanted.unexpressed.iter().any(same) {
                            wanted.unexpressed.push(Unexpressed { ask: number, place: crossing.place, why });
                        }
                    }
                }
            }
        }
        wanted
    }

    /// A load balancer sends nothing to what does not answer its probes.
    fn probes(&mut self, place: &Place, ask: usize) {
        self.wish(Wish {
            place: place.clone(),
            way: Way::Inbound,
            selector: Selector::AzureLoadBalancer,
            protocol: Protocol::Tcp,
            ports: PortRange::ALL,
            sources: Vec::new(),
            why: "the load balancer probes its backends from 168.63.129.16".into(),
            advice: None,
            asks: vec![ask],
            headers: Vec::new(),
        });
    }

    fn wish(&mut self, wish: Wish) {
        match self.wishes.iter_mut().find(|known| known.key() == wish.key()) {
            Some(known) => {
                known.asks.extend(
                    wish.asks.iter().filter(|ask| !known.asks.contains(ask)).copied().collect::<Vec<_>>(),
                );
                known.headers.extend(wish.headers);
                known.sources.extend(wish.sources);
                known.sources.sort();
                known.sources.dedup();
            }
            None => self.wishes.push(wish),
        }
    }

    /// Places where everything is denied but the lines.
    fn fences(&self) -> BTreeSet<(Place, Way)> {
        self.crossed.clone()
    }
}

/// The prefixes that flows come from, for a firewall's rules.
fn sources(network: &Network, place: &Place, trace: &Trace) -> Vec<String> {
    if !matches!(place, Place::Firewall(_)) {
        return Vec::new();
    }
    let Ok(question) = trace::understand(network, &trace.flow) else { return vec!["*".into()] };
    let subnet = match question.origin {
        Origin::Attachment(id) => Some(network.attachment(id).subnet),
        Origin::Subnet(subnet, _) => Some(subnet),
        _ => None,
    };
    match subnet {
        Some(subnet) => network.subnet(subnet).space.to_prefixes().iter().map(ToString::to_string).collect(),
        None => vec!["*".into()],
    }
}

struct Proof<'a> {
    estate: &'a Estate<'a>,
    network: &'a Network,
    fences: BTreeSet<(Place, Way)>,
    /// Readings of the documents under which flows have to work.
    readings: Vec<Profile>,
    asks: &'a [Ask],
    effort: Effort,
    /// The estate with everything denied but the lines that are being tried, in every reading.
    worlds: Worlds,
}

/// The profile; and where a route widens `VirtualNetwork`, the one in which it does not (D-3).
fn readings(estate: &Estate<'_>, network: &Network, fences: &BTreeSet<(Place, Way)>) -> Vec<Profile> {
    let mut readings = vec![estate.profile.clone()];
    if fences.iter().any(|(place, _)| is_wide(network, place))
        && estate.profile.udr_prefixes_in_virtual_network_tag
    {
        readings.push(Profile { udr_prefixes_in_virtual_network_tag: false, ..estate.profile.clone() });
    }
    readings
}

/// Whether `VirtualNetwork` holds every address in the rules of a subnet (TAG-2).
fn is_wide(network: &Network, place: &Place) -> bool {
    let Place::Subnet(id) = place else { return false };
    let subnet = network.inventory.row::<crate::inventory::Subnet>(id);
    let everything = [trace::INTERNET_HOST, trace::INTERNET_CLIENT_V6];
    subnet.is_some_and(|subnet| {
        let tag = &network.subnet(subnet).virtual_network_tag;
        everything.iter().any(|far| tag.contains(*far))
    })
}

impl Proof<'_> {
    /// Drops wishes without which everything still works, the widest words first.
    fn needed(&mut self, wishes: Vec<Wish>, all: &[Option<Decision>]) -> Vec<Wish> {
        let mut order: Vec<usize> = (0..wishes.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse((&wishes[*i].selector, &wishes[*i].place, wishes[*i].ports)));
        let mut kept: Vec<Option<Wish>> = wishes.into_iter().map(Some).collect();
        let works = |ask: &usize| all[*ask].as_ref().is_some_and(|d| d.outcome == Outcome::Allowed);
        for number in order {
            let Some(wish) = kept[number].take() else { continue };
            let others: Vec<&Wish> = kept.iter().flatten().filter(|o| o.place == wish.place).collect();
            if !wish.asks.iter().any(works) {
                self.settle_wishes(&wish.place, &kept);
                continue;
            }
            if self.is_alone(&wish, &others, &works) {
                kept[number] = Some(wish);
                continue;
            }
            // Only flows of the same place could miss it.
            let here: BTreeSet<usize> = wish
                .asks
                .iter()
                .copied()
                .chain(others.iter().flat_map(|o| o.asks.iter().copied()))
                .filter(|ask| works(ask))
                .collect();
            self.settle_wishes(&wish.place, &kept);
            let now = self.tried(Some(&|ask| here.contains(&ask)));
            if now.iter().flatten().any(|decision| decision.outcome != Outcome::Allowed) {
                let place = wish.place.clone();
                kept[number] = Some(wish);
                self.settle_wishes(&place, &kept);
            }
        }
        kept.into_iter().flatten().collect()
    }

    /// Whether nothing else could let one of its flows through, so that there is no need to try. What may overlap is
    /// tried; managed networks let some flows through by themselves.
    fn is_alone(&self, wish: &Wish, others: &[&Wish], works: &dyn Fn(&usize) -> bool) -> bool {
        let rivals: Vec<&&Wish> =
            others.iter().filter(|o| o.way == wish.way && o.protocol == wish.protocol).collect();
        let managed = matches!(wish.place, Place::ManagedNetwork(_));
        let alone = |(ask, header): &(usize, Header)| {
            works(ask)
                && !rivals.iter().any(|o| o.ports.contains(header.port) && self.may_hold(o, *ask, header))
        };
        !managed && wish.headers.iter().any(alone)
    }

    /// Whether a wish's words may hold the other end of a flow.
    fn may_hold(&self, wish: &Wish, ask: usize, header: &Header) -> bool {
        let far = if wish.way == Way::Outbound { header.destination } else { header.source };
        match &wish.selector {
            Selector::VirtualNetwork => !self.network.is_public(far) || is_wide(self.network, &wish.place),
            Selector::Tag(tag) => {
                self.network.tags.find(tag).is_none_or(|id| self.network.tags.set(id).contains(far))
            }
            Selector::Internet => true,
            Selector::Cidr(prefix) => prefix.contains(&far),
            Selector::Fqdn(pattern) => match &self.asks[ask].flow.to {
                Endpoint::Fqdn(name) => name_matches(pattern, name),
                _ => true,
            },
            Selector::AzureLoadBalancer | Selector::PrivateEndpoint(..) => true,
        }
    }

    /// Makes the estates of all readings anew, with everything denied but the lines.
    fn fence(&mut self, lines: &[Line]) {
        let quiet = &mut Diagnostics::new();
        let changes = parsed(&apply::changes(self.network, &self.fences, lines), quiet);
        let estate = self.estate;
        self.worlds.0 = self.readings.iter().map(|p| estate.network_as(&changes, p, quiet)).collect();
    }

    /// Sees to it that a place has the lines that are left.
    fn settle_wishes(&mut self, place: &Place, kept: &[Option<Wish>]) {
        let own: Vec<&Wish> = kept.iter().flatten().filter(|wish| wish.place == *place).collect();
        if !self.worlds.install(self.network, &self.fences, place, &together(&own)) {
            self.fence(&together(&kept.iter().flatten().collect::<Vec<_>>()));
        }
    }

    /// The same for lines.
    fn settle(&mut self, place: &Place, lines: &[Line]) {
        let own: Vec<Line> = lines.iter().filter(|line| line.place == *place).cloned().collect();
        if !self.worlds.install(self.network, &self.fences, place, &own) {
            self.fence(lines);
        }
    }

    /// What becomes of flows with the lines that are being tried; of all, or of those that are wanted.
    fn tried(&mut self, wanted: Option<&dyn Fn(usize) -> bool>) -> Vec<Option<Decision>> {
        let mut found: Vec<Option<Decision>> = vec![None; self.asks.len()];
        for network in &self.worlds.0 {
            self.effort.networks += 1;
            self.effort.traces += judged(network, self.asks, wanted, &mut found);
            // One reading in which a flow breaks is enough to know that something is missed.
            if wanted.is_some() && found.iter().flatten().any(|d| d.outcome != Outcome::Allowed) {
                break;
            }
        }
        found
    }

    /// What becomes of all flows in the estate as it is after changes, compiled anew.
    fn decisions(&mut self, changes: &ChangeText, notes: &mut Diagnostics) -> Vec<Option<Decision>> {
        let changes = parsed(changes, notes);
        let mut found: Vec<Option<Decision>> = vec![None; self.asks.len()];
        for profile in &self.readings {
            let network = self.estate.network_as(&changes, profile, notes);
            self.effort.networks += 1;
            self.effort.traces += judged(&network, self.asks, None, &mut found);
        }
        found
    }

    /// Tells of each line what breaks without it.
    fn show(&mut self, lines: &mut [Line], after: &[Option<Decision>]) {
        for number in 0..lines.len() {
            lines[number].breaks = self.breaks(lines, number, after);
        }
    }

    /// The flows that break when one line is taken away.
    fn breaks(&mut self, lines: &[Line], without: usize, after: &[Option<Decision>]) -> Vec<usize> {
        let place = &lines[without].place;
        let rest: Vec<Line> =
            lines.iter().enumerate().filter(|(n, _)| *n != without).map(|(_, l)| l.clone()).collect();
        let here: BTreeSet<usize> = lines
            .iter()
            .filter(|line| line.place == *place)
            .flat_map(|line| line.serves.iter().copied())
            .filter(|ask| after[*ask].as_ref().is_some_and(|d| d.outcome == Outcome::Allowed))
            .collect();
        self.settle(place, &rest);
        let now = self.tried(Some(&|ask| here.contains(&ask)));
        self.settle(place, lines);
        let broken =
            now.iter().enumerate().filter(|(_, d)| d.as_ref().is_some_and(|d| d.outcome != Outcome::Allowed));
        broken.map(|(number, _)| number).collect()
    }
}

/// Asks flows in a network, and keeps of each the answer in which it breaks, if there is one. Tells how many were asked.
fn judged(
    network: &Network,
    asks: &[Ask],
    wanted: Option<&dyn Fn(usize) -> bool>,
    found: &mut [Option<Decision>],
) -> usize {
    let mut asked = 0;
    for number in (0..asks.len()).filter(|n| wanted.is_none_or(|wanted| wanted(*n))) {
        asked += 1;
        let decision = trace::decide(network, &asks[number].flow);
        if found[number].is_none() || decision.outcome != Outcome::Allowed {
            found[number] = Some(decision);
        }
    }
    asked
}

/// Estates with everything denied but some lines, one for each reading of the documents.
///
/// Compiling an estate takes seconds where it is large, and a proof asks for hundreds of sets of lines. They differ by
/// the rules of one place at a time, so those alone are read again.
#[derive(Default)]
struct Worlds(Vec<Network>);

impl Worlds {
    /// Gives a place other lines. `false` where that takes an estate compiled anew: nothing is changed then.
    fn install(
        &mut self,
        network: &Network,
        fences: &BTreeSet<(Place, Way)>,
        place: &Place,
        lines: &[Line],
    ) -> bool {
        let own = fences.iter().filter(|(other, _)| other == place).cloned().collect();
        let changes = parsed(&apply::changes(network, &own, lines), &mut Diagnostics::new());
        let Some((id, body)) = rules_of(network, fences, place, &changes) else { return false };
        let (at, body) = (body.at, body.clone());
        let rules = RawResource {
            id,
            at,
            origin: inventory::Origin::Estate,
            uncertain: None,
            api_version: None,
            body,
        };
        self.0.iter_mut().all(|world| world.replace_rules(&rules, &mut Diagnostics::new()))
    }
}

/// Where the lines of a place come to stand: a security group or a rule collection group, and what it holds then.
fn rules_of<'c>(
    network: &Network,
    fences: &BTreeSet<(Place, Way)>,
    place: &Place,
    changes: &'c [Change],
) -> Option<(ResourceId, &'c Node)> {
    match place {
        Place::Subnet(subnet) => changes.iter().find_map(|change| match change {
            Change::Add { resource, .. } => Some((apply::group_id(subnet), &resource.body)),
            _ => None,
        }),
        Place::Firewall(firewall) => {
            let policy = policy_of(network, firewall)?;
            // Firewalls that share a policy share its rules.
            let same = |(other, _): &&(Place, Way)| match other {
                Place::Firewall(other) => other != firewall && policy_of(network, other) == Some(policy),
                _ => false,
            };
            if fences.iter().any(|fence| same(&fence)) {
                return None;
            }
            let id =
                network.inventory.firewall_policies[policy].id.child("ruleCollectionGroups", apply::REQUIRED);
            changes.iter().find_map(|change| match change {
                Change::Append { items, .. } => Some((id.clone(), items.first()?)),
                _ => None,
            })
        }
        Place::ManagedNetwork(_) => None,
    }
}

/// The policy of a firewall.
fn policy_of(network: &Network, firewall: &ResourceId) -> Option<Id<FirewallPolicy>> {
    let row = network.inventory.row::<AzureFirewall>(firewall)?;
    let policy = network.inventory.azure_firewalls[row].firewall_policy.known()?;
    network.inventory.follow(policy).row()
}

/// The changes that a text spells.
fn parsed(text: &ChangeText, notes: &mut Diagnostics) -> Vec<Change> {
    let file = text.file("");
    match parse_yaml(DocId(u32::MAX), &file, notes) {
        Ok(root) => change_file::load(&root, notes),
        Err(fault) => {
            notes.push(fault);
            Vec::new()
        }
    }
}

/// Wishes put together: one line for each place, way, other end and protocol.
fn together(wishes: &[&Wish]) -> Vec<Line> {
    type Key<'a> = (&'a Place, Way, &'a Selector, &'a [String], Protocol);
    let mut groups: BTreeMap<Key<'_>, Vec<&Wish>> = BTreeMap::new();
    for &wish in wishes {
        groups
            .entry((&wish.place, wish.way, &wish.selector, &wish.sources, wish.protocol))
            .or_default()
            .push(wish);
    }
    let mut lines: Vec<Line> = Vec::new();
    for ((place, way, selector, sources, protocol), wishes) in groups {
        let ports = PortSet::new(wishes.iter().map(|w| w.ports));
        let mut serves: Vec<usize> = wishes.iter().flat_map(|w| w.asks.iter().copied()).collect();
        serves.sort_unstable();
        serves.dedup();
        let twin = lines.iter_mut().find(|line| {
            // The same over TCP and UDP is one line for both.
            line.place == *place
                && line.way == way
                && line.selector == *selector
                && line.sources == sources
                && line.ports == ports
                && matches!((line.protocol, protocol), (Some(Protocol::Tcp), Protocol::Udp))
        });
        if let Some(twin) = twin {
            twin.protocol = None;
            twin.serves.extend(serves);
            twin.serves.sort_unstable();
            twin.serves.dedup();
            continue;
        }
        lines.push(Line {
            place: place.clone(),
            way,
            selector: selector.clone(),
            protocol: Some(protocol),
            ports,
            sources: sources.to_vec(),
            why: joined(wishes.iter().map(|w| &w.why)),
            advice: wishes.iter().find_map(|w| w.advice.clone()),
            serves,
            breaks: Vec::new(),
        });
    }
    lines
}

/// Reasons, each once.
fn joined<'a>(reasons: impl Iterator<Item = &'a String>) -> String {
    let unique: BTreeSet<&String> = reasons.collect();
    unique.into_iter().cloned().collect::<Vec<_>>().join("; ")
}
