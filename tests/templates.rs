//! The packs on Microsoft's own templates, where those lie beside the project.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

#[path = "support/collected.rs"]
mod collected;

use collected::collected;
use netwhy::run::cancel::Cancel;
use netwhy::run::check::{self, CheckSettings};
use netwhy::run::event::{End, Event};
use netwhy::scenario::Verdict;
use std::path::PathBuf;

#[tokio::test]
async fn templates_hold() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    if collected("arm").is_none() {
        return;
    }
    let paths = check::find(vec![root.join("tests/templates")], &mut netwhy::diag::Diagnostics::new())
        .await
        .expect("the folder of templates");
    let mut faults = Vec::new();
    let mut held = 0;
    let summary = check::check(paths, CheckSettings::default(), Cancel::default(), |event| {
        match event {
            Event::VerdictReached(reached) => match &reached.verdict {
                Verdict::Held => held += 1,
                other => faults.push(format!("{}: {other:?}", reached.flow.label())),
            },
            Event::Finished(finished) if finished.end != End::Judged => {
                faults.push(format!("{}: {:?}", finished.path, finished.end));
                faults.extend(finished.notes.iter().map(|note| note.message.to_string()));
                faults.extend(finished.faults.iter().cloned());
            }
            _ => {}
        }
        Ok(())
    });
    let summary = summary.await.expect("the run");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(summary.scenarios >= 6 && held > 250, "{} scenarios, {held} held", summary.scenarios);
}
