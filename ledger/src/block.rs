//! The frame of every journal block, format version 1: a header that names the block and chains it to the one before.
//!
//! A block is `header ‖ payload ‖ side`. Its hash is BLAKE3(header ‖ side), and the header holds BLAKE3(payload): the
//! payload is hashed where it is made, on a worker thread, and the one writer hashes some hundred bytes. All numbers are
//! little-endian.
//!
//! ```text
//!  0  version:1 (1)   kind:1   reserved:2 (0)
//!  4  day:4           clearing day, days since 1970-01-01
//!  8  height:8        from 1
//! 16  file:4          0 where the block belongs to no file
//! 20  count:4         rows
//! 24  payload_len:4   side_len:4
//! 32  prev:32         hash of the block before; zero for the first
//! 64  payload_digest:32
//! ```

use crate::codec::{BLOCK_ROWS_MAX, Corrupt, Reader};
use domain::Day;

pub(crate) const VERSION: u8 = 1;
pub(crate) const HEADER_LEN: usize = 96;

/// What a block holds. The numbers are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum BlockKind {
    /// One event, as JSON.
    Event = 1,
    /// Records as they came in.
    Intake = 2,
    /// Rows that never became records.
    Refusals = 3,
    /// What a close decided, in canonical order.
    Decisions = 4,
}

impl BlockKind {
    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Event),
            2 => Some(Self::Intake),
            3 => Some(Self::Refusals),
            4 => Some(Self::Decisions),
            _ => None,
        }
    }
}

/// A block's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: BlockKind,
    /// The clearing day that was open.
    pub day: Day,
    /// From 1, without gaps.
    pub height: u64,
    /// The file it belongs to; zero for none.
    pub file: u32,
    /// Rows: records, refusals or decisions; 1 for an event.
    pub count: u32,
    pub payload_bytes: u32,
    pub side_bytes: u32,
    pub prev: [u8; 32],
    pub payload_digest: [u8; 32],
}

impl Header {
    pub(crate) fn to_bytes(self) -> [u8; HEADER_LEN] {
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend_from_slice(&[VERSION, self.kind as u8, 0, 0]);
        bytes.extend_from_slice(&self.day.0.to_le_bytes());
        bytes.extend_from_slice(&self.height.to_le_bytes());
        for number in [self.file, self.count, self.payload_bytes, self.side_bytes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.prev);
        bytes.extend_from_slice(&self.payload_digest);
        *bytes.first_chunk().expect("the fields fill the header")
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Corrupt> {
        let [version, kind, reserved @ ..] = reader.array::<4>()?;
        if version != VERSION || reserved != [0; 2] {
            return Err(Corrupt("its format version is unknown"));
        }
        let header = Self {
            kind: BlockKind::from_code(kind).ok_or(Corrupt("its kind is unknown"))?,
            day: Day(reader.i32()?),
            height: reader.u64()?,
            file: reader.u32()?,
            count: reader.u32()?,
            payload_bytes: reader.u32()?,
            side_bytes: reader.u32()?,
            prev: reader.array()?,
            payload_digest: reader.array()?,
        };
        if header.count as usize > BLOCK_ROWS_MAX {
            return Err(Corrupt("it claims more rows than a block holds"));
        }
        Ok(header)
    }
}

/// A payload with room for its header in front, so that the finished block is one piece of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    bytes: Vec<u8>,
    pub count: u32,
    payload_digest: [u8; 32],
}

impl Draft {
    /// Lets `write` append a payload of `count` rows, and hashes it.
    ///
    /// # Panics
    /// When there are more than [`BLOCK_ROWS_MAX`] rows.
    pub(crate) fn new(count: usize, bytes_expected: usize, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        assert!(count <= BLOCK_ROWS_MAX, "a block holds at most {BLOCK_ROWS_MAX} rows");
        let mut bytes = Vec::with_capacity(HEADER_LEN + bytes_expected);
        bytes.resize(HEADER_LEN, 0);
        write(&mut bytes);
        let payload_digest = *blake3::hash(bytes.split_at(HEADER_LEN).1).as_bytes();
        Self { bytes, count: u32::try_from(count).expect("a block's rows fit 32 bits"), payload_digest }
    }

    /// The payload of a block that was found whole.
    pub(crate) fn copied(block: &Block<'_>) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_LEN + block.payload.len() + block.side.len());
        bytes.resize(HEADER_LEN, 0);
        bytes.extend_from_slice(block.payload);
        Self { bytes, count: block.header.count, payload_digest: block.header.payload_digest }
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.bytes.split_at(HEADER_LEN).1
    }

    /// Puts the block in its place in the chain; returns its bytes and its hash.
    pub(crate) fn seal(self, place: &Place, side: &[u8]) -> (Vec<u8>, [u8; 32]) {
        let Self { mut bytes, count, payload_digest } = self;
        let header = Header {
            kind: place.kind,
            day: place.day,
            height: place.height,
            file: place.file,
            count,
            payload_bytes: u32::try_from(bytes.len() - HEADER_LEN).expect("a block is smaller than 4 GiB"),
            side_bytes: u32::try_from(side.len()).expect("a block is smaller than 4 GiB"),
            prev: place.prev,
            payload_digest,
        };
        let header = header.to_bytes();
        if let Some(front) = bytes.first_chunk_mut::<HEADER_LEN>() {
            *front = header;
        }
        bytes.extend_from_slice(side);
        (bytes, hash(&header, side))
    }
}

/// Where a block goes.
pub(crate) struct Place {
    pub kind: BlockKind,
    pub day: Day,
    pub height: u64,
    pub file: u32,
    pub prev: [u8; 32],
}

fn hash(header: &[u8], side: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(header).update(side).finalize().as_bytes()
}

/// A stored block, taken apart; its payload is not looked into yet.
pub(crate) struct Block<'a> {
    pub header: Header,
    pub payload: &'a [u8],
    pub side: &'a [u8],
    pub hash: [u8; 32],
}

impl<'a> Block<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let mut reader = Reader::new(bytes);
        let header = Header::read(&mut reader)?;
        let payload = reader.take(header.payload_bytes as usize)?;
        let side = reader.take(header.side_bytes as usize)?;
        reader.finish()?;
        let front = bytes.get(..HEADER_LEN).unwrap_or_default();
        Ok(Self { header, payload, side, hash: hash(front, side) })
    }

    /// Whether the payload is the one that was hashed.
    pub(crate) fn payload_is_whole(&self) -> bool {
        *blake3::hash(self.payload).as_bytes() == self.header.payload_digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_reads_back_and_any_flipped_bit_shows() {
        let draft = Draft::new(3, 5, |out| out.extend_from_slice(b"hello"));
        let place = Place { kind: BlockKind::Refusals, day: Day(20_000), height: 7, file: 2, prev: [9; 32] };
        let (bytes, hash) = draft.seal(&place, b"side");
        let block = Block::parse(&bytes).expect("sealed just now");
        assert_eq!((block.payload, block.side, block.hash), (&b"hello"[..], &b"side"[..], hash));
        assert_eq!((block.header.count, block.header.day, block.header.height, block.header.file, block.header.prev), (3, Day(20_000), 7, 2, [9; 32]));
        assert!(block.payload_is_whole());
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let seen = Block::parse(&flipped).is_ok_and(|block| block.hash == hash && block.payload_is_whole());
                assert!(!seen, "bit {bit} of byte {at}");
            }
        }
        assert!(Block::parse(&bytes[..bytes.len() - 1]).is_err());
    }
}
