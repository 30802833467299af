//! What pricing remembers of accounts from one close to the next, as bytes.
//!
//! One value per partition, accounts in token order, numbers as LEB128. Names travel as texts, and so do the
//! rules that have counted something, so that a tariff may gain or lose one. Bytes that cannot be read are an error, never a guess.

use crate::price::{AccountState, Counter, Habit, Leg, OpenTap, Pool, Rare, Run, Tap};
use crate::tariff::Tariff;
use domain::{CardToken, Day, EventTime, IdKind, RecordKind, Symbol, SymbolTable};
use std::sync::Arc;

/// Of trails too, which hold open taps in these bytes.
pub(super) const VERSION: u64 = 7;
/// Those before it are still read: since these, an open tap has a product, and a leg the base rule of through fares and where it
/// ended.
const VERSION_PRODUCT: u64 = 5;
const VERSION_RULE: u64 = 6;
const VERSION_END: u64 = 7;
const VERSION_READ: u64 = 4;

/// An account with what is remembered of it.
pub type Remembered = (CardToken, AccountState);

/// What an account has beside its token, as bits.
const HAS_OPEN: u64 = 1;
const HAS_RUNS: u64 = 2;
const HAS_RARE: u64 = 4;

#[must_use]
pub fn encode(accounts: &[Remembered], tariff: &Tariff, texts: &[Arc<str>]) -> Vec<u8> {
    let mut out = Writer { bytes: Vec::new(), texts };
    out.number(VERSION);
    out.number(tariff.slots.len() as u64);
    tariff.slots.iter().for_each(|name| out.text(name.as_bytes()));
    out.number(accounts.len() as u64);
    for (token, state) in accounts {
        out.text(token.as_bytes());
        let has = |has: bool, bit: u64| if has { bit } else { 0 };
        out.number(has(state.open.is_some(), HAS_OPEN) | has(!state.runs.is_empty(), HAS_RUNS) | has(state.rare.is_some(), HAS_RARE));
        out.number(state.counters.len() as u64);
        for counter in &state.counters {
            out.number(u64::from(counter.slot));
            out.signed(counter.start);
            out.number(u64::from(counter.rides));
            out.signed(counter.amount_minor);
        }
        if !state.runs.is_empty() {
            out.number(state.runs.len() as u64);
            for run in &state.runs {
                out.number(u64::from(run.slot));
                out.number(u64::from(run.transfers));
                out.signed(run.first.0);
                out.signed(run.last.0.wrapping_sub(run.first.0));
            }
        }
        if let Some(rare) = &state.rare {
            out.rare(rare);
        }
        if let Some(open) = &state.open {
            out.open(open);
        }
    }
    out.bytes
}

/// `None` when the bytes are not what [`encode`] wrote.
#[must_use]
pub fn decode(bytes: &[u8], tariff: &Tariff, symbols: &SymbolTable) -> Option<Vec<Remembered>> {
    let mut from = Reader::begin(bytes, symbols)?;
    let slots = from.slots(&tariff.slots)?;
    let slot = |number: u64| slots.get(usize::try_from(number).ok()?).copied();
    let count = from.number()?;
    let mut accounts = Vec::new();
    for _ in 0..count {
        let token = CardToken::new(from.text()?)?;
        let (mut counters, mut runs) = (Vec::new(), Vec::new());
        let has = from.number()?;
        for _ in 0..from.number()? {
            let slot = slot(from.number()?)?;
            let counter = Counter { slot: 0, start: from.signed()?, rides: from.short()?, amount_minor: from.signed()? };
            counters.extend(slot.map(|slot| Counter { slot, ..counter }));
        }
        if has & HAS_RUNS != 0 {
            for _ in 0..from.number()? {
                let slot = slot(from.number()?)?;
                let (transfers, first) = (from.short()?, from.signed()?);
                let last = first.wrapping_add(from.signed()?);
                runs.extend(slot.map(|slot| Run { slot, transfers, first: EventTime(first), last: EventTime(last) }));
            }
        }
        let rare = if has & HAS_RARE == 0 { None } else { Some(from.rare(&slot)?) };
        let open = if has & HAS_OPEN == 0 { None } else { Some(from.open()?) };
        accounts.push((token, AccountState::new(open, counters, runs, rare)));
    }
    from.bytes.is_empty().then_some(accounts)
}

pub(super) struct Writer<'t> {
    pub bytes: Vec<u8>,
    pub texts: &'t [Arc<str>],
}

impl Writer<'_> {
    pub fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// Zigzag, so that small negative numbers stay short.
    pub fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text);
    }

    pub fn symbol(&mut self, symbol: Symbol) {
        let texts = self.texts;
        self.text(texts.get(symbol.index()).map_or("", |text| text).as_bytes());
    }

    fn rare(&mut self, rare: &Rare) {
        self.number(rare.legs.len() as u64);
        for leg in &rare.legs {
            self.number(u64::from(leg.slot));
            [leg.mode, leg.operator, leg.route, leg.vehicle, leg.ticket, leg.from, leg.rule, leg.to].into_iter().for_each(|symbol| self.symbol(symbol));
            let amounts = [leg.first_list_minor, leg.first_paid_minor, leg.last_list_minor, leg.last_paid_minor, leg.dearest_list_minor, leg.all_paid_minor];
            [leg.exit.0].into_iter().chain(amounts).chain([leg.length, leg.due_minor]).for_each(|number| self.signed(number));
        }
        self.number(rare.habits.len() as u64);
        for habit in &rare.habits {
            self.symbol(habit.from);
            self.symbol(habit.to);
            self.number(u64::from(habit.rides));
            self.signed(i64::from(habit.day.0));
        }
        self.number(rare.pools.len() as u64);
        for pool in &rare.pools {
            self.number(u64::from(pool.slot));
            self.symbol(pool.earner);
            self.signed(pool.weight);
            self.signed(pool.earned_minor);
        }
    }

    pub fn open(&mut self, open: &OpenTap) {
        let tap = &open.tap;
        self.number(u64::from(tap.kind.code()));
        self.number(tap.id_kind as u64);
        tap.id.iter().for_each(|&half| self.number(half));
        self.signed(tap.time.0);
        self.signed(i64::from(tap.service_day.0));
        self.signed(open.no_tap_off_minor);
        self.signed(open.open_ms);
        self.number(u64::from(tap.birth.is_some()));
        self.signed(i64::from(tap.birth.unwrap_or_default().0));
        names(tap).into_iter().for_each(|symbol| self.symbol(symbol));
    }
}

/// The names of a tap in the order in which they are written.
const fn names(tap: &Tap) -> [Symbol; 12] {
    [tap.terminal, tap.mode, tap.operator, tap.issuer, tap.earner, tap.class, tap.medium, tap.location, tap.from, tap.route, tap.vehicle, tap.product]
}

pub(super) struct Reader<'b, 's> {
    pub bytes: &'b [u8],
    symbols: &'s SymbolTable,
    /// Of the stored form.
    version: u64,
}

impl<'b, 's> Reader<'b, 's> {
    /// Reads the version; `None` where it is none that is still read.
    pub fn begin(bytes: &'b [u8], symbols: &'s SymbolTable) -> Option<Self> {
        let mut from = Self { bytes, symbols, version: 0 };
        from.version = from.number()?;
        (VERSION_READ..=VERSION).contains(&from.version).then_some(from)
    }

    pub fn number(&mut self) -> Option<u64> {
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

    pub fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    pub fn day(&mut self) -> Option<Day> {
        Some(Day(i32::try_from(self.signed()?).ok()?))
    }

    pub fn text(&mut self) -> Option<&'b [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.bytes.split_at_checked(len)?;
        self.bytes = rest;
        Some(text)
    }

    pub fn symbol(&mut self) -> Option<Symbol> {
        let text = std::str::from_utf8(self.text()?).ok()?;
        Some(self.symbols.intern(text))
    }

    /// A number that fits 32 bits.
    pub fn short(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    /// For each stored slot, the slot that the same name has now.
    fn slots(&mut self, names: &[String]) -> Option<Vec<Option<u16>>> {
        let count = self.number()?;
        let mut slots = Vec::new();
        for _ in 0..count {
            let name = self.text()?;
            let at = names.iter().position(|known| known.as_bytes() == name);
            slots.push(at.and_then(|at| u16::try_from(at).ok()));
        }
        Some(slots)
    }

    /// `slot` gives the slot that a stored one has now: nothing for bytes that are wrong, `Some(None)` for a rule that is gone.
    fn rare(&mut self, slot: &impl Fn(u64) -> Option<Option<u16>>) -> Option<Rare> {
        let mut rare = Rare::default();
        for _ in 0..self.number()? {
            let slot = slot(self.number()?)?;
            let [mode, operator, route, vehicle] = [self.symbol()?, self.symbol()?, self.symbol()?, self.symbol()?];
            let [ticket, from] = [self.symbol()?, self.symbol()?];
            let rule = if self.version < VERSION_RULE { Symbol::NONE } else { self.symbol()? };
            let to = if self.version < VERSION_END { Symbol::NONE } else { self.symbol()? };
            let leg = Leg {
                slot: 0,
                mode,
                operator,
                route,
                vehicle,
                ticket,
                from,
                to,
                rule,
                exit: EventTime(self.signed()?),
                first_list_minor: self.signed()?,
                first_paid_minor: self.signed()?,
                last_list_minor: self.signed()?,
                last_paid_minor: self.signed()?,
                dearest_list_minor: self.signed()?,
                all_paid_minor: self.signed()?,
                length: self.signed()?,
                due_minor: self.signed()?,
            };
            rare.legs.extend(slot.map(|slot| Leg { slot, ..leg }));
        }
        for _ in 0..self.number()? {
            rare.habits.push(Habit { from: self.symbol()?, to: self.symbol()?, rides: self.short()?, day: self.day()? });
        }
        for _ in 0..self.number()? {
            let slot = slot(self.number()?)?;
            let pool = Pool { slot: 0, earner: self.symbol()?, weight: self.signed()?, earned_minor: self.signed()? };
            rare.pools.extend(slot.map(|slot| Pool { slot, ..pool }));
        }
        Some(rare)
    }

    pub fn open(&mut self) -> Option<OpenTap> {
        let kind = RecordKind::from_code(u8::try_from(self.number()?).ok()?)?;
        let id_kind = IdKind::from_code(u8::try_from(self.number()?).ok()?)?;
        let id = [self.number()?, self.number()?];
        let time = EventTime(self.signed()?);
        let service_day = self.day()?;
        let (no_tap_off_minor, open_ms) = (self.signed()?, self.signed()?);
        let has_birth = self.number()? != 0;
        let birth = self.day()?;
        let mut names = [Symbol::NONE; 12];
        let count = if self.version < VERSION_PRODUCT { names.len() - 1 } else { names.len() };
        for name in names.iter_mut().take(count) {
            *name = self.symbol()?;
        }
        let [terminal, mode, operator, issuer, earner, class, medium, location, from, route, vehicle, product] = names;
        let birth = has_birth.then_some(birth);
        let blank = Tap::blank(kind, time, service_day);
        let tap = Tap { id_kind, id, terminal, mode, operator, issuer, earner, class, medium, location, from, route, vehicle, product, birth, ..blank };
        Some(OpenTap { tap, no_tap_off_minor, open_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn legs()(slot in 0u16..4, symbol in 0u32..5, exit in any::<i64>(), minor in any::<[i64; 4]>()) -> Leg {
            let [first_list_minor, last_paid_minor, length, due_minor] = minor;
            let symbol = Symbol(symbol);
            Leg { slot, mode: symbol, vehicle: symbol, ticket: symbol, from: Symbol(1), rule: Symbol(2), to: Symbol(3), exit: EventTime(exit), first_list_minor, last_paid_minor, length, due_minor, ..Leg::default() }
        }
    }

    fn rare() -> impl Strategy<Value = Rare> {
        let habit = (0u32..5, 0u32..5, any::<u32>(), any::<i32>()).prop_map(|(from, to, rides, day)| Habit {
            from: Symbol(from),
            to: Symbol(to),
            rides,
            day: Day(day),
        });
        let pool = (0u16..4, 0u32..5, any::<i64>(), any::<i64>()).prop_map(|(slot, earner, weight, earned_minor)| Pool {
            slot,
            earner: Symbol(earner),
            weight,
            earned_minor,
        });
        (prop::collection::vec(legs(), 0..3), prop::collection::vec(habit, 0..3), prop::collection::vec(pool, 0..3)).prop_map(|(legs, habits, pools)| Rare {
            legs,
            habits,
            pools,
        })
    }

    fn states() -> impl Strategy<Value = AccountState> {
        let run = (0u16..4, any::<i64>(), any::<i64>(), any::<u32>()).prop_map(|(slot, first, last, transfers)| Run {
            slot,
            transfers,
            first: EventTime(first),
            last: EventTime(last),
        });
        let counter =
            (0u16..4, any::<i64>(), any::<u32>(), any::<i64>()).prop_map(|(slot, start, rides, amount_minor)| Counter { slot, rides, start, amount_minor });
        let open = prop::option::of((any::<i64>(), any::<i32>(), any::<u64>(), 0u32..5, prop::option::of(any::<i32>())).prop_map(
            |(time, day, low, symbol, birth)| {
                let symbol = Symbol(symbol);
                let blank = Tap::blank(RecordKind::TapOn, EventTime(time), Day(day));
                let tap =
                    Tap { id: [0, low], terminal: symbol, mode: symbol, route: symbol, vehicle: Symbol(1), product: Symbol(2), birth: birth.map(Day), ..blank };
                OpenTap { tap, no_tap_off_minor: 900, open_ms: 86_400_000 }
            },
        ));
        let rare = prop::option::of(rare());
        (prop::collection::vec(run, 0..3), prop::collection::vec(counter, 0..4), open, rare)
            .prop_map(|(runs, counters, open, rare)| AccountState::new(open, counters, runs, rare))
    }

    fn tariff(names: &[&str]) -> Tariff {
        Tariff { slots: names.iter().map(|&name| name.to_owned()).collect(), ..Tariff::default() }
    }

    proptest! {
        #[test]
        fn what_is_remembered_reads_as_written(states in prop::collection::vec(states(), 0..5), cut in any::<prop::sample::Index>(), flip in any::<u8>()) {
            let symbols = SymbolTable::new();
            for name in ["a", "b", "c", "d", "e"] {
                symbols.intern(name);
            }
            let tariff = tariff(&["w", "x", "y", "z"]);
            let accounts: Vec<Remembered> = states.into_iter().zip(0u32..).map(|(state, at)| (CardToken::new(at.to_string().as_bytes()).expect("short"), state)).collect();
            let bytes = encode(&accounts, &tariff, &symbols.texts());
            let back = decode(&bytes, &tariff, &symbols).expect("reads");
            prop_assert_eq!(format!("{back:?}"), format!("{accounts:?}"));
            let cut = cut.index(bytes.len());
            prop_assert!(decode(&bytes[..cut], &tariff, &symbols).is_none());
            let mut bent = bytes;
            bent[cut] ^= flip;
            let _ = decode(&bent, &tariff, &symbols);
        }
    }

    /// Bytes of versions before: an open tap ended with its vehicle, and a leg had no rule, and no end.
    #[test]
    fn what_an_older_close_remembered_is_still_read() {
        let symbols = SymbolTable::new();
        let tap = Tap { vehicle: symbols.intern("v1"), ..Tap::blank(RecordKind::TapOn, EventTime(7), Day(8)) };
        let legs = vec![Leg { mode: symbols.intern("bus"), due_minor: 5, ..Leg::default() }];
        let state = AccountState::new(Some(OpenTap { tap, no_tap_off_minor: 900, open_ms: 5 }), Vec::new(), Vec::new(), Some(Rare { legs, ..Rare::default() }));
        let mut bytes = encode(&[(CardToken::EMPTY, state.clone())], &tariff(&["x"]), &symbols.texts());
        assert_eq!(bytes.first(), Some(&7));
        let read_as = |version: u8, bytes: &mut Vec<u8>, left_out: usize| {
            assert_eq!(bytes.remove(left_out), 0, "the name of nothing is empty");
            if let Some(first) = bytes.first_mut() {
                *first = version;
            }
            let (_, old) = decode(bytes, &tariff(&["x"]), &symbols).expect("reads").remove(0);
            assert_eq!(format!("{old:?}"), format!("{state:?}"), "version {version}");
        };
        let mode_ends = bytes.windows(3).position(|three| three == b"bus").expect("the leg's mode") + 3;
        read_as(6, &mut bytes, mode_ends);
        read_as(5, &mut bytes, mode_ends);
        let last = bytes.len() - 1;
        read_as(4, &mut bytes, last);
    }

    #[test]
    fn a_rule_is_found_again_by_name() {
        let mut state = AccountState::default();
        let run = Run { slot: 0, transfers: 1, first: EventTime(5), last: EventTime(7) };
        state.runs.push(run);
        state.counters.push(Counter { slot: 1, rides: 1, start: 1, amount_minor: 7 });
        let bytes = encode(&[(CardToken::EMPTY, state)], &tariff(&["x", "y"]), &[]);
        let (_, state) = decode(&bytes, &tariff(&["new", "x", "other"]), &SymbolTable::new()).expect("reads").remove(0);
        assert_eq!(state.runs.as_slice(), [Run { slot: 1, ..run }]);
        assert!(state.counters.is_empty());
    }

    #[test]
    fn an_account_of_a_simple_tariff_takes_few_bytes() {
        let mut state = AccountState::default();
        state.runs.push(Run { slot: 0, transfers: 1, first: EventTime(1_772_395_200_000), last: EventTime(1_772_398_800_000) });
        state.counters.push(Counter { slot: 1, rides: 2, start: 20_514, amount_minor: 400 });
        let tariff = tariff(&["bus-transfer", "day-cap"]);
        let account = (CardToken::new(b"0123456789").expect("short"), state);
        let [empty, one] = [encode(&[], &tariff, &[]).len(), encode(&[account], &tariff, &[]).len()];
        assert!(one - empty <= 36, "{} bytes", one - empty);
    }
}
