//! `fare_leg_join_rules.txt`: legs of one network, one after another, that are priced as one leg from where the first began to where the
//! last one ends.
//!
//! Each leg stays a ride of its own and costs what the whole way is more. A network's rides have a ticket of their own, so that
//! a leg of another network between two of them ends the journey.

use super::fares::{Fares, Transfer, plain_names};
use super::feed::Feed;
use super::notes::Notes;
use super::places::Places;
use super::text::{quoted, quoted_list};
use super::tickets::GAP_MINUTES;
use super::write::PLACE_KIND;
use crate::failure::Failure;
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = "fare_leg_join_rules.txt";
const COLUMNS: [&str; 4] = ["from_network_id", "to_network_id", "from_stop_id", "to_stop_id"];

/// Where legs of a network are joined.
#[derive(Debug, Default)]
struct Join {
    rows: Vec<u64>,
    anywhere: bool,
    pairs: BTreeSet<(String, String)>,
}

/// Adds the rules for joined legs. `changes` are there where the feed has transfer rules too.
///
/// # Errors
/// When the file cannot be read.
pub fn write(feed: &mut Feed, places: &Places, changes: bool, result: &mut Fares, notes: &mut Notes) -> Result<(), Failure> {
    let mut joins: BTreeMap<String, Join> = BTreeMap::new();
    let header = feed.rows(FILE, COLUMNS, |row, [from, to, from_stop, to_stop]| {
        let known = result.cases.iter().any(|case| case.network.as_deref() == Some(from));
        let stops = [from_stop, to_stop].map(|stop| places.within(stop));
        let (en, zh) = match stops {
            _ if changes => {
                ("joined legs beside transfer rules: legs that are recorded apart are priced apart", "与换乘规则并存的合并行程段：分开记录的各段分别计价")
            }
            _ if from != to => ("joined legs of two networks: they are priced apart", "两个网络之间的合并行程段：分别计价"),
            _ if !known => ("joined legs of a network that no leg rule names: they are priced apart", "合并行程段的网络未被任何单程规则提及：分别计价"),
            [from_stops, to_stops]
                if from_stop.is_empty() == to_stop.is_empty() && (from_stop.is_empty() || !from_stops.is_empty() && !to_stops.is_empty()) =>
            {
                let join = joins.entry(from.to_owned()).or_default();
                join.rows.push(row);
                join.anywhere |= from_stop.is_empty();
                join.pairs.extend(from_stops.iter().flat_map(|from| to_stops.iter().map(|to| ((*from).to_owned(), (*to).to_owned()))));
                return;
            }
            _ => {
                ("joined legs at a stop that the feed does not have, or at one end only: they are priced apart", "合并行程段的站点不存在或只给出一端：分别计价")
            }
        };
        notes.left(FILE, row, en, zh);
    })?;
    notes.unknown_columns(FILE, header, &COLUMNS);
    let names = plain_names(joins.keys().map(String::as_str));
    for ((network, Join { rows, anywhere, pairs }), name) in joins.into_iter().zip(names) {
        let en = format!(
            "joined legs: one that begins within {GAP_MINUTES} minutes after the last one ended is priced with it, by the fares at the first one's time; no leg costs more than by itself, or less than nothing"
        );
        let zh = format!("合并行程段：在上一段结束后 {GAP_MINUTES} 分钟内开始即合并，按第一段时间的票价；每段不高于单独票价，也不低于零");
        notes.read(FILE, rows.first().copied().unwrap_or(0), en, zh);
        let ticket = format!("network {name}");
        result.cases.iter_mut().filter(|case| case.network.as_ref() == Some(&network)).for_each(|case| case.ticket = Some(ticket.clone()));
        let mut lines = vec!["kinds = [\"tap-off\", \"journey\"]".to_owned(), format!("ticket_pairs = [{}]", quoted(&format!("{ticket} > {ticket}")))];
        if !anywhere {
            let texts: Vec<String> = pairs.iter().map(|(from, to)| format!("{PLACE_KIND}:{from} > {PLACE_KIND}:{to}")).collect();
            lines.push(format!("place_pairs = {}", quoted_list(&texts)));
        }
        lines.extend([
            format!("window_minutes = {GAP_MINUTES}"),
            "rides_max = 1000".to_owned(),
            "through = true".to_owned(),
            "through_by = \"first\"".to_owned(),
        ]);
        let rows: Vec<String> = rows.iter().map(u64::to_string).collect();
        result.transfers.push(Transfer { name: format!("joined legs of {name}"), comment: format!("{FILE}: line {}", rows.join(", ")), lines });
    }
    Ok(())
}
