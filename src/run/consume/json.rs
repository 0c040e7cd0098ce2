//! For programs: one document, or an event a line. Fields are only added within a version.

use super::Consumer;
use crate::report::{self, Locator};
use crate::run::check::Summary;
use crate::run::event::{End, Event, Finished, FlowName, FlowTraced, Started, VerdictReached};
use crate::scenario::{Difference, Verdict};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use std::io::{self, Write};

/// The version of both formats.
const VERSION: &str = "netwhy/check/1";

/// An event a line, as it happens.
#[derive(Debug, Default)]
pub struct Lines {}

impl Lines {
    fn line(kind: &str, mut line: Map<String, Json>, out: &mut dyn Write) -> io::Result<()> {
        line.insert("event".into(), kind.into());
        let mut text = String::new();
        report::json::line(&mut text, &line);
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

impl Consumer for Lines {
    fn take(&mut self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        match event {
            Event::Started(started) => {
                let mut line = head(started);
                line.insert("version".into(), VERSION.into());
                line.insert("scenario".into(), started.scenario.into());
                line.insert("expectations".into(), started.expectations.into());
                Self::line("started", line, out)
            }
            Event::FlowTraced(traced) => {
                let mut line = name(&traced.flow);
                line.append(&mut answer(traced));
                Self::line("flowTraced", line, out)
            }
            Event::VerdictReached(reached) => {
                let mut line = name(&reached.flow);
                line.append(&mut verdict(reached));
                Self::line("verdictReached", line, out)
            }
            Event::Finished(finished) => {
                let mut line = end(finished);
                line.insert("scenario".into(), finished.scenario.into());
                Self::line("finished", line, out)
            }
        }
    }

    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        Self::line("done", totals(summary), out)
    }
}

/// One document at the end.
#[derive(Debug, Default)]
pub struct Document {
    scenarios: Vec<Json>,
    /// The scenario being run.
    head: Map<String, Json>,
    flows: Vec<Json>,
    answer: Map<String, Json>,
}

impl Consumer for Document {
    fn take(&mut self, event: &Event, _out: &mut dyn Write) -> io::Result<()> {
        match event {
            Event::Started(started) => self.head = head(started),
            Event::FlowTraced(traced) => self.answer = answer(traced),
            Event::VerdictReached(reached) => {
                let mut flow = name(&reached.flow);
                flow.remove("scenario");
                flow.append(&mut std::mem::take(&mut self.answer));
                flow.append(&mut verdict(reached));
                self.flows.push(Json::Object(flow));
            }
            Event::Finished(finished) => {
                let mut scenario = std::mem::take(&mut self.head);
                scenario.append(&mut end(finished));
                scenario.insert("flows".into(), std::mem::take(&mut self.flows).into());
                self.scenarios.push(Json::Object(scenario));
            }
        }
        Ok(())
    }

    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let scenarios = std::mem::take(&mut self.scenarios);
        let document = json!({ "version": VERSION, "scenarios": scenarios, "summary": totals(summary) });
        let mut text = String::new();
        report::json::pretty(&mut text, &document);
        out.write_all(text.as_bytes())
    }
}

fn value(of: &impl Serialize) -> Json {
    serde_json::to_value(of).expect("INVARIANT: views hold nothing JSON cannot")
}

fn object(value: Json) -> Map<String, Json> {
    if let Json::Object(object) = value { object } else { Map::new() }
}

fn head(started: &Started) -> Map<String, Json> {
    let rules: Vec<&str> = started.rules.iter().map(|rule| rule.id()).collect();
    object(json!({ "path": &*started.path, "name": &*started.name, "rules": rules }))
}

fn name(flow: &FlowName) -> Map<String, Json> {
    let mut line = object(json!({ "scenario": flow.scenario, "flow": &*flow.flow }));
    if let Some(variant) = &flow.variant {
        line.insert("variant".into(), variant.as_ref().into());
    }
    if flow.established {
        line.insert("established".into(), true.into());
    }
    line
}

fn answer(traced: &FlowTraced) -> Map<String, Json> {
    let decision = &traced.decision;
    let mut line = object(json!({
        "outcome": decision.outcome.word(),
        "disposition": decision.disposition.word(),
        "cause": decision.cause.map(|c| c.code()),
        "decider": decision.decider,
    }));
    if let Some(view) = &traced.view {
        line.insert("trace".into(), value(&**view));
    }
    line
}

fn verdict(reached: &VerdictReached) -> Map<String, Json> {
    let difference = |d: &Difference| json!({ "field": d.field, "expected": d.wanted, "got": d.got });
    let mut out = object(json!({ "verdict": reached.verdict.word() }));
    match &reached.verdict {
        Verdict::Held => {}
        Verdict::Failed(differences) => {
            let differences: Vec<Json> = differences.iter().map(difference).collect();
            out.insert("differences".into(), differences.into());
        }
        Verdict::Unjudged(why) => {
            out.insert("why".into(), why.as_ref().into());
        }
    }
    if let Some(checked) = &reached.checked {
        let mut checked = object(value(checked));
        for key in ["scenario", "flow", "variant", "outcome", "cause", "decider", "held", "established"] {
            checked.remove(key);
        }
        out.append(&mut checked);
    }
    if !reached.needed_for.is_empty() {
        let needed: Vec<&str> = reached.needed_for.iter().map(|n| &**n).collect();
        out.insert("neededFor".into(), json!(needed));
    }
    out
}

fn end(finished: &Finished) -> Map<String, Json> {
    let word = match finished.end {
        End::Judged => "judged",
        End::Stopped => "stopped",
        End::Faulty => "faulty",
        End::Crashed => "crashed",
    };
    let tally = finished.tally;
    let notes = report::diagnostics::views(&finished.notes, &Locator::new(&finished.sources));
    object(json!({
        "path": &*finished.path, "end": word,
        "held": tally.held, "failed": tally.failed, "unjudged": tally.unjudged,
        "diagnostics": value(&notes), "faults": finished.faults,
    }))
}

fn totals(summary: &Summary) -> Map<String, Json> {
    let tally = summary.tally;
    object(json!({
        "scenarios": summary.scenarios, "held": tally.held, "failed": tally.failed, "unjudged": tally.unjudged,
        "faulty": summary.faulty, "crashed": summary.crashed, "stopped": summary.stopped,
    }))
}
