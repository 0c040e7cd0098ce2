//! Loading estates: many files at once, recognised by content, put together in the order of the paths.

mod compiled;
mod envelope;
mod import;
mod link;
mod pair;
mod recognise;

pub use compiled::{Unopened, is_plain, open};
pub use recognise::{Kind, parse};

use super::files::{self, FileError, Found, Skipped};
use super::observed;
use crate::diag::{At, Code, Diagnostic, Diagnostics, DocId, Sources, Text};
use crate::doc::Node;
use crate::formats::detect::Detected;
use crate::formats::export::Facts;
use crate::formats::{arm, change, native};
use crate::inventory::change::Change;
use crate::inventory::{Origin, RawResource, ResourceId};
use crate::net::{IpAddr, Ipv4Addr};
use crate::run::snapshot::Compiled;
use crate::scenario::Word;
use crate::tags::ServiceTags;
use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// What to read beside the estate itself, and how.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Parameter files for every template.
    pub parameter_files: Vec<PathBuf>,
    /// Parameter values as typed, `name=value`; they win over files.
    pub parameter_texts: Vec<String>,
    /// Parameter values of a scenario; they win over files.
    pub parameters: Vec<(Word, Node)>,
    /// Microsoft's service tag file.
    pub service_tags: Option<PathBuf>,
    /// Change files, applied in order.
    pub change_files: Vec<PathBuf>,
    /// Where templates are deployed.
    pub target: DeploymentTarget,
    /// Whether a Terraform plan or a what-if result means what is deployed now, and not what will be.
    pub before_plan: bool,
    /// Which description wins where a template or plan and an export describe one resource.
    pub prefer: Prefer,
    /// Another service tag file, for the question what changes with it.
    pub service_tags_after: Option<PathBuf>,
}

/// Which description of a resource wins, property by property. Our own estate file always does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefer {
    /// What is deployed, as an export or a state tells it.
    #[default]
    Deployed,
    /// What a template or plan will make of it.
    Planned,
}

/// Where templates are deployed, as far as somebody says.
#[derive(Clone, Debug, Default)]
pub struct DeploymentTarget {
    /// The subscription.
    pub subscription: Option<String>,
    /// The resource group.
    pub resource_group: Option<String>,
    /// The region.
    pub location: Option<String>,
}

/// An estate as loaded.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Every document read.
    pub sources: Sources,
    /// The resources, in the order of the documents.
    pub raws: Vec<RawResource>,
    /// Changes of change files.
    pub changes: Vec<Change>,
    /// The service tags to use.
    pub tags: Arc<ServiceTags>,
    /// The service tags of the other file, if one was given.
    pub tags_after: Option<Arc<ServiceTags>>,
    /// What Azure's answers tell beside resources.
    pub facts: Facts,
    /// How much of the templates' expressions was evaluated.
    pub expressions: arm::Stats,
    /// What is wrong with the documents.
    pub notes: Diagnostics,
    /// What each document was.
    pub documents: Vec<Document>,
    /// Tables that came with it, where it was compiled before.
    pub compiled: Option<Compiled>,
}

/// A document and what it was.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its number.
    pub doc: DocId,
    /// What it is.
    pub kind: Kind,
    /// How many resources it gave.
    pub resources: usize,
}

/// What a document is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Part of the estate, named or found in a folder.
    Estate { named: bool },
    /// A parameter file for every template.
    Parameters,
    /// A file that nobody named, with the name a template's parameter file would have.
    Beside,
    /// The service tag file.
    Tags,
    /// The other service tag file.
    TagsAfter,
    /// A template or parameter file that a template links to.
    Linked,
    /// A change file.
    Changes,
}

/// A document read and parsed.
struct Read {
    path: PathBuf,
    role: Role,
    doc: DocId,
    root: Option<Arc<Node>>,
    kind: Kind,
    /// The parameters that came with a template in one document.
    parameters: Option<Arc<Node>>,
}

impl Read {
    fn new(path: PathBuf, role: Role, doc: DocId, found: recognise::Recognised) -> Self {
        let recognise::Recognised { root, kind, parameters } = found;
        Self { path, role, doc, root: root.map(Arc::new), kind, parameters: parameters.map(Arc::new) }
    }
}

/// Loads an estate from files and folders, and from sections written elsewhere (`inline`). Numbers of documents,
/// resources and diagnostics come in the order of the paths, whoever is read first. Every file that cannot be
/// read is named.
pub async fn load(
    paths: &[PathBuf],
    inline: &[Node],
    settings: &Settings,
    mut sources: Sources,
) -> Result<Loaded, Vec<FileError>> {
    let span = tracing::info_span!("load", paths = paths.len());
    let (wanted, skipped) = wanted(paths, settings).map_err(|error| vec![error])?;
    let reads = read_all(wanted, &mut sources).await?;
    span.in_scope(|| tracing::info!(documents = reads.len(), "read"));
    let mut notes = Diagnostics::new();
    skipped.iter().for_each(|skipped| notes.push(skipped.note()));
    let parsed = once(parse_all(reads, &sources, &mut notes).await);
    let loaded = import_all(parsed, inline, settings, sources, notes).await;
    span.in_scope(|| tracing::info!(resources = loaded.raws.len(), notes = loaded.notes.len(), "loaded"));
    Ok(loaded)
}

/// Files to read with what each is for, and what is passed over.
type Wanted = (Vec<(PathBuf, Role)>, Vec<Skipped>);

/// Every file to read with what it is for.
fn wanted(paths: &[PathBuf], settings: &Settings) -> Result<Wanted, FileError> {
    let found = files::expand(paths)?;
    let mut wanted: Vec<(PathBuf, Role)> =
        found.files.into_iter().map(|Found { path, named }| (path, Role::Estate { named })).collect();
    if settings.parameter_files.is_empty() {
        let beside = parameters_beside(&wanted);
        wanted.extend(beside);
    }
    wanted.extend(settings.parameter_files.iter().map(|p| (p.clone(), Role::Parameters)));
    wanted.extend(settings.service_tags.iter().map(|p| (p.clone(), Role::Tags)));
    wanted.extend(settings.service_tags_after.iter().map(|p| (p.clone(), Role::TagsAfter)));
    wanted.extend(settings.change_files.iter().map(|p| (p.clone(), Role::Changes)));
    Ok((wanted, found.skipped))
}

/// `main.parameters.json` beside a `main.json` that was named alone.
fn parameters_beside(wanted: &[(PathBuf, Role)]) -> Vec<(PathBuf, Role)> {
    let named = wanted.iter().filter(|(_, role)| *role == Role::Estate { named: true });
    let candidates = named.filter_map(|(path, _)| pair::usual_parameters(path));
    let new = candidates.filter(|path| wanted.iter().all(|(given, _)| given != path));
    new.filter(|path| files::exists(path)).map(|path| (path, Role::Beside)).collect()
}

async fn read_all(
    wanted: Vec<(PathBuf, Role)>,
    sources: &mut Sources,
) -> Result<Vec<(PathBuf, Role, DocId)>, Vec<FileError>> {
    let read = |(path, role): (PathBuf, Role)| files::read_text(&path).map(|text| (path, role, text));
    let mut faults = Vec::new();
    let mut out = Vec::new();
    for result in in_order(wanted, read).await {
        match result {
            Ok((path, role, text)) => {
                let doc = sources.add(path.display().to_string(), text);
                out.push((path, role, doc));
            }
            Err(error) => faults.push(error),
        }
    }
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

async fn parse_all(
    reads: Vec<(PathBuf, Role, DocId)>,
    sources: &Sources,
    notes: &mut Diagnostics,
) -> Vec<Read> {
    let text = |doc: DocId| sources.get(doc).map(|source| source.text.clone()).unwrap_or_default();
    let work: Vec<_> = reads.into_iter().map(|(path, role, doc)| (text(doc), path, role, doc)).collect();
    let parsed = in_order(work, |(text, path, role, doc): (Text, PathBuf, Role, DocId)| {
        let mut notes = Diagnostics::new();
        let found = recognise::recognise(doc, &path, &text, role, &mut notes);
        (Read::new(path, role, doc, found), notes)
    });
    let mut out = Vec::new();
    for (read, more) in parsed.await {
        notes.extend(more);
        out.push(read);
    }
    out
}

/// Every file once, but a template as often as it is named with parameters of its own behind it.
fn once(reads: Vec<Read>) -> Vec<Read> {
    let is = |read: Option<&Read>, kind: Detected| {
        read.is_some_and(|r| r.role == Role::Estate { named: true } && r.kind == Kind::Is(kind))
    };
    let repeats = |number: usize, read: &Read| {
        let before = &reads[..number];
        let met = matches!(read.role, Role::Estate { .. })
            && before.iter().any(|r| r.path == read.path && matches!(r.role, Role::Estate { .. }));
        let again =
            is(Some(read), Detected::ArmTemplate) && is(reads.get(number + 1), Detected::ArmParameters);
        let behind = is(Some(read), Detected::ArmParameters)
            && is(number.checked_sub(1).and_then(|n| reads.get(n)), Detected::ArmTemplate);
        met && !again && !behind
    };
    let keep: Vec<bool> = reads.iter().enumerate().map(|(number, read)| !repeats(number, read)).collect();
    reads.into_iter().zip(keep).filter(|(_, keep)| *keep).map(|(read, _)| read).collect()
}

async fn import_all(
    mut reads: Vec<Read>,
    inline: &[Node],
    settings: &Settings,
    mut sources: Sources,
    mut notes: Diagnostics,
) -> Loaded {
    let texts = import::parameters_from_texts(&settings.parameter_texts, &mut sources, &mut notes);
    let values: Vec<(Word, Node)> = settings.parameters.iter().cloned().chain(texts).collect();
    let paired = pair::pair(&reads, &mut notes);
    if !reads.iter().any(|read| read.kind == Kind::Is(Detected::ArmTemplate)) {
        for (name, _) in &values {
            let message = format!("there is no template that the parameter `{}` could be for", name.text);
            notes.push(Diagnostic::new(Code::NotUnderstood, name.at, message));
        }
    }
    let work: Vec<import::Job> = import::jobs(&reads, &paired, values, settings);
    let mut done = in_order(work.clone(), import::run).await;
    link::follow(&mut reads, work, &mut done, &mut sources, &mut notes).await;
    let mut loaded = put_together(&reads, done, &mut notes);
    for node in inline {
        loaded.raws.extend(native::load_inline(node, &mut notes));
    }
    if settings.prefer == Prefer::Planned {
        let planned = loaded.raws.iter_mut().filter(|raw| raw.origin == Origin::Template);
        planned.for_each(|raw| raw.origin = Origin::Planned);
    }
    for read in reads.iter().filter(|read| read.role == Role::Changes) {
        match (&read.root, &read.kind) {
            (Some(root), Kind::Changes) => loaded.changes.extend(change::load(root, &mut notes)),
            (Some(_), kind) => notes.push(not_wanted(read.doc, "a change file", kind)),
            (None, _) => {}
        }
    }
    loaded.tags = service_tags(&reads, Role::Tags, &mut notes).unwrap_or_else(builtin);
    loaded.tags_after = service_tags(&reads, Role::TagsAfter, &mut notes);
    observed::take_in(&loaded.facts, &mut loaded.raws, &loaded.tags, &sources, &mut notes);
    loaded.sources = sources;
    loaded.notes = notes;
    loaded
}

/// What the documents give together, in their order. What one takes away goes from the others.
fn put_together(reads: &[Read], done: Vec<import::Imported>, notes: &mut Diagnostics) -> Loaded {
    let mut loaded = Loaded::default();
    let mut removed: Vec<(DocId, ResourceId)> = Vec::new();
    for (number, imported) in done.into_iter().enumerate() {
        let Read { doc, kind, .. } = &reads[number];
        loaded.documents.push(Document { doc: *doc, kind: kind.clone(), resources: imported.raws.len() });
        loaded.raws.extend(imported.raws);
        loaded.facts.extend(imported.facts);
        loaded.expressions += imported.stats;
        removed.extend(imported.removed.into_iter().map(|id| (*doc, id)));
        notes.extend(imported.notes);
    }
    let is_removed =
        |raw: &RawResource| removed.iter().any(|(doc, id)| *doc != raw.at.doc && is_or_is_in(&raw.id, id));
    if !removed.is_empty() {
        loaded.raws.retain(|raw| raw.origin == Origin::Estate || !is_removed(raw));
    }
    loaded
}

/// Whether a resource is the other one, or a child of it.
fn is_or_is_in(id: &ResourceId, other: &ResourceId) -> bool {
    let mut here = Some(id.clone());
    while let Some(id) = here {
        if id == *other {
            return true;
        }
        here = id.parent();
    }
    false
}

/// The tags of the file with this role; of the one among the estate's files, where the role is the usual one and
/// no file has it.
fn service_tags(reads: &[Read], role: Role, notes: &mut Diagnostics) -> Option<Arc<ServiceTags>> {
    let is_tags = |read: &&Read| read.kind == Kind::Is(Detected::ServiceTags);
    for read in reads.iter().filter(|r| r.role == role && r.root.is_some() && !is_tags(r)) {
        notes.push(not_wanted(read.doc, "a service tag file", &read.kind));
    }
    let of_estate = |read: &&Read| role == Role::Tags && matches!(read.role, Role::Estate { .. });
    let mut files: Vec<&Read> =
        reads.iter().filter(is_tags).filter(|r| r.role == role || of_estate(r)).collect();
    if files.iter().any(|read| read.role == role) {
        files.retain(|read| read.role == role);
    }
    if let [first, second, ..] = files[..] {
        let at = whole(second.doc);
        let message = "there are two service tag files, and only one can hold";
        notes.push(
            Diagnostic::new(Code::AmbiguousReference, at, message)
                .also(whole(first.doc), "the other one")
                .help("choose with `--service-tags FILE`"),
        );
    }
    let root = files.first().and_then(|read| read.root.as_deref())?;
    match ServiceTags::from_json(root, notes) {
        Ok(tags) => Some(indexed(tags)),
        Err(fault) => {
            notes.push(fault);
            None
        }
    }
}

/// The built-in table, made once.
fn builtin() -> Arc<ServiceTags> {
    static BUILTIN: OnceLock<Arc<ServiceTags>> = OnceLock::new();
    BUILTIN.get_or_init(|| indexed(ServiceTags::builtin())).clone()
}

/// A table with its index built, so that every network compiled from it gets both.
fn indexed(tags: ServiceTags) -> Arc<ServiceTags> {
    tags.holding(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    Arc::new(tags)
}

/// What a file is.
pub fn kind_of(path: &Path) -> Result<Kind, FileError> {
    let text = files::read_text(path)?;
    let role = Role::Estate { named: true };
    Ok(recognise::recognise(DocId(0), path, &text, role, &mut Diagnostics::new()).kind)
}

fn not_wanted(doc: DocId, wanted: &str, kind: &Kind) -> Diagnostic {
    let message = format!("{wanted} is wanted here, and this is {}", kind.label());
    Diagnostic::new(Code::UnknownFormat, whole(doc), message)
}

/// A document as a place.
fn whole(doc: DocId) -> At {
    At { doc, start: 0, end: 0 }
}

/// Does blocking work on as many threads as the machine has, and gives the results in the order of the items.
pub async fn in_order<T, R>(items: Vec<T>, work: impl Fn(T) -> R + Send + Sync + 'static) -> Vec<R>
where
    T: Send + 'static,
    R: Send + 'static,
{
    let work = Arc::new(work);
    let mut running = VecDeque::new();
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        if running.len() >= 2 * workers() {
            out.push(joined(running.pop_front()).await);
        }
        let work = work.clone();
        running.push_back(Some(tokio::task::spawn_blocking(move || work(item))));
    }
    while let Some(handle) = running.pop_front() {
        out.push(joined(Some(handle)).await);
    }
    out
}

async fn joined<R>(handle: Option<Option<tokio::task::JoinHandle<R>>>) -> R {
    let handle = handle.flatten().expect("INVARIANT: a handle was put in for each item");
    match handle.await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// How many workers compute at once.
pub fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A path of a scenario, relative to its file.
pub fn beside(file: &Path, path: &str) -> PathBuf {
    let joined = file.parent().unwrap_or(Path::new("")).join(path);
    let short = without_detours(&joined);
    // Behind a link, `..` leads elsewhere than the letters say.
    let same = short != joined && short.canonicalize().ok() == joined.canonicalize().ok();
    if same { short } else { joined }
}

/// A path without `.` and without folders that `..` leaves again.
fn without_detours(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let inside = matches!(short.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::CurDir => {}
            Component::ParentDir if inside => {
                short.pop();
            }
            _ => short.push(part),
        }
    }
    short
}

#[cfg(test)]
mod tests;
