//! What one side of a TCP connection did.

use super::rare::{
    Contradiction, Fit, IcmpSeen, KeptContradiction, KeptIcmp, KeptReset, KeptRetransmission, Rare, Reset, ResetWords,
    Retransmission,
};
use super::stamp::Stamp;
use crate::evidence::{Mark, Side};
use crate::net::{IcmpError, Segment};

/// How a side ended the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EndingKind {
    /// In order: nothing more to send.
    Fin,
    /// At once.
    Rst,
}

/// Who ended the connection, how, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Who.
    pub(crate) from: Side,
    /// How.
    pub(crate) kind: EndingKind,
    /// The packet.
    pub(crate) mark: Mark,
}

/// What one side did. Numbers stop at their type's maximum.
#[derive(Clone, Debug)]
pub(crate) struct SideFacts {
    /// Offset up to which this side's stream went up in order: the bytes that were captured, and the gaps among them.
    pub(crate) payload_bytes: u64,
    /// Offset behind the last byte that this side is known to have sent, captured or not.
    pub(crate) sent_to: u64,
    /// Offset up to which the peer acknowledged this side's stream.
    pub(crate) acked: u64,
    /// Offset of the FIN; meaningful where there is one.
    pub(in crate::stream) fin_at: u64,
    first_payload: Option<Stamp>,
    first_fin: Option<Stamp>,
    pub(super) syn: Option<Stamp>,
    last_ack_progress: Option<Stamp>,
    pub(super) last_packet: Option<Stamp>,
    rare: Option<Box<Rare>>,
    /// Packets, those counted as duplicates not included.
    pub(crate) packets: u32,
    /// Second captures of a packet that carries data, SYN, FIN or RST.
    pub(crate) duplicates: u32,
    /// Segments sent again: data whose first byte was seen before, or a FIN.
    pub(crate) retransmitted: u32,
    /// Segments with data that cannot belong to the stream: before its beginning, or far ahead.
    pub(crate) ignored: u32,
    /// Resets.
    pub(crate) rst_count: u16,
    /// Keep-alive probes (RFC 9293 §3.8.4).
    pub(crate) keep_alives: u16,
    /// Packets that announced a window of 0.
    pub(crate) zero_windows: u16,
    /// SYNs of a client, SYN-ACKs of a server.
    pub(crate) syn_count: u16,
    /// Maximum segment size announced in the SYN; 0 where none was seen.
    mss: u16,
    /// The widest window that it announced behind its SYN, not scaled.
    pub(in crate::stream) widest_window: u16,
    /// IPv4 identification of the last packet that is neither SYN nor reset.
    ip_id: u16,
    /// Time to live of the first packet that is no reset.
    pub(crate) ttl: Option<u8>,
    /// The least and the greatest time to live of the packets that are no resets.
    ttls: (u8, u8),
    /// The peer acknowledged the FIN.
    pub(crate) fin_acked: bool,
    /// The peer acknowledged this side's SYN, or something new of its stream.
    pub(crate) was_acked: bool,
    side: Side,
}

// Every connection that is followed has two: a field that makes them larger is to be a decision, not an accident.
const _: () = assert!(size_of::<SideFacts>() <= 160);

impl SideFacts {
    pub(super) const fn set_side(&mut self, side: Side) {
        self.side = side;
    }

    pub(super) const fn new(side: Side) -> Self {
        Self {
            payload_bytes: 0,
            sent_to: 0,
            acked: 0,
            fin_at: 0,
            first_payload: None,
            first_fin: None,
            syn: None,
            last_ack_progress: None,
            last_packet: None,
            rare: None,
            packets: 0,
            duplicates: 0,
            retransmitted: 0,
            ignored: 0,
            rst_count: 0,
            keep_alives: 0,
            zero_windows: 0,
            syn_count: 0,
            mss: 0,
            widest_window: 0,
            ip_id: 0,
            ttl: None,
            ttls: (u8::MAX, 0),
            fin_acked: false,
            was_acked: false,
            side,
        }
    }

    fn mark(&self, stamp: Option<Stamp>) -> Option<Mark> {
        stamp.map(|stamp| stamp.mark(self.side))
    }

    /// The first packet with payload.
    pub(crate) fn first_payload(&self) -> Option<Mark> {
        self.mark(self.first_payload)
    }

    /// The first FIN.
    pub(crate) fn first_fin(&self) -> Option<Mark> {
        self.mark(self.first_fin)
    }

    /// The first SYN of a client, SYN-ACK of a server.
    pub(crate) fn syn(&self) -> Option<Mark> {
        self.mark(self.syn)
    }

    /// The last packet.
    pub(crate) fn last_packet(&self) -> Option<Mark> {
        self.mark(self.last_packet)
    }

    /// The packet of the peer that last acknowledged something new of this side.
    pub(crate) fn last_ack_progress(&self) -> Option<Mark> {
        self.last_ack_progress.map(|stamp| stamp.mark(self.side.peer()))
    }

    /// The first reset that the receiver believed; else the first of the others.
    pub(crate) fn first_rst(&self) -> Option<Reset> {
        self.kept_reset().map(|reset| reset.told(self.side))
    }

    /// What that reset says of itself; `None` for nearly all.
    pub(crate) fn rst_words(&self) -> Option<&ResetWords> {
        let words = &self.kept_reset()?.words;
        (!words.text.is_empty()).then_some(words)
    }

    fn kept_reset(&self) -> Option<&KeptReset> {
        self.rare.as_ref()?.reset.as_ref()
    }

    /// The least and the greatest time to live of the packets that are no resets; `None` where there is none.
    pub(crate) fn ttls(&self) -> Option<(u8, u8)> {
        self.ttl.map(|_| self.ttls)
    }

    /// How many resets had a number ahead of everything that was sent under this side's address: their sender guessed.
    pub(crate) fn guessed_resets(&self) -> u16 {
        self.rare.as_ref().map_or(0, |rare| rare.guessed_resets)
    }

    /// The first ICMP error that says that this side's segments do not get through.
    pub(crate) fn undelivered(&self) -> Option<IcmpSeen> {
        self.rare
            .as_ref()?
            .undelivered
            .as_deref()
            .map(|kept| self.told_icmp(kept))
    }

    /// The first ICMP error that says that this side's segments are longer than a link on the path takes.
    pub(crate) fn too_big(&self) -> Option<IcmpSeen> {
        self.rare.as_ref()?.too_big.as_deref().map(|kept| self.told_icmp(kept))
    }

    fn told_icmp(&self, kept: &KeptIcmp) -> IcmpSeen {
        IcmpSeen {
            mark: kept.stamp.mark(self.side),
            error: kept.error,
            times: kept.times,
        }
    }

    /// The first two copies of the same bytes of this side that differ.
    pub(crate) fn contradiction(&self) -> Option<Contradiction> {
        let kept = self.rare.as_ref()?.contradiction.as_deref()?;
        Some(Contradiction {
            at: kept.at,
            len: kept.len,
            first_frame: kept.first_frame,
            second: kept.second.mark(self.side),
            count: kept.count,
        })
    }

    /// The first packet near the stream's beginning that has urgent data.
    pub(crate) fn urgent(&self) -> Option<Mark> {
        self.mark(self.rare.as_ref()?.urgent)
    }

    /// Missing bytes of which nothing shows that the peer received them: lost by the network, or never sent.
    pub(crate) fn lost_on_the_way(&self) -> u64 {
        let lost = self.rare.as_ref().map(|rare| rare.unacknowledged).unwrap_or_default();
        // They were given up, and then the acknowledgement came after all.
        if self.acked >= lost.end { 0 } else { lost.bytes }
    }

    /// Maximum segment size that this side announced.
    pub(crate) fn mss(&self) -> Option<u16> {
        (self.mss > 0).then_some(self.mss)
    }

    /// The lowest segment that was repeated and is still not acknowledged.
    pub(crate) fn unacked_retransmission(&self) -> Option<Retransmission> {
        let kept = self.rare.as_ref()?.unacked.as_deref()?;
        Some(Retransmission {
            offset: kept.offset,
            len: kept.len,
            times: kept.times,
            first: kept.first.mark(self.side),
            last: kept.last.mark(self.side),
            full_size: kept.full_size,
        })
    }

    /// Whether this side sent any payload, captured or only acknowledged. One acknowledged number may be a FIN that was not captured.
    pub(crate) fn sent_payload(&self) -> bool {
        self.first_payload.is_some() || self.sent_to.max(self.acked) > 1
    }

    /// How this side ended the connection first: its FIN, or a reset that counts.
    pub(crate) fn first_ending(&self) -> Option<Ending> {
        self.first_ending_stamp().map(|(stamp, kind)| Ending {
            from: self.side,
            kind,
            mark: stamp.mark(self.side),
        })
    }

    pub(super) fn first_ending_stamp(&self) -> Option<(Stamp, EndingKind)> {
        let fin = self.first_fin.map(|stamp| (stamp, EndingKind::Fin));
        let rst = self.kept_reset().filter(|reset| reset.believed());
        let rst = rst.map(|reset| (reset.stamp, EndingKind::Rst));
        fin.into_iter().chain(rst).min()
    }

    /// A reset ended the connection: its number is the very one that the receiver expected.
    pub(crate) fn was_reset(&self) -> bool {
        self.kept_reset().is_some_and(KeptReset::closes)
    }
}

/// What the reassembler tells.
impl SideFacts {
    pub(in crate::stream) fn note_packet(&mut self, stamp: Stamp) {
        self.packets = self.packets.saturating_add(1);
        self.last_packet = Some(stamp);
    }

    pub(in crate::stream) fn note_duplicate(&mut self, stamp: Stamp) {
        self.duplicates = self.duplicates.saturating_add(1);
        self.last_packet = Some(stamp);
    }

    /// A packet that is no reset. The window of a SYN is never scaled (RFC 7323 §2.2), so it does not count beside others.
    pub(in crate::stream) fn note_header(&mut self, segment: &Segment) {
        self.ttl.get_or_insert(segment.ttl);
        let (least, greatest) = self.ttls;
        self.ttls = (least.min(segment.ttl), greatest.max(segment.ttl));
        if !segment.flags.syn() {
            self.widest_window = self.widest_window.max(segment.window);
            self.ip_id = segment.ip_id;
        }
        if segment.window == 0 {
            self.zero_windows = self.zero_windows.saturating_add(1);
        }
        if let Some(reset) = self.rare.as_mut().and_then(|rare| rare.reset.as_mut()) {
            reset.sender_goes_on(self.last_packet);
        }
    }

    /// An ICMP error about a segment of this side that was sent and not acknowledged.
    pub(in crate::stream) fn note_icmp(&mut self, stamp: Stamp, error: IcmpError) {
        let rare = self.rare();
        let kept = if error.is_too_big() {
            &mut rare.too_big
        } else if error.is_unreachable() || error.is_expired() {
            &mut rare.undelivered
        } else {
            return;
        };
        let kept = kept.get_or_insert_with(|| Box::new(KeptIcmp { stamp, error, times: 0 }));
        kept.times = kept.times.saturating_add(1);
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(in crate::stream) fn note_syn(&mut self, stamp: Stamp, mss: u16) {
        self.syn_count = self.syn_count.saturating_add(1);
        self.syn.get_or_insert(stamp);
        if self.mss == 0 {
            self.mss = mss;
        }
    }

    pub(in crate::stream) fn note_keep_alive(&mut self) {
        self.keep_alives = self.keep_alives.saturating_add(1);
    }

    pub(in crate::stream) fn note_ignored(&mut self) {
        self.ignored = self.ignored.saturating_add(1);
    }

    pub(in crate::stream) fn note_payload(&mut self, stamp: Stamp, end: u64) {
        self.first_payload.get_or_insert(stamp);
        self.sent_to = self.sent_to.max(end);
    }

    pub(in crate::stream) fn note_fin(&mut self, stamp: Stamp, at: u64) {
        // A FIN has no place among bytes that were sent, or acknowledged, behind it.
        if self.first_fin.is_some() || at.saturating_add(1) < self.sent_to.max(self.acked) {
            return;
        }
        self.first_fin = Some(stamp);
        self.fin_at = at;
        // Its acknowledgement was captured first.
        if at.checked_add(1) == Some(self.acked) {
            self.acked = at;
            self.fin_acked = true;
        }
    }

    /// The last byte before the FIN came with this packet: for whoever takes the stream in order, the FIN stands here.
    pub(in crate::stream) fn note_fin_reached(&mut self, stamp: Stamp) {
        self.first_fin = Some(stamp);
    }

    /// Nothing but SYNs was seen of this side, and resets of what did not answer them.
    pub(in crate::stream) fn only_knocked(&self) -> bool {
        self.syn_count > 0 && u32::from(self.syn_count).saturating_add(u32::from(self.rst_count)) == self.packets
    }

    pub(in crate::stream) fn has_fin(&self) -> bool {
        self.first_fin.is_some()
    }

    /// The peer acknowledges everything before `to`, which counts a FIN as one byte.
    pub(in crate::stream) fn note_ack(&mut self, stamp: Stamp, to: u64) {
        let mut to = to;
        if self.has_fin() && self.fin_at.checked_add(1) == Some(to) {
            self.fin_acked = true;
            to = self.fin_at;
        }
        if to <= self.acked {
            return;
        }
        if self.has_fin() && to > self.fin_at {
            // The peer took bytes behind the FIN, so it never saw one.
            self.first_fin = None;
            self.fin_acked = false;
        }
        self.acked = to;
        self.last_ack_progress = Some(stamp);
        if let Some(rare) = &mut self.rare {
            if rare.unacked.as_ref().is_some_and(|kept| kept.offset < to) {
                rare.unacked = None;
            }
            if let Some(reset) = &mut rare.reset {
                reset.receiver_took(to);
            }
        }
    }

    /// A segment was sent again; `mss`: the smaller of the two announced.
    pub(in crate::stream) fn note_retransmission(&mut self, stamp: Stamp, start: u64, end: u64, mss: Option<u16>) {
        self.retransmitted = self.retransmitted.saturating_add(1);
        if end <= self.acked {
            return;
        }
        let len = u32::try_from(end.saturating_sub(start)).unwrap_or(u32::MAX);
        let full_size = is_full_size(len, mss);
        let offset = start.max(self.acked);
        match &mut self.rare().unacked {
            Some(kept) if kept.offset < offset => {}
            Some(kept) if kept.offset == offset => {
                kept.times = kept.times.saturating_add(1);
                kept.last = stamp;
                kept.len = kept.len.max(len);
                kept.full_size |= full_size;
            }
            unacked => {
                *unacked = Some(Box::new(KeptRetransmission {
                    offset,
                    len,
                    times: 1,
                    first: stamp,
                    last: stamp,
                    full_size,
                }));
            }
        }
    }

    pub(in crate::stream) fn note_fin_again(&mut self) {
        self.retransmitted = self.retransmitted.saturating_add(1);
    }

    /// A reset came; `at` is the offset of its number, `text` its payload.
    pub(in crate::stream) fn note_rst(&mut self, reset: Reset, stamp: Stamp, fit: Fit, at: u64, words: ResetWords) {
        self.rst_count = self.rst_count.saturating_add(1);
        let sent_to = self
            .sent_to
            .max(self.acked)
            .saturating_add(self.has_fin().into())
            .max(at);
        let other_packets = self
            .packets
            .saturating_sub(u32::from(self.rst_count).saturating_add(u32::from(self.syn_count)));
        let reset = Reset {
            ip_id_before: (other_packets > 0).then_some(self.ip_id),
            ..reset
        };
        let is_guessed = at > self.sent_to.max(self.acked).saturating_add(self.has_fin().into());
        let rare = self.rare();
        rare.guessed_resets = rare.guessed_resets.saturating_add(is_guessed.into());
        let first = &mut rare.reset;
        if first.as_ref().is_none_or(|first| !first.believed() && reset.believed) {
            *first = Some(KeptReset::new(&reset, stamp, fit, sent_to, words));
        }
    }

    /// A copy of bytes that were there before differs from them. `first_frame` carried the first copy.
    pub(in crate::stream) fn note_contradiction(&mut self, stamp: Stamp, at: u64, len: u32, first_frame: Option<u64>) {
        let kept = self.rare().contradiction.get_or_insert_with(|| {
            Box::new(KeptContradiction {
                at,
                len,
                count: 0,
                first_frame,
                second: stamp,
            })
        });
        kept.count = kept.count.saturating_add(1);
    }

    pub(in crate::stream) fn note_urgent(&mut self, stamp: Stamp) {
        self.rare().urgent.get_or_insert(stamp);
    }

    /// Bytes up to `end` were given up, and nothing shows that they arrived.
    pub(in crate::stream) fn note_lost_on_the_way(&mut self, len: u64, end: u64) {
        let acked = self.acked;
        let lost = &mut self.rare().unacknowledged;
        if acked >= lost.end {
            lost.bytes = 0;
        }
        lost.bytes = lost.bytes.saturating_add(len);
        lost.end = end;
    }
}

/// TCP options take up to 40 bytes from a full segment. Where no SYN was seen, an Ethernet path less the usual tunnel overhead is taken.
fn is_full_size(len: u32, mss: Option<u16>) -> bool {
    const LONGEST_OPTIONS: u32 = 40;
    const USUAL_MSS: u16 = 1_360;
    len.saturating_add(LONGEST_OPTIONS) >= u32::from(mss.unwrap_or(USUAL_MSS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{CaptureId, Time};

    fn stamp(frame: u64) -> Stamp {
        Stamp::new(CaptureId(3), frame, Some(Time::from_nanos(frame as i64 * 1_000_000)))
    }

    #[test]
    fn an_acknowledged_segment_is_no_longer_an_unacknowledged_repetition() {
        let mut side = SideFacts::new(Side::Client);
        side.note_payload(stamp(1), 500);
        side.note_retransmission(stamp(2), 0, 500, Some(1_460));
        side.note_retransmission(stamp(3), 0, 500, Some(1_460));
        let kept = side.unacked_retransmission().unwrap();
        assert_eq!((kept.offset, kept.len, kept.times, kept.full_size), (0, 500, 2, false));
        assert_eq!((kept.first.frame, kept.last.frame), (2, 3));
        side.note_ack(stamp(4), 500);
        assert_eq!(side.unacked_retransmission(), None);
        assert_eq!(side.retransmitted, 2);
    }

    #[test]
    fn the_lowest_unacknowledged_repetition_is_kept() {
        let mut side = SideFacts::new(Side::Server);
        side.note_retransmission(stamp(1), 2_896, 4_344, Some(1_460));
        side.note_retransmission(stamp(2), 0, 1_448, Some(1_460));
        side.note_retransmission(stamp(3), 2_896, 4_344, Some(1_460));
        let kept = side.unacked_retransmission().unwrap();
        assert_eq!((kept.offset, kept.times, kept.full_size), (0, 1, true));
    }

    #[test]
    fn the_acknowledgement_of_a_fin_counts_no_byte() {
        let mut side = SideFacts::new(Side::Client);
        side.note_payload(stamp(1), 10);
        side.note_fin(stamp(1), 10);
        side.note_ack(stamp(2), 11);
        assert_eq!((side.acked, side.fin_acked), (10, true));
    }

    #[test]
    fn a_fin_captured_after_its_acknowledgement_is_acknowledged() {
        let mut side = SideFacts::new(Side::Client);
        side.note_ack(stamp(1), 11);
        side.note_fin(stamp(2), 10);
        assert_eq!((side.acked, side.fin_acked), (10, true));
    }
}
