use std::net::Ipv4Addr;
use std::sync::Arc;

use super::super::Options;
use super::super::servers::Servers;
use super::*;
use crate::evidence::CaptureId;
use crate::net::{Encapsulations, Flags, FlowKey, Role};

const SYN: Flags = Flags(0x02);

fn harvest() -> Harvest {
    Harvest::new(
        CaptureId(0),
        Arc::default(),
        Arc::new(Servers::new()),
        &Options::default(),
    )
}

fn shard() -> Shard {
    Shard::new(harvest(), Limits::default())
}

/// A SYN from this port to one server.
pub(in crate::pipeline) fn syn(port: u16, frame: u64) -> Segment {
    let end = |last, port| (Ipv4Addr::new(10, 0, 0, last).into(), port);
    let (key, from_low) = FlowKey::new(end(1, port), end(2, 443));
    Segment {
        key,
        from_low,
        frame,
        time: None,
        seq: 1,
        ack: 0,
        flags: SYN,
        window: 1_024,
        payload_at: 0,
        payload_len: 0,
        payload_cut: 0,
        ttl: 64,
        ip_id: 0,
        mss: 1_460,
        window_scale: None,
        vlan: 0,
        told_by_device: false,
        encapsulations: Encapsulations::NONE,
        role: Role::Whole,
    }
}

#[test]
fn of_many_alike_the_same_are_kept_in_every_run() {
    let kept = || {
        let mut shard = shard();
        for port in 0..500 {
            shard.segment(&syn(1_024 + port, u64::from(port) + 1), &[]);
        }
        let harvest = shard.finish();
        assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 500);
        harvest
            .finished
            .iter()
            .map(|finished| finished.opened)
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(), (0..8).collect::<Vec<_>>());
    assert_eq!(kept(), kept());
}

/// A shard with room for few.
fn small(flows: usize, reassembly: usize) -> Shard {
    let mut limits = Limits::default();
    (limits.flows, limits.reassembly) = (flows, reassembly);
    Shard::new(harvest(), limits)
}

/// The connections that a flood left, each by its place among the conversations.
fn left(harvest: &Harvest) -> Vec<u32> {
    harvest.finished.iter().map(|finished| finished.opened).collect()
}

#[test]
fn a_flood_takes_no_more_than_its_share_and_every_flow_is_counted() {
    let mut shard = small(1 << 20, 64 << 10);
    for port in 0..5_000 {
        shard.segment(&syn(port, u64::from(port) + 1), &[]);
        assert!(!shard.followed.exceeds());
    }
    assert!(shard.reached().parked > 4_900 && shard.reached().judged_early == 0);
    let harvest = shard.finish();
    assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 5_000);
}

/// The answer to [`syn`].
pub(in crate::pipeline) fn syn_ack(port: u16, frame: u64) -> Segment {
    let call = syn(port, frame);
    Segment {
        from_low: !call.from_low,
        flags: Flags(0x12),
        seq: 900,
        ack: 2,
        ..call
    }
}

/// What acknowledges that.
fn ack(port: u16, frame: u64) -> Segment {
    Segment {
        flags: Flags(0x10),
        seq: 2,
        ack: 901,
        ..syn(port, frame)
    }
}

#[test]
fn packets_that_waited_are_part_of_the_connection() {
    let mut shard = shard();
    for segment in [syn(1, 1), syn_ack(1, 2), ack(1, 3), syn(2, 4), syn_ack(2, 5)] {
        shard.segment(&segment, &[]);
    }
    assert_eq!(shard.followed.open.places().count(), 1);
    let harvest = shard.finish();
    let told: Vec<_> = harvest
        .finished
        .iter()
        .map(|finished| {
            let tcp = &finished.observed.tcp;
            let [client, server] = &tcp.sides;
            (
                tcp.established(),
                client.packets,
                server.packets,
                client.syn_count,
                server.syn_count,
            )
        })
        .collect();
    assert_eq!(told, [(true, 2, 1, 1, 1), (false, 1, 1, 1, 1)]);
}

#[test]
fn what_does_not_answer_a_call_makes_it_a_connection() {
    let mut shard = shard();
    let answers = [
        Segment {
            ack: 7,
            ..syn_ack(1, 2)
        },
        Segment {
            from_low: syn(2, 4).from_low,
            ..syn_ack(2, 4)
        },
        Segment {
            flags: Flags(0x14),
            ..syn_ack(3, 6)
        },
        Segment {
            payload_cut: 10,
            ..syn_ack(4, 8)
        },
    ];
    for (answer, port) in answers.iter().zip(1..) {
        shard.segment(&syn(port, answer.frame - 1), &[]);
        shard.segment(answer, &[]);
    }
    assert_eq!(shard.followed.open.places().count(), 4);
}

#[test]
fn of_a_flood_of_calls_those_that_were_answered_stay() {
    let mut shard = small(1 << 20, 64 << 10);
    shard.segment(&syn(1, 1), &[]);
    shard.segment(&syn_ack(1, 2), &[]);
    for port in 1_000..3_000 {
        shard.segment(&syn(port, u64::from(port)), &[]);
    }
    shard.segment(&ack(1, 3_000), &[]);
    let harvest = shard.finish();
    let one = harvest.finished.iter().find(|finished| finished.opened == 0).unwrap();
    assert!(one.observed.tcp.established());
}

#[test]
fn of_a_flood_of_answered_calls_those_that_wait_for_an_answer_stay() {
    let mut shard = small(1 << 20, 64 << 10);
    shard.segment(&syn(1, 1), &[]);
    for port in 1_000..3_000 {
        shard.segment(&syn(port, u64::from(port)), &[]);
        shard.segment(&syn_ack(port, u64::from(port)), &[]);
    }
    shard.segment(&syn_ack(1, 3_000), &[]);
    shard.segment(&ack(1, 3_001), &[]);
    let harvest = shard.finish();
    let one = harvest.finished.iter().find(|finished| finished.opened == 0).unwrap();
    assert!(one.observed.tcp.established());
    assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 2_001);
}

#[test]
fn a_flood_of_connections_that_say_nothing_takes_no_more_than_its_share() {
    let mut shard = small(1 << 20, 64 << 10);
    for port in 1..2_000 {
        for segment in [syn(port, 1), syn_ack(port, 2), ack(port, 3)] {
            shard.segment(&segment, &[]);
        }
        assert!(!shard.followed.exceeds());
    }
    let harvest = shard.finish();
    assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 1_999);
}

#[test]
fn a_parked_flow_is_taken_up_again_where_it_goes_on() {
    let mut shard = small(1 << 20, 64 << 10);
    let data = |port, frame| Segment {
        flags: Flags(0x10),
        seq: 2,
        payload_len: 18,
        ..syn(port, frame)
    };
    for port in 0..1_000 {
        shard.segment(&syn(port, u64::from(port) + 1), &[]);
    }
    // Its acknowledgement alone is none of what matters.
    let acknowledges = Segment {
        payload_len: 0,
        ..data(3, 1_001)
    };
    shard.segment(&acknowledges, &[]);
    shard.segment(&data(3, 1_002), b"GET / HTTP/1.1\r\n\r\n");
    // A SYN that comes again is a repetition, though the first one was given up.
    shard.segment(&syn(5, 1_003), &[]);
    let harvest = shard.finish();
    assert!(left(&harvest).contains(&3) && left(&harvest).contains(&5));
    let again = harvest.finished.iter().find(|finished| finished.opened == 5).unwrap();
    assert_eq!(again.observed.tcp.side(crate::evidence::Side::Client).syn_count, 2);
    assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 1_000);
}

#[test]
fn who_calls_again_is_not_of_the_flood() {
    let mut shard = small(1 << 20, 64 << 10);
    shard.segment(&syn(1, 1), &[]);
    shard.segment(&syn(1, 2), &[]);
    for port in 1_000..3_000 {
        shard.segment(&syn(port, u64::from(port)), &[]);
    }
    assert!(left(&shard.finish()).contains(&0));
}

#[test]
fn what_was_parked_is_counted_though_it_is_forgotten() {
    let mut shard = small(100, 64 << 10);
    for port in 0..1_000 {
        shard.segment(&syn(port, u64::from(port) + 1), &[]);
    }
    assert_eq!(shard.reached().flows, Some(101));
    let harvest = shard.finish();
    assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 1_000);
}

#[test]
fn past_the_limit_on_flows_nothing_is_numbered() {
    let mut shard = small(4, 1 << 20);
    for port in 0..4 {
        shard.segment(&syn(port, u64::from(port) + 1), &[]);
    }
    assert_eq!(shard.reached().flows, None);
    // All four wait for an answer: those that called first are given up.
    shard.segment(&syn(9, 5), &[]);
    assert_eq!(shard.reached().parked, 2);
    assert_eq!(
        (shard.reached().flows, shard.openings()),
        (Some(5), &[1, 2, 3, 4, 5][..])
    );
    (0..4).for_each(|number| shard.number(number));
    shard.numbered(Some(5));
    shard.segment(&syn(10, 6), &[]);
    assert!(shard.openings().is_empty());
    let streams: Vec<_> = shard.finish().numbered().iter().map(|seen| seen.stream).collect();
    assert_eq!(streams, [Some(2), Some(3), None, None]);
}

#[test]
fn a_quoted_header_alone_is_no_connection() {
    let mut shard = shard();
    let quote = Segment {
        role: Role::Quoted,
        ..syn(1_024, 1)
    };
    shard.segment(&quote, &[]);
    assert_eq!(shard.openings(), [1]);
    let harvest = shard.finish();
    assert_eq!((harvest.finished.len(), harvest.half_open.dropped), (0, 0));
}

#[test]
fn what_an_icmp_error_says_reaches_the_connection_that_it_quotes() {
    let mut shard = shard();
    shard.segment(&syn(1_024, 1), &[]);
    let error = [
        0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1, 3, 13, 0, 0, 0, 0, 0, 0,
    ];
    let quote = Segment {
        role: Role::QuotedInPart,
        payload_len: error.len() as u32,
        ..syn(1_024, 2)
    };
    shard.segment(&quote, &error);
    shard.segment(
        &Segment {
            key: syn(1_025, 3).key,
            ..quote
        },
        &error,
    );
    let harvest = shard.finish();
    let [one] = &harvest.finished[..] else {
        panic!("{} connections", harvest.finished.len())
    };
    let told = one
        .observed
        .tcp
        .side(crate::evidence::Side::Client)
        .undelivered()
        .unwrap();
    assert_eq!((told.error.kind, told.error.code, told.mark.frame), (3, 13, 2));
}

#[test]
fn a_quoted_header_ends_no_connection() {
    let quoted = |frame| Segment {
        role: Role::Quoted,
        seq: 7_000,
        ..syn(1_024, frame)
    };
    let mut shard = shard();
    shard.segment(&syn(1_024, 1), &[]);
    shard.segment(&quoted(2), &[]);
    shard.segment(&syn(1_024, 3), &[]);
    // Wireshark counts what is quoted as a conversation.
    assert_eq!(shard.openings(), [1, 2]);
    let harvest = shard.finish();
    let syns: Vec<_> = harvest
        .finished
        .iter()
        .map(|finished| finished.observed.tcp.side(crate::evidence::Side::Client).syn_count)
        .collect();
    assert_eq!(syns, [2]);
}

#[test]
fn a_quoted_header_takes_up_nothing_that_was_parked() {
    let mut shard = small(1 << 20, 64 << 10);
    for port in 0..1_000 {
        shard.segment(&syn(port, u64::from(port) + 1), &[]);
    }
    let quoted = Segment {
        role: Role::Quoted,
        seq: 7_000,
        ..syn(3, 1_001)
    };
    shard.segment(&quoted, &[]);
    let acknowledges = Segment {
        flags: Flags(0x10),
        seq: 2,
        ..syn(3, 1_002)
    };
    shard.segment(&acknowledges, &[]);
    let harvest = shard.finish();
    assert!(!left(&harvest).contains(&3));
    assert_eq!(harvest.half_open.dropped + harvest.finished.len() as u64, 1_000);
}

#[test]
fn a_conversation_is_opened_once() {
    let mut shard = shard();
    shard.segment(&syn(1_024, 1), &[]);
    shard.segment(&syn(1_024, 2), &[]);
    shard.segment(&syn(1_025, 3), &[]);
    assert_eq!(shard.openings(), [1, 3]);
}

#[test]
fn who_is_called_and_begins_tls_is_the_client() {
    let mut shard = shard();
    let open = syn(20, 1);
    let back = |frame, flags, payload: &[u8]| Segment {
        from_low: !open.from_low,
        flags: Flags(flags),
        seq: 900 + u32::from(frame > 2),
        ack: 2,
        payload_len: payload.len() as u32,
        ..syn(20, frame)
    };
    let hello = [22, 3, 1, 0, 5, 1, 0, 0, 1, 0];
    shard.segment(&open, &[]);
    shard.segment(&back(2, 0x12, &[]), &[]);
    shard.segment(&back(3, 0x18, &hello), &hello);
    let harvest = shard.finish();
    let observed = &harvest.finished.first().unwrap().observed;
    assert_eq!((observed.client.port, observed.server.port), (443, 20));
    assert!(observed.spoke_tls());
}
