//! A certificate was past its last day.

use super::{GENERIC, case, fits::fits, prove_chain, prove_rejection, show_chain, why_hidden};
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
            findings.extend(told_but_hidden(self, seen));
            return;
        };
        let Some(OutOfTime {
            depth,
            certificate,
            by_seconds,
        }) = case.chain.expired.first()
        else {
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
                certificate.not_after
            ),
        );
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

/// TLS 1.3: certificate_expired in the clear (OpenSSL's clients), and the certificate hidden.
fn told_but_hidden(cause: &CertificateExpired, seen: &Observed) -> Option<Finding> {
    let rejection = seen.server_certificate_rejection()?;
    if rejection.sign != Sign::Alert(AlertDescription::CERTIFICATE_EXPIRED) || seen.server_chain.is_seen() {
        return None;
    }
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
