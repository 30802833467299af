//! Parties: who owes, who earns, who pays for discounts, and the house that stands between them.

use crate::Symbol;

/// What a party is to the programme. The name is the prefix of its folder: `bank-03`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartyKind {
    /// Issues cards and owes what their holders spend.
    Bank,
    /// Runs buses or a metro.
    Operator,
    /// A scenic spot, museum or library.
    Venue,
    /// A shop or hospital.
    Merchant,
    /// A government fund that pays for concessions.
    Fund,
    /// Pays for a campaign.
    Sponsor,
    /// Another province's clearing house.
    Network,
    /// The clearing house itself.
    Hub,
}

impl PartyKind {
    pub const ALL: [Self; 8] = [Self::Bank, Self::Operator, Self::Venue, Self::Merchant, Self::Fund, Self::Sponsor, Self::Network, Self::Hub];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Operator => "operator",
            Self::Venue => "venue",
            Self::Merchant => "merchant",
            Self::Fund => "fund",
            Self::Sponsor => "sponsor",
            Self::Network => "network",
            Self::Hub => "hub",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A party as the scheme declares it. Two crates read it: pricing to find who pays, settlement to write to everyone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The id, `bank-03`: also the name of its folder.
    pub id: Symbol,
    pub kind: PartyKind,
    pub name_en: String,
    pub name_zh: String,
    /// The operator that runs a venue and is paid for it; absent where the party settles for itself.
    pub run_by: Symbol,
    /// The city it belongs to, for the province's totals; absent where the scheme names none.
    pub city: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_name() {
        for kind in PartyKind::ALL {
            assert_eq!(PartyKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(PartyKind::from_name("bus"), None);
    }
}
