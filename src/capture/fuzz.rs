//! Any bytes as a capture: for the fuzzer.

use std::io::{self, Read};
use std::sync::atomic::AtomicBool;

use ring::digest::{SHA256, digest};

use super::{CaptureFacts, Captures, Reader, Record, Source, Window};

/// Of a capture not more than so many reads are made: each has a buffer of its own.
const MOST_READS: usize = 32;

/// Reads the bytes behind the first two as a capture: at once, and again in reads of as many bytes as those two say, or a few more.
///
/// # Panics
/// Where a record reaches out of its window or into the one before it, frames do not ascend, a time lies outside of what the capture is said
/// to span, or the two readings differ.
pub fn fuzz_capture(data: &[u8]) {
    let Some((most, capture)) = data.split_first_chunk() else {
        return;
    };
    let most = usize::from(u16::from_le_bytes(*most)).max(capture.len() / MOST_READS + 1);
    let (whole, in_pieces) = (read(capture, capture.len().max(1)), read(capture, most));
    if !whole.iter().chain(&in_pieces).any(is_damaged_within) {
        assert_eq!(whole, in_pieces, "in reads of {most} bytes");
    }
}

/// How much comes out of gzip, bzip2 and xz data before the place of its damage depends a little on the reads: their decoders keep back what
/// they made in the same call.
fn is_damaged_within(told: &Told) -> bool {
    let of_these = |what: &str| ["gzip", "bzip2", "xz"].iter().any(|name| what.contains(name));
    match told {
        Ok((_, facts)) => facts.problems.iter().any(|problem| of_these(&problem.what)),
        Err(error) => of_these(error),
    }
}

/// Gives out a few bytes at a time.
struct Drip {
    bytes: io::Cursor<Vec<u8>>,
    most: usize,
}

impl Read for Drip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let some = self.most.min(buffer.len());
        self.bytes.read(buffer.get_mut(..some).unwrap_or_default())
    }
}

/// Each packet's record and the hash of its bytes, and what is known of the whole; or why it is no capture.
type Told = Result<(Vec<(Record, Vec<u8>)>, CaptureFacts), String>;

/// What is told of a capture, or of each in an archive.
fn read(bytes: &[u8], most: usize) -> Vec<Told> {
    let drip = Drip {
        bytes: io::Cursor::new(bytes.to_vec()),
        most,
    };
    let source = Source::Reader {
        name: "fuzz".to_owned(),
        reader: Box::new(drip),
    };
    let stop = AtomicBool::new(false);
    let mut told = Vec::new();
    match Captures::open(source, true) {
        Ok(mut captures) => {
            while let Some(next) = captures.next(&stop) {
                told.push(
                    next.map(|reader| follow(reader, &stop))
                        .map_err(|error| error.to_string()),
                );
            }
        }
        Err(error) => told.push(Err(error.to_string())),
    }
    told
}

fn follow(mut reader: Reader, stop: &AtomicBool) -> (Vec<(Record, Vec<u8>)>, CaptureFacts) {
    let (mut window, mut packets) = (Window::default(), Vec::new());
    let mut frame = 0;
    while reader.fill(&mut window, stop) {
        let mut end = 0;
        for record in &window.records {
            assert!(record.frame > frame, "{record:?} follows frame {frame}");
            assert!(record.at >= end, "{record:?} begins before {end}");
            frame = record.frame;
            end = record.at.saturating_add(record.captured);
            assert!(
                end as usize <= window.bytes.len(),
                "{record:?} reaches out of its window"
            );
            let hash = digest(&SHA256, window.packet(record)).as_ref().to_vec();
            packets.push((Record { at: 0, ..*record }, hash));
        }
    }
    let facts = reader.finish();
    assert!(facts.frames >= frame, "{facts:?} has a frame {frame}");
    for (record, _) in &packets {
        if let Some(time) = record.time {
            let spanned = facts.first.is_some_and(|first| first <= time) && facts.last.is_some_and(|last| time <= last);
            assert!(spanned, "{record:?} lies outside of {facts:?}");
        }
    }
    (packets, facts)
}
