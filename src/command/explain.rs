//! `explain`: why a line of a published file says what it says, down to the source file's rows. Changes nothing.

mod asked;
mod odd;

use crate::cli::{ExplainArgs, Shown};
use crate::explaining::line::{Explained, Priced, RideLine, Why, explain_all};
use crate::explaining::{Booked, Explaining, Origin, id_text};
use crate::failure::{EXIT_LOOK, Failure};
use crate::opening;
use crate::output;
use crate::output::hex;
use crate::steps::{Shower, discounts_json, fact, flag_names};
use crate::terms::term;
use crate::words::{Lang, money};
use asked::{Asked, SUMMARY, Sum, asked};
use domain::{Decision, Entry, Flags, Outcome, Reason, Record, Role, Symbol, SymbolTable};
use engine::scheme::{FeeBasis, FeePer, Scheme};
use ledger::Ledger;
use serde_json::{Value, json};
use settlement::{Composed, LineFile, SummaryRow};

/// # Errors
/// When the ledger cannot be read, or what is asked for is not in it.
pub fn run(args: &ExplainArgs, shown: Shown) -> Result<u8, Failure> {
    let symbols = SymbolTable::new();
    let schemes = args.scheme.iter().map(|dir| opening::scheme(dir, &symbols)).collect::<Result<Vec<Scheme>, Failure>>()?;
    let ledger = opening::ledger_to_read(&args.ledger)?;
    let explaining = Explaining { ledger: &ledger, schemes: &schemes, symbols: &symbols, workers: args.workers.count() };
    let Asked { items, sums } = asked(args, &explaining)?;
    let explained = explain_all(&explaining, items)?;
    if shown.json {
        let lines: Vec<Value> = explained.iter().map(|one| one.json(&explaining, shown.lang)).collect();
        let sums: Vec<Value> = sums.iter().map(sum_json).collect();
        output::json(&json!({ "lines": lines, "sums": sums }))?;
    } else {
        for (at, one) in explained.iter().enumerate() {
            if at > 0 {
                output::line("")?;
            }
            one.print(&explaining, shown.lang)?;
        }
        sums.iter().try_for_each(|sum| print_sum(sum, explaining.scheme_of(sum.day).0.minor_digits, shown.lang))?;
    }
    Ok(if explained.iter().all(|one| one.agrees) { 0 } else { EXIT_LOOK })
}

/// A leg of an entry: party, product, account, amount; a debit is positive.
type Leg = (String, String, Role, i64);

impl Explained {
    fn decision(&self) -> Option<&Decision> {
        match &self.why {
            Why::Fee(_) | Why::Oddity(_) => None,
            Why::Not(decision) | Why::Part(decision, _) | Why::Refund { decision, .. } => Some(decision),
            Why::Ride(line) => Some(&line.decision),
        }
    }

    fn shower<'a>(&self, explaining: &Explaining<'a>, lang: Lang) -> Shower<'a> {
        Shower { scheme: explaining.scheme_of(self.day).0, symbols: explaining.symbols, lang }
    }

    /// What the line posts.
    fn entry(&self, shower: Shower<'_>) -> Vec<Leg> {
        let text = |symbol: Symbol| shower.symbols.text(symbol).to_string();
        match &self.why {
            Why::Fee(fee) => {
                let minor = fee.difference_minor();
                vec![(fee.earner.clone(), fee.product.clone(), Role::Payable, minor), (text(shower.scheme.hub), fee.product.clone(), Role::FeeIncome, -minor)]
            }
            _ => self.decision().map_or_else(Vec::new, |decision| {
                let entry = Entry::of(decision, shower.scheme.hub);
                entry.postings().iter().map(|leg| (text(leg.account.party), text(leg.account.product), leg.account.role, leg.amount_minor)).collect()
            }),
        }
    }

    fn json(&self, explaining: &Explaining<'_>, lang: Lang) -> Value {
        let shower = self.shower(explaining, lang);
        let place =
            self.place.as_ref().map(|place| json!({ "day": place.day.to_string(), "party": place.party, "file": place.file.name(), "line": place.line }));
        let entry: Vec<Value> = self
            .entry(shower)
            .into_iter()
            .map(|(party, product, role, minor)| json!({ "party": party, "product": product, "account": role.name(), "debit_minor": minor.max(0), "credit_minor": (-minor).max(0) }))
            .collect();
        let records: Vec<Value> = self.records.iter().map(|(part, record, origins)| record_json(part, record, origins, explaining)).collect();
        let mut value = json!({
            "line": place, "day": self.day.to_string(), "same_scheme": self.same_scheme, "agrees": self.agrees, "entry": entry, "records": records,
        });
        if let Some(decision) = self.decision() {
            output::put(&mut value, "record_id", json!(id_text(decision.record.id(), explaining.symbols)));
            output::put(&mut value, "outcome", json!(decision.reason.outcome().name()));
            output::put(&mut value, "reason", json!(decision.reason.number()));
            output::put(&mut value, "reason_name", json!(decision.reason.name()));
            output::put(&mut value, "flags", json!(flag_names(decision.flags)));
            output::put(&mut value, "service_day", json!(decision.service_day.to_string()));
            output::put(
                &mut value,
                "booked",
                json!({
                    "list_minor": decision.list_minor, "charged_minor": decision.charged_minor, "fee_minor": decision.fee_minor,
                    "discounts": discounts_json(&decision.discounts, explaining.symbols),
                }),
            );
            output::put(&mut value, "fee_rule", fee_rule_json(decision, shower));
        }
        match &self.why {
            Why::Fee(fee) => {
                output::put(
                    &mut value,
                    "service_day_fee",
                    json!({
                        "earner": fee.earner, "issuer": fee.issuer, "product": fee.product, "service_day": fee.service_day.to_string(),
                        "charged_minor": fee.charged_minor, "earned_minor": fee.earned_minor, "fee_minor_old": fee.old_minor, "fee_minor_new": fee.new_minor,
                    }),
                );
            }
            Why::Oddity(oddity) => {
                output::put(&mut value, "record_id", json!(oddity.record.id));
                output::put(&mut value, "outcome", json!("flagged"));
                output::put(&mut value, "reason", json!(oddity.number));
                output::put(&mut value, "oddity", odd::json(oddity));
            }
            Why::Not(decision) => output::put(&mut value, "held_since", json!(decision.held_since.to_string())),
            Why::Part(_, decides) => output::put(&mut value, "part_of", json!(decides.map(|id| id_text(id, explaining.symbols)))),
            Why::Refund { original, .. } => {
                output::put(&mut value, "original", json!(original.as_ref().map(|(id, booked)| json!({ "record_id": id_text(*id, explaining.symbols), "list_minor": booked.list_minor, "charged_minor": booked.charged_minor, "fee_minor": booked.fee_minor, "discounts": discounts_json(&booked.discounts, explaining.symbols) }))));
            }
            Why::Ride(line) => {
                output::put(&mut value, "price", json!(line.now.as_ref().map(|told| told.steps(&line.booked).json(shower))));
                if let Some((booked, told)) = &line.before {
                    let old = told.as_ref().map(|told| told.steps(booked).json(shower));
                    output::put(
                        &mut value,
                        "before",
                        json!({ "list_minor": booked.list_minor, "charged_minor": booked.charged_minor, "fee_minor": booked.fee_minor, "price": old }),
                    );
                }
                let parts = line.now.iter().flat_map(|told| &told.ride.parts);
                output::put(
                    &mut value,
                    "shares",
                    parts.map(|part| json!({ "party": &*explaining.symbols.text(part.party), "amount_minor": part.amount_minor })).collect::<Vec<Value>>(),
                );
            }
        }
        value
    }

    fn print(&self, explaining: &Explaining<'_>, lang: Lang) -> Result<(), Failure> {
        let shower = self.shower(explaining, lang);
        let digits = shower.scheme.minor_digits;
        if let Some(place) = &self.place {
            output::line(&format!(
                "{} {} {} {} {}",
                place.day,
                place.party,
                place.file.name(),
                lang.pick("line", "第"),
                format_args!("{}{}", place.line, lang.pick("", " 行"))
            ))?;
        }
        if let Some(decision) = self.decision() {
            let record = &decision.record;
            let flags: Vec<&str> = flag_names(decision.flags).into_iter().map(|name| term(lang, name)).collect();
            let outcome = format!(
                "{} {}",
                term(lang, decision.reason.outcome().name()),
                if decision.reason == Reason::Cleared { String::new() } else { reason_words(decision.reason, lang) }
            );
            let words = [
                id_text(record.id(), explaining.symbols),
                term(lang, record.kind.name()).to_owned(),
                shower.moment(record.time),
                shower.place(record.location),
                outcome.trim_end().to_owned(),
                format!("{} {}", lang.pick("on clearing day", "清分日"), self.day),
                format!("{} {}", lang.pick("service day", "运营日"), decision.service_day),
                flags.join(", "),
            ];
            output::line(&words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("  "))?;
        }
        match &self.why {
            Why::Fee(fee) => {
                let words = lang.pick(
                    "fee of service day {day} for {issuer}, {product}: of {charged} charged and {earned} earned; {old} before, {new} now",
                    "运营日 {day} 手续费，{issuer}，{product}：收费 {charged}，所得 {earned}；此前 {old}，现为 {new}",
                );
                let amounts = [("{charged}", fee.charged_minor), ("{earned}", fee.earned_minor), ("{old}", fee.old_minor), ("{new}", fee.new_minor)];
                let mut words = words.replace("{day}", &fee.service_day.to_string()).replace("{issuer}", &fee.issuer).replace("{product}", &fee.product);
                amounts.into_iter().for_each(|(key, minor)| words = words.replace(key, &money(minor, digits)));
                output::line(&words)?;
            }
            Why::Oddity(oddity) => odd::lines(oddity, shower).iter().try_for_each(|line| output::line(line))?,
            Why::Not(decision) => {
                let words = lang.pick("held since clearing day", "自清分日起挂起：");
                if decision.reason.outcome() == Outcome::Held {
                    output::line(&format!("{words} {}", decision.held_since))?;
                }
            }
            Why::Part(_, Some(decides)) => output::line(&format!(
                "{} {}",
                lang.pick("part of the ride that this record decides:", "属于由该记录定价的行程："),
                id_text(*decides, explaining.symbols)
            ))?,
            Why::Part(_, None) => output::line(lang.pick("no price of its own", "本身不计价"))?,
            Why::Refund { decision, original } => match original {
                Some((id, booked)) => {
                    let words = lang.pick(
                        "gives back {back} of {charged} that were charged for {id}, and every funder its part",
                        "退回 {id} 所收 {charged} 中的 {back}，各承担方按比例退回",
                    );
                    output::line(
                        &words
                            .replace("{back}", &money(-decision.charged_minor, digits))
                            .replace("{charged}", &money(booked.charged_minor, digits))
                            .replace("{id}", &id_text(*id, explaining.symbols)),
                    )?;
                }
                None => output::line(lang.pick("its original is not among the closed days", "原交易不在已关闭的清分日中"))?,
            },
            Why::Ride(line) => print_price(line, shower)?,
        }
        if let Some(words) = self.decision().and_then(|decision| fee_words(decision, shower)) {
            output::line(&words)?;
        }
        if !self.agrees {
            let words = lang.pick("the scheme given does not come to what the ledger says", "所给方案得不出账本所记的金额");
            let more = lang.pick("closed under another one: name that with --scheme", "该日按另一方案关闭：请用 --scheme 指定");
            output::line(&if self.same_scheme { words.to_owned() } else { format!("{words}; {more}") })?;
        }
        let legs = self.entry(shower);
        if !legs.is_empty() {
            output::heading(lang, "entry", "分录")?;
            let side = |minor: i64| if minor > 0 { lang.pick("debit", "借") } else { lang.pick("credit", "贷") };
            let row = |(party, product, role, minor): Leg| {
                vec![party, product, term(lang, role.name()).to_owned(), side(minor).to_owned(), money(minor.abs(), digits)]
            };
            output::table(&legs.into_iter().map(row).collect::<Vec<_>>(), 4)?;
        }
        if !self.records.is_empty() {
            output::heading(lang, "records", "原始记录")?;
            for (_, record, origins) in &self.records {
                print_record(record, origins, explaining, shower)?;
            }
        }
        Ok(())
    }
}

fn print_price(line: &RideLine, shower: Shower<'_>) -> Result<(), Failure> {
    let lang = shower.lang;
    let digits = shower.scheme.minor_digits;
    let show = |told: &Option<Priced>, booked: &Booked| -> Result<(), Failure> {
        let Some(told) = told else {
            return output::line(lang.pick("no ride (any more): what it was part of is priced elsewhere", "不（再）是行程：已并入其他行程计价"));
        };
        let steps = told.steps(booked);
        output::table(&steps.rows(shower, &|key| fact(key, &told.known, &told.entry, shower)), 3)?;
        output::line(&steps.sum(shower))
    };
    if let Some((booked, told)) = &line.before {
        output::line(lang.pick("before, as settled so far:", "更正前（已结算）："))?;
        show(told, booked)?;
        output::line(lang.pick("now:", "更正后："))?;
    }
    show(&line.now, &line.booked)?;
    if line.decision.flags.has(Flags::SHARE) {
        for discount in line.decision.discounts.iter().filter(|discount| discount.amount_minor != 0) {
            let words = lang.pick("{from} hands on {amount} of it to {to}", "{from} 将其中 {amount} 分给 {to}");
            let words = words.replace("{from}", &shower.party(discount.funder)).replace("{amount}", &money(discount.amount_minor, digits));
            output::line(&words.replace("{to}", &shower.party(line.decision.earner)))?;
        }
    }
    Ok(())
}

fn print_record(record: &Record, origins: &[Origin], explaining: &Explaining<'_>, shower: Shower<'_>) -> Result<(), Failure> {
    let lang = shower.lang;
    output::line(&format!("{}  {}  {}", id_text(record.id(), explaining.symbols), term(lang, record.kind.name()), shower.moment(record.time)))?;
    for origin in origins {
        let file = file_of_id(explaining.ledger, origin.file);
        let (name, digest) = file.map_or((String::new(), String::new()), |file| (file.name.clone(), hex(&file.digest)));
        let other = if same_as_taken(record, &origin.record) { "" } else { lang.pick("  another version of it", "  另一版本") };
        let repeat = if origin.repeat { lang.pick("  seen before", "  重复") } else { "" };
        output::line(format!("  {name} {} {} {other}{repeat}", lang.pick("row", "行"), origin.row).trim_end())?;
        output::line(&format!("    BLAKE3 {digest}"))?;
        output::line(&format!("    {} {} {}", lang.pick("journal block", "日志区块"), origin.height, origin.payload_digest))?;
    }
    Ok(())
}

fn file_of_id(ledger: &Ledger, id: u32) -> Option<&ledger::FileInfo> {
    ledger.files().iter().find(|file| file.id == id)
}

/// Whether a decided record is this one as it was taken in: how it arrived is not part of what is decided.
fn same_as_taken(decided: &Record, taken: &Record) -> bool {
    decided.same_content(taken)
}

fn record_json(part: &str, record: &Record, origins: &[Origin], explaining: &Explaining<'_>) -> Value {
    let text = |symbol: Symbol| explaining.symbols.text(symbol).to_string();
    let copies: Vec<Value> = origins
        .iter()
        .map(|origin| {
            let file = file_of_id(explaining.ledger, origin.file);
            json!({
                "day": origin.day.to_string(), "file": origin.file, "name": file.map(|file| &file.name), "sender": file.map(|file| &file.sender),
                "digest": file.map(|file| hex(&file.digest)), "row": origin.row, "repeat": origin.repeat, "same_content": same_as_taken(record, &origin.record),
                "block": origin.height, "payload_digest": origin.payload_digest,
            })
        })
        .collect();
    json!({
        "part": part, "record_id": id_text(record.id(), explaining.symbols), "kind": record.kind.name(), "event_time_ms": record.time.0, "terminal": text(record.terminal),
        "location": text(record.location), "amount_minor": record.amount_minor, "copies": copies,
    })
}

fn reason_words(reason: Reason, lang: Lang) -> String {
    format!("{} {}", reason.number(), lang.pick(reason.name(), reason.name_zh()))
}

/// The rule that a line's own fee is by.
fn fee_rule_json(decision: &Decision, shower: Shower<'_>) -> Value {
    let rule = shower.scheme.fees.rule(decision.earner, decision.issuer, decision.product, decision.service_day);
    json!(rule.map(|rule| {
        let per = if rule.per == FeePer::Record { "record" } else { "service-day" };
        let basis = if rule.basis == FeeBasis::Charged { "charged" } else { "earned" };
        json!({ "rate": format!("{}/{}", rule.rate_numerator, rule.rate_denominator), "flat_minor": rule.flat_minor, "basis": basis, "per": per })
    }))
}

fn fee_words(decision: &Decision, shower: Shower<'_>) -> Option<String> {
    let rule = shower.scheme.fees.rule(decision.earner, decision.issuer, decision.product, decision.service_day)?;
    if !decision.flags.has(Flags::RIDE) {
        return None;
    }
    let lang = shower.lang;
    let digits = shower.scheme.minor_digits;
    if rule.per == FeePer::ServiceDay {
        return Some(lang.pick("its fee is reckoned over the service day: see adjustments.csv", "手续费按运营日合计：见 adjustments.csv").to_owned());
    }
    let basis = if rule.basis == FeeBasis::Charged { lang.pick("of what was charged", "按收费") } else { lang.pick("of what was earned", "按所得") };
    let flat = if rule.flat_minor == 0 { String::new() } else { format!(" + {}", money(rule.flat_minor, digits)) };
    let (numerator, denominator) = (rule.rate_numerator, rule.rate_denominator);
    Some(format!("{} {}: {numerator}/{denominator} {basis}{flat}", lang.pick("fee", "手续费"), money(decision.fee_minor, digits)))
}

/// Numbers as ranges, both ends included.
fn ranges(numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

fn sum_json(sum: &Sum) -> Value {
    let Composed { row, detail, adjustments, unlisted } = &sum.composed;
    let SummaryRow { role, product, counterparty, entry, funder, rides, list_minor, discount_minor, charged_minor, fee_minor, net_minor } = row;
    json!({
        "line": { "day": sum.day.to_string(), "party": sum.party, "file": SUMMARY, "line": sum.line },
        "role": role, "product": product, "counterparty": counterparty, "entry": entry, "funder": funder, "rides": rides, "list_minor": list_minor,
        "discount_minor": discount_minor, "charged_minor": charged_minor, "fee_minor": fee_minor, "net_minor": net_minor,
        "detail_lines": ranges(detail), "adjustments_lines": ranges(adjustments), "unlisted": unlisted,
    })
}

/// Ranges of lines that are shown to a person.
const RANGES_SHOWN: usize = 20;

fn print_sum(sum: &Sum, digits: u8, lang: Lang) -> Result<(), Failure> {
    let Composed { row, detail, adjustments, unlisted } = &sum.composed;
    output::line(&format!("{} {} {SUMMARY} {} {}{}", sum.day, sum.party, lang.pick("line", "第"), sum.line, lang.pick("", " 行")))?;
    let words = [row.role, &row.product, &row.counterparty, row.entry, &row.funder];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    output::line(&format!("{}  {} {}", words.join("  "), lang.pick("net", "净额"), money(row.net_minor, digits)))?;
    let listed = |numbers: &[u64]| -> String {
        let one = |(first, last): (u64, u64)| if first == last { first.to_string() } else { format!("{first}-{last}") };
        let ranges = ranges(numbers);
        let more = if ranges.len() > RANGES_SHOWN { lang.pick(", … (all with --json)", "……（全部见 --json）") } else { "" };
        format!("{}{more}", ranges.into_iter().take(RANGES_SHOWN).map(one).collect::<Vec<_>>().join(", "))
    };
    for (file, numbers) in [(LineFile::Detail, detail), (LineFile::Adjustments, adjustments)] {
        if !numbers.is_empty() {
            let words = lang.pick("{count} lines of {file}: {lines}", "{file} 中 {count} 行：{lines}");
            let words = words.replace("{count}", &numbers.len().to_string()).replace("{file}", file.name());
            output::line(&words.replace("{lines}", &listed(numbers)))?;
        }
    }
    if *unlisted > 0 {
        let words = lang.pick("{} more that have no line of their own in this party's files", "另有 {} 项在本方文件中没有单独的行");
        output::line(&words.replace("{}", &unlisted.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), [(1, 3), (7, 7), (9, 10)]);
        assert_eq!(ranges(&[]), []);
    }
}
