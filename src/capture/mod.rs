//! From bytes to records: sources, compression, and the formats pcap and pcapng.
//!
//! A [`Reader`] fills a [`Window`] of a few megabytes again and again and says where in it each packet lies. The window is reused, so it stays in
//! the processor's cache, and memory does not grow with the file. The same path serves files, pipes and compressed captures.
//!
//! ```text
//! source (file, standard input, a reader) → tap (counts, hashes) → gzip | zstd | as it is → window → pcap | pcapng → records
//! ```
//!
//! Packets are numbered as Wireshark 4.0 does. A record that cannot be is reported as a [`Problem`], and reading goes on at the next one that
//! makes sense; nothing that a file claims is believed before its bytes are there.
//!
//! Not read: Nokia's, AIX's and Ixia's variants of pcap, other formats (named in the error, so that they can be converted), archives.

mod bytes;
mod decoder;
mod folder;
mod magic;
mod pcap;
mod pcapng;
mod reader;
mod source;
mod tally;
#[cfg(test)]
pub(crate) mod testing;
mod zstd;

pub(crate) use folder::{Listing, captures_below};
pub(crate) use reader::Reader;
pub use source::Source;

use std::fmt;

use crate::evidence::Time;

/// Bytes of a window; small enough to stay in cache, large enough to keep several threads busy.
pub(crate) const WINDOW: usize = 4 << 20;

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
    /// An empty window. Its memory comes with the first fill.
    pub(crate) fn new() -> Self {
        Self::default()
    }

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
    /// `pcap` or `pcapng`.
    pub(crate) format: &'static str,
    /// `gzip` or `zstd`, where the capture was compressed.
    pub(crate) compression: Option<&'static str>,
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
    /// The smallest snapshot length of an interface that has one, in bytes.
    pub(crate) snaplen: Option<u32>,
    /// Number of packets of which the capture holds only the beginning.
    pub(crate) cut: u64,
    /// `LINKTYPE_` values of the interfaces, in ascending order, each once.
    pub(crate) links: Vec<u16>,
    /// True where reading was stopped from outside before the end.
    pub(crate) stopped: bool,
}

/// A place in a capture that could not be read.
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
    /// Anything else.
    Damaged,
}
#[cfg(test)]
mod throwaway {
    use super::*;
    use std::io::Read;
    use std::sync::atomic::AtomicBool;
    #[test]
    fn list() {
        let Ok(list) = std::env::var("TW_LIST") else { return };
        for path in std::fs::read_to_string(list).unwrap().lines() {
            let stop = AtomicBool::new(false);
            match Reader::open(Source::Path(path.into()), false, &stop) {
                Err(e) => println!("RES\t{path}\tERR\t{e}"),
                Ok(mut r) => {
                    let mut w = Window::new();
                    let mut sum = 0u64;
                    while r.fill(&mut w, &stop) {
                        for p in &w.records {
                            sum = sum.wrapping_add(p.captured as u64);
                        }
                    }
                    let f = r.finish();
                    println!(
                        "RES\t{path}\t{}\t{sum}\t{:?}\t{:?}\t{:?}",
                        f.frames,
                        f.first.map(|t| t.nanos()),
                        f.last.map(|t| t.nanos()),
                        f.problems
                    );
                }
            }
        }
    }
    struct Rng(u64);
    impl Rng {
        fn next(&mut self, n: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % n as u64) as usize
        }
    }
    enum W {
        A(pcap::Pcap),
        B(pcapng::Pcapng),
    }
    fn walk(file: &[u8], splits: &[usize]) -> Option<(Vec<(u64, Option<Time>, u64, u32)>, Vec<Problem>, u64)> {
        let (mut w, mut start) = match magic::format(file)? {
            magic::Format::Pcap => (W::A(pcap::Pcap::new(file)?), 24),
            _ => (W::B(pcapng::Pcapng::new()), 0),
        };
        let mut tally = tally::Tally::default();
        let mut out = vec![];
        for &end in splits {
            if end < start {
                continue;
            }
            let mut recs = vec![];
            let b = &file[start..end];
            let used = match &mut w {
                W::A(p) => p.walk(b, start as u64, end == file.len(), &mut tally, &mut recs),
                W::B(p) => p.walk(b, start as u64, end == file.len(), &mut tally, &mut recs),
            };
            for r in recs {
                assert!(r.at as usize + r.captured as usize <= b.len());
                out.push((r.frame, r.time, start as u64 + r.at as u64, r.captured));
            }
            start += used;
        }
        assert_eq!(start, file.len());
        let f = tally.frames;
        Some((out, tally.into_problems(), f))
    }
    #[test]
    fn fuzz() {
        let Ok(list) = std::env::var("TW_FUZZ") else { return };
        let rounds: usize = std::env::var("TW_ROUNDS").unwrap().parse().unwrap();
        let mut rng = Rng(0x1234567);
        let files: Vec<Vec<u8>> = std::fs::read_to_string(list)
            .unwrap()
            .lines()
            .map(|p| std::fs::read(p).unwrap())
            .filter(|f| f.len() < 20000)
            .collect();
        println!("{} files", files.len());
        let (mut lost, mut cut) = (0, 0);
        for _ in 0..rounds {
            let mut f = files[rng.next(files.len())].clone();
            for _ in 0..rng.next(6) {
                let at = rng.next(f.len());
                match rng.next(4) {
                    0 => f[at] ^= 1 << rng.next(8),
                    1 => f[at] = [0, 255, 127, 128, 4][rng.next(5)],
                    2 => {
                        f.truncate(at.max(1));
                    }
                    _ => {
                        let b = rng.next(200);
                        f.drain(at..(at + b).min(f.len()));
                        if f.is_empty() {
                            f.push(0)
                        }
                    }
                }
            }
            let Some(whole) = walk(&f, &[f.len()]) else { continue };
            let mut splits: Vec<usize> = (0..rng.next(30)).map(|_| rng.next(f.len() + 1)).collect();
            splits.push(f.len());
            splits.sort();
            splits.dedup();
            let split = walk(&f, &splits).unwrap();
            if whole != split {
                std::fs::write("/tmp/ct/diff.bin", &f).unwrap();
                println!("{splits:?}\n{:?}\n{:?}", whole.1, split.1);
                panic!("differ")
            }
            for p in &whole.1 {
                if p.kind == ProblemKind::Cut {
                    cut += 1
                } else {
                    lost += 1
                }
            }
        }
        println!("damaged {lost} cut {cut}");
    }
    #[test]
    fn fuzz_zstd() {
        let Ok(list) = std::env::var("TW_ZSTD") else { return };
        let rounds: usize = std::env::var("TW_ROUNDS").unwrap().parse().unwrap();
        let files: Vec<Vec<u8>> = std::fs::read_to_string(list)
            .unwrap()
            .lines()
            .map(|p| std::fs::read(p).unwrap())
            .collect();
        let mut rng = Rng(0x987654);
        let mut panics = 0;
        std::panic::set_hook(Box::new(|_| {}));
        for _ in 0..rounds {
            let mut f = files[rng.next(files.len())].clone();
            for _ in 0..1 + rng.next(5) {
                let at = rng.next(f.len().min(3000));
                f[at] ^= 1 << rng.next(8);
            }
            let r = std::panic::catch_unwind(|| {
                let mut out = vec![];
                let _ = zstd::Zstd::new(f.as_slice()).take(1 << 24).read_to_end(&mut out);
            });
            if let Err(e) = r {
                panics += 1;
                if panics < 6 {
                    eprintln!("{:?} {:?}", e.downcast_ref::<String>(), e.downcast_ref::<&str>());
                }
            }
        }
        eprintln!("zstd panics {panics}");
    }
}
