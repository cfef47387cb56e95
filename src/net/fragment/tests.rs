//! Fragments made of whole packets, in every order, and what comes out of them.

use proptest::prelude::*;

use super::super::decode;
use super::*;

const RAW: u16 = 101;

/// A TCP segment with this payload.
fn tcp(payload: &[u8]) -> Vec<u8> {
    let header = [
        0xc0, 0x01, 0x01, 0xbb, 0, 0, 0, 100, 0, 0, 0, 9, 0x50, 0x18, 0x10, 0, 0, 0, 0, 0,
    ];
    [&header[..], payload].concat()
}

/// A fragment of IPv4; `field` holds the flags and the offset in words of eight bytes.
fn v4(id: u16, protocol: u8, field: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + payload.len() as u16).to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend(field.to_be_bytes());
    bytes.extend([61, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    [&bytes[..], payload].concat()
}

/// The same of IPv6, with a routing header before the fragment header.
fn v6(id: u16, protocol: u8, field: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((16 + payload.len() as u16).to_be_bytes());
    bytes.extend([43, 62]);
    bytes.extend([0x20; 16]);
    bytes.extend([0x21; 16]);
    bytes.extend([44, 0, 0, 0, 0, 0, 0, 0]);
    let (offset, more) = (field << 3, field >> 13 & 1);
    bytes.extend([protocol, 0]);
    bytes.extend((offset | more).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(id.to_be_bytes());
    [&bytes[..], payload].concat()
}

type Wrap = fn(u16, u8, u16, &[u8]) -> Vec<u8>;

/// One fragment of a datagram's payload.
fn piece(wrap: Wrap, id: u16, protocol: u8, payload: &[u8], from: usize, to: usize) -> Vec<u8> {
    let more = if to < payload.len() { 0x2000 } else { 0 };
    wrap(id, protocol, (from / 8) as u16 | more, &payload[from..to])
}

/// A capture that consists of raw IP packets, one second after the other.
struct Capture {
    window: Vec<u8>,
    whole: Vec<u8>,
    defragmenter: Defragmenter,
    frame: u64,
    seconds: i64,
}

impl Capture {
    fn new(limits: FragmentLimits) -> Self {
        Self {
            window: Vec::new(),
            whole: Vec::new(),
            defragmenter: Defragmenter::new(limits),
            frame: 0,
            seconds: 0,
        }
    }

    /// The segment that a packet completes, with its payload.
    fn take(&mut self, bytes: &[u8]) -> Option<(Segment, Vec<u8>)> {
        self.frame += 1;
        self.seconds += 1;
        let at = self.window.len();
        self.window.extend(bytes);
        // As in the pipeline: what a window's fragments complete goes behind the window, whose size does not change meanwhile.
        self.whole.clear();
        let packet = Packet {
            link: RAW,
            bytes,
            original: bytes.len() as u32,
            at: at as u32,
            frame: self.frame,
            time: Some(Time::from_seconds(self.seconds)),
        };
        let segment = match decode(&packet) {
            Decoded::Tcp(segment) => segment,
            Decoded::Fragment(fragment) => self.defragmenter.add(&fragment, &self.window, &mut self.whole)?,
            other => panic!("neither a segment nor a fragment: {other:?}"),
        };
        let from = segment.payload_at as usize;
        let all = [&self.window[..], &self.whole].concat();
        Some((segment, all[from..from + segment.payload_len as usize].to_vec()))
    }

    fn payload(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.take(bytes).map(|(_, payload)| payload)
    }

    fn tally(&self) -> FragmentTally {
        self.defragmenter.tally()
    }
}

fn capture() -> Capture {
    Capture::new(FragmentLimits::of_bytes(8 << 20))
}

/// A tally with nothing in it but these.
fn tally(completed: u64, contradictory: u64, incomplete: u64) -> FragmentTally {
    FragmentTally {
        completed,
        contradictory,
        incomplete,
        ..FragmentTally::default()
    }
}

#[test]
fn the_datagram_stands_where_its_last_missing_fragment_does() {
    let segment = tcp(b"first, second and third");
    for wrap in [v4 as Wrap, v6] {
        let mut capture = capture();
        assert_eq!(capture.take(&piece(wrap, 1, 6, &segment, 32, segment.len())), None);
        assert_eq!(capture.take(&piece(wrap, 1, 6, &segment, 0, 24)), None);
        let (segment, payload) = capture.take(&piece(wrap, 1, 6, &segment, 24, 32)).unwrap();
        assert_eq!(payload, b"first, second and third");
        assert_eq!((segment.frame, segment.time), (3, Some(Time::from_seconds(3))));
        assert_eq!((segment.seq, segment.payload_cut), (100, 0));
        assert_eq!(segment.role, super::super::Role::Whole);
        assert_eq!(capture.tally(), tally(1, 0, 0));
    }
}

#[test]
fn what_the_headers_say_comes_with_the_datagram() {
    let segment = tcp(b"payload!");
    let mut capture = capture();
    capture.take(&piece(v4, 0x1234, 6, &segment, 0, 16));
    let (segment, _) = capture.take(&piece(v4, 0x1234, 6, &segment, 16, 28)).unwrap();
    assert_eq!((segment.ttl, segment.ip_id), (61, 0x1234));
    assert_eq!(segment.key.low(), ([10, 0, 0, 1].into(), 49153));
    assert_eq!(segment.key.high(), ([10, 0, 0, 2].into(), 443));
}

#[test]
fn datagrams_are_told_apart_by_identification_and_protocol() {
    let (one, two) = (tcp(b"one of them"), tcp(b"two of them"));
    let mut capture = capture();
    assert_eq!(capture.payload(&piece(v4, 1, 6, &one, 0, 24)), None);
    assert_eq!(capture.payload(&piece(v4, 2, 6, &two, 0, 24)), None);
    assert_eq!(capture.payload(&piece(v4, 1, 17, &one, 24, 31)), None);
    assert_eq!(capture.payload(&piece(v4, 2, 6, &two, 24, 31)).unwrap(), b"two of them");
    assert_eq!(capture.payload(&piece(v4, 1, 6, &one, 24, 31)).unwrap(), b"one of them");
    assert_eq!(capture.tally(), tally(2, 0, 1));
}

#[test]
fn a_repeated_datagram_is_completed_again() {
    let segment = tcp(b"once more");
    let mut capture = capture();
    for _ in 0..2 {
        assert_eq!(capture.payload(&piece(v4, 1, 6, &segment, 0, 16)), None);
        assert_eq!(capture.payload(&piece(v4, 1, 6, &segment, 0, 16)), None);
        assert_eq!(
            capture.payload(&piece(v4, 1, 6, &segment, 16, 29)).unwrap(),
            b"once more"
        );
    }
    assert_eq!(capture.tally(), tally(2, 0, 0));
}

#[test]
fn the_first_copy_of_a_byte_stays_and_another_one_is_counted() {
    let segment = tcp(b"what was said first and then more");
    let mut other = segment.clone();
    other[30..44].fill(b'?');
    let mut capture = capture();
    assert_eq!(capture.payload(&piece(v4, 1, 6, &segment, 24, 40)), None);
    assert_eq!(capture.payload(&piece(v4, 1, 6, &other, 0, 48)), None);
    let whole = capture.payload(&piece(v4, 1, 6, &segment, 48, 53)).unwrap();
    assert_eq!(whole, b"what was said first ????then more");
    assert_eq!(capture.tally(), tally(1, 1, 0));
}

#[test]
fn what_lies_behind_the_end_is_left_out() {
    let segment = tcp(b"payload!");
    for early in [true, false] {
        let mut capture = capture();
        let beyond = v4(1, 6, 0x2000 | 4, &[b'?'; 16]);
        if early {
            assert_eq!(capture.take(&beyond), None);
        }
        // The last fragment's end is 28; the other piece begins at 32.
        assert_eq!(capture.take(&piece(v4, 1, 6, &segment, 16, 28)), None);
        if !early {
            assert_eq!(capture.take(&beyond), None);
        }
        assert_eq!(capture.payload(&piece(v4, 1, 6, &segment, 0, 16)).unwrap(), b"payload!");
        assert_eq!(capture.tally(), tally(1, 1, 0));
    }
}

#[test]
fn the_first_end_holds() {
    let segment = tcp(b"payload!");
    let mut capture = capture();
    assert_eq!(capture.take(&piece(v4, 1, 6, &segment, 16, 28)), None);
    assert_eq!(capture.take(&piece(v4, 1, 6, &segment[..20], 16, 20)), None);
    assert_eq!(capture.payload(&piece(v4, 1, 6, &segment, 0, 16)).unwrap(), b"payload!");
    assert_eq!(capture.tally(), tally(1, 1, 0));
}

#[test]
fn a_datagram_longer_than_a_length_field_can_tell_is_refused() {
    let mut capture = capture();
    assert_eq!(capture.take(&v4(1, 6, 8_189, &[0; 8])), None);
    assert_eq!(capture.take(&v4(1, 6, 8_188, &[0; 8])), None);
    assert_eq!(capture.tally(), tally(0, 1, 1));
}

#[test]
fn a_datagram_is_given_up_after_a_minute() {
    let segment = tcp(b"payload!");
    let mut capture = capture();
    assert_eq!(capture.take(&piece(v4, 1, 6, &segment, 0, 16)), None);
    capture.seconds += 59;
    assert!(capture.take(&piece(v4, 1, 6, &segment, 16, 28)).is_some());
    assert_eq!(capture.take(&piece(v4, 1, 6, &segment, 0, 16)), None);
    capture.seconds += 60;
    assert_eq!(capture.take(&piece(v4, 1, 6, &segment, 16, 28)), None);
    let told = capture.tally();
    assert_eq!((told.completed, told.too_old, told.incomplete), (1, 1, 1));
}

#[test]
fn the_oldest_makes_room() {
    let segment = tcp(b"payload!");
    let mut capture = Capture::new(FragmentLimits {
        datagrams: 2,
        ..FragmentLimits::of_bytes(8 << 20)
    });
    for id in 1..=3 {
        assert_eq!(capture.take(&piece(v4, id, 6, &segment, 0, 16)), None);
    }
    assert!(capture.take(&piece(v4, 2, 6, &segment, 16, 28)).is_some());
    assert!(capture.take(&piece(v4, 3, 6, &segment, 16, 28)).is_some());
    assert_eq!(capture.take(&piece(v4, 1, 6, &segment, 16, 28)), None);
    let told = capture.tally();
    assert_eq!((told.completed, told.no_room, told.incomplete), (2, 1, 1));
}

#[test]
fn a_tunnel_is_put_together_and_so_is_the_datagram_in_it() {
    let segment = tcp(b"in a fragment of a fragment");
    let halves = [piece(v6, 7, 6, &segment, 0, 24), piece(v6, 7, 6, &segment, 24, 47)];
    let mut capture = capture();
    for (id, half) in (1..).zip(&halves) {
        assert_eq!(capture.take(&piece(v4, id, 41, half, 0, 40)), None);
        let completed = capture.take(&piece(v4, id, 41, half, 40, half.len()));
        assert_eq!(completed.is_some(), id == 2);
        if let Some((segment, payload)) = completed {
            assert_eq!(payload, b"in a fragment of a fragment");
            assert_eq!(segment.encapsulations.told().collect::<Vec<_>>(), [("ip", None)]);
        }
    }
}

#[test]
fn fragments_within_fragments_end_somewhere() {
    /// The segment in so many fragmented datagrams, each the first fragment of the next; the last fragments are there already.
    fn nested(levels: u8) -> Option<Vec<u8>> {
        let mut capture = capture();
        let (mut datagram, mut protocol) = (tcp(&[7; 44]), 6);
        for id in (1..=levels).rev() {
            let (head, tail) = datagram.split_at(56);
            assert_eq!(capture.take(&v6(id.into(), protocol, 56 / 8, tail)), None);
            if id == 1 {
                return capture.payload(&v6(1, protocol, 0x2000, head));
            }
            datagram = [&[protocol, 0, 0, 1, 0, 0, 0, id], head].concat();
            protocol = 44;
        }
        None
    }
    assert_eq!(nested(4), Some(vec![7; 44]));
    assert_eq!(nested(5), None);
}

/// Ascending places at which a payload is cut, multiples of eight.
fn cuts(length: usize) -> impl Strategy<Value = Vec<usize>> {
    prop::collection::btree_set(1..=(length - 1) / 8, 1..12)
        .prop_map(|cuts| cuts.into_iter().map(|cut| cut * 8).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_fragmentation_order_and_repetition_gives_the_original_bytes(
        (text, cuts) in prop::collection::vec(any::<u8>(), 1..600).prop_flat_map(|text| {
            let length = text.len() + 20;
            (Just(text), cuts(length))
        }),
        wide in any::<bool>(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let segment = tcp(&text);
        let wrap = if wide { v6 as Wrap } else { v4 };
        let ends = cuts.iter().copied().chain([segment.len()]);
        let fragments: Vec<_> = [0].into_iter().chain(cuts.iter().copied()).zip(ends)
            .map(|(from, to)| piece(wrap, 1, 6, &segment, from, to))
            .collect();
        // Any order with repetitions, in which whatever is still missing comes last.
        let mut places: Vec<_> = order.iter().map(|place| place.index(fragments.len())).collect();
        places.extend((0..fragments.len()).rev().filter(|place| !order.iter().any(|one| one.index(fragments.len()) == *place)));
        let mut capture = capture();
        let completed: Vec<_> = places.iter().filter_map(|place| capture.payload(&fragments[*place])).collect();
        prop_assert!(!completed.is_empty());
        prop_assert!(completed.iter().all(|payload| *payload == text));
        prop_assert_eq!(capture.tally().contradictory, 0);
    }

    #[test]
    fn of_overlapping_fragments_the_first_copy_of_each_byte_stays(
        pieces in prop::collection::vec((0..20_usize, 1..60_usize, any::<u8>()), 1..24),
    ) {
        let mut datagram = Datagram::new(key(1), None);
        let mut model = vec![None; 300];
        for (offset, length, value) in pieces {
            let offset = offset * 8;
            let differs = model[offset..offset + length].iter().any(|byte| byte.is_some_and(|byte| byte != value));
            prop_assert_eq!(datagram.take(offset, true, &vec![value; length]), !differs);
            for byte in &mut model[offset..offset + length] {
                byte.get_or_insert(value);
            }
            let mut held = vec![None; 300];
            for (from, piece) in &datagram.pieces {
                for (at, byte) in piece.iter().enumerate() {
                    prop_assert_eq!(held[from + at].replace(*byte), None);
                }
            }
            prop_assert_eq!(&held, &model);
            prop_assert_eq!(datagram.held, model.iter().flatten().count());
        }
    }

    #[test]
    fn no_fragments_whatever_take_more_than_the_limits(
        fragments in prop::collection::vec((0..40_u16, any::<u16>(), 1..200_usize, 0..5_i64), 1..120),
        bytes in 0..6_000_usize,
        datagrams in 0..20_usize,
    ) {
        let mut capture = Capture::new(FragmentLimits { bytes, datagrams, ..FragmentLimits::of_bytes(8 << 20) });
        for (id, field, length, seconds) in fragments {
            capture.seconds += seconds;
            capture.take(&v4(id, 6, 0x2001 | field & 0x3fff, &vec![0xff; length]));
            let held = &capture.defragmenter;
            let cost: usize = held.datagrams.values().map(|datagram| datagram.cost(datagram.pieces.len())).sum();
            prop_assert_eq!(held.bytes, cost);
            prop_assert!(cost <= bytes);
            prop_assert!(held.datagrams.len() <= datagrams);
            prop_assert_eq!(held.places.len(), held.datagrams.len());
        }
    }
}

fn key(id: u32) -> Key {
    Key {
        version: Version::V4,
        source: [0; 16],
        destination: [0; 16],
        id,
        protocol: 6,
        vlan: 0,
    }
}
