//! One side cannot sign in a way that the other one takes.

use super::server_key::{prove_key, shown_keys, signs_with};
use crate::connection::{Offer, RecordSeen};
use crate::registry::{ProtocolVersion, SignatureScheme};
use crate::why::prelude::*;
use crate::x509::Key;

/// Schemes that are told by name.
const TOLD: usize = 6;

/// Signature schemes that do not meet: by the server's refusal, by what it signed with, or by what the client did.
pub(crate) struct NoSharedSignatureAlgorithm;

impl Cause for NoSharedSignatureAlgorithm {
    fn id(&self) -> CauseId {
        CauseId("no-shared-signature-algorithm")
    }

    fn page(&self) -> &'static str {
        include_str!("no_shared_signature_algorithm.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("server-certificate-rejected"),
            CauseId("client-certificate-rejected"),
        ]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Seen::Seen(offer) = &seen.offer else { return };
        if seen.completed() {
            return;
        }
        let schemes = &offer.value.signature_schemes;
        let offered = || format!("ClientHello: signature_algorithms {}", list(schemes, TOLD));
        let (finding, alert) = if let Some(alert) = seen.refusal_of_the_hello() {
            let Some((weight, why)) = of_the_hello(seen, &offer.value, alert.description, context) else {
                return;
            };
            let sentence = format!("{} cannot sign as the client wants it: {why}.", server_called(seen));
            let mut finding = Finding::new(self, weight, sentence).prove_span(&offer.span, offered());
            for (key, mark) in shown_keys(context.server(seen), seen) {
                finding = prove_key(finding, key, mark);
            }
            (finding, Some(*alert))
        } else if let Some(signed) = signed_in_vain(seen, &offer.value) {
            let sentence = format!(
                "{} signs its key exchange with {signed}, which the client does not offer.",
                server_called(seen)
            );
            let finding = Finding::new(self, 92, sentence).prove_span(&offer.span, offered());
            (finding, seen.fatal_alert().copied())
        } else if let Some((signed, taken)) = signed_by_the_client(seen) {
            let sentence = format!(
                "The client signs with {signed}, and {} takes {} alone.",
                server_called(seen),
                list(taken, TOLD)
            );
            (Finding::new(self, 86, sentence), seen.fatal_alert().copied())
        } else if let Some(broken_off) = broken_off(seen) {
            let weight = match (lacks_common(&offer.value).is_some(), offer.value.alpn.is_empty()) {
                (true, true) => 74,
                (true, false) => 55,
                (false, _) => 45,
            };
            let sentence = format!(
                "{} chose version, suite and group, and gave up before it showed a certificate: what it had left to choose was a certificate \
                 and a signature that the client takes, which are {}.",
                server_called(seen),
                list(schemes, TOLD)
            );
            let finding = Finding::new(self, weight, sentence)
                .prove_span(&offer.span, offered())
                .prove(
                    broken_off.mark,
                    "a record of an alert's size, and no certificate before it",
                )
                .but_not(
                    CauseId("internal-error"),
                    "a certificate or key that cannot be loaded ends a handshake there too",
                );
            (finding, None)
        } else {
            return;
        };
        let finding = match alert {
            Some(alert) => finding.prove_span(&alert.span, told(&alert)),
            None => finding,
        };
        findings.push(
            finding
                .at_fault(AtFault::Both)
                .remedy(
                    AtFault::Server,
                    "use a certificate with a key that every client knows, RSA 2048 or ECDSA P-256, or add one beside the present one",
                    None,
                )
                .remedy(
                    AtFault::Client,
                    "offer the usual schemes; what the server takes",
                    Some(s_client(seen, "-sigalgs ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256")),
                ),
        );
    }
}

/// How much the offer says where the server refused it, and in which words.
fn of_the_hello(
    seen: &Observed,
    offer: &Offer,
    description: AlertDescription,
    context: &Context<'_>,
) -> Option<(u8, String)> {
    if !matches!(
        description,
        AlertDescription::HANDSHAKE_FAILURE | AlertDescription::INSUFFICIENT_SECURITY
    ) {
        return None;
    }
    let schemes = &offer.signature_schemes;
    let only_tls13 = !offer.offers_older_than_13();
    if schemes.is_empty() {
        // Without the extension a client of TLS 1.2 takes SHA-1 alone (RFC 5246 §7.4.1.4.1); older versions have no choice.
        let is_tls12 = offer.best_version() == Some(ProtocolVersion::TLS12) && !offer.sslv2;
        return is_tls12.then(|| {
            (
                50,
                "the hello has no signature_algorithms, which means SHA-1 alone, and servers no longer sign so"
                    .to_owned(),
            )
        });
    }
    let keys = shown_keys(context.server(seen), seen);
    if !keys.is_empty() {
        let signs = |(key, _): &(&Key, Mark)| schemes.iter().any(|scheme| signs_with(key, *scheme, only_tls13));
        return (!keys.iter().any(signs)).then(|| {
            let kinds = list(keys.iter().map(|(key, _)| key), 3);
            (
                88,
                format!(
                    "its certificate has a key of the kind {kinds}, and the client takes {}",
                    list(schemes, TOLD)
                ),
            )
        });
    }
    if let Some(narrow) = narrow(schemes, only_tls13) {
        return Some((
            narrow.0,
            format!("the client takes {} of {} alone", list(schemes, TOLD), narrow.1),
        ));
    }
    let lacks = lacks_common(offer)?;
    // Where a private authority has such a key, its servers are likely to have one too.
    let in_use = context.is_given_a_root(|key| matches!(key, Key::Ed25519));
    let weight = if in_use { 72 } else { 50 };
    (offer.offers_tls13() && offer.groups.len() >= 3).then(|| {
        let and = if in_use {
            ", and an authority that was given with --ca-file has such a key"
        } else {
            ""
        };
        (
            weight,
            format!("of all that up-to-date clients take, this one lacks {lacks}{and}"),
        )
    })
}

/// A list that serves one kind of key alone, and which.
fn narrow(schemes: &[SignatureScheme], only_tls13: bool) -> Option<(u8, &'static str)> {
    let any = |key: &Key| schemes.iter().any(|scheme| signs_with(key, *scheme, only_tls13));
    let rsa = any(&Key::Rsa {
        bits: 2048,
        pss_only: false,
    });
    let ec = any(&Key::Ec(crate::x509::Curve::P256));
    let is_sha1 = |scheme: &SignatureScheme| matches!(scheme.0 >> 8, 1 | 2);
    if schemes.iter().all(is_sha1) {
        return Some((75, "which all use SHA-1 or MD5"));
    }
    match (rsa, ec) {
        (true, true) => schemes
            .iter()
            .all(|scheme| is_sha1(scheme) || scheme.0 >> 8 == 3)
            .then_some((60, "which all use short hashes")),
        (true, false) if schemes.iter().all(|scheme| matches!(scheme.0, 0x0804..=0x080b)) => Some((66, "RSA-PSS")),
        (true, false) => Some((65, "RSA keys")),
        (false, true) => Some((65, "ECDSA keys")),
        (false, false) => Some((70, "rare keys")),
    }
}

/// What a hello lacks that most up-to-date ones have.
fn lacks_common(offer: &Offer) -> Option<&'static str> {
    let has = |code| offer.signature_schemes.contains(&SignatureScheme(code));
    if narrow(&offer.signature_schemes, !offer.offers_older_than_13()).is_some() {
        Some("more than one kind of key")
    } else if !has(0x0807) {
        Some("ed25519")
    } else {
        None
    }
}

/// The server's encrypted alert right behind its ServerHello, where that ended the handshake.
fn broken_off(seen: &Observed) -> Option<RecordSeen> {
    match seen.end().act {
        Act::HiddenAlert(record) => seen.sealed()?.broken_off.filter(|alert| *alert == record),
        _ => None,
    }
}

/// With what the server signed its key exchange although the client, who broke off, had not offered it.
fn signed_in_vain(seen: &Observed, offer: &Offer) -> Option<SignatureScheme> {
    let end = seen.end();
    let by_client = end.by == Some(Side::Client) && matches!(end.act, Act::Alert(_));
    let signed = seen.key_exchange.as_ref()?.value.scheme?;
    (by_client && !offer.signature_schemes.is_empty() && !offer.signature_schemes.contains(&signed)).then_some(signed)
}

/// With what the client signed although the server, who refused it, had not asked for it; and what it had asked for.
fn signed_by_the_client(seen: &Observed) -> Option<(SignatureScheme, &[SignatureScheme])> {
    let by_server = seen.fatal_alert()?.span.from() == Side::Server;
    let signed = seen.certificate_verify?.scheme?;
    let taken = &seen.certificate_request.as_ref().seen()?.value.schemes;
    (by_server && !taken.is_empty() && !taken.contains(&signed)).then_some((signed, taken))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;
    use crate::x509::testing::{SIGNATURES_PEM, block};

    fn refused(build: impl FnOnce(Hello) -> Hello) -> Observed {
        connected().client_hello(build).alert(Server, 2, 40).fin(Server).seen()
    }

    /// An up-to-date list, with Ed25519 and without.
    const FULL: [u16; 7] = [0x0403, 0x0503, 0x0807, 0x0804, 0x0805, 0x0401, 0x0501];
    const WITHOUT_ED25519: [u16; 6] = [0x0403, 0x0503, 0x0804, 0x0805, 0x0401, 0x0501];

    #[test]
    fn a_list_for_one_kind_of_key_is_the_likeliest_reading_of_an_ordinary_hello() {
        let seen = refused(|hello| hello.versions(&[0x0304]).schemes(&[0x0403, 0x0503]));
        let finding = judged(&NoSharedSignatureAlgorithm, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert!(
            finding.sentence.contains("ecdsa_secp256r1_sha256"),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "no-shared-signature-algorithm");
        // PKCS #1 signs no handshake of TLS 1.3: with ECDSA beside it that is a list for ECDSA alone.
        let seen = refused(|hello| hello.versions(&[0x0304]).schemes(&[0x0403, 0x0401]));
        assert_eq!(chosen(&seen), "no-shared-signature-algorithm");
    }

    #[test]
    fn a_list_for_both_kinds_of_keys_says_little() {
        let seen = refused(|hello| hello.schemes(&FULL));
        assert!(judged(&NoSharedSignatureAlgorithm, &seen).is_none());
        let seen = refused(|hello| hello.schemes(&WITHOUT_ED25519));
        assert_eq!(judged(&NoSharedSignatureAlgorithm, &seen).unwrap().weight, 50);
    }

    #[test]
    fn an_authority_with_such_a_key_makes_it_likelier() {
        let seen = refused(|hello| hello.schemes(&WITHOUT_ED25519));
        let weight = |world: World| world.judged(&NoSharedSignatureAlgorithm, &seen).unwrap().weight;
        let ed25519 = block(SIGNATURES_PEM, "ed25519");
        assert_eq!(weight(context().trusting_certificate(&ed25519)), 72);
        assert_eq!(weight(context().trusting(&Authority::root("P-256"))), 50);
    }

    #[test]
    fn the_servers_key_decides_where_others_saw_it() {
        let chain = Issued::to("shop.example");
        let other = connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .finished_by_both()
            .closed();
        let world = |other: crate::connection::Closed| context().beside_at_the_server(&[other]);
        // Keys of the tests are P-256.
        let seen = refused(|hello| hello.schemes(&[0x0804, 0x0401]));
        let finding = world(other).judged(&NoSharedSignatureAlgorithm, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(finding.sentence.contains("EC P-256"), "{}", finding.sentence);
        let other = connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .finished_by_both()
            .closed();
        let seen = refused(|hello| hello.schemes(&[0x0403]));
        assert!(world(other).judged(&NoSharedSignatureAlgorithm, &seen).is_none());
    }

    #[test]
    fn a_client_refuses_a_signature_that_it_did_not_offer() {
        // The scene's ServerKeyExchange is signed with ecdsa_secp256r1_sha256.
        let flight = |schemes: &[u16]| {
            connected()
                .client_hello(|hello| hello.tls12().schemes(schemes))
                .server_flight(&[b"leaf"])
                .alert(Client, 2, 47)
                .fin(Client)
                .seen()
        };
        let finding = judged(&NoSharedSignatureAlgorithm, &flight(&[0x0804])).unwrap();
        assert!(
            finding.sentence.contains("ecdsa_secp256r1_sha256"),
            "{}",
            finding.sentence
        );
        assert!(judged(&NoSharedSignatureAlgorithm, &flight(&[0x0804, 0x0403])).is_none());
    }

    #[test]
    fn a_server_that_gives_up_behind_its_hello_had_its_certificate_left_to_choose() {
        let seen = |schemes: &[u16], flight: &[usize]| {
            connected()
                .client_hello(|hello| hello.schemes(schemes))
                .server_hello(0x0304, 0x1301)
                .sealed(Server, flight)
                .fin(Client)
                .seen()
        };
        assert_eq!(chosen(&seen(&WITHOUT_ED25519, &[19])), "no-shared-signature-algorithm");
        assert_eq!(chosen(&seen(&FULL, &[19])), "server-closed");
        // JSSE: EncryptedExtensions and an alert, both padded; a record of that size alone is no alert.
        let by_jsse = context().verdict(&seen(&[0x0403, 0x0503], &[65, 35]));
        assert_eq!(
            (name_of(&by_jsse), by_jsse.aborted_by),
            ("no-shared-signature-algorithm", AbortedBy::Server)
        );
        assert_eq!(chosen(&seen(&[0x0403, 0x0503], &[35])), "client-abandoned");
    }

    #[test]
    fn a_hello_of_tls_1_2_without_the_extension_wants_sha1() {
        assert_eq!(
            judged(
                &NoSharedSignatureAlgorithm,
                &refused(|hello| hello.tls12().schemes(&[]))
            )
            .map(|finding| finding.weight),
            Some(50)
        );
        let older = refused(|hello| hello.versions(&[0x0302]).suites(&[0xc014]).schemes(&[]));
        assert!(judged(&NoSharedSignatureAlgorithm, &older).is_none());
    }
}
