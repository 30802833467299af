//! The steps of a price as they are shown: rule, amount before and after, who bears it; and the rules that left it.
//!
//! Steps begin at the list price and end at what is paid, each where the one before it ended. Whoever shows other ends has
//! another ride: [`Steps::of`] closes the rest with the steps that are no rule, rounding and what a budget did not grant.

use crate::terms::term;
use crate::words::{Lang, money};
use domain::{Discount, Flags, Symbol, SymbolTable};
use engine::account::{Known, Ride};
use engine::price::{Amount, Passed, RideTold};
use engine::scheme::Scheme;
use engine::tariff::{Funder, Version};
use serde_json::{Value, json};

/// How one ride got its price.
pub struct Steps<'a> {
    pub list_minor: i64,
    pub charged_minor: i64,
    pub discounts: Vec<Discount>,
    pub flags: Flags,
    told: &'a RideTold,
    ends: Vec<(&'static str, i64, i64)>,
}

/// What is needed to show them.
#[derive(Clone, Copy)]
pub struct Shower<'a> {
    pub scheme: &'a Scheme,
    pub symbols: &'a SymbolTable,
    pub lang: Lang,
}

impl<'a> Steps<'a> {
    /// The steps that end at what was decided: `charged_minor` and `discounts`, which differ from the ride's own where a budget
    /// has not granted all of its claims. `None` where no grant leads there.
    #[must_use]
    pub fn of(ride: &'a Ride, charged_minor: i64, discounts: &[Discount]) -> Option<Self> {
        let fare = &ride.fare;
        let mut refused_minor = 0;
        for discount in fare.discounts.iter().filter(|discount| discount.amount_minor != 0) {
            let decided = discounts.iter().find(|decided| decided.funder == discount.funder).map_or(0, |decided| decided.amount_minor);
            let claimed: i64 = ride.claims.iter().filter(|claim| claim.funder == discount.funder).map(|claim| claim.amount_minor).sum();
            let refused = discount.amount_minor - decided;
            if refused < 0 || refused > claimed {
                return None;
            }
            refused_minor += refused;
        }
        let known =
            |discount: &&Discount| discount.amount_minor != 0 && !fare.discounts.iter().any(|own| own.amount_minor != 0 && own.funder == discount.funder);
        if fare.charged_minor + refused_minor != charged_minor || discounts.iter().any(|discount| known(&discount)) {
            return None;
        }
        let mut ends = Vec::new();
        if ride.told.left().thousandths() != fare.charged_minor * 1000 {
            ends.push(("rounding", ride.told.left().thousandths(), fare.charged_minor * 1000));
        }
        if refused_minor != 0 {
            ends.push(("budget", fare.charged_minor * 1000, charged_minor * 1000));
        }
        let discounts = discounts.iter().filter(|discount| discount.amount_minor != 0).copied().collect();
        Some(Self { list_minor: fare.list_minor, charged_minor, discounts, flags: fare.flags, told: &ride.told, ends })
    }

    /// The ride's own steps, as if every claim on a budget were granted.
    ///
    /// # Panics
    /// Never: a ride's own end is reached.
    #[must_use]
    pub fn of_ride(ride: &'a Ride) -> Self {
        Self::of(ride, ride.fare.charged_minor, &ride.fare.discounts).expect("a ride's steps end at its own fare")
    }

    #[must_use]
    pub fn json(&self, shower: Shower<'_>) -> Value {
        let steps = self.told.lines.iter().map(|line| {
            let funders: Vec<Value> = line.funders.iter().map(|(funder, weight)| json!({ "party": shower.funder(*funder), "weight": weight })).collect();
            step_json(&line.rule, line.kind, line.before.thousandths(), line.after.thousandths(), line.replaces, funders)
        });
        let ends = self.ends.iter().map(|&(kind, before, after)| step_json("", kind, before, after, false, Vec::new()));
        let passed: Vec<Value> =
            self.told.passed.iter().map(|(_, rule, why)| json!({ "rule": rule, "why": why_word(why), "words": why_words(why, shower) })).collect();
        json!({
            "list_minor": self.list_minor,
            "charged_minor": self.charged_minor,
            "discounts": discounts_json(&self.discounts, shower.symbols),
            "flags": flag_names(self.flags),
            "steps": steps.chain(ends).collect::<Vec<Value>>(),
            "passed": passed,
        })
    }

    /// As rows of a table whose first three columns are texts: rule, what it is, who bears it or why not; before and after.
    /// `unmet` adds what a condition met instead.
    #[must_use]
    pub fn rows(&self, shower: Shower<'_>, unmet: &dyn Fn(&str) -> String) -> Vec<Vec<String>> {
        let lang = shower.lang;
        let heads = [("rule", "规则"), ("is", "类别"), ("who bears it, or why not", "承担方，或未适用的原因"), ("before", "之前"), ("after", "之后")];
        let mut rows: Vec<Vec<String>> = vec![heads.iter().map(|(en, zh)| lang.pick(en, zh).to_owned()).collect()];
        let mut passed = self.told.passed.iter().peekable();
        for (at, line) in self.told.lines.iter().enumerate() {
            while let Some((_, rule, why)) = passed.next_if(|(before, ..)| *before <= at) {
                rows.push(shower.passed_row(rule, why, unmet));
            }
            let mut funders: Vec<String> = line.funders.iter().map(|(funder, _)| shower.funder_words(*funder)).collect();
            if line.replaces {
                funders.push(lang.pick("in place of all before it", "取代此前各项").to_owned());
            }
            let before = if line.kind == "base" { String::new() } else { shower.exact(line.before.thousandths()) };
            rows.push(vec![line.rule.clone(), term(lang, line.kind).to_owned(), funders.join(" + "), before, shower.exact(line.after.thousandths())]);
        }
        for (_, rule, why) in passed {
            rows.push(shower.passed_row(rule, why, unmet));
        }
        for &(kind, before, after) in &self.ends {
            rows.push(vec![String::new(), term(lang, kind).to_owned(), String::new(), shower.exact(before), shower.exact(after)]);
        }
        rows
    }

    /// Who pays the list price, in a line.
    #[must_use]
    pub fn sum(&self, shower: Shower<'_>) -> String {
        let digits = shower.scheme.minor_digits;
        let parts = self.discounts.iter().map(|discount| format!(" + {} {}", shower.party(discount.funder), money(discount.amount_minor, digits)));
        let flags: Vec<&str> = flag_names(self.flags).into_iter().map(|name| term(shower.lang, name)).collect();
        let flags = if flags.is_empty() { String::new() } else { format!("  [{}]", flags.join(", ")) };
        format!(
            "{} {} = {} {}{}{flags}",
            shower.lang.pick("list price", "票面价"),
            money(self.list_minor, digits),
            shower.lang.pick("rider", "乘客"),
            money(self.charged_minor, digits),
            parts.collect::<String>()
        )
    }
}

/// The names of flags, as files have them.
#[must_use]
pub fn flag_names(flags: Flags) -> Vec<&'static str> {
    Flags::NAMES.iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, name)| *name).collect()
}

#[must_use]
pub fn discounts_json(discounts: &[Discount], symbols: &SymbolTable) -> Vec<Value> {
    let real = discounts.iter().filter(|discount| discount.amount_minor != 0);
    real.map(|discount| json!({ "funder": &*symbols.text(discount.funder), "amount_minor": discount.amount_minor })).collect()
}

fn step_json(rule: &str, kind: &str, before: i64, after: i64, replaces: bool, funders: Vec<Value>) -> Value {
    // Exact to a thousandth; whole units are what they say.
    let minor = |thousandths: i64| if thousandths % 1000 == 0 { json!(thousandths / 1000) } else { json!(exact_digits(thousandths)) };
    json!({ "rule": rule, "kind": kind, "before_minor": minor(before), "after_minor": minor(after), "replaces": replaces, "funders": funders })
}

/// A count of thousandths as a decimal number.
fn exact_digits(thousandths: i64) -> String {
    let sign = if thousandths < 0 { "-" } else { "" };
    let all = thousandths.unsigned_abs();
    let fraction = format!("{:03}", all % 1000);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{}", all / 1000) } else { format!("{sign}{}.{fraction}", all / 1000) }
}

impl Shower<'_> {
    /// An amount that may not be whole yet.
    fn exact(&self, thousandths: i64) -> String {
        let digits = self.scheme.minor_digits;
        let rest = thousandths.unsigned_abs() % 1000;
        let whole = money(thousandths / 1000, digits);
        if rest == 0 {
            return whole;
        }
        let fraction = format!("{rest:03}");
        format!("{whole}{}{}", if digits == 0 { "." } else { "" }, fraction.trim_end_matches('0'))
    }

    fn funder(&self, funder: Funder) -> String {
        match funder {
            Funder::Earner => "earner".to_owned(),
            Funder::Issuer => "issuer".to_owned(),
            Funder::Party(party) => self.symbols.text(party).to_string(),
        }
    }

    fn funder_words(&self, funder: Funder) -> String {
        match funder {
            Funder::Earner => self.lang.pick("who earns it", "收入方").to_owned(),
            Funder::Issuer => self.lang.pick("the card's bank", "发卡行").to_owned(),
            Funder::Party(party) => self.party(party),
        }
    }

    /// A party by its id and name.
    #[must_use]
    pub fn party(&self, id: Symbol) -> String {
        let text = self.symbols.text(id);
        match self.scheme.party(id) {
            Some(party) => format!("{text} {}", self.lang.pick(&party.name_en, &party.name_zh)),
            None if text.is_empty() => self.lang.pick("who earns it", "收入方").to_owned(),
            None => text.to_string(),
        }
    }

    fn passed_row(&self, rule: &str, why: &Passed, unmet: &dyn Fn(&str) -> String) -> Vec<String> {
        let mut words = why_words(why, *self);
        if let Passed::Unmet(key) = why {
            words.push_str(&unmet(key));
        }
        vec![rule.to_owned(), self.lang.pick("not applied", "未适用").to_owned(), words, String::new(), String::new()]
    }

    /// Local date and time.
    #[must_use]
    pub fn moment(&self, time: domain::EventTime) -> String {
        let day = self.scheme.clock.calendar_day(time);
        format!("{day} {}", self.time_of_day(time))
    }

    #[must_use]
    pub fn time_of_day(&self, time: domain::EventTime) -> String {
        let ms = self.scheme.clock.time_of_day_ms(time);
        let seconds = ms / 1000;
        let rest = if ms % 1000 == 0 { String::new() } else { format!(".{:03}", ms % 1000) };
        format!("{:02}:{:02}:{:02}{rest}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    /// A place by its code and, where it is registered, its name.
    #[must_use]
    pub fn place(&self, id: Symbol) -> String {
        let text = self.symbols.text(id);
        match self.scheme.location(id) {
            Some(place) if !self.lang.pick(&place.name_en, &place.name_zh).is_empty() => format!("{text} {}", self.lang.pick(&place.name_en, &place.name_zh)),
            _ => text.to_string(),
        }
    }
}

/// What stands against a condition: the ride's own word for it.
#[must_use]
pub fn fact(key: &str, known: &Known, entry: &Known, shower: Shower<'_>) -> String {
    let text = |symbol: Symbol| shower.symbols.text(symbol).to_string();
    let said = match key {
        "classes" | "not_classes" => text(known.resolved.class),
        "media" | "not_media" => text(known.medium),
        "products" => text(known.resolved.product),
        "issuers" => text(known.resolved.issuer),
        "routes" | "not_routes" => text(known.record.route),
        "from_places" => text(entry.record.location),
        "to_places" => text(known.record.location),
        "when" | "not_when" => shower.moment(entry.record.time),
        "exit_when" => shower.moment(known.record.time),
        "ages" => known.birth.map_or(String::new(), |birth| birth.years_until(shower.scheme.clock.calendar_day(entry.record.time)).to_string()),
        _ => return String::new(),
    };
    let said = if said.is_empty() { shower.lang.pick("none", "无").to_owned() } else { said };
    shower.lang.pick("; here: {}", "；此处：{}").replace("{}", &said)
}

/// Rules of the version that are not for such records at all, with the key that says so.
#[must_use]
pub fn not_for<'v>(version: &'v Version, known: &Known) -> Vec<(&'v str, &'static str)> {
    let (kind, mode, operator) = (known.record.kind, known.resolved.mode, known.resolved.earner);
    let scopes = version.adjust.iter().map(|adjust| (adjust.name.as_str(), &adjust.scope));
    let why = |scope: &engine::tariff::Scope| {
        if !(scope.kinds.is_empty() || scope.kinds.contains(&kind)) {
            "kinds"
        } else if !(scope.modes.is_empty() || scope.modes.contains(&mode)) {
            "modes"
        } else {
            "operators"
        }
    };
    scopes.filter(|(_, scope)| !scope.covers(kind, mode, operator)).map(|(name, scope)| (name, why(scope))).collect()
}

fn why_word(why: &Passed) -> &'static str {
    match why {
        Passed::Unmet(_) => "condition",
        Passed::Unless => "unless",
        Passed::OnlyAfter => "only-after",
        Passed::OtherRide { .. } | Passed::OtherLeg { .. } => "nth",
        Passed::OtherTransfer { .. } => "nth",
        Passed::QuotaUsed { .. } => "quota",
        Passed::PurseEmpty => "purse",
        Passed::NoRideBefore => "no-ride-before",
        Passed::BeforeRun => "overlaps",
        Passed::RunFull { .. } => "rides-max",
        Passed::NoChange => "no-change",
        Passed::WindowOver { .. } => "window",
        Passed::Dearer(_) => "dearer",
        Passed::UnderCap { .. } => "under-cap",
        Passed::LimitUsed => "limits",
        Passed::LowersNothing => "lowers-nothing",
        Passed::NothingLeft => "nothing-left",
    }
}

fn why_words(why: &Passed, shower: Shower<'_>) -> String {
    let lang = shower.lang;
    let with = |en: &str, zh: &str, value: &str| lang.pick(en, zh).replace("{}", value);
    match why {
        Passed::Unmet(key) => with("`{}` does not hold", "不满足 `{}`", key),
        Passed::Unless => lang.pick("a rule under `unless` has applied", "`unless` 所列规则已适用").to_owned(),
        Passed::OnlyAfter => lang.pick("no rule under `only_after` has applied", "`only_after` 所列规则未适用").to_owned(),
        Passed::OtherRide { ordinal } => with("this is ride {} of its span", "这是该时段的第 {} 次乘车", &ordinal.to_string()),
        Passed::OtherLeg { ordinal } => with("this is ride {} of its journey", "这是本次行程的第 {} 段", &ordinal.to_string()),
        Passed::OtherTransfer { ordinal } => with("this is transfer {} of its run", "这是本次连续换乘的第 {} 次", &ordinal.to_string()),
        Passed::QuotaUsed { rides } => with("its {} rides are used", "{} 次额度已用完", &rides.to_string()),
        Passed::PurseEmpty => lang.pick("no ride is left in its purse", "计次卡无剩余次数").to_owned(),
        Passed::NoRideBefore => lang.pick("no ride before this to change from", "此前没有可换乘的行程").to_owned(),
        Passed::BeforeRun => lang.pick("it began before the last ride ended", "开始于上一行程结束之前").to_owned(),
        Passed::RunFull { transfers } => with("{} transfers in a row already", "已连续换乘 {} 次", &transfers.to_string()),
        Passed::NoChange => lang.pick("not a change that it is for", "不属于所列的换乘").to_owned(),
        Passed::WindowOver { from } => with("too long after {}", "距 {} 已超过时限", &shower.moment(*from)),
        Passed::Dearer(left) => with("would leave {}; another leaves less", "将收 {}，另有更低者", &shower.exact(amount(*left))),
        Passed::UnderCap { counted_minor, rides } => {
            let counted = format!("{} ({rides})", money(*counted_minor, shower.scheme.minor_digits));
            with("not reached: {} with this ride", "未达到：含本次 {}", &counted)
        }
        Passed::LimitUsed => lang.pick("its limits are used up", "限额已用完").to_owned(),
        Passed::LowersNothing => lang.pick("the payment would not be less", "付款不会减少").to_owned(),
        Passed::NothingLeft => lang.pick("nothing to take off", "无可减免").to_owned(),
    }
}

fn amount(amount: Amount) -> i64 {
    amount.thousandths()
}

#[cfg(test)]
mod tests {
    use super::exact_digits;

    #[test]
    fn thousandths_print_as_decimals() {
        for (thousandths, text) in [(142_500, "142.5"), (-66_667, "-66.667"), (5000, "5"), (40, "0.04"), (0, "0")] {
            assert_eq!(exact_digits(thousandths), text);
        }
    }
}
