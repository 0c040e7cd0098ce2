//! The tables as bytes and back: the arena as it is, the short lists beside it by serde.
//!
//! A field that [`Fast`] gains is written with the others. Whether bytes fit this program is told by [`layout`], a
//! hash over the sources that give the tables their meaning, so that nobody has to remember to count a version up.

use super::lines::{Lines, WORDS};
use super::tables::Fast;
use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

/// What gives the bytes of the tables their meaning, and what is written down of names.
const SOURCES: &[&str] = &[
    include_str!("alike.rs"),
    include_str!("ask.rs"),
    include_str!("ask/known.rs"),
    include_str!("compile.rs"),
    include_str!("compile/firewalls.rs"),
    include_str!("compile/groups.rs"),
    include_str!("compile/outbound.rs"),
    include_str!("compile/places.rs"),
    include_str!("compile/services.rs"),
    include_str!("compile/user.rs"),
    include_str!("compile/ways.rs"),
    include_str!("directory.rs"),
    include_str!("directory/write.rs"),
    include_str!("leaf.rs"),
    include_str!("lines.rs"),
    include_str!("routes.rs"),
    include_str!("rules.rs"),
    include_str!("spans.rs"),
    include_str!("stored.rs"),
    include_str!("tables.rs"),
    include_str!("tree.rs"),
    include_str!("way.rs"),
    include_str!("../network/names.rs"),
    include_str!("../trace/question.rs"),
    include_str!("../trace/resolve.rs"),
];

/// Lines that are turned into bytes at once: 1 MiB.
const PIECE: usize = 1 << 14;

/// The mark of this layout.
pub fn layout() -> u64 {
    static LAYOUT: OnceLock<u64> = OnceLock::new();
    *LAYOUT.get_or_init(|| {
        let mut hasher = FixedState::with_seed(0).build_hasher();
        for source in SOURCES.iter().chain(&[env!("CARGO_PKG_VERSION")]) {
            hasher.write(source.as_bytes());
        }
        hasher.finish()
    })
}

/// The lists beside the arena.
pub fn lists(tables: &Fast) -> Vec<u8> {
    postcard::to_allocvec(tables).expect("INVARIANT: numbers, texts and lists can be written")
}

/// The arena, in pieces.
pub fn lines(tables: &Fast) -> impl Iterator<Item = Vec<u8>> + '_ {
    tables.lines.as_slice().chunks(PIECE).map(|piece| {
        let mut bytes = Vec::with_capacity(piece.len() * size_of::<u32>() * WORDS);
        piece.iter().flat_map(|line| line.0).for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
        bytes
    })
}

/// Reads the lists beside an arena; `None` where they cannot be.
pub fn load(lists: &[u8], lines: Lines) -> Option<Fast> {
    let (tables, rest) = postcard::take_from_bytes::<Fast>(lists).ok()?;
    rest.is_empty().then_some(Fast { lines, ..tables })
}
