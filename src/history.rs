//! Looking back: what the ledger knows of ids, accounts and closed days, put back into the engine's shapes.

use crate::failure::Failure;
use domain::symbol::SymbolCache;
use domain::{CardToken, Day, Decision, Discount, EventTime, Reason, Record, RecordId, Symbol, SymbolTable};
use engine::close::{Before, Budgets, FeeBases, FeeKey, FeesBooked, Given, Giving, PARTITIONS, Refunded, Resolutions, Withdrawn, standing, supplied_tap_off};
use engine::dedup::{Seen, Sequences};
use engine::ingest::record_id_of;
use engine::parallel;
use engine::price::Part;
use hashbrown::HashMap;
use ledger::{DayInfo, DayState, DecisionBlock, Event, Group, IntakeAt, Ledger, LedgerError, decode_decisions};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Kinds of checkpoint. The numbers are stored. Settlement keeps its own kind, [`settlement::MANIFESTS`].
mod kind {
    /// Key: epoch and terminal. Value: its sequences.
    pub const SEQUENCES: u8 = 1;
    /// Key: clearing day. Value: ids made from columns, first taken in that day.
    pub const COLUMN_IDS: u8 = 2;
    /// Key: partition. Value: what pricing remembers.
    pub const ACCOUNTS: u8 = 3;
    /// Key: number from zero. Value: how many decisions on held records, and they as in a block's payload.
    pub const HELD: u8 = 4;
    /// One value: what has been given back of originals, as JSON lines.
    pub const REFUNDED: u8 = 5;
    /// Key: service day. Value: the fees that were booked of it, as JSON lines.
    pub const FEES: u8 = 6;

    /// Key: the name of an incentive. Value: what has been granted of its budget, as decimal digits.
    pub const BUDGETS: u8 = 7;

    /// One value: the last moment that has been priced, in milliseconds since 1970, as decimal digits.
    pub const PRICED_UNTIL: u8 = 8;

    /// Key: partition. Value: what is remembered of cards for oddities.
    pub const TRAILS: u8 = 9;

    const _: () = assert!(settlement::MANIFESTS > TRAILS, "no two kinds of checkpoint have one number");
}

/// Intake blocks that a thread reads in a row when a day's ids are gathered.
const RUN_BLOCKS: usize = 8;

/// A checkpoint that cannot be read.
#[must_use]
pub fn broken(what: &str) -> Failure {
    Failure::refused(format!("the ledger's checkpoint of {what} cannot be read")).hint("`tapclear verify` tells what else is wrong with the ledger")
}

/// A failure to read the ledger.
#[must_use]
pub fn unread(error: &LedgerError) -> Failure {
    Failure::refused("the ledger cannot be read").because(error).hint("`tapclear verify` tells what is wrong with it")
}

/// All ids that count: those of closed days, from their checkpoint, and those of the booked files of the open day, whose
/// blocks `workers` threads read. A start waits for this before it acknowledges anything.
///
/// # Errors
/// When the ledger cannot be read.
pub fn seen(ledger: &Ledger, symbols: &SymbolTable, workers: usize) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    for (key, value) in ledger.checkpoints(kind::SEQUENCES).map_err(|error| unread(&error))? {
        let (epoch, terminal) = key.split_first_chunk::<4>().ok_or_else(|| broken("terminal sequences"))?;
        let terminal = std::str::from_utf8(terminal).map_err(|_| broken("terminal sequences"))?;
        let sequences = Sequences::from_bytes(&value).ok_or_else(|| broken("terminal sequences"))?;
        seen.restore_sequences(symbols.intern(terminal), u32::from_be_bytes(*epoch), sequences);
    }
    for (_, value) in ledger.checkpoints(kind::COLUMN_IDS).map_err(|error| unread(&error))? {
        let (words, rest) = value.as_chunks::<8>();
        let (ids, odd) = words.as_chunks::<2>();
        if !rest.is_empty() || !odd.is_empty() {
            return Err(broken("column ids"));
        }
        seen.restore_columns(ids.iter().map(|id| id.map(u64::from_le_bytes)));
    }
    if let Some(open) = ledger.open_day() {
        let blocks = ledger.intake_blocks(open.day).map_err(|error| unread(&error))?;
        // A cache is worth having for more than one block.
        let runs: Vec<&[IntakeAt]> = blocks.chunks(RUN_BLOCKS).collect();
        let ids = |at: usize| {
            let (mut cache, mut ids) = (SymbolCache::new(symbols), Vec::new());
            let read = |block: &IntakeAt| ledger.each_intake(block.height, &mut cache, |piece| ids.extend(piece.records.iter().map(Record::id)));
            runs.get(at).copied().unwrap_or_default().iter().try_for_each(read).map(|()| ids)
        };
        parallel::in_order(workers, runs.len(), ids, |ids| {
            for id in ids.map_err(|error| unread(&error))? {
                seen.mark(id);
            }
            Ok(())
        })?;
    }
    Ok(seen)
}

/// What earlier closes left for the next one.
///
/// # Errors
/// When the ledger cannot be read.
pub fn before(ledger: &Ledger, symbols: &SymbolTable, workers: usize) -> Result<Before, Failure> {
    let mut remembered = vec![Vec::new(); PARTITIONS];
    for (key, value) in ledger.checkpoints(kind::ACCOUNTS).map_err(|error| unread(&error))? {
        let place = key.first().and_then(|&partition| remembered.get_mut(usize::from(partition))).ok_or_else(|| broken("accounts"))?;
        *place = value;
    }
    let mut trails = vec![Vec::new(); PARTITIONS];
    for (key, value) in ledger.checkpoints(kind::TRAILS).map_err(|error| unread(&error))? {
        let place = key.first().and_then(|&partition| trails.get_mut(usize::from(partition))).ok_or_else(|| broken("cards"))?;
        *place = value;
    }
    let mut refunded = Refunded::default();
    for (_, value) in ledger.checkpoints(kind::REFUNDED).map_err(|error| unread(&error))? {
        for line in value.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let (id, given) = given_of(line, symbols).ok_or_else(|| broken("refunds"))?;
            refunded.insert(id, given);
        }
    }
    let mut budgets = Budgets::new();
    for (name, value) in ledger.checkpoints(kind::BUDGETS).map_err(|error| unread(&error))? {
        let granted = std::str::from_utf8(&value).ok().and_then(|digits| digits.parse().ok());
        let (Ok(name), Some(granted)) = (String::from_utf8(name), granted) else { return Err(broken("budgets")) };
        budgets.insert(name, granted);
    }
    let mut priced_until = None;
    for (_, value) in ledger.checkpoints(kind::PRICED_UNTIL).map_err(|error| unread(&error))? {
        let ms = std::str::from_utf8(&value).ok().and_then(|digits| digits.parse().ok()).ok_or_else(|| broken("the last moment priced"))?;
        priced_until = Some(EventTime(ms));
    }
    let closed = closed_days(ledger).map(|day| day.day).collect();
    Ok(Before {
        remembered,
        trails,
        refunded,
        budgets,
        closed,
        priced_until,
        withdrawn: withdrawn(ledger, symbols, workers)?,
        resolutions: resolutions(ledger, symbols)?,
    })
}

/// What people have decided since the last close.
fn resolutions(ledger: &Ledger, symbols: &SymbolTable) -> Result<Resolutions, Failure> {
    let mut resolutions = Resolutions::default();
    let Some(open) = ledger.open_day() else { return Ok(resolutions) };
    let mut cache = SymbolCache::new(symbols);
    for event in ledger.resolutions(open.day).map_err(|error| unread(&error))? {
        let damaged = || Failure::refused("a decision in the journal names no record").hint("`tapclear verify` tells what is wrong with the ledger");
        let mut id = |record: &str| record_id_of(record, &mut cache).ok_or_else(damaged);
        let number = |version: &str| u64::from_str_radix(version, 16).map_err(|_| damaged());
        match event {
            // The last decision on a record counts.
            Event::HeldReleased { record, version, .. } => {
                let version = (id(&record)?, number(&version)?);
                resolutions.rejected.remove(&version);
                resolutions.released.insert(version);
            }
            Event::HeldRejected { record, version, .. } => {
                let version = (id(&record)?, number(&version)?);
                resolutions.released.remove(&version);
                resolutions.rejected.insert(version);
            }
            Event::TapOffSupplied { record, tap_on_ms, location, time_ms, .. } => {
                let all = look_up(ledger, symbols, &[(id(&record)?, Some(EventTime(tap_on_ms)))])?.concat();
                let tap_on = standing(&all).into_iter().find(|(_, decision)| decision.reason == Reason::Cleared);
                let supplied = tap_on.map(|(_, tap_on)| supplied_tap_off(&tap_on.record, symbols.intern(&location), EventTime(time_ms), symbols));
                resolutions.supplied.extend(supplied);
            }
            _ => {}
        }
    }
    Ok(resolutions)
}

/// What files brought that were taken back since the last close, after their day had closed, and no other file that counts.
fn withdrawn(ledger: &Ledger, symbols: &SymbolTable, workers: usize) -> Result<Withdrawn, Failure> {
    let Some(open) = ledger.open_day() else { return Ok(Withdrawn::default()) };
    if !ledger.files().iter().any(|file| file.is_undone_in(open.day)) {
        return Ok(Withdrawn::default());
    }
    let (mut taken_back, mut others) = (Vec::new(), Vec::new());
    for day in ledger.days() {
        for block in ledger.intake_blocks(day.day).map_err(|error| unread(&error))? {
            let file = ledger.file_by_id(block.file_id).expect("a block's file is known");
            if file.is_undone_in(open.day) {
                taken_back.push((day.day, block.height));
            } else if file.withdrawn.is_none() {
                others.push((day.day, block.height));
            }
        }
    }
    let read = |blocks: Vec<(Day, u64)>, wanted: &(dyn Fn(&Record) -> bool + Sync)| -> Result<Vec<(Day, Record)>, Failure> {
        let found = parallel::map(workers, blocks, |_, (day, height)| {
            let (mut cache, mut found) = (SymbolCache::new(symbols), Vec::new());
            let read =
                ledger.each_intake(height, &mut cache, |piece| found.extend(piece.records.iter().filter(|record| wanted(record)).map(|record| (day, *record))));
            read.map(|()| found).map_err(|error| unread(&error))
        });
        Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
    };
    let mut withdrawn = Withdrawn::of(read(taken_back, &|_| true)?.into_iter().map(|(_, record)| record));
    let copies = read(others, &|record| withdrawn.has_id(&record.id()))?;
    copies.into_iter().for_each(|(day, record)| withdrawn.meet(record, Some(day).filter(|day| *day < open.day)));
    Ok(withdrawn)
}

/// The days that are closed, oldest first.
fn closed_days(ledger: &Ledger) -> impl Iterator<Item = &DayInfo> {
    ledger.days().iter().filter(|day| matches!(day.state, DayState::Closed | DayState::Settled))
}

/// What closed days decided that `wanted` says yes for, the oldest day first. Reads the blocks that may have a decision on one
/// of the cards; without cards, all of them.
///
/// # Errors
/// When the ledger cannot be read.
pub fn journal(
    ledger: &Ledger,
    symbols: &SymbolTable,
    workers: usize,
    cards: Option<&[CardToken]>,
    wanted: &(dyn Fn(&Decision) -> bool + Sync),
) -> Result<Vec<(Day, Decision)>, Failure> {
    let mut blocks = Vec::new();
    for day in closed_days(ledger) {
        let heights = match cards {
            Some(cards) => ledger.decision_blocks_of(day.day, cards),
            None => ledger.decision_blocks(day.day),
        };
        let heights = heights.map_err(|error| unread(&error))?;
        blocks.extend(heights.into_iter().map(|height| (day.day, height)));
    }
    let found = parallel::map(workers, blocks, |_, (day, height)| {
        let (mut cache, mut found) = (SymbolCache::new(symbols), Vec::new());
        let read = ledger.each_decisions(height, &mut cache, |decisions| {
            found.extend(decisions.iter().filter(|decision| wanted(decision)).map(|decision| (day, *decision)));
        });
        read.map(|()| found).map_err(|error| unread(&error))
    });
    let mut all = Vec::new();
    for found in found {
        all.append(&mut found?);
    }
    Ok(all)
}

/// The decisions on records that the last close held.
///
/// # Errors
/// When the ledger cannot be read.
pub fn held(ledger: &Ledger, symbols: &SymbolTable) -> Result<Vec<Decision>, Failure> {
    let mut cache = SymbolCache::new(symbols);
    let mut held = Vec::new();
    for (_, value) in ledger.checkpoints(kind::HELD).map_err(|error| unread(&error))? {
        let (count, payload) = value.split_first_chunk::<4>().ok_or_else(|| broken("held records"))?;
        let mut some = Vec::new();
        decode_decisions(u32::from_le_bytes(*count), payload, &mut cache, &mut some).map_err(|_| broken("held records"))?;
        held.extend(some);
    }
    Ok(held)
}

/// What a close leaves, put into the group of its `Closed` event.
pub struct After<'a> {
    pub seen: &'a Seen,
    /// By partition.
    pub accounts: &'a [Vec<u8>],
    /// By partition.
    pub trails: &'a [Vec<u8>],
    pub refunded: &'a Refunded,
    pub budgets: &'a Budgets,
    pub priced_until: EventTime,
    pub held: &'a [Decision],
    /// All fees of the service days that the close touched.
    pub fees: &'a FeesBooked,
    pub hub: Symbol,
    pub day: Day,
}

impl After<'_> {
    /// # Errors
    /// When the ledger cannot be read.
    pub fn put(&self, ledger: &Ledger, symbols: &SymbolTable, group: &mut Group) -> Result<(), Failure> {
        let texts = symbols.texts();
        let text = |symbol: domain::Symbol| texts.get(symbol.index()).map_or("", |text| &**text);
        for (terminal, epoch, sequences) in self.seen.all_sequences() {
            let key = [&epoch.to_be_bytes()[..], text(terminal).as_bytes()].concat();
            group.checkpoint(kind::SEQUENCES, &key, sequences.to_bytes());
        }
        let columns = self.seen.fresh_columns();
        if !columns.is_empty() {
            let bytes = columns.iter().flatten().flat_map(|half| half.to_le_bytes()).collect();
            group.checkpoint(kind::COLUMN_IDS, &self.day.0.to_be_bytes(), bytes);
        }
        for (partition, bytes) in (0u8..=u8::MAX).zip(self.accounts) {
            group.checkpoint(kind::ACCOUNTS, &[partition], bytes.clone());
        }
        for (partition, bytes) in (0u8..=u8::MAX).zip(self.trails) {
            if bytes.is_empty() {
                group.drop_checkpoint(kind::TRAILS, &[partition]);
            } else {
                group.checkpoint(kind::TRAILS, &[partition], bytes.clone());
            }
        }
        for (key, _) in ledger.checkpoints(kind::HELD).map_err(|error| unread(&error))? {
            group.drop_checkpoint(kind::HELD, &key);
        }
        for (number, held) in (0u32..).zip(self.held.chunks(ledger::BLOCK_ROWS_MAX)) {
            let block = DecisionBlock::encode(held, self.hub, symbols);
            group.checkpoint(kind::HELD, &number.to_be_bytes(), [&block.count().to_le_bytes()[..], block.payload()].concat());
        }
        for (name, granted_minor) in self.budgets {
            group.checkpoint(kind::BUDGETS, name.as_bytes(), granted_minor.to_string().into_bytes());
        }
        group.checkpoint(kind::PRICED_UNTIL, &[], self.priced_until.0.to_string().into_bytes());
        group.drop_checkpoint(kind::REFUNDED, &[]);
        if !self.refunded.is_empty() {
            let mut lines: Vec<String> = self.refunded.iter().map(|(id, given)| given_line(id, given, &texts)).collect();
            lines.sort_unstable();
            group.checkpoint(kind::REFUNDED, &[], lines.concat().into_bytes());
        }
        let mut by_day: BTreeMap<Day, Vec<String>> = BTreeMap::new();
        for (key, (bases, fee_minor)) in self.fees {
            let names = [key.earner, key.issuer, key.product].map(text);
            let line = format!("{}\n", serde_json::json!([names, bases.charged_minor, bases.earned_minor, fee_minor]));
            by_day.entry(key.service_day).or_default().push(line);
        }
        for (service_day, mut lines) in by_day {
            lines.sort_unstable();
            group.checkpoint(kind::FEES, &service_day.0.to_be_bytes(), lines.concat().into_bytes());
        }
        Ok(())
    }
}

/// What is booked of the fees of some service days.
///
/// # Errors
/// When the ledger cannot be read.
pub fn fees(ledger: &Ledger, symbols: &SymbolTable, service_days: impl Iterator<Item = Day>) -> Result<FeesBooked, Failure> {
    let mut booked = FeesBooked::default();
    for service_day in service_days.collect::<BTreeSet<Day>>() {
        let kept = ledger.checkpoint(kind::FEES, &service_day.0.to_be_bytes()).map_err(|error| unread(&error))?.unwrap_or_default();
        for line in kept.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let (names, charged_minor, earned_minor, fee_minor): ([String; 3], i64, i64, i64) = serde_json::from_slice(line).map_err(|_| broken("fees"))?;
            let [earner, issuer, product] = names.map(|name| symbols.intern(&name));
            booked.insert(FeeKey { earner, issuer, product, service_day }, (FeeBases { charged_minor, earned_minor }, fee_minor));
        }
    }
    Ok(booked)
}

/// An id as stored: how it was made, the terminal's name, and its numbers.
type IdParts<'t> = (u8, Cow<'t, str>, u32, u64, u64);

fn parts_of<'t>(id: &RecordId, texts: &'t [Arc<str>]) -> IdParts<'t> {
    let text = |terminal: Symbol| texts.get(terminal.index()).map_or("", |text| &**text);
    match *id {
        RecordId::Sequence { terminal, epoch, sequence } => (0, text(terminal).into(), epoch, sequence, 0),
        RecordId::Columns([a, b]) => (1, "".into(), 0, a, b),
        RecordId::FileRow([a, b]) => (2, "".into(), 0, a, b),
    }
}

fn id_of((kind, terminal, epoch, a, b): IdParts<'_>, symbols: &SymbolTable) -> Option<RecordId> {
    match kind {
        0 => Some(RecordId::Sequence { terminal: symbols.intern(&terminal), epoch, sequence: a }),
        1 => Some(RecordId::Columns([a, b])),
        2 => Some(RecordId::FileRow([a, b])),
        _ => None,
    }
}

/// What has been given back of an original, as stored.
#[derive(Serialize, Deserialize)]
struct GivenLine<'t> {
    #[serde(borrow)]
    id: IdParts<'t>,
    time: i64,
    service_day: i32,
    whole: bool,
    charged_minor: i64,
    fee_minor: i64,
    discounts: Vec<(Cow<'t, str>, i64)>,
    shares: Vec<(Cow<'t, str>, i64)>,
    /// Id, time, what was asked for, and whether all was.
    refunds: Vec<(IdParts<'t>, i64, i64, bool)>,
}

fn given_line(id: &RecordId, given: &Given, texts: &[Arc<str>]) -> String {
    let text = |symbol: Symbol| Cow::Borrowed(texts.get(symbol.index()).map_or("", |text| &**text));
    let line = GivenLine {
        id: parts_of(id, texts),
        time: given.time.0,
        service_day: given.service_day.0,
        whole: given.whole,
        charged_minor: given.charged_minor,
        fee_minor: given.fee_minor,
        discounts: given.discounts.iter().map(|discount| (text(discount.funder), discount.amount_minor)).collect(),
        shares: given.shares.iter().map(|part| (text(part.party), part.amount_minor)).collect(),
        refunds: given.refunds.iter().map(|refund| (parts_of(&refund.id, texts), refund.time.0, refund.asked_minor, refund.reversal)).collect(),
    };
    format!("{}\n", serde_json::json!(line))
}

fn given_of(line: &[u8], symbols: &SymbolTable) -> Option<(RecordId, Given)> {
    let line: GivenLine = serde_json::from_slice(line).ok()?;
    let refund = |(id, time, asked_minor, reversal)| Some(Giving { id: id_of(id, symbols)?, time: EventTime(time), asked_minor, reversal });
    let given = Given {
        time: EventTime(line.time),
        service_day: Day(line.service_day),
        whole: line.whole,
        charged_minor: line.charged_minor,
        fee_minor: line.fee_minor,
        discounts: line.discounts.into_iter().map(|(funder, amount_minor)| Discount { funder: symbols.intern(&funder), amount_minor }).collect(),
        shares: line.shares.into_iter().map(|(party, amount_minor)| Part { party: symbols.intern(&party), amount_minor }).collect(),
        refunds: line.refunds.into_iter().map(refund).collect::<Option<_>>()?,
    };
    Some((id_of(line.id, symbols)?, given))
}

/// Looks for decisions on closed days: those with the id at the event time where one is given (only blocks of such times are
/// read), those with the id anywhere within reach otherwise.
///
/// # Errors
/// When the ledger cannot be read.
pub fn look_up(ledger: &Ledger, symbols: &SymbolTable, wanted: &[(RecordId, Option<EventTime>)]) -> Result<Vec<Vec<(Day, Decision)>>, Failure> {
    let mut found = vec![Vec::new(); wanted.len()];
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut by_id: HashMap<RecordId, Vec<usize>, foldhash::fast::FixedState> = HashMap::default();
    for (at, (id, _)) in wanted.iter().enumerate() {
        by_id.entry(*id).or_default().push(at);
    }
    let times: BTreeSet<EventTime> = wanted.iter().filter_map(|(_, time)| *time).collect();
    let anywhere = wanted.iter().any(|(_, time)| time.is_none());
    let mut cache = SymbolCache::new(symbols);
    for day in closed_days(ledger) {
        let known = if anywhere { BTreeMap::new() } else { ledger.lines_of(day.day).map_err(|error| unread(&error))? };
        for height in ledger.decision_blocks(day.day).map_err(|error| unread(&error))? {
            if known.get(&height).is_some_and(|block| !block.may_have(&times)) {
                continue;
            }
            let read = ledger.each_decisions(height, &mut cache, |decisions| {
                for decision in decisions {
                    for &at in by_id.get(&decision.record.id()).into_iter().flatten() {
                        let time_fits = wanted.get(at).is_some_and(|(_, time)| time.is_none_or(|time| time == decision.record.time));
                        if let Some(slot) = found.get_mut(at).filter(|_| time_fits) {
                            slot.push((day.day, *decision));
                        }
                    }
                }
            });
            read.map_err(|error| unread(&error))?;
        }
    }
    Ok(found)
}
