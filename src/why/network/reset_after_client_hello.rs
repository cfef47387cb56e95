//! The ClientHello was answered by a reset.

use super::injected_reset::others_served;
use crate::connection::Misfit;
use crate::why::prelude::*;

/// Seconds after which a reset is a timer's.
const LATE: f64 = 5.0;

/// RST in answer to the hello, and not one byte of TLS from the server.
pub(crate) struct ResetAfterClientHello;

impl Cause for ResetAfterClientHello {
    fn id(&self) -> CauseId {
        CauseId("reset-after-client-hello")
    }

    fn page(&self) -> &'static str {
        include_str!("reset_after_client_hello.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("server-closed")]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Seen::Seen(offer) = &seen.offer else { return };
        if !matches!(seen.first[Side::Server], First::Nothing | First::Tls(_)) {
            return;
        }
        let reset = seen.tcp.side(Side::Server).first_rst();
        let Some(reset) = reset.filter(|reset| reset.believed) else {
            return;
        };
        let client_left = seen.tcp.side(Side::Client).first_ending();
        if reset.mark.frame < offer.span.first_frame
            || matches!(&seen.first[Side::Server], First::Tls(answer) if answer.first_frame < reset.mark.frame)
            || client_left.is_some_and(|ending| ending.mark.frame < reset.mark.frame)
        {
            return;
        }
        let after = between(&offer.span.mark, &reset.mark).map(span_of_time);
        let sentence = format!(
            "{} reset the connection {}after the ClientHello, without a byte of TLS.",
            server_called(seen),
            after.as_ref().map(|after| format!("{after} ")).unwrap_or_default()
        );
        // A server that thinks for so long ran into a timer; some hide a fatal error behind one.
        let late = between(&offer.span.mark, &reset.mark).is_some_and(|after| after >= LATE);
        let misfits = seen.misfits_of_reset(Side::Server);
        // The identification alone may be one of a host that picks it at random.
        let weight = match misfits.first() {
            // Of a connection without a beginning nobody knows whether the server still had it.
            _ if seen.tcp.started_midway() => 55,
            _ if late => 70,
            Some(Misfit::IpId { .. }) => 80,
            Some(_) => 70,
            None => 88,
        };
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Server)
            .prove_span(&offer.span, format!("ClientHello, {} bytes", offer.value.len))
            .prove(reset.mark, format!("RST, TTL {}", reset.ttl));
        finding = if is_by_windows(reset.ttl) {
            finding
                .remedy(
                    AtFault::Server,
                    "look at the server's own log of that second; Windows: System log, Schannel 36871, 36874, 36888",
                    None,
                )
                .remedy(
                    AtFault::Server,
                    "check that a certificate is bound for this name; Windows: list the bindings",
                    Some("netsh http show sslcert".to_owned()),
                )
        } else {
            finding.remedy(
                AtFault::Server,
                "look at the log of that second, of the server or of the load balancer before it, and check that a certificate is set up \
                 for this name",
                None,
            )
        };
        for misfit in &misfits {
            finding = finding.prove(misfit.elsewhere().unwrap_or(reset.mark), misfit.to_string());
        }
        if !misfits.is_empty() {
            finding = finding.but_not(CauseId("injected-reset"), "one such sign is too little");
        }
        if seen.tcp.started_midway() {
            finding = finding.infer(
                "The capture has no beginning of this connection: the server may have dropped it before, and resets what comes late.",
            );
        } else if late {
            finding = finding.infer("After so long it is a timer: of the server, or of a load balancer before it.");
        } else if let Some(others) = others_served(seen, context) {
            finding = finding.infer(format!(
                "The same server completed handshakes for other names ({others}): it has nothing for this one, or a filter acts on the name."
            ));
        }
        findings.push(finding);
    }
}

/// True for the time to live of a packet by a Windows host: it begins at 128, that of others at 64 or 255.
const fn is_by_windows(ttl: u8) -> bool {
    matches!(ttl, 65..=128)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn a_reset_in_answer_to_the_hello_is_the_servers() {
        let seen = connected().client_hello(|hello| hello).reset(Server).seen();
        let finding = judged(&ResetAfterClientHello, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert_eq!(
            (finding.at_fault, finding.aborted_by),
            (AtFault::Server, Some(AbortedBy::Server))
        );
        assert_eq!(chosen(&seen), "reset-after-client-hello");
    }

    #[test]
    fn without_a_beginning_the_server_may_have_dropped_it_before() {
        let seen = scene().client_hello(|hello| hello).reset(Server).seen();
        let finding = judged(&ResetAfterClientHello, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert!(finding.inferred.unwrap().contains("no beginning"));
    }

    #[test]
    fn windows_is_looked_into_where_it_may_be_windows() {
        let advice = |ttl| {
            let seen = connected()
                .client_hello(|hello| hello)
                .reset_with_ttl(Server, ttl)
                .seen();
            format!("{:?}", judged(&ResetAfterClientHello, &seen).unwrap().remedies)
        };
        assert!(advice(117).contains("Schannel"));
        assert!(!advice(64).contains("Schannel") && !advice(250).contains("Schannel"));
    }

    #[test]
    fn a_weak_sign_of_another_sender_is_told() {
        let seen = connected()
            .client_hello(|hello| hello)
            .reset_with_ttl(Server, 51)
            .seen();
        let finding = judged(&ResetAfterClientHello, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (70, AtFault::Server));
        assert_eq!(finding.alternatives[0].cause, CauseId("injected-reset"));
        assert!(finding.evidence.iter().any(|proof| proof.text.contains("TTL 51")));
    }

    #[test]
    fn a_reset_after_long_silence_is_a_timer() {
        let seen = connected()
            .client_hello(|hello| hello)
            .ack(Server)
            .wait(15.0)
            .reset(Server)
            .seen();
        let finding = judged(&ResetAfterClientHello, &seen).unwrap();
        assert_eq!(finding.weight, 70);
        assert!(finding.inferred.unwrap().contains("timer"));
    }

    #[test]
    fn a_reset_that_the_client_did_not_believe_is_no_answer() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .reset(Server)
            .server_hello(0x0303, 0xc02f)
            .ack(Client)
            .seen();
        assert!(judged(&ResetAfterClientHello, &seen).is_none());
    }

    #[test]
    fn a_reset_behind_an_alert_is_only_cleaning_up() {
        let seen = connected()
            .client_hello(|hello| hello)
            .alert(Server, 2, 40)
            .reset(Server)
            .seen();
        assert!(judged(&ResetAfterClientHello, &seen).is_none());
    }

    #[test]
    fn a_reset_for_a_client_that_has_left_is_no_answer() {
        let seen = connected().client_hello(|hello| hello).fin(Client).reset(Server).seen();
        assert!(judged(&ResetAfterClientHello, &seen).is_none());
        assert_eq!(chosen(&seen), "client-abandoned");
    }
}
