//! Hints for a mistyped word, and what may be shown of a value.
//!
//! Never shows what could be a card number: a scheme's author may have put one in the wrong column.

/// The known word that the wrong one was probably meant to be.
#[must_use]
pub fn nearest<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // A third of the word may be wrong: `bnak-03` finds `bank-03`, and `xx` finds nothing.
    let distance_max = (wrong.chars().count() / 3).max(1);
    known.into_iter().map(|word| (strsim::damerau_levenshtein(wrong, word), word)).filter(|&(distance, _)| distance <= distance_max).min().map(|(_, word)| word)
}

/// `did you mean …?` where a known word is near, otherwise what else to do.
#[must_use]
pub fn hint<'k>(wrong: &str, known: impl IntoIterator<Item = &'k str>, otherwise: &str) -> String {
    nearest(wrong, known).map_or_else(|| otherwise.to_owned(), |word| format!("did you mean `{word}`?"))
}

/// The words that are allowed, as a hint lists them.
#[must_use]
pub fn allowed(words: &[&str]) -> String {
    format!("allowed: {}", words.join(", "))
}

/// A value as a message quotes it; one that is long or full of digits is only described.
#[must_use]
pub fn shown(value: &str) -> String {
    // The shortest card number in use has 12 digits; dates and times of day have at most 12 and separators that tell them.
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let length = value.chars().count();
    if digits >= 12 || length > 40 { format!("a value of {length} characters") } else { format!("`{value}`") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let known = ["bank-01", "bank-03", "operator-01"];
        assert_eq!(nearest("bnak-03", known), Some("bank-03"));
        assert_eq!(nearest("operater-01", known), Some("operator-01"));
        assert_eq!(nearest("x", known), None);
        assert_eq!(hint("zzz", known, "add a row to parties.csv"), "add a row to parties.csv");
    }

    #[test]
    fn what_could_be_a_card_number_is_not_shown() {
        assert_eq!(shown("bank-03"), "`bank-03`");
        assert_eq!(shown("6222 0212 3456 7890"), "a value of 19 characters");
        assert!(!shown(&"x".repeat(41)).contains('x'));
    }
}
