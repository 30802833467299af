//! `archive`: journal days that are older than the scheme keeps move into a verified file beside the database. They are read
//! from there as before, and the journal says that they moved.

use crate::cli::{ArchiveArgs, Shown};
use crate::failure::Failure;
use crate::output::hex;
use crate::words::count;
use crate::{opening, output};
use domain::SymbolTable;
use ledger::{DayState, LedgerError};
use serde_json::json;

/// # Errors
/// When the scheme keeps everything, a block is damaged, or the archive cannot be written.
pub fn run(args: &ArchiveArgs, shown: Shown) -> Result<u8, Failure> {
    let scheme = opening::scheme(&args.scheme, &SymbolTable::new())?;
    let keep_days = scheme.retention_days.ok_or_else(|| {
        Failure::refused(format!("the scheme {} keeps all days in the journal", args.scheme.display()))
            .hint("say how many with `journal_days` under [retention] in scheme.toml")
    })?;
    let mut ledger = opening::ledger(&args.ledger, false)?;
    let open = ledger.open_day().map(|info| info.day);
    let is_old = |day: domain::Day| open.is_some_and(|open| i64::from(open.0) - i64::from(day.0) > i64::from(keep_days));
    // Days are settled in their order.
    let through = ledger.days().iter().take_while(|info| info.state == DayState::Settled && is_old(info.day)).last().map(|info| info.day);
    let failed = |error: &LedgerError| {
        Failure::refused("nothing was moved, or all of it: the ledger tells when it is opened again")
            .because(error)
            .hint("run the same command again; `tapclear verify` tells whether the journal is whole")
    };
    let moved = match through {
        Some(day) => ledger.archive(day).map_err(|error| failed(&error))?,
        None => None,
    };
    if shown.json {
        let moved = moved.map(|moved| {
            json!({
                "through": moved.through.to_string(), "first": moved.first, "last": moved.last, "hash": hex(&moved.hash),
                "digest": hex(&moved.digest), "bytes": moved.bytes, "file": moved.name(),
            })
        });
        output::json(&json!({ "moved": moved, "archives": ledger.archives().len() }))?;
    } else if let Some(moved) = moved {
        let words = shown.lang.pick("moved; through / blocks / bytes:", "已归档；至／区块／字节：");
        output::line(&format!("{} {words} {} / {} / {}", moved.name(), moved.through, count(moved.last - moved.first + 1), count(moved.bytes)))?;
    } else {
        output::line(shown.lang.pick("nothing is old enough to be moved", "没有需要归档的日子"))?;
    }
    Ok(0)
}
