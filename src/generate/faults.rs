//! How often what goes wrong: rates in parts per million.

/// Rates per million; of records, unless it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults {
    /// Sent twice with the same fields.
    pub duplicate: u32,
    /// Sent twice with other fields.
    pub conflict: u32,
    /// The same card and card counter at another terminal.
    pub clone: u32,
    pub unknown_terminal: u32,
    pub hotlisted: u32,
    pub absurd_amount: u32,
    /// 1970 or 2099.
    pub wrong_date: u32,
    /// Uploaded hours after the others.
    pub late_upload: u32,
    /// Of journeys: of the service day before.
    pub late_day: u32,
    /// Of journeys.
    pub no_tap_off: u32,
    /// Of journeys.
    pub no_tap_on: u32,
    /// Of rides and purchases: an unfinished write on the card. Half of them are proven by the card's next record.
    pub grey: u32,
    /// Of purchases: given back in part, in whole, twice, or more than was paid.
    pub refund: u32,
    /// The same card at the same gate again, seconds later.
    pub same_gate: u32,
    /// The card in another town minutes later.
    pub far_away: u32,
    /// The card's counter lower than before.
    pub counter_back: u32,
    /// Riders who tap on four times a day and never off.
    pub dodger: u32,
}

impl Default for Faults {
    /// A province's day, a little worse than good ones are.
    fn default() -> Self {
        Self {
            duplicate: 4_000,
            conflict: 40,
            clone: 20,
            unknown_terminal: 60,
            hotlisted: 80,
            absurd_amount: 15,
            wrong_date: 30,
            late_upload: 50_000,
            late_day: 5_000,
            no_tap_off: 4_000,
            no_tap_on: 2_000,
            grey: 300,
            refund: 8_000,
            same_gate: 300,
            far_away: 150,
            counter_back: 200,
            dodger: 100,
        }
    }
}

impl Faults {
    /// A day on which nothing goes wrong.
    pub const NONE: Self = Self {
        duplicate: 0,
        conflict: 0,
        clone: 0,
        unknown_terminal: 0,
        hotlisted: 0,
        absurd_amount: 0,
        wrong_date: 0,
        late_upload: 0,
        late_day: 0,
        no_tap_off: 0,
        no_tap_on: 0,
        grey: 0,
        refund: 0,
        same_gate: 0,
        far_away: 0,
        counter_back: 0,
        dodger: 0,
    };

    /// All rates times `percent` hundredths, none above one in two.
    #[must_use]
    pub fn times_percent(self, percent: u32) -> Self {
        let times = |rate: u32| u32::try_from((u64::from(rate) * u64::from(percent) / 100).min(500_000)).unwrap_or(500_000);
        let Self {
            duplicate,
            conflict,
            clone,
            unknown_terminal,
            hotlisted,
            absurd_amount,
            wrong_date,
            late_upload,
            late_day,
            no_tap_off,
            no_tap_on,
            grey,
            refund,
            same_gate,
            far_away,
            counter_back,
            dodger,
        } = self;
        Self {
            duplicate: times(duplicate),
            conflict: times(conflict),
            clone: times(clone),
            unknown_terminal: times(unknown_terminal),
            hotlisted: times(hotlisted),
            absurd_amount: times(absurd_amount),
            wrong_date: times(wrong_date),
            late_upload: times(late_upload),
            late_day: times(late_day),
            no_tap_off: times(no_tap_off),
            no_tap_on: times(no_tap_on),
            grey: times(grey),
            refund: times(refund),
            same_gate: times(same_gate),
            far_away: times(far_away),
            counter_back: times(counter_back),
            dodger: times(dodger),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_scaled_together() {
        assert_eq!(Faults::default().times_percent(100), Faults::default());
        assert_eq!(Faults::default().times_percent(0), Faults::NONE);
        assert_eq!(Faults::default().times_percent(u32::MAX).conflict, 500_000);
    }
}
