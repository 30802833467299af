//! How many lines a decision block has in each party's detail, and when its first and last decision happened: beside each
//! block, so that a line is numbered without reading the blocks before it. The bytes follow from the block alone.
//!
//! Stored: both times in milliseconds (`i64`), then for each party, by the bytes of its id: the id, its lines, and those of
//! them that move money (`u32` each).

use crate::codec::{Corrupt, Reader, bytes::put_text};
use domain::{Decision, EventTime, Symbol};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is known of a block's lines without reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockLines {
    pub first: EventTime,
    pub last: EventTime,
    pub parties: Vec<PartyLines>,
}

/// A party's lines of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartyLines {
    pub party: Arc<str>,
    pub all: u32,
    /// Without those of rides that move no money.
    pub moving: u32,
}

impl PartyLines {
    /// Its lines where the detail lists rides of zero charge, or leaves them out.
    #[must_use]
    pub const fn listed(&self, zero_rides: bool) -> u32 {
        if zero_rides { self.all } else { self.moving }
    }
}

/// The lines of decisions, while they are counted.
#[derive(Default)]
pub(crate) struct Lines {
    /// By symbol.
    counts: Vec<[u32; 2]>,
    parties: Vec<Symbol>,
    times: Option<(EventTime, EventTime)>,
}

impl Lines {
    #[inline]
    pub fn add(&mut self, decision: &Decision) {
        let time = decision.record.time;
        self.times = Some((self.times.map_or(time, |(first, _)| first), time));
        let Some(parties) = decision.detail_parties() else { return };
        let moves = u32::from(decision.moves_money());
        for (at, &party) in parties.iter().enumerate() {
            // Who stands twice has one line.
            if party.is_none() || parties.iter().take(at).any(|earlier| *earlier == party) {
                continue;
            }
            if self.counts.len() <= party.index() {
                self.counts.resize(party.index() + 1, [0; 2]);
            }
            let Some(count) = self.counts.get_mut(party.index()) else { continue };
            if count[0] == 0 {
                self.parties.push(party);
            }
            *count = [count[0] + 1, count[1] + moves];
        }
    }

    /// What was counted, to be begun anew.
    pub fn take(&mut self, text: impl Fn(Symbol) -> Arc<str>) -> BlockLines {
        let (first, last) = self.times.take().unwrap_or_default();
        let counted = self.parties.drain(..).map(|party| {
            let [all, moving] = self.counts.get_mut(party.index()).map(std::mem::take).unwrap_or_default();
            PartyLines { party: text(party), all, moving }
        });
        let mut parties: Vec<PartyLines> = counted.collect();
        parties.sort_unstable_by(|one, other| one.party.as_bytes().cmp(other.party.as_bytes()));
        BlockLines { first, last, parties }
    }
}

impl BlockLines {
    /// Whether a decision of the block may have happened at one of these times.
    #[must_use]
    pub fn may_have(&self, times: &BTreeSet<EventTime>) -> bool {
        times.range(self.first..=self.last).next().is_some()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [self.first.0.to_le_bytes(), self.last.0.to_le_bytes()].concat();
        for PartyLines { party, all, moving } in &self.parties {
            put_text(party, &mut bytes);
            bytes.extend([all.to_le_bytes(), moving.to_le_bytes()].concat());
        }
        bytes
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut reader = Reader::new(bytes);
        let (first, last) = (EventTime(reader.i64()?), EventTime(reader.i64()?));
        if first > last {
            return Err(Corrupt("a block's lines end before they begin"));
        }
        let mut parties = Vec::new();
        while reader.finish().is_err() {
            parties.push(PartyLines { party: reader.text()?.into(), all: reader.u32()?, moving: reader.u32()? });
        }
        Ok(Self { first, last, parties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_lines_are_read_by_the_same_rule() {
        let party = |id: &str, all, moving| PartyLines { party: id.into(), all, moving };
        let lines = BlockLines { first: EventTime(-1), last: EventTime(258), parties: vec![party("bank", 3, 2), party("é", 1, 0)] };
        let bytes = lines.to_bytes();
        let stored = [&[255; 8][..], &[2, 1, 0, 0, 0, 0, 0, 0], b"\x04bank\x03\0\0\0\x02\0\0\0", b"\x02\xc3\xa9\x01\0\0\0\0\0\0\0"].concat();
        assert_eq!(bytes, stored);
        assert_eq!(BlockLines::of_bytes(&bytes), Ok(lines.clone()));
        assert!(BlockLines::of_bytes(&BlockLines { first: EventTime(259), ..lines }.to_bytes()).is_err());
        assert!((1..bytes.len()).filter(|cut| ![16, 29].contains(cut)).all(|cut| BlockLines::of_bytes(&bytes[..cut]).is_err()));
    }
}
