//! A matrix: a number from place to place (a fare, a distance), read from a CSV file of pairs.
//!
//! Dense where it can be: one look-up per ride. A pair that the file does not name has no number; nothing is guessed.

use domain::Symbol;

#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// By symbol: the row of the place plus one; zero for what is none of its places.
    rows: Vec<u32>,
    places: Vec<Symbol>,
    /// `places.len()` squared; `ABSENT` where the file is silent.
    numbers: Vec<i64>,
}

const ABSENT: i64 = i64::MIN;

impl Matrix {
    /// Builds the matrix from (from, to, number) triples; a pair given twice keeps the last number and is returned.
    #[must_use]
    pub fn build(triples: &[(Symbol, Symbol, i64)]) -> (Self, Vec<usize>) {
        let mut places: Vec<Symbol> = triples.iter().flat_map(|&(from, to, _)| [from, to]).collect();
        places.sort_unstable();
        places.dedup();
        let mut rows = vec![0; places.last().map_or(0, |last| last.index() + 1)];
        for (row, place) in (1u32..).zip(&places) {
            if let Some(slot) = rows.get_mut(place.index()) {
                *slot = row;
            }
        }
        let mut matrix = Self { numbers: vec![ABSENT; places.len() * places.len()], rows, places };
        let mut repeated = Vec::new();
        for (at, &(from, to, number)) in triples.iter().enumerate() {
            if let Some(slot) = matrix.slot(from, to).and_then(|slot| matrix.numbers.get_mut(slot)) {
                if *slot != ABSENT {
                    repeated.push(at);
                }
                *slot = number;
            }
        }
        (matrix, repeated)
    }

    #[must_use]
    pub fn get(&self, from: Symbol, to: Symbol) -> Option<i64> {
        self.numbers.get(self.slot(from, to)?).copied().filter(|&number| number != ABSENT)
    }

    /// The places that it names, in order.
    #[must_use]
    pub fn places(&self) -> Vec<Symbol> {
        self.places.clone()
    }

    /// The pairs of different places that have no number.
    #[must_use]
    pub fn gaps(&self) -> Vec<(Symbol, Symbol)> {
        let places = self.places();
        let pairs = places.iter().flat_map(|&from| places.iter().map(move |&to| (from, to)));
        pairs.filter(|&(from, to)| from != to && self.get(from, to).is_none()).collect()
    }

    /// The largest number in it.
    #[must_use]
    pub fn largest(&self) -> Option<i64> {
        self.numbers.iter().copied().max().filter(|&number| number != ABSENT)
    }

    /// The smallest number between two different places.
    #[must_use]
    pub fn smallest(&self) -> Option<i64> {
        let size = self.places.len();
        (0..).zip(&self.numbers).filter(|&(at, &number)| number != ABSENT && at / size.max(1) != at % size.max(1)).map(|(_, &number)| number).min()
    }

    fn slot(&self, from: Symbol, to: Symbol) -> Option<usize> {
        let row = |place: Symbol| (*self.rows.get(place.index())? as usize).checked_sub(1);
        Some(row(from)? * self.places.len() + row(to)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_its_own_price_in_each_direction() {
        let (a, b, c) = (Symbol(1), Symbol(2), Symbol(3));
        let (matrix, repeated) = Matrix::build(&[(a, b, 200), (b, a, 300), (c, c, 0), (a, b, 250)]);
        assert_eq!(matrix.get(a, b), Some(250));
        assert_eq!(matrix.get(b, a), Some(300));
        assert_eq!(matrix.get(c, c), Some(0));
        assert_eq!(matrix.get(a, c), None);
        assert_eq!(matrix.get(a, Symbol(4)), None);
        assert_eq!(repeated, [3]);
    }
}
