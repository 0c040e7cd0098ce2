//! Loading an estate for a command, with its diagnostics told.

use super::Failure;
use super::console::Console;
use crate::diag::Sources;
use crate::doc::Node;
use crate::fast::Fast;
use crate::inventory::change::{Change, ChangeLog};
use crate::network::Network;
use crate::profile::Profile;
use crate::run::engine;
use crate::run::load::{self, Loaded, Settings};
use crate::run::snapshot::{self, Snapshot};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A profile with the knobs of the command line.
pub(super) fn profile(settings: &[String]) -> Result<Profile, Failure> {
    let mut profile = Profile::default();
    for setting in settings {
        let Some((knob, value)) = setting.split_once('=') else {
            return Err(Failure::Usage(format!("`--profile-set {setting}` is not of the form knob=value")));
        };
        profile.set(knob, value).map_err(|e| Failure::Usage(format!("`--profile-set {setting}`: {e}")))?;
    }
    Ok(profile)
}

/// Loads an estate; files that cannot be read are told together.
pub(super) async fn loaded(
    paths: &[PathBuf],
    inline: &[Node],
    settings: &Settings,
    sources: Sources,
) -> Result<Loaded, Failure> {
    let read = async |paths: &[PathBuf], sources| {
        let loaded = load::load(paths, inline, settings, sources).await;
        loaded.map_err(|errors| Failure::Input(errors.iter().map(ToString::to_string).collect()))
    };
    match paths.iter().find(|path| snapshot::is_snapshot(path)) {
        None => read(paths, sources).await,
        Some(path) if paths.len() > 1 || !inline.is_empty() => Err(Failure::Usage(format!(
            "`{}` is a compiled estate, which stands alone: compile it together with the other files",
            path.display()
        ))),
        Some(path) => {
            is_plain(path, settings)?;
            let told = |refused: snapshot::Refused| Failure::Input(vec![refused.to_string()]);
            let snapshot = Snapshot::open(path).map_err(told)?;
            // Making the network takes longer than looking at all that was written.
            snapshot.verify().map_err(told)?;
            let mut loaded = read(&[], sources).await?;
            snapshot.estate(&mut loaded).map_err(told)?;
            loaded.compiled = Some(snapshot.tables().map_err(told)?);
            Ok(loaded)
        }
    }
}

/// A compiled estate holds its parameters and service tags already.
pub(super) fn is_plain(path: &Path, settings: &Settings) -> Result<(), Failure> {
    let target = &settings.target;
    let deployed = [&target.subscription, &target.resource_group, &target.location];
    let said = !settings.parameter_files.is_empty()
        || !settings.parameter_texts.is_empty()
        || settings.service_tags.is_some()
        || settings.before_plan
        || deployed.iter().any(|word| word.is_some());
    match said {
        false => Ok(()),
        true => Err(Failure::Usage(format!(
            "`{}` is a compiled estate: parameters, service tags and targets of templates are said to `netwhy compile`",
            path.display()
        ))),
    }
}

/// The tables that came with an estate, where they still are those of the network.
pub(super) fn tables(loaded: &Loaded, network: &Network, as_compiled: bool) -> Option<Arc<Fast>> {
    loaded.compiled.as_ref().filter(|_| as_compiled)?.of(network)
}

/// Compiles a loaded estate. Errors in it refuse the answer, unless somebody asked to go on. All that was told stands in
/// `loaded.notes` afterwards.
pub(super) fn compiled(
    loaded: &mut Loaded,
    changes: &[Change],
    profile: Profile,
    lenient: bool,
    console: &Console,
) -> Result<(Network, Vec<ChangeLog>), Failure> {
    let raws = loaded.raws.clone();
    let result = consumed(loaded, changes, profile, lenient, console);
    loaded.raws = raws;
    result
}

/// The same where the resources are not needed any more.
pub(super) fn consumed(
    loaded: &mut Loaded,
    changes: &[Change],
    profile: Profile,
    lenient: bool,
    console: &Console,
) -> Result<(Network, Vec<ChangeLog>), Failure> {
    let mut notes = std::mem::take(&mut loaded.notes);
    let raws = std::mem::take(&mut loaded.raws);
    let (network, log) = engine::network_of(raws, changes, profile, &loaded.tags, &mut notes);
    notes.sort();
    console.estate_diagnostics(&notes, &loaded.sources);
    let faulty = notes.has_errors();
    loaded.notes = notes;
    if faulty && !lenient {
        let message =
            "the input has errors, so there is no answer; `--lenient` answers with what is faulty as unknown";
        return Err(Failure::Input(vec![message.into()]));
    }
    Ok((network, log))
}
