//! The client's certificate leads to no authority that the server trusts.

use super::standing::Standing;
use super::{GENERIC, case, prove_certificate, prove_refusal, prove_request};
use crate::why::fits::fits_client;
use crate::why::prelude::*;
use crate::x509::{Certificate, Sighting};

/// Self-signed, without an intermediate, or from an authority that the server says it does not know.
pub(crate) struct ClientCertificateUntrusted;

/// What is said of one case.
struct Said {
    weight: u8,
    sentence: String,
    inferred: Option<String>,
}

impl Cause for ClientCertificateUntrusted {
    fn id(&self) -> CauseId {
        CauseId("client-certificate-untrusted")
    }

    fn page(&self) -> &'static str {
        include_str!("client_certificate_untrusted.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        GENERIC
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(case) = case(seen, context) else { return };
        let server = server_called(seen);
        let name = case.leaf.display_name();
        let issuer = case.leaf.issuer.display();
        let says_unknown = case.rejection.sign == Sign::Alert(AlertDescription::UNKNOWN_CA);
        let standing = Standing::of(seen, case.chain);
        let said = match &standing {
            Standing::SelfSigned => Said {
                weight: 94,
                sentence: format!(
                    "The client's certificate \"{name}\" is signed by its own key: no authority that {server} trusts vouches for it."
                ),
                inferred: None,
            },
            Standing::Short { missing, listed, elsewhere } => {
                let (missing, listed) = (missing.display(), listed.display());
                Said {
                    weight: if elsewhere.is_some() { 96 } else { 84 },
                    sentence: format!(
                        "The client sent {}, without the intermediate \"{missing}\" that issued it: {server} trusts \"{listed}\" and finds no way there.",
                        sent(case.leaf, case.chain.gap.as_ref().map(|gap| &*gap.below))
                    ),
                    inferred: elsewhere.is_none().then(|| {
                        format!(
                            "That \"{missing}\" stands below \"{listed}\" follows from their common organization; its certificate is not in the capture."
                        )
                    }),
                }
            }
            Standing::Unknown if says_unknown => Said {
                weight: 88,
                sentence: format!("{server} does not know the authority \"{issuer}\" that issued the client's certificate \"{name}\"."),
                inferred: Some("The server's request names no authority, so what it trusts cannot be compared.".to_owned()),
            },
            Standing::Listed(listed) if says_unknown => Said {
                weight: 82,
                sentence: format!(
                    "{server} names \"{}\" among its authorities, and yet says unknown_ca of the client's certificate \"{name}\" below it.",
                    listed.display()
                ),
                inferred: Some(
                    "Its certificate of that name has another key, its own way from there to a root is broken, its verify depth is too \
                     small, or the authority's revocation list is missing: OpenSSL says unknown_ca for each."
                        .to_owned(),
                ),
            },
            Standing::Unknown | Standing::Listed(_) | Standing::Unlisted => return,
        };
        let finding = Finding::new(
            self,
            fits_client(said.weight, self.id(), &case.rejection),
            said.sentence,
        )
        .at_fault(match standing {
            Standing::Short { .. } => AtFault::Client,
            _ => AtFault::Both,
        })
        .aborted_by(AbortedBy::Server);
        let finding = prove_certificate(prove_request(finding, seen), seen, case.leaf, "");
        let mut finding = prove_refusal(finding, seen, &case.rejection);
        finding.inferred = said.inferred;
        findings.push(match standing {
            Standing::Short { elsewhere, .. } => send_along(finding, elsewhere, case.chain.gap.as_ref().map(|gap| &*gap.below)),
            Standing::SelfSigned => finding
                .remedy(AtFault::Client, "use a certificate that an authority of the server's issued", None)
                .remedy(
                    AtFault::Server,
                    "or trust this very certificate: put it into the CA file; nginx",
                    Some("ssl_client_certificate clients.pem;".to_owned()),
                ),
            _ => finding
                .remedy(
                    AtFault::Server,
                    format!("if these clients are to be let in, put \"{issuer}\", or the root above it, into the CA file; nginx"),
                    Some("ssl_client_certificate ca.pem; ssl_verify_depth 3;".to_owned()),
                )
                .remedy(
                    AtFault::Client,
                    "send the intermediates along; hold the file against the server's CA",
                    Some("openssl verify -purpose sslclient -CAfile ca.pem -untrusted client.pem client.pem".to_owned()),
                ),
        });
    }
}

/// What of its chain the client sent, for people.
fn sent(leaf: &Certificate, last: Option<&Certificate>) -> String {
    match last.filter(|last| last.der != leaf.der) {
        None => format!("its certificate \"{}\" alone", leaf.display_name()),
        Some(last) => format!(
            "its certificate \"{}\" and what is above it up to \"{}\"",
            leaf.display_name(),
            last.display_name()
        ),
    }
}

fn send_along(finding: Finding, elsewhere: Option<&Sighting>, below: Option<&Certificate>) -> Finding {
    let mut finding = match elsewhere {
        Some(sighting) => {
            let missing = sighting.certificate.display_name();
            match sighting.first {
                Some(first) => finding.prove_elsewhere(
                    first,
                    format!("the missing certificate \"{missing}\" was sent elsewhere"),
                ),
                None => finding.infer(format!(
                    "The missing certificate \"{missing}\" is among those given with --intermediates."
                )),
            }
        }
        None => finding.but_not(
            CauseId("client-certificate-wrong-issuer"),
            "if it is an authority of its own, the server has to trust it first",
        ),
    };
    if let Some(url) = below.and_then(|below| below.extensions.ca_issuers_urls.first()) {
        finding = finding.remedy(
            AtFault::Client,
            "fetch the missing certificate",
            Some(format!("curl -O {}", shell(url))),
        );
    }
    finding.remedy(
        AtFault::Client,
        "send the intermediate along: one file, the client's certificate first",
        Some("cat client.crt intermediate.crt > client.pem".to_owned()),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::why::Confidence;
    use crate::why::testing::*;

    fn refused(chain: &[&[u8]], named: &[&Authority], description: u8) -> Observed {
        shown(chain, named).alert(Server, 2, description).fin(Server).seen()
    }

    #[test]
    fn a_self_signed_certificate_is_nobodys() {
        let leaf = client_leaf("alice").self_signed();
        let seen = refused(&[&leaf], &[&Authority::root("Shop Anchor")], 48);
        let finding = judged(&ClientCertificateUntrusted, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding.sentence.contains("\"alice\" is signed by its own key"),
            "{}",
            finding.sentence
        );
        assert_eq!(chosen(&seen), "client-certificate-untrusted");
    }

    #[test]
    fn an_intermediate_that_was_left_out_is_named() {
        let chain = Issued::of(&client_leaf("alice"));
        let seen = refused(&[&chain.leaf], &[&chain.root], 48);
        let finding = context()
            .with_elsewhere(&chain.intermediate)
            .judged(&ClientCertificateUntrusted, &seen)
            .unwrap();
        assert_eq!(
            (Confidence::of_weight(finding.weight), finding.at_fault),
            (Some(Confidence::Certain), AtFault::Client)
        );
        assert!(
            finding
                .sentence
                .contains("without the intermediate \"Shop Issuing CA\""),
            "{}",
            finding.sentence
        );
        assert!(finding.evidence.iter().any(|evidence| evidence.elsewhere));
    }

    #[test]
    fn an_unknown_authority_is_likely_where_the_server_says_so_and_names_none() {
        let chain = Issued::of(&client_leaf("alice"));
        let seen = refused(&chain.whole(), &[], 48);
        assert_eq!(confidence(&ClientCertificateUntrusted, &seen), Some(Confidence::Likely));
        assert_eq!(chosen(&seen), "client-certificate-untrusted");
        assert!(judged(&ClientCertificateUntrusted, &refused(&chain.whole(), &[], 46)).is_none());
    }

    #[test]
    fn a_server_may_say_so_of_an_authority_that_it_names() {
        let chain = Issued::of(&client_leaf("alice"));
        let seen = refused(&chain.whole(), &[&chain.root], 48);
        let finding = judged(&ClientCertificateUntrusted, &seen).unwrap();
        assert_eq!(Confidence::of_weight(finding.weight), Some(Confidence::Likely));
        assert!(
            finding
                .inferred
                .is_some_and(|inferred| inferred.contains("verify depth"))
        );
    }

    #[test]
    fn an_issuer_that_is_not_listed_is_another_cause() {
        let chain = Issued::of(&client_leaf("alice"));
        let seen = refused(&chain.whole(), &[&Authority::root("Elsewhere Root")], 48);
        assert!(judged(&ClientCertificateUntrusted, &seen).is_none());
    }
}
