//! Reading `[[adjust]]`: what is taken off list prices.

use super::words::{AMOUNT_MAX, MINUTE_MS, amount, effect, funders, limit, minutes, needed_amount, needed_span, percent, rounding};
use super::{Context, scope};
use crate::mistake::Mistakes;
use crate::scheme::guess::{allowed, hint, shown};
use crate::scheme::table::{At, Table};
use crate::tariff::{
    Adjust, AdjustRule, Cap, Changes, Discount, Effect, Incentive, Legs, Nth, Opening, Ordinals, Purse, Rate, Reading, Scope, Span, Stack, Stretch, ThroughBy,
    Tier, TimeRange, Transfer, WindowFrom, ZoneSet,
};
use domain::time::DAY_MS;
use domain::{RecordKind, Symbol};

const RULES: [&str; 8] = ["class", "discount", "transfer", "cap", "day-cap", "tier", "incentive", "surcharge"];
/// A window is at most a week.
const WINDOW_MINUTES_MAX: i64 = 7 * 24 * 60;
const LIMITS_MAX: usize = 8;
/// What one record puts into a purse: sums of them stay in 32 bits for millions of records.
const PURSE_RIDES_MAX: i64 = 1_000;

/// A rule as read: the names that it refers to are looked up when all are known.
pub struct Named {
    pub adjust: Adjust,
    pub line: Option<u32>,
    pub unless: Vec<At<String>>,
    pub only_after: Vec<At<String>>,
    /// The transfer rule whose rides are a journey.
    pub journey: Option<At<String>>,
}

/// The rules that a table stands for: one, or one per set of zones.
pub fn adjust(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Vec<Named> {
    let Some(name) = table.text("name", mistakes) else {
        table.missing("name", "\"students\"", mistakes);
        return Vec::new();
    };
    let Some(word) = table.text("rule", mistakes) else {
        table.missing("rule", "\"discount\"", mistakes);
        return Vec::new();
    };
    let scope = scope::scope(table, context, mistakes);
    let adds = word.value == "surcharge";
    let funders = if adds { Vec::new() } else { funders(table, context, mistakes) };
    let stacks = [("adds", Stack::Adds), ("replaces", Stack::Replaces), ("cheapest", Stack::Cheapest)];
    let stack = table.choice("stack", &stacks, mistakes).unwrap_or_default();
    let unless = table.texts("unless", mistakes).unwrap_or_default();
    let only_after = table.texts("only_after", mistakes).unwrap_or_default();
    let (mut zoned, mut journey) = (Vec::new(), None);
    let rule = match word.value.as_str() {
        "class" | "discount" => {
            let read = discount(table, &scope, (&word.value, &name.value), context, mistakes);
            read.map(|(discount, named)| {
                journey = named;
                AdjustRule::Discount(discount)
            })
        }
        "transfer" => transfer(table, context, mistakes).map(AdjustRule::Transfer),
        "cap" => {
            zoned = zone_amounts(table, mistakes);
            cap(table, !zoned.is_empty(), mistakes).map(AdjustRule::Cap)
        }
        "day-cap" => {
            needed_amount(table, "amount_minor", mistakes).map(|minor| AdjustRule::Cap(Cap { span: Span::Day, amount_minor: Some(minor), rides: None }))
        }
        "tier" => tier(table, mistakes).map(AdjustRule::Tier),
        "incentive" => incentive(table, mistakes).map(AdjustRule::Incentive),
        "surcharge" => surcharge(table, stack, mistakes),
        other => {
            let message = format!("{} is not an adjustment", shown(other));
            table.mistake(Some(word.line), message, Some(&hint(other, RULES, &allowed(&RULES))), mistakes);
            return Vec::new();
        }
    };
    // A cap counts what is paid at its place, which a rule that may lose cannot.
    if stack == Stack::Cheapest && matches!(rule, Some(AdjustRule::Cap(_) | AdjustRule::Incentive(_))) {
        table.mistake(table.line(), "a cap or an incentive cannot be one of several of which the cheapest wins", Some("write it after them"), mistakes);
    }
    let rounding = rounding(table, mistakes);
    if adds && rounding.is_some() {
        table.mistake(table.line(), "a surcharge is of whole units", Some("leave round_to_minor and rounding out"), mistakes);
    }
    table.finish(mistakes);
    let Some(rule) = rule else { return Vec::new() };
    let (for_all, for_class) = (scope.condition.is_empty(), scope.condition.asks_class_only());
    let adjust = Adjust {
        name: name.value,
        scope,
        funders,
        stack,
        unless: Vec::new(),
        only_after: Vec::new(),
        rounding,
        rule,
        slot: 0,
        bit: 0,
        keeps_off: 0,
        waits_for: 0,
        for_all,
        for_class,
    };
    let named = |adjust: Adjust| Named { adjust, line: table.line(), unless: unless.clone(), only_after: only_after.clone(), journey: journey.clone() };
    if zoned.is_empty() {
        return vec![named(adjust)];
    }
    let cap_for = |(text, zones, minor): (String, ZoneSet, i64)| {
        let mut one = adjust.clone();
        one.name = format!("{} zones {text}", adjust.name);
        one.scope.condition.zones = Some(zones);
        (one.for_all, one.for_class) = (false, false);
        if let AdjustRule::Cap(cap) = &mut one.rule {
            cap.amount_minor = Some(minor);
        }
        named(one)
    };
    zoned.into_iter().map(cap_for).collect()
}

fn discount(
    table: &mut Table<'_>,
    scope: &Scope,
    (word, name): (&str, &str),
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> Option<(Discount, Option<At<String>>)> {
    if word == "class" && scope.condition.classes.is_empty() && !table.has("classes") {
        table.mistake(table.line(), format!("`{name}` names no classes"), Some("e.g. classes = [\"student\"]"), mistakes);
    }
    let (nth, legs) = table.table("nth", mistakes).map_or((None, None), |mut nth| self::nth(&mut nth, mistakes));
    let (legs, journey) = legs.unzip();
    let quota = table.table("quota", mistakes).and_then(|mut quota| limit(&mut quota, mistakes));
    let purse = table.table("purse", mistakes).map(|mut purse| self::purse(&mut purse, scope, context, mistakes));
    if quota.is_some() && purse.is_some() {
        table.mistake(table.line(), format!("`{name}` has a quota and a purse"), Some("write a discount for each"), mistakes);
    }
    let minimum_minor = amount(table, "minimum_minor", mistakes);
    let effect = effect(table, false, mistakes);
    if let (Some(Effect::Price { minor }), Some(minimum)) = (effect, minimum_minor)
        && minor <= minimum
    {
        table.mistake(table.line(), "`price_minor` is not above `minimum_minor`", Some("keep price_minor alone"), mistakes);
    }
    let concession = !scope.condition.classes.is_empty() || scope.condition.ages.is_some();
    Some((Discount { effect: effect?, minimum_minor, nth, legs, quota, purse, concession }, journey))
}

/// `purse = { filled_by = [{ base = "ten-rides", rides = 10 }], emptied_by = ["ten-rides-back"] }`.
fn purse(table: &mut Table<'_>, scope: &Scope, context: &Context<'_>, mistakes: &mut Mistakes) -> Purse {
    let base = |table: &Table<'_>, name: &At<String>, mistakes: &mut Mistakes| {
        let found = context.bases.iter().position(|(known, _)| *known == name.value);
        let Some((at, (_, kinds))) = found.and_then(|at| Some((at, context.bases.get(at)?))) else {
            let names: Vec<&str> = context.bases.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("{} is not a base rule", shown(&name.value));
            table.mistake(Some(name.line), message, Some(&hint(&name.value, names.iter().copied(), &allowed(&names))), mistakes);
            return None;
        };
        if kinds.iter().any(|kind| !matches!(kind, RecordKind::Pass | RecordKind::Payment)) {
            let message = format!("base rule `{}` is not for what is bought alone", name.value);
            table.mistake(Some(name.line), message, Some("a purse is filled by records of the kinds pass and payment"), mistakes);
        } else if scope.kinds.is_empty() || scope.kinds.iter().any(|kind| kinds.contains(kind)) {
            let message = format!("the purse would pay for `{}`, which fills it", name.value);
            table.mistake(Some(name.line), message, Some("say which rides are taken from it: kinds = [\"boarding\"]"), mistakes);
        }
        Some(at)
    };
    let mut filled_by = Vec::new();
    for mut part in table.tables("filled_by", mistakes) {
        let name = part.text("base", mistakes);
        let rides = part.integer("rides", 1..=PURSE_RIDES_MAX, mistakes).and_then(|rides| u32::try_from(rides.value).ok());
        let at = name.as_ref().and_then(|name| base(&part, name, mistakes));
        for (key, example) in [("base", "\"ten-rides\""), ("rides", "10")] {
            if !part.has(key) {
                part.missing(key, example, mistakes);
            }
        }
        part.finish(mistakes);
        filled_by.extend(at.zip(rides));
    }
    if !table.has("filled_by") {
        table.missing("filled_by", "[{ base = \"ten-rides\", rides = 10 }]", mistakes);
    }
    let names = table.texts("emptied_by", mistakes).unwrap_or_default();
    let emptied_by: Vec<usize> = names.iter().filter_map(|name| base(table, name, mistakes)).collect();
    let mut all: Vec<usize> = filled_by.iter().map(|&(at, _)| at).chain(emptied_by.iter().copied()).collect();
    let named = all.len();
    all.sort_unstable();
    all.dedup();
    if all.len() != named {
        table.mistake(table.line(), "a base rule fills or empties the purse twice", Some("name it once"), mistakes);
    }
    table.finish(mistakes);
    Purse { filled_by, emptied_by }
}

/// `rule = "surcharge"` with `amount_minor`.
fn surcharge(table: &mut Table<'_>, stack: Stack, mistakes: &mut Mistakes) -> Option<AdjustRule> {
    if table.has("funder") || table.has("funders") {
        table.mistake(table.line(), "a surcharge takes nothing off: nobody funds it", Some("leave the funder out; who earns the ride earns it"), mistakes);
    }
    if stack != Stack::Adds {
        table.mistake(table.line(), "a surcharge is added to what is left, and neither replaces nor competes", Some("leave `stack` out"), mistakes);
    }
    let minor = needed_amount(table, "amount_minor", mistakes)?;
    if minor == 0 {
        table.mistake(table.line(), "a surcharge of nothing", Some("amount_minor = 300 for 3.00"), mistakes);
    }
    Some(AdjustRule::Surcharge { minor })
}

/// `nth = { per = "month", rides = [40, 50, 60] }`, or `from` and `to`; or of a journey, with the transfer rule that makes it.
#[allow(clippy::type_complexity, reason = "one of two, the second with a name that is looked up later")]
fn nth(table: &mut Table<'_>, mistakes: &mut Mistakes) -> (Option<Nth>, Option<(Legs, At<String>)>) {
    let transfer = table.text("transfer", mistakes);
    if let Some(name) = transfer {
        if table.choice("per", &[("journey", ())], mistakes).is_none() && !table.has("per") {
            table.missing("per", "\"journey\"", mistakes);
        }
        return (None, ride_numbers(table, mistakes).map(|ordinals| (Legs { rule: 0, ordinals }, name)));
    }
    let by_journey = table.text("per", &mut Mistakes::default()).is_some_and(|per| per.value == "journey");
    if by_journey {
        let todo = "transfer = the name of a transfer rule before this one";
        table.mistake(table.line(), "does not say which transfer rule joins the rides of a journey", Some(todo), mistakes);
        return (None, None);
    }
    let span = needed_span(table, mistakes);
    let ordinals = ride_numbers(table, mistakes);
    (span.zip(ordinals).map(|(span, ordinals)| Nth { span, ordinals }), None)
}

/// `rides = [40, 50, 60]`, or `from` and `to`.
fn ride_numbers(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Ordinals> {
    let bounds = 1..=i64::from(u32::MAX);
    let rides = table.integers("rides", bounds.clone(), mistakes);
    let from = table.integer("from", bounds.clone(), mistakes);
    let to = table.integer("to", bounds, mistakes);
    let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let ordinals = match (rides, &from, &to) {
        (Some(rides), None, None) => Some(Ordinals::These(rides.into_iter().map(number).collect())),
        (None, None, None) | (Some(_), ..) => {
            table.mistake(table.line(), "does not say which rides", Some("rides = [40, 50, 60], or from = 11, or to = 10"), mistakes);
            None
        }
        (None, from, to) => Some(Ordinals::Between(from.as_ref().map_or(1, |at| number(at.value)), to.as_ref().map_or(u32::MAX, |at| number(at.value)))),
    };
    if let Some(Ordinals::Between(first, last)) = ordinals
        && first > last
    {
        table.mistake(table.line(), "`from` is after `to`: it is for no ride", None, mistakes);
    }
    table.finish(mistakes);
    ordinals
}

fn transfer(table: &mut Table<'_>, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<Transfer> {
    let window_ms = window_ms(table, mistakes);
    let stretch = stretch(table, window_ms, mistakes);
    let froms = [
        ("last-exit", WindowFrom::LastExit),
        ("last-entry", WindowFrom::LastEntry),
        ("first-entry", WindowFrom::FirstEntry),
        ("first-exit", WindowFrom::FirstExit),
    ];
    let rides_max = table.integer("rides_max", 1..=i64::from(u32::MAX), mistakes);
    if rides_max.is_none() && !table.has("rides_max") {
        table.mistake(table.line(), "`rides_max` is missing", Some("how many rides in a row are transfers: rides_max = 1"), mistakes);
    }
    let changes = Changes {
        vehicle: table.flag("other_vehicle", mistakes).unwrap_or(false),
        line: table.flag("other_line", mistakes).unwrap_or(false) || table.has("same_line_after_minutes"),
        line_again_ms: minutes(table, "same_line_after_minutes", mistakes),
        direction: table.flag("not_back", mistakes).unwrap_or(false),
        operator: table.flag("other_operator", mistakes).unwrap_or(false),
        same_operator: table.flag("same_operator", mistakes).unwrap_or(false),
    };
    let through_words = [("own", ThroughBy::Own), ("first", ThroughBy::First), ("dearest", ThroughBy::Dearest)];
    let through_by = table.choice("through_by", &through_words, mistakes).unwrap_or_default();
    if changes.operator && changes.same_operator {
        table.mistake(table.line(), "`other_operator` and `same_operator` exclude each other", Some("keep one of them"), mistakes);
    }
    let transfer = Transfer {
        window_ms: 0,
        stretch,
        window_from: table.choice("window_from", &froms, mistakes).unwrap_or_default(),
        run_ms: minutes(table, "run_minutes", mistakes),
        rides_max: rides_max.and_then(|rides| u32::try_from(rides.value).ok()).unwrap_or(1),
        ordinals: ordinals(table, mistakes).unwrap_or(Ordinals::Between(1, u32::MAX)),
        effect: effect(table, true, mistakes)?,
        prices_minor: table.integers("prices_minor", 0..=AMOUNT_MAX, mistakes).unwrap_or_default(),
        through_by,
        until_exit: table.choice("until", &[("entry", false), ("exit", true)], mistakes).unwrap_or(false),
        pairs: pairs(table, "pairs", context, mistakes),
        operator_pairs: pairs(table, "operator_pairs", context, mistakes),
        ticket_pairs: pairs(table, "ticket_pairs", context, mistakes),
        place_pairs: pairs(table, "place_pairs", context, mistakes),
        line_pairs: pairs(table, "line_pairs", context, mistakes),
        changes,
        opening: table.choice("opened_by", &[("any", Opening::Any), ("paid", Opening::Paid)], mistakes).unwrap_or_default(),
        asks_legs: false,
    };
    if matches!(transfer.ordinals, Ordinals::Between(first, _) if first > transfer.rides_max) {
        table.mistake(table.line(), "`transfers` are beyond `rides_max`: it is for none", Some("raise rides_max"), mistakes);
    }
    if table.has("prices_minor") && transfer.prices_minor.is_empty() {
        table.mistake(
            table.line(),
            "`prices_minor` is an empty list",
            Some("the price of the first transfer, the second…: prices_minor = [150, 100]"),
            mistakes,
        );
    }
    if i64::try_from(transfer.prices_minor.len()).is_ok_and(|prices| prices > i64::from(transfer.rides_max)) {
        let message = format!("{} prices for {} transfers in a row", transfer.prices_minor.len(), transfer.rides_max);
        table.mistake(table.line(), message, Some("a price for each, or a larger rides_max"), mistakes);
    }
    if table.has("through_by") && transfer.effect != Effect::Through {
        table.mistake(table.line(), "`through_by` says who makes one fare of all legs, and there is none", Some("through = true"), mistakes);
    }
    if transfer.run_ms.is_some() && transfer.window_from == WindowFrom::FirstExit {
        table.mistake(table.line(), "`run_minutes` counts from the first entry, the window from the first exit", Some("keep one of the two"), mistakes);
    }
    Some(Transfer { window_ms: window_ms?, asks_legs: transfer.names_legs(), ..transfer })
}

/// `transfers = "1"`, `"2-3"` or `"4+"`: those of a run that the rule prices.
fn ordinals(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Ordinals> {
    let text = table.text("transfers", mistakes)?;
    let number = |text: &str| text.trim().parse::<u32>().ok().filter(|&number| number > 0);
    let bounds = match (text.value.strip_suffix('+'), text.value.split_once('-')) {
        (Some(first), _) => number(first).map(|first| (first, u32::MAX)),
        (None, Some((first, last))) => number(first).zip(number(last)),
        (None, None) => number(&text.value).map(|only| (only, only)),
    };
    let Some((first, last)) = bounds.filter(|(first, last)| first <= last) else {
        let message = format!("`transfers` cannot be {}", shown(&text.value));
        table.mistake(Some(text.line), message, Some("which transfers of a run: \"1\", \"2-3\", \"4+\""), mistakes);
        return None;
    };
    Some(Ordinals::Between(first, last))
}

/// `window_minutes`, or `window_seconds` for one that is not of whole minutes.
fn window_ms(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<i64> {
    let minutes = table.integer("window_minutes", 1..=WINDOW_MINUTES_MAX, mistakes).map(|minutes| minutes.value * MINUTE_MS);
    let seconds = table.integer("window_seconds", 1..=WINDOW_MINUTES_MAX * 60, mistakes).map(|seconds| seconds.value * 1000);
    match (table.has("window_minutes"), table.has("window_seconds")) {
        (false, false) => table.missing("window_minutes", "120", mistakes),
        (true, true) => table.mistake(table.line(), "names `window_minutes` and `window_seconds`", Some("keep one of them"), mistakes),
        _ => {}
    }
    minutes.or(seconds)
}

/// `window_rounded_to_minutes = 60`, `window_until = "18:00 to 03:00"`.
fn stretch(table: &mut Table<'_>, window_ms: Option<i64>, mistakes: &mut Mistakes) -> Option<Stretch> {
    let rounded_to = table.integer("window_rounded_to_minutes", 1..=DAY_MS / MINUTE_MS, mistakes);
    if let Some(minutes) = rounded_to.as_ref().filter(|minutes| DAY_MS % (minutes.value * MINUTE_MS) != 0) {
        let message = format!("{} minutes do not divide a day", minutes.value);
        table.mistake(Some(minutes.line), message, Some("the full hour: window_rounded_to_minutes = 60"), mistakes);
    }
    let text = table.text("window_until", mistakes);
    let until = text.as_ref().and_then(|text| TimeRange::parse(&text.value));
    if let Some(text) = text.filter(|_| until.is_none()) {
        let todo = "a window that begins at 18:00 or later lasts to 03:00: \"18:00 to 03:00\"";
        table.mistake(Some(text.line), format!("{} is not a range of times", shown(&text.value)), Some(todo), mistakes);
    }
    if rounded_to.is_none() && until.is_none() {
        return None;
    }
    if window_ms.is_some_and(|ms| ms > WINDOW_MINUTES_MAX * MINUTE_MS - Stretch::MAX_MS) {
        let todo = format!("at most {} minutes, as it may last a day longer", WINDOW_MINUTES_MAX - Stretch::MAX_MS / MINUTE_MS);
        table.mistake(table.line(), "a window of a week would last even longer", Some(&todo), mistakes);
    }
    Some(Stretch { rounded_to_ms: rounded_to.map(|minutes| minutes.value * MINUTE_MS), until })
}

/// `pairs = ["bus > metro", "bus > bus"]`; either side may be a group. Of `line_pairs` a side is a line, which stands for its
/// routes, or a route.
fn pairs(table: &mut Table<'_>, key: &str, context: &Context<'_>, mistakes: &mut Mistakes) -> Vec<(Symbol, Symbol)> {
    let example = match key {
        "place_pairs" => "before and after: \"station:101 > station:205\"",
        "line_pairs" => "before and after: \"5 > 7\"",
        _ => "before and after: \"bus > metro\"",
    };
    let mut pairs = Vec::new();
    for pair in table.texts(key, mistakes).unwrap_or_default() {
        let side = |text: &str| -> Vec<Symbol> {
            let alone = [text.to_owned()];
            let members = context.groups.get(text).map_or(&alone[..], Vec::as_slice);
            let routes = |member: &String| context.lines.get(member).filter(|_| key == "line_pairs").cloned().unwrap_or_else(|| vec![member.clone()]);
            members.iter().flat_map(routes).map(|word| context.symbols.intern(&word)).collect()
        };
        match pair.value.split_once('>').map(|(before, now)| (before.trim(), now.trim())).filter(|(before, now)| !before.is_empty() && !now.is_empty()) {
            Some((before, now)) => {
                let (was, now) = (side(before), side(now));
                for place in was.iter().chain(&now).filter(|_| key == "place_pairs") {
                    let code = context.symbols.text(*place);
                    if !code.contains(':') {
                        table.mistake(Some(pair.line), format!("{} is not a place", shown(&code)), Some("its kind and code: \"station:101\""), mistakes);
                    }
                }
                pairs.extend(was.into_iter().flat_map(|before| now.iter().map(move |&now| (before, now))));
            }
            None => table.mistake(Some(pair.line), format!("{} is not a pair", shown(&pair.value)), Some(example), mistakes),
        }
    }
    pairs
}

fn cap(table: &mut Table<'_>, zoned: bool, mistakes: &mut Mistakes) -> Option<Cap> {
    let span = needed_span(table, mistakes);
    let amount_minor = amount(table, "amount_minor", mistakes);
    let rides = table.integer("rides", 1..=i64::from(u32::MAX), mistakes).and_then(|rides| u32::try_from(rides.value).ok());
    if !zoned && !table.has("amount_minor") && !table.has("rides") && !table.has("amounts") {
        table.mistake(table.line(), "caps nothing", Some("amount_minor = 2000, or rides = 12"), mistakes);
        return None;
    }
    Some(Cap { span: span?, amount_minor, rides })
}

/// `amounts = [{ zones = "1-2", amount_minor = 890 }, …]`: a cap for each, for the rides that stay within its zones.
fn zone_amounts(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Vec<(String, ZoneSet, i64)> {
    let mut amounts: Vec<(String, ZoneSet, i64)> = Vec::new();
    for mut part in table.tables("amounts", mistakes) {
        let text = part.text("zones", mistakes);
        let zones = scope::zones(&mut part, "zones", mistakes);
        let minor = needed_amount(&mut part, "amount_minor", mistakes);
        if !part.has("zones") {
            part.missing("zones", "\"1-2\"", mistakes);
        }
        part.finish(mistakes);
        if let (Some(text), Some(zones), Some(minor)) = (text, zones, minor) {
            for (other, earlier, earlier_minor) in &amounts {
                if *earlier == zones {
                    part.mistake(Some(text.line), format!("zones {} have two caps", text.value), Some("keep one of them"), mistakes);
                } else if earlier.is_within(zones) && minor < *earlier_minor || zones.is_within(*earlier) && *earlier_minor < minor {
                    let (more, fewer) = if zones.is_within(*earlier) { (other, &text.value) } else { (&text.value, other) };
                    let message = format!("zones {more} cost less than zones {fewer}, which are part of them");
                    part.mistake(Some(text.line), message, Some("a cap for more zones is not lower"), mistakes);
                }
            }
            amounts.push((text.value, zones, minor));
        }
    }
    // What the cap of a smaller set cuts off counts in no larger one.
    amounts.sort_by_key(|(_, zones, _)| zones.0.count_ones());
    amounts
}

fn tier(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Tier> {
    let span = needed_span(table, mistakes);
    let mut steps: Vec<(i64, Rate)> = Vec::new();
    for mut step in table.tables("steps", mistakes) {
        let from = needed_amount(&mut step, "from_minor", mistakes);
        let rate = percent(&mut step, "percent", mistakes);
        if !step.has("percent") {
            step.missing("percent", "\"90\"", mistakes);
        }
        step.finish(mistakes);
        if let (Some(from), Some(rate)) = (from, rate) {
            if steps.last().is_some_and(|&(before, _)| before >= from) {
                step.mistake(step.line(), "does not begin after the step before", Some("steps go upwards"), mistakes);
            }
            steps.push((from, rate));
        }
    }
    match steps.first() {
        Some((0, _)) => {}
        Some(_) => table.mistake(table.line(), "the first step does not begin at 0", Some("{ from_minor = 0, percent = \"100\" }"), mistakes),
        None => {
            table.mistake(
                table.line(),
                "has no steps",
                Some("steps = [{ from_minor = 0, percent = \"100\" }, { from_minor = 10000, percent = \"80\" }]"),
                mistakes,
            );
        }
    }
    let reading = table.choice("reading", &[("before", Reading::Before), ("marginal", Reading::Marginal)], mistakes).unwrap_or_default();
    let counts_list = table.choice("counts", &[("paid", false), ("list", true)], mistakes).unwrap_or(false);
    Some(Tier { span: span?, steps, reading, counts_list })
}

fn incentive(table: &mut Table<'_>, mistakes: &mut Mistakes) -> Option<Incentive> {
    let mut limits = Vec::new();
    for mut part in table.tables("limits", mistakes) {
        limits.extend(limit(&mut part, mistakes));
    }
    if limits.len() > LIMITS_MAX {
        table.mistake(table.line(), format!("{} limits; an account's state has room for {LIMITS_MAX}", limits.len()), None, mistakes);
        limits.truncate(LIMITS_MAX);
    }
    Some(Incentive {
        effect: effect(table, false, mistakes)?,
        ride_max_minor: amount(table, "ride_max_minor", mistakes),
        limits,
        budget_minor: amount(table, "budget_minor", mistakes),
    })
}
