//! Numbers from a seed: SplitMix64 (Steele, Lea, Flood 2014), the same on every machine.

#[derive(Clone, Copy, Debug)]
pub struct Dice(u64);

impl Dice {
    /// A row of numbers of its own for each (seed, stream).
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut dice = Self(seed ^ stream.wrapping_mul(0xd605_bbb5_8c8a_bc03));
        dice.next();
        Self(dice.next() ^ stream)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; zero where the bound is zero.
    pub fn below(&mut self, bound: u32) -> u32 {
        let high = (self.next() >> 32) * u64::from(bound);
        u32::try_from(high >> 32).expect("below a 32-bit bound")
    }

    /// One of `from..to`.
    pub fn between(&mut self, from: u32, to: u32) -> u32 {
        from + self.below(to.saturating_sub(from))
    }

    /// Whether something that happens so many times in a million happens now.
    pub fn happens(&mut self, per_million: u32) -> bool {
        self.below(1_000_000) < per_million
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> Option<&'t T> {
        from.get(self.below(u32::try_from(from.len()).unwrap_or(u32::MAX)) as usize)
    }

    /// A place in a table of growing sums, each as often as its weight.
    pub fn weighted(&mut self, sums: &[u32]) -> usize {
        let number = self.below(sums.last().copied().unwrap_or(0));
        sums.partition_point(|&sum| sum <= number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_from_the_seed_and_stay_in_bounds() {
        let row = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            [dice.next(), dice.next()]
        };
        assert_eq!(row(1, 2), row(1, 2));
        assert_ne!(row(1, 2), row(1, 3));
        assert_ne!(row(1, 2), row(2, 2));
        let mut dice = Dice::new(7, 0);
        let mut met = [0; 3];
        for _ in 0..3000 {
            met[dice.weighted(&[1, 1, 3])] += 1;
            assert!((5..9).contains(&dice.between(5, 9)));
        }
        assert!(met[0] > 800 && met[1] == 0 && met[2] > 1700);
        assert_eq!(dice.below(0), 0);
    }
}
