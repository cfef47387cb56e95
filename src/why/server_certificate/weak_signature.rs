//! A certificate of the chain is signed over a hash that can be forged.

use super::{GENERIC, called, judged_by_strength, prove_chain, refused, show_chain};
use crate::why::fits::refuses_sha1;
use crate::why::prelude::*;
use crate::x509::{Certificate, Digest};

/// MD2, MD5 or SHA-1 below the root, whose own signature nobody asks for.
pub(crate) struct WeakSignature;

impl Cause for WeakSignature {
    fn id(&self) -> CauseId {
        CauseId("weak-signature")
    }

    fn page(&self) -> &'static str {
        include_str!("weak_signature.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(chain) = context.chain(seen, Side::Server) else {
            return;
        };
        let Some((depth, certificate, digest)) =
            judged_by_strength(chain).find_map(|(depth, certificate)| Some((depth, certificate, weak(certificate)?)))
        else {
            return;
        };
        let algorithm = &certificate.signature_algorithm;
        let issuer = certificate.issuer.display();
        let shown = format!(
            "Certificate {}: \"{}\", signed by \"{issuer}\" as {algorithm} ({})",
            depth + 1,
            certificate.display_name(),
            algorithm.oid
        );
        let is = format!(
            "{} of {} is signed with {}",
            called(depth, certificate),
            server_called(seen),
            digest.as_str()
        );
        let rejection = context.rejection(seen, Side::Server);
        let refuses = |rejection: &Rejection| digest != Digest::Sha1 || refuses_sha1(seen, rejection);
        let Some(rejection) = rejection.filter(refuses) else {
            let sentence = format!("{is}, which other clients refuse.");
            findings.push(prove_chain(
                Finding::new(self, 90, sentence).at_fault(AtFault::Server).into_remark(),
                seen,
                shown,
            ));
            return;
        };
        let sentence = format!("{is}, a hash that can be forged, and the client refused it.");
        let who = if depth == 0 {
            "have it issued again with SHA-256"
        } else {
            "ask the authority for an intermediate that is signed with SHA-256, and for a certificate below it"
        };
        findings.push(
            refused(self, 96, seen, &rejection, sentence, shown)
                .remedy(AtFault::Server, who, None)
                .remedy(
                    AtFault::Both,
                    "see what each certificate is signed with",
                    Some(format!("{} </dev/null | grep -i 'sigalg'", show_chain(seen))),
                ),
        );
    }
}

/// The hash of a certificate's signature, where it is one that clients refuse.
fn weak(certificate: &Certificate) -> Option<Digest> {
    let digest = certificate.signature_algorithm.method.digest?;
    let is_weak = matches!(digest, Digest::Md2 | Digest::Md5 | Digest::Sha1);
    // A leaf that vouches for itself is not believed for its signature.
    (is_weak && !certificate.is_self_issued()).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    /// A leaf that OpenSSL signed with SHA-1.
    fn flight() -> Scene {
        let leaf = crate::x509::testing::odd("leaf-sha1");
        connected().client_hello(Hello::tls12).server_flight(&[&leaf.der])
    }

    #[test]
    fn sha_1_and_a_refusal_prove_it() {
        let seen = flight().alert(Client, 2, 42).fin(Client).seen();
        let finding = judged(&WeakSignature, &seen).unwrap();
        assert!(Confidence::of_weight(finding.weight) >= Some(Confidence::Likely));
        assert!(
            finding.sentence.contains("is signed with SHA-1"),
            "{}",
            finding.sentence
        );
        assert_eq!((finding.at_fault, chosen(&seen)), (AtFault::Server, "weak-signature"));
    }

    #[test]
    fn a_client_that_takes_it_leaves_a_remark() {
        let seen = flight().finished_by_both().sealed(Client, &[90]).fin(Client).seen();
        let finding = judged(&WeakSignature, &seen).unwrap();
        assert!(finding.is_remark());
        let verdict = context().verdict(&seen);
        assert_eq!(name_of(&verdict), "");
        assert!(mentions(&verdict, "weak-signature"));
    }

    #[test]
    fn leaving_in_silence_is_no_refusal_of_a_hash_by_who_is_not_known() {
        let seen = flight().finished_by_both().fin(Client).seen();
        assert!(judged(&WeakSignature, &seen).is_some_and(|finding| finding.is_remark()));
    }

    #[test]
    fn sha_256_is_no_defect() {
        let chain = Issued::to("shop.example");
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .alert(Client, 2, 42)
            .seen();
        assert!(judged(&WeakSignature, &seen).is_none());
    }
}
