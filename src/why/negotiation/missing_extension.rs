//! A side insists on an extension that the other one does not send.

use super::habits::{INSISTS_ON_RENEGOTIATION_INFO, MAY_INSIST_ON_MASTER_SECRET, left_out_master_secret};
use crate::connection::{Answer, Offer};
use crate::registry::{CipherSuite, ExtensionType, HandshakeType};
use crate::why::prelude::*;

/// missing_extension, or a refusal of a hello that lacks what it has to have.
pub(crate) struct MissingExtension;

/// What is missing, how sure that is the reason, and why it is asked for.
struct Missing {
    extensions: Vec<ExtensionType>,
    weight: u8,
    rule: &'static str,
}

impl Missing {
    fn of(extension: ExtensionType, weight: u8, rule: &'static str) -> Self {
        Self {
            extensions: vec![extension],
            weight,
            rule,
        }
    }
}

const MASTER_SECRET_RULE: &str =
    "without it sessions of TLS 1.2 can be mixed up (RFC 7627), so strict peers and FIPS builds insist on it";
const RENEGOTIATION_RULE: &str = "without it a renegotiation can be hijacked (RFC 5746), so strict peers insist on it";

impl Cause for MissingExtension {
    fn id(&self) -> CauseId {
        CauseId("missing-extension")
    }

    fn page(&self) -> &'static str {
        include_str!("missing_extension.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[CauseId("client-abandoned"), CauseId("server-certificate-rejected")]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Seen::Seen(offer), Some(alert)) = (&seen.offer, seen.fatal_alert()) else {
            return;
        };
        let description = alert.description;
        let (sentence, missing, party) = if seen.refusal_of_the_hello().is_some() {
            let Some(missing) = in_the_hello(seen, &offer.value, description, context) else {
                return;
            };
            let what = named(&missing.extensions);
            let sentence = format!(
                "{} misses {what} in the ClientHello: {description}.",
                server_called(seen)
            );
            (sentence, missing, AtFault::Client)
        } else if let Seen::Seen(answer) = &seen.answer
            && seen.end().by == Some(Side::Client)
            && seen.message(Side::Client, HandshakeType::CLIENT_KEY_EXCHANGE).is_none()
        {
            let Some(missing) = in_the_answer(&offer.value, &answer.value, description) else {
                return;
            };
            let what = named(&missing.extensions);
            let sentence = format!(
                "The client misses {what} in what {} answers: {description}.",
                server_called(seen)
            );
            (sentence, missing, AtFault::Server)
        } else {
            return;
        };
        let what = named(&missing.extensions);
        let mut finding = Finding::new(self, missing.weight, sentence).at_fault(party);
        finding = match (&seen.answer, party) {
            (Seen::Seen(answer), AtFault::Server) => {
                finding.prove_span(&answer.span, format!("ServerHello without {what}"))
            }
            _ => finding.prove_span(
                &offer.span,
                format!("ClientHello offers {} without {what}", list(&offer.value.versions, 4)),
            ),
        };
        finding = finding.prove_span(&alert.span, told(alert)).infer(missing.rule);
        findings.push(remedies(finding, seen, &missing.extensions, party));
    }
}

fn named(extensions: &[ExtensionType]) -> String {
    if extensions.is_empty() {
        "an extension that it does not name".to_owned()
    } else {
        list(extensions, 4)
    }
}

/// What a server may miss in a hello that it refused.
fn in_the_hello(
    seen: &Observed,
    offer: &Offer,
    description: AlertDescription,
    context: &Context<'_>,
) -> Option<Missing> {
    let required = required(seen, offer);
    if description == AlertDescription::MISSING_EXTENSION {
        // Servers may ask for a name so (RFC 9846 §9.2): that is sni-missing.
        if required.is_empty() && offer.server_name.is_none() {
            return None;
        }
        let weight = if required.is_empty() { 80 } else { 96 };
        return Some(Missing {
            extensions: required,
            weight,
            rule: "TLS 1.3 wants it in every such hello (RFC 9846 §9.2)",
        });
    }
    let is_vague = matches!(
        description,
        AlertDescription::HANDSHAKE_FAILURE | AlertDescription::INSUFFICIENT_SECURITY
    );
    if !required.is_empty() && (is_vague || description == AlertDescription::ILLEGAL_PARAMETER) {
        // With an older version beside it a server may do without.
        let weight = if offer.offers_older_than_13() { 66 } else { 88 };
        return Some(Missing {
            extensions: required,
            weight,
            rule: "TLS 1.3 wants it in every such hello (RFC 9846 §9.2); Go and rustls refuse it with handshake_failure",
        });
    }
    if !is_vague || offer.offers_tls13() || offer.sslv2 {
        return None;
    }
    let history = context.server(seen);
    let has_modern_suite = offer.real_suites().any(CipherSuite::is_aead);
    if !offer.has(ExtensionType::EXTENDED_MASTER_SECRET) && !history.without_master_secret && has_modern_suite {
        let weight = if description == AlertDescription::INSUFFICIENT_SECURITY {
            84
        } else if left_out_master_secret(offer) {
            60
        } else {
            33
        };
        return Some(Missing::of(
            ExtensionType::EXTENDED_MASTER_SECRET,
            weight,
            MASTER_SECRET_RULE,
        ));
    }
    if !offer.knows_secure_renegotiation()
        && !history.without_renegotiation_info
        && description == AlertDescription::HANDSHAKE_FAILURE
    {
        return Some(Missing::of(ExtensionType::RENEGOTIATION_INFO, 55, RENEGOTIATION_RULE));
    }
    None
}

/// What TLS 1.3 wants in a hello and this one does not have (RFC 9846 §9.2, §4.2.4).
fn required(seen: &Observed, offer: &Offer) -> Vec<ExtensionType> {
    let (has, psk) = (|kind| offer.has(kind), offer.has(ExtensionType::PRE_SHARED_KEY));
    let mut missing = Vec::new();
    if !offer.offers_tls13() {
        return missing;
    }
    if !psk && !has(ExtensionType::SIGNATURE_ALGORITHMS) {
        missing.push(ExtensionType::SIGNATURE_ALGORITHMS);
    }
    if !has(ExtensionType::SUPPORTED_GROUPS) && (!psk || has(ExtensionType::KEY_SHARE)) {
        missing.push(ExtensionType::SUPPORTED_GROUPS);
    }
    if !has(ExtensionType::KEY_SHARE) && (!psk || has(ExtensionType::SUPPORTED_GROUPS)) {
        missing.push(ExtensionType::KEY_SHARE);
    }
    if psk && !has(ExtensionType::PSK_KEY_EXCHANGE_MODES) {
        missing.push(ExtensionType::PSK_KEY_EXCHANGE_MODES);
    }
    if let (Some(retry), Some(second)) = (&seen.retry, &seen.second_offer)
        && retry.value.has(ExtensionType::COOKIE)
        && !second.value.has(ExtensionType::COOKIE)
    {
        missing.push(ExtensionType::COOKIE);
    }
    missing
}

/// What a client may miss in the server's answer.
fn in_the_answer(offer: &Offer, answer: &Answer, description: AlertDescription) -> Option<Missing> {
    if description == AlertDescription::MISSING_EXTENSION {
        let has_key = answer.has(ExtensionType::KEY_SHARE) || answer.psk;
        let extensions = if answer.version.is_tls13() && !has_key {
            vec![ExtensionType::KEY_SHARE]
        } else {
            Vec::new()
        };
        let weight = if extensions.is_empty() { 80 } else { 96 };
        return Some(Missing {
            extensions,
            weight,
            rule: "TLS 1.3 wants it in the answer (RFC 9846 §4.2.3)",
        });
    }
    if answer.version.is_tls13() || description != AlertDescription::HANDSHAKE_FAILURE {
        return None;
    }
    let missing = |kind| !answer.has(kind);
    if offer.knows_secure_renegotiation() && missing(ExtensionType::RENEGOTIATION_INFO) {
        let weight = if INSISTS_ON_RENEGOTIATION_INFO.contains(&offer.stack) {
            92
        } else {
            62
        };
        return Some(Missing::of(
            ExtensionType::RENEGOTIATION_INFO,
            weight,
            RENEGOTIATION_RULE,
        ));
    }
    if offer.has(ExtensionType::EXTENDED_MASTER_SECRET) && missing(ExtensionType::EXTENDED_MASTER_SECRET) {
        let weight = if MAY_INSIST_ON_MASTER_SECRET.contains(&offer.stack) {
            81
        } else {
            56
        };
        return Some(Missing::of(
            ExtensionType::EXTENDED_MASTER_SECRET,
            weight,
            MASTER_SECRET_RULE,
        ));
    }
    None
}

fn remedies(finding: Finding, seen: &Observed, missing: &[ExtensionType], party: AtFault) -> Finding {
    let finding = if missing.contains(&ExtensionType::RENEGOTIATION_INFO) {
        finding.remedy(
            party,
            "update this side's TLS library: every one since 2010 knows secure renegotiation",
            None,
        )
    } else if missing.contains(&ExtensionType::EXTENDED_MASTER_SECRET) {
        finding.remedy(
            party,
            "update this side's TLS library, and take out what switches the extension off (Java: jdk.tls.useExtendedMasterSecret=false); \
             or use TLS 1.3, which does not need it",
            None,
        )
    } else {
        finding.remedy(
            party,
            "update the library that makes this hello, or the device on the path that takes extensions out of it",
            None,
        )
    };
    finding.remedy(
        AtFault::Both,
        "the same handshake by another client, with every extension shown",
        Some(s_client(seen, "-tlsextdebug")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    /// TLS 1.2, with the signal of RFC 5746 and what more is asked for.
    fn tls12(hello: Hello, more: &[u16]) -> Hello {
        let hello = hello
            .versions(&[0x0303])
            .suites(&[0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0x00ff]);
        more.iter().fold(hello, |hello, kind| hello.extension(*kind, &[]))
    }

    #[test]
    fn the_alert_of_its_name_is_held_against_what_tls_1_3_wants() {
        let seen = refused(|hello| hello.schemes(&[]), 109);
        let finding = judged(&MissingExtension, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (96, AtFault::Client));
        assert!(
            finding.sentence.contains("signature_algorithms"),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "missing-extension");
        // A complete hello with a name: what the server wants is not known.
        let weight = judged(&MissingExtension, &refused(|hello| hello, 109)).unwrap().weight;
        assert_eq!(Confidence::of_weight(weight), Some(Confidence::Likely));
    }

    #[test]
    fn go_and_rustls_have_a_vaguer_word_for_it() {
        let seen = refused(|hello| hello.versions(&[0x0304]).groups(&[]), 40);
        let finding = judged(&MissingExtension, &seen).unwrap();
        assert!(finding.sentence.contains("supported_groups"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "missing-extension");
        assert!(judged(&MissingExtension, &refused(|hello| hello, 40)).is_none());
    }

    #[test]
    fn a_server_may_insist_on_the_extended_master_secret() {
        let seen = refused(|hello| tls12(hello, &[]), 71);
        let finding = judged(&MissingExtension, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding.sentence.contains("extended_master_secret"),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "missing-extension");
        // It is there; or others did without.
        assert!(judged(&MissingExtension, &refused(|hello| tls12(hello, &[23]), 71)).is_none());
        let other = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[b"leaf"])
            .finished_by_both()
            .closed();
        let world = context().beside_at_the_server(&[other]);
        assert!(world.judged(&MissingExtension, &seen).is_none());
    }

    #[test]
    fn what_was_taken_out_is_likelier_missed_than_what_was_never_known() {
        let weight = |more: &[u16]| {
            judged(&MissingExtension, &refused(|hello| tls12(hello, more), 40))
                .unwrap()
                .weight
        };
        assert!(weight(&[22]) > weight(&[]));
    }

    #[test]
    fn a_server_may_insist_on_secure_renegotiation() {
        let without = |hello: Hello| hello.tls12().extension(23, &[]);
        assert_eq!(judged(&MissingExtension, &refused(without, 40)).unwrap().weight, 55);
        assert!(
            judged(
                &MissingExtension,
                &refused(|hello| without(hello).extension(0xff01, &[0]), 40)
            )
            .is_none()
        );
    }

    #[test]
    fn a_client_insists_on_secure_renegotiation() {
        let answered = |with: &[u16]| {
            connected()
                .client_hello(|hello| tls12(hello, &[23]))
                .server_hello_with(0x0303, 0xc02f, |hello| hello.extensions(with))
                .certificate(Server, &[b"leaf"])
                .server_hello_done()
                .alert(Client, 2, 40)
                .fin(Client)
                .seen()
        };
        let seen = answered(&[]);
        let finding = judged(&MissingExtension, &seen).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (92, AtFault::Server));
        assert!(finding.sentence.contains("renegotiation_info"), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "missing-extension");
        let finding = judged(&MissingExtension, &answered(&[0xff01])).unwrap();
        assert!(
            finding.sentence.contains("extended_master_secret"),
            "{}",
            finding.sentence
        );
        assert!(judged(&MissingExtension, &answered(&[0xff01, 23])).is_none());
    }

    #[test]
    fn a_client_that_calls_the_servers_leaving_a_failure_misses_no_extension() {
        let seen = connected()
            .client_hello(|hello| tls12(hello, &[23]))
            .server_hello(0x0303, 0xc02f)
            .fin(Server)
            .alert(Client, 2, 40)
            .seen();
        assert!(judged(&MissingExtension, &seen).is_none());
        assert_eq!(chosen(&seen), "server-closed");
    }
}
