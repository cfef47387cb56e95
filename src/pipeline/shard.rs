//! One of the 64 parts of the flow table, with the connections in it. A flow lives in one shard, so its packets arrive in the order of
//! the file, however many threads there are.

use std::collections::VecDeque;

use super::flows::{Flows, Place, UNNUMBERED};
use super::followed::Followed;
use super::harvest::Harvest;
use super::limits::{Limits, Reached};
use super::live::Live;
use super::open::Stage;
use super::translation::Sighting;
use crate::evidence::Time;
use crate::net::Segment;

/// Nanoseconds of capture time for which a closed connection is still listened to: late resets and data tell who ended it.
const LINGER_NANOS: i64 = 2_000_000_000;
/// The same in packets of the file, where the capture has no clock.
const LINGER_FRAMES: u64 = 100_000;

/// A connection that has closed, and is still listened to.
#[derive(Clone, Copy, Debug)]
struct Lingering {
    /// Its place among those that are followed.
    place: u32,
    /// Which one it is: another may have taken its place.
    opened: u32,
    since: Option<Time>,
    frame: u64,
}

/// A part of the flow table and of what came out of it.
#[derive(Debug)]
pub(super) struct Shard {
    flows: Flows,
    followed: Followed,
    /// Frames that opened a conversation and wait for their number.
    openings: Vec<u64>,
    /// Connections whose ClientHello came whole, since the last time.
    sightings: Vec<Sighting>,
    lingering: VecDeque<Lingering>,
    /// Conversations that were opened so far.
    opened: u32,
    /// Conversations are not numbered any more.
    unnumbered: bool,
}

impl Shard {
    /// An empty shard that brings in its connections to `harvest`. `limits` are those of one shard.
    pub(super) fn new(harvest: Harvest, limits: Limits) -> Self {
        Self {
            flows: Flows::with_limit(limits.flows),
            followed: Followed::new(harvest, limits.reassembly),
            openings: Vec::new(),
            sightings: Vec::new(),
            lingering: VecDeque::new(),
            opened: 0,
            unnumbered: false,
        }
    }

    /// Frames that opened a conversation since the last numbering, ascending.
    pub(super) fn openings(&self) -> &[u64] {
        &self.openings
    }

    /// The connections whose ClientHello came whole since the last time.
    pub(super) fn sightings(&mut self) -> impl Iterator<Item = Sighting> {
        self.sightings.drain(..)
    }

    /// The number of the next conversation that waits for one.
    pub(super) fn number(&mut self, number: u32) {
        self.followed.harvest.numbers.push(number);
    }

    /// All openings have their numbers. Past `lost`, the first frame at which any shard forgot flows, there are none.
    pub(super) fn numbered(&mut self, lost: Option<u64>) {
        self.openings.clear();
        self.unnumbered = lost.is_some();
    }

    /// How often the shard reached its limits so far.
    pub(super) const fn reached(&self) -> Reached {
        self.followed.reached
    }

    /// Gets ready for the segments that come next.
    pub(super) fn expect<'a>(&mut self, segments: impl Iterator<Item = &'a Segment>) {
        self.flows.expect(segments.map(|segment| &segment.key));
    }

    /// Takes one segment; `payload` are its captured bytes.
    pub(super) fn segment(&mut self, segment: &Segment, payload: &[u8]) {
        if self.flows.is_full() && self.flows.of(&segment.key).is_none() {
            self.forget(segment);
        }
        // Room was made, if only for one.
        let Some(flow) = self.flows.of(&segment.key) else {
            return;
        };
        let opens = flow.opened_by(segment);
        let conversation = opens.then_some(self.opened);
        if opens {
            self.opened = (self.opened + 1).min(UNNUMBERED);
            if !self.unnumbered {
                self.openings.push(segment.frame);
            }
        }
        let Some(place) = self.followed.place_of(flow, conversation, segment, payload) else {
            return;
        };
        let Followed { open, harvest, .. } = &mut self.followed;
        let (capture, keeps_sound) = (harvest.capture(), harvest.keeps_sound());
        let certificates = harvest.certificates();
        let (mut closed, mut settled) = (false, false);
        let sightings = &mut self.sightings;
        let opened = open.change(place, segment.frame, |live| {
            live.segment(segment, payload, certificates);
            sightings.extend(live.sighting(segment.frame));
            closed = !live.lingers && live.tcp.is_closed();
            live.lingers |= closed;
            settled = !keeps_sound && live.is_settled(capture);
            live.opened
        });
        if settled {
            if let Some(live) = open.remove(place) {
                flow.put(Place::Over(live.opened));
                harvest.take(*live, None);
            }
        } else if closed && let Some(opened) = opened {
            self.lingering.push_back(Lingering {
                place,
                opened,
                since: segment.time,
                frame: segment.frame,
            });
        }
        self.expire(segment.time, segment.frame);
        if self.followed.exceeds() {
            self.make_room(segment.time);
        }
    }

    /// Forgets flows, since there is no room for the one of this segment.
    #[cold]
    fn forget(&mut self, segment: &Segment) {
        self.followed.reached.flows.get_or_insert(segment.frame);
        self.flows.forget(|place| self.followed.has(place));
        if self.flows.is_full() {
            self.make_room(segment.time);
            for _ in 0..self.followed.calls.len().div_ceil(2) {
                self.followed.give_up_call();
            }
            self.flows.forget(|place| self.followed.has(place));
        }
    }

    /// Closes the books of connections that ended a while ago.
    fn expire(&mut self, now: Option<Time>, frame: u64) {
        while let Some(lingering) = self.lingering.front().copied() {
            let late = match (now, lingering.since) {
                (Some(now), Some(since)) => now.nanos().saturating_sub(since.nanos()) > LINGER_NANOS,
                _ => false,
            };
            if !late && frame.saturating_sub(lingering.frame) < LINGER_FRAMES {
                return;
            }
            self.lingering.pop_front();
            let Followed { open, harvest, .. } = &mut self.followed;
            let is_it = |live: &&Live| live.lingers && live.opened == lingering.opened;
            let Some(live) = open.get(lingering.place).filter(is_it) else {
                continue;
            };
            if !live.tcp.is_closed() {
                // What was said later shows that nobody believed the reset.
                open.change(lingering.place, frame, |live| live.lingers = false);
                continue;
            }
            if let Some(live) = open.remove(lingering.place) {
                if let Some(flow) = self.flows.get_mut(&live.key) {
                    flow.put(Place::Over(live.opened));
                }
                harvest.take(*live, None);
            }
        }
    }

    /// Lets open connections go until there is room. At `now` they were watched for the last time.
    fn make_room(&mut self, now: Option<Time>) {
        for place in self.followed.least_needed() {
            let Some(live) = self.followed.open.remove(place) else {
                continue;
            };
            let says_nothing = matches!(live.stage(), Stage::Called | Stage::Answered);
            if let Some(flow) = self.flows.get_mut(&live.key) {
                flow.put(if says_nothing {
                    Place::Waiting(live.opened)
                } else {
                    Place::Over(live.opened)
                });
            }
            if says_nothing {
                self.followed.note_given_up();
                continue;
            }
            let is_over = live.lingers;
            let matters = self.followed.harvest.take(*live, now);
            self.followed.reached.judged_early += u64::from(matters && !is_over);
        }
    }

    /// The set has ended: all that was found is handed over.
    pub(super) fn finish(self) -> Harvest {
        self.followed.finish()
    }
}

#[cfg(test)]
pub(super) mod tests;
