//! Fares that cities publish and that take a key of their own: each boundary at it, one before and one after.

use crate::cities::city;
use crate::rider::Rider;
use domain::RecordKind;

/// Paris, before 2025: a ticket for 2.15 on board, ten of them for 17.35.
const CARNET: &str = r#"in_force_from = "2020-01-01"

[[base]]
name = "bus"
kinds = ["boarding"]
price = "flat"
amount_minor = 215

[[base]]
name = "carnet"
kinds = ["pass"]
products = ["carnet"]
price = "flat"
amount_minor = 1735

[[base]]
name = "pass-back"
kinds = ["pass"]
price = "free"

[[adjust]]
name = "carnet-rides"
rule = "discount"
kinds = ["boarding"]
purse = { filled_by = [{ base = "carnet", rides = 10 }], emptied_by = ["pass-back"] }
percent = "0"
funder = "issuer"
"#;

fn buys(rider: &mut Rider<'_>, time: &str, product: &str) -> i64 {
    rider.tap(RecordKind::Pass, time, |tap, symbols| tap.product = symbols.intern(product)).expect("it is sold").charged_minor
}

#[test]
fn a_card_of_ten_rides_is_bought_again() {
    let city = city(CARNET, &[]);
    let mut rider = city.rider();
    let rides = |rider: &mut Rider<'_>, day: u32, count: usize| -> Vec<i64> {
        (0..count).map(|ride| rider.bus(&format!("2024-03-{day:02} {:02}:{:02}", 8 + ride / 60, ride % 60), "42")).collect()
    };
    assert_eq!(rides(&mut rider, 1, 1), [215], "nothing is bought");
    assert_eq!(buys(&mut rider, "2024-03-02 07:00", "carnet"), 1735);
    assert_eq!(rides(&mut rider, 2, 9), [0; 9]);
    assert_eq!(rides(&mut rider, 3, 1), [0], "the tenth");
    assert_eq!(rider.funded(), [("bank-01".to_owned(), 215)]);
    assert_eq!(rides(&mut rider, 4, 2), [215, 215], "the eleventh");
    assert!(rider.state.counters.is_empty(), "an empty purse takes no room");
    // Unused rides add up, over the years.
    buys(&mut rider, "2024-03-05 07:00", "carnet");
    assert_eq!(rides(&mut rider, 5, 4), [0; 4]);
    buys(&mut rider, "2024-03-06 07:00", "carnet");
    assert_eq!(rides(&mut rider, 20, 17), [[0; 16].as_slice(), &[215]].concat());
    // Given back, its rides are gone; another product fills nothing.
    buys(&mut rider, "2024-03-21 07:00", "carnet");
    assert_eq!(rides(&mut rider, 21, 1), [0]);
    assert_eq!(buys(&mut rider, "2024-03-22 07:00", "back"), 0);
    assert_eq!(rides(&mut rider, 22, 1), [215]);
}

/// A purchase that becomes known late stands at its own time: rides after it are free, rides before it are not.
#[test]
fn a_purse_is_filled_in_event_order() {
    let city = city(CARNET, &[]);
    for (bought, pays) in [("07:59:59.999", [0, 0]), ("08:00:00.001", [215, 0])] {
        let mut rider = city.rider();
        let bought = format!("2024-03-01 {bought}");
        let paid = if pays[0] == 0 {
            buys(&mut rider, &bought, "carnet");
            [rider.bus("2024-03-01 08:00", "42"), rider.bus("2024-03-01 09:00", "42")]
        } else {
            let first = rider.bus("2024-03-01 08:00", "42");
            buys(&mut rider, &bought, "carnet");
            [first, rider.bus("2024-03-01 09:00", "42")]
        };
        assert_eq!(paid, pays, "bought at {bought}");
    }
}
