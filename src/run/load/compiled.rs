//! Estates that were compiled before, opened where others are read.

use super::{Loaded, Settings, load};
use crate::diag::Sources;
use crate::doc::Node;
use crate::run::files::FileError;
use crate::run::snapshot::{self, Refused, Snapshot};
use std::path::{Path, PathBuf};

/// Why there is no estate.
#[derive(Debug)]
pub enum Unopened {
    /// What was asked for does not go together.
    Misused(String),
    /// Files that cannot be read.
    Unread(Vec<FileError>),
    /// A compiled estate that cannot be believed.
    Refused(Refused),
}

impl Unopened {
    /// What to say, a line each.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Misused(why) => vec![why.clone()],
            Self::Unread(errors) => errors.iter().map(ToString::to_string).collect(),
            Self::Refused(refused) => vec![refused.to_string()],
        }
    }
}

/// Loads an estate from files and folders, or opens the compiled one that is named alone.
pub async fn open(
    paths: &[PathBuf],
    inline: &[Node],
    settings: &Settings,
    sources: Sources,
) -> Result<Loaded, Unopened> {
    let Some(path) = paths.iter().find(|path| snapshot::is_snapshot(path)) else {
        return load(paths, inline, settings, sources).await.map_err(Unopened::Unread);
    };
    if paths.len() > 1 || !inline.is_empty() {
        return Err(Unopened::Misused(format!(
            "`{}` is a compiled estate, which stands alone: compile it together with the other files",
            path.display()
        )));
    }
    is_plain(path, settings)?;
    let snapshot = Snapshot::open(path).map_err(Unopened::Refused)?;
    // Making the network takes longer than looking at all that was written.
    snapshot.verify().map_err(Unopened::Refused)?;
    let mut loaded = load(&[], inline, settings, sources).await.map_err(Unopened::Unread)?;
    snapshot.estate(&mut loaded).map_err(Unopened::Refused)?;
    loaded.compiled = Some(snapshot.tables().map_err(Unopened::Refused)?);
    Ok(loaded)
}

/// A compiled estate holds its parameters and service tags already.
pub fn is_plain(path: &Path, settings: &Settings) -> Result<(), Unopened> {
    let target = &settings.target;
    let deployed = [&target.subscription, &target.resource_group, &target.location];
    let said = !settings.parameter_files.is_empty()
        || !settings.parameter_texts.is_empty()
        || !settings.parameters.is_empty()
        || settings.service_tags.is_some()
        || settings.before_plan
        || deployed.iter().any(|word| word.is_some());
    match said {
        false => Ok(()),
        true => Err(Unopened::Misused(format!(
            "`{}` is a compiled estate: parameters, service tags and targets of templates are said to `netwhy compile`",
            path.display()
        ))),
    }
}
