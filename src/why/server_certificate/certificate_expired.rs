//! A certificate was past its last day.

use super::cross_sign::followed;
use super::list::explain_javas_46;
use super::{Case, GENERIC, case, prove_chain, prove_rejection, refusal_of_hidden, show_chain, why_hidden};
use crate::why::fits::fits;
use crate::why::prelude::*;
use crate::x509::OutOfTime;

/// notAfter lies before the moment of the handshake.
pub(crate) struct CertificateExpired;

impl Cause for CertificateExpired {
    fn id(&self) -> CauseId {
        CauseId("certificate-expired")
    }

    fn page(&self) -> &'static str {
        include_str!("certificate_expired.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else {
            findings.extend(told_but_hidden(self, seen, context));
            return;
        };
        let Some(OutOfTime {
            depth,
            certificate,
            by_seconds,
        }) = case.chain.expired.first()
        else {
            findings.extend(old_way(self, seen, &case));
            return;
        };
        let which = if *depth == 0 {
            "The certificate"
        } else {
            "The issuer's certificate"
        };
        let day = certificate.not_after.date();
        let sentence = format!(
            "{which} \"{}\" of {} expired on {day}, {} before this handshake, and the client refused it.",
            certificate.display_name(),
            server_called(seen),
            span_of_time(*by_seconds as f64)
        );
        let weight = fits(if *depth == 0 { 98 } else { 95 }, self.id(), seen, &case.rejection);
        let finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Client);
        let finding = prove_chain(
            finding,
            seen,
            format!(
                "Certificate {}: \"{}\", notAfter {}",
                depth + 1,
                certificate.display_name(),
                certificate.not_after.date_and_time()
            ),
        );
        let finding = explain_javas_46(finding, seen, case.chain, &case.rejection);
        findings.push(
            prove_rejection(finding, seen, &case.rejection)
                .remedy(
                    AtFault::Server,
                    "renew it, and reload the server so that it is used",
                    Some("certbot renew && nginx -s reload".to_owned()),
                )
                .remedy(
                    AtFault::Both,
                    "see what is served now",
                    Some(format!("{} </dev/null | openssl x509 -noout -dates", show_chain(seen))),
                ),
        );
    }
}

/// A sound list, beside which an older way to a root was sent that had ended: some clients take that one.
fn old_way(cause: &CertificateExpired, seen: &Observed, case: &Case<'_>) -> Option<Finding> {
    let (stale, weight) = followed(seen, case)?;
    let (name, signer) = (stale.certificate.display_name(), stale.certificate.issuer.display());
    let (place, day) = (stale.index + 1, stale.ended().date());
    let (sentence, shown) = if stale.root.is_some() {
        (
            format!(
                "the cross-signed certificate \"{name}\", over which the way leads to the root \"{signer}\" that expired on {day}"
            ),
            format!("cross-signed by \"{signer}\", a root that expired on {day}"),
        )
    } else {
        (
            format!("the cross-signed certificate \"{name}\" of \"{signer}\", which expired on {day}"),
            format!(
                "cross-signed by \"{signer}\", notAfter {}",
                stale.certificate.not_after.date_and_time()
            ),
        )
    };
    let sentence = format!(
        "{} still sends {sentence}. Newer clients find another way to a root; this one seems not to.",
        server_called(seen)
    );
    let finding = Finding::new(cause, weight, sentence)
        .at_fault(AtFault::Server)
        .aborted_by(AbortedBy::Client);
    let finding = prove_chain(finding, seen, format!("Certificate {place}: \"{name}\", {shown}"));
    Some(
        prove_rejection(finding, seen, &case.rejection)
            .infer(format!(
                "By the other way the chain is valid: {}. Which way this client took is not in the packets.",
                case.chain.path_text()
            ))
            .but_not(
                CauseId("untrusted-root"),
                "a client that lacks the newer root would do the same",
            )
            .remedy(
                AtFault::Server,
                format!("leave certificate {place} out of the list: take the authority's chain of today; certbot"),
                Some("certbot renew --force-renewal".to_owned()),
            )
            .remedy(
                AtFault::Client,
                "update its TLS library, or take the expired root out of its trust store; Debian",
                Some("apt-get install --only-upgrade openssl ca-certificates libgnutls30".to_owned()),
            )
            .remedy(AtFault::Both, "see what is sent", Some(show_chain(seen))),
    )
}

/// TLS 1.3: certificate_expired in the clear (OpenSSL's clients), and the certificate hidden.
fn told_but_hidden(cause: &CertificateExpired, seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    let rejection = refusal_of_hidden(seen, context, AlertDescription::CERTIFICATE_EXPIRED)?;
    let sentence = format!(
        "The client says that a certificate of {} has expired. {}.",
        server_called(seen),
        why_hidden(seen)
    );
    let finding = Finding::new(cause, 86, sentence)
        .at_fault(AtFault::Server)
        .aborted_by(AbortedBy::Client);
    Some(
        prove_rejection(finding, seen, &rejection)
            .infer("Some stacks say the same of a certificate that is not valid yet, and any client whose clock is off does.")
            .but_not(CauseId("certificate-not-yet-valid"), "rarer, and OpenSSL's clients say bad_certificate for it")
            .remedy(AtFault::Both, "see its dates", Some(format!("{} </dev/null | openssl x509 -noout -dates", show_chain(seen))))
            .remedy(AtFault::Client, "check the client's clock", Some("timedatectl".to_owned())),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::connection::SentChain;
    use crate::tls::ClientStack;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn a_leaf_past_its_last_day_and_the_alert_of_that_name_prove_it() {
        let chain = Issued::of(&Leaf::named("shop.example").with(valid(2024, 2026)));
        let seen = turned_down(&chain.whole(), 45);
        let verdict = context().trusting(&chain.root).verdict(&seen);
        let finding = verdict.cause.as_ref().unwrap();
        assert_eq!(
            (name_of(&verdict), finding.at_fault),
            ("certificate-expired", AtFault::Server)
        );
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(finding.sentence.contains("2026-01-01"), "{}", finding.sentence);
        assert_eq!(verdict.aborted_by, AbortedBy::Client);
        assert!(!mentions(&verdict, "server-certificate-rejected") && !mentions(&verdict, "client-abandoned"));
    }

    #[test]
    fn an_expired_intermediate_counts_as_well() {
        let root = Authority::root("Shop Anchor");
        let intermediate = root.below_with("Shop Issuing CA", valid(2020, 2025));
        let leaf = Leaf::named("shop.example").signed_by(&intermediate);
        let seen = turned_down(&[&leaf, &intermediate.der], 45);
        let finding = context().trusting(&root).judged(&CertificateExpired, &seen).unwrap();
        assert!(
            finding.sentence.contains("issuer's certificate \"Shop Issuing CA\""),
            "{}",
            finding.sentence
        );
    }

    /// A client of TLS 1.3 that leaves with a hidden alert, and what the server showed to another one.
    fn hidden(shown: &[&[u8]]) -> Observed {
        let mut seen = connected()
            .client_hello(|hello| hello.name("shop.example"))
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .sealed(Client, &[19])
            .fin(Client)
            .seen();
        let clear = turned_down(shown, 45);
        let chain = clear.server_chain.as_ref().seen().unwrap();
        seen.borrowed = Some(Arc::new(SentChain {
            chain: chain.value.clone(),
            mark: chain.span.mark,
        }));
        seen
    }

    #[test]
    fn what_another_connection_was_sent_makes_it_likely() {
        let chain = Issued::of(&Leaf::named("shop.example").with(valid(2024, 2026)));
        let verdict = context().trusting(&chain.root).verdict(&hidden(&chain.whole()));
        let finding = verdict.cause.as_ref().unwrap();
        assert_eq!(
            (name_of(&verdict), Confidence::of_weight(finding.weight)),
            ("certificate-expired", Some(Confidence::Likely))
        );
        assert!(finding.evidence.iter().any(|evidence| evidence.elsewhere));
        assert!(
            finding
                .inferred
                .as_ref()
                .is_some_and(|text| text.contains("TLS 1.3 hides"))
        );
    }

    #[test]
    fn a_sound_certificate_elsewhere_makes_no_defect_here() {
        let chain = Issued::to("shop.example");
        let verdict = context().trusting(&chain.root).verdict(&hidden(&chain.whole()));
        assert_eq!(name_of(&verdict), "server-certificate-rejected");
    }

    #[test]
    fn an_expired_certificate_that_the_client_takes_is_no_failure() {
        let chain = Issued::of(&Leaf::named("shop.example").with(valid(2024, 2026)));
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .finished_by_both()
            .sealed(Client, &[90])
            .fin(Client)
            .seen();
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&CertificateExpired, &seen)
                .is_none()
        );
    }

    #[test]
    fn a_valid_certificate_is_not_expired_whatever_the_client_says() {
        let chain = Issued::of(&Leaf::named("shop.example").with(valid(2024, 2027)));
        let seen = turned_down(&chain.whole(), 45);
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&CertificateExpired, &seen)
                .is_none()
        );
    }

    #[test]
    fn a_clear_alert_tells_of_what_tls_1_3_hides() {
        let seen = connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .alert(Client, 2, 45)
            .fin(Client)
            .seen();
        assert_eq!(confidence(&CertificateExpired, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "certificate-expired");
    }

    /// A list that is sound, with another certificate of the root beside it, signed by an older root that has expired.
    fn with_an_old_cross_sign(root: &Authority, until: i32) -> Vec<Vec<u8>> {
        let old = Authority::root_with("Old Root", valid(2000, 2024));
        let intermediate = root.below("Shop Issuing CA");
        let leaf = Leaf::named("shop.example").signed_by(&intermediate);
        vec![leaf, intermediate.der, root.cross_signed_by(&old, valid(2010, until))]
    }

    #[test]
    fn an_old_client_may_have_followed_the_expired_cross_sign() {
        let root = Authority::root("Shop Anchor");
        let list = with_an_old_cross_sign(&root, 2025);
        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        for description in [45, 48] {
            let verdict = context().trusting(&root).verdict(&turned_down(&list, description));
            let finding = verdict.cause.as_ref().unwrap();
            assert_eq!(name_of(&verdict), "certificate-expired");
            assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
            assert!(
                finding.sentence.contains("still sends the cross-signed certificate \"Shop Anchor\" of \"Old Root\", which expired on 2025-01-01"),
                "{}",
                finding.sentence
            );
        }
    }

    #[test]
    fn a_client_that_looks_for_another_way_did_not_follow_it_nor_one_that_goes_on() {
        let root = Authority::root("Shop Anchor");
        let list = with_an_old_cross_sign(&root, 2025);
        let list: Vec<&[u8]> = list.iter().map(Vec::as_slice).collect();
        let newer = connected()
            .client_hello(|hello| hello.versions(&[0x0304, 0x0303]))
            .server_flight(&list)
            .alert(Client, 2, 45)
            .fin(Client)
            .seen();
        assert_eq!(context().trusting(&root).chosen(&newer), "client-clock-skew");
        let content = connected()
            .client_hello(Hello::tls12)
            .server_flight(&list)
            .finished_by_both()
            .sealed(Client, &[90])
            .fin(Client)
            .seen();
        assert!(
            context()
                .trusting(&root)
                .judged(&CertificateExpired, &content)
                .is_none()
        );
        // Without the old way it is the clock.
        let seen = turned_down(&list[..2], 45);
        assert_eq!(context().trusting(&root).chosen(&seen), "client-clock-skew");
    }

    #[test]
    fn javas_46_is_explained_by_the_list() {
        let chain = Issued::of(&Leaf::named("shop.example").with(valid(2024, 2026)));
        let explained = |list: &[&[u8]], stack| {
            let mut seen = turned_down(list, 46);
            set_stack(&mut seen, stack);
            let finding = context()
                .trusting(&chain.root)
                .judged(&CertificateExpired, &seen)
                .unwrap();
            let mut texts = finding.evidence.iter().map(|evidence| &evidence.text);
            texts.any(|text| text.contains("the list holds a certificate twice: Java then looks"))
        };
        let [leaf, intermediate] = chain.whole();
        assert!(explained(&[leaf, intermediate, leaf], ClientStack::Jsse));
        assert!(!explained(&[leaf, intermediate], ClientStack::Jsse));
        assert!(!explained(&[leaf, intermediate, leaf], ClientStack::BoringSsl));
    }
}
