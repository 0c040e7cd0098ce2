//! Where rules or routes of a list stand once some have left it and others have come.

/// What happened to a list, in order: each leaves a place, comes to a place, or both.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves(Vec<(Option<u32>, Option<u32>)>);

impl Moves {
    /// One leaves a place, one comes to a place. Gives the place that an item had at the beginning which is gone now;
    /// what only changed is the same item still.
    pub(super) fn follow(&mut self, old: Option<u32>, new: Option<u32>) -> Option<u32> {
        let gone = old.filter(|_| new.is_none()).and_then(|old| self.before(old));
        self.0.push((old, new));
        gone
    }

    /// Where an item stood at the beginning, by where it stands now.
    fn before(&self, now: u32) -> Option<u32> {
        self.0.iter().rev().try_fold(now, |at, (old, new)| {
            if *new == Some(at) {
                return *old;
            }
            let at = if new.is_some_and(|new| at > new) { at - 1 } else { at };
            Some(if old.is_some_and(|old| at >= old) { at + 1 } else { at })
        })
    }

    /// Where an item stands now, by where it stood at the beginning.
    pub(super) fn now(&self, before: u32) -> Option<u32> {
        self.0.iter().try_fold(before, |at, (old, new)| {
            if *old == Some(at) {
                return *new;
            }
            let at = if old.is_some_and(|old| at > old) { at - 1 } else { at };
            Some(if new.is_some_and(|new| at >= new) { at + 1 } else { at })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Moves against a list of which every item is watched.
    #[test]
    fn items_are_followed() {
        let mut random = 7u64;
        let mut below = |limit: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as usize % limit
        };
        for count in [1, 2, 5, 9] {
            let mut list: Vec<Option<u32>> = (0..count).map(Some).collect();
            let mut moves = Moves::default();
            for _ in 0..20 {
                let old = (below(3) > 0 && !list.is_empty()).then(|| below(list.len()));
                let left = old.map(|old| list.remove(old));
                let new = (old.is_none() || below(2) == 0).then(|| below(list.len() + 1));
                if let Some(new) = new {
                    list.insert(new, left.flatten());
                }
                let gone = moves.follow(old.map(|n| n as u32), new.map(|n| n as u32));
                assert_eq!(gone, left.flatten().filter(|_| new.is_none()));
                for item in 0..count {
                    let now = list.iter().position(|own| *own == Some(item)).map(|n| n as u32);
                    assert_eq!(moves.now(item), now, "{moves:?}");
                }
            }
        }
    }
}
