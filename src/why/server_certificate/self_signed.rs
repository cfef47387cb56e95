//! The server's certificate is signed by itself.

use super::{GENERIC, case, fits::fits, prove_chain, prove_rejection, show_chain};
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
