//! The picture of one trace, before any drawing language: nodes in boxes by zone, edges that say what decided.
//!
//! Neighbours on the path that lie in one zone share a box, so that the path reads from top to bottom. A node is drawn once although the way back meets it again. What decides stands on the edge that leaves a
//! hop, or on the edge into the last hop.

use super::clean::{clean, elide};
use super::text::outcome_word;
use super::view::{HopView, StepView, TraceView, Way};
use crate::trace::{Action, HopKind, StepKind, Zone};

/// Longer lines are shortened in the middle: a picture has to fit a page.
const LINE: usize = 44;

/// At most so many rules stand on an edge.
const RULES: usize = 3;

/// What the picture says about a node or an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The flow gets here.
    Plain,
    /// The flow stops here.
    Stop,
    /// The flow would stop here too.
    Also,
    /// Not known.
    Unknown,
    /// The flow does not get as far.
    Beyond,
    /// The question for an address, before the way begins.
    Asks,
    /// The way back.
    Back,
}

#[derive(Debug)]
pub(super) struct Node {
    kind: &'static str,
    /// The hops that visit it.
    numbers: Vec<usize>,
    lines: Vec<String>,
    pub(super) zone: Zone,
    pub(super) mark: Mark,
}

#[derive(Debug)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) lines: Vec<String>,
    pub(super) mark: Mark,
}

#[derive(Debug)]
pub(super) struct Picture {
    pub(super) title: Vec<String>,
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    /// What each node stands for.
    seen: Vec<(HopKind, String, Option<String>)>,
}

/// Neighbouring nodes of one zone.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) nodes: Vec<usize>,
}

impl Picture {
    pub(super) fn new(view: &TraceView) -> Self {
        let mut picture = Self { title: title(view), nodes: Vec::new(), edges: Vec::new(), seen: Vec::new() };
        let at: Vec<usize> = view.hops.iter().map(|hop| picture.meet(hop, false)).collect();
        for (pair, ends) in view.hops.windows(2).zip(at.windows(2)) {
            picture.edges.push(edge(ends[0], ends[1], &pair[0], &pair[1]));
        }
        picture.last_decides(view);
        picture.back(view, at.last().copied());
        picture
    }

    /// The node of a hop: a new one, or the one that stands for the same thing already.
    fn meet(&mut self, hop: &HopView, back: bool) -> usize {
        let key = (hop.kind, hop.name.clone(), hop.id.clone());
        let Some(at) = self.seen.iter().position(|k| *k == key) else {
            self.seen.push(key);
            self.nodes.push(if back { Node { mark: Mark::Back, ..node(hop) } } else { node(hop) });
            return self.nodes.len() - 1;
        };
        let known = &mut self.nodes[at];
        let again = node(hop);
        if !back {
            known.numbers.push(hop.number);
            known.lines.extend(again.lines.into_iter().skip(1));
            known.mark = if again.mark == Mark::Plain { known.mark } else { again.mark };
        }
        at
    }

    /// The nodes in boxes: whoever can change a thing is who has to be asked. Name resolution is a detour,
    /// so it stands in a box of its own and parts no other.
    pub(super) fn groups(&self) -> Vec<Group> {
        let resolves = |i: &usize| self.nodes[*i].kind == HopKind::Resolver.word();
        let (names, way): (Vec<usize>, Vec<usize>) = (0..self.nodes.len()).partition(resolves);
        let mut groups = self.runs(&names);
        groups.extend(self.runs(&way));
        groups
    }

    fn runs(&self, nodes: &[usize]) -> Vec<Group> {
        let runs = nodes.chunk_by(|a, b| self.nodes[*a].zone == self.nodes[*b].zone);
        runs.map(|run| Group { title: zone_title(self.nodes[run[0]].zone), nodes: run.to_vec() }).collect()
    }

    /// What stops the flow at its last hop stands on the edge into it, or in the node where it is the only one.
    fn last_decides(&mut self, view: &TraceView) {
        let Some(last) = view.hops.last() else { return };
        let lines: Vec<String> = last.steps.iter().filter(|s| stops(s)).flat_map(rule).collect();
        match self.edges.last_mut() {
            Some(edge) => {
                edge.lines.extend(lines);
                edge.mark = if last.blockers.contains(&1) { Mark::Stop } else { edge.mark };
            }
            None => self.nodes.iter_mut().for_each(|n| n.lines.extend(lines.clone())),
        }
    }

    /// The way back, of a flow that arrives.
    fn back(&mut self, view: &TraceView, last: Option<usize>) {
        let arrives = view.blockers.first().is_none_or(|b| b.way == Way::Back);
        let Some(back) = view.back.as_ref().filter(|_| arrives) else { return };
        let mut here = last;
        let mut left: Option<&HopView> = None;
        for hop in &back.hops {
            let next = self.meet(hop, true);
            if let Some(from) = here.filter(|from| *from != next) {
                self.edges.push(answer(from, next, left));
            }
            (here, left) = (Some(next), Some(hop));
            if let Some(stop) = hop.steps.iter().find(|s| s.action == Action::Block) {
                self.nodes[next].mark = Mark::Stop;
                self.nodes[next].lines.push("× ANSWER LOST HERE".to_owned());
                self.nodes[next].lines.extend(rule(stop));
            }
        }
    }
}

/// The answer on its way, cut where the hop it leaves stops it.
fn answer(from: usize, to: usize, left: Option<&HopView>) -> Edge {
    let lost = left.is_some_and(|hop| hop.steps.iter().any(|s| s.action == Action::Block));
    let (mark, text) = if lost { (Mark::Stop, "answer lost") } else { (Mark::Back, "answer") };
    Edge { from, to, lines: vec![text.to_owned()], mark }
}

fn zone_title(zone: Zone) -> &'static str {
    match zone {
        Zone::Yours => "Yours",
        Zone::Azure => "Azure's",
        Zone::Internet => "Internet",
    }
}

fn short(text: &str) -> String {
    elide(&clean(text), LINE, "…").into_owned()
}

fn title(view: &TraceView) -> Vec<String> {
    let from = short(&view.question.from.asked);
    let to = short(&view.question.target());
    let mut lines = vec![format!("{}  {from} → {to}", outcome_word(view.outcome))];
    lines.extend(view.cause.map(|c| c.code.code().to_owned()));
    lines
}

fn node(hop: &HopView) -> Node {
    let mark = match hop.blockers.first() {
        Some(1) => Mark::Stop,
        Some(_) => Mark::Also,
        None if hop.steps.iter().any(|s| s.action == Action::Unknown) => Mark::Unknown,
        None if hop.reached => Mark::Plain,
        None => Mark::Beyond,
    };
    let lines = vec![short(&hop.name)];
    let said = match mark {
        Mark::Stop => Some("× BLOCKED HERE".to_owned()),
        Mark::Also => Some("× also blocked here".to_owned()),
        Mark::Unknown => Some("? not known here".to_owned()),
        _ => None,
    };
    let lines = lines.into_iter().chain(said).collect();
    Node { kind: hop.kind.word(), numbers: vec![hop.number], lines, zone: hop.zone, mark }
}

impl Node {
    /// `1, 3. interface`, and below what else there is to say.
    pub(super) fn text(&self) -> Vec<String> {
        let numbers: Vec<String> = self.numbers.iter().map(usize::to_string).collect();
        let head = match self.mark {
            Mark::Back => self.kind.to_owned(),
            _ => format!("{}. {}", numbers.join(", "), self.kind),
        };
        std::iter::once(head).chain(self.lines.iter().cloned()).collect()
    }
}

fn edge(from: usize, to: usize, hop: &HopView, next: &HopView) -> Edge {
    let stopped = hop.steps.iter().any(stops);
    let shown = hop.steps.iter().filter(|s| if stopped { stops(s) } else { decides(s) });
    let mark = match (hop.blockers.contains(&1), next.reached) {
        _ if next.kind == HopKind::Resolver => Mark::Asks,
        (true, _) => Mark::Stop,
        (false, false) => Mark::Beyond,
        (false, true) => Mark::Plain,
    };
    let mut lines: Vec<String> = shown.flat_map(rule).collect();
    lines.dedup();
    lines.truncate(2 * RULES);
    Edge { from, to, lines, mark }
}

fn stops(step: &StepView) -> bool {
    matches!(step.action, Action::Block | Action::Unknown)
}

/// Whether a step says by which rule the flow goes on.
fn decides(step: &StepView) -> bool {
    let kind = !matches!(step.kind, StepKind::Originate | StepKind::Forward | StepKind::Deliver);
    kind && step.evidence.decider.is_some()
}

/// `× filter nsg/rule`, and where it is written.
fn rule(step: &StepView) -> Vec<String> {
    let sign = match step.action {
        Action::Block => "× ",
        Action::Unknown => "? ",
        _ => "",
    };
    let what = step.evidence.decider.as_deref().or(step.cause).unwrap_or(&step.text);
    let what = what.replace("/defaultSecurityRules/", "/");
    let mut lines = vec![format!("{sign}{} {}", step.kind.word(), short(&what))];
    if stops(step) {
        lines.extend(
            step.evidence
                .place()
                .map(|place| super::clean::elide_start(&clean(&place), LINE, "…").into_owned()),
        );
    }
    lines
}
