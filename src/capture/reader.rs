//! Windows filled from a source, one after the other.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::erf::Erf;
use super::magic::{self, Format};
use super::pcap::{self, Pcap};
use super::pcapng::Pcapng;
use super::records::Records;
use super::snoop::{self, Snoop};
use super::source::{Got, Input};
use super::tally::Tally;
use super::{CaptureFacts, WINDOW, WINDOW_MAX, Window};
use crate::error::Error;

/// Reads one capture, window by window.
pub(crate) struct Reader {
    path: PathBuf,
    input: Input,
    hash: bool,
    blocks: Blocks,
    tally: Tally,
    /// Bytes that were read but are not done with: the beginning of a record whose end is still to come.
    tail: Vec<u8>,
    /// Where `tail` begins in the decompressed capture.
    offset: u64,
    /// Bytes that are read into a window, unless a record needs more.
    room: usize,
    stage: Stage,
    /// Why the source ended, if not because it was at its end.
    failure: Option<io::Error>,
    stopped: bool,
}

/// About so many records are read at a time where they are small, so that what is made of them stays in the processor's caches, too.
const RECORDS: usize = 3 << 10;

/// Makes room for twice as many bytes as there are, as far as a window may grow. Answers how many that is.
fn grow(bytes: &mut Vec<u8>, filled: usize) -> usize {
    let room = filled.saturating_mul(2).min(WINDOW_MAX);
    if bytes.len() < room {
        bytes.resize(room, 0);
    }
    room
}

/// How far the reading is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// More bytes may come.
    Reading,
    /// No more bytes will come; what is there has to be read.
    Ended,
    /// Everything was read.
    Done,
}

/// The capture's format, with what is known of it so far.
enum Blocks {
    Pcap(Records<Pcap>),
    Pcapng(Pcapng),
    Snoop(Records<Snoop>),
    Erf(Records<Erf>),
}

impl Reader {
    /// Finds out of which format a capture is. Waits for its first bytes, unless `stop` becomes true. With `hash`, a SHA-256 of the whole of it,
    /// as it lies there, is part of what is known of it in the end.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] as the system says; [`Error::NotACapture`] with what was found instead.
    pub(super) fn open(path: PathBuf, mut input: Input, hash: bool, stop: &AtomicBool) -> Result<Self, Error> {
        let mut head = Vec::new();
        let mut stage = Stage::Reading;
        let mut failure = None;
        loop {
            let wanted = match magic::format(&head) {
                Some(Format::Pcap) => pcap::header_len(&head),
                Some(Format::Snoop) => snoop::HEADER,
                Some(Format::Pcapng) => magic::MAGIC_BYTES,
                // Without a magic number, a part of the beginning could be taken for what the whole is not.
                Some(Format::Erf) | None => magic::DESCRIBE_BYTES,
            };
            if head.len() >= wanted || stage == Stage::Ended || stop.load(Ordering::Relaxed) {
                break;
            }
            let mut bytes = [0; magic::DESCRIBE_BYTES];
            match input.read(bytes.get_mut(..wanted - head.len()).unwrap_or_default()) {
                Got::Bytes(n) => head.extend(bytes.iter().take(n)),
                Got::Quiet => {}
                Got::End => stage = Stage::Ended,
                Got::Failed(error) => {
                    stage = Stage::Ended;
                    failure = Some(error);
                }
            }
        }

        let opened = match magic::format(&head) {
            Some(Format::Pcap) => Pcap::new(&head).map(|(pcap, header)| (Blocks::Pcap(pcap), header)),
            Some(Format::Pcapng) => Some((Blocks::Pcapng(Pcapng::new()), 0)),
            Some(Format::Snoop) => Snoop::new(&head).map(|snoop| (Blocks::Snoop(snoop), snoop::HEADER)),
            Some(Format::Erf) => Some((Blocks::Erf(Erf::new()), 0)),
            None => None,
        };
        let Some((blocks, header)) = opened else {
            let found = match (failure, input.compression()) {
                (Some(source), None) => {
                    return Err(Error::Read {
                        path,
                        offset: input.position(),
                        source,
                    });
                }
                (Some(error), Some(name)) if head.is_empty() => {
                    format!("{name} data that cannot be decompressed: {error}")
                }
                (_, Some(name)) => format!("{name} of {}", magic::describe(&head)),
                (None, None) if head.is_empty() && stage == Stage::Reading => {
                    "nothing was read before the reading was stopped".into()
                }
                (None, None) if head.is_empty() => "empty file".into(),
                (None, None) => magic::describe(&head).into(),
            };
            return Err(Error::NotACapture { path, found });
        };
        head.drain(..header.min(head.len()));
        Ok(Self {
            path,
            input,
            hash,
            blocks,
            tally: Tally::default(),
            tail: head,
            offset: header as u64,
            room: WINDOW,
            stage,
            failure,
            stopped: false,
        })
    }

    /// Fills a window with the next records. False: there are no more, and the window has none. Every call may be given another window.
    ///
    /// Where `stop` becomes true, reading ends with the records that are there.
    pub(crate) fn fill(&mut self, window: &mut Window, stop: &AtomicBool) -> bool {
        window.records.clear();
        if self.stage == Stage::Done {
            return false;
        }
        if window.bytes.len() != WINDOW {
            window.bytes.resize(WINDOW, 0);
            window.bytes.shrink_to(WINDOW);
        }
        let mut room = self.room;
        if self.tail.len() >= room {
            room = grow(&mut window.bytes, self.tail.len());
        }
        let mut filled = self.tail.len();
        if let Some(front) = window.bytes.get_mut(..filled) {
            front.copy_from_slice(&self.tail);
        }
        self.tail.clear();

        while self.stage != Stage::Done {
            let buffer = window.bytes.get_mut(..room).unwrap_or_default();
            filled = self.read(buffer, filled, stop);
            let bytes = window.bytes.get(..filled).unwrap_or_default();
            let last = self.stage == Stage::Ended;
            let tally = &mut self.tally;
            let records = &mut window.records;
            let used = match &mut self.blocks {
                Blocks::Pcap(pcap) => pcap.walk(bytes, self.offset, last, tally, records),
                Blocks::Pcapng(pcapng) => pcapng.walk(bytes, self.offset, last, tally, records),
                Blocks::Snoop(snoop) => snoop.walk(bytes, self.offset, last, tally, records),
                Blocks::Erf(erf) => erf.walk(bytes, self.offset, last, tally, records),
            };
            if last {
                self.note_failure(filled);
            }
            if last || self.stopped {
                self.stage = Stage::Done;
            }
            self.offset += used as u64;
            if !window.records.is_empty() {
                self.tail.extend_from_slice(bytes.get(used..).unwrap_or_default());
                self.room = (used / window.records.len())
                    .saturating_mul(RECORDS)
                    .clamp(WINDOW / 8, WINDOW);
                return true;
            }
            window.bytes.copy_within(used.min(filled)..filled, 0);
            filled -= used.min(filled);
            if filled == room {
                room = grow(&mut window.bytes, filled);
            }
        }
        false
    }

    /// The path as it was given; `-` for standard input.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Bytes read so far of the source as it is, before decompression.
    pub(crate) fn position(&self) -> u64 {
        self.input.position()
    }

    /// What is known of the capture. Reads the rest of the source where that is wanted for its hash.
    pub(crate) fn finish(mut self) -> CaptureFacts {
        let sha256 = if self.hash && !self.stopped {
            self.input.hash()
        } else {
            None
        };
        CaptureFacts {
            path: self.path.display().to_string(),
            format: match self.blocks {
                Blocks::Pcap(_) => "pcap",
                Blocks::Pcapng(_) => "pcapng",
                Blocks::Snoop(_) => "snoop",
                Blocks::Erf(_) => "erf",
            },
            bytes: self.input.position(),
            frames: self.tally.frames,
            first: self.tally.first,
            last: self.tally.last,
            sha256,
            cut: self.tally.cut,
            stopped: self.stopped,
            annotations: std::mem::take(&mut self.tally.annotations).finish(),
            problems: self.tally.into_problems(),
        }
    }

    /// Reads behind the first `filled` bytes until the buffer is full, the source pauses with something new read, or it ends.
    fn read(&mut self, buffer: &mut [u8], filled: usize, stop: &AtomicBool) -> usize {
        let mut end = filled;
        while self.stage == Stage::Reading {
            if stop.load(Ordering::Relaxed) {
                self.stopped = true;
                break;
            }
            let Some(free) = buffer.get_mut(end..).filter(|free| !free.is_empty()) else {
                break;
            };
            match self.input.read(free) {
                Got::Bytes(n) => end += n,
                Got::Quiet if end > filled => break,
                Got::Quiet => {}
                Got::End => self.stage = Stage::Ended,
                Got::Failed(error) => {
                    self.stage = Stage::Ended;
                    self.failure = Some(error);
                }
            }
        }
        end
    }

    /// Notes why the source ended, at the end of its `filled` bytes. A record that is cut there is no matter of its own.
    fn note_failure(&mut self, filled: usize) {
        let Some(error) = self.failure.take() else { return };
        let skipped = self.tally.take_cut();
        let offset = self.offset + filled as u64;
        match (error.kind(), self.input.wrapping()) {
            (io::ErrorKind::UnexpectedEof, Some(name)) => {
                self.tally
                    .ends_inside(offset, format!("the {name} ends before its time"), skipped);
            }
            (_, Some(name)) => self
                .tally
                .damaged(offset, format!("the {name} is damaged: {error}"), skipped),
            (_, None) => self
                .tally
                .damaged(offset, format!("the file cannot be read any further: {error}"), skipped),
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("path", &self.path)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::capture::testing::{self, Block, gzip};
    use crate::capture::{Captures, ProblemKind, Record, Source};

    /// Gives out a few bytes at a time: 1, 2, … up to `most`, and again.
    struct Drip {
        bytes: io::Cursor<Vec<u8>>,
        next: usize,
        most: usize,
    }

    impl Read for Drip {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.next = self.next % self.most + 1;
            let n = self.next.min(buffer.len());
            self.bytes.read(buffer.get_mut(..n).unwrap())
        }
    }

    fn source(bytes: Vec<u8>) -> Source {
        Source::Reader {
            name: "test".into(),
            reader: Box::new(io::Cursor::new(bytes)),
        }
    }

    /// The first capture of a source.
    fn open(source: Source) -> Result<Reader, Error> {
        let mut captures = Captures::open(source, true)?;
        captures.next(&AtomicBool::new(false)).expect("one at least")
    }

    fn read(source: Source) -> (Vec<(Record, Vec<u8>)>, CaptureFacts) {
        let stop = AtomicBool::new(false);
        let mut reader = open(source).unwrap();
        let (mut window, mut packets) = (Window::default(), Vec::new());
        while reader.fill(&mut window, &stop) {
            assert!(!window.records.is_empty());
            packets.extend(
                window
                    .records
                    .iter()
                    .map(|record| (Record { at: 0, ..*record }, window.packet(record).to_vec())),
            );
        }
        assert!(window.records.is_empty() && !reader.fill(&mut window, &stop));
        (packets, reader.finish())
    }

    fn found(bytes: &[u8]) -> String {
        match open(source(bytes.to_vec())) {
            Err(Error::NotACapture { found, .. }) => found,
            other => panic!("{other:?}"),
        }
    }

    fn many_packets() -> Vec<Vec<u8>> {
        (0..80_usize).map(|n| vec![n as u8; n * 37 % 1_500 + 1]).collect()
    }

    #[test]
    fn the_size_of_the_reads_makes_no_difference() {
        let packets = many_packets();
        let packets: Vec<&[u8]> = packets.iter().map(Vec::as_slice).collect();
        for capture in [testing::pcap(&packets), testing::pcapng(&packets)] {
            let whole = read(source(capture.clone()));
            assert_eq!(whole.0.len(), 80);
            assert_eq!(whole.1.problems, []);
            for most in [1, 7, 4_000] {
                let drip = Drip {
                    bytes: io::Cursor::new(capture.clone()),
                    next: 0,
                    most,
                };
                let reader = Source::Reader {
                    name: "test".into(),
                    reader: Box::new(drip),
                };
                assert_eq!(read(reader), whole);
            }
        }
    }

    #[test]
    fn where_records_are_small_fewer_bytes_are_read_at_a_time() {
        let capture = testing::pcap(&vec![&[1_u8; 60][..]; 40_000]);
        let mut reader = open(source(capture)).unwrap();
        let (mut window, mut sizes) = (Window::default(), Vec::new());
        while reader.fill(&mut window, &AtomicBool::new(false)) {
            sizes.push(window.records.len());
        }
        assert_eq!(sizes.iter().sum::<usize>(), 40_000);
        let [first, rest @ .., _] = &sizes[..] else {
            panic!("{sizes:?}")
        };
        assert!(
            *first > 2 * RECORDS && rest.iter().all(|records| records.abs_diff(RECORDS) <= 1),
            "{sizes:?}"
        );
    }

    #[test]
    fn records_across_windows_are_whole_and_numbered_on() {
        let packet: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        let capture = testing::pcap(&vec![packet.as_slice(); 130]);
        let (packets, facts) = read(source(capture));
        assert_eq!(facts.frames, 130);
        assert!(packets.iter().all(|(_, bytes)| *bytes == packet));
        assert!(
            packets
                .iter()
                .zip(1..)
                .all(|((record, _), frame)| record.frame == frame)
        );
    }

    #[test]
    fn a_window_grows_for_one_large_record_and_shrinks_again() {
        let (small, large) = (vec![1; 60], vec![2; WINDOW + 5_000]);
        let mut capture = testing::pcap(&[&small, &large, &small]);
        capture[16..20].copy_from_slice(&(8_u32 << 20).to_le_bytes());
        let stop = AtomicBool::new(false);
        let mut reader = open(source(capture)).unwrap();
        let (mut window, mut sizes) = (Window::default(), Vec::new());
        while reader.fill(&mut window, &stop) {
            assert!(window.bytes.len() <= WINDOW_MAX);
            sizes.extend(window.records.iter().map(|record| window.packet(record).len()));
        }
        assert_eq!(sizes, [60, WINDOW + 5_000, 60]);
        assert_eq!(reader.finish().problems, []);
    }

    #[test]
    fn compression_is_peeled_off_and_the_outer_file_hashed() {
        let capture = testing::pcapng(&[b"one", b"two"]);
        let (plain, facts) = read(source(capture.clone()));
        assert_eq!(facts.bytes, capture.len() as u64);
        let mut members = gzip(&capture[..50]);
        members.extend(gzip(&capture[50..]));
        let [zstd, bzip2, xz, lz4] =
            [testing::zstd, testing::bzip2, testing::xz, testing::lz4].map(|pack| pack(&capture));
        for packed in [members, zstd, bzip2, xz, lz4] {
            let (packets, packed_facts) = read(source(packed.clone()));
            assert_eq!(packets, plain);
            assert_eq!(packed_facts.bytes, packed.len() as u64);
            assert_eq!(packed_facts.sha256.map(|hash| hash.len()), Some(64));
            assert_eq!(packed_facts.problems, []);
        }
    }

    #[test]
    fn the_hash_covers_what_lies_behind_damage() {
        let mut packed = gzip(&testing::pcap(&[b"packet"]));
        packed.extend_from_slice(b"no gzip header");
        let (packets, facts) = read(source(packed));
        assert_eq!(packets.len(), 1);
        assert_eq!(facts.problems.len(), 1);
        assert_eq!(facts.problems[0].kind, ProblemKind::Damaged);
        assert!(facts.sha256.is_some());
    }

    #[test]
    fn the_hash_is_that_of_sha256sum() {
        let (_, facts) = read(source(testing::pcap(&[])));
        let expected = "704e5e5b3234433c01fcfd1b20a306e77e985038120492dc53965c3edd38a4ea";
        assert_eq!(facts.sha256.as_deref(), Some(expected));
    }

    #[test]
    fn a_compressed_file_that_is_cut_gives_what_it_has() {
        let noise: Vec<u8> = (0..60_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let packets: Vec<&[u8]> = noise.chunks(600).collect();
        let packed = gzip(&testing::pcap(&packets));
        let (packets, facts) = read(source(packed[..packed.len() / 2].to_vec()));
        assert!((10..100).contains(&packets.len()), "{}", packets.len());
        assert_eq!(facts.problems.len(), 1);
        assert_eq!(facts.problems[0].kind, ProblemKind::Cut);
        assert_eq!(facts.problems[0].what, "the gzip data ends before its time");
    }

    #[test]
    fn what_is_no_capture_is_named() {
        assert_eq!(found(b""), "empty file");
        assert_eq!(found(b"hello\n"), "a text file");
        assert_eq!(found(&gzip(b"hello\n")), "gzip of a text file");
        assert_eq!(found(&gzip(b"")), "gzip of an empty file");
        assert_eq!(found(b"\x89PNG\r\n\x1a\n"), "a PNG image");
        assert_eq!(
            found(&testing::pcap(&[])[..20]),
            "a pcap file that ends inside its header"
        );
        assert!(matches!(
            open(Source::Path("no/such/file".into())),
            Err(Error::Open { .. })
        ));
    }

    #[test]
    fn a_reader_may_go_to_another_thread() {
        fn sendable<T: Send>() {}
        sendable::<Reader>();
        sendable::<Window>();
    }

    #[test]
    fn a_header_alone_is_a_capture() {
        for capture in [testing::pcap(&[]), testing::pcapng(&[])] {
            let (packets, facts) = read(source(capture));
            assert_eq!((packets.len(), facts.frames, facts.first), (0, 0, None));
            assert_eq!(facts.problems, vec![]);
        }
    }

    #[test]
    fn stop_ends_the_reading_of_a_silent_pipe_with_what_is_there() {
        let (silent, mut writer) = io::pipe().unwrap();
        io::Write::write_all(&mut writer, &testing::pcap(&[b"one", b"two"])).unwrap();
        let stop = AtomicBool::new(false);
        let reader = Source::Reader {
            name: "pipe".into(),
            reader: Box::new(silent),
        };
        let mut reader = open(reader).unwrap();
        let mut window = Window::default();
        assert!(reader.fill(&mut window, &stop));
        assert_eq!(window.records.len(), 2);
        stop.store(true, Ordering::Relaxed);
        assert!(!reader.fill(&mut window, &stop));
        let facts = reader.finish();
        assert!(facts.stopped && facts.sha256.is_none() && facts.problems.is_empty());
    }

    #[test]
    fn blocks_that_wireshark_counts_take_a_number() {
        let journal = b"__REALTIME_TIMESTAMP=1600000000000000\n\n\0";
        let capture = Block::file(&[
            Block::packet(b"one"),
            Block::of(9, journal),
            Block::of(0xbad, b"\x01\0\0\0abcd"),
            Block::of(5, &[0; 12]),
            Block::of(0x4321, b"unknown."),
            Block::packet(b"two"),
        ]);
        let (packets, facts) = read(source(capture));
        let frames: Vec<u64> = packets.iter().map(|(record, _)| record.frame).collect();
        assert_eq!((frames, facts.frames), (vec![1, 4], 4));
    }
}
