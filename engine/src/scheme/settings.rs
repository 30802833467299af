//! `scheme.toml`: the programme's name, clock, limits, policies and what its parties are shown.
//!
//! Every key has its default here and nowhere else. Cross references (the hub, products) are checked by the readers of the
//! files that they point to.

use super::clock::LocalClock;
use super::guess::{allowed, hint, shown};
use super::moment;
use super::oddities::Oddities;
use super::table::{Table, read};
use crate::mistake::Mistakes;
use domain::{Day, PartyKind, RecordKind, Symbol, SymbolTable};
use std::path::Path;

pub const FILE: &str = "scheme.toml";

/// Amounts beyond this are never accepted, so that no sum of a day can leave `i64`: 10^12 minor units.
const AMOUNT_MINOR_MAX: i64 = 1_000_000_000_000;
const DAYS_MAX: i64 = 36_500;
const MINUTES_MAX: i64 = DAYS_MAX * 24 * 60;
const MINUTE_MS: i64 = 60_000;

/// What happens to records with the same id and different fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// Every version is held.
    HoldAll,
    /// The lowest arrival number wins, the others are rejected.
    FirstWins,
}

/// What is taken from the record where the registry does not know it. All false: what is not registered is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenRegistry {
    pub terminals: bool,
    pub cards: bool,
    pub issuers: bool,
    pub operators: bool,
    pub locations: bool,
    pub classes: bool,
}

/// Bounds on what a record may say.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A record whose service day is more than so many days before the clearing day is too old.
    pub acceptance_days: i32,
    /// A record later than the clearing day's end by more than this is in the future.
    pub future_skew_ms: i64,
    /// A held record is rejected at the close that is more than so many days after the first that held it.
    pub hold_days: i32,
    /// Records before this calendar day have an impossible date.
    pub earliest: Day,
    /// The largest amount of a record that no other limit is for.
    pub amount_max_minor: i64,
    by_kind_minor: [Option<i64>; RecordKind::ALL.len()],
    by_product_minor: Vec<(Symbol, i64)>,
}

impl Limits {
    /// The largest amount of a record: its product's limit, else its kind's, else the default.
    #[must_use]
    pub fn amount_max_minor(&self, kind: RecordKind, product: Symbol) -> i64 {
        let by_product = || self.by_product_minor.iter().find(|(limited, _)| *limited == product).map(|&(_, limit)| limit);
        let by_kind = || self.by_kind_minor.get(kind_index(kind)).copied().flatten();
        by_product().or_else(by_kind).unwrap_or(self.amount_max_minor)
    }
}

/// The product under which each kind of record is booked.
#[derive(Clone, Debug)]
pub struct Products {
    by_kind: [Symbol; RecordKind::ALL.len()],
    by_earner: Vec<(PartyKind, RecordKind, Symbol)>,
}

impl Products {
    /// The product of a record that names none itself. `earner` is the kind of the party that earns it.
    #[must_use]
    pub fn of(&self, kind: RecordKind, earner: PartyKind) -> Symbol {
        let special = self.by_earner.iter().find(|&&(party, record, _)| party == earner && record == kind);
        special.map_or_else(|| self.by_kind.get(kind_index(kind)).copied().unwrap_or_default(), |&(_, _, product)| product)
    }
}

/// The words for rider classes, media and modes; an empty list allows any word.
#[derive(Clone, Debug, Default)]
pub struct Words {
    pub classes: Vec<String>,
    pub media: Vec<String>,
    pub modes: Vec<String>,
}

/// How a file names cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardDisplay {
    Token,
    /// A name that only this receiver sees for it.
    Pseudonym,
}

/// The columns that a detail file can have, in the order in which the full file has them. `funders` stands for one column
/// per funder group.
pub const DETAIL_COLUMNS: [&str; 19] = [
    "line",
    "ride_id",
    "source_ref",
    "kind",
    "terminal_id",
    "terminal_seq",
    "card",
    "issuer",
    "operator",
    "location",
    "event_time",
    "service_day",
    "list_minor",
    "funders",
    "charged_minor",
    "fee_minor",
    "net_minor",
    "dc",
    "flags",
];

/// What the settlement files show.
#[derive(Clone, Debug)]
pub struct SettlementOptions {
    /// The detail file's columns in order, each one of [`DETAIL_COLUMNS`].
    pub detail_columns: Vec<&'static str>,
    /// Whether rides of zero charge have a line; otherwise they are only counted.
    pub list_zero_rides: bool,
    /// How a file names cards that its receiver did not issue. An issuer's own cards are named by their tokens.
    pub card_for_others: CardDisplay,
}

/// What `scheme.toml` says.
#[derive(Clone, Debug)]
pub struct Settings {
    pub name_en: String,
    pub name_zh: String,
    /// ISO 4217.
    pub currency: String,
    /// How many digits of the currency are after the point: 2 for fen.
    pub minor_digits: u8,
    pub clock: LocalClock,
    pub conflict: ConflictPolicy,
    pub hub: Symbol,
    /// The line that names the hub, for the check against `parties.csv`.
    pub hub_line: Option<u32>,
    pub limits: Limits,
    pub open: OpenRegistry,
    pub words: Words,
    pub products: Products,
    /// How long after a hotlist entry's effective time a terminal that states no list version may lack it.
    pub hotlist_grace_ms: i64,
    pub settlement: SettlementOptions,
    /// How many days before the open one stay in the journal; all where it is absent.
    pub retention_days: Option<i32>,
    /// What is looked for in records that clear; `None` for nothing.
    pub oddities: Option<Oddities>,
}

impl Settings {
    /// Reads the file. A value that is wrong or missing is a mistake and its default is used, so that the other files can be
    /// checked; `None` when there is no clock to check them with.
    #[must_use]
    pub fn read(dir: &Path, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Self> {
        let missing = "a scheme's folder has a scheme.toml; docs/scheme.md lists its keys";
        read(dir, FILE, Some(missing), mistakes, |table, mistakes| Self::of(table, symbols, mistakes))?
    }

    fn of(table: &mut Table<'_>, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Self> {
        let name_en = needed_text(table, "name_en", "\"One card\"", mistakes);
        let name_zh = needed_text(table, "name_zh", "\"一卡通\"", mistakes);
        let currency = table.text("currency", mistakes);
        if let Some(code) = currency.as_ref().filter(|code| code.value.len() != 3 || !code.value.bytes().all(|byte| byte.is_ascii_uppercase())) {
            table.mistake(Some(code.line), format!("`currency` cannot be {}", shown(&code.value)), Some("an ISO 4217 code: CNY, GBP"), mistakes);
        }
        let currency = currency.map_or_else(|| "CNY".to_owned(), |code| code.value);
        let minor_digits = table.integer("minor_digits", 0..=4, mistakes).and_then(|digits| u8::try_from(digits.value).ok()).unwrap_or(2);
        let conflicts = [("hold-all", ConflictPolicy::HoldAll), ("first-wins", ConflictPolicy::FirstWins)];
        let conflict = table.choice("conflict", &conflicts, mistakes).unwrap_or(ConflictPolicy::HoldAll);
        let hub = table.text("hub", mistakes);
        if hub.is_none() {
            table.missing("hub", "\"hub-01\"", mistakes);
        }
        let clock = clock_of(table, mistakes);
        let limits = limits_of(table, symbols, mistakes);
        let open = open_of(table, mistakes);
        let words = words_of(table, mistakes);
        let products = products_of(table, symbols, mistakes);
        let hotlist_grace_ms = table.table("hotlist", mistakes).map_or(0, |mut hotlist| {
            let minutes = hotlist.integer("grace_minutes", 0..=MINUTES_MAX, mistakes).map_or(0, |minutes| minutes.value);
            hotlist.finish(mistakes);
            minutes * MINUTE_MS
        });
        let settlement = settlement_of(table, mistakes);
        let retention_days = table.table("retention", mistakes).and_then(|mut retention| {
            let days = retention.integer("journal_days", 1..=DAYS_MAX, mistakes).and_then(|days| i32::try_from(days.value).ok());
            retention.finish(mistakes);
            days
        });
        let oddities = Oddities::read(table, &words.modes, symbols, mistakes);
        Some(Self {
            name_en,
            name_zh,
            currency,
            minor_digits,
            clock: clock?,
            conflict,
            hub: hub.as_ref().map_or(Symbol::NONE, |hub| symbols.intern(&hub.value)),
            hub_line: hub.map(|hub| hub.line),
            limits,
            open,
            words,
            products,
            hotlist_grace_ms,
            settlement,
            retention_days,
            oddities,
        })
    }
}

fn kind_index(kind: RecordKind) -> usize {
    usize::from(kind.code()) - 1
}

fn needed_text(table: &mut Table<'_>, key: &str, example: &str, mistakes: &mut Mistakes) -> String {
    let text = table.text(key, mistakes).map(|text| text.value).unwrap_or_default();
    if text.is_empty() {
        table.missing(key, example, mistakes);
    }
    text
}

fn clock_of(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<LocalClock> {
    let cut_off = table.text("cut_off", mistakes);
    let cutoff_ms = cut_off.as_ref().map_or(Some(0), |cut_off| moment::time_of_day_ms(&cut_off.value));
    if let (Some(cut_off), None) = (&cut_off, cutoff_ms) {
        let message = format!("`cut_off` cannot be {}", shown(&cut_off.value));
        table.mistake(Some(cut_off.line), message, Some("a local time of day: \"04:00\""), mistakes);
    }
    let Some(zone) = table.text("time_zone", mistakes) else {
        table.missing("time_zone", "\"Asia/Shanghai\"", mistakes);
        return None;
    };
    let clock = LocalClock::new(&zone.value, cutoff_ms.unwrap_or(0));
    if clock.is_none() {
        let zones = LocalClock::zones();
        let todo = hint(&zone.value, zones.iter().map(String::as_str), "an IANA zone name: Asia/Shanghai, Europe/London");
        table.mistake(Some(zone.line), format!("unknown time zone {}", shown(&zone.value)), Some(&todo), mistakes);
    }
    clock
}

fn limits_of(table: &mut Table<'_>, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Limits {
    let mut limits = Limits {
        acceptance_days: 30,
        future_skew_ms: 10 * MINUTE_MS,
        hold_days: 30,
        earliest: Day(0),
        amount_max_minor: 1_000_000,
        by_kind_minor: [None; RecordKind::ALL.len()],
        by_product_minor: Vec::new(),
    };
    let Some(mut found) = table.table("limits", mistakes) else {
        table.missing("limits", "{ earliest = \"2020-01-01\" }", mistakes);
        return limits;
    };
    let days = |found: &mut Table<'_>, key, default, mistakes: &mut Mistakes| {
        found.integer(key, 0..=DAYS_MAX, mistakes).and_then(|days| i32::try_from(days.value).ok()).unwrap_or(default)
    };
    limits.acceptance_days = days(&mut found, "acceptance_days", limits.acceptance_days, mistakes);
    limits.hold_days = days(&mut found, "hold_days", limits.hold_days, mistakes);
    if let Some(minutes) = found.integer("future_skew_minutes", 0..=MINUTES_MAX, mistakes) {
        limits.future_skew_ms = minutes.value * MINUTE_MS;
    }
    if let Some(amount) = found.integer("amount_max_minor", 1..=AMOUNT_MINOR_MAX, mistakes) {
        limits.amount_max_minor = amount.value;
    }
    match found.text("earliest", mistakes).map(|text| (text.value.parse::<Day>(), text.line)) {
        Some((Ok(day), _)) => limits.earliest = day,
        Some((Err(_), line)) => found.mistake(Some(line), "`limits.earliest` is not a date", Some(moment::DATE_HINT), mistakes),
        None => found.missing("earliest", "\"2020-01-01\"", mistakes),
    }
    if let Some(mut by_kind) = found.table("amount_max_by_kind_minor", mistakes) {
        for kind in RecordKind::ALL {
            let limit = by_kind.integer(kind.name(), 0..=AMOUNT_MINOR_MAX, mistakes).map(|limit| limit.value);
            if let Some(slot) = limits.by_kind_minor.get_mut(kind_index(kind)) {
                *slot = limit;
            }
        }
        by_kind.finish(mistakes);
    }
    if let Some(mut by_product) = found.table("amount_max_by_product_minor", mistakes) {
        for product in by_product.keys() {
            if let Some(limit) = by_product.integer(&product.value, 0..=AMOUNT_MINOR_MAX, mistakes) {
                limits.by_product_minor.push((symbols.intern(&product.value), limit.value));
            }
        }
    }
    found.finish(mistakes);
    limits
}

fn open_of(table: &mut Table<'_>, mistakes: &mut Mistakes) -> OpenRegistry {
    let Some(mut found) = table.table("open", mistakes) else { return OpenRegistry::default() };
    let mut flag = |key| found.flag(key, mistakes).unwrap_or(false);
    let open = OpenRegistry {
        terminals: flag("terminals"),
        cards: flag("cards"),
        issuers: flag("issuers"),
        operators: flag("operators"),
        locations: flag("locations"),
        classes: flag("classes"),
    };
    found.finish(mistakes);
    open
}

fn words_of(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Words {
    let Some(mut found) = table.table("words", mistakes) else { return Words::default() };
    let mut list = |key| found.texts(key, mistakes).unwrap_or_default().into_iter().map(|word| word.value).collect();
    let words = Words { classes: list("classes"), media: list("media"), modes: list("modes") };
    found.finish(mistakes);
    words
}

fn products_of(table: &mut Table<'_>, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Products {
    let default = |kind| match kind {
        RecordKind::TapOn | RecordKind::TapOff | RecordKind::Boarding | RecordKind::Journey | RecordKind::Collection => "transit",
        RecordKind::Pass => "pass",
        RecordKind::Payment | RecordKind::Refund | RecordKind::Reversal => "retail",
        RecordKind::Disbursement => "disbursement",
    };
    let mut products = Products { by_kind: RecordKind::ALL.map(|kind| symbols.intern(default(kind))), by_earner: Vec::new() };
    let Some(mut found) = table.table("products", mistakes) else { return products };
    for kind in RecordKind::ALL {
        if let Some(product) = found.text(kind.name(), mistakes)
            && let Some(slot) = products.by_kind.get_mut(kind_index(kind))
        {
            *slot = symbols.intern(&product.value);
        }
    }
    for party in PartyKind::ALL {
        let Some(mut special) = found.table(party.name(), mistakes) else { continue };
        for kind in RecordKind::ALL {
            if let Some(product) = special.text(kind.name(), mistakes) {
                products.by_earner.push((party, kind, symbols.intern(&product.value)));
            }
        }
        special.finish(mistakes);
    }
    found.finish(mistakes);
    products
}

fn settlement_of(table: &mut Table<'_>, mistakes: &mut Mistakes) -> SettlementOptions {
    let mut options = SettlementOptions { detail_columns: DETAIL_COLUMNS.to_vec(), list_zero_rides: true, card_for_others: CardDisplay::Pseudonym };
    let Some(mut found) = table.table("settlement", mistakes) else { return options };
    if let Some(columns) = found.texts("detail_columns", mistakes) {
        options.detail_columns.clear();
        for column in columns {
            match DETAIL_COLUMNS.into_iter().find(|known| *known == column.value) {
                Some(known) if options.detail_columns.contains(&known) => {
                    found.mistake(Some(column.line), format!("detail column `{known}` is listed twice"), None, mistakes);
                }
                Some(known) => options.detail_columns.push(known),
                None => {
                    let todo = hint(&column.value, DETAIL_COLUMNS, &allowed(&DETAIL_COLUMNS));
                    found.mistake(Some(column.line), format!("unknown detail column {}", shown(&column.value)), Some(&todo), mistakes);
                }
            }
        }
    }
    options.list_zero_rides = found.flag("list_zero_rides", mistakes).unwrap_or(options.list_zero_rides);
    let displays = [("token", CardDisplay::Token), ("pseudonym", CardDisplay::Pseudonym)];
    options.card_for_others = found.choice("card_for_others", &displays, mistakes).unwrap_or(options.card_for_others);
    found.finish(mistakes);
    options
}
