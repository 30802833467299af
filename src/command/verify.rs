//! `verify`: the ledger against its own journal, by a second path; and what was published against the ledger.

use crate::cli::{Shown, VerifyArgs};
use crate::durable::head;
use crate::failure::Failure;
use crate::history::unread;
use crate::output::hex;
use crate::{opening, output};
use ledger::DayState;
use serde_json::{Map, Value, json};

/// # Errors
/// When something differs, or the ledger cannot be read.
pub fn run(args: &VerifyArgs, shown: Shown) -> Result<u8, Failure> {
    let ledger = opening::ledger_to_read(&args.ledger)?;
    let report = ledger.verify().map_err(|error| {
        let failure = Failure::refused("the ledger cannot be read to its end").because(&error);
        failure.hint("keep a copy of the folder and bring back a backup; `tapclear rebuild` makes all but the journal, its archives and the vault anew")
    })?;
    let mut differences: Vec<String> = report.differences.iter().map(|difference| format!("block {}: {}", difference.height, difference.what)).collect();
    let mut published = 0;
    for info in ledger.days().iter().filter(|info| info.state == DayState::Settled) {
        let Some(out) = &args.out else { break };
        let changed = settlement::check_published(&ledger, info.day, out).map_err(|error| {
            Failure::refused(format!("what was published of clearing day {} cannot be looked at", info.day)).because(&error).hint("check --out")
        })?;
        published += u64::from(changed.is_empty());
        differences.extend(changed.into_iter().map(|changed| format!("{}: {}", changed.path.display(), changed.what)));
    }
    if shown.json {
        let digests = ledger.digests().map_err(|error| unread(&error))?;
        let digests: Map<String, Value> = digests.into_iter().map(|(family, digest)| (family.to_owned(), hex(&digest).into())).collect();
        output::json(&json!({
            "blocks": report.blocks, "records": report.records, "decisions": report.decisions, "head": head(&ledger), "digests": digests,
            "published_days": published, "differences": differences,
        }))?;
    }
    if !differences.is_empty() {
        let in_ledger = report.differences.len();
        let (what, todo) = if in_ledger > 0 {
            (
                format!("the ledger differs from its journal in {in_ledger} places"),
                "keep this folder to look at; `tapclear rebuild` makes indexes and balances anew from the journal, and tells whether that is wrong itself",
            )
        } else {
            let places = differences.len();
            (format!("published files differ from the ledger in {places} places"), "keep them to look at; `tapclear settle` writes the day into another --out")
        };
        return Err(Failure::refused(what).listing(differences).hint(todo));
    }
    if !shown.json {
        let words = shown.lang.pick("the ledger is what its journal says; blocks / records / decisions", "账本与日志一致；区块／记录／判定");
        output::line(&format!("{words}: {} / {} / {}", report.blocks, report.records, report.decisions))?;
        if args.out.is_some() {
            output::line(&format!("{} {published}", shown.lang.pick("published days as they were:", "已发布且未改动的日数：")))?;
        }
    }
    Ok(0)
}
