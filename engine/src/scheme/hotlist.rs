//! `hotlist.csv`: cards that may no longer be used, and the list version from which terminals know it.

use super::cards::token_of;
use super::clock::LocalClock;
use super::moment::{self, MOMENT_HINT};
use super::sheet::{self, needed, optional};
use crate::mistake::Mistakes;
use domain::EventTime;
use domain::record::CardToken;
use hashbrown::HashMap;
use std::path::Path;

pub const FILE: &str = "hotlist.csv";

/// Why and since when a card is blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotlistEntry {
    /// The first list version that has it.
    pub version: u32,
    /// From when on it counts for terminals that state no version.
    pub effective: EventTime,
    pub reason: String,
}

#[derive(Clone, Debug, Default)]
pub struct Hotlist {
    entries: HashMap<CardToken, HotlistEntry, foldhash::fast::FixedState>,
}

impl Hotlist {
    #[must_use]
    pub fn read(dir: &Path, clock: &LocalClock, mistakes: &mut Mistakes) -> Self {
        let columns = [needed("token"), needed("version"), needed("effective"), optional("reason")];
        let mut hotlist = Self::default();
        for row in sheet::read(dir, FILE, &columns, None, mistakes) {
            let line = Some(row.line);
            let [token, version, effective, reason] = row.fields;
            let Some(token) = token_of(&token, FILE, row.line, "token", mistakes) else { continue };
            let version = version.parse::<u32>().ok();
            if version.is_none() {
                mistakes.add(FILE, line, "`version` is not a whole number", Some("the first list version that has the card"));
            }
            let effective = moment::start(&effective, clock);
            if effective.is_none() {
                mistakes.add(FILE, line, "`effective` is not a date or time", Some(MOMENT_HINT));
            }
            let (Some(version), Some(effective)) = (version, effective) else { continue };
            if hotlist.entries.insert(token, HotlistEntry { version, effective, reason }).is_some() {
                mistakes.add(FILE, line, "this token is on the list twice", None);
            }
        }
        hotlist
    }

    #[must_use]
    pub fn get(&self, token: &CardToken) -> Option<&HotlistEntry> {
        self.entries.get(token)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// In no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&CardToken, &HotlistEntry)> {
        self.entries.iter()
    }
}
