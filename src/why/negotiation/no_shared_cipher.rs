//! The server shares no cipher suite with the client, or none that fits its key.

use crate::connection::Offer;
use crate::registry::{Authentication, CipherSuite, KeyExchange};
use crate::why::prelude::*;

/// Suites that are told by name in the evidence.
const TOLD: usize = 4;

/// handshake_failure to a hello whose suites leave the server little choice.
pub(crate) struct NoSharedCipher;

impl Cause for NoSharedCipher {
    fn id(&self) -> CauseId {
        CauseId("no-shared-cipher")
    }

    fn page(&self) -> &'static str {
        include_str!("no_shared_cipher.md")
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(alert) = seen.refusal_of_the_hello() else {
            return;
        };
        if !matches!(
            alert.description,
            AlertDescription::HANDSHAKE_FAILURE | AlertDescription::INSUFFICIENT_SECURITY
        ) {
            return;
        }
        let Seen::Seen(offer) = &seen.offer else { return };
        let suites: Vec<CipherSuite> = offer.value.real_suites().collect();
        if suites.is_empty() {
            return;
        }
        let accepted = &context.server(seen).cipher_suites;
        let (weight, why) = reading(&offer.value, &suites, accepted.iter().copied());
        if weight == 0 {
            return;
        }
        let sentence = format!("{} shares no cipher suite with the client: {why}.", server_called(seen));
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Both)
            .prove_span(
                &offer.span,
                format!(
                    "ClientHello offers {} with {}",
                    list(&offer.value.versions, 4),
                    named(&suites)
                ),
            )
            .prove_span(&alert.span, format!("{}, before any ServerHello", told(alert)));
        if !accepted.is_empty() {
            finding = finding.infer(format!("From other clients the server took {}.", list(accepted, TOLD)));
        }
        findings.push(
            finding
                .but_not(CauseId("no-shared-group"), "the groups on offer are common ones")
                .remedy(
                    AtFault::Server,
                    "allow a suite that the client has, and keep an RSA and an ECDSA certificate; nginx",
                    Some("ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256;".to_owned()),
                )
                .remedy(
                    AtFault::Client,
                    "or offer modern suites",
                    Some(s_client(seen, "-cipher ECDHE-ECDSA-AES128-GCM-SHA256")),
                ),
        );
    }
}

fn named(suites: &[CipherSuite]) -> String {
    list(suites, TOLD)
}

/// How much the offer alone says, and in which words.
fn reading(offer: &Offer, suites: &[CipherSuite], accepted: impl Iterator<Item = CipherSuite>) -> (u8, String) {
    // What it chose in a version that is not on offer says nothing about this client.
    let on_offer = |suite: &CipherSuite| {
        if suite.is_tls13() {
            offer.offers_tls13()
        } else {
            offer.offers_older_than_13()
        }
    };
    let accepted: Vec<CipherSuite> = accepted.filter(on_offer).collect();
    if !accepted.is_empty() {
        return if accepted.iter().any(|suite| suites.contains(suite)) {
            (0, String::new())
        } else {
            (
                if accepted.len() >= 3 { 95 } else { 88 },
                "it took none of these from anybody".to_owned(),
            )
        };
    }
    let old: Vec<CipherSuite> = suites.iter().copied().filter(|suite| !suite.is_tls13()).collect();
    if old.is_empty() || !offer.offers_older_than_13() {
        // TLS 1.3 alone: every server has AES-GCM, so only an offer without it is suspicious.
        let usual = suites.iter().any(|suite| matches!(suite.0, 0x1301..=0x1303));
        return match suites {
            [only] if usual => (82, format!("it offers {only} and nothing else")),
            _ if !usual => (85, "the offer lacks the suites that every server has".to_owned()),
            _ if suites.len() == 2 => (60, "the offer is a narrow one".to_owned()),
            _ => (
                30,
                "the offer is an ordinary one, so this is one reading of several".to_owned(),
            ),
        };
    }
    if offer.offers_tls13() && suites.iter().any(|suite| suite.is_tls13()) {
        return (
            30,
            "the offer is an ordinary one, so this is one reading of several".to_owned(),
        );
    }
    let all = |wanted: fn(&CipherSuite) -> bool| old.iter().all(wanted);
    if all(|suite| !suite.is_aead() || suite.key_exchange() == KeyExchange::Rsa) {
        return (90, "every suite on offer is an old one, without forward secrecy or authenticated encryption (CBC, RC4, 3DES, RSA key exchange)".to_owned());
    }
    if all(|suite| suite.authentication() == Authentication::Rsa) {
        return (
            82,
            "every suite on offer needs an RSA certificate, and the server seems to have an ECDSA one".to_owned(),
        );
    }
    if all(|suite| suite.authentication() == Authentication::Ecdsa) {
        return (
            82,
            "every suite on offer needs an ECDSA certificate, and the server seems to have an RSA one".to_owned(),
        );
    }
    if old.len() <= 4 {
        return (80, format!("it offers {} only", list(&old, TOLD)));
    }
    (
        35,
        "the offer is an ordinary one, so this is one reading of several".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn refused(build: impl FnOnce(Hello) -> Hello) -> Observed {
        connected().client_hello(build).alert(Server, 2, 40).fin(Server).seen()
    }

    #[test]
    fn an_offer_for_rsa_alone_points_at_the_servers_key() {
        let seen = refused(|hello| hello.versions(&[0x0303]).suites(&[0xc02f, 0xc030]));
        let finding = judged(&NoSharedCipher, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(finding.sentence.contains("RSA certificate"), "{}", finding.sentence);
        assert_eq!((finding.at_fault, chosen(&seen)), (AtFault::Both, "no-shared-cipher"));
    }

    #[test]
    fn an_offer_of_old_suites_points_at_their_age() {
        let seen = refused(|hello| hello.versions(&[0x0303]).suites(&[0x0005, 0x000a, 0x002f]));
        assert_eq!(confidence(&NoSharedCipher, &seen), Some(Confidence::Likely));
    }

    #[test]
    fn an_ordinary_offer_makes_it_one_reading_of_several() {
        assert_eq!(
            confidence(&NoSharedCipher, &refused(|hello| hello)),
            Some(Confidence::Possible)
        );
    }

    #[test]
    fn it_is_certain_where_others_show_what_the_server_takes() {
        let seen = refused(|hello| hello.versions(&[0x0303]).suites(&[0xc02f]));
        let world = context().server_took_suites(&[0xc02b, 0xc02c, 0xcca9]);
        assert_eq!(sure(world.judged(&NoSharedCipher, &seen)), Some(Confidence::Certain));
    }

    #[test]
    fn it_says_nothing_where_the_server_took_such_a_suite_from_others() {
        let seen = refused(|hello| hello.versions(&[0x0303]).suites(&[0xc02f]));
        assert!(
            context()
                .server_took_suites(&[0xc02f])
                .judged(&NoSharedCipher, &seen)
                .is_none()
        );
    }

    #[test]
    fn a_refusal_after_the_servers_hello_is_not_about_suites() {
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .alert(Server, 2, 40)
            .seen();
        assert!(judged(&NoSharedCipher, &seen).is_none());
    }

    #[test]
    fn a_client_that_says_handshake_failure_refuses_something_else() {
        let seen = connected().client_hello(Hello::tls12).alert(Client, 2, 40).seen();
        assert!(judged(&NoSharedCipher, &seen).is_none());
    }
}
