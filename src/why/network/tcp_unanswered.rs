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

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
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
        let mut finding = Finding::new(self, 96, sentence);
        if let Some(ports) = context.scanned_ports(seen) {
            finding = finding.outcome(Outcome::NotAttempted).infer(format!(
                "The client tried {ports} ports of this address without a byte: it scans, and nobody wanted TLS."
            ));
        }
        findings.push(
            finding
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn three_syns_and_silence_are_no_answer() {
        let seen = scene().syn().wait(1.0).syn().wait(2.0).syn().wait(4.0).seen();
        let finding = judged(&TcpUnanswered, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (96, AtFault::Network));
        assert_eq!(chosen(&seen), "tcp-unanswered");
    }

    #[test]
    fn a_port_that_was_scanned_is_missed_by_nobody() {
        let silent = |port| scene().port(port).syn().wait(1.0).syn().wait(4.0).seen();
        let all: Vec<_> = (440..450).map(silent).collect();
        let all: Vec<_> = all.iter().collect();
        let outcome = |beside: &[&Observed]| {
            let finding = context().beside(beside).judged(&TcpUnanswered, all[0]).unwrap();
            finding.outcome
        };
        assert_eq!(
            (outcome(&all), outcome(&all[..3])),
            (Outcome::NotAttempted, Outcome::Failed)
        );
    }

    #[test]
    fn syns_at_the_end_of_the_capture_may_still_be_answered() {
        let seen = scene().syn().wait(1.0).syn().wait(0.5).seen();
        assert!(judged(&TcpUnanswered, &seen).is_none());
        assert_eq!(chosen(&seen), "capture-ended");
    }

    #[test]
    fn a_single_syn_may_be_a_scan() {
        assert_eq!(chosen(&scene().syn().wait(20.0).seen()), "");
    }

    #[test]
    fn a_syn_that_was_answered_in_the_end_is_answered() {
        let seen = scene()
            .syn()
            .wait(1.0)
            .syn()
            .wait(2.0)
            .syn()
            .syn_ack()
            .ack(Client)
            .wait(4.0)
            .seen();
        assert!(judged(&TcpUnanswered, &seen).is_none());
    }
}
