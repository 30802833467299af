//! Seals a broken capture again, so that what lies behind its digests is reached.
//!
//! A digest without a key stops accidents, not people: whoever writes a capture can seal anything. The layout is the one
//! that the reader documents.

const FILE_HEAD_BYTES: usize = 16;
const FRAME_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;
const ALIGN: usize = 16;

/// The capture with every digest that can be found made right, and its end rewritten; as it is where it has no packages.
pub fn again(data: &[u8]) -> Vec<u8> {
    let mut sealed = data.to_vec();
    let mut digests = blake3::Hasher::new();
    let (mut at, mut packages, mut records) = (FILE_HEAD_BYTES, 0u32, 0u64);
    while let Some((count, digest_at)) = package(&sealed, at) {
        let Some(digest) = sealed.get(at..digest_at).map(blake3::hash) else { break };
        let Some(place) = sealed.get_mut(digest_at..digest_at + DIGEST_BYTES) else { break };
        place.copy_from_slice(digest.as_bytes());
        digests.update(digest.as_bytes());
        at = digest_at + DIGEST_BYTES;
        packages += 1;
        records += u64::from(count);
    }
    if packages > 0 {
        sealed.truncate(at);
        sealed.extend_from_slice(b"END1");
        sealed.extend_from_slice(&packages.to_le_bytes());
        sealed.extend_from_slice(&records.to_le_bytes());
        sealed.extend_from_slice(digests.finalize().as_bytes());
    }
    sealed
}

/// The count of the package at `at`, and where its digest stands.
fn package(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let frame = bytes.get(at..at + FRAME_BYTES)?;
    let count = u32::from_le_bytes(frame.get(4..8)?.try_into().ok()?);
    let len = usize::try_from(u64::from_le_bytes(frame.get(8..16)?.try_into().ok()?)).ok()?;
    (frame.starts_with(b"PKG1") && len <= bytes.len()).then(|| (count, at + FRAME_BYTES + len.div_ceil(ALIGN) * ALIGN))
}
