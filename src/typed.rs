//! Taps as a person types them: `2026-03-02 08:20 on 1`, or a row of a small CSV with the same words as columns.
//!
//! A word without a key is understood by what the scheme knows it as: a kind of record, a party, a mode, a class, a medium, a
//! place. What is not understood, or could mean two things, is refused with what it could have been. Nothing is stored.

use domain::time::DAY_MS;
use domain::{CardToken, Day, EventTime, PartyKind, Record, RecordKind, Symbol, SymbolTable};
use engine::account::Known;
use engine::scheme::{Scheme, guess};
use engine::tariff::{Base, Version};
use std::collections::BTreeSet;

/// What holds for all taps that do not say otherwise, as typed: keys and values.
pub type Defaults = Vec<(String, String)>;

/// The keys that a tap may have.
pub const KEYS: [&str; 18] = [
    "date", "time", "kind", "place", "from", "mode", "operator", "route", "vehicle", "card", "class", "medium", "product", "issuer", "birth", "amount",
    "charged", "terminal",
];

/// Words for kinds of records that are easier to type.
const KINDS: [(&str, RecordKind); 7] = [
    ("on", RecordKind::TapOn),
    ("in", RecordKind::TapOn),
    ("off", RecordKind::TapOff),
    ("out", RecordKind::TapOff),
    ("board", RecordKind::Boarding),
    ("pay", RecordKind::Payment),
    ("ride", RecordKind::Boarding),
];

/// Modes that are understood where neither the scheme nor its tariff lists any.
const MODES: [&str; 7] = ["bus", "metro", "rail", "train", "tram", "ferry", "taxi"];

const CARD_HINT: &str = "name the card by its token, or the rider by any short name";

/// The shortest card number in use has so many digits.
const CARD_NUMBER_DIGITS_MIN: usize = 12;

const PLACE_HINT: &str = "write a place as kind:code, such as station:101";

/// Why a tap cannot be understood, and what to do.
#[derive(Debug)]
pub struct Unclear {
    pub problem: String,
    pub hint: String,
}

fn unclear(problem: impl Into<String>, hint: impl Into<String>) -> Unclear {
    Unclear { problem: problem.into(), hint: hint.into() }
}

/// Reads taps for one scheme.
pub struct TapReader<'a> {
    scheme: &'a Scheme,
    symbols: &'a SymbolTable,
    defaults: Defaults,
    /// The last tap's date, for one that says only a time.
    date: Option<Day>,
    taps: u64,
    modes: BTreeSet<String>,
    classes: BTreeSet<String>,
    media: BTreeSet<String>,
    places: Vec<String>,
}

impl<'a> TapReader<'a> {
    #[must_use]
    pub fn new(scheme: &'a Scheme, symbols: &'a SymbolTable, defaults: Defaults) -> Self {
        let text = |symbol: &Symbol| symbols.text(*symbol).to_string();
        let scopes = || scheme.tariff.versions.iter().flat_map(Version::scopes);
        let registered = |pick: fn(&engine::scheme::Card) -> Symbol| scheme.cards.list().iter().map(pick).filter(|symbol| !symbol.is_none());
        let usual = MODES.iter().filter(|_| scheme.words.modes.is_empty()).map(|&mode| mode.to_owned());
        let modes = scopes().flat_map(|scope| &scope.modes).map(text).chain(scheme.words.modes.iter().cloned()).chain(usual);
        let classes = scopes().flat_map(|scope| scope.condition.classes.iter().chain(&scope.condition.not_classes)).map(text);
        let classes = classes.chain(scheme.words.classes.iter().cloned()).chain(registered(|card| card.class).map(|class| text(&class)));
        let media = scopes().flat_map(|scope| scope.condition.media.iter().chain(&scope.condition.not_media)).map(text);
        let media = media.chain(scheme.words.media.iter().cloned()).chain(registered(|card| card.medium).map(|medium| text(&medium)));
        // Whatever the scheme's files name as `kind:code` is a place.
        let places = symbols.texts().iter().filter(|text| is_place(text)).map(ToString::to_string).collect();
        Self { modes: modes.collect(), classes: classes.collect(), media: media.collect(), places, scheme, symbols, defaults, date: None, taps: 0 }
    }

    /// A tap as typed: a date where it is another than the last one's, a time, and words or `key=value` in any order.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub fn typed(&mut self, text: &str) -> Result<Known, Unclear> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for word in words_of(text) {
            let field = match word.split_once('=') {
                Some((key, value)) => (key.to_owned(), value.to_owned()),
                None => self.meaning(&word)?,
            };
            if let Some((key, value)) = fields.iter().find(|(key, _)| *key == field.0) {
                let problem = format!("{} and {} are both its {key}", guess::shown(value), guess::shown(&field.1));
                return Err(unclear(problem, "say which word is what with `key=value`, such as `place=5`"));
            }
            fields.push(field);
        }
        self.tap(fields)
    }

    /// A tap of fields; those that are empty are absent.
    ///
    /// # Errors
    /// As [`TapReader::typed`].
    pub fn tap(&mut self, mut fields: Vec<(String, String)>) -> Result<Known, Unclear> {
        fields.retain(|(_, value)| !value.is_empty());
        for (key, value) in &self.defaults {
            if !fields.iter().any(|(known, _)| known == key) {
                fields.push((key.clone(), value.clone()));
            }
        }
        if let Some((key, _)) = fields.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            let todo = guess::hint(key, KEYS, &format!("known keys: {}", KEYS.join(", ")));
            return Err(unclear(format!("there is no key {}", guess::shown(key)), todo));
        }
        let get = |key: &str| fields.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        let time = self.time(get("date"), get("time"))?;
        let kind = match get("kind") {
            None => RecordKind::Boarding,
            Some(name) => kind_of(name).ok_or_else(|| unclear(format!("{} is no kind of record", guess::shown(name)), kinds_hint()))?,
        };
        self.taps += 1;
        let symbol = |key: &str| self.symbols.intern(get(key).unwrap_or(""));
        let minor = |key: &str| -> Result<Option<i64>, Unclear> {
            let amount = get(key).map(str::parse::<i64>).transpose();
            amount.map_err(|_| unclear(format!("`{key}` is not a whole number of minor units"), "350 is 3.50 where the currency has two digits"))
        };
        let place = |key: &str| get(key).map_or(Ok(Symbol::NONE), |text| self.place(text, kind));
        let card = get("card").unwrap_or("");
        let card = CardToken::new(card.as_bytes()).ok_or_else(|| unclear("`card` has more than 24 bytes", CARD_HINT))?;
        // What the registry does not know is shown again as it was typed: it must not be a card number.
        let digits = card.as_bytes().iter().filter(|byte| byte.is_ascii_digit()).count();
        if digits >= CARD_NUMBER_DIGITS_MIN && self.scheme.card(&card).is_none() {
            return Err(unclear("`card` looks like a card number", CARD_HINT));
        }
        let record = Record {
            time,
            offset_min: i16::try_from(self.scheme.clock.offset_ms(time) / 60_000).unwrap_or(0),
            sequence: self.taps,
            terminal: symbol("terminal"),
            location: place("place")?,
            from: place("from")?,
            route: symbol("route"),
            vehicle: symbol("vehicle"),
            mode: symbol("mode"),
            issuer: symbol("issuer"),
            operator: symbol("operator"),
            class: symbol("class"),
            medium: symbol("medium"),
            product: symbol("product"),
            amount_minor: minor("amount")?.unwrap_or(0),
            charged_minor: minor("charged")?,
            card,
            ..Record::blank(kind)
        };
        let mut known = Known::of(&record, self.scheme, self.scheme.clock.service_day(time));
        // What is typed goes before what is registered: it is tried out.
        let typed = [(record.class, &mut known.resolved.class), (record.issuer, &mut known.resolved.issuer), (record.medium, &mut known.medium)];
        typed.into_iter().filter(|(typed, _)| !typed.is_none()).for_each(|(typed, known)| *known = typed);
        if let Some(birth) = get("birth") {
            known.birth = Some(birth.parse::<Day>().map_err(|problem| unclear(problem, "`birth` is a date of birth"))?);
        }
        self.complete(&mut known)?;
        Ok(known)
    }

    fn time(&mut self, date: Option<&str>, time: Option<&str>) -> Result<EventTime, Unclear> {
        let (mut date, mut time) = (date, time.unwrap_or(""));
        // A column may hold both.
        if let (None, Some((day, rest))) = (date, time.split_once([' ', 'T'])) {
            (date, time) = (Some(day), rest);
        }
        if let Some(date) = date {
            self.date = Some(date.parse::<Day>().map_err(|problem| unclear(problem, "2026-03-02"))?);
        }
        let day = self.date.ok_or_else(|| unclear("no date", "begin the first tap with its date: \"2026-03-02 08:20 on 1\""))?;
        let of_day = time_of_day_ms(time)
            .ok_or_else(|| unclear(format!("{} is not a time of day", guess::shown(time)), "08:20, 08:20:30 or 08:20:30.500, by the scheme's clock"))?;
        Ok(self.scheme.clock.instant(day.start_local_ms() + of_day))
    }

    /// What a word without a key is.
    fn meaning(&self, word: &str) -> Result<(String, String), Unclear> {
        let is = |key: &str| Ok((key.to_owned(), word.to_owned()));
        if word.parse::<Day>().is_ok() {
            return is("date");
        }
        if time_of_day_ms(word).is_some() {
            return is("time");
        }
        if kind_of(word).is_some() {
            return is("kind");
        }
        if let Some(party) = self.symbols.find(word).and_then(|id| self.scheme.party(id)) {
            return if matches!(party.kind, PartyKind::Bank | PartyKind::Network) { is("issuer") } else { is("operator") };
        }
        for (key, known) in [("mode", &self.modes), ("class", &self.classes), ("medium", &self.media)] {
            if known.contains(word) {
                return is(key);
            }
        }
        if is_place(word) || !self.places_of(word).is_empty() {
            return is("place");
        }
        let words = self.modes.iter().chain(&self.classes).chain(&self.media).map(String::as_str).chain(KINDS.iter().map(|(name, _)| *name));
        let todo = guess::hint(word, words, PLACE_HINT);
        Err(unclear(format!("{} is no kind of record, party, mode, class, medium or place of the scheme", guess::shown(word)), todo))
    }

    /// A place by `kind:code`, by its code alone, or by its name. Lines and stations often share codes: who is let in or out
    /// is at a station.
    fn place(&self, text: &str, kind: RecordKind) -> Result<Symbol, Unclear> {
        let named = self.symbols.find(text).filter(|&id| self.scheme.location(id).is_some());
        if named.is_some() || is_place(text) {
            return Ok(self.symbols.intern(text));
        }
        let mut found = self.places_of(text);
        if found.len() > 1 {
            let at_line = matches!(kind, RecordKind::Boarding);
            found.retain(|place| place.starts_with("line:") == at_line);
        }
        let mut list = found.iter();
        match (list.next(), list.next()) {
            (Some(only), None) => Ok(self.symbols.intern(only)),
            (Some(one), Some(other)) => Err(unclear(format!("`{text}` is {one} and {other}"), "write it as kind:code")),
            (None, _) => {
                let known = self.places.iter().filter_map(|place| place.split_once(':').map(|(_, code)| code));
                Err(unclear(format!("{} is no place that the scheme names", guess::shown(text)), guess::hint(text, known, PLACE_HINT)))
            }
        }
    }

    /// Places with such a code or name.
    fn places_of(&self, text: &str) -> BTreeSet<String> {
        let named = self.scheme.locations.list().iter().filter(|place| [&place.code, &place.name_en, &place.name_zh].iter().any(|name| *name == text));
        let by_code = self.places.iter().filter(|place| place.split_once(':').is_some_and(|(_, code)| code == text));
        named.map(|place| self.symbols.text(place.id).to_string()).chain(by_code.cloned()).collect()
    }

    /// The mode and the operator that a tap does not say, where the tariff leaves no choice.
    fn complete(&self, known: &mut Known) -> Result<(), Unclear> {
        let Some(version) = self.scheme.tariff.version_at(known.record.time, &self.scheme.clock) else { return Ok(()) };
        let resolved = known.resolved;
        let has = |list: &[Symbol], word: Symbol| word.is_none() || list.is_empty() || list.contains(&word);
        let for_it = |base: &&Base| {
            let scope = &base.scope;
            (scope.kinds.is_empty() || scope.kinds.contains(&known.record.kind)) && has(&scope.modes, resolved.mode) && has(&scope.operators, resolved.earner)
        };
        let bases: Vec<&Base> = version.base.iter().filter(for_it).collect();
        if resolved.mode.is_none() && bases.iter().all(|base| !base.scope.modes.is_empty()) {
            let mut modes: Vec<Symbol> = bases.iter().flat_map(|base| base.scope.modes.iter().copied()).collect();
            modes.sort_unstable();
            modes.dedup();
            match modes.as_slice() {
                [] => {}
                [only] => known.resolved.mode = *only,
                several => {
                    let names: Vec<String> = several.iter().map(|mode| self.symbols.text(*mode).to_string()).collect();
                    return Err(unclear("the tap does not say its mode, and the tariff has prices for several", format!("add one of: {}", names.join(", "))));
                }
            }
        }
        let mode = known.resolved.mode;
        let of_mode = bases.iter().filter(|base| has(&base.scope.modes, mode));
        if resolved.earner.is_none() && of_mode.clone().all(|base| !base.scope.operators.is_empty()) {
            known.resolved.earner = of_mode.clone().find_map(|base| base.scope.operators.first().copied()).unwrap_or_default();
        }
        Ok(())
    }
}

fn is_place(text: &str) -> bool {
    text.split_once(':').is_some_and(|(kind, code)| {
        !kind.is_empty() && !code.is_empty() && kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !code.contains(' ')
    })
}

fn kind_of(name: &str) -> Option<RecordKind> {
    RecordKind::from_name(name).or_else(|| KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind))
}

fn kinds_hint() -> String {
    let names: Vec<&str> = ["on", "off"].into_iter().chain(RecordKind::ALL.iter().map(|kind| kind.name())).collect();
    names.join(", ")
}

/// `08:20`, `08:20:30`, `08:20:30.500`.
fn time_of_day_ms(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().ok().filter(|_| part.len() <= 2)).collect::<Option<_>>()?;
    let [hours, minutes, seconds] = match parts.as_slice() {
        [hours, minutes] => [*hours, *minutes, 0],
        [hours, minutes, seconds] => [*hours, *minutes, *seconds],
        _ => return None,
    };
    let ms = format!("{fraction:0<3}").parse::<i64>().ok().filter(|_| fraction.len() <= 3)?;
    let sound = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..60).contains(&seconds);
    sound.then_some((hours * 3600 + minutes * 60 + seconds) * 1000 + ms).filter(|ms| *ms < DAY_MS)
}

/// Words between blanks; one in quotes may have blanks inside.
fn words_of(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' | '\'' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().expect("there is one").push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_words_are_read_as_typed() {
        for (text, ms) in [("08:20", Some(30_000_000)), ("6:59:59", Some(25_199_000)), ("07:00:00.5", Some(25_200_500)), ("23:59:59.999", Some(86_399_999))] {
            assert_eq!(time_of_day_ms(text), ms, "{text}");
        }
        for text in ["24:00", "8", "08:60", "08:20:30.5000", "station:101", "bus", "08:-1", ""] {
            assert_eq!(time_of_day_ms(text), None, "{text}");
        }
        assert_eq!(words_of("08:20  on 'North gate' route=5"), ["08:20", "on", "North gate", "route=5"]);
        assert!(is_place("station:101") && is_place("line:5") && !is_place("08:20") && !is_place("101") && !is_place(":5"));
    }
}
