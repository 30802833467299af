//! `scheme import-gtfs`: a transit feed's fares as a scheme.
//!
//! Reads what the feed says of fares, in either of its two kinds of files, and writes a scheme that prices every pair of stops
//! as the feed does. What the feed leaves open is read in one way and said; what a tariff cannot say is left and said. Nothing
//! is approximated without a note.

mod changes;
mod fares;
mod feed;
mod joins;
mod legacy;
mod legs;
mod money;
mod notes;
mod paths;
mod places;
mod products;
mod text;
mod tickets;
mod timeframes;
mod write;
mod zones;

pub use notes::{Note, Weight};

use crate::failure::Failure;
use crate::words::Lang;
use fares::Fares;
use feed::Feed;
use money::{Decimal, PLACES_MAX};
use notes::Notes;
use places::Places;
use std::collections::BTreeMap;
use std::path::Path;

/// What was imported.
#[derive(Debug)]
pub struct Imported {
    /// The kind of files that the fares are from.
    pub version: u8,
    pub currency: String,
    pub minor_digits: u8,
    pub stops: usize,
    pub routes: usize,
    pub agencies: usize,
    pub tables: usize,
    /// Fares that the tables name.
    pub fares: usize,
    pub bases: usize,
    pub transfers: usize,
    pub notes: Vec<Note>,
}

/// Files about fares that some feeds have and the reference does not.
const EXTENSIONS: [&str; 4] = ["fare_capping.txt", "fare_containers.txt", "fare_rider_categories.txt", "farezone_attributes.txt"];

/// Where a feed names no day from which it is about something.
const FROM: &str = "2000-01-01";

/// # Errors
/// When there is no feed, it prices nothing, or the scheme's folder is not empty or cannot be written.
pub fn import(path: &Path, out: &Path) -> Result<Imported, Failure> {
    let mut feed = Feed::open(path)?;
    let mut notes = Notes::default();
    let places = Places::read(&mut feed, &mut notes)?;
    let mut from = places.from.clone();
    let mut fares = None;
    if let Some((found, frames)) = products::read(&mut feed, &places, &mut notes)? {
        if found.prices_something() {
            from = from.or_else(|| frames.first_day().map(|day| day.to_string()));
            fares = Some(found);
        } else {
            let en = "no leg rule holds for any stop: the fares of fare_attributes.txt, if there are any, count";
            notes.left("fare_leg_rules.txt", 0, en, "没有任何站点适用的单程规则：如有 fare_attributes.txt 则以其为准");
        }
    }
    if fares.is_none() {
        fares = legacy::read(&mut feed, &places, &mut notes)?.filter(Fares::prices_something);
    } else if feed.has("fare_attributes.txt")? {
        let en = "the feed has fares of both kinds: those of fare_products.txt and fare_leg_rules.txt count";
        notes.left("fare_attributes.txt", 0, en, "同时有两种票价文件：以 fare_products.txt 与 fare_leg_rules.txt 为准");
    }
    for file in EXTENSIONS {
        if feed.has(file)? {
            notes.left(file, 0, "a file that is not in the GTFS reference: it is not read", "不属于 GTFS 规范的文件：未读取");
        }
    }
    let Some(fares) = fares else {
        return Err(Failure::refused("the feed prices nothing: it has neither usable fare_attributes.txt nor fare_products.txt with fare_leg_rules.txt")
            .listing(notes.into_sorted().iter().filter(|note| note.weight == Weight::Left).map(|note| note.line(Lang::En)))
            .hint("fares come as fare_attributes.txt, or as fare_products.txt with fare_leg_rules.txt"));
    };
    let missing = "journeys without a tap-on or a tap-off, and pairs without a fare, cost the dearest fare of their table: no feed says";
    notes.read("tariff.toml", 0, missing, "缺少进站或出站的行程以及没有票价的站对，按其票价表中最高价：数据中没有规定");
    let notes = notes.into_sorted();
    write::write(out, &places, &fares, from.as_deref().unwrap_or(FROM), &notes)?;
    Ok(Imported {
        version: fares.version,
        currency: fares.currency.clone(),
        minor_digits: fares.minor_digits,
        stops: places.stops.len(),
        routes: places.routes.len(),
        agencies: places.agencies.len(),
        tables: fares.tables.len(),
        fares: fares.tables.iter().map(|table| table.rows.len()).sum(),
        bases: fares.cases.len(),
        transfers: fares.transfers.len(),
        notes,
    })
}

/// The currency that most prices are in, and the digits after the point that all of those need.
fn currency<'p>(prices: impl Iterator<Item = (&'p str, Decimal)>) -> (String, u8) {
    let mut counts: BTreeMap<&str, (usize, u8)> = BTreeMap::new();
    for (currency, price) in prices {
        let known = counts.entry(currency).or_insert((0, 0));
        known.0 += 1;
        known.1 = known.1.max(price.places.min(PLACES_MAX));
    }
    let most = counts.into_iter().max_by_key(|&(currency, (count, _))| (count, std::cmp::Reverse(currency)));
    most.map_or((String::new(), 2), |(currency, (_, places))| (currency.to_owned(), places.max(money::digits_of(currency))))
}
