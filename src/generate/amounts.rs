//! When people travel and what they pay, as tables of whole numbers: no machine rounds them otherwise.

use super::dice::Dice;

/// Weights of the quarter-hours from 05:00 on, as growing sums.
pub struct Clock {
    sums: [u32; QUARTERS],
}

/// From 05:00 to 24:00.
const QUARTERS: usize = 76;
const FIRST_MS: u32 = 5 * 3_600_000;
const QUARTER_MS: u32 = 900_000;

/// Weight by hour, from 05:00 on.
const MORNING: [u32; 19] = [2, 14, 46, 60, 22, 6, 3, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
const EVENING: [u32; 19] = [0, 0, 0, 0, 0, 1, 2, 4, 3, 3, 6, 14, 46, 58, 26, 14, 9, 5, 2];
const ERRANDS: [u32; 19] = [1, 4, 10, 14, 16, 18, 18, 14, 14, 16, 16, 14, 14, 14, 12, 9, 6, 3, 1];
const VISITS: [u32; 19] = [0, 0, 1, 4, 18, 24, 20, 12, 16, 22, 18, 10, 4, 2, 1, 0, 0, 0, 0];

impl Clock {
    #[must_use]
    pub fn morning() -> Self {
        Self::of(&MORNING)
    }

    #[must_use]
    pub fn evening() -> Self {
        Self::of(&EVENING)
    }

    #[must_use]
    pub fn errands() -> Self {
        Self::of(&ERRANDS)
    }

    #[must_use]
    pub fn visits() -> Self {
        Self::of(&VISITS)
    }

    fn of(hours: &[u32; 19]) -> Self {
        let mut sum = 0;
        let mut sums = [0; QUARTERS];
        for (at, slot) in sums.iter_mut().enumerate() {
            // Between two hours the weight moves in a straight line.
            let (hour, quarter) = (at / 4, u32::try_from(at % 4).unwrap_or(0));
            let this = hours.get(hour).copied().unwrap_or(0);
            let next = hours.get(hour + 1).copied().unwrap_or(this);
            sum += this * (4 - quarter) + next * quarter;
            *slot = sum;
        }
        Self { sums }
    }

    /// Milliseconds after local midnight.
    pub fn time_ms(&self, dice: &mut Dice) -> u32 {
        let quarter = u32::try_from(dice.weighted(&self.sums)).unwrap_or(0);
        FIRST_MS + quarter * QUARTER_MS + dice.below(QUARTER_MS)
    }
}

/// What purchases come to: every sixteenth of them is at most so much, in minor units. Near a log-normal curve.
const SHOP: [u32; 17] = [150, 480, 690, 880, 1080, 1290, 1530, 1800, 2120, 2500, 2980, 3600, 4450, 5720, 8000, 13_800, 48_000];
const HOSPITAL: [u32; 17] = [500, 1500, 2400, 3400, 4600, 6000, 7700, 9800, 12_400, 15_800, 20_300, 26_500, 35_500, 49_800, 76_000, 145_000, 640_000];

fn amount(table: &[u32; 17], dice: &mut Dice) -> u32 {
    let at = dice.below(16) as usize;
    let (low, high) = (table.get(at).copied().unwrap_or(0), table.get(at + 1).copied().unwrap_or(0));
    dice.between(low, high)
}

pub fn shop_minor(dice: &mut Dice) -> u32 {
    amount(&SHOP, dice)
}

pub fn hospital_minor(dice: &mut Dice) -> u32 {
    amount(&HOSPITAL, dice)
}

/// Half of the venues are free; a venue asks everyone for the same.
pub fn admission_minor(venue: u32) -> u32 {
    const PRICES: [u32; 12] = [0, 0, 0, 0, 0, 0, 1000, 2000, 3000, 4500, 6000, 8000];
    PRICES.get((venue.wrapping_mul(2_654_435_761) >> 16) as usize % PRICES.len()).copied().unwrap_or(0)
}
