//! A scheme's folder from what a feed says: tariff files, places, parties, keys.
//!
//! Texts are made here and nowhere else. Nothing that exists is written over: the folder is new.

use super::fares::{Case, Fares, Price, Row, Table};
use super::notes::Note;
use super::places::Places;
use super::text::{field, quoted, quoted_list};
use crate::failure::Failure;
use crate::words::Lang;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

/// The kind of all places: a feed's ids are unique over stops, platforms and stations.
pub const PLACE_KIND: &str = "stop";

/// Where the system gives random numbers that are fit for keys.
const RANDOM: &str = "/dev/urandom";

/// # Errors
/// When the folder is there and not empty, or cannot be written.
pub fn write(out: &Path, places: &Places, fares: &Fares, from: &str, notes: &[Note]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::refused(format!("{} cannot be written", out.display())).because(&error);
    if std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::refused(format!("{} is not empty", out.display())).hint("name a folder that does not exist yet"));
    }
    std::fs::create_dir_all(out.join("tariff")).map_err(failed)?;
    let text = |name: &str, text: String| std::fs::write(out.join(name), text).map_err(failed);
    text("scheme.toml", scheme(places, fares))?;
    text("parties.csv", parties(places)?)?;
    text("locations.csv", locations(places)?)?;
    text("keys.toml", keys()?)?;
    text("tariff/tariff.toml", tariff(fares, from, notes))?;
    for (number, areas) in (1..).zip(&fares.areas) {
        let mut file = BufWriter::new(File::create(out.join(format!("tariff/areas-{number}.csv"))).map_err(failed)?);
        writeln!(file, "# The area of each stop. Stops that are not here are in none.\narea,stop").map_err(failed)?;
        for (stop, area) in &areas.members {
            writeln!(file, "{},{}", areas.names.get(*area).map_or("", String::as_str), field(stop)).map_err(failed)?;
        }
        file.flush().map_err(failed)?;
    }
    for (number, table) in (1..).zip(&fares.tables) {
        let file = BufWriter::new(File::create(out.join(format!("tariff/fares-{number}.csv"))).map_err(failed)?);
        fare_rows(file, table, fares).map_err(failed)?;
    }
    Ok(())
}

fn fare_rows(mut file: BufWriter<File>, table: &Table, fares: &Fares) -> std::io::Result<()> {
    let names = table.areas.and_then(|at| fares.areas.get(at)).map_or(&[][..], |areas| &areas.names);
    writeln!(file, "# In units of 1/{} {}. `*` is any place; the row that names most counts.", 10u64.pow(u32::from(fares.minor_digits)), fares.currency)?;
    writeln!(file, "from,to,fare_minor,ticket")?;
    let name = |area: Option<u32>| area.map_or("*", |area| names.get(area as usize).map_or("", String::as_str));
    for &Row { from, to, fare } in &table.rows {
        write!(file, "{},{},", name(from), name(to))?;
        match fare {
            Some(Price { minor, ticket }) => writeln!(file, "{minor},{}", ticket_name(fares, ticket.0).map(field).unwrap_or_default())?,
            None => writeln!(file, ",")?,
        }
    }
    file.flush()
}

fn ticket_name(fares: &Fares, ticket: u16) -> Option<&str> {
    fares.tickets.get(usize::from(ticket).checked_sub(1)?).map(String::as_str)
}

fn scheme(places: &Places, fares: &Fares) -> String {
    let name = quoted(&places.agencies.iter().map(|agency| agency.name.as_str()).take(3).collect::<Vec<_>>().join(", "));
    let most = fares.dearest_minor().saturating_mul(10).clamp(1_000_000, 1_000_000_000_000);
    format!(
        "# Made from a GTFS feed. What a record says of its terminal, card, issuer and rider's class is taken; say otherwise in [open]\n\
         # once terminals.csv and cards.csv have them.\n\
         name_en = {name}\nname_zh = {name}\ntime_zone = {}\ncurrency = {}\nminor_digits = {}\ncut_off = \"04:00\" # a feed does not say where its days are cut\nhub = \"hub-01\"\n\n\
         [limits]\nearliest = \"2000-01-01\"\namount_max_minor = {most}\n\n\
         [open]\nterminals = true\ncards = true\nissuers = true\noperators = true\nlocations = true\nclasses = true\n",
        quoted(&places.time_zone),
        quoted(&fares.currency),
        fares.minor_digits,
    )
}

fn csv_text(comment: &str, rows: impl Iterator<Item = Vec<String>>) -> Result<String, Failure> {
    let failed = || Failure::refused("a table cannot be written");
    let mut writer = csv::Writer::from_writer(format!("# {comment}\n").into_bytes());
    for row in rows {
        writer.write_record(&row).map_err(|error| failed().because(&error))?;
    }
    let bytes = writer.into_inner().map_err(|_| failed())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parties(places: &Places) -> Result<String, Failure> {
    let row = |id: &str, kind: &str, en: &str, zh: &str| [id, kind, en, zh].map(str::to_owned).to_vec();
    let head =
        [row("id", "kind", "name_en", "name_zh"), row("hub-01", "hub", "Clearing house", "清算中心"), row("bank-01", "bank", "Issuer of the cards", "发卡行")];
    let agencies = places.agencies.iter().map(|agency| row(&agency.party, "operator", &one_line(&agency.name), &one_line(&agency.name)));
    csv_text("Who takes part. Operators are the feed's agencies; the bank stands for whoever issues the cards.", head.into_iter().chain(agencies))
}

fn locations(places: &Places) -> Result<String, Failure> {
    let row = |kind: &str, code: &str, name: &str, other: &str| [kind, code, name, other].map(str::to_owned).to_vec();
    let head = [row("kind", "code", "name_en", "name_zh")];
    let stops = places.stops.iter().map(|stop| row(PLACE_KIND, &stop.id, &one_line(&stop.name), &one_line(&stop.name)));
    csv_text("The feed's stops, platforms and stations, by their stop_id.", head.into_iter().chain(stops))
}

fn one_line(text: &str) -> String {
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.is_empty() { "-".to_owned() } else { plain }
}

fn keys() -> Result<String, Failure> {
    let mut text = "# Made for this scheme alone. Keep this file out of version control.\n".to_owned();
    for (name, what) in
        [("token", "makes card tokens from card numbers"), ("pseudonym", "makes each receiver's names for cards"), ("vault", "seals card numbers in the vault")]
    {
        let mut key = [0u8; 32];
        let random = File::open(RANDOM).and_then(|mut random| random.read_exact(&mut key));
        random.map_err(|error| Failure::refused("the machine gives no random numbers for the scheme's keys").because(&error))?;
        let _ = writeln!(text, "{name} = \"{}\" # {what}", crate::output::hex(&key));
    }
    Ok(text)
}

fn tariff(fares: &Fares, from: &str, notes: &[Note]) -> String {
    let dearest = fares.dearest_minor();
    let mut text = format!(
        "# The fares of a GTFS feed (fares v{}), {} with {} digits after the point. See docs/tariff.md for every key.\n\
         # Records name stops as `{PLACE_KIND}:` and stop_id, routes by route_id, rider classes by rider_category_id, media by fare_media_id.\n",
        fares.version, fares.currency, fares.minor_digits
    );
    if !notes.is_empty() {
        text += "#\n# What the feed leaves open, and what is not carried over:\n";
        notes.iter().for_each(|note| {
            let _ = writeln!(text, "#   [{}] {}", note.weight_word(), one_line(&note.line(Lang::En)));
        });
    }
    let _ = writeln!(text, "in_force_from = \"{from}\"");
    if !fares.groups.is_empty() {
        text += "\n[groups]\n";
        fares.groups.iter().for_each(|(name, routes)| {
            let _ = writeln!(text, "{} = {}", quoted(name), quoted_list(routes));
        });
    }
    for period in &fares.periods {
        let _ = write!(text, "\n[[period]]\nname = {}\n{}\n", quoted(&period.name), period.lines.join("\n"));
    }
    for case in &fares.cases {
        text += &station_base(case, fares, dearest);
    }
    text += &boardings(fares, dearest);
    for transfer in &fares.transfers {
        let lines = transfer.lines.join("\n");
        let _ = write!(
            text,
            "\n[[adjust]] # {}\nname = {}\nrule = \"transfer\"\n{lines}\nfunder = \"earner\"\n",
            one_line(&transfer.comment),
            quoted(&transfer.name)
        );
    }
    text
}

fn conditions(case: &Case, fares: &Fares) -> String {
    let mut text = String::new();
    let mut list = |key: &str, texts: &[String]| {
        if !texts.is_empty() {
            let _ = writeln!(text, "{key} = {}", quoted_list(texts));
        }
    };
    let group = case.routes.and_then(|at| fares.groups.get(at)).map(|(name, _)| name.clone());
    list("routes", &Vec::from_iter(group));
    list("operators", &Vec::from_iter(case.operator.clone()));
    list("when", &case.when);
    list("exit_when", &case.exit_when);
    list("classes", &Vec::from_iter(case.class.clone()));
    list("media", &Vec::from_iter(case.medium.clone()));
    text
}

/// Journeys with a tap-on and a tap-off, or told by one record. What a feed does not price costs the dearest fare of the table.
fn station_base(case: &Case, fares: &Fares, dearest: i64) -> String {
    let Some(table) = fares.tables.get(case.table) else { return String::new() };
    let file = case.table + 1;
    let most = table.rows.iter().filter_map(|row| row.fare).map(|fare| fare.minor).max().unwrap_or(dearest);
    let kind = quoted(PLACE_KIND);
    let (of_places, areas) = match table.areas {
        Some(at) => (String::new(), format!("areas = {{ file = \"areas-{}.csv\", place = \"stop\", area = \"area\", location_kind = {kind} }}\n", at + 1)),
        None => (format!(", location_kind = {kind}"), String::new()),
    };
    let ticket = case.ticket.as_ref().map(|ticket| format!("ticket = {}\n", quoted(ticket))).unwrap_or_default();
    format!(
        "\n[[base]]\nname = {}\nkinds = [\"tap-on\", \"tap-off\", \"journey\"]\n{}price = \"matrix\"\n{ticket}\
         matrix = {{ file = \"fares-{file}.csv\", from = \"from\", to = \"to\", fare_minor = \"fare_minor\", ticket = \"ticket\"{of_places} }}\n{areas}\
         gaps = \"unknown-pair\"\nno_tap_on_minor = {most}\nno_tap_off_minor = {most}\nunknown_pair_minor = {most}\n",
        quoted(&case.name),
        conditions(case, fares)
    )
}

/// Rides of one tap: for those whose fare asks no place. On other routes a boarding does not tell the fare: the dearest.
fn boardings(fares: &Fares, dearest: i64) -> String {
    let flat = |case: &Case| fares.tables.get(case.table).and_then(Table::flat);
    if !fares.cases.iter().any(|case| flat(case).is_some()) {
        return String::new();
    }
    let mut text = String::new();
    for case in &fares.cases {
        let price = flat(case);
        let name = quoted(&format!("{}: one tap{}", case.name, if price.is_some() { "" } else { ", fare by place" }));
        let minor = price.map_or(dearest, |price| price.minor);
        let _ = write!(text, "\n[[base]]\nname = {name}\nkinds = [\"boarding\"]\n{}price = \"flat\"\namount_minor = {minor}\n", conditions(case, fares));
        if let Some(ticket) = price.and_then(|price| ticket_name(fares, price.ticket.0)) {
            let _ = writeln!(text, "ticket = {}", quoted(ticket));
        }
    }
    text
}
