//! One row into one record: the hot path of ingest.
//!
//! What is the same for all rows is worked out once; a row costs what its fed fields cost. Reads in a fixed order and stops
//! at the first thing that is wrong; the card comes last, so that the number of a refused row reaches nobody.

use super::card::{DoorKeys, PAN_BYTES_MAX, Pan, card_token};
use super::cells::Row;
use super::decoder::Bad;
use super::feed::{AmountFeed, AmountField, CardForm, Feeds, KindFeed, NameField, Slot};
use super::identity::{Identities, Originals};
use super::moment::Moments;
use super::names::{Name, NameReader};
use super::numbers::{Span, amount_minor, unsigned, word};
use domain::symbol::SymbolCache;
use domain::{CardToken, IdKind, Record, RecordKind, Symbol};
use std::collections::HashSet;

/// A mapping's plan at work.
pub(super) struct RecordReader {
    /// Constants are in it already.
    blank: Record,
    kinds: Kinds,
    moments: Moments,
    identities: Identities,
    names: Vec<(NameField, NameReader)>,
    amounts: Vec<(AmountField, AmountFeed)>,
    counter: Option<Slot>,
    hotlist_version: Option<Slot>,
    grey: Option<Slot>,
    arrival: Option<Slot>,
    source_ref: Option<Slot>,
    originals: Option<Originals>,
    card: Option<(Slot, CardForm)>,
    keys: DoorKeys,
    /// The tokens whose numbers were given out for this chunk.
    given: HashSet<CardToken, foldhash::fast::FixedState>,
}

enum Kinds {
    Always(RecordKind),
    /// The values a column may hold, the short ones as words: there are a handful, and one word is compared faster than a
    /// text. A longer one stands among them with the word 0, which no text has.
    Column {
        slot: Slot,
        words: Vec<(u64, Box<[u8]>, RecordKind)>,
        otherwise: Option<RecordKind>,
    },
}

impl Kinds {
    fn new(feed: &KindFeed) -> Self {
        match feed {
            KindFeed::Constant(kind) => Self::Always(*kind),
            KindFeed::Column { slot, values, otherwise } => {
                let entry = |text: &[u8], kind| (if text.len() <= 8 { word(text, 0, text.len()) } else { 0 }, Box::from(text), kind);
                let mut words: Vec<_> = values.iter().map(|(text, kind)| entry(text.as_bytes(), *kind)).collect();
                if values.is_empty() {
                    words = RecordKind::ALL.iter().map(|kind| entry(kind.name().as_bytes(), *kind)).collect();
                }
                Self::Column { slot: *slot, words, otherwise: *otherwise }
            }
        }
    }

    #[inline]
    fn read(&self, row: &Row<'_>) -> Result<RecordKind, Bad> {
        match self {
            Self::Always(kind) => Ok(*kind),
            Self::Column { slot, words, otherwise } => {
                let span = row.cell(*slot);
                let value = span.of(row.text);
                let known = if (1..=8).contains(&span.len()) {
                    let short = word(row.text, span.from as usize, span.len());
                    // A word with a NUL could be another text's; such rows are refused before.
                    words.iter().find(|(word, text, _)| *word == short && text.len() == span.len())
                } else {
                    words.iter().find(|(_, text, _)| **text == *value)
                };
                let known = known.map(|(_, _, kind)| *kind);
                let problem = if value.is_empty() { "is empty" } else { "is no kind of record that the mapping knows" };
                known.or(*otherwise).ok_or_else(|| Bad::of(*slot, problem))
            }
        }
    }
}

impl RecordReader {
    pub fn new(feeds: &Feeds, symbols: &mut SymbolCache<'_>, keys: DoorKeys, file_digest: &[u8; 32]) -> Self {
        let mut blank = Record::blank(RecordKind::TapOn);
        let mut names = Vec::new();
        for (field, feed) in &feeds.names {
            match Name::new(feed, symbols) {
                Name::Always(symbol) => *name_of(&mut blank, *field) = symbol,
                Name::Column(reader) => names.push((*field, *reader)),
            }
        }
        Self {
            blank,
            kinds: Kinds::new(&feeds.kind),
            moments: Moments::new(feeds.time.clone()),
            identities: Identities::new(feeds.id.clone(), file_digest),
            names,
            amounts: feeds.amounts.clone(),
            counter: feeds.counter,
            hotlist_version: feeds.hotlist_version,
            grey: feeds.grey,
            arrival: feeds.arrival,
            source_ref: feeds.source_ref,
            originals: feeds.original.as_ref().map(Originals::new),
            card: feeds.card,
            keys,
            given: HashSet::default(),
        }
    }

    /// A new chunk: its card numbers are given out again.
    pub fn begin(&mut self) {
        self.given.clear();
    }

    /// Fetches what reading the row will look up. Done for some rows on end, the fetching of one waits for no other.
    #[inline]
    pub fn glance(&self, row: &Row<'_>) -> u64 {
        self.names.iter().fold(0, |seen, (_, reader)| seen ^ reader.glance(row.text, row.cell(reader.slot())))
    }

    /// Adds the row's record to `records`, or adds nothing and says why.
    #[inline]
    pub fn read(
        &mut self,
        row: &Row<'_>,
        number: u64,
        symbols: &mut SymbolCache<'_>,
        records: &mut Vec<Record>,
        cards: &mut Vec<(CardToken, Pan)>,
    ) -> Result<(), Bad> {
        records.push(self.blank);
        let read = match records.last_mut() {
            Some(record) => self.fill(record, row, number, symbols, cards),
            None => Ok(()),
        };
        if read.is_err() {
            records.pop();
        }
        read
    }

    #[inline]
    fn fill(&mut self, record: &mut Record, row: &Row<'_>, number: u64, symbols: &mut SymbolCache<'_>, cards: &mut Vec<(CardToken, Pan)>) -> Result<(), Bad> {
        let kind = self.kinds.read(row)?;
        record.kind = kind;
        (record.time, record.offset_min) = self.moments.read(row)?;
        let identity = self.identities.read(row, number)?;
        (record.id_kind, record.epoch, record.sequence, record.id_bits) = (identity.kind, identity.epoch, identity.sequence, identity.bits);
        for (field, reader) in &mut self.names {
            let slot = reader.slot();
            let name = reader.read(row.text, row.cell(slot), kind, symbols).map_err(|problem| Bad::of(slot, problem))?;
            if name.is_none() && *field == NameField::Terminal && identity.kind == IdKind::Sequence {
                return Err(Bad::of(slot, "is empty"));
            }
            *name_of(record, *field) = name;
        }
        for (field, feed) in &self.amounts {
            let span = row.cell(feed.slot);
            if span.is_empty() {
                continue;
            }
            let amount = amount_minor(row.text, span, feed.decimals).map_err(|problem| Bad::of(feed.slot, problem))?;
            match field {
                AmountField::Amount => record.amount_minor = amount,
                AmountField::Charged => record.charged_minor = Some(amount),
                AmountField::BalanceBefore => record.balance_before_minor = Some(amount),
                AmountField::BalanceAfter => record.balance_after_minor = Some(amount),
            }
        }
        if let Some(slot) = self.counter {
            record.card_counter = number32(row, slot)?;
        }
        if let Some(slot) = self.hotlist_version {
            record.hotlist_version = number32(row, slot)?;
        }
        if let Some(slot) = self.grey {
            record.grey = grey(row.cell(slot).of(row.text)).ok_or_else(|| Bad::of(slot, "is neither true nor false"))?;
        }
        if let Some(slot) = self.arrival {
            record.arrival = number64(row, slot)?.unwrap_or(0);
        }
        if let Some(slot) = self.source_ref {
            record.source_ref = printable(row.text, row.cell(slot)).ok_or_else(|| Bad::of(slot, "is not a reference of at most 16 bytes"))?;
        }
        if let Some(originals) = &mut self.originals {
            record.original = originals.read(row, kind, symbols)?;
        }
        match self.card {
            None => {}
            Some((slot, CardForm::Token)) => {
                record.card = printable(row.text, row.cell(slot)).ok_or_else(|| Bad::of(slot, "is not a token of at most 24 bytes"))?;
            }
            Some((slot, CardForm::Number)) => record.card = self.token(row, slot, cards)?,
        }
        Ok(())
    }

    /// The token of a card number, which goes to the vault; an absent number has none.
    fn token(&mut self, row: &Row<'_>, slot: Slot, cards: &mut Vec<(CardToken, Pan)>) -> Result<CardToken, Bad> {
        let number = row.cell(slot).of(row.text);
        if number.is_empty() {
            return Ok(CardToken::EMPTY);
        }
        if number.len() > PAN_BYTES_MAX || number.iter().any(u8::is_ascii_control) {
            return Err(Bad::of(slot, "is not a card number"));
        }
        let token = card_token(&self.keys, number);
        if self.given.insert(token) {
            cards.push((token, Pan::new(number)));
        }
        Ok(token)
    }
}

#[inline]
const fn name_of(record: &mut Record, field: NameField) -> &mut Symbol {
    match field {
        NameField::Terminal => &mut record.terminal,
        NameField::Location => &mut record.location,
        NameField::From => &mut record.from,
        NameField::Route => &mut record.route,
        NameField::Vehicle => &mut record.vehicle,
        NameField::Mode => &mut record.mode,
        NameField::Issuer => &mut record.issuer,
        NameField::Operator => &mut record.operator,
        NameField::Class => &mut record.class,
        NameField::Medium => &mut record.medium,
        NameField::Product => &mut record.product,
    }
}

#[inline]
fn number64(row: &Row<'_>, slot: Slot) -> Result<Option<u64>, Bad> {
    let span = row.cell(slot);
    if span.is_empty() {
        return Ok(None);
    }
    unsigned(row.text, span).map(Some).ok_or_else(|| Bad::of(slot, "is not a whole number in range"))
}

#[inline]
fn number32(row: &Row<'_>, slot: Slot) -> Result<Option<u32>, Bad> {
    let number = number64(row, slot)?;
    number.map(u32::try_from).transpose().map_err(|_| Bad::of(slot, "is not a whole number in range"))
}

/// A short text held in place. Tokens and references stand in files and file names: no control characters.
#[inline]
fn printable<const N: usize>(text: &[u8], span: Span) -> Option<domain::Text<N>> {
    if span.len() > 8 {
        let text = span.of(text);
        return domain::Text::new(text).filter(|_| !text.iter().any(u8::is_ascii_control));
    }
    let word = word(text, span.from as usize, span.len());
    // The places above the text are zeros, and so are those of control characters only where there is one.
    let zeros = 8 - span.len() as u32;
    if controls(word).count_ones() != zeros {
        return None;
    }
    domain::Text::from_ascii_word(word).or_else(|| domain::Text::new(span.of(text)))
}

/// The high bit of every byte of `word` that is an ASCII control character.
#[inline]
const fn controls(word: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    const HIGH: u64 = !LOW;
    // Below blank: adding 0x60 does not reach the high bit. Delete: adding 1 does.
    let low = word & LOW;
    let below = !low.wrapping_add(0x6060_6060_6060_6060);
    let delete = low.wrapping_add(0x0101_0101_0101_0101);
    (below | delete) & !word & HIGH
}

fn grey(text: &[u8]) -> Option<bool> {
    match text {
        b"" | b"0" | b"false" | b"no" | b"N" | b"n" => Some(false),
        b"1" | b"true" | b"yes" | b"Y" | b"y" => Some(true),
        _ => None,
    }
}
