//! The server's certificate is signed by itself.

use super::{GENERIC, as_placeholder, case, prove_chain, prove_rejection, show_chain};
use crate::why::fits::fits;
use crate::why::prelude::*;
use crate::x509::ChainShape;

/// One certificate that vouches for itself and is nobody's anchor.
pub(crate) struct SelfSigned;

impl Cause for SelfSigned {
    fn id(&self) -> CauseId {
        CauseId("self-signed")
    }

    fn page(&self) -> &'static str {
        include_str!("self_signed.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        if !matches!(case.chain.shape, ChainShape::SelfSignedLeaf) {
            return;
        }
        let Some(leaf) = seen.leaf() else { return };
        let sentence = format!(
            "{} presents a self-signed certificate, \"{}\", which the client has no reason to trust.",
            server_called(seen),
            leaf.display_name()
        );
        let finding = Finding::new(self, fits(97, self.id(), seen, &case.rejection), sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Client);
        let finding = match as_placeholder(leaf) {
            Some(proves) => finding.infer(proves),
            None => finding,
        };
        let finding = prove_chain(
            finding,
            seen,
            format!(
                "Certificate \"{}\", issued by itself: its own key verifies its signature; valid {} to {}",
                leaf.display_name(),
                leaf.not_before.date(),
                leaf.not_after.date()
            ),
        );
        findings.push(
            prove_rejection(finding, seen, &case.rejection)
                .remedy(
                    AtFault::Server,
                    "install a certificate of an authority that the clients trust",
                    None,
                )
                .remedy(
                    AtFault::Client,
                    "or, where this certificate is meant, give it to the client as a trust anchor",
                    Some("curl --cacert server.pem https://HOST/".to_owned()),
                )
                .remedy(AtFault::Both, "see what is served", Some(show_chain(seen))),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    #[test]
    fn a_certificate_signed_by_itself_and_a_refusal_prove_it() {
        let leaf = Leaf::named("shop.example").self_signed();
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[&leaf])
            .alert(Client, 2, 48)
            .fin(Client)
            .seen();
        let finding = judged(&SelfSigned, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert_eq!((finding.at_fault, chosen(&seen)), (AtFault::Server, "self-signed"));
    }

    #[test]
    fn a_client_that_takes_it_sees_no_defect() {
        let leaf = Leaf::named("shop.example").self_signed();
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[&leaf])
            .finished_by_both()
            .sealed(Client, &[90])
            .fin(Client)
            .seen();
        assert!(judged(&SelfSigned, &seen).is_none());
        assert_eq!(chosen(&seen), "");
    }

    #[test]
    fn a_private_root_above_the_leaf_is_another_matter() {
        let root = Authority::root("Shop Anchor");
        let leaf = Leaf::named("shop.example").signed_by(&root);
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[&leaf, &root.der])
            .alert(Client, 2, 48)
            .seen();
        assert!(judged(&SelfSigned, &seen).is_none());
    }
}
