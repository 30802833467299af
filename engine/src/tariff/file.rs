//! Reading tariff files: `tariff/*.toml`, one version each, and the CSV tables they name.
//!
//! Every mistake is gathered with its line; a tariff with any is refused whole.

use super::{Adjust, AdjustRule, Base, BasePrice, Funder, Matrix, Rate, Scope, StationPrice, Tariff, Version};
use crate::mistake::{Mistakes, line_of};
use domain::decision::FUNDERS_MAX;
use domain::{Day, RecordKind, Symbol, SymbolTable};
use serde::Deserialize;
use std::path::{Component, Path};
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TariffFile {
    in_force_from: Spanned<String>,
    #[serde(default)]
    base: Vec<Spanned<BaseTable>>,
    #[serde(default)]
    adjust: Vec<Spanned<AdjustTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BaseTable {
    name: String,
    kinds: Vec<Spanned<String>>,
    #[serde(default)]
    modes: Vec<String>,
    #[serde(default)]
    operators: Vec<String>,
    price: Spanned<String>,
    amount_minor: Option<i64>,
    matrix: Option<Spanned<MatrixTable>>,
    no_tap_on_minor: Option<i64>,
    no_tap_off_minor: Option<i64>,
    unknown_pair_minor: Option<i64>,
    same_station_minor: Option<i64>,
    open_hours: Option<i64>,
    funder: Option<String>,
    audit_minor: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MatrixTable {
    file: String,
    from: String,
    to: String,
    fare_minor: String,
    location_kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdjustTable {
    name: String,
    rule: Spanned<String>,
    #[serde(default)]
    kinds: Vec<Spanned<String>>,
    #[serde(default)]
    modes: Vec<String>,
    #[serde(default)]
    operators: Vec<String>,
    funder: String,
    #[serde(default)]
    classes: Vec<String>,
    percent: Option<Spanned<String>>,
    window_minutes: Option<i64>,
    rides_max: Option<u32>,
    amount_minor: Option<i64>,
}

/// The largest number of transfer rules in all versions: an account's state has a place for each.
pub const TRANSFERS_MAX: usize = 4;

pub fn read(dir: &Path, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Tariff> {
    let folder = dir.join("tariff");
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
    for name in &names {
        let shown = format!("tariff/{name}");
        match std::fs::read_to_string(folder.join(name)) {
            Ok(text) => tariff.versions.extend(Reader { folder: &folder, file: &shown, text: &text, symbols, mistakes: &mut found }.version()),
            Err(error) => found.add(&shown, None, format!("cannot be read: {error}"), None),
        }
    }
    tariff.versions.sort_by_key(|version| version.from);
    for pair in tariff.versions.windows(2) {
        if let [earlier, later] = pair
            && earlier.from == later.from
        {
            found.add("tariff", None, format!("two files are in force from {}", later.from), Some("one file per date"));
        }
    }
    tariff.number_slots();
    if tariff.transfer_names.len() > TRANSFERS_MAX {
        let message = format!("{} transfer rules by name; an account's state has room for {TRANSFERS_MAX}", tariff.transfer_names.len());
        found.add("tariff", None, message, Some("use the same name for the same rule in every version"));
    }
    let good = found.is_empty();
    mistakes.append(found);
    good.then_some(tariff)
}

struct Reader<'a> {
    folder: &'a Path,
    file: &'a str,
    text: &'a str,
    symbols: &'a SymbolTable,
    mistakes: &'a mut Mistakes,
}

impl Reader<'_> {
    fn add(&mut self, offset: usize, message: impl Into<String>, hint: Option<&str>) {
        self.mistakes.add(self.file, Some(line_of(self.text, offset)), message, hint);
    }

    fn version(&mut self) -> Option<Version> {
        let file: TariffFile = match toml::from_str(self.text) {
            Ok(file) => file,
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                self.add(offset, error.message().to_owned(), Some("docs/tariff.md lists every key"));
                return None;
            }
        };
        let from = file.in_force_from.get_ref().parse::<Day>().map_err(|message| self.add(file.in_force_from.span().start, message, None)).ok();
        let base = file.base.iter().filter_map(|table| self.base(table)).collect();
        let adjust: Vec<Adjust> = file.adjust.iter().filter_map(|table| self.adjust(table)).collect();
        if file.base.is_empty() {
            self.add(0, "no [[base]] rule: nothing has a price", Some("add at least one [[base]]"));
        }
        let funders = most_funders(&adjust);
        if funders > FUNDERS_MAX {
            let message = format!("{funders} funders could share one ride; at most {FUNDERS_MAX} can");
            self.add(0, message, Some("let fewer parties fund the adjustments of one kind of ride"));
        }
        Some(Version { from: from?, base, adjust })
    }

    fn scope(&mut self, kinds: &[Spanned<String>], modes: &[String], operators: &[String]) -> Scope {
        let mut known = Vec::new();
        for kind in kinds {
            match RecordKind::from_name(kind.get_ref()) {
                Some(kind) => known.push(kind),
                None => {
                    let names: Vec<_> = RecordKind::ALL.iter().map(|kind| kind.name()).collect();
                    self.add(kind.span().start, format!("`{}` is not a kind of record", kind.get_ref()), Some(&format!("one of {}", names.join(", "))));
                }
            }
        }
        let intern = |names: &[String]| names.iter().map(|name| self.symbols.intern(name)).collect();
        Scope { kinds: known, modes: intern(modes), operators: intern(operators) }
    }

    fn funder(&self, name: &str) -> Funder {
        match name {
            "earner" => Funder::Earner,
            "issuer" => Funder::Issuer,
            party => Funder::Party(self.symbols.intern(party)),
        }
    }

    /// A required amount of money, not negative.
    fn amount(&mut self, at: usize, key: &str, value: Option<i64>) -> i64 {
        match value {
            Some(amount) if amount >= 0 => amount,
            Some(_) => {
                self.add(at, format!("`{key}` is negative"), None);
                0
            }
            None => {
                self.add(at, format!("`{key}` is missing"), Some("amounts are in minor units, e.g. 200 for 2.00"));
                0
            }
        }
    }

    fn base(&mut self, table: &Spanned<BaseTable>) -> Option<Base> {
        let (at, table) = (table.span().start, table.get_ref());
        let scope = self.scope(&table.kinds, &table.modes, &table.operators);
        if table.kinds.is_empty() {
            self.add(at, format!("base rule `{}` names no kinds", table.name), Some("e.g. kinds = [\"boarding\"]"));
        }
        let way = table.price.get_ref().as_str();
        for kind in &scope.kinds {
            let station = matches!(kind, RecordKind::TapOn | RecordKind::TapOff);
            if way == "matrix" && !station {
                self.add(
                    at,
                    format!("base rule `{}` prices a {} from station to station", table.name, kind.name()),
                    Some("a matrix is for tap-on and tap-off"),
                );
            }
            if *kind == RecordKind::TapOn && !matches!(way, "matrix" | "free") {
                self.add(
                    at,
                    format!("base rule `{}` prices a tap-on by itself", table.name),
                    Some("a tap-on is priced with its tap-off: use matrix, or free where the tap-off has the price"),
                );
            }
        }
        let price = match way {
            "flat" => BasePrice::Flat { amount_minor: self.amount(at, "amount_minor", table.amount_minor) },
            "free" => BasePrice::Free,
            "stated" => {
                let funder = table.funder.as_deref().map(|name| self.funder(name));
                if funder.is_none() {
                    self.add(at, format!("`{}` names no funder for what is not charged", table.name), Some("funder = \"earner\" or a party id"));
                }
                BasePrice::Stated { funder: funder?, audit_minor: table.audit_minor }
            }
            "matrix" => {
                let unknown_pair_minor = self.amount(at, "unknown_pair_minor", table.unknown_pair_minor);
                BasePrice::Matrix(Box::new(StationPrice {
                    no_tap_on_minor: self.amount(at, "no_tap_on_minor", table.no_tap_on_minor),
                    no_tap_off_minor: self.amount(at, "no_tap_off_minor", table.no_tap_off_minor),
                    unknown_pair_minor,
                    same_station_minor: table.same_station_minor,
                    open_ms: table.open_hours.unwrap_or(24).clamp(1, 24 * 31) * 3_600_000,
                    matrix: self.matrix(at, table.matrix.as_ref())?,
                }))
            }
            other => {
                self.add(table.price.span().start, format!("`{other}` is not a way to price"), Some("one of flat, matrix, stated, free"));
                return None;
            }
        };
        Some(Base { name: table.name.clone(), scope, price })
    }

    fn matrix(&mut self, at: usize, table: Option<&Spanned<MatrixTable>>) -> Option<Matrix> {
        let Some(table) = table else {
            self.add(
                at,
                "`matrix` is missing",
                Some("matrix = { file = \"fares.csv\", from = \"from_station\", to = \"to_station\", fare_minor = \"fare\", location_kind = \"station\" }"),
            );
            return None;
        };
        let (at, table) = (table.span().start, table.get_ref());
        if !is_table_name(&table.file) {
            let hint = "put the fare matrix beside the tariff file and name it without a folder: fares.csv";
            self.add(at, "`matrix.file` is not the name of a .csv file in `tariff/`", Some(hint));
            return None;
        }
        let shown = format!("tariff/{}", table.file);
        let text = match std::fs::read_to_string(self.folder.join(&table.file)) {
            Ok(text) => text,
            Err(error) => {
                self.add(at, format!("{shown} cannot be read: {error}"), Some("put the fare matrix beside the tariff file"));
                return None;
            }
        };
        let mut lines = text.lines().zip(1u32..).filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'));
        let (header, header_line) = lines.next().unwrap_or(("", 1));
        let unquote = |field: &str| field.trim().trim_matches('"').to_owned();
        let names: Vec<String> = header.split(',').map(unquote).collect();
        let mut positions = [0; 3];
        for (position, wanted) in positions.iter_mut().zip([&table.from, &table.to, &table.fare_minor]) {
            let Some(found) = names.iter().position(|name| name == wanted) else {
                self.mistakes.add(&shown, Some(header_line), format!("has no column `{wanted}`"), Some("name the columns in the tariff file's `matrix`"));
                return None;
            };
            *position = found;
        }
        let mut triples = Vec::new();
        let mut numbers = Vec::new();
        for (line, number) in lines {
            let fields: Vec<String> = line.split(',').map(unquote).collect();
            let [from, to, fare] = positions.map(|position| fields.get(position).map_or("", String::as_str));
            match fare.parse::<i64>() {
                Ok(fare) if fare >= 0 && !from.is_empty() && !to.is_empty() => {
                    let station = |code: &str| self.symbols.intern(&format!("{}:{code}", table.location_kind));
                    triples.push((station(from), station(to), fare));
                    numbers.push(number);
                }
                _ => self.mistakes.add(&shown, Some(number), "is not a pair of stations with a fare in minor units", None),
            }
        }
        let (matrix, repeated) = Matrix::build(&triples);
        for at in repeated {
            self.mistakes.add(&shown, numbers.get(at).copied(), "names a pair that an earlier line has priced", None);
        }
        Some(matrix)
    }

    fn adjust(&mut self, table: &Spanned<AdjustTable>) -> Option<Adjust> {
        let (at, table) = (table.span().start, table.get_ref());
        let scope = self.scope(&table.kinds, &table.modes, &table.operators);
        let rule = match table.rule.get_ref().as_str() {
            "class" => {
                if table.classes.is_empty() {
                    self.add(at, format!("`{}` names no classes", table.name), Some("e.g. classes = [\"student\"]"));
                }
                AdjustRule::Class {
                    classes: table.classes.iter().map(|class| self.symbols.intern(class)).collect(),
                    rate: self.percent(at, table.percent.as_ref())?,
                }
            }
            "transfer" => {
                let minutes = table.window_minutes.filter(|minutes| (1..=7 * 24 * 60).contains(minutes));
                if minutes.is_none() {
                    self.add(at, "`window_minutes` is missing or not between 1 and 10080", None);
                }
                let rides_max = table.rides_max.filter(|&rides| rides > 0);
                if rides_max.is_none() {
                    self.add(at, "`rides_max` is missing or zero", Some("how many rides in a row are transfers"));
                }
                let rate = self.percent(at, table.percent.as_ref())?;
                AdjustRule::Transfer { window_ms: minutes? * 60_000, rides_max: rides_max?, rate }
            }
            "day-cap" => AdjustRule::DayCap { amount_minor: self.amount(at, "amount_minor", table.amount_minor) },
            other => {
                self.add(table.rule.span().start, format!("`{other}` is not an adjustment"), Some("one of class, transfer, day-cap"));
                return None;
            }
        };
        Some(Adjust { name: table.name.clone(), slot: 0, scope, funder: self.funder(&table.funder), rule })
    }

    /// `percent = "50"`: what is still paid, exact, at most two decimals.
    fn percent(&mut self, at: usize, text: Option<&Spanned<String>>) -> Option<Rate> {
        let Some(text) = text else {
            self.add(at, "`percent` is missing", Some("what the rider still pays, e.g. percent = \"50\""));
            return None;
        };
        let (whole, fraction) = text.get_ref().split_once('.').unwrap_or((text.get_ref(), ""));
        let digits = format!("{whole}{fraction:0<2}");
        let hundredths = digits.parse::<i64>().ok().filter(|_| fraction.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(numerator) = hundredths.filter(|&hundredths| hundredths <= 10_000) else {
            self.add(
                text.span().start,
                format!("`{}` is not a percentage from 0 to 100", text.get_ref()),
                Some("what the rider still pays, at most two decimals"),
            );
            return None;
        };
        let divisor = gcd(numerator, 10_000);
        Some(Rate { numerator: numerator / divisor, denominator: 10_000 / divisor })
    }
}

/// Whether a file is one that the scheme's digest covers: in `tariff/` itself, and none of those that `scheme::folder` leaves
/// out. What decides prices must not change unseen.
fn is_table_name(file: &str) -> bool {
    let plain = Path::new(file).components().eq([Component::Normal(file.as_ref())]) && !file.contains('\\');
    plain && file.ends_with(".csv") && !file.starts_with('.') && !file.starts_with("map")
}

/// The most parties that could fund one ride: over every kind, mode, operator and class that a rule tells apart.
fn most_funders(adjust: &[Adjust]) -> usize {
    let told_apart = |names: &dyn Fn(&Adjust) -> Vec<Symbol>| -> Vec<Symbol> {
        let mut all: Vec<Symbol> = adjust.iter().flat_map(names).chain([Symbol::NONE]).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let classes_of = |adjust: &Adjust| if let AdjustRule::Class { classes, .. } = &adjust.rule { classes.clone() } else { Vec::new() };
    let modes = told_apart(&|adjust| adjust.scope.modes.clone());
    let operators = told_apart(&|adjust| adjust.scope.operators.clone());
    let classes = told_apart(&classes_of);
    let funders_of = |kind: RecordKind, mode: Symbol, operator: Symbol, class: Symbol| {
        let applies = |adjust: &&Adjust| {
            let for_class = !matches!(adjust.rule, AdjustRule::Class { .. }) || classes_of(adjust).contains(&class);
            for_class && adjust.scope.covers(kind, mode, operator)
        };
        let mut funders: Vec<Funder> = adjust.iter().filter(applies).map(|adjust| adjust.funder).collect();
        funders.sort_unstable();
        funders.dedup();
        funders.len()
    };
    let mut most = 0;
    for kind in RecordKind::ALL {
        for &mode in &modes {
            for &operator in &operators {
                most = classes.iter().map(|&class| funders_of(kind, mode, operator, class)).fold(most, usize::max);
            }
        }
    }
    most
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.max(1) } else { gcd(b, a % b) }
}

impl Version {
    /// Every party that this version names as a funder or operator, for the scheme to check.
    #[must_use]
    pub fn named_parties(&self) -> Vec<Symbol> {
        let party = |funder: Funder| if let Funder::Party(party) = funder { Some(party) } else { None };
        let base = self.base.iter().flat_map(|base| {
            let funder = if let BasePrice::Stated { funder, .. } = base.price { party(funder) } else { None };
            base.scope.operators.iter().copied().chain(funder)
        });
        let adjust = self.adjust.iter().flat_map(|adjust| adjust.scope.operators.iter().copied().chain(party(adjust.funder)));
        base.chain(adjust).collect()
    }
}
