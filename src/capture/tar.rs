//! Tar archives (POSIX.1-1988 ustar, pax, GNU), read as a stream, member by member.
//!
//! Everything is in blocks of 512 bytes, and each header carries a checksum: where that is wrong, the next header is searched for, so a damaged
//! member does not cost those behind it. What stands before a member to give it a longer name is kept up to [`NAME_MAX`] bytes.
//!
//! Not restored: sparse files, which are passed over like links and folders.

use std::io::{self, ErrorKind, Read};

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;

/// Bytes of a long name or a pax header that are kept.
const NAME_MAX: u64 = 64 << 10;

/// A tar archive, of which the content of one member can be read at a time.
pub(super) struct Tar<R> {
    source: R,
    /// Bytes of the archive read so far.
    at: u64,
    /// Bytes of the member at hand that are still to come, and of the padding behind them.
    left: u64,
    padding: u64,
    /// A block of zeros was met, as at the end: what cannot be read behind it is no damage.
    ended: bool,
    /// A header that was found behind damage.
    found: Option<[u8; BLOCK]>,
}

/// What comes next in an archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A file, by its name; its content can be read now.
    File(String),
    /// A place that cannot be read, and how many bytes were passed over.
    Damaged {
        /// Bytes from the start of the archive.
        at: u64,
        /// Number of bytes.
        skipped: u64,
    },
}

/// True where a block is a header: its checksum is right.
pub(super) fn is_header(block: &[u8]) -> bool {
    let Some(block) = block.first_chunk::<BLOCK>() else {
        return false;
    };
    // The checksum is taken as if its own field were blank; some old programs added the bytes up as signed.
    let counted = |at: usize, byte: u8| if (148..156).contains(&at) { b' ' } else { byte };
    let bytes = || block.iter().enumerate().map(|(at, &byte)| counted(at, byte));
    let unsigned: i64 = bytes().map(i64::from).sum();
    let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
    let written = number(block.get(148..156).unwrap_or_default()).and_then(|sum| i64::try_from(sum).ok());
    written == Some(unsigned) || written == Some(signed)
}

impl<R: Read> Tar<R> {
    /// An archive at its start.
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            at: 0,
            left: 0,
            padding: 0,
            ended: false,
            found: None,
        }
    }

    /// Goes to the next file; `None` at the end. What was not read of the one before is passed over.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` where the archive is cut, or what the source says.
    pub(super) fn next(&mut self) -> io::Result<Option<Item>> {
        let rest = self.left.saturating_add(self.padding);
        self.skip(rest)?;
        (self.left, self.padding) = (0, 0);
        let mut name = None;
        let mut length = None;
        loop {
            let header = match self.found.take() {
                Some(header) => header,
                None => match self.header()? {
                    Some(header) if is_header(&header) => header,
                    Some(_) if self.ended => return Ok(None),
                    Some(_) => return self.search().map(Some),
                    None => return Ok(None),
                },
            };
            self.ended = false;
            let size = length.take().or_else(|| number(header.get(124..136)?)).unwrap_or(0);
            self.left = size;
            self.padding = size.next_multiple_of(BLOCK as u64) - size;
            match header.get(156) {
                Some(0 | b'0' | b'7') => {
                    return Ok(Some(Item::File(name.unwrap_or_else(|| plain_name(&header)))));
                }
                Some(b'L') => name = self.kept()?.map(|bytes| text(&bytes)),
                Some(b'x') => {
                    if let Some(records) = self.kept()? {
                        pax(&records, &mut name, &mut length);
                    }
                }
                // Links, folders, devices, sparse files, and headers for all that follows: the name before them was theirs.
                kind => {
                    if !matches!(kind, Some(b'K' | b'g')) {
                        name = None;
                    }
                }
            }
            let rest = self.left.saturating_add(self.padding);
            self.skip(rest)?;
            (self.left, self.padding) = (0, 0);
        }
    }

    /// Bytes of the archive read so far.
    pub(super) const fn position(&self) -> u64 {
        self.at
    }

    /// The next block that is not of zeros; `None` at the end of the archive.
    fn header(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        loop {
            let mut block = [0; BLOCK];
            match self.fill(&mut block)? {
                0 => return Ok(None),
                BLOCK => {}
                _ if self.ended => return Ok(None),
                _ => return Err(ErrorKind::UnexpectedEof.into()),
            }
            if block.iter().any(|&byte| byte != 0) {
                return Ok(Some(block));
            }
            self.ended = true;
        }
    }

    /// Searches for the next header, from behind a block that should have been one.
    fn search(&mut self) -> io::Result<Item> {
        let at = self.at - BLOCK as u64;
        loop {
            let mut block = [0; BLOCK];
            let n = self.fill(&mut block)?;
            if n == BLOCK && is_header(&block) {
                self.found = Some(block);
                let skipped = self.at - BLOCK as u64 - at;
                return Ok(Item::Damaged { at, skipped });
            }
            if n < BLOCK {
                self.ended = true;
                let skipped = self.at - at;
                return Ok(Item::Damaged { at, skipped });
            }
        }
    }

    /// The content of the entry at hand, if it is not too long to be kept.
    fn kept(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.left > NAME_MAX {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Reads until the buffer is full or the archive ends; answers how much there was.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = io::copy(
            &mut self.source.by_ref().take(buffer.len() as u64),
            &mut io::Cursor::new(buffer),
        )?;
        self.at += n;
        Ok(n as usize)
    }

    fn skip(&mut self, len: u64) -> io::Result<()> {
        let n = io::copy(&mut self.source.by_ref().take(len), &mut io::sink())?;
        self.at += n;
        if n < len {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// The content of the file at hand.
impl<R: Read> Read for Tar<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if most == 0 {
            return Ok(0);
        }
        let n = self.source.read(buffer.get_mut(..most).unwrap_or_default())?;
        if n == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        self.at += n as u64;
        Ok(n)
    }
}

/// A number in octal digits, or in GNU's binary form where the highest bit is set.
fn number(field: &[u8]) -> Option<u64> {
    if let [first, rest @ ..] = field
        && first & 0x80 != 0
    {
        let value = rest.iter().try_fold(u64::from(first & 0x7f), |value, &byte| {
            value.checked_mul(256)?.checked_add(u64::from(byte))
        });
        return value.filter(|&value| value < 1 << 62);
    }
    let digits: Vec<u8> = field.iter().copied().filter(|byte| !matches!(byte, b' ' | 0)).collect();
    u64::from_str_radix(std::str::from_utf8(&digits).ok()?, 8).ok()
}

/// The name in a header; ustar splits one that is long (but not GNU's, which keeps other things in that place).
fn plain_name(header: &[u8; BLOCK]) -> String {
    let name = text(header.get(..100).unwrap_or_default());
    let prefix = text(header.get(345..500).unwrap_or_default());
    match header.get(257..263) {
        Some(b"ustar\0") if !prefix.is_empty() => format!("{prefix}/{name}"),
        _ => name,
    }
}

/// Bytes up to the first zero, as text.
fn text(bytes: &[u8]) -> String {
    let bytes = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads pax records: the length of the whole record, a space, `key=value` and a line feed.
fn pax(mut records: &[u8], name: &mut Option<String>, length: &mut Option<u64>) {
    while let Some(space) = records.iter().position(|&byte| byte == b' ') {
        let Some(len) = records
            .get(..space)
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok())
        else {
            return;
        };
        let (Some(record), Some(rest)) = (records.get(space + 1..len.saturating_sub(1)), records.get(len..)) else {
            return;
        };
        if let Some(path) = record.strip_prefix(b"path=") {
            *name = Some(text(path));
        } else if let Some(size) = record.strip_prefix(b"size=") {
            *length = std::str::from_utf8(size)
                .ok()
                .and_then(|size| size.parse().ok())
                .filter(|&size| size < 1 << 62);
        }
        records = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::testing::{tar, tar_entry};

    /// Every item of an archive, with the content of the files.
    fn read(bytes: &[u8]) -> (Vec<(Item, Vec<u8>)>, Option<ErrorKind>) {
        let (mut tar, mut items) = (Tar::new(bytes), Vec::new());
        loop {
            match tar.next() {
                Ok(Some(item)) => {
                    let mut content = Vec::new();
                    if let Err(error) = tar.read_to_end(&mut content) {
                        items.push((item, content));
                        return (items, Some(error.kind()));
                    }
                    items.push((item, content));
                }
                Ok(None) => return (items, None),
                Err(error) => return (items, Some(error.kind())),
            }
        }
    }

    fn file(name: &str, content: &[u8]) -> (Item, Vec<u8>) {
        (Item::File(name.into()), content.to_vec())
    }

    #[test]
    fn files_are_read_in_order_and_other_entries_passed_over() {
        let archive = [
            tar_entry(b'5', "folder/", b""),
            tar_entry(b'0', "folder/a", b"one"),
            tar_entry(b'2', "link", b""),
            tar_entry(b'0', "b", &[7; 600]),
            vec![0; 1024],
        ]
        .concat();
        let expected = vec![file("folder/a", b"one"), file("b", &[7; 600])];
        assert_eq!(read(&archive), (expected, None));
    }

    #[test]
    fn long_names_of_gnu_and_pax_are_kept() {
        let long = "x/".repeat(90) + "end";
        let path = format!("path={long}\n");
        let record = format!("{} {path}", path.len() + 4);
        let archive = [
            tar_entry(b'L', "././@LongLink", long.as_bytes()),
            tar_entry(b'0', "short", b"1"),
            tar_entry(b'x', "pax", record.as_bytes()),
            tar_entry(b'0', "short", b"2"),
            tar_entry(b'0', "short", b"3"),
        ]
        .concat();
        let expected = vec![file(&long, b"1"), file(&long, b"2"), file("short", b"3")];
        assert_eq!(read(&archive), (expected, None));
    }

    #[test]
    fn a_damaged_header_costs_its_member_only() {
        let mut archive = [
            tar_entry(b'0', "a", b"one"),
            tar_entry(b'0', "b", b"two"),
            tar_entry(b'0', "c", b"three"),
        ]
        .concat();
        archive[1024] ^= 0xff;
        let damaged = Item::Damaged {
            at: 1024,
            skipped: 1024,
        };
        let expected = vec![file("a", b"one"), (damaged, Vec::new()), file("c", b"three")];
        assert_eq!(read(&archive), (expected, None));
    }

    #[test]
    fn a_cut_archive_gives_what_it_has() {
        let archive = tar(&[("a", b"one"), ("b", &[7; 600])]);
        let (items, error) = read(&archive[..1024 + 512 + 300]);
        assert_eq!(
            (items, error),
            (
                vec![file("a", b"one"), file("b", &[7; 300])],
                Some(ErrorKind::UnexpectedEof)
            )
        );
        assert_eq!(read(&archive[..700]).1, Some(ErrorKind::UnexpectedEof));
        assert_eq!(read(&archive[..1024]).1, None, "some programs write no end");
    }

    #[test]
    fn archives_may_follow_each_other_and_anything_else_behind_the_end_is_left() {
        let archive = [tar(&[("a", b"one")]), tar(&[("b", b"two")]), b"rest".repeat(200)].concat();
        assert_eq!(read(&archive), (vec![file("a", b"one"), file("b", b"two")], None));
    }

    #[test]
    fn a_name_that_claims_gigabytes_takes_no_memory() {
        let mut header = tar_entry(b'L', "long", b"")[..512].to_vec();
        header[124..136].copy_from_slice(b"77777777777\0");
        crate::capture::testing::tar_checksum(&mut header);
        assert_eq!(read(&header), (Vec::new(), Some(ErrorKind::UnexpectedEof)));
    }
}
