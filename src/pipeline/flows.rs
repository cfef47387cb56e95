//! The flow table of a shard: an entry for each pair of ends, kept until the file ends.
//!
//! Stream numbers are Wireshark's only as long as no pair is forgotten, and a scan or a flood makes millions of them. So an entry is small
//! (24 bytes for IPv4, 48 for IPv6): what numbering needs, and where to find the rest. Connections that are followed live in
//! [`super::open`], those in which nothing was said wait in [`super::calls`]. Past the table's limit everything that is not followed is
//! forgotten at once, and the caller stops numbering.

use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use crate::net::{FlowKey, Segment};
use crate::stream::Conversation;

/// The place among the conversations of one that Wireshark does not count.
pub(super) const UNNUMBERED: u32 = (1 << 27) - 1;

/// One pair of ends: what Wireshark's numbering has to know, and what became of the latest connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    base: [u32; 2],
    /// From the top: what is known of `base` (3 bits), the kind of place (2), its value (27).
    word: u32,
}

/// What became of the latest connection between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is followed, in this place of the list.
    Open(u32),
    /// It is over: its late packets are numbered and passed over. This is its place among the conversations that were opened.
    Over(u32),
    /// Nothing of it was seen that can be followed. Its place among the conversations.
    Unseen(u32),
    /// It carried nothing: it waits among the [calls](super::calls), or was given up when room was needed. Its place among the conversations.
    Waiting(u32),
}

impl Flow {
    const KNOWN_AT: u32 = 29;
    const KIND_AT: u32 = 27;
    const KIND: u32 = 0b11 << Self::KIND_AT;
    const VALUE: u32 = UNNUMBERED;

    /// Two ends of which nothing was seen yet.
    fn new() -> Self {
        let mut flow = Self { base: [0; 2], word: 0 };
        flow.remember(Conversation::default());
        flow.put(Place::Unseen(UNNUMBERED));
        flow
    }

    fn conversation(&self) -> Conversation {
        Conversation::from_parts(self.base, (self.word >> Self::KNOWN_AT) as u8)
    }

    fn remember(&mut self, conversation: Conversation) {
        let (base, known) = conversation.into_parts();
        self.base = base;
        self.word = self.word & !(0b111 << Self::KNOWN_AT) | u32::from(known) << Self::KNOWN_AT;
    }

    /// Takes the next segment, which may be the first. True where it opens a conversation.
    #[inline]
    pub(super) fn opened_by(&mut self, segment: &Segment) -> bool {
        let mut conversation = self.conversation();
        let opens = conversation.opened_by(segment);
        self.remember(conversation);
        opens
    }

    /// What became of its latest connection.
    pub(super) const fn place(&self) -> Place {
        let value = self.word & Self::VALUE;
        match (self.word & Self::KIND) >> Self::KIND_AT {
            0 => Place::Open(value),
            1 => Place::Over(value),
            2 => Place::Unseen(value),
            _ => Place::Waiting(value),
        }
    }

    /// Notes what became of its latest connection.
    pub(super) const fn put(&mut self, place: Place) {
        let (kind, value) = match place {
            Place::Open(slot) => (0, slot),
            Place::Over(opened) => (1, opened),
            Place::Unseen(opened) => (2, opened),
            Place::Waiting(opened) => (3, opened),
        };
        self.word = self.word & !(Self::KIND | Self::VALUE) | kind << Self::KIND_AT | value & Self::VALUE;
    }
}

/// Both ends of an IPv4 flow, as in [`FlowKey`]: low address, high address, ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ipv4Key([u32; 3]);

impl Hash for Ipv4Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Numbers stay in registers; of an array the bytes would be written and read again, and wait for whatever is being written.
        let Self([low, high, ports]) = *self;
        state.write_u64(u64::from(low) << 32 | u64::from(high));
        state.write_u32(ports);
    }
}

// Millions of them are kept.
const _: () = assert!(size_of::<(Ipv4Key, Flow)>() == 24 && size_of::<(FlowKey, Flow)>() == 48);

/// All flows of a shard.
#[derive(Debug)]
pub(super) struct Flows {
    ipv4: HashTable<(Ipv4Key, Flow)>,
    ipv6: HashTable<(FlowKey, Flow)>,
    hasher: RandomState,
    limit: usize,
}

impl Flows {
    /// A table of at most `limit` flows.
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            ipv4: HashTable::new(),
            ipv6: HashTable::new(),
            hasher: RandomState::default(),
            limit,
        }
    }

    /// The flow between two ends, which may be new. `None` where there is no room for it.
    pub(super) fn of(&mut self, key: &FlowKey) -> Option<&mut Flow> {
        let has_room = !self.is_full();
        match ipv4(key) {
            Some(key) => find_or_insert(&mut self.ipv4, &self.hasher, key, has_room),
            None => find_or_insert(&mut self.ipv6, &self.hasher, *key, has_room),
        }
    }

    /// Looks up all flows that are asked for next, and adds those that are new. Of a table beyond the processor's caches a part has to be fetched
    /// for each, and one after the other where they are looked up with other work in between.
    pub(super) fn expect<'a>(&mut self, keys: impl Iterator<Item = &'a FlowKey>) {
        const CACHED: usize = 1 << 12;
        if self.ipv4.len() + self.ipv6.len() >= CACHED {
            keys.for_each(|key| _ = self.of(key));
        }
    }

    /// True where there is no room for one more.
    pub(super) fn is_full(&self) -> bool {
        self.ipv4.len() + self.ipv6.len() >= self.limit
    }

    /// The flow between two ends, if there is one.
    pub(super) fn get_mut(&mut self, key: &FlowKey) -> Option<&mut Flow> {
        match ipv4(key) {
            Some(key) => find(&mut self.ipv4, &self.hasher, key),
            None => find(&mut self.ipv6, &self.hasher, *key),
        }
    }

    /// Forgets every flow whose latest connection is not `needed`.
    pub(super) fn forget(&mut self, needed: impl Fn(Place) -> bool) {
        self.ipv4.retain(|(_, flow)| needed(flow.place()));
        self.ipv6.retain(|(_, flow)| needed(flow.place()));
    }
}

fn find_or_insert<'a, K: Copy + Eq + Hash>(
    table: &'a mut HashTable<(K, Flow)>,
    hasher: &RandomState,
    key: K,
    has_room: bool,
) -> Option<&'a mut Flow> {
    let hash = hasher.hash_one(key);
    match table.entry(hash, |(known, _)| *known == key, |(known, _)| hasher.hash_one(known)) {
        Entry::Occupied(entry) => Some(&mut entry.into_mut().1),
        Entry::Vacant(_) if !has_room => None,
        Entry::Vacant(entry) => Some(&mut entry.insert((key, Flow::new())).into_mut().1),
    }
}

fn find<'a, K: Copy + Eq + Hash>(
    table: &'a mut HashTable<(K, Flow)>,
    hasher: &RandomState,
    key: K,
) -> Option<&'a mut Flow> {
    let hash = hasher.hash_one(key);
    table.find_mut(hash, |(known, _)| *known == key).map(|(_, flow)| flow)
}

/// The key in 12 bytes, where both addresses are IPv4's (RFC 4291 §2.5.5.2).
fn ipv4(key: &FlowKey) -> Option<Ipv4Key> {
    const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    let address = |address: &[u8; 16]| {
        let (prefix, rest) = address.split_first_chunk::<12>()?;
        (*prefix == MAPPED).then_some(u32::from_be_bytes(*rest.first_chunk()?))
    };
    let ports = u32::from(key.low_port) << 16 | u32::from(key.high_port);
    Some(Ipv4Key([
        address(&key.low_address)?,
        address(&key.high_address)?,
        ports,
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_remembered_beside_the_numbering() {
        let mut flow = Flow {
            base: [7, 8],
            word: 0b101 << Flow::KNOWN_AT,
        };
        for place in [
            Place::Open(5),
            Place::Over(6),
            Place::Unseen(UNNUMBERED),
            Place::Waiting(9),
            Place::Open(0),
        ] {
            flow.put(place);
            assert_eq!(flow.place(), place);
            assert_eq!(flow.conversation().into_parts(), ([7, 8], 0b101));
        }
    }
}
