//! A small good scheme, written to a folder so that a test can spoil it.

use std::path::Path;

/// Its files: name and text. Line numbers in tests are those of these texts.
pub const FILES: [(&str, &str); 10] = [
    (
        "scheme.toml",
        r#"# A small programme.
name_en = "Small card"
name_zh = "小卡"
time_zone = "Asia/Shanghai"
currency = "CNY"
minor_digits = 2
cut_off = "04:00"
conflict = "hold-all"
hub = "hub-01"

[limits]
earliest = "2020-01-01"
acceptance_days = 30
future_skew_minutes = 10
hold_days = 20
amount_max_minor = 100000
amount_max_by_kind_minor = { payment = 500000 }
amount_max_by_product_minor = { medical = 2000000 }

[open]
locations = true

[words]
classes = ["adult", "student"]
media = ["plastic", "qr"]
modes = ["bus", "metro"]

[products]
payment = "retail"
venue = { pass = "admission" }

[hotlist]
grace_minutes = 60

[settlement]
detail_columns = ["line", "card", "charged_minor"]
list_zero_rides = false
card_for_others = "token"
"#,
    ),
    (
        "parties.csv",
        "# Who takes part.
id,kind,name_en,name_zh,run_by,city
hub-01,hub,Hub,清算中心,,
bank-01,bank,Bank,银行,,
operator-01,operator,Buses,公交,,north
operator-02,operator,Metro,地铁,,
venue-001,venue,Museum,博物馆,operator-01,
venue-002,venue,Park,公园,record,
merchant-01,merchant,\"Shop, the first\",商店,,
fund-01,fund,Fund,资金,,
",
    ),
    (
        "locations.csv",
        "kind,code,name_en,name_zh,party,operator,city
line,5,Line 5,五路,,operator-01,north
station,5,North Gate,北门,,operator-02,
shop,1,Shop,商店,merchant-01,,
",
    ),
    (
        "terminals.csv",
        "id,epoch,operator,mode,location,from,to
7001,0,operator-01,bus,line:5,2026-01-01,2026-02-28
7001,1,operator-01,bus,line:5,2026-03-01 04:00,
7002,0,operator-02,metro,station:5,,
7003,,merchant-01,,shop:1,,
",
    ),
    (
        "cards.csv",
        "token,account,issuer,class,medium,valid_from,valid_to,birth_date
c1,a1,bank-01,adult,plastic,2025-01-01,2026-12-31,1980-05-01
c2,a1,bank-01,adult,qr,,,1980-05-01
c3,,bank-01,student,plastic,,,
",
    ),
    ("hotlist.csv", "token,version,effective,reason\nc3,12,2026-02-20 09:00,lost\n"),
    ("calendar.csv", "date,kind,name\n2026-02-14,workday,make-up\n2026-02-16,holiday,Spring Festival\n"),
    (
        "fees.toml",
        r#"[[fee]]
earner = "operator"
product = "transit"
rate = "0.3%"

[[fee]]
earner = "merchant-01"
issuer = "bank"
from = "2026-01-01"
to = "2026-12-31"
rate = "0.38%"
per = "service-day"
"#,
    ),
    (
        "keys.toml",
        r#"token = "0101010101010101010101010101010101010101010101010101010101010101"
pseudonym = "0202020202020202020202020202020202020202020202020202020202020202"
vault = "0303030303030303030303030303030303030303030303030303030303030303"
"#,
    ),
    (
        "tariff/tariff.toml",
        r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 200
"#,
    ),
];

/// Writes the scheme's files into `dir`, in the order given.
pub fn write<'f>(dir: &Path, files: impl IntoIterator<Item = &'f (&'f str, &'f str)>) {
    std::fs::create_dir_all(dir.join("tariff")).expect("a folder");
    for (file, text) in files {
        std::fs::write(dir.join(file), text).expect("a file");
    }
}
