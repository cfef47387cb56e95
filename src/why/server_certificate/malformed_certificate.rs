//! A certificate cannot be read, or does not keep to the rules for certificates.

use super::{Case, called, case, is_altered, refused, sent, show_chain};
use crate::tls::ClientStack;
use crate::why::prelude::*;
use crate::x509::{Certificate, ChainShape, Misfit};

/// Its bytes do not parse, were altered, or say what RFC 5280 forbids.
pub(crate) struct MalformedCertificate;

/// What is wrong with one certificate.
struct Fault {
    weight: u8,
    sentence: String,
    shown: String,
    /// Other causes that look alike.
    instead: Option<(&'static str, &'static str)>,
}

impl Cause for MalformedCertificate {
    fn id(&self) -> CauseId {
        CauseId("malformed-certificate")
    }

    fn page(&self) -> &'static str {
        include_str!("malformed_certificate.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("server-certificate-rejected"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
            CauseId("internal-error"),
            CauseId("decode-error"),
        ]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        let fault = unreadable(seen, &case)
            .or_else(|| altered(seen, &case))
            .or_else(|| against_the_rules(seen, &case));
        let Some(fault) = fault else { return };
        let finding = refused(self, fault.weight, seen, &case.rejection, fault.sentence, fault.shown);
        let finding = match fault.instead {
            Some((other, why_not)) => finding.but_not(CauseId(other), why_not),
            None => finding,
        };
        findings.push(
            finding
                .remedy(
                    AtFault::Server,
                    "compare what is sent with the file that the authority delivered, and have it issued again if they are the same",
                    Some(format!("{} </dev/null | openssl x509 -noout -text", show_chain(seen))),
                )
                .remedy(
                    AtFault::Server,
                    "see where a file stops being DER",
                    Some("openssl x509 -in server.pem -outform der | openssl asn1parse -inform der -i".to_owned()),
                ),
        );
    }
}

/// The first certificate of the list that cannot be parsed.
fn unreadable(seen: &Observed, case: &Case<'_>) -> Option<Fault> {
    let (place, fault) = case.chain.unparsed.first()?;
    let len = seen.shown_server_chain()?.get(*place)?.der().len();
    Some(Fault {
        weight: 97,
        sentence: format!(
            "Certificate {} of {} cannot be parsed: at byte {} of {len}, {}. The client refused it.",
            place + 1,
            server_called(seen),
            fault.at,
            fault.what
        ),
        shown: format!("Certificate {}, {len} bytes: {fault}", place + 1),
        instead: None,
    })
}

/// The issuer has the name and the key id that the certificate names, and yet the signature is not its.
fn altered(seen: &Observed, case: &Case<'_>) -> Option<Fault> {
    let gap = case.chain.gap.as_ref()?;
    let of_the_name = match &case.chain.shape {
        ChainShape::BrokenAt {
            index,
            misfit: Misfit::WrongKey,
        } => sent(seen, *index),
        _ => gap.namesake.as_deref(),
    };
    let issuer = of_the_name.filter(|issuer| is_altered(&gap.below, issuer))?;
    let (name, issuer) = (gap.below.display_name(), issuer.display_name());
    Some(Fault {
        weight: 95,
        sentence: format!(
            "The signature of the certificate \"{name}\" of {} does not verify with the key of \"{issuer}\", though both name the same key: \
             its bytes are not those that were signed. The client refused it.",
            server_called(seen)
        ),
        shown: format!(
            "Certificate \"{name}\": names the key id of \"{issuer}\", whose key did not make this signature"
        ),
        instead: Some((
            "wrong-intermediate",
            "an authority that gave the same key id to two keys would look the same",
        )),
    })
}

/// What can be read, and is forbidden.
fn against_the_rules(seen: &Observed, case: &Case<'_>) -> Option<Fault> {
    let stack = seen
        .offer
        .as_ref()
        .seen()
        .map_or(ClientStack::Unknown, |offer| offer.value.stack);
    let links = case.chain.path.iter().enumerate();
    // Of the root only the name and the key count.
    let certificates = links
        .map(|(depth, link)| (depth, &*link.certificate))
        .filter(|(depth, certificate)| *depth == 0 || !certificate.is_self_issued());
    let mut faults: Vec<Fault> = certificates
        .filter_map(|(depth, certificate)| {
            let (weight, what, rule) = broken_rule(depth, certificate, stack, case.rejection.sign)?;
            Some(Fault {
                weight,
                sentence: format!(
                    "{} of {} {what}, and the client refused it.",
                    called(depth, certificate),
                    server_called(seen)
                ),
                shown: format!(
                    "Certificate {}: \"{}\" {what} ({rule})",
                    depth + 1,
                    certificate.display_name()
                ),
                instead: None,
            })
        })
        .collect();
    faults.sort_by_key(|fault| std::cmp::Reverse(fault.weight));
    faults.into_iter().next()
}

/// The gravest rule that a certificate breaks: a weight, what it does, and where that is forbidden.
fn broken_rule(
    depth: usize,
    certificate: &Certificate,
    stack: ClientStack,
    sign: Sign,
) -> Option<(u8, String, &'static str)> {
    let said = &certificate.extensions;
    if let Some(oid) = said.unknown_critical.first() {
        return Some((
            93,
            format!("has a critical extension that is not known, {oid}"),
            "RFC 5280 §4.2",
        ));
    }
    if let Some(oid) = said.repeated.first() {
        return Some((90, format!("has the extension {oid} twice"), "RFC 5280 §4.2"));
    }
    if let Some(oid) = said.unreadable.first() {
        return Some((
            88,
            format!("has an extension that cannot be read, {oid}"),
            "RFC 5280 §4.2",
        ));
    }
    if certificate.serial.starts_with('-') {
        // Go has refused it since 1.23; others have seen worse.
        let weight = if stack == ClientStack::Go { 93 } else { 45 };
        return Some((
            weight,
            format!("has a negative serial number, {}", certificate.serial),
            "RFC 5280 §4.1.2.2",
        ));
    }
    if certificate.version == 1 {
        let weight = if stack == ClientStack::Rustls { 93 } else { 60 };
        let what = "is an X.509 certificate of version 1, which has no extensions and so no names".to_owned();
        return Some((weight, what, "RFC 5280 §4.1.2.1"));
    }
    // Python 3.13 and whoever else sets X509_V_FLAG_X509_STRICT; OpenSSL has no better alert for it.
    let is_strict = stack == ClientStack::OpenSsl && sign == Sign::Alert(AlertDescription::CERTIFICATE_UNKNOWN);
    if is_strict && said.authority_key_id.is_none() && !certificate.is_self_issued() {
        let what = "does not say by which key it is signed (no authorityKeyIdentifier), which strict clients ask for"
            .to_owned();
        return Some((90, what, "RFC 5280 §4.2.1.1"));
    }
    if is_strict && depth > 0 && (said.subject_key_id.is_none() || said.key_usage.is_none()) {
        let missing = if said.subject_key_id.is_none() {
            "subjectKeyIdentifier"
        } else {
            "keyUsage"
        };
        return Some((
            88,
            format!("is an authority's and has no {missing}, which strict clients ask for"),
            "RFC 5280 §4.2.1",
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;
    use crate::x509::testing::odd;

    #[test]
    fn bytes_that_do_not_parse_are_told_with_their_place() {
        let chain = Issued::to("shop.example");
        let mut leaf = chain.leaf.clone();
        leaf[4] = 0x31;
        let seen = turned_down(&[&leaf, &chain.intermediate.der], 42);
        let finding = judged(&MalformedCertificate, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(
            finding.sentence.contains("cannot be parsed: at byte 4"),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "malformed-certificate");
    }

    #[test]
    fn decode_error_for_a_certificate_is_about_the_certificate() {
        let seen = turned_down(&[b"rubbish"], 50);
        assert_eq!(chosen(&seen), "malformed-certificate");
    }

    #[test]
    fn a_signature_that_does_not_verify_under_the_right_key_id_shows_changed_bytes() {
        let chain = Issued::to("shop.example");
        let mut leaf = chain.leaf.clone();
        let last = leaf.len() - 1;
        leaf[last] ^= 1;
        let seen = connected()
            .client_hello(|hello| hello.tls12().suites(&[0x009c]))
            .server_flight_unsigned(&[&leaf, &chain.intermediate.der])
            .alert(Client, 2, 51)
            .fin(Client)
            .seen();
        let world = || context().trusting(&chain.root);
        let finding = world().judged(&MalformedCertificate, &seen).unwrap();
        assert!(
            finding
                .sentence
                .contains("does not verify with the key of \"Shop Issuing CA\""),
            "{}",
            finding.sentence
        );
        assert_eq!(world().chosen(&seen), "malformed-certificate");
    }

    #[test]
    fn an_unknown_critical_extension_is_named() {
        let finding = judged(
            &MalformedCertificate,
            &turned_down(&[&odd("leaf-unknown-critical").der], 46),
        )
        .unwrap();
        assert!(finding.sentence.contains("1.2.3.4.5"), "{}", finding.sentence);
    }

    #[test]
    fn a_negative_serial_number_matters_to_few() {
        let mut leaf = odd("leaf-encipherment-only").der.to_vec();
        let place = leaf.windows(4).position(|bytes| bytes == [2, 2, 1, 5]).unwrap();
        leaf[place + 2] = 0x81;
        let finding = judged(&MalformedCertificate, &turned_down(&[&leaf], 42)).unwrap();
        assert!(
            finding.sentence.contains("negative serial number"),
            "{}",
            finding.sentence
        );
        assert!(Confidence::of_weight(finding.weight) < Some(Confidence::Likely));
    }

    #[test]
    fn version_1_is_told() {
        let finding = judged(&MalformedCertificate, &turned_down(&[&odd("leaf-version-1").der], 42)).unwrap();
        assert!(finding.sentence.contains("version 1"), "{}", finding.sentence);
    }

    #[test]
    fn a_sound_chain_is_well_formed() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&chain.whole(), 42);
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&MalformedCertificate, &seen)
                .is_none()
        );
    }
}
