//! The authority has revoked the certificate.

use super::{GENERIC, called, prove_chain, prove_rejection, show_chain, staple, why_hidden};
use crate::evidence::Span;
use crate::tls::ClientStack;
use crate::why::fetched::{FetchedRevocation, fetched_as_good, fetched_revocation, tell, when};
use crate::why::fits::fits;
use crate::why::prelude::*;
use crate::x509::{Revocation, Standing};

/// The status that the server staples says so, one that somebody fetched, or the client.
pub(crate) struct CertificateRevoked;

impl Cause for CertificateRevoked {
    fn id(&self) -> CauseId {
        CauseId("certificate-revoked")
    }

    fn page(&self) -> &'static str {
        include_str!("certificate_revoked.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let rejection = context.rejection(seen, Side::Server);
        let stapled = staple(seen, context).and_then(|(status, span)| match status.standing? {
            Standing::Revoked(revocation) => Some((revocation, span)),
            Standing::Good | Standing::Unknown => None,
        });
        let fetched = || fetched_revocation(seen, context, context.chain(seen, Side::Server)?);
        let proven = match stapled {
            Some((revocation, span)) => Some(as_stapled(self, seen, revocation, span, rejection.as_ref())),
            None => fetched().map(|revoked| as_fetched(self, seen, &revoked, rejection.as_ref())),
        };
        findings.extend(proven.or_else(|| told(self, seen, context, &rejection?)));
    }
}

/// The server itself brings the proof.
fn as_stapled(
    cause: &CertificateRevoked,
    seen: &Observed,
    revocation: Revocation,
    span: &Span,
    rejection: Option<&Rejection>,
) -> Finding {
    let name = seen
        .leaf()
        .map(|leaf| leaf.display_name().to_owned())
        .unwrap_or_default();
    let when = format!("since {}", when(&revocation));
    let sentence = format!(
        "The certificate \"{name}\" of {} is revoked {when}: the OCSP response that the server staples says so itself.",
        server_called(seen)
    );
    let serial = seen.leaf().map(|leaf| leaf.serial.clone()).unwrap_or_default();
    let finding = proven(cause, 98, seen, rejection, sentence);
    let finding = prove_chain(finding, seen, format!("Certificate \"{name}\", serial number {serial}"))
        .prove_span(span, format!("CertificateStatus: OCSP status revoked {when}"));
    concluded(finding, seen, rejection)
}

/// Somebody fetched the proof.
fn as_fetched(
    cause: &CertificateRevoked,
    seen: &Observed,
    revoked: &FetchedRevocation<'_>,
    rejection: Option<&Rejection>,
) -> Finding {
    let sentence = format!(
        "{} of {} is revoked since {}: {} says so.",
        called(revoked.depth, revoked.certificate),
        server_called(seen),
        when(&revoked.revocation),
        revoked.source()
    );
    let shown = format!(
        "Certificate \"{}\", serial number {}",
        revoked.certificate.display_name(),
        revoked.certificate.serial
    );
    let finding = proven(cause, 97, seen, rejection, sentence);
    concluded(revoked.prove(prove_chain(finding, seen, shown)), seen, rejection)
}

/// The finding of a revocation that is proven, of this weight where the client minds.
fn proven(
    cause: &CertificateRevoked,
    weight: u8,
    seen: &Observed,
    rejection: Option<&Rejection>,
    sentence: String,
) -> Finding {
    let weight = rejection.map_or(95, |rejection| fits(weight, cause.id(), seen, rejection));
    Finding::new(cause, weight, sentence).at_fault(AtFault::Server)
}

/// With the client's sign and what is to be done; without a sign it is only worth knowing.
fn concluded(finding: Finding, seen: &Observed, rejection: Option<&Rejection>) -> Finding {
    match rejection {
        Some(rejection) => remedies(
            prove_rejection(finding, seen, rejection).aborted_by(AbortedBy::Client),
            seen,
        ),
        None => finding.into_remark(),
    }
}

/// The client says so, and asked its authority or a list of its own.
fn told(cause: &CertificateRevoked, seen: &Observed, context: &Context<'_>, rejection: &Rejection) -> Option<Finding> {
    if rejection.sign != Sign::Alert(AlertDescription::CERTIFICATE_REVOKED) {
        return None;
    }
    let stack = seen.offer.as_ref().seen().map(|offer| offer.value.stack);
    let good = context
        .chain(seen, Side::Server)
        .and_then(|chain| fetched_as_good(seen, context, chain));
    let weight = match stack {
        _ if good.is_some() => 60,
        // .NET says the same where it could not ask.
        Some(ClientStack::Schannel) => 72,
        _ => 88,
    };
    let hidden = if seen.server_chain.is_seen() {
        String::new()
    } else {
        format!(" {}.", why_hidden(seen))
    };
    let sentence = format!(
        "The client says that a certificate of {} is revoked; it learned that from a list (CRL) or from the authority (OCSP), not from the \
         server.{hidden}",
        server_called(seen)
    );
    let finding = Finding::new(cause, weight, sentence)
        .at_fault(if good.is_some() {
            AtFault::Unknown
        } else {
            AtFault::Server
        })
        .aborted_by(AbortedBy::Client);
    let serial = seen
        .leaf()
        .map(|leaf| format!("Certificate \"{}\", serial number {}", leaf.display_name(), leaf.serial));
    let finding = match serial {
        Some(text) => prove_chain(finding, seen, text),
        None => finding,
    };
    let finding = match (good, seen.leaf()) {
        (Some(statement), Some(leaf)) => tell(finding, statement, leaf, "good at that time").infer(
            "Its authority says good of the certificate: what the client looked into is newer, wrong, or about the issuer, or it could \
             not ask.",
        ),
        _ => finding,
    };
    Some(remedies(prove_rejection(finding, seen, rejection), seen).but_not(
        CauseId("server-certificate-rejected"),
        ".NET and SChannel say the same where the list or the responder could not be reached",
    ))
}

fn remedies(finding: Finding, seen: &Observed) -> Finding {
    finding
        .remedy(
            AtFault::Server,
            "find out why it was revoked, make a new key, and have a new certificate issued for it",
            None,
        )
        .remedy(
            AtFault::Both,
            "ask for the status as a client does",
            Some(format!(
                "{} -status </dev/null | grep -A3 'Cert Status'",
                show_chain(seen)
            )),
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Time;
    use crate::why::Confidence;
    use crate::why::testing::*;
    use crate::x509::testing::{REVOCATION_PEM, block};
    use crate::x509::{Certificate, StatusKind, ocsp_status};

    /// A server that staples this about its certificate.
    fn stapling(certificate: &str, response: &str) -> Scene {
        connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .certificate(
                Server,
                &[&block(REVOCATION_PEM, certificate), &block(REVOCATION_PEM, "root")],
            )
            .certificate_status(&block(REVOCATION_PEM, response))
            .server_key_exchange(29)
            .server_hello_done()
    }

    #[test]
    fn a_staple_that_says_so_proves_it() {
        let seen = stapling("revoked", "ocsp-revoked")
            .alert(Client, 2, 44)
            .fin(Client)
            .seen();
        let finding = judged(&CertificateRevoked, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(
            finding.sentence.contains("since 2024-03-01 (keyCompromise)"),
            "{}",
            finding.sentence
        );
    }

    #[test]
    fn a_client_that_checks_it_after_the_handshake_leaves() {
        let seen = stapling("revoked", "ocsp-revoked")
            .finished_by_both()
            .fin(Client)
            .seen();
        assert_eq!(confidence(&CertificateRevoked, &seen), Some(Confidence::Likely));
    }

    #[test]
    fn a_good_status_is_no_revocation() {
        let seen = stapling("good", "ocsp-good").alert(Client, 2, 46).fin(Client).seen();
        assert!(judged(&CertificateRevoked, &seen).is_none());
    }

    #[test]
    fn a_client_that_says_so_asked_elsewhere() {
        let chain = Issued::to("shop.example");
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .alert(Client, 2, 44)
            .fin(Client)
            .seen();
        let world = || context().trusting(&chain.root);
        assert_eq!(
            sure(world().judged(&CertificateRevoked, &seen)),
            Some(Confidence::Likely)
        );
        assert_eq!(world().chosen(&seen), "certificate-revoked");
    }

    #[test]
    fn a_client_that_does_not_mind_leaves_a_remark() {
        let seen = stapling("revoked", "ocsp-revoked")
            .finished_by_both()
            .sealed(Client, &[90])
            .fin(Client)
            .seen();
        assert!(judged(&CertificateRevoked, &seen).is_some_and(|finding| finding.is_remark()));
    }

    /// A server that shows this certificate, staples nothing, and is refused.
    fn refused(certificate: &str, description: u8) -> Observed {
        let chain = [&block(REVOCATION_PEM, certificate)[..], &block(REVOCATION_PEM, "root")];
        connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain)
            .alert(Client, 2, description)
            .fin(Client)
            .seen()
    }

    /// A world in which somebody fetched this.
    fn with_fetched(kind: StatusKind, name: &str) -> World {
        context().with_fetched(kind, &block(REVOCATION_PEM, name))
    }

    #[test]
    fn a_status_that_somebody_fetched_proves_it() {
        let seen = refused("revoked", 44);
        for (kind, name, form) in [
            (StatusKind::Ocsp, "ocsp-revoked", "OCSP response"),
            (StatusKind::Crl, "crl", "revocation list (CRL)"),
        ] {
            let finding = with_fetched(kind, name).judged(&CertificateRevoked, &seen).unwrap();
            assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
            let said = format!("since 2024-03-01 (keyCompromise): the {form} that was fetched from 10.0.0.9");
            assert!(finding.sentence.contains(&said), "{}", finding.sentence);
            let elsewhere: Vec<_> = finding.evidence.iter().filter(|one| one.elsewhere).collect();
            assert_eq!(elsewhere.len(), 1);
            assert_eq!(elsewhere[0].mark.frame, 902);
            let told =
                format!("{form} for serial number 1002: revoked 2024-03-01 (keyCompromise), fetched from 10.0.0.9");
            assert_eq!(elsewhere[0].text, told);
        }
    }

    #[test]
    fn a_fetched_revocation_counts_by_how_the_client_takes_it() {
        let judged = |seen: &Observed| with_fetched(StatusKind::Crl, "crl").judged(&CertificateRevoked, seen);
        assert_eq!(sure(judged(&refused("revoked", 48))), Some(Confidence::Possible));
        let completed = || {
            connected()
                .client_hello(Hello::tls12)
                .server_flight(&[&block(REVOCATION_PEM, "revoked"), &block(REVOCATION_PEM, "root")])
                .finished_by_both()
        };
        assert_eq!(sure(judged(&completed().fin(Client).seen())), Some(Confidence::Likely));
        let does_not_mind = completed().sealed(Client, &[90]).fin(Client).seen();
        assert!(judged(&does_not_mind).is_some_and(|finding| finding.is_remark()));
    }

    #[test]
    fn what_was_fetched_about_others_or_signed_by_others_proves_nothing() {
        assert!(
            with_fetched(StatusKind::Crl, "crl")
                .judged(&CertificateRevoked, &refused("good", 46))
                .is_none()
        );
        let namesake = [
            &block(REVOCATION_PEM, "revoked")[..],
            &block(REVOCATION_PEM, "namesake"),
        ];
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&namesake)
            .alert(Client, 2, 46)
            .fin(Client)
            .seen();
        assert!(
            with_fetched(StatusKind::Crl, "crl")
                .judged(&CertificateRevoked, &seen)
                .is_none()
        );
    }

    #[test]
    fn what_was_revoked_later_was_good() {
        let judged_at = |year| {
            let at = Time::from_civil(year, 1, 1, 0, 0, 0).unwrap();
            with_fetched(StatusKind::Crl, "crl")
                .at(at)
                .judged(&CertificateRevoked, &refused("revoked", 46))
        };
        assert!(judged_at(2024).is_none());
        assert!(judged_at(2025).is_some());
    }

    #[test]
    fn an_authority_that_says_good_speaks_against_the_client() {
        let seen = refused("good", 44);
        let alone = context().judged(&CertificateRevoked, &seen).unwrap();
        assert_eq!(Confidence::of_weight(alone.weight), Some(Confidence::Likely));
        let root = Certificate::parse(&block(REVOCATION_PEM, "root")).unwrap();
        let leaf = Certificate::parse(&block(REVOCATION_PEM, "good")).unwrap();
        let status = ocsp_status(&block(REVOCATION_PEM, "ocsp-good"), &leaf, Some(&root), None);
        let made = status.made_at.unwrap();
        let finding = with_fetched(StatusKind::Ocsp, "ocsp-good")
            .at(made)
            .judged(&CertificateRevoked, &seen)
            .unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert!(
            finding
                .evidence
                .iter()
                .any(|one| one.elsewhere && one.text.contains("good at that time"))
        );
        assert_eq!(finding.at_fault, AtFault::Unknown);
        let too_old = with_fetched(StatusKind::Ocsp, "ocsp-good").at(made.plus_seconds(8 * 86_400));
        assert_eq!(
            sure(too_old.judged(&CertificateRevoked, &seen)),
            Some(Confidence::Likely)
        );
    }
}
