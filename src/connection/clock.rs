//! What a capture itself says of the clock that stamped it.
//!
//! Servers name their time outright: in the `Date` of an HTTP answer, and, where they are of that make, in the first four bytes of a random of
//! TLS ≤ 1.2 (RFC 5246 §7.4.1.2), which most fill with noise: so only what two hellos of one server agree on counts. And where every
//! certificate of several servers is out of date, it is rather the clock that is. Nor is a certificate sent
//! before a transparency log saw it, or a status stapled before it was made.

use std::collections::BTreeSet;
use std::fmt;

use super::Observed;
use super::history::ServerHistory;
use crate::evidence::Time;
use crate::x509::ocsp_status;

/// Sightings of each kind that are kept of one server, the earliest.
const KEPT: usize = 4;
/// Seconds within which two clocks agree.
const AGREES: i64 = 60;
/// Seconds from which a difference is worth a word.
const WORTH_A_WORD: i64 = 120;
/// Seconds from which certificates are judged by the corrected clock.
const WORTH_A_CHANGE: i64 = 3_600;
/// Issuers all of whose certificates must be out of date before the clock is doubted: one authority may well have let its own run out.
const ISSUERS: usize = 3;

/// How far a server's own word was from the capture's clock, for the earliest frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sightings([Option<(u64, i64)>; KEPT]);

impl Sightings {
    /// Notes what a packet says: `told` and the packet's own time. Which sightings stay does not depend on their order.
    pub(crate) fn add(&mut self, frame: u64, told: i64, at: Time) {
        let mut new = (frame, told.saturating_sub(at.seconds()));
        for slot in &mut self.0 {
            match slot {
                Some(kept) if *kept <= new => {}
                Some(kept) => std::mem::swap(kept, &mut new),
                None => {
                    *slot = Some(new);
                    return;
                }
            }
        }
    }

    /// The offset that at least `least` sightings share.
    fn agreed(&self, least: usize) -> Option<i64> {
        let offsets = || self.0.iter().flatten().map(|(_, offset)| *offset);
        offsets().find(|one| offsets().filter(|other| near(*one, *other, AGREES)).count() >= least)
    }
}

fn near(one: i64, other: i64, within: i64) -> bool {
    one.abs_diff(other) <= within.unsigned_abs()
}

/// What a capture says of its own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClockEstimate {
    /// Seconds to be added to the capture's times.
    pub(crate) offset: i64,
    /// True where it is certain enough to judge certificates by it.
    pub(crate) is_plain: bool,
    /// What it rests on.
    pub(crate) sign: ClockSign,
}

/// What an estimate of the clock rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockSign {
    /// So many servers named a time, this many of them this one.
    Told {
        /// Servers that agree.
        agree: usize,
        /// Servers that named a time.
        of: usize,
    },
    /// So many servers sent certificates, or stapled statuses, that did not yet exist.
    NotYetMade {
        /// Servers that did.
        servers: usize,
    },
    /// No certificate of so many issuers was valid by the capture's clock.
    NoneValid {
        /// Issuers of all first certificates.
        issuers: usize,
    },
}

impl fmt::Display for ClockEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sign {
            ClockSign::Told { agree, of } => write!(f, "{agree} of {of} servers that name their time agree on it"),
            ClockSign::NotYetMade { servers } => {
                let plural = if servers == 1 { "server" } else { "servers" };
                write!(
                    f,
                    "{servers} {plural} sent certificates or statuses that were made only later; it is behind by as much at least"
                )
            }
            ClockSign::NoneValid { issuers } => {
                write!(
                    f,
                    "by the capture's clock not one certificate of {issuers} issuers was valid"
                )
            }
        }
    }
}

/// What a capture says of its clock: `servers` are all of it, `judged` the connections that something went wrong with. `None` where the clock seems
/// right, or nothing tells.
pub(crate) fn estimate<'a>(
    servers: impl Iterator<Item = &'a ServerHistory> + Clone,
    judged: impl Iterator<Item = &'a Observed>,
) -> Option<ClockEstimate> {
    told(servers.clone())
        .or_else(|| none_valid(servers))
        .or_else(|| not_yet_made(judged))
        .filter(|estimate| estimate.offset.abs() >= WORTH_A_WORD)
}

/// What most of the servers say that name their time.
fn told<'a>(servers: impl Iterator<Item = &'a ServerHistory>) -> Option<ClockEstimate> {
    let offsets = servers.filter_map(|server| server.dates.agreed(1).or_else(|| server.randoms.agreed(2)));
    let mut offsets: Vec<i64> = offsets.collect();
    let (offset, agree) = majority(&mut offsets, AGREES)?;
    Some(ClockEstimate {
        offset,
        is_plain: agree > 1 && offset.abs() >= WORTH_A_CHANGE,
        sign: ClockSign::Told {
            agree,
            of: offsets.len(),
        },
    })
}

/// The reading of a clock that more than half of all are near to, `within` so many seconds, and how many these are.
pub(super) fn majority(readings: &mut [i64], within: i64) -> Option<(i64, usize)> {
    readings.sort_unstable();
    let middle = *readings.get(readings.len() / 2)?;
    let agree = readings
        .iter()
        .filter(|reading| near(**reading, middle, within))
        .count();
    (2 * agree > readings.len()).then_some((middle, agree))
}

/// The least change of the clock after which every first certificate is valid, where not one is by the capture's own.
fn none_valid<'a>(servers: impl Iterator<Item = &'a ServerHistory>) -> Option<ClockEstimate> {
    let (mut issuers, mut earliest, mut latest) = (BTreeSet::new(), i64::MIN, i64::MAX);
    for sent in servers.flat_map(|server| server.sent.values().flat_map(|sent| &sent.ends)) {
        let (Some(leaf), Some(at)) = (sent.leaf(), sent.mark.time) else {
            continue;
        };
        let until_valid = leaf.not_before.seconds().saturating_sub(at.seconds());
        let until_ended = leaf.not_after.seconds().saturating_sub(at.seconds());
        if until_valid <= 0 && until_ended >= 0 {
            return None;
        }
        issuers.insert(&leaf.issuer.key);
        earliest = earliest.max(until_valid);
        latest = latest.min(until_ended);
    }
    (issuers.len() >= ISSUERS && earliest <= latest).then_some(ClockEstimate {
        offset: if earliest > 0 { earliest } else { latest },
        is_plain: true,
        sign: ClockSign::NoneValid { issuers: issuers.len() },
    })
}

/// By how much the clock is behind at least, by the certificates that it shows before a log saw them, or before the status that came with them
/// was made. Only those are read that have to be judged anyway.
fn not_yet_made<'a>(judged: impl Iterator<Item = &'a Observed>) -> Option<ClockEstimate> {
    let (mut servers, mut most) = (BTreeSet::new(), 0);
    for seen in judged {
        let sent = seen.server_chain.as_ref().seen().and_then(|chain| chain.span.mark.time);
        let (Some(at), Some(leaf)) = (sent, seen.leaf()) else {
            continue;
        };
        let logged = leaf.extensions.timestamps.as_ref().map(|timestamps| timestamps.latest);
        let stapled = seen
            .stapled
            .as_ref()
            .seen()
            .and_then(|stapled| stapled.value.responses.first());
        let made = stapled.and_then(|response| ocsp_status(response, leaf, None, None).made_at);
        let behind = logged
            .max(made)
            .map_or(0, |made| made.seconds().saturating_sub(at.seconds()));
        if behind > 0 {
            servers.insert(seen.server);
            most = most.max(behind);
        }
    }
    (most > 0).then_some(ClockEstimate {
        offset: most,
        is_plain: false,
        sign: ClockSign::NotYetMade { servers: servers.len() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_176_000;

    fn server(dates: &[i64], randoms: &[i64]) -> ServerHistory {
        let mut server = ServerHistory::default();
        for (frame, offset) in (1..).zip(dates) {
            server.dates.add(frame, NOON + offset, Time::from_seconds(NOON));
        }
        for (frame, offset) in (1..).zip(randoms) {
            server.randoms.add(frame, NOON + offset, Time::from_seconds(NOON));
        }
        server
    }

    fn of(servers: &[ServerHistory]) -> Option<ClockEstimate> {
        estimate(servers.iter(), std::iter::empty())
    }

    #[test]
    fn servers_that_agree_on_another_time_put_the_clock_right() {
        let found = of(&[server(&[86_400], &[]), server(&[86_410], &[]), server(&[0], &[])]).unwrap();
        assert_eq!((found.offset, found.is_plain), (86_400, true));
        assert_eq!(found.to_string(), "2 of 3 servers that name their time agree on it");
    }

    #[test]
    fn one_server_alone_may_be_wrong_itself() {
        assert_eq!(of(&[server(&[86_400], &[])]).map(|found| found.is_plain), Some(false));
        assert_eq!(
            of(&[server(&[86_400], &[]), server(&[0], &[]), server(&[1], &[])]),
            None
        );
    }

    #[test]
    fn a_clock_that_is_right_is_not_talked_about() {
        assert_eq!(of(&[server(&[1], &[]), server(&[0], &[])]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn randoms_count_where_two_of_a_server_agree() {
        let noise = server(&[], &[512_345_678, -1_234_567, 98_765_432]);
        assert_eq!(of(&[noise]), None);
        let honest = || server(&[], &[-7_200, -7_199]);
        let found = of(&[honest(), honest()]).unwrap();
        assert_eq!((found.offset, found.is_plain), (-7_200, true));
    }

    #[test]
    fn the_earliest_sightings_stay_whatever_the_order() {
        let (mut forwards, mut backwards) = (Sightings::default(), Sightings::default());
        for frame in 1..=9 {
            forwards.add(frame, NOON + frame as i64, Time::from_seconds(NOON));
            backwards.add(10 - frame, NOON + 10 - frame as i64, Time::from_seconds(NOON));
        }
        assert_eq!(forwards, backwards);
        assert_eq!(
            forwards.0.map(|kept| kept.map(|(frame, _)| frame)),
            [1, 2, 3, 4].map(Some)
        );
    }

    #[test]
    fn a_certificate_that_no_log_had_seen_yet_shows_that_the_clock_is_behind() {
        use rcgen::CustomExtension;

        use crate::connection::testing::*;
        use crate::x509::testing::{Authority, Leaf};

        let sent = |days: i64| {
            let logged = (noon().seconds() + days * 86_400) * 1_000;
            let timestamp = [&[0; 33][..], &logged.to_be_bytes(), &[0, 0, 4, 3, 0, 0]].concat();
            let list = [&[0, timestamp.len() as u8][..], &timestamp].concat();
            let value = [&[4, list.len() as u8 + 2, 0, list.len() as u8][..], &list].concat();
            let extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], value);
            let leaf = Leaf::named("shop.example").with(|params| params.custom_extensions.push(extension));
            let leaf = leaf.signed_by(&Authority::root("Root"));
            let seen = connected()
                .client_hello(Hello::tls12)
                .server_flight(&[&leaf])
                .alert(Client, 2, 42)
                .seen();
            estimate(std::iter::empty(), std::iter::once(&seen))
        };
        let found = sent(3).unwrap();
        assert!((found.offset - 3 * 86_400).abs() < 60 && !found.is_plain, "{found:?}");
        assert_eq!(found.sign, ClockSign::NotYetMade { servers: 1 });
        assert_eq!(sent(-3), None);
    }
}
