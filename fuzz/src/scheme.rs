//! Schemes: a small good one, with files replaced by what the input says.
//!
//! The input is text in parts, each under a line `=== FILE`; a part replaces that file. Starting from a good scheme, a
//! change in one file is seen by the checks of all the others.

use crate::scratch::Scratch;
use domain::SymbolTable;
use engine::scheme::Scheme;

const GOOD: [(&str, &[u8]); 11] = [
    ("scheme.toml", include_bytes!("../scheme/scheme.toml")),
    ("parties.csv", include_bytes!("../scheme/parties.csv")),
    ("terminals.csv", include_bytes!("../scheme/terminals.csv")),
    ("locations.csv", include_bytes!("../scheme/locations.csv")),
    ("cards.csv", include_bytes!("../scheme/cards.csv")),
    ("hotlist.csv", include_bytes!("../scheme/hotlist.csv")),
    ("calendar.csv", include_bytes!("../scheme/calendar.csv")),
    ("fees.toml", include_bytes!("../scheme/fees.toml")),
    ("keys.toml", include_bytes!("../scheme/keys.toml")),
    ("tariff/tariff.toml", include_bytes!("../scheme/tariff/tariff.toml")),
    ("tariff/fares.csv", include_bytes!("../scheme/tariff/fares.csv")),
];

/// The good scheme with the input's parts in place, written to `scratch`.
fn write(scratch: &Scratch, data: &[u8]) {
    let mut files = GOOD.map(|(name, bytes)| (name, bytes.to_vec()));
    let mut open: Option<usize> = None;
    for line in data.split_inclusive(|&byte| byte == b'\n') {
        if let Some(name) = line.strip_prefix(b"=== ") {
            open = files.iter().position(|(file, _)| file.as_bytes() == name.trim_ascii());
            if let Some((_, bytes)) = open.and_then(|at| files.get_mut(at)) {
                bytes.clear();
            }
        } else if let Some((_, bytes)) = open.and_then(|at| files.get_mut(at)) {
            bytes.extend_from_slice(line);
        }
    }
    for (name, bytes) in files {
        scratch.put(name, &bytes);
    }
}

/// A scheme is taken whole or refused with mistakes that can be shown; one that is taken works out every fee. Returns 1
/// where it was taken.
pub fn run(data: &[u8]) -> usize {
    let scratch = Scratch::new();
    write(&scratch, data);
    match Scheme::read(scratch.path(), &SymbolTable::new()) {
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a reason");
            for mistake in mistakes {
                assert!(!mistake.to_string().is_empty() && mistake.line != Some(0));
            }
            0
        }
        Ok(scheme) => {
            let day = domain::Day(20_514);
            for amount_minor in [0, 1, 999, scheme.limits.amount_max_minor, -scheme.limits.amount_max_minor] {
                for at in 0..8 {
                    let party = domain::Symbol(at);
                    let fee_minor = scheme.fee_minor(party, domain::Symbol(at + 1), domain::Symbol(at + 2), day, amount_minor, amount_minor);
                    assert!(amount_minor != 0 || fee_minor >= 0);
                }
            }
            1
        }
    }
}
