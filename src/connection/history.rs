//! How a server fared with everybody: what it accepted, from how many, and for which names. The best evidence about a refusal.

use std::collections::BTreeSet;

use crate::connection::Observed;
use crate::evidence::Side;
use crate::registry::{CipherSuite, Group, ProtocolVersion};

/// Values of each kind that are remembered of one server.
const KEPT: usize = 48;

/// What the connections of one capture set to one server (address and port) came to. Merging is commutative, so the order in
/// which connections are added never shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerHistory {
    /// Connections that sent it a ClientHello.
    pub(crate) hellos: u64,
    /// Connections in which it answered with TLS, be it an alert.
    pub(crate) answered: u64,
    /// Handshakes that were completed.
    pub(crate) completed: u64,
    /// Completed handshakes in which the client went on to send data.
    pub(crate) carried_data: u64,
    /// Connections that it let time out, refused or reset before any TLS.
    pub(crate) unanswered: u64,
    /// Versions that it chose.
    pub(crate) versions: BTreeSet<ProtocolVersion>,
    /// Suites that it chose.
    pub(crate) cipher_suites: BTreeSet<CipherSuite>,
    /// Groups that it chose.
    pub(crate) groups: BTreeSet<Group>,
    /// Names for which it completed a handshake.
    pub(crate) names: BTreeSet<String>,
}

impl ServerHistory {
    /// Adds one connection.
    pub(crate) fn add(&mut self, seen: &Observed) {
        if seen.offer.is_seen() {
            self.hellos += 1;
        }
        if seen.first[Side::Server.index()].is_tls() {
            self.answered += 1;
        }
        if let Some(answer) = seen.answer.as_ref().seen() {
            let answer = &answer.value;
            self.versions.insert(answer.version);
            self.cipher_suites.insert(answer.cipher_suite);
            self.groups.extend(answer.group);
        }
        self.groups
            .extend(seen.key_exchange.as_ref().and_then(|exchange| exchange.value.group));
        if seen.completed() {
            self.completed += 1;
            if seen.client_sent_data() {
                self.carried_data += 1;
            }
            self.names.extend(seen.server_name().map(str::to_owned));
        }
        self.trim();
    }

    /// Adds what another shard knows of the same server.
    pub(crate) fn merge(&mut self, other: Self) {
        self.hellos += other.hellos;
        self.answered += other.answered;
        self.completed += other.completed;
        self.carried_data += other.carried_data;
        self.unanswered += other.unanswered;
        self.versions.extend(other.versions);
        self.cipher_suites.extend(other.cipher_suites);
        self.groups.extend(other.groups);
        self.names.extend(other.names);
        self.trim();
    }

    /// The smallest values stay: which ones are kept does not depend on the order of adding.
    fn trim(&mut self) {
        while self.names.len() > KEPT {
            self.names.pop_last();
        }
        while self.cipher_suites.len() > KEPT {
            self.cipher_suites.pop_last();
        }
        while self.groups.len() > KEPT {
            self.groups.pop_last();
        }
        while self.versions.len() > KEPT {
            self.versions.pop_last();
        }
    }
}
