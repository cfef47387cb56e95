//! Resets: would the receiver believe it?
//!
//! A host acts upon a reset whose number is the very one it expects next, answers others in its window with a challenge ACK, and passes over the
//! rest (RFC 9293 §3.10.7.4, RFC 5961 §3.2). Before the connection is open, a reset has to acknowledge the SYN.

use super::Tcp;
use super::flow::{Basis, distance};
use crate::evidence::Side;
use crate::net::{DeviceReset, Segment};
use crate::stream::facts::{Fit, Reset, ResetWords, Stamp};

/// So much of a reset's text is kept.
const TEXT: usize = 128;

impl Tcp {
    /// Resets do not move the streams: an injected one may say anything.
    pub(super) fn take_reset(&mut self, side: Side, segment: &Segment, payload: &[u8], stamp: Stamp) {
        let (fit, at) = self.fit(side, segment);
        let reset = Reset {
            mark: stamp.mark(side),
            ttl: segment.ttl,
            ip_id: segment.ip_id,
            window: segment.window,
            believed: fit > Fit::Outside,
            has_ack: segment.flags.ack(),
            ip_id_before: None,
            went_on: None,
        };
        let device = segment.told_by_device.then(|| DeviceReset::read(payload)).flatten();
        let text = device.map_or(payload, |device| device.text);
        let words = ResetWords {
            text: text.get(..TEXT).unwrap_or(text).into(),
            flows: device.map(|device| (device.flow, device.peer)),
        };
        self.facts.side_mut(side).note_rst(reset, stamp, fit, at, words);
    }

    /// How the number of a reset fits what its receiver expects (RFC 9293 §3.10.7), and its offset.
    fn fit(&self, side: Side, segment: &Segment) -> (Fit, u64) {
        let (flow, facts) = (self.flow(side), self.facts.side(side));
        if flow.basis == Basis::Unknown {
            let (peer, peer_facts) = (self.flow(side.peer()), self.facts.side(side.peer()));
            // SYN-SENT: it has to acknowledge the SYN, and may acknowledge data that came with it.
            let acked = distance(peer.base, segment.ack).and_then(|acked| u64::try_from(acked).ok());
            let acknowledges_syn = segment.flags.ack() && acked.is_some_and(|acked| acked <= peer_facts.sent_to);
            let fits = peer_facts.syn().is_none() || acknowledges_syn;
            return (if fits { Fit::Exact } else { Fit::Outside }, 0);
        }
        let expected = flow.base.wrapping_add(facts.acked as u32);
        let ahead = distance(expected, segment.seq).and_then(|ahead| u64::try_from(ahead).ok());
        let Some(at) = ahead.map(|ahead| facts.acked.saturating_add(ahead)) else {
            return (Fit::Outside, 0);
        };
        // What was sent may have arrived or not when the reset did.
        let fit = if at <= facts.sent_to.max(facts.acked).saturating_add(facts.has_fin().into()) {
            Fit::Exact
        } else if at <= self.window_end(side) {
            Fit::Window
        } else {
            Fit::Outside
        };
        (fit, at)
    }
}
