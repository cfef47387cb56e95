//! The connections of a shard that are followed, and whom to let go where they take too much memory.

use super::live::Live;

/// How far a connection has come, as far as that decides who may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It is over: to let it go costs nothing but late packets.
    Closed,
    /// One SYN.
    Called,
    /// A SYN that was repeated without an answer.
    CalledAgain,
    /// The server answered, and nothing was said.
    Answered,
    /// One side spoke.
    Begun,
    /// Both sides spoke.
    Talking,
}

impl Stage {
    /// Number of stages.
    const COUNT: usize = 6;
}

/// A connection with what decides whether it may stay, so that the choice need not look into each.
#[derive(Debug)]
struct Slot {
    live: Option<Box<Live>>,
    /// The frame of its latest packet.
    latest: u64,
    bytes: u32,
    stage: Stage,
}

/// All connections of a shard that are followed. Their places stay the same while they are.
#[derive(Debug, Default)]
pub(super) struct Open {
    slots: Vec<Slot>,
    free: Vec<u32>,
    bytes: usize,
}

impl Open {
    /// Adds a connection that has taken in nothing yet.
    pub(super) fn add(&mut self, live: Box<Live>) -> u32 {
        let slot = Slot {
            live: Some(live),
            latest: 0,
            bytes: 0,
            stage: Stage::Called,
        };
        if let Some(place) = self.free.pop()
            && let Some(free) = self.slots.get_mut(place as usize)
        {
            *free = slot;
            return place;
        }
        self.slots.push(slot);
        self.slots.len() as u32 - 1
    }

    /// The connection in a place.
    pub(super) fn get(&self, place: u32) -> Option<&Live> {
        self.slots.get(place as usize)?.live.as_deref()
    }

    /// Lets `take` change the connection in a place by its packet `frame`, and keeps the sum of bytes right.
    pub(super) fn change<T>(&mut self, place: u32, frame: u64, take: impl FnOnce(&mut Live) -> T) -> Option<T> {
        let slot = self.slots.get_mut(place as usize)?;
        let live = slot.live.as_deref_mut()?;
        let taken = take(live);
        let bytes = u32::try_from(live.bytes()).unwrap_or(u32::MAX);
        self.bytes = (self.bytes + bytes as usize).saturating_sub(slot.bytes as usize);
        slot.bytes = bytes;
        slot.latest = frame;
        slot.stage = live.stage();
        Some(taken)
    }

    /// Takes the connection out of a place.
    pub(super) fn remove(&mut self, place: u32) -> Option<Box<Live>> {
        let slot = self.slots.get_mut(place as usize)?;
        let live = slot.live.take()?;
        self.bytes = self.bytes.saturating_sub(slot.bytes as usize);
        self.free.push(place);
        Some(live)
    }

    /// Bytes that all of them take.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The places of those who have to go where room is needed: of the stage that takes the most memory, the half that was silent for longest.
    ///
    /// A flood brings many of one kind. Connections that have come further, or that come from somebody who tries again, are not of it.
    pub(super) fn least_needed(&self) -> Vec<u32> {
        let taken = || self.slots.iter().zip(0..).filter(|(slot, _)| slot.live.is_some());
        let mut bytes = [0; Stage::COUNT];
        for (slot, _) in taken() {
            if let Some(sum) = bytes.get_mut(slot.stage as usize) {
                *sum += u64::from(slot.bytes);
            }
        }
        let most = bytes.iter().max().copied().unwrap_or_default();
        let is_of_it = |stage: Stage| bytes.get(stage as usize) == Some(&most);
        let mut silent: Vec<(u64, u32)> = taken()
            .filter(|(slot, _)| is_of_it(slot.stage))
            .map(|(slot, place)| (slot.latest, place))
            .collect();
        let half = silent.len().div_ceil(2);
        if half < silent.len() {
            silent.select_nth_unstable(half);
            silent.truncate(half);
        }
        // In the order of their packets, since of many alike the first are kept.
        silent.sort_unstable();
        silent.into_iter().map(|(_, place)| place).collect()
    }

    /// Every place that is taken.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> {
        let taken = self.slots.iter().zip(0..).filter(|(slot, _)| slot.live.is_some());
        taken.map(|(_, place)| place)
    }
}
