//! A window's packets → segments, in parallel chunks, sorted into shards.
//!
//! Fragments of IP are the exception: what one of them completes depends on those before it, so they are taken one after the other
//! when all packets of the window have been decoded. A segment in a completed datagram joins the others at the place of its frame.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use rayon::prelude::*;

use crate::capture::{Record, Window};
use crate::net::{
    Decoded, Defragmenter, FlowKey, Fragment, FragmentLimits, FragmentTally, Opening, Packet, Segment, decode, frames,
};

/// Parts of the flow table. Fixed: what a shard sees must not depend on the number of threads.
pub(super) const SHARDS: usize = 64;
/// Packets that one task decodes.
const CHUNK: usize = 256;

/// The segments of one chunk of packets. Reused from window to window.
#[derive(Debug, Default)]
struct Chunk {
    /// In file order.
    segments: Vec<Segment>,
    /// Likewise.
    fragments: Vec<Fragment>,
    /// Likewise.
    openings: Vec<Opening>,
    /// The shard of each.
    shards: Vec<u8>,
    /// Places in `segments` by shard, and in file order within each: a single list, since one shard may get nothing or all of a chunk.
    order: Vec<u32>,
    /// Where each shard's part of `order` ends.
    ends: Vec<u32>,
}

const _: () = assert!(SHARDS <= 1 << u8::BITS);

impl Chunk {
    /// The segments of one shard, in file order.
    fn of_shard(&self, shard: usize) -> impl Iterator<Item = &Segment> {
        let end = |shard: usize| self.ends.get(shard).map_or(0, |end| *end as usize);
        let start = shard.checked_sub(1).map_or(0, end);
        let places = self.order.get(start..end(shard)).unwrap_or_default();
        places.iter().filter_map(|place| self.segments.get(*place as usize))
    }

    /// Decodes packets in place of what the chunk held before.
    fn fill(&mut self, window: &Window, records: &[Record]) {
        self.segments.clear();
        self.fragments.clear();
        self.openings.clear();
        self.shards.clear();
        let hasher = FixedState::with_seed(0);
        for record in records {
            let packet = Packet {
                link: record.link,
                bytes: window.packet(record),
                original: record.original,
                at: record.at,
                frame: record.frame,
                time: record.time,
            };
            match decode(&packet) {
                Decoded::Tcp(segment) => {
                    self.shards.push(shard_of(&hasher, &segment.key));
                    self.segments.push(segment);
                }
                Decoded::Fragment(fragment) => self.fragments.push(fragment),
                Decoded::Udp(opening) => self.openings.push(opening),
                Decoded::Aggregate(at) => self.take_apart(&packet, at, &hasher),
                Decoded::Cut | Decoded::Other => {}
            }
        }
        self.sort();
    }

    /// Takes the frames in a frame. They begin with LLC, and hold no aggregates.
    #[cold]
    fn take_apart(&mut self, packet: &Packet<'_>, at: usize, hasher: &FixedState) {
        for frame in frames(packet, at) {
            match decode(&frame) {
                Decoded::Tcp(segment) => {
                    self.shards.push(shard_of(hasher, &segment.key));
                    self.segments.push(segment);
                }
                Decoded::Fragment(fragment) => self.fragments.push(fragment),
                Decoded::Udp(opening) => self.openings.push(opening),
                Decoded::Aggregate(_) | Decoded::Cut | Decoded::Other => {}
            }
        }
    }

    /// Puts a segment behind those of its frame and of the frames before; then the chunk has to be sorted again.
    fn insert(&mut self, segment: Segment) {
        let place = self.segments.partition_point(|other| other.frame <= segment.frame);
        self.segments.insert(place, segment);
        self.shards
            .insert(place, shard_of(&FixedState::with_seed(0), &segment.key));
    }

    /// Sorts by shard, by counting.
    fn sort(&mut self) {
        let mut next = [0_u32; SHARDS];
        for shard in &self.shards {
            if let Some(count) = next.get_mut(usize::from(*shard)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        self.ends.clear();
        for next in &mut next {
            let count = std::mem::replace(next, sum);
            sum += count;
            self.ends.push(sum);
        }
        self.order.clear();
        self.order.resize(self.shards.len(), 0);
        for (shard, place) in self.shards.iter().zip(0..) {
            if let Some(next) = next.get_mut(usize::from(*shard))
                && let Some(slot) = self.order.get_mut(*next as usize)
            {
                *slot = place;
                *next += 1;
            }
        }
    }
}

/// Decodes the windows of one capture.
#[derive(Debug)]
pub(super) struct Decoder {
    chunks: Vec<Chunk>,
    /// How many of them hold something of this window.
    used: usize,
    defragmenter: Defragmenter,
    /// The datagrams that were completed in this window. Offsets of payloads count on here where the window's bytes end.
    whole: Vec<u8>,
}

impl Decoder {
    /// A decoder for one capture.
    pub(super) fn new(limits: FragmentLimits) -> Self {
        Self {
            chunks: Vec::new(),
            used: 0,
            defragmenter: Defragmenter::new(limits),
            whole: Vec::new(),
        }
    }

    /// Decodes a window; what was decoded of the last one is gone.
    pub(super) fn decode(&mut self, window: &Window) {
        self.used = window.records.len().div_ceil(CHUNK);
        if self.chunks.len() < self.used {
            self.chunks.resize_with(self.used, Chunk::default);
        }
        window
            .records
            .par_chunks(CHUNK)
            .zip(self.chunks.par_iter_mut())
            .for_each(|(records, chunk)| chunk.fill(window, records));
        self.whole.clear();
        let used = self.chunks.iter_mut().take(self.used);
        for chunk in used.filter(|chunk| !chunk.fragments.is_empty()) {
            let fragments = std::mem::take(&mut chunk.fragments);
            for fragment in &fragments {
                if let Some(segment) = self.defragmenter.add(fragment, &window.bytes, &mut self.whole) {
                    chunk.insert(segment);
                }
            }
            chunk.fragments = fragments;
            chunk.sort();
        }
    }

    /// The segments of one shard in the order of the file, with their payload. `window` is the one that was decoded.
    pub(super) fn of_shard<'a>(
        &'a self,
        shard: usize,
        window: &'a Window,
    ) -> impl Iterator<Item = (&'a Segment, &'a [u8])> {
        let used = self.chunks.get(..self.used).unwrap_or_default();
        let segments = used.iter().flat_map(move |chunk| chunk.of_shard(shard));
        segments.map(|segment| {
            let (at, len) = (segment.payload_at as usize, segment.payload_len as usize);
            let payload = window.bytes.get(at..at + len).or_else(|| {
                let at = at.checked_sub(window.bytes.len())?;
                self.whole.get(at..at + len)
            });
            (segment, payload.unwrap_or_default())
        })
    }

    /// Datagrams with which DTLS or QUIC may begin, in the order of the file.
    pub(super) fn openings(&self) -> impl Iterator<Item = Opening> {
        let used = self.chunks.iter().take(self.used);
        used.flat_map(|chunk| chunk.openings.iter().copied())
    }

    /// What became of the fragments.
    pub(super) fn fragments(&self) -> FragmentTally {
        self.defragmenter.tally()
    }
}

fn shard_of(hasher: &FixedState, key: &FlowKey) -> u8 {
    // The top bits: the flow tables use the low ones of other hashes.
    (hasher.hash_one(key) >> 58) as u8 % SHARDS as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Record;

    /// An IPv4 packet of one flow; `field` holds the flags and the offset in words of eight bytes.
    fn packet(field: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 20 + payload.len() as u8, 0, 1];
        bytes.extend(field.to_be_bytes());
        bytes.extend([64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        [&bytes[..], payload].concat()
    }

    fn tcp(payload: &[u8]) -> Vec<u8> {
        let header = [
            0xc0, 0x01, 0x01, 0xbb, 0, 0, 0, 100, 0, 0, 0, 9, 0x50, 0x18, 0x10, 0, 0, 0, 0, 0,
        ];
        [&header[..], payload].concat()
    }

    #[test]
    fn a_completed_datagram_takes_the_place_of_its_last_fragment() {
        let split = tcp(b"in two halves");
        let packets = [
            packet(0x2000, &split[..24]),
            packet(0, &tcp(b"between")),
            packet(3, &split[24..]),
            packet(0, &tcp(b"after")),
        ];
        let mut window = Window::default();
        for (packet, frame) in packets.iter().zip(1..) {
            window.records.push(Record {
                frame,
                time: None,
                link: 101,
                at: window.bytes.len() as u32,
                captured: packet.len() as u32,
                original: packet.len() as u32,
            });
            window.bytes.extend(packet);
        }
        let mut decoder = Decoder::new(FragmentLimits::of_bytes(8 << 20));
        // The second time around nothing of the first may be left.
        for completed in 1..=2 {
            decoder.decode(&window);
            let shards = (0..SHARDS).flat_map(|shard| decoder.of_shard(shard, &window));
            let seen: Vec<_> = shards.map(|(segment, payload)| (segment.frame, payload)).collect();
            assert_eq!(seen, [(2, &b"between"[..]), (3, b"in two halves"), (4, b"after")]);
            assert_eq!(decoder.fragments().completed, completed);
        }
    }
}
