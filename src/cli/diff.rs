//! `netwhy diff`: two estates, or one with and without a change.

use super::args::{DiffArgs, FailOn, ImpactFormat};
use super::console::Console;
use super::sink::Sink;
use super::{Failure, exit, load, trace};
use crate::diag::Sources;
use crate::formats::detect::Detected;
use crate::inventory::change::Change;
use crate::network::Network;
use crate::profile::Profile;
use crate::report::diff::{self, DiffReport, FlowDiffView, GroupDiffView, ResourceDiffView};
use crate::report::{self, Locator};
use crate::run::diff::{Side, compared};
use crate::run::engine;
use crate::run::load::{Kind, Loaded};
use crate::run::what_if::Estate;
use crate::scenario::Scenario;
use crate::trace::Flow;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Compares.
pub(super) async fn run(args: DiffArgs, console: &Console) -> Result<u8, Failure> {
    let scenarios: Vec<(Sources, Scenario)> =
        args.scenario.iter().map(|path| trace::read_scenario(path, console)).collect::<Result<_, _>>()?;
    let itself = args.after.is_none() && args.settings.change.is_empty();
    let mut before = Loading::of(&args, &args.before, itself).await?;
    let after_path = args.after.as_deref().unwrap_or(&args.before);
    let mut after = Loading::of(&args, after_path, false).await?;
    // A change makes the estate after; before it there is none.
    before.changes.clear();
    let network = before.compiled(&args, console)?;
    let flows = flows(&scenarios, &network)?;
    let after_network = after.compiled(&args, console)?;
    let result = compared(before.side(network), after.side(after_network), flows);
    let (old, new) = (Locator::new(&before.loaded.sources), Locator::new(&after.loaded.sources));
    let report = DiffReport {
        version: diff::VERSION,
        before: name(&args.before, itself, "before the plan"),
        after: name(after_path, args.after.is_none(), if itself { "after the plan" } else { "changed" }),
        flows_asked: result.asked,
        derived: result.derived,
        behaviour: result.behaviour.iter().map(|flow| FlowDiffView::new(flow, &old, &new)).collect(),
        configuration: result.configuration.iter().map(|r| ResourceDiffView::new(r, &old, &new)).collect(),
        groups: result.groups.iter().map(|g| GroupDiffView::new(g, &old, &new)).collect(),
    };
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let style = console.style(out.colors(console), args.verbose);
    let mut text = String::new();
    match args.format {
        ImpactFormat::Text => diff::text(&mut text, &report, &style),
        ImpactFormat::Json => report::json::pretty(&mut text, &report),
        ImpactFormat::Markdown => diff::markdown(&mut text, &report),
    }
    out.write_all(text.as_bytes())?;
    out.finish()?;
    Ok(code(&args, &report))
}

fn name(path: &Path, said: bool, word: &str) -> String {
    if said { format!("{} ({word})", path.display()) } else { path.display().to_string() }
}

fn code(args: &DiffArgs, report: &DiffReport) -> u8 {
    let fails = match args.fail_on_difference {
        None => false,
        Some(FailOn::Any) => !report.is_empty(),
        // Where no flow was asked, nobody knows that the behaviour is the same.
        Some(FailOn::Behaviour) => !report.behaviour.is_empty() || report.is_behaviour_unknown(),
        Some(FailOn::Configuration) => !report.configuration.is_empty(),
    };
    if fails { exit::FAILED } else { exit::DONE }
}

/// One of the estates while it is loaded.
struct Loading {
    loaded: Loaded,
    changes: Vec<Change>,
    profile: Profile,
}

impl Loading {
    async fn of(args: &DiffArgs, path: &Path, before_plan: bool) -> Result<Self, Failure> {
        let mut settings = args.settings.settings();
        settings.before_plan |= before_plan;
        let paths: Vec<PathBuf> = std::iter::once(path.to_owned()).chain(args.both.iter().cloned()).collect();
        let profile = load::profile(&args.settings.profile_set)?;
        let mut loaded = load::loaded(&paths, &[], &settings, Sources::default()).await?;
        if before_plan
            && !loaded.documents.iter().any(|document| document.kind == Kind::Is(Detected::TerraformPlan))
        {
            return Err(Failure::Usage(format!(
                "`{}` is no Terraform plan, so there is nothing to compare it with; name a second estate or `--change FILE`",
                path.display()
            )));
        }
        let changes = std::mem::take(&mut loaded.changes);
        Ok(Self { loaded, changes, profile })
    }

    fn compiled(&mut self, args: &DiffArgs, console: &Console) -> Result<Network, Failure> {
        let lenient = args.settings.lenient;
        Ok(load::compiled(&mut self.loaded, &self.changes, self.profile.clone(), lenient, console)?.0)
    }

    fn side(&mut self, network: Network) -> Side<'_> {
        let Loaded { raws, tags, notes, sources, .. } = &mut self.loaded;
        let estate = Estate { raws, base: &self.changes, profile: &self.profile, tags, known: notes };
        Side { estate, sources, network }
    }
}

/// The flows of the scenarios; nothing where none is given.
fn flows(scenarios: &[(Sources, Scenario)], network: &Network) -> Result<Option<Vec<Flow>>, Failure> {
    if scenarios.is_empty() {
        return Ok(None);
    }
    let mut flows = Vec::new();
    for case in scenarios.iter().flat_map(|(_, scenario)| &scenario.cases) {
        match case.question.flow(Some(case.name.clone()), case.at, &network.inventory) {
            Ok(flow) => flows.push(flow),
            Err(fault) => return Err(Failure::Input(vec![format!("{}: {}", case.name, fault.message)])),
        }
    }
    let asked = flows.iter().any(|flow| engine::understood(network, flow, crate::diag::At::NOWHERE).is_ok());
    if !asked {
        return Err(Failure::Input(vec!["no flow of the scenarios means anything in the estate".into()]));
    }
    Ok(Some(flows))
}
