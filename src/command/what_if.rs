//! `what-if`: cleared days under another tariff, as tables, a CSV and a plot. The ledger is only read.

use crate::cli::{Shown, WhatIfArgs};
use crate::explaining::closed_days;
use crate::failure::{EXIT_LOOK, Failure};
use crate::opening;
use crate::output;
use crate::plot;
use crate::progress::Progress;
use crate::what_if::{Compared, Pair, Replaying, Rider, Sums};
use crate::words::{Lang, count, money};
use domain::{Day, SymbolTable};
use engine::scheme::Scheme;
use serde_json::{Value, json};

/// # Errors
/// When the ledger cannot be read, the other tariff has mistakes, or a file cannot be written.
pub fn run(args: &WhatIfArgs, shown: Shown) -> Result<u8, Failure> {
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme, &symbols)?;
    let other = opening::with_tariff(&scheme, &args.tariff, &symbols)?;
    let ledger = opening::ledger_to_read(&args.ledger)?;
    let days: Vec<Day> = closed_days(&ledger);
    if days.is_empty() {
        return Err(Failure::refused("the ledger has no closed day").hint("`tapclear clear` closes one"));
    }
    let service_days = (args.from.unwrap_or(Day(i32::MIN)), args.to.unwrap_or(Day(i32::MAX)));
    let progress = Progress::new(shown.lang);
    progress.step("replaying closed days under the other tariff", "按另一票价重算已关闭的清分日");
    let replaying = Replaying { ledger: &ledger, scheme: &scheme, other: &other, symbols: &symbols, workers: args.workers.count(), days: &days, service_days };
    let compared = replaying.compare()?;
    progress.done();
    if let Some(path) = &args.csv {
        write_csv(&compared, path).map_err(|error| Failure::unwritten(path, &error))?;
    }
    if let Some(path) = &args.svg {
        let bars = bars(&compared, &scheme, &symbols, shown.lang);
        let title = shown.lang.pick("what operators earn: booked, and under the other tariff", "运营单位所得：现行与另一票价");
        let svg = plot::pairs(title, [shown.lang.pick("booked", "现行"), shown.lang.pick("other tariff", "另一票价")], &bars, scheme.minor_digits);
        std::fs::write(path, svg).map_err(|error| Failure::unwritten(path, &error))?;
    }
    if shown.json {
        as_json(&compared, args.riders)?
    } else {
        as_text(&compared, &scheme, &symbols, args.riders, shown.lang)?
    }
    Ok(if compared.unpriced > 0 { EXIT_LOOK } else { 0 })
}

/// Operators by what they earn: those whose earnings change most first.
fn bars(compared: &Compared, scheme: &Scheme, symbols: &SymbolTable, lang: Lang) -> Vec<(String, Pair)> {
    let mut operators: std::collections::BTreeMap<&str, Pair> = std::collections::BTreeMap::new();
    for ((operator, _), sums) in &compared.operators {
        let pair = operators.entry(operator).or_default();
        *pair = Pair { old: pair.old + sums.amount_minor.old, new: pair.new + sums.amount_minor.new };
    }
    let mut bars: Vec<(String, Pair)> = operators.into_iter().map(|(operator, pair)| (party(operator, scheme, symbols, lang), pair)).collect();
    let weight = |pair: &Pair| (pair.difference().abs(), pair.old.max(pair.new));
    bars.sort_by(|(name, pair), (other, than)| weight(than).cmp(&weight(pair)).then_with(|| name.cmp(other)));
    bars.truncate(plot::BARS_MAX);
    bars
}

fn party(id: &str, scheme: &Scheme, symbols: &SymbolTable, lang: Lang) -> String {
    let known = symbols.find(id).and_then(|id| scheme.party(id));
    known.map_or_else(|| id.to_owned(), |party| format!("{id} {}", lang.pick(&party.name_en, &party.name_zh)))
}

/// All tables below each other: `table` says which.
fn write_csv(compared: &Compared, path: &std::path::Path) -> Result<(), csv::Error> {
    let mut file = csv::Writer::from_path(path)?;
    file.write_record([
        "table",
        "name",
        "mode",
        "rides_old",
        "rides_new",
        "list_minor_old",
        "list_minor_new",
        "charged_minor_old",
        "charged_minor_new",
        "amount_minor_old",
        "amount_minor_new",
        "difference_minor",
    ])?;
    for (table, name, mode, sums) in rows(compared) {
        let Sums { rides, list_minor, charged_minor, amount_minor } = sums;
        let numbers = [rides, list_minor, charged_minor, amount_minor].into_iter().flat_map(|pair| [pair.old, pair.new]).chain([amount_minor.difference()]);
        file.write_record([table.to_owned(), name, mode].into_iter().chain(numbers.map(|number| number.to_string())))?;
    }
    file.flush()?;
    Ok(())
}

/// Every row of every table: its table, what it is of, its mode, its sums.
fn rows(compared: &Compared) -> Vec<(&'static str, String, String, Sums)> {
    let mut rows = vec![("all", String::new(), String::new(), compared.all)];
    rows.extend(compared.operators.iter().map(|((operator, mode), sums)| ("operator", operator.clone(), mode.clone(), *sums)));
    rows.extend(compared.modes().into_iter().map(|(mode, sums)| ("mode", String::new(), mode, sums)));
    rows.extend(compared.classes.iter().map(|(class, sums)| ("class", class.clone(), String::new(), *sums)));
    rows.extend(compared.funders.iter().map(|(funder, sums)| ("funder", funder.clone(), String::new(), *sums)));
    rows.extend(compared.rules.iter().map(|(rule, sums)| ("rule", rule.clone(), String::new(), *sums)));
    rows.extend(compared.riders.iter().map(|(account, sums)| ("rider", account.as_str().to_owned(), String::new(), *sums)));
    rows
}

fn as_json(compared: &Compared, riders: usize) -> Result<(), Failure> {
    let pair = |pair: Pair| json!({ "old": pair.old, "new": pair.new, "difference": pair.difference() });
    let sums = |sums: &Sums| json!({ "rides": pair(sums.rides), "list_minor": pair(sums.list_minor), "charged_minor": pair(sums.charged_minor), "amount_minor": pair(sums.amount_minor) });
    let named = |table: &str, key: &str| -> Vec<Value> {
        let own = rows(compared).into_iter().filter(|(of, ..)| *of == table);
        own.map(|(_, name, mode, row)| {
            let mut value = sums(&row);
            if key == "operator" || key == "mode" {
                output::put(&mut value, "mode", json!(mode));
            }
            if key != "mode" {
                output::put(&mut value, key, json!(name));
            }
            value
        })
        .collect()
    };
    let (lose, gain) = compared.most_changed(riders);
    let of_riders = |list: Vec<Rider>| -> Vec<Value> {
        list.iter().map(|(account, row)| json!({ "account": account.as_str(), "charged_minor": pair(row.charged_minor), "rides": pair(row.rides) })).collect()
    };
    output::json(&json!({
        "all": sums(&compared.all), "operators": named("operator", "operator"), "modes": named("mode", "mode"), "classes": named("class", "class"), "funders": named("funder", "funder"),
        "rules": named("rule", "rule"), "riders_lose": of_riders(lose), "riders_gain": of_riders(gain), "unpriced": compared.unpriced,
    }))
}

fn as_text(compared: &Compared, scheme: &Scheme, symbols: &SymbolTable, riders: usize, lang: Lang) -> Result<(), Failure> {
    let id = |text: &str| party(text, scheme, symbols, lang);
    let none = |text: &str| if text.is_empty() { lang.pick("(none)", "（无）").to_owned() } else { text.to_owned() };
    let sheet = TextTables { digits: scheme.minor_digits, lang };
    let operators: Vec<(String, Sums)> = compared.operators.iter().map(|((operator, mode), sums)| (format!("{} {mode}", id(operator)), *sums)).collect();
    sheet.print(("what operators earn, by mode", "运营单位所得（按方式）"), &operators)?;
    let mut modes: Vec<(String, Sums)> = compared.modes().into_iter().map(|(mode, sums)| (none(&mode), sums)).collect();
    modes.push((lang.pick("in all", "合计").to_owned(), compared.all));
    sheet.print(("what all of them earn, by mode", "各方式所得"), &modes)?;
    let named =
        |rows: &std::collections::BTreeMap<String, Sums>, name: &dyn Fn(&str) -> String| rows.iter().map(|(key, sums)| (name(key), *sums)).collect::<Vec<_>>();
    sheet.print(("what riders pay, by class", "乘客所付（按类别）"), &named(&compared.classes, &none))?;
    sheet.print(("who bears discounts", "优惠承担方"), &named(&compared.funders, &id))?;
    sheet.print(("what rules take off", "各规则减免"), &named(&compared.rules, &none))?;
    let (lose, gain) = compared.most_changed(riders);
    let of_riders = |list: Vec<Rider>| list.iter().map(|(account, sums)| (account.as_str().to_owned(), *sums)).collect::<Vec<_>>();
    sheet.print(("riders who would pay most more", "多付最多的乘客"), &of_riders(lose))?;
    sheet.print(("riders who would pay most less", "少付最多的乘客"), &of_riders(gain))?;
    if compared.unpriced > 0 {
        let words = lang.pick("{} rides have no price under the other tariff: it has no base rule for them", "{} 次行程在另一票价下没有适用的基础规则");
        output::line(&format!("\n{}", words.replace("{}", &compared.unpriced.to_string())))?;
    }
    Ok(())
}

/// How tables are shown to a person: rows in which something changes; the others are counted.
struct TextTables {
    digits: u8,
    lang: Lang,
}

impl TextTables {
    fn print(&self, (en, zh): (&str, &str), rows: &[(String, Sums)]) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let lang = self.lang;
        let names = [("", ""), ("rides", "次数"), ("other tariff", "另一票价"), ("booked", "现行"), ("other tariff", "另一票价"), ("difference", "差额")];
        let mut table: Vec<Vec<String>> = vec![names.iter().map(|(en, zh)| lang.pick(en, zh).to_owned()).collect()];
        let (changed, same): (Vec<_>, Vec<_>) = rows.iter().partition(|(_, sums)| sums.changes());
        for (name, sums) in &changed {
            let rides = [sums.rides.old, sums.rides.new].map(|rides| count(u64::try_from(rides).unwrap_or(0)));
            let amounts = [sums.amount_minor.old, sums.amount_minor.new, sums.amount_minor.difference()].map(|minor| money(minor, self.digits));
            table.push([vec![name.clone()], rides.to_vec(), amounts.to_vec()].concat());
        }
        output::heading(lang, en, zh)?;
        if !changed.is_empty() {
            output::table(&table, 1)?;
        }
        if same.is_empty() { Ok(()) } else { output::line(&lang.pick("{} without a change", "{} 项无变化").replace("{}", &same.len().to_string())) }
    }
}
