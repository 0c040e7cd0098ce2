//! What a document is, told from its content.

use crate::diag::{Diagnostic, Diagnostics, DocId};
use crate::doc::{Node, parse_json, parse_json_packed, parse_yaml};
use crate::formats::detect::{Detected, detect};
use crate::formats::export::ExportKind;
use crate::formats::{arm, change};
use std::path::Path;

use super::{Role, envelope};

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
    parse_as(doc, text, notes, parse_json)
}

type Parse = fn(DocId, &str, &mut Diagnostics) -> Result<Node, Diagnostic>;

fn parse_as(doc: DocId, text: &str, notes: &mut Diagnostics, json: Parse) -> Option<Node> {
    let begins = text.trim_start();
    let result = if begins.starts_with(['{', '[', '/']) {
        let mut yaml_notes = Diagnostics::new();
        json(doc, text, notes).or_else(|fault| {
            if let Some(list) = envelope::lines(doc, text) {
                return Ok(list);
            }
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

/// Documents from this size on may be packed; below, it saves nothing.
const LARGE: usize = 1 << 20;

/// Whether a document looks like one of those that know packed lists: our estate file, or an export.
fn may_be_packed(text: &str) -> bool {
    let head = text.char_indices().nth(4096).map_or(text, |(at, _)| &text[..at]);
    let export = head.contains("\"/subscriptions/") && !head.contains("deploymentTemplate");
    text.len() >= LARGE && (export || head.contains("\"netwhy\""))
}

/// Faults of a text that cannot be parsed, with what it is instead where that can be told.
fn with_help(faults: Diagnostics, looks_like: &str) -> Diagnostics {
    let mut out = Diagnostics::new();
    for fault in &faults {
        let fault = fault.clone();
        let says_nothing = ["plain text", "JSON that is not well formed"].contains(&looks_like);
        out.push(match fault.help.is_none() && !says_nothing {
            true => fault.help(format!("the file looks like {looks_like}")),
            false => fault,
        });
    }
    out
}

/// A document that was parsed, and what it is.
pub(super) struct Recognised {
    /// Its value tree.
    pub(super) root: Option<Node>,
    /// What it is.
    pub(super) kind: Kind,
    /// The parameter file that came with it.
    pub(super) parameters: Option<Node>,
}

/// Parses a document and tells what it is. Source text of other languages is named as such and not as broken
/// YAML.
pub(super) fn recognise(
    doc: DocId,
    path: &Path,
    text: &str,
    role: Role,
    notes: &mut Diagnostics,
) -> Recognised {
    let mut faults = Diagnostics::new();
    let text = &*envelope::without_warnings(doc, text, &mut faults);
    let packed = may_be_packed(text);
    let json = if packed { parse_json_packed } else { parse_json };
    let parsed = parse_as(doc, text, &mut faults, json);
    let opened = parsed.map(|root| envelope::opened(root, &mut faults));
    let (root, parameters) = opened.map_or((None, None), |o| (Some(o.root), o.parameters));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let found = detect(&name, text, root.as_ref());
    if let (None, Detected::Unknown { looks_like }) = (&root, &found) {
        faults = with_help(faults, looks_like);
    }
    let knows = matches!(
        found,
        Detected::EstateFile | Detected::Export(ExportKind::Resource | ExportKind::Resources)
    );
    let root = if packed && !knows { root.map(|root| root.unpacked()) } else { root };
    let kind = match &root {
        Some(root) if change::is_changes(root) => Kind::Changes,
        Some(_) => Kind::Is(found),
        None if matches!(found, Detected::Unknown { .. }) => Kind::Unreadable,
        None => Kind::Is(found),
    };
    if root.is_some() || kind == Kind::Unreadable {
        notes.extend(faults);
    }
    let recognised = Recognised { root, kind, parameters };
    if role == Role::Parameters { as_parameters(recognised) } else { recognised }
}

/// A document that was named as a parameter file: values alone are one, and the values that came with a template.
fn as_parameters(found: Recognised) -> Recognised {
    const PARAMETERS: Kind = Kind::Is(Detected::ArmParameters);
    match found {
        Recognised { parameters: Some(own), .. } => {
            Recognised { root: Some(own), kind: PARAMETERS, parameters: None }
        }
        Recognised { root: Some(root), kind: Kind::Is(Detected::Unknown { .. }), .. }
            if arm::looks_like_values(&root) =>
        {
            Recognised { root: Some(root), kind: PARAMETERS, parameters: None }
        }
        other => other,
    }
}
