//! Compression peeled off, and what is counted of the file below it.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::magic::{self, Compression};
use super::zstd::Zstd;

/// Bytes that a decompressor takes from the file at once.
const BUFFER: usize = 256 << 10;

/// A source's bytes as they are, counted and if wanted hashed on their way.
pub(super) struct Tap {
    inner: Box<dyn Read + Send>,
    /// Bytes that were read ahead to recognise the compression, and how many of them are given out.
    ahead: (Vec<u8>, usize),
    read: Arc<AtomicU64>,
    hash: Option<Sha256>,
}

/// The bytes of a capture, whatever they are packed in.
pub(super) enum Decoder {
    /// As they are.
    Plain(Tap),
    /// RFC 1952, any number of members.
    Gzip(Box<MultiGzDecoder<BufReader<Tap>>>),
    /// RFC 8878, any number of frames.
    Zstd(Box<Zstd<BufReader<Tap>>>),
}

impl Tap {
    /// Counts into `read` what is read from `inner`.
    pub(super) fn new(inner: Box<dyn Read + Send>, hash: bool, read: Arc<AtomicU64>) -> Self {
        Self {
            inner,
            ahead: (Vec::new(), 0),
            read,
            hash: hash.then(Sha256::new),
        }
    }

    /// Reads up to four bytes without using them up.
    fn peek(&mut self) -> io::Result<&[u8]> {
        while self.ahead.0.len() < 4 {
            let mut bytes = [0; 4];
            let missing = 4 - self.ahead.0.len();
            let n = match self.pull(bytes.get_mut(..missing).unwrap_or_default()) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.ahead.0.extend(bytes.iter().take(n));
        }
        Ok(&self.ahead.0)
    }

    /// Reads from the source itself.
    fn pull(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        if let (Some(hash), Some(bytes)) = (&mut self.hash, buffer.get(..n)) {
            hash.update(bytes);
        }
        Ok(n)
    }

    /// Reads what is left, and answers the hash of everything in lower-case hex; `None` where none was wanted or the rest cannot be read.
    fn drain(&mut self) -> Option<String> {
        self.hash.as_ref()?;
        let mut buffer = vec![0; BUFFER];
        loop {
            match self.pull(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return None,
                _ => {}
            }
        }
        let digest = self.hash.take()?.finalize();
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (bytes, given) = &mut self.ahead;
        let mut rest = bytes.get(*given..).unwrap_or_default();
        if rest.is_empty() {
            return self.pull(buffer);
        }
        let n = rest.read(buffer)?;
        *given += n;
        Ok(n)
    }
}

impl Decoder {
    /// Recognises the compression by the first bytes.
    pub(super) fn new(mut tap: Tap) -> io::Result<Self> {
        Ok(match magic::compression(tap.peek()?) {
            None => Self::Plain(tap),
            Some(Compression::Gzip) => Self::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, tap)))),
            Some(Compression::Zstd) => Self::Zstd(Box::new(Zstd::new(BufReader::with_capacity(BUFFER, tap)))),
        })
    }

    /// The bytes of a file, neither counted nor hashed by anyone.
    pub(super) fn of_file(file: File) -> io::Result<Self> {
        Self::new(Tap::new(Box::new(file), false, Arc::default()))
    }

    /// `gzip` or `zstd`, where the bytes are compressed.
    pub(super) fn compression(&self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Gzip(_) => Some("gzip"),
            Self::Zstd(_) => Some("zstd"),
        }
    }

    /// Reads the rest of the file, if it is to be hashed; answers the hash of the whole of it.
    pub(super) fn drain(&mut self) -> Option<String> {
        match self {
            Self::Plain(tap) => tap.drain(),
            Self::Gzip(gzip) => gzip.get_mut().get_mut().drain(),
            Self::Zstd(zstd) => zstd.get_mut().get_mut().drain(),
        }
    }
}

impl Read for Decoder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tap) => tap.read(buffer),
            Self::Gzip(gzip) => gzip.read(buffer),
            Self::Zstd(zstd) => zstd.read(buffer),
        }
    }
}
