//! Loading an estate for a command, with its diagnostics told.

use super::Failure;
use super::console::Console;
use crate::diag::Sources;
use crate::doc::Node;
use crate::inventory::change::{Change, ChangeLog};
use crate::network::Network;
use crate::profile::Profile;
use crate::run::engine;
use crate::run::load::{self, Loaded, Settings};
use std::path::PathBuf;

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
    load::load(paths, inline, settings, sources)
        .await
        .map_err(|errors| Failure::Input(errors.iter().map(ToString::to_string).collect()))
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
