//! The worked examples of fares, from the tariff files in `replay-data/fares` to the amounts in the parties' files.

use crate::house::{House, number};
use crate::published::Sheet;
use serde_json::Value;
use std::collections::BTreeMap;

const HEADER: &str = "kind,time,terminal,epoch,sequence,card,issuer,operator,location,mode,class,medium,route,vehicle,amount,original";
/// A Monday, and its clearing day.
const MONDAY: &str = "2026-03-02";

/// Milliseconds since 1970 of a local time at +08:00.
pub fn epoch_ms(date: &str, time: &str) -> i64 {
    let day: domain::Day = date.parse().expect("a date");
    let (clock, ms) = time.split_once('.').unwrap_or((time, "0"));
    let seconds = clock.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().expect("a number"));
    day.start_local_ms() + seconds * 1000 + ms.parse::<i64>().expect("a number") - 8 * 3_600_000
}

/// A rider's card, as its records name it.
#[derive(Clone, Copy)]
pub struct Card<'c> {
    pub token: &'c str,
    pub issuer: &'c str,
    pub class: &'c str,
    pub medium: &'c str,
}

pub const fn card(token: &str) -> Card<'_> {
    Card { token, issuer: "bank-01", class: "", medium: "" }
}

const fn by<'c>(token: &'c str, class: &'c str, medium: &'c str) -> Card<'c> {
    Card { token, issuer: "bank-01", class, medium }
}

/// Records on their way into a file.
#[derive(Default)]
pub struct Taps {
    pub rows: Vec<String>,
}

impl Taps {
    /// A record; its id as files print it.
    #[allow(clippy::too_many_arguments, reason = "the columns of a record")]
    pub fn record(
        &mut self,
        kind: &str,
        card: Card<'_>,
        at: (&str, &str),
        operator: &str,
        location: &str,
        mode: &str,
        route: &str,
        amount: &str,
        original: &str,
    ) -> String {
        let sequence = self.rows.len() + 1;
        let Card { token, issuer, class, medium } = card;
        let ms = epoch_ms(at.0, at.1);
        self.rows
            .push(format!("{kind},{ms},t-1,0,{sequence},{token},{issuer},{operator},{location},{mode},{class},{medium},{route},{route},{amount},{original}"));
        format!("t-1.0.{sequence}")
    }

    pub fn bus(&mut self, card: Card<'_>, at: (&str, &str), route: &str) -> String {
        self.record("boarding", card, at, "operator-01", "", "bus", route, "", "")
    }

    /// In at one station, out at another on the same day.
    pub fn metro(&mut self, card: Card<'_>, date: &str, entry: (&str, &str), exit: (&str, &str)) -> String {
        self.tap("tap-on", card, (date, entry.0), entry.1);
        self.tap("tap-off", card, (date, exit.0), exit.1)
    }

    pub fn tap(&mut self, kind: &str, card: Card<'_>, at: (&str, &str), station: &str) -> String {
        self.record(kind, card, at, "operator-02", &format!("station:{station}"), "metro", "", "", "")
    }

    pub fn refund(&mut self, card: Card<'_>, at: (&str, &str), amount: i64, original: &str) -> String {
        self.record("refund", card, at, "operator-02", "", "metro", "", &amount.to_string(), original)
    }

    pub fn reversal(&mut self, card: Card<'_>, at: (&str, &str), original: &str) -> String {
        self.record("reversal", card, at, "operator-02", "", "metro", "", "", original)
    }

    pub fn csv(&self) -> String {
        format!("{HEADER}\n{}\n", self.rows.join("\n"))
    }
}

/// A cleared day of a city.
struct Day {
    house: House,
    date: String,
    result: Value,
}

impl Day {
    fn of(city: &str, date: &str, taps: &Taps) -> Self {
        Self::cleared(House::bundled(&format!("fares/{city}")), date, taps)
    }

    fn cleared(house: House, date: &str, taps: &Taps) -> Self {
        let file = house.write(&format!("{date}.csv"), taps.csv());
        let result = house.clear(date, &[file]).done();
        assert_eq!((number(&result, "held"), number(&result, "rejected")), (0, 0), "{result}");
        assert_eq!(number(&result, "debit_minor"), number(&result, "credit_minor"));
        house.verify();
        Self { house, date: date.to_owned(), result }
    }

    /// The next day of the same house.
    fn next(self, date: &str, taps: &Taps) -> Self {
        Self::cleared(self.house, date, taps)
    }

    fn sheet(&self, party: &str, file: &str) -> Sheet {
        Sheet::read(&self.house.day(&self.date).join(party).join(file))
    }

    /// What a bank's cardholders pay for each ride, by ride id.
    fn paid(&self, bank: &str) -> BTreeMap<String, i64> {
        self.sheet(bank, "detail.csv").rows().map(|line| (line.text("ride_id").to_owned(), line.minor("charged_minor"))).collect()
    }

    #[track_caller]
    fn pays(&self, ride: &str) -> i64 {
        *self.paid("bank-01").get(ride).unwrap_or_else(|| panic!("bank-01 has no line of {ride}"))
    }

    /// What a party is owed by all its lines; negative where it owes.
    fn net(&self, party: &str) -> i64 {
        self.sheet(party, "detail.csv").net()
    }

    /// A party's lines of one ride: what each means to it, shares included.
    fn nets(&self, party: &str, ride: &str) -> Vec<i64> {
        self.sheet(party, "detail.csv").rows().filter(|line| line.text("ride_id") == ride).map(|line| line.signed("net_minor", "dc")).collect()
    }

    /// All parties' nets sum to zero.
    fn comes_out_even(&self) {
        let total: i64 = crate::published::parties(&self.house.day(&self.date)).iter().map(|party| self.net(party)).sum();
        assert_eq!(total, 0);
    }
}

#[test]
fn a_metro_by_distance() {
    let house = House::copied("fares/chengdu-metro");
    std::fs::write(house.scheme.join("cards.csv"), "token,issuer,class,birth_date\nold,bank-01,,1954-01-01\n").expect("a file of the scheme");
    let mut taps = Taps::default();
    let mut expected = BTreeMap::new();
    for (metres, paper, plastic, student) in [
        (4_000, 200, 180, 100),
        (4_001, 300, 270, 150),
        (12_000, 400, 360, 200),
        (12_001, 500, 450, 250),
        (18_001, 600, 540, 300),
        (50_000, 900, 810, 450),
        (50_001, 1000, 900, 500),
        (70_001, 1100, 990, 550),
        (90_001, 1200, 1080, 600),
    ] {
        for (class, medium, pays) in [("", "paper", paper), ("", "card", plastic), ("student", "card", student)] {
            let token = format!("{metres}{class}{medium}");
            let ride = taps.metro(by(&token, class, medium), MONDAY, ("10:00:00", "0"), ("11:00:00", &metres.to_string()));
            expected.insert(ride, pays);
        }
    }
    expected.insert(taps.metro(by("stay", "", "card"), MONDAY, ("08:00:00", "0"), ("12:00:00", "10000")), 360);
    expected.insert(taps.metro(by("overstay", "", "card"), MONDAY, ("08:00:00", "0"), ("12:00:01", "10000")), 1560);
    expected.insert(taps.tap("tap-off", by("no-entry", "", "card"), (MONDAY, "09:00:00"), "4000"), 1200);
    // Given up by the next tap-on.
    expected.insert(taps.tap("tap-on", by("no-exit", "", "card"), (MONDAY, "09:00:00"), "4000"), 1200);
    expected.insert(taps.metro(by("no-exit", "", "card"), MONDAY, ("10:00:00", "0"), ("10:30:00", "4000")), 180);
    let mut old = Vec::new();
    for (date, entry, exit, pays) in [
        ("2026-03-03", "07:29:59", "07:29:59.900", 0),
        ("2026-03-03", "07:30:00", "08:10:00", 360),
        ("2026-03-03", "09:00:00", "09:00:00.900", 360),
        ("2026-03-03", "09:00:01", "09:50:00", 0),
        ("2026-03-07", "08:00:00", "08:50:00", 0),
    ] {
        old.push((date, taps.metro(by("old", "", "card"), date, (entry, "0"), (exit, "10000")), pays));
    }
    let day = Day::cleared(house, "2026-03-07", &taps);
    let paid = day.paid("bank-01");
    for (ride, pays) in expected.into_iter().chain(old.iter().map(|(_, ride, pays)| (ride.clone(), *pays))) {
        assert_eq!(paid.get(&ride), Some(&pays), "{ride}");
    }
    let free = old.iter().filter(|(.., pays)| *pays == 0);
    for (_, ride, _) in free {
        assert_eq!(day.nets("fund-01", ride), [-400], "the fund pays the whole list price");
    }
    day.comes_out_even();
}

#[test]
fn a_month_of_rail_by_what_was_spent_before() {
    for (to, rides, tiers) in [("2", 70, [(23, 450), (28, 350), (19, 250)]), ("3", 40, [(16, 630), (21, 490), (3, 350)])] {
        let mut taps = Taps::default();
        let mut ids = Vec::new();
        for ride in 0..rides {
            let (date, hour) = (format!("2026-03-{:02}", 1 + ride / 3), 8 + 2 * (ride % 3));
            ids.push(taps.metro(card("a"), &date, (&format!("{hour:02}:00:00"), "1"), (&format!("{hour:02}:40:00"), to)));
        }
        let day = Day::of("chongqing-rail", "2026-03-25", &taps);
        let expected: Vec<i64> = tiers.iter().flat_map(|&(count, pays)| std::iter::repeat_n(pays, count)).collect();
        assert_eq!(ids.iter().map(|ride| day.pays(ride)).collect::<Vec<_>>(), expected, "to {to}");
        assert_eq!(-day.net("bank-01"), expected.iter().sum::<i64>());
        if to == "2" {
            assert_eq!(-day.net("bank-01"), 24_900);
        }
    }
}

#[test]
fn early_birds_and_every_tenth_qr_ride() {
    let mut taps = Taps::default();
    let first = [("06:59:59", 350), ("07:00:00", 450)].map(|(entry, pays)| (taps.metro(card(entry), MONDAY, (entry, "1"), ("08:00:00", "2")), pays));
    // From 25,000 spent on, half is less than the early bird's 70 %.
    let mut spent = 0;
    let mut ride = 0;
    while spent < 25_000 {
        let (date, hour) = (format!("2026-03-{:02}", 1 + ride / 5), 8 + 2 * (ride % 5));
        taps.metro(card("often"), &date, (&format!("{hour:02}:00:00"), "1"), (&format!("{hour:02}:40:00"), "2"));
        spent += if spent < 10_000 {
            450
        } else if spent < 20_000 {
            350
        } else {
            250
        };
        ride += 1;
    }
    let frequent = taps.metro(card("often"), "2026-03-24", ("06:30:00", "1"), ("06:50:00", "2"));
    let qr = Card { medium: "qr", ..card("qr") };
    let regular: Vec<String> = (0..41)
        .map(|ride| {
            taps.metro(
                qr,
                &format!("2026-03-{:02}", 1 + ride / 4),
                (&format!("{:02}:00:00", 8 + 2 * (ride % 4)), "1"),
                (&format!("{:02}:40:00", 8 + 2 * (ride % 4)), "2"),
            )
        })
        .collect();
    let day = Day::of("chongqing-rail", "2026-03-25", &taps);
    for (ride, pays) in first {
        assert_eq!(day.pays(&ride), pays);
    }
    assert_eq!(day.pays(&frequent), 250);
    // The 40th is free and adds nothing to the spend, which is that of 39 rides: 23 at 450, 16 at 350.
    assert_eq!([38, 39, 40].map(|at| day.pays(&regular[at])), [350, 0, 350]);
}

#[test]
fn a_transfer_within_the_hour() {
    let mut taps = Taps::default();
    let mut expected = Vec::new();
    let on = |time| (MONDAY, time);
    expected.push((taps.bus(card("a"), on("08:00:00"), "1"), 180));
    expected.push((taps.metro(card("a"), MONDAY, ("08:20:00", "1"), ("08:55:00", "2")), 300));
    for (token, bus, pays) in [("b", "09:55:00", 0), ("c", "09:55:01", 180)] {
        expected.push((taps.metro(card(token), MONDAY, ("08:20:00", "1"), ("08:55:00", "2")), 450));
        expected.push((taps.bus(card(token), on(bus), "1"), pays));
    }
    for (time, route, pays) in [("08:00:00", "1", 180), ("08:20:00", "2", 0), ("08:40:00", "3", 180)] {
        expected.push((taps.bus(card("d"), on(time), route), pays));
    }
    for (time, route, pays) in [("08:00:00", "101", 90), ("08:30:00", "1", 100)] {
        expected.push((taps.bus(card("e"), on(time), route), pays));
    }
    let disabled = |token| Card { class: "disabled", ..card(token) };
    for (time, route, pays) in [("08:00:00", "1", 100), ("08:59:00", "901", 250)] {
        expected.push((taps.bus(disabled("h"), on(time), route), pays));
    }
    // The same line, by another vehicle.
    for (token, again, pays) in [("f", "08:14:59", 180), ("g", "08:15:00", 0)] {
        expected.push((taps.record("boarding", card(token), on("08:00:00"), "operator-01", "", "bus", "1", "", ""), 180));
        expected.push((taps.bus(card(token), on(again), "1"), pays));
        let last = taps.rows.last_mut().expect("a row");
        *last = last.replace(",1,1,,", ",1,other,,");
    }
    let day = Day::of("chongqing-transfer", MONDAY, &taps);
    for (ride, pays) in expected {
        assert_eq!(day.pays(&ride), pays, "{ride}: {}", taps.rows[ride[6..].parse::<usize>().expect("a number") - 1]);
    }
    day.comes_out_even();
}

#[test]
fn concessions_by_class_and_age() {
    let mut taps = Taps::default();
    let mut expected = Vec::new();
    let at = ("2025-06-16", "12:00:00");
    for (token, pays) in [("ordinary", 190), ("student", 160), ("sixty", 100), ("disabled", 100), ("veteran", 0)] {
        expected.push((taps.bus(card(token), at, "2"), pays));
    }
    expected.push((taps.bus(card("ordinary"), ("2025-06-16", "13:00:00"), "1"), 143));
    expected.push((taps.bus(card("ordinary"), ("2025-06-16", "14:00:00"), "3"), 285));
    // The seventieth birthday.
    expected.push((taps.bus(card("seventy"), ("2025-06-14", "23:59:59"), "2"), 100));
    expected.push((taps.bus(card("seventy"), ("2025-06-15", "00:00:00"), "2"), 0));
    let day = Day::of("panan-concessions", "2025-06-16", &taps);
    for (ride, pays) in &expected {
        assert_eq!(day.pays(ride), *pays, "{ride}");
    }
    assert_eq!(day.nets("fund-01", &expected[8].0), [-200]);
    day.comes_out_even();
}

#[test]
fn a_bank_pays_half_until_its_budget_is_used_up() {
    let house = House::copied("fares/bank-incentive");
    house.edit("tariff/tariff.toml", "budget_minor = 10000", "budget_minor = 500");
    let on = |time| (MONDAY, time);
    let mut taps = Taps::default();
    let riders = ["a", "b", "c"];
    let first: Vec<[String; 3]> = riders.iter().map(|&token| ["08:00:00", "09:00:00", "10:00:00"].map(|time| taps.bus(card(token), on(time), "1"))).collect();
    // The files say nothing of the order in which rides happened.
    taps.rows.reverse();
    let day = Day::cleared(house, MONDAY, &taps);
    let paid = |day: &Day, rides: &[String]| rides.iter().map(|ride| day.pays(ride)).collect::<Vec<_>>();
    // Six claims of 90: five are granted whole, the sixth gets the 50 that are left; a third ride of the day has none.
    assert_eq!(paid(&day, &first[0]), [90, 90, 180]);
    assert_eq!(paid(&day, &first[1]), [90, 90, 180]);
    assert_eq!(paid(&day, &first[2]), [90, 130, 180]);
    let line = day.nets("bank-01", &first[2][1]);
    assert_eq!(line, [-180], "the bank owes 130 of its cardholder's and 50 of its own");
    assert_eq!(day.net("operator-01"), 9 * 180);
    // The next day finds the budget used up, and knows it from the ledger.
    let mut taps = Taps::default();
    let late = taps.bus(card("d"), ("2026-03-03", "08:00:00"), "1");
    let taps = Taps { rows: taps.rows.iter().map(|row| row.replace(",t-1,", ",t-2,")).collect() };
    let day = day.next("2026-03-03", &taps);
    assert_eq!(day.pays(&late.replace("t-1", "t-2")), 180);
    day.comes_out_even();
}

#[test]
fn a_budget_without_limits_is_a_budget_too() {
    let house = House::copied("fares/bank-incentive");
    house.edit("tariff/tariff.toml", "limits = [{ per = \"day\", rides = 2 }, { per = \"month\", rides = 20 }]\n", "");
    house.edit("tariff/tariff.toml", "budget_minor = 10000", "budget_minor = 200");
    let mut taps = Taps::default();
    let rides = ["08:00:00", "09:00:00", "10:00:00", "11:00:00"].map(|time| taps.bus(card("a"), (MONDAY, time), "1"));
    let day = Day::cleared(house, MONDAY, &taps);
    assert_eq!(rides.map(|ride| day.pays(&ride)), [90, 90, 160, 180]);
}

#[test]
fn what_was_paid_for_a_journey_is_shared() {
    let (bus, metro, suburban) = ("operator-01", "operator-02", "operator-03");
    let mut taps = Taps::default();
    let first = taps.bus(card("a"), (MONDAY, "08:00:00"), "1");
    let second = taps.metro(card("a"), MONDAY, ("08:20:00", "1"), ("08:55:00", "2"));
    let joint = |taps: &mut Taps, token: &str, amount: &str| taps.record("boarding", card(token), (MONDAY, "12:00:00"), metro, "", "tram", "", amount, "");
    let by_weight = joint(&mut taps, "b", "1000");
    let day = Day::of("shared-journey", MONDAY, &taps);
    assert_eq!((day.nets(bus, &first), day.nets(bus, &second)), (vec![180], vec![-43]), "137 of 480 are the bus's");
    assert_eq!(day.nets(metro, &second), [300, 43]);
    assert_eq!([bus, metro, suburban].map(|party| day.nets(party, &by_weight).iter().sum::<i64>()), [143, 286, 571]);
    assert_eq!([bus, metro, suburban].map(|party| day.net(party)), [137 + 143, 343 + 286, 571]);
    assert_eq!(day.net("bank-01"), -1480);
    let share = day.sheet(bus, "detail.csv");
    let share = share.rows().find(|line| line.text("flags") == "share").expect("a share's line");
    assert_eq!((share.minor("list_minor"), share.minor("charged_minor"), share.text("operator")), (0, 0, bus));
    let summary = day.sheet(suburban, "summary.csv");
    let row = summary.rows().find(|line| line.text("entry") == "share").expect("a row of shares");
    assert_eq!((row.text("role"), row.text("counterparty"), row.signed("net_minor", "dc"), row.minor("rides")), ("earner", metro, 571, 0));
    day.comes_out_even();

    // Given back in two parts on later days, everyone is left with nothing.
    let mut back = Taps::default();
    back.refund(card("a"), ("2026-03-03", "09:00:00"), 101, &second);
    back.refund(card("b"), ("2026-03-03", "09:01:00"), 333, &by_weight);
    back.reversal(card("a"), ("2026-03-03", "09:02:00"), &first);
    let elsewhere = |taps: Taps, terminal: &str| Taps { rows: taps.rows.iter().map(|row| row.replacen(",t-1,", &format!(",{terminal},"), 1)).collect() };
    let day_nets = [bus, metro, suburban, "bank-01"].map(|party| day.net(party));
    let day = day.next("2026-03-03", &elsewhere(back, "t-2"));
    let more_nets = [bus, metro, suburban, "bank-01"].map(|party| day.net(party));
    day.comes_out_even();
    let mut rest = Taps::default();
    rest.refund(card("a"), ("2026-03-04", "09:00:00"), 199, &second);
    rest.refund(card("b"), ("2026-03-04", "09:01:00"), 667, &by_weight);
    let day = day.next("2026-03-04", &elsewhere(rest, "t-3"));
    let last_nets = [bus, metro, suburban, "bank-01"].map(|party| day.net(party));
    for at in 0..4 {
        assert_eq!(day_nets[at] + more_nets[at] + last_nets[at], 0, "party {at}");
    }
    assert!(more_nets[2] < 0 && last_nets[2] < 0);
}

#[test]
fn residuals_go_to_the_largest_remainder() {
    for (weights, amount, expected) in
        [([1, 1, 1], 100, [34, 33, 33]), ([1, 2, 4], 1000, [143, 286, 571]), ([1, 1, 0], 1, [1, 0, 0]), ([3, 3, 1], 7, [3, 3, 1])]
    {
        let house = House::copied("fares/shared-journey");
        for (number, (weight, old)) in (1..).zip(weights.iter().zip([1, 2, 4])) {
            let line = |weight| format!("    {{ party = \"operator-0{number}\", weight = {weight} }},\n");
            house.edit("tariff/tariff.toml", &line(old), &if *weight == 0 { String::new() } else { line(*weight) });
        }
        let mut taps = Taps::default();
        let ride = taps.record("boarding", card("a"), (MONDAY, "12:00:00"), "operator-03", "", "tram", "", &amount.to_string(), "");
        taps.reversal(card("a"), (MONDAY, "13:00:00"), &ride);
        let day = Day::cleared(house, MONDAY, &taps);
        let parties = ["operator-01", "operator-02", "operator-03"];
        assert_eq!(parties.map(|party| day.nets(party, &ride).iter().sum::<i64>()), expected, "{amount} by {weights:?}");
        assert_eq!(parties.map(|party| day.net(party)), [0, 0, 0], "the reversal gives each exactly what it got");
    }
}

#[test]
fn a_whole_day_s_money_comes_out_as_it_goes_in() {
    let mut taps = Taps::default();
    let metro = |taps: &mut Taps, card, exit: &str| taps.metro(card, MONDAY, ("10:00:00", "1"), ("10:30:00", exit));
    taps.bus(card("a1"), (MONDAY, "08:00:00"), "1");
    taps.metro(card("a1"), MONDAY, ("08:20:00", "1"), ("08:55:00", "2"));
    taps.bus(Card { medium: "qr", ..card("a2") }, (MONDAY, "10:00:00"), "1");
    let bank_b = |token, class| Card { token, class, issuer: "bank-02", medium: "" };
    metro(&mut taps, bank_b("b1", "senior70"), "3");
    metro(&mut taps, bank_b("b2", "student"), "2");
    let day = Day::of("whole-day", MONDAY, &taps);
    assert_eq!(["bank-01", "bank-02", "fund-01"].map(|party| -day.net(party)), [660, 250, 850]);
    assert_eq!(["operator-01", "operator-02"].map(|party| day.net(party)), [360, 1400]);
    assert_eq!((number(&day.result, "debit_minor"), number(&day.result, "credit_minor")), (1760, 1760));
    day.comes_out_even();
}
