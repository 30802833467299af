//! Promise 8: a card number never leaves the vault. Numbers that stand nowhere else are sent in, in every way that rows and
//! files can be good or bad, and looked for in every byte that the program leaves or says.

use crate::house::{DAY, Ran, number, program, tapclear};
use crate::published::{Sheet, every_file, parties};
use crate::transit::{self, DAY_BEGINS_MS};
use domain::SymbolTable;
use engine::ingest::{DoorKeys, card_token};
use engine::scheme::Scheme;
use ledger::{Ledger, LedgerOptions};
use std::io::Write;
use std::process::Stdio;
use tapclear::vault::Vault;

const CANARIES: [&str; 4] = ["6228480012345678907", "6217 0012 3456 7890 128", "9558800123456789012", "6222021234567890123"];

const MAP: &str = r#"
[[source]]
name = "csv"
files = ["*.csv", "*.csv.gz"]
format = "csv"
id = { sequence = "seq" }

[source.record]
kind = { column = "kind", values = { bus = "boarding", pay = "payment" } }
time = { column = "ts", format = "epoch-ms", zone = "+08:00" }
terminal = "terminal"
card = { column = "card", as = "number" }
issuer = { value = "bank-01" }
operator = { value = "operator-01" }
location = { value = "line:1" }
mode = { value = "bus" }
class = { value = "full" }
amount = { column = "amount", unit = "minor" }

[[source]]
name = "json"
like = "csv"
files = ["*.json"]
format = "json"
array = "data"

[[source]]
name = "by-columns"
like = "csv"
files = ["*.txt"]
id = { columns = ["card", "ts", "terminal"] }
"#;
const HEADER: &str = "kind,ts,terminal,seq,card,amount\n";

/// The forms in which a number could be found: as it was written, and its digits alone.
fn forms(canary: &str) -> [Vec<u8>; 2] {
    [canary.as_bytes().to_vec(), canary.bytes().filter(u8::is_ascii_digit).collect()]
}

#[track_caller]
fn absent(bytes: &[u8], place: &str) {
    for canary in CANARIES {
        for form in forms(canary) {
            // The last digits alone would be enough to know the card by.
            let tail = &form[form.len() - 12..];
            assert!(!bytes.windows(tail.len()).any(|window| window == tail), "a card number is in {place}");
        }
    }
}

#[track_caller]
fn silent(ran: Ran, what: &str) -> Ran {
    absent(ran.stdout.as_bytes(), &format!("what {what} printed"));
    absent(ran.stderr.as_bytes(), &format!("what {what} said"));
    ran
}

fn rows() -> String {
    let mut text = HEADER.to_owned();
    for (at, card) in (1i64..).zip(CANARIES.iter().cycle().take(60)) {
        let time = DAY_BEGINS_MS + at * 1000;
        text += &match at {
            // Bad rows: an amount, a kind, a time, too few fields, and a number where another column should be.
            7 => format!("bus,{time},t1,{at},{card},twelve\n"),
            8 => format!("boat,{time},t1,{at},{card},0\n"),
            9 => format!("bus,yesterday,t1,{at},{card},0\n"),
            10 => format!("bus,{card}\n"),
            11 => format!("{card},{time},t1,{at},{card},0\n"),
            12 => format!("bus,{card}x,t1,{at},{card},0\n"),
            13 => format!("bus,{time},t1,{card}x,{card},0\n"),
            14 => format!("bus,{time},t1,{at},{card} {card} {card},0\n"),
            // Held, rejected, and a conflict.
            15 => format!("pay,{time},t1,{at},{card},99999999\n"),
            16 => format!("pay,{time},t1,{at},{card},-1\n"),
            17 => format!("bus,{time},t1,{at},{card},0\nbus,{},t1,{at},{card},0\n", time + 1),
            _ => format!("bus,{time},t1,{at},{card},0\n"),
        };
    }
    text
}

#[test]
fn a_card_number_is_found_nowhere_but_the_vault_opens() {
    let mut house = transit::house();
    house.map = Some(house.write("map.toml", MAP));
    let csv = house.write("cards.csv", rows());
    let columns = house.write("cards.txt", rows().replace(",t1,", ",t2,"));
    let json: Vec<String> = (1..20)
        .map(|at| format!(r#"{{"kind":"bus","ts":{},"terminal":"t3","seq":{at},"card":"{}","amount":0}}"#, DAY_BEGINS_MS + at, CANARIES[at as usize % 4]))
        .collect();
    let json = house.write("cards.json", format!(r#"{{"data":[{},{{"kind":"{}","card":["{}"]}}]}}"#, json.join(","), CANARIES[0], CANARIES[1]));

    // Files that are refused, with numbers where the program stumbles.
    let refused = [
        house.write("cut.json", format!(r#"{{"data":[{{"kind":"bus","card":"{}"#, CANARIES[0])),
        house.write("headless.csv", format!("bus,{DAY_BEGINS_MS},t1,1,{},0\n", CANARIES[0])),
        house.write("unclosed.csv", format!("{HEADER}bus,{DAY_BEGINS_MS},t1,1,\"{},0\n", CANARIES[0])),
        house.write("giant.csv", format!("{HEADER}bus,{DAY_BEGINS_MS},t1,1,{},0\n", CANARIES[0].repeat(100_000))),
    ];
    for file in &refused {
        silent(house.ingest(DAY, std::slice::from_ref(file)), "ingest").refused();
    }
    let unquoted = house.write("unquoted.json", format!(r#"{{"data":[{{"card":{}x}},{{"kind":{}}}]}}"#, CANARIES[2], CANARIES[0]));
    let result = silent(house.clear(DAY, &[csv, columns, json, unquoted]), "clear").to_look_at();
    for outcome in ["cleared", "conflict", "held", "rejected"] {
        assert!(number(&result, outcome) > 0, "{outcome}: {result}");
    }
    for (name, more) in [("status", &[][..]), ("inspect", &[]), ("inspect", &["--held"]), ("verify", &[]), ("settle", &["--day", DAY])] {
        silent(house.run(name, more), name).done();
    }
    let height: u64 = house.head().split_once(':').and_then(|(height, _)| height.parse().ok()).expect("a height");
    for block in 1..=height {
        silent(house.run("inspect", ["--block", &block.to_string()]), "inspect --block").done();
    }
    let explained = parties(&house.day(DAY)).into_iter().flat_map(|party| ["detail.csv", "exceptions.csv"].map(|file| format!("{DAY}/{party}/{file}")));
    let lines = |file: &String| Sheet::read(&house.path("out").join(file)).rows().count();
    let explained: Vec<String> = explained.filter(|file| lines(file) > 0).map(|file| format!("{file}:1-{}", lines(&file))).collect();
    assert!(explained.len() > 3, "{explained:?}");
    silent(house.run("explain", &explained), "explain").done();
    silent(
        Ran::of(program(["explain", "--scheme"]).arg(&house.scheme).arg("--ledger").arg(house.ledger()).args(&explained).output().expect("it starts")),
        "explain",
    );
    let table = house.path("out/what-if.csv");
    silent(house.run("what-if", ["--tariff", &house.scheme.to_string_lossy(), "--csv", &table.to_string_lossy()]), "what-if").done();
    for typed in [CANARIES[0].to_owned(), format!("2026-03-02 08:00 bus {}", CANARIES[0]), format!("2026-03-02 08:00 bus card={}", CANARIES[0])] {
        silent(house.run("card", [&typed]), "card").refused();
        silent(house.run("explain", [&typed]), "explain").refused();
        silent(tapclear(["tariff", "try", "--scheme", &house.scheme.to_string_lossy(), &typed]), "tariff try").refused();
    }
    for (folder, least) in [("ledger", 5), ("out", 1000)] {
        let files = every_file(&house.path(folder));
        assert!(files.len() >= least, "{folder}: {}", files.len());
        for (name, bytes) in files {
            absent(name.as_bytes(), "a name");
            absent(&bytes, &format!("{folder}/{name}"));
        }
    }

    let symbols = SymbolTable::new();
    let scheme = Scheme::read(&house.scheme, &symbols).expect("a good scheme");
    let ledger = Ledger::open_read_only(&house.ledger(), &LedgerOptions::default()).expect("a ledger");
    for canary in CANARIES {
        let token = card_token(&DoorKeys { token_key: scheme.keys.token }, canary.as_bytes());
        let sealed = ledger.sealed(&token).expect("the vault is read").expect("the card is in the vault");
        assert_eq!(Vault::new(scheme.keys.vault).open(&token, &sealed).as_deref(), Some(canary.as_bytes()));
        assert_eq!(Vault::new(scheme.keys.token).open(&token, &sealed), None, "another key does not open it");
    }
}

/// Names of the files below a folder in which the bytes stand.
fn holders(folder: &std::path::Path, wanted: &[u8]) -> Vec<String> {
    let found = every_file(folder).into_iter().filter(|(_, bytes)| bytes.windows(wanted.len()).any(|window| window == wanted));
    found.map(|(name, _)| name).collect()
}

#[test]
fn a_forgotten_card_s_number_is_gone_and_its_money_stays() {
    let mut house = transit::house();
    house.map = Some(house.write("map.toml", MAP));
    let text = rows();
    let (early, late) = text.split_at(text.find("bus,1772395240000").expect("a row in the middle"));
    house.clear(DAY, &[house.write("cards.csv", early)]).done();
    let backups = house.path("backups");
    let back_up = || house.run("backup", ["--to".as_ref(), backups.as_os_str()]).done();
    back_up();
    let scheme = Scheme::read(&house.scheme, &SymbolTable::new()).expect("a good scheme");
    let token = |canary: &str| card_token(&DoorKeys { token_key: scheme.keys.token }, canary.as_bytes());
    let opened = |canary: &str| {
        let ledger = Ledger::open_read_only(&house.ledger(), &LedgerOptions::default()).expect("a ledger");
        let sealed = ledger.sealed(&token(canary)).expect("the vault is read");
        sealed.map(|sealed| Vault::new(scheme.keys.vault).open(&token(canary), &sealed).expect("sealed under this key"))
    };
    let ledger = Ledger::open_read_only(&house.ledger(), &LedgerOptions::default()).expect("a ledger");
    let [gone, other] = [CANARIES[0], CANARIES[2]].map(|canary| ledger.sealed(&token(canary)).expect("the vault is read").expect("it is there"));
    drop(ledger);
    // The card's key, sealed, and the number, sealed: each in pieces that no file holds by chance.
    let pieces: Vec<&[u8]> = gone[25..].chunks_exact(16).collect();
    for piece in &pieces {
        assert!(!holders(&house.ledger(), piece).is_empty(), "the search finds what is there");
    }
    let money = || house.run("inspect", [""; 0]).done()["accounts"].clone();
    let (before, published) = (money(), crate::published::canonical(&house.day(DAY)));

    let name = token(CANARIES[0]);
    let name = std::str::from_utf8(name.as_bytes()).expect("a token is a text");
    let forget = |name: &str| house.run("forget", ["--why", "asked on 2026-03-03", name]);
    assert_eq!(silent(forget(name), "forget").done(), serde_json::json!({ "forgotten": true, "repeated": false }));
    for piece in &pieces {
        assert_eq!(holders(&house.ledger(), piece), [""; 0], "a piece of the card's key or number is left");
    }
    assert_eq!(opened(CANARIES[0]), None);
    assert_eq!(opened(CANARIES[2]).as_deref(), Some(CANARIES[2].as_bytes()));
    assert!(!holders(&house.ledger(), &other[25..73]).is_empty());
    assert_eq!(money(), before);
    std::fs::remove_dir_all(house.day(DAY)).expect("it was published");
    house.run("settle", ["--day", DAY]).done();
    crate::published::assert_same(&published, &crate::published::canonical(&house.day(DAY)), "settled after forgetting");
    assert_eq!(silent(forget(name), "forget").done()["repeated"], true);

    // The card comes again: its records count, its number stays gone.
    house.clear("2026-03-03", &[house.write("late.csv", format!("{HEADER}{late}"))]).done();
    assert_eq!(opened(CANARIES[0]), None);
    house.verify();
    // A backup made now has nothing of it; the one before does, until it is dropped.
    back_up();
    let restored = |number: &str| {
        let into = house.path(&format!("restored-{number}"));
        let arguments = ["restore".as_ref(), "--json".as_ref(), "--from".as_ref(), backups.as_os_str(), "--ledger".as_ref(), into.as_os_str()];
        crate::house::tapclear(arguments.into_iter().chain(["--backup".as_ref(), number.as_ref()])).done();
        holders(&into, pieces[0]).len()
    };
    assert_eq!((restored("1") > 0, restored("2")), (true, 0));
    house.run("backup", ["--to".as_ref(), backups.as_os_str(), "--keep".as_ref(), "1".as_ref()]).done();
    assert_eq!(holders(&backups, pieces[0]), [""; 0]);
    // The vault is rebuilt as it is.
    let rebuilt = crate::rebuilding::rebuilt(&house, "new", &[]).done();
    assert_eq!(rebuilt["differ"], serde_json::json!([]));

    // A number is read from standard input alone, and never said again.
    assert!(silent(forget(CANARIES[3]), "forget").refused().contains("no number of this card"));
    assert!(silent(forget("6228480012345678907123456789"), "forget").refused().contains("no card token"));
    let mut by_number = house.command("forget", ["--why", "asked", "-", "--scheme"]);
    let mut by_number = by_number.arg(&house.scheme).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    by_number.stdin.take().expect("a pipe").write_all(format!("{}\n", CANARIES[2]).as_bytes()).expect("it reads");
    silent(Ran::of(by_number.wait_with_output().expect("it ends")), "forget -").done();
    assert_eq!(opened(CANARIES[2]), None);
    house.verify();
}

#[test]
fn the_search_would_find_a_number() {
    assert!(std::panic::catch_unwind(|| absent(b"..,6228480012345678907,..", "a test")).is_err());
    assert!(std::panic::catch_unwind(|| absent(b"..,6217001234567890128,..", "a test")).is_err());
    absent(b"..,6228480012345678908,..", "a test");
}
