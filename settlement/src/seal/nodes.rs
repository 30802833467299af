//! A party's tree as a file of the house's own, beside the seals: the nodes over runs of lines, and where the runs begin, so
//! that a proof reads some lines and not all. Derived: sealing again makes it anew, and a proof without it reads the files.
//!
//! `tapclear nodes 1`; then numbers of eight bytes, the least significant first: lines of the detail and of the adjustments,
//! bytes of the detail, the start of each run; then the nodes, level by level from the runs up.

use super::party::{PartyTree, RUN_LINES};
use super::tree::{Hash, Levels};
use domain::Suite;

const MARK: &[u8; 16] = b"tapclear nodes 1";

impl PartyTree {
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.lines.iter().chain([&self.first_bytes]).chain(&self.starts);
        let mut bytes: Vec<u8> = MARK.iter().copied().chain(numbers.flat_map(|number| number.to_le_bytes())).collect();
        self.levels.each().for_each(|level| bytes.extend_from_slice(level.as_flattened()));
        bytes
    }

    /// None where the bytes are no such file. Whether they are those of the party's lines shows when a proof does not hold.
    pub fn of_bytes(suite: Suite, bytes: &[u8]) -> Option<Self> {
        let (numbers, _) = bytes.strip_prefix(MARK)?.as_chunks();
        let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
        let lines = [numbers.next()?, numbers.next()?];
        let first_bytes = numbers.next()?;
        let runs = usize::try_from(lines[0].checked_add(lines[1])?.div_ceil(RUN_LINES)).ok()?;
        let starts: Vec<u64> = numbers.by_ref().take(runs).collect();
        let (mut nodes, rest): (&[Hash], _) = bytes.get(MARK.len() + 8 * (3 + runs)..)?.as_chunks();
        let mut levels = Vec::new();
        let mut count = runs;
        loop {
            let (level, above) = nodes.split_at_checked(count)?;
            levels.push(level.to_vec());
            nodes = above;
            if count <= 1 {
                break;
            }
            count = count.div_ceil(2);
        }
        let whole = starts.len() == runs && nodes.is_empty() && rest.is_empty();
        whole.then(|| Self { lines, starts, first_bytes, levels: Levels::of_levels(suite, levels) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_comes_back_as_it_was_and_another_file_is_none() {
        for runs in [0u64, 1, 2, 3, 7, 8, 9, 100] {
            let nodes = (0..runs).map(|at| [u8::try_from(at).expect("small"); 32]).collect();
            let lines = [(runs * RUN_LINES).saturating_sub(5), if runs == 0 { 0 } else { 3 }];
            let tree = PartyTree { lines, starts: (0..runs).collect(), first_bytes: 77, levels: Levels::over(Suite::Standard, nodes) };
            let bytes = tree.to_bytes();
            assert_eq!(PartyTree::of_bytes(Suite::Standard, &bytes).as_ref(), Some(&tree));
            for other in [&bytes[1..], &bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat(), b""] {
                assert_eq!(PartyTree::of_bytes(Suite::Standard, other), None, "{runs}");
            }
            let mut more = tree;
            more.lines[1] += 10 * RUN_LINES;
            assert_eq!(PartyTree::of_bytes(Suite::Standard, &more.to_bytes()), None);
        }
    }
}
