//! `tariff try`: a few taps, typed or from a CSV, priced by a scheme's tariff, with every step. Stores nothing.

use crate::cli::{Shown, TariffAction, TariffArgs, TryArgs};
use crate::failure::{EXIT_LOOK, Failure};
use crate::steps::{Shower, Steps, fact, not_for};
use crate::terms::term;
use crate::typed::{Defaults, TapReader, Unclear};
use crate::words::money;
use crate::{opening, output};
use domain::{EventTime, RecordKind, SymbolTable};
use engine::account::{self, Account, Known, Ride, event_order};
use engine::scheme::Scheme;
use serde_json::{Value, json};
use std::path::Path;

/// # Errors
/// When the scheme is bad or a tap cannot be understood.
pub fn run(args: &TariffArgs, shown: Shown) -> Result<u8, Failure> {
    let TariffAction::Try(args) = &args.action;
    let symbols = SymbolTable::new();
    let mut scheme = opening::scheme(&args.scheme, &symbols)?;
    if let Some(tariff) = &args.tariff {
        scheme = opening::with_tariff(&scheme, tariff, &symbols)?;
    }
    let mut reader = TapReader::new(&scheme, &symbols, defaults(args));
    let mut taps = match &args.csv {
        Some(path) => rows(path, &mut reader)?,
        None => Vec::new(),
    };
    for (number, text) in (1..).zip(&args.taps) {
        taps.push(reader.typed(text).map_err(|unclear| refused(&format!("tap {number}"), unclear))?);
    }
    if taps.is_empty() {
        return Err(Failure::refused("there is no tap to price").hint("type one: tapclear tariff try --scheme DIR \"2026-03-02 08:20 on 1\" \"08:55 off 2\""));
    }
    let riders = riders(&scheme, &symbols, taps);
    let shower = Shower { scheme: &scheme, symbols: &symbols, lang: shown.lang };
    let unpriced = riders.iter().map(|rider| rider.unpriced.len()).sum::<usize>();
    if shown.json {
        as_json(&riders, shower)?
    } else {
        as_text(&riders, shower)?
    }
    Ok(if unpriced > 0 { EXIT_LOOK } else { 0 })
}

fn defaults(args: &TryArgs) -> Defaults {
    let said = [
        ("card", &args.card),
        ("class", &args.class),
        ("medium", &args.medium),
        ("birth", &args.birth),
        ("issuer", &args.issuer),
        ("mode", &args.mode),
        ("operator", &args.operator),
    ];
    said.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect()
}

fn refused(place: &str, Unclear { problem, hint }: Unclear) -> Failure {
    Failure::refused(format!("{place} cannot be understood: {problem}")).hint(hint)
}

/// The taps of a CSV file.
fn rows(path: &Path, reader: &mut TapReader<'_>) -> Result<Vec<Known>, Failure> {
    let unread = |error: &csv::Error| Failure::refused(format!("{} cannot be read", path.display())).because(error).hint("a CSV with a header row, in UTF-8");
    let mut file = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_path(path).map_err(|error| unread(&error))?;
    let header: Vec<String> = file.headers().map_err(|error| unread(&error))?.iter().map(str::to_owned).collect();
    let mut taps = Vec::new();
    for row in file.records() {
        let row = row.map_err(|error| unread(&error))?;
        let line = row.position().map_or(0, csv::Position::line);
        let fields = header.iter().cloned().zip(row.iter().map(str::to_owned)).collect();
        taps.push(reader.tap(fields).map_err(|unclear| refused(&format!("{}, line {line},", path.display()), unclear))?);
    }
    Ok(taps)
}

/// One account's taps and what they come to.
struct Rider {
    taps: Vec<Known>,
    account: Account,
    /// Taps without a price that are no part of a ride.
    unpriced: Vec<usize>,
    /// A journey that still waits for its end, priced as if none came: its position among the rides, and when it is given up.
    waiting: Option<(usize, EventTime)>,
}

/// The taps by account, in the order in which accounts first appear, each folded in event order.
fn riders(scheme: &Scheme, symbols: &SymbolTable, taps: Vec<Known>) -> Vec<Rider> {
    let mut accounts: Vec<(domain::CardToken, Vec<Known>)> = Vec::new();
    for tap in taps {
        let account = tap.resolved.account;
        match accounts.iter_mut().find(|(known, _)| *known == account) {
            Some((_, list)) => list.push(tap),
            None => accounts.push((account, vec![tap])),
        }
    }
    accounts.into_iter().map(|(_, taps)| rider(scheme, symbols, taps)).collect()
}

fn rider(scheme: &Scheme, symbols: &SymbolTable, mut taps: Vec<Known>) -> Rider {
    taps.sort_by(|a, b| event_order(&a.record, &b.record, symbols));
    // Every service day but the last has closed.
    let mut days: Vec<domain::Day> = taps.iter().map(|tap| tap.resolved.service_day).collect();
    days.dedup();
    days.pop();
    let ends: Vec<EventTime> = days.into_iter().map(|day| scheme.clock.day_end(day)).collect();
    let mut account = account::fold(scheme, &taps, &ends);
    let waiting = account.give_up(scheme).map(|due| (account.rides.len() - 1, due));
    let part = |at: usize| account.rides.iter().any(|ride| ride.at == at || ride.entry == Some(at));
    let silent = |tap: &Known| {
        let version = scheme.tariff.version_at(tap.record.time, &scheme.clock);
        version.is_some_and(|version| version.prices(tap.record.kind, tap.resolved.mode, tap.resolved.earner))
    };
    let unpriced = taps.iter().enumerate().filter(|(at, tap)| !part(*at) && !silent(tap)).map(|(at, _)| at).collect();
    Rider { taps, account, unpriced, waiting }
}

impl Rider {
    fn tap(&self, at: usize) -> &Known {
        self.taps.get(at).expect("a ride is decided by one of the taps")
    }

    /// The tap at which a ride began.
    fn entry(&self, ride: &Ride) -> &Known {
        self.tap(ride.entry.unwrap_or(ride.at))
    }
}

fn tap_json(tap: &Known, shower: Shower<'_>) -> Value {
    let text = |symbol: domain::Symbol| shower.symbols.text(symbol).to_string();
    json!({
        "time": shower.moment(tap.record.time), "kind": tap.record.kind.name(), "place": text(tap.record.location), "mode": text(tap.resolved.mode),
        "operator": text(tap.resolved.earner), "route": text(tap.record.route), "class": text(tap.resolved.class), "medium": text(tap.medium),
        "issuer": text(tap.resolved.issuer), "card": tap.record.card.as_str(),
    })
}

fn as_json(riders: &[Rider], shower: Shower<'_>) -> Result<(), Failure> {
    let (mut rides, mut unpriced, mut charged_minor) = (Vec::new(), Vec::new(), 0);
    for rider in riders {
        for (number, ride) in rider.account.rides.iter().enumerate() {
            let mut value = Steps::of_ride(ride).json(shower);
            let taps: Vec<Value> = ride.entry.into_iter().chain([ride.at]).map(|at| tap_json(rider.tap(at), shower)).collect();
            let due = rider.waiting.filter(|(waiting, _)| *waiting == number).map(|(_, due)| shower.moment(due));
            charged_minor += if due.is_none() { ride.fare.charged_minor } else { 0 };
            output::put(&mut value, "taps", json!(taps));
            output::put(&mut value, "service_day", json!(ride.fare.service_day.to_string()));
            output::put(&mut value, "given_up_at", json!(due));
            output::put(&mut value, "budget_claims_minor", json!(ride.claims.iter().map(|claim| claim.amount_minor).sum::<i64>()));
            rides.push(value);
        }
        unpriced.extend(rider.unpriced.iter().map(|&at| tap_json(rider.tap(at), shower)));
    }
    output::json(&json!({ "rides": rides, "unpriced": unpriced, "charged_minor": charged_minor }))
}

fn as_text(riders: &[Rider], shower: Shower<'_>) -> Result<(), Failure> {
    let Shower { lang, scheme, .. } = shower;
    let (mut number, mut list_minor, mut charged_minor) = (0, 0, 0);
    for rider in riders {
        for (at, ride) in rider.account.rides.iter().enumerate() {
            number += 1;
            if number > 1 {
                output::line("")?;
            }
            output::line(&format!("{number}  {}", heading(rider, ride, shower)))?;
            let (known, entry) = (rider.tap(ride.at), rider.entry(ride));
            let steps = Steps::of_ride(ride);
            let mut rows = steps.rows(shower, &|key| fact(key, known, entry, shower));
            let version = scheme.tariff.version_at(entry.record.time, &scheme.clock);
            for (rule, key) in version.into_iter().flat_map(|version| not_for(version, known)) {
                let words = lang.pick("not for such records: `{}`", "不适用于此类记录：`{}`").replace("{}", key);
                rows.push(vec![rule.to_owned(), lang.pick("not applied", "未适用").to_owned(), words, String::new(), String::new()]);
            }
            output::table(&rows, 3)?;
            output::line(&steps.sum(shower))?;
            if let Some((_, due)) = rider.waiting.filter(|(waiting, _)| *waiting == at) {
                let words = lang.pick(
                    "it still waits for its tap-off; this is what it costs if none has come when its clearing day ends at {} or later",
                    "尚待出站；若到 {} 及以后日终仍无出站，按此计价",
                );
                output::line(&words.replace("{}", &shower.moment(due)))?;
            } else {
                list_minor += ride.fare.list_minor;
                charged_minor += ride.fare.charged_minor;
            }
            if !ride.claims.is_empty() {
                output::line(lang.pick(
                    "as if the budget lasts: it is granted at the close, in event order over all riders",
                    "按预算充足计；实际在日终按全部乘客的时间顺序拨付",
                ))?;
            }
        }
        for &at in &rider.unpriced {
            output::line(&format!(
                "\n{}  {}",
                tap_words(rider.tap(at), shower),
                lang.pick("no base rule of the tariff is for it: it would be held (218 no-tariff)", "没有适用的基础票价规则：将被挂起（218 无票价规则）")
            ))?;
        }
    }
    if number > 1 {
        let digits = scheme.minor_digits;
        output::line(&format!(
            "\n{} {}, {} {}",
            lang.pick("list prices", "票面价合计"),
            money(list_minor, digits),
            lang.pick("to pay", "应付合计"),
            money(charged_minor, digits)
        ))?;
    }
    Ok(())
}

/// When, where and by what a ride was made.
fn heading(rider: &Rider, ride: &Ride, shower: Shower<'_>) -> String {
    let entry = ride.entry.map(|at| rider.tap(at));
    let last = tap_words(rider.tap(ride.at), shower);
    entry.map_or(last.clone(), |entry| {
        let (time, place) = (shower.moment(entry.record.time), shower.place(entry.record.location));
        format!("{time} {place} → {last}")
    })
}

fn tap_words(tap: &Known, shower: Shower<'_>) -> String {
    let text = |symbol: domain::Symbol| shower.symbols.text(symbol).to_string();
    let from = if tap.record.from.is_none() { String::new() } else { format!("{} →", shower.place(tap.record.from)) };
    let kind = if tap.record.kind == RecordKind::TapOff { String::new() } else { term(shower.lang, tap.record.kind.name()).to_owned() };
    let words = [
        shower.moment(tap.record.time),
        kind,
        from,
        shower.place(tap.record.location),
        text(tap.record.route),
        text(tap.resolved.mode),
        text(tap.resolved.earner),
        text(tap.resolved.class),
        text(tap.medium),
        tap.record.card.as_str().to_owned(),
    ];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
