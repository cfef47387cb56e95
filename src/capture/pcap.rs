//! The pcap format: a header of 24 bytes, then records.
//!
//! Micro- and nanoseconds, both byte orders, and Kuznetzov's variant with its 24-byte record headers. A record carries nothing to know it by, so
//! a length that lies is caught by what the next header looks like, and the next record is searched for by its lengths and its time.
//!
//! Record headers are read here rather than by a library: the same fields are needed before a record's data has arrived, to judge a doubtful
//! length, and to search after damage.

use pcap_parser::parse_pcap_header;

use super::bytes::Order;
use super::tally::{Packet, Tally};
use super::{Record, WINDOW_MAX};
use crate::evidence::Time;

/// Bytes of the file's header.
pub(super) const HEADER: usize = 24;

/// What Wireshark takes for the largest packet. A longer one must be followed by a header that makes sense.
const USUAL_MAX: u32 = 256 << 10;

/// The largest record that is read at all: it and the header after it fit into the largest window.
const RECORD_MAX: u32 = (WINDOW_MAX - 64) as u32;

/// The longest packet on the wire that a search believes in.
const ORIGINAL_MAX: u32 = 1 << 20;

const SECONDS_PER_DAY: u32 = 86_400;

/// Which of the two length fields comes first. Tools that wrote versions before 2.4 swapped them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// Version 2.3 was written in both ways: the smaller one is what was captured.
    SmallerIsCaptured,
}

/// Reads the records of one pcap file.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    head_len: usize,
    units_per_second: u32,
    lengths: Lengths,
    limit: u32,
    link: u16,
    /// Seconds of the last record that was accepted.
    seconds: Option<u32>,
    /// Where damage began, while the next record is searched for.
    lost: Option<(u64, String)>,
}

/// A record's header.
#[derive(Clone, Copy)]
struct Head {
    seconds: u32,
    fraction: u32,
    captured: u32,
    original: u32,
}

/// What a search for the next record found.
enum Found {
    At(usize),
    /// Nothing before this place, which cannot be judged yet.
    NotBefore(usize),
    Nothing,
}

impl Pcap {
    /// Reads the file's header; `None` where it is too short or of another format.
    pub(super) fn new(header: &[u8]) -> Option<Self> {
        let mut header: [u8; HEADER] = *header.first_chunk()?;
        let (order, modified, nanoseconds) = match header.first_chunk()? {
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, false, false),
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, false, false),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, false, true),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, false, true),
            [0x34, 0xcd, 0xb2, 0xa1] => (Order::Little, true, false),
            [0xa1, 0xb2, 0xcd, 0x34] => {
                // The parser does not know this magic; the header's other fields are those of the plain format.
                *header.first_chunk_mut()? = [0xa1, 0xb2, 0xc3, 0xd4];
                (Order::Big, true, false)
            }
            _ => return None,
        };
        let (_, parsed) = parse_pcap_header(&header).ok()?;
        let lengths = match (parsed.version_major, parsed.version_minor) {
            (2, 0..3) => Lengths::OriginalFirst,
            (2, 3) => Lengths::SmallerIsCaptured,
            _ => Lengths::CapturedFirst,
        };
        Some(Self {
            order,
            head_len: if modified { 24 } else { 16 },
            units_per_second: if nanoseconds { 1_000_000_000 } else { 1_000_000 },
            lengths,
            limit: parsed.snaplen.clamp(USUAL_MAX, RECORD_MAX),
            // The upper half tells whether and how long a frame check sequence there is.
            link: parsed.network.0 as u16,
            seconds: None,
            lost: None,
        })
    }

    /// Reads the records that lie wholly in `bytes`, which begin at `base` of the capture; `last` says that no more bytes will come. Answers how
    /// many bytes are done with: all where `last`.
    pub(super) fn walk(
        &mut self,
        bytes: &[u8],
        base: u64,
        last: bool,
        tally: &mut Tally,
        records: &mut Vec<Record>,
    ) -> usize {
        let mut at = 0;
        loop {
            if self.lost.is_some()
                && let Some((offset, what)) = self.lost.take()
            {
                match self.search(bytes, at, last) {
                    Found::At(next) => {
                        tally.damaged(offset, what, (base + next as u64).saturating_sub(offset));
                        at = next;
                    }
                    Found::NotBefore(place) => {
                        self.lost = Some((offset, what));
                        return place;
                    }
                    Found::Nothing => {
                        tally.damaged(offset, what, (base + bytes.len() as u64).saturating_sub(offset));
                        return bytes.len();
                    }
                }
            }
            let Some(head) = self.head(bytes, at) else {
                if last && at < bytes.len() {
                    let left = bytes.len() - at;
                    let what =
                        format!("the file ends inside the header of its last record, of which {left} bytes are there");
                    tally.ends_inside(base + at as u64, what, left as u64);
                    return bytes.len();
                }
                return at;
            };
            match self.judge(bytes, at, head, last) {
                Verdict::Sound(end) => {
                    self.seconds = Some(head.seconds);
                    let packet = Packet {
                        time: Some(self.time(head)),
                        link: self.link,
                        at: at + self.head_len,
                        captured: head.captured,
                        original: head.original,
                    };
                    tally.packet(packet, records);
                    at = end;
                }
                Verdict::Wait => return at,
                Verdict::Short => {
                    // A length that lies may point past the end, too: then there are records behind it.
                    let (left, claimed) = (bytes.len() - at, head.captured);
                    if let Found::At(next) = self.search(bytes, at + 1, last) {
                        let what = format!("a record claims {claimed} captured bytes, more than are left of the file");
                        tally.damaged(base + at as u64, what, (next - at) as u64);
                        at = next;
                    } else {
                        let there = left - self.head_len;
                        let what =
                            format!("the file ends inside its last record: {there} of {claimed} bytes are there");
                        tally.ends_inside(base + at as u64, what, left as u64);
                        return bytes.len();
                    }
                }
                Verdict::Damaged(what) => {
                    self.lost = Some((base + at as u64, what));
                    at += 1;
                }
            }
        }
    }

    /// Judges the record at `at`, whose header is `head`.
    fn judge(&self, bytes: &[u8], at: usize, head: Head, last: bool) -> Verdict {
        let Head { captured, original, .. } = head;
        if captured > self.limit {
            return Verdict::Damaged(format!(
                "a record claims {captured} captured bytes where {} are the most",
                self.limit
            ));
        }
        if (head.seconds, head.fraction, captured, original) == (0, 0, 0, 0) {
            return Verdict::Damaged("zero bytes stand where a record should begin".into());
        }
        let end = at + self.head_len + captured as usize;
        if end > bytes.len() {
            return if last { Verdict::Short } else { Verdict::Wait };
        }
        if captured <= original && captured <= USUAL_MAX {
            return Verdict::Sound(end);
        }
        match self.head(bytes, end) {
            Some(next) if next.captured <= self.limit && near(next.seconds, head.seconds) => Verdict::Sound(end),
            None if !last => Verdict::Wait,
            None if end == bytes.len() => Verdict::Sound(end),
            _ => Verdict::Damaged(format!(
                "a record claims {captured} captured of {original} original bytes, and no record follows it"
            )),
        }
    }

    /// Searches for a record from `from` on: lengths and time must make sense, and so must those of the record after it.
    fn search(&self, bytes: &[u8], from: usize, last: bool) -> Found {
        for at in from..bytes.len() {
            let Some(head) = self.head(bytes, at) else {
                return if last { Found::Nothing } else { Found::NotBefore(at) };
            };
            if !self.plausible(head, self.seconds) {
                continue;
            }
            let end = at + self.head_len + head.captured as usize;
            match self.head(bytes, end) {
                Some(next) if self.plausible(next, Some(head.seconds)) => return Found::At(at),
                None if !last => return Found::NotBefore(at),
                None if end == bytes.len() => return Found::At(at),
                _ => {}
            }
        }
        if last {
            Found::Nothing
        } else {
            Found::NotBefore(bytes.len().max(from))
        }
    }

    /// True where a header could be one, `near_to` a record of that second if one is known.
    fn plausible(&self, head: Head, near_to: Option<u32>) -> bool {
        (1..=USUAL_MAX).contains(&head.captured)
            && (head.captured..=ORIGINAL_MAX).contains(&head.original)
            && head.fraction < self.units_per_second
            && near_to.is_none_or(|seconds| near(head.seconds, seconds))
    }

    /// The record header at `at`, if it lies wholly in `bytes`.
    #[inline]
    fn head(&self, bytes: &[u8], at: usize) -> Option<Head> {
        let bytes = bytes.get(at..at.checked_add(self.head_len)?)?;
        let (first, second) = (self.order.u32(bytes, 8)?, self.order.u32(bytes, 12)?);
        let (captured, original) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        Some(Head {
            seconds: self.order.u32(bytes, 0)?,
            fraction: self.order.u32(bytes, 4)?,
            captured,
            original,
        })
    }

    /// The time of a record. A fraction of a second or more simply counts on: some tools write such.
    fn time(&self, head: Head) -> Time {
        let nanos_per_unit = i64::from(1_000_000_000 / self.units_per_second);
        Time::from_nanos(i64::from(head.seconds) * 1_000_000_000 + i64::from(head.fraction) * nanos_per_unit)
    }
}

/// What is to be done with a record.
enum Verdict {
    /// Take it; it ends here.
    Sound(usize),
    /// More bytes are needed to tell.
    Wait,
    /// The file ends before it does.
    Short,
    /// It cannot be a record.
    Damaged(String),
}

fn near(seconds: u32, other: u32) -> bool {
    seconds.abs_diff(other) <= SECONDS_PER_DAY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::{SECOND, pcap, pcap_record};
    use crate::capture::{Problem, ProblemKind};

    /// All records as (frame, captured, original), and the problems.
    fn walk(file: &[u8]) -> (Vec<Record>, Tally) {
        let mut pcap = Pcap::new(file).unwrap();
        let (mut tally, mut records) = (Tally::default(), Vec::new());
        let used = pcap.walk(&file[HEADER..], HEADER as u64, true, &mut tally, &mut records);
        assert_eq!(used, file.len() - HEADER);
        (records, tally)
    }

    fn problems(tally: Tally) -> Vec<(u64, u64, ProblemKind)> {
        tally
            .into_problems()
            .into_iter()
            .map(
                |Problem {
                     offset, skipped, kind, ..
                 }| (offset, skipped, kind),
            )
            .collect()
    }

    /// A file of one record of 2 bytes of 3, its fields in the order of `encode`.
    fn file(magic: u32, encode: fn(u32) -> [u8; 4], link: u32, modified: bool) -> Vec<u8> {
        let big = encode(1)[3] == 1;
        let version = if big { 2 << 16 | 4 } else { 4 << 16 | 2 };
        let mut file: Vec<u8> = [magic, version, 0, 0, 96, link, SECOND, 7, 2, 3]
            .into_iter()
            .flat_map(encode)
            .collect();
        if modified {
            file.extend([0; 8]);
        }
        file.extend([0xaa, 0xbb]);
        file
    }

    #[test]
    fn every_magic_is_read_with_its_byte_order_unit_and_header() {
        for (magic, nanos, modified) in [
            (0xa1b2_c3d4, 7_000, false),
            (0xa1b2_3c4d, 7, false),
            (0xa1b2_cd34, 7_000, true),
        ] {
            for encode in [u32::to_le_bytes, u32::to_be_bytes] {
                let file = file(magic, encode, 0xf000_0071, modified);
                let (records, tally) = walk(&file);
                let [record] = records[..] else {
                    panic!("{magic:x}: {records:?}")
                };
                assert_eq!(
                    record.time,
                    Some(Time::from_nanos(i64::from(SECOND) * 1_000_000_000 + nanos))
                );
                assert_eq!(
                    (record.link, record.captured, record.original, record.frame),
                    (113, 2, 3, 1)
                );
                assert_eq!(file[HEADER + record.at as usize..], [0xaa, 0xbb]);
                assert_eq!((tally.cut, tally.into_problems().len()), (1, 0));
                let pcap = Pcap::new(&file).unwrap();
                assert_eq!(pcap.link, 113);
            }
        }
    }

    #[test]
    fn lengths_that_old_versions_swapped_are_put_right() {
        let mut file = file(0xa1b2_c3d4, u32::to_le_bytes, 1, false);
        file[6] = 3;
        file[32..40].copy_from_slice(&[3, 0, 0, 0, 2, 0, 0, 0]);
        let (records, _) = walk(&file);
        assert_eq!((records[0].captured, records[0].original), (2, 3));
    }

    #[test]
    fn a_fraction_of_a_second_or_more_counts_on() {
        let mut file = pcap(&[b"packet"]);
        file[28..32].copy_from_slice(&1_500_000_u32.to_le_bytes());
        let (records, _) = walk(&file);
        assert_eq!(
            records[0].time,
            Some(Time::from_nanos((i64::from(SECOND) + 1) * 1_000_000_000 + 500_000_000))
        );
    }

    #[test]
    fn a_cut_last_record_is_a_note() {
        let whole = pcap(&[&[1; 40], &[2; 40]]);
        for left in [1, 15, 16, 55] {
            let (records, tally) = walk(&whole[..HEADER + 56 + left]);
            assert_eq!(records.len(), 1);
            assert_eq!(problems(tally), [(80, left as u64, ProblemKind::Cut)]);
        }
    }

    #[test]
    fn reading_goes_on_after_a_length_that_is_too_large() {
        let mut file = pcap(&[&[1; 40], &[2; 40], &[3; 40], &[4; 40]]);
        file[80 + 8..80 + 12].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
        let (records, tally) = walk(&file);
        let firsts: Vec<u8> = records.iter().map(|record| file[HEADER + record.at as usize]).collect();
        assert_eq!(firsts, [1, 3, 4]);
        assert_eq!(records[2].frame, 3);
        assert_eq!(problems(tally), [(80, 56, ProblemKind::Damaged)]);
    }

    #[test]
    fn a_captured_length_beyond_the_original_needs_a_record_behind_it() {
        let mut file = pcap(&[&[1; 40], &[2; 40], &[3; 40], &[4; 40]]);
        file[80 + 8] = 50;
        let (records, tally) = walk(&file);
        assert_eq!(records.len(), 3);
        assert_eq!(problems(tally), [(80, 56, ProblemKind::Damaged)]);

        let mut sound = pcap(&[&[1; 40], &[2; 40], &[3; 40]]);
        sound[80 + 12] = 30;
        let (records, tally) = walk(&sound);
        assert_eq!((records.len(), records[1].original), (3, 30));
        assert_eq!(tally.into_problems(), []);
    }

    #[test]
    fn a_length_past_the_end_does_not_hide_the_records_behind_it() {
        let mut file = pcap(&[&[1; 40], &[2; 40], &[3; 40], &[4; 40]]);
        file[80 + 8..80 + 10].copy_from_slice(&[0, 9]);
        file[80 + 12..80 + 14].copy_from_slice(&[0, 9]);
        let (records, tally) = walk(&file);
        assert_eq!(records.len(), 3);
        assert_eq!(problems(tally), [(80, 56, ProblemKind::Damaged)]);
    }

    #[test]
    fn zero_bytes_are_no_records() {
        let mut file = pcap(&[&[1; 40]]);
        file.extend([0; 5_000]);
        file.extend(pcap_record(SECOND + 9, &[2; 40]));
        let (records, tally) = walk(&file);
        assert_eq!(records.len(), 2);
        assert_eq!(problems(tally), [(80, 5_000, ProblemKind::Damaged)]);
    }

    #[test]
    fn a_search_goes_on_in_the_next_window() {
        let mut file = pcap(&[&[1; 40]]);
        file.extend([0xee; 300]);
        file.extend(pcap_record(SECOND + 9, &[2; 40]));
        file.extend(pcap_record(SECOND + 9, &[3; 40]));
        let (mut pcap, mut tally, mut records) = (Pcap::new(&file).unwrap(), Tally::default(), Vec::new());
        let (mut start, mut end) = (HEADER, HEADER);
        while end < file.len() {
            end = file.len().min(end + 13);
            start += pcap.walk(
                &file[start..end],
                start as u64,
                end == file.len(),
                &mut tally,
                &mut records,
            );
        }
        assert_eq!((start, records.len()), (file.len(), 3));
        assert_eq!(problems(tally), [(80, 300, ProblemKind::Damaged)]);
    }
}
