//! The schemes that come with tapclear: each reads without a mistake and knows what its data names.

use domain::record::CardToken;
use domain::{Day, EventTime, PartyKind, RecordKind, SymbolTable};
use engine::scheme::{ConflictPolicy, Payee, Scheme, TerminalAt};
use std::path::{Path, PathBuf};

fn bundled(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../replay-data").join(name)
}

/// The bundled scheme with a tariff of one flat price: tariffs have tests of their own, and the comparison day's needs the
/// table that its generator writes.
fn read(name: &str) -> (SymbolTable, Scheme) {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(bundled(name)).expect("the scheme's folder").filter_map(Result::ok).filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("copied");
    }
    std::fs::create_dir(folder.path().join("tariff")).expect("a folder");
    let tariff = "in_force_from = \"2000-01-01\"\n[[base]]\nname = \"flat\"\nkinds = [\"boarding\"]\nprice = \"flat\"\namount_minor = 200\n";
    std::fs::write(folder.path().join("tariff/tariff.toml"), tariff).expect("written");
    let symbols = SymbolTable::new();
    let scheme = Scheme::read(folder.path(), &symbols).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
    (symbols, scheme)
}

fn count(scheme: &Scheme, kind: PartyKind) -> usize {
    scheme.parties.list().iter().filter(|party| party.kind == kind).count()
}

#[test]
fn every_bundled_scheme_reads_without_a_mistake() {
    for name in ["sichuan", "shenzhen", "oyster", "transit-day"] {
        let (symbols, scheme) = read(name);
        assert_eq!(scheme.party(scheme.hub).map(|hub| hub.kind), Some(PartyKind::Hub), "{name}");
        assert!(scheme.party(symbols.intern("fund-01")).is_some(), "{name} has a fund");
        assert!(!scheme.name_en.is_empty() && !scheme.name_zh.is_empty());
    }
}

#[test]
fn sichuan_is_a_whole_programme() {
    let (symbols, scheme) = read("sichuan");
    assert_eq!((count(&scheme, PartyKind::Bank), count(&scheme, PartyKind::Operator), count(&scheme, PartyKind::Venue)), (12, 30, 200));
    assert_eq!((count(&scheme, PartyKind::Merchant), count(&scheme, PartyKind::Fund), count(&scheme, PartyKind::Network)), (60, 2, 1));
    assert_eq!(scheme.cards.list().len(), 5000);
    assert!(scheme.terminals.list().len() >= 3000);
    assert_eq!(scheme.locations.list().iter().filter(|location| location.kind == "station").count(), 120);
    let accounts: std::collections::BTreeSet<&[u8]> = scheme.cards.list().iter().map(|card| card.account.as_bytes()).collect();
    assert_eq!(accounts.len(), 4000);
    // Every registered terminal stands somewhere, and every blocked card is a registered one.
    assert!(scheme.terminals.list().iter().all(|terminal| scheme.location(terminal.location).is_some()));
    assert!(!scheme.hotlist.is_empty() && scheme.hotlist.iter().all(|(token, _)| scheme.card(token).is_some()));
    assert!(scheme.card(&CardToken::new(b"nobody's").expect("short")).is_none());
    // A venue that an operator runs, and one that settles for itself.
    let run = scheme.parties.list().iter().filter(|party| matches!(scheme.payee(party.id), Payee::Operator(_))).count();
    assert_eq!(run, 40);
    assert_eq!(scheme.venue_of(symbols.intern("venue:7")), symbols.intern("venue-007"));
    assert_eq!(scheme.venue_of(symbols.intern("shop:4")), symbols.intern("merchant-04"));
    assert!(scheme.venue_of(symbols.intern("station:1101")).is_none());
    // What is paid at a venue's gate is an admission, in a shop it is retail.
    assert_eq!(scheme.products.of(RecordKind::Payment, PartyKind::Venue), symbols.intern("admission"));
    assert_eq!(scheme.products.of(RecordKind::Payment, PartyKind::Merchant), symbols.intern("retail"));
    assert_eq!(scheme.limits.amount_max_minor(RecordKind::Payment, symbols.intern("medical")), 2_000_000);
    assert_eq!(scheme.limits.amount_max_minor(RecordKind::Payment, symbols.intern("retail")), 500_000);
    assert_eq!(scheme.limits.amount_max_minor(RecordKind::Boarding, symbols.intern("transit")), 100_000);
    let day = |text: &str| text.parse::<Day>().expect("a date");
    for (date, workday) in [("2026-03-02", true), ("2026-02-16", false), ("2026-02-28", true), ("2026-03-01", false), ("2026-10-10", true)] {
        assert_eq!(scheme.clock.is_workday(day(date)), workday, "{date}");
    }
    assert!(scheme.clock.is_holiday(day("2026-02-17")) && !scheme.clock.is_holiday(day("2026-03-01")));
}

#[test]
fn a_replaced_terminal_serves_with_its_new_epoch() {
    let (_, scheme) = read("sichuan");
    let second = scheme.terminals.list().iter().find(|terminal| terminal.epoch == 1).expect("one was replaced");
    let (id, change) = (second.id, second.from);
    let before = EventTime(change.0 - 1);
    assert!(matches!(scheme.terminal(id, 0, before), TerminalAt::InService(first) if first.to == change));
    assert_eq!(scheme.terminal(id, 0, change), TerminalAt::NotInService);
    assert_eq!(scheme.terminal(id, 1, before), TerminalAt::NotInService);
    assert_eq!(scheme.terminal(id, 1, change), TerminalAt::InService(second));
    assert_eq!(scheme.terminal(id, 2, change), TerminalAt::NotInService);
    assert_eq!(scheme.terminal(scheme.hub, 0, change), TerminalAt::Unknown);
}

#[test]
fn the_comparison_day_takes_what_records_say() {
    let (symbols, scheme) = read("transit-day");
    assert_eq!((count(&scheme, PartyKind::Bank), count(&scheme, PartyKind::Operator), count(&scheme, PartyKind::Venue)), (12, 30, 200));
    assert_eq!(scheme.conflict, ConflictPolicy::FirstWins);
    for (location, venue) in [("venue:7", "venue-007"), ("venue:200", "venue-200")] {
        let venue = symbols.intern(venue);
        assert_eq!(scheme.venue_of(symbols.intern(location)), venue);
        assert_eq!(scheme.payee(venue), Payee::RecordOperator);
    }
    assert!(scheme.venue_of(symbols.intern("station:7")).is_none());
    let open = scheme.open;
    assert!(open.terminals && open.cards && open.issuers && open.operators && open.locations && open.classes);
    // The generator's day begins here: 2026-03-02 04:00 in Shanghai.
    let start = EventTime(1_772_395_200_000);
    assert_eq!(scheme.clock.day_start("2026-03-02".parse().expect("a date")), start);
    let day = scheme.clock.service_day(start);
    for charged in [50, 167, 200, 900, 2000, 200_000] {
        let fee = scheme.fee_minor(symbols.intern("operator-01"), symbols.intern("bank-01"), symbols.intern("transit"), day, charged, charged);
        assert_eq!(fee, (charged * 3 + 500) / 1000);
    }
    assert!(!scheme.settlement.list_zero_rides);
    assert_eq!(scheme.settlement.detail_columns.len(), 12);
}

#[test]
fn no_real_record_falls_outside_the_windows() {
    // The first and last event of each set, and the clearing day that takes the set in.
    for (name, clearing_day, first, last) in [
        ("shenzhen", "2018-09-01", "2018-08-31T11:41:51Z", "2018-08-31T22:06:10Z"),
        ("oyster", "2009-11-07", "2009-11-01T00:00:00Z", "2009-11-08T05:00:00Z"),
        ("oyster", "2009-11-01", "2009-11-01T00:00:00Z", "2009-11-08T05:00:00Z"),
    ] {
        let (_, scheme) = read(name);
        let day = clearing_day.parse::<Day>().expect("a date");
        let [first, last] = [first, last].map(|text| EventTime(text.parse::<jiff::Timestamp>().expect("a time").as_millisecond()));
        assert!(scheme.clock.service_day(first).0 >= day.0 - scheme.limits.acceptance_days, "{name}");
        assert!(last.0 <= scheme.clock.day_end(day).0 + scheme.limits.future_skew_ms, "{name}");
        assert!(scheme.clock.calendar_day(first) >= scheme.limits.earliest, "{name}");
        assert_eq!(scheme.next_clearing_day(day), day.next());
    }
}
