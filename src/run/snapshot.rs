//! A compiled estate as one file: what was read, and the tables of batches, the large one ready to be mapped.
//!
//! ```text
//!  header   magic, version of the format, number of sections, mark of the tables' layout, length      64 bytes
//!  table    for each section its name, where it begins, how long it is                               32 bytes each
//!  sections `documents`, `resources`, `tags`, `lists`, `lines`, each from a multiple of 64 bytes on
//!  end      checksum (XXH3) over everything before                                                    8 bytes
//! ```
//!
//! All numbers have their low byte first. A file is refused that is not whole, not of this format, not of this layout
//! of tables, or not as it was written: the checksum is looked at before anything else is believed. It finds accidents;
//! it is no signature, and a snapshot deserves the trust that is given to the program itself. Even so every offset and
//! every count is checked where it is used, so that a forged file can give wrong answers but read no other memory.
//!
//! The tables are the memory of the file itself (`mapped`). The resources are read when the network is made, which
//! full traces need, and names; the tables of a changed estate are compiled anew.

mod estate;
mod mapped;

use super::files::{FileError, FileFault, WholeFile};
use super::load::Loaded;
use crate::diag::Sources;
use crate::fast::arena::Arena;
use crate::fast::lines::Lines;
use crate::fast::{self, Fast};
use crate::inventory::RawResource;
use crate::network::Network;
use crate::tags::ServiceTags;
use mapped::Mapped;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use twox_hash::XxHash3_64;

const MAGIC: [u8; 8] = *b"netwhy\0\x1a";

/// Changes with the container and with the sections that are not tables.
const VERSION: u32 = 1;

const HEADER: usize = 64;
const ENTRY: usize = 32;
const NAME: usize = 16;
const ALIGN: usize = 64;
const CHECKSUM: usize = 8;

/// More sections than this are in no file of ours.
const MOST_SECTIONS: usize = 64;

/// Why a file is refused.
#[derive(Debug)]
pub enum Refused {
    /// It cannot be read.
    File(FileError),
    /// It is not as it was written.
    Corrupt(PathBuf, &'static str),
    /// Another version of the program wrote it.
    Version(PathBuf),
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
    /// The tables, if they are those of a network: as many places of every kind.
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
    mapped::beginning(path, MAGIC.len()).is_some_and(|bytes| bytes == MAGIC)
}

/// Writes an estate and its tables; gives the number of bytes.
pub fn write(
    path: &Path,
    sources: &Sources,
    raws: &[RawResource],
    tags: &ServiceTags,
    tables: &Fast,
) -> Result<u64, FileError> {
    let fail = |error| FileError { path: path.to_owned(), fault: FileFault::Write(error) };
    let bytes = bytes(sources, raws, tags, tables);
    let mut file = WholeFile::create(path)?;
    file.write_all(&bytes).map_err(fail)?;
    file.finish()?;
    Ok(bytes.len() as u64)
}

/// The bytes of a snapshot.
fn bytes(sources: &Sources, raws: &[RawResource], tags: &ServiceTags, tables: &Fast) -> Vec<u8> {
    let (lists, lines) = fast::stored::store(tables);
    let sections: [(&str, Vec<u8>); 5] = [
        ("documents", estate::documents(sources)),
        ("resources", estate::resources(raws)),
        ("tags", estate::tags(tags)),
        ("lists", lists),
        ("lines", lines),
    ];
    let mut at = (HEADER + sections.len() * ENTRY).next_multiple_of(ALIGN);
    let mut table = Vec::new();
    for (name, content) in &sections {
        let mut word = [0; NAME];
        word[..name.len()].copy_from_slice(name.as_bytes());
        table.extend_from_slice(&word);
        table.extend_from_slice(&(at as u64).to_le_bytes());
        table.extend_from_slice(&(content.len() as u64).to_le_bytes());
        at = (at + content.len()).next_multiple_of(ALIGN);
    }
    let length = at + CHECKSUM;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    out.extend_from_slice(&fast::stored::layout().to_le_bytes());
    out.extend_from_slice(&(length as u64).to_le_bytes());
    out.resize(HEADER, 0);
    out.extend_from_slice(&table);
    for (_, content) in &sections {
        out.resize(out.len().next_multiple_of(ALIGN), 0);
        out.extend_from_slice(content);
    }
    out.resize(at, 0);
    let sum = XxHash3_64::oneshot(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// A snapshot that was looked at and found whole.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    memory: Arc<Mapped>,
    sections: Vec<(String, usize, usize)>,
}

impl Snapshot {
    /// Maps a file and looks whether it is whole.
    pub fn open(path: &Path) -> Result<Self, Refused> {
        let fail = |error| Refused::File(FileError { path: path.to_owned(), fault: FileFault::Read(error) });
        Self::checked(path, Arc::new(Mapped::open(path).map_err(fail)?))
    }

    fn checked(path: &Path, memory: Arc<Mapped>) -> Result<Self, Refused> {
        let bytes = memory.as_slice();
        let corrupt = |what| Refused::Corrupt(path.to_owned(), what);
        let short = || corrupt("it is too short");
        if bytes.get(..MAGIC.len()) != Some(&MAGIC[..]) {
            return Err(corrupt("it does not begin like a compiled estate"));
        }
        let version = u32_at(bytes, 8).ok_or_else(short)?;
        if version != VERSION {
            return Err(Refused::Version(path.to_owned()));
        }
        let length = u64_at(bytes, 24).ok_or_else(short)?;
        if length != bytes.len() as u64 || bytes.len() < HEADER + CHECKSUM {
            return Err(corrupt("it has not the length it had"));
        }
        let end = bytes.len() - CHECKSUM;
        if u64_at(bytes, end) != Some(XxHash3_64::oneshot(&bytes[..end])) {
            return Err(corrupt("the checksum does not fit"));
        }
        if u64_at(bytes, 16) != Some(fast::stored::layout()) {
            return Err(Refused::Version(path.to_owned()));
        }
        let count = u32_at(bytes, 12).ok_or_else(short)? as usize;
        if count > MOST_SECTIONS {
            return Err(corrupt("it has too many sections"));
        }
        let mut sections = Vec::with_capacity(count);
        for n in 0..count {
            let at = HEADER + n * ENTRY;
            let name = bytes.get(at..at + NAME).ok_or_else(short)?;
            let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_owned();
            let (from, length) = (u64_at(bytes, at + NAME), u64_at(bytes, at + NAME + 8));
            let (from, length) = (from.ok_or_else(short)? as usize, length.ok_or_else(short)? as usize);
            if from.checked_add(length).is_none_or(|to| to > end) {
                return Err(corrupt("a section lies outside of it"));
            }
            sections.push((name, from, length));
        }
        Ok(Self { path: path.to_owned(), memory, sections })
    }

    fn corrupt(&self, what: &'static str) -> Refused {
        Refused::Corrupt(self.path.clone(), what)
    }

    fn section(&self, name: &str) -> Result<(usize, usize), Refused> {
        let found = self.sections.iter().find(|(own, ..)| own == name);
        let missing = || self.corrupt("a section is missing");
        found.map(|(_, from, length)| (*from, *length)).ok_or_else(missing)
    }

    fn bytes(&self, name: &str) -> Result<&[u8], Refused> {
        let (from, length) = self.section(name)?;
        Ok(&self.memory.as_slice()[from..from + length])
    }

    /// The tables, mapped.
    pub fn tables(&self) -> Result<Compiled, Refused> {
        let (from, length) = self.section("lines")?;
        let arena = Arena::mapped(self.memory.clone(), from, length);
        let arena = arena.ok_or_else(|| self.corrupt("its tables are no lines"))?;
        let tables = fast::stored::load(self.bytes("lists")?, Lines::mapped(arena));
        Ok(Compiled(Arc::new(tables.ok_or_else(|| self.corrupt("its lists cannot be read"))?)))
    }

    /// What was read, into what is loaded: documents are added to those there.
    pub fn estate(&self, loaded: &mut Loaded) -> Result<(), Refused> {
        let first = loaded.sources.len() as u32;
        let documents = estate::read_documents(self.bytes("documents")?, &mut loaded.sources);
        documents.ok_or_else(|| self.corrupt("its documents cannot be read"))?;
        let raws = estate::read_resources(self.bytes("resources")?, first);
        loaded.raws = raws.ok_or_else(|| self.corrupt("its resources cannot be read"))?;
        let tags = estate::read_tags(self.bytes("tags")?);
        loaded.tags = Arc::new(tags.ok_or_else(|| self.corrupt("its service tags cannot be read"))?);
        Ok(())
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
