//! `scheme check`: all mistakes of a scheme (and of a mapping) at once.

use crate::cli::{SchemeAction, SchemeArgs, Shown};
use crate::failure::Failure;
use crate::{opening, output};
use domain::SymbolTable;
use engine::scheme::Scheme;
use serde_json::json;

/// # Errors
/// When there is a mistake.
pub fn run(args: &SchemeArgs, shown: Shown) -> Result<u8, Failure> {
    let SchemeAction::Check { scheme: dir, map } = &args.action;
    let symbols = SymbolTable::new();
    match Scheme::read(dir, &symbols) {
        Ok(scheme) => {
            opening::mapping(map.as_deref())?;
            let (parties, terminals, cards) = (scheme.parties.list().len(), scheme.terminals.list().len(), scheme.cards.list().len());
            let name = shown.lang.pick(&scheme.name_en, &scheme.name_zh);
            if shown.json {
                output::json(
                    &json!({ "name": name, "digest": crate::intake::hex(&scheme.digest), "parties": parties, "terminals": terminals, "cards": cards, "mistakes": [] }),
                )?;
            } else {
                output::line(&format!(
                    "{name}: {} ({parties} / {terminals} / {cards})",
                    shown.lang.pick("no mistakes; parties / terminals / cards", "没有错误；机构／终端／卡")
                ))?;
            }
            Ok(0)
        }
        Err(mistakes) => {
            if shown.json {
                let list: Vec<_> = mistakes
                    .iter()
                    .map(|mistake| json!({ "file": mistake.file, "line": mistake.line, "message": mistake.message, "hint": mistake.hint }))
                    .collect();
                output::json(&json!({ "mistakes": list }))?;
            }
            Err(opening::refused_for(&format!("the scheme {}", dir.display()), &mistakes))
        }
    }
}
