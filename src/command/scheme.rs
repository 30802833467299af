//! `scheme check`: all mistakes of a scheme (and of a mapping) at once. `scheme import-gtfs`: a feed's fares as a scheme.

use crate::cli::{SchemeAction, SchemeArgs, Shown};
use crate::failure::Failure;
use crate::gtfs::{self, Imported, Weight};
use crate::{opening, output};
use domain::SymbolTable;
use engine::mistake::Mistake;
use engine::scheme::Scheme;
use serde_json::{Value, json};
use std::path::Path;

/// # Errors
/// When there is a mistake.
pub fn run(args: &SchemeArgs, shown: Shown) -> Result<u8, Failure> {
    match &args.action {
        SchemeAction::Check { scheme, map } => check(scheme, map.as_deref(), shown),
        SchemeAction::ImportGtfs { feed, out } => import_gtfs(feed, out, shown),
    }
}

fn check(dir: &Path, map: Option<&Path>, shown: Shown) -> Result<u8, Failure> {
    let symbols = SymbolTable::new();
    match Scheme::read(dir, &symbols) {
        Ok(scheme) => {
            opening::mapping(map)?;
            let (parties, terminals, cards) = (scheme.parties.list().len(), scheme.terminals.list().len(), scheme.cards.list().len());
            let name = shown.lang.pick(&scheme.name_en, &scheme.name_zh);
            if shown.json {
                output::json(&json!({
                    "name": name, "digest": crate::output::hex(&scheme.digest), "parties": parties, "terminals": terminals, "cards": cards, "mistakes": [],
                    "notes": scheme.notes.iter().map(told).collect::<Vec<_>>(),
                }))?;
            } else {
                output::line(&format!(
                    "{name}: {} ({parties} / {terminals} / {cards})",
                    shown.lang.pick("no mistakes; parties / terminals / cards", "没有错误；机构／终端／卡")
                ))?;
                for note in &scheme.notes {
                    let word = shown.lang.pick("note:", "提示：");
                    output::line(&format!("{word} {note}: {}", note.hint.as_deref().unwrap_or_default()))?;
                }
            }
            Ok(0)
        }
        Err(mistakes) => {
            if shown.json {
                output::json(&json!({ "mistakes": mistakes.iter().map(told).collect::<Vec<_>>() }))?;
            }
            Err(opening::refused_for(&format!("the scheme {}", dir.display()), &mistakes))
        }
    }
}

fn told(mistake: &Mistake) -> Value {
    json!({ "file": mistake.file, "line": mistake.line, "message": mistake.message, "hint": mistake.hint })
}

/// Imports, then checks what was written: a scheme that `scheme check` refuses is never left unsaid.
fn import_gtfs(feed: &Path, out: &Path, shown: Shown) -> Result<u8, Failure> {
    let imported = gtfs::import(feed, out)?;
    let scheme =
        Scheme::read(out, &SymbolTable::new()).map_err(|mistakes| opening::refused_for(&format!("the scheme made in {}", out.display()), &mistakes))?;
    if shown.json {
        let notes: Vec<_> = imported
            .notes
            .iter()
            .map(|note| json!({ "file": note.file, "row": note.row, "rows": note.count, "kind": note.weight_word(), "what": note.text(shown.lang) }))
            .collect();
        output::json(&json!({
            "out": out.display().to_string(),
            "fares_version": imported.version,
            "currency": imported.currency,
            "minor_digits": imported.minor_digits,
            "agencies": imported.agencies,
            "routes": imported.routes,
            "stops": imported.stops,
            "tables": imported.tables,
            "fare_rows": imported.fares,
            "base_rules": imported.bases,
            "transfer_rules": imported.transfers,
            "digest": crate::output::hex(&scheme.digest),
            "notes": notes,
        }))?;
        return Ok(0);
    }
    tell(&imported, out, shown)?;
    Ok(0)
}

fn tell(imported: &Imported, out: &Path, shown: Shown) -> Result<(), Failure> {
    let lang = shown.lang;
    let Imported { version, stops, routes, agencies, tables, fares, bases, transfers, notes, .. } = imported;
    let what = lang.pick("a scheme that has no mistakes", "方案已生成，没有错误");
    output::line(&format!("{}: {what} (GTFS Fares v{version}, {})", out.display(), imported.currency))?;
    for (number, word) in [
        (agencies, lang.pick("operators", "运营机构")),
        (routes, lang.pick("routes", "线路")),
        (stops, lang.pick("places, as stop:<stop_id>", "地点，写作 stop:<stop_id>")),
        (bases, lang.pick("base rules", "基础票价规则")),
        (tables, lang.pick("tables of fares", "票价表")),
        (fares, lang.pick("rows in them", "票价行")),
        (transfers, lang.pick("transfer rules", "换乘规则")),
    ] {
        output::line(&format!("  {number:>9}  {word}"))?;
    }
    let headings = [
        (Weight::Left, lang.pick("not carried over", "未能转换")),
        (Weight::Read, lang.pick("left open by the feed, read as follows", "数据未规定，按如下处理")),
    ];
    for (weight, heading) in headings {
        let mut notes = notes.iter().filter(|note| note.weight == weight).peekable();
        if notes.peek().is_some() {
            output::line(&format!("{heading}:"))?;
            notes.try_for_each(|note| output::line(&format!("  {}", note.line(lang))))?;
        }
    }
    Ok(())
}
