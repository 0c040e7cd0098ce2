//! The batch must answer what the full engine answers, flow for flow: outcome, disposition, cause, decider.

#![allow(dead_code, reason = "the generator of the reference keeps facts that only its own questions need")]

#[path = "support/mixed.rs"]
mod mixed;
mod reference {
    pub(crate) mod estate;
    pub(crate) mod load;
    pub(crate) mod planes;
    pub(crate) mod random;
}

use mixed::mix;
use netwhy::diag::Diagnostics;
use netwhy::fast::directory::{self, Directory};
use netwhy::fast::trail::{By, Note, Record, Trails};
use netwhy::fast::{self, Asker, Counts, FlowIds, Known, Verdict, path};
use netwhy::generate::{self, Flows, Layout, Mix, Profile as Size, Settings, Shape};
use netwhy::net::Protocol;
use netwhy::network::{self, AttachmentKind, Network};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Action, Endpoint, Flow, Hop, HopKind, Outcome, StepKind, Trace, decide, trace};
use reference::estate::{Case, case};
use reference::load::{flow, network as network_of};
use reference::random::Random;

/// Estates asked about, each with its own flows and mixtures of their ends.
const ESTATES: u64 = 500;

/// Mixtures of ends of each estate.
const MIXED: usize = 24;

/// Asks both and compares; the batch's counts, and how many flows take no network.
fn check(network: &Network, flows: &[Flow], place: &str) -> (Counts, u64) {
    let fast = fast::compile(network);
    let mut asker = Asker::new(network, &fast);
    let mut asked: Vec<&Flow> = Vec::new();
    let mut ids: Vec<FlowIds> = Vec::new();
    for flow in flows {
        if let Ok(one) = asker.read(flow) {
            asked.push(flow);
            ids.push(one);
        }
    }
    let mut verdicts = vec![Verdict::PENDING; ids.len()];
    asker.decide(&ids, &mut verdicts);
    for (flow, verdict) in asked.iter().zip(&verdicts) {
        let (got, expected) = (asker.decision(verdict), decide(network, flow));
        assert_eq!(got, expected, "{place}: {flow:?} (deferred: {})", verdict.deferred);
    }
    check_evidence(network, &mut asker, &asked, &ids, &verdicts, place);
    (asker.counts(), check_known(network, &fast, flows, place))
}

/// What stored tables answer without their network is what the network answers; how many flows they answer.
fn check_known(network: &Network, fast: &fast::Fast, flows: &[Flow], place: &str) -> u64 {
    let Some(sections) = directory::directory(network, fast) else { return 0 };
    let directory = Directory::of(&sections);
    let mut known = Known::new(fast, &directory);
    let (mut asked, mut ids) = (Vec::new(), Vec::new());
    for flow in flows {
        let mut own = flow.clone();
        if let Some(one) = known.read(&mut own) {
            asked.push((flow, own));
            ids.push(one);
        }
    }
    let mut verdicts = vec![Verdict::PENDING; ids.len()];
    known.decide(&ids, &mut verdicts);
    let mut answered = 0;
    for ((flow, own), verdict) in asked.iter().zip(&verdicts) {
        let Some(got) = known.decision(verdict) else { continue };
        assert_eq!(got, decide(network, flow), "{place}: {flow:?} as {own:?}");
        answered += 1;
    }
    answered
}

/// At full depth the walk gives the same verdicts, and the places, rules and routes of the full engine's trace.
fn check_evidence(
    network: &Network,
    asker: &mut Asker<'_>,
    asked: &[&Flow],
    ids: &[FlowIds],
    verdicts: &[Verdict],
    place: &str,
) {
    let (mut again, mut trails) = (vec![Verdict::PENDING; ids.len()], Trails::default());
    asker.trace(ids, &mut again, &mut trails);
    assert_eq!(again, verdicts, "{place}");
    for (number, flow) in asked.iter().enumerate() {
        let records = trails.of(number);
        if verdicts[number].deferred {
            assert!(records.is_empty(), "{place}: {flow:?}");
            continue;
        }
        let full = trace(network, flow);
        let (there, whole) = evidence(&full);
        let mut got: Vec<Seen> = records.iter().filter_map(|r| seen(network, asker, *r)).collect();
        stay(&mut got);
        let place = format!("{place}: {flow:?}\n{:?}\n{full:#?}", verdicts[number]);
        let count = there.len().min(got.len());
        assert_eq!(got[..count], there[..], "{place}");
        assert!(!whole || got.len() == count, "{place}: more than {:?}", &got[count..]);
        if !path::is_told(&ids[number], &verdicts[number], records) {
            continue;
        }
        let open = verdicts[number].outcome != Outcome::Blocked;
        assert_eq!(path::told(asker, records, open), path::traced(&full), "{place}: the path in words");
    }
}

/// A kind of decision, and what decided.
type Seen = (&'static str, Option<String>);

/// A record in the words of the full engine; `None` for what it has no step for.
fn seen(network: &Network, asker: &Asker<'_>, record: Record) -> Option<Seen> {
    let note = record.read();
    let kind = match note {
        // Resolvers are not told apart from look-ups in the words of a trace.
        Note::At(id) if matches!(network.attachment(id).kind, AttachmentKind::Resolver(_)) => return None,
        Note::At(_) | Note::Within(_) => "at",
        Note::Group { rule: Some(_), .. } | Note::Admin { .. } | Note::Firewall { .. } => "filter",
        Note::Route { by: By::Nothing, .. } => return None,
        Note::Route { .. } => "route",
        Note::Back => "back",
        Note::Group { rule: None, .. } | Note::Translated(_) | Note::Service(_) | Note::Public => {
            return None;
        }
    };
    Some((kind, asker.told(note)))
}

/// What the full engine's trace says up to the first blocker, and whether there is none.
fn evidence(full: &Trace) -> (Vec<Seen>, bool) {
    let mut out: Vec<Seen> = Vec::new();
    let back = full.back.iter().flat_map(|back| &back.hops).map(|hop| (hop, true));
    let there = full.hops.iter().map(|hop| (hop, false));
    let mut returning = false;
    for (hop, on_way_back) in there.chain(back) {
        if on_way_back && !std::mem::replace(&mut returning, true) {
            out.push(("back", None));
        }
        if stands(hop) {
            out.push(("at", hop.id.as_ref().map(|id| id.full_name())));
        }
        for step in &hop.steps {
            if step.action == Action::Block {
                stay(&mut out);
                return (out, false);
            }
            let kind = match step.kind {
                StepKind::Filter => "filter",
                StepKind::Route => "route",
                _ => continue,
            };
            if step.action == Action::Pass && (kind == "route" || step.evidence.decider().is_some()) {
                out.push((kind, step.evidence.decider()));
            }
        }
    }
    stay(&mut out);
    (out, true)
}

/// Leaves out places where the flow is already.
fn stay(seen: &mut Vec<Seen>) {
    let mut here: Option<Seen> = None;
    seen.retain(|one| {
        let new = one.0 != "at" || here.as_ref() != Some(one);
        if one.0 == "at" || one.0 == "back" {
            here = Some(one.clone());
        }
        new
    });
}

/// Whether a hop is a place with an address in a network.
fn stands(hop: &Hop) -> bool {
    use HopKind::*;
    matches!(hop.kind, Interface | Subnet | AzureFirewall | Bastion | PrivateEndpoint)
}

fn random_case(seed: u64) -> (Network, Vec<Flow>) {
    let Case { estate, flows } = case(seed, 12);
    let mut profile = Profile::default();
    for (knob, value) in &estate.knobs {
        profile.set(knob, value).expect("the generator knows the knobs");
    }
    let network = network_of(&estate.text(), &profile, &ServiceTags::builtin()).expect("a sound estate");
    let mut flows: Vec<Flow> = flows.iter().map(|text| flow(text)).collect();
    let mut random = Random::new(seed);
    mix(&mut flows, &mut random, MIXED);
    (network, flows)
}

#[test]
fn random_estates_are_answered_alike() {
    let (mut all, mut known) = (Counts::default(), 0);
    for seed in 1..=ESTATES {
        let (network, flows) = random_case(seed);
        let (counts, without) = check(&network, &flows, &format!("seed {seed}"));
        all.flows += counts.flows;
        all.deferred += counts.deferred;
        known += without;
    }
    println!("{} flows, {} of them by the full engine, {known} without a network", all.flows, all.deferred);
    assert!(all.flows >= 10_000);
    assert!(known * 10 > all.flows, "{known} without a network");
}

fn generated(size: Size, shape: Shape, unique: bool, mix: Mix, count: u64) -> (Network, Vec<Flow>) {
    let settings = Settings { sizes: size.sizes(), shape, seed: 7, unique };
    let mut notes = Diagnostics::new();
    let inventory = generate::inventory(&settings, &mut notes);
    let network = network::compile(inventory, ServiceTags::builtin(), Profile::default(), &mut notes);
    let lines = Flows::new(settings, mix, Layout::Csv);
    let flows = (0..count).map(|number| {
        let mut text = String::new();
        lines.line(number, &mut text);
        let words: Vec<&str> = text.trim().split(',').collect();
        Flow::new(
            endpoint(words[0]),
            endpoint(words[1]),
            Protocol::parse(words[2]).expect("a protocol"),
            words[3].parse().expect("a port"),
        )
    });
    let flows = flows.collect();
    (network, flows)
}

fn endpoint(text: &str) -> Endpoint {
    match text.parse() {
        Ok(ip) => Endpoint::Address(ip),
        Err(_) if text == "internet" => Endpoint::Internet,
        Err(_) if text.contains('.') => Endpoint::Fqdn(text.into()),
        Err(_) => Endpoint::Named(text.into()),
    }
}

/// Answers alike, and leaves no more than so many of a thousand flows to the full engine.
fn check_generated(size: Size, shape: Shape, unique: bool, mix: Mix, left: u64) {
    let (network, flows) = generated(size, shape, unique, mix, 1_500);
    let place = format!("{size:?} {shape:?} {mix:?}");
    let (counts, known) = check(&network, &flows, &place);
    assert!(counts.flows > 1_000, "{place}");
    // What the walk answers takes no network: every name that is written out is known.
    assert!(2 * known + counts.deferred >= counts.flows, "{place}: {known} of {counts:?} twice");
    assert!(counts.deferred * 1_000 <= counts.flows * left, "{place}: {} deferred", counts.deferred);
}

#[test]
fn generated_estates_are_answered_alike() {
    for mix in [Mix::Uniform, Mix::EastWest, Mix::Internet, Mix::Paas] {
        check_generated(Size::S, Shape::HubSpoke, false, mix, 10);
        check_generated(Size::S, Shape::Mesh, false, mix, 10);
        check_generated(Size::S, Shape::Flat, true, mix, 10);
        check_generated(Size::S, Shape::Vwan, false, mix, 1_000);
    }
}
