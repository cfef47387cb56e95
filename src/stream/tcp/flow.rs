//! One side's place in its stream: sequence numbers, which wrap, become offsets, which do not.

use super::recent::Recent;
use crate::stream::assembler::Assembler;
use crate::stream::facts::SideFacts;

/// The largest window that TCP can announce (RFC 7323 §2.3): nothing of this connection is further from its place.
const REACH: u32 = 1 << 30;
/// A window is shifted no further (RFC 7323 §2.3).
const LARGEST_SHIFT: u8 = 14;

/// Where a side's numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// Nothing is known.
    Unknown,
    /// What the peer acknowledged in the midst of a connection: gives way to the first packet of the side itself.
    Acked,
    /// The first packet of the side in the midst of a connection, without payload: a keep-alive probe would be one too low.
    Probe,
    /// A SYN, its acknowledgement, or payload.
    Firm,
}

/// One side's place in its stream.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Sequence number of offset 0.
    pub(super) base: u32,
    pub(super) basis: Basis,
    /// The window scale option of this side's SYN.
    pub(super) window_scale: Option<u8>,
    pub(super) recent: Recent,
    pub(super) assembler: Assembler,
}

impl Flow {
    pub(super) fn new() -> Self {
        Self {
            base: 0,
            basis: Basis::Unknown,
            window_scale: None,
            recent: Recent::default(),
            assembler: Assembler::default(),
        }
    }

    /// The offset of a sequence number, the nearest to what comes next; may lie before the beginning. `None` where it is out of reach.
    pub(super) fn offset(&self, seq: u32) -> Option<i64> {
        let next = self.assembler.next();
        let distance = distance(self.base.wrapping_add(next as u32), seq)?;
        Some(i64::try_from(next).ok()?.saturating_add(distance))
    }

    /// Lets the stream begin with the number `seq`; nothing of it went up yet.
    pub(super) fn begin_at(&mut self, seq: u32, basis: Basis, facts: &mut SideFacts) {
        // What the peer acknowledged stays the same number, so its offset moves.
        let acked = distance(seq, self.base).and_then(|moved| facts.acked.checked_add_signed(moved));
        facts.acked = acked.filter(|_| self.basis != Basis::Unknown).unwrap_or(0);
        self.base = seq;
        self.basis = basis;
    }

    pub(super) fn is_untouched(&self, facts: &SideFacts) -> bool {
        facts.sent_to == 0 && self.assembler.next() == 0 && !self.assembler.is_waiting()
    }
}

/// How far the windows of a side are shifted whose SYN and whose peer's SYN had these options (RFC 7323 §2.2: both or none).
pub(super) fn shift(own: Option<u8>, peer: Option<u8>) -> u8 {
    match (own, peer) {
        (Some(own), Some(_)) => own.min(LARGEST_SHIFT),
        _ => 0,
    }
}

/// How far `to` is ahead of `from`, in sequence numbers that wrap.
pub(super) fn distance(from: u32, to: u32) -> Option<i64> {
    let distance = to.wrapping_sub(from).cast_signed();
    (distance.unsigned_abs() <= REACH).then_some(i64::from(distance))
}

/// Where a segment at `offset` begins in the stream, and how many of its bytes lie before the stream's beginning.
/// `None` where nothing of it belongs to the stream.
pub(super) fn from_the_beginning(offset: i64, len: u64) -> Option<(u64, u64)> {
    match u64::try_from(offset) {
        Ok(start) => Some((start, 0)),
        Err(_) => {
            let before = offset.unsigned_abs();
            (before < len).then_some((0, before))
        }
    }
}
