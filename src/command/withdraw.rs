//! `withdraw`: take back a wrongly ingested file, by an event. Where its day is closed, the next close undoes what it brought.

use crate::cli::{Shown, WithdrawArgs};
use crate::durable::commit;
use crate::failure::Failure;
use crate::output::hex;
use crate::{opening, output};
use ledger::{Event, FileInfo, FileState, Group};
use serde_json::json;

/// # Errors
/// When no booked file, or more than one, is meant, or the day is closing.
pub fn run(args: &WithdrawArgs, shown: Shown) -> Result<u8, Failure> {
    let mut ledger = opening::ledger(&args.ledger, false)?;
    let open = ledger.open_day().map(|info| info.day).ok_or_else(Failure::no_open_day)?;
    let meant =
        |file: &&FileInfo| file.name == args.file || file.id.to_string() == args.file || (args.file.len() >= 6 && hex(&file.digest).starts_with(&args.file));
    let found: Vec<FileInfo> = ledger.files().iter().filter(|file| file.state == FileState::Booked).filter(meant).cloned().collect();
    let file = match found.as_slice() {
        [file] => file.clone(),
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
        let (day, settled_in) = (file.day.to_string(), open.to_string());
        output::json(&json!({ "file": file.id, "name": file.name, "withdrawn_records": file.received, "day": day, "settled_in": settled_in }))?;
    } else {
        output::line(&format!("{} {} ({})", shown.lang.pick("withdrawn:", "已撤回："), file.name, file.received))?;
        if file.day < open {
            let lang = shown.lang;
            let (day, close) = (
                lang.pick("its clearing day is closed and stays as it is:", "其清分日已日终，不再变动："),
                lang.pick("the differences are settled in", "差额计入"),
            );
            output::line(&format!("{day} {}; {close} {open}", file.day))?;
        }
    }
    Ok(0)
}
