//! Plots as SVG: pairs of bars. Draws what it is given and knows nothing of what it means.

use crate::what_if::Pair;
use crate::words::money;
use plotters::prelude::*;

/// Pairs that have room.
pub const BARS_MAX: usize = 12;

const WIDTH: u32 = 1080;
const ROW_PIXELS: u32 = 44;
const LABEL_PIXELS: u32 = 320;
const OLD: RGBColor = RGBColor(120, 130, 145);
const NEW: RGBColor = RGBColor(20, 110, 190);

/// Horizontal bars, two for each name, in the order given. `legend` names the first and the second of each pair.
///
/// # Panics
/// Never: drawing into a text cannot fail.
#[must_use]
pub fn pairs(title: &str, legend: [&str; 2], bars: &[(String, Pair)], minor_digits: u8) -> String {
    let mut svg = String::new();
    draw(&mut svg, title, legend, bars, minor_digits).expect("a text takes what is drawn");
    svg
}

fn draw(svg: &mut String, title: &str, [first, second]: [&str; 2], bars: &[(String, Pair)], minor_digits: u8) -> Result<(), Box<dyn std::error::Error>> {
    let rows = i32::try_from(bars.len().max(1))?;
    let height = 110 + ROW_PIXELS * u32::try_from(rows)?;
    let area = SVGBackend::with_string(svg, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let amounts = || bars.iter().flat_map(|(_, pair)| [pair.old, pair.new]);
    let (least, most) = (amounts().min().unwrap_or(0).min(0), amounts().max().unwrap_or(0).max(1));
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(LABEL_PIXELS)
        // Three places a row: two bars and a gap. The first row is on top; the legend stands to the right of all bars.
        .build_cartesian_2d(least..most + most / 4 + 1, 0..rows * 3)?;
    let name = |place: &i32| {
        let row = usize::try_from(rows - 1 - place / 3).ok().filter(|_| place.rem_euclid(3) == 1);
        row.and_then(|row| bars.get(row)).map_or_else(String::new, |(name, _)| name.clone())
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .x_max_light_lines(1)
        .y_labels(bars.len() * 3 + 1)
        .y_label_formatter(&name)
        .x_labels(6)
        .x_label_formatter(&|minor| money(*minor, minor_digits))
        .label_style(("sans-serif", 13))
        .draw()?;
    let side = |place: i32, pick: fn(&Pair) -> i64, color: RGBColor| {
        let bar = move |row: i32, minor: i64| {
            let foot = (rows - 1 - row) * 3 + place;
            Rectangle::new([(0, foot), (minor, foot + 1)], color.filled())
        };
        bars.iter().zip(0i32..).map(move |((_, pair), row)| bar(row, pick(pair)))
    };
    let key = |color: RGBColor| move |(x, y): (i32, i32)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], color.filled());
    chart.draw_series(side(1, |pair| pair.old, OLD))?.label(first).legend(key(OLD));
    chart.draw_series(side(0, |pair| pair.new, NEW))?.label(second).legend(key(NEW));
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE)
        .border_style(OLD)
        .label_font(("sans-serif", 13))
        .draw()?;
    area.present()?;
    drop(chart);
    drop(area);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_both_bars_are_drawn() {
        let bars = [("operator-01 城市公交".to_owned(), Pair { old: 100_000, new: 90_000 }), ("operator-02".to_owned(), Pair { old: 0, new: -500 })];
        let svg = pairs("earned", ["booked", "other"], &bars, 2);
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        for text in ["operator-01 城市公交", "operator-02", "earned", "booked", "other"] {
            assert_eq!(svg.matches(text).count(), 1, "{text}: {svg}");
        }
        let filled = |color: &str| svg.matches("<rect").count().min(svg.matches(color).count());
        assert!(filled("#788291") >= 3 && filled("#146EBE") >= 3, "{svg}");
        assert_eq!(pairs("earned", ["booked", "other"], &bars, 2), svg);
        assert!(pairs("nothing", ["booked", "other"], &[], 2).contains("nothing"));
    }
}
