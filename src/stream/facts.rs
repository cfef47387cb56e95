//! What a TCP connection did: who opened, who ended, what was lost, what stayed without an answer.
//!
//! Facts only; what they mean for a handshake is judged elsewhere. A capture holds many connections at a time, so packets are remembered in
//! 16 bytes ([`Stamp`]) and what most connections never have lies behind a box. Questions answer with whole [`Mark`]s.
//!
//! A packet that was captured twice (a mirror port that copies both directions, capturing on all interfaces) counts once, in
//! [`SideFacts::duplicates`] the second time.

mod rare;
mod side;
mod stamp;

pub(super) use rare::Fit;
pub(crate) use rare::{Reset, ResetWords, Retransmission};
pub(crate) use side::{Ending, EndingKind, SideFacts};
pub(super) use stamp::Stamp;

use crate::evidence::{Mark, Side};

/// How many gaps, and how many bytes are missing in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GapTally {
    /// Number of gaps.
    pub(crate) count: u32,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// What a connection did at the TCP layer.
#[derive(Clone, Debug)]
pub(crate) struct TcpFacts {
    /// The client and the server, in this order.
    pub(crate) sides: [SideFacts; 2],
    first_packet: Option<Stamp>,
    handshake_ack: Option<Stamp>,
    gap_bytes: u64,
    gap_count: u32,
    /// Who sent the first packet.
    began: Side,
    /// Who opened the connection: the client, unless the sides were [turned round](Self::turn_round).
    opener: Side,
}

impl TcpFacts {
    pub(super) const fn new() -> Self {
        Self {
            sides: [SideFacts::new(Side::Client), SideFacts::new(Side::Server)],
            first_packet: None,
            handshake_ack: None,
            gap_bytes: 0,
            gap_count: 0,
            began: Side::Client,
            opener: Side::Client,
        }
    }

    /// Makes the side that was called the client.
    pub(super) const fn turn_round(&mut self) {
        let [client, server] = &mut self.sides;
        std::mem::swap(client, server);
        client.set_side(Side::Client);
        server.set_side(Side::Server);
        self.began = self.began.peer();
        self.opener = self.opener.peer();
    }

    /// Who opened the connection. It is the client, unless the side that was called begins TLS.
    pub(crate) const fn opener(&self) -> Side {
        self.opener
    }

    /// What one side did.
    pub(crate) const fn side(&self, side: Side) -> &SideFacts {
        let [client, server] = &self.sides;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    pub(super) const fn side_mut(&mut self, side: Side) -> &mut SideFacts {
        let [client, server] = &mut self.sides;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }

    pub(super) fn note_first_packet(&mut self, stamp: Stamp, from: Side) {
        if self.first_packet.is_none() {
            self.first_packet = Some(stamp);
            self.began = from;
        }
    }

    pub(super) fn note_handshake_ack(&mut self, stamp: Stamp) {
        self.handshake_ack.get_or_insert(stamp);
    }

    pub(super) const fn note_gap(&mut self, len: u64) {
        self.gap_count = self.gap_count.saturating_add(1);
        self.gap_bytes = self.gap_bytes.saturating_add(len);
    }

    /// The first packet; `None` before there was one.
    pub(crate) fn first_packet(&self) -> Option<Mark> {
        self.first_packet.map(|stamp| stamp.mark(self.began))
    }

    /// The last packet, duplicates included.
    pub(crate) fn last_packet(&self) -> Option<Mark> {
        let latest = self.sides.iter().max_by_key(|side| side.last_packet)?;
        latest.last_packet()
    }

    /// The connection was open: SYN, SYN-ACK and the client's acknowledgement were seen; or, where one of them is not in the capture, bytes
    /// of the stream that were acknowledged.
    pub(crate) fn established(&self) -> bool {
        let three_way = self.sides.iter().all(|side| side.syn.is_some()) && self.handshake_ack.is_some();
        three_way || self.sides.iter().any(|side| side.acked > 0)
    }

    /// There are packets, but no SYN of either side.
    pub(crate) fn started_midway(&self) -> bool {
        self.first_packet.is_some() && self.sides.iter().all(|side| side.syn.is_none())
    }

    /// Milliseconds from the capture point to `to` and back, as the three-way handshake shows it: SYN → SYN-ACK to the server,
    /// SYN-ACK → ACK to the client. Not known where that packet was repeated, since then nobody can tell which copy was answered.
    pub(crate) fn round_trip_ms(&self, to: Side) -> Option<f64> {
        let (opener, called) = (self.side(self.opener), self.side(self.opener.peer()));
        let (asked, answer) = if to == self.opener {
            (called, self.handshake_ack?)
        } else {
            (opener, called.syn?)
        };
        if asked.syn_count > 1 {
            return None;
        }
        answer.millis_since(asked.syn?)
    }

    /// The longer of the two [round trips](Self::round_trip_ms): near either end it is that of the connection, in between the larger part.
    pub(crate) fn rtt_ms(&self) -> Option<f64> {
        let trips = [Side::Client, Side::Server].map(|to| self.round_trip_ms(to));
        trips.into_iter().flatten().max_by(f64::total_cmp)
    }

    /// What is missing, both sides together.
    pub(crate) const fn gaps(&self) -> GapTally {
        GapTally {
            count: self.gap_count,
            bytes: self.gap_bytes,
        }
    }

    /// Retransmitted segments of both sides.
    pub(crate) fn retransmissions(&self) -> u32 {
        self.sides
            .iter()
            .fold(0, |sum, side| side.retransmitted.saturating_add(sum))
    }

    /// The reset by which the server's address refused the client's SYN, before any answer to it.
    pub(crate) fn refused(&self) -> Option<Mark> {
        let [client, server] = &self.sides;
        let only_resets = server.packets == u32::from(server.rst_count);
        if client.syn.is_none() || !only_resets || client.acked > 0 {
            return None;
        }
        server
            .first_rst()
            .filter(|reset| reset.believed)
            .map(|reset| reset.mark)
    }

    /// The first thing that ended the connection. Repeated FINs and resets, and resets that the receiver ignores, do not count.
    pub(crate) fn first_ending(&self) -> Option<Ending> {
        let first = self.sides.iter().filter(|side| side.first_ending_stamp().is_some());
        first.min_by_key(|side| side.first_ending_stamp())?.first_ending()
    }

    /// The only side whose packets are in the capture, although they acknowledge what the other sent.
    pub(crate) fn one_sided(&self) -> Option<Side> {
        [Side::Client, Side::Server].into_iter().find(|&side| {
            let (own, other) = (self.side(side), self.side(side.peer()));
            own.packets > 0 && other.packets == 0 && other.was_acked
        })
    }
}
