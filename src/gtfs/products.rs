//! Fares as `fare_products.txt`, `fare_leg_rules.txt` and the files about them say them.
//!
//! A leg meets the rules whose network, areas and timeframes fit. With a column `rule_priority` an empty field fits anything,
//! and of the rules that fit those of the highest priority count. Without it, an empty network or area fits what no rule
//! names in that column. Of the products that remain the cheapest counts: for a rider's category and medium, those that
//! name them or nobody.

use super::fares::{Areas, Case, Fares, Grid, Price, Table, Ticket, Transfer, plain_names};
use super::feed::Feed;
use super::legacy::GAP_MINUTES;
use super::money::{Decimal, digits_of};
use super::notes::Notes;
use super::places::Places;
use super::text::{quoted, quoted_list};
use super::timeframes::{State, Timeframes};
use crate::failure::Failure;
use std::collections::{BTreeMap, BTreeSet};

const PRODUCTS: &str = "fare_products.txt";
const LEGS: &str = "fare_leg_rules.txt";
const TRANSFERS: &str = "fare_transfer_rules.txt";
/// How many transfers "no limit" is.
const UNLIMITED: i64 = 1000;

#[derive(Clone, Debug)]
struct Offer {
    row: u64,
    category: String,
    medium: String,
    amount: Decimal,
    currency: String,
    minor: i64,
}

#[derive(Clone, Debug)]
struct Leg {
    group: String,
    network: String,
    from: String,
    to: String,
    from_time: String,
    to_time: String,
    product: String,
    priority: u32,
}

#[derive(Clone, Debug)]
struct Change {
    row: u64,
    from: String,
    to: String,
    count: Option<i64>,
    limit: Option<u32>,
    limit_type: String,
    kind: String,
    product: String,
}

/// Whose price is asked for. `None`: any medium, or one that the feed does not name.
#[derive(Clone, Copy, Debug)]
struct Rider<'r> {
    category: Option<&'r str>,
    medium: Option<&'r str>,
}

struct Products {
    offers: BTreeMap<String, Vec<Offer>>,
    /// Those who have no other category.
    default_category: Option<String>,
    categories: Vec<String>,
    media: Vec<String>,
}

impl Products {
    /// The cheapest way to have a product.
    fn minor(&self, product: &str, rider: Rider<'_>) -> Option<i64> {
        let fits = |offer: &&Offer| {
            (offer.category.is_empty() || Some(offer.category.as_str()) == rider.category)
                && (offer.medium.is_empty() || rider.medium.is_none_or(|medium| medium == offer.medium))
        };
        self.offers.get(product)?.iter().filter(fits).map(|offer| offer.minor).min()
    }
}

/// `None` where the feed has no fares of this kind.
///
/// # Errors
/// When a file cannot be read.
pub fn read(feed: &mut Feed, places: &Places, notes: &mut Notes) -> Result<Option<(Fares, Timeframes)>, Failure> {
    let (mut products, currency, minor_digits) = read_products(feed, notes)?;
    let mut legs = Vec::new();
    let columns =
        ["leg_group_id", "network_id", "from_area_id", "to_area_id", "from_timeframe_group_id", "to_timeframe_group_id", "fare_product_id", "rule_priority"];
    let mut other_media = false;
    let header = feed.rows(LEGS, columns, |row, [group, network, from, to, from_time, to_time, product, priority]| {
        let Some(offers) = products.offers.get(product) else {
            notes.left(LEGS, row, "a leg rule whose product was not read from fare_products.txt", "规则的产品未能从 fare_products.txt 读取");
            return;
        };
        if offers.iter().all(|offer| offer.minor < 0) {
            notes.left(LEGS, row, "a leg rule whose product costs less than nothing", "单程规则的产品价格为负");
            return;
        }
        other_media |= offers.iter().any(|offer| !offer.medium.is_empty());
        let priority = if priority.is_empty() { Some(0) } else { priority.parse().ok() };
        if priority.is_none() {
            notes.read(LEGS, row, "`rule_priority` is not a number: 0 is taken", "`rule_priority` 不是数字：按 0");
        }
        let [group, network, from, to, from_time, to_time, product] = [group, network, from, to, from_time, to_time, product].map(str::to_owned);
        legs.push(Leg { group, network, from, to, from_time, to_time, product, priority: priority.unwrap_or(0) });
    })?;
    if legs.is_empty() {
        return Ok(None);
    }
    let by_priority = header.is_some_and(|columns| columns.iter().any(|name| name == "rule_priority"));
    products.offers.values_mut().for_each(|offers| offers.sort_by_key(|offer| offer.row));
    let frames = Timeframes::read(feed, notes)?;
    let mut result = Fares { currency, minor_digits, version: 2, ..Fares::default() };
    let changes = read_changes(feed, &products, notes)?;
    let groups = leg_groups(&legs, &changes);
    if other_media {
        let en = "prices by fare_media: for a medium that the feed does not name, the cheapest counts";
        notes.read(PRODUCTS, 0, en, "按 fare_media 定价：记录的介质不在其中时，以最便宜者为准");
    }
    build(places, &products, &legs, by_priority, &frames, &groups, &mut result, notes);
    transfers(&products, &changes, &groups, &mut result, notes);
    feed.rows("fare_leg_join_rules.txt", ["from_network_id"], |row, _| {
        let en = "joined legs: a journey from tap-on to tap-off is priced as one leg, legs that are recorded apart are not joined";
        notes.left("fare_leg_join_rules.txt", row, en, "合并行程段：一次进出按一段计价，分开记录的不合并");
    })?;
    Ok(Some((result, frames)))
}

fn read_products(feed: &mut Feed, notes: &mut Notes) -> Result<(Products, String, u8), Failure> {
    let mut products = Products { offers: BTreeMap::new(), default_category: None, categories: Vec::new(), media: Vec::new() };
    let mut flagged = Vec::new();
    feed.rows("rider_categories.txt", ["rider_category_id", "is_default_fare_category"], |_, [id, default]| {
        products.categories.push(id.to_owned());
        if default == "1" {
            flagged.push(id.to_owned());
        }
    })?;
    feed.rows("fare_media.txt", ["fare_media_id"], |_, [id]| products.media.push(id.to_owned()))?;
    let columns = ["fare_product_id", "rider_category_id", "fare_media_id", "amount", "currency"];
    let mut offers: Vec<(String, Offer)> = Vec::new();
    feed.rows(PRODUCTS, columns, |row, [product, category, medium, amount, currency]| {
        let Some(amount) = Decimal::parse(amount) else {
            notes.left(PRODUCTS, row, "a product whose amount is not a number", "产品金额不是数字");
            return;
        };
        let [category, medium] = [category, medium].map(str::to_owned);
        offers.push((product.to_owned(), Offer { row, category, medium, amount, currency: currency.to_ascii_uppercase(), minor: 0 }));
    })?;
    for (_, offer) in &offers {
        for (list, id) in [(&mut products.categories, &offer.category), (&mut products.media, &offer.medium)] {
            if !id.is_empty() && !list.contains(id) {
                list.push(id.clone());
            }
        }
    }
    products.default_category = match flagged.as_slice() {
        [] => {
            let first = products.categories.first().cloned();
            if let Some(first) = &first {
                let en = format!("no category is the default: riders of no category pay as `{first}`, the first one");
                notes.read("rider_categories.txt", 0, en, format!("没有默认类别：无类别的乘客按第一类 `{first}` 计价"));
            }
            first
        }
        [only] => Some(only.clone()),
        [first, ..] => {
            let en = format!("several categories are the default: riders of no category pay as `{first}`");
            notes.read("rider_categories.txt", 0, en, format!("有多个默认类别：无类别的乘客按 `{first}` 计价"));
            Some(first.clone())
        }
    };
    let (currency, digits) = super::currency(offers.iter().map(|(_, offer)| (offer.currency.as_str(), offer.amount)));
    if digits > digits_of(&currency) {
        let en = format!("amounts have {digits} digits after the point: the scheme counts in such units");
        notes.read(PRODUCTS, 0, en, format!("金额有 {digits} 位小数：以此为最小单位"));
    }
    for (product, mut offer) in offers {
        if offer.currency != currency {
            notes.left(PRODUCTS, offer.row, format!("a product in a currency other than {currency}"), format!("非 {currency} 的产品"));
            continue;
        }
        let Some(minor) = offer.amount.minor(digits) else {
            notes.left(PRODUCTS, offer.row, "an amount with more digits than a scheme's currency can have", "金额小数位过多");
            continue;
        };
        offer.minor = minor;
        products.offers.entry(product).or_default().push(offer);
    }
    Ok((products, currency, digits))
}

/// Groups of legs as tickets: their names, in order. Asked only where there are transfer rules.
fn leg_groups(legs: &[Leg], changes: &[Change]) -> Vec<String> {
    if changes.is_empty() {
        return Vec::new();
    }
    legs.iter().map(|leg| leg.group.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Which rules a leg of a case may meet, and for whom.
struct Asked<'a> {
    network: Option<&'a str>,
    from_state: Option<&'a State>,
    to_state: Option<&'a State>,
    rider: Rider<'a>,
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

/// What an empty field stands for: anything, or what no rule names.
struct Empties {
    by_priority: bool,
    networks: BTreeSet<String>,
    /// The cells that no rule's area names.
    from_cells: Vec<usize>,
    to_cells: Vec<usize>,
}

impl Empties {
    fn of(legs: &[Leg], by_priority: bool, cells: &Cells) -> Self {
        let named = |field: &dyn Fn(&Leg) -> &str| -> BTreeSet<String> { legs.iter().map(field).filter(|name| !name.is_empty()).map(str::to_owned).collect() };
        let rest = |named: &BTreeSet<String>| -> Vec<usize> {
            let unnamed = |areas: &Vec<String>| by_priority || !areas.iter().any(|area| named.contains(area));
            cells.cells.iter().enumerate().filter(|(_, areas)| unnamed(areas)).map(|(at, _)| at).collect()
        };
        let (from_cells, to_cells) = (rest(&named(&|leg| &leg.from)), rest(&named(&|leg| &leg.to)));
        Self { by_priority, networks: named(&|leg| &leg.network), from_cells, to_cells }
    }
}

#[allow(clippy::too_many_arguments, reason = "what was read, and where it goes")]
fn build(places: &Places, products: &Products, legs: &[Leg], by_priority: bool, frames: &Timeframes, groups: &[String], result: &mut Fares, notes: &mut Notes) {
    let cells = Cells::of(places);
    let empties = Empties::of(legs, by_priority, &cells);
    let lost = legs.iter().filter(|leg| [&leg.from, &leg.to].into_iter().any(|area| !area.is_empty() && !cells.by_area.contains_key(area))).count();
    if lost > 0 {
        let en = format!("{lost} leg rules for areas in which no stop lies");
        notes.left(LEGS, 0, en, format!("{lost} 条规则的区域内没有站点"));
    }
    let times = |field: &dyn Fn(&Leg) -> &str| -> BTreeSet<String> { legs.iter().map(field).filter(|name| !name.is_empty()).map(str::to_owned).collect() };
    let from_states = frames.states(&times(&|leg| &leg.from_time), "in");
    let to_states = frames.states(&times(&|leg| &leg.to_time), "out");
    if !from_states.is_empty() || !to_states.is_empty() {
        let en = "timeframes hold on the days of the feed's calendars: outside them, their fares are not in force";
        notes.read("timeframes.txt", 0, en, "时段只在客流日历的日期内有效");
    }
    result.periods = from_states.iter().chain(&to_states).flat_map(|state| state.periods.clone()).collect();
    let networks = places.networks();
    let mut asked: Vec<(Option<&str>, Option<usize>)> = Vec::new();
    for network in &empties.networks {
        match networks.get(network.as_str()) {
            Some(routes) => {
                let group = result.group(format!("routes of {network}"), routes.iter().map(|&route| route.to_owned()).collect());
                asked.push((Some(network), Some(group)));
            }
            None => notes.left(LEGS, 0, format!("network {network} has no routes"), format!("网络 {network} 没有线路")),
        }
    }
    asked.push((None, None));
    // By state of the tap-on and of the tap-off, those without any last.
    let with_none = |states: &'_ [State]| -> Vec<Option<usize>> { (0..states.len()).map(Some).chain([None]).collect() };
    let mut riders: Vec<Option<&str>> =
        products.categories.iter().map(String::as_str).filter(|&id| Some(id) != products.default_category.as_deref()).map(Some).collect();
    riders.push(None);
    for (network, group) in asked {
        for &from in &with_none(&from_states) {
            for &to in &with_none(&to_states) {
                let from_state = from.and_then(|at| from_states.get(at));
                let to_state = to.and_then(|at| to_states.get(at));
                let names = |state: Option<&State>| state.map(|state| state.periods.iter().map(|period| period.name.clone()).collect()).unwrap_or_default();
                let (when, exit_when): (Vec<String>, Vec<String>) = (names(from_state), names(to_state));
                let mut table = |category: Option<&str>, medium: Option<&str>| {
                    let rider = Rider { category: category.or(products.default_category.as_deref()), medium };
                    priced(places, legs, products, &cells, &empties, groups, &Asked { network, from_state, to_state, rider }, result)
                };
                let tables: Vec<(usize, Vec<usize>)> = riders
                    .iter()
                    .map(|&category| (table(category, None), products.media.iter().map(|medium| table(category, Some(medium))).collect()))
                    .collect();
                let last = tables.last().cloned();
                for (&category, (general, by_medium)) in riders.iter().zip(tables) {
                    if category.is_some() && last.as_ref() == Some(&(general, by_medium.clone())) {
                        continue;
                    }
                    let named = |medium: Option<&str>| {
                        let state = |state: Option<&State>| state.map(|state| state.groups.iter().map(String::as_str).collect::<Vec<_>>().join("+"));
                        let words = [
                            Some(network.unwrap_or("other routes").to_owned()),
                            state(from_state),
                            state(to_state).map(|state| format!("out {state}")),
                            category.map(str::to_owned),
                            medium.map(str::to_owned),
                        ];
                        words.into_iter().flatten().collect::<Vec<_>>().join(" / ")
                    };
                    let case = Case {
                        name: named(None),
                        routes: group,
                        operator: None,
                        when: when.clone(),
                        exit_when: exit_when.clone(),
                        class: category.map(str::to_owned),
                        medium: None,
                        table: general,
                    };
                    for (medium, table) in products.media.iter().zip(by_medium).filter(|&(_, table)| table != general) {
                        result.cases.push(Case { name: named(Some(medium)), medium: Some(medium.clone()), table, ..case.clone() });
                    }
                    result.cases.push(case);
                }
            }
        }
    }
}

/// The table of a case.
#[allow(clippy::too_many_arguments, reason = "what was read, and where it goes")]
fn priced(
    places: &Places,
    legs: &[Leg],
    products: &Products,
    cells: &Cells,
    empties: &Empties,
    groups: &[String],
    asked: &Asked<'_>,
    result: &mut Fares,
) -> usize {
    let in_state = |group: &str, state: Option<&State>| group.is_empty() || state.is_some_and(|state| state.groups.contains(group));
    let network_fits = |network: &str| {
        if network.is_empty() { empties.by_priority || asked.network.is_none() } else { asked.network == Some(network) }
    };
    let ticket = |group: &String| groups.binary_search(group).ok().and_then(|at| u16::try_from(at + 1).ok()).map_or(Ticket(0), Ticket);
    let size = cells.cells.len();
    let mut grid = Grid::new(size);
    let mut priorities: Vec<u32> = vec![0; size * size];
    for leg in legs {
        if !network_fits(&leg.network) || !in_state(&leg.from_time, asked.from_state) || !in_state(&leg.to_time, asked.to_state) {
            continue;
        }
        let Some(minor) = products.minor(&leg.product, asked.rider).filter(|&minor| minor >= 0) else { continue };
        let price = Price { minor, ticket: ticket(&leg.group) };
        let ends = |area: &String, rest: &'_ Vec<usize>| -> Vec<usize> {
            if area.is_empty() { rest.clone() } else { cells.by_area.get(area).cloned().unwrap_or_default() }
        };
        let to_cells = ends(&leg.to, &empties.to_cells);
        for from in ends(&leg.from, &empties.from_cells) {
            for &to in &to_cells {
                let (Some(cell), Some(priority)) = (grid.cell(from, to), priorities.get_mut(from * size + to)) else { continue };
                let higher = leg.priority > *priority;
                let beaten = cell.is_some_and(|known| !higher && (leg.priority < *priority || known.minor <= price.minor));
                if !beaten {
                    *cell = Some(price);
                    *priority = leg.priority;
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

fn read_changes(feed: &mut Feed, products: &Products, notes: &mut Notes) -> Result<Vec<Change>, Failure> {
    let mut changes = Vec::new();
    let columns = ["from_leg_group_id", "to_leg_group_id", "transfer_count", "duration_limit", "duration_limit_type", "fare_transfer_type", "fare_product_id"];
    feed.rows(TRANSFERS, columns, |row, [from, to, count, limit, limit_type, kind, product]| {
        if !product.is_empty() && !products.offers.contains_key(product) {
            notes.left(TRANSFERS, row, "a transfer rule whose product was not read from fare_products.txt", "换乘规则的产品未能从 fare_products.txt 读取");
            return;
        }
        let [from, to, limit_type, kind, product] = [from, to, limit_type, kind, product].map(str::to_owned);
        changes.push(Change { row, from, to, count: count.parse().ok(), limit: limit.parse().ok().filter(|&seconds| seconds > 0), limit_type, kind, product });
    })?;
    Ok(changes)
}

/// Transfer rules: each for the pairs of leg groups that it is the most exact one for.
fn transfers(products: &Products, changes: &[Change], groups: &[String], result: &mut Fares, notes: &mut Notes) {
    result.tickets = plain_names(groups.iter().map(|group| if group.is_empty() { "no-group" } else { group }));
    let listed = |field: &dyn Fn(&Change) -> &str, group: &str| changes.iter().any(|change| field(change) == group);
    let fits = |name: &str, group: &str, field: &dyn Fn(&Change) -> &str| {
        if name.is_empty() { group.is_empty() || !listed(field, group) } else { name == group }
    };
    let mut pairs_of: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (from, from_group) in groups.iter().enumerate() {
        for (to, to_group) in groups.iter().enumerate() {
            for (at, change) in changes.iter().enumerate() {
                if fits(&change.from, from_group, &|change| &change.from) && fits(&change.to, to_group, &|change| &change.to) {
                    pairs_of.entry(at).or_default().push((from, to));
                }
            }
        }
    }
    // Of several rules for one transfer, the one of the fewest transfers that are enough counts.
    let mut order: Vec<usize> = pairs_of.keys().copied().collect();
    let count_of = |at: usize| changes.get(at).map_or(UNLIMITED, |change| change.count.filter(|&count| count > 0).unwrap_or(UNLIMITED));
    order.sort_by_key(|&at| (count_of(at), at));
    let ticket = |at: usize| result.tickets.get(at).cloned().unwrap_or_default();
    let mut made: Vec<Transfer> = Vec::new();
    let mut earlier: Vec<(String, Vec<(usize, usize)>)> = Vec::new();
    for at in order {
        let (Some(change), Some(pairs)) = (changes.get(at), pairs_of.get(&at)) else { continue };
        let mut riders: Vec<(Option<&str>, Option<&str>)> = Vec::new();
        let default = products.default_category.as_deref();
        for category in products.categories.iter().map(String::as_str).filter(|&id| Some(id) != default).map(Some).chain([None]) {
            riders.extend(products.media.iter().map(|medium| (category, Some(medium.as_str()))));
            riders.push((category, None));
        }
        let minor_of = |(category, medium): (Option<&str>, Option<&str>)| {
            if change.product.is_empty() { Some(0) } else { products.minor(&change.product, Rider { category: category.or(default), medium }) }
        };
        let general = minor_of((None, None));
        let mut own: Vec<String> = Vec::new();
        for rider in riders {
            let minor = minor_of(rider);
            // Only those who pay another transfer have a rule of their own.
            if rider != (None, None) && minor == general {
                continue;
            }
            let Some(effect) = effect(change, minor, notes) else { continue };
            let name = format!("transfer {}{}", made.len() + 1, if rider == (None, None) { "" } else { " (some riders)" });
            let mut lines = Vec::new();
            lines.extend(rider.0.map(|class| format!("classes = [{}]", quoted(class))));
            lines.extend(rider.1.map(|medium| format!("media = [{}]", quoted(medium))));
            let texts: Vec<String> = pairs.iter().map(|&(from, to)| format!("{} > {}", ticket(from), ticket(to))).collect();
            lines.push(format!("ticket_pairs = {}", quoted_list(&texts)));
            lines.extend(window(change, notes));
            lines.push(format!("rides_max = {}", count_of(at)));
            let before: Vec<String> = earlier
                .iter()
                .filter(|(_, known)| pairs.iter().any(|pair| known.contains(pair)))
                .map(|(name, _)| name.clone())
                .chain(own.iter().cloned())
                .collect();
            if !before.is_empty() {
                lines.push(format!("unless = {}", quoted_list(&before)));
            }
            lines.push(effect);
            own.push(name.clone());
            made.push(Transfer { name, comment: format!("{TRANSFERS}:{}", change.row), lines });
        }
        earlier.extend(own.into_iter().map(|name| (name, pairs.clone())));
    }
    result.transfers = made;
}

/// What is left to pay for the later leg.
fn effect(change: &Change, minor: Option<i64>, notes: &mut Notes) -> Option<String> {
    let minor = match minor {
        Some(minor) => minor,
        None => {
            notes.left(
                TRANSFERS,
                change.row,
                "a transfer whose product has no price for some riders: for them there is none",
                "换乘产品对部分乘客没有价格：他们不能换乘",
            );
            return None;
        }
    };
    match (change.kind.as_str(), minor) {
        ("0", 0..) => Some(if minor == 0 { "percent = \"0\"".to_owned() } else { format!("price_minor = {minor}") }),
        ("1", ..=0) => Some(format!("off_minor = {}", -minor)),
        ("2", 0..) => Some(format!("total_minor = {minor}")),
        ("1", _) => {
            notes.left(TRANSFERS, change.row, "a transfer that costs something on top of both legs", "换乘在两段票价之外另加收费");
            None
        }
        ("0" | "2", _) => {
            notes.left(TRANSFERS, change.row, "a transfer that gives money back on the first leg", "换乘退还第一段的费用");
            None
        }
        _ => {
            notes.left(TRANSFERS, change.row, "`fare_transfer_type` is none of 0, 1, 2", "`fare_transfer_type` 不是 0、1、2");
            None
        }
    }
}

fn window(change: &Change, notes: &mut Notes) -> Vec<String> {
    let Some(seconds) = change.limit else {
        let en = format!("transfers without a time limit: a leg is a transfer while it begins within {GAP_MINUTES} minutes after the last one ended");
        notes.read(TRANSFERS, change.row, en, format!("换乘无时限：在上一段结束后 {GAP_MINUTES} 分钟内开始即为换乘"));
        return vec![format!("window_minutes = {GAP_MINUTES}"), "window_from = \"last-exit\"".to_owned()];
    };
    let (from, until) = match change.limit_type.as_str() {
        "0" => ("first-entry", "exit"),
        "1" => ("first-entry", "entry"),
        "2" => ("first-exit", "entry"),
        "3" => ("first-exit", "exit"),
        _ => {
            let (en, zh) =
                ("`duration_limit_type` is none of 0 to 3: from the first tap-on to the last one", "`duration_limit_type` 不是 0 至 3：从首次进站到末次进站");
            notes.read(TRANSFERS, change.row, en, zh);
            ("first-entry", "entry")
        }
    };
    vec![format!("window_seconds = {}", seconds.min(604_800)), format!("window_from = \"{from}\""), format!("until = \"{until}\"")]
}
