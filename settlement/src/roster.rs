//! The parties in the order of their folders, and who a symbol is.
//!
//! A seat is a party's place in that order: by the bytes of its id, so it does not depend on the scheme's order or on how
//! symbols were given out.

use crate::{House, SettleError, pseudonym::PseudonymKey};
use domain::{Party, PartyKind, Symbol};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A party's place in the roster; [`Seat::NOBODY`] where a symbol is no party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Seat(pub u16);

impl Seat {
    pub const NOBODY: Self = Self(u16::MAX);

    pub const fn index(self) -> usize {
        self.0 as usize
    }

    pub fn is_somebody(self) -> bool {
        self != Self::NOBODY
    }

    /// This one, or the other where this is nobody.
    pub fn or(self, other: impl FnOnce() -> Self) -> Self {
        if self.is_somebody() { self } else { other() }
    }
}

pub(crate) struct Member {
    pub party: Party,
    pub id: Arc<str>,
    pub key: PseudonymKey,
    /// The funder group whose column shows this party's discounts.
    pub group: Option<usize>,
}

pub(crate) struct Roster {
    members: Vec<Member>,
    seats: Vec<Seat>,
    pub hub: Seat,
}

impl Roster {
    /// # Errors
    /// [`SettleError::Scheme`] when the house's parties cannot each have a folder of their own.
    pub fn new(house: &House<'_>) -> Result<Self, SettleError> {
        let mut members: Vec<Member> = house
            .parties
            .iter()
            .map(|party| {
                let id = house.symbols.text(party.id);
                let key = PseudonymKey::of(&house.pseudonym_key, &id);
                let group = house.funder_groups.iter().position(|group| group.parties.contains(&party.id));
                Member { party: party.clone(), id, key, group }
            })
            .collect();
        members.sort_by(|a, b| a.id.as_bytes().cmp(b.id.as_bytes()));
        if members.len() >= usize::from(u16::MAX) {
            return Err(SettleError::Scheme(format!("{} parties are more than the 65,534 that have room", members.len())));
        }
        let mut ids = BTreeSet::new();
        for member in &members {
            if !is_folder_name(&member.id) {
                return Err(SettleError::Scheme(format!("party id `{}` cannot be the name of a folder", member.id)));
            }
            if !ids.insert(&member.id) {
                return Err(SettleError::Scheme(format!("party id `{}` stands twice", member.id)));
            }
        }
        let mut grouped = BTreeSet::new();
        for (group, party) in house.funder_groups.iter().flat_map(|group| group.parties.iter().map(move |party| (group, party))) {
            if !grouped.insert(*party) {
                return Err(SettleError::Scheme(format!("`{}` is in funder group `{}` and in another", house.symbols.text(*party), group.name)));
            }
        }
        let mut seats = vec![Seat::NOBODY; members.iter().map(|member| member.party.id.index() + 1).max().unwrap_or(0)];
        for (at, member) in members.iter().enumerate() {
            if let (Some(seat), Ok(at)) = (seats.get_mut(member.party.id.index()), u16::try_from(at)) {
                *seat = Seat(at);
            }
        }
        let roster = Self { members, seats, hub: Seat::NOBODY };
        let hub = roster.seat(house.hub);
        if roster.member(hub).is_none_or(|member| member.party.kind != PartyKind::Hub) {
            return Err(SettleError::Scheme("the hub is not one of its parties".to_owned()));
        }
        Ok(Self { hub, ..roster })
    }

    #[inline]
    pub fn seat(&self, symbol: Symbol) -> Seat {
        self.seats.get(symbol.index()).copied().unwrap_or(Seat::NOBODY)
    }

    #[inline]
    pub fn member(&self, seat: Seat) -> Option<&Member> {
        self.members.get(seat.index())
    }

    /// The party's id; empty for nobody.
    pub fn id(&self, seat: Seat) -> &str {
        self.member(seat).map_or("", |member| &member.id)
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    pub fn seats(&self) -> impl Iterator<Item = (Seat, &Member)> {
        self.members.iter().enumerate().map(|(at, member)| (Seat(u16::try_from(at).expect("fewer than 65,535 parties")), member))
    }
}

/// Letters, digits, `-`, `_` and `.`, not starting with a dot; `intake` is taken.
pub(crate) fn is_folder_name(id: &str) -> bool {
    !id.is_empty()
        && !id.starts_with('.')
        && !id.eq_ignore_ascii_case("intake")
        && id.len() <= 200
        && id.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.'))
}
