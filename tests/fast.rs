//! The batch must answer what the full engine answers, flow for flow: outcome, disposition, cause, decider.

#![allow(dead_code, reason = "the generator of the reference keeps facts that only its own questions need")]

mod reference {
    pub(crate) mod estate;
    pub(crate) mod load;
    pub(crate) mod planes;
    pub(crate) mod random;
}

use netwhy::diag::Diagnostics;
use netwhy::fast::{self, Asker, Counts, FlowIds, Verdict};
use netwhy::generate::{self, Flows, Layout, Mix, Profile as Size, Settings, Shape};
use netwhy::net::Protocol;
use netwhy::network::{self, Network};
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Endpoint, Flow, decide};
use reference::estate::{Case, case};
use reference::load::{flow, network as network_of};
use reference::random::Random;

/// Estates asked about, each with its own flows and mixtures of their ends.
const ESTATES: u64 = 500;

/// Mixtures of ends of each estate.
const MIXED: usize = 24;

/// Asks both and compares; the batch's counts.
fn check(network: &Network, flows: &[Flow], place: &str) -> Counts {
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
    asker.counts()
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
    for _ in 0..MIXED {
        let mut mixed = random.one(&flows);
        mixed.from = random.one(&flows).from;
        mixed.port = random.one(&flows).port;
        mixed.identity = None;
        flows.push(mixed);
    }
    (network, flows)
}

#[test]
fn random_estates_are_answered_alike() {
    let mut all = Counts::default();
    for seed in 1..=ESTATES {
        let (network, flows) = random_case(seed);
        let counts = check(&network, &flows, &format!("seed {seed}"));
        all.flows += counts.flows;
        all.deferred += counts.deferred;
    }
    println!("{} flows, {} of them by the full engine", all.flows, all.deferred);
    assert!(all.flows >= 10_000);
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
    let counts = check(&network, &flows, &place);
    assert!(counts.flows > 1_000, "{place}");
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
