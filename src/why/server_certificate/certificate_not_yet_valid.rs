//! A certificate's first day was still to come.

use super::list::explain_javas_46;
use super::{GENERIC, case, prove_chain, prove_rejection, show_chain};
use crate::why::fits::fits;
use crate::why::prelude::*;
use crate::x509::OutOfTime;

/// notBefore lies after the moment of the handshake.
pub(crate) struct CertificateNotYetValid;

impl Cause for CertificateNotYetValid {
    fn id(&self) -> CauseId {
        CauseId("certificate-not-yet-valid")
    }

    fn page(&self) -> &'static str {
        include_str!("certificate_not_yet_valid.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        let Some(OutOfTime {
            depth,
            certificate,
            by_seconds,
        }) = case.chain.not_yet_valid.first()
        else {
            return;
        };
        let sentence = format!(
            "The certificate \"{}\" of {} is valid from {}, {} after this handshake, and the client refused it.",
            certificate.display_name(),
            server_called(seen),
            certificate.not_before.date(),
            span_of_time(*by_seconds as f64)
        );
        let weight = fits(if *depth == 0 { 97 } else { 93 }, self.id(), seen, &case.rejection);
        let finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Client);
        let finding = prove_chain(
            finding,
            seen,
            format!(
                "Certificate {}: \"{}\", notBefore {}",
                depth + 1,
                certificate.display_name(),
                certificate.not_before.date_and_time()
            ),
        );
        let finding = explain_javas_46(finding, seen, case.chain, &case.rejection);
        findings.push(
            prove_rejection(finding, seen, &case.rejection)
                .remedy(
                    AtFault::Server,
                    "wait, or have it issued again with an earlier first day",
                    None,
                )
                .remedy(
                    AtFault::Both,
                    "check the clocks of the issuing CA and of the client",
                    Some("timedatectl".to_owned()),
                )
                .remedy(
                    AtFault::Both,
                    "see its dates",
                    Some(format!("{} </dev/null | openssl x509 -noout -dates", show_chain(seen))),
                ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn a_first_day_to_come_and_a_refusal_prove_it() {
        let chain = Issued::of(&Leaf::named("shop.example").with(valid(2027, 2029)));
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .alert(Client, 2, 42)
            .fin(Client)
            .seen();
        let world = || context().trusting(&chain.root);
        let finding = world().judged(&CertificateNotYetValid, &seen).unwrap();
        assert!(Confidence::of_weight(finding.weight) >= Some(Confidence::Likely));
        assert!(finding.sentence.contains("2027-01-01"), "{}", finding.sentence);
        assert_eq!(
            (finding.at_fault, world().chosen(&seen)),
            (AtFault::Server, "certificate-not-yet-valid")
        );
    }

    #[test]
    fn a_certificate_that_has_begun_is_valid() {
        let chain = Issued::of(&Leaf::named("shop.example").with(valid(2026, 2029)));
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .alert(Client, 2, 42)
            .seen();
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&CertificateNotYetValid, &seen)
                .is_none()
        );
    }
}
