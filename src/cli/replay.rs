//! `netwhy replay`: recorded answers of Network Watcher beside ours.

use super::args::{EstateArgs, OutputArgs};
use super::console::Console;
use super::exit;
use super::sink::Sink;
use super::{Failure, load};
use crate::analysis::Subject;
use crate::analysis::replay::{Replayed, replay, routes_alone, routes_of, rules_of};
use crate::diag::{Diagnostics, Sources};
use crate::doc::Node;
use crate::formats::detect::Detected;
use crate::formats::export::{self, ExportKind};
use crate::network::Network;
use crate::profile::Profile;
use crate::report;
use crate::run::load::{self as loader, Kind, Loaded};
use clap::{Args as ClapArgs, ValueEnum};
use std::io::Write;
use std::path::PathBuf;

/// Are recorded answers ours too?
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  netwhy replay checks.json
  netwhy replay export/ nic-routes.json --of web

A recording holds `checks` with operation, request, response and resources. Exported effective routes are compared
with those of `--of`; without it the table itself tells the network around it.
Exit codes: 0 every answer is ours, 1 one differs, 3 a recording is faulty or NAME is in none of the files.")]
pub(super) struct ReplayArgs {
    /// Recordings, exported effective routes or rules, and the estate they are of
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Whose effective routes and rules are exported: a machine, an interface or a subnet
    #[arg(long, value_name = "NAME")]
    pub(super) of: Option<String>,
    #[command(flatten)]
    pub(super) settings: EstateArgs,
    /// Output format
    #[arg(long, value_enum, default_value_t = ReplayFormat::Text, value_name = "FORMAT", help_heading = "Output")]
    pub(super) format: ReplayFormat,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReplayFormat {
    /// For people
    Text,
    /// Every answer with every field
    Json,
}

/// Asks every recorded question again.
pub(super) async fn run(args: ReplayArgs, console: &Console) -> Result<u8, Failure> {
    let profile = load::profile(&args.settings.profile_set)?;
    let settings = args.settings.settings();
    let mut loaded = load::loaded(&args.files, &[], &settings, Sources::default()).await?;
    let recorded = documents(&loaded);
    if args.of.is_none() || recorded.is_empty() {
        // With an estate this is told when it is compiled.
        console.diagnostics(&loaded.notes, &loaded.sources);
        load::sound(&loaded.notes, args.settings.lenient)?;
    }
    if recorded.is_empty() {
        return Err(Failure::Input(vec![nothing_recorded(&loaded)]));
    }
    let network = match &args.of {
        Some(_) => {
            let changes = std::mem::take(&mut loaded.changes);
            Some(load::compiled(&mut loaded, &changes, profile.clone(), args.settings.lenient, console)?.0)
        }
        None => None,
    };
    let mut answers = Vec::new();
    for (file, kind, root) in recorded {
        let asked = asked(&loaded, kind, &root, &profile, network.as_ref(), args.of.as_deref())?;
        answers.extend(asked.into_iter().map(|answer| (file.clone(), answer)));
    }
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let mut text = String::new();
    match args.format {
        ReplayFormat::Text => {
            report::replay::text(&mut text, &answers, &console.style(out.colors(console), false));
        }
        ReplayFormat::Json => report::replay::json(&mut text, &answers),
    }
    out.write_all(text.as_bytes())?;
    out.finish()?;
    let differs = answers.iter().any(|(_, a)| a.not_asked.is_none() && !a.agrees());
    Ok(if differs { exit::FAILED } else { exit::DONE })
}

/// So many documents are told of.
const TOLD: usize = 4;

/// What there is instead of recorded answers.
fn nothing_recorded(loaded: &Loaded) -> String {
    let mut message =
        "none of the files holds recorded checks, effective routes or effective rules".to_owned();
    for document in loaded.documents.iter().take(TOLD) {
        let name = loaded.sources.get(document.doc).map_or("", |source| &source.name);
        message.push_str(&format!("; `{name}` is {}", document.kind.label()));
    }
    if loaded.documents.len() > TOLD {
        message.push_str(&format!("; and {} more", loaded.documents.len() - TOLD));
    }
    message
}

/// The documents that hold answers.
fn documents(loaded: &Loaded) -> Vec<(String, ExportKind, Node)> {
    let mut out = Vec::new();
    for document in &loaded.documents {
        let Kind::Is(Detected::Export(kind)) = document.kind else { continue };
        let answers =
            matches!(kind, ExportKind::Recording | ExportKind::EffectiveRoutes | ExportKind::EffectiveRules);
        let Some(source) = loaded.sources.get(document.doc).filter(|_| answers) else { continue };
        let root = loader::parse(document.doc, &source.text, &mut Diagnostics::new());
        out.extend(root.map(|root| (source.name.to_string(), kind, root)));
    }
    out
}

fn asked(
    loaded: &Loaded,
    kind: ExportKind,
    root: &Node,
    profile: &Profile,
    network: Option<&Network>,
    of: Option<&str>,
) -> Result<Vec<Replayed>, Failure> {
    let facts = export::load(root, &mut Diagnostics::new()).facts;
    let told = |error: crate::analysis::AskError| Failure::Input(vec![error.to_string()]);
    let subject = match (network, of) {
        (Some(network), Some(of)) => Some((network, Subject::find(network, of).map_err(told)?)),
        _ => None,
    };
    Ok(match (kind, subject) {
        (ExportKind::EffectiveRoutes, Some((network, subject))) => {
            vec![routes_of(network, &subject, root).map_err(told)?]
        }
        (ExportKind::EffectiveRoutes, None) => {
            facts.effective_routes.iter().map(|r| routes_alone(r, root, &loaded.tags, profile)).collect()
        }
        (ExportKind::EffectiveRules, Some((network, subject))) => {
            vec![rules_of(network, &subject, root).map_err(told)?]
        }
        (ExportKind::EffectiveRules, None) => {
            let message = "effective rules need the estate they are of, and `--of NAME`";
            return Err(Failure::Usage(message.into()));
        }
        _ => replay(&facts.checks, &loaded.tags, profile),
    })
}
