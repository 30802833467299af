//! A small day of the comparison scheme with everything that can happen to it: copies, conflicts, late records, records of
//! the future and the far past, absurd amounts and unreadable rows, in the order of their arrival numbers.

use crate::dice::Dice;
use crate::house::House;
use std::fmt::Write;

/// 2026-03-02 04:00 at +08:00, the beginning of the service day.
pub const DAY_BEGINS_MS: i64 = 1_772_395_200_000;
pub const HOUR_MS: i64 = 3_600_000;
pub const HEADER: &str = "rec_no,record_type,terminal_id,terminal_seq,card_id,issuer_bank,operator_id,location_id,ts_ms,amount_minor,rider_class";
const STATIONS: i64 = 20;

/// A record as the source writes it.
#[derive(Clone, Debug)]
pub struct Row {
    pub rec_no: usize,
    pub kind: &'static str,
    pub terminal: i64,
    pub sequence: i64,
    pub card: i64,
    pub time_ms: i64,
    pub amount: String,
}

impl Row {
    /// A ride on bus line 1, terminal 1.
    pub fn bus(rec_no: usize, sequence: i64, card: i64, time_ms: i64) -> Self {
        Self { rec_no, kind: "bus", terminal: 1, sequence, card, time_ms, amount: "0".to_owned() }
    }

    fn line(&self) -> String {
        let Self { rec_no, kind, terminal, sequence, card, time_ms, amount } = self;
        let location = match *kind {
            "bus" => (terminal - 1) % 30 + 1,
            "entry" | "exit" => (terminal - 101) / 2 + 1,
            _ => (terminal - 201) % 100 / 2 + 1,
        };
        let operator = match *kind {
            "bus" => (location - 1) % 20 + 1,
            "entry" | "exit" => 21 + (location - 1) % 4,
            _ => 25 + (location - 1) % 6,
        };
        let (bank, class) = (card % 12 + 1, if card % 7 == 0 { 2 } else { i64::from(card % 5 == 0) });
        format!("{rec_no},{kind},{terminal},{sequence},{card},{bank},{operator},{location},{time_ms},{amount},{class}\n")
    }
}

/// A file of the rows as they stand.
pub fn csv<'r>(rows: impl IntoIterator<Item = &'r Row>) -> String {
    let mut text = format!("{HEADER}\n");
    for row in rows {
        text += &row.line();
    }
    text
}

/// A copy of the scheme with fares for 20 stations and all columns in the detail files.
pub fn house() -> House {
    let house = House::copied("transit-day");
    let mut fares = "from_station,to_station,fare\n".to_owned();
    for from in 1..=STATIONS {
        for to in 1..=STATIONS {
            let _ = writeln!(fares, "{from},{to},{}", 200 + 100 * ((from - to).abs() / 2).min(7));
        }
    }
    house.write("scheme/tariff/fares.csv", fares);
    let text = std::fs::read_to_string(house.scheme.join("scheme.toml")).expect("a scheme");
    let (before, after) = text.split_once("detail_columns = [").expect("a list of columns");
    let (_, after) = after.split_once("]\n").expect("the list's end");
    house.write("scheme/scheme.toml", format!("{before}{after}"));
    house
}

/// The rows of a day, in the order of arrival.
pub fn day(seed: u64, records: usize) -> Vec<Row> {
    let mut dice = Dice::new(seed);
    let mut sequences = std::collections::BTreeMap::new();
    let mut rows = Vec::new();
    let mut take = |dice: &mut Dice, kind, terminal, card, time_ms: i64, amount: i64| {
        let sequence = sequences.entry(terminal).or_insert(1000);
        *sequence += 1;
        let (mut time_ms, mut amount) = (time_ms, amount.to_string());
        match dice.roll() % 1000 {
            0..30 => time_ms -= 24 * HOUR_MS * dice.within(1, 4),
            30..33 => time_ms -= 24 * HOUR_MS * 60,
            33..36 => time_ms += 24 * HOUR_MS * 4,
            36..39 => amount = "20000000".to_owned(),
            39..42 => amount = "-5".to_owned(),
            42..44 => amount = "5.".to_owned(),
            _ => {}
        }
        rows.push(Row { rec_no: 0, kind, terminal, sequence: *sequence, card, time_ms, amount });
    };
    for _ in 0..records / 2 {
        // Few cards, so that runs of transfers and caps come about.
        let card = dice.within(1, 240);
        let begin = DAY_BEGINS_MS + dice.within(0, 18 * HOUR_MS);
        match dice.roll() % 10 {
            0..5 => {
                for leg in 0..dice.within(1, 5) {
                    let time = begin + leg * dice.within(HOUR_MS / 6, HOUR_MS * 5 / 2);
                    let terminal = dice.within(1, 61);
                    take(&mut dice, "bus", terminal, card, time, 0);
                }
            }
            5..8 => {
                let (gate_in, gate_out) = (dice.within(101, 141), dice.within(101, 141));
                if !dice.permille(30) {
                    take(&mut dice, "entry", gate_in, card, begin, 0);
                }
                if !dice.permille(30) {
                    let end = begin + dice.within(HOUR_MS / 10, 2 * HOUR_MS);
                    take(&mut dice, "exit", gate_out, card, end, 0);
                }
            }
            8 => {
                let (gate, amount) = (dice.within(201, 221), dice.within(0, 50) * 100);
                take(&mut dice, "venue", gate, card, begin, amount);
            }
            _ => {
                let (till, amount) = (dice.within(301, 321), dice.within(1, 9000));
                take(&mut dice, "pay", till, card, begin, amount);
            }
        }
    }
    let again: Vec<Row> = rows.iter().filter(|_| dice.permille(30)).cloned().collect();
    let mut otherwise: Vec<Row> = rows.iter().filter(|_| dice.permille(12)).cloned().collect();
    // A third version of some.
    otherwise.extend(otherwise.clone().into_iter().filter(|_| dice.permille(200)));
    for row in &mut otherwise {
        match dice.roll() % 2 {
            0 => row.time_ms += dice.within(1, HOUR_MS),
            _ => row.card = row.card % 240 + dice.within(1, 5),
        }
    }
    rows.extend(again);
    rows.extend(otherwise);
    dice.shuffle(&mut rows);
    for (at, row) in rows.iter_mut().enumerate() {
        row.rec_no = at + 1;
    }
    rows
}
