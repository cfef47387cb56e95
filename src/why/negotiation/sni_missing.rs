//! The server wants to be asked for a name, and the client asks for none.

use crate::connection::Offer;
use crate::registry::{CipherSuite, ExtensionType, KeyExchange, ProtocolVersion};
use crate::why::prelude::*;

/// A refusal of a hello without `server_name`.
pub(crate) struct SniMissing;

impl Cause for SniMissing {
    fn id(&self) -> CauseId {
        CauseId("sni-missing")
    }

    fn page(&self) -> &'static str {
        include_str!("sni_missing.md")
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Seen::Seen(offer), Some(alert)) = (&seen.offer, seen.refusal_of_the_hello()) else {
            return;
        };
        if offer.value.server_name.is_some() || offer.value.sslv2 {
            return;
        }
        let history = context.server(seen);
        let is_proof = alert.description == AlertDescription::UNRECOGNIZED_NAME;
        if history.serves_nameless() && !is_proof {
            return;
        }
        let others = history.served_names().count();
        let weight = match alert.description {
            AlertDescription::UNRECOGNIZED_NAME => 96,
            // Servers that need a name may say so (RFC 9846 §9.2), where nothing else is missing.
            AlertDescription::MISSING_EXTENSION if lacks_nothing_else(&offer.value) => 86,
            // Go's GetCertificate: autocert says "missing server name". With TLS 1.0 in the record it had not come to that yet.
            AlertDescription::INTERNAL_ERROR if alert.record_version == ProtocolVersion::TLS10 && others == 0 => return,
            AlertDescription::INTERNAL_ERROR if others > 0 => 84,
            AlertDescription::INTERNAL_ERROR => 56,
            // rustls until 0.23 has no certificate to choose.
            AlertDescription::ACCESS_DENIED => 80,
            AlertDescription::HANDSHAKE_FAILURE if others > 0 => 85,
            AlertDescription::HANDSHAKE_FAILURE if is_usual(&offer.value) => 55,
            _ => return,
        };
        let sentence = format!(
            "{} wants to be asked for a name, and the client sent no SNI: {}.",
            seen.server, alert.description
        );
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Client)
            .prove_span(&offer.span, "ClientHello without server_name (SNI)")
            .prove_span(&alert.span, told(alert));
        if others > 0 {
            finding = finding.infer(format!(
                "The same server completed handshakes for {}.",
                list(history.served_names(), 3)
            ));
        }
        if !is_proof {
            finding = finding.but_not(
                CauseId("no-shared-cipher"),
                "the same alert answers an offer that does not fit; this one would fit to most servers",
            );
        }
        findings.push(
            finding
                .remedy(
                    AtFault::Client,
                    "connect by name instead of by address, or set the name; nginx as client: `proxy_ssl_server_name on;`, HAProxy: `sni str(NAME)`, \
                     Envoy: `sni: NAME`",
                    Some(format!("openssl s_client -connect {} -servername NAME", seen.server)),
                )
                .remedy(
                    AtFault::Server,
                    "or give it a default certificate for clients that send no name",
                    None,
                ),
        );
    }
}

/// True where a hello has everything else that TLS 1.3 wants (RFC 9846 §9.2).
fn lacks_nothing_else(offer: &Offer) -> bool {
    [
        ExtensionType::SIGNATURE_ALGORITHMS,
        ExtensionType::SUPPORTED_GROUPS,
        ExtensionType::KEY_SHARE,
    ]
    .iter()
    .all(|kind| offer.has(*kind))
}

/// True for a hello that most servers can answer, of TLS 1.2 or 1.3.
fn is_usual(offer: &Offer) -> bool {
    let modern = |suite: &CipherSuite| suite.is_aead() && suite.key_exchange() == KeyExchange::Ecdhe;
    offer.is_ordinary() || offer.real_suites().filter(modern).count() >= 4 && offer.groups.len() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn unrecognized_name_to_a_hello_without_one_proves_it() {
        let seen = refused(Hello::nameless, 112);
        let finding = judged(&SniMissing, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (96, AtFault::Client));
        assert_eq!(chosen(&seen), "sni-missing");
    }

    #[test]
    fn a_hello_with_a_name_is_not_refused_for_lack_of_it() {
        for description in [112, 109, 80, 49, 40] {
            assert!(
                judged(&SniMissing, &refused(|hello| hello, description)).is_none(),
                "{description}"
            );
        }
    }

    #[test]
    fn a_vague_alert_says_little_until_others_show_that_names_are_served() {
        let seen = refused(Hello::nameless, 40);
        assert_eq!(confidence(&SniMissing, &seen), Some(Confidence::Possible));
        let world = || context().server_serves(&["shop.example"]);
        assert_eq!(sure(world().judged(&SniMissing, &seen)), Some(Confidence::Likely));
        assert_eq!(world().chosen(&seen), "sni-missing");
        assert_eq!(world().chosen(&refused(Hello::nameless, 80)), "sni-missing");
    }

    #[test]
    fn a_server_that_serves_others_without_a_name_wants_none() {
        let seen = refused(Hello::nameless, 40);
        let world = context().server_serves(&["", "shop.example"]);
        assert!(world.judged(&SniMissing, &seen).is_none());
    }

    #[test]
    fn missing_extension_means_the_name_where_nothing_else_is_missing() {
        assert_eq!(chosen(&refused(Hello::nameless, 109)), "sni-missing");
        assert_eq!(
            chosen(&refused(|hello| hello.nameless().schemes(&[]), 109)),
            "missing-extension"
        );
    }

    #[test]
    fn a_narrow_offer_is_refused_for_itself() {
        let seen = refused(|hello| hello.nameless().versions(&[0x0303]).suites(&[0xc02f]), 40);
        assert!(judged(&SniMissing, &seen).is_none());
    }
}
