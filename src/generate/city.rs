//! Who can ride and where: the scheme's cards and terminals, sorted by town and use.
//!
//! Only what is registered, good and in service on the day and the one before it. Everything is ordered by its text, so that
//! nothing depends on the order in which names were met.

use super::Barren;
use super::dice::Dice;
use domain::{CardToken, Day, PartyKind, Symbol, SymbolTable};
use engine::scheme::{Card, Scheme, Terminal};
use std::collections::BTreeMap;

/// The terminals of one town, as positions in [`City::terminals`], by where they stand.
#[derive(Debug, Default)]
pub struct Town {
    pub lines: Vec<Vec<u32>>,
    pub stations: Vec<Vec<u32>>,
    pub venues: Vec<Vec<u32>>,
    pub shops: Vec<Vec<u32>>,
    pub hospitals: Vec<Vec<u32>>,
}

pub struct City<'s> {
    pub terminals: Vec<&'s Terminal>,
    pub towns: Vec<Town>,
    /// The places of a town in `towns`, weighted by their number of terminals, as growing sums.
    pub town_sums: Vec<u32>,
    /// By terminal.
    hospitals: Vec<bool>,
    pub cards: Vec<&'s Card>,
    /// The cards of each account, as positions in `cards`.
    pub accounts: Vec<Vec<u32>>,
    /// Listed cards: token, issuer and list version.
    pub hotlist: Vec<(CardToken, Symbol, u32)>,
    /// Local midnight of the day, in milliseconds since 1970 in UTC.
    pub midnight_ms: i64,
    pub day: Day,
    pub offset_min: i16,
    /// A terminal that no scheme knows.
    pub unknown: Symbol,
    pub medical: Symbol,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    Line,
    Station,
    Venue,
    Shop,
    Hospital,
}

impl<'s> City<'s> {
    /// # Errors
    /// When there is no card or no terminal.
    pub fn of(scheme: &'s Scheme, symbols: &SymbolTable, day: Day) -> Result<Self, Barren> {
        let clock = &scheme.clock;
        let (from, to) = (clock.day_start(Day(day.0 - 1)), clock.day_end(day));
        let mut terminals: Vec<&Terminal> = scheme.terminals.list().iter().filter(|terminal| terminal.from <= from && terminal.to >= to).collect();
        terminals.sort_by_cached_key(|terminal| (symbols.text(terminal.id), terminal.epoch));
        let mut places: BTreeMap<(String, Use, String), Vec<u32>> = BTreeMap::new();
        for (at, terminal) in (0u32..).zip(&terminals) {
            if let Some((town, purpose)) = use_of(scheme, terminal) {
                places.entry((town, purpose, symbols.text(terminal.location).to_string())).or_default().push(at);
            }
        }
        let mut towns: BTreeMap<String, Town> = BTreeMap::new();
        for ((town, purpose, _), at) in places {
            let town = towns.entry(town).or_default();
            match purpose {
                Use::Line => town.lines.push(at),
                Use::Station => town.stations.push(at),
                Use::Venue => town.venues.push(at),
                Use::Shop => town.shops.push(at),
                Use::Hospital => town.hospitals.push(at),
            }
        }
        let towns: Vec<Town> = towns.into_values().collect();
        if towns.is_empty() {
            return Err(Barren::NoTerminals);
        }
        let mut hospitals = vec![false; terminals.len()];
        for &at in towns.iter().flat_map(|town| town.hospitals.iter().flatten()) {
            if let Some(hospital) = hospitals.get_mut(at as usize) {
                *hospital = true;
            }
        }
        let mut sum = 0;
        let town_sums = towns
            .iter()
            .map(|town| {
                sum += town.size();
                sum
            })
            .collect();
        let good = |card: &&Card| card.is_valid_on(Day(day.0 - 1)) && card.is_valid_on(day.next()) && scheme.hotlist(&card.token).is_none();
        let cards: Vec<&Card> = scheme.cards.list().iter().filter(good).collect();
        let mut accounts: BTreeMap<CardToken, Vec<u32>> = BTreeMap::new();
        for (at, card) in (0u32..).zip(&cards) {
            accounts.entry(card.account).or_default().push(at);
        }
        if accounts.is_empty() {
            return Err(Barren::NoCards);
        }
        let mut hotlist: Vec<_> = scheme.hotlist.iter().filter_map(|(token, entry)| Some((*token, scheme.card(token)?.issuer, entry.version))).collect();
        hotlist.sort_unstable_by_key(|(token, ..)| *token);
        let noon = domain::EventTime(clock.day_start(day).0);
        let midnight_ms = clock.day_start(day).0 - clock.cutoff_ms();
        Ok(Self {
            terminals,
            towns,
            town_sums,
            hospitals,
            cards,
            accounts: accounts.into_values().collect(),
            hotlist,
            midnight_ms,
            day,
            offset_min: i16::try_from(clock.offset_ms(noon) / 60_000).unwrap_or(0),
            unknown: symbols.intern("00000000"),
            medical: symbols.intern("medical"),
        })
    }

    /// Whether a terminal stands in a hospital.
    #[must_use]
    pub fn hospital(&self, terminal: u32) -> bool {
        self.hospitals.get(terminal as usize).copied().unwrap_or(false)
    }

    /// Another terminal of the same mode; the same one where there is no other.
    pub fn like(&self, terminal: u32, dice: &mut Dice) -> u32 {
        let mode = |at: u32| self.terminals.get(at as usize).map(|terminal| terminal.mode);
        let count = u32::try_from(self.terminals.len()).unwrap_or(u32::MAX);
        let start = dice.below(count);
        let mut others = (0..count).map(|step| (start + step) % count.max(1)).filter(|&at| at != terminal && mode(at) == mode(terminal));
        others.next().unwrap_or(terminal)
    }

    /// A terminal of the same mode in another town; the same one where there is none.
    pub fn elsewhere(&self, terminal: u32, dice: &mut Dice) -> u32 {
        let stands = |town: &&Town| town.terminals().any(|at| at == terminal);
        let here = self.towns.iter().position(|town| stands(&town));
        let mode = |at: u32| self.terminals.get(at as usize).map(|terminal| terminal.mode);
        let other = self.towns.iter().enumerate().filter(|(town, _)| Some(*town) != here).flat_map(|(_, town)| town.terminals());
        let others: Vec<u32> = other.filter(|&at| mode(at) == mode(terminal)).collect();
        dice.pick(&others).copied().unwrap_or(terminal)
    }

    pub fn town(&self, dice: &mut Dice) -> usize {
        dice.weighted(&self.town_sums)
    }
}

impl Town {
    fn terminals(&self) -> impl Iterator<Item = u32> {
        let places = [&self.lines, &self.stations, &self.venues, &self.shops, &self.hospitals];
        places.into_iter().flatten().flatten().copied()
    }

    fn size(&self) -> u32 {
        let places = [&self.lines, &self.stations, &self.venues, &self.shops, &self.hospitals];
        u32::try_from(places.into_iter().flatten().map(Vec::len).sum::<usize>()).unwrap_or(u32::MAX)
    }
}

/// What a terminal is for, and in which town. `None` where the scheme does not say enough.
fn use_of(scheme: &Scheme, terminal: &Terminal) -> Option<(String, Use)> {
    let location = scheme.location(terminal.location);
    let venue = scheme.venue_of(terminal.location);
    let party = scheme.party(if venue.is_none() { terminal.operator } else { venue })?;
    let purpose = match (party.kind, location.map(|location| location.kind.as_str())) {
        (PartyKind::Operator, Some("station")) => Use::Station,
        (PartyKind::Operator, _) => Use::Line,
        (PartyKind::Venue, _) => Use::Venue,
        (PartyKind::Merchant, Some("hospital")) => Use::Hospital,
        (PartyKind::Merchant, _) => Use::Shop,
        _ => return None,
    };
    let town = location.map(|location| &location.city).filter(|city| !city.is_empty()).unwrap_or(&party.city);
    Some((town.clone(), purpose))
}
