//! One trace as a Mermaid flowchart, for pages that draw it themselves.

use super::picture::{Edge, Mark, Picture};
use super::view::TraceView;

/// The flowchart.
pub fn trace(view: &TraceView) -> String {
    let picture = Picture::new(view);
    let mut out = format!("---\ntitle: \"{}\"\n---\nflowchart TB\n", yaml(&picture.title.join("  ")));
    for (number, group) in picture.groups().iter().enumerate() {
        out.push_str(&format!("  subgraph zone{number} [\"{}\"]\n", escape(group.title)));
        for i in &group.nodes {
            let node = &picture.nodes[*i];
            out.push_str(&format!("    h{i}[\"{}\"]{}\n", label(&node.text()), class(node.mark)));
        }
        out.push_str("  end\n");
    }
    for edge in &picture.edges {
        out.push_str(&line(edge));
    }
    for (i, edge) in picture.edges.iter().enumerate() {
        if let Some(style) = edge_style(edge.mark) {
            out.push_str(&format!("  linkStyle {i} {style}\n"));
        }
    }
    out.push_str("  classDef stop fill:#fee4e2,stroke:#b42318,stroke-width:3px,color:#1d2939\n");
    out.push_str("  classDef also fill:#fef3f2,stroke:#b42318,stroke-dasharray:5 3,color:#1d2939\n");
    out.push_str("  classDef unknown fill:#fffaeb,stroke:#b54708,stroke-width:2px,color:#1d2939\n");
    out.push_str("  classDef beyond stroke-dasharray:5 3\n");
    out
}

fn class(mark: Mark) -> &'static str {
    match mark {
        Mark::Plain | Mark::Asks => "",
        Mark::Stop => ":::stop",
        Mark::Also => ":::also",
        Mark::Unknown => ":::unknown",
        Mark::Beyond | Mark::Back => ":::beyond",
    }
}

fn line(edge: &Edge) -> String {
    let arrow = match edge.mark {
        Mark::Stop => "--x",
        Mark::Beyond | Mark::Also | Mark::Asks | Mark::Back => "-.->",
        Mark::Plain | Mark::Unknown => "-->",
    };
    let label = label(&edge.lines);
    let label = if label.is_empty() { label } else { format!("|\"{label}\"|") };
    format!("  h{} {arrow}{label} h{}\n", edge.from, edge.to)
}

fn edge_style(mark: Mark) -> Option<&'static str> {
    match mark {
        Mark::Stop => Some("stroke:#b42318,stroke-width:2px"),
        Mark::Back => Some("stroke:#175cd3"),
        _ => None,
    }
}

fn label(lines: &[String]) -> String {
    lines.iter().map(|l| escape(l)).collect::<Vec<_>>().join("<br/>")
}

/// Writes all that could mean something to Mermaid, Markdown or HTML as a character number. What Mermaid
/// gives a meaning even then is replaced by a look-alike (a backslash starts a line break), or parted by a
/// space (`$$` opens a formula, `fa:` an icon).
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        match c {
            '\\' => out.push('∖'),
            '$' if before == '$' => out.push_str(" #36;"),
            ':' if before.is_ascii_alphabetic() && icon(&out) => out.push_str(" :"),
            c if c.is_alphanumeric() || !c.is_ascii() || " -./:,()=@+".contains(c) => out.push(c),
            c => out.push_str(&format!("#{};", c as u32)),
        }
        before = c;
    }
    out
}

/// Whether the text ends in the name of an icon set: `fa`, `fab`, `fas` and the like.
fn icon(text: &str) -> bool {
    let cut = text.len().saturating_sub(3);
    text.get(cut..).unwrap_or(text).contains("fa")
}

/// Escapes a quoted YAML string that must not look like HTML.
pub(super) fn yaml(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('<', "‹").replace('>', "›")
}
