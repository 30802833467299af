//! `cards.csv`: the media that are registered, the account each belongs to, and what its holder is entitled to.
//!
//! Cards are tokens here as everywhere: what looks like a card number is refused, and no message shows a token.

use super::Words;
use super::guess::{allowed, hint, shown};
use super::moment::DATE_HINT;
use super::parties::{Field, Parties};
use super::sheet::{self, needed, optional};
use crate::mistake::Mistakes;
use domain::record::CardToken;
use domain::{Day, PartyKind, Symbol, SymbolTable};
use hashbrown::HashMap;
use std::path::Path;

pub const FILE: &str = "cards.csv";

/// One medium of an account: plastic, phone or QR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    pub token: CardToken,
    /// What prices, caps and entitlements belong to; several media may share it.
    pub account: CardToken,
    pub issuer: Symbol,
    pub class: Symbol,
    /// The first and last calendar day on which its holder has the class.
    pub class_from: Day,
    pub class_to: Day,
    pub medium: Symbol,
    /// The first and last calendar day on which it is good.
    pub valid_from: Day,
    pub valid_to: Day,
    pub birth_date: Option<Day>,
}

impl Card {
    #[must_use]
    pub fn is_valid_on(&self, day: Day) -> bool {
        self.valid_from <= day && day <= self.valid_to
    }

    /// The rider class on a calendar day; none where it has ended or not begun.
    #[must_use]
    pub fn class_on(&self, day: Day) -> Symbol {
        if self.class_from <= day && day <= self.class_to { self.class } else { Symbol::NONE }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Cards {
    list: Vec<Card>,
    places: HashMap<CardToken, u32, foldhash::fast::FixedState>,
}

impl Cards {
    #[must_use]
    pub fn read(dir: &Path, symbols: &SymbolTable, words: &Words, parties: &Parties, mistakes: &mut Mistakes) -> Self {
        let columns = [
            needed("token"),
            optional("account"),
            needed("issuer"),
            optional("class"),
            optional("medium"),
            optional("valid_from"),
            optional("valid_to"),
            optional("birth_date"),
            optional("class_from"),
            optional("class_to"),
        ];
        let mut cards = Self::default();
        let mut lines: Vec<u32> = Vec::new();
        for row in sheet::read(dir, FILE, &columns, None, mistakes) {
            let [token, account, issuer, class, medium, valid_from, valid_to, birth_date, class_from, class_to] = row.fields;
            let Some(token) = token_of(&token, FILE, row.line, "token", mistakes) else { continue };
            let first = cards.places.get(&token).and_then(|&at| lines.get(at as usize)).copied();
            if let Some(first) = first {
                mistakes.add(FILE, Some(row.line), format!("this token is already on line {first}"), Some("a token is registered once"));
            }
            let account = if account.is_empty() { Some(token) } else { token_of(&account, FILE, row.line, "account", mistakes) };
            let issuers = [PartyKind::Bank, PartyKind::Network];
            let issuer = parties.expect(&issuer, &issuers, Field { file: FILE, line: row.line, column: "issuer" }, symbols, mistakes);
            for (column, word, known) in [("class", &class, &words.classes), ("medium", &medium, &words.media)] {
                if !word.is_empty() && !known.is_empty() && !known.contains(word) {
                    let names: Vec<&str> = known.iter().map(String::as_str).collect();
                    let todo = hint(word, names.iter().copied(), &format!("{}; the lists are in [words] of scheme.toml", allowed(&names)));
                    mistakes.add(FILE, Some(row.line), format!("unknown {column} {}", shown(word)), Some(&todo));
                }
            }
            let mut day = |text: &str, column: &str| {
                let day = if text.is_empty() { None } else { text.parse::<Day>().ok() };
                if day.is_none() && !text.is_empty() {
                    mistakes.add(FILE, Some(row.line), format!("`{column}` is not a date"), Some(DATE_HINT));
                }
                day
            };
            let valid_from = day(&valid_from, "valid_from").unwrap_or(Day(i32::MIN));
            let valid_to = day(&valid_to, "valid_to").unwrap_or(Day(i32::MAX));
            let birth_date = day(&birth_date, "birth_date");
            let class_from = day(&class_from, "class_from").unwrap_or(Day(i32::MIN));
            let class_to = day(&class_to, "class_to").unwrap_or(Day(i32::MAX));
            if class_to < class_from {
                mistakes.add(FILE, Some(row.line), "`class_to` is before `class_from`", None);
            }
            if valid_to < valid_from {
                mistakes.add(FILE, Some(row.line), "`valid_to` is before `valid_from`", None);
            }
            if first.is_some() {
                continue;
            }
            let at = u32::try_from(cards.list.len()).expect("fewer than 4 billion cards");
            cards.places.insert(token, at);
            lines.push(row.line);
            cards.list.push(Card {
                token,
                account: account.unwrap_or(token),
                issuer: issuer.unwrap_or_default(),
                class: symbols.intern(&class),
                class_from,
                class_to,
                medium: symbols.intern(&medium),
                valid_from,
                valid_to,
                birth_date,
            });
        }
        cards
    }

    #[must_use]
    pub fn get(&self, token: &CardToken) -> Option<&Card> {
        self.list.get(*self.places.get(token)? as usize)
    }

    /// In the order of the file.
    #[must_use]
    pub fn list(&self) -> &[Card] {
        &self.list
    }
}

/// The token in a field, which a message never shows.
pub fn token_of(text: &str, file: &str, line: u32, column: &str, mistakes: &mut Mistakes) -> Option<CardToken> {
    if text.is_empty() {
        mistakes.add(file, Some(line), format!("`{column}` is empty"), None);
        return None;
    }
    if is_card_number(text) {
        let todo = "registers hold tokens only; a mapping makes them from card numbers as records come in";
        mistakes.add(file, Some(line), format!("`{column}` looks like a card number"), Some(todo));
        return None;
    }
    let token = CardToken::new(text.as_bytes());
    if token.is_none() {
        mistakes.add(file, Some(line), format!("`{column}` is longer than 24 bytes"), None);
    }
    token
}

/// Whether a text is 13 to 19 digits with a correct check digit (ISO/IEC 7812: the Luhn sum).
fn is_card_number(text: &str) -> bool {
    if !(13..=19).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let digits = text.bytes().rev().map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits.enumerate().map(|(at, digit)| if at % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_known_by_its_check_digit() {
        assert!(is_card_number("4111111111111111"));
        assert!(!is_card_number("4111111111111112") && !is_card_number("42") && !is_card_number("t411111111111111"));
    }
}
