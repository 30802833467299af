//! `inspect`: the trial balance, a block of the journal, what is held, or what terminals have not sent. Changes nothing.

use crate::cli::{InspectArgs, Shown, WorkersArg};
use crate::durable::head;
use crate::failure::Failure;
use crate::history::{self, unread};
use crate::output::hex;
use crate::terms::term;
use crate::words::{amount_name, money_or_minor};
use crate::{opening, output};
use domain::text::shorter_first;
use domain::{Decision, SymbolTable};
use engine::close::version_of;
use ledger::{Balance, BlockKind, Ledger};
use serde_json::{Value, json};

/// # Errors
/// When the ledger cannot be read.
pub fn run(args: &InspectArgs, shown: Shown) -> Result<u8, Failure> {
    let ledger = opening::ledger_to_read(&args.ledger)?;
    if let Some(height) = args.block {
        block(&ledger, height)?;
    } else if args.held {
        held(&ledger, args, shown)?;
    } else if args.gaps {
        gaps(&ledger, shown)?;
    } else {
        trial_balance(&ledger, args, shown)?;
    }
    Ok(0)
}

fn minor(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

fn trial_balance(ledger: &Ledger, args: &InspectArgs, shown: Shown) -> Result<(), Failure> {
    let balances = match args.day {
        Some(day) if ledger.day(day).is_none() => return Err(opening::unknown_day(ledger, day)),
        Some(day) => ledger.balances_of_day(day),
        None => ledger.balances(),
    }
    .map_err(|error| unread(&error))?;
    let sum = |side: fn(&Balance) -> i128| balances.iter().map(side).sum::<i128>();
    let (debit, credit) = (sum(|balance| balance.debit_minor), sum(|balance| balance.credit_minor));
    if shown.json {
        let accounts: Vec<Value> = balances
            .iter()
            .map(|balance| json!({ "party": &*balance.party, "product": &*balance.product, "account": balance.role.name(), "debit_minor": minor(balance.debit_minor), "credit_minor": minor(balance.credit_minor) }))
            .collect();
        return output::json(
            &json!({ "head": head(ledger), "accounts": accounts, "debit_minor": minor(debit), "credit_minor": minor(credit), "balanced": debit == credit }),
        );
    }
    let lang = shown.lang;
    let digits = opening::minor_digits(args.scheme.as_deref())?;
    let names = [("party", "机构"), ("product", "产品"), ("account", "科目"), ("debit", "借方"), ("credit", "贷方")];
    let mut rows: Vec<Vec<String>> = vec![names.iter().map(|(en, zh)| lang.pick(en, zh).to_owned()).collect()];
    rows.iter_mut().for_each(|names| names.push(amount_name(lang, ("balance", "余额"), digits)));
    let amounts = |debit: i128, credit: i128| [debit, credit, debit - credit].map(|amount| money_or_minor(minor(amount), digits)).to_vec();
    for balance in &balances {
        let account = vec![balance.party.to_string(), balance.product.to_string(), term(lang, balance.role.name()).to_owned()];
        rows.push([account, amounts(balance.debit_minor, balance.credit_minor)].concat());
    }
    rows.push([vec![lang.pick("in all", "合计").to_owned(), String::new(), String::new()], amounts(debit, credit)].concat());
    output::table(&rows, 3)
}

fn block(ledger: &Ledger, height: u64) -> Result<(), Failure> {
    let last = ledger.head().height;
    if !(1..=last).contains(&height) {
        return Err(Failure::refused(format!("block {height} is not in the journal")).hint(format!("its blocks are 1 to {last}")));
    }
    let header = ledger.header(height).map_err(|error| unread(&error))?;
    let kind = match header.kind {
        BlockKind::Event => "event",
        BlockKind::Intake => "intake",
        BlockKind::Refusals => "refusals",
        BlockKind::Decisions => "decisions",
    };
    let event = (header.kind == BlockKind::Event).then(|| ledger.read_event(height)).transpose().map_err(|error| unread(&error))?;
    output::json(&json!({
        "height": header.height, "kind": kind, "day": header.day.to_string(), "file": header.file, "rows": header.count, "bytes": header.payload_bytes,
        "prev": hex(&header.prev), "payload_digest": hex(&header.payload_digest), "event": event,
        "archived": ledger.is_archived(height),
    }))
}

/// Runs of sequences that no booked file has brought yet, by terminal and epoch.
fn gaps(ledger: &Ledger, shown: Shown) -> Result<(), Failure> {
    let symbols = SymbolTable::new();
    let seen = history::seen(ledger, &symbols, WorkersArg::default().count())?;
    let runs = seen.all_sequences().flat_map(|(terminal, epoch, sequences)| {
        let terminal = symbols.text(terminal);
        sequences.gaps().into_iter().map(move |(first, last)| (terminal.clone(), epoch, first, last))
    });
    let mut runs: Vec<_> = runs.collect();
    runs.sort_by(|a, b| shorter_first(a.0.as_bytes(), b.0.as_bytes()).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
    let missing = runs.iter().map(|(_, _, first, last)| last - first + 1).sum::<u64>();
    if shown.json {
        let runs: Vec<Value> =
            runs.iter().map(|(terminal, epoch, first, last)| json!({ "terminal": &**terminal, "epoch": epoch, "first": first, "last": last })).collect();
        return output::json(&json!({ "gaps": runs, "missing": missing }));
    }
    let lang = shown.lang;
    let names = [("terminal", "终端"), ("epoch", "代次"), ("first missing", "缺号起"), ("last missing", "缺号止")];
    let mut rows: Vec<Vec<String>> = vec![names.iter().map(|(en, zh)| lang.pick(en, zh).to_owned()).collect()];
    rows.extend(runs.iter().map(|(terminal, epoch, first, last)| vec![terminal.to_string(), epoch.to_string(), first.to_string(), last.to_string()]));
    rows.push(vec![lang.pick("missing in all", "缺号合计").to_owned(), String::new(), String::new(), missing.to_string()]);
    output::table(&rows, 1)
}

fn held(ledger: &Ledger, args: &InspectArgs, shown: Shown) -> Result<(), Failure> {
    let digits = opening::minor_digits(args.scheme.as_deref())?;
    let symbols = SymbolTable::new();
    let held = history::held(ledger, &symbols)?;
    let id = |decision: &Decision| decision.record.id().text(&symbols.text(decision.record.terminal));
    let version = |decision: &Decision| format!("{:016x}", version_of(&decision.record, &symbols).1);
    if shown.json {
        let list: Vec<Value> = held
            .iter()
            .map(|decision| json!({ "record_id": id(decision), "version": version(decision), "reason": decision.reason.number(), "name": decision.reason.name(), "held_since": decision.held_since.to_string(), "event_time_ms": decision.record.time.0, "amount_minor": decision.record.amount_minor }))
            .collect();
        return output::json(&json!({ "held": list }));
    }
    let names = [("record", "记录"), ("held since", "挂起日"), ("reason", "原因")];
    let mut rows: Vec<Vec<String>> = vec![names.iter().map(|(en, zh)| shown.lang.pick(en, zh).to_owned()).collect()];
    rows.iter_mut().for_each(|names| names.push(amount_name(shown.lang, ("amount", "金额"), digits)));
    rows.extend(held.iter().map(|decision| {
        // One of several versions is named beside its id.
        let several = held.iter().filter(|other| other.record.id() == decision.record.id()).count() > 1;
        vec![
            if several { format!("{}@{}", id(decision), version(decision)) } else { id(decision) },
            decision.held_since.to_string(),
            shown.lang.pick(decision.reason.name(), decision.reason.name_zh()).to_owned(),
            money_or_minor(decision.record.amount_minor, digits),
        ]
    }));
    output::table(&rows, 3)
}
