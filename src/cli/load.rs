//! Loading an estate for a command, with its diagnostics told.

use super::Failure;
use super::console::Console;
use crate::diag::{Diagnostics, Sources};
use crate::doc::Node;
use crate::fast::Fast;
use crate::inventory::change::{Change, ChangeLog};
use crate::network::Network;
use crate::profile::Profile;
use crate::run::engine;
use crate::run::load::{self, Loaded, Settings};
use std::path::PathBuf;
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
    load::open(paths, inline, settings, sources).await.map_err(Failure::from)
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
    loaded.notes = notes;
    sound(&loaded.notes, lenient)?;
    Ok((network, log))
}

/// Errors in the input refuse the answer, unless somebody asked to go on.
pub(super) fn sound(notes: &Diagnostics, lenient: bool) -> Result<(), Failure> {
    let message =
        "the input has errors, so there is no answer; `--lenient` answers with what is faulty as unknown";
    match notes.has_errors() && !lenient {
        true => Err(Failure::Input(vec![message.into()])),
        false => Ok(()),
    }
}
