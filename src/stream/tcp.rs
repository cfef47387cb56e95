//! Follows one TCP connection: sequence numbers become offsets, payload goes through the [`Assembler`], and what happened is written into
//! [`TcpFacts`].
//!
//! A side's stream begins behind its SYN. Where the SYN is not in the capture its number is taken from the peer's acknowledgement of it; where
//! the capture begins inside the connection, the stream begins with the first packet of the side that is there.
//!
//! Segments are taken as a receiving host takes them, as far as the capture tells: nothing behind a FIN, nothing that no window reaches, and
//! resets only where the number fits (RFC 9293 §3.10.7.4, RFC 5961). The first copy of a byte counts; that another differs is told.
//!
//! Not supported: selective acknowledgements. Urgent data stay in the stream, as in Wireshark.

mod flow;
mod recent;
mod reopen;
mod reset;

use super::assembler::{Assembler, Chunk, Difference, GapCause, Sink};
use super::facts::{SideFacts, Stamp, TcpFacts};
use crate::evidence::{CaptureId, Mark, Side, Span};
use crate::net::{Flags, IcmpError, Segment};
use flow::{Basis, Flow, distance, from_the_beginning, shift};

/// So many bytes behind the announced window a segment may lie and still belong to the stream: acknowledgements may be missing in the capture,
/// or come later than what they made room for.
const BEYOND_WINDOW: u64 = 1 << 20;
/// The largest window without scaling.
const UNSCALED: u64 = 65_535;

/// Urgent data are noted in so many bytes of a stream: where a handshake is.
const URGENT_WITHIN: u64 = 16 * 1024;

/// Counts the gaps on their way up.
struct Counting<'a, S> {
    facts: &'a mut TcpFacts,
    sink: &'a mut S,
}

impl<S: Sink> Sink for Counting<'_, S> {
    fn data(&mut self, bytes: &[u8], span: Span) {
        self.sink.data(bytes, span);
    }

    fn gap(&mut self, from: Side, at: u64, len: u64, cause: GapCause, mark: Mark) {
        self.facts.note_gap(len);
        if cause == GapCause::NetworkLoss {
            self.facts
                .side_mut(from)
                .note_lost_on_the_way(len, at.saturating_add(len));
        }
        self.sink.gap(from, at, len, cause, mark);
    }
}

/// One TCP connection. Takes its segments in the order of the capture.
#[derive(Clone, Debug)]
pub(crate) struct Tcp {
    flows: [Flow; 2],
    facts: TcpFacts,
    capture: CaptureId,
    client_is_low: bool,
}

impl Tcp {
    /// `client_is_low`: which end of the flow's key is the client.
    pub(crate) fn new(capture: CaptureId, client_is_low: bool) -> Self {
        Self {
            flows: [Flow::new(), Flow::new()],
            facts: TcpFacts::new(),
            capture,
            client_is_low,
        }
    }

    /// Makes the side that was called the client: TLS begins with it, as on the data connections of FTP that the server opens.
    pub(crate) const fn turn_round(&mut self) {
        let [client, server] = &mut self.flows;
        std::mem::swap(client, server);
        self.client_is_low = !self.client_is_low;
        self.facts.turn_round();
    }

    /// What the connection did so far.
    pub(crate) fn facts(&self) -> &TcpFacts {
        &self.facts
    }

    /// The sequence number that the stream of a side begins with, as far as it is known.
    pub(crate) fn beginning(&self, side: Side) -> Option<u32> {
        let flow = self.flow(side);
        (flow.basis != Basis::Unknown).then_some(flow.base)
    }

    /// Both sides closed and acknowledged it, or one reset the connection in a way that the other had to believe.
    pub(crate) fn is_closed(&self) -> bool {
        let sides = &self.facts.sides;
        sides.iter().all(|side| side.fin_acked) || sides.iter().any(SideFacts::was_reset)
    }

    /// Who sent a segment of this flow.
    pub(crate) fn sender(&self, segment: &Segment) -> Side {
        if segment.from_low == self.client_is_low {
            Side::Client
        } else {
            Side::Server
        }
    }

    /// Notes that the client sent the same SYN before, in a packet that is not known any more.
    pub(crate) fn note_earlier_syn(&mut self) {
        self.facts.side_mut(self.facts.opener()).syn_count = 1;
    }

    /// Bytes that are kept of both sides: what waits behind holes, and what later copies are held against.
    pub(crate) fn held_bytes(&self) -> usize {
        let of = |flow: &Flow| flow.assembler.held_bytes() + flow.recent.held_bytes();
        self.flows.iter().map(of).sum()
    }

    /// Hands up all that waits behind holes, and the holes as gaps: nothing is held afterwards.
    pub(crate) fn give_up_holes(&mut self, sink: &mut impl Sink) {
        for side in [Side::Client, Side::Server] {
            let acked = self.facts.side(side).acked;
            let (assembler, mut counting) = self.assembling(side, sink);
            assembler.give_up_holes(side, acked, &mut counting);
            let (flow, facts) = self.flow_and_facts(side);
            facts.payload_bytes = flow.assembler.next();
        }
    }

    /// Takes one segment; `payload` are its captured bytes.
    pub(crate) fn segment(&mut self, segment: &Segment, payload: &[u8], sink: &mut impl Sink) {
        let side = self.sender(segment);
        let flags = segment.flags;
        let stamp = Stamp::new(self.capture, segment.frame, segment.time);
        self.facts.note_first_packet(stamp, side);
        let len = payload.len() as u64 + u64::from(segment.payload_cut);
        let carries = len > 0 || flags.syn() || flags.fin() || flags.rst();
        if carries && self.is_copy(side, segment, len) {
            self.facts.side_mut(side).note_duplicate(stamp);
            self.compare_copy(side, segment, payload, stamp);
            return;
        }
        let facts = self.facts.side_mut(side);
        facts.note_packet(stamp);
        if flags.rst() {
            self.take_reset(side, segment, payload, stamp);
            return;
        }
        facts.note_header(segment);
        if flags.syn() && !self.take_syn(side, segment, stamp) {
            self.facts.side_mut(side).note_ignored();
            return;
        }
        if flags.ack() {
            self.take_ack(side, segment, stamp, sink);
        }
        if len == 0 && !flags.fin() {
            self.take_empty(side, segment);
        } else {
            self.take_payload(side, segment, payload, stamp, sink);
        }
    }

    /// Takes a header that was quoted in an ICMP error, `error`. Whatever is not about a segment on its way is late or forged (RFC 5927 §4.1).
    pub(crate) fn quoted(&mut self, segment: &Segment, error: &[u8]) {
        let side = self.sender(segment);
        let stamp = Stamp::new(self.capture, segment.frame, segment.time);
        let (flow, facts) = self.flow_and_facts(side);
        let Some(at) = flow.offset(segment.seq).filter(|_| flow.basis != Basis::Unknown) else {
            return;
        };
        let is_on_its_way = match u64::try_from(at) {
            Ok(at) => (facts.acked..=facts.sent_to).contains(&at),
            // A SYN stands before the first byte.
            Err(_) => at == -1 && !facts.was_acked,
        };
        if is_on_its_way && let Some(error) = IcmpError::read(error) {
            facts.note_icmp(stamp, error);
        }
    }

    /// Whether a packet that carries something was captured a moment ago. Remembers it if not.
    fn is_copy(&mut self, side: Side, segment: &Segment, len: u64) -> bool {
        let flags = segment.flags;
        let (flow, facts) = (self.flow(side), self.facts.side(side));
        // What begins where the stream ends is new.
        let is_next = segment.seq == flow.base.wrapping_add(facts.sent_to as u32)
            && flow.basis == Basis::Firm
            && !flags.syn()
            && !flags.rst()
            && !facts.has_fin();
        let twice = || self.facts.sides.iter().any(|side| side.duplicates > 0);
        if !is_next && flow.recent.has(segment, len, twice()) {
            return true;
        }
        self.flow_and_facts(side).0.recent.remember(segment, len);
        false
    }

    /// A packet that is a copy by its header may still differ in its payload.
    fn compare_copy(&mut self, side: Side, segment: &Segment, payload: &[u8], stamp: Stamp) {
        let flow = self.flow(side);
        // The only byte of a probe is any.
        if payload.len() < 2 {
            return;
        }
        let seq = segment.seq.wrapping_add(u32::from(segment.flags.syn()));
        let Some((start, skipped)) = flow
            .offset(seq)
            .and_then(|offset| from_the_beginning(offset, payload.len() as u64))
        else {
            return;
        };
        let chunk = Chunk::new(payload, 0, stamp).from(skipped, start);
        if let Some(difference) = flow.assembler.compare(&chunk) {
            self.note_difference(side, difference, stamp);
        }
    }

    fn note_difference(&mut self, side: Side, difference: Difference, stamp: Stamp) {
        let (flow, facts) = self.flow_and_facts(side);
        let seq = flow.base.wrapping_add(difference.at as u32);
        let carrier = flow.recent.carrier_of(seq, stamp.frame());
        let first_frame = carrier.filter(|frame| *frame < stamp.frame());
        facts.note_contradiction(stamp, difference.at, difference.len, first_frame);
    }

    /// The connection or the capture has ended: hands up what lies behind holes, and what was acknowledged but never captured.
    pub(crate) fn finish(&mut self, sink: &mut impl Sink) {
        self.give_up_holes(sink);
        for side in [Side::Client, Side::Server] {
            let facts = self.facts.side(side);
            let (acked, next) = (facts.acked, self.flow(side).assembler.next());
            // A single number may be the FIN, which then is not in the capture either.
            let missing = acked.saturating_sub(next);
            let needed = if facts.has_fin() { 1 } else { 2 };
            let mark = facts
                .last_ack_progress()
                .or_else(|| self.facts.side(side.peer()).last_packet());
            if missing >= needed
                && let Some(mark) = mark
            {
                let (assembler, mut counting) = self.assembling(side, sink);
                assembler.skip_to(acked);
                counting.gap(side, next, missing, GapCause::CaptureLoss, mark);
            }
            let (flow, facts) = self.flow_and_facts(side);
            facts.payload_bytes = flow.assembler.next();
        }
    }

    fn flow(&self, side: Side) -> &Flow {
        let [client, server] = &self.flows;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    fn flow_and_facts(&mut self, side: Side) -> (&mut Flow, &mut SideFacts) {
        let [client, server] = &mut self.flows;
        let flow = match side {
            Side::Client => client,
            Side::Server => server,
        };
        (flow, self.facts.side_mut(side))
    }

    fn assembling<'a, S>(&'a mut self, side: Side, sink: &'a mut S) -> (&'a mut Assembler, Counting<'a, S>) {
        let [client, server] = &mut self.flows;
        let flow = match side {
            Side::Client => client,
            Side::Server => server,
        };
        let facts = &mut self.facts;
        (&mut flow.assembler, Counting { facts, sink })
    }

    /// False where the SYN contradicts what this side already sent.
    fn take_syn(&mut self, side: Side, segment: &Segment, stamp: Stamp) -> bool {
        let (flow, facts) = self.flow_and_facts(side);
        let base = segment.seq.wrapping_add(1);
        if flow.basis != Basis::Firm || flow.base != base {
            // Until something was sent or acknowledged, a host may answer a repeated SYN with another number (SYN cookies).
            if !flow.is_untouched(facts) || (flow.basis == Basis::Firm && facts.acked > 0) {
                return false;
            }
            flow.base = base;
            flow.basis = Basis::Firm;
            facts.acked = 0;
        }
        flow.window_scale = segment.window_scale;
        facts.note_syn(stamp, segment.mss);
        true
    }

    /// What `side` acknowledges of its peer's stream.
    fn take_ack(&mut self, side: Side, segment: &Segment, stamp: Stamp, sink: &mut impl Sink) {
        let own = self.facts.side(side);
        // Right after its own SYN, a side acknowledges nothing but the peer's SYN.
        let acknowledges_syn = own.syn().is_some() && own.sent_to == 0;
        let has_opened = own.syn().is_some();
        let peer = side.peer();
        let (flow, facts) = self.flow_and_facts(peer);
        if flow.basis == Basis::Unknown {
            let basis = if acknowledges_syn { Basis::Firm } else { Basis::Acked };
            flow.begin_at(segment.ack, basis, facts);
        }
        let place = flow.base.wrapping_add(facts.acked as u32);
        let Some(progress) = distance(place, segment.ack).and_then(|progress| u64::try_from(progress).ok()) else {
            return;
        };
        let to = facts.acked.saturating_add(progress);
        // More than was sent, and to a SYN: a server that holds an older connection of these ports answers for that one (RFC 9293 §3.5.1).
        if !has_opened && facts.only_knocked() && to > facts.sent_to {
            return;
        }
        facts.was_acked |= acknowledges_syn || progress > 0;
        facts.note_ack(stamp, to);
        let (acked, answers_syn) = (facts.acked, facts.syn().is_some());
        if side == self.facts.opener() && answers_syn && !segment.flags.syn() {
            self.facts.note_handshake_ack(stamp);
        }
        if self.flow(peer).assembler.is_waiting() {
            let (assembler, mut counting) = self.assembling(peer, sink);
            assembler.acknowledged(peer, acked, segment.time, &mut counting);
            self.facts.side_mut(peer).payload_bytes = self.flow(peer).assembler.next();
        }
    }

    /// The widest window that the peer of `side` has announced. Not known before both SYNs were seen.
    fn window(&self, side: Side) -> Option<u64> {
        let both = self.facts.sides.iter().all(|side| side.syn().is_some());
        let shift = shift(self.flow(side.peer()).window_scale, self.flow(side).window_scale);
        let widest = u64::from(self.facts.side(side.peer()).widest_window) << shift;
        (both && widest > 0).then_some(widest)
    }

    /// Offset behind the last byte that the receiver of `side`'s stream takes, at most. Where no scaling is known, as if there were none.
    fn window_end(&self, side: Side) -> u64 {
        let window = self.window(side).unwrap_or_default().max(UNSCALED);
        self.facts.side(side).acked.saturating_add(window)
    }

    /// True where a segment that begins at `start` leaves a hole too large for any window: it is none of this stream.
    fn is_far_ahead(&self, side: Side, start: u64) -> bool {
        self.window(side).is_some() && start > self.window_end(side).saturating_add(BEYOND_WINDOW)
    }

    /// A packet without payload, FIN or RST.
    fn take_empty(&mut self, side: Side, segment: &Segment) {
        if segment.flags.syn() {
            return;
        }
        let (flow, facts) = self.flow_and_facts(side);
        match flow.basis {
            Basis::Unknown | Basis::Acked => flow.begin_at(segment.seq, Basis::Probe, facts),
            Basis::Probe if flow.is_untouched(facts) && segment.seq == flow.base.wrapping_add(1) => {
                flow.begin_at(segment.seq, Basis::Probe, facts);
            }
            Basis::Probe | Basis::Firm => {}
        }
        let Some(offset) = flow.offset(segment.seq) else { return };
        let sent_to = i64::try_from(facts.sent_to).unwrap_or(i64::MAX);
        if facts.has_fin() {
            return;
        }
        if offset == sent_to - 1 {
            facts.note_keep_alive();
        } else if offset > sent_to {
            // The number of a packet without payload tells what was sent before it, captured or not.
            facts.sent_to = u64::try_from(offset).unwrap_or(facts.sent_to);
        }
    }

    fn take_payload(&mut self, side: Side, segment: &Segment, payload: &[u8], stamp: Stamp, sink: &mut impl Sink) {
        let mss = self.mss();
        let (flow, facts) = self.flow_and_facts(side);
        let seq = segment.seq.wrapping_add(u32::from(segment.flags.syn()));
        match flow.basis {
            Basis::Unknown | Basis::Acked => flow.begin_at(seq, Basis::Firm, facts),
            Basis::Probe if flow.is_untouched(facts) && seq == flow.base.wrapping_add(1) => {
                flow.begin_at(seq, Basis::Firm, facts);
            }
            Basis::Probe | Basis::Firm => flow.basis = Basis::Firm,
        }
        let len = payload.len() as u64 + u64::from(segment.payload_cut);
        let Some((start, skipped)) = flow.offset(seq).and_then(|offset| from_the_beginning(offset, len)) else {
            facts.note_ignored();
            return;
        };
        if start > flow.assembler.next() && self.is_far_ahead(side, start) {
            self.facts.side_mut(side).note_ignored();
            return;
        }
        let (flow, facts) = self.flow_and_facts(side);
        if segment.flags.urg() && start < URGENT_WITHIN {
            facts.note_urgent(stamp);
        }
        let mut chunk = Chunk::new(payload, segment.payload_cut, stamp).from(skipped, start);
        if facts.has_fin() && chunk.end() > facts.fin_at {
            // Behind a FIN nothing comes (RFC 9293 §3.10.7.4): a receiver passes it over.
            chunk = chunk.part(0, facts.fin_at);
            if chunk.len() == 0 {
                facts.note_ignored();
                return;
            }
        }
        let end = chunk.end();
        let mut may_differ = false;
        if len > 0 {
            if is_probe(segment.flags, start, end, facts) {
                if end <= facts.acked {
                    // Else it is a repetition that is needed.
                    facts.note_keep_alive();
                    return;
                }
                may_differ = true;
            }
            if flow.assembler.knows(start) {
                facts.note_retransmission(stamp, start, end, mss);
            }
            // What is only repeated is no progress.
            if end > start && !flow.assembler.knows(end - 1) {
                facts.note_payload(stamp, end);
            }
        }
        if segment.flags.fin() {
            if len == 0 && facts.has_fin() && facts.fin_at == end {
                facts.note_fin_again();
            }
            facts.note_fin(stamp, end);
        }
        let (acked, before) = (facts.acked, flow.assembler.next());
        let (assembler, mut counting) = self.assembling(side, sink);
        let difference = assembler.push(side, chunk, acked, &mut counting);
        let (flow, facts) = self.flow_and_facts(side);
        facts.payload_bytes = flow.assembler.next();
        if facts.has_fin() && before < facts.fin_at && facts.payload_bytes >= facts.fin_at {
            facts.note_fin_reached(stamp);
        }
        if let Some(difference) = difference.filter(|_| !may_differ) {
            self.note_difference(side, difference, stamp);
        }
    }

    /// The smaller of the maximum segment sizes that were announced: what the path takes at most.
    fn mss(&self) -> Option<u16> {
        self.facts.sides.iter().filter_map(SideFacts::mss).min()
    }
}

/// A keep-alive probe may repeat the last byte that was sent, as whatever it likes (RFC 9293 §3.8.4).
fn is_probe(flags: Flags, start: u64, end: u64, facts: &SideFacts) -> bool {
    let one_byte = end.checked_sub(start) == Some(1);
    one_byte && !flags.fin() && !flags.syn() && end == facts.sent_to
}

#[cfg(test)]
mod behaviour_tests;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod wire;
