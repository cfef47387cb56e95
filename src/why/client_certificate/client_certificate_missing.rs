//! The server requires a client certificate, and the client sent none.

use super::{authorities, prove_refusal, prove_request, request};
use crate::why::prelude::*;

/// An empty Certificate, or certificate_required.
pub(crate) struct ClientCertificateMissing;

impl Cause for ClientCertificateMissing {
    fn id(&self) -> CauseId {
        CauseId("client-certificate-missing")
    }

    fn page(&self) -> &'static str {
        include_str!("client_certificate_missing.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("client-certificate-rejected"),
            CauseId("no-shared-cipher"),
            CauseId("decode-error"),
            CauseId("server-closed"),
            CauseId("client-abandoned"),
        ]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(rejection) = context.rejection(seen, Side::Client) else {
            findings.extend(asked_its_user(self, seen, context));
            return;
        };
        let (weight, shown, text) = if let Seen::Seen(chain) = &seen.client_chain {
            if !chain.value.is_empty() {
                return;
            }
            // RFC 5246 §7.4.6: the server may go on or refuse with handshake_failure; stacks also say 42, 50 and 116.
            let weight = match rejection.sign {
                Sign::Alert(_) => 97,
                Sign::HiddenAlert(_) | Sign::CloseNotify => 93,
                Sign::Left | Sign::LeftAfterCompletion => 82,
            };
            (
                weight,
                chain.span.mark,
                "Certificate without certificates: it has none that fits".to_owned(),
            )
        } else if let Some(ClientReply::Accepted {
            empty_certificate: Some(record),
            ..
        }) = seen.sealed().map(|sealed| sealed.client)
        {
            (
                90,
                record.mark,
                format!(
                    "an encrypted record of {} bytes: the size of an empty Certificate",
                    record.len
                ),
            )
        } else {
            return;
        };
        let mut sentence = format!(
            "{} requires a client certificate, and the client sent none.",
            server_called(seen)
        );
        if let Some(request) = request(seen).filter(|request| request.authority_count() > 0) {
            sentence += &format!(
                " It holds no certificate issued by an authority that the server names: {}.",
                authorities(request)
            );
        }
        let mut finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Server);
        finding = prove_refusal(prove_request(finding, seen).prove(shown, text), seen, &rejection);
        if seen.is_tls13() {
            finding = finding.infer(
                "In TLS 1.3 the client has finished before the server judges: its own log may say that it was connected.",
            );
        }
        findings.push(remedies(finding, seen));
    }
}

/// A browser that left when the server asked for a certificate, and came back with none.
fn asked_its_user(cause: &ClientCertificateMissing, seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    if !seen.asks_its_user() {
        return None;
    }
    let returned = context.return_without_certificate(seen)?;
    let sentence = format!(
        "{} requires a client certificate. The browser left to ask its user for one, came back without, and was refused.",
        server_called(seen)
    );
    let finding = Finding::new(cause, 84, sentence)
        .at_fault(AtFault::Client)
        .aborted_by(AbortedBy::Client);
    let finding = prove_request(finding, seen)
        .prove(
            seen.end().mark,
            "the client closes without a word, where a certificate is asked for",
        )
        .prove_elsewhere(returned, "the next connection: Certificate without certificates");
    Some(remedies(finding, seen))
}

fn remedies(finding: Finding, seen: &Observed) -> Finding {
    finding
        .remedy(
            AtFault::Client,
            "give the client a certificate and its key, from an authority that the server names",
            Some(format!(
                "curl --cert client.pem --key client.key {}",
                shell(&format!("https://{}/", seen.server_name().unwrap_or("HOST")))
            )),
        )
        .remedy(
            AtFault::Server,
            "or do not require one here; nginx `ssl_verify_client optional;`",
            Some(s_client(seen, "-cert client.pem -key client.key")),
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn asked() -> Scene {
        connected().client_hello(Hello::tls12).server_flight_asking(&[b"leaf"])
    }

    /// TLS 1.3: the server's flight with a CertificateRequest, and the client's reply in records of these lengths.
    fn sealed(reply: &[usize]) -> Scene {
        connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 65, 2_000, 281, 53])
            .sealed(Client, reply)
    }

    #[test]
    fn an_empty_list_and_a_refusal_prove_it() {
        let seen = asked()
            .certificate(Client, &[])
            .client_key_exchange()
            .finished(Client)
            .alert(Server, 2, 40)
            .fin(Server)
            .seen();
        let verdict = context().verdict(&seen);
        let finding = verdict.cause.as_ref().unwrap();
        assert_eq!(
            (name_of(&verdict), finding.weight, finding.at_fault),
            ("client-certificate-missing", 97, AtFault::Client)
        );
        assert!(!mentions(&verdict, "server-closed") && !mentions(&verdict, "client-certificate-rejected"));
    }

    #[test]
    fn what_the_server_would_have_taken_is_told() {
        let root = Authority::root("Shop Anchor");
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight_naming(&[b"leaf"], &[root.name()])
            .certificate(Client, &[])
            .client_key_exchange()
            .alert(Server, 2, 40)
            .seen();
        let finding = judged(&ClientCertificateMissing, &seen).unwrap();
        let told: Vec<&str> = finding.evidence.iter().map(|evidence| &*evidence.text).collect();
        assert_eq!(told[0], "CertificateRequest, naming \"Shop Anchor\"");
        assert!(
            finding
                .sentence
                .ends_with("issued by an authority that the server names: \"Shop Anchor\"."),
            "{}",
            finding.sentence
        );
    }

    #[test]
    fn a_server_that_hangs_up_on_an_empty_list_likely_wanted_one() {
        let seen = asked()
            .certificate(Client, &[])
            .client_key_exchange()
            .finished(Client)
            .fin(Server)
            .seen();
        assert_eq!(confidence(&ClientCertificateMissing, &seen), Some(Confidence::Likely));
    }

    #[test]
    fn under_the_keys_of_tls_1_3_sizes_tell() {
        let seen = sealed(&[25, 53]).sealed(Server, &[19]).fin(Server).seen();
        assert_eq!(confidence(&ClientCertificateMissing, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "client-certificate-missing");
        let in_one_record = sealed(&[61]).sealed(Server, &[19]).fin(Server).seen();
        assert_eq!(chosen(&in_one_record), "client-certificate-missing");
    }

    #[test]
    fn a_server_need_not_wait_for_the_clients_finished() {
        let early = |end: fn(Scene) -> Scene| {
            let flight = connected().client_hello(|hello| hello).server_hello(0x0304, 0x1301);
            let shown = flight.sealed(Server, &[40, 65, 2_000, 281, 53]).sealed(Client, &[25]);
            chosen(&end(shown).sealed(Client, &[53]).seen())
        };
        assert_eq!(
            early(|scene| scene.sealed(Server, &[19]).fin(Server)),
            "client-certificate-missing"
        );
        assert_eq!(early(|scene| scene.fin(Server)), "client-certificate-missing");
        let not_shown = sealed(&[]).fin(Server).sealed(Client, &[25, 53]).seen();
        assert!(judged(&ClientCertificateMissing, &not_shown).is_none());
    }

    #[test]
    fn an_empty_list_that_the_server_takes_is_no_defect() {
        let seen = asked().certificate(Client, &[]).finished_by_both().fin(Client).seen();
        assert!(judged(&ClientCertificateMissing, &seen).is_none());
        let seen = sealed(&[25, 53]).sealed(Server, &[255, 255]).fin(Client).seen();
        assert!(judged(&ClientCertificateMissing, &seen).is_none());
    }

    #[test]
    fn a_client_that_was_not_asked_misses_none() {
        let seen = sealed(&[53]).sealed(Server, &[19]).fin(Server).seen();
        assert!(judged(&ClientCertificateMissing, &seen).is_none());
    }
}
