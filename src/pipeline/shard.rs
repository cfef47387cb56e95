//! One of the 64 parts of the flow table, with the connections in it. A flow lives in one shard, so its packets arrive in the order of
//! the file, however many threads there are.

use std::collections::VecDeque;

use super::flows::{Flow, Flows, Found, Place, UNNUMBERED};
use super::harvest::Harvest;
use super::limits::{Limits, Reached};
use super::live::Live;
use super::open::{Open, Stage};
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
    open: Open,
    /// Frames that opened a conversation and wait for their number.
    openings: Vec<u64>,
    /// Connections whose ClientHello came whole, since the last time.
    sightings: Vec<Sighting>,
    lingering: VecDeque<Lingering>,
    harvest: Harvest,
    limits: Limits,
    reached: Reached,
    opened: u32,
    /// Conversations are not numbered any more.
    unnumbered: bool,
}

impl Shard {
    /// An empty shard that brings in its connections to `harvest`. `limits` are those of one shard.
    pub(super) fn new(harvest: Harvest, limits: Limits) -> Self {
        Self {
            flows: Flows::with_limit(limits.flows),
            open: Open::default(),
            openings: Vec::new(),
            sightings: Vec::new(),
            lingering: VecDeque::new(),
            harvest,
            limits,
            reached: Reached::default(),
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
        self.harvest.numbers.push(number);
    }

    /// All openings have their numbers. Past `lost`, the first frame at which any shard forgot flows, there are none.
    pub(super) fn numbered(&mut self, lost: Option<u64>) {
        self.openings.clear();
        self.unnumbered = lost.is_some();
    }

    /// How often the shard reached its limits so far.
    pub(super) const fn reached(&self) -> Reached {
        self.reached
    }

    /// Takes one segment; `payload` are its captured bytes.
    pub(super) fn segment(&mut self, segment: &Segment, payload: &[u8]) {
        let mut found = self.flows.of(segment);
        if let Found::Full = found {
            self.reached.flows.get_or_insert(segment.frame);
            self.harvest.half_open.dropped += self.flows.forget();
            if self.flows.is_full() {
                self.make_room(segment.time);
                self.harvest.half_open.dropped += self.flows.forget();
            }
            found = self.flows.of(segment);
        }
        let (flow, opens) = match found {
            Found::Known(flow) => {
                let opens = flow.reopened_by(segment);
                (flow, opens)
            }
            Found::New(flow) => {
                let opens = flow.is_counted();
                (flow, opens)
            }
            // Room was made, if only for one.
            Found::Full => return,
        };
        let conversation = if opens && !self.unnumbered {
            self.openings.push(segment.frame);
            self.opened += 1;
            Some(self.opened - 1)
        } else {
            None
        };
        let Some(place) = place_of(
            flow,
            conversation,
            opens,
            segment,
            payload,
            &mut self.open,
            &mut self.harvest,
        ) else {
            return;
        };
        let (capture, keeps_sound) = (self.harvest.capture(), self.harvest.keeps_sound());
        let certificates = self.harvest.certificates();
        let (mut closed, mut settled) = (false, false);
        let sightings = &mut self.sightings;
        let opened = self.open.change(place, segment.frame, |live| {
            live.segment(segment, payload, certificates);
            sightings.extend(live.sighting(segment.frame));
            closed = !live.lingers && live.tcp.is_closed();
            live.lingers |= closed;
            settled = !keeps_sound && live.is_settled(capture);
            live.opened
        });
        if settled {
            if let Some(live) = self.open.remove(place) {
                flow.put(Place::Over(live.opened));
                self.harvest.take(*live, None);
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
        if self.open.exceeds(self.limits.reassembly) {
            self.make_room(segment.time);
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
            let is_it = |live: &&Live| live.lingers && live.opened == lingering.opened;
            let Some(live) = self.open.get(lingering.place).filter(is_it) else {
                continue;
            };
            if !live.tcp.is_closed() {
                // What was said later shows that nobody believed the reset.
                self.open.change(lingering.place, frame, |live| live.lingers = false);
                continue;
            }
            if let Some(live) = self.open.remove(lingering.place) {
                if let Some(flow) = self.flows.get_mut(&live.key) {
                    flow.put(Place::Over(live.opened));
                }
                self.harvest.take(*live, None);
            }
        }
    }

    /// Lets connections go until there is room. At `now` they were watched for the last time.
    fn make_room(&mut self, now: Option<Time>) {
        for place in self.open.least_needed(self.limits.reassembly) {
            let Some(live) = self.open.remove(place) else { continue };
            let parks = matches!(live.stage(), Stage::Called | Stage::Answered);
            if let Some(flow) = self.flows.get_mut(&live.key) {
                flow.put(if parks {
                    Place::Parked(live.opened)
                } else {
                    Place::Over(live.opened)
                });
            }
            if parks {
                self.reached.parked += 1;
                continue;
            }
            let is_over = live.lingers;
            let matters = self.harvest.take(*live, now);
            self.reached.judged_early += u64::from(matters && !is_over);
        }
    }

    /// The set has ended: every connection is closed, and all that was found is handed over.
    pub(super) fn finish(mut self) -> Harvest {
        let places: Vec<u32> = self.open.places().collect();
        let mut left: Vec<Box<Live>> = places.into_iter().filter_map(|place| self.open.remove(place)).collect();
        // Places are given out anew; of many alike the first are kept.
        left.sort_unstable_by_key(|live| (live.opened, live.key));
        for live in left {
            self.harvest.take(*live, None);
        }
        self.harvest.half_open.dropped += self.flows.parked();
        self.harvest
    }
}

/// The place of the connection that a segment belongs to, which may begin with it. `None` where the segment is not followed.
fn place_of(
    flow: &mut Flow,
    conversation: Option<u32>,
    opens: bool,
    segment: &Segment,
    payload: &[u8],
    open: &mut Open,
    harvest: &mut Harvest,
) -> Option<u32> {
    if !segment.role.followed() {
        // What is only quoted ends no connection, whatever Wireshark counts.
        match flow.place() {
            Place::Unseen(_) if opens => flow.put(Place::Unseen(conversation.unwrap_or(UNNUMBERED))),
            Place::Open(place) if segment.role.is_quoted() => {
                open.change(place, segment.frame, |live| live.tcp.quoted(segment, payload));
            }
            _ => {}
        }
        return None;
    }
    let calls = segment.flags.syn() && !segment.flags.ack();
    let mut calls_again = false;
    let before = match flow.place() {
        Place::Open(place) => {
            let live = open.get(place)?;
            if !opens && !live.tcp.is_reopened_by(segment) {
                return Some(place);
            }
            let before = live.opened;
            if let Some(live) = open.remove(place) {
                harvest.take(*live, None);
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
        Place::Parked(before) => {
            let goes_on = !payload.is_empty() || segment.flags.syn();
            if !opens && !goes_on {
                return None;
            }
            harvest.half_open.dropped += u64::from(opens);
            calls_again = !opens && calls;
            before
        }
    };
    let opened = conversation.unwrap_or(if opens { UNNUMBERED } else { before });
    let mut live = Box::new(Live::new(harvest.capture(), opened, segment, payload));
    if calls_again {
        live.tcp.note_earlier_syn();
    }
    let place = open.add(live);
    flow.put(Place::Open(place));
    Some(place)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use super::super::Options;
    use super::super::servers::Servers;
    use super::*;
    use crate::evidence::CaptureId;
    use crate::net::{Encapsulations, Flags, FlowKey, Role};

    const SYN: Flags = Flags(0x02);

    fn harvest() -> Harvest {
        Harvest::new(
            CaptureId(0),
            Arc::default(),
            Arc::new(Servers::new()),
            &Options::default(),
        )
    }

    fn shard() -> Shard {
        Shard::new(harvest(), Limits::default())
    }

    /// A SYN from this port to one server.
    fn syn(port: u16, frame: u64) -> Segment {
        let end = |last, port| (Ipv4Addr::new(10, 0, 0, last).into(), port);
        let (key, from_low) = FlowKey::new(end(1, port), end(2, 443));
        Segment {
            key,
            from_low,
            frame,
            time: None,
            seq: 1,
            ack: 0,
            flags: SYN,
            window: 1_024,
            payload_at: 0,
            payload_len: 0,
            payload_cut: 0,
            ttl: 64,
            ip_id: 0,
            mss: 1_460,
            window_scale: None,
            vlan: 0,
            told_by_device: false,
            encapsulations: Encapsulations::NONE,
            role: Role::Whole,
        }
    }

    #[test]
    fn of_many_alike_the_same_are_kept_in_every_run() {
        let kept = || {
            let mut shard = shard();
            for port in 0..500 {
                shard.segment(&syn(1_024 + port, u64::from(port) + 1), &[]);
            }
            let harvest = shard.finish();
            assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 500);
            harvest
                .finished
                .iter()
                .map(|finished| finished.opened)
                .collect::<Vec<_>>()
        };
        assert_eq!(kept(), (0..8).collect::<Vec<_>>());
        assert_eq!(kept(), kept());
    }

    /// A shard with room for few.
    fn small(flows: usize, reassembly: usize) -> Shard {
        let mut limits = Limits::default();
        (limits.flows, limits.reassembly) = (flows, reassembly);
        Shard::new(harvest(), limits)
    }

    /// The connections that a flood left, each by its place among the conversations.
    fn left(harvest: &Harvest) -> Vec<u32> {
        harvest.finished.iter().map(|finished| finished.opened).collect()
    }

    #[test]
    fn a_flood_takes_no_more_than_its_share_and_every_flow_is_counted() {
        let mut shard = small(1 << 20, 64 << 10);
        for port in 0..5_000 {
            shard.segment(&syn(port, u64::from(port) + 1), &[]);
            assert!(!shard.open.exceeds(64 << 10));
        }
        assert!(shard.reached().parked > 4_900 && shard.reached().judged_early == 0);
        let harvest = shard.finish();
        assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 5_000);
    }

    #[test]
    fn a_parked_flow_is_taken_up_again_where_it_goes_on() {
        let mut shard = small(1 << 20, 64 << 10);
        let data = |port, frame| Segment {
            flags: Flags(0x10),
            seq: 2,
            payload_len: 18,
            ..syn(port, frame)
        };
        for port in 0..1_000 {
            shard.segment(&syn(port, u64::from(port) + 1), &[]);
        }
        // Its acknowledgement alone is none of what matters.
        let acknowledges = Segment {
            payload_len: 0,
            ..data(3, 1_001)
        };
        shard.segment(&acknowledges, &[]);
        shard.segment(&data(3, 1_002), b"GET / HTTP/1.1\r\n\r\n");
        // A SYN that comes again is a repetition, though the first one was given up.
        shard.segment(&syn(5, 1_003), &[]);
        let harvest = shard.finish();
        assert!(left(&harvest).contains(&3) && left(&harvest).contains(&5));
        let again = harvest.finished.iter().find(|finished| finished.opened == 5).unwrap();
        assert_eq!(again.observed.tcp.side(crate::evidence::Side::Client).syn_count, 2);
        assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 1_000);
    }

    #[test]
    fn who_calls_again_is_not_of_the_flood() {
        let mut shard = small(1 << 20, 64 << 10);
        shard.segment(&syn(1, 1), &[]);
        shard.segment(&syn(1, 2), &[]);
        for port in 1_000..3_000 {
            shard.segment(&syn(port, u64::from(port)), &[]);
        }
        assert!(left(&shard.finish()).contains(&0));
    }

    #[test]
    fn what_was_parked_is_counted_though_it_is_forgotten() {
        let mut shard = small(100, 64 << 10);
        for port in 0..1_000 {
            shard.segment(&syn(port, u64::from(port) + 1), &[]);
        }
        assert_eq!(shard.reached().flows, Some(101));
        let harvest = shard.finish();
        assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 1_000);
    }

    #[test]
    fn past_the_limit_on_flows_nothing_is_numbered() {
        let mut shard = small(4, 1 << 20);
        for port in 0..4 {
            shard.segment(&syn(port, u64::from(port) + 1), &[]);
        }
        assert_eq!(shard.reached().flows, None);
        // All four are open: those that were silent for longest are given up.
        shard.segment(&syn(9, 5), &[]);
        assert_eq!((shard.reached().parked, shard.open.places().count()), (2, 3));
        assert_eq!(
            (shard.reached().flows, shard.openings()),
            (Some(5), &[1, 2, 3, 4, 5][..])
        );
        (0..4).for_each(|number| shard.number(number));
        shard.numbered(Some(5));
        shard.segment(&syn(10, 6), &[]);
        assert!(shard.openings().is_empty());
        let streams: Vec<_> = shard.finish().numbered().iter().map(|seen| seen.stream).collect();
        assert_eq!(streams, [Some(2), Some(3), None, None]);
    }

    #[test]
    fn a_quoted_header_alone_is_no_connection() {
        let mut shard = shard();
        let quote = Segment {
            role: Role::Quoted,
            ..syn(1_024, 1)
        };
        shard.segment(&quote, &[]);
        assert_eq!(shard.openings(), [1]);
        let harvest = shard.finish();
        assert_eq!((harvest.finished.len(), harvest.half_open.dropped), (0, 0));
    }

    #[test]
    fn what_an_icmp_error_says_reaches_the_connection_that_it_quotes() {
        let mut shard = shard();
        shard.segment(&syn(1_024, 1), &[]);
        let error = [
            0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1, 3, 13, 0, 0, 0, 0, 0, 0,
        ];
        let quote = Segment {
            role: Role::QuotedInPart,
            payload_len: error.len() as u32,
            ..syn(1_024, 2)
        };
        shard.segment(&quote, &error);
        shard.segment(
            &Segment {
                key: syn(1_025, 3).key,
                ..quote
            },
            &error,
        );
        let harvest = shard.finish();
        let [one] = &harvest.finished[..] else {
            panic!("{} connections", harvest.finished.len())
        };
        let told = one
            .observed
            .tcp
            .side(crate::evidence::Side::Client)
            .undelivered()
            .unwrap();
        assert_eq!((told.error.kind, told.error.code, told.mark.frame), (3, 13, 2));
    }

    #[test]
    fn a_quoted_header_ends_no_connection() {
        let quoted = |frame| Segment {
            role: Role::Quoted,
            seq: 7_000,
            ..syn(1_024, frame)
        };
        let mut shard = shard();
        shard.segment(&syn(1_024, 1), &[]);
        shard.segment(&quoted(2), &[]);
        shard.segment(&syn(1_024, 3), &[]);
        // Wireshark counts what is quoted as a conversation.
        assert_eq!(shard.openings(), [1, 2]);
        let harvest = shard.finish();
        let syns: Vec<_> = harvest
            .finished
            .iter()
            .map(|finished| finished.observed.tcp.side(crate::evidence::Side::Client).syn_count)
            .collect();
        assert_eq!(syns, [2]);
    }

    #[test]
    fn a_quoted_header_takes_up_nothing_that_was_parked() {
        let mut shard = small(1 << 20, 64 << 10);
        for port in 0..1_000 {
            shard.segment(&syn(port, u64::from(port) + 1), &[]);
        }
        let quoted = Segment {
            role: Role::Quoted,
            seq: 7_000,
            ..syn(3, 1_001)
        };
        shard.segment(&quoted, &[]);
        let acknowledges = Segment {
            flags: Flags(0x10),
            seq: 2,
            ..syn(3, 1_002)
        };
        shard.segment(&acknowledges, &[]);
        let harvest = shard.finish();
        assert!(!left(&harvest).contains(&3));
        assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 1_000);
    }

    #[test]
    fn a_conversation_is_opened_once() {
        let mut shard = shard();
        shard.segment(&syn(1_024, 1), &[]);
        shard.segment(&syn(1_024, 2), &[]);
        shard.segment(&syn(1_025, 3), &[]);
        assert_eq!(shard.openings(), [1, 3]);
    }

    #[test]
    fn who_is_called_and_begins_tls_is_the_client() {
        let mut shard = shard();
        let open = syn(20, 1);
        let back = |frame, flags, payload: &[u8]| Segment {
            from_low: !open.from_low,
            flags: Flags(flags),
            seq: 900 + u32::from(frame > 2),
            ack: 2,
            payload_len: payload.len() as u32,
            ..syn(20, frame)
        };
        let hello = [22, 3, 1, 0, 5, 1, 0, 0, 1, 0];
        shard.segment(&open, &[]);
        shard.segment(&back(2, 0x12, &[]), &[]);
        shard.segment(&back(3, 0x18, &hello), &hello);
        let harvest = shard.finish();
        let observed = &harvest.finished.first().unwrap().observed;
        assert_eq!((observed.client.port, observed.server.port), (443, 20));
        assert!(observed.spoke_tls());
    }
}
