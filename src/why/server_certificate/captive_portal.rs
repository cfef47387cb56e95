//! A guest network answers in everybody's name until the user has logged in.

use super::{case, refused};
use crate::why::prelude::*;
use crate::x509::{Certificate, NameMatch, covers};

/// One leaf for unrelated names, from the addresses of different servers, or for names that it does not hold; a probe that was redirected.
pub(crate) struct CaptivePortal;

/// Names of portals in their certificates: products' own, and words that operators use.
const PRODUCTS: [&str; 6] = [
    "securelogin.arubanetworks.com",
    "instant.arubanetworks.com",
    "captiveportal-login",
    "network-auth.com",
    "nomadix",
    "192.0.2.1",
];
/// First labels of the names that operators give to a login page.
const LABELS: [&str; 8] = [
    "login",
    "portal",
    "wifi",
    "wlan",
    "guest",
    "hotspot",
    "captive",
    "captiveportal",
];

impl Cause for CaptivePortal {
    fn id(&self) -> CauseId {
        CauseId("captive-portal")
    }

    fn page(&self) -> &'static str {
        include_str!("captive_portal.md")
    }

    fn outranks(&self) -> &'static [CauseId] {
        &[
            CauseId("server-certificate-rejected"),
            CauseId("client-abandoned"),
            CauseId("server-closed"),
            CauseId("internal-error"),
            CauseId("hostname-mismatch"),
            CauseId("untrusted-root"),
            CauseId("missing-intermediate"),
            CauseId("self-signed"),
        ]
    }

    fn judge(&self, seen: &Observed, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let (Some(case), Some(leaf), Some(name)) = (case(seen, context), seen.leaf(), seen.server_name()) else {
            return;
        };
        if covers(leaf, name) == NameMatch::Yes {
            return;
        }
        let answered = context.shown_leaf(seen).filter(|answered| answered.sites.len() >= 2);
        // One server with a default certificate answers many names alike: a portal answers for many servers.
        let for_many_servers = answered.filter(|answered| answered.servers.len() >= 2);
        let probe = context.probe(seen);
        let named = portal_name(leaf);
        let sum = [
            (probe.is_some(), 60),
            (
                for_many_servers.is_some() || answered.is_some() && (named || probe.is_some()),
                50,
            ),
            (named, 20),
        ];
        let sum: u8 = sum
            .iter()
            .filter(|(is_there, _)| *is_there)
            .map(|(_, weight)| weight)
            .sum();
        let weight = match sum {
            90.. => 93,
            60.. => 76,
            50.. => 55,
            _ => return,
        };
        let held = leaf.display_name();
        let also = answered.map_or_else(String::new, |answered| {
            let others = answered.sites.len().saturating_sub(1);
            let sites = if others == 1 { "site" } else { "sites" };
            format!(
                ", as it did for {others} other {sites} from {} addresses",
                answered.servers.len()
            )
        });
        let sentence = format!(
            "{} was asked for \"{name}\" and answered as \"{held}\"{also}: the network of {} wants a login first, and answers in everybody's name.",
            seen.server, seen.client.address
        );
        let shown = format!("Certificate \"{held}\", issued by \"{}\"", leaf.issuer.display());
        let mut finding = refused(self, weight, seen, &case.rejection, sentence, shown).at_fault(AtFault::Network);
        if let Some((site, mark)) = answered.and_then(|answered| {
            answered
                .sites
                .iter()
                .find(|(_, mark)| mark.frame != case.rejection.mark.frame && !is_here(seen, mark))
        }) {
            finding = finding.prove_elsewhere(
                *mark,
                format!("the same certificate, where a name of {site} was asked for"),
            );
        }
        if let Some(probe) = probe {
            finding = finding.prove_elsewhere(
                probe.mark,
                format!("\"{}\" is answered by \"{}\"", probe.request, probe.answer),
            );
        }
        findings.push(
            finding
                .but_not(CauseId("hostname-mismatch"), "one server with a wrong certificate would not answer for others")
                .remedy(
                    AtFault::Client,
                    "log in: any page without TLS leads there",
                    Some("curl -i http://detectportal.firefox.com/success.txt".to_owned()),
                )
                .remedy(
                    AtFault::Network,
                    "leave port 443 alone, and announce the login (RFC 8910, RFC 8908); let devices without a browser through by their address",
                    None,
                ),
        );
    }
}

fn is_here(seen: &Observed, mark: &Mark) -> bool {
    seen.server_chain
        .as_ref()
        .seen()
        .is_some_and(|chain| chain.span.mark.frame == mark.frame && chain.span.mark.capture == mark.capture)
}

/// True where the leaf has the name of a login page.
fn portal_name(leaf: &Certificate) -> bool {
    let names = leaf.extensions.dns_names.iter().chain(&leaf.subject.common_name);
    names.map(|name| name.to_lowercase()).any(|name| {
        let first = name.split('.').next().unwrap_or_default();
        PRODUCTS.iter().any(|product| name.contains(product)) || name.contains("hotspot") || LABELS.contains(&first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::testing::*;

    fn asks(leaf: &[u8], name: &str) -> Observed {
        connected()
            .client_hello(|hello| hello.tls12().name(name))
            .server_flight(&[leaf])
            .alert(Client, 2, 48)
            .fin(Client)
            .seen()
    }

    fn portal() -> Vec<u8> {
        Leaf::named("login.guests.test").signed_by(&Authority::root("Guests Root"))
    }

    fn probe(answer: &str) -> Observed {
        connected()
            .port(80)
            .say(Client, b"GET /generate_204 HTTP/1.1\r\n\r\n")
            .say(Server, answer.as_bytes())
            .seen()
    }

    #[test]
    fn one_leaf_of_a_login_page_for_two_sites_and_a_redirected_probe_are_one() {
        let leaf = portal();
        let (mail, shop, probe) = (
            asks(&leaf, "mail.example"),
            asks(&leaf, "shop.test"),
            probe("HTTP/1.1 302 Found\r\n\r\n"),
        );
        let world = || context().beside(&[&probe, &mail, &shop]);
        let finding = world().judged(&CaptivePortal, &mail).unwrap();
        assert_eq!((finding.weight, finding.at_fault), (91, AtFault::Network));
        assert!(
            finding
                .evidence
                .iter()
                .any(|evidence| evidence.text.contains("generate_204"))
        );
        assert_eq!(world().chosen(&mail), "captive-portal");
    }

    #[test]
    fn one_server_that_answers_everything_alike_is_none() {
        let leaf = Leaf::named("www.hoster.test").signed_by(&Authority::root("Hoster Root"));
        let (mail, shop) = (asks(&leaf, "mail.example"), asks(&leaf, "shop.test"));
        assert!(
            context()
                .beside(&[&mail, &shop])
                .judged(&CaptivePortal, &mail)
                .is_none()
        );
    }

    #[test]
    fn a_probe_that_succeeds_says_nothing() {
        let leaf = portal();
        let (mail, probe) = (asks(&leaf, "mail.example"), probe("HTTP/1.1 204 No Content\r\n\r\n"));
        assert!(
            context()
                .beside(&[&probe, &mail])
                .judged(&CaptivePortal, &mail)
                .is_none()
        );
    }
}
