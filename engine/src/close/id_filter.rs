//! Ids that met more than once, asked about for every event of a day.
//!
//! Most answers are no, and most of those come from one bit.

use super::gather::Fast;
use super::partition::id_tag;
use domain::RecordId;
use hashbrown::HashSet;

/// A set of ids with a quick no.
#[derive(Default)]
pub struct IdFilter {
    ids: HashSet<RecordId, Fast>,
    /// A power of two of them, sixteen bits for each id.
    words: Vec<u64>,
}

impl IdFilter {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether an id with this tag may be in the set.
    #[inline]
    #[must_use]
    pub fn may_have(&self, tag: u32) -> bool {
        let place = (tag / 64) as usize & self.words.len().wrapping_sub(1);
        self.words.get(place).is_some_and(|word| word & (1 << (tag % 64)) != 0)
    }

    #[inline]
    #[must_use]
    pub fn has(&self, id: &RecordId) -> bool {
        self.may_have(id_tag(id)) && self.ids.contains(id)
    }
}

impl FromIterator<RecordId> for IdFilter {
    fn from_iter<I: IntoIterator<Item = RecordId>>(ids: I) -> Self {
        let ids: HashSet<RecordId, Fast> = ids.into_iter().collect();
        if ids.is_empty() {
            return Self::default();
        }
        let mut words = vec![0; (ids.len() / 4).next_power_of_two()];
        let last = words.len() - 1;
        for id in &ids {
            let tag = id_tag(id);
            if let Some(word) = words.get_mut((tag / 64) as usize & last) {
                *word |= 1 << (tag % 64);
            }
        }
        Self { ids, words }
    }
}
