//! Real records, cleared with the bundled schemes: the totals that their publishers' files add up to.
//!
//! The records are not part of the sources. They are looked for in `$SHARED`, or beside the sources; where they are not,
//! these tests say so and end.

use crate::house::{House, number, root};
use crate::published::{Sheet, assert_same, canonical};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

const SHENZHEN_DAY: &str = "2018-09-01";
const OYSTER_DAY: &str = "2009-11-07";

fn shared(file: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = folder.join("data").join(file);
    let there = path.is_file();
    if !there {
        println!("skipped: there is no {}", path.display());
    }
    there.then_some(path)
}

/// List price and charges that an earner's summary adds up to.
fn earned(house: &House, day: &str, party: &str) -> (i64, i64) {
    let summary = Sheet::read(&house.day(day).join(party).join("summary.csv"));
    let gross = || summary.rows().filter(|line| line.text("role") == "earner" && line.text("entry") == "gross");
    (gross().map(|line| line.minor("list_minor")).sum(), gross().map(|line| line.minor("charged_minor")).sum())
}

/// The operators of a mapping by the words that the source has for them.
fn operators(house: &House) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(house.map.as_ref().expect("a mapping")).expect("a mapping");
    let map: toml::Table = text.parse().expect("a mapping is TOML");
    let table = map["values"]["operators"].as_table().expect("a table");
    table.iter().map(|(word, party)| (word.clone(), party.as_str().expect("a party").to_owned())).collect()
}

#[test]
fn shenzhen_adds_up() {
    let Some(file) = shared("shenzhen/2018-09-01-page1.json") else { return };
    let house = House::bundled("shenzhen");
    let result = house.clear(SHENZHEN_DAY, std::slice::from_ref(&file)).done();
    let outcomes = ["received", "cleared", "duplicate", "conflict", "held", "rejected"].map(|key| number(&result, key));
    assert_eq!(outcomes, [100, 100, 0, 0, 0, 0]);
    // 26 tap-offs and 10 boardings; a tap-on by itself is no ride.
    assert_eq!(["rides", "gross_minor"].map(|key| number(&result, key)), [36, 5395]);

    // What the source itself says, operator by operator.
    let answer: Value = serde_json::from_slice(&std::fs::read(&file).expect("the answer")).expect("it is JSON");
    let operators = operators(&house);
    let mut expected: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for record in answer["data"].as_array().expect("a list") {
        let text = |key: &str| record[key].as_str().expect("a text");
        let minor = |key: &str| text(key).parse::<i64>().expect("an amount");
        let sums = expected.entry(&operators[text("company_name")]).or_default();
        *sums = (sums.0 + minor("deal_value"), sums.1 + minor("deal_money"));
    }
    for (party, sums) in &expected {
        assert_eq!(earned(&house, SHENZHEN_DAY, party), *sums, "{party}");
    }
    assert_eq!(expected.values().map(|sums| sums.0).sum::<i64>(), 10_300);
    assert_eq!(expected.values().map(|sums| sums.1).sum::<i64>(), 5395);

    let bank = Sheet::read(&house.day(SHENZHEN_DAY).join("bank-01/detail.csv"));
    assert_eq!((bank.sum("list_minor"), bank.sum("charged_minor")), (10_300, 5395));
    house.verify();
}

/// The answer's records as CSV, a missing value written as `-`.
fn shenzhen_csv(file: &PathBuf, header: bool) -> String {
    const COLUMNS: [&str; 11] =
        ["deal_date", "close_date", "card_no", "deal_value", "deal_type", "company_name", "car_no", "station", "conn_mark", "deal_money", "equ_no"];
    let answer: Value = serde_json::from_slice(&std::fs::read(file).expect("the answer")).expect("it is JSON");
    let rows = answer["data"].as_array().expect("a list").iter().map(|record| COLUMNS.map(|column| record[column].as_str().unwrap_or("-")).join(","));
    let missing = rows.clone().filter(|row| row.split(',').any(|value| value == "-")).count();
    assert_eq!(missing, 2, "two records lack station and car_no");
    header.then(|| COLUMNS.join(",")).into_iter().chain(rows).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn the_same_records_as_json_and_as_csv_are_duplicates() {
    let Some(json) = shared("shenzhen/2018-09-01-page1.json") else { return };
    let alone = House::bundled("shenzhen");
    alone.clear(SHENZHEN_DAY, std::slice::from_ref(&json)).done();
    let expected = canonical(&alone.day(SHENZHEN_DAY));
    for header in [true, false] {
        let house = House::bundled("shenzhen");
        let csv = house.write("page1.csv", shenzhen_csv(&json, header));
        let result = house.clear(SHENZHEN_DAY, &[csv, json.clone()]).done();
        let outcomes = ["received", "cleared", "duplicate", "conflict", "held", "rejected"].map(|key| number(&result, key));
        assert_eq!(outcomes, [200, 100, 100, 0, 0, 0], "with a header: {header}");
        assert_same(&expected, &canonical(&house.day(SHENZHEN_DAY)), "the same set in two formats");
    }
}

#[test]
fn oyster_adds_up() {
    let Some(file) = shared("oyster/2009-11-journeys-part7.csv.gz") else { return };
    let house = House::bundled("oyster");
    let result = house.clear(OYSTER_DAY, &[file]).done();
    let outcomes = ["received", "cleared", "duplicate", "conflict", "held", "rejected"].map(|key| number(&result, key));
    assert_eq!(outcomes, [223_488, 223_488, 0, 0, 0, 0]);
    assert_eq!(["rides", "gross_minor"].map(|key| number(&result, key)), [223_488, 8_166_690]);
    let operators = operators(&house);
    let charged = [
        ("LTB", 2_764_425),
        ("LUL", 4_753_245),
        ("LUL/NR", 197_020),
        ("LUL/DLR", 129_765),
        ("NR", 70_805),
        ("DLR", 66_260),
        ("LUL/NR/LRC", 46_760),
        ("NR/LRC", 35_060),
        ("LUL/LRC", 28_320),
        ("LRC", 27_270),
        ("TRAM", 23_965),
        ("HEX", 10_405),
        ("LUL/NR/DLR", 9800),
        ("NR/DLR", 3480),
        ("LUL/TRAM", 110),
    ];
    let mut list = 0;
    for (mode, minor) in charged {
        let sums = earned(&house, OYSTER_DAY, &operators[mode]);
        assert_eq!(sums.1, minor, "{mode}");
        list += sums.0;
    }
    assert_eq!(list, 8_925_330);
    house.verify();
}

#[test]
fn identical_rows_without_ids_are_different_journeys() {
    let house = House::bundled("oyster");
    let row = "5,\"Thu\",\"LTB\",\"Bus\",\"Bus\",\"934\",\"15:34\",\"0\",\"00:00\",\"-------\",\"PPY\",\"N\",100,90,\"127\",\"PAYG\"\n";
    let file = house.write("three.csv", row.repeat(3));
    let result = house.clear(OYSTER_DAY, std::slice::from_ref(&file)).done();
    assert_eq!(["received", "cleared", "duplicate", "gross_minor"].map(|key| number(&result, key)), [3, 3, 0, 270]);
    // The file itself is known by its bytes.
    assert_eq!(house.clear(OYSTER_DAY, &[file]).done()["repeated"], true);
}
