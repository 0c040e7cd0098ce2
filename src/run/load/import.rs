//! One document in, resources out: the seam to the formats.

use super::{DeploymentTarget, Kind, Read, Role, Settings, files, whole};
use crate::diag::{At, Code, Diagnostic, Diagnostics, DocId, Severity, Sources};
use crate::doc::{Node, Value, parse_json};
use crate::formats::detect::Detected;
use crate::formats::{Side, arm, export, native, terraform, what_if};
use crate::inventory::{RawResource, ResourceId};
use crate::scenario::Word;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What all documents of one load share.
pub(super) struct Shared {
    /// Parameter values that win over files.
    values: Vec<(Word, Node)>,
    target: DeploymentTarget,
    /// Which side of a plan or what-if is meant.
    side: Side,
    /// Templates and parameter files by path, for links between them.
    linked: Vec<(Arc<str>, Arc<Node>)>,
}

/// What one document gives.
#[derive(Default)]
pub(super) struct Imported {
    /// Its resources.
    pub(super) raws: Vec<RawResource>,
    /// What an export tells beside resources.
    pub(super) facts: export::Facts,
    /// What it takes away from other documents.
    pub(super) removed: Vec<ResourceId>,
    /// Linked templates that were not given: who links, and the end of the path.
    pub(super) missing_links: BTreeSet<(DocId, Arc<str>)>,
    /// How much of its expressions was evaluated.
    pub(super) stats: arm::Stats,
    /// What is wrong with it.
    pub(super) notes: Diagnostics,
}

/// One document to import, with what it needs.
#[derive(Clone)]
pub(super) struct Job {
    doc: DocId,
    path: PathBuf,
    kind: Kind,
    role: Role,
    root: Option<Arc<Node>>,
    parameters: Vec<Arc<Node>>,
    /// Whether another template deploys it, so that it is no estate of its own.
    is_part: bool,
    shared: Arc<Shared>,
}

/// One job for each document, in order.
pub(super) fn jobs(
    reads: &[Read],
    paired: &[Vec<usize>],
    values: Vec<(Word, Node)>,
    settings: &Settings,
) -> Vec<Job> {
    let linkable =
        |read: &&Read| matches!(read.kind, Kind::Is(Detected::ArmTemplate | Detected::ArmParameters));
    let linked = reads.iter().filter(linkable).filter_map(|read| {
        Some((Arc::from(read.path.to_string_lossy().replace('\\', "/")), read.root.clone()?))
    });
    let side = if settings.before_plan { Side::Before } else { Side::After };
    let shared = Arc::new(Shared { values, target: settings.target.clone(), side, linked: linked.collect() });
    let links = links(reads);
    let roots = |numbers: &[usize]| numbers.iter().filter_map(|n| reads[*n].root.clone()).collect::<Vec<_>>();
    let job = |(read, parameters): (&Read, &Vec<usize>)| Job {
        doc: read.doc,
        path: read.path.clone(),
        kind: read.kind.clone(),
        role: read.role,
        root: read.root.clone(),
        // What is named beside it wins over what came with it.
        parameters: read.parameters.iter().cloned().chain(roots(parameters)).collect(),
        is_part: read.role == (Role::Estate { named: false }) && is_linked(read, &links),
        shared: shared.clone(),
    };
    reads.iter().zip(paired).map(job).collect()
}

/// Every address and path that a template links to.
fn links(reads: &[Read]) -> Vec<String> {
    let mut out = Vec::new();
    for read in reads.iter().filter(|read| read.kind == Kind::Is(Detected::ArmTemplate)) {
        if let Some(root) = &read.root {
            collect_links(root, &mut out);
        }
    }
    out
}

fn collect_links(node: &Node, out: &mut Vec<String>) {
    match &node.value {
        Value::Array(items) => items.iter().for_each(|item| collect_links(item, out)),
        Value::Object(object) => {
            for entry in object.iter() {
                let link = entry.key.eq_ignore_ascii_case("templateLink");
                let words = ["uri", "relativePath"].iter().filter_map(|key| entry.value.get(key));
                if link {
                    out.extend(words.filter_map(Node::as_str).map(str::to_ascii_lowercase));
                }
                collect_links(&entry.value, out);
            }
        }
        _ => {}
    }
}

/// Whether a file found in a folder is deployed by another template, told by its file name in the link.
fn is_linked(read: &Read, links: &[String]) -> bool {
    let name = read.path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    read.kind == Kind::Is(Detected::ArmTemplate) && links.iter().any(|link| link.contains(&name))
}

/// Imports one document. What is no part of an estate gives nothing, and a diagnostic where it was named as one.
pub(super) fn run(job: Job) -> Imported {
    let mut out = Imported::default();
    let Role::Estate { named } = job.role else { return out };
    let Imported { raws, facts, removed, missing_links, stats, notes } = &mut out;
    match (&job.root, &job.kind) {
        (_, Kind::Unreadable) => {}
        (Some(root), Kind::Is(Detected::EstateFile)) => *raws = native::load(root, notes),
        (Some(_), Kind::Is(Detected::ArmTemplate)) if job.is_part => {
            let message = "another template deploys this one, so it is no estate of its own";
            let note = Diagnostic::new(Code::NotUnderstood, whole(job.doc), message);
            notes.push(note.severity(Severity::Note));
        }
        (Some(root), Kind::Is(Detected::ArmTemplate)) => {
            let deployment = template(root, &job, notes);
            *raws = deployment.resources;
            export::report_strangers(raws, notes);
            *missing_links = deployment.missing_links;
            *stats = deployment.stats;
        }
        (Some(root), Kind::Is(Detected::Export(_))) => {
            let exported = exported(root, &job, notes);
            *raws = exported.resources;
            *facts = exported.facts;
        }
        (Some(root), Kind::Is(Detected::TerraformPlan | Detected::TerraformState)) => {
            *raws = terraform::load(root, job.shared.side, notes);
            if job.shared.side == Side::After {
                *removed = terraform::removed(root);
            }
        }
        (Some(root), Kind::Is(Detected::WhatIfResult)) => {
            let result = what_if::load(root, job.shared.side, notes);
            *raws = result.resources;
            *removed = result.removed;
        }
        (_, Kind::Is(Detected::ArmParameters | Detected::ServiceTags)) => {}
        (_, kind) => notes.push(no_estate(&job, kind, named)),
    }
    out
}

impl Job {
    /// The same job with more templates and parameter files to link to.
    pub(super) fn with_linked(&self, shared: &Arc<Shared>) -> Job {
        Job { shared: shared.clone(), ..self.clone() }
    }

    /// Where linked templates are looked for.
    pub(super) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// What all jobs share.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Shared {
    /// The same with more templates and parameter files by path.
    pub(super) fn with_linked(&self, more: impl IntoIterator<Item = (Arc<str>, Arc<Node>)>) -> Arc<Shared> {
        let mut linked = self.linked.clone();
        linked.extend(more);
        let (values, target) = (self.values.clone(), self.target.clone());
        Arc::new(Shared { values, target, side: self.side, linked })
    }
}

/// A document that is no estate: a fault where somebody named it, worth a note in a folder.
fn no_estate(job: &Job, kind: &Kind, named: bool) -> Diagnostic {
    let severity = if named { Severity::Error } else { Severity::Note };
    let at = whole(job.doc);
    let refusal = match kind {
        Kind::Is(detected) => detected.refusal(&job.path.to_string_lossy(), at),
        Kind::Changes | Kind::Unreadable => None,
    };
    let plain = || Diagnostic::new(Code::UnknownFormat, at, format!("{} is no estate", kind.label()));
    refusal.unwrap_or_else(plain).severity(severity)
}

fn exported(root: &Node, job: &Job, notes: &mut Diagnostics) -> export::Export {
    let export = export::load(root, notes);
    if export.resources.is_empty() && export.facts.is_empty() && !notes.has_errors() {
        let message = format!("{} holds no resource, so it adds nothing to the estate", job.kind.label());
        notes.push(Diagnostic::new(Code::NotUnderstood, whole(job.doc), message));
    }
    export
}

fn template(root: &Node, job: &Job, notes: &mut Diagnostics) -> arm::Deployment {
    let mut options = arm::Options::default();
    let DeploymentTarget { subscription, resource_group, location } = &job.shared.target;
    let put = |field: &mut Arc<str>, given: &Option<String>| {
        if let Some(text) = given {
            *field = text.as_str().into();
        }
    };
    put(&mut options.subscription_id, subscription);
    put(&mut options.resource_group, resource_group);
    put(&mut options.location, location);
    options.parameters =
        job.shared.values.iter().map(|(name, value)| (name.text.to_string(), value.clone())).collect();
    let others = job.shared.linked.iter().filter(|(_, node)| !std::ptr::eq(&**node, root));
    options.linked = others.map(|(path, node)| (path.clone(), Node::clone(node))).collect();
    let parameters: Vec<&Node> = job.parameters.iter().map(|node| &**node).collect();
    arm::load(root, &parameters, &options, notes)
}

/// Parameter values as typed, `name=value`: JSON where the value is JSON, else text; `name=@FILE` is what the file
/// holds, as the command line of Azure has it.
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
        let at = At { doc, start: (name.len() + 1) as u32, end: text.len() as u32 };
        let word = Word { text: name.trim().into(), at: At { doc, start: 0, end: name.len() as u32 } };
        if let Some(file) = value.strip_prefix('@').filter(|file| !file.is_empty()) {
            match files::read_text(Path::new(file)) {
                Ok(inside) => {
                    let doc = sources.add(file, inside.as_str());
                    let whole = At { doc, start: 0, end: inside.len() as u32 };
                    let node = parse_json(doc, &inside, &mut Diagnostics::new())
                        .unwrap_or_else(|_| Node::new(whole, Value::String(inside.into())));
                    out.push((word, node));
                }
                Err(error) => notes.push(Diagnostic::new(Code::BadValue, at, error.to_string())),
            }
            continue;
        }
        // Blanks in the place of the name keep every place inside the value right.
        let padded = format!("{}{value}", " ".repeat(name.len() + 1));
        let node = parse_json(doc, &padded, &mut Diagnostics::new())
            .unwrap_or_else(|_| Node::new(at, Value::String(value.into())));
        out.push((word, node));
    }
    out
}
