//! A certificate is used for what it was not issued for.

use super::{Case, GENERIC, called, case, refused, show_chain, why_hidden};
use crate::registry::{CipherSuite, KeyExchange};
use crate::tls::ClientStack;
use crate::why::prelude::*;
use crate::x509::{Certificate, Flaw};

/// extendedKeyUsage, keyUsage or basicConstraints do not allow what the certificate does here.
pub(crate) struct WrongUsage;

/// One misuse, with its weight.
struct Misuse {
    weight: u8,
    /// Where in the chain.
    depth: usize,
    /// What the certificate does, as said after its name.
    does: String,
    /// The extension that forbids it, as it stands there.
    shown: String,
}

impl Cause for WrongUsage {
    fn id(&self) -> CauseId {
        CauseId("wrong-usage")
    }

    fn page(&self) -> &'static str {
        include_str!("wrong_usage.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else {
            findings.extend(told_but_hidden(self, seen, context));
            return;
        };
        let Some(misuse) = misuse(seen, &case) else { return };
        let Some(link) = case.chain.path.get(misuse.depth) else {
            return;
        };
        let sentence = format!(
            "{} of {} {}, and the client refused it.",
            called(misuse.depth, &link.certificate),
            server_called(seen),
            misuse.does
        );
        let shown = format!(
            "Certificate {}: \"{}\", {}",
            misuse.depth + 1,
            link.certificate.display_name(),
            misuse.shown
        );
        let remedy = if misuse.depth == 0 {
            "have it issued again by the authority's template for servers: extendedKeyUsage serverAuth, keyUsage digitalSignature"
        } else {
            "have the certificate issued by an authority that may issue it"
        };
        findings.push(
            refused(self, misuse.weight, seen, &case.rejection, sentence, shown)
                .remedy(AtFault::Server, remedy, None)
                .remedy(
                    AtFault::Both,
                    "see what it may be used for",
                    Some(format!(
                        "{} </dev/null | openssl x509 -noout -ext extendedKeyUsage,keyUsage,basicConstraints",
                        show_chain(seen)
                    )),
                ),
        );
    }
}

/// The gravest misuse in the chain.
fn misuse(seen: &Observed, case: &Case<'_>) -> Option<Misuse> {
    let leaf = case.chain.leaf.as_ref()?;
    not_for_servers(leaf)
        .or_else(|| no_authority(case))
        .or_else(|| key_exchange(seen, leaf))
        .or_else(|| purposes_of_an_issuer(case))
        .or_else(|| authority_as_leaf(seen, leaf))
}

fn not_for_servers(leaf: &Certificate) -> Option<Misuse> {
    let purposes = leaf.extensions.extended_key_usage.as_ref()?;
    // anyExtendedKeyUsage is enough for OpenSSL, Go and Java; browsers ask for serverAuth by name.
    let weight = if purposes.any { 70 } else { 97 };
    (!purposes.server_auth).then(|| Misuse {
        weight,
        depth: 0,
        does: format!("is not for servers: its extendedKeyUsage holds {purposes}, and not serverAuth"),
        shown: format!("extendedKeyUsage {purposes}"),
    })
}

/// A link of the path that may not issue, or not so far above the leaf.
fn no_authority(case: &Case<'_>) -> Option<Misuse> {
    case.chain.flaws.iter().find_map(|flaw| {
        let child = case.chain.path.get(flaw.depth.checked_sub(1)?)?;
        let issued = child.certificate.display_name();
        let (does, shown) = match &flaw.flaw {
            Flaw::NotAnAuthority => (
                format!("issued \"{issued}\", although its basicConstraints make it no authority"),
                "no cA in basicConstraints".to_owned(),
            ),
            Flaw::MayNotSign => (
                format!("issued \"{issued}\", although its keyUsage does not allow it to sign certificates"),
                "no keyCertSign in keyUsage".to_owned(),
            ),
            Flaw::TooManyBelow { allowed, found } => (
                format!("allows {allowed} authorities below itself, and {found} stand between it and the leaf"),
                format!("pathLenConstraint {allowed}"),
            ),
            _ => return None,
        };
        Some(Misuse {
            weight: 96,
            depth: flaw.depth,
            does,
            shown,
        })
    })
}

/// keyUsage against what the handshake does with the key (RFC 5246 §7.4.2, RFC 9846 §4.5.1).
fn key_exchange(seen: &Observed, leaf: &Certificate) -> Option<Misuse> {
    let usage = leaf.extensions.key_usage?;
    let answer = &seen.answer.as_ref().seen()?.value;
    let (allowed, needed, because) = if encrypts(answer.cipher_suite) {
        (
            usage.key_encipherment(),
            "keyEncipherment",
            "the client encrypts to its key",
        )
    } else {
        (
            usage.digital_signature(),
            "digitalSignature",
            "its key signs the key exchange",
        )
    };
    let suite = answer.cipher_suite;
    (!allowed).then(|| Misuse {
        weight: 88,
        depth: 0,
        does: format!("has a keyUsage without {needed}, and with {suite} {because}"),
        shown: format!("no {needed} in keyUsage"),
    })
}

fn encrypts(suite: CipherSuite) -> bool {
    suite.key_exchange() == KeyExchange::Rsa
}

/// Purposes of an intermediate bind what is below it for Go, NSS, webpki, BoringSSL and Windows.
fn purposes_of_an_issuer(case: &Case<'_>) -> Option<Misuse> {
    let issuers = case.chain.path.iter().enumerate().skip(1);
    issuers
        .filter(|(_, link)| !link.certificate.is_self_issued())
        .find_map(|(depth, link)| {
            let purposes = link.certificate.extensions.extended_key_usage.as_ref()?;
            (!purposes.server_auth && !purposes.any).then(|| Misuse {
                weight: 85,
                depth,
                does: format!("may not issue for servers: its extendedKeyUsage holds {purposes}, and not serverAuth"),
                shown: format!("extendedKeyUsage {purposes}"),
            })
        })
}

/// rustls and NSS take no authority's certificate for a server's own; others do.
fn authority_as_leaf(seen: &Observed, leaf: &Certificate) -> Option<Misuse> {
    let stack = seen.offer.as_ref().seen().map(|offer| offer.value.stack);
    let weight = if matches!(stack, Some(ClientStack::Rustls | ClientStack::Nss)) {
        90
    } else {
        45
    };
    (leaf.extensions.is_ca == Some(true) && !leaf.is_self_issued()).then(|| Misuse {
        weight,
        depth: 0,
        does: "is an authority's, and no server's: cA in its basicConstraints is true".to_owned(),
        shown: "basicConstraints cA".to_owned(),
    })
}

/// TLS 1.3: unsupported_certificate in the clear, which OpenSSL's clients say of a purpose alone, and the certificate hidden.
fn told_but_hidden(cause: &WrongUsage, seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    let rejection = super::refusal_of_hidden(seen, context, AlertDescription::UNSUPPORTED_CERTIFICATE)?;
    if seen.offer.as_ref().seen()?.value.stack != ClientStack::OpenSsl {
        return None;
    }
    let sentence = format!(
        "The client says that the certificate of {} is not for servers. {}.",
        server_called(seen),
        why_hidden(seen)
    );
    let finding = Finding::new(cause, 84, sentence)
        .at_fault(AtFault::Server)
        .aborted_by(AbortedBy::Client);
    Some(
        super::prove_rejection(finding, seen, &rejection)
            .infer("OpenSSL says unsupported_certificate where extendedKeyUsage or keyUsage of the certificate forbid its use by a server.")
            .remedy(
                AtFault::Both,
                "see what it may be used for",
                Some(format!("{} </dev/null | openssl x509 -noout -ext extendedKeyUsage,keyUsage", show_chain(seen))),
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;
    use rcgen::ExtendedKeyUsagePurpose;

    fn sentence(root: &Authority, seen: &Observed) -> Option<String> {
        let finding = context().trusting(root).judged(&WrongUsage, seen)?;
        Some(finding.sentence)
    }

    fn for_purposes(purposes: &[ExtendedKeyUsagePurpose], root: &Authority) -> Vec<u8> {
        Leaf::named("shop.example")
            .with(|params| params.extended_key_usages = purposes.to_vec())
            .signed_by(root)
    }

    #[test]
    fn a_certificate_for_clients_and_a_refusal_prove_it() {
        let root = Authority::root("Shop Anchor");
        let leaf = for_purposes(&[ExtendedKeyUsagePurpose::ClientAuth], &root);
        let seen = turned_down(&[&leaf], 43);
        let world = || context().trusting(&root);
        let finding = world().judged(&WrongUsage, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(
            finding.sentence.contains("holds clientAuth, and not serverAuth"),
            "{}",
            finding.sentence
        );
        assert_eq!(
            (finding.at_fault, world().chosen(&seen)),
            (AtFault::Server, "wrong-usage")
        );
    }

    #[test]
    fn a_certificate_for_servers_or_for_anything_not_said_is_well_used() {
        let root = Authority::root("Shop Anchor");
        for purposes in [
            &[ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth][..],
            &[],
        ] {
            assert_eq!(
                sentence(&root, &turned_down(&[&for_purposes(purposes, &root)], 43)),
                None
            );
        }
    }

    #[test]
    fn an_issuer_that_is_no_authority_is_told_with_its_place() {
        let root = Authority::root("Shop Anchor");
        let helper = root.below_with("helper.example", |params| params.is_ca = rcgen::IsCa::ExplicitNoCa);
        let leaf = Leaf::named("shop.example").signed_by(&helper);
        let told = sentence(&root, &turned_down(&[&leaf, &helper.der], 48)).unwrap();
        assert!(
            told.contains("\"helper.example\" (number 2 of the chain)") && told.contains("make it no authority"),
            "{told}"
        );
    }

    #[test]
    fn an_authority_that_allows_none_below_itself_is_told() {
        let root = Authority::root("Shop Anchor");
        let upper = root.below_with("Upper CA", |params| {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        });
        let lower = upper.below("Lower CA");
        let leaf = Leaf::named("shop.example").signed_by(&lower);
        let told = sentence(&root, &turned_down(&[&leaf, &lower.der, &upper.der], 48)).unwrap();
        assert!(told.contains("allows 0 authorities below itself, and 1"), "{told}");
    }

    #[test]
    fn a_key_that_may_only_encrypt_cannot_sign_an_exchange() {
        let leaf = crate::x509::testing::odd("leaf-encipherment-only");
        let finding = judged(&WrongUsage, &turned_down(&[&leaf.der], 43)).unwrap();
        assert!(
            finding.sentence.contains("without digitalSignature"),
            "{}",
            finding.sentence
        );
        let by_rsa = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0x009c)
            .certificate(Server, &[&leaf.der])
            .server_hello_done()
            .alert(Client, 2, 43)
            .seen();
        assert!(judged(&WrongUsage, &by_rsa).is_none());
    }
}
