//! An oddity in words: what is odd, and the numbers that say so.

use crate::steps::Shower;
use crate::terms::term;
use crate::words::money;
use domain::{EventTime, Measure, OddityKind};
use ledger::{OddRecord, Oddity};
use serde_json::{Map, Value, json};
use settlement::seconds;

/// As `--json` tells it.
pub(super) fn json(oddity: &Oddity) -> Value {
    let record = |record: &OddRecord| {
        json!({
            "record_id": record.id, "event_time_ms": record.time_ms, "terminal": record.terminal, "place": record.place, "earner": record.earner,
            "venue": record.venue,
        })
    };
    let measures: Map<String, Value> = oddity.measures.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "number": oddity.number, "name": OddityKind::from_number(oddity.number).map(OddityKind::name), "record": record(&oddity.record),
        "other": record(&oddity.other), "other_day": oddity.other_day.to_string(), "between_ms": oddity.record.time_ms - oddity.other.time_ms,
        "witness": Some(&oddity.witness).filter(|witness| !witness.is_empty()), "measures": measures,
    })
}

/// To a person.
pub(super) fn lines(oddity: &Oddity, shower: Shower<'_>) -> Vec<String> {
    let lang = shower.lang;
    let Some(kind) = OddityKind::from_number(oddity.number) else { return Vec::new() };
    let place = |record: &OddRecord| {
        let terminal = format!("{} {}", lang.pick("terminal", "终端"), record.terminal);
        if record.place.is_empty() { terminal } else { format!("{}, {terminal}", shower.place(shower.symbols.intern(&record.place))) }
    };
    let told = |record: &OddRecord| format!("{}  {}  {}", record.id, shower.moment(EventTime(record.time_ms)), place(record));
    let measure = |wanted: Measure| oddity.measures.iter().find(|(name, _)| name == wanted.name()).map(|(_, value)| *value);
    let number = |wanted: Measure| measure(wanted).map_or_else(String::new, |value| value.to_string());
    let amount = |wanted: Measure| money(measure(wanted).unwrap_or(0), shower.scheme.minor_digits);
    let words = match kind {
        OddityKind::SameGate => lang.pick(
            "the same card at the same gate {seconds} s apart: a second person may have passed",
            "同一张卡在同一闸机相隔 {seconds} 秒：可能带人通过",
        ),
        OddityKind::ImpossibleTravel if measure(Measure::LeastSeconds).is_some() => lang.pick(
            "{seconds} s between two places that are at least {least_seconds} s apart",
            "两地相隔 {seconds} 秒，而最快也需 {least_seconds} 秒",
        ),
        OddityKind::ImpossibleTravel if measure(Measure::KmPerHour).is_some() => lang.pick(
            "{metres} m in {seconds} s: {km_per_hour} km/h even with the clocks' tolerance",
            "{seconds} 秒内相距 {metres} 米：计入时钟容差仍达每小时 {km_per_hour} 公里",
        ),
        OddityKind::ImpossibleTravel => lang.pick("{metres} m in {seconds} s", "{seconds} 秒内相距 {metres} 米"),
        OddityKind::MissingTapOffs => lang.pick(
            "{rides} rides without a tap-off in the period: {charged} charged, {would} by where the card went on; the first is {witness}",
            "期间内 {rides} 次缺出站：实收 {charged}，按下次进站地点应收 {would}；首次为 {witness}",
        ),
        OddityKind::CounterRepeated => lang.pick(
            "the card's counter is {counter} in both records, {seconds} s apart: the card may have been copied",
            "两条记录的卡计数同为 {counter}，相隔 {seconds} 秒：卡可能被复制",
        ),
        OddityKind::CounterBackwards => lang.pick(
            "the card's counter is {counter} here and {other_counter} in the other record, {seconds} s apart: it went back",
            "本条卡计数 {counter}，另一条 {other_counter}，相隔 {seconds} 秒：计数倒退",
        ),
        OddityKind::CounterInterleaved => lang.pick(
            "the card's counter is {counter} here and {other_counter} in the other record, {seconds} s apart, and goes on from {witness_counter} of {witness}: two cards may count beside each other",
            "本条卡计数 {counter}，另一条 {other_counter}，相隔 {seconds} 秒，并接续 {witness} 的 {witness_counter}：可能两张卡各自计数",
        ),
    };
    let between = seconds((oddity.record.time_ms - oddity.other.time_ms).abs());
    let mut text = words.replace("{seconds}", &between).replace("{charged}", &amount(Measure::ChargedMinor)).replace("{would}", &amount(Measure::WouldMinor));
    for wanted in Measure::ALL {
        text = text.replace(&format!("{{{}}}", wanted.name()), &number(wanted));
    }
    let earlier = format!("{} {}", lang.pick("clearing day", "清分日"), oddity.other_day);
    vec![
        format!("{} {} {}", term(lang, "flagged"), oddity.number, lang.pick(kind.name(), kind.name_zh())),
        text.replace("{witness}", &oddity.witness),
        format!("{} {}", lang.pick("record:", "记录："), told(&oddity.record)),
        format!("{} {}  {earlier}", lang.pick("other: ", "另一："), told(&oddity.other)),
        lang.pick("flagged only: no price and no outcome is another for it", "仅作标记：不改变价格与处理结果").to_owned(),
    ]
}
