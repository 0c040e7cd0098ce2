//! The batch must answer what the full engine answers, flow for flow: outcome, disposition, cause, decider.

#![allow(dead_code, reason = "the generator of the reference keeps facts that only its own questions need")]

mod reference {
    pub(crate) mod estate;
    pub(crate) mod load;
    pub(crate) mod random;
}

use netwhy::fast::{self, Asker, Counts, FlowIds, Verdict};
use netwhy::network::Network;
use netwhy::profile::Profile;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Flow, decide};
use reference::estate::{Case, case};
use reference::load::{flow, network};
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
    let network = network(&estate.text(), &profile, &ServiceTags::builtin()).expect("a sound estate");
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
