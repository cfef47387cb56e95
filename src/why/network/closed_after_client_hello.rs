//! The ClientHello was answered by an orderly close.

use crate::why::prelude::*;

/// Seconds after which a FIN is a timer's.
const LATE: f64 = 5.0;

/// FIN in answer to the hello, no alert.
pub(crate) struct ClosedAfterClientHello;

impl Cause for ClosedAfterClientHello {
    fn id(&self) -> CauseId {
        CauseId("closed-after-client-hello")
    }

    fn page(&self) -> &'static str {
        include_str!("closed_after_client_hello.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Seen::Seen(offer) = &seen.offer else { return };
        let server = &seen.tcp.side(Side::Server);
        let Some(fin) = server.first_fin() else { return };
        let closed_first = seen
            .tcp
            .first_ending()
            .is_some_and(|ending| ending.from == Side::Server && ending.kind == EndingKind::Fin);
        if !seen.is_silent_within(Side::Server) || !closed_first || fin.frame < offer.span.first_frame {
            return;
        }
        let after = between(&offer.span.mark, &fin).unwrap_or_default();
        let sentence = format!(
            "{} closed the connection {} after the ClientHello, without a byte of TLS and without an alert.",
            server_called(seen),
            span_of_time(after)
        );
        let late = after >= LATE;
        let mut finding = Finding::new(self, if late { 70 } else { 90 }, sentence);
        if late {
            finding = finding.infer(
                "After so long it is a timer: of the server, or of a load balancer before it. s2n, which AWS uses, waits 10 to 30 seconds \
                 before it closes for a fatal error.",
            );
        }
        findings.push(
            finding
                .at_fault(AtFault::Server)
                .prove_span(&offer.span, format!("ClientHello, {} bytes", offer.value.len))
                .prove(fin, "FIN; no data before it")
                .remedy(
                    AtFault::Server,
                    "find out why it hangs up: no virtual host or filter chain for this name, a PROXY header that it waits for, a \
                     connection limit",
                    None,
                )
                .remedy(AtFault::Client, "see whether another name is answered", Some(s_client(seen, ""))),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn a_fin_without_a_byte_answers_the_hello() {
        let seen = connected().client_hello(|hello| hello).fin(Server).fin(Client).seen();
        let finding = judged(&ClosedAfterClientHello, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert_eq!(finding.at_fault, AtFault::Server);
        assert_eq!(chosen(&seen), "closed-after-client-hello");
    }

    #[test]
    fn a_fin_after_long_silence_is_a_timer() {
        let seen = connected()
            .client_hello(|hello| hello)
            .ack(Server)
            .wait(20.0)
            .fin(Server)
            .seen();
        let finding = judged(&ClosedAfterClientHello, &seen).unwrap();
        assert_eq!(finding.weight, 70);
        assert!(finding.inferred.unwrap().contains("timer"));
        assert_eq!(chosen(&seen), "closed-after-client-hello");
    }

    #[test]
    fn a_fin_behind_an_alert_is_not_the_answer() {
        let seen = connected()
            .client_hello(|hello| hello)
            .alert(Server, 2, 40)
            .fin(Server)
            .seen();
        assert!(judged(&ClosedAfterClientHello, &seen).is_none());
    }

    #[test]
    fn a_server_that_closes_after_the_client_did_has_not_hung_up() {
        let seen = connected().client_hello(|hello| hello).fin(Client).fin(Server).seen();
        assert!(judged(&ClosedAfterClientHello, &seen).is_none());
    }
}
