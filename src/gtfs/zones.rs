//! Fares v1 as tables: for the routes that meet the same rules, by zones; for those whose fares ask what they go through, by
//! stops. The cheapest fare that holds stands in each cell; of equal ones the one that allows more transfers.

use super::fares::{Areas, Case, Fares, Grid, Price, Row, Table, plain_names};
use super::feed::Feed;
use super::legacy::{ANY, Containing, Fare, Numbers, RULES, Rule};
use super::notes::Notes;
use super::paths::{Paths, passed};
use super::places::Places;
use crate::failure::Failure;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The best price of a case by how much its rule names.
#[derive(Debug, Default)]
struct Best {
    exact: HashMap<(u32, u32), Key>,
    from: HashMap<u32, Key>,
    to: HashMap<u32, Key>,
    all: Option<Key>,
}

/// Less is better.
type Key = (i64, Reverse<u32>, u32);

impl Best {
    fn add(&mut self, rule: Rule, key: Key) {
        let slot = match (rule.from, rule.to) {
            (ANY, ANY) => self.all.get_or_insert(key),
            (from, ANY) => self.from.entry(from).or_insert(key),
            (ANY, to) => self.to.entry(to).or_insert(key),
            pair => self.exact.entry(pair).or_insert(key),
        };
        *slot = (*slot).min(key);
    }

    /// The best of all that hold for a ride.
    fn of(&self, from: u32, to: u32) -> Option<Key> {
        [self.exact.get(&(from, to)), self.from.get(&from), self.to.get(&to), self.all.as_ref()].into_iter().flatten().min().copied()
    }
}

/// Tables and cases: routes that meet the same rules share them.
#[allow(clippy::too_many_arguments, reason = "what was read, and where it goes")]
pub fn build(
    feed: &mut Feed,
    places: &Places,
    fares: &[Fare],
    rules: &[Rule],
    containing: &[Containing],
    zones: &Numbers,
    result: &mut Fares,
    notes: &mut Notes,
) -> Result<(), Failure> {
    let of_route = |route: u32| {
        let first = rules.partition_point(|rule| rule.route < route);
        let last = rules.partition_point(|rule| rule.route <= route);
        rules.get(first..last).unwrap_or_default()
    };
    let common = of_route(ANY);
    let by_agency = fares.iter().any(|fare| !fare.agency.is_empty());
    let agency_of = |route: &super::places::Route| if by_agency { route.agency } else { None };
    let path_common = containing.iter().any(|one| one.rule.route == ANY);
    let pathed: BTreeSet<u32> = containing.iter().map(|one| one.rule.route).collect();
    // Routes by the rules that are for them alone, and by their agency.
    let mut classes: BTreeMap<(Option<usize>, Vec<Rule>), Vec<usize>> = BTreeMap::new();
    let mut paths: Vec<usize> = Vec::new();
    for (at, route) in places.routes.iter().enumerate() {
        let number = u32::try_from(at).unwrap_or(ANY);
        if path_common || pathed.contains(&number) {
            paths.push(at);
            continue;
        }
        let own: Vec<Rule> = of_route(number).iter().map(|rule| Rule { route: ANY, ..*rule }).collect();
        classes.entry((agency_of(route), own)).or_default().push(at);
    }
    let key = |at: u32| fares.get(at as usize).map(|fare| (fare.minor, Reverse(fare.transfers), at));
    let agency_fits = |fare: u32, agency: Option<usize>| {
        let fare = fares.get(fare as usize).map_or("", |fare| &fare.agency);
        fare.is_empty() || agency.and_then(|at| places.agencies.get(at)).is_some_and(|agency| agency.id == fare)
    };
    let best_of = |own: &[Rule], agency: Option<usize>| {
        let mut best = Best::default();
        for rule in common.iter().chain(own).filter(|rule| agency_fits(rule.fare, agency)) {
            if let Some(key) = key(rule.fare) {
                best.add(*rule, key);
            }
        }
        best
    };
    let price = |(minor, _, fare): Key| Price { minor, ticket: fares.get(fare as usize).map(|fare| fare.ticket).unwrap_or_default() };
    let zone_areas = Areas {
        names: plain_names(zones.1.iter().map(String::as_str)),
        members: places.stops.iter().filter_map(|stop| Some((stop.id.clone(), zones.find(&stop.zone)? as usize))).collect(),
    };
    if places.stops.iter().any(|stop| stop.zone.is_empty()) && fares.iter().any(|fare| fare.zoned) {
        let count = places.stops.iter().filter(|stop| stop.zone.is_empty()).count();
        let en = format!("{count} stops without a zone: only fares that name no zone are for them");
        notes.read("stops.txt", 0, en, format!("{count} 个站点没有票区：只适用不分区的票价"));
    }
    if places.split_stations > 0 && fares.iter().any(|fare| fare.zoned) {
        let en = "stations whose platforms lie in different zones: the station has the zone of its own row; name the platform in records";
        notes.read("stops.txt", 0, en, "站台分属不同票区的车站：车站按自身一行的票区；记录中请写站台");
    }
    let zone_table = |best: &Best, result: &mut Fares| {
        let rows = zone_rows(best, &price);
        let areas = rows.iter().any(|row| row.from.is_some() || row.to.is_some()).then(|| result.area_list(zone_areas.clone()));
        result.table(Table { areas, rows })
    };
    if !paths.is_empty() {
        let wanted: BTreeSet<usize> = paths.iter().copied().collect();
        let known = Paths::read(feed, places, &wanted)?;
        for &route in &paths {
            let Some(found) = places.routes.get(route) else { continue };
            let number = u32::try_from(route).unwrap_or(ANY);
            let agency = agency_of(found);
            let best = best_of(of_route(number), agency);
            let own: Vec<&Containing> =
                containing.iter().filter(|one| (one.rule.route == ANY || one.rule.route == number) && agency_fits(one.rule.fare, agency)).collect();
            let patterns = known.of(route);
            if patterns.is_empty() {
                notes.left(
                    RULES,
                    0,
                    "contains_id for routes that have no trips: what they go through is not known",
                    "含 contains_id 的线路没有班次：途经票区未知",
                );
            }
            let (areas, rows) = path_table(places, zones, &best, &own, patterns, (&key, &price), notes);
            let areas = areas.map(|areas| result.area_list(areas));
            let table = result.table(Table { areas, rows });
            let group = result.group(format!("route {}", found.id), vec![found.id.clone()]);
            result.case(Case { name: format!("route {}", found.id), routes: Some(group), table, ..Case::for_all() });
        }
    }
    // Where all routes cost the same, a ride does, whatever its record says.
    if paths.is_empty()
        && classes.len() == 1
        && let Some((agency, own)) = classes.keys().next()
    {
        let table = zone_table(&best_of(own, *agency), result);
        result.case(Case { name: "all rides".to_owned(), table, ..Case::for_all() });
        return Ok(());
    }
    if !rules.iter().all(|rule| rule.route == ANY) || !paths.is_empty() {
        let en = "fares by route: a record without a route gets only the fares that name none";
        notes.read(RULES, 0, en, "按线路定价：记录没有线路时，只适用不限线路的票价");
    }
    let mut general: Vec<(Option<usize>, Case)> = Vec::new();
    for (number, ((agency, own), routes)) in classes.iter().enumerate() {
        let table = zone_table(&best_of(own, *agency), result);
        let ids: Vec<String> = routes.iter().filter_map(|&at| places.routes.get(at)).map(|route| route.id.clone()).collect();
        let name = match ids.as_slice() {
            [only] => format!("route {only}"),
            _ => format!("routes {}", number + 1),
        };
        if !own.is_empty() {
            let group = result.group(name.clone(), ids);
            result.case(Case { name, routes: Some(group), table, ..Case::for_all() });
        } else if let Some(party) = agency.and_then(|at| places.agencies.get(at)).map(|agency| agency.party.clone()) {
            // By the route where the record has one, else by who runs it.
            let group = result.group(format!("other routes of {party}"), ids);
            result.case(Case { name: format!("other routes of {party}"), routes: Some(group), table, ..Case::for_all() });
            general.push((*agency, Case { name: party.clone(), operator: Some(party), table, ..Case::for_all() }));
        }
    }
    general.into_iter().for_each(|(_, case)| result.case(case));
    let table = zone_table(&best_of(&[], None), result);
    result.case(Case { name: "all other rides".to_owned(), table, ..Case::for_all() });
    Ok(())
}

/// Rows such that the narrowest one says the best of all that hold.
fn zone_rows(best: &Best, price: &impl Fn(Key) -> Price) -> Vec<Row> {
    let better = |a: Option<Key>, b: Option<Key>| [a, b].into_iter().flatten().min();
    let from: BTreeMap<u32, Key> = best.from.iter().map(|(&zone, &key)| (zone, key)).filter(|&(_, key)| best.all.is_none_or(|all| key < all)).collect();
    let to: BTreeMap<u32, Key> = best.to.iter().map(|(&zone, &key)| (zone, key)).filter(|&(_, key)| best.all.is_none_or(|all| key < all)).collect();
    let row = |from: Option<u32>, to: Option<u32>, key: Key| Row { from, to, fare: Some(price(key)) };
    let mut rows: Vec<Row> = best.all.map(|key| row(None, None, key)).into_iter().collect();
    rows.extend(from.iter().map(|(&zone, &key)| row(Some(zone), None, key)));
    rows.extend(to.iter().map(|(&zone, &key)| row(None, Some(zone), key)));
    let mut pairs: Vec<(u32, u32, Key)> = best
        .exact
        .iter()
        .filter(|&(&(origin, end), &key)| better(better(from.get(&origin).copied(), to.get(&end).copied()), best.all).is_none_or(|wider| key < wider))
        .map(|(&(origin, end), &key)| (origin, end, key))
        .collect();
    // Where a row that names the end is better than the one that names the origin, the pair is written out.
    for (&origin, &from_key) in &from {
        for (&end, &to_key) in &to {
            if to_key < from_key && best.exact.get(&(origin, end)).is_none_or(|&exact| to_key <= exact) {
                pairs.push((origin, end, to_key));
            }
        }
    }
    pairs.sort_unstable();
    rows.extend(pairs.into_iter().map(|(origin, end, key)| row(Some(origin), Some(end), key)));
    rows
}

/// The table of a route whose fares ask which zones it goes through: by its stops, and by the zones of all others.
fn path_table(
    places: &Places,
    zones: &Numbers,
    best: &Best,
    containing: &[&Containing],
    patterns: &[Vec<u32>],
    (key, price): (&impl Fn(u32) -> Option<Key>, &impl Fn(Key) -> Price),
    notes: &mut Notes,
) -> (Option<Areas>, Vec<Row>) {
    let zone_of = |stop: u32| places.stops.get(stop as usize).and_then(|stop| zones.find(&stop.zone));
    let served: Vec<u32> = patterns.iter().flatten().copied().collect::<BTreeSet<u32>>().into_iter().collect();
    let number_of_zones = zones.1.len();
    let size = served.len() + number_of_zones + 1;
    let zone_at = |unit: usize| match served.get(unit) {
        Some(&stop) => zone_of(stop).unwrap_or(ANY),
        None if unit + 1 == size => ANY,
        None => u32::try_from(unit - served.len()).unwrap_or(ANY),
    };
    let mut grid = Grid::new(size);
    let mut ambiguous = 0u64;
    for from in 0..size {
        for to in 0..size {
            let (from_zone, to_zone) = (zone_at(from), zone_at(to));
            let mut found = best.of(from_zone, to_zone);
            if let (Some(&start), Some(&end)) = (served.get(from), served.get(to)) {
                let ways: BTreeSet<Vec<u32>> = patterns.iter().filter_map(|pattern| passed(pattern, start, end, &zone_of)).collect();
                ambiguous += u64::from(ways.len() > 1);
                for one in containing {
                    let ends = (one.rule.from == ANY || one.rule.from == from_zone) && (one.rule.to == ANY || one.rule.to == to_zone);
                    if ends && ways.iter().any(|way| way.iter().eq(one.zones.iter())) {
                        found = [found, key(one.rule.fare)].into_iter().flatten().min();
                    }
                }
            }
            if let Some(cell) = grid.cell(from, to) {
                *cell = found.map(price);
            }
        }
    }
    if ambiguous > 0 {
        let en = "contains_id where trips of one route go through different zones: the cheapest way counts";
        notes.read(RULES, 0, en, "同一线路的班次途经不同票区：以最便宜者为准");
    }
    let (area_of, rows) = grid.compressed();
    if rows.iter().all(|row| row.from.is_none() && row.to.is_none()) {
        return (None, rows);
    }
    let mut names: BTreeMap<usize, String> = BTreeMap::new();
    let mut members = Vec::new();
    for (at, stop) in (0u32..).zip(&places.stops) {
        let unit = served.binary_search(&at).ok().or_else(|| Some(served.len() + zones.find(&stop.zone)? as usize));
        let area = unit.and_then(|unit| area_of.get(unit)).and_then(|area| area.checked_sub(1));
        if let Some(area) = area {
            names.entry(area).or_insert_with(|| stop.id.clone());
            members.push((stop.id.clone(), area));
        }
    }
    let most = area_of.iter().max().copied().unwrap_or(0);
    let names = plain_names((0..most).map(|area| names.get(&area).map_or("unused", String::as_str)));
    (Some(Areas { names, members }), rows)
}
