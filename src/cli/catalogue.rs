//! `netwhy catalogue`: what workloads need from the network.

use super::Failure;
use super::args::{CatalogueArgs, CatalogueFormat};
use super::console::Console;
use super::exit;
use super::names::did_you_mean;
use super::sink::Sink;
use crate::catalogue::{self, Catalogue, Direction, Filter, Phase, Workload, live};
use crate::diag::{Diagnostics, Sources, nearest};
use crate::profile::Profile;
use crate::report::{catalogue as pages, json};
use crate::run::files;
use crate::run::load as loader;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Prints the catalogue.
pub(super) fn run(args: &CatalogueArgs, console: &Console) -> Result<u8, Failure> {
    let filter = filter(args)?;
    let catalogue = match &args.from {
        Some(path) => live_list(path, &with(&args.catalogue, console)?, console)?,
        None => with(&args.catalogue, console)?,
    };
    if let Some(service) = &filter.service
        && catalogue.service(service).is_none()
    {
        let near = nearest(service, catalogue.services.iter().map(|s| &*s.name));
        let help = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(Failure::Usage(format!("`--service`: there is no service `{service}`{help}")));
    }
    let view = pages::CatalogueView::new(&catalogue, &filter, args.region.trim());
    let mut out = Sink::open(args.output.output.as_deref(), console)?;
    let text = match args.format {
        CatalogueFormat::Text => pages::text(&view, &console.style(out.colors(console), args.verbose)),
        CatalogueFormat::Markdown => pages::markdown(&view),
        CatalogueFormat::Json => {
            let mut text = String::new();
            json::pretty(&mut text, &view);
            text
        }
    };
    out.write_all(text.as_bytes())?;
    out.finish()?;
    if view.is_empty() {
        console.say("no need fits");
    }
    Ok(exit::DONE)
}

fn filter(args: &CatalogueArgs) -> Result<Filter, Failure> {
    let mut profile = Profile::default();
    if let Some(era) = &args.era {
        profile.set("mlEra", era).map_err(|e| Failure::Usage(format!("`--era`: {e}")))?;
    }
    Ok(Filter {
        workload: word(&args.workload, "--workload", Workload::ALL, Workload::parse, Workload::word)?,
        service: args.service.as_deref().map(Into::into),
        phase: word(&args.phase, "--phase", Phase::ALL, Phase::parse, Phase::word)?,
        direction: word(&args.direction, "--direction", Direction::ALL, Direction::parse, Direction::word)?,
        era: (!args.all_eras).then_some(profile.ml_era),
    })
}

fn word<T: Copy>(
    given: &Option<String>,
    flag: &str,
    all: &'static [T],
    parse: impl Fn(&str) -> Option<T>,
    name: impl Fn(T) -> &'static str,
) -> Result<Option<T>, Failure> {
    let Some(text) = given else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| {
        let list = all.iter().map(|w| name(*w)).collect::<Vec<_>>().join(", ");
        let near = nearest(text, all.iter().map(|w| name(*w)));
        Failure::Usage(format!("`{flag}`: `{text}` is none of {list}{}", did_you_mean(near)))
    })
}

/// The catalogue of the program with those of the user added, in order.
pub(super) fn with(own: &[PathBuf], console: &Console) -> Result<Catalogue, Failure> {
    let mut catalogue = Catalogue::builtin().clone();
    for path in own {
        let mut notes = Diagnostics::new();
        let (sources, root) = read(path, &mut notes)?;
        let added = root.and_then(|root| match live::is_live(&root) {
            true => Some(live::load(&root, &catalogue, &mut notes)),
            false => catalogue::load(&root, &mut notes),
        });
        console.diagnostics(&notes, &sources);
        match added.filter(|_| !notes.has_errors()) {
            Some(added) => catalogue.add(added),
            None => return Err(Failure::Input(vec![format!("`{}` is faulty", path.display())])),
        }
    }
    Ok(catalogue)
}

/// The service's own list for one workspace, alone.
fn live_list(path: &Path, known: &Catalogue, console: &Console) -> Result<Catalogue, Failure> {
    let mut notes = Diagnostics::new();
    let (sources, root) = read(path, &mut notes)?;
    let told = root.filter(live::is_live);
    let list = told.as_ref().map(|root| live::load(root, known, &mut notes));
    console.diagnostics(&notes, &sources);
    match list {
        Some(list) if !notes.has_errors() => {
            let mut with_sources = list;
            with_sources.tags = known.tags.clone();
            Ok(with_sources)
        }
        Some(_) => Err(Failure::Input(vec![format!("`{}` is faulty", path.display())])),
        None => Err(Failure::Input(vec![format!(
            "`{}` is no answer of outboundNetworkDependenciesEndpoints: a list of `category` and `endpoints`",
            path.display()
        )])),
    }
}

fn read(path: &Path, notes: &mut Diagnostics) -> Result<(Sources, Option<crate::doc::Node>), Failure> {
    let text = files::read_text(path)?;
    let mut sources = Sources::default();
    let doc = sources.add(path.display().to_string(), text.as_str());
    Ok((sources, loader::parse(doc, &text, notes)))
}
