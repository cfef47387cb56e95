//! Files that are a header and then records, one behind the other: pcap and its relatives, snoop, ERF.
//!
//! A record carries nothing to know it by, so a length that lies is caught by what the next header looks like, and the next record is searched
//! for by its lengths and its time. How a header is laid out is the format's own business.
//!
//! Record headers are read here rather than by a library: the same fields are needed before a record's data has arrived, to judge a doubtful
//! length, and to search after damage.

use std::fmt::Debug;

use super::damage::{Damage, Found, Search};
use super::tally::{Packet, Tally};
use super::{Record, WINDOW_MAX};
use crate::evidence::Time;

/// What Wireshark takes for the largest packet. A longer one must be followed by a header that makes sense.
pub(super) const USUAL_MAX: u32 = 256 << 10;

/// The largest record that is read at all: it and the header after it fit into the largest window.
pub(super) const RECORD_MAX: u32 = (WINDOW_MAX - 64) as u32;

/// The longest packet on the wire that a search believes in.
const ORIGINAL_MAX: u32 = 1 << 20;

const SECONDS_PER_DAY: u32 = 86_400;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How the records of a format are laid out.
pub(super) trait Layout: Debug {
    /// The record header at `at`, if it lies wholly in `bytes`.
    fn head(&self, bytes: &[u8], at: usize) -> Option<Head>;

    /// The most bytes of a packet that there may be in a record.
    fn limit(&self) -> u32;

    /// Called before the first record, with the first bytes of the records and with true where they are all there is: the chance to tell variants
    /// apart.
    fn settle(&mut self, _bytes: &[u8], _last: bool) {}
}

/// A record's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Seconds since 1970.
    pub(super) seconds: u32,
    /// Nanoseconds past it.
    pub(super) nanos: u64,
    /// Bytes of the packet in the file.
    pub(super) captured: u32,
    /// Bytes of the packet on the wire.
    pub(super) original: u32,
    /// Bytes from the record's start to the packet.
    pub(super) packet_at: usize,
    /// Bytes of the whole record.
    pub(super) len: usize,
    /// `LINKTYPE_` value, without the bits for the frame check sequence.
    pub(super) link: u16,
    /// Bytes of the frame check sequence at the end of the packet on the wire.
    pub(super) fcs: u32,
    /// True where the fields contradict each other.
    pub(super) is_odd: bool,
    /// True where the record only fills space, and is no frame.
    pub(super) is_filler: bool,
}

/// Reads the records of one file.
#[derive(Debug)]
pub(super) struct Records<L> {
    layout: L,
    settled: bool,
    /// Seconds of the last record that was accepted.
    seconds: Option<u32>,
    /// Damage behind which the next record is searched for.
    lost: Option<Damage>,
}

impl<L: Layout> Records<L> {
    /// A reader before the first record.
    pub(super) fn new(layout: L) -> Self {
        Self {
            layout,
            settled: false,
            seconds: None,
            lost: None,
        }
    }

    /// Reads the records that lie wholly in `bytes`, which begin at `base` of the capture; `last` says that no more bytes will come. Answers how
    /// many bytes are done with: all where `last`.
    pub(super) fn walk(
        &mut self,
        bytes: &[u8],
        base: u64,
        last: bool,
        tally: &mut Tally,
        records: &mut Vec<Record>,
    ) -> usize {
        if !self.settled {
            self.layout.settle(bytes, last);
            self.settled = true;
        }
        let mut at = 0;
        loop {
            if self.lost.is_some()
                && let Some(damage) = self.lost.take()
            {
                let found = self.search(bytes, at, last);
                match damage.searched(found, base, bytes.len(), tally) {
                    Search::Ended(next) => at = next,
                    Search::GoesOn(damage, place) => {
                        self.lost = Some(damage);
                        return place;
                    }
                }
            }
            let Some(head) = self.layout.head(bytes, at) else {
                if last && at < bytes.len() {
                    let left = bytes.len() - at;
                    let what =
                        format!("the file ends inside the header of its last record, of which {left} bytes are there");
                    tally.ends_inside(base + at as u64, what, left as u64);
                    return bytes.len();
                }
                return at;
            };
            match self.judge(bytes, at, head, last) {
                Verdict::Sound(end) => {
                    self.seconds = Some(head.seconds);
                    if !head.is_filler {
                        let packet = Packet {
                            time: Some(head.time()),
                            link: head.link,
                            at: at + head.packet_at,
                            captured: head.captured,
                            original: head.original,
                        };
                        tally.packet(packet.without_fcs(head.fcs), records);
                    }
                    at = end;
                }
                Verdict::Wait => return at,
                Verdict::Short => {
                    // A length that lies may point past the end, too: then there are records behind it.
                    let (left, claimed) = (bytes.len() - at, head.captured);
                    if let Found::At(next) = self.search(bytes, at + 1, last) {
                        let what = format!("a record claims {claimed} captured bytes, more than are left of the file");
                        tally.damaged(base + at as u64, what, (next - at) as u64);
                        at = next;
                    } else {
                        let there = left.saturating_sub(head.packet_at);
                        let what =
                            format!("the file ends inside its last record: {there} of {claimed} bytes are there");
                        tally.ends_inside(base + at as u64, what, left as u64);
                        return bytes.len();
                    }
                }
                Verdict::Damaged(what) => {
                    self.lost = Some(Damage::new(base + at as u64, what));
                    at += 1;
                }
            }
        }
    }

    /// Judges the record at `at`, whose header is `head`.
    fn judge(&self, bytes: &[u8], at: usize, head: Head, last: bool) -> Verdict {
        let Head { captured, original, .. } = head;
        let limit = self.layout.limit();
        if captured > limit {
            return Verdict::Damaged(format!(
                "a record claims {captured} captured bytes where {limit} are the most"
            ));
        }
        if head.is_odd {
            return Verdict::Damaged(format!(
                "a record claims {captured} captured bytes in a length of {}",
                head.len
            ));
        }
        if (head.seconds, head.nanos, captured, original) == (0, 0, 0, 0) && !head.is_filler {
            return Verdict::Damaged("zero bytes stand where a record should begin".into());
        }
        let end = at.saturating_add(head.len);
        if end > bytes.len() {
            return if last { Verdict::Short } else { Verdict::Wait };
        }
        if captured <= original && captured <= USUAL_MAX {
            return Verdict::Sound(end);
        }
        match self.layout.head(bytes, end) {
            Some(next) if next.captured <= limit && near(next.seconds, head.seconds) => Verdict::Sound(end),
            None if !last => Verdict::Wait,
            None if end == bytes.len() => Verdict::Sound(end),
            _ => Verdict::Damaged(format!(
                "a record claims {captured} captured of {original} original bytes, and no record follows it"
            )),
        }
    }

    /// Searches for a record from `from` on: lengths and time must make sense, and so must those of the record after it.
    fn search(&self, bytes: &[u8], from: usize, last: bool) -> Found {
        for at in from..bytes.len() {
            let Some(head) = self.layout.head(bytes, at) else {
                return if last { Found::Nothing } else { Found::NotBefore(at) };
            };
            if !plausible(head, self.seconds) {
                continue;
            }
            let end = at.saturating_add(head.len);
            match self.layout.head(bytes, end) {
                Some(next) if plausible(next, Some(head.seconds)) => return Found::At(at),
                None if !last => return Found::NotBefore(at),
                None if end == bytes.len() => return Found::At(at),
                _ => {}
            }
        }
        if last {
            Found::Nothing
        } else {
            Found::NotBefore(bytes.len().max(from))
        }
    }
}

impl Head {
    /// The time of the record. A fraction of a second or more simply counts on: some tools write such.
    fn time(self) -> Time {
        Time::from_nanos(i64::from(self.seconds) * 1_000_000_000 + self.nanos.cast_signed())
    }
}

/// True where a header could be one, `near_to` a record of that second if one is known.
pub(super) fn plausible(head: Head, near_to: Option<u32>) -> bool {
    (1..=USUAL_MAX).contains(&head.captured)
        && (head.captured..=ORIGINAL_MAX).contains(&head.original)
        && head.nanos < NANOS_PER_SECOND
        && !head.is_odd
        && near_to.is_none_or(|seconds| near(head.seconds, seconds))
}

/// What is to be done with a record.
enum Verdict {
    /// Take it; it ends here.
    Sound(usize),
    /// More bytes are needed to tell.
    Wait,
    /// The file ends before it does.
    Short,
    /// It cannot be a record.
    Damaged(String),
}

fn near(seconds: u32, other: u32) -> bool {
    seconds.abs_diff(other) <= SECONDS_PER_DAY
}
