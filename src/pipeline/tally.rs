//! Connections that never carried TLS: counted, and only a few of each kind kept.

use hashbrown::HashMap;

use crate::connection::Endpoint;
use crate::registry::is_tls_port;
use crate::stream::TcpFacts;

/// Connections of one server and one kind of ending that are kept as they are, in one shard.
const KEPT_EACH: u32 = 8;
/// Kept of one kind in one shard, to ports of TLS.
const KEPT_TO_TLS_PORTS: u32 = 16;
/// Kept of one kind in one shard, to other ports: they matter only where their server turns out to speak TLS to others.
const KEPT_TO_OTHERS: u32 = 8;

/// How a connection without TLS ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The SYN was answered with a reset.
    Refused,
    /// One SYN, and nothing else: what a scan or a flood leaves.
    Once,
    /// A SYN that was repeated in vain.
    Unanswered,
    /// A router or firewall said that packets do not get through.
    Undelivered,
    /// The SYN was answered, and the client said no more.
    HalfOpen,
    /// Nobody said anything.
    Silent,
    /// The client sent a part of a ClientHello.
    Begun,
    /// Something else than TLS was spoken.
    Spoke,
    /// Secrets were spoken in the clear, in a protocol that could have gone on in TLS.
    Careless,
}

impl Kind {
    /// The kind of a connection. `is_begun_only`: its client sent a part of a ClientHello, and nobody said anything else. `is_careless`:
    /// secrets were spoken in the clear.
    pub(super) fn of(facts: &TcpFacts, is_begun_only: bool, is_careless: bool) -> Self {
        let [client, server] = &facts.sides;
        if is_careless {
            Self::Careless
        } else if is_begun_only {
            Self::Begun
        } else if facts.sides.iter().any(|side| side.sent_payload()) {
            Self::Spoke
        } else if facts.refused().is_some() {
            Self::Refused
        } else if client.undelivered().is_some() {
            Self::Undelivered
        } else if server.packets == 0 && client.syn_count <= 1 {
            Self::Once
        } else if server.packets == 0 {
            Self::Unanswered
        } else if facts.established() {
            Self::Silent
        } else {
            Self::HalfOpen
        }
    }
}

/// Counts by server and ending.
#[derive(Debug, Default)]
pub(super) struct HalfOpen {
    kept: HashMap<(Endpoint, Kind), u32, foldhash::fast::RandomState>,
    /// Kept so far of each kind, to ports of TLS and to others.
    kept_of_kind: HashMap<(Kind, bool), u32, foldhash::fast::RandomState>,
    /// Connections that were only counted.
    pub(super) dropped: u64,
}

impl HalfOpen {
    /// True where one more connection of this kind is to be kept; else it is counted.
    pub(super) fn keeps(&mut self, server: Endpoint, kind: Kind) -> bool {
        let to_tls = is_tls_port(server.port);
        let limit = if to_tls { KEPT_TO_TLS_PORTS } else { KEPT_TO_OTHERS };
        let of_kind = self.kept_of_kind.entry((kind, to_tls)).or_insert(0);
        if *of_kind < limit {
            let of_server = self.kept.entry((server, kind)).or_insert(0);
            if *of_server < KEPT_EACH {
                *of_server += 1;
                *of_kind += 1;
                return true;
            }
        }
        self.dropped += 1;
        false
    }
}
