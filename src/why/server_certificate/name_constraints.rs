//! An authority of the chain may not issue for the names in the certificate below it.

use super::{GENERIC, case, refused, show_chain};
use crate::why::prelude::*;
use crate::x509::{Flaw, Forbidden};

/// nameConstraints exclude a name of the certificate, or do not permit it.
pub(crate) struct NameConstraints;

impl Cause for NameConstraints {
    fn id(&self) -> CauseId {
        CauseId("name-constraints")
    }

    fn page(&self) -> &'static str {
        include_str!("name_constraints.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        let forbidden = case.chain.flaws.iter().find_map(|flaw| match &flaw.flaw {
            Flaw::NameForbidden(forbidden) => Some((case.chain.path.get(flaw.depth)?, flaw.depth, forbidden)),
            _ => None,
        });
        let Some((link, depth, Forbidden { name, .. })) = forbidden else {
            return;
        };
        let authority = link.certificate.display_name();
        let rule = link.certificate.extensions.name_constraints.as_ref();
        let rule = rule.map(ToString::to_string).unwrap_or_default();
        let sentence = format!(
            "The certificate of {} is for {name}, and the authority \"{authority}\" above it may not issue for that name: it {rule}. The \
             client refused it.",
            server_called(seen)
        );
        let shown = format!(
            "Certificate: {}; number {}, \"{authority}\": {rule} (nameConstraints)",
            case.chain.path_text(),
            depth + 1
        );
        findings.push(
            refused(self, 96, seen, &case.rejection, sentence, shown)
                .at_fault(AtFault::Ca)
                .remedy(
                    AtFault::Ca,
                    format!("issue the certificate from an authority that may name {name}, or issue the authority's own again with wider constraints"),
                    None,
                )
                .remedy(
                    AtFault::Server,
                    "or use names that the authority may certify",
                    None,
                )
                .remedy(AtFault::Both, "see the chain", Some(show_chain(seen))),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;
    use rcgen::GeneralSubtree;

    /// A leaf below an authority that may name this domain only.
    fn below(permitted: &str, alert: u8) -> (Authority, Observed) {
        let root = Authority::root("Shop Anchor");
        let branch = root.below_with("Branch CA", |params| {
            params.name_constraints = Some(rcgen::NameConstraints {
                permitted_subtrees: vec![GeneralSubtree::DnsName(permitted.to_owned())],
                excluded_subtrees: Vec::new(),
            });
        });
        let leaf = Leaf::named("shop.example").signed_by(&branch);
        let seen = connected()
            .client_hello(Hello::tls12)
            .server_flight(&[&leaf, &branch.der])
            .alert(Client, 2, alert)
            .fin(Client)
            .seen();
        (root, seen)
    }

    #[test]
    fn a_name_that_is_not_permitted_and_a_refusal_prove_it() {
        let (root, seen) = below("corp.example", 42);
        let world = || context().trusting(&root);
        let finding = world().judged(&NameConstraints, &seen).unwrap();
        assert!(Confidence::of_weight(finding.weight) >= Some(Confidence::Likely));
        assert!(
            finding.sentence.contains("permits only corp.example"),
            "{}",
            finding.sentence
        );
        assert_eq!(
            (finding.at_fault, world().chosen(&seen)),
            (AtFault::Ca, "name-constraints")
        );
    }

    #[test]
    fn a_name_inside_of_what_is_permitted_is_none() {
        let (root, seen) = below("example", 42);
        assert!(context().trusting(&root).judged(&NameConstraints, &seen).is_none());
    }
}
