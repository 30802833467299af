//! Small histories by hand, for what dice seldom make: the engine's close beside the oracle's, and what both must say.

use crate::both::Both;
use crate::oracle::universe;
use domain::{CardToken, Day, Decision, EventTime, Flags, Reason, Record, RecordKind, SymbolTable};
use engine::scheme::Scheme;

/// The universe's scheme, every version of a conflict held.
struct Town {
    symbols: SymbolTable,
    scheme: Scheme,
    unlooked: Scheme,
}

/// The instant of a date and a time of day there.
fn at(time: &str) -> EventTime {
    let (date, clock) = time.split_once(' ').expect("a date and a time");
    let (hours, minutes) = clock.split_once(':').expect("hours and minutes");
    let number = |text: &str| text.parse::<i64>().expect("a number");
    let day: Day = date.parse().expect("a date");
    // Shanghai is eight hours ahead.
    EventTime((i64::from(day.0) * 24 * 60 + (number(hours) - 8) * 60 + number(minutes)) * 60_000)
}

impl Town {
    fn new(open: bool) -> Self {
        let symbols = SymbolTable::new();
        let dir = tempfile::tempdir().expect("a folder");
        let scheme = universe::scheme(dir.path(), false, open, &symbols);
        let unlooked = Scheme { oddities: None, ..scheme.clone() };
        Self { symbols, scheme, unlooked }
    }

    fn both(&self) -> Both<'_> {
        Both::new(&self.scheme, &self.unlooked, &self.symbols, 1)
    }

    fn record(&self, kind: RecordKind, (terminal, sequence): (&str, u64), time: &str, card: &str) -> Record {
        let card = CardToken::new(card.as_bytes()).expect("short");
        let record = Record { terminal: self.symbols.intern(terminal), sequence, time: at(time), card, arrival: 1, ..Record::blank(kind) };
        // The bus has had another terminal since the third.
        Record { epoch: u32::from(terminal == "9" && record.time >= at("2026-03-03 04:00")), ..record }
    }

    fn bus(&self, sequence: u64, time: &str, card: &str) -> Record {
        Record { location: self.symbols.intern("line:5"), ..self.record(RecordKind::Boarding, ("9", sequence), time, card) }
    }

    fn metro(&self, kind: RecordKind, sequence: u64, time: &str, card: &str) -> Record {
        Record { location: self.symbols.intern("station:1"), ..self.record(kind, ("10", sequence), time, card) }
    }

    fn shop(&self, kind: RecordKind, sequence: u64, time: &str, amount_minor: i64) -> Record {
        let (location, operator) = (self.symbols.intern("shop:1"), self.symbols.intern("operator-01"));
        Record { location, operator, amount_minor, ..self.record(kind, ("A", sequence), time, "c3") }
    }

    fn refund(&self, sequence: u64, time: &str, amount_minor: i64, original: &Record) -> Record {
        Record { original: Some(original.id()), ..self.shop(RecordKind::Refund, sequence, time, amount_minor) }
    }
}

fn close(both: &mut Both<'_>, day: &str, files: &[&[Record]], taken_back: &[u32]) -> Vec<Decision> {
    let files: Vec<Vec<Record>> = files.iter().map(|file| file.to_vec()).collect();
    both.close(day.parse().expect("a date"), &files, taken_back).unwrap_or_else(|difference| panic!("{difference}"))
}

/// What was decided on one record: reason, charge, the day that it goes back to, and whether it corrects a line.
fn told(decisions: &[Decision], record: &Record) -> Vec<(Reason, i64, String, bool)> {
    let own = decisions.iter().filter(|decision| decision.record.same_content(record));
    let mut told: Vec<_> =
        own.map(|decision| (decision.reason, decision.charged_minor, decision.held_since.to_string(), decision.flags.has(Flags::CORRECTS))).collect();
    // What goes back first.
    told.sort_by_key(|(_, charged_minor, _, corrects)| (!corrects, -charged_minor));
    told
}

fn line(reason: Reason, charged_minor: i64, since: &str) -> (Reason, i64, String, bool) {
    (reason, charged_minor, since.to_owned(), false)
}

fn correction(charged_minor: i64, since: &str) -> (Reason, i64, String, bool) {
    (Reason::Cleared, charged_minor, since.to_owned(), true)
}

#[test]
fn what_a_withdrawn_journey_without_a_card_was_granted_goes_back_to_the_budget() {
    let town = Town::new(true);
    let mut both = town.both();
    let alone = Record { issuer: town.symbols.intern("bank-02"), ..town.metro(RecordKind::TapOn, 1, "2026-03-03 10:00", "") };
    // Nobody can end it, so it is given up at once, though it may be open until the next day.
    assert_eq!(told(&close(&mut both, "2026-03-03", &[&[alone]], &[]), &alone), [line(Reason::Cleared, 103 - 21, "2026-03-03")]);
    assert_eq!(both.granted("bonus"), 21);
    let undone = close(&mut both, "2026-03-04", &[&[]], &[1]);
    assert_eq!(told(&undone, &alone), [correction(21 - 103, "2026-03-03"), line(Reason::Withdrawn, 0, "2026-03-03")]);
    assert_eq!(both.granted("bonus"), 0);
}

#[test]
fn a_ride_with_the_id_of_a_withdrawn_one_has_a_line_of_its_own() {
    let town = Town::new(false);
    let mut both = town.both();
    let out = town.metro(RecordKind::TapOff, 7, "2026-03-02 10:00", "c3");
    assert_eq!(told(&close(&mut both, "2026-03-02", &[&[out]], &[]), &out), [line(Reason::Cleared, 301 / 2 + 1, "2026-03-02")]);
    // The file was wrong: the number belongs to a journey of the next day.
    let entry = town.metro(RecordKind::TapOn, 7, "2026-03-03 10:00", "c3");
    let day = close(&mut both, "2026-03-03", &[&[entry]], &[1]);
    assert_eq!(told(&day, &out), [correction(-151, "2026-03-02"), line(Reason::Withdrawn, 0, "2026-03-02")]);
    assert_eq!(told(&day, &entry), [line(Reason::Cleared, 0, "2026-03-03")]);
    // It never ends, and a late bus lets the account be folded again: it becomes a ride today and corrects nothing.
    let day = close(&mut both, "2026-03-04", &[&[town.bus(8, "2026-03-03 09:00", "c3")]], &[]);
    assert_eq!(told(&day, &entry).len(), 1);
    assert!(matches!(told(&day, &entry).as_slice(), [(Reason::Cleared, 1.., since, false)] if since == "2026-03-04"), "{:?}", told(&day, &entry));
    assert!(day.iter().all(|decision| decision.service_day.to_string() == "2026-03-03"));
}

#[test]
fn a_refund_that_was_judged_anew_goes_back_to_the_day_that_judged_it() {
    let town = Town::new(false);
    let mut both = town.both();
    let paid = town.shop(RecordKind::Payment, 1, "2026-03-02 10:00", 300);
    let back = town.refund(2, "2026-03-02 11:00", 50, &paid);
    let day = close(&mut both, "2026-03-02", &[&[paid], &[back]], &[]);
    assert_eq!(told(&day, &back), [line(Reason::Cleared, -50, "2026-03-02")]);
    // The purchase is withdrawn; another version of it comes, of which as much can be given back.
    let dearer = Record { amount_minor: 400, ..paid };
    let day = close(&mut both, "2026-03-03", &[&[dearer]], &[1]);
    assert_eq!(told(&day, &back), [correction(50, "2026-03-02"), line(Reason::Cleared, -50, "2026-03-03")]);
    let day = close(&mut both, "2026-03-04", &[&[]], &[2]);
    assert_eq!(told(&day, &back), [correction(50, "2026-03-03"), line(Reason::Withdrawn, 0, "2026-03-03")]);
}

#[test]
fn a_refund_that_was_judged_anew_and_rejected_gives_nothing_back_when_it_is_withdrawn() {
    let town = Town::new(false);
    let mut both = town.both();
    let paid = town.shop(RecordKind::Payment, 1, "2026-03-02 10:00", 300);
    let back = town.refund(2, "2026-03-02 11:00", 140, &paid);
    close(&mut both, "2026-03-02", &[&[paid], &[back]], &[]);
    let cheaper = Record { amount_minor: 200, ..paid };
    let day = close(&mut both, "2026-03-03", &[&[cheaper]], &[1]);
    assert_eq!(told(&day, &back), [correction(140, "2026-03-02"), line(Reason::RefundExceeds, 0, "2026-03-03")]);
    let rest = town.refund(3, "2026-03-03 11:00", 90, &paid);
    let day = close(&mut both, "2026-03-04", &[&[rest]], &[2]);
    assert_eq!((told(&day, &back), told(&day, &rest)), (vec![line(Reason::Withdrawn, 0, "2026-03-03")], vec![line(Reason::Cleared, -90, "2026-03-04")]));
}

#[test]
fn refunds_follow_an_original_that_comes_to_have_other_funders() {
    let town = Town::new(false);
    let mut both = town.both();
    // Over midnight a new tariff begins. By the old one, which is the tap-on's, the fund bears the change and the bank the half.
    let bus = town.bus(1, "2026-03-02 23:20", "c3");
    let entry = Record { location: town.symbols.intern("station:2"), ..town.metro(RecordKind::TapOn, 1, "2026-03-02 23:40", "c3") };
    let exit = town.metro(RecordKind::TapOff, 2, "2026-03-03 00:15", "c3");
    let back = town.refund(3, "2026-03-03 01:00", 10, &exit);
    let day = close(&mut both, "2026-03-02", &[&[bus, entry, exit, back]], &[]);
    let funders = |decisions: &[Decision], record: &Record| -> Vec<String> {
        let own = decisions.iter().filter(|decision| decision.record.same_content(record));
        let mut names: Vec<_> = own
            .flat_map(|decision| decision.discounts.into_iter().filter(|discount| discount.amount_minor != 0))
            .map(|discount| town.symbols.text(discount.funder).to_string())
            .collect();
        names.sort();
        names
    };
    assert_eq!((told(&day, &back), funders(&day, &back)), (vec![line(Reason::Cleared, -10, "2026-03-02")], vec!["bank-02".to_owned(), "fund-01".to_owned()]));
    // A tap-on after midnight comes late: it is the one that the tap-off ended.
    let late = Record { location: town.symbols.intern("station:2"), ..town.metro(RecordKind::TapOn, 4, "2026-03-03 00:05", "c3") };
    let day = close(&mut both, "2026-03-03", &[&[late]], &[]);
    assert_eq!(told(&day, &back), [correction(10, "2026-03-02"), correction(-10, "2026-03-02")]);
    assert_eq!(funders(&day, &back), ["bank-02", "fund-01", "fund-02", "operator-02", "sponsor-01"]);
    assert_eq!(funders(&day, &exit), funders(&day, &back));
}

#[test]
fn what_was_collected_of_a_withdrawn_ride_waits_for_it_and_goes_back_when_it_is_withdrawn() {
    let town = Town::new(false);
    let mut both = town.both();
    let exit = town.metro(RecordKind::TapOff, 1, "2026-03-02 10:00", "c3");
    let paid = Record { kind: RecordKind::Collection, card: CardToken::new(b"c1").expect("short"), ..town.refund(2, "2026-03-02 11:00", 80, &exit) };
    let of_paid = town.refund(3, "2026-03-02 12:00", 30, &paid);
    let day = close(&mut both, "2026-03-02", &[&[exit], &[paid], &[of_paid]], &[]);
    assert_eq!((told(&day, &paid), told(&day, &of_paid)), (vec![line(Reason::Cleared, 80, "2026-03-02")], vec![line(Reason::Cleared, -30, "2026-03-02")]));
    // The ride is withdrawn: what was paid for it, and what was given back of that, never counted.
    let missing = |since: &str| line(Reason::OriginalMissing, 0, since);
    let day = close(&mut both, "2026-03-03", &[&[]], &[1]);
    assert_eq!(told(&day, &paid), [correction(-80, "2026-03-02"), missing("2026-03-03")]);
    assert_eq!(told(&day, &of_paid), [correction(30, "2026-03-02"), missing("2026-03-03")]);
    // It comes again, in another file.
    let day = close(&mut both, "2026-03-04", &[&[exit]], &[]);
    assert_eq!((told(&day, &paid), told(&day, &of_paid)), (vec![line(Reason::Cleared, 80, "2026-03-03")], vec![line(Reason::Cleared, -30, "2026-03-03")]));
    // The collection is withdrawn itself.
    let day = close(&mut both, "2026-03-05", &[&[]], &[2]);
    assert_eq!(told(&day, &paid), [correction(-80, "2026-03-04"), line(Reason::Withdrawn, 0, "2026-03-04")]);
    assert_eq!(told(&day, &of_paid), [correction(30, "2026-03-04"), missing("2026-03-05")]);
}
