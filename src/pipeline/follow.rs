//! One capture from its first packet to its last: windows through decoding into the shards.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rayon::prelude::*;

use super::decode::{Decoder, SHARDS};
use super::harvest::{Harvest, STATUSES_OF_THE_INPUT};
use super::inventory::Served;
use super::limits::Reached;
use super::servers::{Histories, Servers};
use super::shard::Shard;
use super::translation::Translations;
use super::unread::UnreadFlows;
use super::{OnProgress, Options, Progress};
use crate::capture::{CaptureFacts, Reader, Window};
use crate::connection::{ClockEstimate, Observed, estimate_clock};
use crate::evidence::CaptureId;
use crate::net::{FragmentLimits, FragmentTally};
use crate::report::Unread;
use crate::x509::{CertificateIndex, CertificateStore, FetchedStatuses};

/// What is judged together: one file.
#[derive(Debug)]
pub(crate) struct FollowedSet {
    /// The file.
    pub(crate) facts: CaptureFacts,
    /// Connections worth a judgement, in order of their first packet.
    pub(crate) observed: Vec<Box<Observed>>,
    /// How each server fared.
    pub(crate) servers: Histories,
    /// What they say of the capture's clock, where it seems wrong.
    pub(crate) clock: Option<ClockEstimate>,
    /// Sound connections that were only counted.
    pub(crate) sound: u64,
    /// Connections without a byte of TLS that were only counted.
    pub(crate) half_open: u64,
    /// Authorities' certificates that were seen.
    pub(crate) index: CertificateIndex,
    /// OCSP responses and revocation lists that were fetched.
    pub(crate) statuses: FetchedStatuses,
    /// Who served which certificates; empty where that is not asked for.
    pub(crate) served: Served,
    /// How often limits were reached.
    pub(crate) reached: Reached,
    /// What became of the IP fragments.
    pub(crate) fragments: FragmentTally,
    /// Connections of protocols that are not read.
    pub(crate) unread: Vec<Unread>,
}

impl FollowedSet {
    /// Seconds to add to its times where certificates are judged: what was given, else what it plainly says itself.
    pub(super) fn clock_offset(&self, given: Option<i64>) -> i64 {
        let own = || {
            self.clock
                .as_ref()
                .filter(|clock| clock.is_plain)
                .map(|clock| clock.offset)
        };
        given.or_else(own).unwrap_or_default()
    }
}

/// Follows every connection of a capture to its end.
pub(super) fn follow(
    mut reader: Reader,
    capture: CaptureId,
    certificates: &Arc<CertificateStore>,
    options: &Options,
    stop: &AtomicBool,
    on_progress: &mut Option<OnProgress>,
) -> FollowedSet {
    let limits = options.limits.of_a_shard();
    let servers = Arc::new(Servers::new());
    let mut shards: Vec<Shard> = (0..SHARDS)
        .map(|_| {
            let harvest = Harvest::new(capture, Arc::clone(certificates), Arc::clone(&servers), options);
            Shard::new(harvest, limits.clone())
        })
        .collect();
    let (mut window, mut next) = (Window::default(), Window::default());
    let mut decoder = Decoder::new(FragmentLimits::of_bytes(options.limits.fragments));
    let mut translations = Translations::with_limit(options.limits.flows);
    let mut unread = UnreadFlows::default();
    let (mut conversations, mut packets) = (0, 0);
    let name = reader.name();
    let mut more = reader.fill(&mut window, stop);
    while more {
        // The next window is read while this one is worked on.
        let (read, ()) = rayon::join(
            || reader.fill(&mut next, stop),
            || {
                decoder.decode(&window);
                shards.par_iter_mut().enumerate().for_each(|(place, shard)| {
                    shard.expect(decoder.of_shard(place, &window).map(|(segment, _)| segment));
                    for (segment, payload) in decoder.of_shard(place, &window) {
                        shard.segment(segment, payload);
                    }
                });
                unread.take(decoder.openings());
                number(&mut shards, &mut conversations);
                translations.take(shards.iter_mut().flat_map(Shard::sightings));
            },
        );
        packets += window.records.len() as u64;
        if let Some(report) = on_progress {
            report(&Progress {
                bytes: reader.position(),
                packets,
                capture: name.clone(),
            });
        }
        std::mem::swap(&mut window, &mut next);
        more = read;
    }
    FollowedSet {
        unread: unread.counted(),
        ..harvest(reader.finish(), shards, &servers, translations, decoder.fragments())
    }
}

/// Gives the conversations that were opened since the last time their numbers, in the order of their first packets. Where a shard had to
/// forget flows, what looks new may not be: from there on nothing is numbered.
fn number(shards: &mut [Shard], conversations: &mut u32) {
    // Frame and shard in one number, which is sorted faster than a pair; no file has 2^58 frames.
    const PLACE_BITS: u32 = SHARDS.trailing_zeros();
    const PLACE: u64 = SHARDS as u64 - 1;
    const { assert!(SHARDS.is_power_of_two()) };
    let lost = shards.iter().filter_map(|shard| shard.reached().flows).min();
    let mut openings: Vec<u64> = shards
        .iter()
        .zip(0..)
        .flat_map(|(shard, place)| shard.openings().iter().map(move |frame| frame << PLACE_BITS | place))
        .collect();
    openings.sort_unstable();
    for opening in openings {
        let (frame, place) = (opening >> PLACE_BITS, (opening & PLACE) as usize);
        if lost.is_some_and(|lost| frame >= lost) {
            break;
        }
        if let Some(shard) = shards.get_mut(place) {
            shard.number(*conversations);
        }
        *conversations += 1;
    }
    shards.iter_mut().for_each(|shard| shard.numbered(lost));
}

fn harvest(
    facts: CaptureFacts,
    shards: Vec<Shard>,
    servers: &Servers,
    translations: Translations,
    fragments: FragmentTally,
) -> FollowedSet {
    let mut reached = Reached {
        fragments: fragments.no_room,
        ..Reached::default()
    };
    shards.iter().for_each(|shard| reached.add(shard.reached()));
    let harvests: Vec<Harvest> = shards.into_par_iter().map(Shard::finish).collect();
    let servers = servers.take();
    let kept = harvests.iter().map(|harvest| harvest.finished.len()).sum();
    let mut set = FollowedSet {
        observed: Vec::with_capacity(kept),
        clock: None,
        servers,
        sound: 0,
        half_open: 0,
        index: CertificateIndex::default(),
        statuses: FetchedStatuses::with_limit(STATUSES_OF_THE_INPUT),
        served: Served::default(),
        facts,
        reached,
        fragments,
        unread: Vec::new(),
    };
    for mut harvest in harvests {
        set.sound += harvest.sound;
        set.half_open += harvest.half_open.dropped;
        set.index.merge(&harvest.index);
        if let Some(inventory) = harvest.inventory.take() {
            set.served.absorb(inventory, harvest.numbers.iter());
        }
        for mut observed in harvest.numbered() {
            observed.capture_end = observed.capture_end.or(set.facts.last);
            set.observed.push(observed);
        }
        set.statuses.merge(harvest.statuses);
    }
    set.observed
        .sort_by_key(|observed| observed.tcp.first_packet().map(|first| first.frame));
    set.observed = translations.join(set.observed, &mut set.sound);
    set.clock = estimate_clock(set.servers.values(), set.observed.iter().map(|seen| &**seen));
    set
}
