//! Where the columns of one CSV file stand.
//!
//! Made once when the file is opened, from its header or from the mapping's list; the decoder follows it row by row.

use super::error::IngestError;
use super::mapping::{Column, Section};

/// For each used column its place in a row.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// From 0; `None` for a column that the file lacks and the mapping does not insist on.
    pub places: Vec<Option<usize>>,
    /// How many fields a row has; `None` where nothing says so and only the places in use must be there.
    pub width: Option<usize>,
}

impl Layout {
    /// By the names of a header.
    pub fn of_header(section: &Section, names: &[Vec<u8>]) -> Result<Self, IngestError> {
        let place_of = |wanted: &str| names.iter().position(|name| name.trim_ascii() == wanted.as_bytes());
        let places: Vec<_> = section
            .used
            .iter()
            .map(|column| match column {
                Column::Name(name) => place_of(name),
                Column::Place(place) => place.checked_sub(1).filter(|&at| at < names.len()),
            })
            .collect();
        let lacking: Vec<_> = section.used.iter().zip(&places).filter(|(_, place)| place.is_none()).map(|(column, _)| column.shown()).collect();
        // Even where columns are optional, a file with none of them is another kind of file.
        if !lacking.is_empty() && (!section.columns_optional || lacking.len() == section.used.len()) {
            return Err(IngestError::HeaderLacks { columns: lacking });
        }
        for place in places.iter().flatten() {
            let name = names.get(*place);
            if let Some(second) = names.iter().skip(place + 1).position(|other| Some(other.trim_ascii()) == name.map(|name| name.trim_ascii())) {
                return Err(IngestError::HeaderTwice { first: place + 1, second: place + 2 + second });
            }
        }
        Ok(Self { places, width: Some(names.len()) })
    }

    /// By the mapping's own list of names, or by places alone.
    pub fn listed(section: &Section) -> Self {
        let places = section
            .used
            .iter()
            .map(|column| match column {
                Column::Name(name) => section.columns.iter().position(|listed| listed == name),
                Column::Place(place) => place.checked_sub(1),
            })
            .collect();
        Self { places, width: (!section.columns.is_empty()).then_some(section.columns.len()) }
    }
}
