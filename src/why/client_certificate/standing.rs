//! Where the client's chain stands towards the authorities that the server names.

use super::request;
use crate::connection::{CertificateRequestSeen, Observed};
use crate::x509::{Anchored, ChainReport, ChainShape, Name, Origin, Sighting};

/// How far what the client sent leads towards an authority that the server names (RFC 5246 §7.4.4). These are an image of what the server
/// trusts, not the thing itself.
#[derive(Debug)]
pub(super) enum Standing<'a> {
    /// The server names none, or more than were read, or the request was not seen: nothing can be compared.
    Unknown,
    /// What was sent leads to an authority of this name, which the server names.
    Listed(&'a Name),
    /// The leaf is signed by its own key.
    SelfSigned,
    /// An intermediate was not sent that leads to an authority which the server names.
    Short {
        /// The name of what was not sent.
        missing: &'a Name,
        /// The authority that the server names.
        listed: &'a Name,
        /// Where the missing certificate was seen; without it, the two share their organization and no more.
        elsewhere: Option<&'a Sighting>,
    },
    /// None of the authorities that the server names has to do with it.
    Unlisted,
}

impl<'a> Standing<'a> {
    /// Holds the chain against the request.
    pub(super) fn of(seen: &'a Observed, chain: &'a ChainReport) -> Self {
        let is_self_signed = matches!(chain.shape, ChainShape::SelfSignedLeaf);
        let comparable =
            |request: &&CertificateRequestSeen| !request.authorities.is_empty() && request.more_authorities == 0;
        let Some(request) = request(seen).filter(comparable) else {
            return if is_self_signed {
                Self::SelfSigned
            } else {
                Self::Unknown
            };
        };
        let sent = chain.path.iter().filter(|link| matches!(link.origin, Origin::Sent(_)));
        let mut names = sent.flat_map(|link| [&link.certificate.issuer, &link.certificate.subject]);
        if let Some(listed) = names.find(|name| request.names(name)) {
            return Self::Listed(listed);
        }
        if is_self_signed {
            return Self::SelfSigned;
        }
        let Some(gap) = &chain.gap else { return Self::Unlisted };
        let elsewhere = match &chain.anchored {
            Anchored::Yes { .. } => &[],
            Anchored::ViaPool { missing, .. } => missing.as_slice(),
            Anchored::No { carried_on_by } => carried_on_by.as_slice(),
        };
        let leads_on = elsewhere.iter().find_map(|sighting| {
            let certificate = &sighting.certificate;
            [&certificate.issuer, &certificate.subject]
                .into_iter()
                .find(|name| request.names(name))
        });
        if let (Some(listed), elsewhere @ Some(_)) = (leads_on, elsewhere.first()) {
            return Self::Short {
                missing: &gap.issuer,
                listed,
                elsewhere,
            };
        }
        match request
            .authorities
            .iter()
            .find(|listed| share_organization(listed, &gap.issuer))
        {
            Some(listed) => Self::Short {
                missing: &gap.issuer,
                listed,
                elsewhere: None,
            },
            None => Self::Unlisted,
        }
    }
}

fn share_organization(one: &Name, other: &Name) -> bool {
    match (&one.organization, &other.organization) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::why::testing::*;

    /// The standing of these certificates towards these authorities, as its debug text, with other authorities seen elsewhere.
    fn standing(chain: &[&[u8]], named: &[&Authority], elsewhere: &[&Authority]) -> String {
        let seen = shown(chain, named).alert(Server, 2, 48).seen();
        let world = elsewhere
            .iter()
            .fold(context(), |world, authority| world.with_elsewhere(authority));
        world.in_context(&seen, |context| {
            let report = context.chain(&seen, Client).expect("a chain");
            match Standing::of(&seen, report) {
                Standing::Unknown => "unknown".to_owned(),
                Standing::Listed(name) => format!("listed {}", name.display()),
                Standing::SelfSigned => "self-signed".to_owned(),
                Standing::Short {
                    missing,
                    listed,
                    elsewhere,
                } => {
                    format!(
                        "short of {} below {}, {}",
                        missing.display(),
                        listed.display(),
                        elsewhere.is_some()
                    )
                }
                Standing::Unlisted => "unlisted".to_owned(),
            }
        })
    }

    #[test]
    fn a_chain_that_leads_to_a_named_authority_is_listed() {
        let chain = Issued::of(&client_leaf("alice"));
        assert_eq!(standing(&chain.whole(), &[&chain.root], &[]), "listed Shop Anchor");
        assert_eq!(
            standing(&[&chain.leaf], &[&chain.intermediate], &[]),
            "listed Shop Issuing CA"
        );
    }

    #[test]
    fn without_names_nothing_can_be_compared() {
        let chain = Issued::of(&client_leaf("alice"));
        assert_eq!(standing(&chain.whole(), &[], &[]), "unknown");
        assert_eq!(
            standing(&[&client_leaf("alice").self_signed()], &[], &[]),
            "self-signed"
        );
    }

    #[test]
    fn an_intermediate_that_was_seen_elsewhere_shows_what_is_missing() {
        let chain = Issued::of(&client_leaf("alice"));
        assert_eq!(
            standing(&[&chain.leaf], &[&chain.root], &[&chain.intermediate]),
            "short of Shop Issuing CA below Shop Anchor, true"
        );
        assert_eq!(standing(&[&chain.leaf], &[&chain.root], &[]), "unlisted");
    }

    #[test]
    fn an_issuer_of_the_same_organization_is_likely_below_the_named_one() {
        let of_shop = |params: &mut rcgen::CertificateParams| {
            params.distinguished_name.push(rcgen::DnType::OrganizationName, "Shop");
        };
        let root = Authority::root_with("Shop Anchor", of_shop);
        let leaf = client_leaf("alice").signed_by(&root.below_with("Device CA", of_shop));
        assert_eq!(
            standing(&[&leaf], &[&root], &[]),
            "short of Device CA below Shop Anchor, false"
        );
    }

    #[test]
    fn a_chain_of_strangers_is_unlisted() {
        let chain = Issued::of(&client_leaf("alice"));
        let other = Authority::root("Elsewhere Root");
        assert_eq!(standing(&chain.whole(), &[&other], &[]), "unlisted");
        let with_root = [&chain.leaf[..], &chain.intermediate.der, &chain.root.der];
        assert_eq!(standing(&with_root, &[&other], &[]), "unlisted");
    }
}
