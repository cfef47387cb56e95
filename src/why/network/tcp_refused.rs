//! The SYN was answered by a reset.

use crate::why::prelude::*;

/// Nothing listens there, or a firewall rejects.
pub(crate) struct TcpRefused;

impl Cause for TcpRefused {
    fn id(&self) -> CauseId {
        CauseId("tcp-refused")
    }

    fn page(&self) -> &'static str {
        include_str!("tcp_refused.md")
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(refused) = seen.tcp.refused() else { return };
        let sentence = format!(
            "{} answered the SYN with RST: nothing listens on port {}, or a firewall rejects the connection.",
            seen.server, seen.server.port
        );
        let mut finding = Finding::new(self, 97, sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Server);
        if let Some(ports) = context.scanned_ports(seen) {
            finding = finding.outcome(Outcome::NotAttempted).infer(format!(
                "The client tried {ports} ports of this address without a byte: it scans, and nobody wanted TLS."
            ));
        }
        if let Some(syn) = seen.tcp.side(Side::Client).syn() {
            finding = finding.prove(syn, format!("SYN to port {}", seen.server.port));
        }
        findings.push(
            finding
                .prove(refused, "RST instead of SYN-ACK")
                .remedy(
                    AtFault::Server,
                    "start the service, or bind it to this address and port",
                    Some(format!("ss -ltnp 'sport = :{}'", seen.server.port)),
                )
                .remedy(
                    AtFault::Client,
                    "check that the port is the right one; a firewall may also answer with reject",
                    None,
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn a_reset_instead_of_syn_ack_is_a_refusal() {
        let finding = judged(&TcpRefused, &scene().syn().refuse().seen()).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Server));
        assert_eq!(
            finding
                .evidence
                .iter()
                .map(|evidence| evidence.mark.frame)
                .collect::<Vec<_>>(),
            [1, 2]
        );
    }

    #[test]
    fn a_port_that_was_scanned_refused_nobody() {
        let all: Vec<_> = (440..450)
            .map(|port| scene().port(port).syn().refuse().seen())
            .collect();
        let all: Vec<_> = all.iter().collect();
        let outcome = |beside: &[&Observed]| context().beside(beside).judged(&TcpRefused, all[0]).unwrap().outcome;
        assert_eq!(
            (outcome(&all), outcome(&all[..3])),
            (Outcome::NotAttempted, Outcome::Failed)
        );
    }

    #[test]
    fn a_reset_after_the_syn_ack_is_none() {
        assert!(judged(&TcpRefused, &scene().syn().syn_ack().reset(Server).seen()).is_none());
        assert!(judged(&TcpRefused, &connected().reset(Server).seen()).is_none());
    }

    #[test]
    fn a_refusal_on_a_port_without_tls_is_one_too() {
        assert_eq!(chosen(&scene().port(8080).syn().refuse().seen()), "tcp-refused");
    }
}
