//! What a feed's fares come to: tables of areas, the cases in which each counts, and what transfers cost.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};

/// Fares as the tariff will have them.
#[derive(Debug, Default)]
pub struct Fares {
    pub currency: String,
    pub minor_digits: u8,
    pub areas: Vec<Areas>,
    pub tables: Vec<Table>,
    pub periods: Vec<Period>,
    /// Named lists of routes.
    pub groups: Vec<(String, Vec<String>)>,
    /// The first that holds for a ride counts; the last has no condition.
    pub cases: Vec<Case>,
    pub transfers: Vec<Transfer>,
    /// Names of the tickets, from the first on.
    pub tickets: Vec<String>,
    /// Which of the two kinds of files they are from.
    pub version: u8,
}

/// Places put into areas. Stops that are in none are other places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    pub names: Vec<String>,
    /// Stop and position of the area.
    pub members: Vec<(String, usize)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// A position in the areas; a table of one price for all needs none.
    pub areas: Option<usize>,
    pub rows: Vec<Row>,
}

/// `None` is any place. A row without a fare says that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    pub from: Option<u32>,
    pub to: Option<u32>,
    pub fare: Option<Price>,
}

/// A price and what kind of ticket it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Price {
    pub minor: i64,
    pub ticket: Ticket,
}

/// Its number in the list of tickets; zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u16);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    pub name: String,
    /// Its keys and values as the tariff writes them.
    pub lines: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    pub name: String,
    /// The network that it is of, and what kind of ticket its fares are of, where they do not say so themselves.
    pub network: Option<String>,
    pub ticket: Option<String>,
    /// A position in the groups of routes.
    pub routes: Option<usize>,
    pub operator: Option<String>,
    pub when: Vec<String>,
    pub exit_when: Vec<String>,
    pub class: Option<String>,
    pub medium: Option<String>,
    pub table: usize,
}

impl Case {
    /// One without conditions.
    #[must_use]
    pub const fn for_all() -> Self {
        Self {
            name: String::new(),
            network: None,
            ticket: None,
            routes: None,
            operator: None,
            when: Vec::new(),
            exit_when: Vec::new(),
            class: None,
            medium: None,
            table: 0,
        }
    }
}

/// A transfer rule: its keys and values as the tariff writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    pub name: String,
    pub comment: String,
    pub lines: Vec<String>,
}

impl Fares {
    /// The position of a table; the same one where it stands there already.
    pub fn table(&mut self, table: Table) -> usize {
        position_or_push(&mut self.tables, table)
    }

    /// Adds a case under a name of its own.
    pub fn case(&mut self, mut case: Case) {
        let taken = |name: &str| self.cases.iter().any(|known| known.name == name);
        let plain = case.name.clone();
        let mut number = 2;
        while taken(&case.name) {
            case.name = format!("{plain} ~{number}");
            number += 1;
        }
        self.cases.push(case);
    }

    pub fn area_list(&mut self, areas: Areas) -> usize {
        position_or_push(&mut self.areas, areas)
    }

    /// The position of a named list of routes.
    pub fn group(&mut self, name: String, routes: Vec<String>) -> usize {
        position_or_push(&mut self.groups, (name, routes))
    }

    /// Whether any ride has a price.
    #[must_use]
    pub fn prices_something(&self) -> bool {
        self.tables.iter().flat_map(|table| &table.rows).any(|row| row.fare.is_some())
    }

    /// The dearest price of all.
    #[must_use]
    pub fn dearest_minor(&self) -> i64 {
        self.tables.iter().flat_map(|table| &table.rows).filter_map(|row| row.fare).map(|fare| fare.minor).max().unwrap_or(0)
    }
}

fn position_or_push<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|known| *known == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

impl Table {
    /// The one price of a table that asks no place.
    #[must_use]
    pub fn flat(&self) -> Option<Price> {
        match self.rows.as_slice() {
            [Row { from: None, to: None, fare }] => *fare,
            _ => None,
        }
    }
}

/// A price for every pair of some units. The last unit is every place that is in no other.
#[derive(Clone, Debug)]
pub struct Grid {
    pub size: usize,
    cells: Vec<Option<Price>>,
}

impl Grid {
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { size, cells: vec![None; size * size] }
    }

    #[must_use]
    pub fn get(&self, from: usize, to: usize) -> Option<Price> {
        self.cells.get(from * self.size + to).copied().flatten()
    }

    pub fn cell(&mut self, from: usize, to: usize) -> Option<&mut Option<Price>> {
        self.cells.get_mut(from * self.size + to)
    }

    /// Units that have the same prices are one area: for each unit its area (the last unit's is the last), and a row for each
    /// pair of areas that a wider row does not say already.
    #[must_use]
    pub fn compressed(&self) -> (Vec<usize>, Vec<Row>) {
        let size = self.size;
        let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
        let state = foldhash::fast::FixedState::default();
        let same = |a: usize, b: usize| (0..size).all(|other| self.get(a, other) == self.get(b, other) && self.get(other, a) == self.get(other, b));
        let mut leaders: Vec<usize> = Vec::new();
        // The last unit leads its area, whatever comes before it.
        let mut area_of = vec![0; size];
        for unit in (0..size).rev() {
            let mut hasher = state.build_hasher();
            (0..size).for_each(|other| (self.get(unit, other), self.get(other, unit)).hash(&mut hasher));
            let alike = known.entry(hasher.finish()).or_default();
            let area = alike.iter().copied().find(|&area| leaders.get(area).is_some_and(|&leader| same(leader, unit))).unwrap_or_else(|| {
                leaders.push(unit);
                alike.push(leaders.len() - 1);
                leaders.len() - 1
            });
            if let Some(slot) = area_of.get_mut(unit) {
                *slot = area;
            }
        }
        let mut rows = Vec::new();
        let (others, named) = match leaders.split_first() {
            Some((&others, named)) => (others, named),
            None => return (Vec::new(), rows),
        };
        // Areas count from the one after the others, which has no number.
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let any = self.get(others, others);
        rows.extend(any.map(|fare| Row { from: None, to: None, fare: Some(fare) }));
        let from_rows: Vec<Option<Price>> = named.iter().map(|&unit| self.get(unit, others)).collect();
        let to_rows: Vec<Option<Price>> = named.iter().map(|&unit| self.get(others, unit)).collect();
        for (at, &fare) in from_rows.iter().enumerate().filter(|&(_, &fare)| fare != any) {
            rows.push(Row { from: Some(number(at)), to: None, fare });
        }
        for (at, &fare) in to_rows.iter().enumerate().filter(|&(_, &fare)| fare != any) {
            rows.push(Row { from: None, to: Some(number(at)), fare });
        }
        for (from, (&from_unit, &from_row)) in named.iter().zip(&from_rows).enumerate() {
            for (to, (&to_unit, &to_row)) in named.iter().zip(&to_rows).enumerate() {
                let wider = if from_row != any {
                    from_row
                } else if to_row != any {
                    to_row
                } else {
                    any
                };
                let fare = self.get(from_unit, to_unit);
                if fare != wider {
                    rows.push(Row { from: Some(number(from)), to: Some(number(to)), fare });
                }
            }
        }
        (area_of, rows)
    }
}

/// A name as a table may have it: without what separates, begins a comment or means any.
#[must_use]
pub fn plain_name(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c == ',' || c == '"' || c == '*' || c == '#' || c.is_whitespace() || c.is_control() { '-' } else { c }).collect();
    if plain.is_empty() { "none".to_owned() } else { plain }
}

/// Names made different where they are not.
#[must_use]
pub fn plain_names<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    texts
        .map(|text| {
            let plain = plain_name(text);
            let count = seen.entry(plain.clone()).or_insert(0);
            *count += 1;
            if *count == 1 { plain } else { format!("{plain}~{count}") }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(minor: i64) -> Option<Price> {
        Some(Price { minor, ticket: Ticket(0) })
    }

    /// What rows say of two areas (`None` for other places), word by word.
    fn said(rows: &[Row], from: Option<u32>, to: Option<u32>) -> Option<Price> {
        for (wanted_from, wanted_to) in [(from, to), (from, None), (None, to), (None, None)] {
            if let Some(row) = rows.iter().find(|row| row.from == wanted_from && row.to == wanted_to) {
                return row.fare;
            }
        }
        None
    }

    #[test]
    fn rows_say_what_the_grid_says() {
        // All grids of three units and two prices, or none, in some cells: 3^9.
        for code in 0..19_683u32 {
            let mut grid = Grid::new(3);
            let mut rest = code;
            for from in 0..3 {
                for to in 0..3 {
                    *grid.cell(from, to).expect("a cell") = [None, price(100), price(200)][(rest % 3) as usize];
                    rest /= 3;
                }
            }
            let (area_of, rows) = grid.compressed();
            let area = |unit: usize| u32::try_from(area_of[unit]).expect("few").checked_sub(1);
            assert_eq!(area(2), None, "the last unit is the others");
            for from in 0..3 {
                for to in 0..3 {
                    assert_eq!(said(&rows, area(from), area(to)), grid.get(from, to), "grid {code}, {from} to {to}: {rows:?}");
                }
            }
        }
    }

    #[test]
    fn a_flat_grid_is_one_row() {
        let mut grid = Grid::new(4);
        (0..4).for_each(|from| (0..4).for_each(|to| *grid.cell(from, to).expect("a cell") = price(250)));
        let (_, rows) = grid.compressed();
        assert_eq!(Table { areas: None, rows }.flat(), price(250));
    }

    #[test]
    fn names_are_plain_and_different() {
        assert_eq!(plain_names(["a,b", "a b", "", "*"].into_iter()), ["a-b", "a-b~2", "none", "-"]);
    }
}
