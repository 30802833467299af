//! Reading stored bytes from the front, little-endian, with every length checked.

/// Stored bytes that no version of this crate wrote; says what was wrong with them, never their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt(pub &'static str);

/// What is left to read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Corrupt> {
        let (taken, left) = self.bytes.split_at_checked(len).ok_or(Corrupt("it ends early"))?;
        self.bytes = left;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        let (taken, left) = self.bytes.split_first_chunk::<N>().ok_or(Corrupt("it ends early"))?;
        self.bytes = left;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Corrupt> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Corrupt> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Corrupt> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Corrupt> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Corrupt> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Corrupt> {
        self.array().map(i64::from_le_bytes)
    }

    /// A text with its length in front: one byte, or 255 and four.
    pub(crate) fn text(&mut self) -> Result<&'a str, Corrupt> {
        let len = match self.u8()? {
            LONG => self.u32()? as usize,
            short => usize::from(short),
        };
        std::str::from_utf8(self.take(len)?).map_err(|_| Corrupt("a text is not UTF-8"))
    }

    /// Nothing may be left over.
    pub(crate) fn finish(self) -> Result<(), Corrupt> {
        if self.bytes.is_empty() { Ok(()) } else { Err(Corrupt("bytes are left over at its end")) }
    }
}

/// In place of a text's length: the length follows in four bytes.
const LONG: u8 = u8::MAX;

/// Writes a text with its length in front.
pub(crate) fn put_text(text: &str, out: &mut Vec<u8>) {
    match u8::try_from(text.len()) {
        Ok(short) if short < LONG => out.push(short),
        _ => {
            out.push(LONG);
            out.extend_from_slice(&u32::try_from(text.len()).expect("a text has less than 4 GiB").to_le_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}
