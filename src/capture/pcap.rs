//! The pcap format: a header of 24 bytes, then records.
//!
//! Micro- and nanoseconds, both byte orders, and the variants that were in use: Kuznetzov's with its longer record headers, those of old Red Hat
//! and SuSE systems and of Nokia's, which do not say in the file's header that they are longer, AIX's and Ixia's.

use pcap_parser::parse_pcap_header;

use super::bytes::Order;
use super::records::{Head, Layout, RECORD_MAX, Records, USUAL_MAX, plausible};

/// Bytes of the file's header.
const HEADER: usize = 24;

/// Bytes of the file's header in Ixia's variant, which adds the length of all records.
const IXIA_HEADER: usize = 28;

/// `LINKTYPE_ETHERNET`, `_IEEE802_5`, `_FDDI` and `_NULL`, which AIX writes as the interface types 6, 9, 15 and 24.
const AIX_LINKS: [(u32, u16); 4] = [(6, 1), (9, 6), (15, 10), (24, 0)];

/// Which of the two length fields comes first. Tools that wrote versions before 2.4 swapped them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    /// Version 2.3 was written in both ways: the smaller one is what was captured.
    SmallerIsCaptured,
}

/// How one pcap file writes its records.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    head_len: usize,
    /// Lengths that the record header may have instead; nothing but the records tells.
    variants: &'static [usize],
    nanos_per_unit: u64,
    lengths: Lengths,
    limit: u32,
    link: u16,
    fcs: u32,
}

/// Bytes of the header of a file that begins with `head`.
pub(super) fn header_len(head: &[u8]) -> usize {
    match head {
        [0x1c, 0x00, 0x01, 0xab | 0xac, ..] | [0xab | 0xac, 0x01, 0x00, 0x1c, ..] => IXIA_HEADER,
        _ => HEADER,
    }
}

impl Pcap {
    /// Reads the file's header, and answers how many bytes it has; `None` where it is too short or of another format.
    pub(super) fn new(head: &[u8]) -> Option<(Records<Self>, usize)> {
        let mut header: [u8; HEADER] = *head.first_chunk()?;
        let magic = *header.first_chunk()?;
        let big = u32::from_be_bytes(magic);
        let (order, number) = match big {
            0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34 | 0x1c00_01ac | 0x1c00_01ab => (Order::Big, big),
            _ => (Order::Little, u32::from_le_bytes(magic)),
        };
        let (head_len, variants, nanos_per_unit): (usize, &'static [usize], u64) = match number {
            0xa1b2_c3d4 => (16, &[24, 20], 1_000),
            0xa1b2_3c4d => (16, &[], 1),
            0xa1b2_cd34 => (24, &[28], 1_000),
            0x1c00_01ac | 0x1c00_01ab => (16, &[], 1_000),
            _ => return None,
        };
        // The parser does not know every magic; the header's other fields are those of the plain format.
        *header.first_chunk_mut()? = match order {
            Order::Big => 0xa1b2_c3d4_u32.to_be_bytes(),
            Order::Little => 0xa1b2_c3d4_u32.to_le_bytes(),
        };
        let (_, parsed) = parse_pcap_header(&header).ok()?;
        let version = (parsed.version_major, parsed.version_minor);
        let network = order.u32(&header, 20)?;
        let mut pcap = Self {
            order,
            head_len,
            variants,
            nanos_per_unit,
            lengths: match version {
                (2, 0..3) => Lengths::OriginalFirst,
                (2, 3) => Lengths::SmallerIsCaptured,
                _ => Lengths::CapturedFirst,
            },
            limit: parsed.snaplen.clamp(USUAL_MAX, RECORD_MAX),
            // The upper half tells whether there is a frame check sequence, and of how many pairs of bytes.
            link: network as u16,
            fcs: if network & 0x0400_0000 != 0 {
                network >> 28 << 1
            } else {
                0
            },
        };
        if version == (2, 2)
            && let Some((_, link)) = AIX_LINKS.iter().find(|(number, _)| *number == network)
        {
            (pcap.link, pcap.nanos_per_unit, pcap.lengths) = (*link, 1, Lengths::CapturedFirst);
        }
        Some((Records::new(pcap), header_len(head)))
    }

    /// True where two records follow each other if record headers have this length; `None` where too few bytes are there to tell.
    fn chains(&self, head_len: usize, bytes: &[u8], last: bool) -> Option<bool> {
        let layout = |at| self.head_of(head_len, bytes, at);
        let first = layout(0)?;
        if !plausible(first, None) {
            return Some(false);
        }
        match layout(first.len) {
            Some(next) => Some(plausible(next, Some(first.seconds))),
            // A file that is cut is more usual than one of these variants with a single record.
            None => (last && first.len == bytes.len()).then_some(true),
        }
    }

    #[inline]
    fn head_of(&self, head_len: usize, bytes: &[u8], at: usize) -> Option<Head> {
        let bytes = bytes.get(at..at.checked_add(head_len)?)?;
        let (first, second) = (self.order.u32(bytes, 8)?, self.order.u32(bytes, 12)?);
        let (captured, original) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        Some(Head {
            seconds: self.order.u32(bytes, 0)?,
            nanos: u64::from(self.order.u32(bytes, 4)?) * self.nanos_per_unit,
            captured,
            original,
            packet_at: head_len,
            len: head_len + captured as usize,
            link: self.link,
            fcs: self.fcs,
            is_odd: false,
            is_filler: false,
        })
    }
}

impl Layout for Pcap {
    #[inline]
    fn head(&self, bytes: &[u8], at: usize) -> Option<Head> {
        self.head_of(self.head_len, bytes, at)
    }

    #[inline]
    fn limit(&self) -> u32 {
        self.limit
    }

    fn settle(&mut self, bytes: &[u8], last: bool) {
        if self.chains(self.head_len, bytes, last) == Some(false) {
            let fits = |variant: &&usize| self.chains(**variant, bytes, last) == Some(true);
            self.head_len = self.variants.iter().find(fits).copied().unwrap_or(self.head_len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::tally::Tally;
    use crate::capture::testing::{SECOND, pcap, pcap_record};
    use crate::capture::{Problem, ProblemKind, Record};
    use crate::evidence::Time;

    /// All records as (frame, captured, original), and the problems.
    fn walk(file: &[u8]) -> (Vec<Record>, Tally) {
        let (mut pcap, header) = Pcap::new(file).unwrap();
        let (mut tally, mut records) = (Tally::default(), Vec::new());
        let used = pcap.walk(&file[header..], header as u64, true, &mut tally, &mut records);
        assert_eq!(used, file.len() - header);
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
                let file = file(magic, encode, 0xf800_0071, modified);
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
        let ((mut pcap, _), mut tally, mut records) = (Pcap::new(&file).unwrap(), Tally::default(), Vec::new());
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

    #[test]
    fn the_frame_check_sequence_is_no_part_of_the_packet() {
        let mut file = pcap(&[&[1; 64], &[2; 64], &[3; 64], &[4; 64]]);
        // Two pairs of bytes; and the flag that says so.
        file[20..24].copy_from_slice(&0x2400_0001_u32.to_le_bytes());
        // The second one was cut in the middle of the sequence, the third before it.
        file[24 + 80 + 12] = 66;
        file[24 + 160 + 12] = 70;
        let (records, tally) = walk(&file);
        let lengths: Vec<(u32, u32)> = records
            .iter()
            .map(|record| (record.captured, record.original))
            .collect();
        assert_eq!(lengths, [(60, 60), (62, 62), (64, 66), (60, 60)]);
        assert_eq!((records[0].link, tally.cut), (1, 1));
    }

    #[test]
    fn variants_are_known_by_how_their_records_follow_each_other() {
        for (magic, head_len) in [
            (0xa1b2_c3d4_u32, 16),
            (0xa1b2_c3d4, 20),
            (0xa1b2_c3d4, 24),
            (0xa1b2_cd34, 24),
            (0xa1b2_cd34, 28),
        ] {
            let mut file = pcap(&[])[..HEADER].to_vec();
            file[..4].copy_from_slice(&magic.to_le_bytes());
            for n in 0..3 {
                let record = pcap_record(SECOND + n, &[7; 40]);
                file.extend(&record[..16]);
                file.extend(vec![0x11; head_len - 16]);
                file.extend(&record[16..]);
            }
            let (records, tally) = walk(&file);
            assert_eq!(
                (records.len(), tally.into_problems().len()),
                (3, 0),
                "{magic:x} {head_len}"
            );
            let all_there = |record: &Record| file[HEADER + record.at as usize..][..40] == [7; 40];
            assert!(records.iter().all(all_there), "{magic:x} {head_len}");
        }
    }

    #[test]
    fn aix_counts_nanoseconds_and_names_links_its_own_way() {
        let mut file = file(0xa1b2_c3d4, u32::to_be_bytes, 6, false);
        file[7] = 2;
        let (records, _) = walk(&file);
        let nanos = records[0].time.map(|time| time.nanos() % 1_000_000_000);
        assert_eq!((records[0].link, records[0].captured, nanos), (1, 2, Some(7)));
    }

    #[test]
    fn ixia_tells_the_length_of_all_records_first() {
        for magic in [0x1c00_01ac_u32, 0x1c00_01ab] {
            let mut file = pcap(&[&[1; 40], &[2; 40]]);
            file[..4].copy_from_slice(&magic.to_le_bytes());
            file.splice(24..24, 112_u32.to_le_bytes());
            let (records, tally) = walk(&file);
            assert_eq!((records.len(), tally.into_problems().len()), (2, 0));
        }
    }
}
