//! One of the 64 parts of the flow table. A flow lives in one shard, so its packets arrive in the order of the file, however many
//! threads there are.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::harvest::Harvest;
use super::live::Live;
use crate::evidence::{CaptureId, Time};
use crate::net::{FlowKey, Segment};
use crate::stream::Conversation;
use crate::x509::CertificateStore;

/// Nanoseconds of capture time for which a closed connection is still listened to: late resets and data tell who ended it.
const LINGER_NANOS: i64 = 2_000_000_000;
/// The same in packets of the file, where the capture has no clock.
const LINGER_FRAMES: u64 = 100_000;

/// One pair of ends. Without `live` it is a tombstone: late packets of a finished connection are numbered and passed over.
#[derive(Debug)]
struct Flow {
    numbering: Conversation,
    /// Place among the conversations that this shard has opened in the file.
    opened: u32,
    live: Option<Box<Live>>,
}

/// A part of the flow table and of what came out of it.
#[derive(Debug)]
pub(super) struct Shard {
    flows: HashMap<FlowKey, Flow, foldhash::fast::RandomState>,
    /// Frames that opened a conversation and wait for their number.
    openings: Vec<u64>,
    lingering: VecDeque<(FlowKey, u32, Option<Time>, u64)>,
    harvest: Harvest,
    opened: u32,
}

impl Shard {
    /// An empty shard for one capture set. `keeps_sound`: completed connections are wanted too.
    pub(super) fn new(capture: CaptureId, certificates: Arc<CertificateStore>, keeps_sound: bool) -> Self {
        Self {
            flows: HashMap::default(),
            openings: Vec::new(),
            lingering: VecDeque::new(),
            harvest: Harvest::new(capture, certificates, keeps_sound),
            opened: 0,
        }
    }

    /// Frames that opened a conversation since the last numbering, ascending.
    pub(super) fn openings(&self) -> &[u64] {
        &self.openings
    }

    /// The number of the next conversation that waits for one.
    pub(super) fn number(&mut self, number: u32) {
        self.harvest.numbers.push(number);
    }

    /// All openings have their numbers.
    pub(super) fn numbered(&mut self) {
        self.openings.clear();
    }

    /// Takes one segment; `payload` are its captured bytes.
    pub(super) fn segment(&mut self, segment: &Segment, payload: &[u8]) {
        let opened = &mut self.opened;
        let openings = &mut self.openings;
        let mut open = || {
            openings.push(segment.frame);
            *opened += 1;
            *opened - 1
        };
        let flow = match self.flows.entry(segment.key) {
            Entry::Occupied(entry) => {
                let flow = entry.into_mut();
                let reopens = flow.numbering.reopened_by(segment);
                let begins = reopens || flow.live.as_ref().is_some_and(|live| live.tcp.is_reopened_by(segment));
                if begins {
                    if let Some(live) = flow.live.take() {
                        self.harvest.take(*live, segment.key, flow.opened);
                    }
                    flow.live = Some(Box::new(Live::new(self.harvest.capture(), segment, payload)));
                }
                if reopens {
                    flow.opened = open();
                }
                flow
            }
            Entry::Vacant(entry) => {
                let numbering = Conversation::new(segment);
                let opened = if numbering.is_counted() { open() } else { u32::MAX };
                let live = Some(Box::new(Live::new(self.harvest.capture(), segment, payload)));
                entry.insert(Flow {
                    numbering,
                    opened,
                    live,
                })
            }
        };
        if !segment.role.followed() {
            return;
        }
        let Some(live) = &mut flow.live else { return };
        live.segment(segment, payload, self.harvest.certificates());
        if !live.lingers && live.tcp.is_closed() {
            live.lingers = true;
            self.lingering
                .push_back((segment.key, flow.opened, segment.time, segment.frame));
        }
        self.expire(segment.time, segment.frame);
    }

    /// Closes the books of connections that ended a while ago.
    fn expire(&mut self, now: Option<Time>, frame: u64) {
        while let Some((key, opened, since, at)) = self.lingering.front().copied() {
            let late = match (now, since) {
                (Some(now), Some(since)) => now.nanos().saturating_sub(since.nanos()) > LINGER_NANOS,
                _ => false,
            };
            if !late && frame.saturating_sub(at) < LINGER_FRAMES {
                return;
            }
            self.lingering.pop_front();
            let Some(flow) = self.flows.get_mut(&key) else { continue };
            if flow.opened == opened
                && flow.live.as_ref().is_some_and(|live| live.lingers)
                && let Some(live) = flow.live.take()
            {
                self.harvest.take(*live, key, opened);
            }
        }
    }

    /// The set has ended: every connection is closed, and all that was found is handed over.
    pub(super) fn finish(mut self) -> Harvest {
        let mut left: Vec<(FlowKey, Flow)> = self.flows.drain().filter(|(_, flow)| flow.live.is_some()).collect();
        // The table's order differs from run to run; which of many alike are kept must not.
        left.sort_unstable_by_key(|(key, flow)| (flow.opened, *key));
        for (key, flow) in left {
            if let Some(live) = flow.live {
                self.harvest.take(*live, key, flow.opened);
            }
        }
        self.harvest
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::net::{Encapsulations, Flags, Role};

    const SYN: Flags = Flags(0x02);

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
            vlan: 0,
            encapsulations: Encapsulations::NONE,
            role: Role::Whole,
        }
    }

    #[test]
    fn of_many_alike_the_same_are_kept_in_every_run() {
        let kept = || {
            let mut shard = Shard::new(CaptureId(0), Arc::default(), false);
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
        assert_eq!(kept(), (0..64).collect::<Vec<_>>());
        assert_eq!(kept(), kept());
    }

    #[test]
    fn a_quoted_header_alone_is_no_connection() {
        let mut shard = Shard::new(CaptureId(0), Arc::default(), true);
        let quote = Segment {
            role: Role::Glimpse,
            ..syn(1_024, 1)
        };
        shard.segment(&quote, &[]);
        assert_eq!(shard.openings(), [1]);
        let harvest = shard.finish();
        assert_eq!((harvest.finished.len(), harvest.half_open.dropped), (0, 0));
    }

    #[test]
    fn a_conversation_is_opened_once() {
        let mut shard = Shard::new(CaptureId(0), Arc::default(), false);
        shard.segment(&syn(1_024, 1), &[]);
        shard.segment(&syn(1_024, 2), &[]);
        shard.segment(&syn(1_025, 3), &[]);
        assert_eq!(shard.openings(), [1, 3]);
    }
}
