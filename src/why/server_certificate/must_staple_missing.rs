//! The certificate demands a stapled status, and the server staples none.

use super::{GENERIC, case, refused, show_chain, staple, what_is_wrong};
use crate::registry::ExtensionType;
use crate::why::fits::wants_the_staple;
use crate::why::prelude::*;

/// The TLS feature extension asks for status_request (RFC 7633), the client asked too, and no usable CertificateStatus came.
pub(crate) struct MustStapleMissing;

impl Cause for MustStapleMissing {
    fn id(&self) -> CauseId {
        CauseId("must-staple-missing")
    }

    fn page(&self) -> &'static str {
        include_str!("must_staple_missing.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Some(case), Some(leaf)) = (case(seen, context), seen.leaf()) else {
            return;
        };
        let asked = seen
            .offer
            .as_ref()
            .seen()
            .is_some_and(|offer| offer.value.has(ExtensionType::STATUS_REQUEST));
        if !leaf.extensions.must_staple || !asked || matches!(seen.stapled, Seen::Unknown(_)) {
            return;
        }
        let wrong = match staple(seen, context) {
            None => "staples none".to_owned(),
            Some((status, _)) => match what_is_wrong(&status) {
                Some(wrong) => format!("staples one that {wrong}"),
                None => return,
            },
        };
        let weight = if wants_the_staple(seen) { 96 } else { 60 };
        let sentence = format!(
            "The certificate \"{}\" of {} demands that its OCSP status is stapled (must-staple), the client asked for it, and the server \
             {wrong}.",
            leaf.display_name(),
            server_called(seen)
        );
        let shown = format!(
            "Certificate \"{}\": TLS feature status_request (5); the server {wrong}",
            leaf.display_name()
        );
        let finding = refused(self, weight, seen, &case.rejection, sentence, shown)
            .prove_offer(seen, "ClientHello: status_request")
            .remedy(
                AtFault::Server,
                "staple; nginx",
                Some(
                    "ssl_stapling on; ssl_stapling_verify on; ssl_trusted_certificate chain.pem; resolver 192.0.2.53;"
                        .to_owned(),
                ),
            )
            .remedy(
                AtFault::Server,
                "or have the certificate issued again without must-staple: authorities are giving up OCSP",
                None,
            )
            .remedy(
                AtFault::Both,
                "see what is stapled",
                Some(format!(
                    "{} -status </dev/null | grep -A12 'OCSP response'",
                    show_chain(seen)
                )),
            );
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;
    use rcgen::CustomExtension;

    /// The GnuTLS client's order of signature schemes, by which it is known.
    const GNUTLS: &[u16] = &[0x0401, 0x0809, 0x0804, 0x0403, 0x0807, 0x0501, 0x080a, 0x0805, 0x0503];

    fn demanding() -> (Authority, Vec<u8>) {
        let root = Authority::root("Shop Anchor");
        let feature = CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5]);
        let leaf = Leaf::named("shop.example").with(|params| params.custom_extensions.push(feature));
        let leaf = leaf.signed_by(&root);
        (root, leaf)
    }

    fn refuses(leaf: &[u8], asks: bool) -> Observed {
        connected()
            .client_hello(|hello| {
                let hello = hello.tls12().schemes(GNUTLS);
                if asks {
                    hello.extension(5, &[1, 0, 0, 0, 0])
                } else {
                    hello
                }
            })
            .server_flight(&[leaf])
            .alert(Client, 2, 42)
            .fin(Client)
            .seen()
    }

    #[test]
    fn a_client_that_insists_refuses_what_is_not_stapled() {
        let (root, leaf) = demanding();
        let world = || context().trusting(&root);
        let seen = refuses(&leaf, true);
        let finding = world().judged(&MustStapleMissing, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(finding.sentence.ends_with("staples none."), "{}", finding.sentence);
        assert_eq!(world().chosen(&seen), "must-staple-missing");
    }

    #[test]
    fn a_client_that_did_not_ask_misses_nothing() {
        let (root, leaf) = demanding();
        assert!(
            context()
                .trusting(&root)
                .judged(&MustStapleMissing, &refuses(&leaf, false))
                .is_none()
        );
    }

    #[test]
    fn a_certificate_that_does_not_demand_it_needs_none() {
        let chain = Issued::to("shop.example");
        let seen = refuses(&chain.leaf, true);
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&MustStapleMissing, &seen)
                .is_none()
        );
    }
}
