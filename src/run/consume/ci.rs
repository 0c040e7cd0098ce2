//! For build services: JUnit, SARIF and GitHub's workflow commands, written at the end.

use super::Consumer;
use crate::diag::{At, Diagnostic, Diagnostics, DocId, Sources};
use crate::report::{self, CheckedFlow, Locator};
use crate::run::check::Summary;
use crate::run::event::{End, Event, Finished, Started};
use crate::trace::Outcome;
use hashbrown::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

/// Everything of a run that build services show.
#[derive(Debug, Default)]
struct Findings {
    checks: Vec<CheckedFlow>,
    notes: Diagnostics,
    /// The documents of all scenarios, each once.
    sources: Sources,
    known: HashMap<(Arc<str>, crate::diag::Text), DocId>,
    started: Option<Started>,
}

impl Findings {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Started(started) => self.started = Some(started.clone()),
            Event::FlowTraced(_) => {}
            Event::VerdictReached(reached) => self.checks.extend(reached.checked.clone()),
            Event::Finished(finished) => {
                self.notes(finished);
                let name = self.started.take().map_or(finished.path.clone(), |started| started.name);
                self.checks.extend(unfinished(finished, &name));
            }
        }
    }

    /// Diagnostics, their places moved to the documents of the whole run. An estate that several scenarios
    /// share is told of once.
    fn notes(&mut self, finished: &Finished) {
        let mut moved: HashMap<DocId, DocId> = HashMap::new();
        for (doc, source) in finished.sources.iter() {
            let key = (source.name.clone(), source.text.clone());
            let sources = &mut self.sources;
            let new = *self
                .known
                .entry(key)
                .or_insert_with(|| sources.add(source.name.clone(), source.text.clone()));
            moved.insert(doc, new);
        }
        let place = |at: At| moved.get(&at.doc).map_or(At::NOWHERE, |doc| At { doc: *doc, ..at });
        for note in &finished.notes {
            self.notes.push(Diagnostic {
                at: place(note.at),
                second: note.second.clone().map(|(at, label)| (place(at), label)),
                ..note.clone()
            });
        }
    }

    fn sorted(&mut self) -> (&[CheckedFlow], &Diagnostics, Locator<'_>) {
        self.notes.sort();
        (&self.checks, &self.notes, Locator::new(&self.sources))
    }
}

/// A scenario that was not judged to its end counts as a failed check of its own: a report in which it is
/// missing would look like success.
fn unfinished(finished: &Finished, name: &str) -> Option<CheckedFlow> {
    let what = match finished.end {
        End::Judged => return None,
        End::Stopped => "it was stopped before its end",
        End::Faulty => "its input is faulty, so it was not judged to its end",
        End::Crashed => "the program failed on it",
    };
    let errors = finished.notes.iter().filter(|n| n.severity == crate::diag::Severity::Error);
    let said = errors.map(|n| n.message.as_str()).chain(finished.faults.iter().map(String::as_str));
    let first: Vec<&str> = said.take(3).collect();
    Some(CheckedFlow {
        scenario: name.to_owned(),
        variant: None,
        flow: "the scenario itself".into(),
        question: finished.path.to_string(),
        established: false,
        held: false,
        message: [vec![what], first].concat().join(": "),
        outcome: Outcome::Unknown,
        cause: None,
        decider: None,
        file: None,
        line: None,
        scenario_file: Some(finished.path.to_string()),
        scenario_line: Some(1),
        trace: None,
    })
}

/// JUnit XML.
#[derive(Debug, Default)]
pub struct Junit(Findings);

impl Consumer for Junit {
    fn take(&mut self, event: &Event, _out: &mut dyn Write) -> io::Result<()> {
        self.0.take(event);
        Ok(())
    }

    fn end(&mut self, _summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let text = report::junit::report(&self.0.checks).map_err(io::Error::other)?;
        out.write_all(text.as_bytes())
    }
}

/// SARIF 2.1.0.
#[derive(Debug, Default)]
pub struct Sarif(Findings);

impl Consumer for Sarif {
    fn take(&mut self, event: &Event, _out: &mut dyn Write) -> io::Result<()> {
        self.0.take(event);
        Ok(())
    }

    fn end(&mut self, _summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let (checks, notes, locator) = self.0.sorted();
        let mut text = String::new();
        report::json::pretty(&mut text, &report::sarif::log(checks, notes, &locator));
        out.write_all(text.as_bytes())
    }
}

/// Workflow commands of GitHub.
#[derive(Debug, Default)]
pub struct GitHub(Findings);

impl Consumer for GitHub {
    fn take(&mut self, event: &Event, _out: &mut dyn Write) -> io::Result<()> {
        self.0.take(event);
        Ok(())
    }

    fn end(&mut self, _summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let (checks, notes, locator) = self.0.sorted();
        let mut text = String::new();
        report::github::checks(&mut text, checks);
        report::github::diagnostics(&mut text, notes, &locator);
        out.write_all(text.as_bytes())
    }
}
