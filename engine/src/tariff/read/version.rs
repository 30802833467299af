//! Reading one file: the version's own keys, groups, periods, lines, shares, and its rules.

use super::words::{WEIGHT_MAX, rounding};
use super::{Context, adjust, list_price, scope};
use crate::mistake::Mistakes;
use crate::scheme::guess::{allowed, hint, shown};
use crate::scheme::moment::DATE_HINT;
use crate::scheme::table::{At, Table};
use crate::tariff::check;
use crate::tariff::list_price::Audit;

use crate::tariff::{Adjust, AdjustRule, Base, BasePrice, DayWord, Discount, Period, Share, ShareBy, TimeRange, Version};
use domain::{Day, SymbolTable};
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::path::Path;

/// Marks of a ride: a bit for each rule that is named by others or remembers something.
const BITS_MAX: usize = 64;

pub fn version(table: &mut Table<'_>, file: &str, folder: &Path, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Version> {
    let mut own = Mistakes::default();
    let from = table.text("in_force_from", &mut own).and_then(|text| date(table, &text, &mut own));
    if !table.has("in_force_from") {
        table.missing("in_force_from", "\"2026-01-01\"", &mut own);
    }
    let by_service_day = table.choice("in_force_by", &[("calendar-day", false), ("service-day", true)], &mut own).unwrap_or(false);
    let periods = periods(table, &mut own);
    let names = periods.iter().map(|period| period.name.clone()).collect();
    let mut context = Context { folder, symbols, groups: groups(table, &mut own), periods: names, lines: BTreeMap::new(), bases: Vec::new() };
    let rounding = rounding(table, &mut own).unwrap_or_default();
    let (lines, names) = lines(table, &context, &mut own);
    context.lines = names;
    let bases = bases(table, &context, &mut own);
    context.bases = bases.iter().map(|(base, _)| (base.name.clone(), base.scope.kinds.clone())).collect();
    let adjusts = adjusts(table, &context, &mut own);
    let share = shares(table, &context, &adjusts.iter().map(|(adjust, _)| adjust.name.clone()).collect::<Vec<_>>(), &mut own);
    let (base, base_lines): (Vec<Base>, Vec<Option<u32>>) = bases.into_iter().unzip();
    let (adjust, adjust_lines): (Vec<Adjust>, Vec<Option<u32>>) = adjusts.into_iter().unzip();
    let version = Version { from: from.unwrap_or_default(), by_service_day, base, adjust, share, periods, lines, rounding, ..Version::default() };
    if own.is_empty() {
        check::version(&version, &check::Lines { file, base: &base_lines, adjust: &adjust_lines }, &mut own);
    }
    let good = own.is_empty() && from.is_some();
    mistakes.append(own);
    good.then_some(version)
}

fn date(table: &Table<'_>, text: &At<String>, mistakes: &mut Mistakes) -> Option<Day> {
    let day = text.value.parse::<Day>().ok();
    if day.is_none() {
        table.mistake(Some(text.line), format!("{} is not a date", shown(&text.value)), Some(DATE_HINT), mistakes);
    }
    day
}

/// `[groups]`: names for lists of operators, modes, classes, stations….
fn groups(table: &mut Table<'_>, mistakes: &mut Mistakes) -> BTreeMap<String, Vec<String>> {
    let mut groups = BTreeMap::new();
    if let Some(mut table) = table.table("groups", mistakes) {
        for key in table.keys() {
            let members = table.texts(&key.value, mistakes).unwrap_or_default();
            if members.is_empty() {
                table.mistake(Some(key.line), format!("group `{}` has no members", key.value), Some("a list of texts"), mistakes);
            }
            groups.insert(key.value, members.into_iter().map(|member| member.value).collect());
        }
    }
    groups
}

fn periods(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::new();
    for mut table in table.tables("period", mistakes) {
        let Some(name) = table.text("name", mistakes) else {
            table.missing("name", "\"peak\"", mistakes);
            continue;
        };
        if periods.iter().any(|known| known.name == name.value) {
            table.mistake(Some(name.line), format!("there are two periods `{}`", name.value), Some("several times stand in one period's `times`"), mistakes);
        }
        let days = day_words(&mut table, "days", mistakes);
        let except = day_words(&mut table, "except", mistakes);
        let [dates, not_dates] = ["dates", "not_dates"].map(|key| date_ranges(&mut table, key, mistakes));
        let by_service_day = table.choice("day", &[("calendar", false), ("service", true)], mistakes).unwrap_or(false);
        if by_service_day && days.is_empty() && except.is_empty() && dates.is_empty() && not_dates.is_empty() {
            let message = format!("period `{}` is by service days and names no day", name.value);
            table.mistake(table.line(), message, Some("days = [\"sat\", \"sun\"], or leave `day` out"), mistakes);
        }
        let mut times: Vec<TimeRange> = Vec::new();
        for range in table.texts("times", mistakes).unwrap_or_default() {
            let Some(parsed) = TimeRange::parse(&range.value) else {
                let todo = "\"07:30 to 09:00\" includes both ends; \"06:30 before 09:30\"; \"before 07:00\"; \"from 22:00\"";
                table.mistake(Some(range.line), format!("{} is not a range of times", shown(&range.value)), Some(todo), mistakes);
                continue;
            };
            if times.iter().any(|known| known.has(parsed.from_ms) || parsed.has(known.from_ms)) {
                table.mistake(Some(range.line), format!("{} overlaps a range before it", shown(&range.value)), Some("join the two"), mistakes);
            }
            times.push(parsed);
        }
        if days.is_empty() && except.is_empty() && dates.is_empty() && not_dates.is_empty() && times.is_empty() {
            table.mistake(table.line(), format!("period `{}` is always", name.value), Some("times = [\"07:30 to 09:00\"], days = [\"workday\"]"), mistakes);
        }
        table.finish(mistakes);
        periods.push(Period { name: name.value, by_service_day, days, except, dates, not_dates, times });
    }
    periods
}

/// `dates = ["2026-10-01 to 2026-10-07", "2026-12-24"]`.
fn date_ranges(table: &mut Table<'_>, key: &str, mistakes: &mut Mistakes) -> Vec<(Day, Day)> {
    let mut dates = Vec::new();
    for range in table.texts(key, mistakes).unwrap_or_default() {
        let (first, last) = range.value.split_once(" to ").unwrap_or((&range.value, &range.value));
        match (first.trim().parse::<Day>(), last.trim().parse::<Day>()) {
            (Ok(first), Ok(last)) if first <= last => dates.push((first, last)),
            _ => table.mistake(Some(range.line), format!("{} is not a range of dates", shown(&range.value)), Some("\"2026-10-01 to 2026-10-07\""), mistakes),
        }
    }
    dates
}

fn day_words(table: &mut Table<'_>, key: &str, mistakes: &mut Mistakes) -> Vec<DayWord> {
    let mut words = Vec::new();
    for text in table.texts(key, mistakes).unwrap_or_default() {
        match DayWord::WORDS.iter().find(|(word, _)| *word == text.value) {
            Some(&(_, word)) => words.push(word),
            None => {
                let names = DayWord::WORDS.map(|(word, _)| word);
                let todo = hint(&text.value, names, &allowed(&names));
                table.mistake(Some(text.line), format!("{} is not a kind of day", shown(&text.value)), Some(&todo), mistakes);
            }
        }
    }
    words
}

/// `[[line]]`: routes that are one line, its directions and branches; and the routes of each by its name.
#[allow(clippy::type_complexity, reason = "by route and by name, told apart where they are taken")]
fn lines(
    table: &mut Table<'_>,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> (HashMap<domain::Symbol, u32, foldhash::fast::FixedState>, BTreeMap<String, Vec<String>>) {
    let (mut lines, mut names) = (HashMap::default(), BTreeMap::new());
    for (number, mut table) in (0u32..).zip(table.tables("line", mistakes)) {
        let name = table.text("name", mistakes);
        let routes = table.texts("routes", mistakes).unwrap_or_default();
        names.extend(name.map(|name| (name.value, routes.iter().map(|route| route.value.clone()).collect())));
        if routes.is_empty() {
            table.mistake(table.line(), "a line without routes", Some("routes = [\"5-out\", \"5-back\"]"), mistakes);
        }
        for route in routes {
            if lines.insert(context.symbols.intern(&route.value), number).is_some() {
                table.mistake(Some(route.line), format!("route {} is of two lines", shown(&route.value)), Some("keep it in one of them"), mistakes);
            }
        }
        table.finish(mistakes);
    }
    (lines, names)
}

fn bases(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Vec<(Base, Option<u32>)> {
    let tables = table.tables("base", mistakes);
    if tables.is_empty() {
        table.mistake(Some(1), "no [[base]] rule: nothing has a price", Some("add at least one [[base]]"), mistakes);
    }
    let mut bases: Vec<(Base, Option<u32>)> = Vec::new();
    let mut audited: Vec<(usize, At<String>)> = Vec::new();
    for mut table in tables {
        let Some((base, audit)) = list_price::base(&mut table, context, mistakes) else { continue };
        if bases.iter().any(|(known, _)| known.name == base.name) {
            table.mistake(table.line(), format!("two base rules are called `{}`", base.name), Some("names tell them apart in explanations"), mistakes);
        }
        audited.extend(audit.map(|name| (bases.len(), name)));
        bases.push((base, table.line()));
    }
    for (at, name) in audited {
        let found = bases.iter().position(|(base, _)| base.name == name.value);
        let auditor = found.filter(|&found| matches!(bases.get(found), Some((Base { price: BasePrice::Flat { .. } | BasePrice::Stations(_), .. }, _))));
        let Some(auditor) = auditor else {
            let names: Vec<&str> = bases.iter().map(|(base, _)| base.name.as_str()).collect();
            let todo = hint(&name.value, names.iter().copied(), &allowed(&names));
            table.mistake(Some(name.line), format!("{} is not a base rule with a price of its own", shown(&name.value)), Some(&todo), mistakes);
            continue;
        };
        if let Some((Base { price: BasePrice::Stated { audit, .. }, .. }, _)) = bases.get_mut(at) {
            *audit = Some(Audit::Rule { at: auditor });
        }
    }
    bases
}

fn adjusts(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Vec<(Adjust, Option<u32>)> {
    let mut named = Vec::new();
    for mut table in table.tables("adjust", mistakes) {
        for rule in adjust::adjust(&mut table, context, mistakes) {
            if named.iter().any(|known: &adjust::Named| known.adjust.name == rule.adjust.name) {
                let message = format!("two adjustments are called `{}`", rule.adjust.name);
                table.mistake(rule.line, message, Some("riders' counts go by the name"), mistakes);
            }
            named.push(rule);
        }
    }
    let names: Vec<String> = named.iter().map(|rule| rule.adjust.name.clone()).collect();
    let transfers: Vec<bool> = named.iter().map(|rule| matches!(rule.adjust.rule, AdjustRule::Transfer(_))).collect();
    let mut wanted: Vec<usize> = Vec::new();
    for (at, rule) in named.iter_mut().enumerate() {
        for (list, positions) in [(&rule.unless, &mut rule.adjust.unless), (&rule.only_after, &mut rule.adjust.only_after)] {
            for name in list {
                // A cap with an amount per set of zones is several rules under one name.
                let zoned = format!("{} zones ", name.value);
                let found: Vec<usize> =
                    names.iter().take(at).enumerate().filter(|(_, known)| **known == name.value || known.starts_with(&zoned)).map(|(at, _)| at).collect();
                if found.is_empty() {
                    let todo = hint(&name.value, names.iter().take(at).map(String::as_str), "name an adjustment that stands before this one");
                    table.mistake(Some(name.line), format!("{} is not a rule before this one", shown(&name.value)), Some(&todo), mistakes);
                }
                wanted.extend(&found);
                positions.extend(found);
            }
        }
        if let (Some(name), AdjustRule::Discount(Discount { legs: Some(legs), .. })) = (&rule.journey, &mut rule.adjust.rule) {
            let earlier = || names.iter().zip(&transfers).take(at).enumerate().filter(|(_, (_, is_transfer))| **is_transfer);
            match earlier().find(|(_, (known, _))| **known == name.value) {
                Some((place, _)) => legs.rule = place,
                None => {
                    let todo = hint(&name.value, earlier().map(|(_, (known, _))| known.as_str()), "name a transfer rule that stands before this one");
                    table.mistake(Some(name.line), format!("{} is not a transfer rule before this one", shown(&name.value)), Some(&todo), mistakes);
                }
            }
        }
    }
    let mut bits = 0;
    for (at, rule) in named.iter_mut().enumerate() {
        if wanted.contains(&at) || rule.adjust.rule.remembers() {
            rule.adjust.bit = 1u64.checked_shl(bits).unwrap_or(0);
            bits += 1;
        }
    }
    if bits as usize > BITS_MAX {
        let message = format!("{bits} rules remember something or are named by others; a ride has marks for {BITS_MAX}");
        table.mistake(Some(1), message, Some("caps need no mark; join rules that differ in few words"), mistakes);
    }
    let bits: Vec<u64> = named.iter().map(|rule| rule.adjust.bit).collect();
    let joined = |positions: &[usize]| positions.iter().filter_map(|&at| bits.get(at)).fold(0, |all, bit| all | bit);
    for rule in &mut named {
        rule.adjust.keeps_off = joined(&rule.adjust.unless);
        rule.adjust.waits_for = joined(&rule.adjust.only_after);
    }
    named.into_iter().map(|rule| (rule.adjust, rule.line)).collect()
}

/// `[[share]]`: how what rides bring is shared among operators.
fn shares(table: &mut Table<'_>, context: &Context<'_>, adjusts: &[String], mistakes: &mut Mistakes) -> Vec<Share> {
    let mut shares = Vec::new();
    for mut table in table.tables("share", mistakes) {
        let Some(name) = table.text("name", mistakes) else {
            table.missing("name", "\"joint-line\"", mistakes);
            continue;
        };
        let scope = scope::scope(&mut table, context, mistakes);
        let mut weights = Vec::new();
        for mut part in table.tables("weights", mistakes) {
            let party = part.text("party", mistakes);
            let weight = part.integer("weight", 1..=WEIGHT_MAX, mistakes);
            part.finish(mistakes);
            match (party, weight) {
                (Some(party), Some(weight)) => weights.push((context.symbols.intern(&party.value), weight.value)),
                _ => part.mistake(part.line(), "is not a share", Some("{ party = \"operator-01\", weight = 60 }"), mistakes),
            }
        }
        // Ties of a split go to the lower party id.
        weights.sort_by_key(|&(party, _)| context.symbols.text(party));
        let transfer = table.text("transfer", mistakes);
        let place = transfer.as_ref().and_then(|name| adjusts.iter().position(|known| *known == name.value));
        let words = ["fixed", "list-price", "distance"];
        let by = table.choice("by", &words.map(|word| (word, word)), mistakes);
        if by.is_some_and(|by| by != "fixed") && place.is_none() {
            let todo = "transfer = the name of the transfer rule that joins the rides";
            table.mistake(table.line(), format!("share `{}` does not say which transfer joins its rides", name.value), Some(todo), mistakes);
        }
        if by != Some("fixed")
            && let Some(before) = shares.iter().find(|share: &&Share| share.pools().is_some() && share.pools() == place)
        {
            let both = format!("shares `{}` and `{}` pool the rides of one transfer rule", before.name, name.value);
            table.mistake(table.line(), both, Some("one share for all rides of a run, or a transfer rule for each"), mistakes);
        }
        if by == Some("fixed") && weights.is_empty() {
            table.mistake(
                table.line(),
                format!("share `{}` has no weights", name.value),
                Some("weights = [{ party = \"operator-01\", weight = 60 }]"),
                mistakes,
            );
        }
        if !table.has("by") {
            table.missing("by", "\"list-price\"", mistakes);
        }
        table.finish(mistakes);
        let rule = place.unwrap_or(0);
        let by = match by {
            Some("fixed") => ShareBy::Fixed(weights),
            Some("distance") => ShareBy::Distance { rule },
            Some(_) => ShareBy::ListPrice { rule },
            None => continue,
        };
        shares.push(Share { name: name.value, scope, by });
    }
    shares
}
