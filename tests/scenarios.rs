//! Every scenario of the project is checked, as `netwhy check scenarios` does it, and every trap has its neighbours.

use netwhy::run::cancel::Cancel;
use netwhy::run::check::{self, CheckSettings, Summary};
use netwhy::run::event::{End, Event, FlowTraced};
use netwhy::scenario::Verdict;
use netwhy::trace::Outcome;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What came of all scenarios: faults, one a line.
#[derive(Default)]
struct Report {
    file: String,
    faults: Vec<String>,
}

impl Report {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Started(started) => self.file = started.path.replace('\\', "/"),
            Event::VerdictReached(reached) => {
                let label = reached.flow.label();
                match &reached.verdict {
                    Verdict::Held => {}
                    Verdict::Failed(differences) => {
                        let list = differences.iter().map(ToString::to_string).collect::<Vec<_>>();
                        self.faults.push(format!("{}: {label}: {}", self.file, list.join("; ")));
                    }
                    Verdict::Unjudged(why) => {
                        self.faults.push(format!("{}: {label}: not judged: {why}", self.file));
                    }
                }
            }
            Event::Finished(finished) if finished.end != End::Judged => {
                self.faults.push(format!("{}: not judged: {:?}", finished.path, finished.end));
                self.faults.extend(finished.notes.iter().map(|note| note.message.to_string()));
                self.faults.extend(finished.faults.iter().cloned());
            }
            _ => {}
        }
    }
}

async fn run() -> (Summary, Report) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let paths = check::find(vec![folder], &mut netwhy::diag::Diagnostics::new())
        .await
        .expect("the folder of scenarios");
    let mut report = Report::default();
    let summary = check::check(paths, CheckSettings::default(), Cancel::default(), |event| {
        report.take(event);
        Ok(())
    });
    (summary.await.expect("the run"), report)
}

#[tokio::test]
async fn every_scenario_holds() {
    let (summary, report) = run().await;
    assert!(summary.scenarios > 0, "there are no scenarios");
    assert!(report.faults.is_empty(), "{}", report.faults.join("\n"));
}

/// The traps of the semantics, each with a file of its own.
const TRAPS: [&str; 68] = [
    "T-1", "T-3", "T-4", "T-5", "T-6", "T-8", "T-9", "T-10", "T-11", "T-13", "T-15", "T-17", "T-18", "T-19",
    "T-20", "T-23", "T-24", "T-26", "T-27", "T-27c", "T-28", "T-29", "T-30", "T-32", "T-33", "T-34", "T-35",
    "T-37", "T-39", "T-40", "T-42", "T-43", "T-45", "T-46", "T-49", "T-50", "T-52", "T-54", "T-56", "T-57",
    "T-59", "T-61", "T-63", "T-64", "T-66", "T-67", "T-68", "T-70", "T-71", "T-73", "T-74", "T-76", "T-77",
    "T-79", "T-80", "T-82", "T-83", "T-84", "T-86", "T-87", "T-89", "T-90", "T-91", "T-93", "T-96", "T-98",
    "T-100", "T-101",
];

/// What a flow does: how it ends, and by which way.
type Answer = (Outcome, Vec<String>);

/// The answers of one trap: as it stands, and with each neighbour.
#[derive(Default)]
struct Trap {
    base: BTreeMap<String, Answer>,
    neighbours: BTreeMap<String, BTreeMap<String, Answer>>,
}

impl Trap {
    fn take(&mut self, traced: &FlowTraced) {
        let view = traced.view.as_ref().expect("every view was asked for");
        let way = view.hops.iter().map(|hop| hop.name.clone()).collect();
        let answers = match &traced.flow.variant {
            None => &mut self.base,
            Some(neighbour) => self.neighbours.entry(neighbour.to_string()).or_default(),
        };
        let open = if traced.flow.established { ", open before" } else { "" };
        answers.insert(format!("{}{open}", traced.flow.flow), (traced.decision.outcome, way));
    }

    /// The neighbours with which some flow ends otherwise or takes another way.
    fn flips(&self) -> usize {
        let before = |flow: &str| self.base.get(flow.trim_end_matches(", open before"));
        let flipped = |answers: &&BTreeMap<String, Answer>| {
            answers.iter().any(|(flow, answer)| before(flow).is_some_and(|before| before != answer))
        };
        self.neighbours.values().filter(flipped).count()
    }
}

/// `T-27c` of `T-27c-default-route-alone-joins-spokes.yaml`.
fn trap_of(path: &str) -> Option<String> {
    let name = path.replace('\\', "/").rsplit('/').next()?.to_owned();
    let number = name.strip_prefix("T-")?.split('-').next()?.trim_start_matches('0').to_owned();
    Some(format!("T-{number}"))
}

#[tokio::test]
async fn every_trap_has_two_neighbours_that_turn_out_otherwise() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios/traps");
    let paths =
        check::find(vec![folder], &mut netwhy::diag::Diagnostics::new()).await.expect("the folder of traps");
    let mut traps: BTreeMap<String, Trap> = BTreeMap::new();
    let mut here = String::new();
    let settings = CheckSettings { every_view: true, ..CheckSettings::default() };
    let summary = check::check(paths, settings, Cancel::default(), |event| {
        match event {
            Event::Started(started) => {
                here = trap_of(&started.path).expect("a trap is called by its number");
                let double = traps.insert(here.clone(), Trap::default());
                assert!(double.is_none(), "{here} has two files");
                assert!(started.name.starts_with(&format!("{here} ")), "{here} says its number in its name");
                assert!(!started.rules.is_empty(), "{here} names the rules that decide");
            }
            Event::FlowTraced(traced) => traps.get_mut(&here).expect("it has started").take(traced),
            _ => {}
        }
        Ok(())
    });
    summary.await.expect("the run");
    let found: BTreeSet<&str> = traps.keys().map(String::as_str).collect();
    assert_eq!(found, TRAPS.into_iter().collect::<BTreeSet<_>>());
    let lonely: Vec<_> = traps.iter().filter(|(_, trap)| trap.flips() < 2).map(|(name, _)| name).collect();
    assert!(lonely.is_empty(), "fewer than two neighbours turn out otherwise: {lonely:?}");
}
