//! What a fare officer gets to read: every mistake of a tariff with its file, line, reason and what to do.

#![allow(clippy::indexing_slicing, reason = "a test that panics has failed")]

use domain::SymbolTable;
use engine::mistake::{Mistake, Mistakes};
use engine::tariff::Tariff;

/// Line numbers in the cases are those of this text.
const GOOD: &str = r#"in_force_from = "2026-01-01"

[groups]
rails = ["metro", "tram"]

[[period]]
name = "peak"
days = ["workday"]
times = ["07:30 to 09:00", "17:30 to 19:00"]

[[line]]
name = "5"
routes = ["5-out", "5-back"]

[[base]]
name = "bus"
kinds = ["boarding"]
modes = ["bus"]
price = "flat"
amount_minor = 200

[[base]]
name = "metro"
kinds = ["tap-on", "tap-off"]
modes = ["rails"]
price = "matrix"
matrix = { file = "fares.csv", from = "a", to = "b", fare_minor = "fare", location_kind = "station" }
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900

[[base]]
name = "train"
kinds = ["tap-on", "tap-off"]
modes = ["train"]
price = "distance"
network = { file = "edges.csv", from = "a", to = "b", metres = "m", location_kind = "station" }
steps = [{ to = 4000, minor = 200 }, { each = 4000, add_minor = 100 }]
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900

[[base]]
name = "ferry"
kinds = ["tap-on", "tap-off"]
modes = ["ferry"]
price = "zones"
places = { file = "zones.csv", place = "pier", zone = "zone", location_kind = "pier" }
zone_fares = { file = "zone-fares.csv", from = "a", to = "b", fare_minor = "fare" }
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900

[[base]]
name = "shops"
kinds = ["payment"]
price = "stated"
funder = "earner"

[[adjust]]
name = "change"
rule = "transfer"
modes = ["bus"]
window_minutes = 60
rides_max = 1
percent = "0"
funder = "fund-01"

[[adjust]]
name = "students"
rule = "class"
classes = ["student"]
unless = ["change"]
percent = "50"
funder = "fund-01"

[[adjust]]
name = "off-peak"
rule = "discount"
not_when = ["peak"]
ages = "60-69"
quota = { per = "month", rides = 60 }
price_minor = 100
funder = "earner"

[[adjust]]
name = "spend"
rule = "tier"
per = "month"
steps = [{ from_minor = 0, percent = "100" }, { from_minor = 10000, percent = "80" }]
funder = "earner"

[[adjust]]
name = "day"
rule = "cap"
modes = ["bus"]
per = "day"
amount_minor = 2000
funder = "earner"

[[adjust]]
name = "bank"
rule = "incentive"
percent = "50"
limits = [{ per = "day", rides = 2 }]
budget_minor = 10000
funder = "issuer"

[[share]]
name = "joint"
modes = ["train"]
by = "fixed"
weights = [{ party = "operator-01", weight = 1 }, { party = "operator-02", weight = 2 }]
"#;

const TABLES: [(&str, &str); 4] = [
    ("fares.csv", "a,b,fare\n1,2,300\n2,1,300\n"),
    ("edges.csv", "a,b,m\n1,2,3000\n2,3,3000\n"),
    ("zones.csv", "pier,zone\nA,1\nB,2\n"),
    ("zone-fares.csv", "a,b,fare\n1,1,100\n1,2,200\n2,2,100\n"),
];

fn read(tables: &[(&str, &str)], tariffs: &[(&str, &str)]) -> Vec<Mistake> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("tariff")).expect("a folder");
    for (name, text) in tables.iter().chain(tariffs) {
        std::fs::write(folder.path().join("tariff").join(name), text).expect("a file");
    }
    let mut mistakes = Mistakes::default();
    let tariff = Tariff::read(folder.path(), &SymbolTable::new(), &mut mistakes);
    let mistakes = mistakes.into_sorted();
    assert_eq!(tariff.is_some(), mistakes.is_empty(), "a tariff with a mistake is refused");
    mistakes
}

#[test]
fn the_good_tariff_has_no_mistake() {
    assert_eq!(read(&TABLES, &[("tariff.toml", GOOD)]), []);
}

/// What is replaced (it stands once), by what; the mistake's line, and parts of its message and hint.
type Case = (&'static str, &'static str, u32, &'static str, &'static str);

const HALF: &str = "percent = \"50\"\nfunder = \"fund-01\"";
const DAY: &str = "rule = \"cap\"\nmodes = [\"bus\"]\nper = \"day\"\namount_minor = 2000\nfunder = \"earner\"";
const QUOTA: &str = "quota = { per = \"month\", rides = 60 }";

const CASES: &[Case] = &[
    // The version.
    ("\"2026-01-01\"", "\"2026-13-01\"", 1, "is not a date", "2026-03-02"),
    ("in_force_from", "in_force_form", 1, "unknown key `in_force_form`", "did you mean `in_force_from`?"),
    ("rails = [\"metro\", \"tram\"]", "rails = []", 4, "group `rails` has no members", "a list"),
    ("\"2026-01-01\"\n", "\"2026-01-01\"\nin_force_by = \"service\"\n", 2, "cannot be `service`", "service-day"),
    // Periods.
    ("[\"workday\"]\ntimes", "[\"workdays\"]\ntimes", 8, "`workdays` is not a kind of day", "did you mean `workday`?"),
    ("\"07:30 to 09:00\"", "\"7:30-9:00\"", 9, "is not a range of times", "includes both ends"),
    ("\"17:30 to 19:00\"", "\"08:59 to 19:00\"", 9, "overlaps a range before it", "join"),
    ("days = [\"workday\"]\ntimes = [\"07:30 to 09:00\", \"17:30 to 19:00\"]", "", 6, "period `peak` is always", "times"),
    ("days = [\"workday\"]\n", "dates = [\"2026-10-07 to 2026-10-01\"]\n", 8, "is not a range of dates", "2026-10-01 to 2026-10-07"),
    ("[[line]]\n", "[[period]]\nname = \"peak\"\ntimes = [\"before 07:00\"]\n[[line]]\n", 12, "two periods `peak`", "times"),
    ("days = [\"workday\"]\ntimes", "day = \"service\"\ntimes", 6, "period `peak` is by service days and names no day", "leave `day` out"),
    ("days = [\"workday\"]\ntimes", "days = [\"workday\"]\nday = \"servise\"\ntimes", 9, "cannot be `servise`", "did you mean `service`?"),
    // Lines.
    ("[\"5-out\", \"5-back\"]", "[\"5-out\", \"5-out\"]", 13, "route `5-out` is of two lines", "one of them"),
    // Base rules.
    ("[\"boarding\"]\nmodes", "[\"bording\"]\nmodes", 17, "`bording` is not a kind of record", "did you mean `boarding`?"),
    ("kinds = [\"boarding\"]\nmodes = [\"bus\"]\n", "modes = [\"bus\"]\n", 15, "names no kinds", "kinds"),
    ("price = \"flat\"", "price = \"flatt\"", 19, "is not a way to price", "did you mean `flat`?"),
    ("amount_minor = 200\n", "amount_minor = -200\n", 20, "`base.amount_minor` is out of range", "from 0"),
    ("amount_minor = 200\n", "amount_minor = 2.00\n", 20, "is a whole number", ""),
    ("price = \"flat\"\namount_minor = 200\n", "price = \"flat\"\n", 15, "`base.amount_minor` is missing", "minor units"),
    (
        "kinds = [\"boarding\"]\nmodes = [\"bus\"]",
        "kinds = [\"boarding\"]\nmodes = [\"bus\"]\nzones = \"1-2\"",
        15,
        "asks for what only its price tells",
        "[[adjust]]",
    ),
    (
        "modes = [\"bus\"]\nprice",
        "modes = [\"bus\"]\nclasses = [\"adult\"]\nprice",
        15,
        "does not meet the conditions of base rule `bus` has no price",
        "last base rule",
    ),
    ("name = \"metro\"\nkinds = [\"tap-on\", \"tap-off\"]", "name = \"metro\"\nkinds = [\"tap-on\"]", 22, "for one of their ends only", "tap-off"),
    (
        "name = \"metro\"\nkinds = [\"tap-on\", \"tap-off\"]",
        "name = \"metro\"\nkinds = [\"boarding\"]",
        22,
        "prices a boarding from station to station",
        "tap-on",
    ),
    ("name = \"metro\"", "name = \"bus\"", 22, "two base rules are called `bus`", ""),
    ("fare_minor = \"fare\", location_kind = \"station\"", "fare_minor = \"fare\"", 27, "`base.matrix.location_kind` is missing", "station"),
    ("file = \"fares.csv\"", "file = \"fare.csv\"", 27, "tariff/fare.csv cannot be read", "beside"),
    ("file = \"fares.csv\"", "file = \"../fares.csv\"", 27, "is not the name of a .csv file", "without a folder"),
    ("unknown_pair_minor = 900\n\n[[base]]\nname = \"train\"", "\n[[base]]\nname = \"train\"", 22, "`base.unknown_pair_minor` is missing", "minor units"),
    ("network = { file = \"edges.csv\", from = \"a\", to = \"b\", metres = \"m\", location_kind = \"station\" }\n", "", 32, "the way has no length", "network"),
    ("{ to = 4000, minor = 200 }, { each", "{ minor = 200 }, { each", 38, "has no `to` and is not the last", "upwards"),
    ("{ each = 4000, add_minor = 100 }", "{ to = 3000, minor = 300 }", 38, "does not go further than the step before", "upwards"),
    ("{ each = 4000, add_minor = 100 }", "{ to = 8000, minor = 100 }", 38, "costs less than the step before", ""),
    ("{ each = 4000, add_minor = 100 }", "{ each = 4000 }", 38, "is not a step", "add_minor"),
    (
        "{ to = 4000, minor = 200 }, { each = 4000, add_minor = 100 }",
        "{ to = 4000, minor = 200 }",
        32,
        "the longest way is 6000, and the steps end before it",
        "each",
    ),
    ("zone_fares = { file = \"zone-fares.csv\", from = \"a\", to = \"b\", fare_minor = \"fare\" }\n", "", 43, "`zone_fares` is missing", "zone-fares.csv"),
    ("price = \"stated\"\nfunder = \"earner\"", "price = \"stated\"", 54, "names no funder for what is not charged", "earner"),
    ("price = \"stated\"\n", "price = \"stated\"\naudit_by = \"buss\"\n", 58, "is not a base rule with a price of its own", "did you mean `bus`?"),
    ("kinds = [\"payment\"]", "kinds = [\"tap-on\"]", 54, "prices a tap-on by itself", "flat"),
    ("name = \"shops\"\nkinds = [\"payment\"]", "name = \"shops\"\nkinds = [\"boarding\"]\nmodes = [\"bus\"]", 54, "never reached", "narrower rule first"),
    // Adjustments.
    ("rule = \"transfer\"", "rule = \"transfers\"", 62, "is not an adjustment", "did you mean `transfer`?"),
    ("window_minutes = 60\n", "", 60, "`adjust.window_minutes` is missing", "120"),
    ("window_minutes = 60\n", "window_minutes = 0\n", 64, "out of range", "from 1 to 10080"),
    ("rides_max = 1\n", "", 60, "`rides_max` is missing", "rides_max"),
    ("rides_max = 1\npercent = \"0\"\n", "rides_max = 1\n", 60, "what the rider still pays", "off"),
    ("rides_max = 1\npercent = \"0\"", "rides_max = 1\npercent = \"0\"\nprice_minor = 5", 60, "in several ways", "keep one"),
    ("window_minutes = 60\n", "", 60, "`adjust.window_minutes` is missing", "120"),
    ("window_minutes = 60\n", "window_minutes = 60\nwindow_seconds = 90\n", 60, "names `window_minutes` and `window_seconds`", "keep one"),
    ("price = \"distance\"\n", "price = \"distance\"\ntickets = [\"single\"]\n", 32, "asks for what only its price tells", "tickets"),
    ("rides_max = 1\n", "rides_max = 1\nticket_pairs = [\"single > \"]\n", 66, "is not a pair", "bus > metro"),
    ("days = [\"workday\"]", "not_dates = [\"2026-13-01\"]", 8, "is not a range of dates", "2026-10-01"),
    ("not_when = [\"peak\"]", "exit_when = [\"peek\"]", 80, "is not a period of this version", "did you mean `peak`?"),
    ("rides_max = 1\n", "rides_max = 1\npairs = [\"bus metro\"]\n", 66, "is not a pair", "bus > metro"),
    ("rides_max = 1\n", "rides_max = 1\nplace_pairs = [\"101 > station:102\"]\n", 66, "`101` is not a place", "station:101"),
    ("rides_max = 1\n", "rides_max = 1\nline_pairs = [\"5\"]\n", 66, "`5` is not a pair", "5 > 7"),
    (QUOTA, "nth = { per = \"journey\", rides = [2] }", 82, "does not say which transfer rule joins the rides of a journey", "transfer = "),
    (QUOTA, "nth = { per = \"journey\", transfer = \"chang\", rides = [2] }", 82, "is not a transfer rule before this one", "did you mean `change`?"),
    (QUOTA, "nth = { per = \"journey\", transfer = \"students\", rides = [2] }", 82, "is not a transfer rule before this one", "stands before"),
    (QUOTA, "nth = { per = \"day\", transfer = \"change\", rides = [2] }", 82, "cannot be `day`", "journey"),
    (QUOTA, "nth = { transfer = \"change\", rides = [2] }", 82, "`adjust.nth.per` is missing", "journey"),
    (QUOTA, "nth = { per = \"journey\", transfer = \"change\" }", 82, "does not say which rides", "from = 11"),
    (DAY, "rule = \"surcharge\"\namount_minor = 300\nfunder = \"earner\"", 93, "nobody funds it", "leave the funder out"),
    (DAY, "rule = \"surcharge\"\namount_minor = 300\nstack = \"cheapest\"", 93, "neither replaces nor competes", "leave `stack` out"),
    (DAY, "rule = \"surcharge\"\namount_minor = 0", 93, "a surcharge of nothing", "3.00"),
    (DAY, "rule = \"surcharge\"", 93, "`adjust.amount_minor` is missing", "minor units"),
    (DAY, "rule = \"surcharge\"\namount_minor = 300\nround_to_minor = 10", 93, "of whole units", "leave round_to_minor"),
    ("rides_max = 1\n", "rides_max = 1\ntransfers = \"3-2\"\n", 66, "`transfers` cannot be", "4+"),
    ("rides_max = 1\n", "rides_max = 1\ntransfers = \"2+\"\n", 60, "beyond `rides_max`", "raise"),
    ("rides_max = 1\n", "rides_max = 1\nother_operator = true\nsame_operator = true\n", 60, "exclude each other", ""),
    ("percent = \"0\"\n", "through = true\nmodes = [\"bus\"]\n", 67, "is not TOML", ""),
    ("classes = [\"student\"]\n", "", 69, "names no classes", "student"),
    ("classes = [\"student\"]\n", "classes = []\n", 69, "`classes` is an empty list", "leave it out"),
    ("unless = [\"change\"]", "unless = [\"day\"]", 73, "is not a rule before this one", "before"),
    ("percent = \"50\"\nfunder = \"fund-01\"", "percent = \"150\"\nfunder = \"fund-01\"", 74, "is not a percentage from 0 to 100", "still pays"),
    ("percent = \"50\"\nfunder = \"fund-01\"", "percent = \"33.333\"\nfunder = \"fund-01\"", 74, "is not a percentage", "two decimals"),
    ("percent = \"50\"\nfunder = \"fund-01\"", "percent = \"50\"", 69, "names no funder: nobody pays", "earner"),
    (
        "percent = \"50\"\nfunder = \"fund-01\"",
        "percent = \"50\"\nfunder = \"earner\"\nfunders = [{ party = \"fund-01\", weight = 1 }]",
        75,
        "names `funder` and `funders`",
        "keep one",
    ),
    (
        "percent = \"50\"\nfunder = \"fund-01\"",
        "percent = \"50\"\nfunders = [{ party = \"fund-01\", weight = 1 }, { party = \"fund-01\", weight = 1 }]",
        75,
        "funds the same rule twice",
        "add up",
    ),
    ("percent = \"50\"\nfunder = \"fund-01\"", "percent = \"50\"\nfunder = \"fund-02\"\nstack = \"cheap\"", 76, "cannot be `cheap`", "cheapest"),
    ("percent = \"50\"\nfunder = \"fund-01\"", "percent = \"50\"\nfunder = \"fund-02\"", 1, "4 funders could share one ride; at most 3 can", "fewer"),
    ("not_when = [\"peak\"]", "not_when = [\"peek\"]", 80, "is not a period of this version", "did you mean `peak`?"),
    ("ages = \"60-69\"", "ages = \"69-60\"", 81, "`ages` cannot be `69-60`", "completed years"),
    ("rides = 60 }", "ridez = 60 }", 82, "unknown key `adjust.quota.ridez`", "did you mean `rides`?"),
    ("quota = { per = \"month\", rides = 60 }", "quota = { per = \"month\", amount_minor = 60 }", 77, "is of money", "incentive"),
    ("quota = { per = \"month\", rides = 60 }", "nth = { per = \"month\", from = 5, to = 4 }", 82, "it is for no ride", ""),
    ("quota = { per = \"month\", rides = 60 }", "zones = \"0-3\"", 82, "`zones` cannot be `0-3`", "from 1 to 63"),
    (QUOTA, "kinds = [\"boarding\"]\npurse = { filled_by = [{ base = \"shop\", rides = 10 }] }", 83, "`shop` is not a base rule", "did you mean `shops`?"),
    (
        QUOTA,
        "kinds = [\"boarding\"]\npurse = { filled_by = [{ base = \"bus\", rides = 10 }] }",
        83,
        "`bus` is not for what is bought alone",
        "pass and payment",
    ),
    (QUOTA, "purse = { filled_by = [{ base = \"shops\", rides = 10 }] }", 82, "the purse would pay for `shops`, which fills it", "kinds"),
    (QUOTA, "kinds = [\"boarding\"]\npurse = { filled_by = [{ base = \"shops\" }] }", 83, "`adjust.purse.filled_by.rides` is missing", "10"),
    (QUOTA, "kinds = [\"boarding\"]\npurse = { emptied_by = [\"shops\"] }", 83, "`adjust.purse.filled_by` is missing", "rides = 10"),
    (
        QUOTA,
        "kinds = [\"boarding\"]\npurse = { filled_by = [{ base = \"shops\", rides = 10 }], emptied_by = [\"shops\"] }",
        83,
        "fills or empties the purse twice",
        "once",
    ),
    (
        QUOTA,
        "kinds = [\"boarding\"]\nquota = { per = \"month\", rides = 60 }\npurse = { filled_by = [{ base = \"shops\", rides = 10 }] }",
        77,
        "has a quota and a purse",
        "each",
    ),
    ("rides_max = 1\n", "rides_max = 1\nthrough_by = \"first\"\n", 60, "`through_by` says who makes one fare of all legs", "through = true"),
    ("rides_max = 1\npercent = \"0\"\n", "rides_max = 1\nthrough = true\nthrough_by = \"dear\"\n", 67, "cannot be `dear`", "dearest"),
    (
        "unknown_pair_minor = 900\n\n[[base]]\nname = \"train\"",
        "unknown_pair_minor = 900\nalone_minor = 200\n\n[[base]]\nname = \"train\"",
        22,
        "`alone_minor` is a price whatever the length",
        "distance",
    ),
    ("rides_max = 1\npercent = \"0\"\n", "rides_max = 1\nprices_minor = [150, 100]\n", 60, "2 prices for 1 transfers in a row", "rides_max"),
    ("rides_max = 1\npercent = \"0\"\n", "rides_max = 1\nprices_minor = []\n", 60, "`prices_minor` is an empty list", "second"),
    ("rides_max = 1\n", "rides_max = 1\nprices_minor = [150]\n", 60, "says in several ways what the rider pays", "prices_minor"),
    (HALF, "percent = \"3/2\"\nfunder = \"fund-01\"", 74, "`3/2` is not a percentage", "2/3"),
    (HALF, "percent = \"1/0\"\nfunder = \"fund-01\"", 74, "`1/0` is not a percentage", "2/3"),
    (HALF, "percent = \"1/10001\"\nfunder = \"fund-01\"", 74, "`1/10001` is not a percentage", "2/3"),
    (HALF, "percent = \"/3\"\nfunder = \"fund-01\"", 74, "`/3` is not a percentage", "2/3"),
    (HALF, "percent = \"50.555\"\nfunder = \"fund-01\"", 74, "`50.555` is not a percentage", "two decimals"),
    ("price_minor = 100\n", "price_minor = 100\nminimum_minor = 100\n", 77, "`price_minor` is not above `minimum_minor`", "alone"),
    ("rides_max = 1\n", "rides_max = 1\nminimum_minor = 100\n", 66, "unknown key `adjust.minimum_minor`", ""),
    ("rides_max = 1\n", "rides_max = 1\nwindow_rounded_to_minutes = 7\n", 66, "7 minutes do not divide a day", "60"),
    ("rides_max = 1\n", "rides_max = 1\nwindow_until = \"from 6 to 3\"\n", 66, "is not a range of times", "18:00 to 03:00"),
    ("window_minutes = 60\n", "window_minutes = 10080\nwindow_rounded_to_minutes = 60\n", 60, "would last even longer", "8640"),
    ("rule = \"tier\"\nper = \"month\"", "rule = \"tier\"", 86, "`adjust.per` is missing", "day"),
    ("rule = \"tier\"\nper = \"month\"", "rule = \"tier\"\nper = \"days\"", 86, "`adjust.days` is missing", "7"),
    ("from_minor = 0, percent = \"100\"", "from_minor = 1, percent = \"100\"", 86, "the first step does not begin at 0", "from_minor = 0"),
    ("from_minor = 10000, percent = \"80\"", "from_minor = 0, percent = \"80\"", 90, "does not begin after the step before", "upwards"),
    ("amount_minor = 2000\n", "amount_minor = 20\n", 93, "cap `day` is below one ride: `bus` costs 200 or more", "20.00"),
    ("per = \"day\"\namount_minor = 2000\n", "per = \"day\"\n", 93, "caps nothing", "rides"),
    (
        "amount_minor = 2000\n",
        "amounts = [{ zones = \"1-2\", amount_minor = 900 }, { zones = \"1-3\", amount_minor = 800 }]\n",
        98,
        "cost less than zones 1-2",
        "not lower",
    ),
    (
        "modes = [\"bus\"]\nper = \"day\"",
        "modes = [\"bus\"]\nstack = \"cheapest\"\nper = \"day\"",
        93,
        "cannot be one of several of which the cheapest wins",
        "after them",
    ),
    ("modes = [\"bus\"]\nper = \"day\"", "kinds = [\"pass\"]\nper = \"day\"", 93, "adjustment `day` is for no ride that has a price", "compare"),
    ("name = \"day\"", "name = \"spend\"", 93, "two adjustments are called `spend`", "name"),
    ("limits = [{ per = \"day\", rides = 2 }]", "limits = [{ per = \"day\" }]", 105, "limits nothing", "rides"),
    (
        "budget_minor = 10000\nfunder = \"issuer\"",
        "budget_minor = 10000\nfunders = [{ party = \"issuer\", weight = 1 }, { party = \"earner\", weight = 1 }]",
        101,
        "has a budget and several funders",
        "each funder",
    ),
    (
        "steps = [{ from_minor = 0, percent = \"100\" }, { from_minor = 10000, percent = \"80\" }]\nfunder = \"earner\"\n",
        "steps = [{ from_minor = 0, percent = \"100\" }]\nfunder = \"earner\"\nreading = \"marginal\"\n\n[[adjust]]\nname = \"late\"\nrule = \"discount\"\npercent = \"50\"\nfunder = \"earner\"\n",
        86,
        "tier `spend` lays what is paid against its steps, and `late` still lowers that",
        "after what lowers",
    ),
    (
        "per = \"day\"\namount_minor = 2000",
        "per = \"day\"\namounts = [{ zones = \"1-3\", amount_minor = 500 }, { zones = \"1-2\", amount_minor = 600 }]",
        98,
        "zones 1-3 cost less than zones 1-2, which are part of them",
        "is not lower",
    ),
    // Shares.
    ("by = \"fixed\"", "by = \"list-price\"", 109, "does not say which transfer joins its rides", "transfer"),
    ("by = \"fixed\"", "by = \"fixd\"", 112, "cannot be `fixd`", "did you mean `fixed`?"),
    (
        "by = \"fixed\"\nweights = [{ party = \"operator-01\", weight = 1 }, { party = \"operator-02\", weight = 2 }]",
        "by = \"list-price\"\ntransfer = \"change\"\n\n[[share]]\nname = \"again\"\nby = \"distance\"\ntransfer = \"change\"",
        115,
        "shares `joint` and `again` pool the rides of one transfer rule",
        "one share",
    ),
    ("{ party = \"operator-02\", weight = 2 }", "{ party = \"operator-02\" }", 113, "is not a share", "weight"),
];

#[test]
fn each_mistake_has_its_line_its_reason_and_a_hint() {
    assert!(CASES.len() >= 40);
    let mut wrong = Vec::new();
    for &(from, to, line, message, hint) in CASES {
        assert_eq!(GOOD.matches(from).count(), 1, "{from:?} stands once");
        let found = read(&TABLES, &[("tariff.toml", &GOOD.replace(from, to))]);
        let fits = |mistake: &Mistake| {
            let hinted = hint.is_empty() || mistake.hint.as_ref().is_some_and(|todo| todo.contains(hint));
            mistake.file == "tariff/tariff.toml" && mistake.line == Some(line) && mistake.message.contains(message) && hinted
        };
        if !found.iter().any(fits) || found.len() > 3 {
            wrong.push(format!("{from:?} to {to:?}, wanted line {line} {message:?} {hint:?}, gives\n{found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), CASES.len(), wrong.join("\n\n"));
}

#[test]
fn each_mistake_of_a_table_has_its_line() {
    for (table, from, to, line, message) in [
        ("fares.csv", "2,1,300\n", "", None, "1 pairs of stations have no price in tariff/fares.csv, the first from station:2 to station:1"),
        ("fares.csv", "2,1,300", "2,1,3.00", Some(3), "is not a pair of stations with a fare in minor units"),
        ("fares.csv", "2,1,300", "1,2,300", Some(3), "names a pair that an earlier line has priced"),
        ("fares.csv", "a,b,fare", "a,b,price", Some(1), "has no column `fare`"),
        ("edges.csv", "2,3,3000", "2,3,-1", Some(3), "is not a pair of stations with metres"),
        ("edges.csv", "2,3,3000", "4,5,3000", None, "pairs of stations have no price in tariff/edges.csv"),
        ("zones.csv", "B,2", "B,inner", Some(3), "is not a place with its zone"),
        ("zone-fares.csv", "1,2,200\n", "", None, "2 pairs of zones have no fare, the first from 1 to 2"),
        ("zone-fares.csv", "2,2,100", "1,2,100", Some(4), "names a pair that an earlier line has priced"),
        ("zone-fares.csv", "2,2,100", "2,99,100", Some(4), "is not a pair of zones with a fare"),
    ] {
        let tables = TABLES.map(|(name, text)| (name, if name == table { text.replace(from, to) } else { text.to_owned() }));
        let tables: Vec<(&str, &str)> = tables.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let found = read(&tables, &[("tariff.toml", GOOD)]);
        let file = if line.is_some() { format!("tariff/{table}") } else { "tariff/tariff.toml".to_owned() };
        let fits =
            |mistake: &Mistake| mistake.file == file && (line.is_none() || mistake.line == line) && mistake.message.contains(message) && mistake.hint.is_some();
        assert!(found.iter().any(fits), "{table} with {to:?}: {found:#?}");
    }
}

#[test]
fn each_mistake_of_areas_has_its_line() {
    let matrix = r#"matrix = { file = "fares.csv", from = "a", to = "b", fare_minor = "fare", location_kind = "station" }"#;
    let in_areas = r#"matrix = { file = "fares.csv", from = "a", to = "b", fare_minor = "fare" }
areas = { file = "areas.csv", place = "stop", area = "area", location_kind = "stop" }"#;
    let read_with = |areas: &str, fares: &str, tariff: &str| {
        let mut tables: Vec<(&str, &str)> = TABLES.iter().copied().filter(|(name, _)| *name != "fares.csv").collect();
        tables.extend([("areas.csv", areas), ("fares.csv", fares)]);
        read(&tables, &[("tariff.toml", tariff)])
    };
    let tariff = GOOD.replace(matrix, in_areas);
    let (areas, fares) = ("stop,area\n1,x\n2,y\n", "a,b,fare\nx,y,200\ny,*,300\n*,*,100\n");
    assert_eq!(read_with(areas, fares, &tariff), []);
    for (file, areas, fares, line, message) in [
        ("areas.csv", "stop,area\n1,x\n1,y\n", fares, 3, "names a place that line 2 has put into an area"),
        ("areas.csv", "stop,area\n,x\n", fares, 2, "is not a place with its area"),
        ("areas.csv", "stop,zone\n1,x\n", fares, 1, "has no column `area`"),
        ("fares.csv", areas, "a,b,fare\n*,*,1\n*,*,2\n", 3, "names a pair that an earlier line has priced"),
        ("fares.csv", areas, "a,b,fare\nx,,2\n", 2, "is not a pair of stations with a fare"),
    ] {
        let found = read_with(areas, fares, &tariff);
        assert!(
            found.iter().any(|mistake| mistake.file == format!("tariff/{file}") && mistake.line == Some(line) && mistake.message.contains(message)),
            "{found:#?}"
        );
    }
    let found = read_with(areas, fares, &tariff.replace("areas = {", "matrix_areas = {"));
    assert!(found.iter().any(|mistake| mistake.message.contains("location_kind")), "codes are places unless areas say otherwise: {found:#?}");
}

#[test]
fn mistakes_between_versions_are_found() {
    let found = read(&TABLES, &[("a.toml", GOOD), ("b.toml", GOOD)]);
    assert!(found.iter().any(|mistake| mistake.message == "two files are in force from 2026-01-01" && mistake.hint.is_some()), "{found:#?}");
    let later = GOOD
        .replace("2026-01-01", "2027-01-01")
        .replace("rule = \"cap\"\nmodes = [\"bus\"]\nper = \"day\"", "rule = \"cap\"\nmodes = [\"bus\"]\nper = \"week\"");
    let found = read(&TABLES, &[("a.toml", GOOD), ("b.toml", &later)]);
    assert!(found.iter().any(|mistake| mistake.message.contains("`day` counts differently in two versions") && mistake.hint.is_some()), "{found:#?}");
    assert_eq!(read(&TABLES, &[("a.toml", GOOD), ("b.toml", &GOOD.replace("2026-01-01", "2027-01-01"))]), []);
}

#[test]
fn a_tariff_without_a_file_or_a_base_is_refused() {
    assert!(read(&TABLES, &[]).iter().any(|mistake| mistake.message == "holds no .toml file"));
    let found = read(&[], &[("tariff.toml", "in_force_from = \"2026-01-01\"\n")]);
    assert!(found.iter().any(|mistake| mistake.message.contains("nothing has a price") && mistake.line == Some(1)));
}
