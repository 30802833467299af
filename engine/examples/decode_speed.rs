//! How long splitting and decoding a file take, per record, on one core.
//!
//! `cargo run --release -p engine --example decode_speed -- FILE [MAP.toml] [RUNS]`: medians over the runs, counts and sums
//! of the last.

use domain::SymbolTable;
use engine::ingest::{Decoded, Decoder, DoorKeys, Mapping, Source, file_digest};
use std::path::Path;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(file) = arguments.first() else {
        eprintln!("usage: decode_speed FILE [MAP.toml] [RUNS]");
        std::process::exit(2);
    };
    let mapping = match arguments.get(1).filter(|map| map.as_str() != "-") {
        Some(map) => match Mapping::parse(map, &std::fs::read_to_string(map).expect("the mapping is read")) {
            Ok(mapping) => mapping,
            Err(mistakes) => {
                for mistake in mistakes {
                    eprintln!("{mistake}\n  hint: {}", mistake.hint.as_deref().unwrap_or("none"));
                }
                std::process::exit(2);
            }
        },
        None => Mapping::native(),
    };
    let runs = arguments.get(2).map_or(5, |runs| runs.parse().expect("RUNS is a number"));
    let path = Path::new(file);
    let section = mapping.section_for(path).expect("a section reads this file");
    let digest = file_digest(path).expect("the file is read");
    let (mut splits, mut decodes) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let symbols = SymbolTable::new();
        let mut decoder = Decoder::new(section, &symbols, DoorKeys { token_key: [7; 32] }, digest);
        let mut source = Source::open(path, section).expect("the file opens");
        let mut decoded = Decoded::default();
        let (mut split, mut decode) = (Duration::ZERO, Duration::ZERO);
        let (mut records, mut refusals, mut amount, mut charged) = (0_u64, 0_u64, 0_i128, 0_i128);
        let mut problems = std::collections::BTreeMap::<(String, &str), u64>::new();
        loop {
            let start = Instant::now();
            let chunk = source.next_chunk().expect("the file is sound");
            split += start.elapsed();
            let Some(chunk) = chunk else { break };
            let start = Instant::now();
            decoder.decode_pieces(&chunk, &mut decoded, |some, _| {
                records += some.len() as u64;
                for record in some {
                    amount += i128::from(record.amount_minor);
                    charged += i128::from(record.charged_minor.unwrap_or(0));
                }
            });
            decode += start.elapsed();
            refusals += decoded.refusals.len() as u64;
            for refusal in &decoded.refusals {
                *problems.entry((refusal.column.clone(), refusal.problem)).or_default() += 1;
            }
        }
        splits.push(split);
        decodes.push(decode);
        if run + 1 == runs {
            let each = |times: &mut Vec<Duration>| {
                times.sort_unstable();
                times.get(times.len() / 2).map_or(0, Duration::as_nanos) / u128::from((records + refusals).max(1))
            };
            println!("records {records}, refused {refusals}, amount {amount}, charged {charged}, names {}", symbols.texts().len() - 1);
            for ((column, problem), count) in problems {
                println!("  {count} × {column} {problem}");
            }
            println!("split {} ns, decode {} ns per record (median of {runs})", each(&mut splits), each(&mut decodes));
        }
    }
}
