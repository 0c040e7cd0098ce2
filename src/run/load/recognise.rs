//! What a document is, told from its content.

use crate::diag::{Diagnostics, DocId};
use crate::doc::{Node, parse_json, parse_yaml};
use crate::formats::change;
use crate::formats::detect::{Detected, detect};
use std::path::Path;

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A change file.
    Changes,
    /// Anything else.
    Is(Detected),
    /// It is not well-formed; a diagnostic says where.
    Unreadable,
}

impl Kind {
    /// What to call it.
    pub fn label(&self) -> &str {
        match self {
            Self::Changes => "a change file",
            Self::Is(detected) => detected.label(),
            Self::Unreadable => "not readable",
        }
    }
}

/// Parses a document: JSON where it begins like JSON, else YAML. What is wrong goes to `notes`.
pub fn parse(doc: DocId, text: &str, notes: &mut Diagnostics) -> Option<Node> {
    let begins = text.trim_start();
    let result = if begins.starts_with(['{', '[', '/']) {
        let mut yaml_notes = Diagnostics::new();
        parse_json(doc, text, notes).or_else(|fault| {
            // YAML's flow style begins like JSON; where it is neither, the JSON fault is the better hint.
            let yaml = parse_yaml(doc, text, &mut yaml_notes).map_err(|_| fault)?;
            notes.extend(yaml_notes);
            Ok(yaml)
        })
    } else {
        parse_yaml(doc, text, notes)
    };
    result.map_err(|fault| notes.push(fault)).ok()
}

/// Parses a document and tells what it is. Source text of other languages is named as such and not as broken
/// YAML.
pub(super) fn recognise(
    doc: DocId,
    path: &Path,
    text: &str,
    notes: &mut Diagnostics,
) -> (Option<Node>, Kind) {
    let mut faults = Diagnostics::new();
    let root = parse(doc, text, &mut faults);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let found = detect(&name, text, root.as_ref());
    let kind = match &root {
        Some(root) if change::is_changes(root) => Kind::Changes,
        Some(_) => Kind::Is(found),
        None if matches!(found, Detected::Unknown { .. }) => Kind::Unreadable,
        None => Kind::Is(found),
    };
    if root.is_some() || kind == Kind::Unreadable {
        notes.extend(faults);
    }
    (root, kind)
}
