//! Merkle trees as RFC 6962 has them (SHA-256; 0x00 before a leaf, 0x01 before a node): roots, paths and what shows that one
//! tree goes on from another. Pure.

use sha2::{Digest, Sha256};

pub(crate) type Hash = [u8; 32];

/// The hash of a leaf that is these parts one after another.
pub(crate) fn leaf(parts: &[&[u8]]) -> Hash {
    let mut digest = Sha256::new();
    digest.update([0]);
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut digest = Sha256::new();
    digest.update([1]);
    digest.update(left);
    digest.update(right);
    digest.finalize().into()
}

/// Where a tree of more than one leaf parts: the largest power of two that is less.
fn split(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
    leaves.split_at(leaves.len().next_power_of_two() / 2)
}

/// Section 2.1: the root over leaf hashes.
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = split(leaves);
            node(&root(left), &root(right))
        }
    }
}

/// Section 2.1.1: the hashes beside the way from a leaf up to the root.
///
/// # Panics
/// When there is no such leaf.
pub(crate) fn path(leaves: &[Hash], index: usize) -> Vec<Hash> {
    assert!(index < leaves.len(), "the leaf is in the tree");
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = split(leaves);
    let (mut path, beside) = if index < left.len() { (path(left, index), root(right)) } else { (path(right, index - left.len()), root(left)) };
    path.push(beside);
    path
}

/// Section 2.1.2: that the tree goes on from its first `earlier` leaves, which are some.
pub(crate) fn since(leaves: &[Hash], earlier: usize) -> Vec<Hash> {
    subproof(leaves, earlier, true)
}

fn subproof(leaves: &[Hash], earlier: usize, whole: bool) -> Vec<Hash> {
    if earlier == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = split(leaves);
    let (mut proof, beside) =
        if earlier <= left.len() { (subproof(left, earlier, whole), root(right)) } else { (subproof(right, earlier - left.len(), false), root(left)) };
    proof.push(beside);
    proof
}

/// The root that a path leads to (RFC 9162, section 2.1.3.2); none where it is none of a tree of this size.
pub(crate) fn root_above(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    let (mut at, mut last) = (index, size.checked_sub(1).filter(|last| index <= *last)?);
    let mut root = leaf;
    for beside in path {
        if last == 0 {
            return None;
        }
        if at % 2 == 1 || at == last {
            root = node(beside, &root);
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            root = node(&root, beside);
        }
        (at, last) = (at / 2, last / 2);
    }
    (last == 0).then_some(root)
}

/// Whether a tree goes on from an earlier one (RFC 9162, section 2.1.4.2).
pub(crate) fn goes_on(earlier: (u64, Hash), later: (u64, Hash), proof: &[Hash]) -> bool {
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
            (old, new) = (node(beside, &old), node(beside, &new));
            while at % 2 == 0 && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            new = node(&new, beside);
        }
        (at, last) = (at / 2, last / 2);
    }
    last == 0 && old == first_root && new == second_root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|at| leaf(&[&at.to_le_bytes()])).collect()
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
        let all: Vec<Hash> = inputs.iter().map(|input| leaf(&[input])).collect();
        let text = |hash: Hash| crate::sink::hex(&hash);
        assert_eq!(text(root(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(text(root(&all[..1])), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(text(root(&all)), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn every_path_leads_to_the_root_and_no_other_does() {
        for size in 1..40 {
            let all = leaves(size);
            let top = root(&all);
            for index in 0..size {
                let way = path(&all, index);
                let up = |leaf, index: usize, size: usize, way: &[Hash]| root_above(leaf, index as u64, size as u64, way) == Some(top);
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

    #[test]
    fn every_tree_goes_on_from_its_beginnings_and_from_nothing_else() {
        for size in 1..34 {
            let all = leaves(size);
            for earlier in 1..=size {
                let proof = since(&all, earlier);
                let (old, new) = ((earlier as u64, root(&all[..earlier])), (size as u64, root(&all)));
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
