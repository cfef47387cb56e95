//! The client's certificate is not made for clients.

use super::{GENERIC, case, prove_certificate, prove_refusal, prove_request, request, show_certificate};
use crate::why::fits::fits_client;
use crate::why::prelude::*;
use crate::x509::Certificate;

/// Its extendedKeyUsage or keyUsage does not allow what a client does with it.
pub(crate) struct ClientCertificateWrongUsage;

impl Cause for ClientCertificateWrongUsage {
    fn id(&self) -> CauseId {
        CauseId("client-certificate-wrong-usage")
    }

    fn page(&self) -> &'static str {
        include_str!("client_certificate_wrong_usage.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        let name = case.leaf.display_name();
        let said_so = case.rejection.sign == Sign::Alert(AlertDescription::UNSUPPORTED_CERTIFICATE);
        let key_is_taken = request(seen).is_none_or(|request| request.takes_key_of(case.leaf));
        let (weight, sentence, shown) = match misuse(case.leaf) {
            Some(misuse) => (
                fits_client(98, self.id(), &case.rejection),
                format!(
                    "The client's certificate \"{name}\" is not made for clients: {misuse}. {} refused it.",
                    server_called(seen)
                ),
                format!("; {misuse}"),
            ),
            None if said_so && key_is_taken => (
                80,
                format!(
                    "{} says that the client's certificate \"{name}\" is not for this use.",
                    server_called(seen)
                ),
                "; its own extensions allow it".to_owned(),
            ),
            None => return,
        };
        let finding = Finding::new(self, weight, sentence)
            .at_fault(AtFault::Client)
            .aborted_by(AbortedBy::Server);
        let finding = prove_certificate(prove_request(finding, seen), seen, case.leaf, &shown);
        findings.push(
            prove_refusal(finding, seen, &case.rejection)
                .remedy(
                    AtFault::Client,
                    "have one issued with clientAuth; public authorities end that in 2026, so by a private one. See what it holds",
                    show_certificate(),
                )
                .remedy(
                    AtFault::Ca,
                    "OpenSSL's configuration for it",
                    Some("extendedKeyUsage = clientAuth".to_owned()),
                ),
        );
    }
}

/// Why the certificate's own extensions do not let a client use it (RFC 5280 §4.2.1.12, §4.2.1.3).
fn misuse(leaf: &Certificate) -> Option<String> {
    let purposes = leaf.extensions.extended_key_usage.as_ref();
    if let Some(purposes) = purposes.filter(|purposes| !purposes.client_auth && !purposes.any) {
        return Some(format!("its extendedKeyUsage holds {purposes}, and not clientAuth"));
    }
    let usage = leaf.extensions.key_usage?;
    (!usage.digital_signature())
        .then(|| "its keyUsage lacks digitalSignature, with which a client proves its key".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;
    use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};

    fn refused(leaf: &Leaf, description: u8) -> Observed {
        let chain = Issued::of(leaf);
        shown(&chain.whole(), &[&chain.root])
            .alert(Server, 2, description)
            .fin(Server)
            .seen()
    }

    #[test]
    fn a_certificate_for_servers_is_not_one_for_clients() {
        let servers =
            Leaf::named("alice").with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
        let seen = refused(&servers, 43);
        let finding = judged(&ClientCertificateWrongUsage, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(
            finding.sentence.contains("holds serverAuth, and not clientAuth"),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "client-certificate-wrong-usage");
        assert_eq!(
            confidence(&ClientCertificateWrongUsage, &refused(&servers, 46)),
            Some(Confidence::Likely)
        );
    }

    #[test]
    fn a_key_that_may_not_sign_proves_nothing() {
        let sealing = client_leaf("alice").with(|params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
        let finding = judged(&ClientCertificateWrongUsage, &refused(&sealing, 43)).unwrap();
        assert!(finding.sentence.contains("digitalSignature"), "{}", finding.sentence);
        let signing = client_leaf("alice").with(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
        assert!(judged(&ClientCertificateWrongUsage, &refused(&signing, 42)).is_none());
    }

    #[test]
    fn the_alert_alone_makes_it_likely() {
        let seen = refused(&client_leaf("alice"), 43);
        assert_eq!(
            confidence(&ClientCertificateWrongUsage, &seen),
            Some(Confidence::Likely)
        );
        assert_eq!(chosen(&seen), "client-certificate-wrong-usage");
    }

    #[test]
    fn one_without_any_usage_may_be_used_for_all() {
        assert!(judged(&ClientCertificateWrongUsage, &refused(&Leaf::named("alice"), 42)).is_none());
    }
}
