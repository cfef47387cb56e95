//! How much may be kept at a time, and what is told where it was not enough.

use super::decode::SHARDS;

/// How much an analysis may keep at a time. Where a limit is reached something is given up, and the report says so
/// ([`crate::report::Capture::limits_reached`]).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Pairs of ends (addresses and ports) that are remembered in one capture; at least 64. Beyond it, streams have no number any more.
    /// An entry takes 28 bytes for IPv4, 52 for IPv6; the table grows with the flows.
    pub flows: usize,
    /// Bytes for the connections that are open at a time: their state, segments that wait for an earlier one, messages that wait for
    /// their end. Beyond it, the connections that were silent for longest are judged as they stand.
    pub reassembly: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 4 << 20,
            reassembly: 32 << 20,
        }
    }
}

impl Limits {
    /// What one of the parts of the flow table may keep.
    pub(super) fn of_a_shard(&self) -> Self {
        Self {
            flows: (self.flows / SHARDS).max(1),
            reassembly: self.reassembly / SHARDS,
        }
    }
}

/// How often limits were reached in a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The frame from which on no conversation is numbered.
    pub(crate) flows: Option<u64>,
    /// Connections that were judged before their end, since room was needed.
    pub(crate) judged_early: u64,
    /// Connections without payload that were only counted, since room was needed.
    pub(crate) parked: u64,
}

impl Reached {
    /// Adds what another part of the flow table tells.
    pub(crate) fn add(&mut self, other: Self) {
        self.flows = self.flows.into_iter().chain(other.flows).min();
        self.judged_early += other.judged_early;
        self.parked += other.parked;
    }
}
