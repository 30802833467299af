//! The words for a person, in English or Chinese. Data on stdout has the same keys in both.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    #[default]
    En,
    Zh,
}

impl Lang {
    /// The phrase in this language.
    #[must_use]
    pub const fn pick<'w>(self, en: &'w str, zh: &'w str) -> &'w str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// An amount of minor units with the point where the currency has it: `1234` with two digits is `12.34`.
#[must_use]
pub fn money(amount_minor: i64, minor_digits: u8) -> String {
    let digits = usize::from(minor_digits);
    let padded = format!("{:0width$}", amount_minor.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = padded.split_at(padded.len() - digits);
    let sign = if amount_minor < 0 { "-" } else { "" };
    if digits == 0 { format!("{sign}{}", grouped(whole)) } else { format!("{sign}{}.{fraction}", grouped(whole)) }
}

/// As [`money`]; whole minor units where nobody said how many digits the currency has.
#[must_use]
pub fn money_or_minor(amount_minor: i64, minor_digits: Option<u8>) -> String {
    money(amount_minor, minor_digits.unwrap_or(0))
}

/// The name of a column of such amounts.
#[must_use]
pub fn amount_name(lang: Lang, (en, zh): (&str, &str), minor_digits: Option<u8>) -> String {
    match (minor_digits, lang) {
        (Some(_), lang) => lang.pick(en, zh).to_owned(),
        (None, Lang::En) => format!("{en}, minor units"),
        (None, Lang::Zh) => format!("{zh}（最小单位）"),
    }
}

/// A count with thin groups of three for reading: `1 234 567`.
#[must_use]
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

fn grouped(digits: &str) -> String {
    let first = digits.len() % 3;
    let mut out = digits.get(..first).unwrap_or_default().to_owned();
    let rest = digits.get(first..).unwrap_or_default();
    for group in rest.as_bytes().chunks(3) {
        if !out.is_empty() {
            out.push('\u{202f}');
        }
        out.push_str(&String::from_utf8_lossy(group));
    }
    out
}

/// How wide a text is on a terminal: Chinese characters take two columns.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|c| if ('\u{1100}'..='\u{ffdc}').contains(&c) && !('\u{2000}'..='\u{2e7f}').contains(&c) { 2 } else { 1 }).sum()
}

/// The text padded with spaces to a width on a terminal.
#[must_use]
pub fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_by_people() {
        assert_eq!(money(0, 2), "0.00");
        assert_eq!(money(-5, 2), "-0.05");
        assert_eq!(money(123_456_789, 2), "1\u{202f}234\u{202f}567.89");
        assert_eq!(money(1500, 0), "1\u{202f}500");
        assert_eq!(count(999), "999");
        assert_eq!(padded("银行", 6), "银行  ");
        assert_eq!(padded("bank", 6), "bank  ");
    }
}
