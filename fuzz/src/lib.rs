//! What is fuzzed: every reader of outside data, as functions of bytes that must not panic.
//!
//! `cargo fuzz` calls them from `fuzz_targets/`; `tests/corpus.rs` runs them over the corpus with the ordinary toolchain.
//! They assert more than the absence of panics: rows add up, and a file's answer does not depend on where it was cut.

mod reading;
mod scheme;
mod scratch;
mod seal;

use engine::ingest::Mapping;
use reading::Rows;
use scratch::Scratch;
use std::sync::LazyLock;

static NATIVE: LazyLock<Mapping> = LazyLock::new(Mapping::native);
static CSV: LazyLock<Mapping> = LazyLock::new(|| reading::bundled("csv.toml", include_str!("../mappings/csv.toml")));
static JSON: LazyLock<Mapping> = LazyLock::new(|| reading::bundled("json.toml", include_str!("../mappings/json.toml")));

/// Reads `data` as each of these files; the answers in the same order.
fn read_as(mapping: &Mapping, names: &[&str], data: &[u8]) -> Vec<Option<Rows>> {
    let scratch = Scratch::new();
    names.iter().map(|name| reading::read(&scratch.put(name, data), reading::section(mapping, name))).collect()
}

fn kept(answers: &[Option<Rows>]) -> usize {
    answers.iter().flatten().map(|rows| rows.records.len()).sum()
}

/// CSV with and without header, plain and gzipped, UTF-8 and GBK. Returns how many records were read.
pub fn csv(data: &[u8]) -> usize {
    kept(&read_as(&NATIVE, &["day.csv"], data)) + kept(&read_as(&CSV, &["headerless.csv", "optional.csv"], data))
}

/// JSON: an array at a path, an array at the top, lines. Returns how many records were read.
pub fn json(data: &[u8]) -> usize {
    kept(&read_as(&JSON, &["answers.json", "array.json", "lines.json"], data))
}

/// The binary capture, as it is and sealed again. Returns how many records were read from it as it is.
pub fn capture(data: &[u8]) -> usize {
    read_as(&NATIVE, &["day.tap"], &seal::again(data));
    kept(&read_as(&NATIVE, &["day.tap"], data))
}

/// Files that a mapping which parses is tried on.
const SAMPLES: [&[u8]; 3] = [include_bytes!("../corpus/csv/one-record"), include_bytes!("../corpus/csv/no-header-gbk"), include_bytes!("../corpus/json/lines")];

/// A mapping: taken, and then every section reads the samples; or refused with mistakes that can be shown.
/// Returns how many sections it has.
pub fn mapping(data: &[u8]) -> usize {
    let Ok(text) = std::str::from_utf8(data) else { return 0 };
    match Mapping::parse("map.toml", text) {
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a reason");
            assert!(mistakes.iter().all(|mistake| !mistake.to_string().is_empty() && mistake.line != Some(0)));
            0
        }
        Ok(mapping) => {
            let scratch = Scratch::new();
            for sample in SAMPLES {
                let path = scratch.put("sample", sample);
                for section in mapping.sections() {
                    reading::read(&path, section);
                }
            }
            mapping.sections().len()
        }
    }
}

/// A scheme's folder. Returns 1 where it was taken.
pub fn scheme(data: &[u8]) -> usize {
    scheme::run(data)
}
