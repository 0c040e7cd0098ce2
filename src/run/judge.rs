//! Judging what a scenario expects, pass by pass, and holding flows open from step to step of its sequence.

use super::check::Run;
use super::engine;
use super::event::{End, Event, FlowName, FlowTraced, Tally, VerdictReached};
use super::load::Loaded;
use crate::diag::{At, Code, Diagnostic, Diagnostics};
use crate::network::Network;
use crate::report::{self, CheckedFlow, Locator, TraceView};
use crate::scenario::{self, Case, Expectation, Pass, Scenario, Verdict, evaluate};
use crate::trace::{OpenFlow, Outcome, Trace};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Flows that are held open through a sequence, by number of the case.
pub(super) type OpenFlows = BTreeMap<usize, OpenFlow>;

/// What the passes of one scenario are judged with.
pub(super) struct Judging<'a> {
    pub(super) run: &'a Run,
    pub(super) scenario: &'a Scenario,
    pub(super) locator: &'a Locator<'a>,
    pub(super) tally: &'a mut Tally,
    pub(super) notes: &'a mut Diagnostics,
    /// What is told of the scenario as it stands, and of the steps so far.
    pub(super) known: Known,
}

/// Faults that were told.
pub(super) type Known = BTreeSet<(At, Code, String)>;

impl Judging<'_> {
    /// Judges one pass, and hands on what is open after it.
    pub(super) fn pass(&mut self, pass: &Pass, loaded: &Loaded, open: &mut OpenFlows) -> End {
        let mut more = Diagnostics::new();
        let changes = [&loaded.changes[..], &pass.changes].concat();
        let profile = pass.profile.clone();
        let (network, _) = engine::network(&loaded.raws, &changes, profile, &loaded.tags, &mut more);
        let faulty = more.has_errors();
        self.tell(pass, more);
        if faulty {
            return End::Faulty;
        }
        match self.new_flows(pass, &network) {
            End::Judged => self.open_flows(pass, &network, open),
            end => end,
        }
    }

    /// Tells what is wrong in a pass. What a variant or step makes wrong is told at its own line, and not only at the line
    /// of the estate that was right before.
    fn tell(&mut self, pass: &Pass, notes: Diagnostics) {
        let mut found = Known::new();
        self.notes.extend(notes.retold(|note| {
            let key = (note.at, note.code, note.message.clone());
            let is_new = !self.known.contains(&key);
            found.insert(key);
            is_new.then(|| if pass.variant.is_some() { made_by(pass, note) } else { note })
        }));
        if pass.variant.is_none() || pass.follows {
            self.known.extend(found);
        }
    }

    fn new_flows(&mut self, pass: &Pass, network: &Network) -> End {
        let mut end = End::Judged;
        for (number, expectation) in &pass.cases {
            let flow = self.name(pass, *number, false);
            if !self.run.wants(&flow) {
                continue;
            }
            if self.run.cancel.is_asked() {
                return End::Stopped;
            }
            let case = &self.scenario.cases[*number];
            match engine::answer(&case.question, Some(case.name.clone()), case.at, network) {
                Ok(trace) => {
                    let verdict = evaluate(expectation, &trace);
                    self.report(Judged { flow, case, expectation, verdict }, &trace, network);
                }
                Err(fault) => {
                    self.notes.push(fault);
                    end = End::Faulty;
                }
            }
        }
        end
    }

    /// Follows what was open before this pass, and opens what is not open but gets through now.
    fn open_flows(&mut self, pass: &Pass, network: &Network, open: &mut OpenFlows) -> End {
        for number in &pass.held_open {
            if self.run.cancel.is_asked() {
                return End::Stopped;
            }
            if let Err(fault) = self.open_flow(pass, *number, network, open) {
                self.notes.push(fault);
                return End::Faulty;
            }
        }
        End::Judged
    }

    fn open_flow(
        &mut self,
        pass: &Pass,
        number: usize,
        network: &Network,
        open: &mut OpenFlows,
    ) -> Result<(), Diagnostic> {
        let case = &self.scenario.cases[number];
        let name = || Some(case.name.clone());
        let was = open.remove(&number);
        let followed = match &was {
            Some(was) => Some(engine::follow(&case.question, name(), case.at, network, was)?),
            None => None,
        };
        let (anew, opened) = engine::open(&case.question, name(), case.at, network)?;
        let expectation = pass.established.iter().find(|(expected, _)| *expected == number);
        if let Some((_, expectation)) = expectation {
            let flow = self.name(pass, number, true);
            if self.run.wants(&flow) {
                let (trace, verdict) = match &followed {
                    Some((trace, _)) => (trace, evaluate(expectation, trace)),
                    None => (&anew, scenario::never_open()),
                };
                self.report(Judged { flow, case, expectation, verdict }, trace, network);
            }
        }
        // A caller whose flow was cut tries again.
        let still = followed.and_then(|(_, still)| still);
        open.extend(still.or(opened).map(|flow| (number, flow)));
        Ok(())
    }

    fn name(&self, pass: &Pass, case: usize, established: bool) -> FlowName {
        FlowName {
            scenario: self.run.number,
            variant: pass.variant.clone(),
            flow: self.scenario.cases[case].name.clone(),
            established,
        }
    }

    fn report(&mut self, judged: Judged<'_>, trace: &Trace, network: &Network) {
        self.tally.count(&judged.verdict);
        let failed = matches!(judged.verdict, Verdict::Failed(_));
        let view = Arc::new(TraceView::with(trace, network, self.locator));
        self.run.send(Event::FlowTraced(FlowTraced {
            flow: judged.flow.clone(),
            decision: trace.decision(),
            view: (failed || self.run.settings.every_view).then(|| view.clone()),
        }));
        let checked = match judged.verdict {
            Verdict::Unjudged(_) => None,
            _ => Some(checked(&judged, self.scenario, &view, self.locator)),
        };
        self.run.send(Event::VerdictReached(Box::new(VerdictReached {
            flow: judged.flow,
            verdict: judged.verdict,
            checked,
            needed_for: judged.case.needed_for.clone(),
            view: failed.then_some(view),
        })));
    }
}

/// A fault at the line of the variant or step that makes it, with the place it was found at beside.
fn made_by(pass: &Pass, note: Diagnostic) -> Diagnostic {
    if note.at.doc == pass.at.doc {
        return note;
    }
    let (at, second) = (note.at, note.second.clone());
    let note = Diagnostic { at: pass.at, ..note };
    match second {
        None if at != At::NOWHERE => note.also(at, "with what stands here"),
        _ => note,
    }
}

/// A flow with what is expected of it, and what came of that.
struct Judged<'a> {
    flow: FlowName,
    case: &'a Case,
    expectation: &'a Expectation,
    verdict: Verdict,
}

/// What reports say of a judged flow.
fn checked(judged: &Judged<'_>, scenario: &Scenario, view: &TraceView, locator: &Locator<'_>) -> CheckedFlow {
    let message = match (&judged.verdict, judged.flow.established) {
        (Verdict::Failed(differences), _) => {
            differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        }
        (_, true) if view.outcome == Outcome::Allowed => "goes on as expected".into(),
        (_, true) if view.outcome == Outcome::Blocked => "is cut as expected".into(),
        _ => format!("{} as expected", view.outcome),
    };
    let failed = matches!(judged.verdict, Verdict::Failed(_));
    let place = locator.place(judged.expectation.at);
    let mut checked = CheckedFlow::new(&*scenario.name, view, !failed, message);
    checked.variant = judged.flow.variant.as_deref().map(str::to_owned);
    checked.established = judged.flow.established;
    checked.scenario_file = place.as_ref().map(|place| place.file.clone());
    checked.scenario_line = place.as_ref().map(|place| place.line);
    checked.trace = failed.then(|| {
        let mut text = String::new();
        report::text::trace(&mut text, view, &report::Style::default());
        text
    });
    checked
}
