//! A fare matrix: price from station to station, read from a CSV file of pairs.
//!
//! Dense where it can be: one look-up per ride. A pair that the file does not name has no price; nothing is guessed.

use domain::Symbol;
use hashbrown::HashMap;

#[derive(Clone, Debug, Default)]
pub struct Matrix {
    rows: HashMap<Symbol, u32, foldhash::fast::FixedState>,
    /// `rows.len()` squared; `NO_PRICE` where the file is silent.
    fares_minor: Vec<i64>,
}

const NO_PRICE: i64 = i64::MIN;

impl Matrix {
    /// Builds the matrix from (from, to, fare) triples; a pair given twice keeps the last fare and is returned.
    #[must_use]
    pub fn build(triples: &[(Symbol, Symbol, i64)]) -> (Self, Vec<usize>) {
        let mut rows = HashMap::with_hasher(foldhash::fast::FixedState::default());
        for &(from, to, _) in triples {
            for station in [from, to] {
                let next = u32::try_from(rows.len()).expect("fewer than 4 billion stations");
                rows.entry(station).or_insert(next);
            }
        }
        let mut matrix = Self { fares_minor: vec![NO_PRICE; rows.len() * rows.len()], rows };
        let mut repeated = Vec::new();
        for (at, &(from, to, fare_minor)) in triples.iter().enumerate() {
            if let Some(slot) = matrix.slot(from, to).and_then(|slot| matrix.fares_minor.get_mut(slot)) {
                if *slot != NO_PRICE {
                    repeated.push(at);
                }
                *slot = fare_minor;
            }
        }
        (matrix, repeated)
    }

    #[must_use]
    pub fn fare_minor(&self, from: Symbol, to: Symbol) -> Option<i64> {
        self.fares_minor.get(self.slot(from, to)?).copied().filter(|&fare| fare != NO_PRICE)
    }

    fn slot(&self, from: Symbol, to: Symbol) -> Option<usize> {
        let (from, to) = (*self.rows.get(&from)?, *self.rows.get(&to)?);
        Some(from as usize * self.rows.len() + to as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_its_own_price_in_each_direction() {
        let (a, b, c) = (Symbol(1), Symbol(2), Symbol(3));
        let (matrix, repeated) = Matrix::build(&[(a, b, 200), (b, a, 300), (c, c, 0), (a, b, 250)]);
        assert_eq!(matrix.fare_minor(a, b), Some(250));
        assert_eq!(matrix.fare_minor(b, a), Some(300));
        assert_eq!(matrix.fare_minor(c, c), Some(0));
        assert_eq!(matrix.fare_minor(a, c), None);
        assert_eq!(matrix.fare_minor(a, Symbol(4)), None);
        assert_eq!(repeated, [3]);
    }
}
