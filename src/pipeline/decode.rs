//! A window's packets → segments, in parallel chunks, sorted into shards.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use rayon::prelude::*;

use crate::capture::Window;
use crate::net::{Decoded, FlowKey, Packet, Segment, decode};

/// Parts of the flow table. Fixed: what a shard sees must not depend on the number of threads.
pub(super) const SHARDS: usize = 64;
/// Packets that one task decodes.
const CHUNK: usize = 1_024;

/// The segments of one chunk of packets, by shard, each in file order. Reused from window to window.
#[derive(Debug)]
pub(super) struct Chunk {
    segments: Vec<Vec<Segment>>,
}

impl Chunk {
    fn new() -> Self {
        Self {
            segments: (0..SHARDS).map(|_| Vec::new()).collect(),
        }
    }

    /// The segments of one shard.
    pub(super) fn of_shard(&self, shard: usize) -> &[Segment] {
        self.segments.get(shard).map_or(&[], Vec::as_slice)
    }
}

/// Decodes a window into chunks; returns how many of them hold something now.
pub(super) fn decode_window(window: &Window, chunks: &mut Vec<Chunk>) -> usize {
    let used = window.records.len().div_ceil(CHUNK);
    while chunks.len() < used {
        chunks.push(Chunk::new());
    }
    window
        .records
        .par_chunks(CHUNK)
        .zip(chunks.par_iter_mut())
        .for_each(|(records, chunk)| {
            chunk.segments.iter_mut().for_each(Vec::clear);
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
                if let Decoded::Tcp(segment) = decode(&packet)
                    && let Some(segments) = chunk.segments.get_mut(shard_of(&hasher, &segment.key))
                {
                    segments.push(segment);
                }
            }
        });
    used
}

fn shard_of(hasher: &FixedState, key: &FlowKey) -> usize {
    // The top bits: the flow tables use the low ones of other hashes.
    (hasher.hash_one(key) >> 58) as usize % SHARDS
}
