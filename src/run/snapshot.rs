//! A compiled estate as one file: what was read, and the tables of batches, ready to be mapped.
//!
//! | section | what |
//! |---|---|
//! | `titles`, `documents` | names of documents, and their texts |
//! | `resources`, `tags` | what the documents say, and service tags |
//! | `lists`, `lines` | tables of batches, the large one to be mapped |
//! | `words`, `ends`, ... | the [`Directory`]: words of flows and of what decides them, to be mapped |
//! | `state` | whether errors were told when it was compiled |
//!
//! [`Snapshot::open`] looks at header and table of the file alone (`container`). A section is looked at as a whole
//! before its first byte is believed, so whoever asks batches of flows never reads what only full traces need. A file is
//! refused that is not of this format, not of this layout of tables, or not as it was written. Its checksums find
//! accidents; they are no signature, and a snapshot deserves the trust that is given to the program itself. Even so
//! every offset and every count is checked where it is used, so that a forged file can give wrong answers but read no
//! other memory.
//!
//! The tables are the memory of the file itself (`mapped`). A network is made of the resources when something asks for
//! it: full traces, names and flows that the tables do not know, changes ([`Standby`]).

mod container;
mod estate;
mod mapped;
mod standby;

use super::files::FileError;
use super::load::Loaded;
use crate::diag::Sources;
use crate::fast::arena::{Arena, Memory};
use crate::fast::directory::{self, Directory};
use crate::fast::lines::Lines;
use crate::fast::{self, Fast};
use crate::inventory::RawResource;
use crate::network::Network;
use crate::tags::ServiceTags;
use container::Container;
use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use standby::{Made, Standby};

/// Why a file is refused.
#[derive(Debug)]
pub enum Refused {
    /// It cannot be read.
    File(FileError),
    /// It is not as it was written.
    Corrupt(PathBuf, &'static str),
    /// Another version of the program wrote it.
    Version(PathBuf),
    /// It is something else.
    Stranger(PathBuf),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::Corrupt(path, what) => write!(
                f,
                "`{}` is damaged: {what}; compile the estate again with `netwhy compile`",
                path.display()
            ),
            Self::Stranger(path) => write!(f, "`{}` is no compiled estate", path.display()),
            Self::Version(path) => write!(
                f,
                "`{}` was compiled by another version of netwhy; compile the estate again with `netwhy compile`",
                path.display()
            ),
        }
    }
}

/// Tables that came with a snapshot.
#[derive(Clone, Debug)]
pub struct Compiled(Arc<Fast>);

impl Compiled {
    /// The tables.
    pub fn all(&self) -> Arc<Fast> {
        self.0.clone()
    }

    /// The same, if they are those of a network: as many places of every kind.
    pub fn of(&self, network: &Network) -> Option<Arc<Fast>> {
        let fast = &self.0;
        let fits = fast.slot_of.len() == network.attachments.len()
            && fast.groups.len() == network.security.inbound.len()
            && fast.firewalls.len() == network.inventory.azure_firewalls.len()
            && fast.services.len() == network.inventory.services.len();
        fits.then(|| fast.clone())
    }
}

/// Whether a file begins like a snapshot.
pub fn is_snapshot(path: &Path) -> bool {
    container::begins(path)
}

/// A snapshot that is being written: first what was read, which may be let go then, and later the tables.
pub struct Draft(container::Writer);

impl Draft {
    /// Begins a file with what was read.
    pub fn begin(
        path: &Path,
        sources: &Sources,
        raws: &[RawResource],
        tags: &ServiceTags,
    ) -> Result<Self, FileError> {
        let mut out = container::Writer::create(path)?;
        out.whole("titles", &estate::titles(sources))?;
        out.section("documents", |section| estate::documents(sources, section))?;
        out.section("resources", |section| estate::resources(raws, section))?;
        out.whole("tags", &estate::tags(tags))?;
        Ok(Self(out))
    }

    /// Ends it with the tables of the network that came of it; gives the number of bytes.
    pub fn end(self, network: &Network, tables: &Fast, faulty: bool) -> Result<u64, FileError> {
        let Self(mut out) = self;
        out.whole("state", &[u8::from(faulty)])?;
        out.whole("lists", &fast::stored::lists(tables))?;
        out.section("lines", |section| {
            fast::stored::lines(tables).try_for_each(|piece| section.write_all(&piece))
        })?;
        if let Some(sections) = directory::directory(network, tables) {
            for (name, bytes) in directory::SECTIONS.into_iter().zip(sections) {
                out.whole(name, &bytes)?;
            }
        }
        out.finish()
    }
}

/// A snapshot whose header was found whole.
#[derive(Debug)]
pub struct Snapshot(Container);

impl Snapshot {
    /// Maps a file and looks at its header.
    pub fn open(path: &Path) -> Result<Self, Refused> {
        Container::open(path).map(Self)
    }

    /// Looks at every byte.
    pub fn verify(&self) -> Result<(), Refused> {
        self.0.verify()
    }

    /// Whether errors were told when it was compiled.
    pub fn is_faulty(&self) -> Result<bool, Refused> {
        match self.0.bytes("state")? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(self.0.corrupt("its state cannot be read")),
        }
    }

    /// The tables, mapped.
    pub fn tables(&self) -> Result<Compiled, Refused> {
        let (memory, lines) = self.0.section("lines")?;
        let arena = Arena::mapped(memory, lines.start, lines.len());
        let arena = arena.ok_or_else(|| self.0.corrupt("its tables are no lines"))?;
        let tables = fast::stored::load(self.0.bytes("lists")?, Lines::mapped(arena));
        Ok(Compiled(Arc::new(tables.ok_or_else(|| self.0.corrupt("its lists cannot be read"))?)))
    }

    /// The words of its flows, where they are written.
    pub fn directory(&self) -> Result<Option<Directory>, Refused> {
        if !directory::SECTIONS.iter().any(|name| self.0.has(name)) {
            return Ok(None);
        }
        let mut ranges: [Range<usize>; directory::SECTIONS.len()] = Default::default();
        let mut memory: Option<Arc<dyn Memory>> = None;
        for (range, name) in ranges.iter_mut().zip(directory::SECTIONS) {
            let (whole, part) = self.0.section(name)?;
            *range = part;
            memory = Some(whole);
        }
        Ok(memory.and_then(|memory| Directory::lying(memory, ranges)))
    }

    /// What was read, into what is loaded: documents are added to those there.
    pub fn estate(&self, loaded: &mut Loaded) -> Result<(), Refused> {
        let first = loaded.sources.len() as u32;
        let (memory, range) = self.0.section("documents")?;
        let titles = self.0.bytes("titles")?;
        let documents = estate::read_documents(titles, &memory, range, &mut loaded.sources);
        documents.ok_or_else(|| self.0.corrupt("its documents cannot be read"))?;
        let raws = estate::read_resources(self.0.bytes("resources")?, first);
        loaded.raws = raws.ok_or_else(|| self.0.corrupt("its resources cannot be read"))?;
        let tags = estate::read_tags(self.0.bytes("tags")?);
        loaded.tags = Arc::new(tags.ok_or_else(|| self.0.corrupt("its service tags cannot be read"))?);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
