//! A short text held in place: card tokens and source references travel inside the fixed record.
//!
//! At most `N` bytes, no NUL inside (NUL is the padding). Ordered by length, then bytes: numbers in numeric order.

use std::cmp::Ordering;
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<const N: usize>([u8; N]);

impl<const N: usize> Text<N> {
    pub const EMPTY: Self = Self([0; N]);

    /// `None` when the text is longer than `N` bytes, holds a NUL, or is not UTF-8.
    #[must_use]
    pub fn new(text: &[u8]) -> Option<Self> {
        if text.len() > N || text.contains(&0) || (!text.is_ascii() && std::str::from_utf8(text).is_err()) {
            return None;
        }
        let mut bytes = [0; N];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self(bytes))
    }

    /// The reverse of [`Text::padded`]; `None` when a NUL stands before another byte, or it is not UTF-8.
    #[must_use]
    #[inline]
    pub fn from_padded(bytes: [u8; N]) -> Option<Self> {
        // Compared shifted by one, without a branch: whole columns of texts pass here.
        let broken = bytes.iter().zip(bytes.iter().skip(1)).fold(false, |seen, (&byte, &next)| seen | (byte == 0 && next != 0));
        let text = Self(bytes);
        (!broken && (bytes.is_ascii() || std::str::from_utf8(text.as_bytes()).is_ok())).then_some(text)
    }

    /// The text of at most eight ASCII bytes in a word, the first in the lowest place and zeros above; `None` when a byte is
    /// not ASCII, or a NUL stands before another byte.
    ///
    /// # Panics
    /// When texts of `N` bytes have no room for a word.
    #[must_use]
    #[inline]
    pub fn from_ascii_word(word: u64) -> Option<Self> {
        const HIGH: u64 = 0x8080_8080_8080_8080;
        let used = u64::MAX.checked_shr(word.leading_zeros() / 8 * 8).unwrap_or(0);
        // Below 0x80, a byte plus 0x7f has the high bit unless it is zero.
        let sound = word & HIGH == 0 && (word.wrapping_add(!HIGH) & HIGH) == used & HIGH;
        let mut bytes = [0; N];
        *bytes.first_chunk_mut().expect("room for a word") = word.to_le_bytes();
        sound.then_some(Self(bytes))
    }

    /// The bytes as stored, NUL-padded.
    #[must_use]
    pub const fn padded(&self) -> &[u8; N] {
        &self.0
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let len = self.0.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        self.0.split_at(len).0
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("checked to be UTF-8 when it was made")
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.first().is_none_or(|&byte| byte == 0)
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        shorter_first(self.as_bytes(), other.as_bytes())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// The order of terminal ids and card tokens everywhere: shorter first, then by bytes.
#[must_use]
pub fn shorter_first(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_order_as_numbers() {
        let text = |s: &str| Text::<8>::new(s.as_bytes()).expect("short");
        assert_eq!((text("布吉").is_empty(), format!("{:?}", text("a\"b"))), (false, "\"a\\\"b\"".to_owned()));
        assert!(text("9") < text("10") && text("10") < text("11") && text("") < text("0"));
        assert_eq!(text("布吉").as_str(), "布吉");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Text::<4>::new(b"12345").is_none() && Text::<4>::new(b"1\x002").is_none() && Text::<4>::new(b"\xff").is_none());
        assert!(Text::<4>::from_padded(*b"1\x002\x00").is_none() && Text::<4>::from_padded(*b"\x0012\x00").is_none());
        assert!(Text::<4>::from_padded(*b"\xff\x00\x00\x00").is_none());
        assert!(Text::<6>::from_padded(*b"1\x002\x003\x00").is_none());
        for bytes in
            [*b"12345678", *b"1234567\0", *b"\x7f\x01\0\0\0\0\0\0", [0; 8], *b"1\x0034\0\0\0\0", *b"\x002345678", *b"1234567\x80", *b"\xc3\xa9\0\0\0\0\0\0"]
        {
            let expected = Text::<8>::from_padded(bytes).filter(|_| bytes.is_ascii());
            assert_eq!(Text::<8>::from_ascii_word(u64::from_le_bytes(bytes)), expected, "{bytes:?}");
        }
        assert_eq!(Text::<4>::from_padded(*b"12\x00\x00"), Text::new(b"12"));
        assert_eq!(Text::<4>::from_padded(*b"\xe5\xb8\x83\x00"), Text::new("布".as_bytes()));
        assert!(Text::<4>::new(b"1234").is_some() && Text::<4>::new(b"").is_some_and(|text| text.is_empty()));
    }
}
