//! Fares as `fare_products.txt`, `fare_leg_rules.txt` and the files about them say them: what is sold, to whom, for how much.

use super::changes::{self, Changes};
use super::fares::Fares;
use super::feed::Feed;
use super::joins;
use super::legs::{self, Legs};
use super::money::{Decimal, digits_of};
use super::notes::Notes;
use super::places::Places;
use super::timeframes::Timeframes;
use crate::failure::Failure;
use std::collections::BTreeMap;

const FILE: &str = "fare_products.txt";
const COLUMNS: [&str; 5] = ["fare_product_id", "rider_category_id", "fare_media_id", "amount", "currency"];

/// One row: a product at a price, for a category of riders and a medium, or for any.
#[derive(Clone, Debug)]
struct Offer {
    row: u64,
    category: String,
    medium: String,
    amount: Decimal,
    currency: String,
    minor: i64,
}

/// Whose price is asked for. No category: riders of none, who pay as the default one; no medium: any, or one that the feed
/// does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rider<'r> {
    pub category: Option<&'r str>,
    pub medium: Option<&'r str>,
}

#[derive(Debug, Default)]
pub struct Products {
    offers: BTreeMap<String, Vec<Offer>>,
    /// In the order of the files.
    pub categories: Vec<String>,
    pub media: Vec<String>,
    defaults: Vec<String>,
    pub currency: String,
    pub minor_digits: u8,
}

impl Products {
    #[must_use]
    pub fn has(&self, product: &str) -> bool {
        self.offers.contains_key(product)
    }

    /// The cheapest way to have a product.
    #[must_use]
    pub fn minor(&self, product: &str, rider: Rider<'_>) -> Option<i64> {
        let offers = self.offers.get(product)?.iter().filter(|offer| offer.medium.is_empty() || rider.medium.is_none_or(|medium| medium == offer.medium));
        let least = |fits: &dyn Fn(&str) -> bool| offers.clone().filter(|offer| fits(&offer.category)).map(|offer| offer.minor).min();
        match rider.category {
            Some(category) => least(&|offered| offered.is_empty() || offered == category),
            None => least(&|offered| offered.is_empty() || self.defaults.iter().any(|default| default == offered))
                .or_else(|| self.stand_in(product).and_then(|stand_in| least(&|offered| offered == stand_in))),
        }
    }

    /// The category that those of none pay as where no category is the default one: the first that a product is for.
    fn stand_in(&self, product: &str) -> Option<&str> {
        let offers = self.offers.get(product).filter(|_| self.defaults.is_empty())?;
        let named = |category: &&String| offers.iter().any(|offer| offer.category == **category);
        self.categories.iter().find(named).map(String::as_str)
    }

    /// All prices of a product, whoever pays them.
    pub fn amounts(&self, product: &str) -> impl Iterator<Item = i64> {
        self.offers.get(product).into_iter().flatten().map(|offer| offer.minor)
    }

    /// Riders with a category or a medium, and without; the last is without both.
    #[must_use]
    pub fn riders(&self) -> Vec<Vec<Rider<'_>>> {
        let categories = self.categories.iter().map(|id| Some(id.as_str())).chain([None]);
        let media: Vec<Option<&str>> = self.media.iter().map(|id| Some(id.as_str())).chain([None]).collect();
        categories.map(|category| media.iter().map(|&medium| Rider { category, medium }).collect()).collect()
    }
}

/// `None` where the feed has no fares of this kind.
///
/// # Errors
/// When a file cannot be read.
pub fn read(feed: &mut Feed, places: &Places, notes: &mut Notes) -> Result<Option<(Fares, Timeframes)>, Failure> {
    let products = Products::read(feed, notes)?;
    let legs = Legs::read(feed, &products, notes)?;
    if legs.rows.is_empty() {
        return Ok(None);
    }
    let frames = Timeframes::read(feed, notes)?;
    let changes = Changes::read(feed, &products, &legs, notes)?;
    let mut result = Fares { currency: products.currency.clone(), minor_digits: products.minor_digits, version: 2, ..Fares::default() };
    products.tell(&legs, &changes, notes);
    legs::price(places, &products, &legs, &frames, &changes, &mut result, notes);
    changes::write(&products, &changes, &mut result, notes);
    joins::write(feed, places, !changes.rows.is_empty(), &mut result, notes)?;
    Ok(Some((result, frames)))
}

impl Products {
    fn read(feed: &mut Feed, notes: &mut Notes) -> Result<Self, Failure> {
        let mut products = Self::default();
        feed.rows("rider_categories.txt", ["rider_category_id", "is_default_fare_category"], |_, [id, default]| {
            products.categories.push(id.to_owned());
            if default == "1" {
                products.defaults.push(id.to_owned());
            }
        })?;
        feed.rows("fare_media.txt", ["fare_media_id"], |_, [id]| products.media.push(id.to_owned()))?;
        let mut offers: Vec<(String, Offer)> = Vec::new();
        let header = feed.rows(FILE, COLUMNS, |row, [product, category, medium, amount, currency]| {
            let Some(amount) = Decimal::parse(amount) else {
                notes.left(FILE, row, "a product whose amount is not a number", "产品金额不是数字");
                return;
            };
            let [category, medium] = [category, medium].map(str::to_owned);
            offers.push((product.to_owned(), Offer { row, category, medium, amount, currency: currency.to_ascii_uppercase(), minor: 0 }));
        })?;
        notes.unknown_columns(FILE, header, &[&COLUMNS[..], &["fare_product_name"]].concat());
        for (_, offer) in &offers {
            for (list, id) in [(&mut products.categories, &offer.category), (&mut products.media, &offer.medium)] {
                if !id.is_empty() && !list.contains(id) {
                    list.push(id.clone());
                }
            }
        }
        // A category or medium that no price is for changes nothing.
        products.categories.retain(|id| offers.iter().any(|(_, offer)| offer.category == *id));
        products.media.retain(|id| offers.iter().any(|(_, offer)| offer.medium == *id));
        let (currency, digits) = super::currency(offers.iter().map(|(_, offer)| (offer.currency.as_str(), offer.amount)));
        if digits > digits_of(&currency) {
            let en = format!("amounts have {digits} digits after the point: the scheme counts in such units");
            notes.read(FILE, 0, en, format!("金额有 {digits} 位小数：以此为最小单位"));
        }
        for (product, mut offer) in offers {
            if offer.currency != currency {
                notes.left(FILE, offer.row, format!("a product in a currency other than {currency}"), format!("非 {currency} 的产品"));
                continue;
            }
            let Some(minor) = offer.amount.minor(digits) else {
                notes.left(FILE, offer.row, "an amount with more digits than a scheme's currency can have", "金额小数位过多");
                continue;
            };
            offer.minor = minor;
            products.offers.entry(product).or_default().push(offer);
        }
        (products.currency, products.minor_digits) = (currency, digits);
        Ok(products)
    }

    /// What the feed leaves open of those that its rules name, and those that no rule names.
    fn tell(&self, legs: &Legs, changes: &Changes, notes: &mut Notes) {
        let named = |product: &String| legs.rows.iter().any(|leg| leg.product == *product) || changes.rows.iter().any(|change| change.product == *product);
        for (product, offers) in &self.offers {
            let row = offers.iter().map(|offer| offer.row).min().unwrap_or(0);
            if !named(product) {
                notes.left(FILE, row, "a product that no leg or transfer rule names, such as a pass", "没有任何规则使用的产品，例如通票");
                continue;
            }
            if offers.iter().any(|offer| !offer.medium.is_empty()) {
                let en = "prices by fare_media: for a medium that the feed does not name, the cheapest counts";
                notes.read(FILE, row, en, "按 fare_media 定价：记录的介质不在其中时，以最便宜者为准");
            }
            if let Some(category) = self.stand_in(product).filter(|_| offers.iter().all(|offer| !offer.category.is_empty())) {
                let en = format!("no category is the default: riders of no category pay as `{category}`, the first one");
                notes.read(FILE, row, en, format!("没有默认类别：无类别的乘客按第一类 `{category}` 计价"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn products(defaults: &[&str], offers: &[(&str, &str, i64)]) -> Products {
        let amount = Decimal::parse("0").expect("a number");
        let offer = |&(category, medium, minor): &(&str, &str, i64)| {
            let [category, medium] = [category, medium].map(str::to_owned);
            Offer { row: 2, category, medium, amount, currency: "EUR".to_owned(), minor }
        };
        Products {
            offers: BTreeMap::from([("p".to_owned(), offers.iter().map(offer).collect())]),
            categories: ["senior", "adult", "child"].map(str::to_owned).to_vec(),
            defaults: defaults.iter().map(|&id| id.to_owned()).collect(),
            ..Products::default()
        }
    }

    #[test]
    fn riders_of_no_category_pay_as_the_default_one() {
        let none = Rider { category: None, medium: None };
        let child = Rider { category: Some("child"), medium: None };
        let priced = [("adult", "", 300), ("senior", "", 100), ("child", "", 150)];
        assert_eq!(products(&["adult"], &priced).minor("p", none), Some(300));
        assert_eq!(products(&["adult", "child"], &priced).minor("p", none), Some(150), "any default one");
        assert_eq!(products(&[], &priced).minor("p", none), Some(100), "the first one, where none is the default");
        assert_eq!(products(&["child"], &priced[..2]).minor("p", none), None, "it is not for them");
        let open = [("", "", 280), ("senior", "", 100)];
        assert_eq!([none, child].map(|rider| products(&[], &open).minor("p", rider)), [Some(280); 2], "what is for all is for them");
    }

    #[test]
    fn a_medium_narrows_what_is_offered() {
        let offered = products(&[], &[("", "card", 200), ("", "cash", 250), ("", "", 400)]);
        let pays = |medium| offered.minor("p", Rider { category: None, medium });
        assert_eq!([pays(Some("cash")), pays(Some("other")), pays(None)], [Some(250), Some(400), Some(200)]);
    }
}
