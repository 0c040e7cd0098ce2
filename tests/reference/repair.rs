//! Every repair that is suggested for a random blocked flow opens it: by the engine, and not against the reference.

use super::estate::case;
use super::load::{flow, network};
use super::tracer::answer;
use netwhy::diag::{Diagnostics, DocId};
use netwhy::doc::parse_yaml;
use netwhy::formats::{change, native};
use netwhy::inventory::{build, change as apply};
use netwhy::network::{Network, compile};
use netwhy::profile::Profile;
use netwhy::run::repair::{Budget, Repair, repairs};
use netwhy::run::what_if::Estate;
use netwhy::tags::ServiceTags;
use netwhy::trace::{Outcome, trace};
use std::collections::BTreeMap;

/// Random estates of a run, and the flows asked of each.
const ESTATES: u64 = 16;
const FLOWS: usize = 12;

/// The network after a repair, made from its text alone: nothing of the machinery that found it is used.
fn repaired(text: &str, repair: &Repair, profile: &Profile, tags: &ServiceTags) -> Network {
    let mut notes = Diagnostics::new();
    let root = parse_yaml(DocId(0), text, &mut notes).expect("the estate was read before");
    let raws = native::load(&root, &mut notes);
    let file = repair.changes().file("repair");
    let root = parse_yaml(DocId(1), &file, &mut notes).unwrap_or_else(|_| panic!("no YAML: {file}"));
    let before = notes.len();
    let changes = change::load(&root, &mut notes);
    let (raws, log) = apply::apply(&raws, &changes, &mut notes);
    let faults: Vec<String> = notes.iter().skip(before).map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{file}{faults:#?}");
    assert!(log.len() >= changes.len(), "every change does something:\n{file}");
    compile(build(raws, &mut notes), tags.clone(), profile.clone(), &mut notes)
}

#[test]
fn every_repair_of_a_random_flow_opens_it() {
    let tags = ServiceTags::builtin();
    let (mut blocked, mut mended, mut trips, mut judged) = (0, 0, 0, 0);
    let mut against = Vec::new();
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 1..=ESTATES {
        let case = case(seed, FLOWS);
        let mut profile = Profile::default();
        for (knob, value) in &case.estate.knobs {
            profile.set(knob, value).expect("the generator knows the knobs");
        }
        let text = case.estate.text();
        let Ok(before) = network(&text, &profile, &tags) else { continue };
        let mut notes = Diagnostics::new();
        let root = parse_yaml(DocId(0), &text, &mut notes).expect("the estate was read before");
        let raws = native::load(&root, &mut notes);
        let (_, _) = (build(raws.clone(), &mut notes), &mut notes);
        let estate = Estate { raws: &raws, base: &[], profile: &profile, tags: &tags, known: &notes };
        for question in &case.flows {
            let asked = flow(question);
            let trace_before = trace(&before, &asked);
            if trace_before.outcome != Outcome::Blocked {
                continue;
            }
            blocked += 1;
            let offered = repairs(estate, &before, &asked, 3, &mut Budget::for_resources(raws.len()));
            assert_eq!(offered.found.is_empty(), offered.reason.is_some(), "seed {seed}: {question}");
            let found = offered.found;
            if found.is_empty() {
                *left.entry(trace_before.cause.map_or("-", |c| c.code())).or_default() += 1;
            }
            mended += usize::from(!found.is_empty());
            for repair in &found {
                let after = repaired(&text, repair, &profile, &tags);
                let got = trace(&after, &asked);
                let file = repair.changes().file(question);
                assert_eq!(got.outcome, Outcome::Allowed, "seed {seed}: {question}\n{file}\n{:?}", got.cause);
                trips += 1;
                // Where the reference and the engine agree before, the reference must not see it blocked afterwards.
                let agreed = answer(&before, &asked).is_some_and(|a| a.outcome == Outcome::Blocked);
                if let (true, Some(after)) = (agreed, answer(&after, &asked)) {
                    judged += usize::from(after.outcome == Outcome::Allowed);
                    if after.outcome == Outcome::Blocked && !file.contains("roleAssignments") {
                        against.push(format!(
                            "seed {seed}: {question}: {:?}\n{file}",
                            after.stops.first().map(|s| s.cause)
                        ));
                    }
                }
            }
        }
    }
    println!(
        "{blocked} blocked flows, {mended} with a repair, {trips} repairs applied, {judged} allowed by the reference"
    );
    println!("without a repair: {left:?}");
    // The reference knows the roles that its estates use, and not those a repair may add.
    assert!(
        against.is_empty(),
        "the reference still sees {} blocked:\n{}",
        against.len(),
        against.join("\n")
    );
    assert!(
        mended * 3 >= blocked,
        "a third of what is blocked can be repaired: {mended} of {blocked}; {left:?}"
    );
    assert!(trips > 30, "the test has something to say: {trips}");
}
