//! The fee schedule: rule 8 of the settlement rules, and the order of its rules.

mod scheme_small;

use domain::{Day, Symbol, SymbolTable};
use engine::scheme::Scheme;
use proptest::prop_assert_eq;
use proptest::test_runner::TestRunner;
use scheme_small::FILES;

/// The small scheme with this fee schedule, and a way to ask it.
struct Schedule {
    symbols: SymbolTable,
    scheme: Scheme,
}

impl Schedule {
    fn of(fees: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        scheme_small::write(folder.path(), &FILES);
        std::fs::write(folder.path().join("fees.toml"), fees).expect("a file");
        let symbols = SymbolTable::new();
        let scheme = Scheme::read(folder.path(), &symbols).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        Self { symbols, scheme }
    }

    fn sym(&self, text: &str) -> Symbol {
        self.symbols.intern(text)
    }

    fn record(&self, earner: &str, product: &str, day: &str, charged_minor: i64, earned_minor: i64) -> i64 {
        let day = day.parse::<Day>().expect("a date");
        self.scheme.fee_minor(self.sym(earner), self.sym("bank-01"), self.sym(product), day, charged_minor, earned_minor)
    }

    fn day(&self, charged_minor: i64) -> i64 {
        let day = "2026-03-02".parse::<Day>().expect("a date");
        let (earner, issuer, product) = (self.sym("operator-01"), self.sym("bank-01"), self.sym("transit"));
        self.scheme.fees.day_fee_minor(earner, issuer, product, day, charged_minor, charged_minor)
    }
}

#[test]
fn a_thousand_rides_of_200_at_038_percent() {
    let per_record = Schedule::of("[[fee]]\nrate = \"0.38%\"\nper = \"record\"\n");
    let fees: i64 = (0..1000).map(|_| per_record.record("operator-01", "transit", "2026-03-02", 200, 200)).sum();
    assert_eq!((fees, per_record.day(200_000)), (1000, 0));
    let per_day = Schedule::of("[[fee]]\nrate = \"0.38%\"\nper = \"service-day\"\n");
    assert_eq!((per_day.record("operator-01", "transit", "2026-03-02", 200, 200), per_day.day(200_000)), (0, 760));
}

#[test]
fn roundings_and_bounds() {
    let fee = |keys: &str, charged: i64| Schedule::of(&format!("[[fee]]\n{keys}\n")).record("operator-01", "transit", "2026-03-02", charged, charged + 100);
    for (keys, charged, expected) in [
        ("rate = \"0.3%\"", 500, 2),
        ("rate = \"0.3%\"", 499, 1),
        ("rate = \"0.3%\"\nrounding = \"down\"", 666, 1),
        ("rate = \"0.3%\"\nrounding = \"up\"", 334, 2),
        ("rate = \"0.3%\"\nrounding = \"up\"", 1000, 3),
        ("flat_minor = 5\nrate = \"1%\"", 200, 7),
        ("rate = \"0.3%\"\nminimum_minor = 2", 1, 2),
        ("rate = \"0.3%\"\nminimum_minor = 2", 0, 0),
        ("rate = \"10%\"\nmaximum_minor = 15", 200, 15),
        ("rate = \"1%\"\nbasis = \"earned\"", 200, 3),
        ("rate = \"1%\"\nbasis = \"earned\"", 0, 1),
        ("rate = \"1%\"", -200, 0),
        ("flat_minor = 5\nrate = \"1%\"\nrefunded = true", -200, 0),
    ] {
        assert_eq!(fee(keys, charged), expected, "{keys} on {charged}");
    }
}

#[test]
fn the_first_rule_that_is_for_a_ride_decides() {
    let schedule = Schedule::of(
        "[[fee]]\nearner = \"operator-02\"\nflat_minor = 1\n
         [[fee]]\nearner = \"operator\"\nproduct = \"transit\"\nfrom = \"2026-01-01\"\nto = \"2026-12-31\"\nflat_minor = 2\n
         [[fee]]\nissuer = \"bank\"\nproduct = \"retail\"\nflat_minor = 3\n",
    );
    for (earner, product, day, expected) in [
        ("operator-02", "transit", "2026-03-02", 1),
        ("operator-01", "transit", "2026-01-01", 2),
        ("operator-01", "transit", "2026-12-31", 2),
        ("operator-01", "transit", "2025-12-31", 0),
        ("operator-01", "transit", "2027-01-01", 0),
        ("operator-01", "admission", "2026-03-02", 0),
        ("merchant-01", "retail", "2030-03-02", 3),
        ("merchant-01", "transit", "2026-03-02", 0),
    ] {
        assert_eq!(schedule.record(earner, product, day, 200, 200), expected, "{earner} {product} {day}");
    }
}

#[test]
fn no_schedule_is_no_fee() {
    assert_eq!(Schedule::of("# none\n").record("operator-01", "transit", "2026-03-02", 200, 200), 0);
}

#[test]
fn three_per_mille_is_the_comparison_jobs_formula() {
    let schedule = Schedule::of("[[fee]]\nrate = \"0.3%\"\n");
    let mut runner = TestRunner::default();
    let checked = runner.run(&(0i64..1_000_000_000), |charged| {
        prop_assert_eq!(schedule.record("operator-01", "transit", "2026-03-02", charged, charged), (charged * 3 + 500) / 1000);
        Ok(())
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}
