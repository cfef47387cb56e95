//! The server left out a certificate between its own and the root.

use super::by_length::Lengths;
use super::{GENERIC, case, is_skipped_level, namesake_of, prove_chain, prove_rejection, sent, show_chain, why_hidden};
use crate::why::fits::{SEEN_ELSEWHERE, fits};
use crate::why::prelude::*;
use crate::x509::{Anchored, ChainShape, Gap};

/// What was sent does not reach a root, and something else in the input, or the issuer's kind, says that it could.
pub(crate) struct MissingIntermediate;

impl Cause for MissingIntermediate {
    fn id(&self) -> CauseId {
        CauseId("missing-intermediate")
    }

    fn page(&self) -> &'static str {
        include_str!("missing_intermediate.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else {
            findings.extend(by_length(self, seen, context));
            return;
        };
        let Some(gap) = &case.chain.gap else { return };
        // Nothing is missing where all that was sent leads to a root that was taken out of the store.
        if case.chain.withdrawn.is_some() {
            return;
        }
        let leaf_only = matches!(case.chain.shape, ChainShape::LeafOnly);
        // Somebody meant to send an intermediate and took another: that is a mistake of its own, unless it stands further up.
        let skips = match &case.chain.shape {
            ChainShape::LeafOnly | ChainShape::EndsAtUnknownIssuer => None,
            ChainShape::BrokenAt { index, .. } => match sent(seen, *index) {
                Some(above) if is_skipped_level(case.chain, above) => Some(above.display_name()),
                _ => return,
            },
            _ => return,
        };
        let elsewhere = match &case.chain.anchored {
            Anchored::Yes { .. } => return,
            Anchored::ViaPool { missing, by } => missing.first().map(|sighting| (sighting, Some(by))),
            // A root that was seen elsewhere is no intermediate that was left out.
            Anchored::No { carried_on_by } => {
                let intermediate = carried_on_by
                    .first()
                    .filter(|sighting| !sighting.certificate.is_self_issued());
                intermediate.map(|sighting| (sighting, None))
            }
        };
        let weight = match &elsewhere {
            Some((_, Some(_))) => 98,
            Some((_, None)) => SEEN_ELSEWHERE,
            // The root was sent, so there is one, and something between.
            None if skips.is_some() => 90,
            None => likelihood(gap, leaf_only),
        };
        let issuer = gap.issuer.display();
        let sent = match skips {
            Some(above) => format!("\"{above}\" with its certificate, and not what stands between them"),
            None if leaf_only => "only its own certificate".to_owned(),
            None => "a chain that stops short of a root".to_owned(),
        };
        let sentence = format!(
            "{} sent {sent}; nothing that it sent leads from the issuer \"{issuer}\" to a root, and {} gave up.",
            server_called(seen),
            seen.client.address
        );
        let finding = Finding::new(self, fits(weight, self.id(), seen, &case.rejection), sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Client);
        let mut finding = prove_chain(
            finding,
            seen,
            format!(
                "Certificate: \"{}\", issued by \"{issuer}\"; its issuer was not sent{}",
                gap.below.display_name(),
                namesake_of(gap)
            ),
        );
        finding = prove_rejection(finding, seen, &case.rejection);
        finding = match elsewhere {
            Some((sighting, store)) => {
                let completes = match store {
                    Some(by) => format!("with it the chain reaches a root of {by}"),
                    None => "it carries the chain on".to_owned(),
                };
                match sighting.first {
                    Some(first) => finding.prove_elsewhere(
                        first,
                        format!("the missing certificate \"{issuer}\" was sent elsewhere; {completes}"),
                    ),
                    None => finding.infer(format!(
                        "The missing certificate \"{issuer}\" is among those given with --intermediates; {completes}."
                    )),
                }
            }
            None => finding
                .infer(format!(
                    "That the client trusts a root above \"{issuer}\" is the usual case; the capture does not hold that certificate."
                ))
                .but_not(CauseId("untrusted-root"), "if the whole authority is unknown to the client, the intermediate will not help"),
        };
        if let Some(url) = gap.ca_issuers_urls.first() {
            finding = finding.remedy(
                AtFault::Server,
                "fetch the missing certificate",
                Some(format!("curl -O {}", shell(url))),
            );
        }
        findings.push(remedies(finding, seen));
    }
}

/// TLS 1.3 hides the list, and its length says that something is missing.
fn by_length(cause: &MissingIntermediate, seen: &Observed, context: &Context<'_>) -> Option<Finding> {
    let rejection = context.rejection(seen, Side::Server)?;
    let lengths = Lengths::of(seen, context)?;
    let short = lengths.shortfall(seen, context)?;
    let missing = match &short.missing {
        Some(missing) => format!("lacks the intermediate \"{}\", by its length", missing.display_name()),
        None => "is too short by as much as an intermediate takes".to_owned(),
    };
    let sentence = format!(
        "The list of certificates that {} sent {missing}, and {} gave up. {}.",
        server_called(seen),
        seen.client.address,
        why_hidden(seen)
    );
    let finding = Finding::new(cause, fits(short.weight, cause.id(), seen, &rejection), sentence)
        .at_fault(AtFault::Server)
        .aborted_by(AbortedBy::Client);
    let finding = lengths.prove(finding).prove_elsewhere(short.mark, short.compared);
    let finding = prove_rejection(finding, seen, &rejection)
        .infer(
            "That it is this which is missing follows from lengths, and is not seen: a key log of either side (SSLKEYLOGFILE) would show \
             the list itself.",
        )
        .but_not(
            CauseId("untrusted-root"),
            "an authority that the client does not know looks the same from outside, but the list would be as long as the others",
        )
        .but_not(
            CauseId("server-certificate-rejected"),
            "something else may be wrong with the certificate as well",
        );
    Some(remedies(finding, seen))
}

fn remedies(finding: Finding, seen: &Observed) -> Finding {
    finding
        .remedy(
            AtFault::Server,
            "serve leaf and intermediate in one file; nginx",
            Some("ssl_certificate fullchain.pem;".to_owned()),
        )
        .remedy(
            AtFault::Both,
            "count the certificates that are sent",
            Some(show_chain(seen)),
        )
}

/// How likely a gap is a forgotten intermediate rather than an unknown authority, by what its issuer looks like.
fn likelihood(gap: &Gap, leaf_only: bool) -> u8 {
    let name = gap.issuer.display().to_ascii_lowercase();
    if name.contains("root") {
        30
    } else if gap.looks_public() {
        91
    } else if leaf_only
        && ["issuing", "intermediate", "sub", "server ca", "tls ca"]
            .iter()
            .any(|word| name.contains(word))
    {
        82
    } else if leaf_only {
        66
    } else {
        55
    }
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
    fn an_intermediate_that_another_server_sent_proves_it() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&[&chain.leaf]);
        let world = || context().trusting(&chain.root).with_elsewhere(&chain.intermediate);
        let finding = world().judged(&MissingIntermediate, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(finding.evidence.iter().any(|evidence| evidence.mark.frame == 900));
        assert_eq!(
            (finding.at_fault, world().chosen(&seen)),
            (AtFault::Server, "missing-intermediate")
        );
    }

    #[test]
    fn an_intermediate_that_was_given_proves_it_as_well() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&[&chain.leaf]);
        let world = context().trusting(&chain.root).with_given(&chain.intermediate);
        let finding = world.judged(&MissingIntermediate, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(finding.evidence.iter().all(|evidence| !evidence.elsewhere));
        assert!(finding.inferred.unwrap().contains("given with --intermediates"));
    }

    #[test]
    fn a_leaf_alone_from_an_issuing_authority_is_likely_a_forgotten_intermediate() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&[&chain.leaf]);
        let finding = context()
            .trusting(&chain.root)
            .judged(&MissingIntermediate, &seen)
            .unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding
                .alternatives
                .iter()
                .any(|other| other.cause == CauseId("untrusted-root"))
        );
    }

    #[test]
    fn a_level_that_was_left_out_below_what_was_sent_is_missing() {
        let root = Authority::root("Shop Anchor");
        let policy = root.below("Shop Policy");
        let issuing = policy.below("Shop Issuing CA");
        let leaf = Leaf::named("shop.example").signed_by(&issuing);
        let seen = turned_down(&[&leaf, &policy.der]);
        let world = || context().trusting(&root).with_elsewhere(&issuing);
        let finding = world().judged(&MissingIntermediate, &seen).unwrap();
        assert!(
            finding.sentence.contains("sent \"Shop Policy\" with its certificate"),
            "{}",
            finding.sentence
        );
        assert_eq!(world().chosen(&seen), "missing-intermediate");
    }

    #[test]
    fn a_trusted_root_of_the_name_that_did_not_sign_is_told() {
        let chain = Issued::to("shop.example");
        let impostor = Authority::root(chain.root.certificate().display_name());
        let seen = turned_down(&chain.whole());
        let finding = context()
            .trusting(&impostor)
            .judged(&MissingIntermediate, &seen)
            .unwrap();
        assert!(
            finding
                .evidence
                .iter()
                .any(|evidence| evidence.text.contains("; the trusted \"") && evidence.text.contains("another key"))
        );
    }

    #[test]
    fn a_chain_that_reaches_a_root_misses_nothing() {
        let chain = Issued::to("shop.example");
        let seen = turned_down(&chain.whole());
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&MissingIntermediate, &seen)
                .is_none()
        );
    }

    #[test]
    fn a_leaf_below_a_trusted_root_needs_no_intermediate() {
        let root = Authority::root("Shop Anchor");
        let seen = turned_down(&[&Leaf::named("shop.example").signed_by(&root)]);
        assert!(context().trusting(&root).judged(&MissingIntermediate, &seen).is_none());
    }

    #[test]
    fn a_hidden_list_that_is_too_short_lacks_what_others_were_sent() {
        let chain = Issued::to("shop.example");
        let hidden = |list: &[&[u8]]| {
            let message: usize = list.iter().map(|der| der.len() + 5).sum();
            connected()
                .client_hello(|hello| hello)
                .server_hello(0x0304, 0x1301)
                .sealed(Server, &[40, 8 + message + 17, 95, 53])
        };
        let clear = scene()
            .port(8443)
            .connect()
            .client_hello(Hello::tls12)
            .server_flight(&chain.whole())
            .finished_by_both()
            .closed();
        let clear = [clear];
        let refused = hidden(&[&chain.leaf]).sealed(Client, &[19]).fin(Client).seen();
        let world = || context().trusting(&chain.root).beside_elsewhere(&clear);
        let finding = world().judged(&MissingIntermediate, &refused).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding.sentence.contains("lacks the intermediate \"Shop Issuing CA\""),
            "{}",
            finding.sentence
        );
        assert!(finding.evidence.iter().any(|evidence| evidence.elsewhere));
        assert!(finding.inferred.unwrap().contains("SSLKEYLOGFILE"));
        assert_eq!(world().chosen(&refused), "missing-intermediate");
        // The whole list was refused for another reason; and who goes on misses nothing.
        let whole = hidden(&chain.whole()).sealed(Client, &[19]).fin(Client).seen();
        assert_eq!(world().chosen(&whole), "server-certificate-rejected");
        let sound = hidden(&[&chain.leaf])
            .sealed(Client, &[53, 120])
            .sealed(Server, &[255, 800])
            .seen();
        assert!(world().judged(&MissingIntermediate, &sound).is_none());
    }

    #[test]
    fn a_client_that_goes_on_has_found_its_way() {
        let chain = Issued::to("shop.example");
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[&chain.leaf])
            .finished_by_both()
            .sealed(Client, &[90])
            .fin(Client)
            .seen();
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&MissingIntermediate, &seen)
                .is_none()
        );
    }
}
