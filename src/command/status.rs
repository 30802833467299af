//! `status`: days, files, and which parties have theirs.

use crate::cli::{Shown, StatusArgs};
use crate::durable::head;
use crate::failure::{EXIT_LOOK, Failure};
use crate::output::hex;
use crate::terms::term;
use crate::words::{amount_name, count, money_or_minor};
use crate::{opening, output};
use domain::Day;
use ledger::{DayInfo, DayState, FileInfo, FileState, Ledger};
use serde_json::{Value, json};
use std::path::Path;

/// The four files and the manifest that every party gets every day.
const PARTY_FILES: [&str; 5] = ["detail.csv", "adjustments.csv", "exceptions.csv", "summary.csv", "manifest.json"];

/// # Errors
/// When the ledger cannot be read or the day is not in it.
pub fn run(args: &StatusArgs, shown: Shown) -> Result<u8, Failure> {
    let ledger = opening::ledger_to_read(&args.ledger)?;
    let days: Vec<&DayInfo> = ledger.days().iter().filter(|info| args.day.is_none_or(|day| day == info.day)).collect();
    if let (Some(day), true) = (args.day, days.is_empty()) {
        return Err(opening::unknown_day(&ledger, day));
    }
    let files: Vec<&FileInfo> = ledger.files().iter().filter(|file| args.day.is_none_or(|day| day == file.day)).collect();
    let board = match (&args.out, args.day) {
        (Some(out), Some(day)) => Some(board(&ledger, day, out)?),
        _ => None,
    };
    if shown.json {
        as_json(&ledger, &days, &files, board.as_deref())?;
    } else {
        as_text(&ledger, &days, &files, board.as_deref(), opening::minor_digits(args.scheme.as_deref())?, shown)?;
    }
    let missing = board.is_some_and(|board| board.iter().any(|(_, state)| *state == "not generated"));
    Ok(if missing { EXIT_LOOK } else { 0 })
}

/// Per party that the day's files were made for: what of its set is there. Who they are, the ledger knows.
fn board(ledger: &Ledger, day: Day, out: &Path) -> Result<Vec<(String, &'static str)>, Failure> {
    let folder = out.join(day.to_string());
    let parties = settlement::receivers(ledger, day)
        .map_err(|error| Failure::refused("the ledger cannot be read").because(&error).hint("`tapclear verify` tells what is wrong with it"))?;
    Ok(parties
        .into_iter()
        .map(|party| {
            let state = state_of(&folder.join(&party));
            (party, state)
        })
        .collect())
}

fn state_of(folder: &Path) -> &'static str {
    if !PARTY_FILES.iter().all(|file| folder.join(file).is_file()) {
        return "not generated";
    }
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let files = manifest.as_ref().and_then(|manifest| manifest.get("files")).and_then(Value::as_array);
    let empty = files.is_some_and(|files| files.iter().all(|file| file.get("lines").and_then(Value::as_u64) == Some(0)));
    if empty { "empty" } else { "published" }
}

/// What a day has taken in: what its close says, and before it what its booked files hold, refused rows among it.
fn received(ledger: &Ledger, info: &DayInfo) -> u64 {
    if is_decided(info) {
        return info.totals.received;
    }
    let booked = ledger.files().iter().filter(|file| file.day == info.day && file.state == FileState::Booked);
    booked.map(|file| file.received + file.refused).sum()
}

/// Outcomes and amounts are known from the close on.
const fn is_decided(info: &DayInfo) -> bool {
    matches!(info.state, DayState::Closed | DayState::Settled)
}

fn as_json(ledger: &Ledger, days: &[&DayInfo], files: &[&FileInfo], board: Option<&[(String, &'static str)]>) -> Result<(), Failure> {
    let days: Vec<Value> = days
        .iter()
        .map(|info| {
            let totals = Some(&info.totals).filter(|_| is_decided(info));
            json!({
                "day": info.day.to_string(), "state": info.state.name(), "scheme": hex(&info.scheme), "received": received(ledger, info),
                "cleared": totals.map(|totals| totals.cleared), "duplicate": totals.map(|totals| totals.duplicate),
                "conflict": totals.map(|totals| totals.conflict), "held": totals.map(|totals| totals.held),
                "rejected": totals.map(|totals| totals.rejected), "gross_minor": totals.map(|totals| totals.gross_minor),
            })
        })
        .collect();
    let files: Vec<Value> = files
        .iter()
        .map(|file| {
            json!({
                "file": file.id, "name": file.name, "sender": file.sender, "day": file.day.to_string(), "state": file.state.name(), "digest": hex(&file.digest),
                "records": file.received, "refused": file.refused, "repeats": file.repeats,
            })
        })
        .collect();
    let parties: Option<Vec<Value>> = board.map(|board| board.iter().map(|(party, state)| json!({ "party": party, "state": state })).collect());
    output::json(&json!({ "head": head(ledger), "days": days, "files": files, "parties": parties }))
}

fn as_text(
    ledger: &Ledger,
    days: &[&DayInfo],
    files: &[&FileInfo],
    board: Option<&[(String, &'static str)]>,
    minor_digits: Option<u8>,
    shown: Shown,
) -> Result<(), Failure> {
    let lang = shown.lang;
    output::line(&format!("{} {}", lang.pick("head", "账本头"), head(ledger)))?;
    output::heading(lang, "days", "清分日")?;
    let names =
        [("day", "日期"), ("state", "状态"), ("received", "收到"), ("cleared", "已清分"), ("duplicate", "重复"), ("held", "挂起"), ("rejected", "拒绝")];
    let mut rows: Vec<Vec<String>> = vec![names.iter().map(|(en, zh)| lang.pick(en, zh).to_owned()).collect()];
    rows.iter_mut().for_each(|names| names.push(amount_name(lang, ("charged", "收费"), minor_digits)));
    for info in days {
        let totals = &info.totals;
        let known = |shown: String| if is_decided(info) { shown } else { "-".to_owned() };
        let numbers = [totals.cleared, totals.duplicate, totals.held, totals.rejected].map(|number| known(count(number)));
        let day = vec![info.day.to_string(), term(lang, info.state.name()).to_owned(), count(received(ledger, info))];
        rows.push([day, numbers.to_vec(), vec![known(money_or_minor(totals.gross_minor, minor_digits))]].concat());
    }
    output::table(&rows, 2)?;
    output::heading(lang, "files", "文件")?;
    let names = [("file", "编号"), ("name", "名称"), ("state", "状态"), ("day", "清分日"), ("records", "记录"), ("refused", "拒收行"), ("repeats", "重复到达")];
    let mut rows: Vec<Vec<String>> = vec![names.iter().map(|(en, zh)| lang.pick(en, zh).to_owned()).collect()];
    for file in files {
        rows.push(vec![
            file.id.to_string(),
            file.name.clone(),
            term(lang, file.state.name()).to_owned(),
            file.day.to_string(),
            count(file.received),
            count(file.refused),
            count(file.repeats),
        ]);
    }
    output::table(&rows, 4)?;
    if let Some(board) = board {
        output::heading(lang, "parties", "机构")?;
        let rows: Vec<Vec<String>> = board.iter().map(|(party, state)| vec![party.clone(), term(lang, state).to_owned()]).collect();
        output::table(&rows, 2)?;
    }
    Ok(())
}
