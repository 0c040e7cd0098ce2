//! Rows of Azure Resource Graph: a list of objects, or a table of columns and rows.

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::doc::{Entry, Node, Object};

/// Whether the `data` of an answer is such a list or table.
pub(super) fn is_table(data: &Node) -> bool {
    let rows = data.as_array().is_some_and(|rows| rows.iter().all(|row| row.as_object().is_some()));
    rows || (data.get("columns").is_some() && data.get("rows").is_some())
}

/// The rows as objects. What the answer says to have left out is noted.
pub(super) fn rows(answer: &Node, notes: &mut Diagnostics) -> Vec<Node> {
    let rows = answer.get("data").map(|data| objects(data, notes)).unwrap_or_default();
    let truncated = answer.get("resultTruncated").filter(|t| {
        t.as_bool() == Some(true) || t.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"))
    });
    if let Some(truncated) = truncated {
        let message = "Resource Graph cut this answer short: what it left out is not known";
        let help = "run the query page by page (`--first 1000 --skip-token`)";
        notes.push(Diagnostic::new(Code::NotUnderstood, truncated.at, message).help(help));
    }
    rows
}

fn objects(data: &Node, notes: &mut Diagnostics) -> Vec<Node> {
    if let Some(rows) = data.as_array() {
        return rows.to_vec();
    }
    let columns: Vec<&str> = data
        .get("columns")
        .and_then(Node::as_array)
        .unwrap_or_default()
        .iter()
        .map(|c| c.get("name").and_then(Node::as_str).unwrap_or_default())
        .collect();
    let rows = data.get("rows").and_then(Node::as_array).unwrap_or_default();
    rows.iter().filter_map(|row| object(&columns, row, notes)).collect()
}

fn object(columns: &[&str], row: &Node, notes: &mut Diagnostics) -> Option<Node> {
    let Some(cells) = row.as_array().filter(|cells| cells.len() == columns.len()) else {
        let message = "a row that does not fit its columns was left out";
        notes.push(Diagnostic::new(Code::NotUnderstood, row.at, message));
        return None;
    };
    let mut object = Object::new();
    for (key, cell) in columns.iter().zip(cells) {
        object.push(Entry { key: (*key).into(), key_at: cell.at, value: cell.clone() });
    }
    Some(Node::object(row.at, object))
}
