//! From traces to lines, and the proof that each line is needed.

use super::crossing::crossings;
use super::select::choose;
use super::{
    Ask, Effort, Estate, Fate, Line, Place, Prefer, Requirements, Selector, Unexpressed, Way, Wish, apply,
};
use crate::analysis::change_text::ChangeText;
use crate::diag::{At, Diagnostics, DocId};
use crate::doc::parse_yaml;
use crate::formats::change as change_file;
use crate::inventory::change::Change;
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
    let mut proof =
        Proof { estate, network: &network, fences, readings, asks: &asks, effort: Effort::default() };
    proof.effort.traces += asks.len();
    let all = proof.applied(&wanted.wishes);
    let open = proof.decisions(&all, None, &mut Diagnostics::new());
    wanted.wishes = proof.needed(std::mem::take(&mut wanted.wishes), &open);
    let mut lines = together(&wanted.wishes);
    let mut changes = apply::changes(&network, &proof.fences, &lines);
    let mut after = proof.decisions(&changes, None, notes);
    proof.show(&mut lines, &after);
    // What nothing breaks without is no requirement: a firewall answers questions to itself without a rule.
    while let Some(idle) = lines.iter().position(|line| line.breaks.is_empty()) {
        lines.remove(idle);
        changes = apply::changes(&network, &proof.fences, &lines);
        after = proof.decisions(&changes, None, notes);
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
        let mut quiet = Diagnostics::new();
        let mut order: Vec<usize> = (0..wishes.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse((&wishes[*i].selector, &wishes[*i].place, wishes[*i].ports)));
        let mut kept: Vec<Option<Wish>> = wishes.into_iter().map(Some).collect();
        let present = |kept: &[Option<Wish>]| kept.iter().flatten().cloned().collect::<Vec<_>>();
        let works = |ask: &usize| all[*ask].as_ref().is_some_and(|d| d.outcome == Outcome::Allowed);
        for number in order {
            let Some(wish) = kept[number].take() else { continue };
            if !wish.asks.iter().any(works) {
                continue;
            }
            let others = present(&kept);
            if self.is_alone(&wish, &others, &works) {
                kept[number] = Some(wish);
                continue;
            }
            // Only flows of the same place could miss it.
            let here: BTreeSet<usize> = wish
                .asks
                .iter()
                .copied()
                .chain(others.iter().filter(|o| o.place == wish.place).flat_map(|o| o.asks.iter().copied()))
                .filter(|ask| works(ask))
                .collect();
            let rest = self.applied(&others);
            let now = self.decisions(&rest, Some(&|ask| here.contains(&ask)), &mut quiet);
            if now.iter().flatten().any(|decision| decision.outcome != Outcome::Allowed) {
                kept[number] = Some(wish);
            }
        }
        kept.into_iter().flatten().collect()
    }

    /// Whether nothing else could let one of its flows through, so that there is no need to try. What may overlap is
    /// tried; managed networks let some flows through by themselves.
    fn is_alone(&self, wish: &Wish, others: &[Wish], works: &dyn Fn(&usize) -> bool) -> bool {
        let rivals: Vec<&Wish> = others
            .iter()
            .filter(|o| o.place == wish.place && o.way == wish.way && o.protocol == wish.protocol)
            .collect();
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

    fn applied(&self, wishes: &[Wish]) -> ChangeText {
        apply::changes(self.network, &self.fences, &together(wishes))
    }

    /// What becomes of flows with changes; of all, or of those that are wanted.
    fn decisions(
        &mut self,
        changes: &ChangeText,
        wanted: Option<&dyn Fn(usize) -> bool>,
        notes: &mut Diagnostics,
    ) -> Vec<Option<Decision>> {
        let changes = parsed(changes, notes);
        let mut found: Vec<Option<Decision>> = vec![None; self.asks.len()];
        for profile in &self.readings {
            let network = self.estate.network_as(&changes, profile, notes);
            self.effort.networks += 1;
            let asked = |n: &usize| wanted.is_none_or(|wanted| wanted(*n));
            for number in (0..self.asks.len()).filter(asked) {
                self.effort.traces += 1;
                let decision = trace::decide(&network, &self.asks[number].flow);
                if found[number].is_none() || decision.outcome != Outcome::Allowed {
                    found[number] = Some(decision);
                }
            }
            // One reading in which a flow breaks is enough to know that something is missed.
            if wanted.is_some() && found.iter().flatten().any(|d| d.outcome != Outcome::Allowed) {
                break;
            }
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
        let rest: Vec<Line> =
            lines.iter().enumerate().filter(|(n, _)| *n != without).map(|(_, l)| l.clone()).collect();
        let changes = apply::changes(self.network, &self.fences, &rest);
        let here: BTreeSet<usize> = lines
            .iter()
            .filter(|line| line.place == lines[without].place)
            .flat_map(|line| line.serves.iter().copied())
            .filter(|ask| after[*ask].as_ref().is_some_and(|d| d.outcome == Outcome::Allowed))
            .collect();
        let now = self.decisions(&changes, Some(&|ask| here.contains(&ask)), &mut Diagnostics::new());
        let broken =
            now.iter().enumerate().filter(|(_, d)| d.as_ref().is_some_and(|d| d.outcome != Outcome::Allowed));
        broken.map(|(number, _)| number).collect()
    }
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
fn together(wishes: &[Wish]) -> Vec<Line> {
    type Key<'a> = (&'a Place, Way, &'a Selector, &'a [String], Protocol);
    let mut groups: BTreeMap<Key<'_>, Vec<&Wish>> = BTreeMap::new();
    for wish in wishes {
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
