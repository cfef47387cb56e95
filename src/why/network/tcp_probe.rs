//! A connection that carried no byte: a health check, a scan, a pre-connect. Not a failure.

use crate::why::prelude::*;

/// Connected and closed without a byte, or never quite connected.
pub(crate) struct TcpProbe;

impl Cause for TcpProbe {
    fn id(&self) -> CauseId {
        CauseId("tcp-probe")
    }

    fn page(&self) -> &'static str {
        include_str!("tcp_probe.md")
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let server = &seen.tcp.side(Side::Server);
        if !seen.is_silent() || seen.tcp.refused().is_some() || seen.tcp.started_midway() {
            return;
        }
        let Some(syn_ack) = server.syn() else { return };
        // A server that resets an accepted connection before any byte is no probe.
        let ending = seen.tcp.first_ending();
        if ending.is_some_and(|ending| ending.from == Side::Server && (ending.kind == EndingKind::Rst)) {
            return;
        }
        let (what, last) = match (seen.tcp.established(), ending) {
            (true, Some(ending)) => ("connected and closed without a byte", ending.mark),
            (true, None) => ("connected and never sent a byte", seen.closing()),
            (false, _) => ("never completed the TCP handshake after the SYN-ACK", seen.closing()),
        };
        let kind = match (context.checks_every(seen), context.scanned_ports(seen)) {
            (_, Some(ports)) => format!("one of {ports} ports that it tried so, a scan"),
            (Some((seconds, times)), None) => {
                format!("{times} times, once in {}, a health check", span_of_time(seconds))
            }
            (None, None) => "a health check, a scan or a pre-connect".to_owned(),
        };
        let sentence = format!("{} {what}: {kind}. Nobody tried TLS.", seen.client.address);
        findings.push(
            Finding::new(self, 95, sentence)
                .at_fault(AtFault::Nobody)
                .outcome(Outcome::NotAttempted)
                .prove(syn_ack, "SYN-ACK")
                .prove(last, "the end; no byte of payload from either side"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    #[test]
    fn a_connection_without_a_byte_is_a_probe_and_no_failure() {
        let seen = connected().fin(Client).fin(Server).ack(Client).seen();
        let finding = judged(&TcpProbe, &seen).unwrap();
        assert_eq!(
            (finding.outcome, finding.at_fault),
            (Outcome::NotAttempted, AtFault::Nobody)
        );
        assert_eq!(context().verdict(&seen).outcome, Outcome::NotAttempted);
    }

    #[test]
    fn a_health_check_that_resets_is_a_probe() {
        assert_eq!(chosen(&connected().reset(Client).seen()), "tcp-probe");
        assert_eq!(chosen(&scene().syn().syn_ack().reset(Client).seen()), "tcp-probe");
    }

    #[test]
    fn a_check_and_a_scan_are_called_by_their_names() {
        let silent = |seconds: f64, port| scene().port(port).wait(seconds).connect().fin(Client).seen();
        let checks: Vec<_> = [0.0, 5.0, 10.0, 15.0].map(|at| silent(at, 443)).into();
        let said = |all: &[Observed]| {
            let all: Vec<_> = all.iter().collect();
            context().beside(&all).judged(&TcpProbe, all[0]).unwrap().sentence
        };
        assert!(
            said(&checks).contains("4 times, once in 5.0 s, a health check"),
            "{}",
            said(&checks)
        );
        let scan: Vec<_> = (440..450).map(|port| silent(0.0, port)).collect();
        assert!(said(&scan).contains("one of 10 ports"), "{}", said(&scan));
        assert!(said(&checks[..2]).contains("a health check, a scan or a pre-connect"));
    }

    #[test]
    fn a_server_that_resets_what_it_accepted_was_not_probed() {
        let seen = connected().reset(Server).seen();
        assert!(judged(&TcpProbe, &seen).is_none());
        assert_eq!(chosen(&seen), "server-closed");
    }

    #[test]
    fn a_byte_makes_it_more_than_a_probe() {
        assert!(judged(&TcpProbe, &connected().client_hello(|hello| hello).fin(Client).seen()).is_none());
    }
}
