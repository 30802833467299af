//! The values that many rules share: amounts, percentages, funders, spans, effects, roundings.

use super::Context;
use crate::mistake::Mistakes;
use crate::scheme::table::Table;
use crate::tariff::{Against, Effect, Funder, Limit, Rate, Rounding, Span, Way};

/// No amount in a tariff is larger, so that no sum of a day leaves `i64`.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000;
/// No weight and no length is larger.
pub const WEIGHT_MAX: i64 = 1_000_000_000;
/// Funders' weights multiply with percentages.
const FUNDER_WEIGHT_MAX: i64 = 10_000;
/// As fine as two decimals of a percentage.
const FRACTION_DENOMINATOR_MAX: i64 = 10_000;
const DAYS_MAX: i64 = 3_660;
pub const MINUTE_MS: i64 = 60_000;

pub fn amount(table: &mut Table<'_>, key: &str, mistakes: &mut Mistakes) -> Option<i64> {
    table.integer(key, 0..=AMOUNT_MAX, mistakes).map(|at| at.value)
}

/// An amount that the rule cannot do without.
pub fn needed_amount(table: &mut Table<'_>, key: &str, mistakes: &mut Mistakes) -> Option<i64> {
    if !table.has(key) {
        table.missing(key, "200 # amounts are in minor units: 2.00", mistakes);
    }
    amount(table, key, mistakes)
}

/// Minutes as milliseconds.
pub fn minutes(table: &mut Table<'_>, key: &str, mistakes: &mut Mistakes) -> Option<i64> {
    table.integer(key, 1..=DAYS_MAX * 24 * 60, mistakes).map(|at| at.value * MINUTE_MS)
}

/// `percent = "50"`: what is still paid, exact, at most two decimals; or a fraction, `percent = "2/3"`.
pub fn percent(table: &mut Table<'_>, key: &str, mistakes: &mut Mistakes) -> Option<Rate> {
    let text = table.text(key, mistakes)?;
    let (numerator, denominator) = match fraction(&text.value).or_else(|| hundredths(&text.value)) {
        Some((numerator, denominator)) if numerator <= denominator => (numerator, denominator),
        _ => {
            let message = format!("`{}` is not a percentage from 0 to 100", text.value);
            let todo = "what the rider still pays, at most two decimals; a fraction of it: \"2/3\"";
            table.mistake(Some(text.line), message, Some(todo), mistakes);
            return None;
        }
    };
    let divisor = gcd(numerator, denominator);
    Some(Rate { numerator: numerator / divisor, denominator: denominator / divisor })
}

/// `66.67` as 6,667 of 10,000.
fn hundredths(text: &str) -> Option<(i64, i64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let shaped = fraction.len() <= 2 && !whole.is_empty();
    Some((digits(&format!("{whole}{fraction:0<2}")).filter(|_| shaped)?, 10_000))
}

/// `2/3` as it stands.
fn fraction(text: &str) -> Option<(i64, i64)> {
    let (numerator, denominator) = text.split_once('/')?;
    let denominator = digits(denominator).filter(|denominator| (1..=FRACTION_DENOMINATOR_MAX).contains(denominator))?;
    Some((digits(numerator)?, denominator))
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

pub fn funder_named(context: &Context<'_>, name: &str) -> Funder {
    match name {
        "earner" => Funder::Earner,
        "issuer" => Funder::Issuer,
        party => Funder::Party(context.symbols.intern(party)),
    }
}

/// `funder = "fund-01"`, or `funders` with weights.
pub fn funders(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Vec<(Funder, i64)> {
    let one = table.text("funder", mistakes);
    let mut several = Vec::new();
    for mut part in table.tables("funders", mistakes) {
        let party = part.text("party", mistakes);
        let weight = part.integer("weight", 1..=FUNDER_WEIGHT_MAX, mistakes);
        if !part.has("party") {
            part.missing("party", "\"fund-01\"", mistakes);
        }
        if !part.has("weight") {
            part.missing("weight", "60", mistakes);
        }
        part.finish(mistakes);
        if let (Some(party), Some(weight)) = (party, weight) {
            let funder = funder_named(context, &party.value);
            if several.iter().any(|&(known, _)| known == funder) {
                part.mistake(Some(party.line), format!("`{}` funds the same rule twice", party.value), Some("add up its weights"), mistakes);
            }
            several.push((funder, weight.value));
        }
    }
    match (one, several.is_empty()) {
        (Some(one), true) => vec![(funder_named(context, &one.value), 1)],
        (Some(one), false) => {
            table.mistake(Some(one.line), "names `funder` and `funders`", Some("keep one of them"), mistakes);
            several
        }
        (None, false) => several,
        (None, true) => {
            if !table.has("funder") && !table.has("funders") {
                table.mistake(table.line(), "names no funder: nobody pays for this discount", Some("funder = \"earner\", \"issuer\" or a party id"), mistakes);
            }
            vec![(Funder::Earner, 1)]
        }
    }
}

/// `per = "day"`, `"week"`, `"month"`, `"year"`, `"ever"`; `"days"` with `days`, `"hours"` with `hours`.
pub fn span(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Span> {
    let days = table.integer("days", 1..=DAYS_MAX, mistakes);
    let hours = table.integer("hours", 1..=DAYS_MAX * 24, mistakes);
    let words = ["day", "week", "month", "year", "days", "hours", "ever"];
    let word = table.choice("per", &words.map(|word| (word, word)), mistakes)?;
    for (key, given) in [("days", days.is_some()), ("hours", hours.is_some())] {
        if given && word != key {
            table.mistake(table.line(), format!("`{key}` goes with per = \"{key}\""), None, mistakes);
        }
    }
    Some(match word {
        "day" => Span::Day,
        "week" => Span::Week,
        "month" => Span::Month,
        "year" => Span::Year,
        "ever" => Span::Ever,
        "days" => match days {
            Some(days) => Span::Days(i32::try_from(days.value).ok()?),
            None => {
                table.missing("days", "7", mistakes);
                return None;
            }
        },
        _ => match hours {
            Some(hours) => Span::Millis(hours.value * 60 * MINUTE_MS),
            None => {
                table.missing("hours", "168", mistakes);
                return None;
            }
        },
    })
}

/// The span that a rule cannot do without.
pub fn needed_span(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Span> {
    if !table.has("per") {
        table.missing("per", "\"day\"", mistakes);
    }
    span(table, mistakes)
}

/// A table `{ per = "month", rides = 60 }`.
pub fn limit(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Limit> {
    let span = needed_span(table, mistakes);
    let rides = table.integer("rides", 0..=i64::from(u32::MAX), mistakes).and_then(|rides| u32::try_from(rides.value).ok());
    let amount_minor = amount(table, "amount_minor", mistakes);
    if !table.has("rides") && !table.has("amount_minor") {
        table.mistake(table.line(), "limits nothing", Some("rides = 60, or amount_minor = 5000"), mistakes);
    }
    table.finish(mistakes);
    Some(Limit { span: span?, rides, amount_minor })
}

/// What a rule makes of a price: one of `percent`, `price_minor`, `off_minor` and, for transfers, `prices_minor`, `off`, `through` and
/// `total_minor`.
pub fn effect(table: &mut Table<'_>, for_transfer: bool, mistakes: &mut Mistakes) -> Option<Effect> {
    let rate = percent(table, "percent", mistakes);
    let price = amount(table, "price_minor", mistakes);
    let off = amount(table, "off_minor", mistakes);
    let (mut against, mut through, mut total) = (None, None, None);
    if for_transfer {
        let words = [
            ("first-list", Against::FirstList),
            ("first-paid", Against::FirstPaid),
            ("last-list", Against::LastList),
            ("last-paid", Against::LastPaid),
            ("dearest-list", Against::DearestList),
            ("all-paid", Against::AllPaid),
        ];
        against = table.choice("off", &words, mistakes);
        through = table.flag("through", mistakes);
        total = amount(table, "total_minor", mistakes);
    }
    let in_places = for_transfer && table.has("prices_minor");
    let keys: &[&str] = if for_transfer {
        &["percent", "price_minor", "prices_minor", "off_minor", "off", "through", "total_minor"]
    } else {
        &["percent", "price_minor", "off_minor"]
    };
    let named = keys.iter().filter(|key| table.has(key)).count();
    let measured = usize::from(for_transfer && table.has("off") && table.has("off_minor"));
    if named == 0 {
        table.mistake(table.line(), "`percent` is missing: what the rider still pays", Some(&format!("one of {}", keys.join(", "))), mistakes);
        return None;
    }
    if named - measured > 1 {
        table.mistake(table.line(), "says in several ways what the rider pays", Some(&format!("keep one of {}", keys.join(", "))), mistakes);
        return None;
    }
    match (rate, price, through) {
        (Some(rate), _, _) => Some(Effect::Rate(rate)),
        (_, Some(minor), _) => Some(Effect::Price { minor }),
        (_, _, Some(true)) => Some(Effect::Through),
        _ if in_places => Some(Effect::Places),
        _ if total.is_some() => total.map(|minor| Effect::Total { minor }),
        _ if off.is_some() || against.is_some() => Some(Effect::Off { minor: off, against }),
        _ => None,
    }
}

/// `round_to_minor` and `rounding`.
pub fn rounding(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Rounding> {
    let to = table.integer("round_to_minor", 1..=WEIGHT_MAX, mistakes);
    let way = table.choice("rounding", &[("half-up", Way::HalfUp), ("down", Way::Down), ("up", Way::Up)], mistakes);
    (to.is_some() || way.is_some()).then(|| Rounding { to_minor: to.map_or(1, |to| to.value), way: way.unwrap_or_default() })
}
