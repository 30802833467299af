//! What the legs of a journey cost with the transfers between them, leg by leg, from the published reference.
//!
//! One thing is the importer's and is said in its notes: a leg costs never more than it does by itself, and never less than
//! nothing.

use super::calculator::{Calculator, Leg, Row, field, thousandths};

/// One leg of a journey as far as it was looked at.
struct Reached<'c> {
    group: &'c str,
    paid: i64,
    /// The key of the rule by which it was reached, the first leg of the run of such transfers, and how many there were.
    by: Option<((&'c str, &'c str), usize, i64)>,
}

impl Calculator {
    /// What each leg adds, in thousandths.
    pub fn journey(&self, legs: &[Leg<'_>]) -> Vec<i64> {
        let mut reached: Vec<Reached<'_>> = Vec::new();
        for (at, leg) in legs.iter().enumerate() {
            let rule = self.leg_rule(leg);
            let own = self.offered(field(rule, "fare_product_id"), leg).expect("every leg has a price");
            let group = field(rule, "leg_group_id");
            let alone = Reached { group, paid: own, by: None };
            let joined = at.checked_sub(1).and_then(|last| self.transfer(legs, &reached, (at, last), group, own));
            reached.push(joined.unwrap_or(alone));
        }
        reached.iter().map(|leg| leg.paid).collect()
    }

    fn leg_rule(&self, leg: &Leg<'_>) -> &Row {
        let network = field(self.find("route_networks.txt", "route_id", leg.route).expect("a route"), "network_id");
        self.find("fare_leg_rules.txt", "network_id", network).expect("a rule for each network")
    }

    fn offered(&self, product: &str, leg: &Leg<'_>) -> Option<i64> {
        let offers = self.rows("fare_products.txt").iter().filter(|offer| offer["fare_product_id"] == product);
        let mine =
            offers.filter(|offer| ["", leg.category].contains(&field(offer, "rider_category_id")) && ["", leg.medium].contains(&field(offer, "fare_media_id")));
        mine.map(|offer| thousandths(&offer["amount"])).min()
    }

    fn transfer<'c>(&'c self, legs: &[Leg<'_>], reached: &[Reached<'c>], (at, last): (usize, usize), group: &'c str, own: i64) -> Option<Reached<'c>> {
        let rules = self.rows("fare_transfer_rules.txt");
        let listed = |column: &str, value: &str| rules.iter().any(|rule| field(rule, column) == value);
        let side = |column: &'static str, group: &'c str| if listed(column, group) { group } else { "" };
        let before = &reached[last];
        let key = (side("from_leg_group_id", before.group), side("to_leg_group_id", group));
        let to_itself = key.0 == key.1;
        // Transfers of one rule to itself are one run.
        let (first, count) = match before.by {
            Some((known, first, count)) if to_itself && known == key => (first, count + 1),
            _ => (last, 1),
        };
        let in_time = |rule: &Row| {
            let Some(limit) = Some(field(rule, "duration_limit")).filter(|limit| !limit.is_empty()) else { return true };
            let (start, end) = (&legs[first], &legs[at]);
            let passed = match field(rule, "duration_limit_type") {
                "0" => end.exit - start.entry,
                "1" => end.entry - start.entry,
                "2" => end.entry - start.exit,
                _ => end.exit - start.exit,
            };
            passed <= limit.parse().expect("seconds")
        };
        let most = |rule: &Row| match field(rule, "transfer_count") {
            "" | "-1" => i64::MAX,
            count => count.parse().expect("a count"),
        };
        let fits =
            |rule: &&Row| (field(rule, "from_leg_group_id"), field(rule, "to_leg_group_id")) == key && in_time(rule) && (!to_itself || count <= most(rule));
        let rule = rules.iter().filter(fits).min_by_key(|rule| most(rule))?;
        let product = field(rule, "fare_product_id");
        let cost = if product.is_empty() { 0 } else { self.offered(product, &legs[at])? };
        let paid = match (field(rule, "fare_transfer_type"), before.by.is_some()) {
            ("0", _) | ("2", true) => cost,
            ("1", _) => cost + own,
            _ => cost - before.paid,
        };
        Some(Reached { group, paid: paid.clamp(0, own), by: Some((key, first, count)) })
    }
}
