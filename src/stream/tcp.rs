//! Follows one TCP connection: sequence numbers become offsets, payload goes through the [`Assembler`], and what happened is written into
//! [`TcpFacts`].
//!
//! A side's stream begins behind its SYN. Where the SYN is not in the capture its number is taken from the peer's acknowledgement of it; where
//! the capture begins inside the connection, the stream begins with the first packet of the side that is there. Sequence numbers wrap;
//! offsets do not. What lies more than [`REACH`] away from the stream's place, or before its beginning, is none of this connection.
//!
//! Not supported: window scaling (the option is not part of a [`Segment`]; the check of resets makes up for it), urgent data, simultaneous open.

use std::num::NonZeroU16;

use super::assembler::{Assembler, Chunk, GapCause, Sink};
use super::facts::{Reset, SideFacts, Stamp, TcpFacts};
use crate::evidence::{CaptureId, Mark, Side, Span};
use crate::net::{Flags, Segment};

/// The largest window that TCP can announce (RFC 7323 §2.3): nothing of this connection is further from its place.
const REACH: u32 = 1 << 30;

/// Where a side's numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Basis {
    /// Nothing is known.
    Unknown,
    /// What the peer acknowledged in the midst of a connection: gives way to the first packet of the side itself.
    Acked,
    /// The first packet of the side in the midst of a connection, without payload: a keep-alive probe would be one too low.
    Probe,
    /// A SYN, its acknowledgement, or payload.
    Firm,
}

/// One side's place in its stream.
#[derive(Clone, Debug)]
struct Flow {
    /// Sequence number of offset 0.
    base: u32,
    basis: Basis,
    recent: Recent,
    assembler: Assembler,
}

impl Flow {
    fn new() -> Self {
        Self {
            base: 0,
            basis: Basis::Unknown,
            recent: Recent::default(),
            assembler: Assembler::default(),
        }
    }

    /// The offset of a sequence number, the nearest to what comes next; may lie before the beginning. `None` where it is out of reach.
    fn offset(&self, seq: u32) -> Option<i64> {
        let next = self.assembler.next();
        let distance = distance(self.base.wrapping_add(next as u32), seq)?;
        Some(i64::try_from(next).ok()?.saturating_add(distance))
    }

    /// Lets the stream begin with the number `seq`; nothing of it went up yet.
    fn begin_at(&mut self, seq: u32, basis: Basis, facts: &mut SideFacts) {
        // What the peer acknowledged stays the same number, so its offset moves.
        let acked = distance(seq, self.base).and_then(|moved| facts.acked.checked_add_signed(moved));
        facts.acked = acked.filter(|_| self.basis != Basis::Unknown).unwrap_or(0);
        self.base = seq;
        self.basis = basis;
    }

    fn is_untouched(&self, facts: &SideFacts) -> bool {
        facts.sent_to == 0 && self.assembler.next() == 0 && !self.assembler.is_waiting()
    }
}

/// How far `to` is ahead of `from`, in sequence numbers that wrap.
fn distance(from: u32, to: u32) -> Option<i64> {
    let distance = to.wrapping_sub(from).cast_signed();
    (distance.unsigned_abs() <= REACH).then_some(i64::from(distance))
}

/// The last packets of a side that carried something, to tell a packet that was captured twice from one that was sent twice.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    seen: [Option<Trace>; 3],
    oldest: u8,
}

/// A packet, as far as both captures of it are equal.
#[derive(Clone, Copy, Debug)]
struct Trace {
    seq: u32,
    ip_id: u16,
    len: u16,
    /// Time in units of about a millisecond (2^20 ns), the lower bits.
    ticks: u16,
    /// The flags, and a bit below them that is always set: an absent trace takes no more room.
    flags: NonZeroU16,
}

impl Recent {
    /// About 10 ms: a mirror port that copies both directions, or a second interface, is quicker.
    const TICKS: u16 = 9;
    /// Without an IP identification (IPv6, or a sender that leaves it 0) a fast retransmission looks the same, but comes a round trip later.
    const TICKS_WITHOUT_ID: u16 = 1;

    /// Whether this packet was captured a moment ago. Remembers it if not.
    fn repeats(&mut self, segment: &Segment, len: u64) -> bool {
        let flags = segment.flags;
        if len == 0 && !flags.syn() && !flags.fin() && !flags.rst() {
            return false;
        }
        let trace = Trace {
            seq: segment.seq,
            ip_id: segment.ip_id,
            len: u16::try_from(len).unwrap_or(u16::MAX),
            ticks: segment.time.map_or(0, |time| (time.nanos() >> 20) as u16),
            flags: NonZeroU16::MIN | (u16::from(flags.0) << 1),
        };
        let patience = match (segment.ip_id, segment.time) {
            (0, None) => None,
            (0, Some(_)) => Some(Self::TICKS_WITHOUT_ID),
            _ => Some(Self::TICKS),
        };
        let same = |old: &Trace| {
            (old.seq, old.ip_id, old.len, old.flags) == (trace.seq, trace.ip_id, trace.len, trace.flags)
                && patience.is_some_and(|patience| trace.ticks.wrapping_sub(old.ticks) <= patience)
        };
        if self.seen.iter().flatten().any(same) {
            return true;
        }
        if let Some(slot) = self.seen.get_mut(usize::from(self.oldest)) {
            *slot = Some(trace);
        }
        self.oldest = (self.oldest + 1) % self.seen.len() as u8;
        false
    }
}

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

    /// What the connection did so far.
    pub(crate) fn facts(&self) -> &TcpFacts {
        &self.facts
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

    /// True where this segment opens another connection between the same ends and ports: a SYN that is no repetition of this one's.
    pub(crate) fn is_reopened_by(&self, segment: &Segment) -> bool {
        let flags = segment.flags;
        if !flags.syn() || flags.ack() || flags.rst() {
            return false;
        }
        let side = self.sender(segment);
        let flow = self.flow(side);
        match flow.basis {
            Basis::Unknown => self.facts.side(side.peer()).packets > 0,
            Basis::Acked | Basis::Probe | Basis::Firm => flow.base != segment.seq.wrapping_add(1),
        }
    }

    /// Takes one segment; `payload` are its captured bytes.
    pub(crate) fn segment(&mut self, segment: &Segment, payload: &[u8], sink: &mut impl Sink) {
        let side = self.sender(segment);
        let flags = segment.flags;
        let stamp = Stamp::new(self.capture, segment.frame, segment.time);
        self.facts.note_first_packet(stamp, side);
        let len = payload.len() as u64 + u64::from(segment.payload_cut);
        if self.flow_mut(side).recent.repeats(segment, len) {
            self.facts.side_mut(side).note_duplicate(stamp);
            return;
        }
        let facts = self.facts.side_mut(side);
        facts.note_packet(stamp);
        if flags.rst() {
            self.take_reset(side, segment, stamp);
            return;
        }
        facts.note_header(segment.ttl, segment.window);
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

    /// The connection or the capture has ended: hands up what lies behind holes, and what was acknowledged but never captured.
    pub(crate) fn finish(&mut self, sink: &mut impl Sink) {
        for side in [Side::Client, Side::Server] {
            let acked = self.facts.side(side).acked;
            let (assembler, mut counting) = self.assembling(side, sink);
            assembler.finish(side, acked, &mut counting);
            let next = assembler.next();
            let facts = self.facts.side(side);
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

    fn flow_mut(&mut self, side: Side) -> &mut Flow {
        self.flow_and_facts(side).0
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
        if side == Side::Client && answers_syn && !segment.flags.syn() {
            self.facts.note_handshake_ack(stamp);
        }
        if self.flow(peer).assembler.is_waiting() {
            let (assembler, mut counting) = self.assembling(peer, sink);
            assembler.acknowledged(peer, acked, segment.time, &mut counting);
            self.facts.side_mut(peer).payload_bytes = self.flow(peer).assembler.next();
        }
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
        let whole = Chunk {
            at: 0,
            bytes: payload,
            cut: u64::from(segment.payload_cut),
            stamp,
        };
        let part = whole.part(skipped, u64::MAX);
        let chunk = Chunk { at: start, ..part };
        let end = chunk.end();
        if len > 0 {
            if is_keep_alive(segment.flags, start, end, facts) {
                facts.note_keep_alive();
                return;
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
        let acked = facts.acked;
        let (assembler, mut counting) = self.assembling(side, sink);
        assembler.push(side, chunk, acked, &mut counting);
        let (flow, facts) = self.flow_and_facts(side);
        facts.payload_bytes = flow.assembler.next();
    }

    fn take_reset(&mut self, side: Side, segment: &Segment, stamp: Stamp) {
        let reset = Reset {
            mark: stamp.mark(side),
            ttl: segment.ttl,
            ip_id: segment.ip_id,
            window: segment.window,
            in_window: self.must_believe(side, segment),
            has_ack: segment.flags.ack(),
        };
        self.facts.side_mut(side).note_rst(reset, stamp);
    }

    /// Whether the receiver had to act upon a reset (RFC 9293 §3.5.3). Resets do not move the streams: an injected one may say anything.
    fn must_believe(&self, side: Side, segment: &Segment) -> bool {
        /// The window where no scaling is known.
        const WINDOW: u64 = 65_535;
        let (flow, facts) = (self.flow(side), self.facts.side(side));
        if flow.basis == Basis::Unknown {
            let (peer, peer_facts) = (self.flow(side.peer()), self.facts.side(side.peer()));
            if peer_facts.syn().is_none() {
                return true;
            }
            // SYN-SENT: it has to acknowledge the SYN, and may acknowledge data that came with it.
            let acked = distance(peer.base, segment.ack).and_then(|acked| u64::try_from(acked).ok());
            return segment.flags.ack() && acked.is_some_and(|acked| acked <= peer_facts.sent_to);
        }
        let fin = u64::from(facts.has_fin());
        let ahead = facts
            .sent_to
            .saturating_sub(facts.acked)
            .saturating_add(fin)
            .max(WINDOW);
        let expected = flow.base.wrapping_add(facts.acked as u32);
        let ahead_of_expected = distance(expected, segment.seq).and_then(|distance| u64::try_from(distance).ok());
        ahead_of_expected.is_some_and(|distance| distance <= ahead)
    }

    /// The smaller of the maximum segment sizes that were announced: what the path takes at most.
    fn mss(&self) -> Option<u16> {
        self.facts.sides.iter().filter_map(SideFacts::mss).min()
    }
}

/// Where a segment at `offset` begins in the stream, and how many of its bytes lie before the stream's beginning.
/// `None` where nothing of it belongs to the stream.
fn from_the_beginning(offset: i64, len: u64) -> Option<(u64, u64)> {
    match u64::try_from(offset) {
        Ok(start) => Some((start, 0)),
        Err(_) => {
            let before = offset.unsigned_abs();
            (before < len).then_some((0, before))
        }
    }
}

/// A keep-alive probe may repeat the last byte that was sent, if that is acknowledged; else it is a repetition that is needed.
fn is_keep_alive(flags: Flags, start: u64, end: u64, facts: &SideFacts) -> bool {
    let one_byte = end.checked_sub(start) == Some(1);
    one_byte && !flags.fin() && !flags.syn() && end == facts.sent_to && end <= facts.acked
}

#[cfg(test)]
mod behaviour_tests;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod wire;
