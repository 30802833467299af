//! `rebuild`: a new ledger, and all settlement files, from the journal of another alone.

use crate::cli::{RebuildArgs, Shown};
use crate::failure::{EXIT_LOOK, Failure};
use crate::history::unread;
use crate::progress::Progress;
use crate::rebuilding::Rebuilding;
use crate::{opening, output};
use domain::SymbolTable;
use ledger::{Ledger, LedgerOptions};
use serde_json::json;
use std::time::Instant;

/// # Errors
/// When the journal is damaged, a day comes out otherwise than it says, or the new folder cannot be written.
pub fn run(args: &RebuildArgs, shown: Shown) -> Result<u8, Failure> {
    let started = Instant::now();
    let symbols = SymbolTable::new();
    let schemes = args.scheme.iter().map(|dir| opening::scheme(dir, &symbols)).collect::<Result<Vec<_>, _>>()?;
    let journal = opening::journal(&args.ledger)?;
    if args.into.exists() {
        return Err(Failure::refused(format!("{} exists already", args.into.display())).hint("name a folder that does not exist yet"));
    }
    for ledger in [&args.ledger.ledger, &args.into] {
        opening::out(&args.out, ledger)?;
    }
    let mut ledger = Ledger::open(&args.into, &LedgerOptions::default()).map_err(|error| opening::unopened(&args.into, &error))?;
    let progress = Progress::new(shown.lang);
    let rebuilding = Rebuilding { journal: &journal, schemes: &schemes, symbols: &symbols, out: &args.out, workers: args.workers.count(), progress: &progress };
    let rebuilt = match rebuilding.fill(&mut ledger) {
        Ok(rebuilt) => rebuilt,
        Err(failure) => {
            // It was made here, and half of it is of use to nobody: the same command may be run again.
            drop(ledger);
            std::fs::remove_dir_all(&args.into).ok();
            return Err(failure);
        }
    };
    progress.done();
    // The journals are the same: so are their heads.
    let (old, new) = std::thread::scope(|scope| {
        let old = scope.spawn(|| journal.derived_digests());
        let new = ledger.derived_digests();
        (old.join().expect("a thread that digests does not panic"), new)
    });
    let (old, new) = (old.map_err(|error| unread(&error))?, new.map_err(|error| unread(&error))?);
    let differ: Vec<&str> = old.iter().zip(&new).filter(|(old, new)| old != new).map(|(old, _)| old.0).collect();
    if shown.json {
        output::json(&json!({
            "blocks": rebuilt.blocks, "records": rebuilt.records, "closed_days": rebuilt.closed_days, "settled_days": rebuilt.settled_days,
            "differ": differ, "milliseconds": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }))?;
    } else {
        let words = shown.lang.pick("rebuilt; blocks / records / days", "已重建；区块／记录／日");
        output::line(&format!("{words}: {} / {} / {}", rebuilt.blocks, rebuilt.records, rebuilt.closed_days))?;
        let words = shown.lang.pick("what differed in the old ledger", "旧账本中不一致的部分");
        output::line(&format!("{words}: {}", if differ.is_empty() { "-".to_owned() } else { differ.join(", ") }))?;
    }
    Ok(if differ.is_empty() { 0 } else { EXIT_LOOK })
}
