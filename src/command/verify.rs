//! `verify`: the ledger against its own journal, by a second path.

use crate::cli::{Shown, VerifyArgs};
use crate::failure::Failure;
use crate::history::unread;
use crate::intake::{head, hex};
use crate::{opening, output};
use serde_json::{Map, Value, json};

/// # Errors
/// When something differs, or the ledger cannot be read.
pub fn run(args: &VerifyArgs, shown: Shown) -> Result<u8, Failure> {
    let ledger = opening::ledger_to_read(&args.ledger)?;
    let report = ledger.verify().map_err(|error| unread(&error))?;
    let differences: Vec<String> = report.differences.iter().map(|difference| format!("block {}: {}", difference.height, difference.what)).collect();
    if shown.json {
        let digests = ledger.digests().map_err(|error| unread(&error))?;
        let digests: Map<String, Value> = digests.into_iter().map(|(family, digest)| (family.to_owned(), hex(&digest).into())).collect();
        output::json(&json!({
            "blocks": report.blocks, "records": report.records, "decisions": report.decisions, "head": head(&ledger), "digests": digests,
            "differences": differences,
        }))?;
    }
    if !differences.is_empty() {
        return Err(Failure::refused(format!("the ledger differs from its journal in {} places", differences.len()))
            .listing(differences)
            .hint("keep a copy of the folder and bring back a backup"));
    }
    if !shown.json {
        let words = shown.lang.pick("the ledger is what its journal says; blocks / records / decisions", "账本与日志一致；区块／记录／判定");
        output::line(&format!("{words}: {} / {} / {}", report.blocks, report.records, report.decisions))?;
    }
    Ok(0)
}
