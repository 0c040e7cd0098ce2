//! The seam to the reports: the whole answer as an owned view, and its text.

use crate::diag::{Diagnostics, Sources};
use crate::network::Network;
use crate::trace::Trace;
use serde_json::{Value as Json, json};
use std::fmt::Write;

/// How text is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether to colour.
    pub color: bool,
    /// Whether to show all evidence.
    pub verbose: bool,
    /// Columns to wrap to; 0 never wraps.
    pub width: usize,
}

/// An answer with names and places, free of the network it came from.
#[derive(Clone, Debug)]
pub struct View {
    trace: Trace,
}

/// The view of a trace.
pub fn view(trace: &Trace, _network: &Network, _sources: &Sources) -> View {
    View { trace: trace.clone() }
}

/// The answer for a person.
pub fn text(out: &mut String, view: &View, _style: &Style) {
    let trace = &view.trace;
    let flow = &trace.flow;
    let _ = writeln!(out, "{} {} -> {}:{}", flow.protocol, flow.from, flow.to, flow.port);
    let cause = trace.cause.map_or("", |c| c.code());
    let _ = writeln!(out, "{}: {} {cause}", trace.outcome, trace.disposition);
    for hop in &trace.hops {
        let _ = writeln!(out, "  {} {}", hop.kind.word(), hop.name);
    }
}

/// The answer for a person, in one line.
pub fn line(view: &View) -> String {
    let trace = &view.trace;
    let flow = &trace.flow;
    let cause = trace.cause.map_or(String::new(), |c| format!(" {}", c.code()));
    let decider = trace.decision().decider.map_or(String::new(), |d| format!(" by {d}"));
    format!("{} {} -> {}:{} {}{cause}{decider}", flow.protocol, flow.from, flow.to, flow.port, trace.outcome)
}

/// The answer for a program.
pub fn json(view: &View) -> Json {
    let trace = &view.trace;
    json!({
        "version": "netwhy/trace/1",
        "outcome": trace.outcome.word(),
        "disposition": trace.disposition.word(),
        "cause": trace.cause.map(|c| c.code()),
        "decider": trace.decision().decider,
    })
}

/// Diagnostics with the lines they are about.
pub fn diagnostics(notes: &Diagnostics, sources: &Sources, _color: bool) -> String {
    let mut out = String::new();
    for note in notes {
        let place = sources.short(note.at).map_or(String::new(), |place| format!("{place}: "));
        let _ = writeln!(out, "{place}{note}");
        if let Some(help) = &note.help {
            let _ = writeln!(out, "  help: {help}");
        }
    }
    out
}

/// What a word of an answer means: a cause, rule, doubt, knob or diagnostic; else the nearest that is one.
pub fn explain(word: &str) -> Result<String, Option<String>> {
    use crate::diag::{Code, nearest};
    use crate::profile::KNOBS;
    use crate::rules::RuleId;
    use crate::rules::doubts::Doubt;
    use crate::trace::Cause;
    let mut out = String::new();
    if let Some(cause) = Cause::parse(word) {
        let _ = writeln!(out, "{}\n{}", cause.code(), cause.what());
    } else if let Some(rule) = RuleId::find(word) {
        let rule = rule.rule();
        let _ = writeln!(out, "{}\n{}\n{}", rule.id, rule.says, rule.page);
    } else if let Some(doubt) = Doubt::find(word) {
        let _ = writeln!(out, "{}\n{}", doubt.id, doubt.says);
    } else if let Some(knob) = KNOBS.iter().find(|k| k.name.eq_ignore_ascii_case(word)) {
        let _ = writeln!(out, "{} = {}\n{}", knob.name, knob.values, knob.what);
    } else if let Some(code) = Code::ALL.iter().find(|c| c.name().eq_ignore_ascii_case(word)) {
        let _ = writeln!(out, "{}\n{}", code.name(), code.what());
    } else {
        let words = Cause::ALL.iter().map(|c| c.code());
        let words = words.chain(KNOBS.iter().map(|k| k.name)).chain(Code::ALL.iter().map(|c| c.name()));
        return Err(nearest(word, words)
            .map(str::to_owned)
            .or_else(|| RuleId::nearest(word).map(|r| r.to_string())));
    }
    Ok(out)
}

/// Every semantics rule.
pub fn rules() -> String {
    let mut out = String::new();
    for rule in crate::rules::RuleId::all() {
        let _ = writeln!(out, "{:8} {}  {}", rule.id(), rule.rule().grade, rule.rule().says);
    }
    out
}
