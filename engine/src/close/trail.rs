//! What is remembered of cards for oddities from one close to the next, as bytes.
//!
//! One value per partition, accounts in token order, in the stored form of [`super::memory`] and with its version. Where nothing
//! is remembered there are no bytes. Bytes that cannot be read are an error, never a guess.

use super::memory::{Reader, VERSION, Writer};
use super::oddity::{Sighting, Spared, Trail, Unended};
use domain::{CardToken, EventTime, IdKind, RecordId, RecordKind, SourceRef, Symbol, SymbolTable};
use std::sync::Arc;

/// The cards of an account with what is remembered of them.
pub type Trails = (CardToken, Vec<Trail>);

/// What a trail has beside its card, as bits.
const HAS_LAST_ON: u64 = 1;
const HAS_UNENDED: u64 = 2;

#[must_use]
pub fn encode(accounts: &[Trails], texts: &[Arc<str>]) -> Vec<u8> {
    if accounts.is_empty() {
        return Vec::new();
    }
    let mut out = Writer { bytes: Vec::new(), texts };
    out.number(VERSION);
    out.number(accounts.len() as u64);
    for (account, trails) in accounts {
        out.text(account.as_bytes());
        out.number(trails.len() as u64);
        for trail in trails {
            out.text(trail.card.as_bytes());
            let has = |has: bool, bit: u64| if has { bit } else { 0 };
            out.number(has(trail.last_on.is_some(), HAS_LAST_ON) | has(trail.unended.is_some(), HAS_UNENDED));
            out.number(trail.seen.len() as u64);
            trail.seen.iter().for_each(|seen| out.sighting(seen));
            if let Some(id) = &trail.last_on {
                out.id(id);
            }
            if let Some(unended) = &trail.unended {
                out.open(&unended.open);
                out.signed(unended.charged_minor);
                out.signed(i64::from(unended.day.0));
            }
            out.number(trail.spared.len() as u64);
            for ride in &trail.spared {
                out.id(&ride.id);
                [i64::from(ride.service_day.0), ride.charged_minor, ride.would_minor].into_iter().for_each(|number| out.signed(number));
            }
        }
    }
    out.bytes
}

/// `None` when the bytes are not what [`encode`] wrote.
#[must_use]
pub fn decode(bytes: &[u8], symbols: &SymbolTable) -> Option<Vec<Trails>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let mut from = Reader::begin(bytes, symbols)?;
    let mut accounts = Vec::new();
    for _ in 0..from.number()? {
        let account = CardToken::new(from.text()?)?;
        let mut trails = Vec::new();
        for _ in 0..from.number()? {
            let mut trail = Trail { card: CardToken::new(from.text()?)?, ..Trail::default() };
            let has = from.number()?;
            for _ in 0..from.number()? {
                trail.seen.push(from.sighting()?);
            }
            if has & HAS_LAST_ON != 0 {
                trail.last_on = Some(from.id()?);
            }
            if has & HAS_UNENDED != 0 {
                let (open, charged_minor, day) = (from.open()?, from.signed()?, from.day()?);
                trail.unended = Some(Box::new(Unended { open, charged_minor, day }));
            }
            for _ in 0..from.number()? {
                let (id, service_day) = (from.id()?, from.day()?);
                trail.spared.push(Spared { id, service_day, charged_minor: from.signed()?, would_minor: from.signed()? });
            }
            trails.push(trail);
        }
        accounts.push((account, trails));
    }
    from.bytes.is_empty().then_some(accounts)
}

impl Writer<'_> {
    fn id(&mut self, id: &RecordId) {
        let (kind, terminal, numbers) = match *id {
            RecordId::Sequence { terminal, epoch, sequence } => (IdKind::Sequence, terminal, [u64::from(epoch), sequence]),
            RecordId::Columns(bits) => (IdKind::Columns, Symbol::NONE, bits),
            RecordId::FileRow(bits) => (IdKind::FileRow, Symbol::NONE, bits),
        };
        self.number(kind as u64);
        self.symbol(terminal);
        numbers.into_iter().for_each(|number| self.number(number));
    }

    fn sighting(&mut self, seen: &Sighting) {
        self.id(&seen.id);
        self.number(u64::from(seen.kind.code()));
        self.signed(seen.time.0);
        [seen.terminal, seen.place, seen.mode, seen.earner].into_iter().for_each(|symbol| self.symbol(symbol));
        self.number(seen.counter.map_or(0, |counter| u64::from(counter) + 1));
        self.signed(i64::from(seen.day.0));
    }
}

impl Reader<'_, '_> {
    fn id(&mut self) -> Option<RecordId> {
        let kind = IdKind::from_code(u8::try_from(self.number()?).ok()?)?;
        let (terminal, numbers) = (self.symbol()?, [self.number()?, self.number()?]);
        Some(match kind {
            IdKind::Sequence => RecordId::Sequence { terminal, epoch: u32::try_from(numbers[0]).ok()?, sequence: numbers[1] },
            IdKind::Columns => RecordId::Columns(numbers),
            IdKind::FileRow => RecordId::FileRow(numbers),
        })
    }

    fn sighting(&mut self) -> Option<Sighting> {
        let id = self.id()?;
        let kind = RecordKind::from_code(u8::try_from(self.number()?).ok()?)?;
        let time = EventTime(self.signed()?);
        let [terminal, place, mode, earner] = [self.symbol()?, self.symbol()?, self.symbol()?, self.symbol()?];
        let counter = match self.number()? {
            0 => None,
            more => Some(u32::try_from(more - 1).ok()?),
        };
        let day = self.day()?;
        let (issuer, source_ref) = (Symbol::NONE, SourceRef::EMPTY);
        Some(Sighting { id, kind, time, terminal, place, mode, counter, earner, day, offset_min: 0, amount_minor: 0, issuer, source_ref })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::{OpenTap, Tap};
    use domain::Day;
    use proptest::prelude::*;

    fn ids() -> impl Strategy<Value = RecordId> {
        (0u8..3, 0u32..4, any::<u32>(), any::<[u64; 2]>()).prop_map(|(kind, terminal, epoch, bits)| match kind {
            0 => RecordId::Sequence { terminal: Symbol(terminal), epoch, sequence: bits[0] },
            1 => RecordId::Columns(bits),
            _ => RecordId::FileRow(bits),
        })
    }

    fn sightings() -> impl Strategy<Value = Sighting> {
        (ids(), 0usize..10, any::<i64>(), prop::array::uniform4(0u32..4), any::<Option<u32>>(), any::<i32>()).prop_map(
            |(id, kind, time, [terminal, place, mode, earner], counter, day)| Sighting {
                id,
                kind: RecordKind::ALL[kind],
                time: EventTime(time),
                terminal: Symbol(terminal),
                place: Symbol(place),
                mode: Symbol(mode),
                counter,
                earner: Symbol(earner),
                day: Day(day),
                offset_min: 0,
                amount_minor: 0,
                issuer: Symbol::NONE,
                source_ref: SourceRef::EMPTY,
            },
        )
    }

    fn trails() -> impl Strategy<Value = Trail> {
        let unended = (any::<i64>(), any::<i64>(), any::<i32>()).prop_map(|(time, charged_minor, day)| {
            let open = OpenTap { tap: Tap::blank(RecordKind::TapOn, EventTime(time), Day(day)), no_tap_off_minor: 5, open_ms: 6 };
            Box::new(Unended { open, charged_minor, day: Day(day) })
        });
        let spared = (ids(), any::<i32>(), any::<i64>(), any::<i64>()).prop_map(|(id, day, charged_minor, would_minor)| Spared {
            id,
            service_day: Day(day),
            charged_minor,
            would_minor,
        });
        let many = (prop::collection::vec(sightings(), 0..4), prop::collection::vec(spared, 0..3));
        ("[a-z]{0,8}", many, prop::option::of(ids()), prop::option::of(unended)).prop_map(|(card, (seen, spared), last_on, unended)| Trail {
            card: CardToken::new(card.as_bytes()).expect("short"),
            seen,
            last_on,
            unended,
            spared,
        })
    }

    proptest! {
        #[test]
        fn what_is_remembered_reads_as_written(
            accounts in prop::collection::vec(("[a-z]{1,9}", prop::collection::vec(trails(), 1..3)), 0..4),
            cut in any::<prop::sample::Index>(),
            flip in any::<u8>(),
        ) {
            let symbols = SymbolTable::new();
            for name in ["a", "b", "c"] {
                symbols.intern(name);
            }
            let accounts: Vec<Trails> = accounts.into_iter().map(|(account, trails)| (CardToken::new(account.as_bytes()).expect("short"), trails)).collect();
            let bytes = encode(&accounts, &symbols.texts());
            let back = decode(&bytes, &symbols).expect("reads");
            prop_assert_eq!(format!("{back:?}"), format!("{accounts:?}"));
            if !bytes.is_empty() {
                let cut = cut.index(bytes.len());
                prop_assert!(cut == 0 || decode(&bytes[..cut], &symbols).is_none());
                let mut bent = bytes;
                bent[cut] ^= flip;
                let _ = decode(&bent, &symbols);
            }
        }
    }
}
