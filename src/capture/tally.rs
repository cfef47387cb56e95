//! What is counted while a capture is read.

use super::annotations::{Annotations, Hit};
use super::{Problem, ProblemKind, Record};
use crate::evidence::Time;

/// Problems that are told one by one; the rest is told as a sum, so that a file of nothing but damage cannot fill memory.
const PROBLEMS_MAX: usize = 100;

/// Sums over the records of a capture so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Frames as Wireshark counts them.
    pub(super) frames: u64,
    /// The earliest time.
    pub(super) first: Option<Time>,
    /// The latest time.
    pub(super) last: Option<Time>,
    /// Packets that are cut.
    pub(super) cut: u64,
    /// What the capture says besides.
    pub(super) annotations: Annotations,
    problems: Vec<Problem>,
    further: u64,
    further_at: u64,
    further_skipped: u64,
}

/// A packet as a format's header describes it, before it has a number.
pub(super) struct Packet {
    /// The capture's time.
    pub(super) time: Option<Time>,
    /// `LINKTYPE_` value.
    pub(super) link: u16,
    /// Offset in the window.
    pub(super) at: usize,
    /// Bytes in the capture.
    pub(super) captured: u32,
    /// Bytes on the wire.
    pub(super) original: u32,
}

impl Packet {
    /// The packet without the last bytes that it had on the wire.
    pub(super) fn without_fcs(mut self, len: u32) -> Self {
        self.original = self.original.saturating_sub(len);
        self.captured = self.captured.min(self.original.max(self.captured.saturating_sub(len)));
        self
    }
}

impl Tally {
    /// Counts a packet and gives it its number.
    pub(super) fn packet(&mut self, packet: Packet, records: &mut Vec<Record>) {
        self.frames += 1;
        self.cut += u64::from(packet.captured < packet.original);
        if let Some(time) = packet.time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        records.push(Record {
            frame: self.frames,
            time: packet.time,
            link: packet.link,
            // A window is at most 64 MiB long.
            at: packet.at as u32,
            captured: packet.captured,
            original: packet.original,
        });
    }

    /// Notes damage at `offset` of the capture.
    pub(super) fn damaged(&mut self, offset: u64, what: String, skipped: u64) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem {
                offset,
                what,
                skipped,
                kind: ProblemKind::Damaged,
            });
            return;
        }
        if self.further == 0 {
            self.further_at = offset;
        }
        self.further += 1;
        self.further_skipped = self.further_skipped.saturating_add(skipped);
    }

    /// Notes that the file ends inside its last record.
    pub(super) fn ends_inside(&mut self, offset: u64, what: String, skipped: u64) {
        self.problems.push(Problem {
            offset,
            what,
            skipped,
            kind: ProblemKind::Cut,
        });
    }

    /// Tells of a cap that was hit at `offset` of the capture.
    pub(super) fn capped(&mut self, offset: u64, hit: Hit) {
        if let Some(what) = hit {
            self.problems.push(Problem {
                offset,
                what: what.into(),
                skipped: 0,
                kind: ProblemKind::Limit,
            });
        }
    }

    /// Takes back the note on a cut last record, where a better reason is known; answers how many bytes it skipped.
    pub(super) fn take_cut(&mut self) -> u64 {
        self.problems
            .pop_if(|problem| problem.kind == ProblemKind::Cut)
            .map_or(0, |problem| problem.skipped)
    }

    /// All problems, in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        if self.further > 0 {
            let what = format!("{} more damaged places", self.further);
            self.problems.push(Problem {
                offset: self.further_at,
                what,
                skipped: self.further_skipped,
                kind: ProblemKind::Damaged,
            });
            self.problems.sort_by_key(|problem| problem.offset);
        }
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_past_the_cap_are_told_as_a_sum() {
        let mut tally = Tally::default();
        for offset in 0..PROBLEMS_MAX as u64 + 5 {
            tally.damaged(offset, "bad".into(), 2);
        }
        let problems = tally.into_problems();
        assert_eq!(problems.len(), PROBLEMS_MAX + 1);
        let last = problems.last().unwrap();
        assert_eq!(
            (last.offset, last.skipped, last.what.as_str()),
            (100, 10, "5 more damaged places")
        );
    }
}
