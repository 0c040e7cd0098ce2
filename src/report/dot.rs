//! One trace as a Graphviz graph.

use super::picture::{Edge, Mark, Picture};
use super::view::TraceView;

const GRAPH: &str =
    "labelloc=t, labeljust=l, rankdir=TB, fontname=\"Helvetica\", fontsize=14, nodesep=0.6, ranksep=0.5";

const NODE: &str = "shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\", fontsize=11, margin=\"0.18,0.09\"";

const BOX: &str =
    "labeljust=l; style=\"rounded,filled\"; color=\"#9aa4b2\"; fillcolor=\"#f4f6f9\"; fontcolor=\"#475467\";";

/// The graph; `dot -Tsvg` draws it.
pub fn trace(view: &TraceView) -> String {
    let picture = Picture::new(view);
    let mut out = String::from("digraph netwhy {\n");
    out.push_str(&format!("  graph [label=\"{}\", {GRAPH}];\n  node [{NODE}];\n", aligned(&picture.title)));
    out.push_str("  edge [fontname=\"Helvetica\", fontsize=10];\n");
    for (number, group) in picture.groups().iter().enumerate() {
        out.push_str(&format!("  subgraph cluster_{number} {{\n    label=\"{}\"; {BOX}\n", group.title));
        for i in &group.nodes {
            let node = &picture.nodes[*i];
            out.push_str(&format!(
                "    h{i} [label=\"{}\"{}];\n",
                label(&node.text()),
                node_style(node.mark)
            ));
        }
        out.push_str("  }\n");
    }
    for edge in &picture.edges {
        out.push_str(&line(edge));
    }
    out.push_str("}\n");
    out
}

fn node_style(mark: Mark) -> &'static str {
    match mark {
        Mark::Plain | Mark::Asks => "",
        Mark::Stop => ", color=\"#b42318\", penwidth=2.5, fillcolor=\"#fee4e2\"",
        Mark::Also => ", color=\"#b42318\", style=\"rounded,filled,dashed\", fillcolor=\"#fef3f2\"",
        Mark::Unknown => ", color=\"#b54708\", penwidth=2, fillcolor=\"#fffaeb\"",
        Mark::Beyond | Mark::Back => ", style=\"rounded,filled,dashed\", fontcolor=\"#475467\"",
    }
}

fn line(edge: &Edge) -> String {
    let style = match edge.mark {
        Mark::Stop => ", color=\"#b42318\", fontcolor=\"#b42318\", penwidth=2, style=dashed, arrowhead=tee",
        Mark::Beyond | Mark::Also => ", style=dotted, color=\"#667085\", fontcolor=\"#475467\"",
        Mark::Back => ", style=dashed, color=\"#175cd3\", fontcolor=\"#175cd3\", constraint=false",
        Mark::Asks => ", style=dotted, color=\"#667085\", fontcolor=\"#475467\", constraint=false",
        Mark::Plain | Mark::Unknown => "",
    };
    format!("  h{} -> h{} [label=\"{}\"{style}];\n", edge.from, edge.to, aligned(&edge.lines))
}

fn label(lines: &[String]) -> String {
    lines.iter().map(|l| escape(l)).collect::<Vec<_>>().join("\\n")
}

/// Lines flush left, with room between them and the edge they belong to.
fn aligned(lines: &[String]) -> String {
    lines.iter().map(|l| format!("  {}  \\l", escape(l))).collect()
}

/// Escapes a quoted string, in which Graphviz also reads HTML entities.
pub(super) fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
}
