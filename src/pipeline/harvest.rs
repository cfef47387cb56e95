//! What a shard brings in: connections worth a judgement, and what all of them together say of their servers.

use std::sync::Arc;

use hashbrown::HashMap;

use super::Options;
use super::inventory::Inventory;
use super::live::Live;
use super::numbers::Numbers;
use super::servers::Servers;
use super::tally::{HalfOpen, Kind};
use crate::connection::{Known, Observed, Observer};
use crate::evidence::{CaptureId, Time};
use crate::x509::{CertificateIndex, CertificateStore, FetchedStatuses, Interned, StatusSource};

/// Bytes of fetched statuses that a shard keeps.
const STATUSES_OF_A_SHARD: usize = 1 << 20;
/// Bytes of fetched statuses that are kept of the whole input.
pub(super) const STATUSES_OF_THE_INPUT: usize = 16 << 20;

/// What was left of a connection, and the conversation that it belongs to.
#[derive(Debug)]
pub(super) struct Finished {
    /// Place among the shard's conversations.
    pub(super) opened: u32,
    /// Everything that was seen.
    pub(super) observed: Box<Observed>,
}

/// What a shard hands over when its capture set ends.
#[derive(Debug)]
pub(super) struct Harvest {
    capture: CaptureId,
    certificates: Arc<CertificateStore>,
    keeps_sound: bool,
    /// Connections worth a judgement.
    pub(super) finished: Vec<Finished>,
    /// How each server fared.
    servers: Arc<Servers>,
    /// Sound connections that were not kept.
    pub(super) sound: u64,
    /// Payload-free connections beyond those that were kept.
    pub(super) half_open: HalfOpen,
    /// Authorities' certificates that were seen.
    pub(super) index: CertificateIndex,
    /// OCSP responses and revocation lists that were fetched.
    pub(super) statuses: FetchedStatuses,
    /// Who served which certificates, where that is asked for.
    pub(super) inventory: Option<Inventory>,
    sighted: Sighted,
    known: Known,
    /// Wireshark's number of each conversation that the shard opened; the last ones may have none.
    pub(super) numbers: Numbers,
}

impl Harvest {
    /// An empty one for one capture set.
    pub(super) fn new(
        capture: CaptureId,
        certificates: Arc<CertificateStore>,
        servers: Arc<Servers>,
        options: &Options,
    ) -> Self {
        Self {
            capture,
            certificates,
            keeps_sound: options.all,
            finished: Vec::new(),
            servers,
            sound: 0,
            half_open: HalfOpen::default(),
            index: CertificateIndex::default(),
            statuses: FetchedStatuses::with_limit(STATUSES_OF_A_SHARD),
            inventory: options.inventory.then(Inventory::default),
            sighted: Sighted::default(),
            known: Known::default(),
            numbers: Numbers::default(),
        }
    }

    /// The store that every certificate of the input is read into.
    pub(super) const fn certificates(&self) -> &Arc<CertificateStore> {
        &self.certificates
    }

    /// The capture that is followed.
    pub(super) const fn capture(&self) -> CaptureId {
        self.capture
    }

    /// True where completed connections are wanted too.
    pub(super) const fn keeps_sound(&self) -> bool {
        self.keeps_sound
    }

    /// Closes the books of one connection, and keeps what may have to be judged. `watched_until`: nothing of it was looked at from then
    /// on, although the capture goes on. True where that can matter: it spoke TLS, and is not sound.
    pub(super) fn take(&mut self, mut live: Live, watched_until: Option<Time>) -> bool {
        live.finish(&self.certificates);
        let facts = live.tcp.facts().clone();
        let identity = live.identity(self.capture);
        let server = identity.server;
        let mut closed = match live.observer {
            Some(observer) => observer.close(identity, facts),
            None if self.half_open.keeps(server, Kind::of(&facts, false, false)) => {
                Observer::new(Arc::clone(&self.certificates)).close(identity, facts)
            }
            None => return false,
        };
        for fetched in closed.fetched.drain(..) {
            let source = StatusSource {
                server: server.address,
                mark: fetched.mark,
            };
            self.statuses.add(fetched.kind, fetched.body.into(), source);
        }
        let observed = &closed.observed;
        let spoke_tls = observed.spoke_tls();
        let spoke_otherwise = !spoke_tls && !observed.is_silent();
        if observed.http_date().is_some() {
            self.servers.look_at_clock(server, observed);
        }
        let is_begun_only = closed.is_begun_only();
        let never_began = spoke_otherwise && !observed.asked_for_tls() || is_begun_only;
        let is_careless = observed.is_careless_before_tls();
        let kind = || Kind::of(&observed.tcp, is_begun_only, is_careless);
        if never_began && !self.half_open.keeps(server, kind()) {
            return false;
        }
        if spoke_tls {
            self.servers.add(server, &closed);
            self.index_certificates(observed);
            if let Some(inventory) = &mut self.inventory {
                inventory.add(server, live.opened, &closed);
            }
        }
        if observed.is_plainly_sound() && !is_careless && !self.keeps_sound {
            self.sound += 1;
            return false;
        }
        let mut observed = closed.read(&mut self.known);
        observed.capture_end = watched_until;
        self.finished.push(Finished {
            opened: live.opened,
            observed,
        });
        spoke_tls
    }

    /// The connections worth a judgement with the numbers of their streams.
    pub(super) fn numbered(&mut self) -> Vec<Box<Observed>> {
        let mut finished = std::mem::take(&mut self.finished);
        finished.sort_by_key(|finished| finished.opened);
        let mut numbers = self.numbers.iter().zip(0..).peekable();
        let number = |mut finished: Finished| {
            while numbers.next_if(|(_, opened)| *opened < finished.opened).is_some() {}
            let of_it = numbers.peek().filter(|(_, opened)| *opened == finished.opened);
            finished.observed.stream = of_it.map(|(number, _)| *number);
            finished.observed
        };
        finished.into_iter().map(number).collect()
    }

    fn index_certificates(&mut self, observed: &Observed) {
        let chains = [&observed.server_chain, &observed.client_chain];
        for chain in chains.into_iter().filter_map(|chain| chain.as_ref().seen()) {
            for certificate in &chain.value {
                if self.sighted.is_news(certificate, chain.span.mark.frame) {
                    self.index.add(certificate, chain.span.mark);
                }
            }
        }
    }
}

/// Certificates that the index knows already. Most servers send the same chain to everybody, and a look-up by name costs more than
/// one by address.
#[derive(Debug, Default)]
struct Sighted(HashMap<usize, (Arc<Interned>, u64), foldhash::fast::RandomState>);

impl Sighted {
    /// Chains of hostile captures may all differ: no more than this is remembered, the rest goes to the index each time.
    const KEPT: usize = 4_096;

    /// True where the index has to hear of this sighting: the certificate is new, or was only seen in later frames.
    fn is_news(&mut self, certificate: &Arc<Interned>, frame: u64) -> bool {
        let address = Arc::as_ptr(certificate).addr();
        if let Some((_, known)) = self.0.get_mut(&address) {
            let is_news = frame < *known;
            *known = frame.min(*known);
            return is_news;
        }
        if self.0.len() < Self::KEPT {
            // Holding the certificate keeps its address from being given to another.
            self.0.insert(address, (Arc::clone(certificate), frame));
        }
        true
    }
}
