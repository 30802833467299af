//! Which crate may name which: the shape of the program, held by reading the manifests.
//!
//! An edge that is not in the table fails, in whatever section of a manifest it stands, dev-dependencies included: a test
//! that reaches across would pull the other crate's world in just the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every crate of the workspace with the ones it may name, and nothing else.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("domain", &[]),
    ("engine", &["domain"]),
    ("ledger", &["domain"]),
    ("settlement", &["domain", "ledger"]),
    ("tapclear", &["domain", "engine", "ledger", "settlement"]),
];

/// Crates from outside that belong to one crate of ours, because everything else must stay free of what they bring.
const OWNED: [(&str, &[&str]); 5] =
    [("rocksdb", &["ledger"]), ("librocksdb-sys", &["ledger"]), ("clap", &["tapclear"]), ("tokio", &["tapclear"]), ("axum", &["tapclear"])];

/// The names of the packages that a manifest depends on, by any section and under any alias.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (key, value) in manifest {
        let Some(table) = value.as_table() else { continue };
        match key.as_str() {
            "dependencies" | "dev-dependencies" | "build-dependencies" => {
                for (alias, wanted) in table {
                    let package = wanted.get("package").and_then(toml::Value::as_str).unwrap_or(alias);
                    names.insert(package.to_owned());
                }
            }
            "target" => {
                for sections in table.values().filter_map(toml::Value::as_table) {
                    names.extend(dependencies(sections));
                }
            }
            _ => {}
        }
    }
    names
}

fn read(manifest: &Path) -> toml::Table {
    let text = std::fs::read_to_string(manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", manifest.display()))
}

/// Every edge of `crates` that the tables do not allow, as `from -> to`; and every crate that they do not know.
fn forbidden(crates: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    let mut found = Vec::new();
    for (from, names) in crates {
        let Some(may) = allowed.get(from.as_str()) else {
            found.push(format!("{from} is not in the table"));
            continue;
        };
        for to in names {
            let ours = crates.contains_key(to) || allowed.contains_key(to.as_str());
            let foreign = OWNED.iter().any(|(owned, owners)| owned == to && !owners.contains(&from.as_str()));
            if foreign || (ours && !may.contains(&to.as_str())) {
                found.push(format!("{from} -> {to}"));
            }
        }
    }
    found
}

fn workspace() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = read(&root.join("Cargo.toml"));
    let members = manifest["workspace"]["members"].as_array().expect("a list of members");
    let mut crates = BTreeMap::from([("tapclear".to_owned(), dependencies(&manifest))]);
    for member in members {
        let member = read(&root.join(member.as_str().expect("a path")).join("Cargo.toml"));
        let name = member["package"]["name"].as_str().expect("a name").to_owned();
        crates.insert(name, dependencies(&member));
    }
    crates
}

#[test]
fn no_crate_names_one_that_it_may_not() {
    let crates = workspace();
    assert_eq!(crates.len(), ALLOWED.len(), "a crate was added or removed: {:?}", crates.keys());
    assert_eq!(forbidden(&crates), Vec::<String>::new());
}

#[test]
fn a_forbidden_edge_is_found_wherever_it_stands() {
    for (section, edge) in [
        ("[dependencies]\nengine = { path = '../engine' }", "settlement -> engine"),
        ("[dev-dependencies]\nengine.workspace = true", "settlement -> engine"),
        ("[target.'cfg(unix)'.dependencies]\nengine.workspace = true", "settlement -> engine"),
        ("[build-dependencies]\nharmless = { package = 'engine', path = '../engine' }", "settlement -> engine"),
        ("[dependencies]\nrocksdb = '*'", "settlement -> rocksdb"),
    ] {
        let mut crates = workspace();
        crates.insert("settlement".to_owned(), dependencies(&section.parse().expect("a manifest")));
        assert_eq!(forbidden(&crates), [edge], "{section}");
    }
    let mut crates = workspace();
    crates.insert("gateway".to_owned(), BTreeSet::new());
    assert_eq!(forbidden(&crates), ["gateway is not in the table"]);
}
