//! Fares as `fare_attributes.txt` and `fare_rules.txt` say them.
//!
//! A row of the rules holds for a ride when its route, its origin and its destination do, each where the row names one. Rows
//! that differ in `contains_id` alone are one rule: it holds when the ride goes through these zones and no others. A fare
//! without rules is for every ride. Of all fares that hold, the cheapest counts; of equal ones the one that allows more
//! transfers, then the one that stands first.

use super::fares::{Areas, Case, Fares, Grid, Price, Row, Table, Ticket, Transfer, plain_name, plain_names};
use super::feed::Feed;
use super::money::{Decimal, digits_of};
use super::notes::Notes;
use super::paths::{Paths, passed};
use super::places::Places;
use super::text::quoted;
use crate::failure::Failure;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const ATTRIBUTES: &str = "fare_attributes.txt";
const RULES: &str = "fare_rules.txt";
/// How many transfers "unlimited" is.
const UNLIMITED: u32 = 1000;
/// Where a feed gives no time limit, a ride that begins so long after the last one ended is a new journey.
pub const GAP_MINUTES: u32 = 120;
/// A rule for each kind of ticket as long as a ride has marks for them.
const RULES_MAX: usize = 40;

#[derive(Clone, Debug)]
struct Fare {
    id: String,
    row: u64,
    price: Decimal,
    currency: String,
    minor: i64,
    agency: String,
    /// Zero: none.
    transfers: u32,
    /// Seconds.
    duration: Option<u32>,
    ticket: Ticket,
    /// Whether a rule of it names zones.
    zoned: bool,
    ruled: bool,
    /// The routes that its rules name; none is all.
    routes: BTreeSet<u32>,
}

const ANY: u32 = u32::MAX;

/// A row without `contains_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Rule {
    route: u32,
    from: u32,
    to: u32,
    fare: u32,
}

/// Rows that differ in `contains_id` alone.
#[derive(Clone, Debug)]
struct Containing {
    rule: Rule,
    zones: BTreeSet<u32>,
}

/// Names as numbers.
#[derive(Debug, Default)]
struct Numbers(HashMap<String, u32>, Vec<String>);

impl Numbers {
    fn of(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.0.get(name) {
            return number;
        }
        let number = u32::try_from(self.1.len()).unwrap_or(ANY - 1);
        self.0.insert(name.to_owned(), number);
        self.1.push(name.to_owned());
        number
    }

    fn or_any(&mut self, name: &str) -> u32 {
        if name.is_empty() { ANY } else { self.of(name) }
    }

    fn find(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied()
    }
}

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

/// `None` where the feed has no fares of this kind.
///
/// # Errors
/// When a file cannot be read.
pub fn read(feed: &mut Feed, places: &Places, notes: &mut Notes) -> Result<Option<Fares>, Failure> {
    let mut fares = read_attributes(feed, places, notes)?;
    if fares.is_empty() {
        return Ok(None);
    }
    let (currency, minor_digits) = settle_currency(&mut fares, notes);
    let mut zones = Numbers::default();
    places.stops.iter().filter(|stop| !stop.zone.is_empty()).for_each(|stop| {
        zones.of(&stop.zone);
    });
    let (rules, containing) = read_rules(feed, places, &mut fares, &mut zones, notes)?;
    let tickets = tickets(&mut fares);
    let mut result = Fares { currency, minor_digits, version: 1, ..Fares::default() };
    result.transfers = transfers(&fares, &tickets, notes);
    result.tickets = tickets.into_iter().map(|kind| kind.name).collect();
    build(feed, places, &fares, &rules, &containing, &mut zones, &mut result, notes)?;
    Ok(Some(result))
}

fn read_attributes(feed: &mut Feed, places: &Places, notes: &mut Notes) -> Result<Vec<Fare>, Failure> {
    let mut fares: Vec<Fare> = Vec::new();
    let wanted = ["fare_id", "price", "currency_type", "payment_method", "transfers", "agency_id", "transfer_duration"];
    feed.rows(ATTRIBUTES, wanted, |row, [id, price, currency, _, transfers, agency, duration]| {
        let Some(price) = Decimal::parse(price).filter(|price| price.minor(price.places).is_some_and(|minor| minor >= 0)) else {
            notes.left(ATTRIBUTES, row, "a fare whose price is not a number from 0 on", "票价不是非负数");
            return;
        };
        if fares.iter().any(|known| known.id == id) {
            notes.left(ATTRIBUTES, row, "a fare with the id of an earlier one", "与前面重复的票价编号");
            return;
        }
        let transfers = match transfers {
            "" => UNLIMITED,
            text => text.parse().ok().filter(|&count: &u32| count < UNLIMITED).unwrap_or_else(|| {
                notes.read(ATTRIBUTES, row, "`transfers` is not a number: none are allowed", "`transfers` 不是数字：按不可换乘");
                0
            }),
        };
        let limit = duration.parse::<u32>().ok().filter(|&seconds| seconds > 0);
        if !duration.is_empty() && limit.is_none() {
            notes.read(ATTRIBUTES, row, "`transfer_duration` is not a number of seconds: no limit is taken", "`transfer_duration` 不是秒数：按无时限");
        }
        let known = places.agencies.iter().any(|known| known.id == agency);
        if !agency.is_empty() && !known && places.agencies.len() > 1 {
            notes.read(ATTRIBUTES, row, "a fare of an agency that agency.txt does not have: it is for all", "票价所属机构不在 agency.txt 中：适用于全部机构");
        }
        let agency = if known && places.agencies.len() > 1 { agency.to_owned() } else { String::new() };
        fares.push(Fare {
            id: id.to_owned(),
            row,
            price,
            currency: currency.to_ascii_uppercase(),
            minor: 0,
            agency,
            transfers,
            duration: limit,
            ticket: Ticket(0),
            zoned: false,
            ruled: false,
            routes: BTreeSet::new(),
        });
    })?;
    Ok(fares)
}

/// A scheme has one currency: the one that most fares are in.
fn settle_currency(fares: &mut Vec<Fare>, notes: &mut Notes) -> (String, u8) {
    let (currency, digits) = super::currency(fares.iter().map(|fare| (fare.currency.as_str(), fare.price)));
    fares.retain_mut(|fare| {
        if fare.currency != currency {
            notes.left(ATTRIBUTES, fare.row, format!("a fare in a currency other than {currency}"), format!("非 {currency} 的票价"));
            return false;
        }
        match fare.price.minor(digits) {
            Some(minor) => fare.minor = minor,
            None => {
                notes.left(ATTRIBUTES, fare.row, "a price with more digits than a scheme's currency can have", "票价小数位过多");
                return false;
            }
        }
        true
    });
    if digits > digits_of(&currency) {
        let en = format!("prices have {digits} digits after the point: the scheme counts in such units");
        notes.read(ATTRIBUTES, 0, en, format!("票价有 {digits} 位小数：以此为最小单位"));
    }
    (currency, digits)
}

fn read_rules(feed: &mut Feed, places: &Places, fares: &mut [Fare], zones: &mut Numbers, notes: &mut Notes) -> Result<(Vec<Rule>, Vec<Containing>), Failure> {
    let by_id: HashMap<String, usize> = fares.iter().enumerate().map(|(at, fare)| (fare.id.clone(), at)).collect();
    let known_zones = zones.1.len();
    let mut rules = Vec::new();
    let mut containing: HashMap<Rule, BTreeSet<u32>> = HashMap::new();
    feed.rows(RULES, ["fare_id", "route_id", "origin_id", "destination_id", "contains_id"], |row, [fare, route, from, to, contains]| {
        let Some((&at, fare)) = by_id.get(fare).and_then(|at| Some((at, fares.get_mut(*at)?))) else {
            notes.left(RULES, row, "a rule of a fare that was not read from fare_attributes.txt", "规则的票价未能从 fare_attributes.txt 读取");
            return;
        };
        fare.ruled = true;
        let route = match (route, places.route_of.get(route)) {
            ("", _) => ANY,
            (_, Some(&route)) => u32::try_from(route).unwrap_or(ANY),
            _ => {
                notes.left(RULES, row, "a rule for a route that routes.txt does not have", "规则的线路不在 routes.txt 中");
                return;
            }
        };
        let [from, to] = [from, to].map(|zone| zones.or_any(zone));
        if [from, to].into_iter().any(|zone| zone != ANY && zone as usize >= known_zones) {
            notes.left(RULES, row, "a rule for a zone in which no stop lies", "规则的票区内没有站点");
            return;
        }
        if route != ANY {
            fare.routes.insert(route);
        }
        fare.zoned |= from != ANY || to != ANY || !contains.is_empty();
        let rule = Rule { route, from, to, fare: u32::try_from(at).unwrap_or(ANY) };
        if contains.is_empty() {
            rules.push(rule);
        } else {
            containing.entry(rule).or_default().insert(zones.of(contains));
        }
    })?;
    for (fare, at) in fares.iter().zip(0u32..).filter(|(fare, _)| !fare.ruled) {
        if by_id.len() > 1 && fares.iter().any(|fare| fare.ruled) {
            notes.read(ATTRIBUTES, fare.row, "a fare that fare_rules.txt does not name: it is for every ride", "fare_rules.txt 未提及的票价：适用于所有行程");
        }
        rules.push(Rule { route: ANY, from: ANY, to: ANY, fare: at });
    }
    rules.sort_unstable();
    rules.dedup();
    let mut containing: Vec<Containing> = containing.into_iter().map(|(rule, zones)| Containing { rule, zones }).collect();
    containing.sort_by_key(|one| one.rule);
    Ok((rules, containing))
}

/// Fares that one transfer rule is for.
struct Kind {
    name: String,
    fares: Vec<usize>,
    /// One fare for the whole way, not one ticket for all rides.
    through: bool,
    transfers: u32,
    duration: Option<u32>,
}

/// A fare that asks no zone is one ticket for all its rides. Fares by zones of the same routes make one fare for the whole way.
fn tickets(fares: &mut [Fare]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = Vec::new();
    let mut systems: BTreeMap<(u32, Option<u32>, String, Vec<u32>), usize> = BTreeMap::new();
    for (at, fare) in fares.iter_mut().enumerate().filter(|(_, fare)| fare.transfers > 0) {
        let system = (fare.transfers, fare.duration, fare.agency.clone(), fare.routes.iter().copied().collect::<Vec<_>>());
        let number = kinds.len();
        let number = if fare.zoned { *systems.entry(system).or_insert(number) } else { number };
        if number == kinds.len() {
            let name = if fare.zoned { format!("zones-{}", systems.len()) } else { plain_name(&fare.id) };
            kinds.push(Kind { name, fares: Vec::new(), through: fare.zoned, transfers: fare.transfers, duration: fare.duration });
        }
        if let Some(kind) = kinds.get_mut(number) {
            kind.fares.push(at);
        }
        fare.ticket = Ticket(u16::try_from(number + 1).unwrap_or(0));
    }
    let names = plain_names(kinds.iter().map(|kind| kind.name.as_str()));
    kinds.iter_mut().zip(names).for_each(|(kind, name)| kind.name = name);
    kinds
}

fn transfers(fares: &[Fare], kinds: &[Kind], notes: &mut Notes) -> Vec<Transfer> {
    let row = |kind: &Kind| kind.fares.first().and_then(|&at| fares.get(at)).map_or(0, |fare| fare.row);
    for kind in kinds.iter().filter(|kind| kind.duration.is_none()) {
        let en = format!("transfers without a time limit: rides are one journey while each begins within {GAP_MINUTES} minutes after the last one ended");
        notes.read(ATTRIBUTES, row(kind), en, format!("换乘无时限：每段在上一段结束后 {GAP_MINUTES} 分钟内开始即为同一行程"));
    }
    if kinds.iter().filter(|kind| kind.through).count() > 1 {
        let en = "fares by zones with different transfers or routes: rides are joined where both are priced by fares of the same transfers and routes";
        notes.read(ATTRIBUTES, 0, en, "分区票价的换乘条件或线路不同：两段票价的换乘条件与线路相同时才合并");
    }
    let window = |kind: &Kind| match kind.duration {
        Some(seconds) => vec![format!("window_seconds = {}", seconds.min(604_800)), "window_from = \"first-entry\"".to_owned()],
        None => vec![format!("window_minutes = {GAP_MINUTES}"), "window_from = \"last-exit\"".to_owned()],
    };
    let rule = |name: String, comment: String, kinds: &[&Kind]| {
        let names: Vec<String> = kinds.iter().map(|kind| quoted(&kind.name)).collect();
        let mut lines = vec![format!("tickets = [{}]", names.join(", "))];
        if kinds.len() > 1 {
            let pairs: Vec<String> = kinds.iter().map(|kind| quoted(&format!("{} > {}", kind.name, kind.name))).collect();
            lines.push(format!("ticket_pairs = [{}]", pairs.join(", ")));
        }
        let first = kinds.first();
        lines.extend(first.map(|kind| window(kind)).unwrap_or_default());
        lines.push(format!("rides_max = {}", first.map_or(1, |kind| kind.transfers)));
        lines.push(if first.is_some_and(|kind| kind.through) { "through = true".to_owned() } else { "percent = \"0\"".to_owned() });
        Transfer { name, comment, lines }
    };
    if kinds.len() <= RULES_MAX {
        return kinds
            .iter()
            .map(|kind| {
                let comment = if kind.through { "one fare for the whole way".to_owned() } else { "one ticket for all rides".to_owned() };
                rule(format!("transfer {}", kind.name), comment, &[kind])
            })
            .collect();
    }
    // Too many for a rule each: those of the same conditions share one.
    let en = "more fares with transfers than a ride has marks for: a ride on another fare ends a ticket";
    notes.read(ATTRIBUTES, 0, en, "允许换乘的票价过多：中间乘坐其他票价的行程会结束车票");
    let mut groups: BTreeMap<(bool, u32, Option<u32>), Vec<&Kind>> = BTreeMap::new();
    kinds.iter().for_each(|kind| groups.entry((kind.through, kind.transfers, kind.duration)).or_default().push(kind));
    groups.values().enumerate().map(|(at, kinds)| rule(format!("transfer {}", at + 1), "tickets of the same conditions".to_owned(), kinds)).collect()
}

/// Tables and cases: routes that meet the same rules share them.
#[allow(clippy::too_many_arguments, reason = "what was read, and where it goes")]
fn build(
    feed: &mut Feed,
    places: &Places,
    fares: &[Fare],
    rules: &[Rule],
    containing: &[Containing],
    zones: &mut Numbers,
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
            result.cases.push(Case { name: format!("route {}", found.id), routes: Some(group), table, ..Case::for_all() });
        }
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
            result.cases.push(Case { name, routes: Some(group), table, ..Case::for_all() });
        } else if let Some(party) = agency.and_then(|at| places.agencies.get(at)).map(|agency| agency.party.clone()) {
            // By the route where the record has one, else by who runs it.
            let group = result.group(format!("other routes of {party}"), ids);
            result.cases.push(Case { name: format!("other routes of {party}"), routes: Some(group), table, ..Case::for_all() });
            general.push((*agency, Case { name: party.clone(), operator: Some(party), table, ..Case::for_all() }));
        }
    }
    result.cases.extend(general.into_iter().map(|(_, case)| case));
    let table = zone_table(&best_of(&[], None), result);
    result.cases.push(Case { name: "all other rides".to_owned(), table, ..Case::for_all() });
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
