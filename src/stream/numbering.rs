//! Which segments open a new conversation, as Wireshark 4.0 counts `tcp.stream`.
//!
//! Wireshark numbers conversations from 0 in the order of their first packets. A conversation is a pair of addresses and ports (no
//! VLAN id); ports that are used again make a new one by the rule of this module, which was measured with tshark 4.0.17:
//!
//! - Each direction has a base sequence number: that of its first segment with SYN; or one less than that of its first other
//!   segment; or one less than the first acknowledgement from the other side, where that comes earlier.
//! - A SYN without ACK whose sequence number is not its direction's base opens a new conversation. A direction without a base is
//!   given one instead, which is why a simultaneous open stays one conversation.
//! - A SYN with ACK never opens one; where it differs from the base it replaces it.
//! - FIN and RST play no part (in later versions they do): a SYN with the same number after a RST is the same conversation.
//! - The latest conversation of a pair of ends is the one that counts; an older one never comes back.
//! - A header whose segment has no known length ([`Role::is_glimpse`](crate::net::Role::is_glimpse)) can open a conversation and replace a base, but never set one.
//!   Among them are the headers quoted in ICMP errors, which Wireshark counts as packets of the quoted conversation.

use crate::net::Segment;

/// The numbering state of the latest conversation between two ends; of none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conversation {
    /// Base sequence numbers of the low end and the high end, where known.
    base: [u32; 2],
    /// Bits: which of the bases are known, and whether the conversation has been counted.
    known: u8,
}

/// Bit of `known`: a segment that Wireshark numbers has been seen. Before, there is no `tcp.stream`.
const COUNTED: u8 = 0b100;

impl Conversation {
    /// What [`Self::into_parts`] gave.
    pub(crate) const fn from_parts(base: [u32; 2], known: u8) -> Self {
        Self { base, known }
    }

    /// The base sequence numbers, and three bits on them: for tables of millions, which have no room to spare.
    pub(crate) const fn into_parts(self) -> ([u32; 2], u8) {
        (self.base, self.known)
    }

    /// The conversation that begins with a segment which Wireshark numbers.
    fn begun_by(first: &Segment) -> Self {
        let mut conversation = Self {
            base: [0; 2],
            known: COUNTED,
        };
        conversation.learn(first);
        conversation
    }

    /// Takes the next segment between the two ends, or the first. True where it opens a conversation, which this one then stands for: never
    /// with segments that Wireshark does not number ([`Role::Unnumbered`](crate::net::Role::Unnumbered)).
    #[inline]
    pub(crate) fn opened_by(&mut self, segment: &Segment) -> bool {
        if !segment.role.numbered() {
            return false;
        }
        if self.known & COUNTED == 0 {
            *self = Self::begun_by(segment);
            return true;
        }
        if segment.flags.syn() && self.base_of(sender(segment)).is_some_and(|base| base != segment.seq) {
            if !segment.flags.ack() {
                *self = Self::begun_by(segment);
                return true;
            }
            self.set(sender(segment), segment.seq);
        }
        self.learn(segment);
        false
    }

    /// Fills in the bases that are missing, from a segment of known length.
    #[inline]
    fn learn(&mut self, segment: &Segment) {
        let (sender, receiver) = (sender(segment), 1 - sender(segment));
        if self.known & 0b11 == 0b11 || segment.role.is_glimpse() {
            return;
        }
        if self.base_of(sender).is_none() {
            self.set(
                sender,
                if segment.flags.syn() {
                    segment.seq
                } else {
                    segment.seq.wrapping_sub(1)
                },
            );
        }
        if segment.flags.ack() && self.base_of(receiver).is_none() {
            self.set(receiver, segment.ack.wrapping_sub(1));
        }
    }

    const fn base_of(&self, end: u8) -> Option<u32> {
        let [low, high] = self.base;
        match (self.known & (1 << end) != 0, end) {
            (false, _) => None,
            (true, 0) => Some(low),
            (true, _) => Some(high),
        }
    }

    const fn set(&mut self, end: u8, base: u32) {
        let [low, high] = self.base;
        self.base = if end == 0 { [base, high] } else { [low, base] };
        self.known |= 1 << end;
    }
}

/// 0 where the low end sent a segment, 1 where the high end did: the bit of an end in `known`.
const fn sender(segment: &Segment) -> u8 {
    if segment.from_low { 0 } else { 1 }
}

#[cfg(test)]
mod tests {
    use crate::net::{Encapsulations, Flags, FlowKey, Role};

    use super::*;

    const SYN: u8 = 0x02;
    const SYN_ACK: u8 = 0x12;
    const ACK: u8 = 0x10;
    const FIN_ACK: u8 = 0x11;
    const RST_ACK: u8 = 0x14;

    fn segment(from_low: bool, flags: u8, seq: u32, ack: u32) -> Segment {
        Segment {
            key: FlowKey {
                low_address: [0; 16],
                high_address: [1; 16],
                low_port: 1111,
                high_port: 443,
            },
            from_low,
            frame: 1,
            time: None,
            seq,
            ack,
            flags: Flags(flags),
            window: 1000,
            payload_at: 0,
            payload_len: 0,
            payload_cut: 0,
            ttl: 64,
            ip_id: 0,
            mss: 0,
            window_scale: None,
            vlan: 0,
            role: Role::Whole,
            told_by_device: false,
            encapsulations: Encapsulations::NONE,
        }
    }

    fn client(flags: u8, seq: u32, ack: u32) -> Segment {
        segment(true, flags, seq, ack)
    }

    fn server(flags: u8, seq: u32, ack: u32) -> Segment {
        segment(false, flags, seq, ack)
    }

    fn with(role: Role, segment: Segment) -> Segment {
        Segment { role, ..segment }
    }

    /// The conversation's number for each segment, as `tcp.stream` would show it in a capture of these alone; -1 for none.
    fn streams(segments: &[Segment]) -> Vec<i32> {
        let mut conversation = Conversation::default();
        let mut stream = -1;
        let mut number = |segment: &Segment| {
            stream += i32::from(conversation.opened_by(segment));
            if segment.role.numbered() { stream } else { -1 }
        };
        segments.iter().map(&mut number).collect()
    }

    fn handshake() -> Vec<Segment> {
        vec![client(SYN, 100, 0), server(SYN_ACK, 500, 101), client(ACK, 101, 501)]
    }

    fn after_handshake(more: &[Segment]) -> Vec<i32> {
        streams(&[handshake(), more.to_vec()].concat()).split_off(3)
    }

    #[test]
    fn a_retransmitted_syn_opens_nothing() {
        assert_eq!(streams(&[client(SYN, 100, 0), client(SYN, 100, 0)]), [0, 0]);
    }

    #[test]
    fn a_syn_with_another_number_opens_a_conversation_and_the_old_one_never_returns() {
        assert_eq!(
            streams(&[client(SYN, 100, 0), client(SYN, 200, 0), client(SYN, 100, 0)]),
            [0, 1, 2]
        );
    }

    #[test]
    fn a_syn_of_a_direction_without_a_base_gives_it_one() {
        let both = [
            client(SYN, 100, 0),
            server(SYN, 777, 0),
            server(SYN, 777, 0),
            client(SYN, 100, 0),
            server(SYN, 778, 0),
        ];
        assert_eq!(streams(&both), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_simultaneous_open_is_one_conversation() {
        let both = [
            client(SYN, 100, 0),
            server(SYN, 777, 0),
            client(SYN_ACK, 100, 778),
            server(SYN_ACK, 777, 101),
        ];
        assert_eq!(streams(&both), [0, 0, 0, 0]);
    }

    #[test]
    fn the_other_sides_base_follows_from_the_acknowledgement() {
        assert_eq!(after_handshake(&[server(SYN, 500, 0), server(SYN, 501, 0)]), [0, 1]);
        assert_eq!(
            streams(&[client(ACK, 101, 501), server(SYN, 500, 0), server(SYN, 501, 0)]),
            [0, 0, 1]
        );
    }

    #[test]
    fn without_ack_the_acknowledgement_number_says_nothing() {
        assert_eq!(
            streams(&[client(0x04, 101, 501), server(SYN, 1, 0), server(SYN, 2, 0)]),
            [0, 0, 1]
        );
    }

    #[test]
    fn a_syn_after_rst_or_fin_with_the_same_number_opens_nothing() {
        assert_eq!(
            streams(&[client(SYN, 100, 0), server(RST_ACK, 0, 101), client(SYN, 100, 0)]),
            [0, 0, 0]
        );
        assert_eq!(
            after_handshake(&[client(FIN_ACK, 101, 501), client(SYN, 100, 0)]),
            [0, 0]
        );
    }

    #[test]
    fn a_capture_that_begins_in_the_middle_has_the_number_before_as_its_base() {
        assert_eq!(
            streams(&[client(ACK, 101, 501), client(SYN, 100, 0), client(SYN, 101, 0)]),
            [0, 0, 1]
        );
        assert_eq!(
            streams(&[client(ACK, 0, 0), client(SYN, u32::MAX, 0), server(SYN, u32::MAX, 0)]),
            [0, 0, 0]
        );
    }

    #[test]
    fn a_syn_that_arrives_after_its_answer_belongs_to_it() {
        assert_eq!(
            streams(&[server(SYN_ACK, 500, 101), client(SYN, 100, 0), client(SYN, 101, 0)]),
            [0, 0, 1]
        );
    }

    #[test]
    fn an_answer_with_another_number_replaces_the_base() {
        assert_eq!(
            after_handshake(&[server(SYN_ACK, 600, 101), server(SYN, 600, 0)]),
            [0, 0]
        );
        assert_eq!(
            after_handshake(&[server(SYN_ACK, 600, 101), server(SYN, 500, 0), server(SYN, 600, 0)]),
            [0, 1, 2]
        );
    }

    #[test]
    fn a_new_conversation_forgets_the_other_sides_base() {
        let again = [client(SYN, 900, 0), server(SYN, 5, 0), server(SYN, 6, 0)];
        assert_eq!(after_handshake(&again), [1, 1, 2]);
    }

    #[test]
    fn a_quoted_header_opens_a_conversation_but_sets_no_base() {
        let quote = with(Role::Quoted, client(SYN, 100, 0));
        assert_eq!(streams(&[quote, client(SYN, 200, 0), client(SYN, 300, 0)]), [0, 0, 1]);
        assert_eq!(
            streams(&[client(SYN, 300, 0), quote, client(SYN, 300, 0), client(SYN, 400, 0)]),
            [0, 1, 1, 2]
        );
    }

    #[test]
    fn a_quoted_answer_replaces_a_base() {
        assert_eq!(
            after_handshake(&[with(Role::Glimpse, server(SYN_ACK, 600, 101)), server(SYN, 600, 0)]),
            [0, 0]
        );
    }

    #[test]
    fn a_mangled_header_counts_like_any_other() {
        let mangled = with(Role::Mangled, client(SYN, 100, 0));
        assert_eq!(streams(&[mangled, client(SYN, 100, 0), client(SYN, 200, 0)]), [0, 0, 1]);
    }

    #[test]
    fn what_wireshark_does_not_number_changes_nothing() {
        let unnumbered = with(Role::Unnumbered, client(SYN, 100, 0));
        assert_eq!(
            streams(&[unnumbered, client(SYN, 200, 0), unnumbered, client(SYN, 200, 0)]),
            [-1, 0, -1, 0]
        );
    }
}
