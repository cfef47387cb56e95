//! Who served which certificates: the rows of `tlswhy certs`. Kept only where they are asked for, since every sound connection counts here too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::connection::{Closed, Endpoint};
use crate::evidence::{Hidden, Mark, Seen, Time};
use crate::report;
use crate::x509::{CertificateIndex, CertificateStore, Interned, Trust, examine};

/// Rows that a shard keeps; a scan of the whole internet has more, and is told so.
const MAX_ROWS: usize = 4_096;
/// Names and streams that are kept of a row, the smallest ones.
const KEPT: usize = 16;

/// One server and one list of certificates that it sent.
#[derive(Debug)]
struct Row {
    /// Empty where TLS 1.3 hides them.
    chain: Vec<Arc<Interned>>,
    /// What clients asked for.
    names: BTreeSet<String>,
    connections: u64,
    /// Where it was seen first.
    first: Mark,
    last: Option<Time>,
    /// In a shard the places among its conversations, from then on the streams' numbers.
    streams: BTreeSet<u32>,
}

impl Row {
    fn new(chain: Vec<Arc<Interned>>, first: Mark) -> Self {
        Self {
            chain,
            names: BTreeSet::new(),
            connections: 0,
            first,
            last: None,
            streams: BTreeSet::new(),
        }
    }

    fn see(&mut self, connections: u64, first: Mark, last: Option<Time>) {
        self.connections += connections;
        if first.frame < self.first.frame {
            self.first = first;
        }
        self.last = self.last.max(last);
    }
}

/// Which of many are kept must not depend on their order.
fn insert_smallest<T: Ord>(set: &mut BTreeSet<T>, value: T) {
    set.insert(value);
    if set.len() > KEPT {
        set.pop_last();
    }
}

/// The rows of one shard, by server and by the addresses of the interned certificates.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    rows: HashMap<(Endpoint, Box<[usize]>), Row, foldhash::fast::RandomState>,
    /// Connections whose row found no room.
    left_out: u64,
}

impl Inventory {
    /// Notes the server of one connection that spoke TLS. `opened` is its place among the shard's conversations.
    pub(super) fn add(&mut self, server: Endpoint, opened: u32, closed: &Closed) {
        let seen = &closed.observed;
        let (chain, mark) = match (&seen.server_chain, &seen.answer) {
            (Seen::Seen(chain), _) if !chain.value.is_empty() => (chain.value.as_slice(), chain.span.mark),
            (Seen::Unknown(Hidden::Encrypted), Seen::Seen(answer)) if !seen.resumed() => (&[][..], answer.span.mark),
            _ => return,
        };
        let key = (server, chain.iter().map(|one| Arc::as_ptr(one).addr()).collect());
        if self.rows.len() >= MAX_ROWS && !self.rows.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        // A row holds the certificates, which keeps their addresses from being given to others.
        let row = self.rows.entry(key).or_insert_with(|| Row::new(chain.to_vec(), mark));
        row.see(1, mark, mark.time);
        insert_smallest(&mut row.streams, opened);
        if let Some(name) = closed.server_name().filter(|name| !row.names.contains(*name)) {
            insert_smallest(&mut row.names, name.to_owned());
        }
    }
}

/// A server and the fingerprints of what it sent.
type Key = (Endpoint, Vec<String>);

/// The rows of one capture.
#[derive(Debug, Default)]
pub(crate) struct Served {
    rows: BTreeMap<Key, Row>,
    left_out: u64,
}

impl Served {
    /// Takes over what a shard found. `numbers` are the streams of the shard's conversations, in the order in which it opened them.
    pub(super) fn absorb(&mut self, shard: Inventory, numbers: impl Iterator<Item = u32>) {
        self.left_out += shard.left_out;
        let wanted: BTreeSet<u32> = shard.rows.values().flat_map(|row| &row.streams).copied().collect();
        let streams: BTreeMap<u32, u32> = (0_u32..)
            .zip(numbers)
            .filter(|(opened, _)| wanted.contains(opened))
            .collect();
        for ((server, _), row) in shard.rows {
            let fingerprints = row.chain.iter().map(|one| one.sha256()).collect();
            let known = self
                .rows
                .entry((server, fingerprints))
                .or_insert_with(|| Row::new(row.chain, row.first));
            known.see(row.connections, row.first, row.last);
            row.names
                .into_iter()
                .for_each(|name| insert_smallest(&mut known.names, name));
            let numbered = row.streams.iter().filter_map(|opened| streams.get(opened));
            numbered.for_each(|stream| insert_smallest(&mut known.streams, *stream));
        }
    }
}

/// What all captures together show; each comes with the seconds to be added to its times. A list is examined at `at`, else at the moment at
/// which it was last seen, by the clock that is right.
pub(super) fn told<'a>(
    captures: impl Iterator<Item = (&'a str, &'a Served, i64)>,
    index: &CertificateIndex,
    trust: &Trust,
    store: &CertificateStore,
    at: Option<Time>,
) -> report::Inventory {
    let mut inventory = report::Inventory::default();
    let mut rows: BTreeMap<&Key, Vec<(&str, &Row, i64)>> = BTreeMap::new();
    for (path, served, offset) in captures {
        inventory.left_out += served.left_out;
        for (key, row) in &served.rows {
            rows.entry(key).or_default().push((path, row, offset));
        }
    }
    for ((server, _), parts) in rows {
        let Some((_, any, _)) = parts.first() else { continue };
        let last = parts.iter().filter_map(|(_, row, _)| row.last).max();
        let corrected = parts
            .iter()
            .filter_map(|(_, row, offset)| Some(row.last?.plus_seconds(*offset)));
        let moment = at.or_else(|| corrected.max());
        let mut names = BTreeSet::new();
        for name in parts.iter().flat_map(|(_, row, _)| &row.names) {
            insert_smallest(&mut names, name.clone());
        }
        let mut served = report::ServedChain::new(*server, names);
        served.connections = parts.iter().map(|(_, row, _)| row.connections).sum();
        served.first_seen = parts
            .iter()
            .filter_map(|(_, row, _)| row.first.time)
            .min()
            .map(Into::into);
        served.last_seen = last.map(Into::into);
        served.places = parts
            .iter()
            .map(|(path, row, _)| report::ServedPlace {
                capture: (*path).to_owned(),
                frame: row.first.frame,
                streams: row.streams.iter().copied().map(u64::from).collect(),
            })
            .collect();
        if !any.chain.is_empty() {
            let examined = examine(&any.chain, index, trust, store, moment);
            served.describe(&any.chain, &examined, moment);
        }
        inventory.servers.push(served);
    }
    inventory
}
