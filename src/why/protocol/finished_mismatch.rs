//! The two sides saw different handshakes.

use super::{GENERIC, signs_of_alteration};
use crate::registry::{HandshakeType, KeyExchange};
use crate::why::prelude::*;
use crate::x509::Verification;

/// decrypt_error in answer to Finished.
pub(crate) struct FinishedMismatch;

impl Cause for FinishedMismatch {
    fn id(&self) -> CauseId {
        CauseId("finished-mismatch")
    }

    fn page(&self) -> &'static str {
        include_str!("finished_mismatch.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Act::Alert(alert) = seen.end().act else { return };
        if alert.description != AlertDescription::DECRYPT_ERROR || seen.completed() {
            return;
        }
        let (by, peer) = (alert.span.from(), alert.span.from().peer());
        let weight = if seen.is_tls13() {
            match seen.sealed() {
                // Without a certificate there is no signature that could be wrong.
                Some(sealed) if by == Side::Client && (sealed.resumed || seen.resumed()) => 82,
                Some(sealed) if by == Side::Client && !sealed.flight.is_empty() => 45,
                _ => return,
            }
        } else {
            if seen.change_cipher_spec[peer].is_none() {
                return;
            }
            let proof = seen.message(Side::Client, HandshakeType::CERTIFICATE_VERIFY);
            let is_proven = seen
                .certificate_verify
                .is_some_and(|verify| verify.verification == Verification::Yes);
            if by == Side::Server && proof.is_some() && !is_proven {
                return;
            }
            let suite = seen.answer.as_ref().seen().map(|answer| answer.value.cipher_suite);
            if suite.is_some_and(|suite| suite.key_exchange() == KeyExchange::Rsa) {
                75
            } else {
                85
            }
        };
        let sentence = format!(
            "The {} finds that the {}'s Finished does not fit the handshake that it saw: something between the two changed their \
             messages, or one of them counts them wrongly.",
            by.as_str(),
            peer.as_str()
        );
        let mut finding = Finding::new(self, weight, sentence).at_fault(AtFault::Middlebox);
        if let Seen::Seen(answer) = &seen.answer {
            let text = format!("ServerHello: {}, {}", answer.value.version, answer.value.cipher_suite);
            finding = finding.prove_span(&answer.span, text);
            for sign in signs_of_alteration(seen, context) {
                finding = finding.prove_span(&answer.span, sign);
            }
        }
        if let Some(record) = seen.records[peer].first().first() {
            finding = finding.prove(record.mark, format!("the {}'s Finished, encrypted", peer.as_str()));
        }
        findings.push(
            finding
                .prove_span(&alert.span, told(&alert))
                .infer("The contents of Finished are encrypted; that it is what the alert means follows from where it stands.")
                .remedy(
                    AtFault::Middlebox,
                    "record at both ends and compare the messages byte by byte: the device between the two captures changed them",
                    Some("tshark -r FILE -Y tls.handshake -T fields -e frame.number -e tcp.payload".to_owned()),
                )
                .remedy(AtFault::Both, "without the device in between", Some(s_client(seen, ""))),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::CertificateVerifySeen;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn keyed() -> Scene {
        connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .client_key_exchange()
            .finished(Client)
    }

    #[test]
    fn decrypt_error_after_the_clients_finished_is_about_it() {
        let seen = keyed().alert(Server, 2, 51).fin(Server).seen();
        let finding = judged(&FinishedMismatch, &seen).unwrap();
        assert_eq!(
            (Confidence::of_weight(finding.weight), finding.at_fault),
            (Some(Confidence::Likely), AtFault::Middlebox)
        );
        assert_eq!(chosen(&seen), "finished-mismatch");
    }

    #[test]
    fn before_any_finished_it_is_about_a_signature() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .alert(Client, 2, 51)
            .seen();
        assert!(judged(&FinishedMismatch, &seen).is_none());
    }

    #[test]
    fn a_clients_signature_comes_first() {
        let mut seen = connected()
            .client_hello(Hello::tls12)
            .server_flight_asking(&[b"leaf"])
            .certificate(Client, &[b"me"])
            .client_key_exchange()
            .certificate_verify()
            .finished(Client)
            .alert(Server, 2, 51)
            .seen();
        assert!(judged(&FinishedMismatch, &seen).is_none());
        seen.certificate_verify = Some(CertificateVerifySeen {
            scheme: None,
            verification: Verification::Yes,
        });
        assert_eq!(confidence(&FinishedMismatch, &seen), Some(Confidence::Likely));
    }

    #[test]
    fn in_tls_1_3_it_may_be_about_the_servers_signature() {
        let flight = |lengths: &[usize]| {
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, lengths)
                .alert(Client, 2, 51)
                .seen()
        };
        let whole = flight(&[40, 2_000, 281, 53]);
        assert_eq!(confidence(&FinishedMismatch, &whole), Some(Confidence::Possible));
        assert_eq!(
            confidence(&FinishedMismatch, &flight(&[40, 53])),
            Some(Confidence::Likely)
        );
    }
}
