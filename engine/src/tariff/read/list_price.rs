//! Reading `[[base]]`: where list prices come from.

use super::words::{AMOUNT_MAX, MINUTE_MS, WEIGHT_MAX, amount, funder_named, minutes, needed_amount};
use super::{Context, scope, sheet};
use crate::mistake::Mistakes;
use crate::scheme::guess::{allowed, hint, shown};
use crate::scheme::table::{At, Table};
use crate::tariff::list_price::{Audit, Incomplete};
use crate::tariff::steps::StepPrice;
use crate::tariff::{Base, BasePrice, Completion, Matrix, Overstay, Pair, StationPrice, Stations, Step, Steps, ZoneSet, Zones, network};
use domain::{RecordKind, Symbol};
use hashbrown::HashMap;

const WAYS: [&str; 8] = ["flat", "matrix", "zones", "distance", "stops", "stated", "free", "none"];

/// A base rule, and the name of the one that it is audited by.
pub fn base(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<(Base, Option<At<String>>)> {
    let Some(name) = table.text("name", mistakes) else {
        table.missing("name", "\"bus\"", mistakes);
        return None;
    };
    let scope = scope::scope(table, context, mistakes);
    if !table.has("kinds") {
        table.mistake(table.line(), format!("base rule `{}` names no kinds", name.value), Some("e.g. kinds = [\"boarding\"]"), mistakes);
    }
    let Some(way) = table.text("price", mistakes) else {
        table.missing("price", "\"flat\"", mistakes);
        return None;
    };
    let stations = matches!(way.value.as_str(), "matrix" | "zones" | "distance" | "stops");
    for kind in &scope.kinds {
        let has_ends = matches!(kind, RecordKind::TapOn | RecordKind::TapOff | RecordKind::Journey);
        if stations && !has_ends {
            let message = format!("base rule `{}` prices a {} from station to station", name.value, kind.name());
            table.mistake(table.line(), message, Some("station prices are for tap-on, tap-off and journey"), mistakes);
        }
        if *kind == RecordKind::TapOn && way.value == "stated" {
            let message = format!("base rule `{}` prices a tap-on by itself", name.value);
            table.mistake(table.line(), message, Some("a tap-on is priced with its tap-off, or flat"), mistakes);
        }
    }
    let mut audit_rule = None;
    let price = match way.value.as_str() {
        "flat" => BasePrice::Flat { amount_minor: needed_amount(table, "amount_minor", mistakes)? },
        "free" => BasePrice::Free,
        "none" => BasePrice::Nothing,
        "stated" => {
            let funder = table.text("funder", mistakes).map(|name| funder_named(context, &name.value));
            if funder.is_none() && !table.has("funder") {
                let message = format!("`{}` names no funder for what is not charged", name.value);
                table.mistake(table.line(), message, Some("funder = \"earner\" or a party id"), mistakes);
            }
            let audit = amount(table, "audit_minor", mistakes).map(|minor| Audit::Amount { minor });
            audit_rule = table.text("audit_by", mistakes);
            if audit.is_some() && audit_rule.is_some() {
                table.mistake(table.line(), "is audited by an amount and by a rule", Some("keep one of audit_minor, audit_by"), mistakes);
            }
            BasePrice::Stated { funder: funder?, audit }
        }
        "matrix" | "zones" | "distance" | "stops" => BasePrice::Stations(Box::new(station_price(table, (&name.value, &way.value), context, mistakes)?)),
        other => {
            let message = format!("{} is not a way to price", shown(other));
            table.mistake(Some(way.line), message, Some(&hint(other, WAYS, &allowed(&WAYS))), mistakes);
            return None;
        }
    };
    let ticket = table.text("ticket", mistakes).map_or(Symbol::NONE, |ticket| context.symbols.intern(&ticket.value));
    table.finish(mistakes);
    let for_all = scope.condition.is_empty();
    Some((Base { name: name.value, scope, price, ticket, for_all, fills: Vec::new() }, audit_rule))
}

fn station_price(table: &mut Table<'_>, (name, way): (&str, &str), context: &Context<'_>, mistakes: &mut Mistakes) -> Option<StationPrice> {
    let incomplete = [("adjusted", Incomplete::Adjusted), ("capped", Incomplete::Capped), ("fixed", Incomplete::Fixed)];
    let [no_tap_on, no_tap_off, unknown_pair] = ["no_tap_on_minor", "no_tap_off_minor", "unknown_pair_minor"].map(|key| needed_amount(table, key, mistakes));
    let overstay_after = minutes(table, "overstay_minutes", mistakes);
    let overstay_minor = amount(table, "overstay_minor", mistakes);
    let instead = table.flag("overstay_instead", mistakes).unwrap_or(false);
    if overstay_after.is_some() != overstay_minor.is_some() {
        let todo = "overstay_minutes = 240 and overstay_minor = 1200";
        table.mistake(table.line(), "`overstay_minutes` and `overstay_minor` go together", Some(todo), mistakes);
    }
    let completion = completion(table, mistakes);
    let same_station_minor = amount(table, "same_station_minor", mistakes);
    let same_station_ms = minutes(table, "same_station_minutes", mistakes);
    if same_station_ms.is_some() && same_station_minor.is_none() {
        table.mistake(table.line(), "`same_station_minutes` without `same_station_minor`", Some("same_station_minor = 0"), mistakes);
    }
    let open_hours = table.integer("open_hours", 1..=744, mistakes).map_or(24, |hours| hours.value);
    let mut zones = zones(table, way == "zones", context, mistakes);
    let gaps_allowed = table.choice("gaps", &[("refused", false), ("unknown-pair", true)], mistakes).unwrap_or(false);
    let stations = match way {
        "matrix" => {
            let Some(fares) = fares(table, gaps_allowed, context, mistakes) else {
                if !table.has("matrix") {
                    let todo =
                        "matrix = { file = \"fares.csv\", from = \"from_station\", to = \"to_station\", fare_minor = \"fare\", location_kind = \"station\" }";
                    table.mistake(table.line(), "`matrix` is missing", Some(todo), mistakes);
                }
                return None;
            };
            check_gaps(table, &fares, gaps_allowed, context, mistakes);
            Stations::Fares(fares.matrix)
        }
        "zones" => {
            zones.fares = zone_fares(table, context, mistakes)?;
            check_zone_gaps(table, &zones, gaps_allowed, mistakes);
            Stations::Zones
        }
        _ => {
            let lengths = lengths(table, way, context, mistakes);
            let steps = steps(table, context, mistakes);
            let (lengths, steps) = (lengths?, steps?);
            check_gaps(table, &lengths, gaps_allowed, context, mistakes);
            let longest = lengths.matrix.largest().filter(|&longest| steps.fare_minor(longest).is_none());
            if let Some(longest) = longest.filter(|_| !gaps_allowed) {
                let todo = "add a last step without `to`: { each = 20000, add_minor = 100 }";
                table.mistake(table.line(), format!("the longest way is {longest}, and the steps end before it"), Some(todo), mistakes);
            }
            Stations::Distance { lengths: lengths.matrix, steps }
        }
    };
    let alone_minor = amount(table, "alone_minor", mistakes);
    if alone_minor.is_some() && !matches!(stations, Stations::Distance { .. }) {
        let todo = "price = \"distance\" or \"stops\": their length counts in a fare for several legs";
        table.mistake(table.line(), "`alone_minor` is a price whatever the length, and there is none", Some(todo), mistakes);
    }
    Some(StationPrice {
        rule: context.symbols.intern(name),
        stations,
        zones,
        no_tap_on_minor: no_tap_on?,
        no_tap_off_minor: no_tap_off?,
        unknown_pair_minor: unknown_pair?,
        alone_minor,
        same_station_minor,
        same_station_ms,
        open_ms: open_hours * 60 * MINUTE_MS,
        journey_max_ms: minutes(table, "journey_max_minutes", mistakes),
        overstay: overstay_after.zip(overstay_minor).map(|(after_ms, amount_minor)| Overstay { after_ms, amount_minor, instead }),
        incomplete: table.choice("incomplete", &incomplete, mistakes).unwrap_or_default(),
        completion,
    })
}

fn completion(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Completion> {
    let mut table = table.table("completion", mistakes)?;
    let days = table.integer("days", 1..=366, mistakes);
    let rides_min = table.integer("rides_min", 1..=100, mistakes);
    if !table.has("days") {
        table.missing("days", "7", mistakes);
    }
    table.finish(mistakes);
    Some(Completion { days: i32::try_from(days?.value).ok()?, rides_min: u32::try_from(rides_min.map_or(2, |rides| rides.value)).ok()? })
}

/// A matrix with the name of the file that it came from.
struct Pairs {
    matrix: Matrix,
    shown: String,
}

fn pairs(table: &mut Table<'_>, key: &str, column: &str, least: i64, what: &str, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<Pairs> {
    let sheet = sheet::read(table, key, &[("from", true), ("to", true), (column, true)], sheet::Ends::Places, context, mistakes)?;
    let (mut triples, mut lines) = sheet.pairs(least, what, context, mistakes);
    if sheet.both_ways == Some(true) {
        let back: Vec<_> =
            triples.iter().zip(&lines).filter(|((from, to, _), _)| from != to).map(|(&(from, to, number), &line)| ((to, from, number), line)).collect();
        for (triple, line) in back {
            triples.push(triple);
            lines.push(line);
        }
    }
    let (matrix, repeated) = Matrix::build(&triples);
    for at in repeated {
        mistakes.add(&sheet.shown, lines.get(at).copied(), "names a pair that an earlier line has priced", Some("keep one of the two lines"));
    }
    Some(Pairs { matrix, shown: sheet.shown })
}

/// `matrix = { file, from, to, fare_minor, … }`: fares of places, or of the areas in which `areas` puts them. `*` is any of
/// them.
fn fares(table: &mut Table<'_>, gaps_allowed: bool, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<Pairs> {
    let in_areas = table.has("areas");
    let columns = [("from", true), ("to", true), ("fare_minor", true), ("ticket", false)];
    let sheet = sheet::read(table, "matrix", &columns, if in_areas { sheet::Ends::Areas } else { sheet::Ends::Places }, context, mistakes)?;
    // A code stands in many rows and is looked up once.
    let mut known: HashMap<&str, Symbol, foldhash::fast::FixedState> = HashMap::default();
    let mut symbol_of = |code| *known.entry(code).or_insert_with(|| sheet.place(code, context));
    let (mut pairs, mut lines) = (Vec::new(), Vec::new());
    for (line, row) in sheet.rows() {
        let [from, to, fare, ticket] = row;
        let number = fare.parse::<i64>().ok().filter(|fare| (0..=AMOUNT_MAX).contains(fare));
        let silent = fare.is_empty() && gaps_allowed;
        if (number.is_none() && !silent) || from.is_empty() || to.is_empty() {
            let todo = "whole numbers, not negative";
            mistakes.add(&sheet.shown, Some(line), "is not a pair of stations with a fare in minor units", Some(todo));
            continue;
        }
        let mut end = |code| if code == "*" { None } else { Some(symbol_of(code)) };
        let (from, to) = (end(from), end(to));
        let ticket = if ticket.is_empty() { Symbol::NONE } else { context.symbols.intern(ticket) };
        pairs.push(Pair { from, to, number, ticket });
        lines.push(line);
        if sheet.both_ways == Some(true) && from != to {
            pairs.push(Pair { from: to, to: from, number, ticket });
            lines.push(line);
        }
    }
    let (mut matrix, repeated) = Matrix::of_pairs(&pairs);
    for at in repeated {
        mistakes.add(&sheet.shown, lines.get(at).copied(), "names a pair that an earlier line has priced", Some("keep one of the two lines"));
    }
    if in_areas {
        let members = sheet::read(table, "areas", &[("place", true), ("area", true)], sheet::Ends::Places, context, mistakes)?;
        let mut seen: HashMap<Symbol, u32, foldhash::fast::FixedState> = HashMap::default();
        for (line, [place, area]) in members.rows() {
            if place.is_empty() || area.is_empty() {
                mistakes.add(&members.shown, Some(line), "is not a place with its area", None);
                continue;
            }
            let place = members.place(place, context);
            if let Some(first) = seen.insert(place, line) {
                mistakes.add(&members.shown, Some(line), format!("names a place that line {first} has put into an area"), Some("a place is in one area"));
            }
            matrix.join(place, sheet.place(area, context));
        }
    }
    Some(Pairs { matrix, shown: sheet.shown.clone() })
}

/// Every two stations of a table have a price, or the tariff says that some have not.
fn check_gaps(table: &Table<'_>, pairs: &Pairs, allowed: bool, context: &Context<'_>, mistakes: &mut Mistakes) {
    let gaps = if allowed { Vec::new() } else { pairs.matrix.gaps() };
    if let Some(&(from, to)) = gaps.first() {
        let (from, to) = (context.symbols.text(from), context.symbols.text(to));
        let message = format!("{} pairs of stations have no price in {}, the first from {from} to {to}", gaps.len(), pairs.shown);
        let todo = "add them, say both_ways = true where one line is for both directions, or gaps = \"unknown-pair\" to let them cost that";
        table.mistake(table.line(), message, Some(todo), mistakes);
    }
}

/// `distance = { … }` with a length for each pair, or `network = { … }` with edges.
fn lengths(table: &mut Table<'_>, way: &str, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<Pairs> {
    let column = if way == "stops" { "stops" } else { "metres" };
    if table.has("distance") && table.has("network") {
        table.mistake(table.line(), "names `distance` and `network`", Some("keep one: a table of all pairs, or the edges between neighbours"), mistakes);
    }
    if table.has("distance") {
        return pairs(table, "distance", column, 0, column, context, mistakes);
    }
    if !table.has("network") {
        let todo = format!("network = {{ file = \"edges.csv\", from = \"from\", to = \"to\", {column} = \"{column}\", location_kind = \"station\" }}");
        table.mistake(table.line(), "neither `distance` nor `network`: the way has no length", Some(&todo), mistakes);
        return None;
    }
    let sheet = sheet::read(table, "network", &[("from", true), ("to", true), (column, way == "distance")], sheet::Ends::Places, context, mistakes)?;
    let (edges, _) = sheet.pairs(1, column, context, mistakes);
    Some(Pairs { matrix: network::shortest(&edges, sheet.both_ways.unwrap_or(true)), shown: sheet.shown })
}

/// `steps = [ … ]` in the tariff, or `steps_file` with the columns `to`, `minor`, `each`, `add_minor`.
fn steps(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<Steps> {
    let maximum_minor = amount(table, "maximum_minor", mistakes);
    let mut list = Vec::new();
    let mut lines = Vec::new();
    for mut step in table.tables("steps", mistakes) {
        let to = step.integer("to", 1..=WEIGHT_MAX, mistakes).map(|to| to.value);
        let minor = amount(&mut step, "minor", mistakes);
        let each = step.integer("each", 1..=WEIGHT_MAX, mistakes).map(|each| each.value);
        let add_minor = amount(&mut step, "add_minor", mistakes);
        match step_price(minor, each, add_minor) {
            Some(price) => list.push(Step { to, price }),
            None => step.mistake(step.line(), "is not a step", Some(STEP_HINT), mistakes),
        }
        step.finish(mistakes);
        lines.push(step.line());
    }
    let mut file = None;
    if table.has("steps_file") {
        let columns = [("to", true), ("minor", true), ("each", false), ("add_minor", false)];
        let sheet = sheet::read(table, "steps_file", &columns, sheet::Ends::Numbers, context, mistakes)?;
        for (line, [to, minor, each, add_minor]) in sheet.rows() {
            let number = |text: &str, max: i64| match text {
                "" => Ok(None),
                text => text.parse::<i64>().ok().filter(|number| (0..=max).contains(number)).map(Some).ok_or(()),
            };
            let step = match (number(to, WEIGHT_MAX), number(minor, AMOUNT_MAX), number(each, WEIGHT_MAX), number(add_minor, AMOUNT_MAX)) {
                (Ok(to), Ok(minor), Ok(each), Ok(add)) => step_price(minor, each.filter(|&each| each > 0), add).map(|price| Step { to, price }),
                _ => None,
            };
            match step {
                Some(step) => list.push(step),
                None => mistakes.add(&sheet.shown, Some(line), "is not a step", Some(STEP_HINT)),
            }
            lines.push(Some(line));
        }
        file = Some(sheet.shown);
    }
    if list.is_empty() {
        table.mistake(table.line(), "has no steps: no distance has a price", Some(&format!("steps = [{STEP_HINT}]")), mistakes);
        return None;
    }
    match Steps::new(list, maximum_minor) {
        Ok(steps) => Some(steps),
        Err((at, message)) => {
            let line = lines.get(at).copied().flatten();
            let todo = "steps go upwards, and only the last one may have no `to`";
            match &file {
                Some(file) => mistakes.add(file, line, format!("this step {message}"), Some(todo)),
                None => table.mistake(line, format!("this step {message}"), Some(todo), mistakes),
            }
            None
        }
    }
}

const STEP_HINT: &str = "{ to = 4000, minor = 200 }, { each = 20000, add_minor = 100 }";

fn step_price(minor: Option<i64>, each: Option<i64>, add_minor: Option<i64>) -> Option<StepPrice> {
    match (minor, each, add_minor) {
        (Some(minor), None, None) => Some(StepPrice::Fare { minor }),
        (None, Some(length), Some(add_minor)) => Some(StepPrice::Each { length, add_minor }),
        _ => None,
    }
}

/// `places = { file, place, zone, location_kind }`: the zones of stations.
fn zones(table: &mut Table<'_>, needed: bool, context: &Context<'_>, mistakes: &mut Mistakes) -> Zones {
    let mut zones = Zones::default();
    if needed && !table.has("places") {
        let todo = "places = { file = \"zones.csv\", place = \"station\", zone = \"zone\", location_kind = \"station\" }";
        table.mistake(table.line(), "`places` is missing: no station has a zone", Some(todo), mistakes);
    }
    let Some(sheet) = sheet::read(table, "places", &[("place", true), ("zone", true)], sheet::Ends::Places, context, mistakes) else { return zones };
    for (line, [place, zone]) in sheet.rows() {
        if let Some(set) = ZoneSet::parse(zone).filter(|_| !place.is_empty()) {
            let known = zones.places.entry(sheet.place(place, context)).or_default();
            known.0 |= set.0;
            zones.all.0 |= set.0;
        } else {
            mistakes.add(&sheet.shown, Some(line), "is not a place with its zone", Some("zones are numbers from 1 to 63; a place on a border is written 2/3"));
        }
    }
    zones
}

type ZoneFares = hashbrown::HashMap<(u8, u8), (i64, ZoneSet), foldhash::fast::FixedState>;

/// `zone_fares = { file, from, to, fare_minor }`: both directions, unless the file has the other one too.
fn zone_fares(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<ZoneFares> {
    if !table.has("zone_fares") {
        let todo = "zone_fares = { file = \"zone-fares.csv\", from = \"from_zone\", to = \"to_zone\", fare_minor = \"fare\" }";
        table.mistake(table.line(), "`zone_fares` is missing", Some(todo), mistakes);
    }
    let columns = [("from", true), ("to", true), ("fare_minor", true), ("zones", false)];
    let sheet = sheet::read(table, "zone_fares", &columns, sheet::Ends::Numbers, context, mistakes)?;
    let mut fares = ZoneFares::default();
    for (line, [from, to, fare, through]) in sheet.rows() {
        let zone = |text: &str| text.parse::<u8>().ok().filter(|zone| (1..=63).contains(zone));
        let fare = fare.parse::<i64>().ok().filter(|fare| (0..=AMOUNT_MAX).contains(fare));
        let (Some(from), Some(to), Some(fare)) = (zone(from), zone(to), fare) else {
            mistakes.add(&sheet.shown, Some(line), "is not a pair of zones with a fare in minor units", Some("zones are numbers from 1 to 63"));
            continue;
        };
        let zones = if through.is_empty() { Some(ZoneSet::range(from, to)) } else { ZoneSet::parse(through) };
        let Some(zones) = zones else {
            mistakes.add(&sheet.shown, Some(line), "names zones that are none", Some("the zones that the ride goes through: 1-3"));
            continue;
        };
        if fares.insert((from, to), (fare, zones)).is_some() {
            mistakes.add(&sheet.shown, Some(line), "names a pair that an earlier line has priced", Some("keep one of the two lines"));
        }
    }
    let back: Vec<_> = fares.iter().filter(|((from, to), _)| !fares.contains_key(&(*to, *from))).map(|(&(from, to), &fare)| ((to, from), fare)).collect();
    fares.extend(back);
    Some(fares)
}

fn check_zone_gaps(table: &Table<'_>, zones: &Zones, allowed: bool, mistakes: &mut Mistakes) {
    let used = ZoneSet(zones.places.values().fold(0, |all, zones| all | zones.0));
    let pairs = used.zones().flat_map(|from| used.zones().map(move |to| (from, to)));
    let gaps: Vec<(u8, u8)> = pairs.filter(|pair| !zones.fares.contains_key(pair)).collect();
    if let Some((from, to)) = gaps.first().filter(|_| !allowed) {
        let message = format!("{} pairs of zones have no fare, the first from {from} to {to}", gaps.len());
        table.mistake(table.line(), message, Some("add them to the file of `zone_fares`, or say gaps = \"unknown-pair\""), mistakes);
    }
}
