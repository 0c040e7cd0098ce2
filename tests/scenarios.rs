//! Every scenario of the project is checked, as `netwhy check scenarios` does it.

use netwhy::run::cancel::Cancel;
use netwhy::run::check::{self, CheckSettings, Summary};
use netwhy::run::event::{End, Event};
use netwhy::scenario::Verdict;
use std::path::PathBuf;

/// What came of all scenarios: faults, one a line.
#[derive(Default)]
struct Outcome {
    file: String,
    faults: Vec<String>,
}

impl Outcome {
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

async fn run() -> (Summary, Outcome) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let paths = check::find(vec![folder]).await.expect("the folder of scenarios");
    let mut outcome = Outcome::default();
    let summary = check::check(paths, CheckSettings::default(), Cancel::default(), |event| {
        outcome.take(event);
        Ok(())
    });
    (summary.await.expect("the run"), outcome)
}

#[tokio::test]
async fn every_scenario_holds() {
    let (summary, outcome) = run().await;
    assert!(summary.scenarios > 0, "there are no scenarios");
    assert!(outcome.faults.is_empty(), "{}", outcome.faults.join("\n"));
}
