//! `backup`: a copy of the ledger, made while others write, read back and followed from its first block. `restore`: a ledger
//! from such a copy.

use crate::cli::{BackupArgs, RestoreArgs, Shown};
use crate::failure::Failure;
use crate::output::hex;
use crate::words::count;
use crate::{opening, output};
use ledger::{Backup, BackupError, LedgerError};
use serde_json::json;
use std::path::Path;

/// # Errors
/// When the ledger is not whole, or the copy cannot be written and read back.
pub fn run(args: &BackupArgs, shown: Shown) -> Result<u8, Failure> {
    let failed = |error: &BackupError| {
        let failure = Failure::refused(format!("no backup of {} was made", args.ledger.display())).because(error);
        match error {
            BackupError::InUse { .. } => failure.hint("wait until that ends"),
            BackupError::File { .. } => failure.hint("backups before it are as they were; make one in another folder, and keep this one to look at"),
            BackupError::Unsound(LedgerError::Absent) => failure.hint("check --ledger"),
            BackupError::Unsound(_) => failure.hint("`tapclear verify` tells what is wrong with the ledger; backups before it are as they were"),
            _ => failure.hint("backups before it are as they were; make room, or look at that disk"),
        }
    };
    let refused = |what: &str| Failure::refused(format!("no backup of {} was made", args.ledger.display())).listing([what.to_owned()]);
    if !args.ledger.is_dir() {
        return Err(refused("there is no ledger at this place").hint("check --ledger"));
    }
    if opening::is_inside(&args.to, &args.ledger) {
        return Err(refused("it would stand in the ledger itself").hint("name a folder of its own with --to, best on another disk"));
    }
    let backup = ledger::back_up(&args.ledger, &args.to, args.workers.count()).map_err(|error| failed(&error))?;
    let dropped = match args.keep {
        Some(keep) => ledger::drop_older(&args.to, usize::from(keep)).map_err(|error| {
            Failure::refused(format!("backup {} was made; none before it was removed", backup.number))
                .because(&error)
                .hint("a backup that is to stay cannot be read: make one in another folder, and keep this one to look at")
        })?,
        None => Vec::new(),
    };
    let words = shown.lang.pick("backup; files / bytes / of these new:", "备份；文件／字节／其中新增：");
    show(&backup, &args.to, words, &dropped, shown)
}

/// # Errors
/// When there is no such backup, or it is not as it was made.
pub fn restore(args: &RestoreArgs, shown: Shown) -> Result<u8, Failure> {
    let known = opening::known_head(&args.ledger)?;
    let into = &args.ledger.ledger;
    let restored = ledger::restore(&args.from, args.backup, into, known, args.workers.count()).map_err(|error| {
        let failure = Failure::refused(format!("{} was not restored", into.display())).because(&error);
        match error {
            BackupError::None { .. } => failure.hint("check --from and --backup"),
            BackupError::File { ref path, .. } if path == into => failure.hint("name a folder that does not exist yet"),
            // It may have been put in place, and that not be durable.
            BackupError::Disk { .. } if into.exists() => failure.hint("look at that disk; then remove the folder and restore again"),
            BackupError::Unsound(LedgerError::NotExtended(_)) => failure.hint("nothing was left behind; look for a newer backup, or one in another place"),
            _ => failure.hint("nothing was left behind; an older one (--backup N) may be whole"),
        }
    })?;
    show(&restored, into, shown.lang.pick("restored; files / bytes / new:", "已恢复；文件／字节／新增："), &[], shown)
}

fn show(backup: &Backup, folder: &Path, words: &str, dropped: &[u64], shown: Shown) -> Result<u8, Failure> {
    if shown.json {
        output::json(&json!({
            "backup": backup.number, "folder": folder.display().to_string(), "head": format!("{}:{}", backup.head.height, hex(&backup.head.hash)),
            "open_day": backup.open_day.map(|day| day.to_string()), "files": backup.files, "bytes": backup.bytes,
            "new_files": backup.new_files, "new_bytes": backup.new_bytes, "dropped": dropped,
        }))?;
    } else {
        output::line(&format!("{} {words} {} / {} / {}", backup.number, count(backup.files), count(backup.bytes), count(backup.new_bytes)))?;
        let (head, day) = (shown.lang.pick("head", "账本头"), shown.lang.pick("open day", "开放日"));
        let open = backup.open_day.map_or_else(|| "-".to_owned(), |day| day.to_string());
        output::line(&format!("{head} {}:{}  {day} {open}", backup.head.height, hex(&backup.head.hash)))?;
    }
    Ok(0)
}
