//! Ports that are used again: which segment is the first of another connection.
//!
//! Wireshark asks only for the numbers of SYNs ([`Conversation`](crate::stream::Conversation)). A host knows when a connection is over, and that
//! the next one may begin with the same number, or with a SYN that is not in the capture.

use super::Tcp;
use super::flow::Basis;
use crate::evidence::Side;
use crate::net::Segment;

/// Seconds between a SYN and the one that opens the next connection, where both have the same number; a second capture of the first comes
/// sooner.
const REOPENED_AFTER: f64 = 0.010;
/// Bytes before the stream's beginning and behind its window's end that may be the same connection's even so: where the capture began in its
/// midst, or the window is not known.
const TOLERANCE: u64 = 1 << 20;

impl Tcp {
    /// True where this segment opens another connection between the same ends and ports: a SYN that is no repetition of this one's or, after
    /// this one's end, a segment that does not fit its numbers.
    pub(crate) fn is_reopened_by(&self, segment: &Segment) -> bool {
        let flags = segment.flags;
        if flags.rst() {
            return false;
        }
        if !flags.syn() || flags.ack() {
            let says_something = flags.syn() || segment.payload_len > 0 || segment.payload_cut > 0;
            return self.is_closed() && says_something && !self.fits(segment);
        }
        let side = self.sender(segment);
        let flow = self.flow(side);
        match flow.basis {
            // A SYN of each side is a simultaneous open (RFC 9293 §3.5).
            Basis::Unknown => {
                let peer = self.facts.side(side.peer());
                peer.packets > 0 && peer.syn().is_none()
            }
            Basis::Acked | Basis::Probe | Basis::Firm => {
                flow.base != segment.seq.wrapping_add(1) || self.is_over_before(side, segment)
            }
        }
    }

    /// True where a segment may belong to this connection: its number lies between the stream's beginning and the window's end,
    /// as far as these are known.
    fn fits(&self, segment: &Segment) -> bool {
        let side = self.sender(segment);
        let (flow, facts) = (self.flow(side), self.facts.side(side));
        if flow.basis == Basis::Unknown {
            return true;
        }
        if segment.flags.syn() {
            return flow.base == segment.seq.wrapping_add(1);
        }
        let last = self.window_end(side).max(facts.sent_to).saturating_add(TOLERANCE);
        flow.offset(segment.seq)
            .is_some_and(|offset| match u64::try_from(offset) {
                Ok(offset) => offset <= last,
                Err(_) => offset.unsigned_abs() <= TOLERANCE,
            })
    }

    /// True where a SYN with the number of this connection's comes after its end: chance, or a host that always begins with the same number.
    /// A connection that was refused is tried again with the same SYN by some hosts, and stays one.
    fn is_over_before(&self, side: Side, syn: &Segment) -> bool {
        let first = self.facts.side(side).syn().and_then(|first| first.time);
        let elapsed = syn.time.zip(first).map(|(now, first)| now.since(first));
        self.is_closed() && self.facts.established() && elapsed.is_none_or(|elapsed| elapsed >= REOPENED_AFTER)
    }
}
