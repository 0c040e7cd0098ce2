//! Runs of lines that are alike are kept once: templates of rules, next hops, sets of addresses.
//!
//! A run must name no offset, so that it means the same wherever it lies.

use super::lines::{Line, Lines};
use hashbrown::HashMap;
use std::hash::BuildHasher;

type Map<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Runs written so far, by a hash of what they hold: where each begins, and how many lines it has.
#[derive(Debug, Default)]
pub struct Alike(Map<u64, Vec<(u32, u32)>>);

impl Alike {
    /// Writes a run, unless the same one is there already; tells where it is.
    pub fn put(&mut self, lines: &mut Lines, run: &[Line]) -> u32 {
        let hash = foldhash::fast::FixedState::default().hash_one(run);
        let known = self.0.entry(hash).or_default();
        let count = run.len() as u32;
        let same = |at: u32| (0..count).all(|n| *lines.line(at + n) == run[n as usize]);
        if let Some((at, _)) = known.iter().find(|(at, length)| *length == count && same(*at)) {
            return *at;
        }
        let at = lines.end();
        run.iter().for_each(|line| {
            lines.push(*line);
        });
        known.push((at, count));
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_kept_once() {
        let (mut lines, mut alike) = (Lines::default(), Alike::default());
        let run = |first: u32, count: usize| vec![Line([first; 16]); count];
        let one = alike.put(&mut lines, &run(1, 2));
        let other = alike.put(&mut lines, &run(2, 2));
        let shorter = alike.put(&mut lines, &run(1, 1));
        assert_eq!((one, other, shorter), (0, 2, 4));
        assert_eq!(alike.put(&mut lines, &run(2, 2)), other);
        assert_eq!(lines.len(), 5);
    }
}
