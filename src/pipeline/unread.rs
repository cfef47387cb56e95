//! Connections over UDP whose protocol is not read: they are counted, so that a report can say that they were there.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::net::{FlowKey, Opening, Secured};
use crate::report::Unread;

/// Flows that are told apart; beyond them nothing is counted.
const KEPT: usize = 65_536;

/// The flows of one capture that begin DTLS or QUIC, by their first packet that does.
#[derive(Debug, Default)]
pub(super) struct UnreadFlows(HashMap<FlowKey, Opening, foldhash::fast::FixedState>);

impl UnreadFlows {
    /// Takes packets in the order of the file.
    pub(super) fn take(&mut self, openings: impl Iterator<Item = Opening>) {
        for opening in openings {
            if self.0.len() < KEPT || self.0.contains_key(&opening.key) {
                self.0.entry(opening.key).or_insert(opening);
            }
        }
    }

    /// How many there were, by protocol and port, in the order of their first packets.
    pub(super) fn counted(&self) -> Vec<Unread> {
        let mut counted: BTreeMap<(Secured, u16), Unread> = BTreeMap::new();
        for opening in self.0.values() {
            let of_kind = counted
                .entry((opening.secured, opening.port))
                .or_insert_with(|| Unread {
                    protocol: match opening.secured {
                        Secured::Dtls => crate::report::Protocol::Dtls,
                        Secured::Quic => crate::report::Protocol::Quic,
                    },
                    port: opening.port,
                    connections: 0,
                    first_frame: u64::MAX,
                });
            of_kind.connections += 1;
            of_kind.first_frame = of_kind.first_frame.min(opening.frame);
        }
        let mut counted: Vec<Unread> = counted.into_values().collect();
        counted.sort_by_key(|unread| unread.first_frame);
        counted
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn key(host: u8, port: u16) -> FlowKey {
        let address = |last| Ipv4Addr::new(10, 0, 0, last).into();
        FlowKey::new((address(host), port), (address(2), 443)).0
    }

    fn opening(port: u16, frame: u64, secured: Secured, to: u16) -> Opening {
        Opening {
            key: key(1, port),
            frame,
            secured,
            port: to,
        }
    }

    #[test]
    fn a_flow_counts_once_and_for_the_port_that_its_first_packet_goes_to() {
        let mut flows = UnreadFlows::default();
        flows.take(
            [
                opening(50_000, 3, Secured::Quic, 443),
                opening(50_000, 4, Secured::Quic, 50_000),
            ]
            .into_iter(),
        );
        flows.take(
            [
                opening(50_001, 9, Secured::Quic, 443),
                opening(50_002, 1, Secured::Dtls, 443),
            ]
            .into_iter(),
        );
        let counted: Vec<_> = flows
            .counted()
            .iter()
            .map(|unread| {
                (
                    unread.protocol.as_str(),
                    unread.port,
                    unread.connections,
                    unread.first_frame,
                )
            })
            .collect();
        assert_eq!(counted, [("dtls", 443, 1, 1), ("quic", 443, 2, 3)]);
    }

    #[test]
    fn there_is_an_end_to_what_is_counted() {
        let mut flows = UnreadFlows::default();
        let many = (0..=u16::MAX).map(|port| opening(port, u64::from(port), Secured::Quic, 443));
        flows.take(many.chain([opening(443, 0, Secured::Quic, 443)]));
        let last = Opening {
            key: key(3, 1),
            ..opening(1, 1, Secured::Quic, 443)
        };
        flows.take([last].into_iter());
        assert_eq!(flows.counted()[0].connections, KEPT as u64);
    }
}
