//! Compression peeled off, and what is counted of the file below it.

use std::io::{self, BufReader, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bzip2::bufread::MultiBzDecoder;
use data_encoding::HEXLOWER;
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::lz4::Lz4;
use super::magic::{self, Compression, Kind};
use super::peek::Peek;
use super::piecewise::Piecewise;
use super::xz::Xz;
use super::zstd::Zstd;

/// Bytes that a decompressor takes from the file at once.
const BUFFER: usize = 256 << 10;

/// A source's bytes as they are, counted and if wanted hashed on their way.
pub(super) struct Tap<'a> {
    inner: Box<dyn Read + Send + 'a>,
    read: Arc<AtomicU64>,
    hash: Option<Sha256>,
}

/// The bytes of a file, whatever they are packed in.
pub(super) struct Decoder<'a> {
    bytes: Peek<Unpacked<'a>>,
}

type Packed<'a> = BufReader<Peek<Tap<'a>>>;

/// Bytes after decompression.
enum Unpacked<'a> {
    /// As they are.
    Plain(Peek<Tap<'a>>),
    /// RFC 1952, any number of members.
    Gzip(Box<Piecewise<MultiGzDecoder<Packed<'a>>>>),
    /// RFC 8878, any number of frames.
    Zstd(Box<Zstd<Packed<'a>>>),
    /// Any number of streams, each block of which is at most 900 kB long.
    Bzip2(Box<Piecewise<MultiBzDecoder<Packed<'a>>>>),
    /// Any number of streams.
    Xz(Box<Xz<Packed<'a>>>),
    /// Any number of frames.
    Lz4(Box<Lz4<Packed<'a>>>),
}

impl<'a> Tap<'a> {
    /// Counts into `read` what is read from `inner`.
    pub(super) fn new(inner: Box<dyn Read + Send + 'a>, hash: bool, read: Arc<AtomicU64>) -> Self {
        Self {
            inner,
            read,
            hash: hash.then(Sha256::new),
        }
    }

    /// Reads what is left, and answers the hash of everything in lower-case hex; `None` where none was wanted or the rest cannot be read.
    fn drain(&mut self) -> Option<String> {
        self.hash.as_ref()?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() != ErrorKind::Interrupted => return None,
                _ => {}
            }
        }
        let digest = self.hash.take()?.finalize();
        Some(HEXLOWER.encode(&digest))
    }
}

impl Read for Tap<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        if let (Some(hash), Some(bytes)) = (&mut self.hash, buffer.get(..n)) {
            hash.update(bytes);
        }
        Ok(n)
    }
}

impl<'a> Decoder<'a> {
    /// Recognises the compression by the first bytes.
    pub(super) fn new(tap: Tap<'a>) -> Self {
        let mut tap = Peek::new(tap);
        let compression = magic::compression(tap.peek(magic::COMPRESSION_BYTES));
        let packed = |tap| BufReader::with_capacity(BUFFER, tap);
        let unpacked = match compression {
            None => Unpacked::Plain(tap),
            Some(Compression::Gzip) => Unpacked::Gzip(Box::new(Piecewise::new(MultiGzDecoder::new(packed(tap))))),
            Some(Compression::Zstd) => Unpacked::Zstd(Box::new(Zstd::new(packed(tap)))),
            Some(Compression::Bzip2) => Unpacked::Bzip2(Box::new(Piecewise::new(MultiBzDecoder::new(packed(tap))))),
            Some(Compression::Xz) => Unpacked::Xz(Box::new(Xz::new(packed(tap)))),
            Some(Compression::Lz4) => Unpacked::Lz4(Box::new(Lz4::new(packed(tap)))),
        };
        Self {
            bytes: Peek::new(unpacked),
        }
    }

    /// The bytes of a reader, neither counted nor hashed by anyone.
    pub(super) fn of(reader: impl Read + Send + 'a) -> Self {
        Self::new(Tap::new(Box::new(reader), false, Arc::default()))
    }

    /// What the bytes are, by their beginning; `None` for what is neither capture nor archive. To be asked before anything is read. Where the
    /// beginning cannot be read, the next reading tells why.
    pub(super) fn kind(&mut self) -> Option<Kind> {
        if let kind @ Some(_) = magic::kind(self.bytes.peek(magic::MAGIC_BYTES)) {
            return kind;
        }
        magic::kind(self.bytes.peek(magic::DESCRIBE_BYTES))
    }

    /// Why the beginning cannot be read, if so.
    pub(super) fn take_error(&mut self) -> Option<io::Error> {
        self.bytes.take_error()
    }

    /// The compression's name, where the bytes are compressed.
    pub(super) fn compression(&mut self) -> Option<&'static str> {
        match self.bytes.get_mut() {
            Unpacked::Plain(_) => None,
            Unpacked::Gzip(_) => Some("gzip"),
            Unpacked::Zstd(_) => Some("zstd"),
            Unpacked::Bzip2(_) => Some("bzip2"),
            Unpacked::Xz(_) => Some("xz"),
            Unpacked::Lz4(_) => Some("lz4"),
        }
    }

    /// Reads the rest of the file, if it is to be hashed; answers the hash of the whole of it.
    pub(super) fn drain(&mut self) -> Option<String> {
        let tap = match self.bytes.get_mut() {
            Unpacked::Plain(tap) => tap,
            Unpacked::Gzip(gzip) => gzip.get_mut().get_mut().get_mut(),
            Unpacked::Zstd(zstd) => zstd.get_mut().get_mut(),
            Unpacked::Bzip2(bzip2) => bzip2.get_mut().get_mut().get_mut(),
            Unpacked::Xz(xz) => xz.get_mut().get_mut(),
            Unpacked::Lz4(lz4) => lz4.get_mut().get_mut(),
        };
        tap.get_mut().drain()
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tap) => tap.read(buffer),
            Self::Gzip(gzip) => gzip.read(buffer),
            Self::Zstd(zstd) => zstd.read(buffer),
            Self::Bzip2(bzip2) => bzip2.read(buffer),
            Self::Xz(xz) => xz.read(buffer),
            Self::Lz4(lz4) => lz4.read(buffer),
        }
    }
}
