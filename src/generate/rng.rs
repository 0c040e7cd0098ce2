//! A small generator of random numbers with a fixed algorithm (SplitMix64), so that a seed means the same estate
//! on every machine and in every version of every library.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

/// What a stream of numbers is for: each thing has a stream of its own, so that no thing depends on another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stream {
    Spoke = 1,
    Template = 2,
    Group = 3,
    Table = 4,
    OnPremises = 5,
    Policy = 6,
    Service = 7,
    Flow = 8,
    Id = 9,
}

impl Rng {
    /// The stream of one thing.
    pub(super) fn of(seed: u64, stream: Stream, number: u64) -> Self {
        let mut rng = Self(seed ^ 0x6e65_7477_6879);
        let first = rng.next();
        rng.0 = first ^ (stream as u64).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let second = rng.next();
        rng.0 = second ^ number.wrapping_mul(0xa076_1d64_78bd_642f);
        rng.next();
        rng
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 where the limit is 0.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        (((self.next() >> 32) * u64::from(limit)) >> 32) as u32
    }

    /// Whether something that happens in `percent` of all cases happens.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of a list that is not empty.
    pub(super) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u32) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_algorithm_does_not_change() {
        let mut rng = Rng(0);
        assert_eq!([rng.next(), rng.next()], [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
        let mut rng = Rng::of(1, Stream::Spoke, 7);
        let mut other = Rng::of(1, Stream::Spoke, 8);
        assert_ne!(rng.next(), other.next());
        assert!((0..1000).all(|_| rng.below(10) < 10));
    }
}
