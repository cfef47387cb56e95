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
    wire.millis -= 15;
    wire.send(Client, hello);
    let other = Packet { seq: 5, ..hello };
    wire.send(Client, other);
    wire.millis -= 20;
    wire.send(Client, other);
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
    assert_eq!((reset.ttl, reset.believed, reset.has_ack), (50, false, false));
    wire.send(
        Server,
        Packet {
            ttl: 51,
            ..packet(RST | ACK, 0, 5)
        },
    );
    let reset = wire.side(Server).first_rst().unwrap();
    assert_eq!((reset.ttl, reset.believed, reset.has_ack), (51, true, true));
    assert_eq!((wire.side(Server).rst_count, wire.side(Server).ttl), (2, Some(64)));
}

#[test]
fn a_side_that_goes_on_after_its_reset_is_told() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, packet(RST, 0, 0));
    wire.send(Server, packet(RST, 0, 0));
    assert_eq!(wire.side(Server).first_rst().unwrap().went_on, None);
    wire.send(Server, bytes(0, 5, b"answer"));
    assert!(wire.side(Server).first_rst().unwrap().went_on.is_some());
    assert_eq!(wire.data(Server), b"answer");
}

/// The IP and ICMP header of an error by 10.0.0.254.
fn icmp(kind: u8, code: u8) -> Vec<u8> {
    let mut error = vec![0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 254, 10, 0, 0, 1];
    error.extend([kind, code, 0, 0, 0, 0, 5, 0x78]);
    error
}

#[test]
fn an_icmp_error_counts_where_its_segment_is_on_its_way() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    let syn = wire.make(Client, &packet(SYN, -1, 0));
    wire.tcp.quoted(&syn, &icmp(3, 1));
    wire.tcp.quoted(&syn, &icmp(3, 1));
    let told = wire.side(Client).undelivered().unwrap();
    assert_eq!((told.mark.frame, told.error.code, told.times), (1, 1, 2));
    // It is no packet of either side.
    assert_eq!(wire.side(Client).packets, 1);
}

#[test]
fn an_icmp_error_about_what_arrived_or_was_never_sent_is_late_or_forged() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, packet(ACK, 0, 5));
    for at in [-1, 0, 6, 90_000] {
        let quoted = wire.make(Client, &packet(ACK, at, 0));
        wire.tcp.quoted(&quoted, &icmp(3, 1));
    }
    assert_eq!(wire.side(Client).undelivered(), None);
    let next = wire.make(Client, &packet(ACK, 5, 0));
    wire.tcp.quoted(&next, &icmp(3, 4));
    assert_eq!(wire.side(Client).undelivered(), None);
    assert_eq!(wire.side(Client).too_big().map(|told| told.error.mtu), Some(1_400));
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

/// A connection whose SYNs announce a window scale of 8: a window of 500 is one of 128,000.
#[test]
fn sides_can_be_turned_round_before_anything_is_said() {
    let mut wire = Wire::open();
    let to_server = wire.tcp.facts().round_trip_ms(Server);
    wire.tcp.turn_round();
    assert_eq!(wire.tcp.facts().opener(), Server);
    assert!(wire.tcp.facts().established());
    assert_eq!(wire.tcp.facts().round_trip_ms(Client), to_server);
    let first = wire.tcp.facts().first_packet().unwrap();
    assert_eq!((first.frame, first.from), (1, Server));
    assert_eq!(
        wire.side(Client).syn().map(|syn| (syn.frame, syn.from)),
        Some((2, Client))
    );
}

fn scaled() -> Wire {
    let mut wire = Wire::new();
    for (from, flags) in [(Client, SYN), (Server, SYN | ACK)] {
        wire.send(
            from,
            Packet {
                window_scale: Some(8),
                ..packet(flags, -1, 0)
            },
        );
    }
    wire.send(Client, packet(ACK, 0, 0));
    wire
}

fn reset(seq: i64) -> Packet<'static> {
    Packet {
        ttl: 50,
        ..packet(RST, seq, 5)
    }
}

#[test]
fn a_copy_may_come_by_a_clock_that_is_behind() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.millis -= 25;
    wire.send(
        Client,
        Packet {
            ip_id: Some(4),
            ttl: 63,
            ..bytes(0, 0, b"hello")
        },
    );
    assert_eq!((wire.side(Client).duplicates, wire.side(Client).retransmitted), (1, 0));
}

#[test]
fn copies_may_come_behind_a_whole_flight() {
    let mut wire = Wire::open();
    let segment = |place: u16| Packet {
        ip_id: Some(100 + place),
        ..bytes(i64::from(place) * 10, 0, b"0123456789")
    };
    let begin = wire.millis;
    for place in (0..12).chain(0..12) {
        wire.millis = begin;
        wire.send(Server, segment(place));
    }
    assert_eq!((wire.side(Server).duplicates, wire.side(Server).retransmitted), (12, 0));
}

#[test]
fn a_second_syn_within_milliseconds_shows_that_the_connection_is_captured_twice() {
    let mut wire = Wire::new();
    let without_id = |packet| Packet {
        ip_id: Some(0),
        ..packet
    };
    for packet in [packet(SYN, -1, 0), bytes(0, 0, b"hello")] {
        wire.send(Client, without_id(packet));
        wire.millis -= 15;
        wire.send(Client, without_id(packet));
    }
    let side = wire.side(Client);
    assert_eq!((side.duplicates, side.retransmitted, side.syn_count), (2, 0, 1));
}

#[test]
fn a_reset_in_the_window_closes_only_if_nobody_goes_on() {
    let mut wire = scaled();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, reset(1_460));
    assert!(!wire.tcp.is_closed());
    assert!(wire.side(Server).first_rst().unwrap().believed);
    wire.send(Server, packet(ACK, 0, 5));
    assert!(!wire.side(Server).first_rst().unwrap().believed);
    assert_eq!(wire.tcp.facts().first_ending(), None);
}

#[test]
fn the_window_is_scaled_where_both_syns_say_so() {
    let mut wire = scaled();
    wire.send(Server, reset(128_000));
    assert!(wire.side(Server).first_rst().unwrap().believed);
    let mut wire = scaled();
    wire.send(Server, reset(128_001));
    assert!(!wire.side(Server).first_rst().unwrap().believed);
    let mut wire = Wire::open();
    wire.send(Server, reset(65_536));
    assert!(!wire.side(Server).first_rst().unwrap().believed);
}

#[test]
fn a_reset_with_data_in_flight_is_believed() {
    let mut wire = scaled();
    wire.send(Server, bytes(0, 0, b"first"));
    wire.send(Server, bytes(5, 0, b"second"));
    wire.send(Client, packet(ACK, 0, 5));
    wire.send(Server, reset(11));
    wire.send(Client, packet(ACK, 0, 11));
    assert!(wire.tcp.is_closed());
}

#[test]
fn a_reset_is_refuted_by_the_acknowledgement_of_what_came_after_it() {
    let mut wire = scaled();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, reset(0));
    assert!(wire.tcp.is_closed());
    wire.send(Server, bytes(0, 5, b"answer"));
    assert!(wire.tcp.is_closed() && wire.side(Server).first_rst().unwrap().went_on.is_some());
    wire.send(Client, packet(ACK, 5, 6));
    assert!(!wire.tcp.is_closed());
    assert_eq!(wire.tcp.facts().first_ending(), None);
    // Another that is believed takes its place.
    wire.send(Server, reset(6));
    assert_eq!(wire.tcp.facts().first_ending().map(|ending| ending.mark.frame), Some(8));
}

#[test]
fn the_text_of_a_reset_is_kept_and_is_no_payload() {
    let mut wire = scaled();
    wire.send(
        Server,
        Packet {
            payload: b"no such pool",
            ..reset(0)
        },
    );
    assert_eq!(wire.side(Server).rst_words().unwrap().to_string(), "\"no such pool\"");
    assert_eq!((wire.data(Server), wire.side(Server).sent_to), (&b""[..], 0));
}

#[test]
fn behind_a_fin_nothing_comes() {
    let mut wire = Wire::open();
    wire.send(
        Client,
        Packet {
            flags: FIN | ACK,
            ..bytes(0, 0, b"bye")
        },
    );
    wire.send(Client, bytes(3, 0, b"more"));
    wire.send(Client, bytes(4, 0, b"more"));
    wire.send(Client, bytes(1, 0, b"ye, and more"));
    wire.finish();
    assert_eq!((wire.data(Client), wire.side(Client).ignored), (&b"bye"[..], 2));
    assert_eq!(wire.record.gaps, []);
}

#[test]
fn a_fin_behind_which_the_peer_took_bytes_was_none() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Client, packet(FIN | ACK, 5, 0));
    wire.send(Server, packet(ACK, 0, 50));
    assert_eq!(wire.tcp.facts().first_ending(), None);
    assert!(!wire.side(Client).fin_acked);
}

#[test]
fn a_fin_among_bytes_that_were_sent_is_none() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Client, packet(FIN | ACK, 2, 0));
    wire.send(Client, bytes(5, 0, b" world"));
    assert_eq!(wire.tcp.facts().first_ending(), None);
    assert_eq!(wire.data(Client), b"hello world");
}

/// Open, some data, closed by both.
fn closed() -> Wire {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, packet(FIN | ACK, 0, 5));
    wire.send(Client, packet(FIN | ACK, 5, 1));
    wire.send(Server, packet(ACK, 1, 6));
    assert!(wire.tcp.is_closed());
    wire
}

#[test]
fn after_the_end_a_syn_with_the_same_number_opens_another_connection() {
    let wire = closed();
    let again = Wire {
        millis: wire.millis + 500,
        ..wire
    };
    assert!(again.tcp.is_reopened_by(&again.make(Client, &packet(SYN, -1, 0))));
    let open = Wire::open();
    assert!(!open.tcp.is_reopened_by(&open.make(Client, &packet(SYN, -1, 0))));
}

#[test]
fn a_refused_syn_that_is_tried_again_is_the_same_connection() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    wire.send(Server, packet(RST | ACK, -7_001, 0));
    wire.millis += 500;
    assert!(wire.tcp.is_closed());
    assert!(!wire.tcp.is_reopened_by(&wire.make(Client, &packet(SYN, -1, 0))));
}

#[test]
fn after_the_end_numbers_that_do_not_fit_open_another_connection() {
    let wire = closed();
    let reopens = |from, packet: &Packet<'_>| wire.tcp.is_reopened_by(&wire.make(from, packet));
    assert!(reopens(Server, &packet(SYN | ACK, 400_000, 900_000)));
    assert!(reopens(Client, &bytes(-9_000_000, 0, b"x")));
    assert!(!reopens(Client, &bytes(0, 0, b"hello")));
    assert!(!reopens(Client, &packet(ACK, 7_000_000, 0)));
    assert!(!reopens(Client, &packet(RST, 7_000_000, 0)));
    let open = Wire::open();
    assert!(
        !open
            .tcp
            .is_reopened_by(&open.make(Server, &packet(SYN | ACK, 400_000, 900_000)))
    );
}

#[test]
fn syns_of_both_sides_are_one_connection() {
    let mut wire = Wire::new();
    wire.send(Client, packet(SYN, -1, 0));
    let crossing = packet(SYN, -1, 0);
    assert!(!wire.tcp.is_reopened_by(&wire.make(Server, &crossing)));
    wire.send(Server, crossing);
    wire.send(Client, packet(SYN | ACK, -1, 0));
    wire.send(Server, packet(SYN | ACK, -1, 0));
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, bytes(0, 5, b"answer"));
    assert!(wire.tcp.facts().established());
    assert_eq!((wire.data(Client), wire.data(Server)), (&b"hello"[..], &b"answer"[..]));
}

#[test]
fn copies_that_differ_are_told_and_the_first_counts() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"GET /good"));
    wire.send(Client, bytes(0, 0, b"GET /evil"));
    wire.send(Client, bytes(5, 0, b"evil and more"));
    let found = wire.side(Client).contradiction().unwrap();
    assert_eq!((found.at, found.len, found.count), (5, 4, 2));
    assert_eq!((found.first_frame, found.second.frame), (Some(4), 5));
    assert_eq!(wire.data(Client), b"GET /good and more");
}

#[test]
fn a_copy_by_its_header_may_differ_too() {
    let mut wire = Wire::open();
    let first = Packet {
        ip_id: Some(9),
        ..bytes(0, 0, b"good")
    };
    wire.send(Client, first);
    wire.millis -= 20;
    wire.send(
        Client,
        Packet {
            payload: b"gold",
            ..first
        },
    );
    assert_eq!(wire.side(Client).duplicates, 1);
    assert_eq!(
        wire.side(Client).contradiction().map(|found| (found.at, found.len)),
        Some((2, 1))
    );
}

#[test]
fn what_waits_is_compared_as_well() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(5, 0, b"world"));
    wire.send(Client, bytes(3, 0, b"..wOrlD!"));
    let found = wire.side(Client).contradiction().unwrap();
    assert_eq!((found.at, found.len, found.first_frame), (6, 4, Some(4)));
    wire.send(Client, bytes(0, 0, b"a, "));
    assert_eq!(wire.data(Client), b"a, ..world!");
}

#[test]
fn copies_with_other_boundaries_and_probes_contradict_nobody() {
    let mut wire = Wire::open();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Client, bytes(3, 0, b"lo world"));
    wire.send(Client, bytes(0, 0, b"hello world"));
    wire.send(Client, bytes(10, 0, b"\0"));
    wire.send(Server, packet(ACK, 0, 11));
    wire.send(Client, bytes(10, 0, b"\0"));
    assert_eq!(wire.side(Client).contradiction(), None);
    assert_eq!(wire.data(Client), b"hello world");
}

#[test]
fn urgent_data_stay_in_the_stream_and_are_told() {
    let mut wire = Wire::open();
    wire.send(
        Client,
        Packet {
            flags: 0x20 | ACK,
            ..bytes(0, 0, b"hello!")
        },
    );
    assert_eq!(wire.side(Client).urgent().map(|mark| mark.frame), Some(4));
    assert_eq!((wire.data(Client), wire.side(Server).urgent()), (&b"hello!"[..], None));
}

#[test]
fn a_gap_that_the_peer_acknowledged_is_the_captures() {
    let mut wire = Wire::open();
    wire.send(Server, bytes(100, 0, b"tail"));
    wire.tcp.give_up_holes(&mut wire.record);
    assert_eq!(wire.side(Server).lost_on_the_way(), 100);
    // The acknowledgement comes when the hole has been given up.
    wire.send(Client, packet(ACK, 0, 50));
    assert_eq!(wire.side(Server).lost_on_the_way(), 100);
    wire.send(Client, packet(ACK, 0, 104));
    assert_eq!(wire.side(Server).lost_on_the_way(), 0);
}

#[test]
fn what_waits_can_be_given_up_at_once() {
    let mut wire = Wire::open();
    assert_eq!(wire.tcp.held_bytes(), 2 * 64);
    wire.send(Client, bytes(10, 0, &[7; 9_000]));
    assert!(wire.tcp.held_bytes() > 9_000);
    wire.tcp.give_up_holes(&mut wire.record);
    assert_eq!(wire.tcp.held_bytes(), 2 * 64);
    wire.send(Server, bytes(5, 0, b"xyz"));
    wire.tcp.give_up_holes(&mut wire.record);
    assert_eq!((wire.data(Client), wire.data(Server)), (&[7; 9_000][..], &b"xyz"[..]));
    let gaps = [
        (Client, 0, 10, GapCause::NetworkLoss, 4),
        (Server, 0, 5, GapCause::NetworkLoss, 5),
    ];
    assert_eq!(wire.record.gaps, gaps);
    wire.send(Client, bytes(9_010, 5, b"d"));
    assert_eq!(wire.data(Client).last(), Some(&b'd'));
}

#[test]
fn bytes_that_no_window_reaches_are_ignored() {
    let mut wire = scaled();
    wire.send(Client, bytes(0, 0, b"hello"));
    wire.send(Server, packet(ACK, 0, 5));
    wire.send(Client, bytes(40_000_000, 0, b"far"));
    wire.send(Client, bytes(5, 0, b" world"));
    wire.finish();
    assert_eq!((wire.data(Client), wire.side(Client).ignored), (&b"hello world"[..], 1));
    assert_eq!(wire.record.gaps, []);
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

#[test]
fn a_fin_stands_where_the_stream_reaches_it() {
    let mut wire = Wire::open();
    wire.send(Client, packet(FIN | ACK, 5, 0));
    wire.send(Client, bytes(0, 0, b"hello"));
    assert_eq!(wire.data(Client), b"hello");
    assert_eq!(wire.side(Client).first_fin().map(|fin| fin.frame), Some(5));
    // What is sent again moves nothing.
    wire.send(Client, bytes(0, 0, b"hello"));
    assert_eq!(wire.side(Client).first_fin().map(|fin| fin.frame), Some(5));
}
