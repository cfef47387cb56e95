//! The client's CertificateVerify does not fit its certificate.

use super::{GENERIC, prove_refusal};
use crate::registry::HandshakeType;
use crate::why::prelude::*;
use crate::x509::Verification;

/// A signature that the certificate's key did not make, or a server that says so.
pub(crate) struct ClientKeyProofFailed;

impl Cause for ClientKeyProofFailed {
    fn id(&self) -> CauseId {
        CauseId("client-key-proof-failed")
    }

    fn page(&self) -> &'static str {
        include_str!("client_key_proof_failed.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(rejection) = context.rejection(seen, Side::Client) else {
            return;
        };
        let Some(message) = seen.message(Side::Client, HandshakeType::CERTIFICATE_VERIFY) else {
            return;
        };
        let Seen::Seen(chain) = &seen.client_chain else { return };
        let Some(leaf) = chain.value.first().and_then(|leaf| leaf.readable()) else {
            return;
        };
        let says_so = rejection.sign == Sign::Alert(AlertDescription::DECRYPT_ERROR);
        let verification = seen.certificate_verify.map(|verify| verify.verification);
        let name = leaf.display_name();
        let (weight, sentence) = match verification {
            Some(Verification::No) => (
                if says_so { 98 } else { 96 },
                format!(
                    "The client did not prove that it holds the key of its certificate \"{name}\": another key made the signature in its CertificateVerify."
                ),
            ),
            Some(Verification::Yes) => return,
            Some(Verification::Unsupported) | None if says_so => (
                92,
                format!(
                    "{} says that the signature in the client's CertificateVerify does not fit its certificate \"{name}\".",
                    server_called(seen)
                ),
            ),
            Some(Verification::Unsupported) | None => return,
        };
        // Of two copies that differ, the server may have read the other one.
        let is_doubtful = seen.tcp.sides.iter().any(|side| side.contradiction().is_some());
        let weight = if is_doubtful { weight.min(85) } else { weight };
        let scheme = seen.certificate_verify.and_then(|verify| verify.scheme);
        let signed_with = scheme
            .map(|scheme| format!(", signed with {scheme}"))
            .unwrap_or_default();
        let checked = match verification {
            Some(Verification::No) => "; it does not verify over the handshake messages before it",
            _ => "",
        };
        let finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Server)
            .prove_span(
                &chain.span,
                format!("Certificate: \"{name}\", whose key is {}", leaf.key),
            )
            .prove_span(&message.span, format!("CertificateVerify{signed_with}{checked}"));
        findings.push(
            prove_refusal(finding, seen, &rejection)
                .remedy(
                    AtFault::Client,
                    "certificate and key have to belong together: these print the same where they do",
                    Some("openssl x509 -in client.pem -noout -pubkey; openssl pkey -in client.key -pubout".to_owned()),
                )
                .remedy(
                    AtFault::Client,
                    "a key in a token or agent: check which slot or label the program takes. A device between that changes the handshake has \
                     the same effect: compare captures of both ends",
                    None,
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::connection::CertificateVerifySeen;
    use crate::registry::SignatureScheme;
    use crate::why::Confidence;
    use crate::why::testing::*;

    /// A client that shows an authority's own certificate, whose key can sign, and the server's alert.
    fn refused(description: u8) -> Observed {
        let leaf = client_leaf("alice").signed_by(&Authority::root("Shop Anchor"));
        shown(&[&leaf], &[]).alert(Server, 2, description).fin(Server).seen()
    }

    fn checked(mut seen: Observed, verification: Verification) -> Observed {
        seen.certificate_verify = Some(CertificateVerifySeen {
            scheme: Some(SignatureScheme(0x0403)),
            verification,
        });
        seen
    }

    #[test]
    fn a_signature_of_another_key_proves_it_whatever_the_server_says() {
        for description in [51, 40] {
            let seen = refused(description);
            assert_eq!(
                seen.certificate_verify.map(|verify| verify.verification),
                Some(Verification::No)
            );
            let finding = judged(&ClientKeyProofFailed, &seen).unwrap();
            assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
            assert!(finding.evidence[1].text.contains("does not verify"));
            assert_eq!(chosen(&seen), "client-key-proof-failed");
        }
    }

    #[test]
    fn where_it_cannot_be_checked_the_server_is_believed() {
        let seen = checked(refused(51), Verification::Unsupported);
        assert_eq!(confidence(&ClientKeyProofFailed, &seen), Some(Confidence::Likely));
        let seen = checked(refused(40), Verification::Unsupported);
        assert!(judged(&ClientKeyProofFailed, &seen).is_none());
    }

    #[test]
    fn a_signature_that_verifies_is_no_reason() {
        let seen = checked(refused(51), Verification::Yes);
        assert!(judged(&ClientKeyProofFailed, &seen).is_none());
    }

    #[test]
    fn a_server_that_names_the_certificate_has_not_come_to_the_signature() {
        let seen = refused(48);
        assert!(seen.certificate_verify.is_none());
        assert!(judged(&ClientKeyProofFailed, &seen).is_none());
    }

    #[test]
    fn a_signature_by_the_certificates_key_over_the_whole_handshake_verifies() {
        let client = Authority::root("alice");
        let scene = shown_by(&client, |message| client.sign(message));
        let seen = scene.alert(Server, 2, 51).fin(Server).seen();
        assert_eq!(
            seen.certificate_verify.map(|verify| verify.verification),
            Some(Verification::Yes)
        );
    }

    #[test]
    fn without_a_part_of_the_handshake_nothing_is_checked() {
        let leaf = client_leaf("alice").signed_by(&Authority::root("Shop Anchor"));
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .off_camera(|scene| scene.certificate(Server, &[b"leaf"]))
            .server_key_exchange(29)
            .certificate_request()
            .server_hello_done()
            .certificate(Client, &[&leaf])
            .client_key_exchange()
            .certificate_verify()
            .finished(Client)
            .alert(Server, 2, 51)
            .seen();
        assert!(seen.certificate_verify.is_none());
        assert_eq!(confidence(&ClientKeyProofFailed, &seen), Some(Confidence::Likely));
    }
}
