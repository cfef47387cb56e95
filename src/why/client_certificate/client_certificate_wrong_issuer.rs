//! The client's certificate is from an authority that the server did not ask for.

use super::standing::Standing;
use super::{GENERIC, authorities, case, prove_certificate, prove_refusal, prove_request, request};
use crate::why::fits::fits_client;
use crate::why::prelude::*;
use crate::x509::ChainShape;

/// No issuer in the client's chain is among the authorities of the CertificateRequest.
pub(crate) struct ClientCertificateWrongIssuer;

impl Cause for ClientCertificateWrongIssuer {
    fn id(&self) -> CauseId {
        CauseId("client-certificate-wrong-issuer")
    }

    fn page(&self) -> &'static str {
        include_str!("client_certificate_wrong_issuer.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        let (Some(request), Standing::Unlisted) = (request(seen), Standing::of(seen, case.chain)) else {
            return;
        };
        let issuer = case.leaf.issuer.display();
        let sentence = format!(
            "The client's certificate \"{}\" was issued by \"{issuer}\"; {} takes those of {} only.",
            case.leaf.display_name(),
            server_called(seen),
            authorities(request)
        );
        let finding = Finding::new(self, fits_client(94, self.id(), &case.rejection), sentence)
            .at_fault(AtFault::Both)
            .aborted_by(AbortedBy::Server);
        let finding = prove_certificate(prove_request(finding, seen), seen, case.leaf, ": not among them");
        let mut finding = prove_refusal(finding, seen, &case.rejection);
        if matches!(case.chain.shape, ChainShape::LeafOnly) {
            finding = finding.but_not(
                CauseId("client-certificate-untrusted"),
                format!("if \"{issuer}\" is an intermediate below one of them, the client has to send it along"),
            );
        }
        findings.push(
            finding
                .remedy(
                    AtFault::Client,
                    "choose the certificate that one of these authorities issued; see what the server takes",
                    Some(format!(
                        "{} </dev/null | sed -n '/Acceptable client/,/Requested Sig/p'",
                        s_client(seen, "")
                    )),
                )
                .remedy(
                    AtFault::Server,
                    format!("or trust \"{issuer}\" too: add it to the CA file; nginx"),
                    Some("ssl_client_certificate ca.pem;".to_owned()),
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
    fn both_the_issuer_and_the_list_are_told() {
        let chain = Issued::of(&client_leaf("alice"));
        let named = ["A", "B", "C", "D", "E", "F"].map(Authority::root);
        let named: Vec<&Authority> = named.iter().collect();
        let seen = shown(&chain.whole(), &named).alert(Server, 2, 48).fin(Server).seen();
        let finding = judged(&ClientCertificateWrongIssuer, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding.sentence.contains("issued by \"Shop Issuing CA\"")
                && finding.sentence.contains("\"A\", \"B\", \"C\", \"D\" and 2 more only"),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "client-certificate-wrong-issuer");
    }

    #[test]
    fn a_general_alert_and_a_silent_end_fit_it_too() {
        let chain = Issued::of(&client_leaf("alice"));
        let other = Authority::root("Elsewhere Root");
        for description in [42, 46] {
            let seen = shown(&chain.whole(), &[&other]).alert(Server, 2, description).seen();
            assert_eq!(
                confidence(&ClientCertificateWrongIssuer, &seen),
                Some(Confidence::Likely)
            );
        }
        let seen = shown(&chain.whole(), &[&other]).fin(Server).seen();
        assert_eq!(
            confidence(&ClientCertificateWrongIssuer, &seen),
            Some(Confidence::Possible)
        );
    }

    #[test]
    fn an_alert_that_names_another_defect_speaks_against_it() {
        let chain = Issued::of(&client_leaf("alice"));
        let seen = shown(&chain.whole(), &[&Authority::root("Elsewhere Root")])
            .alert(Server, 2, 44)
            .seen();
        assert_eq!(chosen(&seen), "client-certificate-revoked");
    }

    #[test]
    fn an_issuer_that_is_listed_is_the_right_one() {
        let chain = Issued::of(&client_leaf("alice"));
        for named in [&[&chain.root][..], &[&chain.intermediate], &[]] {
            let seen = shown(&chain.whole(), named).alert(Server, 2, 48).seen();
            assert!(judged(&ClientCertificateWrongIssuer, &seen).is_none());
        }
    }
}
