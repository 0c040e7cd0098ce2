//! A stored estate whose network is made when somebody needs it.

use super::{Refused, Snapshot};
use crate::diag::{Diagnostics, Sources};
use crate::fast::Fast;
use crate::fast::directory::Directory;
use crate::network::Network;
use crate::profile::Profile;
use crate::run::engine;
use crate::run::load::Loaded;
use std::sync::{Arc, OnceLock};

/// Tables and words of a stored estate, and behind them the estate.
#[derive(Debug)]
pub struct Standby {
    snapshot: Snapshot,
    /// The tables.
    pub tables: Arc<Fast>,
    /// The words of flows.
    pub directory: Directory,
    made: OnceLock<Result<Made, String>>,
}

/// A network that was made, and where it was read.
#[derive(Clone, Debug)]
pub struct Made {
    /// The network.
    pub network: Arc<Network>,
    /// The documents.
    pub sources: Arc<Sources>,
}

impl Standby {
    /// Takes over a snapshot; gives it back where it has to be read as a whole: no words are written in it, or errors
    /// were told when it was compiled, which are to be told again.
    pub fn of(snapshot: Snapshot) -> Result<Result<Self, Snapshot>, Refused> {
        if snapshot.is_faulty()? {
            return Ok(Err(snapshot));
        }
        let Some(directory) = snapshot.directory()? else { return Ok(Err(snapshot)) };
        let tables = snapshot.tables()?.all();
        Ok(Ok(Self { snapshot, tables, directory, made: OnceLock::new() }))
    }

    /// The network, made at the first call; else why it cannot be.
    pub fn network(&self) -> Result<&Made, String> {
        self.made.get_or_init(|| self.make()).as_ref().map_err(Clone::clone)
    }

    /// Whether somebody needed it.
    pub fn is_made(&self) -> bool {
        self.made.get().is_some()
    }

    fn make(&self) -> Result<Made, String> {
        let span = tracing::info_span!("network of the snapshot").entered();
        let mut loaded = Loaded::default();
        self.snapshot.estate(&mut loaded).map_err(|refused| refused.to_string())?;
        let mut notes = Diagnostics::new();
        let (network, _) = engine::network_of(loaded.raws, &[], Profile::default(), &loaded.tags, &mut notes);
        drop(span);
        let foreign = || "the tables of the snapshot are not those of its resources".to_owned();
        super::Compiled(self.tables.clone()).of(&network).ok_or_else(foreign)?;
        Ok(Made { network: Arc::new(network), sources: Arc::new(loaded.sources) })
    }
}
