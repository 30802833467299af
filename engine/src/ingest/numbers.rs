//! Numbers out of a row's bytes: whole numbers and amounts, exactly, by hand.
//!
//! Eight digits are read at once. Never a float, never a wrap: what does not fit is `None`.

/// Where a field stands in the row's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub from: u32,
    pub to: u32,
}

impl Span {
    pub const fn len(self) -> usize {
        (self.to - self.from) as usize
    }

    pub const fn is_empty(self) -> bool {
        self.from == self.to
    }

    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

/// Up to eight bytes from `from`, the first in the lowest place, zeros above `len`.
#[inline(always)]
pub(super) fn word(text: &[u8], from: usize, len: usize) -> u64 {
    debug_assert!(len <= 8);
    if let Some(bytes) = text.get(from..from + 8).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok()) {
        // Shifting by 64 is no shift: a length of 0 is asked for by nobody but costs nothing to get right.
        return u64::from_le_bytes(bytes) & u64::MAX.checked_shr(64_u32.wrapping_sub(8 * len as u32)).unwrap_or(0);
    }
    let mut bytes = [0; 8];
    for (to, &byte) in bytes.iter_mut().zip(text.get(from..from + len).unwrap_or_default()) {
        *to = byte;
    }
    u64::from_le_bytes(bytes)
}

/// A number of 1 to 8 digits in a word as [`word`] gives it.
#[inline(always)]
fn digits8(word: u64, len: usize) -> Option<u64> {
    // Moved up, so that the last digit is the highest byte; the free places below read as zeros.
    let shift = 64_u32.wrapping_sub(8 * len as u32);
    let word = word.wrapping_shl(shift) | 0x3030_3030_3030_3030_u64.checked_shr(8 * len as u32).unwrap_or(0);
    let high = word & 0xf0f0_f0f0_f0f0_f0f0;
    let carried = word.wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0;
    if high != 0x3030_3030_3030_3030 || carried != 0x3030_3030_3030_3030 {
        return None;
    }
    let pairs = (word & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(2561) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(6_553_601) >> 16;
    Some((fours & 0x0000_ffff_0000_ffff).wrapping_mul(42_949_672_960_001) >> 32)
}

/// A number of digits alone; `None` for anything else and for what does not fit.
pub(super) fn unsigned(text: &[u8], span: Span) -> Option<u64> {
    let (from, len) = (span.from as usize, span.len());
    match len {
        0 => None,
        1..=8 => digits8(word(text, from, len), len),
        9..=16 => {
            let high = digits8(word(text, from, len - 8), len - 8)?;
            let low = digits8(word(text, from + len - 8, 8), 8)?;
            Some(high.wrapping_mul(100_000_000).wrapping_add(low))
        }
        _ => {
            let digits = span.of(text);
            digits.iter().try_fold(0_u64, |number, byte| {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
                number.checked_mul(10)?.checked_add(digit)
            })
        }
    }
}

/// A whole number with an optional minus.
pub(super) fn signed(text: &[u8], span: Span) -> Option<i64> {
    if text.get(span.from as usize) == Some(&b'-') && !span.is_empty() {
        let number = unsigned(text, Span { from: span.from + 1, to: span.to })?;
        return 0_i64.checked_sub_unsigned(number);
    }
    i64::try_from(unsigned(text, span)?).ok()
}

/// An amount written in a unit that has `decimals` decimals, in minor units: `12.5` with two is 1250.
pub(super) fn amount_minor(text: &[u8], span: Span, decimals: u32) -> Result<i64, &'static str> {
    if decimals == 0 {
        return signed(text, span).ok_or("is not an amount in whole minor units");
    }
    exact_decimal(span.of(text), decimals)
}

fn exact_decimal(amount: &[u8], decimals: u32) -> Result<i64, &'static str> {
    const PROBLEM: &str = "is not an amount";
    let (negative, digits) = match amount.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, amount),
    };
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    let (whole, fraction) = digits.split_at_checked(point).ok_or(PROBLEM)?;
    let fraction = fraction.strip_prefix(b".").unwrap_or_default();
    if whole.is_empty() || (point < digits.len() && fraction.is_empty()) {
        return Err(PROBLEM);
    }
    let kept = fraction.len().min(decimals as usize);
    if fraction.iter().skip(kept).any(|&byte| byte != b'0') {
        return Err("has more decimals than its unit");
    }
    let zeros = std::iter::repeat_n(&b'0', decimals as usize - kept);
    let mut total = 0_i64;
    for byte in whole.iter().chain(fraction.iter().take(kept)).chain(zeros) {
        if !byte.is_ascii_digit() {
            return Err(PROBLEM);
        }
        let digit = i64::from(byte - b'0');
        total = total.checked_mul(10).and_then(|total| total.checked_add(digit)).ok_or("is too large an amount")?;
    }
    Ok(if negative { -total } else { total })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(text: &str) -> Span {
        Span { from: 0, to: u32::try_from(text.len()).expect("short") }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", "-", "1 ", " 1", "+1", "1.0", "0x1", "12345678a", "a2345678", "1234567890123456:", "18446744073709551616", "/", ":"] {
            assert_eq!(unsigned(text.as_bytes(), whole(text)), None, "{text:?}");
        }
        assert_eq!(signed(b"9223372036854775808", whole("9223372036854775808")), None);
        assert_eq!(signed(b"-9223372036854775808", whole("-9223372036854775808")), Some(i64::MIN));
        assert_eq!(signed(b"--1", whole("--1")), None);
    }

    #[test]
    fn amounts_are_exact() {
        let read = |text: &str, decimals| amount_minor(text.as_bytes(), whole(text), decimals);
        assert_eq!(read("12.5", 2), Ok(1250));
        assert_eq!(read("-0.07", 2), Ok(-7));
        assert_eq!(read("12.500", 2), Ok(1250));
        assert_eq!(read("12", 2), Ok(1200));
        assert_eq!(read("1.234", 3), Ok(1234));
        for (text, decimals) in
            [("12.505", 2), ("12.", 2), (".5", 2), ("1,5", 2), ("1e3", 2), ("92233720368547758.08", 2), ("1.5", 0), ("--1", 2), ("", 2), ("-", 2)]
        {
            assert!(read(text, decimals).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_read_like_the_standard_library(before in "[ -~]{0,9}", number in "[0-9]{1,21}|[0-9a/:-]{1,18}", after in "[ -~]{0,9}") {
            let text = format!("{before}{number}{after}");
            let from = u32::try_from(before.len()).expect("short");
            let span = Span { from, to: from + u32::try_from(number.len()).expect("short") };
            prop_assert_eq!(unsigned(text.as_bytes(), span), number.parse::<u64>().ok());
            prop_assert_eq!(signed(text.as_bytes(), span), number.parse::<i64>().ok());
        }
    }
}
