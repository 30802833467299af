//! Fares as `fare_attributes.txt` and `fare_rules.txt` say them.
//!
//! A row of the rules holds for a ride when its route, its origin and its destination do, each where the row names one. Rows
//! that differ in `contains_id` alone are one rule: it holds when the ride goes through these zones and no others. A fare
//! without rules is for every ride. Of all fares that hold, the cheapest counts; of equal ones the one that allows more
//! transfers, then the one that stands first.

use super::fares::{Fares, Price, Ticket};
use super::feed::Feed;
use super::money::{Decimal, digits_of};
use super::notes::Notes;
use super::places::Places;
use super::tickets::{tickets, transfers};
use super::zones;
use crate::failure::Failure;
use std::collections::{BTreeSet, HashMap};

pub const ATTRIBUTES: &str = "fare_attributes.txt";
pub const RULES: &str = "fare_rules.txt";
const COLUMNS: [&str; 7] = ["fare_id", "price", "currency_type", "payment_method", "transfers", "agency_id", "transfer_duration"];
/// How many transfers "unlimited" is.
const UNLIMITED: u32 = 1000;

#[derive(Clone, Debug)]
pub struct Fare {
    pub id: String,
    pub row: u64,
    pub price: Decimal,
    pub currency: String,
    pub minor: i64,
    pub agency: String,
    /// Zero: none.
    pub transfers: u32,
    /// Seconds.
    pub duration: Option<u32>,
    pub ticket: Ticket,
    /// Whether a rule of it names zones.
    pub zoned: bool,
    pub ruled: bool,
    /// The routes that its rules name; none is all.
    pub routes: BTreeSet<u32>,
}

pub const ANY: u32 = u32::MAX;

/// A row without `contains_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    pub route: u32,
    pub from: u32,
    pub to: u32,
    pub fare: u32,
}

/// Rows that differ in `contains_id` alone.
#[derive(Clone, Debug)]
pub struct Containing {
    pub rule: Rule,
    pub zones: BTreeSet<u32>,
}

/// Names as numbers.
#[derive(Debug, Default)]
pub struct Numbers(HashMap<String, u32>, pub Vec<String>);

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

    pub fn find(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied()
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
    let mut known_zones = Numbers::default();
    places.stops.iter().filter(|stop| !stop.zone.is_empty()).for_each(|stop| {
        known_zones.of(&stop.zone);
    });
    let (rules, containing) = read_rules(feed, places, &mut fares, &mut known_zones, notes)?;
    let tickets = tickets(&mut fares);
    let mut result = Fares { currency, minor_digits, version: 1, ..Fares::default() };
    result.transfers = transfers(&fares, &tickets, notes);
    result.tickets = tickets.into_iter().map(|kind| kind.name).collect();
    for one in &containing {
        if let Some(fare) = fares.get(one.rule.fare as usize).filter(|fare| fare.transfers > 0) {
            let en = "a fare with contains_id and transfers: what several legs go through together is not known, each is priced by itself";
            notes.left(ATTRIBUTES, fare.row, en, "含 contains_id 且可换乘的票价：多段合并途经的票区未知，各段分别计价");
        }
    }
    zones::build(feed, places, &fares, &rules, &containing, &known_zones, &mut result, notes)?;
    for fare in &fares {
        let price = Some(Price { minor: fare.minor, ticket: fare.ticket });
        if !result.tables.iter().flat_map(|table| &table.rows).any(|row| row.fare == price) {
            notes.left(ATTRIBUTES, fare.row, "a fare that is the cheapest for no ride", "对任何行程都不是最便宜的票价");
        }
    }
    Ok(Some(result))
}

fn read_attributes(feed: &mut Feed, places: &Places, notes: &mut Notes) -> Result<Vec<Fare>, Failure> {
    let mut fares: Vec<Fare> = Vec::new();
    let header = feed.rows(ATTRIBUTES, COLUMNS, |row, [id, price, currency, _, transfers, agency, duration]| {
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
        if !duration.is_empty() && limit.is_none() && transfers > 0 {
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
    notes.unknown_columns(ATTRIBUTES, header, &COLUMNS);
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
