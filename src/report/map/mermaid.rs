//! The picture of an estate as a Mermaid flowchart.

use super::super::mermaid::{escape, yaml};
use super::{End, Line, Map};
use crate::network::{EdgeKind, NodeKind};
use crate::report::clean::clean;

/// The flowchart.
pub fn mermaid(map: &Map) -> String {
    let mut out = format!(
        "---\ntitle: \"{}\"\nconfig:\n  flowchart: {{ wrappingWidth: 420, nodeSpacing: 16, rankSpacing: 90, padding: 8 }}\n---\nflowchart LR\n",
        yaml(&clean(&map.title))
    );
    for (number, frame) in map.frames.iter().enumerate() {
        out.push_str(&format!("  subgraph f{number} [\"{}\"]\n    direction TB\n", text(&frame.title)));
        for card in &frame.cards {
            out.push_str(&format!("  {}", self::card(map, *card)));
        }
        out.push_str("  end\n");
    }
    for card in &map.loose {
        out.push_str(&self::card(map, *card));
    }
    for line in &map.lines {
        out.push_str(&self::line(line));
    }
    for (number, line) in map.lines.iter().enumerate() {
        let style = match (line.kind, line.works) {
            (_, false) => "stroke:#b42318,stroke-dasharray:4 3",
            (EdgeKind::Peered, _) => "stroke:#175cd3,stroke-width:2px",
            (EdgeKind::Fronts, _) => "stroke:#067647",
            _ => continue,
        };
        out.push_str(&format!("  linkStyle {number} {style}\n"));
    }
    for (number, frame) in map.frames.iter().enumerate() {
        let class = if frame.network { "network" } else { "outside" };
        out.push_str(&format!("  class f{number} {class}\n"));
    }
    out.push_str("  classDef network fill:#f5f8ff,stroke:#175cd3,color:#1d2939\n");
    out.push_str("  classDef outside fill:#f9fafb,stroke:#98a2b3,color:#1d2939\n");
    out.push_str("  classDef subnet fill:#ffffff,stroke:#98a2b3,color:#1d2939,text-align:left\n");
    out.push_str("  classDef service fill:#ecfdf3,stroke:#98a2b3,color:#1d2939,text-align:left\n");
    out.push_str("  classDef zones fill:#fefbe8,stroke:#98a2b3,color:#1d2939,text-align:left\n");
    out.push_str("  classDef rest fill:#fcfcfd,stroke:#d0d5dd,color:#667085\n");
    out.push_str("  classDef edge fill:#fff6ed,stroke:#98a2b3,color:#1d2939\n");
    out
}

fn text(text: &str) -> String {
    escape(&clean(text))
}

fn card(map: &Map, number: usize) -> String {
    let card = &map.cards[number];
    let label = card.lines.iter().map(|line| text(line)).collect::<Vec<_>>().join("<br/>");
    let class = match card.kind {
        NodeKind::Subnet => "subnet",
        NodeKind::Service => "service",
        NodeKind::PrivateDnsZone => "zones",
        NodeKind::Other => "rest",
        _ => "edge",
    };
    format!("  c{number}[\"{label}\"]:::{class}\n")
}

fn line(line: &Line) -> String {
    let end = |end: End| match end {
        End::Card(card) => format!("c{card}"),
        End::Frame(frame) => format!("f{frame}"),
    };
    let arrow = match (line.kind, line.works) {
        (EdgeKind::Peered, true) => "---",
        (_, false) | (EdgeKind::Resolves, _) => "-.-",
        (EdgeKind::Grants | EdgeKind::Governs, _) => "-.->",
        _ => "-->",
    };
    let label = text(&line.label);
    let label = if label.is_empty() { label } else { format!("|\"{label}\"|") };
    format!("  {} {arrow}{label} {}\n", end(line.from), end(line.to))
}
