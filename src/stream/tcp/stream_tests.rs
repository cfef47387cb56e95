//! How segments become the bytes of a stream.

use Side::{Client, Server};
use proptest::prelude::*;

use super::wire::{ACK, Packet, SYN, Wire, bytes, packet};
use super::*;

#[test]
fn an_open_connection_in_order_is_small() {
    assert!(size_of::<Tcp>() <= 536, "{}", size_of::<Tcp>());
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    assert!(!wire.tcp.flow(Client).assembler.is_waiting());
}

#[test]
fn both_sides_are_put_in_order() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(5, 0, b" world"));
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, bytes(0, 11, b"answer"));
    assert_eq!(
        (wire.data(Client), wire.data(Server)),
        (&b"hello world"[..], &b"answer"[..])
    );
    let facts = wire.tcp.facts();
    assert!(facts.established() && !facts.started_midway());
    assert_eq!((wire.side(Client).payload_bytes, wire.side(Client).acked), (11, 11));
    assert_eq!(
        wire.side(Client)
            .last_ack_progress()
            .map(|mark| (mark.frame, mark.from)),
        Some((6, Server))
    );
    assert_eq!(wire.side(Client).retransmitted, 0);
}

#[test]
fn sequence_numbers_wrap() {
    let mut wire = Wire::open();
    let stream: Vec<u8> = (0..200).collect();
    for (place, part) in stream.chunks(30).enumerate() {
        wire.send(Client, bytes(place as i64 * 30, 0, part));
    }
    wire.send(Server, packet(ACK, 0, 200));
    assert_eq!(wire.data(Client), stream);
    assert_eq!(wire.side(Client).acked, 200);
}

#[test]
fn data_in_the_syn_is_the_beginning_of_the_stream() {
    let mut wire = Wire::new();
    wire.send(
        Client,
        Packet {
            payload: b"early",
            ..packet(SYN, -1, 0)
        },
    );
    wire.send(Server, packet(SYN | ACK, -1, 5));
    wire.send(Client, bytes(5, 0, b" data"));
    assert_eq!(wire.data(Client), b"early data");
    assert!(wire.tcp.facts().established());
}

#[test]
fn a_repeated_syn_is_counted_and_changes_nothing() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(Server, packet(SYN | ACK, -1, 0));
    wire.send(Client, bytes(0, 0, b"x"));
    assert_eq!((wire.side(Client).syn_count, wire.side(Client).retransmitted), (2, 0));
    assert_eq!(wire.side(Client).syn().map(|mark| mark.frame), Some(1));
    assert_eq!(wire.tcp.facts().round_trip_ms(Server), None);
    assert_eq!(wire.tcp.facts().rtt_ms(), Some(20.0));
}

#[test]
fn another_syn_ack_before_any_data_counts() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(Server, packet(SYN | ACK, 99_999, 0));
    wire.send(Server, packet(SYN | ACK, -1, 0));
    wire.send(Client, packet(ACK, 0, 0));
    wire.send(Server, bytes(0, 0, b"hi"));
    assert_eq!(wire.data(Server), b"hi");
    assert_eq!(wire.side(Server).acked, 0);
}

#[test]
fn a_syn_with_another_number_is_another_connection() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"x"));
    assert!(wire.tcp.is_reopened_by(&wire.make(Client, &packet(SYN, 40_000, 0))));
    assert!(!wire.tcp.is_reopened_by(&wire.make(Client, &packet(SYN, -1, 0))));
    wire.send(Client, packet(SYN, 40_000, 0));
    assert_eq!((wire.side(Client).ignored, wire.side(Client).syn_count), (1, 1));
}

#[test]
fn the_syn_ack_tells_where_the_client_begins() {
    let mut wire = Wire::new();
    wire.send(Server, packet(SYN | ACK, -1, 0));
    wire.send(Client, bytes(3, 0, b"def"));
    wire.send(Client, bytes(0, 0, b"abc"));
    assert_eq!(wire.data(Client), b"abcdef");
    assert!(!wire.tcp.facts().started_midway());
}

#[test]
fn the_client_s_first_ack_tells_where_the_server_begins() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(Client, packet(ACK, 0, 0));
    wire.send(Server, bytes(3, 0, b"def"));
    wire.send(Server, bytes(0, 0, b"abc"));
    assert_eq!(wire.data(Server), b"abcdef");
}

#[test]
fn midway_a_side_begins_with_its_first_packet() {
    let mut wire = Wire::new();
    wire.send(Client, bytes(1_000, 5_000, b"abc"));
    wire.send(Server, bytes(4_900, 1_003, b"xyz"));
    wire.send(Server, bytes(4_903, 1_003, b"!"));
    wire.send(Client, bytes(900, 5_000, b"long ago"));
    assert_eq!((wire.data(Client), wire.data(Server)), (&b"abc"[..], &b"xyz!"[..]));
    assert!(wire.tcp.facts().started_midway());
    assert_eq!((wire.side(Client).ignored, wire.side(Client).acked), (1, 3));
    wire.finish();
    assert_eq!(wire.record.gaps, [(Server, 4, 96, GapCause::CaptureLoss, 4)]);
}

#[test]
fn midway_a_keep_alive_leaves_no_hole() {
    let mut wire = Wire::new();
    wire.send(Client, packet(ACK, 999, 0));
    wire.send(Client, bytes(1_000, 0, b"abc"));
    assert_eq!(wire.data(Client), b"abc");
}

#[test]
fn midway_an_empty_packet_tells_that_data_are_missing() {
    let mut wire = Wire::new();
    wire.send(Client, packet(ACK, 0, 0));
    wire.send(Client, bytes(3, 0, b"def"));
    assert_eq!(wire.data(Client), b"");
    wire.send(Client, bytes(0, 0, b"abc"));
    assert_eq!(wire.data(Client), b"abcdef");
}

#[test]
fn segments_out_of_reach_are_ignored() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"abc"));
    wire.send(Client, bytes(3 + (1 << 30) + 1, 0, b"far"));
    wire.send(Client, bytes(-10, 0, b"before"));
    wire.finish();
    assert_eq!(wire.data(Client), b"abc");
    assert_eq!((wire.side(Client).ignored, wire.side(Client).sent_to), (2, 3));
    assert_eq!(wire.record.gaps, []);
}

#[test]
fn of_a_segment_across_the_beginning_the_rest_counts() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(-2, 0, b"xxabc"));
    assert_eq!(wire.data(Client), b"abc");
}

#[test]
fn a_hole_the_peer_acknowledged_was_lost_by_the_capture() {
    let mut wire = Wire::open();
    wire.send(Server, bytes(100, 0, b"a"));
    wire.send(Client, packet(ACK, 0, 101));
    for at in 101..104 {
        wire.send(Server, bytes(at, 0, b"b"));
    }
    assert_eq!(wire.data(Server), b"abbb");
    assert_eq!(wire.record.gaps, [(Server, 0, 100, GapCause::CaptureLoss, 4)]);
    let tally = wire.tcp.facts().gaps();
    assert_eq!((tally.count, tally.bytes), (1, 100));
    assert_eq!(wire.side(Server).payload_bytes, 104);
}

#[test]
fn a_hole_nobody_acknowledged_is_the_network_s() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(1_400, 0, b"tail"));
    wire.send(Server, packet(ACK, 0, 0));
    wire.finish();
    assert_eq!(wire.record.gaps, [(Client, 0, 1_400, GapCause::NetworkLoss, 4)]);
    assert_eq!(wire.side(Client).sent_to, 1_404);
}

#[test]
fn what_is_only_acknowledged_is_a_gap_at_the_end() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"abc"));
    wire.send(Server, packet(ACK, 0, 50));
    wire.finish();
    wire.finish();
    assert_eq!(wire.record.gaps, [(Client, 3, 47, GapCause::CaptureLoss, 5)]);
    assert_eq!(wire.side(Client).payload_bytes, 50);
}

#[test]
fn an_acknowledged_fin_that_was_not_captured_is_no_gap() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"abc"));
    wire.send(Server, packet(ACK, 0, 4));
    wire.finish();
    assert_eq!(wire.record.gaps, []);
}

#[test]
fn cut_packets_are_gaps_of_the_snapshot_length() {
    let mut wire = Wire::open();
    wire.send(
        Client,
        Packet {
            cut: 95,
            ..bytes(0, 0, b"start")
        },
    );
    wire.send(Client, bytes(100, 0, b"more"));
    assert_eq!(wire.data(Client), b"startmore");
    assert_eq!(wire.record.gaps, [(Client, 5, 95, GapCause::Snaplen, 4)]);
    assert_eq!(wire.record.spans.last().map(|span| span.at), Some(100));
}

/// Bytes from the beginning of a stream among which all copies are compared.
const WATCHED: u64 = 1_024;

/// What a receiver has that keeps the first copy of each byte: bytes by offset, and where a segment differed from them.
#[derive(Default)]
struct Model {
    bytes: std::collections::BTreeMap<u64, u8>,
    differing: u32,
}

impl Model {
    fn take(&mut self, at: u64, payload: &[u8]) {
        let mut differs = false;
        for (offset, byte) in (at..).zip(payload) {
            differs |= self.bytes.entry(offset).or_insert(*byte) != byte;
        }
        self.differing += u32::from(differs);
    }

    /// Offset of the first byte that is not there.
    fn next(&self) -> u64 {
        (0..).find(|at| !self.bytes.contains_key(at)).unwrap_or_default()
    }

    fn end(&self) -> u64 {
        self.bytes.last_key_value().map_or(0, |(at, _)| at + 1)
    }
}

proptest! {
    #[test]
    fn both_streams_are_what_a_receiver_of_first_copies_has(
        // Who sends which bytes, with which of two contents, and whether the other then acknowledges what it has.
        segments in prop::collection::vec((any::<bool>(), 0_u64..1_500, 2_usize..400, prop::bool::weighted(0.1), any::<bool>()), 0..80),
        acknowledged_at_the_end in any::<bool>(),
    ) {
        let mut wire = Wire::open();
        let mut models = [Model::default(), Model::default()];
        for (client, at, len, other, acknowledges) in segments {
            let from = if client { Client } else { Server };
            let payload: Vec<u8> = (at..).take(len).map(|at| ((at * 31) >> 2) as u8 ^ u8::from(other)).collect();
            let acked = models[from.peer().index()].next();
            wire.send(from, bytes(at as i64, acked as i64, &payload));
            models[from.index()].take(at, &payload);
            if acknowledges {
                let (sent, acked) = (models[from.peer().index()].end(), models[from.index()].next());
                wire.send(from.peer(), packet(ACK, sent as i64, acked as i64));
            }
        }
        let [client, server] = &models;
        if acknowledged_at_the_end {
            wire.send(Server, packet(ACK, server.end() as i64, client.end() as i64));
            wire.send(Client, packet(ACK, client.end() as i64, server.end() as i64));
        }
        wire.finish();
        for side in [Client, Server] {
            let model = &models[side.index()];
            let bytes: Vec<u8> = model.bytes.values().copied().collect();
            prop_assert_eq!(wire.data(side), &bytes[..]);
            // The gaps are what is missing, no more and no less.
            let gaps: Vec<u64> = wire.record.gaps.iter().filter(|gap| gap.0 == side).flat_map(|gap| gap.1..gap.1 + gap.2).collect();
            let missing: Vec<u64> = (0..model.end()).filter(|at| !model.bytes.contains_key(at)).collect();
            prop_assert_eq!(gaps, missing);
            let contradictions = wire.side(side).contradiction().map_or(0, |found| found.count);
            prop_assert!(contradictions <= model.differing);
            // Copies of what was handed on are compared in the beginning only.
            prop_assert!(contradictions == model.differing || model.end() > WATCHED);
            let lost: u64 = wire.record.gaps.iter().filter(|gap| gap.0 == side && gap.3 == GapCause::NetworkLoss).map(|gap| gap.2).sum();
            prop_assert_eq!(wire.side(side).lost_on_the_way(), lost);
            prop_assert!(!acknowledged_at_the_end || lost == 0);
        }
    }

    #[test]
    fn any_order_and_repetition_of_segments_gives_the_stream(
        len in 1_usize..3_000,
        // Smaller ones could be more than may wait.
        size in 3_usize..700,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let stream: Vec<u8> = (0..len).map(|at| ((at * 31) >> 2) as u8).collect();
        let mut parts: Vec<(usize, &[u8])> = stream.chunks(size).enumerate().collect();
        let repeated: Vec<_> = picks.iter().map(|pick| parts[pick.index(parts.len())]).collect();
        parts.extend(repeated);
        for (place, pick) in picks.iter().enumerate() {
            let (place, other) = (place % parts.len(), pick.index(parts.len()));
            parts.swap(place, other);
        }
        let mut wire = Wire::open();
        for (place, part) in parts {
            wire.send(Client, bytes((place * size) as i64, 0, part));
        }
        wire.finish();
        prop_assert_eq!(wire.data(Client), &stream[..]);
        prop_assert_eq!(&wire.record.gaps, &[]);
        prop_assert_eq!(wire.side(Client).sent_to, len as u64);
    }

    #[test]
    fn no_packet_breaks_anything(
        packets in prop::collection::vec(
            (any::<bool>(), 0_u8..32, any::<i32>(), any::<i32>(), 0_usize..50, 0_u32..50, any::<bool>()),
            0..60,
        ),
    ) {
        let mut wire = Wire::new();
        for (client, flags, seq, ack, len, cut, near) in packets {
            let from = if client { Client } else { Server };
            let shrink = |number: i32| i64::from(if near { number % 200 } else { number });
            let payload = vec![7; len];
            wire.send(from, Packet { flags, cut, ..bytes(shrink(seq), shrink(ack), &payload) });
        }
        wire.finish();
        let mut next = [0_u64; 2];
        let mut pieces: Vec<(Side, u64, u64)> = wire.record.spans.iter().map(|span| (span.from(), span.at, u64::from(span.len))).collect();
        pieces.extend(wire.record.gaps.iter().map(|gap| (gap.0, gap.1, gap.2)));
        pieces.sort_by_key(|piece| (piece.0, piece.1));
        for (side, at, len) in pieces {
            prop_assert_eq!(at, next[side.index()]);
            next[side.index()] += len;
        }
    }
}
