//! The path: numbered hops along a line that is cut where the flow stops.

use super::super::layout::{Margin, Words, flow};
use super::super::style::{Paint, Style};
use super::super::view::{BlockerView, EvidenceView, HeaderView, HopView, StepView, TraceView, Way};
use super::{decided, heading, hop_title, short};
use crate::trace::{Action, Outcome, StepKind};

/// Columns before the text of a step: gutter, mark, verb.
const STEP: usize = 19;

pub(super) fn path(out: &mut String, view: &TraceView, style: &Style) {
    heading(out, style, "Path");
    if view.hops.is_empty() {
        let text = Words::default().text(Paint::Dim, "no hop was visited");
        flow(out, style, Margin::blank(2), &text);
    }
    hops(out, &view.hops, Way::There, &view.blockers, style);
}

/// The way back: one line where all is well, every hop otherwise.
pub(super) fn way_back(out: &mut String, view: &TraceView, style: &Style) {
    let Some(back) = &view.back else { return };
    heading(out, style, "Return path");
    // Where the flow does not arrive, the way back is judged as if it did.
    let stopped = view.blockers.first().is_some_and(|b| b.way == Way::There);
    let text = match (back.outcome, stopped) {
        (Outcome::Allowed, false) => "the answer comes back",
        (Outcome::Allowed, true) => "the answer would come back",
        (Outcome::Blocked, false) => "the flow arrives, but the answer does not come back",
        (Outcome::Blocked, true) => "if the flow arrived, the answer would not come back",
        (Outcome::Unknown, _) => "whether the answer comes back cannot be told",
        (Outcome::Mixed, _) => "the answer comes back at times",
    };
    if back.outcome == Outcome::Allowed && !style.verbose {
        let last = view.hops.last().filter(|l| back.hops.first().is_none_or(|h| h.name != l.name));
        let names: Vec<String> = last.into_iter().chain(&back.hops).map(hop_title).collect();
        let names = names.join(&format!(" {} ", style.signs().arrow));
        let text = format!("{} {text}: {names}", style.signs().pass);
        return flow(out, style, Margin::blank(2), &Words::default().text(Paint::Plain, &text));
    }
    flow(out, style, Margin::blank(2), &Words::default().text(Paint::Plain, text));
    hops(out, &back.hops, Way::Back, &view.blockers, style);
}

/// The names of the hops in a line.
pub(super) fn names(view: &TraceView, style: &Style) -> String {
    let mut out = String::new();
    let names: Vec<String> = view.hops.iter().map(hop_title).collect();
    let words = Words::default().text(Paint::Dim, &names.join(&format!(" {} ", style.signs().arrow)));
    flow(&mut out, style, Margin::blank(9), &words);
    out
}

fn hops(out: &mut String, hops: &[HopView], way: Way, blockers: &[BlockerView], style: &Style) {
    let kinds = hops.iter().map(|h| h.kind.word().len()).max().unwrap_or(0);
    let mut line = Line { style, cut: false };
    for (i, hop) in hops.iter().enumerate() {
        line.head(out, hop, kinds);
        let last = i + 1 == hops.len();
        let steps = shown(&hop.steps, style);
        for (j, step) in steps.iter().enumerate() {
            line.step(out, step, last && j + 1 == steps.len());
        }
        let said = |n: usize| hop.steps.iter().any(|s| s.blocker == Some(n));
        for (number, blocker) in blockers.iter().enumerate().map(|(n, b)| (n + 1, b)) {
            if blocker.way == way && blocker.hop == hop.number && !said(number) {
                line.blocker(out, number, blocker, last);
            }
        }
    }
}

/// The line along the hops: whole as far as the flow gets, dotted behind.
struct Line<'a> {
    style: &'a Style,
    cut: bool,
}

impl Line<'_> {
    fn bar(&self) -> String {
        let signs = self.style.signs();
        if self.cut { self.style.paint(Paint::Dim, signs.dotted) } else { signs.bar.to_owned() }
    }

    fn head(&self, out: &mut String, hop: &HopView, kinds: usize) {
        let signs = self.style.signs();
        let node = if self.cut { signs.dotted } else { signs.node };
        let kind = format!("{:kinds$}", hop.kind.word());
        let first = format!("  {node} {:>2}  {}  ", hop.number, self.style.paint(Paint::Dim, &kind));
        let rest = format!("  {}{}", self.bar(), " ".repeat(kinds + 6));
        let words = Words::default()
            .piece(Paint::Strong, &short(&hop.name, self.style, kinds + 9))
            .aside(Paint::Dim, &format!("{} {}", signs.note, hop.zone.word()));
        flow(out, self.style, Margin { first: &first, rest: &rest, columns: kinds + 9 }, &words);
    }

    fn step(&mut self, out: &mut String, shown: &Shown<'_>, last: bool) {
        let step = shown.step;
        let primary = step.blocker == Some(1);
        self.decision(out, primary, step.action, step.kind.word(), &shown.words());
        self.details(out, step);
        match (step.action, step.cause) {
            (Action::Block, Some(cause)) => self.stop(out, step.blocker, cause, last),
            (Action::Unknown, Some(cause)) => {
                self.detail(out, Words::default().text(Paint::Warn, &format!("NOT KNOWN HERE: {cause}")));
            }
            _ => {}
        }
    }

    /// A blocker that no single step of the hop states.
    fn blocker(&mut self, out: &mut String, number: usize, blocker: &BlockerView, last: bool) {
        let words = said(&blocker.text, &blocker.evidence);
        self.decision(out, number == 1, Action::Block, "stop", &words);
        self.stop(out, Some(number), blocker.cause.code.code(), last);
    }

    fn decision(&mut self, out: &mut String, cuts: bool, action: Action, verb: &str, words: &Words) {
        let (sign, paint) = self.mark(action);
        let lead = if cuts {
            let line = if self.style.unicode { "━━━━" } else { "====" };
            self.style.paint(Paint::Bad, &format!("{}{line}", self.style.signs().block))
        } else {
            format!("{}    ", self.bar())
        };
        self.cut |= cuts;
        let first = format!("  {lead}{}", self.style.paint(paint, &format!("{sign} {verb:<10}")));
        let rest = format!("  {}{}", self.bar(), " ".repeat(STEP - 3));
        flow(out, self.style, Margin { first: &first, rest: &rest, columns: STEP }, words);
    }

    fn mark(&self, action: Action) -> (&'static str, Paint) {
        let signs = self.style.signs();
        match action {
            Action::Pass => (signs.pass, Paint::Good),
            Action::Rewrite => (signs.rewrite, Paint::Name),
            Action::Block => (signs.block, Paint::Bad),
            Action::Unknown => (signs.unknown, Paint::Warn),
            Action::Note => (signs.note, Paint::Dim),
        }
    }

    fn details(&self, out: &mut String, step: &StepView) {
        if let (Some(before), Some(after)) = (&step.before, &step.after) {
            for change in changes(before, after, self.style) {
                self.detail(out, Words::default().text(Paint::Name, &change));
            }
        }
        if self.style.verbose {
            self.evidence(out, step);
        }
    }

    fn stop(&self, out: &mut String, number: Option<usize>, cause: &str, last: bool) {
        let what = if number == Some(1) { "BLOCKED HERE" } else { "also blocked here" };
        self.detail(out, Words::default().text(Paint::Bad, &format!("{what}: {cause}")));
        if number == Some(1) && !last {
            let text = "what follows is judged as if this were opened";
            self.detail(out, Words::default().text(Paint::Dim, text));
        }
    }

    fn detail(&self, out: &mut String, words: Words) {
        let margin = format!("  {}{}", self.bar(), " ".repeat(STEP - 3));
        flow(out, self.style, Margin { first: &margin, rest: &margin, columns: STEP }, &words);
    }

    fn evidence(&self, out: &mut String, step: &StepView) {
        let evidence = &step.evidence;
        if let Some(decider) = &evidence.decider {
            self.detail(out, Words::default().text(Paint::Dim, "by").piece(Paint::Name, decider));
        }
        if let Some(resource) = &evidence.resource {
            self.detail(out, Words::default().piece(Paint::Dim, resource));
        }
        if let (Some(file), Some(pointer)) =
            (&evidence.file, evidence.pointer.as_ref().filter(|p| !p.is_empty()))
        {
            self.detail(out, Words::default().piece(Paint::Dim, &format!("{file}#{pointer}")));
        }
        // The primary blocker's are in the section on what decided.
        if step.blocker != Some(1) {
            let mut table = String::new();
            decided::near_misses(&mut table, evidence, self.style, STEP);
            for line in table.lines() {
                let line = line.get(3..).unwrap_or_default();
                out.push_str(&format!("  {}{line}\n", self.bar()));
            }
        }
    }
}

/// A step as it is shown: steps that tell little are drawn together.
struct Shown<'a> {
    step: &'a StepView,
    text: String,
}

impl Shown<'_> {
    fn words(&self) -> Words {
        let words = said(&self.text, &self.step.evidence);
        if words.is_empty() { words.text(Paint::Dim, self.step.action.word()) } else { words }
    }
}

/// What was decided, by which numbered rules, and where it is written.
fn said(text: &str, evidence: &EvidenceView) -> Words {
    let mut words = Words::default().text(Paint::Plain, &super::long(text));
    if !evidence.rules.is_empty() {
        words = words.aside(Paint::Dim, &format!("[{}]", evidence.rules.join(", ")));
    }
    match evidence.place() {
        Some(place) => words.aside(Paint::Dim, &place),
        None => words,
    }
}

/// Steps that only say that the flow sets out or goes on share a line.
fn shown<'a>(steps: &'a [StepView], style: &Style) -> Vec<Shown<'a>> {
    let mut out: Vec<Shown<'a>> = Vec::new();
    for step in steps {
        match out.last_mut() {
            Some(last) if !style.verbose && plain(last.step) && plain(step) => {
                last.text.push_str(&format!("; {}", step.text));
            }
            _ => out.push(Shown { step, text: step.text.clone() }),
        }
    }
    out
}

fn plain(step: &StepView) -> bool {
    let kind = matches!(step.kind, StepKind::Originate | StepKind::Forward | StepKind::Deliver);
    let changed = step.before.is_some() && step.after.is_some();
    kind && matches!(step.action, Action::Pass | Action::Note) && !changed && step.evidence.is_empty()
}

/// `source 10.1.1.4:49152 → 20.50.1.7:2048`.
fn changes(before: &HeaderView, after: &HeaderView, style: &Style) -> Vec<String> {
    let end = |ip: std::net::IpAddr, port: u16| std::net::SocketAddr::new(ip, port).to_string();
    let ends = [
        ("source", end(before.source, before.source_port), end(after.source, after.source_port)),
        ("destination", end(before.destination, before.port), end(after.destination, after.port)),
    ];
    let arrow = style.signs().arrow;
    ends.iter().filter(|(_, a, b)| a != b).map(|(what, a, b)| format!("{what} {a} {arrow} {b}")).collect()
}
