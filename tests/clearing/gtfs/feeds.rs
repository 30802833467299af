//! Feeds of the shapes that agencies publish, with everything else drawn by lot.

use crate::dice::Dice;

pub type Files = Vec<(&'static str, String)>;

fn file(header: &str, rows: impl IntoIterator<Item = String>) -> String {
    rows.into_iter().fold(format!("{header}\n"), |text, row| text + &row + "\n")
}

/// Two agencies, four routes, stations with platforms, stops with and without zones; rules that overlap in every way.
pub fn attributes(seed: u64) -> Files {
    let dice = &mut Dice::new(seed);
    let agencies = dice.within(1, 3);
    let zones = ["1", "2", "3", "x y"];
    let or_none = |dice: &mut Dice, names: &[&str]| if dice.permille(450) { String::new() } else { (*dice.one_of(names)).to_owned() };
    let mut stops: Vec<String> = (0..7).map(|at| format!("s{at},Stop {at},{},,", or_none(dice, &zones))).collect();
    stops.push(format!("st,Station,{},1,", or_none(dice, &zones)));
    stops.push(format!("p1,Platform 1,{},0,st", or_none(dice, &zones)));
    stops.push(format!("p2,Platform 2,{},0,st", or_none(dice, &zones)));
    let routes: Vec<String> = (0..4).map(|at| format!("r{at},a{},{at},3", dice.within(0, agencies))).collect();
    let contains = dice.permille(400);
    let fares: Vec<String> = (0..6)
        .map(|at| {
            let agency = if agencies > 1 && dice.permille(400) { format!("a{}", dice.within(0, agencies)) } else { String::new() };
            format!("f{at},{},EUR,0,0,{agency},", dice.one_of(&["1.5", "2.10", "0", "2.95", "3", "4.80", "7.25"]))
        })
        .collect();
    let mut rules = Vec::new();
    for fare in 0..6 {
        // One fare in some is for everything.
        for _ in 0..dice.within(if fare == 0 { 0 } else { 1 }, 5) {
            let contained = if contains && dice.permille(500) { or_none(dice, &zones) } else { String::new() };
            let rule = format!("f{fare},{},{},{},{contained}", or_none(dice, &["r0", "r1", "r2", "r3"]), or_none(dice, &zones), or_none(dice, &zones));
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    }
    let mut times = Vec::new();
    let mut trips = Vec::new();
    for route in 0..4 {
        let mut calls: Vec<String> = (0..7).map(|at| format!("s{at}")).chain(["p1".to_owned(), "p2".to_owned()]).collect();
        dice.shuffle(&mut calls);
        calls.truncate(6);
        trips.push(format!("r{route},w,t{route}"));
        times.extend(calls.iter().enumerate().map(|(at, stop)| format!("t{route},{stop},{}", at * 10)));
    }
    vec![
        ("agency.txt", file("agency_id,agency_name,agency_timezone", (0..agencies).map(|at| format!("a{at},Agency {at},Europe/Madrid")))),
        ("stops.txt", file("stop_id,stop_name,zone_id,location_type,parent_station", stops)),
        ("routes.txt", file("route_id,agency_id,route_short_name,route_type", routes)),
        ("trips.txt", file("route_id,service_id,trip_id", trips)),
        ("stop_times.txt", file("trip_id,stop_id,stop_sequence", times)),
        ("fare_attributes.txt", file("fare_id,price,currency_type,payment_method,transfers,agency_id,transfer_duration", fares)),
        ("fare_rules.txt", file("fare_id,route_id,origin_id,destination_id,contains_id", rules)),
    ]
}

/// Areas that overlap, networks, timeframes of workdays, weekends and single days, categories and media; with priorities or
/// without.
pub fn leg_rules(seed: u64) -> Files {
    let dice = &mut Dice::new(seed);
    let prioritized = dice.permille(500);
    let areas = ["city", "suburb", "airport"];
    let or_none = |dice: &mut Dice, names: &[&str], rate: u64| if dice.permille(rate) { String::new() } else { (*dice.one_of(names)).to_owned() };
    let stop_ids = ["s0", "s1", "s2", "s3", "st", "p1", "p2"];
    let mut members: Vec<String> = Vec::new();
    for stop in stop_ids {
        for area in areas {
            if dice.permille(300) {
                members.push(format!("{area},{stop}"));
            }
        }
    }
    let media = ["card", "paper"];
    let mut products = Vec::new();
    for product in 0..5 {
        for category in ["", "adult", "child"] {
            for medium in ["", "card", "paper"] {
                if dice.permille(300) || (product == 0 && category.is_empty() && medium.is_empty()) {
                    products.push(format!("p{product},{category},{medium},{},EUR", dice.one_of(&["1.20", "2.40", "2.55", "4", "5.50", "0"])));
                }
            }
        }
    }
    let mut rules: Vec<String> = Vec::new();
    for _ in 0..dice.within(2, 9) {
        let times = ["peak", "weekend"];
        let exit = if dice.permille(850) { String::new() } else { (*dice.one_of(&times)).to_owned() };
        let mut rule = format!(
            "{},{},{},{exit},p{}",
            or_none(dice, &["rail", "bus"], 500),
            [or_none(dice, &areas, 400), or_none(dice, &areas, 400)].join(","),
            or_none(dice, &times, 600),
            dice.within(0, 5)
        );
        if prioritized {
            rule += &format!(",{}", dice.one_of(&["", "1", "2"]));
        }
        rules.push(rule);
    }
    rules.sort();
    rules.dedup();
    let priority = if prioritized { ",rule_priority" } else { "" };
    vec![
        ("agency.txt", file("agency_id,agency_name,agency_timezone", ["a,Agency,Europe/Madrid".to_owned()])),
        (
            "stops.txt",
            file(
                "stop_id,stop_name,location_type,parent_station",
                ["s0,Zero,,", "s1,One,,", "s2,Two,0,", "s3,Three,0,", "st,Station,1,", "p1,Platform,0,st", "p2,Platform,0,st"].map(str::to_owned),
            ),
        ),
        ("routes.txt", file("route_id,agency_id,route_short_name,route_type", (0..4).map(|at| format!("r{at},a,{at},1")))),
        ("networks.txt", file("network_id,network_name", ["rail,Rail", "bus,Bus", "other,Other"].map(str::to_owned))),
        ("route_networks.txt", file("network_id,route_id", ["rail,r0", "bus,r1", "other,r2"].map(str::to_owned))),
        ("areas.txt", file("area_id,area_name", areas.map(|area| format!("{area},{area}")))),
        ("stop_areas.txt", file("area_id,stop_id", members)),
        (
            "calendar.txt",
            file(
                "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
                ["work,1,1,1,1,1,0,0,20260105,20260626", "end,0,0,0,0,0,1,1,20260103,20260628"].map(str::to_owned),
            ),
        ),
        ("calendar_dates.txt", file("service_id,date,exception_type", ["work,20260403,2", "end,20260403,1", "work,20260411,1"].map(str::to_owned))),
        (
            "timeframes.txt",
            file(
                "timeframe_group_id,start_time,end_time,service_id",
                [
                    "peak,6:30:00,09:30:00,work",
                    "peak,16:00:00,19:00:30,work",
                    "weekend,,,end",
                    "weekend,20:00:00,24:00:00,work",
                    "weekend,06:00:00,07:00:00,work",
                ]
                .map(str::to_owned),
            ),
        ),
        ("rider_categories.txt", file("rider_category_id,rider_category_name,is_default_fare_category", ["adult,Adult,1", "child,Child,0"].map(str::to_owned))),
        ("fare_media.txt", file("fare_media_id,fare_media_name,fare_media_type", media.map(|medium| format!("{medium},{medium},2")))),
        ("fare_products.txt", file("fare_product_id,rider_category_id,fare_media_id,amount,currency", products)),
        (
            "fare_leg_rules.txt",
            file(&format!("network_id,from_area_id,to_area_id,from_timeframe_group_id,to_timeframe_group_id,fare_product_id{priority}"), rules),
        ),
    ]
}

/// Four networks, a leg group each, and transfers of every type between some of them, with limits of every type; between a
/// group and itself maybe in steps of several counts.
pub fn transfers(seed: u64) -> Files {
    let dice = &mut Dice::new(seed);
    let groups = ["g0", "g1", "g2", "g3"];
    let mut products: Vec<String> = Vec::new();
    for (at, amount) in ["2.00", "2.50", "3.10", "1.40"].iter().enumerate() {
        products.push(format!("leg{at},,,{amount},EUR"));
        if dice.permille(500) {
            products.push(format!("leg{at},child,,1.00,EUR"));
        }
    }
    products.extend(
        ["free,,,0.00", "up,,,0.90", "up,child,,0.30", "up,,card,0.60", "off,,,-0.50", "off,,cash,-0.10", "all,,,3.50", "all,child,cash,2.20"]
            .map(|row| format!("{row},EUR")),
    );
    let mut rules = Vec::new();
    let named: Vec<&str> = groups.into_iter().filter(|_| dice.permille(700)).collect();
    for from in named.iter().copied().chain([""]) {
        for to in named.iter().copied().chain([""]) {
            if !dice.permille(450) {
                continue;
            }
            let limit = if dice.permille(150) { ",".to_owned() } else { format!("{},{}", 900 * dice.within(1, 8), dice.within(0, 4)) };
            let price = |dice: &mut Dice| (*dice.one_of(&["0,", "0,free", "0,up", "1,off", "1,", "2,all"])).to_owned();
            if from != to {
                rules.push(format!("{from},{to},,{limit},{}", price(dice)));
                continue;
            }
            let counts = dice.one_of(&["1", "2", "-1", "1 3", "1 -1", "2 3 -1"]).split(' ');
            rules.extend(counts.map(|count| format!("{from},{to},{count},{limit},{}", price(dice))));
        }
    }
    vec![
        ("agency.txt", file("agency_id,agency_name,agency_timezone", ["a,Agency,Europe/Madrid".to_owned()])),
        ("stops.txt", file("stop_id,stop_name", ["s0,Zero", "s1,One"].map(str::to_owned))),
        ("routes.txt", file("route_id,agency_id,route_short_name,route_type", (0..4).map(|at| format!("r{at},a,{at},1")))),
        ("route_networks.txt", file("network_id,route_id", (0..4).map(|at| format!("n{at},r{at}")))),
        ("rider_categories.txt", file("rider_category_id,rider_category_name,is_default_fare_category", ["child,Child,0".to_owned()])),
        ("fare_products.txt", file("fare_product_id,rider_category_id,fare_media_id,amount,currency", products)),
        ("fare_leg_rules.txt", file("leg_group_id,network_id,fare_product_id", (0..4).map(|at| format!("g{at},n{at},leg{at}")))),
        (
            "fare_transfer_rules.txt",
            file("from_leg_group_id,to_leg_group_id,transfer_count,duration_limit,duration_limit_type,fare_transfer_type,fare_product_id", rules),
        ),
    ]
}
