//! Merkle trees as RFC 6962 has them (0x00 before a leaf, 0x01 before a node; the digest is the suite's): roots, paths and
//! what shows that one tree goes on from another. Pure.

use super::suite::digest;
use domain::Suite;

pub(crate) type Hash = [u8; 32];

/// The hash of a leaf that is one text.
pub(crate) fn leaf(suite: Suite, text: &[u8]) -> Hash {
    digest(suite, &[&[0], text])
}

fn node(suite: Suite, left: &Hash, right: &Hash) -> Hash {
    let mut both = [1; 65];
    let (start, end) = both.split_at_mut(33);
    start.get_mut(1..).expect("33 bytes").copy_from_slice(left);
    end.copy_from_slice(right);
    digest(suite, &[&both])
}

/// Where a tree of more than one leaf parts: the largest power of two that is less.
fn split(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    leaves.split_at(leaves.len().next_power_of_two() / 2)
}

/// Section 2.1: the root over leaf hashes.
pub(crate) fn root(suite: Suite, leaves: &[Hash]) -> Hash {
    match leaves {
        [] => digest(suite, &[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = split(leaves);
            node(suite, &root(suite, left), &root(suite, right))
        }
    }
}

/// Section 2.1.1: the hashes beside the way from a leaf up to the root.
///
/// # Panics
/// When there is no such leaf.
pub(crate) fn path(suite: Suite, leaves: &[Hash], index: usize) -> Vec<Hash> {
    assert!(index < leaves.len(), "the leaf is in the tree");
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = split(leaves);
    let (mut path, beside) =
        if index < left.len() { (path(suite, left, index), root(suite, right)) } else { (path(suite, right, index - left.len()), root(suite, left)) };
    path.push(beside);
    path
}

/// Section 2.1.2: that the tree goes on from its first `earlier` leaves, which are some.
pub(crate) fn since(suite: Suite, leaves: &[Hash], earlier: usize) -> Vec<Hash> {
    subproof(suite, leaves, earlier, true)
}

fn subproof(suite: Suite, leaves: &[Hash], earlier: usize, whole: bool) -> Vec<Hash> {
    if earlier == leaves.len() {
        return if whole { Vec::new() } else { vec![root(suite, leaves)] };
    }
    let (left, right) = split(leaves);
    let (mut proof, beside) = if earlier <= left.len() {
        (subproof(suite, left, earlier, whole), root(suite, right))
    } else {
        (subproof(suite, right, earlier - left.len(), false), root(suite, left))
    };
    proof.push(beside);
    proof
}

/// All nodes of a tree, or of its upper part, level by level. A node without a neighbour goes up as it is: the trees are
/// those of [`root`] and [`path`], without their recursion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    suite: Suite,
    /// From the bottom up; the last has one node, or the only one none.
    levels: Vec<Vec<Hash>>,
}

impl Levels {
    pub fn over(suite: Suite, bottom: Vec<Hash>) -> Self {
        let mut levels = vec![bottom];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let above = below.chunks(2).map(|pair| match pair {
                [left, right] => node(suite, left, right),
                _ => pair.first().copied().expect("a chunk has a node"),
            });
            let above = above.collect();
            levels.push(above);
        }
        Self { suite, levels }
    }

    /// Levels that were made by [`Levels::over`] earlier.
    pub const fn of_levels(suite: Suite, levels: Vec<Vec<Hash>>) -> Self {
        Self { suite, levels }
    }

    /// From the bottom up.
    pub fn each(&self) -> impl Iterator<Item = &[Hash]> {
        self.levels.iter().map(Vec::as_slice)
    }

    pub fn root(&self) -> Hash {
        self.levels.last().and_then(|top| top.first()).copied().unwrap_or_else(|| digest(self.suite, &[]))
    }

    pub fn path(&self, index: usize) -> Vec<Hash> {
        self.levels.iter().enumerate().filter_map(|(above, level)| level.get((index >> above) ^ 1).copied()).collect()
    }
}

/// The root that a path leads to (RFC 9162, section 2.1.3.2); none where it is none of a tree of this size.
pub(crate) fn root_above(suite: Suite, leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    let (mut at, mut last) = (index, size.checked_sub(1).filter(|last| index <= *last)?);
    let mut root = leaf;
    for beside in path {
        if last == 0 {
            return None;
        }
        if at % 2 == 1 || at == last {
            root = node(suite, beside, &root);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            root = node(suite, &root, beside);
        }
        (at, last) = (at / 2, last / 2);
    }
    (last == 0).then_some(root)
}

/// Whether a tree goes on from an earlier one (RFC 9162, section 2.1.4.2).
pub(crate) fn goes_on(suite: Suite, earlier: (u64, Hash), later: (u64, Hash), proof: &[Hash]) -> bool {
    let ((first, first_root), (second, second_root)) = (earlier, later);
    if first == 0 || first >= second {
        return first == second && first_root == second_root && proof.is_empty();
    }
    let mut proof = proof.iter();
    let start = if first.is_power_of_two() { Some(&first_root) } else { proof.next() };
    let Some(start) = start else { return false };
    let (mut at, mut last) = (first - 1, second - 1);
    while at % 2 == 1 {
        (at, last) = (at / 2, last / 2);
    }
    let (mut old, mut new) = (*start, *start);
    for beside in proof {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            (old, new) = (node(suite, beside, &old), node(suite, beside, &new));
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            new = node(suite, &new, beside);
        }
        (at, last) = (at / 2, last / 2);
    }
    last == 0 && old == first_root && new == second_root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(suite: Suite, count: usize) -> Vec<Hash> {
        (0..count).map(|at| leaf(suite, &at.to_le_bytes())).collect()
    }

    /// The test vectors of the first certificate logs.
    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let all: Vec<Hash> = inputs.iter().map(|input| leaf(Suite::Standard, input)).collect();
        let text = |leaves| crate::sink::hex(&root(Suite::Standard, leaves));
        assert_eq!(text(&[]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(text(&all[..1]), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(text(&all), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn every_path_leads_to_the_root_and_no_other_does() {
        for suite in Suite::ALL {
            for size in 1..40 {
                let all = leaves(suite, size);
                let top = root(suite, &all);
                for index in 0..size {
                    let way = path(suite, &all, index);
                    let up = |leaf, index: usize, size: usize, way: &[Hash]| root_above(suite, leaf, index as u64, size as u64, way) == Some(top);
                    assert!(up(all[index], index, size, &way));
                    assert!(!up(all[(index + 1) % size], index, size, &way) || size == 1);
                    assert!((0..size).all(|other| other == index || !up(all[index], other, size, &way)));
                    for at in 0..way.len() {
                        let mut wrong = way.clone();
                        wrong[at][at % 32] ^= 1;
                        assert!(!up(all[index], index, size, &wrong));
                        assert!(!up(all[index], index, size, &way[..at]));
                    }
                    assert!(!up(all[index], index, size, &[&way[..], &[top]].concat()));
                }
            }
        }
    }

    #[test]
    fn levels_have_the_roots_and_paths_of_the_recursion() {
        for suite in Suite::ALL {
            for size in 0..70 {
                let all = leaves(suite, size);
                let levels = Levels::over(suite, all.clone());
                assert_eq!(levels.root(), root(suite, &all), "{size}");
                assert!((0..size).all(|index| levels.path(index) == path(suite, &all, index)), "{size}");
            }
        }
    }

    #[test]
    fn every_tree_goes_on_from_its_beginnings_and_from_nothing_else() {
        for suite in Suite::ALL {
            for size in 1..34 {
                let all = leaves(suite, size);
                for earlier in 1..=size {
                    let proof = since(suite, &all, earlier);
                    let (old, new) = ((earlier as u64, root(suite, &all[..earlier])), (size as u64, root(suite, &all)));
                    let goes_on = |old, new, proof: &[Hash]| goes_on(suite, old, new, proof);
                    assert!(goes_on(old, new, &proof), "{earlier} of {size}");
                    assert!(!goes_on((old.0, [1; 32]), new, &proof) && !goes_on(old, (new.0, [1; 32]), &proof));
                    for at in 0..proof.len() {
                        let mut wrong = proof.clone();
                        wrong[at][at % 32] ^= 1;
                        assert!(!goes_on(old, new, &wrong) && !goes_on(old, new, &proof[..at]));
                    }
                }
            }
        }
    }
}
