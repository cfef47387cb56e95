//! Endace's Extensible Record Format: records without a header of the file before them.
//!
//! A record tells its type, its length with padding, and the packet's length on the wire, to which Ethernet's frame check sequence counts. Extension
//! headers are passed over. Ethernet, HDLC and raw IP are read, with their coloured and hashed variants; what else there is, such as meta data
//! and ATM, counts as frames. Filling records do not, as in Wireshark.
//!
//! There is no magic number: a file is believed to be ERF by its first two records.

use super::bytes::Order;
use super::records::{Head, Layout, Records};

/// Bytes of a record's header without extensions.
const RECORD: usize = 16;

/// Bytes of an extension header, and how many of them are believed.
const EXTENSION: usize = 8;
const EXTENSIONS_MAX: usize = 16;

const META: u8 = 27;
const FILLER: u8 = 48;

const ETHERNET: u16 = 1;
const PPP_HDLC: u16 = 50;
const RAW_IP: u16 = 101;
const C_HDLC: u16 = 104;

/// No `LINKTYPE_` value: the packets are frames of which nothing is known.
const NO_LINK: u16 = u16::MAX;

/// 1990 in seconds since 1970: no capture is older.
const EARLIEST: u32 = 631_152_000;

/// How an ERF file writes its records.
#[derive(Debug)]
pub(super) struct Erf;

impl Erf {
    /// A reader at the start of the file.
    pub(super) fn new() -> Records<Self> {
        Records::new(Self)
    }
}

/// True where a file that begins with `head` is believed to be ERF. With less than the whole file, its second record has to begin in `head`.
pub(super) fn is_plausible(head: &[u8]) -> bool {
    let sound = |at| {
        Erf.head(head, at)
            .filter(|head| !head.is_odd && head.seconds >= EARLIEST)
    };
    let is_known = |at: usize| {
        head.get(at + 8)
            .is_some_and(|kind| matches!(kind & 0x7f, 1..=META | FILLER))
    };
    let Some(first) = sound(0).filter(|first| is_known(0) && !first.is_filler) else {
        return false;
    };
    if first.len == head.len() {
        return true;
    }
    sound(first.len).is_some_and(|next| is_known(first.len) && next.seconds.abs_diff(first.seconds) < 86_400)
}

impl Layout for Erf {
    fn head(&self, bytes: &[u8], at: usize) -> Option<Head> {
        let bytes = bytes.get(at..)?;
        let header = bytes.get(..RECORD)?;
        let kind = *header.get(8)?;
        let mut packet_at = RECORD;
        let mut more = kind & 0x80 != 0;
        while more && packet_at < RECORD + EXTENSION * EXTENSIONS_MAX {
            more = bytes.get(packet_at)? & 0x80 != 0;
            packet_at += EXTENSION;
        }
        let (len, original) = (
            usize::from(Order::Big.u16(header, 10)?),
            u32::from(Order::Big.u16(header, 14)?),
        );
        let kind = kind & 0x7f;
        let mut link = NO_LINK;
        match kind {
            // Two bytes make the IP header behind Ethernet's begin at a multiple of four.
            2 | 11 | 16 | 20 => {
                link = ETHERNET;
                packet_at += 2;
            }
            1 | 10 | 15 | 19 => link = C_HDLC,
            // Here four bytes tell the channel.
            5 | 17 => {
                link = C_HDLC;
                packet_at += 4;
            }
            22 | 23 => link = RAW_IP,
            _ => {}
        }
        if link == C_HDLC && bytes.get(packet_at..packet_at + 2) == Some(&[0xff, 0x03]) {
            link = PPP_HDLC;
        }
        let room = u32::try_from(len.saturating_sub(packet_at)).unwrap_or(0);
        // The fraction is one of 2^32 parts of a second.
        let fraction = u64::from(Order::Little.u32(header, 0)?);
        Some(Head {
            seconds: Order::Little.u32(header, 4)?,
            nanos: (fraction * 1_000_000_000) >> 32,
            captured: original.min(room),
            original,
            packet_at,
            len,
            link,
            fcs: 0,
            is_odd: len < packet_at,
            is_filler: kind == FILLER,
        })
    }

    fn limit(&self) -> u32 {
        u32::from(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Record;
    use crate::capture::tally::Tally;

    const SECOND: u32 = 1_700_000_000;

    /// A record of this type, padded as cards do it: `extensions` and what stands before the packet are given as they are.
    fn record(kind: u8, second: u32, extensions: &[u8], packet: &[u8], original: u16) -> Vec<u8> {
        let len = (RECORD + extensions.len() + packet.len()).next_multiple_of(8);
        let mut record = 0x8000_0000_u32.to_le_bytes().to_vec();
        record.extend(second.to_le_bytes());
        record.extend([kind, 4]);
        record.extend((len as u16).to_be_bytes());
        record.extend([0, 0]);
        record.extend(original.to_be_bytes());
        record.extend(extensions);
        record.extend(packet);
        record.resize(len, 0);
        record
    }

    fn walk(file: &[u8]) -> (Vec<Record>, Tally) {
        let (mut tally, mut records) = (Tally::default(), Vec::new());
        let used = Erf::new().walk(file, 0, true, &mut tally, &mut records);
        assert_eq!(used, file.len());
        (records, tally)
    }

    #[test]
    fn every_family_of_types_has_its_link() {
        let ext = [0x80 | 5, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0];
        let file = [
            record(2, SECOND, &[], b"\0\0ethernet", 8),
            record(16 | 0x80, SECOND, &ext, b"\0\0coloured", 8),
            record(FILLER, SECOND, &[], b"", 0),
            record(1, SECOND, &[], &[0x0f, 0, 8, 0], 4),
            record(10, SECOND, &[], &[0xff, 3, 0, 0x21], 9),
            record(22, SECOND + 1, &[], &[0x45, 0], 2),
            record(META, SECOND + 1, &[], &[1; 8], 8),
        ]
        .concat();
        let (records, tally) = walk(&file);
        let told: Vec<_> = records
            .iter()
            .map(|record| (record.link, record.captured, record.original))
            .collect();
        assert_eq!(
            told,
            [
                (ETHERNET, 8, 8),
                (ETHERNET, 8, 8),
                (C_HDLC, 4, 4),
                (PPP_HDLC, 8, 9),
                (RAW_IP, 2, 2),
                (NO_LINK, 8, 8)
            ]
        );
        assert_eq!(&file[records[1].at as usize..][..8], b"coloured");
        assert_eq!(
            records[0].time.unwrap().nanos(),
            i64::from(SECOND) * 1_000_000_000 + 500_000_000
        );
        assert_eq!((tally.frames, tally.into_problems().len()), (6, 0));
    }

    #[test]
    fn reading_goes_on_behind_damage() {
        let packet = |n| record(2, SECOND + n, &[], &[7; 62], 60);
        let mut file = [packet(0), packet(1), packet(2), packet(3)].concat();
        file[80 + 10..80 + 12].copy_from_slice(&[0, 3]);
        let (records, tally) = walk(&file);
        let problems = tally.into_problems();
        assert_eq!((records.len(), problems.len()), (3, 1));
        assert_eq!((problems[0].offset, problems[0].skipped), (80, 80));
    }

    #[test]
    fn only_what_begins_like_records_is_believed() {
        let one = record(2, SECOND, &[], &[7; 62], 60);
        let two = [one.clone(), record(2, SECOND + 1, &[], &[7; 62], 60)].concat();
        assert!(is_plausible(&one) && is_plausible(&two) && is_plausible(&two[..96]));
        assert!(!is_plausible(&one[..70]) && !is_plausible(&two[..90]));
        for text in [
            &b"Words in a text file\nand more of them, line by line"[..],
            &[0; 64],
            &[0xff; 64],
            b"",
        ] {
            assert!(!is_plausible(text));
        }
    }
}
