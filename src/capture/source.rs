//! Where captures come from, and how their bytes are got without hanging where they may never come.
//!
//! A file that is one capture is read on the spot. Anything else (standard input, a pipe, a reader of the caller) may block for ever, so a thread
//! reads and decompresses it and hands on buffers; the one who waits for them looks up every tenth of a second. The same thread takes archives
//! apart: each capture in one is handed on with a channel of its own, and one that nobody wants to read any further is passed over.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use std::{fmt, thread};

use super::decoder::{Decoder, Tap};
use super::magic::{Archive, Kind};
use super::reader::Reader;
use super::unpack::{Gone, Outlet, Unpacker};
use crate::error::Error;

/// How long to wait for bytes before looking up.
const PATIENCE: Duration = Duration::from_millis(100);

/// Bytes of a buffer that is handed on, and how many buffers may wait.
const CHUNK: usize = 256 << 10;
const CHUNKS: usize = 16;

/// Something to read captures from: pcap, pcapng, snoop or ERF, as it is, compressed (gzip, zstd, bzip2, xz, LZ4), or in tar and zip archives.
#[non_exhaustive]
pub enum Source {
    /// A file. A named pipe is fine, too.
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// Any reader. It is read on a thread of its own, since it may block.
    Reader {
        /// The name that the report shows for it.
        name: String,
        /// Where the bytes come from.
        reader: Box<dyn Read + Send>,
    },
}

impl Source {
    /// The name that reports and errors show: the path as given, `-` for standard input.
    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::Stdin => PathBuf::from("-"),
            Self::Reader { name, .. } => PathBuf::from(name),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Stdin => f.write_str("Stdin"),
            Self::Reader { name, .. } => f.debug_struct("Reader").field("name", name).finish_non_exhaustive(),
        }
    }
}

/// The captures of a source: one, or those of an archive.
#[derive(Debug)]
pub(crate) struct Captures {
    path: PathBuf,
    hash: bool,
    way: Way,
    /// The source is an archive.
    is_archive: bool,
    passed_over: u64,
}

enum Way {
    /// A file that is one capture, until it was handed on.
    One(Option<Box<Input>>),
    /// Found by a thread.
    Many(Receiver<Found>),
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One(_) => "One",
            Self::Many(_) => "Many",
        })
    }
}

/// What the thread finds in a source.
enum Found {
    /// A capture, or the whole source where it is none.
    Capture(PathBuf, Box<Input>),
    /// A member of an archive that is neither capture nor archive.
    PassedOver,
    /// A member, or a part of an archive, that cannot be read.
    Unreadable(Error),
}

impl Captures {
    /// Opens a source. With `hash`, a SHA-256 of each capture is made on the way.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] as the system says.
    pub(crate) fn open(source: Source, hash: bool) -> Result<Self, Error> {
        let path = source.path();
        let failed = |source| Error::Open {
            path: path.clone(),
            source,
        };
        let read = Arc::new(AtomicU64::new(0));
        let tap = |reader| Tap::new(reader, hash, Arc::clone(&read));
        let way = match source {
            Source::Path(path) => {
                let file = File::open(&path).map_err(failed)?;
                let kind = file.metadata().map_err(failed)?.file_type();
                if kind.is_dir() {
                    return Err(failed(io::ErrorKind::IsADirectory.into()));
                }
                if kind.is_file() {
                    let mut decoder = Decoder::new(tap(Box::new(file)));
                    match decoder.kind() {
                        Some(Kind::Archive(Archive::Zip)) if decoder.compression().is_none() => {
                            let file = File::open(&path).map_err(failed)?;
                            unpack(hash, move |unpacker| unpacker.zip_file(&path, file))
                        }
                        Some(Kind::Archive(_)) => unpack(hash, move |unpacker| unpacker.source(&path, decoder, read)),
                        _ => Ok(Way::One(Some(Box::new(Input::direct(decoder, read))))),
                    }
                } else {
                    let tap = tap(Box::new(file));
                    unpack(hash, move |unpacker| unpacker.source(&path, Decoder::new(tap), read))
                }
            }
            Source::Stdin => {
                let (path, tap) = (path.clone(), tap(Box::new(io::stdin())));
                unpack(hash, move |unpacker| unpacker.source(&path, Decoder::new(tap), read))
            }
            Source::Reader { reader, .. } => {
                let (path, tap) = (path.clone(), tap(reader));
                unpack(hash, move |unpacker| unpacker.source(&path, Decoder::new(tap), read))
            }
        };
        Ok(Self {
            way: way.map_err(failed)?,
            path,
            hash,
            is_archive: false,
            passed_over: 0,
        })
    }

    /// The next capture, or why one cannot be read; `None` after the last, and where `stop` became true. Waits for its first bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] as the system says; [`Error::NotACapture`] with what was found instead. In an archive the next one may be sound.
    pub(crate) fn next(&mut self, stop: &AtomicBool) -> Option<Result<Reader, Error>> {
        loop {
            let found = match &mut self.way {
                Way::One(input) => Found::Capture(self.path.clone(), input.take()?),
                Way::Many(found) if !stop.load(Ordering::Relaxed) => match found.recv_timeout(PATIENCE) {
                    Ok(found) => found,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return None,
                },
                // Nothing was found so far, or there may be more: the report is partial either way.
                Way::Many(_) => return None,
            };
            match found {
                Found::Capture(path, input) => {
                    self.is_archive |= input.archive.is_some();
                    return Some(Reader::open(path, *input, self.hash, stop));
                }
                Found::PassedOver => {
                    self.is_archive = true;
                    self.passed_over += 1;
                }
                Found::Unreadable(error) => {
                    self.is_archive = true;
                    return Some(Err(error));
                }
            }
        }
    }

    /// True where the source is known to be an archive.
    pub(crate) const fn is_archive(&self) -> bool {
        self.is_archive
    }

    /// Number of members so far that are no captures.
    pub(crate) const fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// Takes a source apart on a thread of its own.
fn unpack(
    hash: bool,
    work: impl FnOnce(&mut Unpacker<'_, Sender>) -> Result<(), Gone> + Send + 'static,
) -> io::Result<Way> {
    let (sender, found) = sync_channel(1);
    thread::Builder::new().name("input".into()).spawn(move || {
        // Where nobody listens any more there is nobody to tell.
        let _ = work(&mut Unpacker::new(&mut Sender(sender), hash));
    })?;
    Ok(Way::Many(found))
}

/// Sends what is found to the one who waits for it.
struct Sender(SyncSender<Found>);

impl Sender {
    fn send(&self, found: Found) -> Result<(), Gone> {
        self.0.send(found).map_err(|_| Gone)
    }
}

impl Outlet for Sender {
    fn capture(
        &mut self,
        path: &Path,
        mut decoder: Decoder<'_>,
        archive: Option<&'static str>,
        read: Arc<AtomicU64>,
    ) -> Result<(), Gone> {
        let (sender, messages) = sync_channel(CHUNKS);
        let input = Input {
            compression: decoder.compression(),
            archive,
            read,
            bytes: Bytes::Fed {
                messages,
                chunk: Vec::new(),
                given: 0,
                sha256: None,
            },
        };
        self.send(Found::Capture(path.to_path_buf(), Box::new(input)))?;
        feed(decoder, &sender);
        Ok(())
    }

    fn passed_over(&mut self) -> Result<(), Gone> {
        self.send(Found::PassedOver)
    }

    fn unreadable(&mut self, error: Error) -> Result<(), Gone> {
        self.send(Found::Unreadable(error))
    }
}

/// The decompressed bytes of one capture.
pub(super) struct Input {
    bytes: Bytes,
    compression: Option<&'static str>,
    archive: Option<&'static str>,
    read: Arc<AtomicU64>,
}

enum Bytes {
    /// Read on the spot.
    Direct(Decoder<'static>),
    /// Read by a thread.
    Fed {
        messages: Receiver<Message>,
        chunk: Vec<u8>,
        given: usize,
        sha256: Option<String>,
    },
}

/// What the reading thread says.
enum Message {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// The capture cannot be read any further.
    Failed(io::Error),
    /// The capture was read to its end; its hash, if one was wanted.
    Done(Option<String>),
}

/// What came of an attempt to read.
pub(super) enum Got {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing yet.
    Quiet,
    /// The end.
    End,
    /// The end for a bad reason.
    Failed(io::Error),
}

impl Input {
    /// What is read on the spot.
    pub(super) fn direct(mut decoder: Decoder<'static>, read: Arc<AtomicU64>) -> Self {
        Self {
            compression: decoder.compression(),
            archive: None,
            read,
            bytes: Bytes::Direct(decoder),
        }
    }

    /// Reads what is there, into a buffer that is not empty.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Got {
        match &mut self.bytes {
            Bytes::Direct(decoder) => loop {
                return match decoder.read(buffer) {
                    Ok(0) => Got::End,
                    Ok(n) => Got::Bytes(n),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Got::Failed(error),
                };
            },
            Bytes::Fed {
                messages,
                chunk,
                given,
                sha256,
            } => loop {
                let rest = chunk.get(*given..).unwrap_or_default();
                if !rest.is_empty() {
                    let n = rest.len().min(buffer.len());
                    if let (Some(to), Some(from)) = (buffer.get_mut(..n), rest.get(..n)) {
                        to.copy_from_slice(from);
                    }
                    *given += n;
                    return Got::Bytes(n);
                }
                match messages.recv_timeout(PATIENCE) {
                    Ok(Message::Bytes(bytes)) => (*chunk, *given) = (bytes, 0),
                    Ok(Message::Failed(error)) => return Got::Failed(error),
                    Ok(Message::Done(hash)) => {
                        *sha256 = hash;
                        return Got::End;
                    }
                    Err(RecvTimeoutError::Timeout) => return Got::Quiet,
                    Err(RecvTimeoutError::Disconnected) => {
                        return Got::Failed(io::Error::other("the reading ended without a word"));
                    }
                }
            },
        }
    }

    /// The compression's name, where the capture is compressed.
    pub(super) const fn compression(&self) -> Option<&'static str> {
        self.compression
    }

    /// What the capture's bytes lie in, in words: compressed data, an archive.
    pub(super) fn wrapping(&self) -> Option<String> {
        let compressed = self.compression.map(|name| format!("{name} data"));
        compressed.or_else(|| self.archive.map(str::to_owned))
    }

    /// Bytes read so far of the capture as it lies on the disk or in its archive.
    pub(super) fn position(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The hash of the whole capture, if one was wanted; reads what is left for it.
    pub(super) fn hash(&mut self) -> Option<String> {
        match &mut self.bytes {
            Bytes::Direct(decoder) => decoder.drain(),
            Bytes::Fed { messages, sha256, .. } => {
                for message in messages.iter() {
                    if let Message::Done(hash) = message {
                        *sha256 = hash;
                    }
                }
                sha256.take()
            }
        }
    }
}

/// Reads a capture to its end and sends what it holds. Ends early where nobody listens any more.
fn feed(mut decoder: Decoder<'_>, sender: &SyncSender<Message>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        let message = match decoder.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => Message::Bytes(buffer.get(..n).unwrap_or_default().to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                if sender.send(Message::Failed(error)).is_err() {
                    return;
                }
                break;
            }
        };
        if sender.send(message).is_err() {
            return;
        }
    }
    let _ = sender.send(Message::Done(decoder.drain()));
}
