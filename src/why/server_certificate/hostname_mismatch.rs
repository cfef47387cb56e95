//! The certificate is for other names.

use super::{GENERIC, as_placeholder, case, prove_chain, prove_rejection, show_chain};
use crate::why::fits::fits;
use crate::why::prelude::*;
use crate::x509::{NameMatch, covers, why_not_covered};

/// No name in the certificate covers the one that the client asked for (RFC 9525).
pub(crate) struct HostnameMismatch;

impl Cause for HostnameMismatch {
    fn id(&self) -> CauseId {
        CauseId("hostname-mismatch")
    }

    fn page(&self) -> &'static str {
        include_str!("hostname_mismatch.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        let (Some(leaf), Some(name)) = (seen.leaf(), seen.server_name()) else {
            return;
        };
        let (weight, nearly) = match covers(leaf, name) {
            NameMatch::Yes => return,
            NameMatch::No { closest } => (97, closest.map(|closest| near_miss(&closest, name))),
            NameMatch::ByCommonNameOnly => {
                let text =
                    "Its common name would cover that, but Go, rustls, Chromium and Firefox no longer look at it.";
                (80, Some(text.to_owned()))
            }
        };
        let misplaced = case.chain.end_entity_at.map(|place| {
            format!(
                "The list begins with an authority's certificate; the server's own seems to be number {} in it.",
                place + 1
            )
        });
        let names = &leaf.extensions.dns_names;
        let held = if names.is_empty() {
            format!("no SAN at all, and the common name \"{}\"", leaf.display_name())
        } else {
            format!("the SAN names {}", list(names, 5))
        };
        let sentence = format!(
            "The client asked {} for \"{name}\"; the certificate holds {held}, and the client refused it.",
            seen.server
        );
        let finding = Finding::new(self, fits(weight, self.id(), seen, &case.rejection), sentence)
            .at_fault(AtFault::Server)
            .aborted_by(AbortedBy::Client);
        let finding = finding.prove_offer(seen, format!("ClientHello: server_name \"{name}\""));
        let mut finding = prove_chain(
            finding,
            seen,
            format!("Certificate \"{}\": {held}", leaf.display_name()),
        );
        let placeholder = as_placeholder(leaf).map(str::to_owned);
        if let Some(text) = placeholder.or(misplaced).or(nearly) {
            finding = finding.infer(text);
        }
        findings.push(
            prove_rejection(finding, seen, &case.rejection)
                .remedy(
                    AtFault::Server,
                    format!("serve a certificate whose SAN holds {name}; check which virtual host answers for it"),
                    None,
                )
                .remedy(
                    AtFault::Both,
                    "see the names",
                    Some(format!(
                        "{} </dev/null | openssl x509 -noout -ext subjectAltName",
                        show_chain(seen)
                    )),
                )
                .remedy(AtFault::Client, "or connect by a name that the certificate holds", None),
        );
    }
}

/// The name that comes closest, and what it lacks.
fn near_miss(closest: &str, name: &str) -> String {
    match why_not_covered(closest, name) {
        Some(why) => format!("The closest name in it is \"{closest}\": {why}."),
        None => format!("The closest name in it is \"{closest}\"."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn asks_for(name: &str, chain: &Issued) -> Scene {
        connected()
            .client_hello(|hello| hello.tls12().name(name))
            .server_flight(&chain.whole())
    }

    #[test]
    fn a_certificate_for_another_name_and_a_refusal_prove_it() {
        let chain = Issued::to("*.shop.example");
        let seen = asks_for("api.eu.shop.example", &chain)
            .alert(Client, 2, 42)
            .fin(Client)
            .seen();
        let world = || context().trusting(&chain.root);
        let finding = world().judged(&HostnameMismatch, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Certain));
        assert!(finding.inferred.is_some_and(|text| text.contains("*.shop.example")));
        assert_eq!(
            (finding.at_fault, world().chosen(&seen)),
            (AtFault::Server, "hostname-mismatch")
        );
    }

    #[test]
    fn why_the_closest_name_does_not_cover_it_is_told() {
        let inferred = |served: &str, asked: &str| {
            let chain = Issued::to(served);
            let seen = asks_for(asked, &chain).alert(Client, 2, 42).seen();
            let finding = context().trusting(&chain.root).judged(&HostnameMismatch, &seen);
            finding.and_then(|finding| finding.inferred).unwrap()
        };
        assert!(inferred("*.shop.example", "a.b.shop.example").ends_with("a wildcard covers one label only."));
        assert!(inferred("*.shop.example", "shop.example").ends_with("a wildcard does not cover the bare domain."));
        assert!(inferred("www.shop.example", "shop.example").ends_with("the name without www is missing."));
        assert!(inferred("api.shop.example", "shop.example").ends_with("\"api.shop.example\"."));
    }

    #[test]
    fn a_list_that_begins_with_an_authority_is_told() {
        let chain = Issued::to("shop.example");
        let seen = connected()
            .client_hello(|hello| hello.tls12().name("shop.example"))
            .server_flight(&[&chain.intermediate.der, &chain.leaf])
            .alert(Client, 2, 42)
            .seen();
        let finding = context()
            .trusting(&chain.root)
            .judged(&HostnameMismatch, &seen)
            .unwrap();
        assert!(finding.inferred.is_some_and(|text| text.contains("number 2")));
    }

    #[test]
    fn a_client_that_checks_the_name_after_the_handshake_leaves_without_data() {
        let chain = Issued::to("www.shop.example");
        let seen = asks_for("shop.example", &chain)
            .finished_by_both()
            .fin(Client)
            .fin(Server)
            .seen();
        assert_eq!(context().trusting(&chain.root).chosen(&seen), "hostname-mismatch");
    }

    #[test]
    fn a_client_that_sends_data_has_accepted_the_name() {
        let chain = Issued::to("www.shop.example");
        let seen = asks_for("shop.example", &chain)
            .finished_by_both()
            .sealed(Client, &[120])
            .fin(Client)
            .seen();
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&HostnameMismatch, &seen)
                .is_none()
        );
    }

    #[test]
    fn a_wildcard_covers_one_label() {
        let chain = Issued::to("*.shop.example");
        let seen = asks_for("api.shop.example", &chain).alert(Client, 2, 42).seen();
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&HostnameMismatch, &seen)
                .is_none()
        );
    }

    #[test]
    fn a_client_that_asked_for_no_name_tells_none_to_compare() {
        let chain = Issued::to("www.shop.example");
        let seen = connected()
            .client_hello(|hello| hello.tls12().nameless())
            .server_flight(&chain.whole())
            .alert(Client, 2, 42)
            .seen();
        assert!(
            context()
                .trusting(&chain.root)
                .judged(&HostnameMismatch, &seen)
                .is_none()
        );
    }
}
