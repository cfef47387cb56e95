//! The server shares no cipher suite with the client, or none that fits its key.

use super::server_key::{prove_key, serves_suite, shown_keys};
use crate::connection::Offer;
use crate::registry::{Authentication, CipherSuite, KeyExchange, ProtocolVersion};
use crate::why::prelude::*;
use crate::x509::Key;

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
        let goodbye = seen.goodbye_to_the_hello();
        let Some(alert) = seen.refusal_of_the_hello().or(goodbye) else {
            return;
        };
        if !matches!(
            alert.description,
            AlertDescription::HANDSHAKE_FAILURE
                | AlertDescription::INSUFFICIENT_SECURITY
                | AlertDescription::CLOSE_NOTIFY
        ) {
            return;
        }
        let Seen::Seen(offer) = &seen.offer else { return };
        let suites: Vec<CipherSuite> = offer.value.real_suites().collect();
        if suites.is_empty() {
            return;
        }
        let accepted = &context.server(seen).cipher_suites;
        let keys = shown_keys(context.server(seen), seen);
        let (weight, why) = reading(&offer.value, &suites, accepted.iter().copied(), &keys);
        // A goodbye may mean anything; it speaks where the offer does.
        let weight = match goodbye {
            Some(_) if weight < 80 => 0,
            Some(_) => weight.min(81),
            None => weight,
        };
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
        for (key, mark) in keys {
            finding = prove_key(finding, key, mark);
        }
        if goodbye.is_some() {
            finding = finding.but_not(
                CauseId("server-closed"),
                "s2n-tls says close_notify for nearly all that it refuses, others do when they are shut down",
            );
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
fn reading(
    offer: &Offer,
    suites: &[CipherSuite],
    accepted: impl Iterator<Item = CipherSuite>,
    keys: &[(&Key, Mark)],
) -> (u8, String) {
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
        if accepted.iter().any(|suite| suites.contains(suite)) {
            return (0, String::new());
        }
        // Whether it knows TLS 1.3 others did not show: those suites go with everything.
        let is_untried = |suite: &CipherSuite| suite.is_tls13() && !accepted.iter().any(|taken| taken.is_tls13());
        let weight = match accepted.len() {
            _ if suites.iter().any(is_untried) => 70,
            3.. => 93,
            _ => 88,
        };
        return (weight, "it took none of these from anybody".to_owned());
    }
    if suites.iter().all(is_national) {
        return (
            90,
            format!("it offers the suites of a national standard alone, {}", named(suites)),
        );
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
    // What the server showed to others: the suites of TLS 1.2 have to fit its key.
    if !keys.is_empty()
        && !old
            .iter()
            .any(|suite| keys.iter().any(|(key, _)| serves_suite(key, *suite)))
    {
        let (kinds, wanted) = (list(keys.iter().map(|(key, _)| key), 3), wanted(&old));
        return (
            91,
            format!("its certificate has a key of the kind {kinds}, and every suite on offer needs {wanted}"),
        );
    }
    let all = |wanted: fn(&CipherSuite) -> bool| old.iter().all(wanted);
    if all(|suite| suite.name().is_some_and(|name| name.contains("_PSK"))) {
        return (
            85,
            format!("every suite on offer needs a shared key (PSK), {}", named(&old)),
        );
    }
    if all(is_rare) {
        return (
            86,
            format!(
                "every suite on offer has a cipher that few servers know, {}",
                named(&old)
            ),
        );
    }
    if all(|suite| !suite.is_aead() || suite.key_exchange() == KeyExchange::Rsa) {
        // Before TLS 1.2 there are no others: then the version is the likelier reason.
        let is_choice = offer
            .best_version()
            .is_some_and(|best| best.rank() >= ProtocolVersion::TLS12.rank());
        return (
            if is_choice { 90 } else { 78 },
            format!(
                "every suite on offer is an old one, without forward secrecy or authenticated encryption (CBC, RC4, 3DES, RSA key exchange): {}",
                named(&old)
            ),
        );
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

/// Suites of one country's standard: SM4 (RFC 8998, GB/T 38636) and GOST (RFC 9189, RFC 9367).
fn is_national(suite: &CipherSuite) -> bool {
    matches!(suite.0, 0x00c6 | 0x00c7 | 0xe000..=0xe0ff | 0x0080..=0x0083 | 0xc100..=0xc106)
}

/// Suites whose cipher no server has on by default: Camellia, ARIA, SEED, IDEA; CCM but for small devices.
fn is_rare(suite: &CipherSuite) -> bool {
    let rare = ["_CAMELLIA_", "_ARIA_", "_SEED_", "_IDEA_", "_CCM"];
    suite
        .name()
        .is_some_and(|name| rare.iter().any(|cipher| name.contains(cipher)))
}

/// What certificate a list of suites asks for.
fn wanted(suites: &[CipherSuite]) -> &'static str {
    let all = |kind| suites.iter().all(|suite| suite.authentication() == kind);
    if all(Authentication::Rsa) {
        "an RSA one"
    } else if all(Authentication::Ecdsa) {
        "an ECDSA one"
    } else {
        "another kind"
    }
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
    fn it_is_likelier_where_others_show_what_the_server_takes() {
        let seen = refused(|hello| hello.versions(&[0x0303]).suites(&[0xc02f]));
        let world = context().server_took_suites(&[0xc02b, 0xc02c, 0xcca9]);
        // What it takes from others is not all that it takes: that stands in no packet.
        assert_eq!(world.judged(&NoSharedCipher, &seen).unwrap().weight, 93);
    }

    #[test]
    fn what_was_taken_in_older_versions_says_little_of_tls_1_3() {
        let seen = refused(|hello| hello.suites(&[0x1301, 0xc02f]));
        let world = context().server_took_suites(&[0xc02b, 0xc02c, 0xcca9]);
        assert_eq!(world.judged(&NoSharedCipher, &seen).unwrap().weight, 70);
    }

    #[test]
    fn before_tls_1_2_the_version_is_the_likelier_reason() {
        let seen = refused(|hello| hello.versions(&[0x0301]).suites(&[0xc014, 0x002f]));
        assert_eq!(chosen(&seen), "version-mismatch");
    }

    #[test]
    fn the_key_that_others_were_shown_decides() {
        let chain = Issued::to("shop.example");
        let seen = refused(|hello| {
            hello
                .versions(&[0x0303])
                .suites(&[0xc02f, 0xc030, 0x009c, 0x009d, 0xcca8])
        });
        let other = |versions: &[u16], suite| {
            connected()
                .client_hello(|hello| hello.versions(versions))
                .server_hello(0x0301, suite)
                .certificate(Server, &chain.whole())
                .closed()
        };
        // TLS 1.0 with a suite that was not on offer here; keys of the tests are P-256.
        let world = context().beside_at_the_server(&[other(&[0x0301], 0x1301)]);
        let finding = world.judged(&NoSharedCipher, &seen).unwrap();
        assert!(finding.sentence.contains("EC P-256"), "{}", finding.sentence);
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(finding.evidence.iter().any(|evidence| evidence.elsewhere));
    }

    #[test]
    fn suites_that_few_servers_have_are_likely_the_reason() {
        for suites in [&[0xc086, 0xc087][..], &[0x00a8, 0x00ac], &[0xe011, 0xe013], &[0x00c6]] {
            let seen = refused(|hello| hello.versions(&[0x0303]).suites(suites));
            assert_eq!(
                confidence(&NoSharedCipher, &seen),
                Some(Confidence::Likely),
                "{suites:x?}"
            );
        }
    }

    #[test]
    fn a_goodbye_in_answer_to_a_narrow_offer_is_a_refusal() {
        let goodbye = |suites: &[u16]| {
            connected()
                .client_hello(|hello| hello.versions(&[0x0303]).suites(suites))
                .alert(Server, 1, 0)
                .fin(Server)
                .seen()
        };
        let seen = goodbye(&[0x0041, 0x0084]);
        let finding = judged(&NoSharedCipher, &seen).unwrap();
        assert!(finding.sentence.contains("CAMELLIA"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "no-shared-cipher");
        let ordinary = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8];
        assert!(judged(&NoSharedCipher, &goodbye(&ordinary)).is_none());
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
