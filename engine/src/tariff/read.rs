//! Reading tariff files: `tariff/*.toml`, one version each, and the CSV tables they name.
//!
//! Every mistake is gathered with its line; a tariff with any is refused whole. What can be said of a rule alone is said
//! where it is read; what takes several rules is checked afterwards.

mod adjust;
mod list_price;
mod scope;
mod sheet;
mod version;
mod words;

use super::{Adjust, AdjustRule, Discount, Fill, Plan, Span, Tariff};
use crate::mistake::Mistakes;
use crate::scheme::table;
use domain::{RecordKind, SymbolTable};
use std::collections::BTreeMap;
use std::path::Path;

/// The largest number of slots in an account's memory, over all versions.
const SLOTS_MAX: usize = 1_000;

/// What the rules of one file refer to.
struct Context<'a> {
    folder: &'a Path,
    symbols: &'a SymbolTable,
    groups: BTreeMap<String, Vec<String>>,
    periods: Vec<String>,
    /// The routes of each line, by its name.
    lines: BTreeMap<String, Vec<String>>,
    /// Names and kinds of the base rules, once they are read.
    bases: Vec<(String, Vec<RecordKind>)>,
}

/// Reads the folder `name` in `dir`.
pub fn read(dir: &Path, name: &str, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Tariff> {
    let folder = dir.join(name);
    let mut found = Mistakes::default();
    let mut names: Vec<String> = match std::fs::read_dir(&folder) {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| Path::new(name).extension().is_some_and(|ext| ext == "toml"))
            .collect(),
        Err(error) => {
            mistakes.add("tariff", None, format!("cannot be listed: {error}"), Some("a scheme has a folder `tariff` with at least one .toml file"));
            return None;
        }
    };
    names.sort();
    if names.is_empty() {
        found.add("tariff", None, "holds no .toml file", Some("write at least `tariff/tariff.toml`"));
    }
    let mut tariff = Tariff::default();
    for file in &names {
        let shown = format!("{name}/{file}");
        let version = table::read(dir, &shown, None, &mut found, |table, mistakes| version::version(table, &shown, &folder, symbols, mistakes));
        tariff.versions.extend(version.flatten());
    }
    tariff.versions.sort_by_key(|version| version.from);
    for pair in tariff.versions.windows(2) {
        if let [earlier, later] = pair
            && earlier.from == later.from
        {
            found.add("tariff", None, format!("two files are in force from {}", later.from), Some("one file per date"));
        }
    }
    number_slots(&mut tariff, &mut found);
    tariff.asks_registry = tariff.versions.iter().any(|version| {
        let scopes = version.base.iter().map(|base| &base.scope).chain(version.adjust.iter().map(|adjust| &adjust.scope));
        scopes.map(|scope| &scope.condition).any(|condition| condition.ages.is_some() || !condition.media.is_empty() || !condition.not_media.is_empty())
    });
    for version in &mut tariff.versions {
        version.plan = Plan::of(&version.base, &version.adjust);
    }
    let texts = symbols.texts();
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&at| texts.get(at));
    tariff.ranks = vec![0; texts.len()];
    for (rank, at) in (0u32..).zip(order) {
        if let Some(slot) = tariff.ranks.get_mut(at) {
            *slot = rank;
        }
    }
    let good = found.is_empty();
    mistakes.append(found);
    good.then_some(tariff)
}

/// Gives every rule that remembers something its slots, by name: as many as it has in any version.
fn number_slots(tariff: &mut Tariff, mistakes: &mut Mistakes) {
    let mut known: Vec<(String, usize, (u8, Vec<Span>))> = Vec::new();
    for adjust in tariff.versions.iter().flat_map(|version| &version.adjust).filter(|adjust| !adjust.rule.slots().is_empty()) {
        let (slots, kind) = (adjust.rule.slots().len(), (kind_of(adjust), adjust.rule.spans()));
        match known.iter_mut().find(|(name, ..)| *name == adjust.name) {
            Some((_, most, first_kind)) => {
                *most = (*most).max(slots);
                if *first_kind != kind {
                    let message = format!("`{}` counts differently in two versions, and riders' counts go by its name", adjust.name);
                    mistakes.add("tariff", None, message, Some("give the new rule another name"));
                }
            }
            None => known.push((adjust.name.clone(), slots, kind)),
        }
    }
    let mut firsts: BTreeMap<String, usize> = BTreeMap::new();
    for (name, slots, _) in known {
        firsts.insert(name.clone(), tariff.slots.len());
        tariff.slots.push(name.clone());
        tariff.slots.extend((2..=slots).map(|number| format!("{name}/{number}")));
    }
    tariff.spans = vec![Span::Day; tariff.slots.len()];
    if tariff.slots.len() > SLOTS_MAX {
        let message = format!("rules that remember something need {} places; an account's state has {SLOTS_MAX}", tariff.slots.len());
        mistakes.add("tariff", None, message, Some("use the same name for the same rule in every version"));
    }
    for version in &mut tariff.versions {
        for adjust in &mut version.adjust {
            if let Some(&first) = firsts.get(&adjust.name) {
                adjust.slot = u16::try_from(first).unwrap_or(u16::MAX);
                for (known, span) in tariff.spans.iter_mut().skip(first).zip(adjust.rule.spans()) {
                    if span.days() > known.days() {
                        *known = span;
                    }
                }
            }
        }
        for adjust in &version.adjust {
            let AdjustRule::Discount(Discount { nth, purse: Some(purse), .. }) = &adjust.rule else { continue };
            let slot = adjust.slot + u16::from(nth.is_some());
            let filled = purse.filled_by.iter().map(|&(at, rides)| (at, Some(rides)));
            for (at, rides) in filled.chain(purse.emptied_by.iter().map(|&at| (at, None))) {
                if let Some(base) = version.base.get_mut(at) {
                    base.fills.push(Fill { slot, rides });
                }
            }
        }
    }
}

const fn kind_of(adjust: &Adjust) -> u8 {
    match &adjust.rule {
        AdjustRule::Discount(discount) if discount.purse.is_some() => 5,
        AdjustRule::Discount(_) => 0,
        AdjustRule::Transfer(_) => 1,
        AdjustRule::Cap(_) => 2,
        AdjustRule::Tier(_) => 3,
        AdjustRule::Incentive(_) => 4,
        AdjustRule::Surcharge { .. } => 6,
    }
}
