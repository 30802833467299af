//! `calendar.csv`: the days that are not what their weekday says.

use super::clock::{DayKind, LocalClock};
use super::guess::{allowed, hint, shown};
use super::moment::DATE_HINT;
use super::sheet::{self, needed, optional};
use crate::mistake::Mistakes;
use domain::Day;
use std::path::Path;

pub const FILE: &str = "calendar.csv";

/// Marks the calendar's days on the clock.
pub fn read(dir: &Path, clock: &mut LocalClock, mistakes: &mut Mistakes) {
    // The name is for readers of the file; nothing is decided by it.
    let columns = [needed("date"), needed("kind"), optional("name")];
    for row in sheet::read(dir, FILE, &columns, None, mistakes) {
        let [date, kind, _name] = row.fields;
        let day = date.parse::<Day>().ok();
        if day.is_none() {
            mistakes.add(FILE, Some(row.line), "`date` is not a date", Some(DATE_HINT));
        }
        let kinds = [("holiday", DayKind::Holiday), ("workday", DayKind::Workday)];
        let names = kinds.map(|(name, _)| name);
        let found = kinds.into_iter().find(|&(name, _)| name == kind).map(|(_, kind)| kind);
        if found.is_none() {
            mistakes.add(FILE, Some(row.line), format!("unknown kind {}", shown(&kind)), Some(&hint(&kind, names, &allowed(&names))));
        }
        let (Some(day), Some(kind)) = (day, found) else { continue };
        if clock.mark(day, kind).is_some() {
            mistakes.add(FILE, Some(row.line), format!("{day} is in the calendar twice"), None);
        }
    }
}
