//! The server does not take the client's certificate.

use super::client_certificate_missing::refusal;
use crate::why::prelude::*;

/// A refusal after the client's certificate, without a visible defect that explains it.
pub(crate) struct ClientCertificateRejected;

impl Cause for ClientCertificateRejected {
    fn id(&self) -> CauseId {
        CauseId("client-certificate-rejected")
    }

    fn page(&self) -> &'static str {
        include_str!("client_certificate_rejected.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("server-closed"),
            CauseId("decode-error"),
            CauseId("internal-error"),
        ]
    }

    fn judge(&self, seen: &Observed, _: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(rejection) = seen.client_certificate_rejection() else {
            return;
        };
        let (weight, mark, text) = match &seen.client_chain {
            Seen::Seen(chain) => {
                let Some(leaf) = chain.value.first() else { return };
                let name = leaf
                    .certificate()
                    .map_or("a certificate that cannot be read", |leaf| leaf.display_name());
                let weight = match rejection.sign {
                    Sign::Alert(_) => 88,
                    Sign::HiddenAlert(_) | Sign::CloseNotify => 80,
                    Sign::Left | Sign::LeftAfterCompletion => 70,
                };
                (
                    weight,
                    chain.span.mark,
                    format!("Certificate: \"{name}\" and {} more", chain.value.len() - 1),
                )
            }
            Seen::Absent => return,
            Seen::Unknown(_) => {
                let Some(sealed) = seen.sealed() else { return };
                let ClientReply::Accepted {
                    empty_certificate: None,
                    certificate,
                    finished,
                } = sealed.client
                else {
                    return;
                };
                let sent = certificate.is_some();
                let asked = sealed.asks_for_certificate;
                let weight = match (sent, asked, rejection.sign) {
                    (true, _, Sign::HiddenAlert(_)) => 80,
                    (true, _, _) => 65,
                    (false, true, Sign::HiddenAlert(_)) => 60,
                    _ => return,
                };
                let record = certificate.unwrap_or(finished);
                (
                    weight,
                    record.mark,
                    format!(
                        "an encrypted record of {} bytes: a certificate, by its size",
                        record.len
                    ),
                )
            }
        };
        let sentence = format!("{} does not take the client's certificate.", server_called(seen));
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Unknown)
            .aborted_by(AbortedBy::Server)
            .prove(mark, text)
            .prove(rejection.mark, refusal(seen, &rejection));
        if seen.is_tls13() {
            finding = finding.infer(
                "TLS 1.3 hides the certificate and the alert: expired, from an authority that the server does not know, and made \
                 for another use all look alike. A key log of either side tells them apart.",
            );
        }
        findings.push(
            finding
                .but_not(
                    CauseId("client-certificate-missing"),
                    "the client's reply is larger than an empty Certificate",
                )
                .remedy(
                    AtFault::Client,
                    "check its dates, its extended key usage (clientAuth) and that its intermediate is sent along",
                    Some("openssl x509 -in client.pem -noout -subject -issuer -dates -ext extendedKeyUsage".to_owned()),
                )
                .remedy(
                    AtFault::Server,
                    "its log names the reason; check the CA file that it verifies clients with",
                    None,
                ),
        );
    }
}
