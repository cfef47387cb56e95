//! The chain ends at an authority that the client does not know.

use std::borrow::Cow;

use super::by_length::Lengths;
use super::cross_sign::unless_followed;
use super::{
    Case, GENERIC, case, namesake_of, prove_chain, prove_rejection, refusal_of_hidden, show_chain, why_hidden,
};
use crate::registry::{Programme, Refused};
use crate::tls::ClientStack;
use crate::why::fits::fits;
use crate::why::prelude::*;
use crate::x509::{Anchored, ChainShape, Withdrawn, distrusted};

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
            findings.extend(told_but_hidden(self, seen, context));
            return;
        };
        let distrusted = distrusted_end(&case, seen, context);
        // Where all is as it should be, it is the client that lacks something.
        let fault = match distrusted {
            None if case.chain.is_sound() => AtFault::Client,
            _ => AtFault::Both,
        };
        let Some((weight, end, text)) = distrusted.or_else(|| unknown_end(&case, seen)) else {
            return;
        };
        let sentence = format!(
            "The certificate of {} leads to \"{end}\", an authority that the client does not trust.",
            server_called(seen)
        );
        let finding = Finding::new(self, fits(weight, self.id(), seen, &case.rejection), sentence)
            .at_fault(fault)
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
                context.trust_names(seen)
            )),
            seen,
        ));
    }
}

/// The programme whose roots a client of this kind trusts.
fn programme(stack: ClientStack) -> Option<Programme> {
    match stack {
        ClientStack::BoringSsl => Some(Programme::Chrome),
        ClientStack::Nss => Some(Programme::Mozilla),
        _ => None,
    }
}

/// As [`unknown_end`], where the programme that this client's roots are from refuses what the root issued.
fn distrusted_end(case: &Case<'_>, seen: &Observed, context: &Context<'_>) -> Option<End> {
    let chain = case.chain;
    let root = match &chain.withdrawn {
        Some(withdrawn) => &withdrawn.root,
        None if chain.is_sound() => &chain.path.last()?.certificate,
        None => return None,
    };
    let leaf = chain.leaf.as_ref()?;
    let programme = programme(seen.offer.as_ref().seen()?.value.stack)?;
    let row = distrusted(root, leaf, programme, context.time(seen))?;
    let name = programme.name();
    let text = match row.refused {
        Refused::IssuedAfter(day) => format!(
            "{name} distrusts this root for certificates issued after {day}, and this one was issued on {}",
            leaf.issued().date()
        ),
        Refused::AllAfter(day) => format!("{name} distrusts this root altogether since {day}"),
    };
    Some((90, root.display_name().to_owned(), text.into()))
}

/// The weight, the authority at which a chain ends, and what is to be said of it.
type End = (u8, String, Cow<'static, str>);

/// Where the chain ends; `None` where no authority is in question.
fn unknown_end(case: &Case<'_>, seen: &Observed) -> Option<End> {
    let chain = case.chain;
    if let Some(Withdrawn { root, store, since }) = &chain.withdrawn {
        let text = format!("{store} held this root once, and no longer by {}", since.date());
        return Some((93, root.display_name().to_owned(), text.into()));
    }
    let (weight, end, text) = match &chain.shape {
        ChainShape::EndsAtSelfSignedRoot { root } => (
            93,
            root.display_name().to_owned(),
            "the root at its end was sent too, and vouches for itself only",
        ),
        ChainShape::EndsAtUnknownIssuer => (84, issuer_of(chain), "the issuer at its end is not known"),
        ChainShape::LeafOnly => (
            70,
            issuer_of(chain),
            "the issuer is not known, and nothing else was sent",
        ),
        ChainShape::SelfIssuedLeaf => (80, issuer_of(chain), "an authority with the leaf's own name signed it"),
        ChainShape::BrokenAt { .. } => (60, issuer_of(chain), "what was sent with it did not issue it"),
        ChainShape::Complete if chain.is_sound() => return known_to_some(case, seen),
        _ => return None,
    };
    Some((weight, end, text.into()))
}

/// A root of ours that this client may lack: its own word that it knows no such authority counts, or that one of the stores that were
/// given lacks it too.
fn known_to_some(case: &Case<'_>, seen: &Observed) -> Option<End> {
    let Anchored::Yes { by } = &case.chain.anchored else {
        return None;
    };
    let root = case.chain.path.last()?.certificate.display_name().to_owned();
    if !by.not_by.is_empty() {
        return Some((85, root, format!("accepted by {by}").into()));
    }
    (case.rejection.sign == Sign::Alert(AlertDescription::UNKNOWN_CA)).then_some((
        unless_followed(75, seen, case),
        root,
        "the chain is complete: the client's trust store is old, empty or another one".into(),
    ))
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
fn told_but_hidden(cause: &UntrustedRoot, seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    let rejection = refusal_of_hidden(seen, context, AlertDescription::UNKNOWN_CA)?;
    let sentence = format!(
        "The client found no way from the certificate of {} to an authority that it trusts. {}.",
        server_called(seen),
        why_hidden(seen)
    );
    let finding = Finding::new(cause, 75, sentence)
        .at_fault(AtFault::Unknown)
        .aborted_by(AbortedBy::Client);
    let mut finding = prove_rejection(finding, seen, &rejection);
    if let Some(lengths) = Lengths::of(seen, context) {
        finding = lengths.prove(finding);
        finding.inferred = lengths.inferred().or_else(|| lengths.first_to_check());
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
    use crate::evidence::Time;
    use crate::why::Confidence;
    use crate::why::testing::*;
    use crate::x509::TrustStore;

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

    #[test]
    fn a_root_that_one_of_the_stores_lacks_is_likely_unknown_to_this_client() {
        let chain = Issued::to("shop.example");
        let store = |name, root: &Authority| TrustStore::from_file(name, &root.der).unwrap();
        let seen = turned_down(&chain.whole(), 46);
        let world = |other: &Authority| {
            context()
                .with_store(store("list", &chain.root))
                .with_store(store("java", other))
        };
        let stranger = Authority::root("Elsewhere Root");
        let finding = world(&stranger).judged(&UntrustedRoot, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        let told = |text: &str| finding.evidence.iter().any(|evidence| evidence.text.contains(text));
        assert!(told("; accepted by list, not by java"), "{:?}", finding.evidence);
        assert_eq!(world(&stranger).chosen(&seen), "untrusted-root");
        assert!(world(&chain.root).judged(&UntrustedRoot, &seen).is_none());
    }

    #[test]
    fn a_root_that_was_removed_is_told_with_its_day() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&chain.whole(), 48);
        let day = seen.certificate_time().unwrap();
        let list = |moved: i64| {
            let store = TrustStore::from_file("list", &chain.root.der).unwrap();
            store.emptied(Time::from_seconds(day.seconds() + moved))
        };
        let finding = context()
            .with_store(list(-86_400))
            .judged(&UntrustedRoot, &seen)
            .unwrap();
        assert!(
            finding
                .evidence
                .iter()
                .any(|evidence| evidence.text.contains("; list held this root once, and no longer by ")),
            "{:?}",
            finding.evidence
        );
        assert_eq!(context().with_store(list(-86_400)).chosen(&seen), "untrusted-root");
        // The day before, only the client's own word speaks against it.
        let before = context().with_store(list(86_400)).judged(&UntrustedRoot, &seen);
        assert!(before.unwrap().weight < finding.weight);
    }

    #[test]
    fn a_root_that_the_clients_programme_distrusts_is_told_with_the_day() {
        let root = Authority::root("Entrust Root Certification Authority - G2");
        let judged = |from, stack| {
            let leaf = Leaf::named("shop.example").with(valid(from, 2030)).signed_by(&root);
            let mut seen = turned_down(&[&leaf], 46);
            set_stack(&mut seen, stack);
            context().trusting(&root).judged(&UntrustedRoot, &seen)
        };
        let finding = judged(2025, ClientStack::BoringSsl).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding.evidence.iter().any(|evidence| {
                evidence
                    .text
                    .contains("Chrome distrusts this root for certificates issued after 2024-11-11, and this one was issued on 2025-01-01")
            }),
            "{:?}",
            finding.evidence
        );
        assert!(judged(2024, ClientStack::BoringSsl).is_none());
        assert!(judged(2025, ClientStack::OpenSsl).is_none());
    }
}
