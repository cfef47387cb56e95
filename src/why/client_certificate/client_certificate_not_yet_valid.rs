//! The client's certificate was used before its first day.

use super::{GENERIC, called, case, prove_certificate, prove_refusal, prove_request};
use crate::why::fits::fits_client;
use crate::why::prelude::*;

/// notBefore of the client's certificate, or of one above it, lies behind the moment of the handshake.
pub(crate) struct ClientCertificateNotYetValid;

impl Cause for ClientCertificateNotYetValid {
    fn id(&self) -> CauseId {
        CauseId("client-certificate-not-yet-valid")
    }

    fn page(&self) -> &'static str {
        include_str!("client_certificate_not_yet_valid.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        let Some(early) = case.chain.not_yet_valid.first() else {
            return;
        };
        let start = early.certificate.not_before;
        let sentence = format!(
            "{} is valid from {} on, {} after this handshake, and {} refused it.",
            called(early),
            start.date_and_time(),
            span_of_time(early.by_seconds as f64),
            server_called(seen)
        );
        let finding = Finding::new(self, fits_client(98, self.id(), &case.rejection), sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Server);
        let from = format!(
            "; \"{}\" has notBefore {}",
            early.certificate.display_name(),
            start.date_and_time()
        );
        let finding = prove_certificate(prove_request(finding, seen), seen, case.leaf, &from);
        findings.push(
            prove_refusal(finding, seen, &case.rejection)
                .remedy(
                    AtFault::Client,
                    "use the certificate before it until then, or have it issued again with an earlier notBefore",
                    Some("openssl x509 -in client.pem -noout -dates".to_owned()),
                )
                .remedy(
                    AtFault::Ca,
                    "minutes or hours: the issuing machine's clock is ahead",
                    Some("timedatectl".to_owned()),
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

    #[test]
    fn a_certificate_before_its_first_day_is_named_with_it() {
        let chain = Issued::of(&client_leaf("alice").with(valid(2027, 2028)));
        for description in [42, 45] {
            let seen = shown(&chain.whole(), &[&chain.root])
                .alert(Server, 2, description)
                .fin(Server)
                .seen();
            let finding = judged(&ClientCertificateNotYetValid, &seen).unwrap();
            assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
            assert!(finding.sentence.contains("from 2027-01-01"), "{}", finding.sentence);
            assert_eq!(chosen(&seen), "client-certificate-not-yet-valid");
        }
    }

    #[test]
    fn one_whose_first_day_has_come_is_not_early() {
        let chain = Issued::of(&client_leaf("alice").with(valid(2026, 2028)));
        let seen = shown(&chain.whole(), &[&chain.root]).alert(Server, 2, 42).seen();
        assert!(judged(&ClientCertificateNotYetValid, &seen).is_none());
    }

    #[test]
    fn a_client_that_leaves_by_itself_was_not_refused() {
        let chain = Issued::of(&client_leaf("alice").with(valid(2027, 2028)));
        let seen = shown(&chain.whole(), &[&chain.root]).fin(Client).seen();
        assert!(judged(&ClientCertificateNotYetValid, &seen).is_none());
    }
}
