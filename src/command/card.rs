//! `card`: what an account may still use: free rides, quotas, how far its caps and tiers are, its last rides. Changes nothing.
//!
//! What closed days left is read from the ledger; what the open day has taken in of the account is folded on top and is
//! provisional until the close.

use crate::cli::{CardArgs, Shown};
use crate::explaining::{closed_days, gives_back};
use crate::failure::Failure;
use crate::history::{self, unread};
use crate::opening;
use crate::output;
use crate::steps::{Shower, Steps, discounts_json, flag_names};
use crate::terms::term;
use crate::words::{Lang, money};
use domain::symbol::SymbolCache;
use domain::{CardToken, Day, Decision, EventTime, Flags, Outcome, Reason, Record, RecordId, Symbol, SymbolTable};
use engine::account::{self, Account, Known, event_order};
use engine::close::{account_partition, memory};
use engine::parallel;
use engine::price::AccountState;
use engine::scheme::{Scheme, guess};
use engine::tariff::{Adjust, AdjustRule, Condition, Limit, Ordinals, Rate, Span, Version};
use ledger::Ledger;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// # Errors
/// When the ledger cannot be read, or knows nothing of the card.
pub fn run(args: &CardArgs, shown: Shown) -> Result<u8, Failure> {
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme, &symbols)?;
    let ledger = opening::ledger_to_read(&args.ledger)?;
    let unclear = || {
        Failure::refused(format!("{} is no card token", guess::shown(&args.token)))
            .hint("cards are named by their tokens, of at most 24 bytes, as the issuer's files show them")
    };
    let token = CardToken::new(args.token.as_bytes()).filter(|token| !token.is_empty()).ok_or_else(unclear)?;
    let card = find(token, args, &Look { ledger: &ledger, scheme: &scheme, symbols: &symbols, workers: args.workers.count() })?;
    let shower = Shower { scheme: &scheme, symbols: &symbols, lang: shown.lang };
    if shown.json {
        output::json(&card.json(shower))?
    } else {
        card.print(shower)?
    }
    Ok(0)
}

/// What the look works with.
struct Look<'a> {
    ledger: &'a Ledger,
    scheme: &'a Scheme,
    symbols: &'a SymbolTable,
    workers: usize,
}

/// An account with what is known of it.
struct CardView {
    account: CardToken,
    day: Day,
    /// What its next ride would be asked for: from the registry, or from its last record.
    holder: Holder,
    /// Settled rides, the newest first.
    settled: Vec<(Day, Decision)>,
    /// Of the open day.
    open_records: Vec<Known>,
    provisional: Account,
    budgets: engine::close::Budgets,
}

#[derive(Clone, Copy, Default)]
struct Holder {
    issuer: Symbol,
    class: Symbol,
    medium: Symbol,
    birth: Option<Day>,
    /// The moment that is looked at.
    now: EventTime,
}

fn find(token: CardToken, args: &CardArgs, look: &Look<'_>) -> Result<CardView, Failure> {
    let Look { ledger, scheme, symbols, .. } = *look;
    let registered = scheme.card(&token);
    let account = registered.map_or(token, |card| card.account);
    let open = ledger.open_day().map(|info| info.day);
    let day = args.day.or(open).ok_or_else(|| Failure::refused("the ledger has no clearing day yet").hint("`tapclear ingest` opens the first one"))?;
    let before = history::before(ledger, symbols, 1)?;
    let bytes = before.remembered.get(account_partition(&account)).filter(|bytes| !bytes.is_empty());
    let remembered = bytes.map(|bytes| memory::decode(bytes, &scheme.tariff, symbols).ok_or_else(|| history::broken("accounts"))).transpose()?;
    let state = remembered.into_iter().flatten().find(|(known, _)| *known == account).map(|(_, state)| state);
    let settled = last_rides(look, account, args.rides)?;
    let records = open_records(look, account)?;
    if registered.is_none() && state.is_none() && settled.is_empty() && records.is_empty() {
        return Err(Failure::refused("neither the ledger nor the scheme knows this card").hint("name it by its token, as the issuer's files show it"));
    }
    let state = state.unwrap_or_default();
    let provisional = account::fold_from(state, scheme, &records, &[]);
    let last = records.last().copied().or_else(|| settled.first().map(|(day, decision)| Known::of(&decision.record, scheme, *day)));
    let said =
        last.map(|known| Holder { issuer: known.resolved.issuer, class: known.resolved.class, medium: known.medium, birth: known.birth, now: EventTime(0) });
    let mut holder = said.unwrap_or_default();
    holder.now = EventTime(scheme.clock.day_start(day).0.max(last.filter(|last| last.resolved.service_day == day).map_or(i64::MIN, |last| last.record.time.0)));
    if let Some(card) = registered {
        let class = card.class_on(scheme.clock.calendar_day(holder.now));
        let or = |said: Symbol, known: Symbol| if said.is_none() { known } else { said };
        holder = Holder {
            issuer: card.issuer,
            class: if scheme.open.classes { or(holder.class, class) } else { class },
            medium: or(holder.medium, card.medium),
            birth: card.birth_date,
            ..holder
        };
    }
    Ok(CardView { account, day, holder, settled, open_records: records, provisional, budgets: before.budgets })
}

/// An account's last rides on closed days, looked for from the newest day back.
fn last_rides(look: &Look<'_>, account: CardToken, count: usize) -> Result<Vec<(Day, Decision)>, Failure> {
    let Look { ledger, scheme, symbols, workers } = *look;
    let mut rides: Vec<(Day, Decision)> = Vec::new();
    let cards = scheme.cards_of([&account], |other| *other == account);
    for day in closed_days(ledger).into_iter().rev() {
        if rides.len() >= count {
            break;
        }
        let blocks = ledger.decision_blocks_of(day, &cards).map_err(|error| unread(&error))?;
        let found = parallel::map(workers, blocks, |_, height| {
            let (mut cache, mut found) = (SymbolCache::new(symbols), Vec::new());
            let read = ledger.each_decisions(height, &mut cache, |decisions| {
                let rides = decisions.iter().filter(|decision| decision.reason == Reason::Cleared && decision.flags.has(Flags::RIDE));
                found.extend(rides.filter(|decision| !decision.record.card.is_empty() && account_of(&decision.record, scheme) == account).copied());
            });
            read.map(|()| found)
        });
        let mut of_day = Vec::new();
        for found in found {
            of_day.extend(found.map_err(|error| unread(&error))?);
        }
        rides.extend(of_day.into_iter().rev().map(|decision| (day, decision)));
    }
    rides.truncate(count);
    Ok(rides)
}

/// What the open day has taken in of an account, as far as each record alone tells: in event order.
fn open_records(look: &Look<'_>, account: CardToken) -> Result<Vec<Known>, Failure> {
    let Look { ledger, scheme, symbols, workers } = *look;
    let Some(open) = ledger.open_day().map(|info| info.day) else { return Ok(Vec::new()) };
    let blocks = ledger.intake_blocks(open).map_err(|error| unread(&error))?;
    let found = parallel::map(workers, blocks, |_, block| {
        let (mut cache, mut found) = (SymbolCache::new(symbols), Vec::new());
        let read = ledger.each_intake(block.height, &mut cache, |piece| {
            found.extend(piece.records.iter().filter(|record| !record.card.is_empty() && account_of(record, scheme) == account).copied());
        });
        read.map(|()| found)
    });
    let mut records: Vec<Record> = Vec::new();
    for found in found {
        records.extend(found.map_err(|error| unread(&error))?);
    }
    let mut seen: BTreeSet<RecordId> = BTreeSet::new();
    records.retain(|record| !gives_back(record.kind) && seen.insert(record.id()));
    records.sort_by(|a, b| event_order(a, b, symbols));
    let known = records.iter().map(|record| Known::of(record, scheme, open));
    Ok(known.filter(|known| known.resolved.reason.outcome() == Outcome::Cleared).collect())
}

fn account_of(record: &Record, scheme: &Scheme) -> CardToken {
    scheme.card(&record.card).map_or(record.card, |card| card.account)
}

/// What a rule still has for the card.
struct Entitlement<'v> {
    adjust: &'v Adjust,
    /// What is counted of it, and over what.
    counts: Vec<Count>,
    words: String,
}

/// Something that a rule counts.
struct Count {
    span: Span,
    used_rides: u32,
    used_minor: i64,
    limit_rides: Option<u32>,
    limit_minor: Option<i64>,
}

impl CardView {
    /// The state with the open day's rides on it.
    const fn now(&self) -> &AccountState {
        &self.provisional.state
    }

    fn version<'s>(&self, scheme: &'s Scheme) -> Option<&'s Version> {
        scheme.tariff.version_at(self.holder.now, &scheme.clock)
    }

    fn entitlements<'s>(&self, shower: Shower<'s>) -> Vec<Entitlement<'s>> {
        let Some(version) = self.version(shower.scheme) else { return Vec::new() };
        let own = version.adjust.iter().filter(|adjust| self.is_for(&adjust.scope.condition, shower.scheme));
        own.filter_map(|adjust| self.entitlement(adjust, shower)).collect()
    }

    /// Whether a rule may be for the card, as far as the card itself decides.
    fn is_for(&self, condition: &Condition, scheme: &Scheme) -> bool {
        let Holder { issuer, class, medium, birth, now } = self.holder;
        let has = |list: &[Symbol], word: Symbol| list.is_empty() || list.contains(&word);
        let of_age =
            |(youngest, oldest): (i32, i32)| birth.is_some_and(|birth| (youngest..=oldest).contains(&birth.years_until(scheme.clock.calendar_day(now))));
        has(&condition.classes, class)
            && !condition.not_classes.contains(&class)
            && has(&condition.media, medium)
            && !condition.not_media.contains(&medium)
            && has(&condition.issuers, issuer)
            && condition.ages.is_none_or(of_age)
    }

    fn count(&self, slot: u16, limit: Limit) -> Count {
        let counted = self.now().counted(slot, limit.span, self.day, self.holder.now);
        Count { span: limit.span, used_rides: counted.rides, used_minor: counted.amount_minor, limit_rides: limit.rides, limit_minor: limit.amount_minor }
    }

    fn entitlement<'v>(&self, adjust: &'v Adjust, shower: Shower<'_>) -> Option<Entitlement<'v>> {
        let lang = shower.lang;
        let digits = shower.scheme.minor_digits;
        let (mut counts, mut words) = (Vec::new(), Vec::new());
        match &adjust.rule {
            AdjustRule::Discount(discount) => {
                let mut slot = adjust.slot;
                if let Some(nth) = &discount.nth {
                    let count = self.count(slot, Limit { span: nth.span, rides: None, amount_minor: None });
                    let next = next_of(&nth.ordinals, count.used_rides + 1);
                    words.push(match next {
                        Some(next) if next == count.used_rides + 1 => lang.pick("the next ride", "下一次").to_owned(),
                        Some(next) => lang.pick("ride {}", "第 {} 次").replace("{}", &next.to_string()),
                        None => lang.pick("no ride of this span any more", "本期已无").to_owned(),
                    });
                    counts.push(count);
                    slot += 1;
                }
                if let Some(quota) = discount.quota {
                    counts.push(self.count(slot, quota));
                }
                if discount.purse.is_some() {
                    let left = self.now().purse_rides(slot).to_string();
                    words.push(lang.pick("{} rides left that were bought", "已购剩余 {} 次").replace("{}", &left));
                }
                if counts.is_empty() && discount.purse.is_none() && !discount.concession {
                    return None;
                }
            }
            AdjustRule::Cap(cap) => counts.push(self.count(adjust.slot, Limit { span: cap.span, rides: cap.rides, amount_minor: cap.amount_minor })),
            AdjustRule::Tier(tier) => {
                let count = self.count(adjust.slot, Limit { span: tier.span, rides: None, amount_minor: None });
                let at = tier.steps.partition_point(|(from, _)| *from <= count.used_minor);
                if let Some((_, rate)) = at.checked_sub(1).and_then(|at| tier.steps.get(at)) {
                    words.push(lang.pick("pays {}", "现付 {}").replace("{}", &percent(*rate)));
                }
                if let Some((from, rate)) = tier.steps.get(at) {
                    let words_next = lang.pick("{rate} after {left} more", "再付 {left} 后为 {rate}");
                    words.push(words_next.replace("{rate}", &percent(*rate)).replace("{left}", &money(from - count.used_minor, digits)));
                }
                counts.push(count);
            }
            AdjustRule::Transfer(transfer) => {
                let run = self.now().run(adjust.slot)?;
                let last = transfer.window_end(run.last, &shower.scheme.clock);
                if last < self.holder.now || run.transfers >= transfer.rides_max {
                    return None;
                }
                words.push(lang.pick("a change counts until {}", "换乘有效至 {}").replace("{}", &shower.moment(last)));
                words.push(lang.pick("{} changes left", "还可换乘 {} 次").replace("{}", &(transfer.rides_max - run.transfers).to_string()));
            }
            AdjustRule::Surcharge { .. } => return None,
            AdjustRule::Incentive(incentive) => {
                counts.extend(incentive.limits.iter().zip(adjust.slot..).map(|(limit, slot)| self.count(slot, *limit)));
                if let Some(budget_minor) = incentive.budget_minor {
                    let name = shower.scheme.tariff.slots.get(usize::from(adjust.slot)).map_or("", String::as_str);
                    let left_minor = budget_minor - self.budgets.get(name).copied().unwrap_or(0);
                    words.push(lang.pick("{} left in the budget of all riders", "全体乘客预算余 {}").replace("{}", &money(left_minor.max(0), digits)));
                }
            }
        }
        let counted = counts.iter().map(|count| count.words(lang, digits));
        Some(Entitlement { adjust, words: counted.chain(words).collect::<Vec<_>>().join("; "), counts })
    }

    fn json(&self, shower: Shower<'_>) -> Value {
        let text = |symbol: Symbol| shower.symbols.text(symbol).to_string();
        let entitlements: Vec<Value> = self
            .entitlements(shower)
            .into_iter()
            .map(|own| {
                let counts: Vec<Value> = own.counts.iter().map(Count::json).collect();
                json!({ "rule": own.adjust.name, "kind": own.adjust.rule.word(), "counts": counts, "words": own.words })
            })
            .collect();
        let settled = self.settled.iter().map(|(day, decision)| ride_json(Some(*day), &decision.record, decision, shower));
        let rides: Vec<Value> = settled.collect();
        let provisional: Vec<Value> = self.rides_of_today().map(|(known, steps)| today_json(known, &steps, shower)).collect();
        let open = self
            .now()
            .open
            .as_ref()
            .map(|open| json!({ "since": shower.moment(open.tap.time), "place": text(open.tap.location), "no_tap_off_minor": open.no_tap_off_minor }));
        json!({
            "account": self.account.as_str(), "day": self.day.to_string(), "issuer": text(self.holder.issuer), "class": text(self.holder.class),
            "medium": text(self.holder.medium), "open_journey": open, "entitlements": entitlements, "provisional_rides": provisional, "rides": rides,
        })
    }

    /// The open day's rides, the newest first.
    fn rides_of_today(&self) -> impl Iterator<Item = (&Known, Steps<'_>)> {
        self.provisional.rides.iter().rev().filter_map(|ride| Some((self.open_records.get(ride.at)?, Steps::of_ride(ride))))
    }

    fn print(&self, shower: Shower<'_>) -> Result<(), Failure> {
        let lang = shower.lang;
        let text = |symbol: Symbol| shower.symbols.text(symbol).to_string();
        let holder = [shower.party(self.holder.issuer), text(self.holder.class), text(self.holder.medium)];
        let holder: Vec<String> = holder.into_iter().filter(|word| !word.is_empty()).collect();
        output::line(&format!("{} {}  {}  {} {}", lang.pick("account", "账户"), self.account.as_str(), holder.join("  "), lang.pick("on", "日期"), self.day))?;
        if let Some(open) = &self.now().open {
            let words = lang.pick("in at {place} since {time}; without a tap-off it costs {minor}", "{time} 于 {place} 进站未出；若无出站收 {minor}");
            let words = words.replace("{place}", &shower.place(open.tap.location)).replace("{time}", &shower.moment(open.tap.time));
            output::line(&words.replace("{minor}", &money(open.no_tap_off_minor, shower.scheme.minor_digits)))?;
        }
        output::heading(lang, "what it may use", "可享")?;
        let rows = self.entitlements(shower).into_iter().map(|own| vec![own.adjust.name.clone(), term(lang, own.adjust.rule.word()).to_owned(), own.words]);
        output::table(&rows.collect::<Vec<_>>(), 3)?;
        let digits = shower.scheme.minor_digits;
        let row = |day: String, record: &Record, list_minor: i64, charged_minor: i64, flags: Flags| {
            let flags: Vec<&str> = flag_names(flags).into_iter().map(|name| term(lang, name)).collect();
            vec![
                day,
                shower.moment(record.time),
                term(lang, record.kind.name()).to_owned(),
                shower.place(record.location),
                flags.join(", "),
                money(list_minor, digits),
                money(charged_minor, digits),
            ]
        };
        output::heading(lang, "last rides: clearing day, time, list price, paid", "最近行程：清分日、时间、票面价、实付")?;
        let today = self
            .rides_of_today()
            .map(|(known, steps)| row(lang.pick("provisional", "暂计").to_owned(), &known.record, steps.list_minor, steps.charged_minor, steps.flags));
        let settled =
            self.settled.iter().map(|(day, decision)| row(day.to_string(), &decision.record, decision.list_minor, decision.charged_minor, decision.flags));
        output::table(&today.chain(settled).collect::<Vec<_>>(), 5)
    }
}

impl Count {
    fn json(&self) -> Value {
        json!({
            "span": span_word(self.span), "used_rides": self.used_rides, "used_minor": self.used_minor, "limit_rides": self.limit_rides, "limit_minor": self.limit_minor,
            "left_rides": self.limit_rides.map(|limit| limit.saturating_sub(self.used_rides)), "left_minor": self.limit_minor.map(|limit| (limit - self.used_minor).max(0)),
        })
    }

    fn words(&self, lang: Lang, digits: u8) -> String {
        let span = span_words(self.span, lang);
        let mut words = Vec::new();
        if let Some(limit) = self.limit_rides {
            let left = lang.pick("{left} of {limit} rides left", "还有 {left} 次（共 {limit} 次）");
            words.push(left.replace("{left}", &limit.saturating_sub(self.used_rides).to_string()).replace("{limit}", &limit.to_string()));
        }
        if let Some(limit) = self.limit_minor {
            let used = lang.pick("{used} of {limit} used", "已计 {used}／{limit}");
            words.push(used.replace("{used}", &money(self.used_minor, digits)).replace("{limit}", &money(limit, digits)));
        }
        if words.is_empty() {
            let used = lang.pick("{rides} rides, {used} so far", "已计 {rides} 次，{used}");
            words.push(used.replace("{rides}", &self.used_rides.to_string()).replace("{used}", &money(self.used_minor, digits)));
        }
        format!("{span}: {}", words.join(", "))
    }
}

fn span_word(span: Span) -> String {
    match span {
        Span::Day => "day".to_owned(),
        Span::Week => "week".to_owned(),
        Span::Month => "month".to_owned(),
        Span::Year => "year".to_owned(),
        Span::Ever => "ever".to_owned(),
        Span::Days(days) => format!("{days}-days"),
        Span::Millis(ms) => format!("{}-hours", ms / 3_600_000),
    }
}

fn span_words(span: Span, lang: Lang) -> String {
    match span {
        Span::Day => lang.pick("today", "今日").to_owned(),
        Span::Week => lang.pick("this week", "本周").to_owned(),
        Span::Month => lang.pick("this month", "本月").to_owned(),
        Span::Year => lang.pick("this year", "本年").to_owned(),
        Span::Ever => lang.pick("ever", "累计").to_owned(),
        Span::Days(days) => lang.pick("these {} days", "此 {} 日").replace("{}", &days.to_string()),
        Span::Millis(ms) => lang.pick("these {} hours", "此 {} 小时").replace("{}", &(ms / 3_600_000).to_string()),
    }
}

/// The first ride from `from` on that is one of these.
fn next_of(ordinals: &Ordinals, from: u32) -> Option<u32> {
    match ordinals {
        Ordinals::These(list) => list.iter().copied().filter(|ordinal| *ordinal >= from).min(),
        Ordinals::Between(first, last) => Some((*first).max(from)).filter(|ordinal| ordinal <= last),
    }
}

fn percent(rate: Rate) -> String {
    let hundredths = rate.numerator * 10_000 / rate.denominator.max(1);
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    if rest == 0 { format!("{whole} %") } else { format!("{whole}.{rest:02} %") }
}

fn ride_json(day: Option<Day>, record: &Record, decision: &Decision, shower: Shower<'_>) -> Value {
    let id = record.id().text(&shower.symbols.text(record.terminal));
    json!({
        "day": day.map(|day| day.to_string()), "record_id": id, "time": shower.moment(record.time), "kind": record.kind.name(), "place": &*shower.symbols.text(record.location),
        "list_minor": decision.list_minor, "charged_minor": decision.charged_minor, "discounts": discounts_json(&decision.discounts, shower.symbols), "flags": flag_names(decision.flags),
    })
}

fn today_json(known: &Known, steps: &Steps<'_>, shower: Shower<'_>) -> Value {
    let mut value = steps.json(shower);
    output::put(&mut value, "time", json!(shower.moment(known.record.time)));
    output::put(&mut value, "kind", json!(known.record.kind.name()));
    output::put(&mut value, "place", json!(&*shower.symbols.text(known.record.location)));
    value
}
