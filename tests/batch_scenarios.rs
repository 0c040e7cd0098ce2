//! Every flow of every bundled scenario, with all its variants and steps, through the batch: the full engine's answer,
//! and what the scenario expects.

#![allow(clippy::disallowed_methods, reason = "this test reads the scenarios")]

use netwhy::diag::{At, Diagnostics, Sources};
use netwhy::fast::directory::{self, Directory};
use netwhy::fast::{self, Asker, Counts, Known, Verdict};
use netwhy::network::Network;
use netwhy::run::load;
use netwhy::run::{check, engine};
use netwhy::scenario::{self, Scenario};
use netwhy::trace::{Endpoint, Flow, decide};
use std::path::{Path, PathBuf};

async fn loaded(file: &Path) -> (Scenario, load::Loaded) {
    let mut sources = Sources::default();
    let mut notes = Diagnostics::new();
    let text = std::fs::read_to_string(file).expect("a scenario");
    let doc = sources.add(file.display().to_string(), text.as_str());
    let root = load::parse(doc, &text, &mut notes).expect("well-formed");
    let stem = file.file_stem().expect("a name").to_string_lossy();
    let scenario = scenario::load(&root, &stem, &mut notes).expect("a scenario");
    let loaded = check::load_estate(file, &scenario, sources).await;
    (scenario, loaded.expect("an estate"))
}

/// Asks every pass of a scenario; how many flows, and how many by the full engine.
fn check(file: &Path, scenario: &Scenario, loaded: &load::Loaded) -> Counts {
    let mut all = Counts::default();
    for pass in scenario.passes() {
        let mut notes = Diagnostics::new();
        let changes = [&loaded.changes[..], &pass.changes].concat();
        let (network, _) =
            engine::network(&loaded.raws, &changes, pass.profile.clone(), &loaded.tags, &mut notes);
        let place = format!("{} {:?}", file.display(), pass.variant);
        assert!(!notes.has_errors(), "{place}");
        let fast = fast::compile(&network);
        let mut asker = Asker::new(&network, &fast);
        let flows: Vec<Flow> = pass
            .cases
            .iter()
            .map(|(number, _)| {
                let case = &scenario.cases[*number];
                let flow = case.question.flow(Some(case.name.clone()), At::NOWHERE, &network.inventory);
                flow.unwrap_or_else(|fault| panic!("{place}: {}", fault.message))
            })
            .collect();
        let ids: Vec<_> = flows
            .iter()
            .map(|flow| asker.read(flow).unwrap_or_else(|error| panic!("{place}: {error}")))
            .collect();
        check_known(&network, &fast, &flows, &place);
        let mut verdicts = vec![Verdict::PENDING; ids.len()];
        asker.decide(&ids, &mut verdicts);
        for (((_, expectation), flow), verdict) in pass.cases.iter().zip(&flows).zip(&verdicts) {
            let got = asker.decision(verdict);
            assert_eq!(got, decide(&network, flow), "{place}: {flow:?} (deferred: {})", verdict.deferred);
            if let Some(outcome) = expectation.outcome {
                assert_eq!(got.outcome, outcome, "{place}: {flow:?}");
            }
            if let Some(cause) = expectation.cause {
                assert_eq!(got.cause, Some(cause), "{place}: {flow:?}");
            }
        }
        all.flows += asker.counts().flows;
        all.deferred += asker.counts().deferred;
    }
    all
}

/// What stored tables answer without their network is what the network answers: the flows as they are, and from outside.
fn check_known(network: &Network, fast: &fast::Fast, flows: &[Flow], place: &str) {
    let Some(sections) = directory::directory(network, fast) else { return };
    let directory = Directory::of(&sections);
    let mut known = Known::new(fast, &directory);
    let outside = flows.iter().map(|flow| Flow { from: Endpoint::Internet, ..flow.clone() });
    for flow in flows.iter().cloned().chain(outside) {
        let mut own = flow.clone();
        let Some(ids) = known.read(&mut own) else { continue };
        let mut verdicts = [Verdict::PENDING];
        known.decide(&[ids], &mut verdicts);
        if let Some(got) = known.decision(&verdicts[0]) {
            assert_eq!(got, decide(network, &flow), "{place}: {flow:?} as {own:?}");
        }
    }
}

#[tokio::test]
async fn every_expectation_is_met_through_the_batch() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let paths = check::find(vec![folder], &mut netwhy::diag::Diagnostics::new())
        .await
        .expect("the folder of scenarios");
    let mut all = Counts::default();
    for path in &paths {
        let (scenario, loaded) = loaded(path).await;
        let counts = check(path, &scenario, &loaded);
        all.flows += counts.flows;
        all.deferred += counts.deferred;
    }
    println!("{} scenarios, {} flows, {} of them by the full engine", paths.len(), all.flows, all.deferred);
    assert!(all.flows > 1_000, "{all:?}");
    assert!(all.deferred < all.flows, "the walk answers some: {all:?}");
}
