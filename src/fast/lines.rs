//! The arena: every compiled table is a run of 64-byte lines in one list, named by 32-bit offsets.
//!
//! No pointers, so the list can be written to a file and mapped again. A line is what the machine moves:
//! the cost of a table is the number of lines a question touches.

use super::arena::Arena;

/// One cache line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C, align(64))]
pub struct Line(pub [u32; 16]);

/// A list of fewer lines is copied when it is done, so that nothing of its room is lost: 1 MiB. The room that a longer
/// one has left was never touched.
const SMALL: usize = 1 << 14;

/// Words in a line.
pub const WORDS: usize = 16;

/// All compiled tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines(Arena);

impl Lines {
    /// Lines of a file that somebody mapped.
    pub fn mapped(arena: Arena) -> Self {
        Self(arena)
    }

    /// The offset of the next line.
    pub fn end(&self) -> u32 {
        u32::try_from(self.0.len()).expect("INVARIANT: an arena holds fewer than 2^32 lines, 256 GiB")
    }

    /// Adds one line.
    pub fn push(&mut self, line: Line) -> u32 {
        let at = self.end();
        self.0.change(|list| list.push(line));
        at
    }

    /// Adds lines.
    pub fn append(&mut self, lines: &[Line]) -> u32 {
        let at = self.end();
        self.0.change(|list| list.extend_from_slice(lines));
        at
    }

    /// Adds words, the last line filled up.
    pub fn words(&mut self, words: &[u32], filler: u32) -> u32 {
        let at = self.end();
        self.0.change(|list| {
            for part in words.chunks(WORDS) {
                let mut line = Line([filler; WORDS]);
                line.0[..part.len()].copy_from_slice(part);
                list.push(line);
            }
        });
        at
    }

    /// Adds double words, the low half first.
    pub fn doubles(&mut self, doubles: &[u64]) -> u32 {
        let at = self.end();
        self.0.change(|list| {
            for part in doubles.chunks(WORDS / 2) {
                let mut line = Line::default();
                for (i, double) in part.iter().enumerate() {
                    line.0[2 * i] = *double as u32;
                    line.0[2 * i + 1] = (*double >> 32) as u32;
                }
                list.push(line);
            }
        });
        at
    }

    /// Adds empty lines.
    pub fn room(&mut self, lines: usize) -> u32 {
        let at = self.end();
        self.0.change(|list| list.resize(list.len() + lines, Line::default()));
        at
    }

    /// A line.
    #[inline(always)]
    pub fn line(&self, at: u32) -> &Line {
        &self.0[at as usize]
    }

    /// Lines side by side.
    #[inline(always)]
    pub fn few<const COUNT: usize>(&self, at: u32) -> &[Line; COUNT] {
        // One check of the end: the beginning is not behind it.
        let few = self.0[at as usize..at as usize + COUNT].first_chunk();
        few.expect("INVARIANT: a run of so many lines has so many")
    }

    /// A line to write to.
    pub fn line_mut(&mut self, at: u32) -> &mut Line {
        self.0.line_mut(at as usize)
    }

    /// The word `n` of a table that begins at a line.
    #[inline(always)]
    pub fn word(&self, at: u32, n: u32) -> u32 {
        self.line(at + n / WORDS as u32).0[n as usize % WORDS]
    }

    /// The double word `n` of a table that begins at a line.
    #[inline(always)]
    pub fn double(&self, at: u32, n: u32) -> u64 {
        let line = self.line(at + n / 8);
        let word = 2 * (n as usize % 8);
        u64::from(line.0[word]) | u64::from(line.0[word + 1]) << 32
    }

    /// Makes room for lines to come. Room that nothing is written to costs no memory, but a list that grows by copying
    /// costs twice its size.
    pub fn reserve(&mut self, lines: usize) {
        self.0.change(|list| list.reserve_exact(lines));
    }

    /// Ends the writing: gives back what is not needed of a small arena, and asks for huge pages for a large one.
    pub fn settle(&mut self) {
        if self.0.len() < SMALL {
            self.0.change(Vec::shrink_to_fit);
        }
        super::cpu::huge(&self.0);
    }

    /// Takes back lines that were added last.
    pub fn truncate(&mut self, count: usize) {
        self.0.change(|list| list.truncate(count));
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All lines.
    pub fn as_slice(&self) -> &[Line] {
        &self.0
    }
}
