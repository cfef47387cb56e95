//! Any segments of one connection, held against a model: for the fuzzer.

use std::collections::BTreeMap;

use super::assembler::{GapCause, Sink};
use super::tcp::Tcp;
use crate::evidence::{CaptureId, Mark, Side, Span, Time};
use crate::net::{Encapsulations, Flags, FlowKey, Role, Segment};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Bytes that make a segment, before its payload.
const RECIPE: usize = 8;

/// Lets two ends send segments as the bytes say, and checks what comes out of the reassembly.
///
/// The first byte says whether there is a handshake; the next eight are the ends' first sequence numbers. Then each segment has eight bytes
/// (what it is, offset, acknowledged offset, length, milliseconds since the one before, bytes cut) and its payload.
///
/// # Panics
/// Where data and gaps of a side leave something out or go back, their sum is not what the facts say, a byte is not the first copy of it that
/// was captured, or a byte that was captured is said to be missing.
pub fn fuzz_tcp(data: &[u8]) {
    let Some((&[mode, a, b, c, d, e, f, g, h], mut rest)) = data.split_first_chunk() else {
        return;
    };
    let mut wire = Wire {
        tcp: Tcp::new(CaptureId(0), true),
        model: Model::default(),
        first: [u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])],
        millis: 0,
        frame: 0,
    };
    // Without a handshake it is not known where a stream begins, and there is nothing to hold the bytes against.
    wire.model.knows_bytes = mode & 1 == 0;
    if wire.model.knows_bytes {
        wire.send(Side::Client, SYN, u32::MAX, 0, &[], 0);
        wire.send(Side::Server, SYN | ACK, u32::MAX, 0, &[], 0);
        wire.send(Side::Client, ACK, 0, 0, &[], 0);
    }
    while let Some((&[kind, low, high, ack_low, ack_high, len, wait, cut], behind)) = rest.split_first_chunk::<RECIPE>()
    {
        let (payload, behind) = behind.split_at(usize::from(len).min(behind.len()));
        rest = behind;
        let side = if kind & 1 == 0 { Side::Client } else { Side::Server };
        let mut flags = ACK;
        flags |= if kind & 0x0e == 0x0e { FIN } else { 0 };
        flags |= if kind & 0x70 == 0x70 { RST } else { 0 };
        flags |= if kind & 0x80 != 0 && !wire.model.knows_bytes {
            SYN
        } else {
            0
        };
        wire.millis += i64::from(wait);
        let (at, acked) = (u16::from_le_bytes([low, high]), u16::from_le_bytes([ack_low, ack_high]));
        let cut = if cut > 200 { u32::from(cut) - 200 } else { 0 };
        wire.send(side, flags, at.into(), acked.into(), payload, cut);
    }
    wire.tcp.finish(&mut wire.model);
    for (side, reached) in [Side::Client, Side::Server].into_iter().zip(wire.model.reached) {
        let told = wire.tcp.facts().side(side).payload_bytes;
        assert_eq!(told, reached, "bytes of the {}", side.as_str());
    }
}

/// Two ends, and who listens.
struct Wire {
    tcp: Tcp,
    model: Model,
    /// Sequence numbers of both ends' first byte.
    first: [u32; 2],
    millis: i64,
    frame: u64,
}

impl Wire {
    /// Sends a segment at an offset of its sender's stream, and acknowledges up to an offset of the other's.
    fn send(&mut self, side: Side, flags: u8, at: u32, acked: u32, payload: &[u8], cut: u32) {
        let [client, server] = self.first;
        let (own, other) = if side == Side::Client {
            (client, server)
        } else {
            (server, client)
        };
        self.frame += 1;
        let segment = Segment {
            key: FlowKey {
                low_address: [0; 16],
                high_address: [1; 16],
                low_port: 40_000,
                high_port: 443,
            },
            from_low: side == Side::Client,
            frame: self.frame,
            time: Some(Time::from_nanos(self.millis * 1_000_000)),
            seq: own.wrapping_add(at),
            ack: other.wrapping_add(acked),
            flags: Flags(flags),
            window: 1_000,
            payload_at: 0,
            payload_len: u32::try_from(payload.len()).unwrap_or_default(),
            payload_cut: cut,
            ttl: 64,
            ip_id: 0,
            mss: 0,
            window_scale: None,
            vlan: 0,
            role: Role::Whole,
            told_by_device: false,
            encapsulations: Encapsulations::NONE,
        };
        if flags & (SYN | RST) == 0 {
            self.model.sent(side, at.into(), payload, cut, flags & FIN != 0);
        }
        self.tcp.segment(&segment, payload, &mut self.model);
    }
}

/// What may stand at an offset.
#[derive(Default)]
struct Copies {
    /// The captured copies up to the first that has to count.
    values: Vec<u8>,
    /// The first copy that counts is there; later ones do not.
    is_settled: bool,
    /// That copy was only on the wire.
    is_cut: bool,
}

/// What was captured of both streams, and how far they have come out.
#[derive(Default)]
struct Model {
    knows_bytes: bool,
    copies: [BTreeMap<u64, Copies>; 2],
    /// Where the lowest FIN of each side stands.
    fins: [Option<u64>; 2],
    reached: [u64; 2],
}

impl Model {
    fn sent(&mut self, side: Side, at: u64, payload: &[u8], cut: u32, fin: bool) {
        let ([client, server], [of_client, of_server]) = (&mut self.copies, &mut self.fins);
        let (copies, end) = if side == Side::Client {
            (client, of_client)
        } else {
            (server, of_server)
        };
        let len = payload.len() as u64 + u64::from(cut);
        if fin && end.is_none_or(|end| at + len < end) {
            *end = Some(at + len);
            copies
                .range_mut(at + len..)
                .for_each(|(_, copy)| copy.is_settled = false);
        }
        let end = end.unwrap_or(u64::MAX);
        let values = payload.iter().map(Some).chain(std::iter::repeat(None));
        for (offset, value) in (at..at + len).zip(values) {
            let copy = copies.entry(offset).or_default();
            if copy.is_settled {
                continue;
            }
            copy.values.extend(value);
            copy.is_cut = value.is_none();
            // A single byte may be a keep-alive probe, which is no copy. Behind a FIN nothing counts, unless the peer's acknowledgements show that
            // it was none: any copy may be the one.
            copy.is_settled = len > 1 && offset < end;
        }
    }

    fn of(&self, side: Side) -> &BTreeMap<u64, Copies> {
        let [client, server] = &self.copies;
        if side == Side::Client { client } else { server }
    }

    /// The next part of a side's stream has come out.
    fn reach(&mut self, side: Side, at: u64, len: u64) {
        let [client, server] = &mut self.reached;
        let reached = if side == Side::Client { client } else { server };
        assert_eq!(at, *reached, "the stream of the {} goes on", side.as_str());
        *reached += len;
    }
}

impl Sink for Model {
    fn data(&mut self, bytes: &[u8], span: Span) {
        assert_eq!(bytes.len(), span.len as usize);
        assert!(span.first_frame <= span.mark.frame, "{span:?}");
        self.reach(span.from(), span.at, bytes.len() as u64);
        if self.knows_bytes {
            for (offset, byte) in (span.at..).zip(bytes) {
                let copies = self.of(span.from()).get(&offset);
                let is_copy = copies.is_some_and(|copies| copies.values.contains(byte));
                assert!(is_copy, "byte {offset} of {span:?} is no first copy");
            }
        }
    }

    fn gap(&mut self, from: Side, at: u64, len: u64, cause: GapCause, _: Mark) {
        self.reach(from, at, len);
        if self.knows_bytes && cause != GapCause::Snaplen {
            let captured = self
                .of(from)
                .range(at..at + len)
                .find(|(_, copies)| copies.is_settled && !copies.is_cut);
            assert!(captured.is_none(), "a byte of the {} is called missing", from.as_str());
        }
    }
}
