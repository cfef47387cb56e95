//! The server does not take the client's certificate.

use super::{NAMES_TOLD, prove_certificate, prove_refusal, prove_request, request, show_certificate};
use crate::connection::CertificateRequestSeen;
use crate::why::prelude::*;
use crate::x509::Certificate;

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

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(rejection) = context.rejection(seen, Side::Client) else {
            return;
        };
        let found = match &seen.client_chain {
            Seen::Seen(chain) if chain.value.is_empty() => None,
            Seen::Seen(_) => Some(self.in_the_clear(seen, context, &rejection)),
            Seen::Absent => None,
            Seen::Unknown(_) => self.by_sizes(seen, &rejection),
        };
        findings.extend(found.map(|finding| {
            finding
                .at_fault(AtFault::Unknown)
                .aborted_by(AbortedBy::Server)
                .remedy(
                    AtFault::Client,
                    "check its dates, its extended key usage (clientAuth) and that its intermediate is sent along",
                    show_certificate(),
                )
                .remedy(
                    AtFault::Server,
                    "its log names the reason; check the CA file that it verifies clients with",
                    None,
                )
        }));
    }
}

impl ClientCertificateRejected {
    /// A certificate that can be read, in which the other causes find nothing wrong.
    fn in_the_clear(&self, seen: &Observed, context: &Context<'_>, rejection: &Rejection) -> Finding {
        let server = server_called(seen);
        let Some(leaf) = context
            .chain(seen, Side::Client)
            .and_then(|chain| chain.leaf.as_deref())
        else {
            let sentence = format!("{server} does not take the client's certificate, which cannot be read.");
            let finding = Finding::new(self, 80, sentence);
            return prove_refusal(prove_unreadable(finding, seen), seen, rejection);
        };
        let name = leaf.display_name();
        let misfit = request(seen).and_then(|request| misfit(leaf, request));
        let (weight, inferred) = match rejection.sign {
            Sign::Alert(AlertDescription::CERTIFICATE_EXPIRED) => (
                70,
                Some(
                    "Nothing in it had expired by the packet's time: the server's clock is ahead, or its revocation list is past nextUpdate.",
                ),
            ),
            // These may be about the signature that came with it, or about Finished.
            Sign::Alert(AlertDescription::HANDSHAKE_FAILURE) if misfit.is_none() => (70, Some(SIGNATURE)),
            Sign::Alert(AlertDescription::DECRYPT_ERROR) => (60, Some(SIGNATURE)),
            Sign::Alert(_) => (88, None),
            Sign::HiddenAlert(_) | Sign::CloseNotify => (80, None),
            Sign::Left | Sign::LeftAfterCompletion => (70, None),
        };
        let sentence = match &misfit {
            Some(misfit) => format!("{server} does not take the client's certificate \"{name}\": {misfit}."),
            None => {
                format!("{server} does not take the client's certificate \"{name}\", in which no defect is visible.")
            }
        };
        let mut finding = prove_certificate(
            prove_request(Finding::new(self, weight, sentence), seen),
            seen,
            leaf,
            "",
        );
        finding.inferred = inferred.map(str::to_owned);
        prove_refusal(finding, seen, rejection)
    }

    /// TLS 1.3: by the sizes of what the client sent.
    fn by_sizes(&self, seen: &Observed, rejection: &Rejection) -> Option<Finding> {
        let sealed = seen.sealed()?;
        let ClientReply::Accepted {
            empty_certificate: None,
            certificate,
            finished,
        } = sealed.client
        else {
            return None;
        };
        let weight = match (certificate.is_some(), sealed.asks_for_certificate, rejection.sign) {
            (true, _, Sign::HiddenAlert(_)) => 80,
            (true, _, _) => 65,
            (false, true, Sign::HiddenAlert(_)) => 60,
            _ => return None,
        };
        let record = certificate.unwrap_or(finished);
        let sentence = format!("{} does not take the client's certificate.", server_called(seen));
        let finding = Finding::new(self, weight, sentence).prove(
            record.mark,
            format!(
                "an encrypted record of {} bytes: a certificate, by its size",
                record.len
            ),
        );
        Some(
            prove_refusal(finding, seen, rejection)
                .infer(
                    "TLS 1.3 hides the certificate and the alert: expired, from an authority that the server does not know, and made \
                     for another use all look alike. A key log of either side tells them apart.",
                )
                .but_not(
                    CauseId("client-certificate-missing"),
                    "the client's reply is larger than an empty Certificate",
                ),
        )
    }
}

/// What an alert may mean that servers also send for a bad CertificateVerify.
const SIGNATURE: &str = "Java says handshake_failure where the signature in CertificateVerify does not fit the certificate, others decrypt_error.";

/// Why the server's request does not allow this certificate, whoever issued it (RFC 5246 §7.4.6).
fn misfit(leaf: &Certificate, request: &CertificateRequestSeen) -> Option<String> {
    (!request.takes_key_of(leaf)).then(|| {
        let kinds = list(request.key_kinds(), NAMES_TOLD);
        format!("its key is {}, and the server takes {kinds} only", leaf.key)
    })
}

/// A Certificate message whose first certificate is none.
fn prove_unreadable(finding: Finding, seen: &Observed) -> Finding {
    match &seen.client_chain {
        Seen::Seen(chain) => finding.prove_span(&chain.span, "Certificate: a certificate that cannot be read"),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn sealed(reply: &[usize]) -> Scene {
        connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 65, 2_000, 281, 53])
            .sealed(Client, reply)
    }

    #[test]
    fn an_alert_after_the_clients_certificate_is_about_it() {
        let chain = Issued::of(&client_leaf("alice"));
        let seen = shown(&chain.whole(), &[&chain.root])
            .alert(Server, 2, 49)
            .fin(Server)
            .seen();
        let finding = judged(&ClientCertificateRejected, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding.sentence.contains("\"alice\", in which no defect is visible"),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "client-certificate-rejected");
    }

    #[test]
    fn a_key_of_a_kind_that_was_not_asked_for_is_told() {
        let chain = Issued::of(&client_leaf("alice"));
        let rsa_only = [&[1, 1][..], &[0, 2, 4, 1], &[0, 0]].concat();
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_hello(0x0303, 0xc02f)
            .certificate(Server, &[b"leaf"])
            .server_key_exchange(29)
            .message(Server, 13, &rsa_only)
            .server_hello_done()
            .certificate(Client, &chain.whole())
            .client_key_exchange()
            .alert(Server, 2, 43)
            .seen();
        let finding = judged(&ClientCertificateRejected, &seen).unwrap();
        assert!(
            finding
                .sentence
                .contains("its key is EC P-256, and the server takes RSA only"),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "client-certificate-rejected");
    }

    #[test]
    fn an_alert_about_dates_that_are_good_leaves_a_doubt() {
        let chain = Issued::of(&client_leaf("alice"));
        let seen = shown(&chain.whole(), &[&chain.root]).alert(Server, 2, 45).seen();
        let finding = judged(&ClientCertificateRejected, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
        assert!(
            finding
                .inferred
                .is_some_and(|inferred| inferred.contains("revocation list"))
        );
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
            confidence(&ClientCertificateRejected, &shown(&[&leaf], &[]).fin(Server).seen()),
            Some(Confidence::Possible)
        );
    }

    #[test]
    fn an_empty_list_is_none_that_could_be_rejected() {
        let seen = shown(&[], &[]).alert(Server, 2, 40).seen();
        assert!(judged(&ClientCertificateRejected, &seen).is_none());
        let seen = sealed(&[25, 53]).sealed(Server, &[19]).seen();
        assert!(judged(&ClientCertificateRejected, &seen).is_none());
    }

    #[test]
    fn a_certificate_that_was_taken_was_not_rejected() {
        let leaf = Leaf::named("alice").self_signed();
        let seen = shown(&[&leaf], &[])
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
        assert!(judged(&ClientCertificateRejected, &shown(&[&leaf], &[]).fin(Client).seen()).is_none());
    }
}
