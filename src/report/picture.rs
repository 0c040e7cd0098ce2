//! The picture of one trace, before any drawing language: nodes in boxes by zone, edges that say what decided.
//!
//! Neighbours on the path that lie in one zone share a box, so that the path reads from top to bottom. A node is drawn once although the way back meets it again. What decides stands on the edge that leaves a
//! hop, or on the edge into the last hop.

use super::clean::{clean, elide};
use super::text::outcome_word;
use super::view::{HopView, StepView, TraceView};
use crate::trace::{Action, Outcome, StepKind, Zone};

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
    /// The way back.
    Back,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) lines: Vec<String>,
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
}

/// Neighbouring nodes of one zone.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) nodes: Vec<usize>,
}

impl Picture {
    pub(super) fn new(view: &TraceView) -> Self {
        let mut picture =
            Self { title: title(view), nodes: view.hops.iter().map(node).collect(), edges: Vec::new() };
        for (i, pair) in view.hops.windows(2).enumerate() {
            picture.edges.push(edge(i, &pair[0], &pair[1]));
        }
        picture.last_decides(view);
        picture.back(view);
        picture
    }

    /// The nodes in boxes: whoever can change a thing is who has to be asked.
    pub(super) fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<(Zone, Group)> = Vec::new();
        for (i, node) in self.nodes.iter().enumerate() {
            match groups.last_mut() {
                Some((zone, group)) if *zone == node.zone => group.nodes.push(i),
                _ => groups.push((node.zone, Group { title: zone_title(node.zone), nodes: vec![i] })),
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// What stops the flow at its last hop stands on the edge into it, or in the node where it is the only one.
    fn last_decides(&mut self, view: &TraceView) {
        let Some(last) = view.hops.last() else { return };
        let lines: Vec<String> = last.steps.iter().filter(|s| stops(s)).flat_map(rule).collect();
        match self.edges.last_mut() {
            Some(edge) => edge.lines.extend(lines),
            None => self.nodes[0].lines.extend(lines),
        }
    }

    fn back(&mut self, view: &TraceView) {
        let Some(back) = &view.back else { return };
        let at: Vec<usize> = back.hops.iter().map(|hop| self.same(view, hop)).collect();
        let lost = back.outcome == Outcome::Blocked;
        for (pair, hop) in at.windows(2).zip(&back.hops) {
            let stop = hop.steps.iter().any(|s| s.action == Action::Block);
            let mut lines = vec![if lost && stop { "answer lost".to_owned() } else { "answer".to_owned() }];
            lines.extend(hop.steps.iter().filter(|s| stops(s)).flat_map(rule));
            let mark = if lost && stop { Mark::Stop } else { Mark::Back };
            if mark == Mark::Stop {
                let node = &mut self.nodes[pair[0]];
                node.mark = mark;
                node.lines.push("× ANSWER LOST HERE".to_owned());
            }
            self.edges.push(Edge { from: pair[0], to: pair[1], lines, mark });
        }
    }

    /// The node of a hop of the way back: the one of the way there, or a new one.
    fn same(&mut self, view: &TraceView, hop: &HopView) -> usize {
        let known = view.hops.iter().position(|h| h.kind == hop.kind && h.name == hop.name && h.id == hop.id);
        known.unwrap_or_else(|| {
            self.nodes.push(Node { mark: Mark::Back, ..node(hop) });
            self.nodes.len() - 1
        })
    }
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
    let mut lines = vec![format!("{}. {}", hop.number, hop.kind.word()), short(&hop.name)];
    lines.extend(match mark {
        Mark::Stop => Some("× BLOCKED HERE".to_owned()),
        Mark::Also => Some("× also blocked here".to_owned()),
        Mark::Unknown => Some("? not known here".to_owned()),
        _ => None,
    });
    Node { lines, zone: hop.zone, mark }
}

fn edge(from: usize, hop: &HopView, next: &HopView) -> Edge {
    let stopped = hop.steps.iter().any(stops);
    let shown = hop.steps.iter().filter(|s| if stopped { stops(s) } else { decides(s) });
    let mark = match (hop.blockers.contains(&1), next.reached) {
        (true, _) => Mark::Stop,
        (false, false) => Mark::Beyond,
        (false, true) => Mark::Plain,
    };
    Edge { from, to: from + 1, lines: shown.flat_map(rule).take(2 * RULES).collect(), mark }
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
