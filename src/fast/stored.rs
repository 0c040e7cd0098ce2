//! The tables as bytes and back: the arena as it is, the short lists beside it by serde.
//!
//! A field that [`Fast`] gains is written with the others. Whether bytes fit this program is told by [`layout`], a
//! hash over the sources that give the tables their meaning, so that nobody has to remember to count a version up.

use super::lines::{Lines, WORDS};
use super::tables::Fast;
use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;

/// What gives the bytes of the tables their meaning.
const SOURCES: &[&str] = &[
    include_str!("alike.rs"),
    include_str!("compile.rs"),
    include_str!("compile/firewalls.rs"),
    include_str!("compile/groups.rs"),
    include_str!("compile/outbound.rs"),
    include_str!("compile/places.rs"),
    include_str!("compile/services.rs"),
    include_str!("compile/user.rs"),
    include_str!("compile/ways.rs"),
    include_str!("leaf.rs"),
    include_str!("lines.rs"),
    include_str!("routes.rs"),
    include_str!("rules.rs"),
    include_str!("spans.rs"),
    include_str!("stored.rs"),
    include_str!("tables.rs"),
    include_str!("tree.rs"),
    include_str!("way.rs"),
];

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

/// The lists, and the arena.
pub fn store(tables: &Fast) -> (Vec<u8>, Vec<u8>) {
    let lists = postcard::to_allocvec(tables).expect("INVARIANT: numbers, texts and lists can be written");
    let mut lines = Vec::with_capacity(tables.lines.len() * size_of::<u32>() * WORDS);
    for word in tables.lines.as_slice().iter().flat_map(|line| line.0) {
        lines.extend_from_slice(&word.to_le_bytes());
    }
    (lists, lines)
}

/// Reads the lists beside an arena; `None` where they cannot be.
pub fn load(lists: &[u8], lines: Lines) -> Option<Fast> {
    let (tables, rest) = postcard::take_from_bytes::<Fast>(lists).ok()?;
    rest.is_empty().then_some(Fast { lines, ..tables })
}
