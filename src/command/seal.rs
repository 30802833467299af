//! `seal`: a signed tree over a settled day's lines, and what each party needs of it.

use crate::cli::{SettleArgs, Shown};
use crate::failure::Failure;
use crate::{opening, output};
use domain::SymbolTable;
use serde_json::json;

/// # Errors
/// When the day is not settled, the day before is not sealed, or a published file was changed.
pub fn run(args: &SettleArgs, shown: Shown) -> Result<u8, Failure> {
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme.scheme, &symbols)?;
    let house = opening::house(&scheme, &symbols)?;
    let ledger = opening::ledger_to_read(&args.ledger)?;
    let sealed = settlement::seal(&ledger, args.day, &house, &args.out, args.workers.count()).map_err(|error| {
        Failure::refused(format!("clearing day {} cannot be sealed", args.day))
            .because(&error)
            .hint("days are sealed in their order, once they are settled, from the files as they were published")
    })?;
    if shown.json {
        return output::json(&json!({
            "folder": sealed.folder.display().to_string(), "parties": sealed.parties, "lines": sealed.lines, "days": sealed.days,
            "log_root": sealed.log_root, "public_key": sealed.public_key, "suite": sealed.suite.name(), "repeated": sealed.repeated,
        }))
        .map(|()| 0);
    }
    let lang = shown.lang;
    output::line(&format!(
        "{} {} ({} / {})",
        lang.pick("sealed; parties / lines:", "已封存；机构／行："),
        sealed.folder.display(),
        sealed.parties,
        sealed.lines
    ))?;
    output::line(&format!("{} {}", lang.pick("log root", "日志根"), sealed.log_root))?;
    output::line(&format!("{} {}", lang.pick("public key", "公钥"), sealed.public_key))?;
    Ok(0)
}
