//! `generate`: a realistic day of a scheme, from a seed, with faults at stated rates.

use crate::cli::{GenerateArgs, Shown};
use crate::failure::Failure;
use crate::generate::{Day, Faults, Params, write_csv, write_tap};
use crate::{opening, output};
use domain::SymbolTable;
use serde_json::json;
use std::fs::File;
use std::io::{BufWriter, Write};

/// The sender that captures name.
const SENDER: &str = "generator";

/// # Errors
/// When the scheme is bad or has nobody to ride, or the file cannot be written.
pub fn run(args: &GenerateArgs, shown: Shown) -> Result<u8, Failure> {
    let records = generate(args)?;
    if shown.json {
        output::json(&json!({ "file": args.out.display().to_string(), "records": records, "seed": args.seed, "day": args.day.to_string() }))?;
    } else {
        output::line(&format!("{} {} ({records})", shown.lang.pick("made", "已生成"), args.out.display()))?;
    }
    Ok(0)
}

/// Makes the file; the number of records.
///
/// # Errors
/// As [`run`].
pub fn generate(args: &GenerateArgs) -> Result<usize, Failure> {
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme, &symbols)?;
    let tap = match args.out.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => false,
        Some("tap") => true,
        _ => {
            return Err(Failure::refused(format!("{} is neither a .csv nor a .tap file", args.out.display()))
                .hint("the ending says what is written: rows or a binary capture"));
        }
    };
    let params = Params { day: args.day, records: args.records, seed: args.seed, faults: Faults::default().times_percent(args.faults_percent) };
    let day = Day::new(&scheme, &symbols, params).map_err(|error| {
        Failure::refused("nothing can be generated")
            .because(&error)
            .hint("people ride on registered terminals with registered cards, as in replay-data/sichuan")
    })?;
    let unwritten = |error: std::io::Error| Failure::unwritten(&args.out, &error);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&args.out).map_err(unwritten)?);
    if tap {
        out = write_tap(day.records(), &symbols, SENDER, out).map_err(unwritten)?;
    } else {
        write_csv(day.records(), &symbols, &mut out).map_err(unwritten)?;
    }
    out.flush().map_err(unwritten)?;
    Ok(day.len())
}
