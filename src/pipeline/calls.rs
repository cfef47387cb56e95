//! Connections of which no more was seen than a SYN, or a SYN and its answer.
//!
//! Scans and floods make millions of them. So their packets wait here as they are, and the state of a connection is made only for those
//! that go on.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::live::Live;
use crate::evidence::CaptureId;
use crate::net::Segment;
use crate::x509::CertificateStore;

/// A connection that waited, with its packets.
#[derive(Debug)]
pub(super) struct Call {
    /// Its place among the conversations of its shard.
    opened: u32,
    syn: Segment,
    answer: Option<Segment>,
}

impl Call {
    /// True where a connection that begins with this segment may wait: a SYN, and nothing with it.
    pub(super) const fn begins_with(segment: &Segment) -> bool {
        is_plain_syn(segment) && !segment.flags.ack()
    }

    /// The connection that its packets make.
    pub(super) fn follow(self, capture: CaptureId, certificates: &Arc<CertificateStore>) -> Box<Live> {
        let mut live = Box::new(Live::new(capture, self.opened, &self.syn, &[]));
        for segment in [Some(self.syn), self.answer].into_iter().flatten() {
            live.segment(&segment, &[], certificates);
        }
        live
    }
}

const fn is_plain_syn(segment: &Segment) -> bool {
    let flags = segment.flags;
    flags.syn() && !flags.fin() && !flags.rst() && segment.payload_len == 0 && segment.payload_cut == 0
}

fn answers(segment: &Segment, syn: &Segment) -> bool {
    is_plain_syn(segment)
        && segment.flags.ack()
        && segment.from_low != syn.from_low
        && segment.ack == syn.seq.wrapping_add(1)
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It does not wait any more: there is room for another.
    Over,
    Called,
    Answered,
}

/// The calls of a shard, in places that do not change while they wait.
#[derive(Debug)]
pub(super) struct Calls {
    /// The conversation that each has opened, and how far it has come. Apart from the packets, as every flow of a flood asks here who has to
    /// go, and the packets of all are more than a processor's caches hold.
    stages: Vec<(u32, Stage)>,
    /// The SYN of each, and its answer where there was one.
    packets: Vec<[Segment; 2]>,
    /// Where the call is that opened a conversation.
    places: HashMap<u32, u32, RandomState>,
    free: Vec<u32>,
    /// How many were answered.
    answered: usize,
    /// The place that is looked at next when one has to go.
    hand: usize,
    room: usize,
}

impl Calls {
    /// Room for what fits into so many bytes, and for one at least.
    pub(super) fn of_bytes(bytes: usize) -> Self {
        Self {
            stages: Vec::new(),
            packets: Vec::new(),
            places: HashMap::default(),
            free: Vec::new(),
            answered: 0,
            hand: 0,
            room: (bytes / size_of::<[Segment; 2]>()).max(1),
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// True where one has to go before another is added.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.room
    }

    /// True where the call waits that opened this conversation.
    pub(super) fn has(&self, opened: u32) -> bool {
        self.places.contains_key(&opened)
    }

    /// Adds the call that opened a conversation with this SYN.
    pub(super) fn add(&mut self, opened: u32, syn: &Segment) {
        let place = self.free.pop().unwrap_or(self.stages.len() as u32);
        match (
            self.stages.get_mut(place as usize),
            self.packets.get_mut(place as usize),
        ) {
            (Some(stage), Some([call, _])) => (*stage, *call) = ((opened, Stage::Called), *syn),
            _ => {
                self.stages.push((opened, Stage::Called));
                self.packets.push([*syn; 2]);
            }
        }
        self.places.insert(opened, place);
    }

    /// True where a call waits whose answer this segment, one that is followed, is. It waits on.
    pub(super) fn answer(&mut self, opened: u32, segment: &Segment) -> bool {
        let Some(&place) = self.places.get(&opened) else {
            return false;
        };
        if let Some((_, stage @ Stage::Called)) = self.stages.get_mut(place as usize)
            && let Some([syn, answer]) = self.packets.get_mut(place as usize)
            && answers(segment, syn)
        {
            (*stage, *answer) = (Stage::Answered, *segment);
            self.answered += 1;
            return true;
        }
        false
    }

    /// Takes out the call that opened a conversation.
    pub(super) fn take(&mut self, opened: u32) -> Option<Call> {
        let (place, stage) = self.remove(opened)?;
        let [syn, answer] = *self.packets.get(place as usize)?;
        Some(Call {
            opened,
            syn,
            answer: (stage == Stage::Answered).then_some(answer),
        })
    }

    /// Lets one go: of the answered ones or of the others, whichever are more, as a flood brings many of one kind; and of them about the
    /// one that has waited for longest. True where there was one.
    pub(super) fn give_up(&mut self) -> bool {
        let stage = if self.answered > self.len() / 2 {
            Stage::Answered
        } else {
            Stage::Called
        };
        for _ in 0..self.stages.len() {
            let looked_at = self.stages.get(self.hand);
            self.hand = (self.hand + 1) % self.stages.len();
            if let Some((opened, found)) = looked_at
                && *found == stage
            {
                return self.remove(*opened).is_some();
            }
        }
        false
    }

    /// Takes out all calls, in no order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Call> {
        let waiting: Vec<u32> = self.places.keys().copied().collect();
        waiting.into_iter().filter_map(|opened| self.take(opened))
    }

    fn remove(&mut self, opened: u32) -> Option<(u32, Stage)> {
        let place = self.places.remove(&opened)?;
        let (_, stage) = self.stages.get_mut(place as usize)?;
        let was = std::mem::replace(stage, Stage::Over);
        self.answered -= usize::from(was == Stage::Answered);
        self.free.push(place);
        Some((place, was))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::shard::tests::{syn, syn_ack};
    use super::*;

    proptest! {
        #[test]
        fn whatever_comes_and_goes_each_call_keeps_its_packets(
            steps in prop::collection::vec((0_u8..4, any::<prop::sample::Index>()), 1..300),
            room in 1_usize..12,
        ) {
            let mut calls = Calls::of_bytes(room * size_of::<[Segment; 2]>());
            // Whether each was answered.
            let mut model: BTreeMap<u32, bool> = BTreeMap::new();
            for ((step, which), opened) in steps.into_iter().zip(0_u32..) {
                let known: Vec<u32> = model.keys().copied().collect();
                let one = known.get(which.index(known.len().max(1))).copied();
                match (step, one) {
                    (0 | 1, _) => {
                        if calls.is_full() {
                            prop_assert!(calls.give_up());
                            let gone: Vec<u32> = known.into_iter().filter(|known| !calls.has(*known)).collect();
                            prop_assert_eq!(gone.len(), 1);
                            let answered = model.values().filter(|answered| **answered).count();
                            let most_answered = answered > model.len() / 2;
                            let of_gone = gone.first().and_then(|gone| model.remove(gone));
                            prop_assert_eq!(of_gone, Some(most_answered));
                        }
                        calls.add(opened, &syn(opened as u16, u64::from(opened)));
                        model.insert(opened, false);
                    }
                    (2, Some(one)) => {
                        let answer = syn_ack(one as u16, u64::from(opened));
                        prop_assert_eq!(calls.answer(one, &answer), model.insert(one, true) == Some(false));
                    }
                    (_, Some(one)) => {
                        let call = calls.take(one).expect("it waits");
                        prop_assert_eq!(call.syn, syn(one as u16, u64::from(one)));
                        prop_assert_eq!(call.answer.is_some(), model.remove(&one) == Some(true));
                        prop_assert!(call.answer.is_none_or(|answer| answers(&answer, &call.syn)));
                    }
                    (_, None) => prop_assert!(calls.take(opened).is_none()),
                }
                prop_assert_eq!(calls.len(), model.len());
                prop_assert!(calls.len() <= room);
            }
            let mut left: Vec<u32> = calls.drain().map(|call| call.opened).collect();
            left.sort_unstable();
            prop_assert!(left.into_iter().eq(model.into_keys()));
        }
    }
}
