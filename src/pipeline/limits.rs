//! How much may be kept at a time, and what is told where it was not enough.

use super::decode::SHARDS;
use crate::report::LimitReached;

/// How much an analysis may keep at a time. Where a limit is reached something is given up, and the report says so
/// ([`crate::report::Summary::limits_reached`]).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Pairs of ends (addresses and ports) that are remembered in one capture; at least 64. Beyond it, streams have no number any more.
    /// An entry takes 24 bytes for IPv4, 48 for IPv6; the table grows with the flows.
    pub flows: usize,
    /// Bytes for the connections that are open at a time: their state, segments that wait for an earlier one, messages that wait for
    /// their end. One in 32 is for those of which no more was seen than a SYN and its answer, and a quarter of the rest for others in which
    /// not both sides spoke. Beyond it, those that were silent for longest are judged as they stand.
    pub reassembly: usize,
    /// Bytes of IP fragments of one capture that wait for others. Beyond it, the oldest are given up.
    pub fragments: usize,
    /// Bytes of distinct certificates that are kept once for the whole input. Beyond it, each connection keeps its own: it changes no answer,
    /// and costs time and memory.
    pub certificates: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 4 << 20,
            reassembly: 48 << 20,
            fragments: 8 << 20,
            certificates: 128 << 20,
        }
    }
}

impl Limits {
    /// What is told where the certificates of the input took more.
    pub(super) fn certificates_reached(&self) -> LimitReached {
        LimitReached {
            limit: "certificates".to_owned(),
            value: self.certificates as u64,
            capture: None,
            count: 1,
            what: "more certificates than are kept once for all: the answers are the same, and took more memory"
                .to_owned(),
        }
    }

    /// What one of the parts of the flow table may keep.
    pub(super) fn of_a_shard(&self) -> Self {
        Self {
            flows: (self.flows / SHARDS).max(1),
            reassembly: self.reassembly / SHARDS,
            fragments: self.fragments,
            certificates: self.certificates,
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
    /// Fragmented datagrams that were given up, since room was needed.
    pub(crate) fragments: u64,
}

impl Reached {
    /// Adds what another part of the flow table tells.
    pub(crate) fn add(&mut self, other: Self) {
        self.flows = self.flows.into_iter().chain(other.flows).min();
        self.judged_early += other.judged_early;
        self.parked += other.parked;
        self.fragments += other.fragments;
    }

    /// What is told of a capture.
    pub(super) fn told(self, capture: &str, limits: &Limits) -> Vec<LimitReached> {
        let told = |limit: &str, value: usize, count: u64, what: String| LimitReached {
            limit: limit.to_owned(),
            value: value as u64,
            capture: Some(capture.to_owned()),
            count,
            what,
        };
        let flows = self.flows.map(|frame| {
            let what = format!("more flows than are remembered: from frame {frame} on, streams have no number");
            told("flows", limits.flows, 1, what)
        });
        let early = (self.judged_early > 0).then(|| {
            let what = "connections were judged before their end, to make room for others".to_owned();
            told("reassembly", limits.reassembly, self.judged_early, what)
        });
        let parked = (self.parked > 0).then(|| {
            let what = "connections without payload were given up and only counted, to make room for others".to_owned();
            told("reassembly", limits.reassembly, self.parked, what)
        });
        let fragments = (self.fragments > 0).then(|| {
            let what = "IP packets in fragments were given up before they were complete".to_owned();
            told("fragments", limits.fragments, self.fragments, what)
        });
        [flows, early, parked, fragments].into_iter().flatten().collect()
    }
}
