//! Seals and proofs that were changed, each so that it says something else than it did.

use crate::dice::Dice;
use serde_json::Value;

/// So many changed texts, each of one of `texts`; none where there are no texts.
pub fn of(dice: &mut Dice, texts: &[String], count: usize) -> Vec<String> {
    let mut changed = Vec::new();
    while changed.len() < count && !texts.is_empty() {
        let text = dice.one_of(texts);
        let mutant = if dice.permille(500) { letter(dice, text) } else { field(dice, text, dice_other(texts, changed.len())) };
        // Some changes of letters change nothing that is said.
        let said = |text: &str| serde_json::from_str::<Value>(text).ok();
        if said(&mutant) != said(text) && !texts.contains(&mutant) {
            changed.push(mutant);
        }
    }
    changed
}

fn dice_other(texts: &[String], at: usize) -> &str {
    &texts[at % texts.len()]
}

/// Another letter at one place.
fn letter(dice: &mut Dice, text: &str) -> String {
    const LETTERS: &[u8] = b"0123456789abcdefABCDEF \"-x+/=";
    let mut bytes = text.as_bytes().to_vec();
    let at = usize::try_from(dice.roll() % bytes.len() as u64).expect("a place");
    bytes[at] = *dice.one_of(LETTERS);
    // A part of a longer letter was hit.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Another value in one field: near the one that was there, or that of another text.
fn field(dice: &mut Dice, text: &str, other: &str) -> String {
    let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let (mut value, other) = (parse(text), parse(other));
    let mut places = Vec::new();
    pointers(&value, String::new(), &mut places);
    let place = dice.one_of(&places).clone();
    let beside = other.pointer(&place).cloned();
    let found = value.pointer_mut(&place).expect("a place of the value");
    match beside.filter(|beside| beside != found && dice.permille(400)) {
        Some(beside) => *found = beside,
        None => *found = near(dice, found),
    }
    // The key may be left out; that is no forgery.
    if value.get("key").is_some_and(Value::is_null) { String::new() } else { value.to_string() }
}

fn near(dice: &mut Dice, value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let number = number.as_i64().unwrap_or_default();
            [Value::from(number.wrapping_add(1)), Value::from(number.wrapping_sub(1)), Value::from(-number), Value::from(number.to_string())]
                .get(usize::try_from(dice.roll() % 4).expect("small"))
                .cloned()
                .expect("one of four")
        }
        Value::String(text) if text.is_empty() => Value::from("A".repeat(44)),
        Value::String(text) => {
            // A path's hashes stand at every 128th letter, three to each.
            let at = usize::try_from(dice.roll() % text.len() as u64).expect("a place");
            let at = (0..=at).rev().find(|&at| text.is_char_boundary(at)).expect("a text begins");
            let (before, after) = text.split_at(at);
            let turned: String = after.chars().rev().collect();
            match dice.roll() % 5 {
                0 => Value::from(before),
                1 => Value::from(format!("{after}{before}")),
                2 => Value::from(format!("{before}{turned}")),
                3 => Value::from(format!("{text}{after}")),
                _ => Value::Null,
            }
        }
        _ => Value::from(0),
    }
}

/// Where values stand that have none below them.
fn pointers(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| pointers(value, format!("{at}/{name}"), places)),
        _ => places.push(at),
    }
}
