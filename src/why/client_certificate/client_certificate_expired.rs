//! The client's certificate was past its last day.

use super::{GENERIC, called, case, prove_certificate, prove_refusal, prove_request, show_certificate};
use crate::why::fits::fits_client;
use crate::why::prelude::*;

/// notAfter of the client's certificate, or of one above it, lies before the moment of the handshake.
pub(crate) struct ClientCertificateExpired;

impl Cause for ClientCertificateExpired {
    fn id(&self) -> CauseId {
        CauseId("client-certificate-expired")
    }

    fn page(&self) -> &'static str {
        include_str!("client_certificate_expired.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        let Some(expired) = case.chain.expired.first() else {
            return;
        };
        let end = expired.certificate.not_after;
        let sentence = format!(
            "{} expired on {}, {} before this handshake, and {} refused it.",
            called(expired),
            end.date(),
            span_of_time(expired.by_seconds as f64),
            server_called(seen)
        );
        let weight = if expired.depth == 0 { 98 } else { 95 };
        let finding = Finding::new(self, fits_client(weight, self.id(), &case.rejection), sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Server);
        let until = format!(
            "; \"{}\" has notAfter {}",
            expired.certificate.display_name(),
            end.date_and_time()
        );
        let finding = prove_certificate(prove_request(finding, seen), seen, case.leaf, &until);
        findings.push(
            prove_refusal(finding, seen, &case.rejection)
                .remedy(
                    AtFault::Client,
                    "renew it, and restart the client so that it is used; see its dates",
                    show_certificate(),
                )
                .remedy(
                    AtFault::Client,
                    "have the renewal watched: this fails 30 days before the end",
                    Some("openssl x509 -in client.pem -noout -checkend 2592000".to_owned()),
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn expired() -> Issued {
        Issued::of(&client_leaf("alice").with(valid(2024, 2026)))
    }

    #[test]
    fn a_certificate_past_its_last_day_and_the_alert_of_that_name_prove_it() {
        let chain = expired();
        let seen = shown(&chain.whole(), &[&chain.root])
            .alert(Server, 2, 45)
            .fin(Server)
            .seen();
        let verdict = context().verdict(&seen);
        let finding = verdict.cause.as_ref().unwrap();
        assert_eq!(
            (name_of(&verdict), finding.at_fault, verdict.aborted_by),
            ("client-certificate-expired", AtFault::Client, AbortedBy::Server)
        );
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(
            finding.sentence.contains("\"alice\" expired on 2026-01-01, 182 days"),
            "{}",
            finding.sentence
        );
        assert!(!mentions(&verdict, "client-certificate-rejected"));
    }

    #[test]
    fn a_general_alert_leaves_a_doubt() {
        let chain = expired();
        let seen = shown(&chain.whole(), &[&chain.root])
            .alert(Server, 2, 46)
            .fin(Server)
            .seen();
        assert_eq!(confidence(&ClientCertificateExpired, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "client-certificate-expired");
    }

    #[test]
    fn an_expired_certificate_above_the_clients_counts_as_well() {
        let root = Authority::root("Shop Anchor");
        let intermediate = root.below_with("Shop Issuing CA", valid(2020, 2025));
        let leaf = client_leaf("alice").signed_by(&intermediate);
        let seen = shown(&[&leaf, &intermediate.der], &[&root]).alert(Server, 2, 45).seen();
        let finding = judged(&ClientCertificateExpired, &seen).unwrap();
        assert!(
            finding
                .sentence
                .starts_with("The certificate \"Shop Issuing CA\" above the client's expired"),
            "{}",
            finding.sentence
        );
    }

    #[test]
    fn a_valid_certificate_is_not_expired_whatever_the_server_says() {
        let chain = Issued::of(&client_leaf("alice").with(valid(2024, 2027)));
        let seen = shown(&chain.whole(), &[&chain.root]).alert(Server, 2, 45).seen();
        assert!(judged(&ClientCertificateExpired, &seen).is_none());
        assert_eq!(chosen(&seen), "client-certificate-rejected");
    }

    #[test]
    fn an_expired_certificate_that_the_server_takes_is_no_failure() {
        let chain = expired();
        let seen = shown(&chain.whole(), &[&chain.root])
            .finished(Server)
            .sealed(Client, &[80])
            .sealed(Server, &[80])
            .fin(Server)
            .seen();
        assert!(judged(&ClientCertificateExpired, &seen).is_none());
    }
}
