//! A file of named sections, each with a checksum of its own, that is written as a stream and read where it lies.
//!
//! ```text
//!  header   magic, version of the format, number of sections, mark of the layout, length of the file,
//!           where the table begins, checksum of the table, checksum of the header                     64 bytes
//!  sections each from a multiple of 64 bytes on, zeros between them
//!  table    for each section its name, where it begins, how long it is, its checksum                  40 bytes each
//! ```
//!
//! All numbers have their low byte first. The header is written last, so that a file that was cut off begins with zeros.
//! Opening looks at the header, the table and the zeros, so at a few pages however long the file is. **A section is
//! summed up before anything of it is believed**, once, when it is first asked for: nobody gets at bytes that were not
//! looked at. Together that is every byte of the file ([`Container::verify`]).
//!
//! The sums are XXH3: with 30 GB/s it is faster than the pages come. They find accidents, not forgers.

use super::mapped::Mapped;
use crate::run::files::{FileError, FileFault, WholeFile};
use std::hash::Hasher as _;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use twox_hash::XxHash3_64;

use super::Refused;

const MAGIC: [u8; 8] = *b"netwhy\0\x1a";

/// Changes with the container and with the sections that are not tables.
const VERSION: u32 = 2;

const HEADER: usize = 64;
const NAME: usize = 16;
const ENTRY: usize = NAME + 24;
const ALIGN: usize = 64;

/// Where the header's own checksum stands.
const SUM: usize = 48;

/// More sections than this are in no file of ours.
const MOST_SECTIONS: usize = 64;

/// Whether a file begins like one.
pub(super) fn begins(path: &Path) -> bool {
    super::mapped::beginning(path, MAGIC.len()).is_some_and(|bytes| bytes == MAGIC)
}

/// Writes a file section by section.
pub(super) struct Writer {
    path: PathBuf,
    file: WholeFile,
    at: u64,
    table: Vec<u8>,
    count: u32,
}

/// A section that is being written.
pub(super) struct Section<'w> {
    writer: &'w mut Writer,
    name: &'static str,
    from: u64,
    sum: XxHash3_64,
}

impl Writer {
    /// Begins a file.
    pub(super) fn create(path: &Path) -> Result<Self, FileError> {
        let file = WholeFile::create(path)?;
        let mut writer = Self { path: path.to_owned(), file, at: 0, table: Vec::new(), count: 0 };
        let room = writer.put(&[0; HEADER]);
        room.map_err(|error| writer.failed(error))?;
        Ok(writer)
    }

    fn failed(&self, error: io::Error) -> FileError {
        FileError { path: self.path.clone(), fault: FileFault::Write(error) }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn align(&mut self) -> io::Result<()> {
        let gap = self.at.next_multiple_of(ALIGN as u64) - self.at;
        self.put(&[0; ALIGN][..gap as usize])
    }

    /// Writes a section.
    pub(super) fn section(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut Section<'_>) -> io::Result<()>,
    ) -> Result<(), FileError> {
        let aligned = self.align();
        let done = aligned.and_then(|()| {
            let from = self.at;
            let mut section = Section { writer: self, name, from, sum: XxHash3_64::new() };
            write(&mut section)?;
            section.end();
            Ok(())
        });
        done.map_err(|error| self.failed(error))
    }

    /// The same for what is there already.
    pub(super) fn whole(&mut self, name: &'static str, bytes: &[u8]) -> Result<(), FileError> {
        self.section(name, |section| section.write_all(bytes))
    }

    /// Writes table and header, and puts the file in its place; gives its length.
    pub(super) fn finish(mut self) -> Result<u64, FileError> {
        let table_at = match self.align() {
            Ok(()) => self.at,
            Err(error) => return Err(self.failed(error)),
        };
        let table = std::mem::take(&mut self.table);
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&self.count.to_le_bytes());
        header.extend_from_slice(&crate::fast::stored::layout().to_le_bytes());
        header.extend_from_slice(&(table_at + table.len() as u64).to_le_bytes());
        header.extend_from_slice(&table_at.to_le_bytes());
        header.extend_from_slice(&XxHash3_64::oneshot(&table).to_le_bytes());
        header.extend_from_slice(&XxHash3_64::oneshot(&header).to_le_bytes());
        header.resize(HEADER, 0);
        let done = self.put(&table).and_then(|()| self.file.begin_with(&header));
        done.map_err(|error| self.failed(error))?;
        self.file.finish()?;
        Ok(self.at)
    }
}

impl Section<'_> {
    fn end(self) {
        let Section { writer, name, from, sum } = self;
        let mut word = [0; NAME];
        word[..name.len()].copy_from_slice(name.as_bytes());
        writer.table.extend_from_slice(&word);
        for number in [from, writer.at - from, sum.finish()] {
            writer.table.extend_from_slice(&number.to_le_bytes());
        }
        writer.count += 1;
    }
}

impl Write for Section<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.put(bytes)?;
        self.sum.write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.file.flush()
    }
}

/// A file that is open.
#[derive(Debug)]
pub(super) struct Container {
    path: PathBuf,
    memory: Arc<Mapped>,
    sections: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    name: String,
    range: Range<usize>,
    sum: u64,
    /// Whether it is as it was written, once somebody looked.
    whole: OnceLock<bool>,
}

impl Container {
    /// Maps a file, and looks at its header and table.
    pub(super) fn open(path: &Path) -> Result<Self, Refused> {
        let fail = |error| Refused::File(FileError { path: path.to_owned(), fault: FileFault::Read(error) });
        let memory = Arc::new(Mapped::open(path).map_err(fail)?);
        let bytes = memory.as_slice();
        let corrupt = |what| Refused::Corrupt(path.to_owned(), what);
        let short = || corrupt("it is too short");
        if bytes.get(..MAGIC.len()) != Some(&MAGIC[..]) {
            // The header is written last.
            let unfinished = bytes.len() >= HEADER && bytes[..HEADER].iter().all(|byte| *byte == 0);
            return Err(match unfinished {
                true => corrupt("it was not written to its end"),
                false => Refused::Stranger(path.to_owned()),
            });
        }
        if u32_at(bytes, 8).ok_or_else(short)? != VERSION {
            return Err(Refused::Version(path.to_owned()));
        }
        let header = bytes.get(..HEADER).ok_or_else(short)?;
        if u64_at(bytes, 24) != Some(bytes.len() as u64) {
            return Err(corrupt("it has not the length it had"));
        }
        if u64_at(bytes, SUM) != Some(XxHash3_64::oneshot(&header[..SUM])) {
            return Err(corrupt("the checksum of its header does not fit"));
        }
        if u64_at(bytes, 16) != Some(crate::fast::stored::layout()) {
            return Err(Refused::Version(path.to_owned()));
        }
        let count = u32_at(bytes, 12).ok_or_else(short)? as usize;
        if count > MOST_SECTIONS {
            return Err(corrupt("it has too many sections"));
        }
        let outside = || corrupt("its table lies outside of it");
        let table_at = u64_at(bytes, 32).and_then(|at| usize::try_from(at).ok()).ok_or_else(outside)?;
        let table = bytes.get(table_at..).filter(|table| table.len() == count * ENTRY).ok_or_else(outside)?;
        if u64_at(bytes, 40) != Some(XxHash3_64::oneshot(table)) {
            return Err(corrupt("the checksum of its table does not fit"));
        }
        let sections = table.chunks(ENTRY).map(part).collect::<Option<Vec<Part>>>().ok_or_else(short)?;
        if !lie_in_order(bytes, &sections, table_at) {
            return Err(corrupt("its sections do not lie one behind the other"));
        }
        Ok(Self { path: path.to_owned(), memory, sections })
    }

    /// What it is refused for.
    pub(super) fn corrupt(&self, what: &'static str) -> Refused {
        Refused::Corrupt(self.path.clone(), what)
    }

    /// Whether there is such a section.
    pub(super) fn has(&self, name: &str) -> bool {
        self.sections.iter().any(|part| part.name == name)
    }

    /// The memory, and where in it a section lies that was found whole.
    pub(super) fn section(&self, name: &str) -> Result<(Arc<Mapped>, Range<usize>), Refused> {
        let part = self.sections.iter().find(|part| part.name == name);
        let part = part.ok_or_else(|| self.corrupt("a section is missing"))?;
        self.check(part)?;
        Ok((self.memory.clone(), part.range.clone()))
    }

    /// The bytes of a section that was found whole.
    pub(super) fn bytes(&self, name: &str) -> Result<&[u8], Refused> {
        let (_, range) = self.section(name)?;
        Ok(&self.memory.as_slice()[range])
    }

    fn check(&self, part: &Part) -> Result<(), Refused> {
        let sum = || XxHash3_64::oneshot(&self.memory.as_slice()[part.range.clone()]) == part.sum;
        match part.whole.get_or_init(sum) {
            true => Ok(()),
            false => Err(self.corrupt("a checksum does not fit")),
        }
    }

    /// Looks at every section.
    pub(super) fn verify(&self) -> Result<(), Refused> {
        self.sections.iter().try_for_each(|part| self.check(part))
    }
}

fn part(entry: &[u8]) -> Option<Part> {
    let name = String::from_utf8_lossy(entry.get(..NAME)?).trim_end_matches('\0').to_owned();
    let from = usize::try_from(u64_at(entry, NAME)?).ok()?;
    let to = from.checked_add(usize::try_from(u64_at(entry, NAME + 8)?).ok()?)?;
    Some(Part { name, range: from..to, sum: u64_at(entry, NAME + 16)?, whole: OnceLock::new() })
}

/// Whether sections follow each other from the header to the table with nothing but zeros between them.
fn lie_in_order(bytes: &[u8], sections: &[Part], table_at: usize) -> bool {
    let empty = |range: Range<usize>| bytes.get(range).is_some_and(|gap| gap.iter().all(|byte| *byte == 0));
    let mut end = HEADER;
    let follows = |range: &Range<usize>| {
        let before = std::mem::replace(&mut end, range.end);
        before.checked_next_multiple_of(ALIGN) == Some(range.start) && empty(before..range.start)
    };
    let table = table_at..table_at;
    empty(SUM + 8..HEADER)
        && sections.iter().map(|part| &part.range).chain(std::iter::once(&table)).all(follows)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
