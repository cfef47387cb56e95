//! Tells a packet that was captured twice from one that was sent twice.
//!
//! A mirror port that copies both directions, capturing on all interfaces, or on both sides of a router or bridge gives a second copy of each
//! packet: other MAC addresses, another VLAN, a hop less, but the same numbers, length, flags and IP identification, and a moment later. It may
//! come behind later packets, and from an interface whose clock is behind.

use crate::net::Segment;

/// A packet, as far as both captures of it are equal.
#[derive(Clone, Copy, Debug)]
struct Trace {
    /// Sequence number of its first byte.
    seq: u32,
    /// The lower bits of the frame's number.
    frame: u32,
    ip_id: u16,
    len: u16,
    /// Time in units of about a millisecond (2^20 ns), the lower bits.
    ticks: u16,
    flags: u8,
}

const _: () = assert!(size_of::<Trace>() == 16);

/// The last packets of a side that carried something.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    traces: Vec<Trace>,
    oldest: u8,
}

impl Recent {
    /// More than an initial window of ten segments (RFC 6928): a batch of copies may follow the whole of it.
    const KEPT: usize = 16;
    /// About 10 ms between the copies, by whichever clock.
    const TICKS: u16 = 9;
    /// Without an IP identification (IPv6, or a sender that leaves it 0) a fast retransmission looks the same, but comes a round trip later.
    const TICKS_WITHOUT_ID: u16 = 1;

    /// Whether this packet, with `len` bytes of payload, was captured a moment ago. `twice`: the connection is known to be captured twice.
    pub(super) fn has(&self, segment: &Segment, len: u64, twice: bool) -> bool {
        let trace = Trace::new(segment, len);
        // Nobody repeats a SYN within milliseconds.
        let sure = segment.ip_id != 0 || segment.flags.syn() || twice;
        let patience = if sure { Self::TICKS } else { Self::TICKS_WITHOUT_ID };
        let in_time = |old: &Trace| match segment.time {
            Some(_) => {
                let later = trace.ticks.wrapping_sub(old.ticks);
                later.min(later.wrapping_neg()) <= patience
            }
            None => segment.ip_id != 0,
        };
        self.traces.iter().any(|old| {
            (old.seq, old.ip_id, old.len, old.flags) == (trace.seq, trace.ip_id, trace.len, trace.flags) && in_time(old)
        })
    }

    /// Remembers a packet that carries something.
    pub(super) fn remember(&mut self, segment: &Segment, len: u64) {
        let trace = Trace::new(segment, len);
        if self.traces.len() < Self::KEPT {
            if self.traces.len() == self.traces.capacity() {
                // A side that never says anything has SYN and FIN.
                let more = if self.traces.is_empty() { 4 } else { Self::KEPT - 4 };
                self.traces.reserve_exact(more);
            }
            self.traces.push(trace);
            return;
        }
        if let Some(slot) = self.traces.get_mut(usize::from(self.oldest)) {
            *slot = trace;
        }
        self.oldest = (self.oldest + 1) % Self::KEPT as u8;
    }

    /// Bytes that are taken.
    pub(super) const fn held_bytes(&self) -> usize {
        self.traces.capacity() * size_of::<Trace>()
    }

    /// The frame of the first packet that carried the byte with this sequence number, if it is remembered; `now` is the present frame.
    pub(super) fn carrier_of(&self, seq: u32, now: u64) -> Option<u64> {
        let (newer, older) = self.traces.split_at_checked(usize::from(self.oldest))?;
        let mut in_order = older.iter().chain(newer);
        let carrier = in_order.find(|trace| seq.wrapping_sub(trace.seq) < u32::from(trace.len))?;
        now.checked_sub(u64::from((now as u32).wrapping_sub(carrier.frame)))
    }
}

impl Trace {
    fn new(segment: &Segment, len: u64) -> Self {
        Self {
            // What a SYN carries begins behind it.
            seq: segment.seq.wrapping_add(segment.flags.syn().into()),
            frame: segment.frame as u32,
            ip_id: segment.ip_id,
            len: u16::try_from(len).unwrap_or(u16::MAX),
            ticks: segment.time.map_or(0, |time| (time.nanos() >> 20) as u16),
            flags: segment.flags.0,
        }
    }
}
