//! Which packet, in 16 bytes.

use std::num::NonZeroU64;

use crate::evidence::{CaptureId, Mark, Side, Time};

/// A packet, without its sender: where and when. Ordered as the packets of the input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::stream) struct Stamp {
    /// Capture in the upper 24 bits, frame in the lower 40.
    place: NonZeroU64,
    /// Nanoseconds since 1970; the smallest number where the format has no time.
    nanos: i64,
}

impl Stamp {
    const FRAME_BITS: u32 = 40;
    const LAST_FRAME: u64 = (1 << Self::FRAME_BITS) - 1;
    const LAST_CAPTURE: u64 = (1 << (u64::BITS - Self::FRAME_BITS)) - 1;
    const NO_TIME: i64 = i64::MIN;

    /// Numbers outside of what fits (a trillion frames, 16 million captures) stop at the last.
    pub(in crate::stream) fn new(capture: CaptureId, frame: u64, time: Option<Time>) -> Self {
        let capture = u64::from(capture.0).min(Self::LAST_CAPTURE);
        let frame = frame.clamp(1, Self::LAST_FRAME);
        Self {
            place: NonZeroU64::new((capture << Self::FRAME_BITS) | frame).unwrap_or(NonZeroU64::MIN),
            nanos: time.map_or(Self::NO_TIME, Time::nanos),
        }
    }

    /// `frame.number` of the packet.
    pub(in crate::stream) const fn frame(self) -> u64 {
        self.place.get() & Self::LAST_FRAME
    }

    /// When it was captured.
    pub(in crate::stream) fn time(self) -> Option<Time> {
        (self.nanos != Self::NO_TIME).then(|| Time::from_nanos(self.nanos))
    }

    /// The packet, sent by `from`.
    pub(in crate::stream) fn mark(self, from: Side) -> Mark {
        Mark {
            capture: CaptureId((self.place.get() >> Self::FRAME_BITS) as u32),
            frame: self.frame(),
            time: self.time(),
            from,
        }
    }

    /// Milliseconds from `earlier` to this packet, where both have a time and the clock did not go back.
    pub(super) fn millis_since(self, earlier: Self) -> Option<f64> {
        let seconds = self.time()?.since(earlier.time()?);
        (seconds >= 0.0).then_some(seconds * 1_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(frame: u64) -> Stamp {
        Stamp::new(CaptureId(3), frame, Some(Time::from_nanos(frame as i64 * 1_000_000)))
    }

    #[test]
    fn a_stamp_keeps_capture_frame_and_time() {
        let mark = stamp(70_000_000_000).mark(Side::Server);
        assert_eq!((mark.capture, mark.frame), (CaptureId(3), 70_000_000_000));
        assert_eq!(mark.time, Some(Time::from_nanos(70_000_000_000_000_000)));
        assert_eq!(Stamp::new(CaptureId(0), 1, None).mark(Side::Client).time, None);
    }

    #[test]
    fn stamps_are_ordered_by_capture_and_then_by_frame() {
        assert!(Stamp::new(CaptureId(1), 9, None) < Stamp::new(CaptureId(2), 1, None));
        assert!(stamp(9) < stamp(10));
    }

    #[test]
    fn numbers_that_do_not_fit_stop_at_the_last() {
        let mark = Stamp::new(CaptureId(u32::MAX), u64::MAX, None).mark(Side::Client);
        assert_eq!((mark.capture, mark.frame), (CaptureId((1 << 24) - 1), (1 << 40) - 1));
    }
}
