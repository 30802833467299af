//! Prices as feeds write them, and how many digits their currency has. No float is made on the way.

/// A decimal number: `units` of the last of `places` digits after the point, without zeros at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    units: i64,
    pub places: u8,
}

/// A scheme's currency has at most so many digits after the point.
pub const PLACES_MAX: u8 = 4;
const DIGITS_MAX: usize = 12;

impl Decimal {
    /// Reads `2`, `2.50`, `.5`, `-1.25`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}");
        let shaped = !text.is_empty() && text != "." && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !shaped || digits.trim_start_matches('0').len() > DIGITS_MAX {
            return None;
        }
        let units = if digits.is_empty() { 0 } else { digits.parse::<i64>().ok()? };
        Some(Self { units: if negative { -units } else { units }, places: u8::try_from(fraction.len()).ok()? })
    }

    /// In units of a currency with so many digits after the point; `None` where that is not a whole number of them.
    #[must_use]
    pub fn minor(self, digits: u8) -> Option<i64> {
        self.units.checked_mul(10i64.checked_pow(u32::from(digits.checked_sub(self.places)?))?)
    }
}

/// The digits after the point that ISO 4217 gives a currency.
#[must_use]
pub fn digits_of(currency: &str) -> u8 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_as_they_are_written() {
        for (text, digits, minor) in [
            ("2.5", 2, Some(250)),
            ("2.50", 2, Some(250)),
            ("2", 2, Some(200)),
            (".5", 2, Some(50)),
            ("0", 0, Some(0)),
            ("210.00", 0, Some(210)),
            ("0.125", 3, Some(125)),
            ("0.125", 2, None),
            ("-1.25", 2, Some(-125)),
            ("0.1000000000000", 2, Some(10)),
            ("12345678901.20", 2, Some(1_234_567_890_120)),
        ] {
            assert_eq!(Decimal::parse(text).and_then(|price| price.minor(digits)), minor, "{text}");
        }
        for wrong in ["", ".", "-", "2,50", "$2", "1e3", "1.2.3", "١", "1234567890123"] {
            assert_eq!(Decimal::parse(wrong), None, "{wrong}");
        }
        assert_eq!(["EUR", "JPY", "KWD", "CLF"].map(digits_of), [2, 0, 3, 4]);
    }
}
