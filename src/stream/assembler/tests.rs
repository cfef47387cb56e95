use proptest::prelude::*;

use super::*;
use crate::evidence::CaptureId;

/// What went up: bytes with offset and frames, or a gap.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    Data(u64, Vec<u8>, u64, u64),
    Gap(u64, u64, GapCause, u64),
}

use Event::{Data, Gap};
use GapCause::{CaptureLoss, NetworkLoss, Snaplen};

#[derive(Default)]
struct Record(Vec<Event>);

impl Sink for Record {
    fn data(&mut self, bytes: &[u8], span: Span) {
        assert_eq!(span.len as usize, bytes.len());
        self.0
            .push(Data(span.at, bytes.to_vec(), span.first_frame, span.mark.frame));
    }

    fn gap(&mut self, _: Side, at: u64, len: u64, cause: GapCause, mark: Mark) {
        self.0.push(Gap(at, len, cause, mark.frame));
    }
}

/// Drives an assembler; the n-th packet has frame n and comes at n hundredths of a second.
#[derive(Default)]
struct Driver {
    assembler: Assembler,
    record: Record,
    frame: u64,
    acked: u64,
}

impl Driver {
    fn stamp(&mut self) -> Stamp {
        self.frame += 1;
        Stamp::new(
            CaptureId(0),
            self.frame,
            Some(Time::from_nanos(self.frame as i64 * 10_000_000)),
        )
    }

    fn push(&mut self, at: u64, bytes: &[u8]) -> Vec<Event> {
        self.push_cut(at, bytes, 0)
    }

    fn push_cut(&mut self, at: u64, bytes: &[u8], cut: u64) -> Vec<Event> {
        let stamp = self.stamp();
        let chunk = Chunk { at, bytes, cut, stamp };
        self.assembler.push(Side::Client, chunk, self.acked, &mut self.record);
        std::mem::take(&mut self.record.0)
    }

    fn ack(&mut self, to: u64) -> Vec<Event> {
        let time = self.stamp().time();
        self.acked = to;
        self.assembler.acknowledged(Side::Client, to, time, &mut self.record);
        std::mem::take(&mut self.record.0)
    }

    fn finish(&mut self) -> Vec<Event> {
        self.assembler.give_up_holes(Side::Client, self.acked, &mut self.record);
        std::mem::take(&mut self.record.0)
    }
}

fn data(at: u64, bytes: &[u8], first_frame: u64, frame: u64) -> Event {
    Data(at, bytes.to_vec(), first_frame, frame)
}

#[test]
fn ordered_segments_go_up_at_once() {
    let mut driver = Driver::default();
    assert_eq!(driver.push(0, b"123"), [data(0, b"123", 1, 1)]);
    assert_eq!(driver.push(3, b"456"), [data(3, b"456", 2, 2)]);
    assert!(!driver.assembler.is_waiting());
}

#[test]
fn an_early_segment_waits_for_the_hole_before_it() {
    let mut driver = Driver::default();
    assert_eq!(driver.push(3, b"456"), []);
    assert_eq!(driver.push(0, b"123"), [data(0, b"123", 2, 2), data(3, b"456", 1, 2)]);
    assert!(!driver.assembler.is_waiting());
}

#[test]
fn segments_in_reverse_order_are_put_in_order() {
    let mut driver = Driver::default();
    driver.push(6, b"78");
    driver.push(3, b"456");
    let events = driver.push(0, b"123");
    assert_eq!(
        events,
        [data(0, b"123", 3, 3), data(3, b"456", 2, 3), data(6, b"78", 1, 3)]
    );
}

#[test]
fn a_duplicate_goes_up_once() {
    let mut driver = Driver::default();
    driver.push(0, b"123");
    assert_eq!(driver.push(0, b"123"), []);
    driver.push(5, b"67");
    assert_eq!(driver.push(5, b"67"), []);
    assert_eq!(driver.push(3, b"45").len(), 2);
}

#[test]
fn a_contained_segment_adds_nothing() {
    let mut driver = Driver::default();
    driver.push(0, b"12345");
    assert_eq!(driver.push(1, b"234"), []);
    driver.push(10, b"abcde");
    driver.push(11, b"bcd");
    assert_eq!(
        driver.push(5, b"67890"),
        [data(5, b"67890", 5, 5), data(10, b"abcde", 3, 5)]
    );
}

#[test]
fn of_a_containing_segment_the_new_end_goes_up() {
    let mut driver = Driver::default();
    driver.push(0, b"123");
    assert_eq!(driver.push(0, b"123456"), [data(3, b"456", 2, 2)]);
}

#[test]
fn of_an_overlapping_segment_the_new_end_goes_up() {
    let mut driver = Driver::default();
    driver.push(0, b"1234");
    assert_eq!(driver.push(2, b"345"), [data(4, b"5", 2, 2)]);
}

#[test]
fn overlap_keeps_first_copy_of_what_went_up() {
    let mut driver = Driver::default();
    driver.push(0, b"good");
    assert_eq!(driver.push(0, b"evil!"), [data(4, b"!", 2, 2)]);
}

#[test]
fn overlap_keeps_first_copy_of_what_waits() {
    let mut driver = Driver::default();
    driver.push(2, b"good");
    let events = driver.push(0, b"evilevil");
    assert_eq!(
        events,
        [data(0, b"ev", 2, 2), data(2, b"good", 1, 2), data(6, b"il", 2, 2)]
    );
}

#[test]
fn overlap_keeps_first_copy_among_waiting_segments() {
    let mut driver = Driver::default();
    driver.push(4, b"EF");
    driver.push(8, b"IJ");
    driver.push(2, b"cdefghijkl");
    let bytes: Vec<u8> = driver.push(0, b"ab").iter().flat_map(bytes_of).collect();
    assert_eq!(bytes, b"abcdEFghIJkl");
}

fn bytes_of(event: &Event) -> Vec<u8> {
    match event {
        Data(_, bytes, ..) => bytes.clone(),
        Gap(..) => Vec::new(),
    }
}

#[test]
fn an_empty_segment_is_nothing() {
    let mut driver = Driver::default();
    assert_eq!(driver.push(0, b""), []);
    assert_eq!(driver.push(7, b""), []);
    assert!(!driver.assembler.is_waiting());
}

#[test]
fn two_holes_are_filled_one_by_one() {
    let mut driver = Driver::default();
    driver.push(2, b"c");
    driver.push(4, b"e");
    assert_eq!(driver.push(0, b"ab"), [data(0, b"ab", 3, 3), data(2, b"c", 1, 3)]);
    assert_eq!(driver.push(3, b"d"), [data(3, b"d", 4, 4), data(4, b"e", 2, 4)]);
}

#[test]
fn a_hole_that_is_not_acknowledged_is_waited_for() {
    let mut driver = Driver::default();
    for at in 1..=100 {
        assert_eq!(driver.push(at * 2, b"x"), []);
    }
    assert!(driver.assembler.is_waiting());
}

#[test]
fn an_acknowledged_hole_is_given_up_after_three_more_segments() {
    let mut driver = Driver::default();
    driver.push(3, b"4");
    assert_eq!(driver.ack(4), []);
    assert_eq!(driver.push(4, b"5"), []);
    assert_eq!(driver.push(5, b"6"), []);
    let events = driver.push(6, b"7");
    let up = [
        Gap(0, 3, CaptureLoss, 1),
        data(3, b"4", 1, 1),
        data(4, b"5", 3, 3),
        data(5, b"6", 4, 4),
        data(6, b"7", 5, 5),
    ];
    assert_eq!(events, up);
}

#[test]
fn an_acknowledged_hole_is_given_up_after_a_second() {
    let mut driver = Driver::default();
    driver.push(3, b"4");
    driver.ack(4);
    driver.frame += 90;
    assert_eq!(driver.ack(4), []);
    driver.frame += 10;
    assert_eq!(driver.ack(4), [Gap(0, 3, CaptureLoss, 1), data(3, b"4", 1, 1)]);
}

#[test]
fn an_acknowledged_hole_may_still_be_filled() {
    let mut driver = Driver::default();
    driver.push(3, b"4");
    driver.ack(4);
    driver.push(4, b"5");
    assert_eq!(
        driver.push(0, b"123").iter().flat_map(bytes_of).collect::<Vec<_>>(),
        b"12345"
    );
}

#[test]
fn a_late_copy_of_a_given_up_hole_is_ignored() {
    let mut driver = Driver::default();
    driver.push(3, b"4");
    driver.finish();
    assert_eq!(driver.push(0, b"123"), []);
    assert_eq!(driver.push(0, b"12345"), [data(4, b"5", 3, 3)]);
}

#[test]
fn what_is_not_acknowledged_at_the_end_was_lost_by_the_network() {
    let mut driver = Driver::default();
    driver.push(0, b"1");
    driver.push(3, b"4");
    driver.push(6, b"7");
    let up = [
        Gap(1, 2, NetworkLoss, 2),
        data(3, b"4", 2, 2),
        Gap(4, 2, NetworkLoss, 3),
        data(6, b"7", 3, 3),
    ];
    assert_eq!(driver.finish(), up);
    assert_eq!(driver.finish(), []);
}

#[test]
fn an_acknowledgement_inside_a_hole_divides_it() {
    let mut driver = Driver::default();
    driver.push(5, b"6");
    driver.ack(2);
    assert_eq!(
        driver.finish(),
        [
            Gap(0, 2, CaptureLoss, 1),
            Gap(2, 3, NetworkLoss, 1),
            data(5, b"6", 1, 1)
        ]
    );
}

#[test]
fn too_many_waiting_bytes_end_the_hole() {
    let mut driver = Driver::default();
    let segment = [7; 1_024];
    let mut at = 10;
    while at + 1_024 <= 10 + MAX_HELD_BYTES as u64 {
        assert_eq!(driver.push(at, &segment), []);
        at += 1_024;
    }
    let events = driver.push(at, &segment);
    assert_eq!(events.first(), Some(&Gap(0, 10, NetworkLoss, 1)));
    assert_eq!(events.len(), 1 + MAX_HELD_BYTES / 1_024 + 1);
    assert!(!driver.assembler.is_waiting());
}

#[test]
fn too_many_waiting_pieces_end_the_first_hole_only() {
    let mut driver = Driver::default();
    for piece in 1..=MAX_HELD_PIECES as u64 {
        assert_eq!(driver.push(piece * 2, b"x"), []);
    }
    let events = driver.push(100_000, b"x");
    assert_eq!(events, [Gap(0, 2, NetworkLoss, 1), data(2, b"x", 1, 1)]);
}

#[test]
fn cut_bytes_are_a_gap_at_once() {
    let mut driver = Driver::default();
    assert_eq!(
        driver.push_cut(0, b"12", 3),
        [data(0, b"12", 1, 1), Gap(2, 3, Snaplen, 1)]
    );
    assert_eq!(driver.push(5, b"67"), [data(5, b"67", 2, 2)]);
}

#[test]
fn a_packet_without_captured_payload_is_a_gap() {
    let mut driver = Driver::default();
    assert_eq!(driver.push_cut(0, b"", 100), [Gap(0, 100, Snaplen, 1)]);
    assert_eq!(driver.assembler.next(), 100);
}

#[test]
fn a_cut_segment_that_waited_keeps_its_gap() {
    let mut driver = Driver::default();
    driver.push_cut(2, b"c", 2);
    let events = driver.push(0, b"ab");
    assert_eq!(
        events,
        [data(0, b"ab", 2, 2), data(2, b"c", 1, 2), Gap(3, 2, Snaplen, 1)]
    );
}

#[test]
fn knows_what_went_up_and_what_waits() {
    let mut driver = Driver::default();
    driver.push(0, b"ab");
    driver.push(4, b"e");
    let known: Vec<u64> = (0..8).filter(|at| driver.assembler.knows(*at)).collect();
    assert_eq!(known, [0, 1, 4]);
}

/// The byte at an offset of the test streams.
fn byte(at: u64) -> u8 {
    (at.wrapping_mul(167) >> 3) as u8
}

fn stream(from: u64, to: u64) -> Vec<u8> {
    (from..to).map(byte).collect()
}

proptest! {
    #[test]
    fn any_split_order_and_duplication_gives_the_same_bytes(
        cuts in prop::collection::btree_set(1_u64..2_000, 0..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
        extra in prop::collection::vec((0_u64..2_000, 1_u64..300), 0..20),
    ) {
        let mut borders: Vec<u64> = cuts.into_iter().collect();
        borders.insert(0, 0);
        borders.push(2_000);
        let mut segments: Vec<(u64, u64)> = borders.windows(2).map(|pair| (pair[0], pair[1])).collect();
        segments.extend(extra.iter().map(|(at, len)| (*at, (at + len).min(2_000))));
        for (place, index) in order.iter().enumerate() {
            let other = index.index(segments.len());
            let place = place % segments.len();
            segments.swap(place, other);
        }
        let mut driver = Driver::default();
        let mut bytes = Vec::new();
        for (from, to) in segments {
            for event in driver.push(from, &stream(from, to)) {
                let Data(at, more, ..) = event else { panic!("a gap in a whole stream") };
                prop_assert_eq!(at, bytes.len() as u64);
                bytes.extend(more);
            }
        }
        prop_assert_eq!(bytes, stream(0, 2_000));
        prop_assert!(!driver.assembler.is_waiting());
    }

    #[test]
    fn data_and_gaps_leave_nothing_out(
        steps in prop::collection::vec((0_u64..3_000, 0_u64..400, 0_u64..40, 0_u64..3_500, 0_u64..60), 0..120),
    ) {
        let mut driver = Driver::default();
        let mut events = Vec::new();
        for (at, len, cut, ack, pause) in steps {
            driver.frame += pause;
            events.extend(driver.push_cut(at, &stream(at, at + len), cut));
            let acked = driver.acked.max(ack.saturating_sub(500));
            events.extend(driver.ack(acked));
        }
        events.extend(driver.finish());
        let mut next = 0;
        for event in events {
            match event {
                Data(at, bytes, ..) => {
                    prop_assert_eq!(at, next);
                    prop_assert_eq!(&bytes, &stream(at, at + bytes.len() as u64));
                    next += bytes.len() as u64;
                }
                Gap(at, len, ..) => {
                    prop_assert_eq!(at, next);
                    prop_assert!(len > 0);
                    next += len;
                }
            }
        }
        prop_assert_eq!(next, driver.assembler.next());
    }
}
