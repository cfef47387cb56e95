//! The server does not know the client's shared key, or knows another one by that name.

use crate::registry::{CipherSuite, ExtensionType, KeyExchange};
use crate::why::prelude::*;

/// unknown_psk_identity, a binder that does not fit, or keys that do not in a handshake with a shared one.
pub(crate) struct PskUnknownIdentity;

impl Cause for PskUnknownIdentity {
    fn id(&self) -> CauseId {
        CauseId("psk-unknown-identity")
    }

    fn page(&self) -> &'static str {
        include_str!("psk_unknown_identity.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("server-closed")]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.fatal_alert() else { return };
        if alert.span.from() != Side::Server || seen.completed() {
            return;
        }
        let answer = seen.answer.as_ref().seen();
        let in_suite =
            seen.psk_identity.is_some() || answer.is_some_and(|answer| shares_a_key(answer.value.cipher_suite));
        let offer = seen.offer.as_ref().seen();
        let in_hello = offer.is_some_and(|offer| offer.value.has(ExtensionType::PRE_SHARED_KEY));
        // A key that was agreed on elsewhere, not a ticket, which a server may forget.
        let is_agreed = offer.is_some_and(|offer| offer.value.psk_identity.is_some());
        let to_the_hello = seen.refusal_of_the_hello().is_some();
        let reading = match alert.description {
            AlertDescription::UNKNOWN_PSK_IDENTITY => Some((97, "does not know")),
            // The binder of TLS 1.3 is checked with the hello. OpenSSL, Java and GnuTLS call one that does not fit an illegal parameter.
            AlertDescription::DECRYPT_ERROR if to_the_hello && in_hello => Some((84, "knows, with another secret,")),
            AlertDescription::ILLEGAL_PARAMETER if to_the_hello && in_hello => {
                Some((if is_agreed { 82 } else { 62 }, "knows, with another secret,"))
            }
            // Where it does not know the key OpenSSL goes on with certificates, and has none.
            AlertDescription::HANDSHAKE_FAILURE if to_the_hello && is_agreed => Some((64, "does not take")),
            // GnuTLS goes on with a key of its own where it does not know the identity, as RFC 4279 §2 allows.
            AlertDescription::DECRYPT_ERROR | AlertDescription::BAD_RECORD_MAC if in_suite && has_finished(seen) => {
                Some((86, "does not know, or knows with another secret,"))
            }
            AlertDescription::HANDSHAKE_FAILURE | AlertDescription::ILLEGAL_PARAMETER
                if in_suite && has_finished(seen) =>
            {
                Some((70, "does not know, or knows with another secret,"))
            }
            _ => None,
        };
        let Some((weight, how)) = reading else { return };
        let identity = seen
            .psk_identity
            .as_deref()
            .or_else(|| offer.and_then(|offer| offer.value.psk_identity.as_deref()));
        let key = match identity {
            Some(identity) => format!("the shared key \"{identity}\" of the client"),
            None if to_the_hello => "the shared key or ticket that the client names (PSK)".to_owned(),
            None => "the shared key that the client names (PSK)".to_owned(),
        };
        let sentence = format!("{} {how} {key}: {}.", server_called(seen), alert.description);
        let mut finding = Finding::new(self, weight, sentence).at_fault(AtFault::Both);
        let exchange = seen.message(Side::Client, crate::registry::HandshakeType::CLIENT_KEY_EXCHANGE);
        finding = match exchange {
            Some(exchange) if in_suite => {
                let named = identity.map_or_else(
                    || "an identity".to_owned(),
                    |identity| format!("the identity \"{identity}\""),
                );
                finding.prove_span(&exchange.span, format!("ClientKeyExchange with {named}"))
            }
            _ => finding.prove_offer(
                seen,
                match identity {
                    Some(identity) => format!("ClientHello: pre_shared_key with the identity \"{identity}\""),
                    None => "ClientHello: pre_shared_key".to_owned(),
                },
            ),
        };
        findings.push(
            finding
                .prove_span(&alert.span, told(alert))
                .remedy(
                    AtFault::Both,
                    "give both sides the same identity and the same key; one side may read the key as text and the other as hexadecimal",
                    None,
                )
                .remedy(
                    AtFault::Server,
                    "where the key is a session ticket, share the ticket keys among all servers behind the address",
                    None,
                ),
        );
    }
}

/// True where both sides need a key that they were given before.
fn shares_a_key(suite: CipherSuite) -> bool {
    matches!(
        suite.key_exchange(),
        KeyExchange::Psk | KeyExchange::DhePsk | KeyExchange::EcdhePsk
    )
}

/// True where the client has sent something under the keys.
fn has_finished(seen: &Observed) -> bool {
    seen.change_cipher_spec[Side::Client].is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    /// A handshake of TLS 1.2 with PSK-AES128-GCM-SHA256, up to ClientKeyExchange.
    fn tls12() -> Scene {
        connected()
            .client_hello(|hello| hello.versions(&[0x0303]).suites(&[0x00a8]))
            .server_hello(0x0303, 0x00a8)
            .server_hello_done()
            .message(Client, 16, b"\x00\x08sensor-7")
    }

    /// A hello of TLS 1.3 with this identity.
    fn tls13(identity: &[u8]) -> Scene {
        let identities = [&(identity.len() as u16).to_be_bytes()[..], identity, &[0; 4]].concat();
        let body = [
            &(identities.len() as u16).to_be_bytes()[..],
            &identities,
            &[0, 33, 32],
            &[7; 32],
        ]
        .concat();
        connected().client_hello(|hello| hello.extension(45, &[1, 1]).extension(41, &body))
    }

    #[test]
    fn the_alert_of_its_name_tells_the_identity() {
        let seen = tls12().alert(Server, 2, 115).fin(Server).seen();
        let finding = judged(&PskUnknownIdentity, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (97, AtFault::Both));
        assert!(finding.sentence.contains("\"sensor-7\""), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "psk-unknown-identity");
        let seen = tls13(b"gateway").alert(Server, 2, 115).fin(Server).seen();
        assert!(
            judged(&PskUnknownIdentity, &seen)
                .unwrap()
                .sentence
                .contains("\"gateway\"")
        );
    }

    #[test]
    fn a_binder_that_does_not_fit_is_another_secret() {
        let seen = tls13(b"gateway").alert(Server, 2, 51).fin(Server).seen();
        assert_eq!(confidence(&PskUnknownIdentity, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "psk-unknown-identity");
        let seen = tls13(b"gateway").alert(Server, 2, 47).fin(Server).seen();
        assert_eq!(confidence(&PskUnknownIdentity, &seen), Some(Confidence::Likely));
        // A ticket is no text.
        let seen = tls13(&[0x9c; 64]).alert(Server, 2, 47).fin(Server).seen();
        assert_eq!(confidence(&PskUnknownIdentity, &seen), Some(Confidence::Possible));
        let seen = tls13(&[0x9c; 64]).alert(Server, 2, 51).fin(Server).seen();
        assert!(judged(&PskUnknownIdentity, &seen).unwrap().sentence.contains("ticket"));
    }

    #[test]
    fn without_a_shared_key_the_same_alerts_mean_something_else() {
        for description in [51, 47, 40] {
            let seen = connected()
                .client_hello(|hello| hello)
                .alert(Server, 2, description)
                .seen();
            assert!(judged(&PskUnknownIdentity, &seen).is_none(), "{description}");
        }
        let seen = tls13(&[0x9c; 64]).alert(Server, 2, 40).fin(Server).seen();
        assert!(
            judged(&PskUnknownIdentity, &seen).is_none(),
            "a ticket may be forgotten"
        );
    }

    #[test]
    fn a_server_that_has_shared_keys_alone_calls_an_unknown_one_a_failure() {
        let seen = tls13(b"gateway").alert(Server, 2, 40).fin(Server).seen();
        assert_eq!(confidence(&PskUnknownIdentity, &seen), Some(Confidence::Possible));
        assert_eq!(chosen(&seen), "psk-unknown-identity");
    }

    #[test]
    fn keys_that_differ_show_in_finished() {
        let seen = tls12().finished(Client).alert(Server, 2, 20).fin(Server).seen();
        assert_eq!(confidence(&PskUnknownIdentity, &seen), Some(Confidence::Likely));
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .client_key_exchange()
            .finished(Client)
            .alert(Server, 2, 20)
            .seen();
        assert!(judged(&PskUnknownIdentity, &seen).is_none());
    }
}
