//! The server's signature does not fit its certificate.

use super::{fault_of, is_contradictory};
use crate::registry::HandshakeType;
use crate::why::prelude::*;
use crate::x509::Verification;

/// A ServerKeyExchange that the certificate's key did not sign, or a client that says so.
pub(crate) struct ServerKeyProofFailed;

impl Cause for ServerKeyProofFailed {
    fn id(&self) -> CauseId {
        CauseId("server-key-proof-failed")
    }

    fn page(&self) -> &'static str {
        include_str!("server_key_proof_failed.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        const VAGUER: &[CauseId] = &[
            CauseId("illegal-parameter"),
            CauseId("unexpected-message"),
            CauseId("internal-error"),
            CauseId("server-certificate-rejected"),
            CauseId("client-abandoned"),
        ];
        VAGUER
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        if seen.completed() {
            return;
        }
        let end = seen.end();
        let says_so = matches!(end.act, Act::Alert(alert) if alert.description == AlertDescription::DECRYPT_ERROR);
        let verification = seen
            .key_exchange
            .as_ref()
            .and_then(|exchange| exchange.value.verification);
        let went_on = seen.message(Side::Client, HandshakeType::CLIENT_KEY_EXCHANGE).is_some();
        let name = seen.leaf().map_or_else(
            || "the server's certificate".to_owned(),
            |leaf| format!("the server's certificate \"{}\"", leaf.display_name()),
        );
        let (weight, sentence) = match (verification, end.by) {
            (Some(Verification::No), Some(Side::Client)) => (
                if is_contradictory(seen) { 85 } else { 97 },
                format!(
                    "{} did not prove that it holds the key of {name}: another key made the signature in its ServerKeyExchange, or what it \
                     signs was changed on the way.",
                    server_called(seen)
                ),
            ),
            (Some(Verification::Unsupported) | None, Some(Side::Client))
                if says_so && !went_on && seen.key_exchange.is_some() =>
            {
                (
                    75,
                    format!("The client says that the signature in the ServerKeyExchange does not fit {name}."),
                )
            }
            // The signature of TLS 1.3 is hidden, and so is Finished, which decrypt_error may be about as well.
            (None, Some(Side::Client)) if says_so && hides_a_certificate(seen) => (
                60,
                format!(
                    "The client says that a signature of {} does not fit: the one in CertificateVerify, or one of its chain.",
                    server_called(seen)
                ),
            ),
            _ => return,
        };
        let carried = context.server(seen).carried_data;
        let is_checked = verification == Some(Verification::No);
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(if is_checked && carried > 0 {
                AtFault::Middlebox
            } else {
                fault_of(Side::Server)
            })
            .aborted_by(AbortedBy::Client);
        if let (Seen::Seen(chain), Some(leaf)) = (&seen.server_chain, seen.leaf()) {
            let text = format!("Certificate: \"{}\", whose key is {}", leaf.display_name(), leaf.key);
            finding = finding.prove_span(&chain.span, text);
        }
        if let Some(exchange) = &seen.key_exchange {
            let scheme = exchange.value.scheme;
            let signed_with = scheme
                .map(|scheme| format!(", signed with {scheme}"))
                .unwrap_or_default();
            let checked = if is_checked {
                "; it does not verify over the two randoms and the parameters"
            } else {
                ""
            };
            finding = finding.prove_span(&exchange.span, format!("ServerKeyExchange{signed_with}{checked}"));
        } else if let Some(record) = seen.sealed().and_then(|sealed| sealed.flight.last().copied()) {
            finding = finding.prove(record.mark, "the server's flight, encrypted");
        }
        finding = match end.act {
            Act::Alert(alert) => finding.prove_span(&alert.span, told(&alert)),
            _ => finding.prove(end.mark, "the client leaves"),
        };
        if carried > 0 {
            finding = finding.infer(format!(
                "{carried} other connections to this server were completed and carried data: the key is right there, so look at the path, \
                 or at one machine of several behind the address."
            ));
        }
        if !is_checked {
            finding = finding.but_not(
                CauseId("malformed-certificate"),
                "some clients say the same of a signature within the chain",
            );
        }
        findings.push(
            finding
                .remedy(
                    AtFault::Server,
                    "certificate and key have to belong together: these print the same where they do",
                    Some("openssl x509 -in server.pem -noout -pubkey; openssl pkey -in server.key -pubout".to_owned()),
                )
                .remedy(
                    AtFault::Server,
                    "several machines behind one address: renew the certificate and the key on all of them, and reload",
                    None,
                )
                .remedy(
                    AtFault::Middlebox,
                    "compare captures of both ends: a device that changes the hellos or the key exchange has the same effect",
                    None,
                ),
        );
    }
}

/// TLS 1.3 with a flight in which a certificate may stand.
fn hides_a_certificate(seen: &Observed) -> bool {
    seen.sealed()
        .is_some_and(|sealed| !sealed.flight.is_empty() && !sealed.resumed && !seen.resumed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    /// The flight of a server with an ECDSA key, with what `sign` makes of the parameters.
    fn flight(sign: impl FnOnce(&Authority, &[u8]) -> Vec<u8>) -> Scene {
        let server = Authority::root("shop.example");
        connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02b)
            .certificate(Server, &[&server.der])
            .server_key_exchange_signed(29, |message| sign(&server, message))
            .server_hello_done()
    }

    fn proven() -> Scene {
        flight(|server, message| server.sign(message))
    }

    fn unproven() -> Scene {
        flight(|_, message| Authority::root("another").sign(message))
    }

    fn verification(seen: &Observed) -> Option<Verification> {
        seen.key_exchange.as_ref()?.value.verification
    }

    #[test]
    fn a_signature_of_another_key_proves_it_whatever_the_client_says() {
        for description in [51, 40, 47, 10] {
            let seen = unproven().alert(Client, 2, description).fin(Client).seen();
            assert_eq!(verification(&seen), Some(Verification::No));
            let finding = judged(&ServerKeyProofFailed, &seen).unwrap();
            assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Server));
            assert!(finding.evidence[1].text.contains("does not verify"));
            assert_eq!(chosen(&seen), "server-key-proof-failed", "{description}");
        }
        let seen = unproven().fin(Client).seen();
        assert_eq!(confidence(&ServerKeyProofFailed, &seen), Some(Confidence::Certain));
    }

    #[test]
    fn a_signature_that_verifies_is_no_reason() {
        let seen = proven().alert(Client, 2, 51).seen();
        assert_eq!(verification(&seen), Some(Verification::Yes));
        assert!(judged(&ServerKeyProofFailed, &seen).is_none());
    }

    #[test]
    fn a_client_that_goes_on_or_names_the_certificate_gives_no_reason_to_check() {
        let seen = unproven()
            .client_key_exchange()
            .finished(Client)
            .alert(Client, 2, 51)
            .seen();
        assert_eq!(verification(&seen), None);
        assert!(judged(&ServerKeyProofFailed, &seen).is_none());
        let seen = unproven().alert(Client, 2, 48).seen();
        assert_eq!(verification(&seen), None);
    }

    #[test]
    fn where_it_cannot_be_checked_the_client_is_believed_somewhat() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .alert(Client, 2, 51)
            .seen();
        assert_eq!(verification(&seen), None);
        assert_eq!(confidence(&ServerKeyProofFailed, &seen), Some(Confidence::Possible));
    }

    #[test]
    fn in_tls_1_3_the_signature_is_hidden() {
        let flight = |lengths: &[usize], description| {
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, lengths)
                .alert(Client, 2, description)
                .seen()
        };
        let seen = flight(&[40, 2_000, 281, 53], 51);
        assert_eq!(confidence(&ServerKeyProofFailed, &seen), Some(Confidence::Possible));
        assert!(judged(&ServerKeyProofFailed, &flight(&[40, 53], 51)).is_none());
        assert!(judged(&ServerKeyProofFailed, &flight(&[40, 2_000, 281, 53], 80)).is_none());
    }

    #[test]
    fn a_server_that_serves_others_is_altered_on_the_way() {
        let seen = unproven().alert(Client, 2, 51).seen();
        let finding = context().serves_others().judged(&ServerKeyProofFailed, &seen).unwrap();
        assert_eq!(finding.at_fault, AtFault::Middlebox);
    }
}
