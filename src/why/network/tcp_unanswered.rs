//! The SYN was never answered.

use crate::why::prelude::*;

/// Seconds of silence after which a SYN counts as unanswered: longer than the first retransmission.
const PATIENCE: f64 = 3.0;

/// A drop rule, a dead host or a lost route.
pub(crate) struct TcpUnanswered;

impl Cause for TcpUnanswered {
    fn id(&self) -> CauseId {
        CauseId("tcp-unanswered")
    }

    fn page(&self) -> &'static str {
        include_str!("tcp_unanswered.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let client = &seen.tcp.side(Side::Client);
        let Some(syn) = client.syn() else { return };
        if seen.tcp.side(Side::Server).packets > 0 || client.payload_bytes > 0 {
            return;
        }
        let tried = between(&syn, &seen.closing()).unwrap_or_default();
        let watched = tried + seen.silence_watched().unwrap_or_default();
        if client.syn_count < 2 || watched < PATIENCE {
            return;
        }
        let times = client.syn_count;
        let sentence = format!(
            "{} never answered: the SYN was sent {times} times in {}, and nothing came back.",
            seen.server,
            span_of_time(tried)
        );
        findings.push(
            Finding::new(self, 96, sentence)
                .at_fault(AtFault::Network)
                .aborted_by(AbortedBy::Network)
                .prove(syn, format!("SYN to port {}", seen.server.port))
                .prove(seen.closing(), format!("the last of {times}, unanswered like the others"))
                .remedy(
                    AtFault::Network,
                    "look for a firewall or security group that drops the packets, a missing route, a host that is down",
                    Some(format!("tcptraceroute {} {}", seen.server.address, seen.server.port)),
                ),
        );
    }
}
