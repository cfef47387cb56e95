//! Connections that never carried TLS: counted, and only a few of each kind kept.

use hashbrown::HashMap;

use crate::connection::Endpoint;
use crate::stream::TcpFacts;
use crate::why::is_tls_port;

/// Connections of one server and one kind of ending that are kept as they are.
const KEPT_EACH: u32 = 64;
/// Kept in all, in one shard, to ports of TLS.
const KEPT_TO_TLS_PORTS: u32 = 1_024;
/// Kept in all, in one shard, to other ports: they matter only where their server turns out to speak TLS to others.
const KEPT_TO_OTHERS: u32 = 64;

/// How a connection without TLS ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Refused,
    Unanswered,
    HalfOpen,
    Silent,
    Spoke,
}

/// Counts by server and ending.
#[derive(Debug, Default)]
pub(super) struct HalfOpen {
    kept: HashMap<(Endpoint, Kind), u32, foldhash::fast::RandomState>,
    /// Kept so far to other ports.
    kept_to_others: u32,
    /// The same to ports of TLS.
    kept_to_tls_ports: u32,
    /// Connections that were only counted.
    pub(super) dropped: u64,
}

impl HalfOpen {
    /// True where one more connection of this kind is to be kept; else it is counted.
    pub(super) fn keeps(&mut self, server: Endpoint, facts: &TcpFacts) -> bool {
        let [_, server_side] = &facts.sides;
        let kind = if facts.sides.iter().any(|side| side.sent_payload()) {
            Kind::Spoke
        } else if facts.refused().is_some() {
            Kind::Refused
        } else if server_side.packets == 0 {
            Kind::Unanswered
        } else if facts.established() {
            Kind::Silent
        } else {
            Kind::HalfOpen
        };
        let (kept_in_all, limit) = if is_tls_port(server.port) {
            (&mut self.kept_to_tls_ports, KEPT_TO_TLS_PORTS)
        } else {
            (&mut self.kept_to_others, KEPT_TO_OTHERS)
        };
        if *kept_in_all < limit {
            let kept = self.kept.entry((server, kind)).or_insert(0);
            if *kept < KEPT_EACH {
                *kept += 1;
                *kept_in_all += 1;
                return true;
            }
        }
        self.dropped += 1;
        false
    }
}
