//! Shapes that published feeds have: each as small as it goes.

use super::{Value, imported, leg, price, small, tapclear, written};

const PRODUCTS: &str = "fare_product_id,fare_product_name,rider_category_id,fare_media_id,amount,currency\n";

/// Rules name every route one by one, or the one network that all are in: then a ride needs no route.
#[test]
fn where_all_routes_cost_the_same_a_ride_needs_no_route() {
    let attributes = "fare_id,price,currency_type,payment_method,transfers,transfer_duration\nf,2.50,USD,0,0,0\n";
    let by_route = imported(&small(&[("fare_attributes.txt", attributes), ("fare_rules.txt", "fare_id,route_id\nf,10\nf,20\nf,X\n")]));
    assert!(!by_route.notes().join("\n").contains("transfer_duration"), "a limit of nothing for no transfers says nothing");
    let product = format!("{PRODUCTS}single,Single,,,2.50,USD\n");
    let legs = ("fare_leg_rules.txt", "network_id,fare_product_id\nall,single\n");
    let networks = ("route_networks.txt", "network_id,route_id\nall,10\nall,20\nall,X\n");
    let by_network = imported(&small(&[("fare_products.txt", &product), legs, networks]));
    for imported in [by_route, by_network] {
        assert_eq!([price(&imported, &leg("", "A", "D")), price(&imported, &leg("10", "A", "D"))], [Some(250); 2]);
    }
    // Where one route costs something else, it is said that a route is needed.
    let attributes = format!("{attributes}x,6.00,USD,0,0,\n");
    let imported = imported(&small(&[("fare_attributes.txt", &attributes), ("fare_rules.txt", "fare_id,route_id\nf,10\nf,20\nx,X\n")]));
    assert_eq!([price(&imported, &leg("", "A", "D")), price(&imported, &leg("X", "A", "D"))], [None, Some(600)]);
    assert!(imported.notes().join("\n").contains("a record without a route"));
}

/// Categories, media and networks of the same ids, several default categories, none at all; passes that no rule names.
#[test]
fn riders_and_media_may_share_their_ids() {
    let product = format!("{PRODUCTS}single,Single,0,0,4.00,PLN\nsingle,Single,1,0,2.00,PLN\nsingle,Single,0,1,3.00,PLN\nmonth,Month,0,1,99.00,PLN\n");
    let legs = ("fare_leg_rules.txt", "network_id,fare_product_id\n1,single\n");
    let networks = ("route_networks.txt", "network_id,route_id\n1,10\n");
    let categories = "rider_category_id,rider_category_name,is_default_fare_category\n0,Adult,1\n1,Child,\n";
    let imported = imported(&small(&[("fare_products.txt", &product), legs, networks, ("rider_categories.txt", categories)]));
    let pays = |category, medium| price(&imported, &super::Leg { category, medium, ..leg("10", "A", "B") });
    assert_eq!([pays("", ""), pays("0", "0"), pays("1", "0"), pays("", "1"), pays("1", "1")], [Some(300), Some(400), Some(200), Some(300), None]);
    let notes = imported.notes().join("\n");
    assert!(notes.contains("fare_products.txt:5 \"a product that no leg or transfer rule names"), "{notes}");
}

/// Areas in which no stop lies: the fares of the other kind count, and it is said.
#[test]
fn fares_that_hold_nowhere_give_way_to_those_of_the_other_kind() {
    let product = format!("{PRODUCTS}single,Single,,,9.00,EUR\n");
    let legs = "from_area_id,to_area_id,fare_product_id\r\nL,C,single\r\nC,L,single\r\n";
    let attributes = "fare_id,price,currency_type,payment_method,transfers\r\n1,1.90,EUR,1,0\r\n";
    let rules = "fare_id,origin_id,destination_id\r\n1,1,2\r\n1,9,9\r\n";
    let files = [("fare_products.txt", product.as_str()), ("fare_leg_rules.txt", legs), ("fare_attributes.txt", attributes), ("fare_rules.txt", rules)];
    let imported = imported(&small(&files));
    assert_eq!([price(&imported, &leg("10", "A", "C")), price(&imported, &leg("10", "C", "A"))], [Some(190), None]);
    let notes = imported.notes().join("\n");
    for wanted in
        ["fare_leg_rules.txt:2 \"a leg rule for an area", "fare_leg_rules.txt:0 \"no leg rule holds", "fare_rules.txt:3 \"a rule for a zone in which no stop"]
    {
        assert!(notes.contains(wanted), "{wanted} in {notes}");
    }
    // With nothing of the other kind it is refused, with the reasons.
    let folder = written(&small(&files[..2]));
    let [feed, out] = ["feed", "out"].map(|name| folder.path().join(name).display().to_string());
    let ran = tapclear(["scheme", "import-gtfs", &feed, "--out", &out]);
    let words = ran.refused();
    assert!(words.contains("prices nothing") && words.contains("fare_leg_rules.txt:2 (and 1 more rows)"), "{words}");
}

/// Many pairs of few terms are few rules; more terms than a tariff has room for are said, row by row.
#[test]
fn transfers_of_the_same_terms_are_one_rule() {
    let numbers = || 0..12;
    let lines = |header: &str, rows: Vec<String>| format!("{header}\n{}\n", rows.join("\n"));
    let routes = lines("route_id,route_short_name,route_type", numbers().map(|at| format!("r{at},{at},3")).collect());
    let networks = lines("network_id,route_id", numbers().map(|at| format!("n{at},r{at}")).collect());
    let legs = lines("leg_group_id,network_id,fare_product_id", numbers().map(|at| format!("g{at},n{at},single")).collect());
    let product = format!("{PRODUCTS}single,,,,2.00,EUR\n");
    let head = "from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type,fare_product_id";
    let pairs = || numbers().flat_map(|from| numbers().map(move |to| (from, to)));
    let with = |transfers: Vec<String>| {
        let texts = [("fare_products.txt", product.as_str()), ("fare_leg_rules.txt", &legs), ("route_networks.txt", &networks)];
        let mut files = small(&texts);
        files.retain(|(name, _)| *name != "routes.txt");
        files.push(("routes.txt", routes.clone()));
        files.push(("fare_transfer_rules.txt", lines(head, transfers)));
        imported(&files)
    };
    let alike = with(pairs().map(|(from, to)| format!("g{from},g{to},{},3600,1,0,", if from == to { "-1" } else { "" })).collect());
    assert_eq!(alike.told["transfer_rules"], Value::from(2), "within a group and between groups");
    assert_eq!(alike.rider().pays(&[("r3 A B", 0), ("r7 B C", 30), ("r7 C D", 80), ("r3 D A", 141)]), [200, 0, 0, 200]);
    let different = with(pairs().map(|(from, to)| format!("g{from},g{to},,{},1,0,", 600 + 60 * (12 * from + to))).collect());
    assert_eq!(different.told["transfer_rules"], Value::from(60));
    assert!(different.notes().join("\n").contains("fare_transfer_rules.txt:62 \"more than 60 transfer rules"), "{:?}", different.notes());
    assert_eq!(different.rider().pays(&[("r0 A B", 0), ("r1 B C", 11), ("r1 C D", 60), ("r0 D A", 75)]), [200, 0, 200, 0]);
}

/// One product for both legs, three times in a row: the third leg costs the product again, not nothing.
#[test]
fn a_product_for_both_legs_is_paid_again_by_the_next_transfer() {
    let product = format!("{PRODUCTS}single,,,,2.00,EUR\npair,,,,3.00,EUR\n");
    let legs = ("fare_leg_rules.txt", "leg_group_id,fare_product_id\ng,single\n");
    let transfers =
        "from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type,fare_product_id\ng,g,2,7200,1,2,pair\n";
    let imported = imported(&small(&[("fare_products.txt", &product), legs, ("fare_transfer_rules.txt", transfers)]));
    assert_eq!(imported.rider().pays(&[("10 A B", 0), ("10 B C", 20), ("10 C D", 40), ("10 D A", 60), ("10 A B", 80)]), [200, 100, 200, 200, 100]);
    assert!(imported.notes().join("\n").contains("fare_transfer_rules.txt:2 \"a fare for both legs"), "a leg costs no more than by itself");
}

/// Ids with blanks and other signs: taps name them as the feed does.
#[test]
fn stops_with_blanks_in_their_ids_can_be_tried() {
    let mut files = small(&[("fare_attributes.txt", "fare_id,price,currency_type,payment_method,transfers\nf,3,USD,0,0\n")]);
    files.retain(|(name, _)| *name != "stops.txt");
    files.push(("stops.txt", "stop_id,stop_name\nCorp Center-S,Center\n12:b é,Other\n".to_owned()));
    let imported = imported(&files);
    let taps = imported.folder.path().join("taps.csv");
    std::fs::write(&taps, "time,kind,place,card\n2026-03-02 08:00,on,stop:Corp Center-S,a\n08:30,off,stop:12:b é,a\n").expect("a file");
    let scheme = imported.folder.path().join("scheme").display().to_string();
    let told = tapclear(["tariff", "try", "--scheme", &scheme, "--csv", &taps.display().to_string(), "--json"]).done();
    assert_eq!((&told["charged_minor"], &told["rides"][0]["flags"]), (&Value::from(300), &Value::from(Vec::<Value>::new())), "{told}");
}

/// Legs of one network are one leg, where the feed joins them; each costs what the whole way is more.
#[test]
fn joined_legs_cost_what_one_leg_does() {
    let product = format!("{PRODUCTS}two,,,,2.00,EUR\nthree,,,,3.00,EUR\n");
    let legs = "network_id,from_area_id,to_area_id,fare_product_id\nN,a,b,two\nN,b,c,two\nN,a,c,three\nM,,,two\n";
    let with = |joins: &str, more: &[(&'static str, &str)]| {
        let files = [
            ("fare_products.txt", product.as_str()),
            ("fare_leg_rules.txt", legs),
            ("route_networks.txt", "network_id,route_id\nN,10\nN,20\nM,X\n"),
            ("stop_areas.txt", "area_id,stop_id\na,A\nb,S\nc,C\n"),
            ("fare_leg_join_rules.txt", joins),
        ];
        let mut files = small(&[&files[..], more].concat());
        files.retain(|(name, _)| *name != "stops.txt");
        files.push(("stops.txt", "stop_id,stop_name,location_type,parent_station\nA,a,,\nS,s,1,\nB,b,,S\nE,e,,S\nC,c,,\n".to_owned()));
        imported(&files)
    };
    let head = "from_network_id,to_network_id,from_stop_id,to_stop_id\n";
    for (joins, journey, costs) in [
        ("", &[("10 A B", 0), ("20 B C", 20)][..], &[200, 200][..]),
        ("N,N,,\n", &[("10 A B", 0), ("20 B C", 20)], &[200, 100]),
        ("N,N,,\n", &[("10 A B", 0), ("20 E C", 20)], &[200, 100]),
        // Ten minutes in the vehicle, and two hours after that.
        ("N,N,,\n", &[("10 A B", 0), ("20 B C", 130)], &[200, 100]),
        ("N,N,,\n", &[("10 A B", 0), ("20 B C", 131)], &[200, 200]),
        ("N,N,,\n", &[("10 A B", 0), ("X B C", 20), ("20 B C", 40)], &[200, 200, 200]),
        ("N,N,B,E\n", &[("10 A B", 0), ("20 E C", 20)], &[200, 100]),
        ("N,N,B,E\n", &[("10 A B", 0), ("20 B C", 20)], &[200, 200]),
        ("N,N,B,E\n", &[("10 A E", 0), ("20 B C", 20)], &[200, 200]),
        ("N,N,S,S\n", &[("10 A E", 0), ("20 B C", 20)], &[200, 100]),
        ("N,N,B,E\nN,N,,\n", &[("10 A B", 0), ("20 B C", 20)], &[200, 100]),
    ] {
        assert_eq!(with(&format!("{head}{joins}"), &[]).rider().pays(journey), costs, "{joins} {journey:?}");
    }
    for (join, wanted) in [
        ("N,N,,", "joined legs: one that begins"),
        ("N,M,,", "joined legs of two networks"),
        ("Z,Z,,", "joined legs of a network that no"),
        ("N,N,B,", "joined legs at a stop"),
        ("N,N,,E", "joined legs at a stop"),
        ("N,N,B,nowhere", "joined legs at a stop"),
    ] {
        let notes = with(&format!("{head}{join}\n"), &[]).notes().join("\n");
        assert!(notes.contains(&format!("fare_leg_join_rules.txt:2 \"{wanted}")), "{wanted} in {notes}");
    }
    let transfers = "from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type,fare_product_id\n,,-1,3600,1,0,\n";
    let beside = with(&format!("{head}N,N,,\n"), &[("fare_transfer_rules.txt", transfers)]);
    assert!(beside.notes().join("\n").contains("fare_leg_join_rules.txt:2 \"joined legs beside transfer rules"), "{:?}", beside.notes());
}
