//! From bytes to records: sources, compression, archives, and the formats pcap, pcapng, snoop and ERF.
//!
//! A [`Reader`] fills a [`Window`] of half a megabyte again and again and says where in it each packet lies. The window is reused, so it stays in
//! the processor's cache, and memory does not grow with the file. The same path serves files, pipes and compressed captures.
//!
//! ```text
//! source (file, standard input, a reader) → tap (counts, hashes) → decompression → window → format → records
//!                                                                       ↑ each member of a tar or zip archive
//! ```
//!
//! Packets are numbered as Wireshark 4.0 does. A record that cannot be is reported as a [`Problem`], and reading goes on at the next one that
//! makes sense; nothing that a file claims is believed before its bytes are there.
//!
//! Not read: other formats; they are named in the error, with what converts them.

mod annotations;
mod bytes;
mod damage;
mod decoder;
mod erf;
mod folder;
mod fuzz;
#[cfg(test)]
mod hostile;
mod interface;
mod lz4;
mod magic;
mod pattern;
mod pcap;
mod pcapng;
mod peek;
mod piecewise;
mod reader;
mod records;
mod snoop;
mod source;
mod tally;
mod tar;
#[cfg(test)]
pub(crate) mod testing;
mod unpack;
mod xz;
mod zip;
mod zstd;

pub(crate) use annotations::Annotations;
pub(crate) use folder::captures_below;
pub use fuzz::fuzz_capture;
pub use pattern::Glob;
pub(crate) use reader::Reader;
pub(crate) use source::Captures;
pub use source::Source;

use std::fmt;

use crate::evidence::Time;

/// Bytes of a window, less where records are small; small enough to stay in cache, large enough to keep several threads busy. More than 512 KiB: up to that the allocator
/// cuts blocks from pieces of 4 MiB, of which two windows would leave the most idle, and backed by huge pages all the same.
pub(crate) const WINDOW: usize = 560 << 10;

/// The size up to which a window grows for one record that is larger than [`WINDOW`].
pub(crate) const WINDOW_MAX: usize = 64 << 20;

/// One packet in a [`Window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The packet's number, counted from 1 as in Wireshark: other blocks that Wireshark counts have taken their numbers.
    pub(crate) frame: u64,
    /// The capture's time; `None` where the format has none, or where it lies outside the years 1677 to 2262.
    pub(crate) time: Option<Time>,
    /// `LINKTYPE_` value of the interface, without the bits for the frame check sequence.
    pub(crate) link: u16,
    /// Where the packet begins in the window's bytes.
    pub(crate) at: u32,
    /// Number of bytes in the capture.
    pub(crate) captured: u32,
    /// Number of bytes that the packet had on the wire.
    pub(crate) original: u32,
}

/// A piece of a capture: its bytes, and the packets in them. Made once and filled many times.
#[derive(Default)]
pub(crate) struct Window {
    /// The capture's bytes, headers included. What no record covers is of no meaning.
    pub(crate) bytes: Vec<u8>,
    /// The packets that lie wholly in `bytes`, in the order of the file.
    pub(crate) records: Vec<Record>,
}

impl Window {
    /// A packet's bytes; empty where the record belongs to another fill.
    pub(crate) fn packet(&self, record: &Record) -> &[u8] {
        let at = record.at as usize;
        self.bytes
            .get(at..at.saturating_add(record.captured as usize))
            .unwrap_or_default()
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window")
            .field("bytes", &self.bytes.len())
            .field("records", &self.records.len())
            .finish()
    }
}

/// What is known of a capture as a whole, once it has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaptureFacts {
    /// The path as it was given; `-` for standard input.
    pub(crate) path: String,
    /// `pcap`, `pcapng`, `snoop` or `erf`.
    pub(crate) format: &'static str,
    /// Bytes of the file as it lies on the disk that were read.
    pub(crate) bytes: u64,
    /// Number of frames as Wireshark counts them.
    pub(crate) frames: u64,
    /// The earliest time of a packet.
    pub(crate) first: Option<Time>,
    /// The latest time of a packet.
    pub(crate) last: Option<Time>,
    /// SHA-256 of the file as it lies on the disk, in lower-case hex. Only where it was asked for and the whole file was read.
    pub(crate) sha256: Option<String>,
    /// What was wrong with the file, in its order.
    pub(crate) problems: Vec<Problem>,
    /// Comments, names and secrets in it.
    pub(crate) annotations: Annotations,
    /// Number of packets of which the capture holds only the beginning.
    pub(crate) cut: u64,
    /// True where reading was stopped from outside before the end.
    pub(crate) stopped: bool,
}

/// A place in a capture that could not be read, or not be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Bytes from the start of the capture, after decompression.
    pub(crate) offset: u64,
    /// What is wrong, in words.
    pub(crate) what: String,
    /// Number of bytes that were passed over.
    pub(crate) skipped: u64,
    /// A mere cut at the end, or damage.
    pub(crate) kind: ProblemKind,
}

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// The file ends inside its last record, as it does whenever the capturing program was killed.
    Cut,
    /// Nothing is wrong, but there was more than is kept.
    Limit,
    /// Anything else.
    Damaged,
}
