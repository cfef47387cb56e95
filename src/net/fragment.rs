//! IP datagrams from their fragments (RFC 791 §3.2, RFC 8200 §4.5). Pure: fragments in, datagrams out, all in the capture's time.
//!
//! A datagram is known by its ends, its identification, and, in IPv4, its protocol; as in Wireshark 4.0, fragments with different VLAN
//! ids do not meet. What was said first holds: later copies of a byte are left out, and those that differ are counted. The datagram
//! stands where its last missing fragment does, and is written as one unfragmented IP packet, so that whatever reads packets can read
//! it; the options and extension headers that stood before its fragments are not in it.
//!
//! What is held is bounded in bytes, in datagrams and in time: where one more does not fit, the oldest is given up, and counted.
//!
//! Not done: fragments of which the capture holds a part only, and those that are quoted in errors.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::link::Version;
use super::tunnel::Path;
use super::{Decoded, Packet, Segment, general};
use crate::evidence::Time;

/// How much is held of datagrams that are not complete.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FragmentLimits {
    /// Bytes in all, what it takes to keep them included.
    pub(crate) bytes: usize,
    /// Datagrams.
    pub(crate) datagrams: usize,
    /// Nanoseconds of capture time from a datagram's first fragment on. Hosts wait for 60 seconds (RFC 8200 §4.5; RFC 1122 §3.3.2 for
    /// IPv4).
    pub(crate) age: i64,
}

impl FragmentLimits {
    /// At most so many bytes, in as many datagrams as that makes of 512 bytes.
    pub(crate) const fn of_bytes(bytes: usize) -> Self {
        Self {
            bytes,
            datagrams: bytes / 512,
            age: 60_000_000_000,
        }
    }
}

/// What became of the fragments of a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FragmentTally {
    /// Datagrams that were put together.
    pub(crate) completed: u64,
    /// Datagrams that were given up because too much time had passed.
    pub(crate) too_old: u64,
    /// Datagrams that were given up because there was no room for one more.
    pub(crate) no_room: u64,
    /// Fragments that say something else than earlier ones do, of the same bytes or of the datagram's length. An honest sender makes
    /// none.
    pub(crate) contradictory: u64,
    /// Datagrams of which something is missing still.
    pub(crate) incomplete: u64,
}

/// One fragment, with its payload left where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// Which datagram.
    pub(super) key: Key,
    /// `frame.number`, counted from 1.
    pub(super) frame: u64,
    /// The packet's time, where the format has one.
    pub(super) time: Option<Time>,
    /// Offset of the payload in the window of the capture.
    pub(super) at: u32,
    /// Bytes of payload, all of which were captured.
    pub(super) len: u32,
    /// Where in the datagram they belong, in bytes.
    pub(super) offset: u16,
    /// True unless it is the last one.
    pub(super) more: bool,
    /// The protocol that the datagram carries.
    pub(super) protocol: u8,
    /// Time to live, or hop limit.
    pub(super) ttl: u8,
    /// The way to this IP header.
    pub(super) path: Path,
}

// It travels beside segments, which it is not to make larger.
const _: () = assert!(size_of::<Fragment>() <= 96);

/// What the fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) version: Version,
    pub(super) source: [u8; 16],
    pub(super) destination: [u8; 16],
    pub(super) id: u32,
    /// 0 for IPv6, whose fragments may differ in it.
    pub(super) protocol: u8,
    pub(super) vlan: u16,
}

/// The largest datagram, its header included: what a length field of 16 bits can tell. An IPv6 packet may be larger by its header.
const LARGEST: usize = 65_535;

/// What it takes to keep a datagram, and a piece of one, apart from the bytes: about what the collections below allocate for each.
const DATAGRAM_COST: usize = 256;
const PIECE_COST: usize = 64;

/// One datagram as far as it is there.
#[derive(Debug)]
struct Datagram {
    key: Key,
    since: Option<Time>,
    /// By offset; none overlaps another.
    pieces: BTreeMap<usize, Vec<u8>>,
    /// Bytes in them.
    held: usize,
    /// Length of the payload, once the last fragment is there.
    end: Option<usize>,
}

impl Datagram {
    const fn new(key: Key, since: Option<Time>) -> Self {
        Self {
            key,
            since,
            pieces: BTreeMap::new(),
            held: 0,
            end: None,
        }
    }

    /// Takes the payload of a fragment; false where it contradicts what is there.
    fn take(&mut self, offset: usize, more: bool, bytes: &[u8]) -> bool {
        let mut consistent = true;
        if !more {
            let end = offset + bytes.len();
            match self.end {
                None => {
                    self.end = Some(end);
                    consistent = self.shorten(end);
                }
                Some(known) => consistent = known == end,
            }
        }
        let room = self.end.map_or(bytes.len(), |end| end.saturating_sub(offset));
        let bytes = match bytes.get(..room) {
            Some(within) if within.len() < bytes.len() => {
                consistent = false;
                within
            }
            _ => bytes,
        };
        self.fill(offset, bytes) && consistent
    }

    /// Puts bytes where there are none yet; false where they differ from those that are there.
    fn fill(&mut self, start: usize, bytes: &[u8]) -> bool {
        let end = start + bytes.len();
        let mut consistent = true;
        let mut gaps = Vec::new();
        let mut at = start;
        let first = self.pieces.range(..=start).next_back().map_or(start, |(from, _)| *from);
        for (&from, piece) in self.pieces.range(first..end) {
            let to = from + piece.len();
            if to <= at {
                continue;
            }
            if from > at {
                gaps.push(at..from);
            }
            let (low, high) = (from.max(at), to.min(end));
            let there = piece.get(low - from..high - from);
            consistent &= there == bytes.get(low - start..high - start);
            at = to;
        }
        if at < end {
            gaps.push(at..end);
        }
        for gap in gaps {
            if let Some(piece) = bytes.get(gap.start - start..gap.end - start) {
                self.held += piece.len();
                self.pieces.insert(gap.start, piece.to_vec());
            }
        }
        consistent
    }

    /// Drops what lies behind the end; false where that is anything.
    fn shorten(&mut self, end: usize) -> bool {
        let mut consistent = true;
        while let Some(mut last) = self.pieces.last_entry() {
            let from = *last.key();
            let beyond = (from + last.get().len()).saturating_sub(end);
            if beyond == 0 {
                break;
            }
            consistent = false;
            if from >= end {
                self.held -= last.remove().len();
            } else {
                self.held -= beyond;
                last.get_mut().truncate(end - from);
                last.get_mut().shrink_to_fit();
            }
        }
        consistent
    }

    fn is_complete(&self) -> bool {
        self.end == Some(self.held)
    }

    fn is_older_than(&self, age: i64, now: Option<Time>) -> bool {
        match (self.since, now) {
            (Some(since), Some(now)) => now.nanos().saturating_sub(since.nanos()) > age,
            _ => false,
        }
    }

    const fn cost(&self, pieces: usize) -> usize {
        DATAGRAM_COST + self.held + pieces * PIECE_COST
    }

    /// Writes the datagram as one IP packet.
    fn write(&self, last: &Fragment, whole: &mut Vec<u8>) {
        let low = |address: [u8; 16]| [address[12], address[13], address[14], address[15]];
        let length = |header: usize| u16::try_from(header + self.held).unwrap_or(u16::MAX).to_be_bytes();
        match self.key.version {
            Version::V4 => {
                let id = (self.key.id as u16).to_be_bytes();
                let total = length(V4_HEADER);
                whole.extend([
                    0x45,
                    0,
                    total[0],
                    total[1],
                    id[0],
                    id[1],
                    0,
                    0,
                    last.ttl,
                    last.protocol,
                    0,
                    0,
                ]);
                whole.extend(low(self.key.source));
                whole.extend(low(self.key.destination));
            }
            Version::V6 => {
                let payload = length(0);
                whole.extend([0x60, 0, 0, 0, payload[0], payload[1], last.protocol, last.ttl]);
                whole.extend(self.key.source);
                whole.extend(self.key.destination);
            }
        }
        for piece in self.pieces.values() {
            whole.extend_from_slice(piece);
        }
    }
}

/// Length of an IPv4 header without options.
const V4_HEADER: usize = 20;

/// Puts datagrams together. One for each capture.
#[derive(Debug)]
pub(crate) struct Defragmenter {
    limits: FragmentLimits,
    tally: FragmentTally,
    /// The place of each datagram among those that ever began.
    places: HashMap<Key, u64, foldhash::fast::RandomState>,
    /// By place, so that the first one is the oldest.
    datagrams: BTreeMap<u64, Datagram>,
    /// What all of them cost.
    bytes: usize,
    begun: u64,
}

impl Defragmenter {
    /// One that holds nothing yet.
    pub(crate) fn new(limits: FragmentLimits) -> Self {
        Self {
            limits,
            tally: FragmentTally::default(),
            places: HashMap::default(),
            datagrams: BTreeMap::new(),
            bytes: 0,
            begun: 0,
        }
    }

    /// What became of the fragments so far.
    pub(crate) fn tally(&self) -> FragmentTally {
        FragmentTally {
            incomplete: self.datagrams.len() as u64,
            ..self.tally
        }
    }

    /// Takes a fragment of a window; fragments come in the order of the file. Where it completes a datagram, that one is written to
    /// the end of `whole`, and the segment in it is returned. Offsets of its payload count from the window's start, as if `whole`
    /// lay behind the window.
    pub(crate) fn add(&mut self, fragment: &Fragment, window: &[u8], whole: &mut Vec<u8>) -> Option<Segment> {
        let mut fragment = *fragment;
        // A datagram may be a fragment again, inside a tunnel; how often is bounded by its path.
        loop {
            let at = fragment.at as usize;
            let start = whole.len();
            let last = match at.checked_sub(window.len()) {
                None => self.take(&fragment, window.get(at..)?)?,
                Some(at) => self.take(&fragment, whole.get(at..)?)?,
            };
            last.write(&fragment, whole);
            let packet = Packet {
                link: 0,
                bytes: whole.get(start..)?,
                original: 0,
                at: u32::try_from(window.len() + start).ok()?,
                frame: fragment.frame,
                time: fragment.time,
            };
            match general::datagram(&packet, fragment.path) {
                Decoded::Tcp(segment) => return Some(segment),
                Decoded::Fragment(inner) => fragment = inner,
                Decoded::Udp(_) | Decoded::Cut | Decoded::Aggregate(_) | Decoded::Other => return None,
            }
        }
    }

    /// Takes a fragment, whose payload is the first of these bytes; the datagram, where that is complete.
    fn take(&mut self, fragment: &Fragment, bytes: &[u8]) -> Option<Datagram> {
        let bytes = bytes.get(..fragment.len as usize)?;
        let offset = usize::from(fragment.offset);
        let header = match fragment.key.version {
            Version::V4 => V4_HEADER,
            Version::V6 => 0,
        };
        if header + offset + bytes.len() > LARGEST {
            self.tally.contradictory += 1;
            return None;
        }
        self.expire(fragment);
        let place = *self.places.entry(fragment.key).or_insert(self.begun);
        self.begun = self.begun.max(place + 1);
        let datagram = self.datagrams.entry(place).or_insert_with(|| {
            self.bytes += DATAGRAM_COST;
            Datagram::new(fragment.key, fragment.time)
        });
        let before = datagram.cost(datagram.pieces.len());
        if !datagram.take(offset, fragment.more, bytes) {
            self.tally.contradictory += 1;
        }
        self.bytes = self.bytes - before + datagram.cost(datagram.pieces.len());
        if datagram.is_complete() {
            self.tally.completed += 1;
            return self.remove(place);
        }
        while self.bytes > self.limits.bytes || self.datagrams.len() > self.limits.datagrams {
            let (oldest, _) = self.datagrams.first_key_value()?;
            self.remove(*oldest);
            self.tally.no_room += 1;
        }
        None
    }

    /// Gives up what is too old when this fragment arrives: an identification comes again sooner or later.
    fn expire(&mut self, fragment: &Fragment) {
        let same = self.places.get(&fragment.key).copied();
        loop {
            let oldest = self.datagrams.keys().next().copied();
            let is_old = |place: &u64| {
                let datagram = self.datagrams.get(place);
                datagram.is_some_and(|datagram| datagram.is_older_than(self.limits.age, fragment.time))
            };
            let Some(old) = [same, oldest].into_iter().flatten().find(is_old) else {
                return;
            };
            self.remove(old);
            self.tally.too_old += 1;
        }
    }

    fn remove(&mut self, place: u64) -> Option<Datagram> {
        let datagram = self.datagrams.remove(&place)?;
        self.bytes -= datagram.cost(datagram.pieces.len());
        self.places.remove(&datagram.key);
        Some(datagram)
    }
}

#[cfg(test)]
mod tests;
