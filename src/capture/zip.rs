//! Zip archives (PKWARE's APPNOTE 6.3), from a file by their directory, or as a stream by the headers before each member.
//!
//! A stream is all there is of a pipe, of a compressed archive, and of a file whose end is missing. A member whose length stands behind it
//! instead of before can be read there only if its compression knows its own end.
//!
//! Not read: encrypted members, and compressions that hardly anybody uses; each is told.

use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom};

use bzip2::bufread::BzDecoder;
use deflate64::Deflate64Decoder;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::bytes::Order;
use super::piecewise::Piecewise;
use super::xz::Xz;
use super::zstd::Zstd;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const DIRECTORY_END: u32 = 0x0605_4b50;
const DIRECTORY_END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

/// Bytes of a directory that are read; some hundred thousand members.
const DIRECTORY_MAX: u64 = 16 << 20;

/// The end of the directory lies within so many bytes from the end: its record, and a comment.
const END_SEARCH: u64 = 22 + 0xffff;

/// The longest descriptor that may stand behind a member.
const DESCRIPTOR_MAX: u64 = 24;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its path in the archive.
    pub(super) name: String,
    method: u16,
    encrypted: bool,
    /// Its length in the archive; `None` where it stands behind the member.
    packed: Option<u64>,
    /// CRC-32 of its content, if that stands before it.
    crc: Option<u32>,
    /// Where its header is.
    offset: u64,
}

/// What comes next in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A member.
    Member(Entry),
    /// A place that cannot be read, and how many bytes were passed over.
    Damaged {
        /// Bytes from the start of the archive.
        at: u64,
        /// Number of bytes.
        skipped: u64,
    },
}

/// A zip archive. Read as what it is, it gives the packed bytes of the member at hand.
pub(super) struct Zip<R> {
    source: R,
    /// Bytes from the start of the archive.
    at: u64,
    /// Packed bytes of the member at hand that are still to come.
    left: u64,
    /// False where `left` is not known.
    sized: bool,
    /// A header's signature was read, and what follows it is next.
    at_header: bool,
    /// The directory was met, or the end behind damage.
    ended: bool,
}

impl Entry {
    /// Where it begins in the archive.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// True for a folder, which has no content.
    pub(super) fn is_folder(&self) -> bool {
        self.name.ends_with('/')
    }

    /// From the fields that a local header and a directory's entry have in common, which begin with the flags; then name and extra fields.
    fn new(fields: &[u8], name: &[u8], extra: &[u8], offset: u64) -> Option<Self> {
        let le = Order::Little;
        let flags = le.u16(fields, 0)?;
        let method = le.u16(fields, 2)?;
        let crc = le.u32(fields, 8)?;
        let (packed, plain) = (le.u32(fields, 12)?, le.u32(fields, 16)?);
        let mut entry = Self {
            name: String::from_utf8_lossy(name).into_owned(),
            method,
            encrypted: flags & 1 != 0 || method == 99,
            packed: Some(u64::from(packed)),
            crc: Some(crc),
            offset,
        };
        let (mut rest, wide) = (extra, u32::MAX);
        while let (Some(id), Some(len)) = (le.u16(rest, 0), le.u16(rest, 2)) {
            let Some(mut field) = rest.get(4..4 + usize::from(len)) else {
                break;
            };
            if id == 1 {
                // Zip64: those of the three numbers that did not fit, in this order.
                if plain == wide {
                    field = field.get(8..).unwrap_or_default();
                }
                if packed == wide {
                    entry.packed = le.i64(field, 0).and_then(|len| u64::try_from(len).ok());
                    field = field.get(8..).unwrap_or_default();
                }
                if offset == u64::from(wide) {
                    entry.offset = le.i64(field, 0).and_then(|at| u64::try_from(at).ok()).unwrap_or(offset);
                }
            }
            rest = rest.get(4 + usize::from(len)..).unwrap_or_default();
        }
        // Bit 3: length and checksum follow the member. Some write the length here all the same.
        if flags & 8 != 0 && matches!(entry.packed, None | Some(0)) {
            (entry.packed, entry.crc) = (None, None);
        } else if flags & 8 != 0 && crc == 0 {
            entry.crc = None;
        }
        Some(entry)
    }
}

impl<R: BufRead> Zip<R> {
    /// An archive at its start.
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            at: 0,
            left: 0,
            sized: true,
            at_header: false,
            ended: false,
        }
    }

    /// Goes to the next member by the header before it; `None` where the directory begins. What was not read of the member before is passed
    /// over; where its length is not known, it must have been read to its end.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` where the archive is cut, or what the source says.
    pub(super) fn next(&mut self) -> io::Result<Option<Item>> {
        if self.sized {
            let rest = self.left;
            if io::copy(&mut self.by_ref().take(rest), &mut io::sink())? < rest {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        let allowed = if self.sized { 0 } else { DESCRIPTOR_MAX };
        (self.left, self.sized) = (u64::MAX, false);
        if !self.at_header && !self.ended {
            let from = self.at;
            let signature = self.search();
            let skipped = self.at.saturating_sub(from).saturating_sub(4);
            match signature {
                Ok(LOCAL) => self.at_header = true,
                Ok(_) => self.ended = true,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof && skipped > allowed => self.ended = true,
                Err(error) => return Err(error),
            }
            if skipped > allowed {
                return Ok(Some(Item::Damaged { at: from, skipped }));
            }
        }
        if self.ended {
            return Ok(None);
        }
        self.at_header = false;
        let offset = self.at.saturating_sub(4);
        let mut fields = [0; 26];
        self.read_exact(&mut fields)?;
        let lengths = [22, 24].map(|at| u64::from(Order::Little.u16(&fields, at).unwrap_or(0)));
        let [name, extra] = lengths.map(|len| {
            let mut bytes = Vec::new();
            let read = self.by_ref().take(len).read_to_end(&mut bytes);
            read.and_then(|n| {
                if (n as u64) < len {
                    Err(ErrorKind::UnexpectedEof.into())
                } else {
                    Ok(bytes)
                }
            })
        });
        let Some(entry) = Entry::new(fields.get(2..).unwrap_or_default(), &name?, &extra?, offset) else {
            return Ok(None);
        };
        self.sized = entry.packed.is_some();
        self.left = entry.packed.unwrap_or(u64::MAX);
        Ok(Some(Item::Member(entry)))
    }

    /// Reads up to the signature of a header or of the directory, and past it.
    fn search(&mut self) -> io::Result<u32> {
        let mut last: u32 = 0;
        loop {
            let mut byte = [0];
            self.read_exact(&mut byte)?;
            last = last >> 8 | u32::from(byte[0]) << 24;
            if matches!(last, LOCAL | CENTRAL | DIRECTORY_END | DIRECTORY_END_64) {
                return Ok(last);
            }
        }
    }

    /// Bytes of the archive read so far.
    pub(super) const fn position(&self) -> u64 {
        self.at
    }

    /// The source, wherever it has come to.
    pub(super) fn into_inner(self) -> R {
        self.source
    }

    /// True where the length of the member at hand is not known: then its content has to be read to its end.
    pub(super) const fn is_endless(&self) -> bool {
        !self.sized
    }
}

impl<R: BufRead + Send> Zip<R> {
    /// The content of the member at hand.
    ///
    /// # Errors
    ///
    /// Why it cannot be read, in words.
    pub(super) fn content(&mut self, entry: &Entry) -> Result<Content<'_>, String> {
        if entry.encrypted {
            return Err("an encrypted member of a zip archive; unpack it with its password".into());
        }
        let knows_its_end = matches!(entry.method, 8 | 9);
        if entry.packed.is_none() && !knows_its_end {
            return Err(
                "a member of a zip archive whose length stands behind it; give the archive as a file, not through a pipe"
                    .into(),
            );
        }
        let bytes: Box<dyn Read + Send + '_> = match entry.method {
            0 => Box::new(self),
            8 => Box::new(Piecewise::new(DeflateDecoder::new(self))),
            9 => Box::new(Deflate64Decoder::with_buffer(self)),
            12 => Box::new(Piecewise::new(BzDecoder::new(self))),
            93 => Box::new(Zstd::new(self)),
            95 => Box::new(Xz::new(self)),
            other => {
                return Err(format!(
                    "a member of a zip archive that is compressed by method {other}, which is not read; unpack it first"
                ));
            }
        };
        Ok(Content {
            bytes,
            crc: Crc::new(),
            expected: entry.crc,
        })
    }
}

impl<R: BufRead + Seek> Zip<R> {
    /// The members by the archive's directory, and whether these are all of them.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` where there is no directory, or what the source says.
    pub(super) fn directory(&mut self) -> io::Result<(Vec<Entry>, bool)> {
        let len = self.source.seek(SeekFrom::End(0))?;
        let (start, size) = self.find_directory(len)?;
        self.source.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        self.source
            .by_ref()
            .take(size.min(DIRECTORY_MAX))
            .read_to_end(&mut bytes)?;
        let (mut entries, mut rest) = (Vec::new(), bytes.as_slice());
        let le = Order::Little;
        while le.u32(rest, 0) == Some(CENTRAL) {
            let lengths = [28, 30, 32].map(|at| le.u16(rest, at).map_or(0, usize::from));
            let [name, extra, comment] = lengths;
            let (Some(fields), Some(offset)) = (rest.get(8..), le.u32(rest, 42)) else {
                break;
            };
            let (Some(name_bytes), Some(extra_bytes)) =
                (rest.get(46..46 + name), rest.get(46 + name..46 + name + extra))
            else {
                break;
            };
            // The directory knows lengths and checksums, whatever bit 3 says.
            let Some(mut entry) = Entry::new(fields, name_bytes, extra_bytes, u64::from(offset)) else {
                break;
            };
            if entry.packed.is_none() {
                (entry.packed, entry.crc) = (le.u32(rest, 20).map(u64::from), le.u32(rest, 16));
            }
            entries.push(entry);
            rest = rest.get(46 + name + extra + comment..).unwrap_or_default();
        }
        if entries.is_empty() && size > 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok((entries, rest.is_empty() && size <= DIRECTORY_MAX))
    }

    /// Where the directory begins, and how long it is.
    fn find_directory(&mut self, len: u64) -> io::Result<(u64, u64)> {
        let from = len.saturating_sub(END_SEARCH);
        self.source.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        self.source.by_ref().take(END_SEARCH).read_to_end(&mut tail)?;
        let le = Order::Little;
        let place = (0..tail.len()).rev().find(|&at| {
            le.u32(&tail, at) == Some(DIRECTORY_END)
                && le
                    .u16(&tail, at + 20)
                    .is_some_and(|comment| at + 22 + usize::from(comment) <= tail.len())
        });
        let Some((at, end)) = place.and_then(|at| Some((at, tail.get(at..)?))) else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        let (size, start) = (le.u32(end, 12).unwrap_or(0), le.u32(end, 16).unwrap_or(0));
        let locator = at.checked_sub(20).and_then(|at| tail.get(at..));
        let wide = locator.filter(|locator| le.u32(locator, 0) == Some(LOCATOR_64));
        if let Some(place) = wide
            .and_then(|locator| le.i64(locator, 8))
            .and_then(|at| u64::try_from(at).ok())
        {
            self.source.seek(SeekFrom::Start(place))?;
            let mut record = [0; 56];
            self.source.read_exact(&mut record)?;
            let field = |at| le.i64(&record, at).and_then(|value| u64::try_from(value).ok());
            if let (Some(DIRECTORY_END_64), Some(size), Some(start)) = (le.u32(&record, 0), field(40), field(48)) {
                return Ok((start, size));
            }
        }
        Ok((u64::from(start), u64::from(size)))
    }

    /// Goes to the content of a member of the directory.
    ///
    /// # Errors
    ///
    /// `InvalidData` where there is no member, or what the source says.
    pub(super) fn go_to(&mut self, entry: &Entry) -> io::Result<()> {
        self.source.seek(SeekFrom::Start(entry.offset))?;
        let mut header = [0; 30];
        self.source.read_exact(&mut header)?;
        let le = Order::Little;
        if le.u32(&header, 0) != Some(LOCAL) {
            return Err(io::Error::new(
                ErrorKind::InvalidData,
                "no member begins where the directory says so",
            ));
        }
        let [name, extra] = [26, 28].map(|at| i64::from(le.u16(&header, at).unwrap_or(0)));
        self.source.seek_relative(name + extra)?;
        (self.left, self.sized) = (entry.packed.unwrap_or(0), true);
        Ok(())
    }
}

/// The packed bytes of the member at hand.
impl<R: BufRead> Read for Zip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buffer)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Zip<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let bytes = self.source.fill_buf()?;
        if bytes.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let most = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        Ok(bytes.get(..most).unwrap_or_default())
    }

    fn consume(&mut self, n: usize) {
        self.source.consume(n);
        self.at += n as u64;
        self.left = self.left.saturating_sub(n as u64);
    }
}

/// The content of a member, held against its checksum.
pub(super) struct Content<'a> {
    bytes: Box<dyn Read + Send + 'a>,
    crc: Crc,
    expected: Option<u32>,
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read(buffer)?;
        self.crc.update(buffer.get(..n).unwrap_or_default());
        if n == 0 && !buffer.is_empty() && self.expected.take().is_some_and(|crc| crc != self.crc.sum()) {
            return Err(io::Error::new(ErrorKind::InvalidData, "a checksum does not match"));
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
