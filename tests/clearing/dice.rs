//! Numbers that look random and are the same everywhere: a seed in an assertion's message makes its day again.

/// SplitMix64.
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One of `from..to`.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.roll() % u64::try_from(to - from).expect("a range that is not empty")).expect("less than the range")
    }

    /// True so often in a thousand.
    pub fn permille(&mut self, rate: u64) -> bool {
        self.roll() % 1000 < rate
    }

    pub fn one_of<'t, T>(&mut self, things: &'t [T]) -> &'t T {
        &things[usize::try_from(self.roll() % things.len() as u64).expect("a place in the slice")]
    }

    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            let other = usize::try_from(self.roll() % (last as u64 + 1)).expect("a place in the slice");
            things.swap(last, other);
        }
    }
}
