//! What a shard follows: calls that wait, open connections, and what came out of those that are over.

use super::calls::{Call, Calls};
use super::flows::{Flow, Place, UNNUMBERED};
use super::harvest::Harvest;
use super::limits::Reached;
use super::live::Live;
use super::open::Open;
use crate::net::Segment;

/// The part of the bytes for open connections that calls may take: one in 32.
const FOR_CALLS: usize = 32;

/// The connections of a shard, apart from the table that finds them.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) open: Open,
    pub(super) calls: Calls,
    pub(super) harvest: Harvest,
    pub(super) reached: Reached,
    /// Bytes that open connections may take.
    room: usize,
}

impl Followed {
    /// Nothing yet. Calls and open connections may take so many bytes.
    pub(super) fn new(harvest: Harvest, bytes: usize) -> Self {
        let for_calls = bytes / FOR_CALLS;
        Self {
            open: Open::default(),
            calls: Calls::of_bytes(for_calls),
            harvest,
            reached: Reached::default(),
            room: bytes - for_calls,
        }
    }

    /// True where open connections take more than they may.
    pub(super) const fn exceeds(&self) -> bool {
        self.open.exceeds(self.room)
    }

    /// Those who have to go where [room](Self::exceeds) is needed.
    pub(super) fn least_needed(&self) -> Vec<u32> {
        self.open.least_needed(self.room)
    }

    /// Notes that a connection without payload was given up: it is only counted, unless it goes on.
    pub(super) const fn note_given_up(&mut self) {
        self.reached.parked += 1;
        self.harvest.half_open.dropped += 1;
    }

    /// Gives up the call that is needed least.
    pub(super) fn give_up_call(&mut self) {
        if self.calls.give_up() {
            self.note_given_up();
        }
    }

    /// True where a connection is followed, or waits for its packets.
    pub(super) fn has(&self, place: Place) -> bool {
        match place {
            Place::Open(_) => true,
            Place::Waiting(opened) => self.calls.has(opened),
            Place::Over(_) | Place::Unseen(_) => false,
        }
    }

    /// The place of the open connection that a segment belongs to, which may begin with it. `None` where it is not followed now. `conversation`
    /// is the one that it opens.
    pub(super) fn place_of(
        &mut self,
        flow: &mut Flow,
        conversation: Option<u32>,
        segment: &Segment,
        payload: &[u8],
    ) -> Option<u32> {
        if !segment.role.followed() {
            self.take_header(flow, conversation, segment, payload);
            return None;
        }
        if let Place::Waiting(opened) = flow.place() {
            if conversation.is_none() && self.calls.answer(opened, segment) {
                return None;
            }
            self.take_up(flow, opened);
        }
        let opens = conversation.is_some();
        let calls = segment.flags.syn() && !segment.flags.ack();
        let mut calls_again = false;
        let before = match flow.place() {
            Place::Open(place) => {
                let live = self.open.get(place)?;
                if !opens && !live.tcp.is_reopened_by(segment) {
                    return Some(place);
                }
                let before = live.opened;
                if let Some(live) = self.open.remove(place) {
                    self.harvest.take(*live, None);
                }
                before
            }
            Place::Over(before) => {
                // Ports are used again, and now and then with the number that they had before.
                if !opens && !calls {
                    return None;
                }
                before
            }
            Place::Unseen(before) => before,
            // It was given up.
            Place::Waiting(before) => {
                let goes_on = !payload.is_empty() || segment.flags.syn();
                if !opens && !goes_on {
                    return None;
                }
                let dropped = &mut self.harvest.half_open.dropped;
                *dropped = dropped.saturating_sub(u64::from(!opens));
                calls_again = !opens && calls;
                before
            }
        };
        if let Some(opened) = conversation
            && opened != UNNUMBERED
            && Call::begins_with(segment)
        {
            flow.put(Place::Waiting(opened));
            if self.calls.is_full() {
                self.give_up_call();
            }
            self.calls.add(opened, segment);
            return None;
        }
        let opened = conversation.unwrap_or(before);
        let mut live = Box::new(Live::new(self.harvest.capture(), opened, segment, payload));
        if calls_again {
            live.tcp.note_earlier_syn();
        }
        let place = self.open.add(live);
        flow.put(Place::Open(place));
        Some(place)
    }

    /// Takes a header that is nobody's word: what is only quoted ends no connection, whatever Wireshark counts.
    fn take_header(&mut self, flow: &mut Flow, conversation: Option<u32>, segment: &Segment, payload: &[u8]) {
        if segment.role.is_quoted()
            && let Place::Waiting(opened) = flow.place()
        {
            self.take_up(flow, opened);
        }
        match flow.place() {
            Place::Unseen(before) => flow.put(Place::Unseen(conversation.unwrap_or(before))),
            Place::Open(place) if segment.role.is_quoted() => {
                let quoted = |live: &mut Live| live.tcp.quoted(segment, payload);
                self.open.change(place, segment.frame, quoted);
            }
            _ => {}
        }
    }

    /// Makes the call that waits here an open connection, where there is one.
    fn take_up(&mut self, flow: &mut Flow, opened: u32) {
        if let Some(call) = self.calls.take(opened) {
            let live = call.follow(self.harvest.capture(), self.harvest.certificates());
            flow.put(Place::Open(self.open.add(live)));
        }
    }

    /// Every connection is closed, and all that was found is handed over.
    pub(super) fn finish(mut self) -> Harvest {
        let places: Vec<u32> = self.open.places().collect();
        let mut left: Vec<Box<Live>> = places.into_iter().filter_map(|place| self.open.remove(place)).collect();
        let (capture, certificates) = (self.harvest.capture(), self.harvest.certificates());
        let calls = self.calls.drain();
        left.extend(calls.map(|call| call.follow(capture, certificates)));
        // Places are given out anew; of many alike the first are kept.
        left.sort_unstable_by_key(|live| (live.opened, live.key));
        for live in left {
            self.harvest.take(*live, None);
        }
        self.harvest
    }
}
