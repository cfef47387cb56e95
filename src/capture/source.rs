//! Where a capture comes from, and how its bytes are got without hanging where they may never come.
//!
//! A plain file is read on the spot. Anything else (standard input, a pipe, a reader of the caller) may block for ever, so a thread reads and
//! decompresses it and hands on buffers; the one who waits for them looks up every tenth of a second.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use std::{fmt, thread};

use super::decoder::{Decoder, Tap};
use crate::error::Error;

/// How long to wait for bytes before looking up.
const PATIENCE: Duration = Duration::from_millis(100);

/// Bytes of a buffer that is handed on, and how many buffers may wait.
const CHUNK: usize = 256 << 10;
const CHUNKS: usize = 16;

/// Something to read a capture from: pcap or pcapng, as it is or compressed with gzip or zstd.
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

/// The decompressed bytes of an open source.
pub(super) struct Input {
    way: Way,
    compression: Option<&'static str>,
    read: Arc<AtomicU64>,
}

enum Way {
    /// Read on the spot.
    Direct(Decoder),
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
    /// The first message: how the source is compressed.
    Compression(Option<&'static str>),
    /// The next bytes.
    Bytes(Vec<u8>),
    /// The source cannot be read any further.
    Failed(io::Error),
    /// The source was read to its end; its hash, if one was wanted.
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
    /// Opens a source.
    pub(super) fn open(source: Source, hash: bool) -> Result<Self, Error> {
        let path = source.path();
        let failed = |source| Error::Open {
            path: path.clone(),
            source,
        };
        let (reader, may_block): (Box<dyn Read + Send>, bool) = match source {
            Source::Path(path) => {
                let file = File::open(&path).map_err(failed)?;
                let kind = file.metadata().map_err(failed)?.file_type();
                if kind.is_dir() {
                    return Err(failed(io::ErrorKind::IsADirectory.into()));
                }
                (Box::new(file), !kind.is_file())
            }
            Source::Stdin => (Box::new(io::stdin()), true),
            Source::Reader { reader, .. } => (reader, true),
        };
        let read = Arc::new(AtomicU64::new(0));
        let tap = Tap::new(reader, hash, Arc::clone(&read));
        if may_block {
            let (sender, messages) = sync_channel(CHUNKS);
            thread::Builder::new()
                .name("input".into())
                .spawn(move || feed(tap, &sender))
                .map_err(failed)?;
            let way = Way::Fed {
                messages,
                chunk: Vec::new(),
                given: 0,
                sha256: None,
            };
            return Ok(Self {
                way,
                compression: None,
                read,
            });
        }
        let decoder = Decoder::new(tap).map_err(|source| Error::Read {
            path: path.clone(),
            offset: 0,
            source,
        })?;
        let compression = decoder.compression();
        Ok(Self {
            way: Way::Direct(decoder),
            compression,
            read,
        })
    }

    /// Reads what is there, into a buffer that is not empty.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Got {
        match &mut self.way {
            Way::Direct(decoder) => loop {
                return match decoder.read(buffer) {
                    Ok(0) => Got::End,
                    Ok(n) => Got::Bytes(n),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Got::Failed(error),
                };
            },
            Way::Fed {
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
                    Ok(Message::Compression(name)) => self.compression = name,
                    Ok(Message::Failed(error)) => return Got::Failed(error),
                    Ok(Message::Done(hash)) => {
                        *sha256 = hash;
                        return Got::End;
                    }
                    Err(RecvTimeoutError::Timeout) => return Got::Quiet,
                    Err(RecvTimeoutError::Disconnected) => return Got::End,
                }
            },
        }
    }

    /// `gzip` or `zstd`, where the source is compressed. Known once bytes were read.
    pub(super) fn compression(&self) -> Option<&'static str> {
        self.compression
    }

    /// Bytes read so far of the source as it is, before decompression.
    pub(super) fn position(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// The hash of the whole source, if one was wanted; reads what is left for it.
    pub(super) fn hash(&mut self) -> Option<String> {
        match &mut self.way {
            Way::Direct(decoder) => decoder.drain(),
            Way::Fed { messages, sha256, .. } => {
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

/// Reads a source to its end and sends what it holds. Ends early where nobody listens any more.
fn feed(tap: Tap, sender: &SyncSender<Message>) {
    let mut decoder = match Decoder::new(tap) {
        Ok(decoder) => decoder,
        Err(error) => {
            // Nobody may be listening: then there is nobody to tell.
            let _ = sender.send(Message::Failed(error));
            return;
        }
    };
    if sender.send(Message::Compression(decoder.compression())).is_err() {
        return;
    }
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
