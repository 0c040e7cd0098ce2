//! The seam to the formats: one document in, resources out.

use super::{DeploymentTarget, Kind, Read, Role, whole};
use crate::diag::{At, Code, Diagnostic, Diagnostics, DocId, Severity, Sources};
use crate::doc::{Node, Value, parse_json};
use crate::formats::native;
use crate::inventory::RawResource;
use crate::scenario::Word;
use std::sync::Arc;

/// One document to import, with what it needs.
pub(super) struct Job {
    doc: DocId,
    kind: Kind,
    role: Role,
    root: Option<Arc<Node>>,
    parameters: Vec<Arc<Node>>,
    values: Arc<Vec<(Word, Node)>>,
    target: DeploymentTarget,
}

/// One job for each document, in order.
pub(super) fn jobs(
    reads: &[Read],
    paired: &[Vec<usize>],
    values: &[(Word, Node)],
    target: &DeploymentTarget,
) -> Vec<Job> {
    let values = Arc::new(values.to_vec());
    let roots = |numbers: &[usize]| numbers.iter().filter_map(|n| reads[*n].root.clone()).collect();
    let job = |(read, parameters): (&Read, &Vec<usize>)| Job {
        doc: read.doc,
        kind: read.kind.clone(),
        role: read.role,
        root: read.root.clone(),
        parameters: roots(parameters),
        values: values.clone(),
        target: target.clone(),
    };
    reads.iter().zip(paired).map(job).collect()
}

/// Imports one document. What is no part of an estate gives nothing, and a diagnostic where it was named as one.
pub(super) fn run(job: Job) -> (Vec<RawResource>, Diagnostics) {
    let mut notes = Diagnostics::new();
    let raws = match (&job.root, job.role) {
        (Some(root), Role::Estate { named }) => match &job.kind {
            Kind::Estate => native::load(root, &mut notes),
            Kind::Template => template(root, &job, &mut notes),
            Kind::Parameters | Kind::ServiceTags | Kind::Unreadable => Vec::new(),
            Kind::Scenario | Kind::Changes | Kind::Unknown(_) => {
                notes.push(no_estate(job.doc, &job.kind, named));
                Vec::new()
            }
        },
        _ => Vec::new(),
    };
    (raws, notes)
}

/// A document that is no estate: a fault where somebody named it, worth a note in a folder.
fn no_estate(doc: DocId, kind: &Kind, named: bool) -> Diagnostic {
    let severity = if named { Severity::Error } else { Severity::Note };
    Diagnostic::new(Code::UnknownFormat, whole(doc), format!("this is {kind}")).severity(severity)
}

/// What a document of Azure's own formats is.
pub(super) fn azure_kind(root: &Node) -> Option<Kind> {
    let schema = root.get("$schema").and_then(Node::as_str).unwrap_or_default().to_ascii_lowercase();
    if schema.contains("deploymenttemplate") {
        Some(Kind::Template)
    } else if schema.contains("deploymentparameters") {
        Some(Kind::Parameters)
    } else {
        None
    }
}

fn template(root: &Node, job: &Job, notes: &mut Diagnostics) -> Vec<RawResource> {
    let _ = (root, &job.parameters, &job.values, &job.target);
    notes.push(Diagnostic::new(Code::UnknownFormat, whole(job.doc), "templates are not read yet"));
    Vec::new()
}

/// Parameter values as typed, `name=value`: JSON where the value is JSON, else text.
pub(super) fn parameters_from_texts(
    texts: &[String],
    sources: &mut Sources,
    notes: &mut Diagnostics,
) -> Vec<(Word, Node)> {
    let mut out = Vec::new();
    for text in texts {
        let doc = sources.add("--parameter", text.as_str());
        let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
            let message = format!("`{text}` is not of the form name=value");
            notes.push(Diagnostic::new(Code::BadValue, whole(doc), message));
            continue;
        };
        let start = (name.len() + 1) as u32;
        let at = At { doc, start, end: text.len() as u32 };
        let node = match parse_json(doc, value, &mut Diagnostics::new()) {
            Ok(node) => Node { at, ..node },
            Err(_) => Node::new(at, Value::String(value.into())),
        };
        out.push((Word { text: name.trim().into(), at: At { doc, start: 0, end: name.len() as u32 } }, node));
    }
    out
}
