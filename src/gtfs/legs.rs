//! `fare_leg_rules.txt`: which product a leg needs, as tables of areas.
//!
//! A leg meets the rules whose network, areas and timeframes fit. With a column `rule_priority` an empty field fits anything,
//! and of the rules that fit those of the highest priority count. Without it, an empty network or area fits what no rule
//! names in that column. Of the products that remain the cheapest counts, for a rider to whom it is offered; of equal ones
//! that from which more transfers lead on.

use super::changes::Changes;
use super::fares::{Areas, Case, Fares, Grid, Price, Table, Ticket, plain_names};
use super::feed::Feed;
use super::notes::Notes;
use super::places::Places;
use super::products::{Products, Rider};
use super::timeframes::{State, Timeframes};
use crate::failure::Failure;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = "fare_leg_rules.txt";
const COLUMNS: [&str; 8] =
    ["leg_group_id", "network_id", "from_area_id", "to_area_id", "from_timeframe_group_id", "to_timeframe_group_id", "fare_product_id", "rule_priority"];

#[derive(Clone, Debug)]
pub struct Leg {
    row: u64,
    pub group: String,
    network: String,
    from: String,
    to: String,
    from_time: String,
    to_time: String,
    pub product: String,
    priority: u32,
}

#[derive(Debug, Default)]
pub struct Legs {
    pub rows: Vec<Leg>,
    by_priority: bool,
}

impl Legs {
    /// # Errors
    /// When the file cannot be read.
    pub fn read(feed: &mut Feed, products: &Products, notes: &mut Notes) -> Result<Self, Failure> {
        let mut rows = Vec::new();
        let header = feed.rows(FILE, COLUMNS, |row, [group, network, from, to, from_time, to_time, product, priority]| {
            if !products.has(product) {
                notes.left(FILE, row, "a leg rule whose product was not read from fare_products.txt", "规则的产品未能从 fare_products.txt 读取");
                return;
            }
            if products.amounts(product).all(|minor| minor < 0) {
                notes.left(FILE, row, "a leg rule whose product costs less than nothing", "单程规则的产品价格为负");
                return;
            }
            let priority = if priority.is_empty() { Some(0) } else { priority.parse().ok() };
            if priority.is_none() {
                notes.read(FILE, row, "`rule_priority` is not a number: 0 is taken", "`rule_priority` 不是数字：按 0");
            }
            let [group, network, from, to, from_time, to_time, product] = [group, network, from, to, from_time, to_time, product].map(str::to_owned);
            rows.push(Leg { row, group, network, from, to, from_time, to_time, product, priority: priority.unwrap_or(0) });
        })?;
        let by_priority = header.as_ref().is_some_and(|columns| columns.iter().any(|name| name == "rule_priority"));
        notes.unknown_columns(FILE, header, &COLUMNS);
        Ok(Self { rows, by_priority })
    }

    /// The different names in a column.
    fn named(&self, field: fn(&Leg) -> &str) -> BTreeSet<String> {
        self.rows.iter().map(field).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

/// Stops by the areas that they are in.
struct Cells {
    /// Each its areas; the last has none.
    cells: Vec<Vec<String>>,
    by_area: BTreeMap<String, Vec<usize>>,
    /// By stop: its cell.
    of_stop: Vec<usize>,
}

impl Cells {
    fn of(places: &Places) -> Self {
        let cells: BTreeSet<&Vec<String>> = places.stops.iter().map(|stop| &stop.areas).filter(|areas| !areas.is_empty()).collect();
        let cells: Vec<Vec<String>> = cells.into_iter().cloned().chain([Vec::new()]).collect();
        let mut by_area: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, areas) in cells.iter().enumerate() {
            areas.iter().for_each(|area| by_area.entry(area.clone()).or_default().push(at));
        }
        let last = cells.len() - 1;
        let named = cells.get(..last).unwrap_or_default();
        let of_stop = places.stops.iter().map(|stop| named.binary_search(&stop.areas).unwrap_or(last)).collect();
        Self { cells, by_area, of_stop }
    }
}

/// All that a table is made from.
struct Sources<'a> {
    places: &'a Places,
    products: &'a Products,
    legs: &'a Legs,
    changes: &'a Changes,
    /// The networks that rules name.
    named: BTreeSet<String>,
    cells: Cells,
    /// The cells that an empty area stands for, at either end.
    from_cells: Vec<usize>,
    to_cells: Vec<usize>,
}

/// Priority, price, and how many transfers lead on. Less is better.
type Rank = (Reverse<u32>, i64, Reverse<usize>);

/// Which rules a leg of a case may meet.
#[derive(Clone, Copy)]
struct Asked<'a> {
    network: Option<&'a str>,
    from_state: Option<&'a State>,
    to_state: Option<&'a State>,
}

/// A case for each network, state of the clock, category and medium that has prices of its own.
pub fn price(places: &Places, products: &Products, legs: &Legs, frames: &Timeframes, changes: &Changes, result: &mut Fares, notes: &mut Notes) {
    let cells = Cells::of(places);
    for leg in &legs.rows {
        if [&leg.from, &leg.to].into_iter().any(|area| !area.is_empty() && !cells.by_area.contains_key(area)) {
            notes.left(FILE, leg.row, "a leg rule for an area in which no stop lies", "规则的区域内没有站点");
        }
        if [&leg.from_time, &leg.to_time].into_iter().any(|group| !group.is_empty() && !frames.has(group)) {
            notes.left(FILE, leg.row, "a leg rule for a timeframe that timeframes.txt does not have", "规则的时段不在 timeframes.txt 中");
        }
    }
    let rest = |named: &BTreeSet<String>| -> Vec<usize> {
        let unnamed = |areas: &Vec<String>| legs.by_priority || !areas.iter().any(|area| named.contains(area));
        cells.cells.iter().enumerate().filter(|(_, areas)| unnamed(areas)).map(|(at, _)| at).collect()
    };
    let (from_cells, to_cells) = (rest(&legs.named(|leg| &leg.from)), rest(&legs.named(|leg| &leg.to)));
    let sources = Sources { places, products, legs, changes, named: legs.named(|leg| &leg.network), cells, from_cells, to_cells };
    let from_states = frames.states(&legs.named(|leg| &leg.from_time), "in");
    let to_states = frames.states(&legs.named(|leg| &leg.to_time), "out");
    if !from_states.is_empty() || !to_states.is_empty() {
        let en = "timeframes hold on the days of the feed's calendars: outside them, their fares are not in force";
        notes.read("timeframes.txt", 0, en, "时段只在客流日历的日期内有效");
    }
    result.periods = from_states.iter().chain(&to_states).flat_map(|state| state.periods.clone()).collect();
    for (network, group) in networks(places, legs, &sources.named, result, notes) {
        for from_state in from_states.iter().map(Some).chain([None]) {
            for to_state in to_states.iter().map(Some).chain([None]) {
                cases(&sources, Asked { network, from_state, to_state }, group, result);
            }
        }
    }
}

/// The networks that rules name, each with its group of routes; the last stands for all other routes.
fn networks<'p>(places: &'p Places, legs: &Legs, named: &BTreeSet<String>, result: &mut Fares, notes: &mut Notes) -> Vec<(Option<&'p str>, Option<usize>)> {
    let known = places.networks();
    for leg in legs.rows.iter().filter(|leg| !leg.network.is_empty() && !known.contains_key(leg.network.as_str())) {
        notes.left(FILE, leg.row, "a leg rule for a network that has no routes", "规则的网络没有线路");
    }
    let mut asked: Vec<(Option<&str>, Option<usize>)> = Vec::new();
    for (&network, routes) in known.iter().filter(|(network, _)| named.contains(**network)) {
        // Where all routes are of one network, a ride is of it, whatever its record says.
        if routes.len() == places.routes.len() {
            return vec![(Some(network), None)];
        }
        let group = result.group(format!("routes of {network}"), routes.iter().map(|&route| route.to_owned()).collect());
        asked.push((Some(network), Some(group)));
    }
    if !asked.is_empty() {
        let en = "fares by network: a record without a route is priced as one of a route in none of the networks that rules name";
        notes.read(FILE, 0, en, "按网络定价：记录没有线路时，按不属于任何规则所列网络的线路计价");
    }
    asked.push((None, None));
    asked
}

/// The cases of a network and of two states of the clock: for each category and medium whose prices differ from the rest's.
fn cases(sources: &Sources<'_>, asked: Asked<'_>, routes: Option<usize>, result: &mut Fares) {
    let tables: Vec<Vec<(Rider<'_>, usize)>> =
        sources.products.riders().into_iter().map(|riders| riders.into_iter().map(|rider| (rider, table(sources, asked, rider, result))).collect()).collect();
    let of = |riders: &[(Rider<'_>, usize)]| -> Vec<usize> { riders.iter().map(|&(_, table)| table).collect() };
    let rest = tables.last().map(|riders| of(riders)).unwrap_or_default();
    let periods = |state: Option<&State>| state.map(|state| state.periods.iter().map(|period| period.name.clone()).collect()).unwrap_or_default();
    let groups = |state: Option<&State>| state.map(|state| state.groups.iter().map(String::as_str).collect::<Vec<_>>().join("+"));
    for riders in &tables {
        let general = riders.last().map(|&(_, table)| table);
        for &(Rider { category, medium }, table) in riders {
            if (category.is_some() && of(riders) == rest) || (medium.is_some() && Some(table) == general) {
                continue;
            }
            let words = [
                Some(asked.network.map_or_else(|| "other routes".to_owned(), |network| format!("network {network}"))),
                groups(asked.from_state),
                groups(asked.to_state).map(|state| format!("out {state}")),
                category.map(|category| format!("class {category}")),
                medium.map(|medium| format!("medium {medium}")),
            ];
            result.case(Case {
                name: words.into_iter().flatten().collect::<Vec<_>>().join(" / "),
                network: asked.network.map(str::to_owned),
                ticket: None,
                routes,
                operator: None,
                when: periods(asked.from_state),
                exit_when: periods(asked.to_state),
                class: category.map(str::to_owned),
                medium: medium.map(str::to_owned),
                table,
            });
        }
    }
}

/// The table of a case for a rider.
fn table(sources: &Sources<'_>, asked: Asked<'_>, rider: Rider<'_>, result: &mut Fares) -> usize {
    let Sources { places, products, legs, changes, named, cells, from_cells, to_cells } = sources;
    let in_state = |group: &str, state: Option<&State>| group.is_empty() || state.is_some_and(|state| state.groups.contains(group));
    let network_fits = |network: &str| match asked.network {
        _ if network.is_empty() && legs.by_priority => true,
        Some(asked) if network.is_empty() => !named.contains(asked),
        Some(asked) => network == asked,
        None => network.is_empty(),
    };
    let size = cells.cells.len();
    let mut grid = Grid::new(size);
    let mut best: Vec<Option<Rank>> = vec![None; size * size];
    for leg in &legs.rows {
        if !network_fits(&leg.network) || !in_state(&leg.from_time, asked.from_state) || !in_state(&leg.to_time, asked.to_state) {
            continue;
        }
        let Some(minor) = products.minor(&leg.product, rider).filter(|&minor| minor >= 0) else { continue };
        let ticket: Ticket = changes.ticket(&leg.group);
        let rank: Rank = (Reverse(leg.priority), minor, Reverse(changes.leading_on(&leg.group)));
        let ends = |area: &String, rest: &'_ Vec<usize>| -> Vec<usize> {
            if area.is_empty() { rest.clone() } else { cells.by_area.get(area).cloned().unwrap_or_default() }
        };
        let to_cells = ends(&leg.to, to_cells);
        for from in ends(&leg.from, from_cells) {
            for &to in &to_cells {
                let (Some(cell), Some(known)) = (grid.cell(from, to), best.get_mut(from * size + to)) else { continue };
                if known.is_none_or(|known| rank < known) {
                    *known = Some(rank);
                    *cell = Some(Price { minor, ticket });
                }
            }
        }
    }
    let (area_of, rows) = grid.compressed();
    if rows.iter().all(|row| row.from.is_none() && row.to.is_none()) {
        return result.table(Table { areas: None, rows });
    }
    let most = area_of.iter().max().copied().unwrap_or(0);
    let mut names = vec![String::new(); most];
    for (areas, &area) in cells.cells.iter().zip(&area_of).rev() {
        if let Some(name) = area.checked_sub(1).and_then(|area| names.get_mut(area)) {
            *name = areas.join("+");
        }
    }
    let members = places.stops.iter().zip(&cells.of_stop).filter_map(|(stop, &cell)| Some((stop.id.clone(), area_of.get(cell)?.checked_sub(1)?))).collect();
    let areas = result.area_list(Areas { names: plain_names(names.iter().map(String::as_str)), members });
    result.table(Table { areas: Some(areas), rows })
}
