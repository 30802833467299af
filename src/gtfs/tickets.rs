//! Fares v1 as tickets: which rides one fare is for, and the transfer rules that make it so.
//!
//! A fare that asks no zone is one ticket for all its rides. Fares by zones of the same routes make one fare for the whole way.

use super::fares::{Ticket, Transfer, plain_name, plain_names};
use super::legacy::{ATTRIBUTES, Fare};
use super::notes::Notes;
use super::text::quoted;
use std::collections::BTreeMap;

/// Where a feed gives no time limit, a ride that begins so long after the last one ended is a new journey.
pub const GAP_MINUTES: u32 = 120;
/// A rule for each kind of ticket as long as a ride has marks for them.
const RULES_MAX: usize = 40;

/// Fares that one transfer rule is for.
pub struct Kind {
    pub name: String,
    fares: Vec<usize>,
    /// One fare for the whole way, not one ticket for all rides.
    through: bool,
    transfers: u32,
    duration: Option<u32>,
}

/// A fare that asks no zone is one ticket for all its rides. Fares by zones of the same routes make one fare for the whole way.
pub fn tickets(fares: &mut [Fare]) -> Vec<Kind> {
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

pub fn transfers(fares: &[Fare], kinds: &[Kind], notes: &mut Notes) -> Vec<Transfer> {
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
