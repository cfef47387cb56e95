//! At which intervals something comes: checks come regularly, people and programs that have something to do do not.

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::connection::{Endpoint, Observed};
use crate::evidence::{Mark, Time};

/// Times of one client with one server that are remembered.
const KEPT: usize = 64;
/// So many of them tell whether they come at regular intervals.
const REGULAR: usize = 4;
/// The intervals of a check vary by no more than this share of their mean (standard deviation).
const VARIATION: f64 = 0.1;
/// Seconds between two checks at least; what comes faster are attempts.
const AT_ONCE: f64 = 0.5;

/// When a program of a client did something with a server.
#[derive(Clone, Debug, Default)]
pub(super) struct Times(HashMap<Who, Vec<Time>, foldhash::fast::RandomState>);

/// A client, the server, and the program by its hello where there is one: what several do once each, none does again and again.
type Who = (IpAddr, Endpoint, Option<u64>);

fn who(seen: &Observed) -> Who {
    (seen.client.address, seen.server, seen.program())
}

impl Times {
    /// Notes that it did so in this packet, where the capture has a clock.
    pub(super) fn note(&mut self, seen: &Observed, mark: Mark) {
        let times = self.0.entry(who(seen)).or_default();
        if let Some(time) = mark.time.filter(|_| times.len() < KEPT) {
            times.push(time);
        }
    }

    /// How often the program of this connection did so.
    pub(super) fn count(&self, seen: &Observed) -> usize {
        self.0.get(&who(seen)).map_or(0, Vec::len)
    }

    /// The interval in seconds at which it does so, and how often, where that is regular.
    pub(super) fn every(&self, seen: &Observed) -> Option<(f64, usize)> {
        regular(self.0.get(&who(seen))?)
    }
}

fn regular(times: &[Time]) -> Option<(f64, usize)> {
    if times.len() < REGULAR {
        return None;
    }
    let mut times: Vec<i64> = times.iter().map(|time| time.nanos()).collect();
    times.sort_unstable();
    let apart = |pair: &[i64]| Some(pair.last()?.saturating_sub(*pair.first()?) as f64 / 1e9);
    let intervals: Vec<f64> = times.windows(2).filter_map(apart).collect();
    let count = intervals.len() as f64;
    let mean = intervals.iter().sum::<f64>() / count;
    let variance = intervals.iter().map(|interval| (interval - mean).powi(2)).sum::<f64>() / count;
    (mean > AT_ONCE && variance.sqrt() < mean * VARIATION).then_some((mean, times.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::testing::*;

    #[test]
    fn regular_is_what_comes_often_enough_at_nearly_the_same_interval() {
        let at = |seconds: &[f64]| {
            let times = seconds.iter().map(|seconds| Time::from_nanos((seconds * 1e9) as i64));
            regular(&times.collect::<Vec<_>>())
        };
        assert_eq!(at(&[0.0, 10.0, 20.0, 30.0]), Some((10.0, 4)));
        assert_eq!(at(&[30.0, 0.0, 20.0, 10.0]), Some((10.0, 4)));
        assert_eq!(at(&[0.0, 10.0, 20.0]), None);
        assert_eq!(at(&[0.0, 10.0, 13.0, 30.0]), None);
        assert_eq!(at(&[0.0, 0.1, 0.2, 0.3]), None);
    }

    #[test]
    fn each_client_and_server_is_counted_apart() {
        let mut times = Times::default();
        let note = |times: &mut Times, scene: Scene| {
            let seen = scene.connect().seen();
            times.note(&seen, seen.opening());
            seen
        };
        let seen = note(&mut times, scene());
        note(&mut times, scene().port(8_443));
        note(&mut times, scene().hosts("10.0.0.7", "10.0.0.2"));
        assert_eq!(times.count(&seen), 1);
        assert_eq!(times.every(&seen), None);
    }

    #[test]
    fn programs_with_different_hellos_are_counted_apart() {
        let said = |suites: &[u16]| connected().client_hello(|hello| hello.suites(suites)).seen();
        let (one, other) = (said(&[0x1301, 0x1302]), said(&[0x1302, 0x1301]));
        let mut times = Times::default();
        for seen in [&one, &one, &other] {
            times.note(seen, seen.opening());
        }
        assert_eq!((times.count(&one), times.count(&other)), (2, 1));
    }
}
