//! What a scheme's author gets to read: every mistake at once, each with file, line, and what to do.

mod scheme_small;

use domain::SymbolTable;
use engine::mistake::Mistake;
use engine::scheme::Scheme;
use scheme_small::FILES;

/// One change to one file: what is replaced (once), by what, and the mistake that follows.
struct Spoiled {
    file: &'static str,
    from: &'static str,
    to: &'static str,
    /// Where the mistake is reported when not in the changed file.
    reported_in: Option<&'static str>,
    line: Option<u32>,
    message: &'static str,
    hint: &'static str,
}

const fn spoiled(file: &'static str, from: &'static str, to: &'static str, line: u32, message: &'static str, hint: &'static str) -> Spoiled {
    Spoiled { file, from, to, reported_in: None, line: Some(line), message, hint }
}

fn read_changed(changes: &[(&str, &str, &str)]) -> Result<Scheme, Vec<Mistake>> {
    let folder = tempfile::tempdir().expect("a folder");
    scheme_small::write(folder.path(), &FILES);
    for (file, from, to) in changes {
        let path = folder.path().join(file);
        let text = std::fs::read_to_string(&path).expect("a file of the small scheme");
        assert_eq!(text.matches(from).count(), 1, "{from:?} stands once in {file}");
        std::fs::write(path, text.replace(from, to)).expect("a changed file");
    }
    Scheme::read(folder.path(), &SymbolTable::new())
}

fn mistakes(changes: &[(&str, &str, &str)]) -> Vec<Mistake> {
    read_changed(changes).expect_err("a spoiled scheme is refused")
}

#[test]
fn the_small_scheme_itself_has_no_mistake() {
    let scheme = read_changed(&[]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert_eq!(scheme.parties.list().len(), 8);
    assert_eq!(scheme.terminals.list().len(), 4);
}

#[test]
fn each_mistake_has_its_line_and_a_hint() {
    let table = [
        spoiled("scheme.toml", "cut_off", "cutt_off", 7, "unknown key `cutt_off`", "did you mean `cut_off`?"),
        spoiled("scheme.toml", "\"04:00\"", "\"4 am\"", 7, "`cut_off` cannot be `4 am`", "04:00"),
        spoiled("scheme.toml", "Asia/Shanghai", "Asia/Shangai", 4, "unknown time zone", "did you mean `Asia/Shanghai`?"),
        spoiled("scheme.toml", "hold-all", "hold_all", 8, "`conflict` cannot be `hold_all`", "did you mean `hold-all`?"),
        spoiled("scheme.toml", "hub-01", "hub-1", 9, "`hub-1` is not a party of kind hub", "did you mean `hub-01`?"),
        spoiled("scheme.toml", "\"CNY\"", "\"yuan\"", 5, "`currency` cannot be `yuan`", "ISO 4217"),
        spoiled("scheme.toml", "minor_digits = 2", "minor_digits = 9", 6, "`minor_digits` is out of range", "from 0 to 4"),
        spoiled("scheme.toml", "acceptance_days = 30", "acceptance_days = \"30\"", 13, "`limits.acceptance_days` is a whole number", ""),
        spoiled("scheme.toml", "\"2020-01-01\"", "\"2020-13-01\"", 12, "`limits.earliest` is not a date", "2026-03-02"),
        spoiled("scheme.toml", "payment = 500000", "paiment = 500000", 17, "unknown key `limits.amount_max_by_kind_minor.paiment`", "`payment`"),
        spoiled("scheme.toml", "locations = true", "locations = \"yes\"", 21, "`open.locations` is true or false", ""),
        spoiled("scheme.toml", "\"charged_minor\"", "\"charge_minor\"", 36, "unknown detail column `charge_minor`", "did you mean `charged_minor`?"),
        spoiled("scheme.toml", "\"card\"", "\"line\"", 36, "detail column `line` is listed twice", ""),
        spoiled("scheme.toml", "card_for_others = \"token\"", "card_for_others = \"number\"", 38, "`settlement.card_for_others` cannot be", "token, pseudonym"),
        spoiled("scheme.toml", "grace_minutes = 60", "grace_minutes 60", 33, "is not TOML", ""),
        spoiled("parties.csv", "name_zh,run_by", "name_cn,run_by", 2, "column `name_zh` is missing", "name_zh"),
        spoiled("parties.csv", "operator-02,operator,", "operator-02,opertor,", 6, "unknown kind `opertor`", "did you mean `operator`?"),
        spoiled(
            "parties.csv",
            "operator-02,operator,Metro",
            "metro-02,operator,Metro",
            6,
            "`metro-02` cannot be the id of a party of kind operator",
            "operator-01",
        ),
        spoiled("parties.csv", "operator-02,operator,Metro", "operator-01,operator,Metro", 6, "party `operator-01` is already on line 5", "once"),
        spoiled(
            "parties.csv",
            "operator-01,\nvenue-002",
            "operator-03,\nvenue-002",
            7,
            "`run_by` names an unknown party `operator-03`",
            "did you mean `operator-0",
        ),
        spoiled("parties.csv", "operator-01,\nvenue-002", "bank-01,\nvenue-002", 7, "`run_by` is `bank-01`, a party of kind bank", "operator"),
        spoiled("parties.csv", "资金,,", "资金,operator-01,", 10, "a party of kind fund is not run by another", "empty"),
        spoiled("parties.csv", "\"Shop, the first\"", "Shop, the first", 9, "7 fields where the header has 6", "double quotes"),
        spoiled("parties.csv", "\"Shop, the first\"", "\"Shop the first", 9, "a quote is opened and not closed", ""),
        spoiled("parties.csv", "Bank,银行", "Bank,", 4, "`name_zh` is empty", ""),
        spoiled("locations.csv", "station,5", "line,5", 3, "line `5` is already on line 2", "once"),
        spoiled("locations.csv", "merchant-01", "merchant-1", 4, "`party` names an unknown party `merchant-1`", "did you mean `merchant-01`?"),
        spoiled("locations.csv", "shop,1", "Shop,1", 4, "`Shop` cannot be a kind", "lowercase"),
        spoiled("terminals.csv", "station:5", "station:6", 4, "`location` names an unknown place `station:6`", "did you mean `station:5`?"),
        spoiled("terminals.csv", "7002,0,operator-02", "7002,0,fund-01", 4, "`operator` is `fund-01`, a party of kind fund", "operator, venue or merchant"),
        spoiled("terminals.csv", "operator-02,metro", "operator-02,metto", 4, "unknown mode `metto`", "did you mean `metro`?"),
        spoiled("terminals.csv", "7001,1", "7001,one", 3, "`epoch` is not a whole number", ""),
        spoiled("terminals.csv", "2026-03-01 04:00", "2026-03-01 25:00", 3, "`from` is not a date or time", "2026-03-02 04:00"),
        spoiled("terminals.csv", "2026-02-28", "2025-02-28", 2, "`to` is before `from`", "last day"),
        spoiled("cards.csv", "c2,a1", "c1,a1", 3, "this token is already on line 2", "once"),
        spoiled("cards.csv", "c2,a1", "4111111111111111,a1", 3, "`token` looks like a card number", "token"),
        spoiled("cards.csv", "bank-01,student", "bank-02,student", 4, "`issuer` names an unknown party `bank-02`", "did you mean `bank-01`?"),
        spoiled("cards.csv", "student", "studnt", 4, "unknown class `studnt`", "did you mean `student`?"),
        spoiled("cards.csv", "2026-12-31", "2024-12-31", 2, "`valid_to` is before `valid_from`", ""),
        spoiled("cards.csv", "c3,,", "a-token-that-is-far-too-long,,", 4, "`token` is longer than 24 bytes", ""),
        spoiled("hotlist.csv", "2026-02-20 09:00", "20 February", 2, "`effective` is not a date or time", "2026-03-02"),
        spoiled("hotlist.csv", ",12,", ",v12,", 2, "`version` is not a whole number", ""),
        spoiled("calendar.csv", "2026-02-16", "2026-02-14", 3, "2026-02-14 is in the calendar twice", ""),
        spoiled("calendar.csv", "holiday", "holliday", 3, "unknown kind `holliday`", "did you mean `holiday`?"),
        spoiled("fees.toml", "\"0.3%\"", "\"30 per mille\"", 4, "`fee.rate` cannot be `30 per mille`", "0.3%"),
        spoiled("fees.toml", "\"0.3%\"", "0.003", 4, "`fee.rate` is a text", ""),
        spoiled("fees.toml", "\"operator\"", "\"operater\"", 2, "`fee.earner` cannot be `operater`", "did you mean `operator`?"),
        spoiled("fees.toml", "to = \"2026-12-31\"", "to = \"2025-12-31\"", 6, "`fee.to` is before `fee.from`", ""),
        spoiled("fees.toml", "per = \"service-day\"", "per = \"day\"", 12, "`fee.per` cannot be `day`", "allowed: record, service-day"),
        spoiled("keys.toml", "vault = \"0303", "vault = \"03", 3, "`vault` is not a 32-byte key", "64 hex digits"),
        spoiled("keys.toml", "vault =", "suite = \"shanghmi\"\nvault =", 3, "`suite` cannot be `shanghmi`", "did you mean `shangmi`?"),
        spoiled("tariff/tariff.toml", "\"flat\"", "\"flatt\"", 6, "`flatt` is not a way to price", "flat"),
        Spoiled {
            file: "scheme.toml",
            from: "earliest = \"2020-01-01\"\n",
            to: "",
            reported_in: None,
            line: Some(11),
            message: "`limits.earliest` is missing",
            hint: "for example",
        },
        Spoiled {
            file: "tariff/tariff.toml",
            from: "amount_minor = 200",
            to: "amount_minor = 200\noperators = [\"operator-09\"]",
            reported_in: Some("tariff"),
            line: None,
            message: "names an unknown party `operator-09`",
            hint: "did you mean",
        },
    ];
    for case in table {
        let found = mistakes(&[(case.file, case.from, case.to)]);
        let file = case.reported_in.unwrap_or(case.file);
        let fits = |mistake: &Mistake| {
            mistake.file == file
                && mistake.line == case.line
                && mistake.message.contains(case.message)
                && (case.hint.is_empty() || mistake.hint.as_ref().is_some_and(|hint| hint.contains(case.hint)))
        };
        assert!(found.iter().any(fits), "{}: {:?} to {:?} gives\n{found:#?}", case.file, case.from, case.to);
        // A name that is lost with its row may be missed in two other files, and no more.
        assert!(
            found.len() <= 3,
            "{}: {:?} gives more than it should
{found:#?}",
            case.file,
            case.to
        );
    }
}

#[test]
fn a_fare_matrix_lies_beside_its_tariff() {
    for file in ["../fares.csv", "deeper/fares.csv", "/etc/fares.csv", "deeper\\\\fares.csv", "..", ".", "", "fares.csv/", "fares.txt", ".fares.csv", "map.csv"]
    {
        let price = format!(
            "kinds = [\"tap-off\"]\nprice = \"matrix\"\nno_tap_on_minor = 0\nno_tap_off_minor = 0\nunknown_pair_minor = 0\n\
             matrix = {{ file = \"{file}\", from = \"a\", to = \"b\", fare_minor = \"c\", location_kind = \"station\" }}\n"
        );
        let found = mistakes(&[("tariff/tariff.toml", "kinds = [\"boarding\"]\nprice = \"flat\"\n", &price)]);
        let [mistake] = found.as_slice() else { panic!("{file}: {found:#?}") };
        assert_eq!(mistake.to_string(), "tariff/tariff.toml:10: `matrix.file` is not the name of a .csv file in `tariff/`");
        assert!(mistake.hint.as_ref().is_some_and(|hint| hint.contains("beside the tariff file")));
    }
}

#[test]
fn a_repeated_card_still_shows_what_else_is_wrong_with_it() {
    let found = mistakes(&[("cards.csv", "c2,a1,bank-01,adult,qr,,", "c1,a1,bank-01,adult,qr,may,")]);
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["cards.csv:3: `valid_from` is not a date", "cards.csv:3: this token is already on line 2"]);
}

#[test]
fn mistakes_of_several_files_are_reported_together_in_file_and_line_order() {
    let changes =
        [("terminals.csv", "7002,0,operator-02", "7002,0,operator-22"), ("cards.csv", "student", "studnt"), ("cards.csv", "1980-05-01\nc2", "may\nc2")];
    let found: Vec<_> = mistakes(&changes).into_iter().map(|mistake| (mistake.file, mistake.line)).collect();
    assert_eq!(found, [("cards.csv".to_owned(), Some(2)), ("cards.csv".to_owned(), Some(4)), ("terminals.csv".to_owned(), Some(4))]);
}

#[test]
fn periods_of_one_terminal_and_epoch_may_not_overlap() {
    let found = mistakes(&[("terminals.csv", "7001,1,operator-01,bus,line:5,2026-03-01 04:00", "7001,0,operator-01,bus,line:5,2026-02-28 23:00")]);
    assert_eq!(found.len(), 1);
    assert_eq!(found.first().map(ToString::to_string).as_deref(), Some("terminals.csv:3: this period overlaps that of line 2"));
    let apart = read_changed(&[("terminals.csv", "7001,1,", "7001,0,")]);
    assert!(apart.is_ok(), "{apart:?}");
}

#[test]
fn a_missing_file_says_how_to_make_it() {
    for (file, hint) in [("keys.toml", "openssl rand -hex 32"), ("scheme.toml", "docs/scheme.md"), ("parties.csv", "id,kind,name_en")] {
        let folder = tempfile::tempdir().expect("a folder");
        scheme_small::write(folder.path(), FILES.iter().filter(|(name, _)| *name != file));
        let found = Scheme::read(folder.path(), &SymbolTable::new()).expect_err("incomplete");
        let mistake = found.iter().find(|mistake| mistake.file == file).unwrap_or_else(|| panic!("{file}: {found:#?}"));
        assert_eq!((mistake.line, mistake.message.as_str()), (None, "this file is missing"));
        assert!(mistake.hint.as_ref().is_some_and(|text| text.contains(hint)), "{mistake:?}");
    }
}

#[test]
fn a_folder_that_is_not_there_is_one_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let found = Scheme::read(&folder.path().join("nowhere"), &SymbolTable::new()).expect_err("no folder");
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["scheme.toml: the scheme's folder does not exist"]);
}

#[test]
fn a_misnamed_file_is_not_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    scheme_small::write(folder.path(), &FILES);
    std::fs::rename(folder.path().join("cards.csv"), folder.path().join("card.csv")).expect("renamed");
    let found = Scheme::read(folder.path(), &SymbolTable::new()).expect_err("misnamed");
    assert_eq!(found.first().and_then(|mistake| mistake.hint.as_deref()), Some("did you mean `cards.csv`?"));
}

#[test]
fn no_message_shows_a_card_number_or_token() {
    // In the right column, in a wrong one, and as a token that is on two lists.
    let number = "6222021234567890";
    for (file, from) in [("cards.csv", "c2,a1"), ("cards.csv", "student"), ("cards.csv", "bank-01,student"), ("hotlist.csv", "2026-02-20 09:00")] {
        for found in mistakes(&[(file, from, number)]) {
            assert!(!format!("{found:?}").contains(number), "{found:?}");
        }
    }
    let twice = mistakes(&[("cards.csv", "c2,a1,bank-01,adult,qr", "secret-token,a1,bank-01,adult,qr,,,\nsecret-token,a1,bank-01,adult,qr")]);
    assert!(!twice.is_empty() && !format!("{twice:?}").contains("secret-token"));
}

#[test]
fn a_file_saved_by_a_spreadsheet_reads_alike() {
    let read_bytes = |bytes: &[u8]| {
        let folder = tempfile::tempdir().expect("a folder");
        scheme_small::write(folder.path(), &FILES);
        std::fs::write(folder.path().join("parties.csv"), bytes).expect("a file");
        let symbols = SymbolTable::new();
        Scheme::read(folder.path(), &symbols).map(|scheme| scheme.parties.list().to_vec())
    };
    let [_, (_, parties), ..] = FILES;
    let plain = read_bytes(parties.as_bytes()).expect("good");
    let saved = format!("\u{feff}{}", parties.replace('\n', "\r\n"));
    assert_eq!(read_bytes(saved.as_bytes()), Ok(plain));
    // 银行 in GBK, on line 4: not guessed at.
    let mut gbk = parties.split("银行").next().expect("the bank's line").as_bytes().to_vec();
    gbk.extend_from_slice(b"\xd2\xf8\xd0\xd0,,\n");
    let found = read_bytes(&gbk).expect_err("not UTF-8");
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), ["parties.csv:4: is not UTF-8 text here"]);
}

#[test]
fn equal_keys_are_refused() {
    let found = mistakes(&[(
        "keys.toml",
        "0202020202020202020202020202020202020202020202020202020202020202",
        "0101010101010101010101010101010101010101010101010101010101010101",
    )]);
    assert_eq!(found.first().map(ToString::to_string).as_deref(), Some("keys.toml:2: `pseudonym` is the same key as `token`"));
}

#[test]
fn the_digest_tells_every_byte_and_no_order() {
    let digest = |files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().expect("a folder");
        scheme_small::write(folder.path(), files);
        Scheme::read(folder.path(), &SymbolTable::new()).expect("good").digest
    };
    let same = digest(&FILES);
    let mut turned = FILES;
    turned.reverse();
    assert_eq!(digest(&turned), same);
    for at in 0..FILES.len() {
        let mut changed = FILES;
        let longer = format!("{}# one more line\n", changed[at].1);
        changed[at].1 = &longer;
        assert_ne!(digest(&changed), same, "{}", changed[at].0);
    }
    // What is no part of the scheme leaves it the same: mappings and notes.
    let mut more = FILES.to_vec();
    more.extend([("map.toml", "x = 1"), ("README.md", "words")]);
    assert_eq!(digest(&more), same);
    // A fare table counts, wherever it lies.
    for extra in ["fares.csv", "tariff/fares.csv"] {
        let mut more = FILES.to_vec();
        more.push((extra, "from,to,fare\n"));
        assert_ne!(digest(&more), same);
    }
}

/// The small scheme with rules for oddities, which are the lines from 35 on, and a file of ways where one is given.
fn with_oddities(rules: &str, locations: &str, travel: Option<&str>) -> Result<Scheme, Vec<Mistake>> {
    let folder = tempfile::tempdir().expect("a folder");
    scheme_small::write(folder.path(), &FILES);
    let settings = FILES[0].1.replace("[settlement]", &format!("{rules}\n[settlement]"));
    assert_eq!(settings.lines().position(|line| Some(line) == rules.lines().next()), Some(34), "where the rules begin");
    std::fs::write(folder.path().join("scheme.toml"), settings).expect("written");
    if !locations.is_empty() {
        std::fs::write(folder.path().join("locations.csv"), locations).expect("written");
    }
    if let Some(travel) = travel {
        std::fs::write(folder.path().join("travel.csv"), travel).expect("written");
    }
    Scheme::read(folder.path(), &SymbolTable::new())
}

const PLACES: &str = "kind,code,operator,party,latitude,longitude\nline,5,operator-01,,,\nstation,5,operator-02,,30.5,104\nshop,1,,merchant-01,30.6,104.1\n";

#[test]
fn rules_for_oddities_are_checked_like_all_else() {
    let all = "[oddities.same_gate]\nmodes = [\"metro\"]\n[oddities.travel]\n[oddities.missing_tap_offs]\n[oddities.counters]\n";
    let scheme = with_oddities(all, PLACES, None).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let rules = scheme.oddities.expect("they are on");
    let [gate, travel, missing] = [rules.same_gate.is_some(), rules.travel.is_some(), rules.missing_tap_offs.is_some()];
    assert!(gate && travel && missing && rules.counters.is_some() && rules.clock_ms == 60_000);
    assert_eq!(
        scheme.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["locations.csv: 1 of 3 places have neither coordinates nor a row in travel.csv"]
    );
    let table = [
        ("[oddities]", PLACES, None, Some(35), "[oddities] has no rule, so nothing is looked for", "[oddities.same_gate]"),
        ("[oddities.same_gates]\n[oddities.counters]", PLACES, None, Some(35), "unknown key `oddities.same_gates`", "did you mean `same_gate`?"),
        ("[oddities.same_gate]\nwithin_seconds = 0", PLACES, None, Some(36), "`oddities.same_gate.within_seconds` is out of range", "from 1 to 3600"),
        (
            "[oddities.same_gate]\nmodes = [\"metr\"]",
            PLACES,
            None,
            Some(36),
            "`oddities.same_gate.modes` names an unknown mode `metr`",
            "did you mean `metro`?",
        ),
        ("[oddities.travel]\nspeed_max_kmh = \"400\"", PLACES, None, Some(36), "`oddities.travel.speed_max_kmh` is a whole number", ""),
        ("[oddities.missing_tap_offs]\nride = 3", PLACES, None, Some(36), "unknown key `oddities.missing_tap_offs.ride`", "did you mean `rides`?"),
        ("[oddities.counters]\ndays = 400", PLACES, None, Some(36), "`oddities.counters.days` is out of range", "from 1 to 366"),
        ("[oddities.travel]", "", None, Some(35), "[oddities.travel] has nothing to compare", "latitude and longitude"),
        ("[oddities.counters]", "", Some("from,to,seconds\n"), None, "no rule asks for it", "add [oddities.travel]"),
        (
            "[oddities.travel]",
            "",
            Some("from,to,seconds\nstation:6,shop:1,9\n"),
            Some(2),
            "`location` names an unknown place `station:6`",
            "did you mean `station:5`?",
        ),
        ("[oddities.travel]", "", Some("from,to,seconds\nstation:5,shop:1,0\n"), Some(2), "`seconds` is not a whole number", "the fastest way"),
        ("[oddities.travel]", "", Some("from,to,seconds\nstation:5,station:5,9\n"), Some(2), "`from` and `to` are one place", ""),
        ("[oddities.travel]", "", Some("from,to,seconds\nstation:5,shop:1,9\nstation:5,shop:1,8\n"), Some(3), "this way is already on line 2", "once"),
        ("[oddities.travel]", "", Some("from,to\nstation:5,shop:1\n"), Some(1), "column `seconds` is missing", "seconds"),
        (
            "[oddities.counters]",
            "kind,code,latitude,longitude\nline,5,91,0\nstation,5,,\nshop,1,,\n",
            None,
            Some(2),
            "`latitude` and `longitude` are no place",
            "30.6571",
        ),
        (
            "[oddities.counters]",
            "kind,code,latitude,longitude\nline,5,30.5,\nstation,5,,\nshop,1,,\n",
            None,
            Some(2),
            "`latitude` and `longitude` are no place",
            "both empty",
        ),
    ];
    for (rules, locations, travel, line, message, hint) in table {
        let mistakes = with_oddities(rules, locations, travel).expect_err(message);
        let found = mistakes.iter().find(|mistake| mistake.message.contains(message)).unwrap_or_else(|| panic!("{message}: {mistakes:#?}"));
        assert_eq!(found.line, line, "{message}");
        assert!(found.hint.as_deref().unwrap_or_default().contains(hint), "{message}: {found:?}");
    }
    // One row is enough, and holds both ways.
    let scheme = with_oddities("[oddities.travel]", "", Some("from,to,seconds\nstation:5,shop:1,90\n")).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert!(scheme.oddities.and_then(|rules| rules.travel).is_some_and(|travel| travel.longest_ms == 90_000));
}
