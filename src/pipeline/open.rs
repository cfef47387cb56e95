//! The connections of a shard that are followed, and whom to let go where they take too much memory.

use super::live::Live;

/// How far a connection has come, as far as that decides who may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    /// True until both sides spoke: what a flood brings.
    const fn is_early(self) -> bool {
        !matches!(self, Self::Closed | Self::Talking)
    }
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
    /// Bytes that all of them take.
    bytes: usize,
    /// Bytes of those in which not both sides spoke.
    early: usize,
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
        let (bytes, stage) = (u32::try_from(live.bytes()).unwrap_or(u32::MAX), live.stage());
        let of_early = |stage: Stage, bytes: u32| if stage.is_early() { bytes as usize } else { 0 };
        self.bytes = (self.bytes + bytes as usize).saturating_sub(slot.bytes as usize);
        self.early = (self.early + of_early(stage, bytes)).saturating_sub(of_early(slot.stage, slot.bytes));
        (slot.bytes, slot.stage, slot.latest) = (bytes, stage, frame);
        Some(taken)
    }

    /// Takes the connection out of a place.
    pub(super) fn remove(&mut self, place: u32) -> Option<Box<Live>> {
        let slot = self.slots.get_mut(place as usize)?;
        let live = slot.live.take()?;
        self.bytes = self.bytes.saturating_sub(slot.bytes as usize);
        if slot.stage.is_early() {
            self.early = self.early.saturating_sub(slot.bytes as usize);
        }
        self.free.push(place);
        Some(live)
    }

    /// True where they take more than `limit` bytes, or those in which not both sides spoke more than a quarter of it.
    pub(super) const fn exceeds(&self, limit: usize) -> bool {
        self.bytes > limit || self.early > limit / 4
    }

    /// The places of those who have to go where room is needed: of the stage that takes the most memory, the half that was silent for longest;
    /// and those that are over, unless it is only too many in which not both sides spoke.
    ///
    /// A flood brings many of one kind. Connections that have come further, or that come from somebody who tries again, are not of it.
    pub(super) fn least_needed(&self, limit: usize) -> Vec<u32> {
        let all = self.bytes > limit;
        let may_go = |stage: Stage| stage.is_early() || all && stage == Stage::Talking;
        let mut bytes = [0_u64; Stage::COUNT];
        for (slot, _) in self.taken().filter(|(slot, _)| may_go(slot.stage)) {
            if let Some(sum) = bytes.get_mut(slot.stage as usize) {
                *sum += u64::from(slot.bytes);
            }
        }
        let most = bytes.iter().max().copied().unwrap_or_default();
        let is_the_largest = |stage: Stage| may_go(stage) && bytes.get(stage as usize) == Some(&most);
        let of_stage = |wanted: &dyn Fn(Stage) -> bool| -> Vec<(u64, u32)> {
            let of_it = self.taken().filter(|(slot, _)| wanted(slot.stage));
            of_it.map(|(slot, place)| (slot.latest, place)).collect()
        };
        let mut silent = of_stage(&is_the_largest);
        let half = silent.len().div_ceil(2);
        if half < silent.len() {
            silent.select_nth_unstable(half);
            silent.truncate(half);
        }
        if all {
            silent.extend(of_stage(&|stage| stage == Stage::Closed));
        }
        // In the order of their packets, since of many alike the first are kept.
        silent.sort_unstable();
        silent.into_iter().map(|(_, place)| place).collect()
    }

    /// Every place that is taken.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> {
        self.taken().map(|(_, place)| place)
    }

    fn taken(&self) -> impl Iterator<Item = (&Slot, u32)> {
        self.slots.iter().zip(0..).filter(|(slot, _)| slot.live.is_some())
    }
}
