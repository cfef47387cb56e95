//! The authority has revoked the certificate.

use super::{GENERIC, prove_chain, prove_rejection, show_chain, staple, why_hidden};
use crate::evidence::Span;
use crate::tls::ClientStack;
use crate::why::fits::fits;
use crate::why::prelude::*;
use crate::x509::{Revocation, Standing};

/// The stapled status says so, or the client does.
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
        let rejection = seen.server_certificate_rejection();
        let revoked = staple(seen, context).and_then(|(status, span)| match status.standing? {
            Standing::Revoked(revocation) => Some((revocation, span)),
            Standing::Good | Standing::Unknown => None,
        });
        findings.extend(match (revoked, rejection) {
            (Some((revocation, span)), rejection) => Some(stapled(self, seen, revocation, span, rejection.as_ref())),
            (None, Some(rejection)) => told(self, seen, &rejection),
            (None, None) => None,
        });
    }
}

/// The server itself brings the proof.
fn stapled(
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
    let reason = revocation
        .reason
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    let when = format!("since {}{reason}", revocation.at.date());
    let sentence = format!(
        "The certificate \"{name}\" of {} is revoked {when}: the OCSP response that the server staples says so itself.",
        server_called(seen)
    );
    let weight = rejection.map_or(95, |rejection| fits(98, cause.id(), seen, rejection));
    let finding = Finding::new(cause, weight, sentence).at_fault(AtFault::Server);
    let serial = seen.leaf().map(|leaf| leaf.serial.clone()).unwrap_or_default();
    let finding = prove_chain(finding, seen, format!("Certificate \"{name}\", serial number {serial}"))
        .prove_span(span, format!("CertificateStatus: OCSP status revoked {when}"));
    match rejection {
        Some(rejection) => remedies(
            prove_rejection(finding, seen, rejection).aborted_by(AbortedBy::Client),
            seen,
        ),
        None => finding.into_remark(),
    }
}

/// The client says so, and asked its authority or a list of its own.
fn told(cause: &CertificateRevoked, seen: &Observed, rejection: &Rejection) -> Option<Finding> {
    if rejection.sign != Sign::Alert(AlertDescription::CERTIFICATE_REVOKED) {
        return None;
    }
    let stack = seen.offer.as_ref().seen().map(|offer| offer.value.stack);
    // .NET says the same where it could not ask.
    let weight = if stack == Some(ClientStack::Schannel) { 72 } else { 88 };
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
        .at_fault(AtFault::Server)
        .aborted_by(AbortedBy::Client);
    let serial = seen
        .leaf()
        .map(|leaf| format!("Certificate \"{}\", serial number {}", leaf.display_name(), leaf.serial));
    let finding = match serial {
        Some(text) => prove_chain(finding, seen, text),
        None => finding,
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
    use crate::why::Confidence;
    use crate::why::testing::*;
    use crate::x509::testing::{REVOCATION_PEM, block};

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
        assert!(judged(&CertificateRevoked, &seen).is_some_and(|finding| finding.is_remark));
    }
}
