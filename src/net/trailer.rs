//! What F5's BIG-IP appends to the frames that it captures with details (`tcpdump -i 0.0:nnn`): here, why it reset a connection.
//!
//! The trailer stands behind the IP packet, and behind the zeros that fill a short frame. It has two forms, both a row of entries of three
//! kinds: low, medium and high details. An entry of the older form begins with kind, length and version in a byte each; the length counts
//! from behind itself. The newer one begins with a magic number, its whole length and a version, and its entries with provider, kind,
//! length (of the whole entry) and version in two bytes each.
//!
//! The cause of a reset ends the medium details: a length; a byte whose upper seven bits are a version; the place in BIG-IP's own source, as
//! six bytes for the file and two for the line; and a text. They begin, in all versions that have a cause, with the numbers of two flows of
//! eight bytes each: this one, and the one on the other side of the proxy.
//!
//! Not read: the addresses of the other side's connection (high details).

use std::ops::Range;

use super::link::be16;

/// The least that an Ethernet frame carries: so many zeros may fill one up.
const LEAST_PAYLOAD: usize = 46;
/// The newer form's first bytes.
const MAGIC: [u8; 4] = [0xf5, 0xde, 0xb0, 0xf5];
/// Its header, and that of each entry in it.
const HEADER: usize = 8;
/// Lengths that an entry of the older form may have.
const OLDER_LEN: std::ops::RangeInclusive<usize> = 7..=140;
/// What stands before the text of a cause: its version, file and line.
const BEFORE_TEXT: usize = 9;

/// Kind of the medium details.
const MEDIUM: u16 = 2;

/// What a device says of a reset of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeviceReset<'a> {
    /// Its number for this flow, which it uses again later.
    pub(crate) flow: u64,
    /// Its number for the flow on its other side; 0 where there is none.
    pub(crate) peer: u64,
    /// Why: printable ASCII.
    pub(crate) text: &'a [u8],
}

impl<'a> DeviceReset<'a> {
    /// Reads an entry of medium details, of either form.
    pub(crate) fn read(entry: &'a [u8]) -> Option<Self> {
        let (at, cause_at) = match entry {
            [2, _, 1, ..] => (3, 29),
            [2, _, 2, ..] => (3, 30),
            [2, _, 3, ..] => (3, 34),
            [0, 1, 0, 2, _, _, 0, 4, ..] => (HEADER, 39),
            _ => return None,
        };
        let (flow, rest) = entry.get(at..)?.split_first_chunk()?;
        let (len, cause) = entry.get(cause_at..)?.split_first()?;
        let is_known = usize::from(*len) == cause.len() && cause.first()? >> 1 == 0;
        let text = cause.get(BEFORE_TEXT..).filter(|_| is_known)?;
        let is_text = !text.is_empty() && text.iter().all(|byte| matches!(byte, 0x20..=0x7e));
        is_text.then_some(Self {
            flow: u64::from_be_bytes(*flow),
            peer: u64::from_be_bytes(*rest.first_chunk()?),
            text,
        })
    }
}

/// Where in a frame the entry stands that says why a connection was reset, for [`DeviceReset::read`]. `at` is where the frame's IP packet
/// ends.
#[cold]
pub(super) fn reset_details(frame: &[u8], at: usize) -> Option<Range<usize>> {
    let behind = frame.get(at..)?;
    let padding = behind.iter().take(LEAST_PAYLOAD).take_while(|byte| **byte == 0).count();
    let at = at.checked_add(padding)?;
    let trailer = frame.get(at..)?;
    let entry = if trailer.starts_with(&MAGIC) {
        newer(trailer)?
    } else {
        older(trailer)?
    };
    DeviceReset::read(trailer.get(entry.clone())?)?;
    Some(at + entry.start..at + entry.end)
}

/// The medium details of the older form.
fn older(trailer: &[u8]) -> Option<Range<usize>> {
    let mut at = 0;
    loop {
        let [kind @ 1..=3, length, ..] = trailer.get(at..)? else {
            return None;
        };
        let len = usize::from(*length) + 2;
        if !OLDER_LEN.contains(&len) {
            return None;
        }
        if u16::from(*kind) == MEDIUM {
            return Some(at..at + len);
        }
        at += len;
    }
}

/// The medium details of the newer form.
fn newer(trailer: &[u8]) -> Option<Range<usize>> {
    let (len, version) = (be16(trailer, 4)?, be16(trailer, 6)?);
    let trailer = trailer.get(..usize::from(len)).filter(|_| version == 1)?;
    let mut at = HEADER;
    loop {
        let rest = trailer.get(at..)?;
        let (provider, kind, len) = (be16(rest, 0)?, be16(rest, 2)?, usize::from(be16(rest, 4)?));
        rest.get(..len).filter(|_| len >= HEADER)?;
        if (provider, kind) == (1, MEDIUM) {
            return Some(at..at + len);
        }
        at += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[u8] = b"handshake timeout";

    fn cause(words: &[u8]) -> Vec<u8> {
        [&[words.len() as u8 + 9, 1, 0, 0, 0, 0x1a, 0x2b, 0x3c, 4, 0xd2], words].concat()
    }

    fn entry(kind: u8, version: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, body.len() as u8 + 1, version], body].concat()
    }

    fn low() -> Vec<u8> {
        entry(1, 1, &[1, 0, 2, 4, b'/', b'v', b's', b'1'])
    }

    /// Medium details: flow ids, flags and ports, then the cause.
    fn medium(version: u8, cause: &[u8]) -> Vec<u8> {
        let before = [26, 27, 31][usize::from(version) - 1];
        entry(2, version, &[&vec![9; before][..], cause].concat())
    }

    fn wide(kind: u8, version: u8, body: &[u8]) -> Vec<u8> {
        [&[0, 1, 0, kind, 0, body.len() as u8 + 8, 0, version], body].concat()
    }

    fn with_magic(entries: &[Vec<u8>]) -> Vec<u8> {
        let entries = entries.concat();
        [&MAGIC[..], &[0, entries.len() as u8 + 8, 0, 1], &entries].concat()
    }

    /// Of a frame whose IP packet ends at 54, the text.
    fn read(behind: &[u8]) -> Option<Vec<u8>> {
        let frame = [&[0xaa; 54], behind].concat();
        let details = reset_details(&frame, 54)?;
        let told = DeviceReset::read(&frame[details]).unwrap();
        assert_eq!((told.flow, told.peer), (0x0909_0909_0909_0909, 0x0909_0909_0909_0909));
        Some(told.text.to_vec())
    }

    #[test]
    fn the_cause_is_found_in_every_version_of_the_older_form() {
        for version in 1..=3 {
            let trailer = [low(), medium(version, &cause(WORDS)), entry(3, 0, &[0; 39])].concat();
            assert_eq!(read(&trailer).as_deref(), Some(WORDS));
            let filled = [&[0; 6][..], &trailer].concat();
            assert_eq!(read(&filled).as_deref(), Some(WORDS));
        }
    }

    #[test]
    fn the_cause_is_found_in_the_newer_form() {
        let medium = wide(2, 4, &[&[9; 31][..], &cause(WORDS)].concat());
        let trailer = with_magic(&[wide(1, 4, &[7; 12]), medium]);
        assert_eq!(read(&trailer).as_deref(), Some(WORDS));
        let filled = [&[0; 6][..], &trailer, &[1, 2, 3, 4]].concat();
        assert_eq!(read(&filled).as_deref(), Some(WORDS));
    }

    #[test]
    fn a_trailer_without_a_cause_gives_none() {
        assert_eq!(read(&[low(), medium(3, &[0])].concat()), None);
        assert_eq!(read(&with_magic(&[wide(2, 4, &[&[9; 31][..], &[0]].concat())])), None);
        assert_eq!(read(&with_magic(&[wide(1, 4, &[7; 12])])), None);
        assert_eq!(read(&[low(), entry(2, 0, &[9; 26])].concat()), None);
    }

    #[test]
    fn padding_is_no_trailer() {
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[0; 6]), None);
        assert_eq!(read(&[0; 400]), None);
        assert_eq!(read(&[0xff; 64]), None);
    }

    #[test]
    fn of_a_trailer_that_was_cut_nothing_is_read() {
        let older = [low(), medium(3, &cause(WORDS))].concat();
        let newer = with_magic(&[wide(2, 4, &[&[9; 31][..], &cause(WORDS)].concat())]);
        for whole in [older, newer] {
            assert!(read(&whole).is_some());
            (0..whole.len()).for_each(|len| assert_eq!(read(&whole[..len]), None, "{len}"));
        }
    }

    #[test]
    fn what_is_not_quite_a_trailer_is_none() {
        let whole = [low(), medium(3, &cause(WORDS))].concat();
        let medium_at = low().len();
        for (at, value) in [
            (0, 4),
            (1, 3),
            (medium_at + 1, 200),
            (medium_at + 2, 9),
            (medium_at + 34, 30),
            (medium_at + 35, 2),
            (medium_at + 46, 0x07),
        ] {
            let mut garbled = whole.clone();
            garbled[at] = value;
            assert_eq!(read(&garbled), None, "{at}");
        }
        let newer = with_magic(&[wide(2, 4, &[&[9; 31][..], &cause(WORDS)].concat())]);
        for (at, value) in [(3, 0), (7, 2), (9, 2), (13, 4), (13, 7), (15, 5)] {
            let mut garbled = newer.clone();
            garbled[at] = value;
            assert_eq!(read(&garbled), None, "{at}");
        }
    }
}
