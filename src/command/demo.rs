//! `demo`: a generated day of the bundled scheme, cleared in a fresh folder, and a look at what happened.

use super::{clear, generate};
use crate::cli::{ClearArgs, DemoArgs, GenerateArgs, LedgerArg, SchemeArg, Shown};
use crate::failure::Failure;
use crate::words::{Lang, count, money};
use crate::{opening, output};
use domain::{Day, PartyKind, SymbolTable};
use engine::scheme::Scheme;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How many parties of a kind are listed, the largest first.
const LISTED: usize = 8;
/// The bundled scheme's day: 2026-03-02.
const DAY: Day = Day(20_514);

/// # Errors
/// When the folder exists already, or anything of the day is refused.
pub fn run(args: &DemoArgs, shown: Shown) -> Result<u8, Failure> {
    let out = fresh_folder(args)?;
    std::fs::create_dir_all(&out).map_err(|error| Failure::unwritten(&out, &error))?;
    let day_file = out.join("day.csv");
    let made = GenerateArgs { scheme: args.scheme.clone(), day: DAY, records: args.records, seed: args.seed, faults_percent: 100, out: day_file.clone() };
    generate::generate(&made)?;
    let cleared = ClearArgs {
        scheme: SchemeArg { scheme: args.scheme.clone(), adopt_scheme: false },
        ledger: LedgerArg { ledger: out.join("ledger"), checkpoint: None },
        out: out.join("settlement"),
        day: DAY,
        map: None,
        workers: args.workers,
        files: vec![day_file],
    };
    let (result, minor_digits) = clear::clear(&cleared, shown)?;
    result.print(shown, minor_digits)?;
    if shown.json {
        return Ok(0);
    }
    let symbols = SymbolTable::new();
    let scheme = opening::scheme(&args.scheme, &symbols)?;
    let folder = cleared.out.join(DAY.to_string());
    for (kind, en, zh) in [
        (PartyKind::Bank, "banks: what their cards owe", "银行：应付"),
        (PartyKind::Fund, "funds: what they pay for concessions", "财政：优惠补贴"),
        (PartyKind::Operator, "operators: what they are paid", "运营单位：应收"),
        (PartyKind::Merchant, "shops and hospitals: what they are paid", "商户与医院：应收"),
        (PartyKind::Venue, "venues: what was paid there", "景区场馆：交易"),
    ] {
        output::heading(shown.lang, en, zh)?;
        parties(&scheme, &symbols, &folder, kind, minor_digits, shown.lang)?;
    }
    output::heading(shown.lang, "where to look", "查看位置")?;
    let at = |name: &str| folder.join(name).display().to_string();
    let rows = [
        (shown.lang.pick("a bank's day", "某银行当日"), at("bank-01/detail.csv")),
        (shown.lang.pick("what was held or rejected", "挂起与拒绝"), at("operator-01/exceptions.csv")),
        (shown.lang.pick("what was uploaded", "上传情况"), at("intake")),
        (shown.lang.pick("the hub's trial balance", "清算中心试算平衡"), at("hub-01/trial-balance.csv")),
        (shown.lang.pick("the records themselves", "原始记录"), out.join("day.csv").display().to_string()),
    ];
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(what, place)| vec![what.to_owned(), place]).collect();
    output::table(&rows, 2)?;
    Ok(0)
}

/// The folder that was asked for, which must be new, or the first free one.
fn fresh_folder(args: &DemoArgs) -> Result<PathBuf, Failure> {
    match &args.out {
        Some(out) if out.exists() => Err(Failure::refused(format!("{} exists already", out.display())).hint("remove it, or name another folder with --out")),
        Some(out) => Ok(out.clone()),
        None => Ok((1u32..)
            .map(|number| if number == 1 { PathBuf::from("demo") } else { PathBuf::from(format!("demo-{number}")) })
            .find(|folder| !folder.exists())
            .unwrap_or_default()),
    }
}

/// The largest parties of a kind by what was charged, from their manifests.
fn parties(scheme: &Scheme, symbols: &SymbolTable, folder: &Path, kind: PartyKind, minor_digits: u8, lang: Lang) -> Result<(), Failure> {
    let mut found: Vec<(i64, Vec<String>)> = Vec::new();
    for party in scheme.parties.list().iter().filter(|party| party.kind == kind) {
        let id = symbols.text(party.id);
        let path = folder.join(&*id).join("manifest.json");
        let text = std::fs::read(&path).map_err(|error| Failure::unread(&path, &error))?;
        let manifest: Value = serde_json::from_slice(&text).map_err(|error| Failure::unread(&path, &error))?;
        let total = |name: &str| manifest.get("totals").and_then(|totals| totals.get(name)).and_then(Value::as_i64).unwrap_or(0);
        let rides = u64::try_from(total("rides")).unwrap_or(0);
        let net = format!(
            "{} {}",
            money(total("net_minor"), minor_digits),
            manifest.get("totals").and_then(|totals| totals.get("dc")).and_then(Value::as_str).unwrap_or("")
        );
        let name = lang.pick(&party.name_en, &party.name_zh).to_owned();
        found.push((total("gross_minor").max(total("net_minor")), vec![id.to_string(), name, count(rides), money(total("gross_minor"), minor_digits), net]));
    }
    found.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    let names = ["", "", lang.pick("rides", "笔数"), lang.pick("charged", "收费"), lang.pick("net", "净额")];
    let mut rows = vec![names.map(str::to_owned).to_vec()];
    let more = found.len().saturating_sub(LISTED);
    rows.extend(found.into_iter().take(LISTED).map(|(_, row)| row));
    if more > 0 {
        rows.push(vec![format!("+ {more}")]);
    }
    output::table(&rows, 2)
}

#[cfg(test)]
mod tests {
    use super::DAY;

    #[test]
    fn the_demo_clears_the_bundled_day() {
        assert_eq!(DAY.to_string(), "2026-03-02");
    }
}
