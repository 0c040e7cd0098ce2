//! Running scenarios: many at once, events in one order.

use super::cancel::Cancel;
use super::engine;
use super::event::{End, Event, Finished, FlowName, FlowTraced, Place, Started, Tally, VerdictReached};
use super::files::{self, FileError};
use super::load::{self, Loaded, Settings, beside, workers};
use super::render;
use crate::diag::{At, Code, Diagnostic, Diagnostics, Sources};
use crate::network::Network;
use crate::scenario::{self, EstatePart, Expectation, Pass, Scenario, Verdict, evaluate};
use crate::trace::Trace;
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

/// The scenario files behind paths: a file is one, in a folder those that say so.
pub async fn find(paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, FileError> {
    let found = files::expand(&paths)?;
    let looked = load::in_order(found, |found| {
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
struct Run {
    number: usize,
    path: PathBuf,
    settings: Arc<CheckSettings>,
    cancel: Cancel,
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
        let _ = events.send(Event::Finished(finished)).await;
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
            Err((errors, sources)) => {
                let faults = errors.iter().map(ToString::to_string).collect();
                return self.finished(End::Faulty, notes, faults, sources);
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
        self.send(Event::Started(Started {
            scenario: self.number,
            path: self.shown_path(),
            name: scenario.name.clone(),
            rules: scenario.rules.clone(),
            expectations: passes.iter().map(|pass| pass.cases.len() + pass.unjudged.len()).sum(),
        }));
        let mut tally = Tally::default();
        let mut end = if notes.has_errors() { End::Faulty } else { End::Judged };
        for pass in &passes {
            if end != End::Judged {
                break;
            }
            end = self.pass(scenario, pass, &loaded, &mut tally, &mut notes);
        }
        notes.sort();
        Finished { tally, ..self.finished(end, notes, Vec::new(), loaded.sources) }
    }

    fn pass(
        &self,
        scenario: &Scenario,
        pass: &Pass,
        loaded: &Loaded,
        tally: &mut Tally,
        notes: &mut Diagnostics,
    ) -> End {
        let mut more = Diagnostics::new();
        let changes = [&loaded.changes[..], &pass.changes].concat();
        let profile = pass.profile.clone();
        let (network, _) = engine::network(&loaded.raws, &changes, profile, &loaded.tags, &mut more);
        let faulty = more.has_errors();
        notes.extend(more);
        if faulty {
            return End::Faulty;
        }
        let mut end = End::Judged;
        for (case, expectation) in &pass.cases {
            let flow = self.name(scenario, pass, *case);
            if !self.wants(&flow) {
                continue;
            }
            if self.cancel.is_asked() {
                return End::Stopped;
            }
            let case = &scenario.cases[*case];
            match engine::flow(&case.question, Some(case.name.clone()), case.at, &network) {
                Ok(asked) => {
                    let trace = engine::answer(&network, &asked);
                    let judged = Judged { flow, expectation, needed_for: &case.needed_for };
                    self.report(judged, &trace, &network, loaded, tally);
                }
                Err(fault) => {
                    notes.push(fault);
                    end = End::Faulty;
                }
            }
        }
        for (case, why) in &pass.unjudged {
            let flow = self.name(scenario, pass, *case);
            if self.wants(&flow) {
                let verdict = Verdict::Unjudged((*why).into());
                tally.count(&verdict);
                let needed_for = scenario.cases[*case].needed_for.clone();
                let (place, decider, view) = (None, None, None);
                self.send(Event::VerdictReached(VerdictReached {
                    flow,
                    verdict,
                    place,
                    decider,
                    needed_for,
                    view,
                }));
            }
        }
        end
    }

    fn name(&self, scenario: &Scenario, pass: &Pass, case: usize) -> FlowName {
        FlowName {
            scenario: self.number,
            variant: pass.variant.clone(),
            flow: scenario.cases[case].name.clone(),
        }
    }

    fn wants(&self, flow: &FlowName) -> bool {
        let Some(filter) = &self.settings.filter else { return true };
        flow.label().to_lowercase().contains(&filter.to_lowercase())
    }

    fn report(
        &self,
        judged: Judged<'_>,
        trace: &Trace,
        network: &Network,
        loaded: &Loaded,
        tally: &mut Tally,
    ) {
        let verdict = evaluate(judged.expectation, trace);
        tally.count(&verdict);
        let failed = matches!(verdict, Verdict::Failed(_));
        let wanted = failed || self.settings.every_view;
        let view = wanted.then(|| Arc::new(render::view(trace, network, &loaded.sources)));
        self.send(Event::FlowTraced(FlowTraced {
            flow: judged.flow.clone(),
            decision: trace.decision(),
            view: view.clone(),
        }));
        let evidence = trace.blockers.first().map(|blocker| &blocker.evidence);
        let decider = evidence.and_then(|e| Some((e.decider()?, place(&loaded.sources, e.at))));
        self.send(Event::VerdictReached(VerdictReached {
            flow: judged.flow,
            verdict,
            place: place(&loaded.sources, judged.expectation.at),
            decider,
            needed_for: judged.needed_for.to_vec(),
            view: view.filter(|_| failed),
        }));
    }

    /// Waits where the reader is behind. A reader that has gone away stops the run by `cancel`.
    fn send(&self, event: Event) {
        let _ = self.events.blocking_send(event);
    }
}

/// A flow with what is expected of it.
struct Judged<'a> {
    flow: FlowName,
    expectation: &'a Expectation,
    needed_for: &'a [Arc<str>],
}

async fn load_estate(
    file: &Path,
    scenario: &Scenario,
    sources: Sources,
) -> Result<Loaded, (Vec<FileError>, Sources)> {
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
    load::load(&paths, &inline, &settings, sources).await.map_err(|errors| (errors, Sources::default()))
}

/// A place as people count.
pub fn place(sources: &Sources, at: At) -> Option<Place> {
    let (name, position) = (sources.name(at)?, sources.position(at)?);
    Some(Place { file: name.into(), line: position.line, column: position.column })
}

/// What a panic said.
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
