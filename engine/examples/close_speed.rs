//! How long deciding a day takes, per record, without a ledger: decode, gather, decide, and the decisions in order.
//!
//! `cargo run --release -p engine --example close_speed -- SCHEME MAP.toml FILE DAY [WORKERS]`

use domain::{Day, Decision, EventTime, RecordId, SymbolTable};
use engine::close::{Before, Earlier, Gather, decide};
use engine::dedup::Seen;
use engine::ingest::{Decoder, DoorKeys, Mapping, Source};
use engine::parallel;
use engine::scheme::Scheme;
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [scheme, map, file, day, rest @ ..] = arguments.as_slice() else {
        eprintln!("usage: close_speed SCHEME MAP.toml FILE DAY [WORKERS]");
        std::process::exit(2);
    };
    let workers: usize = rest.first().map_or(1, |workers| workers.parse().expect("WORKERS is a number"));
    let day: Day = day.parse().expect("DAY is a date");
    let symbols = SymbolTable::new();
    let Ok(scheme) = Scheme::read(Path::new(scheme), &symbols) else {
        eprintln!("the scheme has mistakes");
        std::process::exit(2);
    };
    let text = std::fs::read_to_string(map).expect("the mapping is read");
    let Ok(mapping) = Mapping::parse(map, &text) else {
        eprintln!("the mapping has mistakes");
        std::process::exit(2);
    };
    let section = mapping.section_for(Path::new(file)).expect("a section reads this file");
    let mut decoder = Decoder::new(section, &symbols, DoorKeys { token_key: [7; 32] }, [0; 32]);
    let mut source = Source::open(Path::new(file), section).expect("the file opens");
    let mut seen = Seen::default();
    let mut gather = Gather::new(&scheme, day);
    let (mut decoding, mut marking, mut gathering, mut records) = (Duration::ZERO, Duration::ZERO, Duration::ZERO, 0);
    let clock = |spent: &mut Duration, start: Instant| *spent += start.elapsed();
    loop {
        let start = Instant::now();
        let Some(chunk) = source.next_chunk().expect("the file is sound") else { break };
        let decoded = decoder.decode(&chunk);
        clock(&mut decoding, start);
        let start = Instant::now();
        gather.repeats(decoded.records.iter().map(domain::Record::id).filter(|id| !seen.mark(*id)));
        clock(&mut marking, start);
        let start = Instant::now();
        gather.add(1, &decoded.records);
        clock(&mut gathering, start);
        records += decoded.records.len();
    }
    let start = Instant::now();
    let lookup = |wanted: &[(RecordId, Option<EventTime>)]| Ok::<_, ()>(vec![Vec::<(domain::Day, Decision)>::new(); wanted.len()]);
    let Ok(decided) = decide(&scheme, &symbols, day, workers, vec![gather], Before::default(), &Earlier { lookup: &lookup, journal: &|_, _| Ok(Vec::new()) })
    else {
        eprintln!("the day could not be decided");
        std::process::exit(2);
    };
    let deciding = start.elapsed();
    let start = Instant::now();
    let mut charged_minor = 0;
    let result: Result<(), ()> = parallel::in_order(
        workers,
        decided.batches(),
        |batch| charged(&decided, batch),
        |minor| {
            charged_minor += minor;
            Ok(())
        },
    );
    let ordering = start.elapsed();
    assert_eq!(result, Ok(()));
    let each = |time: Duration| time.as_nanos() / (records as u128).max(1);
    println!("{records} records, charged {charged_minor}");
    println!(
        "ns a record: decode {}, dedup {}, gather {}, decide {}, decisions in order {}",
        each(decoding),
        each(marking),
        each(gathering),
        each(deciding),
        each(ordering)
    );
}

fn charged(decided: &engine::close::Decided<'_>, batch: usize) -> i64 {
    let mut charged_minor = 0;
    decided.batch(batch, |decisions| charged_minor += decisions.iter().map(|decision| decision.charged_minor).sum::<i64>());
    charged_minor
}
