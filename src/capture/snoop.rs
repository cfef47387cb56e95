//! Sun's snoop format (RFC 1761): a header of 16 bytes, then records, big-endian, padded.
//!
//! Not read: the versions that Shomiti's analysers wrote, whose headers differ.

use super::bytes::Order;
use super::records::{Head, Layout, RECORD_MAX, Records};

/// Bytes of the file's header.
pub(super) const HEADER: usize = 16;

/// Bytes of a record's header.
const RECORD: usize = 24;

/// The most bytes of padding that are believed.
const PADDING_MAX: usize = 64;

/// Data link types of RFC 1761 §3 (IEEE 802.3, token ring, Ethernet, FDDI) as `LINKTYPE_` values.
const LINKS: [(u32, u16); 4] = [(0, 1), (2, 6), (4, 1), (8, 10)];

/// No `LINKTYPE_` value: the packets are frames of which nothing is known.
const NO_LINK: u16 = u16::MAX;

/// How one snoop file writes its records.
#[derive(Debug)]
pub(super) struct Snoop {
    link: u16,
}

impl Snoop {
    /// Reads the file's header; `None` where it is too short or of another version.
    pub(super) fn new(head: &[u8]) -> Option<Records<Self>> {
        let (version, link) = (Order::Big.u32(head, 8)?, Order::Big.u32(head, 12)?);
        let known = LINKS.iter().find(|(number, _)| *number == link);
        let link = known.map_or(NO_LINK, |(_, link)| *link);
        (version == 2).then(|| Records::new(Self { link }))
    }
}

impl Layout for Snoop {
    fn head(&self, bytes: &[u8], at: usize) -> Option<Head> {
        let bytes = bytes.get(at..at.checked_add(RECORD)?)?;
        let field = |at| Order::Big.u32(bytes, at);
        let (original, captured, len) = (field(0)?, field(4)?, field(8)? as usize);
        let filled = RECORD + captured as usize;
        Some(Head {
            seconds: field(16)?,
            nanos: u64::from(field(20)?) * 1_000,
            captured,
            original,
            packet_at: RECORD,
            len,
            link: self.link,
            fcs: 0,
            is_odd: !(filled..=filled + PADDING_MAX).contains(&len),
            is_filler: false,
        })
    }

    fn limit(&self) -> u32 {
        RECORD_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Record;
    use crate::capture::tally::Tally;

    const SECOND: u32 = 1_700_000_000;

    fn file(packets: &[&[u8]]) -> Vec<u8> {
        let mut file = b"snoop\0\0\0\0\0\0\x02\0\0\0\x04".to_vec();
        for (packet, second) in packets.iter().zip(SECOND..) {
            let len = packet.len() as u32;
            let padded = packet.len().next_multiple_of(4);
            for field in [len + 2, len, 24 + padded as u32, 0, second, 7] {
                file.extend(field.to_be_bytes());
            }
            file.extend(*packet);
            file.resize(file.len() + padded - packet.len(), 0);
        }
        file
    }

    fn walk(file: &[u8]) -> (Vec<Record>, Tally) {
        let (mut tally, mut records) = (Tally::default(), Vec::new());
        let used = Snoop::new(file)
            .unwrap()
            .walk(&file[HEADER..], HEADER as u64, true, &mut tally, &mut records);
        assert_eq!(used, file.len() - HEADER);
        (records, tally)
    }

    #[test]
    fn records_are_read_without_their_padding() {
        let (records, tally) = walk(&file(&[b"packet", b"next"]));
        let told: Vec<_> = records
            .iter()
            .map(|record| (record.link, record.captured, record.original))
            .collect();
        assert_eq!(told, [(1, 6, 8), (1, 4, 6)]);
        assert_eq!(
            records[1].time.unwrap().nanos(),
            (i64::from(SECOND) + 1) * 1_000_000_000 + 7_000
        );
        assert_eq!(tally.into_problems(), []);
    }

    #[test]
    fn reading_goes_on_behind_a_record_that_contradicts_itself() {
        let mut file = file(&[&[1; 40], &[2; 40], &[3; 40], &[4; 40]]);
        file[16 + 64 + 8] = 0x7f;
        let (records, tally) = walk(&file);
        let problems = tally.into_problems();
        assert_eq!((records.len(), problems.len()), (3, 1));
        assert_eq!((problems[0].offset, problems[0].skipped), (80, 64));
    }

    #[test]
    fn another_version_is_not_read_and_another_link_gives_frames_all_the_same() {
        let mut file = file(&[b"packet"]);
        file[15] = 99;
        assert_eq!(walk(&file).0[0].link, NO_LINK);
        file[11] = 3;
        assert!(Snoop::new(&file).is_none());
    }
}
