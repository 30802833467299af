//! Where a place is on the globe, and how far it is to another: in whole numbers, because what is flagged must come out the
//! same on every machine.
//!
//! The distance is that of a straight line through the ground, on a globe of the earth's mean radius: never more than
//! anybody has to travel, and a thousandth less at a thousand kilometres.

/// Degrees are counted in ten-millionths: about a centimetre.
const DEGREE: i64 = 10_000_000;
/// The mean radius of the earth (IUGG), in centimetres.
const RADIUS_CM: i128 = 637_100_880;
/// Sines are counted in these.
const ONE: i128 = 1_000_000_000_000_000_000;
const PI: i128 = 3_141_592_653_589_793_238;

/// A point in space, in centimetres from the earth's middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position([i64; 3]);

impl Position {
    /// From latitude and longitude as people write them: decimal degrees, north and east positive. `None` where they are none.
    #[must_use]
    pub fn parse(latitude: &str, longitude: &str) -> Option<Self> {
        let (north, east) = (degrees(latitude, 90)?, degrees(longitude, 180)?);
        let level = sine(90 * DEGREE - north.abs());
        let on_level = |share: i128| RADIUS_CM * level / 1_000_000_000 * share / 1_000_000_000_000_000_000_000_000_000;
        let across = if east.abs() > 90 * DEGREE { east.signum() * (180 * DEGREE - east.abs()) } else { east };
        let point = [on_level(sine(90 * DEGREE - east.abs())), on_level(sine(across)), RADIUS_CM * sine(north) / ONE];
        Some(Self(point.map(|cm| i64::try_from(cm).expect("no farther than the radius"))))
    }

    /// In a straight line, rounded down.
    #[must_use]
    pub fn metres_to(self, other: Self) -> i64 {
        let squares = self.0.iter().zip(other.0).map(|(a, b)| u128::from(a.abs_diff(b)).pow(2));
        i64::try_from(squares.sum::<u128>().isqrt() / 100).expect("no farther than the diameter")
    }

    /// At least as far as any two of these are from each other, in metres.
    #[must_use]
    pub fn extent_metres(all: impl Iterator<Item = Self> + Clone) -> i64 {
        let side = |axis: usize| {
            let along = || all.clone().filter_map(move |place| place.0.get(axis).copied());
            along().max().zip(along().min()).map_or(0, |(most, least)| u128::from(most.abs_diff(least)))
        };
        let squares: u128 = (0..3).map(|axis| side(axis).pow(2)).sum();
        i64::try_from(squares.isqrt() / 100).expect("no farther than a few diameters") + 1
    }
}

/// Decimal degrees; digits behind the seventh are dropped.
fn degrees(text: &str, most: i64) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(part) {
        return None;
    }
    let part: String = part.chars().chain("0000000".chars()).take(7).collect();
    let number = whole.parse::<i64>().ok()?.checked_mul(DEGREE)?.checked_add(part.parse().ok()?)?;
    (number <= most * DEGREE).then_some(sign * number)
}

/// The sine of an angle from -90 to 90 degrees, by its series.
fn sine(angle: i64) -> i128 {
    let radians = i128::from(angle) * PI / i128::from(180 * DEGREE);
    let square = radians * radians / ONE;
    let (mut term, mut sum) = (radians, radians);
    for step in 1..14 {
        term = -(term * square / ONE) / (2 * step * (2 * step + 1));
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: &str, longitude: &str) -> Position {
        Position::parse(latitude, longitude).expect("degrees")
    }

    #[test]
    fn sines_of_well_known_angles() {
        for (degrees, expected) in
            [(0, 0), (30, ONE / 2), (90, ONE), (-30, -ONE / 2), (-90, -ONE), (45, 707_106_781_186_547_524), (60, 866_025_403_784_438_646)]
        {
            assert!((sine(degrees * DEGREE) - expected).abs() < 100, "{degrees}: {}", sine(degrees * DEGREE));
        }
    }

    #[test]
    fn distances_are_those_of_the_globe() {
        // A quarter of a great circle: the chord of a right angle, and the poles, whatever the longitude.
        let right = (2 * (RADIUS_CM as u128).pow(2)).isqrt() as i64 / 100;
        for (a, b) in [(at("0", "0"), at("0", "90")), (at("0", "12"), at("90", "45")), (at("-90", "1"), at("0", "-180")), (at("0", "135"), at("0", "-135"))] {
            assert!((a.metres_to(b) - right).abs() <= 1);
            assert_eq!(a.metres_to(b), b.metres_to(a));
        }
        assert_eq!(at("0", "180").metres_to(at("0", "-180")), 0);
        assert_eq!(at("90", "3").metres_to(at("90", "-77.5")), 0);
        assert!((at("0", "0").metres_to(at("0", "180")) - 12_742_017).abs() <= 1);
        // A degree of a meridian is 111,195 m, and of the parallel of 60 degrees half of that.
        assert!((at("30", "104").metres_to(at("31", "104")) - 111_193).abs() <= 2);
        assert!((at("60", "104").metres_to(at("60", "105")) - 55_597).abs() <= 2);
        // Chengdu's to Chongqing's middle.
        assert!((at("30.6571", "104.0660").metres_to(at("29.5647", "106.5507")) - 268_900).abs() < 1_000);
        let here = at("30.6571", "104.066");
        assert_eq!(here.metres_to(here), 0);
        assert_eq!(here.metres_to(at("30.6571", "104.0660000")), 0);
    }

    #[test]
    fn degrees_are_decimal_and_on_the_globe() {
        for good in ["0", "-0.5", "90", "-90.0", "30.123456789012"] {
            assert!(degrees(good, 90).is_some(), "{good}");
        }
        for bad in ["", "-", "90.0000001", "-91", "1,5", "30°", "N30", "1.", ".5", "1e1", "+3", "--3", "1.2.3", "99999999999999999999"] {
            assert_eq!(degrees(bad, 90), None, "{bad}");
        }
        assert_eq!(degrees("-30.12345678", 90), Some(-301_234_567));
        assert!(Position::parse("10", "181").is_none() && Position::parse("10", "-180").is_some());
    }

    #[test]
    fn the_extent_holds_every_pair() {
        let places = [at("30.1", "104.2"), at("29.5", "106.5"), at("31.9", "103.2"), at("30.1", "104.3")];
        let extent = Position::extent_metres(places.into_iter());
        assert!(places.iter().all(|a| places.iter().all(|b| a.metres_to(*b) <= extent)));
        assert!(extent < 500_000);
        assert_eq!(Position::extent_metres(std::iter::empty()), 1);
    }
}
