//! What the scheme says about settlement: the parties, the columns of the detail file, how cards are shown.
//!
//! Built by the program from the scheme; nothing here is read from a file. A house depends on the scheme only, so the same
//! scheme always prints the same day the same way.

use domain::{Party, Suite, Symbol, SymbolTable};

/// A column of `detail.csv`. Files list the chosen ones in this order, whatever order the scheme names them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    Line,
    RideId,
    SourceRef,
    Kind,
    TerminalId,
    TerminalSeq,
    Card,
    Issuer,
    Operator,
    Location,
    EventTime,
    ServiceDay,
    ListMinor,
    /// One column for each funder group of the house, `<group>_minor`.
    Funders,
    ChargedMinor,
    FeeMinor,
    NetMinor,
    Dc,
    Flags,
}

impl Column {
    pub const ALL: [Self; 19] = [
        Self::Line,
        Self::RideId,
        Self::SourceRef,
        Self::Kind,
        Self::TerminalId,
        Self::TerminalSeq,
        Self::Card,
        Self::Issuer,
        Self::Operator,
        Self::Location,
        Self::EventTime,
        Self::ServiceDay,
        Self::ListMinor,
        Self::Funders,
        Self::ChargedMinor,
        Self::FeeMinor,
        Self::NetMinor,
        Self::Dc,
        Self::Flags,
    ];

    /// The name in the scheme and, but for [`Column::Funders`], in the header row.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::RideId => "ride_id",
            Self::SourceRef => "source_ref",
            Self::Kind => "kind",
            Self::TerminalId => "terminal_id",
            Self::TerminalSeq => "terminal_seq",
            Self::Card => "card",
            Self::Issuer => "issuer",
            Self::Operator => "operator",
            Self::Location => "location",
            Self::EventTime => "event_time",
            Self::ServiceDay => "service_day",
            Self::ListMinor => "list_minor",
            Self::Funders => "funders",
            Self::ChargedMinor => "charged_minor",
            Self::FeeMinor => "fee_minor",
            Self::NetMinor => "net_minor",
            Self::Dc => "dc",
            Self::Flags => "flags",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }
}

/// How a detail file names cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardDisplay {
    /// Tokens in every file.
    Tokens,
    /// The token in the issuer's file, a pseudonym of the receiver's own in every other.
    Pseudonyms,
}

/// Parties whose discounts stand in one column of the detail file. A party is in one group at most, and every party that
/// can fund a discount is in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunderGroup {
    /// The column is `<name>_minor`.
    pub name: String,
    pub parties: Vec<Symbol>,
}

/// The house that settles: what the scheme says about its files.
#[derive(Clone)]
pub struct House<'a> {
    /// Every party of the scheme, the hub too; each gets a folder every day.
    pub parties: Vec<Party>,
    /// The clearing house itself, one of `parties`.
    pub hub: Symbol,
    pub symbols: &'a SymbolTable,
    pub columns: Vec<Column>,
    pub funder_groups: Vec<FunderGroup>,
    /// Whether rides that move no money have a line or are only counted.
    pub list_zero_rides: bool,
    pub cards: CardDisplay,
    /// Decimal places of the currency: 2 for fen and pence. Stands in the manifests.
    pub minor_digits: u8,
    /// Days that a record may stay held, counted from the clearing day that held it first.
    pub hold_days: u16,
    /// From the scheme's key file; the receivers' keys are derived from it.
    pub pseudonym_key: [u8; 32],
    /// What days are sealed with.
    pub suite: Suite,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_listed_in_file_order_and_found_by_name() {
        assert!(Column::ALL.is_sorted());
        for column in Column::ALL {
            assert_eq!(Column::from_name(column.name()), Some(column));
        }
        assert_eq!(Column::from_name("pan"), None);
    }
}
