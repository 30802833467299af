//! Which stops a route's trips call at, in their order. Read only where fares ask what a ride goes through.

use super::feed::Feed;
use super::places::Places;
use crate::failure::Failure;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// By route: the different sequences of stops of its trips.
#[derive(Debug, Default)]
pub struct Paths(BTreeMap<usize, Vec<Vec<u32>>>);

impl Paths {
    /// # Errors
    /// When a file cannot be read.
    pub fn read(feed: &mut Feed, places: &Places, wanted: &BTreeSet<usize>) -> Result<Self, Failure> {
        let mut trips: HashMap<String, (usize, Vec<(u32, u32)>)> = HashMap::new();
        feed.rows("trips.txt", ["trip_id", "route_id"], |_, [trip, route]| {
            if let Some(&route) = places.route_of.get(route).filter(|route| wanted.contains(route)) {
                trips.insert(trip.to_owned(), (route, Vec::new()));
            }
        })?;
        feed.rows("stop_times.txt", ["trip_id", "stop_id", "stop_sequence"], |_, [trip, stop, sequence]| {
            if let (Some((_, calls)), Some(&stop), Ok(sequence)) = (trips.get_mut(trip), places.stop_of.get(stop), sequence.parse::<u32>()) {
                calls.push((sequence, u32::try_from(stop).unwrap_or(u32::MAX)));
            }
        })?;
        let mut paths: BTreeMap<usize, BTreeSet<Vec<u32>>> = BTreeMap::new();
        for (route, mut calls) in trips.into_values() {
            calls.sort_unstable();
            paths.entry(route).or_default().insert(calls.into_iter().map(|(_, stop)| stop).collect());
        }
        Ok(Self(paths.into_iter().map(|(route, patterns)| (route, patterns.into_iter().filter(|pattern| !pattern.is_empty()).collect())).collect()))
    }

    #[must_use]
    pub fn of(&self, route: usize) -> &[Vec<u32>] {
        self.0.get(&route).map_or(&[], Vec::as_slice)
    }
}

/// The zones, in order of their numbers, of the calls from one stop to the next call at another; `None` where a trip does not go
/// that way.
pub fn passed(pattern: &[u32], start: u32, end: u32, zone_of: &impl Fn(u32) -> Option<u32>) -> Option<Vec<u32>> {
    let first = pattern.iter().position(|&stop| stop == start)?;
    let ride = pattern.get(first..)?;
    let last = ride.iter().skip(1).position(|&stop| stop == end)? + 1;
    let zones: BTreeSet<u32> = ride.iter().take(last + 1).filter_map(|&stop| zone_of(stop)).collect();
    Some(zones.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn a_ride_passes_the_zones_of_its_calls() {
        let zone_of = |stop: u32| [Some(7), Some(7), Some(3), None, Some(9)].get(stop as usize).copied().flatten();
        let pattern = [0, 1, 2, 3, 4];
        assert_eq!(passed(&pattern, 0, 4, &zone_of), Some(vec![3, 7, 9]));
        assert_eq!(passed(&pattern, 0, 1, &zone_of), Some(vec![7]));
        assert_eq!(passed(&pattern, 2, 3, &zone_of), Some(vec![3]));
        assert_eq!(passed(&pattern, 4, 0, &zone_of), None);
        assert_eq!(passed(&pattern, 0, 0, &zone_of), None);
        assert_eq!(passed(&[0, 2, 0], 0, 0, &zone_of), Some(vec![3, 7]), "round a loop");
    }
}
