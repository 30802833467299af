//! `resolve`: a person's decision on a held record, or the end of a journey that its operator supplies. Takes effect at the
//! next close; what it says and why stands in the journal.

use crate::cli::{ResolveArgs, Shown};
use crate::durable::commit;
use crate::failure::Failure;
use crate::{history, opening, output};
use domain::symbol::SymbolCache;
use domain::{Decision, Flags, Reason, RecordId, RecordKind, SymbolTable};
use engine::close::{supplied_tap_off, version_of};
use engine::ingest::record_id_of;
use ledger::{Event, Group, Ledger};
use serde_json::json;

/// # Errors
/// When nothing, or more than one version, is meant, or what is meant cannot be decided in this way.
pub fn run(args: &ResolveArgs, shown: Shown) -> Result<u8, Failure> {
    let symbols = SymbolTable::new();
    let mut ledger = opening::ledger(&args.ledger, false)?;
    let day = ledger.open_day().map(|info| info.day).ok_or_else(Failure::no_open_day)?;
    let event = match (&args.tap_off, &args.at) {
        (Some(location), Some(at)) => supply(args, &ledger, &symbols, location, at)?,
        _ => decide(args, &ledger, &symbols)?,
    };
    let (what, en, zh) = match &event {
        Event::HeldReleased { .. } => ("released", "released:", "已放行："),
        Event::HeldRejected { .. } => ("rejected", "rejected:", "已拒绝："),
        _ => ("supplied", "tap-off supplied:", "已补出站："),
    };
    let mut group = Group::new();
    group.event(event);
    commit(&mut ledger, group)?;
    if shown.json {
        output::json(&json!({ "record_id": args.record, "decision": what, "settled_in": day.to_string() }))?;
    } else {
        output::line(&format!("{} {}; {} {day}", shown.lang.pick(en, zh), args.record, shown.lang.pick("it counts in the close of", "计入日终：")))?;
    }
    Ok(0)
}

/// A decision on a held record. `ID@VERSION` means one of several versions.
fn decide(args: &ResolveArgs, ledger: &Ledger, symbols: &SymbolTable) -> Result<Event, Failure> {
    let (id, wanted) = args.record.split_once('@').map_or((&*args.record, None), |(id, version)| (id, Some(version)));
    let versions: Vec<(Decision, String)> = history::held(ledger, symbols)?
        .into_iter()
        .filter(|held| text_of(held, symbols) == id)
        .map(|held| (held, format!("{:016x}", version_of(&held.record, symbols).1)))
        .filter(|(_, version)| wanted.is_none_or(|wanted| version == wanted))
        .collect();
    let (held, version) = match versions.as_slice() {
        [one] => one.clone(),
        [] => return Err(Failure::refused(format!("no held record is meant by `{}`", args.record)).hint("`tapclear inspect --held` lists them")),
        several => {
            let lines = several.iter().map(|(held, version)| format!("{id}@{version}  {}  {}", held.record.kind.name(), held.record.amount_minor));
            return Err(Failure::refused(format!("{} versions of `{id}` are held", several.len())).listing(lines).hint("name one as it is listed"));
        }
    };
    let (record, why) = (id.to_owned(), args.why.clone());
    if args.reject {
        return Ok(Event::HeldRejected { record, version, why });
    }
    let refused = |hint: &str| Err(Failure::refused(format!("`{id}` cannot be released: {}", held.reason.name())).hint(hint));
    match held.reason {
        Reason::UnknownIssuer | Reason::UnknownOperator | Reason::NoTariff => {
            return refused("nothing says who pays or earns how much; put it into the scheme, and the next close releases the record by itself");
        }
        Reason::OriginalMissing => return refused("it waits for the record that it names, and is released when that arrives"),
        _ => {}
    }
    let all = history::look_up(ledger, symbols, &[(held.record.id(), Some(held.record.time))])?.pop().unwrap_or_default();
    if engine::close::standing(&all).iter().any(|(_, decision)| decision.reason == Reason::Cleared) {
        return refused("another version of it has been cleared; withdraw the file that brought that one, or reject this one");
    }
    let released = ledger.resolutions(open(ledger)?).map_err(|error| history::unread(&error))?;
    if released.iter().any(|event| matches!(event, Event::HeldReleased { record, version: other, .. } if record == id && *other != version)) {
        return refused("another version of it has been released today; reject this one");
    }
    Ok(Event::HeldReleased { record, version, why })
}

/// The end of a journey that a closed day gave up.
fn supply(args: &ResolveArgs, ledger: &Ledger, symbols: &SymbolTable, location: &str, at: &str) -> Result<Event, Failure> {
    let dir = args.scheme.as_deref().ok_or_else(|| Failure::refused("a tap-off is supplied under a scheme").hint("name it with --scheme"))?;
    let scheme = opening::scheme(dir, symbols)?;
    let place = symbols.intern(location);
    let written = location.split_once(':').is_some_and(|(kind, code)| !kind.is_empty() && !code.is_empty());
    if scheme.location(place).is_none() && !(scheme.open.locations && written) {
        return Err(Failure::refused(format!("`{location}` is no location of the scheme")).hint("write it as `kind:code`, as in locations.csv"));
    }
    let time = engine::scheme::moment::start(at, &scheme.clock)
        .ok_or_else(|| Failure::refused(format!("`{at}` is no time")).hint("write a local time like 2026-03-02T08:30:00"))?;
    let unknown = || Failure::refused(format!("`{}` is no record id", args.record)).hint("write it as settlement files print it");
    let id = record_id_of(&args.record, &mut SymbolCache::new(symbols)).ok_or_else(unknown)?;
    let all = history::look_up(ledger, symbols, &[(id, None)])?.pop().unwrap_or_default();
    let tap_on = engine::close::standing(&all).into_iter().map(|(_, decision)| decision).find(|decision| decision.reason == Reason::Cleared);
    let given_up = all.iter().any(|(_, decision)| decision.flags.has(Flags::RIDE) && decision.flags.has(Flags::NO_TAP_OFF));
    let Some(tap_on) = tap_on.filter(|tap_on| tap_on.record.kind == RecordKind::TapOn && given_up) else {
        return Err(Failure::refused(format!("`{}` is no tap-on whose journey a closed day has given up", args.record))
            .hint("its line in the detail has the flag `no-tap-off`"));
    };
    if time <= tap_on.record.time {
        return Err(Failure::refused(format!("{at} is not later than the tap-on")).hint("a journey ends after it began"));
    }
    let open = open(ledger)?;
    if scheme.clock.service_day(time) > open {
        let hint = format!("the open day is {open}; supply it when its day is open");
        return Err(Failure::refused(format!("{at} is after the open clearing day")).hint(hint));
    }
    let supplied = supplied_tap_off(&tap_on.record, place, time, symbols).id();
    let before: &[(RecordId, _)] = &[(supplied, None)];
    let today = ledger.resolutions(open).map_err(|error| history::unread(&error))?;
    let again = today.iter().any(|event| matches!(event, Event::TapOffSupplied { record, .. } if *record == args.record));
    if again || !history::look_up(ledger, symbols, before)?.concat().is_empty() {
        return Err(Failure::refused(format!("a tap-off has been supplied for `{}` before", args.record)).hint("a journey ends once"));
    }
    // A correction has taken back all that the tap-on cost.
    let corrected = all.iter().any(|(_, decision)| decision.flags.has(Flags::CORRECTS));
    if corrected && all.iter().map(|(_, decision)| decision.list_minor).sum::<i64>() == 0 {
        return Err(Failure::refused(format!("a tap-off that came late has ended the journey of `{}`", args.record)).hint("`tapclear explain` shows it"));
    }
    let (record, tap_on_ms) = (args.record.clone(), tap_on.record.time.0);
    Ok(Event::TapOffSupplied { record, tap_on_ms, location: location.to_owned(), time_ms: time.0, why: args.why.clone() })
}

fn open(ledger: &Ledger) -> Result<domain::Day, Failure> {
    ledger.open_day().map(|info| info.day).ok_or_else(Failure::no_open_day)
}

fn text_of(decision: &Decision, symbols: &SymbolTable) -> String {
    decision.record.id().text(&symbols.text(decision.record.terminal))
}
