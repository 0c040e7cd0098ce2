//! What the machine can do: the one module with `unsafe`.
//!
//! Three things are here and nowhere else: prefetching a line, counting the keys of a line that are not above a number
//! with one vector compare, and asking for huge pages ([`huge`]). The first two have a portable form that gives the same answers; which one
//! runs is decided once for a batch ([`with_best`]), outside every loop.
//!
//! INVARIANT: a vector form is only called inside a function that enables its target features, and
//! [`with_best`] enters such a function only after the processor said that it has them. Loads go through
//! references to whole lines, so none is out of bounds; a prefetch never faults.

#![allow(unsafe_code, reason = "prefetch and vector compares; benches/fast.rs shows what they are worth")]

use super::lines::Line;

/// The operations that differ by processor.
pub trait Cpu: Copy {
    /// How many keys of a sorted line are not above `x`.
    fn rank(self, keys: &Line, x: u32) -> u32;
    /// The same of the first keys alone.
    fn rank_of<const KEYS: usize>(self, keys: &Line, x: u32) -> u32;
    /// Which of 32 ranges of 16 bits hold `x`: a bit each. Range `i` stands in half `i % 2` of word `i / 2`.
    fn within(self, low: &Line, high: &Line, x: u16) -> u32;
    /// The first of 512 rules that a question matches.
    fn first(self, rows: &Rows<'_>) -> Option<u32>;
    /// Asks for a line ahead of its use.
    fn fetch(self, line: &Line);
}

/// Rows of 512 rules: those whose source holds an address, those whose destination does, each with two more where a
/// condition holds, and those that match besides.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Rules by source and by destination.
    pub sides: [&'a Line; 2],
    /// What conditions add to either side.
    pub more: [[(bool, &'a Line); 2]; 2],
    /// What they must match, too: ports, protocol.
    pub others: [&'a Line; 2],
}

impl Rows<'_> {
    /// One word of what all share.
    #[inline(always)]
    fn word(&self, n: usize) -> u32 {
        let mut all = self.others[0].0[n] & self.others[1].0[n];
        for (side, more) in self.sides.iter().zip(&self.more) {
            let mut own = side.0[n];
            for (holds, row) in more {
                own |= row.0[n] & u32::from(*holds).wrapping_neg();
            }
            all &= own;
        }
        all
    }
}

/// Work that is compiled once for each kind of processor.
pub trait Work {
    /// What it gives.
    type Output;
    /// Does it.
    fn run<C: Cpu>(self, cpu: C) -> Self::Output;
}

/// Any processor.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl Cpu for Portable {
    #[inline(always)]
    fn rank(self, keys: &Line, x: u32) -> u32 {
        keys.0.iter().map(|key| u32::from(*key <= x)).sum()
    }

    #[inline(always)]
    fn rank_of<const KEYS: usize>(self, keys: &Line, x: u32) -> u32 {
        keys.0[..KEYS].iter().map(|key| u32::from(*key <= x)).sum()
    }

    #[inline(always)]
    fn within(self, low: &Line, high: &Line, x: u16) -> u32 {
        let halves = |word: u32| [word as u16, (word >> 16) as u16];
        let mut found = 0;
        for (i, (low, high)) in low.0.iter().zip(&high.0).enumerate() {
            for (half, (low, high)) in halves(*low).into_iter().zip(halves(*high)).enumerate() {
                found |= u32::from(low <= x && x <= high) << (2 * i + half);
            }
        }
        found
    }

    #[inline(always)]
    fn first(self, rows: &Rows<'_>) -> Option<u32> {
        for n in 0..rows.sides[0].0.len() {
            let word = rows.word(n);
            if word != 0 {
                return Some(n as u32 * 32 + word.trailing_zeros());
            }
        }
        None
    }

    #[inline(always)]
    fn fetch(self, _: &Line) {}
}

/// Does work in the best form this processor has.
#[inline]
pub fn with_best<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if x86::Avx512::is_here() {
            // SAFETY: the processor has the features.
            return unsafe { x86::run_avx512(work) };
        }
        if x86::Avx2::is_here() {
            // SAFETY: the processor has the features.
            return unsafe { x86::run_avx2(work) };
        }
    }
    work.run(Portable)
}

/// Asks for huge pages under lines that are written: a third off random look-ups in 100 MiB, since the addresses of
/// small pages miss, too. Where the system has none to give, nothing changes.
pub fn huge(lines: &[Line]) {
    #[cfg(target_os = "linux")]
    {
        const HUGE: usize = 2 << 20;
        let range = lines.as_ptr_range();
        let (first, end) = ((range.start as usize).next_multiple_of(HUGE), range.end as usize / HUGE * HUGE);
        if first < end {
            // SAFETY: this changes what lies under the pages of the slice, never what they hold; the range is inside it.
            let _ = unsafe { libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_COLLAPSE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = lines;
}

/// Does work in the portable form, to compare with.
pub fn with_portable<W: Work>(work: W) -> W::Output {
    work.run(Portable)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Cpu, Line, Rows, Work};
    use std::arch::x86_64::*;

    /// Loads words of a line; no closure, which would be compiled without the features, and called.
    macro_rules! load {
        ($how:ident, $line:expr, $from:expr) => {
            $how($line.0.as_ptr().add($from).cast())
        };
    }

    /// 16 keys in one compare.
    #[derive(Clone, Copy)]
    pub(super) struct Avx512(());

    impl Avx512 {
        pub(super) fn is_here() -> bool {
            is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("popcnt")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
        }
    }

    impl Cpu for Avx512 {
        #[inline(always)]
        fn rank(self, keys: &Line, x: u32) -> u32 {
            // SAFETY: only made by `run_avx512`, which has the features; the load reads one whole line.
            unsafe {
                let keys = _mm512_load_si512(keys.0.as_ptr().cast());
                let low = _mm512_cmple_epu32_mask(keys, _mm512_set1_epi32(x as i32));
                u32::from(low).count_ones()
            }
        }

        #[inline(always)]
        fn rank_of<const KEYS: usize>(self, keys: &Line, x: u32) -> u32 {
            // SAFETY: only made by `run_avx512`, which has the features; the load reads one whole line.
            unsafe {
                let keys = _mm512_load_si512(keys.0.as_ptr().cast());
                let low = _mm512_cmple_epu32_mask(keys, _mm512_set1_epi32(x as i32));
                (u32::from(low) & ((1 << KEYS) - 1)).count_ones()
            }
        }

        #[inline(always)]
        fn within(self, low: &Line, high: &Line, x: u16) -> u32 {
            // SAFETY: only made by `run_avx512`, which has the features; each load reads one whole line.
            unsafe {
                let low = _mm512_load_si512(low.0.as_ptr().cast());
                let high = _mm512_load_si512(high.0.as_ptr().cast());
                let x = _mm512_set1_epi16(x as i16);
                _mm512_cmple_epu16_mask(low, x) & _mm512_cmpge_epu16_mask(high, x)
            }
        }

        #[inline(always)]
        fn first(self, rows: &Rows<'_>) -> Option<u32> {
            // SAFETY: only made by `run_avx512`, which has the features; each load reads one whole line.
            unsafe {
                let [ports, protocol] = rows.others;
                let mut all = _mm512_and_si512(
                    load!(_mm512_load_si512, ports, 0),
                    load!(_mm512_load_si512, protocol, 0),
                );
                for side in 0..2 {
                    let mut own = load!(_mm512_load_si512, rows.sides[side], 0);
                    for n in 0..2 {
                        let (holds, row) = rows.more[side][n];
                        let mask = u16::from(holds).wrapping_neg();
                        own = _mm512_mask_or_epi32(own, mask, own, load!(_mm512_load_si512, row, 0));
                    }
                    all = _mm512_and_si512(all, own);
                }
                let some = _mm512_test_epi32_mask(all, all);
                let lowest = _mm512_castsi512_si128(_mm512_maskz_compress_epi32(some, all));
                let bit = (_mm_cvtsi128_si32(lowest) as u32).trailing_zeros();
                (some != 0).then_some(some.trailing_zeros() * 32 + bit)
            }
        }

        #[inline(always)]
        fn fetch(self, line: &Line) {
            // SAFETY: a prefetch has no effect that a program can see.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.0.as_ptr().cast()) }
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,popcnt,bmi1,bmi2,lzcnt")]
    pub(super) unsafe fn run_avx512<W: Work>(work: W) -> W::Output {
        work.run(Avx512(()))
    }

    /// 8 keys in one compare.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    impl Avx2 {
        pub(super) fn is_here() -> bool {
            is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("popcnt")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("lzcnt")
        }
    }

    impl Cpu for Avx2 {
        #[inline(always)]
        fn rank(self, keys: &Line, x: u32) -> u32 {
            // SAFETY: only made by `run_avx2`, which has the features; both loads are inside the line.
            unsafe {
                let x = _mm256_set1_epi32(x as i32);
                let first = _mm256_load_si256(keys.0.as_ptr().cast());
                let last = _mm256_load_si256(keys.0.as_ptr().add(8).cast());
                // key <= x: the smaller of the two is the key.
                let first = _mm256_cmpeq_epi32(_mm256_min_epu32(first, x), first);
                let last = _mm256_cmpeq_epi32(_mm256_min_epu32(last, x), last);
                let low = _mm256_movemask_ps(_mm256_castsi256_ps(first)) as u32;
                let high = _mm256_movemask_ps(_mm256_castsi256_ps(last)) as u32;
                (low | high << 8).count_ones()
            }
        }

        #[inline(always)]
        fn rank_of<const KEYS: usize>(self, keys: &Line, x: u32) -> u32 {
            // SAFETY: only made by `run_avx2`, which has the features; both loads are inside the line.
            unsafe {
                // Spelt out: a closure would be compiled without the features, and called.
                let x = _mm256_set1_epi32(x as i32);
                let first = _mm256_load_si256(keys.0.as_ptr().cast());
                let first = _mm256_cmpeq_epi32(_mm256_min_epu32(first, x), first);
                let mut low = _mm256_movemask_ps(_mm256_castsi256_ps(first)) as u32;
                if KEYS > 8 {
                    let last = _mm256_load_si256(keys.0.as_ptr().add(8).cast());
                    let last = _mm256_cmpeq_epi32(_mm256_min_epu32(last, x), last);
                    low |= (_mm256_movemask_ps(_mm256_castsi256_ps(last)) as u32) << 8;
                }
                (low & ((1 << KEYS) - 1)).count_ones()
            }
        }

        #[inline(always)]
        fn within(self, low: &Line, high: &Line, x: u16) -> u32 {
            // SAFETY: only made by `run_avx2`, which has the features; all loads are inside the lines.
            unsafe {
                let x = _mm256_set1_epi16(x as i16);
                let mut halves = [_mm256_setzero_si256(); 2];
                for (n, half) in halves.iter_mut().enumerate() {
                    let low = _mm256_load_si256(low.0.as_ptr().add(8 * n).cast());
                    let high = _mm256_load_si256(high.0.as_ptr().add(8 * n).cast());
                    let above = _mm256_cmpeq_epi16(_mm256_min_epu16(low, x), low);
                    let below = _mm256_cmpeq_epi16(_mm256_max_epu16(high, x), high);
                    *half = _mm256_and_si256(above, below);
                }
                // Packing works on halves of 128 bits; the permutation puts them in order again.
                let packed = _mm256_packs_epi16(halves[0], halves[1]);
                let packed = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
                _mm256_movemask_epi8(packed) as u32
            }
        }

        #[inline(always)]
        fn first(self, rows: &Rows<'_>) -> Option<u32> {
            for half in 0..2 {
                // SAFETY: only made by `run_avx2`, which has the features; each load reads half a line.
                let some = unsafe {
                    let [ports, protocol] = rows.others;
                    let ports = load!(_mm256_load_si256, ports, 8 * half);
                    let mut all = _mm256_and_si256(ports, load!(_mm256_load_si256, protocol, 8 * half));
                    for side in 0..2 {
                        let mut own = load!(_mm256_load_si256, rows.sides[side], 8 * half);
                        for n in 0..2 {
                            let (holds, row) = rows.more[side][n];
                            let row = load!(_mm256_load_si256, row, 8 * half);
                            let mask = _mm256_set1_epi32(-i32::from(holds));
                            own = _mm256_or_si256(own, _mm256_and_si256(row, mask));
                        }
                        all = _mm256_and_si256(all, own);
                    }
                    let none = _mm256_cmpeq_epi32(all, _mm256_setzero_si256());
                    !(_mm256_movemask_ps(_mm256_castsi256_ps(none)) as u32) & 0xff
                };
                if some != 0 {
                    let n = 8 * half as u32 + some.trailing_zeros();
                    return Some(n * 32 + rows.word(n as usize & 15).trailing_zeros());
                }
            }
            None
        }

        #[inline(always)]
        fn fetch(self, line: &Line) {
            // SAFETY: a prefetch has no effect that a program can see.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.0.as_ptr().cast()) }
        }
    }

    #[target_feature(enable = "avx2,popcnt,bmi1,lzcnt")]
    pub(super) unsafe fn run_avx2<W: Work>(work: W) -> W::Output {
        work.run(Avx2(()))
    }

    #[cfg(test)]
    pub(super) fn ranks(keys: &Line, x: u32) -> Vec<u32> {
        struct Rank<'a>(&'a Line, u32);
        impl Work for Rank<'_> {
            type Output = u32;
            #[inline(always)]
            fn run<C: Cpu>(self, cpu: C) -> u32 {
                cpu.fetch(self.0);
                cpu.rank(self.0, self.1)
            }
        }
        each(|| Rank(keys, x))
    }

    #[cfg(test)]
    pub(super) fn withins(low: &Line, high: &Line, x: u16) -> Vec<u32> {
        struct Within<'a>(&'a Line, &'a Line, u16);
        impl Work for Within<'_> {
            type Output = u32;
            #[inline(always)]
            fn run<C: Cpu>(self, cpu: C) -> u32 {
                cpu.within(self.0, self.1, self.2)
            }
        }
        each(|| Within(low, high, x))
    }

    #[cfg(test)]
    pub(super) fn firsts(rows: &Rows<'_>) -> Vec<Option<u32>> {
        struct First<'a>(Rows<'a>);
        impl Work for First<'_> {
            type Output = Option<u32>;
            #[inline(always)]
            fn run<C: Cpu>(self, cpu: C) -> Option<u32> {
                cpu.first(&self.0)
            }
        }
        each(|| First(*rows))
    }

    #[cfg(test)]
    fn each<W: Work>(work: impl Fn() -> W) -> Vec<W::Output> {
        let mut out = Vec::new();
        if Avx512::is_here() {
            // SAFETY: the processor has the features.
            out.push(unsafe { run_avx512(work()) });
        }
        if Avx2::is_here() {
            // SAFETY: the processor has the features.
            out.push(unsafe { run_avx2(work()) });
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_counts_alike() {
        let lines = [
            Line([0; 16]),
            Line([u32::MAX; 16]),
            Line(std::array::from_fn(|i| (i as u32) * 0x1111_1111)),
            Line(std::array::from_fn(|i| 0x7fff_fff8 + i as u32)),
        ];
        for line in &lines {
            let keys = line.0.iter().flat_map(|k| [k.wrapping_sub(1), *k, k.wrapping_add(1)]);
            for x in keys.chain([0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX]) {
                let expected = line.0.iter().filter(|k| **k <= x).count() as u32;
                assert_eq!(Portable.rank(line, x), expected);
                #[cfg(target_arch = "x86_64")]
                for rank in x86::ranks(line, x) {
                    assert_eq!(rank, expected, "{line:?} {x}");
                }
            }
        }
    }

    #[test]
    fn every_form_finds_the_same_ranges() {
        let low = Line(std::array::from_fn(|i| (i as u32 * 2_001) | (i as u32 * 2_047) << 16));
        let high = Line(std::array::from_fn(|i| (i as u32 * 4_003 + 5) | (0xffff - i as u32) << 16));
        for x in [0u16, 1, 5, 2_001, 2_047, 30_705, 32_767, 32_768, 60_050, 65_520, 65_535] {
            let lane = |line: &Line, i: usize| (line.0[i / 2] >> (i % 2 * 16)) as u16;
            let holds = |i: &usize| lane(&low, *i) <= x && x <= lane(&high, *i);
            let expected = (0..32).filter(holds).fold(0u32, |m, i| m | 1 << i);
            assert_eq!(Portable.within(&low, &high, x), expected, "{x}");
            #[cfg(target_arch = "x86_64")]
            for found in x86::withins(&low, &high, x) {
                assert_eq!(found, expected, "{x}");
            }
        }
    }

    #[test]
    fn every_form_finds_the_first_rule() {
        let line = |bits: &[u32]| {
            let mut line = Line([0; 16]);
            bits.iter().for_each(|bit| line.0[*bit as usize / 32] |= 1 << (bit % 32));
            line
        };
        let all = Line([u32::MAX; 16]);
        let (source, destination) = (line(&[3, 77, 300, 511]), line(&[77, 256, 511]));
        let (by_network, by_tag) = (line(&[256, 400]), line(&[3]));
        for (holds, ports, expected) in [
            ([false, false], all, Some(77)),
            ([true, false], all, Some(77)),
            ([true, true], all, Some(3)),
            ([true, false], line(&[256, 257]), Some(256)),
            ([false, false], line(&[256, 257]), None),
            ([false, false], line(&[511]), Some(511)),
            ([true, true], line(&[]), None),
        ] {
            let more = [[(holds[0], &by_network), (false, &all)], [(holds[1], &by_tag), (false, &all)]];
            let rows = Rows { sides: [&source, &destination], more, others: [&ports, &all] };
            assert_eq!(Portable.first(&rows), expected, "{holds:?}");
            #[cfg(target_arch = "x86_64")]
            for found in x86::firsts(&rows) {
                assert_eq!(found, expected, "{holds:?}");
            }
        }
    }
}
