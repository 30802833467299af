//! What pricing remembers of accounts from one close to the next, as bytes.
//!
//! One value per partition, accounts in token order, numbers as LEB128. Names travel as texts; transfer rules and caps by
//! name, so that a tariff may gain or lose one. Bytes that cannot be read are an error, never a guess.

use crate::price::{AccountState, OpenTap, Run, Spent, Tap};
use crate::tariff::Tariff;
use domain::{CardToken, Day, EventTime, IdKind, RecordKind, Symbol, SymbolTable};
use std::sync::Arc;

const VERSION: u64 = 1;

/// An account with what is remembered of it.
pub type Remembered = (CardToken, AccountState);

#[must_use]
pub fn encode(accounts: &[Remembered], tariff: &Tariff, texts: &[Arc<str>]) -> Vec<u8> {
    let mut out = Writer { bytes: Vec::new(), texts };
    out.number(VERSION);
    for names in [&tariff.transfer_names, &tariff.cap_names] {
        out.number(names.len() as u64);
        names.iter().for_each(|name| out.text(name.as_bytes()));
    }
    out.number(accounts.len() as u64);
    for (token, state) in accounts {
        out.text(token.as_bytes());
        let runs = state.runs.iter().enumerate().filter_map(|(slot, run)| Some((slot, run, run.last?)));
        out.number(runs.clone().count() as u64);
        for (slot, run, last) in runs {
            out.number(slot as u64);
            out.signed(last.0);
            out.number(u64::from(run.transfers));
        }
        out.number(state.spent.len() as u64);
        for spent in &state.spent {
            out.number(u64::from(spent.slot));
            out.signed(i64::from(spent.service_day.0));
            out.signed(spent.amount_minor);
        }
        out.number(u64::from(state.open.is_some()));
        if let Some(open) = &state.open {
            let tap = &open.tap;
            out.number(u64::from(tap.kind.code()));
            out.number(tap.id_kind as u64);
            tap.id.iter().for_each(|&half| out.number(half));
            out.signed(tap.time.0);
            out.signed(i64::from(tap.service_day.0));
            out.signed(open.no_tap_off_minor);
            out.signed(open.open_ms);
            [tap.terminal, tap.mode, tap.operator, tap.issuer, tap.earner, tap.class, tap.location].into_iter().for_each(|symbol| out.symbol(symbol));
        }
    }
    out.bytes
}

/// `None` when the bytes are not what [`encode`] wrote.
#[must_use]
pub fn decode(bytes: &[u8], tariff: &Tariff, symbols: &SymbolTable) -> Option<Vec<Remembered>> {
    let mut from = Reader { bytes, symbols };
    if from.number()? != VERSION {
        return None;
    }
    let transfers = from.slots(&tariff.transfer_names)?;
    let caps = from.slots(&tariff.cap_names)?;
    let count = from.number()?;
    let mut accounts = Vec::new();
    for _ in 0..count {
        let token = CardToken::new(from.text()?)?;
        let mut state = AccountState::default();
        for _ in 0..from.number()? {
            let slot = usize::try_from(from.number()?).ok()?;
            let run = Run { last: Some(EventTime(from.signed()?)), transfers: u32::try_from(from.number()?).ok()? };
            if let Some(place) = transfers.get(slot)?.and_then(|slot| state.runs.get_mut(slot)) {
                *place = run;
            }
        }
        for _ in 0..from.number()? {
            let slot = *caps.get(usize::try_from(from.number()?).ok()?)?;
            let service_day = from.day()?;
            let amount_minor = from.signed()?;
            if let Some(slot) = slot {
                state.spent.push(Spent { slot: u8::try_from(slot).ok()?, service_day, amount_minor });
            }
        }
        if from.number()? != 0 {
            state.open = Some(from.open()?);
        }
        accounts.push((token, state));
    }
    from.bytes.is_empty().then_some(accounts)
}

struct Writer<'t> {
    bytes: Vec<u8>,
    texts: &'t [Arc<str>],
}

impl Writer<'_> {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Zigzag, so that small negative numbers stay short.
    fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text);
    }

    fn symbol(&mut self, symbol: Symbol) {
        let texts = self.texts;
        self.text(texts.get(symbol.index()).map_or("", |text| text).as_bytes());
    }
}

struct Reader<'b, 's> {
    bytes: &'b [u8],
    symbols: &'s SymbolTable,
}

impl<'b> Reader<'b, '_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    fn day(&mut self) -> Option<Day> {
        Some(Day(i32::try_from(self.signed()?).ok()?))
    }

    fn text(&mut self) -> Option<&'b [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(text)
    }

    fn symbol(&mut self) -> Option<Symbol> {
        let text = std::str::from_utf8(self.text()?).ok()?;
        Some(self.symbols.intern(text))
    }

    /// For each stored slot, the slot that the same name has now.
    fn slots(&mut self, names: &[String]) -> Option<Vec<Option<usize>>> {
        let count = self.number()?;
        let mut slots = Vec::new();
        for _ in 0..count {
            let name = self.text()?;
            slots.push(names.iter().position(|known| known.as_bytes() == name));
        }
        Some(slots)
    }

    fn open(&mut self) -> Option<OpenTap> {
        let kind = RecordKind::from_code(u8::try_from(self.number()?).ok()?)?;
        let id_kind = IdKind::from_code(u8::try_from(self.number()?).ok()?)?;
        let id = [self.number()?, self.number()?];
        let time = EventTime(self.signed()?);
        let service_day = self.day()?;
        let (no_tap_off_minor, open_ms) = (self.signed()?, self.signed()?);
        let mut names = [Symbol::NONE; 7];
        for name in &mut names {
            *name = self.symbol()?;
        }
        let [terminal, mode, operator, issuer, earner, class, location] = names;
        let tap = Tap {
            key: None,
            id_kind,
            id,
            terminal,
            kind,
            time,
            service_day,
            mode,
            operator,
            issuer,
            earner,
            class,
            location,
            amount_minor: 0,
            charged_minor: None,
        };
        Some(OpenTap { tap, no_tap_off_minor, open_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tariff::TRANSFERS_MAX;
    use proptest::prelude::*;

    fn states() -> impl Strategy<Value = AccountState> {
        let run = prop_oneof![Just(Run::default()), (any::<i64>(), any::<u32>()).prop_map(|(last, transfers)| Run { last: Some(EventTime(last)), transfers })];
        let spent = (0u8..2, any::<i32>(), any::<i64>()).prop_map(|(slot, day, amount_minor)| Spent { slot, service_day: Day(day), amount_minor });
        let open = prop::option::of((any::<i64>(), any::<i32>(), any::<u64>(), 0u32..5).prop_map(|(time, day, low, symbol)| OpenTap {
            tap: Tap {
                key: None,
                id_kind: IdKind::Sequence,
                id: [0, low],
                terminal: Symbol(symbol),
                kind: RecordKind::TapOn,
                time: EventTime(time),
                service_day: Day(day),
                mode: Symbol(symbol),
                operator: Symbol(1),
                issuer: Symbol(2),
                earner: Symbol(0),
                class: Symbol(3),
                location: Symbol(4),
                amount_minor: 0,
                charged_minor: None,
            },
            no_tap_off_minor: 900,
            open_ms: 86_400_000,
        }));
        (prop::array::uniform4(run), prop::collection::vec(spent, 0..4), open).prop_map(|(runs, spent, open)| AccountState { open, runs, spent })
    }

    fn tariff() -> Tariff {
        let names = |prefix: &str, count: usize| (0..count).map(|slot| format!("{prefix}{slot}")).collect();
        Tariff { versions: vec![], transfer_names: names("window", TRANSFERS_MAX), cap_names: names("cap", 2) }
    }

    proptest! {
        #[test]
        fn what_is_remembered_reads_as_written(states in prop::collection::vec(states(), 0..5), cut in any::<prop::sample::Index>(), flip in any::<u8>()) {
            let symbols = SymbolTable::new();
            for name in ["a", "b", "c", "d", "e"] {
                symbols.intern(name);
            }
            let accounts: Vec<Remembered> = states.into_iter().zip(0u32..).map(|(state, at)| (CardToken::new(at.to_string().as_bytes()).expect("short"), state)).collect();
            let bytes = encode(&accounts, &tariff(), &symbols.texts());
            let back = decode(&bytes, &tariff(), &symbols).expect("reads");
            prop_assert_eq!(format!("{back:?}"), format!("{accounts:?}"));
            let cut = cut.index(bytes.len());
            prop_assert!(decode(&bytes[..cut], &tariff(), &symbols).is_none());
            let mut bent = bytes;
            bent[cut] ^= flip;
            let _ = decode(&bent, &tariff(), &symbols);
        }
    }

    #[test]
    fn a_rule_is_found_again_by_name() {
        let mut state = AccountState::default();
        state.runs[0] = Run { last: Some(EventTime(5)), transfers: 1 };
        state.spent.push(Spent { slot: 0, service_day: Day(1), amount_minor: 7 });
        let before = Tariff { versions: vec![], transfer_names: vec!["x".into()], cap_names: vec!["y".into()] };
        let bytes = encode(&[(CardToken::EMPTY, state)], &before, &[]);
        let after = Tariff { versions: vec![], transfer_names: vec!["new".into(), "x".into()], cap_names: vec!["other".into()] };
        let (_, state) = decode(&bytes, &after, &SymbolTable::new()).expect("reads").remove(0);
        assert_eq!(state.runs[1], Run { last: Some(EventTime(5)), transfers: 1 });
        assert!(state.runs[0].last.is_none() && state.spent.is_empty());
    }
}
