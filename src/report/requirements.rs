//! An allow-list: a table for a person, JSON for a program, Markdown for a page.

use super::clean::clean;
use super::layout::{Margin, Words, flow};
use super::locate::Locator;
use super::style::{Paint, Style};
use super::table::{Cell, Fit, Table};
use super::text::{brief, counted};
use crate::analysis::requirements::{Line, Requirements, told};
use crate::analysis::residue::{Finding, Severity};
use crate::trace::Outcome;
use serde::Serialize;

/// The version of the JSON.
const VERSION: &str = "netwhy/requirements/1";

/// An allow-list with its proof and what it leaves open.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequirementsView {
    schema: &'static str,
    name: String,
    flows: Vec<FlowView>,
    lines: Vec<LineView>,
    not_expressible: Vec<LeftView>,
    still_blocked: Vec<LeftView>,
    left_out: Vec<LeftView>,
    residue: Vec<FindingView>,
    /// What to know beside.
    remarks: Vec<String>,
    proof: ProofView,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FlowView {
    name: String,
    from: String,
    to: String,
    port: u16,
    protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
    needed_for: Vec<String>,
    before: String,
    after: String,
    works: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LineView {
    place: String,
    place_id: String,
    enforced_by: &'static str,
    direction: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_addresses: Vec<String>,
    kind: &'static str,
    to: String,
    protocol: String,
    ports: String,
    why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    /// What does not work without it.
    serves: Vec<String>,
    /// The proof: flows that break when this line alone is taken away.
    breaks: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LeftView {
    flow: String,
    /// The senders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<String>,
    to: String,
    why: String,
}

/// A way out that is left.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingView {
    severity: &'static str,
    kind: &'static str,
    sender: String,
    by: String,
    text: String,
    advice: String,
    /// The flow that shows it.
    probe: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofView {
    flows: usize,
    working: usize,
    lines: usize,
    networks_compiled: usize,
    flows_traced: usize,
}

impl RequirementsView {
    /// The view of an allow-list; `left_out` are flows that were not asked for, with the reason.
    pub fn new(
        name: &str,
        found: &Requirements,
        left_out: &[(String, String, String)],
        remarks: Vec<String>,
        residue: &[Finding],
        locator: &Locator<'_>,
    ) -> Self {
        let ask = |n: usize| found.asks[n].name.to_string();
        let to = |n: usize| format!("{}:{}", found.asks[n].flow.to, found.asks[n].flow.port);
        let from = |n: usize| brief(&found.asks[n].flow.from.to_string());
        let left = |n: usize, why: String| LeftView { flow: ask(n), from: vec![from(n)], to: to(n), why };
        let mut lines: Vec<&Line> = found.lines.iter().collect();
        lines.sort_by_key(|line| (&line.place, line.way, &line.selector, line.protocol));
        Self {
            schema: VERSION,
            name: name.into(),
            flows: (0..found.asks.len()).map(|n| flow_view(found, n)).collect(),
            lines: lines.into_iter().map(|line| line_view(found, line)).collect(),
            not_expressible: merged(found.unexpressed.iter().map(|u| left(u.ask, u.why.clone()))),
            still_blocked: merged(found.still_blocked().map(|(n, fate)| left(n, told(fate.stopped_by())))),
            left_out: left_out
                .iter()
                .map(|(flow, to, why)| LeftView {
                    flow: flow.clone(),
                    from: Vec::new(),
                    to: to.clone(),
                    why: why.clone(),
                })
                .collect(),
            residue: residue.iter().map(|finding| finding_view(finding, locator)).collect(),
            remarks,
            proof: ProofView {
                flows: found.asks.len(),
                working: found.working(),
                lines: found.lines.len(),
                networks_compiled: found.effort.networks,
                flows_traced: found.effort.traces,
            },
        }
    }

    /// Whether every flow that a line can help works.
    pub fn is_whole(&self) -> bool {
        self.still_blocked.is_empty()
    }
}

/// What differs in its sender alone, put together.
fn merged(rows: impl Iterator<Item = LeftView>) -> Vec<LeftView> {
    let mut out: Vec<LeftView> = Vec::new();
    for row in rows {
        let same =
            |known: &&mut LeftView| (&known.flow, &known.to, &known.why) == (&row.flow, &row.to, &row.why);
        match out.iter_mut().find(same) {
            Some(known) => known.from.extend(row.from),
            None => out.push(row),
        }
    }
    out
}

fn flow_view(found: &Requirements, number: usize) -> FlowView {
    let (ask, fate) = (&found.asks[number], &found.fates[number]);
    FlowView {
        name: ask.name.to_string(),
        from: ask.flow.from.to_string(),
        to: ask.flow.to.to_string(),
        port: ask.flow.port,
        protocol: ask.flow.protocol.name(),
        phase: ask.phase.as_deref().map(Into::into),
        needed_for: ask.needed_for.iter().map(ToString::to_string).collect(),
        before: told(&fate.before),
        after: told(&fate.after),
        works: fate.works(),
    }
}

fn line_view(found: &Requirements, line: &Line) -> LineView {
    let names = |list: &[usize]| {
        let mut names: Vec<String> = list.iter().map(|n| found.asks[*n].name.to_string()).collect();
        names.dedup();
        names
    };
    let mut serves: Vec<String> =
        line.serves.iter().flat_map(|n| &found.asks[*n].needed_for).map(ToString::to_string).collect();
    serves.sort();
    serves.dedup();
    LineView {
        place: line.place.id().full_name(),
        place_id: line.place.id().to_string(),
        enforced_by: line.place.what(),
        direction: line.way.word(),
        source_addresses: line.sources.clone(),
        kind: line.selector.kind(),
        to: line.selector.word(),
        protocol: line.protocol.map_or("*", |p| p.name()).to_owned(),
        ports: line.ports.to_string(),
        why: line.why.clone(),
        advice: line.advice.clone(),
        serves,
        breaks: names(&line.breaks),
    }
}

/// The view of a way out.
pub fn finding_view(finding: &Finding, locator: &Locator<'_>) -> FindingView {
    FindingView {
        severity: finding.severity.word(),
        kind: finding.kind.word(),
        sender: brief(&finding.sender),
        by: finding.by.clone(),
        text: finding.text.clone(),
        advice: finding.advice.clone(),
        probe: format!(
            "{} → {}:{}/{}",
            brief(&finding.probe.from.to_string()),
            brief(&finding.probe.to.to_string()),
            finding.probe.port,
            finding.probe.protocol.name().to_ascii_lowercase()
        ),
        outcome: finding.outcome.word(),
        decided_by: finding.evidence.decider(),
        place: locator.place(finding.evidence.at).map(|place| format!("{}:{}", place.file, place.line)),
    }
}

/// The allow-list for a person.
pub fn text(view: &RequirementsView, style: &Style) -> String {
    let mut page = Page { out: String::new(), style };
    let head = Words::default().text(Paint::Strong, &format!("{}:", view.name)).text(
        Paint::Plain,
        &match view.flows.len() {
            0 => "no flow to ask about".to_owned(),
            many => format!("{} and the smallest allow-list for them", counted(many, "flow")),
        },
    );
    flow(&mut page.out, style, Margin::blank(0), &head);
    page.lines(view);
    page.left("No line can let these through", &view.not_expressible);
    page.left("Still blocked by something that is no allow-list", &view.still_blocked);
    if style.verbose {
        page.left("Left out", &view.left_out);
    } else if !view.left_out.is_empty() {
        page.out.push_str(&format!(
            "\nLeft out: {}; --verbose lists them, --all takes them in\n",
            counted(view.left_out.len(), "flow")
        ));
    }
    if !view.flows.is_empty() {
        page.residue(&view.residue);
    }
    if !view.remarks.is_empty() {
        page.title("To know");
        view.remarks.iter().for_each(|remark| page.item(Paint::Plain, remark));
    }
    page.proof(view);
    page.out
}

/// What is said where no flow was found to ask about.
const NOTHING: &str = "No workload was found whose flows could be asked, so there is no allow-list to compute, and none is empty: `--workload NAME=KIND` says what a machine or subnet is.";

struct Page<'a> {
    out: String,
    style: &'a Style,
}

impl Page<'_> {
    fn title(&mut self, text: &str) {
        self.out.push('\n');
        self.out.push_str(&self.style.paint(Paint::Strong, &clean(text)));
        self.out.push('\n');
    }

    fn lines(&mut self, view: &RequirementsView) {
        let mut rest: &[LineView] = &view.lines;
        while let Some(first) = rest.first() {
            let same = |l: &LineView| (&l.place_id, l.direction) == (&first.place_id, first.direction);
            let end = rest.iter().position(|l| !same(l)).unwrap_or(rest.len());
            self.place(&rest[..end]);
            rest = &rest[end..];
        }
    }

    fn place(&mut self, lines: &[LineView]) {
        let first = &lines[0];
        let way = if first.direction == "Inbound" { "into" } else { "out of" };
        self.title(&format!(
            "{} {}: {} {}",
            capital(first.enforced_by),
            first.place,
            counted(lines.len(), "line"),
            way
        ));
        let far = if first.direction == "Inbound" { "from" } else { "to" };
        let columns =
            [(far, Fit::Middle), ("protocol", Fit::Keep), ("ports", Fit::Keep), ("without it", Fit::End)];
        let mut table = Table::new(&columns);
        for line in lines {
            table.row(vec![
                Cell::new(Paint::Name, &line.to),
                Cell::new(Paint::Plain, &line.protocol),
                Cell::new(Paint::Plain, &line.ports),
                Cell::new(Paint::Dim, &some(&line.breaks, if self.style.verbose { usize::MAX } else { 3 })),
            ]);
        }
        table.write(&mut self.out, self.style, 2);
        if !self.style.verbose {
            return;
        }
        for line in lines {
            let text = format!("{} {}/{}: {}", line.to, line.protocol, line.ports, line.why);
            let text =
                line.advice.as_ref().map_or(text.clone(), |advice| format!("{text}. Better: {advice}"));
            self.item(Paint::Plain, &text);
        }
    }

    fn item(&mut self, paint: Paint, text: &str) {
        let bullet = format!("  {} ", self.style.signs().bullet);
        let words = Words::default().text(paint, text);
        flow(&mut self.out, self.style, Margin { first: &bullet, rest: "    ", columns: 4 }, &words);
    }

    fn left(&mut self, title: &str, left: &[LeftView]) {
        if left.is_empty() {
            return;
        }
        self.title(&format!("{title} ({})", left.len()));
        for one in left {
            // Names of flows often hold their destination already.
            let to = if one.flow.contains(&one.to) { String::new() } else { format!(" to {}", one.to) };
            let from = if one.from.is_empty() { String::new() } else { format!("{}: ", one.from.join(", ")) };
            self.item(Paint::Plain, &format!("{from}{}{to}: {}", one.flow, one.why));
        }
    }

    fn residue(&mut self, findings: &[FindingView]) {
        if findings.is_empty() {
            self.out.push_str("\nNothing that was tried leaves beside these lines.\n");
            return;
        }
        let mut done: Vec<(&FindingView, Vec<&str>)> = Vec::new();
        for finding in findings {
            let key = |f: &FindingView| (f.severity, f.text.clone(), f.advice.clone(), f.outcome);
            match done.iter_mut().find(|(known, _)| key(known) == key(finding)) {
                Some((_, senders)) => senders.push(&finding.sender),
                None => done.push((finding, vec![&finding.sender])),
            }
        }
        self.title(&format!("What can still leave ({})", done.len()));
        for (finding, senders) in done {
            residue_item(&mut self.out, finding, &senders.join(", "), self.style);
        }
    }

    fn proof(&mut self, view: &RequirementsView) {
        let proof = &view.proof;
        let text = format!(
            "{} of {} work with {} and nothing else. Without any one line at least one breaks: shown by {} and {}.",
            proof.working,
            counted(proof.flows, "flow"),
            counted(proof.lines, "line"),
            counted(proof.networks_compiled, "compiled estate"),
            counted(proof.flows_traced, "traced flow"),
        );
        let text = match (proof.flows, view.left_out.is_empty()) {
            (0, true) => NOTHING.to_owned(),
            (0, false) => "Every flow that was found is left out, so nothing is asked.".to_owned(),
            _ => text,
        };
        self.out.push('\n');
        flow(&mut self.out, self.style, Margin::blank(0), &Words::default().text(Paint::Plain, &text));
    }
}

fn residue_item(out: &mut String, finding: &FindingView, senders: &str, style: &Style) {
    let paint = match finding.severity {
        word if word == Severity::High.word() => Paint::Bad,
        word if word == Severity::Medium.word() => Paint::Warn,
        _ => Paint::Dim,
    };
    let unknown = finding.outcome == Outcome::Unknown.word();
    let sure = if unknown { " (not known for certain)" } else { "" };
    let first = format!("  {:<7} ", finding.severity);
    let painted = format!("  {} ", style.paint(paint, &format!("{:<7}", finding.severity)));
    let words = Words::default().text(Paint::Plain, &format!("{senders}: {}{sure}", finding.text));
    let margin = Margin { first: &painted, rest: "          ", columns: first.len() };
    flow(out, style, margin, &words);
    let by = finding.decided_by.as_deref().unwrap_or("nothing in the way");
    let place = finding.place.as_deref().map_or(String::new(), |place| format!("  {place}"));
    let shown = format!("shown by {}, let through by {by}{place}", finding.probe);
    let mut line = |paint: Paint, text: &str| {
        let margin = Margin { first: "          ", rest: "          ", columns: 10 };
        flow(out, style, margin, &Words::default().text(paint, text));
    };
    line(Paint::Dim, &shown);
    line(Paint::Dim, &format!("closed by {}", finding.advice));
}

/// Only what can leave, for a person.
pub fn residue_text(findings: &[FindingView], style: &Style) -> String {
    let mut page = Page { out: String::new(), style };
    page.residue(findings);
    page.out.trim_start().to_owned()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// The first of a list, and how many more.
fn some(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown}, +{more}"),
    }
}

/// The allow-list as Markdown.
pub fn markdown(view: &RequirementsView) -> String {
    let mut out = format!("# What {} needs\n\n", cell(&view.name));
    out.push_str("| Where | Direction | To or from | Kind | Protocol | Ports | Needed for | Breaks without it |\n|---|---|---|---|---|---|---|---|\n");
    for line in &view.lines {
        let row = [
            format!("{} {}", line.enforced_by, line.place),
            line.direction.to_owned(),
            format!("`{}`", cell(&line.to)),
            line.kind.to_owned(),
            line.protocol.clone(),
            line.ports.clone(),
            line.serves.join("; "),
            line.breaks.join("; "),
        ];
        out.push_str(&format!(
            "| {} |\n",
            row.map(|c| if c.starts_with('`') { c } else { cell(&c) }).join(" | ")
        ));
    }
    let mut section = |title: &str, left: &[LeftView]| {
        if !left.is_empty() {
            out.push_str(&format!("\n## {title}\n\n"));
            for one in left {
                let from =
                    if one.from.is_empty() { String::new() } else { format!("{}: ", one.from.join(", ")) };
                out.push_str(&format!(
                    "- {}{} to {}: {}\n",
                    cell(&from),
                    cell(&one.flow),
                    cell(&one.to),
                    cell(&one.why)
                ));
            }
        }
    };
    section("No line can let these through", &view.not_expressible);
    section("Still blocked", &view.still_blocked);
    section("Left out", &view.left_out);
    if view.flows.is_empty() && view.left_out.is_empty() {
        out.push_str(&format!("\n{}\n", cell(NOTHING)));
    }
    if !view.remarks.is_empty() {
        out.push_str("\n## To know\n\n");
        view.remarks.iter().for_each(|remark| out.push_str(&format!("- {}\n", cell(remark))));
    }
    if !view.residue.is_empty() {
        out.push_str("\n## What can still leave\n\n| Severity | Sender | What | Let through by | Closed by |\n|---|---|---|---|---|\n");
        for finding in &view.residue {
            let row = [
                finding.severity.to_owned(),
                finding.sender.clone(),
                finding.text.clone(),
                finding.decided_by.clone().unwrap_or_default(),
                finding.advice.clone(),
            ];
            out.push_str(&format!("| {} |\n", row.map(|c| cell(&c)).join(" | ")));
        }
    }
    out
}

fn cell(text: &str) -> String {
    clean(text).replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}
