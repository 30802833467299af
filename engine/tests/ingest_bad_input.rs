//! Bad input is data: every malformed file, row and mapping here ends in the refusal that it says, and in no other.

use domain::SymbolTable;
use engine::ingest::{CHUNK_BYTES, Decoded, Decoder, DoorKeys, IngestError, Mapping, ROW_BYTES_MAX, Source};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

const MAP: &str = r#"
[[source]]
files = ["*.csv", "*.csv.gz"]
format = "csv"
id = { sequence = "seq", epoch = "epoch" }
[source.record]
kind = { column = "kind", values = { in = "tap-on", out = "tap-off", buy = "payment", back = "refund" } }
time = { column = "time", format = "epoch-ms", zone = "+08:00" }
terminal = "terminal"
card = { column = "card", as = "number" }
location = { column = "place", kind = { tap-on = "station", tap-off = "station", payment = "shop" } }
mode = { column = "mode", values = { m = "metro" } }
amount = { column = "amount", unit = "major", decimals = 2 }
charged = { column = "charged", unit = "minor" }
counter = "counter"
grey = "grey"
original = { column = "original", as = "id" }
arrival = "arrival"
source_ref = "ref"
"#;

const HEADER: &str = "kind,time,terminal,seq,epoch,card,place,mode,amount,charged,counter,grey,original,arrival,ref\n";
const GOOD: &str = "in,1535724890000,T1,7,,6222021234567890,12,m,,,,,,1,a\n";

const JSON_MAP: &str = r#"
[[source]]
files = ["*.json"]
format = "json"
array = "page.data"
id = { columns = ["card", "time"] }
[source.record]
kind = { value = "boarding" }
time = { column = "time", format = "%Y-%m-%d %H:%M:%S", zone = "Asia/Shanghai" }
card = { column = "card", as = "token" }
amount = { column = "amount", unit = "minor" }
[[source]]
files = ["*.jsonl"]
format = "json-lines"
id = { columns = ["card", "time"] }
[source.record]
kind = { value = "boarding" }
time = { column = "time", format = "%Y-%m-%d %H:%M:%S", zone = "Asia/Shanghai" }
card = { column = "card", as = "token" }
[[source]]
files = ["*.days"]
format = "csv"
header = false
id = { file_row = true }
[source.record]
kind = { value = "journey" }
time = { base = "2009-11-01", day = 1, minute = 2, zone = "Europe/London" }
[[source]]
files = ["*.gbk"]
format = "csv"
encoding = "gbk"
id = { file_row = true }
[source.record]
kind = { value = "boarding" }
time = { column = "time", format = "epoch-s", zone = "UTC" }
route = "route"
"#;

fn read(mapping: &str, name: &str, bytes: &[u8]) -> Result<Decoded, IngestError> {
    read_in_chunks(mapping, name, bytes, CHUNK_BYTES)
}

fn read_in_chunks(mapping: &str, name: &str, bytes: &[u8], chunk_bytes: usize) -> Result<Decoded, IngestError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("the file is written");
    read_path_in_chunks(mapping, &path, chunk_bytes)
}

fn read_path(mapping: &str, path: &Path) -> Result<Decoded, IngestError> {
    read_path_in_chunks(mapping, path, CHUNK_BYTES)
}

fn read_path_in_chunks(mapping: &str, path: &Path, chunk_bytes: usize) -> Result<Decoded, IngestError> {
    let mapping = Mapping::parse("map.toml", mapping).expect("a sound mapping");
    let section = mapping.section_for(path).expect("a section for the file");
    let symbols = SymbolTable::new();
    let mut decoder = Decoder::new(section, &symbols, DoorKeys { token_key: [1; 32] }, [2; 32]);
    let mut source = Source::open_in_chunks(path, section, chunk_bytes)?;
    let mut all = Decoded::default();
    while let Some(chunk) = source.next_chunk()? {
        let decoded = decoder.decode(&chunk);
        assert_eq!(decoded.records.len() + decoded.refusals.len(), usize::try_from(chunk.rows).expect("few"), "every row ends once");
        all.records.extend(decoded.records);
        all.rows.extend(decoded.rows);
        all.refusals.extend(decoded.refusals);
        all.cards.extend(decoded.cards);
    }
    Ok(all)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("it packs");
    packer.finish().expect("it packs")
}

#[test]
fn a_good_row_is_a_record() {
    let decoded = read(MAP, "day.csv", format!("{HEADER}{GOOD}").as_bytes()).expect("a sound file");
    assert_eq!((decoded.records.len(), decoded.refusals.len(), decoded.rows), (1, 0, vec![1]));
    assert_eq!(decoded.cards.len(), 1);
    // Line ends of another system, a byte order mark, no line end at the end, an empty file under a header.
    for text in [format!("\u{feff}{HEADER}{}", GOOD.trim_end()), format!("{HEADER}{GOOD}").replace('\n', "\r\n"), format!("\n\n{HEADER}\n\n{GOOD}\n\n")] {
        assert_eq!(read(MAP, "day.csv", text.as_bytes()).expect("a sound file").records, decoded.records);
    }
    assert!(read(MAP, "day.csv", HEADER.as_bytes()).expect("a header alone").records.is_empty());
    let packed = [gzip(HEADER.as_bytes()), gzip(GOOD.as_bytes())].concat();
    assert_eq!(read(MAP, "day.csv.gz", &packed).expect("two gzip members").records, decoded.records);
}

#[test]
fn a_card_number_has_at_most_32_bytes() {
    let with = |digits: usize| format!("{HEADER}{}", GOOD.replace("6222021234567890", &"6".repeat(digits)));
    let read = |digits: usize| read(MAP, "day.csv", with(digits).as_bytes()).expect("a sound file");
    assert_eq!((read(32).cards.len(), read(32).records.len(), read(32).refusals.len()), (1, 1, 0));
    assert_eq!((read(33).cards.len(), read(33).records.len(), read(33).refusals.len()), (0, 0, 1));
}

#[test]
fn a_local_time_is_the_instant_at_which_its_zone_s_clock_showed_it() {
    let lines = r#"{"card":"1","time":"2018-08-31 22:14:50"}
        {"card":"2","time":"1988-07-01 12:00:00"}"#;
    let decoded = read(JSON_MAP, "day.jsonl", lines.as_bytes()).expect("lines");
    let times: Vec<_> = decoded.records.iter().map(|record| (record.time.0, record.offset_min)).collect();
    // Shanghai had summer time in 1988.
    assert_eq!(times, [(1_535_724_890_000, 480), (583_729_200_000, 540)]);
    // London, 2009-11-01 and later: winter until 2010-03-28, whose day 148 is; minute 90 of that day is shown by no clock.
    let decoded = read(JSON_MAP, "part.days", b"1,61\n148,30\n148,121\n148,1500\n").expect("rows");
    let times: Vec<_> = decoded.records.iter().map(|record| (record.time.0, record.offset_min)).collect();
    let first = 1_257_033_600_000i64;
    let at = |day: i64, minute: i64| first + (day - 1) * 86_400_000 + minute * 60_000;
    assert_eq!(times, [(at(1, 61), 0), (at(148, 30), 0), (at(148, 61), 60), (at(148, 1440), 60)]);
}

#[test]
fn a_bad_row_is_refused_alone_and_says_why() {
    let long = "x".repeat(130);
    let cases: &[(&str, &str, &str)] = &[
        ("in,1535724890000,T1,7,,,12,m,,,,,,1", "", "has another number of fields than the header"),
        ("in,1535724890000,T1,7,,,12,m,,,,,,1,a,b", "", "has another number of fields than the header"),
        ("x", "", "has another number of fields than the header"),
        (",1535724890000,T1,7,,,12,m,,,,,,1,a", "kind", "is empty"),
        ("IN,1535724890000,T1,7,,,12,m,,,,,,1,a", "kind", "is no kind of record that the mapping knows"),
        ("in,,T1,7,,,12,m,,,,,,1,a", "time", "is empty"),
        ("in,yesterday,T1,7,,,12,m,,,,,,1,a", "time", "is not a time"),
        ("in,1535724890.5,T1,7,,,12,m,,,,,,1,a", "time", "is not a time"),
        ("in,99999999999999999999,T1,7,,,12,m,,,,,,1,a", "time", "is not a time"),
        ("in,1535724890000,,7,,,12,m,,,,,,1,a", "terminal", "is empty"),
        ("in,1535724890000,T1,,,,12,m,,,,,,1,a", "seq", "is empty"),
        ("in,1535724890000,T1,-7,,,12,m,,,,,,1,a", "seq", "is not a sequence number"),
        ("in,1535724890000,T1,18446744073709551616,,,12,m,,,,,,1,a", "seq", "is not a sequence number"),
        ("in,1535724890000,T1,7,4294967296,,12,m,,,,,,1,a", "epoch", "is not an epoch number"),
        ("in,1535724890000,T1,7,,,12,tram,,,,,,1,a", "mode", "is not in the mapping's table of values"),
        ("back,1535724890000,T1,7,,,12,m,,,,,,1,a", "place", "has no kind of place for this kind of record"),
        ("in,1535724890000,T1,7,,,LONG,m,,,,,,1,a", "place", "is longer than a name may be"),
        ("in,1535724890000,T1,7,,,\"1\n2\",m,,,,,,1,a", "place", "holds a control character"),
        ("in,1535724890000,T1,7,,,12,m,12.345,,,,,1,a", "amount", "has more decimals than its unit"),
        ("in,1535724890000,T1,7,,,12,m,1e3,,,,,1,a", "amount", "is not an amount"),
        ("in,1535724890000,T1,7,,,12,m,NaN,,,,,1,a", "amount", "is not an amount"),
        ("in,1535724890000,T1,7,,,12,m,\"1,50\",,,,,1,a", "amount", "is not an amount"),
        ("in,1535724890000,T1,7,,,12,m,99999999999999999999,,,,,1,a", "amount", "is too large an amount"),
        ("in,1535724890000,T1,7,,,12,m,,1.5,,,,1,a", "charged", "is not an amount in whole minor units"),
        ("in,1535724890000,T1,7,,,12,m,,,-1,,,1,a", "counter", "is not a whole number in range"),
        ("in,1535724890000,T1,7,,,12,m,,,4294967296,,,1,a", "counter", "is not a whole number in range"),
        ("in,1535724890000,T1,7,,,12,m,,,,maybe,,1,a", "grey", "is neither true nor false"),
        ("in,1535724890000,T1,7,,,12,m,,,,,the-first,1,a", "original", "is not a record id"),
        ("in,1535724890000,T1,7,,,12,m,,,,,,first,a", "arrival", "is not a whole number in range"),
        ("in,1535724890000,T1,7,,,12,m,,,,,,1,12345678901234567", "ref", "is not a reference of at most 16 bytes"),
        ("in,1535724890000,T1,7,,622202123456789062220212345678901,12,m,,,,,,1,a", "card", "is not a card number"),
        ("in,1535724890000,T1,7,,\"6222\t0212\",12,m,,,,,,1,a", "card", "is not a card number"),
        ("in,1535724890000,T\u{0},7,,,12,m,,,,,,1,a", "", "holds a NUL byte"),
    ];
    for (bad, column, problem) in cases {
        let bad = bad.replace("LONG", &long);
        // The head of a file tells its encoding, so that a NUL must come later.
        let text = format!("{HEADER}{}{bad}\n{GOOD}", GOOD.repeat(30));
        let decoded = read(MAP, "day.csv", text.as_bytes()).expect("the file itself is sound");
        let refusals: Vec<_> = decoded.refusals.iter().map(|refusal| (refusal.row, refusal.column.as_str(), refusal.problem)).collect();
        assert_eq!(refusals, [(31, *column, *problem)], "{bad}");
        assert_eq!((decoded.records.len(), decoded.rows.last()), (31, Some(&32)), "{bad}");
    }
    let wrong_text = [HEADER.as_bytes(), b"in,1535724890000,T\xff,7,,,12,m,,,,,,1,a\n", GOOD.as_bytes()].concat();
    let decoded = read(MAP, "day.csv", &wrong_text).expect("the file itself is sound");
    assert_eq!((decoded.refusals[0].row, decoded.refusals[0].problem, decoded.records.len()), (1, "is not text in the file's encoding", 1));
}

#[test]
fn a_bad_record_of_other_formats_is_refused_alone() {
    let json = |record: &str| format!(r#"{{"total":2,"page":{{"data":[{record},{{"card":"C","time":"2018-08-31 22:14:50","amount":"5"}}]}}}}"#);
    let cases: &[(&str, &str, &str)] = &[
        ("1", "", "is not a JSON object"),
        ("\"x\"", "", "is not a JSON object"),
        ("[1]", "", "is not a JSON object"),
        (r#"{"card":tru}"#, "", "is not a JSON object"),
        (r#"{"card":"a" "time":1}"#, "", "is not a JSON object"),
        (r#"{"card":"\ud800","time":"2018-08-31 22:14:50"}"#, "", "is not a JSON object"),
        (r#"{"card":{"no":"1"},"time":"2018-08-31 22:14:50"}"#, "card", "is not a plain value"),
        (r#"{"card":"1","card":"2","time":"2018-08-31 22:14:50"}"#, "card", "is given twice"),
        (r#"{"card":"1"}"#, "time", "is empty"),
        (r#"{"card":"1","time":null}"#, "time", "is empty"),
        (r#"{"card":"1","time":"2018-02-30 22:14:50"}"#, "time", "is not a time in the mapping's format"),
        (r#"{"card":"1","time":"31.08.2018"}"#, "time", "is not a time in the mapping's format"),
        (r#"{"card":"1","time":"2018-08-31 22:14:50","amount":5.0}"#, "amount", "is not an amount in whole minor units"),
        (r#"{"card":"1234567890123456789012345","time":"2018-08-31 22:14:50"}"#, "card", "is not a token of at most 24 bytes"),
    ];
    for (bad, column, problem) in cases {
        let decoded = read(JSON_MAP, "day.json", json(bad).as_bytes()).expect("the file itself is sound");
        let refusals: Vec<_> = decoded.refusals.iter().map(|refusal| (refusal.row, refusal.column.as_str(), refusal.problem)).collect();
        assert_eq!(refusals, [(1, *column, *problem)], "{bad}");
        assert_eq!((decoded.records.len(), decoded.rows), (1, vec![2]), "{bad}");
    }
    let lines = "{\"card\":\"1\",\"time\":\"2018-08-31 22:14:50\"}\n\n{\n{\"card\":\"2\",\"time\":\"2018-08-31 22:14:50\"}";
    let decoded = read(JSON_MAP, "day.jsonl", lines.as_bytes()).expect("lines");
    assert_eq!((decoded.rows, decoded.refusals[0].row, decoded.refusals[0].problem), (vec![1, 3], 2, "is not a JSON object"));
    for (row, problem) in [
        ("0,5", "is not a day number"),
        ("401,5", "is not a day number"),
        ("1,2880", "is not a minute of the day"),
        ("1,-1", "is not a minute of the day"),
        ("7", "has another number of fields than the header"),
    ] {
        let decoded = read(JSON_MAP, "part.days", row.as_bytes()).expect("the file itself is sound");
        assert_eq!(decoded.refusals[0].problem, problem, "{row}");
    }
    let decoded = read(JSON_MAP, "bus.gbk", b"time,route\n1535724890,\xb2\xbc\xbc\xaa\n1535724890,\xff\xff\n1535724890,1\n").expect("GBK");
    assert_eq!((decoded.rows, decoded.refusals[0].row, decoded.refusals[0].problem), (vec![1, 3], 2, "is not text in the file's encoding"));
}

#[test]
fn a_file_that_cannot_be_read_is_refused_whole() {
    let utf16: Vec<u8> = format!("{HEADER}{GOOD}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xff\xfe".as_slice(), &utf16].concat();
    let packed = gzip(format!("{HEADER}{}", GOOD.repeat(1000)).as_bytes());
    let mut damaged = packed.clone();
    let middle = damaged.len() / 2;
    damaged.splice(middle..middle + 8, [0xff; 8]);
    let endless = format!("{HEADER}in,\"{}", "x".repeat(3 << 20));
    let wide = format!("{HEADER}{}", "x".repeat(3 << 20));
    let cases: Vec<(&str, &[u8], &str)> = vec![
        ("day.csv", b"", "Empty"),
        ("day.csv", b"\n\n", "Empty"),
        ("day.csv", b"kind,time\nin,1\n", "HeaderLacks"),
        ("day.csv", GOOD.as_bytes(), "HeaderLacks"),
        ("day.csv", b"kind;time;terminal\n", "HeaderLacks"),
        ("day.csv", &marked, "Encoding"),
        ("day.csv", &utf16, "Encoding"),
        ("day.csv", b"PK\x03\x04\x00\x00\x00", "Encoding"),
        ("day.csv", b"tapcap\r\n\x01\x00\x00\x00", "CaptureAsText"),
        ("day.csv.gz", &packed[..packed.len() - 9], "GzipCut"),
        ("day.csv.gz", &packed[..40], "GzipCut"),
        ("day.csv.gz", &damaged, "Gzip"),
        ("day.csv", endless.as_bytes(), "RowTooLong"),
        ("day.csv", wide.as_bytes(), "RowTooLong"),
        ("day.tap", b"", "Capture"),
        ("day.tap", b"tapcap\r\n\x02\x00\x00\x00\x00\x00\x00\x00", "Capture"),
        ("day.tap", b"tapcap\r\n\x01\x00\x00\x00\x00\x00\x00\x00", "Capture"),
        ("day.tap", b"tapcap\r\n\x01\x00\x00\x00\x00\x00\x00\x00PKG1\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff", "Capture"),
    ];
    let mut hints = BTreeSet::new();
    for (name, bytes, expected) in cases {
        let error = read(MAP, name, bytes).map(|_| "read").expect_err("refused");
        let name = format!("{error:?}");
        assert!(name.starts_with(expected), "{name} is not {expected}");
        hints.insert(error.hint().unwrap_or_else(|| panic!("{name} has a hint")));
    }
    assert_eq!(hints.len(), 8, "each kind of fault has a hint of its own: {hints:?}");
    let open_quote = format!("{HEADER}{GOOD}in,\"never closed\n{GOOD}");
    assert!(matches!(read(MAP, "day.csv", open_quote.as_bytes()), Err(IngestError::QuoteOpen { row: 2 })));
    let twice = HEADER.replace("arrival", "kind,arrival");
    assert!(matches!(read(MAP, "day.csv", twice.as_bytes()), Err(IngestError::HeaderTwice { first: 1, second: 14 })));
    match read(MAP, "day.csv", b"kind,time,terminal\n") {
        Err(IngestError::HeaderLacks { columns }) => assert_eq!(columns.first().map(String::as_str), Some("seq")),
        _ => panic!("refused for its header"),
    }
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(read_path(MAP, &folder.path().join("no.csv")), Err(IngestError::Missing)));
    let inner = folder.path().join("in.csv");
    std::fs::create_dir(&inner).expect("a folder");
    assert!(matches!(read_path(MAP, &inner), Err(IngestError::Folder)));
}

/// A row of text may have so many bytes, its line end aside, wherever chunks end and whether or not a line end follows.
#[test]
fn a_row_is_too_long_or_not_whatever_follows_it_and_however_it_is_cut() {
    let line = |bytes: usize| {
        let open = r#"{"card":"1","time":"2018-08-31 22:14:50","x":""#;
        format!("{open}{}\"}}", "x".repeat(bytes - open.len() - 2))
    };
    let (good, longest, too_long) = (line(100), line(ROW_BYTES_MAX), line(ROW_BYTES_MAX + 1));
    let cases: Vec<(String, Result<usize, u64>)> = vec![
        (longest.clone(), Ok(1)),
        (format!("{longest}\n"), Ok(1)),
        (format!("{good}\n{longest}\n{good}"), Ok(3)),
        (too_long.clone(), Err(1)),
        (format!("{too_long}\n"), Err(1)),
        (format!("{good}\n\n{too_long}"), Err(2)),
        (format!("{good}\n{good}\n{too_long}\n{good}\n"), Err(3)),
        (format!("{good}\n{}", line(3 << 20)), Err(2)),
    ];
    for (at, (text, expected)) in cases.iter().enumerate() {
        for chunk_bytes in [1, 4096, CHUNK_BYTES] {
            let read = read_in_chunks(JSON_MAP, "day.jsonl", text.as_bytes(), chunk_bytes);
            match (read, expected) {
                (Ok(decoded), Ok(records)) => assert_eq!((decoded.records.len(), decoded.refusals.len()), (*records, 0), "case {at}, {chunk_bytes}"),
                (Err(IngestError::RowTooLong { row }), Err(expected)) => assert_eq!(row, *expected, "case {at}, {chunk_bytes}"),
                (read, expected) => panic!("case {at}, {chunk_bytes}: {:?}, not {expected:?}", read.map(|decoded| decoded.records.len())),
            }
        }
    }
}

#[test]
fn json_whose_records_cannot_be_told_apart_is_refused_whole() {
    let deep = format!("{{\"page\":{{\"data\":[{}", "[".repeat(100));
    for bad in [
        "",
        "hello",
        "\"page\"",
        r#"{"page":{"data":[{"a":1}"#,
        r#"{"page":{"data":[{"a":1},]}}"#,
        r#"{"page":{"data":[,{"a":1}]}}"#,
        r#"{"page":{"data":[{"a":1} {"a":2}]}}"#,
        r#"{"page":{"data":[{"a":"1}]}}"#,
        r#"{"page":{"rows":[]}}"#,
        r#"{"data":[]}"#,
        r#"{"page":{"data":{"a":1}}}"#,
        r#"[{"page":{"data":[]}}]"#,
        r#"{"page":{"data":[]}]"#,
        r#"{"page":{"data":[]}}}"#,
        &deep,
    ] {
        assert!(matches!(read(JSON_MAP, "day.json", bad.as_bytes()), Err(IngestError::Json { .. })), "{bad}");
    }
    let endless = format!(r#"{{"page":{{"data":[{{"a":"{}"#, "x".repeat(3 << 20));
    assert!(matches!(read(JSON_MAP, "day.json", endless.as_bytes()), Err(IngestError::RowTooLong { row: 1 })));
    // The path is followed by key, not by depth; documents may follow one another; escapes and brackets in texts mislead nobody.
    let good = r#"{"x":{"data":[1]},"data":[2],"page":{"x":[{"data":[3]}],"data":[{"card":"]}\"","time":"2018-08-31 22:14:50"}]}}
        {"page":{"data":[ ]}} {"page":{"data":[{"card":"b","time":"2018-08-31 22:14:50"}]},"z":null}"#;
    let decoded = read(JSON_MAP, "day.json", good.as_bytes()).expect("sound");
    assert_eq!((decoded.records.len(), decoded.refusals.len()), (2, 0));
}

#[test]
fn every_mistake_in_a_mapping_is_told_at_once_with_its_line() {
    const HEAD: &str = "[[source]]\nfiles = [\"*.csv\"]\nformat = \"csv\"\n";
    const ID: &str = "id = { file_row = true }\n";
    const TIME: &str = "time = { column = \"t\", format = \"epoch-ms\", zone = \"+08:00\" }\n";
    const KIND: &str = "kind = \"k\"\n";
    let sound = format!("{HEAD}{ID}[source.record]\n{KIND}{TIME}");
    assert!(Mapping::parse("map.toml", &sound).is_ok());
    let with = |line: &str| format!("{sound}{line}\n");
    let cases: Vec<(String, u32, &str, &str)> = vec![
        (String::new(), 1, "there is no `[[source]]`", "[[source]]"),
        ("x = ".into(), 1, "not TOML", ""),
        (format!("{sound}\n[sources]\n"), 9, "`mapping` has no key `sources`", "did you mean `source`?"),
        (sound.replacen("format", "fromat", 1), 3, "`source` has no key `fromat`", "did you mean `format`?"),
        (sound.replace("\"csv\"\n", "\"cvs\"\n"), 3, "`source.format` is not one of", "did you mean `csv`?"),
        (sound.replace("[\"*.csv\"]", "[]"), 2, "lists no pattern", "files ="),
        (sound.replace("*.csv", "in/*.csv"), 2, "a pattern fits file names", "leave out"),
        (sound.replace("*.csv", "[a"), 2, "a pattern in `source.files` is wrong", ""),
        (sound.replace(ID, "id = {}\n"), 4, "an id is made in exactly one way", "file_row"),
        (sound.replace(ID, "id = { file_row = true, sequence = \"s\" }\n"), 4, "an id is made in exactly one way", "file_row"),
        (sound.replace(ID, ""), 1, "`source.id` is missing", "for example"),
        (sound.replace(ID, "id = { sequence = \"s\" }\n"), 5, "an id from sequences needs `terminal`", "terminal ="),
        (sound.replace(ID, "id = { columns = [] }\n"), 4, "`columns` is a list of columns", ""),
        (sound.replace(KIND, ""), 5, "`source.record.kind` is missing", "for example"),
        (sound.replace(KIND, "kind = { value = \"tap\" }\n"), 6, "`tap` is no kind of record", "kinds: tap-on"),
        (sound.replace(KIND, "kind = { column = \"k\", values = { a = \"tapon\" } }\n"), 6, "`tapon` is no kind of record", "did you mean `tap-on`?"),
        (sound.replace(TIME, ""), 5, "`source.record.time` is missing", "for example"),
        (sound.replace("+08:00", "+25:00"), 7, "`zone` is neither an offset nor a place", "Europe/London"),
        (sound.replace("+08:00", "Europe/Londn"), 7, "`zone` is neither an offset nor a place", "Europe/London"),
        (sound.replace("epoch-ms", "epoch"), 7, "`format` cannot be read", "did you mean"),
        (sound.replace("epoch-ms", "%H:%M"), 7, "`format` cannot be read", "a date and a time"),
        (sound.replace(TIME, "time = { base = \"1.11.2009\", day = 1, minute = 2, zone = \"UTC\" }\n"), 7, "`base` is not a date", "2009-11-01"),
        (sound.replace(TIME, "time = { base = \"2009-11-01\", day = \"d\", zone = \"UTC\" }\n"), 7, "minute` is missing", "for example"),
        (with("modes = \"m\""), 8, "`source.record` has no key `modes`", "did you mean `mode`?"),
        (with("mode = { values = \"m\", column = \"m\" }"), 8, "there is no table `[values.m]`", ""),
        (with("mode = { column = \"m\", prefixx = \"a\" }"), 8, "has no key `prefixx`", "did you mean `prefix`?"),
        (with("mode = { column = \"m\", pad = 99 }"), 8, "is an integer, not a whole number from 0 to 32", ""),
        (with("mode = { column = \"m\", values = {}, keep = true, otherwise = \"x\" }"), 8, "exclude each other", "keep"),
        (with("mode = { column = \"m\", keep = true }"), 8, "need `values`", ""),
        (with("mode = true"), 8, "a column is a name in quotes or a place from 1", ""),
        (with("mode = 0"), 8, "a column is a name in quotes or a place from 1", ""),
        (with("location = { value = \"north\" }"), 8, "a place is written `kind:code`", "venue:12"),
        (with("location = { column = \"l\", kind = { boardin = \"line\" } }"), 8, "`kind` has no key `boardin`", "did you mean `boarding`?"),
        (with("amount = { column = \"a\" }"), 8, "`source.record.amount.unit` is missing", "minor"),
        (with("amount = { column = \"a\", unit = \"fen\" }"), 8, "is not one of minor, major", ""),
        (with("amount = { column = \"a\", unit = \"minor\", decimals = 2 }"), 8, "`decimals` is for unit", ""),
        (with("amount = \"a\""), 8, "is a string, not a table", ""),
        (with("card = { column = \"c\" }"), 8, "`source.record.card.as` is missing", "number"),
        (with("card = { column = \"c\", as = \"numbr\" }"), 8, "is not one of number, token", "did you mean `number`?"),
        (with("original = { sequence = \"s\" }"), 8, "`original` does not say how", "orig_seq"),
        (sound.replace(ID, &format!("{ID}header = false\n")), 7, "without a header, columns have places", "number from 1"),
        (sound.replace(ID, &format!("{ID}header = \"maybe\"\n")), 5, "`source.header` is true, false or \"optional\"", ""),
        (sound.replace(ID, &format!("{ID}header = \"optional\"\n")), 5, "needs `columns`", "list the columns"),
        (sound.replace(ID, &format!("{ID}columns = [\"k\", \"tt\"]\n")), 8, "`t` is not among `columns`", "did you mean"),
        (sound.replace(ID, &format!("{ID}columns = [\"k\", \"k\", \"t\"]\n")), 5, "lists `k` twice", ""),
        (sound.replace(ID, &format!("{ID}delimiter = \"--\"\n")), 5, "is one ASCII character", "for example"),
        (sound.replace(ID, &format!("{ID}array = \"data\"\n")), 5, "`array` is for JSON", "json"),
        (sound.replace(ID, &format!("{ID}like = \"other\"\n")), 5, "`like` names no source above", ""),
        (sound.replace(ID, &format!("{ID}trim = \"yes\"\n")), 5, "is a string, not true or false", ""),
        (sound.replace(ID, &format!("{ID}encoding = \"utf8\"\n")), 5, "is not one of utf-8, gbk", "did you mean `utf-8`?"),
        (sound.replace("\"csv\"\n", "\"json\"\n").replace("\"k\"", "1"), 6, "JSON has keys, not places", "in quotes"),
        (format!("values = 1\n{sound}"), 1, "`values` holds tables", ""),
        (format!("{sound}[values.a]\nx = 1\n"), 9, "`x` stands for a text in quotes", ""),
    ];
    let mut wrong = Vec::new();
    for (text, line, message, hint) in cases {
        let mistakes = Mapping::parse("map.toml", &text).map(|_| "read").expect_err(message);
        let fits = |mistake: &engine::mistake::Mistake| {
            mistake.message.contains(message) && mistake.line == Some(line) && mistake.hint.as_deref().unwrap_or_default().contains(hint)
        };
        if !mistakes.iter().any(fits) {
            wrong.push(format!("no `{message}` in line {line} with `{hint}` among {mistakes:#?} for\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let three = with("modes = \"m\"").replace("epoch-ms", "epoch").replace("files = [\"*.csv\"]", "files = []");
    assert_eq!(Mapping::parse("map.toml", &three).map(|_| "read").expect_err("three mistakes").len(), 3);
}

#[test]
fn no_refusal_and_no_error_shows_a_card_number() {
    const CANARY: &str = "6222029988776655";
    let bad = |field: usize, value: &str| {
        let mut fields: Vec<&str> = GOOD.trim_end().split(',').collect();
        fields[field] = value;
        format!("{}\n", fields.join(","))
    };
    let mut text = HEADER.to_owned();
    for field in 0..15 {
        text.push_str(&bad(field, CANARY));
        text.push_str(&bad(field, &format!("{CANARY}x{CANARY}{CANARY}")));
    }
    let decoded = read(MAP, "day.csv", text.as_bytes()).expect("the file itself is sound");
    assert!(decoded.refusals.len() > 10 && !decoded.cards.is_empty());
    assert!(!format!("{:?}", decoded.refusals).contains(CANARY));
    assert!(decoded.records.iter().all(|record| !record.card.as_str().contains(CANARY)));
    assert!(decoded.cards.iter().any(|(_, pan)| pan.expose() == CANARY.as_bytes()), "the vault gets it");
    // Without a header, the first row is taken for one.
    for text in [bad(5, CANARY), format!("{CANARY},{CANARY}\n"), format!("{HEADER}\"{CANARY}"), format!("{CANARY}{HEADER}{CANARY}")] {
        let Err(error) = read(MAP, "day.csv", text.as_bytes()) else { continue };
        let mut shown = format!("{error} {error:?} {:?}", error.hint());
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            shown.push_str(&inner.to_string());
            cause = inner.source();
        }
        assert!(!shown.contains(CANARY), "{shown}");
    }
    let json = format!(r#"{{"page":{{"data":[{{"card":"{CANARY}","time":"{CANARY}","amount":{{"{CANARY}":1}}}},{CANARY}x]}}}}"#);
    let decoded = read(JSON_MAP, "day.json", json.as_bytes()).expect("the file itself is sound");
    assert_eq!(decoded.refusals.len(), 2);
    assert!(!format!("{:?}", decoded.refusals).contains(CANARY));
}

#[test]
fn an_optional_header_is_one_in_any_order_and_with_more_columns() {
    let map = r#"
[[source]]
files = ["*.csv"]
format = "csv"
header = "optional"
columns = ["time", "gate", "line", "fen"]
id = { columns = ["time", "gate"] }
[source.record]
kind = { value = "boarding" }
time = { column = "time", format = "epoch-ms", zone = "+08:00" }
terminal = "gate"
amount = { column = "fen", unit = "minor" }
"#;
    let expected = read(map, "day.csv", b"1535724890000,g1,5,200\n").expect("no header").records;
    assert_eq!((expected.len(), expected[0].amount_minor), (1, 200));
    for text in [
        "time,gate,line,fen\n1535724890000,g1,5,200\n",
        "TIME, Gate ,line,fen\n1535724890000,g1,5,200\n",
        "fen,line,gate,time\n200,5,g1,1535724890000\n",
        "time,gate,line,fen,note\n1535724890000,g1,5,200,x\n",
        "time,gate,fen\n1535724890000,g1,200\n",
    ] {
        let decoded = read(map, "day.csv", text.as_bytes()).expect(text);
        assert_eq!((decoded.records, decoded.refusals.len()), (expected.clone(), 0), "{text}");
    }
    // One that lacks a mapped column is no row of data either.
    for text in ["time,gate,line\n1535724890000,g1,5\n", "gate,line,fen,note\ng1,5,200,x\n"] {
        assert!(matches!(read(map, "day.csv", text.as_bytes()), Err(IngestError::HeaderLacks { .. })), "{text}");
    }
}
