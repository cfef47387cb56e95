//! Puts the bytes of one side in order.
//!
//! Offsets are counted from the first byte of the stream, so that nothing here knows of sequence numbers. A segment that comes in order goes
//! up at once, from where it lies. What comes early is kept until the hole before it is filled, or until the hole is given up. Where copies
//! of the same bytes differ, the first one that was captured counts, and the difference is told.
//!
//! A hole is given up
//! - where the peer has acknowledged it (so the packet is missing in the capture only), and then three more segments with payload came or
//!   a second passed: until then it may be a packet that the capture shows late;
//! - where more is kept behind it than [`MAX_HELD_BYTES`] or [`MAX_HELD_PIECES`];
//! - at the end.

mod beginning;

use std::collections::BTreeMap;

use super::facts::Stamp;
use crate::evidence::{Mark, Side, Span, Time};
use beginning::Beginning;
pub(super) use beginning::Difference;

/// So many bytes of one side may wait behind a hole.
pub(super) const MAX_HELD_BYTES: usize = 256 * 1024;
/// So many pieces may wait behind a hole: it bounds the work that tiny overlapping segments can cause.
pub(super) const MAX_HELD_PIECES: usize = 1_024;
/// An acknowledged hole is given up after so many further segments with payload.
const PATIENCE_SEGMENTS: u8 = 3;
/// An acknowledged hole is given up after so many seconds of capture time.
const PATIENCE_SECONDS: f64 = 1.0;

/// Why bytes are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum GapCause {
    /// The peer acknowledged them: they were delivered, the capture lost them.
    CaptureLoss,
    /// Nothing shows that they arrived: lost on the way, or never sent.
    NetworkLoss,
    /// The packet is there, but its end was cut by the snapshot length.
    Snaplen,
}

/// What reassembly hands up. Per side, offsets never go back and leave nothing out: each byte is either data or part of a gap.
pub(crate) trait Sink {
    /// The next bytes of one side.
    ///
    /// `span.mark` is the packet by which they became readable: the one that carried them or, where they had to wait for an earlier
    /// segment, that segment's packet. Behind a hole that was given up it is the packet that carried them. `span.first_frame` carried them.
    fn data(&mut self, bytes: &[u8], span: Span);

    /// `len` bytes of `from`'s stream, beginning at offset `at`, are not in the capture.
    ///
    /// `mark` is the packet that shows it: the first one behind the hole, the one that was cut, or the peer's acknowledgement where nothing follows.
    fn gap(&mut self, from: Side, at: u64, len: u64, cause: GapCause, mark: Mark);
}

/// Payload of one packet: the bytes that were captured, then `cut` bytes that were only on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'a> {
    /// Offset of the first byte.
    pub(super) at: u64,
    /// The captured bytes.
    pub(super) bytes: &'a [u8],
    /// How many more bytes were on the wire.
    pub(super) cut: u64,
    /// The packet.
    pub(super) stamp: Stamp,
}

impl<'a> Chunk<'a> {
    /// A whole payload, of which the last `cut` bytes were not captured, at offset 0.
    pub(super) fn new(bytes: &'a [u8], cut: u32, stamp: Stamp) -> Self {
        Self {
            at: 0,
            bytes,
            cut: cut.into(),
            stamp,
        }
    }

    /// What is left without the first `skipped` bytes, at the offset where that begins.
    pub(super) fn from(&self, skipped: u64, at: u64) -> Self {
        let part = if skipped == 0 {
            *self
        } else {
            self.part(self.at + skipped, u64::MAX)
        };
        Self { at, ..part }
    }

    /// Bytes on the wire.
    pub(super) const fn len(&self) -> u64 {
        self.bytes.len() as u64 + self.cut
    }

    /// Offset behind the last byte.
    pub(super) const fn end(&self) -> u64 {
        self.at + self.len()
    }

    /// The part between two offsets; empty where there is none.
    pub(super) fn part(&self, from: u64, to: u64) -> Self {
        let from = from.clamp(self.at, self.end());
        let to = to.clamp(from, self.end());
        let captured = self.bytes.len();
        let first = usize::try_from(from - self.at).unwrap_or(captured).min(captured);
        let last = usize::try_from(to - self.at).unwrap_or(captured).min(captured);
        let bytes = self.bytes.get(first..last).unwrap_or_default();
        Self {
            at: from,
            bytes,
            cut: (to - from).saturating_sub(bytes.len() as u64),
            stamp: self.stamp,
        }
    }
}

/// A chunk that waits behind a hole.
#[derive(Clone, Debug)]
struct Piece {
    bytes: Box<[u8]>,
    cut: u64,
    stamp: Stamp,
}

impl Piece {
    /// What keeping one costs beside its bytes.
    const COST: usize = size_of::<(u64, Self)>();

    const fn len(&self) -> u64 {
        self.bytes.len() as u64 + self.cut
    }
}

/// Since when the first hole is known to be the capture's.
#[derive(Clone, Copy, Debug)]
struct Watch {
    since: Option<Time>,
    segments: u8,
}

/// What waits behind the first hole. Pieces do not overlap and lie behind `next`.
#[derive(Clone, Debug, Default)]
struct Held {
    pieces: BTreeMap<u64, Piece>,
    bytes: usize,
    watch: Option<Watch>,
}

impl Held {
    /// Offset where the first hole ends.
    fn hole_end(&self) -> Option<u64> {
        self.pieces.keys().next().copied()
    }

    /// End of the piece that holds the byte at `at`.
    fn end_of_piece_at(&self, at: u64) -> Option<u64> {
        let (start, piece) = self.pieces.range(..=at).next_back()?;
        let end = start + piece.len();
        (end > at).then_some(end)
    }

    /// Keeps those parts of a chunk that are not yet there.
    fn keep(&mut self, chunk: Chunk<'_>) {
        let mut at = chunk.at;
        while at < chunk.end() {
            if let Some(end) = self.end_of_piece_at(at) {
                at = end;
                continue;
            }
            let following = self.pieces.range(at..).next().map_or(u64::MAX, |(start, _)| *start);
            let part = chunk.part(at, following);
            self.bytes += part.bytes.len();
            let piece = Piece {
                bytes: part.bytes.into(),
                cut: part.cut,
                stamp: part.stamp,
            };
            self.pieces.insert(at, piece);
            at = part.end();
        }
    }

    /// Holds a later copy against what waits.
    fn compare(&self, chunk: &Chunk<'_>) -> Option<Difference> {
        let before = self
            .pieces
            .range(..=chunk.at)
            .next_back()
            .map_or(chunk.at, |(start, _)| *start);
        let mut found = None;
        for (&start, piece) in self.pieces.range(before..chunk.end()) {
            let copy = chunk.part(start, start + piece.len());
            let skipped = usize::try_from(copy.at - start).unwrap_or(usize::MAX);
            let kept = piece.bytes.get(skipped..).unwrap_or_default();
            found = Difference::joined(found, Difference::between(copy.at, kept, copy.bytes));
        }
        found
    }

    /// Takes the piece that begins at `at`.
    fn take(&mut self, at: u64) -> Option<Piece> {
        let piece = self.pieces.remove(&at)?;
        self.bytes -= piece.bytes.len();
        Some(piece)
    }

    fn is_too_much(&self) -> bool {
        self.bytes > MAX_HELD_BYTES || self.pieces.len() > MAX_HELD_PIECES
    }
}

/// The stream of one side. A few words once the handshake is over and everything comes in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembler {
    next: u64,
    held: Option<Box<Held>>,
    beginning: Beginning,
}

impl Assembler {
    /// Everything before this offset went up, as data or as gap.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// True where something waits behind a hole.
    pub(super) const fn is_waiting(&self) -> bool {
        self.held.is_some()
    }

    /// Bytes that are kept, with what keeping them costs.
    pub(super) fn held_bytes(&self) -> usize {
        let held = self.held.as_ref();
        held.map_or(0, |held| held.bytes + held.pieces.len() * Piece::COST) + self.beginning.held_bytes()
    }

    /// True where the byte at this offset went up, was given up, or waits.
    pub(super) fn knows(&self, at: u64) -> bool {
        at < self.next
            || self
                .held
                .as_ref()
                .is_some_and(|held| held.end_of_piece_at(at).is_some())
    }

    /// Where a later copy of bytes differs from the first, as far as that is still at hand.
    pub(super) fn compare(&self, chunk: &Chunk<'_>) -> Option<Difference> {
        let waiting = self.held.as_ref().and_then(|held| held.compare(chunk));
        let passed = self.beginning.compare(chunk.at, chunk.bytes);
        Difference::joined(passed, waiting)
    }

    /// Takes the payload of one packet of `from`. `acked`: the peer acknowledged everything before this offset.
    /// Answers where it differs from an earlier copy of the same bytes.
    pub(super) fn push(
        &mut self,
        from: Side,
        chunk: Chunk<'_>,
        acked: u64,
        sink: &mut impl Sink,
    ) -> Option<Difference> {
        if chunk.at == self.next && self.held.is_none() {
            // Nearly all: it begins where the stream ends, and nothing waits.
            self.hand_up(from, chunk, chunk.stamp, sink);
            return None;
        }
        let difference = self.compare(&chunk);
        let fresh = chunk.part(self.next, u64::MAX);
        if fresh.len() == 0 {
            return difference;
        }
        if fresh.at > self.next {
            self.hold(from, fresh, acked, sink);
            return difference;
        }
        let mut at = fresh.at;
        while at < fresh.end() {
            // A piece that waits was captured before this packet: its copy of the bytes counts.
            let limit = self.held.as_ref().and_then(|held| held.hole_end()).unwrap_or(u64::MAX);
            self.hand_up(from, fresh.part(at, limit), fresh.stamp, sink);
            if self.held.is_none() {
                return difference;
            }
            self.hand_up_held(from, Some(fresh.stamp), sink);
            at = self.next;
        }
        self.look_at_hole(acked, fresh.stamp.time());
        difference
    }

    /// The peer has acknowledged everything before `acked`, and it is `time`.
    pub(super) fn acknowledged(&mut self, from: Side, acked: u64, time: Option<Time>, sink: &mut impl Sink) {
        self.look_at_hole(acked, time);
        while self.has_waited_long(time) {
            self.give_up_hole(from, acked, sink);
            self.look_at_hole(acked, time);
        }
    }

    /// Hands up all that lies behind holes: nothing more comes, or nothing more may be kept.
    pub(super) fn give_up_holes(&mut self, from: Side, acked: u64, sink: &mut impl Sink) {
        while self.held.is_some() {
            self.give_up_hole(from, acked, sink);
        }
    }

    /// Goes on at `at`, where the caller has told about the bytes before it.
    pub(super) fn skip_to(&mut self, at: u64) {
        self.next = self.next.max(at);
    }

    fn hold(&mut self, from: Side, chunk: Chunk<'_>, acked: u64, sink: &mut impl Sink) {
        let held = self.held.get_or_insert_default();
        if let Some(watch) = &mut held.watch {
            watch.segments = watch.segments.saturating_add(1);
        }
        held.keep(chunk);
        while self.held.as_ref().is_some_and(|held| held.is_too_much()) || self.has_waited_long(chunk.stamp.time()) {
            self.give_up_hole(from, acked, sink);
        }
        self.look_at_hole(acked, chunk.stamp.time());
    }

    /// Starts the clock of the first hole where the peer has acknowledged it.
    fn look_at_hole(&mut self, acked: u64, time: Option<Time>) {
        let Some(held) = &mut self.held else { return };
        if held.watch.is_none() && held.hole_end().is_some_and(|end| end <= acked) {
            held.watch = Some(Watch {
                since: time,
                segments: 0,
            });
        }
    }

    fn has_waited_long(&self, now: Option<Time>) -> bool {
        let Some(watch) = self.held.as_ref().and_then(|held| held.watch) else {
            return false;
        };
        let too_long = now
            .zip(watch.since)
            .is_some_and(|(now, since)| now.since(since) >= PATIENCE_SECONDS);
        watch.segments >= PATIENCE_SEGMENTS || too_long
    }

    /// Hands up the first hole as a gap, and what follows it.
    fn give_up_hole(&mut self, from: Side, acked: u64, sink: &mut impl Sink) {
        let Some((&end, piece)) = self.held.as_ref().and_then(|held| held.pieces.first_key_value()) else {
            self.held = None;
            return;
        };
        let mark = piece.stamp.mark(from);
        // An acknowledgement may end inside the hole: what it covers arrived, of the rest nothing is known.
        let delivered_to = acked.clamp(self.next, end);
        if delivered_to > self.next {
            sink.gap(from, self.next, delivered_to - self.next, GapCause::CaptureLoss, mark);
        }
        if end > delivered_to {
            sink.gap(from, delivered_to, end - delivered_to, GapCause::NetworkLoss, mark);
        }
        self.next = end;
        self.hand_up_held(from, None, sink);
    }

    /// Hands up the pieces that are in order now. `by`: the packet that filled the hole before them, or none did.
    fn hand_up_held(&mut self, from: Side, by: Option<Stamp>, sink: &mut impl Sink) {
        while let Some(piece) = self.held.as_mut().and_then(|held| held.take(self.next)) {
            let chunk = Chunk {
                at: self.next,
                bytes: &piece.bytes,
                cut: piece.cut,
                stamp: piece.stamp,
            };
            self.hand_up(from, chunk, by.unwrap_or(piece.stamp), sink);
            if let Some(held) = &mut self.held {
                held.watch = None;
            }
        }
        if self.held.as_ref().is_some_and(|held| held.pieces.is_empty()) {
            self.held = None;
        }
    }

    /// Hands up a chunk that begins at `next`.
    fn hand_up(&mut self, from: Side, chunk: Chunk<'_>, by: Stamp, sink: &mut impl Sink) {
        if !chunk.bytes.is_empty() {
            let span = Span {
                mark: by.mark(from),
                first_frame: chunk.stamp.frame(),
                at: chunk.at,
                len: u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX),
            };
            sink.data(chunk.bytes, span);
            self.beginning.add(chunk.at, chunk.bytes);
        }
        if chunk.cut > 0 {
            let at = chunk.at + chunk.bytes.len() as u64;
            sink.gap(from, at, chunk.cut, GapCause::Snaplen, chunk.stamp.mark(from));
        }
        self.next = chunk.end();
    }
}

#[cfg(test)]
mod tests;
