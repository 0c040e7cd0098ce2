//! Many flows in a table, a line each.

use super::super::layout::{Margin, Words, flow};
use super::super::style::{Paint, Style};
use super::super::table::{Cell, Fit, Table};
use super::super::view::{EvidenceView, TraceView};
use super::{outcome_paint, outcome_word, quiet_end, short};
use crate::trace::{Cause, Decision, Endpoint, Flow, Outcome};

/// What the table says of one flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRow {
    /// The answer.
    pub outcome: Outcome,
    /// The flow's name.
    pub name: Option<String>,
    /// The sender as asked.
    pub from: String,
    /// The receiver with port and protocol: `kv.vault.azure.net:443/tcp`.
    pub to: String,
    /// Why, where it did not get through or is not known.
    pub cause: Option<Cause>,
    /// What decided: `nsg/rule`.
    pub decider: Option<String>,
    /// Where it is written: `file:line`.
    pub place: Option<String>,
}

impl From<&TraceView> for FlowRow {
    fn from(view: &TraceView) -> Self {
        let evidence = match view.blockers.first() {
            Some(blocker) => Some(&blocker.evidence),
            None => quiet_end(view).1,
        };
        Self {
            outcome: view.outcome,
            name: view.question.name.clone(),
            from: view.question.from.asked.clone(),
            to: view.question.target(),
            cause: view.cause.map(|c| c.code),
            decider: evidence.and_then(|e| e.decider.clone()),
            place: evidence.and_then(EvidenceView::place),
        }
    }
}

impl FlowRow {
    /// A row from a decision alone, for batches; `place` where the decider's is known.
    pub fn new(flow: &Flow, decision: &Decision, place: Option<String>) -> Self {
        let protocol = flow.protocol.name().to_lowercase();
        let to = match &flow.to {
            Endpoint::Address(ip) if ip.is_ipv6() && flow.protocol.has_ports() => format!("[{ip}]"),
            to => to.to_string(),
        };
        let to = match flow.protocol.has_ports() {
            true => format!("{to}:{}/{protocol}", flow.port),
            false => format!("{to}/{protocol}"),
        };
        Self {
            outcome: decision.outcome,
            name: flow.name.as_deref().map(str::to_owned),
            from: flow.from.to_string(),
            to,
            cause: decision.cause,
            decider: decision.decider.clone(),
            place,
        }
    }
}

/// Writes many flows and a line that counts them: a line each where they fit, two where they do not.
pub fn flows_table(out: &mut String, rows: &[FlowRow], style: &Style) {
    let table = table(rows);
    if table.width() <= style.room(0) {
        table.write(out, style, 0);
    } else {
        rows.iter().for_each(|row| in_two_lines(out, row, style));
    }
    if !rows.is_empty() {
        out.push('\n');
    }
    count(out, rows, style);
}

fn table(rows: &[FlowRow]) -> Table {
    let names = ["outcome", "flow", "from", "to", "cause", "decided by", "where"];
    let mut table = Table::new(&names.map(|name| (name, Fit::Keep)));
    for row in rows {
        let text = |paint, text: &Option<String>| Cell::new(paint, text.as_deref().unwrap_or_default());
        table.row(vec![
            Cell::new(outcome_paint(row.outcome), outcome_word(row.outcome)),
            text(Paint::Plain, &row.name),
            Cell::new(Paint::Plain, &row.from),
            Cell::new(Paint::Plain, &row.to),
            Cell::new(Paint::Plain, row.cause.map_or("", Cause::code)),
            text(Paint::Name, &row.decider),
            text(Paint::Dim, &row.place),
        ]);
    }
    table
}

fn in_two_lines(out: &mut String, row: &FlowRow, style: &Style) {
    let first = style.paint(outcome_paint(row.outcome), &format!("{:<9}", outcome_word(row.outcome)));
    let name = row.name.as_deref().unwrap_or_default();
    let words = Words::default()
        .piece(Paint::Strong, &short(&row.from, style, 9))
        .piece(Paint::Plain, style.signs().arrow)
        .piece(Paint::Strong, &short(&row.to, style, 9))
        .aside(Paint::Dim, &short(name, style, 9));
    flow(out, style, Margin::blank(9).starting(&first), &words);
    let why = Words::default()
        .piece(Paint::Plain, row.cause.map_or("", Cause::code))
        .aside(Paint::Name, &short(row.decider.as_deref().unwrap_or_default(), style, 9))
        .aside(Paint::Dim, row.place.as_deref().unwrap_or_default());
    if !why.is_empty() {
        flow(out, style, Margin::blank(9), &why);
    }
}

fn count(out: &mut String, rows: &[FlowRow], style: &Style) {
    let mut words = Words::default().text(Paint::Strong, &counted(rows.len(), "flow"));
    let mut separator = ":";
    let outcomes = [Outcome::Allowed, Outcome::Blocked, Outcome::Mixed, Outcome::Unknown];
    for (outcome, many) in outcomes.map(|o| (o, rows.iter().filter(|r| r.outcome == o).count())) {
        if many > 0 {
            let text = format!("{many} {outcome}");
            words = words.glue(Paint::Plain, separator).text(outcome_paint(outcome), &text);
            separator = ",";
        }
    }
    flow(out, style, Margin::blank(0), &words);
}

/// An end of a flow for a person: a resource id by its name, anything else as it is.
pub(crate) fn brief(text: &str) -> String {
    if !crate::inventory::ResourceId::looks_like_one(text) {
        return text.to_owned();
    }
    let port = text.rsplit_once(':').filter(|(_, port)| port.starts_with(|c: char| c.is_ascii_digit()));
    let (id, port) = port.map_or((text, String::new()), |(id, port)| (id, format!(":{port}")));
    format!("{}{port}", crate::inventory::ResourceId::new(id).full_name())
}

/// `1 flow`, `2 flows`.
pub(crate) fn counted(many: usize, what: &str) -> String {
    let plural = if many == 1 { "" } else { "s" };
    format!("{many} {what}{plural}")
}
