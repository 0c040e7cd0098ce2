//! Linked templates that lie on disk beside the template that links them.
//!
//! Only files below the template's own folder, or where its relative path says, are looked for, and only such
//! as are named `*.json` or `*.jsonc`. A linked template may link further ones, so this goes in rounds.

use super::import::{self, Imported, Job};
use super::{Kind, Read, Role, files, in_order, recognise, whole};
use crate::diag::{Code, Diagnostic, Diagnostics, Sources};
use crate::doc::Node;
use crate::formats::arm;
use crate::formats::detect::Detected;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Linked templates may link further ones so deeply.
const MAX_ROUNDS: usize = 16;

/// So many linked files are read for one estate.
const MAX_FILES: usize = 1_000;

/// Reads what the templates link to and expands them again, until nothing more is found.
pub(super) async fn follow(
    reads: &mut Vec<Read>,
    mut jobs: Vec<Job>,
    done: &mut [Imported],
    sources: &mut Sources,
    notes: &mut Diagnostics,
) {
    let mut tried: BTreeSet<PathBuf> = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let waiting: Vec<usize> = (0..done.len()).filter(|n| !done[*n].missing_links.is_empty()).collect();
        let mut found: BTreeSet<PathBuf> = BTreeSet::new();
        for number in &waiting {
            let links = done[*number].missing_links.iter();
            found.extend(links.filter_map(|(doc, link)| {
                let path = reads.iter().find(|r| r.doc == *doc).map(|r| r.path.as_path());
                on_disk(path.unwrap_or(jobs[*number].path()), link)
            }));
        }
        found.retain(|path| tried.insert(path.clone()));
        let read = read_all(found, sources, notes);
        if read.is_empty() || tried.len() > MAX_FILES {
            return;
        }
        let linked: Vec<(Arc<str>, Arc<Node>)> = read.iter().filter_map(linkable).collect();
        reads.extend(read);
        let Some(shared) = jobs.first().map(|job| job.shared().with_linked(linked)) else { return };
        jobs = jobs.iter().map(|job| job.with_linked(&shared)).collect();
        let again: Vec<Job> = waiting.iter().map(|number| jobs[*number].clone()).collect();
        for (number, imported) in waiting.into_iter().zip(in_order(again, import::run).await) {
            done[number] = imported;
        }
    }
}

fn linkable(read: &Read) -> Option<(Arc<str>, Arc<Node>)> {
    let is_one = matches!(read.kind, Kind::Is(Detected::ArmTemplate | Detected::ArmParameters));
    let path: Arc<str> = read.path.to_string_lossy().replace('\\', "/").into();
    read.root.clone().filter(|_| is_one).map(|root| (path, root))
}

/// The file that a link means: the whole path first, then less and less of its end. A name that every folder has
/// must come with its folder.
fn on_disk(template: &Path, link: &str) -> Option<PathBuf> {
    let folder = template.parent().unwrap_or(Path::new(""));
    let lower = link.to_ascii_lowercase();
    if ![".json", ".jsonc"].iter().any(|end| lower.ends_with(end)) {
        return None;
    }
    let segments: Vec<&str> = link.split('/').collect();
    let here = folder.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    (0..segments.len()).find_map(|skip| {
        let name_only = skip > 0 && skip + 1 == segments.len();
        let before = skip.checked_sub(1).map(|before| segments[before].to_ascii_lowercase());
        if name_only && arm::is_usual_name(&segments[skip].to_ascii_lowercase()) && before != here {
            return None;
        }
        let path = folder.join(segments[skip..].join("/"));
        (path != template && files::exists(&path)).then_some(path)
    })
}

/// Reads and parses files. One that cannot be read stays missing, which the template's diagnostic says.
fn read_all(paths: BTreeSet<PathBuf>, sources: &mut Sources, notes: &mut Diagnostics) -> Vec<Read> {
    let mut out = Vec::new();
    for path in paths {
        let Ok(text) = files::read_text(&path) else { continue };
        let doc = sources.add(path.display().to_string(), text.as_str());
        let found = recognise::recognise(doc, &path, &text, Role::Linked, notes);
        let message = format!("`{}` is read because a template links to it", path.display());
        notes.push(Diagnostic::new(Code::LinkedBeside, whole(doc), message));
        out.push(Read::new(path, Role::Linked, doc, found));
    }
    out
}
