//! One connection under two pairs of addresses: a host that translates addresses, and captures on all interfaces, shows each packet before and
//! behind the translation.
//!
//! The two are followed by themselves, as two streams of one capture. What makes them one is known with the ClientHello: translation changes
//! neither initial sequence numbers nor the hello's random. What is remembered to find them is of a fixed size; of each connection that was
//! found a second time, 16 bytes stay until the capture ends.
//!
//! Not found: connections whose numbers are changed on the way too, and those without a ClientHello.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::connection::{Observed, Stretch};
use crate::evidence::Time;
use crate::net::FlowKey;

/// The first packets of both are captured within so many nanoseconds.
const TOGETHER_NANOS: u64 = 10_000_000;
/// Of so many connections, the latest, another copy may come; of at most twice as many it is found. As many as a table of 512 places takes.
const REMEMBERED: usize = 448;

/// What stays the same through a translation of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Unchanged {
    /// The client's initial sequence number.
    pub(super) client_isn: u32,
    /// What the server's stream begins with.
    pub(super) server_isn: u32,
    /// The random of the first ClientHello.
    pub(super) random: [u8; 32],
}

/// A connection whose ClientHello came whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    /// What tells it from all others.
    pub(super) unchanged: Unchanged,
    /// Its ends.
    pub(super) key: FlowKey,
    /// The frame that completed the hello.
    pub(super) hello: u64,
    /// The frame of its first packet.
    pub(super) first: u64,
    /// That frame's time.
    pub(super) time: Time,
}

impl Sighting {
    fn is_copy_of(&self, other: &Self) -> bool {
        // nDPI tls_cipher_lens.pcap: edited copies of one hello, under other ports alone, are connections of their own.
        let addresses = |key: &FlowKey| (key.low_address, key.high_address);
        let apart = self.time.nanos().abs_diff(other.time.nanos());
        addresses(&self.key) != addresses(&other.key) && apart <= TOGETHER_NANOS
    }
}

/// Two of the same connection, by the frames of their first packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Copy {
    /// The one that came later.
    of: u64,
    /// The one that tells the story.
    original: u64,
}

/// Finds the connections of a capture that are in it twice.
#[derive(Debug)]
pub(super) struct Translations {
    latest: HashTable<Sighting>,
    /// Those before them.
    earlier: HashTable<Sighting>,
    hasher: RandomState,
    copies: Vec<Copy>,
    limit: usize,
}

impl Translations {
    /// None found yet; of at most `limit` connections a second one will be.
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            latest: HashTable::with_capacity(REMEMBERED),
            earlier: HashTable::with_capacity(REMEMBERED),
            hasher: RandomState::default(),
            copies: Vec::new(),
            limit,
        }
    }

    /// Takes what all shards saw since the last time, in any order.
    pub(super) fn take(&mut self, sightings: impl Iterator<Item = Sighting>) {
        let mut sightings: Vec<Sighting> = sightings.collect();
        sightings.sort_unstable_by_key(|sighting| (sighting.hello, sighting.first, sighting.key));
        for sighting in sightings {
            self.note(sighting);
        }
    }

    fn note(&mut self, sighting: Sighting) {
        let hash = |sighting: &Sighting| self.hasher.hash_one(sighting.unchanged);
        let same = |known: &Sighting| known.unchanged == sighting.unchanged;
        let known = self.latest.find_mut(hash(&sighting), same);
        let known = known.or_else(|| self.earlier.find_mut(hash(&sighting), same));
        if let Some(known) = known.filter(|known| sighting.is_copy_of(known)) {
            let first = known.first.min(sighting.first);
            if self.copies.len() < self.limit {
                self.copies.push(Copy {
                    of: known.first.max(sighting.first),
                    original: first,
                });
            }
            if sighting.first == first {
                *known = sighting;
            }
            return;
        }
        if self.latest.len() >= REMEMBERED {
            std::mem::swap(&mut self.latest, &mut self.earlier);
            self.latest.clear();
        }
        match self.latest.entry(hash(&sighting), same, hash) {
            Entry::Occupied(mut known) => *known.get_mut() = sighting,
            Entry::Vacant(place) => {
                place.insert(sighting);
            }
        }
    }

    /// Makes one of each two. `observed` are the connections that were kept, in the order of their first packets; those that were not are
    /// in `sound`.
    pub(super) fn join(mut self, observed: Vec<Box<Observed>>, sound: &mut u64) -> Vec<Box<Observed>> {
        if self.copies.is_empty() {
            return observed;
        }
        let frames: Vec<u64> = observed.iter().map(|seen| seen.opening().frame).collect();
        let place = |frame: u64| frames.binary_search(&frame).ok();
        let mut kept: Vec<Option<Box<Observed>>> = observed.into_iter().map(Some).collect();
        // The copy of a copy comes before what it is a copy of.
        self.copies.sort_unstable_by(|one, other| other.cmp(one));
        for copy in self.copies {
            let Some(seen) = place(copy.of).and_then(|place| kept.get_mut(place)?.take()) else {
                *sound = sound.saturating_sub(1);
                continue;
            };
            // Where the original is sound and only counted, so is the connection.
            let original = place(copy.original).and_then(|place| kept.get_mut(place)?.as_mut());
            if let Some(original) = original {
                let own = Stretch::of(&seen);
                let mut copies = std::mem::take(&mut original.translated).into_vec();
                copies.push(own);
                copies.extend(seen.translated);
                copies.sort_unstable_by_key(|copy| copy.first.frame);
                original.translated = copies.into();
            }
        }
        kept.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::connection::testing::scene;

    const RANDOM: [u8; 32] = [7; 32];

    /// A connection of this client, whose first packet is this frame, so many microseconds after the capture's beginning.
    fn sighting(client: u8, first: u64, micros: i64) -> Sighting {
        let end = |last, port| (Ipv4Addr::new(10, 0, 0, last).into(), port);
        Sighting {
            unchanged: Unchanged {
                client_isn: 1,
                server_isn: 2,
                random: RANDOM,
            },
            key: FlowKey::new(end(client, 50_000), end(200, 443)).0,
            hello: first + 100,
            first,
            time: Time::from_nanos(micros * 1_000),
        }
    }

    fn found(sightings: &[Sighting]) -> Vec<(u64, u64)> {
        let mut translations = Translations::with_limit(100);
        translations.take(sightings.iter().copied());
        let told = |copy: &Copy| (copy.of, copy.original);
        translations.copies.iter().map(told).collect()
    }

    #[test]
    fn the_same_under_other_addresses_is_a_copy_of_what_came_first() {
        assert_eq!(found(&[sighting(1, 1, 0), sighting(2, 2, 30)]), [(2, 1)]);
        // Whatever the order of the hellos is.
        let late = Sighting {
            hello: 300,
            ..sighting(1, 1, 0)
        };
        assert_eq!(found(&[late, sighting(2, 2, 30)]), [(2, 1)]);
    }

    #[test]
    fn of_three_each_leads_to_the_first() {
        assert_eq!(
            found(&[sighting(1, 1, 0), sighting(2, 2, 30), sighting(3, 3, 60)]),
            [(2, 1), (3, 1)]
        );
    }

    #[test]
    fn another_hello_other_numbers_the_same_addresses_or_another_time_are_another_connection() {
        let first = sighting(1, 1, 0);
        let with = |change: fn(&mut Sighting)| {
            let mut second = sighting(2, 2, 30);
            change(&mut second);
            found(&[first, second]).len()
        };
        assert_eq!(with(|_| ()), 1);
        assert_eq!(with(|second| second.unchanged.random[31] = 8), 0);
        assert_eq!(with(|second| second.unchanged.client_isn = 3), 0);
        assert_eq!(with(|second| second.unchanged.server_isn = 3), 0);
        assert_eq!(with(|second| second.key = sighting(1, 1, 0).key), 0);
        assert_eq!(
            with(|second| second.key = FlowKey {
                low_port: 50_001,
                ..sighting(1, 1, 0).key
            }),
            0
        );
        assert_eq!(with(|second| second.time = Time::from_nanos(10_000_001)), 0);
        assert_eq!(with(|second| second.time = Time::from_nanos(10_000_000)), 1);
    }

    #[test]
    fn no_more_is_remembered_than_was_said() {
        let mut translations = Translations::with_limit(1);
        for number in 0..20_000_u32 {
            let mut sighting = sighting(1, u64::from(number) * 2, 0);
            sighting.unchanged.client_isn = number;
            translations.take([sighting].into_iter());
        }
        assert!(translations.latest.len() + translations.earlier.len() <= 2 * REMEMBERED);
        // Neither the latest but one is forgotten, nor is more than one copy noted.
        for number in [19_998_u32, 19_999] {
            let mut sighting = sighting(2, u64::from(number) * 2 + 1, 0);
            sighting.unchanged.client_isn = number;
            translations.take([sighting].into_iter());
        }
        assert_eq!(translations.copies.len(), 1);
    }

    /// What is kept of a connection that begins with this frame.
    fn kept(first: u64) -> Box<Observed> {
        Box::new(scene().behind_frame(first - 1).connect().seen())
    }

    fn join(copies: &[(u64, u64)], kept: Vec<Box<Observed>>, mut sound: u64) -> (Vec<(u64, usize)>, u64) {
        let mut translations = Translations::with_limit(100);
        translations.copies = copies
            .iter()
            .map(|(of, original)| Copy {
                of: *of,
                original: *original,
            })
            .collect();
        let joined = translations.join(kept, &mut sound);
        let told = joined.iter().map(|seen| (seen.opening().frame, seen.translated.len()));
        (told.collect(), sound)
    }

    #[test]
    fn a_copy_becomes_a_place_of_the_original() {
        let all = || vec![kept(1), kept(2), kept(3), kept(4)];
        assert_eq!(join(&[], all(), 5), (vec![(1, 0), (2, 0), (3, 0), (4, 0)], 5));
        assert_eq!(join(&[(3, 1)], all(), 5), (vec![(1, 1), (2, 0), (4, 0)], 5));
        // A chain, as the order of hellos may leave it.
        assert_eq!(join(&[(3, 2), (2, 1)], all(), 5), (vec![(1, 2), (4, 0)], 5));
    }

    #[test]
    fn a_sound_copy_that_was_only_counted_is_not_counted() {
        assert_eq!(join(&[(9, 8)], vec![kept(1)], 5), (vec![(1, 0)], 4));
        assert_eq!(join(&[(9, 1)], vec![kept(1)], 5), (vec![(1, 0)], 4));
        assert_eq!(join(&[(2, 1)], vec![kept(2)], 5), (vec![], 5));
    }
}
