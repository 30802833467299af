//! Who and where: agencies, routes, stops with their zones and areas.

use super::feed::Feed;
use super::notes::Notes;
use crate::failure::Failure;
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Clone, Debug)]
pub struct Agency {
    /// As the feed has it; may be empty where there is only one.
    pub id: String,
    pub name: String,
    /// The party's id in the scheme.
    pub party: String,
}

#[derive(Clone, Debug)]
pub struct Route {
    pub id: String,
    /// A position in the agencies.
    pub agency: Option<usize>,
    /// Empty where it is in none.
    pub network: String,
}

#[derive(Clone, Debug, Default)]
pub struct Stop {
    pub id: String,
    pub name: String,
    /// After what it inherits; empty where it has none.
    pub zone: String,
    /// In order, after what it inherits.
    pub areas: Vec<String>,
    parent: String,
    /// A station: its platforms have zones, not it.
    station: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Places {
    pub agencies: Vec<Agency>,
    pub time_zone: String,
    pub routes: Vec<Route>,
    pub stops: Vec<Stop>,
    /// By id: a position in `routes`, in `stops`.
    pub route_of: HashMap<String, usize>,
    pub stop_of: HashMap<String, usize>,
    /// How many stations have platforms in different zones.
    pub split_stations: u64,
    /// The first day that the feed is about, where it says: `YYYY-MM-DD`.
    pub from: Option<String>,
}

impl Places {
    /// # Errors
    /// When a file cannot be read, or there are no stops and no routes: then it is no feed.
    pub fn read(feed: &mut Feed, notes: &mut Notes) -> Result<Self, Failure> {
        let mut places = Self::default();
        places.read_agencies(feed, notes)?;
        places.read_routes(feed, notes)?;
        places.read_stops(feed, notes)?;
        places.read_areas(feed, notes)?;
        if places.routes.is_empty() && places.stops.is_empty() {
            return Err(Failure::refused("this is not a GTFS feed: it has neither stops.txt nor routes.txt").hint("name the folder that holds the .txt files"));
        }
        feed.rows("feed_info.txt", ["feed_start_date"], |_, [start]| places.from = date(start))?;
        Ok(places)
    }

    fn read_agencies(&mut self, feed: &mut Feed, notes: &mut Notes) -> Result<(), Failure> {
        let mut zones: Vec<String> = Vec::new();
        feed.rows("agency.txt", ["agency_id", "agency_name", "agency_timezone"], |line, [id, name, zone]| {
            if self.agencies.iter().any(|known| known.id == id) {
                notes.left("agency.txt", line, "an agency that an earlier row names too", "与前一行重复的机构");
                return;
            }
            let party = party_id(id, self.agencies.len() + 1, &self.agencies);
            self.agencies.push(Agency { id: id.to_owned(), name: if name.is_empty() { id.to_owned() } else { name.to_owned() }, party });
            zones.push(zone.to_owned());
        })?;
        if self.agencies.is_empty() {
            self.agencies.push(Agency { id: String::new(), name: "Operator".to_owned(), party: "operator-01".to_owned() });
        }
        let known = zones.iter().find(|zone| domain_zone(zone)).cloned();
        self.time_zone = known.unwrap_or_else(|| {
            notes.read("agency.txt", 0, "no time zone that is known: UTC is taken", "没有可用的时区：按 UTC 处理");
            "UTC".to_owned()
        });
        if zones.iter().any(|zone| *zone != self.time_zone && !zone.is_empty()) {
            let (en, zh) = ("a second time zone: the first agency's counts everywhere", "第二个时区：一律按第一家机构的时区");
            notes.left("agency.txt", 0, en, zh);
        }
        Ok(())
    }

    fn read_routes(&mut self, feed: &mut Feed, notes: &mut Notes) -> Result<(), Failure> {
        feed.rows("routes.txt", ["route_id", "agency_id", "network_id"], |line, [id, agency, network]| {
            let agency = match (agency, self.agencies.len()) {
                ("", 1) => Some(0),
                (agency, _) => self.agencies.iter().position(|known| known.id == agency),
            };
            if agency.is_none() {
                notes.read("routes.txt", line, "a route of an agency that agency.txt does not have", "线路所属机构不在 agency.txt 中");
            }
            if id.is_empty() || self.route_of.contains_key(id) {
                notes.left("routes.txt", line, "a route without an id of its own", "线路没有自己的编号");
                return;
            }
            self.route_of.insert(id.to_owned(), self.routes.len());
            self.routes.push(Route { id: id.to_owned(), agency, network: network.to_owned() });
        })?;
        feed.rows("route_networks.txt", ["network_id", "route_id"], |line, [network, route]| {
            match self.route_of.get(route).and_then(|&at| self.routes.get_mut(at)) {
                Some(route) if route.network.is_empty() || route.network == network => network.clone_into(&mut route.network),
                Some(_) => notes.left("route_networks.txt", line, "a second network of a route: the first counts", "线路的第二个网络：以第一个为准"),
                None => notes.left("route_networks.txt", line, "a route that routes.txt does not have", "线路不在 routes.txt 中"),
            }
        })?;
        Ok(())
    }

    fn read_stops(&mut self, feed: &mut Feed, notes: &mut Notes) -> Result<(), Failure> {
        let mut zones: BTreeSet<String> = BTreeSet::new();
        let wanted = ["stop_id", "stop_name", "zone_id", "location_type", "parent_station", "stop_timezone"];
        feed.rows("stops.txt", wanted, |line, [id, name, zone, kind, parent, time_zone]| {
            if id.is_empty() || self.stop_of.contains_key(id) {
                notes.left("stops.txt", line, "a stop without an id of its own", "站点没有自己的编号");
                return;
            }
            if id.contains(['"', '\n', '\r']) {
                notes.left("stops.txt", line, "a stop whose id holds a quote or a line break", "站点编号含引号或换行");
                return;
            }
            zones.insert(time_zone.to_owned());
            self.stop_of.insert(id.to_owned(), self.stops.len());
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            let stop = Stop { id: id.to_owned(), name, zone: zone.to_owned(), areas: Vec::new(), parent: parent.to_owned(), station: kind == "1" };
            self.stops.push(stop);
        })?;
        if zones.iter().any(|zone| !zone.is_empty() && *zone != self.time_zone) {
            let (en, zh) = ("stop_timezone: times of all stops are those of the agency's zone", "stop_timezone：所有站点都按机构时区");
            notes.left("stops.txt", 0, en, zh);
        }
        // A station has the zone of its platforms where they agree; what has none has that of its station.
        let mut below: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for stop in self.stops.iter().filter(|stop| !stop.parent.is_empty() && !stop.zone.is_empty() && !stop.station) {
            below.entry(&stop.parent).or_default().insert(&stop.zone);
        }
        let mut split = 0;
        let stations: Vec<Option<String>> = self
            .stops
            .iter()
            .map(|stop| {
                let zones = below.get(stop.id.as_str()).filter(|_| stop.station)?;
                split += u64::from(zones.len() > 1);
                zones.first().filter(|_| zones.len() == 1).map(|zone| (*zone).to_owned())
            })
            .collect();
        self.split_stations = split;
        for (stop, zone) in self.stops.iter_mut().zip(stations) {
            if let Some(zone) = zone {
                stop.zone = zone;
            }
        }
        let inherited: Vec<Option<String>> =
            self.stops.iter().map(|stop| self.inherited(stop, |stop| !stop.zone.is_empty()).map(|found| found.zone.clone())).collect();
        for (stop, zone) in self.stops.iter_mut().zip(inherited) {
            stop.zone = zone.unwrap_or_default();
        }
        Ok(())
    }

    fn read_areas(&mut self, feed: &mut Feed, notes: &mut Notes) -> Result<(), Failure> {
        feed.rows("stop_areas.txt", ["area_id", "stop_id"], |line, [area, stop]| match self.stop_of.get(stop).and_then(|&at| self.stops.get_mut(at)) {
            Some(stop) => stop.areas.push(area.to_owned()),
            None => notes.left("stop_areas.txt", line, "a stop that stops.txt does not have", "站点不在 stops.txt 中"),
        })?;
        let inherited: Vec<Option<Vec<String>>> =
            self.stops.iter().map(|stop| self.inherited(stop, |stop| !stop.areas.is_empty()).map(|found| found.areas.clone())).collect();
        for (stop, areas) in self.stops.iter_mut().zip(inherited) {
            stop.areas = areas.unwrap_or_default();
            stop.areas.sort();
            stop.areas.dedup();
        }
        Ok(())
    }

    /// The stop itself or the nearest one above it for which something holds. A boarding area is two steps below its station.
    fn inherited<'s>(&'s self, stop: &'s Stop, has: impl Fn(&Stop) -> bool) -> Option<&'s Stop> {
        let mut at = stop;
        for _ in 0..4 {
            if has(at) {
                return Some(at);
            }
            at = self.stop_of.get(&at.parent).and_then(|&above| self.stops.get(above))?;
        }
        None
    }

    /// A stop with what lies within it: a station's platforms, and their boarding areas. None where the feed has no such stop.
    #[must_use]
    pub fn within(&self, id: &str) -> Vec<&str> {
        let is_in = |stop: &&Stop| self.inherited(stop, |above| above.id == id).is_some();
        if self.stop_of.contains_key(id) { self.stops.iter().filter(is_in).map(|stop| stop.id.as_str()).collect() } else { Vec::new() }
    }

    /// The routes of an agency that are in a list.
    #[must_use]
    pub fn networks(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut networks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for route in self.routes.iter().filter(|route| !route.network.is_empty()) {
            networks.entry(&route.network).or_default().push(&route.id);
        }
        networks
    }
}

/// `20260301` as `2026-03-01`.
#[must_use]
pub fn date(text: &str) -> Option<String> {
    let parts = (text.get(..4)?, text.get(4..6)?, text.get(6..8)?);
    let shaped = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let written = format!("{}-{}-{}", parts.0, parts.1, parts.2);
    (shaped && written.parse::<domain::Day>().is_ok()).then_some(written)
}

fn domain_zone(name: &str) -> bool {
    engine::scheme::LocalClock::new(name, 0).is_some()
}

/// `operator-` and what of an agency's id can stand in a party's; a number where that is nothing, or somebody else's.
fn party_id(id: &str, number: usize, others: &[Agency]) -> String {
    let mut plain: String = id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    plain.truncate(20);
    let plain = plain.trim_matches('-');
    let wanted = if plain.is_empty() { format!("operator-{number:02}") } else { format!("operator-{plain}") };
    if others.iter().any(|other| other.party == wanted) { format!("{wanted}-{number}") } else { wanted }
}
