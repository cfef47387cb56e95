//! A side says that something within itself failed.

use crate::connection::{AlertSeen, MessageSeen};
use crate::registry::{HandshakeType, ProtocolVersion};
use crate::why::prelude::*;

/// internal_error.
pub(crate) struct InternalError;

impl Cause for InternalError {
    fn id(&self) -> CauseId {
        CauseId("internal-error")
    }

    fn page(&self) -> &'static str {
        include_str!("internal_error.md")
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Act::Alert(alert) = seen.end().act else { return };
        let says_so = matches!(
            alert.description,
            AlertDescription::INTERNAL_ERROR | AlertDescription::GENERAL_ERROR
        );
        if !says_so || seen.completed() {
            return;
        }
        let sender = alert.span.from();
        let to_the_hello = seen.refusal_of_the_hello().is_some();
        let waited = waited(seen, &alert);
        let place = if to_the_hello {
            "on the ClientHello"
        } else if seen.message(Side::Client, HandshakeType::CERTIFICATE).is_some() && sender == Side::Server {
            "when it had the client's certificate"
        } else if sender == Side::Client && (seen.server_chain.is_seen() || seen.sealed().is_some()) {
            "when it had the server's certificate"
        } else {
            "in the middle of the handshake"
        };
        let sentence = format!(
            "The {} gave up with {} {place}{}: the reason is in its own log only.",
            sender.as_str(),
            alert.description,
            waited
                .map(|seconds| format!(", after {}", span_of_time(seconds)))
                .unwrap_or_default()
        );
        let party = if sender == Side::Server {
            AtFault::Server
        } else {
            AtFault::Client
        };
        let weight = match (to_the_hello, waited) {
            // It asked somebody, and got no answer: a choice by the name takes no time.
            (_, Some(_)) => 70,
            (true, None) => 50,
            (false, None) => 62,
        };
        let mut finding = Finding::new(self, weight, sentence).at_fault(party);
        if let Seen::Seen(offer) = &seen.offer {
            finding = finding.prove_span(&offer.span, "ClientHello");
        }
        if to_the_hello {
            finding = finding.but_not(
                CauseId("sni-unrecognized"),
                "a Go server without a certificate for the name says the same; other names to it would show",
            );
        }
        if waited.is_some() {
            finding = finding.infer(
                "So long a wait points at something that it asked and that did not answer: a directory, an OCSP responder, a key in a \
                 device, a service behind it.",
            );
        }
        if let Seen::Seen(answer) = &seen.answer
            && sender == Side::Client
            && answer.value.version < ProtocolVersion::TLS12
        {
            finding = finding
                .prove_span(&answer.span, format!("ServerHello, {}", answer.value.version))
                .but_not(
                    CauseId("version-mismatch"),
                    "OpenSSL 3 takes the ServerHello of so old a version, and then finds no signature that it allows",
                );
        }
        findings.push(
            finding.prove_span(&alert.span, told(&alert)).remedy(
                party,
                "read its log of that second: a key or certificate that cannot be loaded, a callback that failed, a self-test",
                None,
            ),
        );
    }
}

/// Seconds that a side let pass before its alert, where that is far beyond what a handshake takes.
fn waited(seen: &Observed, alert: &AlertSeen) -> Option<f64> {
    const LONG: f64 = 1.0;
    let peer = alert.span.from().peer();
    let before = |message: &&MessageSeen| message.span.mark.frame < alert.span.mark.frame;
    let last = seen
        .messages
        .iter()
        .rev()
        .filter(before)
        .find(|message| message.span.from() == peer)?;
    between(&last.span.mark, &alert.span.mark).filter(|seconds| *seconds >= LONG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn internal_error_of_the_server_is_its_own() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .alert(Server, 2, 80)
            .fin(Server)
            .seen();
        let finding = judged(&InternalError, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert_eq!(finding.at_fault, AtFault::Server);
        assert_eq!(chosen(&seen), "internal-error");
    }

    #[test]
    fn in_answer_to_the_hello_a_missing_certificate_for_the_name_says_the_same() {
        let seen = connected()
            .client_hello(|hello| hello)
            .alert(Server, 2, 80)
            .fin(Server)
            .seen();
        let finding = judged(&InternalError, &seen).unwrap();
        assert!(
            finding
                .alternatives
                .iter()
                .any(|other| other.cause == CauseId("sni-unrecognized"))
        );
        let verdict = context().server_serves(&["www.shop.example"]).verdict(&seen);
        assert_eq!(name_of(&verdict), "sni-unrecognized");
    }

    #[test]
    fn a_client_that_finds_a_defect_may_call_it_internal() {
        let chain = Issued::to("shop.example");
        let seen = connected()
            .client_hello(|hello| hello.tls12().name("other.example").suites(&[0x009c]))
            .server_flight_unsigned(&chain.whole())
            .alert(Client, 2, 80)
            .seen();
        let verdict = context().trusting(&chain.root).verdict(&seen);
        assert_eq!(name_of(&verdict), "hostname-mismatch");
        assert!(!mentions(&verdict, "internal-error"));
    }

    #[test]
    fn a_long_wait_points_at_what_stands_behind() {
        let after = |seconds| {
            let seen = connected()
                .client_hello(|hello| hello)
                .wait(seconds)
                .alert(Server, 2, 80)
                .seen();
            judged(&InternalError, &seen).unwrap()
        };
        let slow = after(5.0);
        assert!(
            slow.weight == 70 && slow.sentence.contains("after 5.0 s"),
            "{}",
            slow.sentence
        );
        assert!(after(0.1).weight == 50 && after(0.1).inferred.is_none());
    }

    #[test]
    fn the_general_error_of_newer_stacks_says_the_same() {
        let seen = connected().client_hello(|hello| hello).alert(Server, 2, 117).seen();
        assert!(judged(&InternalError, &seen).is_some_and(|finding| finding.sentence.contains("general_error (117)")));
    }

    #[test]
    fn a_client_that_meets_an_old_version_may_have_no_signature_for_it() {
        let others = |version| {
            let seen = connected()
                .client_hello(Hello::tls12)
                .server_hello(version, 0xc013)
                .certificate(Server, &[b"leaf"])
                .alert(Client, 2, 80)
                .seen();
            judged(&InternalError, &seen).unwrap().alternatives
        };
        assert_eq!(others(0x0301)[0].cause.0, "version-mismatch");
        assert!(others(0x0303).is_empty());
    }

    #[test]
    fn other_alerts_are_none() {
        let seen = connected().client_hello(|hello| hello).alert(Server, 2, 40).seen();
        assert!(judged(&InternalError, &seen).is_none());
    }
}
