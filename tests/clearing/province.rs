//! A day of the bundled registered programme, made from its own registry: rides, changes, admissions, purchases, medical
//! bills and refunds, and among them what the registry does not know.

use crate::dice::Dice;
use crate::house::root;
use crate::transit::{DAY_BEGINS_MS, HOUR_MS};
use std::collections::BTreeMap;

pub const HEADER: &str = "kind,time,terminal,epoch,sequence,card,issuer,operator,location,mode,class,amount,original";

/// A table of the scheme without its remarks, column by name.
fn table(name: &str) -> Vec<BTreeMap<String, String>> {
    let path = root().join("replay-data/sichuan").join(name);
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_path(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader.deserialize().map(|row| row.expect("a row as long as the header")).collect()
}

struct Maker {
    dice: Dice,
    sequences: BTreeMap<String, u64>,
    rows: Vec<String>,
}

impl Maker {
    /// A record of a registered terminal and card; its id.
    fn record(
        &mut self,
        kind: &str,
        terminal: &BTreeMap<String, String>,
        card: &BTreeMap<String, String>,
        time_ms: i64,
        amount: i64,
        original: &str,
    ) -> String {
        let id = &terminal["id"];
        let sequence = self.sequences.entry(id.clone()).or_insert(100);
        *sequence += 1;
        let sequence = *sequence;
        let mut fields = [
            kind.to_owned(),
            time_ms.to_string(),
            id.clone(),
            terminal["epoch"].clone(),
            sequence.to_string(),
            card["token"].clone(),
            card["issuer"].clone(),
            terminal["operator"].clone(),
            terminal["location"].clone(),
            terminal["mode"].clone(),
            card["class"].clone(),
            amount.to_string(),
            original.to_owned(),
        ];
        match self.dice.roll() % 1000 {
            0..4 => fields[2] = "99999999".to_owned(),
            4..8 => fields[5] = "pffffffffffffffff".to_owned(),
            8..12 => fields[11] = "90000000".to_owned(),
            12..16 => fields[1] = "1000".to_owned(),
            16..20 => fields[9] = "ferry".to_owned(),
            20..30 => {
                // The same record with another time: a conflict, and every version is held.
                let before = fields.clone();
                fields[1] = (time_ms + 60_000).to_string();
                self.rows.push(before.join(","));
            }
            30..45 => self.rows.push(fields.join(",")),
            45..48 => {
                let mut unreadable = fields.clone();
                unreadable[11] = "ten".to_owned();
                self.rows.push(unreadable.join(","));
            }
            48..70 => fields[1] = (time_ms - 24 * HOUR_MS).to_string(),
            _ => {}
        }
        self.rows.push(fields.join(","));
        format!("{id}.{}.{sequence}", terminal["epoch"])
    }
}

/// The day as tapclear's own CSV.
pub fn day(seed: u64, trips: usize) -> String {
    let good = |row: &BTreeMap<String, String>| row["from"].as_str() < "2026" && row["to"].is_empty();
    let (terminals, cards) = (table("terminals.csv"), table("cards.csv"));
    let cards: Vec<_> = cards.iter().filter(|card| card["valid_to"].as_str() > "2026-06").take(150).collect();
    let of = |mode: &str| terminals.iter().filter(|terminal| terminal["mode"] == mode && good(terminal)).collect::<Vec<_>>();
    let (buses, gates, venues, shops, hospitals) = (of("bus"), of("metro"), of("venue"), of("retail"), of("hospital"));
    let mut maker = Maker { dice: Dice::new(seed), sequences: BTreeMap::new(), rows: Vec::new() };
    for _ in 0..trips {
        let card = *maker.dice.one_of(&cards);
        let begin = DAY_BEGINS_MS + maker.dice.within(0, 18 * HOUR_MS);
        match maker.dice.roll() % 12 {
            0..4 => {
                for leg in 0..maker.dice.within(1, 5) {
                    let bus = *maker.dice.one_of(&buses);
                    maker.record("boarding", bus, card, begin + leg * HOUR_MS, 0, "");
                }
            }
            4..8 => {
                let (gate_in, gate_out) = (*maker.dice.one_of(&gates), *maker.dice.one_of(&gates));
                if !maker.dice.permille(40) {
                    maker.record("tap-on", gate_in, card, begin, 0, "");
                }
                if !maker.dice.permille(40) {
                    maker.record("tap-off", gate_out, card, begin + HOUR_MS / 2, 0, "");
                }
            }
            8 => {
                let (gate, amount) = (*maker.dice.one_of(&venues), maker.dice.within(0, 60) * 100);
                maker.record("pass", gate, card, begin, amount, "");
            }
            9 => {
                let (gate, amount) = (*maker.dice.one_of(&venues), maker.dice.within(1, 6000));
                maker.record("payment", gate, card, begin, amount, "");
            }
            10 => {
                let (till, amount) = (*maker.dice.one_of(&hospitals), maker.dice.within(1, 90_000));
                maker.record("payment", till, card, begin, amount, "");
            }
            _ => {
                let (till, amount) = (*maker.dice.one_of(&shops), maker.dice.within(1, 9000));
                let bought = maker.record("payment", till, card, begin, amount, "");
                if maker.dice.permille(300) {
                    // In part, in whole, or more than was paid.
                    let back = maker.dice.within(1, amount + amount / 3 + 2);
                    maker.record("refund", till, card, begin + HOUR_MS, back, &bought);
                }
            }
        }
    }
    maker.dice.shuffle(&mut maker.rows);
    format!("{HEADER}\n{}\n", maker.rows.join("\n"))
}
