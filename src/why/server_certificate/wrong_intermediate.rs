//! Another certificate stands in the place of the issuer.

use super::list::untidiness;
use super::{GENERIC, case, is_altered, is_skipped_level, other_key, prove_chain, refused, sent, show_chain};
use crate::why::prelude::*;
use crate::x509::{Anchored, ChainShape, Misfit};

/// What was sent beside the leaf did not issue it: another name, or the name with another key.
pub(crate) struct WrongIntermediate;

impl Cause for WrongIntermediate {
    fn id(&self) -> CauseId {
        CauseId("wrong-intermediate")
    }

    fn page(&self) -> &'static str {
        include_str!("wrong_intermediate.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        findings.extend(remark(self, seen, context));
        let Some(case) = case(seen, context) else { return };
        let (Some(gap), ChainShape::BrokenAt { index, misfit }) = (&case.chain.gap, &case.chain.shape) else {
            return;
        };
        let Some(stray) = sent(seen, *index) else { return };
        if is_skipped_level(case.chain, stray) || *misfit == Misfit::WrongKey && is_altered(&gap.below, stray) {
            return;
        }
        let issuer = gap.issuer.display();
        let (instead, proof) = match misfit {
            Misfit::WrongKey => (
                format!("another certificate of the name \"{issuer}\""),
                format!(
                    "Certificate {}: \"{}\" {}",
                    index + 1,
                    stray.display_name(),
                    other_key(&gap.below, stray)
                ),
            ),
            Misfit::Unrelated => (
                format!("\"{}\"", stray.display_name()),
                format!(
                    "Certificate {}: \"{}\", which did not issue it",
                    index + 1,
                    stray.display_name()
                ),
            ),
        };
        let sentence = format!(
            "{} sent an intermediate that did not issue its certificate: \"{}\" needs \"{issuer}\", and {instead} stands in its place. The \
             client found no way to a root and gave up.",
            server_called(seen),
            gap.below.display_name()
        );
        let shown = format!(
            "Certificate: \"{}\", issued by \"{issuer}\"; {proof}",
            gap.below.display_name()
        );
        let weight = match misfit {
            Misfit::WrongKey => 97,
            Misfit::Unrelated => 95,
        };
        let mut finding = refused(self, weight, seen, &case.rejection, sentence, shown);
        let completing = match &case.chain.anchored {
            Anchored::ViaPool { missing, .. } => missing.first(),
            Anchored::No { carried_on_by } => carried_on_by.first(),
            Anchored::Yes { .. } => None,
        };
        if let Some(sighting) = completing {
            let name = sighting.certificate.display_name();
            finding = match sighting.first {
                Some(first) => finding.prove_elsewhere(
                    first,
                    format!("\"{name}\", with which the chain would go on, was sent elsewhere"),
                ),
                None => finding.infer(format!("With \"{name}\", which was given, the chain would go on.")),
            };
        }
        if let Some(url) = gap.ca_issuers_urls.first() {
            finding = finding.remedy(
                AtFault::Server,
                "fetch the issuer",
                Some(format!("curl -O {}", shell(url))),
            );
        }
        findings.push(
            finding
                .remedy(
                    AtFault::Server,
                    format!(
                        "put \"{issuer}\" after the server's own certificate, in place of what stands there; nginx"
                    ),
                    Some("ssl_certificate fullchain.pem;".to_owned()),
                )
                .remedy(AtFault::Both, "see what is sent", Some(show_chain(seen)))
                .but_not(
                    CauseId("missing-intermediate"),
                    "if what was sent belongs further up, the issuer itself was left out",
                ),
        );
    }
}

/// A list with disorder in it that has its issuers, or would have them: worth knowing, and no reason for most clients.
fn remark(cause: &WrongIntermediate, seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    let chain = context.chain(seen, Side::Server)?;
    if matches!(chain.shape, ChainShape::BrokenAt { .. }) {
        return None;
    }
    let untidy = untidiness(seen, chain);
    if untidy.is_empty() {
        return None;
    }
    let untidy = untidy.join("; it ");
    let sentence = format!("The list of certificates of {} {untidy}.", server_called(seen));
    let finding = Finding::new(cause, 90, sentence).at_fault(AtFault::Server);
    Some(prove_chain(finding, seen, format!("Certificate: the list {untidy}")).into_remark())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn turned_down(chain: &[&[u8]]) -> Observed {
        crate::why::testing::turned_down(chain, 48)
    }

    #[test]
    fn a_stranger_in_the_place_of_the_intermediate_is_told_by_both_names() {
        let chain = Issued::to("shop.example");
        let stranger = Authority::root("Elsewhere Root").below("Elsewhere CA");
        let seen = turned_down(&[&chain.leaf, &stranger.der]);
        let world = || context().trusting(&chain.root);
        let finding = world().judged(&WrongIntermediate, &seen).unwrap();
        assert!(Confidence::of_weight(finding.weight) >= Some(Confidence::Likely));
        for name in ["\"Elsewhere CA\"", "\"Shop Issuing CA\""] {
            assert!(finding.sentence.contains(name), "{}", finding.sentence);
        }
        assert_eq!(world().chosen(&seen), "wrong-intermediate");
    }

    #[test]
    fn an_intermediate_of_the_right_name_with_another_key_is_told_by_both_key_ids() {
        let chain = Issued::to("shop.example");
        let renewed = chain.root.below(chain.intermediate.certificate().display_name());
        let seen = turned_down(&[&chain.leaf, &renewed.der]);
        let finding = context()
            .trusting(&chain.root)
            .judged(&WrongIntermediate, &seen)
            .unwrap();
        let ids = [&chain.intermediate, &renewed].map(|authority| authority.certificate().extensions.subject_key_id);
        for id in ids.into_iter().flatten() {
            assert!(
                finding.evidence.iter().any(|evidence| evidence.text.contains(&id)),
                "{id}"
            );
        }
        assert!(
            finding.sentence.contains("another certificate of the name"),
            "{}",
            finding.sentence
        );
    }

    #[test]
    fn the_right_one_seen_elsewhere_completes_it() {
        let chain = Issued::to("shop.example");
        let stranger = Authority::root("Elsewhere Root").below("Elsewhere CA");
        let seen = turned_down(&[&chain.leaf, &stranger.der]);
        let world = context().trusting(&chain.root).with_elsewhere(&chain.intermediate);
        let finding = world.judged(&WrongIntermediate, &seen).unwrap();
        assert!(finding.evidence.iter().any(|evidence| evidence.mark.frame == 900));
    }

    #[test]
    fn the_root_without_what_is_between_is_a_missing_intermediate() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&[&chain.leaf, &chain.root.der]);
        let world = || context().trusting(&chain.root);
        assert!(world().judged(&WrongIntermediate, &seen).is_none());
        assert_eq!(world().chosen(&seen), "missing-intermediate");
    }

    #[test]
    fn a_needless_certificate_beside_a_whole_chain_is_a_remark() {
        let chain = Issued::to("shop.example");
        let stranger = Authority::root("Elsewhere Root").below_with("Elsewhere CA", valid(2010, 2020));
        let seen = turned_down(&[&chain.leaf, &chain.intermediate.der, &stranger.der]);
        let finding = context()
            .trusting(&chain.root)
            .judged(&WrongIntermediate, &seen)
            .unwrap();
        assert!(finding.is_remark());
        let told = "holds what is not needed: number 3 (\"Elsewhere CA\"), and ended on 2020-01-01.";
        assert!(finding.sentence.ends_with(told), "{}", finding.sentence);
    }

    #[test]
    fn disorder_copies_and_a_needless_root_are_told_and_never_chosen() {
        let chain = Issued::to("shop.example");
        let list: [&[u8]; 4] = [&chain.leaf, &chain.root.der, &chain.intermediate.der, &chain.leaf];
        let lower = chain.intermediate.below("Shop Lower CA");
        let leaf = Leaf::named("shop.example").signed_by(&lower);
        let disorder: [&[u8]; 3] = [&leaf, &chain.intermediate.der, &lower.der];
        for (list, told) in [
            (
                &list[..],
                "holds a certificate twice: number 4 is a copy; it holds the root, number 2 (\"Shop Anchor\"), which clients have themselves: harmless.",
            ),
            (
                &disorder[..],
                "is out of order: each certificate has to follow the one that it issued.",
            ),
        ] {
            let verdict = context().trusting(&chain.root).verdict(&turned_down(list));
            let finding = verdict
                .findings
                .iter()
                .find(|finding| finding.cause.0 == "wrong-intermediate");
            assert!(
                finding.is_some_and(|finding| finding.sentence.ends_with(told)),
                "{finding:?}"
            );
            assert_eq!(name_of(&verdict), "untrusted-root");
        }
        let tidy = context().trusting(&chain.root).verdict(&turned_down(&chain.whole()));
        assert!(!mentions(&tidy, "wrong-intermediate"));
    }
}
