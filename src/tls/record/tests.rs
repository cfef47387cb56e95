//! Streams in pieces, with and without holes.

use proptest::prelude::*;

use super::*;
use crate::evidence::{CaptureId, Side};

/// A piece at `at`, brought by packet `frame`.
fn piece(at: usize, len: usize, frame: u64) -> Span {
    Span {
        mark: Mark {
            capture: CaptureId(0),
            frame,
            time: None,
            from: Side::Client,
        },
        first_frame: frame,
        at: at as u64,
        len: len as u32,
    }
}

fn record(kind: u8, contents: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &(contents.len() as u16).to_be_bytes(), contents].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32).to_be_bytes()[1..], body].concat()
}

/// An item in short: what it is, and its place.
fn short(item: &Item<'_>) -> String {
    let place = |span: &Span| format!("{}+{}", span.at, span.len);
    match item {
        Item::Handshake { kind, body, span, .. } => format!("{kind}({}) {}", body.len(), place(span)),
        Item::Alert {
            level,
            description,
            span,
            ..
        } => format!("{level} {description} {}", place(span)),
        Item::ChangeCipherSpec { span } => format!("ccs {}", place(span)),
        Item::Opaque {
            content_type,
            length,
            span,
        } => {
            format!("opaque {content_type} {length} {}", place(span))
        }
        Item::Sslv2ClientHello { body, span } => format!("sslv2({}) {}", body.len(), place(span)),
        Item::NotTls { head, span } => format!(
            "not-tls {:?} {}",
            head.first_chunk::<5>().map_or(*head, |head| head),
            span.at
        ),
        Item::Oversized { length, span, .. } => format!("oversized {length} {}", place(span)),
        Item::Malformed { malformed, span } => format!("malformed {malformed} {}", place(span)),
        Item::Lost {
            at,
            len,
            content_type,
            message,
        } => format!("lost {at}+{len} {content_type:?} {message:?}"),
        Item::Partial(partial) => format!(
            "partial {} {:?} {} {:?} {}",
            partial.content_type,
            partial.length,
            partial.have,
            partial.message,
            place(&partial.span)
        ),
    }
}

/// Feeds the pieces one after the other; encryption begins with the first ChangeCipherSpec.
fn read(pieces: &[&[u8]]) -> Vec<String> {
    let mut reader = RecordReader::new();
    let (mut items, mut at) = (Vec::new(), 0);
    let mut take = |item: Item<'_>| {
        items.push(short(&item));
        match item {
            Item::ChangeCipherSpec { .. } => Flow::Protect,
            _ => Flow::Go,
        }
    };
    for (index, bytes) in pieces.iter().enumerate() {
        reader.feed(bytes, piece(at, bytes.len(), index as u64 + 1), &mut take);
        at += bytes.len();
    }
    reader.finish(&mut take);
    items
}

/// Feeds `Some(bytes)` as a piece and `None` as a gap of `hole` bytes.
fn read_with_gap(pieces: &[Option<&[u8]>], hole: usize) -> Vec<String> {
    let mut reader = RecordReader::new();
    let (mut items, mut at) = (Vec::new(), 0);
    let mut take = |item: Item<'_>| {
        items.push(short(&item));
        Flow::Go
    };
    for bytes in pieces {
        match bytes {
            Some(bytes) => {
                reader.feed(bytes, piece(at, bytes.len(), 1), &mut take);
                at += bytes.len();
            }
            None => {
                reader.gap(hole as u64, &mut take);
                at += hole;
            }
        }
    }
    reader.finish(&mut take);
    items
}

#[test]
fn several_messages_share_a_record() {
    let stream = record(
        22,
        &[message(2, &[1; 40]), message(11, &[2; 9]), message(14, &[])].concat(),
    );
    assert_eq!(
        read(&[&stream]),
        [
            "server_hello(40) 5+44",
            "certificate(9) 49+13",
            "server_hello_done(0) 62+4"
        ]
    );
}

#[test]
fn a_message_spans_records() {
    let whole = message(11, &[2; 30]);
    let stream = [
        record(22, &whole[..3]),
        record(22, &whole[3..20]),
        record(22, &whole[20..]),
    ]
    .concat();
    assert_eq!(read(&[&stream]), ["certificate(30) 5+44"]);
}

#[test]
fn a_message_names_the_frames_of_its_first_and_last_byte() {
    let stream = record(22, &message(1, &[0; 50]));
    let mut reader = RecordReader::new();
    let mut frames = Vec::new();
    for (index, bytes) in stream.chunks(20).enumerate() {
        reader.feed(bytes, piece(index * 20, bytes.len(), index as u64 + 10), &mut |item| {
            if let Item::Handshake { span, .. } = item {
                frames.push((span.first_frame, span.mark.frame));
            }
            Flow::Go
        });
    }
    assert_eq!(frames, [(10, 12)]);
}

#[test]
fn alerts_are_read_in_the_clear_only() {
    let stream = [record(21, &[2, 48]), record(20, &[1]), record(21, &[9; 26])].concat();
    assert_eq!(
        read(&[&stream]),
        ["fatal unknown_ca (48) 0+7", "ccs 7+6", "opaque 21 26 13+31"]
    );
}

#[test]
fn two_alerts_may_share_a_record() {
    assert_eq!(
        read(&[&record(21, &[1, 90, 1, 0])]),
        ["warning user_canceled (90) 0+9", "warning close_notify (0) 0+9"]
    );
}

#[test]
fn an_alert_of_another_length_is_encrypted_or_broken() {
    assert_eq!(read(&[&record(21, &[2; 26])]), ["opaque 21 26 0+31"]);
    assert_eq!(
        read(&[&record(21, &[2])]),
        ["malformed alert at byte 0 has the value 1 0+5"]
    );
}

#[test]
fn an_encrypted_handshake_record_is_not_taken_for_a_message() {
    assert_eq!(read(&[&record(22, &[0x9c; 40])]), ["opaque 22 40 0+45"]);
}

#[test]
fn a_message_that_another_record_interrupts_is_told() {
    let stream = [record(22, &message(11, &[2; 30])[..10]), record(23, &[0; 20])].concat();
    assert_eq!(
        read(&[&stream]),
        [
            "malformed handshake message at byte 0 needs 34 bytes, 10 are left 15+5",
            "opaque 23 20 15+25"
        ]
    );
}

#[test]
fn a_message_beyond_the_limit_is_passed_over() {
    let header = [11, 0x10, 0, 0];
    let mut stream = record(22, &header);
    let (mut left, mut at) = (0x10_0000_usize, 4);
    while left > 0 {
        let part = left.min(16_384);
        stream.extend(record(22, &vec![0; part]));
        (left, at) = (left - part, at + 1);
    }
    stream.extend(record(22, &message(14, &[])));
    let items = read(&[&stream]);
    assert_eq!(items.len(), 2, "{at} records");
    assert!(items[0].starts_with("malformed handshake message at byte 1 is longer than 262144 bytes"));
    assert!(items[1].starts_with("server_hello_done(0)"));
}

#[test]
fn a_record_beyond_the_limit_is_told_and_passed_over() {
    let stream = [&[23, 3, 3, 0x48, 1][..], &vec![0; 0x4801], &record(21, &[2, 22])].concat();
    assert_eq!(
        read(&[&stream]),
        ["oversized 18433 0+5", "fatal record_overflow (22) 18438+7"]
    );
}

#[test]
fn foreign_speech_is_handed_out_once() {
    assert_eq!(
        read(&[b"HTTP/1.1 400 Bad Request\r\n", b"Connection: close\r\n"]),
        [format!("not-tls {:?} 0", b"HTTP/")]
    );
    assert_eq!(read(&[b"OK"]), [format!("not-tls {:?} 0", b"OK")]);
    let stream = [record(22, &message(1, &[0; 50])), b"hello".to_vec()].concat();
    assert_eq!(read(&[&stream])[1], format!("not-tls {:?} 59", b"hello"));
}

#[test]
fn an_sslv2_hello_may_open_a_stream() {
    let hello = [&[0x80, 12, 1, 3, 1, 0, 0, 0, 0, 0, 3][..], &[1, 2, 3]].concat();
    let stream = [&hello[..], &record(21, &[2, 70])].concat();
    assert_eq!(read(&[&stream]), ["sslv2(12) 0+14", "fatal protocol_version (70) 14+7"]);
}

#[test]
fn what_is_incomplete_at_the_end_is_told() {
    let stream = record(22, &message(1, &[0; 50]));
    assert_eq!(
        read(&[&stream[..30]]),
        ["partial 22 Some(54) 25 Some((HandshakeType(1), 50, 21)) 5+25"]
    );
    assert_eq!(read(&[&stream[..3]]), ["partial 22 None 0 None 0+3"]);
    assert_eq!(
        read(&[&record(22, &message(1, &[0; 50])[..20])]),
        ["partial 22 None 0 Some((HandshakeType(1), 50, 16)) 5+20"]
    );
    assert_eq!(read(&[&stream]), ["client_hello(50) 5+54"]);
}

#[test]
fn a_hole_in_an_encrypted_record_changes_nothing() {
    let stream = [record(23, &[7; 100]), record(21, &[2, 80])].concat();
    assert_eq!(
        read_with_gap(&[Some(&stream[..20]), None, Some(&stream[60..])], 40),
        ["opaque 23 100 0+105", "fatal internal_error (80) 105+7"]
    );
}

#[test]
fn a_hole_in_a_message_costs_that_message_alone() {
    let stream = record(22, &[message(11, &[2; 100]), message(14, &[])].concat());
    assert_eq!(
        read_with_gap(&[Some(&stream[..20]), None, Some(&stream[60..])], 40),
        [
            "lost 20+40 Some(22) Some(HandshakeType(11))",
            "server_hello_done(0) 109+4"
        ]
    );
}

#[test]
fn after_a_hole_between_records_the_next_record_is_found() {
    let stream = [
        record(22, &message(1, &[0; 50])),
        record(22, &message(16, &[0; 20])),
        record(21, &[2, 51]),
    ]
    .concat();
    let items = read_with_gap(
        &[Some(&stream[..59]), None, Some(&stream[70..75]), Some(&stream[88..])],
        11,
    );
    assert_eq!(
        items,
        [
            "client_hello(50) 5+54",
            "lost 59+11 None None",
            "fatal decrypt_error (51) 75+7"
        ]
    );
}

#[test]
fn a_hole_that_swallows_the_end_of_a_record_still_tells_its_length() {
    let stream = [record(23, &[7; 100]), record(23, &[7; 30])].concat();
    let items = read_with_gap(&[Some(&stream[..50]), None, Some(&stream[105..])], 70);
    assert_eq!(items[0], "opaque 23 100 0+120");
    assert!(items[1].starts_with("lost 50+70 Some(23)"));
    assert_eq!(items[2], "opaque 23 30 120+35");
}

#[test]
fn a_stream_from_the_middle_is_not_called_foreign() {
    let mut reader = RecordReader::new();
    reader.desync();
    let mut items = Vec::new();
    let stream = [vec![0x99; 30], record(23, &[0; 40])];
    let mut at = 0;
    for bytes in &stream {
        reader.feed(bytes, piece(at, bytes.len(), 1), &mut |item| {
            items.push(short(&item));
            Flow::Go
        });
        at += bytes.len();
    }
    assert_eq!(items, ["opaque 23 40 30+45"]);
}

prop_compose! {
    fn any_record()(
        kind in 20_u8..=24,
        contents in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec((prop::sample::select(vec![1_u8, 2, 11, 12, 14, 16, 20]), prop::collection::vec(any::<u8>(), 0..30)), 1..4)
                .prop_map(|messages| messages.iter().flat_map(|(kind, body)| message(*kind, body)).collect()),
            Just(vec![1]),
            Just(vec![2, 40]),
        ],
        cut in 0_usize..6,
    ) -> Vec<u8> {
        // Some messages continue in the next record.
        let cut = contents.len().saturating_sub(if kind == 22 { cut } else { 0 });
        let (one, other) = contents.split_at(cut);
        if other.is_empty() { record(kind, one) } else { [record(kind, one), record(kind, other)].concat() }
    }
}

proptest! {
    #[test]
    fn any_split_of_a_stream_gives_the_same_items(
        records in prop::collection::vec(any_record(), 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..20),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let stream = [records.concat(), tail].concat();
        let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        places.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for place in places.into_iter().chain([stream.len()]) {
            pieces.push(&stream[from..place]);
            from = place;
        }
        prop_assert_eq!(read(&pieces), read(&[&stream]));
        let bytes: Vec<_> = stream.chunks(1).collect();
        prop_assert_eq!(read(&bytes), read(&[&stream]));
    }

    #[test]
    fn any_holes_are_survived(
        records in prop::collection::vec(any_record(), 0..8),
        holes in prop::collection::vec((any::<bool>(), 1_usize..30), 1..20),
    ) {
        let stream = records.concat();
        let mut reader = RecordReader::new();
        let mut at = 0;
        let mut end = 0;
        for (hole, length) in holes {
            let length = length.min(stream.len() - at);
            let mut take = |item: Item<'_>| {
                if let Item::Handshake { span, .. } | Item::Opaque { span, .. } = item {
                    end = end.max(span.at + u64::from(span.len));
                }
                Flow::Go
            };
            if hole {
                reader.gap(length as u64, &mut take);
            } else {
                reader.feed(&stream[at..at + length], piece(at, length, 1), &mut take);
            }
            at += length;
            prop_assert!(end <= at as u64);
        }
        reader.finish(&mut |_| Flow::Go);
    }
}
