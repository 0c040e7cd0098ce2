//! Values along the machines in the order of their addresses, as runs of one value.

/// Values along places: each run ends where the next begins, the first begins at 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Runs(Vec<(u32, u32)>);

impl Runs {
    /// One value, and room for more.
    pub(super) fn new(first: u32) -> Self {
        Self(vec![(0, first)])
    }

    /// From a place on it is another value; places come in order.
    pub(super) fn push(&mut self, at: u32, value: u32) {
        match self.0.last_mut() {
            Some(last) if last.1 == value => {}
            Some(last) if last.0 == at => last.1 = value,
            _ => self.0.push((at, value)),
        }
    }

    /// The value at a place.
    #[inline(always)]
    pub(super) fn at(&self, place: u32) -> u32 {
        let behind = self.0.partition_point(|(begin, _)| *begin <= place);
        self.0[behind.max(1) - 1].1
    }

    /// Beginnings and values.
    pub(super) fn list(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// Where the values of two differ.
    pub(super) fn differences(&self, other: &Runs, end: u32) -> Vec<(u32, u32)> {
        let (mut out, mut open) = (Vec::new(), None);
        along([self, other], |at, [a, b]| match (open, a == b) {
            (None, false) => open = Some(at),
            (Some(begin), true) => {
                out.push((begin, at));
                open = None;
            }
            _ => {}
        });
        out.extend(open.map(|begin| (begin, end)));
        out
    }

    /// At each place what two of three say, else what the first says.
    pub(super) fn most(all: [&Runs; 3]) -> Runs {
        let mut out: Option<Runs> = None;
        along(all, |at, [a, b, c]| {
            let value = if b == c { b } else { a };
            match &mut out {
                None => out = Some(Runs::new(value)),
                Some(out) => out.push(at, value),
            }
        });
        out.unwrap_or_else(|| all[0].clone())
    }
}

/// Calls with the values at every place where one of them becomes another.
fn along<const K: usize>(all: [&Runs; K], mut each: impl FnMut(u32, [u32; K])) {
    let mut next = [0; K];
    let mut values = [0; K];
    let mut at = Some(0);
    while let Some(place) = at {
        at = None;
        for (n, runs) in all.iter().enumerate() {
            if let Some((_, value)) = runs.0.get(next[n]).filter(|(begin, _)| *begin == place) {
                (values[n], next[n]) = (*value, next[n] + 1);
            }
            if let Some((begin, _)) = runs.0.get(next[n]) {
                at = Some(at.map_or(*begin, |at: u32| at.min(*begin)));
            }
        }
        each(place, values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(list: &[(u32, u32)]) -> Runs {
        let mut out = Runs::new(list[0].1);
        list[1..].iter().for_each(|(at, value)| out.push(*at, *value));
        out
    }

    /// Differences and the value of most, against asking every place.
    fn check(lists: [&[(u32, u32)]; 3], end: u32) {
        let [a, b, c] = lists.map(runs);
        let most = Runs::most([&a, &b, &c]);
        let differs = a.differences(&b, end);
        for place in 0..end {
            let (x, y, z) = (a.at(place), b.at(place), c.at(place));
            let two = if y == z { y } else { x };
            assert_eq!(most.at(place), two, "{lists:?} at {place}");
            let inside = differs.iter().any(|(from, until)| (*from..*until).contains(&place));
            assert_eq!(inside, x != y, "{lists:?} at {place}");
        }
    }

    #[test]
    fn runs_are_compared_place_by_place() {
        check([&[(0, 1)], &[(0, 2)], &[(0, 3)]], 5);
        check([&[(0, 1), (3, 2), (4, 1)], &[(0, 1)], &[(0, 1), (2, 7)]], 9);
        check([&[(0, 1), (3, 2)], &[(0, 1), (5, 2)], &[(0, 4), (3, 2), (8, 9)]], 12);
        check([&[(0, 0), (1, 1), (2, 0), (3, 1)], &[(0, 1), (2, 1), (3, 0)], &[(0, 5)]], 6);
    }
}
