//! Distance steps: what a ride of so many metres (or stops) costs.
//!
//! A step up to 4,000 includes 4,000. A step with `each` repeats: so much more for each further part begun. The last step
//! may be open-ended; a distance beyond a last step that is not has no price.

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The last distance it is for; `None` for every further one.
    pub to: Option<i64>,
    pub price: StepPrice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPrice {
    /// The whole fare.
    Fare { minor: i64 },
    /// On top of the step before, for each part of that length that was begun.
    Each { length: i64, add_minor: i64 },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// Ascending.
    pub list: Vec<Step>,
    /// What no fare exceeds.
    pub maximum_minor: Option<i64>,
    /// Per step: the distance and the fare at its beginning.
    begins: Vec<(i64, i64)>,
}

impl Steps {
    /// The position of a wrong step where the distances do not ascend, a fare falls, or an open step is not the last.
    ///
    /// # Errors
    /// The position of the step and what is wrong with it.
    pub fn new(list: Vec<Step>, maximum_minor: Option<i64>) -> Result<Self, (usize, &'static str)> {
        let mut begins = Vec::with_capacity(list.len());
        let (mut distance, mut fare_minor) = (0, 0);
        for (at, step) in list.iter().enumerate() {
            begins.push((distance, fare_minor));
            if step.to.is_none() && at + 1 != list.len() {
                return Err((at, "has no `to` and is not the last"));
            }
            if step.to.is_some_and(|to| to <= distance) {
                return Err((at, "does not go further than the step before"));
            }
            let end_minor = match step.price {
                StepPrice::Fare { minor } => minor,
                StepPrice::Each { .. } => step.to.map_or(fare_minor, |to| price_in(step, (distance, fare_minor), to)),
            };
            if end_minor < fare_minor {
                return Err((at, "costs less than the step before"));
            }
            (distance, fare_minor) = (step.to.unwrap_or(distance), end_minor);
        }
        Ok(Self { list, maximum_minor, begins })
    }

    #[must_use]
    pub fn fare_minor(&self, distance: i64) -> Option<i64> {
        let at = self.list.partition_point(|step| step.to.is_some_and(|to| to < distance));
        let fare_minor = price_in(self.list.get(at)?, *self.begins.get(at)?, distance);
        Some(self.maximum_minor.map_or(fare_minor, |maximum| fare_minor.min(maximum)))
    }
}

fn price_in(step: &Step, (begin, begin_minor): (i64, i64), distance: i64) -> i64 {
    match step.price {
        StepPrice::Fare { minor } => minor,
        StepPrice::Each { length, add_minor } => begin_minor + add_minor * ((distance - begin).max(0) + length - 1).div_euclid(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_includes_its_end_and_an_open_one_goes_on() {
        let fare = |to, minor| Step { to: Some(to), price: StepPrice::Fare { minor } };
        let each = |to, length| Step { to, price: StepPrice::Each { length, add_minor: 100 } };
        let steps = Steps::new(vec![fare(4_000, 200), each(Some(12_000), 4_000), each(None, 20_000)], Some(600)).expect("good steps");
        for (metres, fare_minor) in
            [(0, 200), (4_000, 200), (4_001, 300), (8_000, 300), (8_001, 400), (12_000, 400), (12_001, 500), (32_000, 500), (32_001, 600), (99_999, 600)]
        {
            assert_eq!(steps.fare_minor(metres), Some(fare_minor), "{metres}");
        }
        let closed = Steps::new(vec![fare(10, 5)], None).expect("good steps");
        assert_eq!((closed.fare_minor(10), closed.fare_minor(11)), (Some(5), None));
        assert!(Steps::new(vec![fare(10, 5), fare(10, 6)], None).is_err());
        assert!(Steps::new(vec![fare(10, 5), fare(11, 4)], None).is_err());
        assert!(Steps::new(vec![each(None, 5), fare(10, 5)], None).is_err());
    }
}
