//! The server's Diffie-Hellman prime is too short for the client.

use crate::tls::ClientStack;
use crate::why::prelude::*;

/// Bits below which no up-to-date client takes a prime.
const FORBIDDEN: u32 = 1_024;
/// Bits below which some do not: OpenSSL from security level 2 on, as distributions set it.
const SHORT: u32 = 2_048;

/// The client breaks off at a ServerKeyExchange with a short prime.
pub(crate) struct WeakDh;

impl Cause for WeakDh {
    fn id(&self) -> CauseId {
        CauseId("weak-dh")
    }

    fn page(&self) -> &'static str {
        include_str!("weak_dh.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("client-abandoned"), CauseId("server-certificate-rejected")]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        // An alert about the certificate is about the certificate.
        let rejection = context.rejection(seen, Side::Server);
        if rejection.is_some_and(|rejection| rejection.names_a_certificate()) {
            return;
        }
        let Some(exchange) = &seen.key_exchange else { return };
        let Some(bits) = exchange.value.dh_bits.filter(|bits| *bits < SHORT) else {
            return;
        };
        let end = seen.end();
        let went_on = seen.change_cipher_spec[Side::Client]
            .as_ref()
            .is_some_and(|span| span.mark.frame < end.mark.frame);
        if end.by != Some(Side::Client) || end.mark.frame < exchange.span.mark.frame || went_on || seen.completed() {
            return;
        }
        let Some(weight) = weight(bits, end.act, seen) else {
            return;
        };
        let said = match end.act {
            Act::Alert(alert) => alert.description.to_string(),
            _ => "it left without a word".to_owned(),
        };
        let sentence = format!(
            "{} uses a Diffie-Hellman prime of {bits} bits (DH), and the client takes none as short: {said}.",
            server_called(seen)
        );
        let mut finding = Finding::new(self, weight, sentence).at_fault(AtFault::Server);
        if let Seen::Seen(answer) = &seen.answer {
            finding = finding.prove_span(
                &answer.span,
                format!("ServerHello chooses {}", answer.value.cipher_suite),
            );
        }
        finding = finding.prove_span(&exchange.span, format!("ServerKeyExchange: a prime of {bits} bits"));
        finding = match end.act {
            Act::Alert(alert) => finding.prove_span(&alert.span, told(&alert)),
            _ => finding.prove(end.mark, "the client leaves"),
        };
        findings.push(
            finding
                .remedy(
                    AtFault::Server,
                    "leave finite-field Diffie-Hellman out, or give it a longer prime; nginx",
                    Some("ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;".to_owned()),
                )
                .remedy(
                    AtFault::Server,
                    "a prime of its own for programs that need one (ssl_dhparam)",
                    Some("openssl dhparam -out dhparam.pem 3072".to_owned()),
                )
                .remedy(
                    AtFault::Client,
                    "offer ECDHE suites, so that no prime is needed",
                    Some(s_client(seen, "-tls1_2 -cipher ECDHE")),
                ),
        );
    }
}

/// How well the client's act fits to a prime of this length.
fn weight(bits: u32, act: Act, seen: &Observed) -> Option<u8> {
    let stack = seen.offer.as_ref().seen().map(|offer| offer.value.stack);
    match act {
        Act::Alert(alert) => match alert.description {
            // OpenSSL and wolfSSL; NSS and Mbed TLS; GnuTLS and Java.
            AlertDescription::HANDSHAKE_FAILURE
            | AlertDescription::ILLEGAL_PARAMETER
            | AlertDescription::INSUFFICIENT_SECURITY
                if bits < FORBIDDEN =>
            {
                Some(96)
            }
            AlertDescription::INSUFFICIENT_SECURITY => Some(93),
            AlertDescription::HANDSHAKE_FAILURE
                if matches!(stack, Some(ClientStack::OpenSsl | ClientStack::Unknown)) =>
            {
                Some(88)
            }
            AlertDescription::HANDSHAKE_FAILURE | AlertDescription::ILLEGAL_PARAMETER => Some(80),
            _ if bits < FORBIDDEN => Some(62),
            _ => None,
        },
        Act::Fin | Act::Reset if bits < FORBIDDEN => Some(75),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn flight(bits: usize) -> Scene {
        connected()
            .client_hello(|hello| hello.versions(&[0x0303]).suites(&[0x009e]))
            .server_hello(0x0303, 0x009e)
            .certificate(Server, &[b"leaf"])
            .server_key_exchange_of_dhe(bits)
            .server_hello_done()
    }

    #[test]
    fn a_prime_that_nobody_takes_is_the_reason_whatever_the_client_calls_it() {
        for description in [40, 47, 71] {
            let seen = flight(768).alert(Client, 2, description).fin(Client).seen();
            let finding = judged(&WeakDh, &seen).unwrap();
            assert_eq!((finding.weight, finding.at_fault), (96, AtFault::Server));
            assert!(finding.sentence.contains("768 bits"), "{}", finding.sentence);
            assert_eq!(chosen(&seen), "weak-dh");
        }
    }

    #[test]
    fn a_prime_of_1024_bits_is_too_short_for_some() {
        let seen = flight(1024).alert(Client, 2, 40).fin(Client).seen();
        assert_eq!(confidence(&WeakDh, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "weak-dh");
    }

    #[test]
    fn a_prime_of_2048_bits_is_not_the_reason() {
        assert!(judged(&WeakDh, &flight(2048).alert(Client, 2, 40).fin(Client).seen()).is_none());
    }

    #[test]
    fn an_alert_about_the_certificate_is_not_about_the_prime() {
        assert!(judged(&WeakDh, &flight(768).alert(Client, 2, 48).fin(Client).seen()).is_none());
    }

    #[test]
    fn a_client_that_takes_the_prime_is_not_stopped_by_it() {
        assert!(judged(&WeakDh, &flight(1024).finished_by_both().seen()).is_none());
        let later = flight(768).client_key_exchange().finished(Client).fin(Client).seen();
        assert!(judged(&WeakDh, &later).is_none());
    }

    #[test]
    fn who_leaves_a_forbidden_prime_without_a_word_likely_leaves_for_it() {
        assert_eq!(
            confidence(&WeakDh, &flight(512).fin(Client).seen()),
            Some(Confidence::Possible)
        );
        assert!(judged(&WeakDh, &flight(1024).fin(Client).seen()).is_none());
    }
}
