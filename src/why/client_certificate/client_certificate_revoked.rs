//! The server says that the client's certificate is revoked.

use super::{Case, GENERIC, case, prove_certificate, prove_refusal, prove_request};
use crate::why::fetched::{FetchedRevocation, fetched_as_good, fetched_revocation, tell, when};
use crate::why::fits::fits_client;
use crate::why::prelude::*;

/// certificate_revoked in answer to the client's certificate, or a refusal of one that is known to be revoked.
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
        let fetched = fetched_revocation(seen, context, case.chain);
        let finding = match &fetched {
            Some(revoked) => as_fetched(self, seen, &case, revoked),
            // No stack says so of anything else; servers that say less of a revoked certificate cannot be told from those with a rule of
            // their own.
            None if case.rejection.sign == Sign::Alert(AlertDescription::CERTIFICATE_REVOKED) => {
                told(self, seen, context, &case)
            }
            None => return,
        };
        let certificate = fetched.map_or(case.leaf, |revoked| revoked.certificate);
        findings.push(
            finding
                .aborted_by(AbortedBy::Server)
                .remedy(AtFault::Client, "have a new certificate issued, with a new key", None)
                .remedy(
                    AtFault::Server,
                    "see whether it stands on the list that the server uses, and since when",
                    Some(format!(
                        "openssl crl -in crl.pem -noout -text | grep -i -A 2 {}",
                        shell(&certificate.serial)
                    )),
                ),
        );
    }
}

/// A list or a response that somebody fetched is the proof.
fn as_fetched(
    cause: &ClientCertificateRevoked,
    seen: &Observed,
    case: &Case<'_>,
    revoked: &FetchedRevocation<'_>,
) -> Finding {
    let name = revoked.certificate.display_name();
    let whose = match revoked.depth {
        0 => format!("The client's certificate \"{name}\""),
        _ => format!("The certificate \"{name}\" above the client's"),
    };
    let sentence = format!(
        "{whose} was revoked by \"{}\" on {}: {} says so, and {} refuses it.",
        revoked.certificate.issuer.display(),
        when(&revoked.revocation),
        revoked.source(),
        server_called(seen)
    );
    let weight = fits_client(97, cause.id(), &case.rejection);
    let finding = Finding::new(cause, weight, sentence).at_fault(AtFault::Client);
    prove_refusal(revoked.prove(prove_shown(finding, seen, case)), seen, &case.rejection)
}

/// The server says so.
fn told(cause: &ClientCertificateRevoked, seen: &Observed, context: &Context<'_>, case: &Case<'_>) -> Finding {
    let good = fetched_as_good(seen, context, case.chain);
    let sentence = format!(
        "{} says that the client's certificate \"{}\" was revoked by \"{}\".",
        server_called(seen),
        case.leaf.display_name(),
        case.leaf.issuer.display()
    );
    let weight = if good.is_some() { 70 } else { 93 };
    let finding = prove_shown(Finding::new(cause, weight, sentence), seen, case);
    let finding = match good {
        Some(statement) => tell(finding, statement, case.leaf, "good at that time")
            .at_fault(AtFault::Unknown)
            .infer("Its authority says good of the certificate: what the server looked into is newer, wrong, or about the issuer."),
        None => finding
            .at_fault(AtFault::Client)
            .infer("The server's word is all there is: the list that it looked into is not in the packets."),
    };
    prove_refusal(finding, seen, &case.rejection)
}

/// The request and what the client showed, as evidence.
fn prove_shown(finding: Finding, seen: &Observed, case: &Case<'_>) -> Finding {
    let serial = format!(", serial number {}", case.leaf.serial);
    prove_certificate(prove_request(finding, seen), seen, case.leaf, &serial)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::evidence::Time;
    use crate::why::Confidence;
    use crate::why::testing::*;
    use crate::x509::testing::{REVOCATION_PEM, block};
    use crate::x509::{Crl, StatusKind};

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

    /// A client that shows a certificate of the revocation tests, and is refused.
    fn shows(certificate: &str, description: u8) -> Observed {
        let chain = [&block(REVOCATION_PEM, certificate)[..], &block(REVOCATION_PEM, "root")];
        shown(&chain, &[]).alert(Server, 2, description).fin(Server).seen()
    }

    fn with_list() -> World {
        context().with_fetched(StatusKind::Crl, &block(REVOCATION_PEM, "crl"))
    }

    /// When the list was made, by the time of which all the certificates are valid.
    fn made() -> Time {
        Crl::parse(&block(REVOCATION_PEM, "crl")).unwrap().this_update
    }

    #[test]
    fn a_list_that_somebody_fetched_proves_it() {
        let finding = with_list()
            .judged(&ClientCertificateRevoked, &shows("revoked", 44))
            .unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        let said = "was revoked by \"Root\" on 2024-03-01 (keyCompromise): the revocation list (CRL) that was fetched from 10.0.0.9";
        assert!(finding.sentence.contains(said), "{}", finding.sentence);
        assert!(
            finding
                .evidence
                .iter()
                .any(|one| one.elsewhere && one.mark.frame == 902)
        );
        // Java says so little of it that the list has to tell.
        let vague = shows("revoked", 46);
        assert_eq!(
            sure(with_list().judged(&ClientCertificateRevoked, &vague)),
            Some(Confidence::Likely)
        );
        assert_eq!(with_list().at(made()).chosen(&vague), "client-certificate-revoked");
    }

    #[test]
    fn a_list_without_it_speaks_against_the_server() {
        let finding = with_list()
            .at(made())
            .judged(&ClientCertificateRevoked, &shows("good", 44))
            .unwrap();
        assert_eq!(finding.at_fault, AtFault::Unknown);
        assert!(finding.weight < 93 && finding.evidence.iter().any(|one| one.elsewhere));
        let vague = with_list()
            .at(made())
            .judged(&ClientCertificateRevoked, &shows("good", 46));
        assert!(vague.is_none());
    }
}
