//! The reference data of a programme: parties, registry, clock, limits, fees, keys and tariff, read from one folder.
//!
//! All mistakes of all files are reported at once, and a scheme with any is refused whole. Nothing here changes once it is
//! read, and nothing asks a clock: a scheme of the same bytes gives the same answers. `docs/scheme.md` describes the files.

pub mod calendar;
pub mod cards;
pub mod clock;
pub mod fees;
pub mod folder;
pub mod guess;
pub mod hotlist;
pub mod keys;
pub mod locations;
pub mod moment;
pub mod oddities;
pub mod parties;
pub mod position;
pub mod settings;
pub mod sheet;
pub mod table;
pub mod terminals;

pub use cards::{Card, Cards};
pub use clock::{DayKind, LocalClock};
pub use fees::{FeeBasis, FeePer, FeeRule, Fees, Rounding, Who};
pub use hotlist::{Hotlist, HotlistEntry};
pub use keys::Keys;
pub use locations::{Location, Locations};
pub use oddities::{Oddities, Way};
pub use parties::{Parties, Payee};
pub use settings::{CardDisplay, ConflictPolicy, DETAIL_COLUMNS, Limits, OpenRegistry, Products, SettlementOptions, Words};
pub use terminals::{Terminal, TerminalAt, Terminals};

use crate::mistake::{Mistake, Mistakes};
use crate::tariff::{Tariff, Version};
use domain::record::CardToken;
use domain::{Day, EventTime, Party, Symbol, SymbolTable};
use settings::Settings;
use std::path::Path;

/// A programme's reference data, ready to decide and price with.
#[derive(Clone, Debug)]
pub struct Scheme {
    pub name_en: String,
    pub name_zh: String,
    /// ISO 4217.
    pub currency: String,
    /// How many digits of the currency are after the point.
    pub minor_digits: u8,
    pub clock: LocalClock,
    pub conflict: ConflictPolicy,
    pub hub: Symbol,
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
    /// What is no mistake and good to know.
    pub notes: Vec<Mistake>,
    pub parties: Parties,
    pub terminals: Terminals,
    pub locations: Locations,
    pub cards: Cards,
    pub hotlist: Hotlist,
    pub fees: Fees,
    pub keys: Keys,
    pub tariff: Tariff,
    /// BLAKE3 over the scheme's files: its version, named in close events.
    pub digest: [u8; 32],
}

impl Scheme {
    /// Reads the folder of a scheme. Names become symbols of `symbols`.
    ///
    /// # Errors
    /// All mistakes of all files, in file and line order.
    pub fn read(dir: &Path, symbols: &SymbolTable) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Mistakes::default();
        if !dir.is_dir() {
            mistakes.add(settings::FILE, None, "the scheme's folder does not exist", Some("name a folder that holds a scheme.toml"));
            return Err(mistakes.into_sorted());
        }
        folder::check_names(dir, &mut mistakes);
        let parties = Parties::read(dir, symbols, &mut mistakes);
        let settings = Settings::read(dir, symbols, &mut mistakes);
        let fees = Fees::read(dir, symbols, &parties, &mut mistakes);
        let keys = Keys::read(dir, &mut mistakes);
        let tariff = Tariff::read(dir, symbols, &mut mistakes);
        let mut locations = Locations::read(dir, symbols, &parties, &mut mistakes);
        let digest = folder::digest(dir).map_err(|error| mistakes.add("", None, format!("the folder cannot be read: {error}"), None)).ok();
        let Some(mut settings) = settings else { return Err(mistakes.into_sorted()) };
        parties.check_hub(settings.hub, settings.hub_line, settings::FILE, symbols, &mut mistakes);
        if settings.open.locations {
            locations.open_venues(symbols, &parties, &mut mistakes);
        }
        check_tariff(tariff.as_ref(), &parties, symbols, &mut mistakes);
        check_words(tariff.as_ref(), &settings.words, symbols, &mut mistakes);
        calendar::read(dir, &mut settings.clock, &mut mistakes);
        oddities::check_unused(dir, settings.oddities.as_ref(), &mut mistakes);
        let travel = settings.oddities.as_mut().and_then(|oddities| oddities.travel.as_mut());
        let notes = travel.and_then(|travel| travel.read_places(dir, settings::FILE, &locations, symbols, &mut mistakes)).into_iter().collect();
        let terminals = Terminals::read(dir, symbols, (&settings.clock, &settings.words), &parties, &locations, &mut mistakes);
        let cards = Cards::read(dir, symbols, &settings.words, &parties, &mut mistakes);
        let hotlist = Hotlist::read(dir, &settings.clock, &mut mistakes);
        match (keys, tariff, digest) {
            (Some(keys), Some(tariff), Some(digest)) if mistakes.is_empty() => Ok(Self {
                name_en: settings.name_en,
                name_zh: settings.name_zh,
                currency: settings.currency,
                minor_digits: settings.minor_digits,
                clock: settings.clock,
                conflict: settings.conflict,
                hub: settings.hub,
                limits: settings.limits,
                open: settings.open,
                words: settings.words,
                products: settings.products,
                hotlist_grace_ms: settings.hotlist_grace_ms,
                settlement: settings.settlement,
                retention_days: settings.retention_days,
                oddities: settings.oddities,
                notes,
                parties,
                terminals,
                locations,
                cards,
                hotlist,
                fees,
                keys,
                tariff,
                digest,
            }),
            _ => Err(mistakes.into_sorted()),
        }
    }

    /// The same scheme with the tariff in another folder, and the digest of this one: nothing is closed under it.
    ///
    /// # Errors
    /// All mistakes of the tariff.
    pub fn with_tariff(&self, folder: &Path, symbols: &SymbolTable) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Mistakes::default();
        let tariff = Tariff::read_apart(folder, symbols, &mut mistakes);
        check_tariff(tariff.as_ref(), &self.parties, symbols, &mut mistakes);
        check_words(tariff.as_ref(), &self.words, symbols, &mut mistakes);
        match tariff {
            Some(tariff) if mistakes.is_empty() => Ok(Self { tariff, ..self.clone() }),
            _ => Err(mistakes.into_sorted()),
        }
    }

    /// What the registry knows of a terminal, with this epoch, at this time.
    #[must_use]
    pub fn terminal(&self, id: Symbol, epoch: u32, time: EventTime) -> TerminalAt<'_> {
        self.terminals.at(id, epoch, time)
    }

    #[must_use]
    pub fn card(&self, token: &CardToken) -> Option<&Card> {
        self.cards.get(token)
    }

    /// All cards whose records may be these accounts': an account that nobody registered is a card itself.
    pub fn cards_of<'a>(&self, accounts: impl IntoIterator<Item = &'a CardToken>, is_one: impl Fn(&CardToken) -> bool) -> Vec<CardToken> {
        let registered = self.cards.list().iter().filter(|card| is_one(&card.account)).map(|card| card.token);
        accounts.into_iter().copied().chain(registered).collect()
    }

    #[must_use]
    pub fn hotlist(&self, token: &CardToken) -> Option<&HotlistEntry> {
        self.hotlist.get(token)
    }

    #[must_use]
    pub fn party(&self, id: Symbol) -> Option<&Party> {
        self.parties.get(id)
    }

    #[must_use]
    pub fn location(&self, id: Symbol) -> Option<&Location> {
        self.locations.get(id)
    }

    /// The venue or merchant whose place a location is; absent where it is nobody's.
    #[must_use]
    pub fn venue_of(&self, location: Symbol) -> Symbol {
        self.locations.venue_of(location)
    }

    /// Who is paid for what happens at a venue's or merchant's place.
    #[must_use]
    pub fn payee(&self, venue: Symbol) -> Payee {
        self.parties.payee(venue)
    }

    /// The earner's fee to the hub for one record of a service day.
    #[must_use]
    pub fn fee_minor(&self, earner: Symbol, issuer: Symbol, product: Symbol, day: Day, charged_minor: i64, earned_minor: i64) -> i64 {
        self.fees.record_fee_minor(earner, issuer, product, day, charged_minor, earned_minor)
    }

    /// The clearing day after one: the next calendar day.
    #[must_use]
    pub const fn next_clearing_day(&self, day: Day) -> Day {
        day.next()
    }
}

/// Every operator and funder that the tariff names is a party: a discount must have someone who pays it.
fn check_tariff(tariff: Option<&Tariff>, parties: &Parties, symbols: &SymbolTable, mistakes: &mut Mistakes) {
    let named = tariff.into_iter().flat_map(|tariff| &tariff.versions).flat_map(Version::named_parties);
    for id in named.filter(|&id| parties.get(id).is_none()) {
        let text = symbols.text(id);
        if parties.may_know(&text) {
            continue;
        }
        let todo = guess::hint(&text, parties.ids_of(&domain::PartyKind::ALL), "add a row to parties.csv");
        mistakes.add("tariff", None, format!("names an unknown party {}", guess::shown(&text)), Some(&todo));
    }
}

/// Classes, media and modes that the tariff names are words of the scheme, where it lists them: a rule for a mistyped class
/// would silently be for nobody.
fn check_words(tariff: Option<&Tariff>, words: &Words, symbols: &SymbolTable, mistakes: &mut Mistakes) {
    let versions = tariff.into_iter().flat_map(|tariff| &tariff.versions);
    let mut told: Vec<Symbol> = Vec::new();
    for scope in versions.flat_map(Version::scopes) {
        let condition = &scope.condition;
        let named = [
            ("class", &words.classes, [&condition.classes, &condition.not_classes]),
            ("medium", &words.media, [&condition.media, &condition.not_media]),
            ("mode", &words.modes, [&scope.modes, &scope.modes]),
        ];
        for (what, known, lists) in named {
            for &symbol in lists.into_iter().flatten().filter(|_| !known.is_empty()) {
                let word = symbols.text(symbol);
                if known.iter().any(|known| **known == *word) || told.contains(&symbol) {
                    continue;
                }
                told.push(symbol);
                let todo = guess::hint(&word, known.iter().map(String::as_str), "add it to [words] of scheme.toml");
                mistakes.add("tariff", None, format!("names an unknown {what} {}", guess::shown(&word)), Some(&todo));
            }
        }
    }
}
