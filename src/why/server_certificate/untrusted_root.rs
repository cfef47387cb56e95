//! The chain ends at an authority that the client does not know.

use super::{GENERIC, case, namesake_of, prove_chain, prove_rejection, show_chain, why_hidden};
use crate::why::fits::fits;
use crate::why::prelude::*;
use crate::x509::ChainShape;

/// Complete as far as it goes, and nobody's anchor at its end.
pub(crate) struct UntrustedRoot;

impl Cause for UntrustedRoot {
    fn id(&self) -> CauseId {
        CauseId("untrusted-root")
    }

    fn page(&self) -> &'static str {
        include_str!("untrusted_root.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else {
            findings.extend(told_but_hidden(self, seen));
            return;
        };
        let (weight, end, text) = match &case.chain.shape {
            ChainShape::EndsAtSelfSignedRoot { root } => (
                93,
                root.display_name().to_owned(),
                "the root at its end was sent too, and vouches for itself only",
            ),
            ChainShape::EndsAtUnknownIssuer => (84, issuer_of(case.chain), "the issuer at its end is not known"),
            ChainShape::LeafOnly => (
                70,
                issuer_of(case.chain),
                "the issuer is not known, and nothing else was sent",
            ),
            ChainShape::SelfIssuedLeaf => (
                80,
                issuer_of(case.chain),
                "an authority with the leaf's own name signed it",
            ),
            ChainShape::BrokenAt { .. } => (60, issuer_of(case.chain), "what was sent with it did not issue it"),
            // A root of ours that this client may lack: only its own word that it knows no such authority counts.
            ChainShape::Complete
                if case.rejection.sign == Sign::Alert(AlertDescription::UNKNOWN_CA) && case.chain.is_sound() =>
            {
                let root = case
                    .chain
                    .path
                    .last()
                    .map(|link| link.certificate.display_name().to_owned())
                    .unwrap_or_default();
                (
                    75,
                    root,
                    "the chain is complete: the client's trust store is old, empty or another one",
                )
            }
            _ => return,
        };
        let sentence = format!(
            "The certificate of {} leads to \"{end}\", an authority that the client does not trust.",
            server_called(seen)
        );
        let finding = Finding::new(self, fits(weight, self.id(), seen, &case.rejection), sentence)
            .at_fault(AtFault::Both)
            .aborted_by(AbortedBy::Client);
        let finding = prove_chain(
            finding,
            seen,
            format!(
                "Certificate: {}; {text}{}",
                case.chain.path_text(),
                case.chain.gap.as_ref().map(namesake_of).unwrap_or_default()
            ),
        );
        findings.push(remedies(
            prove_rejection(finding, seen, &case.rejection).infer(format!(
                "Judged by {}; the client's own trust store is not in the packets.",
                context.trust_names()
            )),
            seen,
        ));
    }
}

fn issuer_of(chain: &crate::x509::ChainReport) -> String {
    chain
        .gap
        .as_ref()
        .map(|gap| gap.issuer.display().to_owned())
        .unwrap_or_default()
}

fn remedies(finding: Finding, seen: &Observed) -> Finding {
    finding
        .remedy(
            AtFault::Client,
            "if the authority is your own, give its root to the client; Debian",
            Some("cp root.crt /usr/local/share/ca-certificates/ && update-ca-certificates".to_owned()),
        )
        .remedy(
            AtFault::Server,
            "else use a certificate of an authority that the clients know",
            None,
        )
        .remedy(AtFault::Both, "see the chain", Some(show_chain(seen)))
}

/// TLS 1.3: unknown_ca in the clear (OpenSSL's clients), and the certificates hidden.
fn told_but_hidden(cause: &UntrustedRoot, seen: &Observed) -> Option<Finding> {
    let rejection = seen.server_certificate_rejection()?;
    if rejection.sign != Sign::Alert(AlertDescription::UNKNOWN_CA) || seen.server_chain.is_seen() {
        return None;
    }
    let sentence = format!(
        "The client found no way from the certificate of {} to an authority that it trusts. {}.",
        server_called(seen),
        why_hidden(seen)
    );
    let finding = Finding::new(cause, 75, sentence)
        .at_fault(AtFault::Unknown)
        .aborted_by(AbortedBy::Client);
    let mut finding = prove_rejection(finding, seen, &rejection);
    if let Some(record) = seen.sealed().and_then(|sealed| sealed.certificate) {
        finding = finding.prove(
            record.mark,
            format!("encrypted: {} bytes where the certificates are", record.len),
        );
    }
    Some(remedies(
        finding
            .but_not(
                CauseId("missing-intermediate"),
                "looks the same from outside: count the certificates that the server sends",
            )
            .but_not(CauseId("self-signed"), "looks the same from outside"),
        seen,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn turned_down(chain: &[&[u8]], description: u8) -> Observed {
        connected()
            .client_hello(Hello::tls12)
            .server_flight(chain)
            .alert(Client, 2, description)
            .fin(Client)
            .seen()
    }

    #[test]
    fn a_private_root_that_was_sent_along_is_likely_unknown() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&[&chain.leaf, &chain.intermediate.der, &chain.root.der], 48);
        let finding = judged(&UntrustedRoot, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(finding.sentence.contains("\"Shop Anchor\""), "{}", finding.sentence);
        assert_eq!(chosen(&seen), "untrusted-root");
    }

    #[test]
    fn a_chain_that_ends_at_an_unknown_issuer_is_likely_one_too() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&chain.whole(), 48);
        assert_eq!(confidence(&UntrustedRoot, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "untrusted-root");
    }

    #[test]
    fn it_is_never_certain_as_the_clients_store_is_not_in_the_packets() {
        let chain = Issued::to("shop.example");
        for sent in [
            &[&chain.leaf[..]][..],
            &chain.whole(),
            &[&chain.leaf, &chain.intermediate.der, &chain.root.der],
        ] {
            assert!(confidence(&UntrustedRoot, &turned_down(sent, 48)) < Some(Confidence::Certain));
        }
    }

    #[test]
    fn unknown_ca_about_a_chain_that_is_sound_speaks_of_the_clients_store() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&chain.whole(), 48);
        let finding = context().trusting(&chain.root).judged(&UntrustedRoot, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Possible));
    }

    #[test]
    fn a_sound_chain_refused_for_another_reason_is_not_untrusted() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&chain.whole(), 42);
        assert!(context().trusting(&chain.root).judged(&UntrustedRoot, &seen).is_none());
    }

    #[test]
    fn a_clear_alert_tells_of_what_tls_1_3_hides() {
        let seen = connected()
            .client_hello(|hello| hello)
            .server_hello(0x0304, 0x1301)
            .sealed(Server, &[40, 2_000, 281, 53])
            .alert(Client, 2, 48)
            .fin(Client)
            .seen();
        let finding = judged(&UntrustedRoot, &seen).unwrap();
        assert!(
            finding
                .alternatives
                .iter()
                .any(|other| other.cause == CauseId("missing-intermediate"))
        );
        assert_eq!(chosen(&seen), "untrusted-root");
    }
}
