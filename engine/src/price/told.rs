//! Telling what made a price: the ordered rules with what each left to pay.
//!
//! The fold tells a recorder; one that says nothing costs nothing.

use super::amount::Amount;
use crate::tariff::{Adjust, Funder, Rounding};

/// Listens to the fold. The calls of a ride come in the order of its rules, the base first.
pub trait Recorder {
    fn base(&mut self, name: &str, list_minor: i64);
    fn adjusted(&mut self, adjust: &Adjust, before: Amount, after: Amount);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Recorder for Silent {
    fn base(&mut self, _: &str, _: i64) {}
    fn adjusted(&mut self, _: &Adjust, _: Amount, _: Amount) {}
}

/// Writes everything down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub lines: Vec<Line>,
}

/// One rule's part in a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub rule: String,
    /// Who bears what it took off, with weights; nobody for a base price.
    pub funders: Vec<(Funder, i64)>,
    /// Rounded to whole units where the amount itself is not yet.
    pub before_minor: i64,
    pub after_minor: i64,
}

impl Recorder for Told {
    fn base(&mut self, name: &str, list_minor: i64) {
        self.lines.push(Line { rule: name.to_owned(), funders: Vec::new(), before_minor: list_minor, after_minor: list_minor });
    }

    fn adjusted(&mut self, adjust: &Adjust, before: Amount, after: Amount) {
        let [before_minor, after_minor] = [before, after].map(|amount| amount.rounded_minor(Rounding::default()));
        self.lines.push(Line { rule: adjust.name.clone(), funders: adjust.funders.clone(), before_minor, after_minor });
    }
}
