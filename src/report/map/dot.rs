//! The picture of an estate as a Graphviz graph.

use super::super::dot::escape;
use super::{End, Line, Map};
use crate::network::{EdgeKind, NodeKind};
use crate::report::clean::clean;

const GRAPH: &str = "labelloc=t, labeljust=l, rankdir=LR, compound=true, fontname=\"Helvetica\", fontsize=16, nodesep=0.25, ranksep=1.0, newrank=true";
const NODE: &str = "shape=box, style=\"rounded,filled\", fillcolor=white, color=\"#98a2b3\", fontname=\"Helvetica\", fontsize=11, margin=\"0.14,0.08\"";

/// The graph; `dot -Tsvg` draws it.
pub fn dot(map: &Map) -> String {
    let mut out = String::from("digraph netwhy {\n");
    out.push_str(&format!("  graph [label=\"  {}  \\l\", {GRAPH}];\n  node [{NODE}];\n", text(&map.title)));
    out.push_str("  edge [fontname=\"Helvetica\", fontsize=10, color=\"#475467\", fontcolor=\"#475467\"];\n");
    for (number, frame) in map.frames.iter().enumerate() {
        let (line, fill) = if frame.network { ("#175cd3", "#f5f8ff") } else { ("#98a2b3", "#f9fafb") };
        out.push_str(&format!(
            "  subgraph cluster_{number} {{\n    label=\"  {}\\l\"; labeljust=l; style=\"rounded,filled\"; color=\"{line}\"; fillcolor=\"{fill}\"; fontsize=13;\n",
            text(&frame.title)
        ));
        for card in &frame.cards {
            out.push_str(&format!("  {}", self::card(map, *card)));
        }
        out.push_str("  }\n");
    }
    for card in &map.loose {
        out.push_str(&self::card(map, *card));
    }
    for line in &map.lines {
        out.push_str(&self::line(map, line));
    }
    out.push_str("}\n");
    out
}

fn text(text: &str) -> String {
    escape(&clean(text))
}

fn card(map: &Map, number: usize) -> String {
    let card = &map.cards[number];
    let label: String = card.lines.iter().map(|line| format!("{}\\l", text(line))).collect();
    let style = match card.kind {
        NodeKind::Subnet => "",
        NodeKind::Service => ", fillcolor=\"#ecfdf3\"",
        NodeKind::PrivateDnsZone => ", fillcolor=\"#fefbe8\"",
        NodeKind::Other => ", color=\"#d0d5dd\", fontcolor=\"#667085\"",
        _ => ", fillcolor=\"#fff6ed\"",
    };
    format!("  c{number} [label=\"{label}\"{style}];\n")
}

fn line(map: &Map, line: &Line) -> String {
    let mut more = String::new();
    let mut end = |end: End, side: &str| match end {
        End::Card(card) => format!("c{card}"),
        End::Frame(frame) => {
            more.push_str(&format!(", {side}=cluster_{frame}"));
            // Graphviz draws from card to card and cuts the line at the box.
            format!("c{}", map.frames[frame].cards.first().copied().unwrap_or(0))
        }
    };
    let (from, to) = (end(line.from, "ltail"), end(line.to, "lhead"));
    let style = match (line.kind, line.works) {
        (_, false) => ", color=\"#b42318\", fontcolor=\"#b42318\", style=dashed, dir=none",
        (EdgeKind::Peered, _) => ", color=\"#175cd3\", fontcolor=\"#175cd3\", penwidth=2, dir=none",
        (EdgeKind::Resolves, _) => ", style=dotted, dir=none",
        (EdgeKind::Fronts, _) => ", color=\"#067647\", fontcolor=\"#067647\"",
        (EdgeKind::Grants | EdgeKind::Governs, _) => ", style=dashed",
        _ => "",
    };
    format!("  {from} -> {to} [label=\"{}\"{style}{more}];\n", text(&line.label))
}
