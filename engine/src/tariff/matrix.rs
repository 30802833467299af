//! A matrix: a number from place to place (a fare, a distance), read from a CSV file of pairs.
//!
//! Dense where it can be: one look-up per ride. A pair that the file does not name has no number; nothing is guessed. A row
//! of the file may be for any place, and several places may share the rows of their area.

use domain::Symbol;
use hashbrown::{HashMap, HashSet};

#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// By symbol: the row of the place plus one; zero for what is none of its places.
    rows: Vec<u32>,
    /// The row plus one of all other places; zero where no row of the file is for any place.
    others: u32,
    /// Places and areas that the file names, in the order of their rows.
    places: Vec<Symbol>,
    size: usize,
    /// `size` squared, as narrow as they can be: a network's prices stay in a processor's cache. `ABSENT` where the file is
    /// silent, `WIDE` where the number does not fit.
    numbers: Vec<i32>,
    /// The numbers that do not fit, by their place in `numbers`.
    wide: HashMap<usize, i64, foldhash::fast::FixedState>,
    /// Beside each number what kind of ticket it is the price of; empty where the file names none.
    tickets: Vec<Symbol>,
}

/// One row of the file. An end that is `None` is any place that no narrower row is for.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub from: Option<Symbol>,
    pub to: Option<Symbol>,
    /// `None`: this pair has none, whatever wider rows say.
    pub number: Option<i64>,
    pub ticket: Symbol,
}

const ABSENT: i32 = i32::MIN;
const WIDE: i32 = i32::MIN + 1;
/// While the rows are read: a row says that there is no number.
const NONE: i32 = i32::MIN + 2;

impl Matrix {
    /// Builds the matrix from (from, to, number) triples; a pair given twice keeps the first number and is returned.
    #[must_use]
    pub fn build(triples: &[(Symbol, Symbol, i64)]) -> (Self, Vec<usize>) {
        let pair = |&(from, to, number): &(Symbol, Symbol, i64)| Pair { from: Some(from), to: Some(to), number: Some(number), ticket: Symbol::NONE };
        Self::of_pairs(&triples.iter().map(pair).collect::<Vec<_>>())
    }

    /// The same from rows that may be for any place: a pair of places takes the row that names both, else the one that names
    /// where it begins, else the one that names where it ends, else the one that names neither.
    #[must_use]
    pub fn of_pairs(pairs: &[Pair]) -> (Self, Vec<usize>) {
        let mut places: Vec<Symbol> = pairs.iter().flat_map(|pair| [pair.from, pair.to]).flatten().collect();
        places.sort_unstable();
        places.dedup();
        let mut rows = vec![0; places.last().map_or(0, |last| last.index() + 1)];
        for (row, place) in (1u32..).zip(&places) {
            if let Some(slot) = rows.get_mut(place.index()) {
                *slot = row;
            }
        }
        let open = pairs.iter().any(|pair| pair.from.is_none() || pair.to.is_none());
        let size = places.len() + usize::from(open);
        let others = if open { u32::try_from(size).unwrap_or(u32::MAX) } else { 0 };
        let tickets = if pairs.iter().any(|pair| !pair.ticket.is_none()) { vec![Symbol::NONE; size * size] } else { Vec::new() };
        let mut matrix = Self { rows, others, places, size, numbers: vec![ABSENT; size * size], wide: HashMap::default(), tickets };
        let mut repeated = Vec::new();
        for narrow in [(true, true), (true, false), (false, true), (false, false)] {
            let mut seen: HashSet<(Option<Symbol>, Option<Symbol>), foldhash::fast::FixedState> = HashSet::default();
            for (at, pair) in pairs.iter().enumerate().filter(|(_, pair)| (pair.from.is_some(), pair.to.is_some()) == narrow) {
                let new = match narrow {
                    (true, true) => matrix.slot(pair.from.unwrap_or_default(), pair.to.unwrap_or_default()).is_some_and(|slot| matrix.fill(slot, pair)),
                    _ => seen.insert((pair.from, pair.to)),
                };
                if !new {
                    repeated.push(at);
                } else if narrow != (true, true) {
                    let [from_rows, to_rows] = [pair.from, pair.to].map(|place| place.and_then(|place| matrix.row(place)).map_or(0..size, |row| row..row + 1));
                    for from in from_rows {
                        for to in to_rows.clone() {
                            matrix.fill(from * size + to, pair);
                        }
                    }
                }
            }
        }
        repeated.sort_unstable();
        matrix.numbers.iter_mut().filter(|number| **number == NONE).for_each(|number| *number = ABSENT);
        (matrix, repeated)
    }

    /// Lets a place share the rows of an area. Areas that no row names leave it one of the other places.
    pub fn join(&mut self, place: Symbol, area: Symbol) {
        let row = self.rows.get(area.index()).copied().unwrap_or(0);
        if self.rows.len() <= place.index() {
            self.rows.resize(place.index() + 1, 0);
        }
        if let Some(slot) = self.rows.get_mut(place.index()) {
            *slot = row;
        }
    }

    /// Writes a number where none stands.
    fn fill(&mut self, slot: usize, pair: &Pair) -> bool {
        let Some(number) = self.numbers.get_mut(slot).filter(|number| **number == ABSENT) else { return false };
        *number = match pair.number {
            None => NONE,
            Some(wanted) => i32::try_from(wanted).ok().filter(|&narrow| narrow > NONE).unwrap_or(WIDE),
        };
        if *number == WIDE {
            self.wide.insert(slot, pair.number.unwrap_or_default());
        }
        if let Some(ticket) = self.tickets.get_mut(slot) {
            *ticket = pair.ticket;
        }
        true
    }

    /// The ticket that a pair's number is the price of; absent where the file names none.
    #[must_use]
    pub fn ticket(&self, from: Symbol, to: Symbol) -> Symbol {
        if self.tickets.is_empty() {
            return Symbol::NONE;
        }
        self.slot(from, to).and_then(|slot| self.tickets.get(slot)).copied().unwrap_or_default()
    }

    #[must_use]
    pub fn get(&self, from: Symbol, to: Symbol) -> Option<i64> {
        self.number(self.slot(from, to)?)
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
        (0..self.numbers.len()).filter_map(|slot| self.number(slot)).max()
    }

    /// The smallest number between two different places.
    #[must_use]
    pub fn smallest(&self) -> Option<i64> {
        let size = self.size;
        (0..self.numbers.len()).filter(|slot| slot / size != slot % size).filter_map(|slot| self.number(slot)).min()
    }

    fn number(&self, slot: usize) -> Option<i64> {
        match self.numbers.get(slot).copied()? {
            ABSENT => None,
            WIDE => self.wide.get(&slot).copied(),
            number => Some(i64::from(number)),
        }
    }

    fn slot(&self, from: Symbol, to: Symbol) -> Option<usize> {
        Some(self.row(from)? * self.size + self.row(to)?)
    }

    fn row(&self, place: Symbol) -> Option<usize> {
        let row = self.rows.get(place.index()).copied().filter(|&row| row != 0).unwrap_or(self.others);
        (row as usize).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_its_own_price_in_each_direction() {
        let (a, b, c) = (Symbol(1), Symbol(2), Symbol(3));
        let (matrix, repeated) = Matrix::build(&[(a, b, 200), (b, a, 300), (c, c, 0), (a, b, 250)]);
        assert_eq!(matrix.get(a, b), Some(200));
        assert_eq!(matrix.get(b, a), Some(300));
        assert_eq!(matrix.get(c, c), Some(0));
        assert_eq!(matrix.get(a, c), None);
        assert_eq!(matrix.get(a, Symbol(4)), None);
        assert_eq!(repeated, [3]);
    }

    #[test]
    fn numbers_of_any_size_are_kept() {
        let edges = [0, -1, i64::from(i32::MAX), i64::from(i32::MAX) + 1, i64::from(i32::MIN), i64::from(i32::MIN) + 1, i64::from(i32::MIN) + 2];
        let edges = edges.into_iter().chain([i64::from(i32::MIN) + 3, i64::MAX, i64::MIN]);
        for number in edges {
            let (matrix, _) = Matrix::build(&[(Symbol(1), Symbol(2), number)]);
            assert_eq!((matrix.get(Symbol(1), Symbol(2)), matrix.largest(), matrix.smallest()), (Some(number), Some(number), Some(number)));
            assert_eq!(matrix.get(Symbol(2), Symbol(1)), None);
        }
    }

    #[test]
    fn the_narrowest_row_counts_and_places_share_the_rows_of_their_area() {
        let [inner, outer, a, b, stranger, single] = [1, 2, 3, 4, 5, 6].map(Symbol);
        let row = |from, to, number, ticket| Pair { from, to, number: Some(number), ticket };
        let rows = [
            row(None, None, 900, Symbol::NONE),
            row(Some(inner), Some(outer), 300, single),
            row(Some(inner), None, 500, Symbol::NONE),
            row(None, Some(outer), 700, single),
            row(None, None, 1, Symbol::NONE),
            row(Some(inner), None, 2, Symbol::NONE),
            row(Some(inner), Some(outer), 3, Symbol::NONE),
        ];
        let (mut matrix, repeated) = Matrix::of_pairs(&rows);
        assert_eq!(repeated, [4, 5, 6]);
        matrix.join(a, inner);
        matrix.join(b, outer);
        matrix.join(Symbol(9), Symbol(8));
        for (from, to, number) in [(a, b, 300), (a, a, 500), (b, b, 700), (b, a, 900), (stranger, b, 700), (a, stranger, 500), (stranger, Symbol(9), 900)] {
            assert_eq!(matrix.get(from, to), Some(number), "{from:?} {to:?}");
        }
        assert_eq!([matrix.ticket(a, b), matrix.ticket(b, b), matrix.ticket(a, a)], [single, single, Symbol::NONE]);
        let nothing = Pair { number: None, ..row(Some(inner), Some(inner), 0, Symbol::NONE) };
        let (holed, _) = Matrix::of_pairs(&[nothing, row(None, None, 900, Symbol::NONE)]);
        assert_eq!([holed.get(inner, inner), holed.get(inner, outer)], [None, Some(900)], "a row may say that there is no fare");
        assert_eq!((matrix.smallest(), matrix.largest()), (Some(300), Some(900)));
    }
}
