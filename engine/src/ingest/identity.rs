//! Record ids: from a terminal's sequence, from columns, or from the row's place in its file.
//!
//! An id from columns is 128 bits of BLAKE3 over the columns' texts, each with its length before it, after blanks are cut
//! off and absent values are made empty: the same record has the same id whichever file or format it came in.

use super::cells::Row;
use super::decoder::Bad;
use super::feed::{IdRule, OriginalFeed, Slot};
use super::names::NameReader;
use super::numbers::unsigned;
use domain::symbol::SymbolCache;
use domain::{IdKind, RecordId, RecordKind};

/// Keeps ids from columns apart from every other use of the hash.
const CONTEXT: &[u8] = b"tapclear record id 1\n";

pub(super) struct Identities {
    rule: IdRule,
    /// The first 96 bits of the file's digest.
    file: (u64, u64),
    canonical: Vec<u8>,
}

/// The parts of an id that do not depend on the terminal.
#[derive(Clone, Copy)]
pub(super) struct Identity {
    pub kind: IdKind,
    pub epoch: u32,
    pub sequence: u64,
    pub bits: [u64; 2],
}

impl Identities {
    pub fn new(rule: IdRule, file_digest: &[u8; 32]) -> Self {
        let part = |from: usize, len: usize| file_digest.iter().skip(from).take(len).fold(0_u64, |bits, &byte| (bits << 8) | u64::from(byte));
        Self { rule, file: (part(0, 8), part(8, 4)), canonical: Vec::new() }
    }

    #[inline]
    pub fn read(&mut self, row: &Row<'_>, number: u64) -> Result<Identity, Bad> {
        match &self.rule {
            IdRule::Sequence { sequence, epoch } => {
                let (sequence, epoch) = sequence_of(row, *sequence, *epoch)?;
                Ok(Identity { kind: IdKind::Sequence, epoch, sequence, bits: [0; 2] })
            }
            IdRule::Columns(slots) => {
                let bits = bits_of(row, slots, &mut self.canonical)?;
                Ok(Identity { kind: IdKind::Columns, epoch: 0, sequence: 0, bits })
            }
            IdRule::FileRow => {
                let row = u32::try_from(number).map_err(|_| Bad::of_row("is beyond the last row that an id can name"))?;
                Ok(Identity { kind: IdKind::FileRow, epoch: 0, sequence: 0, bits: [self.file.0, (self.file.1 << 32) | u64::from(row)] })
            }
        }
    }
}

fn sequence_of(row: &Row<'_>, sequence: Slot, epoch: Option<Slot>) -> Result<(u64, u32), Bad> {
    let span = row.cell(sequence);
    let number = unsigned(row.text, span).ok_or_else(|| Bad::of(sequence, if span.is_empty() { "is empty" } else { "is not a sequence number" }))?;
    let Some(slot) = epoch else { return Ok((number, 0)) };
    let span = row.cell(slot);
    if span.is_empty() {
        return Ok((number, 0));
    }
    let epoch = unsigned(row.text, span).and_then(|epoch| u32::try_from(epoch).ok()).ok_or_else(|| Bad::of(slot, "is not an epoch number"))?;
    Ok((number, epoch))
}

fn bits_of(row: &Row<'_>, slots: &[Slot], canonical: &mut Vec<u8>) -> Result<[u64; 2], Bad> {
    canonical.clear();
    canonical.extend_from_slice(CONTEXT);
    let mut any = false;
    for &slot in slots {
        let text = row.cell(slot).of(row.text);
        any |= !text.is_empty();
        // A row is far shorter than 4 GiB.
        canonical.extend_from_slice(&(text.len() as u32).to_le_bytes());
        canonical.extend_from_slice(text);
    }
    if !any {
        return Err(slots.first().map_or_else(|| Bad::of_row("has no id"), |&slot| Bad::of(slot, "is empty, like every other column of the id")));
    }
    let hash = blake3::hash(canonical);
    // Card numbers may be among the columns.
    canonical.fill(0);
    let half = |from: usize| hash.as_bytes().iter().skip(from).take(8).fold(0_u64, |bits, &byte| (bits << 8) | u64::from(byte));
    Ok([half(0), half(8)])
}

/// How a record names another.
pub(super) enum Originals {
    Printed(Slot),
    Sequence { terminal: Box<NameReader>, sequence: Slot, epoch: Option<Slot> },
    Columns(Vec<Slot>, Vec<u8>),
}

impl Originals {
    pub fn new(feed: &OriginalFeed) -> Self {
        match feed {
            OriginalFeed::Printed(slot) => Self::Printed(*slot),
            OriginalFeed::Sequence { terminal, sequence, epoch } => {
                Self::Sequence { terminal: Box::new(NameReader::new(terminal.as_ref().clone())), sequence: *sequence, epoch: *epoch }
            }
            OriginalFeed::Columns(slots) => Self::Columns(slots.clone(), Vec::new()),
        }
    }

    pub fn read(&mut self, row: &Row<'_>, kind: RecordKind, symbols: &mut SymbolCache<'_>) -> Result<Option<RecordId>, Bad> {
        match self {
            Self::Printed(slot) => {
                let span = row.cell(*slot);
                if span.is_empty() {
                    return Ok(None);
                }
                let text = std::str::from_utf8(span.of(row.text)).ok();
                text.and_then(|text| printed(text, symbols)).map(Some).ok_or_else(|| Bad::of(*slot, "is not a record id"))
            }
            Self::Sequence { terminal, sequence, epoch } => {
                let (at, span) = (terminal.slot(), row.cell(terminal.slot()));
                if span.is_empty() && row.cell(*sequence).is_empty() {
                    return Ok(None);
                }
                let terminal = terminal.read(row.text, span, kind, symbols).map_err(|problem| Bad::of(at, problem))?;
                if terminal.is_none() {
                    return Err(Bad::of(at, "is empty"));
                }
                let (sequence, epoch) = sequence_of(row, *sequence, *epoch)?;
                Ok(Some(RecordId::Sequence { terminal, epoch, sequence }))
            }
            Self::Columns(slots, canonical) => {
                if slots.iter().all(|&slot| row.cell(slot).is_empty()) {
                    return Ok(None);
                }
                bits_of(row, slots, canonical).map(RecordId::Columns).map(Some)
            }
        }
    }
}

/// Reads an id as [`RecordId::write`] prints it.
#[must_use]
pub fn printed(text: &str, symbols: &mut SymbolCache<'_>) -> Option<RecordId> {
    let hex = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        plain.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
    };
    let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
    if let Some((rest, sequence)) = text.rsplit_once('.')
        && let Some((terminal, epoch)) = rest.rsplit_once('.')
    {
        if terminal.is_empty() || terminal.len() > super::names::NAME_BYTES_MAX || terminal.chars().any(char::is_control) {
            return None;
        }
        let (epoch, sequence) = (u32::try_from(number(epoch)?).ok()?, number(sequence)?);
        return Some(RecordId::Sequence { terminal: symbols.intern(terminal), epoch, sequence });
    }
    if let Some((file, row)) = text.split_once('.') {
        let file = file.strip_prefix('f').filter(|digits| digits.len() == 24)?;
        let row = u32::try_from(number(row)?).ok()?;
        return Some(RecordId::FileRow([hex(file.get(..16)?)?, (hex(file.get(16..)?)? << 32) | u64::from(row)]));
    }
    (text.len() == 32).then_some(())?;
    Some(RecordId::Columns([hex(text.get(..16)?)?, hex(text.get(16..)?)?]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Symbol, SymbolTable};

    #[test]
    fn an_id_reads_as_it_prints() {
        let table = SymbolTable::new();
        let mut symbols = SymbolCache::new(&table);
        let terminal = table.intern("T.7");
        for id in
            [RecordId::Sequence { terminal, epoch: 2, sequence: 30 }, RecordId::Columns([1, u64::MAX]), RecordId::FileRow([u64::MAX, (0xdead_beef << 32) | 17])]
        {
            let mut text = String::new();
            id.write("T.7", &mut text).expect("a string takes it");
            assert_eq!(printed(&text, &mut symbols), Some(id), "{text}");
        }
        for text in ["", "7", "T.7", "T.x.7", ".1.2", "T.1.+2", "f00.1", "0123456789abcdef0123456789abcdeg", "T.4294967296.1"] {
            assert_eq!(printed(text, &mut symbols), None, "{text}");
        }
        assert_ne!(terminal, Symbol::NONE);
    }
}
