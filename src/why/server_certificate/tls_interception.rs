//! Somebody on the way answers in the server's name, with a certificate of its own making.

use super::{case, prove_chain, refused, show_chain};
use crate::registry::{Inspector, InspectorKind, inspector_called};
use crate::why::prelude::*;
use crate::x509::{Anchored, Certificate, ChainReport, NameMatch, covers, is_public_name};

/// The issuer is an inspecting product's, or behaves like one.
pub(crate) struct TlsInterception;

/// Seconds within which a certificate made for the occasion was made: products keep them for a few days.
const FRESH: i64 = 72 * 3_600;
/// Unrelated sites for which no single operator has certificates.
const UNRELATED: usize = 3;

impl Cause for TlsInterception {
    fn id(&self) -> CauseId {
        CauseId("tls-interception")
    }

    fn page(&self) -> &'static str {
        include_str!("tls_interception.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("server-certificate-rejected"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
            CauseId("internal-error"),
            CauseId("untrusted-root"),
            CauseId("missing-intermediate"),
            CauseId("wrong-intermediate"),
        ]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Some(chain), Some(leaf)) = (context.chain(seen, Side::Server), seen.leaf()) else {
            return;
        };
        // A product's own page has a certificate of the product as well: what is forged has the name that was asked for.
        let in_its_name = seen
            .server_name()
            .is_some_and(|name| covers(leaf, name) == NameMatch::Yes);
        if !in_its_name || leaf.is_self_issued() {
            return;
        }
        let product = inspector_of(leaf, chain);
        let signs = signs(seen, context, leaf, product.is_some());
        let issuer = leaf.issuer.display();
        let weight = match (product, signs.len()) {
            (Some(_), 1..) => 96,
            (Some(_), 0) => 88,
            (None, 2..) => 90,
            (None, _) => return,
        };
        let by = product.map_or("a device or program that issues for everybody", |row| row.product);
        let shown = format!("Certificate: {}; issued by \"{issuer}\"", chain.path_text());
        // Where the client is known to trust the issuer, or others got through to the server, only its own word counts as a refusal.
        let is_known = matches!(chain.anchored, Anchored::Yes { .. });
        let case = case(seen, context).filter(|case| match case.rejection.sign {
            Sign::Alert(_) => true,
            Sign::LeftAfterCompletion => !is_known && context.server(seen).carried_data == 0,
            _ => !is_known,
        });
        let Some(case) = case else {
            let sentence = format!(
                "\"{issuer}\" issued the certificate of {}: {by} reads along.",
                server_called(seen)
            );
            findings.push(prove_chain(
                Finding::new(self, weight, sentence)
                    .at_fault(AtFault::Nobody)
                    .into_remark(),
                seen,
                shown,
            ));
            return;
        };
        let weight = if is_known { 60 } else { weight };
        let kind = product.map_or(InspectorKind::Company, |row| row.kind);
        let sentence = format!(
            "The certificate that came for {} is not the server's: \"{issuer}\" issued it, which is {}. This client does not trust that \
             authority.",
            server_called(seen),
            what_it_is(product)
        );
        let mut finding = refused(self, weight, seen, &case.rejection, sentence, shown)
            .at_fault(AtFault::Middlebox)
            .but_not(
                CauseId("untrusted-root"),
                "so it looks to the client; the server itself may well have a certificate that it trusts",
            );
        if !signs.is_empty() {
            finding = finding.infer(format!(
                "That it is made on the way shows in more than its name: {}.",
                signs.join("; ")
            ));
        }
        for &(side, text) in remedies(kind) {
            finding = finding.remedy(side, text, None);
        }
        findings.push(finding.remedy(
            AtFault::Both,
            "compare with the issuer that is seen from another network",
            Some(format!("{} </dev/null | openssl x509 -noout -issuer", show_chain(seen))),
        ));
    }
}

/// The product whose authority issued the leaf, or stands above it.
fn inspector_of(leaf: &Certificate, chain: &ChainReport) -> Option<&'static Inspector> {
    let above = chain.path.iter().skip(1).map(|link| &link.certificate.subject);
    std::iter::once(&leaf.issuer)
        .chain(above)
        .find_map(|name| inspector_called(name.common_name.as_deref(), name.organization.as_deref()))
}

/// What beside the name speaks for a certificate that was made on the way. Without a product's name only what others show counts.
fn signs(seen: &Observed, context: &Context<'_>, leaf: &Certificate, has_product: bool) -> Vec<String> {
    let mut signs = Vec::new();
    if let Some(issued) = context.issued_by(&leaf.issuer) {
        let count = issued.sites.len();
        if count >= UNRELATED {
            signs.push(format!(
                "it issued for {count} unrelated sites, {}",
                list(&issued.sites, 4)
            ));
        }
        if count >= 2 && issued.keys.len() == 1 {
            signs.push("all its certificates have one and the same key".to_owned());
        }
    }
    let old = context
        .time(seen)
        .map(|at| at.seconds().saturating_sub(leaf.not_before.seconds()));
    if let Some(old) = old.filter(|old| (0..FRESH).contains(old)) {
        signs.push(format!("the certificate is {} old", span_of_time(old as f64)));
    }
    let is_public = seen.server_name().is_some_and(is_public_name);
    if has_product && is_public && leaf.extensions.timestamps.is_none() {
        signs.push("no transparency log knows it, as those of a public site".to_owned());
    }
    signs
}

fn what_it_is(product: Option<&Inspector>) -> String {
    let Some(Inspector { product, kind, .. }) = product else {
        return "an authority that issues for everybody, as inspecting devices do".to_owned();
    };
    match kind {
        InspectorKind::Company => format!("{product}: the network or the company's agent inspects TLS"),
        InspectorKind::Antivirus => format!("{product}, antivirus software on the client's computer"),
        InspectorKind::Filter => format!("{product}, a filter on the client's computer or in its network"),
        InspectorKind::Debugging => format!("{product}, a proxy with which developers look into traffic"),
        InspectorKind::Unsafe => format!("{product}, which is known to endanger its users"),
    }
}

fn remedies(kind: InspectorKind) -> &'static [(AtFault, &'static str)] {
    match kind {
        InspectorKind::Company => &[
            (
                AtFault::Client,
                "give the inspecting authority's root to this client's own store as well (Java, Node, Python, containers have one each)",
            ),
            (
                AtFault::Middlebox,
                "or exempt the name from inspection: clients that pin keys or send certificates cannot pass otherwise",
            ),
        ],
        InspectorKind::Antivirus => &[(
            AtFault::Client,
            "import the antivirus' root into this program's store, or exempt the program or turn the scan of encrypted connections off in the antivirus",
        )],
        InspectorKind::Filter => &[(
            AtFault::Client,
            "import the filter's root into this program's store, or exempt the name in the filter",
        )],
        InspectorKind::Debugging => &[(
            AtFault::Client,
            "give the proxy's root to the program under test, or take the proxy out of its settings (HTTPS_PROXY)",
        )],
        InspectorKind::Unsafe => &[(
            AtFault::Client,
            "remove the software and its root from every store: whoever has its key can read all traffic",
        )],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn turned_down(leaf: &[u8], name: &str) -> Observed {
        connected()
            .client_hello(|hello| hello.tls12().name(name))
            .server_flight(&[leaf])
            .alert(Client, 2, 48)
            .fin(Client)
            .seen()
    }

    #[test]
    fn a_products_authority_without_a_transparency_log_is_certain() {
        let leaf = Leaf::named("shop.example").signed_by(&Authority::root("FortiGate CA"));
        let seen = turned_down(&leaf, "shop.example");
        let finding = judged(&TlsInterception, &seen).unwrap();
        assert!(Confidence::of_weight(finding.weight) >= Some(Confidence::Likely));
        assert!(
            finding.sentence.contains("Fortinet FortiGate: the network"),
            "{}",
            finding.sentence
        );
        assert_eq!(
            (finding.at_fault, chosen(&seen)),
            (AtFault::Middlebox, "tls-interception")
        );
    }

    #[test]
    fn antivirus_is_told_from_a_company() {
        let leaf = Leaf::named("shop.example").signed_by(&Authority::root("Avast Web/Mail Shield Root"));
        let finding = judged(&TlsInterception, &turned_down(&leaf, "shop.example")).unwrap();
        assert!(finding.sentence.contains("antivirus software"), "{}", finding.sentence);
        assert!(finding.remedies.iter().any(|remedy| remedy.text.contains("antivirus")));
    }

    #[test]
    fn a_products_own_page_is_no_interception() {
        let leaf = Leaf::named("fortigate.example").signed_by(&Authority::root("FortiGate CA"));
        assert!(judged(&TlsInterception, &turned_down(&leaf, "shop.example")).is_none());
    }

    #[test]
    fn an_unknown_authority_that_issues_for_everybody_is_one() {
        let authority = Authority::root("Branch Gateway");
        let fresh = |name: &str| {
            let leaf = Leaf::named(name).with(|params| params.not_before = rcgen::date_time_ymd(2026, 7, 1));
            leaf.signed_by(&authority)
        };
        let seen = turned_down(&fresh("shop.example"), "shop.example");
        let others: Vec<Vec<u8>> = ["shop.example", "bank.test", "news.invalid"].map(fresh).into();
        let finding = context()
            .with_leaves_elsewhere(&others)
            .judged(&TlsInterception, &seen)
            .unwrap();
        assert!(finding.inferred.is_some_and(|text| text.contains("3 unrelated sites")));
        assert!(judged(&TlsInterception, &seen).is_none());
    }

    #[test]
    fn a_client_that_goes_on_leaves_a_remark() {
        let leaf = Leaf::named("shop.example").signed_by(&Authority::root("Zscaler Root CA"));
        let seen = connected()
            .client_hello(|hello| hello.tls12().name("shop.example"))
            .server_flight(&[&leaf])
            .finished_by_both()
            .sealed(Client, &[90])
            .fin(Client)
            .seen();
        assert!(judged(&TlsInterception, &seen).is_some_and(|finding| finding.is_remark()));
        assert_eq!(chosen(&seen), "");
    }
}
