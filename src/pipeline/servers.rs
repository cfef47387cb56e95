//! How each server of a capture fared with everybody. Shards share it, since the clients of one server are in all of them, and 64 histories
//! of every server would be most of what is kept. Adding is commutative, so who comes first does not show.

use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::{FixedState, RandomState};
use hashbrown::HashMap;

use crate::connection::{Closed, Endpoint, Observed, ServerHistory};

/// Histories by server.
pub(super) type Histories = HashMap<Endpoint, ServerHistory, RandomState>;

/// Parts that are locked on their own: so many that threads seldom meet.
const PARTS: usize = 64;

/// The histories of all servers of a capture.
#[derive(Debug)]
pub(super) struct Servers(Vec<Mutex<Histories>>);

impl Servers {
    /// No server yet.
    pub(super) fn new() -> Self {
        Self((0..PARTS).map(|_| Mutex::default()).collect())
    }

    /// Adds one connection to its server's history.
    pub(super) fn add(&self, server: Endpoint, closed: &Closed) {
        self.with(server, |history| history.add(closed));
    }

    /// Notes what a connection says of the time, be it TLS or not.
    pub(super) fn look_at_clock(&self, server: Endpoint, seen: &Observed) {
        self.with(server, |history| history.look_at_clock(seen));
    }

    fn with(&self, server: Endpoint, change: impl FnOnce(&mut ServerHistory)) {
        let part = FixedState::with_seed(0).hash_one(server) as usize % PARTS;
        if let Some(part) = self.0.get(part) {
            // A thread that died while it held the lock left nothing half done.
            let mut histories = part.lock().unwrap_or_else(PoisonError::into_inner);
            change(histories.entry(server).or_default());
        }
    }

    /// All of them; none are left.
    pub(super) fn take(&self) -> Histories {
        let take = |part: &Mutex<Histories>| std::mem::take(&mut *part.lock().unwrap_or_else(PoisonError::into_inner));
        let parts: Vec<Histories> = self.0.iter().map(take).collect();
        // In one piece: a table of histories that grows leaves large holes behind.
        let mut all = Histories::with_capacity_and_hasher(parts.iter().map(HashMap::len).sum(), RandomState::default());
        all.extend(parts.into_iter().flatten());
        all
    }
}
