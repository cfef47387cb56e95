//! For tests: a connection told packet by packet.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::evidence::Time;
use crate::net::{Encapsulations, FlowKey, Role};
use Side::{Client, Server};

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;

/// First sequence numbers: the client's wraps within the first hundred bytes.
const CLIENT_ISN: u32 = u32::MAX - 50;
const SERVER_ISN: u32 = 7_000;

#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) data: [Vec<u8>; 2],
    pub(super) gaps: Vec<(Side, u64, u64, GapCause, u64)>,
    pub(super) spans: Vec<Span>,
}

impl Sink for Record {
    fn data(&mut self, bytes: &[u8], span: Span) {
        self.data[span.from().index()].extend_from_slice(bytes);
        self.spans.push(span);
    }

    fn gap(&mut self, from: Side, at: u64, len: u64, cause: GapCause, mark: Mark) {
        self.gaps.push((from, at, len, cause, mark.frame));
    }
}

/// A connection in the making. Each packet comes 20 ms after the one before it and has an IP identification of its own.
pub(super) struct Wire {
    pub(super) tcp: Tcp,
    pub(super) record: Record,
    pub(super) frame: u64,
    pub(super) millis: i64,
}

/// What a test says of a packet; offsets count from behind the SYN.
#[derive(Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) flags: u8,
    pub(super) seq: i64,
    pub(super) ack: i64,
    pub(super) payload: &'a [u8],
    pub(super) cut: u32,
    pub(super) window: u16,
    pub(super) ttl: u8,
    pub(super) ip_id: Option<u16>,
    pub(super) mss: u16,
    pub(super) window_scale: Option<u8>,
}

pub(super) fn packet(flags: u8, seq: i64, ack: i64) -> Packet<'static> {
    Packet {
        flags,
        seq,
        ack,
        payload: b"",
        cut: 0,
        window: 500,
        ttl: 64,
        ip_id: None,
        mss: 0,
        window_scale: None,
    }
}

pub(super) fn bytes(seq: i64, ack: i64, payload: &[u8]) -> Packet<'_> {
    Packet {
        payload,
        ..packet(ACK, seq, ack)
    }
}

impl Wire {
    pub(super) fn new() -> Self {
        Self {
            tcp: Tcp::new(CaptureId(0), true),
            record: Record::default(),
            frame: 0,
            millis: 1_700_000_000_000,
        }
    }

    /// A connection after the three-way handshake.
    pub(super) fn open() -> Self {
        let mut wire = Self::new();
        wire.send(
            Client,
            Packet {
                mss: 1_460,
                ..packet(SYN, -1, 0)
            },
        );
        wire.send(
            Server,
            Packet {
                mss: 1_400,
                ..packet(SYN | ACK, -1, 0)
            },
        );
        wire.send(Client, packet(ACK, 0, 0));
        wire
    }

    pub(super) fn make(&self, from: Side, packet: &Packet<'_>) -> Segment {
        let (isn, peer_isn) = match from {
            Client => (CLIENT_ISN, SERVER_ISN),
            Server => (SERVER_ISN, CLIENT_ISN),
        };
        let number = |isn: u32, offset: i64| isn.wrapping_add(1).wrapping_add(offset as u32);
        let address = |last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
        let (key, _) = FlowKey::new((address(1), 40_000), (address(2), 443));
        Segment {
            key,
            from_low: from == Client,
            frame: self.frame,
            time: Some(Time::from_nanos(self.millis * 1_000_000)),
            seq: number(isn, packet.seq),
            ack: number(peer_isn, packet.ack),
            flags: Flags(packet.flags),
            window: packet.window,
            payload_at: 0,
            payload_len: packet.payload.len() as u32,
            payload_cut: packet.cut,
            ttl: packet.ttl,
            ip_id: packet.ip_id.unwrap_or(self.frame as u16),
            mss: packet.mss,
            window_scale: packet.window_scale,
            vlan: 0,
            role: Role::Whole,
            told_by_device: false,
            encapsulations: Encapsulations::NONE,
        }
    }

    pub(super) fn send(&mut self, from: Side, packet: Packet<'_>) {
        self.frame += 1;
        self.millis += 20;
        let segment = self.make(from, &packet);
        self.tcp.segment(&segment, packet.payload, &mut self.record);
    }

    pub(super) fn finish(&mut self) {
        self.tcp.finish(&mut self.record);
    }

    pub(super) fn side(&self, side: Side) -> &SideFacts {
        self.tcp.facts().side(side)
    }

    pub(super) fn data(&self, side: Side) -> &[u8] {
        &self.record.data[side.index()]
    }
}
