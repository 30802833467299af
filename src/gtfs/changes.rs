//! `fare_transfer_rules.txt`: what a change from a leg of one group to one of another costs.
//!
//! A ride's ticket is its leg group. A rule from a group to itself joins a run of legs and counts its time from the first; one
//! between different groups joins two legs. All rules ask every ride, and the cheapest that holds counts: so each keeps its
//! count whatever another one takes off. Rules of the same terms are one rule of the tariff with several pairs.

use super::fares::{Fares, Ticket, Transfer, plain_names};
use super::feed::Feed;
use super::legs::Legs;
use super::notes::Notes;
use super::products::{Products, Rider};
use super::text::{quoted, quoted_list};
use super::tickets::GAP_MINUTES;
use crate::failure::Failure;
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = "fare_transfer_rules.txt";
const COLUMNS: [&str; 7] =
    ["from_leg_group_id", "to_leg_group_id", "transfer_count", "duration_limit", "duration_limit_type", "fare_transfer_type", "fare_product_id"];
/// How many transfers "no limit" is.
const UNLIMITED: u32 = 1000;
/// The longest window of a tariff.
const WINDOW_S_MAX: u32 = 604_800;
/// A ride has marks for so many rules, less some for rules that are added by hand.
const RULES_MAX: usize = 60;

#[derive(Clone, Debug)]
pub struct Change {
    row: u64,
    from: String,
    to: String,
    /// Transfers in a row, where the groups are the same.
    count: u32,
    limit: Option<u32>,
    limit_type: String,
    kind: String,
    pub product: String,
    /// The groups that it is for, at either end.
    pairs: Vec<(usize, usize)>,
}

#[derive(Debug, Default)]
pub struct Changes {
    pub rows: Vec<Change>,
    /// The groups of legs, in order; none where there are no transfers.
    groups: Vec<String>,
    /// By group: what its legs cost, at least and at most.
    costs: Vec<(i64, i64)>,
    /// By group: to how many one may change from it.
    leading: Vec<usize>,
}

impl Changes {
    /// # Errors
    /// When the file cannot be read.
    pub fn read(feed: &mut Feed, products: &Products, legs: &Legs, notes: &mut Notes) -> Result<Self, Failure> {
        let mut rows = Vec::new();
        let header = feed.rows(FILE, COLUMNS, |row, [from, to, count, limit, limit_type, kind, product]| {
            if !product.is_empty() && !products.has(product) {
                notes.left(FILE, row, "a transfer rule whose product was not read from fare_products.txt", "换乘规则的产品未能从 fare_products.txt 读取");
                return;
            }
            let [from, to, limit_type, kind, product] = [from, to, limit_type, kind, product].map(str::to_owned);
            let count = counted(row, from == to, count, notes);
            let limit = limit.parse::<u32>().ok().filter(|&seconds| seconds > 0);
            rows.push(Change { row, from, to, count, limit, limit_type, kind, product, pairs: Vec::new() });
        })?;
        notes.unknown_columns(FILE, header, &COLUMNS);
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let groups: Vec<String> = legs.rows.iter().map(|leg| leg.group.clone()).collect::<BTreeSet<_>>().into_iter().collect();
        let cost = |group: &String| {
            let amounts = || legs.rows.iter().filter(|leg| leg.group == *group).flat_map(|leg| products.amounts(&leg.product)).filter(|&minor| minor >= 0);
            (amounts().min().unwrap_or(0), amounts().max().unwrap_or(0))
        };
        let costs = groups.iter().map(cost).collect();
        let named = |field: fn(&Change) -> &str| -> BTreeSet<&str> { rows.iter().map(field).collect() };
        let (froms, tos) = (named(|change| &change.from), named(|change| &change.to));
        // An empty name is every group that no rule names in that column.
        let fits = |name: &str, group: &str, named: &BTreeSet<&str>| if name.is_empty() { group.is_empty() || !named.contains(group) } else { name == group };
        let pairs_of = |change: &Change| -> Vec<(usize, usize)> {
            let of = |name: &str, named: &BTreeSet<&str>| -> Vec<usize> {
                groups.iter().enumerate().filter(|(_, group)| fits(name, group, named)).map(|(at, _)| at).collect()
            };
            let to = of(&change.to, &tos);
            of(&change.from, &froms).into_iter().flat_map(|from| to.iter().map(move |&to| (from, to))).collect()
        };
        let pairs: Vec<Vec<(usize, usize)>> = rows.iter().map(pairs_of).collect();
        for (change, pairs) in rows.iter_mut().zip(pairs) {
            if pairs.is_empty() {
                notes.left(FILE, change.row, "a transfer rule for a leg group that no leg rule has", "换乘规则的行程组不在 fare_leg_rules.txt 中");
            }
            change.pairs = pairs;
        }
        let onward = |group: usize| rows.iter().flat_map(|change| &change.pairs).filter(|&&(from, _)| from == group).collect::<BTreeSet<_>>().len();
        let leading = (0..groups.len()).map(onward).collect();
        Ok(Self { rows, groups, costs, leading })
    }

    #[must_use]
    pub fn ticket(&self, group: &String) -> Ticket {
        self.groups.binary_search(group).ok().and_then(|at| u16::try_from(at + 1).ok()).map_or(Ticket(0), Ticket)
    }

    /// To how many groups one may change from one.
    #[must_use]
    pub fn leading_on(&self, group: &String) -> usize {
        self.groups.binary_search(group).ok().and_then(|at| self.leading.get(at)).copied().unwrap_or(0)
    }

    /// The other rows between the same two names.
    fn siblings<'c>(&'c self, change: &'c Change) -> impl Iterator<Item = &'c Change> {
        self.rows.iter().filter(move |other| other.from == change.from && other.to == change.to)
    }

    /// Whether a leg that another transfer has reached may be its first.
    fn come_before(&self, change: &Change) -> bool {
        let reached: BTreeSet<usize> = self.rows.iter().flat_map(|other| &other.pairs).map(|&(_, to)| to).collect();
        change.pairs.iter().any(|(from, _)| reached.contains(from))
    }

    /// Costs of the first and of the second leg: the least and the most.
    fn leg_costs(&self, change: &Change) -> ((i64, i64), (i64, i64)) {
        let of = |group: usize| self.costs.get(group).copied().unwrap_or_default();
        let over = |costs: &mut dyn Iterator<Item = (i64, i64)>| {
            costs.reduce(|(least, most), (other_least, other_most)| (least.min(other_least), most.max(other_most))).unwrap_or_default()
        };
        (over(&mut change.pairs.iter().map(|&(from, _)| of(from))), over(&mut change.pairs.iter().map(|&(_, to)| of(to))))
    }
}

/// `transfer_count`, which only a rule from a group to itself has.
fn counted(row: u64, to_itself: bool, text: &str, notes: &mut Notes) -> u32 {
    match (to_itself, text) {
        (true, "-1") | (false, "") => UNLIMITED,
        (true, text) => text.parse().ok().filter(|&count: &u32| count > 0).unwrap_or_else(|| {
            notes.read(FILE, row, "`transfer_count` is neither -1 nor from 1 on: no limit is taken", "`transfer_count` 不是 -1 或正整数：按不限次数");
            UNLIMITED
        }),
        (false, _) => {
            let en = "`transfer_count` between different leg groups is forbidden: two legs are joined, whatever came before";
            notes.read(FILE, row, en, "不同行程组之间不得有 `transfer_count`：只合并两段，不看之前的行程");
            UNLIMITED
        }
    }
}

/// What rules that are one have in common: all lines but the pairs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Terms {
    /// Runs of an empty name are of many groups: they are not mixed with others.
    run: Option<String>,
    lines: Vec<String>,
}

/// Rules that are one.
#[derive(Debug, Default)]
struct Joined {
    pairs: BTreeSet<(usize, usize)>,
    rows: Vec<u64>,
}

/// The transfer rules of the tariff.
pub fn write(products: &Products, changes: &Changes, result: &mut Fares, notes: &mut Notes) {
    result.tickets = plain_names(changes.groups.iter().map(|group| if group.is_empty() { "no-group" } else { group }));
    let mut order: Vec<Terms> = Vec::new();
    let mut joined: BTreeMap<Terms, Joined> = BTreeMap::new();
    for change in changes.rows.iter().filter(|change| !change.pairs.is_empty()) {
        let to_itself = change.from == change.to;
        let mut common = window(change, to_itself, notes);
        common.extend(count(change, to_itself, changes, notes));
        for (mut lines, minor) in riders(products, &change.product) {
            let Some(effect) = effect(change, minor, changes, notes) else { continue };
            lines.extend(common.iter().cloned());
            lines.push(effect);
            let terms = Terms { run: (to_itself && change.from.is_empty()).then(String::new), lines };
            let one = joined.entry(terms.clone()).or_default();
            if one.rows.is_empty() {
                order.push(terms);
            }
            one.pairs.extend(&change.pairs);
            one.rows.push(change.row);
        }
    }
    let ticket = |at: usize| result.tickets.get(at).map_or("", String::as_str);
    for (number, terms) in (1..).zip(order) {
        let Some(Joined { pairs, mut rows }) = joined.remove(&terms) else { continue };
        rows.dedup();
        if number > RULES_MAX {
            for row in rows {
                let en = format!("more than {RULES_MAX} transfer rules of different terms: a tariff has no room for this one");
                notes.left(FILE, row, en, format!("条件不同的换乘规则多于 {RULES_MAX} 条：此条无处可放"));
            }
            continue;
        }
        let texts: Vec<String> = pairs.iter().map(|&(from, to)| format!("{} > {}", ticket(from), ticket(to))).collect();
        let mut lines = vec![format!("ticket_pairs = {}", quoted_list(&texts))];
        lines.extend(terms.lines);
        lines.push("stack = \"cheapest\"".to_owned());
        let rows: Vec<String> = rows.iter().map(u64::to_string).collect();
        result.transfers.push(Transfer { name: format!("transfer {number}"), comment: format!("{FILE}: line {}", rows.join(", ")), lines });
    }
}

/// Who pays what for a product: conditions on the rider with the price, `None` where it is not offered. All of one price are
/// one.
fn riders(products: &Products, product: &str) -> Vec<(Vec<String>, Option<i64>)> {
    if product.is_empty() {
        return vec![(Vec::new(), Some(0))];
    }
    let all = products.riders();
    let minors: Vec<Vec<Option<i64>>> = all.iter().map(|riders| riders.iter().map(|&rider| products.minor(product, rider)).collect()).collect();
    // Riders without a category, or with one that pays as they do, are the rest.
    let rest = minors.last().cloned().unwrap_or_default();
    let (mut found, mut classes) = (Vec::new(), Vec::new());
    let by_medium = |class: &[String], riders: &[Rider<'_>], minors: &[Option<i64>], found: &mut Vec<(Vec<String>, Option<i64>)>| {
        let general = minors.last().copied().flatten();
        let mut media = Vec::new();
        for (rider, &minor) in riders.iter().zip(minors).filter(|(_, minor)| **minor != general) {
            media.extend(rider.medium.map(str::to_owned));
            let medium = rider.medium.map(|medium| format!("media = [{}]", quoted(medium)));
            found.push((class.iter().cloned().chain(medium).collect(), minor));
        }
        let others = (!media.is_empty()).then(|| format!("not_media = {}", quoted_list(&media)));
        found.push((class.iter().cloned().chain(others).collect(), general));
    };
    for (riders, minors) in all.iter().zip(&minors).filter(|(_, minors)| **minors != rest) {
        let Some(class) = riders.first().and_then(|rider| rider.category) else { continue };
        classes.push(class.to_owned());
        by_medium(&[format!("classes = [{}]", quoted(class))], riders, minors, &mut found);
    }
    let others: Vec<String> = if classes.is_empty() { Vec::new() } else { vec![format!("not_classes = {}", quoted_list(&classes))] };
    by_medium(&others, all.last().map_or(&[], Vec::as_slice), &rest, &mut found);
    found
}

/// How many transfers of a run, and which of them: where several rows differ in their counts, each is for those that none of
/// fewer is for.
fn count(change: &Change, to_itself: bool, changes: &Changes, notes: &mut Notes) -> Vec<String> {
    if !to_itself {
        return vec![format!("rides_max = {UNLIMITED}")];
    }
    let siblings: Vec<&Change> = changes.siblings(change).collect();
    if siblings.iter().all(|other| other.count == change.count) {
        return vec![format!("rides_max = {}", change.count)];
    }
    if !siblings.iter().all(|other| (other.limit, &other.limit_type) == (change.limit, &change.limit_type)) {
        let en = "rows of one transfer with different counts and time limits: each counts its own transfers, the cheapest that holds counts";
        notes.read(FILE, change.row, en, "同一换乘的各行次数与时限不同：各自计数，以最便宜者为准");
        return vec![format!("rides_max = {}", change.count)];
    }
    let counts = || siblings.iter().map(|other| other.count);
    let first = counts().filter(|&count| count < change.count).max().unwrap_or(0) + 1;
    let which = if change.count == UNLIMITED { format!("{first}+") } else { format!("{first}-{}", change.count) };
    vec![format!("rides_max = {}", counts().max().unwrap_or(change.count)), format!("transfers = {}", quoted(&which))]
}

/// What is left to pay for the later leg; `None` where that cannot be said.
fn effect(change: &Change, minor: Option<i64>, changes: &Changes, notes: &mut Notes) -> Option<String> {
    let row = change.row;
    let Some(minor) = minor else {
        let en = "a transfer whose product has no price for some riders: for them there is none";
        notes.left(FILE, row, en, "换乘产品对部分乘客没有价格：他们不能换乘");
        return None;
    };
    let ((first_least, first_most), (second_least, _)) = changes.leg_costs(change);
    match (change.kind.as_str(), minor) {
        ("0", 0..) => {
            if minor > second_least {
                let en = "a transfer that may cost more than the later leg by itself: the leg's own fare counts there";
                notes.left(FILE, row, en, "换乘费可能高于后一段自身票价：届时按后一段自身票价");
            }
            Some(if minor == 0 { "percent = \"0\"".to_owned() } else { format!("price_minor = {minor}") })
        }
        ("1", ..=0) => {
            if -minor > second_least {
                let en = "a transfer discount that may be more than the later leg's fare: the leg is free then, nothing is given back";
                notes.left(FILE, row, en, "换乘优惠可能高于后一段票价：届时后一段免费，不退差额");
            }
            Some(format!("off_minor = {}", -minor))
        }
        ("2", 0..) => {
            let both = minor < first_most || minor > first_least + second_least;
            if both || (minor > second_least && changes.come_before(change)) {
                let en = "a fare for both legs that may be less than the first, or more than both (than the later one, after another transfer): nothing is given back, nor added";
                notes.left(FILE, row, en, "两段合计票价可能低于第一段，或高于两段之和（再次换乘时高于后一段）：不退款，也不加收");
            }
            Some(format!("total_minor = {minor}"))
        }
        ("1", _) => {
            notes.left(FILE, row, "a transfer that costs something on top of both legs", "换乘在两段票价之外另加收费");
            None
        }
        ("0" | "2", _) => {
            notes.left(FILE, row, "a transfer that gives money back on the first leg", "换乘退还第一段的费用");
            None
        }
        _ => {
            notes.left(FILE, row, "`fare_transfer_type` is none of 0, 1, 2", "`fare_transfer_type` 不是 0、1、2");
            None
        }
    }
}

/// From which tap of which leg the time counts, and to which.
fn window(change: &Change, to_itself: bool, notes: &mut Notes) -> Vec<String> {
    let Some(seconds) = change.limit else {
        let en = format!("transfers without a time limit: a leg is a transfer while it begins within {GAP_MINUTES} minutes after the last one ended");
        notes.read(FILE, change.row, en, format!("换乘无时限：在上一段结束后 {GAP_MINUTES} 分钟内开始即为换乘"));
        return vec![format!("window_minutes = {GAP_MINUTES}"), "window_from = \"last-exit\"".to_owned()];
    };
    if seconds > WINDOW_S_MAX {
        notes.left(FILE, change.row, "`duration_limit` beyond a week: a week is taken", "`duration_limit` 超过一周：按一周");
    }
    let (tap, until) = match change.limit_type.as_str() {
        "0" => ("entry", "exit"),
        "1" => ("entry", "entry"),
        "2" => ("exit", "entry"),
        "3" => ("exit", "exit"),
        _ => {
            let (en, zh) =
                ("`duration_limit_type` is none of 0 to 3: from the first tap-on to the last one", "`duration_limit_type` 不是 0 至 3：从首次进站到末次进站");
            notes.read(FILE, change.row, en, zh);
            ("entry", "entry")
        }
    };
    let leg = if to_itself { "first" } else { "last" };
    vec![format!("window_seconds = {}", seconds.min(WINDOW_S_MAX)), format!("window_from = \"{leg}-{tap}\""), format!("until = \"{until}\"")]
}
