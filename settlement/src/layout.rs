//! The layout of `detail.csv`: which columns are the same for everyone, and which each receiver sees its own way.
//!
//! A run of columns that depend on the ride alone is formatted once and copied to every receiver; card, net and D/C are
//! the receiver's own. The line number is set when the line is appended: only then is it known.

use crate::{CardDisplay, Column, House, SettleError};
use std::collections::BTreeSet;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Columns that are the same in every file.
    Shared(Vec<Column>),
    Card,
    Net,
    Dc,
}

#[derive(Debug)]
pub(crate) struct Layout {
    pub pieces: Vec<Piece>,
    /// Whether lines are numbered.
    pub numbered: bool,
    pub header: String,
    /// How many funder columns there are.
    pub groups: usize,
    pub lists_zero_rides: bool,
}

impl Layout {
    /// # Errors
    /// [`SettleError::Scheme`] when no column but the line number is chosen.
    pub fn new(house: &House<'_>) -> Result<Self, SettleError> {
        let chosen: BTreeSet<Column> = house.columns.iter().copied().collect();
        let mut pieces = Vec::new();
        let mut names = Vec::new();
        for &column in &chosen {
            match column {
                Column::Funders => names.extend(house.funder_groups.iter().map(|group| format!("{}_minor", group.name))),
                _ => names.push(column.name().to_owned()),
            }
            match (column, house.cards) {
                (Column::Line, _) => {}
                (Column::Card, CardDisplay::Pseudonyms) => pieces.push(Piece::Card),
                (Column::NetMinor, _) => pieces.push(Piece::Net),
                (Column::Dc, _) => pieces.push(Piece::Dc),
                _ => match pieces.last_mut() {
                    Some(Piece::Shared(run)) => run.push(column),
                    _ => pieces.push(Piece::Shared(vec![column])),
                },
            }
        }
        if pieces.is_empty() {
            return Err(SettleError::Scheme("detail files need a column besides the line number".to_owned()));
        }
        if let Some(group) = house.funder_groups.iter().find(|group| !group.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')) {
            return Err(SettleError::Scheme(format!("funder group `{}` names a column: letters, digits and `_` only", group.name)));
        }
        Ok(Self {
            pieces,
            numbered: chosen.contains(&Column::Line),
            header: names.join(",") + "\n",
            groups: house.funder_groups.len(),
            lists_zero_rides: house.list_zero_rides,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FunderGroup;
    use domain::{Symbol, SymbolTable};

    fn house(symbols: &SymbolTable, columns: Vec<Column>, cards: CardDisplay) -> House<'_> {
        let group = FunderGroup { name: "fund".to_owned(), parties: Vec::new() };
        House {
            parties: Vec::new(),
            hub: Symbol::NONE,
            symbols,
            columns,
            funder_groups: vec![group],
            list_zero_rides: false,
            cards,
            minor_digits: 2,
            hold_days: 30,
            pseudonym_key: [0; 32],
            suite: domain::Suite::Standard,
        }
    }

    #[test]
    fn columns_that_everyone_sees_alike_are_one_piece() {
        let symbols = SymbolTable::new();
        let layout = Layout::new(&house(&symbols, vec![Column::ChargedMinor, Column::Card, Column::Kind], CardDisplay::Tokens)).expect("a layout");
        assert_eq!(layout.pieces, [Piece::Shared(vec![Column::Kind, Column::Card, Column::ChargedMinor])]);
        assert_eq!((layout.header.as_str(), layout.numbered), ("kind,card,charged_minor\n", false));
    }

    #[test]
    fn the_whole_layout_is_the_documented_one() {
        let symbols = SymbolTable::new();
        let layout = Layout::new(&house(&symbols, Column::ALL.to_vec(), CardDisplay::Pseudonyms)).expect("a layout");
        assert_eq!(
            layout.header,
            "line,ride_id,source_ref,kind,terminal_id,terminal_seq,card,issuer,operator,location,event_time,service_day,list_minor,fund_minor,\
             charged_minor,fee_minor,net_minor,dc,flags\n"
        );
        assert!(layout.numbered && layout.pieces.len() == 6);
        assert!(Layout::new(&house(&symbols, vec![Column::Line], CardDisplay::Tokens)).is_err());
    }
}
