//! Random tariffs, written as the files that a person would write, and random histories of one card in which times and amounts
//! lie on the edges of windows, periods and caps more often than not.

use domain::time::DAY_MS;
use domain::{Day, EventTime, RecordKind, SymbolTable};
use engine::price::Tap;
use engine::scheme::clock::LocalClock;

use crate::naive::Event;

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

    pub fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[usize::try_from(self.below(from.len() as u64)).expect("small")]
    }

    fn number(&mut self, from: &[i64]) -> i64 {
        from[usize::try_from(self.below(from.len() as u64)).expect("small")]
    }
}

const HEAD: &str = r#"
[groups]
rails = ["metro", "tram"]

[[period]]
name = "peak"
days = ["workday"]
times = ["07:30 to 09:00", "17:30 before 19:00"]

[[period]]
name = "early"
times = ["before 07:00"]

[[period]]
name = "night"
except = ["holiday"]
times = ["22:00 to 05:00"]

[[period]]
name = "weekend"
days = ["sat", "sun"]
dates = ["2026-02-27 to 2026-03-08"]
not_dates = ["2026-03-01"]

[[period]]
name = "late-weekend"
day = "service"
days = ["sat", "sun", "holiday"]
except = ["workday"]
dates = ["2026-02-28 to 2026-03-09"]
times = ["from 22:00", "before 04:30"]

[[line]]
name = "5"
routes = ["5-out", "5-back"]
"#;

/// What is bought in advance, at the terminal's price, at the tariff's and for nothing; the last one goes back.
const PASSES: &str = r#"
[[base]]
name = "two-rides"
kinds = ["pass"]
products = ["two-rides"]
price = "stated"
funder = "earner"

[[base]]
name = "three-rides"
kinds = ["pass"]
products = ["three-rides"]
price = "flat"
amount_minor = 500

[[base]]
name = "rides-back"
kinds = ["pass"]
price = "free"
"#;

/// The files of a tariff: one version or two, and their tables.
pub fn tariff_files(dice: &mut Dice) -> Vec<(String, String)> {
    let adjusts = adjusts(dice);
    let mut files = vec![("a.toml".to_owned(), version(dice, "2020-01-01", &adjusts))];
    if dice.percent(40) {
        // The same adjustments over other base prices, in the middle of the histories.
        files.push(("b.toml".to_owned(), version(dice, "2026-03-03", &adjusts)));
    }
    for (name, text) in [
        ("fares.csv", "from,to,fare,ticket\nA,B,205,short\nB,A,333,\nB,C,410,long\nC,B,400,long\nA,C,500,long\nC,A,505,long\nB,B,7,short\n"),
        ("area-fares.csv", "from,to,fare,ticket\ninner,inner,205,short\ninner,*,410,long\n*,inner,333,\n*,*,507,long\n"),
        ("areas.csv", "stop,area\nA,inner\nB,inner\nC,outer\n"),
        ("edges.csv", "from,to,metres\nA,B,3999\nB,C,4001\nC,D,8000\n"),
        ("zones.csv", "station,zone\nA,1\nB,1/2\nC,3\nD,5\n"),
        ("zone-fares.csv", "from,to,fare\n1,1,240\n1,2,280\n2,2,170\n1,3,330\n2,3,190\n3,3,170\n1,5,470\n2,5,280\n3,5,210\n5,5,170\n"),
    ] {
        files.push((name.to_owned(), text.to_owned()));
    }
    files
}

fn version(dice: &mut Dice, from: &str, adjusts: &str) -> String {
    let mut text = format!("in_force_from = \"{from}\"\n");
    if dice.percent(30) {
        text += "in_force_by = \"service-day\"\n";
    }
    if dice.percent(15) {
        text += &format!("round_to_minor = {}\nrounding = \"{}\"\n", dice.pick(&["5", "10"]), dice.pick(&["half-up", "down", "up"]));
    }
    text += HEAD;
    if dice.percent(30) {
        text += &format!(
            "\n[[base]]\nname = \"bus-special\"\nkinds = [\"boarding\"]\nmodes = [\"bus\"]\nprice = \"flat\"\namount_minor = 151\n{}",
            conditions(dice, false)
        );
    }
    let amount = dice.number(&[199, 200, 251]);
    text += &format!("\n[[base]]\nname = \"bus\"\nkinds = [\"boarding\"]\nprice = \"flat\"\namount_minor = {amount}\n");
    if dice.percent(50) {
        text += "ticket = \"short\"\n";
    }
    text += "\n[[base]]\nname = \"shop\"\nkinds = [\"payment\"]\nprice = \"stated\"\nfunder = \"earner\"\naudit_by = \"bus\"\n";
    text += PASSES;
    let way = dice.below(4);
    let stations = match way {
        0 => "price = \"matrix\"\nmatrix = { file = \"fares.csv\", from = \"from\", to = \"to\", fare_minor = \"fare\", ticket = \"ticket\", location_kind = \"station\" }\n\
             places = { file = \"zones.csv\", place = \"station\", zone = \"zone\", location_kind = \"station\" }\n"
            .to_owned(),
        3 => "price = \"matrix\"\nmatrix = { file = \"area-fares.csv\", from = \"from\", to = \"to\", fare_minor = \"fare\", ticket = \"ticket\" }\n\
             areas = { file = \"areas.csv\", place = \"stop\", area = \"area\", location_kind = \"station\" }\n"
            .to_owned(),
        1 => "price = \"zones\"\nplaces = { file = \"zones.csv\", place = \"station\", zone = \"zone\", location_kind = \"station\" }\n\
             zone_fares = { file = \"zone-fares.csv\", from = \"from\", to = \"to\", fare_minor = \"fare\" }\n"
            .to_owned(),
        _ => "price = \"distance\"\nnetwork = { file = \"edges.csv\", from = \"from\", to = \"to\", metres = \"metres\", location_kind = \"station\" }\n\
             steps = [{ to = 4000, minor = 200 }, { to = 12000, each = 4000, add_minor = 100 }, { each = 20000, add_minor = 110 }]\n"
            .to_owned(),
    };
    if dice.percent(40) {
        // Dearer or cheaper, by the whole length: between the legs of a run, either may make the fare.
        text += "\n[[base]]\nname = \"metro-other\"\nkinds = [\"tap-on\", \"tap-off\", \"journey\"]\n";
        text += &conditions(dice, false);
        text += "price = \"distance\"\nnetwork = { file = \"edges.csv\", from = \"from\", to = \"to\", metres = \"metres\", location_kind = \"station\" }\n\
                 no_tap_on_minor = 302\nno_tap_off_minor = 98\nunknown_pair_minor = 404\n";
        text += dice.pick(&[
            "steps = [{ to = 8000, minor = 151 }, { each = 4000, add_minor = 60 }]\n",
            "steps = [{ to = 8000, minor = 260 }, { each = 4000, add_minor = 130 }]\n",
        ]);
        if dice.percent(50) {
            text += "alone_minor = 170\n";
        }
    }
    text += &format!("\n[[base]]\nname = \"metro\"\nkinds = [\"tap-on\", \"tap-off\", \"journey\"]\n{stations}");
    text += &format!("no_tap_on_minor = {}\nno_tap_off_minor = {}\nunknown_pair_minor = 403\n", dice.number(&[0, 301, 900]), dice.number(&[0, 97, 900]));
    text += &format!("open_hours = {}\n", dice.pick(&["3", "24"]));
    for key in [
        "same_station_minor = 51\n",
        "same_station_minor = 0\nsame_station_minutes = 10\n",
        "overstay_minutes = 240\noverstay_minor = 1200\n",
        "overstay_minutes = 120\noverstay_minor = 700\noverstay_instead = true\n",
        "journey_max_minutes = 300\n",
        "completion = { days = 2, rides_min = 2 }\n",
        "incomplete = \"fixed\"\n",
        "incomplete = \"capped\"\n",
    ] {
        let first = key.split(' ').next().expect("a key");
        if dice.percent(20) && !text.contains(first) {
            text += key;
        }
    }
    let joins: Vec<&str> = adjusts.lines().filter_map(|line| line.strip_prefix("name = \"transfer-")?.strip_suffix('"')).collect();
    let share = match (dice.below(4), joins.first()) {
        (0, Some(number)) => format!("\n[[share]]\nname = \"pooled\"\nby = \"{}\"\ntransfer = \"transfer-{number}\"\n", dice.pick(&["list-price", "distance"])),
        (1, _) => "\n[[share]]\nname = \"joint\"\nmodes = [\"metro\"]\nby = \"fixed\"\n\
             weights = [{ party = \"operator-01\", weight = 1 }, { party = \"operator-02\", weight = 2 }, { party = \"operator-03\", weight = 4 }]\n"
            .to_owned(),
        _ => String::new(),
    };
    text + adjusts + &share
}

fn adjusts(dice: &mut Dice) -> String {
    let count = 1 + dice.below(7);
    let mut names: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut percentages = 0;
    for number in 0..count {
        let word = dice.pick(&["discount", "discount", "discount", "transfer", "transfer", "cap", "cap", "tier", "incentive", "surcharge"]);
        let name = format!("{word}-{number}");
        text += &format!("\n[[adjust]]\nname = \"{name}\"\nrule = \"{word}\"\n");
        let funders = match dice.below(10) {
            0 => "funders = [{ party = \"fund-01\", weight = 2 }, { party = \"earner\", weight = 1 }]\n".to_owned(),
            _ => format!("funder = \"{}\"\n", dice.pick(&["earner", "earner", "issuer", "fund-01"])),
        };
        text += if word == "surcharge" { "" } else { &funders };
        let kinds = dice.below(4);
        match kinds {
            0 => {}
            1 => text += "kinds = [\"boarding\", \"tap-off\"]\n",
            2 => text += "kinds = [\"boarding\"]\n",
            _ => text += "kinds = [\"boarding\", \"tap-off\", \"journey\", \"payment\"]\n",
        }
        if dice.percent(15) {
            text += &format!("modes = [\"{}\"]\n", dice.pick(&["bus", "rails"]));
        }
        text += &conditions(dice, true);
        if !names.is_empty() && dice.percent(25) {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            text += &format!("{} = [\"{}\"]\n", dice.pick(&["unless", "only_after"]), dice.pick(&known));
        }
        text += &match word {
            "discount" => discount(dice, &mut percentages, kinds != 0, &names),
            "surcharge" => format!("amount_minor = {}\n", dice.number(&[1, 50, 300])),
            "transfer" => transfer(dice, &mut percentages),
            "cap" => {
                let what = match dice.below(5) {
                    0 => "rides = 2\n".to_owned(),
                    1 => "amounts = [{ zones = \"1-2\", amount_minor = 600 }, { zones = \"1-3\", amount_minor = 700 }]\n".to_owned(),
                    2 => format!("amount_minor = {}\nrides = 5\n", dice.number(&[700, 801])),
                    _ => format!("amount_minor = {}\n", dice.number(&[505, 801, 1000, 2000])),
                };
                span(dice) + &what
            }
            "tier" => {
                // What is paid is laid against steps only where no rule lowers it any more.
                let readings = [("before", "paid"), ("before", "list"), ("marginal", "list"), ("marginal", if number + 1 == count { "paid" } else { "list" })];
                let (reading, counts) = readings[usize::try_from(dice.below(4)).expect("small")];
                let reading = format!("reading = \"{reading}\"\ncounts = \"{counts}\"\n");
                let steps = "steps = [{ from_minor = 0, percent = \"90\" }, { from_minor = 500, percent = \"70\" }, { from_minor = 1000, percent = \"50\" }]\n";
                percentages += 1;
                span(dice) + &reading + steps
            }
            _ => {
                let mut text = effect(dice, false, &mut percentages);
                if dice.percent(50) {
                    text += "ride_max_minor = 60\n";
                }
                if dice.percent(30) && !funders.contains("weight") {
                    text += "budget_minor = 5000\n";
                }
                if dice.percent(60) {
                    text += "limits = [{ per = \"day\", rides = 2 }, { per = \"month\", amount_minor = 250 }]\n";
                }
                text
            }
        };
        names.push(name);
    }
    text
}

/// Percentages that multiply must stay few: round ones beyond the first.
fn effect(dice: &mut Dice, transfer: bool, percentages: &mut u32) -> String {
    match dice.below(if transfer { 13 } else { 4 }) {
        0 | 1 => {
            *percentages += 1;
            let percent = if *percentages > 1 { dice.pick(&["0", "50", "80", "2/3"]) } else { dice.pick(&["0", "50", "90", "87.5", "33.33", "1/3", "5/7"]) };
            format!("percent = \"{percent}\"\n")
        }
        2 => format!("price_minor = {}\n", dice.number(&[0, 75, 150])),
        3 => format!("off_minor = {}\n", dice.number(&[33, 100])),
        4 | 5 => "through = true\n".to_owned(),
        7 => format!("prices_minor = [{}]\n", dice.pick(&["150", "100", "0"])),
        6 => format!("total_minor = {}\n", dice.number(&[300, 451])),
        _ => {
            let off = dice.pick(&["first-list", "first-paid", "last-list", "last-paid", "dearest-list", "all-paid"]);
            let most = if dice.percent(40) { "off_minor = 180\n" } else { "" };
            format!("off = \"{off}\"\n{most}")
        }
    }
}

fn discount(dice: &mut Dice, percentages: &mut u32, has_kinds: bool, names: &[String]) -> String {
    let mut text = effect(dice, false, percentages);
    if dice.percent(30) {
        text += &format!("stack = \"{}\"\n", dice.pick(&["cheapest", "cheapest", "replaces"]));
    }
    if dice.percent(10) {
        text += "round_to_minor = 10\n";
    }
    if dice.percent(20) && !text.contains("price_minor") {
        text += &format!("minimum_minor = {}\n", dice.number(&[60, 101, 199, 220]));
    }
    if dice.percent(25) {
        let which = dice.pick(&["rides = [2, 4]", "from = 3", "to = 2"]);
        let per = match names.iter().rfind(|name| name.starts_with("transfer")) {
            Some(transfer) if dice.percent(60) => format!("per = \"journey\", transfer = \"{transfer}\""),
            _ => inline_span(dice),
        };
        text += &format!("nth = {{ {per}, {which} }}\n");
    }
    if dice.percent(25) {
        let per = inline_span(dice);
        text += &format!("quota = {{ {per}, rides = 2 }}\n");
    } else if has_kinds && dice.percent(35) {
        let second = dice.pick(&["", ", { base = \"three-rides\", rides = 3 }"]);
        let emptied = dice.pick(&["", ", emptied_by = [\"rides-back\"]"]);
        text += &format!("purse = {{ filled_by = [{{ base = \"two-rides\", rides = 2 }}{second}]{emptied} }}\n");
    }
    text
}

fn transfer(dice: &mut Dice, percentages: &mut u32) -> String {
    let mut text = effect(dice, true, percentages);
    if text.contains("through") {
        text += &format!("through_by = \"{}\"\n", dice.pick(&["own", "first", "dearest", "dearest"]));
    }
    let rides_max = dice.pick(&["1", "2", "9"]);
    if rides_max != "1" && text.contains("prices_minor") {
        text = format!("prices_minor = {}\n", dice.pick(&["[150]", "[150, 90]", "[75, 120]"]));
    }
    text += &format!("window_minutes = {}\nrides_max = {rides_max}\n", dice.pick(&["30", "60", "120"]));
    if dice.percent(20) {
        text += if rides_max == "1" { "transfers = \"1-2\"\n" } else { dice.pick(&["transfers = \"1\"\n", "transfers = \"2+\"\n"]) };
    }
    let from = dice.pick(&["last-exit", "last-entry", "first-entry", "first-exit"]);
    text += &format!("window_from = \"{from}\"\n");
    if dice.percent(25) && from != "first-exit" {
        text += "run_minutes = 90\n";
    }
    for key in [
        "window_rounded_to_minutes = 60\n",
        "window_until = \"17:30 to 05:00\"\n",
        "window_until = \"07:00 before 09:00\"\n",
        "until = \"exit\"\n",
        "pairs = [\"bus > rails\", \"rails > bus\", \"bus > bus\"]\n",
        "ticket_pairs = [\"short > long\", \"short > short\"]\n",
        "operator_pairs = [\"operator-01 > operator-02\", \"operator-01 > operator-01\"]\n",
        "place_pairs = [\"station:A > station:B\", \"station:B > station:A\", \"station:C > station:A\", \"station:A > station:A\"]\n",
        "line_pairs = [\"5 > 9\", \"9 > 5-out\", \"5 > 5\"]\n",
        "other_vehicle = true\n",
        "other_line = true\n",
        "same_line_after_minutes = 15\n",
        "not_back = true\n",
        "other_operator = true\n",
        "same_operator = true\n",
        "opened_by = \"paid\"\n",
    ] {
        let clash = key.contains("_operator") && text.contains("_operator = ") || key.contains("window_until") && text.contains("window_until");
        if dice.percent(15) && !clash {
            text += key;
        }
    }
    text
}

fn span(dice: &mut Dice) -> String {
    inline_span(dice).replace(", ", "\n") + "\n"
}

fn inline_span(dice: &mut Dice) -> String {
    dice.pick(&[
        "per = \"day\"",
        "per = \"day\"",
        "per = \"week\"",
        "per = \"month\"",
        "per = \"year\"",
        "per = \"ever\"",
        "per = \"days\", days = 3",
        "per = \"hours\", hours = 2",
    ])
    .to_owned()
}

fn conditions(dice: &mut Dice, after_base: bool) -> String {
    let mut text = String::new();
    for condition in [
        "classes = [\"student\", \"senior\"]\n",
        "not_classes = [\"student\"]\n",
        "media = [\"qr\"]\n",
        "ages = \"60-69\"\n",
        "ages = \"70+\"\n",
        "routes = [\"5-out\"]\n",
        "when = [\"peak\"]\n",
        "not_when = [\"peak\", \"night\"]\n",
        "when = [\"early\", \"weekend\"]\n",
        "when = [\"late-weekend\"]\n",
        "exit_when = [\"peak\", \"weekend\"]\n",
        "issuers = [\"bank-01\"]\n",
    ] {
        if dice.percent(6) && !text.contains(condition.split(' ').next().expect("a key")) {
            text += condition;
        }
    }
    if after_base {
        for condition in [
            "tickets = [\"long\"]\n",
            "zones = \"1-2\"\n",
            "touches_zones = \"3\"\n",
            "complete = true\n",
            "list_from_minor = 201\n",
            "from_places = [\"station:A\"]\n",
        ] {
            if dice.percent(4) {
                text += condition;
            }
        }
    }
    if text.contains("when") && dice.percent(40) {
        text += &format!("decided_by = \"{}\"\n", dice.pick(&["exit", "both", "either"]));
    }
    if text.is_empty() && !after_base {
        text += "classes = [\"student\"]\n";
    }
    text
}

/// What one card does over some days, in event order, but for a few that come late.
pub fn history(dice: &mut Dice, clock: &LocalClock, symbols: &SymbolTable) -> Vec<Event> {
    let days = 1 + i32::try_from(dice.below(6)).expect("small");
    let first: Day = "2026-02-27".parse().expect("a date");
    let births = [None, Some("1955-03-02"), Some("1966-03-01"), Some("1990-07-07")];
    let birth = births[usize::try_from(dice.below(4)).expect("small")].map(|text| text.parse::<Day>().expect("a date"));
    let class = symbols.intern(dice.pick(&["", "", "student", "senior"]));
    let mut events = Vec::new();
    for day in (0..days).map(|ahead| Day(first.0 + ahead)) {
        let mut taps: Vec<Tap> = Vec::new();
        let mut minute = i64::try_from(dice.below(12 * 60)).expect("small");
        for _ in 0..1 + dice.below(9) {
            minute += dice.number(&[1, 10, 15, 15, 29, 30, 31, 60, 60, 61, 90, 119, 120, 121, 240]);
            let mut time = clock.day_start(day).0 + minute * 60_000 + dice.number(&[0, 0, 0, 0, -1, 1, 1000]);
            if dice.percent(15) {
                // On the edge of a period.
                let edge = dice.number(&[7 * 60, 7 * 60 + 30, 9 * 60, 17 * 60 + 30, 19 * 60, 22 * 60, 24 * 60, 28 * 60, 29 * 60]);
                time = clock.day_start(day).0 - clock.cutoff_ms() + edge * 60_000 + dice.number(&[0, 0, -1, 1]);
            }
            if dice.percent(4) {
                time -= DAY_MS;
            }
            taps.push(tap(dice, clock, symbols, EventTime(time), class, birth));
        }
        if dice.percent(90) {
            taps.sort_by_key(|tap| tap.time);
        }
        events.extend(taps.into_iter().map(Event::Tap));
        if dice.percent(80) {
            events.push(if dice.percent(5) { Event::Never } else { Event::DayEnd(clock.day_end(day)) });
        }
    }
    events
}

fn tap(dice: &mut Dice, clock: &LocalClock, symbols: &SymbolTable, time: EventTime, class: domain::Symbol, birth: Option<Day>) -> Tap {
    use RecordKind::{Boarding, Journey, Pass, Payment, TapOff, TapOn};
    let kinds = [Boarding, Boarding, Boarding, TapOn, TapOn, TapOn, TapOff, TapOff, TapOff, Journey, Payment, Pass];
    let kind = kinds[usize::try_from(dice.below(kinds.len() as u64)).expect("small")];
    let name = |dice: &mut Dice, names: &[&str]| symbols.intern(dice.pick(names));
    let operator = name(dice, &["operator-01", "operator-01", "operator-02"]);
    let (mode, location) = match kind {
        Boarding => (name(dice, &["bus", "bus", "tram"]), domain::Symbol::NONE),
        Payment | Pass => (domain::Symbol::NONE, domain::Symbol::NONE),
        _ => (symbols.intern("metro"), name(dice, &["station:A", "station:A", "station:B", "station:B", "station:C", "station:D", "station:X"])),
    };
    let amount_minor = if matches!(kind, Payment | Pass) { dice.number(&[0, 100, 200, 250]) } else { 0 };
    let charged_minor = (kind == Payment && dice.percent(30)).then(|| dice.number(&[amount_minor / 2, amount_minor, amount_minor + 1]));
    Tap {
        mode,
        operator,
        earner: operator,
        issuer: name(dice, &["bank-01", "bank-02"]),
        class,
        medium: name(dice, &["card", "qr"]),
        product: if kind == Pass { name(dice, &["two-rides", "three-rides", "two-rides", "back"]) } else { domain::Symbol::NONE },
        location,
        from: if kind == Journey { name(dice, &["station:A", "station:C"]) } else { domain::Symbol::NONE },
        route: if kind == Boarding { name(dice, &["5-out", "5-back", "9", ""]) } else { domain::Symbol::NONE },
        vehicle: if kind == Boarding { name(dice, &["v1", "v2", ""]) } else { domain::Symbol::NONE },
        birth,
        amount_minor,
        charged_minor,
        ..Tap::blank(kind, time, clock.service_day(time))
    }
}
