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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn shown(chain: &[&[u8]]) -> Scene {
        connected()
            .client_hello(Hello::tls12)
            .server_flight_asking(&[b"leaf"])
            .certificate(Client, chain)
            .client_key_exchange()
            .certificate_verify()
            .finished(Client)
    }

    fn sealed(reply: &[usize]) -> Scene {
        connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 65, 2_000, 281, 53])
            .sealed(Client, reply)
    }

    #[test]
    fn an_alert_after_the_clients_certificate_is_about_it() {
        let leaf = Leaf::named("alice").self_signed();
        let seen = shown(&[&leaf]).alert(Server, 2, 48).fin(Server).seen();
        let finding = judged(&ClientCertificateRejected, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding.evidence[0].text.contains("\"alice\""),
            "{}",
            finding.evidence[0].text
        );
        assert_eq!(chosen(&seen), "client-certificate-rejected");
    }

    #[test]
    fn under_the_keys_of_tls_1_3_sizes_tell() {
        let seen = sealed(&[900, 281, 53]).sealed(Server, &[19]).fin(Server).seen();
        assert_eq!(confidence(&ClientCertificateRejected, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "client-certificate-rejected");
    }

    #[test]
    fn a_server_that_hangs_up_without_a_word_possibly_refused_it() {
        let leaf = Leaf::named("alice").self_signed();
        assert_eq!(
            confidence(&ClientCertificateRejected, &shown(&[&leaf]).fin(Server).seen()),
            Some(Confidence::Possible)
        );
    }

    #[test]
    fn an_empty_list_is_none_that_could_be_rejected() {
        let seen = shown(&[]).alert(Server, 2, 40).seen();
        assert!(judged(&ClientCertificateRejected, &seen).is_none());
        let seen = sealed(&[25, 53]).sealed(Server, &[19]).seen();
        assert!(judged(&ClientCertificateRejected, &seen).is_none());
    }

    #[test]
    fn a_certificate_that_was_taken_was_not_rejected() {
        let leaf = Leaf::named("alice").self_signed();
        let seen = shown(&[&leaf])
            .finished(Server)
            .sealed(Client, &[80])
            .sealed(Server, &[80])
            .fin(Server)
            .seen();
        assert!(judged(&ClientCertificateRejected, &seen).is_none());
    }

    #[test]
    fn a_client_that_leaves_by_itself_was_not_rejected() {
        let leaf = Leaf::named("alice").self_signed();
        assert!(judged(&ClientCertificateRejected, &shown(&[&leaf]).fin(Client).seen()).is_none());
    }
}
