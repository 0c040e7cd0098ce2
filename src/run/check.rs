//! Running scenarios: many at once, events in one order.

use super::cancel::Cancel;
use super::event::{End, Event, Finished, FlowName, Started, Tally};
use super::files::{self, FileError};
use super::judge::{Judging, Known, OpenFlows};
use super::load::{self, Loaded, Settings, Unopened, beside, workers};
use crate::diag::{At, Code, Diagnostic, Diagnostics, Sources};
use crate::report::Locator;
use crate::scenario::{self, EstatePart, Scenario};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// How many events a scenario may be ahead of the reader.
const AHEAD: usize = 256;

/// How scenarios are run.
#[derive(Clone, Debug, Default)]
pub struct CheckSettings {
    /// Whether every answer is wanted in full, and not only those that differ.
    pub every_view: bool,
    /// Only flows and variants whose label contains this text, compared without case.
    pub filter: Option<String>,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Scenarios run.
    pub scenarios: usize,
    /// Verdicts over all.
    pub tally: Tally,
    /// Scenarios with faulty input.
    pub faulty: usize,
    /// Scenarios the program failed on.
    pub crashed: usize,
    /// Whether it was stopped before its end.
    pub stopped: bool,
}

/// The scenario files behind paths: a file is one, in a folder those that say so. What is passed over in folders goes to
/// `notes`.
pub async fn find(paths: Vec<PathBuf>, notes: &mut Diagnostics) -> Result<Vec<PathBuf>, FileError> {
    let found = files::expand(&paths)?;
    found.skipped.iter().for_each(|skipped| notes.push(skipped.note()));
    let looked = load::in_order(found.files, |found| {
        let is_one = found.named || says_scenario(&found.path);
        is_one.then_some(found.path)
    });
    Ok(looked.await.into_iter().flatten().collect())
}

/// Whether a file of a folder is a scenario. One that cannot be read is taken for one, so that it is named.
fn says_scenario(path: &Path) -> bool {
    let Ok(text) = files::read_text(path) else { return true };
    if !(text.contains("netwhy") && text.contains("scenario/")) {
        return false;
    }
    let root = load::parse(crate::diag::DocId(0), &text, &mut Diagnostics::new());
    root.is_none_or(|root| scenario::is_scenario(&root))
}

/// Runs scenarios and hands every event to `consume`, in the order of the paths. Where `consume` fails, the run
/// stops.
pub async fn check(
    paths: Vec<PathBuf>,
    settings: CheckSettings,
    cancel: Cancel,
    mut consume: impl FnMut(&Event) -> io::Result<()>,
) -> io::Result<Summary> {
    let (lanes, mut running) = mpsc::channel(4 * workers());
    let starter = tokio::spawn(start_all(paths, Arc::new(settings), cancel.clone(), lanes));
    let mut summary = Summary::default();
    let mut broken = None;
    while let Some(mut events) = running.recv().await {
        while let Some(event) = events.recv().await {
            if let Event::Finished(finished) = &event {
                summary.take(finished);
            }
            if broken.is_none() {
                broken = consume(&event).err();
            }
            if broken.is_some() {
                cancel.now();
            }
        }
    }
    if let Err(error) = starter.await {
        std::panic::resume_unwind(error.into_panic());
    }
    summary.stopped |= cancel.is_asked();
    broken.map_or(Ok(summary), Err)
}

impl Summary {
    fn take(&mut self, finished: &Finished) {
        self.scenarios += 1;
        self.tally.add(finished.tally);
        self.faulty += usize::from(finished.end == End::Faulty);
        self.crashed += usize::from(finished.end == End::Crashed);
        self.stopped |= finished.end == End::Stopped;
    }
}

/// Starts a task for each scenario, in order, as far as there are permits.
async fn start_all(
    paths: Vec<PathBuf>,
    settings: Arc<CheckSettings>,
    cancel: Cancel,
    lanes: mpsc::Sender<mpsc::Receiver<Event>>,
) {
    let permits = Arc::new(Semaphore::new(workers()));
    for (number, path) in paths.into_iter().enumerate() {
        let permit = permits.clone().acquire_owned().await;
        if cancel.is_asked() {
            return;
        }
        let (events, lane) = mpsc::channel(AHEAD);
        let run = Run { number, path, settings: settings.clone(), cancel: cancel.clone(), events };
        tokio::spawn(async move {
            run.go().await;
            drop(permit);
        });
        if lanes.send(lane).await.is_err() {
            return;
        }
    }
}

/// One scenario being run.
pub(super) struct Run {
    pub(super) number: usize,
    path: PathBuf,
    pub(super) settings: Arc<CheckSettings>,
    pub(super) cancel: Cancel,
    events: mpsc::Sender<Event>,
}

impl Run {
    async fn go(self) {
        let (number, path, events) = (self.number, self.shown_path(), self.events.clone());
        let finished = match tokio::spawn(self.judge()).await {
            Ok(finished) => finished,
            Err(error) => Finished {
                scenario: number,
                path,
                end: End::Crashed,
                tally: Tally::default(),
                notes: Diagnostics::new(),
                faults: vec![format!("internal error: {}", panic_text(&*error.into_panic()))],
                sources: Arc::default(),
            },
        };
        let _ = events.send(Event::Finished(Box::new(finished))).await;
    }

    fn shown_path(&self) -> Arc<str> {
        self.path.display().to_string().into()
    }

    fn finished(&self, end: End, notes: Diagnostics, faults: Vec<String>, sources: Sources) -> Finished {
        Finished {
            scenario: self.number,
            path: self.shown_path(),
            end,
            tally: Tally::default(),
            notes,
            faults,
            sources: Arc::new(sources),
        }
    }

    async fn judge(self) -> Finished {
        let mut notes = Diagnostics::new();
        let mut sources = Sources::default();
        let text = match files::read_text(&self.path) {
            Ok(text) => text,
            Err(error) => return self.finished(End::Faulty, notes, vec![error.to_string()], sources),
        };
        let doc = sources.add(self.shown_path(), text.as_str());
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let root = load::parse(doc, &text, &mut notes);
        let scenario = root.and_then(|root| scenario::load(&root, &stem, &mut notes));
        let Some(scenario) = scenario.filter(|_| !notes.has_errors()) else {
            return self.finished(End::Faulty, notes, Vec::new(), sources);
        };
        if scenario.estate.is_empty() {
            let at = At { doc, start: 0, end: 0 };
            notes.push(Diagnostic::new(Code::MissingField, at, "the scenario has no `estate`"));
            return self.finished(End::Faulty, notes, Vec::new(), sources);
        }
        let loaded = match load_estate(&self.path, &scenario, sources).await {
            Ok(loaded) => loaded,
            Err(unopened) => {
                return self.finished(End::Faulty, notes, unopened.lines(), Sources::default());
            }
        };
        let work = tokio::task::spawn_blocking(move || self.passes(&scenario, loaded, notes));
        match work.await {
            Ok(finished) => finished,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    fn passes(self, scenario: &Scenario, mut loaded: Loaded, mut notes: Diagnostics) -> Finished {
        notes.extend(std::mem::take(&mut loaded.notes));
        let passes = scenario.passes();
        let span = tracing::info_span!("judge", scenario = &*scenario.name, passes = passes.len());
        let _entered = span.enter();
        let locator = Locator::new(&loaded.sources);
        self.send(Event::Started(Started {
            scenario: self.number,
            path: self.shown_path(),
            name: scenario.name.clone(),
            rules: scenario.rules.clone(),
            expectations: passes.iter().map(|pass| pass.cases.len() + pass.established.len()).sum(),
        }));
        let mut tally = Tally::default();
        let mut end = if notes.has_errors() { End::Faulty } else { End::Judged };
        let mut judging = Judging {
            run: &self,
            scenario,
            locator: &locator,
            tally: &mut tally,
            notes: &mut notes,
            known: Known::new(),
        };
        let mut open = OpenFlows::default();
        for pass in &passes {
            if end != End::Judged {
                break;
            }
            end = judging.pass(pass, &loaded, &mut open);
        }
        notes.sort();
        drop(locator);
        Finished { tally, ..self.finished(end, notes, Vec::new(), loaded.sources) }
    }

    /// Whether a flow is among those asked for.
    pub(super) fn wants(&self, flow: &FlowName) -> bool {
        let Some(filter) = &self.settings.filter else { return true };
        flow.label().to_lowercase().contains(&filter.to_lowercase())
    }

    /// Waits where the reader is behind. A reader that has gone away stops the run by `cancel`.
    pub(super) fn send(&self, event: Event) {
        let _ = self.events.blocking_send(event);
    }
}

/// Reads the estate of a scenario: the files beside it, and what it holds itself.
pub async fn load_estate(file: &Path, scenario: &Scenario, sources: Sources) -> Result<Loaded, Unopened> {
    let mut paths = Vec::new();
    let mut inline = Vec::new();
    for part in &scenario.estate {
        match part {
            EstatePart::Path(word) => paths.push(beside(file, &word.text)),
            EstatePart::Inline(node) => inline.push(node.clone()),
        }
    }
    let settings = Settings {
        parameters: scenario.parameters.clone(),
        service_tags: scenario.service_tags.as_ref().map(|word| beside(file, &word.text)),
        ..Settings::default()
    };
    load::open(&paths, &inline, &settings, sources).await
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
