//! All pairs of machines in one page: how many get through by each service, why the others do not, who is most exposed.
//!
//! Fields are only added; [`VERSION`] changes with anything else.

use super::layout::{Margin, Words, flow};
use super::style::{Paint, Style};
use super::table::{Cell, Fit, Table};
use super::text::{counted, heading};
use super::view::schema::{flag, list, object, text as words};
use serde::Serialize;
use serde_json::{Value, json};

/// The version of the view.
pub const VERSION: &str = "netwhy/reach/1";

/// All pairs of machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReachReport {
    /// [`VERSION`].
    pub version: &'static str,
    /// Machines with an IPv4 address.
    pub machines: u64,
    /// Classes of machines that nothing tells apart.
    pub classes: u64,
    /// What has no IPv4 address that is known, and is left out.
    pub without_address: u64,
    /// Answers by service.
    pub services: Vec<ServiceRow>,
    /// Why pairs do not get through, the most frequent first.
    pub causes: Vec<CauseRow>,
    /// Receivers most machines reach, those the internet reaches first.
    pub exposed: Vec<Exposure>,
    /// How many machines the internet reaches.
    pub from_internet: u64,
    /// Pairs that were asked one by one.
    pub asked_in_full: u64,
    /// Pairs that were not asked at all, and count as unknown.
    pub not_asked: u64,
}

/// Answers of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRow {
    /// `tcp/443`.
    pub service: String,
    /// The answers.
    #[serde(flatten)]
    pub answers: Answers,
}

/// Pairs by answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answers {
    /// Pairs that get through.
    pub allowed: u64,
    /// Pairs that do not.
    pub blocked: u64,
    /// Pairs of which it cannot be known.
    pub unknown: u64,
    /// Pairs that sometimes do.
    pub mixed: u64,
}

/// Pairs of one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CauseRow {
    /// The outcome's word.
    pub outcome: &'static str,
    /// The code of the cause; `NOT_ASKED` where the budget was spent.
    pub cause: String,
    /// How many pairs, services counted apart.
    pub pairs: u64,
}

/// A class of receivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exposure {
    /// Its first machine, and how many more.
    pub machine: String,
    /// How many machines.
    pub machines: u64,
    /// Machines that reach each of them by some service.
    pub senders: u64,
    /// Whether the internet does.
    pub internet: bool,
}

/// Causes shown.
const SHOWN: usize = 12;

/// Writes the page.
pub fn text(out: &mut String, report: &ReachReport, style: &Style) {
    let first = Words::default()
        .piece(Paint::Strong, &counted(report.machines as usize, "machine"))
        .text(Paint::Plain, "in")
        .piece(
            Paint::Strong,
            &if report.classes == 1 { "1 class".into() } else { format!("{} classes", report.classes) },
        )
        .text(Paint::Plain, "that nothing tells apart, and the internet");
    flow(out, style, Margin::blank(0), &first);
    notes(out, report, style);
    if report.machines == 0 {
        let text = "there is no machine with an IPv4 address, so there is no pair to ask; `netwhy trace` asks of services too";
        return flow(out, style, Margin::blank(2), &Words::default().text(Paint::Warn, text));
    }
    services(out, report, style);
    causes(out, report, style);
    exposed(out, report, style);
}

fn notes(out: &mut String, report: &ReachReport, style: &Style) {
    let mut note = |text: String| {
        flow(out, style, Margin::blank(2), &Words::default().text(Paint::Dim, &text));
    };
    if report.without_address > 0 {
        note(format!("{} addresses are not known or IPv6 only, and are left out", report.without_address));
    }
    if report.asked_in_full > 0 {
        note(format!("{} pairs were asked one by one", report.asked_in_full));
    }
    if report.not_asked > 0 {
        let text = "pairs were not asked, since that would take too long; they count as unknown. `--engine-limit` allows more";
        note(format!("{} {text}", report.not_asked));
    }
}

fn services(out: &mut String, report: &ReachReport, style: &Style) {
    heading(out, style, "Pairs by service");
    let columns = ["service", "allowed", "share", "blocked", "unknown", "mixed"].map(|c| (c, Fit::Keep));
    let mut table = Table::new(&columns);
    for ServiceRow { service, answers } in &report.services {
        let Answers { allowed, blocked, unknown, mixed } = *answers;
        let all = (allowed + blocked + unknown + mixed).max(1);
        let number = |paint: Paint, n: u64| match n {
            0 => Cell::new(Paint::Plain, ""),
            n => Cell::new(paint, &n.to_string()),
        };
        table.row(vec![
            Cell::new(Paint::Strong, service),
            number(Paint::Good, allowed),
            Cell::new(Paint::Dim, &percent(allowed, all)),
            number(Paint::Bad, blocked),
            number(Paint::Warn, unknown),
            number(Paint::Warn, mixed),
        ]);
    }
    table.write(out, style, 2);
}

/// A share that is never rounded to nothing or everything.
fn percent(part: u64, all: u64) -> String {
    match part as f64 * 100.0 / all as f64 {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == all => "100 %".to_owned(),
        share if share < 0.1 => "< 0.1 %".to_owned(),
        share if share > 99.9 => "> 99.9 %".to_owned(),
        share => format!("{share:.1} %"),
    }
}

fn causes(out: &mut String, report: &ReachReport, style: &Style) {
    if report.causes.is_empty() {
        return;
    }
    heading(out, style, "Why pairs do not get through");
    let mut table = Table::new(&[("pairs", Fit::Keep), ("outcome", Fit::Keep), ("cause", Fit::End)]).right(0);
    for row in report.causes.iter().take(if style.verbose { usize::MAX } else { SHOWN }) {
        let paint = if row.outcome == "blocked" { Paint::Bad } else { Paint::Warn };
        table.row(vec![
            Cell::new(Paint::Plain, &row.pairs.to_string()),
            Cell::new(paint, row.outcome),
            Cell::new(Paint::Plain, &row.cause),
        ]);
    }
    table.write(out, style, 2);
}

fn exposed(out: &mut String, report: &ReachReport, style: &Style) {
    heading(out, style, "Most exposed");
    let told = match report.from_internet {
        0 => "the internet reaches none of them by these services".to_owned(),
        many => format!("the internet reaches {}", counted(many as usize, "machine")),
    };
    flow(out, style, Margin::blank(2), &Words::default().text(Paint::Plain, &told));
    let columns = [("machine", Fit::Middle), ("reached by", Fit::Keep), ("", Fit::Keep)];
    let mut table = Table::new(&columns);
    for row in &report.exposed {
        let internet = if row.internet { "and the internet" } else { "" };
        table.row(vec![
            Cell::new(Paint::Strong, &row.machine),
            Cell::new(Paint::Plain, &counted(row.senders as usize, "machine")),
            Cell::new(Paint::Warn, internet),
        ]);
    }
    table.write(out, style, 2);
}

/// The JSON Schema (2020-12) of [`ReachReport`].
pub fn schema() -> Value {
    let count = || json!({ "type": "integer", "minimum": 0 });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy reach",
        "description": "All pairs of machines: how many get through, and why the others do not.",
        "$ref": "#/$defs/reach",
        "$defs": {
            "reach": object("A report.", &[
                ("version", json!({ "const": VERSION })),
                ("machines", count()),
                ("classes", count()),
                ("withoutAddress", count()),
                ("services", list("service")),
                ("causes", list("cause")),
                ("exposed", list("exposure")),
                ("fromInternet", count()),
                ("askedInFull", count()),
                ("notAsked", count()),
            ], &[]),
            "service": object("Answers of one service.", &[
                ("service", words("Protocol and port.")),
                ("allowed", count()),
                ("blocked", count()),
                ("unknown", count()),
                ("mixed", count()),
            ], &[]),
            "cause": object("Pairs of one cause.", &[
                ("outcome", words("The outcome.")),
                ("cause", words("The code of the cause.")),
                ("pairs", count()),
            ], &[]),
            "exposure": object("A class of receivers.", &[
                ("machine", words("Its first machine.")),
                ("machines", count()),
                ("senders", count()),
                ("internet", flag("Whether the internet reaches it.")),
            ], &[]),
        }
    })
}
