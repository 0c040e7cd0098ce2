//! For programs: one document, or an event a line. Fields are only added within a version.

use super::Consumer;
use crate::diag::{Diagnostics, Sources};
use crate::run::check::{Summary, place};
use crate::run::event::{End, Event, Finished, FlowName, Place, VerdictReached};
use crate::run::render;
use crate::scenario::{Difference, Verdict};
use crate::trace::Decision;
use serde_json::{Map, Value as Json, json};
use std::io::{self, Write};

/// The version of both formats.
pub const VERSION: &str = "netwhy/check/1";

/// An event a line, as it happens.
#[derive(Debug, Default)]
pub struct Lines {}

impl Consumer for Lines {
    fn take(&mut self, event: &Event, out: &mut dyn Write) -> io::Result<()> {
        let line = match event {
            Event::Started(started) => json!({
                "event": "started", "version": VERSION, "scenario": started.scenario, "path": &*started.path,
                "name": &*started.name, "rules": started.rules.iter().map(|r| r.id()).collect::<Vec<_>>(),
                "expectations": started.expectations,
            }),
            Event::FlowTraced(traced) => {
                let mut line = decision(&traced.decision);
                line.insert("event".into(), "flowTraced".into());
                name(&mut line, &traced.flow);
                if let Some(view) = &traced.view {
                    line.insert("trace".into(), render::json(view));
                }
                Json::Object(line)
            }
            Event::VerdictReached(reached) => {
                let mut line = verdict(reached);
                line.insert("event".into(), "verdictReached".into());
                name(&mut line, &reached.flow);
                Json::Object(line)
            }
            Event::Finished(finished) => {
                let mut line = end(finished);
                line.insert("event".into(), "finished".into());
                line.insert("scenario".into(), finished.scenario.into());
                line.insert("path".into(), finished.path.as_ref().into());
                Json::Object(line)
            }
        };
        writeln!(out, "{line}")?;
        out.flush()
    }

    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let mut line = totals(summary);
        line.insert("event".into(), "done".into());
        writeln!(out, "{}", Json::Object(line))
    }
}

/// One document at the end.
#[derive(Debug, Default)]
pub struct Document {
    scenarios: Vec<Json>,
    /// The scenario being run.
    head: Map<String, Json>,
    flows: Vec<Json>,
    decision: Map<String, Json>,
}

impl Consumer for Document {
    fn take(&mut self, event: &Event, _out: &mut dyn Write) -> io::Result<()> {
        match event {
            Event::Started(started) => {
                self.head.insert("name".into(), started.name.as_ref().into());
                let rules: Vec<Json> = started.rules.iter().map(|r| r.id().into()).collect();
                self.head.insert("rules".into(), rules.into());
            }
            Event::FlowTraced(traced) => {
                self.decision = decision(&traced.decision);
                if let Some(view) = &traced.view {
                    self.decision.insert("trace".into(), render::json(view));
                }
            }
            Event::VerdictReached(reached) => {
                let mut flow = Map::new();
                flow.insert("flow".into(), reached.flow.flow.as_ref().into());
                if let Some(variant) = &reached.flow.variant {
                    flow.insert("variant".into(), variant.as_ref().into());
                }
                flow.append(&mut verdict(reached));
                flow.append(&mut std::mem::take(&mut self.decision));
                self.flows.push(Json::Object(flow));
            }
            Event::Finished(finished) => {
                let mut scenario = Map::new();
                scenario.insert("path".into(), finished.path.as_ref().into());
                scenario.append(&mut std::mem::take(&mut self.head));
                scenario.insert("flows".into(), std::mem::take(&mut self.flows).into());
                scenario.append(&mut end(finished));
                self.scenarios.push(Json::Object(scenario));
            }
        }
        Ok(())
    }

    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let mut document = Map::new();
        document.insert("version".into(), VERSION.into());
        document.insert("scenarios".into(), std::mem::take(&mut self.scenarios).into());
        document.insert("summary".into(), Json::Object(totals(summary)));
        writeln!(out, "{:#}", Json::Object(document))
    }
}

fn object(value: Json) -> Map<String, Json> {
    if let Json::Object(object) = value { object } else { Map::new() }
}

fn name(line: &mut Map<String, Json>, flow: &FlowName) {
    line.insert("scenario".into(), flow.scenario.into());
    line.insert("flow".into(), flow.flow.as_ref().into());
    if let Some(variant) = &flow.variant {
        line.insert("variant".into(), variant.as_ref().into());
    }
}

fn decision(decision: &Decision) -> Map<String, Json> {
    object(json!({
        "outcome": decision.outcome.word(),
        "disposition": decision.disposition.word(),
        "cause": decision.cause.map(|c| c.code()),
        "decider": decision.decider,
    }))
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
    if let Some(place) = &reached.place {
        out.insert("at".into(), place_json(place));
    }
    if let Some((_, Some(place))) = &reached.decider {
        out.insert("deciderAt".into(), place_json(place));
    }
    if !reached.needed_for.is_empty() {
        let needed: Vec<&str> = reached.needed_for.iter().map(|n| &**n).collect();
        out.insert("neededFor".into(), json!(needed));
    }
    out
}

fn place_json(place: &Place) -> Json {
    json!({ "file": &*place.file, "line": place.line, "column": place.column })
}

fn end(finished: &Finished) -> Map<String, Json> {
    let word = match finished.end {
        End::Judged => "judged",
        End::Stopped => "stopped",
        End::Faulty => "faulty",
        End::Crashed => "crashed",
    };
    let tally = finished.tally;
    object(json!({
        "end": word, "held": tally.held, "failed": tally.failed, "unjudged": tally.unjudged,
        "diagnostics": diagnostics(&finished.notes, &finished.sources), "faults": finished.faults,
    }))
}

fn totals(summary: &Summary) -> Map<String, Json> {
    let tally = summary.tally;
    object(json!({
        "scenarios": summary.scenarios, "held": tally.held, "failed": tally.failed, "unjudged": tally.unjudged,
        "faulty": summary.faulty, "crashed": summary.crashed, "stopped": summary.stopped,
    }))
}

/// Diagnostics for programs.
pub fn diagnostics(notes: &Diagnostics, sources: &Sources) -> Vec<Json> {
    let one = |note: &crate::diag::Diagnostic| {
        let mut out = object(json!({
            "code": note.code.name(), "severity": note.severity.name(), "message": note.message,
        }));
        if let Some(place) = place(sources, note.at) {
            out.insert("at".into(), place_json(&place));
        }
        if let Some((at, label)) = &note.second {
            let place = place(sources, *at).map(|p| place_json(&p));
            out.insert("also".into(), json!({ "label": label, "at": place }));
        }
        if let Some(help) = &note.help {
            out.insert("help".into(), help.as_str().into());
        }
        Json::Object(out)
    };
    notes.iter().map(one).collect()
}
