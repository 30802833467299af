//! The reference's own examples: what a fare officer copies from it is a tariff without a mistake.

use domain::SymbolTable;
use engine::mistake::Mistakes;
use engine::tariff::Tariff;
use std::path::Path;

/// What an example may leave out: the date, a period, and prices for the rides that it is about.
const PEAK: &str = "\n[[period]]\nname = \"peak\"\ntimes = [\"07:30 to 09:00\"]\n";
const BASES: &str = r#"
[[base]]
name = "any-bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 200

[[base]]
name = "any-metro"
kinds = ["tap-on", "tap-off"]
price = "distance"
network = { file = "edges.csv", from = "a", to = "b", metres = "m", location_kind = "station" }
steps = [{ each = 1000, add_minor = 100 }]
no_tap_on_minor = 900
no_tap_off_minor = 900
unknown_pair_minor = 900
"#;

#[test]
fn the_examples_of_the_reference_have_no_mistake() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tariff.md");
    let text = std::fs::read_to_string(path).expect("the reference");
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    // Values by themselves and rules with something left out are not tariffs.
    let whole = blocks.filter(|block| (block.starts_with('[') || block.starts_with("in_force_from")) && !block.contains('…'));
    let mut tried = 0;
    for block in whole {
        let mut tariff = if block.contains("in_force_from") { String::new() } else { "in_force_from = \"2026-01-01\"\n".to_owned() };
        tariff += block;
        if block.contains("\"peak\"") && !block.contains("[[period]]") {
            tariff += PEAK;
        }
        let needs_bus = !block.contains("name = \"bus\"");
        tariff += if needs_bus { BASES } else { "" };
        let tariff = if block.contains("audit_by = \"bus\"") { tariff.replace("\"bus\"", "\"any-bus\"") } else { tariff };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("tariff")).expect("a folder");
        std::fs::write(folder.path().join("tariff/tariff.toml"), &tariff).expect("a file");
        std::fs::write(folder.path().join("tariff/edges.csv"), "a,b,m\n1,2,1000\n").expect("a file");
        let mut mistakes = Mistakes::default();
        let read = Tariff::read(folder.path(), &SymbolTable::new(), &mut mistakes);
        assert!(read.is_some(), "{:#?}\n{tariff}", mistakes.into_sorted());
        tried += 1;
    }
    assert!(tried >= 9, "{tried} examples");
}
