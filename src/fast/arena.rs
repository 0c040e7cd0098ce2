//! The memory of an arena: lines of our own, or lines of a file that somebody mapped.
//!
//! The walk reads a line every few nanoseconds, so a mapped arena must cost what a list costs: a pointer and a count,
//! whoever owns the memory. That takes the only `unsafe` of the tables. Its invariants:
//!
//! - `first` and `count` always name memory that is valid, aligned to a line and alive as long as `owner`: of a list they
//!   are taken anew after everything that may move it, and of foreign memory they were checked once, in
//!   [`Arena::mapped`], which keeps the memory. [`Memory`] promises that its bytes neither move nor change.
//! - A line is sixteen words, so every pattern of bits is one.
//! - Foreign memory is never written: whoever wants to write gets a copy first.

#![allow(
    unsafe_code,
    reason = "a line of a mapped file must be read as fast as one of a list; see the invariants"
)]

use super::lines::Line;
use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

/// Memory of somebody else.
///
/// # Safety
///
/// [`Memory::bytes`] gives the same bytes at the same place as long as the value lives, moved or not, and nobody
/// changes them.
pub unsafe trait Memory: Send + Sync + 'static {
    /// The bytes.
    fn bytes(&self) -> &[u8];
}

// SAFETY: the bytes lie where the box has put them, wherever the box itself is, and change only through `&mut`.
unsafe impl Memory for Box<[u8]> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// A list of lines.
pub struct Arena {
    first: NonNull<Line>,
    count: usize,
    owner: Owner,
}

#[derive(Clone)]
enum Owner {
    List(Vec<Line>),
    Foreign(Arc<dyn Memory>),
}

// SAFETY: an arena is a list, or memory that may be read by all threads ([`Memory`] is `Sync`) and that nobody changes.
unsafe impl Send for Arena {}
// SAFETY: as above; a shared arena is only read.
unsafe impl Sync for Arena {}

impl Arena {
    fn own(mut list: Vec<Line>) -> Self {
        let first = NonNull::new(list.as_mut_ptr()).unwrap_or(NonNull::dangling());
        Self { first, count: list.len(), owner: Owner::List(list) }
    }

    /// Lines in memory of somebody else; `None` where those bytes are not whole lines at the right place.
    pub fn mapped(memory: Arc<dyn Memory>, from: usize, bytes: usize) -> Option<Self> {
        let whole = memory.bytes().get(from..from.checked_add(bytes)?)?;
        let fits = whole.as_ptr().cast::<Line>().is_aligned() && bytes.is_multiple_of(size_of::<Line>());
        // Words are written low byte first.
        if !fits || cfg!(target_endian = "big") {
            return None;
        }
        let first = NonNull::from(whole).cast();
        Some(Self { first, count: bytes / size_of::<Line>(), owner: Owner::Foreign(memory) })
    }

    /// Changes the lines, which become a list of our own first.
    pub fn change<R>(&mut self, work: impl FnOnce(&mut Vec<Line>) -> R) -> R {
        let mut list = match std::mem::take(self) {
            Arena { owner: Owner::List(list), .. } => list,
            foreign => foreign.to_vec(),
        };
        let out = work(&mut list);
        *self = Self::own(list);
        out
    }

    /// A line to write to.
    pub fn line_mut(&mut self, at: usize) -> &mut Line {
        if let Owner::Foreign(_) = self.owner {
            self.change(|_| {});
        }
        assert!(at < self.count, "INVARIANT: lines are written where there are some");
        // SAFETY: the line is one of our own list, and nobody else holds it: we have `&mut self`. The list itself is
        // not touched, so `first` stays valid.
        unsafe { &mut *self.first.as_ptr().add(at) }
    }
}

impl Deref for Arena {
    type Target = [Line];

    #[inline(always)]
    fn deref(&self) -> &[Line] {
        // SAFETY: both name the lines of `owner`, see the invariants above.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.count) }
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::own(Vec::new())
    }
}

impl Clone for Arena {
    fn clone(&self) -> Self {
        match &self.owner {
            Owner::List(list) => Self::own(list.clone()),
            Owner::Foreign(memory) => {
                Self { first: self.first, count: self.count, owner: Owner::Foreign(memory.clone()) }
            }
        }
    }
}

impl PartialEq for Arena {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lines", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of lines as memory of somebody else.
    struct Kept(Vec<Line>, Vec<u8>);

    impl Kept {
        fn new(lines: Vec<Line>) -> Self {
            let bytes = lines.iter().flat_map(|l| l.0).flat_map(u32::to_le_bytes).collect();
            Self(lines, bytes)
        }
    }

    // SAFETY: the list is never changed, and a list keeps its place when its owner moves.
    unsafe impl Memory for Kept {
        fn bytes(&self) -> &[u8] {
            // SAFETY: as many bytes as the lines have, of plain words.
            unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.1.len()) }
        }
    }

    fn lines(count: u32) -> Vec<Line> {
        (0..count).map(|n| Line([n; 16])).collect()
    }

    #[test]
    fn foreign_lines_read_like_own_ones_and_are_copied_to_be_changed() {
        let memory: Arc<dyn Memory> = Arc::new(Kept::new(lines(5)));
        let mut arena = Arena::mapped(memory.clone(), 64, 256).expect("whole lines");
        assert_eq!(arena[..], lines(5)[1..]);
        let copy = arena.clone();
        arena.line_mut(0).0[3] = 77;
        assert_eq!(arena[0].0[3], 77);
        assert_eq!((copy[0].0[3], memory.bytes()[64]), (1, 1), "what is mapped stays as it is");
        drop(memory);
        assert_eq!(copy[3], Line([4; 16]), "the memory lives as long as who reads it");
    }

    #[test]
    fn what_are_no_lines_is_refused() {
        let memory: Arc<dyn Memory> = Arc::new(Kept::new(lines(3)));
        for (from, bytes) in [(4, 64), (0, 63), (0, 256), (usize::MAX, 64), (192, 64)] {
            assert!(Arena::mapped(memory.clone(), from, bytes).is_none(), "{from} {bytes}");
        }
        assert!(Arena::mapped(memory, 192, 0).is_some_and(|a| a.is_empty()));
    }

    #[test]
    fn a_list_grows() {
        let mut arena = Arena::default();
        for n in 0..100 {
            arena.change(|list| list.push(Line([n; 16])));
            assert_eq!((arena.len(), arena[n as usize]), (n as usize + 1, Line([n; 16])));
        }
        assert_eq!(arena.clone(), arena);
    }
}
