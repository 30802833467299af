//! A tiny universe in which everything collides: few terminals, few cards, times close together, and every kind of fault.

use domain::time::DAY_MS;
use domain::{CardToken, Day, EventTime, IdKind, Record, RecordKind, SourceRef, Symbol, SymbolTable};
use engine::scheme::Scheme;
use std::path::Path;

/// The first clearing day of every generated history.
pub const FIRST_DAY: &str = "2026-03-02";

/// SplitMix64: a seed's numbers are the same on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).expect("small")]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = usize::try_from(self.below(at as u64 + 1)).expect("small");
            items.swap(at, other);
        }
    }
}

const PARTIES: &str = "id,kind,name_en,name_zh,run_by
hub-01,hub,Hub,清算中心,
bank-01,bank,Bank one,一行,
bank-02,bank,Bank two,二行,
network-01,network,Next province,外省,
operator-01,operator,Buses,公交,
operator-02,operator,Metro,地铁,
venue-001,venue,Museum,博物馆,operator-01
venue-002,venue,Park,公园,record
venue-003,venue,Library,图书馆,
merchant-01,merchant,Shop,商店,
fund-01,fund,Fund one,一基金,
fund-02,fund,Fund two,二基金,
sponsor-01,sponsor,Sponsor,赞助,
";
const LOCATIONS: &str = "kind,code,name_en,name_zh,party,operator,latitude,longitude
line,5,Line,五路,,,,
station,1,North,北,,operator-02,30.0,104.0
station,2,South,南,,operator-02,30.1,104
station,3,West,西,,operator-02,30.5,104.5
shop,1,Shop,店,merchant-01,,,
venue,1,Museum,馆,venue-001,,-33.9,-151.2
venue,2,Park,园,venue-002,,,
venue,3,Library,书,venue-003,,,
";
const TRAVEL: &str = "from,to,seconds\nvenue:3,station:1,900\nstation:1,venue:3,600\nvenue:2,station:2,1200\n";
const TERMINALS: &str = "id,epoch,operator,mode,location,from,to
9,0,operator-01,bus,,2026-01-01,2026-03-02
9,1,operator-01,bus,,2026-03-03,
10,0,operator-02,metro,,,
A,0,,,,,
";
const CARDS: &str = "token,account,issuer,class,medium,valid_from,valid_to
c1,a1,bank-01,adult,plastic,,
c2,a1,bank-01,student,phone,,
c3,,bank-02,half,plastic,2025-01-01,2026-03-03
c4,,bank-02,free,plastic,,
c5,,network-01,adult,plastic,,
";
const HOTLIST: &str = "token,version,effective\nc4,5,2026-03-02 12:00\n";
const FEES: &str = r#"[[fee]]
earner = "operator-02"
product = "transit"
issuer = "bank"
to = "2026-03-03"
rate = "0.7%"
minimum_minor = 3
maximum_minor = 40
basis = "earned"
per = "service-day"
rounding = "up"
refunded = true

[[fee]]
earner = "operator-01"
issuer = "bank-02"
rate = "1.5%"
per = "service-day"

[[fee]]
earner = "operator"
product = "transit"
to = "2026-03-02"
rate = "3%"
basis = "earned"

[[fee]]
earner = "operator"
rate = "2%"
minimum_minor = 2

[[fee]]
earner = "merchant"
rate = "0.5%"
flat_minor = 1
refunded = true
"#;
const KEYS: &str = r#"token = "0101010101010101010101010101010101010101010101010101010101010101"
pseudonym = "0202020202020202020202020202020202020202020202020202020202020202"
vault = "0303030303030303030303030303030303030303030303030303030303030303"
"#;
const TARIFF_OLD: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 199

[[base]]
name = "metro"
kinds = ["tap-on", "tap-off"]
price = "matrix"
matrix = { file = "fares.csv", from = "a", to = "b", fare_minor = "fare", location_kind = "station" }
no_tap_on_minor = 301
no_tap_off_minor = 97
unknown_pair_minor = 403
same_station_minor = 51
open_hours = 3
gaps = "unknown-pair"

[[base]]
name = "purchases"
kinds = ["payment"]
price = "stated"
funder = "sponsor-01"
audit_minor = 500

[[base]]
name = "passes"
kinds = ["pass"]
price = "stated"
funder = "sponsor-01"
audit_minor = 500

[[base]]
name = "journeys"
kinds = ["journey"]
modes = ["metro"]
price = "free"

[[base]]
name = "credits"
kinds = ["disbursement"]
operators = ["operator-01"]
price = "stated"
funder = "earner"

[[adjust]]
name = "change"
rule = "transfer"
kinds = ["boarding", "tap-off"]
window_minutes = 60
rides_max = 2
percent = "12.5"
funder = "fund-01"

[[adjust]]
name = "bought"
rule = "discount"
kinds = ["boarding", "tap-off"]
purse = { filled_by = [{ base = "passes", rides = 2 }] }
percent = "0"
funder = "fund-01"

[[adjust]]
name = "half"
rule = "class"
kinds = ["boarding", "tap-off", "payment"]
classes = ["half"]
percent = "50"
funder = "issuer"

[[adjust]]
name = "student"
rule = "class"
classes = ["student"]
percent = "33.33"
funder = "fund-02"

[[adjust]]
name = "free"
rule = "class"
kinds = ["boarding", "tap-off", "pass"]
classes = ["free"]
percent = "0"
funder = "fund-01"

[[adjust]]
name = "cap"
rule = "day-cap"
kinds = ["boarding", "tap-off"]
amount_minor = 500
funder = "earner"

[[adjust]]
name = "loyal"
rule = "class"
kinds = ["tap-off"]
classes = ["adult"]
percent = "87.5"
funder = "fund-01"

[[adjust]]
name = "gift"
rule = "incentive"
kinds = ["boarding", "tap-on", "payment"]
not_classes = ["student", "half"]
percent = "40"
ride_max_minor = 90
limits = [{ per = "day", rides = 3 }]
budget_minor = 700
funder = "sponsor-01"
"#;
const TARIFF_NEW: &str = r#"in_force_from = "2026-03-03"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 251

[[base]]
name = "metro"
kinds = ["tap-on", "tap-off"]
price = "matrix"
matrix = { file = "fares-new.csv", from = "a", to = "b", fare_minor = "fare", location_kind = "station" }
no_tap_on_minor = 0
no_tap_off_minor = 103
unknown_pair_minor = 405
open_hours = 30
gaps = "unknown-pair"

[[base]]
name = "purchases"
kinds = ["pass", "payment"]
price = "stated"
funder = "earner"

[[adjust]]
name = "half"
rule = "class"
kinds = ["boarding", "tap-off"]
classes = ["half", "student"]
percent = "50"
funder = "fund-02"

[[adjust]]
name = "student"
rule = "class"
classes = ["student", "adult"]
percent = "66.67"
funder = "sponsor-01"

[[adjust]]
name = "bus-change"
rule = "transfer"
kinds = ["boarding"]
window_minutes = 30
rides_max = 1
percent = "0"
funder = "earner"

[[adjust]]
name = "change"
rule = "transfer"
window_minutes = 90
rides_max = 3
percent = "50"
funder = "fund-02"

[[adjust]]
name = "cap"
rule = "day-cap"
amount_minor = 450
funder = "fund-02"

[[adjust]]
name = "gift"
rule = "incentive"
kinds = ["boarding", "tap-off"]
percent = "40"
limits = [{ per = "day", rides = 3 }]
budget_minor = 1100
funder = "sponsor-01"

[[adjust]]
name = "bonus"
rule = "incentive"
kinds = ["tap-on", "tap-off", "payment"]
off_minor = 21
budget_minor = 150
funder = "earner"
"#;
const FARES: &str = "a,b,fare\n1,2,205\n2,1,333\n2,2,7\n";
const FARES_NEW: &str = "a,b,fare\n1,2,211\n2,1,333\n1,1,9\n2,3,77\n";

/// Reads the universe's scheme, with one of the conflict policies and a closed or an open registry.
pub fn scheme(dir: &Path, first_wins: bool, open: bool, symbols: &SymbolTable) -> Scheme {
    let policy = if first_wins { "first-wins" } else { "hold-all" };
    let settings = format!(
        r#"name_en = "Tiny"
name_zh = "小"
time_zone = "Asia/Shanghai"
currency = "CNY"
minor_digits = 2
cut_off = "04:00"
conflict = "{policy}"
hub = "hub-01"

[limits]
earliest = "2020-01-01"
acceptance_days = 2
future_skew_minutes = 10
hold_days = 1
amount_max_minor = 1000
amount_max_by_kind_minor = {{ payment = 5000 }}
amount_max_by_product_minor = {{ medical = 9000 }}

[open]
terminals = {open}
cards = {open}
issuers = {open}
operators = {open}
locations = {open}
classes = {open}

[products]
payment = "retail"
venue = {{ pass = "admission" }}

[hotlist]
grace_minutes = 60

[oddities]
clock_seconds = 60

[oddities.same_gate]
within_seconds = 600

[oddities.travel]
speed_max_kmh = 100
distance_min_m = 5000

[oddities.missing_tap_offs]
days = 2
rides = 2
gain_min_minor = 100
next_within_hours = 20

[oddities.counters]
days = 1
"#
    );
    std::fs::create_dir_all(dir.join("tariff")).expect("a folder");
    let files = [
        ("scheme.toml", settings.as_str()),
        ("parties.csv", PARTIES),
        ("locations.csv", LOCATIONS),
        ("travel.csv", TRAVEL),
        ("terminals.csv", TERMINALS),
        ("cards.csv", CARDS),
        ("hotlist.csv", HOTLIST),
        ("fees.toml", FEES),
        ("keys.toml", KEYS),
        ("tariff/old.toml", TARIFF_OLD),
        ("tariff/new.toml", TARIFF_NEW),
        ("tariff/fares.csv", FARES),
        ("tariff/fares-new.csv", FARES_NEW),
    ];
    for (file, text) in files {
        std::fs::write(dir.join(file), text).expect("a file");
    }
    Scheme::read(dir, symbols).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

/// What happens, day after day: per clearing day its files, each a list of records in the order in which they are sent.
pub fn history(scheme: &Scheme, symbols: &SymbolTable, seed: u64) -> Vec<(Day, Vec<Vec<Record>>)> {
    let mut dice = Dice::new(seed);
    let first: Day = FIRST_DAY.parse().expect("a date");
    let days = 1 + i32::try_from(dice.below(4)).expect("small");
    let size = if dice.percent(10) { 300 } else { 10 + dice.below(60) };
    let clean = dice.percent(30);
    let (mut counts, mut collected) = (Dice::new(seed ^ 0xc0_0117), Dice::new(seed ^ 0xc0_11ec));
    let mut sent: Vec<Record> = Vec::new();
    let mut history = Vec::new();
    for day in (0..days).map(|ahead| Day(first.0 + ahead)) {
        let mut files = vec![Vec::new(); 1 + usize::try_from(dice.below(3)).expect("small")];
        for _ in 0..dice.below(size) + 1 {
            let arrival = sent.len() as u64 + 1;
            let fresh = sent.is_empty() || dice.percent(85);
            let mut record = if fresh { event(scheme, symbols, day, clean, &sent, &mut dice) } else { again(&sent, symbols, &mut dice) };
            if fresh && record.card_counter.is_none() && counts.percent(20) {
                // Cards count up, most of the time.
                let hours = (record.time.0 - scheme.clock.day_start(first).0 + 8 * DAY_MS).div_euclid(3_600_000);
                record.card_counter = u32::try_from(hours.clamp(0, 1_000) * 3 + i64::try_from(counts.below(12)).expect("small")).ok();
            }
            if fresh && record.kind == RecordKind::Refund && collected.percent(25) {
                // Paid after all, by whoever's card.
                record.kind = RecordKind::Collection;
                record.card = CardToken::new(collected.pick(&["c1", "c3", "c5"]).as_bytes()).expect("short");
            }
            record.arrival = arrival;
            record.source_ref = SourceRef::new(arrival.to_string().as_bytes()).expect("short");
            sent.push(record);
            let file = usize::try_from(dice.below(files.len() as u64)).expect("small");
            files[file].push(record);
        }
        for file in &mut files {
            dice.shuffle(file);
        }
        history.push((day, files));
    }
    history
}

/// A copy of a record that was sent before, or another version of it.
fn again(sent: &[Record], symbols: &SymbolTable, dice: &mut Dice) -> Record {
    let recent = sent.len().saturating_sub(if dice.percent(50) { 20 } else { sent.len() });
    let mut record = dice.pick(&sent[recent..]);
    match dice.below(10) {
        0 => record.amount_minor += 1,
        1 => record.time.0 += 60_000,
        2 => record.class = symbols.intern("adult"),
        3 => record.card = CardToken::new(b"c3").expect("short"),
        _ => {}
    }
    record
}

fn event(scheme: &Scheme, symbols: &SymbolTable, day: Day, clean: bool, sent: &[Record], dice: &mut Dice) -> Record {
    use RecordKind::{Boarding, Disbursement, Journey, Pass, Payment, Refund, Reversal, TapOff, TapOn};
    let kinds =
        [TapOn, TapOn, TapOn, TapOff, TapOff, TapOff, Boarding, Boarding, Boarding, Payment, Payment, Pass, Refund, Refund, Reversal, Journey, Disbursement];
    let fault = |dice: &mut Dice, percent: u64| !clean && dice.percent(percent);
    let mut record = Record::blank(dice.pick(&kinds));
    let gate = matches!(record.kind, TapOn | TapOff | Journey);
    let terminal = match record.kind {
        TapOn | TapOff | Journey => "10",
        Boarding => "9",
        _ => dice.pick(&["9", "10", "A", "A"]),
    };
    record.terminal = symbols.intern(terminal);
    // Five-minute steps over some hours of the day, or around its end; now and then a day or two late, or absurd.
    let start = scheme.clock.day_start(day).0;
    let minutes = if dice.percent(80) { 240 + dice.below(60) * 5 } else { 1400 + dice.below(12) * 5 };
    record.time = EventTime(start + i64::try_from(minutes).expect("small") * 60_000);
    if dice.percent(15) {
        record.time.0 -= DAY_MS * (1 + i64::try_from(dice.below(if clean { 2 } else { 4 })).expect("small"));
    }
    if fault(dice, 1) {
        record.time = EventTime(dice.pick(&[0, 4_102_444_800_000, start + 25 * 3_600_000]));
    }
    record.epoch = u32::from(terminal == "9" && record.time.0 >= scheme.clock.day_start(Day(FIRST_DAY.parse::<Day>().expect("a date").0 + 1)).0);
    record.sequence = dice.below(if clean { 100_000 } else { 600 });
    if matches!(record.kind, Payment) && dice.percent(30) {
        record.id_kind = IdKind::Columns;
        record.id_bits = [dice.below(3), record.sequence];
        record.sequence = 0;
    }
    let card = dice.pick(&["c1", "c1", "c2", "c3", "c4", "c5"]);
    record.card = CardToken::new(card.as_bytes()).expect("short");
    record.location = match record.kind {
        Boarding => symbols.intern("line:5"),
        _ if gate => symbols.intern(dice.pick(&["station:1", "station:2", "station:2", "station:3"])),
        Pass => symbols.intern(dice.pick(&["venue:1", "venue:2", "venue:3"])),
        _ => symbols.intern(dice.pick(&["shop:1", "venue:3", "station:1"])),
    };
    if dice.percent(50) || terminal == "A" {
        record.operator = symbols.intern(if terminal == "10" { "operator-02" } else { "operator-01" });
    }
    if gate && dice.percent(50) {
        record.mode = symbols.intern("metro");
    }
    record.amount_minor = match record.kind {
        TapOn | TapOff | Boarding => 0,
        _ => 1 + i64::try_from(dice.below(600)).expect("small"),
    };
    if record.kind == Pass && dice.percent(40) {
        record.amount_minor = 0;
    }
    if matches!(record.kind, Payment | Pass) && dice.percent(30) {
        record.charged_minor = Some(record.amount_minor * dice.pick(&[0, 1, 1, 1, 2]) / 2 + record.amount_minor / 3);
    }
    if matches!(record.kind, Refund | Reversal) {
        let rides: Vec<&Record> = sent.iter().filter(|record| !matches!(record.kind, Refund | Reversal)).collect();
        record.original = (!rides.is_empty() && dice.percent(95)).then(|| dice.pick(&rides).id());
        if let Some(original) = rides.iter().find(|ride| Some(ride.id()) == record.original) {
            record.card = original.card;
            record.amount_minor = dice.pick(&[1, 40, 51, 97, 100, original.amount_minor.max(1), original.amount_minor / 2 + 1]);
        }
    }
    if dice.percent(20) {
        balances(&mut record, dice);
    }
    if !clean {
        spoil(&mut record, symbols, dice);
    }
    record
}

fn balances(record: &mut Record, dice: &mut Dice) {
    let before = i64::try_from(dice.below(4)).expect("small") * 100 + 1000;
    let amount = record.charged_minor.unwrap_or(record.amount_minor);
    let credit = matches!(record.kind, RecordKind::Refund | RecordKind::Reversal | RecordKind::Disbursement);
    record.balance_before_minor = Some(before);
    record.balance_after_minor = Some(if credit { before + amount } else { before - amount });
    record.grey = dice.percent(40);
}

fn spoil(record: &mut Record, symbols: &SymbolTable, dice: &mut Dice) {
    let name = |dice: &mut Dice, names: &[&str]| symbols.intern(dice.pick(names));
    match dice.below(60) {
        0 => record.terminal = symbols.intern("X"),
        1 => record.epoch += 1,
        2 => record.operator = name(dice, &["operator-01", "operator-02", "operator-09"]),
        3 => record.mode = name(dice, &["bus", "metro", "tram"]),
        4 => record.location = name(dice, &["station:9", "venue:9", "venue:002"]),
        5 => record.location = Symbol::NONE,
        6 => record.issuer = name(dice, &["bank-01", "bank-02", "fund-01", "bank-77"]),
        7 => record.card = CardToken::new(b"c9").expect("short"),
        8 => record.card = CardToken::EMPTY,
        9 => record.class = name(dice, &["adult", "student", "half"]),
        10 | 11 => record.hotlist_version = Some(3 + u32::try_from(dice.below(4)).expect("small")),
        12 => record.amount_minor = dice.pick(&[-5, 0, 1001, 5001, 9001]),
        13 => record.charged_minor = Some(dice.pick(&[-1, 0, 1001, 60])),
        14 => record.product = name(dice, &["medical", "retail"]),
        15 => record.balance_after_minor = Some(7),
        16..=22 => record.card_counter = Some(u32::try_from(dice.below(3)).expect("small")),
        23 => record.grey = true,
        24 => {
            record.card = CardToken::new(b"c8").expect("short");
            record.issuer = symbols.intern("bank-01");
        }
        25 => {
            record.card = CardToken::EMPTY;
            record.issuer = symbols.intern("bank-02");
        }
        26 => record.original = record.original.map(|_| domain::RecordId::Columns([77, 77])),
        _ => {}
    }
}
