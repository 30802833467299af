//! Decision blocks in the making: a close's decisions, encoded piece by piece on worker threads.
//!
//! A close that is made again, from another journal, is cut as it is there, and every block is held against the one that
//! stands there. Nothing is decided here, and nothing is written.

use super::Closing;
use crate::failure::Failure;
use crate::history::unread;
use domain::symbol::SymbolCache;
use domain::{Decision, Flags, Outcome};
use engine::close::Decided;
use ledger::{DayTotals, DecisionBlock, DecisionEncoder, Event, Journal};
use parking_lot::Mutex;

/// A close that another journal has.
pub struct Precedent<'j> {
    pub journal: &'j Journal,
    /// Its decision blocks: the height of the first one, and the decisions in each.
    pub first_height: u64,
    pub counts: Vec<u32>,
    /// What it came to.
    pub closed: &'j Event,
}

/// Some decisions, encoded.
#[derive(Default)]
pub(super) struct Made {
    pub blocks: Vec<DecisionBlock>,
    pub counted: Counted,
    pub held: Vec<Decision>,
}

/// What a batch of decisions adds to the day's totals.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    rides: u64,
    charged_rides: u64,
    capped_rides: u64,
    gross_minor: i64,
    fee_minor: i64,
}

impl Counted {
    fn add(&mut self, decisions: &[Decision]) {
        for decision in decisions.iter().filter(|decision| decision.flags.has(Flags::RIDE)) {
            let counts = !decision.flags.has(Flags::CORRECTS);
            self.rides += u64::from(counts);
            self.charged_rides += u64::from(counts && decision.charged_minor > 0);
            self.capped_rides += u64::from(counts && decision.flags.has(Flags::CAPPED));
            self.gross_minor += decision.charged_minor;
            self.fee_minor += decision.fee_minor;
        }
    }

    pub fn add_to(self, totals: &mut DayTotals) {
        totals.rides += self.rides;
        totals.charged_rides += self.charged_rides;
        totals.capped_rides += self.capped_rides;
        totals.gross_minor += self.gross_minor;
        totals.fee_minor += self.fee_minor;
    }
}

/// Encoded decisions in the making, piece by piece, for worker threads. A piece is a batch; or, where there is a precedent, a
/// block of it.
pub(super) struct Making<'d, 't> {
    closing: &'d Closing<'t>,
    decided: &'d Decided<'t>,
    pub precedent: Option<&'d Precedent<'d>>,
    /// The decisions before each batch; then all.
    batches: Vec<u64>,
    /// The decisions before each block of the precedent; then all.
    blocks: Vec<u64>,
    /// Encoders that are not at work: their room is used again.
    encoders: Mutex<Vec<DecisionEncoder<'t>>>,
}

impl<'d, 't> Making<'d, 't> {
    pub fn new(closing: &'d Closing<'t>, decided: &'d Decided<'t>, precedent: Option<&'d Precedent<'d>>) -> Self {
        let batches = ends((0..decided.batches()).map(|batch| decided.batch_len(batch)));
        let blocks = ends(precedent.into_iter().flat_map(|precedent| &precedent.counts).map(|count| u64::from(*count)));
        Self { closing, decided, precedent, batches, blocks, encoders: Mutex::default() }
    }

    /// How many pieces there are.
    pub fn count(&self) -> usize {
        if self.precedent.is_some() { self.blocks.len() - 1 } else { self.decided.batches() }
    }

    /// Encodes a piece, and shows its decisions to `each`.
    pub fn made(&self, at: usize, each: &mut dyn FnMut(&[Decision])) -> Result<Made, Failure> {
        let Self { closing, decided, .. } = self;
        let mut encoder = self.encoders.lock().pop().unwrap_or_else(|| DecisionEncoder::new(closing.scheme.hub, closing.symbols));
        let mut made = Made::default();
        let mut take = |encoder: &mut DecisionEncoder<'t>, decisions: &[Decision]| {
            encoder.push(decisions);
            made.counted.add(decisions);
            made.held.extend(decisions.iter().filter(|decision| decision.reason.outcome() == Outcome::Held).copied());
            each(decisions);
        };
        let mut blocks = Vec::new();
        match self.precedent {
            None => decided.batch(at, |decisions| {
                if encoder.count() > 0 && encoder.count() + decisions.len() > closing.bounds.block_rows_max {
                    blocks.push(encoder.finish());
                }
                take(&mut encoder, decisions);
            }),
            Some(_) => self.lines(at, &mut |decisions| take(&mut encoder, decisions)),
        }
        if encoder.count() > 0 {
            blocks.push(encoder.finish());
        }
        self.encoders.lock().push(encoder);
        if let Some(precedent) = self.precedent {
            self.follows(precedent, at, &blocks)?;
        }
        made.blocks = blocks;
        Ok(made)
    }

    /// The decisions that a block of the precedent is of.
    fn lines(&self, block: usize, each: &mut dyn FnMut(&[Decision])) {
        let Some(&[from, to]) = self.blocks.get(block..block + 2) else { return };
        let first = self.batches.partition_point(|&before| before <= from).saturating_sub(1);
        for (batch, &before) in self.batches.iter().enumerate().skip(first).take_while(|(_, before)| **before < to) {
            let mut at = before;
            self.decided.batch(batch, |decisions| {
                let place = |line: u64| usize::try_from(line.saturating_sub(at)).map_or(decisions.len(), |place| place.min(decisions.len()));
                if let Some(some) = decisions.get(place(from)..place(to)).filter(|some| !some.is_empty()) {
                    each(some);
                }
                at += decisions.len() as u64;
            });
        }
    }

    /// Holds a block against the one of the precedent.
    fn follows(&self, precedent: &Precedent<'_>, block: usize, made: &[DecisionBlock]) -> Result<(), Failure> {
        let height = precedent.first_height + block as u64;
        let differs = |line: u64| {
            Failure::refused(format!("the close of clearing day {} decides line {line} otherwise than the journal says", self.decided.day()))
                .hint("rebuild with the scheme, and the version of tapclear, that closed the day")
        };
        let (before, lines) = (self.blocks.get(block).copied().unwrap_or_default(), self.batches.last().copied().unwrap_or_default());
        let is_last = block + 1 == self.count();
        if let [made] = made
            && precedent.journal.has_decisions(height, made).map_err(|error| unread(&error))?
        {
            let end = before + u64::from(made.count());
            return if is_last && end < lines { Err(differs(end + 1)) } else { Ok(()) };
        }
        let stored = precedent.journal.decisions(height, &mut SymbolCache::new(self.closing.symbols)).map_err(|error| unread(&error))?;
        let mut again = Vec::new();
        self.lines(block, &mut |decisions| again.extend_from_slice(decisions));
        let same = stored.iter().zip(&again).take_while(|(stored, again)| stored == again).count();
        if same < stored.len() {
            return Err(differs(before + same as u64 + 1));
        }
        Err(taken_otherwise(height))
    }
}

/// Sums of the first so many counts, from none to all.
fn ends(counts: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut ends = vec![0];
    counts.fold(0, |before, count| {
        ends.push(before + count);
        before + count
    });
    ends
}

/// A block of a journal that this version would have written otherwise.
#[must_use]
pub fn taken_otherwise(height: u64) -> Failure {
    Failure::refused(format!("block {height} of the journal cannot be taken over as it is")).hint("rebuild with the version of tapclear that wrote it")
}
