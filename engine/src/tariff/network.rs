//! A network: places joined by edges with a length, and the shortest way between any two of them.
//!
//! Worked out once, when the tariff is read. Edges go both ways unless they say otherwise.

use super::Matrix;
use domain::Symbol;
use hashbrown::HashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The length of the shortest way for every pair of places that has one; zero from a place to itself.
#[must_use]
pub fn shortest(edges: &[(Symbol, Symbol, i64)], both_ways: bool) -> Matrix {
    let mut ways: HashMap<Symbol, Vec<(Symbol, i64)>, foldhash::fast::FixedState> = HashMap::default();
    for &(from, to, length) in edges {
        ways.entry(from).or_default().push((to, length));
        let back = ways.entry(to).or_default();
        if both_ways {
            back.push((from, length));
        }
    }
    let mut places: Vec<Symbol> = ways.keys().copied().collect();
    places.sort_unstable();
    let mut lengths = Vec::new();
    for &start in &places {
        let mut best: HashMap<Symbol, i64, foldhash::fast::FixedState> = HashMap::default();
        let mut queue = BinaryHeap::from([Reverse((0, start))]);
        while let Some(Reverse((length, place))) = queue.pop() {
            if best.contains_key(&place) {
                continue;
            }
            best.insert(place, length);
            for &(next, further) in ways.get(&place).into_iter().flatten() {
                if !best.contains_key(&next) {
                    queue.push(Reverse((length + further, next)));
                }
            }
        }
        lengths.extend(best.into_iter().map(|(end, length)| (start, end, length)));
    }
    Matrix::build(&lengths).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_way_wins_and_a_missing_one_stays_missing() {
        let [a, b, c, d, e] = [1, 2, 3, 4, 5].map(Symbol);
        let edges = [(a, b, 5), (b, c, 5), (a, c, 12), (d, e, 1)];
        let both = shortest(&edges, true);
        assert_eq!((both.get(a, c), both.get(c, a), both.get(a, a), both.get(a, d)), (Some(10), Some(10), Some(0), None));
        let one = shortest(&edges, false);
        assert_eq!((one.get(a, c), one.get(c, a)), (Some(10), None));
    }
}
