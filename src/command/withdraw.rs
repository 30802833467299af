//! `withdraw`: take back a wrongly ingested file of the open day, by an event.

use crate::cli::{Shown, WithdrawArgs};
use crate::failure::Failure;
use crate::intake::{commit, hex};
use crate::{opening, output};
use ledger::{Event, FileInfo, FileState, Group};
use serde_json::json;

/// # Errors
/// When no booked file of the open day, or more than one, is meant.
pub fn run(args: &WithdrawArgs, shown: Shown) -> Result<u8, Failure> {
    let mut ledger = opening::ledger(&args.ledger, false)?;
    let open = ledger.open_day().map(|info| info.day);
    let meant =
        |file: &&FileInfo| file.name == args.file || file.id.to_string() == args.file || (args.file.len() >= 6 && hex(&file.digest).starts_with(&args.file));
    let found: Vec<FileInfo> = ledger.files().iter().filter(|file| file.state == FileState::Booked).filter(meant).cloned().collect();
    let file = match found.as_slice() {
        [file] if Some(file.day) == open => file.clone(),
        [file] => {
            return Err(Failure::refused(format!("{} was settled on clearing day {}", file.name, file.day))
                .hint("a closed day never changes; what was wrong is corrected by later records"));
        }
        [] => return Err(Failure::refused(format!("no booked file is meant by `{}`", args.file)).hint("`tapclear status` lists the files with their numbers")),
        several => {
            let lines = several.iter().map(|file| format!("{}  {}  {}", file.id, file.name, hex(&file.digest)));
            return Err(Failure::refused(format!("`{}` means {} files", args.file, several.len())).listing(lines).hint("name one by its number"));
        }
    };
    let mut group = Group::new();
    group.event(Event::FileWithdrawn { file: file.id, why: args.why.clone() });
    commit(&mut ledger, group)?;
    if shown.json {
        output::json(&json!({ "file": file.id, "name": file.name, "withdrawn_records": file.received }))?;
    } else {
        output::line(&format!("{} {} ({})", shown.lang.pick("withdrawn:", "已撤回："), file.name, file.received))?;
    }
    Ok(0)
}
