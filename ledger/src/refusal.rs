//! Rows that never became records: where, in which column, and what was wrong. Never the value itself.

use crate::block::Draft;
use crate::codec::{BLOCK_ROWS_MAX, Corrupt, Reader, dictionary, number};
use hashbrown::HashMap;

/// A row of a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// From 1.
    pub row: u64,
    /// The column's name, or nothing where the row as a whole is wrong.
    pub column: String,
    pub problem: String,
}

/// Drafts of blocks that hold the refusals in order.
pub(crate) fn drafts(refusals: &[Refusal]) -> impl Iterator<Item = Draft> {
    refusals.chunks(BLOCK_ROWS_MAX).map(|refusals| {
        Draft::new(refusals.len(), refusals.len() * 4, |out| {
            let rows: Vec<i64> = refusals.iter().map(|refusal| refusal.row.cast_signed()).collect();
            number::put_any(&rows, out);
            put_words(refusals.iter().map(|refusal| refusal.column.as_str()), out);
            put_words(refusals.iter().map(|refusal| refusal.problem.as_str()), out);
        })
    })
}

fn put_words<'t>(words: impl Iterator<Item = &'t str>, out: &mut Vec<u8>) {
    let (mut order, mut places) = (Vec::new(), HashMap::<&str, i64, foldhash::fast::FixedState>::default());
    let values: Vec<i64> = words
        .map(|word| {
            *places.entry(word).or_insert_with(|| {
                order.push(word);
                i64::try_from(order.len()).expect("a block's rows are few") - 1
            })
        })
        .collect();
    dictionary::put_texts(order.into_iter(), &mut Vec::new(), out);
    number::put_any(&values, out);
}

/// Appends a block's refusals.
pub(crate) fn read(payload: &[u8], count: usize, refusals: &mut Vec<Refusal>) -> Result<(), Corrupt> {
    let mut reader = Reader::new(payload);
    let rows = number::Numbers::read(&mut reader, count)?.all(count);
    let columns = read_words(&mut reader, count)?;
    let problems = read_words(&mut reader, count)?;
    reader.finish()?;
    for ((row, column), problem) in rows.into_iter().zip(columns).zip(problems) {
        refusals.push(Refusal { row: row.cast_unsigned(), column, problem });
    }
    Ok(())
}

fn read_words(reader: &mut Reader<'_>, count: usize) -> Result<Vec<String>, Corrupt> {
    let words = dictionary::read_texts(reader)?;
    let places = number::Numbers::read(reader, count)?.all(count);
    let word = |place: i64| usize::try_from(place).ok().and_then(|place| words.get(place)).cloned();
    places.into_iter().map(word).collect::<Option<_>>().ok_or(Corrupt("a word is not in the block's dictionary"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn refusals_come_back(refusals in prop::collection::vec((any::<u64>(), "[a-c]{0,2}", "[a-z ]{0,30}"), 0..50)) {
            let refusals: Vec<Refusal> = refusals.into_iter().map(|(row, column, problem)| Refusal { row, column, problem }).collect();
            let mut back = Vec::new();
            for draft in drafts(&refusals) {
                let place = crate::block::Place { kind: crate::BlockKind::Refusals, day: domain::Day(1), height: 1, file: 1, prev: [0; 32] };
                let (bytes, _) = draft.seal(&place, &[]);
                let block = crate::block::Block::parse(&bytes).expect("sealed just now");
                read(block.payload, block.header.count as usize, &mut back).expect("written just now");
            }
            prop_assert_eq!(back, refusals);
        }
    }
}
