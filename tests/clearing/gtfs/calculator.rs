//! What a feed's fares say of one ride, worked out from its rows each time it is asked: slow, obvious, from the published
//! reference and from nothing of the importer. Prices are in thousandths of the currency.

use std::collections::{BTreeMap, BTreeSet};

pub type Row = BTreeMap<String, String>;

pub struct Calculator {
    files: BTreeMap<String, Vec<Row>>,
    columns: BTreeMap<String, Vec<String>>,
}

/// One leg as a rider makes it. Times are seconds after midnight of a date `20260302`.
#[derive(Clone, Debug)]
pub struct Leg<'l> {
    pub route: &'l str,
    pub from: &'l str,
    pub to: &'l str,
    pub date: &'l str,
    pub entry: u32,
    pub exit: u32,
    pub category: &'l str,
    pub medium: &'l str,
}

impl Calculator {
    pub fn new(files: &[(&str, String)]) -> Self {
        let mut calculator = Self { files: BTreeMap::new(), columns: BTreeMap::new() };
        for (name, text) in files {
            let mut lines = text.lines();
            let columns: Vec<String> = lines.next().expect("a header").split(',').map(str::to_owned).collect();
            let row = |line: &str| columns.iter().cloned().zip(line.split(',').map(str::to_owned)).collect();
            calculator.files.insert((*name).to_owned(), lines.map(row).collect());
            calculator.columns.insert((*name).to_owned(), columns);
        }
        calculator
    }

    pub fn rows(&self, file: &str) -> &[Row] {
        self.files.get(file).map_or(&[], Vec::as_slice)
    }

    pub fn find(&self, file: &str, column: &str, value: &str) -> Option<&Row> {
        self.rows(file).iter().find(|row| row[column] == value)
    }

    pub fn ids(&self, file: &str, column: &str) -> Vec<&str> {
        self.rows(file).iter().map(|row| row[column].as_str()).collect()
    }

    /// A stop's own zone, else its station's; a station's is the one of its platforms, where they have one together.
    fn zone(&self, stop: &str) -> String {
        let row = self.find("stops.txt", "stop_id", stop).expect("a stop");
        if field(row, "location_type") == "1" {
            let below: BTreeSet<&str> = self
                .rows("stops.txt")
                .iter()
                .filter(|below| field(below, "parent_station") == stop && !field(below, "zone_id").is_empty())
                .map(|below| field(below, "zone_id"))
                .collect();
            if let (Some(only), 1) = (below.first(), below.len()) {
                return (*only).to_owned();
            }
            return field(row, "zone_id").to_owned();
        }
        match (field(row, "zone_id"), field(row, "parent_station")) {
            ("", "") => String::new(),
            ("", parent) => self.zone(parent),
            (zone, _) => zone.to_owned(),
        }
    }

    /// The zones of all calls of the route's trip from one stop to the other.
    fn passed(&self, route: &str, from: &str, to: &str) -> Option<BTreeSet<String>> {
        for trip in self.rows("trips.txt").iter().filter(|trip| trip["route_id"] == route) {
            let calls: Vec<&str> =
                self.rows("stop_times.txt").iter().filter(|call| call["trip_id"] == trip["trip_id"]).map(|call| call["stop_id"].as_str()).collect();
            let first = calls.iter().position(|&stop| stop == from);
            let last = calls.iter().rposition(|&stop| stop == to);
            if let (Some(first), Some(last)) = (first, last)
                && first < last
            {
                return Some(calls[first..=last].iter().map(|stop| self.zone(stop)).filter(|zone| !zone.is_empty()).collect());
            }
        }
        None
    }

    /// By fare_attributes and fare_rules: the cheapest fare that holds.
    pub fn by_attributes(&self, route: &str, from: &str, to: &str) -> Option<i64> {
        let (from_zone, to_zone) = (self.zone(from), self.zone(to));
        let agency = self.find("routes.txt", "route_id", route).map_or("", |route| field(route, "agency_id"));
        let fits = |row: &Row, column: &str, value: &str| field(row, column).is_empty() || field(row, column) == value;
        let mut prices = Vec::new();
        for fare in self.rows("fare_attributes.txt") {
            let owner = field(fare, "agency_id");
            if !owner.is_empty() && self.rows("agency.txt").len() > 1 && owner != agency {
                continue;
            }
            let rules: Vec<&Row> = self.rows("fare_rules.txt").iter().filter(|rule| rule["fare_id"] == fare["fare_id"]).collect();
            let plain = |rule: &&&Row| fits(rule, "route_id", route) && fits(rule, "origin_id", &from_zone) && fits(rule, "destination_id", &to_zone);
            let holds = rules.is_empty()
                || rules.iter().filter(plain).any(|rule| {
                    if field(rule, "contains_id").is_empty() {
                        return true;
                    }
                    let same = |other: &&&Row| ["route_id", "origin_id", "destination_id"].iter().all(|&column| field(other, column) == field(rule, column));
                    let wanted: BTreeSet<String> =
                        rules.iter().filter(same).map(|rule| field(rule, "contains_id").to_owned()).filter(|zone| !zone.is_empty()).collect();
                    self.passed(route, from, to) == Some(wanted)
                });
            if holds {
                prices.push(thousandths(&fare["price"]));
            }
        }
        prices.into_iter().min()
    }

    fn areas(&self, stop: &str) -> BTreeSet<&str> {
        let own: BTreeSet<&str> = self.rows("stop_areas.txt").iter().filter(|row| row["stop_id"] == stop).map(|row| row["area_id"].as_str()).collect();
        let row = self.find("stops.txt", "stop_id", stop).expect("a stop");
        match field(row, "parent_station") {
            parent if own.is_empty() && !parent.is_empty() => self.areas(parent),
            _ => own,
        }
    }

    fn runs(&self, service: &str, date: &str) -> bool {
        if let Some(exception) = self.rows("calendar_dates.txt").iter().find(|row| row["service_id"] == service && row["date"] == date) {
            return exception["exception_type"] == "1";
        }
        let weekday = [4, 5, 6, 7, 1, 2, 3][usize::try_from(days_since_epoch(date).rem_euclid(7)).expect("small")];
        let column = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"][weekday - 1];
        self.rows("calendar.txt")
            .iter()
            .any(|row| row["service_id"] == service && *row["start_date"] <= *date && *date <= *row["end_date"] && row[column] == "1")
    }

    fn in_timeframe(&self, group: &str, date: &str, time: u32) -> bool {
        self.rows("timeframes.txt").iter().filter(|row| row["timeframe_group_id"] == group && self.runs(&row["service_id"], date)).any(|row| {
            let bound = |column: &str, empty: u32| if row[column].is_empty() { empty } else { seconds(&row[column]) };
            bound("start_time", 0) <= time && time < bound("end_time", 86_400)
        })
    }

    /// By fare_leg_rules: the price, and the leg groups that have it.
    pub fn by_leg_rules(&self, leg: &Leg<'_>) -> Option<i64> {
        let rules = self.rows("fare_leg_rules.txt");
        let prioritized = self.columns["fare_leg_rules.txt"].iter().any(|column| column == "rule_priority");
        let network = match self.find("route_networks.txt", "route_id", leg.route) {
            Some(row) => row["network_id"].as_str(),
            None => "",
        };
        let listed = |column: &str, value: &str| rules.iter().any(|rule| field(rule, column) == value);
        let area = |rule: &Row, column: &str, stop: &str| {
            let areas = self.areas(stop);
            match field(rule, column) {
                "" if prioritized => true,
                "" => !areas.iter().any(|area| listed(column, area)),
                wanted => areas.contains(wanted),
            }
        };
        let matched: Vec<&Row> = rules
            .iter()
            .filter(|rule| match field(rule, "network_id") {
                "" if prioritized => true,
                "" => network.is_empty() || !listed("network_id", network),
                wanted => wanted == network,
            })
            .filter(|rule| area(rule, "from_area_id", leg.from) && area(rule, "to_area_id", leg.to))
            .filter(|rule| field(rule, "from_timeframe_group_id").is_empty() || self.in_timeframe(field(rule, "from_timeframe_group_id"), leg.date, leg.entry))
            .filter(|rule| field(rule, "to_timeframe_group_id").is_empty() || self.in_timeframe(field(rule, "to_timeframe_group_id"), leg.date, leg.exit))
            .collect();
        let price = |rule: &Row| {
            let offers = self.rows("fare_products.txt").iter().filter(|offer| offer["fare_product_id"] == rule["fare_product_id"]);
            let mine = offers
                .filter(|offer| ["", leg.category].contains(&field(offer, "rider_category_id")) && ["", leg.medium].contains(&field(offer, "fare_media_id")));
            mine.map(|offer| thousandths(&offer["amount"])).min()
        };
        let priority = |rule: &Row| if prioritized { field(rule, "rule_priority").parse::<u32>().unwrap_or(0) } else { 0 };
        let offered: Vec<(u32, i64)> = matched.iter().filter_map(|rule| Some((priority(rule), price(rule)?))).collect();
        let highest = offered.iter().map(|(priority, _)| *priority).max()?;
        offered.iter().filter(|(priority, _)| *priority == highest).map(|(_, price)| *price).min()
    }
}

pub fn field<'r>(row: &'r Row, column: &str) -> &'r str {
    row.get(column).map_or("", String::as_str)
}

pub fn thousandths(text: &str) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{:0<3}", fraction).parse().expect("a price of at most three decimals")
}

fn seconds(text: &str) -> u32 {
    text.split(':').fold(0, |all, part| all * 60 + part.parse::<u32>().expect("a time"))
}

/// Counted year by year and month by month.
fn days_since_epoch(date: &str) -> i64 {
    let [year, month, day] = [&date[..4], &date[4..6], &date[6..]].map(|part| part.parse::<i64>().expect("a date"));
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + lengths.iter().take(usize::try_from(month - 1).expect("a month")).sum::<i64>() + day - 1
}
