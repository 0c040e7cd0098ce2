//! A file as memory.
//!
//! INVARIANT: a mapped file is not changed while it is mapped. Snapshots are written beside their place and moved there
//! whole ([`crate::run::files::WholeFile`]), so a new one never changes the old one under somebody's hands; whoever
//! writes into one by other means, or cuts it off, breaks every program that has it open.

#![allow(unsafe_code, reason = "mapping a file is unsafe, since others may change it; see the invariant")]
#![expect(clippy::disallowed_methods, reason = "the rim: this is the one other place that opens a file")]

use crate::diag::Letters;
use crate::fast::arena::Memory;
use crate::run::files;
use memmap2::Mmap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A mapped file.
#[derive(Debug)]
pub(super) struct Mapped(Mmap);

impl Mapped {
    /// Maps a file.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = files::open_plain(path)?;
        // SAFETY: the file is only read, and not changed while it is mapped, see the invariant.
        Ok(Self(unsafe { Mmap::map(&file)? }))
    }

    /// Its bytes.
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

// SAFETY: a mapping stays where it is until it is dropped, and nobody changes it, see the invariant.
unsafe impl Memory for Mapped {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A text in a mapped file.
pub(super) struct MappedText {
    memory: Arc<Mapped>,
    range: Range<usize>,
}

impl MappedText {
    /// The text that lies there; `None` where there is none.
    pub(super) fn of(memory: Arc<Mapped>, range: Range<usize>) -> Option<Self> {
        std::str::from_utf8(memory.as_slice().get(range.clone())?).ok()?;
        Some(Self { memory, range })
    }
}

impl Letters for MappedText {
    fn letters(&self) -> &str {
        // SAFETY: these bytes were found to be a text when this was made, and nobody changes them, see the invariant.
        unsafe { std::str::from_utf8_unchecked(&self.memory.as_slice()[self.range.clone()]) }
    }
}

/// The first bytes of a file, if it has so many.
pub(super) fn beginning(path: &Path, count: usize) -> Option<Vec<u8>> {
    if !path.is_file() {
        return None;
    }
    let mut bytes = vec![0; count];
    File::open(path).ok()?.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
