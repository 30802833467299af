//! The keys that say which rides a rule is for.

use super::Context;
use crate::mistake::Mistakes;
use crate::scheme::guess::{allowed, hint, shown};
use crate::scheme::table::{At, Table};
use crate::tariff::{Condition, Deciding, Scope, ZoneSet};
use domain::{RecordKind, Symbol};

const YEARS_MAX: i32 = 200;

pub fn scope(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Scope {
    let kinds = kinds(table, mistakes);
    let modes = words(table, "modes", context, mistakes);
    let operators = words(table, "operators", context, mistakes);
    Scope { kinds, modes, operators, condition: condition(table, context, mistakes) }
}

fn kinds(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<RecordKind> {
    let mut kinds = Vec::new();
    for kind in table.texts("kinds", mistakes).unwrap_or_default() {
        match RecordKind::from_name(&kind.value) {
            Some(known) => kinds.push(known),
            None => {
                let names = RecordKind::ALL.map(RecordKind::name);
                let todo = hint(&kind.value, names, &allowed(&names));
                table.mistake(Some(kind.line), format!("{} is not a kind of record", shown(&kind.value)), Some(&todo), mistakes);
            }
        }
    }
    kinds
}

/// Names, and names of groups.
pub fn words(table: &mut Table<'_>, key: &str, context: &Context<'_>, mistakes: &mut Mistakes) -> Vec<Symbol> {
    let mut words = Vec::new();
    if let Some(names) = table.texts(key, mistakes) {
        if names.is_empty() {
            table.mistake(table.line(), format!("`{key}` is an empty list"), Some("leave it out to mean any"), mistakes);
        }
        for At { value, .. } in names {
            match context.groups.get(&value) {
                Some(members) => words.extend(members.iter().map(|member| context.symbols.intern(member))),
                None => words.push(context.symbols.intern(&value)),
            }
        }
    }
    words
}

fn condition(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Condition {
    let deciding = [("entry", Deciding::Entry), ("exit", Deciding::Exit), ("both", Deciding::Both), ("either", Deciding::Either)];
    let amount = |table: &mut Table<'_>, key: &str, mistakes: &mut Mistakes| super::words::amount(table, key, mistakes);
    Condition {
        classes: words(table, "classes", context, mistakes),
        not_classes: words(table, "not_classes", context, mistakes),
        media: words(table, "media", context, mistakes),
        not_media: words(table, "not_media", context, mistakes),
        products: words(table, "products", context, mistakes),
        issuers: words(table, "issuers", context, mistakes),
        routes: words(table, "routes", context, mistakes),
        not_routes: words(table, "not_routes", context, mistakes),
        from: words(table, "from_places", context, mistakes),
        to: words(table, "to_places", context, mistakes),
        ages: ages(table, mistakes),
        zones: zones(table, "zones", mistakes),
        touches: zones(table, "touches_zones", mistakes),
        when: periods(table, "when", context, mistakes),
        not_when: periods(table, "not_when", context, mistakes),
        exit_when: periods(table, "exit_when", context, mistakes),
        decided_by: table.choice("decided_by", &deciding, mistakes).unwrap_or_default(),
        complete: table.flag("complete", mistakes),
        list_from_minor: amount(table, "list_from_minor", mistakes),
        list_to_minor: amount(table, "list_to_minor", mistakes),
        tickets: words(table, "tickets", context, mistakes),
    }
}

/// `ages = "60-69"` or `"70+"`.
fn ages(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<(i32, i32)> {
    let text = table.text("ages", mistakes)?;
    let years = |text: &str| text.trim().parse::<i32>().ok().filter(|years| (0..=YEARS_MAX).contains(years));
    let ages = match (text.value.strip_suffix('+'), text.value.split_once('-')) {
        (Some(youngest), _) => years(youngest).map(|youngest| (youngest, YEARS_MAX)),
        (None, Some((youngest, oldest))) => years(youngest).zip(years(oldest)),
        (None, None) => years(&text.value).map(|years| (years, years)),
    };
    if ages.is_none_or(|(youngest, oldest)| youngest > oldest) {
        table.mistake(Some(text.line), format!("`ages` cannot be {}", shown(&text.value)), Some("completed years: \"60-69\", \"70+\""), mistakes);
        return None;
    }
    ages
}

pub fn zones(table: &mut Table<'_>, key: &str, mistakes: &mut Mistakes) -> Option<ZoneSet> {
    let text = table.text(key, mistakes)?;
    let zones = ZoneSet::parse(&text.value);
    if zones.is_none() {
        table.mistake(
            Some(text.line),
            format!("`{key}` cannot be {}", shown(&text.value)),
            Some("zones are numbers from 1 to 63: \"1-3\", \"2\", \"1,4-5\""),
            mistakes,
        );
    }
    zones
}

fn periods(table: &mut Table<'_>, key: &str, context: &Context<'_>, mistakes: &mut Mistakes) -> Vec<usize> {
    let mut positions = Vec::new();
    for name in table.texts(key, mistakes).unwrap_or_default() {
        match context.periods.iter().position(|known| *known == name.value) {
            Some(at) => positions.push(at),
            None => {
                let known = context.periods.iter().map(String::as_str);
                let todo = hint(&name.value, known, "add a [[period]] of that name");
                table.mistake(Some(name.line), format!("{} is not a period of this version", shown(&name.value)), Some(&todo), mistakes);
            }
        }
    }
    positions
}
