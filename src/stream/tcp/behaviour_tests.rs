//! What is written down of a connection's behaviour.

use Side::{Client, Server};

use super::super::facts::EndingKind;
use super::wire::{ACK, FIN, Packet, RST, SYN, Wire, bytes, packet};
use super::*;

#[test]
fn a_packet_captured_twice_is_a_duplicate() {
    let mut wire = Wire::open();
    let hello = Packet {
        ip_id: Some(77),
        ..bytes(0, 0, b"hello")
    };
    wire.send(Client, hello);
    wire.millis -= 19;
    wire.send(Client, Packet { ttl: 63, ..hello });
    assert_eq!((wire.side(Client).duplicates, wire.side(Client).retransmitted), (1, 0));
    wire.send(Client, hello);
    assert_eq!((wire.side(Client).duplicates, wire.side(Client).retransmitted), (1, 1));
    assert_eq!(wire.side(Client).packets, 4);
}

#[test]
fn a_packet_sent_twice_is_a_retransmission() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.millis -= 19;
    wire.send(Client, bytes(0, 0, b"hello"));
    assert_eq!((wire.side(Client).duplicates, wire.side(Client).retransmitted), (0, 1));
}

#[test]
fn without_identification_only_an_immediate_copy_is_a_duplicate() {
    let mut wire = Wire::open();
    let hello = Packet {
        ip_id: Some(0),
        ..bytes(0, 0, b"hello")
    };
    wire.send(Client, hello);
    wire.millis -= 20;
    wire.send(Client, hello);
    wire.millis -= 15;
    wire.send(Client, hello);
    assert_eq!((wire.side(Client).duplicates, wire.side(Client).retransmitted), (1, 1));
}

#[test]
fn a_full_segment_that_never_arrives_is_told() {
    let mut wire = Wire::open();
    let (head, tail) = ([1; 1_400], [2; 300]);
    wire.send(Client, bytes(0, 0, &head));
    wire.send(Client, bytes(1_400, 0, &tail));
    for _ in 0..3 {
        wire.send(Client, bytes(0, 0, &head));
    }
    let kept = wire.side(Client).unacked_retransmission().unwrap();
    assert_eq!((kept.offset, kept.len, kept.times, kept.full_size), (0, 1_400, 3, true));
    assert_eq!((kept.first.frame, kept.last.frame), (6, 8));
    wire.send(Server, packet(ACK, 0, 1_400));
    assert_eq!(wire.side(Client).unacked_retransmission(), None);
}

#[test]
fn keep_alive_probes_are_not_retransmissions() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, packet(ACK, 0, 5));
    wire.send(Client, packet(ACK, 4, 0));
    wire.send(Client, bytes(4, 0, b"\0"));
    assert_eq!((wire.side(Client).keep_alives, wire.side(Client).retransmitted), (2, 0));
    assert_eq!(wire.data(Client), b"hello");
}

#[test]
fn a_repeated_single_byte_that_is_not_acknowledged_is_a_retransmission() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"x"));
    wire.send(Client, bytes(0, 0, b"x"));
    assert_eq!((wire.side(Client).keep_alives, wire.side(Client).retransmitted), (0, 1));
}

#[test]
fn zero_windows_are_counted() {
    let mut wire = Wire::open();
    wire.send(
        Server,
        Packet {
            window: 0,
            ..packet(ACK, 0, 0)
        },
    );
    assert_eq!((wire.side(Server).zero_windows, wire.side(Client).zero_windows), (1, 0));
}

#[test]
fn fins_of_both_sides_close_once_acknowledged() {
    let mut wire = Wire::open();
    wire.send(
        Client,
        Packet {
            flags: FIN | ACK,
            ..bytes(0, 0, b"bye")
        },
    );
    wire.send(Server, packet(FIN | ACK, 0, 4));
    assert!(wire.side(Client).fin_acked && !wire.tcp.is_closed());
    wire.send(Client, packet(ACK, 4, 1));
    assert!(wire.tcp.is_closed());
    wire.finish();
    assert_eq!(wire.data(Client), b"bye");
    assert_eq!(wire.record.gaps, []);
    assert_eq!((wire.side(Client).acked, wire.side(Server).sent_to), (3, 0));
    let ending = wire.tcp.facts().first_ending().unwrap();
    assert_eq!(
        (ending.from, ending.kind, ending.mark.frame),
        (Client, EndingKind::Fin, 4)
    );
}

#[test]
fn a_repeated_fin_does_not_move_the_first() {
    let mut wire = Wire::open();
    wire.send(Server, packet(FIN | ACK, 0, 0));
    wire.send(Client, packet(FIN | ACK, 0, 1));
    wire.send(Server, packet(FIN | ACK, 0, 0));
    assert_eq!(wire.side(Server).first_fin().map(|mark| mark.frame), Some(4));
    assert_eq!(wire.side(Server).retransmitted, 1);
}

#[test]
fn a_refused_connection_is_told() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(
        Server,
        Packet {
            window: 0,
            ..packet(RST | ACK, -7_001, 0)
        },
    );
    let facts = wire.tcp.facts();
    assert_eq!(facts.refused().map(|mark| mark.frame), Some(2));
    assert!(wire.tcp.is_closed());
    assert_eq!((facts.one_sided(), facts.established()), (None, false));
}

#[test]
fn a_reset_that_does_not_acknowledge_the_syn_refuses_nothing() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(Server, packet(RST | ACK, 0, 12_345));
    assert_eq!(wire.tcp.facts().refused(), None);
    assert!(!wire.tcp.is_closed());
}

#[test]
fn a_reset_after_the_answer_is_no_refusal() {
    let mut wire = Wire::open();
    wire.send(Server, packet(RST, 0, 0));
    assert_eq!(wire.tcp.facts().refused(), None);
    let ending = wire.tcp.facts().first_ending().unwrap();
    assert_eq!((ending.from, ending.kind), (Server, EndingKind::Rst));
}

#[test]
fn a_reset_far_from_the_window_ends_nothing() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(
        Server,
        Packet {
            ttl: 50,
            ..packet(RST, 900_000, 5)
        },
    );
    assert!(!wire.tcp.is_closed());
    assert_eq!(wire.tcp.facts().first_ending(), None);
    let reset = wire.side(Server).first_rst().unwrap();
    assert_eq!((reset.ttl, reset.in_window, reset.has_ack), (50, false, false));
    wire.send(
        Server,
        Packet {
            ttl: 51,
            ..packet(RST | ACK, 0, 5)
        },
    );
    let reset = wire.side(Server).first_rst().unwrap();
    assert_eq!((reset.ttl, reset.in_window, reset.has_ack), (51, true, true));
    assert_eq!((wire.side(Server).rst_count, wire.side(Server).ttl), (2, Some(64)));
}

#[test]
fn a_side_that_goes_on_after_its_reset_is_told() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, packet(RST, 0, 0));
    wire.send(Server, packet(RST, 0, 0));
    assert!(!wire.side(Server).went_on_after_rst);
    wire.send(Server, bytes(0, 5, b"answer"));
    assert!(wire.side(Server).went_on_after_rst);
    assert_eq!(wire.data(Server), b"answer");
}

#[test]
fn a_capture_of_one_direction_is_told() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    assert_eq!(wire.tcp.facts().one_sided(), None);
    wire.send(Client, packet(ACK, 0, 0));
    assert_eq!(wire.tcp.facts().one_sided(), Some(Client));
    wire.send(Client, packet(ACK, 0, 3_000));
    wire.finish();
    assert_eq!(wire.side(Server).acked, 3_000);
    assert!(wire.side(Server).sent_payload());
    assert_eq!(wire.record.gaps, [(Server, 0, 3_000, GapCause::CaptureLoss, 3)]);
}

#[test]
fn a_capture_of_the_server_s_direction_is_told() {
    let mut wire = Wire::new();
    wire.send(Server, packet(SYN | ACK, -1, 0));
    assert_eq!(wire.tcp.facts().one_sided(), Some(Server));
}

#[test]
fn an_unanswered_client_is_not_one_sided() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(Client, packet(SYN, -1, 0));
    assert_eq!(wire.tcp.facts().one_sided(), None);
}

#[test]
fn the_longer_round_trip_is_the_connection_s() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    wire.millis += 30;
    wire.send(Server, packet(SYN | ACK, -1, 0));
    wire.send(Client, packet(ACK, 0, 0));
    let facts = wire.tcp.facts();
    assert_eq!(
        (facts.round_trip_ms(Server), facts.round_trip_ms(Client)),
        (Some(50.0), Some(20.0))
    );
    assert_eq!(facts.rtt_ms(), Some(50.0));
}

#[test]
fn an_older_connection_of_the_same_ports_does_not_end_the_new_one() {
    let mut wire = Wire::new();
    // The server still holds an older connection: it acknowledges that one, is told off with its own number, and takes the next SYN.
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(Server, packet(ACK, 90_000, 800_000));
    wire.send(Client, packet(RST, 800_000, 0));
    assert!(!wire.tcp.is_closed());
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(Server, packet(SYN | ACK, -1, 0));
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, bytes(0, 5, b"world"));
    assert_eq!((wire.data(Client), wire.data(Server)), (&b"hello"[..], &b"world"[..]));
    assert_eq!((wire.side(Client).acked, wire.record.gaps.len()), (5, 0));
}
