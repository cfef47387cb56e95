//! The server says that the client's certificate is revoked.

use super::{GENERIC, case, prove_certificate, prove_refusal, prove_request};
use crate::why::prelude::*;

/// certificate_revoked in answer to the client's certificate.
pub(crate) struct ClientCertificateRevoked;

impl Cause for ClientCertificateRevoked {
    fn id(&self) -> CauseId {
        CauseId("client-certificate-revoked")
    }

    fn page(&self) -> &'static str {
        include_str!("client_certificate_revoked.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        // No stack says so of anything else; servers that say less of a revoked certificate cannot be told from those with a rule of their own.
        if case.rejection.sign != Sign::Alert(AlertDescription::CERTIFICATE_REVOKED) {
            return;
        }
        let sentence = format!(
            "{} says that the client's certificate \"{}\" was revoked by \"{}\".",
            server_called(seen),
            case.leaf.display_name(),
            case.leaf.issuer.display()
        );
        let finding = Finding::new(self, 93, sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Server);
        let serial = format!(", serial number {}", case.leaf.serial);
        let finding = prove_certificate(prove_request(finding, seen), seen, case.leaf, &serial);
        findings.push(
            prove_refusal(finding, seen, &case.rejection)
                .infer("The server's word is all there is: the list that it looked into is not in the packets.")
                .remedy(AtFault::Client, "have a new certificate issued, with a new key", None)
                .remedy(
                    AtFault::Server,
                    "see whether it stands on the list that the server uses, and since when",
                    Some(format!(
                        "openssl crl -in crl.pem -noout -text | grep -i -A 2 {}",
                        shell(&case.leaf.serial)
                    )),
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

    fn refused(description: u8) -> Observed {
        let chain = Issued::of(&client_leaf("alice"));
        shown(&chain.whole(), &[&chain.root])
            .alert(Server, 2, description)
            .fin(Server)
            .seen()
    }

    #[test]
    fn the_alert_of_that_name_says_so_and_the_list_is_not_there_to_prove_it() {
        let seen = refused(44);
        let finding = judged(&ClientCertificateRevoked, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding
                .sentence
                .contains("\"alice\" was revoked by \"Shop Issuing CA\""),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "client-certificate-revoked");
    }

    #[test]
    fn other_alerts_do_not_say_so() {
        for description in [42, 46, 48, 49] {
            assert!(
                judged(&ClientCertificateRevoked, &refused(description)).is_none(),
                "{description}"
            );
        }
    }
}
