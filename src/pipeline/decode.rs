//! A window's packets → segments, in parallel chunks, sorted into shards.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use rayon::prelude::*;

use crate::capture::{Record, Window};
use crate::net::{Decoded, FlowKey, Packet, Segment, decode};

/// Parts of the flow table. Fixed: what a shard sees must not depend on the number of threads.
pub(super) const SHARDS: usize = 64;
/// Packets that one task decodes.
const CHUNK: usize = 1_024;

/// The segments of one chunk of packets. Reused from window to window.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// In file order.
    segments: Vec<Segment>,
    /// The shard of each.
    shards: Vec<u8>,
    /// Places in `segments` by shard, and in file order within each: a single list, since one shard may get nothing or all of a chunk.
    order: Vec<u16>,
    /// Where each shard's part of `order` ends.
    ends: Vec<u16>,
}

const _: () = assert!(CHUNK <= u16::MAX as usize && SHARDS <= 1 << u8::BITS);

impl Chunk {
    /// The segments of one shard, in file order.
    pub(super) fn of_shard(&self, shard: usize) -> impl Iterator<Item = &Segment> {
        let end = |shard: usize| self.ends.get(shard).map_or(0, |end| usize::from(*end));
        let start = shard.checked_sub(1).map_or(0, end);
        let places = self.order.get(start..end(shard)).unwrap_or_default();
        places.iter().filter_map(|place| self.segments.get(usize::from(*place)))
    }

    /// Decodes packets in place of what the chunk held before.
    fn fill(&mut self, window: &Window, records: &[Record]) {
        self.segments.clear();
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
            if let Decoded::Tcp(segment) = decode(&packet) {
                self.shards.push(shard_of(&hasher, &segment.key));
                self.segments.push(segment);
            }
        }
        self.sort();
    }

    /// Sorts by shard, by counting.
    fn sort(&mut self) {
        let mut next = [0_u16; SHARDS];
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
                && let Some(slot) = self.order.get_mut(usize::from(*next))
            {
                *slot = place;
                *next += 1;
            }
        }
    }
}

/// Decodes a window into chunks; returns how many of them hold something now.
pub(super) fn decode_window(window: &Window, chunks: &mut Vec<Chunk>) -> usize {
    let used = window.records.len().div_ceil(CHUNK);
    if chunks.len() < used {
        chunks.resize_with(used, Chunk::default);
    }
    window
        .records
        .par_chunks(CHUNK)
        .zip(chunks.par_iter_mut())
        .for_each(|(records, chunk)| chunk.fill(window, records));
    used
}

fn shard_of(hasher: &FixedState, key: &FlowKey) -> u8 {
    // The top bits: the flow tables use the low ones of other hashes.
    (hasher.hash_one(key) >> 58) as u8 % SHARDS as u8
}
